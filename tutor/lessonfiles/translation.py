"""A lesson's texts in another language: a file of the same name in a folder beside it that is named by the language.

`lessons/de/01-derivative.toml` has the texts of `lessons/01-derivative.toml`, and nothing else: what it leaves out
stays as the lesson has it. Numbers, ids and answers are the lesson's alone: a translation cannot change what is right.
`translated` never fails: what is wrong with a translation is told by `examined`, for `check`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tutor.engine.lesson import AuthorQuestion, Lesson, Note, WrongAnswer
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.positions import Keys, Problem, Source, read_source
from tutor.lessonfiles.toml_syntax import parse_toml
from tutor.text.language import ENGLISH, LANGUAGES, language, say
from tutor.text.output import quote
from tutor.text.words import did_you_mean

TEXTS = ("title", "summary", "intro", "outro")
NOTE = ("step", "text")
QUESTION = ("number", "ask", "choices", "hints", "wrong")
OTHERS = tuple(code for code in LANGUAGES if code != ENGLISH)


def file_of(lesson: str | Path, code: str) -> Path:
    """Where a lesson's translation is, if there is one."""
    path = Path(lesson)
    return path.parent / code / path.name


def has_translation(lesson: str | Path) -> bool:
    """Whether there is one beside a lesson's file, in any language."""
    return any(file_of(lesson, code).is_file() for code in OTHERS)


def language_of(lesson: Lesson) -> str:
    """The code of the language that a lesson's texts are in; "" where nobody has said it, as of somebody's own."""
    if lesson.path is None:
        return ""
    if language() in OTHERS and file_of(lesson.path, language()).is_file():
        return language()
    return ENGLISH if lesson.path.parent == catalogue.data_dir("lessons") else ""


def is_translation(path: str | Path) -> bool:
    """Whether a file is the translation of a lesson: such a file is no lesson itself."""
    path = Path(path)
    return path.parent.name in OTHERS and (path.parent.parent / path.name).is_file()


@dataclass(frozen=True)
class QuestionTexts:
    """The texts of one question: `number` is its place among the lesson's, from 1, `at` that in the translation."""

    number: int
    at: int
    ask: str = ""
    choices: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True)
class Translation:
    """The texts that a file has; a note's `at` is its place there."""

    texts: dict[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    questions: tuple[QuestionTexts, ...] = ()


def translated(lesson: Lesson) -> Lesson:
    """The lesson in the learner's language, as far as there is a translation beside its file."""
    if language() == ENGLISH or not lesson.path:
        return lesson
    source = read_source(file_of(lesson.path, language()))
    values = parse_toml(source) if isinstance(source, Source) else source
    return lesson if isinstance(values, Problem) else put_in(lesson, read(values, lesson, lambda *problem: None))


def put_in(lesson: Lesson, found: Translation) -> Lesson:
    """The lesson with these texts in place of its own."""
    steps: dict[str, list[str]] = {}
    for note in found.notes:
        steps.setdefault(note.step, []).append(note.text)
    notes = tuple(replace(n, text=texts.pop(0)) if (texts := steps.get(n.step)) else n for n in lesson.notes)
    asked = {one.number: one for one in found.questions}
    questions = tuple(_asked(question, asked.get(at)) for at, question in enumerate(lesson.questions, start=1))
    own = {key: getattr(lesson, key) for key in TEXTS} | found.texts
    return replace(
        lesson, notes=notes, questions=questions, title=own["title"], summary=own["summary"], intro=own["intro"],
        outro=own["outro"],
    )  # fmt: skip


def _asked(question: AuthorQuestion, found: QuestionTexts | None) -> AuthorQuestion:
    if found is None:
        return question
    answer, choices = question.answer, found.choices or question.choices
    wrong = question.wrong
    if found.wrong:
        wrong = tuple(replace(one, says=says) for one, says in zip(wrong, found.wrong, strict=True))
    if found.choices:  # answers that are choices' texts become their numbers
        places = {text: at for at, text in enumerate(question.choices, start=1)}

        def number(one: Any) -> Any:
            return places.get(one, one) if isinstance(one, str) else one

        answer = tuple(map(number, answer)) if isinstance(answer, tuple) else number(answer)
        wrong = tuple(replace(one, answer=number(one.answer)) for one in wrong)
    return replace(
        question, ask=found.ask or question.ask, choices=choices, answer=answer, wrong=wrong,
        hints=found.hints or question.hints,
    )  # fmt: skip


# ---------------------------------------------------------------- reading


Told = Callable[[Keys, str, str], object]


def read(values: dict[str, Any], lesson: Lesson, tell: Told) -> Translation:
    """The texts in a TOML document's values, as far as they fit the lesson; `tell(path, what, advice)` of the rest."""
    for key in values:
        if key not in (*TEXTS, "notes", "questions"):
            known = (*TEXTS, "notes", "questions")
            message = say("a translation has no {key}", key=quote(str(key))) + did_you_mean(str(key), known)
            tell((key,), message, say("it has texts alone"))
    texts = {key: values[key] for key in TEXTS if _is_text(values, (key,), tell)}
    return Translation(texts, tuple(_notes(values, lesson, tell)), tuple(_questions(values, lesson, tell)))


def _is_text(table: dict[str, Any], path: Keys, tell: Told) -> bool:
    """Whether the table has this key, and a text there."""
    key = path[-1]
    if key not in table:
        return False
    if not isinstance(table[key], str) or not table[key].strip():
        tell(path, say("{key} is a text", key=key), say("leave it out where there is no translation"))
        return False
    return True


def _tables(
    values: dict[str, Any], key: str, known: tuple[str, ...], tell: Told
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The tables of a list that are tables, with their places."""
    found = values.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        tell((key,), say("{key} is written as [[{key}]] tables", key=key), "")
        return
    for at, table in enumerate(found):
        for own in table:
            if own not in known:
                message = say("a translation's [[{table}]] has no {key}", table=key, key=quote(own))
                tell((key, at, own), message + did_you_mean(own, known), "")
        yield at, table


def _notes(values: dict[str, Any], lesson: Lesson, tell: Told) -> Iterator[Note]:
    left = [note.step for note in lesson.notes]
    for at, table in _tables(values, "notes", NOTE, tell):
        step = table.get("step")
        if step not in left:
            message = say("the lesson has no (further) note on no step")
            if isinstance(step, str):
                message = say("the lesson has no (further) note on {step}", step=quote(step))
                message += did_you_mean(step, sorted(set(left)))
            tell(("notes", at, "step"), message, say("a note goes by its step"))
        elif _is_text(table, ("notes", at, "text"), tell):
            left.remove(step)
            yield Note(step, table["text"], at)


def _questions(values: dict[str, Any], lesson: Lesson, tell: Told) -> Iterator[QuestionTexts]:
    met: set[int] = set()
    for at, table in _tables(values, "questions", QUESTION, tell):
        number = table.get("number")
        if type(number) is not int or not 1 <= number <= len(lesson.questions) or number in met:
            many = len(lesson.questions)
            advice = say("number = 1 to {n}, each once: the place of the question in the lesson's file", n=many)
            tell(("questions", at, "number"), say("this says no question of the lesson"), advice)
            continue
        met.add(number)
        own = lesson.questions[number - 1]
        lists = {"choices": len(own.choices), "hints": len(own.hints), "wrong": len(own.wrong)}
        found = {key: _list(table, ("questions", at, key), count, tell) for key, count in lists.items()}
        ask = table["ask"] if _is_text(table, ("questions", at, "ask"), tell) else ""
        yield QuestionTexts(number, at, ask, **found)


def _list(table: dict[str, Any], path: Keys, count: int, tell: Told) -> tuple[str, ...]:
    """The texts of a list that has to have as many as the lesson's own."""
    texts = table.get(path[-1], [])
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
        tell(path, say("{key} is a list of texts", key=path[-1]), say("in the order of the lesson's"))
        return ()
    if texts and len(texts) != count:
        message = say("{key} has {n} texts, the lesson's has {wanted}", key=path[-1], n=len(texts), wanted=count)
        tell(path, message, say("one for each, in their order"))
        return ()
    return tuple(texts)


# ---------------------------------------------------------------- what is wrong with one


def examined(lesson: Lesson, code: str) -> tuple[Lesson, Source | None, list[Problem]]:
    """What a translation of a lesson says, what is wrong with it, and what it lacks.

    The lesson that is returned has the texts of the translation alone, with their places there: whoever looks through
    a lesson's prose can look through these. Without a translation there is nothing to say (and the source is None).
    """
    path = file_of(lesson.path or "", code)
    if not lesson.path or not os.path.lexists(path):
        return lesson, None, []
    source = read_source(path)
    if isinstance(source, Problem):
        return lesson, None, [source]
    values = parse_toml(source)
    if isinstance(values, Problem):
        return lesson, None, [values]
    problems: list[Problem] = []
    found = read(values, lesson, lambda path, what, advice: problems.append(source.problem(path, what, advice)))
    if lacks := ", ".join(lacking(lesson, found)):
        advice = say("what is not translated stays as the lesson has it")
        message = say("not translated: {what}", what=lacks)
        problems.append(source.problem_at(1, 1, message, advice, "warning"))
    questions = tuple(
        AuthorQuestion(
            ask=one.ask, choices=one.choices, hints=one.hints, at=one.at,
            wrong=tuple(WrongAnswer(0, says) for says in one.wrong),
        )
        for one in found.questions
    )  # fmt: skip
    intro, outro = found.texts.get("intro", ""), found.texts.get("outro", "")
    alone = replace(lesson, intro=intro, outro=outro, notes=found.notes, questions=questions)
    return alone, source, problems


def lacking(lesson: Lesson, found: Translation) -> Iterator[str]:
    """What a lesson has and its translation has not, each in a word or two."""
    yield from (key for key in TEXTS if getattr(lesson, key) and key not in found.texts)
    left = [note.step for note in found.notes]
    for note in lesson.notes:
        if note.step in left:
            left.remove(note.step)
        else:
            yield say("the note on {step}", step=note.step)
    asked = {one.number: one for one in found.questions}
    for number, question in enumerate(lesson.questions, start=1):
        one = asked.get(number, QuestionTexts(number, 0))
        keys = [key for key in ("ask", "choices", "hints") if getattr(question, key) and not getattr(one, key)]
        keys += ["wrong"] if question.wrong and not one.wrong else []
        if keys:
            yield say("question {n}", n=number) + (f" ({', '.join(keys)})" if number in asked else "")
