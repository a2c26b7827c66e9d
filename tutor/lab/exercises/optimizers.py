"""Exercises on the update: momentum, Adam, and the gradient that both rest on, measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tutor.lab.exercise import Case, Exercise
from tutor.lab.making import circuit, drawn


def _valley(title: str, w: Any, c: Any, iteration: int, **training: Any) -> Case:
    """Downhill in c₁w₁² + c₂w₂² + ..., in an iteration in which the optimiser has something to remember."""
    return circuit(
        title,
        "f = sum(c * w ** 2)",
        inputs={"w": w, "c": c},
        iteration=iteration,
        circuit={"data": ["c"]},
        training=training,
    )


def _rolling(rng: np.random.Generator) -> Sequence[Case]:
    ball = {"optimizer": "momentum", "learning_rate": 0.2, "momentum": 0.9}
    of_lesson = {"optimizer": "momentum", "learning_rate": 0.9, "momentum": 0.5}
    return [
        _valley("the numbers of the lesson momentum, iteration 2", [10.0, 1.0], [0.05, 1.0], 2, **of_lesson),
        _valley("random numbers, 3 parameters", drawn(rng, 3), drawn(rng, 3, low=0.1), 3, **ball),
        _valley("random numbers, 2 × 3 parameters", drawn(rng, 2, 3), drawn(rng, 2, 3, low=0.1), 2, **ball),
    ]


MOMENTUM = Exercise(
    id="momentum",
    title="A step with a memory",
    aim="An update that remembers where it was heading.",
    lesson="momentum",
    takes={"w": "w", "v": "w.velocity", "g": "df/dw", "lr": "training.learning_rate", "mu": "training.momentum"},
    returns={"new_v": "w.velocity'", "new_w": "w'"},
    cases=_rolling,
    hints=(
        "Two lines: first the velocity, then the parameter. What moves the parameter is the velocity, not the "
        "gradient.",
        "mu belongs to the old velocity alone, lr to the step alone; the parameter takes the new velocity.",
        "new_v = mu * v + g;  new_w = w - lr * new_v",
    ),
)


def _adaptive(rng: np.random.Generator) -> Sequence[Case]:
    of_lesson = {"optimizer": "adam", "learning_rate": 0.5}
    quick = {"optimizer": "adam", "learning_rate": 0.1, "beta1": 0.8, "beta2": 0.95, "epsilon": 0.01}
    return [
        _valley("the numbers of the lesson adam, iteration 2", [10.0, 1.0], [0.05, 1.0], 2, **of_lesson),
        _valley("random numbers, 3 parameters", drawn(rng, 3), drawn(rng, 3), 3, **quick),
        _valley("random numbers, 2 × 3 parameters", drawn(rng, 2, 3), drawn(rng, 2, 3), 4, **quick),
    ]


ADAM = Exercise(
    id="adam",
    title="Adam",
    aim="An update whose stride is its own for each parameter.",
    lesson="adam",
    takes={
        "w": "w",
        "m": "w.m",
        "v": "w.v",
        "g": "df/dw",
        "t": lambda case: case.iteration,
        "lr": "training.learning_rate",
        "beta1": "training.beta1",
        "beta2": "training.beta2",
        "eps": "training.epsilon",
    },
    returns={"new_m": "w.m'", "new_v": "w.v'", "mhat": "w.mhat", "vhat": "w.vhat", "new_w": "w'"},
    cases=_adaptive,
    hints=(
        "Two running means, each with a correction, then one step. In both means the old one keeps the larger share.",
        "After t updates a mean that began at 0 holds only a share 1 − βᵗ of what it should. The gradient is squared "
        "before it goes into v; the root comes at the end, and eps is added to the root.",
        "new_m = beta1 * m + (1 - beta1) * g;  new_v = beta2 * v + (1 - beta2) * g**2;  "
        "mhat = new_m / (1 - beta1**t);  vhat = new_v / (1 - beta2**t);  new_w = w - lr * mhat / (np.sqrt(vhat) + eps)",
    ),
)
