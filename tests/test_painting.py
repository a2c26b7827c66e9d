"""What a key paints: no more than it changes, in one go; and what is painted is what stands there."""

from __future__ import annotations

import math

import pytest
from textual._compositor import ChopsUpdate, CompositorUpdate

from test_tui import here, press, screen, tutor, until
from tutor.tui import training
from tutor.tui.dialogs import Reader
from tutor.tui.lines import Lines
from tutor.tui.screen import Stacked
from tutor.tui.training import TrainingScreen

pyte = pytest.importorskip("pyte")

COLUMNS, ROWS = 160, 48


class Terminal:
    """Shows what an app paints, from when it is put in the place of its terminal, and counts what that takes.

    While `between` frames nothing is painted but what is laid out anew: a key may fall anywhere between two.
    """

    between = False

    def __init__(self, app, monkeypatch) -> None:
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self.stream, self.app = pyte.Stream(self.screen), app
        self.paintings = self.rows = self.layouts = 0
        monkeypatch.setattr(app, "_display", self.display)
        frame = Stacked._on_timer_update
        monkeypatch.setattr(Stacked, "_on_timer_update", lambda screen: None if self.between else frame(screen))
        app.screen.refresh()

    def display(self, screen, update) -> None:
        if isinstance(update, CompositorUpdate):
            self.paintings += 1
            self.rows += len({y for y, _, _ in update.spans}) if isinstance(update, ChopsUpdate) else ROWS
            self.stream.feed(update.render_segments(self.app.console))

    def text(self) -> str:
        return "\n".join(row.rstrip() for row in self.screen.display)


async def settled(pilot) -> None:
    """Wait until nothing is left to be painted."""
    for _ in range(3):
        await pilot.pause(0.02)


# Of each screen: the lesson, how to come to it, keys of which each paints once, and the most rows that it paints.
SCREENS = {
    "home": (None, [], ["down", "down", "up", "pagedown"], 20),
    "player": ("o-classification", ["n", "n"], ["n", "b", "n"], ROWS),
    "what if, seen below": ("xor", ["w", "down"], ["right", "left"], ROWS),
    "what if, not seen below": ("xor", ["w"], ["down", "up"], 2),
    "chain": ("o-classification", ["right_curly_bracket"], ["n", "b"], ROWS),
    "network": ("o-classification", ["m"], ["n", "b", "right"], ROWS),
    "glossary": ("o-classification", ["f"], ["down", "up"], ROWS),
    "training": ("xor", ["x", "g", "4", "0", "enter"], ["left", "right", "comma"], 42),
}


@pytest.mark.usefixtures("every_frame")
@pytest.mark.parametrize("name", SCREENS)
async def test_a_key_paints_once_and_what_is_painted_is_what_stands_there(name, monkeypatch):
    lesson, before, keys, rows = SCREENS[name]
    monkeypatch.setattr(training, "QUICK", math.inf)
    async with tutor(lesson, (COLUMNS, ROWS), "z1[1]" if lesson else None) as pilot:
        await press(pilot, *before)
        if isinstance(found := pilot.app.screen, TrainingScreen):
            await until(pilot, lambda: found.goal is None and found.look and found.trained == 40)
            await press(pilot, "left")  # what was said of the end is read
        terminal = Terminal(pilot.app, monkeypatch)
        await settled(pilot)
        assert terminal.text() == screen(pilot)
        for key in keys:
            terminal.paintings, terminal.rows, terminal.between = 0, 0, True
            await press(pilot, key)
            terminal.between = False
            await settled(pilot)
            assert terminal.text() == screen(pilot), key
            assert (terminal.paintings, terminal.rows <= rows) == (1, True), (key, terminal.paintings, terminal.rows)


async def test_a_player_that_is_covered_is_drawn_when_it_is_seen_again():
    async with tutor("o-classification", (COLUMNS, ROWS), "z1[1]") as pilot:
        await press(pilot, "m")
        player = pilot.app.screen_stack[-2]
        card = player.query_one("#card", Lines)
        before = card.lines
        await press(pilot, "n", "n")
        assert player.covered and card.lines is before
        await press(pilot, "escape")
        assert not player.covered and here(pilot) in card.lines[0].text and card.lines is not before
        await press(pilot, "question_mark")  # a dialog dims it, and it is seen
        assert isinstance(pilot.app.screen, Reader) and not player.covered
