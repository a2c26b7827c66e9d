"""Iterations of the training loop: the equations of one, and the parameters before any.

An iteration is one update of the parameters: a batch of examples forward, backward, update.
Iterations count from 1; so do epochs. Which rows an iteration takes follows from the seed and
the epoch alone, so that no other iteration need be replayed to know.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, repeat
from threading import RLock

import numpy as np

from tutor.engine.backprop import backward, gradient_of
from tutor.engine.fast import Code, Memory, arrays, needed_equations, scalars
from tutor.engine.formula import Call, Expr, Ref, Symbol, evaluate, index_text, refs, rounding, walk
from tutor.engine.lesson import Lesson
from tutor.engine.network import Equation, Model, hyper, initial_parameters, model
from tutor.engine.optimizers import OPTIMIZERS

SCALAR_WORK = 150  # parameters times examples up to which single numbers are faster than arrays: measured
TOLERANCE = 1e-6  # a change over an epoch that counts as none, unless told
MAX_ITERATION = 1_000_000  # that can be asked for: it takes minutes, not days
Values = dict[str, "np.ndarray | float"]


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

    def run(self, values: Values) -> Values:
        """Evaluate every equation that is not deferred, adding its value to `values` by key."""
        noises: Values = {}
        unknown = iter([eq for eq in self.equations if not eq.deferred])  # whose noise nobody has asked for yet

        def look(ref: Ref):
            return values[ref.symbol.key]

        def noise(ref: Ref):
            """How far rounding may have carried a value; None of a given one. Asked for seldom: see `evaluate`."""
            key = ref.symbol.key
            while key in self.by_key and key not in noises:
                eq = next(unknown)
                found = rounding(eq.compute or eq.formula, look, noise)
                noises[eq.symbol.key] = np.where(np.equal(values[eq.symbol.key], 0), 0.0, found)
            return noises.get(key)

        for eq in self.equations:
            if not eq.deferred:
                values[eq.symbol.key] = evaluate(eq.compute or eq.formula, look, noise)
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
    def needed_backward(self) -> dict[Symbol, Symbol]:
        """Values that the backward pass uses -> the first gradient that does."""
        found: dict[Symbol, Symbol] = {}
        for eq in self.equations:
            if eq.phase == "backward":
                for ref in refs(eq.formula):
                    found.setdefault(ref.symbol, eq.symbol)
        return found

    @cached_property
    def carried(self) -> dict[str, str]:
        """What an update carries to the next iteration: the key of the new value -> the key it replaces."""
        return {key: key[:-1] for key in self.by_key if key.endswith("'")}


def _updates(lesson: Lesson, model: Model) -> list[Equation]:
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
    epoch, slot = divmod(iteration - 1, iterations_per_epoch(lesson))
    size = batch_size(lesson)
    return order(lesson, epoch)[slot * size : (slot + 1) * size]


def order(lesson: Lesson, epoch: int) -> np.ndarray:
    """All rows that an epoch (counted from 0) takes, one after the other; they follow from the seed and the epoch."""
    assert lesson.training
    count = len(lesson.inputs)
    if lesson.training.order == "listed":
        return np.arange(count)
    rng = np.random.default_rng((lesson.training.seed, 0, epoch))
    return rng.permutation(count) if lesson.training.order == "shuffled" else rng.integers(count, size=count)


@dataclass(frozen=True)
class Iteration:
    """The number, the rows it took, its program, and every value before (`start`) and after it ran."""

    number: int
    rows: np.ndarray
    program: Program
    values: Values


class Run:
    """A lesson's training, from its first iteration to any other; what was passed can be returned to.

    Keeps the carried values (parameters and the optimiser's states) of some iterations, at most `memory` bytes
    of them, and runs again from the nearest one before: the same code on the same bits, so that the parameters
    are those that training saw. All other values of an iteration are computed when it is asked for.

    `diverged` is the iteration in which an inf or NaN first appeared in the loss, in a parameter or in the
    optimiser's memory of one; None as long as there is none. Training stops there.

    Threads may train and look at iterations at the same time.
    """

    def __init__(self, lesson: Lesson, memory: int = 64 << 20):
        self.lesson, self.memory = lesson, memory
        self.programs: dict[int, Program] = {}
        self.trained = 0  # iterations whose update has been computed
        self.diverged: int | None = None
        self._first: Values = dict(initial_parameters(lesson))
        self._carried = Memory(self._trained_values())
        work = self._count * (1 if lesson.circuit else batch_size(lesson))
        fast = (1000, 20_000) if self._scalar else (100, 24_000_000)
        self.every = max(10, min(fast[0], fast[1] // max(work, 1)))  # to run that many again takes 1 to 5 ms
        self.kept: dict[int, np.ndarray] = {1: self._carried.flat.copy()}
        self._frontier = (1, self.kept[1])  # where training goes on, if an earlier iteration is looked at
        self._at = 1  # the iteration that self._carried is before; 0 where it is none
        self._careful = 0  # up to this iteration one at a time
        self._edge: list[int] = []  # iterations in which the code ended in infinity: they are run by the equations
        self._pace = 1.0  # iterations in a go: some 20 ms, so that it can be called off
        self._losses = np.empty(0)
        self._codes: dict[int, Code] = {}
        self._latest_epoch: tuple[int, list] = (-1, [])
        self._lock = RLock()

    @property
    def last(self) -> int | None:
        """The last iteration there is: 1 for what is not trained, None for no end."""
        return None if self.lesson.training else 1

    @property
    def loss(self) -> Symbol:
        """What training lowers: L, J where L2 is on, a circuit's output."""
        program = self.program(1 if self.lesson.circuit else batch_size(self.lesson))
        return program.by_key[_loss(program)].symbol

    @property
    def losses(self) -> np.ndarray:
        """(trained,) each iteration's loss over its batch, before its update: J where L2 is on, a circuit's output."""
        trained = self.trained  # first: another thread may put a longer array in place, never a shorter one
        return self._losses[:trained]

    @property
    def epoch_losses(self) -> np.ndarray:
        """(epochs,) the mean of `losses` in each finished epoch."""
        losses, per = self.losses, iterations_per_epoch(self.lesson)
        epochs = len(losses) // per
        with np.errstate(all="ignore"):
            return losses[: epochs * per].reshape(epochs, per).mean(axis=1)

    def program(self, examples: int) -> Program:
        if examples not in self.programs:
            self.programs[examples] = Program(self.lesson, examples)
        return self.programs[examples]

    def parameters(self, number: int) -> dict[str, np.ndarray]:
        """Every parameter before iteration `number`, by id, in the order of the layers."""
        carried = self._reach(number)
        assert carried is not None
        values = self._values(carried)
        return {id: np.asarray(values[id]) for id in initial_parameters(self.lesson)}

    def iteration(self, number: int, progress: Callable[[int], bool] | None = None) -> Iteration | None:
        """The values of iteration `number` (from 1), all exact.

        On a long way `progress(i)` is called some 20 times a second; None is returned if it answers False.
        """
        carried = self._reach(number, progress)
        return None if carried is None else self._run(number, carried)

    def train(
        self, iterations: int, progress: Callable[[int], bool] | None = None, tolerance: float | None = None
    ) -> str:
        """Train on until `iterations` are trained in all: "done", "cancelled", "converged" or "diverged".

        `progress(trained)` is called some 20 times a second; training stops where it answers False. With a
        `tolerance` it stops after the first epoch over which the mean loss and every single parameter changed by
        less than that. (Means of whole epochs: from one example to the next the loss changes without learning.)
        """
        if self.lesson.training is None:
            raise ValueError("this lesson is not trained")
        per, ticker = iterations_per_epoch(self.lesson), _Ticker(progress)
        before: np.ndarray | None = None
        while self.diverged is None:
            if tolerance is not None and self.trained % per == 0:
                before = self._reach(max(self.trained + 1 - per, 1)) if before is None else before
                now = self._reach(self.trained + 1)
                if before is not None and now is not None and self._settled(now, before, tolerance):
                    return "converged"
                before = now
            if self.trained >= iterations:
                return "done"
            goal = iterations if tolerance is None else min(iterations, (self.trained // per + 1) * per)
            if self._reach(goal + 1, ticker, train=True) is None:
                return "cancelled" if self.diverged is None else "diverged"
        return "diverged"

    def _trained_values(self) -> Values:
        """What an iteration carries to the next: trained parameters, weights first, then the optimiser's states."""
        if self.lesson.training is None:
            return {}
        trainable = self.program(batch_size(self.lesson)).model.trainable
        ids = sorted(
            (id for id in self._first if id in trainable), key=lambda id: bool(self.lesson.network) and id[0] == "b"
        )
        parameters = {id: self._first[id] for id in ids}
        training = self.lesson.training
        states = {f"{id}.{name}": v for name in OPTIMIZERS[training.optimizer].states for id, v in parameters.items()}
        return parameters | {key: training.memory.get(key, np.zeros_like(v)) for key, v in states.items()}

    @cached_property
    def _count(self) -> int:
        """How many numbers are trained."""
        return sum(np.size(self._first[key]) for key in self._carried.slices if key in self._first)

    def _settled(self, now: np.ndarray, before: np.ndarray, tolerance: float) -> bool:
        per, count = iterations_per_epoch(self.lesson), self._count
        if self.trained < 2 * per:
            return False
        earlier, last = self.losses[-2 * per :].reshape(2, per).mean(axis=1)
        return bool(abs(last - earlier) < tolerance and np.all(np.abs(now - before)[:count] < tolerance))

    # ------------------------------------------------------------ from one iteration to another

    def _reach(
        self, number: int, progress: Callable[[int], bool] | None = None, train: bool = False
    ) -> np.ndarray | None:
        """What iteration `number` starts from; None if `progress` said so, or if `train`ing has diverged."""
        ticker = progress if isinstance(progress, _Ticker) else _Ticker(progress)
        while True:
            with self._lock:
                self._go_near(number)
                if self._at == number:
                    return self._carried.flat.copy()
                self._advance(number)
                at = self._at
            if (train and self.diverged is not None) or (at and not ticker(at - 1)):
                return None

    def _go_near(self, number: int) -> None:
        """Load the nearest iteration not after `number` whose values are kept, unless they are there already."""
        near = number - (number - 1) % self.every
        if near not in self.kept:
            near = max(at for at in self.kept if at <= number)
        if near <= self._at <= number:
            return
        if self._at == self.trained + 1:  # it will be wanted again
            self._frontier = (self._at, self._carried.flat.copy())
        at, flat = max((near, self.kept[near]), self._frontier, key=lambda entry: (entry[0] <= number, entry[0]))
        self._carried.flat[:] = flat
        self._at = at

    def _advance(self, number: int) -> None:
        """Run some iterations on the way to `number`, at least one, none past the next that is to be kept."""
        start, new = self._at, self.trained + 1
        stop = min(number, start - (start - 1) % self.every + self.every, start + int(self._pace))
        if start < self._careful:
            stop = start + 1
        began = time.monotonic()
        self._at, before = 0, self._carried.flat.copy()  # whoever interrupts this leaves the values half done
        losses = np.array(self._iterate(start, stop))
        if stop > new and self.diverged is None:
            if not (np.isfinite(losses).all() and np.isfinite(self._carried.flat).all()):
                if stop > start + 1:
                    self._careful = stop  # once more, one at a time, to see where
                    return
                losses[:] = self._by_equations(start, before)  # of huge numbers rounding decides: as they are shown
                self._edge.append(start)
                if not (np.isfinite(losses).all() and np.isfinite(self._carried.flat).all()):
                    self.diverged = start
            if start <= new:
                self._record(losses[new - start :])
        self._at = stop
        self._pace = max(1.0, min(10 * self._pace, 0.02 * (stop - start) / (time.monotonic() - began + 1e-6)))
        if stop % self.every == 1 and stop not in self.kept:
            self._keep(stop)

    def _iterate(self, start: int, stop: int) -> list[float]:
        """Run iterations `start` to `stop` - 1 on the carried values; returns their losses."""
        losses: list[float] = []
        while (at := start + len(losses)) < stop:
            examples, end = self._alike(at, min((edge for edge in self._edge if at < edge < stop), default=stop))
            if at not in self._edge:
                self._code(examples)(self._feed(at, end), self._updates + at, losses)
            if (at := start + len(losses)) < end:  # too large for Python's own functions, or rounding would decide
                losses.append(self._by_equations(at, self._carried.flat.copy()))
        return losses

    def _by_equations(self, number: int, flat: np.ndarray) -> float:
        """Run one iteration from these carried values as its steps are shown; returns its loss."""
        done = self._run(number, flat)
        for key in self._carried.slices:
            self._carried.view(key)[...] = done.values[key + "'"]
        return float(done.values[_loss(done.program)])

    def _record(self, losses: np.ndarray) -> None:
        end = self.trained + len(losses)
        if end > len(self._losses):
            self._losses = np.concatenate([self._losses, np.empty(end + 1000)])
        self._losses[self.trained : end] = losses
        self.trained = end

    def _keep(self, at: int) -> None:
        self.kept[at] = self._carried.flat.copy()
        if len(self.kept) * (self._carried.flat.nbytes + 200) > self.memory:  # an array is 200 bytes by itself
            self.every *= 2  # thin out: keep every other one
            self.kept = {i: flat for i, flat in self.kept.items() if (i - 1) % self.every == 0}

    # ------------------------------------------------------------ code and what it takes

    @property
    def _updates(self) -> int:
        """How many updates came before the first iteration."""
        return self.lesson.training.updates if self.lesson.training else 0

    @cached_property
    def _scalar(self) -> bool:
        """Whether straight-line code over single numbers is the faster way: a matter of size alone."""
        if self.lesson.circuit:
            return True
        assert self.lesson.training
        states = len(OPTIMIZERS[self.lesson.training.optimizer].states)
        return self._count * (batch_size(self.lesson) + states) <= SCALAR_WORK

    def _code(self, examples: int) -> Code:
        if examples not in self._codes:
            program = self.program(examples)
            fixed = {key: value for key, value in self._given().items() if key != "training.t"}
            fixed |= {key: value for key, value in self._first.items() if key not in self._carried.slices}
            make = scalars if self._scalar else arrays
            self._codes[examples] = make(program.equations, _loss(program), self._carried, fixed, examples)
        return self._codes[examples]

    def _alike(self, at: int, stop: int) -> tuple[int, int]:
        """The size of iteration `at`'s batch, and where on the way to `stop` another size begins."""
        if self.lesson.circuit:
            return 1, stop
        size, per = batch_size(self.lesson), iterations_per_epoch(self.lesson)
        short = len(self.lesson.inputs) % size
        if not short:
            return size, stop
        until_short = per - 1 - (at - 1) % per
        return (size, min(stop, at + until_short)) if until_short else (short, at + 1)

    def _feed(self, at: int, stop: int) -> Iterable:
        """What the code takes for each of these iterations."""
        if self.lesson.circuit:
            return repeat((), stop - at)
        per = iterations_per_epoch(self.lesson)
        first, slot = divmod(at - 1, per)
        assert self.lesson.training
        if self.lesson.training.order == "listed":  # every epoch takes the same
            return (self._epoch(0) * -(-(slot + stop - at) // per))[slot : slot + stop - at]
        epochs = chain.from_iterable(map(self._epoch, range(first, (stop - 2) // per + 1)))
        found = islice(epochs, slot, slot + stop - at)
        if self._scalar or batch_size(self.lesson) == 1:
            return found
        x, y = self.lesson.inputs, self.lesson.targets
        return ((x[taken], y[taken]) if len(taken) > 1 else self._pairs[taken[0]] for taken in found)

    def _epoch(self, epoch: int) -> list:
        """What each iteration of an epoch takes; drawn batches of arrays are made when their turn comes."""
        assert self.lesson.training
        listed = self.lesson.training.order == "listed"
        if self._latest_epoch[0] != (0 if listed else epoch):
            size, taken, pairs = batch_size(self.lesson), order(self.lesson, epoch), self._pairs
            batches = [taken[at : at + size] for at in range(0, len(taken), size)]
            items: list = batches
            if size == 1:
                items = [pairs[row] for row in taken.tolist()]
            elif self._scalar:
                items = [tuple(chain.from_iterable(pairs[row] for row in batch)) for batch in batches]
            elif listed:
                x, y = self.lesson.inputs, self.lesson.targets
                items = [pairs[b[0]] if len(b) == 1 else (x[b[0] : b[-1] + 1], y[b[0] : b[-1] + 1]) for b in batches]
            self._latest_epoch = (0 if listed else epoch, items)
        return self._latest_epoch[1]

    @cached_property
    def _pairs(self) -> list[tuple]:
        """Each example: the numbers of x and y, or these two arrays."""
        x, y = self.lesson.inputs, self.lesson.targets
        if self._scalar:
            return [(*a, *b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        return list(zip(x, y, strict=True))

    # ------------------------------------------------------------ all values of one iteration

    def _given(self, number: int = 0) -> Values:
        """The settings that equations name."""
        training = self.lesson.training
        if training is None:
            return {}
        keys = (*OPTIMIZERS[training.optimizer].hyper, "l2")
        given = {f"training.{key}": getattr(training, key) for key in keys}
        return given | {"training.t": float(training.updates + number)}

    def _values(self, flat: np.ndarray) -> Values:
        """Carried values by key; parameters that are not trained are among them."""
        return self._first | {key: self._carried.view(key, flat)[()] for key in self._carried.slices}

    def _run(self, number: int, flat: np.ndarray) -> Iteration:
        values = self._values(flat) | self._given(number)
        taken = np.empty(0, dtype=int)
        if self.lesson.network:
            taken = rows(self.lesson, number)
            x, y = self.lesson.inputs[taken], self.lesson.targets[taken]
            values |= {"x@": x, "y@": y} if len(taken) > 1 else {"x": x[0], "y": y[0]}
        program = self.program(max(len(taken), 1))
        return Iteration(number, taken, program, program.run(values))


@dataclass(frozen=True)
class Divergence:
    """Where training went beyond what a number can hold.

    `symbol` is the first in the order of evaluation that does, `kind` "infinite", "undefined" (a NaN) or "0/0" (of an
    optimiser without an ε), `element`
    which element of it (from 0) and `example` which of the batch (from 0; None if it belongs to none). `operands`
    are the largest sizes in the values that it was computed from, the largest first. `growth` is the factor by
    which the `loss` (L, J or a circuit's output) grew an iteration, over the last few; None if it did not grow.
    `outside` is what had no value: the symbol whose value left the domain of a function, that value, and what the
    function takes; None if a number just became too large. `falling`: the loss fell in each of the last iterations.
    """

    iteration: int
    symbol: Symbol
    kind: str
    element: tuple[int, ...]
    example: int | None
    operands: tuple[tuple[Symbol, float], ...]
    loss: Symbol
    growth: float | None
    outside: tuple[Symbol, float, str] | None = None
    falling: bool = False

    def words(self, name: Callable[[Symbol], str] = lambda symbol: symbol.id) -> str:
        """A sentence or two: what happened, from what, and what helps. `name` says what symbols are called."""
        what = name(self.symbol) + index_text(self.element)
        if self.kind == "0/0":
            return (
                f"{what} became undefined (NaN) in iteration {self.iteration:,}: its gradient was 0, and with "
                "epsilon = 0 that is 0/0. A small epsilon, such as 1e-8, keeps the division finite."
            )
        if self.example is not None:
            what += f" of example {self.example + 1}"
        became = "became undefined (NaN)"
        if self.kind == "infinite":
            became = "became infinite" if self.outside else "overflowed to infinity"
        text = f"{what} {became} in iteration {self.iteration:,}"
        if self.outside:
            symbol, value, takes = self.outside
            text += f": {name(symbol)} had come to {_signed(value)}, and {takes}"
        elif self.operands:
            symbol, size = self.operands[0]
            text += f": {name(symbol)} " + (f"had grown to {size:.2g}" if np.isfinite(size) else "was infinite")
        if self.growth is not None and not self.outside:
            grew = f"{self.growth:.2g}" if not 100 <= self.growth < 1e6 else f"{self.growth:,.0f}"
            text += f", after {name(self.loss)} grew {grew}-fold an iteration"
        return f"{text}. {self.advice(name(self.loss))}"

    def advice(self, loss: str) -> str:
        """What helps, if anything does."""
        if self.falling and not self.outside:
            return f"{loss} fell all the way there: it has no minimum, and no learning rate finds one."
        if self.falling:
            return (
                f"{loss} was falling towards the edge of where it has values. A smaller learning rate takes smaller "
                "steps, but finds a minimum only if there is one before that edge."
            )
        return "A smaller learning rate takes smaller steps."


# Operator -> whether its arguments are outside of where it has a value, what it takes, which argument that is about.
_DOMAINS: dict[str, tuple[Callable, str, int]] = {
    "log": (lambda x: x <= 0, "a logarithm takes only what is above 0", 0),
    "sqrt": (lambda x: x < 0, "a root takes nothing below 0", 0),
    "div": (lambda x, y: y == 0, "nothing can be divided by 0", 1),
    "pow": (
        lambda x, n: ((x < 0) & (n != np.floor(n))) | ((x == 0) & (n < 0)),
        "below 0 only whole powers have a value, at 0 only those that are not negative", 0,
    ),
}  # fmt: skip


def _outside(formula: Expr, look: Callable[[Ref], np.ndarray | float]) -> tuple[Symbol, float, str] | None:
    """What left the domain of a function in a formula: the symbol, its value there, what the function takes."""
    for node in walk(formula):
        if not isinstance(node, Call) or node.op not in _DOMAINS:
            continue
        beyond, takes, about = _DOMAINS[node.op]
        args = np.broadcast_arrays(*(np.asarray(evaluate(arg, look), dtype=float) for arg in node.args))
        where = np.argwhere(beyond(*args))
        if len(where) and (named := refs(node.args[about])):
            value = np.broadcast_to(np.asarray(look(named[0]), dtype=float), args[about].shape)
            return named[0].symbol, float(value[tuple(where[0])]), takes
    return None


def zero_by_zero(lesson: Lesson, eq: Equation, value: np.ndarray | float) -> bool:
    """Whether an update came to 0/0: the gradient was 0 from the start and there is no ε to divide by."""
    training = lesson.training
    no_epsilon = training is not None and "epsilon" in OPTIMIZERS[training.optimizer].hyper and not training.epsilon
    return no_epsilon and eq.rule == "update" and bool(np.isnan(value).any())


def divergence(run: Run) -> Divergence | None:
    """What went wrong in the iteration in which a run diverged; None if it has not."""
    if run.diverged is None:
        return None
    found = run.iteration(run.diverged)
    assert found is not None
    program, values, growth = found.program, found.values, _growth(run.losses)
    falling = _falling(run.losses)
    loss = program.by_key[_loss(program)].symbol
    roots = [loss.key, *program.carried]
    for eq in needed_equations(program.equations, roots):
        value = np.asarray(values[eq.symbol.key])
        if np.isfinite(value).all():
            continue
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(value))[0])
        example = place[0] if eq.symbol.per_example else None
        sizes = []
        for symbol in dict.fromkeys(ref.symbol for ref in refs(eq.compute or eq.formula)):
            if symbol.key in values and symbol.quantity not in ("hyper", "input", "target"):
                with np.errstate(all="ignore"):
                    sizes.append((symbol, float(np.max(np.abs(values[symbol.key]), initial=0))))
        kind = "undefined" if np.isnan(value[place]) else "infinite"
        kind = "0/0" if zero_by_zero(run.lesson, eq, value) else kind
        largest = tuple(sorted(sizes, key=lambda entry: -entry[1]))
        element = place[1:] if eq.symbol.per_example else place
        outside = _outside(eq.compute or eq.formula, lambda ref: values[ref.symbol.key])
        return Divergence(run.diverged, eq.symbol, kind, element, example, largest, loss, growth, outside, falling)
    # At the very edge, where the code that trained rounded another way than the equations do.
    return Divergence(run.diverged, program.equations[-1].symbol, "infinite", (), None, (), loss, growth)


def _signed(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _falling(losses: np.ndarray, last: int = 10) -> bool:
    """Whether a circuit's output fell in each of the last iterations, and lies below 0 (a loss never does)."""
    finite = losses[np.isfinite(losses)][-last:]
    return len(finite) > 1 and bool(np.all(np.diff(finite) < 0)) and bool(finite[-1] < 0)


def _growth(losses: np.ndarray, most: int = 10) -> float | None:
    """The mean factor by which the last few finite losses grew, if each was larger than the one before."""
    last = losses[np.isfinite(losses)][-most - 1 :]
    growing = 1
    while growing < len(last) and last[-growing - 1] < last[-growing]:
        growing += 1
    if growing < 3 or last[-growing] == 0:
        return None
    ratio = float(np.exp((np.log(last[-1]) - np.log(last[-growing])) / (growing - 1)))
    return ratio if ratio > 1.05 else None


class _Ticker:
    """Asks `progress` at most some 20 times a second."""

    def __init__(self, progress: Callable[[int], bool] | None):
        self.progress, self.told = progress, time.monotonic()

    def __call__(self, number: int) -> bool:
        if self.progress is None or time.monotonic() - self.told < 0.05:
            return True
        self.told = time.monotonic()
        return self.progress(number)


def _loss(program: Program) -> str:
    """The key of what training lowers: L or J, a circuit's output."""
    model = program.model
    return (model.forward[-1].symbol if program.lesson.network else model.output).key
