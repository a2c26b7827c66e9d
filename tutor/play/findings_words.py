"""What was found of a patient, in lines: the check, the sizes, the rows. Both front ends show these."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tutor.play.patients import ITERATIONS, OFF, Findings
from tutor.text.cells import pad_left, width
from tutor.text.language import N_, say
from tutor.text.layout import number
from tutor.text.words import plural

SHOWN = 8  # rows of the data

Table = tuple[tuple[str, ...], ...]


def check_lines(found: Findings) -> list[str]:
    """The gradients of the weights held against differences, layer by layer."""
    table = [(say("layer"), say("off by"), say("at η/10"), say("gradient ÷ check"))]
    for check, later in zip(found.checks, found.checks_at_a_tenth, strict=True):
        ratio = "–" if check.ratio is None else number(check.ratio, 3)
        table.append((str(check.layer), _error(check.error), _error(later.error), ratio))
    said = say("The first gradient of each layer's weights, against differences:")
    notes = [
        say("off by: how long their difference is, beside the longer of both"),
        say("at η/10: the same with a tenth of the learning rate"),
        say("÷: where all numbers of the layer have one ratio"),
    ]
    return [said, *_columns(tuple(table)), "", *notes]


def sizes_lines(found: Findings) -> list[str]:
    """How large things are, layer by layer, at the start."""
    table = [(say("layer"), say("gradient of its weights"), say("activations that are 0"))]
    for at, (size, silent) in enumerate(zip(found.gradient_sizes, found.silent, strict=True), start=1):
        table.append((str(at), number(size, 3), f"{silent:.0%}"))
    inputs = ", ".join(f"x{_SUB[at]} {number(size, 3)}" for at, size in enumerate(found.input_sizes, start=1))
    return [
        say("Root mean squares at the start, over the rows:"),
        *_columns(tuple(table)),
        say("inputs: {inputs}", inputs=inputs),
        say("loss {value}", value=number(float(found.losses[0]))),
        say("mean of the {n} rows' own losses {value}", n=found.examples, value=number(found.rows_loss)),
    ]


def rows_lines(found: Findings) -> list[str]:
    """Some rows of the data with what is predicted in the end, and how many come out right."""
    lesson = found.patient.lesson
    outputs = found.outputs[:, 0]
    table = [("x₁", "x₂", "y", say("ŷ in the end"))]
    for x, y, out in list(zip(np.asarray(lesson.inputs[:]), lesson.targets[:, 0], outputs, strict=True))[:SHOWN]:
        first, second = (number(float(value), 3) for value in x)
        table.append((first, second, number(float(y)), number(float(out), 2)))
    return [
        say("In the end {right} of the {n} rows are right, {unseen} of as many held out.",
            right=f"{found.accuracy:.0%}", n=found.examples, unseen=f"{found.unseen:.0%}"),
        say("One answer for all rows would have a loss of {loss} at best.", loss=number(found.guessing, 3)),
        *_columns(tuple(table)),
    ]  # fmt: skip


def curve_words(found: Findings) -> str:
    """The curve of the loss in a sentence."""
    losses, run = found.losses, found.patient.run
    marks = sorted({0, len(losses) // 10, len(losses) // 2, len(losses) - 1})
    told = ", ".join(say("{loss} before update {n}", loss=number(float(losses[at]), 3), n=at + 1) for at in marks)
    rises = plural(round(found.rises * (len(losses) - 1)), "time")
    return say(
        N_("Loss {losses}. It rose {times} in {n} updates.")
        if run.diverged is None
        else N_("Loss {losses}; beyond all numbers in update {diverged}. It rose {times} in {n} updates."),
        losses=told, diverged=run.diverged, times=rises, n=min(len(losses), ITERATIONS),
    )  # fmt: skip


# What can be looked at, beside the curve.
VIEWS: dict[str, Callable[[Findings], list[str]]] = {
    "check": check_lines,
    "sizes": sizes_lines,
    "rows": rows_lines,
}

_SUB = "₀₁₂₃₄₅₆₇₈₉"


def _error(error: float) -> str:
    return say("agrees") if error <= OFF else f"{number(100 * error, 2)} %"


def _columns(table: Table) -> list[str]:
    wide = [max(width(row[at]) for row in table) for at in range(len(table[0]))]
    return ["  " + "   ".join(pad_left(cell, size) for cell, size in zip(row, wide, strict=True)) for row in table]
