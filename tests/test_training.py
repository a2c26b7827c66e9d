"""Many iterations: the optimisers against plain loops, batches and their order, going back, freezing, diverging."""

from __future__ import annotations

import math
import threading
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from each import each
from strategies import circuit_lesson, dense, network_lesson, networks
from tutor.engine import run as running
from tutor.engine.divergence import divergence
from tutor.engine.forward import initial_parameters
from tutor.engine.lesson import Layer, Network, Training
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.program import iterations_per_epoch, rows
from tutor.engine.run import Run
from tutor.text.divergence_words import divergence_words


@pytest.fixture(autouse=True)
def silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


X = [[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0], [0.1, 0.2], [1.0, 1.0]]
Y = [[0.5], [-0.25], [1.0], [0.0], [0.75]]


def lesson(**training):
    # 0.3 - 0.4 + 0.1 would be a 0 for the tutor and noise for plain loops, of which Adam makes a step
    hidden = dense([[0.3, -0.4], [0.2, 0.7], [-0.6, 0.1]], [0.15, 0.0, -0.2], "tanh")
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
    if name == "rmsprop":  # torch.optim.RMSprop(alpha=ρ); Tieleman and Hinton 2012
        state["v"] = h.rho * state.get("v", 0) + (1 - h.rho) * g * g
        return p - h.learning_rate * g / (np.sqrt(state["v"]) + h.epsilon)
    # Kingma and Ba 2015; Loshchilov and Hutter 2019
    assert name in ("adam", "adamw"), f'tests/test_training.py: add "{name}" to reference_step, from its paper'
    if name == "adamw" and decays:
        p = p * (1 - h.learning_rate * h.weight_decay)
    state["m"] = h.beta1 * state.get("m", 0) + (1 - h.beta1) * g
    state["v"] = h.beta2 * state.get("v", 0) + (1 - h.beta2) * g * g
    m, v = state["m"] / (1 - h.beta1**t), state["v"] / (1 - h.beta2**t)
    return p - h.learning_rate * m / (np.sqrt(v) + h.epsilon)


HYPER = {"momentum": 0.8, "beta1": 0.85, "beta2": 0.95, "epsilon": 1e-6, "rho": 0.7, "weight_decay": 0.05}


@each("batch", [1, 2, "all"])
@each("l2", [0.0, 0.1])
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_optimizers_against_plain_loops(name, l2, batch):
    taught = lesson(optimizer=name, l2=l2, batch=batch, learning_rate=0.05, order="shuffled", seed=3, **HYPER)
    run, p, states = Run(taught), {k: np.array(v) for k, v in initial_parameters(taught).items()}, {}
    close = 1e-10 if name == "rmsprop" else 1e-12  # near the minimum it divides what cancelled by little
    for t in range(1, 21):
        now = run.iteration(t)
        for key, value in p.items():
            assert np.allclose(now.values[key], value, rtol=close, atol=1e-14), (t, key)
        g = reference_gradients(p, list(now.rows), l2)
        for key in p:
            kind = "J" if l2 and key[0] == "W" else "L"
            assert np.allclose(now.values[f"d{kind}/d{key}"], g[key], rtol=1e-11, atol=1e-14), (t, key)
        p = {
            key: reference_step(name, value, g[key], states.setdefault(key, {}), t, taught.training, key[0] == "W")
            for key, value in p.items()
        }
        for key, value in p.items():
            assert np.allclose(now.values[key + "'"], value, rtol=close, atol=1e-14), (t, key + "'")


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


@cache
def stepped_through(name: str):
    """A lesson and what it is worth before some of its iterations, none of which was gone back to."""
    taught = lesson(optimizer=name, batch=2, order="shuffled", learning_rate=0.03)
    stepped = Run(taught)
    return taught, {n: stepped.iteration(n).values for n in (1, 99, 100, 101, 102, 950, 1200)}


@pytest.mark.parametrize("name, memory", [("sgd", 1000), ("adam", 0), ("adam", 64 << 20)])
def test_going_back_with_thinned_checkpoints(name, memory):
    taught, true = stepped_through(name)
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
@each("activation", ["linear", "relu", "sigmoid", "tanh", "leaky_relu", "softmax"])
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


# ---------------------------------------------------------------- training on


@pytest.mark.parametrize("batch", [1, 2, "all"])
@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_losses_are_those_of_the_steps(batch, l2):
    taught = lesson(batch=batch, l2=l2, order="shuffled", learning_rate=0.05)
    run, per = Run(taught), iterations_per_epoch(taught)
    assert run.trained == 0 and run.losses.shape == run.epoch_losses.shape == (0,)
    assert run.train(7 * per + per // 2) == "done"
    assert run.losses.shape == (run.trained,) == (7 * per + per // 2,)
    for number in range(1, run.trained + 1):
        values = run.iteration(number).values
        assert run.losses[number - 1] == pytest.approx(float(values["J" if l2 else "L"]), rel=1e-12)
    assert run.epoch_losses.shape == (7,)
    assert run.epoch_losses[2] == pytest.approx(np.mean(run.losses[2 * per : 3 * per]), rel=1e-14)


def test_training_goes_on_where_it_was():
    whole, parts = Run(lesson(batch=2, optimizer="adam")), Run(lesson(batch=2, optimizer="adam"))
    whole.train(500)
    for stop in (1, 2, 150, 149, 433, 500):
        parts.train(stop)
        parts.iteration(stop // 2 + 1)
    assert parts.trained == 500 and parts.losses.tobytes() == whole.losses.tobytes()
    same_bits(parts.parameters(501), whole.parameters(501))


def big(**how):
    rng = np.random.default_rng(0)
    layers = [Layer(30, "sigmoid", weights="xavier", biases=np.zeros(30)), Layer(10, "softmax", weights="xavier")]
    x, y = rng.uniform(0, 1, (20, 200)), np.eye(10)[rng.integers(10, size=20)]
    empty = network_lesson([], "cross_entropy", x, y, **how)
    return replace(empty, network=Network(200, "cross_entropy", tuple(layers)))


@pytest.mark.parametrize(
    "taught", [lesson(order="shuffled"), big(optimizer="momentum", batch=3)], ids=["tiny", "large"]
)
def test_parameters_are_those_that_training_saw(taught):
    stepped, run = Run(taught), Run(taught)
    seen = {n: stepped.iteration(n).values for n in (1, 2, 100, 101, 102, 350, 777)}
    assert run.train(1000) == "done"
    for n in (777, 1, 350, 102, 101, 2, 100):
        for key, value in run.parameters(n).items():
            assert value.tobytes() == np.asarray(seen[n][key]).tobytes(), (n, key)


def test_kept_values_stay_within_the_memory():
    taught = big(optimizer="adam")
    run = Run(taught, memory=2 << 20)
    run.train(2000)
    assert sum(flat.nbytes for flat in run.kept.values()) <= 2 << 20 and len(run.kept) > 5
    assert sorted(run.kept) == [1 + k * run.every for k in range(len(run.kept))], "evenly"


def test_converging():
    """f = (x − 3)² with rate 0.1: x − 3 shrinks to 0.8 of itself each iteration; Δx and Δf say when it ends."""
    taught = circuit_lesson(["f = (x - 3) ** 2"], training=Training(0.1), x=4)
    run, x, n = Run(taught), 1.0, 0
    assert run.train(10_000, tolerance=1e-3) == "converged"
    while n < 2 or not (0.2 * 0.8 ** (n - 1) < 1e-3 and 0.64 ** (n - 2) - 0.64 ** (n - 1) < 1e-3):
        n, x = n + 1, x * 0.8
    assert run.trained == n
    assert run.train(10_000, tolerance=1e-3) == "converged" and run.trained == n, "it is still so"
    assert run.train(10_000, tolerance=1e-6) == "converged" and run.trained > n
    assert run.train(run.trained + 5) == "done"


def test_converging_needs_both_the_loss_and_the_parameters_to_rest():
    """f = x − x moves nothing; in f = 0.001 x the loss hardly changes while x goes on by 0.001 an iteration."""
    assert Run(circuit_lesson(["f = x - x"], training=Training(1.0), x=1)).train(9, tolerance=1e-9) == "converged"
    walking = Run(circuit_lesson(["f = 0.001 * x"], training=Training(1.0), x=1))
    assert walking.train(50, tolerance=1e-4) == "done" and walking.trained == 50


def test_converging_compares_whole_epochs():
    """Two examples that pull one weight to and fro: each row's loss jumps, and epoch by epoch all is the same."""
    taught = network_lesson([dense([[0.5]])], "half_squared_error", [[1.0], [2.0]], [[0.0], [1.0]], learning_rate=0.01)
    run = Run(taught)
    assert run.train(100_000, tolerance=1e-8) == "converged"
    assert run.trained % 2 == 0 and run.trained < 10_000
    assert abs(run.losses[-1] - run.losses[-2]) > 1e-3
    freely = Run(taught)
    assert freely.train(run.trained - 2, tolerance=1e-8) == "done", "not an epoch sooner"


def test_losses_are_never_those_of_an_array_that_was_outgrown():
    """What another thread does between two looks at the run: it trains on, into a longer array."""

    class Interrupted(Run):
        more = 0  # iterations that are trained as soon as somebody looks

        @property
        def trained(self):
            more, self.more = self.more, 0
            if more:
                self._record(np.full(more, 7.0))
            return self._trained

        @trained.setter
        def trained(self, value):
            self._trained = value

    run = Interrupted(lesson())
    run._losses = np.full(4, np.nan)  # what is not recorded yet
    run._record(np.full(3, 5.0))
    run.more = 10
    assert set(run.losses.tolist()) == {5.0, 7.0}


def test_training_can_be_cancelled_and_watched_from_a_thread():
    run, told, answers = Run(lesson()), [], []

    def progress(trained):
        told.append(trained)
        return len(told) < 4

    def train():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            answers.append(run.train(10_000_000, progress))

    thread = threading.Thread(target=train)
    thread.start()
    while thread.is_alive():  # look at iterations meanwhile
        if run.trained > 300:
            number = run.trained // 2
            assert run.iteration(number).number == number
            assert len(run.losses) <= run.trained
    thread.join()
    assert answers == ["cancelled"] and told == sorted(told) and told[-1] <= run.trained < 10_000_000
    true = Run(lesson())
    true.train(min(run.trained, 3000))
    assert run.losses[:3000].tobytes() == true.losses.tobytes()


@pytest.mark.parametrize("taught", [lesson(), big()], ids=["tiny", "large"])
def test_interrupted_training_is_whole(taught):
    """Whatever breaks into an iteration leaves nothing half done."""

    class Stop(BaseException):
        pass

    def stop(trained):
        raise Stop

    run, true = Run(taught), Run(taught)
    with pytest.raises(Stop):
        run.train(10_000_000, stop)
    plain = run._iterate

    def broken(start, stop):
        plain(start, stop)
        raise Stop

    run._iterate, reached = broken, run.trained
    with pytest.raises(Stop):
        run.train(reached + 50)
    run._iterate = plain
    assert run.trained == reached
    run.train(reached + 50)
    true.train(reached + 50)
    assert run.losses.tobytes() == true.losses.tobytes()


def test_what_is_not_trained_cannot_be():
    with pytest.raises(ValueError):
        Run(circuit_lesson(["f = x * x"], x=3)).train(1)


# ---------------------------------------------------------------- where it diverges


def diverging(activation="linear", **how):
    hidden = dense([[3.0, -2.0], [1.0, 4.0]], [0.0, 0.0], activation)
    layers = [hidden, dense([[2.0, 1.0]], [0.0])]
    return network_lesson(layers, "squared_error", [[3, 1], [-2, 5]], [[100], [0]], learning_rate=0.1, **how)


@pytest.mark.parametrize("way", [10**9, -1], ids=["scalars", "arrays"])
@pytest.mark.parametrize("batch", [1, "all"])
@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov"])
def test_divergence_is_found_at_its_first_iteration(name, batch, way, monkeypatch):
    monkeypatch.setattr(running, "SCALAR_WORK", way)
    run = Run(diverging(optimizer=name, batch=batch))
    assert run.train(1000) == "diverged" and run.diverged == run.trained == len(run.losses)
    assert run.train(2000) == "diverged" and run.trained == run.diverged, "it does not go on"
    with np.errstate(all="ignore"):
        last = run.iteration(run.diverged)
        new = [last.values[key] for key in last.program.carried]
        assert not all(np.isfinite(v).all() for v in (last.values["L"], *new))
        for n in range(1, run.diverged):
            assert np.isfinite(run.losses[n - 1])
            assert all(np.isfinite(v).all() for v in run.parameters(n + 1).values())
    found = divergence(run)
    first = next(
        eq.symbol.key
        for eq in last.program.equations
        if eq.symbol.key in last.values and not np.isfinite(last.values[eq.symbol.key]).all()
    )
    assert found.symbol.key == first and found.iteration == run.diverged
    said = divergence_words(found)
    assert first.rstrip("@") in said and f"iteration {run.diverged}" in said and "smaller learning rate" in said


def test_divergence_in_words():
    """f = x², x′ = x − 2·10·x = −19 x: the output grows 361-fold until x² passes 1.8e308."""
    run = Run(circuit_lesson(["f = x * x"], training=Training(10.0), x=1))
    assert run.train(1000) == "diverged"
    assert run.diverged == 1 + math.ceil(308.2547 / (2 * math.log10(19)))  # ln of the largest double
    assert divergence(run).growth == pytest.approx(361, rel=1e-6)
    said = divergence_words(divergence(run), lambda symbol: symbol.id.upper())
    assert said == (
        f"F overflowed to infinity in iteration {run.diverged}: X had grown to {19.0 ** (run.diverged - 1):.2g}, "
        "after F grew 361-fold an iteration. A smaller learning rate takes smaller steps."
    )
    assert divergence(Run(lesson())) is None


def test_an_infinite_factor_that_nothing_uses_is_no_divergence():
    """∂L/∂ŷ of a saturated softmax is infinite, and never multiplied on: training is well."""
    layers = [dense([[800.0], [-800.0]], [0.0, 0.0], "softmax")]
    run = Run(network_lesson(layers, "cross_entropy", [[1.0]], [[0.0, 1.0]], learning_rate=1.0))
    assert not np.isfinite(run.iteration(1).values["dL/da1"]).all()
    assert run.train(20) == "done" and run.diverged is None


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


@pytest.mark.parametrize(
    ("line", "inputs", "rate", "said", "helps"),
    [
        ("log(x)", {"x": 1}, 0.4, "x had come to −0.06667, and a logarithm takes only", "before that edge."),
        ("sqrt(x)", {"x": 0.25}, 0.5, "x had come to −0.25, and a root takes nothing below 0", "smaller steps."),
        ("x ** 0.5", {"x": 0.25}, 0.5, "x had come to −0.25, and below 0 only whole powers", "smaller steps."),
        ("x * x + 1 / x", {"x": 1}, 1.0, "x had come to 0, and nothing can be divided by 0", "smaller steps."),
        ("x ** -1 + x * x", {"x": 1}, 1.0, "x had come to 0, and below 0 only whole powers", "smaller steps."),
        ("x * x * x", {"x": -1}, 1.0, "overflowed to infinity", "it has no minimum, and no learning rate finds one."),
        ("x * y * z", {"x": 3, "y": -4, "z": 1}, 0.1, "overflowed to infinity", "no learning rate finds one."),
        ("x * x", {"x": -1}, 10.0, "x had grown to", "smaller steps."),
    ],
)
def test_the_cause_of_a_divergence_is_the_true_one(line, inputs, rate, said, helps):
    run = Run(circuit_lesson([f"f = {line}"], training=Training(rate), **inputs))
    assert run.train(100_000) == "diverged"
    words = divergence_words(divergence(run))
    assert said in words and words.endswith(helps), words
    assert ("grown" in words) == ("overflowed" in words)
