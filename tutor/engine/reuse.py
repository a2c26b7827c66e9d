"""The meter: what backpropagation multiplies, compared with what it would take path by path."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np

from tutor.engine.expressions import Symbol
from tutor.engine.links import Count, fan, handed_down, links_of, listable, of_use
from tutor.engine.program import Program


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
    if program.model.arrays and not all(listable(program, symbol) for symbol in program.model.parameters):
        return {}
    known = links_of(program)
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
            paths = handed_down(link, symbol, count[link.top])
            joined = handed_down(link, symbol, factors[link.top] + (not link.unit) * count[link.top])
            bare = handed_down(link, symbol, plain[link.top]) if link.unit else 0
            count[symbol] = count[symbol] + paths
            factors[symbol] = factors[symbol] + joined
            plain[symbol] = plain[symbol] + bare
            reused = 0 if link.unit or link.top in one else fan(link)
            by_path = joined - (paths - bare)
            part[symbol, link.top] = (_of_all(reused, symbol), _of_all(by_path, symbol))
        if len(up) == 1 and np.all(fan(up[0]) == 1) and up[0].unit and up[0].top in one:
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
            costs = [part[wrt, link.top] for link in of_use(eq.symbol.use, known.get(wrt, ()))]
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


def _of_all(count: Count, symbol: Symbol) -> int:
    """Of all elements of a symbol together."""
    return int(count * prod(symbol.shape) if np.ndim(count) == 0 else count.sum())
