"""Operators that are one gate and many: how their value, and the gradient that they send back, come about line by line.

A norm is a long graph (mean, distance, variance, root, quotient) whose gradient collapses to one formula; softmax has a
Jacobian; a convolution sends back overlapping copies of its kernel. Each entry of `OPENINGS` writes the lines of one
operator as `DerivationLine`s: a name, its formula over what came before, and the reason. Every line is true of the
lesson's numbers. Sources: Ioffe and Szegedy, "Batch Normalization", 2015, for the long way through a norm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
    call,
    element,
    evaluate,
    negative,
    total,
)
from tutor.engine.losses import DerivationLine
from tutor.engine.opening import Derivation, Opening
from tutor.engine.reductions import along
from tutor.engine.trace import Step
from tutor.engine.windows_opened import convolution
from tutor.messages import Message

FEW = 6  # shares, looked-up rows: of more of them the first are written


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
    "conv": convolution,
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
