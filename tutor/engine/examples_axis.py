"""The axis of examples, for operators that do not act element by element."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from tutor.engine.expressions import Call, Shape


def lead(node: Call, at: int, array: Any) -> Shape:
    """(examples,) of an argument's array, () if it has no such axis."""
    shape: Shape = np.shape(array)
    return shape[: len(shape) - len(node.args[at].shape)]


def by_example(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A NumPy rule from one whose arrays, and whose value, all have an axis in front: the examples, or length 1."""

    @wraps(rule)
    def numpy(node: Call, *arrays: Any) -> Any:
        whole = [
            np.asarray(array, dtype=float) if lead(node, at, array) else np.asarray(array, dtype=float)[None]
            for at, array in enumerate(arrays)
        ]
        found = rule(node, *whole)
        if not node.batched:
            return found[0]
        return np.broadcast_to(found, (max(len(array) for array in whole), *found.shape[1:]))

    return numpy
