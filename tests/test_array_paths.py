"""Paths through equations over arrays, element to element, held against every path walked one by one."""

from __future__ import annotations

import tomllib
from itertools import product
from math import prod

import numpy as np
import pytest

from array_circuits import random_circuit
from each import each
from tutor.engine.expressions import Ref, Symbol, call, evaluate, indices
from tutor.engine.lesson import Circuit, Definition, Lesson
from tutor.engine.local import local_derivative
from tutor.engine.paths import Paths, target
from tutor.engine.reuse import of_parameters, tally
from tutor.engine.trace import Trace, trace
from tutor.lessonfiles.reading.lesson import build
from tutor.text.card import Scribe
from tutor.text.layout import linear
from tutor.text.lines import reuse_lines


def circuit(inputs: dict, *lines: tuple[str, object], data=()) -> Trace:
    definitions = tuple(Definition(name, formula, "") for name, formula in lines)
    values = {name: np.array(value, dtype=float) for name, value in inputs.items()}
    return trace(Lesson("c", "c", circuit=Circuit(values, definitions, lines[-1][0], data=tuple(data))))


def of(name: str, value) -> Ref:
    return Ref(Symbol(name, np.shape(value)))


def walked(paths: Paths, symbol: Symbol, flat: int) -> list[float]:
    """The products of all paths from an element to the output, a link and an element at a time."""
    if symbol == paths.output:
        return [1.0]
    found = []
    for link in paths.links.get(symbol, ()):
        size, tops = prod(symbol.shape), prod(link.top.shape)
        local = np.broadcast_to(evaluate(link.local.formula, paths.trace.value), link.local.symbol.shape).reshape(-1)
        for top in range(tops):
            if link.dense:
                if link.where is not None and not link.where[top, flat]:
                    continue
                factor = local.reshape(tops, size)[top, flat]
            elif top == flat // (size // tops):
                factor = local[flat]
            else:
                continue
            found += [factor * rest for rest in walked(paths, link.top, top)]
    return found


@each("seed", range(40))
def test_paths_of_random_circuits_add_up_to_the_gradients(seed):
    grown = random_circuit(seed, lines=3)
    found = trace(grown.lesson())
    paths, rng = Paths(found), np.random.default_rng(seed)
    for symbol in grown.parameters:
        for index in rng.permutation(list(indices(symbol.shape)))[:2]:
            of = Ref(found.program.symbols[symbol.key], tuple(map(int, index)))
            chain = paths.chain(of)
            flat = int(np.ravel_multi_index(of.index, symbol.shape)) if of.index else 0
            assert chain.total == pytest.approx(grown.slope(symbol, of.index), rel=1e-10, abs=1e-12)
            if chain.count > 3000:
                continue
            products = walked(paths, of.symbol, flat)
            assert chain.count == len(products) and chain.zero == sum(p == 0 for p in products)
            assert sum(products) == pytest.approx(chain.total, rel=1e-9, abs=1e-11)
            listed = sorted(abs(path.product) for path in chain.paths)
            np.testing.assert_allclose(listed, sorted(map(abs, products))[-len(listed) :] if listed else [], rtol=1e-9)
            for path in chain.paths:
                for factor in path.factors:
                    assert evaluate(factor.formula, found.value) == pytest.approx(factor.value, rel=1e-9, abs=1e-12)


def test_only_what_depends_on_an_element_counts():
    """By hand: a row times a column, a softmax's own row, a window's places, what lies under a mask."""
    A, B = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]
    C = call("matmul", of("A", A), of("B", B))
    found = Paths(circuit({"A": A, "B": B}, ("L", call("sum", C))))
    assert found.chain(Ref(found.trace.program.symbols["A"], (0, 0))).count == 2
    assert found.chain(Ref(found.trace.program.symbols["B"], (2, 1))).count == 2

    X, Y = [[0.1, 0.2, 0.4], [0.5, 0.1, 0.0]], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    P = call("softmax", of("X", X))
    found = Paths(circuit({"X": X, "Y": Y}, ("L", call("sum", P * of("Y", Y))), data=["Y"]))
    chain = found.chain(Ref(found.trace.program.symbols["X"], (1, 2)))
    assert (chain.count, chain.zero) == (3, 2)  # the targets of the others are 0

    x, k = [1.0, 2.0, 3.0, 4.0], [0.5, -1.0]
    z = call("conv", of("x", x), of("k", k), param=(1, 0))
    found = Paths(circuit({"x": x, "k": k}, ("L", call("sum", z))))
    count = lambda name, at: found.chain(Ref(found.trace.program.symbols[name], (at,))).count  # noqa: E731
    assert [count("x", at) for at in range(4)] == [1, 2, 2, 1] and [count("k", at) for at in range(2)] == [3, 3]

    S = [[1.0, 2.0], [3.0, 4.0]]
    found = Paths(circuit({"S": S}, ("L", call("sum", call("softmax", call("causal", of("S", S))) ** 2))))
    counts = {at: found.chain(Ref(found.trace.program.symbols["S"], at)).count for at in product(range(2), repeat=2)}
    assert counts == {(0, 0): 2, (0, 1): 0, (1, 0): 2, (1, 1): 2}  # nobody looks at what is blocked


def test_rows_that_nobody_looked_up_have_no_path():
    E, ids = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [1.0, 3.0, 1.0]
    found = Paths(
        circuit({"E": E, "ids": ids}, ("L", call("sum", call("embedding", of("E", E), of("ids", ids)))), data=["ids"])
    )
    assert [found.chain(Ref(found.trace.program.symbols["E"], (row, 0))).count for row in range(3)] == [2, 0, 1]


def test_a_table_that_nobody_can_look_at_is_not_made():
    wide = np.ones((60, 60))
    found = circuit({"A": wide, "B": wide}, ("L", call("sum", call("matmul", of("A", wide), of("B", wide)))))
    assert local_derivative(found.equations[0], found.program.symbols["A"]) is None
    assert target(found.find("dL/dA")) is None and target(found.find("dL/dL.1")) is not None
    C = call("norm", of("C", wide), param=(-2, 0.1))
    found = circuit({"A": wide, "B": wide}, ("C", of("A", wide) * of("B", wide)), ("L", call("sum", C)))
    assert target(found.find("dL/dA")) is None  # the norm's table is on its way
    assert of_parameters(found.program) == (0, 0) and len(list(reuse_lines(found.program))) == 1


def test_the_meter_counts_element_by_element():
    """dL/dy = 2y is a factor, and multiplies nothing; times w for each x, and times each x for w: 3 + 3."""
    x, w = [1.0, 2.0, 3.0], 2.0
    found = circuit({"x": x, "w": w}, ("y", of("x", x) * Ref(Symbol("w"))), ("L", call("sum", of("y", x) ** 2)))
    reused, by_path = of_parameters(found.program)
    assert (reused, by_path) == (6, 6)


def test_a_table_of_slopes_is_named_by_both_of_its_places():
    """∂P[1,2]/∂S[1,1] of a softmax's rows, by hand: P11 · (−P12); of another row 0. The whole table has no formula."""
    S = [[0.0, np.log(3.0)], [0.5, 0.1]]
    found = circuit({"S": S}, ("P", call("softmax", of("S", S))), ("L", call("sum", of("P", S) ** 2)))
    writer = Scribe(found, "dz")
    one = writer.card(found.find("dP/dS[1,2,1,1]")).main.docs
    assert [linear(doc) for doc in one[:2]] == ["∂P₁₂/∂S₁₁", "P₁₁ · (−P₁₂)"]
    assert found.find("dP/dS[1,2,1,1]").value == pytest.approx(-0.25 * 0.75)
    assert found.find("dP/dS[2,2,1,1]").value == 0
    whole = writer.card(found.find("dP/dS"))
    assert len(whole.main.docs) == 2 and linear(whole.main.docs[0]) == "∂P/∂S"


def test_the_chain_of_a_use_has_the_paths_through_that_gate_alone():
    """A weight used twice: q = W x, r = W q. Through r the path is short; the two uses add up."""
    W, x = [[0.5, -1.0], [2.0, 0.3]], [1.0, 3.0]
    q = call("matmul", of("W", W), of("x", x))
    r = call("matmul", of("W", W), of("q", x))
    found = circuit({"W": W, "x": x}, ("q", q), ("r", r), ("L", call("sum", of("r", x) ** 2)))
    paths = Paths(found)
    whole, *uses = (paths.chain(target(found.find(id))) for id in ("dL/dW[1,2]", "dL/dW@q[1,2]", "dL/dW@r[1,2]"))
    assert [chain.count for chain in (whole, *uses)] == [3, 2, 1]
    assert whole.total == pytest.approx(sum(chain.total for chain in uses))
    W_, x_ = np.array(W), np.array(x)
    dr = 2 * W_ @ W_ @ x_
    assert uses[1].total == pytest.approx(dr[0] * (W_ @ x_)[1])
    assert uses[0].total == pytest.approx((W_.T @ dr)[0] * x_[1])
    for chain in uses:
        assert sum(path.product for path in chain.paths) == pytest.approx(chain.total)


def test_the_meter_counts_each_use_of_a_shared_weight_at_its_own_step():
    """p = W(Wx), L = Σp²: of W@p each of 4 elements is 2p · h; of W@h each has 2 paths 2p · W · x. By hand: 4, 16."""
    W, x = [[0.5, 2.0], [1.0, -1.0]], [2.0, 1.0]
    h = call("matmul", of("W", W), of("x", x))
    found = circuit(
        {"W": W, "x": x}, ("h", h), ("p", call("matmul", of("W", W), of("h", x))), ("L", call("sum", of("p", x) ** 2)),
        data=["x"],
    )  # fmt: skip
    counted = {key: (one.here, one.here_by_path) for key, one in tally(found.program).items()}
    assert (counted["dL/dW@p"], counted["dL/dW@h"], counted["dL/dW"]) == ((4, 4), (4, 16), (0, 0))
    assert of_parameters(found.program)[1] == 20


def test_what_only_moves_or_adds_up_multiplies_nothing():
    """b for every row of X, and L = Σ(X + b)²: the factor 2z of each, and no other."""
    X, b = [[1.0, 2.0], [3.0, 4.0]], [0.5, 1.0]
    found = circuit({"X": X, "b": b}, ("z", of("X", X) + of("b", b)), ("L", call("sum", of("z", X) ** 2)), data=["X"])
    assert of_parameters(found.program) == (0, 0)


def test_the_meter_counts_the_parameters_that_an_update_changes():
    """z = W x + b: of W four multiplications, of b none; x has a gradient, too, but nothing updates it."""
    told = (
        'format = 1\ntitle = "T"\n[circuit]\ndefine = ["z = W @ x + b", "r = z * z", "L = sum(r)"]\noutput = "L"\n{}'
        "[circuit.inputs]\nW = [[1, 2], [3, 4]]\nx = [1, 2]\nb = [0.5, 1]\n{}"
    )
    whole = trace(build(tomllib.loads(told.format("", "")), "t.toml")[0]).program
    trained = trace(build(tomllib.loads(told.format('parameters = ["W", "b"]\n', "[training]\n")), "t.toml")[0]).program
    count = {key: entry.here_by_path for key, entry in tally(whole).items()}
    assert of_parameters(whole)[1] == count["dL/dW"] + count["dL/db"] + count["dL/dx"]
    assert of_parameters(trained)[1] == count["dL/dW"] + count["dL/db"] and count["dL/dx"] > 0
