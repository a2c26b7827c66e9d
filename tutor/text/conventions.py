"""What a lesson takes for granted, and the plan of its computation: said once, before the first step."""

from __future__ import annotations

from tutor.engine.backprop import gradient_of
from tutor.engine.expressions import Call, Ref, element, walk
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.trace import Trace
from tutor.text.language import say
from tutor.text.layout import linear
from tutor.text.notations import NOTATIONS
from tutor.text.words import activation_word, plural
from tutor.text.writer import Writer


def conventions(trace: Trace, notation: str) -> list[str]:
    """What this lesson takes for granted, said in words: the loss, the mean, what is updated, which index is which."""
    lesson, entry = trace.lesson, NOTATIONS[notation]
    said = []
    if not trace.program.model.layers:
        if trace.program.model.arrays:
            said += [say("Each gate is a step."), *_array_conventions(trace, notation)]
        else:
            said.append(
                say(
                    "Each gate is a step; ∂f/∂x (f the output) says how the output changes when x changes a little."
                )
            )
    else:
        said.append(say("Notation: {title}: {known_from}.", title=say(entry.title), known_from=say(entry.known_from)))
        loss = next(eq.formula for eq in trace.equations if eq.rule == "loss")
        loss = element(loss, ()) if trace.program.model.widths[-1] == 1 else loss  # of one output no sum is needed
        said.append(say("Loss of one example: {formula}.", formula=linear(Writer(lesson, notation).formula(loss))))
        said.append(
            say("Each weight matrix has a row for each unit it leads to and a column for each unit it comes from.")
        )
        if any(node.op == "ratio" for eq in trace.equations for node in walk(eq.formula) if isinstance(node, Call)):
            said.append(say("⊘ divides cell by cell."))
        said.append(
            say("The two indices of a weight are {order}; step ids are always row, column.", order=say(entry.order))
        )
    return said + _update_rule(trace)


def line_conventions(trace: Trace, notation: str) -> list[str]:
    """The same, where all is written on lines: there a column of a network lies down."""
    lies = [say("A vector is a column, here written on one line: [0.5, 1.2]; [0.5, 1.2]ᵀ is a row.")]
    return conventions(trace, notation) + lies * bool(trace.program.model.layers)


def _array_conventions(trace: Trace, notation: str) -> list[str]:
    """How products and gradients of arrays are written in a notation."""
    writer, model = Writer(trace.lesson, notation), trace.program.model
    x = next((symbol for symbol in model.parameters if symbol.shape), None)
    product = "X W" if writer.notation.matrix_product == " " else "X · W"
    sign = writer.notation.elementwise
    said = [
        say(
            "{product} is the product of matrices, as X @ W in NumPy; {sign} goes number by number.",
            product=product,
            sign=sign,
        )
    ]
    if x:
        gradient = Ref(gradient_of(model.output, x))
        axes = (
            say("Σᵢ goes over the rows i, down each column, and Σⱼ over the columns j, along each row.")
            if writer.in_indices
            else say("Axes count from 0: axis 0 goes down the rows.")
        )
        shape = say(
            "{gradient} has the shape of {x}: at each place the slope of {f} in that number.",
            gradient=writer.text(gradient), x=x.id, f=model.output.id,
        )  # fmt: skip
        said.append(f"{shape} {axes}")
    return said


def plan(trace: Trace, notation: str) -> list[str]:
    """What the values of this lesson are computed by, a line each: without it, numbers alone cannot be worked with.

    A circuit gate by gate; a network's layers, its loss by name, and the update.
    """
    model = trace.program.model
    writer = Writer(trace.lesson, notation)
    if not model.layers:
        gates = [(eq.symbol, eq.formula) for eq in trace.equations if eq.phase == "forward"]
        lines = [f"{writer.text(Ref(symbol))} = {linear(writer.formula(formula))}" for symbol, formula in gates]
        return lines + _update_rule(trace)
    layers = [
        f"{layer.units:,} {activation_word(layer.activation_name)}"
        + (f" (α = {layer.alpha:g})" if layer.alpha is not None else "")
        for layer in model.layers
    ]
    loss = say("Loss: {loss}.", loss=say(LOSSES[model.loss_name].title))
    return [" → ".join([plural(model.widths[0], "input"), *layers]), loss, *_update_rule(trace)]


def _update_rule(trace: Trace) -> list[str]:
    t = trace.lesson.training
    if t is None:
        return []
    said = [f"{t.learning_rate:g}", say(OPTIMIZERS[t.optimizer].title)]
    if trace.program.model.decay:
        said.append(say("L2 regularisation with λ = {l2} (weights, not biases)", l2=f"{t.l2:g}"))
    if trace.examples > 1:
        said.append(say("batch of {n}, {mean} over its examples", n=trace.examples, mean=say(t.batch_loss)))
    return [say("Update: learning rate {said}.", said=", ".join(said))]
