"""The picture of a lesson: a network's units and weights, or a circuit's gates and wires, as far as they are known.

What one can point at is an `Item`, (symbol id, index from 0): ("x", (1,)) an input, ("a1", (0,)) a unit,
("W2", (1, 0)) an edge (row = to, column = from), ("L", ()) the loss; in a circuit ("q", ()) a gate with its wire.
A path from a weight to the loss is such items in a row; z1 stands for its unit, too:

    ("W1", (0, 1)), ("z1", (0,)), ("a1", (0,)), ("W2", (1, 0)), ("z2", (1,)), ("a2", (1,)), ("L", ())

Colour is never the only cue: a negative weight is dashed, a large one thicker, what the step is about has
heavy lines and ▶, blame that has come back leaves ◀ and a number with ∂ below the value; · is not known yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import Ref
from tutor.engine.ids import line_of
from tutor.engine.trace import Step, Trace
from tutor.pictures.array_picture import ArrayPicture
from tutor.pictures.circuit_picture import CircuitPicture
from tutor.pictures.lit import lit_by_step
from tutor.pictures.network_picture import NetworkPicture
from tutor.pictures.network_plan import MOST_UNITS, layer_name
from tutor.pictures.scene import Diagram, Item, Known, Spot, item_facts, unit_item
from tutor.play.playback import Cursor
from tutor.text.card import Scribe
from tutor.text.cells import cut
from tutor.text.language import say
from tutor.text.layout import linear
from tutor.text.words import plural

__all__ = ["Diagram", "Item", "Known", "Spot", "begin", "diagram", "item_facts", "move", "natural_rows", "tell"]

MIN_COLUMNS, MIN_ROWS = 30, 4  # below this the picture is text
MOST_NAMED = 40  # units of a layer that `tell` lists


def diagram(
    trace: Trace, scribe: Scribe, step: Step, cursor: Cursor, columns: int, rows: int,
    lit: Iterable[Item] | None = None, selected: Item | None = None,
) -> Diagram:  # fmt: skip
    """The picture at a step, at most `columns` × `rows` cells; below MIN_COLUMNS × MIN_ROWS, or where a
    circuit does not fit, as text.

    `lit`: the items to light instead of what the step uses, such as a path. `selected`: the item that is
    pointed at. Large layers show their first units, those that are lit or selected, and the last.
    """
    if columns < 1 or rows < 1:
        return Diagram((), ())
    known = Known(trace, scribe, step, cursor)
    model = trace.program.model
    kind = NetworkPicture if model.layers else ArrayPicture if model.arrays else CircuitPicture
    if columns >= MIN_COLUMNS and rows >= MIN_ROWS:
        drawn = kind(known, columns, rows, None if lit is None else tuple(lit), selected).draw()
        if drawn:
            return drawn
    return _as_text(known, columns, rows)


# ---------------------------------------------------------------- selecting


def move(trace: Trace, drawn: Diagram, selected: Item, down: int, right: int) -> Item:
    """The item beside the selected one: in a network units and the edges between layers take turns from left to
    right (an edge leads to the units at its ends); in a circuit the nearest gate in that direction."""
    model = trace.program.model
    if not model.layers:
        return _nearest(drawn, selected, down, right)
    widths = model.widths
    last = len(widths) - 1
    id, index = selected
    symbol = trace.program.named(id)
    assert symbol
    layer = symbol.layer or 0
    if symbol.quantity == "weights":
        to, start = index
        if right:
            return unit_item(model, layer, to) if right > 0 else unit_item(model, layer - 1, start)
        nth = (start * widths[layer] + to + down) % (widths[layer] * widths[layer - 1])
        return (id, (nth % widths[layer], nth // widths[layer]))
    if symbol == model.loss or symbol == model.output:
        return unit_item(model, last, 0) if right < 0 else selected
    (unit,) = index
    if right > 0:
        return (model.layers[layer].weights.id, (0, unit)) if layer < last else (model.output.id, ())
    if right < 0:
        return (model.layers[layer - 1].weights.id, (unit, 0)) if layer else selected
    return unit_item(model, layer, (unit + down) % widths[layer])


def _nearest(drawn: Diagram, selected: Item, down: int, right: int) -> Item:
    within = (selected, (line_of(selected[0]), ()))  # a gate within a line may have no box of its own
    here = next((spot for spot in drawn.spots if spot.item in within), None)
    if here is None:
        return drawn.spots[0].item if drawn.spots else selected

    def far(spot: Spot) -> float:
        x, y = spot.column - here.column, (spot.row - here.row) * 2
        ahead, aside = (x * right, y) if right else (y * down, x)
        return ahead + 2 * abs(aside) if ahead > 0 else math.inf

    best = min(drawn.spots, key=far, default=here)
    return best.item if far(best) < math.inf else selected


def begin(trace: Trace, step: Step) -> Item:
    """The item to select first: what the step is about."""
    symbol = step.equation.symbol.wrt or step.equation.symbol
    model = trace.program.model
    if not model.layers:
        return (symbol.id, ())
    index = step.index if step.index and len(step.index) == len(symbol.shape) else (0,) * len(symbol.shape)
    if symbol.quantity == "weights":
        return (symbol.id, index)
    return unit_item(model, symbol.layer, index[0]) if symbol.layer and index else (model.output.id, ())


def natural_rows(trace: Trace, most: int) -> int:
    """How many rows a picture of this lesson is good for, at most `most`."""
    model = trace.program.model
    if not model.layers:
        return min(most, (2 if model.arrays else 4) * len(model.given) + (6 if model.arrays else 4))
    return min(most, 7 * max(min(n, MOST_UNITS) for n in model.widths) + 2)


# ---------------------------------------------------------------- in words


def tell(trace: Trace, scribe: Scribe, step: Step, cursor: Cursor) -> list[str]:
    """The picture in words: layer by layer its units, or gate by gate, with what is known of each."""
    known = Known(trace, scribe, step, cursor)
    model = trace.program.model
    if not model.layers:
        return _tell_circuit(known)
    lit = lit_by_step(known)
    lines = []
    widths = model.widths
    for layer, count in enumerate(widths):
        number = scribe.writer.layer_number(layer)
        name = layer_name(layer, len(widths) - 1, number)
        if layer:
            activation = model.layers[layer - 1].activation_name
            sign, own = scribe.writer.function(activation, layer), activation.replace("_", " ")
            own = ACTIVATIONS[activation].glyph if activation in ACTIVATIONS else own
            name += f", {sign}" + (f" = {own}" if sign != own else "")
            symbol = model.layers[layer - 1].weights
            weights = linear(scribe.writer.value(trace.value(Ref(symbol))), 6)
            lines.append(say("  weights {name} = {weights}", name=scribe.writer.text(Ref(symbol)), weights=weights))
            gradient = known.ref(known.gradient(symbol))
            if gradient and known.has(gradient.symbol.id, tuple(n - 1 for n in symbol.shape)):
                value = linear(scribe.writer.value(trace.value(gradient)), 6)
                lines.append(say("  blame   {name} = {value}", name=scribe.writer.text(gradient), value=value))
        lines.append(f"{name}: {plural(count, 'unit')}")
        shown = range(count) if count <= MOST_NAMED else (*range(MOST_NAMED - 1), count - 1)
        for unit in shown:
            if unit - 1 not in shown and unit:
                lines.append(say("    … {n} more …", n=f"{count - MOST_NAMED:,}"))
            facts = item_facts(known, unit_item(model, layer, unit))
            lines.append(f"  {'>' if lit.unit(layer, unit) else ' '} " + "   ".join(facts))
    target = known.ref("y")
    if target:
        lines.append(say("target: {value}", value=linear(scribe.writer.value(trace.value(target)), 12)))
    lines.append(f"  {'>' if lit.loss else ' '} " + "   ".join(item_facts(known, (model.output.id, ()))))
    return lines


def _tell_circuit(known: Known) -> list[str]:
    picture = CircuitPicture(known, 80, 24, None, None)
    lines = []
    formulas = {
        eq.symbol.id: linear(known.writer.formula(eq.formula)) for eq in known.trace.equations if eq.phase == "forward"
    }
    for name in picture.signs:
        made = formulas.get(name, say("input"))
        if known.model.arrays and (users := [gate for gate, taken in picture.takes.items() if name in taken]):
            made += say("; used by {users}", users=", ".join(users))
        made = f" ({made})"
        lines.append(f"{'>' if name in picture.lit else ' '} " + "   ".join(item_facts(known, (name, ()))) + made)
    return lines


def _as_text(known: Known, columns: int, rows: int) -> Diagram:
    """Where there is no room to draw: the lines of `tell` round the first that the step is about."""
    lines = [line for line in tell(known.trace, known.scribe, known.step, known.cursor) if "= [[" not in line]
    first = next((at for at, line in enumerate(lines) if ">" in line[:3]), 0)
    top = max(0, min(first - 1, len(lines) - rows))
    picture = []
    for line in lines[top : top + rows]:
        lit = ">" in line[:3]
        text = line.replace(">", "▶", 1) if lit else line
        picture.append(((cut(text, columns), "lit" if lit else "" if text.startswith(" ") else "title"),))
    return Diagram(tuple(picture), ())
