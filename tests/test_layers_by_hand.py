"""Lessons of "The layers of today" against plain NumPy that has no rule of a backward pass: data/layers_by_hand.py."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "data"))

import layers_by_hand as hand

from tutor.engine.trace import trace
from tutor.lessonfiles.catalogue import find
from tutor.lessonfiles.check import load
from tutor.lessonfiles.expectations import holds
from tutor.lessonfiles.reading.lesson import read
from tutor.play.playback import Cursor
from tutor.questions.kinds.direction import direction_item
from tutor.text.card import Scribe
from tutor.text.layout import linear
from tutor.tui.state_views import state_lines


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


# ---------------------------------------------------------------- what is said of their steps


def opened(id: str, notation: str = "dz"):
    found = trace(load(find(id)))
    return found, Scribe(found, notation)


def test_a_long_slope_has_its_name_among_numbers_and_its_formula_below():
    found, scribe = opened("dropout-gelu")
    card = scribe.card(found.find("dL/dz[3]"))
    assert linear(card.main.docs[2]) == "2.000 · GELU′(−1)"
    assert linear(card.where[0].docs[-1]) == "−0.08296" and "tanh" in linear(card.where[0].docs[1])
    found, scribe = opened("recurrence")
    assert linear(scribe.card(found.find("dL/dz3[2]")).main.docs[2]) == "0.5000 · (1 − 0.8000²)"


def test_branches_of_one_kind_are_said_once():
    found, scribe = opened("lstm")
    why = scribe.card(found.find("dL/dv")).why
    assert why.count("the add gate passes the gradient on unchanged") == 1
    assert "the other, Wo. Likewise through zg, zi and zf." in why


def test_the_part_of_one_use_is_not_taken_for_the_gradient():
    """Where the state lists a parameter's gradient, and where a question tells it, to ask which way it moves."""
    found, scribe = opened("weight-twice")
    place = {eq.symbol.id: at for at, eq in enumerate(found.equations)}

    def row(step: str) -> str:
        lines, here = state_lines(found, scribe, Cursor(at=place[step], notation="dz"), 60)
        return "".join(text for text, _ in lines[here].spans).split()[2]

    assert [row("dL/dW@p"), row("dL/dW@h"), row("dL/dW")] == ["·", "·", "0"]
    assert direction_item(found.find("dL/dW@h"), scribe.writer, Random(0)) is None
    assert direction_item(found.find("dL/dW"), scribe.writer, Random(0))


def test_a_concatenation_says_which_piece_is_whose():
    found, scribe = opened("lstm")
    assert "gives h0 its own piece of the gradient back: number 2." in scribe.card(found.find("dL/dh0")).why
