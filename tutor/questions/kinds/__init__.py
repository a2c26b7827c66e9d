"""The kinds of question, each made from a step: one entry of `KINDS` a kind, and nothing anywhere else.

A kind answers None for a step that it cannot ask about, or where the answer would tell nothing. `authored.py` makes
the questions that a lesson's author wrote; there, and in a lesson's file, a kind goes by its key in the table.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tutor.engine.expressions import Symbol
from tutor.engine.trace import Step
from tutor.questions.items import CHAIN, ORDER, PATHS, SHAPES, Item
from tutor.questions.kinds.chain import chain_item
from tutor.questions.kinds.direction import direction_item, gradients_told
from tutor.questions.kinds.formulas import formula_item, operands_item
from tutor.questions.kinds.general import general_item
from tutor.questions.kinds.numbers import matrix_item, value_item
from tutor.questions.kinds.structure import next_item, paths_item, shape_item
from tutor.text.writer import Writer

SMALL_MATRIX = 9  # cells that are worth one question of several


def _none(item: Item) -> list[Symbol]:
    return []


@dataclass(frozen=True)
class Kind:
    """A kind of question, called with a step, the notation's writer and the source of chance: an item, or None.

    `tells` is what a question of the kind asks for or gives away about its equation: of several questions none may
    show what another one asks for. `values` are the symbols whose values it gives away besides. `skill` is the one
    that it exercises if that is not the rule of its step. `most` is how many cells are worth one question of several.
    """

    make: Callable[[Step, Writer, random.Random], Item | None]
    tells: tuple[str, ...]
    values: Callable[[Item], list[Symbol]] = _none
    skill: str | None = None
    most: int | None = None

    def __call__(self, step: Step, writer: Writer, rng: random.Random) -> Item | None:
        """A question of this kind about a step; None where there is nothing to ask."""
        return self.make(step, writer, rng)


KINDS: dict[str, Kind] = {
    "value": Kind(value_item, ("value",)),
    "matrix": Kind(matrix_item, ("value", "shape"), most=SMALL_MATRIX),
    "shape": Kind(shape_item, ("shape",), skill=SHAPES),
    "formula": Kind(formula_item, ("formula",)),
    "operands": Kind(operands_item, ("formula",)),
    "next": Kind(next_item, ("next",), skill=ORDER),
    "direction": Kind(direction_item, ("direction",), values=gradients_told),
    "paths": Kind(paths_item, ("paths",), skill=PATHS),
    "general": Kind(general_item, ("formula",)),
    "chain": Kind(chain_item, ("chain", "paths"), skill=CHAIN),  # it says how many paths there are
}


def item_for(step: Step, writer: Writer, rng: random.Random, kinds: tuple[str, ...] = ("value",)) -> Item | None:
    """The first of these kinds that can ask about a step in a way that tells mistakes apart; None if none can."""
    return next((item for kind in kinds if (item := KINDS[kind](step, writer, rng))), None)
