"""The pictures of a step in the app: what is drawn, and how they follow the player."""

from __future__ import annotations

import pytest

from test_tui import BATCH, MARKUP, file, pane, press, screen, tutor, until
from tutor.play import playback
from tutor.tui.pictures import PicturesScreen
from tutor.tui.player import PlayerScreen

__all__ = ["file"]

CIRCUIT = """
format = 1
title = "A kink"
[circuit]
define = ["f = relu(x) + x * y"]
output = "f"
[circuit.inputs]
x = 0
y = 3
"""


def shows(pilot) -> str:
    """The kind of the picture on the screen, as the bar marks it."""
    return pane(pilot, "bar").partition("[")[2].rpartition("]")[0].rpartition("[")[2]


def text(pilot) -> str:
    return " ".join((pane(pilot, "picture") + " " + pane(pilot, "facts")).split())


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_v_shows_the_pictures_of_the_step_and_closes_them(size):
    async with tutor("o-classification", size=size, step="dL/dW2[1,1]") as pilot:
        await press(pilot, "v")
        assert isinstance(pilot.app.screen, PicturesScreen)
        assert shows(pilot) == "slope"
        assert "L as a function of w²₁₁" in text(pilot) and "adds 0.1595" in text(pilot)
        assert "update" in pane(pilot, "picture") and "⣀" in pane(pilot, "picture")
        assert "slope" in screen(pilot) and "function" in screen(pilot)
        await press(pilot, "right")
        assert shows(pilot) == "gradient check" and "they agree" in text(pilot)
        if size == (80, 24):
            assert "Relative error by ε" not in screen(pilot)
            await press(pilot, *["shift+down"] * 12)
        assert "Relative error by ε" in screen(pilot)
        await press(pilot, "tab")
        assert shows(pilot) == "gradient sizes" and "█" in pane(pilot, "picture")
        await press(pilot, "right")
        assert shows(pilot) == "slope"
        await press(pilot, "left")
        assert shows(pilot) == "gradient sizes"
        await press(pilot, "v")
        assert isinstance(pilot.app.screen, PlayerScreen)
        await press(pilot, "v", "escape")
        assert isinstance(pilot.app.screen, PlayerScreen)


async def test_stepping_on_takes_the_pictures_along():
    async with tutor("o-classification", size=(120, 30), step="z1[1]") as pilot:
        await press(pilot, "v")
        assert shows(pilot) == "activation" and "z_prev₁ = 0.38" in text(pilot)
        await press(pilot, "n")
        assert "z_prev₂ = 0.8, so" in text(pilot)
        await press(pilot, "b", "b")
        assert "This is the first step." in pane(pilot, "bar")
        await press(pilot, "right", "right", "right")  # past the sheet and the slope
        assert shows(pilot) == "gradient check" and "z_prev₁" in text(pilot)
        await press(pilot, *["n"] * 6)  # the kind that was chosen stays
        assert shows(pilot) == "gradient check"
        await press(pilot, "escape")
        player = pilot.app.screen
        assert playback.place(player.sitting.cursor, player.sitting.trace) == "L"


async def test_the_arrows_choose_another_parameter():
    async with tutor("o-classification", size=(120, 30), step="dL/dW1[2,2]") as pilot:
        await press(pilot, "v")
        assert "function of w¹₂₂" in text(pilot)
        await press(pilot, "down")
        assert "function of b₁₁" in text(pilot)
        await press(pilot, "up", "up")
        assert "function of w¹₁₂" in text(pilot)  # "from, to" in this notation
        await press(pilot, "pagedown", "pagedown")
        assert "function of w²₁₁" in text(pilot)
        await press(pilot, "pageup")
        assert "function of b₁₁" in text(pilot)
        await press(pilot, "n")  # another step: its own parameter again
        assert "function of b₁₁" in text(pilot)
        await press(pilot, *["n"] * 12)
        assert "This is the last step." in pane(pilot, "bar")
        assert isinstance(pilot.app.screen, PicturesScreen)


async def test_iterations_notations_and_examples_change_the_picture(file):
    async with tutor(file(BATCH), size=(120, 30), step="z1@1") as pilot:
        await press(pilot, "v")
        first = text(pilot)
        await press(pilot, "e")
        assert "@2" in text(pilot) and text(pilot) != first
        await press(pilot, "t")
        assert "h₁" in text(pilot)
        await press(pilot, "right")
        before = pane(pilot, "facts")
        await press(pilot, "full_stop")
        assert pane(pilot, "facts") != before and pane(pilot, "bar").startswith("2: ")
        await press(pilot, "comma", "comma")
        assert "This is the first iteration." in pane(pilot, "bar")


async def test_a_circuits_pictures_and_its_kink(file):
    """Its title is full of markup, which is text here, too."""
    async with tutor(file(CIRCUIT.replace("A kink", MARKUP)), size=(120, 30), step="df/dx") as pilot:
        await press(pilot, "v")
        assert shows(pilot) == "slope" and "not trained" in text(pilot)
        await press(pilot, "right")
        assert "x stands on a kink" in text(pilot) and "✗" in pane(pilot, "picture")
        await press(pilot, "right")
        assert shows(pilot) == "slope"  # there are no layers
        await press(pilot, "full_stop", "e")
        assert "A circuit has no examples." in pane(pilot, "bar")


async def test_predict_mode_asks_before_a_picture_gives_it_away():
    async with tutor("o-classification", size=(120, 30), step="z1[1]") as pilot:
        await press(pilot, "p")
        await until(pilot, lambda: pilot.app.screen.sitting.asking is not None)
        await press(pilot, "f2", "v")
        assert "gradient" not in pane(pilot, "bar")
        await press(pilot, "n", "n")  # a1 is asked about: in the player
        assert isinstance(pilot.app.screen, PlayerScreen)
        assert pilot.app.screen.sitting.asking is not None and not pilot.app.screen.sitting.asking.done


async def test_no_colour_and_a_small_terminal_are_no_crash(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with tutor("p-deep", step="z3") as pilot:
        await press(pilot, "v")
        assert "Softmax" in screen(pilot)
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        assert "needs" in screen(pilot)
        await pilot.resize_terminal(130, 40)
        await pilot.pause()
        await press(pilot, "d", "left")
        assert "Gradient check" in screen(pilot)
