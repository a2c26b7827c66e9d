"""The questions that a lesson's author wrote, made into items: on a step, or in the author's own words."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar, cast

from tutor.engine.lesson import AuthorQuestion
from tutor.engine.trace import Step, Trace
from tutor.questions.answers import read_answer
from tutor.questions.grading import Verdict, graded_number, if_exactly, too_few, undecided
from tutor.questions.items import (
    AUTHOR,
    MAX_CELLS,
    Item,
    Judge,
    elements,
    item_of_cells,
    item_of_value,
    judge_choice,
    judgement,
    right_verdict,
)
from tutor.questions.kinds import KINDS
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.names import Names
from tutor.questions.question import TOLERANCE, Question, in_words, question_at
from tutor.questions.rounding import close, fits, same
from tutor.text.card import Scribe
from tutor.text.language import say
from tutor.text.layout import number
from tutor.text.writer import Writer

T = TypeVar("T")


def author_item(question: AuthorQuestion, trace: Trace, writer: Writer, rng: random.Random) -> Item | None:
    """The item of a question in a lesson file; None where its kind cannot ask about its step.

    Raises NoSuchStep where the step is none. Of a value the author's choice counts, telling or not.
    """
    question = _in_words(question, Scribe(trace, writer.id))
    step = trace.find(question.step) if question.step else None
    item: Item | None
    if question.ask:
        item = _asked(question, step or Step(trace, trace.equations[-1]), writer)
    else:
        assert step is not None
        item = _about_step(question, step, writer, rng)
    if item is None:
        return None
    hints = (*question.hints, item.hints[-1]) if question.hints else item.hints
    judge = _with_wrong(item, question)
    return replace(item, id=author_id(question), hints=hints, judge=judge)


def graded_item(element: Step, writer: Writer) -> Item:
    """The question for one number, with the words of the lesson's author for wrong answers to that same question."""
    trace = element.trace
    item = item_of_value(Question(element, writer))
    for question in trace.lesson.questions:
        if question.kind == "value" and question.step and not question.ask and question.wrong:
            asked = trace.find(question.step)
            if asked.index is None and math.prod(asked.shape) == 1:
                asked = asked.at((0,) * len(asked.shape))
            if asked.id == element.id:
                item = replace(item, judge=_with_wrong(item, _in_words(question, Scribe(trace, writer.id))))
    return item


def author_id(question: AuthorQuestion) -> str:
    """The id of an author's question: its place in the file, from 1."""
    return f"{AUTHOR}:{question.at + 1}"


def _in_words(question: AuthorQuestion, scribe: Scribe) -> AuthorQuestion:
    """The question with its LaTeX and its ids as they are shown."""

    def shown(value: T) -> T:
        return cast(T, scribe.prose(value)) if isinstance(value, str) else value

    return replace(
        question,
        ask=shown(question.ask),
        choices=tuple(map(shown, question.choices)),
        answer=tuple(map(shown, question.answer)) if isinstance(question.answer, tuple) else shown(question.answer),
        hints=tuple(map(shown, question.hints)),
        wrong=tuple(replace(wrong, answer=shown(wrong.answer), says=shown(wrong.says)) for wrong in question.wrong),
    )


def _about_step(question: AuthorQuestion, step: Step, writer: Writer, rng: random.Random) -> Item | None:
    if question.kind == "value":
        found = question_at(step, writer, question.digits)
        if found is None or (step.index is not None and found.digits != question.digits):
            found = Question(elements(step, rng, 1)[0], writer, question.digits)
        return item_of_value(found) if math.isfinite(found.right) else None
    if question.kind == "matrix":
        fits = step.at(None).shape and math.prod(step.at(None).shape) <= MAX_CELLS
        return item_of_cells(step.at(None), writer, question.digits) if fits else None
    return KINDS[question.kind](step, writer, rng)


def _asked(question: AuthorQuestion, step: Step, writer: Writer) -> Item:
    """A question in the author's own words, with a number or a choice for an answer."""
    if question.kind == "choice":
        right = question.right_choices
        answer = say(" or ").join(question.choices[at] for at in right)
        one = judge_choice(question.choices, right, {})

        def judge(text: str, own: Mapping[str, float]) -> Verdict:
            return right_verdict() if text == answer else one(text, own)  # "a or c": as the answer is shown
    else:
        assert not isinstance(question.answer, tuple)
        right_value = float(question.answer or 0)
        answer = number(right_value, max(question.digits, 4))
        names = Names(step, writer)  # what came before may be used
        apart = [float(wrong.answer) for wrong in question.wrong]

        def judge(text: str, own: Mapping[str, float]) -> Verdict:
            return judgement(graded_number(read_answer(text, names), right_value, question.digits, apart))

    return Item(
        kind=question.kind,
        id="",
        prompt=question.ask,
        skill=step.equation.rule_id if question.step else AUTHOR,
        step=step,
        writer=writer,
        hints=(answer,),
        answer=answer,
        judge=judge,
        choices=question.choices,
    )


def _with_wrong(item: Item, question: AuthorQuestion) -> Judge:
    """The item's judge, with the author's words for the wrong answers that the author foresaw."""
    texts = {_squeezed(w.answer if isinstance(w.answer, str) else f"{w.answer:g}"): w.says for w in question.wrong}

    def beyond(verdict: Verdict) -> bool:
        """Whether a number is no rounding of the right one, and the asked digits kept on each line end nearer to it.

        It may be the author's very number all the same, which needs few digits: 0.1 where 0.1 was subtracted. Nobody
        rounds to one digit what the asked digits write in full.
        """
        asked, value = item.question, verdict.value
        if value is None:
            return False
        if asked is None:
            return isinstance(question.answer, float) and fits(question.answer, question.digits) and fits(value, 1)
        so_far = any(same(asked.right, value, digits) for digits in range(1, asked.digits))
        rounds = so_far and not (fits(value, 1) and fits(asked.right, asked.digits))
        return not rounds and abs(value - asked.right) > asked.slack(asked.digits)

    def judge(text: str, own: Mapping[str, float]) -> Verdict:
        verdict = judgement(item.judge(text, own))
        if verdict.kind in ("correct", "not-understood"):
            return verdict
        if verdict.value is not None:
            off = {abs(verdict.value - w.answer): w for w in question.wrong if isinstance(w.answer, float)}
            near = off.get(min(off, default=0.0))
            alike = {"rounded": TOLERANCE / 10, "imprecise": 1e-9}.get(verdict.kind, TOLERANCE)
            says = near.says if near and close(verdict.value, float(near.answer), alike) else None
        else:
            meant = {_squeezed(text)}
            for at, choice in enumerate(item.choices):
                if text.strip() in (str(at + 1), choice):
                    meant = {str(at + 1), _squeezed(choice)}
            says = next((texts[words] for words in meant if words in texts), None)
        if verdict.kind == "imprecise" and not beyond(verdict):
            so_far = too_few(question.digits)
            if says and verdict.value and fits(verdict.value, 1) and verdict.message.startswith(so_far):
                return replace(verdict, message=f"{so_far} {if_exactly(verdict.value, says)}")
            return verdict
        if says and verdict.kind == "rounded":
            return replace(verdict, kind="imprecise", message=undecided(in_words(question.digits + 1)))
        return _in_these_words(verdict, item, says) if says else verdict

    return judge


def _in_these_words(verdict: Verdict, item: Item, says: str) -> Verdict:
    """A verdict in the author's words. Of what the tutor sees in the number only a usual slip of this very step stays:

    a formula of another place beside the words would say that something else is wrong.
    """
    here = item.question.step.equation if item.question else None
    same = (s for s in verdict.slips if s.equation is here and not MISCONCEPTIONS[s.misconception].rare)
    return replace(verdict, kind="misconception", message=says, rungs=(says,), slips=tuple(same))


def _squeezed(text: str) -> str:
    """A text without what people write in different ways: spaces, brackets, case, the sign between rows and columns."""
    return re.sub(r"[\s()\[\]]", "", text.lower().replace("by", "x")).replace("×", "x").replace(",", "x")
