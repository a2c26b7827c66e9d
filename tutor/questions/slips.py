"""Slips: every wrong way to a step's value, from the table of misconceptions, with the number that it leads to.

A wrong equation is put in place of the right one, and its value is carried on to what is asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tutor.engine.expressions import Expr, Ref, evaluate, refs
from tutor.engine.model import Equation
from tutor.engine.program import Program
from tutor.engine.rules import OVER_BATCH
from tutor.engine.trace import Step, Trace
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.misconceptions.rewriting import ANY, Site
from tutor.questions.rounding import rounded


@dataclass(frozen=True)
class Slip:
    """One wrong way to the answer: `misconception` at `equation`, so many equations back, giving `value`."""

    misconception: str
    equation: Equation
    distance: int
    wrong: Expr
    value: float
    typed: Expr | None = None  # the formula that the learner typed, if it was one


def slips(step: Step, reach: int = ANY) -> list[Slip]:
    """Every slip in the asked equation, or in one that it rests on, with the value it leads to; nearest first."""
    table = table_for(step.trace, step.equation)
    values = table.at(step)
    return [
        Slip(*entry, float(value))
        for entry, value in zip(table.entries, values, strict=True)
        if entry[2] <= reach and math.isfinite(value)
    ]


@dataclass(frozen=True)
class SlipTable:
    """All slips of an equation at once: (misconception, equation, distance, wrong formula) of each, and its values.

    `values` has an axis of slips, then (if each example has its own) one of examples, then the equation's shape.
    """

    entries: tuple[tuple[str, Equation, int, Expr], ...]
    values: np.ndarray

    def at(self, step: Step) -> np.ndarray:
        """The value of every slip for one element and example; shape (slips,)."""
        example = () if step.example is None or not step.equation.symbol.per_example else (step.example,)
        return self.values[(slice(None), *example, *(step.index or ()))]


class _Tables(dict[int, tuple[Equation, SlipTable]]):
    """The last equation that was asked about and its slips, by how far back they were looked for."""


def table_for(trace: Trace, asked: Equation, reach: int = 0) -> SlipTable:
    """The slips of an equation, kept for the last one asked about: its elements are questions, too."""
    kept = trace.memo.of(_Tables)
    if reach not in kept or kept[reach][0] is not asked:
        kept[reach] = (asked, make_table(trace, asked, reach))
    return kept[reach][1]


def make_table(trace: Trace, asked: Equation, reach: int = 0) -> SlipTable:
    """The slips of an equation: each as far back as its own reach, and as `reach`."""
    program = trace.program
    near = _ancestors(program, asked)
    shape, entries, values = full_shape(trace, asked), [], []
    for eq, distance in near:
        site = Site(program, eq)
        downstream: list[Equation] | None = None
        for id, misconception in MISCONCEPTIONS.items():
            if distance > max(misconception.reach, reach):
                continue
            for wrong in misconception.rewrite(site):
                if downstream is None:
                    downstream = _carried_by(program.equations, eq, near)
                value = _carry(trace, asked, eq, wrong, downstream)
                if value is not None:
                    entries.append((id, eq, distance, wrong))
                    values.append(value)
    return SlipTable(tuple(entries), np.array(values).reshape(len(values), *shape))


def full_shape(trace: Trace, eq: Equation) -> tuple[int, ...]:
    """The shape of an equation's values: (examples, *shape) where each example has its own, else the symbol's shape."""
    return ((trace.examples,) if eq.symbol.per_example else ()) + eq.symbol.shape


def _ancestors(program: Program, asked: Equation) -> list[tuple[Equation, int]]:
    """The asked equation and those that it rests on, with how many equations back they lie.

    A mean over the batch is no step back: its examples' gradients are the same question.
    """
    before = ("forward", "loss")  # later phases have the forward values on the screen
    found = {asked.symbol.key: (asked, 0)}
    edge = [asked]
    while edge:
        following: list[Equation] = []
        for eq in edge:
            distance = found[eq.symbol.key][1] + (eq.rule not in OVER_BATCH)
            for ref in refs(eq.formula):
                below = program.by_key.get(ref.symbol.key)
                if below and ref.symbol.key not in found and (below.phase != "forward" or asked.phase in before):
                    found[ref.symbol.key] = (below, distance)
                    following.append(below)
        edge = following
    return sorted(found.values(), key=lambda item: item[1])


def _carried_by(equations: Iterable[Equation], start: Equation, near: list[tuple[Equation, int]]) -> list[Equation]:
    """The equations between `start` and what is asked that its value flows through, in order."""
    between = {eq.symbol.key for eq, _ in near}
    changed = {start.symbol.key}
    found = []
    for eq in equations:
        key = eq.symbol.key
        if key in between and key not in changed and any(ref.symbol.key in changed for ref in refs(eq.formula)):
            changed.add(key)
            found.append(eq)
    return found


def looking(trace: Trace, changed: Mapping[str, np.ndarray]) -> Callable[[Ref], np.ndarray | float]:
    """Values of the trace, except those that were changed."""

    def look(ref: Ref) -> np.ndarray | float:
        key = ref.symbol.key
        found = changed[key] if key in changed else trace.iteration.values.get(key)
        value = np.asarray(trace.value(Ref(ref.symbol)) if found is None else found)
        if ref.example is not None and ref.symbol.per_example:
            value = value[ref.example]
        if not ref.index:
            return value
        return value[(slice(None),) * (value.ndim - len(ref.index)) + ref.index]

    return look


def _carry(trace: Trace, asked: Equation, eq: Equation, wrong: Expr, downstream: list[Equation]) -> np.ndarray | None:
    """The asked values if `eq` were the `wrong` formula; None where that gives no numbers of the right shape."""
    changed: dict[str, np.ndarray] = {}
    look = looking(trace, changed)
    try:
        own = np.asarray(evaluate(wrong, look))
        if wrong.batched and not wrong.shape:  # one number an example goes to all elements
            own = own.reshape(own.shape + (1,) * len(eq.symbol.shape))
        changed[eq.symbol.key] = np.broadcast_to(own, full_shape(trace, eq))
        for later in downstream:
            changed[later.symbol.key] = np.asarray(evaluate(later.formula, look))
        return np.broadcast_to(changed[asked.symbol.key], full_shape(trace, asked))
    except ValueError:  # a wrong formula whose shapes do not fit says no number
        return None


def unique(found: Iterable[Slip]) -> Iterator[Slip]:
    """The slips, one an idea, equation and value."""
    seen = set()
    for slip in found:
        key = (slip.misconception, slip.equation.symbol.key, rounded(slip.value, 9))
        if key not in seen:
            seen.add(key)
            yield slip
