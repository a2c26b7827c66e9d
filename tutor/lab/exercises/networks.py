"""Exercises on networks: a neuron, layers, losses, batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tutor.engine.ids import setting
from tutor.lab.exercise import Arrays, Case, Exercise, OwnSlip
from tutor.lab.making import bundled, drawn, made, network
from tutor.text.language import say


def _neurons(rng: np.random.Generator) -> Sequence[Case]:
    return [
        bundled("one-neuron"),
        network(rng, (4, 1), ("sigmoid",), "squared_error"),
        network(rng, (1, 1), ("sigmoid",), "squared_error"),
    ]


NEURON = Exercise(
    id="neuron",
    title="One neuron, forward and back",
    aim="One sigmoid unit: its loss, and what comes back to weights and bias.",
    lesson="one-neuron",
    takes={
        "x": "x",
        "w": lambda case: case.value("W1")[0],  # one unit: a row
        "b": lambda case: float(case.value("b1")[0]),
        "y": lambda case: float(case.value("y")[0]),
    },
    returns={"L": "L", "dw": "dL/dW1", "db": "dL/db1"},
    cases=_neurons,
    hints=(
        "The chain rule: from the loss to a, from a to z, from z to each weight. Multiply the slopes along the way.",
        "Work out dL/dz first, in a line of its own: the slope of the loss at a, times the slope of σ at z. Both "
        "gradients are made from it.",
        "dz = 2(a − y) · a(1 − a);  dw = dz · x;  db = dz",
    ),
)


def _two_layers(rng: np.random.Generator) -> Sequence[Case]:
    sigmoids = ("sigmoid", "sigmoid")
    return [
        bundled("c-431"),
        network(rng, (3, 4, 2), sigmoids, "half_squared_error"),
        network(rng, (2, 3, 3), sigmoids, "half_squared_error"),
    ]


MLP_BACKWARD = Exercise(
    id="mlp_backward",
    title="A network of two layers, back",
    aim="The gradients of both layers, from what the forward pass has left.",
    lesson="c-431",
    takes={"x": "x", "y": "y", "W2": "W2", "a1": "a1", "a2": "a2"},
    returns={"dW1": "dL/dW1", "db1": "dL/db1", "dW2": "dL/dW2", "db2": "dL/db2"},
    cases=_two_layers,
    hints=(
        "Each layer does the same: the gradient that arrives at its a is multiplied by the slope of its activation, "
        "and from that dz come its weights' gradient, its biases', and what is handed on to the layer before.",
        "The shapes say where the transpose stands: dW has the shape of W, a row a unit that it leads to; what goes "
        "back through W2 has to have one number a hidden unit.",
        "dz2 = (a2 − y) ⊙ a2 ⊙ (1 − a2);  dW2 = dz2 · a1ᵀ;  db2 = dz2;  da1 = W2ᵀ · dz2;  dz1 = da1 ⊙ a1 ⊙ (1 − a1); "
        "dW1 = dz1 · xᵀ;  db1 = dz1",
    ),
)


def _classifiers(rng: np.random.Generator) -> Sequence[Case]:
    return [bundled("o-classification"), _undecided(rng, (3, 4, 3)), _undecided(rng, (2, 2, 3))]


def _undecided(rng: np.random.Generator, widths: Sequence[int]) -> Case:
    """A classifier whose targets are not all the same: both terms of its loss are needed."""
    while True:
        case = network(rng, widths, ("sigmoid", "sigmoid"), "binary_cross_entropy")
        if len(set(case.value("y").tolist())) == 2:
            return case


MLP_FORWARD = Exercise(
    id="mlp_forward",
    title="A network of two layers, forward",
    aim="What each unit of a network says to one example, and the loss.",
    lesson="o-classification",
    takes={name: name for name in ("x", "W1", "b1", "W2", "b2", "y")},
    returns={name: name for name in ("z1", "a1", "z2", "a2", "L")},
    cases=_classifiers,
    hints=(
        "Each layer does the same two things: weighted sums of what the layer before said, plus the biases; then σ.",
        "A unit's weights are a row of W, so a product of the matrix and a vector makes all sums of a layer at once. "
        "The second layer takes a1, not z1. In the loss ln is np.log, and both terms count.",
        "z1 = W1 @ x + b1;  a1 = 1 / (1 + np.exp(-z1));  the same with W2, b2 and a1;  "
        "L = -np.sum(y * np.log(a2) + (1 - y) * np.log(1 - a2))",
    ),
)


def _softmaxes(rng: np.random.Generator) -> Sequence[Case]:
    far = {"units": 3, "activation": "softmax", "weights": drawn(rng, 3, 2), "biases": 1000 + drawn(rng, 3)}
    large = made(
        network={"inputs": 2, "loss": "cross_entropy", "layers": [far]},
        examples=[{"inputs": drawn(rng, 2), "targets": np.eye(3)[rng.integers(3)]}],
        training={"learning_rate": 0.5},
    )
    return [
        bundled("softmax"),
        network(rng, (3, 4), ("softmax",), "cross_entropy"),
        network(rng, (3, 3), ("softmax",), "cross_entropy"),
        Case(say("random numbers, z near 1000"), large),
    ]


def _overflowed(case: Case) -> Arrays:
    z = case.value("z1")
    return {"p": np.full(z.shape, np.nan)} if z.max() > np.log(np.finfo(float).max) else {}


TOO_LARGE = OwnSlip(
    "exp-too-large",
    "exp of a large number is infinite, and ∞ / ∞ is no number",
    "Take the largest z away from all of them before exp: what is above and below the stroke shrinks alike.",
    _overflowed,
)
TARGET_LEFT_OUT = (
    "target-left-out",
    "every class was taken for the true one",
    "Only the probability of the true class counts: multiplied by y, the others are gone.",
)
SOFTMAX = Exercise(
    id="softmax",
    title="Softmax and cross-entropy",
    aim="Probabilities that no large number breaks, and all the way back.",
    lesson="softmax",
    takes={"x": "x", "W": "W1", "b": "b1", "y": "y"},
    returns={"z": "z1", "p": "a1", "L": "L", "dp": "dL/da1", "dz": "dL/dz1", "dW": "dL/dW1", "db": "dL/db1"},
    cases=_softmaxes,
    slips=(
        TOO_LARGE,
        OwnSlip(*TARGET_LEFT_OUT, lambda case: {"L": -np.sum(np.log(case.value("a1")))}),
        OwnSlip(*TARGET_LEFT_OUT, lambda case: {"dp": -1 / case.value("a1")}),
    ),
    hints=(
        "Softmax shares 1 among the classes: more for one is less for all the others. So on the way back every p has "
        "something to say to every z.",
        "The slope of p_l for z_i is p_l (1 − p_l) where l = i, and −p_l p_i where they differ. Add what comes back by "
        "all l, or look how far it cancels with dp = −y / p.",
        "e = np.exp(z - z.max());  p = e / e.sum();  dp = -y / p;  dz = p * (dp - np.sum(dp * p)), which is p - y;  "
        "dW = np.outer(dz, x);  db = dz",
    ),
)


def _batches(rng: np.random.Generator) -> Sequence[Case]:
    return [bundled("batch-mean"), _lively(rng, (3, 5, 3), 4), _lively(rng, (2, 3, 4), 5)]


def _lively(rng: np.random.Generator, widths: Sequence[int], examples: int) -> Case:
    """A batch in which every unit is on for an example and some unit of each layer is off: each gate can be seen."""
    while True:
        case = network(rng, widths, ("relu", "relu"), "half_squared_error", examples=examples)
        if all((z > 0).any(axis=0).all() and (z < 0).any() for z in (case.value("z1"), case.value("z2"))):
            return case


BATCH = Exercise(
    id="batch",
    title="A batch as matrices",
    aim="All examples at once, and the mean of their gradients.",
    lesson="batch-mean",
    takes={"X": "x", "W1": "W1", "b1": "b1", "W2": "W2", "b2": "b2", "Y": "y"},
    returns={"Z1": "z1", "A1": "a1", "Z2": "z2", "A2": "a2", "L": "L", "dZ2": "dL/dz2", "dW2": "dL/dW2",
             "db2": "dL/db2", "dZ1": "dL/dz1", "dW1": "dL/dW1", "db1": "dL/db1"},
    cases=_batches,
    hints=(
        "Examples have nothing to do with one another until the parameters: each row goes forward and back by itself. "
        "What is shared, W and b, collects from all rows.",
        "A product over the examples does the adding: in dW the axis of the examples is the one that goes away. Then "
        "divide by how many they are, once.",
        "dZ2 = (A2 - Y) * (Z2 > 0);  dW2 = dZ2.T @ A1 / len(X);  db2 = dZ2.mean(axis=0);  dZ1 = dZ2 @ W2 * (Z1 > 0);  "
        "dW1 = dZ1.T @ X / len(X);  db1 = dZ1.mean(axis=0)",
    ),
)  # fmt: skip


def _taxed(rng: np.random.Generator) -> Sequence[Case]:
    tax: dict[str, Any] = {"l2": 0.3, "learning_rate": 0.2}
    return [
        bundled("weight-decay"),
        network(rng, (3, 2), ("linear",), "half_squared_error", examples=4, **tax),
        network(rng, (2, 4), ("linear",), "half_squared_error", examples=5, **tax),
    ]


def _objective(case: Case, size: Any) -> Arrays:
    """The loss and a tax on another size of the weights."""
    return {"J": np.asarray(case.value("L") + case.value(setting("l2")) / 2 * size)}


WEIGHT_DECAY = Exercise(
    id="weight_decay",
    title="Weight decay",
    aim="A tax on weights: in the objective, the gradient, the update.",
    lesson="weight-decay",
    takes={"X": "x", "Y": "y", "W": "W1", "b": "b1", "lam": setting("l2"), "lr": setting("learning_rate")},
    returns={"Z": "z1", "L": "L", "J": "J", "dW": "dL/dW1", "dJ": "dJ/dW1", "db": "dL/db1", "new_W": "W1'",
             "new_b": "b1'"},
    cases=_taxed,
    slips=(
        OwnSlip(
            "tax-not-squared",
            "the weights were not squared, or their root was taken again",
            "The tax grows with the square: W**2 first, number by number, then the sum.",
            lambda case: _objective(case, np.sum(case.value("W1"))),
        ),
        OwnSlip(
            "tax-not-squared",
            "the weights were not squared, or their root was taken again",
            "The tax grows with the square: W**2 first, number by number, then the sum.",
            lambda case: _objective(case, np.sqrt(np.sum(case.value("W1") ** 2))),
        ),
        OwnSlip(
            "tax-for-all-alike",
            "lam was added, and not lam times the weight",
            "The slope of (lam / 2) w² is lam times w: a large weight is pulled harder than a small one.",
            lambda case: {"dJ": case.value("dL/dW1") + case.value(setting("l2"))},
        ),
    ),
    hints=(
        "The tax does not depend on the data. Work out the gradient of L as without it, then add what the tax says.",
        "The slope of (lam / 2) w² for one weight has no 2 and no ½. It is added once, after the mean, to weights "
        "only.",
        "dZ = (Z - Y) / len(X);  dW = dZ.T @ X;  dJ = dW + lam * W;  db = dZ.sum(axis=0);  new_W = W - lr * dJ;  "
        "new_b = b - lr * db",
    ),
)  # fmt: skip
