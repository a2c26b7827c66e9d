"""The loss as a function of one parameter: its curve, its tangent, and where an update lands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutor.engine.expressions import Ref, Symbol
from tutor.engine.floats import quietly
from tutor.engine.gradient_check import Probe
from tutor.engine.ids import updated
from tutor.engine.trace import Trace

LEVEL = 1e-3  # of the slope before: what is left of it where a step comes to a lowest point, or to a plateau


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


@dataclass(frozen=True)
class Update:
    """Where an update takes the selected parameter, and all of them: the loss there, and what the tangent says.

    `beyond`: at the new value L slopes the other way; `level`: it does not slope there. `all_loss` and
    `all_predicted` are those of the whole update, `square` is ‖∇L‖², `rate` the learning rate; `plain`: gradient
    descent, whose step is −η times the slope.
    """

    value: float
    loss: float
    predicted: float
    beyond: bool
    level: bool
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


class _Kept(dict["tuple[Ref, int]", Slope]):
    """The slopes of a trace, by parameter's element and number of points: each is hundreds of forward passes."""


def slope(trace: Trace, wrt: Ref, points: int = 121) -> Slope:
    """The slope picture's numbers for one element of a parameter, kept with the trace."""
    kept = trace.memo.of(_Kept)
    if (wrt, points) not in kept:
        kept[wrt, points] = _slope(trace, wrt, points)
    return kept[wrt, points]


def _slope(trace: Trace, wrt: Ref, points: int) -> Slope:
    of = trace.program.model.objective
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


def _update(trace: Any, of: Symbol, wrt: Ref, value: float, loss: float, g: float, L: Any) -> Update | None:
    program, values = trace.program, trace.iteration.values
    trainable = [p for p in program.model.trained if updated(p.id) in values]
    if wrt.symbol not in trainable:
        return None
    new = float(np.asarray(values[updated(wrt.symbol.id)])[wrt.index or ()])
    probe = Probe(trace, Ref(of), *trainable)
    all_loss = probe({p.key: np.asarray(values[updated(p.id)]) for p in trainable})
    change = square = 0.0
    with quietly():
        for p in trainable:
            gradient = gradient_symbol(trace, p)
            assert gradient is not None
            slopes = np.asarray(trace.value(Ref(gradient)))
            change += float(np.sum(slopes * (np.asarray(values[updated(p.id)]) - values[p.id])))
            square += float(np.sum(slopes**2))
        predicted = loss + g * np.float64(new - value)
        # Where L falls towards w again at w′, the step went past a lowest point.
        h = abs(new - value) * 1e-3
        there = (L(new + h) - L(new - h)) / (2 * h) if h else g
        level = bool(h and abs(there) <= LEVEL * abs(g))
    training, beyond = trace.lesson.training, bool(there * g < 0) and not level
    return Update(
        new, L(new), float(predicted), beyond, level, all_loss, loss + change, square, training.learning_rate,
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
        with quietly():
            ys = np.array([L(float(x)) for x in xs])
            off = np.abs(ys - (loss + g * (xs - value)))
        fine = np.isfinite(ys)
        if np.any(fine) and np.max(off[fine]) >= 0.125 * np.ptp(ys[fine]) > 1e-12 * abs(loss):
            break
    return window
