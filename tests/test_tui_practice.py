"""Practice on the screen: skipped and once more, my mistakes, the goal of the day."""

from __future__ import annotations

from datetime import UTC, datetime

from strategies import bundled
from test_tui import press, screen, tutor, type_in, until
from tutor.engine.expressions import Ref
from tutor.engine.trace import trace
from tutor.learner import today
from tutor.learner.mistakes import mistakes
from tutor.learner.store import Store
from tutor.pictures.diagram import tell
from tutor.play.playback import come_to
from tutor.questions.items import item_of_value
from tutor.questions.mastery import GivenAnswer
from tutor.questions.question import Question
from tutor.questions.quiz import known_until
from tutor.text.card import Scribe
from tutor.text.layout import number
from tutor.text.writer import Writer
from tutor.tui.map import NetworkScreen
from tutor.tui.mistakes import MistakesScreen
from tutor.tui.practice import PracticeScreen

SIZE = (80, 24)


def kept():
    store = Store.open()
    found = store.answers()
    store.close()
    return found


def answered_wrongly(typed="0.376"):
    store = Store.open()
    store.record(
        GivenAnswer(
            "o-classification", "value:dL/dz1[2]", "pre_activation_gradient", "value", typed, "misconception",
            "slope-dropped", asked="What is the asked one?",
        )
    )  # fmt: skip
    store.close()


async def test_a_mistake_is_on_the_screen_and_asked_again_from_home():
    answered_wrongly()
    async with tutor(size=SIZE) as pilot:
        await press(pilot, "ctrl+x")
        await until(pilot, lambda: isinstance(pilot.app.screen, MistakesScreen))
        await until(pilot, lambda: "0.376" in screen(pilot))
        assert "What is the asked one?" in screen(pilot)
        assert "The slope of the activation was left out." in screen(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PracticeScreen) and pilot.app.screen.query("#card"))
        await type_in(pilot, "0.0804")
        await press(pilot, "escape")
        await until(pilot, lambda: "right since" in screen(pilot))
        assert "0 not right since" in screen(pilot)
    assert mistakes(kept())[0].mended


async def test_a_question_of_practice_is_skipped_comes_back_and_comes_once_more():
    async with tutor(size=SIZE) as pilot:
        pilot.app.call_later(pilot.app.drill, "gate_mul_gradient", "gates")
        await until(pilot, lambda: isinstance(pilot.app.screen, PracticeScreen) and pilot.app.screen.query("#card"))
        here = pilot.app.screen
        first = here.item
        await type_in(pilot, "12345")
        await press(pilot, "f7")
        second = here.item
        assert second is not None and second.seed != first.seed
        await press(pilot, "f6")  # nothing is done yet: it does nothing
        assert here.item is second
        await type_in(pilot, second.answer.replace("−", "-"))
        await press(pilot, "enter")
        assert here.item is first and here.asking.tries == 1  # it came back, with its tries
        await press(pilot, "f2")
        assert "f6: this one with new numbers" in screen(pilot)
        await press(pilot, "f6")
        assert here.item.id == first.id and here.item.seed != first.seed


async def test_the_network_is_there_beside_a_question_as_far_as_it_is_known():
    async with tutor(size=SIZE) as pilot:
        pilot.app.call_later(pilot.app.drill, "pre_activation_gradient", "o-classification")
        await until(pilot, lambda: isinstance(pilot.app.screen, PracticeScreen) and pilot.app.screen.query("#card"))
        here = pilot.app.screen
        step, trace = here.item.step, here.item.step.trace
        await press(pilot, "f4")
        assert isinstance(pilot.app.screen, NetworkScreen) and "as far as it is known" in screen(pilot)
        shown = screen(pilot)
        output = trace.program.model.layers[-1].activation
        assert number(float(trace.value(Ref(output, (0,), step.example)))) in shown
        assert here.item.answer not in shown
        await press(pilot, "escape")
        assert pilot.app.screen is here and here.asking.tries == 0 and not here.asking.done


def test_what_one_question_of_a_quiz_asks_for_no_other_shows():
    here = trace(bundled("o-classification"))
    writer = Writer(here.lesson, "partials")
    items = [item_of_value(Question(here.find(id), writer)) for id in ("dL/dW1[1,1]", "a2[1]", "dL/da1[1]")]
    alone, place = known_until(items[0], items[:1]), [eq.symbol.id for eq in here.equations]
    assert place[alone + 1] == "dL/dW1" and place[known_until(items[0], items) + 1] == "a2"
    cursor = come_to(here, known_until(items[2], items), 0, "partials")
    told = " ".join(tell(here, Scribe(here, "partials"), items[2].step, cursor))
    assert "z_fin = −0.1485" in told and "0.4629" not in told


async def test_a_goal_is_chosen_at_home_and_said_when_it_is_reached():
    async with tutor(size=SIZE) as pilot:
        await press(pilot, "ctrl+y")
        await type_in(pilot, "some")
        assert "a number of questions" in " ".join(screen(pilot).split())
        await press(pilot, *["backspace"] * 4)
        await type_in(pilot, "1")
        await until(pilot, lambda: "today 0 of 1 question" in screen(pilot))
        pilot.app.call_later(pilot.app.drill, "gate_mul_gradient", "gates")
        await until(pilot, lambda: isinstance(pilot.app.screen, PracticeScreen) and pilot.app.screen.query("#card"))
        await press(pilot, "f2", "escape")
        await until(pilot, lambda: "Your goal for today is reached" in screen(pilot))
        assert "1 question, 0 right in the end" in screen(pilot) and "Slipped: Multiply gate, backward" in screen(pilot)
        await press(pilot, "enter")
        assert "0 of 1 right" in screen(pilot)  # the lesson's score
    store = Store.open()
    assert not today.reached(store, datetime.now(UTC))
    store.close()
