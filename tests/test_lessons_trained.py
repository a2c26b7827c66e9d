"""What the lessons say of their trained networks: counts and losses found beforehand with separate NumPy loops."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tutor.engine.evaluation import Evaluator
from tutor.engine.run import Run
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.reading.lesson import read

LESSONS = Path(__file__).parent.parent / "lessons"


@cache
def run(id: str) -> Run:
    lesson, problems, _ = read(catalogue.find(id))
    assert lesson, problems
    return Run(lesson)


def rows(name: str) -> tuple[np.ndarray, list[str]]:
    """The inputs of a data file, shape (rows, columns), and the class of each row."""
    with (LESSONS / name).open(encoding="utf-8", newline="") as file:
        _, *found = csv.reader(file)
    return np.array([[float(cell) for cell in row[:-1]] for row in found]), [row[-1] for row in found]


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def judged(id: str, data: str, classes: list[str], hidden, iteration: int) -> tuple[float, list[int]]:
    """The mean loss before the update of this iteration, and how many of each class are right."""
    found = run(id).iteration(iteration)
    assert found
    w1, b1, w2, b2 = (np.asarray(found.values[key]) for key in ("W1", "b1", "W2", "b2"))
    inputs, names = rows(data)
    true = np.array([classes.index(name) for name in names])
    p = softmax(hidden(inputs @ w1.T + b1) @ w2.T + b2)
    right = p.argmax(axis=1) == true
    loss = -np.log(p[np.arange(len(true)), true]).mean()
    return float(loss), [int(right[true == k].sum()) for k in range(len(classes))]


def test_the_flowers_are_all_there():
    inputs, names = rows("flowers.csv")
    assert names == ["setosa", "versicolor", "virginica"] * 50
    # Means by species as in Fisher 1936, table II: petal length and width in cm.
    means = [inputs[k::3].mean(axis=0) for k in range(3)]
    assert np.allclose(means, [[1.462, 0.246], [4.260, 1.326], [5.552, 2.026]], atol=1e-9)


def test_the_digits_take_turns_and_are_scaled():
    inputs, names = rows("digits.csv")
    assert inputs.shape == (200, 64) and inputs.min() == 0 and inputs.max() == 1
    assert np.array_equal(inputs * 16, np.round(inputs * 16)) and names == names[:10] * 20


@pytest.mark.parametrize(
    "epochs, loss, right",
    [(0, 1.1416, [50, 0, 6]), (1, 0.6051, [50, 7, 50]), (5, 0.2979, [50, 46, 49]), (10, 0.2748, [50, 29, 50]),
     (60, 0.1332, [50, 46, 50])],
)  # fmt: skip
def test_flowers(epochs, loss, right):
    classes = ["setosa", "versicolor", "virginica"]
    found, counts = judged("flowers", "flowers.csv", classes, np.tanh, 50 * epochs + 1)
    assert counts == right and found == pytest.approx(loss, abs=5e-5)


@pytest.mark.parametrize(
    "epochs, loss, right", [(0, 2.6014, 19), (1, 0.7811, 147), (5, 0.0570, 197), (10, 0.0150, 199)]
)
def test_digits(epochs, loss, right):
    classes = "zero one two three four five six seven eight nine".split()
    found, counts = judged("digits", "digits.csv", classes, lambda z: np.maximum(z, 0), 200 * epochs + 1)
    assert sum(counts) == right and found == pytest.approx(loss, abs=5e-5)


@pytest.mark.parametrize("epochs, loss, right", [(0, 2.6342, 24), (1, 1.0767, 122), (10, 0.4079, 176)])
def test_digits_that_are_held_out(epochs, loss, right):
    classes = "zero one two three four five six seven eight nine".split()
    inputs, names = rows("digits-unseen.csv")
    seen = {row.tobytes() for row in rows("digits.csv")[0]}
    assert names == names[:10] * 20 and not seen & {row.tobytes() for row in inputs}
    hidden, at = (lambda z: np.maximum(z, 0)), 200 * epochs + 1
    found, counts = judged("digits", "digits-unseen.csv", classes, hidden, at)
    assert sum(counts) == right and found == pytest.approx(loss, abs=5e-5)
    ours = Evaluator(run("digits").lesson).held_out.evaluate(run("digits").parameters(at))
    assert (ours.correct, ours.loss) == (right, pytest.approx(found))


def test_xor_is_learnt_in_fifty_epochs():
    found = run("xor").iteration(201)
    assert found
    w1, b1, w2, b2 = (np.asarray(found.values[key]) for key in ("W1", "b1", "W2", "b2"))
    a = np.tanh(np.array([[1, 0], [0, 1], [1, 1], [0, 0]]) @ w1.T + b1)
    assert np.allclose(1 / (1 + np.exp(-(a @ w2.T + b2).ravel())), [0.959, 0.955, 0.065, 0.060], atol=5e-4)


def test_the_exploding_training_overflows_in_iteration_six():
    losses = [float(run("exploding").iteration(n).values["L"]) for n in range(1, 7)]
    assert losses[:3] == pytest.approx([0.5, 83.54591, 7689.00997], rel=1e-7)
    assert losses[3] == pytest.approx(1.90971420e21, rel=1e-6) and not np.isfinite(losses[5])
