"""The loss as a landscape over two parameters, in words: where training came by, and what a place in it is like."""

from __future__ import annotations

import math

import numpy as np

from tutor.engine.landscape import Landscape
from tutor.text.language import N_, say
from tutor.text.layout import number
from tutor.text.words import plural

STOPS = 6  # of the path that are told one by one


def place_words(made: Landscape, a: float, b: float) -> str:
    """How high it is at a place."""
    height = made.loss(a, b)
    said = number(height) if math.isfinite(height) else say("no finite number")
    return f"{made.x.id} = {number(a)}, {made.y.id} = {number(b)}: {made.of.id} = {said}."


def point_words(made: Landscape, point: int) -> str:
    """A point of the path: after how many updates, the two values, and the loss that training had there."""
    a, b = made.path[point].tolist()
    loss = number(float(made.heights[point]))
    updates = plural(int(made.at[point]) - 1, "iteration")
    place = f"{made.x.id} = {number(a)}, {made.y.id} = {number(b)}, {made.of.id} = {loss}"
    return say("after {iterations}: {place}", iterations=updates, place=place)


def stops(made: Landscape) -> list[int]:
    """Some points of the path, its first and last among them: closer together at first, where it moves most."""
    last = len(made.at) - 1
    return sorted({round(last * (k / (STOPS - 1)) ** 2) for k in range(STOPS)})


def landscape_words(made: Landscape) -> list[str]:
    """Over what it is, from where to where training went, and what its path has to do with the landscape."""
    x, y, L = made.x.id, made.y.id, made.of.id
    (a0, b0), (a1, b1) = made.path[0].tolist(), made.path[-1].tolist()
    took = (
        N_("Training took {x} from {x0} to {x1} and {y} from {y0} to {y1}, {L} from {L0} to {L1} (of all rows).")
        if made.run.lesson.example_count > 1
        else N_("Training took {x} from {x0} to {x1} and {y} from {y0} to {y1}, {L} from {L0} to {L1}.")
    )
    said = [
        say(took, x=x, x0=number(a0), x1=number(a1), y=y, y0=number(b0), y1=number(b1),
            L=L, L0=number(float(made.heights[0])), L1=number(float(made.heights[-1])))
    ]  # fmt: skip
    if made.alone:
        return [*said, say("Nothing else is trained, so the path lies on the landscape.")]
    held = say(
        "All other parameters are held as they are after {iterations}. On its way training moved them, too: at the "
        "start {L} was {then}, where this landscape has {here}. So the path may seem to go uphill.",
        iterations=plural(made.updates, "iteration"), L=L, then=number(float(made.heights[0])),
        here=number(made.loss(a0, b0)),
    )  # fmt: skip
    return [*said, held]


def lowest_words(made: Landscape) -> list[str]:
    """Where it is lowest, of what lies round the path."""
    found = made.grid(made.window())
    assert found is not None
    xs, ys, heights = found
    if not np.isfinite(heights).any():
        return []
    j, i = np.unravel_index(int(np.nanargmin(np.where(np.isfinite(heights), heights, np.nan))), heights.shape)
    edge = j in (0, len(ys) - 1) or i in (0, len(xs) - 1)
    said = say("Lowest round the path: {place}", place=place_words(made, float(xs[i]), float(ys[j])))
    return [f"{said} {say('It falls on beyond.')}" if edge else said]
