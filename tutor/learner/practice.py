"""Practice without end: a skill drilled with new numbers each time, what is due for review, a question once more."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from tutor.engine.lesson import Lesson
from tutor.engine.trace import NoSuchStep, trace
from tutor.learner import placement, records
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.lessonfiles.file_names import lesson_id
from tutor.lessonfiles.positions import LessonError
from tutor.questions import mastery
from tutor.questions.attempt import Asking
from tutor.questions.authored import author_id, author_item
from tutor.questions.drill import SEEDS, NoQuestion, asked_again, drill_item, own_trace, skills
from tutor.questions.items import AUTHOR, Item
from tutor.questions.kinds import KINDS
from tutor.questions.mastery import GivenAnswer
from tutor.text.language import say
from tutor.text.writer import Writer


@dataclass(frozen=True)
class PracticeItem:
    """A question to practise, and the key of the lesson that its answers are kept under; None: they are not kept."""

    lesson: str | None
    item: Item


class Series:
    """Exercises one after the other. What is skipped comes back after the next question, with its tries and hints."""

    def __init__(self, exercises: Iterable[PracticeItem]) -> None:
        self._coming = iter(exercises)
        self._later: list[tuple[PracticeItem, Asking]] = []
        self._first: list[PracticeItem] = []
        self._skipped = False

    def following(self) -> tuple[PracticeItem, Asking] | None:
        """The next question; None after the last."""
        skipped, self._skipped = self._skipped, False
        if self._first:
            exercise = self._first.pop()
            return exercise, Asking(exercise.item)
        if self._later and not skipped:
            return self._later.pop(0)
        if exercise_ := next(self._coming, None):
            return exercise_, Asking(exercise_.item)
        return self._later.pop(0) if self._later else None

    def skip(self, exercise: PracticeItem, asking: Asking) -> None:
        """Leave a question for later: another one comes first."""
        self._later.append((exercise, asking))
        self._skipped = True

    def put_first(self, exercise: PracticeItem) -> None:
        """A question to ask before all others."""
        self._first.append(exercise)


def drill(lesson: Lesson, key: str, skill: str, seed: int) -> Iterator[PracticeItem]:
    """One skill of a lesson, with the numbers of one seed after the other. Raises NoQuestion where there is none."""
    first = drill_item(lesson, skill, seed)

    def following() -> Iterator[PracticeItem]:
        item = first
        with suppress(NoQuestion):
            while True:
                yield PracticeItem(key, item)
                item = drill_item(lesson, skill, (item.seed or seed) + 1)

    return following()


def choose_skill(store: Store, lesson: Lesson) -> str:
    """The weakest skill of a lesson that is not too far ahead. Raises NoQuestion."""
    among = skills(lesson)
    chosen = mastery.next_skill(mastery.knowledge(store.answers()), among)
    if chosen is None:
        raise NoQuestion(say("{lesson} has nothing to drill", lesson=lesson.title))
    return chosen


def lesson_for(store: Store, skill: str, lesson: str = "") -> tuple[Lesson, str] | None:
    """A lesson to practise a skill on: the one named, the one where it was last asked, else the first that has it."""
    last = [answer.lesson for answer in reversed(store.answers(skill)) if answer.lesson]
    entries = [entry.path for entry in catalogue.entries() if not entry.error]
    named = [path for name in (lesson, *last[:3]) if name and (path := file_of(name))]
    for path in (*named, *entries):
        with suppress(LessonError, NoQuestion):
            if path not in named and skill not in _asked_by(path):
                continue
            found = load(path)
            found = replace(found, notation=records.chosen_notation(store, found))
            drill_item(found, skill, 1)
            return found, lesson_id(path)
    return None


@cache
def _asked_by(path: Path) -> frozenset[str]:
    """The skills that a bundled lesson may be drilled in: looked for once, since the home screen waits for them."""
    of_kinds = (kind.skill for kind in KINDS.values() if kind.skill)
    return frozenset((*(eq.rule_id for eq in trace(load(path)).equations), *of_kinds))


def _authors(store: Store, seed: int) -> Iterator[PracticeItem]:
    """One of the questions that an author asks about no step, of a lesson where such were asked."""
    rng = random.Random(seed)
    for path in records.author_lessons(store)[:1]:
        if items := _items_of_author(store, path, rng):
            yield PracticeItem(lesson_id(path), rng.choice(items))


def authors_again(store: Store, seed: int) -> Iterator[PracticeItem]:
    """All questions of authors about no step, of the lessons where such were asked; in another order with each seed."""
    rng = random.Random(seed)
    for path in records.author_lessons(store):
        with suppress(LessonError):
            items = _items_of_author(store, path, rng)
            for item in rng.sample(items, len(items)):
                yield PracticeItem(lesson_id(path), item)


def _items_of_author(store: Store, path: Path, rng: random.Random) -> list[Item]:
    lesson = load(path)
    here, writer = trace(lesson), Writer(lesson, records.chosen_notation(store, lesson))
    asked = [question for question in lesson.questions if not question.step]
    return [item for question in asked if (item := author_item(question, here, writer, rng))]


def file_of(lesson: str) -> Path | None:
    """Where the lesson of a key is, as answers are kept under it; None where it is no more."""
    path = Path(lesson)
    return catalogue.find(lesson) or (path if path.is_absolute() and path.is_file() else None)


# ---------------------------------------------------------------- what is due


def due(store: Store, now: datetime) -> list[str]:
    """The skills that are due and can be asked about, the longest due first.

    A skill can be asked about where it was asked before, as long as that lesson is there; else on the first lesson
    that has it. What an author asks in words of his own needs a lesson that has such questions.
    """
    found = mastery.due(store.cards(), now)
    history = mastery.by_skill(store.answers()) if found else {}
    return [skill for skill in found if _can_be_asked(store, skill, history.get(skill, []))]


def _can_be_asked(store: Store, skill: str, answers: list[GivenAnswer]) -> bool:
    if skill == AUTHOR:
        return bool(records.author_lessons(store))
    where = dict.fromkeys(answer.lesson for answer in reversed(answers))
    return any(file_of(lesson) for lesson in list(where)[:3]) or lesson_for(store, skill) is not None


def review(store: Store, now: datetime | None = None) -> Iterator[PracticeItem]:
    """A question for each skill that is due, the longest due first; new numbers each day.

    A skill that no drill can ask about is asked about as it was the last time.
    """
    now = now or datetime.now(UTC)
    for skill in due(store, now):
        seed = random.Random(f"{skill} {now.date()}").randrange(1, 10_000)
        found = None if skill == AUTHOR else lesson_for(store, skill)
        if skill == AUTHOR:
            yield from _authors(store, seed)
        elif found:
            yield PracticeItem(found[1], drill_item(found[0], skill, seed))
        elif again_ := next(filter(None, (again(store, one) for one in reversed(store.answers(skill)))), None):
            yield again_


# ---------------------------------------------------------------- once more


def with_new_numbers(store: Store, exercise: PracticeItem) -> PracticeItem | None:
    """The same question in other numbers; None where there is none, or nothing is kept of it."""
    if exercise.lesson is None:
        return None
    answer = records.answer_to(exercise.lesson, exercise.item)
    return again(store, answer, (exercise.item.seed or len(store.answers(answer.skill))) + 1)


def again(store: Store, answer: GivenAnswer, seed: int | None = None) -> PracticeItem | None:
    """The question of an answer once more: in the same numbers, or in new ones from a seed.

    An author's question has no numbers but its own. One that is no more, or that tells nothing in any new numbers, is
    replaced by another on the same skill of the same lesson; None where there is none.
    """
    path = file_of(answer.lesson)
    if path is None:
        return None
    kind, _, id = answer.item.partition(":")
    with suppress(LessonError, NoQuestion):
        lesson = load(path)
        lesson = replace(lesson, notation=records.chosen_notation(store, lesson))
        if placement.is_placement(answer.item):
            the_same = seed is None and lesson.id in placement.table()
            item = placement.item(lesson.id) if the_same else None  # new numbers are the lesson's
        elif kind == AUTHOR:
            item = _of_author(lesson, answer)
        else:
            seeds = [answer.seed] if seed is None else range(seed, seed + SEEDS)
            asked = (asked_again(lesson, kind, id, at, answer.iteration) for at in seeds)
            item = next(filter(None, asked), None)
        return PracticeItem(answer.lesson, item or drill_item(lesson, answer.skill, seed or answer.seed or 1))
    return None


def _of_author(lesson: Lesson, answer: GivenAnswer) -> Item | None:
    """The author's question that was answered, in the iteration it was asked in where that is near."""
    here = own_trace(lesson, answer.iteration)
    about = next((question for question in lesson.questions if author_id(question) == answer.item), None)
    if here is None or about is None:
        return None
    with suppress(NoSuchStep):
        return author_item(about, here, Writer(lesson, lesson.notation), random.Random(answer.item))
    return None
