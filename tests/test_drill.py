"""Drills: new numbers for a lesson, by seed, that can be computed on paper; and one telling question after another."""

import math
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import strategies as some
from each import each
from strategies import DEEP, circuit_lesson, dense, network_lesson, spaced
from tutor.engine.lesson import AuthorQuestion, Note, Training
from tutor.engine.losses import LOSSES
from tutor.engine.trace import trace
from tutor.lessonfiles.check import load
from tutor.questions import slips
from tutor.questions.drill import MODERATE, NoQuestion, drill_item, skills, variant
from tutor.questions.items import CHAIN, ORDER, PATHS, SHAPES
from tutor.questions.mastery import title
from tutor.questions.slips import make_table

LESSONS = sorted((Path(__file__).parent.parent / "lessons").glob("*.toml"))
P_DEEP = next(path for path in LESSONS if path.stem.endswith("p-deep"))


def gated(loss="squared_error", output="linear", hidden="relu", **training):
    layers = [dense(np.ones((4, 3)), np.zeros(4), hidden), dense(np.ones((2, 4)), np.zeros(2), output)]
    targets = [[1, 0], [0, 1], [1, 0]]
    return network_lesson(layers, loss, np.ones((3, 3)), targets, **training)


def numbers(lesson) -> list[np.ndarray]:
    if lesson.circuit:
        return [np.array(value) for value in lesson.circuit.inputs.values()]
    layers = [part for layer in lesson.network.layers for part in (layer.weights, layer.biases) if part is not None]
    return [lesson.inputs, lesson.targets, *layers]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_variant_has_new_numbers_for_paper_and_the_same_structure(path):
    lesson = load(path)
    seen = set()
    for seed in range(2):
        found = variant(lesson, seed)
        assert all(np.array_equal(a, b) for a, b in zip(numbers(found), numbers(variant(lesson, seed)), strict=True))
        seen.add(str(numbers(found)))
        for array in numbers(found):  # of many addends each is small, so that the sum stays moderate
            wide = array.ndim == 2 and array.shape[1] > 20
            np.testing.assert_allclose(array, np.round(array, 2 if wide else 1), atol=1e-12)
        pairs = zip(numbers(found)[2:], numbers(lesson)[2:], strict=True)
        assert all(isinstance(old, str) or new.shape == old.shape for new, old in pairs)
        assert [eq.symbol for eq in trace(found).equations] == [eq.symbol for eq in trace(lesson).equations]
        assert found.title.endswith(f"seed {seed}") and found.id == lesson.id
        assert not (found.notes or found.intro or found.outro)
    assert len(seen) == 2


def test_weights_are_no_zeros_and_no_equal_neighbours():
    for seed in range(20):
        for layer in variant(gated(), seed).network.layers:
            W = np.abs(layer.weights)
            assert W.min() >= 0.1 and W.max() <= 0.9 + 1e-9
            assert not np.isclose(W[:, 1:], W[:, :-1]).any() and not np.isclose(W[1:], W[:-1]).any()
            assert np.abs(layer.biases).min() >= 0.1


def test_sums_are_moderate_and_relu_is_on_here_and_off_there():
    for seed in range(20):
        here = trace(variant(gated(), seed))
        z1, z2 = here.find("z1").value, here.find("z2").value
        assert (z1 > 0).any() and (z1 <= 0).any()
        for z in (z1, z2):
            assert np.all((np.abs(z) >= MODERATE[0]) & (np.abs(z) <= MODERATE[1]))


@each("loss", list(LOSSES))
@each("output", ["linear", "sigmoid", "tanh", "relu", "softmax"])
def test_targets_are_legal_for_the_loss(loss, output):
    if LOSSES[loss].wants not in (None, output):
        return
    for seed in range(6):
        found = variant(gated(loss, output), seed)
        y = found.targets
        if loss == "cross_entropy":
            assert np.all((y == 0) | (y == 1)) and np.all(y.sum(axis=1) == 1)
        elif loss == "binary_cross_entropy":
            assert np.all((y == 0) | (y == 1))
        elif LOSSES[loss].targets:
            assert np.all(np.isin(y, LOSSES[loss].targets))
        elif output in ("sigmoid", "softmax"):
            assert np.all((y > 0) & (y < 1))
        here = trace(found)
        assert math.isfinite(here.find("L").value)


def test_a_learning_rate_of_one_would_hide_that_it_was_forgotten():
    assert {variant(gated(learning_rate=1.0), seed).training.learning_rate for seed in range(12)} == {0.1, 0.2, 0.5}
    assert variant(gated(learning_rate=0.03), 1).training.learning_rate == 0.03


def test_what_speaks_of_the_old_numbers_is_left_out():
    lesson = replace(gated(), notes=(Note("L", "it is 3"),), questions=(AuthorQuestion(step="L"),), quiz_steps=("L",))
    found = variant(lesson, 1)
    assert (found.notes, found.questions, found.quiz_steps) == ((), (), ())


def test_a_circuit_keeps_within_its_domain():
    lesson = circuit_lesson(["a = log(x)", "b = sqrt(y)", "c = a / z", "f = b * c"], x=2.5, y=1.5, z=0.5)
    for seed in range(20):
        found = variant(lesson, seed)
        values = trace(found).iteration.values
        assert all(math.isfinite(float(value)) for value in values.values())
        assert found.circuit.inputs["x"] > 0 < found.circuit.inputs["y"]
    whole = circuit_lesson(["q = x + y", "f = q * z"], x=-2, y=5, z=-4)
    for seed in range(10):
        inputs = list(variant(whole, seed).circuit.inputs.values())
        assert all(v == round(v) and 2 <= abs(v) <= 9 for v in inputs) and len(set(map(abs, inputs))) == 3


def test_where_no_numbers_are_good_the_lessons_own_stay():
    lesson = circuit_lesson(["u = x - 0.01", "v = 0.02 - x", "f = log(u) * log(v)"], x=0.015)
    assert variant(lesson, 3).circuit.inputs == {"x": 0.015}


@settings(max_examples=20, suppress_health_check=[*HealthCheck])
@given(some.lessons(), st.integers(0, 10**9))
def test_any_lesson_has_variants(lesson, seed):
    found = variant(lesson, seed)
    values = trace(found).iteration.values
    was_finite = all(np.isfinite(np.asarray(v, dtype=float)).all() for v in trace(lesson).iteration.values.values())
    assert not was_finite or all(np.isfinite(np.asarray(v, dtype=float)).all() for v in values.values())


# ---------------------------------------------------------------- one skill


@cache
def drilled() -> dict[str, set[Path]]:
    """Of each skill six of the lessons that may have it, the first and the last among them; of a rare one all."""
    having: dict[str, list[Path]] = {}
    for path in LESSONS:
        rules = dict.fromkeys(eq.rule_id for eq in trace(some.bundled(path.stem.partition("-")[2])).equations)
        for skill in (*rules, SHAPES, PATHS, CHAIN, ORDER):
            having.setdefault(skill, []).append(path)
    most = len(LESSONS) if DEEP else 6
    return {skill: {paths[at] for at in spaced(len(paths), most)} for skill, paths in having.items()}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_skill_of_a_lesson_can_be_drilled(path):
    lesson = some.bundled(path.stem.partition("-")[2])
    same = replace(lesson)  # nothing that was drilled is remembered with it
    found = skills(lesson)
    assert len(found) >= 5 and all(title(id) != id for id in found)  # a new state or gate has a default
    for skill in found:
        if path in drilled()[skill]:
            item = drill_item(lesson, skill, 6)
            assert item.skill == skill and item.seed >= 6
            if DEEP or path == min(drilled()[skill]):
                assert item == drill_item(same, skill, item.seed)
            assert item.grade(item.answer).correct and item.hints
            assert item.step.trace.lesson.title.endswith(f"seed {item.seed}")
            assert item.question is None or item.question.discriminating


def test_a_drill_goes_on_and_on():
    lesson = load(P_DEEP)
    asked = [drill_item(lesson, "weight_gradient", seed) for seed in range(30)]
    assert len({item.answer for item in asked}) >= 25


def test_kinds_are_asked_in_the_order_given():
    lesson = load(P_DEEP)
    assert drill_item(lesson, "weight_gradient", 1, ("formula",)).kind == "formula"
    assert drill_item(lesson, "weight_gradient", 1, ("matrix", "value")).kind == "matrix"
    assert drill_item(lesson, "update", 1, ("direction",)).kind == "direction"
    assert [drill_item(lesson, skill, 1).kind for skill in (SHAPES, PATHS, CHAIN, ORDER)] == [
        "shape", "paths", "chain", "next",
    ]  # fmt: skip
    # no gradient has no wrong formula that is known: another kind is asked
    assert (
        drill_item(circuit_lesson(["u = exp(x)", "f = u * y"], x=1, y=2), "gate_exp", 1, ("formula",)).kind != "formula"
    )


def test_the_slips_of_an_equation_are_worked_out_once_for_all_the_kinds_that_ask(monkeypatch):
    made = []

    def counted(here, asked, reach=0):
        made.append((here, asked))
        return make_table(here, asked, reach)

    monkeypatch.setattr(slips, "make_table", counted)
    lesson = load(next(path for path in LESSONS if path.stem.endswith("lstm")))
    rules = {eq.rule_id for eq in trace(lesson).equations}
    assert len(skills(lesson)) > 15
    assert len({(id(here), asked.symbol.key) for here, asked in made}) == len(made) < 2 * len(rules)


def test_a_skill_that_a_lesson_does_not_have():
    with pytest.raises(NoQuestion, match=re.escape("'softmax'")):
        drill_item(gated(), "softmax", 1)
    with pytest.raises(NoQuestion):
        drill_item(network_lesson([dense([[1]])], "squared_error", [[1]], [[2]]), PATHS, 1)


def test_batches_and_optimisers():
    lesson = gated(batch="all", optimizer="adam", l2=0.1)
    for skill in ("mean_gradient", "decayed_gradient", "update", "mean_loss", "weight_gradient"):
        item = drill_item(lesson, skill, 2)
        assert item.skill == skill and item.grade(item.answer).correct


def test_a_wide_network_has_moderate_sums_soon():
    rng = np.random.default_rng(0)
    layers = [dense(rng.normal(size=(30, 200)), np.zeros(30), "sigmoid"), dense(rng.normal(size=(2, 30)))]
    lesson = network_lesson(layers, "squared_error", rng.normal(size=(1, 200)), [[1, 2]])
    assert np.abs(trace(variant(lesson, 1)).find("z1").value).max() < 5


def test_an_untrained_circuit_has_no_updates():
    lesson = circuit_lesson(["f = x * y"], x=2, y=3)
    assert "update" not in skills(lesson)
    assert "update" in skills(circuit_lesson(["f = x * y"], x=2, y=3, training=Training(0.1)))


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_what_an_optimiser_remembers_is_drilled_when_it_remembers_something(optimizer):
    """In the first iteration old memory is 0, and old and new swapped or a forgotten μ cannot be told."""
    lesson = gated(optimizer=optimizer)
    rule = {"momentum": "optimizer_velocity", "adam": "optimizer_m"}[optimizer]
    item = drill_item(lesson, rule, 3)
    assert item.step.trace.iteration.number == 2 and item.kind == "value"
    assert "old-and-new-swapped" in {slip.misconception for slip in item.question.slips}
    assert drill_item(lesson, "weight_gradient", 3).step.trace.iteration.number == 1
