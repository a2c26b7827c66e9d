"""A table of cells as people type and paste it: spreadsheets, NumPy, MATLAB, Markdown, CSV, the brackets on the screen.

Only where the cells are is found here; what stands in one is read when it is graded.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tutor.questions.tokens import NotUnderstood, normalised
from tutor.text.grids import grid_of
from tutor.text.language import say, say_many
from tutor.text.words import listed, plural

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|[0-9]*\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?:[×x]10\S+)?%?|\?|nan|[-+]?inf")
_WITH_COMMA = re.compile(r"[-+]?[0-9]*,[0-9]+(?:[eE][-+]?[0-9]+)?%?")
_CALL = re.compile(r"[\w.]+\s*\(\s*(?=[\[(])")
_LEFT = re.compile(r"(?=[^\s\d\[({+\-−.=|])[^=\n;,]{1,60}?=\s*(?=[\[\n]|[-+.\d\s]+[;,\s])")
_PRINTED = str.maketrans(dict.fromkeys("⎡⎢⎣⎤⎥⎦⎛⎜⎝⎞⎟⎠│", " "))
_RULE = re.compile(r"\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?")


def a_comma(cell: str) -> str | None:
    """Of 1,75 what it would be with a point, 1.75: that, or two values. None where it can only be one of them."""
    plain = normalised(cell)
    return plain.replace(",", ".") if _WITH_COMMA.fullmatch(plain) else None


def is_number(word: str) -> bool:
    """Whether a word is a number as people write one."""
    return bool(_NUMBER.fullmatch(normalised(word)))


def table(text: str) -> list[list[str]]:
    """The rows of a table, each with its cells; empty cells of a spreadsheet's row are kept, empty rows are not.

    Between the cells stands what the whole table uses: tabs, | or &, commas (not those of 1,5 beside tabs, semicolons
    or spaces, which become points), else spaces between numbers.
    """
    plain = _unwrapped(text)
    if "[" in plain and plain.lstrip().startswith("["):
        return [_row(row, comma=True) for row in _bracketed(plain)]
    if "&" in plain:
        inner = re.sub(r"\\(?:begin|end)\{[^}]*\}", " ", plain)
        return [[cell.strip() for cell in row.split("&")] for row in re.split(r"\\\\|\n", inner) if row.strip()]
    lines = [line for line in plain.split("\n") if line.strip()]
    if lines and all(line.strip().startswith("|") and line.strip().endswith("|") for line in lines):
        kept = [line.strip() for line in lines if not _RULE.fullmatch(line.strip())]
        rows = [[_point(cell.strip()) for cell in line[1:-1].split("|")] for line in kept]
        if all(is_number(cell) for cells in rows for cell in cells if cell):
            return rows
    if any("\t" in line.strip() for line in lines):
        first = min(len(line) - len(line.lstrip("\t")) for line in lines)
        return [[_point(cell.strip()) for cell in line[first:].split("\t")] for line in lines]
    by_semicolon = [split_cells(line, ";") for line in lines]
    cells = [cell for parts in by_semicolon for cell in parts]
    if 1 < len(lines) < len(cells) and all(map(is_number, map(_point, cells))):  # a CSV whose comma is the decimals'
        return [[_point(cell) for cell in parts] for parts in by_semicolon]
    return [_row(row) for parts in by_semicolon for row in parts]


def _row(text: str, comma: bool = False) -> list[str]:
    """The cells of one row; `comma`: a comma can only stand between two of them."""
    words = split_cells(text, r"\s")
    if len(words) > 1 and not comma and all(a_comma(word) or is_number(word) for word in words):
        return [_point(word) for word in words]
    cells = split_cells(text, ",")
    # Spaces stand between numbers; a1 + 2 is one cell.
    apart = [split_cells(cell, r"\s") for cell in cells]
    return [
        part
        for cell, words in zip(cells, apart, strict=True)
        for part in (words if all(map(is_number, words)) else [cell])
    ]


def _point(cell: str) -> str:
    return a_comma(cell) or cell


def _unwrapped(text: str) -> str:
    """The table without what a program or the screen prints round it: array(…), dtype, W =, ⎡ ⎤."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "").translate(_PRINTED)
    plain = "\n".join(line.rstrip(" ") for line in plain.split("\n")).strip("\n ")
    if (left := _LEFT.match(plain)) and plain[left.end() :].strip():
        plain = plain[left.end() :].strip("\n ")
    if call := _CALL.match(plain):
        inner = plain[call.end() :]
        end = _closes(inner)
        if end > 0 and re.fullmatch(r"\s*(?:,[^\[\]]*)?\)\s*;?", inner[end + 1 :]):
            plain = inner[: end + 1]
    plain = plain.strip("\n ")
    if plain.startswith(("{", "((")):  # as programs print lists of lists and tuples of tuples
        plain = plain.translate(str.maketrans("{}()", "[][]")) if _closes_braces(plain) else plain
    return plain.rstrip(";,") if plain.startswith("[") else plain


def _bracketed(plain: str) -> list[str]:
    """The rows of [[1, 2], [3, 4]], [1 2; 3 4], [1, 2] [3, 4]; without the brackets."""
    if _closes(plain) == len(plain) - 1:
        plain = plain[1:-1].strip()
    if not plain.startswith(("[", "(")):
        return split_cells(plain, r"[;\n]")
    rows = split_cells(plain, r"[,;\s]")
    return [row[1:-1] if row[:1] + row[-1:] in ("[]", "()") else row for row in rows]


def _closes_braces(text: str) -> bool:
    """Whether nothing but numbers stands in such brackets."""
    return all(is_number(word) for word in re.split(r"[\s,;{}()]+", text) if word)


def _closes(text: str) -> int:
    """Where the bracket that the text begins with is closed; −1 if nowhere."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if depth == 0:
            return at
    return -1


def split_cells(text: str, separator: str) -> list[str]:
    """The parts of a text between separators (a pattern of one character) that stand in no bracket; no empty ones."""
    parts, depth, start = [], 0, 0
    is_separator = re.compile(separator).fullmatch
    for at, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if depth == 0 and is_separator(sign):
            parts.append(text[start:at])
            start = at + 1
    return [found.strip() for found in (*parts, text[start:]) if found.strip()]


def size_words(shape: tuple[int, ...]) -> str:
    """How many numbers a vector or matrix of this shape takes, in words."""
    rows, wide = grid_of(shape)
    return (
        say_many(rows, "{n} row of {wide} numbers", "{n} rows of {wide} numbers", wide=wide)
        if len(shape) > 1
        else plural(rows, "number")
    )


def read_cells(text: str, shape: tuple[int, ...]) -> list[str]:
    """The texts of the cells of a whole, row by row. Raises NotUnderstood.

    Rows may be left out: as many cells as there are will do. A vector is a row, a column, or a list.
    """
    cells = table(text)
    flat = [cell for row in cells for cell in row]
    many, wide = math.prod(shape), grid_of(shape)[1] if len(shape) > 1 else None
    if len(flat) != many:
        raise NotUnderstood(
            say("give {sizes}, with spaces or commas between them: that is {n}", sizes=size_words(shape), n=len(flat))
        )
    if not all(flat):
        raise NotUnderstood(say("give {sizes}: a cell is empty; ? leaves one out", sizes=size_words(shape)))
    if wide is not None and len(cells) > 1 and any(len(row) != wide for row in cells):
        rows = listed(list(dict.fromkeys(str(len(row)) for row in cells)))
        raise NotUnderstood(
            say(
                "give {sizes}, a row a line: these {n} rows have {rows}",
                sizes=size_words(shape),
                n=len(cells),
                rows=rows,
            )
        )
    return flat


# ---------------------------------------------------------------- filling a grid


@dataclass(frozen=True)
class Filled:
    """A grid after something was put into it: its cells, which one is edited next, and what is to be said of it."""

    cells: tuple[str, ...]
    at: int
    said: str = ""


def fill(cells: tuple[str, ...], at: int, wide: int, rows: list[list[str]]) -> Filled:
    """A grid with a table put in where the cell `at` is; as it was, and why, where the table does not fit.

    A table as large as the grid fills it whole. A single row, or what has as many values as are left, runs on
    over the ends of rows; a column goes down.
    """
    high, column, row = len(cells) // wide, at % wide, at // wide
    rows = [list(cells) for cells in rows]
    flat = [cell for cells in rows for cell in cells]
    tall, broad = len(rows), max(map(len, rows), default=0)
    if not flat:
        return Filled(cells, at, say("There was nothing to put in."))
    if len(flat) == len(cells) and (tall == 1 or broad == 1 or (tall, broad) == (high, wide)):
        places = list(range(len(cells)))
    elif tall == 1 or (broad == 1 and wide == 1):
        places = list(range(at, at + len(flat)))
    else:
        flat = [cell for cells in rows for cell in (*cells, *[""] * (broad - len(cells)))]
        places = [(row + i) * wide + column + j for i in range(tall) for j in range(broad)]
        if row + tall > high or column + broad > wide:
            return Filled(cells, at, _does_not_fit(tall, broad, high, wide, row, column))
    if places[-1] >= len(cells):
        return Filled(cells, at, _does_not_fit(tall, broad, high, wide, row, column))
    found, lost = list(cells), 0
    for place, cell in zip(places, flat, strict=True):
        lost += bool(found[place] and cell and found[place] != cell)
        found[place] = cell or found[place]
    said = say_many(
        lost, "A cell that had something else was replaced.", "{n} cells that had something else were replaced."
    )
    return Filled(tuple(found), min(places[-1] + 1, len(cells) - 1), said if lost else "")


def _does_not_fit(tall: int, broad: int, high: int, wide: int, row: int, column: int) -> str:
    what = (
        say("{tall} × {broad} values", tall=tall, broad=broad)
        if tall > 1 and broad > 1
        else say("{n} values", n=max(tall, broad))
    )
    where = f"[{row + 1}]" if wide == 1 else f"[{row + 1}, {column + 1}]"
    size = f"{high} × {wide}" if wide > 1 else f"{high}"
    turned = say(" They would fit transposed.") if (tall, broad) == (wide, high) and tall != broad else ""
    return say(
        "{what} do not fit from cell {where} of {size}: nothing was put in.{turned}",
        what=what,
        where=where,
        size=size,
        turned=turned,
    )
