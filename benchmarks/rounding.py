"""Is who works by hand, rounds every line and uses the right method ever called wrong? Simulated people.

    python benchmarks/rounding.py [--networks 500] [--seed 1] [--digits 2,3,4]

Each person works out every equation of a lesson from what was written down before, writes it with so many significant
digits (halves away from zero), and types that for every question of the bundled lessons, of so many random networks
and as many random circuits. The habits: "lines" rounds each line; "operations" each product and function within a
line, too; "some" rounds half of the lines and reads the others off the screen; "last" rounds each line to three or
four and types the last one as the calculator shows it; "cut" cuts off instead of rounding. Whoever is asked for one
more digit works everything out again with one more. Beside that: wrong answers that are off by a known share.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from diagnosis import BUNDLED, random_circuit, random_network, share, typed

from tutor.engine.expressions import Call, Const, Expr, Ref, apply
from tutor.engine.lesson import Lesson
from tutor.engine.trace import Trace, as_shown, trace
from tutor.lessonfiles.check import load
from tutor.questions.grading import grade
from tutor.questions.question import Question
from tutor.text.writer import Writer

OUTCOMES = ("correct", "rounded", "imprecise", "carried", "sign", "power-of-ten", "wrong", "misconception")
Write = Callable[[np.ndarray, int], np.ndarray]


def half_up(value: np.ndarray, digits: int) -> np.ndarray:
    """Rounded to significant digits, halves away from zero."""
    return _in_units(value, digits, lambda units: np.floor(units + 0.5))


def cut_off(value: np.ndarray, digits: int) -> np.ndarray:
    return _in_units(value, digits, np.floor)


def _in_units(value: np.ndarray, digits: int, whole: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """A value in units of its last digit, made whole, as the decimal number that it then is."""
    with np.errstate(all="ignore"):
        power = np.floor(np.log10(np.abs(value)))
    unit = 10.0 ** (np.where(np.isfinite(power), power, 0) - (digits - 1))
    found = np.sign(value) * whole(np.abs(value) / unit * (1 + 1e-13)) * unit
    return np.array([float(f"{number:.12g}") for number in found.ravel()]).reshape(found.shape)


@dataclass
class Person:
    """Somebody with a habit: how a number is written, how often a line is rounded, whether within a line, too."""

    write: Write = half_up
    often: float = 1.0
    within: bool = False
    more: int = 0  # digits of the last line beyond those that are kept

    def paper(self, at: Trace, digits: int, rng: random.Random) -> dict[str, np.ndarray]:
        """What is written down for every symbol, in order; what the lesson gives is copied off the screen."""
        written: dict[str, np.ndarray] = {}

        def look(ref: Ref) -> np.ndarray:
            key = ref.symbol.key
            if key not in written:
                written[key] = np.asarray(as_shown(at.value(Ref(ref.symbol)), max(digits, 4)))
            value = written[key]
            value = value[ref.example] if ref.example is not None and ref.symbol.per_example else value
            return value[(slice(None),) * (value.ndim - len(ref.index)) + ref.index] if ref.index else value

        with np.errstate(all="ignore"):
            for eq in at.equations:
                shape = ((at.examples,) if eq.symbol.per_example else ()) + eq.symbol.shape
                value = np.broadcast_to(self._worked(eq.formula, look, digits), shape)
                rounds = rng.random() < self.often
                written[eq.symbol.key] = self.write(value, digits) if rounds else np.asarray(at.value(Ref(eq.symbol)))
                if self.more:
                    written[eq.symbol.key + " typed"] = self.write(value, digits + self.more)
        return written

    def _worked(self, expr: Expr, look: Callable[[Ref], np.ndarray], digits: int, top: bool = True) -> np.ndarray:
        if isinstance(expr, Const):
            return np.asarray(expr.value)
        if isinstance(expr, Ref):
            return look(expr)
        assert isinstance(expr, Call)
        value = np.asarray(apply(expr, [self._worked(arg, look, digits, False) for arg in expr.args]), dtype=float)
        return self.write(value, digits) if self.within and not top else value


HABITS = {
    "lines": Person(),
    "operations": Person(within=True),
    "some": Person(often=0.5),
    "last": Person(more=3),
    "cut": Person(cut_off),
}


def elements(at: Trace, rng: random.Random, most: int = 12) -> Iterator[Question]:
    """The scalar questions of a trace, of a large equation a few."""
    writer = Writer(at.lesson, "dz")
    for step in at.steps():
        every = list(np.ndindex(*step.shape))
        for index in every if len(every) <= most else rng.sample(every, most):
            question = Question(step.at(index), writer)
            if np.isfinite(question.right):
                yield question


class Tally:
    def __init__(self) -> None:
        self.said: dict[tuple[str, int], Counter[str]] = {}
        self.off: dict[float, Counter[str]] = {}
        self.missed: list[str] = []
        self.again: Counter[int] = Counter()
        self.widths: list[float] = []

    def ask(self, lesson: Lesson, iteration: int, digits: tuple[int, ...], rng: random.Random) -> None:
        at = trace(lesson, iteration)
        asked = list(elements(at, rng))
        people = [(habit, kept) for habit in HABITS for kept in digits if kept > 2 or not HABITS[habit].more]
        papers = {(habit, kept): {0: HABITS[habit].paper(at, kept, rng)} for habit, kept in people}
        for question in asked:  # all people at one question: its table of slips is made once
            for habit, kept in people:
                self._one(question, habit, HABITS[habit], kept, papers[habit, kept], rng)
            if question.discriminating:
                for off in (0.01, 0.02, 0.05, 0.1, 0.3, 1.0):
                    value = question.right * (1 + rng.choice((-1, 1)) * off)
                    self.off.setdefault(off, Counter())[grade(question, typed(value, 3)).kind] += 1

    def _one(self, question: Question, habit: str, person: Person, kept: int, papers: dict, rng) -> None:
        for more in range(3):
            if more not in papers:
                papers[more] = person.paper(question.step.trace, kept + more, rng)
            symbol, step = question.step.equation.symbol, question.step
            key = symbol.key + (" typed" if person.more else "")
            value = papers[more][key]
            value = value[step.example] if step.example is not None and symbol.per_example else value
            value = float(value[step.index or ()])
            if not np.isfinite(value):
                return
            verdict = grade(question, typed(value, kept + more + person.more))
            if more == 0:
                first = verdict.kind
                self.said.setdefault((habit, kept), Counter())[verdict.kind] += 1
            if verdict.kind in ("wrong", "misconception", "sign", "power-of-ten", "carried"):
                slips = ",".join(slip.misconception for slip in verdict.slips)
                said = f"{step.id} = {question.right!r}: {value!r} {verdict.kind} {slips}"
                self.missed.append(f"{habit} {kept}+{more}: {said}")
                if more:
                    self.again[-1] += 1
            if verdict.kind != "imprecise" or kept < question.digits:
                if first == "imprecise":
                    self.again[more] += 1
                return
        self.again[3] += 1

    def report(self, title: str) -> None:
        print(f"\n{title}")
        for (habit, kept), said in sorted(self.said.items()):
            whole = sum(said.values())
            parts = ", ".join(f"{kind} {said[kind]} ({share(said[kind], whole)})" for kind in OUTCOMES if said[kind])
            print(f"  {habit:10} {kept} digits, {whole} answers: {parts}")
        print(f"  asked for one more digit: settled after {dict(self.again)}")
        for off, said in self.off.items():
            whole = sum(said.values())
            parts = ", ".join(f"{kind} {share(said[kind], whole)}" for kind in OUTCOMES if said[kind])
            print(f"  off by {off:4.0%}: {parts}")
        for line in self.missed[:12]:
            print(f"  missed: {line}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--digits", default="2,3,4")
    args = parser.parse_args()
    digits, rng = tuple(map(int, args.digits.split(","))), random.Random(args.seed)
    start = time.perf_counter()
    tally = Tally()
    for path in sorted(BUNDLED.glob("*.toml")):
        tally.ask(load(path), 1, digits, rng)
    tally.report("Bundled lessons")
    tally = Tally()
    for _ in range(args.networks):
        tally.ask(random_network(rng), rng.choice((1, 2, 3)), digits, rng)
    tally.report(f"{args.networks} random networks")
    tally = Tally()
    for _ in range(args.networks):
        tally.ask(random_circuit(rng), 1, digits, rng)
    tally.report(f"{args.networks} random circuits")
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
