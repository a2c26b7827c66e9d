"""Many runs of one lesson over a range of one setting: where each ends, and which values are too small or too large."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from tutor.engine.forward import initial_parameters, model, with_numbers
from tutor.engine.lesson import Lesson, Training
from tutor.engine.program import iterations_per_epoch
from tutor.engine.run import MAX_ITERATION, Run
from tutor.lessonfiles.writing import number_text
from tutor.play.compare import variant
from tutor.play.settings import ALIASES, Refused
from tutor.text.layout import number

RUNS, EPOCHS = 100, 500
MOST_RUNS = 1000
SCALE = "initial_scale"  # what the drawn or given weights are multiplied by, before training

# What becomes of a run. It is slow where it is on the way and not there, stuck where it is neither.
Verdict: TypeAlias = Literal["slow", "converges", "oscillates", "stuck", "diverges"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
SAID: dict[Verdict, str] = {
    "slow": "too slow: still falling at the end",
    "converges": "converges",
    "oscillates": "oscillates: the loss goes up and down",
    "stuck": "stands still: in its second half the loss hardly changes, far above the lowest",
    "diverges": "diverges: the loss grows",
}
THERE = 0.05  # of the way from the first loss to the lowest end: what is left when a run has converged
FLAT = 0.01  # of the way, over the second half: less is no progress
SWING = 0.05  # of the way, up and down in the last quarter: more is oscillation


@dataclass
class Point:
    """One of the runs: its value of the setting, and its training."""

    value: float
    run: Run

    @property
    def final(self) -> float:
        """The mean loss of the last epoch; not finite where it diverged."""
        losses = self.run.epoch_losses
        return float(losses[-1]) if self.run.diverged is None and len(losses) else math.nan


@dataclass(frozen=True)
class Region:
    """Neighbouring values of which the same becomes."""

    verdict: Verdict
    low: float
    high: float
    runs: int


class Sweep:
    """Runs of a lesson over values of a setting, in order. Raises Refused for a setting or values that cannot be."""

    def __init__(self, lesson: Lesson, name: str, values: Sequence[float]):
        if lesson.training is None:
            raise Refused("This lesson is not trained: there are no runs to sweep over.")
        if not 2 <= len(values) <= MOST_RUNS:
            raise Refused(f"A sweep takes 2 to {MOST_RUNS:,} runs, not {len(values)}.")
        self.lesson, self.name = lesson, ALIASES.get(name, name)
        self.values = sorted(float(value) for value in dict.fromkeys(values))
        change = changer(lesson, self.name, self.values)
        first = Run(change(self.values[0]))
        self._base, self._change = first, change
        self.points: list[Point] = []

    def train(self, epochs: int, progress: Callable[[int], bool] | None = None) -> bool:
        """Train every run to so many epochs; False where `progress`, told how many runs are done, answered False."""
        iterations = min(epochs * iterations_per_epoch(self.lesson), MAX_ITERATION)
        self._base.prepare(iterations, runs=len(self.values))
        self.points = []
        self.__dict__.pop("_floor", None)
        for at, value in enumerate(self.values):
            point = Point(value, self._base.like(self._change(value)))
            point.run.train(iterations)
            self.points.append(point)
            if progress and not progress(at + 1):
                return False
        return True

    # ------------------------------------------------------------ what became of them

    @property
    def best(self) -> Point | None:
        """The run that ends lowest; None where all diverged."""
        ended = [point for point in self.points if math.isfinite(point.final)]
        return min(ended, key=lambda point: point.final, default=None)

    @cached_property
    def _floor(self) -> float | None:
        """The lowest loss at which a run came to rest; None where none did, as with an output that falls for ever."""
        ends = [point.final for point in self.points if math.isfinite(point.final) and _at_rest(point)]
        return min(ends, default=None)

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

    def regions(self) -> list[Region]:
        """Neighbours of which the same becomes, from the smallest value on."""
        found = []
        for verdict, group in groupby(self.points, key=self.verdict):
            points = list(group)
            found.append(Region(verdict, points[0].value, points[-1].value, len(points)))
        return found

    def words(self) -> list[str]:
        """The same in sentences: which value ends lowest, then region by region; of seeds how many end how."""
        if self.best is None:
            return ["Every run diverged: a value was no finite number."]
        name = self.name
        said = [f"{name} {number(self.best.value)} ends lowest, at {number(self.best.final)}."]
        regions = self.regions()
        if name == "seed" or len(regions) > 12:
            for verdict in VERDICTS:
                of = [region for region in regions if region.verdict == verdict]
                between = "" if name == "seed" or not of else f", {number(of[0].low)} to {number(of[-1].high)}"
                if of:
                    count = sum(region.runs for region in of)
                    said.append(f"{count} of {len(self.points)}{between}: {SAID[verdict]}.")
            return said
        for region in regions:
            where = number(region.low) if region.runs == 1 else f"{number(region.low)} to {number(region.high)}"
            ends = [point.final for point in self.points if region.low <= point.value <= region.high]
            ends = [end for end in ends if math.isfinite(end)]
            losses = f" (loss {number(min(ends))} to {number(max(ends))})" if len(ends) > 1 else ""
            said.append(f"{name} {where}: {SAID[region.verdict]}{losses}.")
        return said


def _at_rest(point: Point) -> bool:
    """Whether the second half of a run has brought next to nothing, beside what all of it has, or had to start with."""
    losses = point.run.epoch_losses
    fallen = float(losses[len(losses) // 2] - losses[-1])
    return fallen <= THERE * float(losses[0] - losses[-1]) or abs(fallen) <= FLAT * abs(float(losses[0]))


def spaced(name: str, low: float, high: float, runs: int, log: bool) -> list[float]:
    """Values from low to high, as far apart as each other, or each so many times the one before; whole where it is.

    Raises Refused for factors from 0 or less.
    """
    if log and low <= 0:
        raise Refused("A logarithmic scale begins above 0: give a larger first end, or --scale linear.")
    if _whole(name):
        first, last = math.ceil(low), math.floor(high)
        few = np.linspace(first, last, min(runs, last - first + 1)) if last >= first else ()
        return sorted({float(round(value)) for value in few})
    return [float(value) for value in (np.geomspace if log else np.linspace)(low, high, runs)]


def asked(text: str) -> tuple[str, float, float]:
    """What `learning_rate = 0.01..10` or `layer 1 bias 0..1` asks to sweep over. Raises Refused."""
    name, _, ends = text.replace("=", " ").strip().rpartition(" ")
    if not name.strip():
        raise Refused("Say what is to differ, and between which values: learning_rate 0.01..10, for example.")
    return " ".join(name.split()), *read_range(ends)


def over(lesson: Lesson, name: str, low: float, high: float, runs: int = RUNS) -> Sweep:
    """The sweep of so many runs from low to high, spaced as suits them. Raises Refused."""
    return Sweep(lesson, name, spaced(name, low, high, runs, is_log(name, low, high)))


def suggestions(lesson: Lesson) -> list[tuple[str, str]]:
    """What may be worth a sweep: (what, as it is asked for), of what the lesson has."""
    training = lesson.training
    if training is None:
        return []
    rate = training.learning_rate or 0.1
    found = [
        ("learning rate", f"learning_rate = {rate / 100:.3g}..{rate * 100:.3g}"),
        ("momentum", "momentum = 0..0.99"),
        ("L2 regularisation", "l2 = 0.0001..1"),
        ("size of the first weights", f"{SCALE} = 0.01..10"),
        ("twenty seeds: does it always learn?", f"seed = {training.seed}..{training.seed + 19}"),
    ]
    return [(said, text) for said, text in found if _can_be(lesson, text)]


def _can_be(lesson: Lesson, text: str) -> bool:
    name, low, high = asked(text)
    if name == "momentum" and lesson.training is not None and lesson.training.optimizer != "momentum":
        return False
    try:
        changer(lesson, name, [low, high])
    except Refused:
        return False
    return name != "l2" or bool(model(lesson).layers)


def edit(sweep: Sweep, point: Point) -> str:
    """What makes the lesson of the sweep into that of a point, as a person would type it."""
    if sweep.name != SCALE:
        return f"{sweep.name} = {_typed(sweep.name, point.value)}"
    first = initial_parameters(point.run.lesson)
    return "; ".join(f"{id} = {np.asarray(first[id]).tolist()}" for id in first if id.startswith("W"))


def is_log(name: str, low: float, high: float) -> bool:
    """Whether a range is better walked by factors than by steps."""
    return low > 0 and high / low >= 20 and not _whole(name)


def read_range(text: str) -> tuple[float, float]:
    """The ends of 0.01..10. Raises Refused."""
    parts = text.split("..")
    try:
        low, high = (float(part) for part in parts)
    except ValueError:
        raise Refused(f"A range is written 0.01..10, not '{text[:40]}'.") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise Refused("The first end of a range is the smaller one: 0.01..10.")
    return low, high


def changer(lesson: Lesson, name: str, values: Sequence[float]) -> Callable[[float], Lesson]:
    """What makes the lesson with another value of a setting. Raises Refused for a setting or an end that cannot be."""
    training = lesson.training
    assert training is not None
    if name == SCALE:
        if not model(lesson).layers:
            raise Refused(f"{SCALE} is of a network's weights; a circuit has none.")
        first = {id: value for id, value in initial_parameters(lesson).items() if id.startswith("W")}
        return lambda value: with_numbers(lesson, {id: np.asarray(weights) * value for id, weights in first.items()})
    for end in (values[0], values[-1]):  # what lies between two that can be can be, too
        variant(lesson, name, _typed(name, end))
    if isinstance(getattr(training, name, None), float):

        def changed(value: float) -> Lesson:
            setting: dict[str, Any] = {name: float(value)}
            return replace(lesson, training=replace(training, **setting))

        return changed
    if name == "seed":
        if training.order == "listed" and not any(layer.drawn for layer in model(lesson).layers):
            raise Refused(f"The first weights are given and the rows in order: a seed changes nothing. {SCALE} would.")
        return lambda value: replace(lesson, training=replace(training, seed=round(value)))
    return lambda value: variant(lesson, name, _typed(name, value))


def _whole(name: str) -> bool:
    """Whether a setting is a whole number."""
    return isinstance(getattr(Training(), name, None), int)


def _typed(name: str, value: float) -> str:
    return str(round(value)) if _whole(name) else number_text(value)
