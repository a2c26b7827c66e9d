"""The panes beside a step as lines: the outline of the iteration, where a value comes from, what is computed so far."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from tutor.engine.expressions import Ref, Symbol
from tutor.engine.ids import updated
from tutor.engine.trace import Trace
from tutor.pictures.marks import JUDGED
from tutor.play.playback import Cursor
from tutor.text.card import Card, Operand, Scribe
from tutor.text.cells import cut, pad, width
from tutor.text.language import N_, say, say_in
from tutor.text.layout import Block, Matrix, draw, linear, number
from tutor.tui.lines import Line, line

if TYPE_CHECKING:
    from tutor.solutions.judging import Kind



def outline_lines(
    trace: Trace, scribe: Scribe, cursor: Cursor, judged: Mapping[str, Kind] = MappingProxyType({})
) -> tuple[list[Line], int]:
    """All equations by phase and layer; ▶ the current one, ✓ those that were reached. Also the current line.

    `judged` marks the learner's own numbers in place of that, by ids of steps.
    """
    lines: list[Line] = []
    phase = layer = None
    here = 0
    for at, eq in enumerate(trace.equations):
        if eq.phase != phase:
            phase, layer = eq.phase, None
            lines.append(line(say_in("phase", phase).capitalize(), "title"))
        if eq.symbol.layer != layer and eq.symbol.layer is not None and scribe.writer.depth > 1:
            layer = eq.symbol.layer
            name = say("output layer") if layer == scribe.writer.depth else say("layer {n}", n=layer)
            lines.append(line(f"  {name}", "dim"))
        example = cursor.example if eq.symbol.per_example else None
        current = at == cursor.at and not cursor.aside
        mark = "▶" if current else "✓" if at <= cursor.furthest else "·"
        name = scribe.writer.text(Ref(eq.symbol, None, example))
        here = len(lines) if current else here
        style = "value" if current else "mark" if mark == "✓" else "dim"
        if eq.symbol.id in judged and not eq.deferred:
            mark, style = JUDGED[judged[eq.symbol.id]]
        spans = (
            (f"  {mark} ", style),
            (name, "heading" if current else ""),
        )
        id = Ref(eq.symbol, None, example).id
        lines.append(Line((*spans, (f"  {id}" if id != name else "", "dim")), id))
    return lines, here


def where_from_lines(card: Card, columns: int) -> list[Line]:
    """The operands with their values and the steps that made them; then who uses this step."""
    lines: list[Line] = []
    size = max((width(op.name) for op in card.operands), default=0)
    for op in card.operands:
        lines.append(_operand_line(op, min(size, columns // 2), columns))
    if card.more_operands:
        lines.append(line(say("… and {n} more", n=f"{card.more_operands:,}"), "dim"))
    if not card.operands:
        lines.append(line(say("It rests on no earlier value."), "dim"))
    if card.used_by:
        lines += [line(), line(say("used by"), "dim")]
        lines += [
            Line((("  → ", "mark"), (name, "heading"), (say("  step {id}", id=id) if id != name else "", "dim")), id)
            for name, id in card.used_by
        ]
    return lines


def _operand_line(op: Operand, size: int, columns: int) -> Line:
    value = linear(op.value, 4)
    source = say("  step {id}", id=op.id) if op.id else say("  given")
    room = columns - size - 5 - len(source)
    value = cut(value, max(room, 6))
    return Line(
        (
            (pad(cut(op.name, size), size), "heading"),
            (" = ", "dim"),
            (value, "numbers"),
            (source, "mark" if op.id else "dim"),
        ),
        op.id,
    )


Made = tuple[Symbol | None, ...]  # a parameter's gradient and, where it is trained, its new value, as far as known
MOST_ELEMENTS = 40  # of a parameter that the state lists one by one
FEW_ELEMENTS = 12  # of an author's array that level scalar lists so
GRIDS = ((10, 8), (8, 8), (6, 6), (6, 5), (4, 4), (4, 3))  # rows and columns of a grid: as many as there is room for
FEW_EXAMPLES = 4  # of a batch: what each gives to a mean is listed
MADE_BY = {
    "forward": N_("cached by the forward pass"),
    "loss": N_("the loss"),
    "backward": N_("by the backward pass"),
    "update": N_("by the update"),
}


def state_columns(trace: Trace) -> str:
    """What stands beside the name of a parameter: nothing is new where nothing is trained."""
    return say("value, gradient, new value") if _has_updates(trace) else say("value, gradient")


def _has_updates(trace: Trace) -> bool:
    """Whether the iteration ends with new values of its parameters."""
    return trace.equations[-1].phase == "update"


def state_lines(trace: Trace, scribe: Scribe, cursor: Cursor, columns: int) -> tuple[list[Line], int]:
    """Every parameter with its gradient and new value as far as they are known, then all else by phase.

    Also the line of the first element of the parameter that the step is about, -1 if it is about none.
    """
    about = trace.equations[cursor.at].symbol.wrt
    here = -1
    known = {eq.symbol.key: eq.symbol for eq in trace.equations[: cursor.at + 1]}
    writer, parameters = scribe.writer, trace.program.model.common
    trained = _has_updates(trace)
    cell = 11 if columns >= 43 else 10
    names = max([10, *(width(writer.text(Ref(p, _first(p.shape)))) + 1 for p in parameters)])
    names = min(names, max(columns - 3 * cell, 10))
    lines = _given_lines(trace, scribe, cursor, names)
    listed: set[str] = set()
    for symbol in parameters:
        of_it = [g for g in known.values() if g.wrt == symbol and g.quantity == "gradient"]
        gradients = [g for g in of_it if not g.per_example and not g.use]  # the part of one use is not yet it
        here = len(lines) if symbol == about else here
        made = (gradients[-1] if gradients else None, *([known.get(updated(symbol.id))] if trained else []))
        listed |= {found.key for found in made if found}
        if _is_grid(trace, symbol, cursor):
            lines += _grid_rows(trace, scribe, symbol, made, columns)
            continue
        lines += _state_rows(trace, scribe, symbol, made, names, cell)
        more = int(np.prod(symbol.shape)) - MOST_ELEMENTS
        if more > 0:
            lines.append(line(say("… {n} more of {it}", n=f"{more:,}", it=writer.text(Ref(symbol))), "dim"))
    for phase, title in MADE_BY.items():
        symbols = [eq.symbol for eq in trace.equations[: cursor.at + 1] if eq.phase == phase]
        unlisted = [symbol for symbol in symbols if symbol.key not in listed]
        refs = [ref for symbol in unlisted for ref in _refs_of(trace, symbol, cursor.example)]
        lines += [line(), line(say(title), "dim")] if refs else []
        room = min(max([names, *(width(writer.text(ref)) + 1 for ref in refs)]), max(columns // 2, names))
        for ref in refs:
            name, value = cut(writer.text(ref), room - 1), linear(writer.value(trace.value(ref)), 5)
            lines.append(Line(((pad(name, room), "heading"), (value, "numbers")), ref.id))
    return lines, here


def _refs_of(trace: Trace, symbol: Symbol, example: int) -> list[Ref]:
    """A symbol for the example that is shown; what a mean takes together, for each of a few."""
    if not symbol.per_example:
        return [Ref(symbol)]
    meant = symbol.quantity == "loss" or symbol.wrt in trace.program.model.parameters
    few = range(trace.examples) if meant and trace.examples <= FEW_EXAMPLES else [example]
    return [Ref(symbol, None, n) for n in few]


def _is_grid(trace: Trace, symbol: Symbol, cursor: Cursor) -> bool:
    """Whether an author's array is shown as such: at level matrix, and else where it has many numbers."""
    if not trace.program.model.arrays or not symbol.shape:
        return False
    return cursor.level == "matrix" or math.prod(symbol.shape) > FEW_ELEMENTS


class _StateRows(dict[tuple[str | int | Symbol | None, ...], list[Line]]):
    """The rows of parameters by id, the keys of what was made of them, and the widths."""


def _state_rows(trace: Trace, scribe: Scribe, symbol: Symbol, made: Made, names: int, cell: int) -> list[Line]:
    """A parameter's elements; kept by the scribe, since from step to step few of them change."""
    key = (symbol.id, *(found and found.key for found in made), names, cell)
    kept = scribe.memo.of(_StateRows)
    if key not in kept:
        elements = itertools.islice(np.ndindex(*symbol.shape), MOST_ELEMENTS)
        kept[key] = [_state_line(trace, scribe, Ref(symbol, index or None), made, names, cell) for index in elements]
    return kept[key]


def _grid_rows(trace: Trace, scribe: Scribe, symbol: Symbol, made: Made, columns: int) -> list[Line]:
    """An array, its gradient and its new value as grids, side by side or below each other; of a large one its corners.

    Choosing one goes to its step. What is not yet known is a dot.
    """
    key = ("grid", symbol.id, *(found and found.key for found in made), columns)
    kept = scribe.memo.of(_StateRows)
    if key not in kept:
        kept[key] = _grids(trace, scribe, symbol, made, columns)
    return kept[key]


def _grids(trace: Trace, scribe: Scribe, symbol: Symbol, made: Made, columns: int) -> list[Line]:
    parts: list[tuple[Ref | None, str]] = [(Ref(symbol), "numbers")]
    parts += [(Ref(found) if found else None, style) for found, style in zip(made, ("value", "mark"), strict=False)]
    names = [scribe.writer.text(ref) if ref else "" for ref, _ in parts]

    def blocks(rows: int, across: int) -> list[Block]:
        return [
            draw(Matrix(np.asarray(trace.value(ref), dtype=float), flat=True), rows, across) if ref else draw("·")
            for ref, _ in parts
        ]

    beside = [(block, width(name) + 1) for block, name in zip(blocks(*GRIDS[0]), names, strict=True)]
    if sum(block.columns + name + 2 for block, name in beside) <= columns:
        return _joined(beside, parts, names)
    lines: list[Line] = []
    label = min(max(map(width, names)) + 1, columns // 2)
    for at, (ref, _) in enumerate(parts):
        if ref is None:
            continue
        block = next((found for size in GRIDS if (found := blocks(*size)[at]).columns + label <= columns), None)
        lines += _joined([(block or blocks(*GRIDS[-1])[at], label)], [parts[at]], [names[at]])
    return lines


def _joined(blocks: list[tuple[Block, int]], parts: list[tuple[Ref | None, str]], names: list[str]) -> list[Line]:
    """Grids in a row, each behind its name; the line of the names goes to the last step that is known."""
    height = max(len(block.lines) for block, _ in blocks)
    made = [ref.id for ref, _ in parts[0 if len(parts) == 1 else 1 :] if ref and ref.symbol.wrt]
    lines = []
    for row in range(height):
        spans: list[tuple[str, str]] = []
        for (block, label), (ref, style), name in zip(blocks, parts, names, strict=True):
            spans.append((pad(cut(name, label - 1) if row == 0 else "", label), "heading"))
            text = block.lines[row] if row < len(block.lines) else ""
            spans.append((pad(text, block.columns) + "  ", style if ref else "dim"))
        lines.append(Line(tuple(spans), made[-1] if made and row == 0 else None))
    return lines


def _given_lines(trace: Trace, scribe: Scribe, cursor: Cursor, names: int) -> list[Line]:
    """The example's inputs and targets, and the settings that the update uses."""
    lines = []
    settings = (s for s in scribe.symbols.values() if s.quantity == "hyper")
    for symbol in trace.program.model.data:
        if symbol.quantity == "input" and math.prod(symbol.shape) <= 8:
            refs = [Ref(symbol, (i,), cursor.example if symbol.per_example else None) for i in range(symbol.shape[0])]
        else:
            refs = [Ref(symbol, None, cursor.example if symbol.per_example else None)]
        for ref in refs:
            value = linear(scribe.writer.value(trace.value(ref)), 5)
            lines.append(Line(((pad(cut(scribe.writer.text(ref), names - 1), names), "heading"), (value, "numbers"))))
    for symbol in settings:
        text = number(float(trace.value(Ref(symbol))))
        lines.append(Line(((pad(scribe.writer.text(Ref(symbol)), names), "heading"), (text, "numbers"))))
    return lines


def _state_line(trace: Trace, scribe: Scribe, ref: Ref, made: Made, names: int, cell: int) -> Line:
    """A parameter's element: its value, its gradient and its new value; choosing it goes to the last that is known."""
    spans = [(pad(cut(scribe.writer.text(ref), names - 1), names), "heading")]
    spans.append((pad(number(float(trace.value(ref))), cell), "numbers"))
    target = None
    for symbol, style in zip(made, ("value", "mark"), strict=False):  # nothing is new where nothing is trained
        element = Ref(symbol, ref.index) if symbol else None
        spans.append((pad(number(float(trace.value(element))) if element else "·", cell), style if element else "dim"))
        target = element.id if element else target
    return Line(tuple(spans), target)


def _first(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    return (0,) * len(shape) or None
