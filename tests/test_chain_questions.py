"""The chain of a gradient as a question: its factors in order, and a whole chain asked for, factor by factor."""

import math
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import strategies as some
from strategies import circuit_lesson, dense, network_lesson
from test_questions import FORK, WIDE, ask, hold
from tutor.engine.trace import trace
from tutor.questions.chain_walk import chain_walk
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.text.notations import NOTATIONS
from tutor.text.writer import Writer

ATTENTION = some.bundled("attention")


def walk(lesson, id, seed=1, notation="dz", example=0):
    return chain_walk(trace(lesson).find(id), Writer(lesson, notation), random.Random(seed), example)


def in_order(item, *names):
    """The verdict on factors by their texts."""
    return item.grade(" ".join(str(item.choices.index(name) + 1) for name in names))


def factors(item):
    """The right factors, as the answer has them."""
    return item.answer.partition(" (")[2].removesuffix(")").split(" · ")


def a_chain_of(lesson, step, wanted):
    """The question about a step whose choices have the wanted ones, whatever the seed."""
    found = (ask(lesson, step, "chain", seed) for seed in range(30))
    return next(item for item in found if set(wanted) <= set(item.choices))


# ---------------------------------------------------------------- the factors in order


def test_the_factors_are_those_on_the_path_to_the_weight():
    item = ask(WIDE, "dL/dW3[1,2]", "chain")
    assert factors(item) == ["∂L/∂a₁³", "∂a₁³/∂z₁³", "∂z₁³/∂w₁₂³"]
    assert in_order(item, *factors(item)).correct
    other_end = in_order(item, *reversed(factors(item)))
    assert other_end.correct and "other end" in other_end.message
    first, second, third = factors(item)
    shuffled = in_order(item, second, first, third)
    assert shuffled.kind == "wrong" and shuffled.credit == 0.75 and "order is not" in shuffled.message


def test_a_path_of_several_is_named_and_another_one_is_told_as_such():
    lesson = circuit_lesson(["u = x * y", "q = u + 3", "f = u * q"], x=3, y=-2)
    item = next(i for s in range(40) if "q" in (i := ask(lesson, "df/dx", "chain", s)).prompt.partition("through")[2])
    assert "2 paths" in item.prompt and factors(item) == ["∂f/∂q", "∂q/∂u", "∂u/∂x"]
    item = a_chain_of(lesson, "df/dx", ["∂f/∂q", "∂q/∂u", "∂u/∂x", "∂f/∂u"])
    verdict = in_order(item, "∂f/∂u", "∂u/∂x")
    assert verdict.kind == "wrong" and "another path" in verdict.message and verdict.credit == 0.5


@pytest.mark.parametrize("left_out, slip", [
    (1, "slope-dropped"), (2, "weight-skipped"), (3, "slope-dropped"), (4, "carried-value-lost"), (0, None),
])  # fmt: skip
def test_what_is_left_out_is_named(left_out, slip):
    item = ask(WIDE, "dL/dW2[1,2]", "chain")
    rest = factors(item)
    missing = rest.pop(left_out)
    verdict = in_order(item, *rest)
    assert verdict.misconception == slip and f"{missing} is missing" in verdict.message and verdict.credit < 1


@pytest.mark.parametrize("step, choice, slip", [
    ("dL/dW3[1,2]", "∂z₁³/∂a₂²", "weight-for-activation"),
    ("dL/dW3[1,2]", "∂a₂³/∂z₂³", "slope-of-neighbour"),
    ("dL/dW3[1,2]", "∂a₁¹/∂z₁¹", "slope-elsewhere"),
    ("dL/dW3[1,2]", "∂z₁³/∂a₁³", None),  # upside down
    ("dL/dW3[1,2]", "∂z₁³/∂w₁₁³", None),  # leads elsewhere
])  # fmt: skip
def test_choosing_what_does_not_belong_there_says_what_it_means(step, choice, slip):
    item = a_chain_of(WIDE, step, [choice])
    first, *_ = factors(item)
    verdict = in_order(item, first, choice)
    assert verdict.misconception == slip and verdict.message.startswith(f"{choice}: ")
    assert slip is None or MISCONCEPTIONS[slip].title in verdict.message


def test_where_loss_and_activation_cancel_the_slope_is_one_too_many():
    lesson = network_lesson(
        [dense([[0.3, -0.5], [0.7, 0.2]], [0.1, 0.2], "softmax")], "cross_entropy", [[1, 2]], [[1, 0]]
    )
    item = a_chain_of(lesson, "dL/dW1[1,2]", ["∂p₁/∂z₁¹"])
    assert factors(item) == ["∂L/∂z₁¹", "∂z₁¹/∂w₁₂¹"]
    assert in_order(item, "∂L/∂z₁¹", "∂p₁/∂z₁¹", "∂z₁¹/∂w₁₂¹").misconception == "slope-again"


def test_what_has_no_chain_of_factors_is_not_asked():
    assert ask(WIDE, "z1", "chain") is None and ask(WIDE, "W1'", "chain") is None
    assert ask(WIDE, "dL/da3", "chain") is None, "one factor is no product"
    batch = network_lesson([dense([[0.3, -0.5]])], "squared_error", [[1, 2], [3, 1]], [[1], [2]], batch="all")
    means = [eq.symbol.id for eq in trace(batch).equations if eq.rule == "mean_gradient"]
    assert means and all(ask(batch, id, "chain") is None for id in means)


def test_the_chain_goes_on_element_by_element_through_arrays():
    """Every factor that is told multiplies out, by differences of the whole lesson's own forward pass."""
    here = trace(ATTENTION)
    item = next(
        found
        for eq in here.equations
        if eq.phase == "backward" and (found := ask(ATTENTION, eq.symbol.id, "chain", 3)) is not None
    )
    hold(item)
    assert in_order(item, *factors(item)).correct


@settings(max_examples=25, suppress_health_check=[*HealthCheck])
@given(some.lessons(), st.sampled_from(list(NOTATIONS)), st.integers(0, 99))
def test_no_other_list_of_the_choices_is_right(lesson, notation, seed):
    here, rng = trace(lesson), random.Random(seed)
    gradients = [eq.symbol.id for eq in here.equations if eq.phase == "backward" and not eq.symbol.per_example]
    for id in rng.sample(gradients, min(3, len(gradients))):
        item = ask(lesson, id, "chain", seed, notation)
        if item is None:
            continue
        right = item.answer.partition(" (")[0].split()
        for _ in range(10):
            given_ = rng.sample(range(1, len(item.choices) + 1), rng.randint(1, len(item.choices)))
            texts = list(map(str, given_))
            assert item.grade(" ".join(texts)).correct == (texts in (right, right[::-1]))


# ---------------------------------------------------------------- a whole chain


def test_a_whole_chain_of_one_path():
    items = walk(WIDE, "dL/dW3[1,2]")
    assert [item.id.rpartition(":")[2] for item in items] == [
        "factor1", "value1", "factor2", "factor3", "value3", "total",
    ]  # fmt: skip  # the slope of a linear unit is 1: there is nothing to compute
    a2, y = _forward()
    dz3 = y - np.array([0.7, -0.3])
    by_id = {item.id.rpartition(":")[2]: item for item in items}
    assert by_id["value1"].grade(f"{dz3[0]:.4g}").correct
    assert by_id["value3"].grade(f"{a2[1]:.4g}").correct
    assert by_id["total"].grade(f"{dz3[0] * a2[1]:.4g}").correct
    assert by_id["value3"].grade("-0.5").misconception == "weight-for-activation"
    assert by_id["total"].grade(f"{-dz3[0] * a2[1]:.4g}").kind in ("sign", "misconception")
    for item in items:
        assert item.grade(item.answer).correct and len(item.hints) == 4 and item.worked


def _forward():
    """WIDE by hand: a2, and the outputs."""
    x = np.array([0.5, -1.2, 0.8])
    a1 = 1 / (1 + np.exp(-(np.array([[0.2, -0.3, 0.5], [0.7, 0.4, -0.6]]) @ x + [0.1, -0.2])))
    a2 = np.tanh(np.array([[0.3, -0.8], [0.5, 0.9], [-0.4, 0.6]]) @ a1 + [0.2, 0.4, -0.1])
    return a2, np.array([[0.6, -0.5, 0.7], [-0.2, 0.3, 0.8]]) @ a2 + [0.3, -0.4]


def test_several_paths_which_they_are_what_they_give_and_their_sum():
    items = walk(FORK, "df/dx")  # f = u v, u = x y, v = x + u: df/dx = y v + u (1 + y)
    by_id = {item.id.rpartition(":")[2]: item for item in items}
    assert {"paths", "factor1", "product1", "product2", "product3", "total"} <= set(by_id)
    paths = by_id["paths"]
    true = {"f ← u ← x", "f ← v ← x", "f ← v ← u ← x"}
    assert true < set(paths.choices) and paths.grade(paths.answer).correct
    numbers = [str(paths.choices.index(text) + 1) for text in true]
    assert paths.grade(" ".join(numbers)).correct
    assert paths.grade(numbers[0]).misconception == "path-missing"
    none = min(set(paths.choices) - true)
    assert "is no path" in paths.grade(" ".join([*numbers, str(paths.choices.index(none) + 1)])).message
    x, y = 3, -2
    u, v = x * y, x + x * y
    given_ = sorted(float(by_id[f"product{k}"].answer.replace("−", "-")) for k in (1, 2, 3))
    assert given_ == sorted([v * y, u * 1, u * y])
    assert by_id["total"].grade(str(v * y + u + u * y)).correct
    assert "Added" in by_id["product1"].grade("-5").message, "the factors of v y added"


@pytest.mark.parametrize("lesson, id, example", [
    ("p-deep", "dL/dW1[1,2]", 0), ("batch-mean", "dL/dW1[1,1]", 1), ("weight-twice", "dL/dW", 0),
    ("recurrence", "dL/dWh", 0), ("attention", "dL/dS", 0), ("convolution", "dL/dk", 0),
    ("softmax", "dL/dW1[2,1]", 0), ("gates", "df/dx", 0),
])  # fmt: skip
def test_a_chain_is_asked_for_in_networks_circuits_and_arrays(lesson, id, example):
    found = some.bundled(lesson)
    items = walk(found, id, example=example)
    assert items and items[-1].id.endswith(":total")
    for item in items:
        verdict = item.grade(item.answer)
        assert verdict.correct, (item.id, item.answer, verdict)
        assert all(text and "None" not in text for text in (*item.worked, *item.hints, item.prompt))
        told = [item.grade(str(at + 1)) for at in range(len(item.choices))] if not item.many else []
        assert sum(verdict.correct for verdict in told) == (1 if told else 0)


def test_the_values_on_a_path_multiply_to_what_a_difference_says():
    """The gradient at the end of each walk against central differences of the forward pass alone."""
    items = walk(WIDE, "dL/dW3[2,3]")
    right = float(items[-1].question.right)

    def loss(step):
        a2, _ = _forward()
        W3 = np.array([[0.6, -0.5, 0.7], [-0.2, 0.3, 0.8 + step]])
        return np.sum((W3 @ a2 + [0.3, -0.4] - [0.7, -0.3]) ** 2) / 2

    assert math.isclose(right, (loss(1e-5) - loss(-1e-5)) / 2e-5, rel_tol=1e-6)


def test_an_example_of_a_batch_has_its_own_chain():
    first, second = (walk(some.bundled("batch-mean"), "dL/dW1[1,1]", example=e)[-1] for e in (0, 1))
    assert first.answer != second.answer and "example 2's own" in " ".join(second.worked)


def test_nothing_is_asked_where_there_is_no_chain():
    assert walk(WIDE, "z1") == [] and walk(WIDE, "L") == []
