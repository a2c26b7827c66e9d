"""The bent sheet: what a hidden layer of two units makes of a plane of inputs, and the line that parts it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from strategies import bundled
from test_plain import answers
from test_tui import pane, press, tutor
from tutor.engine.trace import trace
from tutor.engine.units import layer_values
from tutor.learner.store import Store
from tutor.pictures.canvas import as_text
from tutor.pictures.step.kinds import KINDS, offers, subject
from tutor.text.card import Scribe


def sheet(lesson, iteration=1, id="a1[1]"):
    found = trace(lesson, iteration)
    return KINDS["sheet"].make(Scribe(found, "dz"), subject("sheet", found, id, 0))


def test_what_the_layer_makes_of_any_row():
    """Against tanh of the author's own numbers, at the start and after training."""
    for iteration in (1, 201):
        found = trace(bundled("xor"), iteration)
        rows = np.array([[0.3, -2.0], [1.0, 0.0], [0.25, 0.75]])
        W, b = (np.asarray(found.iteration.values[id]) for id in ("W1", "b1"))
        np.testing.assert_allclose(layer_values(found, 1, rows), np.tanh(rows @ W.T + b), rtol=1e-12)
        np.testing.assert_allclose(layer_values(found, 1, rows[:1]), np.tanh(rows[:1] @ W.T + b), rtol=1e-12)


def test_the_rows_and_their_line():
    before, after = " ".join(sheet(bundled("xor")).facts), " ".join(sheet(bundled("xor"), 201).facts)
    assert "This row (1, 0) becomes (0.7616, −0.4621)." in before and "2 of 4 rows lie on their own side" in before
    assert "4 of 4 rows lie on their own side" in after and "never bend" not in after
    assert "never bend it" in sheet(bundled("o-regression")).facts[0]
    numbers = " ".join(sheet(bundled("o-regression")).facts)
    assert "side" not in numbers and "hollow" not in numbers  # numbers are predicted: no border, nothing wrong


@pytest.mark.parametrize("columns", [20, 45, 46, 78, 120])
@pytest.mark.parametrize("rows", [4, 10, 30])
def test_it_keeps_within_its_cells(columns, rows):
    picture = as_text(sheet(bundled("xor")).draw(columns, rows))
    assert len(picture) <= rows and max(map(len, picture)) <= columns
    assert sum(line.count("○") + line.count("▲") for line in picture) >= (2 if columns < 46 else 4)


def test_it_is_offered_where_two_units_hear_two_inputs():
    assert "sheet" in offers(trace(bundled("xor")).find("a1"), 0)
    assert "sheet" not in offers(trace(bundled("xor")).find("dL/da1"), 0)
    for lesson in ("p-deep", "c-431", "gates", "one-neuron"):
        assert not KINDS["sheet"].subjects(trace(bundled(lesson)))


def test_a_layer_that_outgrew_numbers_is_said_in_words():
    lesson = bundled("o-regression")
    first, last = lesson.network.layers
    for size, said in ((1e150, "stretch"), (1.7e308, "outgrew")):
        wild = replace(first, weights=np.full((2, 2), size))
        shown = sheet(replace(lesson, network=replace(lesson.network, layers=(wild, last))))
        assert said in shown.facts[0] and (said == "outgrew") == (shown.draw(80, 20) == ())


async def test_both_front_ends_show_it(data_folder):
    async with tutor("xor", (80, 24), step="a1") as pilot:
        await press(pilot, "v", "right")
        assert "[sheet]" in pane(pilot, "bar") and "becomes (0.7616, −0.4621)" in " ".join(pane(pilot, "facts").split())
        first = pane(pilot, "picture")
        await press(pilot, "full_stop")
        assert pane(pilot, "picture") != first
    with Store.open() as store:
        (said,) = answers("xor", store, "sheet")[-1:]
    assert "The row (1, 1) becomes (0.9640, 0)." in " ".join(said.split())
