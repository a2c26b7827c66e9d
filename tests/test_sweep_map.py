"""Maps over two settings: each cell a run of its own, regions by formula, what is drawn and said; drawn starts."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from effort import effort
from strategies import bundled, circuit_lesson
from test_sweep import BOWL, NET
from tutor.cli.commands import main
from tutor.cli.line_training import sweep as sweep_in_lines
from tutor.engine.evaluation import Evaluator
from tutor.engine.lesson import Training
from tutor.engine.run import Run
from tutor.pictures.canvas import as_text
from tutor.pictures.sweeps import NAMES, map_picture, runs_that_fit
from tutor.play.outcomes import VERDICTS
from tutor.play.settings import Refused
from tutor.play.sweep import SCALE, START, Sweep, suggestions
from tutor.play.sweep_map import LETTERS, Axis, SweepMap, offered, runs_of
from tutor.play.whatif import WhatIf
from tutor.tui.sweep import SweepScreen


def mapped(lesson, x: Axis, y: Axis, epochs: int) -> SweepMap:
    made = SweepMap(lesson, x, y)
    assert made.train(epochs)
    return made


def test_a_bowl_with_momentum_converges_where_its_matrix_says():
    """(f − 1)' = 2(x − 3); v ← m v + 2 (x − 3), x ← x − η v: the eigenvalues of that 2 × 2 matrix say what becomes."""
    lesson = circuit_lesson(["f = (x - 3) ** 2 + 1"], training=Training(0.1, optimizer="momentum"), x=5)
    made = mapped(lesson, Axis.over("learning_rate", 0.003, 4, 9), Axis.over("momentum", 0, 0.9, 4), 200)
    for point in made.points:
        rate, m = point.values
        matrix = np.array([[1 - 2 * rate, -rate * m], [2.0, m]])
        state = np.array([2.0, 0.0])
        for _ in range(199):
            state = matrix @ state
        verdict = made.verdict(point)
        assert (max(abs(np.linalg.eigvals(matrix))) > 1) == (verdict == "diverges"), point.values
        if verdict != "diverges":
            assert point.final - 1 == pytest.approx(state[0] ** 2, rel=1e-6, abs=1e-12)
            assert (state[0] ** 2 <= 0.05 * 4) == (verdict == "converges")
    assert made.best == min((p for p in made.points if math.isfinite(p.final)), key=lambda p: p.final)
    said = made.words()
    assert "ends lowest" in said[0] and said[1].startswith("With momentum 0 it converges for learning_rate")
    counts = [int(n) for n in re.findall(r"^[A-Z], (\d+) of 36", "\n".join(said), re.MULTILINE)]
    assert sum(counts) == 36 and made.losses().shape == (4, 9)


@pytest.mark.parametrize(
    ("x", "y"),
    [(("learning_rate", 0.02, 0.3), ("momentum", 0, 0.8)), ((SCALE, 0.5, 2), ("seed", 1, 2)),
     (("W1[1,2]", -1, 1), (SCALE, 0.5, 2)), ((START, 3, 4), ("l2", 0.01, 0.1))],
)  # fmt: skip
def test_each_cell_is_a_run_of_its_own_and_can_be_stepped(x, y):
    made = mapped(NET, Axis.over(*x, 2), Axis.over(*y, 2), 10)
    assert [point.values for point in made.points] == [(a, b) for b in made.y.values for a in made.x.values]
    for point in made.points:
        own = Run(WhatIf(NET).apply(made.edit(point)).unmarked)
        own.train(30)
        assert own.losses.tobytes() == point.run.losses.tobytes(), made.edit(point)


def test_what_cannot_be_a_map_is_said():
    for text in (
        "learning_rate 0.1..1 and learning_rate 1..2", "seed 0..3 and start 0..3", "learning_rate 0.1..1 and no 0..1",
        "l2 0..1 and seed 0..1 and momentum 0..0.5", "learning_rate 0.1..1 and", "l2 0.1..1 and momentum 0..1",
    ):  # fmt: skip
        with pytest.raises(Refused):
            runs_of(NET, text)
    with pytest.raises(Refused, match="not 1,600"):
        SweepMap(NET, Axis.over("l2", 0, 1, 40), Axis.over("momentum", 0, 0.5, 40))
    with pytest.raises(Refused, match="weights; a circuit has none"):
        Sweep(BOWL, START, [0, 1])
    assert isinstance(runs_of(NET, "learning_rate 0.1..1"), Sweep)
    assert [text for _, text in offered(NET)][:-1] == [text for _, text in suggestions(NET)]
    assert isinstance(runs_of(NET, offered(NET)[-1][1], 4, 3), SweepMap)


# ---------------------------------------------------------------- what is drawn


def test_the_regions_can_be_told_apart_without_colour():
    made = mapped(BOWL, Axis.over("learning_rate", 1e-4, 4, 12), Axis.over("x", 4, 6, 3), 50)
    verdicts = made.verdicts()
    at = made.points.index(made.best)
    for columns, rows in ((60, 9), (78, 12), (120, 30)):
        lines = as_text(map_picture(made, verdicts, at, columns, rows))
        assert len(lines) <= rows and max(map(len, lines)) <= columns and sum(line.count("●") for line in lines) == 1
        body = [line.split("│")[-1].split("┤")[-1] for line in lines[1:] if re.search(r"[│┤]", line)]
        begins = [[letter for letter in line if letter.isalpha()] for line in body]
        expected = [[LETTERS[v] for n, v in enumerate(row) if n == 0 or row[n - 1] != v] for row in verdicts[::-1]]
        assert [row for row in begins if row] == expected  # the best cell's mark stands on no letter here
        assert all(f"{LETTERS[v]} {NAMES[v]}" in lines[0] for row in verdicts for v in row)
    assert map_picture(made, verdicts, at, 10, 3) == ()
    half = SweepMap(BOWL, made.x, made.y)
    half.train(50, lambda done: done < 20)
    lines = as_text(map_picture(half, [], None, 60, 9))
    assert "·" in "".join(lines) and runs_that_fit(78, 14) == (31, 10)
    small, large = (effort(lambda high=high: map_picture(made, verdicts, at, 120, high)) for high in (12, 48))
    assert effort(made.losses) < 20, "the pick of a run looks at none of them again"
    assert large - small < 36 * 50, (small, large)  # by rows: none for each of 36 × 100 cells more


def test_seeds_say_how_far_the_ends_lie_apart_and_how_many_learned():
    xor = bundled("xor")
    sweep = Sweep(xor, START, range(8))
    assert sweep.train(300)
    said = sweep.words()
    ends, right = [], []
    for seed in range(8):  # each by itself
        run = Run(WhatIf(xor).apply(f"layer 1 weights = xavier; layer 2 weights = xavier; seed = {seed}").unmarked)
        run.train(1200)
        ends.append(run.losses[-4:].mean())
        out = Evaluator(xor).predict(run.parameters(1201), xor.inputs)
        right.append(int(np.sum((out >= 0.5) == (xor.targets >= 0.5))))
    assert [point.final for point in sweep.points] == pytest.approx(ends)
    found = re.search(r"(\d+) of 8 learn all 4 rows; the others have (\d+)(?: to (\d+))? right", said[2])
    assert found and int(found[1]) == right.count(4) and 0 < right.count(4) < 8
    assert int(found[2]) == min(right) and int(found[3] or found[2]) == max(n for n in right if n < 4)
    assert f"{np.median(ends):.3g}"[:4] in said[1]
    bowl = Sweep(NET, "seed", [1, 2, 3])
    bowl.train(200)
    assert re.search(r"\d of 3 learn it", bowl.words()[2])


# ---------------------------------------------------------------- the command, the screen, lines


def test_the_command_prints_the_map_and_its_json(capsys):
    argv = ["sweep", "gates", "x", "-3..3", "--and", "y", "-1..1", "--runs", "3", "--epochs", "4"]
    assert main(argv) == 0
    text = capsys.readouterr().out
    assert "ends lowest" in text and "└" in text and "of 9" in text
    assert main([*argv, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    page = (Path(__file__).parent.parent / "docs" / "sweep-json.md").read_text(encoding="utf-8")
    for key in (*found, *found["settings"][0], *found["points"][0]):
        assert f"`{key}`" in page
    assert [point["values"] for point in found["points"][:4]] == [[-3, -1], [0, -1], [3, -1], [-3, 0]]
    assert sum(found["verdicts"].values()) == 9 and set(found["verdicts"]) <= set(VERDICTS)
    assert [axis["setting"] for axis in found["settings"]] == ["x", "y"]
    wrong = {"2 to 31": ["--runs", "32"], "x twice": ["--and", "x", "0..1"], "0.01..10": ["--and", "y", "1"]}
    for word, more in wrong.items():
        assert main(["sweep", "gates", "x", "-3..3", "--and", "y", "-1..1", *more]) == 2
        assert word in capsys.readouterr().err


def test_in_lines(monkeypatch):
    said: list[str] = []
    monkeypatch.setattr("tutor.play.sweep.EPOCHS", 20)
    sweep_in_lines(BOWL, "learning_rate = 0.01..4 and x 4..6", said.append)
    text = "\n".join(said)
    assert "288 runs" in said[0] and "With x 4 it converges for learning_rate" in text
    assert re.search(r"`set x = [\d.]+; learning_rate = [\d.]+`", text)


def test_a_value_in_between_that_cannot_be_is_refused():
    lesson = circuit_lesson(["f = log(x) * y"], training=Training(0.1), x=1, y=2)
    with pytest.raises(Refused):
        Sweep(lesson, "x", [0.5, -1, 2]).train(3)


async def test_on_a_screen(tmp_path):
    from textual.app import App

    class Alone(App):
        def on_mount(self):
            self.push_screen(SweepScreen(BOWL))

    async with Alone().run_test(size=(80, 24)) as pilot:
        screen = pilot.app.screen
        screen.epochs = 20
        screen.begin(screen.make("learning_rate = 0.01..4 and x = 4..6"))
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        made = screen.sweep
        assert isinstance(made, SweepMap) and not screen.training and len(screen.verdicts) == len(made.y.values)
        best, wide = screen.at, len(made.x.values)
        await pilot.press("left")
        assert screen.at == best - 1
        by = 1 if best < wide else -1
        await pilot.press("up" if by > 0 else "down")
        assert screen.at == best - 1 + by * wide
        assert made.of(made.points[screen.at]) in screen.of_picked(made)
