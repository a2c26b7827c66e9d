"""Files of arrays: JSON, CSV and TSV, and what `array_files` reads, without running anything.

Whatever the format, a file is a list of `Handed`: a name, its numbers, and how finely they are written.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tutor.confined import named
from tutor.lessonfiles.array_files import (
    DOUBLE,
    SINGLE,
    BadFile,
    Stored,
    flat,
    safetensors,
    stored,
    was_single,
    zipped,
)
from tutor.text.language import N_, say
from tutor.text.output import quote

MOST = 100_000_000  # bytes of a file, and of what an archive unpacks to
MOST_ARRAYS = 10_000

MOST_DECIMALS = 300  # of a float
BLANK = "_"  # in a table: a number that is not there yet
HEADS = ("name", "names", "array", "step", "id", "value", "what")  # of a table's first column


@dataclass(frozen=True)
class Handed:
    """An array as it was handed in.

    `digits` are the significant digits of its most finely written number, `decimals` its decimals where they were
    written out (None of binary files): what a person or a print wrote is no finer than that. `halves` is half a unit in
    the last place of each number that is written with three digits or more, 0 of others. `missing` says which cells
    were left blank (they are NaN in `values`); an array that has it is judged cell by cell, each as finely as that is
    written. None: there are no blanks, and the array is judged as a whole. `scale` is what its numbers were multiplied
    by after they were written.
    """

    name: str
    values: np.ndarray
    digits: int = DOUBLE
    decimals: int | None = None
    halves: np.ndarray | None = None
    missing: np.ndarray | None = None
    scale: float = 1.0

    @property
    def by_hand(self) -> bool:
        """Whether its numbers are written out, and may have been rounded line by line."""
        return self.decimals is not None

    def over(self, reference: np.ndarray) -> np.ndarray:
        """The values, with those of `reference` (of the same shape) in the blanks."""
        return self.values if self.missing is None else np.where(self.missing, reference, self.values)

    def by_cell(self) -> Handed:
        """The same judged cell by cell: what is no number is a blank."""
        return self if self.missing is not None else replace(self, missing=np.isnan(self.values))

    def laid(self, change: Callable[[np.ndarray], np.ndarray]) -> Handed:
        """The same with its numbers in other places."""
        halves, missing = (None if part is None else change(part) for part in (self.halves, self.missing))
        return replace(self, values=change(self.values), halves=halves, missing=missing)

    def times(self, factor: float) -> Handed:
        """The same with its numbers multiplied, and what they are as fine as."""
        if factor == 1:
            return self
        halves = None if self.halves is None else self.halves * factor
        return replace(self, values=self.values * factor, halves=halves, scale=self.scale * factor)

    @classmethod
    def of(cls, name: str, values: np.ndarray) -> Handed:
        """An array of a program, as finely as its type can hold. Raises BadFile where it holds no numbers."""
        return cls._kept(stored(name, values))

    @classmethod
    def _kept(cls, array: Stored) -> Handed:
        return cls(array.name, array.values.astype(float), array.digits)


def read_arrays(path: str | Path, data: bytes | None = None) -> list[Handed]:
    """The arrays of a file, in its order; `data` are its bytes where it is no file ("-"). Raises BadFile, OSError."""
    name = Path(path).name
    if data is None:
        file = named(path)
        size = file.stat().st_size
        if size > MOST:
            raise BadFile(
                say(
                    "{file} has {n} bytes: a file of arrays may have {most}",
                    file=quote(name), n=f"{size:,}", most=f"{MOST:,}",
                )
            )  # fmt: skip
        data = file.read_bytes()
    if not data.strip():
        raise BadFile(say("{file} is empty", file=quote(name)))
    try:
        reader = READERS.get(Path(path).suffix.lower()) or _sniffed(data)
        found = reader(data)
    except BadFile as error:
        raise BadFile(say("{file}: {why}", file=quote(name), why=error)) from None
    except RecursionError:
        raise BadFile(say("{file}: lists are nested too deep", file=quote(name))) from None
    if not found:
        told = (
            N_("{file} has no array in it: a line of a table is dL/dW1,0.1,0.2")
            if reader is _table
            else N_("{file} has no array in it")
        )
        raise BadFile(say(told, file=quote(name)))
    if len(found) > MOST_ARRAYS:
        raise BadFile(
            say(
                "{file} has {n} arrays: at most {most} are read",
                file=quote(name), n=f"{len(found):,}", most=f"{MOST_ARRAYS:,}",
            )
        )  # fmt: skip
    return found


def _sniffed(data: bytes) -> Callable[[bytes], list[Handed]]:
    """The reader of bytes without a name, by how they begin."""
    if data[:2] == b"PK":
        return _zipped
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") < len(data):
        return _safetensors
    if data[:6] == b"\x93NUMPY":
        return _one_array
    return _json if _text(data).lstrip()[:1] in ("{", "[") else _table


def _one_array(data: bytes) -> list[Handed]:
    raise BadFile(say("a .npy holds one array without a name: write {code}", code="np.savez('mine.npz', dW1=dW1)"))


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            at = error.start
    raise BadFile(say("byte {n} is no UTF-8: save it as UTF-8", n=at + 1))


# ---------------------------------------------------------------- numbers as they are written


class _Written(float):
    """A number with the significant digits and decimals that it is written with."""

    __slots__ = ("decimals", "digits")
    digits: int
    decimals: int


def fineness(text: str) -> tuple[int, int]:
    """The significant digits and the decimals that a number is written with: (3, 4) of 0.0821, (2, −2) of 12e2."""
    mantissa, _, exponent = text.strip().lower().partition("e")
    whole, _, fraction = mantissa.lstrip("+-−").partition(".")
    digits = len((whole + fraction).lstrip("0"))
    power = int(exponent or 0) if len(exponent) < 9 else 0
    decimals = len(fraction) - power
    return digits, max(decimals, -MOST_DECIMALS if digits else 0)


def _written(text: str) -> _Written:
    found = _Written(text)
    found.digits, found.decimals = fineness(text)
    return found


def _blank() -> _Written:
    """A number that was left out."""
    found = _Written("nan")
    found.digits, found.decimals = 0, -MOST_DECIMALS
    return found


def _is_blank(leaf: _Written) -> bool:
    return leaf.digits == 0 and math.isnan(leaf)


def _handed(name: str, value: Any) -> Handed:
    """A nested list of written numbers as an array. Raises BadFile where it is none."""
    leaves = list(_leaves(name, value))
    try:
        values = np.array(value, dtype=float)
    except (ValueError, TypeError):
        raise BadFile(say("{name}: its rows have different lengths", name=quote(name))) from None
    if not leaves:
        raise BadFile(say("{name} has no number in it", name=quote(name)))
    digits = max(leaf.digits for leaf in leaves)
    blank = [_is_blank(leaf) for leaf in leaves]
    missing = np.reshape(blank, values.shape) if any(blank) else None
    if digits >= 15:  # printed to the last bit
        return Handed(name, values, SINGLE if was_single(values) else DOUBLE, missing=missing)
    halves = [0.5 * 10.0**-leaf.decimals if leaf.digits >= 3 else 0.0 for leaf in leaves]
    finest = max(leaf.decimals for leaf in leaves)
    return Handed(name, values, max(digits, 1), finest, np.reshape(halves, values.shape), missing)


def _leaves(name: str, value: Any) -> Iterator[_Written]:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(name, item)
    elif isinstance(value, _Written):
        yield value
    elif value is None:  # what is not finite has no number in JSON
        yield _written("nan")
    else:
        raise BadFile(say("{name}: {text} is no number", name=quote(name), text=quote(str(value)[:40])))


# ---------------------------------------------------------------- JSON, tables

_EXAMPLE = '{"dL/dW1": [[0.1, 0.2]], "dL/db1": [0.3]}'
# What Python says of what is no JSON: of more there is no translation.
_NO_JSON = (
    N_("Expecting value"), N_("Expecting ',' delimiter"), N_("Expecting ':' delimiter"), N_("Extra data"),
    N_("Expecting property name enclosed in double quotes"), N_("Unterminated string starting at"),
)  # fmt: skip


def _json(data: bytes) -> list[Handed]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            names = [key for key, _ in items]
            twice = next(name for name in names if names.count(name) > 1)
            raise BadFile(say("{name} is there twice: give each array a name of its own", name=quote(twice)))
        return found

    try:
        whole = json.loads(
            _text(data), parse_float=_written, parse_int=_written, parse_constant=_written, object_pairs_hook=pairs
        )
    except json.JSONDecodeError as error:
        told = say(
            "line {line}, column {column}: {why}; arrays are written {example}",
            line=error.lineno, column=error.colno, why=say(error.msg), example=_EXAMPLE,
        )  # fmt: skip
        raise BadFile(told) from None
    if not isinstance(whole, dict):
        raise BadFile(say("it is no object: write {example}", example=_EXAMPLE))
    return [_handed(name, value) for name, value in flat("", whole)]


def _table(data: bytes) -> list[Handed]:
    """A name, then its numbers; a line that begins with no name goes on with the rows of the one before."""
    text = io.StringIO(_text(data), newline=None).read()  # whatever ends a line
    first = text.lstrip().splitlines()[0]
    delimiter = next((sign for sign in "\t;" if sign in first), ",")
    rows: dict[str, list[list[_Written]]] = {}
    name = ""
    for number, cells in enumerate(_cells(text, delimiter), start=1):
        while cells and not cells[-1]:
            cells.pop()
        if not cells or (cells[0].startswith("#")):
            continue
        said, *rest = cells
        if said and not _is_number(said):
            if number == 1 and rest and said.casefold() in HEADS:
                continue  # the heads of columns
            if said in rows and said != name:
                raise BadFile(
                    say(
                        "line {line}: {name} is there twice: give each array a name of its own",
                        line=number, name=quote(said[:64]),
                    )
                )  # fmt: skip
            name, numbers = said, rest
            rows.setdefault(name, [])
        else:
            numbers = cells if said else rest
        if not name:
            raise BadFile(say("line {line}: it begins with a number; write a name first: dL/dW1,0.1,0.2", line=number))
        found = []
        for cell in numbers:
            if cell not in ("", BLANK) and not _is_number(cell):
                raise BadFile(say("line {line}: {text} is no number", line=number, text=quote(cell[:40])))
            found.append(_blank() if cell in ("", BLANK) else _written(_plain(cell)))
        if found:
            rows[name].append(found)
    filled = {name: lists for name, lists in rows.items() if any(not _is_blank(cell) for row in lists for cell in row)}
    return [_handed(name, _shaped(lists)) for name, lists in filled.items()]


_THOUSANDS = re.compile(r"[-+−]?[1-9][0-9]{0,2}(?:,[0-9]{3})+")


def _cells(text: str, delimiter: str) -> list[list[str]]:
    """The cells of every line. Raises BadFile where a comma in a number may as well part thousands."""
    try:
        lines = [[cell.strip() for cell in line] for line in csv.reader(io.StringIO(text), delimiter=delimiter)]
    except csv.Error as error:
        raise BadFile(say("it is no table: {why}", why=error)) from None
    with_comma = [cell for line in lines for cell in line if "," in cell and _is_number(cell)]
    if delimiter != ";" and with_comma and all(map(_THOUSANDS.fullmatch, with_comma)):
        cell = with_comma[0]
        told = say(
            "{text} may be {one} or {other}: write one of them",
            text=quote(cell), one=cell.replace(",", "."), other=cell.replace(",", ""),
        )  # fmt: skip
        raise BadFile(told)
    return lines


def _shaped(rows: list[list[_Written]]) -> Any:
    """One line is a list, several are rows, and one number is a number."""
    match rows:
        case [[number]]:
            return number
        case [row]:
            return row
    return rows


def _plain(cell: str) -> str:
    """A cell as Python writes numbers: a comma in it (behind `;`, a tab or quotation marks) is a decimal comma."""
    return cell.replace("−", "-").replace(",", ".")


def _is_number(cell: str) -> bool:
    try:
        float(_plain(cell))
    except ValueError:
        return False
    return "_" not in cell


# ---------------------------------------------------------------- binary


def _zipped(data: bytes) -> list[Handed]:
    return list(map(Handed._kept, zipped(data, MOST)))


def _safetensors(data: bytes) -> list[Handed]:
    return list(map(Handed._kept, safetensors(data)))


READERS: dict[str, Callable[[bytes], list[Handed]]] = {
    ".json": _json,
    ".csv": _table,
    ".tsv": _table,
    ".npz": _zipped,
    ".safetensors": _safetensors,
    ".pt": _zipped,
    ".pth": _zipped,
}
