"""The picture of a circuit: gates side by side by depth, each value above its wire and its gradient below."""

from __future__ import annotations

import numpy as np

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import Call, Const, Expr, refs
from tutor.engine.ids import derivative
from tutor.pictures.canvas import Canvas
from tutor.pictures.graph_plan import GatePlan, Node, rows_of
from tutor.pictures.scene import Diagram, Item, Known, Spot, draw_box, item_facts
from tutor.text.cells import cut, width
from tutor.text.language import say
from tutor.text.layout import number

_SIGNS = {
    "add": "+", "sub": "−", "mul": "×", "div": "÷", "neg": "−()", "pow": "^", "exp": "exp", "log": "ln", "sqrt": "√",
    "max": "max", "min": "min", "abs": "| |", "linear": "=",
}  # fmt: skip
_INPUT_STUB = 2


class CircuitPicture:
    """Gates in columns by depth; each has its wire to the right, the value above it and the gradient below."""

    def __init__(
        self, known: Known, columns: int, rows: int, lit: tuple[Item, ...] | None, selected: Item | None
    ):  # fmt: skip
        self.known, self.columns, self.rows, self.selected = known, columns, rows, selected
        self.given = [symbol.id for symbol in known.model.given]
        forward = [eq for eq in known.trace.equations if eq.phase == "forward"]
        self.takes = {eq.symbol.id: [ref.symbol.id for ref in refs(eq.formula)] for eq in forward}
        self.signs = {name: "" for name in self.given} | {eq.symbol.id: self._sign(eq.formula) for eq in forward}
        step = known.step
        if lit is None:
            wrt = step.equation.symbol.wrt
            self.lit = {(r.symbol.wrt or r.symbol).id for r in step.operands} | {(wrt or step.equation.symbol).id}
        else:
            self.lit = {id for id, _ in lit}
        self.about = (step.equation.symbol.wrt or step.equation.symbol).id

    def _sign(self, formula: Expr) -> str:
        if not isinstance(formula, Call):
            return "="
        args = formula.args
        activation = ACTIVATIONS.get(formula.op)
        sign = _SIGNS.get(formula.op) or (activation.glyph if activation else formula.op)  # sin and cos by their names
        if formula.op in ("max", "min"):
            return " ".join([sign, *(number(arg.value) for arg in args if isinstance(arg, Const))])
        if len(args) != 2:
            return sign
        first, second = (number(arg.value) if isinstance(arg, Const) else "" for arg in args)
        if formula.op in ("add", "mul"):  # the order says nothing: 2·x is ×2, as x·2 is
            return sign + (second or first)
        return first + sign + second  # 1 − x is 1−, x − 1 is −1

    def draw(self) -> Diagram | None:
        """The picture, or None where there is too little room."""
        graph = GatePlan(self.given, self.takes, lambda name: 3)
        depth, last = graph.depth, graph.last
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
        columns = graph.columns(shown)
        body = self.rows - (1 if self.rows >= 14 else 0)
        top = 0
        if len(shown) <= last:
            top, body = 1, body - 1
        if any(rows_of(column) > body for column in columns):
            return None
        graph.place(columns, top, body)
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
                canvas.text(0, 0, say("◀ {n} more", n=first), "key")
            if shown[-1] < last:
                text = say("{n} more ▶", n=last - shown[-1])
                canvas.text(self.columns - width(text), 0, text, "key")
        if self.rows >= 14:
            self._legend(canvas)
        return Diagram(canvas.picture(), tuple(spots), self.rows >= 14 and not self.selected)

    def _wires(self, canvas: Canvas, columns: list[list[Node]], lefts: dict[int, int], size: int, box: int) -> None:
        places = list(lefts.values())
        lines: dict[tuple[str, int], list[tuple[float, float, float, float]]] = {}
        for n, column in enumerate(columns):
            for node in column:
                lit = node.of in self.lit
                walked = self._back(node.of) is not None
                style = "lit" if lit else "walked" if walked else "plus2"
                thick = 3 if lit else 1
                y = node.row * 4 + 1.5
                start = (places[n] + box) * 2 if node.name and self.signs[node.name] else places[n] * 2
                end_x = (places[n] + size) * 2
                lines.setdefault((style, thick), []).append((start, y, end_x, y))
                if n + 1 == len(columns):
                    continue
                for target in columns[n + 1]:
                    takes = self.takes.get(target.name or "", [])
                    if (target.name and node.of in takes) or (target.name is None and target.of == node.of):
                        same = lit and (target.name is None or target.name in self.lit)
                        ports = takes.index(node.of) * 2 - len(takes) + 1 if target.name and len(takes) > 1 else 0
                        end = target.row * 4 + 1.5 + max(-1, min(ports, 1))
                        back = walked and self._leads(node.of, target)
                        kind = "lit" if same else "walked" if back else "plus2"
                        line = (end_x, y, places[n + 1] * 2 - 1, end)
                        lines.setdefault((kind, 3 if same else 1), []).append(line)
        for (style, thick), ends in lines.items():  # all of one look at once
            x0, y0, x1, y1 = np.array(ends).T
            canvas.segments(x0, y0, x1, y1, style, thick)

    def _back(self, name: str, room: int = 8) -> str | None:
        """The gradient that came back over a wire, an array's as its shape; 1 where the backward pass begins."""
        known, output = self.known, self.known.trace.program.model.output.id
        if name == output:
            begun = known.cursor.at >= 0 and known.trace.equations[known.cursor.at].phase != "forward"
            return "1" if begun else None
        id = derivative(output, name)
        return known.said(id, None, room) if known.symbol(id) and known.has(id) else None

    def _leads(self, wire: str, target: Node) -> bool:
        """Whether blame came back over this part of a wire: not over one to a gate that the output does not need."""
        if target.name:
            return self._back(target.name) is not None
        return any(self._back(gate) is not None for gate, takes in self.takes.items() if wire in takes)

    def _node(self, canvas: Canvas, node: Node, left: int, box: int, size: int) -> Spot:
        known, name = self.known, node.name
        assert name
        row, lit, chosen = node.row, name in self.lit, self.selected == (name, ())
        stub_left = left
        if self.signs[name]:
            draw_box(canvas, left, box, row - 1, 3, lit, chosen)
            before = (box - 2 - width(self.signs[name])) // 2
            canvas.text(left + 1 + before, row, self.signs[name], "lit" if lit else "heading")
            stub_left = left + box
        room = left + size - stub_left
        back = self._back(name, room - 4)
        mark = "▶" if lit else " "
        title = cut(name, room - 4)
        at = stub_left
        canvas.text(at, row - 1, mark, "value")
        canvas.text(at + 1, row - 1, title, "cell" if chosen else "lit" if lit else "heading")
        new = known.is_step(name)
        canvas.text(
            at + 2 + width(title), row - 1, known.said(name, None, room - 2 - width(title)),
            "value" if new else "lit" if lit else "numbers",
        )  # fmt: skip
        if back is not None:
            now = known.step.equation.symbol.wrt is not None and known.step.equation.symbol.wrt.id == name
            canvas.text(at + 1, row + 1, "◀∂ " + back, "value" if now else "mark")
        return Spot((name, ()), known.step_id((name, ())), left, row - 1, size, 3)

    def _legend(self, canvas: Canvas) -> None:
        if self.selected:
            said = cut(" · ".join(item_facts(self.known, self.selected)), self.columns)
            canvas.text(0, self.rows - 1, said, "value")
            return
        at = 1
        parts = [
            (say("value above the wire"), "numbers"),
            (say("◀∂ gradient below"), "mark"),
            (say("▶ this step"), "value"),
        ]
        for text, style in (*parts, (say("· not known yet"), "dim")):
            if at + width(text) <= self.columns:
                canvas.text(at, self.rows - 1, text, style)
            at += width(text) + 3
