"""The slips that give all numbers of an array: rewrites of its own equation and of those before it that were not handed
in, settings with another number, another row of the data, two backward passes added up, a factor, rows in another
order, and two rewrites at once. The search is bounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tutor.engine.expressions import Expr, Ref, Symbol, evaluate, refs
from tutor.engine.floats import QUIET, quietly
from tutor.engine.ids import setting
from tutor.engine.model import Equation
from tutor.engine.program import Program
from tutor.engine.rules import OVER_BATCH
from tutor.engine.run import Run
from tutor.engine.trace import Trace
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.misconceptions.rewriting import Misconception, Site, put
from tutor.questions.rounding import filling, full_shape
from tutor.questions.slips import carried_by, picked
from tutor.solutions.expected import Expected, HandedIn, graph_of
from tutor.solutions.files import Handed
from tutor.solutions.naming import tolerance, within
from tutor.solutions.row_orders import OF_ONE, apart, in_another_order, order_of
from tutor.text.language import N_, say
from tutor.text.layout import number
from tutor.text.words import capital

DOUBT = 4.0  # steps further away is a slip that another array speaks against
EXACT = 7  # so many digits have numbers that a program wrote
MOST_SLIPS = 3  # so many are suggested
MOST_ROWS = 200  # rows of the data that are tried in place of the right one
WORK = 30_000_000  # numbers that a search for slips computes at most before it gives up
PAIR_WORK = 10_000_000  # the same of two slips at once, of all arrays of a solution together
SECANTS = 8  # steps to the number of a setting that an array shows
NEAREST = 12  # equations in which two slips at once are looked for
COMMON: dict[str, tuple[float, ...]] = {  # settings that people take for one another
    "momentum": (0.0, 0.5, 0.8, 0.9, 0.95, 0.99),
    "beta1": (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999),
    "beta2": (0.9, 0.95, 0.98, 0.99, 0.999, 0.9999),
    "epsilon": (0.0, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3),
    "rho": (0.5, 0.8, 0.9, 0.95, 0.99, 0.999),
    "l2": (0.0, 1e-5, 1e-4, 5e-4, 1e-3, 0.01, 0.02, 0.1),
    "t": (0.0, 1.0, 2.0),
}

_ANOTHER = {  # what is said of a setting with another number
    "learning_rate": N_("another learning rate: {other} in place of {true}"),
    "l2": N_("another λ of the L2 term: {other} in place of {true}"),
    "t": N_("another number of the update: {other} in place of {true}"),
}
_ANOTHER_NAME = N_("another {name}: {other} in place of {true}")


@dataclass(frozen=True)
class Named:
    """A slip that gives an array: `at` is the step in which it is made, `explains` the share of its cells.

    `doubtful`: another array of the same solution is right, and would not be if the slip had been made there.
    """

    name: str
    title: str
    remedy: str
    at: str
    explains: float = 1.0
    doubtful: bool = False

    @property
    def general(self) -> bool:
        """Whether it is no single slip of the table: what gives the numbers, but says less of why."""
        return self.name.startswith(("factor", "another-")) or "+" in self.name

    def said(self, step: str, called: Mapping[str, str] | None = None) -> str:
        """In words, for an array that is this step; steps that somebody calls otherwise are `called` so."""
        if self.at == step:
            told, where = N_("{slip}. {remedy}"), ""
        elif self.doubtful:
            told, where = N_("{slip} (on the way to {step} alone). {remedy}"), step
        else:
            told, where = N_("{slip} (at {step}). {remedy}"), self.at
        where = (called or {}).get(where, where)
        return say(told, slip=capital(self.title), step=where, remedy=self.remedy).strip()


@dataclass(frozen=True)
class _Way:
    """A wrong way to an array: what it is, and the values that it leads to."""

    named: Named
    rank: float
    hidden: Mapping[str, np.ndarray] = field(default_factory=dict)  # the values of the step in which it is made


@dataclass
class Budget:
    """How many numbers a search may compute, `each` for one array and `pairs` for two slips at once in all together.

    So many slips are `suggested` of an array at most.
    """

    each: int = WORK
    suggested: int = MOST_SLIPS
    pairs: int = PAIR_WORK
    untried: dict[str, None] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)  # titles of slips that were found: one is mostly made everywhere

    def left_out(self, what: str) -> None:
        """Take down what was not tried."""
        self.untried[what] = None

    @property
    def said(self) -> str:
        """What the searches left, in a sentence; "" if nothing."""
        left = ", ".join(self.untried)
        return say("The search for slips was bounded; not tried: {left}.", left=left) if left else ""


class Search:
    """The slips that give all numbers of an array, nearest first.

    `value` is what they should be, `error` how far off rounding may have led. Bounded by the `budget`, which is told
    what was left untried.
    """

    def __init__(
        self, sheet: HandedIn, eq: Equation, handed: Handed, value: np.ndarray, error: np.ndarray, budget: Budget
    ):
        self.sheet, self.eq, self.handed, self.values, self.budget = sheet, eq, handed, handed.over(value), budget
        self.there = np.ones(value.shape, bool) if handed.missing is None else ~handed.missing
        self.trace, self.program = sheet.trace, sheet.trace.program
        self.position = graph_of(self.trace).position
        self.expected, self.value, self.error = sheet.expected(handed), value, error
        self.largest = float(np.max(np.abs(self.values[np.isfinite(self.values)]), initial=0.0))
        self.work, self.most = 0, budget.each
        self.hidden: Mapping[str, np.ndarray] = {}
        size = np.abs(value)
        with quietly():
            self.relative = float(np.nanmax(np.where(size > 0, error / size, 0.0), initial=0.0))
        self.relative = min(self.relative, 0.05)

    def found(self, pairs: bool = False) -> list[Named]:
        """The slips, as many as the budget suggests at most; with `pairs` two at once."""
        ways: list[_Way] = []
        if pairs:
            self.work, self.most = 0, min(self.budget.pairs, self.budget.each)
            ways = sorted(self._pairs(), key=lambda way: way.rank)
            self.budget.pairs -= self.work
        else:  # printed at the end from full precision, or each line worked out from those that are written
            for base in (self.sheet.wrong_before(self.handed), self.expected)[: 1 + self.handed.by_hand]:
                self.expected = base
                ways = ways or sorted(self._ways(), key=lambda way: way.rank)
                general = all(way.named.general for way in ways)
                again = any(way.named.title in self.budget.told for way in ways)
                if general and not again:  # a value's name says more
                    ways = sorted([*self._values(), *self._orders(), *ways], key=lambda way: way.rank)
        if self.work > self.most and not ways:
            self.budget.left_out(say("some pairs of slips") if pairs else say("some slips"))
        if ways:
            self.hidden = ways[0].hidden
            self.budget.told.add(ways[0].named.title)
        seen: dict[str, Named] = {}
        for way in ways:
            seen.setdefault(way.named.name, way.named)
        return list(seen.values())[: self.budget.suggested]

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
                    if below and key not in found and key not in self.sheet.known:
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
                if self.work > self.most:
                    return
                changed = self._changed({eq.symbol.key: wrong}, [eq, *downstream])
                if self._gives(changed.get(self.eq.symbol.key)):
                    hidden = {eq.symbol.key: changed[eq.symbol.key]} if eq is not self.eq else {}
                    doubtful = bool(hidden) and self._spoken_against(hidden)
                    named = Named(id, misconception.title, misconception.remedy, eq.symbol.id, doubtful=doubtful)
                    yield _Way(named, distance + misconception.rare + DOUBT * doubtful, hidden)
        yield from self._settings(near)
        yield from self._rows()
        yield from self._passes()
        yield from self._factor()

    def _pairs(self) -> Iterator[_Way]:
        """Two rewrites at once: of one equation, or of two."""
        every = self._near()
        near = every[:NEAREST]
        if len(every) > len(near):
            left = len(every) - NEAREST
            self.budget.left_out(say("pairs of slips in {n} of {all} equations", n=left, all=len(every)))
        if self.work > self.most:  # other arrays of the solution took all that there was
            return
        flows = {eq.symbol.key: carried_by(self.program.equations, eq, near) for eq, _ in near}
        rewrites = {eq.symbol.key: list(_rewrites(self.program, eq)) for eq, _ in near}
        alone: dict[tuple[str, int], Mapping[str, np.ndarray]] = {}  # the second by itself, of all firsts
        for at, (eq, distance) in enumerate(near):
            key = eq.symbol.key
            moved = {key, *(after.symbol.key for after in flows[key])}
            for id, misconception, wrong in rewrites[key]:
                twice = _with_formula(eq, wrong) if wrong.shape == eq.symbol.shape else None
                others = [(twice, distance, list(_rewrites(self.program, twice)))] if twice else []
                others += [(other, d, rewrites[other.symbol.key]) for other, d in near[at + 1 :]]
                for other, d, seconds in others:
                    own, key2 = other is twice, other.symbol.key
                    behind = [eq if own else other, *flows[key2]]
                    order = sorted(
                        {each.symbol.key: each for each in [eq, *behind]}.values(),
                        key=lambda each: self.position[each.symbol.key],
                    )
                    for place, (id2, second, wrong2) in enumerate(seconds):
                        if self.work > self.most:
                            return
                        if id2 == id:
                            continue
                        if not own and (key2, place) not in alone:
                            alone[key2, place] = self._changed({key2: wrong2}, behind)
                        known = {} if own else {k: v for k, v in alone[key2, place].items() if k not in moved}
                        both = self._changed({key: wrong, key2: wrong2}, order, known)
                        if not self._gives(both.get(self.eq.symbol.key)):
                            continue
                        title = say("two slips: {one}, and {other}", one=misconception.title, other=second.title)
                        first = id2 if not own else id
                        yield _Way(
                            Named(f"{first}+{id if not own else id2}", title, second.remedy, other.symbol.id),
                            distance + d + misconception.rare + second.rare,
                        )

    # ------------------------------------------------------------ what a change leads to

    def _changed(
        self, change: Mapping[str, Expr], order: Sequence[Equation], known: Mapping[str, np.ndarray] | None = None
    ) -> dict[str, np.ndarray]:
        """The values of equations with some formulas changed, by key; none where the shapes do not fit.

        In `order` stand those that are changed and what follows from them; what is `known` of it is not worked out.
        """
        changed: dict[str, np.ndarray] = dict(known or {})

        def look(ref: Ref) -> np.ndarray:
            key = ref.symbol.key
            return picked(ref, changed[key]) if key in changed else self.expected.look(ref)[0]

        try:
            for eq in order:
                key = eq.symbol.key
                if key in changed:
                    continue
                formula = change.get(key, eq.formula)
                own = np.asarray(evaluate(formula, look), dtype=float)
                if formula.batched and not formula.shape:
                    own = own.reshape(own.shape + (1,) * len(eq.symbol.shape))
                changed[key] = filling(own, full_shape(self.trace, eq))
                self.work += max(own.size, 100)
            return changed
        except ValueError:  # a wrong formula whose shapes do not fit says no number
            return {}

    def _spoken_against(self, hidden: Mapping[str, np.ndarray]) -> bool:
        """Whether these values of steps that were not handed in would show in an array that was, and is right."""
        changed, written = dict(hidden), replace(self.handed, halves=None, missing=None)

        def look(ref: Ref) -> np.ndarray:
            key = ref.symbol.key
            return picked(ref, changed[key]) if key in changed else self.expected.look(ref)[0]

        for eq in self.program.equations:
            key = eq.symbol.key
            if key in changed or not any(symbol.key in changed for symbol in eq.takes):
                continue
            if key in self.sheet.handed and key not in self.sheet.sound:
                continue  # what follows from it follows from what was written
            value = np.broadcast_to(np.asarray(evaluate(eq.formula, look), dtype=float), full_shape(self.trace, eq))
            self.work += max(value.size, 100)
            if key in self.sheet.sound:
                right = np.asarray(self.trace.value(Ref(eq.symbol)), dtype=float)
                if not within(value, right, tolerance(written, right) + self.relative * np.abs(right)):
                    return True
            else:
                changed[key] = value
        return False

    @QUIET
    def _gives(self, found: np.ndarray | None) -> bool:
        if found is None:
            return False
        mine = self.sheet.of_example(self.eq.symbol, found)
        off = np.where(self.there, np.abs(self.values - mine), 0.0)
        # Most are far off: that is seen without asking each number how finely it is written.
        finest = 10.0**-self.handed.decimals if self.handed.decimals is not None else 0.0
        share = 10.0 ** (1 - self.handed.digits) + self.relative
        if self.handed.missing is None and (off > share * (np.abs(mine) + self.largest) + finest).any():
            return False
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
            usual = (*COMMON.get(name, ()), *beside)
            shown = () if name == "t" else self._shown(key, true)
            for other in (*usual, *shown):
                if other != true and self._gives(self._with_setting(key, other)):
                    values = {"other": number(other), "true": number(true), "name": name}
                    title = say(_ANOTHER.get(name, _ANOTHER_NAME), **values)
                    # What any number may be, but a learning rate, is less likely than a slip that has a name.
                    rank = 1.0 if other in usual or name == "learning_rate" else 5.0
                    yield _Way(Named(f"another-{name.replace('_', '-')}", title, "", eq.symbol.id), rank)

    def _with_setting(self, key: str, other: float) -> np.ndarray:
        """The whole array with another number for a setting."""
        own = {**self.sheet.own, key: np.asarray(other)}
        found, _ = Expected(self.trace, own, self.handed, self.sheet.halves).of(self.eq)
        self.work += max(found.size, 100)
        return found

    def _shown(self, key: str, true: float) -> Iterator[float]:
        """The number of a setting that the array shows: by secants, in the cell that the setting moves most."""

        def value(other: float) -> np.ndarray:
            return self.sheet.of_example(self.eq.symbol, self._with_setting(key, other))

        before, at = true, 1.5 * true or 0.1
        moved = np.nan_to_num(np.abs(value(at) - self.value), posinf=0.0) * self.there
        cell = np.unravel_index(int(np.argmax(moved)), moved.shape) if moved.shape else ()
        if not moved[cell]:
            return
        mine, had = float(self.values[cell]), float(self.value[cell])
        for _ in range(SECANTS):
            now = float(value(at)[cell])
            if now == had or not math.isfinite(now):
                break
            before, at, had = at, at + (mine - now) * (at - before) / (now - had), now
            if not math.isfinite(at):
                return
        if at * true < 0:  # with the other sign it is not the setting that is another
            return
        # Any one number is shown by some setting: then it has to be a short one.
        alone = np.sum(self.there) < 2
        for digits in (2, 3) if alone else (2, 3, min(self.handed.digits, 9)):
            yield float(f"{at:.{digits}g}")

    def _rows(self) -> Iterator[_Way]:
        """Another row of the data."""
        rows_of = columns(self.trace)
        if self.sheet.own:
            return
        for row in range(len(rows_of[0][1]) if rows_of else 0):
            if row == int(self.trace.iteration.rows[0]) or self.work > self.most:
                continue
            values = dict(self.trace.iteration.values)
            values.update({symbol.key: whole[row] for symbol, whole in rows_of})
            self.program.run(values)
            self.work += sum(np.size(value) for value in values.values())
            found = values.get(self.eq.symbol.key)
            if found is not None and self._gives(np.asarray(found, dtype=float)):
                title = another_row(self.trace, row + 1)
                yield _Way(Named("another-row", title, "", self.eq.symbol.id), 1.0)

    def _passes(self) -> Iterator[_Way]:
        """A parameter's gradient with that of the iteration before still in it."""
        symbol, number = self.eq.symbol, self.trace.iteration.number
        if number == 1 or symbol.quantity != "gradient" or symbol.wrt not in self.program.model.parameters:
            return
        before = Run(self.trace.lesson).iteration(number - 1)
        kept = before.values.get(symbol.key) if before and not symbol.per_example else None
        if kept is not None and self._gives(self.value + kept):
            title = say("the gradient of the backward pass before is still in it")
            remedy = say("Gradients add up until they are set to 0: zero_grad before each backward pass.")
            yield _Way(Named("another-pass", title, remedy, symbol.id), 1.0)

    def _orders(self) -> Iterator[_Way]:
        """Its rows in another order, or the rows of the targets when it was made."""
        mine = replace(self.handed, values=self.values)
        at, whole = self.eq.symbol, self.value.shape == full_shape(self.trace, self.eq)
        if order := order_of(mine, self.value):
            yield _Way(Named("another-order", in_another_order(order), "", at.id), 9.0)
        elif whole and not self.sheet.own and (found := apart(mine, self.trace, at.key)):
            symbol, order = found
            remedy = say("What belongs to an example stays with it: who shuffles shuffles all of it in one order.")
            yield _Way(Named("another-order", in_another_order(order, OF_ONE, symbol.id), remedy, at.id), 1.0)

    def _values(self) -> Iterator[_Way]:
        """Another value of the lesson, of the same shape: given as this one, or where an equation uses one."""
        if np.sum(self.there) < 2 and self.handed.digits < EXACT:  # of one short number too many values give it
            return
        for other in self._in_place_of(Ref(self.eq.symbol), self.eq):
            if self._gives(self.expected.look(Ref(other))[0]):
                title = say("another value: this is {name}", name=_called(other))
                yield _Way(Named("another-value", title, "", self.eq.symbol.id), 1.5)
        near = self._near()[:NEAREST]
        for eq, distance in near:
            downstream = carried_by(self.program.equations, eq, near)
            for ref in dict.fromkeys(refs(eq.formula)):
                for other in self._in_place_of(ref, eq) if ref.index is None else ():
                    if self.work > self.most:
                        return
                    for wrong in put(eq.formula, ref, Ref(other)):
                        changed = self._changed({eq.symbol.key: wrong}, [eq, *downstream])
                        if self._gives(changed.get(self.eq.symbol.key)):
                            names = {"other": _called(other), "right": _called(ref.symbol)}
                            title = say("another value: {other} in place of {right}", **names)
                            rank = distance + (0.9 if other.quantity == "hyper" else 2.0)
                            yield _Way(Named("another-value", title, "", eq.symbol.id), rank)

    def _in_place_of(self, ref: Ref, eq: Equation) -> list[Symbol]:
        """Values that may be taken for another: settings for a setting; what was handed in, and what is near, first."""
        meant, place = ref.symbol, self.position

        def distance(symbol: Symbol) -> tuple[bool, int]:
            return symbol.key not in self.sheet.known, abs(place.get(symbol.key, -1) - place[eq.symbol.key])

        alike = [
            symbol
            for key, symbol in self.program.symbols.items()
            if symbol.shape == meant.shape
            and symbol.per_example == meant.per_example
            and (symbol.quantity == "hyper") == (meant.quantity == "hyper")
            and key not in (meant.key, eq.symbol.key)
            and symbol.name not in ("t", "l2")
            and not re.search(r"\.[0-9]", symbol.id)  # a gate within a line has no name that anybody gave it
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
                title = say("{factor} times what it should be, everywhere", factor=number(factor))
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


def columns(trace: Trace) -> list[tuple[Symbol, np.ndarray]]:
    """The inputs and the targets with all their rows; none where an iteration takes several, or there are too many."""
    lesson, data = trace.lesson, trace.program.model.data
    if not data or trace.examples != 1 or not 0 < len(lesson.inputs) <= MOST_ROWS:
        return []
    return list(zip(data, (np.asarray(lesson.inputs), np.asarray(lesson.targets)), strict=False))


def another_row(trace: Trace, row: int) -> str:
    """What is said of who took another row (from 1) of the data."""
    right = int(trace.iteration.rows[0]) + 1
    return say("another row of the data: row {row} in place of row {right}", row=row, right=right)


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
