"""A paper and an exam on the screen: cells by keys, the check, the clock, the end, two sizes."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from textual.events import Paste

from strategies import bundled
from test_tui import pane, press, screen, tutor
from tutor.engine.trace import trace
from tutor.learner.papers import open_paper, start_exam
from tutor.learner.store import Store
from tutor.lessonfiles.catalogue import find
from tutor.tui.app import TutorApp
from tutor.tui.dialogs import Reader
from tutor.tui.glossary import Glossary
from tutor.tui.map import NetworkScreen
from tutor.tui.paper import CellLine, PaperScreen
from tutor.tui.player import PlayerScreen


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def exam_on(lesson, size=(80, 24), clock=None, **options):
    store = Store.open()
    keeper, exam, _ = start_exam(store, str(find(lesson).resolve()), **options)
    app = TutorApp(store, lambda app: app.push_screen(PaperScreen(keeper, exam.paper, exam, clock or Clock())))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot
    store.close()


def at(pilot):
    return pilot.app.screen.at


async def typed(pilot, text, *then):
    for char in text:
        await pilot.press({"-": "minus", "=": "equals_sign", ".": "full_stop"}.get(char, char))
    await press(pilot, *then)


async def test_a_paper_from_the_player_is_filled_in_checked_and_kept():
    async with tutor("gates", step="q") as pilot:
        await press(pilot, "s")
        assert isinstance(pilot.app.screen, PaperScreen) and at(pilot) == "q"
        await typed(pilot, "4", "enter")  # x + y is −2 + 5
        assert at(pilot) == "f"
        await typed(pilot, "=q*z", "enter")
        assert pilot.app.screen.paper.entries == {"q": "4", "f": "-16"}
        await typed(pilot, "=df/dq", "enter")
        assert "not filled in yet" in screen(pilot) and at(pilot) == "df/dq"
        await press(pilot, "f7")
        assert at(pilot) == "q" and "The first that is wrong is q" in screen(pilot)
        assert "✗4" in pane(pilot, "card") and "→−16" in pane(pilot, "card") and "?=df/dq" in pane(pilot, "card")
        await typed(pilot, "3", "f7")
        assert "✓3" in pane(pilot, "card") and "✗−16" in pane(pilot, "card")
        await press(pilot, "q")  # nothing is typed: it leaves
        assert isinstance(pilot.app.screen, PlayerScreen)
        await press(pilot, "s")
        assert pilot.app.screen.paper.entries == {"q": "3", "f": "-16", "df/dq": "=df/dq"}


async def test_cells_are_chosen_by_arrows_tab_and_the_mouse():
    async with tutor("o-classification", step="z1") as pilot:
        await press(pilot, "s", "right")
        assert at(pilot) == "z1[2]"
        await press(pilot, "down", "down")
        assert at(pilot) == "z2[1]"  # the nearest in its row
        await press(pilot, "up", "left")
        assert at(pilot) == "z1[2]"
        await typed(pilot, "0.8", "left", "left", "left", "left")  # first through what is typed
        assert at(pilot) == "z1[1]"
        await press(pilot, "right", "home", "right", "shift+tab")
        assert at(pilot) == "z1[1]"
        await press(pilot, "tab", "pagedown", "pagedown")
        assert at(pilot) == "a2[1]"
        await press(pilot, "pageup", "end")
        lines = pilot.app.screen.query_one("#card").lines
        row = next(y for y, line in enumerate(lines) if "z_prev" in line.text)
        await pilot.click("#card", offset=(lines[row].text.index("0.8") + 1, row))
        await pilot.pause()
        assert at(pilot) == "z1[2]" and pilot.app.screen.query_one(CellLine).value == "0.8"


async def test_a_table_is_pasted_and_what_does_not_fit_is_not():
    async with tutor("o-classification", step="z1") as pilot:
        await press(pilot, "s")
        line = pilot.app.screen.query_one(CellLine)
        line.post_message(Paste("0.38\t0.8\t3"))
        await pilot.pause()
        assert "3 values do not fit here" in screen(pilot) and not pilot.app.screen.paper.entries
        line.post_message(Paste("[0.38, 0.8]"))
        await pilot.pause()
        assert pilot.app.screen.paper.entries == {"z1[1]": "0.38", "z1[2]": "0.8"}
        line.post_message(Paste(" 0.81\n"))  # one number takes the place of what stands there
        await pilot.pause()
        assert pilot.app.screen.paper.entries == {"z1[1]": "0.38", "z1[2]": "0.81"}


async def test_what_is_given_the_network_names_help_and_beginning_anew():
    async with tutor("o-classification", step="z1") as pilot:
        await press(pilot, "s", *"0.38", "enter", "f2")
        assert "[0.1  −0.2]" in screen(pilot) and "binary cross-entropy" in screen(pilot)
        await press(pilot, "escape", "f4")
        assert isinstance(pilot.app.screen, NetworkScreen) and "1.2" in screen(pilot)
        assert "0.38" not in screen(pilot)
        await press(pilot, "q", "f3")
        assert isinstance(pilot.app.screen, Glossary)
        await press(pilot, "escape", "f5")
        assert "Names" in screen(pilot)
        await press(pilot, "escape", "f1")
        assert "check what is filled in" in screen(pilot)
        await press(pilot, "escape", "ctrl+n")
        assert "Begin anew?" in screen(pilot)
        await press(pilot, "enter")
        assert pilot.app.screen.paper.entries == {} and "0 of 31" in screen(pilot)


async def test_of_a_batch_one_example_alone():
    async with tutor("batch-mean", step="z1") as pilot:
        await press(pilot, "s")
        assert "of 58" in screen(pilot)
        await press(pilot, "1", "f6")
        assert "example 1" in screen(pilot) and "of 22" in screen(pilot) and "1 of" in screen(pilot)
        await press(pilot, "f6", "f6", "f6")
        assert "1 of 58" in screen(pilot)


async def test_two_windows_fill_in_one_paper():
    async with tutor("gates", step="q") as pilot:
        await press(pilot, "s")
        with Store.open() as other:
            keeper, _ = open_paper(other, "gates", trace(bundled("gates")), "dz")
            keeper.put("df/dz", "3")
        await typed(pilot, "3", "enter")
        assert pilot.app.screen.paper.entries == {"q": "3", "df/dz": "3"}


@pytest.mark.parametrize("size", [(60, 16), (160, 48)])
async def test_an_exam_says_nothing_before_its_end_and_then_all(size):
    async with exam_on("gates", size, seed=7) as pilot:
        await typed(pilot, "-5", "enter")
        await typed(pilot, "30", "enter")
        await press(pilot, "f7")
        assert "before it is handed in" in screen(pilot) and "✗" not in screen(pilot)
        await press(pilot, "f8")
        assert isinstance(pilot.app.screen, Reader) and "7 cells" in screen(pilot)
        await press(pilot, "escape", "f8", "enter")
        assert "1 of 9 marks" in screen(pilot) and "The first that is wrong is f" in screen(pilot)
        assert "✗30" in pane(pilot, "card") and "−30" in pane(pilot, "card") and "✓−5" in pane(pilot, "card")
        before = pilot.app.screen.cells.top
        await press(pilot, "down", "down")
        assert pilot.app.screen.cells.top > before or size[1] == 48
        await press(pilot, "4", "f8", "tab", "f6", "enter", "escape")
        assert not isinstance(pilot.app.screen, PaperScreen)
        (kept,) = pilot.app.store.sessions()
        assert kept.finished and kept.state["result"]["got"] == 1


async def test_the_clock_is_shown_stops_while_one_is_away_and_ends_it():
    clock = Clock()
    async with exam_on("gates", clock=clock, seed=7, minutes=2) as pilot:
        await typed(pilot, "-5")
        clock.now = 30
        pilot.app.screen.tick()
        await pilot.pause()
        assert "1:30 left" in screen(pilot)
        await press(pilot, "escape")
    clock.now = 5000
    async with exam_on("gates", clock=clock, seed=7) as pilot:
        assert "1:30 left" in screen(pilot) and pilot.app.screen.paper.entries == {"q": "-5"}
        await typed(pilot, "=q*")
        clock.now += 91
        await press(pilot, "f3", "f2")  # a dialog is open when the time is over
        next(each for each in pilot.app.screen_stack if isinstance(each, PaperScreen)).tick()
        await pilot.pause()
        assert "The time is over" in screen(pilot) and "1 of 9 marks" in screen(pilot)
        assert pilot.app.screen.paper.entries == {"q": "-5", "f": "=q*"}  # nothing is lost


async def test_an_exam_that_was_handed_in_elsewhere_takes_nothing_more():
    async with exam_on("gates", seed=7) as pilot:
        with Store.open() as other:
            keeper, exam, _ = start_exam(other, str(find("gates").resolve()), seed=7)
            keeper.handed_in(exam.hand_in())
        await typed(pilot, "1")
        assert "in another window" in screen(pilot)


async def test_a_changed_lesson_and_one_that_is_too_large():
    async with tutor("digits", step="z1") as pilot:
        await press(pilot, "s")
        assert isinstance(pilot.app.screen, PlayerScreen) and "1,000 at most" in screen(pilot)
        await press(pilot, "S")
        assert isinstance(pilot.app.screen, PlayerScreen) and "1,000 at most" in screen(pilot)
    async with tutor("gates", step="q") as pilot:
        player = pilot.app.screen
        player.adopt(player.sitting.changes.apply("x = 7", player.sitting.here))
        await press(pilot, "s", "4")
        assert "not kept" in screen(pilot)
        await press(pilot, "escape")
        assert not pilot.app.store.sessions()  # of a changed lesson nothing is kept
        await press(pilot, "S")
        assert isinstance(pilot.app.screen, PaperScreen) and pilot.app.screen.exam is not None
