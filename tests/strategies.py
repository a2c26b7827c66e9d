"""Lessons for tests: the bundled ones, some built by hand, and Hypothesis strategies for every legal kind."""

from __future__ import annotations

import os
from functools import cache
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

import oracle
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import Ref, Symbol
from tutor.engine.lesson import ORDERS, Circuit, Definition, Layer, Lesson, Network, Training
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.parsing import FUNCTIONS, parse
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load

HIDDEN = tuple(ACTIVATIONS)

DEEP = os.environ.get("BACKPROP_TUTOR_TESTS") == "deep"

# The layers and units of a random network. Three layers have a first, a middle and a last one, and a 60-digit gradient
# takes the square of what a pass takes; `make deep` has time for more.
DEPTH, WIDTH = (4, 5) if DEEP else (3, 4)


@cache
def bundled(id: str) -> Lesson:
    """A bundled lesson, read once for all tests: a lesson is never changed."""
    path = catalogue.find(id)
    assert path, id
    return load(path)


def spread(steps, most: int, equation=lambda step: step.equation) -> list:
    """Of the elements of each equation at most so many, the first and the last among them; `make deep` takes all.

    The others share its rule: so the product of lessons and elements stays small, and no rule or edge goes unseen.
    """
    by_equation: dict[int, list] = {}
    for step in steps:
        by_equation.setdefault(id(equation(step)), []).append(step)
    taken = ([each[at] for at in spaced(len(each), len(each) if DEEP else most)] for each in by_equation.values())
    return [step for steps in taken for step in steps]


def spaced(count: int, most: int) -> list[int]:
    """At most so many of the places 0 … count − 1, as far apart as can be."""
    return sorted({round(at) for at in np.linspace(0, count - 1, min(count, most))})


def by_turns(names, at: int, most: int = 2) -> list:
    """So many of some names, from another one on for each `at`: over the lessons all have their turn.

    `make deep` takes all of them each time.
    """
    names = list(names)
    return [names[(at + more) % len(names)] for more in range(len(names) if DEEP else min(most, len(names)))]


def network_lesson(layers, loss, inputs, targets, **training) -> Lesson:
    """A lesson of these layers; `training` as in a lesson file."""
    x, y = np.array(inputs, dtype=float), np.array(targets, dtype=float)
    network = Network(x.shape[1], loss, tuple(layers))
    return Lesson("t", "t", network=network, inputs=x, targets=y, training=Training(**training))


def dense(weights, biases=None, activation="linear", **more) -> Layer:
    weights = np.array(weights, dtype=float)
    biases = None if biases is None else np.array(biases, dtype=float)
    return Layer(len(weights), activation, weights=weights, biases=biases, **more)


def circuit_lesson(lines, output=None, training=None, **inputs) -> Lesson:
    """A circuit from lines such as 'q = x + y'; its output is the last line unless told."""
    definitions = []
    for line in lines:
        name, _, text = line.partition("=")
        definitions.append(Definition(name.strip(), parse(text, lambda n, at: Ref(Symbol(n))), line))
    circuit = Circuit({n: float(v) for n, v in inputs.items()}, tuple(definitions), output or definitions[-1].name)
    return Lesson("c", "c", circuit=circuit, training=training)


# ---------------------------------------------------------------- networks


@st.composite
def trainings(draw, examples: int = 1, l2=st.sampled_from([0.0, 0.0, 0.1, 0.013])) -> Training:
    return Training(
        learning_rate=draw(st.sampled_from([0.01, 0.1, 0.5])),
        optimizer=draw(st.sampled_from(list(OPTIMIZERS))),
        batch=draw(st.sampled_from([1, examples, "all", max(examples - 1, 1)])),
        order=draw(st.sampled_from(ORDERS)),
        seed=draw(st.integers(0, 9)),
        l2=draw(l2),
        batch_loss=draw(st.sampled_from(["mean", "mean", "sum"])),
    )


@st.composite
def networks(draw, max_depth: int = DEPTH, max_width: int = WIDTH, max_examples: int = 3) -> Lesson:
    """Any legal network with its data. The structure is drawn; the numbers follow from a drawn seed.

    (Numbers drawn one by one would shrink to zeros, which is where ReLU has its kink.)
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def numbers(*shape, low=-1.5, high=1.5):
        return np.round(rng.uniform(low, high, shape), 3)

    loss = draw(st.sampled_from(list(LOSSES)))
    wants = LOSSES[loss].wants
    widths = draw(st.lists(st.integers(1, max_width), min_size=2, max_size=max_depth + 1))
    layers = []
    for k, (before, units) in enumerate(pairwise(widths), start=1):
        last = k == len(widths) - 1
        activation = draw(st.sampled_from(HIDDEN)) if not last else wants or draw(st.sampled_from([*HIDDEN, "softmax"]))
        layers.append(
            Layer(
                units,
                activation,
                alpha=draw(st.sampled_from([0.01, 0.2, 1.0] if activation == "elu" else [0.01, 0.2])),
                weights=numbers(units, before),
                biases=draw(
                    st.sampled_from([numbers(units)] * 4 + [None, np.array(numbers()) if units > 1 else numbers(1)])
                ),
                train_weights=draw(st.integers(0, 4)) > 0,
                train_biases=draw(st.integers(0, 4)) > 0,
            )
        )
    examples, outputs = draw(st.integers(1, max_examples)), widths[-1]
    if loss == "cross_entropy":
        targets = numbers(examples, outputs, low=0.1, high=1)
        if draw(st.booleans()):
            targets = np.eye(outputs)[rng.integers(outputs, size=examples)]
        targets = targets / targets.sum(axis=1, keepdims=True)
    elif loss == "binary_cross_entropy":
        targets = numbers(examples, outputs, low=0, high=1)
        targets = np.round(targets) if draw(st.booleans()) else targets
    elif LOSSES[loss].targets:
        targets = rng.choice(LOSSES[loss].targets, (examples, outputs))
    else:
        targets = numbers(examples, outputs)
    return Lesson(
        "t",
        "t",
        network=Network(widths[0], loss, tuple(layers), delta=draw(st.sampled_from([None, 0.5, 2.0]))),
        inputs=numbers(examples, widths[0], low=-2, high=2),
        targets=targets,
        training=draw(trainings(examples)),
    )


def divided_by(lesson: Lesson, examples: int) -> int:
    """What the sum over a batch of so many examples is divided by."""
    assert lesson.training
    return 1 if lesson.training.batch_loss == "sum" else examples


def oracle_network(lesson: Lesson, values=None) -> oracle.Network:
    """The same network for the oracle, with the parameters of an environment of values or the lesson's own."""
    assert lesson.network and lesson.training
    layers = []
    for k, layer in enumerate(lesson.network.layers, start=1):
        W, b = (layer.weights, layer.biases) if values is None else (values[f"W{k}"], values.get(f"b{k}"))
        layers.append(oracle.Layer(oracle.exact(W), oracle.exact(b), layer.activation, oracle.exact(layer.alpha)))
    return oracle.Network(tuple(layers), lesson.network.loss, oracle.exact(lesson.training.l2),
                          oracle.exact(lesson.network.delta or 1.0), lesson.training.batch_loss == "sum")


# ---------------------------------------------------------------- circuits

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "neg": 3, "**": 4}


def written(expression, need: int = 0) -> str:
    """An oracle's expression as a lesson writes it, with as few brackets as will do."""
    if isinstance(expression, str):
        return expression
    if not isinstance(expression, tuple):
        return f"{expression:g}" if expression >= 0 else f"({expression:g})"
    operator, *args = expression
    own = _PRECEDENCE.get(operator)
    if own is None:
        return f"{operator}({', '.join(written(arg) for arg in args)})"
    if operator == "neg":
        text = "-" + written(args[0], 3)
    elif operator == "**":
        text = f"{written(args[0], 5)} ** {written(args[1], 3)}"
    else:
        text = f"{written(args[0], own)} {operator} {written(args[1], own + (operator in '-/'))}"
    return f"({text})" if own < need else text


def _legal(operator: str, args: list, constant: bool) -> bool:
    """Away from kinks, poles and branch points, and of a size that float64 can answer for.

    `constant`: the last argument is a number. (Only then may what is raised to a power be negative.)
    """
    x, y = args[0], args[-1]
    if operator == "/":
        return abs(y) > 0.2
    if operator == "**":
        whole = constant and y == int(y)
        at_zero = x == 0 and constant and (y >= 1 or y == 0)  # a slope from both sides, so that the oracle has one, too
        return abs(y) <= 3 and (0.2 < x < 20 or (whole and (abs(x) > 0.2 or y > 0)) or (at_zero and whole))
    if operator in ("max", "min"):
        return all(abs(p - q) > 0.01 for i, p in enumerate(args) for q in args[:i])
    if operator in ("log", "ln", "sqrt"):
        return x > 0.2
    if operator in ("abs", "relu", "leaky_relu", "elu"):
        return abs(x) > 0.01
    return operator != "exp" or x < 4


@st.composite
def expressions(draw, names: dict, depth: int = 3):
    """(expression, its value) over names with their values; every function of the tutor's table may occur."""
    leaf = depth == 0 or draw(st.integers(0, 3)) == 0
    if leaf:
        if draw(st.integers(0, 4)) == 0:
            constant = draw(st.sampled_from([0.5, 1.0, 2.0, 3.0, 10.0, 1.25, -1.0, 0.0, -2.5]))
            return constant, oracle.exact(constant)
        name = draw(st.sampled_from(list(names)))
        return name, names[name]
    operator = draw(st.sampled_from(["+", "-", "*", "/", "**", "neg", "+", "*", *FUNCTIONS]))
    count = 1
    if operator in ("+", "-", "*", "/"):
        count = 2
    elif operator in ("max", "min"):
        count = draw(st.integers(2, 3))
    args = [draw(expressions(names, depth - 1)) for _ in range(count)]
    if operator == "**":
        exponent = st.sampled_from([0.0, 1.0, 2.0, 3.0, -1.0, 0.5, 1.5])
        args.append(draw(expressions(names, depth - 1) | exponent.map(lambda n: (n, oracle.exact(n)))))
    if not _legal(operator, [v for _, v in args], isinstance(args[-1][0], float)):
        return args[0]
    expression = (operator, *[e for e, _ in args])
    result = oracle.value(expression, names)
    return (expression, result) if abs(result) < 50 else args[0]


@st.composite
def circuits(draw):
    """(lesson, inputs, lines, output): a circuit for the tutor and the same for the oracle."""
    number = st.integers(-300, 300) | st.sampled_from([0, -100, 100])
    inputs = {name: draw(number) / 100 for name in ["x", "y", "z", "w"][: draw(st.integers(1, 4))]}
    names = {name: oracle.exact(v) for name, v in inputs.items()}
    lines = []
    for name in ["p", "q", "r", "s", "f"][-draw(st.integers(1, 5)) :]:
        expression, result = draw(expressions(names))
        lines.append((name, expression))
        names[name] = result
    output = lines[-1][0] if draw(st.integers(0, 3)) else draw(st.sampled_from([name for name, _ in lines]))
    training = draw(st.none() | st.sampled_from([Training(0.1), Training(0.01, "adam")]))
    lesson = circuit_lesson([f"{n} = {written(e)}" for n, e in lines], output, training, **inputs)
    return lesson, inputs, lines, output


def lessons():
    """Any lesson, a network or a circuit."""
    return networks() | circuits().map(lambda found: found[0])
