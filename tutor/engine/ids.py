"""Ids: what a value is called in lesson files, links and exports. They are written and read here, and nowhere else.

x y z1 a1 L J                 a circuit's values have their authors' names, a gate within a line q.1
W1 b1   W1'                   parameters, and what the update makes of one
W1.velocity   W1.velocity'    what an optimiser remembers of one, before and after the update
training.learning_rate        a setting (no author's name has a dot)
dL/dW1   dz1/dW1              a gradient, a local derivative
dL/dW1[2,1]   dL/dW1[2,1]@3   an element (row = to, column = from, from 1), of one example of the batch
dL/dWh@h3   dL/dWh[2,1]@h3@3  the part of a gradient that comes back from one use of an input: by the gate h3
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Parameter: TypeAlias = Literal["weights", "biases"]
OfLayer: TypeAlias = Literal["weights", "biases", "pre_activation", "activation"]

_LETTERS: dict[OfLayer, str] = {"weights": "W", "biases": "b", "pre_activation": "z", "activation": "a"}
_PARAMETER = re.compile(r"([Wb])([0-9]{1,6})")
_DERIVATIVE = re.compile(r"d(?P<of>[^/]+)/d(?P<wrt>[^/@]+)")
_ID = re.compile(
    r"(?P<base>[^\[\]@\s]+)(?:\[(?P<index>[0-9,\s]+)\])?(?P<use>@[^\W0-9][\w.]*)?(?:\[(?P<later>[0-9,\s]+)\])?"
    r"(?:@(?P<example>[0-9]+))?"
)
_LIKE_ID = re.compile(r"(?:[zaWb][0-9]+'?|d[^/]+/d[^/]+|J|L)(?:\[[0-9, ]+\])?(?:@[0-9]+)?|.+(?:\[[0-9, ]+\]|@[0-9]+)")
_BEYOND = re.compile(r"[\[,@]\s*[0-9]{10}")  # no place of anything

# ---------------------------------------------------------------- written


def of_layer(quantity: OfLayer, layer: int) -> str:
    """The id of what a layer (from 1) has: W1, b1, z1, a1."""
    return f"{_LETTERS[quantity]}{layer}"


def updated(id: str) -> str:
    """The id of what an update makes of a value: W2 -> W2', W2.m -> W2.m'."""
    return id + "'"


def state(parameter: str, name: str) -> str:
    """The id of what an optimiser remembers of a parameter: W2.m."""
    return f"{parameter}.{name}"


def setting(name: str) -> str:
    """The id of a setting of [training]: training.learning_rate."""
    return f"training.{name}"


def of_each(id: str) -> str:
    """The key of a value that each example has, beside that of all: dL/dW2@ of dL/dW2."""
    return id + "@"


def within(line: str, number: int) -> str:
    """The id of a gate within an author's line, from 1: q.1."""
    return f"{line}.{number}"


def derivative(of: str, wrt: str, use: str = "") -> str:
    """The id of a gradient or a local derivative: dL/dW2, dz2/da1; of the part of one use dL/dWh@h3."""
    return f"d{of}/d{wrt}" + (f"@{use}" if use else "")


# ---------------------------------------------------------------- read


def example_free(text: str) -> str:
    """An id, or a name that ends like one, without its example: dL/dW1[2,1] of dL/dW1[2,1]@3."""
    return text.partition("@")[0]


def example_of(text: str) -> str:
    """The example that an id ends with, as it was written: 3 of dL/dW1[2,1]@3."""
    return text.rpartition("@")[2]


def written_index(text: str) -> str:
    """The index within an id, as it was written: 2,1 of dL/dW1[2,1]@3; "" where it has none."""
    return text.partition("[")[2].partition("]")[0]


def whole(text: str) -> str:
    """An id without use, element and example: dL/dW1 of dL/dW1[2,1]@3."""
    return example_free(text).partition("[")[0]


def is_of_each(key: str) -> bool:
    """Whether a key is of a value that each example has: dL/dW2@."""
    return key.endswith("@")


def looks_like_id(text: str) -> bool:
    """Whether a text is meant for an id, be it one or not: a9, W2', dL/dz3, anything with an index or an example."""
    return bool(_LIKE_ID.fullmatch(text))


@dataclass(frozen=True)
class StepId:
    """What an id says: a symbol's own id, its use with it, an element and an example, from 0 (−1: no such place)."""

    base: str
    index: tuple[int, ...] | None = None
    example: int | None = None

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether a symbol of this shape has the element; the whole it has always."""
        if self.index is None:
            return True
        return len(self.index) == len(shape) and all(0 <= i < n for i, n in zip(self.index, shape, strict=True))


def read_id(text: str) -> StepId | None:
    """The parts of a step id, such as dL/dW2[1,2]@3 or dL/dWh[1,2]@h3; None where the text has another form."""
    match = _ID.fullmatch(text.strip().replace("′", "'").replace("∂", "d"))
    if not match or (match["index"] and match["later"]):
        return None
    index, example = match["index"] or match["later"], match["example"]
    return StepId(
        match["base"] + (match["use"] or ""),
        tuple(map(_place, index.split(","))) if index else None,
        _place(example) if example else None,
    )


def names_no_place(text: str) -> bool:
    """Whether an id has a row, a column or an example of ten digits and more."""
    return bool(_BEYOND.search(text))


def _place(digits: str) -> int:
    """A place counted from 1, from 0; −1 where it is none."""
    return int(digits) - 1 if digits.strip().isdigit() and len(digits.strip()) <= 9 else -1


def read_parameter(base: str) -> tuple[Parameter, int] | None:
    """The kind of a network's parameter and its layer (from 1, there or not), of W1 or b1; None of another id."""
    match = _PARAMETER.fullmatch(base)
    return ("weights" if match[1] == "W" else "biases", int(match[2])) if match else None


def read_state(id: str) -> tuple[str, str]:
    """The parameter and the name of a state, of W1.m or W1.m'."""
    parameter, _, name = id.rpartition(".")
    return parameter, name.removesuffix("'")


def line_of(gate: str) -> str:
    """The name of the author's line that a gate came from: q of q.1 and of q."""
    return gate.partition(".")[0]


def read_derivative(base: str) -> tuple[str, str] | None:
    """What dz2/da1 is the derivative of and with respect to what; None of another id."""
    match = _DERIVATIVE.fullmatch(base)
    return (match["of"], match["wrt"]) if match else None


def is_use_by(use: str, gate: str) -> bool:
    """Whether the name of a use is this gate's: its own, or that of the author's line (`Symbol.use`)."""
    return use in (gate, line_of(gate))


def is_updated(id: str) -> bool:
    """Whether an id is of what an update makes: W2', W2.m'."""
    return id.endswith("'")


def before_update(id: str) -> str:
    """The id of what an update starts from: W2 of W2', and W2.m of W2.m'."""
    return id.removesuffix("'")
