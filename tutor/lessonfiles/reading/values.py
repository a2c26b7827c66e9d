"""What a lesson file says, by key, as far as it is sound."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tutor.engine.rows import Data
from tutor.lessonfiles.faults import Faults
from tutor.lessonfiles.positions import Keys
from tutor.text.language import say
from tutor.text.output import quote

_UNNAMEABLE = re.compile(r"""[][(){}'"@]""")


class Values:
    """The values of a lesson file that were held against the schema, and what is wrong with them.

    A value is asked for by its path; where that is in doubt, the default stands for it. `fault` notes what does not
    agree (as `Faults.add`, which raises TooMany). Examples of a table beside the lesson stand in `data` once
    `examples.take_examples` has read it, those that come as arrays are `rows`; `table_path` is their file, which the
    lesson calls `named_file`.
    """

    def __init__(self, path: Path, values: dict[str, Any], faults: Faults):
        self.path, self.faults = path, faults
        self.fault = faults.add
        self.table_path: Path | None = None
        given = values.get("examples")
        self.named_file = given if isinstance(given, str) else None
        self.rows: Data | None = given if isinstance(given, Data) else None
        self.kept: int | None = None  # examples that are trained on, once it is known
        self.data = {key: value for key, value in values.items() if value is not self.rows}

    def sound(self, *path: str | int) -> bool:
        """Whether nothing is wrong with the value at a path, nor that its key was written elsewhere."""
        return self.faults.sound(*path) and path[-1] not in self.faults.misplaced

    def has(self, *path: str | int) -> bool:
        """Whether there is a value at a path, sound or not."""
        return self.value(*path, anyhow=True) is not None

    def value(self, *path: str | int, default: Any = None, anyhow: bool = False) -> Any:
        """The value at a path; the default where there is none, or none that is sound."""
        value: Any = self.data
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return default
        return value if anyhow or self.faults.sound(*path) else default

    def length(self, *path: str | int) -> int:
        """How many items a list has, be they sound or not; 0 where there is no list."""
        items = self.value(*path, anyhow=True)
        return len(items) if isinstance(items, list | np.ndarray) else 0

    @property
    def many(self) -> int:
        """How many examples there are; once it is known which are held out, without those."""
        if self.kept is not None:
            return self.kept
        return self.length("examples") if self.rows is None else len(self.rows)

    def line(self, key: str) -> str:
        """A text of one line."""
        return " ".join(self.value(key, default="").split())

    def names(self, *path: str | int) -> tuple[int | None, tuple[str, ...] | None]:
        """How many there are, and their names if they have any, of a key that holds a number or a list of names."""
        given = self.value(*path, anyhow=True)
        if not isinstance(given, list):
            return self.value(*path), None
        if not given or not all(isinstance(name, str) for name in given):
            return None, None
        for i in range(len(given)):
            name = self.value(*path, i)
            if name is not None:
                self.name((*path, i), name)
        return len(given), tuple(given) if self.faults.sound(*path) else None

    def name(self, where: Keys, name: str) -> None:
        """Note a name that no message and no id could hold."""
        if not 1 <= len(name) <= 32 or not name.isprintable() or name != name.strip() or _UNNAMEABLE.search(name):
            advice = say("a name has 1 to 32 printable characters, none of them a bracket, a quote or '@'")
            self.fault(where, say("{name} cannot be a name", name=quote(name)), advice)

    @property
    def scale(self) -> float:
        """What all inputs are divided by."""
        return float(self.value("scale", default=1.0))

    @property
    def from_to(self) -> bool:
        """Whether matrices are written as for x·W, a row a unit that feeds the layer."""
        return bool(self.value("network", "layout") == "from_to")


def listed(words: Iterable[str]) -> str:
    """The words with commas; a long list is cut."""
    words = list(words)
    return ", ".join(words[:20]) + (", ..." if len(words) > 20 else "")
