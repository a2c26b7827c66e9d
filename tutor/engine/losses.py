"""The table of losses: the formula that is shown, how it is computed, and its derivative.

`y` is the target, `a` the prediction (the last activation), `z` its pre-activation, all of
one example and of shape (outputs,). Batches take the mean over examples (network.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tutor.engine.expressions import OPERATORS, Call, Const, Expr, Operator, Ref, Symbol, call, element, total
from tutor.engine.ids import derivative
from tutor.messages import Message


@dataclass(frozen=True)
class DerivationLine:
    """One line of a derivation: a formula equal to the one before, and the reason.

    With a `name` it is a line of its own, name = formula, which the next ones rest on. In a reason {a} stands
    for the prediction, {z} for the letter of a pre-activation, {l} for that of the true class (lowered: {lowered_l}),
    and {indicator} for what is 1 where that is class i; {word} is a noun of the texts: row, column, vector, line.
    """

    reason: str
    formula: Expr
    name: Ref | None = None


@dataclass(frozen=True)
class Combined:
    """∂L/∂z in one piece, where loss and activation cancel.

    The derivation begins with the product of the two factors, for the `reason` given, and goes
    on with `lines(y, a)`, the last of which is the `formula(y, a)`.

    `walk(L, y, a, z, index, targets)` derives it from the beginning: of one element, or (index None) of the
    vector. `targets` are the numbers of y: of an example with one true class it speaks of that class alone.
    """

    formula: Callable[[Expr, Expr], Expr]
    reason: str
    lines: Callable[[Expr, Expr], tuple[DerivationLine, ...]]
    walk: Callable[[Ref, Ref, Ref, Ref, tuple[int, ...] | None, np.ndarray], tuple[DerivationLine, ...]]


@dataclass(frozen=True)
class Loss:
    """`formula(y, a)` is shown, `stable(y, z)` computed where given; `gradient(y, a)` is ∂L/∂a.

    With a `delta` (the usual δ) formula and gradient take that third. `targets` are all that a target may be, where
    they are few. `kink` says where the slope jumps, and what is taken for it there.
    """

    title: str
    formula: Callable[..., Expr]
    gradient: Callable[..., Expr]
    stable: Callable[[Expr, Expr], Expr] | None = None
    combined: dict[str, Combined] = field(default_factory=dict)
    wants: str | None = None  # the one activation that it may follow
    delta: float | None = None
    targets: tuple[float, ...] = ()
    kink: str = ""


_Lines = tuple[DerivationLine, ...]


def _sigmoid_lines(y: Expr, a: Expr) -> tuple[DerivationLine, ...]:
    return (
        DerivationLine(
            "the loss's factor over one denominator, the activation's written out",
            -((y - a) / (a * (1 - a))) * (a * (1 - a)),
        ),
        DerivationLine("{a} · (1 − {a}) cancels", -(y - a)),
        DerivationLine("the minus turns the difference round", a - y),
    )


def _softmax_lines(y: Expr, a: Expr) -> tuple[DerivationLine, ...]:
    return (
        DerivationLine("−y/{a} cancels a factor {a} in every term", -(y - a * call("sum", y))),
        DerivationLine("the targets sum to 1", -(y - a)),
        DerivationLine("the difference of the predicted and the true distribution", a - y),
    )


def _slope(of: Ref, wrt: Ref, shape: tuple[int, ...], index: tuple[int, ...] | None) -> Ref:
    """The name ∂of/∂wrt."""
    id = derivative(of.symbol.id, wrt.symbol.id)
    symbol = Symbol(id, shape, "local", wrt.symbol.layer, wrt.symbol.per_example, of.symbol, wrt.symbol)
    return Ref(symbol, index, wrt.example)


def _named(name: str, shape: tuple[int, ...] = ()) -> Ref:
    """A letter that only the derivation uses."""
    return Ref(Symbol(name, shape))


def _sigmoid_walk(L: Ref, y: Ref, a: Ref, z: Ref, index: tuple[int, ...] | None, targets: Any) -> _Lines:
    """Cell by cell, so that one element and the vector have the same lines."""
    of_loss, of_a = _slope(L, a, a.shape, index), _slope(a, z, a.shape, index)
    y, a, z = (ref if index is None else Ref(ref.symbol, index, ref.example) for ref in (y, a, z))
    h, h_slope = _named("h", a.shape), _named("h′", a.shape)
    one_less = a * (1 - a)
    common = -((y - a) / one_less)
    return (
        DerivationLine(
            "the loss's factor: the slope of ln x is 1/x, and 1 − {a} falls when {a} rises",
            -call("ratio", y, a) + call("ratio", 1 - y, 1 - a),
            of_loss,
        ),
        DerivationLine("both over the common denominator", -((y * (1 - a) - (1 - y) * a) / one_less), of_loss),
        DerivationLine("y · {a} stands there twice, with opposite signs, and cancels", common, of_loss),
        DerivationLine("now the activation: {a} is 1/h, with h = 1 + e to the −{z}", 1 + call("exp", -z), h),
        DerivationLine("the slope of h: the inner slope of −{z} is −1", -call("exp", -z), h_slope),
        DerivationLine("the quotient rule for 1/h: (1/h)′ = −h′/h²", -(h_slope / h**2), of_a),
        DerivationLine("1/h is {a}, and −h′/h is 1 − {a}", one_less, of_a),
        DerivationLine("the chain rule: the loss's factor times the activation's", common * one_less),
        DerivationLine("{a} · (1 − {a}) cancels", -(y - a)),
        DerivationLine("the minus turns the difference round", a - y),
    )


def _softmax_walk(L: Ref, y: Ref, a: Ref, z: Ref, index: tuple[int, ...] | None, targets: Any) -> _Lines:
    n = a.symbol.shape[0]
    if index is None:
        by_output = call("transpose", call("jacobian", a))
        return (
            DerivationLine("the loss's factor: −y/{a} for each output", -call("ratio", y, a), _slope(L, a, (n,), None)),
            DerivationLine(
                "by the quotient rule: in row {l} and column i is {a}{lowered_l} · ({indicator} − {a}ᵢ)",
                call("jacobian", a),
                _slope(a, z, (n, n), None),
            ),
            DerivationLine("each {z} moves every {a}: column i is summed over all outputs",
                 call("matmul", by_output, -call("ratio", y, a))),
            *_softmax_lines(y, a),
        )  # fmt: skip
    (i,) = index
    true = [k for k in range(n) if targets[k] != 0] or [0]
    one = len(true) == 1 and targets[true[0]] == 1  # one true class
    k = max(true, key=lambda c: targets[c])  # the class that the slopes are worked out for

    def at(ref: Ref, c: int) -> Ref:
        return Ref(ref.symbol, (c,), ref.example)

    def factor(c: int) -> Expr:
        return -((1 if one else at(y, c)) / at(a, c))

    def slope(c: int) -> Expr:
        return element(call("jacobian", a), (c, i))

    def same(c: int) -> Expr:
        return Const(float(c == i))

    g, h, g_slope, h_slope = (_named(name) for name in ("g", "h", "g′", "h′"))
    of_a = _slope(a, z, (n, n), (k, i))
    first = Message(
        "class {n} is the true one: the loss is −ln of its {a} alone, and the slope of ln x is 1/x"
        if one
        else "several targets are not 0; first class {n}: the slope of −y ln {a} is −y/{a}",
        n=k + 1,
    )
    above = Message("the {a} of class {n} is a quotient g/h: above, its own power of e", n=k + 1)
    of_g = Message(
        "the slope of g in the {z} of class {i}: a power of e is its own slope"
        if k == i
        else "the slope of g in the {z} of class {i}: g does not have it",
        i=i + 1,
    )
    of_h = Message("the slope of h in the {z} of class {i}: of the sum only that term survives", i=i + 1)
    shares = Message(
        "g/h is the {a} of class {n}, h′/h that of class {i}; {indicator}, with {l} = {n} and i = {i}, is {same}",
        n=k + 1, i=i + 1, same=int(k == i),
    )  # fmt: skip
    lines = [
        DerivationLine(first, factor(k), _slope(L, a, (n,), (k,))),
        DerivationLine(above, call("exp", at(z, k)), g),
        DerivationLine(
            "below, the sum of all of them: so it depends on every {z}", element(call("sum", call("exp", z)), ()), h
        ),
        DerivationLine(of_g, call("exp", at(z, k)) if k == i else same(k), g_slope),
        DerivationLine(of_h, call("exp", at(z, i)), h_slope),
        DerivationLine("the quotient rule: (g/h)′ = g′/h − g·h′/h²", g_slope / h - g * h_slope / h**2, of_a),
        DerivationLine(shares, slope(k), of_a),
        DerivationLine(
            "the chain rule: the loss's factor times this slope"
            if one
            else "the chain rule: the same for every class whose target is not 0, and their sum",
            total([factor(c) * slope(c) for c in true]),
        ),
        DerivationLine(
            Message("the {a} of class {n} cancels" if one else "in every term its {a} cancels", n=k + 1),
            -(same(k) - at(a, i)) if one else total([-(at(y, c) * (same(c) - at(a, i))) for c in true]),
        ),
    ]
    if not one:
        every = element(call("sum", y), ())
        taken_out = Message("the {a} of class {i} taken out of the sum", i=i + 1)
        lines.append(DerivationLine(taken_out, -(at(y, i) - at(a, i) * every)))
    lines += [
        DerivationLine("{indicator} is the target itself" if one else "the targets sum to 1", -(at(y, i) - at(a, i))),
        DerivationLine("the predicted less the true distribution", at(a, i) - at(y, i)),
    ]
    return tuple(lines)


def _huber(off: Expr, delta: Const) -> Expr:
    """½ d² as far as δ, then δ(|d| − δ/2)."""
    size = call("abs", off)
    return call("choose", delta - size, off**2 / 2, delta * (size - delta / 2))


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
        stable=lambda y, z: call("binary_cross_entropy_of_z", y, z),
        combined={
            "sigmoid": Combined(
                lambda y, a: a - y, Message("the loss's factor times the activation's"), _sigmoid_lines, _sigmoid_walk
            )
        },
        wants="sigmoid",
    ),
    "cross_entropy": Loss(
        "cross-entropy",
        lambda y, a: -call("sum", y * call("log", a)),
        lambda y, a: -call("ratio", y, a),
        stable=lambda y, z: call("cross_entropy_of_z", y, z),
        combined={
            "softmax": Combined(
                lambda y, a: a - y,
                Message("each {z} moves every {a}, through softmax's denominator: a sum over all of them"),
                _softmax_lines,
                _softmax_walk,
            )
        },
        wants="softmax",
    ),
    # Of each output max(0, 1 − y·ŷ), with targets of ±1.
    "hinge": Loss(
        "hinge loss",
        lambda y, a: call("sum", call("max", 0, 1 - y * a)),
        lambda y, a: call("choose", 1 - y * a, -y, 0),
        targets=(-1.0, 1.0),
        kink="y·ŷ = 1, where the slope is taken to be 0",
    ),
    # Huber, "Robust Estimation of a Location Parameter", 1964: a parabola that goes on as its tangents.
    "huber": Loss(
        "Huber loss",
        lambda y, a, delta: call("sum", _huber(y - a, delta)),
        lambda y, a, delta: call("max", -delta, call("min", delta, a - y)),
        delta=1.0,
    ),
}


def _binary_cross_entropy(node: Call, y: Any, z: Any) -> Any:
    """Σ max(z, 0) − zy + ln(1 + e^−|z|): −Σ y ln σ(z) + (1 − y) ln(1 − σ(z)), finite for any finite z."""
    return np.sum(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))), axis=-1)


def _cross_entropy(node: Call, y: Any, z: Any) -> Any:
    """Σ y (ln Σ eᶻ − z): −Σ y ln softmax(z), finite for any finite z."""
    top = np.max(z, axis=-1, keepdims=True)
    return np.sum(y * (top - z + np.log(np.sum(np.exp(z - top), axis=-1, keepdims=True))), axis=-1)


# Computed from z, never shown: they have no element of their own.
OPERATORS["binary_cross_entropy_of_z"] = Operator(lambda y, z: (), _binary_cross_entropy, lambda node, index: node)
OPERATORS["cross_entropy_of_z"] = Operator(lambda y, z: (), _cross_entropy, lambda node, index: node)
