"""An iteration as a graph of arrays: the values that are wanted, and the updates of what lies side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from tutor.engine.compiled.graph import Memory, Values, divides_by_gradients, needed_equations
from tutor.engine.compiled.lowering import ArrayGraph, only_averaged
from tutor.engine.expressions import Expr, Ref, Symbol, refs, rewrite
from tutor.engine.ids import read_state, setting
from tutor.engine.model import Equation


class IterationGraph(ArrayGraph):
    """The graph of an iteration's arrays; what it is printed from, as NumPy calls or as C.

    `new` are the new values, where in memory each belongs, and the values that they replace; `watched`: where a
    gradient is next to nothing, the equations have to be asked.
    """

    def __init__(
        self,
        equations: Sequence[Equation],
        loss: str,
        memory: Memory,
        fixed: Values,
        data: Sequence[Symbol],
        examples: int,
    ):
        super().__init__(examples)
        self.memory = memory
        self.values[setting("t")] = self.given("t", ())
        self.base: dict[int, int] = {}  # what a view shows
        self.data = [f"g{k}" for k in range(len(data))]  # names of our own
        for name, symbol in zip(self.data, data, strict=True):
            self.values[symbol.key] = self.given(name, ((examples,) if symbol.per_example else ()) + symbol.shape)
        for key, value in fixed.items():
            if key.startswith(setting("")):
                self.values[key] = self.graph.setting(key, float(value))
            else:
                self.values[key] = (
                    self.graph.const(float(value)) if np.ndim(value) == 0 else self.array(np.asarray(value))
                )
        for key in memory.slices:
            self.values[key] = self.array(memory.view(key))
        self.new: list[tuple[int, slice, int]] = []  # a new value, where in memory it belongs, the old value
        updates = [eq for eq in equations if _is_update(eq)]
        roots = [loss, *(ref.symbol.key for eq in updates for ref in refs(eq.formula))]
        needed = needed_equations([eq for eq in equations if not _is_update(eq)], roots)
        averaged = only_averaged(needed)
        for eq in needed:
            formula = eq.compute or eq.formula
            if eq.symbol.key in averaged:
                self.inlined[eq.symbol.key] = formula
            else:
                self.values[eq.symbol.key] = self.number(formula)
        self.loss = self.values[loss]
        self.watched = divides_by_gradients(updates)
        groups = list(_together(updates, memory))
        sides = [self.side(parameters, gradients) for parameters, _, gradients in groups]  # all of them before updates
        for (parameters, rule, _), side in zip(groups, sides, strict=True):
            self.update(parameters, rule, side)

    def side(self, parameters: list[str], gradients: list[str]) -> int:
        """The gradients of parameters that lie side by side."""
        size = sum(math.prod(self.memory.shapes[key]) for key in parameters)
        shapes = [self.memory.shapes[key] for key in parameters]
        pieces = [self.filled(self.values[key], shape) for key, shape in zip(gradients, shapes, strict=True)]
        return self.add("side", *pieces, shape=(size,))

    def update(self, parameters: list[str], rule: _Rule, side: int) -> None:
        """New values of parameters that lie side by side, by the rule that they share."""
        first = parameters[0]
        parts = [key.removeprefix(first) for key in self.memory.slices if first in (key, read_state(key)[0])]
        leaves = []
        for part in parts:
            spans = [self.memory.slices[key + part] for key in parameters]
            span = slice(spans[0].start, spans[-1].stop)
            leaf = self.values["θ" + part] = self.array(self.memory.flat[span])
            self.base |= {self.values[key + part]: leaf for key in parameters}
            leaves.append((part, span, leaf))
        self.values["g"] = side
        for name, formula in rule:
            self.values[name] = self.number(formula)
        self.new += [(self.values[f"θ{part}'"], span, leaf) for part, span, leaf in leaves]


# Named values and how each follows, of a parameter θ with the gradient g and the states θ.m ...
_Rule = tuple[tuple[str, Expr], ...]


def _is_update(eq: Equation) -> bool:
    """Whether it says the same of each parameter's elements, so that one call may serve all parameters."""
    return eq.phase == "update" or eq.rule == "decayed_gradient"


def _together(updates: Sequence[Equation], memory: Memory) -> Iterator[tuple[list[str], _Rule, list[str]]]:
    """Neighbours in memory that are updated by the same rule: parameters, the rule, the keys of their gradients."""
    found = []
    for parameter in [key for key in memory.slices if any(eq.symbol.wrt and eq.symbol.wrt.id == key for eq in updates)]:
        own = [eq for eq in updates if eq.symbol.wrt and eq.symbol.wrt.id == parameter]
        gradients: list[str] = []

        def said(symbol: Symbol, parameter: Any = parameter, own: Any = own, gradients: Any = gradients) -> str:
            if symbol.belongs_to(parameter):
                return "θ" + symbol.id.removeprefix(parameter)
            if any(eq.symbol == symbol for eq in own):
                return "g + λθ"
            gradients.append(symbol.key)
            return "g"

        def renamed(node: Expr, said: Any = said) -> Expr | None:
            if isinstance(node, Ref) and node.symbol.quantity != "hyper":
                return Ref(Symbol(said(node.symbol), (1,)))
            return None

        rule = tuple((said(eq.symbol), rewrite(eq.compute or eq.formula, renamed)) for eq in own)
        found.append((parameter, rule, gradients[0]))
    for rule, group in groupby(found, key=lambda entry: entry[1]):
        parameters, _, gradients = map(list, zip(*group, strict=True))
        yield parameters, rule, gradients
