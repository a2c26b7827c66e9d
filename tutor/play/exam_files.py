"""An exam as a file: the blank paper as a table to fill in, and a file that was filled in, marked."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from tutor.play.paper import Box, Checked, Sheet, given, judged, told
from tutor.solutions.files import BLANK, Handed
from tutor.solutions.judging import Diagnosis, diagnose
from tutor.solutions.naming import EACH, Match, Naming
from tutor.text.language import say, say_in, say_many
from tutor.text.output import shown


def blank_paper(sheet: Sheet, called: str, seed: int) -> Iterator[str]:
    """The paper as a table to fill in, which `exam LESSON --answers` and `diagnose` read; what is given in comments.

    `called` is the lesson as a command line names it.
    """
    n = sheet.trace.examples
    each = "" if sheet.example is None else f" --example {sheet.example + 1}"
    yield f"# {shown(sheet.trace.lesson.title)}"
    yield "# " + say_many(
        len(sheet.cells),
        "{n} number to work out, each in place of a {blank}, with three digits or more.",
        "{n} numbers to work out, each in place of a {blank}, with three digits or more.",
        blank=BLANK,
    )
    command = f"backprop-tutor exam {shown(shlex.quote(called))} --seed {seed}{each} --answers FILE"
    yield "# " + say("Then: {command}", command=command)
    yield "#"
    yield "# " + say("Given:")
    for name, _, value in given(sheet):
        yield f"#   {shown(name)} = {value}"
    for text in told(sheet):
        yield f"#   {shown(text)}"
    phase = None
    for name, box in _arrays(sheet):
        if box.phase != phase:
            phase = box.phase
            yield "#"
            named = say_in("phase", phase)
            yield "# " + say("{phase}: a name, then its numbers row by row", phase=named[:1].upper() + named[1:])
        shape = box.equation.symbol.shape
        if box.example is not None and sheet.example is None:
            shape = (n, *shape)
        columns = shape[-1] if shape else 1
        for at in range(math.prod(shape) // columns):
            yield ",".join(["" if at else name, *[BLANK] * columns])


def _arrays(sheet: Sheet) -> Iterator[tuple[str, Box]]:
    """Each array of a file once, by its name there: the first box of each symbol."""
    of_batch = {box.equation.symbol.id for box in sheet.boxes if box.example is None}
    seen = set()
    for box in sheet.boxes:
        symbol = box.equation.symbol
        if symbol.key not in seen:
            seen.add(symbol.key)
            each = box.example is not None and symbol.id in of_batch
            yield (box.ref.id if sheet.example is not None else symbol.id + EACH * each), box


def marked(sheet: Sheet, handed: Iterable[Handed]) -> Checked:
    """The arrays of a file marked; what is no number in them is a blank.

    What the paper gives and does not ask for is passed over: nothing is judged by other weights.
    """
    naming, asked = Naming(sheet.trace, sheet.example), {box.equation.symbol for box in sheet.boxes}
    arrays = [
        _laid_out(match, naming)
        for match in naming.match([array.by_cell() for array in handed])
        if match.symbol is None or match.symbol in asked
    ]
    found = diagnose(sheet.trace, arrays, sheet.example)
    return replace(judged(sheet, found), entries=dict(_entries(sheet, found)))


def _laid_out(match: Match, naming: Naming) -> Handed:
    """An array that a table has row by row, or has the first cells of alone, in the shape that is asked."""
    array = match.handed
    if match.problem != "shape" or match.symbol is None:
        return array
    want = naming.wanted(match.symbol)
    flat = array.values.reshape(-1)
    whole = math.prod(want)
    if flat.size == whole and array.values.ndim <= 2 < len(want):
        return _reshaped(array, lambda part, _: part.reshape(want))
    if array.values.ndim < 2 and len(want) == 1 and flat.size < whole:  # what is blank at the end is not written
        return _reshaped(array, lambda part, fill: np.append(part.reshape(-1), [fill] * (whole - flat.size)))
    return array


def _reshaped(array: Handed, change: Callable[[np.ndarray, float], np.ndarray]) -> Handed:
    halves = None if array.halves is None else change(array.halves, 0.0)
    missing = None if array.missing is None else change(array.missing, True)
    return replace(array, values=change(array.values, np.nan), halves=halves, missing=missing)


def _entries(sheet: Sheet, found: Diagnosis) -> Iterator[tuple[str, str]]:
    """The numbers of a file by the cells that they are in."""
    by_key = {verdict.key: verdict.laid for verdict in reversed(found.arrays) if verdict.laid is not None}
    for box in sheet.boxes:
        laid = by_key.get(box.equation.symbol.key)
        if laid is None:
            continue
        own = laid.reshape(-1)
        begin = (box.example or 0) * len(box.cells) if own.size > len(box.cells) else 0
        for cell, value in zip(box.cells, own[begin:], strict=False):
            if not np.isnan(value):
                yield cell, repr(float(value))
