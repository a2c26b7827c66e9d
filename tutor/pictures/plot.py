"""Plots in cells: curves with marks and tangents, bars, and a field of classes. Pure, to a `Picture`.

Every picture is at most `columns` × `rows` cells. What is not finite is a gap, never an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from tutor.engine.floats import quietly
from tutor.pictures.canvas import DASHES, Canvas, Picture, Row, joined
from tutor.play.compare import Comparison
from tutor.text.cells import cut, eighths, pad, width
from tutor.text.language import say
from tutor.text.layout import number

MIN_COLUMNS, MIN_ROWS = 16, 4  # below this a plot is a line of text
CURVE_STYLES = ("curve1", "curve2", "curve3", "curve4")
POINT_GLYPHS = "●▲■◆○△□◇"  # one a class, in order
_HOLLOW = dict(zip("●▲■◆", "○△□◇", strict=True))
FIELD_GLYPHS = "·░-+:▒=%"
FIELD_STYLES = ("field1", "field2", "field3", "field4")
_LEGEND = ("───", "╌╌╌", "┄┄┄", "─·─")  # the dashes of canvas.DASHES as text
_SMALL, _LARGE = 1e-300, 1e300  # what is beyond is drawn at the edge


@dataclass(frozen=True)
class Curve:
    """Points joined by lines; a value that is inf or NaN is a gap. Without a style: the next of CURVE_STYLES,
    with a dash of its own, so that colour is never the only cue."""

    xs: Sequence[float] | np.ndarray = field(compare=False)
    ys: Sequence[float] | np.ndarray = field(compare=False)
    label: str = ""
    style: str = ""
    dash: tuple[int, ...] | None = None
    thick: int = 1

    def inked(self, at: int) -> Curve:
        """The curve that stands `at` this place among others, with a style and a dash in any case."""
        dash = DASHES[at % len(DASHES)] if self.dash is None else self.dash
        return replace(self, style=self.style or CURVE_STYLES[at % len(CURVE_STYLES)], dash=dash)


def curves(comparison: Comparison) -> list[Curve]:
    """A curve a run: epochs from 1 along x, the mean loss of each up y."""
    return [
        Curve(np.arange(1, contender.epochs + 1), contender.losses, contender.short)
        for contender in comparison.contenders
    ]


@dataclass(frozen=True)
class Mark:
    """A sign at a point, its label beside it where there is room."""

    x: float
    y: float
    glyph: str = "●"
    style: str = "lit"
    label: str = ""


def example_mark(x: float, y: float, kind: int, wrong: bool) -> Mark:
    """An example of a class (from 0) on a plane: the class's sign and colour, hollow where it is predicted wrong."""
    glyph = POINT_GLYPHS[kind % len(POINT_GLYPHS)]
    if wrong:
        return Mark(x, y, _HOLLOW.get(glyph, "✗"), "error")
    return Mark(x, y, glyph, CURVE_STYLES[kind % len(CURVE_STYLES)])


@dataclass(frozen=True)
class Segment:
    """A straight line from one point to another: a tangent, or (`arrow`) a step. The scale makes room for both
    ends, except where `stretch` is False (a tangent may leave the picture)."""

    x0: float
    y0: float
    x1: float
    y1: float
    style: str = "lit"
    arrow: bool = False
    label: str = ""
    dash: tuple[int, ...] = ()
    thick: int = 1
    stretch: bool = True


# ---------------------------------------------------------------- scales


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """At most about `most` round numbers (1, 2 or 5 times a power of ten apart) from low to high."""
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return [low] if math.isfinite(low) else []
    raw = (high / max(most, 1)) - (low / max(most, 1))
    power = 10.0 ** math.floor(math.log10(max(raw, _SMALL)))
    gap = next((m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9)), 10 * power)
    if gap == 0 or not math.isfinite(gap):
        return [low, high]
    first, last = math.ceil(low / gap - 1e-9), math.floor(high / gap + 1e-9)
    if last - first > 4 * most + 4:  # low and high differ by less than numbers can tell
        return [low, high]
    # k / (1/gap) where gap is below 1: 3 · 0.1 is 0.30000000000000004
    inverse = round(1 / gap) if 1e-15 < gap < 1 else 0
    return [at / inverse if inverse else at * gap for at in range(first, last + 1)]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Powers of ten, thinned to at most about `most`; between few of them also 2 and 5 times a power."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    powers = range(max(first, -307), min(last, 307) + 1)
    every = max(1, math.ceil(len(powers) / max(most, 1)))
    found = [10.0**p for p in powers if p % every == 0]
    if every == 1 and 3 * len(powers) <= 2 * most:
        found = [float(f"{m}e{p}") for p in powers for m in (1, 2, 5)]
    inside = [tick for tick in found if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
    return inside if len(inside) >= 2 else round_ticks(low, high, most)


def tick_text(value: float) -> str:
    """A tick's number: 10⁻⁴, where a value is 1×10⁻⁴."""
    text = number(value)
    return text.replace("1×10", "10", 1) if text.startswith(("1×10", "−1×10")) else text


@dataclass(frozen=True)
class _Scale:
    """Maps values to dots: `low` to dot `first`, `high` to dot `last`."""

    low: float
    high: float
    log: bool
    first: int
    last: int

    def dots(self, values: float | Sequence[float] | np.ndarray) -> np.ndarray:
        """float dots; NaN for what has no place."""
        values = np.asarray(values, dtype=float)
        low, high = self.low, self.high
        with quietly():
            if self.log:
                values = np.where(values > 0, np.log10(np.where(values > 0, values, 1)), np.nan)
                low, high = math.log10(low), math.log10(high)
            share = values / (high - low) - low / (high - low)
            found = self.first + share * (self.last - self.first)
        return np.where(np.abs(found) < 1e9, found, np.where(np.isfinite(values), np.sign(share) * 1e9, np.nan))


def _limits(
    parts: list[np.ndarray], wanted: tuple[float, float] | None, log: bool, margin: float
) -> tuple[float, float]:
    """The least and largest value to show, never equal."""
    if wanted is not None:
        low, high = map(float, wanted)
    else:
        values = np.concatenate([np.asarray(part, dtype=float).ravel() for part in parts] or [np.empty(0)])
        values = values[np.isfinite(values)]
        values = values[values > 0] if log else values
        if not values.size:
            return (0.1, 1.0) if log else (0.0, 1.0)
        low, high = float(values.min()), float(values.max())
        low, high = max(low, -_LARGE), min(high, _LARGE)
        if log:
            low = max(low, _SMALL)
            factor = (high / low) ** margin if high / low < _LARGE else 1.0
            low, high = max(low / factor, _SMALL), min(high * factor, _LARGE)
        else:
            extra = (high - low) * margin
            low, high = low - extra, high + extra
    if log and low <= 0:
        low = high / 1e6 if high > 0 else 0.1
    if not high > low * (1 + 1e-12) if log else high - low <= 1e-12 * max(abs(low), abs(high)):
        grow = abs(low) / 2 or 0.5
        low, high = (low / 2, low * 2) if log else (low - grow, low + grow)
    return low, high


# ---------------------------------------------------------------- the frame


class Frame:
    """Axes with ticks and numbers round a canvas, and the scales of its area."""

    def __init__(
        self, columns: int, rows: int, x: tuple[float, float], y: tuple[float, float], *,
        log_x: bool = False, log_y: bool = False, x_label: str = "", y_label: str = "", head: int = 0,
    ):  # fmt: skip
        self.canvas = Canvas(columns, rows)
        self.ends: list[Mark] = []
        top, foot = head, 2
        if x_label and rows - head >= 9:
            foot = 3
        self.top, self.area_rows = top, rows - top - foot
        many = max(2, self.area_rows // (3 if self.area_rows > 8 else 2))
        y_ticks = log_ticks(*y, many) if log_y else round_ticks(*y, many)
        texts = [tick_text(tick) for tick in y_ticks]
        self.left = min(max([width(text) for text in texts] or [1]), columns // 3) + 1
        self.area_columns = columns - self.left - 1
        first = (self.left + 1) * 2
        self.x = _Scale(*x, log_x, first, first + self.area_columns * 2 - 1)
        self.y = _Scale(*y, log_y, (top + self.area_rows) * 4 - 1, top * 4)
        self._y_axis(y_ticks, texts)
        self._x_axis(log_ticks if log_x else round_ticks, x, x_label, foot)
        if y_label and top:
            self.canvas.text(max(0, self.left - width(y_label) // 2), 0, y_label, "dim")

    def _y_axis(self, ticks: list[float], texts: list[str]) -> None:
        for row in range(self.top, self.top + self.area_rows):
            self.canvas.text(self.left, row, "│", "axis")
        last = None
        for tick, text in zip(ticks, texts, strict=True):
            dot = float(self.y.dots(tick))
            row = round(dot) // 4 if math.isfinite(dot) else -1
            if self.top <= row < self.top + self.area_rows and row != last:
                last = row
                self.canvas.text(self.left, row, "┤", "axis")
                self.canvas.text(self.left - 1 - width(text), row, text, "dim")

    def _x_axis(self, ticks_of: Callable[..., Any], x: tuple[float, float], label: str, foot: int) -> None:
        row = self.top + self.area_rows
        self.canvas.text(self.left, row, "└" + "─" * self.area_columns, "axis")
        for most in (max(2, self.area_columns // 10), 4, 2, 1):  # fewer where the numbers are long
            places = []
            for tick in ticks_of(*x, most):
                dot = float(self.x.dots(tick))
                column = round(dot) // 2 if math.isfinite(dot) else -1
                text = tick_text(tick)
                start = min(max(column - width(text) // 2, 0), self.canvas.columns - width(text))
                if self.left < column < self.canvas.columns:
                    places.append((column, start, text))
            room = self.canvas.columns if foot == 3 or not label else self.canvas.columns - width(label) - 1
            fits = all(a[1] + width(a[2]) < b[1] for a, b in pairwise(places))
            if fits:
                break
        for column, start, text in places:
            if start + width(text) <= room and not self.canvas.taken(start, row + 1, width(text)):
                self.canvas.text(column, row, "┬", "axis")
                self.canvas.text(start, row + 1, text, "dim")
        if foot == 3:
            self.canvas.text(self.left + 1 + (self.area_columns - width(label)) // 2, row + 2, label, "dim")
        elif label:
            self.canvas.text(self.canvas.columns - width(label), row + 1, label, "dim")

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """The (column, row) of a point; None where it is outside."""
        dx, dy = float(self.x.dots(x)), float(self.y.dots(y))
        if not (math.isfinite(dx) and math.isfinite(dy)):
            return None
        column, row = round(dx) // 2, round(dy) // 4
        inside = self.left < column < self.canvas.columns and self.top <= row < self.top + self.area_rows
        return (column, row) if inside else None

    def curve(self, curve: Curve) -> None:
        """A curve, within the axes."""
        xs, ys = np.asarray(curve.xs, dtype=float).ravel(), np.asarray(curve.ys, dtype=float).ravel()
        count = min(len(xs), len(ys))
        px, py = self.x.dots(xs[:count]), self.y.dots(ys[:count])
        px, py = _decimated(px, py)
        if len(px) == 1:
            px, py = np.repeat(px, 2), np.repeat(py, 2)
        area = Canvas(self.canvas.columns, self.canvas.rows)  # a curve that leaves the area must not cross the axis
        if curve.dash:
            _dashed(area, px, py, curve.style, curve.thick, curve.dash)
        else:
            area.segments(px[:-1], py[:-1], px[1:], py[1:], curve.style, curve.thick)
        self.merge(area)

    def segment(self, item: Segment) -> None:
        """A straight line, within the axes; its arrow's head and its label come with the marks."""
        (ax, bx), (ay, by) = self.x.dots([item.x0, item.x1]), self.y.dots([item.y0, item.y1])
        area = Canvas(self.canvas.columns, self.canvas.rows)
        area.line(ax, ay, bx, by, item.style, item.thick, item.dash)
        self.merge(area)
        if not all(map(math.isfinite, (ax, ay, bx, by))):
            return
        if item.arrow and math.hypot(bx - ax, by - ay) >= 1:
            across = abs(bx - ax) >= abs(by - ay)
            head = ("▶" if bx > ax else "◀") if across else ("▼" if by > ay else "▲")
            self.ends.append(Mark(item.x1, item.y1, head, item.style, item.label))
        elif item.label:
            self.ends.append(Mark(item.x1, item.y1, "", item.style, item.label))

    def merge(self, area: Canvas) -> None:
        """Lay what was drawn over the picture, within the axes."""
        top, bottom = self.top * 4, (self.top + self.area_rows) * 4
        self.canvas.merge(area, (self.left + 1) * 2, top, self.canvas.columns * 2, bottom)

    def legend(self, named: Sequence[Curve], taken: int) -> None:
        """The names of curves in the first row, from the right, as far as there is room right of column `taken`."""
        at = self.canvas.columns
        for curve in reversed(named):
            sample = _LEGEND[DASHES.index(curve.dash)] if curve.dash in DASHES else _LEGEND[0]
            text = f"{sample.replace('─', '━') if curve.thick > 1 else sample} {curve.label}"
            at -= width(text) + 2
            if at > taken:
                self.canvas.text(at + 2, 0, text, curve.style)

    def marks(self, items: Sequence[Mark]) -> None:
        """The ends of the segments and the marks; the labels last, so that no sign stands on a label."""
        placed = [(item, place) for item in (*self.ends, *items) if (place := self.cell(item.x, item.y))]
        for item, (column, row) in placed:
            self.canvas.text(column, row, item.glyph, item.style)
        for item, (column, row) in placed:
            if item.label:
                self._label(item, column, row)

    def _label(self, item: Mark, column: int, row: int) -> None:
        size = width(item.label)
        beside = [(column + 2, row), (column - size - 1, row)]
        near = [*beside, *((c, row + up) for up in (-1, 1) for c in (column + 1, column - size, column - size // 2))]
        free = [
            (c, r) for c, r in near
            if c > self.left and c + size <= self.canvas.columns and self.top <= r < self.top + self.area_rows
            and not self._crowded(c, r, size)
        ]  # fmt: skip
        if free:  # where it covers the fewest dots
            c, r = min(free, key=lambda spot: self.canvas.inked(spot[0], spot[1], size))
            self.canvas.text(c, r, item.label, item.style)

    def _crowded(self, column: int, row: int, size: int) -> bool:
        """Whether text would stand in these cells already, or right beside them: two labels would read as one."""
        first, last = max(column - 1, self.left + 1), min(column + size + 1, self.canvas.columns)
        return self.canvas.taken(first, row, last - first)


def _dashed(area: Canvas, px: np.ndarray, py: np.ndarray, style: str, thick: int, dash: tuple[int, ...]) -> None:
    """A dashed curve: the dashes go on over its many short pieces, so they are counted along the curve."""
    with quietly():
        length = np.nan_to_num(np.maximum(np.abs(np.diff(px)), np.abs(np.diff(py))), nan=0.0, posinf=0.0)
    along = np.concatenate([[0.0], np.cumsum(length)])
    on = np.concatenate([np.full(n, at % 2 == 0) for at, n in enumerate(dash)])
    keep = on[(along[:-1] % len(on)).astype(int)]
    long = length > len(on)
    short = keep & ~long
    area.segments(px[:-1][short], py[:-1][short], px[1:][short], py[1:][short], style, thick)
    area.segments(px[:-1][long], py[:-1][long], px[1:][long], py[1:][long], style, thick, dash)


def _decimated(px: np.ndarray, py: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of many points on one column of dots the first, least, largest and last; a gap (NaN) stays one."""
    px = np.where(np.isfinite(py), np.rint(px), np.nan)
    if len(px) < 1000:
        return px, py
    change = (px[1:] != px[:-1]) & ~(np.isnan(px[1:]) & np.isnan(px[:-1]))
    starts = np.concatenate([[0], np.flatnonzero(change) + 1])
    ends = np.concatenate([starts[1:], [len(px)]]) - 1
    least, most = np.minimum.reduceat(py, starts), np.maximum.reduceat(py, starts)
    columns = px[starts]
    return np.repeat(columns, 4), np.stack([py[starts], least, most, py[ends]], axis=1).ravel()


# ---------------------------------------------------------------- pictures


def plot(
    curves: Sequence[Curve],
    marks: Sequence[Mark] = (),
    columns: int = 60,
    rows: int = 15,
    x_label: str = "",
    y_label: str = "",
    log_x: bool = False,
    log_y: bool = False,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    segments: Sequence[Segment] = (),
    legend: bool | None = None,
) -> Picture:
    """Curves on axes with round ticks; then segments, then marks over them.

    The ranges make room for all of them unless given. On a logarithmic axis what is not above 0 is a
    gap. A legend stands in the first row where several curves have labels (`legend` False: none).
    """
    if columns < MIN_COLUMNS or rows < MIN_ROWS:
        return _words(curves, columns, rows)
    stretching = [item for item in segments if item.stretch]
    x = _limits(
        [*(np.asarray(c.xs, dtype=float) for c in curves), np.array([m.x for m in marks]),
         np.array([v for s in stretching for v in (s.x0, s.x1)])], x_range, log_x, 0.0,
    )  # fmt: skip
    y = _limits(
        [*(np.asarray(c.ys, dtype=float) for c in curves), np.array([m.y for m in marks]),
         np.array([v for s in stretching for v in (s.y0, s.y1)])], y_range, log_y, 0.05,
    )  # fmt: skip
    inked = [c.inked(at) for at, c in enumerate(curves)]
    named = [c for c in inked if c.label]
    wanted = len(named) > 1 if legend is None else legend and bool(named)
    head = 1 if (wanted or y_label) and rows >= 6 else 0
    frame = Frame(columns, rows, x, y, log_x=log_x, log_y=log_y, x_label=x_label, y_label=y_label, head=head)
    for c in reversed(inked):
        frame.curve(c)
    for item in segments:
        frame.segment(item)
    frame.marks(marks)
    if wanted and head:
        frame.legend(named, frame.left + width(y_label))
    return frame.canvas.picture()


def _words(curves: Sequence[Curve], columns: int, rows: int) -> Picture:
    """Where there is no room for axes: from what to what each curve goes."""
    lines = []
    for c in curves:
        ys = np.asarray(c.ys, dtype=float).ravel()
        if len(ys):
            text = f"{c.label} {number(ys[0])} → {number(ys[-1])}".strip()
            lines.append(((cut(text, columns), c.style),))
    return tuple(lines[: max(rows, 0)])


def bars(
    items: Sequence[tuple[str, float]], columns: int, log: bool = False, style: str = "curve1", rows: int | None = None
) -> Picture:
    """A row for each (label, value): label, bar, number. Bars of negative values are hatched, the number has the sign.

    `log`: a bar's length follows the power of ten (what is 0 has none). With more items than `rows` the
    middle ones are left out, and how many is said.
    """
    if columns < 1:
        return ()
    values = [float(value) for _, value in items]
    numbers = [number(value) for value in values]
    names = min(max([width(label) for label, _ in items] or [0]), max(columns // 3, 1))
    digits = max([width(text) for text in numbers] or [0])
    room = columns - names - digits - 3
    sizes = [abs(value) for value in values if math.isfinite(value) and value != 0]
    least, most = (min(sizes), max(sizes)) if sizes else (1.0, 1.0)
    low, high = math.log10(least) - 0.3, math.log10(most)  # the least bar is still one

    def line(at: int) -> Row:
        value = values[at]
        label = cut(items[at][0], names)
        if room < 3:
            return ((cut(f"{label} {numbers[at]}", columns), ""),)
        if not math.isfinite(value) or value == 0:
            share = float(math.isinf(value))
        elif log:
            share = (math.log10(abs(value)) - low) / (high - low)
        else:
            share = abs(value) / most
        long = max(round(share * room * 8), 1 if share > 0 else 0)
        ink = "▒" * -(-long // 8) if value < 0 else eighths(long)
        bar = ("╌" * room, "error") if not math.isfinite(value) else (ink, style)
        shown = numbers[at]
        return joined([(pad(label, names) + " ", ""), bar, (" ", ""), (shown, "numbers")])

    keep: list[int | None] = list(range(len(items)))
    if rows is not None and len(items) > rows:
        first = max(rows - 2, 0)
        keep = [*range(first), None, len(items) - 1][: max(rows, 0)]
    left_out = len(items) - len([at for at in keep if at is not None])
    more = cut(say("… {n} more …", n=f"{left_out:,}"), columns)
    return tuple(line(at) if at is not None else ((more, "dim"),) for at in keep)


def heat(
    values: np.ndarray,
    marks: Sequence[Mark] = (),
    columns: int = 60,
    rows: int = 20,
    x_range: tuple[float, float] = (0.0, 1.0),
    y_range: tuple[float, float] = (0.0, 1.0),
    x_label: str = "",
    y_label: str = "",
    names: Sequence[str] = (),
) -> Picture:
    """A field of classes: `values[j, i]` is the class (from 0; negative or NaN: none) of a point of the plane.

    i runs over `x_range`, j over `y_range` from its lowest value, at any resolution.
    Each class has a shade of its own and a colour; `marks` (the data) stand over it.
    `names` name the classes in the first row.
    """
    values = np.asarray(values, dtype=float)
    if columns < MIN_COLUMNS or rows < MIN_ROWS or values.ndim != 2 or not values.size:
        return ()
    head = 1 if (names or y_label) and rows >= 6 else 0
    x, y = _limits([], x_range, False, 0), _limits([], y_range, False, 0)
    frame = Frame(columns, rows, x, y, x_label=x_label, y_label=y_label, head=head)
    high, wide = values.shape
    taken_rows = ((np.arange(frame.area_rows) + 0.5) * high / frame.area_rows).astype(int)[::-1]
    taken_columns = ((np.arange(frame.area_columns) + 0.5) * wide / frame.area_columns).astype(int)
    kinds = np.nan_to_num(values[np.ix_(taken_rows, taken_columns)], nan=-1).astype(int)
    frame.canvas.field(frame.left + 1, frame.top, kinds, [field_look(kind) for kind in range(kinds.max() + 1)])
    frame.marks(marks)
    if head:
        at = frame.left + 2 + width(y_label)
        for kind, name in enumerate(names):
            glyph, style = field_look(kind)
            text = f"{glyph * 2}{POINT_GLYPHS[kind % len(POINT_GLYPHS)]} {name}"
            if at + width(text) <= columns:
                frame.canvas.text(at, 0, text, style)
            at += width(text) + 2
    return frame.canvas.picture()


def field_look(kind: int) -> tuple[str, str]:
    """The shade and the style of a class (from 0) in a field."""
    return FIELD_GLYPHS[kind % len(FIELD_GLYPHS)], FIELD_STYLES[kind % len(FIELD_STYLES)]
