"""Lessons whose equations are about arrays, from the circuit to the trained parameters.

Every gradient is held against separate NumPy code, written out by hand below; every id resolves; what training comes to
is what the steps show.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from tutor.engine.expressions import Ref, evaluate, indices, refs
from tutor.engine.forward import model
from tutor.engine.gradient_check import check_all
from tutor.engine.ids import read_id
from tutor.engine.lesson import Lesson
from tutor.engine.loss_slope import slope
from tutor.engine.program import batch_size, rows
from tutor.engine.run import Run
from tutor.engine.trace import NoSuchStep, Trace, trace
from tutor.lessonfiles.reading.lesson import build


def lesson(text: str) -> Lesson:
    found, faults = build(tomllib.loads('format = 1\ntitle = "A"\nsummary = "B"\n' + text), Path("a.toml"))
    assert found is not None, faults.found
    return found


ATTENTION = """
[circuit]
define = [
  "Q = X @ Wq", "K = X @ Wk", "V = X @ Wv",
  "S = Q @ K.T / sqrt(2)",
  "P = softmax(causal(S))",
  "O = P @ V",
  "L = sum((O - Y)**2) / 2",
]
output = "L"
parameters = ["Wq", "Wk", "Wv"]
data = ["Y"]
[circuit.inputs]
X = [[1.0, 0.0], [0.0, 2.0], [1.0, -1.0]]
Wq = [[0.5, -0.3], [0.2, 0.4]]
Wk = [[0.1, 0.6], [-0.5, 0.3]]
Wv = [[0.7, -0.2], [0.4, 0.9]]
Y = [[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]
[training]
learning_rate = 0.1
"""

RECURRENT = """
[circuit]
define = ["h{t} = tanh(Wx @ x{t} + Wh @ h{t-1} + b)", "y = V @ h3", "L = sum((y - target)**2) / 2"]
repeat = { t = [1, 3] }
output = "L"
data = ["x", "h0", "target"]
[circuit.inputs]
x = [[1.0, 0.5], [-0.5, 1.0], [0.25, -1.0]]
h0 = [0.0, 0.0]
Wx = [[0.5, -0.4], [0.3, 0.8]]
Wh = [[0.2, 0.6], [-0.7, 0.1]]
b = [0.1, -0.2]
V = [[1.0, -0.5]]
target = [0.5]
[training]
learning_rate = 0.2
optimizer = "adam"
"""

BATCH_NORM = """
[circuit]
define = [
  "m = mean(X, axis=0)",
  "v = var(X, axis=0)",
  "N = (X - m) / sqrt(v + 0.001)",
  "A = g * N + b",
  "L = sum((A - Y)**2) / 4",
]
output = "L"
data = ["Y"]
[circuit.inputs]
X = [[1.0, 2.0], [0.5, -1.0], [-0.5, 0.0], [2.0, 1.0]]
g = [1.5, 0.5]
b = [0.1, -0.1]
Y = [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [1.0, 1.0]]
"""

EXAMPLES = """
[circuit]
define = ["h = tanh(W @ x + b)", "z = s * (V @ h)", "L = sum((z - y)**2) / 2 + s**2"]
output = "L"
data = ["y"]
[circuit.inputs]
W = [[0.5, -0.3], [0.2, 0.4], [0.1, 0.7]]
b = [0.1, 0.0, -0.1]
V = [[0.3, -0.6, 0.2]]
s = 1.5
[training]
learning_rate = 0.1
batch = 2
[[examples]]
x = [1.0, 0.5]
y = [1.0]
[[examples]]
x = [-1.0, 2.0]
y = [0.0]
[[examples]]
x = [0.5, 0.5]
y = [-1.0]
"""

# Convolution, pooling, embedding, parts and shapes, each with whatever goes through it.
EVERYTHING = """
[circuit]
define = [
  "c = conv(x, k, padding=0)",
  "r = relu(c)",
  "p = max_pool(r, 2, stride=1)",
  "q = avg_pool(c, 2, stride=1)",
  "f = reshape(p, 8)",
  "g = reshape(q, 8)",
  "u = concat(f, g, axis=0)",
  "z = W @ u + b",
  "n = norm(z)",
  "e = embedding(E, ids)",
  "s = log_softmax(e @ E.T)",
  "t = row(s, 2)",
  "L = cross_entropy(reshape(n, 1, 3), y) + sum(t * gain) + max(z) + sum(x * max(x, k2))",
]
output = "L"
data = ["ids", "y"]
[circuit.inputs]
x = [[[1.0, 0.5, -0.5, 2.0], [0.25, 1.5, 0.75, -1.0], [0.0, 1.0, 2.0, 0.5], [1.25, -0.25, 0.5, 1.0]]]
k = [[[[0.5, -0.5], [1.0, 0.25]]], [[[0.1, 0.2], [0.3, -0.4]]]]
k2 = 0.6
W = [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8,
   0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
  [0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8,
   0.1, -0.2, 0.3, 0.4, 0.5, -0.6, 0.7, 0.8],
  [0.9, -0.2, -0.3, 0.4, -0.5, 0.6, 0.7, 0.8,
   0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]]
b = [0.1, 0.2, -0.3]
E = [[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]]
ids = [2, 1, 2]
y = [2]
gain = [1.0, 0.5, -0.5]
[training]
learning_rate = 0.002
optimizer = "momentum"
"""

ALL = {
    "attention": ATTENTION,
    "recurrent": RECURRENT,
    "batch norm": BATCH_NORM,
    "examples": EXAMPLES,
    "everything": EVERYTHING,
}


def close(got, true) -> None:
    np.testing.assert_allclose(got, true, rtol=1e-10, atol=1e-13)


def gradients(here: Trace) -> dict[str, np.ndarray]:
    return {key: np.asarray(value) for key, value in here.iteration.values.items() if key.startswith("dL/")}


def test_attention_forward_and_back():
    here = trace(lesson(ATTENTION))
    X, Wq, Wk, Wv, Y = (np.asarray(here.iteration.values[id]) for id in ("X", "Wq", "Wk", "Wv", "Y"))
    q, k, v = X @ Wq, X @ Wk, X @ Wv
    s = q @ k.T / np.sqrt(2)
    s[np.triu_indices(3, 1)] = -np.inf
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    o = p @ v
    do = o - Y
    dp, dv = do @ v.T, p.T @ do
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True)) / np.sqrt(2)
    dq, dk = ds @ k, ds.T @ q
    found = gradients(here)
    for id, true in {
        "dL/dO": do, "dL/dP": dp, "dL/dV": dv, "dL/dQ": dq, "dL/dK": dk, "dL/dS.1": ds,
        "dL/dWq": X.T @ dq, "dL/dWk": X.T @ dk, "dL/dWv": X.T @ dv,
        "dL/dX@Q": dq @ Wq.T, "dL/dX@K": dk @ Wk.T, "dL/dX@V": dv @ Wv.T,
        "dL/dX": dq @ Wq.T + dk @ Wk.T + dv @ Wv.T,
    }.items():  # fmt: skip
        close(found[id], true)
    close(here.iteration.values["L"], ((o - Y) ** 2).sum() / 2)
    assert "dL/dY" not in found  # data: no gradient is wanted
    assert here.program.model.blocked == {"P.1"}
    assert here.program.by_key["dL/dX"].rule == "uses"


BLOCKED = """
[circuit]
define = [
  "M = causal(S)", "T = M.T", "C = concat(T, V)", "E = 2 * M + S", "N = tanh(M - S)",
  "P = softmax(M)", "U = S + V", "O = P @ V", "F = O * V + U + P",
  "L = sum(F) + sum(exp(E)) + sum(exp(C)) + sum(N)",
]
output = "L"
[circuit.inputs]
S = [[0.5, 1.0], [0.25, 0.0]]
V = [[1.0, 2.0], [0.5, 1.0]]
"""


def test_what_is_blocked_follows_element_by_element_and_by_moves_and_no_further():
    here = trace(lesson(BLOCKED))
    values = here.iteration.values
    blocked = {id for id in here.program.model.blocked if np.ndim(values[id])}
    assert {id for id, value in values.items() if np.any(np.isneginf(value))} <= blocked
    assert {id.partition(".")[0] for id in blocked} == {"M", "T", "C", "E", "N", "L"}
    assert not here.program.model.blocked & {"S", "V", "P", "U", "O", "F", "L"}


def test_backpropagation_through_time_has_a_part_for_each_time():
    here = trace(lesson(RECURRENT))
    value = {id: np.asarray(found) for id, found in here.iteration.values.items()}
    Wx, Wh, b, V = value["Wx"], value["Wh"], value["b"], value["V"]
    x = [value[f"x{t}"] for t in (1, 2, 3)]
    h = [value["h0"]]
    for t in range(3):
        h.append(np.tanh(Wx @ x[t] + Wh @ h[-1] + b))
    error = V @ h[3] - value["target"]
    back = V.T @ error
    whole = {"Wx": 0.0, "Wh": 0.0, "b": 0.0}
    for t in (3, 2, 1):
        close(value[f"dL/dh{t}"], back)
        dz = back * (1 - h[t] ** 2)
        parts = {"Wx": np.outer(dz, x[t - 1]), "Wh": np.outer(dz, h[t - 1]), "b": dz}
        for name, part in parts.items():
            close(value[f"dL/d{name}@h{t}"], part)
            whole[name] = whole[name] + part
        back = Wh.T @ dz
    for name, total in whole.items():
        close(value[f"dL/d{name}"], total)
    close(value["dL/dV"], np.outer(error, h[3]))
    # One gate, as in a network; and the parts come back from the last time to the first.
    made = model(lesson(RECURRENT))
    assert [eq.symbol.id for eq in made.forward][:2] == ["h1.1", "h1"] and made.forward[0].variant == "add"
    order = [eq.symbol.id for eq in here.equations if eq.symbol.id.startswith("dL/dWh")]
    assert order == ["dL/dWh@h3", "dL/dWh@h2", "dL/dWh@h1", "dL/dWh"]
    assert [ref.id for ref in refs(here.program.by_key["dL/dWh"].formula)] == order[:3]
    # Each comes back through the gate that takes it: the products within the sum, or the sum itself.
    takers = {id: here.program.by_key[f"dL/d{id}"].variant for id in ("Wx@h2", "Wh@h2", "b@h2", "h1", "h3.1", "y")}
    assert takers == {"Wx@h2": "matmul", "Wh@h2": "matmul", "b@h2": "add", "h1": "matmul", "h3.1": "tanh", "y": "sub"}


def test_a_transposed_factor_comes_back_through_the_product_that_takes_it():
    here = trace(lesson(ATTENTION))
    assert {id: here.program.by_key[f"dL/d{id}"].variant for id in ("Q", "K", "P", "S.1")} == {
        "Q": "matmul", "K": "matmul", "P": "matmul", "S.1": "div",
    }  # fmt: skip


@pytest.mark.parametrize("line, dx, dy", [("s - x * y", -5, -3), ("s + x * y", 5, 3), ("s - x / y", -0.2, 0.12)])
def test_a_gradient_of_minus_1_comes_to_a_product_with_its_sign(line, dx, dy):
    """The product stands within the line of the sum: what comes back to it is 1 or −1 and has no name."""
    circuit = f'[circuit]\ndefine = ["s = sum(v)", "f = {line}"]\noutput = "f"\n'
    found = trace(lesson(circuit + "inputs = { v = [1.0, 2.0], x = 3.0, y = 5.0 }"))
    assert (found.find("df/dx").value, found.find("df/dy").value) == pytest.approx((dx, dy))


def test_batch_norm_the_long_way():
    here = trace(lesson(BATCH_NORM))
    X, g, Y = (np.asarray(here.iteration.values[id]) for id in ("X", "g", "Y"))
    m, root = X.mean(axis=0), np.sqrt(X.var(axis=0) + 0.001)
    hat = (X - m) / root
    da = (g * hat + here.iteration.values["b"] - Y) / 2
    dn = da * g
    found = gradients(here)
    close(found["dL/db"], da.sum(axis=0))
    close(found["dL/dg"], (da * hat).sum(axis=0))
    close(found["dL/dX"], (dn - dn.mean(axis=0) - hat * (dn * hat).mean(axis=0)) / root)
    named = {eq.symbol.id for eq in here.equations}
    assert {"dL/dX@N", "dL/dX@m", "dL/dX@v"} <= named  # the three ways on which X reaches the loss
    close(sum(found[f"dL/dX@{use}"] for use in ("N", "m", "v")), found["dL/dX"])


def test_a_number_that_two_lines_share_and_examples_in_batches():
    taught = lesson(EXAMPLES)
    assert batch_size(taught) == 2 and rows(taught, 1).tolist() == [0, 1]
    here = trace(taught)
    value = here.iteration.values
    W, b, V, s = (np.asarray(value[id]) for id in ("W", "b", "V", "s"))
    means = {id: 0.0 for id in ("W", "b", "V", "s")}
    for e in range(2):
        x, y = taught.examples["x"][e], taught.examples["y"][e]
        h = np.tanh(W @ x + b)
        dz = s * (V @ h) - y
        dh = s * (V.T @ dz) * (1 - h**2)
        own = {"W": np.outer(dh, x), "b": dh, "V": s * np.outer(dz, h), "s": dz @ (V @ h) + 2 * s}
        for id, true in own.items():
            close(here.find(f"dL/d{id}@{e + 1}").value, true)
            means[id] = means[id] + true / 2
        close(here.find(f"dL/dx@{e + 1}").value, W.T @ dh)
        close(here.find(f"dL/ds@z@{e + 1}").value, dz @ (V @ h))
        close(here.find(f"dL/ds@L@{e + 1}").value, 2 * s)
    for id, true in means.items():
        close(value[f"dL/d{id}"], true)
    assert here.find("dL/dW").equation.rule == "mean_gradient" and here.find("L").equation.rule == "mean_loss"
    assert here.program.model.data == tuple(here.program.named(id) for id in ("x", "y"))


@pytest.mark.parametrize("name", ALL)
def test_every_element_has_an_id_that_leads_to_it_and_a_formula_that_comes_to_it(name):
    here = trace(lesson(ALL[name]))
    for step in here.steps():
        assert here.find(step.id).ref == step.ref
        if not here.program.model.sound(step.equation.symbol, step.value).all():
            raise AssertionError(step.id)
        for index in indices(step.shape):
            one = step.at(index)
            assert here.find(one.id).ref.index in (index, None) and read_id(one.id)
            with np.errstate(all="ignore"):
                close(evaluate(one.formula, here.value), np.asarray(step.value)[index])
    for wrong in ("dL/dW@nowhere", "dL/dX[9,9]", "dL/dX[1,1]@V[1,1]"):
        with pytest.raises(NoSuchStep):
            here.find(wrong)


def test_ids_of_uses_are_read_in_either_order():
    here = trace(lesson(RECURRENT))
    assert here.find("dL/dWh[1,2]@h3").id == here.find("dL/dWh@h3[1,2]").id == "dL/dWh[1,2]@h3"
    assert read_id("dL/dk[1,1,2,2]@c.1@3") == read_id("dL/dk@c.1[1,1,2,2]@3")
    assert read_id("dL/dk[1,1,2,2]@c.1@3").index == (0, 0, 1, 1) and read_id("dL/dk@c.1@3").base == "dL/dk@c.1"


@pytest.mark.parametrize("name", ["attention", "recurrent", "examples", "everything"])
def test_training_is_what_the_steps_show(name):
    taught = lesson(ALL[name])
    run = Run(taught)
    assert run.train(30) == "done" and run.losses[-1] < run.losses[0]
    other = Run(taught)
    for number in (1, 2, 17, 30):
        found = other.iteration(number)
        close(found.values[run.loss.key], run.losses[number - 1])
        after = other.parameters(number + 1)
        for id in taught.circuit.parameters:
            close(after[id], found.values[f"{id}'"])
    assert set(after) == set(taught.circuit.inputs) - {*taught.circuit.examples, *taught.circuit.data}


@pytest.mark.parametrize("name", ALL)
def test_gradients_pass_the_check_of_differences(name):
    here = trace(lesson(ALL[name]))
    for eq in here.equations:
        if eq.symbol.quantity == "gradient":  # of a use: what changes if only that gate sees another value
            ref = Ref(eq.symbol, None, 0 if eq.symbol.per_example else None)
            assert check_all(here, ref).together < 1e-6, ref.id


def test_the_slope_of_one_weight():
    found = slope(trace(lesson(ATTENTION)), Ref(trace(lesson(ATTENTION)).program.symbols["Wq"], (0, 1)))
    assert found.update is not None and found.update.loss < found.loss and len(found.xs)


def test_a_line_of_one_gate_is_no_compound_and_only_the_output_has_each_example_s_value():
    text = EXAMPLES.replace('+ s**2"', '+ (s * s) * 2"').replace('"h = tanh', '"r = s * s", "h = tanh')
    forward = {eq.symbol.id: eq for eq in model(lesson(text), 2).forward if eq.rule == "gate"}
    assert forward["r"].line is None
    assert forward["h"].line == forward["h.1"].line == "h = tanh(W @ x + b)"
    squares = [eq for id, eq in forward.items() if id.startswith("L.") and not eq.formula.batched]
    assert squares and not any(eq.symbol.per_example for eq in squares)
    assert forward["L"].symbol.per_example and not forward["r"].symbol.per_example
    alone = EXAMPLES.replace("L = sum((z - y)**2) / 2 + s**2", "L = (s * s) * 2")
    *inner, last = (eq for eq in model(lesson(alone), 2).forward if eq.symbol.id.startswith("L") and eq.rule == "gate")
    assert inner and not any(eq.symbol.per_example for eq in inner) and last.symbol.per_example
