"""The loss over two parameters as a map: contours with their heights, and the path of training across them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from tutor.engine.floats import quietly
from tutor.engine.landscape import Landscape
from tutor.pictures.canvas import Canvas, Picture
from tutor.pictures.plot import MIN_COLUMNS, MIN_ROWS, Frame, Mark, log_ticks, round_ticks, tick_text
from tutor.text.cells import width
from tutor.text.language import say

Window: TypeAlias = tuple[float, float, float, float]  # x from, to and y from, to
Grid: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]  # as `Landscape.grid` gives it
_STYLES = ("curve1", "field1", "axis", "field2", "curve2")  # from low to high
_WIDE = 10  # times as much: then heights have a place by their logarithm
_DECADES = 8  # so many contours, a power of ten each, have room on any map


def drawn(made: Landscape, grid: Grid | None, window: Window, columns: int, rows: int) -> Frame | None:
    """Contours (none while there is no `grid`) and the path from ○ to ◆; None where there is too little room."""
    if columns < MIN_COLUMNS or rows < MIN_ROWS:
        return None
    head = 1 if rows >= 6 else 0
    frame = Frame(columns, rows, window[:2], window[2:], x_label=made.x.id, y_label=made.y.id, head=head)
    path, inside = Canvas(columns, rows), Canvas(columns, rows)
    xs, ys = frame.x.dots(made.path[:, 0]), frame.y.dots(made.path[:, 1])
    path.segments(xs[:-1], ys[:-1], xs[1:], ys[1:], "lit", 2)
    top = frame.top * 4
    inside.merge(path, (frame.left + 1) * 2, top, columns * 2, top + frame.area_rows * 4)
    if grid is not None:
        _contours(frame, grid, inside)
    frame.canvas.cover(inside, clear=True)
    (a, b), (c, d) = made.path[0].tolist(), made.held.tolist()
    frame.marks([Mark(a, b, "○", "lit", say("start")), Mark(c, d, "◆")])
    if head:
        column = max(0, frame.left - width(made.y.id) // 2) + width(made.y.id) + 2
        frame.canvas.text(column, 0, say("contours of {loss}   ○━◆ the path of training", loss=made.of.id), "dim")
    return frame


def with_cursor(frame: Frame, cursor: tuple[float, float] | None = None) -> Picture:
    """What is drawn, with ● at the cursor: cheap, so that it can be moved."""
    canvas = frame.canvas.copy()
    if cursor and (place := frame.cell(*cursor)):
        canvas.text(*place, "●", "value")
    return canvas.picture()


def levels(heights: np.ndarray, most: int) -> list[float]:
    """Round heights for about so many contours: by powers of ten where they are far apart and above 0."""
    finite = heights[np.isfinite(heights)]
    if not finite.size:
        return []
    low, high = float(finite.min()), float(np.quantile(finite, 0.98))  # a far corner may be out of all proportion
    if low > 0 and high / low > _WIDE:
        found = log_ticks(max(low, high / 1e6), high, max(most, _DECADES))
    else:
        found = round_ticks(low, high, most)
    return [level for level in found if low < level < float(finite.max())]


def _contours(frame: Frame, grid: Grid, path: Canvas) -> None:
    """A line of dots where the heights pass a level, and the level on it where there is room beside the path."""
    wide, high = frame.area_columns * 2, frame.area_rows * 4
    fine = _resampled(grid[2], high, wide)[::-1]  # rows of dots go downwards
    left, top = (frame.left + 1) * 2, frame.top * 4
    found = levels(grid[2], max(3, min(frame.area_rows // 2, 8)))
    canvas = Canvas(frame.canvas.columns, frame.canvas.rows)
    labels: list[tuple[float, str, np.ndarray]] = []
    for at, level in enumerate(found):
        with quietly():
            above = np.where(np.isfinite(fine), fine > level, True)
        edge = np.zeros_like(above)
        edge[:, :-1] |= above[:, :-1] != above[:, 1:]
        edge[:-1] |= above[:-1] != above[1:]
        ys, xs = np.nonzero(edge)
        style = _STYLES[at * len(_STYLES) // len(found)]
        canvas.dots(xs + left, ys + top, style)
        labels.append((level, style, np.stack([(ys + top) // 4, (xs + left) // 2], axis=1)))
    frame.merge(canvas)
    for level, style, cells in labels:
        _label(frame, tick_text(level), style, np.unique(cells, axis=0), path)


def _label(frame: Frame, text: str, style: str, cells: np.ndarray, path: Canvas) -> None:
    """A contour's height on it: where its line is flattest and nothing is written, as far left as can be."""
    size, canvas = width(text), frame.canvas
    places = [
        (canvas.inked(column, row, size), -column, row)  # many dots in its cells: the line runs along them
        for row, column in cells.tolist()
        if column > frame.left + 1 and column + size < canvas.columns - 1 and not path.inked(column, row, size)
        and not any(canvas.taken(column - 1, row + by, size + 2) for by in (-1, 0, 1))
    ]  # fmt: skip
    if places:
        _, column, row = max(places)
        canvas.text(-column, row, text, style)


def _resampled(heights: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The same field with so many rows and columns, between its values by their shares; NaN spreads."""
    high, wide = heights.shape
    y, x = np.linspace(0, high - 1, rows), np.linspace(0, wide - 1, columns)
    j, i = np.minimum(y.astype(int), high - 2), np.minimum(x.astype(int), wide - 2)
    v, u = (y - j)[:, None], (x - i)[None, :]
    with quietly():
        upper = heights[j][:, i] * (1 - u) + heights[j][:, i + 1] * u
        lower = heights[j + 1][:, i] * (1 - u) + heights[j + 1][:, i + 1] * u
        found: np.ndarray = upper * (1 - v) + lower * v
    return found
