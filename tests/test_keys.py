"""One table of keys: what a screen binds, what line mode has of it, what a small terminal shows of it."""

from __future__ import annotations

import pytest

from test_tui import press, screen, tutor
from test_tui_quiz import opened
from tutor.cli.line_mode import HELP
from tutor.play.commands import LINES_ONLY, PLAYER
from tutor.tui import chain, compare, diagram, home, pictures, practice, quiz, training
from tutor.tui.keys import bindings
from tutor.tui.lines import KeyBar
from tutor.tui.player import PlayerScreen

SCREENS = {
    PlayerScreen: PLAYER,
    chain.ChainScreen: chain.KEYS,
    compare.CompareScreen: compare.KEYS,
    diagram.DiagramScreen: diagram.KEYS,
    home.HomeScreen: home.KEYS,
    pictures.PicturesScreen: pictures.KEYS,
    practice.PracticeScreen: practice.KEYS,
    practice.ProgressScreen: practice.PROGRESS_KEYS,
    quiz.QuizScreen: quiz.KEYS,
    training.TrainingScreen: training.KEYS,
}


def in_lines() -> set[str]:
    """The commands that the help of line mode has."""
    return {part.split()[0] for line in HELP.splitlines() for part in line[:16].split(",")} - {"Enter"}


def test_what_the_screen_can_do_line_mode_can_or_it_says_why_not():
    told = {key.action: key.line for key in PLAYER if key.help}
    assert all(told.values()), "a key with a help has a command in line mode, or a reason in brackets why not"
    assert {line for line in told.values() if not line.startswith("(")} <= in_lines()


def test_what_line_mode_can_do_the_screen_can_or_it_says_where():
    on_the_screen = {key.line for key in PLAYER if key.line}
    assert in_lines() - on_the_screen == set(LINES_ONLY)


@pytest.mark.parametrize("kind", SCREENS, ids=lambda kind: kind.__name__)
def test_every_key_of_a_table_is_bound_to_something_that_is_there(kind):
    keys = SCREENS[kind]
    bound = [one for key in keys for one in key.keys.split(",") if one]
    assert len(bound) == len(set(bound)), "a key is bound once"
    assert bindings(keys) == kind.BINDINGS and any(key.label for key in keys)
    for key in keys:
        name = key.action.partition("(")[0]
        own = name.startswith("app.") or hasattr(kind, f"action_{name}") or name == "answer"  # Enter is the line's
        assert own, f"{kind.__name__} has no action {name}"
        assert not key.label or key.shown


@pytest.mark.parametrize("keys", ["", "c", "m", "v", "w", "x", "y"])
async def test_every_screen_of_a_lesson_can_be_used_at_60_by_16(keys):
    async with tutor("batch-mean", (60, 16), step="dL/dW2") as pilot:
        player = pilot.app.screen
        await press(pilot, *keys)
        text = screen(pilot)
        assert "needs 60" not in text and len([row for row in text.splitlines() if row.strip()]) > 5
        for bar in pilot.app.screen.query(KeyBar):
            assert all(key.label in text for key in bar.keys if key.label)
        await press(pilot, *["escape"] * bool(keys))
        assert pilot.app.screen is player


@pytest.mark.parametrize("start", ["show_progress", "review", "placement"])
async def test_every_other_screen_can_be_used_at_60_by_16(start):
    async with opened(lambda app: getattr(app, start)(), (60, 16)) as pilot:
        text = screen(pilot)
        assert "needs 60" not in text
        assert all(key.label in text for key in pilot.app.screen.query_one(KeyBar).keys if key.label)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, home.HomeScreen)
        assert all(key.label in screen(pilot) for key in home.KEYS if key.label)


@pytest.mark.parametrize("line, said", [("symbol", "[a1] "), ("-symbol", "[z1] ")])
def test_line_mode_passes_a_symbol(line, said, data_folder):
    from test_plain import answers
    from tutor.learner.store import Store

    with Store.open() as store:
        replies = answers("p-deep", store, "level matrix", "first", "symbol", "-symbol", "names")
        assert said in replies[2 if line == "symbol" else 3]
        assert "the inputs" in replies[4]
