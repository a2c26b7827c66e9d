"""Where everything of a network's picture stands: the layers side by side, their units below each other, the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutor.pictures.lit import Lit
from tutor.pictures.scene import Known, unit_item
from tutor.text.cells import width
from tutor.text.language import say

MOST_UNITS = 9  # that are shown of a layer too large to be shown whole


# ---------------------------------------------------------------- a network


@dataclass(frozen=True)
class Column:
    """A layer in the picture: its cells, and for each unit shown its first row. `units` None: how many are left out."""

    layer: int
    left: int
    size: int
    high: int  # rows of a unit
    units: tuple[tuple[int, int], ...]  # (unit, first row)
    gaps: tuple[tuple[int, int], ...]  # (how many are left out, row)

    @property
    def boxed(self) -> bool:
        """Whether there is room for a box round each unit."""
        return self.high >= 3

    def middle(self, row: int) -> int:
        """The middle row of a unit that begins at a row."""
        return row + (self.high - 1) // 2 if self.boxed else row


@dataclass(frozen=True)
class Plan:
    """Where everything of a network stands; the same from step to step."""

    columns: tuple[Column, ...]
    loss: tuple[int, int, int] | None  # left, size, row
    below: bool  # the loss stands in the last row, not beside the outputs
    head: int
    foot: int


@dataclass(frozen=True)
class Planner:
    """Lays out the layers of a network, of `widths` units each, in so many cells; what is lit or in focus is shown."""

    known: Known
    widths: Sequence[int]
    columns: int
    rows: int
    lit: Lit
    focus: set[tuple[int, int]]  # units: (layer, unit)

    def plan(self) -> Plan | None:
        """The plan in the tallest boxes that fit; None where two layers have no room beside each other."""
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

    def _across(self, high: int, head: int, foot: int, body: int) -> Plan | None:
        """The layers side by side: all of them, or as many as fit round the one the step is about."""
        names = max(width(self.known.name(*unit_item(self.known.model, k, 0))) for k in range(len(self.widths)))
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
            return Plan(tuple(columns), (0, self.columns, self.rows - 1), True, head, 0)
        loss = None
        if shown[-1] == len(self.widths) - 1:
            place = min(columns[-1].left + size_ + beside, self.columns - loss_size)
            loss = (place, loss_size, head + (body - 1) // 2)
        return Plan(tuple(columns), loss, False, head, foot)

    def _longest(self, layer: int) -> int:
        """How wide the names of a unit's values are."""
        own = self.known.model.layers[layer - 1]
        return max(width(self.known.name(s.id, (0,))) for s in (own.activation, own.pre_activation, own.biases) if s)

    def _column(self, layer: int, left: int, size: int, high: int, head: int, body: int) -> Column:
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
        return Column(layer, left, size, high, tuple(placed), tuple(gaps))

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


def layer_name(layer: int, last: int, number: int | str) -> str:
    """What stands above a layer, of which the inputs are the first (0): 'input', 'layer 1', 'output'."""
    return say("input") if layer == 0 else say("output") if layer == last else say("layer {n}", n=number)
