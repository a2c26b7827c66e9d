"""What calls the learner's code: a function a driver, in the child process. Standard library and NumPy, nothing else.

A driver gets what the learner wrote (the function or class that the exercise names) and the arguments of a case, and
gives back what is judged: what the learner returned, or a dict of numbers by the names of the exercise's `returns`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def function(written: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """The usual one: a function is called with the arguments in their order."""
    return written(*arguments.values())


DRIVERS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {"function": function}
