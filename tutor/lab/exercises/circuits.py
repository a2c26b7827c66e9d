"""Exercises on circuits: two gates by hand, and an engine that does all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tutor.lab.exercise import Case, Exercise
from tutor.lab.making import bundled, circuit, drawn


def _two(rng: np.random.Generator) -> Sequence[Case]:
    numbers = [dict(zip("xyz", map(float, drawn(rng, 3, high=4.0)), strict=True)) for _ in range(2)]
    lines = ("q = x + y", "f = q * z")
    return [bundled("gates"), *(circuit("random numbers", *lines, inputs=inputs) for inputs in numbers)]


TWO_GATES = Exercise(
    id="two_gates",
    title="Two gates",
    aim="f = (x + y) · z and its three slopes, gate by gate.",
    lesson="gates",
    takes={name: name for name in "xyz"},
    returns={"q": "q", "f": "f", "dq": "df/dq", "dz": "df/dz", "dx": "df/dx", "dy": "df/dy"},
    cases=_two,
    hints=(
        "The chain rule at each gate: what came back from later, times the gate's own slope.",
        "A multiply gate sends each input the other one; an add gate passes on what came back, as it is.",
        "dq = z;  dz = q;  dx = dq;  dy = dq",
    ),
)
