"""What is large costs what it is, not its square: counted in calls, at two sizes of the same thing."""

from __future__ import annotations

import random

import pytest

from effort import effort
from tutor.cli.export import FORMATS
from tutor.engine.trace import trace
from tutor.lessonfiles.check import examine, load


def gates(count: int) -> str:
    rng, names, lines = random.Random(1), ["x", "y"], []
    for k in range(count):
        one, two = (rng.choice(names[-30:]) for _ in range(2))
        lines.append(f'"g{k} = {one} {rng.choice("+-*")} {two} * 0.1"')
        names.append(f"g{k}")
    head = 'format = 1\ntitle = "Gates"\n[circuit]\n'
    return f'{head}define = [{", ".join(lines)}]\noutput = "{names[-1]}"\n[circuit.inputs]\nx = 0.5\ny = 0.25\n'


ROWS = """
format = 1
title = "Rows"
examples = "rows.csv"
[network]
inputs = ["a", "b"]
loss = "half_squared_error"
[[network.layers]]
units = 3
activation = "sigmoid"
[[network.layers]]
units = 1
[training]
learning_rate = 0.1
batch = "all"
"""


@pytest.mark.parametrize("format", FORMATS)
def test_the_trace_of_a_circuit_grows_with_its_gates(format, tmp_path):
    efforts = []
    for count in (60, 240):
        (tmp_path / "gates.toml").write_text(gates(count))
        here = trace(load(tmp_path / "gates.toml"))
        efforts.append(effort(lambda: "".join(FORMATS[format](here, "matrix", "dz"))))
    assert efforts[1] < 6 * efforts[0], efforts


def test_a_check_looks_at_every_step_of_a_few_examples_only(tmp_path):
    efforts = []
    for count in (100, 2_000):
        rows = "".join(f"{k % 7 / 8},{k % 5 / 4},{k % 3 / 2}\n" for k in range(count))
        (tmp_path / "rows.csv").write_text(f"a,b,y\n{rows}")
        (tmp_path / "rows.toml").write_text(ROWS)
        problems: list = []
        efforts.append(effort(lambda: problems.extend(examine(tmp_path / "rows.toml")[1])))
        assert not problems
    assert (efforts[1] - efforts[0]) / 1_900 < 300, efforts  # calls a row, its reading included


def test_a_value_beyond_the_numbers_is_found_in_any_example(tmp_path):
    rows = "".join(f"0.5,{'1e200' if k == 150 else '0.25'},0.5\n" for k in range(200))
    (tmp_path / "rows.csv").write_text(f"a,b,y\n{rows}")
    text = ROWS.replace('activation = "sigmoid"', 'activation = "linear"').replace("half_", "")
    (tmp_path / "rows.toml").write_text(text)
    assert "@151' overflows" in "".join(problem.message for problem in examine(tmp_path / "rows.toml")[1])
