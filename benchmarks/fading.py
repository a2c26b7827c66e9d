"""How many questions it takes until a kind of step is mastered, with what is known faded in and without.

    python benchmarks/fading.py [--learners 4000]

Simulated learners meet steps of one kind, one after the other. With fading the first is a worked example, then less and
less is given, and from mastery on nothing is asked; without, every step is asked in full. What is assumed of them:
a question with a part given is right more often by the share of what is missing that this part tells (`TELLS`), and
from each step the share `LEARNS` of what is missing to full ability is learned: more where the answer was one's own
or was shown as an example, less where it came after wrong tries. All figures of this kind rest on such numbers; the
script prints them, so that others can be tried.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from tutor.play.fading import Fading
from tutor.questions.mastery import GUESS, GUESS_NUMBER, LAST_FACTOR, MASTERED, WITH_FORMULA, GivenAnswer, mastery

RULE = "weight_gradient"
STEPS = 40  # of one kind, at most: those of two or three lessons
TELLS = {LAST_FACTOR: 0.6, WITH_FORMULA: 0.4, "": 0.0}
LEARNS = {"own": 0.15, "example": 0.15, "after wrong tries": 0.1}
LEARNERS: dict[str, Callable[[random.Random], float]] = {
    "new to it": lambda rng: 0.05,
    "of every ability": lambda rng: rng.random(),
    "know it": lambda rng: 0.9,
}


@dataclass(frozen=True)
class Met:
    """Means over the learners: steps until mastered, questions until then, wrong answers, questions of all `STEPS`."""

    steps: float
    questions: float
    wrong: float
    asked: float


def meet(rng: random.Random, ability: float, fades: bool) -> Met:
    """One learner."""
    history: list[GivenAnswer] = []
    fading, mastered_at, questions, wrong = Fading(), None, 0, 0
    for step in range(STEPS):
        known = mastery(history)
        if mastered_at is None and history and known >= MASTERED:
            mastered_at, questions = step, len(history)
        bit: str | None = ""
        if fades:
            fading = replace(fading, known={RULE: known} if history else {})
            bit = fading.bit(RULE)
        if bit is None:
            if fading.is_new(RULE):
                fading, ability = fading.meeting(RULE), ability + (1 - ability) * LEARNS["example"]
            continue
        kind = bit or "value"
        hit = GUESS.get(kind, GUESS_NUMBER) if ability < 0.2 else 0.0
        right = rng.random() < max(ability + (1 - ability) * TELLS[bit], hit)
        wrong += not right
        verdict = "correct" if right else "wrong"
        history.append(GivenAnswer("l", f"{step}", RULE, kind, "", verdict, credit=float(right)))
        ability += (1 - ability) * LEARNS["own" if right else "after wrong tries"]
    if mastered_at is None:
        mastered_at, questions = STEPS, len(history)
    return Met(mastered_at, questions, wrong, len(history))


def measure(ability: Callable[[random.Random], float], fades: bool, learners: int) -> Met:
    """The means over so many learners."""
    rng = random.Random(1)
    found = [meet(rng, ability(rng), fades) for _ in range(learners)]
    rows = [(met.steps, met.questions, met.wrong, met.asked) for met in found]
    return Met(*(sum(values) / learners for values in zip(*rows, strict=True)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", type=int, default=4000)
    args = parser.parse_args()
    print(f"| learners | asked | questions until mastered | wrong answers | questions of {STEPS} steps |")
    print("|---|---|---|---|---|")
    for name, ability in LEARNERS.items():
        for fades in (False, True):
            met = measure(ability, fades, args.learners)
            how = "faded" if fades else "every step in full"
            print(f"| {name} | {how} | {met.questions:.1f} | {met.wrong:.1f} | {met.asked:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
