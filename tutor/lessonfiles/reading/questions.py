"""The author's [[questions]]."""

from __future__ import annotations

import re
from typing import Any

from tutor.engine.lesson import AuthorQuestion, WrongAnswer, choice_at
from tutor.lessonfiles.faults import label
from tutor.lessonfiles.positions import Keys
from tutor.lessonfiles.reading.values import Values, listed
from tutor.lessonfiles.schema import ASKED_KINDS, STEP_KINDS
from tutor.text.language import say
from tutor.text.output import quote
from tutor.text.words import did_you_mean

_FORESEEN = ("value", "number", "choice", "shape", "direction", "paths")  # kinds that take an author's wrong answers


_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?")


def read_question(file: Values, i: int) -> AuthorQuestion | None:
    """Question i, if it is sound; what does not agree in it is noted."""
    where = ("questions", i)
    if not isinstance(file.value(*where, anyhow=True), dict):
        return None
    if file.faults.doubts((*where, "ask")) or file.faults.doubts((*where, "step")):
        return None  # what kind of question it is cannot be told
    asked, choices = file.has(*where, "ask"), file.value(*where, "choices", default=[])
    usual = "value" if not asked else "choice" if file.has(*where, "choices") else "number"
    kind = file.value(*where, "kind", default=usual)
    if not asked and not file.has(*where, "step"):
        if file.sound(*where, "step") and file.sound(*where, "ask"):
            advice = say('write step = "dL/dW1[1,2]" to ask about a step, or ask = "..." and answer = ...')
            file.fault(where, say("question {n} has no step and no ask", n=i + 1), advice)
    elif file.sound(*where, "kind"):
        if asked and kind in STEP_KINDS:
            message = say("kind {kind} asks about a step in words of its own", kind=quote(kind))
            file.fault((*where, "kind"), message, say('take ask out; or write kind = "number" or "choice"'))
        elif not asked and kind in ASKED_KINDS:
            message = say("kind {kind} needs ask", kind=quote(kind))
            file.fault((*where, "kind"), message, say('write ask = "..." and answer = ...'))
        else:
            _answer(file, where, kind, asked)
    if not file.faults.sound(*where):
        return None
    answer = file.value(*where, "answer")
    wrong = (WrongAnswer(_real(found["answer"]), found["says"]) for found in file.value(*where, "wrong", default=()))
    return AuthorQuestion(
        step=file.value(*where, "step", default=""),
        ask=file.value(*where, "ask", default=""),
        kind=kind,
        digits=file.value(*where, "digits", default=AuthorQuestion.digits),
        choices=tuple(choices),
        answer=tuple(map(_real, answer)) if isinstance(answer, list) else _real(answer),
        hints=tuple(file.value(*where, "hints", default=())),
        wrong=tuple(wrong),
        at=i,
    )


def _answer(file: Values, where: Keys, kind: str, asked: bool) -> None:
    """Hold answer, choices, digits and wrong answers against the kind of question."""
    at = label(where)
    answer, choices = file.value(*where, "answer"), file.value(*where, "choices", default=[])
    if kind == "choice" and not choices and file.sound(*where, "choices"):
        advice = say('write choices = ["...", "..."]')
        message = say("{question} has nothing to choose from", question=at)
        file.fault(where, message, advice, doubt=(*where, "choices"))
    if kind != "choice" and file.has(*where, "choices"):
        message = say('choices go with ask and kind = "choice"; {question} is {kind}', question=at, kind=quote(kind))
        file.fault((*where, "choices"), message, key=True)
    if asked and answer is None and file.sound(*where, "answer"):
        advice = say("answer = a number, or of a choice its number from 1 or its text")
        file.fault(where, say("{question} has no answer", question=at), advice, doubt=(*where, "answer"))
    elif not asked and file.has(*where, "answer"):
        advice = say("take it out; or ask in your own words, with ask")
        file.fault((*where, "answer"), say("the answer of a question about a step is computed"), advice, key=True)
    elif isinstance(answer, list) and kind != "choice":
        advice = say("a list says which of several choices are right: it goes with choices")
        file.fault((*where, "answer"), say("{question} has one answer, a number", question=at), advice)
    elif isinstance(answer, list):
        if all([_named(file, (*where, "answer", i), label((*where, "answer")), a, kind, choices)
                for i, a in enumerate(answer)]) and choices:  # fmt: skip
            places = [choice_at(a, choices) for a in answer]
            if len(set(places)) < len(places):
                message = say("{answer} names a choice twice", answer=label((*where, "answer")))
                file.fault((*where, "answer"), message, say("name each once"))
            elif len(places) == len(choices):
                message = say("every choice of {question} is right", question=at)
                file.fault((*where, "answer"), message, say("add one that is wrong"))
    elif answer is not None:
        _named(file, (*where, "answer"), label((*where, "answer")), answer, kind, choices)
    if file.has(*where, "digits") and kind not in ("value", "matrix", "number"):
        message = say("digits of {question} are not used", question=at)
        advice = say("digits go with value, matrix and number")
        file.fault((*where, "digits"), message, advice, key=True, severity="warning")
    if file.length(*where, "wrong") and kind not in _FORESEEN:
        message = say("wrong answers of {question} are not used", question=at)
        advice = say("they go with {kinds}", kinds=listed(_FORESEEN))
        file.fault((*where, "wrong"), message, advice, key=True, severity="warning")
        return
    for j in range(file.length(*where, "wrong")):
        path = (*where, "wrong", j, "answer")
        given, what = file.value(*path), say("wrong answer {n} of {question}", n=j + 1, question=at)
        if given is None or not _named(file, path, what, given, kind, choices):
            continue
        right = answer if isinstance(answer, list) else [answer]
        same = any(choice_at(given, choices) == choice_at(a, choices) if choices else given == a for a in right)
        if asked and answer is not None and same:
            file.fault(path, say("{answer} is the right answer", answer=what))


def _named(file: Values, path: Keys, what: str, answer: float | str, kind: str, choices: list[str]) -> bool:
    """Whether an answer is one that the kind of question takes; noted if not."""
    if kind in ("number", "value", "paths") and isinstance(answer, str):
        plain = answer.strip().replace(",", ".")
        advice = say("write the number alone; with choices an answer may be the text of one")
        if _NUMBER.fullmatch(plain):
            advice = say("it stands without quotes: answer = {number}", number=plain)
        message = say("{answer} must be a number, not the text {text}", answer=what, text=quote(answer))
        file.fault(path, message, advice)
    elif kind == "choice" and choices and choice_at(answer, choices) is None:
        shown = quote(answer) + did_you_mean(answer[:64], choices) if isinstance(answer, str) else str(answer)
        advice = say("name a choice by its number, 1 to {n}, or by its text", n=len(choices))
        file.fault(path, say("{answer} is no choice: {given}", answer=what, given=shown), advice)
    else:
        return True
    return False


def _real(answer: Any) -> Any:
    """A number as a float, a text as it is."""
    return float(answer) if isinstance(answer, int) else answer
