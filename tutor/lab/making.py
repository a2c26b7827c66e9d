"""Lessons for the cases of exercises: bundled ones, networks and circuits of random numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tutor.engine.lesson import Lesson
from tutor.lab.exercise import Case
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.lessonfiles.from_values import from_values
from tutor.text.language import N_, say


def bundled(id: str, iteration: int = 1) -> Case:
    """A lesson that comes with the tutor, as it is."""
    path = catalogue.find(id)
    assert path is not None, id
    return Case(numbers_of(id, iteration), load(path), iteration)


def numbers_of(id: str, iteration: int = 1) -> str:
    """The title of a case that is a lesson's own."""
    if iteration == 1:
        return say("the numbers of the lesson {id}", id=id)
    return say("the numbers of the lesson {id}, iteration {n}", id=id, n=iteration)


def network(
    rng: np.random.Generator,
    widths: Sequence[int],
    activations: Sequence[str],
    loss: str,
    examples: int = 1,
    iteration: int = 1,
    **training: Any,
) -> Case:
    """A network with random numbers: `widths` are the inputs and the units of each layer.

    Targets are what the loss takes: 0 and 1 for cross-entropies (one 1 a row for the categorical), else anything. All
    examples are one batch, unless `training` says otherwise (the keys of a lesson file's [training]).
    """
    layers = [
        {
            "units": units,
            "activation": activation,
            "weights": drawn(rng, units, before),
            "biases": drawn(rng, units),
        }
        for (before, units), activation in zip(pairwise(widths), activations, strict=True)
    ]
    units, title = " → ".join(map(str, widths)), N_("random numbers, {units} units")
    title = N_("random numbers, {units} units, {n} examples") if examples > 1 else title
    return Case(
        say(title, units=units, n=examples),
        made(
            network={"inputs": widths[0], "loss": loss, "layers": layers},
            examples=[
                {"inputs": drawn(rng, widths[0]), "targets": targets(rng, loss, widths[-1])} for _ in range(examples)
            ],
            training={"learning_rate": 0.5, "batch": "all"} | training,
        ),
        iteration,
    )


def circuit(
    title: str,
    *lines: str,
    inputs: Mapping[str, Any],
    iteration: int = 1,
    extra: Mapping[str, Any] | None = None,
    **tables: Any,
) -> Case:
    """A circuit of its lines; the output is the last. `tables` are further tables of a lesson file.

    What else belongs in [circuit] (data, parameters, repeat) is given as circuit={...}.
    """
    more = dict(tables.pop("circuit", {}))
    output = lines[-1].partition("=")[0].strip()
    written = {"define": list(lines), "output": output, "inputs": dict(inputs)} | more
    return Case(title, made(circuit=written, **tables), iteration, extra or {})


def made(**tables: Any) -> Lesson:
    """A lesson from the tables of a lesson file (docs/lesson-format.md), with arrays for numbers."""
    return from_values({"title": "Random numbers"} | tables, "random")


def drawn(rng: np.random.Generator, *shape: int, low: float = 0.2, high: float = 1.5) -> np.ndarray:
    """Numbers with three decimals whose size is between `low` and `high`, of either sign: none is near 0."""
    found = np.round(rng.uniform(low, high, shape) * rng.choice([-1.0, 1.0], shape), 3)
    return np.asarray(found, dtype=float)


def targets(rng: np.random.Generator, loss: str, outputs: int) -> np.ndarray:
    """What a loss may be held against: (outputs,)."""
    if loss == "cross_entropy":
        return np.asarray(np.eye(outputs)[rng.integers(outputs)], dtype=float)
    if loss == "binary_cross_entropy":
        return rng.integers(0, 2, outputs).astype(float)
    return drawn(rng, outputs)
