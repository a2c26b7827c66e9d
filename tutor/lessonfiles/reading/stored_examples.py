"""Examples from a file of arrays beside the lesson: which of them are inputs and targets, and whether they fit.

They are looked at as wholes, never number by number: 60,000 images are a moment. Many are kept as they are stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tutor.engine.losses import LOSSES
from tutor.engine.rows import Data, Rows, Scaled
from tutor.lessonfiles.array_files import ENDINGS, read_stored
from tutor.lessonfiles.beside import missing, place
from tutor.lessonfiles.positions import Keys, Problem
from tutor.lessonfiles.reading.values import Values, listed
from tutor.text.language import say
from tutor.text.output import quote
from tutor.text.words import either, plural

LARGE = 2_000_000  # numbers of the inputs; more are kept as they are stored
MOST_NAMED = 5_000_000  # numbers of a circuit's examples
CHUNK = 4_000_000  # numbers that are looked at at once

_X = ("inputs", "x", "images", "data", "features")
_Y = ("targets", "y", "labels", "label", "target", "classes", "class")


def _with(names: tuple[str, ...], part: str) -> tuple[str, ...]:
    return tuple(form for name in names for form in (f"{name}_{part}", f"{part}_{name}"))


# What inputs and targets are called in a file (in any case of letters): the first pair that is there.
TRAINED = ((*_with(_X, "train"), *_X), (*_with(_Y, "train"), *_Y))
UNSEEN = (
    (*_with(_X, "test"), *_with(_X, "val"), *_with(_X, "valid"), *_X),
    (*_with(_Y, "test"), *_with(_Y, "val"), *_with(_Y, "valid"), *_Y),
)


def read(file: Values, where: Keys, name: str, inputs: int, outputs: int) -> tuple[Path | None, Data | None]:
    """The file of that name, and the examples in it; what is wrong is noted at the key that names it.

    `where` is ("examples",), or ("held_out",) for rows that are held out.
    """
    path, found = _arrays(file, where, name)
    if path is None or found is None:
        return path, None
    x, y = (_named(found, names) for names in (UNSEEN if where == ("held_out",) else TRAINED))
    classes = file.value("class")
    if classes is not None and where == ("examples",):
        y = classes if classes in found else None
    if where == ("held_out",) and path == file.table_path and x == _named(found, TRAINED[0]):
        message = say(
            "the rows that are held out would be the examples themselves: {array} of {file}",
            array=quote(x or name), file=quote(name),
        )  # fmt: skip
        advice = say("call theirs X_test and y_test, or write a share such as held_out = 0.2")
        file.fault(where, message, advice)
        return path, None
    if x is None or y is None:
        arrays = listed(f"{name} {' × '.join(map(str, values.shape))}" for name, values in found.items())
        message = say(
            "{file} has no array for the inputs"
            if x is None
            else "{file} has no array for the targets"
            if classes is None
            else "{file} has no array for the class {name}",
            file=quote(name), name=quote(classes or ""),
        )  # fmt: skip
        advice = say("it holds no numbers")
        if found:
            advice = say("in the file are: {arrays}; call the inputs X and the targets y", arrays=arrays)
        file.fault(where, message, advice)
        return path, None
    return path, _data(file, where, (x, y), found[x], found[y], (inputs, outputs))


def _arrays(file: Values, where: Keys, name: str) -> tuple[Path | None, dict[str, np.ndarray] | None]:
    """The file of that name, and its arrays; what is wrong is noted."""
    path = place(file.path, name)
    if isinstance(path, str):
        file.fault(where, path, say("such as {line}", line=f'{where[0]} = "digits.npz"'))
        return None, None
    if said := missing(path, name, ENDINGS):
        file.fault(where, *said)
        return path, None
    found = read_stored(path, file.path.parent)
    if isinstance(found, Problem):
        file.faults.elsewhere.append(found)
        return path, None
    return path, found


def read_named(file: Values, name: str, wanted: set[str]) -> tuple[Path | None, list[dict[str, Any]] | None]:
    """The file of that name, and the examples of a circuit in it: arrays called as its inputs, an example a row.

    What is wrong is noted.
    """
    path, found = _arrays(file, ("examples",), name)
    if path is None or found is None:
        return path, None
    taken = {array: values for array, values in found.items() if array in wanted}
    counts = {array: len(values) if values.ndim else 0 for array, values in taken.items()}
    if not taken:
        message = say("no array of {file} is called as an input of the circuit", file=quote(name))
        advice = say(
            "in it are: {names}; the circuit has {inputs}", names=listed(found), inputs=listed(sorted(wanted))
        )
        file.fault(("examples",), message, advice)
    elif len(set(counts.values())) > 1 or 0 in counts.values():
        many = ", ".join(f"{array} {count:,}" for array, count in counts.items())
        message = say("the arrays of {file} have unequal numbers of rows: {counts}", file=quote(name), counts=many)
        file.fault(("examples",), message, say("a row an example"))
    elif sum(values.size for values in taken.values()) > MOST_NAMED:
        count = sum(values.size for values in taken.values())
        message = say("{file} has {n} numbers for a circuit", file=quote(name), n=f"{count:,}")
        file.fault(("examples",), message, say("at most {most}", most=f"{MOST_NAMED:,}"))
    elif bad := [array for array, values in taken.items() if _not_finite(values) is not None]:
        row = (_not_finite(taken[bad[0]]) or 0) + 1
        _infinite(file, ("examples",), quote(bad[0]), row)
    else:
        columns = {array: values.astype(float).tolist() for array, values in taken.items()}
        return path, [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return path, None


def _named(found: Mapping[str, np.ndarray], names: tuple[str, ...]) -> str | None:
    """The array that is called by the first of these names that is there."""
    lower = {name.lower(): name for name in found}
    return next((lower[name] for name in names if name in lower), None)


def _data(
    file: Values, where: Keys, names: tuple[str, str], x: np.ndarray, y: np.ndarray, ends: tuple[int, int]
) -> Data | None:
    """The arrays as examples; None where they do not fit, which is noted."""
    inputs, outputs = ends
    x_name, y_name = map(quote, names)
    if x.ndim == 1 and inputs == 1:
        x = x[:, None]
    shape = " × ".join(map(str, x.shape)) or say("a single number")
    if x.ndim < 2 or len(x) == 0 or x[0].size != inputs:
        advice = say("a row an example: examples × inputs, or examples × height × width")
        if x.ndim == 2 and len(x) == inputs:
            advice += "; " + say("this looks like a column an example: transpose it")
        message = say(
            "{array} is {shape}; the network has {inputs}", array=x_name, shape=shape, inputs=plural(inputs, "input")
        )
        file.fault(where, message, advice)
        return None
    if not y.shape or len(y) != len(x):
        message = say(
            "{x} has {n} rows, {y} has {have}" if y.shape else "{x} has {n} rows, {y} has a single number",
            x=x_name, n=f"{len(x):,}", y=y_name, have=f"{len(y) if y.shape else 0:,}",
        )  # fmt: skip
        file.fault(where, message, say("one target, or row of them, an example"))
        return None
    for name, values in ((x_name, x), (y_name, y)):
        if (row := _not_finite(values)) is not None:
            _infinite(file, where, name, row + 1)
            return None
    if x.dtype == np.uint8 and not file.has("scale") and where == ("examples",) and (most := int(x.max())) > 1:
        scale = 255 if most > 16 else most
        advice = say("write scale = {scale}, for a network that takes them from 0 to 1", scale=scale)
        message = say("{array} has bytes up to {most}, and no scale divides them", array=x_name, most=most)
        file.fault(where, message, advice, severity="note")
    targets = _targets(file, where, y_name, y, outputs)
    return None if targets is None else Data(_rows(x.reshape(len(x), -1), file.scale), targets)


def _infinite(file: Values, where: Keys, array: str, row: int) -> None:
    message = say("{array} has a number in row {row} that is not finite", array=array, row=f"{row:,}")
    file.fault(where, message, say("leave that row out"))


def _rows(x: np.ndarray, scale: float) -> Rows:
    return Scaled(x, scale) if x.size > LARGE else x.astype(float) / scale


def _not_finite(values: np.ndarray) -> int | None:
    """The first row with a number that is not finite."""
    if values.dtype.kind != "f":
        return None
    size = max(1, CHUNK // max(1, values[:1].size))
    for at in range(0, len(values), size):
        fine = np.isfinite(values[at : at + size].reshape(len(values[at : at + size]), -1)).all(axis=1)
        if not fine.all():
            return at + int(np.argmin(fine))
    return None


def _targets(file: Values, where: Keys, name: str, y: np.ndarray, outputs: int) -> np.ndarray | None:
    """Targets as rows: rows as they are, numbers of a single output, or of several the numbers of classes."""
    flat = y.reshape(len(y), -1)
    if flat.shape[1] == outputs and (outputs > 1 or not file.has("class")):
        return flat.astype(float)
    if flat.shape[1] != 1:
        message = say(
            "{array} has {n} numbers a row; the network has {outputs}",
            array=name, n=f"{flat.shape[1]:,}", outputs=plural(outputs, "output"),
        )  # fmt: skip
        file.fault(where, message, say("a number an output, or one number, the class"))
        return None
    classes = flat[:, 0]
    whole = classes.astype(np.int64)
    least, most = int(whole.min()), int(whole.max())
    first = int(least > 0 and most == max(outputs, 2))  # classes count from 0, as arrays do, unless they cannot
    if bool(np.any(whole != classes)) or least < first or most >= max(outputs, 2) + first:
        message = say(
            "{array} has numbers from {least} to {most}; there are {n} classes",
            array=name, least=f"{classes.min():g}", most=f"{classes.max():g}", n=max(outputs, 2),
        )  # fmt: skip
        advice = say("the numbers of the classes are 0 to {last}, whole", last=max(outputs, 2) - 1)
        file.fault(where, message, advice)
        return None
    if outputs == 1:
        allowed = LOSSES[file.value("network", "loss")].targets if file.value("network", "loss") else ()
        no, yes = allowed or (0.0, 1.0)
        return np.where(whole[:, None] > first, yes, no).astype(float)
    if not first and least > 0:
        message = say(
            "the classes of {array} are counted from 0: it has {least} to {most}, and the network {outputs}",
            array=name, least=least, most=most, outputs=outputs,
        )  # fmt: skip
        file.fault(where, message, severity="note")
    one_hot: np.ndarray = whole[:, None] == np.arange(first, outputs + first)
    return one_hot.astype(float)


def check(file: Values, where: Keys, data: Data, inputs: int | None, outputs: int | None, loss: str | None) -> None:
    """Note what is wrong with the sizes of examples that are arrays, and with targets that the loss cannot take."""
    x, y = data.inputs.shape[1], data.targets.shape[1]
    for have, size, noun, what in ((x, inputs, "input", "input"), (y, outputs, "target", "output")):
        if size is not None and have != size:
            against = say("the network has {outputs}", outputs=plural(size, what))
            numbers = plural(have, noun)
            file.fault(where, say("each example has {numbers}; {against}", numbers=numbers, against=against))
            return
    targets = data.targets
    allowed = LOSSES[loss].targets if loss else ()
    if allowed:
        wrong = ~np.isin(targets, allowed).all(axis=1)
        wanted = say("{loss} wants {wanted}", loss=loss, wanted=either(f"{value:g}" for value in allowed))
    elif loss == "binary_cross_entropy":
        wrong = ((targets < 0) | (targets > 1)).any(axis=1)
        wanted = say("{loss} wants 0 to 1", loss=loss)
    elif loss == "cross_entropy":
        wrong = (targets < 0).any(axis=1) | (np.abs(targets.sum(axis=1) - 1) > 1e-12 * targets.shape[1])
        wanted = say("{loss} wants probabilities that sum to 1", loss=loss)
    else:
        return
    if wrong.any():
        row = int(np.argmax(wrong))
        numbers = ", ".join(f"{value:g}" for value in targets[row][:6].tolist())
        message = say(
            "the targets of example {n} are {numbers}: {wanted} ({many} rows are so)"
            if wrong.sum() > 1
            else "the targets of example {n} are {numbers}: {wanted}",
            n=f"{row + 1:,}", numbers=numbers, wanted=wanted, many=f"{int(wrong.sum()):,}",
        )  # fmt: skip
        file.fault(where, message)
