"""Every function that a circuit may write, through every screen, command and picture: a new entry is tried at once."""

from __future__ import annotations

import io
import sys

import pytest

from strategies import by_turns
from test_tui import here, press, screen, tutor
from tutor.cli.commands import main
from tutor.cli.line_mode import LineMode, help_rows
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.lesson import LEVELS
from tutor.engine.parsing import FUNCTIONS
from tutor.engine.trace import trace
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.pictures.diagram import diagram, tell
from tutor.pictures.step.kinds import KINDS, offers
from tutor.play import playback
from tutor.questions.drill import drill_item, skills
from tutor.text.card import Scribe
from tutor.tui.compare import CompareScreen
from tutor.tui.diagram import DiagramScreen
from tutor.tui.pictures import PicturesScreen
from tutor.tui.player import PlayerScreen
from tutor.tui.training import TrainingScreen
from tutor.tui.whatif import WhatIfScreen

assert ACTIVATIONS  # its functions are in the table once it is imported
SIZES = [(60, 16), (80, 24), (160, 48)]


def gate(name: str) -> str:
    _, least, _ = FUNCTIONS[name]
    return f"{name}({', '.join(['x', 'y'][:least])})"


def text(define: list[str], output: str) -> str:
    return (
        f'format = 1\ntitle = "Functions"\n[circuit]\ndefine = {define}\noutput = "{output}"\n'
        "inputs = { x = 0.6, y = 0.3 }\n[training]\nlearning_rate = 0.1\n"
    ).replace("'", '"')


def written(tmp_path, name: str):
    """A lesson of one function, in a compound line and as a gate by itself."""
    path = tmp_path / f"{name}.toml"
    path.write_text(text([f"g = {gate(name)}", f"f = 2 * {gate(name)} + g * y"], "f"), encoding="utf-8")
    return path


@pytest.fixture(params=sorted(FUNCTIONS))
def path(tmp_path, request):
    return written(tmp_path, request.param)


def test_pictures_words_and_questions(path):
    lesson = load(path)
    here = trace(lesson)
    for notation in by_turns((lesson.notation, "partials"), sorted(FUNCTIONS).index(path.stem), 1):
        scribe = Scribe(here, notation)
        for at, eq in enumerate(here.equations):
            for turn, level in enumerate(LEVELS, start=at):
                step = here.find(eq.symbol.id)
                cursor = playback.Cursor(at=at, level=level, notation=notation, furthest=at)
                assert scribe.card(step).title
                for columns, rows in by_turns(((30, 4), *SIZES), turn, 1):
                    assert diagram(here, scribe, step, cursor, columns, rows).picture
                assert tell(here, scribe, step, cursor)
            for kind in offers(step, 0):
                subject = KINDS[kind].begin(step, 0)
                assert subject and KINDS[kind].make(scribe, subject).facts
    found = skills(lesson)
    assert found
    for skill in found:
        assert drill_item(lesson, skill, 1).prompt


def test_line_mode_and_its_commands(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    commands = [usage.split(",")[0].split(" [")[0] for usage in help_rows()]
    filled = {"go ID": "go g", "iteration N": "iteration 3", "example N": "example 1", "train N": "train 5",
              "train epoch N": "train epoch 6", "set NAME = VALUE": "set x = 0.7", "save FILE": "save mine.toml",
              "compare NAME V W": "compare learning_rate 0.1 0.5",
              "sweep NAME A..B": "losses", "train converge": "losses"}  # fmt: skip
    lines = iter([filled.get(command, command) for command in commands if command not in ("quit", "predict")])
    with Store.open() as store:
        lesson = load(path)
        LineMode(lesson, "mine", store, lambda prompt: next(lines, None), said.append).play(False, False)
        at_each = [f"go {eq.symbol.id}" for eq in trace(lesson).equations]
        more = iter([word for id in at_each for word in (id, "map", "chain", "activation", "slope", "check", "from")])
        LineMode(lesson, "mine", store, lambda prompt: next(more, None), said.append).play(False, False)
    assert "g" in "".join(said)


COMMANDS = ["trace {}", "trace {} --level scalar --format markdown", "trace {} --format json", "train {} --epochs 3",
            "compare {} learning_rate 0.1 0.5", "check {}", "drill {} --skills", "grade {} g 0.5"]  # fmt: skip


def test_the_command_line(path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    for command in COMMANDS:
        code = main([str(path) if part == "{}" else part for part in command.split()])
        assert code in ((0, 1) if command.startswith("grade") else (0,)), (command, capsys.readouterr().err)
    for command in (["play", str(path), "--plain"], ["quiz", str(path), "--plain"]):
        assert main(command) in (0, 1)
    assert "error of its own" not in capsys.readouterr().err


@pytest.fixture
def all_of_them(tmp_path):
    """One circuit with every function in a gate of its own."""
    path = tmp_path / "all.toml"
    define = [f"g_{name} = {gate(name)}" for name in sorted(FUNCTIONS)]
    path.write_text(text([*define, "f = " + " + ".join(f"g_{name}" for name in sorted(FUNCTIONS))], "f"))
    return path


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_at_every_gate(all_of_them, size):
    opens = {"m": DiagramScreen, "v": PicturesScreen, "w": WhatIfScreen, "x": TrainingScreen, "y": CompareScreen}
    whole = {"sin", "max", *sorted(FUNCTIONS)[SIZES.index(size) :: len(SIZES)]}  # over the screen: the sizes share them
    async with tutor(all_of_them, size, "g_sin") as pilot:
        for name in sorted(whole):
            for id in ("df/dx", f"g_{name}"):
                pilot.app.screen.jump(id)
                await pilot.pause()
                assert here(pilot) == id
            await press(pilot, "m")
            assert isinstance(pilot.app.screen, DiagramScreen) and f"g_{name}"[:4] in screen(pilot)
            await press(pilot, "m", "v", "escape")
        await press(pilot, "c")
        for key, kind in opens.items():
            player = pilot.app.screen
            if not isinstance(player, PlayerScreen):
                await press(pilot, "escape")
            await press(pilot, key)
            assert isinstance(pilot.app.screen, kind), key
            await press(pilot, "escape")


@pytest.mark.parametrize("size", SIZES)
async def test_a_lesson_of_each_function_opens(tmp_path, size):
    assert catalogue.entries()
    for name in {60: ("sin", "cos"), 80: ("sin", "max"), 160: ("cos", "relu")}[size[0]]:
        async with tutor(written(tmp_path, name), size) as pilot:
            await press(pilot, "enter", "n", "n", "3", "m")
            assert isinstance(pilot.app.screen, DiagramScreen)
