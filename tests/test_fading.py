"""Fading: what is new is shown, then asked bit by bit; what is mastered is not asked; one key asks everything."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from test_plain import answers
from test_tui import press, screen, tutor
from tutor.engine.expressions import evaluate
from tutor.learner import records
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.play import playback
from tutor.play.fading import BITS, EXAMPLE, KNOWN, Fading, faded
from tutor.play.sitting import AtTheEnd, begin
from tutor.questions.attempt import Asking, respond
from tutor.questions.kinds import KINDS
from tutor.questions.mastery import GUESS, LAST_FACTOR, MASTERED, WITH_FORMULA, GivenAnswer
from tutor.text.writer import Writer

LESSONS = {entry.id: entry.path for entry in catalogue.entries()}


@pytest.fixture
def fades(monkeypatch):
    """As it is for a learner: the other tests ask everything."""
    monkeypatch.setattr(records, "EVERYTHING_AT_FIRST", False)


def sitting(lesson="c-431", known=None, met=()):
    made = begin(load(LESSONS[lesson]), lesson, predict=True)
    return made.going_by(Fading(known or {}, frozenset(met))).ask()


def walked(now):
    """Every sitting of a walk to the end; its questions are given up."""
    while True:
        yield now
        if now.open_question:
            now = now.give_up()
        try:
            now = now.forward()
        except AtTheEnd:
            return


@pytest.mark.parametrize(
    ("lesson", "asked"),
    [
        ("xor", "a1[1]"),
        ("recurrence", "dL/dWh[2,1]@z2"),
        ("recurrence", "dL/dh2[2]"),
    ],
)
def test_of_a_step_that_the_lesson_names_an_element_of_that_one_is_asked_where_it_tells(lesson, asked):
    at = begin(load(LESSONS[lesson]), lesson, predict=True).ask()
    assert asked in {now.asking.item.step.id for now in walked(at) if now.asking}


def test_the_first_of_a_kind_is_an_example_and_the_next_is_asked():
    walk = list(walked(sitting("exploding")))
    first, later, seen = {}, [], {}
    for now in walk:
        rule = now.trace.equations[now.cursor.at].rule_id
        seen.setdefault(rule, now.cursor.at)
        if now.why_not_asked == EXAMPLE:
            assert not now.asking and first.setdefault(rule, now.cursor.at) == now.cursor.at
        elif now.asking and not now.asking.item.by_author:
            later.append(rule)
            assert seen[rule] < now.cursor.at, "never at the first of its kind"
    assert first and later


def test_an_example_is_not_asked_when_one_comes_back_to_it():
    now = sitting("one-neuron").forward()
    assert now.why_not_asked == EXAMPLE
    again = now.forward().back()
    assert again.why_not_asked == EXAMPLE and not again.asking
    assert again.notation(1).why_not_asked == EXAMPLE


def test_what_was_seen_without_questions_is_not_new():
    now = sitting("one-neuron").predicting(False)
    for _ in range(3):
        now = now.forward()
    assert now.predicting(True).jump("dL/da1").open_question is not None


@pytest.mark.parametrize(
    ("known", "given"), [(0.2, LAST_FACTOR), (0.35, WITH_FORMULA), (0.6, ""), (0.84, ""), (MASTERED, None)]
)
def test_the_more_is_known_the_less_is_given(known, given):
    now = sitting("c-431", {"pre_activation": known})
    if given is None:
        assert now.open_question is None and now.why_not_asked == KNOWN
        assert now.going_by(None).ask().open_question, "everything is asked"
        return
    item = now.open_question.item
    assert item.given == given and item.prompt.endswith(KINDS["value"](item.step, item.writer, None).prompt)
    assert ("?. Find" in item.prompt) == (given == LAST_FACTOR) and ("=" in item.prompt) == (given != "")


@pytest.mark.parametrize("lesson", list(LESSONS)[::4])
def test_what_is_given_is_right_and_never_the_answer(lesson):
    """Of every step of a lesson: the given numbers and the missing one make the value."""
    made = load(LESSONS[lesson])
    now = begin(made, lesson)
    seen = 0
    for eq in now.trace.equations[:40]:
        step = playback.Step(now.trace, eq, None, 0 if eq.symbol.per_example else None)
        item = KINDS["value"](step, Writer(made, made.notation), None) if eq.symbol.shape == () else None
        if item is None:
            continue
        short = faded(item, LAST_FACTOR)
        assert short.answer == item.answer and short.grade(item.answer).correct
        if short.given == LAST_FACTOR:
            seen += 1
            last = evaluate(item.step.formula.args[-1], now.trace.value)
            told = short.grade(f"{float(last):.12g}")
            assert told.correct or told.free or told.value is not None
    assert seen or lesson not in ("derivative",)


def test_the_missing_factor_alone_costs_no_try():
    now = sitting("c-431", {"pre_activation": 0.2})
    asking = now.open_question
    missing = float(evaluate(asking.item.step.formula.args[-1], now.trace.value))
    told = respond(asking, f"{missing:g}")
    assert told.tries == 0 and "Now the whole" in told.said[-1].text
    assert respond(told, asking.item.answer).done


def test_a_right_answer_to_a_part_is_kept_as_one_and_shows_less():
    with Store.open() as store:
        item = sitting("c-431", {"pre_activation": 0.2}).open_question.item
        records.keep_try(store, "c-431", respond(Asking(item), item.answer), records.Stopwatch())
        (kept,) = store.answers()
        assert kept.kind == LAST_FACTOR and GUESS[LAST_FACTOR] > GUESS[WITH_FORMULA]
        assert 0.2 < records.knowledge([kept])["pre_activation"] < records.knowledge(
            [GivenAnswer("l", "i", "pre_activation", "value", "", "correct", credit=1.0)]
        )["pre_activation"]


def test_an_authors_own_words_are_asked_whatever_is_known():
    every = {eq.rule_id: 0.99 for eq in begin(load(LESSONS["one-neuron"]), "one-neuron").trace.equations}
    asked = [now.asking.item for now in walked(sitting("one-neuron", every)) if now.open_question]
    assert asked and all(item.by_author and item.skill == "author" for item in asked)


def test_bits_go_on_to_mastery_without_a_gap():
    ends = [end for end, _ in BITS]
    assert ends == sorted(ends) and ends[-1] == MASTERED and Fading().bit("update") is None
    assert Fading(met=frozenset(["update"])).bit("update") == LAST_FACTOR


def test_line_mode_shows_what_is_new_and_asks_everything_if_told_to(fades):
    with Store.open() as store:
        replies = answers("one-neuron", store, "predict", "", "predict all", "show", "quit")
        assert "A worked example" in replies[1] and "A worked example" not in replies[2]
        assert "Which formula" in replies[2]
        assert records.asks_everything(store) and "loss" not in store.setting(records.MET)
        answers("one-neuron", store, "predict new", "show", "quit")
        assert not records.asks_everything(store)


@pytest.mark.parametrize("size", [(60, 16), (80, 24)])
async def test_on_the_screen_a_asks_everything(size, fades):
    async with tutor("one-neuron", size) as pilot:
        await press(pilot, "p", "n")
        assert "worked example" in " ".join(screen(pilot).split()) and not pilot.app.screen.sitting.open_question
        await press(pilot, "A")
        assert pilot.app.screen.sitting.open_question and not pilot.app.screen.sitting.fading
        await press(pilot, "tab")
        assert "predict all" in screen(pilot)
        await press(pilot, "escape")
        assert records.asks_everything(pilot.app.store)
        await press(pilot, "A")
        assert not records.asks_everything(pilot.app.store) and pilot.app.screen.sitting.fading
        assert "A asks everything" in " ".join(screen(pilot).split())


def test_with_fading_fewer_answers_are_wrong_and_fewer_questions_needed(monkeypatch):
    """The table of benchmarks/fading.py on fewer learners."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parent.parent / "benchmarks"))
    import fading

    for name, ability in fading.LEARNERS.items():
        full, less = (fading.measure(ability, fades, 150) for fades in (False, True))
        assert less.wrong < full.wrong and less.asked < full.asked / 2
        assert less.questions < full.questions or name == "know it"
    sys.modules.pop("fading")
