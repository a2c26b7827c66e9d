"""Operators that slide a window: convolution and pooling, and the way back through them.

`conv` is what deep-learning libraries call convolution: the kernel is not turned round (cross-correlation, as in
Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 9.1). What its input is follows from the kernel's rank:

    k (length)                    x (length)                  a value for each place
    k (h, w)                      x (h, w)
    k (out, in, length)           x (in, length)              a row of places for each output channel
    k (out, in, h, w)             x (in, h, w)

x may have a batch axis in front. `param` is (stride, padding), of a pool (size, stride). A pool's windows lie on the
only axis of rank 1, else on the last two. Letters as in `expressions.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tutor.engine.examples_axis import by_example
from tutor.engine.expressions import (
    OPERATORS,
    ZERO,
    Call,
    Expr,
    Operator,
    Settling,
    Shape,
    call,
    element,
    product,
    total,
)
from tutor.engine.noise import LONG_FIRST, LONG_PRODUCT, LONG_SUM, bilinear_noise, first_noise, linear_noise
from tutor.engine.reductions import mean_of, near_tie, tie_noise, winner
from tutor.messages import Message

Index = tuple[int, ...]

# ---------------------------------------------------------------- where a window lies


def spatial(k: Shape) -> int:
    """Along how many axes a kernel slides."""
    return {1: 1, 2: 2, 3: 1, 4: 2}[len(k)]


def _places(lengths: Shape, window: Shape, stride: int, padding: int) -> Shape:
    return tuple((n + 2 * padding - m) // stride + 1 for n, m in zip(lengths, window, strict=True))


_SLIDES_OVER = {  # by the axes of a kernel
    1: Message("length"),
    2: Message("height × width"),
    3: Message("channels × length"),
    4: Message("channels × height × width"),
}


def _conv_shape(x: Shape, k: Shape, param: tuple[int, int]) -> Shape:
    stride, padding = param
    if not 1 <= len(k) <= 4:
        raise ValueError(Message("a kernel has 1 to 4 axes: the shape is {shape}", shape=k))
    if stride < 1 or padding < 0:
        raise ValueError(
            Message(
                "a stride is 1 or more, a padding 0 or more: they are {stride} and {padding}",
                stride=stride, padding=padding,
            )
        )
    axes = spatial(k)
    channels = len(k) > 2
    if len(x) not in (axes + channels, axes + channels + 1):
        raise ValueError(
            Message(
                "a kernel {kernel} slides over {axes}, with or without a batch in front: the input is {shape}",
                kernel=k, axes=_SLIDES_OVER[len(k)], shape=x,
            )
        )
    if channels and x[-axes - 1] != k[1]:
        raise ValueError(
            Message(
                "the kernel {kernel} takes {n} channels, the input {shape} has {given}",
                kernel=k, n=k[1], shape=x, given=x[-axes - 1],
            )
        )
    if any(n + 2 * padding < m for n, m in zip(x[-axes:], k[-axes:], strict=True)):
        raise ValueError(
            Message(
                "the kernel {kernel} is larger than its input {shape} with a padding of {padding}",
                kernel=k, shape=x, padding=padding,
            )
        )
    batch = x[: len(x) - axes - channels]
    return (*batch, *((k[0],) if channels else ()), *_places(x[-axes:], k[-axes:], stride, padding))


def _windows(x: Any, window: Shape, stride: int) -> Any:
    """x (…, *lengths) -> (…, *places, *window)."""
    axes = len(window)
    found: Any = sliding_window_view(x, window, axis=tuple(range(-axes, 0)))
    return found[(..., *[slice(None, None, stride)] * axes, *[slice(None)] * axes)]


def _at_offset(offset: Index, places: Shape, stride: int) -> tuple[Any, ...]:
    """Where the element `offset` of every window lies."""
    return (..., *(slice(r, r + stride * (n - 1) + 1, stride) for r, n in zip(offset, places, strict=True)))


# ---------------------------------------------------------------- convolution


def _plain(shape: Shape, axes: int, channels: bool) -> Shape:
    """A shape as (batch, channels, *lengths)."""
    inner = axes + channels
    batch = shape[: len(shape) - inner] or (1,)
    return (*batch, *(shape[-inner:-axes] if channels else (1,)), *shape[-axes:])


def _split(k: Shape) -> tuple[int, bool, Shape]:
    """(axes, whether it has channels, the kernel as (out, in, *lengths))."""
    axes, channels = spatial(k), len(k) > 2
    return axes, channels, k if channels else (1, 1, *k)


def _rows_of_windows(node: Call, x: Any, x_shape: Shape, k_shape: Shape) -> Any:
    """Every window of x (examples, *x_shape) as a row: (examples, batch · places, in · window)."""
    (stride, padding), (axes, channels, kernel) = node.param, _split(k_shape)
    x = x.reshape(len(x), *_plain(x_shape, axes, channels))
    if padding:
        x = np.pad(x, [(0, 0)] * 3 + [(padding, padding)] * axes)
    found = np.moveaxis(_windows(x, kernel[2:], stride), 2, 2 + axes)  # (examples, batch, *places, in, *window)
    return found.reshape(len(x), -1, int(np.prod(kernel[1:])))


def _rows_of_places(G: Any, G_shape: Shape, k_shape: Shape) -> Any:
    """G (examples, *G_shape) with a row for each place: (examples, batch · places, out)."""
    axes, channels, kernel = _split(k_shape)
    G = np.moveaxis(G.reshape(len(G), *_plain(G_shape, axes, channels)), 2, -1)
    return G.reshape(len(G), -1, kernel[0])


@by_example
def _conv(node: Call, x: Any, k: Any) -> Any:
    x_shape, k_shape = (arg.shape for arg in node.args)
    axes, channels, kernel = _split(k_shape)
    flat = np.swapaxes(k.reshape(len(k), kernel[0], -1), -1, -2)
    found = _rows_of_windows(node, x, x_shape, k_shape) @ flat  # (examples, batch · places, out)
    places = _plain(node.shape, axes, channels)
    found = found.reshape(len(found), places[0], *places[2:], kernel[0])
    return np.moveaxis(found, -1, 2).reshape(len(found), *node.shape)


@by_example
def _conv_input(node: Call, G: Any, k: Any, like: Any) -> Any:
    """Each element of G times the whole kernel, added where its window lay."""
    (stride, padding), (G_shape, k_shape, x_shape) = node.param, (arg.shape for arg in node.args)
    axes, channels, kernel = _split(k_shape)
    places, plain = _plain(G_shape, axes, channels), _plain(x_shape, axes, channels)
    copies = _rows_of_places(G, G_shape, k_shape) @ k.reshape(len(k), kernel[0], -1)
    copies = copies.reshape(len(copies), places[0], *places[2:], *kernel[1:])
    copies = np.moveaxis(copies, 2 + axes, 2)  # (examples, batch, in, *places, *window)
    found: Any = np.zeros((len(copies), *plain[:2], *(n + 2 * padding for n in plain[2:])))
    for offset in np.ndindex(*kernel[2:]):
        found[_at_offset(offset, places[2:], stride)] += copies[(..., *offset)]
    inner: Any = (..., *(slice(padding, padding + n) for n in plain[2:]))
    return found[inner].reshape(len(found), *x_shape)


@by_example
def _conv_kernel(node: Call, x: Any, G: Any, like: Any) -> Any:
    """Each element of G times the window that it came from, added up."""
    x_shape, G_shape, k_shape = (arg.shape for arg in node.args)
    over = np.swapaxes(_rows_of_places(G, G_shape, k_shape), -1, -2)
    found = over @ _rows_of_windows(node, x, x_shape, k_shape)
    return found.reshape(len(found), *k_shape)


class _Geometry:
    """Which elements meet in a convolution: a place of the output, an offset in the kernel, a place of the input."""

    def __init__(self, x: Shape, k: Shape, param: tuple[int, int]):
        self.stride, self.padding = param
        self.axes, self.channels, self.kernel = _split(k)
        self.lengths = x[-self.axes :]
        self.places = _places(self.lengths, self.kernel[2:], *param)
        self.batch = x[: len(x) - self.axes - self.channels]

    def parts(self, index: Index) -> tuple[Index, int, Index]:
        """An index of x or of the output as (batch, channel, place)."""
        place = index[len(index) - self.axes :]
        channel = index[-self.axes - 1] if self.channels else 0
        return index[: len(self.batch)], channel, place

    def whole(self, batch: Index, channel: int, place: Index) -> Index:
        return (*batch, *((channel,) if self.channels else ()), *place)

    def of_kernel(self, out: int, into: int, offset: Index) -> Index:
        return (out, into, *offset) if self.channels else offset

    def input(self, place: Index, offset: Index) -> Index | None:
        """The place of the input under `offset` of the window at `place`; None in the padding."""
        found = tuple(p * self.stride + r - self.padding for p, r in zip(place, offset, strict=True))
        inside = all(0 <= i < n for i, n in zip(found, self.lengths, strict=True))
        return found if inside else None

    def output(self, at: Index, offset: Index) -> Index | None:
        """The window whose `offset` lies on the input's place `at`; None if there is none."""
        found = []
        for i, r, n in zip(at, offset, self.places, strict=True):
            place, rest = divmod(i + self.padding - r, self.stride)
            if rest or not 0 <= place < n:
                return None
            found.append(place)
        return tuple(found)


def _conv_element(node: Call, index: Index) -> Expr:
    x, k = node.args
    here = _Geometry(x.shape, k.shape, node.param)
    batch, out, place = here.parts(index)
    return _added(
        call("mul", element(x, here.whole(batch, c, at)), element(k, here.of_kernel(out, c, offset)))
        for c in range(here.kernel[1])
        for offset in np.ndindex(*here.kernel[2:])
        if (at := here.input(place, offset)) is not None
    )


def _conv_input_element(node: Call, index: Index) -> Expr:
    G, k, like = node.args
    here = _Geometry(like.shape, k.shape, node.param)
    batch, c, at = here.parts(index)
    return _added(
        call("mul", element(G, here.whole(batch, out, place)), element(k, here.of_kernel(out, c, offset)))
        for out in range(here.kernel[0])
        for offset in np.ndindex(*here.kernel[2:])
        if (place := here.output(at, offset)) is not None
    )


def _conv_kernel_element(node: Call, index: Index) -> Expr:
    x, G, like = node.args
    here = _Geometry(x.shape, like.shape, node.param)
    out, c, *rest = index if here.channels else (0, 0, *index)
    return _added(
        call("mul", element(G, here.whole(batch, out, place)), element(x, here.whole(batch, c, at)))
        for batch in np.ndindex(*here.batch)
        for place in np.ndindex(*here.places)
        if (at := here.input(place, tuple(rest))) is not None
    )


def _added(terms: Iterator[Expr]) -> Expr:
    """The sum; 0 where nothing flows."""
    found = list(terms)
    return total(found) if found else ZERO


def _like(G: Shape, k: Shape, like: Shape, param: tuple[int, int]) -> Shape:
    if _conv_shape(like, k, param) != G:
        raise ValueError(f"{G} is not what a kernel {k} makes of {like}")
    return like


def _like_kernel(x: Shape, G: Shape, like: Shape, param: tuple[int, int]) -> Shape:
    if _conv_shape(x, like, param) != G:
        raise ValueError(f"{G} is not what a kernel {like} makes of {x}")
    return like


# ---------------------------------------------------------------- pooling


def _pool_shape(x: Shape, param: tuple[int, int]) -> Shape:
    size, stride = param
    if not x:
        raise ValueError(Message("a single number cannot be pooled"))
    if size < 1 or stride < 1:
        raise ValueError(
            Message(
                "a window's size and its stride are 1 or more: they are {size} and {stride}",
                size=size, stride=stride,
            )
        )
    axes = min(len(x), 2)
    if any(n < size for n in x[-axes:]):
        window = " × ".join([str(size)] * axes)
        raise ValueError(Message("a window of {window} is larger than its input {shape}", window=window, shape=x))
    return (*x[:-axes], *_places(x[-axes:], (size,) * axes, stride, 0))


def _pools(node: Call, x: Any, shape: Shape) -> Any:
    """x (…, *shape) -> (…, *places, elements of a window)."""
    size, stride = node.param
    axes = min(len(shape), 2)
    found = _windows(x, (size,) * axes, stride)
    return found.reshape(*found.shape[:-axes], -1)


def _offsets(node: Call, shape: Shape) -> list[Index]:
    return list(np.ndindex(*(node.param[0],) * min(len(shape), 2)))


def _window(node: Call, x: Expr, index: Index) -> list[Index]:
    """Where the elements of a window lie."""
    stride, axes = node.param[1], min(len(x.shape), 2)
    front, place = index[:-axes], index[-axes:]
    return [
        (*front, *(p * stride + r for p, r in zip(place, offset, strict=True))) for offset in _offsets(node, x.shape)
    ]


def _windows_over(node: Call, x: Expr, places: Shape, at: Index) -> Iterator[tuple[int, Index]]:
    """The windows that an element of x lies in, and the how-manieth of each it is."""
    stride, axes = node.param[1], min(len(x.shape), 2)
    front = at[:-axes]
    for number, offset in enumerate(_offsets(node, x.shape)):
        found = [divmod(i - r, stride) for i, r in zip(at[-axes:], offset, strict=True)]
        if all(rest == 0 and 0 <= p < n for (p, rest), n in zip(found, places[-axes:], strict=True)):
            yield number, (*front, *(p for p, _ in found))


def _max_pool_element(node: Call, index: Index) -> Expr:
    (x,) = node.args
    found = [element(x, at) for at in _window(node, x, index)]
    return call("max", *found) if len(found) > 1 else found[0]


def _unpooled(node: Call, shares: Any, like: Any) -> Any:
    """Shares (…, *places, elements of a window) added where the windows lie."""
    shape = node.shape
    axes = min(len(shape), 2)
    found = np.zeros((len(shares), *shape))
    places = shares.shape[-1 - axes : -1]
    for number, offset in enumerate(_offsets(node, shape)):
        found[_at_offset(offset, places, node.param[1])] += shares[..., number]
    return found


def _unpool_max(node: Call, G: Any, x: Any, allowed: Any = None) -> Any:
    pools = _pools(node, x, node.shape)
    takes = winner(pools, np.max, 0.0 if allowed is None else allowed)
    return _unpooled(node, np.where(takes == 0, 0.0, G[..., None] * takes), x)


def _unpool_max_settled(node: Call, value: Any, arrays: Sequence[Any], noises: Sequence[Any], own: Any) -> Any:
    @by_example
    def again(node: Call, G: Any, x: Any) -> Any:
        off = np.broadcast_to(noises[1], np.shape(arrays[1]))
        off = off if node.args[1].batched else off[None]
        pools = _pools(node, x, node.shape)
        return _unpool_max(node, G, x, tie_noise(_pools(node, off, node.shape), pools))

    return again(node, *arrays)


def _unpool_max_element(node: Call, index: Index) -> Expr:
    G, x = node.args
    parts = []
    for number, place in _windows_over(node, x, G.shape, index):
        elements = tuple(element(x, at) for at in _window(node, x, place))
        parts.append(product(element(G, place), Call("wins_max", elements, number)))
    return _added(iter(parts))


@by_example
def _unpool_avg(node: Call, G: Any, like: Any) -> Any:
    count = len(_offsets(node, node.shape))
    return _unpooled(node, np.broadcast_to((G / count)[..., None], (*G.shape, count)), like)


def _unpool_avg_element(node: Call, index: Index) -> Expr:
    G, like = node.args
    count = len(_offsets(node, node.shape))
    return _added(element(G, place) / count for _, place in _windows_over(node, like, G.shape, index))


def _unpool_shape(G: Shape, like: Shape, param: tuple[int, int]) -> Shape:
    if _pool_shape(like, param) != G:
        raise ValueError(f"{G} is not what such a pool makes of {like}")
    return like


OPERATORS |= {
    "conv": Operator(
        _conv_shape,
        _conv,
        _conv_element,
        lambda node, out, G: (
            call("conv_input", G, node.args[1], node.args[0], param=node.param),
            call("conv_kernel", node.args[0], G, node.args[1], param=node.param),
        ),
        shaped=True,
        settles=LONG_SUM,
        noise=bilinear_noise,
    ),
    # conv_input(G, k, like): what comes back to the input, overlapping copies of the kernel
    "conv_input": Operator(
        _like,
        _conv_input,
        _conv_input_element,
        lambda node, out, G: (
            call("conv", G, node.args[1], param=node.param),
            call("conv_kernel", G, node.args[0], node.args[1], param=node.param),
            None,
        ),
        shaped=True,
        settles=LONG_PRODUCT,
        noise=bilinear_noise,
    ),
    # conv_kernel(x, G, like): what comes back to the kernel, from every place where it lay
    "conv_kernel": Operator(
        _like_kernel,
        _conv_kernel,
        _conv_kernel_element,
        lambda node, out, G: (
            call("conv_input", node.args[1], G, node.args[0], param=node.param),
            call("conv", node.args[0], G, param=node.param),
            None,
        ),
        shaped=True,
        settles=LONG_PRODUCT,
        noise=bilinear_noise,
    ),
    "max_pool": Operator(
        _pool_shape,
        lambda node, x: np.max(_pools(node, x, node.args[0].shape), axis=-1),
        _max_pool_element,
        lambda node, out, G: (call("unpool_max", G, node.args[0], param=node.param),),
        shaped=True,
        noise=lambda node, value, arrays, noises: np.max(
            _pools(node, np.broadcast_to(noises[0], np.shape(arrays[0])), node.args[0].shape), axis=-1
        ),
    ),
    # unpool_max(G, x): each of G at the first of the largest in its window of x
    "unpool_max": Operator(
        _unpool_shape,
        by_example(_unpool_max),
        _unpool_max_element,
        shaped=True,
        settles=Settling(lambda node, value, G, x: near_tie(_pools(node, x, node.shape), np.max), _unpool_max_settled),
        noise=first_noise,
    ),
    "avg_pool": Operator(
        _pool_shape,
        lambda node, x: np.mean(_pools(node, x, node.args[0].shape), axis=-1),
        lambda node, index: mean_of([element(node.args[0], at) for at in _window(node, node.args[0], index)]),
        lambda node, out, G: (call("unpool_avg", G, node.args[0], param=node.param),),
        shaped=True,
        settles=LONG_SUM,
        noise=linear_noise,
    ),
    # unpool_avg(G, like): each of G in equal shares over its window
    "unpool_avg": Operator(
        _unpool_shape,
        _unpool_avg,
        _unpool_avg_element,
        lambda node, out, G: (call("avg_pool", G, param=node.param), None),
        shaped=True,
        settles=LONG_FIRST,
        noise=first_noise,
    ),
}
