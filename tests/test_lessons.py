"""The bundled lessons: whole, in order, checked without a warning, and each in docs/curriculum.md."""

from __future__ import annotations

import math
import random
import re
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from each import each
from tutor.engine.expressions import Ref
from tutor.engine.lesson import Lesson
from tutor.engine.trace import trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import examine
from tutor.play.sitting import AtTheEnd, begin
from tutor.questions.authored import author_item
from tutor.text.card import Scribe
from tutor.text.prose import count_words
from tutor.text.writer import Writer

ENTRIES = catalogue.entries()
IDS = [entry.id for entry in ENTRIES]
UNITS = ["Slopes", "Light math", "Heavy math", "When it goes wrong", "Beyond", "The layers of today"]
CURRICULUM = (Path(__file__).parent.parent / "docs" / "curriculum.md").read_text(encoding="utf-8")

LATER = [entry.id for entry in ENTRIES if entry.unit in UNITS[3:]]  # where it is known what a bias does

every_lesson = each("id", IDS)


@cache
def examined(id: str):
    return examine(catalogue.find(id))


def lesson(id: str) -> Lesson:
    found, _ = examined(id)
    assert found
    return found


@every_lesson
def test_it_checks_without_an_error_or_a_warning(id):
    assert [str(problem) for problem in examined(id)[1]] == [] and lesson(id).id == id


@every_lesson
def test_it_is_whole(id):
    found = lesson(id)
    for key in ("summary", "intro", "outro"):
        assert getattr(found, key), f"lessons/: give {id} a line {key} = ..."
    assert found.unit in UNITS, f"lessons/: give {id} one of the units {', '.join(UNITS)}"
    for key in ("notes", "questions", "expect"):
        assert len(getattr(found, key)) >= 3, f"lessons/: give {id} three [[{key}]] or more"
    assert len({note.step for note in found.notes}) == len(found.notes)
    assert "you will be able to" in found.intro.lower().replace("\n", " ") or "you can say" in found.intro


@every_lesson
def test_its_texts_are_short(id):
    found = lesson(id)
    assert {note.step: count for note in found.notes if (count := count_words(note.text)) > 80} == {}
    assert count_words(found.intro) <= 90 and count_words(found.outro) <= 220  # the rest is said where it is needed


@every_lesson
def test_every_expectation_says_where_it_is_from(id):
    for expect in lesson(id).expect:
        assert re.match(r"by hand[:,] \S|.+, \d{4}", expect.source), expect


@every_lesson
def test_every_question_takes_the_right_answer_and_says_something_to_each_foreseen_mistake(id):
    found = lesson(id)
    here, writer = trace(found), Writer(found, found.notation)
    says = Scribe(here, found.notation).prose
    for question in found.questions:
        item = author_item(question, here, writer, random.Random(0))
        right = item.answer.split(" (")[0] if item.many else item.answer
        assert item.grade(right).correct, (item.prompt, right)
        for wrong in question.wrong:
            said = item.grade(wrong.answer if isinstance(wrong.answer, str) else f"{wrong.answer:.12g}")
            told = not said.correct and says(wrong.says) in said.message
            assert told, (item.prompt, wrong.answer, said.message)


@every_lesson
def test_no_wrong_choice_is_told_only_that_it_is_wrong(id):
    for question in lesson(id).questions:
        said = {f"{wrong.answer:g}" if isinstance(wrong.answer, float) else wrong.answer for wrong in question.wrong}
        for at, choice in enumerate(question.choices):
            assert at in question.right_choices or said & {str(at + 1), choice}, (question.ask, choice)


@each("id", IDS)
def test_nobody_who_has_come_this_far_is_asked_what_can_be_read_off(id):
    """Neither what a step only passes on (of a linear output dL/dz is dL/da), nor what was said before."""
    at = begin(lesson(id), id, predict=True).ask()
    notes = {at.trace.find(note.step).equation.symbol.key: note.text for note in lesson(id).notes}
    said = at.intro()
    with suppress(AtTheEnd):
        while True:
            if at.open_question:
                item = at.open_question.item
                step = item.question.step if item.question else None
                passed = step.formula if step and isinstance(step.formula, Ref) else None
                learns = step and step.equation.rule == "bias_gradient" and id not in LATER  # that it is the error
                assert learns or passed is None or passed.index != step.index, item.prompt
                told = len(re.sub(r"\D", "", item.answer).strip("0")) > 2 and not item.choices
                assert learns or not (told and item.answer in said), (item.prompt, item.answer)
                said += f" {item.prompt} {item.choices}"
                at = at.give_up()
                continue
            if not at.next_question():  # else the step is still hidden
                said += at.scribe.prose(notes.pop(at.step.equation.symbol.key, ""))
            at = at.forward()


@every_lesson
def test_hints_of_a_question_are_there_where_the_tutor_has_none(id):
    for question in lesson(id).questions:
        assert question.hints or not question.ask, question


_WRITTEN = str.maketrans({"−": "-", "·": "*", "²": "**2"})
_A_SUM = re.compile(r"(?:[-+*/(). \d]|exp|ln)+")


@every_lesson
@each("iteration", [1, 2])
def test_a_hint_that_is_a_sum_comes_out_right_in_every_iteration(id, iteration):
    """A hint is read in each iteration, where a number written into it would be an old one; {=a1[1]} is not."""
    if lesson(id).training is None and iteration > 1:
        return
    here = trace(lesson(id), iteration)
    scribe = Scribe(here, lesson(id).notation or "dz")
    for question in lesson(id).questions:
        sums = [hint.translate(_WRITTEN) for hint in map(scribe.prose, question.hints)]
        if question.kind == "value" and question.step and not question.ask:
            right = float(np.ravel(here.find(question.step).value)[0])
            for hint in filter(_A_SUM.fullmatch, sums):
                found = eval(hint, {"exp": math.exp, "ln": math.log})
                assert found == pytest.approx(right, rel=0.02, abs=2e-4), (question.step, hint)


def test_numbers_ascend_and_units_follow_one_another():
    numbers = [entry.number for entry in ENTRIES]
    assert None not in numbers and numbers == sorted(set(numbers))
    homeless = [entry.id for entry in ENTRIES if entry.unit not in UNITS]
    assert not homeless, f"lessons/: give {homeless} a line unit = ..., one of {', '.join(UNITS)}"
    assert [entry.unit for entry in ENTRIES] == sorted((entry.unit for entry in ENTRIES), key=UNITS.index)


@every_lesson
def test_what_it_requires_comes_before_it(id):
    entry = ENTRIES[IDS.index(id)]
    assert set(entry.requires) <= set(IDS[: IDS.index(id)])
    assert bool(entry.requires) == (id != IDS[0]), f"lessons/: say what {id} rests on: requires = [...]"


@every_lesson
def test_it_is_in_the_curriculum_at_its_place(id):
    entry = ENTRIES[IDS.index(id)]
    row = f"| {entry.number} | `{id}` |"
    assert row in CURRICULUM, f"docs/curriculum.md: add the row {row} ..."
    assert CURRICULUM.count(f"`{id}`") >= 2, f"docs/curriculum.md: name `{id}` at a topic that it teaches, too"


def test_the_curriculum_names_only_its_own_lessons():
    listed = re.findall(r"^\| (\d+) \| `([\w-]+)` \|", CURRICULUM, re.MULTILINE)
    numbers = [entry.number for entry in ENTRIES]
    assert [int(number) for number, _ in listed] == numbers, "docs/curriculum.md: a row for each lesson, in their order"
    named = set(re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)*)`", CURRICULUM)) - {"code"}
    assert named == {id for _, id in listed}


@every_lesson
def test_the_outro_names_the_lesson_that_comes_next(id):
    at = IDS.index(id)
    here, after = ENTRIES[at], ENTRIES[at + 1] if at + 1 < len(ENTRIES) else None
    if after and after.number == here.number + 1:
        outro = " ".join(lesson(id).outro.split())
        assert after.title in outro, f"lessons/: the outro of {id} names what comes next, {after.title}"
