"""Losses and activations that were written down wrongly: the wrong numbers by hand, and which slip is named.

`test_misconceptions.py` grades the planted ones as typed answers; here they are handed in as a program's values.
"""

from __future__ import annotations

from math import erf, exp, log, log2, log10, pi, sqrt, tanh

import numpy as np
import pytest

import tutor
from strategies import dense, network_lesson

WEIGHTS = [[0.6, -1.1], [-0.4, 0.9], [0.7, 0.2]]
BIASES = [0.3, -0.2, 0.1]
X = (0.7, -1.3)
Z = [w * X[0] + v * X[1] + b for (w, v), b in zip(WEIGHTS, BIASES, strict=True)]  # 2.15, −1.65, 0.33


def sigma(z):
    return 1 / (1 + exp(-z))


def one_layer(activation, loss, targets, **settings):
    """Three outputs, whose pre-activations are Z."""
    alpha = settings.pop("alpha", 0.01)
    layer = dense(WEIGHTS, BIASES, activation, alpha=alpha)
    return network_lesson([layer], loss, [list(X)], [targets], **settings)


def of(function):
    return [function(z) for z in Z]


S, T, U = [1.0, 0.0, 0.0], [0.4, -0.7, 0.9], [0.0, 1.0, 0.0]
P, H = of(sigma), of(tanh)
Q = [exp(z) / sum(of(exp)) for z in Z]
D = [y - a for y, a in zip(T, H, strict=True)]
SQUARES = sum(d * d for d in D)
HINGED = [1 - y * z for y, z in zip((1, -1, -1), Z, strict=True)]  # −1.15, −0.65, 1.33

sure = one_layer("sigmoid", "binary_cross_entropy", S)
chosen = one_layer("softmax", "cross_entropy", U)
squared = one_layer("tanh", "squared_error", T)
halved = one_layer("tanh", "half_squared_error", T)
meant = one_layer("tanh", "mean_squared_error", T)
hinge = one_layer("linear", "hinge", [1.0, -1.0, -1.0])
huber = one_layer("linear", "huber", [3.9, -1.9, 0.5])  # differences of 1.75, −0.25 and 0.17
NEAR = 0.25**2 / 2 + 0.17**2 / 2

AGAIN = [exp(q) / sum(map(exp, Q)) - y for q, y in zip(Q, U, strict=True)]  # what comes back to Q
TWICE = sum(Q[k] * ((k == 1) - Q[1]) * AGAIN[k] for k in range(3))  # and through softmax to the second z
ROOT = sqrt(2 / pi)

PLANTED = [
    ("loss-sign", sure, "L", -log(P[0]) + log(1 - P[1]) + log(1 - P[2])),
    ("loss-sign", sure, "L", log(P[0]) - log(1 - P[1]) - log(1 - P[2])),
    ("loss-sign", squared, "L", sum((y + a) ** 2 for y, a in zip(T, H, strict=True))),
    ("loss-sign", halved, "L", -SQUARES / 2),
    ("loss-sign", hinge, "L", (1 + Z[0]) + (1 - Z[1]) + (1 - Z[2])),
    ("logits-expected", chosen, "L", -log(exp(Q[1]) / sum(map(exp, Q)))),
    ("logits-expected", sure, "dL/dz1[1]", (sigma(P[0]) - 1) * P[0] * (1 - P[0])),
    ("logits-expected", chosen, "dL/dz1[2]", TWICE),
    ("log-base-two", sure, "L", -log2(P[0]) - log2(1 - P[1]) - log2(1 - P[2])),
    ("log-base-two", chosen, "L", -log2(Q[1])),
    ("log-left-out", chosen, "L", -Q[1]),
    ("log-left-out", sure, "L", -P[0] - (1 - P[1]) - (1 - P[2])),
    ("one-minus-lost", sure, "L", -log(P[0]) - log(P[1]) - log(P[2])),
    ("one-minus-lost", sure, "L", -log(P[0]) - log(1 - P[0])),
    ("targets-exchanged", sure, "L", -log(1 - P[0]) - log(P[1]) - log(P[2])),
    ("target-left-out", chosen, "L", -sum(map(log, Q))),
    ("another-loss", chosen, "L", -log(Q[1]) - log(1 - Q[0]) - log(1 - Q[2])),  # that of two classes
    ("another-loss", sure, "L", sum((y - p) ** 2 for y, p in zip(S, P, strict=True))),
    ("another-loss", squared, "L", sum(map(abs, D))),
    ("root-taken", squared, "L", sqrt(SQUARES)),
    ("root-taken", halved, "L", sqrt(SQUARES) / 2),
    ("root-taken", meant, "L", sqrt(SQUARES / 3)),
    ("sum-before-square", squared, "L", sum(D) ** 2),
    ("sum-before-square", meant, "L", (sum(D) / 3) ** 2),
    ("squares-apart", squared, "L", sum(y * y - a * a for y, a in zip(T, H, strict=True))),
    ("one-output-alone", squared, "L", D[2] ** 2),
    ("one-output-alone", halved, "L", D[0] ** 2 / 2),
    ("margin-lost", hinge, "L", max(0, -Z[0]) + max(0, Z[1]) + max(0, Z[2])),
    ("margin-lost", hinge, "L", sum(HINGED)),
    ("margin-squared", hinge, "L", sum(max(0, h) ** 2 for h in HINGED)),
    ("pieces-exchanged", huber, "L", 1.75**2 / 2 + NEAR),
    ("pieces-exchanged", huber, "L", 1.75**2 / 2 + (0.25 - 0.5) + (0.17 - 0.5)),
    ("pieces-do-not-meet", huber, "L", 1.75 + NEAR),
    ("pieces-do-not-meet", huber, "L", (1.75 - 0.5) + 2 * NEAR),
    ("square-lost", squared, "L", -sum(D)),
    ("square-lost", squared, "L", 2 * sum(D)),
    ("half-added", meant, "L", SQUARES / 6),
    ("factor-two-added", squared, "L", 2 * SQUARES),
    ("target-forgotten", squared, "L", sum(h * h for h in H)),
    ("sigmoid-misremembered", sure, "a1[1]", 1 / (1 - exp(-Z[0]))),
    ("sigmoid-misremembered", sure, "a1[2]", 1 + exp(-Z[1])),
    ("tanh-misremembered", squared, "a1[1]", (exp(Z[0]) - exp(-Z[0])) / 2),
    ("tanh-misremembered", squared, "a1[2]", (exp(Z[1]) - 1) / (exp(Z[1]) + 1)),
    ("softmax-misremembered", chosen, "a1[2]", Z[1] / sum(Z)),
    ("softmax-misremembered", chosen, "a1[3]", exp(Z[2] - max(Z)) / sum(of(exp))),
    ("softmax-misremembered", chosen, "a1[1]", log(Q[0])),
    ("curve-misremembered", one_layer("relu", "squared_error", T), "a1[2]", -Z[1]),
    ("curve-misremembered", one_layer("softplus", "squared_error", T), "a1[1]", log10(1 + exp(Z[0]))),
    ("curve-misremembered", one_layer("silu", "squared_error", T), "a1[1]", sigma(Z[0])),
    ("curve-misremembered", one_layer("gelu", "squared_error", T), "a1[3]", 0.5 * Z[2] * (1 + tanh(ROOT * Z[2]))),
    ("relative-of-relu", one_layer("relu", "squared_error", T), "a1[2]", 0.01 * Z[1]),
    ("relative-of-relu", one_layer("gelu", "squared_error", T), "a1[1]", Z[0] * (1 + erf(Z[0] / sqrt(2))) / 2),
    ("another-alpha", one_layer("leaky_relu", "squared_error", T), "a1[2]", 0.2 * Z[1]),
    ("another-alpha", one_layer("elu", "squared_error", T, alpha=1.0), "a1[2]", exp(-Z[1]) - 1),
]


@pytest.mark.parametrize(
    ("loss", "activation", "targets", "wrong", "id"),
    [
        # as programs have them, on whole arrays
        ("binary_cross_entropy", "sigmoid", S, lambda y, a: -y @ np.log(a) + (1 - y) @ np.log(1 - a), "loss-sign"),
        ("binary_cross_entropy", "sigmoid", S, lambda y, a: np.sum(np.abs(y - a)), "another-loss"),
        ("cross_entropy", "softmax", U, lambda y, a: -np.sum(y * np.log2(a)), "log-base-two"),
        ("half_squared_error", "tanh", T, lambda y, a: np.linalg.norm(y - a) / 2, "root-taken"),
        ("half_squared_error", "tanh", T, lambda y, a: np.sum(y - a) ** 2 / 2, "sum-before-square"),
        ("mean_squared_error", "tanh", T, lambda y, a: np.sqrt(np.mean((y - a) ** 2)), "root-taken"),
        ("mean_squared_error", "tanh", T, lambda y, a: np.mean((y - a) ** 2) / 2, "half-added"),
    ],
)
def test_the_loss_of_a_program_is_named_by_its_number_alone(loss, activation, targets, wrong, id):
    lesson = tutor.network([WEIGHTS], list(X), targets, biases=[BIASES], activations=activation, loss=loss)
    found = tutor.diagnose(lesson, {"L": wrong(np.array(targets), lesson.trace()["a1"].value)}).as_dict()
    assert found["first_wrong"] == "L" and found["arrays"][0]["slips"][0]["name"] == id
