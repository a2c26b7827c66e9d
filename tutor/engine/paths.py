"""Paths: every way on which a value reaches the loss, each with its product of local derivatives.

The chain rule says: multiply along a path, add over the paths. A path goes from one element of a value (a weight,
a unit, a circuit's wire) up to the output, a link at a time (`links.py`); where the loss and the last activation
cancel, it ends at the output's error ∂L/∂z.

Nobody lists 9,000 paths: they are counted by adding up counts, the largest few are found by one pass from the output
back (of each element only its few largest paths can be part of anything's), and the rest is one sum, the gradient less
the listed. The passes are loops over the equations: any depth will do, and any graph without a cycle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from tutor.engine.backprop import gradient_of
from tutor.engine.expressions import Expr, Ref, Symbol, at_example, element, evaluate, walk
from tutor.engine.floats import quietly
from tutor.engine.links import Count, Link, fan, handed_down, links, listable, of_use
from tutor.engine.model import Equation
from tutor.engine.program import Program
from tutor.engine.trace import Step, Trace, as_shown, reads_as

ALL = 8  # so many paths are listed one by one ...
LISTED = 5  # ... and of more of them so many, the largest


@dataclass(frozen=True)
class Factor:
    """∂top/∂bottom of two elements: a factor of a path.

    `index` is its element in the equation `local`, `use` the equation which has `bottom` in it.
    """

    top: Ref
    bottom: Ref
    local: Equation
    use: Equation
    index: tuple[int, ...]
    value: float

    @property
    def formula(self) -> Expr:
        """The local derivative of these two elements, for this example."""
        example = self.bottom.example if self.bottom.example is not None else self.top.example
        formula = self.local.formula if example is None else at_example(self.local.formula, example)
        return element(formula, self.index)

    @property
    def weight(self) -> Ref | None:
        """The weight of the connection, if the factor is one."""
        formula = self.formula
        return formula if isinstance(formula, Ref) and formula.symbol.quantity == "weights" else None


@dataclass(frozen=True)
class Path:
    """A product of factors, that of the output first."""

    factors: tuple[Factor, ...]

    @cached_property
    def product(self) -> float:
        """The factors multiplied."""
        with quietly():
            return float(np.prod([np.float64(factor.value) for factor in self.factors]))

    def past(self, skipped: Callable[[Symbol], bool]) -> Path:
        """The same with no stop at the `skipped` values, which go on as they are: their factor is 1."""
        found: list[Factor] = []
        top: Ref | None = None
        for factor in self.factors:
            joined = factor if top is None else replace(factor, top=top)
            top = joined.top if skipped(factor.bottom.symbol) and factor is not self.factors[-1] else None
            found += [] if top else [joined]
        return Path(tuple(found))

    @property
    def nodes(self) -> tuple[Ref, ...]:
        """What the path goes through, the output first."""
        return (self.factors[0].top, *(factor.bottom for factor in self.factors))

    @property
    def through(self) -> tuple[Ref, ...]:
        """What tells the path from the others: the units (in a circuit the gates) that it goes through, by one name."""
        return tuple(
            factor.bottom
            for factor in self.factors
            if factor.bottom.symbol.quantity in ("activation", "node")
            or factor.top.symbol.quantity == "loss"
            or factor.use.rule == "softmax"
        )

    @property
    def digits(self) -> int:
        """With how many digits to show the factors, so that what is shown multiplies out."""
        return self.digits_for(4)

    def digits_for(self, of_product: int) -> int:
        """With how many digits to show the factors, so that they multiply out to the product with so many."""
        factors = [factor.value for factor in self.factors]
        for digits in range(of_product, 13):
            with quietly():
                if reads_as(np.prod(as_shown(factors, digits)), self.product, of_product):
                    return digits
        return of_product

    @property
    def places(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """(symbol id, index) from the start of the path to its end, the weights of its connections too."""
        found = [_place(self.factors[-1].bottom)]
        for factor in reversed(self.factors):
            found += [_place(factor.weight)] if factor.weight else []
            found.append(_place(factor.top))
        return tuple(found)


def _place(ref: Ref) -> tuple[str, tuple[int, ...]]:
    return ref.symbol.id, ref.index or ()


@dataclass(frozen=True)
class Chain:
    """The gradient `total` of the output with respect to one element `of` a value, as a sum over paths.

    `count` is how many paths there are, `zero` how many of them have a factor 0 (None: too many to count exactly).
    `paths` has all of them, or the largest, with `rest` the sum of the others.
    """

    of: Ref
    gradient: Ref
    paths: tuple[Path, ...]
    count: int
    zero: int | None
    total: float

    @property
    def rest(self) -> float | None:
        """The sum of the paths that are not listed; None if all are."""
        if self.count == len(self.paths):
            return None
        return self.total - float(sum(path.product for path in self.paths))

    def past(self, skipped: Callable[[Symbol], bool]) -> Chain:
        """The same with no stop at the `skipped` values on any path."""
        return replace(self, paths=tuple(path.past(skipped) for path in self.paths))

    @cached_property
    def digits(self) -> int:
        """With how many digits to show the products, so that what is shown adds up to the total."""
        terms = [path.product for path in self.paths] + ([] if self.rest is None else [self.rest])
        for digits in range(4, 13):
            with quietly():
                if reads_as(np.sum(as_shown(terms, digits)), self.total):
                    return digits
        return 4


def splits(program: Program, start: Symbol) -> tuple[int, ...] | None:
    """Into how many each path from an element of a value splits on its way to the output, value by value.

    Their product is how many paths there are. None where paths go through different values, as in a circuit.
    """
    known, found = links(program), []
    while start != program.model.output:
        if len(known.get(start, ())) != 1 or not program.model.layers:
            return None
        (link,) = known[start]
        found += [prod(link.top.shape)] if link.dense else []
        start = link.top
    return tuple(found)


def uses(program: Program, start: Symbol) -> tuple[int, ...]:
    """How many paths to the output lead on from an element of a value through each use of it, in order.

    In a circuit a gate that takes a value twice uses it twice. Their sum is how many paths there are.
    """
    model = program.model
    if model.layers:
        known, count = links(program), {model.output: 1}
        for symbol, up in known.items():
            if symbol != model.output:
                count[symbol] = sum(count[link.top] * fan(link) for link in up)
        return tuple(count[link.top] * fan(link) for link in known.get(start, ()))[::-1]
    paths: Counter[Symbol] = Counter({model.output: 1})
    found: list[int] = []
    for eq in reversed(model.forward):
        for node in walk(eq.formula):
            if isinstance(node, Ref) and paths[eq.symbol]:
                paths[node.symbol] += paths[eq.symbol]
                found += [paths[eq.symbol]] if node.symbol == start else []
    return tuple(found[::-1])


class Paths:
    """All paths of one trace and one example of its batch (from 0)."""

    def __init__(self, trace: Trace, example: int = 0):
        self.trace, self.example = trace, example
        self.output = trace.program.model.output
        self.links = links(trace.program, self._look)
        # Paths an element: one number where those of a symbol have equally many.
        self.counts: dict[Symbol, Count] = {self.output: 1}
        self._locals: dict[Symbol, np.ndarray] = {}
        # Of each element the largest |products| on to the output (−1: no such path), and how such a path goes on:
        # (which link, which element of its top, the how-manieth largest of that).
        self._best = {self.output: np.array([[1.0] + [-1.0] * (ALL - 1)])}
        self._next: dict[Symbol, np.ndarray] = {}
        self._alive = {self.output: np.array([1.0])}  # paths an element without a factor 0
        with quietly():
            for symbol, up in self.links.items():
                if symbol != self.output:
                    self.counts[symbol] = sum(handed_down(link, symbol, self.counts[link.top]) for link in up)
                    ends = symbol.quantity in ("weights", "biases") and not up[0].dense
                    if not ends:  # those are looked at one by one
                        self._pass(symbol, up)

    def _look(self, ref: Ref) -> Any:
        """A value, at the example whose paths these are."""
        many = ref.symbol.per_example and ref.example is None
        return self.trace.value(Ref(ref.symbol, ref.index, self.example) if many else ref)

    def _factors(self, link: Link) -> np.ndarray:
        """The local derivatives: (elements of top, elements below) of a dense link, else one an element below."""
        if link.local.symbol not in self._locals:
            formula = link.local.formula
            if self.trace.examples > 1:
                formula = at_example(formula, self.example)
            shape = link.local.symbol.shape
            value = np.broadcast_to(np.asarray(evaluate(formula, self.trace.value), dtype=float), shape)
            tops = prod(link.top.shape) if link.dense else None
            value = value.reshape(-1) if tops is None else value.reshape(tops, -1)
            self._locals[link.local.symbol] = value if link.where is None else np.where(link.where, value, 0.0)
        return self._locals[link.local.symbol]

    def _pass(self, symbol: Symbol, up: tuple[Link, ...]) -> None:
        """The largest paths of a symbol's elements, from those of what depends on it."""
        size = prod(symbol.shape)
        columns = np.arange(size)
        values: list[np.ndarray] = []
        ways: list[np.ndarray] = []
        alive = np.zeros(size)
        for at, link in enumerate(up):
            local, best = np.abs(self._factors(link)), self._best[link.top]
            if link.dense:
                # Of the elements above only those whose own largest is among the largest can matter.
                first = _there(_weigh(local, best[:, :1]), link.where)
                tops = np.sort(np.argsort(-first, axis=0, kind="stable")[:ALL], axis=0)  # (few, size)
                factor, there = local[tops, columns], link.where
                there = None if there is None else there[tops, columns][:, None, :]
                alive += (local != 0).T @ self._alive[link.top]
            else:
                tops = (columns // (size // prod(link.top.shape)))[None, :]
                factor, there = local[None, :], None
                alive += (local != 0) * self._alive[link.top][tops[0]]
            found = _there(_weigh(factor[:, None, :], best[tops].transpose(0, 2, 1)), there)  # (few, ALL, size)
            few = len(tops)
            way = np.empty((few, ALL, size, 3), dtype=int)
            way[..., 0], way[..., 1], way[..., 2] = at, tops[:, None, :], np.arange(ALL)[None, :, None]
            values.append(found.reshape(few * ALL, size))
            ways.append(way.reshape(few * ALL, size, 3))
        every, way = np.concatenate(values), np.concatenate(ways)
        order = np.argsort(-every, axis=0, kind="stable")[:ALL]
        self._best[symbol] = every[order, columns].T
        self._next[symbol] = way[order, columns].transpose(1, 0, 2)
        self._alive[symbol] = alive

    def chain(self, of: Ref) -> Chain:
        """The gradient with respect to one element, path by path; of a symbol with a `use` the part of that."""
        symbol, plain = of.symbol, replace(of.symbol, use="")
        example = self.example if self.output.per_example else None
        of = Ref(plain, of.index or None, example if symbol.per_example else None)
        gradient = Ref(gradient_of(self.output, plain, symbol.use), of.index, example)
        if symbol.use and plain in self.links:
            self.of_use(symbol, self.links[plain])
        if symbol not in self.links:
            return Chain(of, gradient, (), 0, 0, 0.0)
        total = float(self.trace.value(gradient))
        flat = int(np.ravel_multi_index(of.index, symbol.shape)) if of.index else 0
        count = _of_element(self.counts[symbol], flat)
        ranks = range(min(count, ALL if count <= ALL else LISTED))
        ways = [self._way(symbol, flat, rank) for rank in ranks]
        if count <= ALL:
            ways.sort(key=lambda way: [(at, top) for _, _, at, top in way])  # all of them: in the network's order
        paths = tuple(Path(tuple(self._factor(*part) for part in reversed(way))) for way in ways)
        return Chain(of, gradient, paths, count, self._zero(symbol, flat, count), total)

    def of_use(self, symbol: Symbol, up: tuple[Link, ...]) -> None:
        """The links of a symbol by one of its uses, as those of a symbol of its own."""
        if symbol in self.links:
            return
        up = of_use(symbol.use, up)
        self.links[symbol] = up
        self.counts[symbol] = sum(handed_down(link, symbol, self.counts[link.top]) for link in up)
        with quietly():
            self._pass(symbol, up)

    def _way(self, symbol: Symbol, flat: int, rank: int) -> list[tuple[Symbol, int, int, int]]:
        """A path upward as (symbol, element, which link, element of its top)."""
        way = []
        while symbol != self.output:
            if symbol in self._next:
                at, top, rank = map(int, self._next[symbol][flat, rank])
            else:
                at, top = 0, self._above(symbol, flat)
            way.append((symbol, flat, at, top))
            symbol, flat = self.links[symbol][at].top, top
        return way

    def _above(self, symbol: Symbol, flat: int) -> int:
        """The unit that a weight or bias feeds."""
        return flat // (prod(symbol.shape) // prod(self.links[symbol][0].top.shape))

    def _factor(self, symbol: Symbol, flat: int, at: int, top: int) -> Factor:
        link = self.links[symbol][at]
        value = self._factors(link)[(top, flat) if link.dense else flat]
        above, below = self._ref(link.top, top), self._ref(symbol, flat)
        index = (*(above.index or ()), *(below.index or ())) if link.dense else below.index or ()
        return Factor(above, below, link.local, link.use, index, float(value))

    def _ref(self, symbol: Symbol, flat: int) -> Ref:
        index = tuple(map(int, np.unravel_index(flat, symbol.shape))) if symbol.shape else None
        return Ref(replace(symbol, use=""), index, self.example if symbol.per_example else None)

    def _zero(self, symbol: Symbol, flat: int, count: int) -> int | None:
        if count >= 2**53:  # beyond what the pass has counted exactly
            return None
        if symbol in self._alive:
            return count - int(self._alive[symbol][flat])
        (link,) = self.links[symbol]
        alive = self._alive[link.top][self._above(symbol, flat)] if self._factors(link)[flat] else 0
        return count - int(alive)


def _of_element(count: Count, flat: int) -> int:
    return int(count if np.ndim(count) == 0 else count[flat])


def _there(weights: np.ndarray, where: np.ndarray | None) -> np.ndarray:
    return weights if where is None else np.where(where, weights, -1.0)


def _weigh(factors: np.ndarray, best: np.ndarray) -> np.ndarray:
    """|factor| times what follows; −1 where nothing follows, 0 for what is undefined (∞ · 0): it comes last."""
    found = np.nan_to_num(factors * best, nan=0.0, posinf=np.inf)
    return np.where(best < 0, -1.0, found)


class _Kept(dict[int, Paths]):
    """The paths of a trace by example."""


def paths_of(trace: Trace, example: int = 0) -> Paths:
    """The paths of a trace and one example of its batch, worked out once and kept with the trace."""
    kept = trace.memo.of(_Kept)
    if example not in kept:
        kept[example] = Paths(trace, example)
    return kept[example]


def target(step: Step) -> Ref | None:
    """What a step's gradient is with respect to, an element of it; None for a step that has no chain.

    Of a whole vector or matrix the first element. An update has the chain of its parameter's gradient.
    """
    symbol = step.equation.symbol
    if symbol.quantity not in ("gradient", "updated") or symbol.wrt is None:
        return None
    if step.trace.program.model.arrays and not listable(step.trace.program, symbol.wrt):
        return None
    index = step.index if step.index is not None else (0,) * len(symbol.wrt.shape)
    return Ref(replace(symbol.wrt, use=symbol.use), index or None)
