"""From a lesson to its model, and to the numbers that it starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from weakref import WeakValueDictionary

import numpy as np

from tutor.engine.blueprint import Blueprint
from tutor.engine.circuit import circuit_model
from tutor.engine.ids import of_layer
from tutor.engine.lesson import Lesson
from tutor.engine.model import Model
from tutor.engine.network import network_model, network_parameters

_shared: WeakValueDictionary[Blueprint, Model] = WeakValueDictionary()  # by those that differ in numbers


class _Models(dict[int, Model]):
    """The models of a lesson, by how many examples they are for."""


def model(lesson: Lesson, examples: int = 1) -> Model:
    """The forward pass of a lesson for a batch of so many examples.

    With one example the symbols are plain; with several what follows from an example has a value for each
    (`z1@3`), and the plain `L` is the mean.
    """
    made = lesson.memo.of(_Models)
    if examples not in made:
        if lesson.circuit:
            made[examples] = circuit_model(lesson, lesson.circuit, examples)
        else:
            assert lesson.network
            blueprint = Blueprint.of(lesson, examples)
            shared = blueprint and _shared.get(blueprint)
            made[examples] = shared or network_model(lesson, lesson.network, examples)
            if blueprint:
                _shared[blueprint] = made[examples]
    return made[examples]


def initial_parameters(lesson: Lesson) -> dict[str, np.ndarray | float]:
    """Everything that is given once and not an example at a time, by id, before the first update; float64.

    Parameters, in the order of the layers or as listed; of an author's equations what is fixed, too. A plain number
    is a float.
    """
    if lesson.circuit:
        given = lesson.circuit.inputs.items()
        return {name: np.float64(value) for name, value in given if name not in lesson.circuit.examples}
    assert lesson.network and lesson.training
    return network_parameters(lesson.network, lesson.training.seed)


def with_numbers(
    lesson: Lesson, given: Mapping[str, np.ndarray | float], examples: Mapping[str, np.ndarray] | None = None
) -> Lesson:
    """The lesson with other numbers, by id: of what `initial_parameters` has, and of what its examples set.

    Examples are (examples, *shape), all of one length. What is not named stays; drawn weights that are named are no
    longer drawn.
    """
    set_by = dict(examples or {})
    if lesson.circuit:
        circuit = lesson.circuit
        first = {name: array[0] for name, array in set_by.items()}
        inputs = {name: {**given, **first}.get(name, value) for name, value in circuit.inputs.items()}
        return replace(lesson, circuit=replace(circuit, inputs=inputs, examples=circuit.examples | set_by))
    assert lesson.network
    layers = []
    for number, layer in enumerate(lesson.network.layers, start=1):
        weights = np.asarray(given.get(of_layer("weights", number), layer.weights))
        biases = given.get(of_layer("biases", number), layer.biases)
        layers.append(
            replace(
                layer,
                weights=layer.weights if weights.dtype.kind == "U" else weights,
                biases=None if biases is None else np.asarray(biases),
            )
        )
    return replace(
        lesson,
        network=replace(lesson.network, layers=tuple(layers)),
        inputs=set_by.get("x", lesson.inputs),
        targets=set_by.get("y", lesson.targets),
    )
