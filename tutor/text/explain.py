"""What a step is called, why it is so, and what it says in the story: the templates of `explanations.py`, filled in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from tutor.engine.activations import ACTIVATIONS, prime_of
from tutor.engine.expressions import Call, Expr, Ref, walk
from tutor.engine.losses import LOSSES
from tutor.engine.paths import Factor
from tutor.engine.trace import Step
from tutor.text import array_whys
from tutor.text.explanations import GATES, LINEAR, RULES, SAYS, Explanation, Turn
from tutor.text.language import Term, fill, say, say_in
from tutor.text.layout import linear, number
from tutor.text.words import capital
from tutor.text.writer import Writer


def _of_exponent(formula: Expr) -> bool:
    """Whether a power gate's gradient goes to the exponent, not to the base."""
    return any(isinstance(node, Call) and node.op == "power_log" for node in walk(formula))


def _rule(step: Step, writer: Writer) -> tuple[Explanation, Mapping[str, str]]:
    """The entry for a step, and the words of it that only this step has.

    A linear layer has its own entry, and what a gate does to arrays follows from their shapes.
    """
    eq, symbol = step.equation, step.equation.symbol
    layer = step.trace.program.model.layer_of(symbol)
    if writer.arrays and eq.rule in ("gate", "gate_gradient"):
        told = array_whys.backward if eq.rule == "gate_gradient" else array_whys.forward
        return told(step, lambda formula: linear(writer.formula(formula)))
    if eq.rule in LINEAR and layer and layer.activation_name == "linear":
        return LINEAR[eq.rule], {}
    return RULES[eq.rule_id], {}


class Explainer:
    """Explains steps in one notation."""

    def __init__(self, writer: Writer):
        self.writer = writer

    def title(self, step: Step) -> str:
        """What the step is called: "Gradient of the biases of the output layer"."""
        rule, words = self._words(step)
        return fill(rule.title, words)

    def why(self, step: Step) -> str:
        """One sentence (or two) of why, for the whole or for the element that the step is."""
        rule, words = self._words(step)
        why = fill(rule.element if step.index and rule.element else rule.why, words)
        if self.writer.arrays and step.equation.rule == "fork":
            why += " " + array_whys.fork(step, lambda formula: linear(self.writer.formula(formula)))
        gate = step.equation.rule == "gate_gradient"
        if gate and not any(ref.symbol.quantity == "gradient" for ref in step.operands):
            output = step.trace.program.model.output.id
            why += say(" That gate is the output itself, where the gradient begins: ∂{f}/∂{f} = 1.", f=output)
        return why

    def story(self, step: Step) -> str:
        """What the step says in the story: a sentence or two, or the turns of its speakers."""
        rule, words = self._words(step)
        return fill(rule.story, words) if isinstance(rule.story, str) else " ".join(t.text for t in self.turns(step))

    def turns(self, step: Step) -> tuple[Turn, ...]:
        """Who speaks in this step of the backward pass, what they say and what they pass on; else nobody."""
        rule, words = self._words(step)
        if isinstance(rule.story, str):
            return ()
        return tuple(
            Turn(fill(turn.speaker, words), fill(turn.words, words), fill(turn.passes, words)) for turn in rule.story
        )

    def layer(self, layer: int | None) -> Term:
        """A layer in words: 'hidden layer 2', 'the output layer'."""
        return layer_words(layer, self.writer.depth)

    def factor(self, factor: Factor) -> str:
        """What a factor of a path says."""
        top, bottom = factor.top.symbol, factor.bottom.symbol
        if factor.local.rule == "combined_error":
            return say("Loss and activation in one factor, since they cancel: the prediction minus the target.")
        if self.writer.arrays:
            return array_whys.factor(factor.use, bottom, lambda formula: linear(self.writer.formula(formula)))
        if factor.use.rule == "gate":
            title, _, back = GATES["pow_exponent" if _of_exponent(factor.local.formula) else factor.use.variant]
            return say("{Gate} {it}: it {back}.", Gate=say(title), it=self.writer.text(factor.top), back=say(back))
        if bottom.quantity == "activation" and factor.weight:
            return say(
                "How unit {i} of {layer} hears unit {j} of {below}: the weight of the connection between them.",
                i=factor.top.index[0] + 1 if factor.top.index else 1, layer=self.layer(top.layer),
                j=factor.bottom.index[0] + 1 if factor.bottom.index else 1, below=self.layer(bottom.layer),
            )  # fmt: skip
        if bottom.quantity == "activation":
            return say("The loss's own choice: how it changes when the prediction changes a little.")
        if bottom.quantity == "weights":
            return say("What this weight carries: the value that it is multiplied by.")
        if bottom.quantity == "biases":
            return say("A bias is added as it is: the factor is 1.")
        layer = self.writer.model.layer_of(top)
        assert layer
        name = layer.activation_name
        if name == "softmax":
            return say("Softmax: every output depends on every pre-activation, through the denominator.")
        if name == "linear":
            return say("A linear unit passes its pre-activation on as it is: the slope is 1.")
        return say("The slope of {g} at this unit's own pre-activation.", g=self.writer.function(name, top.layer))

    def _words(self, step: Step) -> tuple[Explanation, Words]:
        rule, own = _rule(step, self.writer)
        return rule, Words(self.writer, step, own)


class Words:
    """The words for a step's templates, each made when a template asks for it: a method a word, named in `WORDS`."""

    def __init__(self, writer: Writer, step: Step, own: Mapping[str, str]):
        """`own` are those that only this step has."""
        self.writer, self.step, self.own = writer, step, own

    def __getitem__(self, key: str) -> str:
        return self.own[key] if key in self.own else WORDS[key](self)

    def _operand(self, quantity: str) -> Ref | None:
        """The first operand that is such a quantity."""
        return next((ref for ref in self.step.operands if ref.symbol.quantity == quantity), None)

    def _whole(self, quantity: str) -> str:
        """The name of all of it: a loss sums over the elements, which are its operands at level scalar."""
        ref = self._operand(quantity)
        return self.writer.text(replace(ref, index=None) if math.prod(ref.symbol.shape) > 1 else ref) if ref else ""

    def a(self) -> str:
        return self._whole("activation")

    def y(self) -> str:
        return self._whole("target")

    def up(self) -> str:
        ref = self._operand("gradient")
        return self.writer.text(ref) if ref else ""

    def it(self) -> str:
        return self.writer.text(self.step.ref)

    def of(self) -> str:
        symbol = self.step.equation.symbol
        if not symbol.wrt:
            return self.it()
        example = self.step.example if symbol.wrt.per_example else None
        return self.writer.text(Ref(symbol.wrt, self.step.index, example))

    def L(self) -> str:
        of = self.step.equation.symbol.of
        return self.writer.text(Ref(of)) if of else "L"

    def bottom(self) -> str:
        wrt = self.step.equation.symbol.wrt
        return self.writer.text(Ref(wrt)) if wrt else ""

    def layer(self) -> Term:
        return layer_words(self.step.equation.symbol.layer, self.writer.depth)

    def Layer(self) -> Term:
        return self.layer().changed(capital)

    def next(self) -> Term:
        return layer_words((self.step.equation.symbol.layer or 0) + 1, self.writer.depth)

    def g(self) -> str:
        """The sign of the layer's activation."""
        for node in walk(self.step.equation.formula):
            name = (prime_of(node.op) or node.op) if isinstance(node, Call) else ""
            if name in ACTIVATIONS and name != "linear":
                return self.writer.function(name, self.step.equation.symbol.layer)
        return say("the activation")

    def G(self) -> str:
        return capital(self.g()) if " " in self.g() else self.g()

    def e_to_the_z(self) -> str:
        return self.writer.e_to_the_z

    def heard(self) -> str:
        last = self.step.equation.symbol.layer == self.writer.depth
        if last:
            return say("the prediction {it}", it=self.it())
        return say("what {next} hears", next=self.next())

    def end_of_blame(self) -> str:
        last = self.step.equation.symbol.layer == 1
        return say(" And here it ends: the input came with the data, and nobody can blame it.") if last else ""

    def Next(self) -> Term:
        return self.next().changed(capital)

    def _biased(self) -> bool:
        layer = self.writer.model.layer_of(self.step.equation.symbol)
        return layer is not None and layer.biases is not None

    def feeders(self) -> str:
        layer = self.step.equation.symbol.layer or 1
        before = Term("the input") if layer == 1 else layer_words(layer - 1, self.writer.depth)
        if self._biased():
            return say("{layer}, my weights and my bias", layer=before)
        return say("{layer} and my weights", layer=before)

    def Parameters(self) -> str:
        return say("Weights and biases") if self._biased() else say("The weights")

    def _gate(self) -> tuple[str, str, str]:
        """What this gate, or the one that the gradient comes back from, is called, does and does to a gradient."""
        return GATES[self._kind()]

    def _kind(self) -> str:
        eq = self.step.equation
        of_exponent = eq.rule == "gate_gradient" and eq.variant == "pow" and _of_exponent(self.step.formula)
        return "pow_exponent" if of_exponent else eq.variant

    def Gate(self) -> str:
        return say(self._gate()[0])

    def does(self) -> str:
        return say(self._gate()[1])

    def gates(self) -> str:
        title, _, back = self._gate()
        return f"{say(f'the {title.lower()}')} {say(back)}"

    def says(self) -> str:
        return fill(self.own.get("spoken") or SAYS.get(self._kind(), SAYS["other"]), self)

    def nothing(self) -> str:
        """What only `array_whys` has words for."""
        return ""

    def gate(self) -> str:
        """The gate that the blame comes from: the one that used the value."""
        symbol = self.step.equation.symbol
        users = self.step.trace.program.gates_back(symbol.wrt) if symbol.wrt else []
        return self.writer.text(Ref(users[0].symbol if users else symbol))

    def result(self) -> str:
        output = self.step.trace.program.model.output
        return say("I am the result itself. ") if self.gate() == self.writer.text(Ref(output)) else ""

    def remember(self) -> str:
        """Which gradient will need a gate's value, if one does."""
        needs = self.step.trace.program.needed_backward.get(self.step.equation.symbol)
        return say(" Remember the value: {it} will need it.", it=self.writer.text(Ref(needs))) if needs else ""

    def all_gradients_first(self) -> str:
        """Said once: of several updates, at the first."""
        updates = [eq.symbol for eq in self.step.trace.equations if eq.rule == "update"]
        first = len(updates) > 1 and self.step.equation.symbol == updates[0]
        return say(" All gradients were found before the first parameter was changed.") if first else ""

    def as_outer_product(self) -> str:
        whole = self.step.index is None and min(self.step.shape, default=0) > 1
        return say(" All of them at once are an outer product: errors as a column, values as a row.") if whole else ""

    def against(self) -> str:
        plain = any(ref.symbol.quantity == "gradient" for ref in self.step.operands)
        if plain:
            return say("Against the gradient")
        return say("Against the direction that the optimiser made of the gradients")

    def what_grows(self) -> str:
        model = self.step.trace.program.model
        if not model.decay and not model.loss_name:
            return model.output.id
        return Term("the objective") if model.decay else Term("the loss")

    def and_bias(self) -> str:
        return say(", plus its bias") if any(ref.symbol.quantity == "biases" for ref in self.step.operands) else ""

    def loss(self) -> str:
        name = self.writer.model.loss_name
        return capital(say(LOSSES[name].title if name else "loss"))

    def i(self) -> str:
        return str(self.step.index[0] + 1) if self.step.index else ""

    def j(self) -> str:
        return str(self.step.index[-1] + 1) if self.step.index else ""

    def n(self) -> str:
        if self.step.equation.rule in ("fork", "uses"):
            return str(len(self.step.formula.args) if isinstance(self.step.formula, Call) else 2)
        return str(self.step.trace.examples)

    def mean(self) -> str:
        training = self.step.trace.lesson.training
        return say(training.batch_loss if training else "mean")

    def n_paths(self) -> str:
        count = self._paths()
        return say("the one unit") if count == 1 else say("both units") if count == 2 else say("all {n} units", n=count)

    def a_sum(self) -> str:
        if self._paths() == 1:
            return say_in("the error of one unit", "its")
        return say_in("the errors of units", "a sum, over those units, of their")

    def _paths(self) -> int:
        layers, layer = self.writer.model.layers, self.step.equation.symbol.layer
        return layers[layer].units if layer is not None and layer < len(layers) else 1

    def value(self) -> str:
        value = self.step.value
        return number(value) if self.step.shape == () else linear(self.writer.value(value))


# What stands in braces in a template (`explanations.FIELDS`) -> the method that says it.
WORDS: dict[str, Callable[[Words], str]] = {
    "a": Words.a,
    "a_sum": Words.a_sum,
    "against": Words.against,
    "all_gradients_first": Words.all_gradients_first,
    "and_bias": Words.and_bias,
    "as_outer_product": Words.as_outer_product,
    "bottom": Words.bottom,
    "does": Words.does,
    "e_to_the_z": Words.e_to_the_z,
    "end_of_blame": Words.end_of_blame,
    "feeders": Words.feeders,
    "g": Words.g,
    "G": Words.G,
    "Gate": Words.Gate,
    "gate": Words.gate,
    "gates": Words.gates,
    "heard": Words.heard,
    "i": Words.i,
    "it": Words.it,
    "j": Words.j,
    "L": Words.L,
    "layer": Words.layer,
    "Layer": Words.Layer,
    "loss": Words.loss,
    "mean": Words.mean,
    "n": Words.n,
    "n_paths": Words.n_paths,
    "next": Words.next,
    "Next": Words.Next,
    "of": Words.of,
    "Of": Words.of,
    "Parameters": Words.Parameters,
    "remember": Words.remember,
    "result": Words.result,
    "says": Words.says,
    "spread": Words.nothing,
    "through": Words.nothing,
    "top": Words.L,
    "up": Words.up,
    "value": Words.value,
    "what_grows": Words.what_grows,
    "x": Words.nothing,
    "y": Words.y,
}


def layer_words(layer: int | None, depth: int) -> Term:
    """A layer of a network so deep, in words."""
    if layer is None or layer > depth:
        return Term("the loss")
    if layer == depth:
        return Term("the output layer")
    return Term("the hidden layer") if depth == 2 else Term("hidden layer {n}", n=layer)
