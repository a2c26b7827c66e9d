"""The table of optimisers: how a parameter's new value follows from its gradient.

In a rule, `p` is the parameter, `g` its gradient, `h` the hyper-parameters by name (and
`t`, the number of this update, from 1), `old(name)` a state's value before this update and
`define(name, formula)` one more equation. A rule returns the new value's formula. States
start at zero, unless a lesson says what they are; `m'` is the new value of the state `m`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tutor.engine.expressions import Expr, Ref, call

Rule = Callable[[Ref, Ref, dict[str, Ref], Callable[[str], Ref], Callable[[str, Expr], Ref]], Expr]


@dataclass(frozen=True)
class Optimizer:
    """`hyper` names the lesson's keys that it uses, `states` what it remembers of each parameter."""

    title: str
    rule: Rule
    hyper: tuple[str, ...] = ("learning_rate",)
    states: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """A value that a rule works out: its sign, and what is said of it (templates as in `explanations.py`)."""

    sign: str
    title: str
    why: str
    story: str


STATES: dict[str, State] = {
    "velocity": State(
        "v",
        "Velocity of {of}",
        "The last velocity, slowed down by μ, plus the new gradient: steps in a steady direction build up.",
        "{of} has momentum: it remembers where it was heading.",
    ),
    "m": State(
        "m",
        "First moment of {of}",
        "A running mean of the gradients: mostly the old one, and a little of the new.",
        "{of} remembers the average of its recent blame.",
    ),
    "v": State(
        "v",
        "Second moment of {of}",
        "A running mean of the squared gradients: how large they usually are.",
        "{of} remembers how loud its recent blame has been.",
    ),
    "mhat": State(
        "m̂",
        "First moment of {of}, corrected",
        "The running mean began at 0; dividing by 1 − β₁ᵗ takes that start out again.",
        "The memory is young and began at nothing: it is scaled up to be fair.",
    ),
    "vhat": State(
        "v̂",
        "Second moment of {of}, corrected",
        "The running mean began at 0; dividing by 1 − β₂ᵗ takes that start out again.",
        "The memory is young and began at nothing: it is scaled up to be fair.",
    ),
}

# The signs of what the rules take; the learning rate's is the notation's own.
SIGNS = {
    "momentum": "μ", "beta1": "β₁", "beta2": "β₂", "epsilon": "ε", "rho": "ρ", "weight_decay": "λ_w", "l2": "λ",
    "t": "t",
}  # fmt: skip


def _sgd(p: Any, g: Any, h: Any, old: Any, define: Any) -> Any:
    return p - h["learning_rate"] * g


def _momentum(p: Any, g: Any, h: Any, old: Any, define: Any) -> Any:
    velocity = define("velocity'", h["momentum"] * old("velocity") + g)
    return p - h["learning_rate"] * velocity


def _nesterov(p: Any, g: Any, h: Any, old: Any, define: Any) -> Any:
    velocity = define("velocity'", h["momentum"] * old("velocity") + g)
    return p - h["learning_rate"] * (g + h["momentum"] * velocity)


def _adam_step(g: Any, h: Any, old: Any, define: Any) -> Any:
    """m̂ / (√v̂ + ε), Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1."""
    m = define("m'", h["beta1"] * old("m") + (1 - h["beta1"]) * g)
    v = define("v'", h["beta2"] * old("v") + (1 - h["beta2"]) * g**2)
    m_hat = define("mhat", m / (1 - h["beta1"] ** h["t"]))
    v_hat = define("vhat", v / (1 - h["beta2"] ** h["t"]))
    return m_hat / (call("sqrt", v_hat) + h["epsilon"])


def _rmsprop(p: Any, g: Any, h: Any, old: Any, define: Any) -> Any:
    """Tieleman and Hinton, "Lecture 6.5: RMSprop", Neural Networks for Machine Learning, 2012."""
    v = define("v'", h["rho"] * old("v") + (1 - h["rho"]) * g**2)
    return p - h["learning_rate"] * (g / (call("sqrt", v) + h["epsilon"]))


def _adam(p: Any, g: Any, h: Any, old: Any, define: Any) -> Any:
    return p - h["learning_rate"] * _adam_step(g, h, old, define)


def _adamw(p: Any, g: Any, h: Any, old: Any, define: Any) -> Any:
    """Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019; biases do not decay."""
    step = _adam_step(g, h, old, define)
    if p.symbol.quantity == "biases":
        return p - h["learning_rate"] * step
    return p - h["learning_rate"] * (step + h["weight_decay"] * p)


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer("gradient descent", _sgd),
    "momentum": Optimizer("momentum", _momentum, ("learning_rate", "momentum"), ("velocity",)),
    "nesterov": Optimizer("Nesterov momentum", _nesterov, ("learning_rate", "momentum"), ("velocity",)),
    "rmsprop": Optimizer("RMSprop", _rmsprop, ("learning_rate", "rho", "epsilon"), ("v",)),
    "adam": Optimizer("Adam", _adam, ("learning_rate", "beta1", "beta2", "epsilon"), ("m", "v")),
    "adamw": Optimizer("AdamW", _adamw, ("learning_rate", "beta1", "beta2", "epsilon", "weight_decay"), ("m", "v")),
}
