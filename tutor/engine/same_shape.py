"""Whether two lessons have the same equations, so that their runs may share them and the code made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tutor.engine.lesson import Circuit, Layer, Lesson, Training

# What code in C takes when it is called: other numbers of these are no other shape.
CALLED_WITH = ("learning_rate", "momentum", "beta1", "beta2", "epsilon", "rho", "weight_decay", "l2",
               "order", "seed", "updates", "memory")  # fmt: skip


def same_shape(a: Lesson, b: Lesson) -> bool:
    """Whether the equations of two lessons differ in nothing but such numbers and first values of what is trained."""
    if a.training is None or b.training is None or bool(a.training.l2) != bool(b.training.l2):
        return False
    if _with_those_of(b.training, a.training) != b.training or len(a.examples) != len(b.examples):
        return False
    if any(a.examples[key] is not b.examples.get(key) for key in a.examples):
        return False
    if a.circuit and b.circuit:
        return replace(a.circuit, inputs={}) == replace(b.circuit, inputs={}) and _same_inputs(a.circuit, b.circuit)
    if not (a.network and b.network):
        return False
    alike = len(a.network.layers) == len(b.network.layers) and all(map(_same_layer, a.network.layers, b.network.layers))
    return alike and replace(a.network, layers=b.network.layers) == b.network


def _same_inputs(a: Circuit, b: Circuit) -> bool:
    """Whether the inputs of two circuits differ in the first values of what is trained alone."""
    return list(a.inputs) == list(b.inputs) and all(
        np.array_equal(value, b.inputs[name]) or (name in a.parameters and np.shape(value) == np.shape(b.inputs[name]))
        for name, value in a.inputs.items()
    )


def _with_those_of(b: Training, a: Training) -> Training:
    return replace(a, **{name: getattr(b, name) for name in CALLED_WITH})


def _same_layer(a: Layer, b: Layer) -> bool:
    """Whether two layers differ in the first values of what is trained alone."""
    if (a.units, a.activation, a.alpha) != (b.units, b.activation, b.alpha):
        return False
    if (a.train_weights, a.train_biases, a.biases is None) != (b.train_weights, b.train_biases, b.biases is None):
        return False
    if a.biases is not None and b.biases is not None and a.biases.shape != b.biases.shape:
        return False
    weights = a.train_weights or (a.weights is b.weights and not isinstance(a.weights, str))  # drawn: by the seed
    return weights and (a.train_biases or a.biases is b.biases)
