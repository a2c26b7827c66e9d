"""Training without recording against a hand-written tight NumPy loop, and others where they are installed.

    python benchmarks/training.py [--seconds 0.05] [--rounds 25] [--others] [--without-c] [2-2-1 784-30-10x32 ...]

Networks of two layers of sigmoids with half squared error, plain gradient descent, float64, rows as listed. Each
side does the same arithmetic from the same numbers; losses and final parameters must agree to 1e-9. Ours is
`Run.train`, checkpoints and the watch for divergence included. The sides take turns, and the best round of each
counts, since noise only adds; the clock is that of the process, which stands while others run. `x32` after the
sizes is a batch of 32.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from tutor.engine.compiled import building
from tutor.engine.forward import initial_parameters
from tutor.engine.lesson import Layer, Lesson, Network, Training
from tutor.engine.program import rows
from tutor.engine.run import Run

RATE = 0.1
# sizes, batch -> how much faster than the tight loop it has to be, in C and where there is no compiler
WANTED = {
    "2-2-1": (150.0, 12.0),
    "2-2-2": (150.0, 8.0),
    "4-8-3": (30.0, 2.0),
    "8-16-4": (9.0, 0.9),
    "8-16-4x32": (1.0, 0.9),
    "64-32-10": (3.0, 0.9),
    "64-32-10x32": (1.0, 0.9),
    "784-30-10": (2.0, 0.9),
    "784-30-10x32": (0.9, 0.9),  # large products stay with NumPy's library
}
# A lesson, made ready -> iterations -> losses, parameters after them. Only the second call is timed, and made once.
Train = Callable[[int], tuple[Sequence[float] | np.ndarray, dict[str, np.ndarray]]]
Side = Callable[[Lesson], Train]


def lesson_of(name: str, examples: int = 96) -> Lesson:
    """The network of a name such as 8-16-4x32, with drawn data."""
    sizes, _, batch = name.partition("x")
    inputs, *units = map(int, sizes.split("-"))
    rng = np.random.default_rng(1)
    layers = tuple(Layer(n, "sigmoid", weights="xavier", biases=np.zeros(n)) for n in units)
    return Lesson(
        "bench",
        name,
        network=Network(inputs, "half_squared_error", layers),
        inputs=rng.uniform(-1, 1, (examples, inputs)),
        targets=rng.uniform(0, 1, (examples, units[-1])),
        training=Training(learning_rate=RATE, batch=int(batch or 1)),
    )


def ours(lesson: Lesson) -> Train:
    run = Run(lesson)
    run._code(lesson.training.batch)
    run.in_c(patience=5)

    def train(iterations: int):
        run.train(iterations)
        return run.losses, run.parameters(iterations + 1)

    return train


def tight(lesson: Lesson) -> Train:
    """What a careful hand writes: flat parameters, everything made beforehand, all calls in place, the loss kept."""
    batch = lesson.training.batch
    return tight_batch(lesson, batch) if batch > 1 else tight_single(lesson)


def buffers(lesson: Lesson):
    first = initial_parameters(lesson)
    theta = np.concatenate([np.ravel(first[id]) for id in ("W1", "b1", "W2", "b2")])
    gradient = np.empty_like(theta)
    views, at = [], 0
    for id in ("W1", "b1", "W2", "b2"):
        size, shape = np.size(first[id]), np.shape(first[id])
        views.append([flat[at : at + size].reshape(shape) for flat in (theta, gradient)])
        at += size
    return theta, gradient, *(view for pair in views for view in pair)


def tight_single(lesson: Lesson) -> Train:
    dot, add, sub, mul = np.dot, np.add, np.subtract, np.multiply
    negative, exp, reciprocal = np.negative, np.exp, np.reciprocal
    theta, gradient, W1, gW1, b1, gb1, W2, gW2, b2, gb2 = buffers(lesson)
    a1, s1, a2, s2, e = (np.empty(n) for n in (len(b1), len(b1), len(b2), len(b2), len(b2)))
    W2T, column1, column2, losses = W2.T, gb1[:, None], gb2[:, None], []
    one, rate = np.array(1.0), np.array(RATE)
    feed = list(zip(lesson.inputs, lesson.targets, strict=True))

    def train(iterations: int):
        for i in range(iterations):
            x, y = feed[i % len(feed)]
            dot(W1, x, a1)
            add(a1, b1, a1)
            negative(a1, a1)
            exp(a1, a1)
            add(a1, one, a1)
            reciprocal(a1, a1)
            dot(W2, a1, a2)
            add(a2, b2, a2)
            negative(a2, a2)
            exp(a2, a2)
            add(a2, one, a2)
            reciprocal(a2, a2)
            sub(a2, y, e)
            losses.append(0.5 * dot(e, e))
            sub(one, a2, s2)
            mul(s2, a2, s2)
            mul(e, s2, gb2)
            mul(column2, a1, gW2)
            dot(W2T, gb2, gb1)
            sub(one, a1, s1)
            mul(s1, a1, s1)
            mul(gb1, s1, gb1)
            mul(column1, x, gW1)
            mul(gradient, rate, gradient)
            sub(theta, gradient, theta)
        return losses, {"W1": W1, "b1": b1, "W2": W2, "b2": b2}

    return train


def tight_batch(lesson: Lesson, batch: int) -> Train:
    dot, add, sub, mul = np.dot, np.add, np.subtract, np.multiply
    negative, exp, reciprocal = np.negative, np.exp, np.reciprocal
    theta, gradient, W1, gW1, b1, gb1, W2, gW2, b2, gb2 = buffers(lesson)
    a1, d1, s1 = (np.empty((batch, len(b1))) for _ in range(3))
    a2, d2, s2 = (np.empty((batch, len(b2))) for _ in range(3))
    W1T, W2T, d1T, d2T, flat, losses = W1.T, W2.T, d1.T, d2.T, d2.ravel(), []
    one, rate, share, ones = np.array(1.0), np.array(RATE), np.array(1 / batch), np.ones(batch)
    x, y = lesson.inputs, lesson.targets
    feed = [(x[i : i + batch], y[i : i + batch]) for i in range(0, len(x), batch)]

    def train(iterations: int):
        for i in range(iterations):
            x, y = feed[i % len(feed)]
            dot(x, W1T, a1)
            add(a1, b1, a1)
            negative(a1, a1)
            exp(a1, a1)
            add(a1, one, a1)
            reciprocal(a1, a1)
            dot(a1, W2T, a2)
            add(a2, b2, a2)
            negative(a2, a2)
            exp(a2, a2)
            add(a2, one, a2)
            reciprocal(a2, a2)
            sub(a2, y, d2)
            losses.append(0.5 * dot(flat, flat) / batch)
            sub(one, a2, s2)
            mul(s2, a2, s2)
            mul(d2, s2, d2)
            mul(d2, share, d2)
            dot(d2T, a1, gW2)
            dot(ones, d2, gb2)
            dot(d2, W2, d1)
            sub(one, a1, s1)
            mul(s1, a1, s1)
            mul(d1, s1, d1)
            dot(d1T, x, gW1)
            dot(ones, d1, gb1)
            mul(gradient, rate, gradient)
            sub(theta, gradient, theta)
        return losses, {"W1": W1, "b1": b1, "W2": W2, "b2": b2}

    return train


# ---------------------------------------------------------------- others


class Value:
    """A number that remembers what it was made of, as micrograd does it."""

    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents, self.pull = data, 0.0, parents, lambda: None

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other))

        def pull():
            self.grad += out.grad
            other.grad += out.grad

        out.pull = pull
        return out

    def __mul__(self, other):
        out = Value(self.data * other.data, (self, other))

        def pull():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.pull = pull
        return out

    def sigmoid(self):
        out = Value(1 / (1 + math.exp(-self.data)), (self,))

        def pull():
            self.grad += out.data * (1 - out.data) * out.grad

        out.pull = pull
        return out

    def backward(self):
        order, seen = [], set()

        def visit(value):
            if value not in seen:
                seen.add(value)
                for parent in value.parents:
                    visit(parent)
                order.append(value)

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            value.pull()


def micrograd_style(lesson: Lesson) -> Train:
    def train(iterations: int):
        p = {id: np.vectorize(Value, otypes=[object])(v) for id, v in initial_parameters(lesson).items()}
        losses = []
        for i in range(iterations):
            batch = rows(lesson, i + 1)
            total = Value(0.0)
            for row in batch:
                a = [Value(v) for v in lesson.inputs[row].tolist()]
                for W, b in ((p["W1"], p["b1"]), (p["W2"], p["b2"])):
                    a = [
                        (sum((w * v for w, v in zip(ws, a, strict=True)), Value(0.0)) + bias).sigmoid()
                        for ws, bias in zip(W, b, strict=True)
                    ]
                for v, target in zip(a, lesson.targets[row].tolist(), strict=True):
                    error = v + Value(-target)
                    total = total + error * error
            loss = total * Value(0.5 / len(batch))
            loss.backward()
            losses.append(loss.data)
            for values in p.values():
                for value in values.flat:
                    value.data -= RATE * value.grad
                    value.grad = 0.0
        return losses, {id: np.vectorize(lambda v: v.data, otypes=[float])(values) for id, values in p.items()}

    return train


def torch_eager(lesson: Lesson) -> Train:
    import torch

    torch.set_num_threads(1)
    X, Y = torch.tensor(lesson.inputs), torch.tensor(lesson.targets)

    def train(iterations: int):
        first = initial_parameters(lesson)
        p = {id: torch.tensor(v, requires_grad=True) for id, v in first.items()}
        descent, losses = torch.optim.SGD(p.values(), lr=RATE), []
        size = lesson.training.batch
        slots = len(X) // size
        for i in range(iterations):
            at = i % slots * size
            a = torch.sigmoid(X[at : at + size] @ p["W1"].T + p["b1"])
            a = torch.sigmoid(a @ p["W2"].T + p["b2"])
            loss = 0.5 * ((a - Y[at : at + size]) ** 2).sum() / size
            descent.zero_grad()
            loss.backward()
            descent.step()
            losses.append(loss.item())
        return losses, {id: v.detach().numpy() for id, v in p.items()}

    return train


def jax_jit(lesson: Lesson) -> Train:
    import jax

    jax.config.update("jax_enable_x64", True)
    size = lesson.training.batch
    slots = len(lesson.inputs) // size
    data = [
        tuple(jax.numpy.array(v[at : at + size]) for v in (lesson.inputs, lesson.targets))
        for at in range(0, slots * size, size)
    ]

    def loss_of(p, x, y):
        a = jax.nn.sigmoid(x @ p["W1"].T + p["b1"])
        a = jax.nn.sigmoid(a @ p["W2"].T + p["b2"])
        return 0.5 * ((a - y) ** 2).sum() / size

    @jax.jit
    def step(p, x, y):
        loss, g = jax.value_and_grad(loss_of)(p, x, y)
        return loss, {id: p[id] - RATE * g[id] for id in p}

    step({id: jax.numpy.array(v) for id, v in initial_parameters(lesson).items()}, *data[0])  # compiles it

    def train(iterations: int):
        p, losses = {id: jax.numpy.array(v) for id, v in initial_parameters(lesson).items()}, []
        for i in range(iterations):
            loss, p = step(p, *data[i % slots])
            losses.append(loss)
        return [float(loss) for loss in losses], {id: np.array(v) for id, v in p.items()}

    return train


def jax_loop(lesson: Lesson) -> Train:
    """The whole loop compiled: `lax.scan` over the iterations, losses kept. Compiled for each number of them."""
    import jax

    jax.config.update("jax_enable_x64", True)
    size = lesson.training.batch
    slots = len(lesson.inputs) // size
    xs, ys = (jax.numpy.array(v.reshape(slots, size, -1)) for v in (lesson.inputs, lesson.targets))

    def loss_of(p, x, y):
        a = jax.nn.sigmoid(x @ p["W1"].T + p["b1"])
        a = jax.nn.sigmoid(a @ p["W2"].T + p["b2"])
        return 0.5 * ((a - y) ** 2).sum() / size

    def step(p, i):
        loss, g = jax.value_and_grad(loss_of)(p, xs[i % slots], ys[i % slots])
        return {id: p[id] - RATE * g[id] for id in p}, loss

    made: dict[int, Callable] = _SCANS.setdefault(lesson.title, {})
    first = {id: jax.numpy.array(v) for id, v in initial_parameters(lesson).items()}

    def train(iterations: int):
        if iterations not in made:
            loop = jax.jit(lambda p: jax.lax.scan(step, p, jax.numpy.arange(iterations)))
            made[iterations] = loop.lower(first).compile()
        p, losses = made[iterations](first)
        jax.block_until_ready(losses)
        return np.array(losses), {id: np.array(v) for id, v in p.items()}

    return train


_SCANS: dict[str, dict[int, Callable]] = {}  # compiled loops, by network and number of iterations

OTHERS: dict[str, tuple[str | None, Side]] = {
    "micrograd style": (None, micrograd_style),
    "PyTorch eager": ("torch", torch_eager),
    "JAX jit, a step": ("jax", jax_jit),
    "JAX jit, the whole loop": ("jax", jax_loop),
}


# ---------------------------------------------------------------- measuring


def seconds(make: Side, lesson: Lesson, iterations: int) -> float:
    if make is jax_loop:
        make(lesson)(iterations)  # compiles it
    train = make(lesson)
    gc.collect()
    began = time.process_time()
    train(iterations)
    return time.process_time() - began


def agree(make: Side, lesson: Lesson, iterations: int) -> None:
    """Raises AssertionError unless losses and final parameters are those of the tight loop to 1e-9."""
    (losses, values), (true_losses, true) = make(lesson)(iterations), tight(lesson)(iterations)
    np.testing.assert_allclose(losses, true_losses, rtol=1e-9, atol=1e-12)
    for id, value in true.items():
        np.testing.assert_allclose(values[id], value, rtol=1e-9, atol=1e-12)


def compare(make: Side, lesson: Lesson, budget: float, rounds: int) -> tuple[float, float]:
    """Seconds an iteration of a side and of the tight loop: the best of the rounds, since noise only adds."""
    agree(make, lesson, 200)
    counts = [iterations_in(side, lesson, budget) for side in (make, tight)]
    taken = [
        [seconds(side, lesson, n) / n for side, n in zip((make, tight), counts, strict=True)] for _ in range(rounds)
    ]
    mine, theirs = map(min, zip(*taken, strict=True))
    return mine, theirs


def iterations_in(side: Side, lesson: Lesson, budget: float) -> int:
    """About how many iterations a side runs in so many seconds; the start of a run is not to count."""
    count = 50
    for _ in range(3):
        count = max(20, min(20 * count, int(budget * count / max(seconds(side, lesson, count), 1e-9))))
    return count


def made_in(lesson: Lesson) -> float:
    """Median seconds from a lesson to its code."""
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        Run(lesson)._code(lesson.training.batch)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=list(WANTED))
    parser.add_argument("--seconds", type=float, default=0.05, help="of each side in each round")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--without-c", action="store_true", help="as on a machine without a compiler")
    parser.add_argument("--others", action="store_true", help="micrograd's style, PyTorch and JAX as well")
    args = parser.parse_args()
    if args.without_c:
        os.environ[building.ENVIRONMENT] = "off"
    print(f"C by {building.compiler() or 'no compiler'}")
    print(f"NumPy {np.__version__}, Python {sys.version.split()[0]}; µs an iteration")
    failed = 0
    for name in args.networks:
        lesson = lesson_of(name)
        mine, theirs = compare(ours, lesson, args.seconds, args.rounds)
        ratio = theirs / mine
        wanted = WANTED.get(name, (0.0, 0.0))[building.compiler() is None]
        failed += ratio < wanted
        verdict = "ok" if ratio >= wanted else "MISSED"
        print(
            f"{name:14} ours {mine * 1e6:8.2f}   tight NumPy {theirs * 1e6:8.2f}   {ratio:5.2f} ×"
            f"   wanted {wanted:g} ×: {verdict}   code made in {made_in(lesson) * 1e3:.1f} ms"
        )
        for title, (module, make) in OTHERS.items() if args.others else ():
            if module and importlib.util.find_spec(module) is None:
                print(f"{'':14} {title}: not installed")
                continue
            if make is micrograd_style and lesson.inputs.shape[1] * lesson.training.batch > 100:
                continue  # minutes, and a graph deeper than Python's stack
            other, theirs = compare(make, lesson, args.seconds, max(args.rounds // 4, 1))
            print(f"{'':14} {title} {other * 1e6:.1f}   {theirs / other:.3f} × the speed of the tight loop")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
