"""Examples from a CSV file beside a lesson: a table, where its cells stand, and what is wrong with them.

Comma, semicolon or tab between the fields; a header; UTF-8, with or without a byte order mark. Fields may be quoted.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from tutor.formula import did_you_mean
from tutor.output import quote
from tutor.source import Problem, Source, plural, read_source

MAX_BYTES = 16 * 2**20
MAX_PROBLEMS = 20  # in the cells of one file


@dataclass(frozen=True)
class Table:
    """The header and the rows of a file, as text without spaces around; rows as long as the header."""

    source: Source
    separator: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]  # where each row begins, from 1

    def problem(self, row: int, column: int | None, message: str, advice: str = "") -> Problem:
        """A problem with a cell (`column` None: with the row), by its place in the file; rows count from 0."""
        line = self.lines[row]
        at = 1 if column is None else _column(self.source.line(line), column, self.separator)
        return self.source.problem_at(line, at, message, advice)


@dataclass(frozen=True)
class Columns:
    """The columns of a table that are the inputs and the targets, or (`classes` not empty) the one with the class."""

    inputs: tuple[int, ...]
    targets: tuple[int, ...]
    classes: tuple[str, ...] = ()


def place(lesson: Path, name: str) -> Path | str:
    """The file of that name beside a lesson, or below its folder; else why it may not be read."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if PureWindowsPath(name).drive or PureWindowsPath(name).root or PurePosixPath(name).is_absolute():
        return "a file of examples is named from the lesson's folder, not by an absolute path"
    if ".." in parts or "\0" in name:
        return "a file of examples stands beside the lesson or below its folder"
    path = lesson.parent.joinpath(*parts)
    inside = os.path.realpath(lesson.parent)
    if os.path.commonpath([inside, os.path.realpath(path)]) != inside:
        return "a file of examples stands beside the lesson: this one is a link to elsewhere"
    return path


def read_table(path: Path) -> Table | Problem:
    """The table in a file, or the first thing that makes it none. Never raises for what a file holds."""
    source = read_source(path, MAX_BYTES, "table")
    if isinstance(source, Problem):
        return source
    first = source.text.lstrip("\n").partition("\n")[0]
    separator = max(",;\t", key=first.count)  # of equals the first
    reader = csv.reader(io.StringIO(source.text), delimiter=separator, strict=True)
    records: list[tuple[str, ...]] = []
    lines: list[int] = []
    before = 0
    try:
        for record in reader:
            if any(field.strip() for field in record):
                records.append(tuple(field.strip() for field in record))
                lines.append(before + 1)
            before = reader.line_num
    except csv.Error as error:
        message = f"not a table of comma-separated values: {error}"
        return source.problem_at(before + 1, 1, message, 'a field with quotes has them doubled: "say ""yes"""')
    if not records:
        return source.problem_at(1, 1, "the file is empty", "its first line names the columns")
    header, rows = records[0], records[1:]
    for at, name in enumerate(header):
        if not name or name in header[:at]:
            message = f"the column {quote(name)} is there twice" if name else f"column {at + 1} has no name"
            return source.problem_at(lines[0], _column(source.line(lines[0]), at, separator), message)
    for row, line in zip(rows, lines[1:], strict=True):
        if len(row) != len(header):
            message = f"this row has {plural(len(row), 'field')}; the header has {len(header)}"
            return source.problem_at(line, 1, message, "an empty field stands between two commas")
    if not rows:
        return source.problem_at(lines[0], 1, "there is no row below the header")
    if all(_number(name) is not None for name in header):
        advice = "the first line has the names of the columns"
        return source.problem_at(lines[0], 1, "the first line has numbers where names should be", advice)
    return Table(source, separator, header, tuple(rows), tuple(lines[1:]))


def columns(
    table: Table, inputs: Sequence[str] | int, outputs: Sequence[str] | int, class_column: str | None
) -> Columns | Problem:
    """Which columns are inputs and targets: those of the names, or of a mere number of them the ones that are left.

    Without names the targets are the last columns. Classes are the outputs' names, or (those of a mere number) what
    stands in the column, in the order in which it appears.
    """
    left = list(range(len(table.header)))
    classes: tuple[str, ...] = ()
    if class_column is not None:
        at = _named(table, class_column, "class")
        if isinstance(at, Problem):
            return at
        targets = [at]
        left.remove(at)
        seen = tuple(dict.fromkeys(row[at] for row in table.rows if row[at]))
        classes = seen if isinstance(outputs, int) else tuple(outputs)
        if isinstance(outputs, int) and len(seen) != outputs and all(row[at] for row in table.rows):
            few = f"{quote(class_column)} has {len(seen)} classes ({', '.join(map(quote, seen[:6]))})"
            message = f"the column {few}; the network has {plural(outputs, 'output')}"
            return table.source.problem_at(1, 1, message, "the last layer has a unit for each class")
    else:
        named = _chosen(table, outputs, left[-outputs:] if isinstance(outputs, int) else left, "target")
        if isinstance(named, Problem):
            return named
        targets = named
        left = [at for at in left if at not in targets]
    found = _chosen(table, inputs, left, "input")
    return found if isinstance(found, Problem) else Columns(tuple(found), tuple(targets), classes)


def examples(table: Table, chosen: Columns) -> tuple[list[dict], list[Problem]]:
    """The rows as a lesson's examples, {"inputs": [...], "targets": [...]}, and what is wrong with their cells."""
    found: list[dict] = []
    problems: list[Problem] = []
    known = {name: at for at, name in enumerate(chosen.classes)}
    for i, row in enumerate(table.rows):
        if len(problems) >= MAX_PROBLEMS:
            problems.append(table.problem(i, None, "there may be more problems: the rest is not looked at"))
            break
        example: dict[str, list] = {"inputs": [], "targets": []}
        for key, places in (("inputs", chosen.inputs), ("targets", chosen.targets)):
            for at in places:
                text = row[at]
                if key == "targets" and known:
                    if text in known:
                        example[key] = [int(j == known[text]) for j in range(len(known))]
                    else:
                        message = f"{quote(text)} is no class" + did_you_mean(text[:64], known) if text else "no class"
                        problems.append(table.problem(i, at, message, f"classes are: {', '.join(chosen.classes)}"))
                    continue
                value = _number(text)
                if value is not None:
                    example[key].append(value)
                    continue
                name = quote(table.header[at])
                message = f"{name} is missing" if not text else f"{name} must be a finite number, not {quote(text)}"
                decimal = table.separator != "," and "," in text
                advice = "a decimal point, not a comma" if decimal else "leave out rows in which a value is missing"
                problems.append(table.problem(i, at, message, advice if decimal or not text else ""))
        found.append(example)
    return found, problems


def _chosen(table: Table, wanted: Sequence[str] | int, left: list[int], what: str) -> list[int] | Problem:
    """The columns of names, or of a mere number of them all that are left."""
    if isinstance(wanted, int):
        if len(left) == wanted:
            return left
        are = plural(len(left), "column is", "columns are")
        message = f"{are} left for the {what}s; the network has {wanted}"
        return table.source.problem_at(1, 1, message, f"name the {what}s in the lesson as the columns are named")
    found = []
    for name in wanted:
        at = _named(table, name, what)
        if isinstance(at, Problem):
            return at
        found.append(at)
    return found


def _named(table: Table, name: str, what: str) -> int | Problem:
    if name in table.header:
        return table.header.index(name)
    message = f"there is no column for the {what} {quote(name)}{did_you_mean(name[:64], table.header)}"
    return table.source.problem_at(1, 1, message, f"columns: {', '.join(table.header[:20])}")


def _number(text: str) -> float | None:
    """The finite number that a field is; None for anything else. No underscores, no names."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def _column(line: str, column: int, separator: str) -> int:
    """Where a field begins in its line, from 1; 1 where it is not on that line."""
    at, quoted = 0, False
    for position, char in enumerate(line):
        if at == column:
            return position + 1
        quoted ^= char == '"'
        at += char == separator and not quoted
    return len(line) + 1 if at == column else 1
