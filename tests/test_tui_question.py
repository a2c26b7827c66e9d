"""Beside an open question: what one can look at, how one leaves, and what it costs, which is nothing."""

from __future__ import annotations

import pytest
from textual.events import Key
from textual.widgets import Input

from test_tui import LESSONS, here, pane, press, screen, tutor, type_in
from test_tui_quiz import answers, opened, remember_predict, right, start_quiz, words
from tutor.cli.line_mode import LineMode
from tutor.engine.trace import trace
from tutor.learner import practice
from tutor.learner.progress import report
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.play.place import Place
from tutor.play.playback import asked
from tutor.play.sitting import said_of_results
from tutor.questions import quiz
from tutor.questions.items import AUTHOR
from tutor.questions.mastery import GivenAnswer
from tutor.questions.quiz import needed
from tutor.tui.answer import AnswerLine
from tutor.tui.diagram import DiagramScreen
from tutor.tui.dialogs import Reader
from tutor.tui.glossary import Glossary
from tutor.tui.player import PlayerScreen
from tutor.tui.practice import PracticeScreen
from tutor.tui.training import TrainingScreen

SIZES = [(60, 16), (80, 24), (160, 48)]


@pytest.mark.parametrize("size", SIZES)
async def test_escape_leaves_a_question_open_and_counts_nothing(size):
    remember_predict()
    async with tutor("gates", size, step="q") as pilot:
        player = pilot.app.screen
        await type_in(pilot, "123")
        tries = player.sitting.asking.tries
        await press(pilot, "7", "escape")
        assert player.sitting.open_question and "The question waits" in screen(pilot)
        assert player.sitting.asking.item.answer not in pane(pilot, "card").partition("What is")[0]
        await press(pilot, "escape")
        assert player.sitting.open_question and pilot.app.screen is player
        await press(pilot, "enter", "8")
        assert player.query_one(Input).value == "78", "what was typed is still there"
        await press(pilot, "escape", "n", "b")
        assert here(pilot) == "q" and player.sitting.open_question
        assert player.sitting.asking.tries == tries, "tries are not given back"
        assert [a.verdict for a in answers()] == ["wrong"]


@pytest.mark.parametrize("size", SIZES)
async def test_between_two_questions_on_a_step_its_value_is_not_shown(size):
    remember_predict()
    async with tutor("language-model", size, step="z") as pilot:
        player = pilot.app.screen
        player.jump("dL/dz")
        await type_in(pilot, "0")
        await press(pilot, "enter")
        assert player.sitting.asking.done and player.sitting.still_asked
        shown = screen(pilot)
        assert "the next question" in shown and "softmax(z)" not in shown and "0.1879" not in shown
        await press(pilot, "n")
        assert player.sitting.open_question and "dz" in player.sitting.asking.item.prompt


@pytest.mark.parametrize("size", SIZES)
async def test_what_can_be_looked_at_beside_a_question(size):
    remember_predict()
    async with tutor("o-classification", size, step="z1") as pilot:
        player = pilot.app.screen
        player.jump("dL/dz1")
        await press(pilot, "4", "2")
        item = player.sitting.asking.item
        for key, kind in {"f1": Reader, "f3": Glossary, "f4": DiagramScreen, "f5": Reader}.items():
            await press(pilot, key)
            assert isinstance(pilot.app.screen, kind), key
            assert item.answer not in screen(pilot)
            await press(pilot, "escape")
            assert pilot.app.screen is player and player.sitting.open_question, key
        await press(pilot, "3")
        assert player.query_one(Input).value == "423"
        assert answers() == []


async def test_a_question_about_the_lesson_is_shown_by_f2_and_n_goes_on():
    remember_predict()
    async with tutor("gates", step="q") as pilot:
        player = pilot.app.screen
        player.action_last()
        await pilot.pause()
        for _ in range(6):
            if not player.sitting.open_question:
                break
            item = player.sitting.asking.item
            await press(pilot, "f2")
            assert item.answer.split("\n")[0] in words(pane(pilot, "card")) and not player.sitting.open_question
            assert "Shown." in screen(pilot)
            await press(pilot, "n")
        assert "✓ The chain rule in two gates" in screen(pilot)
        assert "shown to you" in screen(pilot)


async def test_what_is_typed_for_a_question_is_no_command_when_the_hints_are_used_up():
    remember_predict()
    async with tutor("o-classification", step="z1") as pilot:
        player = pilot.app.screen
        for _ in range(len(player.sitting.asking.item.hints) + 3):  # one Tab too many, too
            await press(pilot, "tab")
        at = player.sitting.cursor
        assert player.query_one(AnswerLine).over and "is over" in screen(pilot)
        await press(pilot, *"2", "left_parenthesis", *"ymxq", "right_parenthesis")
        assert player.sitting.cursor == at and pilot.app.screen is player
        await press(pilot, "n")
        assert player.sitting.cursor != at


async def test_a_chosen_notation_goes_with_the_learner():
    async with tutor("c-431", step="z1") as pilot:
        await press(pilot, "t")
        chosen = pilot.app.screen.sitting.cursor.notation
    async with tutor("o-classification") as pilot:
        player = next(s for s in pilot.app.screen_stack if isinstance(s, PlayerScreen))
        assert player.sitting.cursor.notation == chosen != player.sitting.lesson.notation
    with Store.open() as store:
        store.save_place("p-deep", Place("z1", "scalar", "nabla", 1, 0))
        said = []
        LineMode(load(LESSONS["p-deep"]), "p-deep", store, lambda prompt: None, said.append).play(True, False)
        mode = LineMode(load(LESSONS["p-deep"]), "p-deep", store, lambda prompt: None, said.append)
        assert mode.sitting.cursor.notation == chosen


async def test_q_leaves_the_training_screen_and_not_the_program():
    async with tutor("o-classification", step="z1") as pilot:
        for key in "xmv":
            await press(pilot, key)
            assert not isinstance(pilot.app.screen, PlayerScreen)
            if isinstance(pilot.app.screen, TrainingScreen):
                pilot.app.screen.stop() if hasattr(pilot.app.screen, "stop") else None
            await press(pilot, "q")
            assert isinstance(pilot.app.screen, PlayerScreen) and pilot.app.is_running, key


async def test_ctrl_q_asks_before_changes_are_lost():
    async with tutor("o-classification", step="z1") as pilot:
        player = pilot.app.screen
        player.adopt(player.sitting.changes.apply("W1[1,1] = 0.7", learner_here(player)))
        await press(pilot, "ctrl+q")
        assert pilot.app.is_running and "changes" in screen(pilot)


def learner_here(player):
    from tutor.play.settings import here as what_if_here

    return what_if_here(player.sitting.trace, 0, player.sitting.cursor.notation)


async def test_after_a_lesson_enter_opens_the_next_one():
    async with tutor() as pilot:
        first = catalogue.entries()[0]
        await press(pilot, *first.title.split()[0].lower(), "enter")
        player = next(s for s in pilot.app.screen_stack if isinstance(s, PlayerScreen))
        await press(pilot, "enter")
        player.show(player.sitting)
        player.action_last()
        await press(pilot, "n")
        assert "Enter next lesson" in screen(pilot)
        await press(pilot, "enter")
        opened_ = next(s for s in pilot.app.screen_stack if isinstance(s, PlayerScreen))
        assert opened_.sitting.key == catalogue.entries()[1].key
        await press(pilot, "enter", "h")
        assert "finished" in screen(pilot) and pilot.app.screen.search == ""


def test_what_is_said_at_the_end_is_true():
    assert said_of_results([]) == ""
    assert "all 2" in said_of_results([True, True]) and "1 of 2" in said_of_results([True, False])
    assert said_of_results([False, False]).startswith("All 2 answers were shown")


# ---------------------------------------------------------------- quiz, placement, review


@pytest.mark.parametrize("size", SIZES)
async def test_ctrl_e_goes_to_the_end_of_the_line_and_ending_a_quiz_asks(size):
    async with start_quiz("o-classification", size=size, seed=7) as pilot:
        await press(pilot, "1", "2", "home", "ctrl+e", "3")
        assert pilot.app.screen.query_one(Input).value == "123" and not pilot.app.screen.session.finished
        await press(pilot, "f8")
        assert "10 questions still open" in words(screen(pilot))
        await press(pilot, "escape")
        assert not pilot.app.screen.session.finished
        await press(pilot, "f8", "enter")
        assert pilot.app.screen.session.finished


@pytest.mark.parametrize("lesson", sorted(LESSONS))
def test_a_question_shows_first_what_it_is_worked_out_from(lesson):
    """Of every question of a quiz: the values that its formula names, or those that they are made from."""
    items = quiz.make_items([load(LESSONS[lesson])], 10, 3)
    asked_for = {item.step.equation.symbol.key for item in items}
    for item in items:
        found = needed(item, items)
        if item.kind not in ("value", "matrix"):  # a number: in the author's own words, at a step but not of it
            assert not found
            continue
        assert all(ref.symbol.key not in asked_for for ref in found), item.id
        here = {ref for ref in item.step.operands if ref.symbol.key not in asked_for}
        assert here <= set(found) or len(found) >= quiz.MOST_NEEDED, item.id


def test_the_mean_of_a_batch_shows_each_examples_part():
    here = trace(load(LESSONS["batch-mean"]))
    mean = next(eq for eq in here.equations if eq.rule == "mean_gradient")
    assert mean.symbol.key in {eq.symbol.key for eq in here.equations} and asked(here)
    from random import Random

    from tutor.questions.kinds import item_for
    from tutor.text.writer import Writer

    item = item_for(here.find(mean.symbol.id), Writer(here.lesson, here.lesson.notation), Random(1), ("value",))
    assert item and {ref.example for ref in needed(item, [item])} == set(range(here.examples))


def due_by_an_author(lesson: str) -> None:
    from datetime import UTC, datetime, timedelta

    from tutor.questions import mastery

    with Store.open() as store:
        answer = GivenAnswer(lesson, "author:x", AUTHOR, "number", "1", "wrong")
        now = datetime.now(UTC) - timedelta(days=400)
        store.record(answer, mastery.review(store.card(AUTHOR), 1, now))


async def test_a_review_asks_what_an_author_asked_and_lists_nothing_that_cannot_be_asked(data_folder):
    due_by_an_author("one-neuron")
    with Store.open() as store:
        assert report(store).due == (AUTHOR,)
        (exercise,) = practice.review(store)
        assert exercise.item.by_author and exercise.lesson == "one-neuron"
    async with opened(lambda app: app.review()) as pilot:
        assert isinstance(pilot.app.screen, PracticeScreen) and pilot.app.screen.asking
        assert right(pilot.app.screen.asking.item)


def test_what_was_asked_in_a_lesson_that_is_gone_is_not_due(data_folder, tmp_path):
    due_by_an_author(str(tmp_path / "gone.toml"))
    with Store.open() as store:
        assert report(store).due == () and list(practice.review(store)) == []


# ---------------------------------------------------------------- line mode


def test_help_glossary_and_map_beside_a_question_in_lines(data_folder):
    lines = iter(["predict", "help", "glossary", "glossary chain rule", "map", "intro", "= 1 + 1", "show", "quit"])
    said: list[str] = []
    with Store.open() as store:
        LineMode(
            load(LESSONS["o-classification"]), "o-classification", store, lambda p: next(lines, None), said.append
        ).play(False, False)
        text = "\n".join(said)
        assert "no name here" not in text and "the answer: given up" in text
        assert "0.38" not in text.partition("Predict mode is on")[2].partition("It is")[0], "the map does not tell"
        assert [a.verdict for a in store.answers()] == ["given-up"]


async def test_predict_mode_of_the_screen_is_not_that_of_lines():
    async with tutor("gates", step="q") as pilot:
        await press(pilot, "p")
        assert pilot.app.screen.sitting.predict
    with Store.open() as store:
        assert not LineMode(load(LESSONS["gates"]), "gates", store, lambda prompt: None, print).sitting.predict


async def typed_at_once(pilot, text: str) -> None:
    """Keys that are all there before the first is worked on; ⏎ is Enter."""
    for char in text:
        pilot.app.post_message(Key("enter", "\r") if char == "⏎" else Key(char, char))
    await pilot.pause()
    await pilot.pause()


async def test_keys_faster_than_the_screen_are_the_answers_that_were_typed():
    remember_predict()
    async with tutor("gates", step="q") as pilot:
        await typed_at_once(pilot, "78⏎9⏎5")
        assert [answer.given for answer in answers()] == ["78", "9"]
        assert pilot.app.screen.query_one(Input).value == "5", "for the third try"


async def test_what_is_typed_when_a_question_has_ended_neither_answers_nor_goes_on():
    remember_predict()
    async with tutor("gates", step="q") as pilot:
        await typed_at_once(pilot, "78⏎79⏎80⏎81⏎")
        assert [answer.given for answer in answers()] == ["78", "79", "80"]
        assert here(pilot) == "q" and pilot.app.screen.query_one(AnswerLine).over


async def test_what_is_typed_ahead_in_a_quiz_is_for_the_next_question():
    async with start_quiz("gates", count=3, seed=3) as pilot:
        await typed_at_once(pilot, "1⏎2⏎")
        assert pilot.app.screen.session.answers[:2] == ("1", "2")


async def test_a_dialog_takes_what_stood_there_when_enter_came():
    async with tutor("o-classification", step="z1") as pilot:
        await press(pilot, "g")
        await typed_at_once(pilot, "a1⏎n")
        assert here(pilot).startswith("a1")
