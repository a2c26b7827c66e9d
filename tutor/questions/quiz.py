"""A quiz: a few questions over one or more lessons, one try each, and a report at the end. Pure.

What a quiz is made of follows from its lessons, its count and its seed; beside these only the answers
need be kept, so that a quiz which was cut off goes on where it was.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tutor.engine.expressions import Ref, indices
from tutor.engine.lesson import Lesson
from tutor.engine.trace import Trace, symbols_of, trace
from tutor.questions.answers import asks_for_hint, wants_help
from tutor.questions.attempt import CREDIT
from tutor.questions.authored import author_item
from tutor.questions.choosing import spread
from tutor.questions.grading import Verdict
from tutor.questions.items import Item
from tutor.questions.kinds import KINDS, item_for
from tutor.text.language import say
from tutor.text.notations import NOTATIONS
from tutor.text.output import escape
from tutor.text.writer import Writer

COUNT = 10


@dataclass(frozen=True)
class Quiz:
    """`lessons` are what the caller opens them by; `answers` has a text a question, None for one not answered.

    `count` is how many questions were asked for, 0 for as many as the lessons say; `items` says which they are: a
    lesson may change meanwhile. `weakest` has the skills that were preferred, the weakest first; `notation` is that of
    all questions, "" each lesson's own (as in quizzes that were kept before there was a choice).
    """

    lessons: tuple[str, ...]
    seed: int
    count: int
    items: tuple[str, ...]
    answers: tuple[str | None, ...]
    at: int = 0
    finished: bool = False
    weakest: tuple[str, ...] = ()
    notation: str = ""

    def to_json(self) -> dict[str, Any]:
        """What is kept of it: a dictionary for JSON, which `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Quiz:
        """The session that `to_json` gave. Raises ValueError for anything else."""
        try:
            answers = tuple(None if a is None else str(a) for a in data["answers"])
            lessons, items = tuple(map(str, data["lessons"])), tuple(map(str, data["items"]))
            seed, count, at = (int(data[key]) for key in ("seed", "count", "at"))
            weakest = tuple(map(str, data.get("weakest", ())))
            notation = str(data.get("notation", ""))
            notation = notation if notation in NOTATIONS else ""
            found = cls(lessons, seed, count, items, answers, at, bool(data["finished"]), weakest, notation)
        except (KeyError, TypeError) as error:
            raise ValueError(say("this is no quiz: {why}", why=error)) from None
        if not answers or len(answers) != len(items) or not 0 <= found.at < len(answers):
            raise ValueError(say("this is no quiz: its place is outside it"))
        return found


def make_items(
    lessons: Iterable[Lesson], count: int | None, seed: int, weakest: Sequence[str] = (), notation: str = ""
) -> list[Item]:
    """The questions of a quiz: what each lesson's `quiz` chooses, the same for the same seed.

    All are in one `notation`; without one, each is in its lesson's own. Without a `count` each lesson has its own, or
    its share of `COUNT`; of a lesson that asks only its author's questions, all of them.
    """
    lessons = list(lessons)
    found: list[Item] = []
    for at, lesson in enumerate(lessons):
        whole = COUNT if count is None else count
        share = whole // len(lessons) + (at < whole % len(lessons))
        if count is None:
            share = lesson.quiz.count or (len(lesson.questions) if lesson.quiz.only == "author" else share)
        rng = random.Random(f"{seed} {lesson.id}")
        here, writer = trace(lesson), Writer(lesson, notation or lesson.notation)
        own = [item for question in lesson.questions if (item := author_item(question, here, writer, rng))]
        if lesson.quiz.only == "author":
            chosen = own
        elif lesson.quiz.only == "steps":
            chosen = _of_steps(lesson, here, writer, rng)
        else:
            found += _some_of_both(lesson, own, share, here, writer, rng, weakest)
            continue
        found += (rng.sample(chosen, len(chosen)) if lesson.quiz.shuffled else chosen)[:share]
    return found


def _of_steps(lesson: Lesson, here: Trace, writer: Writer, rng: random.Random) -> list[Item]:
    """A question on each of the lesson's quiz steps, in their order."""
    kinds = lesson.quiz.kinds or ("value", "matrix", *KINDS)
    return [item for id in lesson.quiz_steps if (item := item_for(here.find(id), writer, rng, kinds))]


def _some_of_both(
    lesson: Lesson,
    own: list[Item],
    share: int,
    here: Trace,
    writer: Writer,
    rng: random.Random,
    weakest: Sequence[str],
) -> list[Item]:
    """Half of them the author's own, where there are so many, the rest a spread over the rules.

    Where there are more rules than questions, the skills in `weakest` come first.
    """
    chosen = [own[at] for at in sorted(rng.sample(range(len(own)), min(len(own), -(-share // 2))))]
    taken = {item.step.equation.symbol.key for item in chosen}
    kinds = lesson.quiz.kinds or tuple(KINDS)
    rest = [
        item
        for item in spread(here, writer, rng, share, kinds, weakest)
        if item.step.equation.symbol.key not in taken
    ]
    taken |= {item.step.equation.symbol.key for item in rest}
    more = [item for item in own if item not in chosen and item.step.equation.symbol.key not in taken]
    found = [*chosen, *rest, *more][:share]
    return rng.sample(found, len(found)) if lesson.quiz.shuffled else found


def begin(
    lessons: Iterable[str],
    items: list[Item],
    seed: int,
    count: int,
    weakest: tuple[str, ...] = (),
    notation: str = "",
) -> Quiz:
    """A quiz of these items, none answered yet; `seed`, `count`, `weakest` and `notation` are what made them."""
    return Quiz(tuple(lessons), seed, count, names(items), (None,) * len(items), weakest=weakest, notation=notation)


def names(items: Iterable[Item]) -> tuple[str, ...]:
    """What tells the questions of a quiz from others: none of the answers can be read in it.

    One mark stands for all answers at once, so that none can be found by trying.
    """
    items = list(items)
    answers = "\n".join(str(item.answer) for item in items)
    mark = hashlib.sha256(answers.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    return tuple(f"{item.step.trace.lesson.id} {item.id} {mark}" for item in items)


def answer(session: Quiz, items: list[Item], text: str) -> tuple[Quiz, Verdict]:
    """Answer the current question, once. What costs no try (see `Verdict.free`) leaves the session as it is.

    Who says that they do not know leaves the question open and goes on to the next. Who asks for a hint stays there.
    """
    if asks_for_hint(text):
        return session, Verdict("not-understood", say("There are no hints in a quiz. The question stays open."))
    if wants_help(text):
        moved = skip(session)
        if moved.at != session.at:
            return moved, Verdict("not-understood", say("Left open: the next one."))
        return moved, Verdict("not-understood", say("Left open: it is the last that is open."))
    if text.lstrip().startswith("="):  # scratch paper elsewhere: it must not cost the only try here
        said = say("A quiz computes nothing: give the answer without the = before it.")
        return session, Verdict("not-understood", said)
    verdict = items[session.at].grade(text, own_values(session, items))
    if verdict.free:
        return session, verdict
    answers = (*session.answers[: session.at], escape(text.strip()), *session.answers[session.at + 1 :])
    return _to_next(replace(session, answers=answers)), verdict


def skip(session: Quiz, by: int = 1) -> Quiz:
    """The next open question (or, by −1, the one before), round and round."""
    for distance in range(1, len(session.answers) + 1):
        at = (session.at + by * distance) % len(session.answers)
        if session.answers[at] is None:
            return replace(session, at=at)
    return session


def end(session: Quiz) -> Quiz:
    """End a quiz as it is: what is open counts as not answered."""
    return replace(session, finished=True)


def _to_next(session: Quiz) -> Quiz:
    moved = skip(session)
    return replace(moved, finished=all(text is not None for text in session.answers))


def own_values(session: Quiz, items: list[Item]) -> dict[str, float]:
    """The learner's own earlier values by id, for answers that carry a slip on."""
    found: dict[str, float] = {}
    here = items[session.at].step.trace
    for item, text in zip(items, session.answers, strict=True):
        if text is None or item.step.trace is not here:
            continue
        verdict = item.grade(text)
        if item.kind == "matrix":
            each = zip(indices(item.step.shape), verdict.cells, strict=False)
            found |= {item.step.at(index).id: cell.value for index, cell in each if cell.value is not None}
        elif item.question is not None and verdict.value is not None:
            found[item.step.id] = verdict.value
    return found


def credit(verdict: Verdict) -> float:
    """What a verdict is worth in a quiz, 0 to 1."""
    return max(CREDIT.get(verdict.kind, 0.0), getattr(verdict, "credit", None) or 0.0)


def known(item: Item, items: list[Item]) -> list[Ref]:
    """What a question may be worked out from: what is given, and earlier values that no other question asks for.

    A chain is worked out from the forward pass alone: the backward pass has its products already.
    """
    trace, example = item.step.trace, item.step.example
    asked = {i.step.equation.symbol.key for i in items if i.step.trace is trace}
    later: set[str] = set()
    for eq in trace.equations:
        asks = eq.phase == "backward" if item.kind == "chain" else eq.symbol == item.step.equation.symbol
        if later or asks:
            later.add(eq.symbol.key)
    return [
        Ref(symbol, None, example if symbol.per_example else None)
        for key, symbol in symbols_of(trace).items()
        if key not in later and key not in asked and (example is not None or not symbol.per_example)
    ]


def known_until(item: Item, items: Sequence[Item]) -> int:
    """The place of the last equation before all that these questions ask for in the trace of one; −1: there is none.

    It is how far a picture of the network may go that is looked at beside the question.
    """
    trace, last = item.step.trace, len(item.step.trace.equations)
    asked = {i.step.equation.symbol for i in (item, *items) if i.step.trace is trace}
    asked |= {symbol.of for symbol in asked if symbol.quantity == "local" and symbol.of}  # it comes right after that
    places = (at for at, eq in enumerate(trace.equations)
              if eq.symbol in asked or (item.kind == "chain" and eq.phase == "backward"))  # fmt: skip
    return min(places, default=last) - 1


MOST_NEEDED = 40  # values that are listed one by one, of one question


def needed(item: Item, items: Sequence[Item]) -> list[Ref]:
    """The values that a question about a number is worked out from, those of its own step.

    One that another of `items` asks for is left out, and what that is made from stands in its place.
    """
    if item.kind not in ("value", "matrix"):
        return []  # which values a step uses is then what is asked; what an author's own words need, the author knows
    trace = item.step.trace
    asked = {i.step.equation.symbol.key for i in items if i.step.trace is trace}
    found: dict[Ref, None] = {}
    waiting = list(item.step.operands)
    while waiting and len(found) < MOST_NEEDED:
        ref = waiting.pop(0)
        maker = trace.maker(ref) if ref.symbol.key in asked else None
        if maker is None:
            found[ref] = None
        else:
            waiting = [*maker.operands, *waiting]
    return list(found)


@dataclass(frozen=True)
class Marked:
    """A question in the report: what was given, the verdict (None: not answered) and what it is worth, 0 to 1."""

    item: Item
    given: str | None
    verdict: Verdict | None
    credit: float


def report(session: Quiz, items: list[Item]) -> list[Marked]:
    """Every question with its verdict, in order."""
    found = []
    for at, (item, text) in enumerate(zip(items, session.answers, strict=True)):
        if text is None:
            found.append(Marked(item, None, None, 0.0))
            continue
        earlier = replace(session, at=at, answers=(*session.answers[:at], *[None] * (len(items) - at)))
        verdict = item.grade(text, own_values(earlier, items))
        found.append(Marked(item, text, verdict, credit(verdict)))
    return found


def score(marked: list[Marked]) -> str:
    """'7 of 10 right, 7.5 points'."""
    right = sum(m.verdict is not None and m.verdict.correct for m in marked)
    points = sum(m.credit for m in marked)
    said = say("{right} of {n} right", right=right, n=len(marked))
    if abs(points - right) <= 0.005:
        return said
    worth = f"{round(points, 2):g}"
    return say("{said}, {points} point", said=said, points=worth) if worth == "1" else say(
        "{said}, {points} points", said=said, points=worth
    )
