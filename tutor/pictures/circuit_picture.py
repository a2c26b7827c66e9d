"""The picture of a circuit: gates side by side by depth, each value above its wire and its gradient below."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import Call, Const, Expr, refs
from tutor.engine.ids import derivative
from tutor.pictures.canvas import Canvas
from tutor.pictures.scene import Diagram, Item, Known, Spot, draw_box, item_facts
from tutor.text.cells import cut, width
from tutor.text.layout import number

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

    def _depths(self) -> dict[str, int]:
        depth = {name: 0 for name in self.given}
        for name, takes in self.takes.items():
            depth[name] = 1 + max((depth[t] for t in takes), default=0)
        for name in self.given:  # an input stands just before the first gate that takes it
            users = [depth[gate] for gate, takes in self.takes.items() if name in takes]
            depth[name] = min(users, default=1) - 1
        return depth

    def draw(self) -> Diagram | None:
        """The picture, or None where there is too little room."""
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

    def _leads(self, wire: str, target: _Node) -> bool:
        """Whether blame came back over this part of a wire: not over one to a gate that the output does not need."""
        if target.name:
            return self._back(target.name) is not None
        return any(self._back(gate) is not None for gate, takes in self.takes.items() if wire in takes)

    def _node(self, canvas: Canvas, node: _Node, left: int, box: int, size: int) -> Spot:
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
        parts = [("value above the wire", "numbers"), ("◀∂ gradient below", "mark"), ("▶ this step", "value")]
        for text, style in (*parts, ("· not known yet", "dim")):
            if at + width(text) <= self.columns:
                canvas.text(at, self.rows - 1, text, style)
            at += width(text) + 3
