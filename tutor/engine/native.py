"""A run's code in C: printed from the same graphs, built in the background, and what it is called with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy

import numpy as np

from tutor.engine.compiled.building import build
from tutor.engine.compiled.c_arrays import CArrays
from tutor.engine.compiled.c_elements import PRELUDE as FOR_ARRAYS
from tutor.engine.compiled.c_scalars import CScalars
from tutor.engine.compiled.c_text import PRELUDE, NotInC, driver
from tutor.engine.compiled.elements import ScalarGraph
from tutor.engine.compiled.graph import Graph, Memory, Values
from tutor.engine.feed import Feed
from tutor.engine.program import Program

__all__ = ["Native", "NotInC"]

VECTORS = ("-ftree-vectorize", "-fvect-cost-model=dynamic")  # flags for loops over arrays


class Native:
    """Iterations in C. Any run of the same shape may use the same `Native`, each with its own numbers.

    Raises NotInC as the making of its parts does.
    """

    def __init__(self, programs: Callable[[int], Program], memory: Memory, fixed: Values, feed: Feed):
        self.feed = feed
        self._parts: list[tuple[Graph, list[int]]] = []
        self._arrays = [feed.numbers] if feed.scalar else [np.ascontiguousarray(a, dtype=float) for a in feed.arrays]
        first, room, texts = 0, 0, [PRELUDE, "" if feed.scalar else FOR_ARRAYS]
        for size in feed.sizes:
            program = programs(size)
            about = (program.equations, program.model.objective.key, memory, fixed, program.model.data, size)
            part: CScalars | CArrays
            if feed.scalar:
                part = CScalars(ScalarGraph(*about), size, first)
            else:
                part = CArrays(*about, first, len(self._arrays) - len(feed.arrays))
                self._arrays += part.constants
                room = max(room, sum(part.room.values()))
            first += len(part.settled)
            texts.append(part.text)
            self._parts.append((part.graph, part.settled))
        self.exact = feed.scalar  # bit for bit what the code in Python does
        self.settled = np.array([graph.settled[number] for graph, numbers in self._parts for number in numbers])
        self._pointers = np.array([array.ctypes.data for array in self._arrays], dtype=np.uintp)
        self._work = np.empty(room)
        self._build = build("".join(texts) + driver(feed.sizes), () if feed.scalar else VECTORS)

    def of(self, feed: Feed, settings: Mapping[str, float]) -> Native:
        """The same code for another run of the same shape. Raises what `settled_with` does."""
        other = copy(self)
        other.feed, other.settled = feed, self.settled_with(settings)
        other._work = np.empty_like(self._work)
        return other

    def wait(self, seconds: float) -> None:
        """Until it is built, or so long."""
        self._build.done.wait(seconds)

    @property
    def built(self) -> bool:
        """Whether it is known what has come of it."""
        return self._build.done.is_set()

    @property
    def ready(self) -> bool:
        """Whether it can be called."""
        return self.built and self._build.function is not None

    def settled_with(self, settings: Mapping[str, float]) -> np.ndarray:
        """What `run` takes as settled, with other settings. Raises ArithmeticError or ValueError if they have none."""
        found = [(graph.settled_with(settings), numbers) for graph, numbers in self._parts]
        return np.array([values[number] for values, numbers in found for number in numbers])

    def run(self, flat: np.ndarray, at: int, kept: np.ndarray, *, updates: int) -> int:
        """Iterations `at` ... on the carried values, one for each place of `kept`, which takes the losses.

        `updates` came before iteration 1. Returns how many are complete: it stops where code in Python does.
        """
        train = self._build.function
        assert train is not None
        rows, start = self.feed.rows(at, at + len(kept))
        slot = (at - 1) % self.feed.per_epoch
        return train(
            flat.ctypes.data,
            self.settled.ctypes.data,
            self._pointers.ctypes.data,
            rows.ctypes.data,
            len(rows) or 1,
            start,
            slot,
            self.feed.per_epoch,
            len(kept),
            float(updates + at),
            kept.ctypes.data,
            self._work.ctypes.data,
        )
