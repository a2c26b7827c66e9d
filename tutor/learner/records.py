"""What is kept of a learner's answers: one place for the player, the quiz and line mode."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from tutor.engine.lesson import Lesson
from tutor.learner.course import recommended, standing
from tutor.learner.rows import SavedQuiz, portable
from tutor.learner.store import Store, new_id
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.lessonfiles.positions import LessonError
from tutor.play.fading import Fading
from tutor.questions import mastery, quiz
from tutor.questions.attempt import Asking
from tutor.questions.grading import Verdict
from tutor.questions.items import AUTHOR, Item
from tutor.questions.mastery import READY, GivenAnswer, knowledge, rating, review
from tutor.questions.quiz import Quiz
from tutor.text.language import say
from tutor.text.notations import NOTATIONS

ALWAYS, NOTATION, EVERYTHING, MET = "predict", "notation", "ask-everything", "met"  # names of settings
EVERYTHING_AT_FIRST = False  # whether predict mode asks at every step until the learner says otherwise
MOST_LESSONS = 3  # that an author's questions are looked for in


def predicts_always(store: Store) -> bool:
    """Whether predict mode is on in every lesson."""
    return store.setting(ALWAYS, False) is True


def set_predict_always(store: Store, on: bool) -> None:
    """Remember predict mode for every lesson, or for none but those that have their own."""
    store.save_setting(ALWAYS, on)


def predicts(store: Store, lesson: str, where: str) -> bool:
    """Whether predict mode is on in a lesson, `where` being a way to play it ("screen", "lines").

    It ends with its lesson, unless the learner wants it in all of them.
    """
    return predicts_always(store) or store.setting(f"{ALWAYS}-{where}", "") == lesson


def set_predict(store: Store, lesson: str, where: str, on: bool) -> None:
    """Remember predict mode for one lesson; off is off for all."""
    store.save_setting(f"{ALWAYS}-{where}", lesson if on else "")
    if not on:
        set_predict_always(store, False)


def asks_everything(store: Store) -> bool:
    """Whether predict mode asks at every step, whatever is known."""
    return store.setting(EVERYTHING, EVERYTHING_AT_FIRST) is True


def set_ask_everything(store: Store, on: bool) -> None:
    """Remember that, for every lesson."""
    store.save_setting(EVERYTHING, on)


def fading(store: Store) -> Fading | None:
    """What predict mode goes by: what is known, and which kinds of step were shown; None if it asks everything."""
    if asks_everything(store):
        return None
    met = store.setting(MET, [])
    return Fading(knowledge(store.answers()), frozenset(map(str, met if isinstance(met, list) else ())))


def keep_met(store: Store, now: Fading | None) -> None:
    """Remember the kinds of step that were shown as worked examples."""
    if now is not None and now.met:
        met = sorted(now.met)
        if store.setting(MET, []) != met:
            store.save_setting(MET, met)


def finish(store: Store, lesson: str, where: str) -> None:
    """Remember that a lesson is finished, played in the way `where`; its predict mode ends with it."""
    store.finish(lesson)
    if not predicts_always(store):
        set_predict(store, lesson, where, False)


def following(store: Store, lesson: str) -> catalogue.Entry | None:
    """The lesson of the path to take after this one, which counts as finished; None after one of a teacher's own."""
    ours = catalogue.entries()
    if lesson not in {entry.key for entry in ours}:
        return None
    found = recommended(ours, {*store.finished(), lesson}, (), standing(store, ours))
    return found.entry if found else None


def chosen_notation(store: Store, lesson: Lesson) -> str:
    """The notation that the learner chose last, in whatever lesson; until then the lesson's own."""
    return last_notation(store) or lesson.notation


def last_notation(store: Store) -> str:
    """The notation that the learner chose last; "" as long as there is none."""
    chosen = store.setting(NOTATION, "")
    return str(chosen) if chosen in NOTATIONS else ""


def choose_notation(store: Store, notation: str) -> None:
    """Remember a notation for every lesson."""
    store.save_setting(NOTATION, notation)


def author_lessons(store: Store) -> list[Path]:
    """The lessons whose author's questions about no step were answered, the latest first, as far as they are there."""
    found: dict[Path, None] = {}
    for answer in reversed(store.answers(AUTHOR)):
        path = catalogue.find(answer.lesson) or Path(answer.lesson)
        if path not in found and (path.is_absolute() or path.exists()) and path.is_file():
            with suppress(LessonError):
                if any(not question.step for question in load(path).questions):
                    found[path] = None
        if len(found) >= MOST_LESSONS:
            break
    return list(found)


class Stopwatch:
    """How long the learner took, in seconds, since the last lap or since the question was put, by a `clock`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._since = clock, clock()

    def lap(self) -> float:
        """The seconds since the last lap, to a tenth; the next begins."""
        now = self._clock()
        took, self._since = now - self._since, now
        return round(took, 1)


MAX_ASKED = 1000  # characters of a question that are kept with an answer


def keep_try(store: Store, lesson: str, asking: Asking, watch: Stopwatch) -> None:
    """Put what was just said on disk (a try, or that it was given up), before its verdict is seen.

    With the last try of a question goes the date at which its skill is asked for again.
    """
    verdict = asking.last
    tried = asking.tried
    if not tried and not asking.done:
        return
    answer = replace(
        answer_to(lesson, asking.item, asking.given if tried else "", verdict if tried else None),
        credit=asking.worth if tried else 0.0,
        hints=asking.rung,
        tries=asking.tries,
        seconds=watch.lap(),
    )
    card = None
    if asking.done:
        now = datetime.now(UTC)
        card = review(store.card(asking.item.skill), rating(asking.credit, asking.rung), now)
    store.record(answer, card)


def answer_to(lesson: str, item: Item, given: str = "", verdict: Verdict | None = None) -> GivenAnswer:
    """An answer to a question as it is kept; without a verdict the question alone, given up."""
    slips = verdict.slips if verdict else ()
    named = getattr(verdict, "misconception", None) or (slips[0].misconception if slips else None)
    return GivenAnswer(
        lesson=lesson,
        item=item.id,
        skill=item.skill,
        kind=item.given or item.kind,
        given=given,
        verdict=verdict.kind if verdict else mastery.GIVEN_UP,
        misconception=named,
        choices=len(item.choices),
        asked=" ".join([item.prompt, *(f"{at}) {text}" for at, text in enumerate(item.choices, 1))])[:MAX_ASKED],
        seed=item.seed or 0,
        iteration=item.step.trace.iteration.number,
    )


def keep_quiz_answer(
    store: Store, id: str, session: Quiz, item: Item, given: str, verdict: Verdict, watch: Stopwatch
) -> None:
    """Put an answer of a quiz on disk, and with it where the quiz goes on."""
    credit = quiz.credit(verdict)
    lesson = item.step.trace.lesson.id
    answer = replace(answer_to(lesson, item, given, verdict), credit=credit, session=id, seconds=watch.lap())
    card = review(store.card(item.skill), rating(credit), datetime.now(UTC))
    store.record(answer, card, SavedQuiz(id, session.to_json(), session.finished))


def keep_quiz(store: Store, id: str, session: Quiz) -> None:
    """Put on disk where a quiz goes on."""
    store.save_session(SavedQuiz(id, session.to_json(), session.finished))


def start_quiz(
    store: Store,
    lessons: tuple[str, ...],
    count: int | None,
    seed: int | None,
    anew: bool,
    kind: str = "",
    notation: str | None = None,
    attempts: int | None = None,
) -> tuple[str, Quiz, list[Item], bool]:
    """(id, session, items, whether it goes on): the quiz over these lessons that was left, else a new one.

    A new one is asked in `notation`, else in the one that the learner chose, else in the lesson's own, or, where there
    are several lessons, in the first that the path teaches. One that goes on keeps what it began with.
    With a seed, only one of that seed goes on. `kind` is what its id begins with (`named`: a quiz that was handed out
    under a name), and of one kind no more than `attempts` are begun. Raises LessonError for a lesson that has errors,
    NoMoreAttempts.
    """
    left = None if anew else unfinished(store, lessons, seed, kind)
    if left:
        with suppress(ValueError):  # the lesson has changed since: its quiz begins anew
            return *left, open_quiz(left[1]), True
    if attempts is not None and len(begun := [one for one in store.sessions() if one.id.startswith(kind)]) >= attempts:
        raise NoMoreAttempts(len(begun), attempts)
    number = random.SystemRandom().randrange(1, 10_000) if seed is None else seed
    weakest = _weakest(store) if seed is None else ()  # a seed that was given means the same quiz for everybody
    one = notation or (last_notation(store) if seed is None else "") or (Lesson.notation if len(lessons) > 1 else "")
    items = quiz.make_items([load(Path(path)) for path in lessons], count, number, weakest, one)
    session = quiz.begin(lessons, items, number, count or 0, weakest, one)
    id = kind + new_id()
    if items:
        keep_quiz(store, id, session)
    return id, session, items, False


NAMED = "as-"  # what the ids of quizzes that were handed out under a name begin with


class NoMoreAttempts(ValueError):
    """A quiz that was handed out may not be begun again; args: how often it was, and how often it may be."""


def named(name: str) -> str:
    """What the ids of the quizzes of a name begin with."""
    return f"{NAMED}{quote(name.strip().casefold(), safe='')}-"


def _weakest(store: Store) -> tuple[str, ...]:
    """The skills that were asked about and are not yet sure, the weakest first."""
    known = knowledge(store.answers())
    return tuple(sorted((skill for skill in known if known[skill] < READY), key=known.__getitem__))


def unfinished(
    store: Store, lessons: tuple[str, ...], seed: int | None = None, kind: str = ""
) -> tuple[str, Quiz] | None:
    """The quiz over these lessons (of this seed, of this kind) that was left last: its id and where it goes on.

    One with a name goes on under that name only.
    """
    for saved in store.sessions(finished=False):
        if not saved.id.startswith(kind) or (saved.id.startswith(NAMED) and not kind):
            continue
        try:
            session = Quiz.from_json(saved.state)
        except (ValueError, AttributeError, TypeError):
            continue
        if _same(session.lessons, lessons) and seed in (None, session.seed):
            return saved.id, replace(session, lessons=lessons)
    return None


def _same(kept: tuple[str, ...], lessons: tuple[str, ...]) -> bool:
    """Whether a quiz that was kept, here or on another machine, is over these lessons."""
    return len(kept) == len(lessons) and all(a in (b, portable(b)) for a, b in zip(kept, lessons, strict=True))


def open_quiz(session: Quiz) -> list[Item]:
    """The questions of a session. Raises LessonError for a lesson with errors, ValueError if one has changed since."""
    items = quiz.make_items(
        [load(Path(path)) for path in session.lessons],
        session.count or None,
        session.seed,
        session.weakest,
        session.notation,
    )
    if quiz.names(items) != session.items:
        raise ValueError(say("the lesson has changed since this quiz began"))
    return items
