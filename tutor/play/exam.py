"""An exam: a paper with fresh numbers from a seed, a clock if wanted, and no feedback until it is handed in. Pure.

The same seed gives the same paper on every machine. The clock is the caller's: an `Exam` knows the seconds that were
worked on it before, and how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tutor.engine.lesson import Lesson
from tutor.engine.trace import trace
from tutor.play.paper import Box, Checked, Paper, Sheet, is_number
from tutor.questions.drill import variant
from tutor.solutions.files import BLANK
from tutor.solutions.judging import GOOD
from tutor.text.cells import pad, width
from tutor.text.language import say, say_in
from tutor.text.layout import linear

MOST_MINUTES = 600
NOT_ALL = "not all of it"  # what is said of an array that is right as far as it goes
FORMAT = 1  # of the JSON of docs/paper.md


@dataclass(frozen=True)
class Exam:
    """An exam as far as it is done: `lesson` is what the caller opens it by, `used` the seconds worked on it before.

    `paper.checked` is its result, once it is handed in.
    """

    lesson: str
    seed: int
    paper: Paper
    minutes: int | None = None
    used: float = 0.0

    @property
    def handed_in(self) -> bool:
        """Whether it is over."""
        return self.paper.checked is not None

    def left(self, since: float) -> float | None:
        """The seconds that are left after `since` more; None without a clock."""
        return None if self.minutes is None else max(self.minutes * 60 - self.used - since, 0.0)

    def with_paper(self, paper: Paper) -> Exam:
        """With the paper filled in further. It is not checked: an exam says nothing before its end."""
        return self if self.handed_in else replace(self, paper=replace(paper, checked=None))

    def hand_in(self) -> Exam:
        """Judged as it is, once: what is blank has no marks."""
        return self if self.handed_in else replace(self, paper=self.paper.check())

    @property
    def result(self) -> dict[str, Any]:
        """What is kept of it for good, for JSON: the marks in all and by phase."""
        found = self.paper.checked
        assert found is not None, "an exam has its marks when it is handed in"
        return {
            "title": self.paper.sheet.trace.lesson.title,
            "got": found.total.got,
            "of": found.total.of,
            "phases": {phase: [mark.got, mark.of] for phase, mark in found.marks.items()},
        }


def sheet(lesson: Lesson, seed: int, notation: str = "", example: int | None = None) -> Sheet:
    """The empty table of a seed's numbers. Raises Refused where there are too many, or where there is no such example.

    Its numbers are those of the drills: to be computed with on paper.
    """
    return Sheet(trace(variant(lesson, seed)), notation or lesson.notation, example)


def minutes_left(seconds: float) -> str:
    """12:07; rounded up, so that 0:00 is the end."""
    whole = int(-(-seconds // 1))
    return f"{whole // 60}:{whole % 60:02}"


# ---------------------------------------------------------------- the result


def report(sheet: Sheet, found: Checked) -> Iterator[str]:
    """The result in lines: the marks, what is wrong, and the sample solution beside what was given."""
    yield f"{say('{marks} marks.', marks=found.total)} {found.headline}"
    yield from _columns([(say_in("phase", phase), str(mark)) for phase, mark in found.marks.items()], "  ", 8)
    for id, why in found.unread.items():
        yield "  " + say("{id} says no number: {why}", id=id, why=why)
    for verdict in found.diagnosis.arrays:
        if not verdict.cells:
            yield f"  {verdict.name}: {verdict.message}"
    for box in sheet.boxes:
        kind, message = said_of(found, box)
        yield f"{sheet.writer.text(box.ref)} ({box.ref.id}): {say_in('cell', kind)}"
        if kind == "right":
            continue
        if message:
            yield f"    {message}"
        yours = " ".join(found.entries.get(cell, BLANK) for cell in box.cells)
        right = " ".join(sample(sheet, cell) for cell in box.cells)
        yield from _columns([(say_in("exam", "yours"), yours), (say_in("exam", "sample"), right)], "    ", 6)


def _columns(rows: Sequence[tuple[str, str]], indent: str, least: int) -> Iterator[str]:
    """Rows of two, the second below each other."""
    room = max(least, *(width(name) for name, _ in rows)) if rows else least
    for name, text in rows:
        yield f"{indent}{pad(name, room)}  {text}"


def said_of(found: Checked, box: Box) -> tuple[str, str]:
    """What to say of an array: one word, a message in the context "cell", and a sentence.

    Of one example's what is said of the whole, if it is so.
    """
    verdict, kinds = found.of(box), {found.kinds[cell] for cell in box.cells}
    if verdict is None or kinds == {"blank"}:
        return "blank", ""
    word: str = kinds.pop() if len(kinds) == 1 else verdict.verdict
    if verdict.verdict in GOOD and "blank" in kinds:
        return NOT_ALL, ""
    return word, "" if word == "right" else verdict.message


def sample(sheet: Sheet, cell: str, digits: int = 4) -> str:
    """The right number of a cell, as the screen shows numbers."""
    return linear(sheet.writer.value(sheet.step(cell).value, digits))


def as_json(lesson: str, seed: int, sheet: Sheet, found: Checked) -> dict[str, Any]:
    """The contract of docs/paper.md."""
    arrays = []
    for box in sheet.boxes:
        verdict = found.of(box)
        slips = verdict.slips if verdict else ()
        shape = box.equation.symbol.shape
        yours = [found.entries.get(cell, "") for cell in box.cells]
        arrays.append(
            {
                "step": box.ref.id,
                "phase": box.phase,
                "verdict": verdict.verdict if verdict else "blank",
                "message": verdict.message if verdict else "",
                "slips": [{"name": slip.name, "title": slip.title, "at": slip.at} for slip in slips],
                "cells": _nested([found.kinds[cell] for cell in box.cells], shape),
                "yours": _nested([_json(float(text)) if is_number(text) else None for text in yours], shape),
                "sample": _nested([_json(float(sheet.step(cell).value)) for cell in box.cells], shape),
            }
        )
    return {
        "format": FORMAT,
        "lesson": lesson,
        "seed": seed,
        "example": None if sheet.example is None else sheet.example + 1,
        "got": found.total.got,
        "of": found.total.of,
        "phases": {phase: {"got": mark.got, "of": mark.of} for phase, mark in found.marks.items()},
        "first_wrong": found.first,
        "headline": found.headline,
        "arrays": arrays,
        "not_taken": [
            {"name": verdict.name, "verdict": verdict.verdict, "message": verdict.message}
            for verdict in found.diagnosis.arrays
            if not verdict.cells
        ],
    }


def _json(value: float) -> float | None:
    """A number, or null of what is not finite, for which JSON has none."""
    return value if math.isfinite(value) else None


def _nested(flat: Sequence[Any], shape: Sequence[int]) -> Any:
    if not shape:
        return flat[0]
    size = len(flat) // shape[0]
    return [_nested(flat[at * size : (at + 1) * size], shape[1:]) for at in range(shape[0])]
