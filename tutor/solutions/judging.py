"""A whole solution judged: which array is the first that is wrong, by which slip, and what follows from it rightly.

The arrays are gone through in the order of computation. What each should be is worked out from the equations with the
person's own earlier wrong arrays put in (`Expected`): an array that is the lesson's is right, one that follows from
an earlier wrong one is carried, one as far off as rounding every line leads is rounded. Of any other a slip is looked
for, in its own equation and in those before it that were not handed in: the rewrites of `misconceptions`, settings
with another number, another row of the data, a factor, and two rewrites at once. All cells must agree with one
explanation.

An array that is judged cell by cell (`Handed.missing`) may be wrong in some cells and right in the others: a slip is
then looked for that gives all of it, else all that is wrong, else the first number that is. What is blank is taken as
it should be.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
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
from tutor.questions.rounding import full_shape
from tutor.questions.slips import carried_by, picked
from tutor.solutions.cells import BAD, CellKind, cell_kinds
from tutor.solutions.expected import Expected
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
    """What is said of one array. `step` is its id, None where it is no value of the lesson.

    `key` is its symbol's; `cells` says it of each number, row by row, where the array was judged so, and `laid` are
    those numbers in the lesson's shape, NaN in the blanks.
    """

    name: str
    step: str | None
    verdict: Kind
    message: str
    slips: tuple[Named, ...] = ()
    max_difference: float | None = None
    cells: tuple[CellKind, ...] = ()
    key: str = ""
    laid: np.ndarray | None = field(default=None, compare=False, repr=False)


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


def diagnose_values(trace: Trace, handed: Iterable[tuple[Symbol, Handed]]) -> Diagnosis:
    """The same of arrays whose symbols are known, in the shape of their values, examples first."""
    matches = [Match(array, symbol, (Fit(array.values, "", array.halves, array.missing),)) for symbol, array in handed]
    return _Judge(trace, Naming(trace), WORK).judge(matches)


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
            return ArrayVerdict(handed.name, symbol.id, "shape", _sentence(match.message), key=symbol.key)
        self.known.add(symbol.key)
        found: list[tuple[int, ArrayVerdict, dict[str, np.ndarray], np.ndarray, Handed]] = []
        for fit in self._in_order(match, turned):  # a square matrix may lie either way: the better reading counts
            before = dict(self.own)
            verdict, whole, laid = self._of_fit(symbol, handed, fit)
            found.append((_BETTER.index(verdict.verdict), verdict, self.own, whole, laid))
            self.own = before
            if verdict.verdict in (*GOOD, "carried"):
                break
        _, verdict, self.own, values, laid = min(found, key=lambda item: item[0])
        if np.all(np.isfinite(values) | (values == self.naming.value(symbol))):
            self.lines[symbol.key] = self._whole(symbol, values)
            if handed.by_hand:
                self.halves[symbol.key] = tolerance(laid, self.lines[symbol.key])
        return verdict

    def _in_order(self, match: Match, turned: bool | None) -> Sequence[Fit]:
        """The ways in which an array may lie, the likelier first; one where the file's other matrices say which."""
        if turned is None or len(match.fits) < 2 or (match.symbol and match.symbol.per_example):
            return match.fits
        return match.fits[turned : turned + 1]

    def _of_fit(self, symbol: Symbol, handed: Handed, fit: Fit) -> tuple[ArrayVerdict, np.ndarray, Handed]:
        """What is said of an array that lies so, its numbers without blanks, and the array in the lesson's shape."""
        right = self.naming.value(symbol)
        fit, note = self._of_mean(symbol, handed, fit, right)
        array = replace(handed, values=fit.values, halves=fit.halves, missing=fit.missing)
        there = np.ones(right.shape, bool) if array.missing is None else ~array.missing
        off = float(np.max(np.abs(array.over(right) - right), initial=0.0)) if _finite(array.over(right)) else None
        eq = self.trace.program.by_key.get(symbol.key)
        own = self.own.__setitem__

        def said(
            kind: Kind, message: str, slips: tuple[Named, ...] = (), cells: np.ndarray | None = None
        ) -> ArrayVerdict:
            text = f"{message} {note}" if note else message
            if array.missing is None:
                each: tuple[CellKind, ...] = ()
            else:
                each = cell_kinds(array, right) if cells is None else tuple(cells.reshape(-1).tolist())
            laid = None if array.missing is None else array.values
            return ArrayVerdict(handed.name, symbol.id, kind, text, slips, off, each, symbol.key, laid)

        touched = eq is not None and self._wrong_before(handed).touched(symbol.key)
        whole = array.over(right)
        if within(whole, right, tolerance(array, right)) or np.array_equal(whole, right, True):
            if eq is not None and touched:
                if not np.all(there):
                    whole = array.over(self._of_example(symbol, self._wrong_before(handed).of(eq)[0]))
                own(symbol.key, self._whole(symbol, whole if not np.all(there) else right))  # begun anew
            return said("right", "Right."), whole, array
        if array.missing is None and fit.halves is not None and within(whole, right, fit.halves * (1 + 1e-6)):
            return said("rounded", "Right, as far as each number is written."), whole, array
        lost = ~np.isfinite(whole) & (whole != right)
        if np.any(lost) or eq is None:
            bad = int(np.sum(lost))
            own(symbol.key, self._whole(symbol, whole))
            message = f"{bad} of its numbers {'is' if bad == 1 else 'are'} not finite."
            return said("wrong", message if bad else "The lesson gives other numbers for this."), whole, array
        value, error = (self._of_example(symbol, part) for part in self._expected(handed).of(eq))
        whole = array.over(value)
        cells = None
        if array.missing is not None:
            cells = np.reshape(np.array(cell_kinds(array, right, value, error, touched), object), right.shape)
            fine = not np.any(np.isin(cells, BAD))
        else:
            fine = within(whole, value, tolerance(array, value) + error * (1 + 1e-9))
        if fine:
            if touched and (cells is None or np.any(cells == "carried")):
                own(symbol.key, self._whole(symbol, whole))
                return said("carried", "It follows rightly from what was wrong before.", (), cells), whole, array
            if touched:
                own(symbol.key, self._whole(symbol, whole))
            if cells is not None and np.any(cells == "rough"):
                return said("rounded", "Right as far as it is written: give three digits.", (), cells), whole, array
            return said("rounded", "The right method, rounded on the way.", (), cells), whole, array
        found, hidden = self._slips(eq, array, value, error, cells)
        own(symbol.key, self._whole(symbol, whole))
        if found:
            first = found[0]
            self.own.update(hidden)  # what follows from a step that was not handed in follows rightly, too
            return said("slip", first.said(symbol.id), tuple(found), cells), whole, array
        return said("wrong", _shares(array.over(right), right, there), (), cells), whole, array

    def _slips(
        self, eq: Equation, array: Handed, value: np.ndarray, error: np.ndarray, cells: np.ndarray | None
    ) -> tuple[list[Named], Mapping[str, np.ndarray]]:
        """The slips that give an array; of one judged cell by cell all of it, else what is wrong in it, else the first.

        `cells` is told which of its wrong numbers a slip gives.
        """
        tries: list[np.ndarray | None] = [None]
        if cells is not None:
            wrong = np.isin(cells, BAD)
            first = np.zeros(wrong.shape, bool)
            first[np.unravel_index(int(np.argmax(wrong)), wrong.shape)] = True
            tries = [np.asarray(cells != "blank")]
            tries += [wrong] if np.any(wrong != tries[0]) else []
            tries += [first] if np.sum(wrong) > 1 else []
        for asked in tries:
            part = array if asked is None else replace(array, missing=~asked)
            search = _Search(self, eq, part, value, error)
            if found := search.found():
                if cells is not None and asked is not None:
                    cells[asked & np.isin(cells, BAD)] = "slip"
                return found, search.hidden
        return [], {}

    def _of_mean(self, symbol: Symbol, handed: Handed, fit: Fit, right: np.ndarray) -> tuple[Fit, str]:
        """The numbers, and what to say of how they lie; an example's share of a mean loss's gradient as its own."""
        note, n = f"Read {fit.how}." if fit.how else "", self.trace.examples
        if not symbol.per_example or symbol.quantity != "gradient" or n == 1:
            return fit, note
        if self.trace.program.model.over_batch != MEAN:
            return fit, note
        array = replace(handed, values=fit.values, halves=fit.halves, missing=fit.missing)
        own = replace(array, values=fit.values * n, halves=None if fit.halves is None else fit.halves * n)
        if not within(own.over(right), right, tolerance(own, right) * n):
            return fit, note
        if within(array.over(right), right, tolerance(array, right)):
            return fit, note
        share = f"{note} Of the mean loss: each is 1/{n} of the example's own.".strip()
        return Fit(own.values, fit.how, fit.halves if fit.missing is None else own.halves, fit.missing), share

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

    def __init__(self, judge: _Judge, eq: Equation, handed: Handed, value: np.ndarray, error: np.ndarray):
        self.judge, self.eq, self.handed = judge, eq, handed
        self.values = handed.over(value)
        self.there = np.ones(value.shape, bool) if handed.missing is None else ~handed.missing
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
            allowed = tolerance(self.handed, mine) + self.relative * np.abs(mine)
            apart = self.there & (np.abs(mine - self.value) > tolerance(self.handed, self.value))
            return within(self.handed.over(mine), mine, allowed) and bool(np.any(apart))

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
        moved = self.there & (np.abs(step) > 1e-300)
        if self.eq.symbol.quantity == "updated" and np.any(moved):
            largest = np.unravel_index(int(np.argmax(np.abs(step) * moved)), step.shape) if step.shape else ()
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
        if np.sum(self.there) < 2 and self.handed.digits < EXACT:  # of one short number too many values give it
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
        if np.sum(self.there) < 2:
            return
        size = np.abs(self.value) * self.there
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


def _shares(values: np.ndarray, right: np.ndarray, there: np.ndarray) -> str:
    """How much of an array is wrong, and how; of the numbers that are `there`."""
    wrong = ~np.isclose(values, right, rtol=1e-3, atol=0)
    many = int(np.sum(there))
    if many == 1:
        return f"It should be {number(float(right[there].reshape(-1)[0]))}."
    if np.all(np.isclose(values, -right, rtol=1e-3)[there]):
        return "The sizes are right, the signs are not."
    count = int(np.sum(wrong))
    are = "is" if count == 1 else "are"
    return f"{count} of its {many} numbers {are} wrong, and no slip that is known by name gives them."


def _finite(values: np.ndarray) -> bool:
    return bool(np.all(np.isfinite(values)))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
