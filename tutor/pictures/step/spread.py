"""A norm before and after: the numbers of one row as dots on a line, moved by the mean and scaled by the deviation."""

from __future__ import annotations

import numpy as np

from tutor.engine.expressions import Call, Ref, Symbol
from tutor.engine.model import Equation
from tutor.engine.trace import Step, Trace
from tutor.pictures.canvas import Canvas, Picture
from tutor.pictures.plot import round_ticks, tick_text
from tutor.pictures.step.shown import DIVERGED, PictureKind, Shown, index_in, nothing
from tutor.text.card import Scribe
from tutor.text.cells import cut, width
from tutor.text.language import N_, say
from tutor.text.layout import number


def _norms(trace: Trace) -> list[Equation]:
    return [
        eq for eq in trace.program.model.forward
        if isinstance(eq.formula, Call) and eq.formula.op == "norm" and isinstance(eq.formula.args[0], Ref)
    ]  # fmt: skip


def _symbols(trace: Trace) -> list[Symbol]:
    return [eq.symbol for eq in _norms(trace)]


def _spread_of(step: Step, example: int) -> Ref | None:
    about = step.equation.symbol.wrt or step.equation.symbol
    for eq in _norms(step.trace):
        assert isinstance(eq.formula, Call) and isinstance(eq.formula.args[0], Ref)
        before = eq.formula.args[0].symbol
        if about.id == eq.symbol.id or (about.id == before.id and step.equation.symbol.wrt):
            index = index_in(step, eq.symbol.shape) or (0,) * len(eq.symbol.shape)
            return Ref(eq.symbol, index, example if eq.symbol.per_example else None)
    return None


def spread_picture(scribe: Scribe, subject: Ref) -> Shown:
    """`subject` is an element of a norm's output."""
    trace, writer = scribe.trace, scribe.writer
    formula = trace.program.by_key[subject.symbol.key].formula
    assert isinstance(formula, Call) and isinstance(formula.args[0], Ref) and subject.index
    axis, eps = formula.param
    source = formula.args[0].symbol
    example = subject.example if source.per_example else None
    at, place = len(subject.index) + axis, subject.index[axis]
    front = (*subject.index[:at], *subject.index[at + 1 :])
    before, after = (
        np.moveaxis(np.asarray(trace.value(ref), dtype=float), axis, -1)[front]
        for ref in (Ref(source, None, example), Ref(subject.symbol, None, subject.example))
    )
    x, out = writer.text(Ref(source, subject.index, example)), writer.text(subject)
    dims = len(subject.index)
    what = say("vector" if dims == 1 else ("row" if axis == -1 else "column") if dims == 2 else "line")
    title = say("The norm before and after, over the {what} of {name}", what=what, name=out)
    if not (np.all(np.isfinite(before)) and np.all(np.isfinite(after))):
        return Shown(title, (say(DIVERGED),), nothing)
    mean, variance = float(before.mean()), float(before.var())
    deviation = float(np.sqrt(variance + eps))
    facts = (
        say("{x} = {before} becomes {name} = {after}: {sum}.",
            x=x, before=number(float(before[place])), name=out, after=number(float(after[place])),
            sum=f"({number(float(before[place]))} − {_signed(mean)}) / {number(deviation)}"),
        say("The {what} before: mean {mean}, variance {variance}; with ε = {eps} the root is {root}.",
            what=what, mean=number(mean), variance=number(variance), eps=number(eps), root=number(deviation)),
        say("After it: mean {mean}, variance {variance}. Each number moves the mean and the deviation, and with them "
            "every output: that is why the gradient has three terms.",
            mean=number(float(after.mean().round(12))), variance=number(float(after.var()))),
        say("Before: {numbers}.",
            numbers=", ".join(number(float(v)) for v in before[:12]) + (", …" if len(before) > 12 else "")),
    )  # fmt: skip
    return Shown(title, facts, lambda columns, rows: _draw(before, after, place, mean, columns, rows))


def _signed(value: float) -> str:
    text = number(value)
    return f"({text})" if text.startswith("−") else text


def _draw(before: np.ndarray, after: np.ndarray, place: int, mean: float, columns: int, rows: int) -> Picture:
    if columns < 30 or rows < 6:
        return ()
    low, high = min(before.min(), after.min(), 0.0), max(before.max(), after.max(), 0.0)
    low, high = (low, high) if high > low else (low - 1, high + 1)
    canvas, edge = Canvas(columns, rows), 8
    room = columns - edge - 3
    tall = min(rows, 14)
    upper, lower = 1, tall - 3

    def column(value: float) -> int:
        return edge + 1 + round(float(value - low) / float(high - low) * (room - 1))

    for row, name in ((upper, N_("before")), (lower, N_("after"))):
        canvas.text(0, row, cut(say(name), edge), "heading")
        canvas.text(edge, row, "─" * (room + 2), "axis")
    for k, (a, b) in enumerate(zip(before, after, strict=True)):
        hot = k == place
        canvas.line(
            column(a) * 2 + 1,
            upper * 4 + 4,
            column(b) * 2 + 1,
            lower * 4 - 1,
            "lit" if hot else "plus2",
            2 if hot else 1,
        )
    canvas.text(column(mean), upper - 1, "▼", "mark")
    said = say("mean {value}", value=number(mean))
    canvas.text(min(column(mean) + 2, columns - width(said)), upper - 1, said, "mark")
    for values, row in ((before, upper), (after, lower)):
        for k in [k for k in range(len(values)) if k != place] + [place]:
            canvas.text(column(values[k]), row, "◆" if k == place else "●", "value" if k == place else "curve1")
    last = -1
    for tick in round_ticks(low, high, max(room // 10, 2)):
        text = tick_text(tick)
        left = max(column(tick) - width(text) // 2, 0)
        if left > last and left + width(text) <= columns:
            canvas.text(column(tick), lower + 1, "┴", "axis")
            canvas.text(left, lower + 2, cut(text, columns - left), "dim")
            last = left + width(text)
    return canvas.picture()


KIND = PictureKind(
    N_("before and after"), N_("a norm, such as N.1[1,2]"), _symbols, _spread_of, spread_picture, ahead=True
)
