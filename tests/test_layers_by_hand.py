"""Lessons of "The layers of today" against plain NumPy that has no rule of a backward pass: data/layers_by_hand.py."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "data"))

import layers_by_hand as hand

from tutor.engine.trace import trace
from tutor.lessonfiles.catalogue import find
from tutor.lessonfiles.check import load
from tutor.lessonfiles.expectations import holds
from tutor.lessonfiles.reading.lesson import read


@cache
def by_hand(id: str, iteration: int) -> dict[str, np.ndarray]:
    return hand.iterations(id, iteration)[iteration - 1]


@pytest.mark.parametrize("id", hand.LESSONS)
def test_what_a_lesson_expects_comes_out_of_separate_code(id):
    """Each number of each [[expect]], to the digits that the file has: the tutor has no part in it."""
    lesson, _, source = read(find(id))
    for expect in lesson.expect:
        name, _, place = expect.step.partition("[")
        true = by_hand(id, expect.iteration)[name]
        true = true[tuple(int(at) - 1 for at in place.rstrip("]").split(","))] if place else true
        wanted = np.asarray(expect.value, dtype=float)
        true = true.reshape(wanted.shape)
        for at in np.ndindex(wanted.shape):
            written = source.written(("expect", expect.at, "value", *at))
            assert holds(written, float(true[at]), expect.tolerance, expect.cut_off), (expect.step, at, true[at])


@pytest.mark.parametrize("id", hand.LESSONS)
def test_every_step_of_a_lesson_is_what_separate_code_has(id):
    found, compared = trace(load(find(id))), 0
    for step in found.steps("matrix"):
        if step.id in by_hand(id, 1):
            wanted = by_hand(id, 1)[step.id].reshape(np.shape(step.value))
            np.testing.assert_allclose(step.value, wanted, rtol=1e-12, atol=1e-14, err_msg=step.id)
            compared += 1
    parts = [step.id for step in found.steps("matrix") if "." not in step.id]  # a line's inner gates have no name there
    assert compared == len(parts) and compared >= 11, set(parts) - set(by_hand(id, 1))


@pytest.mark.parametrize(("id", "losses"), hand.TOLD.items())
def test_what_a_lesson_says_of_its_training_is_so(id, losses):
    """The losses after some updates that an outro names, to their digits."""
    outro = load(find(id)).outro
    for updates, written in losses.items():
        assert written in outro
        assert holds(written, float(by_hand(id, updates + 1)["L"])), (updates, written)
