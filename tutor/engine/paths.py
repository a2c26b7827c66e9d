"""Paths: every way on which a value reaches the loss, each with its product of local derivatives.

The chain rule says: multiply along a path, add over the paths. A path goes from one element of a value (a weight,
a unit, a circuit's wire) up to the output, a link at a time; a link from `bottom` to `top` has the local derivative
∂top/∂bottom as its factor. Where the loss and the last activation cancel, a path ends at the output's error ∂L/∂z, so
that ∞ · 0 cannot arise. A value that a formula uses twice has one link with the whole local derivative.

Nobody lists 9,000 paths: they are counted by adding up counts, the largest few are found by one pass from the output
back (of each element only its few largest paths can be part of anything's), and the rest is one sum, the gradient less
the listed. The passes are loops over the equations: any depth will do, and any graph without a cycle.

The meter (`tally`) compares what backpropagation multiplies with what it would take path by path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from math import prod
from typing import Any

import numpy as np

from tutor.engine.backprop import between, gradient_of
from tutor.engine.expressions import Call, Const, Expr, Ref, Symbol, at_example, element, evaluate, refs, rewrite, walk
from tutor.engine.ids import line_of
from tutor.engine.local import local_derivative
from tutor.engine.losses import LOSSES, DerivationLine
from tutor.engine.model import Equation
from tutor.engine.program import Program
from tutor.engine.trace import Step, Trace, as_shown, reads_as

ALL = 8  # so many paths are listed one by one ...
LISTED = 5  # ... and of more of them so many, the largest

_MOVES = frozenset("add sub neg sum transpose reshape concat row embedding".split())  # add up, or put elsewhere
_GIVEN = ("target", "hyper", "input")  # what comes with the data is nobody's fault


@dataclass(frozen=True)
class Link:
    """`top` depends on the symbol below it by the equation `use`; `local` is the equation of the local derivative.

    `dense`: every element of `top` depends on every element below, or on those that are true in `where` (elements of
    top, elements below). Else each on its own (a unit's a on its z), or the elements of a row on the row's (a unit's z
    on its weights), or a single `top` on each of them (the loss).
    """

    use: Equation
    local: Equation
    dense: bool
    where: np.ndarray | None = field(default=None, compare=False)

    @property
    def top(self) -> Symbol:
        """What depends on the symbol below."""
        return self.use.symbol

    @property
    def unit(self) -> bool:
        """Whether the factor is 1 or −1 whatever the numbers are: a bias's, a linear unit's, an add gate's."""
        if isinstance(self.local.formula, Const):
            return abs(self.local.formula.value) == 1
        bottom = self.local.symbol.wrt
        within = [node for node in walk(self.use.formula) if any(ref.symbol == bottom for ref in refs(node))]
        once = sum(isinstance(node, Ref) for node in within) == 1
        return once and all(node.op in _MOVES for node in within if isinstance(node, Call))


def links(program: Program, look: Callable[[Ref], Any] | None = None) -> dict[Symbol, tuple[Link, ...]]:
    """For every symbol that the output depends on the links upward, in the order of a backward pass.

    Of equations over arrays `look` gives the values, at one example, which say what looks up which row. What lies below
    a table that is too large for anybody has no links.
    """
    model = program.model
    given = {symbol for symbol in (*model.data, *model.fixed) if symbol not in model.parameters}
    found: dict[Symbol, list[Link]] = {model.output: []}
    for eq in reversed(model.forward):
        if eq.symbol not in found:
            continue
        for bottom in dict.fromkeys(ref.symbol for ref in refs(eq.formula)):
            cut = any(link.local.rule == "combined_error" for link in found.get(bottom, ()))
            if bottom.quantity in _GIVEN or bottom in given or cut:
                continue  # past its activation in one piece
            local = local_derivative(eq, bottom)
            if local is None:
                continue
            dense = bool(eq.symbol.shape) and local.symbol.shape == eq.symbol.shape + bottom.shape
            where = reach(eq, bottom, look) if dense and model.arrays else None
            found.setdefault(bottom, []).append(Link(eq, local, dense, where))
        for z in eq.shortcuts:
            error = program.by_key[gradient_of(model.output, z).key]
            found[z] = [Link(eq, error, False)]
    order = [model.output, *(eq.symbol for eq in reversed(model.forward)), *model.parameters]
    return {symbol: tuple(found[symbol]) for symbol in dict.fromkeys(order) if symbol in found}


def reach(eq: Equation, bottom: Symbol, look: Callable[[Ref], Any] | None = None) -> np.ndarray | None:
    """Which elements of an equation's value depend on which elements below, (elements of top, elements below).

    None if all do. What a NaN in one place spoils is what depends on it: a copy of the formula for each place, where a
    batch has its examples. `look` gives the other values (without it they are 1).
    """
    size, place = prod(bottom.shape), Ref(Symbol("·", bottom.shape, per_example=True))

    def one(node: Expr) -> Expr | None:
        if isinstance(node, Ref):
            return place if node.symbol == bottom else Ref(Symbol(node.symbol.id, node.shape))
        return None

    def values(ref: Ref) -> Any:
        if ref == place:
            spoilt = np.ones((size, size))
            np.fill_diagonal(spoilt, np.nan)
            return spoilt.reshape(size, *bottom.shape)
        found = np.ones(ref.shape) if look is None else np.asarray(look(known[ref.symbol.id]), dtype=float)
        return np.where(np.isfinite(found), found, 1.0)

    known = {ref.symbol.id: ref for ref in refs(eq.formula)}
    spoilt = np.isnan(evaluate(rewrite(eq.formula, one), values)).reshape(size, -1).T
    return None if spoilt.all() else spoilt


def _listable(program: Program, symbol: Symbol) -> bool:
    """Whether every table of slopes between a symbol and the output is small enough for somebody to look at."""
    model = program.model
    between_them = between(model.forward, model.output, [symbol])
    if any(top in between_them and bottom in between_them for top, bottom in _too_large(program)):
        return False
    known = _all_links(program)
    return all(
        any(link.top == eq.symbol for link in known.get(bottom, ()))
        for eq in model.forward
        if eq.symbol in between_them
        for bottom in {ref.symbol for ref in refs(eq.formula)} & between_them
    )


@lru_cache(maxsize=8)
def _too_large(program: Program) -> tuple[tuple[Symbol, Symbol], ...]:
    """(top, bottom) of the tables that are too large, found before any is made."""
    model = program.model
    if not model.arrays:
        return ()
    wanted = between(model.forward, model.output, model.parameters)
    uses = [(eq, ref.symbol) for eq in model.forward for ref in refs(eq.formula) if ref.symbol in wanted]
    return tuple((eq.symbol, bottom) for eq, bottom in uses if local_derivative(eq, bottom) is None)


@lru_cache(maxsize=8)
def _all_links(program: Program) -> dict[Symbol, tuple[Link, ...]]:
    return links(program)


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
        with np.errstate(all="ignore"):
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
            with np.errstate(all="ignore"):
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
            with np.errstate(all="ignore"):
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
                count[symbol] = sum(count[link.top] * _fan(link) for link in up)
        return tuple(count[link.top] * _fan(link) for link in known.get(start, ()))[::-1]
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
        with np.errstate(all="ignore"):
            for symbol, up in self.links.items():
                if symbol != self.output:
                    self.counts[symbol] = sum(_handed_down(link, symbol, self.counts[link.top]) for link in up)
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
            self._of_use(symbol, self.links[plain])
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

    def _of_use(self, symbol: Symbol, up: tuple[Link, ...]) -> None:
        """The links of a symbol by one of its uses, as those of a symbol of its own."""
        if symbol in self.links:
            return
        up = _of_use(symbol.use, up)
        self.links[symbol] = up
        self.counts[symbol] = sum(_handed_down(link, symbol, self.counts[link.top]) for link in up)
        with np.errstate(all="ignore"):
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


def _of_use(use: str, up: tuple[Link, ...]) -> tuple[Link, ...]:
    """Of all links of a symbol those of one use: the author's line, or the gate where a line has several."""
    line = tuple(link for link in up if line_of(link.top.id) == line_of(use))
    return line if len(line) == 1 else tuple(link for link in line if link.top.id == use)


Count = Any  # an int; or of each element (elements,), where they differ


def _fan(link: Link) -> Count:
    """How many elements of its top an element below leads to."""
    if link.where is not None:
        return link.where.sum(axis=0)
    return prod(link.top.shape) if link.dense else 1


def _handed_down(link: Link, bottom: Symbol, above: Count) -> Count:
    """What elements above have, added up over those that an element below leads to."""
    if link.where is not None:
        return np.broadcast_to(above, len(link.where)) @ link.where.astype(float)
    if np.ndim(above) == 0:
        return above * _fan(link)
    return above.sum() if link.dense else np.repeat(above, prod(bottom.shape) // len(above))


def _of_element(count: Count, flat: int) -> int:
    return int(count if np.ndim(count) == 0 else count[flat])


def _of_all(count: Count, symbol: Symbol) -> int:
    """Of all elements of a symbol together."""
    return int(count * prod(symbol.shape) if np.ndim(count) == 0 else count.sum())


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
    if step.trace.program.model.arrays and not _listable(step.trace.program, symbol.wrt):
        return None
    index = step.index if step.index is not None else (0,) * len(symbol.wrt.shape)
    return Ref(replace(symbol.wrt, use=symbol.use), index or None)


# ---------------------------------------------------------------- the meter


@dataclass(frozen=True)
class Tally:
    """Multiplications for one example: of this step and of the backward pass so far, with reuse and path by path."""

    here: int
    here_by_path: int
    so_far: int
    by_path_so_far: int


@lru_cache(maxsize=8)
def tally(program: Program) -> dict[str, Tally]:
    """What the backward pass multiplies, by the key of its equations, those of parameters and all between.

    Counted is a multiplication of two factors of the chain rule. The factors themselves (local derivatives, the
    output's error) are taken as known in both ways, and a factor that is 1 or −1 whatever the numbers is none.

    With reuse, an element of a gradient takes one multiplication for each link upward: the gradient above, which is
    there already, times the link's factor. (∂L/∂a of a unit that feeds three: three. ∂L/∂w: one. ∂L/∂b: none.)

    Path by path, nothing is there already: the same element takes, for each of its paths, one multiplication fewer
    than the path has factors. Neither counts the additions, the mean over a batch, L2 or the update. Empty where a
    table of slopes is too large to be made.
    """
    if program.model.arrays and not all(_listable(program, symbol) for symbol in program.model.parameters):
        return {}
    known = _all_links(program)
    output = program.model.output
    # paths, their factors together, those without any
    count: dict[Symbol, Count] = {output: 1}
    factors: dict[Symbol, Count] = {output: 0}
    plain: dict[Symbol, Count] = {output: 1}
    one = {output}  # gradients that are 1 or −1 whatever the numbers
    cost: dict[Symbol, tuple[int, int]] = {}
    part: dict[tuple[Symbol, Symbol], tuple[int, int]] = {}  # the same, of what comes back from one gate
    for symbol, up in known.items():
        if symbol == output:
            continue
        count[symbol] = factors[symbol] = plain[symbol] = 0
        for link in up:
            paths = _handed_down(link, symbol, count[link.top])
            joined = _handed_down(link, symbol, factors[link.top] + (not link.unit) * count[link.top])
            bare = _handed_down(link, symbol, plain[link.top]) if link.unit else 0
            count[symbol] = count[symbol] + paths
            factors[symbol] = factors[symbol] + joined
            plain[symbol] = plain[symbol] + bare
            reused = 0 if link.unit or link.top in one else _fan(link)
            by_path = joined - (paths - bare)
            part[symbol, link.top] = (_of_all(reused, symbol), _of_all(by_path, symbol))
        if len(up) == 1 and np.all(_fan(up[0]) == 1) and up[0].unit and up[0].top in one:
            one.add(symbol)
        costs = [part[symbol, link.top] for link in up]
        cost[symbol] = (sum(reused for reused, _ in costs), sum(by_path for _, by_path in costs))
    found: dict[str, Tally] = {}
    done: set[Symbol] = set()
    so_far = by_path_so_far = 0
    for eq in program.equations:
        wrt = eq.symbol.wrt
        if eq.phase != "backward" or wrt is None:
            continue
        if eq.symbol.use:
            costs = [part[wrt, link.top] for link in _of_use(eq.symbol.use, known.get(wrt, ()))]
            here, by_path = sum(reused for reused, _ in costs), sum(by_path for _, by_path in costs)
        else:  # a mean comes after the examples' own, a sum after its parts
            here, by_path = (0, 0) if wrt in done else cost.get(wrt, (0, 0))
        done.add(wrt)
        so_far, by_path_so_far = so_far + here, by_path_so_far + by_path
        found[eq.symbol.key] = Tally(here, by_path, so_far, by_path_so_far)
    return found


def of_parameters(program: Program) -> tuple[int, int]:
    """Multiplications for the gradients of all parameters: (with reuse, that is all of `tally`; path by path).

    Where there is training, those are what an update changes; else everything that a gradient is wanted of.
    """
    parameters = program.model.trained or program.model.parameters
    found = tally(program)
    if not found:
        return 0, 0
    wanted = {
        eq.symbol.key
        for eq in program.equations
        if eq.phase == "backward" and eq.symbol.wrt in parameters and eq.symbol.key in found
    }  # where several lines share a parameter its parts, too
    return max(entry.so_far for entry in found.values()), sum(found[key].here_by_path for key in wanted)


# ---------------------------------------------------------------- the derivation of a combined error


@dataclass(frozen=True)
class Stage:
    """One line of a derivation, with its value: `line.name` (None: the error itself) = `line.formula` = `value`."""

    line: DerivationLine
    value: np.ndarray | float


def derivation(step: Step) -> tuple[Stage, ...]:
    """How the output's error ∂L/∂z comes about where loss and activation cancel; empty for any other step.

    Of one element with every stage on the way, the quotient rule too; of the whole as vectors. Every line is true of
    this lesson's numbers. Lines that float64 cannot hold (1/ŷ where ŷ is 0) are left out: the result needs none.
    """
    model = step.trace.program.model
    if step.equation.rule != "combined_error":
        return ()
    last = model.layers[-1]
    L, y, a, z = (
        Ref(symbol, None, step.example)
        for symbol in (model.output, model.data[1], last.activation, last.pre_activation)
    )
    targets = np.asarray(step.trace.value(y))
    walk = LOSSES[model.loss_name].combined[last.activation_name].walk
    values: dict[Symbol, np.ndarray | float] = {}  # of the names that the derivation itself gives

    def value(ref: Ref) -> np.ndarray | float:
        return values[ref.symbol] if ref.symbol in values else step.trace.value(ref)

    stages = []
    for line in walk(L, y, a, z, step.index, targets):
        found = evaluate(line.formula, value)
        if line.name is not None and line.name.symbol.quantity == "node":
            values[line.name.symbol] = found
        if np.all(np.isfinite(found)):
            stages.append(Stage(line, found))
    return tuple(stages)
