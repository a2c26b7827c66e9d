"""What is large costs what it is, not its square: counted in calls, at two sizes of the same thing."""

from __future__ import annotations

import random
import tracemalloc

import numpy as np
import pytest

from effort import effort
from tutor.cli.export import FORMATS
from tutor.engine.trace import Step, trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import examine, load
from tutor.questions import rounding
from tutor.questions.choosing import spread
from tutor.questions.slips import make_table
from tutor.text.card import Scribe
from tutor.text.layout import linear
from tutor.text.writer import Writer


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
    for count in (40, 160):
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


WIDE = """
format = 1
title = "Wide"
[network]
inputs = 2
loss = "half_squared_error"
[[network.layers]]
units = {n}
activation = "sigmoid"
[[network.layers]]
units = {n}
activation = "sigmoid"
[[network.layers]]
units = 1
[training]
learning_rate = 0.1
{more}
[[examples]]
inputs = [0.5, 0.25]
targets = [1]
"""


def test_a_quiz_makes_the_numbers_that_it_asks_about(tmp_path):
    (tmp_path / "wide.toml").write_text(WIDE.format(n=400, more=""))
    here = trace(load(tmp_path / "wide.toml"))
    matrix = here.iteration.values["W2"].nbytes
    tracemalloc.start()
    try:
        items = spread(here, Writer(here.lesson, "dz"), random.Random(1), 30)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(items) > 10
    assert kept < 6 * matrix and most < 10 * matrix  # thirty slips of each matrix, kept whole, are sixty


@pytest.mark.parametrize("lesson", ["o-regression", "batch-mean", "weight-decay", "softmax", "adam"])
def test_slips_worked_out_by_element_are_those_of_the_whole(lesson, monkeypatch):
    found = catalogue.find(lesson)
    whole, single = trace(load(found)), trace(load(found))
    for eq, twin in zip(whole.equations, single.equations, strict=True):
        table = make_table(whole, eq)
        monkeypatch.setattr(rounding, "LARGE", 0)
        by_element = make_table(single, twin)
        for index in [tuple(n - 1 for n in eq.symbol.shape), (0,) * len(eq.symbol.shape)]:
            example = 0 if eq.symbol.per_example else None
            step, other = Step(whole, eq, index, example), Step(single, twin, index, example)
            right = {(e[0], e[1].symbol.key, e[3]): v for e, v in zip(table.entries, table.at(step), strict=True)}
            got = by_element.at(other)
            got = {(e[0], e[1].symbol.key, e[3]): v for e, v in zip(by_element.entries, got, strict=True)}
            for key, value in right.items():
                assert got[key] == pytest.approx(value, rel=1e-9, abs=1e-15, nan_ok=True), (eq.symbol.key, key[0])
            assert all(not np.isfinite(value) for key, value in got.items() if key not in right)
        monkeypatch.undo()


@pytest.mark.parametrize("lesson", ["o-regression", "weight-decay"])
def test_roundings_worked_out_by_element_are_those_of_the_whole(lesson, monkeypatch):
    whole, single = trace(load(catalogue.find(lesson))), trace(load(catalogue.find(lesson)))
    right = {step.id: rounding.bounds(whole, 3).of(step) for step in whole.steps("scalar")}
    monkeypatch.setattr(rounding, "LARGE", 3)  # the matrices
    for step in single.steps("scalar"):
        if len(step.equation.symbol.shape) == 2 and single.examples == 1:
            assert rounding.Bounds(single, 3).of(step) == pytest.approx(right[step.id], rel=1e-9), step.id


@pytest.mark.parametrize(
    ("n", "more", "said"),
    [
        (150_000, "", "layer 1 has 150,000 units"),
        (2_500, 'optimizer = "adam"', "one iteration of this lesson is 56,3"),
    ],
)
def test_what_no_machine_holds_is_refused_with_what_to_do(n, more, said, tmp_path):
    text = WIDE.format(n=n, more=more)
    if n > 100_000:
        text = text.replace(f"units = {n}\n", "units = 2\n").replace("units = 2\n", f"units = {n}\n", 1)
    (tmp_path / "wide.toml").write_text(text)
    lesson, problems = examine(tmp_path / "wide.toml")
    assert lesson is None
    (problem,) = problems
    assert said in problem.message and "are the most" in problem.message and "fewer" in problem.advice


def wide_norm(count: int) -> str:
    numbers = ", ".join(str(k * 37 % 19 / 8 - 1) for k in range(count))
    return (
        'format = 1\ntitle = "Norm"\n[circuit]\ndefine = ["n = norm(x)", "L = sum(n * w)"]\noutput = "L"\n'
        f"[circuit.inputs]\nx = [{numbers}]\nw = [{numbers}]\n"
    )


def test_what_an_element_of_a_wide_norm_is_made_of_is_cut_before_it_is_written(tmp_path):
    """Of n numbers it is n + 1 sums of n: they are cut before they are written."""
    efforts, texts = [], []
    for count in (16, 128):
        (tmp_path / "norm.toml").write_text(wide_norm(count))
        here = trace(load(tmp_path / "norm.toml"))
        scribe = Scribe(here, "dz")
        scribe.card(here.find("L"))
        for id in ("n[1]", "dL/dx[3]"):
            efforts.append(effort(lambda id=id: texts.append(linear(scribe.card(here.find(id)).main.docs[1]))))
    assert efforts[2] < 12 * efforts[0] and efforts[3] < 12 * efforts[1], efforts
    assert max(map(len, texts)) < 1_500, texts
