"""A language that nobody speaks: each message of the catalogue in the letters of another alphabet.

What still has letters of ours was never looked up, or was put together of pieces.
"""

from __future__ import annotations

import gettext
import re
from pathlib import Path

from tutor.text import language

_CATALOGUE = Path(language.__file__).parent / "languages" / "de.mo"
_WIDE = ord("Ａ") - ord("A")


def wide(message: str) -> str:
    """A message in wide letters; its places stay."""
    return re.sub(r"\{[^{}]*\}|[A-Za-z]", lambda m: m[0] if len(m[0]) > 1 else chr(ord(m[0]) + _WIDE), message)


class _Wide(gettext.NullTranslations):
    """A translation of all that the catalogue has, and of nothing else."""

    def __init__(self) -> None:
        super().__init__()
        with _CATALOGUE.open("rb") as file:
            self.known = gettext.GNUTranslations(file)._catalog.keys()

    def gettext(self, message):
        return wide(message) if message in self.known else message

    def pgettext(self, context, message):
        return wide(message) if f"{context}\x04{message}" in self.known else message

    def ngettext(self, one, many, n):
        message = one if n == 1 else many
        return wide(message) if (one, 0) in self.known else message


def speak(monkeypatch) -> None:
    """Say everything in it, to the end of a test."""
    monkeypatch.setattr(language, "_catalogue", _Wide())
    monkeypatch.setattr(language, "_language", "xx")
