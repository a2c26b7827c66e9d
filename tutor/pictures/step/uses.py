"""What each use of a shared value sends back: the parts of its gradient side by side, and their sum."""

from __future__ import annotations

import numpy as np

from tutor.engine.expressions import Ref, Symbol
from tutor.engine.loss_slope import steepest
from tutor.engine.trace import Step, Trace
from tutor.pictures.canvas import Picture
from tutor.pictures.plot import bars
from tutor.pictures.step.shown import DIVERGED, PictureKind, Shown, has_examples, index_in, nothing
from tutor.text.card import Scribe
from tutor.text.language import N_, say
from tutor.text.layout import number

_SMALL = 0.01  # a part below this share of the largest hardly counts


def _sums(trace: Trace) -> dict[str, list[Symbol]]:
    """The parts of each gradient that is a sum over uses, in the order of the forward pass; by its symbol's key."""
    order = {eq.symbol.id: at for at, eq in enumerate(trace.equations)}
    found = {}
    for eq in trace.equations:
        if eq.rule == "uses":
            parts = {ref.symbol.key: ref.symbol for ref in Step(trace, eq).operands if ref.symbol.use}
            found[eq.symbol.key] = sorted(parts.values(), key=lambda part: order.get(part.use, 0))
    return found


def _symbols(trace: Trace) -> list[Symbol]:
    return [trace.program.by_key[key].symbol for key in _sums(trace)]


def _uses_of(step: Step, example: int) -> Ref | None:
    symbol = step.equation.symbol
    for key, parts in _sums(step.trace).items():
        if symbol.key == key or symbol.key in {part.key for part in parts}:
            whole = step.trace.program.by_key[key].symbol
            here = example if has_examples(whole) and whole.per_example else None
            return Ref(whole, index_in(step, whole.shape) or steepest(step.trace, whole, here), here)
    return None


def uses_picture(scribe: Scribe, subject: Ref) -> Shown:
    """`subject` is an element of a gradient that is a sum over uses."""
    trace, writer = scribe.trace, scribe.writer
    parts = _sums(trace)[subject.symbol.key]
    refs = [Ref(part, subject.index, subject.example if part.per_example else None) for part in parts]
    names, values = [writer.text(ref) for ref in refs], [float(trace.value(ref)) for ref in refs]
    sizes = [_size(trace, Ref(ref.symbol, None, ref.example)) for ref in refs]
    total, name = float(trace.value(subject)), writer.text(subject)
    assert subject.symbol.wrt
    shared = writer.text(Ref(subject.symbol.wrt))
    title = say("{name}, a part from each use of {shared}", name=name, shared=shared)
    if not np.all(np.isfinite([*values, *sizes])):
        return Shown(title, (say(DIVERGED),), nothing)
    written = " + ".join(f"({text})" if text.startswith("−") else text for text in map(number, values))
    facts = [
        say("{name} = {parts} = {sum}: {shared} is one value, so its parts add up.",
            name=name, parts=written, sum=number(total), shared=shared)
    ]  # fmt: skip
    facts += [
        say("Through {use}: {value}.", use=part.use, value=number(value))
        for part, value in zip(parts, values, strict=True)
    ]
    if subject.index:
        told = ", ".join(f"{part.use} {number(size, 3)}" for part, size in zip(parts, sizes, strict=True))
        facts.append(say("The whole parts by root mean square: {sizes}.", sizes=told))
    most = max(sizes)
    none = [part.use for part, size in zip(parts, sizes, strict=True) if size == 0]
    small = [part.use for part, size in zip(parts, sizes, strict=True) if 0 < size < _SMALL * most]
    if none:
        facts.append(say("Nothing comes back through {uses}.", uses=", ".join(none)))
    if small:
        facts.append(
            say("Through {uses} comes less than {percent} % of the largest part: {shared} hardly learns from there.",
                uses=", ".join(small), percent=f"{100 * _SMALL:g}", shared=shared)
        )  # fmt: skip

    def draw(columns: int, rows: int) -> Picture:
        items = [*zip(names, values, strict=True), (say("sum"), total)]
        above = bars(items, columns, rows=max(rows if not subject.index else (rows - 3) // 2, 1))
        if not subject.index or rows < len(items) + 4:
            return above[:rows]
        whole = [(writer.text(Ref(part)), size) for part, size in zip(parts, sizes, strict=True)]
        head = ((say("the whole parts, root mean square"), "heading"),)
        return (*above, (), head, *bars(whole, columns, style="curve2", rows=max(rows - len(above) - 2, 1)))[:rows]

    return Shown(title, tuple(facts), draw)


def _size(trace: Trace, ref: Ref) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(trace.value(ref), dtype=float)))))


KIND = PictureKind(
    N_("parts by use"), N_("a value that is used in several places, such as dL/dWh"), _symbols, _uses_of, uses_picture
)
