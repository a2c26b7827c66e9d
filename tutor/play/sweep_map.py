"""Runs of a lesson over a grid of two settings: which pairs end low, and how the range of one shifts with the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tutor.engine.lesson import Lesson, Training
from tutor.play.outcomes import SAID, VERDICTS, Point, Runs, Verdict
from tutor.play.settings import ALIASES, Refused
from tutor.play.sweep import (
    SCALE,
    SEEDS,
    Sweep,
    asked,
    changer,
    check_runs,
    edit_of,
    is_log,
    over,
    spaced,
    suggestions,
)
from tutor.text.language import N_, say
from tutor.text.layout import number

COLUMNS, ROWS = 24, 12  # runs along each setting, unless told
MOST = 31  # along one
# The letter of each region, in a map and in words: what has none is told by colour alone.
LETTERS: dict[Verdict, str] = {"slow": "S", "converges": "C", "oscillates": "O", "stuck": "K", "diverges": "D"}


@dataclass(frozen=True)
class Axis:
    """A setting and its values, from the least on; `log`: each so many times the one before."""

    name: str
    values: tuple[float, ...]
    log: bool

    @classmethod
    def over(cls, name: str, low: float, high: float, runs: int, log: bool | None = None) -> Axis:
        """So many values from low to high, spaced as suits them unless told. Raises Refused."""
        name = ALIASES.get(name, name)
        log = is_log(name, low, high) if log is None else log
        return cls(name, tuple(spaced(name, low, high, runs, log)), log)

    def said(self, value: float) -> str:
        """A value in words."""
        return f"{self.name} {number(value)}"


def _rank(name: str) -> int:
    """When a setting is set: what draws weights first, what scales them last, what is quick after what is slow."""
    return 0 if name in SEEDS else 3 if name == SCALE else 2 if hasattr(Training(), name) else 1


class SweepMap(Runs):
    """Runs for all pairs of values of two settings: those of `x` after each other, for each value of `y`.

    Raises Refused for settings or values that cannot be, and for the same setting twice.
    """

    def __init__(self, lesson: Lesson, x: Axis, y: Axis):
        check_runs(lesson, min(len(x.values), len(y.values)))
        check_runs(lesson, len(x.values) * len(y.values))
        if x.name == y.name:
            raise Refused(say("A map takes two settings, not {name} twice.", name=x.name))
        if {x.name, y.name} == set(SEEDS):
            raise Refused(say("{name} is a seed already: name another setting beside it.", name=SEEDS[1]))
        self.x, self.y = x, y
        self._first, self._second = sorted((x, y), key=lambda axis: _rank(axis.name))
        self._change = changer(lesson, self._first.name, self._first.values)
        self._changes: dict[float, Callable[[float], Lesson]] = {}  # of the second setting, by values of the first
        self._lesson_of(x.values[-1], y.values[-1])
        first = self._lesson_of(x.values[0], y.values[0])
        super().__init__(lesson, (x.name, y.name), first, len(x.values) * len(y.values))

    def _lesson_of(self, at_x: float, at_y: float) -> Lesson:
        first, second = (at_x, at_y) if self._first is self.x else (at_y, at_x)
        if first not in self._changes:
            self._changes[first] = changer(self._change(first), self._second.name, self._second.values)
        return self._changes[first](second)

    def made(self) -> Iterator[tuple[tuple[float, ...], Lesson]]:
        """The values of each run, and its lesson: row by row."""
        return (((a, b), self._lesson_of(a, b)) for b in self.y.values for a in self.x.values)

    def again(self) -> SweepMap:
        """The same, not trained."""
        return SweepMap(self.lesson, self.x, self.y)

    # ------------------------------------------------------------ what became of them

    def losses(self) -> np.ndarray:
        """(y values, x values) the loss at the end of each run; NaN where it diverged, and of runs still to come."""
        ends = [point.final for point in self.points]  # at once: runs may be added meanwhile
        found = np.full(self.total, np.nan)
        found[: len(ends)] = ends
        return found.reshape(len(self.y.values), len(self.x.values))

    def verdicts(self) -> list[list[Verdict]]:
        """What became of each run, once all are trained: a row a value of `y`."""
        found, wide = [self.verdict(point) for point in self.points], len(self.x.values)
        return [found[at : at + wide] for at in range(0, len(found), wide)]

    def words(self) -> list[str]:
        """Which pair ends lowest; how many end how; where it converges for the least, middle and largest of `y`."""
        if self.best is None:
            return [say("Every run diverged: a value was no finite number.")]
        said = [say("{run} ends lowest, at {loss}.", run=self.of(self.best), loss=number(self.best.final))]
        verdicts = self.verdicts()
        if len(verdicts[-1]) == len(self.x.values):
            rows = dict.fromkeys((0, (len(verdicts) - 1) // 2, len(verdicts) - 1))
            said += [self._converging(self.y.values[row], verdicts[row]) for row in rows]
        every = [verdict for row in verdicts for verdict in row]
        counts = {verdict: every.count(verdict) for verdict in VERDICTS}
        said += [
            say("{letter}, {n} of {all}: {verdict}.", letter=LETTERS[v], n=n, all=len(every), verdict=say(SAID[v]))
            for v, n in counts.items()
            if n
        ]
        return said

    def _converging(self, at_y: float, row: Sequence[Verdict]) -> str:
        there = [value for value, verdict in zip(self.x.values, row, strict=True) if verdict == "converges"]
        if not there:
            return say("With {setting} it converges nowhere.", setting=self.y.said(at_y))
        low, high = number(there[0]), number(there[-1])
        gaps = len(there) < self.x.values.index(there[-1]) - self.x.values.index(there[0]) + 1
        told = (
            N_("With {setting} it converges for {name} {low}.")
            if high == low
            else N_("With {setting} it converges for {name} {low} to {high}, with gaps.")
            if gaps
            else N_("With {setting} it converges for {name} {low} to {high}.")
        )
        return say(told, setting=self.y.said(at_y), name=self.x.name, low=low, high=high)

    # ------------------------------------------------------------ one of them

    def of(self, point: Point) -> str:
        """The settings of a point in words."""
        return say("{x} with {y}", x=self.x.said(point.values[0]), y=self.y.said(point.values[1]))

    def edit(self, point: Point) -> str:
        """What makes the lesson into that of a point, as a person would type it."""
        pairs = sorted(zip(self.names, point.values, strict=True), key=lambda pair: _rank(pair[0]))
        return "; ".join(edit_of(point.run.lesson, name, value) for name, value in pairs)


def runs_of(lesson: Lesson, text: str, columns: int = COLUMNS, rows: int = ROWS) -> Sweep | SweepMap:
    """What is asked for: `learning_rate = 0.01..10`, or with `and momentum = 0..0.99` a map. Raises Refused."""
    first, second, *more = *re.split(r"\s+and\s+", text.strip()), ""
    if not second:
        return over(lesson, *asked(first))
    if more != [""]:
        raise Refused(say("A map is over two settings: learning_rate 0.01..10 and momentum 0..0.99, for example."))
    return SweepMap(lesson, Axis.over(*asked(first), columns), Axis.over(*asked(second), rows))


def offered(lesson: Lesson) -> list[tuple[str, str]]:
    """What may be worth a sweep or a map: (what, as it is asked for), of what the lesson has."""
    found = suggestions(lesson)
    by_name = {text.partition(" = ")[0]: text for _, text in found}
    second = next((by_name[name] for name in ("momentum", SCALE, "l2") if name in by_name), "")
    maps = [(say("map, two settings"), f"{by_name['learning_rate']} and {second}")] if second else []
    return [*found, *maps]
