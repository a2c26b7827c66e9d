"""Exercises on networks: a neuron, layers, losses, batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tutor.lab.exercise import Case, Exercise
from tutor.lab.making import bundled, network


def _neurons(rng: np.random.Generator) -> Sequence[Case]:
    return [
        bundled("one-neuron"),
        network(rng, (4, 1), ("sigmoid",), "squared_error"),
        network(rng, (1, 1), ("sigmoid",), "squared_error"),
    ]


NEURON = Exercise(
    id="neuron",
    title="One neuron, forward and back",
    aim="One sigmoid unit: its loss, and the gradients of the loss with respect to its weights and its bias.",
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
    aim="The gradients of both layers' weights and biases, from what the forward pass has left.",
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
