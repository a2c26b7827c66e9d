"""Ids and rules: what is written in one place is read there, and what nobody knows cannot be written."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from strategies import circuit_lesson, dense, network_lesson
from tutor.engine import ids
from tutor.engine.lesson import Training
from tutor.engine.network import parameters_of
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.program import Program
from tutor.engine.rules import RULES, VARIED, rule_id, variant_of

ROOT = Path(__file__).resolve().parent.parent


def lessons():
    layers = [dense([[1, 2], [3, 4]], [0, 0], "tanh"), dense([[1, -2]])]
    for name in OPTIMIZERS:
        given = network_lesson(layers, "squared_error", [[1, 2], [3, 4]], [[1], [0]], optimizer=name, l2=0.1, batch=2)
        yield given
        yield circuit_lesson(["q = x * y", "f = q + x"], training=Training(0.1, name), x=1, y=2)


def test_what_is_written_is_read():
    for taught in lessons():
        program = Program(taught, len(taught.inputs) or 1)
        for eq in program.equations:
            symbol = eq.symbol
            assert ids.read_id(symbol.id) == ids.StepId(symbol.id)
            if symbol.quantity in ("gradient", "local"):
                assert ids.read_derivative(symbol.id) == (symbol.of.id, symbol.wrt.id)
            if symbol.quantity in ("state", "updated"):
                assert symbol.belongs_to(symbol.wrt.id) and ids.is_updated(symbol.id) == symbol.is_new
            if symbol.quantity == "state":
                assert ids.read_state(symbol.id) == (symbol.wrt.id, symbol.name) and symbol.name == eq.variant
        if taught.network:
            found = parameters_of(taught.network)
            assert found == program.model.parameters
            assert [ids.read_parameter(p.id) for p in found] == [(p.quantity, p.layer) for p in found]


def test_an_id_has_its_places_from_one():
    assert ids.read_id("dL/dW2[1,2]@3") == ids.StepId("dL/dW2", (0, 1), 2)
    assert ids.read_id("W2'[ 10 ]") == ids.StepId("W2'", (9,))
    assert ids.read_id("a b") is None and ids.read_parameter("W1'") is None and ids.read_derivative("W1") is None
    assert ids.before_update("W1.m'") == "W1.m" and ids.example_free("dL/dW1[2,1]@3") == "dL/dW1[2,1]"


@pytest.mark.parametrize("text, base, index, example", [
    ("L", "L", None, None),
    (" ∂L/∂W1′[1] ", "dL/dW1'", (0,), None),
    ("dL/dWh[2,1]@h3@3", "dL/dWh@h3", (1, 0), 2),
    ("dL/dWh@h3[2,1]", "dL/dWh@h3", (1, 0), None),
    ("dL/dWh@h3", "dL/dWh@h3", None, None),
    ("dL/dW@q.1@12", "dL/dW@q.1", None, 11),
    ("x[0]@0", "x", (-1,), -1),  # there is no place 0
    ("x[1,,3]", "x", (0, -1, 2), None),
    ("x[999999999]", "x", (999_999_998,), None),
    ("x[1000000000]", "x", (-1,), None),
])  # fmt: skip
def test_an_id_is_read_with_its_use_its_element_and_its_example(text, base, index, example):
    assert ids.read_id(text) == ids.StepId(base, index, example)
    assert ids.names_no_place(text) == ("1000000000" in text)


@pytest.mark.parametrize("text", ["", "x[1]@h[2]", "x[a]", "x@3@h", "x[1", "x]", "x@", "x[1]y", "x[]"])
def test_what_has_another_form_is_no_id(text):
    assert ids.read_id(text) is None


def test_parts_of_ids():
    assert [ids.read_parameter(id) for id in ("W1", "b12", "W1234567", "w1", "b")] == [
        ("weights", 1), ("biases", 12), None, None, None,
    ]  # fmt: skip
    assert ids.of_layer("pre_activation", 3) == "z3" and ids.of_layer("activation", 1) == "a1"
    assert (ids.state("W2", "m"), ids.setting("l2"), ids.within("q", 2)) == ("W2.m", "training.l2", "q.2")
    assert (ids.derivative("L", "W", "h3"), ids.derivative("z2", "a1")) == ("dL/dW@h3", "dz2/da1")
    assert [ids.is_use_by("h3", gate) for gate in ("h3", "h3.2", "h2")] == [True, True, False]
    assert ids.is_use_by("h3.2", "h3.2") and not ids.is_use_by("h3.2", "h3")
    assert ids.is_of_each(ids.of_each("dL/dW1")) and not ids.is_of_each("dL/dW@h3")
    assert [ids.whole(id) for id in ("dL/dW1[2,1]@3", "dL/dW@h3", "L@2", "q.1")] == ["dL/dW1", "dL/dW", "L", "q.1"]
    assert [ids.written_index(id) for id in ("dL/dW1[2, 1]@3", "L@2")] == ["2, 1", ""]
    assert (ids.example_of("dL/dW1[2,1]@3"), ids.line_of("q.1"), ids.line_of("q")) == ("3", "q", "q")
    assert ids.read_state("W1.m'") == ids.read_state("W1.m") == ("W1", "m")
    assert ids.read_derivative("dL/dW@h3") is None
    assert ids.is_updated("W2.m'") and ids.is_updated("W2'") and not ids.is_updated("W2")
    wide = "x[1, 1000000000]", "x@1000000000", "x[ 1000000000]"
    assert all(map(ids.names_no_place, wide)) and not ids.names_no_place("x1000000000")


def test_an_element_fits_a_shape_that_has_it():
    assert ids.StepId("x").fits(()) and ids.StepId("x").fits((2, 3))
    there = {(0, 0): True, (1, 2): True, (2, 0): False, (0, 3): False, (-1, 0): False, (0,): False, (0, 0, 0): False}
    assert {index: ids.StepId("x", index).fits((2, 3)) for index in there} == there


def test_a_rule_and_its_variant_are_one_id():
    assert rule_id("gate_gradient", "mul") == "gate_mul_gradient"
    for rule in RULES:
        assert (variant_of(rule_id(rule, "x" if rule in VARIED else "")) or (rule, ""))[0] == rule
    for wrong in (("gate", ""), ("loss", "mul")):
        with pytest.raises(AssertionError):
            rule_id(*wrong)


def test_an_optimiser_lists_what_its_rule_works_out():
    adam = OPTIMIZERS["adam"]
    assert [state.name for state in adam.memory] == ["m", "v"]
    for taught in lessons():
        states = OPTIMIZERS[taught.training.optimizer].states
        equations = Program(taught, len(taught.inputs) or 1).equations
        assert {eq.variant for eq in equations if eq.rule == "optimizer"} == {state.name for state in states}


def test_no_other_module_makes_or_takes_apart_an_id():
    written = r"""f"[WbzAa]\{|f"d\{[^"]*/d\{|f"training\.|"training\.(?!tcss)[a-z]"""
    made = re.compile(written + r"""|\.partition\("@"\)|\("/d"\)""")
    wrong = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "tutor").rglob("*.py")
        if path.name != "ids.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if made.search(line) and "number}" not in line and "graph.nodes" not in line
    ]
    assert not wrong


def test_memory_goes_by_the_symbols_of_its_parameters():
    found = parameters_of(next(lessons()).network)
    assert [p.id for p in found] == ["W1", "b1", "W2"] and np.prod(found[0].shape) == 4
