"""Operators that take many elements together, along an axis or all of them, and those that spread one again.

`param` is the axis, counted from the end, or None for all elements. The reverse of a sum is the gradient again at each
place that it came from; the reverse of that is a sum. Letters as in `expressions.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tutor.engine.expressions import (
    EPSILON,
    OPERATORS,
    Call,
    Expr,
    Operator,
    Settling,
    Shape,
    at_example,
    call,
    element,
    indices,
    product,
    total,
)
from tutor.engine.noise import LONG_FIRST, LONG_SUM, NEAR, cancelled, first_noise, linear_noise
from tutor.engine.operators import cell, same_shape
from tutor.messages import Message

# ---------------------------------------------------------------- axes


def reduced(shape: Shape, axis: int | None) -> Shape:
    """The shape without an axis (counted from the end); () without any. ValueError if it is not there."""
    if axis is None:
        return ()
    if not -len(shape) <= axis < 0:
        raise ValueError(
            Message("axis {axis} is not there: the shape is {shape}, of {n} axes", axis=axis, shape=shape, n=len(shape))
        )
    return shape[:axis] + shape[len(shape) + axis + 1 :]


def length(shape: Shape, axis: int | None) -> int:
    """How many elements are taken together."""
    return int(np.prod(shape)) if axis is None else shape[axis]


def line(arg: Expr, axis: int | None, index: tuple[int, ...]) -> list[Expr]:
    """The elements that are taken together for the element `index` of a reduction."""
    return [element(arg, place) for place in places(arg.shape, axis, index)]


def places(shape: Shape, axis: int | None, index: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Where those elements lie, in order."""
    if axis is None:
        return list(indices(shape))
    at = len(shape) + axis
    return [(*index[:at], k, *index[at:]) for k in range(shape[axis])]


def axes(node: Call) -> int | tuple[int, ...]:
    """The axes of the first argument's array that are taken together; the axis of examples is never one."""
    return tuple(range(-len(node.args[0].shape), 0)) if node.param is None else int(node.param)


def along(part: Expr, like: Expr, axis: int | None) -> Expr:
    """What has lost an axis, again and again along it; as it is where broadcasting does that."""
    if axis is None or not part.shape or -axis == len(like.shape):
        return part
    return call("spread", part, like, param=axis)


def kept(node: Call, x: Any, of: Callable[..., Any], axis: Any = None) -> Any:
    """A reduction of x whose axes stay, of length 1."""
    return of(x, axis=axes(node) if axis is None else axis, keepdims=True)


# ---------------------------------------------------------------- sums and means


def _sum(node: Call, x: Any) -> Any:
    return np.sum(x, axis=axes(node)) if node.args[0].shape else x


def _sum_element(node: Call, index: tuple[int, ...]) -> Expr:
    return total(line(node.args[0], node.param, index))


def _average(node: Call, x: Any) -> Any:
    return np.mean(x, axis=axes(node)) if node.args[0].shape else x


def _average_reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
    (x,) = node.args
    return (along(G, x, node.param) / length(x.shape, node.param),)


def centred(node: Call, x: Any, noise: Any, axis: Any = None) -> tuple[Any, Any]:
    """x less its mean, and how far rounding may have carried that: what it alone made is 0."""
    away, off = x - kept(node, x, np.mean, axis), centred_noise(node, x, noise, axis)
    within = (np.abs(away) <= off) & np.isfinite(off)
    return np.where(within, 0.0, away), np.where(within, 0.0, off)


def centred_noise(node: Call, x: Any, noise: Any, axis: Any = None) -> Any:
    """How far rounding may have carried x less its mean, be it less than that or not."""
    mean = kept(node, x, np.mean, axis)
    return noise + kept(node, np.broadcast_to(noise, np.shape(x)), np.mean, axis) + 2 * EPSILON * (abs(x) + abs(mean))


def near_mean(node: Call, x: Any, axis: Any = None) -> bool:
    """Whether something, but not everything, of an element less the mean cancelled."""
    mean = kept(node, x, np.mean, axis)
    return cancelled(x - mean, x, mean)


def _variance(node: Call, x: Any) -> Any:
    return np.mean((x - kept(node, x, np.mean)) ** 2, axis=axes(node)) if node.args[0].shape else x * 0.0


def _variance_settled(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any], own: Any) -> Any:
    return np.mean(centred(node, arrays[0], noises[0])[0] ** 2, axis=axes(node))


def _variance_noise(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any]) -> Any:
    if not node.args[0].shape:
        return 0.0
    away, off = centred(node, arrays[0], noises[0])[0], centred_noise(node, arrays[0], noises[0])
    return np.mean(2 * np.abs(away) * off + off**2, axis=axes(node))


def _variance_element(node: Call, index: tuple[int, ...]) -> Expr:
    xs = line(node.args[0], node.param, index)
    mean = mean_of(xs)
    return mean_of([(x - mean) ** 2 for x in xs])


def mean_of(terms: list[Expr]) -> Expr:
    """The mean of the terms; a single term stands for itself."""
    return total(terms) / len(terms) if len(terms) > 1 else terms[0]


def _variance_reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
    (x,) = node.args
    away = x - along(call("average", x, param=node.param), x, node.param)
    return (product(along(G, x, node.param), away * 2 / length(x.shape, node.param)),)


# ---------------------------------------------------------------- the largest and the smallest


def winner(x: Any, extreme: Callable[..., Any], allowed: Any = 0.0) -> Any:
    """1 at the first of the last axis that is the extreme, or within `allowed` of it, else 0; beside a NaN a NaN."""
    top = extreme(x, axis=-1, keepdims=True)
    takes = np.argmax((x == top) | (np.abs(x - top) <= allowed), axis=-1)
    return np.where(np.isnan(top), np.nan, np.arange(x.shape[-1]) == takes[..., None])


def near_tie(x: Any, extreme: Callable[..., Any]) -> bool:
    """Whether two along the last axis are nearly the same and the extreme, and yet not quite."""
    top = extreme(x, axis=-1, keepdims=True)
    away = np.abs(x - top)
    return bool(np.any((away > 0) & (away <= NEAR * (np.abs(x) + np.abs(top)))))


def tie_noise(noise: Any, x: Any) -> Any:
    """How far rounding may have carried an element from the extreme of its line."""
    noise = np.broadcast_to(noise, np.shape(x))
    return noise + np.max(noise, axis=-1, keepdims=True)


def _last(node: Call, x: Any) -> Any:
    """What is taken together as the last axis."""
    if node.param is not None:
        return np.moveaxis(x, node.param, -1)
    rank = len(node.args[0].shape)
    return np.reshape(x, (*np.shape(x)[: np.ndim(x) - rank], -1))


def _first(extreme: Callable[..., Any], wins: str) -> Operator:
    def placed(node: Call, found: Any, x: Any) -> Any:
        return np.reshape(found, np.shape(x)) if node.param is None else np.moveaxis(found, -1, node.param)

    def value(node: Call, x: Any) -> Any:
        return placed(node, winner(_last(node, x), extreme), x)

    def near(node: Call, value: Any, x: Any) -> bool:
        return near_tie(_last(node, x), extreme)

    def settled(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any], own: Any) -> Any:
        (x,) = arrays
        last = _last(node, x)
        allowed = tie_noise(_last(node, np.broadcast_to(noises[0], np.shape(x))), last)
        return placed(node, winner(last, extreme, allowed), x)

    def at(node: Call, index: tuple[int, ...]) -> Expr:
        (x,) = node.args
        axis = node.param
        of = () if axis is None else index[:axis] + index[len(index) + axis + 1 :]
        every = places(x.shape, axis, of)
        return Call(wins, tuple(element(x, place) for place in every), every.index(index))

    return Operator(_same_along, value, at, settles=Settling(near, settled), shaped=True)


def _same_along(shape: Shape, axis: int | None) -> Shape:
    reduced(shape, axis)
    return shape


def _extreme(op: str, extreme: Callable[..., Any], first: str) -> Operator:
    def at(node: Call, index: tuple[int, ...]) -> Expr:
        found = line(node.args[0], node.param, index)
        return call(op, *found) if len(found) > 1 else found[0]

    def reverse(node: Call, out: Expr, G: Expr) -> tuple[Expr | None, ...]:
        (x,) = node.args
        return (product(along(G, x, node.param), call(first, x, param=node.param)),)

    return Operator(
        reduced,
        lambda node, x: extreme(x, axis=axes(node)) if node.args[0].shape else x,
        at,
        reverse,
        shaped=True,
        noise=lambda node, value, arrays, noises: (
            np.max(np.broadcast_to(noises[0], np.shape(arrays[0])), axis=axes(node))
            if node.args[0].shape
            else noises[0]
        ),
    )


# ---------------------------------------------------------------- spreading, and adding up what was spread


def _fits(wide: Shape, narrow: Shape) -> None:
    if len(narrow) > len(wide) or same_shape(wide, narrow) != wide:
        raise ValueError(f"{narrow} does not lie along the last axes of {wide}")


def _expand_shape(x: Shape, like: Shape) -> Shape:
    _fits(like, x)
    return like


def _expand(node: Call, x: Any, like: Any) -> Any:
    """x once for each place of the axes that only `like` has; the example axis stays in front."""
    x, inner = np.asarray(x), node.args[0].shape
    batch = x.shape[: x.ndim - len(inner)]
    return _in_each(node, x.reshape(batch + (1,) * (len(node.shape) - len(inner)) + inner), batch, like)


def _in_each(node: Call, x: Any, batch: Shape, like: Any) -> Any:
    """x as large as the value; where only `like` has examples, the same for each of them."""
    return np.broadcast_to(x, (np.shape(like)[:1] if node.batched and not batch else batch) + node.shape)


def _sum_to_shape(x: Shape, like: Shape) -> Shape:
    _fits(x, like)
    return like


def _sum_to(node: Call, x: Any, like: Any) -> Any:
    """x added up over the axes that `like` does not have, or of length 1; the example axis stays."""
    inner, own = node.args[0].shape, node.shape
    found = np.sum(x, axis=tuple(range(-len(inner), -len(own) if own else 0)))
    ones = tuple(axis for axis in range(-len(own), 0) if own[axis] == 1 != inner[axis])
    found = np.sum(found, axis=ones, keepdims=True) if ones else found
    missing = node.batched and not node.args[0].batched
    return np.broadcast_to(found, np.shape(like)[:1] + own) if missing else found


def _sum_to_element(node: Call, index: tuple[int, ...]) -> Expr:
    (x, _), own = node.args, node.shape
    inner = x.shape[len(x.shape) - len(own) :]
    outer = x.shape[: len(x.shape) - len(own)]
    over = outer + tuple(n if m == 1 else 1 for n, m in zip(inner, own, strict=True))
    base = (0,) * len(outer) + index
    return total([element(x, tuple(i + k for i, k in zip(base, place, strict=True))) for place in indices(over)])


def _spread_shape(G: Shape, like: Shape, axis: int) -> Shape:
    if reduced(like, axis) != G:
        raise ValueError(f"{G} is not {like} without its axis {axis}")
    return like


def _spread(node: Call, G: Any, like: Any) -> Any:
    G, batched = np.asarray(G), node.args[0].batched
    return _in_each(node, np.expand_dims(G, node.param), G.shape[:1] if batched else (), like)


def _spread_element(node: Call, index: tuple[int, ...]) -> Expr:
    at = len(index) + node.param
    return element(node.args[0], index[:at] + index[at + 1 :])


# ---------------------------------------------------------------- over the examples


def _batch_sum_element(node: Call, index: tuple[int, ...]) -> Expr:
    (arg,), count = node.args, node.param or 1
    return total([element(at_example(arg, e), index) for e in range(count)])


def _mean_element(node: Call, index: tuple[int, ...]) -> Expr:
    return _batch_sum_element(node, index) / (node.param or 1)


OPERATORS |= {
    "sum": Operator(
        reduced,
        _sum,
        _sum_element,
        lambda node, out, G: (along(G, node.args[0], node.param),),
        shaped=True,
        settles=LONG_SUM,
        noise=linear_noise,
    ),
    "average": Operator(
        reduced,
        _average,
        lambda node, index: mean_of(line(node.args[0], node.param, index)),
        _average_reverse,
        shaped=True,
        settles=LONG_SUM,
        noise=linear_noise,
    ),
    # variance(x): of the population, divided by n
    "variance": Operator(
        reduced,
        _variance,
        _variance_element,
        _variance_reverse,
        shaped=True,
        settles=Settling(lambda node, value, x: bool(node.args[0].shape) and near_mean(node, x), _variance_settled),
        noise=_variance_noise,
    ),
    "reduce_max": _extreme("max", np.max, "first_max"),
    "reduce_min": _extreme("min", np.min, "first_min"),
    # first_max(x): 1 at the first of the largest of its line, 0 elsewhere
    "first_max": _first(np.max, "wins_max"),
    "first_min": _first(np.min, "wins_min"),
    # expand(x, like): x as large as `like`, by broadcasting
    "expand": Operator(
        _expand_shape,
        _expand,
        lambda node, index: cell(node.args[0], index),
        lambda node, out, G: (G, None),
        noise=lambda node, value, arrays, noises: _expand(node, noises[0], arrays[1]),
    ),
    # sum_to(x, like): x added up over the axes that broadcasting `like` to x would repeat it along
    "sum_to": Operator(
        _sum_to_shape,
        _sum_to,
        _sum_to_element,
        lambda node, out, G: (G, None),
        settles=LONG_FIRST,
        noise=first_noise,
    ),
    # spread(G, like): G again and again along the axis `param` of `like`, which G has lost
    "spread": Operator(
        _spread_shape,
        _spread,
        _spread_element,
        lambda node, out, G: (call("sum", G, param=node.param), None),
        shaped=True,
        noise=first_noise,
    ),
    # mean(x): over the examples of the batch; `param` is how many
    "mean": Operator(
        lambda shape: shape,
        lambda node, x: np.mean(x, axis=0),
        _mean_element,
        lambda node, out, G: (G / (node.param or 1),),
        batched=False,
        settles=LONG_SUM,
        noise=linear_noise,
    ),
    # the same as a sum, without the division
    "batch_sum": Operator(
        lambda shape: shape,
        lambda node, x: np.sum(x, axis=0),
        _batch_sum_element,
        lambda node, out, G: (G,),
        batched=False,
        settles=LONG_SUM,
        noise=linear_noise,
    ),
}
