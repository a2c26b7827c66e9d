"""A table from a CSV file beside a lesson, where its cells stand, and what makes a file none.

Comma, semicolon or tab between the fields; a header; UTF-8, with or without a byte order mark. Fields may be quoted.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tutor.lessonfiles.positions import Problem, Source, read_source
from tutor.text.language import N_, say
from tutor.text.output import quote
from tutor.text.words import plural

MAX_BYTES = 16 * 2**20
MAX_ROWS = 150_000  # more would take seconds to check
MOST_TOLD = 3  # rows of one problem
HALF_INDEX = re.compile(r"[^\W0-9]\w*\[[0-9 ]+|[0-9 ]+\]")  # what commas make of X[1,2] where they separate
IN_QUOTES = N_('a comma separates columns: put the name in quotes, "X[1,2]", or write X[1][2]')


@dataclass(frozen=True)
class CsvTable:
    """The header and the rows of a file, as text without spaces around; rows as long as the header."""

    source: Source
    separator: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]  # where each row begins, from 1
    head: int = 1  # the line of the header

    def at_header(self, column: int | None, message: str, advice: str = "", severity: str = "error") -> Problem:
        """A problem of a column, shown at its name in the header; None: of the whole header."""
        line = self.source.line(self.head)
        at = 1 if column is None else _column(line, column, self.separator)
        return self.source.problem_at(self.head, at, message, advice, severity)

    def problem(self, row: int, column: int | None, message: str, advice: str = "") -> Problem:
        """A problem with a cell (`column` None: with the row), by its place in the file; rows count from 0."""
        line = self.lines[row]
        at = 1 if column is None else _column(self.source.line(line), column, self.separator)
        return self.source.problem_at(line, at, message, advice)

    def others(self, rows: Sequence[int]) -> str:
        """The lines of rows with the same trouble: ' (lines 4, 9, 12 and 30 more)'; of a single row nothing."""
        if len(rows) < 2:
            return ""
        lines = ", ".join(str(self.lines[i]) for i in rows[:MOST_TOLD])
        if len(rows) <= MOST_TOLD:
            return f" ({say('lines {lines}', lines=lines)})"
        return f" ({say('lines {lines} and {n} more', lines=lines, n=f'{len(rows) - MOST_TOLD:,}')})"


def read_table(path: Path, inside: Path | None = None) -> CsvTable | Problem:
    """The table in a file, or what makes it none. Never raises for what a file holds.

    `inside`: the folder that it must lie in when it is opened, whatever links there are by then.
    """
    source = read_source(path, MAX_BYTES, "table", inside)
    if isinstance(source, Problem):
        return source
    source = Source(path, source.text.replace("\r", "\n"))
    if (count := source.text.count("\n")) > MAX_ROWS and len(source.text.split()) > MAX_ROWS:
        message = say("the table has {n} lines: {most} are the most", n=f"{count:,}", most=f"{MAX_ROWS:,}")
        return source.problem_at(1, 1, message, say("leave rows out, or split it into several lessons"))
    first, start = source.text.lstrip("\n").partition("\n")[0], 0
    told = re.fullmatch(r"sep=([,;\t])[,;\t]*", first.strip(" "))  # a line that is for Excel alone
    if told:
        start = source.text.index(first) + len(first)
        first = source.text[start:].lstrip("\n").partition("\n")[0]
    unquoted = re.sub(r'"[^"]*"', "", first)
    separator = told[1] if told else max(",;\t", key=unquoted.count)  # of equals the first
    reader = csv.reader(io.StringIO(source.text[start:]), delimiter=separator, strict=True)
    skipped = source.text.count("\n", 0, start)
    records: list[tuple[str, ...]] = []
    lines: list[int] = []
    before = 0
    try:
        for record in reader:
            if any(field.strip() for field in record):
                records.append(tuple(field.strip() for field in record))
                lines.append(before + 1 + skipped)
            before = reader.line_num
    except csv.Error as error:
        said = next((said for begin, said in _CSV_ERRORS.items() if str(error).startswith(begin)), str(error))
        message = say("not a table of comma-separated values: {why}", why=say(said))
        advice = say('a field with quotes has them doubled: "say ""yes"""')
        return source.problem_at(before + 1 + skipped, 1, message, advice)
    if not records:
        return source.problem_at(1, 1, say("the file is empty"), say("its first line names the columns"))
    if re.match(r"\s*<(?:!doctype|html|\?xml)", first, re.IGNORECASE):
        advice = say("download the file itself, as CSV")
        return source.problem_at(lines[0], 1, say("this is a web page, no table"), advice)
    records = _trimmed(records)
    header, rows = records[0], records[1:]
    table = CsvTable(source, separator, header, tuple(rows), tuple(lines[1:]), lines[0])
    if any(finite_number(name) is not None for name in header) and not _names_enough(header):
        advice = say("put a line with the names of the columns above it")
        message = say("this line has numbers where names should be")
        if table.head == 1:
            message = say("the first line has numbers where names should be")
        return table.at_header(None, message, advice)
    for at, name in enumerate(header):
        if not name:
            message = say("column {n} has no name", n=at + 1)
            return table.at_header(at, message, say("each has one in the first line"))
        if name in header[:at]:
            advice = say("give one of them another name") if not HALF_INDEX.fullmatch(name) else say(IN_QUOTES)
            return table.at_header(at, say("the column {name} is there twice", name=quote(name)), advice)
    if not rows:
        return table.at_header(None, say("there is no row below the header"))
    odd = [i for i, row in enumerate(rows) if len(row) != len(header)]
    return _uneven(table, odd) if odd else table


def _uneven(table: CsvTable, odd: list[int]) -> Problem:
    """What is wrong where rows have not as many fields as the header."""
    i, names = odd[0], table.header
    row = table.rows[i]
    if len(names) == 1 and len(odd) == len(table.rows):
        advice = say("take it out: the first line has the names of the columns, and nothing stands above it")
        return table.at_header(None, say("this line names no columns: {text}", text=quote(names[0])), advice)
    message = say("this row has {fields}; the header has {n}", fields=plural(len(row), "field"), n=len(names))
    empty, within = _SEPARATORS[table.separator]
    if len(row) < len(names):
        advice = say(empty)
    elif len(odd) == len(table.rows):
        advice = say("each column has a name in the first line")
    else:
        advice = say(within)
    return table.problem(i, None, message + table.others(odd), advice)


# What to do where a row has too few fields, and too many.
_SEPARATORS = {
    ",": (
        N_("an empty field stands between two commas"),
        N_("a number has a decimal point, no comma; a text with a comma in it stands in quotes"),
    ),
    ";": (
        N_("an empty field stands between two semicolons"),
        N_("a text with semicolons in it stands in quotes"),
    ),
    "\t": (N_("an empty field stands between two tabs"), N_("a text with tabs in it stands in quotes")),
}
_CSV_ERRORS = {
    "unexpected end of data": N_("a quote begins a field here and none ends it"),
    "'": N_("behind the quote that ends a field there is more of it"),
    "field larger": N_("a field is longer than 131,072 characters"),
}


def _trimmed(records: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Without the empty columns at the right that spreadsheets leave behind."""
    header = records[0]
    while header and not header[-1] and all(len(row) < len(header) or not row[len(header) - 1] for row in records):
        header = header[:-1]
    keep = len(header)
    return [row[:keep] if len(row) > keep and not any(row[keep:]) else row for row in records] if keep else records


def _names_enough(header: tuple[str, ...]) -> bool:
    """Whether a first line may be names, though some are numbers (the pixels of an image may be called 0, 1, 2)."""
    numbers = [name for name in header if finite_number(name) is not None]
    return len(numbers) < len(header) and all(name.isdigit() for name in numbers) and len(set(header)) == len(header)


def finite_number(text: str) -> float | None:
    """The finite number that a field is, its minus as in print or as on the keyboard; None for anything else.

    No underscores, no names.
    """
    try:
        value = float(text.replace("−", "-"))
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
