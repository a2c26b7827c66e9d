"""What the units do: where each stands on its activation, which are idle, how large the gradients are by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np

from tutor.engine.activations import ACTIVATIONS, A, Z, piecewise
from tutor.engine.backprop import gradient_of
from tutor.engine.expressions import Call, Const, Ref, call, evaluate
from tutor.engine.floats import quietly
from tutor.engine.forward import model
from tutor.engine.lesson import Lesson
from tutor.engine.model import Equation
from tutor.engine.program import Values
from tutor.engine.trace import Trace

FLAT = 0.05  # a unit is saturated where f′ is at most this part of its greatest value
TOGETHER = 5_000  # rows that are looked at at once
EXTREME = 100.0  # gradients that shrink or grow by this factor from the last layer to the first vanish or explode


# ---------------------------------------------------------------- activations


def activation_equations(trace: Trace) -> list[Equation]:
    """The layers' activations, softmax among them; of a circuit the gates that are one."""
    return [
        eq
        for eq in trace.program.model.forward
        if isinstance(eq.formula, Call)
        and (eq.formula.op in ACTIVATIONS or (eq.formula.op == "softmax" and eq.formula.param in (None, -1)))
        and isinstance(eq.formula.args[0], Ref)
    ]


@dataclass(frozen=True)
class Units:
    """The units of a layer for one example: z, a = f(z) and f′(z) each (None for softmax: it has no slope of one z).

    `flat[i]`: f′ is at most `FLAT` of its greatest value there. `idle` maps the units that are flat for every
    example of the lesson to "dead" or "saturated". Of an array they are those of one row along its last axis.
    """

    equation: Equation
    z: np.ndarray
    a: np.ndarray
    slopes: np.ndarray | None
    flat: np.ndarray
    idle: dict[int, str]

    @property
    def function(self) -> str:
        """The activation's operator."""
        assert isinstance(self.equation.formula, Call)
        return self.equation.formula.op


def units(trace: Trace, equation: Equation, example: int | None, row: tuple[int, ...] = ()) -> Units:
    """The units of `equation`, one of `activation_equations`, for an example of the batch (from 0; None without).

    `row` is the index of a row, without its last axis; of a vector or a number ().
    """
    node = equation.formula
    assert isinstance(node, Call) and isinstance(node.args[0], Ref)
    of = example if equation.symbol.per_example else None
    z, a = (
        np.atleast_1d(np.asarray(trace.value(Ref(symbol, None, of)), dtype=float)[row])
        for symbol in (node.args[0].symbol, equation.symbol)
    )
    if node.op == "softmax":
        return Units(equation, z, a, None, np.zeros(len(z), dtype=bool), {})
    _, slopes = curve(node, z)
    idle = {i: kind for k, i, kind in idle_units(trace) if k == equation.symbol.layer}
    return Units(equation, z, a, slopes, _is_flat(node, slopes), idle)


def curve(node: Call, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f and f′ of an activation's call (its slope parameter taken from it) at these z, both of the shape of `z`."""
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
    return np.asarray(slopes == 0 if piecewise(node.op) else np.abs(slopes) <= FLAT * _greatest_slope(node))


def idle_units(trace: Trace) -> list[tuple[int, int, str]]:
    """(layer, unit from 0, "dead" or "saturated") of the units that are flat for every example of the lesson.

    With the parameters before this iteration's update. A dead unit's f′ is 0: no gradient reaches its weights.
    """
    lesson = trace.lesson
    if not trace.program.model.layers:
        return []
    values = trace.iteration.values
    found: dict[tuple[int, str], np.ndarray] = {}  # (layer, kind) -> whether each unit is idle in all rows so far
    for at in range(0, len(lesson.inputs), TOGETHER):
        for layer, kind, idle in _idle(lesson, lesson.inputs[at : at + TOGETHER], values):
            found[layer, kind] = found.get((layer, kind), True) & idle
    return [(layer, int(i), kind) for (layer, kind), idle in found.items() for i in np.flatnonzero(idle)]


def layer_values(trace: Trace, layer: int, inputs: np.ndarray) -> np.ndarray:
    """What a layer (from 1) puts out for these rows, (rows, units), with the parameters before the update.

    Raises ValueError for a layer that there is not.
    """
    for eq, known in _activations(trace.lesson, inputs, trace.iteration.values):
        if eq.rule == "activation" and eq.symbol.layer == layer:
            return np.asarray(known[eq.symbol.key], dtype=float).reshape(len(inputs), -1)
    raise ValueError(f"layer {layer} has no activation")


def _idle(lesson: Lesson, inputs: np.ndarray, values: Values) -> Iterator[tuple[int, str, np.ndarray]]:
    """(layer, "dead" or "saturated", which of its units are flat for each of these rows)."""
    for eq, known in _activations(lesson, inputs, values):
        node = eq.formula
        if eq.rule == "activation" and isinstance(node, Call) and isinstance(node.args[0], Ref):
            z = np.asarray(known[node.args[0].symbol.key]).reshape(len(inputs), -1)
            yield (
                eq.symbol.layer or 0,
                "dead" if piecewise(node.op) else "saturated",
                np.all(_is_flat(node, curve(node, z)[1]), axis=0),
            )


def _activations(lesson: Lesson, inputs: np.ndarray, values: Values) -> Iterator[tuple[Equation, Values]]:
    """The equations up to the last activation, each when its value for these rows is among those that are known."""
    count = len(inputs)
    whole = model(lesson, count)
    known: Values = {p.id: values[p.id] for p in whole.parameters}
    known[whole.data[0].key] = inputs if count > 1 else inputs[0]
    for eq in whole.forward:
        if eq.rule not in ("pre_activation", "activation"):
            continue  # the last layer may be a softmax, and the loss is not needed
        known[eq.symbol.key] = evaluate(eq.formula, lambda ref: known[ref.symbol.key])
        yield eq, known


# ---------------------------------------------------------------- sizes


@dataclass(frozen=True)
class LayerSize:
    """Root mean squares: of dL/dW per weight, and of δ = dL/dz per unit and example of the batch."""

    layer: int
    weights: Ref
    delta: Ref
    weight_rms: float
    delta_rms: float


# What becomes of a gradient on its way back: "zero" where δ is 0 in some layer and not in the next, "" where there is
# nothing to compare.
Flow: TypeAlias = Literal["vanishing", "exploding", "zero", "steady", ""]


@dataclass(frozen=True)
class Sizes:
    """The gradients' sizes from the first layer to the last.

    `factors[k]` is δ's size in layer k over that in layer k + 1 (from 0).
    """

    layers: tuple[LayerSize, ...]
    factors: tuple[float, ...]
    total: float
    verdict: Flow
    idle: tuple[tuple[int, int, str], ...]


def rms(value: Any) -> float:
    """√(mean of squares), scaled so that squares neither overflow nor underflow; NaN and ∞ stay."""
    array = np.abs(np.asarray(value, dtype=float))
    top = float(np.max(array))
    if not top or not np.isfinite(top):
        return top
    return top * float(np.sqrt(np.mean((array / top) ** 2)))


def sizes(trace: Trace) -> Sizes | None:
    """How large the gradients are in each layer; None for a circuit, which has no layers."""
    model = trace.program.model
    if not model.layers:
        return None
    found = []
    for layer in model.layers:
        weights = Ref(gradient_of(model.loss, layer.weights))
        delta = Ref(gradient_of(model.output, layer.pre_activation))
        found.append(LayerSize(layer.number, weights, delta, rms(trace.value(weights)), rms(trace.value(delta))))
    with quietly():
        deltas = np.array([layer.delta_rms for layer in found])
        factors = tuple(float(f) for f in deltas[:-1] / deltas[1:])
        total = float(deltas[0] / deltas[-1])
    return Sizes(tuple(found), factors, total, _verdict(deltas, total), tuple(idle_units(trace)))


def _verdict(deltas: np.ndarray, total: float) -> Flow:
    if len(deltas) < 2 or not np.all(np.isfinite(deltas)) or not deltas[-1]:
        return ""
    if not deltas.all():
        return "zero"
    return "vanishing" if total < 1 / EXTREME else "exploding" if total > EXTREME else "steady"
