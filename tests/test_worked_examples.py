"""Published worked examples, to the digits that are printed there; and ours, worked out by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from strategies import circuit_lesson, dense, network_lesson
from tutor.engine.lesson import Training
from tutor.engine.run import Run
from tutor.engine.trace import trace
from tutor.lessonfiles.reading.lesson import read
from tutor.solutions.files import Handed, read_arrays
from tutor.solutions.judging import diagnose

ROOT = Path(__file__).parent.parent


def printed(value, text):
    """The value agrees with a number as it is printed: within a unit of the last digit (some are cut there)."""
    unit = 10.0 ** -len(text.partition(".")[2])
    return abs(value - float(text)) < unit


def all_printed(found, expected):
    for id, text in expected.items():
        assert printed(found.find(id).value, text), f"{id}: {found.find(id).value}, printed {text}"


# ---- Matt Mazur, "A Step by Step Backpropagation Example", 2015


def mazur(**training):
    layers = [
        dense([[0.15, 0.20], [0.25, 0.30]], [0.35, 0.35], "sigmoid"),
        dense([[0.40, 0.45], [0.50, 0.55]], [0.60, 0.60], "sigmoid"),
    ]
    return network_lesson(layers, "half_squared_error", [[0.05, 0.10]], [[0.01, 0.99]], learning_rate=0.5, **training)


MAZUR = {
    "z1[1]": "0.3775",
    "a1[1]": "0.593269992",
    "a1[2]": "0.596884378",
    "z2[1]": "1.105905967",
    "a2[1]": "0.75136507",
    "a2[2]": "0.772928465",
    "L": "0.298371109",
    "dL/da2[1]": "0.74136507",
    "da2/dz2[1]": "0.186815602",
    "dz2/dW2[1,1]": "0.593269992",
    "dL/dW2[1,1]": "0.082167041",
    "dL/dz2[1]": "0.138498562",
    "dL/da1[1]": "0.036350306",
    "da1/dz1[1]": "0.241300709",
    "dL/dW1[1,1]": "0.000438568",
    "W2'[1,1]": "0.35891648",
    "W2'[1,2]": "0.408666186",
    "W2'[2,1]": "0.511301270",
    "W2'[2,2]": "0.561370121",
    "W1'[1,1]": "0.149780716",
    "W1'[1,2]": "0.19956143",
    "W1'[2,1]": "0.24975114",
    "W1'[2,2]": "0.29950229",
}


def test_mazur():
    all_printed(trace(mazur()), MAZUR)


def mazur_in_plain_steps(steps, slip):
    """The loss and the output after so many steps, biases left alone, in plain Python.

    With the `slip` the hidden deltas are computed from output weights that are updated already.
    """
    w, v = [[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]
    x, y = [0.05, 0.10], [0.01, 0.99]

    def forward():
        h = [1 / (1 + math.exp(-(sum(a * b for a, b in zip(row, x, strict=True)) + 0.35))) for row in w]
        return h, [1 / (1 + math.exp(-(sum(a * b for a, b in zip(row, h, strict=True)) + 0.60))) for row in v]

    for _ in range(steps):
        h, o = forward()
        delta = [(o[k] - y[k]) * o[k] * (1 - o[k]) for k in (0, 1)]
        new = [[v[k][i] - 0.5 * delta[k] * h[i] for i in (0, 1)] for k in (0, 1)]
        through = new if slip else v
        back = [sum(through[k][i] * delta[k] for k in (0, 1)) * h[i] * (1 - h[i]) for i in (0, 1)]
        w = [[w[i][j] - 0.5 * back[i] * x[j] for j in (0, 1)] for i in (0, 1)]
        v = new
    o = forward()[1]
    return sum((a - b) ** 2 for a, b in zip(o, y, strict=True)) / 2, o


def test_mazurs_end_values_come_from_a_slip():
    """The loss it prints after one step and the outputs after 10,000 differ from what its own formulas give.

    They come out where the output weights are updated first and the hidden deltas computed from the
    new ones. The biases are never updated there.
    """
    loss, _ = mazur_in_plain_steps(1, slip=True)
    assert printed(loss, "0.291027924")
    _, output = mazur_in_plain_steps(10_000, slip=True)
    assert printed(output[0], "0.015912196") and printed(output[1], "0.984065734")

    lesson = mazur()
    frozen = [replace(layer, train_biases=False) for layer in lesson.network.layers]
    run = Run(network_lesson(frozen, "half_squared_error", lesson.inputs, lesson.targets, learning_rate=0.5))
    for steps in (1, 10_000):
        loss, output = mazur_in_plain_steps(steps, slip=False)
        values = run.iteration(steps + 1).values
        assert values["L"] == pytest.approx(loss, rel=1e-9)
        assert values["a2"].tolist() == pytest.approx(output, rel=1e-9)
    assert not printed(run.iteration(2).values["L"], "0.291027924")


# ---- CS231n, Stanford (Karpathy, "Backpropagation, Intuitions"), 2015


def test_cs231n_circuit():
    found = trace(circuit_lesson(["q = x + y", "f = q * z"], x=-2, y=5, z=-4))
    expected = {"q": 3, "f": -12, "df/dz": 3, "df/dq": -4, "df/dx": -4, "df/dy": -4, "dq/dx": 1, "dq/dy": 1}
    assert {id: found.find(id).value for id in expected} == expected


def test_cs231n_sigmoid_neuron():
    lines = ["p0 = w0 * x0", "p1 = w1 * x1", "s = p0 + p1", "dot = s + w2"]
    lines += ["n = -1 * dot", "e = exp(n)", "d = e + 1", "f = 1 / d"]
    found = trace(circuit_lesson(lines, w0=2, x0=-1, w1=-3, x1=-2, w2=-3))
    expected = {
        "p0": "-2.00", "p1": "6.00", "s": "4.00", "dot": "1.00", "n": "-1.00", "e": "0.37", "d": "1.37", "f": "0.73",
        "df/dd": "-0.53", "df/de": "-0.53", "df/dn": "-0.20", "df/ddot": "0.20", "df/ds": "0.20",
        "df/dw0": "-0.20", "df/dx0": "0.39", "df/dw1": "-0.39", "df/dx1": "-0.59", "df/dw2": "0.20",
    }  # fmt: skip
    all_printed(found, expected)


def test_cs231n_patterns_in_backward_flow():
    found = trace(circuit_lesson(["f = 2 * (x * y + max(z, w))"], x=3, y=-4, z=2, w=-1))
    expected = {"f": -20, "df/dx": -8, "df/dy": 6, "df/dz": 2, "df/dw": 0}
    assert {id: found.find(id).value for id in expected} == expected


# ---- Andrej Karpathy, "micrograd", 2020: the example of its README


def test_micrograd():
    lines = [
        "c0 = a + b",
        "d0 = a * b + b**3",
        "c1 = c0 + (c0 + 1)",
        "c = c1 + (1 + c1 + (-a))",
        "d1 = d0 + (d0 * 2 + relu(b + a))",
        "d = d1 + (3 * d1 + relu(b - a))",
        "e = c - d",
        "f = e**2",
        "g = f / 2.0 + 10.0 / f",
    ]
    found = trace(circuit_lesson(lines, a=-4.0, b=2.0))
    all_printed(found, {"g": "24.7041", "dg/da": "138.8338", "dg/db": "645.5773"})


# ---- Jurafsky and Martin, "Speech and Language Processing", 3rd ed. draft,
# the chapter on neural networks: L(a, b, c) = c (a + 2b)


def test_jurafsky_and_martin():
    found = trace(circuit_lesson(["d = 2 * b", "e = a + d", "L = c * e"], a=3, b=1, c=-2))
    expected = {"d": 2, "e": 5, "L": -10, "dL/de": -2, "dL/dd": -2, "dL/da": -2, "dL/db": -4, "dL/dc": 5}
    assert {id: found.find(id).value for id in expected} == expected


# ---- Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 6.1: XOR


def test_goodfellow_xor():
    layers = [dense([[1, 1], [1, 1]], [0, -1], "relu"), dense([[1, -2]], [0.0])]
    found = trace(
        network_lesson(layers, "squared_error", [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]], batch="all")
    )
    assert [found.find(f"z1@{e}").value.tolist() for e in (1, 2, 3, 4)] == [[0, -1], [1, 0], [1, 0], [2, 1]]
    assert [found.find(f"a1@{e}").value.tolist() for e in (1, 2, 3, 4)] == [[0, 0], [1, 0], [1, 0], [2, 1]]
    assert [found.find(f"a2@{e}").value.tolist() for e in (1, 2, 3, 4)] == [[0], [1], [1], [0]]
    assert found.find("L").value == 0 and not np.any(found.find("dL/dW1").value)


# ---- Nielsen, "Neural Networks and Deep Learning", 2015, chapter 3:
# one sigmoid neuron that learns to turn 1 into 0; quadratic cost, η = 0.15, 300 epochs


@pytest.mark.parametrize(("start", "before", "after"), [((0.6, 0.9), "0.82", "0.09"), ((2.0, 2.0), "0.98", "0.20")])
def test_nielsen(start, before, after):
    w, b = start
    lesson = network_lesson([dense([[w]], [b], "sigmoid")], "half_squared_error", [[1.0]], [[0.0]], learning_rate=0.15)
    run = Run(lesson)
    assert f"{run.iteration(1).values['a1'][0]:.2f}" == before
    assert f"{run.iteration(301).values['a1'][0]:.2f}" == after


# ---- Han and Kamber, "Data Mining: Concepts and Techniques", 2nd ed. 2006, example 6.9; their Err is −dL/dz


def test_han_and_kamber():
    layers = [
        dense([[0.2, 0.4, -0.5], [-0.3, 0.1, 0.2]], [-0.4, 0.2], "sigmoid"),
        dense([[-0.3, -0.2]], [0.1], "sigmoid"),
    ]
    found = trace(network_lesson(layers, "half_squared_error", [[1, 0, 1]], [[1]], learning_rate=0.9))
    forward = {"z1[1]": "-0.7", "z1[2]": "0.1", "a1[1]": "0.332", "a1[2]": "0.525", "z2[1]": "-0.105", "a2[1]": "0.474"}
    back = {"dL/dz2[1]": "-0.1311", "dL/dz1[2]": "0.0065", "dL/dz1[1]": "0.0087", "W2'[1,1]": "-0.261"}
    new = {"W2'[1,2]": "-0.138", "W1'[1,1]": "0.192", "W1'[2,1]": "-0.306", "W1'[1,2]": "0.4", "W1'[2,2]": "0.1"}
    more = {"W1'[1,3]": "-0.508", "W1'[2,3]": "0.194", "b2'[1]": "0.218", "b1'[2]": "0.194", "b1'[1]": "-0.408"}
    all_printed(found, forward | back | new | more)
    told = diagnose(found, [Handed("dL/dz2", np.array([0.1311]), 4, 4)])
    assert told.first_wrong.slips[0].name == "difference-reversed"


# ---- Negnevitsky, "Artificial Intelligence: A Guide to Intelligent Systems", 2nd ed. 2005, section 6.4: XOR, one step.
# There thresholds are subtracted (they are minus our biases), and δ is −dL/dz


def test_negnevitsky():
    layers = [dense([[0.5, 0.4], [0.9, 1.0]], [-0.8, 0.1], "sigmoid"), dense([[-1.2, 1.1]], [-0.3], "sigmoid")]
    found = trace(network_lesson(layers, "half_squared_error", [[1, 1]], [[0]], learning_rate=0.1))
    passes = {"a1[1]": "0.5250", "a1[2]": "0.8808", "a2[1]": "0.5097", "dL/dz2[1]": "0.1274", "dL/dz1[1]": "-0.0381"}
    new = {"W1'[1,1]": "0.5038", "W1'[2,1]": "0.8985", "W1'[1,2]": "0.4038", "W1'[2,2]": "0.9985"}
    more = {"W2'[1,1]": "-1.2067", "W2'[1,2]": "1.0888", "b1'[1]": "-0.7962", "b1'[2]": "0.0985", "b2'[1]": "-0.3127"}
    all_printed(found, passes | new | more | {"dL/dz1[2]": "0.0147"})


# ---- Zhou, "Machine Learning for Beginners: An Introduction to Neural Networks", 2019, victorzhou.com: Alice


def test_zhou():
    layers = [dense([[1, 1], [1, 1]], [0, 0], "sigmoid"), dense([[1, 1]], [0], "sigmoid")]
    found = trace(network_lesson(layers, "mean_squared_error", [[-2, -1]], [[1]]))
    all_printed(found, {"a1[1]": "0.0474", "a2[1]": "0.524", "dL/da2[1]": "-0.952", "dL/dW1[1,1]": "0.0214"})
    told = diagnose(found, [Handed("a2", np.array([0.524]), 3, 3), Handed("dL/da2", np.array([-0.952]), 3, 3)])
    assert told.right and told.arrays[1].verdict == "rounded"  # −2(1 − 0.524); at full precision it is −0.951


# ---- Prime Learn Point, "Backpropagation solved Numerical 2x2", primelearnpoint.com: Mazur's network with another sum


def test_a_page_that_went_along_the_columns_of_the_weights_and_left_the_second_bias_out():
    printed_there = {"z1": [0.3825, 0.3900], "a1": [0.5944, 0.5963], "z2": [0.5359, 0.5955]}
    told = diagnose(trace(mazur()), read_arrays("-", json.dumps(printed_there).encode()))
    z1, a1, z2 = told.arrays
    assert [slip.name for slip in z1.slips] == ["to-and-from"] and a1.verdict == "carried"  # there 0.59448 is cut off
    assert set(z2.slips[0].name.split("+")) == {"to-and-from", "bias-left-out"}


# ---- Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015,
# algorithm 1, its first step with the paper's settings


def test_adams_first_step():
    training = Training(0.001, "adam", beta1=0.9, beta2=0.999, epsilon=1e-8)
    found = trace(circuit_lesson(["f = x ** 2"], training=training, x=5))
    expected = {"df/dx": 10, "x.m'": 1.0, "x.v'": 0.1, "x.mhat": 10, "x.vhat": 100, "x'": 5 - 0.001 * 10 / (10 + 1e-8)}
    for id, value in expected.items():
        assert math.isclose(found.find(id).value, value, rel_tol=1e-12), id


# ---------------------------------------------------------------- the bundled lessons

HAND = json.loads((Path(__file__).parent / "data" / "hand_values.json").read_text(encoding="utf-8"))


def bundled():
    """{lesson id: its file}: a lesson's id is its file name without number and extension."""
    return {path.stem.partition("-")[2]: path for path in sorted((ROOT / "lessons").glob("*.toml"))}


def test_hand_values_are_of_bundled_lessons():
    assert len(HAND) >= 6 and set(HAND) <= set(bundled())
    assert all(len(values) >= 8 for values in HAND.values())


@pytest.mark.parametrize("id", list(HAND))
def test_bundled_lessons_against_hand_values(id):
    lesson, problems, _ = read(bundled()[id])
    assert lesson and not problems
    found = trace(lesson)
    for step, value in HAND[id].items():
        got = np.asarray(found.find(step).value)
        assert got.shape == np.shape(value), step
        assert np.allclose(got, value, rtol=1e-10, atol=1e-11), f"{step}: {got.tolist()}, by hand {value}"
