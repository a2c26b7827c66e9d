"""What the numbers of a trace say about its gradients: checked by differences, drawn as slopes, compared by layer.

Everything here comes from the forward equations, evaluated again with some values put in the place of others
(`Probe`). Nothing comes from the backward equations, so that a gradient can be held against it.

Glossary of the letters used below:
    L   the loss, the objective or a circuit's output      w   the one value that L is seen as a function of
    g   dL/dw as the backward pass has it                  ε   how far w is moved for a difference
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from tutor.engine.activations import ACTIVATIONS as TABLE
from tutor.engine.activations import A, Z, meets, piecewise
from tutor.engine.backprop import between
from tutor.engine.formula import Call, Const, Ref, Symbol, call, evaluate, refs, walk
from tutor.engine.network import Equation, model
from tutor.engine.trace import Trace
from tutor.engine.training import Values

EPSILONS = tuple(float(f"1e-{k}") for k in range(1, 13))  # 0.1 ... 10⁻¹²
USUAL = 1e-5  # the ε for many elements at once: near where rounding and truncation are both small
MAX_CHECKED = 400  # elements of a large matrix that are checked, spread evenly; fewer, down to 50, of huge ones
WORK = 2e7  # multiplications that a whole matrix may cost
ROUNDING = 2.0**-52
FLAT = 0.05  # a unit is saturated where f′ is at most this part of its greatest value
EXTREME = 100.0  # gradients that shrink or grow by this factor from the last layer to the first vanish or explode


# ---------------------------------------------------------------- the loss as a function


class Probe:
    """One number of the forward pass as a function of the values of some symbols, all else fixed.

    `of` is that number (of a batch: the mean, or one example's), `wrt` the symbols that may be changed.
    """

    def __init__(self, trace: Trace, of: Ref, *wrt: Symbol):
        self.trace, self.of = trace, of
        on_the_way = between(trace.program.model.forward, of.symbol, wrt) - set(wrt)
        self.equations = [eq for eq in trace.program.model.forward if eq.symbol in on_the_way]
        moved = {*wrt, *on_the_way}
        # A loss is computed from z where it can be; if only ŷ is changed it must be computed from ŷ.
        self.formulas = [
            eq.compute if eq.compute and any(ref.symbol in moved for ref in refs(eq.compute)) else eq.formula
            for eq in self.equations
        ]

    def values(self, changes: Mapping[str, np.ndarray]) -> Values:
        """What changes if these values (by key) take the place of those of the trace."""
        known: Values = self.trace.iteration.values
        found: Values = dict(changes)

        def look(ref: Ref):
            key = ref.symbol.key
            return found[key] if key in found else known[key]

        for eq, formula in zip(self.equations, self.formulas, strict=True):
            found[eq.symbol.key] = evaluate(formula, look)
        return found

    def __call__(self, changes: Mapping[str, np.ndarray]) -> float:
        return self.result(self.values(changes))

    def result(self, values: Values) -> float:
        symbol = self.of.symbol
        value = values[symbol.key] if symbol.key in values else self.trace.iteration.values[symbol.key]
        return float(value[self.of.example]) if symbol.per_example else float(value)  # type: ignore[index]

    def moved(self, wrt: Ref, value: float) -> dict[str, np.ndarray]:
        """The change of one element: all else of its symbol stays."""
        symbol = wrt.symbol
        array = np.array(self.trace.iteration.values[symbol.key], dtype=float)
        example = (wrt.example,) if symbol.per_example else ()
        array[example + (wrt.index or ())] = value
        return {symbol.key: array}

    def along(self, wrt: Ref) -> Callable[[float], float]:
        """L as a function of one element."""
        return lambda value: self(self.moved(wrt, value))


def objective(trace: Trace) -> Symbol:
    """What an update makes smaller: the mean loss, with L2 regularisation the objective; a circuit's output."""
    program = trace.program.model
    return program.forward[-1].symbol if trace.lesson.network else program.output


def gradient_symbol(trace: Trace, wrt: Symbol) -> Symbol | None:
    """The finished gradient with respect to a symbol: of the objective, or of the mean, where there is one."""
    found = [
        eq.symbol
        for eq in trace.equations
        if eq.symbol.quantity == "gradient" and eq.symbol.wrt is not None and eq.symbol.wrt.id == wrt.id
    ]
    return found[-1] if found else None


def steepest(trace: Trace, gradient: Symbol, example: int | None = None) -> tuple[int, ...] | None:
    """The index of the element with the largest gradient; None for a single number."""
    if not gradient.shape:
        return None
    value = np.abs(np.asarray(trace.value(Ref(gradient, None, example if gradient.per_example else None))))
    if not np.any(np.isfinite(value)):
        return (0,) * len(gradient.shape)
    return tuple(map(int, np.unravel_index(int(np.nanargmax(value)), gradient.shape)))


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
    probe = Probe(trace, of, wrt.symbol)
    value, analytic = float(trace.value(wrt)), float(trace.value(gradient))
    sides = [[probe.values(probe.moved(wrt, value + sign * epsilon)) for epsilon in EPSILONS] for sign in (1.0, -1.0)]
    up, down = ([probe.result(found) for found in side] for side in sides)
    with np.errstate(all="ignore"):
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
    probe = Probe(trace, of, wrt.symbol)
    exact = np.asarray(trace.value(gradient))
    analytic = np.array([float(exact[index]) for index in taken])
    numeric = np.array([_difference(probe, replace(wrt, index=index)) for index in taken])
    errors = np.array([relative_error(a, n) for a, n in zip(analytic, numeric, strict=True)])
    at = int(np.nanargmax(errors)) if not np.all(np.isnan(errors)) else 0
    with np.errstate(all="ignore"):
        size = max(np.linalg.norm(analytic), np.linalg.norm(numeric))
        together = float(np.linalg.norm(analytic - numeric) / size) if size else 0.0
        hidden = bool(abs(analytic[at] - numeric[at]) <= 8 * ROUNDING * abs(probe.result({})) / USUAL)
    return WholeCheck(count, len(taken), float(errors[at]), replace(gradient, index=taken[at]), together, hidden)


def _difference(probe: Probe, wrt: Ref) -> float:
    L, value = probe.along(wrt), float(probe.trace.value(wrt))
    return (L(value + USUAL) - L(value - USUAL)) / (2 * USUAL)


# Operators with a corner -> which branch its arguments are on, as numbers that differ between branches.
def _winners(*arrays) -> np.ndarray:
    stacked = np.stack(np.broadcast_arrays(*arrays))
    return np.tensordot(2.0 ** np.arange(len(arrays)), stacked == stacked.max(axis=0), axes=1)


def _losers(*arrays) -> np.ndarray:
    return _winners(*(np.negative(array) for array in arrays))


_BRANCHES: dict[str, Callable[..., np.ndarray]] = {
    **{name: lambda z, *rest: np.sign(z) for name in TABLE if meets(name)},
    "abs": np.sign,
    "max": _winners,
    "min": _losers,
}


def _corners(probe: Probe, values: Values) -> Iterator[tuple[Equation, Call, np.ndarray]]:
    """Every operator with a corner between w and L, and which branch its arguments are on."""
    known = probe.trace.iteration.values

    def look(ref: Ref):
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
    symbol = arg.symbol if isinstance(arg, Ref) and node.op in TABLE else eq.symbol
    example, index = (place[0], place[1:]) if symbol.per_example else (None, place)
    return Ref(symbol, index or None, example)


# ---------------------------------------------------------------- slope


@dataclass(frozen=True)
class Update:
    """Where an update takes the selected parameter, and all of them: the loss there, and what the tangent says.

    `beyond`: at the new value L slopes the other way. `all_loss` and `all_predicted` are those of the whole update,
    `square` is ‖∇L‖², `rate` the learning rate; `plain`: gradient descent, whose step is −η times the slope.
    """

    value: float
    loss: float
    predicted: float
    beyond: bool
    all_loss: float
    all_predicted: float
    square: float
    rate: float
    plain: bool


@dataclass(frozen=True)
class Slope:
    """L as a function of one parameter: its curve (`xs`, `ys`), its value, its slope, and the update if there is one.

    `xs` is empty where L or the parameter is not a number.
    """

    of: Symbol
    wrt: Ref
    value: float
    loss: float
    slope: float
    update: Update | None
    xs: np.ndarray
    ys: np.ndarray


def slope(trace: Trace, wrt: Ref, points: int = 121) -> Slope:
    """The slope picture's numbers for one element of a parameter."""
    of = objective(trace)
    probe = Probe(trace, Ref(of), wrt.symbol)
    L = probe.along(wrt)
    gradient = gradient_symbol(trace, wrt.symbol)
    assert gradient is not None, wrt
    value, loss = float(trace.value(wrt)), probe.result({})
    g = float(trace.value(Ref(gradient, wrt.index)))
    update = _update(trace, of, wrt, value, loss, g, L)
    xs = np.empty(0)
    if np.isfinite(value) and np.isfinite(loss) and np.isfinite(g):
        new = update.value if update and np.isfinite(update.value) else value
        xs = np.linspace(*_window(L, value, new, loss, g), points)
    ys = np.array([L(float(x)) for x in xs])
    return Slope(of, wrt, value, loss, g, update, xs, ys)


def _update(trace, of: Symbol, wrt: Ref, value: float, loss: float, g: float, L) -> Update | None:
    program, values = trace.program, trace.iteration.values
    trainable = [p for p in program.model.parameters if p.id in program.model.trainable and p.id + "'" in values]
    if wrt.symbol not in trainable:
        return None
    new = float(np.asarray(values[wrt.symbol.id + "'"])[wrt.index or ()])
    probe = Probe(trace, Ref(of), *trainable)
    all_loss = probe({p.key: np.asarray(values[p.id + "'"]) for p in trainable})
    change = square = 0.0
    with np.errstate(all="ignore"):
        for p in trainable:
            gradient = gradient_symbol(trace, p)
            assert gradient is not None
            slopes = np.asarray(trace.value(Ref(gradient)))
            change += float(np.sum(slopes * (np.asarray(values[p.id + "'"]) - values[p.id])))
            square += float(np.sum(slopes**2))
        predicted = loss + g * np.float64(new - value)
        # At w′ L falls towards w again: the step went past a lowest point.
        h = abs(new - value) * 1e-3
        beyond = bool(h and (L(new + h) - L(new - h)) * g < 0)
    training = trace.lesson.training
    return Update(
        new, L(new), float(predicted), beyond, all_loss, loss + change, square, training.learning_rate,
        training.optimizer == "sgd",
    )  # fmt: skip


def _window(L: Callable[[float], float], value: float, new: float, loss: float, g: float) -> tuple[float, float]:
    """From where to where: both points are inside, and the curve is seen to leave its tangent, if that is not too far.

    The margins grow until the curve is an eighth of its height away from the tangent somewhere; the step from
    w to w′ keeps at least an eleventh of the width.
    """
    low, high = min(value, new), max(value, new)
    span = high - low
    size = max(1.0, abs(value))
    if span < 1e-6 * size:  # an arrow that nobody could see
        unit, margins = size, [0.05, 0.25, 0.5, 1.0, 2.0, 4.0]
    else:
        unit, margins = span, [0.4, 1.0, 2.0, 3.5, 5.0]
    for margin in margins:
        window = low - margin * unit, high + margin * unit
        xs = np.linspace(*window, 17)
        with np.errstate(all="ignore"):
            ys = np.array([L(float(x)) for x in xs])
            off = np.abs(ys - (loss + g * (xs - value)))
        fine = np.isfinite(ys)
        if np.any(fine) and np.max(off[fine]) >= 0.125 * np.ptp(ys[fine]) > 1e-12 * abs(loss):
            break
    return window


# ---------------------------------------------------------------- activations


def activation_equations(trace: Trace) -> list[Equation]:
    """The layers' activations, softmax among them; of a circuit the gates that are one."""
    return [
        eq
        for eq in trace.program.model.forward
        if isinstance(eq.formula, Call)
        and (eq.formula.op in TABLE or eq.formula.op == "softmax")
        and isinstance(eq.formula.args[0], Ref)
    ]


@dataclass(frozen=True)
class Units:
    """The units of a layer for one example: z, a = f(z) and f′(z) each (None for softmax: it has no slope of one z).

    `flat[i]`: f′ is at most `FLAT` of its greatest value there. `idle` maps the units that are flat for every
    example of the lesson to "dead" or "saturated".
    """

    equation: Equation
    z: np.ndarray
    a: np.ndarray
    slopes: np.ndarray | None
    flat: np.ndarray
    idle: dict[int, str]

    @property
    def function(self) -> str:
        assert isinstance(self.equation.formula, Call)
        return self.equation.formula.op


def units(trace: Trace, equation: Equation, example: int | None) -> Units:
    """The units of `equation`, one of `activation_equations`, for an example of the batch (from 0; None without)."""
    node = equation.formula
    assert isinstance(node, Call) and isinstance(node.args[0], Ref)
    of = example if equation.symbol.per_example else None
    z, a = (
        np.atleast_1d(np.asarray(trace.value(Ref(symbol, None, of)), dtype=float))
        for symbol in (node.args[0].symbol, equation.symbol)
    )
    if node.op == "softmax":
        return Units(equation, z, a, None, np.zeros(len(z), dtype=bool), {})
    _, slopes = curve(node, z)
    idle = {i: kind for k, i, kind in idle_units(trace) if k == equation.symbol.layer}
    return Units(equation, z, a, slopes, _is_flat(node, slopes), idle)


def curve(node: Call, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f and f′ of an activation's call (its slope parameter taken from it) at these z."""
    rest = [arg.value for arg in node.args[1:] if isinstance(arg, Const)]
    f = evaluate(call(node.op, Z, *rest), lambda ref: z)
    if node.op == "linear":
        return z, np.ones_like(z)
    slopes = evaluate(call(node.op + "′", Z, A, *rest), lambda ref: z if ref == Z else f)
    return np.asarray(f, dtype=float), np.broadcast_to(np.asarray(slopes, dtype=float), np.shape(z))


@lru_cache(maxsize=16)
def _greatest_slope(node: Call) -> float:
    return float(np.max(np.abs(curve(node, np.linspace(-6, 6, 241))[1])))


def _is_flat(node: Call, slopes: np.ndarray) -> np.ndarray:
    """A unit made of pieces is dead where f′ is 0, and never saturated."""
    return slopes == 0 if piecewise(node.op) else np.abs(slopes) <= FLAT * _greatest_slope(node)


def idle_units(trace: Trace) -> list[tuple[int, int, str]]:
    """(layer, unit from 0, "dead" or "saturated") of the units that are flat for every example of the lesson.

    With the parameters before this iteration's update. A dead unit's f′ is 0: no gradient reaches its weights.
    """
    lesson = trace.lesson
    if not lesson.network:
        return []
    values = trace.iteration.values
    count = len(lesson.inputs)
    forward = model(lesson, count).forward
    known: Values = {p.id: values[p.id] for p in trace.program.model.parameters}
    known |= {"x@": lesson.inputs, "y@": lesson.targets} if count > 1 else {"x": lesson.inputs[0]}
    found = []
    for eq in forward:
        if eq.rule not in ("pre_activation", "activation"):
            continue  # the last layer may be a softmax, and the loss is not needed
        known[eq.symbol.key] = evaluate(eq.formula, lambda ref: known[ref.symbol.key])
        node = eq.formula
        if eq.rule == "activation" and isinstance(node, Call) and isinstance(node.args[0], Ref):
            z = np.asarray(known[node.args[0].symbol.key]).reshape(count, -1)
            idle = np.all(_is_flat(node, curve(node, z)[1]), axis=0)
            kind = "dead" if piecewise(node.op) else "saturated"
            found += [(eq.symbol.layer or 0, int(i), kind) for i in np.flatnonzero(idle)]
    return found


# ---------------------------------------------------------------- sizes


@dataclass(frozen=True)
class LayerSize:
    """Root mean squares: of dL/dW per weight, and of δ = dL/dz per unit and example of the batch."""

    layer: int
    weights: Ref
    delta: Ref
    weight_rms: float
    delta_rms: float


@dataclass(frozen=True)
class Sizes:
    """The gradients' sizes from the first layer to the last.

    `factors[k]` is δ's size in layer k over that in layer k + 1 (from 0); `verdict` "vanishing", "exploding",
    "zero" (δ is 0 in some layer and not in the next), "steady", or "" where there is nothing to compare.
    """

    layers: tuple[LayerSize, ...]
    factors: tuple[float, ...]
    total: float
    verdict: str
    idle: tuple[tuple[int, int, str], ...]


def rms(value) -> float:
    """√(mean of squares), scaled so that squares neither overflow nor underflow; NaN and ∞ stay."""
    array = np.abs(np.asarray(value, dtype=float))
    top = float(np.max(array))
    if not top or not np.isfinite(top):
        return top
    return top * float(np.sqrt(np.mean((array / top) ** 2)))


def sizes(trace: Trace) -> Sizes | None:
    """How large the gradients are in each layer; None for a circuit, which has no layers."""
    network = trace.lesson.network
    if not network:
        return None
    found = []
    for k in range(1, len(network.layers) + 1):
        own = [trace.program.by_key.get(key) for key in (f"dL/dW{k}", f"dL/dz{k}@", f"dL/dz{k}")]
        weights, delta = (Ref(eq.symbol) for eq in (own[0], own[1] or own[2]) if eq is not None)
        found.append(LayerSize(k, weights, delta, rms(trace.value(weights)), rms(trace.value(delta))))
    with np.errstate(all="ignore"):
        deltas = np.array([layer.delta_rms for layer in found])
        factors = tuple(float(f) for f in deltas[:-1] / deltas[1:])
        total = float(deltas[0] / deltas[-1])
    return Sizes(tuple(found), factors, total, _verdict(deltas, total), tuple(idle_units(trace)))


def _verdict(deltas: np.ndarray, total: float) -> str:
    if len(deltas) < 2 or not np.all(np.isfinite(deltas)) or not deltas[-1]:
        return ""
    if not deltas.all():
        return "zero"
    return "vanishing" if total < 1 / EXTREME else "exploding" if total > EXTREME else "steady"
