"""The table of activations. One entry gives the value, the derivative and how both are written.

`Z` stands for the pre-activation, `A` for the activation itself; `ALPHA` for the number that some take beside z
(leaky ReLU's slope). A derivative is written in `A` where that is how one computes it by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutor.engine.expressions import ONE, OPERATORS, PI, Call, Expr, Ref, Symbol, call, evaluate, product, rewrite, walk
from tutor.engine.operators import elementwise
from tutor.engine.parsing import ALPHA_BELOW, FUNCTIONS, USUAL

Z, A, ALPHA = Ref(Symbol("z")), Ref(Symbol("a")), Ref(Symbol("alpha"))


@dataclass(frozen=True)
class Activation:
    """`glyph` is its sign in formulas; `f` and `derivative` are the formulas that are shown, in Z, A and ALPHA.

    `stable` and `slope` are the formulas that f and f′ are computed with, where the shown ones would lose digits far
    out or overflow; `numpy` computes f(z) in place of a formula. `alpha` is the usual α of one that takes a number
    beside z (None: it takes none), and `below` what α has to be less than.
    """

    glyph: str
    f: Expr
    derivative: Expr
    numpy: Callable[..., Any] | None = None
    stable: Expr | None = None
    slope: Expr | None = None
    alpha: float | None = None
    below: float = float("inf")


def _other(name: str, *args: Expr) -> Call:
    """A call of another entry of the table, wherever that stands: its operator is made below, its shape is known."""
    OPERATORS.setdefault(name, elementwise(lambda *arrays: OPERATORS[name].numpy(None, *arrays)))
    return call(name, *args)


def _logistic(x: Expr) -> Expr:
    return 1 / (1 + call("exp", -x))


# GELU with tanh: Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", 2016, section 2.
_ROOT = call("sqrt", 2 / PI)
_INNER = _ROOT * (Z + 0.044715 * Z**3)
_INNER_SLOPE = _ROOT * (1 + 0.134145 * Z**2)  # 3 · 0.044715

# softmax is not here: it mixes the units of a layer, so it is an operator of its own (operators.py).
ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation("linear", Z, ONE),
    "sigmoid": Activation("σ", _logistic(Z), A * (1 - A)),
    "tanh": Activation(
        "tanh",
        (call("exp", Z) - call("exp", -Z)) / (call("exp", Z) + call("exp", -Z)),
        1 - A**2,
        numpy=np.tanh,
    ),
    "relu": Activation("ReLU", call("max", 0, Z), call("choose", Z, 1, 0)),
    "leaky_relu": Activation("LReLU", call("max", ALPHA * Z, Z), call("choose", Z, 1, ALPHA), alpha=0.01, below=1),
    # From −1 to 1, as textbooks that take targets of ±1 have it: tanh(z/2).
    "bipolar_sigmoid": Activation(
        "bsig",
        2 / (1 + call("exp", -Z)) - 1,
        (1 + A) * (1 - A) / 2,
        stable=_other("tanh", Z / 2),
    ),
    # Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option Pricing", 2001.
    "softplus": Activation(
        "softplus",
        call("log", 1 + call("exp", Z)),
        _logistic(Z),
        stable=call("max", 0, Z) + call("log1p", call("exp", -call("abs", Z))),
    ),
    # Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by ELUs", 2016.
    "elu": Activation(
        "ELU",
        call("choose", Z, Z, ALPHA * (call("exp", Z) - 1)),
        call("choose", Z, 1, ALPHA * call("exp", Z)),
        stable=call("choose", Z, Z, ALPHA * call("expm1", call("min", 0, Z))),
        slope=call("choose", Z, 1, ALPHA * call("exp", call("min", 0, Z))),
        alpha=1.0,
    ),
    # Elfwing, Uchibe and Doya, "Sigmoid-Weighted Linear Units", 2018; also called swish.
    "silu": Activation(
        "SiLU",
        Z / (1 + call("exp", -Z)),
        (1 + Z / (1 + call("exp", Z))) / (1 + call("exp", -Z)),
    ),
    "gelu": Activation(
        "GELU",
        0.5 * Z * (1 + _other("tanh", _INNER)),
        0.5 * (1 + _other("tanh", _INNER)) + 0.5 * Z * (1 - _other("tanh", _INNER) ** 2) * _INNER_SLOPE,
        stable=Z * _logistic(2 * _INNER),  # (1 + tanh u)/2 is 1/(1 + exp(−2u)), which keeps its digits for z < 0
        slope=_logistic(2 * _INNER) * (1 + 2 * Z * _INNER_SLOPE / (1 + call("exp", 2 * _INNER))),
    ),
    # The same authors' exact form: z times the chance that a normally distributed number is below z.
    "gelu_erf": Activation(
        "GELUerf",
        0.5 * Z * (1 + call("erf", Z / call("sqrt", 2))),
        0.5 * (1 + call("erf", Z / call("sqrt", 2))) + Z * call("exp", -(Z**2) / 2) / call("sqrt", 2 * PI),
        stable=0.5 * Z * call("erfc", -Z / call("sqrt", 2)),
        slope=0.5 * call("erfc", -Z / call("sqrt", 2)) + Z * call("exp", -(Z**2) / 2) / call("sqrt", 2 * PI),
    ),
}


def definition(name: str, args: tuple[Expr, ...]) -> Expr:
    """f written out for the arguments (z, or z and α) of an activation's call."""
    return _put_in(ACTIVATIONS[name].f, {Z: args[0], ALPHA: args[-1]})


def derivative(name: str, args: tuple[Expr, ...]) -> Expr:
    """f′ written out for the arguments (z, a, or z, a and α) of a derivative's call."""
    return _put_in(ACTIVATIONS[name].derivative, {Z: args[0], A: args[1], ALPHA: args[-1]})


def computed(op: str, args: tuple[Expr, ...]) -> Expr | None:
    """What an activation's or a derivative's call is computed with; None where that is no formula."""
    prime = prime_of(op)
    if prime:
        entry = ACTIVATIONS[prime]
        return _put_in(entry.slope or entry.derivative, {Z: args[0], A: args[1], ALPHA: args[-1]})
    if op not in ACTIVATIONS or ACTIVATIONS[op].numpy is not None:
        return None
    return _put_in(ACTIVATIONS[op].stable or ACTIVATIONS[op].f, {Z: args[0], ALPHA: args[-1]})


def _put_in(formula: Expr, arguments: dict[Expr, Expr]) -> Expr:
    return rewrite(formula, lambda node: arguments.get(node))


def takes_slope(name: str) -> bool:
    """Whether an activation, or softmax, takes a number α beside z."""
    return name in ACTIVATIONS and ACTIVATIONS[name].alpha is not None


def piecewise(name: str) -> bool:
    """Whether an activation, or softmax, is made of straight pieces that meet at z = 0 (ReLU, leaky ReLU).

    There f′ jumps, and where it is 0 no step gets a unit out again. (ELU has two pieces, too, but one is a curve.)
    """
    return meets(name) and not any(node in (Z, A) for piece in _pieces(name) for node in walk(piece))


def meets(name: str) -> bool:
    """Whether an activation, or softmax, is made of two pieces that meet at z = 0, where f′ may jump."""
    return bool(_pieces(name))


def _pieces(name: str) -> tuple[Expr, ...]:
    """What f′ is on either side of 0; nothing for an activation of one piece."""
    slope = ACTIVATIONS[name].derivative if name in ACTIVATIONS else ONE
    pieces = (node for node in walk(slope) if isinstance(node, Call) and node.op == "choose" and node.args[0] == Z)
    return next((node.args[1:] for node in pieces), ())


def corners(name: str) -> tuple[Expr, ...]:
    """The formulas in Z and ALPHA whose sign says on which piece of an activation z lies; none where it has one."""
    found: list[Expr] = []
    for node in walk(ACTIVATIONS[name].f) if name in ACTIVATIONS else ():
        if isinstance(node, Call) and node.op in ("choose", "abs"):
            found.append(node.args[0])
        elif isinstance(node, Call) and node.op in ("max", "min"):
            found += [node.args[0] - other for other in node.args[1:]]
    return tuple(dict.fromkeys(found))


def prime_of(op: str) -> str | None:
    """'sigmoid′' -> 'sigmoid'; None for any other operator."""
    return op[:-1] if op.endswith("′") else None


def _register(name: str, entry: Activation) -> None:
    """Make f and f′ operators, f′ taking (z, a, ...): so σ′(z) is one node, written out on demand."""

    def reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
        z, *rest = node.args
        slope = ONE if name == "linear" else call(name + "′", z, out, *rest)
        return (product(G, slope), *[None] * len(rest))

    def value(*args: Any) -> Any:
        return evaluate(entry.stable or entry.f, lambda ref: args[0] if ref is Z else args[-1])

    def slope(*args: Any) -> Any:
        formula = entry.slope or entry.derivative
        return evaluate(formula, lambda ref: args[0] if ref is Z else args[1] if ref is A else args[-1])

    OPERATORS[name] = elementwise(entry.numpy or value, reverse)
    OPERATORS[name + "′"] = elementwise(slope)


for _name, _entry in ACTIVATIONS.items():
    _register(_name, _entry)

# What circuits and answers may write: sigmoid(x), tanh(x), relu(x), all but the one that does nothing.
FUNCTIONS |= {name: (name, 1, 1) for name in ACTIVATIONS if name != "linear"}
USUAL |= {name: (entry.alpha,) for name, entry in ACTIVATIONS.items() if entry.alpha is not None}
ALPHA_BELOW |= {name: entry.below for name, entry in ACTIVATIONS.items() if entry.alpha is not None}
