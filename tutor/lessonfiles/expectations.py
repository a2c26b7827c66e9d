"""Whether the numbers that a lesson stands for, worked out elsewhere, are those that the tutor computes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from tutor.engine.expressions import Ref
from tutor.engine.lesson import Expect, Lesson
from tutor.engine.model import Equation
from tutor.engine.run import Run
from tutor.engine.trace import NoSuchStep, Trace, resolve
from tutor.lessonfiles.positions import Keys, Problem, Source


def expectations(lesson: Lesson, source: Source, run: Run) -> Iterator[Problem]:
    """The expectations that do not hold; a run goes through their iterations in order."""
    for expect in sorted(lesson.expect, key=lambda expect: expect.iteration):
        where = ("expect", expect.at)
        if run.last is not None and expect.iteration > run.last:
            message = "the lesson is not trained: its only iteration is 1"
            yield source.problem((*where, "iteration"), message, "give it a [training] table")
            continue
        found = run.iteration(expect.iteration)
        assert found is not None
        here = Trace(lesson, found)
        try:
            equation, index, example = resolve(here.program, expect.step)
        except NoSuchStep as error:
            yield source.problem((*where, "step"), str(error))
            continue
        if equation.symbol.per_example and example is None:
            message = f"'{expect.step}' is not one value: the batch has {here.examples} examples"
            yield source.problem((*where, "step"), message, f"say which: {expect.step}@1")
            continue
        true = np.asarray(here.value(Ref(equation.symbol, index, example)), dtype=float)
        turned = is_turned(lesson) and index is None and _of_weights(equation)
        yield from _compared(expect, source, true, turned)


def is_turned(lesson: Lesson) -> bool:
    """Whether the file has its matrices of weights as x·W: then those that are expected, too."""
    return lesson.network is not None and lesson.network.layout == "from_to"


def _of_weights(equation: Equation) -> bool:
    """Whether a value has the shape of a matrix of weights, as its gradient, its new value and its memory have."""
    wrt = equation.symbol.wrt
    return wrt is not None and wrt.quantity == "weights" and equation.symbol.shape == wrt.shape


def _compared(expect: Expect, source: Source, true: np.ndarray, turned: bool = False) -> Iterator[Problem]:
    """What does not hold of an expectation; `turned`: the file has a matrix the other way round."""
    true = true.T if turned else true
    path: Keys = ("expect", expect.at, "value")
    ragged = isinstance(expect.value, list) and len({np.shape(row) for row in expect.value}) != 1
    shape = () if not isinstance(expect.value, list) or ragged else np.shape(expect.value)
    size = " × ".join(map(str, true.shape)) or "one number"
    if true.size == 1 and shape == ():
        true = true.reshape(())
    if ragged or shape != true.shape:
        advice = "name an element, such as " + expect.step + "[" + ",".join("1" for _ in true.shape) + "]"
        given = "a list of rows of different lengths" if ragged else " × ".join(map(str, shape)) or "one number"
        message = f"'{expect.step}' is {size}; value has another shape"
        advice = f"it is {given} here: {advice if true.shape else 'write one number'}"
        yield source.problem(path, message, advice)
        return
    for index in np.ndindex(true.shape):
        at = (*path, *index)
        written = source.written(at)
        if not holds(written, float(true[index]), expect.tolerance, expect.cut_off):
            place = f"[{','.join(str(i + 1) for i in (index[::-1] if turned else index))}]" if index else ""
            digits = len(written.lower().partition("e")[0].replace(".", "").replace("-", "").lstrip("0"))
            wanted = float(np.asarray(expect.value, dtype=float)[index])
            tries = (f"{float(true[index]):.{n}g}" for n in range(min(max(digits + 2, 4), 15), 18))
            shown = next((text for text in tries if float(text) != wanted), written)  # -5.0000001, not -5
            later = f" in iteration {expect.iteration}" if expect.iteration > 1 else ""
            message = f"'{expect.step}{place}'{later} is {shown}, not {written}"
            yield source.problem(at, message, f"expected by: {' '.join(expect.source.split())}")


def holds(written: str, true: float, tolerance: float | None = None, cut_off: bool = False) -> bool:
    """Whether a number is what was written, to the digits given: half a unit in the last of them.

    A whole number without a point or an exponent is meant exactly (as far as floating point goes). With a `tolerance`
    it may be so far off, whatever the digits; `cut_off`: further digits were dropped, towards 0.
    """
    if not np.isfinite(true):
        return False
    if re.fullmatch(r"[+-]?0[xXoObB]\w+", written):
        return true == int(written, 0)
    power = written.replace("_", "").lower().partition("e")[2].lstrip("+-0")
    if len(power) > 3:  # beyond every float64, or 0: its digits say nothing
        return true == float(written.replace("_", ""))
    value = Decimal(written.replace("_", ""))
    noise = Decimal("1e-14") * abs(value)
    if tolerance is not None:
        return abs(Decimal(true) - value) <= Decimal(repr(tolerance)) + noise
    if cut_off:
        unit = Decimal(1).scaleb(int(value.as_tuple().exponent))
        size = Decimal(true) if value > 0 else -Decimal(true) if value < 0 else abs(Decimal(true))
        return abs(value) - noise <= size < abs(value) + unit
    if value == value.to_integral_value() and not re.search("[.eE]", written):
        off = Decimal("1e-12") * max(abs(value), Decimal(1))
    else:
        exponent = value.as_tuple().exponent
        assert isinstance(exponent, int)
        off = Decimal(5).scaleb(exponent - 1) + Decimal("1e-14") * abs(value)
    return abs(Decimal(true) - value) <= off
