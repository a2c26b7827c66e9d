"""Step ids, operands and what a step says about itself."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from strategies import circuit_lesson, dense, lessons, network_lesson, spread
from tutor.engine.expressions import Ref, evaluate, refs
from tutor.engine.lesson import Training
from tutor.engine.model import PHASES
from tutor.engine.run import Run
from tutor.engine.trace import NoSuchStep, Trace, as_shown, symbols_of, trace

random_lessons = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def two_layers(examples=1, **training):
    layers = [
        dense([[0.1, 0.2], [0.3, 0.4], [0.5, -0.6]], [0.1, 0.2, 0.3], "sigmoid"),
        dense([[0.7, -0.8, 0.9], [0.2, 0.4, 0.6]], [0.1, -0.2], "sigmoid"),
    ]
    x = [[1.0, 2.0], [0.5, -1.0], [2.0, 0.25]][:examples]
    y = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]][:examples]
    return network_lesson(layers, "binary_cross_entropy", x, y, batch="all", **training)


FORWARD = "z1 a1 z2 a2 L".split()
BACKWARD = "dL/da2 dL/dz2 dL/dW2 dL/db2 dL/da1 dL/dz1 dL/dW1 dL/db1".split()
UPDATE = "W2' b2' W1' b1'".split()


def ids(lesson, level="matrix"):
    return [step.id for step in trace(lesson).steps(level)]


# ---------------------------------------------------------------- ids and their order


def test_order_of_the_ids():
    assert ids(two_layers()) == FORWARD + BACKWARD + UPDATE
    phases = [step.phase for step in trace(two_layers()).steps()]
    assert phases == ["forward"] * 4 + ["loss"] + ["backward"] * 8 + ["update"] * 4


def test_order_of_the_ids_of_a_batch():
    """Each example's own, then what is the batch's."""
    expected = []
    for id in FORWARD:
        expected += [f"{id}@{e}" for e in (1, 2, 3)]
    expected.append("L")
    for id in BACKWARD:
        expected += [f"{id}@{e}" for e in (1, 2, 3)]
        if id[4] in "Wb":
            expected.append(id)
    assert ids(two_layers(3)) == expected + UPDATE


def test_order_of_the_ids_with_l2():
    found = ids(two_layers(l2=0.1))
    assert found[:6] == [*FORWARD, "J"]
    expected = []
    for id in BACKWARD:
        expected += [id, id.replace("dL", "dJ")] if id[4] == "W" else [id]
    assert found[6:] == expected + UPDATE


def test_ids_of_a_circuit():
    lesson = circuit_lesson(["q = x + y", "f = q * z"], x=-2, y=5, z=-4)
    assert ids(lesson)[:3] == ["q", "f", "df/dq"]
    assert set(ids(lesson)[3:]) == {"df/dx", "df/dy", "df/dz"}
    trained = circuit_lesson(["q = x + y", "f = q * z"], training=Training(0.1), x=-2, y=5, z=-4)
    assert ids(trained)[6:] == ["x'", "y'", "z'"]


def test_a_compound_line_stands_gate_by_gate_under_the_authors():
    found = trace(circuit_lesson(["f = 1 / (1 + exp(-x))"], x=1))
    forward = [step for step in found.steps() if step.phase == "forward"]
    assert [step.id for step in forward] == ["f.1", "f.2", "f.3", "f"]
    assert {step.equation.line for step in forward} == {"f = 1 / (1 + exp(-x))"}


def test_ids_of_elements_and_optimiser_states():
    found = ids(two_layers(optimizer="adam"), "scalar")
    assert found[:3] == ["z1[1]", "z1[2]", "z1[3]"]
    assert "L" in found and "dL/dW1[3,2]" in found and "W2.m'[2,3]" in found and "b1'[3]" in found
    assert len(set(found)) == len(found)
    batch = ids(two_layers(3), "scalar")
    assert batch[:4] == ["z1[1]@1", "z1[2]@1", "z1[3]@1", "z1[1]@2"]
    assert "dL/dW2[2,3]@3" in batch and "dL/dW2[2,3]" in batch


@random_lessons
@given(lessons())
def test_ids_are_unique_and_found_again(lesson):
    found = trace(lesson)
    for level in ("matrix", "scalar"):
        steps = list(found.steps(level))
        assert len({step.id for step in steps}) == len(steps)
        for step in steps[:: max(len(steps) // 25, 1)]:
            again = found.find(step.id)
            assert again.id == step.id and again.equation is step.equation
            assert np.array_equal(again.value, step.value, equal_nan=True)
        order = [PHASES.index(step.phase) for step in steps]
        assert order == sorted(order)


@pytest.mark.parametrize(
    ("id", "same"),
    [
        ("dL/dW2[1, 2]", "dL/dW2[1,2]"),
        (" z1 ", "z1"),
        ("W2′", "W2'"),
        ("∂L/∂z2", "dL/dz2"),
    ],
)
def test_ids_as_people_type_them(id, same):
    assert trace(two_layers()).find(id).id == same


def test_an_example_is_an_axis():
    found = trace(two_layers(3))
    assert found.find("z1").id == "z1@1"
    assert found.find("z1", 2).id == "z1@3"
    assert found.find("z1@2", 2).id == "z1@2"
    assert found.find("L").example is None and found.find("L@2").example == 1
    own = [found.find(f"dL/dW2@{e}").value for e in (1, 2, 3)]
    assert np.allclose(found.find("dL/dW2").value, sum(own) / 3, rtol=1e-14)
    assert found.find("dL/dW2[1,2]@3").value == found.find("dL/dW2@3").value[0, 1]


def test_local_derivatives_have_ids():
    found = trace(two_layers(3))
    assert found.find("da2/dz2@3").shape == (2,)
    assert found.find("dz2/dW2@3").shape == (2, 3)
    assert found.find("dz2/dW2[2,1]@3").value == found.find("a1[1]@3").value
    assert found.find("dz2/da1").shape == (2, 3)
    assert found.find("dz2/da1[2,3]").value == 0.6
    assert found.find("dz2/db2[1]@1").value == 1


# ---------------------------------------------------------------- what is no step


@pytest.mark.parametrize(
    ("id", "say"),
    [
        ("dL/dw2", "dL/dW2"),
        ("dL/dW22", "dL/dW2"),
        ("Z1", "z1"),
        ("z3", "z"),
        ("nonsense", "nonsense"),
        ("", "not a step id"),
        ("z1[", "not a step id"),
        ("z1[0]", "no element [0]"),
        ("z1[4]", "no element [4]"),
        ("z1[1,1]", "no element"),
        ("dL/dW2[3,1]", "2 × 3"),
        ("L[1]", "single number"),
        ("z1@1", "one example"),
        ("W2'@1", "one example"),
        ("dz2/dz1", "dz2/dz1"),
        ("W1", "W1"),
        ("x", "'x'"),
        ("z1[99999999999]", "not a step id"),
        ("z1\n", None),
    ],
)
def test_what_is_no_step(id, say):
    found = trace(two_layers())
    if say is None:
        assert found.find(id).id == "z1"
        return
    with pytest.raises(NoSuchStep) as error:
        found.find(id)
    assert say in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("id", "say"),
    [("z1@0", "3 examples"), ("z1@4", "3 examples"), ("W2'@1", "no examples"), ("dz2/da1@2", "leave out"), ("J", "J")],
)
def test_what_is_no_step_of_a_batch(id, say):
    with pytest.raises(NoSuchStep, match=re.escape(say)):
        trace(two_layers(3)).find(id)


IDS = r"(d?[zaWLbxf][0-9.']{0,2}/?d?[zaWb][0-9]?)(\[[0-9,]{0,3}\])?(@[0-9])?"


@given(st.text(max_size=12) | st.from_regex(IDS, fullmatch=True))
def test_any_text_is_a_step_or_said_not_to_be(text):
    for found in SAMPLES:
        try:
            step = found.find(text)
        except NoSuchStep as error:
            assert str(error)
        else:
            assert np.shape(step.value) == step.shape


SAMPLES = [
    trace(two_layers(3, l2=0.1, optimizer="adamw")),
    trace(two_layers()),
    trace(circuit_lesson(["q = x + x * 2", "f = q * z"], x=1, z=2)),
]


# ---------------------------------------------------------------- operands


def test_operands_and_their_makers():
    found = trace(two_layers())
    step = found.find("z2")
    assert [ref.id for ref in step.operands] == ["W2", "a1", "b2"]
    assert [found.maker(ref) and found.maker(ref).id for ref in step.operands] == [None, "a1", None]
    cell = found.find("dL/dW1[3,2]")
    assert [ref.id for ref in cell.operands] == ["dL/dz1[3]", "x[2]"]
    assert found.maker(cell.operands[0]).id == "dL/dz1[3]"
    assert found.maker(cell.operands[1]) is None


def test_operands_of_an_example():
    found = trace(two_layers(3))
    assert [ref.id for ref in found.find("z2@3").operands] == ["W2", "a1@3", "b2"]
    assert found.maker(found.find("z2[1]@3").operands[1]).id == "a1[1]@3"
    assert [ref.id for ref in found.find("dL/db2[1]").operands] == [f"dL/db2[1]@{e}" for e in (1, 2, 3)]


@random_lessons
@given(lessons())
def test_every_operand_has_a_value_and_comes_from_an_earlier_step(lesson):
    found = trace(lesson)
    for level in ("matrix", "scalar"):
        seen: set[str] = set()
        for step in found.steps(level):
            for ref in step.operands:
                value = np.asarray(found.value(ref))
                batched = ref.symbol.per_example and ref.example is None
                assert value.shape == ((found.examples,) if batched else ()) + ref.shape, (step.id, ref.id)
                maker = found.maker(ref)
                if maker and not batched:
                    assert maker.id == ref.id and maker.id in seen, (step.id, ref.id)
                    assert np.array_equal(maker.value, value, equal_nan=True)
            seen.add(step.id)


def test_the_trace_knows_its_symbols():
    found = trace(two_layers(3))
    assert {"W1", "b2", "x@", "y@", "training.learning_rate", "L@", "L", "dL/dW1@", "W1'"} <= set(symbols_of(found))


# ---------------------------------------------------------------- shown numbers


def worked_out(step, value):
    with np.errstate(all="ignore"):
        return np.asarray(evaluate(step.formula, value), dtype=float)


def promise_holds(step):
    """Where whoever computes with the numbers as they are shown gets the value, right to three significant digits."""
    got = worked_out(step, lambda ref: as_shown(step.trace.value(ref), step.digits))
    value = np.asarray(step.value, dtype=float)
    return np.abs(got - value) <= 5e-4 * np.abs(value) + 1e-300


def no_digits_do(step):
    """Where the value changes in its fourth digit with the twelfth of the operands, as 1/(1 − ŷ) does near ŷ = 1."""
    rng, exact = np.random.default_rng(0), worked_out(step, step.trace.value)
    found = ~np.isfinite(exact)
    for _ in range(16):
        off = {ref: 1 + 5e-12 * rng.choice([-1, 1], np.shape(step.trace.value(ref))) for ref in refs(step.formula)}
        moved = worked_out(step, lambda ref: step.trace.value(ref) * off[ref])
        found |= ~(np.abs(moved - exact) <= 2e-4 * np.abs(exact))
    return found


@settings(random_lessons, max_examples=60)
@given(lessons(), st.integers(1, 3))
@example(network_lesson([dense([[1.0]], [0.0], "sigmoid")], "binary_cross_entropy", [[21.8]], [[0]]), 1)
@example(network_lesson([dense([[1.0]], [0.0], "sigmoid")], "binary_cross_entropy", [[40]], [[0]]), 1)
def test_digits_are_enough_to_compute_with(lesson, number):
    found = Trace(lesson, Run(lesson).iteration(number))
    for level in ("matrix", "scalar"):
        for step in spread(found.steps(level), 6):
            assert step.digits >= 4
            if np.all(np.isfinite(step.value)) and not np.all(held := promise_holds(step)):
                assert np.all(held | no_digits_do(step)), step.id


def test_digits_show_what_rounding_would_hide():
    found = trace(circuit_lesson(["a = sigmoid(x)", "f = 1 - a"], x=10))
    step = found.find("f")
    assert step.digits > 4 and promise_holds(step)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(4, 12))
def test_as_shown_is_exact_or_has_so_many_digits(value, digits):
    shown = float(as_shown(value, digits))
    assert abs(shown - value) <= 0.5001 * 10.0 ** (1 - digits) * abs(value) or abs(value) < 1e-290 or abs(value) > 1e290
    if float(f"{value:.6g}") == value and 1e-290 < abs(value) < 1e290:
        assert shown == value


def test_refs_print_their_ids():
    step = trace(two_layers(3)).find("dL/dW2[1,2]@3")
    assert step.ref == Ref(step.equation.symbol, (0, 1), 2) and step.id == "dL/dW2[1,2]@3"
    assert step.at(None).id == "dL/dW2@3" and step.at((1, 0)).id == "dL/dW2[2,1]@3"
