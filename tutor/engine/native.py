"""A run's code in C: printed from the same graphs, built in the background, and what it is called with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace

import numpy as np

from tutor.engine.compiled.building import build
from tutor.engine.compiled.c_arrays import CArrays
from tutor.engine.compiled.c_elements import PRELUDE as FOR_ARRAYS
from tutor.engine.compiled.c_scalars import CScalars
from tutor.engine.compiled.c_text import PRELUDE, NotInC, driver
from tutor.engine.compiled.elements import ScalarGraph
from tutor.engine.compiled.graph import Graph, Memory, Values
from tutor.engine.feed import Feed
from tutor.engine.lesson import Circuit, Layer, Lesson, Training
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


# What code in C takes when it is called: other numbers of these are no other shape.
CALLED_WITH = ("learning_rate", "momentum", "beta1", "beta2", "epsilon", "rho", "weight_decay", "l2",
               "order", "seed", "updates", "memory")  # fmt: skip


def same_shape(a: Lesson, b: Lesson) -> bool:
    """Whether the equations of two lessons differ in nothing but such numbers and first values of what is trained."""
    if a.training is None or b.training is None or bool(a.training.l2) != bool(b.training.l2):
        return False
    if _with_those_of(b.training, a.training) != b.training or len(a.examples) != len(b.examples):
        return False
    if any(a.examples[key] is not b.examples.get(key) for key in a.examples):
        return False
    if a.circuit and b.circuit:
        return replace(a.circuit, inputs={}) == replace(b.circuit, inputs={}) and _same_inputs(a.circuit, b.circuit)
    if not (a.network and b.network):
        return False
    alike = len(a.network.layers) == len(b.network.layers) and all(map(_same_layer, a.network.layers, b.network.layers))
    return alike and replace(a.network, layers=b.network.layers) == b.network


def _same_inputs(a: Circuit, b: Circuit) -> bool:
    """Whether the inputs of two circuits differ in the first values of what is trained alone."""
    return list(a.inputs) == list(b.inputs) and all(
        np.array_equal(value, b.inputs[name]) or (name in a.parameters and np.shape(value) == np.shape(b.inputs[name]))
        for name, value in a.inputs.items()
    )


def _with_those_of(b: Training, a: Training) -> Training:
    return replace(a, **{name: getattr(b, name) for name in CALLED_WITH})


def _same_layer(a: Layer, b: Layer) -> bool:
    """Whether two layers differ in the first values of what is trained alone."""
    if (a.units, a.activation, a.alpha) != (b.units, b.activation, b.alpha):
        return False
    if (a.train_weights, a.train_biases, a.biases is None) != (b.train_weights, b.train_biases, b.biases is None):
        return False
    if a.biases is not None and b.biases is not None and a.biases.shape != b.biases.shape:
        return False
    weights = a.train_weights or (a.weights is b.weights and not isinstance(a.weights, str))  # drawn: by the seed
    return weights and (a.train_biases or a.biases is b.biases)
