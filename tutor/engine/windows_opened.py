"""How a convolution comes about: the places of its window one by one, and the overlapping copies that it sends back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tutor.engine.expressions import (
    Expr,
    Ref,
    Shape,
    call,
    element,
    total,
)
from tutor.engine.opening import Opening, size_text
from tutor.engine.windows import spatial
from tutor.messages import Message

PLACES = 9  # of a convolution are written; of more the first


@dataclass(frozen=True)
class _Window:
    """One place of a convolution's output: its example in x (None without a batch axis), the index of its output (of
    the first kernel), and where its window begins in the padded input."""

    example: int | None
    output: tuple[int, ...]
    start: tuple[int, ...]


def _windows(o: Opening) -> list[_Window]:
    """The places of a convolution, row by row, of one example after the other."""
    x, k = o.node.args
    axes, channels = spatial(k.shape), len(k.shape) > 2
    stride, _ = o.node.param
    batch = range(x.shape[0]) if len(x.shape) > axes + channels else (None,)
    front = [(*(() if e is None else (e,)), *((0,) if channels else ())) for e in batch]
    return [
        _Window(e, (*before, *place), tuple(p * stride for p in place))
        for e, before in zip(batch, front, strict=True)
        for place in np.ndindex(*o.own.shape[-axes:])
    ]


def _seen(window: _Window, size: Shape, padding: int, channels: bool) -> Message:
    """What a window saw: 'rows 1 to 2, columns 2 to 3', counted in the input inside its border (so from row 0 or less)
    or, with a `padding` of 0, in the padded one."""
    sides = [{"first": a + 1 - padding, "last": a + n - padding} for a, n in zip(window.start, size, strict=True)]
    if len(size) == 2:
        rows = Message("row {first}" if size[0] == 1 else "rows {first} to {last}", **sides[0])
        columns = Message("column {first}" if size[1] == 1 else "columns {first} to {last}", **sides[1])
        where = Message("{rows}, {columns}", rows=rows, columns=columns)
    else:
        where = Message("place {first}" if size[0] == 1 else "places {first} to {last}", **sides[0])
    if channels:
        where = Message("{where} of every channel", where=where)
    if window.example is not None:
        where = Message("{where} of example {n}", where=where, n=window.example + 1)
    return where


def convolution(o: Opening) -> None:
    """The way back through a convolution, window by window: what comes back to a place times the patch that it saw
    (for the kernel), or times the kernel, laid where the patch was (for the input)."""
    x, k = o.node.args
    wrt = o.step.equation.symbol.wrt
    if not o.backward or o.index is not None or [x, k].count(Ref(wrt or o.own.symbol)) != 1:
        return
    windows = _windows(o)
    if x == Ref(wrt or o.own.symbol):
        _conv_to_input(o, windows)
    else:
        _conv_to_kernel(o, windows)


def _outputs(o: Opening, window: _Window) -> list[Expr]:
    """What comes back to a place, of each kernel."""
    k = o.node.args[1].shape
    at = window.output
    if len(k) < 3:
        return [element(o.G, at)]
    channel = len(at) - spatial(k) - 1
    return [element(o.G, (*at[:channel], out, *at[channel + 1 :])) for out in range(k[0])]


def _place_name(o: Opening, window: _Window) -> str:
    """y[1,2]; of many kernels y[:,1,2], all of them at one place."""
    k = o.node.args[1].shape
    at = [str(i + 1) for i in window.output]
    if len(k) > 2:
        at[len(at) - spatial(k) - 1] = ":"
    return f"{o.own.symbol.id}[{','.join(at)}]"


def _conv_to_input(o: Opening, windows: list[_Window]) -> None:
    _, k = o.node.args
    _, padding = o.node.param
    channels = len(k.shape) > 2
    shape = k.shape[1:] if channels else k.shape
    kernels = [call("row", k, param=out) for out in range(k.shape[0])] if channels else [k]
    for at, window in enumerate(windows[:PLACES], start=1):
        copies = [call("mul", G, kernel) for G, kernel in zip(_outputs(o, window), kernels, strict=True)]
        where = _seen(window, k.shape[-spatial(k.shape) :], padding, channels)
        told = Message(
            "output {name} saw {where}: a copy of the kernel goes back there ({sizes})" if len(kernels) == 1
            else "output {name} saw {where}: a copy of each kernel times what came back to its output goes back there "
                 "({sizes})",
            name=_place_name(o, window), where=where, sizes=size_text(shape),
        )  # fmt: skip
        o.say(o.named(f"copy {at}", shape), total(copies), told)
    told = Message(
        "every copy laid where it came from; where they overlap they add up; what falls on the border of zeros is "
        "nobody's" if padding
        else "every copy laid where it came from; where they overlap they add up"
    )  # fmt: skip
    o.say(None, o.step.equation.formula, _and_more(told, windows))


def _conv_to_kernel(o: Opening, windows: list[_Window]) -> None:
    x, k = o.node.args
    _, padding = o.node.param
    axes, channels = spatial(k.shape), len(k.shape) > 2
    size = k.shape[-axes:]
    if padding:
        for axis in range(-axes, 0):
            n = x.shape[axis]
            shape = tuple(m + 2 * padding * (at - len(x.shape) == axis) for at, m in enumerate(x.shape))
            x = call("place_part", x, o.blank(shape), param=(axis, padding, padding + n))
        told = Message("the input in its border of zeros: {sizes}", sizes=size_text(x.shape))
        x = o.say(o.named("padded", x.shape), x, told)
    parts: list[Expr] = []
    for at, window in enumerate(windows[:PLACES], start=1):
        patch = x if window.example is None else call("row", x, param=window.example)
        for axis, (a, n) in enumerate(zip(window.start, size, strict=True)):
            if n < patch.shape[axis - axes]:
                patch = call("part", patch, param=(axis - axes, a, a + n))
        name, seen, sizes = _place_name(o, window), _seen(window, size, 0, channels), size_text(patch.shape)
        if padding:
            seen = Message("{where} of the padded input", where=seen)
        told = Message("output {name} saw {where}: a patch of {sizes}", name=name, where=seen, sizes=sizes)
        patch = o.say(o.named(f"patch {at}", patch.shape), patch, told)
        back = _outputs(o, window)
        if channels:  # each kernel has its own output there, so each gets the patch times its own number
            told = Message("what comes back to {name}", name=name)
            g = o.say(o.named(f"g {at}", (len(back),)), call("stack", *back), told)
            part = call("mul", call("reshape", g, param=(len(back),) + (1,) * len(patch.shape)), patch)
            text = Message(
                "each kernel met the whole patch: its own number of g {n} times the patch ({sizes})",
                n=at, sizes=size_text(k.shape),
            )  # fmt: skip
        else:
            part = call("mul", back[0], patch)
            text = Message(
                "each number of the kernel met the one of the patch at its place ({sizes})", sizes=size_text(k.shape)
            )
        parts.append(o.say(o.named(f"part {at}", k.shape), part, text))
    if len(windows) <= PLACES:
        o.say(None, total(parts), Message("one kernel for all the places: the sum over them"))
    o.say(None, o.step.equation.formula, _and_more(Message("the same at once"), windows))


def _and_more(told: Message, windows: list[_Window]) -> Message:
    """With how many places there are, where not all are said."""
    if len(windows) <= PLACES:
        return told
    n = f"{len(windows):,}"
    return Message("{told} ({n} places in all, the first {first} are above)", told=told, n=n, first=PLACES)
