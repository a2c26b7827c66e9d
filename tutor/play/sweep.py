"""Many runs of one lesson over a range of one setting: where each ends, and which values are too small or too large."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from tutor.engine.evaluation import Evaluator, evaluator_of
from tutor.engine.forward import initial_parameters, model, with_numbers
from tutor.engine.lesson import Lesson, Training
from tutor.lessonfiles.writing import number_text
from tutor.play.compare import variant
from tutor.play.outcomes import SAID, THERE, VERDICTS, Point, Runs, Verdict
from tutor.play.settings import ALIASES, Refused, Same
from tutor.play.whatif import WhatIf
from tutor.text.evaluation_words import percent
from tutor.text.language import N_, say
from tutor.text.layout import number

RUNS, EPOCHS = 100, 500
MOST_RUNS = 1000
SCALE = "initial_scale"  # what the drawn or given weights are multiplied by, before training
START = "start"  # the seed of first weights that are drawn, in place of those that the lesson gives
SEEDS = ("seed", START)  # what has no order: their runs are counted


@dataclass(frozen=True)
class Region:
    """Neighbouring values of which the same becomes."""

    verdict: Verdict
    low: float
    high: float
    runs: int


class Sweep(Runs):
    """Runs of a lesson over values of a setting, in order. Raises Refused for a setting or values that cannot be."""

    def __init__(self, lesson: Lesson, name: str, values: Sequence[float]):
        check_runs(lesson, len(values))
        self.name = ALIASES.get(name, name)
        self.values = sorted(float(value) for value in dict.fromkeys(values))
        self._change = changer(lesson, self.name, self.values)
        super().__init__(lesson, (self.name,), self._change(self.values[0]), len(self.values))

    def made(self) -> Iterator[tuple[tuple[float, ...], Lesson]]:
        """The values of each run, and its lesson, in order."""
        return (((value,), self._change(value)) for value in self.values)

    def again(self) -> Sweep:
        """The same, not trained."""
        return Sweep(self.lesson, self.name, self.values)

    # ------------------------------------------------------------ what became of them

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
            return [say("Every run diverged: a value was no finite number.")]
        name = self.name
        said = [say("{run} ends lowest, at {loss}.", run=self.of(self.best), loss=number(self.best.final))]
        regions, drawn = self.regions(), name in SEEDS
        said += self.spread() if drawn else []
        if drawn or len(regions) > 12:
            for verdict in VERDICTS:
                of = [region for region in regions if region.verdict == verdict]
                if of:
                    told = (
                        N_("{n} of {all}: {verdict}.") if drawn else N_("{n} of {all}, {low} to {high}: {verdict}.")
                    )
                    said.append(
                        say(told, n=sum(region.runs for region in of), all=len(self.points), low=number(of[0].low),
                            high=number(of[-1].high), verdict=say(SAID[verdict]))
                    )  # fmt: skip
            return said
        for region in regions:
            where = number(region.low)
            if region.runs > 1:
                where = say("{low} to {high}", low=number(region.low), high=number(region.high))
            ends = [point.final for point in self.points if region.low <= point.value <= region.high]
            ends = [end for end in ends if math.isfinite(end)]
            words = {"name": name, "where": where, "verdict": say(SAID[region.verdict])}
            said.append(
                say("{name} {where}: {verdict} (loss {low} to {high}).",
                    low=number(min(ends)), high=number(max(ends)), **words)
                if len(ends) > 1
                else say("{name} {where}: {verdict}.", **words)
            )  # fmt: skip
        return said

    def spread(self) -> list[str]:
        """How far the ends lie apart, and how many of the runs have learned what there is to learn."""
        ends = sorted(point.final for point in self.points if math.isfinite(point.final))
        low, first, middle, third, high = map(number, np.quantile(ends, (0, 0.25, 0.5, 0.75, 1)))
        said = [
            say("Losses at the end: the middle one {middle}, half of them {first} to {third}, all {low} to {high}.",
                middle=middle, first=first, third=third, low=low, high=high)
        ]  # fmt: skip
        return said + self._learned(evaluator_of(self.lesson))

    def _learned(self, evaluator: Evaluator | None) -> list[str]:
        of = len(self.points)
        if evaluator is None or evaluator.kind == "numbers":
            there = sum(self.verdict(point) == "converges" for point in self.points)
            return [
                say("{n} of {all} learn it: they end within {percent} of the way of the lowest.",
                    n=there, all=of, percent=percent(THERE))
            ]  # fmt: skip
        rows = len(evaluator.targets)
        ended = [point.run for point in self.points if point.run.diverged is None]
        right = [rows - len(evaluator.evaluate(run.parameters(run.trained + 1)).wrong) for run in ended]
        others = sorted(count for count in right if count < rows)
        words = {"n": right.count(rows), "all": of, "rows": f"{rows:,}"}
        if not others:
            return [say("{n} of {all} learn all {rows} rows.", **words)]
        between = f"{others[0]:,}"
        if others[0] != others[-1]:
            between = say("{low} to {high}", low=between, high=f"{others[-1]:,}")
        return [say("{n} of {all} learn all {rows} rows; the others have {right} right.", right=between, **words)]

    # ------------------------------------------------------------ one of them

    def of(self, point: Point) -> str:
        """The setting of a point in words."""
        return f"{self.name} {number(point.value)}"

    def edit(self, point: Point) -> str:
        """What makes the lesson into that of a point, as a person would type it."""
        return edit_of(point.run.lesson, self.name, point.value)


def check_runs(lesson: Lesson, runs: int) -> None:
    """Raises Refused for a lesson that is not trained, and for too few or too many runs."""
    if lesson.training is None:
        raise Refused(say("This lesson is not trained: there are no runs to sweep over."))
    if not 2 <= runs <= MOST_RUNS:
        raise Refused(say("A sweep takes 2 to {most} runs, not {runs}.", most=f"{MOST_RUNS:,}", runs=f"{runs:,}"))


def spaced(name: str, low: float, high: float, runs: int, log: bool) -> list[float]:
    """Values from low to high, as far apart as each other, or each so many times the one before; whole where it is.

    Raises Refused for factors from 0 or less.
    """
    if log and low <= 0:
        raise Refused(say("A logarithmic scale begins above 0: give a larger first end, or --scale linear."))
    if _whole(name):
        first, last = math.ceil(low), math.floor(high)
        few = np.linspace(first, last, min(runs, last - first + 1)) if last >= first else ()
        return sorted({float(round(value)) for value in few})
    found = (np.geomspace if log else np.linspace)(low, high, runs)
    return [float(f"{value:.12g}") for value in found]  # 0.45, where steps come to 0.44999999999999996


def asked(text: str) -> tuple[str, float, float]:
    """What `learning_rate = 0.01..10` or `layer 1 bias 0..1` asks to sweep over. Raises Refused."""
    name, _, ends = text.replace("=", " ").strip().rpartition(" ")
    if not name.strip():
        raise Refused(say("Say what is to differ, and between which values: learning_rate 0.01..10, for example."))
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
        (say("learning rate"), f"learning_rate = {rate / 100:.3g}..{rate * 100:.3g}"),
        (say("momentum"), "momentum = 0..0.99"),
        (say("L2 regularisation"), "l2 = 0.0001..1"),
        (say("size of the first weights"), f"{SCALE} = 0.01..10"),
    ]
    seeds = (f"{name} = {training.seed}..{training.seed + 19}" for name in SEEDS)
    found += [(say("twenty seeds: does it always learn?"), text) for text in seeds if _can_be(lesson, text)][:1]
    return [(said, text) for said, text in found if _can_be(lesson, text)]


def _can_be(lesson: Lesson, text: str) -> bool:
    name, low, high = asked(text)
    try:
        changer(lesson, name, [low, high])
    except Refused:
        return False
    return name != "l2" or bool(model(lesson).layers)


def edit_of(lesson: Lesson, name: str, value: float) -> str:
    """What sets `name` to a value, as a person would type it; `lesson` is what comes of that."""
    if name == SCALE:
        first = initial_parameters(lesson)
        ids = [layer.weights.id for layer in model(lesson).layers]
        return "; ".join(f"{id} = {np.asarray(first[id]).tolist()}" for id in ids)
    if name == START:
        return f"{_drawn_anew(lesson)}; seed = {_typed('seed', value)}"
    return f"{name} = {_typed(name, value)}"


def _drawn_anew(lesson: Lesson) -> str:
    """The edit that has all weights drawn, as suits each layer's activation."""
    layers = enumerate(model(lesson).layers, start=1)
    drawn = ((k, "he" if "relu" in layer.activation_name else "xavier") for k, layer in layers)
    return "; ".join(f"layer {k} weights = {how}" for k, how in drawn)


def is_log(name: str, low: float, high: float) -> bool:
    """Whether a range is better walked by factors than by steps."""
    return low > 0 and high / low >= 20 and not _whole(name)


def read_range(text: str) -> tuple[float, float]:
    """The ends of 0.01..10. Raises Refused."""
    parts = text.split("..")
    try:
        low, high = (float(part) for part in parts)
    except ValueError:
        raise Refused(say("A range is written 0.01..10, not '{text}'.", text=text[:40])) from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise Refused(say("The first end of a range is the smaller one: 0.01..10."))
    return low, high


def changer(lesson: Lesson, name: str, values: Sequence[float]) -> Callable[[float], Lesson]:
    """What makes the lesson with another value of a setting. Raises Refused for a setting or an end that cannot be."""
    training = lesson.training
    assert training is not None
    if name == SCALE:
        layers, given = model(lesson).layers, initial_parameters(lesson)
        if not layers:
            raise Refused(say("{name} is of a network's weights; a circuit has none.", name=SCALE))
        first = {layer.weights.id: given[layer.weights.id] for layer in layers}
        return lambda value: with_numbers(lesson, {id: np.asarray(weights) * value for id, weights in first.items()})
    if name == START:
        if not model(lesson).layers:
            raise Refused(say("{name} draws a network's first weights; a circuit has none.", name=START))
        with suppress(Same):  # they are drawn already
            lesson = WhatIf(lesson).apply(_drawn_anew(lesson)).unmarked
        return changer(lesson, "seed", values)
    for end in (values[0], values[-1]):  # what lies between two that can be can be, too
        variant(lesson, name, _typed(name, end))
    if isinstance(getattr(training, name, None), float):

        def changed(value: float) -> Lesson:
            setting: dict[str, Any] = {name: float(value)}
            return replace(lesson, training=replace(training, **setting))

        return changed
    if name == "seed":
        if training.order == "listed" and not any(layer.drawn for layer in model(lesson).layers):
            raise Refused(
                say("The first weights are given and the rows in order: a seed changes nothing. {start} would.",
                    start=START)
            )  # fmt: skip
        return lambda value: replace(lesson, training=replace(training, seed=round(value)))
    return lambda value: variant(lesson, name, _typed(name, value))


def _whole(name: str) -> bool:
    """Whether a setting is a whole number."""
    return name == START or isinstance(getattr(Training(), name, None), int)


def _typed(name: str, value: float) -> str:
    return str(round(value)) if _whole(name) else number_text(value)
