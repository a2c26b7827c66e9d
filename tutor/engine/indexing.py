"""Operators that take elements from where they lie, and put them back: rows, parts, shapes, blocked positions.

Numbers of rows that an author writes as data (`embedding`, class numbers) count from 1; `param` counts from 0, and its
axes from the end. The reverse of a taking is a putting back: what nobody took has no gradient, what several took has
the sum of theirs. Letters as in `expressions.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tutor.engine.examples_axis import by_example, lead
from tutor.engine.expressions import OPERATORS, ZERO, Call, Const, Expr, Operator, Shape, call, element, total
from tutor.engine.noise import LONG_FIRST, first_noise, linear_noise
from tutor.engine.operators import cell, elementwise, same_shape
from tutor.engine.reductions import reduced
from tutor.messages import Message

BLOCKED = Const(-math.inf)  # what a position that may not be looked at has for a score

# ---------------------------------------------------------------- one row, a part, several together


def _row_shape(shape: Shape, row: int) -> Shape:
    if not shape:
        raise ValueError(Message("a single number has no rows"))
    if not 0 <= row < shape[0]:
        raise ValueError(
            Message(
                "row {row} is not there: the shape is {shape}, of {n} rows; rows count from 1",
                row=row + 1, shape=shape, n=shape[0],
            )
        )  # fmt: skip
    return shape[1:]


def _row(node: Call, x: Any) -> Any:
    return np.take(x, node.param, axis=-len(node.args[0].shape))


def _place_row_shape(G: Shape, like: Shape, row: int) -> Shape:
    if _row_shape(like, row) != G:
        raise ValueError(f"{G} is no row of {like}")
    return like


@by_example
def _place_row(node: Call, G: Any, like: Any) -> Any:
    found = np.zeros((len(G), *node.shape))
    found[:, node.param] = G
    return found


def _place_row_element(node: Call, index: tuple[int, ...]) -> Expr:
    return element(node.args[0], index[1:]) if index[0] == node.param else ZERO


def _part_shape(shape: Shape, param: tuple[int, int, int]) -> Shape:
    axis, start, stop = param
    reduced(shape, axis)
    if not 0 <= start < stop <= shape[axis]:
        raise ValueError(f"places {start + 1} to {stop} are not there along axis {axis}: the shape is {shape}")
    at = len(shape) + axis
    return (*shape[:at], stop - start, *shape[at + 1 :])


def _slice(node: Call, rank: int) -> tuple[Any, ...]:
    axis, start, stop = node.param
    return (..., slice(start, stop), *[slice(None)] * (-axis - 1))


def _moved(index: tuple[int, ...], axis: int, by: int) -> tuple[int, ...]:
    at = len(index) + axis
    return (*index[:at], index[at] + by, *index[at + 1 :])


def _place_part_shape(G: Shape, like: Shape, param: tuple[int, int, int]) -> Shape:
    if _part_shape(like, param) != G:
        raise ValueError(f"{G} is no such part of {like}")
    return like


@by_example
def _place_part(node: Call, G: Any, like: Any) -> Any:
    found = np.zeros((len(G), *node.shape))
    found[_slice(node, len(node.shape))] = G
    return found


def _place_part_element(node: Call, index: tuple[int, ...]) -> Expr:
    axis, start, stop = node.param
    inside = start <= index[axis] < stop
    return element(node.args[0], _moved(index, axis, -start)) if inside else ZERO


def _concat_shape(*shapes_and_axis: Any) -> Shape:
    *shapes, axis = shapes_and_axis
    first = shapes[0]
    for shape in shapes:
        if len(shape) != len(first) or reduced(shape, axis) != reduced(first, axis):
            raise ValueError(
                Message(
                    "{one} and {other} cannot be put one behind the other: all axes but {axis} must agree",
                    one=first, other=shape, axis=axis,
                )
            )  # fmt: skip
    at = len(first) + axis
    return (*first[:at], sum(shape[at] for shape in shapes), *first[at + 1 :])


@by_example
def _concat(node: Call, *arrays: Any) -> Any:
    count = max(map(len, arrays))
    return np.concatenate([np.broadcast_to(x, (count, *x.shape[1:])) for x in arrays], axis=node.param)


def _concat_element(node: Call, index: tuple[int, ...]) -> Expr:
    at = 0
    for arg in node.args:
        if index[node.param] < at + arg.shape[node.param]:
            return element(arg, _moved(index, node.param, -at))
        at += arg.shape[node.param]
    raise IndexError(index)


def _concat_reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
    ends = np.cumsum([arg.shape[node.param] for arg in node.args]).tolist()
    starts = [0, *ends[:-1]]
    return tuple(call("part", G, param=(node.param, start, end)) for start, end in zip(starts, ends, strict=True))


def _stack_shape(*shapes: Shape) -> Shape:
    if len(set(shapes)) != 1 or len(shapes[0]) > 3:  # four axes are the most
        raise ValueError(f"rows of different shapes: {sorted(set(shapes))}")
    return (len(shapes), *shapes[0])


def _stack(node: Call, *arrays: Any) -> Any:
    rank = len(node.args[0].shape)
    return np.stack(np.broadcast_arrays(*arrays), axis=-rank - 1)


# ---------------------------------------------------------------- another shape


def _reshape_shape(shape: Shape, new: Shape) -> Shape:
    if math.prod(shape) != math.prod(new):
        raise ValueError(f"{math.prod(shape)} numbers of the shape {shape} do not fill the shape {new}")
    return tuple(new)


def _reshape(node: Call, x: Any) -> Any:
    return np.reshape(x, lead(node, 0, x) + node.shape)


def _reshape_element(node: Call, index: tuple[int, ...]) -> Expr:
    (x,) = node.args
    flat = np.ravel_multi_index(index, node.shape) if node.shape else 0
    return element(x, tuple(map(int, np.unravel_index(flat, x.shape))) if x.shape else ())


# ---------------------------------------------------------------- rows by number


def numbers(values: Any, count: int) -> tuple[Any, Any]:
    """Numbers from 1 to `count` as indices from 0, and where they are such numbers at all."""
    known = (values >= 1) & (values <= count) & (values == np.floor(values))
    return np.where(known, values, 1).astype(int) - 1, known


def _embedding_shape(E: Shape, ids: Shape) -> Shape:
    if not E:
        raise ValueError(Message("a single number has no rows"))
    return ids + E[1:]


@by_example
def _embedding(node: Call, E: Any, ids: Any) -> Any:
    """The rows of E that ids name; NaN where there is no such row."""
    at, known = numbers(ids, E.shape[1])
    found = E[_example(E, at), at]
    return np.where(known.reshape(known.shape + (1,) * (found.ndim - known.ndim)), found, np.nan)


def _example(E: Any, at: Any) -> Any:
    """Beside the indices of rows those of the example that each is taken from."""
    examples = np.arange(len(E)) if len(E) > 1 else np.zeros(len(at), dtype=int)
    return examples.reshape((-1,) + (1,) * (at.ndim - 1))


def _embedding_element(node: Call, index: tuple[int, ...]) -> Expr:
    E, ids = node.args
    which, rest = index[: len(ids.shape)], index[len(ids.shape) :]
    return call("pick", element(ids, which), *(element(E, (row, *rest)) for row in range(E.shape[0])))


def _scatter_shape(G: Shape, ids: Shape, like: Shape) -> Shape:
    if _embedding_shape(like, ids) != G:
        raise ValueError(f"{G} has no row of {like} for each of the numbers {ids}")
    return like


@by_example
def _scatter(node: Call, G: Any, ids: Any, like: Any) -> Any:
    """Each of G's rows added where ids say."""
    count = max(map(len, (G, ids, like)))
    G, ids = (np.broadcast_to(x, (count, *x.shape[1:])) for x in (G, ids))
    at, known = numbers(ids, like.shape[1])
    examples = np.broadcast_to(np.arange(count).reshape((-1,) + (1,) * (at.ndim - 1)), at.shape)
    found = np.zeros((count, *node.shape))
    np.add.at(found, (examples[known], at[known]), G[known])
    return found


def _scatter_element(node: Call, index: tuple[int, ...]) -> Expr:
    G, ids, _ = node.args
    row, rest = index[0], index[1:]
    return total(
        [
            call("mul", call("hit", element(ids, which), param=row + 1), element(G, (*which, *rest)))
            for which in np.ndindex(*ids.shape)
        ]
    )


def _pick(n: Any, *choices: Any) -> Any:
    at, known = numbers(n, len(choices))
    stacked = np.stack(np.broadcast_arrays(*choices, n)[:-1])
    return np.where(known, np.take_along_axis(stacked, np.broadcast_to(at, stacked.shape[1:])[None], 0)[0], np.nan)[()]


def _hit(node: Call, n: Any) -> Any:
    return np.equal(n, node.param) * 1.0


def _one_hot_shape(y: Shape, like: Shape) -> Shape:
    if y != like[:-1] or not like:
        raise ValueError(f"{y} has no class number for each row of {like}")
    return like


@by_example
def _one_hot(node: Call, y: Any, like: Any) -> Any:
    return (y[..., None] == np.arange(1, like.shape[-1] + 1)) * 1.0


# ---------------------------------------------------------------- blocked positions


def _causal_shape(shape: Shape) -> Shape:
    if len(shape) < 2:
        raise ValueError(
            Message("causal() blocks what is right of a matrix's diagonal: the shape is {shape}", shape=shape)
        )
    return shape


def _blocking(value: float) -> Callable[[Call, Any], Any]:
    """What is above the diagonal of the last two axes becomes this value."""
    return lambda node, x: np.where(np.tri(*np.shape(x)[-2:]) > 0, x, value)


def _blocked_element(value: Const) -> Callable[[Call, tuple[int, ...]], Expr]:
    return lambda node, index: value if index[-1] > index[-2] else element(node.args[0], index)


OPERATORS |= {
    # row(x): one of x's first axis
    "row": Operator(
        _row_shape,
        _row,
        lambda node, index: element(node.args[0], (node.param, *index)),
        lambda node, out, G: (call("place_row", G, node.args[0], param=node.param),),
        shaped=True,
        noise=linear_noise,
    ),
    # place_row(G, like): G as that row, 0 elsewhere
    "place_row": Operator(
        _place_row_shape,
        _place_row,
        _place_row_element,
        lambda node, out, G: (call("row", G, param=node.param), None),
        shaped=True,
        noise=first_noise,
    ),
    # part(x): x from start to stop along an axis; param (axis, start, stop)
    "part": Operator(
        _part_shape,
        lambda node, x: x[_slice(node, len(node.shape))],
        lambda node, index: element(node.args[0], _moved(index, node.param[0], node.param[1])),
        lambda node, out, G: (call("place_part", G, node.args[0], param=node.param),),
        shaped=True,
        noise=linear_noise,
    ),
    "place_part": Operator(
        _place_part_shape,
        _place_part,
        _place_part_element,
        lambda node, out, G: (call("part", G, param=node.param), None),
        shaped=True,
        noise=first_noise,
    ),
    "concat": Operator(
        _concat_shape,
        _concat,
        _concat_element,
        _concat_reverse,
        shaped=True,
        noise=lambda node, value, arrays, noises: _concat(
            node, *(np.broadcast_to(n, np.shape(x)) for n, x in zip(noises, arrays, strict=True))
        ),
    ),
    # stack(x, y, ...): numbers as a column, columns as the rows of a matrix, matrices one behind the other
    "stack": Operator(
        _stack_shape, _stack, lambda node, index: element(node.args[index[0]], index[1:]), noise=linear_noise
    ),
    "reshape": Operator(
        _reshape_shape,
        _reshape,
        _reshape_element,
        lambda node, out, G: (call("reshape", G, param=node.args[0].shape),),
        shaped=True,
        noise=linear_noise,
    ),
    # embedding(E, ids): for each number its row of E
    "embedding": Operator(
        _embedding_shape,
        _embedding,
        _embedding_element,
        lambda node, out, G: (call("scatter_rows", G, node.args[1], node.args[0]), None),
        noise=first_noise,
    ),
    # scatter_rows(G, ids, like): each row of G added to the row of `like` that its number names
    "scatter_rows": Operator(
        _scatter_shape,
        _scatter,
        _scatter_element,
        lambda node, out, G: (call("embedding", G, node.args[1]), None, None),
        settles=LONG_FIRST,
        noise=first_noise,
    ),
    # pick(n, x, y, ...): the n-th of x, y, ..., from 1
    "pick": elementwise(_pick),
    # hit(n): 1 where n is the number `param`, else 0
    "hit": Operator(
        same_shape, _hit, lambda node, index: Call("hit", (cell(node.args[0], index),), node.param), elementwise=True
    ),
    # one_hot(y, like): a row for each class number, 1 at its class
    "one_hot": Operator(
        _one_hot_shape,
        _one_hot,
        lambda node, index: call("hit", element(node.args[0], index[:-1]), param=index[-1] + 1),
    ),
    # causal(S): −∞ above the diagonal of the last two axes: a query looks at no later key
    "causal": Operator(
        _causal_shape,
        _blocking(-math.inf),
        _blocked_element(BLOCKED),
        lambda node, out, G: (call("causal_mask", G),),
        noise=lambda node, value, arrays, noises: _blocking(0.0)(node, np.broadcast_to(noises[0], np.shape(value))),
    ),
    # causal_mask(G): 0 there
    "causal_mask": Operator(
        _causal_shape,
        _blocking(0.0),
        _blocked_element(ZERO),
        lambda node, out, G: (call("causal_mask", G),),
        noise=linear_noise,
    ),
}
