"""What was found of a patient, in lines: the check, the sizes, the rows. Both front ends show these."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tutor.play.patients import ITERATIONS, OFF, Findings
from tutor.text.layout import number
from tutor.text.words import plural

SHOWN = 8  # rows of the data

Table = tuple[tuple[str, ...], ...]


def check_lines(found: Findings) -> list[str]:
    """The gradients of the weights held against differences, layer by layer."""
    table = [("layer", "off by", "at η/10", "gradient ÷ check")]
    for check, later in zip(found.checks, found.checks_at_a_tenth, strict=True):
        ratio = "–" if check.ratio is None else number(check.ratio, 3)
        table.append((str(check.layer), _error(check.error), _error(later.error), ratio))
    said = "The first gradient of each layer's weights, against differences:"
    notes = [
        "off by: how long their difference is, beside the longer of both",
        "at η/10: the same with a tenth of the learning rate",
        "÷: where all numbers of the layer have one ratio",
    ]
    return [said, *_columns(tuple(table)), "", *notes]


def sizes_lines(found: Findings) -> list[str]:
    """How large things are, layer by layer, at the start."""
    table = [("layer", "gradient of its weights", "activations that are 0")]
    for at, (size, silent) in enumerate(zip(found.gradient_sizes, found.silent, strict=True), start=1):
        table.append((str(at), number(size, 3), f"{silent:.0%}"))
    inputs = ", ".join(f"x{_SUB[at]} {number(size, 3)}" for at, size in enumerate(found.input_sizes, start=1))
    return [
        "Root mean squares at the start, over the rows:",
        *_columns(tuple(table)),
        f"inputs: {inputs}",
        f"loss {number(float(found.losses[0]))}",
        f"mean of the {found.examples} rows' own losses {number(found.rows_loss)}",
    ]


def rows_lines(found: Findings) -> list[str]:
    """Some rows of the data with what is predicted in the end, and how many come out right."""
    lesson = found.patient.lesson
    outputs = found.outputs[:, 0]
    table = [("x₁", "x₂", "y", "ŷ in the end")]
    for x, y, out in list(zip(np.asarray(lesson.inputs[:]), lesson.targets[:, 0], outputs, strict=True))[:SHOWN]:
        first, second = (number(float(value), 3) for value in x)
        table.append((first, second, number(float(y)), number(float(out), 2)))
    right = f"{found.accuracy:.0%} of the {found.examples} rows are right, {found.unseen:.0%} of as many held out"
    return [
        f"In the end {right}.",
        f"One answer for all rows would have a loss of {number(found.guessing, 3)} at best.",
        *_columns(tuple(table)),
    ]


def curve_words(found: Findings) -> str:
    """The curve of the loss in a sentence."""
    losses, run = found.losses, found.patient.run
    marks = sorted({0, len(losses) // 10, len(losses) // 2, len(losses) - 1})
    told = ", ".join(f"{number(float(losses[at]), 3)} before update {at + 1}" for at in marks)
    end = f"; beyond all numbers in update {run.diverged}" if run.diverged is not None else ""
    rises = round(found.rises * (len(losses) - 1))
    return f"Loss {told}{end}. It rose {plural(rises, 'time')} in {min(len(losses), ITERATIONS)} updates."


# What can be looked at, beside the curve.
VIEWS: dict[str, Callable[[Findings], list[str]]] = {
    "check": check_lines,
    "sizes": sizes_lines,
    "rows": rows_lines,
}

_SUB = "₀₁₂₃₄₅₆₇₈₉"


def _error(error: float) -> str:
    return "agrees" if error <= OFF else f"{number(100 * error, 2)} %"


def _columns(table: Table) -> list[str]:
    wide = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
    return ["  " + "   ".join(cell.rjust(size) for cell, size in zip(row, wide, strict=True)) for row in table]
