"""A gradient held against differences, and where those meet a corner.

Everything here comes from the forward equations, evaluated again with some values put in the place of others
(`Probe`). Nothing comes from the backward equations, so that a gradient can be held against it.

Glossary of the letters used below:
    L   the loss, the objective or a circuit's output      w   the one value that L is seen as a function of
    g   dL/dw as the backward pass has it                  ε   how far w is moved for a difference
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tutor.engine.activations import ACTIVATIONS, Z, corners
from tutor.engine.backprop import between
from tutor.engine.expressions import Call, Ref, Symbol, evaluate, refs, walk
from tutor.engine.floats import quietly
from tutor.engine.ids import is_use_by
from tutor.engine.model import Equation
from tutor.engine.program import Values
from tutor.engine.trace import Trace

EPSILONS = tuple(float(f"1e-{k}") for k in range(1, 13))  # 0.1 ... 10⁻¹²
USUAL = 1e-5  # the ε for many elements at once: near where rounding and truncation are both small
MAX_CHECKED = 400  # elements of a large matrix that are checked, spread evenly; fewer, down to 50, of huge ones
WORK = 2e7  # multiplications that a whole matrix may cost
ROUNDING = 2.0**-52


# ---------------------------------------------------------------- the loss as a function


class Probe:
    """One number of the forward pass as a function of the values of some symbols, all else fixed.

    `of` is that number (of a batch: the mean, or one example's), `wrt` the symbols that may be changed; with a `use`
    they are changed for that gate, or that line, alone.
    """

    def __init__(self, trace: Trace, of: Ref, *wrt: Symbol, use: str = ""):
        self.trace, self.of, self.use = trace, of, use
        on_the_way = between(trace.program.model.forward, of.symbol, wrt) - set(wrt)
        self.equations = [eq for eq in trace.program.model.forward if eq.symbol in on_the_way]
        moved = {*wrt, *on_the_way}
        # A loss is computed from z where it can be; if only ŷ is changed it must be computed from ŷ.
        self.formulas = [
            eq.compute if eq.compute and any(ref.symbol in moved for ref in refs(eq.compute)) else eq.formula
            for eq in self.equations
        ]

    def values(self, changes: Mapping[str, np.ndarray]) -> Values:
        """What changes if these values (by key, examples first) take the place of those of the trace."""
        known: Values = self.trace.iteration.values
        found: Values = dict(changes)

        def look(ref: Ref) -> Any:
            key = ref.symbol.key
            return found[key] if key in found else known[key]

        def elsewhere(ref: Ref) -> Any:
            return known[ref.symbol.key] if ref.symbol.key in changes else look(ref)

        for eq, formula in zip(self.equations, self.formulas, strict=True):
            here = not self.use or is_use_by(self.use, eq.symbol.id)
            found[eq.symbol.key] = evaluate(formula, look if here else elsewhere)
        return found

    def __call__(self, changes: Mapping[str, np.ndarray]) -> float:
        """The same with some of the given values changed."""
        return self.result(self.values(changes))

    def result(self, values: Values) -> float:
        """What is differentiated, of values by key."""
        symbol = self.of.symbol
        value = values[symbol.key] if symbol.key in values else self.trace.iteration.values[symbol.key]
        return float(value[self.of.example]) if symbol.per_example else float(value)  # type: ignore[index]

    def moved(self, wrt: Ref, value: float) -> dict[str, np.ndarray]:
        """The change of one element, as `values` takes it: its key and the whole array, in which all else stays."""
        symbol = wrt.symbol
        array = np.array(self.trace.iteration.values[symbol.key], dtype=float)
        example = (wrt.example,) if symbol.per_example else ()
        array[example + (wrt.index or ())] = value
        return {symbol.key: array}

    def along(self, wrt: Ref) -> Callable[[float], float]:
        """L as a function of one element."""
        return lambda value: self(self.moved(wrt, value))


# ---------------------------------------------------------------- gradient check


@dataclass(frozen=True)
class Kink:
    """Where L has a corner within ±`epsilon` of w, the smallest ε for which it does and the two slopes differ.

    `at` names the values whose sign or winner changes there (at most three; `count` is how many do), `ops`
    the operators they belong to. `left` and `right` are the slopes to either side. `exact`: w stands on it.
    """

    epsilon: float
    at: tuple[Ref, ...]
    count: int
    ops: tuple[str, ...]
    left: float
    right: float
    exact: bool


@dataclass(frozen=True)
class Check:
    """A gradient held against differences, for every ε of `EPSILONS`.

    `numeric[k]` is (up[k] − down[k]) / 2ε, `errors[k]` its relative error; NaN where L is not a number.
    `best` is the k of the smallest error, None if there is none.
    """

    gradient: Ref
    of: Ref
    wrt: Ref
    value: float
    loss: float
    analytic: float
    up: tuple[float, ...]
    down: tuple[float, ...]
    numeric: tuple[float, ...]
    errors: tuple[float, ...]
    best: int | None
    kink: Kink | None

    @property
    def told(self) -> int | None:
        """The k to tell about: the best one; on a kink, where none is good, that of the usual ε."""
        return EPSILONS.index(USUAL) if self.kink and self.kink.exact else self.best

    @property
    def rounding(self) -> bool:
        """Whether the best difference is as near as the rounding of L lets it be."""
        if self.best is None:
            return False
        return abs(self.numeric[self.best] - self.analytic) <= 8 * ROUNDING * abs(self.loss) / EPSILONS[self.best]


@dataclass(frozen=True)
class WholeCheck:
    """All elements of a gradient (of a large one `checked`, spread evenly) at ε = `USUAL`.

    `worst` is the largest relative error of an element, at `at`; `together` that of all as one vector,
    ‖a − n‖ / max(‖a‖, ‖n‖). `rounding`: the worst one is rounding's.
    """

    count: int
    checked: int
    worst: float
    at: Ref
    together: float
    rounding: bool


def relative_error(analytic: float, numeric: float) -> float:
    """|a − n| / max(|a|, |n|); 0 where both are 0, NaN where one is not finite."""
    if not (np.isfinite(analytic) and np.isfinite(numeric)):
        return float("nan")
    size = max(abs(analytic), abs(numeric))
    return abs(analytic - numeric) / size if size else 0.0


def check(trace: Trace, gradient: Ref) -> Check:
    """An element of a gradient (`gradient.symbol` one of the trace's) against central differences."""
    of, wrt = _sides(gradient)
    probe = Probe(trace, of, wrt.symbol, use=gradient.symbol.use)
    value, analytic = float(trace.value(wrt)), float(trace.value(gradient))
    sides = [[probe.values(probe.moved(wrt, value + sign * epsilon)) for epsilon in EPSILONS] for sign in (1.0, -1.0)]
    up, down = ([probe.result(found) for found in side] for side in sides)
    with quietly():
        numeric = [float(np.float64(u - d) / (2 * e)) for u, d, e in zip(up, down, EPSILONS, strict=True)]
    errors = [relative_error(analytic, n) for n in numeric]
    best = None if np.all(np.isnan(errors)) else int(np.nanargmin(errors))
    loss = probe.result({})
    kink = _kink(probe, wrt, value, loss, *sides)
    return Check(
        gradient, of, wrt, value, loss, analytic, tuple(up), tuple(down), tuple(numeric), tuple(errors), best, kink
    )


def _sides(gradient: Ref) -> tuple[Ref, Ref]:
    """What is differentiated, and with respect to which element."""
    of, wrt = gradient.symbol.of, gradient.symbol.wrt
    assert of and wrt
    return (
        Ref(of, None, gradient.example if of.per_example else None),
        Ref(wrt, gradient.index, gradient.example if wrt.per_example else None),
    )


def check_all(trace: Trace, gradient: Ref) -> WholeCheck:
    """Every element of a gradient; `gradient` has no index."""
    shape = gradient.symbol.shape
    count = int(np.prod(shape))
    most = int(np.clip(WORK / (count * trace.examples), 50, MAX_CHECKED))
    places = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
    taken = [tuple(map(int, np.unravel_index(place, shape))) for place in places]
    of, wrt = _sides(gradient)
    probe = Probe(trace, of, wrt.symbol, use=gradient.symbol.use)
    exact = np.asarray(trace.value(gradient))
    analytic = np.array([float(exact[index]) for index in taken])
    numeric = np.array([_difference(probe, replace(wrt, index=index)) for index in taken])
    errors = np.array([relative_error(a, n) for a, n in zip(analytic, numeric, strict=True)])
    at = int(np.nanargmax(errors)) if not np.all(np.isnan(errors)) else 0
    with quietly():
        size = max(np.linalg.norm(analytic), np.linalg.norm(numeric))
        together = float(np.linalg.norm(analytic - numeric) / size) if size else 0.0
        hidden = bool(abs(analytic[at] - numeric[at]) <= 8 * ROUNDING * abs(probe.result({})) / USUAL)
    return WholeCheck(count, len(taken), float(errors[at]), replace(gradient, index=taken[at]), together, hidden)


def _difference(probe: Probe, wrt: Ref) -> float:
    L, value = probe.along(wrt), float(probe.trace.value(wrt))
    return (L(value + USUAL) - L(value - USUAL)) / (2 * USUAL)


# Operators with a corner -> which branch its arguments are on, as numbers that differ between branches.
def _winners(*arrays: Any) -> np.ndarray:
    stacked = np.stack(np.broadcast_arrays(*arrays))
    return np.tensordot(2.0 ** np.arange(len(arrays)), stacked == stacked.max(axis=0), axes=1)


def _losers(*arrays: Any) -> np.ndarray:
    return _winners(*(np.negative(array) for array in arrays))


def _piece(name: str) -> Callable[..., np.ndarray]:
    """Which piece of an activation z is on: a digit, −1, 0 or 1, for each of its corners."""

    def piece(z: np.ndarray, *rest: np.ndarray) -> np.ndarray:
        signs = [np.sign(evaluate(at, lambda ref: z if ref == Z else rest[-1])) for at in corners(name)]
        return np.asarray(sum(3.0**k * sign for k, sign in enumerate(signs)))

    return piece


_BRANCHES: dict[str, Callable[..., np.ndarray]] = {
    **{name: _piece(name) for name in ACTIVATIONS if corners(name)},
    "abs": np.sign,
    "max": _winners,
    "min": _losers,
}


def _corners(probe: Probe, values: Values) -> Iterator[tuple[Equation, Call, np.ndarray]]:
    """Every operator with a corner between w and L, and which branch its arguments are on."""
    known = probe.trace.iteration.values

    def look(ref: Ref) -> Any:
        return values.get(ref.symbol.key, known[ref.symbol.key])

    for eq, formula in zip(probe.equations, probe.formulas, strict=True):
        for node in walk(formula):
            if isinstance(node, Call) and node.op in _BRANCHES:
                args = [np.asarray(evaluate(arg, look)) for arg in node.args]
                yield eq, node, np.asarray(_BRANCHES[node.op](*args))


def _kink(probe: Probe, wrt: Ref, value: float, loss: float, ups: list[Values], downs: list[Values]) -> Kink | None:
    here = [branch for *_, branch in _corners(probe, {})]
    if not here:
        return None
    L, one = probe.along(wrt), probe.of.example if probe.of.symbol.per_example else None
    seen = 0
    for k in reversed(range(len(EPSILONS))):  # the smallest ε first
        at: list[Ref] = []
        ops: list[str] = []
        for side in (ups[k], downs[k]):
            for (eq, node, branch), before in zip(_corners(probe, side), here, strict=True):
                if np.all(np.isfinite(branch)):
                    changed = [_named(eq, node, tuple(map(int, place))) for place in np.argwhere(branch != before)]
                    changed = [ref for ref in changed if one is None or ref.example in (None, one)]
                    at += [ref for ref in changed if ref not in at]
                    ops += [node.op] * bool(changed and node.op not in ops)
        if len(at) > seen:
            seen = len(at)
            exact = k == len(EPSILONS) - 1
            h = 1e-6 if exact else EPSILONS[k]  # 10⁻¹² is too small for a difference
            left, right = (loss - L(value - h)) / h, (L(value + h) - loss) / h
            hidden = 1e-3 * max(abs(left), abs(right)) + 8 * ROUNDING * abs(loss) / h
            if not abs(right - left) <= hidden:  # else the corner is one that L does not feel
                return Kink(EPSILONS[k], tuple(at[:3]), len(at), tuple(ops), left, right, exact)
    return None


def _named(eq: Equation, node: Call, place: tuple[int, ...]) -> Ref:
    """The unit whose branch it is: the z of a ReLU, the value that max, min or abs makes."""
    arg = node.args[0]
    symbol = arg.symbol if isinstance(arg, Ref) and node.op in ACTIVATIONS else eq.symbol
    example, index = (place[0], place[1:]) if symbol.per_example else (None, place)
    return Ref(symbol, index or None, example)
