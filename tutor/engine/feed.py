"""What each iteration takes: examples, in the order of the lesson, as each kind of code wants them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain, islice, repeat
from typing import Any

import numpy as np

from tutor.engine.lesson import Lesson
from tutor.engine.program import batch_size, iterations_per_epoch, order
from tutor.engine.rows import Scaled


class Feed:
    """A lesson's examples for code over single numbers (`scalar`) or over arrays, in Python or in C."""

    def __init__(self, lesson: Lesson, scalar: bool):
        self.lesson, self.scalar = lesson, scalar
        self._latest_epoch: tuple[int, list[Any]] = (-1, [])
        self._latest_rows: tuple[tuple[int, int], np.ndarray] = ((-1, -1), np.empty(0, np.int32))

    @cached_property
    def listed(self) -> bool:
        """Whether every epoch takes the examples in the same order."""
        return self.lesson.training is None or self.lesson.training.order == "listed"

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of batches that there are: the usual one, and that of a short last one."""
        usual = batch_size(self.lesson)
        short = self.lesson.example_count % usual
        return (usual, short) if short else (usual,)

    def alike(self, at: int, stop: int) -> tuple[int, int]:
        """The size of iteration `at`'s batch, and where on the way to `stop` another size begins."""
        (size, *short), per = self.sizes, self.per_epoch
        if not short:
            return size, stop
        until_short = per - 1 - (at - 1) % per
        return (size, min(stop, at + until_short)) if until_short else (short[0], at + 1)

    def rounds(self, at: int, stop: int) -> Iterable[Any]:
        """What Python's code takes for each of these iterations."""
        if not self.lesson.examples:
            return repeat((), stop - at)
        per = self.per_epoch
        first, slot = divmod(at - 1, per)
        if self.large:
            batches = chain.from_iterable(map(self._batches, range(first, (stop - 2) // per + 1)))
            return map(self._made, islice(batches, slot, slot + stop - at))
        if self.listed:
            return (self._epoch(0) * -(-(slot + stop - at) // per))[slot : slot + stop - at]
        epochs = chain.from_iterable(map(self._epoch, range(first, (stop - 2) // per + 1)))
        found = islice(epochs, slot, slot + stop - at)
        if self.scalar or self.sizes[0] == 1:
            return found
        return (self._together(taken) if len(taken) > 1 else self._pairs[taken[0]] for taken in found)

    @cached_property
    def large(self) -> bool:
        """Whether there are too many numbers to lie ready: each batch is made when its turn comes."""
        return not self.scalar and any(isinstance(data, Scaled) for data in self.lesson.examples.values())

    def _batches(self, epoch: int) -> Iterator[np.ndarray]:
        """The rows of each iteration of an epoch, one iteration after the other."""
        size, taken = self.sizes[0], order(self.lesson, epoch)
        return (taken[at : at + size] for at in range(0, len(taken), size))

    def _made(self, taken: np.ndarray) -> tuple[Any, ...]:
        """What an iteration takes of large data."""
        return self._together(taken if len(taken) > 1 else taken[0])

    def rows(self, at: int, stop: int) -> tuple[np.ndarray, int]:
        """int32 rows for C, of whole epochs and those of iteration `at` somewhere among them; and where.

        After the last of them it goes on with the first.
        """
        first, slot = divmod(at - 1, self.per_epoch)
        if self.listed:
            return self._listed, slot * self.sizes[0]
        from tutor.engine.orders import drawn  # what compiles and loads is not needed before

        epochs = first, (stop - 2) // self.per_epoch + 1
        if self._latest_rows[0] != epochs:
            self._latest_rows = epochs, drawn(self.lesson, *epochs)
        return self._latest_rows[1], slot * self.sizes[0]

    @cached_property
    def _listed(self) -> np.ndarray:
        return order(self.lesson, 0).astype(np.int32)

    @cached_property
    def per_epoch(self) -> int:
        """Iterations in an epoch."""
        return iterations_per_epoch(self.lesson)

    @cached_property
    def arrays(self) -> list[np.ndarray]:
        """(examples, *shape) what code over arrays takes, one for each symbol that an example sets."""
        return [data[:] for data in self.lesson.examples.values()]

    @cached_property
    def numbers(self) -> np.ndarray:
        """(examples, numbers of one) what code over single numbers takes of each."""
        given = self.lesson.examples.values()
        count = self.lesson.example_count
        return np.concatenate([np.zeros((count, 0)), *(array[:].reshape(count, -1) for array in given)], axis=1)

    def _epoch(self, epoch: int) -> list[Any]:
        """What each iteration of an epoch takes; drawn batches of arrays are made when their turn comes."""
        if self._latest_epoch[0] != (0 if self.listed else epoch):
            size, taken, pairs = self.sizes[0], order(self.lesson, epoch), self._pairs
            batches = list(self._batches(epoch))
            items: list[Any] = batches
            if size == 1:
                items = [pairs[row] for row in taken.tolist()]
            elif self.scalar:
                items = [tuple(chain.from_iterable(pairs[row] for row in batch)) for batch in batches]
            elif self.listed:
                items = [pairs[b[0]] if len(b) == 1 else self._together(slice(b[0], b[-1] + 1)) for b in batches]
            self._latest_epoch = (0 if self.listed else epoch, items)
        return self._latest_epoch[1]

    @cached_property
    def _pairs(self) -> list[tuple[Any, ...]]:
        """Each example: the numbers of x and y, or these two arrays; of an author's equations what examples set."""
        if self.scalar:
            return [tuple(row) for row in self.numbers.tolist()]
        return list(zip(*self.lesson.examples.values(), strict=True))

    def _together(self, taken: Any) -> tuple[np.ndarray, ...]:
        """Some examples as arrays with an axis of examples; one example, by its number, as arrays of its own."""
        return tuple(array[taken] for array in self.lesson.examples.values())
