"""Values that nobody knows: mypy refuses each, so that an `ignore` that is not needed is an error of `make lint`."""

from __future__ import annotations

from tutor.engine.expressions import Expr, Quantity, Ref
from tutor.engine.lesson import BatchLoss, Level
from tutor.engine.model import Equation, Phase
from tutor.engine.optimizers import Define, Old, Settings
from tutor.engine.rules import Rule
from tutor.questions.grading import VerdictKind

rule: Rule = "combined_eror"  # type: ignore[assignment]
quantity: Quantity = "weight"  # type: ignore[assignment]
phase: Phase = "backwards"  # type: ignore[assignment]
level: Level = "scalars"  # type: ignore[assignment]
batch_loss: BatchLoss = "average"  # type: ignore[assignment]
kind: VerdictKind = "rihgt"  # type: ignore[assignment]


def asked(eq: Equation) -> bool:
    return eq.rule == "gate_mul"  # type: ignore[comparison-overlap]


def update(p: Ref, g: Ref, h: Settings, old: Old, define: Define) -> Expr:
    return old("velocity")  # type: ignore[arg-type]
