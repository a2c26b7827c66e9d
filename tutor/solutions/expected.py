"""What every value should be, given somebody's own wrong ones, and how far off rounding may have led."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from tutor.engine.expressions import Ref, Symbol, evaluate
from tutor.engine.model import Equation
from tutor.engine.program import Program
from tutor.engine.trace import Trace
from tutor.questions.rounding import GIVEN, Errors, full_shape, half_unit, has_digits, spread
from tutor.questions.slips import picked
from tutor.solutions.files import Handed

FEWEST = 2  # digits that somebody keeps on a line, however few the last number has


class Expected:
    """What every value should be, given the person's own wrong ones, and how far off rounding may have led.

    `own` are arrays by key, of the full shape, `halves` half a unit in the last place of their numbers; each line
    keeps as many digits as `handed` has, if that is written out.
    """

    def __init__(self, trace: Trace, own: Mapping[str, np.ndarray], handed: Handed, halves: Mapping[str, np.ndarray]):
        self.trace, self.own, self.halves = trace, own, halves
        self.digits, self.by_hand = max(handed.digits, FEWEST), handed.by_hand
        self._found: dict[str, Errors] = {}

    @cached_property
    def _reached(self) -> set[str]:
        """The keys of the values that an own one flows into."""
        users, found, edge = graph_of(self.trace).users, set[str](), list(self.own)
        while edge:
            following = [key for key in users.get(edge.pop(), ()) if key not in found]
            found.update(following)
            edge += following
        return found

    def touched(self, key: str) -> bool:
        """Whether one of the own values flows into this one."""
        return key in self._reached

    def of(self, eq: Equation) -> Errors:
        """The values of an equation, own ones put in before it, and their errors; of the full shape."""
        for before in self._before(eq.symbol.key):
            if before.symbol.key != eq.symbol.key:
                self._found[before.symbol.key] = self._line(before, written=True)
        return self._line(eq, written=False)

    def _line(self, eq: Equation, written: bool) -> Errors:
        shape = full_shape(self.trace, eq)
        exact = not self.touched(eq.symbol.key)
        if exact and not self.by_hand:
            value = np.broadcast_to(np.asarray(self.trace.value(Ref(eq.symbol)), dtype=float), shape)
            return value, np.zeros(shape)
        if not self.by_hand:
            formula = eq.compute or eq.formula
            value = np.broadcast_to(np.asarray(evaluate(formula, lambda ref: self.look(ref)[0]), dtype=float), shape)
            return value, np.abs(value) * 10.0**-self.digits
        value, error = spread(eq.formula, self.look, self._rounded)
        value, error = np.broadcast_to(value, shape), np.broadcast_to(error, shape)
        if exact:
            value = np.broadcast_to(np.asarray(self.trace.value(Ref(eq.symbol)), dtype=float), shape)
        return self._rounded(value, error) if written else (value, error)

    def _rounded(self, value: np.ndarray, error: np.ndarray) -> Errors:
        """As it is written down: what so few digits say exactly, as a whole number, loses nothing by it."""
        error = np.asarray(error, dtype=float)
        exact = (error == 0) & has_digits(np.asarray(value, dtype=float), self.digits)
        return value, np.where(exact, 0.0, error + half_unit(np.abs(value), self.digits))

    def look(self, ref: Ref) -> Errors:
        """The value that a name stands for by the arrays handed in, and how far off it may be; both of its shape."""
        key = ref.symbol.key
        if key in self.own:
            value = np.asarray(self.own[key], dtype=float)
            error = self.halves[key] if self.by_hand and key in self.halves else np.zeros(value.shape)
        elif key in self._found:
            value, error = self._found[key]
        else:  # given, or as in the lesson
            value = np.asarray(self.trace.value(Ref(ref.symbol)), dtype=float)
            error = self._as_copied(key, value) if self.by_hand else np.zeros(value.shape)
        return picked(ref, value), picked(ref, error)

    def _as_copied(self, key: str, value: np.ndarray) -> np.ndarray:
        """How far off a given number may be when it is copied: not at all, if it has no more than a few digits."""
        if key in self.trace.program.by_key:
            return np.zeros(value.shape)
        few = has_digits(value, max(self.digits, GIVEN))
        return np.where(few, 0.0, half_unit(np.abs(value), self.digits))

    def _before(self, key: str) -> list[Equation]:
        """The equation of a key and those that have to be worked out for it, in order of evaluation.

        What no own value flows into is as in the lesson, unless every line is written and rounded.
        """
        graph, by_key = graph_of(self.trace), self.trace.program.by_key
        found, stack = {key}, [key]
        while stack:
            for below in graph.operands.get(stack.pop(), ()):
                wanted = below in by_key and below not in self._found and below not in self.own
                if wanted and below not in found and (self.by_hand or self.touched(below)):
                    found.add(below)
                    stack.append(below)
        return [by_key[at] for at in sorted(found, key=graph.position.__getitem__)]


class Dependencies:
    """Which equation of a program uses which, by their keys; and the place of each in the order of computation."""

    def __init__(self, program: Program):
        self.position = {eq.symbol.key: at for at, eq in enumerate(program.equations)}
        self.operands = {eq.symbol.key: tuple(symbol.key for symbol in eq.takes) for eq in program.equations}
        self.users: dict[str, list[str]] = {}
        for key, operands in self.operands.items():
            for below in operands:
                self.users.setdefault(below, []).append(key)


class _Graphs(dict[int, Dependencies]):
    """The one of a trace."""


def graph_of(trace: Trace) -> Dependencies:
    """The graph of a trace's program, kept with the trace."""
    kept = trace.memo.of(_Graphs)
    if not kept:
        kept[0] = Dependencies(trace.program)
    return kept[0]


class HandedIn:
    """What was handed in so far. Arrays are kept by key, of the full shape; `example` (from 0) says whose they are."""

    def __init__(self, trace: Trace, example: int | None):
        self.trace, self.example = trace, example
        self.own: dict[str, np.ndarray] = {}  # wrong arrays so far
        self.lines: dict[str, np.ndarray] = {}  # all arrays so far, as they were written ...
        self.halves: dict[str, np.ndarray] = {}  # ... and half a unit in the last place of each of their numbers
        self.known: set[str] = set()  # all arrays so far
        self.handed: set[str] = set()  # all of the solution, and
        self.sound: set[str] = set()  # those of them that are the lesson's own values, whole

    def expected(self, handed: Handed) -> Expected:
        """What should follow from the wrong arrays so far; of numbers written by hand from all of them, as written."""
        own = {**self.lines, **self.own} if handed.by_hand else self.own
        return Expected(self.trace, dict(own), handed, dict(self.halves))

    def wrong_before(self, handed: Handed) -> Expected:
        """What should follow from the wrong arrays so far alone."""
        return Expected(self.trace, dict(self.own), handed, dict(self.halves))

    def whole(self, symbol: Symbol, values: np.ndarray) -> np.ndarray:
        """One example's values among the others'."""
        if not symbol.per_example or self.example is None:
            return values
        shape = (self.trace.examples, *symbol.shape)
        whole = np.array(np.broadcast_to(self.trace.value(Ref(symbol)), shape), dtype=float)
        whole[self.example] = values
        return whole

    def of_example(self, symbol: Symbol, whole: np.ndarray) -> np.ndarray:
        """Of values of all examples those of the one that is handed in."""
        chosen = symbol.per_example and self.example is not None
        found: np.ndarray = whole[self.example] if chosen else whole
        return found
