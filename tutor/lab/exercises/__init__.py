"""The table of exercises, in the order in which they are done. A new one is a row of a file beside this."""

from __future__ import annotations

from tutor.lab.exercise import Exercise
from tutor.lab.exercises import circuits, layers, networks, optimizers

_PATH: list[Exercise] = [
    networks.NEURON,
    circuits.TWO_GATES,
    networks.MLP_FORWARD,
    networks.MLP_BACKWARD,
    networks.SOFTMAX,
    networks.BATCH,
    optimizers.MOMENTUM,
    optimizers.ADAM,
    networks.WEIGHT_DECAY,
    optimizers.GRADIENT_CHECK,
    circuits.FORTY_LINES,
    layers.BATCH_NORM,
    layers.CONVOLUTION,
    layers.RECURRENCE,
    layers.ATTENTION,
]

EXERCISES: dict[str, Exercise] = {exercise.id: exercise for exercise in _PATH}


def on(lesson: str) -> Exercise | None:
    """The exercise that has its theory in this lesson (its key in the store: a bundled one's id); None without one."""
    return next((exercise for exercise in EXERCISES.values() if exercise.lesson == lesson), None)
