"""The model of a lesson: its forward equations, and a word for each symbol.

After it is made nobody asks whether a network or a circuit was written: what a module needs to know (are there layers
to draw in columns? what is taken of an example? which symbols are trained?) the model says.

A step is an equation: one symbol = a formula over symbols that came before. What a symbol
is, its `quantity`, is one of

    input target            x and y, a row of the lesson's data
    weights biases          W1 b1 W2 ..., the parameters of a network
    pre_activation activation loss objective    z1 a1 ... L J
    node circuit_input      a circuit's values and its inputs
    gradient local          dL/dW2, ∂(of)/∂(wrt); and the local derivatives dz2/dW2
    updated state hyper     W2', an optimiser's memory W2.m, the learning rate ...
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import numpy as np

from tutor.engine.expressions import OPERATORS, Call, Const, Expr, Ref, Shape, Symbol, refs, walk
from tutor.engine.ids import Parameter, of_layer, setting
from tutor.engine.lesson import Lesson
from tutor.engine.losses import DerivationLine
from tutor.engine.rules import VARIED, Rule, rule_id

Phase = Literal["forward", "loss", "backward", "update"]
PHASES: tuple[Phase, ...] = get_args(Phase)


@dataclass(frozen=True)
class Shortcut:
    """∂L/∂z where loss and activation cancel; `reason` explains the product it starts from."""

    formula: Expr
    reason: str
    lines: tuple[DerivationLine, ...]


@dataclass(frozen=True)
class Equation:
    """symbol = formula.

    `compute` gives the value where floating point could not follow the formula as shown.
    `gradients` is the derivative to use in place of the formula's own reverse rule (losses), and
    `shortcuts` the shorter way to a gradient one symbol further back. A `deferred` equation is evaluated an
    example at a time, when somebody looks. `line` is the author's text that a gate came from. `variant` is the
    operator of a gate, or what an optimiser's state is called (`rules.py`).
    """

    symbol: Symbol
    formula: Expr
    phase: Phase
    rule: Rule
    compute: Expr | None = None
    derivation: tuple[DerivationLine, ...] = ()
    gradients: dict[Symbol, Expr] = field(default_factory=dict)
    shortcuts: dict[Symbol, Shortcut] = field(default_factory=dict)
    deferred: bool = False
    line: str | None = None
    variant: str = ""

    @property
    def rule_id(self) -> str:
        """The rule with its variant, as skills are called: gate_mul, optimizer_velocity."""
        return rule_id(self.rule, self.variant)

    @cached_property
    def takes(self) -> tuple[Symbol, ...]:
        """The symbols in its formula, each once, in order of appearance."""
        return tuple(dict.fromkeys(ref.symbol for ref in refs(self.formula)))

    def __post_init__(self) -> None:
        """What guards the engine: a value of another shape, or without a gradient, is a mistake where it is made."""
        symbol, formula = self.symbol, self.formula
        assert (self.rule in VARIED) == bool(self.variant), f"{symbol.id}: {self.rule} with variant {self.variant!r}"
        for shown in (formula, self.compute):  # a plain number stands for itself in every place
            assert shown is None or shown.shape == symbol.shape or isinstance(shown, Const), (
                f"{symbol.id} has the shape {symbol.shape}, but its formula has {shown.shape}"
            )
        if self.phase in ("forward", "loss") and not self.gradients:
            without = [node.op for node in walk(formula) if isinstance(node, Call) and not OPERATORS[node.op].reverse]
            assert not without, (
                f"{symbol.id} uses {', '.join(without)}: without a reverse rule no gradient gets past it"
            )


@dataclass(frozen=True)
class LayerSymbols:
    """The symbols of a layer: a = activation(z), and z is the weights times what feeds the layer, plus the biases.

    `number` counts from 1; of the first layer `feeds` is x. `names` are its units' names, where they have any, and
    `alpha` is the slope of an activation that takes one.
    """

    number: int
    activation_name: str
    feeds: Symbol
    weights: Symbol
    biases: Symbol | None
    pre_activation: Symbol
    activation: Symbol
    names: tuple[str, ...] | None = None
    alpha: float | None = None
    drawn: bool = False  # the weights, by a rule and a seed

    @property
    def units(self) -> int:
        """How many units the layer has."""
        return self.activation.shape[0]


class OverBatch(NamedTuple):
    """How the examples of a batch are put together: the operator, the one of outer products, the rules."""

    op: str
    outer: str
    loss: Rule
    gradient: Rule


MEAN = OverBatch("mean", "mean_outer", "mean_loss", "mean_gradient")
SUM = OverBatch("batch_sum", "sum_outer", "sum_loss", "sum_gradient")


@dataclass(frozen=True)
class Model:
    """The forward equations of a lesson, and what they start from.

    output      what the backward pass differentiates: one example's loss, or the number that an author named
    parameters  with respect to what: weights and biases, or every input of equations that is not `fixed`
    trainable   the ids of those that an update changes
    data        what is taken of an example, x and y or what examples set; none where there is only one way to run
    fixed       given, the same for all examples, and no gradient wanted of it
    layers      the first first: they may be drawn as columns of units; none of equations that an author wrote
    blocked     the ids of values in which −∞ stands for a position that is masked out, as `causal` makes it
    arrays      whether an author's equations are about arrays: then a product may stand in a sum, and an input that
                several gates use has a step for each use
    loss_name   the loss in `losses.LOSSES`; none where the output is a number that an author named
    """

    forward: tuple[Equation, ...]
    output: Symbol
    parameters: tuple[Symbol, ...]
    trainable: frozenset[str]
    decay: Ref | None = None  # λ, where the lesson has L2 regularisation
    examples: int = 1
    over_batch: OverBatch = MEAN
    layers: tuple[LayerSymbols, ...] = ()
    data: tuple[Symbol, ...] = ()
    fixed: tuple[Symbol, ...] = ()
    blocked: frozenset[str] = frozenset()
    arrays: bool = False
    loss_name: str = ""
    delta: float | None = None  # of a loss that takes one
    input_names: tuple[str, ...] | None = None
    image: tuple[int, int] | None = None  # rows and columns of the image that the inputs are

    @property
    def objective(self) -> Symbol:
        """What training lowers: the batch's loss L, J where L2 is on, an author's output."""
        last = self.forward[-1]
        return last.symbol if last.phase == "loss" else self.output

    @property
    def loss(self) -> Symbol:
        """The batch's loss without an L2 term, or an author's output."""
        return replace(self.output, per_example=False)

    @property
    def trained(self) -> tuple[Symbol, ...]:
        """The parameters that are updated."""
        return tuple(symbol for symbol in self.parameters if symbol.id in self.trainable)

    @property
    def common(self) -> tuple[Symbol, ...]:
        """The parameters that all examples have in common: those that no example sets."""
        return tuple(symbol for symbol in self.parameters if symbol not in self.data)

    @property
    def widths(self) -> tuple[int, ...]:
        """How many units each layer has, the inputs first; none without layers."""
        return (self.layers[0].feeds.shape[0], *(layer.units for layer in self.layers)) if self.layers else ()

    @property
    def given(self) -> tuple[Symbol, ...]:
        """Everything that no equation makes: parameters, data and what is fixed, each once."""
        return tuple(dict.fromkeys((*self.parameters, *self.fixed, *self.data)))

    def sound(self, symbol: Symbol, value: np.ndarray | float) -> np.ndarray:
        """Which elements of a symbol's value are as they may be: finite, or −∞ where that blocks a position.

        Booleans of the shape of `value`.
        """
        fine = np.isfinite(value)
        return fine | np.equal(value, -np.inf) if symbol.id in self.blocked else fine

    def layer_of(self, symbol: Symbol | None) -> LayerSymbols | None:
        """The layer that a symbol belongs to; None of the inputs, of the loss and in a circuit."""
        return self.layers[symbol.layer - 1] if self.layers and symbol and symbol.layer else None

    def units(self, layer: int) -> Symbol:
        """What the units of a layer put out; of layer 0 the inputs."""
        return self.layers[layer - 1].activation if layer else self.data[0]

    def equation(self, symbol: Symbol) -> Equation:
        """The forward equation that makes a symbol's value; StopIteration of what is given."""
        return next(eq for eq in self.forward if eq.symbol == symbol)


def parameter(quantity: Parameter, layer: int, shape: Shape) -> Symbol:
    """The symbol of a layer's weights or biases: W1, b1 ..."""
    return Symbol(of_layer(quantity, layer), shape, quantity, layer)


def hyper(name: str) -> Ref:
    """A hyper-parameter's symbol; its id has a dot, which no author's name has."""
    return Ref(Symbol(setting(name), quantity="hyper"))


def over_batch(lesson: Lesson) -> OverBatch:
    """How a lesson puts the examples of a batch together."""
    return SUM if lesson.training and lesson.training.batch_loss == "sum" else MEAN
