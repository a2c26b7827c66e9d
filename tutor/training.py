"""Iterations of the training loop: the equations of one, and the parameters before any.

An iteration is one update of the parameters: a batch of examples forward, backward, update.
Iterations count from 1; so do epochs. Which rows an iteration takes follows from the seed and
the epoch alone, so that no other iteration need be replayed to know.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tutor.backprop import backward, gradient_of
from tutor.formula import Expr, Ref, Symbol, evaluate, refs
from tutor.lesson import Lesson
from tutor.network import Equation, Model, hyper, initial_parameters, model
from tutor.optimizers import OPTIMIZERS

MAX_ITERATION = 1_000_000  # that can be asked for: it takes minutes, not days
Values = dict[str, "np.ndarray | float"]


class Program:
    """All equations of an iteration with a batch of so many examples, in order of evaluation."""

    def __init__(self, lesson: Lesson, examples: int = 1):
        self.lesson, self.examples = lesson, examples
        self.model: Model = model(lesson, examples)
        gradients = backward(self.model)
        self.equations: tuple[Equation, ...] = (
            *self.model.forward,
            *gradients,
            *_updates(lesson, self.model, gradients),
        )
        self.by_key = {eq.symbol.key: eq for eq in self.equations}

    def run(self, values: Values) -> Values:
        """Evaluate every equation that is not deferred, adding its value to `values` by key."""

        def look(ref: Ref):
            return values[ref.symbol.key]

        with np.errstate(all="ignore"):
            for eq in self.equations:
                if not eq.deferred:
                    values[eq.symbol.key] = evaluate(eq.compute or eq.formula, look)
        return values

    @cached_property
    def symbols(self) -> dict[str, Symbol]:
        """Every symbol by key, the given ones (parameters, data, settings) included."""
        found: dict[str, Symbol] = {}
        for eq in self.equations:
            for ref in refs(eq.formula):
                found.setdefault(ref.symbol.key, ref.symbol)
            found.setdefault(eq.symbol.key, eq.symbol)
        return found

    @cached_property
    def carried(self) -> dict[str, str]:
        """What an update carries to the next iteration: the key of the new value -> the key it replaces."""
        return {key: key[:-1] for key in self.by_key if key.endswith("'")}


def _updates(lesson: Lesson, model: Model, gradients: list[Equation]) -> list[Equation]:
    """The optimiser's equations, last layer first, from values before the update only."""
    if lesson.training is None:
        return []
    optimizer = OPTIMIZERS[lesson.training.optimizer]
    hypers = {name: hyper(name) for name in (*optimizer.hyper, "t")}
    equations: list[Equation] = []
    output = model.forward[-1].symbol if lesson.network else model.output

    for parameter in _last_layer_first(model):
        if parameter.id not in model.trainable:
            continue
        of = (
            output if parameter.quantity == "weights" or not model.decay else Symbol("L", (), "loss", per_example=False)
        )
        g = Ref(gradient_of(of, parameter))
        p = Ref(parameter)

        def state(name: str, parameter: Symbol = parameter) -> Symbol:
            return Symbol(f"{parameter.id}.{name}", parameter.shape, "state", parameter.layer, wrt=parameter)

        def define(name: str, formula: Expr) -> Ref:
            equations.append(Equation(state(name), formula, "update", f"optimizer_{name.rstrip(chr(39))}"))
            return Ref(state(name))

        new = optimizer.rule(p, g, hypers, lambda name: Ref(state(name)), define)
        updated = Symbol(f"{parameter.id}'", parameter.shape, "updated", parameter.layer, wrt=parameter)
        equations.append(Equation(updated, new, "update", "update"))
    return equations


def _last_layer_first(model: Model) -> list[Symbol]:
    """W2 b2 W1 b1: the order in which their gradients were found; a circuit's inputs as listed."""
    return sorted(model.parameters, key=lambda s: -(s.layer or 0))


def batch_size(lesson: Lesson) -> int:
    """How many examples an update takes (the last batch of an epoch may have fewer)."""
    if lesson.circuit:
        return 1
    assert lesson.training
    rows = len(lesson.inputs)
    return rows if lesson.training.batch == "all" else min(int(lesson.training.batch), rows)


def iterations_per_epoch(lesson: Lesson) -> int:
    return 1 if lesson.circuit else -(-len(lesson.inputs) // batch_size(lesson))


def rows(lesson: Lesson, iteration: int) -> np.ndarray:
    """The rows of the examples (counted from 0) that an iteration takes."""
    assert lesson.training
    epoch, slot = divmod(iteration - 1, iterations_per_epoch(lesson))
    count, size = len(lesson.inputs), batch_size(lesson)
    rng = np.random.default_rng((lesson.training.seed, 0, epoch))
    if lesson.training.order == "shuffled":
        order = rng.permutation(count)
    elif lesson.training.order == "random":
        order = rng.integers(count, size=count)
    else:
        order = np.arange(count)
    return order[slot * size : (slot + 1) * size]


@dataclass(frozen=True)
class Iteration:
    """The number, the rows it took, its program, and every value before (`start`) and after it ran."""

    number: int
    rows: np.ndarray
    program: Program
    values: Values


class Run:
    """A lesson's training, from its first iteration to any other; what was passed can be returned to.

    Keeps the carried values (parameters and the optimiser's states) of some iterations, at most
    `memory` bytes of them, and replays from the nearest one before: exact, since an iteration
    depends on nothing else.
    """

    def __init__(self, lesson: Lesson, memory: int = 64 << 20):
        self.lesson, self.memory, self.every = lesson, memory, 100
        self.programs: dict[int, Program] = {}
        self.kept: dict[int, Values] = {1: self._first()}
        self.latest: tuple[int, Values] = (1, self.kept[1])
        self.diverged: int | None = None
        self._losses: list[float] = []

    @property
    def last(self) -> int | None:
        """The last iteration there is: 1 for what is not trained, None for no end."""
        return None if self.lesson.training else 1

    @property
    def trained(self) -> int:
        """How many iterations' updates have been computed so far."""
        return len(self._losses)

    @property
    def losses(self) -> np.ndarray:
        """(trained,) the loss of each iteration's batch before its update: J where L2 is on, a circuit's output."""
        return np.array(self._losses)

    @property
    def epoch_losses(self) -> np.ndarray:
        """(epochs,) the mean of `losses` in each finished epoch."""
        per = iterations_per_epoch(self.lesson)
        epochs = self.trained // per
        return self.losses[: epochs * per].reshape(epochs, per).mean(axis=1)

    def program(self, examples: int) -> Program:
        if examples not in self.programs:
            self.programs[examples] = Program(self.lesson, examples)
        return self.programs[examples]

    def parameters(self, number: int) -> dict[str, np.ndarray]:
        """The parameters before iteration `number`, by id."""
        at, carried = self._before(number)
        return {key: np.asarray(value) for key, value in carried.items() if "." not in key}

    def iteration(self, number: int, progress: Callable[[int], bool] | None = None) -> Iteration | None:
        """The values of iteration `number` (from 1), all exact.

        `progress(i)` is called now and then on the way; None is returned if it answers False.
        """
        at, carried = self._before(number, progress)
        return self._run(number, carried) if at == number else None

    def train(
        self, iterations: int, progress: Callable[[int], bool] | None = None, tolerance: float | None = None
    ) -> str:
        """Train on until `iterations` are trained in all: "done", "cancelled", "converged" or "diverged".

        `progress(trained)` is called some 20 times a second; training stops where it answers False.
        With a `tolerance`, training ends where over one epoch neither the mean loss nor any parameter
        changed by so much. It ends, too, where an inf or NaN first appears (`diverged`).
        """
        per, told = iterations_per_epoch(self.lesson), time.monotonic()
        while self.trained < iterations and self.diverged is None:
            self._before(self.trained + 2)
            if tolerance is not None and self.trained % per == 0 and self._settled(tolerance):
                return "converged"
            if progress and time.monotonic() - told > 0.05:
                told = time.monotonic()
                if not progress(self.trained):
                    return "cancelled"
        return "done" if self.diverged is None else "diverged"

    def _settled(self, tolerance: float) -> bool:
        means, per = self.epoch_losses, iterations_per_epoch(self.lesson)
        if len(means) < 2 or not abs(means[-1] - means[-2]) < tolerance:
            return False
        now, before = self.parameters(self.trained + 1), self.parameters(self.trained + 1 - per)
        return all(np.all(np.abs(now[key] - before[key]) < tolerance) for key in now)

    def _before(self, number: int, progress: Callable[[int], bool] | None = None) -> tuple[int, Values]:
        """What iteration `number` starts from; of an earlier one where `progress` answered False."""
        at, carried = max(
            (item for item in (*self.kept.items(), self.latest) if item[0] <= number), key=lambda item: item[0]
        )
        while at < number:
            if progress and at % 50 == 0 and not progress(at):
                break
            after = self._run(at, carried)
            carried = {old: after.values[new] for new, old in after.program.carried.items()} | {
                key: value for key, value in carried.items() if key + "'" not in after.program.carried
            }
            if at == self.trained + 1 and self.diverged is None:
                output = after.program.model.forward[-1].symbol if self.lesson.network else after.program.model.output
                self._losses.append(float(after.values[output.key]))
                if not all(np.all(np.isfinite(value)) for value in (self._losses[-1], *carried.values())):
                    self.diverged = at
            at += 1
            if at % self.every == 1:
                self._keep(at, carried)
        self.latest = (at, carried)
        return at, carried
    def _first(self) -> Values:
        values: Values = dict(initial_parameters(self.lesson))
        if self.lesson.training:
            for name in OPTIMIZERS[self.lesson.training.optimizer].states:
                values |= {f"{p}.{name}": np.zeros_like(v) for p, v in list(values.items()) if "." not in p}
        return values

    def _run(self, number: int, carried: Values) -> Iteration:
        values = dict(carried)
        training = self.lesson.training
        if training:
            keys = OPTIMIZERS[training.optimizer].hyper
            values |= {f"training.{name}": getattr(training, name) for name in (*keys, "l2")}
            values["training.t"] = float(number)
        taken = np.empty(0, dtype=int)
        if self.lesson.network:
            taken = rows(self.lesson, number)
            many = len(taken) > 1
            x, y = self.lesson.inputs[taken], self.lesson.targets[taken]
            values |= {"x@": x, "y@": y} if many else {"x": x[0], "y": y[0]}
        program = self.program(max(len(taken), 1))
        return Iteration(number, taken, program, program.run(values))

    def _keep(self, at: int, carried: Values) -> None:
        self.kept[at] = carried
        size = sum(np.asarray(v).nbytes for v in carried.values())
        if len(self.kept) * size > self.memory or len(self.kept) > 2000:
            self.every *= 2  # thin out: keep every other one
            self.kept = {i: v for i, v in self.kept.items() if (i - 1) % self.every == 0}
