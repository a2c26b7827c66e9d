"""The table of optimisers: how a parameter's new value follows from its gradient.

In a rule, `p` is the parameter, `g` its gradient, `h` the hyper-parameters by name (and
`t`, the number of this update, from 1), `old(state)` a state's value before this update and
`define(state, formula)` one more equation, of the state's new value. A rule returns the parameter's new value. States
start at zero, unless a lesson says what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tutor.engine.expressions import Expr, Ref, call


@dataclass(frozen=True)
class State:
    """A value that a rule works out: its name in ids, its sign, and what is said of it (as in `explanations.py`).

    What is `kept` goes on to the next update, as W1.m'; what is not is of this update alone, as W1.mhat. Of `squares` a
    mean or a sum is never below 0, nor may a lesson begin it there.
    """

    name: str
    sign: str
    title: str
    why: str
    story: str
    kept: bool = True
    squares: bool = False


Settings = dict[str, Ref]
Old = Callable[[State], Ref]
Define = Callable[[State, Expr], Ref]
UpdateRule = Callable[[Ref, Ref, Settings, Old, Define], Expr]


@dataclass(frozen=True)
class Optimizer:
    """`hyper` names the lesson's keys that it uses, `states` what it works out of each parameter."""

    title: str
    rule: UpdateRule
    hyper: tuple[str, ...] = ("learning_rate",)
    states: tuple[State, ...] = ()

    @property
    def memory(self) -> tuple[State, ...]:
        """The states that it remembers from one update to the next."""
        return tuple(state for state in self.states if state.kept)


VELOCITY = State(
    "velocity",
    "v",
    "Velocity of {of}",
    "The last velocity, slowed down by μ, plus the new gradient: steps in a steady direction build up.",
    "{of} has momentum: it remembers where it was heading.",
)
FIRST_MOMENT = State(
    "m",
    "m",
    "First moment of {of}",
    "A running mean of the gradients: mostly the old one, and a little of the new.",
    "{of} remembers the average of its recent blame.",
)
SECOND_MOMENT = State(
    "v",
    "v",
    "Second moment of {of}",
    "A running mean of the squared gradients: how large they usually are.",
    "{of} remembers how loud its recent blame has been.",
    squares=True,
)
FIRST_CORRECTED = State(
    "mhat",
    "m̂",
    "First moment of {of}, corrected",
    "The running mean began at 0; dividing by 1 − β₁ᵗ takes that start out again.",
    "The memory is young and began at nothing: it is scaled up to be fair.",
    kept=False,
)
SECOND_CORRECTED = State(
    "vhat",
    "v̂",
    "Second moment of {of}, corrected",
    "The running mean began at 0; dividing by 1 − β₂ᵗ takes that start out again.",
    "The memory is young and began at nothing: it is scaled up to be fair.",
    kept=False,
    squares=True,
)

# The signs of what the rules take; the learning rate's is the notation's own.
SIGNS = {
    "momentum": "μ", "beta1": "β₁", "beta2": "β₂", "epsilon": "ε", "rho": "ρ", "weight_decay": "λ_w", "l2": "λ",
    "t": "t",
}  # fmt: skip


def _sgd(p: Ref, g: Ref, h: Settings, old: Old, define: Define) -> Expr:
    return p - h["learning_rate"] * g


def _momentum(p: Ref, g: Ref, h: Settings, old: Old, define: Define) -> Expr:
    velocity = define(VELOCITY, h["momentum"] * old(VELOCITY) + g)
    return p - h["learning_rate"] * velocity


def _nesterov(p: Ref, g: Ref, h: Settings, old: Old, define: Define) -> Expr:
    velocity = define(VELOCITY, h["momentum"] * old(VELOCITY) + g)
    return p - h["learning_rate"] * (g + h["momentum"] * velocity)


def _adam_step(g: Ref, h: Settings, old: Old, define: Define) -> Expr:
    """m̂ / (√v̂ + ε), Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1."""
    m = define(FIRST_MOMENT, h["beta1"] * old(FIRST_MOMENT) + (1 - h["beta1"]) * g)
    v = define(SECOND_MOMENT, h["beta2"] * old(SECOND_MOMENT) + (1 - h["beta2"]) * g**2)
    m_hat = define(FIRST_CORRECTED, m / (1 - h["beta1"] ** h["t"]))
    v_hat = define(SECOND_CORRECTED, v / (1 - h["beta2"] ** h["t"]))
    return m_hat / (call("sqrt", v_hat) + h["epsilon"])


def _rmsprop(p: Ref, g: Ref, h: Settings, old: Old, define: Define) -> Expr:
    """Tieleman and Hinton, "Lecture 6.5: RMSprop", Neural Networks for Machine Learning, 2012."""
    v = define(SECOND_MOMENT, h["rho"] * old(SECOND_MOMENT) + (1 - h["rho"]) * g**2)
    return p - h["learning_rate"] * (g / (call("sqrt", v) + h["epsilon"]))


def _adam(p: Ref, g: Ref, h: Settings, old: Old, define: Define) -> Expr:
    return p - h["learning_rate"] * _adam_step(g, h, old, define)


def _adamw(p: Ref, g: Ref, h: Settings, old: Old, define: Define) -> Expr:
    """Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019; biases do not decay."""
    step = _adam_step(g, h, old, define)
    if p.symbol.quantity == "biases":
        return p - h["learning_rate"] * step
    return p - h["learning_rate"] * (step + h["weight_decay"] * p)


_ADAM = (FIRST_MOMENT, SECOND_MOMENT, FIRST_CORRECTED, SECOND_CORRECTED)

OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer("gradient descent", _sgd),
    "momentum": Optimizer("momentum", _momentum, ("learning_rate", "momentum"), (VELOCITY,)),
    "nesterov": Optimizer("Nesterov momentum", _nesterov, ("learning_rate", "momentum"), (VELOCITY,)),
    "rmsprop": Optimizer("RMSprop", _rmsprop, ("learning_rate", "rho", "epsilon"), (SECOND_MOMENT,)),
    "adam": Optimizer("Adam", _adam, ("learning_rate", "beta1", "beta2", "epsilon"), _ADAM),
    "adamw": Optimizer("AdamW", _adamw, ("learning_rate", "beta1", "beta2", "epsilon", "weight_decay"), _ADAM),
}

# Every state, by its name.
STATES: dict[str, State] = {state.name: state for entry in OPTIMIZERS.values() for state in entry.states}
