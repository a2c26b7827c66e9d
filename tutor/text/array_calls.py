"""Operators over arrays as they are written: by the words that a lesson's author has for them, as `sum(X, axis=0)`.

Axes are counted from 0 in the value of one example, so that what is shown can be typed. What a gradient needs beyond
the author's words has a word here as well: `ones(2, 3)`, `repeat(G, 4, axis=0)`.

A result that is spread again along the axis it was taken over needs no sign of its own between arrays of the full
shape: there `mean(X, axis=1, keepdims)` is one column, and goes with every column of X.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tutor.engine.expressions import OPERATORS, Call, Const, Expr, Shape

Param = Any  # of a call, as its operator wants it
REDUCTIONS = frozenset(("sum", "average", "variance", "reduce_max", "reduce_min"))
EPS = 1e-5  # what a norm adds to the variance unless it is told


@dataclass(frozen=True)
class Written:
    """name(args, settings)."""

    name: str
    args: tuple[Expr, ...]
    settings: tuple[str, ...] = ()


# Where a notation is mathematics, an axis is an index below the sign, as in Σⱼ: of rows, columns, what comes further.
INDICES = "ᵢⱼₖₗ"


def in_indices(call: Written) -> Written:
    """sum(x, axis=1, keepdims=True) as Σⱼ(x): what is left has the other indices, so nothing need be said of them."""
    axes = [text for text in call.settings if text.startswith("axis=")]
    rest = tuple(text for text in call.settings if text not in axes and not text.startswith("keepdims"))
    below = "".join(INDICES[int(text.removeprefix("axis="))] for text in axes)
    return Written(("Σ" if call.name == "sum" and below else call.name) + below, call.args, rest)


def counted(axis: int, rank: int) -> int:
    """An axis counted from 0: −1 of a matrix is 1."""
    return axis + rank if axis < 0 else axis


def _axis(axis: Any, rank: int) -> str:
    return f"axis={counted(axis, rank)}"


def _reduction(name: str) -> Callable[[Call], Written]:
    def written(node: Call) -> Written:
        settings = () if node.param is None else (_axis(node.param, len(node.args[0].shape)),)
        return Written(name, node.args, settings)

    return written


def _over_last(name: str) -> Callable[[Call], Written]:
    """Of what goes over the last axis unless it is told another."""

    def written(node: Call) -> Written:
        rank = len(node.args[0].shape)
        own = node.param is not None and counted(node.param, rank) != rank - 1
        return Written(name, node.args, (_axis(node.param, rank),) if own else ())

    return written


def _norm(node: Call) -> Written:
    axis, eps = node.param
    rank = len(node.args[0].shape)
    settings = () if counted(axis, rank) == rank - 1 else (_axis(axis, rank),)
    return Written("norm", node.args, settings if eps == EPS else (*settings, f"eps={eps:g}"))


def _window(name: str) -> Callable[[Call], Written]:
    """conv and its gradients: (stride, padding). What comes back to an operand has its shape, told where it must be."""

    def written(node: Call) -> Written:
        stride, padding = node.param
        settings = ((f"stride={stride}",) if stride != 1 else ()) + ((f"padding={padding}",) if padding else ())
        if name == "conv_kernel" or (name == "conv_input" and stride != 1):  # ends that no window reaches
            settings = (*settings, _size(node.shape))
        return Written(name, node.args[:2], settings)

    return written


def _pool(name: str) -> Callable[[Call], Written]:
    """The pools: (size, stride), the stride unless it is the size."""

    def written(node: Call) -> Written:
        size, stride = node.param
        settings = (f"stride={stride}",) if stride != size else ()
        if name == "unpool_avg":
            axes = min(len(node.shape), 2)
            reached = tuple((n - 1) * stride + size for n in node.args[0].shape[-axes:])
            settings = (*settings, _size(node.shape)) if reached != node.shape[-axes:] else settings
        args = node.args if name == "unpool_max" else node.args[:1]
        return Written(name, (*args, Const(float(size))), settings)

    return written


def _size(shape: Shape) -> str:
    return f"size=({', '.join(map(str, shape))})"


def _row(node: Call) -> Written:
    """Rows are counted from 1, as ids are; one that is put back says of how many."""
    of = (Const(float(node.shape[0])),) if node.op == "place_row" else ()
    return Written(node.op, (node.args[0], Const(node.param + 1.0), *of))


def _part(node: Call) -> Written:
    axis, start, stop = node.param
    rank = len(node.shape)
    of = (Const(float(node.shape[counted(axis, rank)])),) if node.op == "place_part" else ()
    settings = (_axis(axis, rank),) if counted(axis, rank) else ()
    return Written(node.op, (node.args[0], Const(start + 1.0), Const(float(stop)), *of), settings)


def _scatter_rows(node: Call) -> Written:
    return Written("scatter_rows", (*node.args[:2], Const(float(node.shape[0]))))


def _one_hot(node: Call) -> Written:
    return Written("one_hot", (node.args[0], Const(float(node.shape[-1]))))


def _concat(node: Call) -> Written:
    axis = counted(node.param, len(node.shape))
    return Written("concat", node.args, (f"axis={axis}",) if axis else ())


def _reshape(node: Call) -> Written:
    """The same numbers in another shape; of a reduction only its axis kept, with one place."""
    (x,) = node.args
    if isinstance(x, Call) and x.op in REDUCTIONS and x.param is not None:
        shape = x.args[0].shape
        kept = tuple(1 if at == counted(x.param, len(shape)) else n for at, n in enumerate(shape))
        if node.shape == kept:
            inner = _CALLS[x.op](x)
            return Written(inner.name, inner.args, (*inner.settings, "keepdims=True"))
    return Written("reshape", node.args[:1], tuple(str(n) for n in node.shape))


_CALLS: dict[str, Callable[[Call], Written]] = {
    "sum": _reduction("sum"),
    "average": _reduction("mean"),
    "variance": _reduction("var"),
    "reduce_max": _reduction("max"),
    "reduce_min": _reduction("min"),
    "first_max": _reduction("first_max"),
    "first_min": _reduction("first_min"),
    "softmax": _over_last("softmax"),
    "log_softmax": _over_last("log_softmax"),
    "norm": _norm,
    "conv": _window("conv"),
    "conv_input": _window("conv_input"),
    "conv_kernel": _window("conv_kernel"),
    "max_pool": _pool("max_pool"),
    "avg_pool": _pool("avg_pool"),
    "unpool_max": _pool("unpool_max"),
    "unpool_avg": _pool("unpool_avg"),
    "row": _row,
    "place_row": _row,
    "part": _part,
    "place_part": _part,
    "scatter_rows": _scatter_rows,
    "one_hot": _one_hot,
    "concat": _concat,
    "reshape": _reshape,
}


def written(node: Call) -> Written | None:
    """How a call of an array operator is written; None of what has signs or a pattern of its own."""
    if node.op == "sum" and node.param is None:
        return None
    if node.op == "softmax" and (node.param is None or len(node.shape) < 2):
        return None
    found = _CALLS.get(node.op)
    return found(node) if found else None


# ---------------------------------------------------------------- broadcasting, forward and back



def along(node: Call, axis: Param) -> bool:
    """Whether a reduction is the one over an axis (negative, as operators count)."""
    return node.op in REDUCTIONS and node.param == axis


def keepable(expr: Expr, axis: Param) -> bool:
    """Whether a value may be written as one column (row, ...) of what it is spread to: reductions over that axis,
    numbers, and what works cell by cell on those."""
    if isinstance(expr, Call):
        if along(expr, axis):
            return True
        return OPERATORS[expr.op].elementwise and all(keepable(arg, axis) for arg in expr.args)
    return isinstance(expr, Const)


def bare_shape(expr: Expr) -> Shape:
    """The shape that a formula has without what spreads its parts out, as `keepdims` and broadcasting leave it."""
    if isinstance(expr, Call):
        if expr.op == "expand" or (expr.op == "spread" and spread_axis(expr) == 0):
            return bare_shape(expr.args[0])
        if expr.op == "spread" and keepable(expr.args[0], expr.param):
            axis = spread_axis(expr)
            return (*expr.shape[:axis], 1, *expr.shape[axis + 1 :])
        if OPERATORS[expr.op].elementwise:
            return broadcast(*(bare_shape(arg) for arg in expr.args))
    return expr.shape


def broadcast(*shapes: Shape) -> Shape:
    """The common shape of arrays that go with one another, as NumPy has it; they are known to."""
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(next((n for n in column if n != 1), 1) for column in zip(*padded, strict=True))


def summed_axes(node: Call) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of `sum_to`: the axes that go away, and those that stay with size 1; counted from 0 in what is summed."""
    wide, own = node.args[0].shape, node.shape
    missing = len(wide) - len(own)
    kept = tuple(missing + at for at, n in enumerate(own) if n == 1 and wide[missing + at] != 1)
    return tuple(range(missing)), kept


def ones(shape: Shape) -> str:
    """1 in every place of a shape: ones(2, 3)."""
    return f"ones({', '.join(map(str, shape))})"


def spread_axis(node: Call) -> int:
    """The axis, from 0, of a value that says the same all along it."""
    assert isinstance(node.param, int)
    return counted(node.param, len(node.shape))
