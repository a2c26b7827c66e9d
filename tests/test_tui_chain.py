"""The chain screen as a person uses it: factor by factor, path by path, cell by cell, line by line."""

from __future__ import annotations

import pytest

from test_tui import BATCH, here, pane, press, screen, tutor
from tutor.tui.chain import ChainScreen
from tutor.tui.player import PlayerScreen
from tutor.tui.practice import PracticeScreen


def shown(pilot) -> str:
    return pane(pilot, "card")


async def test_a_chain_of_one_path_factor_by_factor():
    async with tutor("o-classification", (80, 24), "dL/dW1[1,1]", level="scalar", element=(0, 0)) as pilot:
        await press(pilot, "c")
        assert isinstance(pilot.app.screen, ChainScreen)
        text = shown(pilot)
        assert "output layer      hidden layer       the weight itself" in text
        assert "= ŷ − y = 0.4629 − 1 = −0.5371" in text and "0.2412" not in text  # later factors have no number yet
        await press(pilot, "n", "n")
        text = shown(pilot)
        assert "= σ′(z_prev₁) = O₁₁ · (1 − O₁₁) = 0.5939 · (1 − 0.5939) = 0.2412" in text
        assert "so far  −0.5371 · 0.9 · 0.2412 = −0.1166" in text
        await press(pilot, "end")
        assert "the product  −0.5371 · 0.9 · 0.2412 · 1.2 = −0.1399" in shown(pilot)
        assert "∂L/∂w¹₁₁ = −0.1399" in shown(pilot)
        await press(pilot, "n")
        assert "This is the end" in screen(pilot)
        await press(pilot, "right_square_bracket")
        assert "∂L/∂w¹₂₁ = −0.09326" in shown(pilot)
        await press(pilot, "home", "n", "enter")  # to the step of the factor
        assert isinstance(pilot.app.screen, PlayerScreen) and here(pilot) == "dz2/da1[1,1]"


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_paths_in_turn_and_their_sum(size):
    async with tutor("p-deep", size, "dL/dW1[1,2]", level="scalar", element=(0, 1)) as pilot:
        await press(pilot, "c")
        chain = pilot.app.screen
        lit = [chain.path.places]
        assert "Path 1 of 6" in shown(pilot)
        await press(pilot, "pagedown")
        lit.append(chain.path.places)
        assert "Path 2 of 6" in shown(pilot) and "0.011077" in shown(pilot)  # the first path's product is known
        assert lit[0][-2:] == (("z3", (0,)), ("L", ())) and lit[1][-2:] == (("z3", (1,)), ("L", ()))
        if size[1] < 34:
            await press(pilot, "m")
        assert "▶h₁₁" in pane(pilot, "way") and "▶h₁₂" not in pane(pilot, "way")
        await press(pilot, "end")
        assert chain.path is None and "The sum over 6 paths" in shown(pilot)
        assert "= 0.009928" in shown(pilot)
        await press(pilot, "pageup")
        assert "Path 6 of 6" in shown(pilot)
        await press(pilot, "escape")
        assert here(pilot) == "dL/dW1[1,2]"


async def test_a_matrix_filled_in_cell_by_cell():
    async with tutor("c-431", (80, 24), "dL/dW1", level="matrix") as pilot:
        await press(pilot, "c")
        text = shown(pilot)
        assert "sizes  δ⁽²⁾ (3×1) · xᵀ (1×4) = 3×4, the shape of W⁽¹⁾" in text
        assert "−0.009891          ·          ·          ·" in text and "0.03956" not in text
        await press(pilot, "n", "n")
        assert "0.03956" in shown(pilot) and "= −0.01978 · (−2)" in shown(pilot)
        await press(pilot, "pagedown")  # a row down
        assert "= 0.01014 · (−2)" in shown(pilot)
        await press(pilot, "end")
        assert "All cells are filled in" in shown(pilot)
        await press(pilot, "c")
        assert "hidden layer" in shown(pilot)
        await press(pilot, "o", "n", "enter")
        assert here(pilot) == "dL/dW1[1,2]"


@pytest.mark.parametrize(("level", "last"), [("scalar", "= −0.6449"), ("matrix", "⎣−0.6449⎦")])
async def test_the_derivation_line_by_line(level, last):
    async with tutor("p-deep", (80, 24), "dL/dz3", level=level, element=(1,)) as pilot:
        await press(pilot, "c")
        assert pilot.app.screen.view == "derivation"
        first = shown(pilot)
        assert ("ŷ₂" in first if level == "scalar" else "⊘" in first) and last not in first
        if level == "scalar":
            await press(pilot, *"nnnnn")
            assert "The quotient rule: (g/h)′ = g′/h − g·h′/h²" in shown(pilot)
        await press(pilot, "end")
        assert last in shown(pilot)
        await press(pilot, "c")
        assert "∂L(θ)" in shown(pilot) and pilot.app.screen.view == "chain"


async def test_one_example_and_then_the_mean(tmp_path):
    path = tmp_path / "batch.toml"
    path.write_text(BATCH)
    async with tutor(path, (100, 40), "dL/dW1", level="scalar", element=(0, 0), example=1) as pilot:
        await press(pilot, "c", "end")
        assert "This is example 2's own. The batch takes the mean over its 3 examples" in shown(pilot)


async def test_a_circuit():
    async with tutor("sigmoid-neuron", (80, 24), "df/dw1", level="scalar") as pilot:
        await press(pilot, "c", "end")
        assert "f ← u ← e ← n ← z ← s ← p1 ← w1" in shown(pilot)
        assert "= 0.4576" in shown(pilot)
        assert "Negate gate" not in shown(pilot)
        await press(pilot, "home", "n", "n", "n")
        assert "Negate gate n" in shown(pilot)


async def test_why_there_is_no_chain():
    async with tutor("o-classification", (80, 24), "z1", level="scalar") as pilot:
        player = pilot.app.screen
        await press(pilot, "c")
        assert pilot.app.screen is player and "A chain is of a gradient" in screen(pilot)
        await press(pilot, "3", "c")  # but a matrix can be filled in on the way forward, too
        assert "W¹ (2×2) · x (2×1) = 2×1" in shown(pilot)
        await press(pilot, "escape", "p")
        assert player.sitting.asking and not player.sitting.asking.done
        player.action_chain()
        await pilot.pause()
        assert pilot.app.screen is player and "First the question" in screen(pilot)


async def test_the_conversation_so_far_stands_above():
    async with tutor("p-deep", (80, 24), "dL/dz2", level="story") as pilot:
        text = screen(pilot)
        assert "Hidden layer 2's activation" in text and "→ handed on: [−0.07931, 0.04283, 0.2452]" in text
        lines = pane(pilot, "card").splitlines()
        speakers = [at for at, line in enumerate(lines) if line.startswith(("The loss: “", "The output layer's"))]
        assert speakers and speakers[-1] < next(
            at for at, line in enumerate(lines) if line.startswith("Hidden layer 2's")
        )


async def test_any_size():
    async with tutor("p-deep", (80, 24), "dL/dW1", level="scalar") as pilot:
        await press(pilot, "c", "n")
        await pilot.resize_terminal(59, 15)
        await pilot.pause()
        assert "needs 60 × 16" in screen(pilot)
        for size in ((60, 16), (200, 60)):
            await pilot.resize_terminal(*size)
            await press(pilot, "n", "m", "end", "o", "end", "c")
            assert "hidden layer 1" in shown(pilot)


async def test_the_chain_is_asked_for_factor_by_factor():
    async with tutor("o-classification", (80, 24), "dL/dW1[1,2]", level="scalar", element=(0, 1)) as pilot:
        await press(pilot, "c", "p")
        assert isinstance(pilot.app.screen, PracticeScreen) and "The chain of ∂L/∂w¹₂₁" in screen(pilot)
        while pilot.app.screen.asking:
            item = pilot.app.screen.asking.item
            shown_too_soon = item.question and len(item.answer) > 5 and item.answer in screen(pilot)
            assert not shown_too_soon, item.prompt
            await press(pilot, *keys_of(item), "enter", "enter")
        assert "9 of 9 right" in screen(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, ChainScreen)
        kept = pilot.app.store.answers("chain")
        assert len(kept) == 5 and all(answer.verdict == "correct" for answer in kept)


def keys_of(item):
    """The keys that answer an item: the number of its choice, or its value."""
    text = str(item.choices.index(item.answer) + 1) if item.choices else item.answer.replace("−", "-")
    return [{".": "full_stop", "-": "minus"}.get(key, key) for key in text]


async def test_where_there_is_no_chain_nothing_is_asked():
    async with tutor("o-classification", (80, 24), "dL/dW1[1,1]", level="matrix") as pilot:
        await press(pilot, "c", "p")  # the matrix cell by cell
        assert isinstance(pilot.app.screen, ChainScreen) and "c shows it first" in screen(pilot)
