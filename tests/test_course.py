"""The path through the lessons: what comes next and why, and what a placement says is known."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tutor.learner import records
from tutor.learner.course import MILESTONES, PLACEMENT, milestones, placed, placement_answers, recommended
from tutor.learner.rows import SavedQuiz
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.catalogue import Entry
from tutor.questions import quiz
from tutor.questions.mastery import GivenAnswer


def entry(id, *requires, error=None):
    return Entry(id, id.title(), "", "", requires, "scalar", Path(f"{id}.toml"), None, error)


ABC = [entry("a"), entry("b", "a"), entry("c", "b"), entry("d", "a", "c")]


def test_one_begins_at_the_first_and_goes_on_along_the_path():
    assert recommended(ABC, (), ()).entry.id == "a"
    assert recommended(ABC, ("a",), ()).entry.id == "b"
    found = recommended(ABC, ("a", "b", "c"), ())
    assert found.entry.id == "d" and "A and C" in found.why
    assert recommended(ABC, "abcd", ()) is None


def test_what_was_begun_comes_first():
    assert recommended(ABC, ("a",), ("c",)).entry.id == "c"
    assert recommended(ABC, ("a", "c"), ("c",)).entry.id == "b"


def test_a_lesson_whose_prerequisites_are_open_waits_but_not_for_what_is_not_there():
    lessons = [entry("x", "y"), entry("y"), entry("z", "gone")]
    assert recommended(lessons, (), ()).entry.id == "y"
    assert recommended(lessons, ("x", "y"), ()).entry.id == "z"
    assert recommended([entry("p", "q"), entry("q", "p")], (), ()).entry.id == "p"
    assert recommended([entry("broken", error="no"), entry("fine")], (), ()).entry.id == "fine"


def test_what_placement_says_is_known_is_skipped():
    found = recommended(ABC, (), (), placed=("a", "b"))
    assert found.entry.id == "c" and "which you know" in found.why


def test_milestones_are_spread_over_the_whole_path():
    many = [entry(f"l{at}") for at in range(28)]
    found = milestones(many)
    assert len(found) == MILESTONES and found[0] is many[0] and found[-1] is many[-1]
    gaps = [many.index(b) - many.index(a) for a, b in pairwise(found)]
    assert max(gaps) - min(gaps) <= 1
    assert milestones(ABC) == ABC


def answered(credits, session=f"{PLACEMENT}1"):
    return [
        GivenAnswer(id, "value:x", "update", "value", "1", "correct" if c else "wrong", credit=c, session=session)
        for id, c in credits.items()
    ]


@pytest.mark.parametrize(
    ("credits", "known"),
    [
        ({}, ""),
        ({"a": 0.0, "c": 0.0}, ""),
        ({"a": 1.0, "c": 0.0}, "a"),
        ({"a": 1.0, "c": 1.0}, "abc"),
        ({"a": 0.0, "c": 1.0}, ""),  # half wrong: no
        ({"a": 1.0, "b": 1.0, "c": 1.0, "d": 0.0}, "abc"),
    ],
)
def test_what_was_answered_rightly_is_known_up_to_there(credits, known):
    assert placed(ABC, answered(credits)) == list(known)


def test_one_slip_among_five_holds_nobody_back():
    many = [entry(f"l{at}") for at in range(6)]
    credits = {"l0": 1.0, "l1": 1.0, "l2": 0.0, "l3": 1.0, "l4": 1.0}
    assert placed(many, answered(credits)) == ["l0", "l1", "l2", "l3", "l4"]


def test_the_latest_placement_counts_and_other_quizzes_do_not(data_folder):
    with Store.open() as store:
        assert placement_answers(store) == []
        for at, (id, credit) in enumerate([(f"{PLACEMENT}1", 1.0), (f"{PLACEMENT}2", 0.0), ("quiz", 1.0)]):
            state = {"at": at}
            for answer in answered({"a": 1.0, "c": credit}, id):
                store.record(answer, None, SavedQuiz(id, state, False, f"2026-01-0{at + 1}T00:00:00+00:00"))
        assert placed(ABC, placement_answers(store)) == ["a"]


def test_the_bundled_lessons_make_one_path():
    """Whoever takes what is recommended takes every lesson once, each after its prerequisites."""
    entries, done = catalogue.entries(), []
    while found := recommended(entries, done, ()):
        assert set(found.entry.requires) <= set(done), found.entry.id
        done.append(found.entry.id)
    assert done == [entry.id for entry in entries]


# ---------------------------------------------------------------- as a quiz


def test_a_placement_marks_what_is_known_and_says_where_to_go_on(data_folder):
    with Store.open() as store:
        id, session, items, goes_on = records.start_placement(store)
        assert id.startswith(PLACEMENT) and not goes_on and len(items) == len(milestones(catalogue.entries()))
        watch = records.Stopwatch()
        for item in items[:2]:
            text = item.answer.replace("\n", "; ")
            session, verdict = quiz.answer(session, items, text)
            records.keep_quiz_answer(store, id, session, item, text, verdict, watch)
        again = records.start_placement(store)
        assert again[0] == id and again[3], "a placement that was left goes on"
        records.keep_quiz(store, id, quiz.end(session))
        entries = catalogue.entries()
        known = placed(entries, placement_answers(store))
        reached = items[1].step.trace.lesson.id
        assert known[-1] == reached
        said = records.placement_said(store)
        following = entries[[entry.id for entry in entries].index(reached) + 1]
        assert following.title in said


def test_a_placement_without_a_right_answer_begins_at_the_beginning(data_folder):
    with Store.open() as store:
        id, session, items, _ = records.start_placement(store)
        session, verdict = quiz.answer(session, items, "123456")
        records.keep_quiz_answer(store, id, session, items[0], "123456", verdict, records.Stopwatch())
        assert "beginning" in records.placement_said(store)
