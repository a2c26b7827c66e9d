"""A question as lines: what was said of it, its grid, its choices, what is known; a quiz's report."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tutor.engine.expressions import Ref
from tutor.questions.attempt import Asking, Said
from tutor.questions.grading import Verdict
from tutor.questions.items import Item
from tutor.questions.quiz import MOST_NEEDED, Marked, known, needed
from tutor.text.card import Scribe
from tutor.text.cells import cut, pad, width, window
from tutor.text.conventions import plan
from tutor.text.grids import grid_of, index_of
from tutor.text.language import say, say_many
from tutor.text.layout import linear
from tutor.text.writer import Writer
from tutor.tui.lines import Line, line
from tutor.tui.views import wrapped

if TYPE_CHECKING:
    pass


VERDICT_MARKS = {"correct": "✓", "rounded": "≈", "imprecise": "≈", "not-understood": "?", "hint": "→", "answer": "=",
                 "scratch": "="}  # fmt: skip
SAID_STYLES = {"correct": "value", "you": "heading", "hint": "note", "scratch": "numbers", "left": "dim",
               "wrong-formula": "error", "right-formula": "value", "answer": "value"}  # fmt: skip


@dataclass(frozen=True)
class TypedGrid:
    """The cells of a vector or matrix as they are typed, row by row, which one is edited, and what is said of them."""

    cells: tuple[str, ...]
    at: int
    note: str = ""


def question_lines(
    asking: Asking, title: str, columns: int, grid: TypedGrid | None = None, rows: int = 48
) -> list[Line]:
    """What is asked, of what formula where the lesson gives one; the step's own numbers are not in it."""
    lines = [*(line(part, "title") for part in textwrap.wrap(title, max(columns, 12))), line()]
    lines += wrapped(asking.item.prompt, columns, "heading")
    lines += [row for text in context(asking.item) for row in wrapped(text, columns, "formula", "  ")]
    return [*lines, *choice_lines(asking.item, columns), *grid_lines(asking.item, grid, columns, asking.last, rows)]


def context(item: Item) -> list[str]:
    """The lines of a circuit that a number is asked about: how it is defined, or who uses it."""
    trace, symbol = item.step.trace, item.step.equation.symbol
    if trace.program.model.layers or item.kind not in ("value", "number") or item.by_author:
        return []
    writer = item.writer
    users = trace.program.gates_back(symbol.wrt) if symbol.wrt else []
    about = [eq for eq in trace.equations if eq.phase == "forward" and (eq.symbol == symbol or eq in users)]
    return [f"{writer.text(Ref(eq.symbol))} = {linear(writer.formula(eq.formula), 9)}" for eq in about]


def asking_lines(
    asking: Asking, title: str, columns: int, grid: TypedGrid | None = None, rows: int = 48
) -> tuple[list[Line], range]:
    """A question with what was said about it, the last first; and which of the lines that last is."""
    lines = question_lines(asking, title, columns, grid, rows)
    if not asking.said:
        return lines, range(len(lines))
    last, *earlier = reversed(exchanges(asking))
    said = said_lines(last, columns)
    seen = range(len(lines) + 1, len(lines) + 1 + len(said))
    lines += [line(), *said]
    for each in earlier:
        lines += [line(), *said_lines(each, columns)]
    return lines, seen


def done_lines(asking: Asking, following: str, columns: int) -> tuple[list[Line], list[Line]]:
    """A question that is done: its verdict, what comes next and the last words; and what was said before them."""
    mark, words = verdict_words(asking)
    style = "value" if mark == "✓" else "heading"
    lines = [*wrapped(f"{mark} {words}", columns, style), *wrapped(following, columns, "key")]
    parts = exchanges(asking)
    lines += [line(), *said_lines(parts[-1], columns)]
    earlier = [row for each in reversed(parts[:-1]) for row in (line(), *said_lines(each, columns))]
    return lines, [line(), line(say("Said before"), "dim"), *earlier] if earlier else []


def verdict_words(asking: Asking) -> tuple[str, str]:
    """The mark and the words for how a question stands, short enough for one line: never to be scrolled away."""
    answer = "; ".join(asking.item.told.split("\n"))
    left = say_many(asking.left, "{n} try left", "{n} tries left")
    if asking.done:
        if asking.tried and asking.last is not None and asking.last.correct:
            return "✓", asking.last.message
        if asking.tried and asking.last is not None and asking.last.free:
            return "✓", say("The method is right. It is {answer}.", answer=answer)
        return (
            ("✗", say("No try is left. It is {answer}.", answer=answer))
            if asking.tried
            else ("→", say("Shown. It is {answer}.", answer=answer))
        )
    if not asking.said:
        return "", left
    kind = next(said.kind for said in reversed(asking.said) if said.kind not in ("wrong-formula", "right-formula"))
    if kind == "hint":
        return "→", say("hint {rung} · {left}", rung=asking.rung, left=left)
    if kind == "scratch":
        return "=", say("computed, no try lost · {left}", left=left)
    if kind == "not-understood" or asking.last is None:
        return "?", say("not understood, no try lost · {left}", left=left)
    return (
        ("≈", say("nearly, no try lost · {left}", left=left))
        if asking.last.free
        else ("✗", say("not right yet · {left}", left=left))
    )


def exchanges(asking: Asking) -> list[list[Said]]:
    """What was said, in pieces: a try with what was said to it, a hint, the answer that was asked for."""
    found: list[list[Said]] = []
    for before, said in itertools.pairwise((None, *asking.said)):
        assert said
        shown = said.kind == "answer" and (
            before is None or before.kind in ("left", "hint", "scratch", "not-understood")
        )
        if before is None or said.kind in ("you", "hint") or shown:
            found.append([])
        found[-1].append(said)
    return found


def said_lines(exchange: Iterable[Said], columns: int) -> list[Line]:
    """The learner's words and what the tutor said to them."""
    lines: list[Line] = []
    for said in exchange:
        style = SAID_STYLES.get(said.kind, "")
        if said.kind == "you":
            lines += wrapped(said.text or say("(nothing)"), columns, style, say("you  "))
        else:
            mark = VERDICT_MARKS.get(said.kind, " " if said.kind in ("left", "right-formula", "wrong-formula") else "✗")
            first, *more = wrapped(said.text, columns, style, "     ") or [line()]
            lines += [Line(((f"  {mark}  ", "dim"), *first.spans[1:])), *more]
    return lines


def known_lines(item: Item, items: list[Item], columns: int) -> list[Line]:
    """What a question of a quiz may be worked out from: the plan, then a value a line, wrapped where it is long."""
    if item.alone:
        said = say("The question says all that it needs. What you leave open (tab) counts as not known.")
        return wrapped(said, columns, "dim")
    trace = item.step.trace
    writer = Scribe(trace, trace.lesson.notation).writer
    lines = [row for text in plan(trace, trace.lesson.notation) for row in wrapped(text, columns)]
    first = needed_lines(item, items, writer, columns)
    lines = [*first, line(), *lines] if first else lines
    lines.append(line())
    for ref in known(item, items):
        text = f"{writer.text(ref)} = {linear(writer.value(trace.value(ref)), 9)}"
        lines += [line(part, "numbers") for part in textwrap.wrap(text, max(columns, 12), subsequent_indent="    ")]
    return lines


def needed_lines(item: Item, items: list[Item], writer: Writer, columns: int) -> list[Line]:
    """The values that a question is worked out from, a line each: they stand before all that is known besides."""
    trace, lines = item.step.trace, []
    found = needed(item, items)
    size = max((width(writer.text(ref)) for ref in found), default=0)
    for ref in found:
        value = linear(writer.value(trace.value(ref), max(item.step.digits, 4)), 9)
        text = f"{pad(writer.text(ref), size)} = {value}"
        lines += [line(part, "value") for part in textwrap.wrap(text, max(columns, 12), subsequent_indent="    ")]
    if len(found) == MOST_NEEDED < len(item.step.operands):
        lines.append(line(say("… and {n} more", n=f"{len(item.step.operands) - MOST_NEEDED:,}"), "dim"))
    return lines


def grid_lines(
    item: Item, grid: TypedGrid | None, columns: int, last: Verdict | None = None, height: int = 48
) -> list[Line]:
    """For a whole vector or matrix: its cells as they are typed, with the verdict on each of the last try.

    A window round the cell that is edited, where there is no room for all.
    """
    shape = item.step.shape
    if grid is None or not shape:
        return []
    rows, wide = grid_of(shape)
    size = min(max(8, *(width(cell) for cell in grid.cells)), 20)
    row, column = divmod(grid.at, wide)
    top, left = (
        window(row, rows, _grid_rows(height)),
        window(column, wide, max(1, (columns - 2) // (size + 4))),
    )
    marks = [VERDICT_MARKS.get(cell.kind, "✗") for cell in getattr(last, "cells", ())] or [" "] * len(grid.cells)
    lines = [line()]
    for i in top:
        spans: list[tuple[str, str]] = [("  ", "")]
        for j in left:
            at = i * wide + j
            text = grid.cells[at] or "·"
            here = at == grid.at
            style = "cell" if here else "value" if grid.cells[at] else "dim"
            spans += [("▸" if here else " ", "key"), (pad(cut(text, size), size), style), (f"{marks[at]} ", "dim")]
        lines.append(Line(tuple(spans)))
    if grid.note:
        lines += wrapped(f"  {grid.note}", columns, "error")
    name = "[" + ", ".join(str(i + 1) for i in index_of(row, column, shape)) + "]"
    lines.append(
        line(
            say("  cell {name} of {sizes}; ← ↑ ↓ → walk, Enter goes on", name=name, sizes=" × ".join(map(str, shape))),
            "dim",
        )
    )
    return lines


def _grid_rows(height: int) -> int:
    """How many rows of a grid are in sight: the verdict has to be, too."""
    return 8 if height >= 30 else 5 if height >= 22 else 3


def choice_lines(item: Item, columns: int) -> list[Line]:
    """The numbered choices of a question."""
    lines: list[Line] = []
    for number_, choice in enumerate(item.choices, start=1):
        parts = textwrap.wrap(choice, max(columns - 6, 12)) or [""]
        lines += [line(f"{f'{number_}.' if at == 0 else '':>4} {part}") for at, part in enumerate(parts)]
    return lines


def report_lines(marked: list[Marked], columns: int) -> list[Line]:
    """A quiz's report: every question with what was given, the verdict and the worked step."""
    lines: list[Line] = []
    for number_, entry in enumerate(marked, start=1):
        good = entry.verdict is not None and entry.verdict.correct
        sign = "✓" if good else "✗" if entry.verdict else "–"
        lines += wrapped(f"{sign} {number_}. {entry.item.prompt}", columns, "heading")
        if entry.verdict is None:
            lines.append(line(say("    not answered"), "dim"))
        else:
            lines += wrapped(say("you: {given}", given=entry.given), columns, "value" if good else "", "    ")
            lines += wrapped(entry.verdict.message, columns, "" if good else "error", "    ")
        if not good:
            lines += [row for hint in entry.item.hints[1:] for row in wrapped(hint, columns, "numbers", "    ")]
        lines.append(line())
    return lines
