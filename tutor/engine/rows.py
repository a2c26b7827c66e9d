"""Rows of data: plain arrays, or of very many rows what their file has, made numbers where they are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np


@dataclass(frozen=True, eq=False)
class Scaled:
    """Inputs (rows, inputs) that are kept as they were stored, images in bytes, and divided by `scale` when asked for.

    What is asked for is an array of float64, as of a plain array of the same rows. `changed` are rows with other
    numbers, by their place from 0.
    """

    stored: np.ndarray
    scale: float = 1.0
    changed: Mapping[int, np.ndarray] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, inputs)."""
        return self.stored.shape

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.stored.size

    def __len__(self) -> int:
        return len(self.stored)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[at] for at in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        """A row, some rows (a slice, or their places), or with a tuple a part of a row."""
        if isinstance(key, tuple):
            return self[key[0]][key[1:]]
        found = np.asarray(self.stored[key], dtype=float) / self.scale
        if self.changed:
            if found.ndim < 2:
                return self.changed.get(int(key) % len(self), found)
            for at, row in enumerate(np.arange(len(self))[key].tolist()):
                if row in self.changed:
                    found[at] = self.changed[row]
        return found

    def with_row(self, at: int, row: np.ndarray) -> Scaled:
        """The same with row `at` (from 0) changed to `row`, (columns,), scaled already."""
        return replace(self, changed={**self.changed, at: row})


Rows: TypeAlias = np.ndarray | Scaled


@dataclass(frozen=True, eq=False)
class Data:
    """Examples: `inputs` (rows, inputs) and `targets` (rows, outputs).

    Of rows that are held out `numbers` are those of the file, from 0 (None where they have a file of their own), and
    `said` is how they came to be.
    """

    inputs: Rows
    targets: np.ndarray
    numbers: tuple[int, ...] | None = None
    said: str = ""

    def __len__(self) -> int:
        return len(self.targets)

    def __eq__(self, other: object) -> bool:
        """Whether they are the same rows, however they came to be."""
        return isinstance(other, Data) and all(
            np.array_equal(ours[:], theirs[:])
            for ours, theirs in ((self.inputs, other.inputs), (self.targets, other.targets))
        )

    __hash__ = None  # type: ignore[assignment]

    def some(self, rows: np.ndarray) -> Data:
        """The rows at these places, from 0."""
        inputs = self.inputs
        if not isinstance(inputs, Scaled):
            return Data(inputs[rows], self.targets[rows])
        changed = {at: inputs.changed[row] for at, row in enumerate(rows.tolist()) if row in inputs.changed}
        return Data(replace(inputs, stored=inputs.stored[rows], changed=changed), self.targets[rows])

    def put(self, row: int, key: str, index: tuple[int, ...], value: Any) -> Data:
        """With another value at a row's `inputs` or `targets`, or at an element of these."""
        given: Rows = getattr(self, key)
        new = np.array(given[row], dtype=float)
        new[index or ...] = value
        if isinstance(given, Scaled):
            return replace(self, inputs=given.with_row(row, new))
        whole = given.copy()
        whole[row] = new
        return replace(self, inputs=whole) if key == "inputs" else replace(self, targets=whole)
