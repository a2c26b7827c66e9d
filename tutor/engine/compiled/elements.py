"""From formulas to a graph of single numbers: what straight-line code is printed from, in Python or in C."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np

from tutor.engine.compiled.graph import Graph, Memory, Values, divides_by_gradients, needed_equations, written_out
from tutor.engine.expressions import Call, Const, Expr, Ref, Shape, Symbol, at_example, element, indices, refs
from tutor.engine.ids import setting, updated
from tutor.engine.model import Equation


class ScalarGraph:
    """Every number of an iteration, as the equations' scalar view has them; who asks which is in `needed`."""

    def __init__(
        self,
        equations: Sequence[Equation],
        loss: str,
        memory: Memory,
        fixed: Values,
        data: Sequence[Symbol],
        examples: int,
    ):
        self.graph = graph = Graph()
        self.values: dict[tuple[Any, ...], int] = {(setting("t"), (), None): graph.given("t")}  # (key, index, example)
        self.data = [
            f"g{e}_{k}_{n}" for e in range(examples) for k, s in enumerate(data) for n in range(math.prod(s.shape))
        ]  # names of our own
        for key, value in fixed.items():
            if key.startswith(setting("")):
                self.values[key, (), None] = graph.setting(key, float(value))
                continue
            for index in indices(np.shape(value)):
                self.values[key, index, None] = graph.const(np.asarray(value)[index])
        self.carried = [f"p{at}" for at in range(memory.flat.size)]
        for key, where in memory.slices.items():
            for index, name in zip(indices(memory.shapes[key]), self.carried[where], strict=True):
                self.values[key, index, None] = graph.given(name)
        needed = needed_equations(equations, [loss, *map(updated, memory.slices)])
        for k, symbol in enumerate(data):
            for e in range(examples):
                place = e if symbol.per_example else None
                for n, index in enumerate(indices(symbol.shape)):
                    self.values[symbol.key, index, place] = graph.given(f"g{e}_{k}_{n}")
        for eq in needed:
            symbol, formula = eq.symbol, eq.compute or eq.formula
            places: Iterable[int | None] = range(examples) if symbol.per_example else (None,)
            for example in places:
                own = formula if example is None else at_example(formula, example)
                for index, number in zip(indices(symbol.shape), self.elements(own, symbol.shape), strict=True):
                    self.values[symbol.key, index, example] = number
        self.loss = self.values[loss, (), None]
        self.watched = {
            self.values[ref.symbol.key, index, None]
            for eq in (needed if divides_by_gradients(needed) else ())
            if eq.phase == "update"
            for ref in refs(eq.formula)
            if ref.symbol.quantity == "gradient"
            for index in indices(ref.shape)
        }
        self.new = [self.values[updated(key), i, None] for key in memory.slices for i in indices(memory.shapes[key])]

    def elements(self, formula: Expr, shape: Shape) -> list[int]:
        """The numbers of a formula's elements; what is computed otherwise than shown is written out here."""
        add = self.graph.add
        op = formula.op if isinstance(formula, Call) else ""
        if op not in ("softmax", "cross_entropy_of_z", "binary_cross_entropy_of_z"):
            return [self.number(element(formula, index)) for index in indices(shape)]
        assert isinstance(formula, Call)
        *y, z = ([self.number(element(arg, index)) for index in indices(arg.shape)] for arg in formula.args)
        if op == "binary_cross_entropy_of_z":
            zero = self.graph.const(0)
            terms = [
                add(
                    "add",
                    add("sub", add("max", zero, zk), add("mul", zk, yk)),
                    add("log1p", add("exp", add("neg", add("abs", zk)))),
                )
                for zk, yk in zip(z, *y, strict=True)
            ]
            return [add("add", *terms)]
        if op == "softmax":
            return self.softmax(z, formula)
        _, whole, top = self.shares(z)
        log = add("log", whole)
        terms = [add("mul", yk, add("add", add("sub", top, zk), log)) for zk, yk in zip(z, *y, strict=True)]
        return [add("add", *terms)]

    def softmax(self, z: list[int], formula: Call) -> list[int]:
        """Of each line along an axis; `z` are all elements, row by row."""
        numbers = np.array(z).reshape(formula.args[0].shape)
        lines = np.moveaxis(numbers, formula.param or -1, -1)
        found = np.empty_like(lines)
        for index in np.ndindex(*lines.shape[:-1]):
            parts, whole, _ = self.shares(lines[index].tolist())
            found[index] = [self.graph.add("div", part, whole) for part in parts]
        return list(np.moveaxis(found, -1, formula.param or -1).ravel().tolist())

    def shares(self, z: list[int]) -> tuple[list[int], int, int]:
        """e^(z − max z), their sum, and the largest."""
        top = reduce(partial(self.graph.add, "max"), z)
        parts = [self.graph.add("exp", self.graph.add("sub", zk, top)) for zk in z]
        return parts, self.graph.add("add", *parts), top

    def number(self, expr: Expr) -> int:
        """The number of a scalar formula's value."""
        if isinstance(expr, Const):
            return self.graph.const(expr.value)
        if isinstance(expr, Ref):
            return self.values[expr.symbol.key, expr.index or (), expr.example]
        assert isinstance(expr, Call)
        written = written_out(expr)
        if written is not None:
            return self.number(written)
        if expr.op in ("hit", "pick"):
            return self.looked_up(expr)
        args = [self.number(arg) for arg in expr.args]
        if expr.op == "mul" and isinstance(expr.args[0], Call) and expr.args[0].op == "hit":
            hit = self.graph.constant(args[0])
            if hit is not None:  # what is not taken is left out, be it infinite
                return args[1] if hit else args[0]
        if expr.op == "add" and 0.0 in map(self.graph.constant, args):
            args = [arg for arg in args if self.graph.constant(arg) != 0] or args[:1]
            if len(args) == 1:
                return args[0]
        if expr.op in ("max", "min"):
            return reduce(partial(self.graph.add, expr.op), args)
        if expr.op == "mul" and args[0] in self.graph.settled:
            op, parts, _ = self.graph.nodes[args[1]]
            if op == "mul":  # η(δx) is (ηδ)x, and ηδ is there for every x
                return self.graph.add("mul", self.graph.add("mul", args[0], parts[0]), parts[1])
        return self.graph.add(expr.op, *args, param=expr.param)

    def looked_up(self, expr: Call) -> int:
        """What an id says, settled here where it is always the same."""
        which = self.number(expr.args[0])
        known, choices = self.graph.constant(which), expr.args[1:]
        if expr.op == "hit":
            if known is not None:
                return self.graph.const(float(known == expr.param))
            return self.graph.add("hit", which, param=expr.param)
        if known is not None and known.is_integer() and 1 <= known <= len(choices):
            return self.number(choices[int(known) - 1])
        return self.graph.add("pick", which, *map(self.number, choices))
