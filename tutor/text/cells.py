"""Texts and places in cells: how wide, padded, cut, broken; what a window shows; bars. Without NumPy."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


@lru_cache(maxsize=4096)
def width(text: str) -> int:
    """How many cells a text takes: none for a combining mark, two for a wide character."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text: str, columns: int) -> str:
    """A text with spaces behind it, so many cells in all."""
    return text + " " * (columns - width(text))


def pad_left(text: str, columns: int) -> str:
    """A text with spaces before it, so many cells in all."""
    return " " * (columns - width(text)) + text


def pieces(text: str, columns: int) -> list[str]:
    """A text cut into pieces of at most so many cells; one empty piece for an empty text."""
    found, piece, used = [], "", 0
    for char in text:
        if used + width(char) > columns:
            found.append(piece)
            piece, used = "", 0
        piece += char
        used += width(char)
    return [*found, piece]


def cut(text: str, columns: int) -> str:
    """A text in at most so many cells: what does not fit ends in …"""
    if width(text) <= columns:
        return text
    return pieces(text, columns - 1)[0] + "…" if columns > 0 else ""


# What a line may break between beside spaces: Chinese and Japanese signs, but not before what closes a phrase.
_SIGN = "\u2e80-\u303e\u3041-\ua4cf\uf900-\ufaff\uff00-\uff60\U00020000-\U0003fffd"
_UNIT = f"[{_SIGN}][、。，．！？：；）」』】〉》]*|[^\\s{_SIGN}]+"  # compiled with the first fold: 2 ms


def folded(text: str, columns: int, first: str = "", then: str = "") -> list[str]:
    """`textwrap.wrap` for a text whose characters are not a cell each: lines of at most so many cells.

    Each begins with its indent, `first` or `then`. A single word that is longer has a line of its own.
    """
    lines: list[str] = []
    line, used = first, width(first)
    begun = False
    for word in text.split():
        for at, unit in enumerate(re.findall(_UNIT, word)):
            space = " " if begun and at == 0 else ""
            if begun and used + len(space) + width(unit) > columns:
                lines.append(line)
                line, used, space = then, width(then), ""
            line += space + unit
            used += len(space) + width(unit)
            begun = True
    return [*lines, line] if begun else []


def window(at: int, count: int, size: int) -> range:
    """So many of `count` places with `at` in their middle, as far as the ends let it be."""
    start = max(0, min(at - size // 2, count - size))
    return range(start, min(start + size, count))


def eighths(count: int) -> str:
    """A bar that is so many eighths of a cell long."""
    return "█" * (count // 8) + " ▏▎▍▌▋▊▉"[count % 8].strip()


def bar(share: float, columns: int) -> str:
    """A bar over that share of so many cells, in eighths, filled up with spaces."""
    return pad(eighths(round(max(0.0, min(share, 1.0)) * columns * 8)), columns)
