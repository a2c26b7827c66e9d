"""The cursor: pure functions, held against every bundled lesson."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from each import each
from strategies import bundled
from tutor.engine.expressions import refs
from tutor.engine.lesson import LEVELS
from tutor.engine.paths import target
from tutor.engine.run import Run
from tutor.engine.trace import NoSuchStep, Trace, find_local, trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.play import playback, sitting
from tutor.text.notations import NOTATIONS

BATCH = """
format = 1
title = "Two of three rows"
[network]
inputs = 2
loss = "squared_error"
[[network.layers]]
units = 3
activation = "tanh"
[[network.layers]]
units = 2
[[examples]]
inputs = [1, 2]
targets = [0, 1]
[[examples]]
inputs = [-1, 2]
targets = [1, 1]
[[examples]]
inputs = [0.5, 0.25]
targets = [0.3, 0.7]
[training]
batch = 2
learning_rate = 0.1
"""
BUNDLED = [entry.id for entry in catalogue.entries()]
TRACES = {id: trace(bundled(id)) for id in BUNDLED}


@pytest.fixture(scope="session", autouse=True)
def batch(tmp_path_factory) -> Run:
    path: Path = tmp_path_factory.mktemp("lesson") / "batch.toml"
    path.write_text(BATCH)
    run = Run(load(path))
    TRACES["batch"] = Trace(run.lesson, run.iteration(1))
    return run


ALL = [*BUNDLED, "batch"]


def walk(cursor, found, move=playback.forward):
    """Every cursor from this one to the end, this one included."""
    while cursor is not None:
        yield cursor
        cursor = move(cursor, found)


def begin(found, level):
    return playback.set_level(playback.start(found.lesson), level)


@pytest.mark.parametrize("level", LEVELS)
@each("id", ALL)
def test_forward_visits_every_step_once(id, level):
    found = TRACES[id]
    ids = [playback.place(cursor, found) for cursor in walk(begin(found, level), found)]
    first = [s.id for s in found.steps("scalar" if level == "scalar" else "matrix") if s.example in (None, 0)]
    assert ids == first
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("level", LEVELS)
@each("id", ALL)
def test_back_undoes_forward(id, level):
    found = TRACES[id]
    there = list(walk(begin(found, level), found))
    again = list(walk(there[-1], found, playback.back))
    assert [playback.place(c, found) for c in again] == [playback.place(c, found) for c in reversed(there)]
    assert all(cursor.furthest == len(found.equations) - 1 for cursor in again)  # what was seen stays seen
    assert playback.back(there[0], found) is None and playback.forward(there[-1], found) is None


@each("id", ALL)
def test_first_and_last(id):
    found = TRACES[id]
    steps = [step.id for step in found.steps("scalar") if step.example in (None, 0)]
    last = playback.last(begin(found, "scalar"), found)
    assert playback.place(last, found) == steps[-1]
    assert playback.place(playback.first(last, found), found) == steps[0]


@each("id", ALL)
def test_phases(id):
    found = TRACES[id]
    starts = [begin(found, "matrix")]
    for _ in playback.phases(found)[1:]:
        starts.append(playback.next_phase(starts[-1], found))
    assert [playback.current(c, found).phase for c in starts] == playback.phases(found)
    for before, after in pairwise(starts):
        assert playback.next_phase(after, found, -1).at == before.at
        within = playback.next_equation(after, found)
        if within.at != after.at and playback.current(within, found).phase == playback.current(after, found).phase:
            assert playback.next_phase(within, found, -1).at == after.at  # to the start of this phase first
    assert playback.next_phase(starts[0], found, -1).at == 0


@each("id", ALL)
def test_jump_finds_every_step_and_returns(id):
    found = TRACES[id]
    begun = begin(found, "matrix")
    for step in found.steps("scalar"):
        there = playback.jump(begun, found, step.id)
        assert playback.place(there, found) == step.id
        assert there.level == ("scalar" if step.index else "matrix")
        home = playback.return_from_jump(there, found)
        assert (home.at, home.trail) == (begun.at, begun.trail)
    assert playback.return_from_jump(begun, found) is None


def test_jumps_are_taken_back_one_by_one():
    found = TRACES["o-classification"]
    cursor = begin(found, "matrix")
    for id in ("L", "dL/dW1", "W2'"):
        cursor = playback.jump(cursor, found, id)
    for id in ("dL/dW1", "L", "z1"):
        cursor = playback.return_from_jump(cursor, found)
        assert playback.place(cursor, found) == id
    for _ in range(3 * playback.TRAIL):
        cursor = playback.jump(cursor, found, "L")
    assert len(cursor.trail) == playback.TRAIL


def test_a_jump_to_nowhere_changes_nothing():
    found = TRACES["gates"]
    with pytest.raises(NoSuchStep, match="no step 'nothing'"):
        playback.jump(playback.start(found.lesson), found, "nothing")


@pytest.mark.parametrize("move", [playback.forward, playback.back])
def test_a_local_derivative_stands_aside(move):
    found = TRACES["o-classification"]
    begun = playback.next_equation(begin(found, "matrix"), found, 3)
    aside = playback.jump(begun, found, "da2/dz2")
    assert playback.place(aside, found) == "da2/dz2" and aside.at == begun.at
    assert playback.place(move(aside, found), found) == playback.place(begun, found)
    assert playback.place(playback.return_from_jump(aside, found), found) == playback.place(begun, found)


def test_elements_are_walked_like_cells_and_stop_at_the_edges():
    found = TRACES["c-431"]
    cursor = playback.jump(begin(found, "scalar"), found, "dL/dW1[1,1]")
    moves = {(0, 1): "[1,2]", (1, 0): "[2,2]", (-1, -1): "[1,1]", (-1, 0): "[1,1]", (9, 9): "[3,4]"}
    for move, expected in moves.items():
        cursor = playback.move_element(cursor, found, *move)
        assert playback.place(cursor, found) == f"dL/dW1{expected}"
    vector = playback.jump(cursor, found, "a1[2]")
    assert playback.place(playback.move_element(vector, found, 0, 1), found) == "a1[3]"
    assert playback.place(playback.move_element(vector, found, -1, 0), found) == "a1[1]"
    matrix = playback.set_level(cursor, "matrix")
    assert playback.move_element(matrix, found, 1, 0) == matrix
    loss = playback.jump(cursor, found, "L")
    assert playback.move_element(loss, found, 1, 1) == loss


def test_the_example_is_an_axis_of_its_own():
    found = TRACES["batch"]
    cursor = playback.start(found.lesson)
    second = playback.move_example(cursor, found, 1)
    assert (playback.place(cursor, found), playback.place(second, found)) == ("z1[1]@1", "z1[1]@2")
    assert playback.move_example(second, found, 1) == cursor
    ids = [playback.place(c, found) for c in walk(second, found)]
    assert ids[0] == "z1[1]@2" and "dL/dW1[2,1]@2" in ids and "dL/dW1[2,1]" in ids
    assert not any(id.endswith("@1") for id in ids)
    assert playback.jump(cursor, found, "L@2").example == 1
    assert playback.jump(second, found, "L").example == 1


def test_another_iteration_keeps_the_step(batch):
    found = TRACES["batch"]
    for step in found.steps("scalar"):
        cursor = playback.jump(begin(found, "scalar"), found, step.id)
        for number in (3, 2):  # the second batch of an epoch has one row
            after = Trace(batch.lesson, batch.iteration(number))
            moved = playback.at_iteration(cursor, found, after)
            assert moved.iteration == number
            here = playback.current(moved, after)
            if number == 3:
                assert here.id == step.id
            else:
                assert moved.example == 0 and after.examples == 1
                assert here.equation.symbol.id == step.equation.symbol.id and here.index == step.index


def test_a_short_batch_is_left_again(batch):
    """There and back again: the step of the short batch is found in the long one."""
    long, short = TRACES["batch"], Trace(batch.lesson, batch.iteration(2))
    cursor = playback.jump(begin(short, "matrix"), short, "dL/dW2")
    back = playback.at_iteration(cursor, short, long)
    assert playback.current(back, long).equation.symbol.id == "dL/dW2"


def test_levels_and_notations_go_round():
    cursor = begin(TRACES["gates"], "story")
    levels = [cursor.level]
    for _ in LEVELS:
        cursor = playback.next_level(cursor)
        levels.append(cursor.level)
    assert levels == ["story", "scalar", "matrix", "story"]
    assert playback.next_level(cursor, -1).level == "matrix"
    seen = set()
    for _ in NOTATIONS:
        seen.add(cursor.notation)
        cursor = playback.next_notation(cursor)
    assert seen == set(NOTATIONS) and cursor.notation == TRACES["gates"].lesson.notation


MOVES = {
    "forward": playback.forward,
    "back": playback.back,
    "next phase": playback.next_phase,
    "phase": lambda c, t: playback.next_phase(c, t, -1),
    "next equation": playback.next_equation,
    "last equation": lambda c, t: playback.next_equation(c, t, -1),
    "first": playback.first,
    "last": playback.last,
    "right": lambda c, t: playback.move_element(c, t, 0, 1),
    "up": lambda c, t: playback.move_element(c, t, -1, 0),
    "example": lambda c, t: playback.move_example(c, t, 1),
    "level": lambda c, t: playback.next_level(c),
    "notation": lambda c, t: playback.next_notation(c),
    "aside": lambda c, t: playback.jump(c, t, local(t.lesson.id)),
    "jump": lambda c, t: playback.jump(c, t, t.equations[-1].symbol.id),
    "return": playback.return_from_jump,
}


@cache
def local(id: str) -> str:
    """The first local derivative that is no step of the list: ds/dx, dz1/dW1 ..."""
    found = TRACES[id]
    listed = {eq.symbol.id for eq in found.equations}
    every = (f"d{eq.symbol.id}/d{ref.symbol.id}" for eq in found.equations for ref in refs(eq.formula))
    return next(name for name in every if name not in listed and find_local(found.program, name))


@given(
    id=st.sampled_from(ALL),
    moves=st.lists(st.sampled_from(sorted(MOVES)), max_size=30),
)
def test_any_moves_end_on_a_step_that_is_there(id, moves):
    found = TRACES[id]
    cursor = playback.start(found.lesson)
    for name in moves:
        cursor = MOVES[name](cursor, found) or cursor
        step = playback.current(cursor, found)
        assert 0 <= cursor.at <= cursor.furthest < len(found.equations)
        assert found.find(step.id, cursor.example).id == step.id
        assert np.shape(step.value) == step.shape
        assert (step.index is not None) == (cursor.level == "scalar")
    back = replace(cursor, trail=())
    if not back.aside:
        restored = playback.jump(begin(found, cursor.level), found, playback.place(back, found))
        assert playback.place(restored, found) == playback.place(back, found)  # a place is enough to come back


@pytest.mark.parametrize("name", ["gates", "one-neuron", "softmax", "recurrence"])
def test_the_ids_that_are_given_as_examples_are_there(name):
    played = sitting.begin(bundled(name), name)
    found = [played.trace.find(id) for id in played.some_ids]
    assert target(found[1]) and {step.id for step in found} == {*played.some_ids}
