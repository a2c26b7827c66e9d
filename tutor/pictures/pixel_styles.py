"""What the styles of pixels are called: a cell has two, by level of size and sign. Without NumPy."""

from __future__ import annotations

LEVELS = 4  # of size, above and below 0; 0 is none


def pixel_style(drawn: int, behind: int) -> str:
    """The style of a cell with a half block of one level, from −4 to 4, before another."""
    return f"pixels {drawn} {behind}"


def levels_of(style: str) -> tuple[int, int] | None:
    """The levels that such a style has, the drawn first; None of any other."""
    name, *both = style.split(" ")
    return (int(both[0]), int(both[1])) if name == "pixels" and len(both) == 2 else None
