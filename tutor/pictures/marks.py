"""What was said of the learner's own numbers, as signs on a picture: a sign and a colour each, as in the outline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from tutor.engine.ids import line_of
from tutor.engine.trace import Trace
from tutor.pictures.canvas import Row
from tutor.pictures.scene import Diagram, Item, Spot
from tutor.text.cells import width
from tutor.text.language import N_, say

if TYPE_CHECKING:
    from tutor.solutions.judging import Kind

JUDGED: dict[Kind, tuple[str, str]] = {  # sign, style; what matters more comes later
    "right": ("✓", "mark"), "rounded": ("≈", "mark"), "carried": ("→", "value"), "shape": ("✗", "error"),
    "wrong": ("✗", "error"), "slip": ("✗", "error"),
}  # fmt: skip
LEGEND = (
    (N_("✓ right"), "mark"), (N_("≈ rounded"), "mark"), (N_("→ follows from it"), "value"), (N_("✗ wrong"), "error"),
)  # fmt: skip
_FREE = " ─━╭╮┏┓│┃"  # what a sign may stand on: nothing is lost with a piece of a border


def kind_of(trace: Trace, judged: Mapping[str, Kind], item: Item) -> Kind | None:
    """What matters most of what was said of an item's values: its own, its gradients, its new value; None: nothing.

    A unit stands for all of its layer's values, a box for its line of the lesson.
    """
    named, model = trace.program.named, trace.program.model
    symbol = named(item[0])
    layer = model.layer_of(symbol)
    own = {item[0]}
    if symbol and layer and symbol.quantity == "activation":
        own |= {part.id for part in (layer.pre_activation, layer.biases) if part}
    order = list(JUDGED)
    found = [
        kind
        for id, kind in judged.items()
        if (made := named(id)) and kind in JUDGED and own & {made.id, line_of(made.id), made.wrt.id if made.wrt else ""}
    ]
    return max(found, key=order.index, default=None)


def marked(drawn: Diagram, trace: Trace, judged: Mapping[str, Kind]) -> Diagram:
    """The picture with a sign at everything that was judged, and what the signs mean in its last row."""
    if not judged:
        return drawn
    rows = [[(char, style) for text, style in row for char in text] for row in drawn.picture]
    for spot in drawn.spots:
        kind = kind_of(trace, judged, spot.item)
        if kind and (place := _place(rows, spot)):
            row, column = place
            rows[row][column] = JUDGED[kind]
    if rows and drawn.legend:
        columns = max(map(len, rows))
        rows[-1] = _legend(columns)
    return replace(drawn, picture=tuple(map(_spans, rows)))


def _place(rows: list[list[tuple[str, str]]], spot: Spot) -> tuple[int, int] | None:
    """Where the sign of an item goes: a free cell of its rectangle, its second first, or beside it; else its first."""
    first, last = spot.column, spot.column + spot.columns - 1
    inside = [first + 1, first, *range(last, first + 1, -1)]
    places = [(spot.row + down, at) for down in range(spot.rows) for at in inside]
    places = [*places[: len(inside)], (spot.row, first - 1), (spot.row, last + 1), *places[len(inside) :]]
    there = [(row, at) for row, at in places if 0 <= row < len(rows) and at >= 0]
    for row, at in there:
        if at >= len(rows[row]):  # a row ends where nothing more stands in it
            rows[row] += [(" ", "")] * (at + 1 - len(rows[row]))
        if rows[row][at][0] in _FREE:
            return row, at
    return there[0] if there else None


def _legend(columns: int) -> list[tuple[str, str]]:
    cells: list[tuple[str, str]] = [(" ", "")]
    for message, style in ((N_("yours:"), "dim"), *LEGEND):
        text = say(message)
        if len(cells) + width(text) <= columns:
            cells += [(char, style) for char in text] + [(" ", "")] * 2
    return cells


def _spans(cells: list[tuple[str, str]]) -> Row:
    return tuple(("".join(char for char, _ in run), style) for style, run in groupby(cells, key=lambda cell: cell[1]))
