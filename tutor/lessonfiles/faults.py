"""What is wrong in a lesson file, by key, and which values that leaves in doubt; what messages call a place in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tutor.lessonfiles.csv_examples import Columns
from tutor.lessonfiles.csv_table import CsvTable
from tutor.lessonfiles.positions import Keys, Problem
from tutor.text.language import N_, say
from tutor.text.output import quote

_TABLES = ("network", "circuit", "training", "quiz")
_ITEMS = {
    ("network", "layers"): N_("layer {n}"),
    ("examples",): N_("example {n}"),
    ("notes",): N_("note {n}"),
    ("questions",): N_("question {n}"),
    ("expect",): N_("expectation {n}"),
}
MAX_FAULTS = 200  # more than anybody reads


@dataclass(frozen=True)
class Fault:
    """Something wrong at a key path; `key`: with the key itself, `offset`: at that character of its string.

    `shape` is what a list of a wrong size should have: decimal commas may have made it too long.
    """

    path: Keys
    message: str
    advice: str = ""
    key: bool = False
    offset: int | None = None
    severity: str = "error"
    shape: tuple[int | None, ...] = ()


class TooMany(Exception):
    """More faults than are worth listing."""


@dataclass
class Faults:
    """The faults found so far, and which keys they leave in doubt."""

    found: list[Fault] = field(default_factory=list)
    cut: bool = False  # there are more than those found
    misplaced: set[str] = field(default_factory=set)  # known keys, written in a table that is not theirs
    missing: list[tuple[Keys, str, dict[str, Any]]] = field(default_factory=list)  # required keys, with their schema
    table: tuple[CsvTable, Columns] | None = None  # of examples in a file
    elsewhere: list[Problem] = field(default_factory=list)  # what is wrong in that file
    _doubtful: set[Keys] = field(default_factory=set)
    _touched: set[Keys] = field(default_factory=set)

    def add(self, path: Keys, message: str, advice: str = "", *, doubt: Keys | None = None, **where: Any) -> None:
        """Note a fault. It leaves in doubt the value at `path`, or that at `doubt` where that is another.

        `where` is the rest of a `Fault`. Raises TooMany.
        """
        if len(self.found) >= MAX_FAULTS:
            self.cut = True
            raise TooMany
        fault = Fault(path, message, advice, **where)
        self.found.append(fault)
        if fault.severity == "error":
            self.doubt(path if doubt is None else doubt)

    def doubt(self, path: Keys) -> None:
        """Leave the value at a path in doubt: no further fault is to be concluded from it."""
        self._doubtful.add(path)
        self._touched.update(path[:i] for i in range(len(path) + 1))

    def doubts(self, path: Keys) -> bool:
        """Whether the value at a path is in doubt as a whole."""
        return path in self._doubtful

    def sound(self, *path: str | int) -> bool:
        """Whether no fault was found in the value at this path, in a part of it, or in what it is a part of."""
        if not self._touched:  # nothing is in doubt: asked of every number of a table
            return True
        return path not in self._touched and not any(path[:i] in self._doubtful for i in range(1, len(path)))


def label(path: Keys) -> str:
    """What a message calls the value at a path: 'weights[1,3] of layer 2', '[network]', 'example 4'."""
    if not path:
        return say("the lesson")
    rest, of = path, ""
    for prefix, name in _ITEMS.items():
        if path[: len(prefix)] == prefix and len(path) > len(prefix):
            rest, of = path[len(prefix) + 1 :], say(name, n=path[len(prefix)] + 1)
            if not rest:
                return of
    if path[:2] == ("circuit", "inputs") and len(path) == 3:
        return say("the input {name}", name=quote(str(path[2])))
    if path[:2] == ("circuit", "inputs") and len(path) > 3:
        rest, of = path[2:], ""
    if path[0] in _TABLES and not of and rest == path:
        if len(path) == 1:
            return f"[{path[0]}]"
        rest, of = path[1:], f"[{path[0]}]" if path[1] == "inputs" else ""
    names = [str(part) for part in rest if isinstance(part, str)]
    index = ",".join(str(part + 1) for part in rest if isinstance(part, int))
    key = ".".join(names) + (f"[{index}]" if index else "")
    return say("{key} of {of}", key=key, of=of) if of else key
