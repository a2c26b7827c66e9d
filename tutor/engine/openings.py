"""Operators that are one gate and many: how their value, and the gradient that they send back, come about line by line.

A norm is a long graph (mean, distance, variance, root, quotient) whose gradient collapses to one formula; softmax has a
Jacobian; a convolution sends back overlapping copies of its kernel. Each entry of `OPENINGS` writes the lines of one
operator as `DerivationLine`s: a name, its formula over what came before, and the reason. Every line is true of the
lesson's numbers. Sources: Ioffe and Szegedy, "Batch Normalization", 2015, for the long way through a norm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from tutor.engine.backprop import gradient_of
from tutor.engine.combined_error import Stage
from tutor.engine.combined_error import derivation as of_combined_error
from tutor.engine.expressions import (
    ONE,
    Call,
    Expr,
    Ref,
    Shape,
    Symbol,
    at_example,
    call,
    element,
    evaluate,
    negative,
    total,
)
from tutor.engine.losses import DerivationLine
from tutor.engine.reductions import along
from tutor.engine.trace import Step
from tutor.engine.windows import spatial
from tutor.messages import Message

FEW = 6  # shares, looked-up rows: of more of them the first are written
PLACES = 9  # and so many of the places of a convolution


@dataclass(frozen=True)
class Derivation:
    """The stages of a derivation, in order, and the values of what they mention, of their own names as well."""

    stages: tuple[Stage, ...] = ()
    value: Callable[[Ref], np.ndarray | float] = lambda ref: np.nan

    def __bool__(self) -> bool:
        return bool(self.stages)


@dataclass
class Opening:
    """One gate of one step, being opened: its call, the symbol of its value, and G, what comes back to it.

    `say` adds a line, name = formula; the last line of a gradient is the step's own. `index` is the element asked
    about, None for the whole.
    """

    step: Step
    node: Call
    own: Ref
    G: Expr
    lines: list[DerivationLine] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    blanks: set[Symbol] = field(default_factory=set)

    @property
    def backward(self) -> bool:
        """Whether it is the gradient that is opened, not the value."""
        return self.step.phase == "backward"

    @property
    def index(self) -> tuple[int, ...] | None:
        """The element asked about; None for the whole, and for a single number."""
        return self.step.index or None

    def say(self, name: Symbol | None, formula: Expr, reason: str) -> Ref:
        """A further line; the value that it names, for those after it."""
        ref = Ref(name or self.step.equation.symbol)
        self.lines.append(DerivationLine(reason, formula, ref if name else None))
        return ref

    def named(self, id: str, shape: Shape) -> Symbol:
        """A name that the lesson has not given to anything."""
        taken = {symbol.id for symbol in self.step.trace.program.symbols.values()} | self.names
        while id in taken:
            id += "′"
        self.names.add(id)
        return Symbol(id, shape)

    def blank(self, shape: Shape) -> Ref:
        """What stands for its shape alone, as an operator wants it that puts something in its place among zeros."""
        blank = Symbol(f"zeros({_sizes(shape)})", shape)
        self.blanks.add(blank)
        return Ref(blank)

    def gradient(self, wrt: Symbol) -> Symbol:
        """The name of the output's gradient with respect to a line of the derivation."""
        return replace(gradient_of(self.step.trace.program.model.output, wrt), per_example=False)

    def number(self, expr: Expr) -> Any:
        """The value of a formula over the lesson's own values."""
        return evaluate(self.at(expr), self.step.trace.value)

    def at(self, expr: Expr) -> Expr:
        """For the example that the step is of."""
        return expr if self.step.example is None else at_example(expr, self.step.example)


def _id(expr: Expr) -> str:
    """What a line is called in the reason of another."""
    return expr.symbol.id if isinstance(expr, Ref) else "the input"


def _word(shape: Shape, axis: int) -> str:
    """What lies along an axis: a row, a column."""
    if len(shape) != 2:
        return "vector" if len(shape) == 1 else "line"
    return "column" if axis == -2 else "row"


# ---------------------------------------------------------------- the operators


def _kept(o: Opening, x: Expr, axis: int) -> Callable[[Expr], Expr]:
    """How a reduction goes with x again, number by number: as it is, or with an axis of length 1 in place of its own.

    An element is spoken of by its own indices alone, so there nothing is kept.
    """
    shape = tuple(1 if at == len(x.shape) + axis else n for at, n in enumerate(x.shape))
    if o.index is not None or -axis == len(x.shape):
        return lambda part: part
    return lambda part: call("reshape", part, param=shape)


def _norm(o: Opening) -> None:
    (x,), (axis, eps), G = o.node.args, o.node.param, o.G
    shape, n, word = x.shape, x.shape[axis], _word(x.shape, axis)
    kept = _kept(o, x, axis)
    small = kept(call("average", x, param=axis)).shape

    def wide(part: Expr) -> Expr:
        return along(part, x, axis) if len(part.shape) < len(x.shape) else part

    def mean(part: Expr) -> Expr:
        return along(call("average", part, param=axis), x, axis)

    names = [o.named(id, at) for id, at in (("μ", small), ("c", shape), ("v", small), ("σ", small))]
    many = len(shape) > 1
    told = Message("the mean of each {word}" if many else "the mean of them all", word=word)
    mu = o.say(names[0], kept(call("average", x, param=axis)), told)
    c = o.say(names[1], x - wide(mu), Message("how far every number lies from its mean"))
    told = Message(
        "the variance: the mean squared distance of each {word}"
        if many
        else "the variance: the mean squared distance of them all",
        word=word,
    )
    v = o.say(names[2], kept(call("average", c**2, param=axis)), told)
    told = Message("the standard deviation; ε keeps it from being 0" if eps else "the standard deviation")
    sigma = o.say(names[3], call("sqrt", v + eps if eps else v), told)
    o.say(o.own.symbol, c / wide(sigma), Message("the gate's value: every distance over the standard deviation"))
    if not o.backward:
        return
    d_sigma = o.say(
        o.gradient(sigma.symbol), negative(kept(call("sum", G * c / wide(sigma) ** 2, param=axis))),
        Message("backward: {sigma} divided every number of its {word}, so all of them answer; the slope of a quotient "
               "in what is below is −top/bottom²", sigma=_id(sigma), word=word),
    )  # fmt: skip
    d_v = o.say(o.gradient(v.symbol), d_sigma / (2 * sigma), Message("through the root: over twice the root"))
    d_c = o.say(
        o.gradient(c.symbol), G / wide(sigma) + wide(d_v) * (2 * c / n),
        Message("{c} was used twice: above the stroke, and in the variance, where its square's slope is 2{c}/{n}",
               c=_id(c), n=n),
    )  # fmt: skip
    d_mu = o.say(
        o.gradient(mu.symbol), negative(kept(call("sum", d_c, param=axis))),
        Message("{mu} was taken off every number of its {word}: minus the sum", mu=_id(mu), word=word),
    )  # fmt: skip
    told = Message("{x} was used twice: in {c}, and in the mean with 1/{n}", x=_id(x), c=_id(c), n=n)
    o.say(None, d_c + wide(d_mu) / n, told)
    o.say(None, d_c - mean(d_c), Message("now collapse it: what comes through the mean takes the mean off"))
    o.say(
        None, (G - mean(G)) / wide(sigma) + wide(d_v) * (2 * c / n),
        Message("the gradient at {c} put in: the distances have the mean 0, so only what comes back has one", c=_id(c)),
    )  # fmt: skip
    o.say(
        None, (G - mean(G)) / wide(sigma) - c * mean(G * c) / wide(sigma) ** 3,
        Message("the gradient at {v} put in: a sum over {n} numbers with 1/{n} is a mean", v=_id(v), n=n),
    )  # fmt: skip
    o.say(
        None, (G - mean(G) - o.own * mean(G * o.own)) / wide(sigma),
        Message("{c}/{sigma} is the gate's own value: one line in place of all those", c=_id(c), sigma=_id(sigma)),
    )  # fmt: skip


def _line_of(x: Expr, axis: int) -> Expr:
    """The vector that lies along an axis, the first one."""
    for _ in x.shape[:axis]:
        x = call("row", x, param=0)
    if axis == -1:
        return x
    if axis == -2:
        return call("row", call("transpose", x), param=0)
    for other in range(axis + 1, 0):
        x = call("part", x, param=(other, 0, 1))
    return call("reshape", x, param=(x.shape[0],))


def _softmax(o: Opening) -> None:
    (z,), axis = o.node.args, int(o.node.param or -1)
    if not o.backward:
        kept = _kept(o, z, axis)
        told = Message("e to the power of every number: positive, whatever its sign")
        e = o.say(o.named("e", z.shape), call("exp", z), told)
        sums = kept(call("sum", e, param=axis))
        s = o.say(o.named("s", sums.shape), sums, Message("their sum in each {word}", word=_word(z.shape, axis)))
        below = along(s, z, axis) if len(s.shape) < len(z.shape) else s
        o.say(o.own.symbol, e / below, Message("each over the sum: shares that make 1"))
    elif o.index is None:
        _softmax_whole(o, axis)
    else:
        _softmax_element(o, axis, o.index)


def _softmax_whole(o: Opening, axis: int) -> None:
    """One line's Jacobian times what comes back to it; then all lines at once."""
    (z,), G = o.node.args, o.G
    n, word, one = (z.shape[axis],), _word(z.shape, axis), len(z.shape) == 1
    p: Expr = o.own
    g = G
    if not one:
        told = Message("every {word} is by itself; the first one's shares", word=word)
        p = o.say(o.named("p", n), _line_of(o.own, axis), told)
        g = o.say(o.named("g", n), _line_of(G, axis), Message("and what comes back to them"))
    J = o.say(
        o.named("J", n * 2), call("jacobian", p),
        Message("the Jacobian, by the quotient rule: share k moves with number i by pₖ(1(k = i) − pᵢ)"),
    )  # fmt: skip
    dz = None if one else o.gradient(o.named("z", n))
    product = call("matmul", call("transpose", J), g)
    o.say(dz, product, Message("each number moves every share: the chain rule adds over all of them"))
    told = Message("multiplied out: the diagonal gives p ⊙ g; one sum times p is taken off")
    o.say(dz, p * g - p * call("sum", g * p), told)
    o.say(dz, p * (g - call("sum", g * p)), Message("p taken out: no Jacobian is needed"))
    if not one:
        inner = along(call("sum", G * o.own, param=axis), z, axis)
        o.say(None, o.own * (G - inner), Message("the same for every {word} at once", word=word))


def _softmax_element(o: Opening, axis: int, index: tuple[int, ...]) -> None:
    """One number moves every share of its line: the quotient rule for each, the chain rule over all."""
    (z,), at = o.node.args, len(index) + axis
    line = [(*index[:at], k, *index[at + 1 :]) for k in range(z.shape[axis])]
    own = element(o.own, index)
    terms: list[Expr] = []
    for k, place in enumerate(line):
        share, same = element(o.own, place), k == index[at]
        slope = share * (1 - own) if same else negative(share * own)
        if k < FEW:
            rule = Message(
                "the slope of its own share, by the quotient rule: it stands above the stroke and below"
                if same
                else "the slope of another share: only the sum below the stroke has this number"
            )
            name = Ref(o.named(f"s{k + 1}", ()))
            o.lines.append(DerivationLine(rule, slope, name))
            slope = name
        terms.append(element(o.G, place) * slope)
    told = Message("the chain rule: this number moved all the shares; what comes back through each adds up")
    o.say(None, total(terms), told)
    every = total([element(o.G, place) * element(o.own, place) for place in line])
    o.say(None, own * (element(o.G, index) - every), Message("its own share taken out of every term"))


def _log_softmax(o: Opening) -> None:
    (z,), axis, G = o.node.args, int(o.node.param or -1), o.G
    word, kept = _word(z.shape, axis), _kept(o, z, axis)

    def wide(part: Expr) -> Expr:
        return along(part, z, axis) if len(part.shape) < len(z.shape) else part

    off = call("log", kept(call("sum", call("exp", z), param=axis)))
    s = o.say(
        o.named("s", off.shape), off,
        Message("ln of a quotient is a difference: what is taken off is ln Σ exp, one number a {word}", word=word),
    )  # fmt: skip
    o.say(o.own.symbol, z - wide(s), Message("the gate's value"))
    if not o.backward:
        return
    ds = o.say(
        o.gradient(s.symbol), negative(kept(call("sum", G, param=axis))),
        Message("backward: {s} was taken off every number of its {word}: minus the sum of what comes back",
               s=_id(s), word=word),
    )  # fmt: skip
    p = o.say(
        o.named("p", z.shape), call("softmax", z, param=o.node.param),
        Message("the slope of ln Σ exp in one number: its own exp over the sum, which is its share"),
    )  # fmt: skip
    o.say(None, G + wide(ds) * p, Message("each number was used twice: by itself, and in {s}", s=_id(s)))
    o.say(None, G - p * along(call("sum", G, param=axis), z, axis), Message("put together"))


def _cross_entropy(o: Opening) -> None:
    (z, y), G = o.node.args, o.G
    rows = prod(z.shape[:-1])
    Y: Expr = y
    told = Message("the probabilities of each row" if rows > 1 else "the probabilities")
    p = o.say(o.named("p", z.shape), call("softmax", z), told)
    if y.shape != z.shape:
        told = Message("the targets as rows: 1 at the true class, else 0")
        Y = o.say(o.named("t", z.shape), call("one_hot", y, z), told)
    loss = o.say(
        o.named("ℓ", z.shape[:-1]), negative(call("sum", Y * call("log_softmax", z), param=-1)),
        Message("the loss of each row: −ln of the true class's probability" if y.shape != z.shape
               else "the loss of each row: −ln p of every class, weighted by its target"),
    )  # fmt: skip
    mean = call("average", loss) if rows > 1 else call("sum", loss)
    o.say(o.own.symbol, mean, Message("the gate's value: their mean"))
    if not o.backward:
        return
    number = y.shape != z.shape
    whole = p if number else p * along(call("sum", Y, param=-1), z, -1)
    first = o.say(
        o.named("d", z.shape), whole - Y,
        Message("backward, row by row: ln p is z − ln Σ exp, of slope 1(k = i) − pᵢ; times −target, "
               "added up over the classes"),
    )  # fmt: skip
    part = first / rows if rows > 1 else first
    o.say(
        None, part if G == ONE else call("mul", G, part),
        Message("each row is 1/{n} of the mean" if rows > 1 else "times what comes back to the gate", n=rows),
    )  # fmt: skip


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


def _conv(o: Opening) -> None:
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
            name=_place_name(o, window), where=where, sizes=_sizes(shape),
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
        told = Message("the input in its border of zeros: {sizes}", sizes=_sizes(x.shape))
        x = o.say(o.named("padded", x.shape), x, told)
    parts: list[Expr] = []
    for at, window in enumerate(windows[:PLACES], start=1):
        patch = x if window.example is None else call("row", x, param=window.example)
        for axis, (a, n) in enumerate(zip(window.start, size, strict=True)):
            if n < patch.shape[axis - axes]:
                patch = call("part", patch, param=(axis - axes, a, a + n))
        name, seen, sizes = _place_name(o, window), _seen(window, size, 0, channels), _sizes(patch.shape)
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
                n=at, sizes=_sizes(k.shape),
            )  # fmt: skip
        else:
            part = call("mul", back[0], patch)
            text = Message(
                "each number of the kernel met the one of the patch at its place ({sizes})", sizes=_sizes(k.shape)
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


def _sizes(shape: Shape) -> str:
    return "×".join(map(str, shape))


def _embedding(o: Opening) -> None:
    E, ids = o.node.args
    if not o.backward or len(ids.shape) != 1 or o.index is not None:
        return
    numbers = np.asarray(o.number(ids)).astype(int)
    parts = []
    for at, number in enumerate(numbers[:FEW]):
        part = call("place_row", call("row", o.G, param=at), E, param=int(number) - 1)
        text = Message("place {n} looked up row {row}: what comes back goes to row {row}", n=at + 1, row=int(number))
        parts.append(o.say(o.named(f"part {at + 1}", E.shape), part, text))
    twice = len(set(numbers.tolist())) < len(numbers)
    if len(numbers) <= FEW and len(parts) > 1:
        told = Message(
            "they add up; a row that was looked up more than once gets all of them" if twice else "they add up"
        )
        o.say(None, total(parts), told)
    o.say(None, o.step.equation.formula, Message("the same at once"))


OPENINGS: dict[str, Callable[[Opening], None]] = {
    "norm": _norm,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "cross_entropy": _cross_entropy,
    "conv": _conv,
    "embedding": _embedding,
}


# ---------------------------------------------------------------- a step, opened


def derivation(step: Step) -> Derivation:
    """How a step comes about, line by line: an error where loss and activation cancel, a gate that is many.

    Empty for any other step. Of an element every line is of the elements that it needs.
    """
    if step.equation.rule == "combined_error":
        stages = of_combined_error(step)
        known = {stage.line.name: stage.value for stage in stages if stage.line.name}
        return Derivation(stages, lambda ref: known[ref] if ref in known else step.trace.value(ref))
    opening = _opening(step)
    if opening is None:
        return Derivation()
    OPENINGS[opening.node.op](opening)
    return _worked_out(opening)


def opens(step: Step) -> bool:
    """Whether a step has a derivation."""
    return bool(derivation(step))


def _opening(step: Step) -> Opening | None:
    """The gate that a step is the value of, or the gradient through, if it opens."""
    model, symbol = step.trace.program.model, step.equation.symbol
    if not model.arrays:
        return None
    if step.equation.rule == "gate":
        gate = step.equation
    elif step.equation.rule == "gate_gradient" and symbol.wrt:
        gates = step.trace.program.came_back_from(symbol)
        if not gates:
            return None
        gate = gates[-1]
    else:
        return None
    node = gate.formula
    if not isinstance(node, Call) or node.op not in OPENINGS:
        return None
    if step.phase == "backward" and node.args[0] != Ref(symbol.wrt or symbol) and node.op != "conv":
        return None
    G: Expr = ONE if gate.symbol == model.output else Ref(gradient_of(model.output, gate.symbol))
    return Opening(step, node, Ref(gate.symbol), G)


def _worked_out(o: Opening) -> Derivation:
    """The lines with their values, for the example and the element of the step; those that float64 cannot hold left
    out."""
    # of the names that the derivation itself gives
    values: dict[Symbol, Any] = {blank: np.zeros(blank.shape) for blank in o.blanks}

    def value(ref: Ref) -> Any:
        if ref.symbol not in values:
            return o.step.trace.value(ref)
        whole = values[ref.symbol]
        return whole[ref.index] if ref.index else whole

    known = {symbol.id for symbol in o.step.trace.program.symbols.values()}
    stages = []
    for line in o.lines:
        formula, name = o.at(line.formula), line.name
        found = np.asarray(evaluate(formula, value), dtype=float)
        if name is not None and name.symbol.id not in known:
            values[name.symbol] = found[()]
        if o.index is not None:
            place = _place(o, formula.shape)
            formula, found = element(formula, place), found[place]
            name = Ref(name.symbol, place or None) if name else None
        if np.all(np.isfinite(found)):
            stages.append(Stage(replace(line, formula=formula, name=name), found[()]))
    return Derivation(tuple(stages), value) if len(stages) > 1 else Derivation()  # one line is the step itself


def _place(o: Opening, shape: Shape) -> tuple[int, ...]:
    """Where the element asked about stands in a value of a line: at its own place, or at that of its line."""
    index = o.index or ()
    if len(shape) == len(index) or not shape:
        return index if shape else ()
    param = o.node.param
    axis = param[0] if isinstance(param, tuple) else param or -1
    return index[: len(index) + axis] + index[len(index) + axis + 1 :]
