"""Where in a lesson file something stands, and how a problem there is shown.

`Source` turns a path of keys, such as ("network", "layers", 1, "weights", 0, 2), into a line
and a column; `Problem` is what is wrong at one place. Lines and columns count from 1, columns
in characters. The TOML syntax tree is built only when there is something to report.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tutor.text.language import N_, say, say_in
from tutor.text.output import FORBIDDEN, escape, quote, written
from tutor.text.words import reason

if TYPE_CHECKING:
    from tree_sitter import Node

Keys = tuple[Any, ...]  # names of keys, and numbers of list items from 0

WINDOW = 96  # cells of a source line that are shown around the caret
MAX_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Problem:
    """What is wrong (`message`), where, and what to do (`advice`). A warning does not make a lesson unusable."""

    path: str
    line: int
    column: int
    message: str
    advice: str = ""
    source_line: str = ""
    severity: str = "error"  # or "warning", or "note": of something that was read in a way worth telling

    def render(self) -> str:
        """`file:line:column: what is wrong`, the source line with a caret, and what to do; safe on a terminal."""
        kind = "" if self.severity == "error" else f"{say_in('severity', self.severity)}: "
        lines = [f"{escape(self.path)}:{self.line}:{self.column}: {kind}{escape(self.message)}"]
        if self.source_line.strip():
            lines += _excerpt(self.source_line, self.column)
        if self.advice:
            lines.append(f"  {escape(self.advice)}")
        return FORBIDDEN.sub("", "\n".join(lines))  # a joiner that was cut off from its letter

    def __str__(self) -> str:
        return self.render()


class LessonError(Exception):
    """A lesson file that cannot be used; `problems` says why."""

    def __init__(self, problems: list[Problem]):
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(problem.render() for problem in self.problems)


def _cells(line: str, at: int) -> tuple[str, int]:
    """How the character of a source line at an index is shown, and how many cells wide that is."""
    char = line[at]
    if char == "\t":
        return "    ", 4
    if FORBIDDEN.match(line, at):
        shown = written(char)
        return shown, len(shown)
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return char, 0
    return char, 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _excerpt(line: str, column: int) -> list[str]:
    """The source line, or the part of a long one around the column, and a caret below it."""
    at = min(max(column - 1, 0), len(line))
    first = max(0, at - WINDOW)
    cells = [_cells(line, i) for i in range(first, min(at + WINDOW, len(line)))]
    caret = at - first  # index into `cells` of the character that the caret marks
    room, begin = WINDOW * 2 // 3, caret
    while begin and room >= cells[begin - 1][1]:
        begin -= 1
        room -= cells[begin][1]
    room, end = WINDOW - sum(width for _, width in cells[begin:caret]), caret
    while end < len(cells) and room >= cells[end][1]:
        room -= cells[end][1]
        end += 1
    left = "…" if first + begin else ""
    right = "…" if first + end < len(line) else ""
    shown = "".join(text for text, _ in cells[begin:end])
    if not left:  # indentation says nothing here
        bare = shown.lstrip(" ")
        indent = min(len(shown) - len(bare), sum(width for _, width in cells[begin:caret]))
        shown = shown[indent:]
    else:
        indent = 0
    before = len(left) + sum(width for _, width in cells[begin:caret]) - indent
    return [f"    {left}{shown}{right}", "    " + " " * before + "^"]


class _Entry(NamedTuple):
    """The syntax nodes of one key: where it is written, and its value (None for a table with a header)."""

    key: Any
    value: Any


class Source:
    """The text of a lesson file, and where its keys stand."""

    def __init__(self, path: str | Path, text: str):
        """`text` may begin with a byte order mark and end its lines with CR LF or CR; neither moves a column."""
        self.path = str(path)
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        if "\n" not in self.text:  # an old Mac's
            self.text = self.text.replace("\r", "\n")
        self._lines: list[str] | None = None
        self._entries: dict[Keys, _Entry] = {}
        self._parsed = False
        self._items: dict[Keys, list[Any]] = {}  # the items of each array that was entered

    def line(self, number: int) -> str:
        """Line `number`, counted from 1; empty beyond the end."""
        if self._lines is None:
            self._lines = self.text.split("\n")
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    def problem(
        self,
        path: Keys,
        message: str,
        advice: str = "",
        *,
        key: bool = False,
        offset: int | None = None,
        severity: str = "error",
    ) -> Problem:
        """A problem at a key path: at its value, at the key itself, or at a character of its string."""
        line, column = self.locate(path, key=key, offset=offset)
        return self.problem_at(line, column, message, advice, severity)

    def problem_at(self, line: int, column: int, message: str, advice: str = "", severity: str = "error") -> Problem:
        """A problem at a line and a column, both from 1, with the line's text."""
        return Problem(self.path, line, column, message, advice, self.line(line), severity)

    def locate(self, path: Keys, *, key: bool = False, offset: int | None = None) -> tuple[int, int]:
        """Line and column of the value at a key path, or of its nearest ancestor that is written in the file.

        `key`: of the key instead. `offset`: of that character of the value, which is a string.
        """
        for length in range(len(path), 0, -1):
            entry = self._entry(path[:length])
            if entry:
                exact = length == len(path)
                node = entry.key if (key and exact) or entry.value is None else entry.value
                if offset is not None and exact and not key and node.type == "string":
                    return self._in_string(node, offset)
                return self._position(node)
        return 1, 1

    def written(self, path: Keys) -> str:
        """The value at a key path as the file has it: 0.1300, where its value is 0.13. Empty where there is none."""
        entry = self._entry(path)
        return entry.value.text.decode() if entry and entry.value is not None else ""

    # ---------------------------------------------------------------- the syntax tree

    def _position(self, node: Node) -> tuple[int, int]:
        row, byte = node.start_point
        return row + 1, len(self.line(row + 1).encode()[:byte].decode(errors="replace")) + 1

    def _entry(self, path: Keys) -> _Entry | None:
        """The nodes of a path; arrays and inline tables are entered only when something in them is asked for."""
        entries = self._tree()
        if path in entries or len(path) < 2:
            return entries.get(path)
        parent = self._entry(path[:-1])
        value = parent.value if parent else None
        if value is not None and value.type == "array" and isinstance(path[-1], int):
            items = self._items.get(path[:-1])
            if items is None:
                items = self._items[path[:-1]] = [child for child in value.named_children if child.type != "comment"]
            if path[-1] < len(items):
                entries[path] = _Entry(items[path[-1]], items[path[-1]])
        elif value is not None and value.type == "inline_table":
            self._add_pairs(path[:-1], value)
        return entries.get(path)

    def _tree(self) -> dict[Keys, _Entry]:
        """The entries of all keys outside arrays and inline tables, by path."""
        if not self._parsed:
            import tree_sitter_toml
            from tree_sitter import Language, Parser

            root = Parser(Language(tree_sitter_toml.language())).parse(self.text.encode()).root_node
            self._parsed = True
            counts: dict[Keys, int] = {}  # the number of the last table of each array of tables
            self._add_pairs((), root)
            for table in root.named_children:
                if table.type not in ("table", "table_array_element") or table.named_children[0].has_error:
                    continue
                names = _key_parts(table.named_children[0])
                path: Keys = ()
                for i, name in enumerate(names):  # a header names the last element of an array of tables
                    path += (name,)
                    self._entries.setdefault(path, _Entry(table, None))
                    last = i == len(names) - 1
                    if last and table.type == "table_array_element":
                        counts[path] = counts.get(path, -1) + 1
                    if path in counts:
                        path += (counts[path],)
                # a table's own header is a better place than a sub-table's that came before it
                if self._entries.get(path, _Entry(table, None)).value is None:
                    self._entries[path] = _Entry(table, None)
                self._add_pairs(path, table)
        return self._entries

    def _add_pairs(self, base: Keys, node: Node) -> None:
        for pair in node.named_children:
            if pair.type != "pair" or pair.has_error:
                continue
            parts = [part for part in pair.named_children if part.type != "comment"]  # one behind the value is a child
            if len(parts) != 2:
                continue
            key, value = parts
            names = _key_parts(key)
            for i in range(1, len(names)):  # a table that dotted keys imply begins with the first of them
                self._entries.setdefault(base + names[:i], _Entry(key, None))
            self._entries.setdefault(base + names, _Entry(key, value))

    # ---------------------------------------------------------------- inside a string

    def _in_string(self, node: Node, offset: int) -> tuple[int, int]:
        """Where the character `offset` of a string's value is written, escapes and line joints counted."""
        line, column = self._position(node)
        raw = (node.text or b"").decode()
        quotes = 3 if raw[:3] in ('"""', "'''") else 1
        at = quotes + (quotes == 3 and raw[quotes : quotes + 1] == "\n")
        pattern = _BASIC_CHAR if raw[0] == '"' else _LITERAL_CHAR
        while True:
            if quotes == 3 and raw[0] == '"' and (joint := _LINE_JOINT.match(raw, at)):
                at = joint.end()
            if offset <= 0 or at >= len(raw) - quotes:
                break
            char = pattern.match(raw, at)
            at = char.end() if char else at + 1
            offset -= 1
        written = raw[:at]
        if "\n" in written:
            return line + written.count("\n"), at - written.rindex("\n")
        return line, column + at


_BASIC_CHAR = re.compile(r"\\u.{4}|\\U.{8}|\\.|.", re.DOTALL)
_LITERAL_CHAR = re.compile(r".", re.DOTALL)
_LINE_JOINT = re.compile(r"(?:\\[ \t]*\n[ \t\n]*)+")


def _key_parts(node: Node) -> tuple[str, ...]:
    """A key's names: a."b c".d is ('a', 'b c', 'd')."""
    if node.type == "dotted_key":
        parts: tuple[str, ...] = ()
        while node.type == "dotted_key":  # the syntax tree nests to the left
            left, right = node.named_children
            parts = _key_parts(right) + parts
            node = left
        return _key_parts(node) + parts
    text = (node.text or b"").decode()
    if node.type == "quoted_key":
        return (text[1:-1] if text[0] == "'" else _unescape(text),)
    return (text,)


def _unescape(text: str) -> str:
    """The value of a one-line basic string, as TOML writes it with its quotes."""
    return _ESCAPE.sub(_unescaped, text[1:-1])


_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "uU" and len(code) > 1:
        return chr(int(code[1:], 16))
    return {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}.get(code, code)


# ---------------------------------------------------------------- from a file to TOML values


class _Kind(NamedTuple):
    """What is said of a file that is none of its kind."""

    folder: str  # of a folder in its place
    regular: str  # what it has to be
    large: str = ""
    text: str = ""  # how such a file becomes text
    empty: str = ""
    binary: str = ""


_KINDS = {
    "lesson": _Kind(
        folder=N_("this is a folder, not a lesson file"),
        regular=N_("a lesson is a TOML file"),
        large=N_("a lesson is a small text file"),
        text=N_("save it as plain text in UTF-8, in a text editor"),
        empty=N_("a lesson begins with: format = 1"),
        binary=N_("a lesson is a text file"),
    ),
    "table": _Kind(
        folder=N_("this is a folder, not a table file"),
        regular=N_("a table is a file of comma-separated values"),
        large=N_("a table is a small text file; a larger table is kept as arrays, in an .npz"),
        text=N_("save it as CSV (UTF-8), with the spreadsheet's 'save as' or 'download'"),
        empty=N_("its first line names the columns"),
        binary=N_("a table is a text file"),
    ),
    "arrays": _Kind(
        folder=N_("this is a folder, not a file of arrays"),
        regular=N_("a file of arrays is an archive that holds them by name"),
    ),
}


def read_source(
    path: str | Path, most: int = MAX_BYTES, what: str = "lesson", inside: Path | None = None
) -> Source | Problem:
    """The text of a file, or why it cannot be had; as `read_bytes`."""
    data = read_bytes(path, most, what, inside)
    return data if isinstance(data, Problem) else _decode(path, data, what)


def read_bytes(path: str | Path, most: int, what: str, inside: Path | None = None) -> bytes | Problem:
    """The bytes of a file, at most so many, or why they cannot be had.

    Never raises, never waits for a pipe or a device. `what` is a word of `_KINDS`. `inside`: the folder that the file
    must lie in, links followed, at the moment it is opened.
    """
    kind = _KINDS[what]

    def refuse(message: str, advice: str = "") -> Problem:
        return Problem(str(path), 1, 1, message, advice)

    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            return refuse(say(kind.folder))
        if not stat.S_ISREG(os.stat(path).st_mode):
            return refuse(say("this is not a regular file"), say(kind.regular))
        descriptor = _open(path, inside)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)  # it may have changed since
            if not stat.S_ISREG(status.st_mode):
                return refuse(say("this is not a regular file"), say(kind.regular))
            data = b"" if status.st_size > most else file.read(most + 1)
    except FileNotFoundError:
        return refuse(say("there is no such file"))
    except (OSError, ValueError) as error:
        return refuse(say("cannot read the file: {why}", why=reason(error)))
    if max(len(data), status.st_size) > most:
        return refuse(say("the file is larger than {n} MiB", n=most // 2**20), say(kind.large))
    return data


def given_source(text: str, name: str = "lesson") -> Source | Problem:
    """The text of a lesson that is in no file, or why it cannot be one; `name` is what problems call it."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        large = say("the text is larger than {n} MiB", n=MAX_BYTES // 2**20)
        return Problem(name, 1, 1, large, say("a lesson is a small text"))
    return _decode(name, data, "lesson")


_BELOW = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")  # not so on Windows


def _open(path: str | Path, inside: Path | None) -> int:
    """A descriptor for reading; of a file `inside` a folder by its real path, no link followed on the way."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    if inside is None:
        return os.open(path, flags)
    folder, real = os.path.realpath(inside), os.path.realpath(path)
    if os.path.commonpath([folder, real]) != folder:
        raise ValueError(say("it is a link to elsewhere"))
    if not _BELOW:
        return os.open(real, flags)
    *folders, name = Path(os.path.relpath(real, folder)).parts
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in folders:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        return os.open(name, flags | os.O_NOFOLLOW, dir_fd=at)
    finally:
        os.close(at)


# What a file begins with that is no text: what is said of it, and how to make it one. The first that fits holds.
_NO_TEXT: tuple[tuple[bytes, str, str], ...] = (
    (
        b"PK\x03\x04",
        N_("this is an Excel, OpenDocument or Word file, or another zip archive, no text file"),
        "",
    ),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", N_("this is an old Excel or Word file, no text file"), ""),
    (b"%PDF-", N_("this is a PDF, no text file"), ""),
    (b"{\\rtf", N_("this is a rich text file (RTF), no text file"), ""),
    (b"\x1f\x8b", N_("this is a gzip archive, no text file"), N_("unpack it first")),
    (
        b"\x93NUMPY",
        N_("this is an array of NumPy, no text file"),
        N_("write it as text, with numpy.savetxt"),
    ),
    (b"SQLite format 3", N_("this is a SQLite database, no text file"), N_("export the table as CSV")),
)


def _decode(path: str | Path, data: bytes, what: str) -> Source | Problem:
    kind = _KINDS[what]

    def refuse(message: str, advice: str) -> Problem:
        return Problem(str(path), 1, 1, message, advice)

    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        return refuse(say("the file is empty"), say(kind.empty))
    for begin, said, advice in _NO_TEXT:
        if data.startswith(begin):
            return refuse(say(said), say(advice or kind.text))
    if data[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return refuse(say("the file is UTF-32, not UTF-8"), say(kind.text))
    halves = data[:64:2], data[1:64:2]
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff") or (len(data) > 8 and not all(any(half) for half in halves))
    if wide and any(map(any, halves)):  # not NUL alone
        advice = f"{say(kind.text)}; {say('in Notepad: Save as, Encoding: UTF-8')}"
        return refuse(say("the file is UTF-16, not UTF-8"), advice)
    bad = data.find(b"\0")
    said, advice = say("the file is binary: a NUL byte at offset {at}", at=bad), say(kind.binary)
    if bad < 0:
        try:
            return Source(path, data.decode())
        except UnicodeDecodeError as error:
            bad, advice = error.start, say(kind.text)
            said = say("the file is not UTF-8: the byte {byte} at offset {at}", byte=f"0x{data[bad]:02x}", at=bad)
            older = data[bad : bad + 1].decode("cp1252", errors="replace")
            if older.isalpha():
                advice += " " + say("(in Windows-1252, the older encoding, it is {letter})", letter=quote(older))
    first, end = data.rfind(b"\n", 0, bad) + 1, data.find(b"\n", bad)
    column = len(data[first:bad].decode(errors="replace")) + 1
    shown = data[first : end if end >= 0 else None].decode(errors="replace").rstrip("\r")
    return Problem(str(path), data.count(b"\n", 0, bad) + 1, column, said, advice, shown)
