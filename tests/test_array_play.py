"""A lesson about arrays in everything that lessons have: exports, pictures, what-if, comparison, drills, questions."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from test_array_model import ALL, ATTENTION, EXAMPLES, lesson
from tutor.cli.export import FORMATS, training_json
from tutor.engine.forward import initial_parameters, model, with_numbers
from tutor.engine.lesson import LEVELS
from tutor.engine.run import Run
from tutor.engine.trace import trace
from tutor.pictures.diagram import diagram, natural_rows, tell
from tutor.play import playback
from tutor.play.compare import Comparison, suggestions
from tutor.play.playback import Cursor
from tutor.play.settings import Here, Refused
from tutor.play.whatif import WhatIf
from tutor.questions.drill import drill_item, skills, variant
from tutor.questions.kinds import KINDS
from tutor.text.card import Scribe
from tutor.text.evaluation_words import value_lines, without_evaluation
from tutor.text.grids import cell_of, grid_of, index_of


@pytest.mark.parametrize("name", ALL)
def test_every_format_has_every_step(name):
    here = trace(lesson(ALL[name]))
    found = json.loads("".join(FORMATS["json"](here, "matrix", "dz")))
    assert [step["id"] for step in found["steps"]] == [step.id for step in here.steps()]
    for step in found["steps"]:
        value = np.asarray(here.find(step["id"]).value)
        said = np.array(step["value"], dtype=float)
        assert step["shape"] == list(value.shape) == list(said.shape)
        assert np.array_equal(np.isnan(said), ~np.isfinite(value))  # −∞ is null
    for kind in ("text", "markdown"):
        for level in LEVELS:
            assert len("".join(FORMATS[kind](here, level, "dz"))) > 500


def test_blocked_positions_are_null_and_the_rest_is_as_it_is():
    found = json.loads("".join(FORMATS["json"](trace(lesson(ATTENTION)), "matrix", "dz")))
    blocked = next(step["value"] for step in found["steps"] if step["id"] == "P.1")
    assert [[cell is None for cell in row] for row in blocked] == [
        [False, True, True],
        [False, False, True],
        [False] * 3,
    ]
    run = Run(lesson(ATTENTION))
    run.train(3)
    trained = json.loads(training_json(run, "done"))
    assert np.shape(trained["parameters"]["Wq"]) == (2, 2)


@pytest.mark.parametrize("name", ALL)
def test_pictures_and_words_of_all_steps(name):
    here = trace(lesson(ALL[name]))
    scribe = Scribe(here, "dz")
    for at in range(len(here.equations)):
        cursor = Cursor(at=at, level="matrix", furthest=at)
        step = playback.current(cursor, here)
        assert diagram(here, scribe, step, cursor, 78, natural_rows(here, 30)).picture
    said = "\n".join(tell(here, scribe, step, cursor))
    for eq in model(here.lesson).forward:
        if eq.phase == "forward":
            assert scribe.writer.text(playback.current(cursor, here).ref) and eq.symbol.id in said


def test_an_element_of_an_array_can_be_changed_and_of_an_example_too():
    changed = WhatIf(lesson(ATTENTION)).apply("X[2,1] = 0.5; Wq[1, 2] = -1")
    inputs = changed.unmarked.circuit.inputs
    assert inputs["X"][1, 0] == 0.5 and inputs["Wq"][0, 1] == -1 and inputs["X"][0, 0] == 1
    assert [change.name for change in changed.changes] == ["X[2,1]", "Wq[1,2]"]
    with pytest.raises(Refused, match=r"X has no element \[4,1\]; it has 3 × 2"):
        changed.apply("X[4,1] = 1")
    of_examples = WhatIf(lesson(EXAMPLES)).apply("example 2 x[1] = 3; batch = 3; y = [0.5]", Here((0, 1), 0))
    taught = of_examples.unmarked
    assert taught.circuit.examples["x"][1].tolist() == [3.0, 2.0] and taught.circuit.examples["y"][0].tolist() == [0.5]
    assert taught.training.batch == 3
    names = [setting.name for setting in of_examples.settings(Here((0, 1), 0))]
    assert {"W[3,2]", "example 1 x[2]", "example 2 y[1]", "batch", "s", "L"} <= set(names) and "x[1]" not in names


def test_numbers_are_put_in_place_of_others():
    taught = lesson(EXAMPLES)
    new = with_numbers(taught, {"s": 2.0}, {"x": np.zeros((1, 2)), "y": np.ones((1, 1))})
    assert initial_parameters(new)["s"] == 2 and new.example_count == 1 and new.circuit.inputs["x"].tolist() == [0, 0]
    assert initial_parameters(taught)["s"] == 1.5  # the lesson itself is never touched


@pytest.mark.parametrize("name", ["attention", "everything", "examples"])
def test_a_drill_draws_new_arrays_and_keeps_data(name):
    taught = lesson(ALL[name])
    one, same, other = (variant(taught, seed).circuit for seed in (1, 1, 2))
    for id, value in one.inputs.items():
        assert np.shape(value) == np.shape(taught.circuit.inputs[id]) and np.array_equal(value, same.inputs[id])
        assert id not in taught.circuit.data or np.array_equal(value, taught.circuit.inputs[id])
    assert any(not np.array_equal(one.inputs[id], other.inputs[id]) for id in one.parameters)


def test_every_kind_asks_about_arrays_without_a_slip():
    taught = lesson(ATTENTION)
    here = trace(taught)
    scribe = Scribe(here, "dz")
    made: set[str] = set()
    for step in here.steps():
        for name, kind in KINDS.items():
            item = kind(step, scribe.writer, random.Random(1))
            made |= {name} if item else set()
    assert {"value", "shape", "formula", "operands", "next", "matrix"} <= made
    assert "gate_matmul_gradient" in skills(taught) and "uses" in skills(taught)
    assert drill_item(taught, "gate_matmul_gradient", 1).step.equation.variant == "matmul"


def test_runs_are_compared_and_what_is_trained_is_told_by_rows():
    taught = lesson(EXAMPLES)
    assert [name for _, name, _ in suggestions(taught) if name == "batch"] == ["batch"]
    compared = Comparison(taught, "learning_rate", ["0.1", "0.2"])
    assert compared.train(3) and "L is" in compared.words()[1]
    assert "lowers the number" in without_evaluation(taught) and "no examples" in without_evaluation(lesson(ATTENTION))
    assert value_lines("W", np.array([[1.0, 2.5], [3.0, 4.0]]), 40) == ["W = 1  2.5", "    3  4"]


def test_cells_above_rank_2_stand_matrix_below_matrix():
    for shape in ((3,), (2, 3), (2, 3, 4), (2, 1, 3, 2)):
        rows, columns = grid_of(shape)
        for flat, index in enumerate(np.ndindex(*shape)):
            assert cell_of(index, shape) == divmod(flat, columns) and index_of(*divmod(flat, columns), shape) == index
        assert rows * columns == np.prod(shape)
    here = trace(lesson(ALL["everything"]))
    at = next(at for at, eq in enumerate(here.equations) if eq.symbol.id == "c")
    cursor = Cursor(at=at, level="scalar", furthest=at, element=(0, 2, 1))
    assert playback.move_element(cursor, here, 1, 0).element == (1, 0, 1)
    assert playback.move_element(cursor, here, 0, 1).element == (0, 2, 2)
    assert playback.move_element(cursor, here, 9, 9).element == (1, 2, 2)
