"""Whether two formulas say the same: compared as functions of a lesson's numbers, not by how they are written.

All numbers of an iteration are worked out again from parameters and inputs that are a little off. Formulas that agree
there as they do in the lesson are the same one, whichever names, brackets and order they were written with. What is
0 or ±1 stays, and targets and settings (η, λ, β) too: a learner leaves such a factor out, or writes it as a number. So
do whole numbers in an author's data: an id or a class is no number beside it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tutor.engine.expressions import Const, Expr, Ref, evaluate, refs, rewrite, walk
from tutor.engine.trace import Step, Trace
from tutor.questions.names import look_up

WORLDS, MOVED = 2, 0.02  # how many other sets of numbers, and how far off: little, so that the same gates stay open
FIXED = ("target", "hyper")
PLAIN = (0.0, 0.5, 1.0, 2.0)  # numbers that belong to formulas; any other may have been read off the screen


class _Worlds:
    """A trace's other sets of numbers; none yet."""

    found: tuple[Trace, ...] = ()


def elsewhere(trace: Trace) -> tuple[Trace, ...]:
    """The same iteration with other numbers; always the same ones."""
    kept = trace.memo.of(_Worlds)
    if not kept.found:
        kept.found = tuple(_moved(trace, seed) for seed in range(WORLDS))
    return kept.found


def _moved(trace: Trace, seed: int) -> Trace:
    rng, program = np.random.default_rng(seed), trace.program
    model = program.model
    numbers = {*model.fixed, *model.data} - {*model.parameters}
    given: dict[str, np.ndarray | float] = {}
    for key, value in trace.iteration.values.items():
        if key in program.by_key:
            continue
        array = np.asarray(value, dtype=float)
        symbol = program.symbols.get(key)
        stays = np.isin(array, (-1.0, 0.0, 1.0)) | (symbol is None or symbol.quantity in FIXED)
        if symbol in numbers:
            stays |= array == np.round(array)
        factors = 1 + rng.uniform(-MOVED, MOVED, array.shape)
        given[key] = np.where(stays, array, array * factors)[()]
    return replace(trace, iteration=replace(trace.iteration, values=program.run(given)))


def there(step: Step) -> list[Step]:
    """The step in each of the other sets of numbers."""
    return [Step(trace, step.equation, step.index, step.example) for trace in elsewhere(step.trace)]


def value_at(step: Step, formula: Expr) -> float:
    """A typed formula's value, as `answers.read_answer` takes it for this step; NaN where it says no single number."""
    try:
        value = np.asarray(evaluate(formula, lambda ref: look_up(step, ref)), dtype=float)
    except ValueError:
        return float("nan")
    if value.ndim and step.index and value.shape == step.equation.symbol.shape:
        value = value[step.index]
    return float(value.reshape(())) if value.size == 1 else float("nan")


def says(step: Step, formula: Expr) -> bool:
    """Whether a typed formula is the step's own, as a function of the lesson's numbers."""
    return all(
        np.isclose(value_at(other, formula), float(other.value), rtol=1e-9, atol=0) for other in (step, *there(step))
    )


def has_names(formula: Expr | None) -> bool:
    """Whether a formula has names in it: numbers alone tell nothing of how they were found."""
    return formula is not None and bool(refs(formula))


def literals(formula: Expr) -> list[Const]:
    """The numbers in a formula that may be values read off the screen, each once."""
    found = (node for node in walk(formula) if isinstance(node, Const) and abs(node.value) not in PLAIN)
    return list(dict.fromkeys(found))


def put_in(formula: Expr, number: Const, ref: Ref) -> Expr:
    """The formula with a name in the place of a number."""
    return rewrite(formula, lambda node: ref if node == number else None)


def resolved(step: Step, formula: Expr) -> Expr:
    """A formula with the names of the step's operands in the place of numbers that were read off of them."""
    for number in literals(formula):
        meant = [
            ref for ref in step.operands[:64] if np.isclose(look_up(step, ref), number.value, rtol=5e-4, atol=0).all()
        ]
        if len(meant) == 1:
            formula = put_in(formula, number, meant[0])
    return formula


def wrong_number(step: Step, formula: Expr) -> tuple[float, Ref] | None:
    """The one number of a formula that keeps it from being the step's own, and the operand that belongs there."""
    formula = resolved(step, formula)
    for number in literals(formula):
        for ref in step.operands[:16]:
            if says(step, put_in(formula, number, ref)):
                return number.value, ref
    return None


def read_off(formula: Expr) -> bool:
    """Whether numbers stand in a formula that may be values read off the screen: its form is then not all known."""
    return bool(literals(formula))
