"""A language that nobody speaks: each message of the catalogue in the letters of another alphabet.

What still has letters of ours was never looked up, or was put together of pieces.
"""

from __future__ import annotations

import gettext
import re
from pathlib import Path
from typing import TypeAlias

from tutor.text import language

Letters: TypeAlias = dict[int, int]

_CATALOGUE = Path(language.__file__).parent / "languages" / "de.mo"
_LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
WIDE = str.maketrans(_LATIN, "".join(chr(ord(letter) - ord("A") + ord("Ａ")) for letter in _LATIN))
NARROW = str.maketrans(_LATIN, "".join(chr(ord("А") + at + 6 * (at > 25)) for at in range(52)))  # for screens


def written(message: str, letters: Letters = WIDE) -> str:
    """A message in other letters; its places stay."""
    return re.sub(r"\{[^{}]*\}|[A-Za-z]", lambda m: m[0] if len(m[0]) > 1 else m[0].translate(letters), message)


class Catalogue(gettext.NullTranslations):
    """A translation of all that the catalogue has, and of nothing else."""

    def __init__(self, letters: Letters) -> None:
        super().__init__()
        self.letters = letters
        with _CATALOGUE.open("rb") as file:
            self.known = gettext.GNUTranslations(file)._catalog.keys()

    def gettext(self, message):
        return written(message, self.letters) if message in self.known else message

    def pgettext(self, context, message):
        return written(message, self.letters) if f"{context}\x04{message}" in self.known else message

    def ngettext(self, one, many, n):
        message = one if n == 1 else many
        return written(message, self.letters) if (one, 0) in self.known else message


def speak(monkeypatch, letters: Letters = WIDE) -> None:
    """Say everything in it, to the end of a test."""
    monkeypatch.setattr(language, "_catalogue", Catalogue(letters))
    monkeypatch.setattr(language, "_language", "xx")
