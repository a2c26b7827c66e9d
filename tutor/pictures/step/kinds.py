"""The table of the pictures of a step, and what each is of: at a step, one further on, by an id."""

from __future__ import annotations

import numpy as np

from tutor.engine import loss_slope
from tutor.engine.backprop import gradient_of
from tutor.engine.expressions import Ref, Symbol
from tutor.engine.trace import NoSuchStep, Step, Trace, resolve
from tutor.messages import Message
from tutor.pictures.step import activation, cells, check, heat, image, sheet, sizes, slope, spread, uses
from tutor.pictures.step.shown import (
    PictureKind,
    has_examples,
)

KINDS: dict[str, PictureKind] = {
    "image": image.KIND,
    "spread": spread.KIND,
    "uses": uses.KIND,
    "cells": cells.KIND,
    "activation": activation.KIND,
    "sheet": sheet.KIND,
    "heat": heat.KIND,
    "slope": slope.KIND,
    "check": check.KIND,
    "sizes": sizes.KIND,
}


def offers(step: Step, example: int) -> list[str]:
    """The kinds of pictures that make sense for a step, the most telling first."""
    return [name for name, kind in KINDS.items() if kind.suits(step) and kind.begin(step, example) is not None]


def another(kind: str, trace: Trace, subject: Ref, by: int, example: int, whole: bool = False) -> Ref:
    """The subject so many elements (`whole`: symbols) further on; the first and the last are the ends."""
    symbols = list(KINDS[kind].subjects(trace))
    if not symbols:
        return subject
    at = next((k for k, symbol in enumerate(symbols) if symbol.key == subject.symbol.key), 0)
    element = int(np.ravel_multi_index(subject.index, subject.symbol.shape)) if subject.index else 0
    count = int(np.prod(symbols[at].shape))
    if whole or not 0 <= element + by < count:
        if not 0 <= at + by < len(symbols):
            return subject
        at += by
        count = int(np.prod(symbols[at].shape))
        element = count if by < 0 and not whole else -1
        by = -1 if by < 0 and not whole else 1
    index = tuple(map(int, np.unravel_index(element + by, symbols[at].shape))) if symbols[at].shape else None
    return Ref(symbols[at], index, example if has_examples(symbols[at]) else None)


def subject(kind: str, trace: Trace, id: str, example: int) -> Ref:
    """What an id names as a picture's subject: a value such as W2[1,1], or a step about it. Raises NoSuchStep."""
    output = trace.program.model.output
    unknown: NoSuchStep | None = None
    unsuited = False
    texts = (gradient_of(output, Symbol(id.strip())).id, id)
    for text in reversed(texts) if KINDS[kind].ahead else texts:  # a picture of values is of the value first
        try:
            eq, index, named = resolve(trace.program, text)
        except NoSuchStep as error:
            unknown = error
            continue
        if text is not id and eq.symbol.wrt:  # of a value: its finished gradient
            eq = trace.program.by_key[(loss_slope.gradient_symbol(trace, eq.symbol.wrt) or eq.symbol).key]
        step = Step(trace, eq, index, named if named is not None else example if eq.symbol.per_example else None)
        if found := KINDS[kind].begin(step, example if named is None else named):
            return found
        unsuited = True  # at ∂L/∂a there is no slope yet, at a itself there is
    if unsuited or unknown is None:
        about = Message(KINDS[kind].about)
        raise NoSuchStep(Message("this is a picture of {about}, and '{id}' is none", about=about, id=id))
    raise unknown
