"""The loss as a landscape over two parameters, all others held still, and the path that training took across it.

Heights are of all rows at once, from the forward equations alone. The path goes through the two values that training
came by. It lies on the landscape where nothing else is trained; else the others moved as well on the way, and the
loss at a point of the path, `heights`, is another than the landscape has there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import numpy as np

from tutor.engine.expressions import Ref, Symbol
from tutor.engine.floats import quietly
from tutor.engine.forward import with_numbers
from tutor.engine.gradient_check import Probe
from tutor.engine.ids import read_id
from tutor.engine.program import batch_size
from tutor.engine.run import Run, products
from tutor.engine.trace import trace
from tutor.messages import Message

MOST_POINTS = 120  # of the path
MEMORY = 64 << 20  # bytes of parameters that its points are kept with
WORK = 4e9  # numbers that all heights together may be made of: a few seconds
FEWEST, MOST = 9, 33  # points along each parameter
GROWN = 10.0  # times the first loss: what grew beyond is left out of a path


class NoLandscape(ValueError):
    """There is no landscape of a run, or none over these parameters; str() says why."""


class Landscape:
    """The loss of all rows over the elements `x` and `y` of a run's parameters, as the others are after `updates`.

    Without elements: the two that training moved most. `at` (points,) are the iterations that the path's points are
    before, `path` (points, 2) the two values there, `held` (2,) those after `updates`; `alone` says whether nothing
    else is trained. Raises NoLandscape.
    """

    def __init__(self, run: Run, updates: int, x: Ref | None = None, y: Ref | None = None):
        training = run.lesson.training
        if training is None:
            raise NoLandscape(Message("This lesson is not trained: there is no path to draw."))
        if run.trained < 1:
            raise NoLandscape(Message("Nothing is trained yet: there is no path to draw."))
        trained = [symbol for symbol in run.model.common if symbol in run.model.trained]
        if sum(int(np.prod(symbol.shape)) for symbol in trained) < 2:
            raise NoLandscape(
                Message("A landscape is over two parameters, and this lesson trains one: see the slope.")
            )
        self.run = run
        count = sum(int(np.prod(symbol.shape)) for symbol in run.model.common)
        self.at = _places(run, max(2, min(MOST_POINTS, MEMORY // (8 * count))))
        self._parameters = [run.parameters(number) for number in self.at.tolist()]
        self.updates = min(updates, int(self.at[-1]) - 1)
        here = run.parameters(self.updates + 1)
        if x is None or y is None:
            x, y = _moved_most(trained, self._parameters)
        if x == y:
            raise NoLandscape(Message("A landscape is over two parameters, not {name} twice.", name=x.id))
        self.x, self.y = x, y
        self.path = np.array([[_element(values, x), _element(values, y)] for values in self._parameters])
        self.held = np.array([_element(here, x), _element(here, y)])
        self.alone = sum(int(np.prod(symbol.shape)) for symbol in trained) == 2
        whole = replace(run.lesson, training=replace(training, batch="all", order="listed"))
        self._trace = trace(with_numbers(whole, here))
        self.of = self._trace.program.model.objective
        symbols = tuple(dict.fromkeys((x.symbol, y.symbol)))
        self._probe = Probe(self._trace, Ref(self.of), *symbols)
        self._trained = trained

    def loss(self, a: float, b: float) -> float:
        """The height where `x` is a and `y` is b; not finite where a function has no value."""
        changes = self._probe.moved(self.x, a)
        key = self.y.symbol.key
        if key in changes:
            changes[key][self.y.index or ()] = b
        else:
            changes |= self._probe.moved(self.y, b)
        with quietly():
            return self._probe(changes)

    @cached_property
    def heights(self) -> np.ndarray:
        """(points,) the loss at each point of the path, of all rows with all parameters as they were there."""
        probe = Probe(self._trace, Ref(self.of), *self._trained)
        own = ({symbol.key: np.asarray(values[symbol.id]) for symbol in self._trained} for values in self._parameters)
        with quietly():
            return np.array([probe(changes) for changes in own])

    def window(self, zoom: float = 1.0) -> tuple[float, float, float, float]:
        """x from, to and y from, to: with all of the path and what is beside it, or `zoom` times less."""
        points = np.vstack([self.path, self.held])
        low, high = points.min(axis=0), points.max(axis=0)
        span = high - low
        # What hardly moved is seen in proportion: a tenth of the other, and of its own size.
        span = np.maximum(span, np.maximum(0.1 * span.max(), 0.05 * np.abs(points).max(axis=0) + 1e-3))
        middle = (low + high) / 2
        half = 0.8 * span / zoom
        x, y = zip(middle - half, middle + half, strict=True)
        return float(x[0]), float(x[1]), float(y[0]), float(y[1])

    @cached_property
    def points(self) -> int:
        """How many points along each parameter the work allows."""
        each = max(products(self._probe.equations) * batch_size(self._trace.lesson), 1)
        return int(np.clip(np.sqrt(WORK / (each + 1e5)), FEWEST, MOST)) // 2 * 2 + 1

    def grid(
        self, window: tuple[float, float, float, float], progress: Callable[[], bool] = lambda: True
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """(x,) and (y,) values in a window and the heights (y, x) there; None where `progress` answered False."""
        xs, ys = np.linspace(*window[:2], self.points), np.linspace(*window[2:], self.points)
        heights = np.empty((len(ys), len(xs)))
        for j, b in enumerate(ys.tolist()):
            heights[j] = [self.loss(a, b) for a in xs.tolist()]
            if not progress():
                return None
        return xs, ys, heights


def landscape_over(run: Run, updates: int, text: str) -> Landscape:
    """The landscape over the two parameters that a text names, `W1[1,1] W2[1,1]`; of an empty one those that training
    moved most. Raises NoLandscape."""
    named = text.replace(";", " ").split()
    if not named:
        return Landscape(run, updates)
    if len(named) != 2:
        raise NoLandscape(Message("Name two parameters, with a space between: W1[1,1] W2[1,1], for example."))
    return Landscape(run, updates, element(run, named[0]), element(run, named[1]))


def element(run: Run, id: str) -> Ref:
    """The element of a trained parameter that an id names, as W1[1,2] or x. Raises NoLandscape."""
    known = {symbol.id: symbol for symbol in run.model.common if symbol in run.model.trained}
    named = read_id(id.strip())
    symbol = known.get(named.base) if named is not None and named.example is None else None
    if named is None or symbol is None:
        name, names = id.strip()[:40], ", ".join(list(known)[:8])
        raise NoLandscape(Message("There is no trained parameter '{name}': {names}.", name=name, names=names))
    index = named.index or ((0,) * len(symbol.shape) if np.prod(symbol.shape) == 1 else ())
    if not named.fits(symbol.shape) or len(index) != len(symbol.shape):
        shape = " × ".join(map(str, symbol.shape))
        first = Ref(symbol, (0,) * len(symbol.shape)).id
        message = Message("Say which element of {name}, of {shape}: {first}.", name=symbol.id, shape=shape, first=first)
        raise NoLandscape(message)
    return Ref(symbol, index or None)


def _places(run: Run, most: int) -> np.ndarray:
    """Before which iterations the path has points: the first, the last, and some between that are quick to reach."""
    last = run.trained + 1 if run.diverged is None else run.diverged
    losses = run.losses[: last - 1]
    if len(losses):  # what goes out of bounds would leave no room for the rest
        far = np.flatnonzero(losses - losses[0] > (GROWN - 1) * max(abs(float(losses[0])), 1e-12))
        last = min(last, int(far[0]) + 1) if far.size else last
    found = np.unique(np.linspace(1, last, most).round().astype(int))
    if last > most * run.every:
        found = np.unique([*((found - 1) // run.every * run.every + 1), last])
    return found


def _moved_most(trained: list[Symbol], values: list[dict[str, np.ndarray]]) -> tuple[Ref, Ref]:
    """The two elements that a path leads farthest through, in the order of the parameters."""
    spans = []
    for at, symbol in enumerate(trained):
        span = np.ptp(np.array([np.asarray(known[symbol.id], dtype=float) for known in values]), axis=0)
        flat = np.atleast_1d(span).ravel()
        for place in np.argsort(-flat, kind="stable")[:2].tolist():
            index = tuple(map(int, np.unravel_index(place, symbol.shape))) if symbol.shape else None
            spans.append((-float(flat[place]), at, place, Ref(symbol, index)))
    first, second = sorted(sorted(spans)[:2], key=lambda entry: entry[1:3])
    return first[3], second[3]


def _element(values: dict[str, np.ndarray], ref: Ref) -> float:
    return float(np.asarray(values[ref.symbol.id])[ref.index or ()])
