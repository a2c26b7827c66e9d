"""Operators that multiply matrices and vectors, and turn them: rows of the table.

`matmul` follows NumPy's ranks: a vector before is a row, behind a column, and of ranks above 2 the last two axes are
the matrices', the others broadcast. Letters as in `expressions.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tutor.engine.examples_axis import lead
from tutor.engine.expressions import OPERATORS, Call, Expr, Operator, Shape, call, element, total
from tutor.engine.noise import LONG_SUM, bilinear_noise, linear_noise
from tutor.engine.operators import cell, same_shape
from tutor.messages import Message


def _matmul_shape(x: Shape, y: Shape) -> Shape:
    if not x or not y:
        raise ValueError(
            Message("@ multiplies vectors and matrices, not a single number: the shapes are {x} and {y}", x=x, y=y)
        )
    length = y[-2] if len(y) > 1 else y[0]
    if x[-1] != length:
        raise ValueError(
            Message(
                "the shapes {x} and {y} do not fit for @: the last axis of the first is {n} long, "
                "the last but one of the second {length}"
                if len(y) > 1
                else "the shapes {x} and {y} do not fit for @: the last axis of the first is {n} long, "
                "the axis of the second {length}",
                x=x, y=y, n=x[-1], length=length,
            )
        )  # fmt: skip
    return same_shape(x[:-2], y[:-2]) + x[-2:-1] + (y[-1:] if len(y) > 1 else ())


def _matmul(node: Call, x: Any, y: Any) -> Any:
    a, b = (len(arg.shape) for arg in node.args)
    if (a, b) == (2, 1):
        if x.ndim == 2:  # one matrix for all examples: (n, k) @ (k, m)
            return y @ x.T
        return np.matmul(x, y[..., None])[..., 0]
    first = _with_axes(x, lead(node, 0, x), max(a, b, 2), row=a == 1)
    second = _with_axes(y, lead(node, 1, y), max(a, b, 2), column=b == 1)
    found = np.matmul(first, second)
    found = found[..., 0, :] if a == 1 else found
    return found[..., 0] if b == 1 else found


def _with_axes(array: Any, batch: Shape, rank: int, row: bool = False, column: bool = False) -> Any:
    """A factor as matrices, with as many axes (the examples' apart) as the other has."""
    shape = array.shape[len(batch) :]
    shape = (1, *shape) if row else (*shape, 1) if column else shape
    return array.reshape(batch + (1,) * (rank - len(shape)) + shape)


def _matmul_element(node: Call, index: tuple[int, ...]) -> Expr:
    x, y = node.args
    row, column = len(x.shape) > 1, len(y.shape) > 1
    batch = index[: len(index) - row - column]
    i = index[len(batch) : len(batch) + row]
    j = index[len(index) - column :] if column else ()
    before, behind = batch[len(batch) - len(x.shape) + 2 :], batch[len(batch) - len(y.shape) + 2 :]
    before, behind = (before if len(x.shape) > 2 else ()), (behind if len(y.shape) > 2 else ())
    return total([call("mul", _at(x, before, (*i, k)), _at(y, behind, (k, *j))) for k in range(x.shape[-1])])


def _at(x: Expr, batch: tuple[int, ...], index: tuple[int, ...]) -> Expr:
    """An element of a factor; axes of length 1 before the matrix are repeated."""
    return element(x, tuple(0 if n == 1 else i for i, n in zip(batch, x.shape, strict=False)) + index)


def _matmul_reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
    x, y = node.args
    a, b = len(x.shape), len(y.shape)
    if (a, b) == (1, 1):
        return call("mul", G, y), call("mul", G, x)
    if (a, b) == (2, 1):
        return call("outer", G, y), call("matmul", turned(x), G)
    if (a, b) == (1, 2):
        return call("matmul", y, G), call("outer", x, G)
    if b == 1:  # a product of a row with y for each row of each matrix
        again = call("spread", G, x, param=-1)
        return call("mul", again, y), call("sum", call("mul", again, x), param=-2)
    if a == 1:
        again = call("spread", G, y, param=-2)
        column = call("reshape", x, param=(x.shape[0], 1))
        return call("sum", call("mul", again, y), param=-1), call("mul", again, column)
    return call("matmul", G, turned(y)), call("matmul", turned(x), G)


def turned(x: Expr) -> Expr:
    """xᵀ, as it is written by hand: (xᵀ)ᵀ is x, (x·y)ᵀ is yᵀ·xᵀ."""
    if isinstance(x, Call) and x.op == "transpose":
        return x.args[0]
    if isinstance(x, Call) and x.op == "matmul" and all(len(arg.shape) > 1 for arg in x.args):
        return call("matmul", turned(x.args[1]), turned(x.args[0]))
    if isinstance(x, Call) and x.op == "outer":
        return call("outer", *reversed(x.args))
    return call("transpose", x)


def _transpose_shape(shape: Shape) -> Shape:
    if len(shape) < 2:
        raise ValueError(Message("only a matrix has a transpose: the shape is {shape}", shape=shape))
    return (*shape[:-2], shape[-1], shape[-2])


def _rows(node: Call, x: Any, like: Any) -> Any:
    batch = x.shape[:-1]
    return np.broadcast_to(x[..., None, :], (np.shape(like)[:1] if node.batched and not batch else batch) + node.shape)


OPERATORS |= {
    "matmul": Operator(
        _matmul_shape, _matmul, _matmul_element, _matmul_reverse, settles=LONG_SUM, noise=bilinear_noise
    ),
    # transpose(x): the last two axes swapped
    "transpose": Operator(
        _transpose_shape,
        lambda node, x: np.swapaxes(x, -1, -2),
        lambda node, index: element(node.args[0], (*index[:-2], index[-1], index[-2])),
        lambda node, out, G: (turned(G),),
        noise=linear_noise,
    ),
    "outer": Operator(
        lambda x, y: x + y,
        lambda node, x, y: x[..., :, None] * y[..., None, :],
        lambda node, index: call("mul", element(node.args[0], index[:1]), element(node.args[1], index[1:])),
        lambda node, out, G: (call("matmul", G, node.args[1]), call("matmul", call("transpose", G), node.args[0])),
        noise=bilinear_noise,
    ),
    # rows(x, like): x once for each element of `like`, as the rows of a matrix: ∂z/∂W
    "rows": Operator(
        lambda x, like: like + x,
        _rows,
        lambda node, index: cell(node.args[0], index[1:]),
        lambda node, out, G: (G, None),
        noise=lambda node, value, arrays, noises: _rows(node, noises[0], arrays[1]),
    ),
    # mean_outer(x, y): the mean of outer(x, y) over the examples, without building one matrix an example
    "mean_outer": Operator(
        lambda x, y: x + y,
        lambda node, x, y: x.T @ y / len(x),
        lambda node, index: element(call("mean", call("outer", *node.args), param=node.param), index),
        batched=False,
        settles=LONG_SUM,
        noise=bilinear_noise,
    ),
    "sum_outer": Operator(
        lambda x, y: x + y,
        lambda node, x, y: x.T @ y,
        lambda node, index: element(call("batch_sum", call("outer", *node.args), param=node.param), index),
        batched=False,
        settles=LONG_SUM,
        noise=bilinear_noise,
    ),
}
