"""One table of keys: what a screen binds, what line mode has of it, what a small terminal shows of it."""

from __future__ import annotations

import pytest

from test_tui import press, screen, tutor
from test_tui_quiz import opened
from tutor.cli.line_mode import help_rows
from tutor.lessonfiles.catalogue import find
from tutor.play.commands import (
    DIAGNOSE,
    DOCTOR,
    GLOSSARY,
    LAB,
    PAPER,
    PLAYER,
    PRACTICE,
    QUIZ,
    TABLES,
    WHAT_IF,
    in_lines,
)
from tutor.tui import (
    chain,
    compare,
    diagnose,
    diagram,
    doctor,
    glossary,
    home,
    lab,
    paper,
    pictures,
    practice,
    quiz,
    sweep,
    training,
    whatif,
)
from tutor.tui.app import TutorApp
from tutor.tui.dialogs import Reader
from tutor.tui.keys import bindings, commands
from tutor.tui.lines import KeyBar
from tutor.tui.player import PlayerScreen

SCREENS = {
    PlayerScreen: PLAYER,
    chain.ChainScreen: chain.KEYS,
    compare.CompareScreen: compare.KEYS,
    diagram.DiagramScreen: diagram.KEYS,
    home.HomeScreen: home.KEYS,
    lab.LabScreen: lab.LIST_KEYS,
    lab.BenchScreen: LAB,
    pictures.PicturesScreen: pictures.KEYS,
    practice.PracticeScreen: PRACTICE,
    practice.ProgressScreen: practice.PROGRESS_KEYS,
    quiz.QuizScreen: QUIZ,
    sweep.SweepScreen: sweep.KEYS,
    training.TrainingScreen: training.KEYS,
    whatif.WhatIfScreen: WHAT_IF,
    glossary.Glossary: GLOSSARY,
    diagnose.Diagnose: DIAGNOSE,
    paper.PaperScreen: PAPER,
    doctor.DoctorScreen: DOCTOR,
}


def commands_of(keys) -> set[str]:
    """The commands that line mode's help shows for a table."""
    return {part.split()[0] for usage in in_lines(keys) for part in usage.split(", ")} - {"Enter"}


@pytest.mark.parametrize("called", TABLES)
def test_what_the_screen_can_do_line_mode_can_or_it_says_why_not(called):
    told = [key.line for key in TABLES[called] if key.help]
    assert told and all(told), "a key with a help has a command in line mode, or a reason in brackets why not"
    of_the_player = commands_of(PLAYER)
    assert {line for line in told if not line.startswith("(")} <= commands_of(TABLES[called]) | of_the_player


@pytest.mark.parametrize("called", TABLES)
def test_what_line_mode_can_do_the_screen_can_or_it_says_where(called):
    for key in TABLES[called]:
        assert key.action or key.screen or key.shown, f"{key.line}: where is it on the screen?"
        assert not (key.action and key.screen)


def test_the_help_of_line_mode_is_its_commands(data_folder):
    from test_plain import answers
    from tutor.learner.store import Store

    assert commands_of(PLAYER) == {part.split()[0] for usage in help_rows() for part in usage.split(",")} - {
        "Enter"
    }
    assert "{" not in str(help_rows())[1:] and max(len(usage) for usage in in_lines(PLAYER)) <= 16
    with Store.open() as store:
        for command in sorted(commands_of(PLAYER) - {"quit"}):
            (said,) = answers("p-deep", store, command)[-1:]
            assert "neither a command nor a step" not in said, command


def test_a_question_in_lines_has_the_commands_of_its_table(data_folder):
    from tutor.cli.line_questions import ASKED, play_practice
    from tutor.learner.practice import drill
    from tutor.learner.store import Store
    from tutor.lessonfiles.check import load

    said: list[str] = []
    lines = iter(["help", "names", "glossary loss", "known", "map", "hint", "= 1 + 1", "quit"])
    with Store.open() as store:
        exercises = drill(load(find("o-regression")), "o-regression", "loss", 1)
        play_practice(store, exercises, lambda prompt: next(lines), said.append)
    listed = [row for row in said if row[2:18].strip() in in_lines(PRACTICE)]
    only_in_the_player = {"intro"}
    assert {row.split()[0] for row in listed} == commands_of(PRACTICE) - only_in_the_player
    assert set(ASKED) <= commands_of(PRACTICE)
    mapped = [row for row in said if row.startswith("      ")]  # the network in words, without what is asked
    assert any("cgpa = " in row for row in mapped) and not any(" L = " in row for row in mapped)
    assert any(row.startswith("y: the targets") or "the targets" in row for row in said)


@pytest.mark.parametrize("kind", SCREENS, ids=lambda kind: kind.__name__)
def test_every_key_of_a_table_is_bound_to_something_that_is_there(kind):
    keys = SCREENS[kind]
    bound = [one for key in keys for one in key.keys.split(",") if one]
    assert len(bound) == len(set(bound)), "a key is bound once"
    assert bindings(keys) == kind.BINDINGS and any(key.label for key in keys)
    for key in keys:
        name = key.action.partition("(")[0]
        own = name.startswith("app.") or hasattr(kind, f"action_{name}") or name in ("answer", "")  # the line's own
        assert own, f"{kind.__name__} has no action {name}"
        assert not key.label or key.shown


def test_every_screen_with_a_table_offers_its_keys_in_the_palette():
    for kind, keys in SCREENS.items():
        offered = {action for _, _, action in commands(getattr(kind, "commands", ()))}
        assert {key.action for key in keys if key.help and key.action not in ("", "answer")} <= offered, kind


@pytest.mark.parametrize("keys", ["", "c", "f", "m", "v", "w", "x", "y"])
async def test_every_screen_of_a_lesson_can_be_used_at_60_by_16(keys):
    async with tutor("batch-mean", (60, 16), step="dL/dW2") as pilot:
        player = pilot.app.screen
        await press(pilot, *keys)
        text = screen(pilot)
        assert "needs 60" not in text and len([row for row in text.splitlines() if row.strip()]) > 5
        for bar in pilot.app.screen.query(KeyBar):
            assert all(key.label in text for key in bar.keys if key.label)
        for shown in pilot.app.screen.query("#hint"):
            assert " ".join(str(shown.render()).split()[:2]) in text
        await press(pilot, *["escape"] * bool(keys))
        assert pilot.app.screen is player


@pytest.mark.parametrize("start", ["placement", "drill", "what if"])
@pytest.mark.parametrize("size", [(60, 16), (80, 24)])
async def test_f1_says_what_the_keys_do(start, size):
    def begin(app: TutorApp) -> None:
        app.placement() if start == "placement" else app.drill("loss")

    async with opened(begin, size) if start != "what if" else tutor("batch-mean", size, step="dL/dW2") as pilot:
        await press(pilot, *["w"] * (start == "what if"))
        before, keys = pilot.app.screen, {"placement": QUIZ, "drill": PRACTICE, "what if": WHAT_IF}[start]
        assert SCREENS[type(before)] is keys
        await press(pilot, "f1")
        assert isinstance(pilot.app.screen, Reader)
        text = screen(pilot)
        assert all(set(key.help.split()) <= set(text.split()) for key in keys[:2] if key.help)
        await press(pilot, "f1")
        assert pilot.app.screen is before


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
