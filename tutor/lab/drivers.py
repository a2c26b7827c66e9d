"""What calls the learner's code: a function a driver, in the child process. Standard library and NumPy, nothing else.

A driver gets what the learner wrote (the function or class that the exercise names) and the arguments of a case, and
gives back what is judged: what the learner returned, or a dict of numbers by the names of the exercise's `returns`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def function(written: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """The usual one: a function is called with the arguments in their order."""
    return written(*arguments.values())


def engine(written: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Builds a circuit of Values gate by gate, and goes back through it twice. What is not written yet stays dots."""
    arguments = dict(arguments)
    gates = arguments.pop("gates")
    values = {name: written(number) for name, number in arguments.items()}
    names = [*values, *(gate[0] for gate in gates)]
    for name, op, *of in gates:
        parents = [values[parent] for parent in of]
        made = parents[0].tanh() if op == "tanh" else _sum_or_product(op, *parents)
        if made is None or made is Ellipsis:
            break
        values[name] = made
    found: dict[str, Any] = {f"{name}.data": values[name].data if name in values else ... for name, *_ in gates}
    for again, heard in (("", names[:-1]), (" again", list(arguments))):
        whole = len(values) == len(names)
        if whole:
            values[names[-1]].backward()
        begun = whole and any(value.grad for value in values.values())
        found |= {f"{name}.grad{again}": values[name].grad if begun else ... for name in heard}
    return found


def measure(written: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Makes the loss that is measured, of a small network as a function of its first weights, and hands it in."""
    A, b, u, s, y = (arguments[name] for name in ("A", "b", "u", "s", "y"))

    def loss(w: Any) -> float:
        sums = np.asarray(w, dtype=float).reshape(-1) @ A + b
        return float(((1 / (1 + np.exp(-sums))) @ u + s - y) ** 2 / 2)

    return written(loss, *(arguments[name] for name in ("w", "grad", "eps")))


def _sum_or_product(op: str, one: Any, other: Any) -> Any:
    return one + other if op == "add" else one * other


DRIVERS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "function": function,
    "engine": engine,
    "measure": measure,
}
