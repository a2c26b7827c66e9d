"""The picture of a network: layers of units side by side, the weights as edges between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import Ref, Symbol
from tutor.pictures.canvas import Canvas
from tutor.pictures.scene import Diagram, Item, Known, Spot, Whole, draw_box, fitted, item_facts, short, unit_item
from tutor.text.layout import linear, width

MOST_EDGES = 48  # between two layers; of more the largest are drawn, and it is said
MOST_UNITS = 9  # that are shown of a layer too large to be shown whole
_DASH = (4, 3)
_FAINT = (1, 3)
_Edge = tuple[int, int, float, float]  # to, from, and the rows of dots where it begins and ends
_Place = tuple[int, int, int, int]  # column, row, columns, rows


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


def lit_by_step(known: Known) -> _Lit:
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
    if step.equation.rule in ("loss", "loss_gradient", "combined_error", "softmax_gradient", "mean_loss", "sum_loss"):
        lit.outputs = lit.loss = step.equation.rule != "softmax_gradient"
    return lit


def _light(lit: _Lit, symbol: Symbol, index: Whole) -> None:
    if symbol.quantity == "weights":
        to, start = index if index and len(index) == 2 else (None, None)
        lit.edges.add((symbol.layer or 0, to, start))
    elif symbol.quantity in ("target", "loss", "objective"):
        lit.loss = True
    elif symbol.layer is not None and symbol.quantity != "hyper":
        lit.units.add((symbol.layer, index[0] if index else None))


def lit_by_items(known: Known, items: Sequence[Item]) -> _Lit:
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


class _Drawn:
    """What was drawn of a trace's networks, by size and plan: all edges, and where the labels of some of them stand."""

    def __init__(self) -> None:
        self.edges: dict[tuple[int, int, _Plan], Canvas] = {}
        self.places: dict[tuple[int, int, _Plan, int, tuple[_Edge, ...]], list[_Place | None]] = {}

    def make_room(self) -> None:
        """Forget what was drawn long ago."""
        for size in list(self.edges)[:-20]:
            del self.edges[size]
        for labels in list(self.places)[:-40]:
            del self.places[labels]


class NetworkPicture:
    def __init__(
        self, known: Known, columns: int, rows: int, lit: tuple[Item, ...] | None, selected: Item | None
    ):  # fmt: skip
        self.known, self.columns, self.rows, self.selected = known, columns, rows, selected
        network = known.trace.lesson.network
        assert network
        self.network = network
        self.widths = [network.inputs, *(layer.units for layer in network.layers)]
        self.path = lit is not None
        self.lit = lit_by_step(known) if lit is None else lit_by_items(known, lit)
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
        names = max(width(self.known.name(*unit_item(k, 0))) for k in range(len(self.widths)))
        digits = 13 if high >= 3 else 11 if high == 2 else 10  # what a number takes
        size = names + digits
        longest = max(names, *(self._longest(k) for k in range(1, len(self.widths)))) + digits
        # How broad a unit, how far apart at least, how broad the loss (0: it has a row of its own below).
        tight = max(10, names + 6)
        middling = max(min(size, 13), 10)
        tries = (
            (longest + 4, 30, 15),
            (size + 4, 30, 15),
            (size, 12, 13),
            (middling, 9, 11),
            (tight, 8, 0),
            (tight, 6, 0),
            (9, 6, 0),
        )
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

    def _longest(self, layer: int) -> int:
        """How wide the names of a unit's values are."""
        ids = [id for id in (f"a{layer}", f"z{layer}", f"b{layer}") if self.known.symbol(id)]
        return max(width(self.known.name(id, (0,))) for id in ids)

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
        pitch = min((body - rows) // len(units), 12 if high >= 3 else 4)  # free rows between
        start = head + (body - rows - pitch * (len(units) - 1)) // 2
        placed, gaps, row, before = [], [], start, -1
        for nth, unit in enumerate(units):
            if unit is None:
                after = next(u for u in units[nth:] if u is not None)
                gaps.append((after - before - 1, row))
                row += 1 + pitch
            else:
                placed.append((unit, row))
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
                item = unit_item(column.layer, unit)
                spots.append(Spot(item, self.known.step_id(item), column.left, row, column.size, column.high))
            for count, row in column.gaps:
                canvas.text(column.left + 1, row, fitted(f"⋮ {count:,} more", column.size - 1), "dim")
        if plan.loss:
            left, size, row = plan.loss
            if not plan.below and plan.columns[-1].boxed:
                draw_box(canvas, left, size, row - 1, 4, self.lit.loss, self.selected == ("L", ()))
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

    def _most(self, left: _Column, right: _Column) -> int:
        """How many edges between two layers are drawn: fewer where there is little room to tell them apart."""
        x0, x1 = self._x(left, right)
        return max(12, min(MOST_EDGES, (x1 - x0) * 2 // 3))

    def _sizes(
        self, layer: int, to: np.ndarray, start: np.ndarray, most: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The weights of some edges, their sizes (1: the layer's largest), and which are large enough to be drawn."""
        weights = self._weights(layer)
        w = weights[to, start]
        with np.errstate(all="ignore"):
            size = np.nan_to_num(np.abs(w) / np.max(np.abs(weights), initial=0, where=np.isfinite(weights)), posinf=1.0)
        keep = np.ones(len(w), dtype=bool)
        if len(w) > most:
            keep[np.argsort(-size, kind="stable")[most:]] = False
        return w, size, keep

    def _edges(self, plan: _Plan) -> Canvas:
        """All edges by weight: the part of the picture that stays, so it is kept for the next step."""
        drawn, key = self.known.scribe.memo.of(_Drawn), (self.columns, self.rows, plan)
        if key not in drawn.edges:
            drawn.make_room()
            canvas = Canvas(self.columns, self.rows)
            for left, right in self._pairs(plan):
                self._edges_between(canvas, left, right)
            drawn.edges[key] = canvas
        return drawn.edges[key]

    def _edges_between(self, canvas: Canvas, left: _Column, right: _Column) -> None:
        to, start, y0, y1 = self._ends(left, right)
        x0, x1 = self._x(left, right)
        if x1 <= x0:
            return
        w, size, keep = self._sizes(right.layer, to, start, self._most(left, right))
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
            pointed = self.selected[1] if self.selected and self.selected[0] == f"W{right.layer}" else None
            if not pointed and all(layer != right.layer for layer, _, _ in self.lit.edges):
                continue
            to, start, y0, y1 = self._ends(left, right)
            x0, x1 = self._x(left, right)
            on = np.array([self.lit.edge(right.layer, t, s) for t, s in zip(to.tolist(), start.tolist(), strict=True)])
            if pointed:
                on |= (to == pointed[0]) & (start == pointed[1])
            if not on.any() or x1 <= x0:
                continue
            most = self._most(left, right)
            w, _, keep = self._sizes(right.layer, to, start, most)
            if on.sum() > most:
                on &= keep
            few = on.sum() <= 24
            crowded = on.sum() > (60 if x1 - x0 >= 30 else 6 if x1 - x0 >= 20 else 4)
            light = Canvas(self.columns, self.rows)
            for sign, chosen in (("minus3", w < 0), ("plus3", ~(w < 0))):
                which = on & chosen
                if which.any():
                    ends = np.full(which.sum(), x0), y0[which], np.full(which.sum(), x1), y1[which]
                    thick = 1 if crowded else 2 if on.sum() > 6 or x1 - x0 < 28 else 3
                    light.segments(*ends, "lit" if few else sign, thick, _DASH if sign == "minus3" else ())
            canvas.cover(light, clear=on.sum() <= 6)  # a few stand clear of the lines that they cross

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
            applied = self.network.layers[layer - 1].activation if layer else ""
            sign = f" {writer.function(applied, layer)}" if layer else ""
            own = ACTIVATIONS[applied].glyph if applied in ACTIVATIONS else applied
            both = f"{name}{sign} = {own}" if layer and sign.strip() != own else ""
            heading = next((h for h in (both, name + sign, sign.strip(), name) if h and width(h) <= column.size), "")
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
            most = self._most(left, right)
            if many > most and room > 26:
                said = f" the largest {most} of {total:,} weights "
                said = said if width(said) + 6 <= room else f" {most} of {total:,} weights "
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
        lit, chosen = self.lit.unit(layer, unit), self.selected == unit_item(layer, unit)
        facts = self._facts(layer, unit)
        if not column.boxed:  # until its gradient is known, there is room for z
            facts = [fact for fact in facts if fact[0] == 0 or (fact[0] < 4 and fact[3] is not None)]
        many = column.high - 2 if column.boxed else column.high
        kept = sorted(sorted(facts, key=lambda fact: fact[0])[:many], key=facts.index)
        if not column.boxed:
            kept.sort(key=lambda fact: fact[0] > 0)  # the name first
        inner = column.size - (1 if not column.boxed else 3 if column.size < 16 else 4)
        top, left = (row + 1, column.left + 2) if column.boxed else (row, column.left + 1)
        if column.boxed:
            draw_box(canvas, column.left, column.size, row, column.high, lit, chosen)
        for nth in range(many):
            if nth >= len(kept):
                break
            _, id, name, value, style = kept[nth]
            if style == "mark":
                name = self._gradient_name(id, unit, inner)
            new = known.is_step(id, (unit,)) and value is not None
            # Four digits before the whole name: −0.1 for −0.1485 would be another number.
            text = short(value, max(min(inner - 1 - width(name), 10), 7 if inner >= 10 else 4))
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
    def _name_row(kept: list[Any], layer: int, top: int) -> int:
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
            room = size - used - 2 if below else size - 1
            values = known.writer.value(known.trace.value(target))
            texts = [f"{known.name('y')} {linear(values, limit)}" for limit in (6, 4, 3)]
            array = np.ravel(known.trace.value(target))
            if len(array) > 2 and sorted(array)[-2:] == [0, 1] and not array.min():
                one, names = int(array.argmax()), known.trace.lesson.classes
                texts = [text for text in texts if "…" not in text]  # it hides which one is 1
                texts += [f"class {shown}" for shown in (*names[one : one + 1], one + 1)]
            text = next((text for text in texts if width(text) <= room), texts[-1])
            text = text.replace("[", "").replace("]", "") if "," not in text else text
            if below:
                canvas.text(left + used + 2, row, fitted(text, room), "dim")
            else:
                canvas.text(left + 1, row + 1, fitted(text, room), "dim")
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
            chosen = [edge for edge in edges if (f"W{right.layer}", (edge[0], edge[1])) == self.selected]
            body = self.rows - plan.head - plan.foot
            if room >= 20 and len(edges) * 26 <= 0.3 * room * body:  # labels of two rows leave most of the lines free
                wanted = edges
            else:
                wanted = list(dict.fromkeys([*chosen, *(lit if room >= 12 and len(lit) <= 6 else [])]))
            for edge, place in zip(wanted, self._places(plan, right.layer, wanted, x0, x1), strict=True):
                if place:
                    spots.append(self._label(canvas, right.layer, edge, place, edge in lit))
        return spots

    def _places(self, plan: _Plan, layer: int, wanted: list[_Edge], x0: int, x1: int) -> list[_Place | None]:
        """Where the labels of edges stand: on their own line, covering few dots and no other label.

        There is room for the gradient from the start, so that labels stay where they are from step to step.
        """
        places = self.known.scribe.memo.of(_Drawn).places
        key = (self.columns, self.rows, plan, layer, tuple(wanted))
        if key not in places:
            canvas, name = self._edges(plan).copy(), (x1 - x0) // 2 >= 20
            places[key] = [self._place(canvas, layer, edge, x0, x1, name) for edge in wanted]
        return places[key]

    def _place(self, canvas: Canvas, layer: int, edge: _Edge, x0: int, x1: int, name: bool) -> _Place | None:
        to, start, y0, y1 = edge
        text = short(self.known.value(f"W{layer}", (to, start)), 9)
        size = max(width(f"{self.known.name(f'W{layer}', (to, start))} {text}" if name else text), 11 if name else 9)
        if x1 - x0 < 2 * size + 4:
            return None
        for high in (2, 1):
            best: tuple[int, int, int] | None = None
            for share in (0.5, 0.36, 0.64, 0.24, 0.76, 0.3, 0.7, 0.43, 0.57, 0.16, 0.84):
                column = int((x0 + share * (x1 - x0)) / 2 - size / 2)
                column, row = min(max(column, x0 // 2), x1 // 2 + 1 - size), int((y0 + share * (y1 - y0)) // 4)
                if not any(canvas.taken(column - 1, row + n, size + 2) for n in range(high)):
                    cost = sum(canvas.inked(column - 1, row + n, size + 2) for n in range(high))
                    best = min(best or (cost, column, row), (cost, column, row), key=lambda found: found[0])
            if best:
                for n in range(high):
                    canvas.text(best[1], best[2] + n, "x" * size)
                return best[1], best[2], size, high
        return None

    def _label(self, canvas: Canvas, layer: int, edge: _Edge, place: _Place, lit: bool) -> Spot:
        known, id, index = self.known, f"W{layer}", (edge[0], edge[1])
        column, row, size, high = place
        value = short(known.value(id, index), 9)
        text = f"{known.name(id, index)} {value}"
        texts = [text if width(text) <= size else value]
        gradient = known.value(f"dL/d{id}", index)
        if gradient is not None and high > 1:
            texts.append(f"∂ {short(gradient, size - 2)}")
        item: Item = (id, index)
        for nth, text in enumerate(texts):
            style = "cell" if item == self.selected else "mark" if nth else "lit" if lit else "numbers"
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
        if any(len(a.units) * len(b.units) > self._most(a, b) for a, b in self._pairs(plan)):
            parts.append(("of many weights the largest", "dim"))
        at = 1
        for text, style in parts:
            if at + width(text) > self.columns:
                break
            canvas.text(at, row, text, style)
            at += width(text) + 3
