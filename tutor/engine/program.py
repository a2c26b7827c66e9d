"""The program of an iteration: all its equations, and which examples it takes.

An iteration is one update of the parameters: a batch of examples forward, backward, update.
Iterations count from 1; so do epochs. Which rows an iteration takes follows from the seed and
the epoch alone, so that no other iteration need be replayed to know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from tutor.engine.backprop import backward, gradient_of, leading_to
from tutor.engine.blueprint import Blueprint
from tutor.engine.expressions import Expr, Noise, Ref, Symbol, evaluate, rounding, used
from tutor.engine.expressions import Values as Leaves
from tutor.engine.forward import model
from tutor.engine.ids import before_update, is_use_by, updated
from tutor.engine.ids import state as state_id
from tutor.engine.lesson import Lesson
from tutor.engine.memo import Memo
from tutor.engine.model import Equation, Model, hyper
from tutor.engine.optimizers import OPTIMIZERS, State

Values = dict[str, "np.ndarray | float"]
MOST_NOISE = 1e-9  # of a value: what is left of a ten-millionth of what it is made from has lost no more


class Program:
    """All equations of an iteration with a batch of so many examples, in order of evaluation."""

    def __init__(self, lesson: Lesson, examples: int = 1):
        self.lesson, self.examples = lesson, examples
        self.model: Model = model(lesson, examples)
        self.equations: tuple[Equation, ...] = (
            *self.model.forward,
            *backward(self.model),
            *_updates(lesson, self.model),
        )
        self.by_key = {eq.symbol.key: eq for eq in self.equations}

    @classmethod
    def of(cls, lesson: Lesson, examples: int = 1) -> Program:
        """The equations of a lesson, made once: its check, its play and every run of it need the same.

        So do networks that differ in numbers alone, as those of a what-if, as long as one of them is there.
        """
        made = lesson.memo.of(_Programs)
        if examples not in made:
            blueprint = Blueprint.of(lesson, examples)
            found = _shared.get(blueprint) if blueprint else None
            made[examples] = found or cls(lesson, examples)
            if blueprint:
                _shared[blueprint] = made[examples]
        return made[examples]

    def run(self, values: Values) -> Values:
        """Evaluate every equation that is not deferred, adding its value to `values` by key."""

        def look(ref: Ref) -> Any:
            return values[ref.symbol.key]

        noise = self.noise(values)
        for eq in self.equations:
            if not eq.deferred:
                values[eq.symbol.key] = value_of(eq, look, self.examples, noise)
        return values

    def noise(self, values: Values) -> Callable[[Ref], np.ndarray | None]:
        """How far rounding may have carried each of these values, of its shape; None of a given or a deferred one.

        Worked out when it is asked for, which is seldom: see `evaluate`. The worst case of every line grows from layer
        to layer without end, and of a deep network would be more than the values: it is `MOST_NOISE` of each at most.
        """
        noises: dict[str, np.ndarray] = {}
        unknown = iter([eq for eq in self.equations if not eq.deferred])

        def look(ref: Ref) -> Any:
            return values[ref.symbol.key]

        def noise(ref: Ref) -> np.ndarray | None:
            key = ref.symbol.key
            while key in self.by_key and key not in noises and not self.by_key[key].deferred:
                eq = next(unknown)
                found = rounding(eq.compute or eq.formula, look, noise)
                most = MOST_NOISE * np.abs(values[eq.symbol.key])  # 0 of what is 0
                noises[eq.symbol.key] = np.where(np.isfinite(most), np.minimum(found, most), found)
            return noises.get(key)

        return noise

    @cached_property
    def memo(self) -> Memo:
        """What others keep about these equations, whatever their numbers: their structure, wrong formulas."""
        return Memo()

    @cached_property
    def symbols(self) -> dict[str, Symbol]:
        """Every symbol by key, the given ones (parameters, data, settings) included."""
        found: dict[str, Symbol] = {}
        for eq in self.equations:
            for symbol in eq.takes:
                found.setdefault(symbol.key, symbol)
            found.setdefault(eq.symbol.key, eq.symbol)
        return found

    @cached_property
    def users(self) -> dict[Symbol, tuple[Equation, ...]]:
        """Symbols -> the forward equations that use them, in order."""
        found: dict[Symbol, list[Equation]] = {}
        for eq in self.model.forward:
            for symbol in eq.takes:
                found.setdefault(symbol, []).append(eq)
        return {symbol: tuple(equations) for symbol, equations in found.items()}

    def gates_back(self, symbol: Symbol) -> list[Equation]:
        """The forward equations that use a symbol and that the output depends on, in order.

        Its gradient comes back from them, and from no line that only stands there to be looked at.
        """
        return [eq for eq in self.users.get(symbol, ()) if eq.symbol in self._leading]

    def came_back_from(self, gradient: Symbol) -> list[Equation]:
        """The gates that a gradient comes back from, as `gates_back` has them; of one use that one."""
        assert gradient.wrt is not None, f"{gradient.id} is no gradient"
        gates = self.gates_back(gradient.wrt)
        return [eq for eq in gates if not gradient.use or is_use_by(gradient.use, eq.symbol.id)]

    @cached_property
    def _leading(self) -> set[Symbol]:
        return leading_to(self.model.forward, self.model.output)

    @cached_property
    def use_counts(self) -> Counter[Symbol]:
        """How many equations, of all phases, use the value of each symbol."""
        return Counter(symbol for eq in self.equations for symbol in {ref.symbol for ref in used(eq.formula)})

    @cached_property
    def needed_backward(self) -> dict[Symbol, Symbol]:
        """Values that the backward pass uses -> the first gradient that does."""
        found: dict[Symbol, Symbol] = {}
        for eq in self.equations:
            if eq.phase == "backward":
                for ref in used(eq.formula):
                    found.setdefault(ref.symbol, eq.symbol)
        return found

    @cached_property
    def carried(self) -> dict[str, str]:
        """What an update carries to the next iteration: the key of the new value -> the key it replaces."""
        kept = [
            *(symbol.id for symbol in self.model.trained),
            *(before_update(eq.symbol.id) for eq in self.equations if eq.symbol.quantity == "state"),
        ]
        return {updated(id): id for id in kept if updated(id) in self.by_key}

    def named(self, id: str) -> Symbol | None:
        """The symbol of an id, given or computed: the plain one, or that which each example has a value of."""
        return self.symbols.get(id) or self.symbols.get(Symbol(id, per_example=True).key)

    def equation(self, id: str) -> Equation | None:
        """The equation of an id: of the plain symbol, or of that which each example has a value of."""
        return self.by_key.get(id) or self.by_key.get(Symbol(id, per_example=True).key)


_shared: WeakValueDictionary[Blueprint, Program] = WeakValueDictionary()


class _Programs(dict[int, Program]):
    """The equations of a lesson, by how many examples they are for."""


def value_of(eq: Equation, values: Leaves, examples: int, noise: Noise | None = None) -> np.ndarray | float:
    """What an equation comes to, with an axis of so many examples if its symbol has one; `values` as of `evaluate`."""
    formula = eq.compute or eq.formula
    found = evaluate(formula, values, noise)
    if eq.symbol.per_example and not formula.batched:  # the same for all of them
        return np.broadcast_to(found, (examples, *eq.symbol.shape))
    return found


def _updates(lesson: Lesson, model: Model) -> list[Equation]:
    """The optimiser's equations, last layer first, from values before the update only."""
    if lesson.training is None:
        return []
    optimizer = OPTIMIZERS[lesson.training.optimizer]
    hypers = {name: hyper(name) for name in (*optimizer.hyper, "t")}
    equations: list[Equation] = []

    for parameter in _last_layer_first(model):
        of = model.loss if model.decay and parameter.quantity != "weights" else model.objective
        g = Ref(gradient_of(of, parameter))
        p = Ref(parameter)

        def state(id: str, parameter: Symbol = parameter) -> Ref:
            return Ref(Symbol(id, parameter.shape, "state", parameter.layer, wrt=parameter))

        def old(before: State, of: str = parameter.id) -> Ref:
            return state(state_id(of, before.name))

        def define(worked_out: State, formula: Expr, of: str = parameter.id) -> Ref:
            assert worked_out in optimizer.states, f"the optimiser does not list {worked_out.name} among its states"
            id = state_id(of, worked_out.name)
            new = state(updated(id) if worked_out.kept else id)
            equations.append(Equation(new.symbol, formula, "update", "optimizer", variant=worked_out.name))
            return new

        new = optimizer.rule(p, g, hypers, old, define)
        after = Symbol(updated(parameter.id), parameter.shape, "updated", parameter.layer, wrt=parameter)
        equations.append(Equation(after, new, "update", "update"))
    return equations


def _last_layer_first(model: Model) -> list[Symbol]:
    """W2 b2 W1 b1: the order in which their gradients were found; an author's inputs as listed."""
    return sorted(model.trained, key=lambda s: -(s.layer or 0))


def batch_size(lesson: Lesson) -> int:
    """How many examples an update takes (the last batch of an epoch may have fewer); 1 where there are none."""
    count, training = lesson.example_count, lesson.training
    if not count or training is None:
        return 1
    return count if training.batch == "all" else min(int(training.batch), count)


def iterations_per_epoch(lesson: Lesson) -> int:
    """How many updates go once through all examples, a short last batch among them."""
    return -(-max(lesson.example_count, 1) // batch_size(lesson))


def rows(lesson: Lesson, iteration: int) -> np.ndarray:
    """The rows of the examples (counted from 0) that an iteration takes; none where there are no examples."""
    epoch, slot = divmod(iteration - 1, iterations_per_epoch(lesson))
    size = batch_size(lesson)
    return order(lesson, epoch)[slot * size : (slot + 1) * size]


def order(lesson: Lesson, epoch: int) -> np.ndarray:
    """All rows that an epoch (counted from 0) takes, one after the other; they follow from the seed and the epoch."""
    count, training = lesson.example_count, lesson.training
    if training is None or training.order == "listed":
        return np.arange(count)
    rng = np.random.default_rng((training.seed, 0, epoch))
    return rng.permutation(count) if training.order == "shuffled" else rng.integers(max(count, 1), size=count)
