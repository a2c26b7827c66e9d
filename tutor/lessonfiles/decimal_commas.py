"""Lists of numbers that were written with decimal commas: [0,5, 1,2] is four numbers, and two were meant."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

import numpy as np

from tutor.text.language import say

MOST = 200  # characters of a list that are told mended

_PAIR = re.compile(r"(?<![\w.])([+-]?[0-9]{1,15}),([0-9]{1,15})(?![\w.])")
_TOUCHING, _NUMBER = re.compile(r"[0-9],[+-]?[0-9]"), re.compile(r"[0-9][0-9.]*")


def read_with_points(written: str) -> tuple[str, list[Any]] | None:
    """A value of a lesson file with points for decimal commas, on one line, and what it then is; None without any.

    A comma may be a decimal one where digits touch it on both sides and nothing in the value has a point.
    """
    if "." in written or "#" in written or len(written) > 10 * MOST:
        return None
    mended = _PAIR.sub(r"\1.\2", " ".join(written.split()))
    if _TOUCHING.search(mended) and any("." not in number for number in _NUMBER.findall(mended)):
        return None
    try:
        value = tomllib.loads(f"value = {mended}")["value"]
    except ValueError:
        return None
    return (mended, value) if isinstance(value, list) and "." in mended else None


def with_points(written: str, shape: Sequence[int | None]) -> str:
    """A value of a lesson file with its decimal commas as points, on one line; "" where that has another shape.

    `shape` is what the value should have, None for any size.
    """
    found = read_with_points(written)
    try:
        value = np.array(found[1] if found else (), dtype=float)
    except (ValueError, TypeError):  # of rows with different lengths, of no numbers
        return ""
    fits = value.ndim == len(shape) and all(n is None or n == have for n, have in zip(shape, value.shape, strict=True))
    return shortened(found[0]) if found and fits else ""


def shortened(mended: str) -> str:
    """As much of a mended value as is told."""
    return mended if len(mended) <= MOST else mended[: MOST - 1] + "…"


def advice_with(advice: str, written: str, shape: Sequence[int | None]) -> str:
    """The advice on a list of a wrong size, and what it is with decimal points, where that would fit."""
    mended = with_points(written, shape)
    if not mended:
        return advice
    return say("if those are decimal commas, write {mended}; else {advice}", mended=mended, advice=advice)
