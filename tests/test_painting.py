"""What a key paints: no more than it changes, in one go; and what is painted is what stands there."""

from __future__ import annotations

import math

import pytest
from textual._compositor import ChopsUpdate, CompositorUpdate

from test_tui import here, press, screen, tutor, until
from tutor.tui import training
from tutor.tui.chain import ChainScreen
from tutor.tui.diagram import DiagramScreen
from tutor.tui.dialogs import Reader
from tutor.tui.glossary import Glossary
from tutor.tui.home import HomeScreen
from tutor.tui.lines import Lines
from tutor.tui.player import PlayerScreen
from tutor.tui.screen import Stacked
from tutor.tui.training import TrainingScreen
from tutor.tui.whatif import WhatIfScreen

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
    """Wait until nothing is left to be painted, and a little longer."""
    still = 0
    for _ in range(500):
        await pilot.pause(0.02)
        shown = pilot.app.screen
        still = 0 if shown._dirty_widgets or shown._repaint_required or shown._layout_required else still + 1
        if still == 3:
            return
    raise AssertionError("there is always something to be painted")


# The screen, the lesson and the step in it, how to come to it, keys of which each paints once, the most rows it paints.
SCREENS = {
    "home": (HomeScreen, None, None, [], ["down", "down", "up", "pagedown"], 20),
    "player": (PlayerScreen, "o-classification", "z1[1]", ["n", "n"], ["n", "b", "n"], ROWS),
    "what if, seen below": (WhatIfScreen, "xor", "z1[1]", ["w", "down"], ["right", "left"], ROWS),
    "what if, not seen below": (WhatIfScreen, "xor", "z1[1]", ["w"], ["down", "up"], 2),
    "chain": (ChainScreen, "o-classification", "dL/dW1[1,1]", ["c", "n"], ["n", "n", "b"], ROWS),
    "network": (DiagramScreen, "o-classification", "z1[1]", ["m"], ["n", "b", "right"], ROWS),
    "glossary": (Glossary, "o-classification", "z1[1]", ["f"], ["down", "up"], ROWS),
    "training": (TrainingScreen, "xor", "z1[1]", ["x", "g", "4", "0", "enter"], ["left", "right", "comma"], 42),
}


@pytest.mark.usefixtures("every_frame")
@pytest.mark.parametrize("name", SCREENS)
async def test_a_key_paints_once_and_what_is_painted_is_what_stands_there(name, monkeypatch):
    shown, lesson, step, before, keys, rows = SCREENS[name]
    monkeypatch.setattr(training, "QUICK", math.inf)
    async with tutor(lesson, (COLUMNS, ROWS), step) as pilot:
        await press(pilot, *before)
        await until(pilot, lambda: isinstance(pilot.app.screen, shown))
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
