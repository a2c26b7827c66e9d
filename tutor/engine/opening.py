"""A gate that is opened: the lines by which its value, or what it sends back, comes about, written one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tutor.engine.backprop import gradient_of
from tutor.engine.combined_error import Stage
from tutor.engine.expressions import (
    Call,
    Expr,
    Ref,
    Shape,
    Symbol,
    at_example,
    evaluate,
)
from tutor.engine.losses import DerivationLine
from tutor.engine.trace import Step


@dataclass(frozen=True)
class Derivation:
    """The stages of a derivation, in order, and the values of what they mention, of their own names as well."""

    stages: tuple[Stage, ...] = ()
    value: Callable[[Ref], np.ndarray | float] = lambda ref: np.nan

    def __bool__(self) -> bool:
        return bool(self.stages)


@dataclass
class Opening:
    """One gate of one step, being opened: its call, the symbol of its value, and G, what comes back to it.

    `say` adds a line, name = formula; the last line of a gradient is the step's own. `index` is the element asked
    about, None for the whole.
    """

    step: Step
    node: Call
    own: Ref
    G: Expr
    lines: list[DerivationLine] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    blanks: set[Symbol] = field(default_factory=set)

    @property
    def backward(self) -> bool:
        """Whether it is the gradient that is opened, not the value."""
        return self.step.phase == "backward"

    @property
    def index(self) -> tuple[int, ...] | None:
        """The element asked about; None for the whole, and for a single number."""
        return self.step.index or None

    def say(self, name: Symbol | None, formula: Expr, reason: str) -> Ref:
        """A further line; the value that it names, for those after it."""
        ref = Ref(name or self.step.equation.symbol)
        self.lines.append(DerivationLine(reason, formula, ref if name else None))
        return ref

    def named(self, id: str, shape: Shape) -> Symbol:
        """A name that the lesson has not given to anything."""
        taken = {symbol.id for symbol in self.step.trace.program.symbols.values()} | self.names
        while id in taken:
            id += "′"
        self.names.add(id)
        return Symbol(id, shape)

    def blank(self, shape: Shape) -> Ref:
        """What stands for its shape alone, as an operator wants it that puts something in its place among zeros."""
        blank = Symbol(f"zeros({size_text(shape)})", shape)
        self.blanks.add(blank)
        return Ref(blank)

    def gradient(self, wrt: Symbol) -> Symbol:
        """The name of the output's gradient with respect to a line of the derivation."""
        return replace(gradient_of(self.step.trace.program.model.output, wrt), per_example=False)

    def number(self, expr: Expr) -> Any:
        """The value of a formula over the lesson's own values."""
        return evaluate(self.at(expr), self.step.trace.value)

    def at(self, expr: Expr) -> Expr:
        """For the example that the step is of."""
        return expr if self.step.example is None else at_example(expr, self.step.example)


def size_text(shape: Shape) -> str:
    """A shape in words: 2×3."""
    return "×".join(map(str, shape))
