"""Runs of a lesson that differ in their settings, and what becomes of each, beside the others."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import numpy as np

from tutor.engine.lesson import Lesson
from tutor.engine.program import iterations_per_epoch
from tutor.engine.run import MAX_ITERATION, Run
from tutor.text.language import N_

MEMORY = 256 << 20  # bytes that all runs together may keep of their iterations

# What becomes of a run. It is slow where it is on the way and not there, stuck where it is neither.
Verdict: TypeAlias = Literal["slow", "converges", "oscillates", "stuck", "diverges"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
SAID: dict[Verdict, str] = {
    "slow": N_("too slow: still falling at the end"),
    "converges": N_("converges"),
    "oscillates": N_("oscillates: the loss goes up and down"),
    "stuck": N_("stands still: in its second half the loss hardly changes, far above the lowest"),
    "diverges": N_("diverges: the loss grows"),
}
THERE = 0.05  # of the way from the first loss to the lowest end: what is left when a run has converged
FLAT = 0.01  # of the way, over the second half: less is no progress
SWING = 0.05  # of the way, up and down in the last quarter: more is oscillation


@dataclass
class Point:
    """One of the runs, once it is trained: its values of the settings, one or two, and its training."""

    values: tuple[float, ...]
    run: Run

    @property
    def value(self) -> float:
        """Of the first setting."""
        return self.values[0]

    @cached_property
    def final(self) -> float:
        """The mean loss of the last epoch; not finite where it diverged."""
        losses = self.run.epoch_losses
        return float(losses[-1]) if self.run.diverged is None and len(losses) else math.nan


class Runs(ABC):
    """Runs that are trained one after the other: `points`, as far as they are. `names` are the settings that differ."""

    def __init__(self, lesson: Lesson, names: tuple[str, ...], first: Lesson, total: int):
        """`first` is the lesson of the first run, whose equations the others share; `total` is how many there are."""
        self.lesson, self.names, self.total = lesson, names, total
        self._base = Run(first, memory=MEMORY // total)
        self.points: list[Point] = []
        self._floor: float | None = None  # the lowest loss at which a run came to rest; none: one that falls for ever

    @abstractmethod
    def made(self) -> Iterable[tuple[tuple[float, ...], Lesson]]:
        """The values of each run, and its lesson, in order."""

    @abstractmethod
    def again(self) -> Runs:
        """The same, not trained."""

    @abstractmethod
    def words(self) -> list[str]:
        """What became of them, in sentences; the first says which ends lowest."""

    @abstractmethod
    def edit(self, point: Point) -> str:
        """What makes the lesson into that of a point, as a person would type it."""

    @abstractmethod
    def of(self, point: Point) -> str:
        """The settings of a point in words."""

    def train(self, epochs: int, progress: Callable[[int], bool] | None = None) -> bool:
        """Train every run to so many epochs; False where `progress`, told how many runs are done, answered False."""
        iterations = min(epochs * iterations_per_epoch(self.lesson), MAX_ITERATION)
        self._base.prepare(iterations, runs=self.total)
        self.points = []
        for values, lesson in self.made():
            run = self._base.like(lesson)
            run.train(iterations)
            self.points.append(Point(values, run))
            if progress and not progress(len(self.points)):
                break
        ends = [point.final for point in self.points if math.isfinite(point.final) and _at_rest(point)]
        self._floor = min(ends, default=None)
        return len(self.points) == self.total

    @property
    def best(self) -> Point | None:
        """The run that ends lowest; None where all diverged."""
        ended = [point for point in self.points if math.isfinite(point.final)]
        return min(ended, key=lambda point: point.final, default=None)

    def verdict(self, point: Point) -> Verdict:
        """What became of a run, beside the others."""
        losses = point.run.epoch_losses
        if point.run.diverged is not None or len(losses) < 2:
            return "diverges"
        start, end = float(losses[0]), float(losses[-1])
        late = losses[-max(len(losses) // 4, 2) :]
        steps = np.diff(late)
        if end > start and np.all(steps > 0):
            return "diverges"
        lowest = end if self._floor is None else self._floor
        way = max(start - lowest, 1e-300)
        if np.ptp(late) > SWING * way and np.sum(steps > 0) >= max(1, 0.2 * len(steps)):
            return "oscillates"
        if self._floor is None:
            return "slow"
        if end - lowest <= THERE * way:
            return "converges"
        return "stuck" if losses[len(losses) // 2] - end < FLAT * way else "slow"


def _at_rest(point: Point) -> bool:
    """Whether the second half of a run has brought next to nothing, beside what all of it has, or had to start with."""
    losses = point.run.epoch_losses
    fallen = float(losses[len(losses) // 2] - losses[-1])
    return fallen <= THERE * float(losses[0] - losses[-1]) or abs(fallen) <= FLAT * abs(float(losses[0]))
