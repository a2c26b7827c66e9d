"""Where the placement sends learners whose level is known: simulated, with fixed seeds.

    python benchmarks/placing.py [--learners 40] [--limit 0.9]

A learner of level k knows the first k lessons of the path, and each question on one of them but for slips; of the
others' questions a few are hit by guessing. How many land within one lesson of the truth, how many questions it takes,
and how many lessons they are told to know that they do not. Then learners who know, beyond their level, one further
lesson with all that it builds on. The tables are those of docs/learners.md.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from tutor.learner.course import path_of
from tutor.learner.placing import LessonPath
from tutor.lessonfiles import catalogue

ANSWERS = {"never slip or guess": (0.0, 0.0), "slip 5 %, guess 2 %": (0.05, 0.02), "slip 10 %, guess 3 %": (0.1, 0.03)}


@dataclass(frozen=True)
class Row:
    """Of one level: the share that landed within one lesson of it; questions on average and at most; lessons too many
    that are said to be known, on average."""

    level: int
    within: float
    questions: float
    most: int
    overstated: float


def measure(
    path: LessonPath,
    slip: float,
    guess: float,
    learners: int,
    levels: Iterable[int] | None = None,
    further: bool = False,
) -> list[Row]:
    """A row a level."""
    rng, count, rows = random.Random(1), len(path.lessons), []
    for level in range(count + 1) if levels is None else levels:
        landed, asked, too_many = 0, [], 0
        for _ in range(learners):
            knows = (1 << level) - 1
            if further and level < count - 1:
                knows |= path.below(rng.choice(path.lessons[level + 1 :]))
            truth = next((at for at in range(count) if not knows >> at & 1), count)
            credits: dict[str, float] = {}
            while (lesson := path.next(credits, path.lessons)) is not None:
                known = knows >> path.lessons.index(lesson) & 1
                credits[lesson] = float(rng.random() < (1 - slip if known else guess))
            found = path.standing(credits)
            place = path.lessons.index(found.begin) if found.begin else count
            landed += abs(place - truth) <= 1
            asked.append(len(credits))
            too_many += sum(not knows >> path.lessons.index(lesson) & 1 for lesson in found.known)
        rows.append(Row(level, landed / learners, sum(asked) / learners, max(asked), too_many / learners))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", type=int, default=40, help="of each level")
    parser.add_argument("--limit", type=float, default=0.9, help="the share within one lesson that is asked for")
    args = parser.parse_args()
    path, worst = path_of(catalogue.entries()), 1.0
    print("| learners | within one lesson | the worst ten levels | questions | at most | wrongly said to be known |")
    print("|---|---|---|---|---|---|")
    for further in (False, True):
        for name, (slip, guess) in ANSWERS.items():
            rows = measure(path, slip, guess, args.learners, further=further)
            found = [(row.within, row.questions, row.overstated) for row in rows]
            mean = [sum(values) / len(rows) for values in zip(*found, strict=True)]
            worst = min(worst, mean[0]) if not further else worst
            lowest = sum(sorted(row.within for row in rows)[:10]) / 10
            title = name + (", one lesson further" if further else "")
            most = max(row.most for row in rows)
            print(f"| {title} | {mean[0]:.1%} | {lowest:.0%} | {mean[1]:.1f} | {most} | {mean[2]:.2f} lessons |")
    return int(worst < args.limit)


if __name__ == "__main__":
    sys.exit(main())
