"""Mistakes found in the world, for `diagnosis.py`: what people's own code did, apart from the tutor's table and engine.

A small network in plain NumPy, written as such code is written, and one method of it wrong in each way that somebody
reported. `expected` has the names (ids of the tutor's table) that say rightly what was wrong; `source` where it was
seen. Nothing here comes from the tutor but the numbers of a lesson.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

GITHUB = "https://github.com/"


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


class Net:
    """A right pass of one example; `run` gives all numbers by id. A mistake overrides one method."""

    expected: frozenset[str] = frozenset()
    source = ""

    def __init__(self, lesson, example: int):
        self.layers, self.loss = lesson.network.layers, lesson.network.loss
        self.W = [np.array(layer.weights, dtype=float) for layer in self.layers]
        self.b = [layer.biases for layer in self.layers]
        self.x, self.y = lesson.inputs[example], lesson.targets[example]

    # ------------------------------------------------------------ the methods that mistakes override

    def activate(self, k: int, z):
        name, alpha = self.layers[k].activation, self.layers[k].alpha
        return {
            "linear": lambda: z,
            "sigmoid": lambda: sigmoid(z),
            "tanh": lambda: np.tanh(z),
            "relu": lambda: np.maximum(0, z),
            "leaky_relu": lambda: np.where(z > 0, z, alpha * z),
            "softmax": lambda: softmax(z),
        }[name]()

    def slope(self, k: int, z, a):
        name, alpha = self.layers[k].activation, self.layers[k].alpha
        return {
            "linear": lambda: np.ones_like(z),
            "sigmoid": lambda: a * (1 - a),
            "tanh": lambda: 1 - a**2,
            "relu": lambda: (z > 0).astype(float),
            "leaky_relu": lambda: np.where(z > 0, 1.0, alpha),
        }[name]()

    def through_activation(self, k: int, da, z, a):
        if self.layers[k].activation == "softmax":
            return (np.diag(a) - np.outer(a, a)) @ da
        return da * self.slope(k, z, a)

    def loss_gradient(self, a):
        y, n = self.y, len(a)
        return {
            "squared_error": lambda: 2 * (a - y),
            "half_squared_error": lambda: a - y,
            "mean_squared_error": lambda: 2 * (a - y) / n,
            "binary_cross_entropy": lambda: (a - y) / (a * (1 - a)),
            "cross_entropy": lambda: -y / a,
        }[self.loss]()

    def output_error(self, z, a):
        """∂L/∂z of the last layer."""
        if "cross_entropy" in self.loss:
            return a - self.y
        return self.through_activation(len(self.W) - 1, self.loss_gradient(a), z, a)

    def weight_gradient(self, k: int, delta, a, z):
        return np.outer(delta, a)

    def bias_gradient(self, k: int, delta, a):
        return delta

    def back(self, k: int, delta):
        """∂L/∂a of the layer before layer k."""
        return self.W[k].T @ delta

    # ------------------------------------------------------------ the pass

    def run(self) -> dict[str, np.ndarray]:
        found, a, zs, activations = {}, self.x, [], [self.x]
        for k, W in enumerate(self.W):
            z = W @ a + (0 if self.b[k] is None else self.b[k])
            a = self.activate(k, z)
            zs.append(z)
            activations.append(a)
            found[f"z{k + 1}"], found[f"a{k + 1}"] = z, a
        last = len(self.W)
        found[f"dL/da{last}"] = self.loss_gradient(a)
        delta = self.output_error(zs[-1], a)
        for k in reversed(range(last)):
            if k < last - 1:
                da = self.back(k + 1, delta)
                found[f"dL/da{k + 1}"] = da
                delta = self.through_activation(k, da, zs[k], activations[k + 1])
            found[f"dL/dz{k + 1}"] = delta
            found[f"dL/dW{k + 1}"] = self.weight_gradient(k, delta, activations[k], zs[k - 1] if k else activations[0])
            if self.b[k] is not None:
                found[f"dL/db{k + 1}"] = self.bias_gradient(k, delta, activations[k])
        return found


# ---------------------------------------------------------------- slopes


class SigmoidTwice(Net):
    expected = frozenset({"slope-of-activation"})
    source = GITHUB + "rasmusbergpalm/DeepLearnToolbox/issues/165"

    def slope(self, k, z, a):
        return sigmoid(a) * (1 - sigmoid(a)) if self.layers[k].activation == "sigmoid" else super().slope(k, z, a)


class SlopeOfInput(Net):
    expected = frozenset({"slope-from-z"})
    source = GITHUB + "BoltzmannEntropy/interviews.ai/issues/15"

    def slope(self, k, z, a):
        return z * (1 - z) if self.layers[k].activation == "sigmoid" else super().slope(k, z, a)


class TanhOfInput(Net):
    expected = frozenset({"slope-from-z"})
    source = GITHUB + "apache/incubator-retired-horn/pull/4"

    def slope(self, k, z, a):
        return 1 - z * z if self.layers[k].activation == "tanh" else super().slope(k, z, a)


class TanhItself(Net):
    expected = frozenset({"value-for-slope"})
    source = GITHUB + "andersbll/nnet/issues/4"

    def slope(self, k, z, a):
        e = np.exp(2 * z)
        return (e - 1) / (e + 1) if self.layers[k].activation == "tanh" else super().slope(k, z, a)


class TanhAsTan(Net):
    expected = frozenset({"slope-misremembered"})
    source = GITHUB + "nicodjimenez/lstm/issues/41"

    def slope(self, k, z, a):
        return 1.0 + a**2 if self.layers[k].activation == "tanh" else super().slope(k, z, a)


class SigmoidInRelu(Net):
    expected = frozenset({"slope-of-another-activation"})
    source = GITHUB + "jeffheaton/encog-dotnet-core/issues/124"

    def slope(self, k, z, a):
        return a * (1 - a) if self.layers[k].activation == "relu" else super().slope(k, z, a)


class ReluOverwrites(Net):
    expected = frozenset({"upstream-lost"})
    source = GITHUB + "haifengl/smile/issues/528"

    def through_activation(self, k, da, z, a):
        return self.slope(k, z, a) if self.layers[k].activation == "relu" else super().through_activation(k, da, z, a)


class TangentLost(Net):
    expected = frozenset({"upstream-lost"})
    source = GITHUB + "DiffSharp/DiffSharp/issues/16"

    def through_activation(self, k, da, z, a):
        return a * (1 - a) if self.layers[k].activation == "sigmoid" else super().through_activation(k, da, z, a)


class GradientClosesGate(Net):
    expected = frozenset({"gate-by-gradient", "relu-gate-ignored"})
    source = GITHUB + "exacity/deeplearningbook-chinese/issues/127"

    def through_activation(self, k, da, z, a):
        relu = self.layers[k].activation == "relu"
        return np.where(da < 0, 0, da) if relu else super().through_activation(k, da, z, a)


class NoOutputSlope(Net):
    expected = frozenset({"slope-dropped"})
    source = GITHUB + "Bot-Academy/NeuralNetworkFromScratch/pull/3"

    def through_activation(self, k, da, z, a):
        smooth = self.layers[k].activation in ("sigmoid", "tanh") and k == len(self.W) - 1
        return da if smooth else super().through_activation(k, da, z, a)


# ---------------------------------------------------------------- losses


class SoftmaxDiagonal(Net):
    expected = frozenset({"softmax-elementwise"})
    source = GITHUB + "deeplearning4j/libnd4j/issues/440"

    def output_error(self, z, a):
        if self.layers[-1].activation != "softmax":
            return super().output_error(z, a)
        return self.loss_gradient(a) * a * (1 - a)


class SoftmaxAgain(Net):
    expected = frozenset({"activation-twice"})
    source = GITHUB + "Lightning-Universe/lightning-bolts/issues/654"

    def output_error(self, z, a):
        return softmax(a) - self.y if self.loss == "cross_entropy" else super().output_error(z, a)


class SlopeOnceMore(Net):
    expected = frozenset({"slope-again"})
    source = "https://ai.stackexchange.com/questions/38164"

    def output_error(self, z, a):
        return (a - self.y) * a * (1 - a) if "cross_entropy" in self.loss else super().output_error(z, a)


class TargetFirst(Net):
    expected = frozenset({"difference-reversed"})
    source = "https://math.techqa.club/calculating-derivatives-for-backpropagation-in-2-layer-neural-network-4158072"

    def loss_gradient(self, a):
        return 2 * (self.y - a) if self.loss == "squared_error" else super().loss_gradient(a)


class TwoDoesNotMatter(Net):
    expected = frozenset({"factor-two-lost"})
    source = GITHUB + "davisking/dlib/issues/1169"

    def loss_gradient(self, a):
        return super().loss_gradient(a) / (2 if self.loss in ("squared_error", "mean_squared_error") else 1)


class SignsNotRight(Net):
    expected = frozenset({"inner-minus-lost"})
    source = "https://math.stackexchange.com/questions/2503428"

    def loss_gradient(self, a):
        if self.loss != "binary_cross_entropy":
            return super().loss_gradient(a)
        return -(self.y / a + (1 - self.y) / (1 - a))


# ---------------------------------------------------------------- weights


class SumsNotActivations(Net):
    expected = frozenset({"pre-activation-for-activation"})
    source = GITHUB + "maziarraissi/backprop/issues/1"

    def weight_gradient(self, k, delta, a, z):
        return np.outer(delta, z)


class BiasWithInput(Net):
    expected = frozenset({"bias-times-activation"})
    source = GITHUB + "rust0258/Deeplearning.ai-Natural-Language-Processing-Specialization/pull/70"

    def bias_gradient(self, k, delta, a):
        return delta * a[0]


class NoTranspose(Net):
    expected = frozenset({"transpose-missing"})
    source = GITHUB + "makeyourownneuralnetwork/makeyourownneuralnetwork/issues/77"

    def back(self, k, delta):
        W = self.W[k]
        return W @ delta if W.shape[0] == W.shape[1] else super().back(k, delta)


class SharesOfWeights(Net):
    expected = frozenset({"shares-of-weights"})
    source = "https://fliphtml5.com/zojva/gabd/bernd_klein_python_and_machine_learning_a4/167"

    def back(self, k, delta):
        return (self.W[k] / self.W[k].sum(axis=1, keepdims=True)).T @ delta


class UpdatedBeforeUse(Net):
    expected = frozenset({"updated-weight"})
    source = GITHUB + "Bot-Academy/NeuralNetworkFromScratch/pull/3"
    rate = 0.0

    def weight_gradient(self, k, delta, a, z):
        gradient = super().weight_gradient(k, delta, a, z)
        self.updated = self.W[k] - self.rate * gradient
        return gradient

    def back(self, k, delta):
        return self.updated.T @ delta


MISTAKES: tuple[type[Net], ...] = (
    SigmoidTwice, SlopeOfInput, TanhOfInput, TanhItself, TanhAsTan, SigmoidInRelu, ReluOverwrites, TangentLost,
    GradientClosesGate, NoOutputSlope, SoftmaxDiagonal, SoftmaxAgain, SlopeOnceMore, TargetFirst, TwoDoesNotMatter,
    SignsNotRight, SumsNotActivations, BiasWithInput, NoTranspose, SharesOfWeights, UpdatedBeforeUse,
)  # fmt: skip
KNOWN = ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "softmax")
LOSSES = ("squared_error", "half_squared_error", "mean_squared_error", "binary_cross_entropy", "cross_entropy")


def planted(lesson) -> Iterator[tuple[type[Net], dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """Each mistake that changes something in a lesson of one example: (it, the right numbers, the wrong ones) by id."""
    network = lesson.network
    plain = network and network.loss in LOSSES and all(layer.activation in KNOWN for layer in network.layers)
    given = plain and not any(isinstance(layer.weights, str) for layer in network.layers)
    if not given or len(lesson.inputs) != 1:
        return
    with np.errstate(all="ignore"):
        right = Net(lesson, 0).run()
        for mistake in MISTAKES:
            net = mistake(lesson, 0)
            if isinstance(net, UpdatedBeforeUse):
                plain = lesson.training.optimizer == "sgd" and not lesson.training.l2
                net.rate = lesson.training.learning_rate if plain else 0.0
            wrong = net.run()
            if any(not np.allclose(wrong[id], right[id], rtol=1e-3, atol=0) for id in right):
                yield mistake, right, wrong


# ---------------------------------------------------------------- gates


class Value:
    """A number that remembers what made it, as in many a small autograd; `mistake` is the one that it makes."""

    def __init__(self, data: float, parents=(), slopes=()):
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0


def exp_of(x: Value, mistake: str) -> Value:
    out = float(np.exp(x.data))
    return Value(out, (x,), (x.data if mistake == "exp" else out,))


@dataclass(frozen=True)
class GateMistake:
    expected: frozenset[str]
    source: str


Mistake = type[Net] | GateMistake
GATE_MISTAKES = {
    "assigned": GateMistake(frozenset({"branch-forgotten"}), GITHUB + "karpathy/nn-zero-to-hero/issues/52"),
    "exp": GateMistake(frozenset({"derivative-of-exp"}), GITHUB + "karpathy/nn-zero-to-hero/issues/52"),
}


def circuit_gradients(lesson, mistake: str = "") -> dict[str, float]:
    """∂f/∂(each named value) of a circuit whose gates are +, −, ·, exp, σ, tanh, max, min, powers; by name."""
    values = {name: Value(float(value)) for name, value in lesson.circuit.inputs.items()}
    order = list(values.values())

    def build(node) -> Value:
        if hasattr(node, "symbol"):
            return values[node.symbol.id]
        if hasattr(node, "value"):
            return Value(node.value)
        args = [build(arg) for arg in node.args]
        made = gate(node.op, args, mistake)
        order.append(made)
        return made

    for definition in lesson.circuit.definitions:
        values[definition.name] = build(definition.formula)
    output = values[lesson.circuit.output]
    output.grad = 1.0
    for value in reversed(order):
        for parent, slope in zip(value.parents, value.slopes, strict=True):
            part = value.grad * slope
            parent.grad = part if mistake == "assigned" else parent.grad + part
    return {name: value.grad for name, value in values.items()}


def gate(op: str, args: list[Value], mistake: str) -> Value:
    x = args[0]
    numbers = [arg.data for arg in args]
    if op == "add":
        return Value(sum(numbers), tuple(args), (1.0,) * len(args))
    if op == "sub":
        return Value(numbers[0] - numbers[1], tuple(args), (1.0, -1.0))
    if op == "mul":
        return Value(numbers[0] * numbers[1], tuple(args), (numbers[1], numbers[0]))
    if op in ("max", "min"):
        best = (max if op == "max" else min)(numbers)
        return Value(best, tuple(args), tuple(float(k == numbers.index(best)) for k in range(len(args))))
    if op == "pow":
        return Value(x.data**numbers[1], (x,), (numbers[1] * x.data ** (numbers[1] - 1),))
    if op == "exp":
        return exp_of(x, mistake)
    out = {"sigmoid": sigmoid, "tanh": np.tanh}[op](x.data)
    return Value(out, (x,), (out * (1 - out) if op == "sigmoid" else 1 - out**2,))
