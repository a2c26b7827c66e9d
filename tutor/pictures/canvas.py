"""A picture in cells: lines on a grid of braille dots (2 × 4 a cell), with text laid over it.

Dots of lines that cross are OR-ed; of the styles that meet in a cell the strongest is seen (`INKS`,
weakest first). A `Picture` is plain data: rows of (text, style name), as terminal lines have them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby

import numpy as np

from tutor.text.cells import width

Row = tuple[tuple[str, str], ...]  # spans of (text, style name)
Picture = tuple[Row, ...]
Dots = float | Sequence[float] | np.ndarray  # one place, or one for each of several lines

# The styles that lines are drawn in, weakest first. A name that is not here is stronger than all of them.
INKS = (
    "", "axis", "dim",
    "field1", "field2", "field3", "field4",
    "minus1", "plus1", "minus2", "plus2", "minus3", "plus3",
    "curve4", "curve3", "curve2", "curve1",
    "walked", "lit",
)  # fmt: skip
_RANK = {name: at for at, name in enumerate(INKS)}

# The braille code's bit of each dot of a cell: row, column.
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.uint8)

# For a cell's dots, packed row by row, the character; a cell without dots is a blank.
_BLANK, _SECOND = ord(" "), 1
_BRAILLE = np.array(
    [sum(int(_BITS.flat[at]) for at in range(8) if code >> (7 - at) & 1) + 0x2800 for code in range(256)], np.uint32
)
_BRAILLE[0] = _BLANK

SOLID: tuple[int, ...] = ()
DASHES = (SOLID, (4, 3), (1, 2), (6, 2, 1, 2))  # dots on, off, on ...: told apart without colour


@lru_cache(maxsize=8192)
def _cells(text: str) -> tuple[np.ndarray, tuple[tuple[int, str], ...]]:
    """A text's code points, a cell each (a wide character's second half is _SECOND), and its combining marks."""
    codes: list[int] = []
    accents: dict[int, str] = {}
    for char in text:
        if unicodedata.combining(char):
            if codes:
                accents[len(codes) - 1] = accents.get(len(codes) - 1, "") + char
        else:
            codes += [ord(char), *[_SECOND] * (width(char) - 1)]
    return np.array(codes, dtype=np.uint32), tuple(accents.items())


class Canvas:
    """`columns` × `rows` cells. Dots have coordinates (x, y) from the top left: 2 a column, 4 a row."""

    def __init__(self, columns: int, rows: int):
        self.columns, self.rows = max(columns, 0), max(rows, 0)
        self._dots = np.zeros((self.rows * 4, self.columns * 2), dtype=bool)
        self._rank = np.zeros((self.rows, self.columns), dtype=np.int16)
        self._chars = np.zeros((self.rows, self.columns), dtype=np.uint32)  # the text's code points; 0: none
        self._accents: dict[tuple[int, int], str] = {}  # (row, column) -> combining marks over what stands there
        self._styles = list(INKS)

    def copy(self) -> Canvas:
        """A canvas to draw on without changing this one: what stays the same need not be drawn again."""
        other = Canvas.__new__(Canvas)
        other.columns, other.rows = self.columns, self.rows
        other._dots, other._rank, other._chars = self._dots.copy(), self._rank.copy(), self._chars.copy()
        other._accents, other._styles = dict(self._accents), list(self._styles)
        return other

    def _rank_of(self, style: str) -> int:
        if style in _RANK:
            return _RANK[style]
        if style not in self._styles:
            self._styles.append(style)
        return self._styles.index(style)

    # ------------------------------------------------------------ lines

    def dots(self, xs: np.ndarray, ys: np.ndarray, style: str) -> None:
        """Single dots; those outside are left out."""
        inside = (xs >= 0) & (ys >= 0) & (xs < self.columns * 2) & (ys < self.rows * 4)
        xs, ys = xs[inside], ys[inside]
        self._dots[ys, xs] = True
        np.maximum.at(self._rank, (ys >> 2, xs >> 1), self._rank_of(style))

    def segments(
        self, x0: Dots, y0: Dots, x1: Dots, y1: Dots, style: str, thick: int = 1, dash: tuple[int, ...] = SOLID
    ) -> None:
        """Straight lines (arrays of their ends, in dots) of one style, 1 to 3 dots thick.

        What is outside is clipped, and a line with an end that is not finite is left out.
        """
        ends = np.atleast_2d(np.array([x0, y0, x1, y1], dtype=float).reshape(4, -1))
        ax, ay, bx, by = self._clip(ends[:, np.all(np.abs(ends) < 1e12, axis=0)])
        if not ax.size:
            return
        across = np.abs(bx - ax) >= np.abs(by - ay)
        counts = np.ceil(np.maximum(np.abs(bx - ax), np.abs(by - ay))).astype(int) + 1  # a step of a dot at most
        total = int(counts.sum())
        nth = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)  # which dot of its line each one is
        share = nth / np.repeat(np.maximum(counts - 1, 1), counts)
        # Not rint: it takes halves to even, and a line from 1.5 on would skip every other row.
        xs = np.floor(np.repeat(ax, counts) + share * np.repeat(bx - ax, counts) + 0.5).astype(int)
        ys = np.floor(np.repeat(ay, counts) + share * np.repeat(by - ay, counts) + 0.5).astype(int)
        if dash:
            drawn = np.concatenate([np.full(n, at % 2 == 0) for at, n in enumerate(dash)])
            on = drawn[nth % len(drawn)]
            xs, ys = xs[on], ys[on]
        self.dots(xs, ys, style)
        if thick > 1:  # beside the line, across its direction
            flat = np.repeat(across, counts)[on] if dash else np.repeat(across, counts)
            for off in (1, -1)[: thick - 1]:
                self.dots(np.where(flat, xs, xs + off), np.where(flat, ys + off, ys), style)

    def line(
        self, x0: float, y0: float, x1: float, y1: float, style: str = "", thick: int = 1, dash: tuple[int, ...] = SOLID
    ) -> None:
        """Draw a straight line between two dots (column, row), both of them included."""
        self.segments([x0], [y0], [x1], [y1], style, thick, dash)

    def _clip(self, ends: np.ndarray) -> np.ndarray:
        """What of the lines is inside, two dots of margin included (Liang and Barsky 1984)."""
        ax, ay, bx, by = ends
        start, stop = np.zeros(ax.shape), np.ones(ax.shape)
        outside = np.zeros(ax.shape, dtype=bool)
        for at, by_, low, high in ((ax, bx - ax, -2, self.columns * 2 + 1), (ay, by - ay, -2, self.rows * 4 + 1)):
            still = by_ == 0
            outside |= still & ((at < low) | (at > high))
            step = np.where(still, 1, by_)
            one, two = (low - at) / step, (high - at) / step
            start = np.where(still, start, np.maximum(start, np.minimum(one, two)))
            stop = np.where(still, stop, np.minimum(stop, np.maximum(one, two)))
        keep = ~outside & (start <= stop)
        ax, ay, bx, by, start, stop = (v[keep] for v in (ax, ay, bx, by, start, stop))
        return np.array([ax + start * (bx - ax), ay + start * (by - ay), ax + stop * (bx - ax), ay + stop * (by - ay)])

    def erase(self, column: int, row: int, columns: int, rows: int = 1) -> None:
        """Take the dots out of a rectangle of cells."""
        top, left, bottom, right = max(row, 0), max(column, 0), max(row + rows, 0), max(column + columns, 0)
        self._dots[top * 4 : bottom * 4, left * 2 : right * 2] = False
        self._rank[top:bottom, left:right] = 0

    def cover(self, other: Canvas, clear: bool = False) -> None:
        """Lay the lines of another canvas of this size over this one; `clear`: its cells lose what was in them."""
        if clear:
            cells = other._dots.reshape(self.rows, 4, self.columns, 2).any(axis=(1, 3))
            self._dots &= ~cells.repeat(4, axis=0).repeat(2, axis=1)
            self._rank[cells] = 0
        self.merge(other, 0, 0, self.columns * 2, self.rows * 4)

    def merge(self, other: Canvas, left: int, top: int, right: int, bottom: int) -> None:
        """Lay the lines of another canvas of this size over this one, within a rectangle of dots."""
        part = np.s_[top:bottom, left:right]
        self._dots[part] |= other._dots[part]
        cells = np.s_[top // 4 : -(-bottom // 4), left // 2 : -(-right // 2)]
        names = np.array([self._rank_of(name) for name in other._styles])
        self._rank[cells] = np.maximum(self._rank[cells], names[other._rank[cells]])

    # ------------------------------------------------------------ text

    def text(self, column: int, row: int, text: str, style: str = "", gap: int = 0) -> None:
        """Text over cells, cut at the edge. The lines under it end `gap` cells before and after it."""
        if not 0 <= row < self.rows:
            return
        if gap:
            self.erase(column - gap, row, width(text) + 2 * gap)
        codes, accents = _cells(text)
        start, stop = max(-column, 0), min(len(codes), self.columns - column)
        if start >= stop:
            return
        if stop < len(codes) and codes[stop] == _SECOND:  # half of a wide character
            stop -= 1
        self._chars[row, column + start : column + stop] = codes[start:stop]
        self._rank[row, column + start : column + stop] = self._rank_of(style)
        if self._accents or accents:
            for at in range(start, stop):
                self._accents.pop((row, column + at), None)
            self._accents |= {(row, column + at): mark for at, mark in accents if start <= at < stop}

    def field(self, column: int, row: int, kinds: np.ndarray, looks: Sequence[tuple[str, str]]) -> None:
        """A rectangle of cells at once: `kinds` (rows × columns) says which of `looks`, a sign one cell wide and its
        style, stands in a cell; what is negative stays as it is. It lies within the canvas."""
        part = np.s_[row : row + kinds.shape[0], column : column + kinds.shape[1]]
        drawn = kinds >= 0
        codes = np.array([ord(sign) for sign, _ in looks], dtype=np.uint32)
        ranks = np.array([self._rank_of(style) for _, style in looks], dtype=np.int16)
        self._chars[part][drawn] = codes[kinds[drawn]]
        self._rank[part][drawn] = ranks[kinds[drawn]]

    def taken(self, column: int, row: int, columns: int) -> bool:
        """Whether text stands in any of these cells, or they are not on the canvas."""
        if not (0 <= row < self.rows and column >= 0 and column + columns <= self.columns):
            return True
        return bool(self._chars[row, column : column + columns].any())

    def inked(self, column: int, row: int, columns: int) -> int:
        """How many dots these cells have."""
        return int(self._dots[row * 4 : row * 4 + 4, max(column, 0) * 2 : (column + columns) * 2].sum())

    # ------------------------------------------------------------ the picture

    def picture(self) -> Picture:
        """The cells as rows of spans; a row ends with its last cell that is not blank."""
        if not (self.rows and self.columns):
            return ()
        packed = np.packbits(
            self._dots.reshape(self.rows, 4, self.columns, 2).transpose(0, 2, 1, 3).reshape(-1, 8), axis=1
        )
        codes = _BRAILLE[packed].reshape(self.rows, self.columns)
        chars = np.where(self._chars > 0, self._chars, codes)
        ranks = np.where((self._chars == 0) & (codes == _BLANK), 0, self._rank)
        edge = np.ones((self.rows, 1), dtype=bool)
        starts = np.hstack([edge, ranks[:, 1:] != ranks[:, :-1]])
        plain = not self._accents and not (self._chars == _SECOND).any()
        rows = []
        for row in range(self.rows):
            text = chars[row].tobytes().decode("utf-32-le")
            cuts = np.flatnonzero(starts[row]).tolist()
            spans = [
                (text[a:b] if plain else self._written(row, a, text[a:b]), self._styles[rank])
                for a, b, rank in zip(cuts, [*cuts[1:], None], ranks[row, cuts].tolist(), strict=True)
            ]
            if spans[-1][1] == "":
                last = spans.pop()[0].rstrip(" ")
                spans += [(last, "")] if last else []
            rows.append(tuple(spans))
        return tuple(rows)

    def _written(self, row: int, column: int, text: str) -> str:
        """A run of cells as text: with the combining marks, without the second halves of wide characters."""
        if self._accents:
            text = "".join(char + self._accents.get((row, column + at), "") for at, char in enumerate(text))
        return text.replace(chr(_SECOND), "")


# ---------------------------------------------------------------- pictures as text


def joined(spans: Iterable[tuple[str, str]]) -> Row:
    """Spans of the same style made one, empty ones left out."""
    groups = groupby((span for span in spans if span[0]), key=lambda span: span[1])
    return tuple(("".join(text for text, _ in group), style) for style, group in groups)


def row_text(row: Row) -> str:
    """A row without its styles."""
    return "".join(text for text, _ in row)


def as_text(picture: Picture) -> list[str]:
    """The rows of a picture without their styles."""
    return [row_text(row) for row in picture]
