"""Every operator that a forward equation may use, in random networks of them, held against 40-digit differences.

The reference evaluates formulas in mpmath, an example at a time, with operators of its own; its derivatives are
central differences. It knows no reverse rule, no batch axis and no broadcasting but of NumPy's object arrays.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

import array_circuits
from each import each
from strategies import circuit_lesson, dense, network_lesson
from tutor.engine import network
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.backprop import backward, gradient_of
from tutor.engine.expressions import (
    EPSILON,
    ONE,
    ZERO,
    Call,
    Const,
    Expr,
    Ref,
    Symbol,
    call,
    element,
    evaluate,
    indices,
    negative,
    product,
    rounding,
)
from tutor.engine.forward import model
from tutor.engine.gradient_check import check_all
from tutor.engine.local import simplified
from tutor.engine.model import Equation, Model
from tutor.engine.operators import same_shape
from tutor.engine.program import value_of
from tutor.engine.trace import trace

# What stands in gradients, in updates or in place of a shown formula, and never in a forward equation.
ONLY_BACKWARD = {
    "ratio", "times", "power_log", "sign", "wins_max", "wins_min",  # factors of gradients
    "expm1", "log1p", "erfc", "binary_cross_entropy_of_z", "cross_entropy_of_z",  # computed, never shown
    "stack",  # what a learner types
    "jacobian", "slopes", "mean_outer", "sum_outer",  # local derivatives, a batch's gradient
    "first_max", "first_min", "unpool_max", "one_hot", "hit", "pick",  # where a maximum lies, which class, which row
}  # fmt: skip

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = 3
H = mpf(10) ** -20
exact, exp, sin, cos, sqrt, ln, erf = (
    np.frompyfunc(f, 1, 1) for f in (lambda x: mpf(float(x)), mp.exp, mp.sin, mp.cos, mp.sqrt, mp.log, mp.erf)
)
_larger = np.frompyfunc(lambda x, y: x if x >= y else y, 2, 1)
_smaller = np.frompyfunc(lambda x, y: x if x <= y else y, 2, 1)
_chosen = np.frompyfunc(lambda z, x, y: x if z > 0 else y, 3, 1)


def _fold(function, arrays):
    found = arrays[0]
    for array in arrays[1:]:
        found = function(found, array)
    return found


REFERENCE = {
    "add": lambda *xs: _fold(lambda x, y: x + y, xs),
    "sub": lambda x, y: x - y,
    "neg": lambda x: -x,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "exp": exp, "sin": sin, "cos": cos, "sqrt": sqrt, "log": ln, "erf": erf,
    "abs": lambda x: abs(x),
    "pow": lambda x, n: exp(n * ln(x)),
    "max": lambda *xs: _fold(_larger, xs),
    "min": lambda *xs: _fold(_smaller, xs),
    "choose": _chosen,
    "matmul": lambda W, x: np.array([sum(w * v for w, v in zip(row, x, strict=True)) for row in W]),
    "transpose": lambda W: np.array([[row[j] for row in W] for j in range(len(W[0]))]),
    "outer": lambda x, y: np.array([[a * b for b in y] for a in x]),
    "rows": lambda x, like: np.array([x for _ in like]),
    "expand": lambda x, like: x + 0 * like,
    "sum_to": lambda x, like: sum(x.reshape((-1, *np.shape(like)))) if np.shape(x) != np.shape(like) else x,
    "sum": lambda x: sum(np.ravel(x)),
    "softmax": lambda z: exp(z) / sum(exp(z)),
    "tanh": lambda z: (exp(z) - exp(-z)) / (exp(z) + exp(-z)),
    "sigmoid": lambda z: 1 / (1 + exp(-z)),
    "linear": lambda z: z,
}  # fmt: skip


def reference(expr, values, example):
    """The value of a formula for one example, in 40 digits."""
    if isinstance(expr, Const):
        return mpf(expr.value)
    if isinstance(expr, Ref):
        value = values[expr.symbol.key]
        return value[example] if expr.symbol.per_example else value
    if expr.op in ("mean", "batch_sum"):
        found = sum(reference(expr.args[0], values, e) for e in range(EXAMPLES))
        return found / EXAMPLES if expr.op == "mean" else found
    return REFERENCE[expr.op](*(reference(arg, values, example) for arg in expr.args))


def output(model, given_values, example):
    """The model's output for an example, from the values of its parameters and data."""
    values = dict(given_values)
    for eq in model.forward:
        if eq.symbol.per_example:
            values[eq.symbol.key] = [reference(eq.formula, values, e) for e in range(EXAMPLES)]
        else:
            values[eq.symbol.key] = reference(eq.formula, values, 0)
    found = values[model.output.key]
    return found[example] if model.output.per_example else found


def grown(rng: random.Random, whole: bool) -> tuple[Model, list[Symbol]]:
    """Random equations over numbers, vectors, matrices and an example's data; `whole`: the batch has one output."""
    m, n = rng.randint(1, 3), rng.randint(1, 3)
    parameters = [Symbol("g"), Symbol("h"), Symbol("v", (n,)), Symbol("u", (m,)), Symbol("W", (m, n))]
    data = [Symbol("x", (n,), per_example=True), Symbol("s", (), per_example=True)]
    pool = [Ref(symbol) for symbol in (*parameters, *data)]
    equations: list[Equation] = []

    def pick(*shapes):
        return rng.choice([x for x in pool if not shapes or x.shape in shapes])

    def any_two():
        x = pick()
        return x, rng.choice([y for y in pool if y.shape in ((), x.shape) or not x.shape])

    makers = {
        "add": lambda: call("add", *any_two(), pick(())),
        "sub": lambda: call("sub", *any_two()),
        "mul": lambda: call("mul", *any_two()),
        "neg": lambda: call("neg", pick()),
        "div": lambda: (lambda x, y: x / (2 + y * y))(*any_two()),
        "exp": lambda: call("exp", call("sin", pick())),
        "cos": lambda: call("cos", pick()),
        "erf": lambda: call("erf", pick()),
        "sqrt": lambda: call("sqrt", 1 + call("mul", *[pick()] * 2) ** 2),
        "log": lambda: call("log", 2 + call("cos", pick())),
        "abs": lambda: call("abs", pick()),
        "pow": lambda: (2 + call("sin", pick())) ** pick(()),
        "max": lambda: call("max", *any_two(), pick(())),
        "min": lambda: call("min", *any_two()),
        "choose": lambda: (lambda x, y: call("choose", x, y, pick(())))(*any_two()),
        "matmul": lambda: call("matmul", pick((m, n)), pick((n,))),
        "transpose": lambda: call("matmul", call("transpose", pick((m, n))), pick((m,))),
        "outer": lambda: call("outer", pick((m,)), pick((n,))),
        "rows": lambda: call("rows", pick((n,)), pick((m,))),
        "expand": lambda: (lambda like: call("expand", pick(like.shape[1:], ()), like))(pick((m, n), (n,))),
        "sum_to": lambda: (lambda x: call("sum_to", x, pick(x.shape[1:])))(pick((m, n), (n,))),
        "sum": lambda: call("sum", pick((n,), (m, n))),
        "softmax": lambda: call("softmax", pick((n,), (m,))),
        "tanh": lambda: call("tanh", pick()),
        "sigmoid": lambda: call("sigmoid", pick()),
        "linear": lambda: call("linear", pick()),
        **({op: lambda op=op: call(op, pick(), param=EXAMPLES) for op in ("mean", "batch_sum")} if whole else {}),
    }  # fmt: skip
    while len(equations) < rng.randint(3, 9):
        formula = makers[rng.choice([*makers, "add", "matmul", "expand", "sum_to", "sum"])]()
        if formula_fits(formula):
            symbol = Symbol(f"t{len(equations)}", formula.shape, per_example=formula.batched)
            equations.append(Equation(symbol, formula, "forward", "gate_" + formula.op))
            pool.append(Ref(symbol))
    ends = [call("sum", x) if x.shape else x for x in pool[-3:]]
    ends = [call("mean", x, param=EXAMPLES) if whole and x.batched else x for x in ends]
    last = ends[0] + ends[1] * ends[2] + (0 if whole else call("sin", Ref(data[1])))
    equations.append(Equation(Symbol("L", (), per_example=last.batched), last, "forward", "gate_add"))
    return Model(tuple(equations), equations[-1].symbol, tuple(parameters), frozenset(), None, EXAMPLES), data


def formula_fits(formula) -> bool:
    """Means and sums over the examples are of what has examples."""
    return formula.op not in ("mean", "batch_sum") or formula.args[0].batched


@pytest.mark.parametrize("whole", [False, True], ids=["an output an example", "one output of the batch"])
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_gradients_of_random_formulas_are_their_differences(whole, seed):
    rng = random.Random(seed)
    model, data = grown(rng, whole)
    draw = np.random.default_rng(seed)
    values = {}
    for symbol in (*model.parameters, *data):
        values[symbol.key] = draw.uniform(-1.5, 1.5, ((EXAMPLES,) if symbol.per_example else ()) + symbol.shape)
    exactly = {key: exact(value) for key, value in values.items()}
    for eq in (*model.forward, *backward(model)):
        if not eq.deferred:
            found = value_of(eq, lambda ref: values[ref.symbol.key], EXAMPLES)
            assert np.shape(found) == ((EXAMPLES,) if eq.symbol.per_example else ()) + eq.symbol.shape, eq.symbol.id
            values[eq.symbol.key] = np.asarray(found)
    for symbol in model.parameters:
        gradient = gradient_of(model.output, symbol)
        got = values[gradient.id if gradient.id in values else gradient.key]
        for index in indices(symbol.shape):
            with mp.workdps(40):
                sides = []
                for step in (H, -H):
                    moved = np.array(exactly[symbol.key], dtype=object)
                    moved[index] = moved[index] + step
                    there = exactly | {symbol.key: moved if symbol.shape else moved[()]}
                    per = range(EXAMPLES) if model.output.per_example else (0,)
                    sides.append(sum(output(model, there, e) for e in per) / len(per))
                want = float((sides[0] - sides[1]) / (2 * H))
            assert float(got[index]) == pytest.approx(want, rel=1e-8, abs=1e-9), (symbol.id, index)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_an_element_s_formula_is_that_element_of_the_whole(seed):
    rng = random.Random(seed)
    model, data = grown(rng, True)
    draw = np.random.default_rng(seed)
    values = {}
    for symbol in (*model.parameters, *data):
        values[symbol.key] = draw.uniform(-1.5, 1.5, ((EXAMPLES,) if symbol.per_example else ()) + symbol.shape)

    def look(ref):
        value = np.asarray(values[ref.symbol.key])
        value = value if ref.example is None else value[ref.example]
        return value[(..., *ref.index)] if ref.index else value

    for eq in (*model.forward, *backward(model)):
        if eq.deferred:
            continue
        formula = eq.compute or eq.formula
        found = values[eq.symbol.key] = np.asarray(value_of(eq, look, EXAMPLES))
        for index in indices(eq.symbol.shape):
            one = np.broadcast_to(evaluate(element(formula, index), look), found[(..., *index)].shape)
            assert np.allclose(one, found[(..., *index)], rtol=1e-9, atol=1e-12), eq.symbol.id


@pytest.fixture(scope="module")
def table() -> dict[str, bool]:
    """The engine's own operators (questions have more, for wrong formulas), and whether they have a reverse rule."""
    code = "from tutor.engine.expressions import OPERATORS as O; print(*(f'{op} {bool(O[op].reverse)}' for op in O))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    words = run.stdout.split()
    return {op: has == "True" for op, has in zip(words[::2], words[1::2], strict=True)}


def test_every_operator_of_a_forward_equation_has_a_reverse_rule(table):
    without = {op for op, has in table.items() if not has and not op.endswith("′")}
    assert without - ONLY_BACKWARD == set(), "give each of these a reverse rule in operators.py"
    assert ONLY_BACKWARD - without == set(), "these have a reverse rule by now: take them out of ONLY_BACKWARD"


def test_every_operator_with_a_reverse_rule_is_held_against_differences(table):
    held = {*REFERENCE, "mean", "batch_sum", *ACTIVATIONS}  # the activations: test_gradients.py
    held |= set(array_circuits.FORWARD)  # of arrays: test_array_operators.py
    assert {op for op, has in table.items() if has} <= held


@pytest.mark.parametrize("formula", [call("ratio", Ref(Symbol("x")), Ref(Symbol("y"))), call("sign", Ref(Symbol("x")))])
def test_a_forward_equation_without_a_gradient_is_refused_where_it_is_made(formula):
    with pytest.raises(AssertionError, match=f"q uses {formula.op}: without a reverse rule"):
        Equation(Symbol("q"), formula, "forward", "gate", variant="add")


def test_an_equation_of_another_shape_is_refused_where_it_is_made():
    g, x = Ref(Symbol("g")), Ref(Symbol("x", (3,)))
    with pytest.raises(AssertionError, match=r"dL/dg has the shape \(\), but its formula has \(3,\)"):
        Equation(Symbol("dL/dg"), g * x, "backward", "gradient")
    with pytest.raises(AssertionError, match=r"q has the shape \(3,\), but its formula has \(\)"):
        Equation(Symbol("q", (3,)), x, "forward", "gate", variant="add", compute=g)
    assert Equation(Symbol("q", (3,)), Const(1.0), "backward", "local_derivative").formula == Const(1.0)


def test_a_number_times_a_vector_collects_from_all_of_its_elements():
    g, x = Symbol("g"), Symbol("x", (3,))
    y = Symbol("y", (3,))
    forward = (
        Equation(y, Ref(g) * Ref(x), "forward", "gate_mul"),
        Equation(Symbol("L"), call("sum", Ref(y) ** 2), "forward", "gate_sum"),
    )
    values = {"g": np.float64(2.0), "x": np.array([1.0, -2.0, 3.0])}
    for eq in (*forward, *backward(Model(forward, Symbol("L"), (g, x), frozenset()))):
        values[eq.symbol.key] = evaluate(eq.formula, lambda ref: values[ref.symbol.key])
    assert values["dL/dg"] == 2 * 2.0 * (1 + 4 + 9)  # L = g² Σx²
    assert values["dL/dx"].tolist() == [8.0, -16.0, 24.0]  # 2 g² x


@pytest.mark.parametrize("loss, name", [("binary_cross_entropy", "sigmoid"), ("cross_entropy", "softmax")])
def test_loss_and_activation_go_together_by_what_is_computed_not_by_a_name(loss, name, monkeypatch):
    """A connection past the last activation: ∂L/∂z is no longer ŷ − y."""
    layers = [dense([[0.2, 0.1], [0.1, 0.3]], [0.1, 0.2], "tanh"), dense([[0.3, 0.1], [0.2, 0.4]], None, name)]
    past = {"tanh": 0.0}
    monkeypatch.setattr(network, "activation", lambda name, alpha, z: call(name, z) + past.get(name, 0.3) * z)
    found = trace(network_lesson(layers, loss, [[0.5, 0.2], [0.3, 0.4]], [[1, 0], [0, 1]], batch="all"))
    assert not any(eq.shortcuts for eq in found.equations)
    for id in ("dL/dW1", "dL/dW2", "dL/db1"):
        assert check_all(found, Ref(found.find(id).equation.symbol)).worst < 1e-7


def test_a_model_says_what_a_lesson_s_layers_are():
    layers = [dense([[1, 2, 3]] * 2, [0, 0], "tanh"), dense([[1, 2]])]
    lesson = network_lesson(layers, "squared_error", [[1, 2, 3]], [[1]])
    taught = model(lesson)
    assert lesson.network.widths == (3, 2, 1) and [symbol.id for symbol in taught.data] == ["x", "y"]
    first, last = taught.layers
    assert (first.feeds.id, first.weights.id, first.biases.id, first.activation.id) == ("x", "W1", "b1", "a1")
    assert (last.feeds, last.biases, last.activation_name) == (first.activation, None, "linear")
    assert taught.layer_of(first.weights) == first and taught.layer_of(taught.data[0]) is None
    assert taught.widths == (3, 2, 1)
    assert [taught.units(k).id for k in range(3)] == ["x", "a1", "a2"]
    circuit = model(circuit_lesson(["f = x * x"], x=2))
    assert (circuit.layers, circuit.data, circuit.objective.id) == ((), (), "f")


@pytest.mark.parametrize("op, arguments, taken", [
    ("mean", 1, lambda x, y: x.mean(axis=0)), ("batch_sum", 1, lambda x, y: x.sum(axis=0)),
    ("mean_outer", 2, lambda x, y: sum(map(np.outer, x, y)) / 4),
    ("sum_outer", 2, lambda x, y: sum(map(np.outer, x, y))),
    ("exp", 1, None), ("sum", 1, None), ("softmax", 1, None), ("mul", 2, None), ("outer", 2, None),
])  # fmt: skip
def test_a_formula_says_whether_it_has_many_examples(op, arguments, taken):
    """What goes over the batch has none left: then the same value serves every example, and no gradient is spread."""
    x, y = np.arange(12.0).reshape(4, 3) / 10, np.arange(12.0)[::-1].reshape(4, 3) / 7
    leaves = [Ref(Symbol(id, (3,), per_example=True)) for id in "xy"[:arguments]]
    formula = call(op, *leaves, param=4 if op.startswith("mean") else None)
    value = np.asarray(evaluate(formula, lambda ref: {"x": x, "y": y}[ref.symbol.id]))
    assert formula.batched == (taken is None)
    assert value.ndim == len(formula.shape) + formula.batched
    if taken:
        np.testing.assert_allclose(value, taken(x, y), rtol=1e-14)


def test_factors_that_say_nothing_are_left_out_of_a_product_and_no_others():
    x = Ref(Symbol("x"))
    meant: dict[float, tuple[Expr, Expr]] = {1: (x, x), -1: (negative(x), negative(x))}
    for value in (1, -1, 0, 2, -2, 0.5):
        left, right = meant.get(value, (call("mul", value, x), call("mul", x, value)))
        assert (product(Const(value), x), product(x, Const(value))) == (left, right)
    assert product(Const(-1), Const(3)) == product(Const(3), Const(-1)) == Const(-3)
    assert product(x, x) == call("mul", x, x)


def test_shapes_that_do_not_go_together_are_said_with_their_lengths():
    with pytest.raises(ValueError) as said:
        same_shape((2, 3), (), (4, 3))
    assert str(said.value) == "the shapes (2, 3) and (4, 3) do not go together: lengths 2 and 4 along one axis"


@each("shape, other", [
    ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 3), (1, 3)), ((2, 3), (2, 1)), ((2, 3), (1,)), ((2, 3), ()),
    ((1, 3), (2, 1)), ((3,), (1,)), ((2, 2, 3), (2, 3)), ((2, 2, 3), (2, 1, 1)),
])  # fmt: skip
@each("op, numpy", [("sub", np.subtract), ("max", np.maximum), ("wins_max", np.greater_equal)])
def test_an_element_takes_what_numpy_s_broadcasting_puts_beside_it(op, numpy, shape, other):
    rng = np.random.default_rng(3)
    values = {"x": rng.normal(size=shape), "y": rng.normal(size=other)}
    formula = call(op, Ref(Symbol("x", shape)), Ref(Symbol("y", other)), param=0 if op == "wins_max" else None)
    want = numpy(values["x"], values["y"])
    assert formula.shape == want.shape
    for index in indices(want.shape):
        found = evaluate(element(formula, index), lambda ref: values[ref.symbol.id][ref.index or ()])
        assert found == want[index], index


@pytest.mark.parametrize("op, wins", [("max", np.greater_equal), ("min", np.less_equal)])
def test_of_each_example_s_vector_and_number_the_one_that_is_taken(op, wins):
    """As many examples as elements: whoever puts the numbers beside the elements gets another answer and no error."""
    x, s = np.array([[1.0, 5, 3], [4, 2, 6], [7, 9, 8]]), np.array([2.0, 5, 8])
    leaves = Ref(Symbol("x", (3,), per_example=True)), Ref(Symbol("s", (), per_example=True))
    for param, want in enumerate((wins(x, s[:, None]), ~wins(x, s[:, None]))):
        formula = call(f"wins_{op}", *leaves, param=param)
        found = evaluate(formula, lambda ref: {"x": x, "s": s}[ref.symbol.id])
        np.testing.assert_array_equal(found, want.astype(float))


def test_rounding_is_counted_in_the_distance_from_one_to_the_next_number():
    assert np.nextafter(1.0, 2.0) - 1.0 == EPSILON
    assert rounding(Ref(Symbol("x")), lambda ref: -3.0) == 3 * 8 * 2.0**-52  # a number that is given: eight of it
    assert rounding(Ref(Symbol("x")), lambda ref: np.inf) == 0


def test_what_is_nothing_is_left_out_of_the_element_of_a_table():
    x, y, zero = Ref(Symbol("x")), Ref(Symbol("y")), ZERO
    for op, args, meant in [
        ("add", (zero, x, zero), x), ("add", (zero, zero), zero), ("add", (x, zero, y), call("add", x, y)),
        ("sub", (x, zero), x), ("sub", (zero, x), call("neg", x)), ("sub", (zero, zero), zero), ("sub", (x, y), None),
        ("mul", (zero, x), zero), ("mul", (x, zero), zero), ("mul", (ONE, x), x), ("mul", (x, Const(-1.0)), -x),
        ("mul", (x, y), None), ("times", (zero, x), zero), ("times", (x, zero), zero), ("times", (x, ONE), None),
        ("div", (zero, x), zero), ("div", (x, y), None), ("div", (x, zero), None), ("neg", (zero,), zero),
        ("neg", (x,), None), ("choose", (x, y, y), y), ("choose", (x, x, y), None), ("choose", (x, y, x), None),
        ("max", (zero, zero), None), ("exp", (zero,), None),
    ]:  # fmt: skip
        node = Call(op, args)
        assert simplified(node) == (node if meant is None else meant), node
