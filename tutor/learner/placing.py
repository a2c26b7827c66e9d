"""Where on the path a learner stands, from as few questions as can tell. Pure, and without NumPy.

A learner is thought of as a set of lessons that are known: all up to a place on the path, and perhaps one further
lesson with all that it builds on. Of these sets, some two thousand, each has a probability; every answer weighs them
anew (Bayes' rule, with P(wrong though known) `SLIP` and P(right though not known) `GUESS`), and the next question is
the one whose answer is least certain. This is adaptive testing over a knowledge structure: Doignon and Falmagne,
"Knowledge Spaces", 1999.

What is known by this reckoning is not yet shown. Only a lesson whose question was answered rightly, and what that
lesson builds on, is ever said to be known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SLIP, GUESS = 0.1, 0.03  # of questions for a number
BEGINNERS = 20  # lessons after which there are half as many learners as at the beginning
FURTHER = 0.25  # of all learners know something further than they have come
MOST = 12  # questions
SURE = 0.95  # that the place is right within one lesson: enough to stop
CERTIFIED = 0.8  # how probable what was shown has to be, all answers taken together, to be called known
RIGHT = 0.75  # the credit from which an answer counts as right


@dataclass(frozen=True)
class Standing:
    """What answers come to. `begin` is the id of the lesson to begin with, None past the last; `known` are the ids
    of the lessons that were shown to be known, `passed` those before `begin` that were not, in the order of the path;
    `sure` is the probability that `begin` is right within one lesson."""

    begin: str | None
    known: tuple[str, ...]
    passed: tuple[str, ...]
    sure: float


@dataclass(frozen=True)
class LessonPath:
    """The lessons (ids) in their order, and of each the ids that it builds on directly."""

    lessons: tuple[str, ...]
    needs: Mapping[str, Sequence[str]]
    _below: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def below(self, lesson: str) -> int:
        """A lesson with all that it builds on, as bits in the order of the path."""
        if lesson not in self._below:
            self._below[lesson] = 1 << self.lessons.index(lesson)  # which ends a circle, too
            for need in self.needs.get(lesson, ()):
                if need in self.lessons:
                    self._below[lesson] |= self.below(need)
        return self._below[lesson]

    def learners(self) -> dict[int, float]:
        """The sets of lessons that a learner may know, each with a weight: how many there are of such learners."""
        count = len(self.lessons)
        found: dict[int, float] = {}
        for place in range(count + 1):
            so_far, often = (1 << place) - 1, 1 / (place + BEGINNERS)
            further = [so_far | self.below(lesson) for lesson in self.lessons[place + 1 :]]
            found[so_far] = found.get(so_far, 0.0) + (1 - FURTHER * bool(further)) * often
            for known in further:
                found[known] = found.get(known, 0.0) + FURTHER / len(further) * often
        return found

    def weighed(self, credits: Mapping[str, float]) -> dict[int, float]:
        """The same after answers, given as the credit (0 to 1) of each lesson's question; what was left open has 0."""
        found = self.learners()
        for lesson, credit in credits.items():
            if lesson in self.lessons:
                bit, right = 1 << self.lessons.index(lesson), credit >= RIGHT
                if_known, if_not = (1 - SLIP, GUESS) if right else (SLIP, 1 - GUESS)
                found = {known: p * (if_known if known & bit else if_not) for known, p in found.items()}
        whole = sum(found.values())
        return {known: p / whole for known, p in found.items()}

    def next(self, credits: Mapping[str, float], askable: Sequence[str]) -> str | None:
        """The lesson to ask about next; None when it is known where to begin, or after `MOST` questions."""
        if len(credits) >= MOST:
            return None
        found = self.weighed(credits)
        if credits and self._place(found)[1] >= SURE:
            return None
        rest = [lesson for lesson in askable if lesson not in credits]
        return min(rest, key=lambda lesson: abs(self._probability(found, lesson) - 0.5), default=None)

    def standing(self, credits: Mapping[str, float]) -> Standing:
        """What the answers come to."""
        found = self.weighed(credits)
        place, sure = self._place(found)
        shown = 0
        for lesson, credit in credits.items():
            if credit >= RIGHT and lesson in self.lessons:
                shown |= self.below(lesson)
        known = [
            lesson
            for at, lesson in enumerate(self.lessons)
            if shown >> at & 1
            and credits.get(lesson, 1.0) >= RIGHT  # what was answered wrongly, or left open, was not shown
            and self._probability(found, lesson) >= CERTIFIED
        ]
        last = max((self.lessons.index(l) for l in credits if l in self.lessons and credits[l] >= RIGHT), default=-1)
        place = min(place, last + 1)  # who ended early begins behind what was shown
        passed = [lesson for lesson in self.lessons[:place] if lesson not in known]
        begin = self.lessons[place] if place < len(self.lessons) else None
        return Standing(begin, tuple(known), tuple(passed), sure)

    def _probability(self, found: Mapping[int, float], lesson: str) -> float:
        bit = 1 << self.lessons.index(lesson)
        return sum(p for known, p in found.items() if known & bit)

    def _place(self, found: Mapping[int, float]) -> tuple[int, float]:
        """The most probable place of the first lesson that is not known, and P(it is right within one)."""
        count = len(self.lessons)
        at = [0.0] * (count + 1)
        for known, p in found.items():
            at[(known ^ (known + 1)).bit_length() - 1] += p  # the lowest bit that is not set
        near = [sum(at[max(place - 1, 0) : place + 2]) for place in range(count + 1)]
        place = max(range(count + 1), key=lambda place: (near[place], at[place]))
        return place, near[place]
