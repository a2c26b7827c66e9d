"""Every misconception: planted by hand in a lesson, with the wrong number worked out here, and seen by name."""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import replace
from functools import cache
from math import cos, exp, log, log10, sin, sqrt, tanh
from pathlib import Path

import numpy as np
import pytest

import test_array_slips as of_arrays
import test_forward_slips as of_forward
from each import each
from strategies import DEEP, bundled, by_turns, circuit_lesson, dense, network_lesson, spread
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import evaluate
from tutor.engine.lesson import Lesson, Training
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.trace import Trace, trace
from tutor.lessonfiles.catalogue import entries, find
from tutor.lessonfiles.check import load
from tutor.questions.diagnosis import compare, marked
from tutor.questions.grading import grade
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.question import Question
from tutor.questions.slips import slips
from tutor.text.notations import NOTATIONS
from tutor.text.writer import Writer


def sigma(z: float) -> float:
    return 1 / (1 + exp(-z))


# ---------------------------------------------------------------- lessons, and their right numbers by hand

X1, X2 = 1.2, 0.8


def classifier(**training) -> Lesson:
    """Two sigmoid units, one sigmoid output, binary cross-entropy; the target is 1."""
    hidden = dense([[0.5, -0.4], [0.3, 0.7]], [0.1, -0.2], "sigmoid")
    output = dense([[0.9, -0.7]], [-0.2], "sigmoid")
    return network_lesson([hidden, output], "binary_cross_entropy", [[X1, X2]], [[1]], learning_rate=0.3, **training)


Z1, Z2 = 0.5 * X1 - 0.4 * X2 + 0.1, 0.3 * X1 + 0.7 * X2 - 0.2
A1, A2 = sigma(Z1), sigma(Z2)
P = sigma(0.9 * A1 - 0.7 * A2 - 0.2)
E = P - 1  # ŷ − y
DZ1, DZ2 = E * 0.9 * A1 * (1 - A1), E * -0.7 * A2 * (1 - A2)
G = E * A1  # the gradient of the first output weight


def sharer() -> Lesson:
    """The classifier with one bias, 0.1, for both hidden units."""
    lesson = classifier()
    first, last = lesson.network.layers  # type: ignore[union-attr]
    layers = (replace(first, biases=np.array(0.1)), last)
    return replace(lesson, network=replace(lesson.network, layers=layers))


C1, C2 = sigma(Z1), sigma(0.3 * X1 + 0.7 * X2 + 0.1)
SHARED = sigma(0.9 * C1 - 0.7 * C2 - 0.2) - 1


def chooser() -> Lesson:
    """Two tanh units, a softmax of two, cross-entropy; the second class is the true one."""
    hidden = dense([[0.6, -0.3], [0.2, 0.5]], [0.1, 0.3], "tanh")
    output = dense([[0.8, -0.5], [0.4, 0.9]], [0.05, -0.15], "softmax")
    return network_lesson([hidden, output], "cross_entropy", [[0.7, -1.1]], [[0, 1]], learning_rate=0.3)


H1, H2 = tanh(0.6 * 0.7 + 0.3 * 1.1 + 0.1), tanh(0.2 * 0.7 - 0.5 * 1.1 + 0.3)
S1, S2 = 0.8 * H1 - 0.5 * H2 + 0.05, 0.4 * H1 + 0.9 * H2 - 0.15
Q1 = exp(S1) / (exp(S1) + exp(S2))
Q2 = 1 - Q1
D1, D2 = Q1, Q2 - 1


def deep() -> Lesson:
    """Three layers of two sigmoid units, half squared error."""
    layers = [
        dense([[0.5, -0.4], [0.3, 0.7]], [0.1, -0.2], "sigmoid"),
        dense([[0.9, -0.6], [0.2, 0.4]], [0.3, 0.15], "sigmoid"),
        dense([[0.7, -0.8]], [0.1], "linear"),
    ]
    return network_lesson(layers, "half_squared_error", [[X1, X2]], [[0.25]], learning_rate=0.3)


B1, B2 = sigma(0.9 * A1 - 0.6 * A2 + 0.3), sigma(0.2 * A1 + 0.4 * A2 + 0.15)
EE = 0.7 * B1 - 0.8 * B2 + 0.1 - 0.25
DB1, DB2 = EE * 0.7 * B1 * (1 - B1), EE * -0.8 * B2 * (1 - B2)
DA1 = 0.9 * DB1 + 0.2 * DB2


def bent(activation: str) -> Lesson:
    """One hidden unit of two below its kink, squared error without ½."""
    hidden = dense([[0.5, -1.4], [0.3, 0.7]], [0.1, -0.2], activation, alpha=0.1)
    return network_lesson([hidden, dense([[0.9, -0.7]], [0.4])], "squared_error", [[X1, X2]], [[0.25]])


R1, R2 = 0.5 * X1 - 1.4 * X2 + 0.1, 0.3 * X1 + 0.7 * X2 - 0.2  # −0.42 and 0.72
OUT = 0.9 * max(0, R1) - 0.7 * R2 + 0.4
ERR = 2 * (OUT - 0.25)
LEAKY = 2 * (0.9 * 0.1 * R1 - 0.7 * R2 + 0.4 - 0.25)


def batch(**training) -> Lesson:
    """One linear weight and bias, two examples, half squared error; the errors are 0.55 and −0.6."""
    layer = dense([[0.5]], [0.1])
    return network_lesson([layer], "half_squared_error", [[1.5], [0.4]], [[0.3], [0.9]], batch="all", **training)


MEAN_W = (0.55 * 1.5 + -0.6 * 0.4) / 2
MEAN_B = (0.55 - 0.6) / 2


def half_sure() -> Lesson:
    """The classifier with a target between its classes."""
    layers = classifier().network.layers
    return network_lesson(layers, "binary_cross_entropy", [[X1, X2]], [[0.3]])


def unsure() -> Lesson:
    """The chooser with a squared error: its softmax is a step of its own on the way back."""
    return network_lesson(chooser().network.layers, "half_squared_error", [[0.7, -1.1]], [[0, 1]])


def fan() -> Lesson:
    """One tanh unit that feeds three linear outputs; squared error."""
    layers = [dense([[0.5, -0.4]], [0.1], "tanh"), dense([[0.8], [-0.6], [0.3]], [0.1, 0.2, -0.1])]
    return network_lesson(layers, "squared_error", [[X1, X2]], [[0.4, -0.3, 0.5]])


# prediction − target of each output
FAN = [w * tanh(Z1) + b - y for w, b, y in ((0.8, 0.1, 0.4), (-0.6, 0.2, -0.3), (0.3, -0.1, 0.5))]


def broad() -> Lesson:
    """Three linear units that feed two; half squared error."""
    layers = [dense([[0.5], [-0.3], [0.8]]), dense([[0.7, -0.4, 0.2], [0.3, 0.6, -0.5]])]
    return network_lesson(layers, "half_squared_error", [[1.2]], [[0.4, -0.2]])


def open_and_shut() -> Lesson:
    """Two ReLU units of which the second is open and gets a gradient below 0."""
    layers = bent("relu").network.layers
    return network_lesson(layers, "squared_error", [[X1, X2]], [[-0.6]])


def function(line: str, **inputs: float) -> Lesson:
    """q = a function, f = 3q."""
    return circuit_lesson([f"q = {line}", "f = 3 * q"], **inputs)


DOWNHILL = circuit_lesson(["f = x ** 2"], training=Training(0.1, "momentum", momentum=0.9), x=1.5)
HINGE = circuit_lesson(["m = max(0, x)", "f = m * z"], x=1.5, z=-2)
MINUS = circuit_lesson(["q = x - y", "f = q * z"], x=1.5, y=2.5, z=3)
FUNCTIONS = {
    name: function(line, x=-1.6 if name == "abs" else 1.6)
    for name, line in {
        "exp": "exp(x)", "log": "log(x)", "root": "sqrt(x)", "power": "x ** 3", "sin": "sin(x)", "cos": "cos(x)",
        "abs": "abs(x)",
    }.items()
}  # fmt: skip
FUNCTIONS["div"] = function("x / y", x=1.6, y=2.5)

GATES = circuit_lesson(["q = x + y", "f = q * z"], x=-2, y=5, z=-4)
PICK = circuit_lesson(["m = max(x, y)", "f = m * z"], x=1.5, y=2.5, z=3)
FORK = circuit_lesson(["q = x * y", "r = x + z", "f = q * r"], x=1.5, y=2.5, z=3)


# misconception, lesson, step, the wrong number; several lines where a slip has several faces
PLANTED = [
    ("slope-dropped", classifier(), "dL/dz1[1]", E * 0.9),
    ("slope-dropped", classifier(), "dL/dW1[1,2]", E * 0.9 * X2),
    ("value-for-slope", classifier(), "dL/dz1[1]", E * 0.9 * A1),
    ("slope-of-activation", classifier(), "dL/dz1[1]", E * 0.9 * sigma(A1) * (1 - sigma(A1))),
    ("slope-of-activation", chooser(), "dL/dz1[1]", (0.8 * D1 + 0.4 * D2) * (1 - tanh(H1) ** 2)),
    ("slope-from-z", classifier(), "dL/dz1[2]", E * -0.7 * Z2 * (1 - Z2)),
    ("slope-of-neighbour", classifier(), "dL/dz1[1]", E * 0.9 * A2 * (1 - A2)),
    ("slope-elsewhere", deep(), "dL/dz1[1]", DA1 * B1 * (1 - B1)),
    ("relu-gate-ignored", bent("relu"), "dL/dz1[1]", ERR * 0.9),
    ("leaky-slope-lost", bent("leaky_relu"), "dL/dz1[1]", 0.0),
    ("relu-gate-ignored", bent("leaky_relu"), "dL/dz1[1]", LEAKY * 0.9),
    ("difference-reversed", classifier(), "dL/dz2[1]", 1 - P),
    ("difference-reversed", bent("relu"), "dL/da2[1]", -ERR),
    ("difference-reversed", deep(), "dL/dW1[1,2]", -DA1 * A1 * (1 - A1) * X2),
    ("factor-two-lost", bent("relu"), "dL/da2[1]", ERR / 2),
    ("factor-two-added", deep(), "dL/da3[1]", 2 * EE),
    ("half-added", classifier(), "dL/dz2[1]", E / 2),
    ("half-added", bent("relu"), "L", (OUT - 0.25) ** 2 / 2),
    ("division-lost", deep(), "L", EE**2),
    ("square-lost", bent("relu"), "L", 0.25 - OUT),
    ("log-minus-lost", chooser(), "L", log(Q2)),
    ("ratio-sign-lost", chooser(), "dL/da2[2]", 1 / Q2),
    ("wrong-class", chooser(), "dL/dz2[1]", Q1 - 1),
    ("loss-factor-alone", classifier(), "dL/dz2[1]", -1 / P),
    ("slope-again", classifier(), "dL/dz2[1]", E * P * (1 - P)),
    ("softmax-not-shared", chooser(), "a2[1]", exp(S1)),
    ("log-base-ten", classifier(), "L", -log10(P)),
    ("bias-left-out", classifier(), "z1[2]", 0.3 * X1 + 0.7 * X2),
    ("activation-skipped", classifier(), "a1[1]", Z1),
    ("activation-skipped", classifier(), "z2[1]", 0.9 * Z1 - 0.7 * Z2 - 0.2),
    ("exponent-sign", classifier(), "a1[1]", 1 / (1 + exp(Z1))),
    ("one-path", chooser(), "dL/da1[1]", 0.8 * D1),
    ("paths-multiplied", chooser(), "dL/da1[1]", 0.8 * D1 * 0.4 * D2),
    ("transpose-missing", chooser(), "dL/da1[1]", 0.8 * D1 - 0.5 * D2),
    ("to-and-from", classifier(), "z1[1]", 0.5 * X1 + 0.3 * X2 + 0.1),
    ("to-and-from", classifier(), "dL/dW1[1,2]", DZ2 * X1),
    ("neighbour", classifier(), "dL/dW1[1,2]", DZ1 * X1),
    ("neighbour", classifier(), "dL/dW1[1,2]", DZ2 * X2),
    ("weight-of-neighbour", classifier(), "z1[1]", 0.3 * X1 + 0.7 * X2 + 0.1),
    ("weight-of-neighbour", chooser(), "dL/da1[1]", -0.5 * D1 + 0.9 * D2),
    ("input-for-activation", classifier(), "dL/dW2[1,2]", E * X2),
    ("input-for-activation", deep(), "z2[1]", 0.9 * X1 - 0.6 * X2 + 0.3),
    ("pre-activation-for-activation", classifier(), "dL/dW2[1,1]", E * Z1),
    ("pre-activation-for-activation", classifier(), "dL/dz2[1]", 0.9 * A1 - 0.7 * A2 - 0.2 - 1),
    ("updated-weight", classifier(), "dL/da1[1]", E * (0.9 - 0.3 * G)),
    ("wrong-layer", deep(), "dL/dz1[1]", DB1),
    ("bias-times-activation", classifier(), "dL/db1[2]", DZ2 * X1),
    ("bias-times-activation", classifier(), "dL/db2[1]", E * A2),
    ("sum-for-mean", batch(), "dL/dW1[1,1]", 2 * MEAN_W),
    ("sum-for-mean", batch(), "L", (0.55**2 + 0.6**2) / 2),
    ("mean-for-sum", batch(batch_loss="sum"), "dL/dW1[1,1]", MEAN_W),
    ("mean-for-sum", batch(batch_loss="sum"), "L", (0.55**2 + 0.6**2) / 4),
    ("shared-bias-of-one-unit", sharer(), "dL/db1", SHARED * 0.9 * C1 * (1 - C1)),
    ("shared-bias-of-one-unit", sharer(), "dL/db1", SHARED * (0.9 * C1 * (1 - C1) - 0.7 * C2 * (1 - C2)) / 2),
    ("decay-forgotten", batch(l2=0.2), "dJ/dW1[1,1]", MEAN_W),
    ("decay-forgotten", batch(l2=0.2), "J", (0.55**2 + 0.6**2) / 4),
    ("decay-of-biases", batch(l2=0.2, learning_rate=0.5), "b1'[1]", 0.1 - 0.5 * (MEAN_B + 0.2 * 0.1)),
    ("rate-forgotten", classifier(), "W2'[1,1]", 0.9 - G),
    ("rate-twice", classifier(), "W2'[1,1]", 0.9 - 0.09 * G),
    ("added", classifier(), "W2'[1,1]", 0.9 + 0.3 * G),
    ("step-for-value", classifier(), "W2'[1,1]", 0.3 * G),
    ("step-for-value", classifier(), "W2'[1,1]", -0.3 * G),
    ("old-and-new-swapped", classifier(optimizer="adam", beta1=0.8), "W2.m'[1,1]", 0.8 * G),
    ("old-and-new-swapped", classifier(optimizer="momentum", momentum=0.7), "W2'[1,1]", 0.9),
    ("old-and-new-swapped", classifier(optimizer="momentum", momentum=0.7), "W2.velocity'[1,1]", 0.7 * G),
    ("no-bias-correction", classifier(optimizer="adam", beta1=0.8), "W2.mhat[1,1]", 0.2 * G),
    (
        "epsilon-inside",
        classifier(optimizer="adam", beta1=0.8, epsilon=0.05),
        "W2'[1,1]",
        0.9 - 0.3 * G / sqrt(G**2 + 0.05),
    ),
    ("gates-confused", GATES, "q", -10.0),
    ("gates-confused", GATES, "f", -1.0),
    ("gates-confused", GATES, "df/dx", -20.0),
    ("gates-confused", GATES, "df/dx", 8.0),
    ("own-input", GATES, "df/dq", 3.0),
    ("to-both", PICK, "df/dx", 3.0),
    ("branch-forgotten", FORK, "df/dx", 2.5 * 4.5),
    ("branch-forgotten", FORK, "df/dx", 1.5 * 2.5),
    ("slope-misremembered", chooser(), "dL/dz1[1]", (0.8 * D1 + 0.4 * D2) * (1 + H1**2)),
    ("slope-misremembered", chooser(), "dL/dz1[1]", (0.8 * D1 + 0.4 * D2) * (1 - H1)),
    ("slope-misremembered", chooser(), "dL/dz1[1]", (0.8 * D1 + 0.4 * D2) / cos(0.6 * 0.7 + 0.3 * 1.1 + 0.1) ** 2),
    ("slope-misremembered", classifier(), "dL/dz1[1]", E * 0.9 * (1 - A1)),
    ("slope-of-another-activation", chooser(), "dL/dz1[1]", (0.8 * D1 + 0.4 * D2) * H1 * (1 - H1)),
    ("slope-of-another-activation", classifier(), "dL/dz1[1]", E * 0.9 * (1 - A1**2)),
    ("slope-of-another-activation", bent("relu"), "dL/dz1[2]", ERR * -0.7 * R2 * (1 - R2)),
    ("slope-of-another-activation", deep(), "dL/dz3[1]", EE * (EE + 0.25) * (1 - EE - 0.25)),
    ("gate-by-gradient", open_and_shut(), "dL/dz1[2]", 0.0),
    ("gate-by-gradient", open_and_shut(), "dL/dz1[1]", 2 * (OUT + 0.6) * 0.9),
    ("gate-by-gradient", HINGE, "df/dx", 0.0),
    ("softmax-elementwise", unsure(), "dL/dz2[1]", Q1 * Q1 * (1 - Q1)),
    ("softmax-elementwise", chooser(), "dL/dz2[1]", 0.0),
    ("softmax-as-sigmoid", chooser(), "a2[1]", sigma(S1)),
    ("activation-twice", chooser(), "a2[1]", exp(Q1) / (exp(Q1) + exp(Q2))),
    ("activation-twice", chooser(), "dL/dz2[2]", exp(Q2) / (exp(Q1) + exp(Q2)) - 1),
    ("activation-twice", classifier(), "a1[1]", sigma(A1)),
    ("activation-twice", classifier(), "L", -log(sigma(P))),
    ("slope-for-value", classifier(), "a1[1]", A1 * (1 - A1)),
    ("slope-for-value", bent("relu"), "a1[2]", 1.0),
    ("factor-two-twice", bent("relu"), "dL/da2[1]", 2 * ERR),
    ("two-and-minus-lost", bent("relu"), "dL/da2[1]", 0.25 - OUT),
    ("inner-minus-lost", half_sure(), "dL/da2[1]", -0.3 / P - 0.7 / (1 - P)),
    ("divided-twice", deep(), "L", EE**2 / 4),
    ("mean-over-outputs", fan(), "dL/da2[1]", 2 * FAN[0] / 3),
    ("mean-over-outputs", fan(), "L", sum(e**2 for e in FAN) / 3),
    ("wrong-target", fan(), "dL/da2[1]", 2 * (FAN[0] + 0.4 + 0.3)),
    ("slope-again", chooser(), "dL/dz2[1]", D1 * Q1 * (1 - Q1)),
    ("transpose-missing", broad(), "dL/da1[1]", 0.7 * 0.356 - 0.4 * -0.316),
    ("path-missing", fan(), "dL/da1[1]", 2 * (0.8 * FAN[0] + 0.3 * FAN[2])),
    ("unit-twice", classifier(), "z1[1]", 2 * 0.5 * X1 + 0.1),
    ("unit-twice", classifier(), "z1[1]", 0.5 * X1 - 0.4 * X1 + 0.1),
    ("unit-twice", chooser(), "dL/da1[1]", 2 * 0.8 * D1),
    ("upstream-lost", classifier(), "dL/dz1[1]", A1 * (1 - A1)),
    ("upstream-lost", classifier(), "dL/dW1[1,2]", X2),
    ("upstream-lost", chooser(), "dL/da1[1]", 0.8 + 0.4),
    ("upstream-lost", FORK, "df/dx", 2.5 + 1.5 * 2.5),
    ("upstream-lost", GATES, "df/dx", 1.0),
    ("upstream-lost", classifier(), "dL/db1[2]", 1.0),
    ("carried-value-lost", classifier(), "dL/dW1[1,2]", DZ1),
    ("weight-skipped", classifier(), "dL/da1[1]", E),
    ("weight-skipped", classifier(), "dL/dz1[1]", E * A1 * (1 - A1)),
    ("weight-for-activation", classifier(), "dL/dW2[1,2]", E * -0.7),
    ("weight-for-activation", classifier(), "dL/da1[1]", E * A1),
    ("shares-of-weights", chooser(), "dL/da1[1]", 0.8 / 0.3 * D1 + 0.4 / 1.3 * D2),
    ("mean-twice", batch(), "dL/dW1[1,1]", MEAN_W / 2),
    ("mean-twice", batch(), "L", (0.55**2 + 0.6**2) / 8),
    ("decay-subtracted", batch(l2=0.2), "dJ/dW1[1,1]", MEAN_W - 0.2 * 0.5),
    ("decay-subtracted", batch(l2=0.2), "J", (0.55**2 + 0.6**2) / 4 - 0.1 * 0.5**2),
    ("decay-without-rate", batch(l2=0.2, learning_rate=0.5), "W1'[1,1]", 0.5 - 0.5 * MEAN_W - 0.2 * 0.5),
    (
        "no-bias-correction",
        classifier(optimizer="adam", beta1=0.8, beta2=0.9, epsilon=1e-8),
        "W2'[1,1]",
        0.9 - 0.3 * 0.2 * G / (sqrt(0.1 * G**2) + 1e-8),
    ),
    ("memory-forgotten", (DOWNHILL, 2), "x'", 1.2 - 0.1 * 2.4),
    ("memory-forgotten", (DOWNHILL, 2), "x.velocity'", 2.4),
    ("minus-lost", MINUS, "df/dy", 3.0),
    ("decay-scaled", batch(l2=0.2), "dJ/dW1[1,1]", MEAN_W + 2 * 0.2 * 0.5),
    ("decay-scaled", batch(l2=0.2), "J", (0.55**2 + 0.6**2) / 4 + 0.2 * 0.5**2),
    ("decay-of-biases", batch(l2=0.2), "dL/db1[1]", MEAN_B + 0.2 * 0.1),
    ("decay-of-biases", batch(l2=0.2), "J", (0.55**2 + 0.6**2) / 4 + 0.1 * (0.5**2 + 0.1**2)),
    ("mean-and-sum-confused", classifier(optimizer="adam", beta1=0.8), "W2.m'[1,1]", G),
    ("mean-and-sum-confused", classifier(optimizer="momentum", momentum=0.6), "W2.velocity'[1,1]", 0.4 * G),
    ("rate-in-velocity", classifier(optimizer="momentum", momentum=0.6), "W2.velocity'[1,1]", -0.3 * G),
    ("rate-in-velocity", classifier(optimizer="momentum", momentum=0.6), "W2.velocity'[1,1]", -G),
    ("gradient-not-squared", classifier(optimizer="adam", beta2=0.9), "W2.v'[1,1]", 0.1 * G),
    ("wrong-correction", classifier(optimizer="adam", beta1=0.8), "W2.mhat[1,1]", 0.2 * G / 0.8),
    ("wrong-correction", classifier(optimizer="adam", beta1=0.8), "W2.mhat[1,1]", 0.2 * G * 0.2),
    (
        "root-left-out",
        classifier(optimizer="adam", beta1=0.8, epsilon=0.05),
        "W2'[1,1]",
        0.9 - 0.3 * G / (G**2 + 0.05),
    ),
    ("root-left-out", FUNCTIONS["root"], "q", 1.6),
    ("another-activation", classifier(), "a1[1]", tanh(Z1)),
    ("another-activation", chooser(), "a1[2]", sigma(0.2 * 0.7 - 0.5 * 1.1 + 0.3)),
    ("target-forgotten", classifier(), "dL/dz2[1]", P),
    ("target-forgotten", bent("relu"), "dL/da2[1]", 2 * OUT),
    ("one-logarithm", half_sure(), "L", -0.3 * log(P)),
    ("one-logarithm", half_sure(), "L", -0.7 * log(1 - P)),
    ("softmax-not-shared", chooser(), "a2[1]", exp(S1 - max(S1, S2))),
    ("derivative-of-exp", FUNCTIONS["exp"], "df/dx", 3 * 1.6),
    ("derivative-of-exp", FUNCTIONS["exp"], "df/dx", 3 * 1.6 * exp(0.6)),
    ("derivative-of-exp", FUNCTIONS["exp"], "df/dx", 3.0),
    ("derivative-of-log", FUNCTIONS["log"], "df/dx", 3 * log(1.6)),
    ("derivative-of-log", FUNCTIONS["log"], "df/dx", 3 * 1.6),
    ("derivative-of-root", FUNCTIONS["root"], "df/dx", 3 / sqrt(1.6)),
    ("derivative-of-root", FUNCTIONS["root"], "df/dx", 3 * sqrt(1.6) / 2),
    ("derivative-of-quotient", FUNCTIONS["div"], "df/dy", 3 * 1.6 / 2.5**2),
    ("derivative-of-quotient", FUNCTIONS["div"], "df/dy", -3 * 1.6 / 2.5),
    ("derivative-of-quotient", FUNCTIONS["div"], "df/dx", 3 * 2.5),
    ("derivative-of-power", FUNCTIONS["power"], "df/dx", 3 * 3 * 1.6**3),
    ("derivative-of-power", FUNCTIONS["power"], "df/dx", 3 * 1.6**2),
    ("derivative-of-sine", FUNCTIONS["sin"], "df/dx", -3 * cos(1.6)),
    ("derivative-of-sine", FUNCTIONS["cos"], "df/dx", 3 * sin(1.6)),
    ("derivative-of-absolute", FUNCTIONS["abs"], "df/dx", 3.0),
]


def question(lesson: Lesson | tuple[Lesson, int], step: str, notation: str = "dz") -> Question:
    """A question about a step, of a lesson's first iteration or of another one."""
    lesson, iteration = lesson if isinstance(lesson, tuple) else (lesson, 1)
    found = trace(lesson, iteration).find(step)
    return Question(found if found.index is not None else found.at((0,) * len(found.shape)), Writer(lesson, notation))


PLANTED += of_arrays.PLANTED + of_forward.PLANTED


@pytest.mark.parametrize(("id", "lesson", "step", "wrong"), PLANTED)
def test_a_planted_slip_is_named_with_its_formula(id, lesson, step, wrong):
    asked = question(lesson, step)
    text = f"{wrong:#.5g}" if wrong else "0"
    verdict = grade(asked, text)
    assert (verdict.kind, id in [slip.misconception for slip in verdict.slips]) == ("misconception", True), verdict
    slip = next(slip for slip in verdict.slips if slip.misconception == id)
    assert math.isclose(slip.value, wrong, rel_tol=1e-9, abs_tol=1e-12)
    shown = compare(asked, slip)
    assert any(differs for _, differs in shown.wrong) or any(differs for _, differs in shown.right)
    assert MISCONCEPTIONS[verdict.slips[0].misconception].remedy in verdict.message
    if slip.equation is asked.step.equation:
        alone = evaluate(asked.step.specialise(slip.wrong), asked.step.trace.value)
        assert math.isclose(alone, wrong, rel_tol=1e-9, abs_tol=1e-12)


def test_every_misconception_is_planted_above():
    missing = set(MISCONCEPTIONS) - {planted[0] for planted in PLANTED}
    assert not missing, f"tests/test_misconceptions.py: plant {sorted(missing)} in PLANTED, the number by hand"
    assert {planted[0] for planted in PLANTED} <= set(MISCONCEPTIONS)


NETWORKS = ("layer", "unit", "weight", "batch", "loss", "ŷ", "neuron", "class", "output of softmax")
LAYERED = ("z is only", "row of weights", "true class")


def test_no_remedy_speaks_of_a_network_in_a_circuit_nor_of_gates_in_a_network():
    """What is said is true wherever it is said: gone over every entry, for every lesson in which it is found, and
    every one is found somewhere."""
    where: dict[str, set[str]] = {}
    for lesson, there in zip(zoo(), traces(), strict=True):
        for step in there.steps("matrix"):
            for slip in slips(step.at((0,) * len(step.shape))):
                where.setdefault(slip.misconception, set()).add("circuit" if lesson.circuit else "network")
    assert set(where) == set(MISCONCEPTIONS)
    for id, places in where.items():
        words = f"{MISCONCEPTIONS[id].title} {MISCONCEPTIONS[id].remedy}".lower()
        if "circuit" in places:
            assert not any(word in words.replace("linear unit", "") for word in NETWORKS), (id, words)
        if "network" in places:
            assert "gate " not in words.replace("the gate was", "").replace("the gate of", ""), (id, words)


def test_the_wrong_formula_stands_beside_the_right_one_with_the_difference_marked():
    asked = question(classifier(), "dL/dW1[2,1]")
    (slip,) = (s for s in asked.slips if s.misconception == "slope-dropped")
    shown = compare(asked, slip)
    # The slip is in the error of unit 2, which the asked weight feeds: that unit's equation is shown.
    assert (shown.name, marked(shown.right), marked(shown.wrong)) == ("dz₂¹", "da₂¹[· σ′(z₂¹)]", "da₂¹")


def test_a_reversed_difference_is_called_that_however_many_equations_back():
    lesson = bundled("vanishing")
    step = trace(lesson).find("dL/dW1[1,1]")
    verdict = grade(Question(step, Writer(lesson, "dz")), f"{-float(step.value):.6g}")
    assert (verdict.kind, verdict.slips[0].misconception) == ("misconception", "difference-reversed")
    assert verdict.slips[0].distance > 6


# ---------------------------------------------------------------- mistakes from outside the table


def world():
    """The benchmark's mistakes, written in plain NumPy as people wrote them."""
    file = Path(__file__).parent.parent / "benchmarks" / "seen.py"
    spec = importlib.util.spec_from_file_location("seen", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["seen"] = module  # where dataclasses look for their module
    spec.loader.exec_module(module)
    return module


def test_mistakes_found_in_the_world_are_named_where_they_are_made():
    """A whole wrong pass, worked out apart from the tutor; asked for in the step whose operands are still right."""
    seen_in, missed = set(), []
    lessons = [classifier(), chooser(), deep(), open_and_shut(), half_sure(), unsure(), bundled("xor")]
    for lesson in lessons:
        for mistake, right, wrong in world().planted(lesson):
            for id, values in wrong.items():
                rests = [ref.symbol.id for ref in trace(lesson).find(id).operands if ref.symbol.id in wrong]
                if any(not np.allclose(wrong[of], right[of], rtol=1e-9) for of in rests):
                    continue
                for index in np.ndindex(values.shape):
                    asked = Question(trace(lesson).find(id).at(index), Writer(lesson, "dz"))
                    assert np.isclose(asked.right, right[id][index], rtol=1e-9, atol=1e-12), asked.step.id
                    if abs(values[index] - asked.right) > 0.02 * abs(asked.right):
                        verdict = grade(asked, f"{values[index]:#.6g}" if values[index] else "0")
                        seen_in.add(mistake)
                        if not {slip.misconception for slip in verdict.slips} & mistake.expected:
                            missed.append((mistake.__name__, asked.step.id, values[index], verdict))
    assert not missed
    assert len(seen_in) >= 18


# ---------------------------------------------------------------- over every lesson there is


@cache
def zoo() -> list[Lesson]:
    """The bundled lessons; every activation, loss and optimiser; batches, L2, and circuits with every kind of gate."""
    found = [bundled(entry.id) for entry in entries()]
    found += [classifier(), chooser(), deep(), bent("relu"), bent("leaky_relu"), batch(l2=0.2), GATES, PICK, FORK]
    found += [classifier(optimizer=name) for name in OPTIMIZERS]
    found += [half_sure(), unsure(), fan(), broad(), open_and_shut(), DOWNHILL, HINGE, MINUS, *FUNCTIONS.values()]
    for activation in ACTIVATIONS:
        hidden = dense([[0.5, -0.4], [0.3, 0.7], [-0.2, 0.6]], [0.1, -0.2, 0.05], activation)
        layers = [hidden, dense([[0.9, -0.7, 0.4], [0.35, 0.2, -0.6]], None, "sigmoid")]
        rows = [[0.7, -1.1], [0.2, 0.9]]
        found.append(network_lesson(layers, "mean_squared_error", rows, [[0.2, 0.6], [0.8, 0.1]], batch="all", l2=0.1))
    shared = [dense([[0.5, -0.4], [0.3, 0.7]], 0.1, "tanh"), dense([[0.9, -0.7]], [0.2])]
    found.append(network_lesson(shared, "huber", rows, [[0.2], [0.8]], batch="all", batch_loss="sum"))
    return [*found, *of_arrays.LESSONS, of_forward.hinge]


@cache
def traces() -> list[Trace]:
    """Those of the zoo, which keep the slips of each equation: several tests go over all of them."""
    return [trace(lesson) for lesson in zoo()]


@pytest.mark.parametrize("number", range(len(zoo())), ids=lambda number: f"{number}-{zoo()[number].id}")
def test_every_slip_anywhere_can_be_shown_and_some_difference_is_marked(number):
    """Every second step, each in another notation, beginning with another one in each lesson."""
    lesson = zoo()[number]
    writers = [Writer(lesson, notation) for notation in NOTATIONS]
    for at, whole in enumerate(traces()[number].steps("matrix")):
        if whole.example or (at % 2 != number % 2 and not DEEP):
            continue
        step = whole.at((0,) * len(whole.shape))
        for writer in by_turns(writers, number + at, 1):
            asked = Question(step, writer)
            for slip in asked.slips:
                shown = compare(asked, slip)
                assert any(d for _, d in shown.right + shown.wrong), (whole.id, slip)
                assert slip.wrong != slip.equation.formula


def test_slips_are_the_same_one_by_one_as_for_the_whole():
    """The element's wrong value is the wrong formula's, worked out for that element alone."""
    for lesson, first in zip(zoo(), traces(), strict=True):
        for step in spread(first.steps("scalar"), 2):
            for slip in slips(step, reach=0):
                if slip.equation is not step.equation:  # an example's own, of which the step is the mean
                    continue
                with np.errstate(all="ignore"):
                    alone = evaluate(step.specialise(slip.wrong), first.value)
                assert np.isclose(alone, slip.value, rtol=1e-9, atol=1e-12), (lesson.id, step.id, slip)


@each("id", MISCONCEPTIONS)
def test_titles_and_remedies_are_sentences_that_a_person_can_read(id):
    entry = MISCONCEPTIONS[id]
    assert entry.remedy.endswith(".") and not entry.title.endswith(".")
    assert entry.remedy[0].isupper() or not entry.remedy.split()[0].isalpha() or len(entry.remedy.split()[0]) == 1
    assert len(entry.title) <= 80 and len(entry.remedy) <= 120
    assert entry.seen.startswith(("https://", "http://")) or entry.seen == "a learner's answer"
    others = [other.title for key, other in MISCONCEPTIONS.items() if key != id]
    assert entry.title not in others


def test_a_vector_on_the_other_side_of_the_transpose_is_no_slip():
    """v · M is Mᵀ · v: as NumPy has vectors, dh = Wᵀ dp may be written dp @ W."""
    found = trace(load(find("weight-twice"))).find("dL/dh")
    turned = [slip for slip in slips(found.at((0,))) if slip.misconception == "factor-turned"]
    assert [np.round(float(slip.value), 12) for slip in turned] == [-1.75]  # 0.5 · 0.5 + 2 · (−1), by hand
