"""Gradient checks, slopes and sizes against 60-digit values (oracle.py) and by hand; the pictures' words."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import oracle
from strategies import (
    DEEP,
    bundled,
    by_turns,
    circuit_lesson,
    circuits,
    dense,
    divided_by,
    network_lesson,
    networks,
    oracle_network,
)
from tutor.cli.line_mode import LineMode
from tutor.engine import units as unit_sizes
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import Ref, indices
from tutor.engine.gradient_check import EPSILONS, check, check_all
from tutor.engine.loss_slope import gradient_symbol, slope
from tutor.engine.trace import NoSuchStep, trace
from tutor.engine.units import sizes
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.pictures.canvas import as_text
from tutor.pictures.step import kinds as step_pictures
from tutor.pictures.step.slope import slope_picture
from tutor.text.card import Scribe
from tutor.text.cells import width
from tutor.text.notations import NOTATIONS

few = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def words(lesson, kind, id, iteration=1, example=0, notation=None):
    """The facts of a picture, as one text."""
    found = trace(lesson, iteration)
    scribe = Scribe(found, notation or lesson.notation)
    return " ".join(step_pictures.KINDS[kind].make(scribe, step_pictures.subject(kind, found, id, example)).facts)


# ---------------------------------------------------------------- gradient check


def true_gradient(net, x, y, symbol, example):
    """What a gradient symbol should be, in 60 digits."""
    k, letter = symbol.wrt.layer, symbol.wrt.id[0]
    if letter in "za":
        return np.array(getattr(net, f"d{letter}")(x[example], y[example], k), dtype=object)
    own = [np.array(getattr(net, f"d{letter}")(r, t, k), dtype=object) for r, t in zip(x, y, strict=True)]
    if symbol.of.per_example:
        return np.asarray(own[example], dtype=object)
    mean = sum(own) / (1 if net.summed else len(own))
    return mean + np.array(net.d_penalty(k), dtype=object) if symbol.of.id == "J" else np.asarray(mean, dtype=object)


@few
@given(networks(max_depth=3, max_width=3), st.data())
def test_differences_of_any_gradient_are_the_derivative(lesson, data):
    """Also of z and a, of one example and of the mean, and with L2 regularisation of the objective."""
    found, net = trace(lesson), oracle_network(lesson)
    x, y = (oracle.exact(v[found.iteration.rows]) for v in (lesson.inputs, lesson.targets))
    assume(all(net.kink(*row) > 1e-3 for row in zip(x, y, strict=True)))
    example = data.draw(st.integers(0, found.examples - 1))
    for eq in found.equations:
        if eq.symbol.quantity != "gradient":
            continue
        true = true_gradient(net, x, y, eq.symbol, example)
        index = data.draw(st.sampled_from(list(indices(eq.symbol.shape))))
        of_example = example if eq.symbol.per_example else None
        result = check(found, Ref(eq.symbol, index, of_example))
        assert result.best is not None
        near = abs(result.numeric[result.best] - true[index])
        assert near <= 1e-5 * abs(true[index]) + 1e-8 * (1 + abs(result.loss)), eq.symbol.id
        assert result.errors[result.best] < 1e-4 or result.rounding or abs(true[index]) < 1e-8, eq.symbol.id


@few
@given(circuits())
def test_differences_of_circuits_are_the_derivative(case):
    lesson, inputs, lines, output = case
    found = trace(lesson)
    for eq in found.equations:
        if eq.symbol.quantity == "gradient" and eq.symbol.wrt.id in {*inputs, *dict(lines)}:
            true = oracle.circuit_gradient(inputs, lines, output, eq.symbol.wrt.id)
            result = check(found, Ref(eq.symbol))
            assert result.best is not None
            near = abs(result.numeric[result.best] - true)
            assert near <= 1e-5 * abs(true) + 1e-7 * (1 + abs(result.loss)), eq.symbol.id


def test_truncation_grows_with_the_square_of_epsilon_and_rounding_with_its_inverse():
    """f = e^x at 0: the chord's slope is sinh(ε)/ε = 1 + ε²/6 + ..., whose error relative to the larger is ε²/6."""
    result = check(trace(circuit_lesson(["f = exp(x)"], x=0)), Ref(gradient(circuit_lesson(["f = exp(x)"], x=0), "x")))
    assert result.errors[0] == pytest.approx(0.1**2 / 6, rel=0.01)
    assert result.errors[1] == pytest.approx(0.01**2 / 6, rel=0.01)
    assert EPSILONS[result.best] in (1e-5, 1e-6)
    assert result.errors[-1] > 1e3 * result.errors[result.best]
    assert result.kink is None


def gradient(lesson, id):
    found = trace(lesson)
    symbol = next(p for p in found.program.model.parameters if p.id == id)
    return gradient_symbol(found, symbol)


def checked(lines, name="x", **inputs):
    lesson = circuit_lesson(lines, **inputs)
    return check(trace(lesson), Ref(gradient(lesson, name)))


@pytest.mark.parametrize(
    ("line", "inputs", "left", "right"),
    [
        ("f = relu(x)", {"x": 0}, 0, 1),
        ("f = 3 * abs(x)", {"x": 0}, -3, 3),
        ("f = max(x, y)", {"x": 2, "y": 2}, 0, 1),
        ("f = min(x, y)", {"x": 2, "y": 2}, 1, 0),
        ("f = max(x, y, 2 * x)", {"x": 0, "y": -1}, 1, 2),
    ],
)
def test_a_kink_is_named_with_its_two_slopes(line, inputs, left, right):
    kink = checked([line], **inputs).kink
    assert kink is not None and kink.exact
    assert (kink.left, kink.right) == (pytest.approx(left), pytest.approx(right))
    assert [ref.id for ref in kink.at] == [{"f = relu(x)": "x", "f = 3 * abs(x)": "f.1"}.get(line, "f")]


def test_a_kink_near_by_spoils_only_the_epsilons_that_reach_it():
    result = checked(["f = relu(x) * x"], x=0.005)
    assert result.kink is not None and not result.kink.exact
    assert result.kink.epsilon == 0.01
    assert max(result.errors[2:6]) < 1e-6 < min(result.errors[:2])
    assert "every ε from 0.01 up" in words(circuit_lesson(["f = relu(x) * x"], x=0.005), "check", "x")


def test_a_corner_that_the_output_does_not_feel_is_no_kink():
    assert checked(["f = 0 * relu(x) + x"], x=0).kink is None


KINKED = dict(
    layers=[dense([[1, -1], [0.5, 0.5]], [0, 0.1], "relu"), dense([[1, 2]])],
    loss="half_squared_error", inputs=[[1, 1], [1, 0.95]], targets=[[0], [1]], batch="all", learning_rate=0.1,
)  # fmt: skip


def test_the_unit_on_its_kink_is_named_and_other_examples_do_not_matter():
    """z1[1] is 0 for the first example and 0.05 for the second."""
    found = trace(network_lesson(**KINKED))
    own = found.find("dL/dW1[1,1]@1").equation.symbol
    kink = check(found, Ref(own, (0, 0), 0)).kink
    assert kink is not None and [ref.id for ref in kink.at] == ["z1[1]@1"]
    # L = ((a₁ + 2a₂)² / 2 with a₂ = 1.1: to the right dL/dw = (a₁ + 2a₂) · 1 · x₁ = 2.2
    assert (kink.left, kink.right) == (pytest.approx(0, abs=1e-9), pytest.approx(2.2, rel=1e-4))
    other = check(found, Ref(own, (0, 0), 1)).kink
    assert other is not None and other.epsilon == 0.1 and [ref.id for ref in other.at] == ["z1[1]@2"]
    said = words(network_lesson(**KINKED), "check", "dL/dW1[1,1]@1", notation="dz")
    assert "stands on a kink" in said and "z₁¹@1 changes sign" in said and "takes the one to the left" in said


def test_a_whole_matrix_has_a_largest_error_and_large_ones_are_sampled():
    lesson = load(catalogue.find("c-431"))
    found = trace(lesson)
    whole = check_all(found, Ref(found.find("dL/dW1").equation.symbol))
    errors = {
        index: check(found, Ref(found.find("dL/dW1").equation.symbol, index)).errors[EPSILONS.index(1e-5)]
        for index in indices((3, 4))
    }
    assert whole.checked == whole.count == 12
    assert whole.worst == max(errors.values()) < 1e-8
    assert errors[whole.at.index] == whole.worst
    rng = np.random.default_rng(0)
    wide = network_lesson([dense(rng.normal(size=(30, 40)), None, "tanh"), dense(rng.normal(size=(1, 30)))],
                          "squared_error", rng.normal(size=(2, 40)), [[1], [0]], batch="all")  # fmt: skip
    found = trace(wide)
    whole = check_all(found, Ref(found.find("dL/dW1").equation.symbol))
    assert whole.count == 1200 and whole.checked == 400 and whole.together < 1e-7
    assert "400 of 1,200 elements" in words(wide, "check", "W1")


def test_a_gradient_too_small_for_differences_is_excused_not_blamed():
    said = words(circuit_lesson(["f = 1000000000 + x / 1000000000"], x=1), "check", "x")
    assert "rounding" in said and "do not agree" not in said


def test_what_moves_nothing_is_said_to():
    assert "both are exactly 0" in words(circuit_lesson(["f = 0 * x + y"], x=1, y=2), "check", "x")


# ---------------------------------------------------------------- slope


@few
@given(networks(max_depth=3, max_width=3), st.data())
def test_the_slope_picture_is_the_loss(lesson, data):
    lesson = replace(lesson, training=replace(lesson.training, optimizer="sgd"))
    found, net = trace(lesson), oracle_network(lesson)
    x, y = (oracle.exact(v[found.iteration.rows]) for v in (lesson.inputs, lesson.targets))
    parameter = data.draw(st.sampled_from(found.program.model.parameters))
    index = data.draw(st.sampled_from(list(indices(parameter.shape))))
    result = slope(found, Ref(parameter, index), points=5)

    def loss(values):
        other = oracle_network(lesson, found.iteration.values | values)
        return sum(other.loss(r, t) for r, t in zip(x, y, strict=True)) / divided_by(lesson, len(x)) + other.penalty()

    def moved(value):
        array = np.array(found.iteration.values[parameter.id])
        array[index] = value
        return loss({parameter.id: array})

    assert result.loss == pytest.approx(float(loss({})), rel=1e-12)
    assert len(result.xs) == 5 and result.xs[0] <= result.value <= result.xs[-1]
    for at, height in zip(result.xs, result.ys, strict=True):
        assert height == pytest.approx(float(moved(at)), rel=1e-10, abs=1e-12)
    if parameter.id not in found.program.model.trainable:
        assert result.update is None
        return
    update = result.update
    assert update.value == result.value - lesson.training.learning_rate * result.slope
    assert result.xs[0] <= update.value <= result.xs[-1]
    assert update.loss == pytest.approx(float(moved(update.value)), rel=1e-10, abs=1e-12)
    assert update.predicted == pytest.approx(result.loss + result.slope * (update.value - result.value))
    new = {p: found.iteration.values[p + "'"] for p in found.program.model.trainable}
    assert update.all_loss == pytest.approx(float(loss(new)), rel=1e-10, abs=1e-12)
    if all(net.kink(*row) > 1e-9 for row in zip(x, y, strict=True)):
        square = 0.0
        for p in found.program.model.parameters:
            if p.id in found.program.model.trainable:
                wanted = gradient_symbol(found, p)
                square += float((true_gradient(net, x, y, wanted, 0).astype(float) ** 2).sum())
        assert update.square == pytest.approx(square, rel=1e-9, abs=1e-12)
        assert update.all_predicted == pytest.approx(result.loss - lesson.training.learning_rate * square)


def test_the_words_of_the_slope_picture():
    """The numbers of the lesson's own prose: the loss falls from 0.770 to 0.512."""
    said = words(load(catalogue.find("o-classification")), "slope", "W2[1,1]", notation="dz")
    assert "Slope −0.3189 is negative: more of w₁₁² is less L" in said
    assert "−η · slope = −0.5 · (−0.3189), adds 0.1595: w₁₁² becomes 1.059" in said
    assert "true 0.5124" in said and "‖∇L‖²" in said


PARABOLA = dict(layers=[dense([[0.0]])], loss="squared_error", inputs=[[1]], targets=[[1]])  # L = (1 − w)², L″ = 2


@pytest.mark.parametrize(
    ("rate", "beyond", "said"),
    [
        (0.1, False, "bends up"), (0.5, False, "there the curve is level"), (0.9, True, "past the lowest point"),
        (1.5, True, "jumps over the valley"),
    ],
)
def test_what_the_learning_rate_does(rate, beyond, said):
    lesson = network_lesson(**PARABOLA, learning_rate=rate)
    found = slope(trace(lesson), Ref(trace(lesson).program.model.parameters[0], (0, 0)))
    assert found.update.value == 2 * rate and found.update.loss == pytest.approx((1 - 2 * rate) ** 2)
    assert found.update.predicted == pytest.approx(1 - 4 * rate) and found.update.beyond is beyond
    assert said in words(lesson, "slope", "W1")


def test_other_optimisers_are_told_by_name():
    lesson = network_lesson(**PARABOLA, learning_rate=0.1, optimizer="adam")
    said = words(lesson, "slope", "W1[1,1]")
    assert "Adam adds 0.1" in said and "‖∇" not in said


def test_what_is_not_updated_is_said_so():
    assert "not trained" in words(circuit_lesson(["f = x * x"], x=3), "slope", "x")
    frozen = network_lesson([dense([[1.0]], train_weights=False)], "squared_error", [[1]], [[0]])
    assert "frozen" in words(frozen, "slope", "W1")


# ---------------------------------------------------------------- activations and sizes


def deep(activation, weight, depth=8, width_=3, rows=2):
    layers = [dense(np.full((width_, width_), weight), np.full(width_, 0.1), activation) for _ in range(depth)]
    return network_lesson(layers, "half_squared_error", [[1, -1, 0.5]] * rows, [[1, 0, 0.3]] * rows, batch="all")


def test_sizes_are_root_mean_squares_of_the_oracles_gradients():
    lesson = deep("tanh", 0.3, depth=3)
    net = oracle_network(lesson)
    x, y = oracle.exact(lesson.inputs), oracle.exact(lesson.targets)
    for layer in sizes(trace(lesson)).layers:
        errors = np.array([net.dz(r, t, layer.layer) for r, t in zip(x, y, strict=True)], dtype=float)
        weights = np.mean([np.array(net.dW(r, t, layer.layer), dtype=float) for r, t in zip(x, y, strict=True)], axis=0)
        assert layer.delta_rms == pytest.approx(math.sqrt((errors**2).mean()), rel=1e-9)
        assert layer.weight_rms == pytest.approx(math.sqrt((weights**2).mean()), rel=1e-9)


@pytest.mark.parametrize(
    ("activation", "weight", "verdict"),
    [("sigmoid", 0.5, "vanishing"), ("linear", 2.0, "exploding"), ("tanh", 0.35, "steady"), ("relu", -1.0, "zero")],
)
def test_gradients_that_vanish_or_explode_are_called_so(activation, weight, verdict):
    found = sizes(trace(deep(activation, weight)))
    assert found.verdict == verdict
    said = words(deep(activation, weight), "sizes", "L")
    assert {"vanishing": "vanishes", "exploding": "explodes", "steady": "neither", "zero": "does not get"}[
        verdict
    ] in said


def test_root_mean_squares_neither_overflow_nor_underflow():
    assert unit_sizes.rms([3e200, 4e200]) == pytest.approx(5e200 / math.sqrt(2))
    assert unit_sizes.rms([3e-200, 4e-200]) == pytest.approx(5e-200 / math.sqrt(2))
    assert unit_sizes.rms([0, 0]) == 0 and math.isnan(unit_sizes.rms([1, math.nan]))


def test_a_unit_is_dead_only_if_it_is_for_every_example_of_the_lesson():
    """Unit 1 is off for the batch's rows and on for the last one; unit 2 is always off, unit 3 never."""
    lesson = network_lesson(
        [dense([[1], [-1], [0.0]], [-2, 0, 1], "relu"), dense([[1, 1, 1]])], "squared_error",
        [[1], [0.5], [3]], [[0], [0], [0]], batch=2,
    )  # fmt: skip
    found = trace(lesson)
    assert unit_sizes.idle_units(found) == [(1, 1, "dead")]
    units = unit_sizes.units(found, unit_sizes.activation_equations(found)[0], 0)
    assert units.flat.tolist() == [True, True, False] and units.idle == {1: "dead"}
    said = words(lesson, "sizes", "L", notation="dz")
    assert "Dead for all 3 examples of the lesson: a₂¹ (" in said
    assert "a₂¹@1 = 0, slope 0 (dead)" in words(lesson, "activation", "z1[1]", notation="dz")


def test_saturated_units_are_named_and_leaky_ones_are_not():
    def lesson(activation):
        layers = [dense([[9], [1]], [0, 0], activation), dense([[1, 1]])]
        return network_lesson(layers, "squared_error", [[1]], [[0]])

    for activation in ("sigmoid", "tanh"):
        assert unit_sizes.idle_units(trace(lesson(activation))) == [(1, 0, "saturated")]
        assert "saturated" in words(lesson(activation), "activation", "z1[1]")
    for activation in ("leaky_relu", "linear", "relu"):
        assert unit_sizes.idle_units(trace(lesson(activation))) == []


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_the_curves_are_the_activations_and_their_derivatives(name):
    net = oracle.Layer([], None, name, oracle.exact(0.01))
    lesson = network_lesson([dense([[1.0]], None, name), dense([[1.0]])], "squared_error", [[1]], [[0]])
    node = unit_sizes.activation_equations(trace(lesson))[0].formula
    zs = np.linspace(-5, 5, 8)
    f, slopes = unit_sizes.curve(node, zs)
    for z, value, steep in zip(zs, f, slopes, strict=True):
        assert value == pytest.approx(float(net.a([oracle.exact(z)])[0]), rel=1e-12)
        assert steep == pytest.approx(float(oracle.slope(lambda v: net.a([v])[0], oracle.exact(z))), rel=1e-9)


# ---------------------------------------------------------------- every picture


def every_picture(found, notation, every=1):
    """The pictures of every so many steps, and of each kind the first."""
    scribe, met = Scribe(found, notation), set()
    for at, step in enumerate(found.steps()):
        for kind in step_pictures.offers(step, found.examples - 1):
            if at % every == 0 or kind not in met:
                met.add(kind)
                picture = step_pictures.KINDS[kind]
                yield kind, picture.make(scribe, picture.begin(step, found.examples - 1))


def draws(shown, sizes_=((70, 13), (94, 44), (20, 5), (3, 1))):
    assert shown.title and shown.facts and all(fact.strip() for fact in shown.facts)
    for columns, rows in sizes_:
        drawn = as_text(shown.draw(columns, rows))
        assert len(drawn) <= rows and all(width(line) <= columns for line in drawn)


@pytest.mark.parametrize("number, id", [*enumerate(entry.id for entry in catalogue.entries())])
def test_every_step_of_every_lesson_has_its_pictures(number, id):
    """Of every third step and the first of each kind, in a notation of the lesson's turn."""
    found = trace(bundled(id))
    seen = set()
    notations, every = by_turns(NOTATIONS, number, 1), 1 if DEEP else 3
    pictures = (picture for notation in notations for picture in every_picture(found, notation, every))
    for at, (kind, shown) in enumerate(pictures):
        draws(shown, ((70, 13),) if at % 4 else ((94, 44), (20, 5), (3, 1)))
        seen.add(kind)
    of_networks = {"activation", "slope", "check", "sizes"}
    large = any(math.prod(eq.symbol.shape) >= 4 for eq in found.equations)
    of_arrays = {"cells", "slope", "check", "sizes"} | ({"heat"} if large else set())
    assert seen >= (
        of_arrays if found.program.model.arrays else {"slope", "check"} if found.lesson.circuit else of_networks
    )


@settings(few, max_examples=6)
@given(networks(max_depth=3, max_width=3) | circuits().map(lambda case: case[0]), st.sampled_from(list(NOTATIONS)))
def test_pictures_of_any_lesson(lesson, notation):
    for _, shown in every_picture(trace(lesson), notation, 3):
        draws(shown, ((60, 10),))


def test_training_that_diverges_is_said_and_not_drawn():
    lesson = network_lesson([dense([[0.5], [9]], None, "tanh"), dense([[2, 3]])], "squared_error", [[3]], [[1]],
                            learning_rate=50)  # fmt: skip
    said = ""
    for iteration in (1, 2, 61, 62, 63, 64, 400):
        for _, shown in every_picture(trace(lesson, iteration), "dz", 2):
            draws(shown, ((60, 10),))
        said = words(lesson, "slope", "W2", iteration)
    assert "outgrew" in said and "nothing to check" in words(lesson, "check", "W1", 400)


def test_a_pole_beside_the_value_is_a_gap():
    """√x at 0.05: not a number 0.1 to the left."""
    lesson = circuit_lesson(["f = sqrt(x)"], x=0.05)
    result = check(trace(lesson), Ref(gradient(lesson, "x")))
    assert math.isnan(result.errors[0]) and result.errors[result.best] < 1e-8
    assert "0.1: undefined" in words(lesson, "check", "x")
    draws(slope_picture(Scribe(trace(lesson), "dz"), Ref(trace(lesson).program.model.parameters[0])))


# ---------------------------------------------------------------- line mode


def line_mode(lesson, *commands):
    """What line mode says to these commands."""
    said: list[str] = []
    lines = iter([*commands, "quit"])
    with Store.open() as store:
        LineMode(lesson, "t", store, lambda prompt: next(lines, None), said.append).play(False, False)
    return "\n".join(said)


def test_line_mode_says_the_same_facts(data_folder):
    lesson = load(catalogue.find("o-classification"))
    said = line_mode(lesson, "check dL/dW2[1,1]", "slope W2[1,1]", "activation z1[2]", "sizes")
    flat = " ".join(said.split())
    for kind, id in (("check", "dL/dW2[1,1]"), ("slope", "W2[1,1]"), ("activation", "z1[2]"), ("sizes", "L")):
        assert words(lesson, kind, id) in flat


def test_line_mode_says_what_cannot_be_pictured(data_folder):
    circuit = circuit_lesson(["f = x * y"], x=1, y=2)
    said = line_mode(circuit, "sizes", "slope nonsense", "activation", "check y")
    assert "no layers" in said and "There is no step 'nonsense'" in said and "the units of a layer" in said
    assert "Gradient check of ∂f/∂y" in said


def test_ids_name_what_a_picture_is_of():
    found = trace(network_lesson(**KINKED, l2=0.1))
    for kind, id, wanted in (
        ("check", "W1[1,2]", "dJ/dW1[1,2]"), ("check", "dL/dW1[1,2]", "dL/dW1[1,2]"),
        ("check", "z1[2]@2", "dL/dz1[2]@2"), ("check", "dL/dW1[1,2]@2", "dL/dW1[1,2]@2"),
        ("slope", "dJ/dW2[1,2]", "W2[1,2]"), ("slope", "W2'[1,2]", "W2[1,2]"),
        ("activation", "z1[2]@2", "a1[2]@2"), ("activation", "dL/dz1[2]", "a1[2]@1"),
        ("activation", "a1[2]", "a1[2]@1"), ("activation", "a1[2]@2", "a1[2]@2"),
    ):  # fmt: skip
        assert step_pictures.subject(kind, found, id, 0).id == wanted
    for kind, id in (("check", "W1[9,9]"), ("slope", ""), ("activation", "W1")):
        with pytest.raises(NoSuchStep):
            step_pictures.subject(kind, found, id, 0)
    with pytest.raises(NoSuchStep, match="a picture of the units of a layer"):
        step_pictures.subject("activation", found, "dL/da1[2]", 0)


def test_walking_from_one_subject_to_another():
    found = trace(load(catalogue.find("o-classification")))
    first = step_pictures.subject("slope", found, "W1[1,1]", 0)
    ids = [first.id]
    here = first
    for _ in range(12):
        here = step_pictures.another("slope", found, here, 1, 0)
        ids.append(here.id)
    assert ids[:9] == [
        "W1[1,1]", "W1[1,2]", "W1[2,1]", "W1[2,2]", "b1[1]", "b1[2]", "W2[1,1]", "W2[1,2]", "b2[1]",
    ]  # fmt: skip
    assert ids[9:] == ["b2[1]"] * 4
    back = step_pictures.another("slope", found, here, -1, 0)
    assert back.id == "W2[1,2]"
    assert step_pictures.another("slope", found, back, -1, 0, whole=True).id == "b1[1]"
    assert step_pictures.another("slope", found, first, -1, 0).id == "W1[1,1]"
