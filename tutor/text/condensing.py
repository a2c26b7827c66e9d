"""Formulas of one element of a norm or a variance, shorter: its means and variances as one word each.

Written out, an element of a norm over four numbers has the mean of its row six times. Here it is once, by the words
that can be typed, mean(row(X, 1)); the numbers that are put in are the mean's own, and how each of them comes about is
a line of its own below. The formula of the step (its operands, its slips) stays what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tutor.engine.expressions import Call, Expr, Ref, Symbol, at_example, call, element, evaluate, rewrite
from tutor.engine.normalising import deviation
from tutor.engine.reductions import along, mean_of
from tutor.engine.trace import Step, digits_for

_LONG = ("norm", "variance")  # gates whose elements are condensed, and all that comes back through one of them
_TAKEN = ("average", "variance")  # reductions that are written as one word
Value = Callable[[Ref], "np.ndarray | float"]


@dataclass(frozen=True)
class Condensed:
    """An element's formula with its means as words, the same with a name for each of them, and their values.

    `parts` has of each mean or variance the word, how it is made of its line's numbers, its value, and in how many
    digits those are to be shown.
    """

    formula: Expr
    named: Expr
    parts: tuple[tuple[Expr, Expr, float, int], ...]
    value: Value
    digits: int


@dataclass
class _Taken:
    """The reductions of a formula, each with a symbol in its place; `at` gives one of them for an element."""

    whole: dict[Symbol, Call] = field(default_factory=dict)
    single: dict[Ref, tuple[Expr, Expr]] = field(default_factory=dict)  # (its word, how it is made)

    def symbol(self, node: Call) -> Symbol:
        for symbol, other in self.whole.items():
            if other == node:
                return symbol
        found = Symbol(f"{node.op} {len(self.whole) + 1}", node.shape)
        self.whole[found] = node
        return found


def _line(x: Expr, axis: int | None, index: tuple[int, ...]) -> Expr | None:
    """The vector along an axis at what is left of an index; None where no words make one."""
    rank = len(x.shape)
    if rank == 1 or axis is None:
        return x if rank == 1 else None
    if axis < -2:
        return None
    for i in index[: rank - 2]:
        x = call("row", x, param=i)
    return call("row", x if axis == -1 else call("transpose", x), param=index[-1])


def condensed(step: Step) -> Condensed | None:
    """The shorter formula of an element whose gate is a norm or a variance, or of what comes back through one.

    A value that is used more than once has it in one of the terms that its formula adds.
    """
    eq = step.equation
    if step.index is None or not step.trace.program.model.arrays:
        return None
    if eq.variant not in _LONG and not _through_one(eq.formula):
        return None
    formula = eq.formula if step.example is None else at_example(eq.formula, step.example)
    taken = _Taken()

    def put_away(node: Expr) -> Expr | None:
        if not isinstance(node, Call):
            return None
        if node.op == "norm":
            (x,), (axis, eps) = node.args, node.param
            whole = (x - along(call("average", x, param=axis), x, axis)) / deviation(x, axis, eps)
            return rewrite(whole, put_away)
        return Ref(taken.symbol(node)) if node.op in _TAKEN else None

    single = element(rewrite(formula, put_away), step.index)
    values: dict[Symbol, float] = {}
    made: list[tuple[Expr, Expr, float]] = []
    words: dict[Ref, Expr] = {}
    names: dict[Ref, Expr] = {}

    def back(node: Expr) -> Expr | None:
        return words.get(node) if isinstance(node, Ref) else None

    def numbered(node: Expr) -> Expr | None:
        return names.get(node) if isinstance(node, Ref) else None

    for ref in [leaf for leaf in _leaves(single) if leaf.symbol in taken.whole]:
        reduction = taken.whole[ref.symbol]
        (x,), axis = reduction.args, reduction.param
        line = _line(x, axis, ref.index or ())
        if line is None:
            return None
        words[ref] = call(reduction.op, line)
        value = float(np.asarray(evaluate(words[ref], step.trace.value)))
        symbol = Symbol(f"{ref.id}", ())
        values[symbol] = value
        names[ref] = Ref(symbol)
        mean = Ref(Symbol(f"mean for {ref.id}"))
        values[mean.symbol] = float(np.asarray(evaluate(call("average", line), step.trace.value)))
        made.append((words[ref], _made(words[ref], mean), value))

    def look(ref: Ref) -> np.ndarray | float:
        return values[ref.symbol] if ref.symbol in values else step.trace.value(ref)

    named = rewrite(single, numbered)
    if not made:
        return None
    parts = tuple((*part, digits_for(part[1], part[2], look)) for part in made)
    return Condensed(rewrite(single, back), named, parts, look, digits_for(named, step.value, look))


def _through_one(expr: Expr) -> bool:
    return isinstance(expr, Call) and (expr.op in _LONG or any(map(_through_one, expr.args)))


def _leaves(expr: Expr) -> list[Ref]:
    found: dict[Ref, None] = {}
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Ref):
            found[node] = None
        elif isinstance(node, Call):
            stack.extend(reversed(node.args))
    return list(found)


def _made(reduction: Expr, mean: Ref) -> Expr:
    """A mean as a sum over how many; a variance as the mean of the squared distances from the mean's value."""
    assert isinstance(reduction, Call)
    (line,) = reduction.args
    numbers = [element(line, (i,)) for i in range(line.shape[0])]
    if reduction.op == "average":
        return mean_of(numbers)
    return mean_of([(number - mean) ** 2 for number in numbers])
