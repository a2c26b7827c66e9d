"""The derivation of a combined error: how ∂L/∂z comes about where loss and activation cancel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tutor.engine.expressions import Ref, Symbol, evaluate
from tutor.engine.losses import LOSSES, DerivationLine
from tutor.engine.trace import Step


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
