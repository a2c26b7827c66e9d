"""My mistakes: which answers are listed, what is said of them, and that each can be asked again."""

from __future__ import annotations

import io

import pytest

from tutor.cli.line_questions import mistake_lines, play_mistakes, play_practice
from tutor.learner import practice
from tutor.learner.mistakes import diagnosis, mistakes, replay
from tutor.learner.practice import PracticeItem, Series, with_new_numbers
from tutor.learner.records import Stopwatch, answer_to, keep_try
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.questions.attempt import Asking, respond
from tutor.questions.drill import asked_again, drill_item, own_trace
from tutor.questions.mastery import GivenAnswer


@pytest.fixture
def store(tmp_path):
    with_store = Store.open(tmp_path / "tutor.db")
    yield with_store
    with_store.close()


def lesson(id):
    return load(catalogue.find(id))


def answered(store, item, *texts, key="o-classification"):
    """Type these answers to a question, each kept as a front end keeps it."""
    asking, watch = Asking(item), Stopwatch()
    for text in texts:
        asking = respond(asking, text)
        keep_try(store, key, asking, watch)
    return asking


def asked(id="o-classification", kind="value", step="dL/dz1[2]", numbers=(0, 1)):
    item = asked_again(lesson(id), kind, step, *numbers)
    assert item is not None
    return item


def test_a_wrong_answer_is_kept_with_its_question_what_was_typed_and_its_diagnosis(store):
    item = asked()
    answered(store, item, "0.376", "17")
    (found,) = mistakes(store.answers())
    assert [answer.given for answer in found.answers] == ["0.376", "17"]
    assert diagnosis(found.answers[0]) == "The slope of the activation was left out."
    assert diagnosis(found.answers[1]) == "No slip that has a name."
    assert "sign" in diagnosis(GivenAnswer("gates", "value:q", "gate_add", "value", "-3", "sign"))
    assert found.last.asked == item.prompt and not found.mended
    said = " ".join(mistake_lines(store))
    assert item.prompt in said and "0.376" in said and "The slope of the activation was left out." in said


def test_what_is_right_at_once_or_free_is_no_mistake(store):
    answered(store, asked(), "0.0804")
    answered(store, asked(step="dL/da1[2]"), "0.4", "0.3759")  # too few digits, then right
    assert mistakes(store.answers()) == []


def test_a_right_answer_in_any_numbers_mends_it_and_the_latest_stands_first(store):
    answered(store, asked(), "0.376")
    answered(store, asked(step="dL/da1[2]"), "5")
    new = asked(numbers=(4, 1))
    answered(store, new, new.answer)
    latest, first = mistakes(store.answers())
    assert latest.last.item == "value:dL/da1[2]" and not latest.mended
    assert first.last.item == "value:dL/dz1[2]" and first.mended


@pytest.mark.parametrize(
    ("id", "kind", "step", "numbers"),
    [
        ("o-classification", "value", "dL/dz1[2]", (0, 1)),
        ("o-classification", "value", "dL/dz1[2]", (0, 5)),
        ("batch-mean", "value", "z2[1]@2", (3, 1)),
        ("gates", "value", "df/dx", (9, 1)),
    ],
)
def test_a_mistake_is_asked_again_in_the_same_numbers_or_in_new_ones(store, id, kind, step, numbers):
    item = asked(id, kind, step, numbers)
    answered(store, item, "12345", key=id)
    (found,) = mistakes(store.answers())
    (same,) = replay(store, [found])
    assert (same.lesson, same.item.id, same.item.answer) == (id, item.id, item.answer)
    (new,) = replay(store, [found], new=True)
    assert new.item.id == item.id and new.item.answer != item.answer
    assert new.item.grade(new.item.answer).correct


def test_an_authors_question_is_asked_again_as_it_is(store):
    about = lesson("gates").questions[0]
    here = own_trace(lesson("gates"), 1)
    writer = practice.Writer(here.lesson, here.lesson.notation)
    item = practice.author_item(about, here, writer, practice.random.Random(1))
    store.record(answer_to("gates", item, "wrong thing", item.grade("12345")))
    again = practice.again(store, store.answers()[-1])
    assert again.item.id == item.id and again.item.prompt == item.prompt


def test_what_is_no_more_is_left_out_and_says_so_instead_of_failing(store):
    store.record(GivenAnswer("/no/such/lesson.toml", "value:x", "gate_add", "value", "1", "wrong"))
    store.record(GivenAnswer("gates", "value:gone", "loss", "value", "1", "wrong"))  # gates has no loss
    found = mistakes(store.answers())
    assert len(found) == 2 and list(replay(store, found)) == []


def test_a_step_that_is_gone_is_replaced_by_another_of_its_skill(store):
    store.record(GivenAnswer("o-classification", "value:gone", "update", "value", "1", "wrong"))
    (found,) = replay(store, mistakes(store.answers()))
    assert found.item.skill == "update"


# ---------------------------------------------------------------- skip and come back, once more


def exercises(count):
    items = (drill_item(lesson("gates"), "gate_mul_gradient", seed) for seed in range(1, count + 1))
    return [PracticeItem("gates", item) for item in items]


def test_what_is_skipped_comes_back_after_the_next_with_its_tries():
    a, b, c = exercises(3)
    series = Series([a, b, c])
    first, asking = series.following()
    series.skip(first, respond(asking, "12345"))
    assert series.following()[0] is b
    back, begun = series.following()
    assert back is a and begun.tries == 1
    assert series.following()[0] is c
    series.skip(c, Asking(c.item))
    assert series.following()[0] is c and series.following() is None


def test_a_question_comes_again_with_new_numbers(store):
    (exercise,) = exercises(1)
    more = with_new_numbers(store, exercise)
    assert more.item.id == exercise.item.id and more.item.answer != exercise.item.answer
    assert with_new_numbers(store, PracticeItem(None, exercise.item)) is None


def play(play_it, *lines):
    given, out = iter(lines), io.StringIO()
    play_it(lambda prompt: next(given, None), lambda text: out.write(f"{text}\n"))
    return out.getvalue()


def test_line_mode_skips_comes_back_and_asks_again(store):
    a, b = exercises(2)
    said = play(lambda ask, say: play_practice(store, [a, b], ask, say), "skip", b.item.answer, a.item.answer)
    assert said.index("(seed 1)") < said.index("(seed 2)") < said.rindex("(seed 1)") and "2 of 2 right." in said
    said = play(lambda ask, say: play_practice(store, [a, b], ask, say), a.item.answer, "again", "quit")
    assert said.count("(seed ") == 3 and "(seed 2)" in said


def test_line_mode_lists_mistakes_and_asks_them_again(store):
    answered(store, asked(), "0.376")
    said = play(lambda ask, say: play_mistakes(store, ask, say), "what", "again 7", "again 1", "0.0804", "quit")
    assert "1. What is" in said and "again N" in said and "1 of 1 right." in said
    assert mistakes(store.answers())[0].mended


# ---------------------------------------------------------------- what is due can be asked


def test_nothing_is_due_that_cannot_be_asked(store):
    from datetime import UTC, datetime, timedelta

    from tutor.questions.mastery import AGAIN, review

    then = datetime.now(UTC) - timedelta(days=9)
    for skill, where in (("update", "o-classification"), ("gate_nonsense", "/gone/away.toml"), ("shapes", "gates")):
        store.record(GivenAnswer(where, f"value:{skill}", skill, "value", "1", "wrong"), review(None, AGAIN, then))
    due = practice.due(store, datetime.now(UTC))
    assert "gate_nonsense" not in due and "update" in due
    assert len(list(practice.review(store))) == len(due)
