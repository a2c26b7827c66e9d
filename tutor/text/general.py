"""The rules of a layered network for any layer: ∇W_k = ∇a_k · h_{k−1}ᵀ, and for one weight with letters for the units.

They are written from the equations of a network of three layers that ends and is trained as this one: its middle layer
has a letter in place of its number, its neighbours that letter ± 1, and the output the letter L. No formula is written
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tutor.engine.expressions import OPERATORS, Call, Const, Expr, Operator, Ref, Symbol, call
from tutor.engine.forward import model
from tutor.engine.lesson import Layer, Lesson, Network
from tutor.engine.model import Equation
from tutor.engine.program import Program, batch_size
from tutor.engine.rules import Rule
from tutor.engine.trace import Step, Trace, trace
from tutor.engine.unfolding import operands, unfold
from tutor.text.layout import Doc, Frac, Row, subscript
from tutor.text.writer import Writer

MIDDLE, LAST = 2, 3  # the layer that stands for any, and the output
ROW, COLUMN = -1, -2  # in the place of an index: the letter of a unit that is fed, and of one that feeds it
SIGMA = "Σ over"  # the sum over all that a letter (its param) stands for
BLANK = "▢"
_BACK: tuple[Rule, ...] = ("activation_gradient", "pre_activation_gradient")  # the steps to the layer before


def _no_number(node: Call, *arrays: Any) -> Any:
    raise NotImplementedError("a letter has no number")


OPERATORS[SIGMA] = Operator(lambda shape: shape, _no_number, lambda node, index: node)


@dataclass(frozen=True)
class General:
    """A rule for any layer: name = formula, and `cell` the same for one unit or weight, where letters can say it."""

    equation: Equation
    name: Doc
    formula: Doc
    cell: tuple[Doc, Doc] | None
    tree: Expr


class _Kept:
    """What is kept with a lesson's equations: the small network, and its rules in each notation."""

    def __init__(self) -> None:
        self.small: Trace | None = None
        self.generic: dict[str, Generic] = {}


def generic(lesson: Lesson, notation: str) -> Generic | None:
    """The general rules of a lesson's network, made once; None of a circuit, which has no layers."""
    if not model(lesson).layers:
        return None
    kept = Program.of(lesson, batch_size(lesson)).memo.of(_Kept)
    kept.small = kept.small or _small(lesson)
    if notation not in kept.generic:
        kept.generic[notation] = Generic(kept.small, notation)
    return kept.generic[notation]


class Generic:
    """The rules of a network in one notation, for any layer. `small` is the trace of the network that stands for it."""

    def __init__(self, small: Trace, notation: str) -> None:
        self.trace = small
        self.id = notation
        self.notation = Writer(self.trace.lesson, notation).notation
        self.rules = {role(eq, LAST): eq for eq in reversed(self.trace.equations) if _stands_for_any(eq)}

    def of(self, step: Step) -> General | None:
        """The general form of a step's rule; None where only this step has it, as what is made of an input."""
        eq = self.rules.get(role(step.equation, len(step.trace.program.model.layers)))
        return self.written(eq) if eq else None

    def written(self, eq: Equation) -> General:
        """An equation of the small network, with letters."""
        writer, symbol = self.writer(eq), eq.symbol
        tree = self._boxed(eq) or eq.formula
        name = writer.name(Ref(symbol))
        if eq.rule == "loss" and symbol.per_example:
            name = Row((name, "@e"))  # beside the batch's, which many textbooks call by the same letter
        index = (ROW, COLUMN)[: len(symbol.shape)]
        if is_back(eq):
            index = (COLUMN,)
        found = of_letters(tree, index)
        formula, cell = writer.formula(tree), None
        if found is not None and symbol.shape:
            cell = writer.name(Ref(symbol, index)), writer.formula(found)
        elif found is not None:
            formula = writer.formula(found)
        return General(eq, name, formula, cell, tree)

    def writer(self, eq: Equation) -> Letters:
        """What writes an equation: the letter stands for the number that its weights have, or its own layer."""
        first, weights = self.notation.first, self.notation.weights_first
        base = MIDDLE + weights - 1
        if eq.rule in _BACK:
            base = LAST + weights - 1 if self.notation.steps_down else MIDDLE + first - 1
        return Letters(self.trace.lesson, self.id, base, at_output(eq, LAST) or eq.phase == "loss")

    def number(self, step: Step) -> int | None:
        """The number that the letter stands for in a step of the lesson; None where there is no letter."""
        eq, depth = step.equation, len(step.trace.program.model.layers)
        layer = _target(eq).layer
        if layer is None or at_output(eq, depth):
            return None
        weights = layer + self.notation.weights_first - 1
        if eq.rule in _BACK:
            return weights + 1 if self.notation.steps_down else layer + self.notation.first - 1
        return weights

    def _boxed(self, eq: Equation) -> Expr | None:
        """Two steps in one, where the notation's textbook has them so; of a mean the sum that it is of."""
        if eq.rule in ("mean_gradient", "sum_gradient"):
            return unfold(self.trace, eq.formula, mark=False).formula
        step = Step(self.trace, eq, None, 0 if eq.symbol.per_example else None)
        if (within := self.notation.boxes.get(eq.rule)) is None:
            return None
        for ref, maker in operands(self.trace, eq.formula).items():
            if maker.equation.rule == within:
                return unfold(step.trace, eq.formula, ref.id, mark=False).formula
        return None


def _small(lesson: Lesson) -> Trace:
    """A network of three layers, the hidden ones of two units, with this one's output, loss and training."""
    network, training = lesson.network, lesson.training
    assert network and training
    last = network.layers[-1]
    rng = np.random.default_rng(0)  # any numbers, no two alike
    hidden = [Layer(2, "sigmoid", weights=rng.normal(size=(2, 2)), biases=rng.normal(size=2)) for _ in range(2)]
    weights, biases = rng.normal(size=(last.units, 2)), rng.normal(size=last.units)
    output = Layer(last.units, last.activation, last.alpha, weights, biases)
    rows = 1 if training.batch == 1 or lesson.example_count == 1 else 2
    targets = np.tile(np.eye(1, last.units), (rows, 1))
    return trace(
        Lesson(
            "general", "general", network=Network(2, network.loss, (*hidden, output), delta=network.delta),
            inputs=rng.normal(size=(rows, 2)), targets=targets,
            training=replace(training, batch=rows, memory={}, updates=0),
        )
    )  # fmt: skip


def _target(eq: Equation) -> Symbol:
    return eq.symbol.wrt or eq.symbol


def at_output(eq: Equation, depth: int) -> bool:
    """Whether it is about the output alone: its activation, and the error there."""
    target = _target(eq)
    return target.quantity in ("activation", "pre_activation") and target.layer == depth and eq.rule != "pre_activation"


def is_back(eq: Equation) -> bool:
    """Whether an equation of the small network is a step to the layer before."""
    return eq.rule in _BACK and not at_output(eq, LAST)


def role(eq: Equation, depth: int) -> tuple[str, str, bool]:
    """What equations of all layers have in common that say the same: the rule, what it is about, whether at the end."""
    return eq.rule_id, _target(eq).quantity, at_output(eq, depth)


def _stands_for_any(eq: Equation) -> bool:
    if eq.rule == "objective":  # it names every layer's weights
        return False
    return _target(eq).layer in (None, MIDDLE) or at_output(eq, LAST)


class Letters(Writer):
    """Writes equations of the small network with a letter for the layer whose number is `base`."""

    every_index = True  # a formula for any network is for one of any number of outputs

    def __init__(self, lesson: Lesson, notation: str, base: int, output: bool) -> None:
        super().__init__(lesson, notation)
        self.base, self.output = base, output
        self.units = dict(zip((ROW, COLUMN), self.notation.units, strict=True))
        self.blank: Symbol | None = None  # what is to be filled in

    def name(self, ref: Ref) -> Doc:
        """The name of a value, ▢ of the blank."""
        return BLANK if self.blank is not None and ref.symbol == self.blank else super().name(ref)

    def _layer_text(self, number: int) -> str:
        if self.output:
            before = LAST + self.notation.first - 1 - number
            return self.notation.last + (f"−{before}" if before else "")
        off = number - self.base
        return self.notation.layer + (f"{'+' if off > 0 else '−'}{abs(off)}" if off else "")

    def _place_text(self, at: int) -> str:
        return self.units[at] if at in self.units else super()._place_text(at)

    def _is_last(self, symbol: Symbol) -> bool:
        return self.output and super()._is_last(symbol)

    def _lowered(self, parts: Sequence[str], wide: bool) -> str:
        text = [f"_{part}" if part[0] == self.notation.last else subscript(part) for part in parts]
        return ("," if any(len(part) > 1 for part in text) else "").join(text)

    def function(self, name: str, layer: int | None = None) -> str:
        """The sign of an activation: of hidden layers one for any."""
        if layer == LAST:
            return self._sign(name, layer)
        return (self.notation.functions or "g")[0] if layer else super().function(name, layer)

    def _one_of(self, count: int) -> Doc:
        return Frac("1", "n")

    def _call(self, node: Call, leaves: Any) -> tuple[Doc, int]:
        if node.op == SIGMA:
            return Row((f"Σ{subscript(self.units[node.param])} ", self._write(node.args[0], leaves, 3)[0])), 2
        return super()._call(node, leaves)


def of_letters(expr: Expr, index: tuple[int, ...]) -> Expr | None:
    """The element of a formula at letters, its sums as Σ over a letter; None where letters do not say it."""
    if isinstance(expr, Const):
        return expr
    if isinstance(expr, Ref):
        return Ref(expr.symbol, index, expr.example) if len(expr.shape) == len(index) and index else expr
    assert isinstance(expr, Call)
    op, args = expr.op, expr.args
    if op == "transpose":
        return of_letters(args[0], index[::-1])
    if op == "outer":
        return _with("mul", of_letters(args[0], index[:1]), of_letters(args[1], index[1:]))
    if op == "matmul" and [len(arg.shape) for arg in args] == [2, 1]:
        other = _other(index)
        return _over(other, _with("mul", of_letters(args[0], (*index, other)), of_letters(args[1], (other,))))
    if op == "softmax":
        other = _other(index)
        below = _over(other, _with("exp", of_letters(args[0], (other,))))
        return _with("div", _with("exp", of_letters(args[0], index)), below)
    if op == "sum" and expr.param is None and len(args[0].shape) == 1 and not index:
        return _over(ROW, of_letters(args[0], (ROW,)))
    if op in ("mean", "batch_sum"):
        inner = of_letters(args[0], index)
        return Call(op, (inner,), expr.param) if inner is not None else None
    if op == "expand" and not args[0].shape:
        return args[0]
    if not OPERATORS[op].elementwise or any(arg.shape not in ((), expr.shape) for arg in args):
        return None
    inside = [of_letters(arg, index if arg.shape else ()) for arg in args]
    return None if None in inside else Call(op, tuple(arg for arg in inside if arg is not None), expr.param)


def _other(index: tuple[int, ...]) -> int:
    return ROW if COLUMN in index else COLUMN


def _with(op: str, *args: Expr | None) -> Expr | None:
    found = [arg for arg in args if arg is not None]
    return call(op, *found) if len(found) == len(args) else None


def _over(letter: int, body: Expr | None) -> Expr | None:
    return None if body is None else Call(SIGMA, (body,), letter)
