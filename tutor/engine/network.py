"""From a lesson to its forward equations.

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

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, get_args

import numpy as np

from tutor.engine.activations import takes_slope
from tutor.engine.expressions import OPERATORS, Call, Const, Expr, Quantity, Ref, Shape, Symbol, call, total, walk
from tutor.engine.ids import Parameter, of_layer, setting
from tutor.engine.lesson import Lesson, Network
from tutor.engine.losses import LOSSES, DerivationLine
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

    `number` counts from 1; of the first layer `feeds` is x.
    """

    number: int
    activation_name: str
    feeds: Symbol
    weights: Symbol
    biases: Symbol | None
    pre_activation: Symbol
    activation: Symbol


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

    `output` is what the backward pass differentiates (one example's loss, or a circuit's
    output), `parameters` with respect to what, `trainable` which of them are updated. `layers` has the
    layers, the first first (none of a circuit), and `data` what is taken of an example: x and y (of a circuit none).
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

    @property
    def objective(self) -> Symbol:
        """What training lowers: the batch's loss L, J where L2 is on, a circuit's output."""
        last = self.forward[-1]
        return last.symbol if last.phase == "loss" else self.output

    @property
    def loss(self) -> Symbol:
        """The batch's loss without an L2 term, or a circuit's output."""
        return replace(self.output, per_example=False)

    @property
    def trained(self) -> tuple[Symbol, ...]:
        """The parameters that are updated."""
        return tuple(symbol for symbol in self.parameters if symbol.id in self.trainable)

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


def parameters_of(network: Network) -> tuple[Symbol, ...]:
    """The symbols of a network's parameters: W1 b1 W2 ..."""
    found = []
    for k, (layer, fan_in) in enumerate(zip(network.layers, network.widths, strict=False), start=1):
        found.append(parameter("weights", k, (layer.units, fan_in)))
        found += [] if layer.biases is None else [parameter("biases", k, np.shape(layer.biases))]
    return tuple(found)


def hyper(name: str) -> Ref:
    """A hyper-parameter's symbol; its id has a dot, which no author's name has."""
    return Ref(Symbol(setting(name), quantity="hyper"))


def model(lesson: Lesson, examples: int = 1) -> Model:
    """The forward pass of a lesson for a batch of so many examples.

    With one example the symbols are plain; with several each has a value for every example
    (`z1@3`) and the plain `L` is the mean.
    """
    return _circuit_model(lesson) if lesson.circuit else _network_model(lesson, examples)


def _network_model(lesson: Lesson, examples: int) -> Model:
    network, many = lesson.network, examples > 1
    assert network is not None

    def symbol(id: str, size: int, quantity: Quantity, layer: int | None) -> Ref:
        return Ref(Symbol(id, (size,), quantity, layer, per_example=many))

    a = x = symbol("x", network.inputs, "input", 0)
    layers: list[LayerSymbols] = []
    equations: list[Equation] = []
    parameters: list[Symbol] = []
    trainable: set[str] = set()
    for k, layer in enumerate(network.layers, start=1):
        W = Ref(parameter("weights", k, (layer.units, a.shape[0])))
        z = symbol(of_layer("pre_activation", k), layer.units, "pre_activation", k)
        sum_in: Expr = call("matmul", W, a)
        parameters.append(W.symbol)
        trainable |= {W.symbol.id} if layer.train_weights else set()
        feeds, b = a.symbol, None
        if layer.biases is not None:
            b = Ref(parameter("biases", k, np.shape(layer.biases)))
            sum_in = sum_in + b
            parameters.append(b.symbol)
            trainable |= {b.symbol.id} if layer.train_biases else set()
        equations.append(Equation(z.symbol, sum_in, "forward", "pre_activation"))
        a = symbol(of_layer("activation", k), layer.units, "activation", k)
        rule: Rule = "softmax" if layer.activation == "softmax" else "activation"
        equations.append(Equation(a.symbol, activation(layer.activation, layer.alpha, z), "forward", rule))
        own = b.symbol if b else None
        layers.append(LayerSymbols(k, layer.activation, feeds, W.symbol, own, z.symbol, a.symbol))

    y = symbol("y", a.shape[0], "target", None)
    loss = LOSSES[network.loss]
    delta = () if loss.delta is None else (Const(network.delta or loss.delta),)
    L = Ref(Symbol("L", (), "loss", per_example=many))
    # Loss and activation go together only where ŷ is that function of z and nothing else.
    made = equations[-1].formula
    of_z = made.op if isinstance(made, Call) and made.args == (z,) else ""
    combined = loss.combined.get(of_z)
    shortcut = combined and Shortcut(combined.formula(y, a), combined.reason, combined.lines(y, a))
    equations.append(
        Equation(
            L.symbol,
            loss.formula(y, a, *delta),
            "loss",
            "loss",
            compute=loss.stable(y, z) if loss.stable and of_z == loss.wants else None,
            gradients={a.symbol: loss.gradient(y, a, *delta)},
            shortcuts={z.symbol: shortcut} if shortcut else {},
        )
    )
    whole = SUM if lesson.training and lesson.training.batch_loss == "sum" else MEAN
    if many:
        mean = Ref(Symbol("L", (), "loss"))
        equations.append(Equation(mean.symbol, call(whole.op, L, param=examples), "loss", whole.loss))
    else:
        mean = L
    decay = hyper("l2") if lesson.training and lesson.training.l2 > 0 else None
    if decay:
        squares = total([call("sum", Ref(layer.weights) ** 2) for layer in layers])
        J = Symbol("J", (), "objective")
        equations.append(Equation(J, mean + decay / 2 * squares, "loss", "objective"))
    return Model(
        tuple(equations), L.symbol, tuple(parameters), frozenset(trainable), decay, examples, whole,
        tuple(layers), (x.symbol, y.symbol),
    )  # fmt: skip


def activation(name: str, alpha: float, z: Expr) -> Call:
    """g(z); leaky ReLU and ELU take their α as a second argument."""
    if name == "softmax":
        return call("softmax", z)
    return call(name, z, alpha) if takes_slope(name) else call(name, z)


# ---------------------------------------------------------------- circuits


def _circuit_model(lesson: Lesson) -> Model:
    circuit = lesson.circuit
    assert circuit is not None
    inputs = tuple(Symbol(name, (), "circuit_input") for name in circuit.inputs)
    known = {symbol.id: Ref(symbol) for symbol in inputs}
    equations: list[Equation] = []
    for definition in circuit.definitions:
        gates = list(_gates(definition.name, definition.formula, known))
        line = definition.line if len(gates) > 1 else None
        for symbol, gate in gates:
            op = gate.op if isinstance(gate, Call) else "copy"
            equations.append(Equation(symbol, gate, "forward", "gate", line=line, variant=op))
        known[definition.name] = Ref(gates[-1][0])
    trainable = frozenset(circuit.inputs) if lesson.training else frozenset()
    return Model(tuple(equations), known[circuit.output].symbol, inputs, trainable)


def _gates(name: str, formula: Expr, known: dict[str, Ref]) -> Iterator[tuple[Symbol, Expr]]:
    """One gate an equation: the inner calls of a line become name.1, name.2, ... before it."""
    # A walk with a stack of its own: a line of 500 factors is a tree 500 deep.
    made: list[tuple[Symbol, Expr]] = []
    done: list[Expr] = []
    stack: list[tuple[Expr, bool]] = [(formula, False)]
    while stack:
        node, lowered = stack.pop()
        if isinstance(node, Ref):
            done.append(known[node.symbol.id])
        elif not isinstance(node, Call):
            done.append(node)
        elif not lowered:
            stack += [(node, True), *((arg, False) for arg in reversed(node.args))]
        else:
            args, done = done[-len(node.args) :], done[: -len(node.args)]
            symbol = Symbol(f"{name}.{len(made) + 1}" if stack else name, (), "node")
            made.append((symbol, Call(node.op, tuple(args), node.param)))
            done.append(Ref(symbol))
    if not isinstance(formula, Call):
        made.append((Symbol(name, (), "node"), done[0]))
    yield from made


# ---------------------------------------------------------------- numbers to start from


def initial_parameters(lesson: Lesson) -> dict[str, np.ndarray | float]:
    """Every parameter's value before the first update, by id; float64 arrays (a circuit's: floats).

    Drawn weights are rounded to four decimals, so that what is shown is what is used. Layer k
    draws from its own stream (seed, k): a further layer leaves the others as they were.
    Xavier: Glorot and Bengio 2010, uniform within ±√(6/(fan_in + fan_out)); He et al. 2015:
    normal with variance 2/fan_in.
    """
    if lesson.circuit:
        return {name: np.float64(value) for name, value in lesson.circuit.inputs.items()}
    assert lesson.network and lesson.training
    values: dict[str, np.ndarray | float] = {}
    for k, (layer, fan_in) in enumerate(zip(lesson.network.layers, lesson.network.widths, strict=False), start=1):
        shape = (layer.units, fan_in)
        if isinstance(layer.weights, str):
            rng = np.random.default_rng((lesson.training.seed, k))
            if layer.weights == "xavier":
                bound = np.sqrt(6 / (fan_in + layer.units))
                drawn = rng.uniform(-bound, bound, shape)
            else:
                drawn = rng.normal(0, np.sqrt(2 / fan_in) if layer.weights == "he" else 1, shape)
            values[of_layer("weights", k)] = np.round(drawn, 4)
        else:
            values[of_layer("weights", k)] = np.array(layer.weights, dtype=float)
        if layer.biases is not None:
            values[of_layer("biases", k)] = np.array(layer.biases, dtype=float)
    return values
