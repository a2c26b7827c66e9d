"""What a small terminal says is said whole: notices above a screen, the help, what a dialog has to read."""

from __future__ import annotations

import pytest

from test_tui import press, tutor
from tutor.play.commands import PLAYER
from tutor.tui import training
from tutor.tui.dialogs import Reader
from tutor.tui.lines import Line, Lines, folded, line


def test_a_line_goes_on_below_itself_beside_its_key():
    key = Line((("w      ", "key"), ("change any number or setting", "")))
    assert [part.text for part in folded(key, 20)] == ["w      change any", "       number or", "       setting"]
    assert [(part.text, part.spans[-1][1]) for part in folded(line("one two three four", "dim"), 13)] == [
        ("one two three", "dim"),
        ("four", "dim"),
    ]


@pytest.mark.parametrize("kept", [line("    activation = relu", "numbers"), Line((("a", ""), ("b c d", "")))])
def test_a_line_of_a_file_and_one_of_several_parts_stay_as_they_are(kept):
    assert folded(kept, 3) == [kept]


@pytest.mark.parametrize("size", [(60, 16), (80, 24)])
@pytest.mark.parametrize("keys, table", [(["question_mark"], PLAYER), (["x", "question_mark"], training.KEYS)])
async def test_the_help_is_not_cut(size, keys, table):
    async with tutor("softmax", size, step="z1") as pilot:
        await press(pilot, *keys)
        reader = pilot.app.screen
        assert isinstance(reader, Reader)
        await pilot.pause()
        lines = reader.query_one(Lines)
        assert max(len(item.text) for item in lines.lines) <= lines.size.width
        text = " ".join(" ".join(item.text for item in lines.lines).split())
        useful = [key.help for key in table if key.help and not key.action.startswith("example")]
        assert [help for help in useful if help not in text] == []


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_a_notice_takes_the_lines_that_it_needs_until_the_next_key(size):
    async with tutor("gates", size, step="q") as pilot:
        player = pilot.app.screen
        bar = player.query_one("#bar", Lines)
        await press(pilot, "c")
        assert " ".join(item.text for item in bar.lines).endswith("or to level matrix for cell by cell.")
        assert bar.size.height == len(bar.lines) == (1 if size[0] == 160 else 2)
        assert max(len(item.text) for item in bar.lines) <= bar.size.width
        await press(pilot, "n")
        assert bar.size.height == len(bar.lines) == 1


async def test_the_state_has_no_column_for_what_never_comes():
    for lesson, said in (("derivative", "value, gradient"), ("gates", "value, gradient, new value")):
        async with tutor(lesson, (160, 48), step=None) as pilot:
            await press(pilot, "escape")
            state = pilot.app.screen.query_one("#state", Lines)
            assert str(state.border_title) == f"State: {said}"
            dots = next(item.text for item in state.lines if item.text.startswith("x ")).count("·")
            assert dots == said.count(",")


async def test_the_line_says_what_can_be_typed_there():
    async with tutor("one-neuron", (80, 24), step="z1[1]") as pilot:
        await press(pilot, "p", "n")
        line = pilot.app.screen.query_one("#answer")
        assert line.item.choices and line.placeholder == "the number of a choice"
        await press(pilot, "f2", "n", "n")
        assert not line.item.choices and line.placeholder == "a number or an expression; = computes one"
