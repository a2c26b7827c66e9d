"""The table of operators: what each means, as a shape, a number, an element, a gradient.

Letters as in `expressions.py`. A new operator is a new row. Here are those that act on each element by itself, as NumPy
broadcasts; beside this file those of an idea of their own: `products.py` (matrices), `reductions.py` (sums, means,
maxima), `indexing.py` (rows, parts, shapes), `windows.py` (convolution, pooling), `normalising.py` (softmax, norm).

An operator with a reverse rule may stand in a forward equation. One without belongs to gradients, to updates or to
what is computed in place of the formula that is shown; `model.Equation` refuses it elsewhere. A reverse rule gives
each argument's part in the shape of the value, or a smaller one that broadcasts to it; `backprop` adds up what an
argument was spread over.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from tutor.engine.expressions import (
    ONE,
    OPERATORS,
    PI,
    ZERO,
    Call,
    Const,
    Expr,
    Operator,
    Settling,
    Shape,
    call,
    element,
    negative,
    product,
    total,
)
from tutor.engine.noise import ROOT, SUM, cancelled, linear_noise, power_noise, wobble
from tutor.messages import Message, together


def same_shape(*shapes: Shape) -> Shape:
    """The shape of elementwise arguments together, by NumPy's broadcasting: counted from the last axis, axes of one
    length, or of length 1, which is repeated; axes that are not there count as of length 1.

    Raises ValueError, with the shapes, where they do not fit.
    """
    if shapes and shapes.count(shapes[0]) == len(shapes):  # as nearly always
        return shapes[0]
    wide = dict.fromkeys(shape for shape in shapes if shape)
    if len(wide) <= 1:
        return next(iter(wide), ())
    rank = max(map(len, wide))
    lengths = []
    for axis in range(-rank, 0):
        found = {shape[axis] for shape in wide if -axis <= len(shape)} - {1}
        if len(found) > 1:
            raise ValueError(
                Message(
                    "the shapes {shapes} do not go together: lengths {lengths} along one axis",
                    shapes=together(map(str, wide)), lengths=together(map(str, sorted(found))),
                )
            )  # fmt: skip
        lengths.append(found.pop() if found else 1)
    return tuple(lengths)


def cell(arg: Expr, index: tuple[int, ...]) -> Expr:
    """The element of an argument that goes with an element of what it is broadcast to."""
    shape = arg.shape
    if len(shape) == len(index) and 1 not in shape:
        return element(arg, index)
    last = index[len(index) - len(shape) :]
    return element(arg, tuple(0 if length == 1 else i for i, length in zip(last, shape, strict=True)))


def _add_element(node: Call, index: tuple[int, ...]) -> Expr:
    """Sums within the sum join it: W₁₁x₁ + W₁₂x₂ + b₁ is one sum."""
    terms: list[Expr] = []
    for arg in node.args:
        term = cell(arg, index)
        terms += term.args if isinstance(term, Call) and term.op == "add" else (term,)
    return total(terms)


def _each_argument(node: Call, index: tuple[int, ...]) -> Expr:
    return Call(node.op, tuple([cell(arg, index) for arg in node.args]), node.param)


def elementwise(
    numpy: Callable[..., Any], reverse: Callable[..., Any] | None = None, settles: Settling | None = None
) -> Operator:
    """An operator that acts on each element by itself; `numpy` takes the arrays alone."""
    return Operator(
        same_shape, lambda node, *arrays: numpy(*arrays), _each_argument, reverse,
        elementwise=True, settles=settles, noise=wobble,
    )  # fmt: skip


def _ratio(x: Any, y: Any) -> Any:
    """x / y where 0 / 0 is 0: a term that a target of 0 switches off, whatever it is divided by."""
    return np.where(np.equal(x, 0), 0.0, np.divide(x, np.where(np.equal(x, 0), 1.0, y)))


def _times(x: Any, y: Any) -> Any:
    """x · y where 0 · ∞ is 0: a term that an exponent of 0 switches off, whatever it stands before."""
    return np.where(np.equal(x, 0), 0.0, np.multiply(x, np.where(np.equal(x, 0), 1.0, y)))


def _power_reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
    x, n = node.args
    if isinstance(n, Const):
        slope = {0.0: ZERO, 1.0: ONE, 2.0: 2 * x}.get(n.value) or n * x ** (n.value - 1)
        return product(G, slope), None
    return product(G, call("times", n, x ** (n - 1))), product(G, call("power_log", x, n))


def _power_log(x: Any, n: Any) -> Any:
    """xⁿ ln x, the slope of xⁿ in n; at x = 0 its limit, 0 where n > 0 and else −∞."""
    return np.where(np.equal(x, 0) & np.greater(n, 0), 0.0, np.power(x, n) * np.log(x))


def _first_extreme(extreme: Callable[..., Any]) -> Operator:
    """1 for the argument that max or min takes (of equal ones the first), 0 for the others; of a NaN a NaN."""

    def first(node: Call, arrays: Sequence[Any], allowed: Any) -> Any:
        stacked = np.stack(np.broadcast_arrays(*arrays))
        top = extreme(stacked, axis=0)
        takes = np.argmax((stacked == top) | (np.abs(stacked - top) <= allowed), axis=0) == node.param
        return np.where(np.isnan(top), np.nan, takes.astype(float))[()]

    def value(node: Call, *arrays: Any) -> Any:
        return first(node, arrays, 0.0)

    def near(node: Call, value: Any, *arrays: Any) -> bool:
        """Whether two arguments are nearly the same, and yet not quite."""
        top, *rest = np.sort(np.stack(np.broadcast_arrays(*arrays)), axis=0)[:: 1 if extreme is np.min else -1]
        return any(cancelled(top - other, top, other) for other in rest)

    def settled(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any], own: Any) -> Any:
        return first(node, arrays, sum(np.stack(np.broadcast_arrays(*noises))))

    return Operator(same_shape, value, _each_argument, elementwise=True, settles=Settling(near, settled))


def _wins(op: str) -> Callable[..., Any]:
    def reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
        return tuple(product(G, Call(op, node.args, k)) for k in range(len(node.args)))

    return reverse


def _fold(function: Callable[..., Any]) -> Callable[..., Any]:
    """Of any number of arrays, from a function of two."""
    return lambda *arrays: reduce(function, arrays)


_add = _fold(operator.add)


_ERF, _ERFC = (np.vectorize(of_one, otypes=[float]) for of_one in (math.erf, math.erfc))


OPERATORS |= {
    "add": Operator(
        same_shape,
        lambda node, *arrays: _add(*arrays),
        _add_element,
        lambda node, out, G: (G,) * len(node.args),
        elementwise=True,
        settles=SUM,
        noise=linear_noise,
    ),
    "sub": elementwise(np.subtract, lambda node, out, G: (G, negative(G)), SUM),
    "neg": elementwise(np.negative, lambda node, out, G: (negative(G),)),
    "mul": elementwise(np.multiply, lambda node, out, G: (product(G, node.args[1]), product(G, node.args[0]))),
    "div": elementwise(
        np.divide,
        lambda node, out, G: (G / node.args[1], negative(product(G, node.args[0]) / node.args[1] ** 2)),
    ),
    "ratio": elementwise(_ratio),
    "times": elementwise(_times),
    "pow": replace(elementwise(np.power, _power_reverse), noise=power_noise),
    "power_log": elementwise(_power_log),
    "exp": elementwise(np.exp, lambda node, out, G: (product(G, out),)),
    "expm1": elementwise(np.expm1),  # this and log1p: computed, never shown
    "log1p": elementwise(np.log1p),
    "log": elementwise(np.log, lambda node, out, G: (G / node.args[0],), ROOT),
    "sqrt": elementwise(np.sqrt, lambda node, out, G: (G / (2 * out),)),
    "sin": elementwise(np.sin, lambda node, out, G: (product(G, call("cos", node.args[0])),), ROOT),
    "cos": elementwise(np.cos, lambda node, out, G: (negative(product(G, call("sin", node.args[0]))),), ROOT),
    # erf(x), 2/√π ∫₀ˣ exp(−t²) dt, and what it lacks to 1, which keeps its digits far out
    "erf": elementwise(
        _ERF, lambda node, out, G: (product(G, 2 / call("sqrt", PI) * call("exp", -(node.args[0] ** 2))),)
    ),
    "erfc": elementwise(_ERFC),
    "abs": elementwise(np.abs, lambda node, out, G: (product(G, call("sign", node.args[0])),)),
    "sign": elementwise(np.sign),
    "max": elementwise(_fold(np.maximum), _wins("wins_max")),
    "min": elementwise(_fold(np.minimum), _wins("wins_min")),
    "wins_max": _first_extreme(np.max),
    "wins_min": _first_extreme(np.min),
    # choose(z, x, y): x where z > 0, else y; of a NaN a NaN
    "choose": elementwise(
        lambda z, x, y: np.where(np.isnan(z), z, np.where(np.greater(z, 0), x, y)),
        lambda node, out, G: (None, call("choose", node.args[0], G, ZERO), call("choose", node.args[0], ZERO, G)),
    ),
}
