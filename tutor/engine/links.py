"""Links: what depends on what, a step of the chain rule at a time.

A link from `bottom` to `top` has the local derivative ∂top/∂bottom as its factor. Where the loss and the last
activation cancel, the links end at the output's error ∂L/∂z, so that ∞ · 0 cannot arise. A value that a formula uses
twice has one link with the whole local derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from tutor.engine.backprop import between, gradient_of
from tutor.engine.expressions import Call, Const, Expr, Ref, Symbol, evaluate, refs, rewrite, walk
from tutor.engine.ids import line_of
from tutor.engine.local import local_derivative
from tutor.engine.model import Equation
from tutor.engine.program import Program

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
        for bottom in eq.takes:
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


def listable(program: Program, symbol: Symbol) -> bool:
    """Whether every table of slopes between a symbol and the output is small enough for somebody to look at."""
    model = program.model
    between_them = between(model.forward, model.output, [symbol])
    if any(top in between_them and bottom in between_them for top, bottom in _too_large(program)):
        return False
    known = links_of(program)
    return all(
        any(link.top == eq.symbol for link in known.get(bottom, ()))
        for eq in model.forward
        if eq.symbol in between_them
        for bottom in between_them.intersection(eq.takes)
    )


@lru_cache(maxsize=8)
def _too_large(program: Program) -> tuple[tuple[Symbol, Symbol], ...]:
    """(top, bottom) of the tables that are too large, found before any is made."""
    model = program.model
    if not model.arrays:
        return ()
    wanted = between(model.forward, model.output, model.parameters)
    uses = [(eq, symbol) for eq in model.forward for symbol in eq.takes if symbol in wanted]
    return tuple((eq.symbol, bottom) for eq, bottom in uses if local_derivative(eq, bottom) is None)


@lru_cache(maxsize=8)
def links_of(program: Program) -> dict[Symbol, tuple[Link, ...]]:
    """`links` without values, kept: what depends on what whatever the numbers are."""
    return links(program)


def of_use(use: str, up: tuple[Link, ...]) -> tuple[Link, ...]:
    """Of all links of a symbol those of one use: the author's line, or the gate where a line has several."""
    line = tuple(link for link in up if line_of(link.top.id) == line_of(use))
    return line if len(line) == 1 else tuple(link for link in line if link.top.id == use)


# ---------------------------------------------------------------- counts along links

Count = Any  # an int; or of each element (elements,), where they differ


def fan(link: Link) -> Count:
    """How many elements of its top an element below leads to."""
    if link.where is not None:
        return link.where.sum(axis=0)
    return prod(link.top.shape) if link.dense else 1


def handed_down(link: Link, bottom: Symbol, above: Count) -> Count:
    """What elements above have, added up over those that an element below leads to."""
    if link.where is not None:
        return np.broadcast_to(above, len(link.where)) @ link.where.astype(float)
    if np.ndim(above) == 0:
        return above * fan(link)
    return above.sum() if link.dense else np.repeat(above, prod(bottom.shape) // len(above))
