"""The picture in the player and over the whole screen: keys and clicks go in, what is on the screen comes out."""

from __future__ import annotations

import pytest

from test_tui import here, pane, press, screen, tutor
from tutor.pictures.canvas import INKS
from tutor.tui.diagram import DiagramScreen
from tutor.tui.lines import STYLES
from tutor.tui.map import Map
from tutor.tui.player import PlayerScreen


def test_every_ink_has_a_colour():
    assert set(INKS) <= set(STYLES)


def selected(pilot):
    return pilot.app.screen.selected


async def test_m_opens_the_picture_and_m_or_escape_close_it_again():
    async with tutor("o-classification", step="a1[2]", level="scalar") as pilot:
        for key in ("m", "escape"):
            await press(pilot, "m")
            assert isinstance(pilot.app.screen, DiagramScreen)
            text = screen(pilot)
            assert "▶O₁₂" in text and "O₁₂ = σ(z_prev₂) = σ(0.8) = 0.6900" in text
            await press(pilot, key)
            assert isinstance(pilot.app.screen, PlayerScreen) and here(pilot) == "a1[2]"


async def test_the_learner_steps_while_the_picture_is_open_and_finds_the_player_there():
    async with tutor("o-classification", step="a1[1]", level="scalar") as pilot:
        await press(pilot, "m")
        assert "▶O₁₁" in screen(pilot) and "▶O₁₂" not in screen(pilot)
        await press(pilot, "n")
        assert "▶O₁₂" in screen(pilot) and "▶O₁₁" not in screen(pilot)
        await press(pilot, "b", "b")
        assert "z_prev₂ = " in screen(pilot)
        await press(pilot, "right_square_bracket", "m")
        assert here(pilot) == "L"


async def test_at_either_end_the_picture_says_so():
    async with tutor("o-classification", step="b1'", level="matrix") as pilot:
        await press(pilot, "m", "n")
        assert "This is the last step." in screen(pilot)
        await press(pilot, *["left_square_bracket"] * 4, "b")
        assert "This is the first step." in screen(pilot)


async def test_arrows_select_and_enter_goes_to_the_step():
    async with tutor("o-classification", step="dL/da2", level="scalar") as pilot:
        await press(pilot, "m", "enter")
        assert "Select" in screen(pilot)
        await press(pilot, "left")  # the first arrow selects what the step is about
        assert selected(pilot) == ("a2", (0,))
        await press(pilot, "left")
        assert selected(pilot) == ("W2", (0, 0))
        assert "w²₁₁ = 0.9" in screen(pilot).replace("  ", " ")
        await press(pilot, "down", "enter")
        assert here(pilot) == "dL/dW2[1,2]"


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_a_click_on_a_unit_goes_to_its_step(size):
    async with tutor("o-classification", step="dL/dz2", level="scalar", size=size) as pilot:
        await press(pilot, "m")
        drawn = pilot.app.screen.query_one("#picture", Map).drawn
        spot = next(spot for spot in drawn.spots if spot.item == ("a1", (1,)))
        await pilot.click("#picture", offset=(spot.column + 2, spot.row))
        await pilot.pause()
        assert here(pilot) == "dL/dz1[2]"


async def test_a_click_beside_everything_does_nothing():
    async with tutor("o-classification", step="dL/dz2", level="scalar", size=(160, 48)) as pilot:
        picture = pilot.app.screen.query_one("#map", Map)
        assert picture.drawn.at(0, picture.size.height - 2) is None
        await pilot.click("#map", offset=(1, picture.size.height - 1))
        assert here(pilot) == "dL/dz2[1]"


@pytest.mark.parametrize(("size", "name"), [((80, 24), "mini"), ((120, 40), "map"), ((160, 48), "map")])
async def test_a_picture_stands_beside_the_card_and_follows_the_steps(size, name):
    async with tutor("o-classification", step="z1[1]", level="scalar", size=size) as pilot:
        assert "▶O₁₁" in pane(pilot, name) and "▶O₁₂" not in pane(pilot, name)
        assert pane(pilot, "card").strip() and pane(pilot, name).splitlines()[1].strip() in screen(pilot)
        await press(pilot, "n")
        assert "▶O₁₂" in pane(pilot, name)


async def test_the_picture_waits_for_an_open_question_and_closes_when_one_comes():
    async with tutor("o-classification", step="z1", level="matrix") as pilot:
        await press(pilot, "p")
        player = pilot.app.screen
        if not (player.sitting.asking and not player.sitting.asking.done):
            await press(pilot, "m")
            assert isinstance(pilot.app.screen, DiagramScreen)
            for _ in range(12):
                await press(pilot, "n")
                if player.sitting.asking and not player.sitting.asking.done:
                    break
        assert player.sitting.asking and not player.sitting.asking.done and pilot.app.screen is player
        await press(pilot, "escape")


@pytest.mark.parametrize("size", [(60, 16), (100, 20), (200, 60)])
async def test_the_picture_follows_the_size_of_the_terminal(size):
    async with tutor("sigmoid-neuron", step="df/du", level="scalar", size=(80, 24)) as pilot:
        await press(pilot, "m")
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert "▶u" in screen(pilot) and all(len(row) <= size[0] for row in screen(pilot).splitlines())
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        assert "needs 60" in screen(pilot)
