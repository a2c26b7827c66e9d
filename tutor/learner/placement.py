"""The placement: a quiz whose next question follows from the answers so far, and which says where to begin.

Its questions are in assets/placement.toml, one a lesson. It is kept, shown and taken up again as any other quiz; only
it grows: `answered` and `skipped` add the next question, where there is one.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

from tutor.engine.lesson import AuthorQuestion, Lesson
from tutor.engine.trace import trace
from tutor.learner.course import PLACEMENT, path_of, placement_credits
from tutor.learner.placing import MOST, RIGHT
from tutor.learner.records import keep_quiz, last_notation
from tutor.learner.store import Store, new_id
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.questions import quiz
from tutor.questions.answers import asks_for_hint, wants_help
from tutor.questions.authored import author_item
from tutor.questions.grading import Verdict
from tutor.questions.items import Item
from tutor.questions.quiz import Quiz
from tutor.text.language import N_, say, say_many
from tutor.text.words import plural, quoted
from tutor.text.writer import Writer

SKIPPED = N_("Left open: it counts as not known.")


@dataclass(frozen=True)
class PlacementQuestion:
    """A question of the table: what is asked, the number, and the skill that a right answer is a sign of."""

    ask: str
    answer: float
    skill: str


@cache
def table() -> Mapping[str, PlacementQuestion]:
    """The question of each lesson, by its id."""
    with (catalogue.data_dir("assets") / "placement.toml").open("rb") as file:
        return {lesson: PlacementQuestion(**about) for lesson, about in tomllib.load(file).items()}


def is_placement(id: str) -> bool:
    """Whether a quiz of this id is a placement."""
    return id.startswith(PLACEMENT)


def item(lesson: str, notation: str = "") -> Item:
    """The question on a lesson. Raises KeyError where there is none."""
    asked = table()[lesson]
    entry = next(entry for entry in catalogue.entries() if entry.id == lesson)
    found = load(entry.path)
    here, writer = trace(found), Writer(found, notation or found.notation)
    question = AuthorQuestion(ask=say(asked.ask), kind="number", answer=float(asked.answer))
    made = author_item(question, here, writer, random.Random(1))
    assert made is not None
    about = say("“{lesson}” is about it.", lesson=entry.title)
    told = f"{say('It is {answer}.', answer=made.answer)} {about}"
    return replace(
        made,
        id=f"{PLACEMENT}{lesson}",
        skill=asked.skill,
        hints=(about, told),
        worked=(told,),
        alone=True,
    )


def start(store: Store, anew: bool = False, notation: str | None = None) -> tuple[str, Quiz, list[Item], bool]:
    """(id, session, items, whether it goes on): the placement that was left, else a new one."""
    for saved in store.sessions(finished=False):
        with suppress(ValueError, AttributeError, TypeError, KeyError, StopIteration):
            if is_placement(saved.id) and not anew:
                session = Quiz.from_json(saved.state)
                items = [item(lesson, session.notation) for lesson in session.lessons]
                if quiz.names(items) == session.items:
                    return saved.id, session, items, True
    chosen = notation or last_notation(store) or Lesson.notation
    session, items = _further(Quiz((), 1, 0, (), (), notation=chosen), [])
    id = f"{PLACEMENT}{new_id()}"
    keep_quiz(store, id, session)
    return id, session, items, False


def answered(id: str, session: Quiz, items: list[Item], text: str) -> tuple[Quiz, list[Item], Verdict]:
    """Answer the current question of any quiz, as `quiz.answer`; a placement has its next question then, or ends."""
    if not is_placement(id):
        session, verdict = quiz.answer(session, items, text)
        return session, items, verdict
    if wants_help(text) and not asks_for_hint(text):
        return *_moved(session, items, session.at), Verdict("not-understood", say(SKIPPED))
    told, verdict = quiz.answer(session, items, text)
    if verdict.free:
        return session, items, verdict
    return *_moved(told, items, session.at), verdict


def skipped(id: str, session: Quiz, items: list[Item], by: int = 1) -> tuple[Quiz, list[Item]]:
    """The next open question of any quiz; of a placement the next that there is or will be. By −1 the one before."""
    if is_placement(id) and by > 0:
        return _moved(session, items, session.at)
    return quiz.skip(session, by), items


def _moved(session: Quiz, items: list[Item], left: int) -> tuple[Quiz, list[Item]]:
    """On from the question at `left`: from an earlier one back to the last."""
    last = len(items) - 1
    if left < last and session.answers[last] is None:
        return replace(session, at=last, finished=False), items
    return _further(session, items)


def _further(session: Quiz, items: list[Item]) -> tuple[Quiz, list[Item]]:
    """With the question that tells most; finished where no more are needed."""
    credits = {one.item.step.trace.lesson.id: one.credit for one in quiz.report(session, items)}
    path = path_of(catalogue.entries())
    lesson = path.next(credits, [lesson for lesson in path.lessons if lesson in table()])
    if lesson is None:
        return replace(session, finished=True), items
    items = [*items, item(lesson, session.notation)]
    lessons, answers = (*session.lessons, lesson), (*session.answers, None)
    longer = replace(session, lessons=lessons, items=quiz.names(items), answers=answers)
    return replace(longer, at=len(items) - 1, finished=False), items


def place(session: Quiz) -> str:
    """Which question it is, in words: how many there will be is not known."""
    return say("question {n}, {most} at most", n=session.at + 1, most=MOST)


def said(store: Store) -> str:
    """What the latest placement comes to, in words: where to begin, and why."""
    entries = catalogue.entries()
    credits = placement_credits(store)
    path = path_of(entries)
    found = path.standing(credits or {})
    titles = {entry.id: quoted(entry.title) for entry in entries}
    if found.begin == path.lessons[0]:
        return say("Begin at the beginning, with {lesson}: the first lessons are short.", lesson=titles[found.begin])
    order = path.lessons
    asked = sorted(credits or {}, key=lambda lesson: order.index(lesson) if lesson in order else -1)
    right = [lesson for lesson in asked if (credits or {})[lesson] >= RIGHT and lesson in order]
    words = [say("You may go on wherever you like: you know the path to its end.")]
    if found.begin is not None:
        begin = order.index(found.begin)
        words = [say("Begin with {lesson}.", lesson=titles[found.begin])]
        before = [lesson for lesson in right if order.index(lesson) < begin]
        behind = [lesson for lesson in asked if lesson not in right and order.index(lesson) >= begin]
        if before and not behind:
            words.append(say("You knew what {lesson} teaches: it is the next.", lesson=titles[before[-1]]))
        elif before and behind[0] == found.begin:
            words.append(say("You knew what {lesson} teaches, but not that.", lesson=titles[before[-1]]))
        elif before:
            words.append(
                say(
                    "You knew what {lesson} teaches, but not what {other} does.",
                    lesson=titles[before[-1]],
                    other=titles[behind[0]],
                )
            )
    if found.known:
        shown = plural(len(found.known), "lesson")
        words.append(say("Marked as known: {lessons}, what you have shown and what that builds on.", lessons=shown))
    if found.passed:
        words.append(
            say_many(
                len(found.passed),
                "Passed over, and open: {n} lesson before it that you have not shown.",
                "Passed over, and open: {n} lessons before it that you have not shown.",
            )
        )
    return " ".join(words)
