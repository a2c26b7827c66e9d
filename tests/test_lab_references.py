"""The lab's reference solutions against what shares nothing with the tutor: finite differences, numbers by hand."""

from __future__ import annotations

from functools import cache
from math import tanh
from pathlib import Path

import numpy as np
import pytest

from tutor.lab.exercises import EXERCISES

DATA = Path(__file__).parent / "data" / "lab"


@cache
def written(id):
    names = {}
    exec(compile((DATA / f"{id}.py").read_text(encoding="utf-8"), f"{id}.py", "exec"), names)
    return names[EXERCISES[id].name]


def arguments(id, case=1, seed=5):
    exercise = EXERCISES[id]
    return exercise.arguments(exercise.cases(np.random.default_rng(seed))[case])


def returned(id, given):
    found = written(id)(*given.values())
    return dict(zip(EXERCISES[id].returns, found, strict=True))


def slope(f, x, eps=1e-6):
    """The gradient of f at x by central differences, in the shape of x."""
    x = np.array(x, dtype=float)
    found = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        sides = []
        for side in (eps, -eps):
            moved = x.copy()
            moved[at] += side
            sides.append(f(moved if moved.shape else float(moved)))
        found[at] = (sides[0] - sides[1]) / (2 * eps)
    return found


@pytest.mark.parametrize(
    "id, result, weighed, gradients",
    [
        ("neuron", "L", "", {"w": "dw", "b": "db"}),
        ("two_gates", "f", "", {"x": "dx", "y": "dy", "z": "dz"}),
        ("softmax", "L", "", {"W": "dW", "b": "db"}),
        ("batch", "L", "", {"W1": "dW1", "b1": "db1", "W2": "dW2", "b2": "db2"}),
        ("weight_decay", "L", "", {"W": "dW", "b": "db"}),
        ("weight_decay", "J", "", {"W": "dJ"}),
        ("batch_norm", "H", "dH", {"X": "dX", "gain": "dgain", "shift": "dshift"}),
        ("convolution", "z", "dz", {"x": "dx", "k": "dk", "b": "db"}),
        ("recurrence", "H", "dh", {"Wx": "dWx", "Wh": "dWh", "b": "db"}),
        ("attention", "O", "dO", {"X": "dX"}),
    ],
)
def test_what_goes_back_is_what_a_small_change_does(id, result, weighed, gradients):
    """Of a layer's result its product with what comes back to it counts; of a recurrence the last state."""
    for case in (1, 2):
        given = arguments(id, case)
        found = returned(id, given)

        def loss(name, value, given=given):
            out = np.asarray(returned(id, given | {name: value})[result])
            out = out[-1] if id == "recurrence" else out
            return float(np.sum(out * (given[weighed] if weighed else 1.0)))

        for name, gradient in gradients.items():
            measured = slope(lambda value, name=name: loss(name, value), given[name])
            np.testing.assert_allclose(found[gradient], measured, rtol=1e-5, atol=1e-7, err_msg=f"{id} {gradient}")


def test_what_attention_gives_its_queries_keys_and_values():
    given = arguments("attention")
    found = returned("attention", given)
    seen = np.tri(len(found["Q"]), dtype=bool)

    def out(Q, K, V):
        scores = np.exp(np.where(seen, Q @ K.T / np.sqrt(Q.shape[1]), -np.inf))
        return float(np.sum(scores / scores.sum(axis=1, keepdims=True) @ V * given["dO"]))

    parts = {name: found[name] for name in "QKV"}
    for name in "QKV":
        measured = slope(lambda value, name=name: out(**parts | {name: value}), parts[name])
        np.testing.assert_allclose(found[f"d{name}"], measured, rtol=1e-5, atol=1e-8)


def test_a_network_of_two_layers_backward():
    exercise = EXERCISES["mlp_backward"]
    case = exercise.cases(np.random.default_rng(5))[1]
    found = returned("mlp_backward", exercise.arguments(case))
    x, y, parts = case.value("x"), case.value("y"), {name: case.value(name) for name in ("W1", "b1", "W2", "b2")}

    def loss(W1, b1, W2, b2):
        hidden = 1 / (1 + np.exp(-(W1 @ x + b1)))
        return float(np.sum((1 / (1 + np.exp(-(W2 @ hidden + b2))) - y) ** 2) / 2)

    for name in parts:
        measured = slope(lambda value, name=name: loss(**parts | {name: value}), parts[name])
        np.testing.assert_allclose(found[f"d{name}"], measured, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    "id, numbers",
    [
        ("mlp_forward", {"a1": [0.593873, 0.689974], "a2": [0.462944], "L": 0.770149}),  # σ(0.38), σ(0.8), −ln
        ("momentum", {"new_v": [1.41, -0.6], "new_w": [7.831, -0.26]}),  # ½ · 1 + 0.91, ½ · 2 − 1.6
        ("adam", {"mhat": [0.973684, 1.473684], "vhat": [0.951226, 2.499250], "new_w": [9.00083, 0.0339102]}),
        ("softmax", {"p": [0.1, 0.2, 0.4, 0.3], "L": 1.60944, "dp": [0, -5, 0, 0], "dz": [0.1, -0.8, 0.4, 0.3]}),
        ("recurrence", {"H": [[0.5, 0.8], [0.5, -0.6], [0.6, 0.8]], "dWh": [[0.11, -0.048], [0.1316, -0.04144]]}),
    ],
)
def test_the_numbers_of_the_lesson_by_hand(id, numbers):
    found = returned(id, arguments(id, case=0))
    for name, right in numbers.items():
        np.testing.assert_allclose(found[name], right, rtol=2e-5, atol=2e-6)


def test_softmax_of_large_numbers_is_that_of_their_differences():
    z = returned("softmax", arguments("softmax", case=3))
    assert z["z"].max() > 900 and np.isclose(z["p"].sum(), 1)
    np.testing.assert_allclose(z["p"][0] / z["p"][1], np.exp(z["z"][0] - z["z"][1]), rtol=1e-9)


def test_a_gradient_is_measured_in_any_shape():
    w, wrong = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[2.0, -4.0], [1.5, 6.0]])
    numeric, error = written("gradient_check")(lambda v: float(np.sum(v**2)), w, wrong, 0.01)
    np.testing.assert_allclose(numeric, 2 * w, rtol=1e-10)  # of a square the central difference is exact
    assert np.isclose(error, 0.5 / 1.5)  # 1 was measured where 1.5 is said


FORMULAS = {
    "u = a * b, w = u + a, v = w + c, f = tanh(v)": lambda a, b, c: tanh(a * b + a + c),
    "u = a + c, w = u * a, v = w * c, f = v + b": lambda a, b, c: (a + c) * a * c + b,
    "u = a * b, w = u * u, v = w * b, f = v + c": lambda a, b, c: (a * b) ** 2 * b + c,
    "u = a * b, w = tanh(u), v = u * w, f = c + v": lambda a, b, c: c + a * b * tanh(a * b),
}


def test_the_engine_agrees_with_a_small_change_in_each_of_its_circuits():
    Value = written("forty_lines")
    for case in EXERCISES["forty_lines"].cases(np.random.default_rng(5)):
        formula = FORMULAS[case.title.rpartition(",")[0]]
        numbers = np.array([float(case.value(name)) for name in "abc"])
        values = {name: Value(float(number)) for name, number in zip("abc", numbers, strict=True)}
        for name, op, *of in case.extra["gates"]:
            one, *other = (values[parent] for parent in of)
            values[name] = one.tanh() if op == "tanh" else one + other[0] if op == "add" else one * other[0]
        values["f"].backward()
        assert np.isclose(values["f"].data, formula(*numbers))
        measured = slope(lambda v, formula=formula: formula(*v), numbers)
        np.testing.assert_allclose([values[name].grad for name in "abc"], measured, rtol=1e-6)
