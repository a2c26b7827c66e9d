"""The table of losses: the formula that is shown, how it is computed, and its derivative.

`y` is the target, `a` the prediction (the last activation), `z` its pre-activation, all of
one example and of shape (outputs,). Batches take the mean over examples (network.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tutor.formula import OPERATORS, Expr, Operator, call


@dataclass(frozen=True)
class Line:
    """One line of a derivation: a formula equal to the one before, and the reason.

    In a reason {a} stands for the prediction and {z} for the letter of a pre-activation.
    """

    reason: str
    formula: Expr


@dataclass(frozen=True)
class Combined:
    """∂L/∂z in one piece, where loss and activation cancel.

    The derivation begins with the product of the two factors, for the `reason` given, and goes
    on with `lines(y, a)`, the last of which is the `formula(y, a)`.
    """

    formula: Callable[[Expr, Expr], Expr]
    reason: str
    lines: Callable[[Expr, Expr], tuple[Line, ...]]


@dataclass(frozen=True)
class Loss:
    """`formula(y, a)` is shown, `stable(y, z)` computed where given; `gradient(y, a)` is ∂L/∂a."""

    title: str
    formula: Callable[[Expr, Expr], Expr]
    gradient: Callable[[Expr, Expr], Expr]
    stable: Callable[[Expr, Expr], Expr] | None = None
    combined: dict[str, Combined] = field(default_factory=dict)
    wants: str | None = None  # the one activation that it may follow


def _sigmoid_lines(y: Expr, a: Expr) -> tuple[Line, ...]:
    return (
        Line(
            "the loss's factor over one denominator, the activation's written out",
            -((y - a) / (a * (1 - a))) * (a * (1 - a)),
        ),
        Line("{a} · (1 − {a}) cancels", -(y - a)),
        Line("the minus turns the difference round", a - y),
    )


def _softmax_lines(y: Expr, a: Expr) -> tuple[Line, ...]:
    return (
        Line("−y/{a} cancels a factor {a} in every term", -(y - a * call("sum", y))),
        Line("the targets sum to 1", -(y - a)),
        Line("the difference of the predicted and the true distribution", a - y),
    )


LOSSES: dict[str, Loss] = {
    "squared_error": Loss(
        "squared error",
        lambda y, a: call("sum", (y - a) ** 2),
        lambda y, a: -2 * (y - a),
    ),
    "half_squared_error": Loss(
        "half squared error",
        lambda y, a: call("sum", (y - a) ** 2) / 2,
        lambda y, a: a - y,
    ),
    "mean_squared_error": Loss(
        "mean squared error",
        lambda y, a: call("sum", (y - a) ** 2) / a.shape[0],
        lambda y, a: -2 * (y - a) / a.shape[0],
    ),
    "binary_cross_entropy": Loss(
        "binary cross-entropy",
        lambda y, a: -call("sum", y * call("log", a) + (1 - y) * call("log", 1 - a)),
        lambda y, a: -call("ratio", y, a) + call("ratio", 1 - y, 1 - a),
        stable=lambda y, z: call("binary_cross_entropy", y, z),
        combined={"sigmoid": Combined(lambda y, a: a - y, "the loss's factor times the activation's", _sigmoid_lines)},
        wants="sigmoid",
    ),
    "cross_entropy": Loss(
        "cross-entropy",
        lambda y, a: -call("sum", y * call("log", a)),
        lambda y, a: -call("ratio", y, a),
        stable=lambda y, z: call("cross_entropy", y, z),
        combined={
            "softmax": Combined(
                lambda y, a: a - y,
                "each {z} moves every {a}, through softmax's denominator: a sum over all of them",
                _softmax_lines,
            )
        },
        wants="softmax",
    ),
}


def _binary_cross_entropy(node, y, z):
    """Σ max(z, 0) − zy + ln(1 + e^−|z|): −Σ y ln σ(z) + (1 − y) ln(1 − σ(z)), finite for any finite z."""
    return np.sum(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))), axis=-1)


def _cross_entropy(node, y, z):
    """Σ y (ln Σ eᶻ − z): −Σ y ln softmax(z), finite for any finite z."""
    top = np.max(z, axis=-1, keepdims=True)
    return np.sum(y * (top - z + np.log(np.sum(np.exp(z - top), axis=-1, keepdims=True))), axis=-1)


# Computed from z, never shown: they have no element of their own.
OPERATORS["binary_cross_entropy"] = Operator(lambda y, z: (), _binary_cross_entropy, lambda node, index: node)
OPERATORS["cross_entropy"] = Operator(lambda y, z: (), _cross_entropy, lambda node, index: node)
