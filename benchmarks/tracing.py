"""How well mastery tells who knows a skill from who does not, on simulated learners whose true state is known.

    python benchmarks/tracing.py [--learners 20000] [--answers 10] [--guess 0.25] [--slip 0.1] [--limit 0.9]

The figure is the area under the ROC curve (AUC) of mastery against the true state after so many answers
to one skill: 0.5 is chance, 1 is never wrong. Learners whose state never changes, and learners who may learn
from every question, so that some know it only since the last one. Mastery is computed with the tutor's own
parameters (a choice of 1/guess), which are not fitted to these learners, and with those the learners have.

Then whether mastery may be believed: learners of every ability from 0 to 1, of whom it is known how many questions
they would get right at the first try without help, with hints, second tries and answers given up. Of those who are
told 60 to 70 %, about as many should be able to get three of four right. These learners are not of the kind that the
model assumes. The tables of docs/learners.md.
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import replace
from itertools import pairwise

from tutor.questions.mastery import GivenAnswer, Tracing, mastery


def learner(rng: random.Random, prior: float, learn: float, guess: float, slip: float, count: int):
    """A simulated history, and whether the skill is known at its end."""
    known = rng.random() < prior
    history = []
    for _ in range(count):
        right = rng.random() < (1 - slip if known else guess)
        history.append(answer(right, round(1 / guess)))
        known = known or rng.random() < learn
    return history, known


def answer(right: bool, choices: int) -> GivenAnswer:
    verdict = "correct" if right else "wrong"
    return GivenAnswer(
        "simulated", "choice", "weight_gradient", "choice", "", verdict, credit=float(right), choices=choices
    )


def auc(scores: list[float], truths: list[bool]) -> float:
    """The probability that one who knows has the higher score than one who does not; ties count half."""
    pairs = sorted(zip(scores, truths, strict=True))
    known = sum(truths)
    below, wins, at = 0, 0.0, 0  # of those who do not know
    while at < len(pairs):
        end = at
        while end < len(pairs) and pairs[end][0] == pairs[at][0]:
            end += 1
        tied = sum(truth for _, truth in pairs[at:end])
        wins += tied * (below + (end - at - tied) / 2)
        below += end - at - tied
        at = end
    return wins / (known * (len(pairs) - known))


def measure(learn: float, prior: float, learners: int, count: int, guess: float, slip: float, seed: int = 1):
    """AUC with the tutor's parameters and with the learners' own; the share of learners who know."""
    rng = random.Random(seed)
    found = [learner(rng, prior, learn, guess, slip, count) for _ in range(learners)]
    truths = [known for _, known in found]
    fitted = Tracing(prior, learn, slip, guess, partly=0)
    ours = auc([mastery(history) for history, _ in found], truths)
    best = auc([mastery(history, fitted) for history, _ in found], truths)
    return ours, best, sum(truths) / learners


KNOWS = 0.75  # of the questions right, at once and without help: who can do that knows the skill
BINS = (0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 1.01)


def able(rng: random.Random, ability: float, grows: float, count: int) -> tuple[list[GivenAnswer], float]:
    """The answers of somebody who gets so many questions right unaided, and what the ability has grown to.

    Three of four questions ask for numbers, the fourth has four choices. Who does not know the answer asks for a hint
    in three of ten cases and is right then, else says something wrong, then the right thing, or gives up.
    """
    history: list[GivenAnswer] = []
    for at in range(count):
        choices = rng.choice((0, 0, 0, 4))
        one = replace(answer(True, choices), item=f"{at}", kind="choice" if choices else "value")
        wrong = replace(one, verdict="wrong", credit=0.0)
        guessed = 1 / choices if choices else 0.02
        if rng.random() < ability:
            history.append(one)
        elif rng.random() < 0.3:
            history.append(replace(one, credit=0.75, hints=1))
        elif rng.random() < guessed:
            history.append(one)
        elif rng.random() < 0.6:
            history += [wrong, replace(one, credit=0.8, tries=2)]
        else:
            history += [wrong, replace(wrong, verdict="given-up")]
        ability += (1 - ability) * grows
    return history, ability


def calibration(grows: float, learners: int = 20000, seed: int = 1) -> list[tuple[float, float, int, float, float]]:
    """A row a bin of mastery: (from, to, learners, mean mastery, share of those who know)."""
    rng = random.Random(seed)
    found = []
    for _ in range(learners):
        history, ability = able(rng, rng.random(), grows, rng.randint(1, 10))
        found.append((mastery(history), ability >= KNOWS))
    rows = []
    for low, high in pairwise(BINS):
        here = [(told, knows) for told, knows in found if low <= told < high]
        if here:
            told, knows = (sum(values) / len(here) for values in zip(*here, strict=True))
            rows.append((low, min(high, 1.0), len(here), told, knows))
    return rows


def off(rows: list[tuple[float, float, int, float, float]]) -> float:
    """By how much what is told differs from what is, on average over the learners."""
    return sum(many * abs(told - knows) for _, _, many, told, knows in rows) / sum(row[2] for row in rows)


GROWS = {"nobody learns": 0.0, "5 % of what is missing a question": 0.05, "10 %": 0.1}


LEARNERS = {"state never changes": (0.0, 0.5), "may learn, 5 % a question": (0.05, 0.3), "10 % a question": (0.1, 0.2)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", type=int, default=20000)
    parser.add_argument("--answers", type=int, default=10, help="to one skill")
    parser.add_argument("--guess", type=float, default=0.25)
    parser.add_argument("--slip", type=float, default=0.1)
    parser.add_argument("--limit", type=float, default=0.9, help="the AUC that is asked for")
    args = parser.parse_args()
    print(f"{args.learners:,} learners, {args.answers} answers, guess {args.guess:g}, slip {args.slip:g}")
    worst = 1.0
    for name, (learn, prior) in LEARNERS.items():
        ours, best, share = measure(learn, prior, args.learners, args.answers, args.guess, args.slip)
        worst = min(worst, ours)
        print(f"{name:27} AUC {ours:.3f}   with the learners' own parameters {best:.3f}   {share:.0%} know")
    for name, grows in GROWS.items():
        rows = calibration(grows, args.learners)
        print(f"\n{name}: off by {off(rows):.3f}\n")
        print("| mastery told | learners | on average | know it |\n|---|---|---|---|")
        for low, high, many, told, knows in rows:
            print(f"| {low:.0%} to {high:.0%} | {many:,} | {told:.0%} | {knows:.0%} |")
    return int(worst < args.limit)


if __name__ == "__main__":
    sys.exit(main())
