"""How one comes to a lesson: a bundled one, a file, a text, arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tutor.api.lessons import Lesson
from tutor.lessonfiles import catalogue, check
from tutor.lessonfiles.from_values import from_text, from_values, plain
from tutor.lessonfiles.model_layers import NoChain, Open, find
from tutor.lessonfiles.positions import LessonError, Problem
from tutor.text.language import N_, said, say


def load(lesson: str | os.PathLike[str]) -> Lesson:
    """A lesson by the id of a bundled one ("o-regression"), or by the path of a file.

    Raises LessonError with everything that is wrong with it (`.problems`), also where there is no such file.
    """
    name = os.fspath(lesson)
    is_path = os.sep in name or name.endswith(".toml") or not isinstance(lesson, str)
    bundled = None if is_path else catalogue.find(name)
    if bundled is None and not is_path and not os.path.exists(name):
        near = catalogue.nearest(name[:60])
        advice = say("give the id of a bundled lesson or the path of a file")
        advice = say("did you mean '{id}'?", id=near[0]) if near else advice
        raise LessonError([Problem(name, 1, 1, say("there is no lesson of this id and no such file"), advice)])
    return Lesson(check.load(bundled or Path(name)))


def loads(text: str, name: str = "lesson") -> Lesson:
    """A lesson from the text of a lesson file (docs/lesson-format.md); `name` is its id, and what problems call it.

    A file of examples that it names is looked for in the current folder. Raises LessonError.
    """
    return Lesson(from_text(text, name))


def network(
    weights: Sequence[Any] | Mapping[str, Any],
    inputs: Any,
    targets: Any,
    *,
    biases: Sequence[Any] | None = None,
    activations: Sequence[str] | str = "linear",
    loss: str = "half_squared_error",
    in_by_out: bool | None = None,
    held_out: float | None = None,
    title: str = "A network",
    notation: str = "dz",
    **training: Any,
) -> Lesson:
    """A lesson from arrays: NumPy's, or anything that has `tolist`, or lists of numbers.

    `weights[k]`  (units, units or inputs before): a row a unit of layer k + 1, a column a unit that feeds it. Or
                  weights and biases together by their names, as a model's `state_dict()` has them ("fc1.weight",
                  "fc1.bias", "W1", "b1", "dense/kernel"); a layer without biases then has none.
    `in_by_out`   of weights by name: True where a matrix has a row a unit that feeds the layer (Keras, x·W), False
                  where it has a row a unit of the layer (PyTorch); None: their shapes tell.
    `held_out`    a share of the examples that training never sees.
    `biases[k]`   (units,), one number for all units, or False for none; None or left out: zeros.
    `activations` one a layer, or one for all.
    `inputs`      (examples, inputs), or (inputs,) for one example.
    `targets`     (examples, outputs), or (outputs,) for one example.
    `training`    as in a lesson file's [training]: learning_rate, optimizer, batch, seed, l2, momentum ...

    Raises LessonError with everything that is wrong, TypeError for what is no number.
    """
    x, y = _rows(plain(inputs)), _rows(plain(targets))
    if isinstance(weights, Mapping):
        if biases is not None:
            raise LessonError([_problem(say("weights by name have their biases among them: leave biases out"))])
        weights, biases = _by_name(weights, in_by_out, x)
    elif in_by_out is not None:
        raise LessonError([_problem(say("in_by_out goes with weights by name; those of a list are out × in"))])
    matrices = [plain(matrix) for matrix in weights]
    many = len(matrices)
    chosen = [activations] * many if isinstance(activations, str) else [str(name) for name in activations]
    shifts: list[Any] = [None] * many if biases is None else [None if b is None else plain(b) for b in biases]
    for what, count in (("activations", len(chosen)), ("biases", len(shifts))):
        if count != many:
            told = N_("there are {layers} layers of weights and {n} {what}: give one a layer")
            raise LessonError([_problem(say(told, layers=many, n=count, what=what))])
    if wrong := [at for at, matrix in enumerate(matrices) if not isinstance(matrix, list)]:
        told = N_("weights[{k}] is no matrix: one row a unit, one column a unit before")
        raise LessonError([_problem(say(told, k=wrong[0]))])
    layers = []
    for matrix, bias, activation in zip(matrices, shifts, chosen, strict=True):
        layer: dict[str, Any] = {"units": len(matrix), "activation": activation}
        layers.append(layer | {"weights": matrix} | ({} if bias is None else {"biases": bias}))
    if len(x) != len(y):
        told = N_("there are {n} examples of inputs and {targets} of targets")
        raise LessonError([_problem(say(told, n=len(x), targets=len(y)))])
    values = {
        "title": title,
        "notation": notation,
        **({} if held_out is None else {"held_out": held_out}),
        "network": {"inputs": len(x[0]) if x and isinstance(x[0], list) else 0, "loss": loss, "layers": layers},
        "examples": [{"inputs": a, "targets": b} for a, b in zip(x, y, strict=True)],
        "training": training,
    }
    return Lesson(from_values(values))


def circuit(
    *lines: str,
    inputs: Mapping[str, Any],
    output: str | None = None,
    parameters: Sequence[str] | None = None,
    data: Sequence[str] = (),
    examples: Sequence[Mapping[str, Any]] = (),
    repeat: Mapping[str, Sequence[int]] | None = None,
    title: str = "A circuit",
    notation: str = "dz",
    **training: Any,
) -> Lesson:
    """A circuit from its lines, 'q = x + y', and the values of its inputs; the output is the last line unless told.

    `inputs`      numbers, or arrays up to rank 4: NumPy's, or lists.
    `parameters`  the inputs that an update changes; None: all that are neither data nor set by examples.
    `data`        the inputs of which no gradient is wanted.
    `examples`    inputs by name, every example the same ones.
    `repeat`      {"t": (1, 3)}: a line with {t} stands for one line each time.
    `training`    as in a lesson file's [training]: with it the parameters are trained.

    Raises LessonError with everything that is wrong, TypeError for what is no number.
    """
    values: dict[str, Any] = {
        "title": title,
        "notation": notation,
        "circuit": {
            "define": [str(line) for line in lines],
            "output": output or (str(lines[-1]).partition("=")[0].strip() if lines else ""),
            **({} if parameters is None else {"parameters": list(parameters)}),
            **({"data": list(data)} if data else {}),
            **({"repeat": dict(repeat)} if repeat else {}),
            "inputs": dict(inputs),
        },
        **({"examples": [dict(example) for example in examples]} if examples else {}),
        **({"training": training} if training else {}),
    }
    return Lesson(from_values(values))


def _by_name(arrays: Mapping[str, Any], in_by_out: bool | None, x: list[Any]) -> tuple[list[Any], list[Any]]:
    """Weights (units, units before) and biases of each layer of a model; raises LessonError where it is no chain."""
    found = {str(name): np.array(plain(values), dtype=float) for name, values in arrays.items()}
    try:
        chain = find(found, in_by_out, len(x[0]) if x and isinstance(x[0], list) else None)
    except Open as error:
        told = N_("{why}; say in_by_out=False (PyTorch) or in_by_out=True (Keras, x·W)")
        raise LessonError([_problem(say(told, why=said(error)))]) from None
    except NoChain as error:
        raise LessonError([_problem(str(error))]) from None
    biases = [False if layer.biases is None else found[layer.biases].reshape(-1) for layer in chain.layers]
    return chain.matrices(found), biases


def _rows(values: Any) -> list[Any]:
    """One row an example: of one example its row, or its number, alone will do."""
    if not isinstance(values, list):
        return [[values]]
    return values if values and isinstance(values[0], list) else [values]


def _problem(message: str) -> Problem:
    return Problem("lesson", 1, 1, message)
