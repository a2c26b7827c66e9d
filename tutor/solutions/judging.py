"""A whole solution judged: which array is the first that is wrong, by which slip, and what follows from it rightly.

The arrays are gone through in the order of computation. What each should be is worked out from the equations with the
person's own earlier wrong arrays put in (`Expected`): an array that is the lesson's is right, one that follows from
an earlier wrong one is carried, one as far off as rounding every line leads is rounded. Of any other a slip is looked
for, in its own equation and in those before it that were not handed in: the rewrites of `misconceptions`, settings
with another number, another row of the data, a factor, and two rewrites at once. All cells must agree with one
explanation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from tutor.engine.expressions import Expr, Ref, Symbol, evaluate, refs
from tutor.engine.ids import setting
from tutor.engine.model import MEAN, Equation
from tutor.engine.program import Program
from tutor.engine.rules import OVER_BATCH
from tutor.engine.trace import Trace
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.misconceptions.rewriting import Misconception, Site, put
from tutor.questions.rounding import GIVEN, Errors, full_shape, half_unit, has_digits, spread
from tutor.questions.slips import carried_by, picked
from tutor.solutions.files import Handed
from tutor.solutions.naming import Fit, Match, Naming, tolerance, within
from tutor.text.layout import number

Kind = Literal["right", "rounded", "slip", "carried", "wrong", "shape", "unknown"]
VERDICTS: tuple[Kind, ...] = get_args(Kind)
GOOD: frozenset[Kind] = frozenset({"right", "rounded"})

EXACT = 7  # so many digits have numbers that a program wrote
MOST_SLIPS = 3  # so many are suggested
WORK = 30_000_000  # numbers that a search for slips computes at most before it gives up
COMMON: dict[str, tuple[float, ...]] = {  # settings that people take for one another
    "momentum": (0.0, 0.5, 0.8, 0.9, 0.95, 0.99),
    "beta1": (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999),
    "beta2": (0.9, 0.95, 0.98, 0.99, 0.999, 0.9999),
    "epsilon": (0.0, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3),
    "rho": (0.5, 0.8, 0.9, 0.95, 0.99, 0.999),
    "l2": (0.0, 1e-5, 1e-4, 5e-4, 1e-3, 0.01, 0.02, 0.1),
    "t": (0.0, 1.0, 2.0),
}


_BETTER: tuple[Kind, ...] = ("right", "carried", "rounded", "slip", "wrong", "shape", "unknown")


@dataclass(frozen=True)
class Named:
    """A slip that gives an array: `at` is the step in which it is made, `explains` the share of its cells."""

    name: str
    title: str
    remedy: str
    at: str
    explains: float = 1.0

    def said(self, step: str) -> str:
        """In words, for an array that is this step."""
        where = "" if self.at == step else f" (at {self.at})"
        return f"{self.title[:1].upper()}{self.title[1:]}{where}. {self.remedy}".strip()


@dataclass(frozen=True)
class ArrayVerdict:
    """What is said of one array. `step` is its id, None where it is no value of the lesson."""

    name: str
    step: str | None
    verdict: Kind
    message: str
    slips: tuple[Named, ...] = ()
    max_difference: float | None = None


@dataclass(frozen=True)
class Diagnosis:
    """A solution judged: the verdicts in the order in which the arrays were handed in, and the first that is wrong."""

    arrays: tuple[ArrayVerdict, ...]
    order: tuple[int, ...] = field(default=())  # places in `arrays` in the order of computation
    untried: str = ""  # what a bounded search left

    @property
    def first_wrong(self) -> ArrayVerdict | None:
        """The first array in the order of computation that is neither right nor rounded."""
        return next((self.arrays[at] for at in self.order if self.arrays[at].verdict not in GOOD), None)

    @property
    def right(self) -> bool:
        """Whether everything that is a value of the lesson is right, and something is."""
        return bool(self.order) and self.first_wrong is None


def diagnose(
    trace: Trace,
    handed: Iterable[Handed],
    example: int | None = None,
    names: Mapping[str, str] | None = None,
    work: int = WORK,
) -> Diagnosis:
    """Judge the arrays of a solution of one iteration.

    `example` (from 0) says that they are one example's, `names` maps names to ids where they do not tell; `work` bounds
    the search for the slip of an array: so many numbers are computed at most.
    """
    naming = Naming(trace, example)
    return _Judge(trace, naming, work).judge(naming.match(handed, names))


class Expected:
    """What every value should be, given the person's own wrong ones, and how far off rounding may have led.

    `own` are arrays by key, of the full shape, `halves` half a unit in the last place of their numbers; each line
    keeps as many digits as `handed` has, if that is written out.
    """

    def __init__(self, trace: Trace, own: Mapping[str, np.ndarray], handed: Handed, halves: Mapping[str, np.ndarray]):
        self.trace, self.own, self.halves = trace, own, halves
        self.digits, self.by_hand = handed.digits, handed.by_hand
        self._found: dict[str, Errors] = {}
        self._touched: dict[str, bool] = {}

    def touched(self, key: str) -> bool:
        """Whether one of the own values flows into this one."""
        by_key = self.trace.program.by_key
        for eq in self._before(key, lambda k: k not in self._touched):
            self._touched[eq.symbol.key] = any(
                ref.symbol.key in self.own or self._touched.get(ref.symbol.key, False) for ref in refs(eq.formula)
            )
        return self._touched.get(key, False) if key in by_key else False

    def of(self, eq: Equation) -> Errors:
        """The values of an equation, own ones put in before it, and their errors; of the full shape."""
        for before in self._before(eq.symbol.key, lambda k: k not in self._found and k not in self.own):
            if before.symbol.key != eq.symbol.key:
                self._found[before.symbol.key] = self._line(before, written=True)
        return self._line(eq, written=False)

    def _line(self, eq: Equation, written: bool) -> Errors:
        shape = full_shape(self.trace, eq)
        exact = not self.touched(eq.symbol.key)
        if exact and not self.by_hand:
            value = np.broadcast_to(np.asarray(self.trace.value(Ref(eq.symbol)), dtype=float), shape)
            return value, np.zeros(shape)
        if not self.by_hand:
            formula = eq.compute or eq.formula
            value = np.broadcast_to(np.asarray(evaluate(formula, lambda ref: self._look(ref)[0]), dtype=float), shape)
            return value, np.abs(value) * 10.0**-self.digits
        value, error = spread(eq.formula, self._look, self._rounded)
        value, error = np.broadcast_to(value, shape), np.broadcast_to(error, shape)
        if exact:
            value = np.broadcast_to(np.asarray(self.trace.value(Ref(eq.symbol)), dtype=float), shape)
        return self._rounded(value, error) if written else (value, error)

    def _rounded(self, value: np.ndarray, error: np.ndarray) -> Errors:
        return value, np.asarray(error, dtype=float) + half_unit(np.abs(value), self.digits)

    def _look(self, ref: Ref) -> Errors:
        key = ref.symbol.key
        if key in self.own:
            value = np.asarray(self.own[key], dtype=float)
            error = self.halves[key] if self.by_hand and key in self.halves else np.zeros(value.shape)
        elif key in self._found:
            value, error = self._found[key]
        else:  # given, or as in the lesson
            value = np.asarray(self.trace.value(Ref(ref.symbol)), dtype=float)
            error = self._as_copied(key, value) if self.by_hand else np.zeros(value.shape)
        return picked(ref, value), picked(ref, error)

    def _as_copied(self, key: str, value: np.ndarray) -> np.ndarray:
        """How far off a given number may be when it is copied: not at all, if it has no more than a few digits."""
        if key in self.trace.program.by_key:
            return np.zeros(value.shape)
        few = has_digits(value, max(self.digits, GIVEN))
        return np.where(few, 0.0, half_unit(np.abs(value), self.digits))

    def _before(self, key: str, wanted: Callable[[str], bool]) -> list[Equation]:
        """The equation of a key and those that it rests on, in order of evaluation, as far as they are wanted."""
        by_key, found, stack = self.trace.program.by_key, set(), [key]
        while stack:
            at = stack.pop()
            if at in by_key and at not in found and wanted(at):
                found.add(at)
                stack += [ref.symbol.key for ref in refs(by_key[at].formula)]
        return [eq for eq in self.trace.equations if eq.symbol.key in found]


class _Judge:
    def __init__(self, trace: Trace, naming: Naming, most: int):
        self.trace, self.naming, self.most = trace, naming, most
        self.position = {eq.symbol.key: at for at, eq in enumerate(trace.equations)}
        self.own: dict[str, np.ndarray] = {}  # wrong arrays so far
        self.lines: dict[str, np.ndarray] = {}  # all arrays so far, as they were written ...
        self.halves: dict[str, np.ndarray] = {}  # ... and half a unit in the last place of each of their numbers
        self.known: set[str] = set()  # all arrays so far
        self.untried = ""

    def judge(self, matches: Sequence[Match]) -> Diagnosis:
        def place(at: int) -> tuple[int, int]:
            symbol = matches[at].symbol
            return (self.position.get(symbol.key, -1) if symbol else -1, at)

        order = [at for at in sorted(range(len(matches)), key=place) if matches[at].problem != "unknown"]
        judged: dict[int, ArrayVerdict] = {}
        turned = self._turned(matches)
        for at in order:
            judged[at] = self._verdict(matches[at], turned)
        for at, match in enumerate(matches):
            if match.problem == "unknown":
                judged[at] = ArrayVerdict(match.handed.name, None, "unknown", _sentence(match.message))
        return Diagnosis(tuple(judged[at] for at in range(len(matches))), tuple(order), self.untried)

    def _turned(self, matches: Sequence[Match]) -> bool | None:
        """Whether the matrices of weights lie with rows for columns, by those that are not square; None: none says."""
        said = {
            match.fits[0].how != ""
            for match in matches
            if len(match.fits) == 1
            and match.symbol
            and not match.symbol.per_example
            and match.handed.values.ndim == len(match.symbol.shape) == 2
            and match.symbol.shape[0] != match.symbol.shape[1]
        }
        return said.pop() if len(said) == 1 else None

    # ------------------------------------------------------------ one array

    def _verdict(self, match: Match, turned: bool | None) -> ArrayVerdict:
        symbol, handed = match.symbol, match.handed
        assert symbol is not None
        if match.problem == "shape":
            return ArrayVerdict(handed.name, symbol.id, "shape", _sentence(match.message))
        self.known.add(symbol.key)
        found: list[tuple[int, ArrayVerdict, dict[str, np.ndarray], np.ndarray]] = []
        for fit in self._in_order(match, turned):  # a square matrix may lie either way: the better reading counts
            before = dict(self.own)
            verdict = self._of_fit(symbol, handed, fit)
            found.append((_BETTER.index(verdict.verdict), verdict, self.own, fit.values))
            self.own = before
            if verdict.verdict in (*GOOD, "carried"):
                break
        _, verdict, self.own, values = min(found, key=lambda item: item[0])
        if np.all(np.isfinite(values) | (values == self.naming.value(symbol))):
            self.lines[symbol.key] = self._whole(symbol, values)
            if handed.by_hand:
                self.halves[symbol.key] = tolerance(handed, values, self.lines[symbol.key])
        return verdict

    def _in_order(self, match: Match, turned: bool | None) -> Sequence[Fit]:
        """The ways in which an array may lie, the likelier first; one where the file's other matrices say which."""
        if turned is None or len(match.fits) < 2 or (match.symbol and match.symbol.per_example):
            return match.fits
        return match.fits[turned : turned + 1]

    def _of_fit(self, symbol: Symbol, handed: Handed, fit: Fit) -> ArrayVerdict:
        right = self.naming.value(symbol)
        fit, note = self._of_mean(symbol, handed, fit, right)
        values = fit.values
        off = float(np.max(np.abs(values - right), initial=0.0)) if np.all(np.isfinite(values)) else None
        eq = self.trace.program.by_key.get(symbol.key)

        def said(kind: Kind, message: str, slips: tuple[Named, ...] = ()) -> ArrayVerdict:
            whole = f"{message} {note}" if note else message
            return ArrayVerdict(handed.name, symbol.id, kind, whole, slips, off)

        if within(values, right, tolerance(handed, values, right)) or np.array_equal(values, right, True):
            if eq is not None and self._wrong_before(handed).touched(symbol.key):
                self.own[symbol.key] = right  # begun anew: what follows is held to this
            return said("right", "Right.")
        if fit.halves is not None and within(values, right, fit.halves * (1 + 1e-6)):
            return said("rounded", "Right, as far as each number is written.")
        lost = ~np.isfinite(values) & (values != right)
        if np.any(lost):
            bad = int(np.sum(lost))
            self.own[symbol.key] = self._whole(symbol, values)
            return said("wrong", f"{bad} of its numbers {'is' if bad == 1 else 'are'} not finite.")
        if eq is None:
            self.own[symbol.key] = self._whole(symbol, values)
            return said("wrong", "The lesson gives other numbers for this.")
        expected = self._expected(handed)
        value, error = (self._of_example(symbol, part) for part in expected.of(eq))
        touched = self._wrong_before(handed).touched(symbol.key)
        if within(values, value, tolerance(handed, values, value) + error * (1 + 1e-9)):
            if not touched:
                return said("rounded", "The right method, rounded on the way.")
            self.own[symbol.key] = self._whole(symbol, values)
            return said("carried", "It follows rightly from what was wrong before.")
        search = _Search(self, eq, handed, values, value, error)
        found = search.found()
        self.own[symbol.key] = self._whole(symbol, values)
        if found:
            first = found[0]
            self.own.update(search.hidden)  # what follows from a step that was not handed in follows rightly, too
            return said("slip", first.said(symbol.id), tuple(found))
        return said("wrong", _shares(values, right))

    def _of_mean(self, symbol: Symbol, handed: Handed, fit: Fit, right: np.ndarray) -> tuple[Fit, str]:
        """The numbers, and what to say of how they lie; an example's share of a mean loss's gradient as its own."""
        note, n = f"Read {fit.how}." if fit.how else "", self.trace.examples
        if not symbol.per_example or symbol.quantity != "gradient" or n == 1:
            return fit, note
        if self.trace.program.model.over_batch != MEAN:
            return fit, note
        times = fit.values * n
        if not within(times, right, tolerance(handed, times, right) * n):
            return fit, note
        if within(fit.values, right, tolerance(handed, fit.values, right)):
            return fit, note
        return Fit(times, fit.how, fit.halves), f"{note} Of the mean loss: each is 1/{n} of the example's own.".strip()

    def _expected(self, handed: Handed) -> Expected:
        """What should follow from the wrong arrays so far; of numbers written by hand from all of them, as written."""
        own = {**self.lines, **self.own} if handed.by_hand else self.own
        return Expected(self.trace, dict(own), handed, dict(self.halves))

    def _wrong_before(self, handed: Handed) -> Expected:
        return Expected(self.trace, dict(self.own), handed, dict(self.halves))

    def _whole(self, symbol: Symbol, values: np.ndarray) -> np.ndarray:
        """One example's values among the others'."""
        if not symbol.per_example or self.naming.example is None:
            return values
        whole = np.array(
            np.broadcast_to(self.trace.value(Ref(symbol)), (self.trace.examples, *symbol.shape)), dtype=float
        )
        whole[self.naming.example] = values
        return whole

    def _of_example(self, symbol: Symbol, whole: np.ndarray) -> np.ndarray:
        chosen = symbol.per_example and self.naming.example is not None
        found: np.ndarray = whole[self.naming.example] if chosen else whole
        return found


# ---------------------------------------------------------------- slips


@dataclass(frozen=True)
class _Way:
    """A wrong way to an array: what it is, and the values that it leads to."""

    named: Named
    rank: float
    hidden: Mapping[str, np.ndarray] = field(default_factory=dict)  # the values of the step in which it is made


class _Search:
    """The slips that give all numbers of an array, nearest first; bounded by `judge.most` numbers computed."""

    def __init__(
        self, judge: _Judge, eq: Equation, handed: Handed, values: np.ndarray, value: np.ndarray, error: np.ndarray
    ):
        self.judge, self.eq, self.handed, self.values = judge, eq, handed, values
        self.trace, self.program = judge.trace, judge.trace.program
        self.expected, self.value, self.error = judge._expected(handed), value, error
        self.work = 0
        self.hidden: Mapping[str, np.ndarray] = {}
        size = np.abs(value)
        with np.errstate(all="ignore"):
            self.relative = float(np.nanmax(np.where(size > 0, error / size, 0.0), initial=0.0))
        self.relative = min(self.relative, 0.05)

    def found(self) -> list[Named]:
        ways: list[_Way] = []
        # Printed at the end from full precision, or each line worked out from those that are written.
        for base in (self.judge._wrong_before(self.handed), self.judge._expected(self.handed)):
            self.expected = base
            ways = ways or sorted(self._ways(), key=lambda way: way.rank)
            if all(way.named.name.startswith(("factor", "another-")) for way in ways):  # a value's name says more
                ways = sorted([*self._values(), *ways], key=lambda way: way.rank)
        if not ways:
            ways = sorted(self._pairs(), key=lambda way: way.rank)
        if self.work > self.judge.most:
            self.judge.untried = "The search for slips was ended early: some pairs of slips were not tried."
        if ways:
            self.hidden = ways[0].hidden
        seen: dict[str, Named] = {}
        for way in ways:
            seen.setdefault(way.named.name, way.named)
        return list(seen.values())[:MOST_SLIPS]

    # ------------------------------------------------------------ where a slip may lie

    def _near(self) -> list[tuple[Equation, int]]:
        """The equation and those before it that were not handed in, with how many steps back they lie."""
        found = {self.eq.symbol.key: (self.eq, 0)}
        edge = [self.eq]
        while edge:
            following = []
            for eq in edge:
                distance = found[eq.symbol.key][1] + (eq.rule not in OVER_BATCH)
                for ref in refs(eq.formula):
                    key = ref.symbol.key
                    below = self.program.by_key.get(key)
                    if below and key not in found and key not in self.judge.known:
                        found[key] = (below, distance)
                        following.append(below)
            edge = following
        return sorted(found.values(), key=lambda item: item[1])

    def _ways(self) -> Iterator[_Way]:
        near = self._near()
        for eq, distance in near:
            downstream: list[Equation] | None = None
            for id, misconception, wrong in _rewrites(self.program, eq):
                if downstream is None:
                    downstream = carried_by(self.program.equations, eq, near)
                if self.work > self.judge.most:
                    return
                changed = self._changed({eq.symbol.key: (eq, wrong)}, downstream)
                if self._gives(changed.get(self.eq.symbol.key)):
                    named = Named(id, misconception.title, misconception.remedy, eq.symbol.id)
                    hidden = {eq.symbol.key: changed[eq.symbol.key]} if eq is not self.eq else {}
                    yield _Way(named, distance + misconception.rare, hidden)
        yield from self._settings(near)
        yield from self._rows()
        yield from self._factor()

    def _pairs(self) -> Iterator[_Way]:
        """Two rewrites at once: of one equation, or of two."""
        near = self._near()[:12]
        tried = 0
        for at, (eq, distance) in enumerate(near):
            for id, misconception, wrong in _rewrites(self.program, eq):
                twice = _with_formula(eq, wrong) if wrong.shape == eq.symbol.shape else None
                others = [(twice, distance, True)] if twice else []
                others += [(other, d, False) for other, d in near[at + 1 :]]
                for other, d, own in others:
                    downstream = carried_by(self.program.equations, other if not own else eq, near)
                    for id2, second, wrong2 in _rewrites(self.program, other):
                        if self.work > self.judge.most:
                            return
                        tried += 1
                        change = {eq.symbol.key: (eq, wrong)} | {other.symbol.key: (eq if own else other, wrong2)}
                        if id2 == id or not self._gives(self._changed(change, downstream).get(self.eq.symbol.key)):
                            continue
                        title = f"two slips: {misconception.title}, and {second.title}"
                        first = id2 if not own else id
                        yield _Way(
                            Named(f"{first}+{id if not own else id2}", title, second.remedy, other.symbol.id),
                            distance + d + misconception.rare + second.rare,
                        )

    # ------------------------------------------------------------ what a change leads to

    def _changed(
        self, change: Mapping[str, tuple[Equation, Expr]], downstream: Sequence[Equation]
    ) -> dict[str, np.ndarray]:
        """The values of the equations with some of them changed, by key; none where the shapes do not fit."""
        changed: dict[str, np.ndarray] = {}

        def look(ref: Ref) -> np.ndarray:
            key = ref.symbol.key
            return picked(ref, changed[key]) if key in changed else self.expected._look(ref)[0]

        try:
            for eq in sorted(
                {eq.symbol.key: eq for eq in [*(eq for eq, _ in change.values()), *downstream]}.values(),
                key=lambda eq: self.judge.position[eq.symbol.key],
            ):
                formula = change[eq.symbol.key][1] if eq.symbol.key in change else eq.formula
                own = np.asarray(evaluate(formula, look), dtype=float)
                if formula.batched and not formula.shape:
                    own = own.reshape(own.shape + (1,) * len(eq.symbol.shape))
                changed[eq.symbol.key] = np.broadcast_to(own, full_shape(self.trace, eq))
                self.work += max(own.size, 100)
            return changed
        except ValueError:  # a wrong formula whose shapes do not fit says no number
            return {}

    def _gives(self, found: np.ndarray | None) -> bool:
        if found is None:
            return False
        mine = self.judge._of_example(self.eq.symbol, found)
        with np.errstate(all="ignore"):
            allowed = tolerance(self.handed, self.values, mine) + self.relative * np.abs(mine)
            apart = np.abs(mine - self.value) > tolerance(self.handed, self.values, self.value)
            return within(self.values, mine, allowed) and bool(np.any(apart))

    # ------------------------------------------------------------ slips with a number

    def _settings(self, near: Sequence[tuple[Equation, int]]) -> Iterator[_Way]:
        """Another learning rate, momentum, ε … in the update."""
        used = {
            ref.symbol.key: (eq, ref.symbol)
            for eq, _ in near
            for ref in refs(eq.formula)
            if ref.symbol.quantity == "hyper"
        }
        for key, (eq, symbol) in used.items():
            name = key.removeprefix(setting(""))
            true = float(np.asarray(self.trace.value(Ref(symbol))))
            beside = (true - 1, true + 1) if name == "t" else ()
            for other in (*COMMON.get(name, ()), *beside, *self._rates(name, true)):
                if other == true:
                    continue
                again = Expected(self.trace, {**self.judge.own, key: np.asarray(other)}, self.handed, self.judge.halves)
                if self._gives(again.of(self.eq)[0]):
                    said = {"learning_rate": "learning rate", "l2": "λ of the L2 term", "t": "number of the update"}
                    title = f"another {said.get(name, name)}: {number(other)} in place of {number(true)}"
                    yield _Way(Named(f"another-{name.replace('_', '-')}", title, "", eq.symbol.id), 1.0)

    def _rates(self, name: str, true: float) -> Iterator[float]:
        """The learning rate that the whole array shows, if one does."""
        if name != "learning_rate" or not true or self.eq.symbol.wrt is None:
            return
        before = np.asarray(self.trace.value(Ref(self.eq.symbol.wrt)), dtype=float)
        step, mine = self.value - before, self.values - before
        moved = np.abs(step) > 1e-300
        if self.eq.symbol.quantity == "updated" and np.any(moved):
            largest = np.unravel_index(int(np.argmax(np.abs(step))), step.shape) if step.shape else ()
            share = float(mine[largest] / step[largest])
            yield float(f"{share * true:.{min(self.handed.digits, 9)}g}")
            yield float(f"{share * true:.2g}")

    def _rows(self) -> Iterator[_Way]:
        """Another row of the data."""
        lesson, program = self.trace.lesson, self.program
        data = program.model.data
        if not data or self.trace.examples != 1 or not len(lesson.inputs) or len(lesson.inputs) > 200 or self.judge.own:
            return
        taken = int(self.trace.iteration.rows[0])
        columns = dict(zip((symbol.key for symbol in data), (lesson.inputs, lesson.targets), strict=False))
        for row in range(len(lesson.inputs)):
            if row == taken or self.work > self.judge.most:
                continue
            values = dict(self.trace.iteration.values)
            values.update({key: whole[row] for key, whole in columns.items()})
            program.run(values)
            self.work += sum(np.size(value) for value in values.values())
            found = values.get(self.eq.symbol.key)
            if found is not None and self._gives(np.asarray(found, dtype=float)):
                title = f"another row of the data: row {row + 1} in place of row {taken + 1}"
                yield _Way(Named("another-row", title, "", self.eq.symbol.id), 1.0)

    def _values(self) -> Iterator[_Way]:
        """Another value of the lesson, of the same shape, in the place of one that an equation uses."""
        if self.values.size < 2 and self.handed.digits < EXACT:  # of one short number too many values give it
            return
        near = self._near()[:12]
        for eq, distance in near:
            downstream = carried_by(self.program.equations, eq, near)
            for ref in dict.fromkeys(refs(eq.formula)):
                for other in self._in_place_of(ref, eq) if ref.index is None else ():
                    if self.work > WORK:
                        return
                    for wrong in put(eq.formula, ref, Ref(other)):
                        changed = self._changed({eq.symbol.key: (eq, wrong)}, downstream)
                        if self._gives(changed.get(self.eq.symbol.key)):
                            title = f"another value: {_called(other)} in place of {_called(ref.symbol)}"
                            rank = distance + (0.9 if other.quantity == "hyper" else 2.0)
                            yield _Way(Named("another-value", title, "", eq.symbol.id), rank)

    def _in_place_of(self, ref: Ref, eq: Equation) -> list[Symbol]:
        """Values that may be taken for another: settings for a setting; what was handed in, and what is near, first."""
        meant, place = ref.symbol, self.judge.position

        def distance(symbol: Symbol) -> tuple[bool, int]:
            return symbol.key not in self.judge.known, abs(place.get(symbol.key, -1) - place[eq.symbol.key])

        alike = [
            symbol
            for key, symbol in self.program.symbols.items()
            if symbol.shape == meant.shape
            and symbol.per_example == meant.per_example
            and (symbol.quantity == "hyper") == (meant.quantity == "hyper")
            and key not in (meant.key, eq.symbol.key)
            and symbol.name not in ("t", "l2")
            and _says_something(symbol, self.trace.iteration.values.get(key))
        ]
        return sorted(alike, key=distance)

    def _factor(self) -> Iterator[_Way]:
        """The same factor in every number."""
        if self.values.size < 2:
            return
        size = np.abs(self.value)
        largest = np.unravel_index(int(np.argmax(size)), size.shape)
        if not size[largest]:
            return
        share = float(self.values[largest] / self.value[largest])
        n = self.trace.examples
        nice = {2.0, 0.5, -1.0, -2.0, -0.5, 4.0, 0.25, float(n), 1 / n, -float(n), -1 / n}
        for factor in sorted(nice, key=lambda f: abs(f - share)):
            if factor != 1.0 and math.isclose(factor, share, rel_tol=0.02) and self._gives(factor * self.value):
                title = f"{number(factor)} times what it should be, everywhere"
                yield _Way(Named("factor", title, "", self.eq.symbol.id), 9.0)
                return


def _called(symbol: Symbol) -> str:
    return symbol.name if symbol.quantity == "hyper" else symbol.id


def _says_something(symbol: Symbol, value: Any) -> bool:
    """Whether a value can be told by its numbers: it is given, or it is not the same 0 or 1 everywhere."""
    if symbol.quantity == "circuit_input" and np.size(value) > 1:
        return True
    found = np.abs(np.asarray(0.0 if value is None else value, dtype=float))
    return bool(np.any(found != found.reshape(-1)[0])) or float(found.reshape(-1)[0]) not in (0.0, 0.5, 1.0)


def _with_formula(eq: Equation, wrong: Expr) -> Equation:
    """The equation with a wrong formula, which need not be one that gradients get past."""
    found = copy(eq)
    object.__setattr__(found, "formula", wrong)
    return found


def _rewrites(program: Program, eq: Equation) -> Iterator[tuple[str, Misconception, Expr]]:
    site, own = Site(program, eq), eq is program.by_key.get(eq.symbol.key)
    for id, misconception in MISCONCEPTIONS.items():
        try:
            for wrong in misconception.rewrite(site):
                yield id, misconception, wrong
        except (IndexError, ValueError, AssertionError):  # of a formula that is wrong already it may make nothing
            if own:
                raise


def _shares(values: np.ndarray, right: np.ndarray) -> str:
    """How much of an array is wrong, and how."""
    wrong = ~np.isclose(values, right, rtol=1e-3, atol=0)
    if values.size == 1:
        return f"It should be {number(float(right.reshape(-1)[0]))}."
    if np.all(np.isclose(values, -right, rtol=1e-3)):
        return "The sizes are right, the signs are not."
    count = int(np.sum(wrong))
    are = "is" if count == 1 else "are"
    return f"{count} of its {values.size} numbers {are} wrong, and no slip that is known by name gives them."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
