"""Weights and biases that a lesson keeps in a file beside it: `weights = "model.npz:fc1.weight"`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tutor.lessonfiles.array_files import ENDINGS, is_binary, read_stored
from tutor.lessonfiles.beside import missing, place
from tutor.lessonfiles.positions import Keys, Problem
from tutor.lessonfiles.reading.values import Values, listed
from tutor.text.language import N_, say
from tutor.text.output import quote
from tutor.text.words import did_you_mean

RANKS = {"weights": 2, "biases": 1}


def named(values: dict[str, Any]) -> dict[tuple[int, str], str]:
    """Where layers name arrays of files: (layer from 0, "weights" or "biases") -> "model.npz:fc1.weight"."""
    network = values.get("network")
    layers = network.get("layers") if isinstance(network, dict) else None
    return {
        (k, key): layer[key]
        for k, layer in enumerate(layers if isinstance(layers, list) else ())
        for key in RANKS
        if isinstance(layer, dict) and isinstance(layer.get(key), str) and ":" in layer[key]
    }


def file_of(reference: str) -> tuple[str, str]:
    """The file and the array that "model.npz:fc1.weight" names: the file ends at the first colon after its ending."""
    lower = reference.lower()
    ends = [at + len(end) for end in ENDINGS if (at := lower.find(f"{end}:")) > 0]
    at = min(ends, default=reference.find(":"))
    return reference[:at], reference[at + 1 :]


def take_stored(file: Values) -> dict[tuple[int, str], str]:
    """Put the arrays that layers name in the place of their names, and note what is wrong; returns what was named."""
    for k in range(file.length("network", "layers")):
        word = file.value("network", "layers", k, "biases")
        if isinstance(word, str) and ":" not in word:
            advice = say('one number a unit, false, or an array of a file: "model.npz:fc1.bias"; zeros need no word')
            file.fault(("network", "layers", k, "biases"), say("unknown biases {name}", name=quote(word)), advice)
    found = {place: name for place, name in named(file.data).items() if file.sound("network", "layers", *place)}
    if not found:
        return {}
    read: dict[str, dict[str, np.ndarray] | None] = {}
    layers = list(file.data["network"]["layers"])
    for (k, key), reference in found.items():
        where = ("network", "layers", k, key)
        name, array = file_of(reference)
        if name not in read:
            read[name] = _arrays(file, where, name)
        arrays = read[name]
        values = None if arrays is None else _array(file, where, name, array, arrays)
        if values is None:
            file.faults.doubt(where)
        else:
            layers[k] = {**layers[k], key: values}
    file.data = {**file.data, "network": {**file.data["network"], "layers": layers}}
    return found


def _arrays(file: Values, where: Keys, name: str) -> dict[str, np.ndarray] | None:
    """The arrays of a file; None where they cannot be had, which is noted."""
    path: Path | str = place(file.path, name, N_("a file of weights"))
    if isinstance(path, str):
        file.fault(where, path, say("such as {line}", line=f'{where[-1]} = "model.npz:fc1.weight"'))
        return None
    if not is_binary(name):
        message = say("{name} is no file of arrays", name=quote(name))
        file.fault(where, message, say("its name ends in {endings}", endings=", ".join(ENDINGS)))
        return None
    if said := missing(path, name, ENDINGS):
        file.fault(where, *said)
        return None
    found = read_stored(path, file.path.parent)
    if isinstance(found, Problem):
        file.faults.elsewhere.append(found)
        return None
    return found


def _array(file: Values, where: Keys, name: str, array: str, arrays: dict[str, np.ndarray]) -> np.ndarray | None:
    """An array of a file as a layer wants it: weights as a matrix, biases as a vector."""
    if array not in arrays:
        near = did_you_mean(array[:64], arrays)
        message = say("there is no array {array} in {file}{near}", array=quote(array), file=quote(name), near=near)
        file.fault(where, message, say("in it are: {names}", names=listed(arrays)))
        return None
    values, rank = arrays[array], RANKS[str(where[-1])]
    shape = " × ".join(map(str, values.shape)) or say("a single number")
    if rank == 1 and sorted(values.shape)[:-1] == [1] * (values.ndim - 1):  # a row, or a column, of biases
        values = values.reshape(-1)
    elif rank == 2 and values.ndim == 1:  # one unit's weights
        values = values[:, None] if file.from_to else values[None, :]
    if values.ndim != rank or not values.size:
        message = say(
            "{array} in {file} is {shape}, and weights is a matrix"
            if rank == 2
            else "{array} in {file} is {shape}, and biases is a list of numbers",
            array=quote(array), file=quote(name), shape=shape,
        )  # fmt: skip
        file.fault(where, message)
        return None
    values = values.astype(float)
    if not np.isfinite(values).all():
        index = ",".join(str(at + 1) for at in np.argwhere(~np.isfinite(values))[0])
        message = say(
            "{array} in {file} has a number at [{index}] that is not finite",
            array=quote(array), file=quote(name), index=index,
        )  # fmt: skip
        file.fault(where, message)
        return None
    return values
