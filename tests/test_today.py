"""The beginning and the end of a sitting: the goal, how far it is, and what the sitting came to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tutor.learner import today
from tutor.learner.store import Store
from tutor.learner.today import Goal, read_goal
from tutor.questions.mastery import AGAIN, GivenAnswer, review

NOW = datetime.now().astimezone().replace(hour=12)  # noon of the learner's own day


@pytest.fixture
def store(tmp_path):
    with_store = Store.open(tmp_path / "tutor.db")
    yield with_store
    with_store.close()


def answer(store, item, verdict="correct", at=NOW, skill="update", slip=None, lesson="gates", tries=1):
    store.record(
        GivenAnswer(
            lesson, f"value:{item}", skill, "value", "1", verdict, slip, float(verdict == "correct"), 0, tries,
            at=at.astimezone(UTC).isoformat(),
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("10", Goal(10, "question")),
        ("10 questions", Goal(10, "question")),
        (" 1 Lesson ", Goal(1, "lesson")),
        ("a lesson", Goal(1, "lesson")),
        ("2 lessons", Goal(2, "lesson")),
        ("none", None),
        ("0", None),
    ],
)
def test_a_goal_is_read_as_people_write_it(store, text, goal):
    assert read_goal(text) == goal
    today.set_goal(store, goal)
    assert today.goal(store) == goal


@pytest.mark.parametrize("text", ["", "a", "ten", "-3", "1e3", "5000", "3 hours", "10 questions now"])
def test_what_is_no_goal_says_what_is(text):
    with pytest.raises(ValueError, match="a number of questions"):
        read_goal(text)


def test_a_goal_in_questions_counts_questions_of_today_and_no_second_tries(store):
    today.set_goal(store, Goal(2, "question"))
    answer(store, "old", at=NOW - timedelta(days=1))
    answer(store, "a", "wrong")
    answer(store, "a", tries=2)
    assert today.standing(store, NOW) == "today 1 of 2 questions" and not today.reached(store, NOW)
    answer(store, "b")
    assert today.standing(store, NOW) == "today's goal reached: 2 questions"
    assert today.reached(store, NOW) and not today.reached(store, NOW)  # it is said once


def test_a_goal_in_lessons_counts_lessons_finished_today(store):
    today.set_goal(store, Goal(1, "lesson"))
    assert today.standing(store, datetime.now(UTC)) == "today 0 of 1 lesson"
    store.finish("gates")
    assert today.standing(store, datetime.now(UTC)) == "today's goal reached: 1 lesson"


def test_without_a_goal_nothing_is_said_of_one(store):
    assert today.standing(store, NOW) == "" and not today.reached(store, NOW)
    store.save_setting("goal", {"from": "elsewhere"})
    assert today.standing(store, NOW) == ""


def test_a_sitting_is_summed_up_by_what_was_learnt_what_slipped_and_what_is_due_tomorrow(store):
    before = NOW - timedelta(hours=1)
    answer(store, "old", at=NOW - timedelta(days=2), skill="loss")
    for item in "abcd":
        answer(store, item)
    answer(store, "e", "misconception", skill="activation", slip="activation-skipped")
    answer(store, "f", "wrong", skill="shapes")
    answer(store, "g", "wrong", skill="loss")
    missed = GivenAnswer("gates", "value:h", "order", "next", "1", "wrong", at=NOW.astimezone(UTC).isoformat())
    store.record(missed, review(None, AGAIN, NOW))
    found = today.summary(store, before, NOW)
    assert (found.questions, found.right) == (8, 4)
    assert found.learnt == ("Update of a parameter",)
    assert found.slipped[0] == "the activation function was not applied"
    assert "Shapes of gradients" in found.slipped and "Activation" not in found.slipped
    assert found.tomorrow == ("Which step comes next",)
    said = "\n".join(today.said(found))
    assert "8 questions, 4 right" in said and "Due by tomorrow: Which step comes next." in said


def test_a_sitting_in_which_nothing_was_answered_ends_without_a_word(store, capsys):
    answer(store, "old", at=NOW - timedelta(days=2))
    assert today.summary(store, NOW - timedelta(hours=1), NOW) is None
    today.tell_of_sitting(store, datetime.now(UTC) + timedelta(hours=13))
    assert capsys.readouterr().out == ""


def test_a_lesson_has_a_score_of_its_questions_as_they_were_last_answered(store):
    answer(store, "a", "wrong", at=NOW - timedelta(minutes=3))
    answer(store, "a", at=NOW - timedelta(minutes=2))
    answer(store, "b", at=NOW - timedelta(minutes=2))
    answer(store, "b", "wrong", at=NOW - timedelta(minutes=1))
    answer(store, "c", lesson="adam")
    assert store.scores() == {"gates": (1, 2), "adam": (1, 1)}
