"""Formulas unfolded: a name is replaced by the formula that makes it, again and again, up to what was given.

    dL/dz1 = dL/da1 ⊙ σ′(z1)      once:    ⟨W2ᵀ·dL/dz2⟩ ⊙ σ′(z1)      twice:  (W2ᵀ·⟨a2 − y⟩) ⊙ σ′(z1)

The formulas are those of the steps themselves, so that an unfolded one has the step's value. What other steps use as
well is marked with ⟨ ⟩: it is the product that backpropagation computes once and keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from tutor.engine.activations import ACTIVATIONS, prime_of
from tutor.engine.expressions import OPERATORS, SHAPE_ONLY, Call, Expr, Operator, Ref, call, element, walk
from tutor.engine.model import PHASES
from tutor.engine.trace import Step, Trace
from tutor.messages import Message

MOST = 800  # parts of a formula that anybody reads
SHARED = "⟨⟩"  # the operator of what is kept: its value is that of what it marks

OPERATORS[SHARED] = Operator(
    lambda shape: shape,
    lambda node, value: value,
    lambda node, index: Call(SHARED, (element(node.args[0], index),)),
    noise=lambda node, value, arrays, noises: noises[0],
)


class CannotUnfold(ValueError):
    """Why a formula does not unfold further; str() is a sentence."""


@dataclass(frozen=True)
class Unfolded:
    """A formula after one more unfolding, and the steps whose formulas now stand in place of their names."""

    formula: Expr
    makers: tuple[Step, ...]


def replaced(formula: Expr, change: Callable[[Ref], Expr | None]) -> Expr:
    """A formula with the values that it shows replaced; None leaves one as it is.

    A slope f′(z, a) shows z alone: its own value follows from what stands for z. What is asked for its shape alone
    stays. A part that stands in a formula many times, as the mean does in a norm's element, is gone over once.
    """
    done: dict[int, Expr] = {}

    def within(node: Expr) -> Expr:
        if id(node) not in done:
            done[id(node)] = (change(node) or node) if isinstance(node, Ref) else of_parts(node)
        return done[id(node)]

    def of_parts(node: Expr) -> Expr:
        if not isinstance(node, Call):
            return node
        name = prime_of(node.op)
        if name in ACTIVATIONS:
            z, _, *rest = node.args
            new = within(z)
            return node if new is z else Call(node.op, (new, Call(name, (new, *rest)), *rest), node.param)
        kept = SHAPE_ONLY.get(node.op)
        args = tuple(arg if at == kept else within(arg) for at, arg in enumerate(node.args))
        same = all(new is old for new, old in zip(args, node.args, strict=True))
        return node if same else Call(node.op, args, node.param)

    return within(formula)


def unfoldings(step: Step, names: tuple[str, ...]) -> Iterator[Unfolded]:
    """A step's formula, unfolded once for each name, one after the other.

    A name is the id of an operand (dL/da1, or of one element dL/da1[2]); "" is every operand of the latest phase: in
    the backward pass first the gradients, back to the loss, and then the values. Raises CannotUnfold.
    """
    kept, formula = step.trace.memo.of(_Kept), step.formula
    for many, name in enumerate(names, 1):
        key = (step.id, names[:many])
        if key not in kept:
            kept[key] = unfold(step.trace, formula, name)
        formula = kept[key].formula
        yield kept[key]


class _Kept(dict[tuple[str, tuple[str, ...]], Unfolded]):
    """What was unfolded of a trace's steps, by the step's id and the names: each further one begins where one was."""


def unfold(trace: Trace, formula: Expr, name: str = "", mark: bool = True) -> Unfolded:
    """A formula unfolded once, what is shared with other steps marked; see `unfoldings`. Raises CannotUnfold."""
    makers = operands(trace, formula)
    if not makers:
        raise CannotUnfold(Message("Everything is written out: only what was given is left."))
    if name:
        chosen = {ref: maker for ref, maker in makers.items() if name in (ref.id, ref.symbol.id)}
        if not chosen:
            raise CannotUnfold(Message("There is no operand '{name}' here that a step makes.", name=name))
    else:
        last = max(PHASES.index(maker.phase) for maker in makers.values())
        chosen = {ref: maker for ref, maker in makers.items() if PHASES.index(maker.phase) == last}
    put = {ref: _put(ref, maker, mark) for ref, maker in chosen.items()}
    found = replaced(formula, put.get)
    if sum(1 for _ in islice(walk(found), MOST + 1)) > MOST:
        raise CannotUnfold(Message("Written out further it would have more parts than anybody reads."))
    return Unfolded(found, tuple(chosen.values()))


def operands(trace: Trace, formula: Expr) -> dict[Ref, Step]:
    """The values that a formula shows and a step made, in order of appearance, with those steps."""
    found: dict[Ref, Step] = {}

    def look(ref: Ref) -> None:
        if ref not in found and (maker := trace.maker(ref)):
            found[ref] = maker

    replaced(formula, look)
    return found


def shared(maker: Step) -> bool:
    """Whether a step is a gradient that more than one other step uses."""
    return maker.phase == "backward" and maker.trace.program.use_counts[maker.equation.symbol] > 1


def _put(ref: Ref, maker: Step, mark: bool) -> Expr:
    formula = maker.formula
    if formula.shape != ref.shape:  # a plain number, which stands for itself in every place
        formula = call("expand", formula, ref)
    return Call(SHARED, (formula,)) if mark and shared(maker) and isinstance(formula, Call) else formula
