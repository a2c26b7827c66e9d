"""What is known of a lesson at a cursor, and what a picture of it is made of: items, spots, short numbers.

What one can point at is an `Item`, (symbol id, index from 0): ("x", (1,)) an input, ("a1", (0,)) a unit,
("W2", (1, 0)) an edge (row = to, column = from), ("L", ()) the loss; in a circuit ("q", ()) a gate with its wire.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import prod

from tutor.engine.backprop import gradient_of
from tutor.engine.expressions import Ref, Symbol
from tutor.engine.ids import example_free, updated
from tutor.engine.model import Model
from tutor.engine.trace import Step, Trace
from tutor.pictures.canvas import Canvas, Picture
from tutor.play.playback import Cursor
from tutor.text.card import Scribe
from tutor.text.cells import cut, width
from tutor.text.language import say
from tutor.text.layout import number
from tutor.text.words import plural

Item = tuple[str, tuple[int, ...]]
Whole = tuple[int, ...] | None  # an index; None: all of it


@dataclass(frozen=True)
class Spot:
    """A rectangle of cells that stands for an item; choosing it goes to step `id`."""

    item: Item
    id: str | None
    column: int
    row: int
    columns: int
    rows: int

    def has(self, column: int, row: int) -> bool:
        """Whether a cell is within it."""
        return 0 <= column - self.column < self.columns and 0 <= row - self.row < self.rows


@dataclass(frozen=True)
class Diagram:
    """A picture and the items that can be pointed at in it; `legend`: its last row says what its signs mean."""

    picture: Picture
    spots: tuple[Spot, ...]
    legend: bool = False

    def at(self, column: int, row: int) -> Spot | None:
        """What lies at a cell, from 0; None where nothing does."""
        return next((spot for spot in self.spots if spot.has(column, row)), None)


class _Kept:
    """What stays the same from step to step of a trace: where each symbol is computed, and what things are called."""

    def __init__(self) -> None:
        self.order: dict[str, int] = {}
        self.names: dict[tuple[str, Whole], str] = {}


class Known:
    """The values of one trace as far as the cursor has come."""

    def __init__(self, trace: Trace, scribe: Scribe, step: Step, cursor: Cursor):
        self.trace, self.scribe, self.step, self.cursor = trace, scribe, step, cursor
        self.writer, self.symbols, self.model = scribe.writer, scribe.symbols, trace.program.model
        self._kept = scribe.memo.of(_Kept)
        self.order = self._kept.order
        if not self.order:
            self.order.update({eq.symbol.key: at for at, eq in enumerate(trace.equations)})
        self.example = cursor.example if trace.examples > 1 else None
        eq = trace.equations[cursor.at] if cursor.at >= 0 else None
        partly = cursor.level == "scalar" and cursor.at == cursor.furthest and eq is step.equation and step.index
        self.until = step.index if partly else None  # the last element that is known of the current symbol

    def symbol(self, id: str) -> Symbol | None:
        """The symbol of an id; where each example has its own, the current example's."""
        return self.trace.program.named(id)

    def gradient(self, of: Symbol) -> str:
        """The id of the output's gradient with respect to a value."""
        return gradient_of(self.model.output, of).id

    def ref(self, id: str, index: Whole = None) -> Ref | None:
        """A value or an element of it; of a unit's bias that all of its layer share that one number."""
        symbol = self.symbol(id)
        if symbol is None:
            return None
        return Ref(symbol, index if symbol.shape else None, self.example if symbol.per_example else None)

    def has(self, id: str, index: Whole = None) -> bool:
        """Whether a value is known: given, or computed by now."""
        symbol = self.symbol(id)
        if symbol is None:
            return False
        at = self.order.get(symbol.key, -1)
        if at < self.cursor.at or at < 0:
            return True
        if at > self.cursor.at:
            return False
        return self.until is None or index is None or index <= self.until

    def value(self, id: str, index: Whole = None) -> float | None:
        """A number that is known; None of an array, and of what is not known yet."""
        ref = self.ref(id, index)
        return float(self.trace.value(ref)) if ref and not ref.shape and self.has(id, index) else None

    def said(self, id: str, index: Whole, room: int) -> str:
        """A number in at most `room` cells, of an array its shape; · for what is not known."""
        ref = self.ref(id, index)
        if ref is None or not ref.shape:
            return short(self.value(id, index), room)
        return cut("×".join(map(str, ref.shape)), room) if self.has(id, index) else "·"

    def name(self, id: str, index: Whole = None) -> str:
        """A value's name in the learner's notation, without an example; of what is not there its id."""
        names, key = self._kept.names, (id, index)
        if key not in names:
            ref = self.ref(id, index)
            names[key] = example_free(self.writer.text(ref)) if ref else id
        return names[key]

    def is_step(self, id: str, index: Whole = None) -> bool:
        """Whether the step is about just this value."""
        return self.step.equation.symbol.id == id and self.step.index in (None, index)

    def step_id(self, item: Item) -> str | None:
        """The step to go to for an item: its gradient's in the backward pass, its new value's in the update."""
        id, index = item
        symbol, model = self.symbol(id), self.model
        if symbol is None:
            return None
        if symbol.quantity == "input":
            return self._found(model.layers[0].pre_activation.id, None)
        layer = model.layer_of(symbol)
        made = layer.pre_activation if layer and symbol.quantity == "weights" else symbol
        blamed = layer.pre_activation if layer and symbol.quantity == "activation" else symbol
        wanted = (made.id, self.gradient(blamed), updated(id))
        phases = ("forward", "backward", "update")
        phase = self.step.phase if self.step.phase in phases else "forward"
        at = phases.index(phase)
        for choice in (wanted[at], *reversed(wanted[:at]), *wanted):
            here = index[: len(made.shape)] if choice == made.id else index
            if found := self._found(choice, here or None):
                return found
        return None

    def _found(self, id: str, index: Whole) -> str | None:
        """The id of a step of the trace; at level scalar of one element of it. None where there is none."""
        symbol = self.symbol(id)
        if symbol is None or symbol.key not in self.order:
            return None
        one = index if self.cursor.level == "scalar" and index and len(index) == len(symbol.shape) else None
        return Ref(symbol, one, self.cursor.example if symbol.per_example else None).id


def short(value: float | None, room: int) -> str:
    """A number in at most `room` cells, with fewer digits where it must; · for what is not known."""
    if value is None:
        return "·"
    if math.isnan(value):
        return "?"
    text = number(value)
    for digits in (3, 2, 1):
        if width(text) <= room:
            return text
        text = f"{value:#.{digits}g}".rstrip(".").replace("-", "−") if math.isfinite(value) else text
        text = text.replace(".e", "e").replace("e−0", "e−").replace("e+0", "e").replace("e+", "e")
    return text if width(text) <= room else "…"


def item_facts(known: Known, item: Item) -> list[str]:
    """What is known of an item, each as name = value; for the line below a picture and for line mode."""
    id, index = item
    at = index or None
    symbol, model = known.symbol(id), known.model
    layer = model.layer_of(symbol)
    wanted = [id]
    if symbol and layer and symbol.quantity == "activation":
        before = [own.id for own in (layer.biases, layer.pre_activation) if own]
        wanted = [*before, id, *(known.gradient(of) for of in (symbol, layer.pre_activation))]
    elif symbol and (symbol.quantity == "weights" or not model.layers):
        wanted = [id, known.gradient(symbol), updated(id)]
    found = []
    for one in wanted:
        ref = known.ref(one, at)
        if ref and (known.has(one, at) or one == id):
            value = known.value(one, at)
            shape = plural(prod(ref.shape), "number")
            if len(ref.shape) > 1:
                shape = say("a {size} array", size=" × ".join(map(str, ref.shape)))
            said = number(value) if value is not None else shape if ref.shape and known.has(one, at) else "·"
            found.append(f"{known.name(one, at)} = {said}")
    return found or [id]  # an input that leads nowhere has but its name


def unit_item(model: Model, layer: int, unit: int) -> Item:
    """The item of a unit (from 0); layer 0 is the inputs."""
    return (model.units(layer).id, (unit,))


def draw_box(canvas: Canvas, left: int, size: int, row: int, high: int, lit: bool, chosen: bool) -> None:
    """Draw a box of `size` columns and `high` rows, its corner at (left, row)."""
    a, across, b, down, c, d = "┏━┓┃┗┛" if lit or chosen else "╭─╮│╰╯"
    style = "value" if chosen else "lit" if lit else "axis"
    canvas.text(left, row, a + across * (size - 2) + b, style)
    canvas.text(left, row + high - 1, c + across * (size - 2) + d, style)
    for at in range(row + 1, row + high - 1):
        canvas.text(left, at, down, style)
        canvas.text(left + size - 1, at, down, style)
