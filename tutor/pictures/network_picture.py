"""The picture of a network: layers of units side by side, the weights as edges between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import Ref
from tutor.pictures.canvas import Canvas
from tutor.pictures.lit import lit_by_items, lit_by_step
from tutor.pictures.network_edges import Edges
from tutor.pictures.network_plan import Column, Plan, Planner, layer_name
from tutor.pictures.scene import Diagram, Item, Known, Spot, draw_box, item_facts, short, unit_item
from tutor.text.cells import cut, width
from tutor.text.language import say
from tutor.text.layout import linear


@dataclass(frozen=True)
class _Fact:
    """What is said of a unit in a row: the larger `spared`, the sooner it is left out; None: not known yet."""

    spared: int
    id: str
    name: str
    value: float | None
    style: str


class NetworkPicture:
    """The picture of a network at a step; `draw` makes it in at most `columns` × `rows` cells."""

    def __init__(
        self, known: Known, columns: int, rows: int, lit: tuple[Item, ...] | None, selected: Item | None
    ):  # fmt: skip
        self.known, self.columns, self.rows, self.selected = known, columns, rows, selected
        self.model, self.widths = known.model, known.model.widths
        self.path = lit is not None
        self.lit = lit_by_step(known) if lit is None else lit_by_items(known, lit)
        symbol = known.symbol(selected[0]) if selected else None
        self.focus: set[tuple[int, int]] = set()
        if selected and symbol and symbol.layer is not None and selected[1]:
            self.focus = {(symbol.layer, selected[1][0])}
            if symbol.quantity == "weights":
                self.focus.add((symbol.layer - 1, selected[1][1]))
        self.backward = known.step.phase == "backward"

    @property
    def output(self) -> int:
        """The number of the last layer."""
        return len(self.widths) - 1

    # ------------------------------------------------------------ drawing

    def draw(self) -> Diagram | None:
        """The picture, and what one can point at in it; None where there is no room for two layers."""
        plan = Planner(self.known, self.widths, self.columns, self.rows, self.lit, self.focus).plan()
        if plan is None:
            return None
        edges = Edges(self.known, plan, self.columns, self.rows, self.lit, self.selected)
        canvas = edges.drawn().copy()
        spots: list[Spot] = []
        edges.light(canvas)
        if plan.loss and not plan.below:
            edges.to_loss(canvas)
        if plan.head:
            self._heading(canvas, plan, edges)
        for column in plan.columns:
            for unit, row in column.units:
                self._unit(canvas, column, unit, row)
                item = unit_item(self.model, column.layer, unit)
                spots.append(Spot(item, self.known.step_id(item), column.left, row, column.size, column.high))
            for count, row in column.gaps:
                canvas.text(column.left + 1, row, cut(say("⋮ {n} more", n=f"{count:,}"), column.size - 1), "dim")
        if plan.loss:
            left, size, row = plan.loss
            if not plan.below and plan.columns[-1].boxed:
                draw_box(canvas, left, size, row - 1, 4, self.lit.loss, self.selected == ("L", ()))
                left, size = left + 1, size - 3
            spots.append(self._loss(canvas, left, size, row, plan.below))
        spots += edges.labels(canvas)
        if plan.foot:
            self._legend(canvas, edges)
        return Diagram(canvas.picture(), tuple(spots), bool(plan.foot) and not self.selected)

    def _heading(self, canvas: Canvas, plan: Plan, edges: Edges) -> None:
        writer, last = self.known.writer, self.output
        for column in plan.columns:
            layer = column.layer
            name = layer_name(layer, last, writer.layer_number(layer))
            applied = self.model.layers[layer - 1].activation_name if layer else ""
            sign = f" {writer.function(applied, layer)}" if layer else ""
            own = ACTIVATIONS[applied].glyph if applied in ACTIVATIONS else applied
            meant = f"{sign} = {own}" if layer and sign.strip() != own else sign
            heads = (name + meant, meant.strip(), name + sign, sign.strip(), name)
            heading = next((head for head in heads if head and width(head) <= column.size), "")
            first = say("◀{n} more ", n=layer) if column is plan.columns[0] and layer else ""
            first = first if width(first + heading) <= column.size else f"◀{layer} "
            canvas.text(column.left, 0, first or " ", "key")
            canvas.text(column.left + (width(first) or 1), 0, heading, "title")
        if plan.loss and not plan.below:
            canvas.text(plan.loss[0] + 1, 0, say("loss"), "title")
        if after := last - plan.columns[-1].layer:
            text = say(" {n} more ▶", n=after)
            canvas.text(self.columns - width(text), 0, text, "key")
        self._directions(canvas, edges)

    def _directions(self, canvas: Canvas, edges: Edges) -> None:
        """Between two headings: which way values or blame went, and how many weights are drawn if not all."""
        for left, right in edges.pairs():
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
            most = edges.most(left, right)
            if many > most and room > 26:
                said = say(" the largest {n} of {count} weights ", n=most, count=f"{total:,}")
                said = said if width(said) + 6 <= room else say(" {n} of {count} weights ", n=most, count=f"{total:,}")
                canvas.text(start + 1 + (room - width(said)) // 2, 0, said, "dim")

    def _walked_layer(self, layer: int) -> bool:
        """Whether blame has come back over the edges that leave a layer."""
        return self.known.has(self.known.gradient(self.model.units(layer))) if layer else self._inputs_walked(0, 0)

    def _walked(self, layer: int, unit: int) -> bool:
        if layer:
            return self.known.has(self.known.gradient(self.model.units(layer)), (unit,))
        return self._inputs_walked(self.widths[1] - 1, unit)

    def _inputs_walked(self, to: int, unit: int) -> bool:
        """Inputs have no gradient: whether that of the weight from one of them to a unit is known."""
        return self.known.has(self.known.gradient(self.model.layers[0].weights), (to, unit))

    # ------------------------------------------------------------ units

    def _facts(self, layer: int, unit: int) -> list[_Fact]:
        """What there is to say of a unit, in order."""

        def fact(spared: int, id: str, style: str) -> _Fact:
            name = "" if style == "mark" else self.known.name(id, (unit,))
            return _Fact(spared, id, name, self.known.value(id, (unit,)), style)

        known, output = self.known, self.model.units(layer)
        if not layer:
            return [fact(0, output.id, "numbers")]
        own = self.model.layers[layer - 1]
        found = [fact(4, own.biases.id, "dim")] if own.biases else []
        found += [fact(2, own.pre_activation.id, "numbers"), fact(0, output.id, "numbers")]
        slopes = ((3, known.gradient(output)), (1, known.gradient(own.pre_activation)))
        gradients = [fact(spared, id, "mark") for spared, id in slopes if known.symbol(id)]
        if len(gradients) == 2 and gradients[1].value is None and gradients[0].value is not None:
            gradients = [replace(gradients[0], spared=1), replace(gradients[1], spared=3)]  # the newest that is known
        return found + gradients

    def _gradient_name(self, id: str, unit: int, room: int) -> str:
        """∂L/∂z₁ in full where a number fits beside it, else ∂z₁, else ∂; the same before and after it is known."""
        symbol = self.known.symbol(id)
        assert symbol and symbol.wrt
        full, brief = self.known.name(id, (unit,)), "∂" + self.known.name(symbol.wrt.id, (unit,))
        return next((name for name, size in ((full, 9), (brief, 6)) if width(name) + size <= room), "∂")

    def _brief(self, fact: _Fact) -> str:
        """What stands for a name that does not fit: ∂ for a gradient, z for the sum into a unit."""
        symbol = self.known.symbol(fact.id)
        if fact.style == "mark":
            return "∂"
        summed = symbol and symbol.quantity == "pre_activation"
        return self.known.writer.notation.letter if summed else fact.name

    def _unit(self, canvas: Canvas, column: Column, unit: int, row: int) -> None:
        lit, chosen = self.lit.unit(column.layer, unit), self.selected == unit_item(self.model, column.layer, unit)
        facts = self._chosen_facts(column, unit)
        inner = column.size - (1 if not column.boxed else 3 if column.size < 16 else 4)
        top, left = (row + 1, column.left + 2) if column.boxed else (row, column.left + 1)
        if column.boxed:
            draw_box(canvas, column.left, column.size, row, column.high, lit, chosen)
        for nth, fact in enumerate(facts):
            self._fact(canvas, column, unit, fact, (left, top + nth, inner), lit, chosen)
        if lit:
            output = self.model.units(column.layer).id
            own = next((nth for nth, fact in enumerate(facts) if fact.id == output), 0)
            canvas.text(column.left + (1 if column.boxed else 0), top + own, "▶", "value")
        self._arrows(canvas, column, unit, column.middle(row), lit)

    def _chosen_facts(self, column: Column, unit: int) -> list[_Fact]:
        """As many facts as there are rows, in order; without a box the name comes first."""
        facts, many = self._facts(column.layer, unit), column.high - 2 if column.boxed else column.high
        if not column.boxed:  # until its gradient is known, there is room for z
            facts = [fact for fact in facts if fact.spared == 0 or (fact.spared < 4 and fact.value is not None)]
        kept = sorted(sorted(facts, key=lambda fact: fact.spared)[:many], key=facts.index)
        return kept if column.boxed else sorted(kept, key=lambda fact: fact.spared > 0)

    def _fact(
        self, canvas: Canvas, column: Column, unit: int, fact: _Fact, place: tuple[int, int, int],
        lit: bool, chosen: bool,
    ) -> None:  # fmt: skip
        """A name and its number in a row; `place` is its left end, row and how many columns there are."""
        left, row, room = place
        gradient = fact.style == "mark"
        name = self._gradient_name(fact.id, unit, room) if gradient else fact.name
        # Four digits before the whole name: −0.1 for −0.1485 would be another number.
        text = short(fact.value, max(min(room - 1 - width(name), 10), 7 if room >= 10 else 4))
        space = room - width(text) - 1
        label = name if width(name) <= space else cut(self._brief(fact), space)
        own = fact.id == self.model.units(column.layer).id
        canvas.text(left, row, label, "cell" if chosen and own else "lit" if lit and own else "dim")
        style = "lit" if lit and not gradient else fact.style
        if fact.value is None:
            style = "dim"
        elif self.known.is_step(fact.id, (unit,)):
            style = "value"
        canvas.text(left + room - width(text) if column.boxed else left + width(label) + 1, row, text, style)

    def _arrows(self, canvas: Canvas, column: Column, unit: int, row: int, lit: bool) -> None:
        """▶ where values came in, ◀ where blame has come back."""
        layer, known = column.layer, self.known
        z = self.model.layers[layer - 1].pre_activation.id if layer else ""
        if layer and known.has(z, (unit,)) and column.boxed and column.left:
            current = known.step.phase == "forward" and known.is_step(z, (unit,))
            canvas.text(column.left - 1, row, "▶", "value" if current else "dim")
        if self._walked(layer, unit):
            blame = known.gradient(self.model.units(layer))
            now = self.backward and lit and (layer == 0 or known.is_step(blame, (unit,)))
            canvas.text(column.left + column.size, row, "◀", "value" if now else "mark")

    def _loss(self, canvas: Canvas, left: int, size: int, row: int, below: bool) -> Spot:
        known = self.known
        id = "L"
        value = next((known.value(id) for id in ("L",) if known.has(id)), None)
        symbol = known.symbols.get("L@") if known.trace.examples > 1 else None
        if symbol and not known.has("L"):  # this example's own, before the mean
            ref = Ref(symbol, None, known.example)
            value = float(known.trace.value(ref)) if known.order[symbol.key] <= known.cursor.at else None
        lit, chosen = self.lit.loss, self.selected == ("L", ())
        name = cut(known.name(id), 5)
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
                texts += [say("class {shown}", shown=shown) for shown in (*names[one : one + 1], one + 1)]
            text = next((text for text in texts if width(text) <= room), texts[-1])
            text = text.replace("[", "").replace("]", "") if "," not in text else text
            if below:
                canvas.text(left + used + 2, row, cut(text, room), "dim")
            else:
                canvas.text(left + 1, row + 1, cut(text, room), "dim")
        return Spot((id, ()), known.step_id((id, ())), left, row, used if below else size, 1 if below else 2)

    def _legend(self, canvas: Canvas, edges: Edges) -> None:
        row = self.rows - 1
        if self.selected:
            canvas.text(1, row, cut(" · ".join(item_facts(self.known, self.selected)), self.columns - 1), "value")
            return
        parts = [
            (say("━━ plus"), "plus3"),
            (say("╌╌ minus"), "minus3"),
            (say("thicker: larger"), "dim"),
            (say("▶ this step"), "value"),
        ]
        parts += [(say("◀ ∂ blame has come back"), "mark"), (say("· not known yet"), "dim")]
        if any(len(a.units) * len(b.units) > edges.most(a, b) for a, b in edges.pairs()):
            parts.append((say("of many weights the largest"), "dim"))
        at = 1
        for text, style in parts:
            if at + width(text) > self.columns:
                break
            canvas.text(at, row, text, style)
            at += width(text) + 3
