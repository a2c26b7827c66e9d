"""Arrays as grids of cells, side by side: some cells marked, each with its number, or shaded by size."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from tutor.pictures.canvas import Canvas, Picture
from tutor.pictures.scene import short
from tutor.text.cells import cut, eighths, width, window
from tutor.text.grids import grid_of
from tutor.text.language import N_, say
from tutor.text.layout import number

Index = tuple[int, ...]
_DIGITS = 6  # cells of a number
_GAP = 3
_SHADES, _BELOW = (" ", "░", "▒", "▓", "█"), (" ", "-", "=", "%", "#")  # by size; what is negative has signs of its own


@dataclass(frozen=True)
class Grid:
    """An array with a name; `marked` are cells that are used, `asked` is the one that it is all about."""

    name: str
    value: np.ndarray
    marked: Collection[Index] = ()
    asked: Index | None = None

    @property
    def title(self) -> str:
        """The name with the shape."""
        shape = "×".join(map(str, self.value.shape))
        return f"{self.name} {shape if self.value.ndim > 1 else f'({shape})' if shape else ''}".rstrip()


@dataclass(frozen=True)
class _Panel:
    """A matrix of a grid, or a window of it: `rows` and `columns` of it are shown."""

    title: str
    cells: np.ndarray
    looks: dict[tuple[int, int], str]
    rows: range
    columns: range


def _panels(grid: Grid, columns: int, rows: int, cell: int) -> list[_Panel]:
    """The matrices of an array that have marked cells (else the first), each within so many cells."""
    shape = grid.value.shape
    high, wide = (shape[-2] if len(shape) > 1 else 1, shape[-1] if shape else 1)
    matrices = grid.value.reshape(-1, high, wide)
    fronts = list(np.ndindex(*shape[:-2])) if len(shape) > 2 else [()]
    looks: dict[Index, dict[tuple[int, int], str]] = {}
    for index in (*grid.marked, *([grid.asked] if grid.asked is not None else [])):
        padded = (0, 0, *index)[-2:] if len(index) < 2 else index[-2:]
        front = index[:-2] if len(index) > 2 else ()
        style = "value" if index == grid.asked else "lit"
        looks.setdefault(front, {})[(int(padded[0]), int(padded[1]))] = style
    found = []
    for front, matrix in zip(fronts, matrices, strict=True):
        if front not in looks and (looks or front != fronts[0]):
            continue
        marks = looks.get(front, {})
        middle_row, middle_column = (sum(axis) // len(axis) for axis in zip(*marks, strict=True)) if marks else (0, 0)
        shown = window(middle_row, high, max(rows, 1)), window(middle_column, wide, max(columns // cell, 1))
        title = grid.title + (f" [{', '.join(str(i + 1) for i in front)}, …]" if front else "")
        parts = [
            say(told, first=part[0] + 1, last=part[-1] + 1)
            for told, part, all_ in (
                (N_("rows {first}–{last}"), shown[0], high), (N_("columns {first}–{last}"), shown[1], wide),
            ) if len(part) < all_
        ]  # fmt: skip
        found.append(_Panel(", ".join([title, *parts]), matrix, marks, *shown))
    return found


def _right(text: str, columns: int) -> str:
    return " " * (columns - width(text)) + text


def draw_grids(grids: Sequence[Grid], columns: int, rows: int) -> Picture:
    """The grids from left to right, and below each other where there is no more room; what is used in [ ].

    Where not all of them fit whole, each shows the part round its marked cells; where not even that, the first are
    left out: the asked cell is in the last grid.
    """
    if columns < 8 or rows < 2:
        return ()
    parts = [(columns, rows - 1), *((columns // n, max((rows + 1) // m - 2, 1)) for n, m in ((2, 2), (3, 2), (3, 3)))]
    for left_out in range(len(grids)):
        for wide, high in parts:
            if canvas := _laid(grids[left_out:], columns, rows, wide - _GAP * (wide < columns), high):
                if left_out:
                    canvas.text(0, rows - 1, cut(say("{n} more where there is more room", n=left_out), columns), "dim")
                return canvas.picture()
    return ()


def _laid(grids: Sequence[Grid], columns: int, rows: int, wide: int, high: int) -> Canvas | None:
    """The grids' panels, each at most so wide and high; None where they do not fit together."""
    canvas = Canvas(columns, rows)
    left = top = tallest = 0
    for grid in grids:
        digits = max((width(short(float(v), _DIGITS)) for v in grid.value.ravel()[:4096]), default=1)
        cell = digits + 2
        for panel in _panels(grid, wide, high, cell):
            size = max(len(panel.columns) * cell, width(panel.title)) + _GAP
            if left and left + size - _GAP > columns:
                left, top, tallest = 0, top + tallest + 1, 0
            if top + 1 + len(panel.rows) > rows or left + len(panel.columns) * cell > columns:
                return None
            canvas.text(left, top, cut(panel.title, columns - left), "heading")
            for down, row in enumerate(panel.rows):
                for along, column in enumerate(panel.columns):
                    text = _right(short(float(panel.cells[row, column]), _DIGITS), digits)
                    look = panel.looks.get((row, column))
                    text = f"[{text}]" if look else f" {text} "
                    canvas.text(left + along * cell, top + 1 + down, text, look or "dim")
            left, tallest = left + size, max(tallest, 1 + len(panel.rows))
    return canvas


def draw_heat(value: np.ndarray, asked: Index | None, columns: int, rows: int) -> Picture:
    """A matrix (a vector as a row, of higher ranks the matrix with the asked cell) shaded by size: a number over a bar
    in each cell where there is room, else two blocks a cell; what is negative is hatched."""
    if columns < 8 or rows < 2 or not value.size:
        return ()
    front = (asked or (0,) * value.ndim)[:-2] if value.ndim > 2 else ()
    matrix = value[front] if front else value.reshape(grid_of(value.shape)) if value.ndim > 1 else value.reshape(1, -1)
    at = (0, 0, *(asked or ()))[-2:]
    high, wide = matrix.shape
    fine = np.abs(matrix[np.isfinite(matrix)])
    top = float(fine.max()) if fine.size else 0.0
    canvas = Canvas(columns, rows)
    edge = width(str(high)) + 1
    room = (columns - edge) // wide
    if room >= _DIGITS + 2 and rows >= 2 * high + 1:
        _numbered(canvas, matrix, at if asked is not None else None, top, edge, min(room, 16))
        return canvas.picture()
    cell = 2 if (columns - edge) >= 2 * wide else 1
    shown = window(at[0], high, rows - 2), window(at[1], wide, (columns - edge) // cell)
    for down, row in enumerate(shown[0]):
        canvas.text(0, down + 1, _right(str(row + 1), edge - 1), "value" if row == at[0] else "dim")
        for along, column in enumerate(shown[1]):
            v = float(matrix[row, column])
            text, style = _shade(v, top)
            here = asked is not None and (row, column) == at
            text = ("<>" if cell == 2 else "◆") if here else text * cell
            canvas.text(edge + along * cell, down + 1, text, "value" if here else style)
    first, last = str(shown[1][0] + 1), str(shown[1][-1] + 1)
    canvas.text(edge, 0, first, "dim")
    end = edge + len(shown[1]) * cell - width(last)
    if end > edge + width(first):
        canvas.text(end, 0, last, "dim")
    key = say("up to {largest}: {shades}", largest=number(top, 3), shades=" ".join(glyph * 2 for glyph in _SHADES[1:]))
    if (matrix < 0).any():
        key += "  " + say("below 0: {shades}", shades=" ".join(glyph * 2 for glyph in _BELOW[1:]))
    canvas.text(0, min(len(shown[0]) + 1, rows - 1), cut(key, columns), "dim")
    return canvas.picture()


def _shade(v: float, top: float) -> tuple[str, str]:
    if not np.isfinite(v):
        return "?", "error"
    step = min(int(np.ceil(abs(v) / top * 4 - 1e-9)), 4) if top else 0
    return (_BELOW[step], "curve2") if v < 0 else (_SHADES[step], "curve1")


def _numbered(canvas: Canvas, matrix: np.ndarray, at: tuple[int, ...] | None, top: float, edge: int, cell: int) -> None:
    for column in range(matrix.shape[1]):
        canvas.text(edge + column * cell, 0, str(column + 1), "dim")
    for row, values in enumerate(matrix):
        canvas.text(0, 1 + 2 * row, _right(str(row + 1), edge - 1), "dim")
        for column, v in enumerate(map(float, values)):
            left, here = edge + column * cell, (row, column) == at
            text = short(v, _DIGITS)
            canvas.text(left, 1 + 2 * row, f"[{text}]" if here else text, "value" if here else "numbers")
            if np.isfinite(v) and v:
                long = max(round(abs(v) / top * (cell - 1) * 8), 1)
                ink = "▒" * -(-long // 8) if v < 0 else eighths(long)
                canvas.text(left, 2 + 2 * row, ink, "curve2" if v < 0 else "curve1")
