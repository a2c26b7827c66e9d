"""The inputs of a circuit: numbers and arrays in [circuit.inputs], and what [[examples]] or a table set one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tutor.engine.array_functions import shape_text
from tutor.engine.expressions import Shape
from tutor.lessonfiles.faults import label
from tutor.lessonfiles.positions import Keys
from tutor.lessonfiles.reading.values import Values
from tutor.text.language import said, say, say_many
from tutor.text.output import quote

MAX_NUMBERS = 50_000_000  # of all values of a batch together: 400 MB
NETWORK_KEYS = ("inputs", "targets", "target")


@dataclass
class Given:
    """The inputs by name: each value (of what examples set the first example's; None where it is in doubt).

    `examples` has what examples set, with one more axis, the first. `places` says where in the file each stands: the
    path, and which rows of what is there an input is (for one that was given once for all times).
    """

    values: dict[str, np.ndarray | float | None] = field(default_factory=dict)
    examples: dict[str, np.ndarray] = field(default_factory=dict)
    places: dict[str, Keys] = field(default_factory=dict)
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # x -> x1, x2, x3

    def shape(self, name: str) -> Shape | None:
        """The shape of an input; None where its value is not sound."""
        value = self.values[name]
        return None if value is None else np.shape(value)

    def named(self, name: str) -> tuple[str, ...]:
        """The inputs that a name of the file stands for: itself, or one each time."""
        return self.parts.get(name, (name,))

    def place(self, name: str, example: int, index: tuple[int, ...]) -> Keys:
        """Where an element of an input's value in an example (from 0) stands in the file."""
        where = self.places[name]
        if name in self.examples:
            where = ("examples", example, *where[2:])
        return (*where, *index)


def read_inputs(file: Values) -> Given:
    """What [circuit.inputs] and the examples say; what does not agree is noted."""
    given = Given()
    inputs = file.value("circuit", "inputs", anyhow=True)
    for name, value in inputs.items() if isinstance(inputs, dict) else ():
        where = ("circuit", "inputs", name)
        given.places[name] = where
        given.values[name] = _array(file, where, value) if file.sound(*where) else None
    _read_examples(file, given)
    return given


def _array(file: Values, where: Keys, value: Any) -> np.ndarray | float | None:
    """A number as it is, lists as an array; None (and noted) where they are not equally long."""
    if not isinstance(value, list):
        return float(value)
    try:
        return np.array(value, dtype=float)
    except ValueError:  # NumPy's word for lists of different lengths
        _ragged(file, where, value)
        return None


def _ragged(file: Values, where: Keys, value: list[Any]) -> Shape | None:
    """The shape of lists in lists; None where they are not equally long, noted at the first that differs."""
    shapes = [_ragged(file, (*where, at), part) if isinstance(part, list) else () for at, part in enumerate(value)]
    if None in shapes:
        return None
    usual = Counter(shapes).most_common(1)[0][0]
    for at, shape in enumerate(shapes):
        if shape != usual:
            path = (*where, at)
            message = say(
                "{what} is {shape}; the others beside it are {usual}",
                what=label(path), shape=said(shape_text(shape or ())), usual=said(shape_text(usual or ())),
            )  # fmt: skip
            file.fault(path, message, say("the lists of an array are equally long, at each depth"))
            return None
    return (len(shapes), *(usual or ()))


# ---------------------------------------------------------------- examples


def _read_examples(file: Values, given: Given) -> None:
    many = 0 if file.has("network") else file.length("examples")
    rows = [file.value("examples", i, anyhow=True) for i in range(many)]
    if not many or not all(isinstance(row, dict) for row in rows):
        return
    first = [name for name in rows[0] if name not in NETWORK_KEYS]
    for i, row in enumerate(rows):
        _same_names(file, i, row, first)
    for name in first:
        sound = [name in row and file.sound("examples", i, name) for i, row in enumerate(rows)]
        values = [_array(file, ("examples", i, name), row[name]) if sound[i] else None for i, row in enumerate(rows)]
        own = given.values.get(name)
        given.places[name] = ("examples", 0, name)
        given.values[name] = None
        if any(value is None for value in values):
            continue
        if all(_same_shape(file, name, i, value, values[0], own) for i, value in enumerate(values)):
            given.examples[name] = np.array(values, dtype=float)
            given.values[name] = values[0]


def _same_names(file: Values, i: int, row: Mapping[str, Any], first: list[str]) -> None:
    """Note the names of an example that are a network's, or not those of the first example."""
    for name in row:
        if name in NETWORK_KEYS:
            message = say("{name} goes with a [network]: a circuit's examples set its inputs by name", name=quote(name))
            if file.faults.sound("examples", i, name) and not any(
                file.faults.doubts(("examples", before, name)) for before in range(i)
            ):
                file.fault(("examples", i, name), message, say("such as X = [1, 2] and y = 3"), key=True)
            file.faults.doubt(("examples", i, name))
        elif name not in first and i:
            message = say("example {n} sets {name}, example 1 does not", n=i + 1, name=quote(name))
            file.fault(("examples", i, name), message, say("every example sets the same inputs"), key=True)
    for name in first:
        if name not in row:
            message = say("example {n} does not set {name}, as example 1 does", n=i + 1, name=quote(name))
            advice = say("every example sets the same inputs")
            file.fault(("examples", i), message, advice, doubt=("examples", i, name))


def _same_shape(file: Values, name: str, i: int, value: Any, first: Any, own: Any) -> bool:
    """Whether an example's value has the shape that the input has elsewhere; noted if not."""
    of_inputs = i == 0 and own is not None
    shape, other = np.shape(value), np.shape(own if of_inputs else first)
    if shape == other:
        return True
    message = say(
        "{name} of example {n} is {shape}; in [circuit.inputs] it is {other}"
        if of_inputs
        else "{name} of example {n} is {shape}; in example 1 it is {other}",
        name=name, n=i + 1, shape=said(shape_text(shape)), other=said(shape_text(other)),
    )  # fmt: skip
    file.fault(("examples", i, name), message, say("an input has one shape, the same in all examples"))
    return False


# ---------------------------------------------------------------- given once for all times


def split(file: Values, given: Given, bases: Mapping[str, range], defined: Iterable[str]) -> None:
    """Make inputs x1, x2, x3 of an x that is written x{t} and was given once, its first axis being time."""
    known = {*given.values, *defined}
    for base, times in bases.items():
        if base not in given.values or any(f"{base}{time}" in known for time in times):
            continue
        value, where, per_example = given.values[base], given.places[base], given.examples.get(base)
        names = tuple(f"{base}{time}" for time in times)
        shape = given.shape(base)
        if shape is not None and shape[:1] != (len(times),):
            message = say_many(
                len(times),
                "{name} is {shape}, but it is written {name}{{...}} for {n} time",
                "{name} is {shape}, but it is written {name}{{...}} for {n} times",
                name=base, shape=said(shape_text(shape)),
            )  # fmt: skip
            advice = say(
                "its first axis is time: a list of {n}, one for each from {first} to {last}",
                n=len(times), first=times[0], last=times[-1],
            )  # fmt: skip
            file.fault(where, message, advice)
            value = per_example = None
        order = list(given.values)
        for at, name in enumerate(names):
            part = None if value is None else np.asarray(value)[at]
            given.values[name] = part if part is None or np.ndim(part) else float(part)
            given.places[name] = (*where, at)
            if per_example is not None and value is not None:
                given.examples[name] = per_example[:, at]
        given.parts[base] = names
        given.values = {
            name: given.values[name]
            for old in order
            for name in (names if old == base else (old,))
        }  # fmt: skip
        given.examples.pop(base, None)
