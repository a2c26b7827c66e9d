"""What the tests know of the program's tables by themselves: a missing entry says, in a sentence, where to put it."""

from __future__ import annotations

from collections.abc import Mapping


class NotTold(LookupError):
    """An entry of the program that the tests do not know yet; str() is the instruction."""


class Told(dict):
    """A table of the tests'. `ask` is the instruction for an entry that it lacks, with {name} in it."""

    def __init__(self, ask: str, entries: Mapping) -> None:
        super().__init__(entries)
        self.ask = ask

    def __missing__(self, name):
        raise NotTold(self.ask.format(name=name))
