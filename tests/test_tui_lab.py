"""The lab on the full screen: the list, a file that is written and watched, verdicts, hints, what is kept."""

from __future__ import annotations

import pytest

from test_lab import NEURON
from test_tui import pane, press, screen
from test_tui_quiz import opened
from tutor.lab.exercises import EXERCISES
from tutor.learner.store import Store
from tutor.tui.home import HomeScreen
from tutor.tui.lab import BenchScreen, LabScreen
from tutor.tui.lines import KeyBar
from tutor.tui.player import PlayerScreen

WITHOUT_SLOPE = NEURON.replace(" * a * (1 - a)", "").replace("    db = dz", "    print('a is\x1b[2J', a)\n    db = dz")


async def saved(pilot, path, text):
    """What a save leads to, without waiting for the next look."""
    path.write_text(text, encoding="utf-8")
    await looked(pilot)


async def looked(pilot):
    bench = pilot.app.screen
    while True:
        bench.look()
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        if not bench.bench.saved():
            return


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_from_the_list_to_an_exercise_that_is_done(size, data_folder, monkeypatch):
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    async with opened(None, size) as pilot:
        await press(pilot, "ctrl+e")
        assert isinstance(pilot.app.screen, LabScreen) and "0 of" in pane(pilot, "bar")
        assert "One neuron, forward and back  ▸ next" in screen(pilot)
        assert all(key.label in screen(pilot) for key in pilot.app.screen.query_one(KeyBar).keys if key.label)
        await press(pilot, "enter")
        bench = pilot.app.screen
        path = data_folder / "lab" / "neuron.py"
        assert isinstance(bench, BenchScreen) and path.read_text() == EXERCISES["neuron"].skeleton.read_text()
        await looked(pilot)
        said = " ".join(pane(pilot, "said").split())
        assert "waiting for a save" in pane(pilot, "bar")
        assert "The file is written." in said and "def neuron(x, w, b, y)" in said and "neuron.py" in said
        assert all(key.label in screen(pilot) for key in bench.query_one(KeyBar).keys if key.label)

        await saved(pilot, path, WITHOUT_SLOPE)
        said = " ".join(pane(pilot, "said").split())
        assert "L is right. The first that is wrong is dw: The slope of the activation was left out" in said
        assert "ran at" in pane(pilot, "bar") and "→ db carried" in said and "What it printed: a is" in said
        assert "\x1b" not in screen(pilot)
        with Store.open() as store:  # on disk before it was seen
            assert store.tried()["neuron"].tries == 1 and not store.tried()["neuron"].done
        assert "Hint" not in said
        await press(pilot, "tab", "tab")
        said = " ".join(pane(pilot, "said").split())
        assert EXERCISES["neuron"].hints[0] in said and "Look at dw first" in said and "Hint 3" not in said
        await press(pilot, "tab", "tab")
        assert "no more hints" in pane(pilot, "bar")
        await press(pilot, "e")
        assert "Neither VISUAL nor EDITOR" in " ".join(pane(pilot, "bar").split())

        await saved(pilot, path, NEURON.replace("dw = dz * x", "dw = dz @ x"))
        assert "multiplied by *" in " ".join(pane(pilot, "said").split())
        if size[0] >= 160:
            assert "▶  9     dw = dz @ x" in pane(pilot, "source")

        await saved(pilot, path, NEURON)
        said = " ".join(pane(pilot, "said").split())
        assert "Right, all of it" in said and "all right" in pane(pilot, "bar") and "the next one" in said
        await press(pilot, "escape")
        assert "✓ One neuron, forward and back  done" in screen(pilot) and "1 of" in pane(pilot, "bar")
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_the_theory_the_next_one_and_a_file_that_was_there(data_folder):
    path = data_folder / "lab" / "neuron.py"
    path.parent.mkdir(parents=True)
    path.write_text("def neuron(:\n")
    async with opened(lambda app: app.open_bench(EXERCISES["neuron"], path, False), (80, 24)) as pilot:
        await looked(pilot)
        said = " ".join(pane(pilot, "said").split())
        assert "SyntaxError" in said and "line 1" in said and path.read_text() == "def neuron(:\n"
        await press(pilot, "l")
        assert isinstance(pilot.app.screen, PlayerScreen) or "neuron" in screen(pilot)
        while not isinstance(pilot.app.screen, BenchScreen):
            pilot.app.pop_screen()
        await pilot.pause()
        await press(pilot, "n")
        assert pilot.app.screen.exercise is list(EXERCISES.values())[1]
        path.unlink()
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_a_folder_that_cannot_be_written_is_told_of_and_an_editor_is_lent_the_terminal(data_folder, monkeypatch):
    data_folder.mkdir(parents=True, exist_ok=True)
    (data_folder / "lab").write_text("no folder")
    async with opened(lambda app: app.open_lab(), (80, 24)) as pilot:
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, LabScreen) and "cannot be written" in pane(pilot, "bar")
        (data_folder / "lab").unlink()
        await press(pilot, "enter")
        await looked(pilot)  # the end of a run writes the bar anew
        monkeypatch.setenv("EDITOR", "true")
        await pilot.app.workers.wait_for_complete()  # a run that ends writes the bar
        await press(pilot, "e")  # a terminal that is none cannot be lent
        assert "cannot be lent" in " ".join(pane(pilot, "bar").split())


async def test_leaving_ends_the_run_that_goes_on(data_folder):
    path = data_folder / "lab" / "neuron.py"
    path.parent.mkdir(parents=True)
    path.write_text("open('begun', 'w').close()\nwhile True: pass\n")
    async with opened(lambda app: app.open_bench(EXERCISES["neuron"], path, False), (80, 24)) as pilot:
        screen_left = pilot.app.screen
        screen_left.bench.seconds = 60.0
        screen_left.look()
        while not (path.parent / "begun").exists():
            await pilot.pause(0.02)
        assert "running" in pane(pilot, "bar")
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, HomeScreen)
        await pilot.app.workers.wait_for_complete()
        assert screen_left.bench.stop.process.returncode != 0 and screen_left.bench.last is None


def test_the_end_of_a_lesson_names_its_exercise(data_folder):
    from test_plain import answers

    with Store.open() as store:
        said = "\n".join(answers("one-neuron", store, "last", ""))
        assert "backprop-tutor lab start neuron" in said
        assert "lab start" not in "\n".join(answers("two-paths", store, "last", ""))
