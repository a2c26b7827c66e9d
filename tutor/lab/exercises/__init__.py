"""The table of exercises, in the order in which they are done. A new one is a row of a file beside this."""

from __future__ import annotations

from tutor.lab.exercise import Exercise
from tutor.lab.exercises import networks

_PATH: list[Exercise] = [
    networks.NEURON,
    networks.MLP_BACKWARD,
]

EXERCISES: dict[str, Exercise] = {exercise.id: exercise for exercise in _PATH}
