"""Numbers as pixels in cells: shaded blocks, or two pixels a cell as half blocks, in the colours of their signs."""

from __future__ import annotations

import numpy as np

from tutor.pictures.canvas import Canvas
from tutor.pictures.pixel_styles import LEVELS, pixel_style

_ABOVE, _BELOW = (" ", "░", "▒", "▓", "█"), (" ", "-", "=", "%", "#")  # what is negative has signs of its own
_SCALES = (4, 2, 1)  # cells that a pixel is wide; half as many it is high


def size_of(shape: tuple[int, ...], scale: int) -> tuple[int, int]:
    """Columns and rows of cells that an image of this shape (rows, columns) takes."""
    high, wide = shape
    return wide * scale, -(-high * scale // 2)


def scale_of(shape: tuple[int, ...], columns: int, rows: int) -> int:
    """The largest scale at which an image has room; 0 where it has none."""
    for scale in _SCALES:
        across, down = size_of(shape, scale)
        if across <= columns and down <= rows:
            return scale
    return 0


def smaller(values: np.ndarray) -> np.ndarray:
    """Images with half as many rows and columns (the last two axes), each pixel the mean of the four that it was."""
    high, wide = values.shape[-2:]
    edges = [(0, 0)] * (values.ndim - 2) + [(0, high % 2), (0, wide % 2)]
    even = np.pad(values, edges, mode="edge")
    found: np.ndarray = (
        even[..., ::2, ::2] + even[..., 1::2, ::2] + even[..., ::2, 1::2] + even[..., 1::2, 1::2]
    ) / 4
    return found


def levels(values: np.ndarray, most: float) -> np.ndarray:
    """Each number as a level from −4 to 4: its size as a share of `most`, rounded up, so that only 0 is none."""
    if not most or not np.isfinite(most):
        return np.zeros(values.shape, dtype=int)
    share = np.where(np.isfinite(values), values, 0) / most
    found = np.sign(share) * np.minimum(np.ceil(np.abs(share) * LEVELS - 1e-9), LEVELS)
    return found.astype(int)


def draw_pixels(canvas: Canvas, left: int, top: int, values: np.ndarray, most: float, scale: int) -> None:
    """An image with its top left cell there; a pixel is `scale` cells wide and half as many high."""
    found = levels(values, most)
    if scale == 1:
        _half_blocks(canvas, left, top, found)
        return
    for row, line in enumerate(found.tolist()):
        for column, level in enumerate(line):
            glyph = _ABOVE[level] if level >= 0 else _BELOW[-level]
            for high in range(scale // 2):
                where = left + column * scale, top + row * scale // 2 + high
                canvas.text(*where, glyph * scale, "curve1" if level >= 0 else "curve2")


def _half_blocks(canvas: Canvas, left: int, top: int, found: np.ndarray) -> None:
    """Two pixels a cell: the stronger is the half block that is drawn, the other the colour behind it."""
    if len(found) % 2:
        found = np.vstack([found, np.zeros((1, found.shape[1]), dtype=int)])
    for row in range(0, len(found), 2):
        for column, (upper, lower) in enumerate(zip(found[row].tolist(), found[row + 1].tolist(), strict=True)):
            if upper == lower:
                glyph = " " if not upper else "█"
                drawn, behind = upper, upper
            else:
                glyph = "▀" if abs(upper) >= abs(lower) else "▄"
                drawn, behind = (upper, lower) if glyph == "▀" else (lower, upper)
            canvas.text(left + column, top + row // 2, glyph, pixel_style(drawn, behind) if glyph != " " else "")


def text_rows(values: np.ndarray) -> tuple[str, ...]:
    """An image as lines of plain text, two signs a pixel."""
    found = levels(values, float(np.abs(values).max()) if values.size else 0.0)
    return tuple(
        "  " + "".join((_ABOVE[level] if level >= 0 else _BELOW[-level]) * 2 for level in line).rstrip()
        for line in found.tolist()
    )
