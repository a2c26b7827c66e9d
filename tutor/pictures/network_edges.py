"""The edges of a network's picture: the weights as lines, those that are lit over them, the labels in their places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tutor.engine.expressions import Ref, Symbol
from tutor.engine.floats import quietly
from tutor.pictures.canvas import Canvas
from tutor.pictures.lit import Lit
from tutor.pictures.network_plan import Column, Plan
from tutor.pictures.scene import Item, Known, Spot, short
from tutor.text.cells import width

MOST_EDGES = 48  # between two layers; of more the largest are drawn, and it is said
_DASH = (4, 3)
_FAINT = (1, 3)
_Edge = tuple[int, int, float, float]  # to, from, and the rows of dots where it begins and ends
_Place = tuple[int, int, int, int]  # column, row, columns, rows


class Drawn:
    """What was drawn of a trace's networks, by size and plan: all edges, and where the labels of some of them stand."""

    def __init__(self) -> None:
        self.edges: dict[tuple[int, int, Plan], Canvas] = {}
        self.places: dict[tuple[int, int, Plan, int, tuple[_Edge, ...]], list[_Place | None]] = {}

    def make_room(self) -> None:
        """Forget what was drawn long ago."""
        for size in list(self.edges)[:-20]:
            del self.edges[size]
        for labels in list(self.places)[:-40]:
            del self.places[labels]


@dataclass(frozen=True)
class Edges:
    """The edges of a network's picture, and their labels."""

    known: Known
    plan: Plan
    columns: int
    rows: int
    lit: Lit
    selected: Item | None

    def pairs(self) -> list[tuple[Column, Column]]:
        """The neighbours among the layers that are shown, from the left."""
        return list(zip(self.plan.columns, self.plan.columns[1:], strict=False))

    def _ends(self, left: Column, right: Column) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Edges between two columns as arrays: to, from, and their rows of dots."""
        starts, ends = np.array(left.units), np.array(right.units)
        to, start = np.repeat(ends[:, 0], len(starts)), np.tile(starts[:, 0], len(ends))
        rows = [[column.middle(row) * 4 + 1.5 for _, row in column.units] for column in (left, right)]
        return to, start, np.tile(rows[0], len(ends)), np.repeat(rows[1], len(starts))

    @staticmethod
    def _x(left: Column, right: Column) -> tuple[int, int]:
        """The dots where edges begin and end; a cell on either side is for the arrow."""
        return (left.left + left.size + 1) * 2, right.left * 2 - 3

    def _symbol(self, layer: int) -> Symbol:
        """The weights of the edges that lead to a layer."""
        return self.known.model.layers[layer - 1].weights

    def _weights(self, layer: int) -> np.ndarray:
        return np.asarray(self.known.trace.value(Ref(self._symbol(layer))))

    def most(self, left: Column, right: Column) -> int:
        """How many edges between two layers are drawn: fewer where there is little room to tell them apart."""
        x0, x1 = self._x(left, right)
        return max(12, min(MOST_EDGES, (x1 - x0) * 2 // 3))

    def _sizes(
        self, layer: int, to: np.ndarray, start: np.ndarray, most: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The weights of some edges, their sizes (1: the layer's largest), and which are large enough to be drawn."""
        weights = self._weights(layer)
        w = weights[to, start]
        with quietly():
            size = np.nan_to_num(np.abs(w) / np.max(np.abs(weights), initial=0, where=np.isfinite(weights)), posinf=1.0)
        keep = np.ones(len(w), dtype=bool)
        if len(w) > most:
            keep[np.argsort(-size, kind="stable")[most:]] = False
        return w, size, keep

    def drawn(self) -> Canvas:
        """All edges by weight: the part of the picture that stays, so it is kept for the next step."""
        drawn, key = self.known.scribe.memo.of(Drawn), (self.columns, self.rows, self.plan)
        if key not in drawn.edges:
            drawn.make_room()
            canvas = Canvas(self.columns, self.rows)
            for left, right in self.pairs():
                self._edges_between(canvas, left, right)
            drawn.edges[key] = canvas
        return drawn.edges[key]

    def _edges_between(self, canvas: Canvas, left: Column, right: Column) -> None:
        to, start, y0, y1 = self._ends(left, right)
        x0, x1 = self._x(left, right)
        if x1 <= x0:
            return
        w, size, keep = self._sizes(right.layer, to, start, self.most(left, right))
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

    def light(self, canvas: Canvas) -> None:
        """Draw the edges that are lit or pointed at over the others."""
        for left, right in self.pairs():
            pointed = self.selected[1] if self.selected and self.selected[0] == self._symbol(right.layer).id else None
            if not pointed and all(layer != right.layer for layer, _, _ in self.lit.edges):
                continue
            to, start, y0, y1 = self._ends(left, right)
            x0, x1 = self._x(left, right)
            on = np.array([self.lit.edge(right.layer, t, s) for t, s in zip(to.tolist(), start.tolist(), strict=True)])
            if pointed:
                on |= (to == pointed[0]) & (start == pointed[1])
            if not on.any() or x1 <= x0:
                continue
            most = self.most(left, right)
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

    def to_loss(self, canvas: Canvas) -> None:
        """Draw the lines from the outputs to the loss beside them."""
        assert self.plan.loss
        left, _, row = self.plan.loss
        last = self.plan.columns[-1]
        x0, x1 = (last.left + last.size + 1) * 2, left * 2 - 3
        lit = np.array([self.lit.outputs and self.lit.unit(last.layer, unit) for unit, _ in last.units], dtype=bool)
        tops = np.array([last.middle(top) * 4 + 1.5 for _, top in last.units])
        for which, style, thick in ((~lit, "axis", 1), (lit, "lit", 2)):
            many = int(which.sum())
            canvas.segments([x0] * many, tops[which], [x1] * many, [row * 4 + 1.5] * many, style, thick)

    def labels(self, canvas: Canvas) -> list[Spot]:
        """The weights' names and values on their edges, as many as have a place; gradients under them."""
        spots = []
        for left, right in self.pairs():
            x0, x1 = self._x(left, right)
            room = (x1 - x0) // 2
            to, start, y0, y1 = self._ends(left, right)
            edges = list(zip(to.tolist(), start.tolist(), y0.tolist(), y1.tolist(), strict=True))
            lit = [edge for edge in edges if self.lit.edge(right.layer, edge[0], edge[1])]
            chosen = [edge for edge in edges if (self._symbol(right.layer).id, (edge[0], edge[1])) == self.selected]
            body = self.rows - self.plan.head - self.plan.foot
            if room >= 20 and len(edges) * 26 <= 0.3 * room * body:  # labels of two rows leave most of the lines free
                wanted = edges
            else:
                wanted = list(dict.fromkeys([*chosen, *(lit if room >= 12 and len(lit) <= 6 else [])]))
            for edge, place in zip(wanted, self._places(right.layer, wanted, x0, x1), strict=True):
                if place:
                    spots.append(self._label(canvas, right.layer, edge, place, edge in lit))
        return spots

    def _places(self, layer: int, wanted: list[_Edge], x0: int, x1: int) -> list[_Place | None]:
        """Where the labels of edges stand: on their own line, covering few dots and no other label.

        There is room for the gradient from the start, so that labels stay where they are from step to step.
        """
        places = self.known.scribe.memo.of(Drawn).places
        key = (self.columns, self.rows, self.plan, layer, tuple(wanted))
        if key not in places:
            canvas, name = self.drawn().copy(), (x1 - x0) // 2 >= 20
            places[key] = [self._place(canvas, layer, edge, x0, x1, name) for edge in wanted]
        return places[key]

    def _place(self, canvas: Canvas, layer: int, edge: _Edge, x0: int, x1: int, name: bool) -> _Place | None:
        to, start, y0, y1 = edge
        id = self._symbol(layer).id
        text = short(self.known.value(id, (to, start)), 9)
        size = max(width(f"{self.known.name(id, (to, start))} {text}" if name else text), 11 if name else 9)
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
        known, symbol, index = self.known, self._symbol(layer), (edge[0], edge[1])
        id, blame = symbol.id, known.gradient(symbol)
        column, row, size, high = place
        value = short(known.value(id, index), 9)
        text = f"{known.name(id, index)} {value}"
        texts = [text if width(text) <= size else value]
        gradient = known.value(blame, index)
        if gradient is not None and high > 1:
            texts.append(f"∂ {short(gradient, size - 2)}")
        item: Item = (id, index)
        for nth, text in enumerate(texts):
            style = "cell" if item == self.selected else "mark" if nth else "lit" if lit else "numbers"
            if nth and known.is_step(blame, index):
                style = "value"
            canvas.text(column, row + nth, text, style, gap=1)
        return Spot(item, known.step_id(item), column, row, size, len(texts))
