"""Many iterations: the optimisers against plain loops, batches and their order, going back, freezing, diverging."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies import circuit_lesson, dense, network_lesson, networks
from tutor.lesson import Layer, Network, Training
from tutor.network import initial_parameters
from tutor.optimizers import OPTIMIZERS
from tutor.training import Run, iterations_per_epoch, rows


@pytest.fixture(autouse=True)
def silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


X = [[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0], [0.1, 0.2], [1.0, 1.0]]
Y = [[0.5], [-0.25], [1.0], [0.0], [0.75]]


def lesson(**training):
    hidden = dense([[0.3, -0.4], [0.2, 0.7], [-0.6, 0.1]], [0.1, 0.0, -0.2], "tanh")
    layers = [hidden, dense([[0.5, -0.3, 0.8]], [0.05])]
    return network_lesson(layers, "half_squared_error", X, Y, **training)


# ---------------------------------------------------------------- reference loops


def reference_gradients(p, batch, l2):
    """The mean gradients of ½(ŷ − y)² for a tanh layer and a linear one, a number at a time; λW added to weights."""
    g = {name: np.zeros_like(v) for name, v in p.items()}
    for n in batch:
        x, y = X[n], Y[n]
        a = [math.tanh(sum(p["W1"][i][j] * x[j] for j in range(2)) + p["b1"][i]) for i in range(3)]
        error = sum(p["W2"][0][i] * a[i] for i in range(3)) + p["b2"][0] - y[0]
        g["b2"][0] += error / len(batch)
        for i in range(3):
            g["W2"][0][i] += error * a[i] / len(batch)
            back = error * p["W2"][0][i] * (1 - a[i] ** 2)
            g["b1"][i] += back / len(batch)
            for j in range(2):
                g["W1"][i][j] += back * x[j] / len(batch)
    for name in ("W1", "W2"):
        g[name] += l2 * p[name]
    return g


def reference_step(name, p, g, state, t, h, decays):
    """One parameter's update, as the papers and PyTorch's documentation of torch.optim have it."""
    if name == "sgd":
        return p - h.learning_rate * g
    if name in ("momentum", "nesterov"):  # torch.optim.SGD(momentum=μ, nesterov=...), dampening 0
        state["v"] = h.momentum * state.get("v", 0) + g
        return p - h.learning_rate * (g + h.momentum * state["v"] if name == "nesterov" else state["v"])
    assert name in ("adam", "adamw")  # Kingma and Ba 2015; Loshchilov and Hutter 2019
    if name == "adamw" and decays:
        p = p * (1 - h.learning_rate * h.weight_decay)
    state["m"] = h.beta1 * state.get("m", 0) + (1 - h.beta1) * g
    state["v"] = h.beta2 * state.get("v", 0) + (1 - h.beta2) * g * g
    m, v = state["m"] / (1 - h.beta1**t), state["v"] / (1 - h.beta2**t)
    return p - h.learning_rate * m / (np.sqrt(v) + h.epsilon)


HYPER = {"momentum": 0.8, "beta1": 0.85, "beta2": 0.95, "epsilon": 1e-6, "weight_decay": 0.05}


@pytest.mark.parametrize("batch", [1, 2, "all"])
@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_optimizers_against_plain_loops(name, l2, batch):
    taught = lesson(optimizer=name, l2=l2, batch=batch, learning_rate=0.05, order="shuffled", seed=3, **HYPER)
    run, p, states = Run(taught), {k: np.array(v) for k, v in initial_parameters(taught).items()}, {}
    for t in range(1, 21):
        now = run.iteration(t)
        for key, value in p.items():
            assert np.allclose(now.values[key], value, rtol=1e-12, atol=1e-14), (t, key)
        g = reference_gradients(p, list(now.rows), l2)
        for key in p:
            kind = "J" if l2 and key[0] == "W" else "L"
            assert np.allclose(now.values[f"d{kind}/d{key}"], g[key], rtol=1e-11, atol=1e-14), (t, key)
        p = {
            key: reference_step(name, value, g[key], states.setdefault(key, {}), t, taught.training, key[0] == "W")
            for key, value in p.items()
        }
        for key, value in p.items():
            assert np.allclose(now.values[key + "'"], value, rtol=1e-12, atol=1e-14), (t, key + "'")


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_optimizers_of_circuits(name):
    """f = (x − 3)² + xy: its inputs are what is learned."""
    h = Training(0.1, name, **HYPER)
    p, states = {"x": 1.0, "y": -0.5}, {}
    run = Run(circuit_lesson(["f = (x - 3) ** 2 + x * y"], training=h, **p))
    for t in range(1, 21):
        now = run.iteration(t).values
        g = {"x": 2 * (p["x"] - 3) + p["y"], "y": p["x"]}
        p = {k: reference_step(name, v, g[k], states.setdefault(k, {}), t, h, True) for k, v in p.items()}
        assert [float(now["x'"]), float(now["y'"])] == pytest.approx([p["x"], p["y"]], rel=1e-12)


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_adams_first_step_is_the_learning_rate(size):
    """Kingma and Ba 2015, section 2.1: whatever the gradient's size, the first step is about ±α."""
    run = Run(circuit_lesson(["f = k * x"], training=Training(0.001, "adam"), x=0.5, k=size))
    assert run.iteration(1).values["x'"] == pytest.approx(0.5 - 0.001, rel=1e-6)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(networks(max_depth=3, max_width=4))
def test_frozen_parameters_never_change_and_others_follow_their_gradient(taught):
    run = Run(taught)
    first, fourth = run.iteration(1), run.iteration(4)
    for k, layer in enumerate(taught.network.layers, start=1):
        for id, trained in ((f"W{k}", layer.train_weights), (f"b{k}", layer.train_biases)):
            if id[0] == "b" and layer.biases is None:
                assert not any(key.startswith(id) for key in first.values)
                continue
            assert f"dL/d{id}" in first.program.by_key, "a frozen parameter still has its gradient"
            assert (f"{id}'" in first.program.by_key) is trained
            if not trained:
                assert np.array_equal(first.values[id], fourth.values[id])


def test_updates_use_values_from_before_the_update():
    now = Run(lesson(learning_rate=0.5)).iteration(1).values
    delta = now["dL/dz2"]
    assert np.array_equal(now["dL/da1"], now["W2"].T @ delta)
    assert np.array_equal(now["W2'"], now["W2"] - 0.5 * now["dL/dW2"])


def test_l2_is_in_the_objective_once_and_not_for_biases():
    now = Run(lesson(l2=0.3, batch="all")).iteration(1).values
    weights = np.sum(now["W1"] ** 2) + np.sum(now["W2"] ** 2)
    assert now["J"] == pytest.approx(now["L"] + 0.15 * weights, rel=1e-14)
    assert np.allclose(now["dJ/dW1"], now["dL/dW1"] + 0.3 * now["W1"], rtol=1e-14)
    assert "dJ/db1" not in now and np.array_equal(now["b1'"], now["b1"] - 0.01 * now["dL/db1"])
    assert "J" not in Run(lesson()).iteration(1).values


# ---------------------------------------------------------------- batches and their order


SIZES = [(1, [1] * 5), (2, [2, 2, 1]), (3, [3, 2]), (5, [5]), (99, [5]), ("all", [5])]


@pytest.mark.parametrize(("batch", "sizes"), SIZES)
def test_batches_and_the_short_last_one(batch, sizes):
    taught = lesson(batch=batch)
    assert iterations_per_epoch(taught) == len(sizes)
    run = Run(taught)
    for start in (1, 1 + 7 * len(sizes)):
        taken = [rows(taught, start + i).tolist() for i in range(len(sizes))]
        assert [len(t) for t in taken] == sizes
        assert [row for batch in taken for row in batch] == [0, 1, 2, 3, 4]
    for i, size in enumerate(sizes, start=1):
        now = run.iteration(i)
        assert now.program.examples == size and ("L@" in now.values) is (size > 1)


def test_a_short_batch_is_averaged_over_its_own_size():
    now = Run(lesson(batch=3)).iteration(2)
    assert now.rows.tolist() == [3, 4]
    assert np.allclose(now.values["L"], np.mean(now.values["L@"]), rtol=1e-15)
    assert np.allclose(now.values["dL/db2"], np.mean(now.values["dL/dz2@"], axis=0), rtol=1e-15)


@pytest.mark.parametrize("batch", [1, 2, 3, "all"])
def test_shuffled_covers_every_row_each_epoch(batch):
    taught = lesson(batch=batch, order="shuffled", seed=5)
    n, epochs = iterations_per_epoch(taught), []
    for epoch in range(20):
        taken = [int(r) for i in range(n) for r in rows(taught, 1 + epoch * n + i)]
        assert sorted(taken) == list(range(5))
        epochs.append(tuple(taken))
    assert len(set(epochs)) > 10, "another order each epoch"


def test_random_takes_any_row_each_time():
    taught = lesson(order="random", seed=5)
    taken = [int(rows(taught, i)[0]) for i in range(1, 501)]
    assert set(taken) == set(range(5))
    assert any(sorted(taken[i : i + 5]) != [0, 1, 2, 3, 4] for i in range(0, 500, 5)), "not each row once an epoch"
    assert min(map(taken.count, range(5))) > 60


@pytest.mark.parametrize("order", ["listed", "shuffled", "random"])
def test_the_order_follows_from_the_seed_alone(order):
    def taken(seed):
        return [rows(lesson(order=order, seed=seed), i).tolist() for i in (37, 2, 11, *range(1, 30))]

    assert taken(1) == taken(1)
    assert (taken(1) == taken(2)) is (order == "listed")


# ---------------------------------------------------------------- there and back


def same_bits(a, b):
    assert a.keys() == b.keys()
    for key in a:
        assert np.asarray(a[key]).tobytes() == np.asarray(b[key]).tobytes(), key


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(networks(max_depth=2, max_width=3), st.lists(st.integers(1, 25), min_size=2, max_size=5))
def test_any_iteration_in_any_order_has_the_same_bits(taught, numbers):
    stepped = Run(taught)
    true = {n: stepped.iteration(n).values for n in range(1, 26)}
    run = Run(taught)
    for n in numbers:
        same_bits(run.iteration(n).values, true[n])


@pytest.mark.parametrize("memory", [0, 1000, 64 << 20])
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_going_back_with_thinned_checkpoints(name, memory):
    taught = lesson(optimizer=name, batch=2, order="shuffled", learning_rate=0.03)
    stepped = Run(taught)
    wanted = [1, 99, 100, 101, 102, 950, 1200]
    true = {n: stepped.iteration(n).values for n in wanted}
    run = Run(taught, memory=memory)
    run.iteration(1200)
    if memory < 10_000:
        assert run.every > 100, "thinned"
        assert len(run.kept) < 13
    for n in (1200, 950, 101, 102, 1, 100, 99, 1200):
        again = run.iteration(n)
        assert again.number == n
        same_bits(again.values, true[n])


def test_iterations_carry_on_from_one_another():
    run = Run(lesson(optimizer="adam", batch=2))
    for n in range(1, 12):
        now, after = run.iteration(n).values, run.iteration(n + 1).values
        for key in ("W1", "b1", "W2", "b2", "W1.m", "b2.v"):
            assert np.allclose(now[key + "'"], after[key], rtol=1e-12, atol=1e-15)
    assert not np.any(run.iteration(1).values["W1.m"])


def test_a_long_way_can_be_called_off():
    run, asked = Run(lesson()), []

    def progress(at):
        asked.append(at)
        return len(asked) < 3

    assert run.iteration(1_000_000, progress) is None
    assert len(asked) == 3 and asked == sorted(asked)
    assert run.iteration(3).number == 3


def test_what_is_not_trained_has_one_iteration():
    run = Run(circuit_lesson(["f = x * x"], x=3))
    assert run.last == 1 and "x'" not in run.iteration(1).values
    assert Run(circuit_lesson(["f = x * x"], training=Training(), x=3)).last is None


# ---------------------------------------------------------------- diverging


@pytest.mark.parametrize("name", list(OPTIMIZERS))
@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh", "leaky_relu", "softmax"])
def test_diverging_raises_nothing(name, activation):
    last = dense([[2.0, 1.0], [-1.0, 2.0]], [0.0, 0.0], activation)
    layers = [dense([[3.0, -2.0], [1.0, 4.0]], [0.0, 0.0], "relu"), last]
    x, y = [[3, 1], [-2, 5]], [[100, -100], [0, 50]]
    taught = network_lesson(layers, "squared_error", x, y, learning_rate=1e4, optimizer=name)
    run = Run(taught)
    for n in (1, 2, 5, 50, 200, 3):
        values = run.iteration(n).values
        assert np.shape(values["W1'"]) == (2, 2)
    if name == "sgd" and activation == "linear":
        assert not np.all(np.isfinite(run.iteration(200).values["W1"]))


def test_a_diverging_circuit_raises_nothing():
    taught = circuit_lesson(["f = exp(x * x) / x"], training=Training(10.0), x=2)
    assert not np.isfinite(Run(taught).iteration(20).values["f"])


# ---------------------------------------------------------------- numbers to start from


def drawn(weights, seed=0, units=40, inputs=50, deeper=False):
    layers = [Layer(units, weights=weights)] + [Layer(3, weights=weights)] * deeper
    taught = network_lesson([], "squared_error", np.zeros((1, inputs)), np.zeros((1, units)), seed=seed)
    return initial_parameters(replace(taught, network=Network(inputs, "squared_error", tuple(layers))))


def test_drawn_weights():
    """Glorot and Bengio 2010: ±√(6 / (in + out)), uniform; He et al. 2015: normal, variance 2 / in."""
    bound = math.sqrt(6 / 90)
    xavier = drawn("xavier")["W1"]
    assert np.max(np.abs(xavier)) <= bound + 5e-5 and np.max(np.abs(xavier)) > 0.99 * bound
    assert np.std(xavier) == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert np.std(drawn("he")["W1"]) == pytest.approx(math.sqrt(2 / 50), rel=0.05)
    assert np.std(drawn("normal")["W1"]) == pytest.approx(1, rel=0.05)
    for name in ("xavier", "he", "normal"):
        W = drawn(name)["W1"]
        assert W.shape == (40, 50) and np.array_equal(W, np.round(W, 4))
        assert np.array_equal(W, drawn(name)["W1"]) and not np.array_equal(W, drawn(name, seed=1)["W1"])
        assert np.array_equal(W, drawn(name, deeper=True)["W1"]), "a further layer leaves the others as they were"
