"""What was worked out about an object and is kept with it, as long as the object lives, by whoever worked it out."""

from __future__ import annotations

from typing import TypeVar, cast

T = TypeVar("T")


class Memo:
    """A place for what other modules keep about a trace, a lesson or a scribe: one object for each class of theirs.

    A module owns a small class of what it keeps and asks for it by that class: nobody shares keys, and every value
    has a type. A copy of the object with something replaced begins with an empty memo.
    """

    def __init__(self) -> None:
        self._kept: dict[type[object], object] = {}

    def of(self, kind: type[T]) -> T:
        """The one object of this class; made, by `kind()`, when it is first asked for."""
        if kind not in self._kept:
            self._kept[kind] = kind()
        return cast(T, self._kept[kind])
