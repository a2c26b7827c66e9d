"""A cursor over a trace, and the pure functions that move it.

The player's whole state is one immutable `Cursor`. At the levels story and matrix a step is an
equation; at level scalar it is one element of it. The example of the batch is an axis that
the cursor moves along, so that fifty examples are not seven hundred steps.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Set
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from tutor.engine.expressions import Symbol
from tutor.engine.lesson import LEVELS, AuthorQuestion, Lesson, Level
from tutor.engine.model import PHASES
from tutor.engine.trace import NoSuchStep, Step, Trace, find_local, resolve
from tutor.play.fading import Fading
from tutor.play.place import Place
from tutor.questions.authored import author_id, author_item
from tutor.questions.items import Item
from tutor.questions.kinds import item_for
from tutor.text.grids import cell_of, grid_of, index_of
from tutor.text.notations import NOTATIONS
from tutor.text.writer import Writer

TRAIL = 100  # how many jumps can be taken back


@dataclass(frozen=True)
class Cursor:
    """Where the learner is: the equation `at`, an element of it and an example (both from 0).

    `aside` is the id of a step outside the list (a local derivative). `furthest` is the last
    equation reached, `trail` the ids that jumps started from.
    """

    at: int = 0
    level: Level = "scalar"
    notation: str = "dz"
    iteration: int = 1
    example: int = 0
    element: tuple[int, ...] = ()
    furthest: int = 0
    aside: str | None = None
    trail: tuple[str, ...] = ()


def start(lesson: Lesson) -> Cursor:
    """The first step of a lesson, at the level and in the notation that it opens in."""
    return Cursor(level=lesson.level, notation=lesson.notation)


def current(cursor: Cursor, trace: Trace) -> Step:
    """The step that the cursor is on."""
    eq = trace.equations[cursor.at]
    if cursor.aside and (local := find_local(trace.program, cursor.aside)):
        eq = local
    example = cursor.example if eq.symbol.per_example else None
    index = _clamp(cursor.element, eq.symbol.shape) if cursor.level == "scalar" else None
    return Step(trace, eq, index, example)


def come_to(trace: Trace, at: int, example: int | None, notation: str) -> Cursor:
    """A cursor that has seen the equations up to the one at place `at` (from 0; −1: only what is given)."""
    return Cursor(at=at, furthest=at, example=example or 0, notation=notation)


def _clamp(element: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The nearest element of a shape; what is missing is the first."""
    padded = element + (0,) * (len(shape) - len(element))
    return tuple(min(i, n - 1) for i, n in zip(padded, shape, strict=False))


def _to(cursor: Cursor, trace: Trace, at: int, element: tuple[int, ...] = ()) -> Cursor:
    at = max(0, min(at, len(trace.equations) - 1))
    return replace(cursor, at=at, element=element, aside=None, furthest=max(cursor.furthest, at))


def _elements(cursor: Cursor, trace: Trace) -> tuple[int, int]:
    """Which element (counted row by row) the cursor is on, and how many there are."""
    shape = trace.equations[cursor.at].symbol.shape
    count = int(np.prod(shape)) if shape else 1
    if cursor.level != "scalar" or not shape:
        return 0, 1
    return int(np.ravel_multi_index(_clamp(cursor.element, shape), shape)), count


def forward(cursor: Cursor, trace: Trace) -> Cursor | None:
    """The next step; None at the end."""
    if cursor.aside:
        return replace(cursor, aside=None)
    element, count = _elements(cursor, trace)
    if element + 1 < count:
        shape = trace.equations[cursor.at].symbol.shape
        return _to(cursor, trace, cursor.at, tuple(map(int, np.unravel_index(element + 1, shape))))
    return _to(cursor, trace, cursor.at + 1) if cursor.at + 1 < len(trace.equations) else None


def back(cursor: Cursor, trace: Trace) -> Cursor | None:
    """The step before; None at the start."""
    if cursor.aside:
        return replace(cursor, aside=None)
    element, _ = _elements(cursor, trace)
    shape = trace.equations[cursor.at].symbol.shape
    if element:
        return _to(cursor, trace, cursor.at, tuple(map(int, np.unravel_index(element - 1, shape))))
    if cursor.at == 0:
        return None
    before = trace.equations[cursor.at - 1].symbol.shape
    return _to(cursor, trace, cursor.at - 1, tuple(n - 1 for n in before))


def next_equation(cursor: Cursor, trace: Trace, by: int = 1) -> Cursor:
    """The next (or, by −1, the previous) equation, whatever the level."""
    return _to(cursor, trace, cursor.at + by)


def next_phase(cursor: Cursor, trace: Trace, by: int = 1) -> Cursor:
    """The first step of the next phase; backward: of this phase, or of the one before if already there."""
    phases = [eq.phase for eq in trace.equations]
    starts = [at for at, phase in enumerate(phases) if at == 0 or phases[at - 1] != phase]
    if by > 0:
        return _to(cursor, trace, next((s for s in starts if s > cursor.at), len(phases) - 1))
    return _to(cursor, trace, next((s for s in reversed(starts) if s < cursor.at), 0))


def first(cursor: Cursor, trace: Trace) -> Cursor:
    """At the first step."""
    return _to(cursor, trace, 0)


def last(cursor: Cursor, trace: Trace) -> Cursor:
    """At the last step, at level scalar its last element."""
    at = len(trace.equations) - 1
    return _to(cursor, trace, at, tuple(n - 1 for n in trace.equations[at].symbol.shape))


def jump(cursor: Cursor, trace: Trace, id: str) -> Cursor:
    """The step of an id, remembering where the jump began. Raises NoSuchStep.

    An element of a matrix opens level scalar.
    """
    eq, index, example = resolve(trace.program, id)
    here = place(cursor, trace)
    moved = replace(
        cursor, trail=(*cursor.trail[-TRAIL + 1 :], here), example=cursor.example if example is None else example
    )
    if index is not None:
        moved = replace(moved, level="scalar")
    known = [e.symbol.key for e in trace.equations]
    if eq.symbol.key in known:
        return _to(moved, trace, known.index(eq.symbol.key), index or ())
    return replace(moved, aside=eq.symbol.id, element=index or ())


def return_from_jump(cursor: Cursor, trace: Trace) -> Cursor | None:
    """Where the last jump began; None if there was none."""
    if not cursor.trail:
        return None
    level = cursor.level
    try:
        landed = jump(cursor, trace, cursor.trail[-1])
    except NoSuchStep:  # the id of an iteration with another batch
        landed = cursor
    return replace(landed, trail=cursor.trail[:-1], level=level)


def place(cursor: Cursor, trace: Trace) -> str:
    """The id of the current step: what a jump or a bookmark needs to come back."""
    return current(cursor, trace).id


def move_element(cursor: Cursor, trace: Trace, rows: int, columns: int) -> Cursor:
    """Walk the cells of an array at level scalar; stops at the edges. Above rank 2 matrix stands below matrix."""
    shape = current(cursor, trace).equation.symbol.shape
    if cursor.level != "scalar" or not shape:
        return cursor
    rows, columns = (rows or columns, 0) if len(shape) == 1 else (rows, columns)
    moved = zip(cell_of(_clamp(cursor.element, shape), shape), (rows, columns), grid_of(shape), strict=True)
    row, column = (max(0, min(at + by, size - 1)) for at, by, size in moved)
    return replace(cursor, element=index_of(row, column, shape))


def move_example(cursor: Cursor, trace: Trace, by: int) -> Cursor:
    """The next example of the batch, round and round."""
    return replace(cursor, example=(cursor.example + by) % trace.examples)


def set_level(cursor: Cursor, level: Level) -> Cursor:
    """At another level."""
    return replace(cursor, level=level)


def next_level(cursor: Cursor, by: int = 1) -> Cursor:
    """At the level so many further, round and round."""
    return set_level(cursor, LEVELS[(LEVELS.index(cursor.level) + by) % len(LEVELS)])


def next_notation(cursor: Cursor, by: int = 1) -> Cursor:
    """In the notation so many further, round and round."""
    names = list(NOTATIONS)
    return replace(cursor, notation=names[(names.index(cursor.notation) + by) % len(names)])


def resume(cursor: Cursor, trace: Trace, mark: Place) -> Cursor:
    """The cursor at a bookmark, as far as the lesson still has that place; of an iteration that is at hand."""
    level = mark.level if mark.level in LEVELS else cursor.level
    notation = mark.notation if mark.notation in NOTATIONS else cursor.notation
    example = max(0, min(mark.example, trace.examples - 1))
    cursor = replace(cursor, notation=notation, example=example, iteration=trace.iteration.number)
    try:
        found = jump(cursor, trace, mark.step)
        element = found.element or tuple(mark.element)
        return replace(found, level=level, trail=(), element=element)
    except NoSuchStep:
        return replace(cursor, level=level)


def at_iteration(cursor: Cursor, before: Trace, after: Trace) -> Cursor:
    """The same step in another iteration (whose batch may be shorter)."""
    symbol = before.equations[cursor.at].symbol
    same = [at for at, eq in enumerate(after.equations) if eq.symbol.id == symbol.id]
    mine = [at for at in same if after.equations[at].symbol.key == symbol.key]  # the mean L, not each example's
    at = next(iter(mine or same), min(cursor.at, len(after.equations) - 1))
    example = min(cursor.example, after.examples - 1)
    return replace(cursor, at=at, example=example, iteration=after.iteration.number, furthest=max(cursor.furthest, at))


def asked(trace: Trace) -> set[str]:
    """The keys of the equations that predict mode asks about.

    Those that the lesson names ([quiz] steps), else a spread: the first of each rule, and the first of each
    backward rule in every layer, where the idea has to be used anew. And those of the author's own questions.
    """
    lesson = trace.lesson
    found = {key for question in lesson.questions if (key := _key(trace, question.step))}
    if lesson.quiz_steps:
        return found | {key for id in lesson.quiz_steps if (key := _key(trace, id))}
    seen: set[tuple[object, ...]] = set()
    for eq in trace.equations:
        kind = (eq.rule_id, eq.symbol.layer if eq.phase == "backward" else None)
        if kind not in seen and eq.rule_id not in ("no_path", "gate_copy"):
            seen.add(kind)
            found.add(eq.symbol.key)
    return found


def question(
    cursor: Cursor, trace: Trace, writer: Writer, answered: Set[tuple[int, str]], fading: Fading | None = None
) -> Item | None:
    """What predict mode asks next at the cursor's step; None where it asks nothing (more).

    The author's own questions on the step, one after the other, else one of the tutor's. What an author asks about
    no step comes at the last one, in the first iteration. Of the tutor's, `fading` says how much is given, or that
    nothing is asked; without it all is asked. `answered` has the (iteration, `asked_key`) so far.
    """
    eq, number = trace.equations[cursor.at], cursor.iteration
    if cursor.aside:
        return None
    own = [q for q in trace.lesson.questions if _place_of(q, trace, number) == eq.symbol.key]
    for about in own:
        if (number, author_id(about)) not in answered:
            rng = random.Random(f"{trace.lesson.id} {number} {eq.symbol.id}")
            item = author_item(about, trace, writer, rng)
            if fading and item and not about.ask:  # the same as the tutor's own, with hints of the author's
                item = None if (number, eq.symbol.key) in answered else fading.asks(item)
            if item:
                return item
    done = {(number, eq.symbol.key), *((number, author_id(about)) for about in own)}
    if not done.isdisjoint(answered) or eq.symbol.key not in asked(trace):
        return None
    step = current(replace(cursor, level="matrix"), trace)
    rng = random.Random(f"{trace.lesson.id} {number} {eq.symbol.id}")
    steps = [*(step.at(index) for index in _elements_named(trace, eq.symbol)), step]
    found = (item_for(each, writer, rng, (kind,)) for kind in ("value", "formula", "operands") for each in steps)
    item = next(filter(None, found), None)
    return fading.asks(item) if fading and item else item


def _elements_named(trace: Trace, symbol: Symbol) -> Iterator[tuple[int, ...]]:
    """The elements of a symbol that the lesson names in `[quiz] steps`."""
    for id in trace.lesson.quiz_steps:
        with suppress(NoSuchStep):
            equation, index, _ = resolve(trace.program, id)
            if equation.symbol.key == symbol.key and index:
                yield index


def _place_of(about: AuthorQuestion, trace: Trace, iteration: int) -> str | None:
    """The key of the equation at which an author's question is put."""
    if about.step:
        return _key(trace, about.step)
    return trace.equations[-1].symbol.key if iteration == 1 else None


def _key(trace: Trace, id: str) -> str | None:
    """The key of the equation that an id names; None if it names none."""
    try:
        return resolve(trace.program, id)[0].symbol.key
    except NoSuchStep:
        return None


def asked_key(item: Item) -> str:
    """What `question` knows an asked question by: the author's by its id, any other by its equation."""
    return item.id if item.by_author else item.step.equation.symbol.key


def phases(trace: Trace) -> list[str]:
    """The phases that occur, in order."""
    present = {eq.phase for eq in trace.equations}
    return [phase for phase in PHASES if phase in present]
