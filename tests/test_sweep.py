"""Sweeps over a setting: what each run comes to, by hand and by a run of its own; words and JSON."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from strategies import bundled, circuit_lesson, dense, network_lesson
from test_tui import tutor
from tutor.cli.commands import main
from tutor.cli.line_training import sweep as sweep_in_lines
from tutor.engine.lesson import Training
from tutor.engine.run import Run
from tutor.engine.same_shape import same_shape
from tutor.play.outcomes import VERDICTS
from tutor.play.settings import Refused, Same
from tutor.play.sweep import SCALE, Sweep, asked, over, read_range, spaced, suggestions
from tutor.play.whatif import WhatIf
from tutor.tui.sweep import SweepScreen

BOWL = circuit_lesson(["f = (x - 3) ** 2 + 1"], training=Training(0.1), x=5)


def swept(lesson, name, values, epochs=100) -> Sweep:
    sweep = Sweep(lesson, name, values)
    assert sweep.train(epochs)
    return sweep


def test_the_regions_of_a_bowl_are_those_of_its_formula():
    """x − 3 is multiplied by 1 − 2η: it shrinks for η below 1 and grows beyond; f − 1 is 4 (1 − 2η)²ⁿ."""
    sweep = swept(BOWL, "learning_rate", spaced("learning_rate", 1e-4, 4, 60, True))
    for point in sweep.points:
        factor = (1 - 2 * point.value) ** 2
        if point.run.diverged is None:
            assert point.final - 1 == pytest.approx(4 * factor**99, rel=1e-6, abs=1e-12)
        left = 4 * factor**99 / 4
        expected = "diverges" if point.value > 1 else "converges" if left < 0.05 else "slow"
        assert sweep.verdict(point) == expected, point.value
    assert [region.verdict for region in sweep.regions()] == ["slow", "converges", "diverges"]
    assert sum(region.runs for region in sweep.regions()) == 60
    assert sweep.best and sweep.best.final == pytest.approx(1, abs=1e-12)
    said = sweep.words()
    assert "ends lowest, at 1." in said[0] and "too slow" in said[1] and "diverges" in said[3]


def test_what_jumps_over_the_lowest_point_oscillates():
    """|x| falls by η a step and then jumps from side to side of 0."""
    sweep = swept(circuit_lesson(["f = abs(x)"], training=Training(), x=1), "learning_rate", [0.02, 0.3])
    assert [sweep.verdict(point) for point in sweep.points] == ["converges", "oscillates"]


def test_an_output_that_falls_for_ever_never_converges():
    sweep = swept(circuit_lesson(["f = x * y"], training=Training(), x=1, y=-2), "learning_rate", [0.001, 0.01])
    assert {sweep.verdict(point) for point in sweep.points} == {"slow"}


NET = network_lesson(
    [dense([[0.3, -0.4], [0.2, 0.7]], [0.1, 0.0], "tanh"), dense([[0.5, -0.3]], [0.05])],
    "half_squared_error", [[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0]], [[0.5], [-0.25], [1.0]], learning_rate=0.1,
    order="shuffled", optimizer="momentum", l2=0.01,
)  # fmt: skip


@pytest.mark.parametrize("name", ["learning_rate", "momentum", "seed", "l2", SCALE, "W1[1,2]"])
def test_each_point_is_a_run_of_its_own(name):
    values = [1, 2] if name == "seed" else [0.02, 0.25]
    for point in swept(NET, name, values, 20).points:
        own = Run(point.run.lesson)
        own.train(60)
        assert own.losses.tobytes() == point.run.losses.tobytes()
        how = point.run.lesson.training
        if name == SCALE:
            assert np.allclose(own.parameters(1)["W1"], np.multiply([[0.3, -0.4], [0.2, 0.7]], point.value))
        elif name[0] == "W":
            assert own.parameters(1)["W1"][0, 1] == point.value
        else:
            assert getattr(how, name) == point.value


def test_runs_share_what_they_can_and_nothing_else():
    base = Run(NET)
    training = NET.training
    other = base.like(replace(NET, training=replace(training, learning_rate=0.3, seed=5)))
    assert other.programs is base.programs and other.parameters(1)["W1"] is not base.parameters(1)["W1"]
    layers = NET.network.layers
    for change in (
        {"training": replace(training, optimizer="adam")},
        {"training": replace(training, l2=0.0)},
        {"training": replace(training, batch=2)},
        {"network": replace(NET.network, layers=(replace(layers[0], activation="relu"), layers[1]))},
        {"network": replace(NET.network, layers=(replace(layers[0], train_weights=False), layers[1]))},
        {"network": replace(NET.network, loss="squared_error")},
        {"inputs": NET.inputs + 1},
    ):
        made = replace(NET, **change)
        assert not same_shape(NET, made) and base.like(made).programs is not base.programs


def test_ranges_and_settings_that_cannot_be():
    assert read_range("-3..1e2") == (-3.0, 100.0)
    for text in ("3", "a..b", "2..1", "1..nan", "1..2..3", ""):
        with pytest.raises(Refused):
            read_range(text)
    assert spaced("seed", 0, 9, 100, False) == list(map(float, range(10)))
    assert spaced("learning_rate", 1, 100, 3, True) == pytest.approx([1, 10, 100])
    for name, values in (("momentum", [0.0, 1.0]), ("nonsense", [1.0, 2.0]), ("learning_rate", [1.0])):
        with pytest.raises(Refused):
            Sweep(NET, name, values)
    with pytest.raises(Refused, match="seed changes nothing"):
        Sweep(bundled("xor"), "seed", [0, 1])
    with pytest.raises(Refused, match="not trained"):
        Sweep(circuit_lesson(["f = x"], x=1), "learning_rate", [0.1, 1])


def test_the_command_says_it_in_words_and_in_json(capsys):
    assert main(["sweep", "xor", "learning_rate", "0.01..20", "--runs", "12", "--epochs", "40"]) == 0
    text = capsys.readouterr().out
    assert "ends lowest" in text and "learning_rate" in text and "└" in text
    argv = ["sweep", "gates", "x", "-3..3", "--runs", "4", "--epochs", "5", "--format", "json"]
    assert main(argv) == 0
    found = json.loads(capsys.readouterr().out)
    assert [point["value"] for point in found["points"]] == pytest.approx([-3, -1, 1, 3])
    assert found["setting"] == "x" and found["scale"] == "linear" and found["epochs"] == 5
    page = (Path(__file__).parent.parent / "docs" / "sweep-json.md").read_text(encoding="utf-8")
    assert set(found) == set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))
    for key in (*found["points"][0], *VERDICTS):
        assert f"`{key}`" in page
    assert sum(region["runs"] for region in found["regions"]) == 4 and all(
        math.isfinite(point["loss"]) for point in found["points"]
    )
    for argv, word in (
        (["learning_rate", "1"], "0.01..10"),
        (["learning_rate", "1..2", "--runs", "1"], "--runs"),
        (["learning_rate", "-1..1"], "learning_rate"),
        (["learning_rate", "0..1", "--scale", "log"], "begins above 0"),
    ):
        assert main(["sweep", "xor", *argv]) == 2
        assert word in capsys.readouterr().err


# ---------------------------------------------------------------- on a screen and in lines


def test_what_is_offered_can_be_swept_over_and_each_point_can_be_stepped():
    for lesson in (BOWL, NET):
        offered = suggestions(lesson)
        assert [text.split(" =")[0] for _, text in offered] == (
            ["learning_rate"] if lesson is BOWL else ["learning_rate", "momentum", "l2", SCALE, "seed"]
        )
        for _, text in offered:
            sweep = over(lesson, *asked(text), runs=3)
            assert sweep.train(2)
            for point in sweep.points:
                try:
                    made = WhatIf(lesson).apply(sweep.edit(point)).unmarked
                except Same:
                    made = lesson
                own = Run(made)
                own.train(point.run.trained)
                assert own.losses.tobytes() == point.run.losses.tobytes(), text


@pytest.mark.parametrize("text", ["", "learning_rate", "0.1..1", "learning_rate 1", "learning_rate 2..1"])
def test_what_is_asked_for_is_a_setting_and_a_range(text):
    with pytest.raises(Refused):
        asked(text)
    assert asked("layer 1 bias = 0..2") == ("layer 1 bias", 0.0, 2.0)


def test_in_lines(tmp_path, monkeypatch):
    monkeypatch.setattr("tutor.play.sweep.RUNS", 12)
    said: list[str] = []
    sweep_in_lines(BOWL, "learning_rate = 0.0001..4", said.append)
    text = "\n".join(said)
    assert "of 500 epochs each" in said[0] and "ends lowest" in text and "diverges" in text and "`set learning" in text


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 48)])
async def test_on_a_screen(size, tmp_path):
    path = tmp_path / "bowl.toml"
    path.write_text(
        'format = 1\ntitle = "Bowl"\n[circuit]\ninputs = {x = 5}\ndefine = ["f = (x - 3) ** 2 + 1"]\noutput = "f"\n'
        "[training]\nlearning_rate = 0.1\n"
    )
    async with tutor(path, size) as pilot:
        await pilot.press("escape")  # the introduction
        await pilot.pause()
        player = pilot.app.screen
        await pilot.press("W")
        await pilot.pause()
        sweep = pilot.app.screen
        assert isinstance(sweep, SweepScreen)
        await pilot.press("minus", "minus", "minus", "minus", "enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert sweep.epochs == 31 and not sweep.training and len(sweep.sweep.points) == 100
        assert "ends lowest" in sweep.words[0] and any("diverges" in words for words in sweep.words)
        await pilot.press("shift+down")
        words = sweep.query_one("#words")
        assert (words.top > 0) == (size < (160, 48))
        best = sweep.at
        await pilot.press("left", "left")
        assert sweep.at == best - 2
        value = sweep.sweep.points[sweep.at].value
        await pilot.press("s")
        await pilot.pause()
        assert pilot.app.screen is player
        assert player.sitting.lesson.training.learning_rate == value
