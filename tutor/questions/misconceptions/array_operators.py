"""Operators over arrays that only wrong formulas need: what is overwritten, flipped, or given to every largest.

Each is a row as in `engine/operators.py`, without a reverse rule: nothing goes on from a wrong gradient but its value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from tutor.engine.examples_axis import by_example
from tutor.engine.expressions import OPERATORS, ZERO, Call, Expr, Operator, Shape, call, element, product, total
from tutor.engine.operators import same_shape
from tutor.engine.reductions import places
from tutor.engine.windows import spatial

Index = tuple[int, ...]

# ---------------------------------------------------------------- one term of what is added up


def repeats(x: Shape, like: Shape) -> Shape:
    """How often each axis of x repeats `like`, which broadcasts to it: 1 where it does not."""
    outer = x[: len(x) - len(like)]
    return outer + tuple(n if m == 1 else 1 for n, m in zip(x[len(outer) :], like, strict=True))


def _term_shape(x: Shape, like: Shape, term: int) -> Shape:
    if len(like) > len(x) or same_shape(x, like) != x or not 0 <= term < prod(repeats(x, like)):
        raise ValueError(f"there is no term {term} of {x} added up to {like}")
    return like


def _place(node: Call) -> Index:
    over = repeats(node.args[0].shape, node.shape)
    return tuple(map(int, np.unravel_index(node.param, over))) if over else ()


@by_example
def _term(node: Call, x: Any, like: Any) -> Any:
    over = repeats(node.args[0].shape, node.shape)
    own = (1,) * (len(over) - len(node.shape)) + node.shape
    at = [slice(p, p + 1) if n > 1 or m == 1 else slice(None) for p, n, m in zip(_place(node), over, own, strict=True)]
    return x[(slice(None), *at)].reshape(len(x), *node.shape)


def _term_element(node: Call, index: Index) -> Expr:
    base = (0,) * (len(node.args[0].shape) - len(index)) + index
    return element(node.args[0], tuple(i + p for i, p in zip(base, _place(node), strict=True)))


# ---------------------------------------------------------------- convolution


def _flip_element(node: Call, index: Index) -> Expr:
    (k,), axes = node.args, node.param
    front, place = index[:-axes], index[-axes:]
    turned = tuple(n - 1 - i for i, n in zip(place, k.shape[-axes:], strict=True))
    return element(k, (*front, *turned))


def flipped(k: Expr) -> Call:
    """A kernel turned round along the axes that it slides over."""
    return call("flip", k, param=spatial(k.shape))


def _last_copy_shape(G: Shape, k: Shape, like: Shape, param: Any) -> Shape:
    return like


@by_example
def _last_copy(node: Call, G: Any, k: Any, like: Any) -> Any:
    """For each place the kernel times what came back there, written over what lay there."""
    (stride, padding), (G_shape, k_shape, x_shape) = node.param, (arg.shape for arg in node.args)
    axes, channels = spatial(k_shape), len(k_shape) > 2
    k = k if channels else k[:, None, None]
    batch = prod(x_shape[: len(x_shape) - axes - channels])
    into, lengths, window = k.shape[2], x_shape[-axes:], k_shape[-axes:]
    G = G.reshape(len(G), batch, k.shape[1], *G_shape[-axes:])
    found = np.zeros((max(len(G), len(k)), batch, into, *(n + 2 * padding for n in lengths)))
    for place in np.ndindex(*G_shape[-axes:]):
        at: Any = (..., *(slice(p * stride, p * stride + n) for p, n in zip(place, window, strict=True)))
        found[at] = np.einsum("bno,boi...->bni...", G[(..., *place)], k)
    inner: Any = (..., *(slice(padding, padding + n) for n in lengths))
    return found[inner].reshape(len(found), *x_shape)


def _last_copy_element(node: Call, index: Index) -> Expr:
    G, k, _ = node.args
    (stride, padding), axes, channels = node.param, spatial(k.shape), len(k.shape) > 2
    batch, at = index[: len(index) - axes - channels], index[-axes:]
    found: list[tuple[Index, Index]] = []
    for offset in np.ndindex(*k.shape[-axes:]):
        steps = [divmod(i + padding - r, stride) for i, r in zip(at, offset, strict=True)]
        if all(not rest and 0 <= p < n for (p, rest), n in zip(steps, G.shape[-axes:], strict=True)):
            found.append((tuple(p for p, _ in steps), offset))
    if not found:
        return ZERO
    place, offset = max(found)
    if not channels:
        return call("mul", element(G, (*batch, *place)), element(k, offset))
    into = index[-axes - 1]
    return total(
        [call("mul", element(G, (*batch, out, *place)), element(k, (out, into, *offset))) for out in range(k.shape[0])]
    )


def _last_place(node: Call, x: Any) -> Any:
    """All 0 but at the last place of the last `param` axes."""
    at: Any = (..., *(-1,) * node.param)
    found = np.zeros_like(x)
    found[at] = x[at]
    return found


def _last_place_element(node: Call, index: Index) -> Expr:
    x = node.args[0]
    last = all(i == n - 1 for i, n in zip(index[-node.param :], x.shape[-node.param :], strict=True))
    return element(x, index) if last else ZERO


# ---------------------------------------------------------------- every largest


def _is_extreme(extreme: Callable[..., Any]) -> Operator:
    def value(node: Call, *arrays: Any) -> Any:
        stacked = np.stack(np.broadcast_arrays(*arrays))
        return (stacked[node.param] == extreme(stacked, axis=0)) * 1.0

    return Operator(
        same_shape,
        value,
        lambda node, index: Call(node.op, tuple(element(arg, index) for arg in node.args), node.param),
        elementwise=True,
    )


def _every(extreme: Callable[..., Any], one: str) -> Operator:
    """1 at every extreme of its line, along the axis `param` or of all."""

    def value(node: Call, x: Any) -> Any:
        axis = node.param if node.param is not None else tuple(range(-len(node.shape), 0))
        return (x == extreme(x, axis=axis, keepdims=True)) * 1.0

    def at(node: Call, index: Index) -> Expr:
        (x,), axis = node.args, node.param
        of = () if axis is None else index[:axis] + index[len(index) + axis + 1 :]
        every = places(x.shape, axis, of)
        return Call(one, tuple(element(x, place) for place in every), every.index(index))

    return Operator(lambda shape: shape, value, at)


def _pool_windows(node: Call) -> Iterator[tuple[Index, tuple[slice, ...], list[Index]]]:
    """The place of each window in the pool, its slices of x, and where its elements lie."""
    G, x = node.args
    (size, stride), axes = node.param, min(len(x.shape), 2)
    for place in np.ndindex(*G.shape[-axes:]):
        starts = [p * stride for p in place]
        inside = [tuple(s + r for s, r in zip(starts, offset, strict=True)) for offset in np.ndindex(*(size,) * axes)]
        yield place, tuple(slice(s, s + size) for s in starts), inside


@by_example
def _unpool_every(node: Call, G: Any, x: Any) -> Any:
    axes = min(len(node.args[1].shape), 2)
    found = np.zeros((max(len(G), len(x)), *node.shape))
    for place, slices, _ in _pool_windows(node):
        at: Any = (..., *slices)
        window = x[at]
        top = np.max(window, axis=tuple(range(-axes, 0)), keepdims=True)
        found[at] += G[(..., *place)].reshape(*G.shape[:-axes], *(1,) * axes) * (window == top)
    return found


def _unpool_every_element(node: Call, index: Index) -> Expr:
    G, x = node.args
    axes = min(len(x.shape), 2)
    front, at = index[:-axes], index[-axes:]
    terms = [
        product(
            element(G, (*front, *place)),
            Call("is_max", tuple(element(x, (*front, *i)) for i in inside), inside.index(at)),
        )
        for place, _, inside in _pool_windows(node)
        if at in inside
    ]
    return total(terms) if terms else ZERO


# ---------------------------------------------------------------- windows that overwrite one another


def _takes(op: str, window: Any, axes: int, number: int) -> Any:
    """The share of a pool's output that goes to an element of its window: all to the first of the largest, or an even
    one to each."""
    flat = window.reshape(*window.shape[:-axes], -1)
    return 1 / flat.shape[-1] if op == "avg" else (np.argmax(flat, axis=-1) == number) * 1.0


def _over(op: str, every: bool) -> Operator:
    """What comes back from a pool where a later window overwrites an earlier one: `every` number of it, or one."""

    @by_example
    def value(node: Call, G: Any, x: Any) -> Any:
        axes = min(len(node.args[1].shape), 2)
        found = np.zeros((max(len(G), len(x)), *node.shape))
        for place, slices, inside in _pool_windows(node):
            window, back = x[(..., *slices)], G[(..., *place)]
            for number, at in enumerate(inside):
                share = _takes(op, window, axes, number)
                here: Any = (..., *at)
                found[here] = back * share if every else np.where(share > 0, back, found[here])
        return found

    def at(node: Call, index: Index) -> Expr:
        G, x = node.args
        axes = min(len(x.shape), 2)
        front = index[:-axes]
        found: Expr = ZERO
        for place, _, inside in _pool_windows(node):
            if index[-axes:] in inside:
                back = element(G, (*front, *place))
                elements = tuple(element(x, (*front, *i)) for i in inside)
                wins = Call("wins_max", elements, inside.index(index[-axes:]))
                whole = back / len(inside) if op == "avg" else product(back, wins)
                found = whole if every else call("choose", wins, back, found)
        return found

    return Operator(lambda G, x, param: x, value, at, shaped=True)


# ---------------------------------------------------------------- rows by number


@by_example
def _last_row(node: Call, G: Any, ids: Any, like: Any) -> Any:
    """Each of G's rows written where ids say: of those with one id the last stays."""
    examples = max(len(G), len(ids), len(like))
    found = np.zeros((examples, *node.shape))
    for example in range(examples):
        of, which = G[min(example, len(G) - 1)], ids[min(example, len(ids) - 1)]
        for at in np.ndindex(*which.shape):
            row = int(which[at]) - 1
            if 0 <= row < node.shape[0]:
                found[example, row] = of[at]
    return found


def _last_row_element(node: Call, index: Index) -> Expr:
    G, ids, _ = node.args
    found: Expr = ZERO
    for which in np.ndindex(*ids.shape):
        here = call("hit", element(ids, which), param=index[0] + 1)
        found = call("choose", here, element(G, (*which, *index[1:])), found)
    return found


OPERATORS |= {
    # term(x, like): of what sum_to(x, like) adds up the term `param` alone
    "term": Operator(_term_shape, _term, _term_element, shaped=True),
    # flip(k): turned round along its last `param` axes
    "flip": Operator(
        lambda shape: shape,
        lambda node, k: np.flip(k, axis=tuple(range(-node.param, 0))),
        _flip_element,
    ),
    # last_copy(G, k, like): as conv_input, but a later place overwrites what an earlier one left
    "last_copy": Operator(_last_copy_shape, _last_copy, _last_copy_element, shaped=True),
    # last_place(x): 0 but at the last place of its last `param` axes
    "last_place": Operator(lambda shape: shape, _last_place, _last_place_element),
    "is_max": _is_extreme(np.max),
    "is_min": _is_extreme(np.min),
    "every_max": _every(np.max, "is_max"),
    "every_min": _every(np.min, "is_min"),
    # unpool_every(G, x): as unpool_max, to every largest of a window
    "unpool_every": Operator(lambda G, x: x, _unpool_every, _unpool_every_element),
    # last_winner, last_max, last_avg(G, x): as unpool_max and unpool_avg, but a later window overwrites an earlier one:
    # where its winner is, or all that it covers
    "last_winner": _over("max", every=False),
    "last_max": _over("max", every=True),
    "last_avg": _over("avg", every=True),
    # last_row(G, ids, like): as scatter_rows, but a later row overwrites an earlier one of the same number
    "last_row": Operator(lambda G, ids, like: like, _last_row, _last_row_element),
}
