"""The lessons on norms, embeddings and attention against backward passes in plain NumPy: data/attention_by_hand.py."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "data"))

import attention_by_hand as hand

from tutor.engine.trace import trace
from tutor.lessonfiles.catalogue import find
from tutor.lessonfiles.expectations import holds
from tutor.lessonfiles.reading.lesson import read

every_lesson = pytest.mark.parametrize("id", hand.LESSONS)


@cache
def by_hand(id: str) -> dict[str, np.ndarray]:
    return {step: np.asarray(value, dtype=float) for step, value in hand.LESSONS[id]().items()}


@every_lesson
def test_what_a_lesson_expects_comes_out_of_separate_code(id):
    """Each number of each [[expect]], to the digits that the file has: the tutor has no part in it."""
    lesson, _, source = read(find(id))
    for expect in lesson.expect:
        name, _, place = expect.step.partition("[")
        true = by_hand(id)[name]
        true = true[tuple(int(at) - 1 for at in place.rstrip("]").split(","))] if place else true
        for at in np.ndindex(np.shape(expect.value)):
            written = source.written(("expect", expect.at, "value", *at))
            assert holds(written, float(true[at]), expect.tolerance, expect.cut_off), (expect.step, at, true[at])


@every_lesson
def test_every_step_of_a_lesson_is_what_separate_code_has(id):
    found, _, _ = read(find(id))
    steps = [step for step in trace(found).steps("matrix") if "." not in step.id]  # inner gates have no name there
    assert {step.id for step in steps} == set(by_hand(id))
    for step in steps:
        np.testing.assert_allclose(step.value, by_hand(id)[step.id], rtol=1e-10, atol=1e-12, err_msg=step.id)
