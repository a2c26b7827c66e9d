"""Arrays of a circuit that were written with decimal commas: no line says which size they should have.

So they are read with points, and where everything then fits that is what was meant. `X = [0,5, 1,2]` is four numbers;
`w @ X` with a w of two tells that two were meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutor.engine.array_functions import shape_text
from tutor.engine.lesson import Lesson
from tutor.lessonfiles.decimal_commas import read_with_points, shortened
from tutor.lessonfiles.faults import Fault, Faults, label
from tutor.lessonfiles.positions import Keys, Source
from tutor.text.language import said, say, say_many

MOST_TRIES = 20  # times that a lesson is read again
Built = tuple[Lesson | None, Faults]


@dataclass(frozen=True)
class _Array:
    """An array that may have decimal commas: where it is, how it is written with points, and what it then is.

    `plain` says that it can hardly be meant otherwise: some of its commas have a space behind them, as those between
    numbers, and others have none.
    """

    path: Keys
    mended: str
    value: list[Any]
    plain: bool


def read_again(
    values: dict[str, Any], source: Source, faults: Faults, build: Callable[[dict[str, Any]], Built]
) -> Built | None:
    """The lesson with points for decimal commas, where that takes problems away and makes none; each is a problem then.

    `values` are the file's, `faults` what is wrong with them, `build` makes a lesson of values. None where commas are
    not what is wrong.
    """
    before = _errors(faults)
    if not before or not isinstance(values.get("circuit"), dict):
        return None
    arrays = list(_arrays(values, source))
    for chosen in _choices(arrays):
        lesson, found = build(_with(values, chosen))
        if _errors(found) < before:
            _note(found, chosen)
            return lesson, found
    return None


def _errors(faults: Faults) -> set[Fault]:
    return {fault for fault in faults.found if fault.severity == "error"}


def _arrays(values: dict[str, Any], source: Source) -> Iterator[_Array]:
    examples = values.get("examples")
    given: list[tuple[Keys, Any]] = [(("circuit", "inputs"), values["circuit"].get("inputs"))]
    given += [(("examples", i), row) for i, row in enumerate(examples if isinstance(examples, list) else ())]
    for where, table in given:
        for name, value in table.items() if isinstance(table, dict) else ():
            written = source.written((*where, name)) if isinstance(value, list) else ""
            if found := read_with_points(written):
                spaced = any(", " in part and "." in part for part in found[0].strip("[]").split("]"))
                yield _Array((*where, name), *found, spaced)


def _choices(arrays: list[_Array]) -> Iterator[list[_Array]]:
    """Which of the arrays to read with points: the plain ones, all, those of one name; each choice once."""
    names = dict.fromkeys(array.path[-1] for array in arrays)
    choices = [[array for array in arrays if array.plain], arrays]
    choices += [[array for array in arrays if array.path[-1] == name] for name in names]
    tried: list[list[_Array]] = []
    for chosen in choices:
        if chosen and chosen not in tried and len(tried) < MOST_TRIES:
            tried.append(chosen)
            yield chosen


def _with(values: dict[str, Any], chosen: list[_Array]) -> dict[str, Any]:
    """The values with some arrays as they are with points; what is not touched is shared."""
    mended = dict(values)
    mended["circuit"] = dict(values["circuit"])
    if isinstance(values["circuit"].get("inputs"), dict):
        mended["circuit"]["inputs"] = dict(values["circuit"]["inputs"])
    if isinstance(values.get("examples"), list):
        mended["examples"] = [dict(row) if isinstance(row, dict) else row for row in values["examples"]]
    for array in chosen:
        table = mended
        for part in array.path[:-1]:
            table = table[part]
        table[str(array.path[-1])] = array.value
    return mended


def _note(faults: Faults, chosen: list[_Array]) -> None:
    """A problem for each array; of an input that several examples set so at the first of them."""
    first: dict[tuple[str, Any], list[_Array]] = {}
    for array in chosen:
        first.setdefault((str(array.path[0]), array.path[-1]), []).append(array)
    for array, *others in first.values():
        what = label(array.path)
        if others:
            what = say_many(
                len(others), "{what}, and {n} example more", "{what}, and {n} examples more", what=what
            )
        shape = said(shape_text(np.shape(array.value)))
        message = say("{what}: decimal commas; with points it is {shape}, and fits", what=what, shape=shape)
        mended = shortened(array.mended)
        advice = say("a number has a point, a comma stands between numbers: write {mended}", mended=mended)
        faults.add(array.path, message, advice)
