"""Local derivatives: one factor of the chain rule by itself, ∂(a value)/∂(what it was made of), and nothing above it.

Where every element depends on one element below alone, or on those of its row, a local derivative has the shape of
what is below. Else it is a table, of the shape of the value and then of what is below: row (i, j) has the slopes of
element (i, j). A table whose rows no formula of today says is made of the operators' reverse rules, with 1 coming back
from one element and 0 from all others.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from tutor.engine.backprop import flows_back
from tutor.engine.expressions import (
    ONE,
    OPERATORS,
    ZERO,
    Call,
    Const,
    Expr,
    Operator,
    Ref,
    Shape,
    Symbol,
    call,
    element,
    evaluate,
    negative,
    product,
    refs,
    rewrite,
    total,
    walk,
)
from tutor.engine.ids import derivative
from tutor.engine.model import Equation

LARGEST = 500_000  # numbers of one table: more of them nobody looks at, and they take seconds


def local_derivative(eq: Equation, wrt: Symbol) -> Equation | None:
    """∂(the equation's symbol)/∂wrt, such as da2/dz2, dz2/dW2, dz2/da1, dq/dx or dO/dP.

    An elementwise activation's has the shape of z (its other elements are 0), a softmax's is
    its Jacobian (row k: ∂a_k). For z = W·a + b: dz/da is W, row i of dz/dW is what weights
    of unit i are multiplied by, and dz/db is 1. `eq` uses `wrt`; None of a target, which nothing is asked about, and
    of a table with more than `LARGEST` numbers.
    """
    symbol = Symbol(
        derivative(eq.symbol.id, wrt.id), wrt.shape, "local", eq.symbol.layer, eq.symbol.per_example, eq.symbol, wrt
    )
    if eq.gradients:
        return Equation(symbol, eq.gradients[wrt], "backward", "loss_gradient") if wrt in eq.gradients else None
    x, top = Ref(wrt), eq.symbol
    taken = next((node for node in walk(eq.formula) if isinstance(node, Call) and x in node.args), None)
    alone = taken is not None and _only_added(eq.formula, taken, x)
    if taken and alone and taken.op == "matmul" and [len(arg.shape) for arg in taken.args] == [2, 1]:
        if taken.args[0] == x:
            formula: Expr = call("rows", taken.args[1], Ref(top))
        else:
            formula = taken.args[0]
            symbol = replace(symbol, shape=formula.shape, per_example=formula.batched)
    elif taken and alone and taken.op == "softmax" and len(top.shape) == 1:
        symbol, formula = replace(symbol, shape=wrt.shape * 2), call("jacobian", Ref(top))
    elif not wrt.shape and top.quantity in ("pre_activation", "activation"):
        symbol, formula = replace(symbol, shape=top.shape), ONE  # a shared bias: 1 for each unit
    elif not top.shape or each_on_its_own(eq.formula, x):
        formula = total([part for _, part in flows_back(eq, ONE, {wrt}, None)] or [ZERO])
        if not isinstance(formula, Const) and formula.shape != wrt.shape:
            formula = call("expand", formula, x)
    elif prod(top.shape) * prod(wrt.shape) > LARGEST or prod(wrt.shape) ** 2 > 4 * LARGEST:
        return None  # nor is it asked then which element depends on which, with a copy for each
    else:
        formula = slopes(eq, wrt)
        symbol = replace(symbol, shape=formula.shape, per_example=formula.batched)
    return Equation(symbol, formula, "backward", "local_derivative")


def _only_added(formula: Expr, taken: Call, x: Ref) -> bool:
    """Whether a formula is this call, or a sum with it as one term, and has x nowhere else."""
    if sum(node == x for node in walk(formula)) != 1:
        return False
    return formula == taken or (
        isinstance(formula, Call) and formula.op == "add" and taken in formula.args and taken.shape == formula.shape
    )


def each_on_its_own(formula: Expr, x: Ref) -> bool:
    """Whether each element of a formula depends on the same element of x, and on no other."""
    if formula == x:
        return True
    if not isinstance(formula, Call):
        return False
    with_x = [arg for arg in formula.args if any(node == x for node in walk(arg))]
    if not OPERATORS[formula.op].elementwise or not with_x:
        return False
    return all(arg.shape == formula.shape and each_on_its_own(arg, x) for arg in with_x)


# ---------------------------------------------------------------- tables of slopes

_COMES_BACK = "G"


def slopes(eq: Equation, wrt: Symbol) -> Call:
    """The table of an equation's slopes in a symbol, of the shape of its value and then of the symbol's."""
    G = Ref(Symbol(_COMES_BACK, eq.symbol.shape))
    parts = [part for _, part in flows_back(eq, G, {wrt}, None)]
    back = total([part if part.shape == wrt.shape else call("expand", part, Ref(wrt)) for part in parts] or [ZERO])
    leaves = tuple(ref for ref in refs(back) if ref != G)
    places: dict[Expr, Expr] = {leaf: Ref(Symbol(f"{at}", leaf.shape)) for at, leaf in enumerate(leaves)}
    return Call("slopes", leaves, (rewrite(back, lambda node: places.get(node)), eq.symbol.shape, wrt.shape))


def _back(node: Call, args: dict[str, Expr]) -> Expr:
    """The reverse rule of a table, over other leaves."""
    template: Expr = node.param[0]
    return rewrite(template, lambda leaf: args.get(leaf.symbol.id) if isinstance(leaf, Ref) else None)


def _slopes(node: Call, *arrays: Any) -> Any:
    """The reverse rule for 1 in one place after another: they stand where a batch has its examples."""
    _, top, bottom = node.param
    rows = prod(top)
    ones = np.eye(rows).reshape(rows, *top)
    args: dict[str, Expr] = {f"{at}": Ref(Symbol(f"{at}", arg.shape)) for at, arg in enumerate(node.args)}
    args[_COMES_BACK] = Ref(Symbol(_COMES_BACK, top, per_example=True))
    formula = _back(node, args)

    def table(values: dict[str, Any]) -> Any:
        found = evaluate(formula, lambda ref: values[ref.symbol.id])
        return np.broadcast_to(found, (rows, *bottom)).reshape(*top, *bottom)

    if not node.batched:
        return table({_COMES_BACK: ones, **{f"{at}": array for at, array in enumerate(arrays)}})
    count = max(len(array) for array, arg in zip(arrays, node.args, strict=True) if arg.batched)
    return np.stack(
        [
            table(
                {_COMES_BACK: ones}
                | {
                    f"{at}": array[e] if arg.batched else array
                    for at, (array, arg) in enumerate(zip(arrays, node.args, strict=True))
                }
            )
            for e in range(count)
        ]
    )


def _slopes_element(node: Call, index: tuple[int, ...]) -> Expr:
    top: Shape = node.param[1]
    here, below = index[: len(top)], index[len(top) :]
    G = Ref(Symbol(_COMES_BACK, top))
    formula = element(_back(node, {f"{at}": arg for at, arg in enumerate(node.args)}), below)

    def known(leaf: Expr) -> Expr | None:
        if isinstance(leaf, Ref) and leaf.symbol == G.symbol:
            return ONE if (leaf.index or ()) == here else ZERO
        return simplified(leaf) if isinstance(leaf, Call) else None

    return rewrite(formula, known)


def simplified(node: Call) -> Expr:
    """A call without terms and factors that are 0, or factors that are 1."""
    args = node.args
    if node.op == "add":
        terms = [arg for arg in args if arg != ZERO]
        return total(terms) if terms else ZERO
    if node.op == "sub":
        return args[0] if args[1] == ZERO else negative(args[1]) if args[0] == ZERO else node
    if node.op in ("mul", "times"):
        return ZERO if ZERO in args else product(*args) if node.op == "mul" else node
    if node.op in ("div", "neg") and args[0] == ZERO:
        return ZERO
    if node.op == "choose" and args[1] == args[2]:
        return args[1]
    return node


OPERATORS["slopes"] = Operator(lambda *shapes: (*shapes[-1][1], *shapes[-1][2]), _slopes, _slopes_element, shaped=True)
