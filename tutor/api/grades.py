"""Grades: what somebody answers to "what is this value?", a text or numbers, one or a whole array."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tutor.engine.expressions import Ref, Symbol
from tutor.engine.trace import Step, Trace
from tutor.lessonfiles.array_files import BRAIN
from tutor.questions.authored import graded_item
from tutor.questions.diagnosis import compare, marked
from tutor.questions.items import MAX_CELLS, item_of_cells
from tutor.questions.question import DIGITS
from tutor.solutions.files import Handed
from tutor.solutions.judging import Kind, diagnose
from tutor.solutions.naming import EACH
from tutor.text.language import N_, say
from tutor.text.writer import Writer

Number = float | np.ndarray  # a float for one number, else a float64 array
Own = Sequence[tuple[Step, np.ndarray]]  # earlier values of one's own, of the shape of their steps
_KINDS: dict[Kind, str] = {"right": "correct", "slip": "misconception", "shape": "wrong"}


def number_of(value: Any) -> Number:
    """A float of one number, else an array of one's own."""
    return float(value) if np.ndim(value) == 0 else np.array(value, dtype=float)


def handed(name: str, value: Any) -> Handed:
    """Somebody's array, as finely as its own type can hold: a float32 that is right to five digits is right.

    Raises TypeError for what is no numbers.
    """
    brain = "bfloat16" in str(getattr(value, "dtype", ""))  # which NumPy has not
    for move in ("detach", "cpu"):
        value = getattr(value, move)() if hasattr(value, move) else value
    if brain or not hasattr(value, "__array__"):
        value = value.tolist() if hasattr(value, "tolist") else value
    try:
        found = np.asarray(value)
        found = found if found.dtype.kind in "fiub" else found.astype(float)
    except (ValueError, TypeError):
        raise TypeError(say("numbers are needed here, not {type}", type=type(value).__name__)) from None
    array = Handed.of(name, found)
    return replace(array, digits=BRAIN) if brain else array


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer. `kind` as docs/grading.md lists them: "correct", "misconception", "carried" ...

    `misconception` is the id of the mistake that gives exactly this number or this array (of an array also what
    docs/diagnose.md has besides), None where none does; of one number `right` and `wrong` are then the formulas side by
    side, with [brackets] round what differs. `given` is the number that was read, or the array.
    """

    kind: str
    message: str
    misconception: str | None
    expected: Number
    given: Number | None
    right: str | None
    wrong: str | None

    @property
    def correct(self) -> bool:
        """Whether it counts as right: exactly, or the right method rounded on the way."""
        return self.kind in ("correct", "rounded")


def graded(step: Step, writer: Writer, answer: Any, given: Mapping[str, Any]) -> Verdict:
    """The verdict on an answer to a step; `given` has own earlier values by id. Raises as `Step.grade` says."""
    own = [(step.trace.find(id), np.asarray(value, dtype=float)) for id, value in given.items()]
    for at, (before, value) in enumerate(own):
        if value.shape != before.shape and not value.size == math.prod(before.shape) == 1:
            told = N_("'{id}' has the shape {shape}, not {given}")
            raise ValueError(say(told, id=before.id, shape=before.shape, given=value.shape))
        own[at] = (before, value.reshape(before.shape))
    if math.prod(step.shape) == 1:
        step = step if step.index is not None else step.at((0,) * len(step.shape))
        text = answer if isinstance(answer, str) else repr(float(handed(step.id, answer).values.reshape(())))
        return _of_number(step, writer, text, _by_element(own))
    if isinstance(answer, str):
        return _of_table(step, writer, answer, _by_element(own))
    return _of_array(step, writer, answer, own)


def _by_element(own: Own) -> dict[str, float]:
    """Own values by the ids of single numbers."""
    found: dict[str, float] = {}
    for step, value in own:
        for place in np.ndindex(*step.shape):
            found[step.id if step.index is not None else step.at(place).id] = float(value[place])
    return found


def _of_number(step: Step, writer: Writer, text: str, own: Mapping[str, float]) -> Verdict:
    item = graded_item(step, writer)
    verdict, question = item.grade(text, own), item.question
    beside = compare(question, verdict.slips[0]) if question and verdict.slips else None
    return Verdict(
        kind=verdict.kind,
        message=verdict.message,
        misconception=verdict.misconception,
        expected=float(step.value),
        given=verdict.value,
        right=marked(beside.right) if beside else None,
        wrong=marked(beside.wrong) if beside else None,
    )


def _of_table(step: Step, writer: Writer, text: str, own: Mapping[str, float]) -> Verdict:
    """Of a text for all numbers of a step: cell by cell, as a grid that is filled in."""
    many = math.prod(step.shape)
    verdict = item_of_cells(step, writer, DIGITS).grade(text, own) if many <= MAX_CELLS else None
    if verdict is None or verdict.kind == "not-understood":
        element = Ref(step.equation.symbol, (0,) * len(step.shape)).id
        told = N_("'{id}' has {n} values: name one, such as {element}, or give them all as an array")
        raise ValueError(say(told, id=step.id, n=many, element=element))
    read = [cell.value for cell in verdict.cells]
    given = None if None in read else np.reshape(np.array(read, dtype=float), step.shape)
    return Verdict(verdict.kind, verdict.message, verdict.misconception, number_of(step.value), given, None, None)


def _of_array(step: Step, writer: Writer, answer: Any, own: Own) -> Verdict:
    """Of numbers for a whole step: what `diagnose` says of them, after the own values."""
    array = handed(step.id, answer)
    if step.equation.symbol.quantity == "local":  # which no solution has
        return _of_table(step, writer, repr(array.values.tolist()), _by_element(own))
    symbol, example = step.equation.symbol, step.example
    arrays = [*_arrays(step.trace, own, example), replace(array, name=_name(symbol))]
    found = diagnose(step.trace, arrays, example, {array.name: array.name for array in arrays})
    said = found.arrays[-1]
    return Verdict(
        kind=_KINDS.get(said.verdict, said.verdict),
        message=f"{said.message} {found.read}".strip(),
        misconception=said.slips[0].name if said.slips else None,
        expected=number_of(step.value),
        given=array.values.copy(),
        right=None,
        wrong=None,
    )


def _name(symbol: Symbol) -> str:
    return symbol.id + EACH * symbol.per_example


def _arrays(trace: Trace, own: Own, example: int | None) -> Iterator[Handed]:
    """Own values as whole arrays, of one example or of all, with blanks where none was given."""
    whole: dict[str, np.ndarray] = {}
    for step, value in own:
        symbol = step.equation.symbol
        each = symbol.per_example and example is None
        if symbol.per_example and example not in (None, step.example):
            continue
        shape = (trace.examples, *symbol.shape) if each else symbol.shape
        values = whole.setdefault(_name(symbol), np.full(shape, np.nan))
        values[(*((step.example,) if each else ()), *(step.index or ()))] = value
    for name, values in whole.items():
        blank = np.isnan(values)
        yield Handed(name, values, missing=blank if np.any(blank) else None)
