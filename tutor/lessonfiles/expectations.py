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
from tutor.lessonfiles.decimal_commas import advice_with
from tutor.lessonfiles.positions import Keys, Problem, Source
from tutor.text.language import said, say, say_many


def expectations(lesson: Lesson, source: Source, run: Run) -> Iterator[Problem]:
    """The expectations that do not hold; a run goes through their iterations in order."""
    for expect in sorted(lesson.expect, key=lambda expect: expect.iteration):
        where = ("expect", expect.at)
        if run.last is not None and expect.iteration > run.last:
            message = say("the lesson is not trained: its only iteration is 1")
            yield source.problem((*where, "iteration"), message, say("give it a [training] table"))
            continue
        found = run.iteration(expect.iteration)
        assert found is not None
        here = Trace(lesson, found)
        try:
            equation, index, example = resolve(here.program, expect.step)
        except NoSuchStep as error:
            yield source.problem((*where, "step"), said(error))
            continue
        if equation.symbol.per_example and example is None:
            message = say("'{step}' is not one value: the batch has {n} examples", step=expect.step, n=here.examples)
            yield source.problem((*where, "step"), message, say("say which: {step}", step=f"{expect.step}@1"))
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
    try:
        shape, ragged = np.array(expect.value, dtype=float).shape, expect.value == []
    except ValueError:  # NumPy's word for rows of different lengths
        shape, ragged = (), True
    if true.size == 1 and shape == () and not ragged:
        true = true.reshape(())
    if ragged or shape != true.shape:
        message = say("'{step}' is {size}; value has another shape", step=expect.step, size=_size(true.shape))
        advice = say(
            "it is {size} here: {advice}",
            size=say("a list of rows of different lengths") if ragged else _size(shape),
            advice=_other_shape(expect.step, shape, true.shape),
        )
        yield source.problem(path, message, advice_with(advice, source.written(path), true.shape))
        return
    wanted = np.asarray(expect.value, dtype=float)
    at = {index: (*path, *index) for index in np.ndindex(true.shape)}
    written = {index: source.written(at[index]) for index in at}

    def fails(values: np.ndarray) -> list[tuple[int, ...]]:
        return [i for i in at if not holds(written[i], float(values[i]), expect.tolerance, expect.cut_off)]

    off = fails(true)
    if not off:
        return
    advice = say("expected by: {source}", source=" ".join(expect.source.split()))
    if true.ndim == 2 and true.shape[0] == true.shape[1] and not fails(true.T):
        swapped = say(
            "rows and columns are exchanged: a row is a unit where the weights come from"
            if turned
            else "rows and columns are exchanged: a row is a unit that is led to"
        )
        message = say("'{step}' is the transpose of this", step=expect.step)
        yield source.problem(path, message, f"{swapped}; {advice}")
        return
    if len(off) > 1 and not fails(-true):
        message = say("'{step}' has the opposite sign, each number of it", step=expect.step)
        yield source.problem(path, message, advice)
        return
    for index in off[:MOST_TOLD]:
        place = f"[{','.join(str(i + 1) for i in (index[::-1] if turned else index))}]" if index else ""
        digits = len(written[index].lower().partition("e")[0].replace(".", "").replace("-", "").lstrip("0"))
        tries = (f"{float(true[index]):.{n}g}" for n in range(min(max(digits + 2, 4), 15), 18))
        shown = next((text for text in tries if float(text) != wanted[index]), written[index])  # -5.0000001, not -5
        message = say(
            "'{step}' in iteration {iteration} is {true}, not {wanted}"
            if expect.iteration > 1
            else "'{step}' is {true}, not {wanted}",
            step=f"{expect.step}{place}", iteration=expect.iteration, true=shown, wanted=written[index],
        )  # fmt: skip
        if (more := len(off) - MOST_TOLD) > 0 and index == off[MOST_TOLD - 1]:
            message = say("{message} (and {n} more of its numbers are others)", message=message, n=f"{more:,}")
        yield source.problem(at[index], message, advice)


MOST_TOLD = 3  # numbers of one expectation that are told one by one


def _size(shape: tuple[int, ...]) -> str:
    """How a message says a shape."""
    if not shape:
        return say("one number")
    if len(shape) == 1:
        return say_many(shape[0], "a vector of {n} number", "a vector of {n} numbers")
    return " × ".join(map(str, shape))


def _other_shape(step: str, given: tuple[int, ...], true: tuple[int, ...]) -> str:
    """What to do about a value of another shape."""
    if not true:
        return say("write one number")
    if len(true) == 2 and given == true[::-1]:
        return say("rows and columns are exchanged")
    if len(true) == 2 and len(given) == 1:
        return say("a matrix is a list of rows: [[1, 2], [3, 4]], of a single row [[1, 2]]")
    if len(true) == 1 and len(given) == 2:
        return say("a vector is one list of numbers: [1, 2]")
    return say("name an element, such as {element}", element=f"{step}[{','.join('1' for _ in true)}]")


def holds(written: str, true: float, tolerance: float | None = None, cut_off: bool = False) -> bool:
    """Whether a number is what was written, to the digits given: half a unit in the last of them.

    A whole number without a point or an exponent is meant exactly (as far as floating point goes). With a `tolerance`
    it may be so far off, whatever the digits; `cut_off`: further digits were dropped, towards 0.
    """
    if written == "-inf" or not np.isfinite(true):
        return written == "-inf" and true == -np.inf  # what a mask blocks
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
