"""A batch whose rows are in another order than the lesson's: whoever shuffles has made no mistake.

An array may be the lesson's but for the order of its rows. If the rows of what is given, put in that order, lead to all
of a solution's arrays that are right up to their order, the solution is read so: `another_order`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, islice

import numpy as np

from tutor.engine.expressions import Symbol
from tutor.engine.floats import quietly
from tutor.engine.trace import Trace
from tutor.solutions.files import Handed
from tutor.solutions.naming import Match, Naming, tolerance
from tutor.text.language import N_, say
from tutor.text.words import listed

MOST = 30_000_000  # numbers that are compared to find the order of an array
MOST_GIVEN = 6  # inputs with so many rows of which some are put in another order
EVIDENCE = 12  # digits of the numbers that changed their places: two numbers of two digits do so by chance
SURE = 10_000  # the same: what so many say is said by no slip
MOST_ASKED = 6  # arrays that say the order: what others say shows in their verdicts
MOST_SAID = 8

Order = tuple[int, ...]  # from 0: which of the lesson's rows each row is


@dataclass(frozen=True)
class Reordered:
    """The trace of the same rows in another order, what to say of it, and whether no other way leads to the numbers."""

    trace: Trace
    said: str
    sure: bool


def order_of(array: Handed, right: np.ndarray) -> Order | None:
    """The order in which the rows of `array` are those of `right`, of its shape; None if they are not, or in place."""
    alike = _alike(array, right)
    return None if alike is None else _order(alike, array.digits * right[0].size)


def apart(array: Handed, trace: Trace, key: str) -> tuple[Symbol, Order] | None:
    """What was given with its rows in another order than the rest has, by an array that has as many; and that order.

    `key` is its symbol's, and `array` of its shape. Each input is turned against the rest row by row, round and round:
    so every row meets every other.
    """
    n, model = len(array.values) if array.values.ndim else 0, trace.program.model
    if n < 2 or n * sum(np.size(value) for value in trace.iteration.values.values()) > MOST:
        return None
    batch, inputs = trace.examples == n, () if model.layers else _with_rows(trace, n)
    for symbol in model.data[1:] if batch else inputs:
        alike = np.zeros((n, n), bool)
        for by in range(n):
            rows = np.roll(np.arange(n), -by)
            values = _put(trace, (symbol,), tuple(rows.tolist())).iteration.values
            if key not in values:
                return None
            value = np.asarray(values[key], dtype=float)
            close = np.abs(array.values - value) <= tolerance(array, value)
            alike[np.arange(n), rows] = np.all(close.reshape(n, -1), axis=1)
        if order := _order(alike, array.digits * array.values[0].size):
            return symbol, order
    return None


ITS = N_("its rows in another order: {rows}")
OF_ONE = N_("the rows of {name} in another order: {rows}")
OF_BATCH = N_("the rows of the batch in another order: {rows}")


def in_another_order(order: Order, whose: str = ITS, name: str = "") -> str:
    """What is said of rows that lie so, counted from 1: `whose` is one of the messages above."""
    shown = ", ".join(str(row + 1) for row in order[:MOST_SAID])
    if len(order) > MOST_SAID:
        shown = say("{rows} … ({n} rows)", rows=shown, n=len(order))
    return say(whose, rows=shown, name=name)


def another_order(naming: Naming, matches: Sequence[Match]) -> Reordered | None:
    """How the rows of what is given have to lie so that arrays are right that are so up to the order of their rows.

    None where none is, or where they, and those that are right as they are, lie in several orders.
    """
    if naming.example is not None:
        return None
    right = [match for match in matches if naming.is_right(match)]
    others = (match for match in matches if not naming.is_right(match))
    moved = list(islice(((match, alike) for match in others if (alike := _match_alike(naming, match))), MOST_ASKED))
    for rows in dict.fromkeys(len(each[0]) for _, each in moved):
        of_these = [(match, each) for match, each in moved if len(each[0]) == rows]
        order = _order(np.logical_and.reduce([np.any(each, axis=0) for _, each in of_these]), EVIDENCE)
        if order is None:
            continue
        for given in _given(naming.trace, rows):
            trace = _put(naming.trace, given, order)
            other = Naming(trace)
            if _same_loss(naming.trace, trace) and all(map(other.is_right, (*right, *(match for match, _ in moved)))):
                whose = OF_BATCH if naming.trace.examples > 1 else OF_ONE
                said = in_another_order(order, whose, listed([symbol.id for symbol in given]))
                digits = sum(match.handed.digits * match.handed.values.size for match, _ in moved)
                return Reordered(trace, said, digits >= SURE)
    return None


def _match_alike(naming: Naming, match: Match) -> list[np.ndarray]:
    """For each way in which an array is right up to the order of its rows: which row may be which; (rows, rows)."""
    if match.symbol is None or match.problem or match.handed.missing is not None:
        return []
    found, right = [], naming.value(match.symbol)
    for fit in match.fits:
        alike = _alike(fit.array, right)
        if alike is not None and _order(alike, fit.array.digits * right[0].size):
            found.append(alike)
    return found


def _alike(array: Handed, right: np.ndarray) -> np.ndarray | None:
    """Which row (first axis) is as the right one (second axis) but for its digits; None where that is not looked at."""
    rows = len(right) if right.ndim else 0
    if rows < 2 or array.missing is not None or right.size * rows > MOST:
        return None
    mine, theirs = (part.reshape(rows, -1) for part in (array.values, right))
    allowed = tolerance(array, right).reshape(rows, -1)
    with quietly():
        if np.any(np.abs(np.sort(mine.sum(1)) - np.sort(theirs.sum(1))) > np.max(allowed.sum(1))):
            return None  # most arrays that are wrong are no rows of the right one: their sums say so
        return np.array([np.all((row == theirs) | (np.abs(row - theirs) <= allowed), axis=1) for row in mine])


def _order(alike: np.ndarray, digits: int) -> Order | None:
    """An order in which every row is one of the right ones, each once; `digits` are those of a row.

    None where there is none, all may be in their places, or it may be so by chance.
    """
    order: list[int] = []
    free = np.ones(len(alike), bool)
    for at, row in enumerate(alike):
        there = np.flatnonzero(row & free)
        if not len(there):
            return None
        order.append(at if at in there else int(there[0]))
        free[order[-1]] = False
    moved = sum(at != row for at, row in enumerate(order))
    return tuple(order) if moved * digits >= EVIDENCE else None


def _given(trace: Trace, rows: int) -> Iterator[tuple[Symbol, ...]]:
    """What may be put in another order together: the data of a batch, or some of the inputs with so many rows."""
    model = trace.program.model
    if trace.examples > 1:
        yield from [model.data] if trace.examples == rows else []
        return
    inputs = _with_rows(trace, rows)
    yield from chain.from_iterable(combinations(inputs, many) for many in range(1, len(inputs) + 1))


def _with_rows(trace: Trace, rows: int) -> list[Symbol]:
    """The inputs with so many rows."""
    return [symbol for symbol in trace.program.model.given if symbol.shape[:1] == (rows,)][:MOST_GIVEN]


def _put(trace: Trace, given: Sequence[Symbol], order: Order) -> Trace:
    """The trace with the rows of what is given in another order."""
    before, at = trace.iteration, list(order)
    values = dict(before.values) | {symbol.key: np.asarray(before.values[symbol.key])[at] for symbol in given}
    rows = before.rows[at] if trace.examples > 1 and tuple(given) == trace.program.model.data else before.rows
    return replace(trace, iteration=replace(before, rows=rows, values=trace.program.run(values)))


def _same_loss(one: Trace, other: Trace) -> bool:
    """Whether the order makes no difference to what the gradients are of."""
    key = one.program.model.objective.key
    a, b = (float(trace.iteration.values[key]) for trace in (one, other))
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
