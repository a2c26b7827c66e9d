"""Where training went beyond what a number can hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from tutor.engine.compiled.graph import needed_equations
from tutor.engine.expressions import Call, Expr, Ref, Symbol, evaluate, refs, walk
from tutor.engine.floats import quietly
from tutor.engine.lesson import Lesson
from tutor.engine.model import Equation
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.run import Run

Trouble: TypeAlias = Literal["infinite", "undefined", "0/0"]


@dataclass(frozen=True)
class Divergence:
    """Where training went beyond what a number can hold.

    `symbol` is the first in the order of evaluation that does, `kind` "infinite", "undefined" (a NaN) or "0/0" (of an
    optimiser without an ε), `element`
    which element of it (from 0) and `example` which of the batch (from 0; None if it belongs to none). `operands`
    are the largest sizes in the values that it was computed from, the largest first. `growth` is the factor by
    which the `loss` (L, J or a circuit's output) grew an iteration, over the last few; None if it did not grow.
    `outside` is what had no value: the symbol whose value left the domain of a function, that value, and
    its operator; None if a number just became too large. `falling`: the loss fell in each of the last iterations.
    """

    iteration: int
    symbol: Symbol
    kind: Trouble
    element: tuple[int, ...]
    example: int | None
    operands: tuple[tuple[Symbol, float], ...]
    loss: Symbol
    growth: float | None
    outside: tuple[Symbol, float, str] | None = None
    falling: bool = False


# Operator -> whether its arguments are outside of where it has a value, and which argument that is about.
_DOMAINS: dict[str, tuple[Callable[..., Any], int]] = {
    "log": (lambda x: x <= 0, 0),
    "sqrt": (lambda x: x < 0, 0),
    "div": (lambda x, y: y == 0, 1),
    "pow": (
        lambda x, n: ((x < 0) & (n != np.floor(n))) | ((x == 0) & (n < 0)),
        0,
    ),
}  # fmt: skip


def _outside(formula: Expr, look: Callable[[Ref], np.ndarray | float]) -> tuple[Symbol, float, str] | None:
    """What left the domain of a function in a formula: the symbol, its value there, the operator."""
    for node in walk(formula):
        if not isinstance(node, Call) or node.op not in _DOMAINS:
            continue
        beyond, about = _DOMAINS[node.op]
        args = np.broadcast_arrays(*(np.asarray(evaluate(arg, look), dtype=float) for arg in node.args))
        where = np.argwhere(beyond(*args))
        if len(where) and (named := refs(node.args[about])):
            value = np.broadcast_to(np.asarray(look(named[0]), dtype=float), args[about].shape)
            return named[0].symbol, float(value[tuple(where[0])]), node.op
    return None


def zero_by_zero(lesson: Lesson, eq: Equation, value: np.ndarray | float) -> bool:
    """Whether an update came to 0/0: the gradient was 0 from the start and there is no ε to divide by."""
    training = lesson.training
    no_epsilon = training is not None and "epsilon" in OPTIMIZERS[training.optimizer].hyper and not training.epsilon
    return no_epsilon and eq.rule == "update" and bool(np.isnan(value).any())


def divergence(run: Run) -> Divergence | None:
    """What went wrong in the iteration in which a run diverged; None if it has not."""
    if run.diverged is None:
        return None
    found = run.iteration(run.diverged)
    assert found is not None
    program, values, growth = found.program, found.values, _growth(run.losses)
    falling = _falling(run.losses)
    loss = program.model.objective
    roots = [loss.key, *program.carried]
    for eq in needed_equations(program.equations, roots):
        value = np.asarray(values[eq.symbol.key])
        sound = program.model.sound(eq.symbol, value)
        if sound.all():
            continue
        place = tuple(int(i) for i in np.argwhere(~sound)[0])
        example = place[0] if eq.symbol.per_example else None
        sizes = []
        for symbol in dict.fromkeys(ref.symbol for ref in refs(eq.compute or eq.formula)):
            if symbol.key in values and symbol.quantity not in ("hyper", "input", "target"):
                with quietly():
                    sizes.append((symbol, float(np.max(np.abs(values[symbol.key]), initial=0))))
        kind: Trouble = "undefined" if np.isnan(value[place]) else "infinite"
        kind = "0/0" if zero_by_zero(run.lesson, eq, value) else kind
        largest = tuple(sorted(sizes, key=lambda entry: -entry[1]))
        element = place[1:] if eq.symbol.per_example else place
        outside = _outside(eq.compute or eq.formula, lambda ref: values[ref.symbol.key])
        return Divergence(run.diverged, eq.symbol, kind, element, example, largest, loss, growth, outside, falling)
    # At the very edge, where the code that trained rounded another way than the equations do.
    return Divergence(run.diverged, program.equations[-1].symbol, "infinite", (), None, (), loss, growth)


def _falling(losses: np.ndarray, last: int = 10) -> bool:
    """Whether a circuit's output fell in each of the last iterations, and lies below 0 (a loss never does)."""
    finite = losses[np.isfinite(losses)][-last:]
    return len(finite) > 1 and bool(np.all(np.diff(finite) < 0)) and bool(finite[-1] < 0)


def _growth(losses: np.ndarray, most: int = 10) -> float | None:
    """The mean factor by which the last few finite losses grew, if each was larger than the one before."""
    last = losses[np.isfinite(losses)][-most - 1 :]
    growing = 1
    while growing < len(last) and last[-growing - 1] < last[-growing]:
        growing += 1
    if growing < 3 or last[-growing] == 0:
        return None
    ratio = float(np.exp((np.log(last[-1]) - np.log(last[-growing])) / (growing - 1)))
    return ratio if ratio > 1.05 else None
