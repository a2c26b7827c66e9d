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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tutor.canvas import Canvas, Picture
from tutor.card import Scribe
from tutor.formula import Call, Const, Ref, Symbol, refs
from tutor.layout import linear, number, pieces, width
from tutor.playback import Cursor
from tutor.trace import NoSuchStep, Step, Trace, resolve

Item = tuple[str, tuple[int, ...]]
MIN_COLUMNS, MIN_ROWS = 30, 4  # below this the picture is text
MOST_EDGES = 150  # between two layers; of more the largest are drawn, and it is said
MOST_UNITS = 9  # that are shown of a layer too large to be shown whole
_DASH = (4, 3)
_FAINT = (1, 3)
_Whole = tuple[int, ...] | None  # an index; None: all


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
        return 0 <= column - self.column < self.columns and 0 <= row - self.row < self.rows


@dataclass(frozen=True)
class Diagram:
    picture: Picture
    spots: tuple[Spot, ...]

    def at(self, column: int, row: int) -> Spot | None:
        return next((spot for spot in self.spots if spot.has(column, row)), None)


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
    kind = _CircuitPicture if trace.lesson.circuit else _NetworkPicture
    if columns >= MIN_COLUMNS and rows >= MIN_ROWS:
        drawn = kind(known, columns, rows, None if lit is None else tuple(lit), selected).draw()
        if drawn:
            return drawn
    return _as_text(known, columns, rows)


# ---------------------------------------------------------------- what is known


class Known:
    """The values of one trace as far as the cursor has come."""

    def __init__(self, trace: Trace, scribe: Scribe, step: Step, cursor: Cursor):
        self.trace, self.scribe, self.step, self.cursor = trace, scribe, step, cursor
        self.writer, self.symbols = scribe.writer, scribe.symbols
        self.order = {eq.symbol.key: at for at, eq in enumerate(trace.equations)}
        self.example = cursor.example if trace.examples > 1 else None
        eq = trace.equations[cursor.at] if cursor.at >= 0 else None
        partly = cursor.level == "scalar" and cursor.at == cursor.furthest and eq is step.equation and step.index
        self.until = step.index if partly else None  # the last element that is known of the current symbol

    def symbol(self, id: str) -> Symbol | None:
        """The symbol of an id; where each example has its own, the current example's."""
        return self.symbols.get(id) or self.symbols.get(id + "@")

    def ref(self, id: str, index: _Whole = None) -> Ref | None:
        symbol = self.symbol(id)
        return Ref(symbol, index, self.example if symbol.per_example else None) if symbol else None

    def has(self, id: str, index: _Whole = None) -> bool:
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

    def value(self, id: str, index: _Whole = None) -> float | None:
        ref = self.ref(id, index)
        return float(self.trace.value(ref)) if ref and self.has(id, index) else None

    def name(self, id: str, index: _Whole = None) -> str:
        key = ("name", id, index)
        if key not in self.scribe.kept:
            ref = self.ref(id, index)
            self.scribe.kept[key] = [self.writer.text(ref).partition("@")[0] if ref else id]
        return self.scribe.kept[key][0]

    def is_step(self, id: str, index: _Whole = None) -> bool:
        """Whether the step is about just this value."""
        return self.step.equation.symbol.id == id and self.step.index in (None, index)

    def step_id(self, item: Item) -> str | None:
        """The step to go to for an item: its gradient's in the backward pass, its new value's in the update."""
        id, index = item
        network = self.trace.lesson.network is not None
        loss = self.trace.program.model.output.id
        if network and id == "x":
            return self._found("z1", None)
        if network and id[:1] == "W":
            wanted = (f"z{id[1:]}", f"d{loss}/d{id}", f"{id}'")
        else:
            wanted = (id, f"d{loss}/d{'z' + id[1:] if network and id[:1] == 'a' else id}", f"{id}'")
        phases = ("forward", "backward", "update")
        phase = self.step.phase if self.step.phase in phases else "forward"
        at = phases.index(phase)
        for choice in (wanted[at], *reversed(wanted[:at]), *wanted):
            here = index[:1] if choice[:1] == "z" and len(index) == 2 else index
            if found := self._found(choice, here or None):
                return found
        return None

    def _found(self, id: str, index: _Whole) -> str | None:
        try:
            eq, _, _ = resolve(self.trace.program, id)
        except NoSuchStep:
            return None
        at = (
            index
            if self.cursor.level == "scalar" and index is not None and len(index) == len(eq.symbol.shape)
            else None
        )
        return Ref(eq.symbol, at, self.cursor.example if eq.symbol.per_example else None).id


def short(value: float | None, room: int) -> str:
    """A number in at most `room` cells, with fewer digits where it must; · for what is not known."""
    if value is None:
        return "·"
    text = number(value)
    for digits in (3, 2, 1):
        if width(text) <= room:
            return text
        text = f"{value:#.{digits}g}".rstrip(".").replace("-", "−") if math.isfinite(value) else text
        text = text.replace("e−0", "e−").replace("e+0", "e").replace("e+", "e")
    return text if width(text) <= room else "…"


def fitted(text: str, room: int) -> str:
    if width(text) <= room:
        return text
    return pieces(text, room - 1)[0] + "…" if room > 1 else "…"[:room]


# ---------------------------------------------------------------- what is lit


@dataclass
class _Lit:
    """What to light: units by layer, edges by layer (index None: all of it), and whether the loss."""

    units: set[tuple[int, int | None]] = field(default_factory=set)
    edges: set[tuple[int, int | None, int | None]] = field(default_factory=set)
    loss: bool = False
    outputs: bool = False  # the lines from the outputs to the loss

    def unit(self, layer: int, unit: int) -> bool:
        return (layer, unit) in self.units or (layer, None) in self.units

    def edge(self, layer: int, to: int, start: int) -> bool:
        return (layer, to, start) in self.edges or (layer, None, None) in self.edges

    def layers(self) -> set[int]:
        return {layer for layer, _ in self.units} | {layer for layer, _, _ in self.edges}


def _lit_by_step(known: Known) -> _Lit:
    """The units and edges whose values the step uses or makes."""
    lit, step = _Lit(), known.step
    for ref in (step.ref, *step.operands):
        _light(lit, ref.symbol.wrt or ref.symbol, ref.index)
    symbol = step.equation.symbol
    if symbol.quantity == "gradient" and symbol.wrt and symbol.wrt.quantity == "weights" and step.index:
        to, start = step.index
        lit.units |= {(symbol.wrt.layer or 0, to), ((symbol.wrt.layer or 1) - 1, start)}
    if symbol.quantity == "local" and symbol.of:
        _light(lit, symbol.of, step.index[: len(symbol.of.shape)] if step.index else None)
    if step.equation.rule in ("loss", "loss_gradient", "combined_error", "softmax_gradient", "mean_loss"):
        lit.outputs = lit.loss = step.equation.rule != "softmax_gradient"
    return lit


def _light(lit: _Lit, symbol: Symbol, index: _Whole) -> None:
    if symbol.quantity == "weights":
        to, start = index if index and len(index) == 2 else (None, None)
        lit.edges.add((symbol.layer or 0, to, start))
    elif symbol.quantity in ("target", "loss", "objective"):
        lit.loss = True
    elif symbol.layer is not None and symbol.quantity != "hyper":
        lit.units.add((symbol.layer, index[0] if index else None))


def _lit_by_items(known: Known, items: Sequence[Item]) -> _Lit:
    lit = _Lit()
    for id, index in items:
        symbol = known.symbol(id)
        if symbol:
            _light(lit, symbol.wrt or symbol, tuple(index) or None)
    if lit.loss:
        lit.outputs = True
    return lit


# ---------------------------------------------------------------- a network


@dataclass(frozen=True)
class _Column:
    """A layer in the picture: its cells, and for each unit shown its first row. `units` None: how many are left out."""

    layer: int
    left: int
    size: int
    high: int  # rows of a unit
    units: tuple[tuple[int, int], ...]  # (unit, first row)
    gaps: tuple[tuple[int, int], ...]  # (how many are left out, row)

    @property
    def boxed(self) -> bool:
        return self.high >= 3

    def middle(self, row: int) -> int:
        return row + (self.high - 1) // 2 if self.boxed else row


@dataclass(frozen=True)
class _Plan:
    """Where everything of a network stands; the same from step to step."""

    columns: tuple[_Column, ...]
    loss: tuple[int, int, int] | None  # left, size, row
    below: bool  # the loss stands in the last row, not beside the outputs
    head: int
    foot: int


def _draw_box(canvas: Canvas, left: int, size: int, row: int, high: int, lit: bool, chosen: bool) -> None:
    a, across, b, down, c, d = "┏━┓┃┗┛" if lit or chosen else "╭─╮│╰╯"
    style = "value" if chosen else "lit" if lit else "axis"
    canvas.text(left, row, a + across * (size - 2) + b, style)
    canvas.text(left, row + high - 1, c + across * (size - 2) + d, style)
    for at in range(row + 1, row + high - 1):
        canvas.text(left, at, down, style)
        canvas.text(left + size - 1, at, down, style)


class _NetworkPicture:
    def __init__(
        self, known: Known, columns: int, rows: int, lit: tuple[Item, ...] | None, selected: Item | None
    ):  # fmt: skip
        self.known, self.columns, self.rows, self.selected = known, columns, rows, selected
        network = known.trace.lesson.network
        assert network
        self.network = network
        self.widths = [network.inputs, *(layer.units for layer in network.layers)]
        self.path = lit is not None
        self.lit = _lit_by_step(known) if lit is None else _lit_by_items(known, lit)
        if selected and selected[0][:1] == "W":
            self.focus = {(int(selected[0][1:]), selected[1][0]), (int(selected[0][1:]) - 1, selected[1][1])}
        else:
            self.focus = {(self._layer(selected), selected[1][0])} if selected and selected[1] else set()
        self.backward = known.step.phase == "backward"

    @staticmethod
    def _layer(item: Item) -> int:
        return int(item[0][1:] or 0)

    @property
    def output(self) -> int:
        return len(self.widths) - 1

    # ------------------------------------------------------------ where everything stands

    def plan(self) -> _Plan | None:
        head = 1 if self.rows >= 8 or max(self.widths) + 2 <= self.rows else 0
        foot = 1 if self.rows >= 14 else 0
        body = self.rows - head - foot
        biggest = max((n for n in self.widths if n <= max(body, 2) and n <= 20), default=1)
        for high, gap in ((7, 1), (6, 1), (5, 1), (4, 1), (4, 0), (2, 1), (2, 0), (1, 0)):
            if biggest * high + (biggest - 1) * gap <= body:
                break
        for smaller in dict.fromkeys((high, min(high, 2), 1)):
            if plan := self._across(smaller, head, foot, body):
                return plan
        return None

    def _across(self, high: int, head: int, foot: int, body: int) -> _Plan | None:
        """The layers side by side: all of them, or as many as fit round the one the step is about."""
        names = max(width(self.known.name(*_unit_item(k, 0))) for k in range(len(self.widths)))
        size = names + (13 if high >= 3 else 11 if high == 2 else 10)
        # How broad a unit, how far apart at least, how broad the loss (0: it has a row of its own below).
        tries = ((size + 4, 30, 15), (size, 12, 13), (max(min(size, 13), 10), 9, 11), (10, 8, 0), (9, 5, 0))
        for size_, least, loss_size in tries:
            if high >= 3 and size_ < 13:
                return None
            taken = loss_size + 4 if loss_size else 0
            many = 1 + (self.columns - taken - size_) // (size_ + least)
            if many >= len(self.widths):
                break
        if many < 2:
            return None
        if not loss_size:
            body -= 1 - foot
            high = min(high, 2)
        count = min(many, len(self.widths))
        touched = {layer for layer, _ in self.focus} or self.lit.layers()
        first = max(0, min(max(touched, default=0) - count + 1, len(self.widths) - count))
        if touched and min(touched) < first:
            first = min(touched)
        shown = range(first, first + count)
        gap = min((self.columns - taken - size_ * count) // (count - 1), 46)
        beside = max(min(gap, 8), 4)
        left = max(
            0, (self.columns - (count * size_ + (count - 1) * gap + (beside + loss_size if loss_size else 1))) // 2
        )
        columns = [
            self._column(layer, left + nth * (size_ + gap), size_, high, head, body) for nth, layer in enumerate(shown)
        ]
        if not loss_size:
            return _Plan(tuple(columns), (0, self.columns, self.rows - 1), True, head, 0)
        loss = None
        if shown[-1] == self.output:
            place = min(columns[-1].left + size_ + beside, self.columns - loss_size)
            loss = (place, loss_size, head + (body - 1) // 2)
        return _Plan(tuple(columns), loss, False, head, foot)

    def _column(self, layer: int, left: int, size: int, high: int, head: int, body: int) -> _Column:
        count = self.widths[layer]
        if high >= 3 and layer == 0:
            high = 3  # an input has a value and nothing more
        if count * high <= body and count <= 20:
            units: list[int | None] = list(range(count))
        else:
            high = min(high, 2 if layer and body >= 12 else 1)
            fits = min((body + 1) // (high + 1), MOST_UNITS)
            units = self._some(layer, count, max(fits, 3))
        rows = sum(high if unit is not None else 1 for unit in units)
        pitch = min((body - rows) / len(units), 12 if high >= 3 else 4)  # free rows between
        start = head + (body - rows - pitch * (len(units) - 1)) / 2
        placed, gaps, row, before = [], [], start, -1
        for nth, unit in enumerate(units):
            if unit is None:
                after = next(u for u in units[nth:] if u is not None)
                gaps.append((after - before - 1, int(row)))
                row += 1 + pitch
            else:
                placed.append((unit, int(row)))
                before = unit
                row += high + pitch
        return _Column(layer, left, size, high, tuple(placed), tuple(gaps))

    def _some(self, layer: int, count: int, most: int) -> list[int | None]:
        """Units of a layer too large to show: the first, those that matter, the last; None for what is left out."""
        if count <= most:
            return list(range(count))
        wanted = sorted({u for k, u in self.lit.units | self.focus if k == layer and u is not None})
        wanted = wanted if len(wanted) <= 2 else []
        inner = [u for u in wanted if most - 2 <= u < count - 1]
        first = max(most - 2 - 2 * len(inner), 1)
        keep = sorted({*range(first), *(u for u in inner), count - 1})
        found: list[int | None] = []
        for before, unit in zip([-1, *keep], keep, strict=False):
            if unit - before > 1:
                found.append(None)
            found.append(unit)
        return found

    # ------------------------------------------------------------ drawing

    def draw(self) -> Diagram | None:
        plan = self.plan()
        if plan is None:
            return None
        canvas = self._edges(plan).copy()
        spots: list[Spot] = []
        self._light_edges(canvas, plan)
        if plan.loss and not plan.below:
            self._to_loss(canvas, plan)
        if plan.head:
            self._heading(canvas, plan)
        for column in plan.columns:
            for unit, row in column.units:
                self._unit(canvas, column, unit, row)
                item = _unit_item(column.layer, unit)
                spots.append(Spot(item, self.known.step_id(item), column.left, row, column.size, column.high))
            for count, row in column.gaps:
                canvas.text(column.left + 1, row, fitted(f"⋮ {count:,} more", column.size - 1), "dim")
        if plan.loss:
            left, size, row = plan.loss
            if not plan.below and plan.columns[-1].boxed:
                _draw_box(canvas, left, size, row - 1, 4, self.lit.loss, self.selected == ("L", ()))
                left, size = left + 1, size - 3
            spots.append(self._loss(canvas, left, size, row, plan.below))
        spots += self._labels(canvas, plan)
        if plan.foot:
            self._legend(canvas, plan)
        return Diagram(canvas.picture(), tuple(spots))

    def _pairs(self, plan: _Plan) -> list[tuple[_Column, _Column]]:
        return list(zip(plan.columns, plan.columns[1:], strict=False))

    def _ends(self, left: _Column, right: _Column) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Edges between two columns as arrays: to, from, and their rows of dots."""
        starts, ends = np.array(left.units), np.array(right.units)
        to, start = np.repeat(ends[:, 0], len(starts)), np.tile(starts[:, 0], len(ends))
        rows = [[column.middle(row) * 4 + 1.5 for _, row in column.units] for column in (left, right)]
        return to, start, np.tile(rows[0], len(ends)), np.repeat(rows[1], len(starts))

    @staticmethod
    def _x(left: _Column, right: _Column) -> tuple[int, int]:
        """The dots where edges begin and end; a cell on either side is for the arrow."""
        return (left.left + left.size + 1) * 2, right.left * 2 - 3

    def _weights(self, layer: int) -> np.ndarray:
        return np.asarray(self.known.trace.value(Ref(self.known.symbols[f"W{layer}"])))

    def _edges(self, plan: _Plan) -> Canvas:
        """All edges by weight: the part of the picture that stays, so it is kept for the next step."""
        key = ("diagram", self.columns, self.rows, plan)
        kept = self.known.scribe.kept
        if key not in kept:
            for old in [k for k in kept if k[0] == "diagram"][:-8]:
                del kept[old]
            canvas = Canvas(self.columns, self.rows)
            for left, right in self._pairs(plan):
                self._edges_between(canvas, left, right)
            kept[key] = [canvas]
        return kept[key][0]

    def _edges_between(self, canvas: Canvas, left: _Column, right: _Column) -> None:
        to, start, y0, y1 = self._ends(left, right)
        x0, x1 = self._x(left, right)
        if x1 <= x0:
            return
        all_weights = self._weights(right.layer)
        w = all_weights[to, start]
        with np.errstate(all="ignore"):
            size = np.nan_to_num(np.abs(w) / np.nanmax(np.abs(all_weights)), nan=0.0, posinf=1.0)
        keep = size > -1
        if len(w) > MOST_EDGES:
            keep = size >= np.sort(size)[-MOST_EDGES]
        classes = 1 + (size > 0.33).astype(int) + (size > 0.67).astype(int)
        crowded = len(w) > 40 or x1 - x0 < 20
        for sign, chosen in (("minus", w < 0), ("plus", w > 0), ("", ~(w < 0) & ~(w > 0))):
            for one in (1, 2, 3):
                which = keep & chosen & (classes == one)
                if which.any():
                    dash = _DASH if sign == "minus" else () if sign else _FAINT
                    style = f"{sign}{one}" if sign else "axis"
                    thick = 2 if one == 3 and not crowded else 1
                    ends = np.full(which.sum(), x0), y0[which], np.full(which.sum(), x1), y1[which]
                    canvas.segments(*ends, style, thick, dash)

    def _light_edges(self, canvas: Canvas, plan: _Plan) -> None:
        for left, right in self._pairs(plan):
            to, start, y0, y1 = self._ends(left, right)
            x0, x1 = self._x(left, right)
            on = np.array([self.lit.edge(right.layer, t, s) for t, s in zip(to.tolist(), start.tolist(), strict=True)])
            if self.selected and self.selected[0] == f"W{right.layer}":
                on |= (to == self.selected[1][0]) & (start == self.selected[1][1])
            if not on.any() or x1 <= x0 or (on.sum() > MOST_EDGES):
                continue
            w = self._weights(right.layer)[to, start]
            few = on.sum() <= 24
            for sign, chosen in (("minus3", w < 0), ("plus3", ~(w < 0))):
                which = on & chosen
                if which.any():
                    ends = np.full(which.sum(), x0), y0[which], np.full(which.sum(), x1), y1[which]
                    dash = _DASH if sign == "minus3" else ()
                    crowded = on.sum() > 60 or (on.sum() > 6 and x1 - x0 < 30)
                    thick = 1 if crowded or x1 - x0 < 20 else 2 if on.sum() > 6 or x1 - x0 < 28 else 3
                    canvas.segments(*ends, "lit" if few else sign, thick, dash)

    def _to_loss(self, canvas: Canvas, plan: _Plan) -> None:
        assert plan.loss
        left, _, row = plan.loss
        last = plan.columns[-1]
        for unit, top in last.units:
            lit = self.lit.outputs and self.lit.unit(last.layer, unit)
            x0, x1 = (last.left + last.size + 1) * 2, left * 2 - 3
            canvas.line(x0, last.middle(top) * 4 + 1.5, x1, row * 4 + 1.5, "lit" if lit else "axis", 2 if lit else 1)

    def _heading(self, canvas: Canvas, plan: _Plan) -> None:
        writer, last = self.known.writer, self.output
        for column in plan.columns:
            layer = column.layer
            name = "input" if layer == 0 else "output" if layer == last else f"layer {layer}"
            sign = f" {writer.function(self.network.layers[layer - 1].activation, layer == last)}" if layer else ""
            heading = next((h for h in (name + sign, sign.strip(), name) if h and width(h) <= column.size), "")
            first = f"◀{layer} more " if column is plan.columns[0] and layer else ""
            first = first if width(first + heading) <= column.size else first[: -len("more ")]
            canvas.text(column.left, 0, first or " ", "key")
            canvas.text(column.left + (width(first) or 1), 0, heading, "title")
        if plan.loss and not plan.below:
            canvas.text(plan.loss[0] + 1, 0, "loss", "title")
        if after := last - plan.columns[-1].layer:
            text = f" {after} more ▶"
            canvas.text(self.columns - width(text), 0, text, "key")
        for left, right in self._pairs(plan):
            start, end = left.left + left.size, right.left
            lit = any(layer == right.layer for layer, _, _ in self.lit.edges)
            walked = self._walked_layer(left.layer)
            room = end - start - 2
            if room < 3:
                continue
            if self.backward and lit:
                text, style = "◀" + "═" * (room - 1), "value"
            elif lit:
                text, style = "═" * (room - 1) + "▶", "value"
            elif walked:
                text, style = "◀" + "─" * (room - 1), "mark"
            else:
                continue
            many = len(left.units) * len(right.units)
            total = self.widths[left.layer] * self.widths[right.layer]
            canvas.text(start + 1, 0, text, style)
            if many > MOST_EDGES and room > 26:
                said = f" {MOST_EDGES} of {total:,} weights "
                canvas.text(start + 1 + (room - width(said)) // 2, 0, said, "dim")

    def _walked_layer(self, layer: int) -> bool:
        """Whether blame has come back over the edges that leave a layer."""
        return self.known.has(f"dL/da{layer}", None) if layer else self.known.has("dL/dW1", (0, 0))

    def _walked(self, layer: int, unit: int) -> bool:
        if layer:
            return self.known.has(f"dL/da{layer}", (unit,))
        return self.known.has("dL/dW1", (self.widths[1] - 1, unit))

    # ------------------------------------------------------------ units

    def _facts(self, layer: int, unit: int) -> list[tuple[int, str, str, float | None, str]]:
        """What there is to say of a unit, in order: (how soon it is left out, id, name, value, style)."""
        known, index = self.known, (unit,)
        own = f"a{layer}" if layer else "x"
        facts = [(0, own, known.name(own, index), known.value(own, index), "numbers")]
        if not layer:
            return facts
        if known.symbol(f"b{layer}"):
            bias = (4, f"b{layer}", known.name(f"b{layer}", index), known.value(f"b{layer}", index), "dim")
            facts.insert(0, bias)
        facts.insert(-1, (2, f"z{layer}", known.name(f"z{layer}", index), known.value(f"z{layer}", index), "numbers"))
        gradients = [
            (3 if letter == "a" else 1, f"dL/d{letter}{layer}", "", known.value(f"dL/d{letter}{layer}", index), "mark")
            for letter in "az"
            if known.symbol(f"dL/d{letter}{layer}")
        ]
        if len(gradients) == 2 and gradients[1][3] is None and gradients[0][3] is not None:  # the newest that is known
            gradients = [(1, *gradients[0][1:]), (3, *gradients[1][1:])]
        return facts + gradients

    def _gradient_name(self, id: str, unit: int, room: int) -> str:
        """∂L/∂z₁ in full where a number fits beside it, else ∂z₁, else ∂; the same before and after it is known."""
        full, brief = self.known.name(id, (unit,)), "∂" + self.known.name(id.partition("/d")[2], (unit,))
        return next((name for name, size in ((full, 9), (brief, 6)) if width(name) + size <= room), "∂")

    def _unit(self, canvas: Canvas, column: _Column, unit: int, row: int) -> None:
        layer, known = column.layer, self.known
        lit, chosen = self.lit.unit(layer, unit), self.selected == _unit_item(layer, unit)
        facts = self._facts(layer, unit)
        many = column.high - 2 if column.boxed else column.high
        kept = sorted(sorted(facts, key=lambda fact: fact[0])[:many], key=facts.index)
        if not column.boxed:
            kept.sort(key=lambda fact: fact[0] == 1)  # the name first
        inner = column.size - (4 if column.boxed else 1)
        top, left = (row + 1, column.left + 2) if column.boxed else (row, column.left + 1)
        if column.boxed:
            _draw_box(canvas, column.left, column.size, row, column.high, lit, chosen)
        for nth in range(many):
            if nth >= len(kept):
                break
            _, id, name, value, style = kept[nth]
            if style == "mark":
                if value is None and not column.boxed:
                    continue
                name = self._gradient_name(id, unit, inner)
            new = known.is_step(id, (unit,)) and value is not None
            text = short(value, max(min(inner - 1 - width(name), 10), 4))
            label = fitted(name, inner - width(text) - 1)
            first = id in (f"a{layer}", "x")
            canvas.text(left, top + nth, label, "cell" if chosen and first else "lit" if lit and first else "dim")
            shown = "value" if new else "dim" if value is None else "lit" if lit and style != "mark" else style
            canvas.text(left + inner - width(text) if column.boxed else left + width(label) + 1, top + nth, text, shown)
        middle = column.middle(row)
        arrived = layer and known.has(f"z{layer}", (unit,))
        current = known.step.phase == "forward" and known.is_step(f"z{layer}", (unit,))
        if lit:
            canvas.text(column.left + (1 if column.boxed else 0), self._name_row(kept, layer, top), "▶", "value")
        if arrived and column.boxed and column.left:
            canvas.text(column.left - 1, middle, "▶", "value" if current else "dim")
        if self._walked(layer, unit):
            now = self.backward and lit and (known.is_step(f"dL/da{layer}", (unit,)) or layer == 0)
            canvas.text(column.left + column.size, middle, "◀", "value" if now else "mark")

    @staticmethod
    def _name_row(kept: list, layer: int, top: int) -> int:
        own = f"a{layer}" if layer else "x"
        return top + next((nth for nth, fact in enumerate(kept) if fact[1] == own), 0)

    def _loss(self, canvas: Canvas, left: int, size: int, row: int, below: bool) -> Spot:
        known = self.known
        id = "L"
        value = next((known.value(id) for id in ("L",) if known.has(id)), None)
        symbol = known.symbols.get("L@") if known.trace.examples > 1 else None
        if symbol and not known.has("L"):  # this example's own, before the mean
            ref = Ref(symbol, None, known.example)
            value = float(known.trace.value(ref)) if known.order[symbol.key] <= known.cursor.at else None
        lit, chosen = self.lit.loss, self.selected == ("L", ())
        name = fitted(known.name(id), 5)
        number_ = short(value, 10 if below else size - 2 - width(name))
        canvas.text(left, row, "▶" if lit else " ", "value")
        canvas.text(left + 1, row, name, "cell" if chosen else "lit" if lit else "heading")
        style = "value" if known.is_step(id) else "lit" if lit else "numbers"
        canvas.text(left + 2 + width(name), row, number_, style)
        target = known.ref("y")
        used = 2 + width(name) + width(number_)
        if target:
            text = linear(known.writer.value(known.trace.value(target)), 4)
            text = text[1:-1] if text.startswith("[") and "," not in text else text
            text = f"{known.name('y')} {text}"
            if below:
                canvas.text(left + used + 2, row, fitted(text, size - used - 2), "dim")
            else:
                canvas.text(left + 1, row + 1, fitted(text, size - 1), "dim")
        return Spot((id, ()), known.step_id((id, ())), left, row, used if below else size, 1 if below else 2)

    # ------------------------------------------------------------ labels of edges

    def _labels(self, canvas: Canvas, plan: _Plan) -> list[Spot]:
        """The weights' names and values on their edges, as many as have a place; gradients under them."""
        spots = []
        for left, right in self._pairs(plan):
            x0, x1 = self._x(left, right)
            room = (x1 - x0) // 2
            to, start, y0, y1 = self._ends(left, right)
            edges = list(zip(to.tolist(), start.tolist(), y0.tolist(), y1.tolist(), strict=True))
            lit = [edge for edge in edges if self.lit.edge(right.layer, edge[0], edge[1])]
            lit.sort(key=lambda edge: (f"W{right.layer}", edge[:2]) != self.selected)
            chosen = [edge for edge in edges if (f"W{right.layer}", (edge[0], edge[1])) == self.selected]
            everyone = len(edges) <= 12 and room >= 20
            few = room >= 12 and len(lit) <= 6
            wanted = [*chosen, *(lit if few else []), *(edges if everyone else [])]
            for edge in dict.fromkeys(wanted):
                spot = self._label(canvas, right.layer, edge, x0, x1, edge in lit, room)
                spots += [spot] if spot else []
        return spots

    def _label(
        self, canvas: Canvas, layer: int, edge: tuple[int, int, float, float], x0: int, x1: int, lit: bool, room: int
    ) -> Spot | None:  # fmt: skip
        known, (to, start, y0, y1) = self.known, edge
        id, index = f"W{layer}", (to, start)
        item: Item = (id, index)
        name = known.name(id, index)
        value = short(known.value(id, index), 9)
        gradient = known.value(f"dL/d{id}", index)
        texts = [f"{name} {value}" if room >= 20 else value]
        if gradient is not None and (room >= 20 or (lit and room >= 14)):
            texts.append(f"∂ {short(gradient, 9)}")
        size = max(map(width, texts))
        if room < size + 4 and room < 9:
            return None
        best = None
        for share in (0.5, 0.36, 0.64, 0.24, 0.76, 0.3, 0.7, 0.43, 0.57, 0.16, 0.84):
            x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
            column, row = int(x / 2 - size / 2), int(y // 4)
            column = min(max(column, x0 // 2), x1 // 2 + 1 - size)
            for up in (0, -1) if len(texts) > 1 else (0,):
                if any(canvas.taken(column - 1, row + up + n, size + 2) for n in range(len(texts))):
                    continue
                cost = sum(canvas.inked(column - 1, row + up + n, size + 2) for n in range(len(texts)))
                if best is None or cost < best[0]:
                    best = (cost, column, row + up)
        if best is None:
            return None
        _, column, row = best
        chosen = item == self.selected
        for nth, text in enumerate(texts):
            style = "cell" if chosen else "mark" if nth else "lit" if lit else "numbers"
            if nth and known.is_step(f"dL/d{id}", index):
                style = "value"
            canvas.text(column, row + nth, text, style, gap=1)
        return Spot(item, known.step_id(item), column, row, size, len(texts))

    def _legend(self, canvas: Canvas, plan: _Plan) -> None:
        row = self.rows - 1
        if self.selected:
            canvas.text(1, row, fitted(" · ".join(item_facts(self.known, self.selected)), self.columns - 1), "value")
            return
        parts = [("━━ plus", "plus3"), ("╌╌ minus", "minus3"), ("thicker: larger", "dim"), ("▶ this step", "value")]
        parts += [("◀ ∂ blame has come back", "mark"), ("· not known yet", "dim")]
        at = 1
        for text, style in parts:
            if at + width(text) > self.columns:
                break
            canvas.text(at, row, text, style)
            at += width(text) + 3


# ---------------------------------------------------------------- a circuit

_SIGNS = {
    "add": "+", "sub": "−", "mul": "×", "div": "÷", "neg": "−()", "pow": "^", "exp": "exp", "log": "ln", "sqrt": "√",
    "max": "max", "min": "min", "abs": "| |", "linear": "=",
}  # fmt: skip
_INPUT_STUB = 2


@dataclass
class _Node:
    """A gate, an input, or (`name` None) a wire passing through a column."""

    name: str | None
    of: str  # the name of the wire
    sign: str = ""
    row: int = 0


class _CircuitPicture:
    """Gates in columns by depth; each has its wire to the right, the value above it and the gradient below."""

    def __init__(
        self, known: Known, columns: int, rows: int, lit: tuple[Item, ...] | None, selected: Item | None
    ):  # fmt: skip
        self.known, self.columns, self.rows, self.selected = known, columns, rows, selected
        circuit = known.trace.lesson.circuit
        assert circuit
        self.circuit = circuit
        forward = [eq for eq in known.trace.equations if eq.phase == "forward"]
        self.takes = {eq.symbol.id: [ref.symbol.id for ref in refs(eq.formula)] for eq in forward}
        self.signs = {name: "" for name in circuit.inputs} | {eq.symbol.id: self._sign(eq.formula) for eq in forward}
        step = known.step
        if lit is None:
            wrt = step.equation.symbol.wrt
            self.lit = {(r.symbol.wrt or r.symbol).id for r in step.operands} | {(wrt or step.equation.symbol).id}
        else:
            self.lit = {id for id, _ in lit}
        self.about = (step.equation.symbol.wrt or step.equation.symbol).id

    def _sign(self, formula) -> str:
        if not isinstance(formula, Call):
            return "="
        args = formula.args
        sign = _SIGNS.get(formula.op) or self.known.writer.function(formula.op, False)
        constants = [number(arg.value) for arg in args if isinstance(arg, Const)]
        if formula.op == "div" and constants and isinstance(args[0], Const):
            return f"{constants[0]}÷"
        if formula.op == "pow":
            return f"^{number(formula.param)}" if formula.param is not None else "^"
        return sign + (constants[0] if constants and formula.op in ("add", "sub", "mul", "div") else "")

    def _depths(self) -> dict[str, int]:
        depth = {name: 0 for name in self.circuit.inputs}
        for name, takes in self.takes.items():
            depth[name] = 1 + max((depth[t] for t in takes), default=0)
        for name in self.circuit.inputs:  # an input stands just before the first gate that takes it
            users = [depth[gate] for gate, takes in self.takes.items() if name in takes]
            depth[name] = min(users, default=1) - 1
        return depth

    def draw(self) -> Diagram | None:
        depth = self._depths()
        last = max(depth.values())
        names = max(width(name) for name in depth)
        signs = max(width(sign) for sign in self.signs.values())
        for padding, least in ((4, 22), (4, names + 9), (2, names + 8), (2, 8)):
            box, stub = signs + padding, least
            fan = min((self.columns - (box + stub) * (last + 1)) // max(last, 1), 20)
            if fan >= 6 or (padding == 2 and fan >= 4):
                break
        fan = max(fan, 4)
        size = box + stub
        many = max(1, (self.columns + fan) // (size + fan))
        focus = depth.get(self.selected[0] if self.selected else self.about, 0)
        first = max(0, min(focus - many // 2, last + 1 - many))
        shown = range(first, min(first + many, last + 1))
        columns = self._ordered(depth, shown)
        body = self.rows - (1 if self.rows >= 14 else 0)
        top = 0
        if len(shown) <= last:
            top, body = 1, body - 1
        if any(sum(3 if node.name else 1 for node in column) > body for column in columns):
            return None
        slack = min((body - sum(map(self._high, column))) // max(len(column), 1) for column in columns)
        for column in columns:
            self._place(column, top, body)
        self._straighten(columns, top, body, min(max(slack, 0), 3))
        canvas = Canvas(self.columns, self.rows)
        margin = max(0, (self.columns - len(shown) * (size + fan) + fan) // 2)
        lefts = {d: margin + n * (size + fan) for n, d in enumerate(shown)}
        self._wires(canvas, columns, lefts, size, box)
        spots = []
        for d, column in zip(shown, columns, strict=True):
            for node in column:
                if node.name:
                    spots.append(self._node(canvas, node, lefts[d], box, size))
        if top:
            if first:
                canvas.text(0, 0, f"◀ {first} more", "key")
            if shown[-1] < last:
                text = f"{last - shown[-1]} more ▶"
                canvas.text(self.columns - width(text), 0, text, "key")
        if self.rows >= 14:
            self._legend(canvas)
        return Diagram(canvas.picture(), tuple(spots))

    def _ordered(self, depth: dict[str, int], shown: range) -> list[list[_Node]]:
        """The nodes of each column, and the wires passing through, so that few of them cross."""
        columns: list[list[_Node]] = [[] for _ in shown]
        for name, d in depth.items():
            if d in shown:
                columns[d - shown[0]].append(_Node(name, name, self.signs[name]))
        for name, d in depth.items():
            far = max((depth[gate] for gate, takes in self.takes.items() if name in takes), default=d)
            for between in range(max(d + 1, shown[0]), min(far, shown[-1] + 1)):
                columns[between - shown[0]].append(_Node(None, name))
        for _ in range(4):  # by the mean place of the neighbours: Sugiyama, Tagawa and Toda 1981
            for n in range(1, len(columns)):
                self._sort(columns[n], columns[n - 1], self._before)
            for n in range(len(columns) - 2, -1, -1):
                self._sort(columns[n], columns[n + 1], self._after)
        return columns

    def _before(self, node: _Node) -> Iterable[str]:
        return self.takes.get(node.name, []) if node.name else [node.of]

    def _after(self, node: _Node) -> Iterable[str]:
        return [gate for gate, takes in self.takes.items() if node.of in takes] + [node.of]

    def _sort(self, column: list[_Node], beside: list[_Node], neighbours: Callable[[_Node], Iterable[str]]) -> None:
        place = {node.of: at / max(len(beside) - 1, 1) for at, node in enumerate(beside)}
        own = {id(node): at / max(len(column) - 1, 1) for at, node in enumerate(column)}

        def mean(node: _Node) -> float:
            found = [place[name] for name in neighbours(node) if name in place]
            return sum(found) / len(found) if found else own[id(node)]

        column.sort(key=mean)

    @staticmethod
    def _high(node: _Node) -> int:
        return 3 if node.name else 1

    def _place(self, column: list[_Node], top: int, body: int) -> None:
        free = body - sum(map(self._high, column))
        gap = min(free / max(len(column), 1), 4)
        row = top + (body - sum(map(self._high, column)) - gap * (len(column) - 1)) / 2
        for node in column:
            node.row = int(row) + (1 if node.name else 0)  # the row of the wire
            row += self._high(node) + gap

    def _straighten(self, columns: list[list[_Node]], top: int, body: int, apart: int) -> None:
        """Move nodes towards what they are connected with, as far as their neighbours above and below allow."""
        for sweep in range(6):
            order = range(1, len(columns)) if sweep % 2 == 0 else range(len(columns) - 2, -1, -1)
            for n in order:
                beside = columns[n - 1 if sweep % 2 == 0 else n + 1]
                rows = {node.of: node.row for node in beside}
                neighbours = self._before if sweep % 2 == 0 else self._after
                column = columns[n]
                for at, node in enumerate(column):
                    found = [rows[name] for name in neighbours(node) if name in rows]
                    if not found:
                        continue
                    half = 1 if node.name else 0
                    low, high = top + half, top + body - 1 - half
                    if at:
                        above = column[at - 1]
                        low = (
                            above.row + (1 if above.name else 0) + 1 + half + (apart if node.name and above.name else 0)
                        )
                    if at + 1 < len(column):
                        below = column[at + 1]
                        high = (
                            below.row - (1 if below.name else 0) - 1 - half - (apart if node.name and below.name else 0)
                        )
                    node.row = max(low, min(round(sum(found) / len(found)), high))

    def _wires(self, canvas: Canvas, columns: list[list[_Node]], lefts: dict[int, int], size: int, box: int) -> None:
        places = list(lefts.values())
        known = self.known
        output = known.trace.program.model.output.id
        for n, column in enumerate(columns):
            for node in column:
                lit = node.of in self.lit
                walked = known.has(f"d{output}/d{node.of}")
                style = "lit" if lit else "walked" if walked else "plus2"
                thick = 3 if lit else 1
                y = node.row * 4 + 1.5
                start = (places[n] + box) * 2 if node.name and self.signs[node.name] else places[n] * 2
                canvas.line(start, y, (places[n] + size) * 2, y, style, thick)
                if n + 1 == len(columns):
                    continue
                for target in columns[n + 1]:
                    takes = self.takes.get(target.name or "", [])
                    if (target.name and node.of in takes) or (target.name is None and target.of == node.of):
                        same = lit and (target.name is None or target.name in self.lit)
                        ports = takes.index(node.of) * 2 - len(takes) + 1 if target.name and len(takes) > 1 else 0
                        end = target.row * 4 + 1.5 + max(-1, min(ports, 1))
                        kind = "lit" if same else "walked" if walked else "plus2"
                        canvas.line(
                            (places[n] + size) * 2, y, places[n + 1] * 2 - 1, end, kind, 3 if same else 1
                        )  # fmt: skip

    def _node(self, canvas: Canvas, node: _Node, left: int, box: int, size: int) -> Spot:
        known, name = self.known, node.name
        assert name
        row, lit, chosen = node.row, name in self.lit, self.selected == (name, ())
        stub_left = left
        if self.signs[name]:
            _draw_box(canvas, left, box, row - 1, 3, lit, chosen)
            before = (box - 2 - width(self.signs[name])) // 2
            canvas.text(left + 1 + before, row, self.signs[name], "lit" if lit else "heading")
            stub_left = left + box
        room = left + size - stub_left
        output = known.trace.program.model.output.id
        value, back = known.value(name), known.value(f"d{output}/d{name}")
        if name == output and known.trace.equations[max(known.cursor.at, 0)].phase != "forward":
            back = 1.0  # where the backward pass begins
        mark = "▶" if lit else " "
        title = fitted(name, room - 4)
        at = stub_left
        canvas.text(at, row - 1, mark, "value")
        canvas.text(at + 1, row - 1, title, "cell" if chosen else "lit" if lit else "heading")
        new = known.is_step(name)
        canvas.text(
            at + 2 + width(title), row - 1, short(value, room - 2 - width(title)),
            "value" if new else "lit" if lit else "numbers",
        )  # fmt: skip
        if back is not None:
            now = known.step.equation.symbol.wrt is not None and known.step.equation.symbol.wrt.id == name
            canvas.text(at + 1, row + 1, "◀∂ " + short(back, room - 4), "value" if now else "mark")
        return Spot((name, ()), known.step_id((name, ())), left, row - 1, size, 3)

    def _legend(self, canvas: Canvas) -> None:
        if self.selected:
            said = fitted(" · ".join(item_facts(self.known, self.selected)), self.columns)
            canvas.text(0, self.rows - 1, said, "value")
            return
        at = 1
        parts = [("value above the wire", "numbers"), ("◀∂ gradient below", "mark"), ("▶ this step", "value")]
        for text, style in (*parts, ("· not known yet", "dim")):
            if at + width(text) <= self.columns:
                canvas.text(at, self.rows - 1, text, style)
            at += width(text) + 3


# ---------------------------------------------------------------- in words


def move(trace: Trace, drawn: Diagram, selected: Item, down: int, right: int) -> Item:
    """The item beside the selected one: in a network units and the edges between layers take turns from left to
    right (an edge leads to the units at its ends); in a circuit the nearest gate in that direction."""
    network = trace.lesson.network
    if network is None:
        return _nearest(drawn, selected, down, right)
    widths = [network.inputs, *(layer.units for layer in network.layers)]
    last = len(widths) - 1
    id, index = selected
    if id[:1] == "W":
        layer, (to, start) = int(id[1:]), index
        if right:
            return _unit_item(layer, to) if right > 0 else _unit_item(layer - 1, start)
        nth = (start * widths[layer] + to + down) % (widths[layer] * widths[layer - 1])
        return (id, (nth % widths[layer], nth // widths[layer]))
    if id == "L":
        return _unit_item(last, 0) if right < 0 else selected
    layer, unit = int(id[1:] or 0), index[0]
    if right > 0:
        return (f"W{layer + 1}", (0, unit)) if layer < last else ("L", ())
    if right < 0:
        return (f"W{layer}", (unit, 0)) if layer else selected
    return _unit_item(layer, (unit + down) % widths[layer])


def _unit_item(layer: int, unit: int) -> Item:
    return (f"a{layer}" if layer else "x", (unit,))


def _nearest(drawn: Diagram, selected: Item, down: int, right: int) -> Item:
    here = next((spot for spot in drawn.spots if spot.item == selected), None)
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
    network = trace.lesson.network
    if network is None:
        return (symbol.id, ())
    index = step.index if step.index and len(step.index) == len(symbol.shape) else (0,) * len(symbol.shape)
    if symbol.quantity == "weights":
        return (symbol.id, index)
    return _unit_item(symbol.layer, index[0]) if symbol.layer and index else ("L", ())


def natural_rows(trace: Trace, most: int) -> int:
    """How many rows a picture of this lesson is good for, at most `most`."""
    if trace.lesson.circuit:
        return min(most, 4 * len(trace.lesson.circuit.inputs) + 4)
    assert trace.lesson.network
    widths = [trace.lesson.network.inputs, *(layer.units for layer in trace.lesson.network.layers)]
    return min(most, 7 * max(min(n, MOST_UNITS) for n in widths) + 2)


def item_facts(known: Known, item: Item) -> list[str]:
    """What is known of an item, each as name = value; for the line below a picture and for line mode."""
    id, index = item
    at = index or None
    loss = known.trace.program.model.output.id
    wanted = [(id, at)]
    if known.trace.lesson.network:
        if id[:1] == "a":
            wanted = [(f"b{id[1:]}", at), (f"z{id[1:]}", at), (id, at), (f"dL/d{id}", at), (f"dL/dz{id[1:]}", at)]
        elif id[:1] == "W":
            wanted = [(id, at), (f"dL/d{id}", at), (f"{id}'", at)]
    else:
        wanted = [(id, at), (f"d{loss}/d{id}", at), (f"{id}'", at)]
    found = []
    for one, where in wanted:
        value = known.value(one, where)
        if known.symbol(one) and (value is not None or one == id):
            found.append(f"{known.name(one, where)} = {'·' if value is None else number(value)}")
    return found


MOST_NAMED = 40  # units of a layer that line mode lists


def tell(trace: Trace, scribe: Scribe, step: Step, cursor: Cursor) -> list[str]:
    """The picture in words: layer by layer its units, or gate by gate, with what is known of each."""
    known = Known(trace, scribe, step, cursor)
    if trace.lesson.circuit:
        return _tell_circuit(known)
    assert trace.lesson.network
    lit = _lit_by_step(known)
    lines = []
    widths = [trace.lesson.network.inputs, *(layer.units for layer in trace.lesson.network.layers)]
    for layer, count in enumerate(widths):
        name = "input" if layer == 0 else "output" if layer == len(widths) - 1 else f"layer {layer}"
        if layer:
            activation = trace.lesson.network.layers[layer - 1].activation
            name += f", {scribe.writer.function(activation, layer == len(widths) - 1)}"
            symbol = scribe.symbols[f"W{layer}"]
            weights = linear(scribe.writer.value(trace.value(Ref(symbol))), 6)
            lines.append(f"  weights {scribe.writer.text(Ref(symbol))} = {weights}")
            gradient = known.ref(f"dL/dW{layer}")
            if gradient and known.has(f"dL/dW{layer}", tuple(n - 1 for n in symbol.shape)):
                value = linear(scribe.writer.value(trace.value(gradient)), 6)
                lines.append(f"  blame   {scribe.writer.text(gradient)} = {value}")
        lines.append(f"{name}: {count:,} unit{'s' if count > 1 else ''}")
        shown = range(count) if count <= MOST_NAMED else (*range(MOST_NAMED - 1), count - 1)
        for unit in shown:
            if unit - 1 not in shown and unit:
                lines.append(f"    … {count - MOST_NAMED:,} more …")
            facts = item_facts(known, (f"a{layer}" if layer else "x", (unit,)))
            lines.append(f"  {'>' if lit.unit(layer, unit) else ' '} " + "   ".join(facts))
    target = known.ref("y")
    if target:
        lines.append(f"target: {linear(scribe.writer.value(trace.value(target)), 12)}")
    lines.append(f"  {'>' if lit.loss else ' '} " + "   ".join(item_facts(known, ("L", ()))))
    return lines


def _tell_circuit(known: Known) -> list[str]:
    picture = _CircuitPicture(known, 80, 24, None, None)
    lines = []
    formulas = {
        eq.symbol.id: linear(known.writer.formula(eq.formula)) for eq in known.trace.equations if eq.phase == "forward"
    }
    for name in picture.signs:
        made = f" ({formulas[name]})" if name in formulas else " (input)"
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
        picture.append(((fitted(text, columns), "lit" if lit else "" if text.startswith(" ") else "title"),))
    return Diagram(tuple(picture), ())
