"""Questions for numbers: the value of one element, all cells of a vector or matrix."""

from __future__ import annotations

import random

import numpy as np

from tutor.engine.trace import Step
from tutor.questions.items import (
    MAX_CELLS,
    Item,
    item_of_cells,
    item_of_value,
)
from tutor.questions.question import question_at
from tutor.text.writer import Writer


def value_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """One element's value, of the step asked or of the most telling element of a whole."""
    question = question_at(step, writer)
    return item_of_value(question) if question else None


def matrix_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """Every cell of a vector or matrix; a share of the credit for each."""
    whole = step.at(None)
    values = np.asarray(whole.value, dtype=float)
    telling = values.ndim > 0 and 2 <= values.size <= MAX_CELLS and np.all(np.isfinite(values)) and np.ptp(values) > 0
    question = question_at(whole, writer) if telling else None
    return item_of_cells(whole, writer, question.digits) if question else None
