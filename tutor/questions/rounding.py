"""Rounding: numbers as people write them down, and how far off the right method ends that rounds on the way.

Who works by hand writes every line with a few digits and goes on from what was written. `Bounds` has what
comes of it at most: each value of a trace carries an error that grows from equation to equation,

    error(out) = what the operands' errors make of the formula + half a unit in the last digit that is kept,

by interval arithmetic on the same formula trees that give the values (`Operator.noise` reads each operator). Moore,
Kearfott and Cloud, "Introduction to Interval Analysis" (2009), chapters 2 and 5; half a unit is the usual model of
rounded arithmetic (Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, section 2.2), with the
decimals of a person for the bits of a machine.

Through many lines of many numbers the worst of each line together is thousands of times what anybody ends with. In
lessons about arrays a bound is therefore no wider than some passes show, each with every line off by chance as far as
rounding takes it: `SAFE` times the furthest of `PASSES` (such errors add up as sums of independent ones do, the same
book, section 2.8: what lies beyond four standard deviations is not met).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tutor.engine.expressions import OPERATORS, Call, Const, Expr, Ref, aligned, refs
from tutor.engine.floats import QUIET, quietly
from tutor.engine.model import Equation
from tutor.engine.noise import wobble
from tutor.engine.rules import OVER_BATCH
from tutor.engine.trace import Step, Trace

GIVEN = 4  # significant digits up to which a number that the lesson gives is copied as it stands
MANY = 100_000  # numbers in the examples' own gradients up to which each is rounded before their mean
PASSES, SAFE = 8, 3.0
NEAT = 1e-5  # relative: some lessons give odd numbers with six digits so that what is made of them is shown as 0.8000
LARGE = 1 << 17  # numbers of a value beyond which those alone are worked out that are asked about
Errors = tuple[np.ndarray, np.ndarray]  # values, and how far off each may be


def full_shape(trace: Trace, eq: Equation) -> tuple[int, ...]:
    """The shape of an equation's values: (examples, *shape) where each example has its own, else the symbol's shape."""
    return ((trace.examples,) if eq.symbol.per_example else ()) + eq.symbol.shape


def filling(value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A value in this shape, which it mostly has. Raises ValueError where it does not fit."""
    return value if value.shape == shape else np.broadcast_to(value, shape)


def large(trace: Trace, eq: Equation) -> bool:
    """Whether an equation has so many numbers that errors and slips are worked out number by number, as asked."""
    return math.prod(full_shape(trace, eq)) > LARGE


# ---------------------------------------------------------------- numbers


def close(a: float, b: float, relative: float) -> bool:
    """Whether two numbers are the same up to a share of the larger one."""
    return math.isclose(a, b, rel_tol=relative, abs_tol=1e-300)


def rounded(value: float, digits: int) -> float:
    """Rounded to significant digits, as a person does on paper (halves away from zero)."""
    if value == 0 or not math.isfinite(value):
        return value
    scale = digits - 1 - math.floor(math.log10(abs(value)))
    text = f"{value:.{digits - 1}e}"
    nudged = float(f"{value * (1 + 4e-16):.{digits - 1}e}")
    return nudged if abs(nudged) >= abs(float(text)) and scale < 300 else float(text)


def same(value: float, typed: float, digits: int) -> bool:
    """Whether `typed`, given with so many digits, is `value` rounded to them (up or down at a half)."""
    return close(rounded(value, digits), typed, 1e-12) or close(float(f"{value:.{digits - 1}e}"), typed, 1e-12)


def fits(value: float, digits: int) -> bool:
    """Whether a value is written in full with so many digits, as 2.5 is with three: nobody who has it rounds it."""
    return close(rounded(value, digits), value, NEAT)


def rounds_to(exact: float, value: float, digits: int) -> bool:
    """Whether a value is the exact one rounded to so many digits or more."""
    near = abs(exact - value) <= 10.0 ** (1 - digits) * abs(exact)
    return near and any(same(exact, value, d) for d in range(digits, 16))


# ---------------------------------------------------------------- the right method, rounded on the way


class _ByDigits(dict[int, "Bounds"]):
    """The bounds of a trace by how many digits every line keeps."""


def bounds(trace: Trace, digits: int) -> Bounds:
    """How far off the values of a trace end where every line keeps so many digits; worked out once."""
    kept = trace.memo.of(_ByDigits)
    if digits not in kept:
        kept[digits] = Bounds(trace, digits)
    return kept[digits]


class Bounds:
    """The errors of one trace, every line rounded to `digits` significant digits.

    What the lesson gives is copied as it stands where it has few digits. What has no more digits than are kept, and
    follows from what is exact, is exact.
    """

    def __init__(self, trace: Trace, digits: int):
        self.trace, self.digits = trace, digits
        self._found: dict[str, Errors] = {}
        arrays = trace.program.model.arrays
        self._passes = [_Pass(self, np.random.default_rng(seed)) for seed in range(PASSES)] if arrays else []

    def of(self, step: Step) -> float:
        """How far from the right value of one element the right method may end; NaN where it gives no number."""
        equation = step.equation
        if equation.symbol.key in self.trace.program.by_key and not large(self.trace, equation):
            error = self.errors(equation)[1]
            if step.example is not None and equation.symbol.per_example:
                error = error[step.example]
            return float(error[step.index or ()])
        self._ancestors(equation)  # a local derivative is no step of the program, and a large one is not kept
        formula = step.specialise(equation.formula)
        return float(self._written(*spread(formula, self.look, self._written))[1])

    def errors(self, equation: Equation) -> Errors:
        """An equation's values, and how far off each may end; with the axis of examples where each has its own."""
        if equation.symbol.key not in self._found:
            self._ancestors(equation)
            self._found[equation.symbol.key] = self._line(equation)
        return self._found[equation.symbol.key]

    def _ancestors(self, equation: Equation) -> None:
        """All that an equation rests on, in order: no recursion, a circuit may be thousands of gates deep."""
        by_key, wanted, stack = self.trace.program.by_key, set(), [equation]
        while stack:
            for ref in refs(stack.pop().formula):
                key = ref.symbol.key
                if key in by_key and key not in wanted and key not in self._found:
                    wanted.add(key)
                    stack.append(by_key[key])
        for eq in self.trace.equations:
            if eq.symbol.key in wanted and not large(self.trace, eq):
                self._found[eq.symbol.key] = self._line(eq)

    def _line(self, eq: Equation) -> Errors:
        """One equation, written down."""
        shape = full_shape(self.trace, eq)
        formula = eq.formula
        if eq.compute is not None and eq.rule in OVER_BATCH and self.trace.examples * math.prod(shape) > MANY:
            formula = eq.compute
        _, error = spread(formula, self.look, self._written)
        value = np.broadcast_to(np.asarray(self.trace.value(Ref(eq.symbol)), dtype=float), shape)
        value, error = self._written(value, np.broadcast_to(error, shape))
        if self._passes:
            with quietly():
                off = [np.abs(each.line(eq, formula, shape) - value) for each in self._passes]
                seen = np.max([np.where(np.isfinite(one), one, np.inf) for one in off], axis=0)
                error = np.fmin(error, SAFE * seen + half_unit(np.abs(value), self.digits))
        return value, error

    def _written(self, value: np.ndarray, error: np.ndarray) -> Errors:
        value, error = np.asarray(value, dtype=float), np.asarray(error, dtype=float)
        exact = (error == 0) & has_digits(value, self.digits)
        return value, np.where(exact, 0.0, error + half_unit(np.abs(value) + error, self.digits))

    def look(self, ref: Ref) -> Errors:
        """A value, and how far off it may be."""
        key = ref.symbol.key
        if key in self.trace.program.by_key and key not in self._found:  # a large one: the part that is asked for
            step = Step(self.trace, self.trace.program.by_key[key], ref.index or None, ref.example)
            return self._written(*spread(step.specialise(step.equation.formula), self.look, self._written))
        if key not in self._found:  # given: parameters, data, settings
            many = math.prod(ref.symbol.shape) > LARGE
            value = np.asarray(self.trace.value(ref if many and not ref.batched else Ref(ref.symbol)), dtype=float)
            few = has_digits(value, max(self.digits, GIVEN))
            found = value, np.where(few, 0.0, half_unit(np.abs(value), self.digits))
            if many and not ref.batched:
                return found
            self._found[key] = found
        value, error = self._found[key]
        if ref.example is not None and ref.symbol.per_example:
            value, error = value[ref.example], error[ref.example]
        if ref.index:
            at = (slice(None),) * (value.ndim - len(ref.index)) + ref.index
            value, error = value[at], error[at]
        return value, error


class _Pass:
    """One pass by the right method, every line off by chance, as far as rounding to so many digits takes it."""

    def __init__(self, bounds: Bounds, chance: np.random.Generator):
        self._bounds, self._chance = bounds, chance
        self._values: dict[str, np.ndarray] = {}

    def line(self, eq: Equation, formula: Expr, shape: tuple[int, ...]) -> np.ndarray:
        """The value of an equation, whose operands were worked out before; undefined ones as they come."""
        found = np.broadcast_to(self._written(self._worked_out(formula)), shape)
        self._values[eq.symbol.key] = found
        return found

    def _worked_out(self, expr: Expr) -> np.ndarray:
        if isinstance(expr, Const):
            return np.asarray(expr.value)
        if isinstance(expr, Ref):
            return self._value(expr)
        assert isinstance(expr, Call)
        parts = [self._worked_out(arg) for arg in expr.args]
        parts = [self._written(part) if isinstance(arg, Call) else part
                 for arg, part in zip(expr.args, parts, strict=True)]  # fmt: skip
        return np.asarray(OPERATORS[expr.op].numpy(expr, *aligned(expr, parts)), dtype=float)

    def _value(self, ref: Ref) -> np.ndarray:
        whole = self._values.get(ref.symbol.key)
        if whole is None:  # given
            value, error = self._bounds.look(ref)
            return value + error * self._chance.uniform(-1, 1, np.shape(value))
        if ref.example is not None and ref.symbol.per_example:
            whole = whole[ref.example]
        return whole[(slice(None),) * (whole.ndim - len(ref.index)) + ref.index] if ref.index else whole

    def _written(self, value: np.ndarray) -> np.ndarray:
        digits = self._bounds.digits
        off = half_unit(np.abs(value), digits) * self._chance.uniform(-1, 1, np.shape(value))
        return np.where(has_digits(value, digits), value, value + off)


@QUIET
def half_unit(size: np.ndarray, digits: int) -> np.ndarray:
    """Half a unit in the last of so many significant digits of numbers of this size (not negative)."""
    found = 0.5 * 10.0 ** (np.floor(np.log10(size)) - (digits - 1))
    return np.where(np.isfinite(found), found, 0.0)


@QUIET
def has_digits(value: np.ndarray, digits: int) -> np.ndarray:
    """Of each number whether so many significant digits say it exactly (but for the noise of floating point)."""
    units = value / (2 * half_unit(np.abs(value), digits))
    found: np.ndarray = (value == 0) | (np.abs(units - np.rint(units)) <= 1e-11 * np.abs(units))
    return found


def spread(expr: Expr, look: Callable[[Ref], Errors], write: Callable[[np.ndarray, np.ndarray], Errors]) -> Errors:
    """A formula's value, and a bound of how far off it is where each leaf is as far off as `look` says.

    What is worked out within it is written down, too (`write`); the whole is not yet.
    """
    if isinstance(expr, Const):
        return np.asarray(expr.value), np.zeros(())
    if isinstance(expr, Ref):
        return look(expr)
    assert isinstance(expr, Call)
    rule, values, errors = OPERATORS[expr.op], [], []
    for arg in expr.args:
        value, error = spread(arg, look, write)
        value, error = write(value, error) if isinstance(arg, Call) else (value, error)
        values.append(value)
        errors.append(np.broadcast_to(error, value.shape))
    with quietly():
        arrays = aligned(expr, values)
        value = np.asarray(rule.numpy(expr, *arrays), dtype=float)
        if not any(np.any(error) for error in errors):
            return value, np.zeros(())
        moved = wobble if rule.elementwise else rule.noise  # of near values rounding may make another one the largest
        return value, np.asarray(moved(expr, value, arrays, aligned(expr, errors)), dtype=float)
