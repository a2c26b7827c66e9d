"""The table of activations. One entry gives the value, the derivative and how both are written.

`Z` stands for the pre-activation, `A` for the activation itself; `ALPHA` for leaky ReLU's
slope. A derivative is written in `A` where that is how one computes it by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tutor.formula import (
    FUNCTIONS,
    ONE,
    OPERATORS,
    Call,
    Expr,
    Ref,
    Symbol,
    call,
    elementwise,
    evaluate,
    product,
    rewrite,
    walk,
)

Z, A, ALPHA = Ref(Symbol("z")), Ref(Symbol("a")), Ref(Symbol("alpha"))


@dataclass(frozen=True)
class Activation:
    """`glyph` is its sign in formulas; `f` and `derivative` are formulas in Z, A and ALPHA.

    `numpy` computes f(z) where evaluating `f` as it is written would overflow.
    `parameters` counts what it takes beside z (leaky ReLU: its slope).
    """

    glyph: str
    f: Expr
    derivative: Expr
    numpy: Callable | None = None
    parameters: int = 0


# softmax is not here: it mixes the units of a layer, so it is an operator of its own (formula.py).
ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation("linear", Z, ONE),
    "sigmoid": Activation("σ", 1 / (1 + call("exp", -Z)), A * (1 - A)),
    "tanh": Activation(
        "tanh",
        (call("exp", Z) - call("exp", -Z)) / (call("exp", Z) + call("exp", -Z)),
        1 - A**2,
        numpy=np.tanh,
    ),
    "relu": Activation("ReLU", call("max", 0, Z), call("choose", Z, 1, 0)),
    "leaky_relu": Activation("LReLU", call("max", ALPHA * Z, Z), call("choose", Z, 1, ALPHA), parameters=1),
}


def definition(name: str, args: tuple[Expr, ...]) -> Expr:
    """f written out for the arguments (z, or z and α) of an activation's call."""
    return _put_in(ACTIVATIONS[name].f, {Z: args[0], ALPHA: args[-1]})


def derivative(name: str, args: tuple[Expr, ...]) -> Expr:
    """f′ written out for the arguments (z, a, or z, a and α) of a derivative's call."""
    return _put_in(ACTIVATIONS[name].derivative, {Z: args[0], A: args[1], ALPHA: args[-1]})


def _put_in(formula: Expr, arguments: dict[Expr, Expr]) -> Expr:
    return rewrite(formula, lambda node: arguments.get(node))


def takes_slope(name: str) -> bool:
    """Whether an activation, or softmax, takes a slope α beside z."""
    return name in ACTIVATIONS and ACTIVATIONS[name].parameters > 0


def piecewise(name: str) -> bool:
    """Whether an activation, or softmax, is made of pieces that meet at z = 0 (ReLU, leaky ReLU): f′ jumps there."""
    slope = ACTIVATIONS[name].derivative if name in ACTIVATIONS else ONE
    return any(isinstance(node, Call) and node.op == "choose" for node in walk(slope))


def prime_of(op: str) -> str | None:
    """'sigmoid′' -> 'sigmoid'; None for any other operator."""
    return op[:-1] if op.endswith("′") else None


def _register(name: str, entry: Activation) -> None:
    """Make f and f′ operators, f′ taking (z, a, ...): so σ′(z) is one node, written out on demand."""

    def reverse(node: Call, out: Expr, G: Expr):
        z, *rest = node.args
        slope = ONE if name == "linear" else call(name + "′", z, out, *rest)
        return (product(G, slope), *[None] * len(rest))

    def value(*args):
        return evaluate(entry.f, lambda ref: args[0] if ref is Z else args[-1])

    def slope(*args):
        return evaluate(entry.derivative, lambda ref: args[0] if ref is Z else args[1] if ref is A else args[-1])

    OPERATORS[name] = elementwise(entry.numpy or value, reverse)
    OPERATORS[name + "′"] = elementwise(slope)


for _name, _entry in ACTIVATIONS.items():
    _register(_name, _entry)

# What circuits and answers may write: sigmoid(x), tanh(x), relu(x), all that take one number and do something to it.
FUNCTIONS |= {name: (name, 1, 1) for name, entry in ACTIVATIONS.items() if not entry.parameters and name != "linear"}
