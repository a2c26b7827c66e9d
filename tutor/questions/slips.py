"""Slips: every wrong way to a step's value, from the table of misconceptions, with the number that it leads to.

A wrong equation is put in place of the right one, and its value is carried on to what is asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tutor.engine.expressions import Expr, Ref, at_example, element, evaluate
from tutor.engine.model import Equation
from tutor.engine.program import Program
from tutor.engine.rules import OVER_BATCH
from tutor.engine.trace import Step, Trace
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.misconceptions.rewriting import ANY, Site
from tutor.questions.rounding import filling, full_shape, large, rounded

MOST_KEPT = 1_000_000  # numbers of all tables of a trace that are kept


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

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return self.values.size

    def at(self, step: Step) -> np.ndarray:
        """The value of every slip for one element and example; shape (slips,)."""
        example = () if step.example is None or not step.equation.symbol.per_example else (step.example,)
        return self.values[(slice(None), *example, *(step.index or ()))]


class LargeTable:
    """The slips of an equation of very many numbers: worked out for the elements that are asked about, no others."""

    size = 0  # numbers that it holds: those of one element are few

    def __init__(self, found: list[tuple[tuple[str, Equation, int, Expr], list[Equation]]]):
        self.entries = tuple(entry for entry, _ in found)
        self._downstream = [downstream for _, downstream in found]
        self._latest: tuple[Ref, np.ndarray] | None = None

    def at(self, step: Step) -> np.ndarray:
        """The value of every slip for one element and example, NaN where it gives none; shape (slips,)."""
        if self._latest is None or self._latest[0] != step.ref:
            each = zip(self.entries, self._downstream, strict=True)
            self._latest = (step.ref, np.array([_carry_to(step, eq, wrong, down) for (_, eq, _, wrong), down in each]))
        return self._latest[1]


class _Tables:
    """The slips of the equations that were asked about last, by equation and how far back they were looked for."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], tuple[Equation, SlipTable | LargeTable]] = {}

    def find(self, trace: Trace, asked: Equation, reach: int) -> SlipTable | LargeTable:
        key = asked.symbol.key, reach
        found = self._kept.pop(key, None)
        if found is None or found[0] is not asked:
            found = (asked, make_table(trace, asked, reach))
        self._kept[key] = found  # behind the others: the first was asked about longest ago
        while len(self._kept) > 1 and sum(table.size for _, table in self._kept.values()) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return found[1]


def table_for(trace: Trace, asked: Equation, reach: int = 0) -> SlipTable | LargeTable:
    """The slips of an equation, kept with the trace: its elements are questions, too, and one comes back to it."""
    return trace.memo.of(_Tables).find(trace, asked, reach)


class _WrongFormulas(dict[str, "tuple[Site, dict[str, tuple[Expr, ...]]]"]):
    """The wrong formulas of a program's equations, by equation and misconception: they know no numbers."""

    def of(self, program: Program, eq: Equation) -> tuple[Site, dict[str, tuple[Expr, ...]]]:
        """The site of an equation, and what is known of its wrong formulas."""
        name = eq.symbol.key
        if program.by_key.get(name) is not eq:  # a local derivative: made when it is asked for
            return Site(program, eq), {}
        if name not in self:
            self[name] = Site(program, eq), {}
        return self[name]


def make_table(trace: Trace, asked: Equation, reach: int = 0) -> SlipTable | LargeTable:
    """The slips of an equation: each as far back as its own reach, and as `reach`."""
    program = trace.program
    formulas = program.memo.of(_WrongFormulas)
    near = _ancestors(program, asked)
    by_element = large(trace, asked)
    shape, entries, values = full_shape(trace, asked), [], []
    later: list[list[Equation]] = []
    for eq, distance in near:
        site, known = formulas.of(program, eq)
        downstream: list[Equation] | None = None
        for id, misconception in MISCONCEPTIONS.items():
            if distance > reach and distance > misconception.reach:
                continue
            if id not in known:
                known[id] = tuple(misconception.rewrite(site))
            for wrong in known[id]:
                if downstream is None:
                    downstream = carried_by(program.equations, eq, near)
                if by_element:
                    entries.append((id, eq, distance, wrong))
                    later.append(downstream)
                    continue
                value = _carry(trace, asked, eq, wrong, downstream)
                if value is not None:
                    entries.append((id, eq, distance, wrong))
                    values.append(value)
    if by_element:
        return LargeTable(list(zip(entries, later, strict=True)))
    return SlipTable(tuple(entries), np.array(values).reshape(len(values), *shape))


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
            for symbol in eq.takes:
                below = program.by_key.get(symbol.key)
                if below and symbol.key not in found and (below.phase != "forward" or asked.phase in before):
                    found[symbol.key] = (below, distance)
                    following.append(below)
        edge = following
    return sorted(found.values(), key=lambda item: item[1])


def carried_by(equations: Iterable[Equation], start: Equation, near: list[tuple[Equation, int]]) -> list[Equation]:
    """The equations between `start` and what is asked that its value flows through, in order."""
    between = {eq.symbol.key for eq, _ in near}
    changed = {start.symbol.key}
    found = []
    for eq in equations:
        key = eq.symbol.key
        if key in between and key not in changed and any(symbol.key in changed for symbol in eq.takes):
            changed.add(key)
            found.append(eq)
    return found


def looking(trace: Trace, changed: Mapping[str, np.ndarray]) -> Callable[[Ref], np.ndarray | float]:
    """Values of the trace, except those that were changed."""

    def look(ref: Ref) -> np.ndarray | float:
        key = ref.symbol.key
        found = changed[key] if key in changed else trace.iteration.values.get(key)
        return picked(ref, np.asarray(trace.value(Ref(ref.symbol)) if found is None else found))

    return look


def picked(ref: Ref, value: np.ndarray) -> np.ndarray:
    """What a reference means of its symbol's whole value (examples first): one example's, one element's, or all."""
    if ref.example is not None and ref.symbol.per_example:
        value = value[ref.example]
    if not ref.index:
        return value
    found: np.ndarray = value[(slice(None),) * (value.ndim - len(ref.index)) + ref.index]
    return found


def _carry(trace: Trace, asked: Equation, eq: Equation, wrong: Expr, downstream: list[Equation]) -> np.ndarray | None:
    """The asked values if `eq` were the `wrong` formula; None where that gives no numbers of the right shape."""
    changed: dict[str, np.ndarray] = {}
    look = looking(trace, changed)
    try:
        own = np.asarray(evaluate(wrong, look))
        if wrong.batched and not wrong.shape:  # one number an example goes to all elements
            own = own.reshape(own.shape + (1,) * len(eq.symbol.shape))
        changed[eq.symbol.key] = filling(own, full_shape(trace, eq))
        for later in downstream:
            changed[later.symbol.key] = np.asarray(evaluate(later.formula, look))
        return filling(changed[asked.symbol.key], full_shape(trace, asked))
    except ValueError:  # a wrong formula whose shapes do not fit says no number
        return None


def _carry_to(step: Step, eq: Equation, wrong: Expr, downstream: list[Equation]) -> float:
    """One asked number if `eq` were the `wrong` formula; NaN where that gives none.

    Of what holds very many numbers only those are worked out that lead to it.
    """
    trace = step.trace
    made = {eq.symbol.key: (eq, wrong)} | {later.symbol.key: (later, later.formula) for later in downstream}
    wholes: dict[str, np.ndarray] = {}
    look, right = looking(trace, wholes), looking(trace, {})  # a wrong formula may name what comes after it

    def value(ref: Ref) -> np.ndarray | float:
        key = ref.symbol.key
        if key in wholes or key not in made:
            return look(ref)
        return evaluate(_part_of(made[key][1], ref), right if key == eq.symbol.key else value)

    try:
        for key, (equation, formula) in made.items():
            if not large(trace, equation):
                own = np.asarray(evaluate(formula, right if key == eq.symbol.key else value))
                if formula.batched and not formula.shape:
                    own = own.reshape(own.shape + (1,) * len(equation.symbol.shape))
                wholes[key] = filling(own, full_shape(trace, equation))
        found = np.asarray(value(step.ref))
    except (ValueError, RecursionError):  # a wrong formula whose shapes do not fit says no number
        return math.nan
    return float(found) if found.ndim == 0 else math.nan


def _part_of(formula: Expr, ref: Ref) -> Expr:
    """The formula of one element, for one example, of the symbol that a reference names; ValueError if it does not fit.

    What has fewer axes than the symbol is the same along the others.
    """
    shape = formula.shape
    if np.broadcast_shapes(shape, ref.symbol.shape) != ref.symbol.shape:
        raise ValueError(f"{shape} does not fit {ref.symbol.shape}")
    if ref.example is not None:
        formula = at_example(formula, ref.example)
    if not ref.index:
        return formula
    index = ref.index[len(ref.index) - len(shape) :]
    return element(formula, tuple(i if n > 1 else 0 for i, n in zip(index, shape, strict=True)))


def unique(found: Iterable[Slip]) -> Iterator[Slip]:
    """The slips, one an idea, equation and value."""
    seen = set()
    for slip in found:
        key = (slip.misconception, slip.equation.symbol.key, rounded(slip.value, 9))
        if key not in seen:
            seen.add(key)
            yield slip
