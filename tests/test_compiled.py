"""Fast training against the equations themselves: each iteration's loss and parameters, in both ways."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from each import each
from strategies import circuit_lesson, circuits, dense, network_lesson, networks
from tutor.engine import run as running
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.compiled import scalars
from tutor.engine.forward import initial_parameters
from tutor.engine.lesson import Training
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.program import Program, iterations_per_epoch, rows
from tutor.engine.run import Run

WAYS = {"scalars": 10**9, "arrays": -1}


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    monkeypatch.setattr(running, "SCALAR_WORK", WAYS[request.param])
    return request.param


def by_the_equations(lesson, iterations):
    """(loss, carried values after) of each iteration, with `Program.run` alone."""
    values = dict(initial_parameters(lesson))
    for name in [state.name for state in OPTIMIZERS[lesson.training.optimizer].memory]:
        values |= {f"{id}.{name}": np.zeros_like(v) for id, v in initial_parameters(lesson).items()}
    h = {f"training.{key}": getattr(lesson.training, key) for key in vars(Training())}
    programs: dict[int, Program] = {}  # by how many examples they take
    for number in range(1, iterations + 1):
        now = values | h | {"training.t": float(number)}
        examples = 1
        if lesson.network:
            taken = rows(lesson, number)
            x, y = lesson.inputs[taken], lesson.targets[taken]
            now |= {"x": x[0], "y": y[0]} if len(taken) == 1 else {"x@": x, "y@": y}
            examples = len(taken)
        if examples not in programs:
            programs[examples] = Program(lesson, examples)
        program = programs[examples]
        now = program.run(now)
        model = program.model
        loss = model.forward[-1].symbol if lesson.network else model.output
        values = values | {old: now[new] for new, old in program.carried.items()}
        yield float(now[loss.key]), values


def follows_the_equations(lesson, iterations=20):
    run = Run(lesson)
    run.train(iterations)
    for number, (loss, values) in enumerate(by_the_equations(lesson, iterations), start=1):
        if not all(np.all(np.abs(v) < 1e100) for v in (loss, *values.values())):
            return  # on its way to infinity: rounding decides
        # Rounding grows with the size of what is added up, and Adam divides by what may be nearly 0.
        assert np.isclose(run.losses[number - 1], loss, rtol=1e-12, atol=1e-13), number
        for key, value in run.parameters(number + 1).items():
            scale = max(1.0, float(np.max(np.abs(value), initial=0)))
            assert np.allclose(value, values[key], rtol=1e-12, atol=1e-12 * scale), (number, key)


@settings(max_examples=60, deadline=None)
@given(networks(max_depth=3, max_width=4, max_examples=5), st.sampled_from(list(WAYS)))
def test_networks_train_as_the_equations_say(lesson, way):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "SCALAR_WORK", WAYS[way])
        follows_the_equations(replace(lesson, training=replace(lesson.training, learning_rate=0.01, epsilon=1e-3)))


@settings(max_examples=60, deadline=None)
@given(circuits(), st.sampled_from(list(OPTIMIZERS)))
def test_circuits_train_as_the_equations_say(found, optimizer):
    follows_the_equations(replace(found[0], training=Training(1e-4, optimizer, epsilon=1e-3)))


X = [[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0], [0.1, 0.2], [1.0, 1.0]]
Y = [[0.5, 0.1], [-0.25, 0.4], [1.0, 0.0], [0.0, 0.3], [0.75, -0.6]]


def lesson(activation="tanh", last="linear", loss="half_squared_error", targets=Y, **how):
    hidden = dense([[0.3, -0.4], [0.2, 0.7], [-0.6, 0.1]], [0.1, 0.0, -0.2], activation)
    layers = [hidden, dense([[0.5, -0.3, 0.8], [0.1, 0.9, -0.4]], [0.05, 0.2], last)]
    return network_lesson(layers, loss, X, targets, **how)


@each("order", ["listed", "shuffled", "random"])
@each("batch", [1, 2, 4, "all"])
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_optimisers_batches_and_orders(name, batch, order, way):
    follows_the_equations(lesson(optimizer=name, batch=batch, order=order, l2=0.05, epsilon=1e-4, weight_decay=0.1), 12)


ONE_HOT = np.eye(2)[[0, 1, 1, 0, 1]]


@each("batch", [1, 2])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@each(
    "last, loss, targets",
    [
        ("softmax", "cross_entropy", ONE_HOT),
        ("softmax", "squared_error", ONE_HOT),
        ("sigmoid", "binary_cross_entropy", ONE_HOT),
        ("relu", "mean_squared_error", Y),
    ],
)
def test_activations_and_losses(activation, last, loss, targets, batch, way):
    follows_the_equations(lesson(activation, last, loss, targets, batch=batch, learning_rate=0.1), 6)


@pytest.mark.parametrize("frozen", [{"train_weights": False}, {"train_biases": False}])
@pytest.mark.parametrize("layer", [0, 1])
def test_frozen_parameters(layer, frozen, way):
    taught = lesson(optimizer="adamw", l2=0.1, batch=2, epsilon=1e-4)
    layers = list(taught.network.layers)
    layers[layer] = replace(layers[layer], **frozen)
    follows_the_equations(replace(taught, network=replace(taught.network, layers=tuple(layers))))


@pytest.mark.parametrize("shift", [0.0, 900.0, -900.0])
def test_what_is_too_large_for_python_is_not_for_the_lesson(shift, way):
    """e^900 is more than a float holds: Python raises where a saturated sigmoid is simply 0 or 1."""
    hidden = dense([[1.0, 1.0], [-1.0, 0.5]], [shift, -shift], "sigmoid")
    layers = [hidden, dense([[0.5, -0.3], [0.2, 0.1]], [shift, 0.0], "softmax")]
    taught = network_lesson(layers, "cross_entropy", X, ONE_HOT, order="shuffled", batch=2)
    follows_the_equations(taught)
    run = Run(taught)
    assert run.train(300) == "done" and np.isfinite(run.losses).all()


def test_code_names_nothing_of_the_lesson():
    """Symbols of a circuit are the author's; the source that is compiled has only names of our own."""
    taught = circuit_lesson(["evil = x * __import__", "f = evil + x"], training=Training(), x=2, __import__=3)
    run = Run(taught)
    program = run.program(1)
    source = scalars._Scalars(program.equations, "f", run._carried, {"training.learning_rate": 0.1}, (), 1).source()
    assert "evil" not in source and "import" not in source
    assert run.train(1) == "done" and run.losses[0] == 8


def test_the_size_alone_decides_the_way():
    assert Run(lesson())._scalar and Run(lesson(batch="all"))._scalar
    many = network_lesson([dense(np.ones((2, 3)) / 3)], "squared_error", np.ones((50, 3)), np.ones((50, 2)), batch=50)
    assert not Run(many)._scalar
    big = network_lesson([dense(np.ones((20, 10)) / 10)], "squared_error", np.ones((3, 10)), np.ones((3, 20)))
    assert not Run(big)._scalar
    assert Run(circuit_lesson(["f = x * x"], training=Training(), x=3))._scalar


@pytest.mark.parametrize("batch", [2, 3])
def test_feeds_take_the_rows_that_are_told(batch, way):
    """With one weight and the input 1 the gradient is the mean of w − y: the sum of steps tells the rows."""
    taught = network_lesson(
        [dense([[0.0]])], "half_squared_error", np.ones((7, 1)), [[10.0**k] for k in range(7)],
        batch=batch, order="shuffled", learning_rate=1.0,
    )  # fmt: skip
    run = Run(taught)
    run.train(4 * iterations_per_epoch(taught))
    for number in range(1, run.trained + 1):  # w′ = w − (w − mean y) = mean y
        mean = np.mean([10.0**row for row in rows(taught, number)])
        assert run.parameters(number + 1)["W1"][0, 0] == pytest.approx(mean, rel=1e-9)
