"""From a network to its equations: z = W·a + b and a = activation(z) a layer, then the loss."""

from __future__ import annotations

import numpy as np

from tutor.engine.activations import takes_slope
from tutor.engine.expressions import Call, Const, Expr, Quantity, Ref, Symbol, call, total
from tutor.engine.ids import of_layer
from tutor.engine.lesson import Lesson, Network
from tutor.engine.losses import LOSSES
from tutor.engine.model import Equation, LayerSymbols, Model, Shortcut, hyper, over_batch, parameter
from tutor.engine.rules import Rule


def network_model(lesson: Lesson, network: Network, examples: int) -> Model:
    """The equations of a network, for a batch of so many examples."""
    many = examples > 1

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
        drawn = isinstance(layer.weights, str)
        slope = layer.alpha if takes_slope(layer.activation) else None
        given = (W.symbol, own, z.symbol, a.symbol)
        layers.append(LayerSymbols(k, layer.activation, feeds, *given, layer.names, slope, drawn))

    y = symbol("y", a.shape[0], "target", None)
    loss = LOSSES[network.loss]
    width = None if loss.delta is None else network.delta or loss.delta
    delta = () if width is None else (Const(width),)
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
    whole = over_batch(lesson)
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
        tuple(layers), (x.symbol, y.symbol), loss_name=network.loss, delta=width, input_names=network.input_names,
        image=network.image,
    )  # fmt: skip


def parameters_of(network: Network) -> tuple[Symbol, ...]:
    """The symbols of a network's parameters: W1 b1 W2 ..."""
    found = []
    for k, (layer, fan_in) in enumerate(zip(network.layers, network.widths, strict=False), start=1):
        found.append(parameter("weights", k, (layer.units, fan_in)))
        found += [] if layer.biases is None else [parameter("biases", k, np.shape(layer.biases))]
    return tuple(found)


def activation(name: str, alpha: float, z: Expr) -> Call:
    """g(z); leaky ReLU and ELU take their α as a second argument."""
    if name == "softmax":
        return call("softmax", z)
    return call(name, z, alpha) if takes_slope(name) else call(name, z)


# ---------------------------------------------------------------- numbers to start from


def network_parameters(network: Network, seed: int) -> dict[str, np.ndarray | float]:
    """Every weight and bias before the first update, by id; float64 arrays.

    Drawn weights are rounded to four decimals, so that what is shown is what is used. Layer k
    draws from its own stream (seed, k): a further layer leaves the others as they were.
    Xavier: Glorot and Bengio 2010, uniform within ±√(6/(fan_in + fan_out)); He et al. 2015:
    normal with variance 2/fan_in.
    """
    values: dict[str, np.ndarray | float] = {}
    for k, (layer, fan_in) in enumerate(zip(network.layers, network.widths, strict=False), start=1):
        shape = (layer.units, fan_in)
        if isinstance(layer.weights, str):
            rng = np.random.default_rng((seed, k))
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
