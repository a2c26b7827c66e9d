"""The card of a step: everything that the player and line mode say about it, in one notation.

Both front ends draw the same card; they differ only in how documents become lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from tutor import prose
from tutor.activations import ACTIVATIONS, prime_of
from tutor.dialects import NOTATIONS
from tutor.explain import Explainer
from tutor.formula import Call, Expr, Ref, evaluate, refs, walk
from tutor.glossary import spoken_of
from tutor.layout import Doc, linear
from tutor.notation import Writer
from tutor.optimizers import OPTIMIZERS
from tutor.trace import NoSuchStep, Step, Trace, activation_calls, resolve, symbols_of


@dataclass(frozen=True)
class Chain:
    """name = formula = numbers = value, with the reason of a derivation's line."""

    docs: tuple[Doc, ...]
    reason: str = ""


@dataclass(frozen=True)
class Operand:
    """A value that the step uses; `id` is that of the step that made it, None for what is given."""

    ref: Ref
    name: str
    value: Doc
    id: str | None


_GIVEN = re.compile(r"(?P<base>[^\[\]@\s]+)(?:\[(?P<index>[0-9]{1,9}(?:,[0-9]{1,9})*)\])?")
MAX_OPERANDS = 60  # a unit with 784 inputs has 1,569: nobody reads them one by one


@dataclass(frozen=True)
class Card:
    """`more_operands` counts those left out, `used_by` has the names and ids of the steps that use this one."""

    id: str
    title: str
    phase: str
    shape: str
    main: Chain
    where: tuple[Chain, ...]
    derivation: tuple[Chain, ...]
    why: str
    story: str
    line: str | None
    warning: str | None
    notes: tuple[str, ...]
    operands: tuple[Operand, ...]
    more_operands: int
    used_by: tuple[tuple[str, str], ...]


class Scribe:
    """Writes the cards of one trace in one notation."""

    def __init__(self, trace: Trace, notation: str):
        self.trace, self.notation = trace, notation
        self.writer = Writer(trace.lesson, notation)
        self.explainer = Explainer(self.writer)
        self.symbols = symbols_of(trace)
        self.kept: dict[tuple, list] = {}  # what a front end drew of this trace in this notation

    def card(self, step: Step) -> Card:
        eq = step.equation
        return Card(
            id=step.id,
            title=self.explainer.title(step),
            phase=eq.phase,
            shape=shape_words(step.shape),
            main=self._chain(self.writer.name(step.ref), step.formula, step),
            where=tuple(self._where(step)),
            derivation=tuple(self._derivation(step)),
            why=self.explainer.why(step),
            story=self.explainer.story(step),
            line=eq.line,
            warning=self._warning(step),
            notes=tuple(self.notes(step)),
            operands=tuple(self.operand(ref, step.digits) for ref in step.operands[:MAX_OPERANDS]),
            more_operands=max(len(step.operands) - MAX_OPERANDS, 0),
            used_by=tuple(self._used_by(step)),
        )

    def _warning(self, step: Step) -> str | None:
        """Why a number is not a number: training that diverged, or a value that float64 cannot hold."""
        model = self.trace.program.model
        if not all(np.all(np.isfinite(self.trace.value(Ref(parameter)))) for parameter in model.parameters):
            return (
                "Training has diverged: a parameter outgrew what numbers can hold before this iteration. "
                "A smaller learning rate helps."
            )
        if not np.all(np.isfinite(step.value)):
            return "This value is beyond what a number can hold here; the steps that need it are computed without it."
        return None

    def _chain(self, name: Doc, formula: Expr, step: Step, reason: str = "") -> Chain:
        """name = formula = numbers = value, leaving out what would only repeat what stands beside it."""
        digits = step.digits
        docs = [name, self.writer.formula(formula), self.writer.numbers(formula, self.trace.value, digits)]
        docs.append(self.writer.value(step.value, digits))
        texts = [linear(doc) for doc in docs]
        keep = [doc for at, doc in enumerate(docs) if at == 0 or texts[at] != texts[at - 1]]
        return Chain(tuple(keep), reason)

    def _where(self, step: Step):
        """What the signs of activations and their slopes stand for, with this step's numbers."""
        for node in activation_calls(step.formula):
            name = prime_of(node.op)
            if name:
                written = self.writer.written_out(node)
                docs: list[Doc] = [self.writer.formula(node)]
                if ACTIVATIONS[name].derivative.shape == () and linear(self.writer.formula(written)) != linear(docs[0]):
                    docs.append(self.writer.formula(written))
                yield Chain((*docs, self._evaluated(node, step)))
            else:
                definition = self.writer.definition(node)
                yield Chain((definition,))

    def _evaluated(self, node: Call, step: Step) -> Doc:
        return self.writer.value(evaluate(node, self.trace.value), step.digits)

    def _derivation(self, step: Step):
        for line in step.equation.derivation:
            formula = step.specialise(line.formula)
            yield Chain(
                (self.writer.formula(formula), self.writer.numbers(formula, self.trace.value, step.digits)),
                self._reason(line.reason),
            )

    def _reason(self, text: str) -> str:
        """A derivation's reason with ŷ as this notation has it, and z as its letter for a pre-activation."""
        output = next(eq.symbol for eq in reversed(self.trace.equations) if eq.symbol.quantity == "activation")
        name = self.writer.text(Ref(replace(output, per_example=False)))
        return text.format(a=name, z=self.writer.notation.letter)

    def operand(self, ref: Ref, digits: int = 4) -> Operand:
        maker = self.trace.maker(ref)
        value = self.writer.value(self.trace.value(ref), digits)
        return Operand(ref, self.writer.text(ref), value, maker.id if maker else None)

    def _used_by(self, step: Step):
        """Names and ids of the later steps that use this one."""
        for eq in self.trace.equations:
            if any(ref.symbol == step.equation.symbol for ref in refs(eq.formula)):
                example = step.example if eq.symbol.per_example else None
                ref = Ref(eq.symbol, None, example)
                yield self.writer.text(ref), ref.id

    # ------------------------------------------------------------ prose

    def notes(self, step: Step) -> list[str]:
        """The author's notes on a step: on the whole, and at level scalar on just this element."""
        found = []
        for note in self.trace.lesson.notes:
            try:
                eq, index, example = resolve(self.trace.program, note.step)
            except NoSuchStep:
                continue  # a step of an iteration with a larger batch
            same = eq.symbol == step.equation.symbol and example in (None, step.example)
            if same and (index is None or step.index is None or index == step.index):
                found.append(self.prose(note.text))
        return found

    def prose(self, text: str) -> str:
        """A lesson's prose as Markdown: LaTeX as Unicode, {dL/dW2} and the like as names in this notation."""
        return prose.render(text, self.called)

    def called(self, id: str) -> str | None:
        """What this notation calls the step or the given value of an id; None where there is none."""
        match = _GIVEN.fullmatch(id)
        symbol = match and (self.symbols.get(match["base"]) or self.symbols.get(match["base"] + "@"))
        if match and symbol:
            if not match["index"]:
                return self.writer.text(Ref(symbol))
            at = tuple(int(part) - 1 for part in match["index"].split(","))
            inside = len(at) == len(symbol.shape) and all(0 <= i < n for i, n in zip(at, symbol.shape, strict=True))
            return self.writer.text(Ref(symbol, at)) if inside else None
        try:
            eq, index, example = resolve(self.trace.program, id)
        except NoSuchStep:
            return None
        return self.writer.text(Ref(eq.symbol, index, example))


def terms_of(step: Step) -> list[str]:
    """The terms of the glossary that are spoken of at a step, the nearest first."""
    lesson, eq = step.trace.lesson, step.equation
    chosen: list[str | None] = []
    if lesson.network:
        layer = eq.symbol.layer or (eq.symbol.wrt.layer if eq.symbol.wrt else None)
        if layer and eq.rule in ("activation", "pre_activation", "pre_activation_gradient"):
            chosen.append(lesson.network.layers[layer - 1].activation)
        if eq.phase == "loss" or eq.rule in ("loss_gradient", "combined_error"):
            chosen.append(lesson.network.loss)
    if eq.phase == "update" and lesson.training:
        chosen.append(lesson.training.optimizer)
    return spoken_of(eq.rule, *chosen)


def shape_words(shape: tuple[int, ...]) -> str:
    """(2, 3) -> '2 × 3 matrix'."""
    if len(shape) == 2:
        return f"{shape[0]} × {shape[1]} matrix"
    return f"{shape[0]} numbers" if shape and shape[0] > 1 else "one number"


def conventions(trace: Trace, notation: str) -> list[str]:
    """What this lesson takes for granted, said in words: the loss, the mean, what is updated, which index is which."""
    lesson, entry = trace.lesson, NOTATIONS[notation]
    said = []
    if lesson.circuit:
        said.append("Each gate is a step; ∂f/∂x (f the output) says how the output changes when x changes a little.")
    if lesson.network:
        said.append(f"Notation: {entry.title}: {entry.known_from}.")
        formula = linear(
            Writer(lesson, notation).formula(next(eq for eq in trace.equations if eq.rule == "loss").formula)
        )
        said.append(f"Loss of one example: {formula}.")
        said.append("Each weight matrix has a row for each unit it leads to and a column for each unit it comes from.")
        if any(node.op == "ratio" for eq in trace.equations for node in walk(eq.formula) if isinstance(node, Call)):
            said.append("⊘ divides cell by cell.")
        said.append(f"The two indices of a weight are {entry.order}; step ids are always row, column.")
    if lesson.training:
        t = lesson.training
        update = f"Update: learning rate {t.learning_rate:g}, {OPTIMIZERS[t.optimizer].title}"
        if lesson.network and t.l2:
            update += f", L2 regularisation with λ = {t.l2:g} (weights, not biases)"
        if trace.examples > 1:
            update += f", batch of {trace.examples}, mean over its examples"
        said.append(update + ".")
    return said
