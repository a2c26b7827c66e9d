"""Predict mode, quizzes, practice and progress on the screen: keys go in, the text on the screen comes out."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from textual.widgets import Input

from test_tui import LESSONS, here, pane, press, screen, tutor, type_in, until
from tutor.engine.expressions import Ref, refs
from tutor.engine.trace import trace
from tutor.learner import practice, records
from tutor.learner.store import Store
from tutor.lessonfiles.check import load
from tutor.play.playback import Cursor
from tutor.questions import mastery, quiz
from tutor.questions.items import AUTHOR
from tutor.questions.kinds import item_for
from tutor.questions.mastery import GivenAnswer
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.text.card import Scribe
from tutor.text.writer import Writer
from tutor.tui.app import TutorApp
from tutor.tui.diagram import DiagramScreen
from tutor.tui.home import HomeScreen
from tutor.tui.player import PlayerScreen
from tutor.tui.practice import PracticeScreen, ProgressScreen
from tutor.tui.quiz import QuizScreen
from tutor.tui.state_views import state_lines

SIZES = [(80, 24), (160, 48)]


@asynccontextmanager
async def opened(start, size=(80, 24)):
    """The app with what `start(app)` opens."""
    store = Store.open()
    app = TutorApp(store, start)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield pilot
    store.close()


def right(item):
    return item.answer.replace("\n", "; ")


def answers():
    with Store.open() as store:
        return store.answers()


def words(text):
    """A text without line breaks, marks and borders, to look for a sentence in."""
    return " ".join("".join(" " if char in "│┃✗→≈✓╭╰╮╯─" else char for char in text).split())


def remember_predict():
    with Store.open() as store:
        store.save_setting("predict", True)


# ---------------------------------------------------------------- predict mode

# Steps of o-classification, what is wrong with the answer, and the idea that it is named by.
MISTAKES = [
    ("a1", "0.8", "activation-skipped"),
    ("dL/dz2", "0.537", "difference-reversed"),
    ("dL/dz1", "0.376", "slope-dropped"),
    ("dL/dW2", "-0.430", "input-for-activation"),
    ("W2'", "-0.885", "added"),
    ("dL/da1", "-0.483", "weight-of-neighbour"),
]


@pytest.mark.parametrize("size", SIZES)
async def test_rounded_on_the_way_costs_no_try_and_is_in_sight(size):
    remember_predict()
    async with tutor("o-classification", size, step="z1") as pilot:
        pilot.app.screen.jump("dL/dz1[2]")
        await pilot.pause()
        await type_in(pilot, "0.0809")
        shown = words(screen(pilot))
        assert "Right method, rounded on the way: keep four digits." in shown and "It costs no try." in shown
        assert not pilot.app.screen.sitting.asking.tries and not answers()
        await press(pilot, "f2")
        assert [(answer.verdict, answer.credit) for answer in answers()] == [("rounded", 1)]


@pytest.mark.parametrize("size", SIZES)
async def test_real_mistakes_are_named_with_both_formulas_on_the_screen(size):
    remember_predict()
    async with tutor("o-classification", size, step="z1") as pilot:
        for step, answer, id in MISTAKES:
            pilot.app.screen.jump(step)
            await pilot.pause()
            assert pilot.app.screen.sitting.asking, step
            await type_in(pilot, answer)
            shown, _, _ = pane(pilot, "card").partition("2 tries left.")
            title = MISCONCEPTIONS[id].title
            text = words(shown[shown.index("you  ") :])
            assert title[:1].upper() + title[1:] in text and "2 tries left." in screen(pilot), screen(pilot)
            assert "Look at" not in text and "right: " not in text, screen(pilot)
            await press(pilot, "tab")
            assert "Look at" in words(pane(pilot, "card")), screen(pilot)
            await press(pilot, "tab")
            part = pane(pilot, "card")
            last = part[part.index("→") : part.rindex("→")]  # the last words stand first
            assert all(row.strip() in screen(pilot) for row in last.split("\n")), screen(pilot)  # all of it in sight
            assert MISCONCEPTIONS[id].remedy in words(last), screen(pilot)
            assert "gives your number: " in words(last) and "right: " in words(last), screen(pilot)
            stored = answers()[-1]
            assert (stored.misconception, stored.given, stored.verdict) == (id, answer, "misconception")
            await press(pilot, "f2")
            assert f"It is {pilot.app.screen.sitting.asking.item.answer}." in words(pane(pilot, "card"))


ASKED = {"a1": "0.690", "L": "0.770", "dL/da2": "2.16", "dL/da1": "0.375", "dL/dz1": "0.0804", "W2'": "0.514"}


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_asked_is_nowhere_on_the_screen_until_it_is_answered(size):
    remember_predict()
    async with tutor("o-classification", size, step="z1") as pilot:
        for step, value in ASKED.items():
            pilot.app.screen.jump(step)
            await pilot.pause()
            item = pilot.app.screen.sitting.asking.item
            assert value in item.answer
            for name in ("card", "state", "map", "where", "outline"):
                assert value not in pane(pilot, name), (step, name)
            await type_in(pilot, "123456")
            assert value not in screen(pilot) and value not in pane(pilot, "card"), step
            await type_in(pilot, right(item))
            assert pilot.app.screen.sitting.asking.done
            assert item.answer in pane(pilot, "card") and item.answer.strip("−") in screen(pilot), step
            if size[0] == 160 and step != "dL/da2":
                assert value in pane(pilot, "state") + pane(pilot, "map"), step


@pytest.mark.parametrize("lesson", sorted(LESSONS))
def test_what_an_answer_is_made_from_is_in_the_state(lesson):
    """A learner at a question cannot go back to look: all that earlier steps made, and the step uses, is listed."""
    opened = load(LESSONS[lesson])
    here, scribe = trace(opened), Scribe(trace(opened), opened.notation)
    made = {eq.symbol.key for eq in here.equations}
    for at, eq in enumerate(here.equations[1:]):
        lines, _ = state_lines(here, scribe, Cursor(at=at, notation=opened.notation), 60)
        listed = " ".join(item.text for item in lines)
        for operand in refs(eq.formula):
            symbol, example = operand.symbol, 0 if operand.symbol.per_example else None
            if symbol.key in made and symbol.wrt not in here.program.model.parameters:
                assert scribe.writer.text(Ref(symbol, None, example)) in listed, (eq.symbol.id, symbol.id)
        if eq.rule in ("mean_loss", "mean_gradient"):
            assert all(f"@{n}" in listed for n in range(1, here.examples + 1)), eq.symbol.id


async def test_beside_a_question_the_arrows_scroll_what_is_known_so_far():
    remember_predict()
    async with tutor("p-deep", (160, 48), step="dL/dz1") as pilot:
        await pilot.pause()
        player = pilot.app.screen
        assert player.sitting.asking and "So far (↑ ↓ scroll)" in screen(pilot)
        assert "by the backward pass" not in screen(pilot)
        await press(pilot, *["down"] * 20)
        assert "by the backward pass" in screen(pilot) and "∇_h₁ L(θ)" in pane(pilot, "state")
        await press(pilot, "f2")
        assert "So far" not in screen(pilot) and "State: value, gradient, new value" in screen(pilot)


async def test_panes_one_tabs_to_do_not_show_it_either():
    """Tab is a hint while a question is open; a pane that was chosen before stays."""
    remember_predict()
    async with tutor("o-classification", step="z1") as pilot:
        await press(pilot, "f2")
        for _ in range(4):
            await press(pilot, "tab")
            await press(pilot, "n")
            while not pilot.app.screen.sitting.asking:
                await press(pilot, "n")
            item = pilot.app.screen.sitting.asking.item
            assert item.answer not in screen(pilot)
            await press(pilot, "f2")


async def test_no_screen_over_an_open_question_answers_it():
    """The keys of the player work beside a question too, once one has clicked on a pane."""
    remember_predict()
    async with tutor("o-classification", (160, 48), step="z1") as pilot:
        player = pilot.app.screen
        player.jump("L")
        await pilot.pause()
        item = player.sitting.asking.item
        await pilot.click("#where")
        await press(pilot, "m")  # as far as it is known, and no step of it
        assert isinstance(pilot.app.screen, DiagramScreen) and item.answer not in screen(pilot)
        await press(pilot, "n", "m")
        for key in "vcx":
            await press(pilot, key)
            assert pilot.app.screen is player and "First the question" in screen(pilot), key
            assert item.answer not in screen(pilot) and not player.sitting.asking.done, key
        await press(pilot, "h")
        assert answers() == []  # leaving is not giving up


async def test_a_lesson_opened_on_a_question_takes_what_is_typed_for_it():
    remember_predict()
    async with tutor("gates", step="q") as pilot:
        await press(pilot, "1", "2", "3", "enter")
        assert pilot.app.screen.sitting.asking.given == "123" and "2 tries left" in screen(pilot)


async def test_a_new_learner_can_begin_with_questions():
    """The introduction offers it, so that one is computing within a minute."""
    async with tutor("gates") as pilot:
        assert "p begins with questions" in screen(pilot)
        await press(pilot, "p")
        assert pilot.app.screen.sitting.asking and "What is q?" in screen(pilot)
        await press(pilot, "3", "enter")
        assert pilot.app.screen.sitting.asking.last.correct


async def test_predict_mode_is_one_key_and_remembered_for_its_lesson():
    async with tutor("gates", step="q") as pilot:
        assert pilot.app.screen.sitting.asking is None
        await press(pilot, "p")
        assert "What is q?" in screen(pilot) and pilot.app.screen.query_one(Input).display
        assert "predict" in screen(pilot).split("\n")[0]
        await press(pilot, "f2")
    async with tutor("o-classification", step="z1") as pilot:
        assert pilot.app.screen.sitting.asking is None, "another lesson"
    async with tutor("gates", step="q") as pilot:
        assert pilot.app.screen.sitting.asking
        await press(pilot, "f2", "p")
        assert "Predict mode is off" in screen(pilot) and not pilot.app.screen.query_one(Input).display
        await press(pilot, "n", "n", "n")
        assert pilot.app.screen.sitting.asking is None
    async with tutor("gates", step="q") as pilot:
        assert pilot.app.screen.sitting.asking is None


async def test_predict_mode_in_every_lesson_where_that_is_asked_for():
    async with tutor("gates", step="q") as pilot:
        await press(pilot, "P")
        assert pilot.app.screen.sitting.asking
    async with tutor("o-classification", step="z1") as pilot:
        assert pilot.app.screen.sitting.asking
        await press(pilot, "escape", "P")
        assert "Predict mode is off" in screen(pilot)
    async with tutor("gates", step="q") as pilot:
        assert pilot.app.screen.sitting.asking is None


async def test_only_the_steps_that_the_lesson_names_are_asked(tmp_path):
    path = tmp_path / "mine.toml"
    text = LESSONS["o-classification"].read_text(encoding="utf-8").partition("[[questions]]")[0]
    path.write_text(text + '\n[quiz]\nsteps = ["a2", "dL/dW1"]\n', encoding="utf-8")
    remember_predict()
    async with tutor(path, step="z1") as pilot:
        asked = []
        for _ in range(25):
            player = pilot.app.screen
            if player.sitting.asking and not player.sitting.asking.done:
                asked.append(player.sitting.asking.item.step.equation.symbol.id)
                await press(pilot, "f2")
            await press(pilot, "pagedown")
        assert asked == ["a2", "dL/dW1"]


TWO_ON_A_STEP = """
format = 1
title = "T"
[circuit]
define = ["q = x + y", "f = q * z"]
output = "f"
inputs = { x = 2, y = 3, z = 4 }
[quiz]
steps = ["q"]
[[questions]]
step = "f"
[[questions]]
step = "f"
kind = "operands"
[[questions]]
ask = "How many gates are there?"
answer = 2
"""


async def test_all_of_an_authors_questions_are_asked_one_after_the_other_and_those_without_a_step_at_the_end(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TWO_ON_A_STEP, encoding="utf-8")
    remember_predict()
    async with tutor(path, step="x") as pilot:
        player, asked = pilot.app.screen, []
        player.jump("q")
        await pilot.pause()
        for _ in range(12):
            if player.sitting.asking and not player.sitting.asking.done:
                asked.append((here(pilot), player.sitting.asking.item.kind))
                await type_in(pilot, right(player.sitting.asking.item).split(" (")[0])
                assert player.sitting.asking.done and player.sitting.asking.last.correct
            elif pilot.app.screen is player:
                await press(pilot, "n")
        last = player.sitting.trace.equations[-1].symbol.id
        assert asked == [("q", "value"), ("f", "value"), ("f", "operands"), (last, "number")]


async def test_a_whole_lesson_in_predict_mode_with_right_answers():
    remember_predict()
    async with tutor("gates", step="q") as pilot:
        asked = 0
        for _ in range(30):
            player = pilot.app.screen
            if not isinstance(player, PlayerScreen):
                break
            if player.sitting.asking and not player.sitting.asking.done:
                asked += 1
                await type_in(pilot, right(player.sitting.asking.item))
                assert player.sitting.asking.last.correct and here(pilot)
            await press(pilot, "n")
        assert "✓ The chain rule in two gates" in screen(pilot)
    found = answers()
    assert asked >= 4 and [answer.verdict for answer in found] == ["correct"] * asked
    assert {answer.lesson for answer in found} == {"gates"}


async def test_what_was_asked_is_not_asked_again_on_the_way_back():
    remember_predict()
    async with tutor("gates", step="q") as pilot:
        await type_in(pilot, right(pilot.app.screen.sitting.asking.item))
        await press(pilot, "n", "f2", "b")
        assert here(pilot) == "q" and pilot.app.screen.sitting.asking is None and "= " in pane(pilot, "card")


async def test_the_hint_key_scratch_paper_and_giving_up():
    remember_predict()
    async with tutor("o-classification", step="dL/dz1") as pilot:
        item = pilot.app.screen.sitting.asking.item
        await type_in(pilot, "abc")
        await type_in(pilot, "= 0.3759 * 2")
        assert "0.7518" in screen(pilot) and pilot.app.screen.sitting.asking.tries == 0
        await press(pilot, "tab")
        assert item.hints[0] in words(screen(pilot)) and item.hints[1] not in words(screen(pilot))
        await press(pilot, "f2")
        assert f"It is {item.answer}." in screen(pilot)
        assert [(a.verdict, a.hints) for a in answers()] == [("given-up", 1)]


async def test_the_answer_is_kept_before_its_verdict_is_drawn(monkeypatch):
    remember_predict()
    async with tutor("gates", step="q") as pilot:
        player, seen = pilot.app.screen, []
        draw = type(player).draw
        monkeypatch.setattr(type(player), "draw", lambda self: (seen.append(len(answers())), draw(self))[1])
        await type_in(pilot, "123")
        assert seen and seen[0] == 1


MARKUP = "[red]x[/red]"


async def test_markup_in_an_answer_is_shown_as_it_is():
    remember_predict()
    texts = [MARKUP, "[@click=app.quit]q[/]", "[/]"]
    async with tutor("gates", step="q") as pilot:
        for text in texts:
            await type_in(pilot, text)
            assert text in screen(pilot) and pilot.app.is_running
    async with start_quiz("gates") as pilot:
        for text in texts:
            await type_in(pilot, text)
            assert pilot.app.is_running and answers() == []
    async with drilling() as pilot:
        for text in texts:
            await type_in(pilot, text)
            assert text in screen(pilot) and answers() == []


# ---------------------------------------------------------------- quiz


@asynccontextmanager
async def start_quiz(*ids, size=(80, 24), count=10, seed=None):
    def start(app):
        paths = tuple(str(LESSONS[id]) for id in ids)
        id, session, items, _ = records.start_quiz(app.store, paths, count, seed, False)
        app.open_quiz(id, session, items)

    async with opened(start, size) as pilot:
        yield pilot


@pytest.mark.parametrize("size", SIZES)
async def test_ten_right_answers(size):
    async with start_quiz("o-classification", size=size, seed=7) as pilot:
        items = pilot.app.screen.items
        assert len(items) == 10
        for n, item in enumerate(items, start=1):
            text = screen(pilot)
            assert f"question {n} of 10" in text and item.prompt[:40] in words(text)
            for choice in item.choices:
                assert choice in words(pane(pilot, "card")).replace("  ", " "), choice
            await type_in(pilot, right(item))
            assert len(answers()) == n
        assert "10 of 10 right" in screen(pilot)
        assert pane(pilot, "card").count("✓") == 10 and not pilot.app.screen.query_one(Input).display
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_what_was_not_understood_can_be_typed_over():
    async with opened(lambda app: app.quiz_on(LESSONS["c-431"])) as pilot:
        screen_ = pilot.app.screen
        while screen_.items[screen_.session.at].kind not in ("value", "number"):
            await press(pilot, "tab")
        await type_in(pilot, "1,5")
        line = screen_.query_one(Input)
        assert line.value == "1,5" and screen_.word
        await press(pilot, "0", "full_stop", "5")
        assert line.value == "0.5"


async def test_choices_and_known_values_are_readable_to_their_ends():
    async with start_quiz("o-classification", "p-deep", seed=2, size=(60, 16)) as pilot:
        columns = pilot.app.screen.query_one("#card").size.width
        for _ in pilot.app.screen.items:
            card = pane(pilot, "card")
            assert all(len(row) <= columns for row in card.split("\n")), card
            await press(pilot, "tab")


async def test_no_verdict_and_no_hint_before_the_report():
    async with start_quiz("o-classification", seed=7) as pilot:
        item = pilot.app.screen.items[0]
        await type_in(pilot, "123456" if not item.choices else "1")
        text = words(screen(pilot))
        assert "question 2 of 10 · 1 answered" in text
        assert not any(word in text for word in ("Right.", "That is not it", "tries left", "yours:"))
        assert all(hint not in text for hint in item.hints)


async def test_left_in_the_middle_it_goes_on_at_the_same_question():
    async with start_quiz("o-regression") as pilot:
        items = pilot.app.screen.items
        ids, seed = [item.id for item in items], pilot.app.screen.session.seed
        await type_in(pilot, right(items[0]))
        await press(pilot, "tab")
        await type_in(pilot, right(items[2]))
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, HomeScreen)
    async with start_quiz("o-regression") as pilot:
        player = pilot.app.screen
        assert player.session.seed == seed and [item.id for item in player.items] == ids
        assert "question 4 of 10 · 2 answered" in screen(pilot) and len(answers()) == 2
        for item in (*player.items[3:], player.items[1]):
            await type_in(pilot, right(item))
        assert "10 of 10 right" in screen(pilot)
    async with start_quiz("o-regression") as pilot:
        assert "question 1 of 10 · 0 answered" in screen(pilot)


async def test_a_quiz_from_home_goes_on_from_home():
    async with tutor() as pilot:
        await press(pilot, "ctrl+g")
        await until(pilot, lambda: isinstance(pilot.app.screen, QuizScreen))
        items = pilot.app.screen.items
        await type_in(pilot, right(items[0]))
        await press(pilot, "escape", "ctrl+g")
        await until(pilot, lambda: isinstance(pilot.app.screen, QuizScreen))
        assert "question 2 of 10 · 1 answered" in screen(pilot)


async def test_skip_back_and_the_end():
    async with start_quiz("o-classification", seed=7) as pilot:
        items = pilot.app.screen.items
        await press(pilot, "tab", "tab")
        assert "question 3 of 10" in screen(pilot) and items[2].prompt[:30] in words(screen(pilot))
        await press(pilot, "shift+tab")
        assert "question 2 of 10" in screen(pilot)
        await press(pilot, "shift+tab", "shift+tab")
        assert "question 10 of 10" in screen(pilot)
        await type_in(pilot, right(items[9]))
        assert "question 1 of 10 · 1 answered" in screen(pilot)
        await press(pilot, "f8", "enter")
        assert "finished: 1 of 10 right" in screen(pilot) and pane(pilot, "card").count("not answered") == 9
        assert "answer  tab" not in screen(pilot) and "esc leave" in screen(pilot) and "later" not in screen(pilot)
        await press(pilot, "f8", "tab", "enter")
        assert "finished: 1 of 10 right" in screen(pilot)


async def test_the_report_has_the_worked_steps_of_wrong_answers():
    async with start_quiz("o-classification", seed=7, size=(160, 48)) as pilot:
        items = pilot.app.screen.items
        wrong = next(item for item in items if item.kind == "value")
        other = next(item for item in items if item.kind == "value" and item is not wrong)
        for item in items:
            await type_in(pilot, "123456" if item is wrong else right(item))
        report = words(pane(pilot, "card"))
        assert "9 of 10 right" in screen(pilot) and "you: 123456" in report
        assert all(words(hint) in report for hint in wrong.hints[1:]) and words(other.hints[2]) not in report


async def test_what_cannot_be_understood_says_so_and_stays():
    async with start_quiz("o-classification", seed=7) as pilot:
        for text in ("", "abc def", "1e999"):
            await type_in(pilot, text)
            assert "question 1 of 10 · 0 answered" in screen(pilot)
            assert pilot.app.screen.word and pilot.app.screen.word[:25] in words(screen(pilot))
        assert answers() == []


async def test_control_characters_of_an_answer_are_escaped_in_the_report():
    """As they may come from a pipe, in line mode."""
    async with start_quiz("o-classification", seed=7) as pilot:
        quiz_screen = pilot.app.screen
        at = next(n for n, item in enumerate(quiz_screen.items) if item.kind == "value")
        for _ in range(at):
            await press(pilot, "tab")
        quiz_screen.session, _ = quiz.answer(quiz_screen.session, quiz_screen.items, "123\x1b\x07")
        assert quiz_screen.session.answers[at]
        await press(pilot, "f8", "enter")
        report = pane(pilot, "card")
        assert "123" in report and all(char.isprintable() or char == "\n" for char in report)


# ---------------------------------------------------------------- practice


@asynccontextmanager
async def drilling(size=(80, 24), skill="weight_gradient"):
    lesson = load(LESSONS["o-classification"])
    exercises = practice.drill(lesson, "o-classification", skill, 7)
    async with opened(lambda app: app.practise("Drill", exercises), size) as pilot:
        yield pilot


@pytest.mark.parametrize("size", SIZES)
async def test_a_drill_shows_the_seed_takes_three_tries_shows_the_step_and_goes_on(size):
    async with drilling(size) as pilot:
        item = pilot.app.screen.asking.item
        assert f"seed {item.seed}" in screen(pilot) and item.prompt[:30] in words(screen(pilot))
        for n, text in enumerate(("1234", "2345", "3456"), start=1):
            assert item.answer not in screen(pilot)
            await type_in(pilot, text)
            assert len(answers()) == n
        card = words(pane(pilot, "card"))
        assert f"It is {item.answer}." in card and item.hints[2].split(" = ", 1)[1] in card
        assert "Enter: the next question" in screen(pilot) and "0 of 1 right" in screen(pilot)
        await press(pilot, "enter")
        following = pilot.app.screen.asking.item
        assert following.seed > item.seed and f"seed {following.seed}" in screen(pilot)
        await type_in(pilot, right(following))
        assert "1 of 2 right" in screen(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_hints_and_giving_up_in_a_drill():
    async with drilling() as pilot:
        item = pilot.app.screen.asking.item
        for hint in item.hints[:3]:
            await press(pilot, "tab")
            assert words(hint) in words(pane(pilot, "card"))
        assert words(item.hints[2]) in words(screen(pilot))  # the last words are in sight
        await press(pilot, "tab")
        assert pilot.app.screen.asking.done and item.answer in screen(pilot)
        await press(pilot, "enter", "f2")
        assert "0 of 2 right" in screen(pilot)
        assert [answer.verdict for answer in answers()] == ["given-up"] * 2


async def test_what_is_known_is_beside_the_question_or_below_it():
    for size in SIZES:
        async with drilling(size) as pilot:
            item = pilot.app.screen.asking.item
            known = pane(pilot, "state") if size[0] == 160 else pane(pilot, "card")
            assert ("iq = " in known and "y₁ = " in known) or "x" in known
            assert "2 inputs → 2 sigmoid → 1 sigmoid" in known and "Loss: binary cross-entropy." in known
            assert item.answer not in known


def make_due(skill="weight_gradient", lesson="o-classification"):
    then = datetime.now(UTC) - timedelta(days=30)
    with Store.open() as store:
        answer = GivenAnswer(lesson, f"value:{skill}", skill, "value", "1", "correct", credit=1.0)
        store.record(answer, mastery.review(None, mastery.rating(1.0), then))


async def test_review_from_home_asks_what_is_due_and_then_says_that_this_is_all():
    make_due()
    async with tutor() as pilot:
        await press(pilot, "ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, PracticeScreen))
        asking = pilot.app.screen.asking
        assert asking.item.skill == "weight_gradient" and "Review" in screen(pilot)
        await type_in(pilot, right(asking.item))
        await press(pilot, "enter")
        assert "That is all for now" in screen(pilot)
        await press(pilot, "enter", "tab", "f2")
        assert "That is all for now" in screen(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_nothing_due_says_so():
    async with tutor() as pilot:
        await press(pilot, "ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, PracticeScreen))
        assert "Nothing is due today." in screen(pilot)
        assert "hint" not in screen(pilot) and "esc leave" in screen(pilot)
        assert not pilot.app.screen.query_one(Input).display


# ---------------------------------------------------------------- progress


def met(*slips):
    """Answers with these misconceptions, and a right one of another skill."""
    with Store.open() as store:
        for at, (id, skill) in enumerate(slips):
            item = f"value:{at}"
            store.record(GivenAnswer("o-classification", item, skill, "value", "1", "misconception", misconception=id))
        store.record(GivenAnswer("gates", "value:q", "gate_add", "value", "3", "correct", credit=1.0))


async def test_progress_before_the_first_question():
    async with tutor() as pilot:
        await press(pilot, "ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, ProgressScreen))
        assert "Nothing asked yet" in screen(pilot) and "0 questions" in screen(pilot)
        await press(pilot, "enter", "down", "up", "escape")
        assert isinstance(pilot.app.screen, HomeScreen)


@pytest.mark.parametrize("size", SIZES)
async def test_progress_has_bars_and_misconceptions_and_enter_drills_that_skill(size):
    met(*[("slope-dropped", "pre_activation_gradient")] * 2, ("difference-reversed", "combined_error"))
    make_due()
    async with tutor(size=size) as pilot:
        await press(pilot, "ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, ProgressScreen))
        text = screen(pilot)
        assert "█" in text and "░" in text and "%" in text and "due" in text
        rows = pane(pilot, "list").split("\n")
        counted = [row for row in rows if "×" in row]
        assert MISCONCEPTIONS["slope-dropped"].title[:30] in counted[0] and "2 ×" in counted[0]
        assert MISCONCEPTIONS["difference-reversed"].title[:30] in counted[1] and "1 ×" in counted[1]
        weakest = pilot.app.screen.query_one("#list").lines[2]
        assert weakest.target in ("skill pre_activation_gradient", "skill combined_error")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PracticeScreen))
        assert f"skill {pilot.app.screen.asking.item.skill}" == weakest.target
        await press(pilot, "f2", "escape")
        assert isinstance(pilot.app.screen, ProgressScreen) and len(answers()) == 6


async def test_enter_on_a_misconception_drills_its_skill_on_its_lesson():
    met(("difference-reversed", "combined_error"))
    async with tutor() as pilot:
        await press(pilot, "ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, ProgressScreen))
        listing = pilot.app.screen.query_one("#list")
        while "×" not in listing.lines[listing.cursor].text:
            await press(pilot, "down")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PracticeScreen))
        exercise = pilot.app.screen.exercise
        assert (exercise.item.skill, exercise.lesson) == ("combined_error", "o-classification")


async def test_r_reviews_from_the_progress_screen():
    make_due()
    async with tutor() as pilot:
        await press(pilot, "ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, ProgressScreen))
        await press(pilot, "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, PracticeScreen))
        assert pilot.app.screen.asking.item.skill == "weight_gradient"


# ---------------------------------------------------------------- small terminals


@pytest.mark.parametrize("open_", [start_quiz, drilling])
async def test_the_smallest_terminal_and_one_that_is_too_small(open_):
    async with open_(*(["o-classification"] if open_ is start_quiz else []), size=(60, 16)) as pilot:
        text = screen(pilot)
        assert "What is known" not in text and pilot.app.screen.query_one(Input).region.bottom <= 16
        shown = pilot.app.screen
        item = shown.items[0] if open_ is start_quiz else shown.asking.item
        assert words(item.prompt)[:40] in words(text) and "enter answer" in text
        await pilot.resize_terminal(59, 15)
        await pilot.pause()
        assert "needs 60 × 16" in screen(pilot) and "59 × 15" in screen(pilot)
        await pilot.resize_terminal(60, 16)
        await pilot.pause()
        assert words(item.prompt)[:40] in words(screen(pilot))
        await type_in(pilot, right(item))
        assert len(answers()) == 1


async def test_the_keys_say_what_they_do_at_every_size():
    for start, words in (start_quiz("gates"), "answer skip leave"), (drilling(), "answer hint leave"):
        async with start as pilot:
            for size in ((60, 16), *SIZES):
                await pilot.resize_terminal(*size)
                await pilot.pause()
                for word in words.split():
                    assert word in "\n".join(screen(pilot).split("\n")[-3:]), (size, word)


@pytest.mark.parametrize("size", SIZES)
async def test_a_placement_from_home_marks_what_is_known_and_home_says_what_is_next(size):
    async with opened(None, size) as pilot:
        assert "▸ next" in screen(pilot) and "ctrl+l" in screen(pilot)
        await press(pilot, "ctrl+l")
        assert isinstance(pilot.app.screen, QuizScreen)
        await type_in(pilot, right(pilot.app.screen.items[0]))
        await type_in(pilot, "I do not know")
        await press(pilot, "tab")
        shown = pilot.app.screen.items
        assert len(shown) == 4 and "question 4, 12 at most" in words(screen(pilot)), "there is always a next one"
        await press(pilot, "f8", "enter")
        assert "Begin with “" in words(pane(pilot, "card")), screen(pilot)
        reached = shown[0].step.trace.lesson.title
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, HomeScreen)
        rows = screen(pilot).split("\n")
        following = next(row for row in rows if "▸ next" in row)
        assert "○" in following, screen(pilot)
        known = [row for row in rows if "≈" in row and "known" in row]
        assert known and any(reached in row for row in rows[: rows.index(following)]), screen(pilot)


# ---------------------------------------------------------------- a grid of cells


@asynccontextmanager
async def matrix_question(size=(80, 24)):
    """A quiz of one question for all of W1′'s gradient in o-classification: 2 × 2 cells."""
    here = trace(load(LESSONS["o-classification"]))
    item = item_for(here.find("dL/dW1"), Writer(here.lesson, here.lesson.notation), random.Random(1), ("matrix",))
    exercise = practice.PracticeItem("o-classification", item)
    async with opened(lambda app: app.practise("Drill", iter([exercise])), size) as pilot:
        yield pilot, item


@pytest.mark.parametrize("size", SIZES)
async def test_a_matrix_is_answered_cell_by_cell(size):
    async with matrix_question(size) as (pilot, item):
        cells = item.answer.replace("\n", " ").split()
        assert "cell [1, 1] of 2 × 2" in screen(pilot)
        await press(pilot, "7", "down")
        assert "cell [2, 1]" in screen(pilot) and "▸" in screen(pilot)
        await press(pilot, "up", "backspace")
        for cell in cells[:3]:  # Enter goes to the next empty cell
            await press(pilot, *("minus" if char in "-−" else "full_stop" if char == "." else char for char in cell))
            await press(pilot, "enter")
        assert "cell [2, 2]" in screen(pilot) and not pilot.app.screen.asking.tries
        await press(pilot, "9", "enter")
        assert pilot.app.screen.asking.tries == 1 and "3 of 4 right" in words(pane(pilot, "card"))
        marked = next(row for row in pane(pilot, "card").split("\n") if "9" in row and "✗" in row)
        assert "✓" in marked, "each cell has its own verdict, and what was typed stays"
        await press(pilot, "backspace")
        await type_in(pilot, cells[3])
        assert pilot.app.screen.asking.done and pilot.app.screen.asking.last.correct


@pytest.mark.parametrize("text", ["1 2; 3 4", "1, 2, 3, 4", "[[1, 2], [3, 4]]", "1 2 3 4"])
async def test_a_matrix_may_be_typed_or_pasted_whole(text):
    async with matrix_question() as (pilot, _):
        await type_in(pilot, text)
        assert pilot.app.screen.asking.given == "1, 2; 3, 4"


async def test_scratch_paper_in_a_cell_leaves_the_cell_as_it_was():
    async with matrix_question() as (pilot, _):
        await press(pilot, "5", "right")
        await type_in(pilot, "= 2 * 3")
        assert "= 6" in words(pane(pilot, "card")) and not pilot.app.screen.asking.tries
        assert pilot.app.screen.grid.cells == ("5", "", "", "") and "cell [1, 2]" in screen(pilot)


async def test_the_questions_of_an_author_are_drilled_as_they_are_again():
    async with start_quiz("derivative", seed=3) as pilot:
        while pilot.app.screen.items[pilot.app.screen.session.at].skill != AUTHOR:
            await press(pilot, "tab")
        await type_in(pilot, "123")
        pilot.app.show_progress()
        await until(pilot, lambda: isinstance(pilot.app.screen, ProgressScreen))
        await until(pilot, lambda: "1 question, 0 right" in screen(pilot))
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PracticeScreen))
        assert pilot.app.screen.asking.item.skill == AUTHOR
