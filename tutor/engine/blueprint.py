"""What the equations of a network follow from, whatever its numbers: lessons that agree in it share their equations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tutor.engine.lesson import BatchLoss, Layer, Lesson


@dataclass(frozen=True)
class LayerBlueprint:
    """Of a layer all but its numbers: `biases` has their shape, `drawn` is whether the weights are."""

    units: int
    activation: str
    alpha: float
    names: tuple[str, ...] | None
    drawn: bool
    biases: tuple[int, ...] | None
    trained: tuple[bool, bool]

    @classmethod
    def of(cls, layer: Layer) -> LayerBlueprint:
        """That of a layer."""
        return cls(
            layer.units, layer.activation, layer.alpha, layer.names, isinstance(layer.weights, str),
            None if layer.biases is None else np.shape(layer.biases), (layer.train_weights, layer.train_biases),
        )  # fmt: skip


@dataclass(frozen=True)
class Blueprint:
    """Of a network, and of how it is trained, what its equations for a batch of so many examples are made from."""

    examples: int
    inputs: int
    input_names: tuple[str, ...] | None
    image: tuple[int, int] | None
    layers: tuple[LayerBlueprint, ...]
    loss: str
    delta: float | None
    optimizer: str | None  # None: it is not trained
    batch: int | Literal["all"]
    batch_loss: BatchLoss
    decays: bool

    @classmethod
    def of(cls, lesson: Lesson, examples: int) -> Blueprint | None:
        """That of a lesson; None of a circuit, whose lines are its author's."""
        network, training = lesson.network, lesson.training
        if lesson.circuit or network is None:
            return None
        return cls(
            examples, network.inputs, network.input_names, network.image, tuple(map(LayerBlueprint.of, network.layers)),
            network.loss, network.delta, training.optimizer if training else None, training.batch if training else 1,
            training.batch_loss if training else "mean", bool(training and training.l2 > 0),
        )  # fmt: skip
