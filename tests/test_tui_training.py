"""The training screen as a person uses it, and the same in line mode."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Input

from test_tui import press, screen, tutor, type_in, until
from tutor.cli.line_mode import LineMode
from tutor.engine.evaluation import Evaluator
from tutor.engine.run import Run
from tutor.learner.store import Store
from tutor.lessonfiles.check import load
from tutor.tui import training
from tutor.tui.lines import Lines
from tutor.tui.player import PlayerScreen
from tutor.tui.training import PACES, TrainingGoal, TrainingScreen
from tutor.tui.training_views import FIELD, duration, thinned

CLASSES = """
format = 1
title = "Apart"
level = "matrix"
[network]
inputs = ["u", "v"]
loss = "cross_entropy"
[[network.layers]]
units = 3
activation = "tanh"
[[network.layers]]
units = ["left", "right"]
activation = "softmax"
[[examples]]
inputs = [-1, 0]
target = 1
[[examples]]
inputs = [-2, 1]
target = 1
[[examples]]
inputs = [1, 0.5]
target = 2
[training]
learning_rate = 0.5
order = "shuffled"
"""

DIVERGES = """
format = 1
title = "Too fast"
[network]
inputs = 1
loss = "squared_error"
[[network.layers]]
units = 1
weights = [[1.0]]
[[examples]]
inputs = [3]
targets = [1]
[training]
learning_rate = 1e6
"""

CIRCUIT = """
format = 1
title = "A bowl"
[circuit]
define = ["f = x * x"]
output = "f"
[circuit.inputs]
x = 2
[training]
learning_rate = 0.25
"""


@pytest.fixture
def file(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def pane(pilot, name: str) -> str:
    return "\n".join(line.text.rstrip() for line in pilot.app.screen.query_one(f"#{name}", Lines).lines)


async def opened(pilot) -> TrainingScreen:
    await press(pilot, "escape", "x")
    await until(pilot, lambda: isinstance(pilot.app.screen, TrainingScreen) and pilot.app.screen.look)
    return pilot.app.screen


async def trained(pilot, number: int) -> None:
    """Train to an iteration with g, and wait for all of it to be shown."""
    await press(pilot, "g")
    await type_in(pilot, str(number))
    await settled(pilot)


async def back_in_the_player(pilot) -> None:
    """The screen is on top a moment before it shows the iteration that was picked."""
    await until(pilot, lambda: isinstance(pilot.app.screen, PlayerScreen))
    await until(pilot, lambda: pilot.app.screen.sitting.cursor.iteration > 1)


async def settled(pilot) -> None:
    await until(pilot, lambda: pilot.app.screen.goal is None and not pilot.app.screen.threads)
    await pilot.pause()


async def test_train_look_pick_and_step_exactly_that_iteration(file):
    path = file(CLASSES)
    async with tutor(path, size=(80, 24)) as pilot:
        training = await opened(pilot)
        assert "not trained yet" in screen(pilot)
        assert "Nothing is trained yet" in pane(pilot, "losses")
        await trained(pilot, 60)
        assert "iteration 60 · epoch 20" in screen(pilot)
        assert "Trained for 60 iterations" in screen(pilot)
        assert "3 of 3 right, 100 %" in screen(pilot)
        await press(pilot, "tab")
        assert "Evaluation after iteration 60" in screen(pilot)
        assert "left                 2      0   100 %" in screen(pilot)
        await press(pilot, "tab")
        assert "Decision boundary after iteration 60" in screen(pilot)
        assert "all examples predicted right" in screen(pilot)
        await press(pilot, "tab", "i")
        await type_in(pilot, "17")
        await settled(pilot)
        assert "iteration 17 of 60" in screen(pilot)
        assert training.look.done == 17
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlayerScreen))
        player = pilot.app.screen
        assert player.sitting.cursor.iteration == 17
        exact = Run(load(path)).iteration(17)
        for key, value in exact.values.items():
            assert np.array_equal(player.sitting.trace.iteration.values[key], value), key
        # What was trained is there when one comes back.
        await press(pilot, "x")
        await until(pilot, lambda: isinstance(pilot.app.screen, TrainingScreen))
        assert "iteration 60 · epoch 20" in screen(pilot)


async def test_what_is_seen_belongs_to_the_iteration_that_is_picked(file):
    path = file(CLASSES)
    lesson = load(path)
    async with tutor(path, size=(160, 48)) as pilot:
        training = await opened(pilot)
        await trained(pilot, 30)
        for keys, done in [(["home"], 1), (["a"], 0), (["full_stop"], 1), (["end", "left"], None), (["a"], None)]:
            await press(pilot, *keys)
            await settled(pilot)
            done = training.done if done is None else done
            assert training.look.done == training.done == done
            parameters = Run(lesson).parameters(done + 1)
            evaluator = Evaluator(lesson)
            assert np.array_equal(training.look.evaluation.outputs, evaluator.evaluate(parameters).outputs)
            assert np.array_equal(training.look.plane.outputs, evaluator.plane(parameters, FIELD[1], FIELD[0]).outputs)
        assert f"after iteration {training.done}" in screen(pilot)


async def test_training_goes_on_while_keys_work_and_esc_stops_it(file):
    async with tutor(file(CLASSES), size=(160, 48)) as pilot:
        training = await opened(pilot)
        pilot.app.simulate_key("space")
        await until(pilot, lambda: training.trained > 20 and "Esc stops" in screen(pilot))
        first = training.look
        pilot.app.simulate_key("l")
        await until(pilot, lambda: "loss, logarithmic" in pane(pilot, "losses"))
        assert training.goal is not None
        await until(pilot, lambda: training.look is not first)  # the evaluation follows the training
        pilot.app.simulate_key("escape")
        await settled(pilot)
        assert f"Stopped after {training.run.trained:,} iterations" in screen(pilot)
        assert training.run.trained == training.trained == len(training.history.losses)
        await press(pilot, "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlayerScreen))


async def test_the_event_loop_is_not_the_one_that_trains_or_evaluates_what_takes_its_time(file, monkeypatch):
    monkeypatch.setattr(training, "QUICK", 0.0)
    threads: dict[str, set[bool]] = {"train": set(), "evaluate": set()}
    for owner, name in ((Run, "train"), (Evaluator, "evaluate")):

        def watched(*args, was=getattr(owner, name), name=name, **more):
            threads[name].add(threading.current_thread() is threading.main_thread())
            return was(*args, **more)

        monkeypatch.setattr(owner, name, watched)
    async with tutor(file(CLASSES)) as pilot:
        await opened(pilot)
        await trained(pilot, 20)
        await press(pilot, "left")
        await settled(pilot)
    assert threads == {"train": {False}, "evaluate": {False}}


async def test_leaving_while_it_trains_waits_for_the_thread(file):
    async with tutor(file(CLASSES)) as pilot:
        training = await opened(pilot)
        pilot.app.simulate_key("space")
        await until(pilot, lambda: training.trained > 20)
        pilot.app.simulate_key("enter")  # step what is picked, while it goes on
        await back_in_the_player(pilot)
        assert not training.threads
        assert 20 < pilot.app.screen.sitting.cursor.iteration <= training.run.trained


async def test_divergence_is_told_where_it_begins_and_can_be_stepped(file):
    async with tutor(file(DIVERGES)) as pilot:
        training = await opened(pilot)
        await trained(pilot, 500)
        began = training.run.diverged
        assert began is not None
        assert training.picked == began < 500
        assert "Training diverged." in screen(pilot) and f"in iteration {began}" in screen(pilot)
        await press(pilot, "space")
        assert "going on would not bring the numbers back" in screen(pilot)
        await press(pilot, "tab")
        await press(pilot, "enter")
        await back_in_the_player(pilot)
        assert pilot.app.screen.sitting.cursor.iteration == began


async def test_converge_ends_by_itself(file):
    async with tutor(file(CIRCUIT)) as pilot:
        training = await opened(pilot)
        await press(pilot, "c")
        await settled(pilot)
        # x halves each time: x changes by less than 10⁻⁶ once 2 · 2⁻ⁿ < 10⁻⁶, at n = 21
        assert training.trained == 21
        assert "Converged after 21 iterations" in screen(pilot)
        await press(pilot, "tab")
        assert "Values after iteration 21" in screen(pilot)
        assert "x = 9.537×10⁻⁷" in screen(pilot)


async def test_what_is_trained_already_is_picked_not_trained_again(file):
    async with tutor(file(CLASSES)) as pilot:
        training = await opened(pilot)
        await press(pilot, "p")
        await type_in(pilot, "4")
        await settled(pilot)
        assert training.trained == 12
        await trained(pilot, 5)
        assert training.trained == 12 and training.picked == 5
        await press(pilot, "g")
        pilot.app.screen.query_one(Input).value = "nonsense"
        await press(pilot, "enter")
        assert "A whole number from 1 to" in screen(pilot)


async def test_a_circuit_without_training_says_so():
    async with tutor("sigmoid-neuron") as pilot:
        await press(pilot, "escape", "x")
        assert isinstance(pilot.app.screen, PlayerScreen)
        assert "not trained" in screen(pilot)


async def test_any_size_will_do(file):
    async with tutor(file(CLASSES)) as pilot:
        training = await opened(pilot)
        assert training.query_one("#keys").size.height == 2
        await trained(pilot, 9)
        for size in [(60, 16), (40, 10), (110, 20), (200, 60)]:
            await pilot.resize_terminal(*size)
            await press(pilot, "tab", "left")
            rows = screen(pilot).split("\n")
            assert len(rows) == size[1] and all(len(row) <= size[0] for row in rows)
            assert ("needs 60 × 16" in screen(pilot)) == (size == (40, 10))
        assert "Evaluation after" in screen(pilot) and "Decision boundary after" in screen(pilot)


def test_thinning_keeps_every_peak():
    xs, ys = np.arange(100_000), np.zeros(100_000)
    ys[[3, 54_321, 99_999]] = [7, -5, 9]
    ys[70_000] = np.inf
    few_x, few_y = thinned(xs, ys, 100)
    assert len(few_x) == len(few_y) == 200
    assert {7, -5, 9} <= set(few_y.tolist())
    assert np.all(np.isfinite(few_y))


@pytest.mark.parametrize(("seconds", "said"), [(0.2, "1 s"), (89, "89 s"), (120, "2 min"), (7300, "2 h")])
def test_duration(seconds, said):
    assert duration(seconds) == said


# ---------------------------------------------------------------- line mode


def plain(path: Path, *commands: str) -> str:
    said: list[str] = []
    lines = iter(commands)
    with Store.open() as store:
        LineMode(load(path), str(path), store, lambda prompt: next(lines, None), said.append).play(True, False)
    return "\n".join(said)


def test_line_mode_says_what_the_screen_shows(file):
    text = plain(file(CLASSES), "train epoch 20", "evaluate 1", "losses", "iteration 60")
    assert "Trained for 60 iterations" in text
    assert "60 iterations trained, 20 epochs of 3 iterations." in text
    run = Run(load(file(CLASSES)))
    run.train(60)
    assert f"The loss went from {run.losses[0]:.4g} to {run.losses[-1]:.4g}" in text
    assert "After iteration 60:\nAll 3 rows: 3 of 3 right, 100 %, mean loss" in text
    assert "  left: 2 of 2 right, 100 %" in text
    assert "After iteration 1:" in text
    assert "iteration 60)" in text


def test_line_mode_tells_what_it_cannot_do(file):
    path = file(CLASSES)
    text = plain(path, "evaluate", "losses", "train", "train epoch", "train 0", "evaluate 4", "train 3", "train 2")
    assert "Before any training:" in text
    assert "Nothing is trained yet: no losses." in text
    assert text.count("Say how far: train 100, train epoch 10 or train converge") == 3
    assert "Nothing is trained yet.\n" in text
    assert "That is trained already; `iteration 2` steps it." in text


def test_line_mode_diverges_and_converges_in_words(file):
    text = plain(file(DIVERGES), "train 500")
    run = Run(load(file(DIVERGES)))
    run.train(500)
    assert f"`iteration {run.diverged}` steps where it begins." in text
    text = plain(file(CIRCUIT), "train converge")
    assert "Converged after 21 iterations" in text
    assert "x = 9.537×10⁻⁷" in text


def test_line_mode_stops_at_ctrl_c_and_keeps_what_is_trained(file, monkeypatch):
    train = Run.train

    def interrupted(self, iterations, progress=None, tolerance=None):
        def tick(trained):
            os.kill(os.getpid(), signal.SIGINT)  # a real signal, while it trains
            return progress(trained)

        return train(self, iterations, tick, tolerance)

    monkeypatch.setattr(Run, "train", interrupted)
    text = plain(file(CLASSES), "train 1000000", "iteration 2")
    assert "Stopped after " in text and " iterations trained" in text
    assert "iteration 2)" in text
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


async def test_the_boundary_of_several_answers_is_the_first_ones(file):
    text = CLASSES.replace("cross_entropy", "binary_cross_entropy").replace("softmax", "sigmoid")
    text = text.replace("target = 1", "targets = [0, 1]", 1).replace("target = 1", "targets = [0, 0]")
    async with tutor(file(text.replace("target = 2", "targets = [1, 1]")), size=(160, 48)) as pilot:
        training = await opened(pilot)
        await trained(pilot, 90)
        found = training.look.evaluation
        assert [table.title for table in found.tables] == ["left", "right"]
        assert pane(pilot, "plane").splitlines()[-1].startswith("output left; ")
        for row, (u, v) in enumerate(training.lesson.inputs):
            plane = training.look.plane
            there = plane.classes[np.abs(plane.y - v).argmin(), np.abs(plane.x - u).argmin()]
            assert there == (found.outputs[row, 0] >= 0.5)


async def test_in_slow_motion_each_iteration_is_seen_and_the_numbers_are_the_same(tmp_path):
    path = tmp_path / "apart.toml"
    path.write_text(CLASSES)
    flat = Run(load(path))
    flat.train(12)
    async with tutor(path, (80, 24), "L") as pilot:
        await press(pilot, "x")
        training = pilot.app.screen
        await press(pilot, *["minus"] * 9)
        assert training.pace == PACES[0] and "Slow motion: 1 a second" in screen(pilot)
        seen = []
        training._stop.wait = lambda seconds: seen.append((seconds, training.run.trained)) or training._stop.is_set()
        training.start(TrainingGoal(5))
        await until(pilot, lambda: training.goal is None)
        assert seen == [(1.0, at) for at in range(1, 5)] and training.trained == 5
        await press(pilot, *["plus"] * 9)
        assert training.pace is None and training.run.way == "Python"
        training.start(TrainingGoal(12))
        await until(pilot, lambda: training.goal is None)
        assert training.run.losses.tobytes() == flat.losses.tobytes()


async def test_flat_out_training_becomes_slow_and_stops_when_told(tmp_path):
    path = tmp_path / "apart.toml"
    path.write_text(CLASSES)
    async with tutor(path, (80, 24), "L") as pilot:
        await press(pilot, "x", "space")
        training = pilot.app.screen
        await until(pilot, lambda: training.trained > 0)
        await press(pilot, "minus")
        await until(pilot, lambda: training.goal is not None and training.pace == PACES[-1])
        await press(pilot, "space")
        await until(pilot, lambda: training.goal is None)
        assert 0 < training.trained == training.run.trained
