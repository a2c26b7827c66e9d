"""Every bundled lesson in predict mode at 80 × 24: no verdict is out of sight, and no pane is a step behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from strategies import DEEP, bundled
from test_tui import LESSONS, press, screen, tutor, type_in
from test_tui_quiz import remember_predict, right
from tutor.pictures.diagram import diagram
from tutor.play import playback
from tutor.tui import state_views
from tutor.tui.answer import AnswerLine
from tutor.tui.lines import Line, line
from tutor.tui.player import PlayerScreen

MOST = 3  # questions of a lesson that are walked through, one in each way that `answered` has; of every second, one


def in_sight(pilot, name: str) -> list[Line]:
    """The lines of a pane that are really on the screen."""
    pane = pilot.app.screen.query_one(f"#{name}")
    return pane.lines[pane.top : pane.top + pane.size.height]


def panes_are_of_this_step(player: PlayerScreen) -> None:
    """Each pane that can be seen shows what it has to say of the current step."""
    step = playback.current(player.sitting.cursor, player.sitting.trace)
    card = player.sitting.scribe.card(step)
    for name in ("where", "mini", "map"):
        pane = player.query_one(f"#{name}")
        if pane.region.width < 11 or not pane.display or (not player.query_one("#side").display and name != "map"):
            continue
        columns, rows = pane.size.width, pane.size.height
        if name == "where":
            expected = state_views.where_from_lines(card, columns - 1)
            if player.sitting.still_asked:  # between two questions on a step its value is not shown yet
                expected = [line("What it rests on shows after your answer.")]
        else:
            drawn = diagram(player.sitting.trace, player.sitting.scribe, step, player.sitting.known, columns, rows)
            expected = [Line(row) for row in drawn.picture]
        assert [shown.text for shown in pane.lines] == [shown.text for shown in expected], (step.id, name)


async def answered(pilot, how: int) -> None:
    """Answer the open question, in one of several ways, and see its verdict each time."""
    player = pilot.app.screen
    asking = player.sitting.asking

    def seen(mark: str) -> None:
        if not player.sitting.asking.done:
            title = str(player.query_one("#answer").border_title)
            assert title.startswith(mark) and "left" in title and title[:40] in screen(pilot), screen(pilot)
            _, said = player.asking_lines(player.sitting.asking, player.query_one("#card").size.width - 1)
            assert player.query_one("#card").top <= said.start, "the last words are in sight from their beginning"
        else:
            first, *_ = in_sight(pilot, "card")
            assert first.text.startswith(mark), screen(pilot)
            assert ": the next" in screen(pilot), screen(pilot)
            panes_are_of_this_step(player)

    if how == 0:
        await type_in(pilot, right(asking.item))
        seen("✓")
        return
    if how == 1:
        await press(pilot, "f2")
        seen("→")
        return
    wrong = "98765.4321"
    if asking.item.choices:
        numbers = map(str, range(1, len(asking.item.choices) + 1))
        wrong = next(number for number in numbers if not asking.item.grade(number).correct)
    if asking.item.kind == "matrix":
        wrong = "; ".join(", ".join(["98765.4321"] * len(row.split())) for row in asking.item.answer.split("\n"))
    for _ in range(asking.most):
        await type_in(pilot, wrong)
        if player.sitting.asking.said[-1].kind == "not-understood":
            assert "not understood" in screen(pilot)
            await press(pilot, "f2")
            return
        seen("✗")
        if player.sitting.asking.done:
            break
    assert player.sitting.asking.done and player.query_one(AnswerLine).over
    at = player.sitting.cursor
    await press(pilot, "2", "left_parenthesis", "1", "q", "h", "p")  # what was meant for the question
    assert player.sitting.cursor == at and pilot.app.screen is player and player.sitting.predict


SMALLEST = ("gates", "c-431", "o-classification", "one-neuron")
TOGETHER = 6  # lessons that one app opens, one after the other: to start an app takes as long as to walk through one


def chunks(lessons: Sequence[str]) -> Iterator[list[tuple[int, str]]]:
    """The lessons with their numbers, some at a time."""
    numbered = list(enumerate(lessons))
    return (numbered[at : at + TOGETHER] for at in range(0, len(numbered), TOGETHER))


EVERY = 1 if DEEP else 3  # of three lessons that stand side by side in the alphabet, one
WALKS = [(some, (80, 24)) for some in chunks(sorted(LESSONS)[::EVERY])]
WALKS += [(some, (60, 16)) for some in chunks(SMALLEST)]


@pytest.mark.parametrize("lessons, size", WALKS, ids=[f"{some[0][1]}-{size[0]}" for some, size in WALKS])
async def test_every_lesson_in_predict_mode(lessons, size):
    remember_predict()
    async with tutor(None, size) as pilot:
        for number, lesson in lessons:
            pilot.app.play(bundled(lesson), lesson)
            await pilot.pause()
            await press(pilot, "enter")
            assert await walked(pilot, MOST if DEEP or number % 2 == 0 else 1), lesson
            while len(pilot.app.screen_stack) > 1:
                await pilot.app.pop_screen()
            await pilot.pause()


async def walked(pilot, most: int) -> int:
    """Go through the lesson that is open, answering so many of its questions; how many it had."""
    player, count = pilot.app.screen, 0
    assert isinstance(player, PlayerScreen)
    for _ in range(400):
        if pilot.app.screen is not player or count >= most:
            break
        if player.sitting.open_question:
            assert "predict" in screen(pilot)
            before = player.sitting.cursor
            await answered(pilot, count % 3)
            assert player.sitting.cursor == before
            count += 1
        elif player.sitting.asking and player.query_one(AnswerLine).over:
            await press(pilot, "enter")
        elif player.sitting.asking or player.sitting.next_question():
            await press(pilot, "n")
        else:  # the next step that is asked about
            moved = playback.next_equation(player.sitting.cursor, player.sitting.trace)
            if moved.at == player.sitting.cursor.at:
                break
            player.show(player.sitting.at(moved))
            await pilot.pause()
            if not player.sitting.open_question:
                panes_are_of_this_step(player)
    return count
