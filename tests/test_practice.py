"""Practice without end: what a drill and a review put, one question after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from tutor.cli.line_questions import play_practice
from tutor.learner import practice
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.questions import mastery
from tutor.questions.drill import skills
from tutor.questions.mastery import GivenAnswer

LESSONS = {entry.id: entry.path for entry in catalogue.entries()}
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def store(data_folder):
    with Store.open() as opened:
        yield opened


def lesson(id):
    return load(LESSONS[id])


def drilled(id, skill, seed, count=3):
    return list(islice(practice.drill(lesson(id), id, skill, seed), count))


@pytest.mark.parametrize(("id", "skill"), [("o-classification", "weight_gradient"), ("gates", "gate_mul_gradient")])
def test_a_drill_has_new_numbers_each_time_and_the_same_for_the_same_seed(id, skill):
    first = drilled(id, skill, 7)
    seeds = [exercise.item.seed for exercise in first]
    assert seeds == sorted(set(seeds)) and seeds[0] >= 7
    assert {exercise.item.skill for exercise in first} == {skill} and {e.lesson for e in first} == {id}
    assert len({(exercise.item.prompt, exercise.item.answer) for exercise in first}) > 1
    again = drilled(id, skill, 7)
    assert [(e.item.prompt, e.item.answer) for e in again] == [(e.item.prompt, e.item.answer) for e in first]
    # A seed that was shown, given again, is the same question.
    (second,) = drilled(id, skill, seeds[1], 1)
    assert (second.item.seed, second.item.answer) == (seeds[1], first[1].item.answer)


@pytest.mark.parametrize("id", ["gates", "adam"])
def test_every_skill_takes_its_answer(id):
    for skill in skills(lesson(id)):
        (exercise,) = drilled(id, skill, 3, 1)
        assert exercise.item.grade(exercise.item.answer).correct, exercise.item.id


def wrong(store, skill, times=3, id="o-classification"):
    for n in range(times):
        store.record(GivenAnswer(id, f"value:{skill}{n}", skill, "value", "1", "wrong"))


def rightly(store, skill, times=5, id="o-classification"):
    for n in range(times):
        store.record(GivenAnswer(id, f"value:{skill}{n}", skill, "value", "1", "correct", credit=1.0))


def test_the_skill_that_is_chosen_is_one_of_the_lesson_and_not_what_is_known(store):
    found = lesson("o-classification")
    chosen = practice.choose_skill(store, found)
    assert chosen in skills(found)
    rightly(store, chosen)
    assert practice.choose_skill(store, found) != chosen


def test_the_weakest_skill_is_chosen(store):
    found = lesson("o-classification")
    for skill in skills(found):
        rightly(store, skill)
    wrong(store, "weight_gradient", 8)
    assert practice.choose_skill(store, found) == "weight_gradient"


def test_a_skill_is_practised_where_it_was_asked_last(store):
    assert practice.lesson_for(store, "weight_gradient", "o-classification")[1] == "o-classification"
    rightly(store, "weight_gradient", 1, "c-431")
    assert practice.lesson_for(store, "weight_gradient")[1] == "c-431"
    assert practice.lesson_for(store, "weight_gradient", "o-classification")[1] == "o-classification"
    assert practice.lesson_for(store, "weight_gradient", "no such lesson")[1] == "c-431"
    assert practice.lesson_for(store, "softmax")[1] == "softmax"
    assert practice.lesson_for(store, "no such skill") is None


def due(store, skill, days, id="o-classification"):
    """A skill asked so many days ago, and due a little later."""
    card = mastery.review(None, mastery.rating(1.0), NOW - timedelta(days=days))
    store.record(GivenAnswer(id, f"value:{skill}", skill, "value", "1", "correct", credit=1.0), card)


def test_a_review_has_what_is_due_the_longest_first(store):
    assert list(practice.review(store, NOW)) == []
    due(store, "combined_error", 20)
    due(store, "weight_gradient", 40, "c-431")
    due(store, "update", 0)
    found = list(practice.review(store, NOW))
    assert [(e.item.skill, e.lesson) for e in found] == [
        ("weight_gradient", "c-431"),
        ("combined_error", "o-classification"),
    ]
    assert [e.item.answer for e in practice.review(store, NOW)] == [e.item.answer for e in found]


def test_a_review_has_new_numbers_each_day(store):
    due(store, "weight_gradient", 40)
    answers = {next(practice.review(store, NOW + timedelta(days=n))).item.answer for n in range(4)}
    assert len(answers) > 1


def test_a_skill_that_no_lesson_has_any_more_is_passed_over(store):
    due(store, "no_such_skill", 50)
    due(store, "weight_gradient", 40)
    assert [exercise.item.skill for exercise in practice.review(store, NOW)] == ["weight_gradient"]


def test_who_leaves_in_the_middle_of_a_question_has_answered_nothing(store):
    said: list[str] = []
    lines = iter(["= 3 * 2", "quit"])
    play_practice(store, practice.drill(lesson("gates"), "gates", "gate_mul", 1), lambda _: next(lines), said.append)
    assert store.answers() == [] and "  = 6" in said and not any(" right." in text for text in said)
