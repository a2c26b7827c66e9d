"""Training: from one iteration to any other, and where it goes beyond what a number can hold."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from threading import RLock
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from tutor.engine.compiled.arrays import arrays
from tutor.engine.compiled.graph import Code, Memory
from tutor.engine.compiled.scalars import scalars
from tutor.engine.expressions import Call, Symbol, walk
from tutor.engine.feed import Feed
from tutor.engine.floats import quietly
from tutor.engine.forward import initial_parameters
from tutor.engine.ids import setting, state, updated
from tutor.engine.lesson import Lesson
from tutor.engine.model import Equation, Model
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.program import Program, Values, batch_size, iterations_per_epoch, rows
from tutor.engine.same_shape import same_shape
from tutor.messages import Message

if TYPE_CHECKING:
    from tutor.engine.native import Native

Stopped: TypeAlias = Literal["done", "cancelled", "converged", "diverged"]  # how a training ended

# Parameters times examples up to which single numbers are faster than arrays: measured. Of an author's equations what
# they multiply counts, and more of it the more calls arrays would take; not without end, since code has to be made.
SCALAR_WORK = 150
WORTH_COMPILING = 0.1  # seconds that Python or NumPy would take, about: a compiler takes half of it
PATIENCE = 2.0  # seconds that it may take: then it is done without
ALIKE = 20  # iterations that have to be the same in C before it is used
TOLERANCE = 1e-6  # a change over an epoch that counts as none, unless told
MAX_ITERATION = 1_000_000  # that can be asked for: it takes minutes, not days
MOST_TRAINED = 100_000_000  # at once, by who waits for it: seconds in C for what is tiny; 8 bytes each for the losses


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

    def __init__(self, lesson: Lesson, memory: int = 64 << 20, programs: dict[int, Program] | None = None):
        self.lesson, self.memory = lesson, memory
        self.programs: dict[int, Program] = {} if programs is None else programs
        self.trained = 0  # iterations whose update has been computed
        self.diverged: int | None = None
        self._first: Values = dict(initial_parameters(lesson))
        self._carried = Memory(self._trained_values())
        work = self._work * batch_size(lesson)
        fast = (1000, 20_000) if self._scalar else (100, 80_000_000)
        self.every = max(10, min(fast[0], fast[1] // max(work, 1)))  # to run that many again takes 1 to 5 ms
        self.kept: dict[int, np.ndarray] = {1: self._carried.flat.copy()}
        self._frontier = (1, self.kept[1])  # where training goes on, if an earlier iteration is looked at
        self._at = 1  # the iteration that self._carried is before; 0 where it is none
        self._careful = 0  # up to this iteration one at a time
        self._edge: list[int] = []  # iterations in which the code ended in infinity: they are run by the equations
        self._pace = 1.0  # iterations in a go: some 20 ms, so that it can be called off
        self._losses = np.empty(0)
        self._latest = np.empty(0)
        self._codes: dict[int, Code] = {}
        self._native: Native | None = None  # code in C, on its way or there
        self._native_from: int | None = None  # the first iteration that is run by it; None as long as none is
        self._no_native = False
        self._goal = 1  # how far training is to go
        self._lock = RLock()

    def like(self, lesson: Lesson) -> Run:
        """A run of another lesson; one of the same shape shares these equations, and the code in C."""
        if not same_shape(self.lesson, lesson):
            return Run(lesson, self.memory)
        other = Run(lesson, self.memory, self.programs)
        other._no_native = self._no_native
        if self._native is not None and self._native_from == 1:
            try:
                settings = {key: float(value) for key, value in other._given().items()}
                other._native = self._native.of(other.feed, settings)
            except (ArithmeticError, ValueError):  # a setting that C's code cannot be called with
                other._no_native = True
            else:
                other._native_from, other.every = 1, self.every
        return other

    @property
    def last(self) -> int | None:
        """The last iteration there is: 1 for what is not trained, None for no end."""
        return None if self.lesson.training else 1

    @property
    def loss(self) -> Symbol:
        """What training lowers: L, J where L2 is on, an author's output."""
        return self.model.objective

    @property
    def model(self) -> Model:
        """The model of a whole batch."""
        return self.program(batch_size(self.lesson)).model

    @property
    def losses(self) -> np.ndarray:
        """(trained,) each iteration's loss over its batch, before its update: J where L2 is on, or an output."""
        trained = self.trained  # first: another thread may put a longer array in place, never a shorter one
        return self._losses[:trained]

    @property
    def epoch_losses(self) -> np.ndarray:
        """(epochs,) the mean of `losses` in each finished epoch."""
        losses, per = self.losses, iterations_per_epoch(self.lesson)
        epochs = len(losses) // per
        with quietly():
            return np.asarray(losses[: epochs * per].reshape(epochs, per).mean(axis=1))

    def program(self, examples: int) -> Program:
        """The equations of a batch of so many examples, made once."""
        if examples not in self.programs:
            self.programs[examples] = Program.of(self.lesson, examples)
        return self.programs[examples]

    def parameters(self, number: int) -> dict[str, np.ndarray]:
        """Every parameter before iteration `number`, by id, in the order of the layers; trained or not, but no data."""
        carried = self._reach(number)
        assert carried is not None
        values = self._values(carried)
        return {symbol.id: np.asarray(values[symbol.id]) for symbol in self.model.common}

    def iteration(self, number: int, progress: Callable[[int], bool] | None = None) -> Iteration | None:
        """The values of iteration `number` (from 1), all exact.

        On a long way `progress(i)` is called some 20 times a second; None is returned if it answers False.
        """
        carried = self._reach(number, progress)
        return None if carried is None else self._run(number, carried)

    def train(
        self, iterations: int, progress: Callable[[int], bool] | None = None, tolerance: float | None = None
    ) -> Stopped:
        """Train on until `iterations` are trained in all, and how that ended. Raises ValueError if nothing is trained.

        `progress(trained)` is called some 20 times a second; training stops where it answers False. With a
        `tolerance` it stops after the first epoch over which the mean loss and every single parameter changed by
        less than that. (Means of whole epochs: from one example to the next the loss changes without learning.)
        """
        if self.lesson.training is None:
            raise ValueError(Message("this lesson is not trained"))
        per, ticker = iterations_per_epoch(self.lesson), _Ticker(progress)
        self._goal = iterations
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
        parameters = {p.id: self._first[p.id] for p in sorted(self.model.trained, key=lambda p: p.quantity == "biases")}
        training = self.lesson.training
        memory = OPTIMIZERS[training.optimizer].memory
        states = {state(id, kept.name): v for kept in memory for id, v in parameters.items()}
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
        if self._at == self.trained + 1 and self._at <= number:
            return
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
        if self._native is not None or self._worth_c(max(number, self._goal)):
            self._seek_native()
        began = time.monotonic()
        self._at = 0  # whoever interrupts this leaves the values half done
        before = self._carried.flat.copy() if stop == start + 1 else None
        losses = self._iterate(start, stop)
        if stop > new and self.diverged is None:
            if not (np.isfinite(losses).all() and np.isfinite(self._carried.flat).all()):
                if before is None:
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

    def _iterate(self, start: int, stop: int) -> np.ndarray:
        """Run iterations `start` to `stop` - 1 on the carried values; returns their losses, until the next call."""
        if stop - start > len(self._latest):  # the same again and again: new memory costs more than an iteration
            self._latest = np.empty(stop - start)
        losses, at = self._latest[: stop - start], start
        while at < stop:
            if at not in self._edge:
                end = min((edge for edge in self._edge if at < edge < stop), default=stop)
                if self._native_from is not None and at < self._native_from < end:
                    end = self._native_from
                done = self._go(at, losses[at - start : end - start])
                at += done
                if at == end:
                    continue
            if at < stop:  # too large for Python's own functions, or rounding would decide
                losses[at - start] = self._by_equations(at, self._carried.flat.copy())
                at += 1
        return losses

    def _go(self, at: int, losses: np.ndarray) -> int:
        """Run iterations from `at` by code, one for each loss that is to be filled in; returns how many it ran."""
        if self._native is not None and self._native_from is not None and at >= self._native_from:
            return self._native.run(self._carried.flat, at, losses, updates=self._updates)
        return self._go_slowly(at, losses)

    def _go_slowly(self, at: int, losses: np.ndarray) -> int:
        """The same by code in Python."""
        start, stop = at, at + len(losses)
        while at < stop:
            examples, end = self.feed.alike(at, stop)
            found: list[float] = []
            self._code(examples)(self.feed.rounds(at, end), self._updates + at, found)
            losses[at - start : at - start + len(found)] = found
            at += len(found)
            if at < end:
                break
        return at - start

    def _by_equations(self, number: int, flat: np.ndarray) -> float:
        """Run one iteration from these carried values as its steps are shown; returns its loss."""
        done = self._run(number, flat)
        for key in self._carried.slices:
            self._carried.view(key)[...] = done.values[updated(key)]
        return float(done.values[done.program.model.objective.key])

    def _record(self, losses: np.ndarray) -> None:
        end = self.trained + len(losses)
        if end > len(self._losses):
            # Memory is taken as it is written, not as it is asked for.
            longer = np.empty(max(end + 1000, min(self._goal, max(8 * end, 1 << 20))))
            longer[: self.trained] = self.losses
            self._losses = longer
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
        batch = batch_size(self.lesson)
        if self.lesson.training is None or not (self.model.layers or self.model.arrays or batch > 1):
            return True
        states = len(OPTIMIZERS[self.lesson.training.optimizer].memory)
        limit = SCALAR_WORK if self.model.layers else SCALAR_WORK * min(4, max(1, len(self.model.forward) // 5))
        return self._work * batch + self._count * states <= limit

    @cached_property
    def _cost(self) -> float:
        """Seconds that an iteration takes without C, about: measured on one machine, and good enough for any."""
        work = self._work * batch_size(self.lesson)
        return 3e-7 + 7e-8 * work if self._scalar else 1e-5 + 1e-6 * len(self.model.forward) + 1e-9 * work

    @cached_property
    def _work(self) -> int:
        """What an example costs: as many products as there are weights; of an author's equations those they make."""
        return self._count if self.model.layers else max(self._count, products(self.model.forward))

    @cached_property
    def feed(self) -> Feed:
        """What iterations take."""
        return Feed(self.lesson, self._scalar)

    def _code(self, examples: int) -> Code:
        if examples not in self._codes:
            program = self.program(examples)
            make = scalars if self._scalar else arrays
            self._codes[examples] = make(
                program.equations, program.model.objective.key, self._carried, self._fixed, program.model.data, examples
            )
        return self._codes[examples]

    @property
    def _fixed(self) -> Values:
        """What never changes: settings, and parameters that are not trained."""
        settings = {key: value for key, value in self._given().items() if key != setting("t")}
        return settings | {key: value for key, value in self._first.items() if key not in self._carried.slices}

    def prepare(self, iterations: int, runs: int = 1) -> None:
        """Before so many iterations, of so many runs `like` this: have C made if it is worth it, and wait for it.

        A single run whose C has the bits of Python need not wait. Where it has not those of NumPy it takes over from
        the next iteration on: so whoever is to get the same bits each time calls this first.
        """
        if (runs > 1 or not self._scalar) and self._worth_c(self.trained + (iterations - self.trained) * runs):
            self.in_c(PATIENCE)

    def in_c(self, patience: float = 0.0) -> bool:
        """Whether it trains in C, which is seen to if it can be, waiting so many seconds at most for a compiler."""
        with self._lock:
            self._go_near(self.trained + 1)
            self._seek_native(patience)
        return self._native_from is not None

    @property
    def way(self) -> str:
        """What runs the iteration that is trained next: "C", "Python" or "NumPy"."""
        return "C" if self._native_from is not None else "Python" if self._scalar else "NumPy"

    def _worth_c(self, goal: int) -> bool:
        return (goal - self.trained) * self._cost > WORTH_COMPILING

    def _seek_native(self, patience: float = 0.0) -> None:
        """Have code in C made, and go on with it as soon as it is there and does the same."""
        if self._native_from is not None or self._no_native or self._at != self.trained + 1:
            return
        if self.feed.large:  # C wants its numbers ready
            self._no_native = True
            return
        if self._native is None:
            try:
                from tutor.engine.native import Native, NotInC  # what compiles and loads is not needed before
            except ImportError:  # a Python without ctypes
                self._no_native = True
                return
            try:
                self._native = Native(self.program, self._carried, self._fixed, self.feed)
            except NotInC:
                self._no_native = True
                return
        self._native.wait(patience)
        if not self._native.built:
            return
        alike = self._native.ready and self._alike_in_c(self._native)
        if alike:
            self._native_from = 1 if self._native.exact else self._at
        elif alike is False:
            self._native, self._no_native = None, True

    def _alike_in_c(self, native: Native) -> bool | None:
        """Whether code in C goes on as that in Python does, to the last bit where it keeps the order of sums.

        None where neither does an iteration: it can be asked again later.
        """
        now, ends = self._carried.flat.copy(), []
        losses = np.zeros((2, max(1, min(ALIKE, int(0.02 / self._cost)))))
        in_c = partial(native.run, self._carried.flat, updates=self._updates)
        ways: tuple[Callable[[int, np.ndarray], int], ...] = (self._go_slowly, in_c)
        for go, kept in zip(ways, losses, strict=True):
            try:
                done = go(self._at, kept)
                ends.append((done, kept[:done], self._carried.flat.copy()))
            finally:  # whatever interrupts it
                self._carried.flat[:] = now
        (count, first, flat), (same_count, same_first, same_flat) = ends
        if count == same_count == 0:
            return None
        if native.exact:
            alike = first.tobytes() == same_first.tobytes() and flat.tobytes() == same_flat.tobytes()
        else:
            alike = count == same_count and close(first, same_first) and close(flat, same_flat)
        if alike:  # to run that many again takes 2 ms then
            self.every *= max(1, min(20, int(0.002 * (15 if native.exact else 5) / self._cost) // self.every))
        return alike

    # ------------------------------------------------------------ all values of one iteration

    def _given(self, number: int = 0) -> Values:
        """The settings that equations name."""
        training = self.lesson.training
        if training is None:
            return {}
        keys = (*OPTIMIZERS[training.optimizer].hyper, "l2")
        given = {setting(key): getattr(training, key) for key in keys}
        return given | {setting("t"): float(training.updates + number)}

    def _values(self, flat: np.ndarray) -> Values:
        """Carried values by key; parameters that are not trained are among them."""
        return self._first | {key: self._carried.view(key, flat)[()] for key in self._carried.slices}

    def _run(self, number: int, flat: np.ndarray) -> Iteration:
        values = self._values(flat) | self._given(number)
        taken = rows(self.lesson, number)
        program = self.program(max(len(taken), 1))
        for symbol in program.model.data:
            data = self.lesson.examples[symbol.id]
            values[symbol.key] = data[taken] if symbol.per_example else data[taken[0]]
        return Iteration(number, taken, program, program.run(values))


def close(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether numbers differ by what another order of a sum does."""
    with quietly():
        return bool(np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True))


def products(equations: Iterable[Equation]) -> int:
    """About how many numbers are multiplied, added or looked up where these equations are evaluated for one example."""
    calls = (node for eq in equations for node in walk(eq.compute or eq.formula) if isinstance(node, Call))
    return sum(math.prod(node.shape) * _terms(node) for node in calls if node.op != "transpose")


def _terms(node: Call) -> int:
    """How many numbers an element of a value is made of."""
    if node.op == "matmul":
        return node.args[0].shape[-1]
    if node.op == "conv":
        kernel = node.args[1].shape
        return math.prod(kernel[len(kernel) > 2 :])
    if node.op == "embedding":
        return node.args[0].shape[0]
    if node.op in ("softmax", "log_softmax", "norm", "variance") and node.args[0].shape:  # each with all of its line
        return node.args[0].shape[node.param[0] if isinstance(node.param, tuple) else node.param or -1]
    sizes = [math.prod(arg.shape) for arg in node.args]
    return max(1, *sizes) // max(1, math.prod(node.shape))


class _Ticker:
    """Asks `progress` at most some 20 times a second."""

    def __init__(self, progress: Callable[[int], bool] | None):
        self.progress, self.told = progress, time.monotonic()

    def __call__(self, number: int) -> bool:
        if self.progress is None or time.monotonic() - self.told < 0.05:
            return True
        self.told = time.monotonic()
        return self.progress(number)
