"""What is 0 but for floating point is 0: its value, the branch at a kink, the tie, the grade; and nothing else is."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from each import each
from strategies import circuit_lesson, dense, network_lesson
from test_compiled import WAYS, follows_the_equations
from tutor.engine import run as running
from tutor.engine.compiled.arrays import arrays
from tutor.engine.compiled.scalars import scalars
from tutor.engine.lesson import Training
from tutor.engine.run import Run
from tutor.engine.trace import trace
from tutor.questions.grading import grade
from tutor.questions.question import Question
from tutor.text.writer import Writer


def value(line, **inputs):
    return float(trace(circuit_lesson([f"f = {line}"], **inputs)).find("f").value)


ZEROS = [
    ("a + b - c", {"a": 0.1, "b": 0.2, "c": 0.3}),
    ("c - (a + b)", {"a": 1.1, "b": 2.2, "c": 3.3}),
    ("a - b - c", {"a": 10.1, "b": 9.8, "c": 0.3}),  # the noise is of 10.1's size
    ("a - b - c", {"a": 1000000.1, "b": 1000000, "c": 0.1}),
    ("3 * a - b", {"a": 0.1, "b": 0.3}),
    ("0.1 + 0.2 - 0.3 + 0 * a", {"a": 1}),
    ("sqrt(a) ** 2 - a", {"a": 2}),
    ("log(exp(a)) - a", {"a": 2.3}),
    ("log(3 * a / b)", {"a": 0.1, "b": 0.3}),
    ("sin(a)", {"a": np.pi}),
    ("sin(100 * a)", {"a": np.pi}),
    ("5 * cos(a / 2)", {"a": np.pi}),
    ("sigmoid(log(a)) - 0.75", {"a": 3}),
    ("tanh(a) - (exp(a) - exp(-a)) / (exp(a) + exp(-a))", {"a": 0.3}),
    ("relu(a + b - c) * 1000", {"a": 0.1, "b": 0.2, "c": 0.3}),
    ("(a + b - c) / (b - c)", {"a": 0.1, "b": 0.2, "c": 0.3}),
    ("(a / b - c) ** 2", {"a": 0.6, "b": 0.2, "c": 3}),
]
NOT_ZERO = [
    ("a + b - 1", {"a": 1e-13, "b": 1}, 1e-13),
    ("1 - sigmoid(a)", {"a": 30}, 9.357622968839e-14),
    ("1 - sigmoid(a)", {"a": 33}, 4.658886145103e-15),
    ("a + b", {"a": 1e-20, "b": -9.99e-21}, 1e-23),
    ("sin(a)", {"a": 1e-20}, 1e-20),
    ("log(1 + a)", {"a": 1e-12}, 1e-12),
    ("1000000 * a - b", {"a": 1.000001, "b": 1000001.0000001}, -1e-7),
]


@each("line, inputs", ZEROS)
def test_what_rounding_alone_left_is_zero(line, inputs):
    assert value(line, **inputs) == 0


@pytest.mark.parametrize(("line", "inputs", "right"), NOT_ZERO)
def test_what_is_merely_small_is_not(line, inputs, right):
    assert value(line, **inputs) == pytest.approx(right, rel=0.1)


def relu_at_zero(scale, activation="relu"):
    """A unit whose sum is scale · (1 + 2 − 3), and another."""
    first = dense([[scale, 2 * scale], [0.5, 0.5]], [-3 * scale, 0], activation)
    return network_lesson([first, dense([[2, 1]])], "half_squared_error", [[1, 1]], [[3]], learning_rate=0.1)


@pytest.mark.parametrize("scale", [0.1, 0.7, 1e-9, 33.3])
@pytest.mark.parametrize(("activation", "slope"), [("relu", 0), ("leaky_relu", 0.01)])
def test_a_sum_that_cancels_stands_at_the_kink(activation, slope, scale):
    for lesson in (relu_at_zero(1, activation), relu_at_zero(scale, activation)):
        found = trace(lesson)
        assert found.find("z1").value.tolist() == [0, 1]
        assert found.find("dL/dz1").value.tolist() == [-4 * slope, -2]


@pytest.mark.parametrize("line", ["max(c, a + b)", "min(c, a + b)"])
def test_of_what_only_rounding_tells_apart_the_first_is_taken(line):
    found = trace(circuit_lesson([f"f = {line}"], a=0.1, b=0.2, c=0.3))
    assert [float(found.find(id).value) for id in ("df/dc", "df/da", "df/db")] == [1, 0, 0]
    many = trace(circuit_lesson(["f = max(d, b + c, a * 3)"], a=0.1, b=0.1, c=0.2, d=0.3 - 1e-9))
    assert [float(many.find(f"df/d{name}").value) for name in "dbca"] == [0, 1, 1, 0]


@pytest.mark.parametrize("line", ["abs(a + b - c)", "abs(c - a - b)"])
def test_the_sign_of_what_cancels_is_zero(line):
    found = trace(circuit_lesson([f"f = {line}"], a=0.1, b=0.2, c=0.3))
    assert all(float(found.find(f"df/d{name}").value) == 0 for name in "abc")


def perfect(activation="linear", loss="half_squared_error", **how):
    layers = [dense([[0.6, -0.4], [0.3, 0.2]], [0.1, 0.1], activation), dense([[0.7, -0.5]], [0.1])]
    return network_lesson(layers, loss, [[1, 0.5]], [[0.2]], **how)


@pytest.mark.parametrize("loss", ["squared_error", "half_squared_error", "mean_squared_error"])
def test_a_perfect_prediction_has_no_error_anywhere_and_zero_is_right(loss):
    found = trace(perfect(loss=loss))
    writer = Writer(found.lesson, "dz")
    assert found.find("L").value == 0
    for step in found.steps("scalar"):
        if step.phase == "backward":
            assert step.value == 0, step.id
            for given in ({}, {"dL/da2[1]": 0.0}):
                assert grade(Question(step, writer), "0", given).kind == "correct", step.id


DIGITS = st.integers(-99, 99).map(lambda n: Decimal(n) / 100)


@given(st.lists(st.integers(1, 4), min_size=2, max_size=6), st.data())
def test_targets_that_a_network_of_decimals_hits(widths, data):
    """Of layers without curves the output is a decimal, too: taken as the target it leaves no gradient at all."""
    drawn = [data.draw(DIGITS) for _ in range(widths[0])]
    layers, exact = [], list(drawn)
    for before, units in pairwise(widths):
        W = [[data.draw(DIGITS) for _ in range(before)] for _ in range(units)]
        b = [data.draw(DIGITS) for _ in range(units)]
        layers.append(dense([[float(w) for w in row] for row in W], [float(v) for v in b]))
        exact = [
            sum((Fraction(w) * Fraction(v) for w, v in zip(row, exact, strict=True)), Fraction(c))
            for row, c in zip(W, b, strict=True)
        ]
    lesson = network_lesson(layers, "squared_error", [[float(v) for v in drawn]], [[float(v) for v in exact]])
    found = trace(lesson)
    for step in found.steps():
        if step.phase in ("loss", "backward"):
            assert not np.any(step.value), step.id


def test_the_error_of_a_prediction_that_converges_is_kept():
    """The residual halves at each iteration, down to the last digits: 1.8 / 2ᵏ."""
    lesson = network_lesson(
        [dense([[0.5]], [0.2])], "half_squared_error", [[2]], [[3]], learning_rate=0.1, optimizer="sgd"
    )
    run = Run(lesson)
    for number in range(1, 44):
        residual = float(run.iteration(number).values["dL/da1"][0])
        assert residual == pytest.approx(-1.8 / 2 ** (number - 1), rel=0.02, abs=0), number
    assert run.iteration(80).values["dL/da1"][0] == 0


def test_the_mean_of_a_batch_that_cancels_is_zero():
    """Three examples whose errors are 0.1, 0.2 and −0.3."""
    lesson = network_lesson(
        [dense([[0.0]], [0.0])], "half_squared_error", [[1], [1], [1]], [[-0.1], [-0.2], [0.3]], batch="all"
    )
    found = trace(lesson)
    assert found.find("dL/db1").value == 0 and found.find("dL/dW1").value == 0


# ---------------------------------------------------------------- the same in fast training

LESSONS = {
    "relu at 0": lambda how: relu_at_zero(0.1) if how == "sgd" else relu_at_zero(0.7),
    "perfect": lambda how: perfect(optimizer=how, learning_rate=0.1),
    "perfect relu": lambda how: perfect("relu", optimizer=how, learning_rate=0.1),
    "batch": lambda how: network_lesson(
        [dense([[1.0]], [0.0], "relu"), dense([[1.0]], [0.0])],
        "half_squared_error", [[0.1], [-0.1], [0.3]], [[0.1], [0], [0.3]],
        batch="all", optimizer=how, learning_rate=0.1,
    ),
}  # fmt: skip


def test_an_example_s_own_gradient_is_0_where_the_batch_s_is():
    """With one bias for all units of a softmax each example's blames cancel: ŷ₁ − 1 = −ŷ₂."""
    layers = [dense([[0.37]]), dense([[1.072], [-1.399]], 1.09, "softmax")]
    x = [[x / 10] for x in range(-20, 20)]
    found = trace(network_lesson(layers, "cross_entropy", x, [[1, 0]] * len(x), batch=len(x)))
    assert found.find("dL/db2").value == 0
    for example in range(len(x)):
        assert found.value(found.find(f"dL/db2@{example + 1}").ref) == 0, example


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["sgd", "momentum", "adam", "adamw"])
@pytest.mark.parametrize("name", LESSONS)
def test_training_takes_the_branch_and_the_step_that_the_equations_take(name, how, way, monkeypatch):
    monkeypatch.setattr(running, "SCALAR_WORK", WAYS[way])
    follows_the_equations(LESSONS[name](how))


@pytest.mark.parametrize("how", ["sgd", "adam"])
@pytest.mark.parametrize(
    ("lines", "inputs"),
    [
        (["f = abs(x)"], {"x": 0.3}),  # three steps of 0.1
        (["s = a + b", "f = max(c, s) * d"], {"a": 0.1, "b": 0.2, "c": 0.3, "d": 2}),
        (["s = a + b - c", "f = relu(s) * d"], {"a": 0.1, "b": 0.2, "c": 0.3, "d": 2}),
        (["f = relu(0.1 + 0.2 - 0.3) + min(a, b) ** 2"], {"a": 0.3, "b": 0.5}),
    ],
)
def test_circuits_at_a_kink_train_as_the_equations_say(lines, inputs, how):
    follows_the_equations(circuit_lesson(lines, training=Training(0.1, how), **inputs), 40)


@pytest.mark.parametrize("way", [scalars, arrays])
def test_only_what_has_kinks_or_divides_by_gradients_is_watched(way, monkeypatch):
    """The equations are asked where they decide, and nowhere else: it costs a hundred times as much."""
    monkeypatch.setattr(running, "SCALAR_WORK", {scalars: 10**9, arrays: -1}[way])
    asked = []
    monkeypatch.setattr(Run, "_by_equations", lambda self, number, flat: asked.append(number))
    rng = np.random.default_rng(1)
    for activation, how in (("sigmoid", "sgd"), ("relu", "sgd"), ("relu", "adam"), ("tanh", "adam")):
        layers = [dense(rng.normal(size=(5, 3)), rng.normal(size=5), activation), dense(rng.normal(size=(2, 5)))]
        lesson = network_lesson(
            layers, "half_squared_error", rng.normal(size=(8, 3)), rng.normal(size=(8, 2)),
            optimizer=how, learning_rate=0.01,
        )  # fmt: skip
        run = Run(lesson)
        run._iterate(1, 200)
    assert not asked


def test_gradients_of_a_deep_network_are_not_taken_for_rounding():
    """What rounding does in the worst case grows from layer to layer, beyond the values themselves."""
    rng = np.random.default_rng(1)
    depth, wide, rows = 30, 60, 5
    W = [rng.normal(size=(wide, wide)) / np.sqrt(wide) for _ in range(depth)]
    x, y = rng.normal(size=(rows, wide)), rng.normal(size=(rows, wide)) / 3
    lesson = network_lesson([dense(w, None, "tanh") for w in W], "half_squared_error", x, y, batch="all")
    here, a = trace(lesson), [x]
    for w in W:
        a.append(np.tanh(a[-1] @ w.T))
    back = a[-1] - y
    for layer in range(depth, 0, -1):
        dz = back * (1 - a[layer] ** 2)
        right = dz.T @ a[layer - 1] / rows
        assert np.allclose(here.find(f"dL/dW{layer}").value, right, rtol=1e-9, atol=1e-11 * np.abs(right).max()), layer
        back = dz @ W[layer - 1]
