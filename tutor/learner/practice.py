"""Practice without end: a skill drilled with new numbers each time, or what is due for review, over all lessons."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tutor.engine.lesson import Lesson
from tutor.engine.trace import trace
from tutor.learner import records
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.lessonfiles.positions import LessonError, lesson_id
from tutor.questions import mastery
from tutor.questions.authored import author_item
from tutor.questions.drill import NoQuestion, drill_item, skills
from tutor.questions.items import AUTHOR, Item
from tutor.text.writer import Writer


@dataclass(frozen=True)
class Exercise:
    """A question to practise, and the key of the lesson that its answers are kept under; None: they are not kept."""

    lesson: str | None
    item: Item


def drill(lesson: Lesson, key: str, skill: str, seed: int) -> Iterator[Exercise]:
    """One skill of a lesson, with the numbers of one seed after the other. Raises NoQuestion where there is none."""
    first = drill_item(lesson, skill, seed)

    def following() -> Iterator[Exercise]:
        item = first
        with suppress(NoQuestion):
            while True:
                yield Exercise(key, item)
                item = drill_item(lesson, skill, (item.seed or seed) + 1)

    return following()


def choose_skill(store: Store, lesson: Lesson) -> str:
    """The weakest skill of a lesson that is not too far ahead. Raises NoQuestion."""
    among = skills(lesson)
    chosen = mastery.next_skill(mastery.knowledge(store.answers()), among)
    if chosen is None:
        raise NoQuestion(f"{lesson.title} has nothing to drill")
    return chosen


def lesson_for(store: Store, skill: str, lesson: str = "") -> tuple[Lesson, str] | None:
    """A lesson to practise a skill on: the one named, the one where it was last asked, else the first that has it."""
    last = [answer.lesson for answer in reversed(store.answers(skill)) if answer.lesson]
    entries = [entry.path for entry in catalogue.entries() if not entry.error]
    named = [path for name in (lesson, *last[:3]) if name and (path := catalogue.find(name) or _file(name))]
    for path in (*named, *entries):
        with suppress(LessonError, NoQuestion):
            found = load(path)
            found = replace(found, notation=records.chosen_notation(store, found))
            drill_item(found, skill, 1)
            return found, lesson_id(path)
    return None


def _authors(store: Store, seed: int) -> Iterator[Exercise]:
    """One of the questions that an author asks about no step, of a lesson where such were asked."""
    rng = random.Random(seed)
    for path in records.author_lessons(store)[:1]:
        if items := _items_of_author(store, path, rng):
            yield Exercise(lesson_id(path), rng.choice(items))


def authors_again(store: Store, seed: int) -> Iterator[Exercise]:
    """All questions of authors about no step, of the lessons where such were asked; in another order with each seed."""
    rng = random.Random(seed)
    for path in records.author_lessons(store):
        with suppress(LessonError):
            items = _items_of_author(store, path, rng)
            for item in rng.sample(items, len(items)):
                yield Exercise(lesson_id(path), item)


def _items_of_author(store: Store, path: Path, rng: random.Random) -> list[Item]:
    lesson = load(path)
    here, writer = trace(lesson), Writer(lesson, records.chosen_notation(store, lesson))
    asked = [question for question in lesson.questions if not question.step]
    return [item for question in asked if (item := author_item(question, here, writer, rng))]


def _file(name: str) -> Path | None:
    path = Path(name)
    return path if path.is_absolute() and path.is_file() else None


def review(store: Store, now: datetime | None = None) -> Iterator[Exercise]:
    """A question for each skill that is due, the longest due first; new numbers each day."""
    now = now or datetime.now(UTC)
    for skill in records.due(store, now):
        seed = random.Random(f"{skill} {now.date()}").randrange(1, 10_000)
        if skill == AUTHOR:
            yield from _authors(store, seed)
        elif found := lesson_for(store, skill):
            with suppress(NoQuestion):
                yield Exercise(found[1], drill_item(found[0], skill, seed))
