"""Answers about arrays: formulas in the words of a lesson's author, and in the signs of the screen."""

# ruff: noqa: E501 (a table reads best with one row a line)

import re

import numpy as np
import pytest

from each import each
from tutor.engine.trace import trace
from tutor.lessonfiles.check import load
from tutor.lessonfiles.positions import given_source
from tutor.questions.names import Names
from tutor.questions.tokens import NotUnderstood, normalised
from tutor.text.writer import Writer

LESSON = """format = 1
title = "Attention"
[circuit]
define = ["Q = X @ Wq", "K = X @ Wk", "V = X @ Wv", "S = Q @ K.T / sqrt(2)", "P = softmax(S)", "O = P @ V + b",
          "L = sum((O - Y)**2) / 2"]
output = "L"
data = ["Y"]
[circuit.inputs]
X = [[1.0, 0.5], [0.25, 2.0]]
Wq = [[0.5, 1.0], [1.0, 0.25]]
Wk = [[1.0, 0.5], [0.0, 1.0]]
Wv = [[2.0, 0.0], [1.0, 1.0]]
b = [0.5, -0.25]
Y = [[1.0, 1.0], [0.0, 2.0]]
"""
LESSON3 = """format = 1
title = "Rows"
[circuit]
define = ["Z = X @ W + b", "A = relu(Z)", "m = mean(A, axis=0)", "L = sum(m * g)"]
output = "L"
[circuit.inputs]
X = [[1.0, 0.5], [0.25, 2.0], [-1.0, 1.0]]
W = [[0.5, 1.0, -1.0, 0.25], [1.0, 0.25, 0.5, -0.5]]
b = [0.5, -0.25, 0.0, 1.0]
g = [1.0, 2.0, -1.0, 0.5]
"""
LESSON1 = """format = 1
title = "Shared"
[circuit]
define = ["h = W @ x", "z = v @ h + 1", "d = v * h"]
output = "z"
[circuit.inputs]
W = [[0.5, 2.0], [1.0, -1.0]]
x = [2.0, 1.0]
v = [1.0, 0.5]
"""
LESSONS = {"attention": LESSON, "rows": LESSON3, "shared": LESSON1}
TRACES = {name: trace(load(given_source(text))) for name, text in LESSONS.items()}


def value(lesson: str, step: str, text: str):
    here = TRACES[lesson]
    found = here.find(step)
    return Names(found, Writer(here.lesson, here.lesson.notation)).value(normalised(text))[1]


@each("lesson, step, text", [
    ("attention", "dL/dWq", "X.T @ dL/dQ"), ("attention", "dL/dWq", "X.T@dL/dQ"), ("attention", "dL/dWq", "Xᵀ·dL/dQ"),
    ("attention", "dL/dWq", "Xᵀ dL/dQ"), ("attention", "dL/dWq", "X^T * dL/dQ"), ("attention", "dL/dWq", "(dL/dQ.T @ X).T"),
    ("attention", "dL/dWq", r"X^T \cdot dL/dQ"), ("attention", "dL/dP", "dL/dO @ V.T"), ("attention", "dL/dP", "dL/dO · Vᵀ"),
    ("attention", "dL/dO", "O - Y"), ("attention", "dL/db", "sum(dL/dO, axis=0)"), ("attention", "dL/db", "sum(dL/dO, axis = -2)"),
    ("attention", "dL/db", "mean(dL/dO, axis=0) * 2"), ("attention", "dL/db", "ones(2) @ dL/dO"),
    ("attention", "dL/dS", "P ⊙ (dL/dP − sum(dL/dP ⊙ P, axis=1, keepdims=True))"),
    ("attention", "dL/dS", "P ⊙ (dL/dP − Σⱼ(dL/dP ⊙ P))"), ("attention", "dL/dS", "P (*) (dL/dP - sum_j (dL/dP (*) P))"),
    ("attention", "dL/db", "Σᵢ dL/dO"), ("attention", "dL/db", "meanᵢ(dL/dO) · 2"), ("attention", "P", "exp(S) / Σⱼ exp(S)"),
    ("attention", "dL/dS", "P (*) (dL/dP - sum(dL/dP (*) P, axis=1, keepdims=True))"),
    ("attention", "dL/dS", "P ⊙ (dL/dP − repeat(sum(dL/dP ⊙ P, axis=1), 2, axis=1))"),
    ("attention", "P", "softmax(S)"), ("attention", "P", "softmax(S, axis=1)"), ("attention", "P", "exp(S) / sum(exp(S), axis=1, keepdims=True)"),
    ("attention", "dL/dX", "dL/dX@Q + dL/dX@K + dL/dX@V"), ("attention", "dL/dX", "dL/dQ @ Wq.T + dL/dK @ Wk.T + dL/dV @ Wv.T"),
    ("attention", "L", "sum((O - Y)**2) / 2"), ("attention", "L", "Σ(O − Y)² / 2"), ("attention", "L", "mean((O - Y)^2) * 2"),
    ("attention", "S", "Q @ K.T / √2"), ("attention", "S", "Q·Kᵀ/√2"),
    ("rows", "Z", "X @ W + b"), ("rows", "Z", "X·W + b"), ("rows", "Z", "X W + b"), ("rows", "Z", "X * W + b"),
    ("rows", "A", "max(Z, 0)"), ("rows", "A", "relu(Z)"), ("rows", "m", "sum(A, axis=0) / 3"), ("rows", "m", "mean(A, axis=0)"),
    ("rows", "L", "m @ g"), ("rows", "L", "sum(m * g)") , ("rows", "L", "m · g"),
    ("rows", "dL/dW", "X.T @ dL/dZ"), ("rows", "dL/dX", "dL/dZ @ W.T"), ("rows", "dL/db", "sum(dL/dZ, axis=0)"),
    ("shared", "h", "W * x"), ("shared", "h", "[[0.5, 2], [1, -1]] * [2, 1]"), ("shared", "z", "v * h + 1"),
    ("shared", "d", "v * h"), ("shared", "dz/dx", "W^T * v"), ("shared", "dz/dx", "v * W"),
    ("rows", "dL/dA", "ones(3, 1) @ reshape(g, 1, 4) / 3"), ("rows", "dL/dA", "repeat(g / 3, 3, axis=0)"),
])  # fmt: skip
def test_a_formula_about_arrays_comes_to_the_step_s_value(lesson, step, text):
    wanted = np.asarray(TRACES[lesson].find(step).value)
    assert value(lesson, step, text) == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("lesson, step, text, words", [
    ("attention", "dL/dS", "P * dL/dP", "write ⊙ or (*) for one, @ for the other"),
    ("attention", "dL/db", "sum(dL/dO, axis=2)", "no axis 2"), ("attention", "dL/db", "sum(dL/dO, axis=0, axis=0)", "axis is given twice"),
    ("attention", "dL/db", "sum(dL/dO, stride=2)", "no stride="), ("attention", "P", "softmax(S, eps=1)", "no eps="),
    ("attention", "P", "exp(S, axis=1)", "no axis=1"), ("rows", "Z", "W @ X", "shapes"), ("rows", "Z", "row(X, 7) @ W", "row 7 is not there"),
    ("rows", "L", "conv(X, W)", "larger"), ("rows", "Z", "axis @ X", "'axis' is no name"),
])  # fmt: skip
def test_what_cannot_be_meant_is_asked_about(lesson, step, text, words):
    with pytest.raises(NotUnderstood, match=re.escape(words)):
        value(lesson, step, text)


def test_a_blocked_position_can_be_typed_as_it_is_shown():
    """softmax of a row with −∞ in it; what comes to −∞ itself is no number to answer with."""
    from tutor.cli.commands import main

    shown = "softmax([[0.5, −∞, −∞], [0, 1.09861, −∞], [0.693145, 0, 0]])"
    for answer in (shown, shown.replace("−∞", "-inf"), "1 + exp(-∞)"):
        assert main(["grade", "attention", "P[1,1]", answer]) == 0, answer
    assert main(["grade", "attention", "P[1,1]", "--", "-∞"]) == 1
    assert main(["grade", "o-classification", "a1[1]", "exp(-∞)"]) == 1  # no lesson about arrays: no such number
