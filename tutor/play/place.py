"""Where a learner is in a lesson, as it is kept from one sitting to the next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a learner is in a lesson. It is a hint: the lesson may have changed since, so its reader checks it."""

    step: str
    level: str
    notation: str
    iteration: int
    example: int
    element: tuple[int, ...] = ()
