"""The functions of arrays that an answer may use: an author's, and those that gradients are shown with.

What comes back to an operand has the operand's shape; where that does not follow from the rest it is said, as in
`ones(2, 3)`, `repeat(G, 4, axis=0)` or `conv_input(G, k, stride=2, size=(5, 5))`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tutor.engine.array_functions import ARRAY_FUNCTIONS, ArrayFunction, FunctionSetting, from_the_end
from tutor.engine.expressions import ONE, Expr, Shape, call
from tutor.messages import Message

LARGEST = 4096  # numbers of a shape that is written out

Make = Callable[[Sequence[Expr], Sequence[int], Mapping[str, Any]], Expr]

_AXIS = FunctionSetting("axis", "whole", 0)
_WINDOW = (FunctionSetting("stride", "whole", 1, 1), FunctionSetting("padding", "whole", 0, 0))


def blank(shape: Shape) -> Expr:
    """Zeros of a shape, for an operator that asks only for that. ValueError for what is large or empty."""
    if not 0 < math.prod(shape) <= LARGEST or min(shape, default=1) < 1:
        raise ValueError(Message("that is too large to be written out: name single elements"))
    zeros = call("stack", *(0.0,) * math.prod(shape))
    return zeros if len(shape) == 1 else call("reshape", zeros, param=tuple(shape))


def _ones(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    return call("expand", ONE, blank(tuple(numbers)))


def _repeat(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    (x,), (count,) = arrays, numbers
    rank = len(x.shape) + 1
    axis = settings["axis"] if settings["axis"] >= 0 else settings["axis"] + rank
    if not 0 <= axis < rank:
        raise ValueError(Message("there is no axis {axis} to repeat along", axis=settings["axis"]))
    return call("spread", x, blank((*x.shape[:axis], count, *x.shape[axis:])), param=axis - rank)


def _extreme(op: str) -> Make:
    def make(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
        (x,), axis = arrays, settings["axis"]
        found = None if axis is None or len(x.shape) < 2 else from_the_end(axis, x.shape)
        return call(op, x, param=found)

    return make


def _grown(size: int, settings: Mapping[str, Any], kernel: int) -> int:
    """How many places an input has of which a kernel with stride 1 makes so many."""
    return size + kernel - 1 - 2 * int(settings["padding"])


def _conv_input(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    G, k = arrays
    shape = tuple(numbers)
    if not shape:
        spatial = len(k.shape) if len(k.shape) < 3 else len(k.shape) - 2
        places = zip(G.shape[-spatial:], k.shape[-spatial:], strict=True)
        front = G.shape[:-spatial] if len(k.shape) < 3 else (*G.shape[: -spatial - 1], k.shape[1])
        shape = (*front, *(_grown(n, settings, m) for n, m in places))
    return call("conv_input", G, k, blank(shape), param=(settings["stride"], settings["padding"]))


def _conv_kernel(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    x, G = arrays
    shape = tuple(numbers)
    if not shape:
        raise ValueError(Message("say the kernel's shape, as in conv_kernel(x, G, size=(2, 2))"))
    return call("conv_kernel", x, G, blank(shape), param=(settings["stride"], settings["padding"]))


def _unpool_max(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    (size,) = numbers
    return call("unpool_max", *arrays, param=(size, settings["stride"] or size))


def _unpool_avg(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    (G,), (size, *whole) = arrays, numbers
    stride = settings["stride"] or size
    axes = min(len(G.shape), 2)
    reached = (*G.shape[:-axes], *((n - 1) * stride + size for n in G.shape[-axes:]))
    return call("unpool_avg", G, blank(tuple(whole) or reached), param=(size, stride))


def _scatter_rows(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    G, ids = arrays
    return call("scatter_rows", G, ids, blank((numbers[0], *G.shape[len(ids.shape) :])))


def _one_hot(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    (y,), (count,) = arrays, numbers
    return call("one_hot", y, blank((*y.shape, count)))


def _place_row(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    (G,), (at, count) = arrays, numbers
    return call("place_row", G, blank((count, *G.shape)), param=at - 1)


def _part(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    (x,), (first, last) = arrays, numbers
    return call("part", x, param=(from_the_end(settings["axis"], x.shape), first - 1, last))


def _place_part(arrays: Sequence[Expr], numbers: Sequence[int], settings: Mapping[str, Any]) -> Expr:
    (G,), (first, last, count) = arrays, numbers
    axis = from_the_end(settings["axis"], G.shape)
    at = len(G.shape) + axis
    like = blank((*G.shape[:at], count, *G.shape[at + 1 :]))
    return call("place_part", G, like, param=(axis, first - 1, last))


def _plain(op: str) -> Make:
    return lambda arrays, numbers, settings: call(op, *arrays)


_POOL = (FunctionSetting("stride", "whole", None, 1),)

ARRAY_WORDS: dict[str, ArrayFunction] = {
    **ARRAY_FUNCTIONS,
    "ones": ArrayFunction(("ones(2, 3)",), "1 in every place", _ones, (0, 0), (1, 4)),
    "repeat": ArrayFunction(
        ("repeat(x, 3, axis=1)",), "x so many times along a new axis", _repeat, (1, 1), (1, 1), (_AXIS,)
    ),
    "first_max": ArrayFunction(
        ("first_max(x, axis=0)",), "1 at the first of the largest, else 0", _extreme("first_max"),
        settings=(FunctionSetting("axis", "whole"),),
    ),
    "first_min": ArrayFunction(
        ("first_min(x, axis=0)",), "1 at the first of the smallest, else 0", _extreme("first_min"),
        settings=(FunctionSetting("axis", "whole"),),
    ),
    "conv_input": ArrayFunction(
        ("conv_input(G, k)", "conv_input(G, k, stride=2, size=(5, 5))"),
        "overlapping copies of the kernel, what comes back to a convolution's input",
        _conv_input, (2, 2), (0, 4), _WINDOW,
    ),
    "conv_kernel": ArrayFunction(
        ("conv_kernel(x, G, size=(2, 2))",), "what comes back to a convolution's kernel", _conv_kernel, (2, 2), (0, 4),
        _WINDOW,
    ),
    "unpool_max": ArrayFunction(
        ("unpool_max(G, x, 2)",), "each of G at the largest of its window of x", _unpool_max, (2, 2), (1, 1), _POOL
    ),
    "unpool_avg": ArrayFunction(
        ("unpool_avg(G, 2)",), "each of G shared out over its window", _unpool_avg, (1, 1), (1, 5), _POOL
    ),
    "scatter_rows": ArrayFunction(
        ("scatter_rows(G, ids, 5)",), "each row of G added to the row that its id names", _scatter_rows, (2, 2), (1, 1)
    ),
    "one_hot": ArrayFunction(("one_hot(ids, 5)",), "a row for each id, 1 at its place", _one_hot, (1, 1), (1, 1)),
    "place_row": ArrayFunction(("place_row(G, 2, 5)",), "G as row 2 of 5, else 0", _place_row, (1, 1), (2, 2)),
    "part": ArrayFunction(("part(x, 2, 3, axis=0)",), "places 2 to 3", _part, (1, 1), (2, 2), (_AXIS,)),
    "place_part": ArrayFunction(
        ("place_part(G, 2, 3, 5, axis=0)",), "G as places 2 to 3 of 5, else 0", _place_part, (1, 1), (3, 3), (_AXIS,)
    ),
    "causal_mask": ArrayFunction(("causal_mask(G)",), "0 above the diagonal", _plain("causal_mask")),
}  # fmt: skip
