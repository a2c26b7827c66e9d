"""Which lessons there are, by the head of each file alone.

The first frame of the home screen waits for this module: it imports neither NumPy nor
textual, reads only the keys before the first table, and a broken file never hides the rest.
"""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tutor.confined import confined, told
from tutor.lessonfiles.file_names import lesson_id
from tutor.text.language import ENGLISH, language, say
from tutor.text.output import FORBIDDEN, JOINERS
from tutor.text.words import reason

MAX_BYTES = 4 * 2**20  # a larger file is no lesson
HEAD_BYTES = 128 * 2**10  # that are read for the list: what one file takes is bounded
MAX_TEXT = 300  # characters of a title or summary that are kept

_TABLE = re.compile(rb"^[ \t]*\[", re.MULTILINE)
_LINE = re.compile(rb"""^(?:title|summary|unit|level|requires)[ \t]*+=[^\n]{0,1000}$""", re.MULTILINE)
_PROSE = re.compile(  # the long texts that a list has no use for: tomllib takes a character at a time
    rb"""^((?:intro|outro)[ \t]*=[ \t]*)
    (?: \"{3} (?: [^\"\\]++ | \\. | \"(?!\"\") )*+ \"{3,5}
      | '{3} (?: [^']++ | '(?!'') )*+ '{3,5} )""",
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
# A line of a head as nearly all are: blank, a comment, or a key with a number, a text or texts without escapes.
_SIMPLE = re.compile(
    r"""(?:(?P<key>[A-Za-z0-9_-]+)[ \t]*=[ \t]*
        (?:(?P<number>0|[1-9][0-9]{0,8}) | "(?P<text>[^"\\\x00-\x1f\x7f]*)"
          | (?P<texts>\[[ \t]*(?:"[^"\\\x00-\x1f\x7f]*"[ \t]*(?:,[ \t]*(?="|\])|(?=\])))*\])))?
    [ \t]*(?:\#[^\x00-\x08\x0a-\x1f\x7f]*)?""",
    re.VERBOSE,
)
_TEXT = re.compile('"([^"]*)"')


class _Head(NamedTuple):
    id: str  # the file name without number and extension
    title: str
    summary: str
    unit: str
    requires: tuple[str, ...]
    level: str
    path: Path
    number: int | None  # the number its file name starts with
    error: str | None = None
    folder: Path | None = None  # where it is from; None for what comes with the tutor


class Entry(_Head):
    """One lesson in the list. Every text is fit for display; `error` says why the file is no lesson, if it is none."""

    @cached_property
    def key(self) -> str:
        """What the lesson is called in the store: an id for what comes with the tutor, else the real path."""
        return self.id if self.folder is None else os.path.realpath(self.path)

    @property
    def heading(self) -> str:
        """Its unit, and of a teacher's own lesson the folder."""
        if self.folder is None:
            return say(self.unit or "Other lessons")
        return f"{self.unit or say('Lessons')} ({folder_name(self.folder)})"


def data_dir(name: Literal["lessons", "assets"]) -> Path:
    """The folder `name`: inside the package that a wheel installed, else beside it (checkout, editable install)."""
    package = Path(__file__).resolve().parent.parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def entries(folder: Path | None = None) -> list[Entry]:
    """The lessons in `folder` (default: the bundled ones), in the order of their numbers; [] if it cannot be read."""
    return [_entry(path) for path in _paths(folder)]


def shelf(folders: Iterable[Path] = ()) -> list[Entry]:
    """The lessons that come with the tutor, then those of a teacher's folders, each folder once.

    The lessons of a unit stand together, the units of a folder in the order of their first lessons. A folder that
    cannot be read is an entry with an error.
    """
    *_, found = filling(folders)
    return found


def filling(folders: Iterable[Path] = (), batch: int = 100) -> Iterator[list[Entry]]:
    """The shelf as it fills: ours first, then with so many more files read, twice as many each time; last the whole."""
    found = _by_unit(entries())
    yield found
    seen = {os.path.realpath(data_dir("lessons"))}
    for folder in folders:
        if (real := os.path.realpath(folder)) in seen:
            continue
        seen.add(real)
        try:
            os.listdir(folder)
        except OSError as problem:
            why, name = say("the folder: {why}", why=one_line(_reason(problem))), folder_name(folder)
            found = [*found, Entry(name, name, "", "", (), "scalar", folder, None, why, folder)]
        own: list[Entry] = []
        for path in _paths(folder):
            own.append(_entry(path)._replace(folder=folder))
            if len(own) == batch:
                batch *= 2
                yield found + _by_unit(own)
        found = found + _by_unit(own)
    yield found


def _by_unit(found: Iterable[Entry]) -> list[Entry]:
    units: dict[str, list[Entry]] = {}
    for entry in found:
        units.setdefault(entry.unit, []).append(entry)
    return [entry for unit in units.values() for entry in unit]


def folder_name(folder: Path) -> str:
    """A folder as it is shown: below the home folder with ~; to a visitor its last name."""
    if confined():
        return one_line(told(folder))
    home, path = os.path.expanduser("~"), os.path.abspath(folder)
    return one_line("~" + path[len(home) :] if path.startswith(home + os.sep) else path)


def find(name: str, folder: Path | None = None) -> Path | None:
    """The file of the lesson called `name`: an id, an NN-slug or a file name; None if there is none."""
    wanted = name.casefold()
    for path in _paths(folder):
        if wanted in {lesson_id(path).casefold(), path.stem.casefold(), path.name.casefold()}:
            return path
    return None


def hidden(found: Iterable[Entry], first: Iterable[Path] = ()) -> dict[Path, str]:
    """Of lessons with the same id those that the id does not open, and what it opens instead, in words.

    The ids of lessons in the folders `first` go before ours, ours before others, else the first before the later.
    """
    ahead = [os.path.realpath(folder) for folder in first]

    def rank(entry: Entry) -> int:
        if entry.folder is None:
            return len(ahead)
        real = os.path.realpath(entry.folder)
        return ahead.index(real) if real in ahead else len(ahead) + 1

    opens: dict[str, Entry] = {}
    lost: dict[Path, str] = {}
    for entry in sorted(found, key=rank):  # a stable sort
        other = opens.setdefault(entry.id.casefold(), entry)
        if other is not entry:
            ours = other.folder is None
            lost[entry.path] = say("the one that comes with the tutor") if ours else str(other.path)
    return lost


def namesakes(path: Path) -> list[Path]:
    """The other lesson files that share the id of a lesson: beside it, and among ours."""
    id, own = lesson_id(path).casefold(), os.path.realpath(path)
    ours = data_dir("lessons")
    beside = [other for other in _paths(path.parent) if lesson_id(other).casefold() == id]
    if os.path.realpath(path.parent) != os.path.realpath(ours):
        beside += [other for other in _paths(ours) if lesson_id(other).casefold() == id]
    return [other for other in beside if os.path.realpath(other) != own]


def nearest(name: str, folder: Path | None = None, ids: Iterable[str] | None = None) -> list[str]:
    """At most three ids (default: those of a folder) that `name` may have meant, the likeliest first."""
    import difflib  # 10 ms that only a mistyped name costs

    wanted = lesson_id(name.removesuffix(".toml") + ".toml").casefold()
    ids = [lesson_id(path) for path in _paths(folder)] if ids is None else list(ids)
    begin = [id for id in ids if wanted and id.casefold().startswith(wanted)]
    return list(dict.fromkeys(begin + difflib.get_close_matches(wanted, ids, n=3, cutoff=0.5)))[:3]


def one_line(text: str, limit: int = MAX_TEXT) -> str:
    """`text` as one line that is safe on a screen: white space is one space each, and what is not
    printable (control, direction and zero-width characters, lone surrogates) is the sign �."""
    line = " ".join(text[: 4 * limit].split())
    if len(line) > limit:
        line = line[: limit - 1] + "…"
    line = FORBIDDEN.sub("�", line)
    return line if line.isprintable() else "".join(c if c.isprintable() or c in JOINERS else "�" for c in line)


def _paths(folder: Path | None) -> list[Path]:
    root = data_dir("lessons") if folder is None else folder
    try:
        names = os.listdir(root)
    except OSError:
        return []
    names = [name for name in names if name.endswith(".toml") and not name.startswith(".")]
    return [root / name for name in sorted(names, key=_in_order)]


def _in_order(name: str) -> tuple[float, str]:
    """By the number that a file's name begins with, then by name; those without a number last."""
    number = _NUMBER.match(name)
    return (int(number[1]) if number else math.inf, name)


_NUMBER = re.compile("([0-9]{1,9})[-_. ]")


def _entry(path: Path) -> Entry:
    head: Mapping[str, Any] = {}
    error: str | None = None
    try:
        head = _head(_read(path))
    except OSError as problem:
        error = _reason(problem)
    except UnicodeDecodeError:
        error = say("it is not a text file (UTF-8)")
    except RecursionError:
        error = say("it is nested too deeply")
    except _NoLesson as problem:
        error = str(problem)
    except ValueError as problem:  # TOMLDecodeError is one
        error = _no_toml(str(problem))

    def text(key: str, default: str = "") -> str:
        nonlocal error
        value = head.get(key, default)
        if isinstance(value, str):
            return one_line(value)
        error = error or say("{key} is not a text", key=key)
        return default

    requires = head.get("requires", [])
    if not (isinstance(requires, list) and all(isinstance(name, str) for name in requires)):
        error = error or say("requires is not a list of lesson ids")
        requires = []
    if not error and language() != ENGLISH:
        with suppress(OSError, ValueError, RecursionError):  # a translation that cannot be read: the lesson's own words
            own = _head(_read(path.parent / language() / path.name))
            head = {**head, **{key: own[key] for key in ("title", "summary") if isinstance(own.get(key), str)}}
    name = lesson_id(path)
    number = _NUMBER.match(path.name)
    return Entry(
        id=name,
        title=text("title") or name,
        summary=text("summary"),
        unit=text("unit"),
        requires=tuple(one_line(other) for other in requires),
        level=text("level", "scalar"),
        path=path,
        number=int(number[1]) if number else None,
        error=error and one_line(error),
    )


class _NoLesson(ValueError):
    """What is no file of a lesson's size; str() says why."""


def _reason(problem: OSError) -> str:
    return reason(problem) if problem.strerror else say("it cannot be read")


def _no_toml(said: str) -> str:
    """What tomllib says, with the place; in the learner's language."""
    if language() == ENGLISH:
        return said
    from tutor.lessonfiles.toml_syntax import in_words  # what only a broken file costs

    return in_words(said)


def _read(path: Path) -> bytes:
    """The beginning of a file, HEAD_BYTES long; of a smaller one all of it. Raises OSError or _NoLesson."""
    status = path.stat()  # before opening: opening a pipe would wait for a writer
    if not stat.S_ISREG(status.st_mode):
        raise _NoLesson(say("it is not a regular file"))
    if status.st_size > MAX_BYTES:
        raise _NoLesson(say("it is larger than 4 MiB"))
    with path.open("rb") as file:
        data = file.read(HEAD_BYTES + 1)
    return data if len(data) <= HEAD_BYTES else data[: data.rfind(b"\n", 0, HEAD_BYTES) + 1]


@lru_cache(maxsize=128)  # the shelf is read again with each list, and mostly says the same
def _head(data: bytes) -> Mapping[str, Any]:
    """The keys before the first table header, intro and outro left blank. Raises ValueError or RecursionError.

    A line that starts with `[` may also stand in a multi-line text or array. Cut there, the head ends in something
    unfinished, which is an error: then all that was read is, and of a long file the lines that are whole by themselves.
    """
    head = _PROSE.sub(rb'\1""', data)
    if table := _TABLE.search(head):
        head = head[: table.start()]
    text = head.decode()
    if (found := _plain(text)) is not None:
        return found
    import tomllib

    try:
        return tomllib.loads(text)
    except ValueError:
        if len(data) > HEAD_BYTES // 2:
            return _lines(data)
        return tomllib.loads(data.decode())


def _plain(head: str) -> dict[str, Any] | None:
    """What a head of simple lines says, as nearly every head is; None for any other, which is tomllib's to read.

    tomllib takes 10 ms for the lessons that come with the tutor, and every start waits for them.
    """
    found: dict[str, Any] = {}
    for line in head.split("\n"):
        match = _SIMPLE.fullmatch(line)
        if match is None or match["key"] in found:
            return None
        if match["key"]:
            number, text, texts = match["number"], match["text"], match["texts"]
            found[match["key"]] = int(number) if number else _TEXT.findall(texts) if text is None else text
    return found


def _lines(data: bytes) -> dict[str, Any]:
    """What single lines of a head say that is too long to be read as a whole; the first line of a key counts."""
    import tomllib

    found: dict[str, Any] = {}
    for line in _LINE.finditer(data):
        with suppress(ValueError):
            found = tomllib.loads(line[0].decode()) | found
    return found
