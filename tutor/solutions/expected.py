"""What every value of a solution should be, given a person's own numbers before it, and how far off rounding may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tutor.engine.expressions import Ref, evaluate, refs
from tutor.engine.model import Equation
from tutor.engine.trace import Trace
from tutor.questions.rounding import GIVEN, Errors, full_shape, half_unit, has_digits, spread
from tutor.questions.slips import picked
from tutor.solutions.files import Handed


class Expected:
    """What every value should be, given the person's own wrong ones, and how far off rounding may have led.

    `own` are arrays by key, of the full shape, `halves` half a unit in the last place of their numbers; each line
    keeps as many digits as `handed` has, if that is written out.
    """

    def __init__(self, trace: Trace, own: Mapping[str, np.ndarray], handed: Handed, halves: Mapping[str, np.ndarray]):
        self.trace, self.own, self.halves = trace, own, halves
        self.digits, self.by_hand = handed.digits, handed.by_hand
        self._found: dict[str, Errors] = {}
        self._touched: dict[str, bool] = {}

    def touched(self, key: str) -> bool:
        """Whether one of the own values flows into this one."""
        by_key = self.trace.program.by_key
        for eq in self._before(key, lambda k: k not in self._touched):
            self._touched[eq.symbol.key] = any(
                ref.symbol.key in self.own or self._touched.get(ref.symbol.key, False) for ref in refs(eq.formula)
            )
        return self._touched.get(key, False) if key in by_key else False

    def of(self, eq: Equation) -> Errors:
        """The values of an equation, own ones put in before it, and their errors; of the full shape."""
        for before in self._before(eq.symbol.key, lambda k: k not in self._found and k not in self.own):
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
            value = np.broadcast_to(np.asarray(evaluate(formula, lambda ref: self._look(ref)[0]), dtype=float), shape)
            return value, np.abs(value) * 10.0**-self.digits
        value, error = spread(eq.formula, self._look, self._rounded)
        value, error = np.broadcast_to(value, shape), np.broadcast_to(error, shape)
        if exact:
            value = np.broadcast_to(np.asarray(self.trace.value(Ref(eq.symbol)), dtype=float), shape)
        return self._rounded(value, error) if written else (value, error)

    def _rounded(self, value: np.ndarray, error: np.ndarray) -> Errors:
        return value, np.asarray(error, dtype=float) + half_unit(np.abs(value), self.digits)

    def _look(self, ref: Ref) -> Errors:
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

    def _before(self, key: str, wanted: Callable[[str], bool]) -> list[Equation]:
        """The equation of a key and those that it rests on, in order of evaluation, as far as they are wanted."""
        by_key, found, stack = self.trace.program.by_key, set(), [key]
        while stack:
            at = stack.pop()
            if at in by_key and at not in found and wanted(at):
                found.add(at)
                stack += [ref.symbol.key for ref in refs(by_key[at].formula)]
        return [eq for eq in self.trace.equations if eq.symbol.key in found]
