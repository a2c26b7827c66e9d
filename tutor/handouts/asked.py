"""A question as paper and learning platforms have it: complete in itself, with the numbers that mistakes give.

Made from an `Item` and nothing else. How near an answer has to be is asked of the item's own grader, so that a
platform takes what the tutor takes; a mistake is told where that tolerance tells it from the answer and from others.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tutor.engine.expressions import Ref
from tutor.engine.lesson import Lesson
from tutor.questions.authored import author_id
from tutor.questions.drill import variant
from tutor.questions.items import Item, judgement
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.quiz import make_items, needed
from tutor.text.language import N_, say
from tutor.text.layout import linear, number
from tutor.text.words import sentence

MOST_MISTAKES = 12  # that are told of one question, the likeliest first
MOST_NUMBERS = 64  # of one value that are written out
TOLERANCES = (5e-3, 2e-3, 1e-3, 5e-4, 1e-4, 1e-5, 1e-6)  # relative; the widest that the item's grader takes


@dataclass(frozen=True)
class Distractor:
    """A wrong number, or choice, and what it shows: `title` in a few words, `says` with what mends it."""

    answer: str
    value: float | None
    title: str
    says: str


@dataclass(frozen=True)
class Choice:
    """One of the choices, and what is said to who takes it."""

    text: str
    right: bool
    says: str


@dataclass(frozen=True)
class Asked:
    """One question, complete in itself.

    `right` and `tolerance` (absolute) where it is a number; `choices` where it is one of some, several of them right
    if `many`. `given` are the values that it is worked out from, `working` the lines that lead to `answer`.
    """

    item: Item
    name: str
    prompt: str
    given: tuple[tuple[str, str], ...]
    answer: str
    working: tuple[str, ...]
    right: float | None = None
    tolerance: float = 0.0
    mistakes: tuple[Distractor, ...] = ()
    choices: tuple[Choice, ...] = ()
    many: bool = False

    @property
    def on_paper(self) -> str:
        """What is asked, without the ways to answer that only the tutor knows."""
        return self.item.on_paper

    @property
    def lesson(self) -> Lesson:
        """The lesson that it is about."""
        return self.item.step.trace.lesson


def items_of(lesson: Lesson, count: int | None, seed: int, notation: str, number: int = 0) -> list[Item]:
    """The questions of variant `number`: 0 has the lesson's own numbers, others have numbers drawn for a pencil.

    `count` None: as many as the lesson says. Raises ValueError where a variant has none.
    """
    varied = numbered(lesson, seed, number)
    items = make_items([varied], count, seed + number, notation=notation)
    if not items:
        if number and lesson.questions:
            said = N_(
                "there is nothing to ask about in '{title}': its author's are about its own numbers: "
                "leave out --variants"
            )
        else:
            said = N_("there is nothing to ask about in '{title}'")
        raise ValueError(say(said, title=lesson.title))
    return items


def numbered(lesson: Lesson, seed: int, number: int) -> Lesson:
    """Variant `number` of a lesson, with those of its author's questions that ask about a step and no more."""
    if not number:
        return lesson
    still = tuple(replace(q, wrong=(), hints=()) for q in lesson.questions if q.step and not q.ask)
    return replace(variant(lesson, seed * 1000 + number), quiz_steps=lesson.quiz_steps, questions=still)


def asked(item: Item, items: Sequence[Item] = (), name: str = "") -> Asked:
    """An item as a question of its own; `items` stand beside it and are not to be answered by what it is given."""
    trace = item.step.trace
    given = tuple(given_values(item, needed(item, items or [item])))
    working = tuple(line for line in (*item.hints[1:], *item.worked) if line) or (f"{item.answer}",)
    name = name or f"{trace.lesson.title}: {item.id}"
    if item.choices and not item.in_order:
        return Asked(item, name, item.prompt, given, item.answer, working, choices=_choices(item), many=item.many)
    right = _number(item)
    if right is None:
        return Asked(item, name, item.prompt, given, item.answer, working)
    tolerance = _tolerance(item, right)
    mistakes = tuple(_mistakes(item, right, tolerance))
    return Asked(item, name, item.prompt, given, item.answer, working, right, tolerance, mistakes)


def given_values(item: Item, wanted: Sequence[Ref]) -> Iterator[tuple[str, str]]:
    """The names of values and what they are, small arrays written out."""
    for ref in wanted:
        value = item.step.trace.value(ref)
        if np.size(value) <= MOST_NUMBERS:
            yield item.writer.text(ref), linear(item.writer.value(value), MOST_NUMBERS)


# ---------------------------------------------------------------- numbers


def _number(item: Item) -> float | None:
    """The number that is asked for; None where it is none, or more than one."""
    if item.question:
        return item.question.right if math.isfinite(item.question.right) else None
    if item.choices or item.kind == "matrix":
        return None
    try:
        return float(item.answer.replace("−", "-").replace(",", ""))
    except ValueError:
        return None


def _tolerance(item: Item, right: float) -> float:
    """How far off an answer may be: the widest of `TOLERANCES` that the grader takes on both sides."""
    if right == 0:
        return item.question.tolerance if item.question else 1e-6
    for relative in TOLERANCES:
        typed = (f"{right * (1 + sign * relative):.12g}" for sign in (1, -1))
        if all(item.grade(text).correct for text in typed):
            return relative * abs(right)
    return 0.0  # a count, a shape: just this number


def _mistakes(item: Item, right: float, tolerance: float) -> Iterator[Distractor]:
    """Wrong numbers with what they show, the author's first; none that the tolerance takes for another."""
    taken = [right]

    def apart(value: float) -> bool:
        return math.isfinite(value) and all(abs(value - other) > 2 * tolerance for other in taken)

    for value, title, says in (*_authors(item), *_slips(item)):
        if len(taken) > MOST_MISTAKES:
            return
        if apart(value):
            taken.append(value)
            yield Distractor(number(value), value, title, says)


def _authors(item: Item) -> Iterator[tuple[float, str, str]]:
    for question in item.step.trace.lesson.questions if item.by_author else ():
        if author_id(question) == item.id:
            for wrong in question.wrong:
                if not isinstance(wrong.answer, str):
                    said = judgement(item.grade(f"{wrong.answer:.12g}")).message
                    yield float(wrong.answer), said.split(". ")[0], said


def _slips(item: Item) -> Iterator[tuple[float, str, str]]:
    """What the tutor would say to the number of each slip; nothing of those that it could not tell from the answer."""
    if item.question is None:
        return
    entries = sorted(item.question.slips, key=lambda s: s.distance + 10 * MISCONCEPTIONS[s.misconception].rare)
    for slip in entries[: 4 * MOST_MISTAKES]:
        verdict = item.grade(f"{slip.value:#.6g}")
        if verdict.misconception:
            yield slip.value, sentence(MISCONCEPTIONS[verdict.misconception].title), verdict.message


# ---------------------------------------------------------------- choices


def _choices(item: Item) -> tuple[Choice, ...]:
    found = []
    right = {int(part) - 1 for part in item.answer.split("(")[0].replace(",", " ").split() if part.isdigit()}
    for at, text in enumerate(item.choices):
        if item.many:
            found.append(Choice(text, at in right, ""))
        else:
            verdict = item.grade(str(at + 1))
            found.append(Choice(text, verdict.correct, verdict.message))
    return tuple(found)


def shuffled(choices: Sequence[Choice], seed: str) -> list[Choice]:
    """The choices in an order of their own."""
    return random.Random(seed).sample(list(choices), len(choices))
