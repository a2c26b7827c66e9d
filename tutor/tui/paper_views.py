"""A paper as lines: the table of its cells by phase, its marks, and the sample solution once it is handed in."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tutor.play.exam import said_of
from tutor.play.exam import sample as right
from tutor.play.paper import Box, Paper, Sheet, given, told
from tutor.solutions.cells import BAD, CellKind
from tutor.text.cells import cut, pad, width
from tutor.text.language import N_, say_in
from tutor.text.layout import Matrix, draw
from tutor.tui.lines import Line, line
from tutor.tui.views import wrapped

MARKS: dict[CellKind, tuple[str, str]] = {  # what was said of a cell
    "right": ("✓", "mark"), "rounded": ("≈", "mark"), "carried": ("→", "value"), "rough": ("~", "value"),
    "slip": ("✗", "error"), "wrong": ("✗", "error"), "blank": (" ", "dim"),
}  # fmt: skip
LEGEND = N_("✓ right  ≈ rounded  → carried on  ~ few digits  ✗ wrong")
BELOW = N_("below what is not right: the sample solution")
CELL = 9  # cells of the terminal for a number
MOST_NAME = 14
MOST_GRID = (40, 40)  # rows and columns of what is given: all of it is needed


@dataclass
class PaperTable:
    """The lines of a table, and where its cells are: the line of each, the rows for the arrow keys, the spots."""

    lines: list[Line] = field(default_factory=list)
    line_of: dict[str, int] = field(default_factory=dict)
    rows: list[tuple[str, ...]] = field(default_factory=list)
    spots: list[tuple[int, int, int, str]] = field(default_factory=list)  # line, from column, to column, cell

    def beside(self, cell: str, rows: int, columns: int) -> str:
        """The cell so many rows and columns on; past the end of a row comes the next one."""
        at = next(n for n, row in enumerate(self.rows) if cell in row)
        if columns:
            flat = [each for row in self.rows for each in row]
            return flat[max(0, min(flat.index(cell) + columns, len(flat) - 1))]
        place = self.rows[at].index(cell)
        row = self.rows[max(0, min(at + rows, len(self.rows) - 1))]
        return row[min(place, len(row) - 1)]


def table(paper: Paper, at: str | None, columns: int, head: Sequence[Line] = (), sample: bool = False) -> PaperTable:
    """The table in lines of so many columns below `head`, the cell `at` highlighted; of an exam that is over with its
    marks and the `sample` solution."""
    sheet, found = paper.sheet, PaperTable([*head])
    result = paper.checked if sample else None
    room = min(max(map(width, sheet.names)), MOST_NAME if columns >= 70 else 9) + 1
    most = max((columns - room) // (CELL + 2), 1)
    phase = None
    for box, name in zip(sheet.boxes, sheet.names, strict=True):
        if box.phase != phase:
            phase = box.phase
            found.lines += [line()] if found.rows else []
            marks = f"  {result.marks[phase]}" if result else ""
            found.lines.append(Line(((say_in("phase", phase).capitalize(), "title"), (marks, "value"))))
        word, message = said_of(paper.checked, box) if paper.checked else ("", "")
        aside = result is not None and word != "right"
        for number, row in enumerate(box.rows(most)):
            _row(found, paper, row, "" if number else name, room, at)
            if aside:
                spans = [(pad("", room), ""), *((f" {pad(right(sheet, c), CELL)} ", "dim") for c in row)]
                found.lines.append(Line(tuple(spans)))
        above = result is None and box is said_above(paper)
        if message and word not in ("carried", "rounded") and _still(paper, box) and not above:
            found.lines += wrapped(message, columns, "error" if word in BAD else "dim", " " * room)
    return found


def said_above(paper: Paper) -> Box | None:
    """The array of the first wrong cell, of which the headline speaks."""
    first = paper.checked and paper.checked.first
    return paper.sheet.box_of[first] if first else None


def _still(paper: Paper, box: Box) -> bool:
    """Whether what was said of an array is said of it as it is now."""
    now = paper.checked
    return now is not None and all(paper.entries.get(cell) == now.entries.get(cell) for cell in box.cells)


def _row(found: PaperTable, paper: Paper, row: tuple[str, ...], name: str, room: int, at: str | None) -> None:
    spans = [(pad(cut(name, room - 1), room), "heading")]
    for place, cell in enumerate(row):
        kind = paper.kind(cell)
        mark, style = MARKS[kind] if kind else ("?" if _unread(paper, cell) else " ", "error")
        text = paper.entries.get(cell, "").replace("-", "−").replace("inf", "∞")
        shown = pad(cut(text, CELL) if text else "·" * (CELL - 2), CELL)
        spans.append((mark, style))
        spans.append((shown, "cell" if cell == at else "numbers" if text else "dim"))
        spans.append((" ", ""))
        found.line_of[cell] = len(found.lines)
        left = room + place * (CELL + 2)
        found.spots.append((len(found.lines), left, left + CELL + 1, cell))
    found.rows.append(row)
    found.lines.append(Line(tuple(spans)))


def _unread(paper: Paper, cell: str) -> bool:
    now = paper.checked
    return now is not None and cell in now.unread and paper.entries.get(cell) == now.entries.get(cell)


def given_lines(sheet: Sheet, columns: int) -> list[Line]:
    """What the lesson gives, in the notation, matrices as such; and what one has to know beside it."""
    lines: list[Line] = []
    found = given(sheet)
    room = min(max((width(name) for name, _, _ in found), default=0), MOST_NAME) + 1
    for name, ref, text in found:
        value = np.asarray(sheet.trace.value(ref), dtype=float)
        block = draw(Matrix(value, 6, flat=True), *MOST_GRID).lines if value.ndim else [text]
        if max(map(width, block)) > columns - room:
            block = textwrap.wrap(text, max(columns - room, 12))
        for at, part in enumerate(block):
            lines.append(Line(((pad(cut("" if at else name, room - 1), room), "heading"), (part, "numbers"))))
    return [*lines, line(), *(row for text in told(sheet) for row in wrapped(text, columns, "dim"))]
