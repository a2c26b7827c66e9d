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

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from tutor.engine.expressions import Symbol
from tutor.engine.ids import updated
from tutor.engine.model import Equation
from tutor.engine.trace import Trace
from tutor.solutions.cells import BAD, CellKind, cell_kinds
from tutor.solutions.expected import HandedIn, graph_of
from tutor.solutions.files import Handed
from tutor.solutions.naming import MEANINGS, Fit, Match, Naming, tolerance, within
from tutor.solutions.row_orders import another_order, in_another_order, order_of
from tutor.solutions.searching import MOST_SLIPS, WORK, Budget, Named, Search, another_row, columns
from tutor.text.language import N_, say, say_many
from tutor.text.layout import number
from tutor.text.words import capital, sentence

Kind = Literal["right", "rounded", "slip", "carried", "wrong", "shape", "unknown"]
VERDICTS: tuple[Kind, ...] = get_args(Kind)
GOOD: frozenset[Kind] = frozenset({"right", "rounded"})

_BETTER: tuple[Kind, ...] = ("right", "carried", "rounded", "slip", "wrong", "shape", "unknown")


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
    read: str = ""  # how the rows of all arrays are read, where they are in another order than the lesson's

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
    as_laid: bool = False,
    suggested: int = MOST_SLIPS,
) -> Diagnosis:
    """Judge the arrays of a solution of one iteration.

    `example` (from 0) says that they are one example's, `names` maps names to ids where they do not tell; `work` bounds
    the search for the slip of an array: so many numbers are computed, and so many slips `suggested` at most. With
    `as_laid` no array of the right shape is read with rows for columns, nor in another order. Where bare names of
    parameters may be their gradients or their new values, and no number is right to tell, that meaning holds in which
    the fewest slips explain the first, if it is one alone. A solution whose rows are all in one other order is read so,
    unless a slip that has a name explains it.
    """
    naming, arrays = Naming(trace, example), list(handed)
    matches = naming.match(arrays, names)

    def judged(matches: Sequence[Match]) -> Diagnosis:
        return _Judge(trace, naming, Budget(work, suggested), as_laid).judge(matches)

    other = None if as_laid else another_order(naming, matches)
    if other:
        reordered = diagnose(other.trace, arrays, example, names, work, suggested=suggested)
        reordered = replace(reordered, read=say("These are {rows}.", rows=other.said))
        if other.sure and reordered.right:
            return reordered
    found = judged(matches)
    if other and not _named_slip(found) and _faults(reordered) < _faults(found):
        return reordered
    if not any(match.open for match in matches):
        return found
    tried = [judged(naming.match(arrays, names, meaning)) for meaning in MEANINGS]
    explained = [(_slips(one), one) for one in tried if _slips(one)]
    fewest = [one for many, one in explained if many == min(many for many, _ in explained)]
    return fewest[0] if len(fewest) == 1 else found


def _named_slip(found: Diagnosis) -> bool:
    """Whether one slip that has a name explains the first wrong array."""
    first = found.first_wrong
    return first is not None and bool(first.slips) and not first.slips[0].general


def _faults(found: Diagnosis) -> int:
    """How many arrays are neither right nor follow from others."""
    return sum(found.arrays[at].verdict not in (*GOOD, "carried") for at in found.order)


def _slips(found: Diagnosis) -> int:
    """How many slips explain the first wrong array; 0 where none does, or it is another value of the lesson."""
    first = found.first_wrong
    if first is None or not first.slips or first.slips[0].name == "another-value":
        return 0
    return 1 + first.slips[0].name.count("+")


def diagnose_values(trace: Trace, handed: Iterable[tuple[Symbol, Handed]]) -> Diagnosis:
    """The same of arrays whose symbols are known, in the shape of their values, examples first."""
    matches = [Match(array, symbol, (Fit(array),)) for symbol, array in handed]
    return _Judge(trace, Naming(trace), Budget()).judge(matches)


@dataclass(frozen=True)
class _Reading:
    """An array as it lies in one way (`array`, in the lesson's shape): its values without blanks, and its verdict.

    `own` are the wrong values that what follows is held to. `searched` looks for slips where nothing simpler explains
    it, for two at once if told so, and gives the reading that they make of it.
    """

    array: Handed
    values: np.ndarray
    verdict: ArrayVerdict
    own: Mapping[str, np.ndarray]
    searched: Callable[[bool], _Reading | None] | None = None


class _Judge:
    def __init__(self, trace: Trace, naming: Naming, budget: Budget, as_laid: bool = False):
        self.trace, self.naming, self.as_laid = trace, naming, as_laid
        self.sheet, self.budget = HandedIn(trace, naming.example), budget

    def judge(self, matches: Sequence[Match]) -> Diagnosis:
        def place(at: int) -> tuple[int, int]:
            symbol = matches[at].symbol
            return (position.get(symbol.key, -1) if symbol else -1, at)

        position = graph_of(self.trace).position

        order = [at for at in sorted(range(len(matches)), key=place) if matches[at].problem != "unknown"]
        judged: dict[int, ArrayVerdict] = {}
        turned, share = self._turned(matches), self._shared(matches)
        self.sheet.handed = {match.symbol.key for match in matches if match.symbol}
        whole = [match for match in matches if match.handed.missing is None]
        self.sheet.sound = {match.symbol.key for match in whole if match.symbol and self.naming.is_right(match)}
        for at in order:
            judged[at] = self._verdict(matches[at], turned, share)
        for at, match in enumerate(matches):
            if match.problem == "unknown":
                judged[at] = ArrayVerdict(match.handed.name, None, "unknown", sentence(match.message))
        return Diagnosis(tuple(judged[at] for at in range(len(matches))), tuple(order), self.budget.said)

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

    def _verdict(self, match: Match, turned: bool | None, share: float | None) -> ArrayVerdict:
        symbol, handed = match.symbol, match.handed
        assert symbol is not None
        if match.problem == "shape":
            return ArrayVerdict(handed.name, symbol.id, "shape", sentence(match.message), key=symbol.key)
        self.sheet.known.add(symbol.key)
        readings: list[_Reading] = []
        for fit in self._in_order(match, turned, share):  # a square matrix may lie either way: the better one counts
            readings.append(self._read(symbol, handed, fit))
            if readings[-1].verdict.verdict in (*GOOD, "carried"):
                break
        best = min(readings, key=lambda reading: _BETTER.index(reading.verdict.verdict))
        if best.searched:  # one slip in any reading goes before two at once
            looked = (each.searched(pairs) for pairs in (False, True) for each in readings if each.searched)
            best = next((found for found in looked if found), best)
        self.sheet.own.update(best.own)
        if np.all(np.isfinite(best.values) | (best.values == self.naming.value(symbol))):
            self.sheet.lines[symbol.key] = self.sheet.whole(symbol, best.values)
            if handed.by_hand:
                self.sheet.halves[symbol.key] = self._lost(symbol, best)
        return best.verdict

    def _lost(self, symbol: Symbol, reading: _Reading) -> np.ndarray:
        """How much of each number of an array may have been lost where it was written down.

        Nothing of one that is the lesson's to the last digit, or of whole numbers with one digit or two.
        """
        handed, lines = reading.array, self.sheet.lines[symbol.key]
        if handed.decimals is not None and handed.decimals <= 0 and handed.digits < 3:
            return np.zeros(lines.shape)
        right = self.sheet.whole(symbol, self.naming.value(symbol))
        return np.where(np.isclose(lines, right, rtol=1e-12, atol=0), 0.0, tolerance(handed, lines))

    def _shared(self, matches: Sequence[Match]) -> float | None:
        """What examples' gradients of a mean loss are to be multiplied by, by those that are right; None: none says."""
        right = [
            {fit.share for fit in self.naming.right_fits(match)}
            for match in matches
            if len({fit.share for fit in match.fits}) > 1
        ]
        said = {share for shares in right for share in shares if len(shares) == 1}  # of zeros both are right
        return said.pop() if len(said) == 1 else None

    def _in_order(self, match: Match, turned: bool | None, share: float | None) -> Sequence[Fit]:
        """The ways in which an array may lie, the likelier first; those that the file's other arrays speak for."""
        fits: Sequence[Fit] = match.fits
        if self.as_laid:
            fits = [fit for fit in fits if fit.how == fits[0].how]
        if turned is not None and match.symbol and not match.symbol.per_example:
            fits = [fit for fit in fits if bool(fit.how) == turned] or fits
        if share is not None:
            fits = [fit for fit in fits if fit.share == share] or fits
        return fits

    def _read(self, symbol: Symbol, handed: Handed, fit: Fit) -> _Reading:
        """An array as it lies in one way, judged as far as that needs no search for slips."""
        right = self.naming.value(symbol)
        array = fit.array
        there = np.ones(right.shape, bool) if array.missing is None else ~array.missing
        off = float(np.max(np.abs(array.over(right) - right), initial=0.0)) if _finite(array.over(right)) else None
        eq = self.trace.program.by_key.get(symbol.key)
        whole = array.over(right)

        def said(
            kind: Kind,
            message: str,
            own: np.ndarray | None = None,
            slips: tuple[Named, ...] = (),
            cells: np.ndarray | None = None,
        ) -> _Reading:
            text = f"{message} {fit.note}" if fit.note else message
            if array.missing is None:
                each: tuple[CellKind, ...] = ()
            else:
                each = cell_kinds(array, right) if cells is None else tuple(cells.reshape(-1).tolist())
            laid = None if array.missing is None else array.values
            verdict = ArrayVerdict(handed.name, symbol.id, kind, text, slips, off, each, symbol.key, laid)
            kept = {} if own is None else {symbol.key: self.sheet.whole(symbol, own)}
            return _Reading(array, whole, verdict, kept)

        touched = eq is not None and self.sheet.wrong_before(handed).touched(symbol.key)
        if within(whole, right, tolerance(array, right)) or np.array_equal(whole, right, True):
            if eq is None or not touched:
                return said("right", say("Right."))
            if not np.all(there):
                whole = array.over(self.sheet.of_example(symbol, self.sheet.wrong_before(handed).of(eq)[0]))
            return said("right", say("Right."), right if np.all(there) else whole)  # begun anew
        if array.missing is None and array.halves is not None and within(whole, right, array.halves * (1 + 1e-6)):
            return said("rounded", say("Right, as far as each number is written."))
        lost = ~np.isfinite(whole) & (whole != right)
        if np.any(lost):
            bad = int(np.sum(lost))
            text = say_many(bad, "{n} of its numbers is not finite.", "{n} of its numbers are not finite.")
            return said("wrong", text, whole)
        if eq is None:
            if row := self._row_of(symbol, array):
                title = another_row(self.trace, row)
                return said("slip", f"{capital(title)}.", whole, (Named("another-row", title, "", symbol.id),))
            if order := order_of(array, right):
                slip = Named("another-order", in_another_order(order), "", symbol.id)
                return said("slip", slip.said(symbol.id), whole, (slip,))
            return said("wrong", self._not_given(symbol, array, right), whole)
        value, error = (self.sheet.of_example(symbol, part) for part in self.sheet.expected(handed).of(eq))
        whole = array.over(value)
        cells = None
        if array.missing is not None:
            cells = np.reshape(np.array(cell_kinds(array, right, value, error, touched), object), right.shape)
            fine = not np.any(np.isin(cells, BAD))
        else:
            # Who cuts decimals off, and does not round them, has made no mistake of the method.
            cut = 0.0 if array.halves is None else np.where(array.halves < 0.5, array.halves, 0.0)
            fine = within(whole, value, tolerance(array, value) + cut + error * (1 + 1e-9))
        if fine:
            if touched and (cells is None or np.any(cells == "carried")):
                return said("carried", say("It follows rightly from what was wrong before."), whole, (), cells)
            own = whole if touched else None
            if cells is not None and np.any(cells == "rough"):
                return said("rounded", say("Right as far as it is written: give three digits."), own, (), cells)
            return said("rounded", say("The right method, rounded on the way."), own, (), cells)

        def searched(pairs: bool) -> _Reading | None:
            marked = None if cells is None else cells.copy()
            found, hidden = self._slips(eq, array, value, error, marked, pairs)
            if not found:
                return None
            reading = said("slip", found[0].said(symbol.id), whole, tuple(found), marked)
            # What follows from a step that was not handed in follows rightly, too.
            return replace(reading, own={**reading.own, **hidden})

        says = _shares(array.over(right), right, there)
        if cells is not None and np.sum(np.isin(cells, BAD)) == 1:  # not what it should be: it may be tried again
            says = say("No slip that is known by name gives this number.")
        return replace(said("wrong", says, whole, (), cells), searched=searched)

    def _row_of(self, symbol: Symbol, array: Handed) -> int | None:
        """Which other row of the data (from 1) an input or a target is, where an iteration takes one; else None."""
        for data, every in columns(self.trace):
            if data == symbol:
                rows = (at for at, row in enumerate(every, 1) if within(array.over(row), row, tolerance(array, row)))
                return next(rows, None)
        return None

    def _not_given(self, symbol: Symbol, array: Handed, right: np.ndarray) -> str:
        """What is said of given numbers that are not the lesson's: which, or that they are those after the update."""
        rest = say("What follows is judged by yours.")
        if new := self.trace.program.by_key.get(updated(symbol.id)):
            after = self.naming.value(new.symbol)
            if within(array.over(after), after, tolerance(array, after)):
                told = N_("These are the numbers after the update, {id}; the lesson begins with others.")
                return f"{say(told, id=new.symbol.id)} {rest}"
        values = array.over(right)
        other = np.argwhere(np.abs(values - right) > tolerance(array, right))
        at = tuple(other[0]) if values.shape else ()
        place = f"[{','.join(str(i + 1) for i in at)}]" if at else ""
        there, here = number(float(right[at]), array.digits), number(float(values[at]), array.digits)
        differs = {"cell": f"{symbol.id}{place}", "there": there, "here": here, "n": len(other), "all": values.size}
        told = (
            N_("The lesson gives other numbers: {cell} is {there} there, {here} here ({n} of {all} are others).")
            if len(other) > 1
            else N_("The lesson gives other numbers: {cell} is {there} there, {here} here.")
        )
        return f"{say(told, **differs)} {rest}"

    def _slips(
        self,
        eq: Equation,
        array: Handed,
        value: np.ndarray,
        error: np.ndarray,
        cells: np.ndarray | None,
        pairs: bool,
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
            search = Search(self.sheet, eq, part, value, error, self.budget)
            if found := search.found(pairs):
                if cells is not None and asked is not None:
                    cells[asked & np.isin(cells, BAD)] = "slip"
                return found, search.hidden
        return [], {}


def _shares(values: np.ndarray, right: np.ndarray, there: np.ndarray) -> str:
    """How much of an array is wrong, and how; of the numbers that are `there`."""
    wrong = ~np.isclose(values, right, rtol=1e-3, atol=0)
    many = int(np.sum(there))
    if many == 1:
        return say("It should be {value}.", value=number(float(right[there].reshape(-1)[0])))
    if np.all(np.isclose(values, -right, rtol=1e-3)[there]):
        return say("The sizes are right, the signs are not.")
    count = int(np.sum(wrong))
    if not count:
        return say("All of it is off by less than a thousandth, and no slip that is known by name gives that.")
    return say_many(
        count,
        "{n} of its {many} numbers is wrong, and no slip that is known by name gives them.",
        "{n} of its {many} numbers are wrong, and no slip that is known by name gives them.",
        many=many,
    )


def _finite(values: np.ndarray) -> bool:
    return bool(np.all(np.isfinite(values)))
