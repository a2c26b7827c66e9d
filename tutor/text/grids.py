"""An array as rows of cells: a vector as a column, above rank 2 matrix below matrix."""

from __future__ import annotations

from math import prod


def grid_of(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many rows and columns the cells of an array of this shape take."""
    return (prod(shape[:-1]), shape[-1]) if len(shape) > 1 else (prod(shape), 1)


def cell_of(index: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, int]:
    """The row and the column (from 0) of an element."""
    flat = 0
    for place, size in zip(index, shape, strict=True):
        flat = flat * size + place
    return divmod(flat, grid_of(shape)[1])


def index_of(row: int, column: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The element in a row and a column (from 0)."""
    flat, found = row * grid_of(shape)[1] + column, []
    for size in reversed(shape):
        flat, place = divmod(flat, size)
        found.append(place)
    return tuple(reversed(found))
