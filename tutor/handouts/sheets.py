"""Sheets to fill on paper, and their keys: what stands on them, as blocks that any format writes (`documents.py`).

A sheet is one variant of a lesson: the network's picture, what is given, and questions with room for their answers, or
the whole pass as a table of empty cells. The key has each answer with its working and, for a marker, the number that
each named slip gives.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from tutor.engine.expressions import Ref
from tutor.engine.lesson import Lesson
from tutor.engine.trace import Trace, trace
from tutor.handouts.asked import MOST_NUMBERS, Asked, asked, items_of, numbered
from tutor.pictures.drawing import Drawing, drawing_of
from tutor.text.conventions import conventions
from tutor.text.explain import Explainer
from tutor.text.grids import grid_of
from tutor.text.language import say, say_in
from tutor.text.layout import linear, number
from tutor.text.words import capital
from tutor.text.writer import Writer

QUESTIONS = 6  # on a sheet, unless somebody says
MOST_CELLS = 400  # of a whole pass that are asked for on paper


class SheetTooLarge(ValueError):
    """A lesson of which nobody fills the whole pass on paper; str() says how many cells it has."""


# ---------------------------------------------------------------- blocks


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the sheet's own and begins a page."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; with `mathematics` a formula on a line of its own."""

    text: str
    mathematics: bool = False


@dataclass(frozen=True)
class Picture:
    """The network or circuit."""

    drawing: Drawing


@dataclass(frozen=True)
class Table:
    """Rows of short texts; `head` is their first, if there is one."""

    rows: tuple[tuple[str, ...], ...]
    head: tuple[str, ...] = ()


@dataclass(frozen=True)
class Room:
    """Room to write: so many empty lines."""

    lines: int


@dataclass(frozen=True)
class CellGrid:
    """A name and its cells, `rows` × `columns`: empty, or with their numbers."""

    name: str
    rows: int
    columns: int
    cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class Points:
    """A list of short paragraphs."""

    items: tuple[str, ...]


Block = Heading | Paragraph | Picture | Table | Room | CellGrid | Points


# ---------------------------------------------------------------- a sheet and its key


@dataclass(frozen=True)
class SheetVariant:
    """One variant: `code` is on the sheet and in the key, `blocks` are to be filled, `key` has the answers."""

    code: str
    name: str
    blocks: tuple[Block, ...]
    key: tuple[Block, ...]


def sheet(
    lesson: Lesson,
    number: int,
    seed: int,
    notation: str,
    count: int | None = None,
    whole: bool = False,
    name: str = "",
    own: bool = False,
) -> SheetVariant:
    """Sheet `number` of a lesson: so many questions (None: what the lesson says, or `QUESTIONS`), or the `whole` pass.

    Its numbers are drawn from seed and number; with `own` they are the lesson's. Raises SheetTooLarge.
    """
    drawn = 0 if own else number
    count = count or (None if lesson.quiz.count or lesson.quiz.only == "author" else QUESTIONS)
    code = code_of(lesson, seed, drawn, notation, None if whole else count)
    whose = say("Sheet {code} · Name: {name}", code=code, name=name or "_" * 30)
    head: list[Block] = [Heading(lesson.title, 1), Paragraph(whose)]
    body: list[Block]
    key: list[Block]
    if whole:
        here = trace(numbered(lesson, seed, drawn))
        body, key = list(_pass(here, notation, filled=False)), list(_pass(here, notation, filled=True))
    else:
        items = items_of(lesson, count, seed, notation, drawn)
        here = items[0].step.trace
        questions = [asked(item, items) for item in items]
        body = [block for at, question in enumerate(questions, 1) for block in _blank(at, question)]
        key = [block for at, question in enumerate(questions, 1) for block in _answered(at, question)]
    said = Points(tuple(conventions(here, notation)))
    given: list[Block] = [Picture(drawing_of(here, notation)), Heading(say("Given")), _given(here, notation), said]
    heading = Heading(say("Key to sheet {code}: {title}", code=code, title=lesson.title), 1)
    named: list[Block] = [Paragraph(name)] if name else []
    return SheetVariant(code, name, (*head, *given, *body), (heading, *named, *key))


def code_of(lesson: Lesson, seed: int, number: int, notation: str, count: int | None) -> str:
    """Four letters and digits that tell a sheet from the others of a class; the same for the same sheet."""
    said = f"{lesson.id} {seed} {number} {notation} {count}".encode("utf-8", "backslashreplace")
    return base64.b32encode(hashlib.sha256(said).digest()).decode()[:4]


def _given(here: Trace, notation: str) -> Table:
    """What the iteration starts from: data, parameters, an optimiser's memory and settings; if large, its shape."""
    writer, rows = Writer(here.lesson, notation), []
    given = [symbol for key, symbol in here.program.symbols.items() if key not in here.program.by_key]
    trained = {symbol.id for symbol in here.program.model.parameters}
    for symbol in sorted(given, key=lambda s: (s.quantity == "hyper", s.id in trained)):  # the data first
        for example in range(here.examples) if symbol.per_example else (None,):
            ref = Ref(symbol, None, example)
            value = np.asarray(here.value(ref))
            said = linear(writer.value(value), MOST_NUMBERS)
            rows.append((writer.text(ref), said if value.size <= MOST_NUMBERS else " × ".join(map(str, value.shape))))
    return Table(tuple(rows))


# ---------------------------------------------------------------- questions


def _blank(at: int, question: Asked) -> Iterator[Block]:
    yield Heading(f"{at}", 3)
    yield Paragraph(question.on_paper)
    if question.given:
        yield Table(question.given)
    if question.choices:
        yield Points(tuple(f"☐ {choice.text}" for choice in question.choices))
    elif question.item.choices:
        yield Points(tuple(f"{n}. {text}" for n, text in enumerate(question.item.choices, 1)))
        yield Room(1)
    elif question.item.kind == "matrix":
        rows, columns = grid_of(question.item.step.shape)
        yield CellGrid(question.item.writer.text(question.item.step.ref), rows, columns)
        yield Room(2)
    else:
        yield Room(3)


def _answered(at: int, question: Asked) -> Iterator[Block]:
    yield Heading(f"{at}", 3)
    yield Paragraph(question.on_paper)
    for line in dict.fromkeys(question.working):
        yield Paragraph(line, mathematics=" = " in line)
    yield Paragraph(say("Answer: {answer}", answer=question.answer))
    wrong = [(mistake.answer, mistake.title) for mistake in question.mistakes]
    wrong += [(choice.text, choice.says) for choice in question.choices if not choice.right and choice.says]
    if wrong:
        yield Table(tuple(wrong), (say("who has"), say("made this mistake")))


# ---------------------------------------------------------------- the whole pass


def _pass(here: Trace, notation: str, filled: bool) -> Iterator[Block]:
    """Every value of the pass, phase by phase: its cells, empty or filled; filled, with its formula."""
    steps = list(here.steps("matrix"))
    cells = sum(math.prod(step.shape) for step in steps)
    if cells > MOST_CELLS:
        raise SheetTooLarge(
            say(
                "its pass has {n} numbers; on paper {most} are bearable: take --questions",
                n=f"{cells:,}",
                most=MOST_CELLS,
            )
        )
    writer = Writer(here.lesson, notation)
    explain = Explainer(writer)
    for phase, group in groupby(steps, key=lambda step: step.phase):
        yield Heading(capital(say_in("phase", phase)))
        for step in group:
            if filled:
                yield Paragraph(f"{writer.text(step.ref)} = {linear(writer.formula(step.formula))}", mathematics=True)
            else:
                yield Paragraph(explain.title(step))
            rows, columns = grid_of(step.shape)
            digits = [number(float(value), step.digits) for value in np.ravel(np.asarray(step.value))]
            yield CellGrid(writer.text(step.ref), rows, columns, tuple(digits) if filled else ())


def sheets(
    lessons: Sequence[Lesson],
    names: Sequence[str],
    variants: int,
    seed: int,
    notation: str,
    count: int | None,
    whole: bool = False,
) -> list[SheetVariant]:
    """Sheets of each lesson: one for each name, or so many; without variants one with the lesson's own numbers."""
    found = []
    for lesson in lessons:
        for at in range(1, max(len(names), variants, 1) + 1):
            name = names[at - 1] if at <= len(names) else ""
            own = not variants and not names
            found.append(sheet(lesson, at, seed, notation or lesson.notation, count, whole, name, own))
    return found
