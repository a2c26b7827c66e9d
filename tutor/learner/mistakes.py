"""My mistakes: every question that was answered wrongly, what was typed, and what the answer shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tutor.learner.practice import PracticeItem, again
from tutor.learner.store import Store
from tutor.questions.grading import OTHER_SIGN
from tutor.questions.mastery import GivenAnswer
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.text.language import N_, say
from tutor.text.words import sentence

WRONG = {  # what is wrong by the verdict, and what is said of it where no slip has a name
    "misconception": N_("Wrong."),
    "sign": OTHER_SIGN,
    "power-of-ten": N_("The digits are right, but the decimal point is not."),
    "wrong": N_("No slip that has a name."),
}
RIGHT = frozenset({"correct", "rounded"})


@dataclass(frozen=True)
class Mistake:
    """A question with the wrong answers to it, the oldest first; `mended`: it was answered rightly after the last."""

    answers: tuple[GivenAnswer, ...]
    mended: bool

    @property
    def last(self) -> GivenAnswer:
        """The latest wrong answer: it has the question, its lesson and its numbers."""
        return self.answers[-1]


def mistakes(answers: Iterable[GivenAnswer]) -> list[Mistake]:
    """The questions that were answered wrongly, the latest first; `answers` are the oldest first.

    A question is one of a step (or of an author) in the same numbers. Right in any numbers mends it.
    """
    found: dict[tuple[object, ...], list[GivenAnswer]] = {}
    right: dict[tuple[str, str], int] = {}
    at: dict[str, int] = {}
    for number, answer in enumerate(answers):
        at[answer.id] = number
        if answer.verdict in RIGHT:
            right[answer.lesson, answer.item] = number
        elif answer.verdict in WRONG:
            key = answer.lesson, answer.item, answer.seed, answer.iteration
            found[key] = [*found.pop(key, []), answer]  # behind the others: the latest last
    made = [Mistake(tuple(each), right.get((each[-1].lesson, each[-1].item), -1) > at[each[-1].id])
            for each in found.values()]  # fmt: skip
    return made[::-1]


def diagnosis(answer: GivenAnswer) -> str:
    """What a wrong answer shows, in a sentence."""
    entry = MISCONCEPTIONS.get(answer.misconception or "")
    return sentence(entry.title) if entry else say(WRONG.get(answer.verdict, ""))


def typed(answer: GivenAnswer) -> str:
    """What was typed, on one line."""
    return " ".join(answer.given.split()) or say("(nothing)")


def replay(store: Store, which: Iterable[Mistake], new: bool = False) -> Iterator[PracticeItem]:
    """The questions of some mistakes once more, in the same numbers or in new ones; what is no more is left out."""
    for mistake in which:
        seed = len(store.answers(mistake.last.skill)) + 1 if new else None
        if exercise := again(store, mistake.last, seed):
            yield exercise
