"""What is said of each number of an array that is judged cell by cell, and what it is worth."""

from __future__ import annotations

from typing import Literal

import numpy as np

from tutor.engine.floats import quietly
from tutor.questions.question import DIGITS
from tutor.questions.rounding import same
from tutor.solutions.files import Handed
from tutor.solutions.naming import tolerance

CellKind = Literal["blank", "right", "rounded", "carried", "rough", "slip", "wrong"]
BAD: tuple[CellKind, ...] = ("slip", "wrong")
# A mark a cell. What is written too roughly to tell is worth what it is in a quiz.
WORTH: dict[CellKind, float] = {"right": 1.0, "rounded": 1.0, "carried": 1.0, "rough": 0.5}


def cell_kinds(
    array: Handed,
    right: np.ndarray,
    value: np.ndarray | None = None,
    error: np.ndarray | None = None,
    touched: bool = False,
) -> tuple[CellKind, ...]:
    """The kind of each cell, row by row: "wrong" stands for all that is neither right nor follows.

    `array` lies as `right`, the lesson's values; `value` is what follows from the person's own numbers, within `error`
    of what rounding does, and `touched` whether something wrong flows into it. A number that is off by one in its last
    place is rounded: who cuts digits off has made no mistake of the method.
    """
    found = np.full(right.shape, "wrong", object)
    values = array.values
    with quietly():
        allowed = tolerance(array, right)
        near = (values == right) | (np.abs(values - right) <= allowed)
        if value is not None and error is not None:
            follows = np.abs(values - value) <= 2 * tolerance(array, value) + error * (1 + 1e-9)
            apart = np.abs(value - right) > allowed
            found[follows] = "rounded"
            if touched:
                found[follows & apart] = "carried"
        found[near] = "right"
    for at in np.argwhere(found == "wrong"):
        place = tuple(at)
        typed = float(values[place])
        meant = [float(right[place]), *([] if value is None else [float(value[place])])]
        if typed and np.isfinite(typed) and any(same(one, typed, d) for one in meant for d in range(1, DIGITS)):
            found[place] = "rough"
    if array.missing is not None:
        found[array.missing] = "blank"
    return tuple(found.reshape(-1).tolist())
