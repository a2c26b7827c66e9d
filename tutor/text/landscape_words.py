"""The loss as a landscape over two parameters, in words: where training came by, and what a place in it is like."""

from __future__ import annotations

import math

import numpy as np

from tutor.engine.landscape import Landscape
from tutor.text.layout import number
from tutor.text.words import plural

STOPS = 6  # of the path that are told one by one


def place_words(made: Landscape, a: float, b: float) -> str:
    """How high it is at a place."""
    height = made.loss(a, b)
    said = number(height) if math.isfinite(height) else "no finite number"
    return f"{made.x.id} = {number(a)}, {made.y.id} = {number(b)}: {made.of.id} = {said}."


def point_words(made: Landscape, point: int) -> str:
    """A point of the path: after how many updates, the two values, and the loss that training had there."""
    a, b = made.path[point].tolist()
    loss = number(float(made.heights[point]))
    updates = plural(int(made.at[point]) - 1, "iteration")
    return f"after {updates}: {made.x.id} = {number(a)}, {made.y.id} = {number(b)}, {made.of.id} = {loss}"


def stops(made: Landscape) -> list[int]:
    """Some points of the path, its first and last among them: closer together at first, where it moves most."""
    last = len(made.at) - 1
    return sorted({round(last * (k / (STOPS - 1)) ** 2) for k in range(STOPS)})


def landscape_words(made: Landscape) -> list[str]:
    """Over what it is, from where to where training went, and what its path has to do with the landscape."""
    x, y, L = made.x.id, made.y.id, made.of.id
    after = f"after {plural(made.updates, 'iteration')}"
    (a0, b0), (a1, b1) = made.path[0].tolist(), made.path[-1].tolist()
    rows = " (of all rows)" if made.run.lesson.example_count > 1 else ""
    said = [
        f"Training took {x} from {number(a0)} to {number(a1)} and {y} from {number(b0)} to {number(b1)}, "
        f"{L} from {number(float(made.heights[0]))} to {number(float(made.heights[-1]))}{rows}."
    ]
    if made.alone:
        return [*said, "Nothing else is trained, so the path lies on the landscape."]
    here = number(made.loss(a0, b0))
    then = number(float(made.heights[0]))
    return [
        *said,
        f"All other parameters are held as they are {after}. On its way training moved them, too: at the start "
        f"{L} was {then}, where this landscape has {here}. So the path may seem to go uphill.",
    ]


def lowest_words(made: Landscape) -> list[str]:
    """Where it is lowest, of what lies round the path."""
    found = made.grid(made.window())
    assert found is not None
    xs, ys, heights = found
    if not np.isfinite(heights).any():
        return []
    j, i = np.unravel_index(int(np.nanargmin(np.where(np.isfinite(heights), heights, np.nan))), heights.shape)
    edge = " It falls on beyond." if j in (0, len(ys) - 1) or i in (0, len(xs) - 1) else ""
    return [f"Lowest round the path: {place_words(made, float(xs[i]), float(ys[j]))}{edge}"]
