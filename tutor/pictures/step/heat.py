"""An array as a heat map: how its numbers are spread over rows and columns."""

from __future__ import annotations

import numpy as np

from tutor.engine.expressions import Call, Ref, Symbol
from tutor.engine.loss_slope import steepest
from tutor.engine.trace import Step, Trace
from tutor.pictures.step.grids import draw_heat
from tutor.pictures.step.shown import PictureKind, Shown, has_examples, index_in
from tutor.text.card import Scribe
from tutor.text.language import N_, say
from tutor.text.layout import number

_LEAST = 4  # of fewer numbers there is no map


def _mapped(symbol: Symbol) -> bool:
    return bool(symbol.shape) and int(np.prod(symbol.shape)) >= _LEAST


def _symbols(trace: Trace) -> list[Symbol]:
    return [eq.symbol for eq in trace.equations if trace.program.model.arrays and _mapped(eq.symbol)]


def _heat_of(step: Step, example: int) -> Ref | None:
    symbol = step.equation.symbol
    if not (step.trace.program.model.arrays and _mapped(symbol)):
        return None
    here = example if has_examples(symbol) else None
    return Ref(symbol, index_in(step, symbol.shape) or steepest(step.trace, symbol, here), here)


def heat_picture(scribe: Scribe, subject: Ref) -> Shown:
    """`subject` is an element of an array."""
    trace, writer = scribe.trace, scribe.writer
    own = Ref(subject.symbol, None, subject.example)
    value, at = np.asarray(trace.value(own), dtype=float), subject.index
    assert at is not None
    name = writer.text(own)
    facts = [f"{writer.text(subject)} = {number(float(value[at]))}."]
    if value.ndim > 1:
        row = value[at[:-1]]
        best = int(np.nanargmax(np.where(np.isfinite(row), row, -np.inf)))
        largest = writer.text(Ref(subject.symbol, (*at[:-1], best), subject.example))
        shares = _shares(trace, subject.symbol)
        told = (
            N_("The largest of its row is {name} = {value} of the 1 that the row shares out.")
            if shares
            else N_("The largest of its row is {name} = {value}.")
        )
        facts.append(say(told, name=largest, value=number(float(row[best]))))
        if shares and not row.all():
            blocked = f"{int((row == 0).sum()):,}"
            facts.append(say("{n} of the row are 0: blocked, or too small to be told from it.", n=blocked))
    fine = value[np.isfinite(value)]
    if fine.size:
        low, high = float(fine.min()), float(fine.max())
        size = number(float(np.sqrt(np.mean(fine**2))), 3)
        facts.append(
            say("From {low} to {high}; the root mean square is {size}.", low=number(low), high=number(high), size=size)
        )
    zeros = int((value == 0).sum())
    if zeros and not _shares(trace, subject.symbol):
        facts.append(say("{n} of {all} are exactly 0.", n=f"{zeros:,}", all=f"{value.size:,}"))
    if value.ndim > 2:
        facts.append(say("The map is of the matrix with this element; ↑ ↓ and PgUp PgDn go to the others."))
    shape = " × ".join(map(str, value.shape))
    title = (
        say("{name}, {shape}, by size", name=name, shape=shape)
        if value.ndim > 1
        else say("{name}, {n} numbers, by size", name=name, n=shape)
    )
    return Shown(title, tuple(facts), lambda columns, rows: draw_heat(value, at, columns, rows))


def _shares(trace: Trace, symbol: Symbol) -> bool:
    """Whether each row adds up to 1: a softmax over the last axis."""
    formula = trace.program.by_key[symbol.key].formula
    return isinstance(formula, Call) and formula.op == "softmax" and formula.param in (None, -1)


KIND = PictureKind(
    N_("heat map"), N_("an array of four numbers or more, such as P"), _symbols, _heat_of, heat_picture, ahead=True
)
