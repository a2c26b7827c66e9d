"""The picture of a circuit about arrays: boxes with shapes, an edge an operand, a shared parameter once with all uses.

There are several ways to draw a node, and a node for each gate or for each line that the author wrote: the first that
fits is taken. Where none does, the columns round the step are shown, or the step's box with what it takes and feeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.backprop import gradient_of
from tutor.engine.expressions import Call, Expr, Ref, Symbol, refs, rewrite
from tutor.engine.ids import line_of
from tutor.engine.model import Equation
from tutor.pictures.canvas import Canvas
from tutor.pictures.graph_plan import GatePlan, Node, rows_of
from tutor.pictures.scene import Diagram, Item, Known, Spot, draw_box, item_facts, short
from tutor.text.cells import cut, width
from tutor.text.language import N_, say
from tutor.text.layout import linear

_SIGNS = {
    "add": "+", "sub": "−", "mul": "×", "div": "÷", "neg": "−()", "pow": "^", "log": "ln", "sqrt": "√", "abs": "| |",
    "matmul": "@", "sum": "Σ", "average": "mean", "variance": "var", "reduce_max": "max", "reduce_min": "min",
    "cross_entropy": "cross-entropy", "log_softmax": "log-softmax", "max_pool": "max pool", "avg_pool": "mean pool",
}  # fmt: skip


@dataclass(frozen=True)
class _Way:
    """How nodes are drawn. `inside`: what stands in a box of three rows, under the name ("" for words in one row);
    `shape`: whether the shape is said, `tail`: ◀∂ after words, else ◀ before them; cells of a single number; the
    fewest and the most cells between two columns."""

    inside: Literal["formula", "sign", "shape", ""]
    shape: bool = True
    tail: bool = True
    number: int = 8
    longest: int = 14  # cells of what is written into a box
    least: int = 3
    most: int = 12


_LONG = _Way("formula", longest=20, least=4, most=14)
_FORMULAS, _BOXES, _SHAPES = (
    _Way("formula", least=4, most=14),
    _Way("sign"),
    _Way("shape", tail=False, number=6, least=2),
)
_WORDS, _SHORT = _Way("", most=8), _Way("", tail=False, number=5, least=2, most=8)
_NAMES = _Way("", shape=False, tail=False, least=2, most=6)
_BROAD = 5  # columns of a part of the graph
_WAYS = (  # with a node a gate (True) or a node a line, the most telling first
    *((True, _LONG), (False, _LONG), (True, _FORMULAS), (True, _BOXES), (False, _FORMULAS), (False, _BOXES)),
    *((False, way) for way in (_SHAPES, _WORDS, _SHORT, _NAMES)),
)


@dataclass(frozen=True)
class _Plan:
    """Where everything stands: it is the same for all steps (of a window: for all with the same box in the middle)."""

    whole: bool
    way: _Way
    graph: GatePlan
    columns: list[list[Node]]
    sizes: list[int]  # cells of each column
    top: int = 0
    shown: range | None = None
    left_out: tuple[int, int] = (0, 0)


class _Kept:
    """The plans of a lesson's pictures by size (and the box in the middle where that matters), and the boxes' words."""

    def __init__(self) -> None:
        self.plans: dict[tuple[int, int, str], _Plan | None] = {}
        self.words: dict[tuple[bool, _Way, str], str] = {}
        self.nodes: dict[bool, tuple[dict[str, Equation], dict[str, list[str]], list[str]]] = {}
        self.gradients: dict[str, str | None] = {}


class ArrayPicture:
    """Boxes in columns by depth: in the frame the name and the shape, within what is done, ◀∂ once blame came back."""

    def __init__(
        self, known: Known, columns: int, rows: int, lit: tuple[Item, ...] | None, selected: Item | None
    ):  # fmt: skip
        self.known, self.columns, self.rows, self.selected = known, columns, rows, selected
        self.kept = known.scribe.memo.of(_Kept)
        step = known.step
        about = step.equation.symbol.wrt or step.equation.symbol
        if lit is None:
            symbols = [step.equation.symbol, *(ref.symbol for ref in step.operands)]
            self.lit = {(symbol.wrt or symbol).id for symbol in symbols}
        else:
            symbols, self.lit = [], {id for id, _ in lit}
        self.uses = {(symbol.wrt.id, symbol.use) for symbol in symbols if symbol.wrt and symbol.use}
        self.about = self.selected[0] if self.selected else about.id
        self.forward = [eq for eq in known.trace.equations if eq.phase in ("forward", "loss")]

    # ------------------------------------------------------------ what is drawn

    def draw(self) -> Diagram | None:
        """The picture, or None where there is too little room for any."""
        plans = self.kept.plans
        for key, find in (("", self._all), (self.about, self._some)):
            size = (self.columns, self.rows, key)
            if size not in plans:
                plans[size] = find(self.rows - (1 if self.rows >= 14 else 0))
            if plan := plans[size]:
                self._nodes(plan.whole)
                return self._drawn(plan)
        return None

    def _all(self, body: int) -> _Plan | None:
        """The whole graph in the first way that fits."""
        for whole, way in _WAYS:
            self._nodes(whole)
            graph = self._graph(way)
            columns = graph.columns(range(graph.last + 1))
            if self._fits(way, columns, body):
                graph.place(columns, 0, body)
                return _Plan(whole, way, graph, columns, self._sizes(way, columns))
        return None

    def _some(self, body: int) -> _Plan | None:
        """What is round the step: columns, or where too few of them fit what it takes and what takes it."""
        self._nodes(False)
        windows = [plan for way in (_BOXES, _WORDS, _SHORT, _NAMES) if (plan := self._window(way, body - 1))]
        if windows:  # the most telling that shows something of what is around, else the broadest
            broad = (plan for plan in windows if len(plan.columns) >= _BROAD)
            return next(broad, max(windows, key=lambda plan: len(plan.columns)))
        return self._neighbours(body - 1)

    def _fits(self, way: _Way, columns: list[list[Node]], body: int) -> bool:
        wide = sum(self._sizes(way, columns)) + way.least * (len(columns) - 1)
        return wide <= self.columns and max(map(rows_of, columns)) <= body

    def _nodes(self, whole: bool) -> None:
        """A node for each gate (`whole`), or for each line of the author."""
        self.whole = whole
        if whole not in self.kept.nodes:
            made: dict[str, Equation] = {}
            takes: dict[str, list[str]] = {}
            for eq in self.forward:
                name = self._of(eq.symbol.id)
                made[name] = eq  # of a line its last gate
                taken = [self._of(ref.symbol.id) for ref in refs(eq.formula)]
                takes[name] = list(dict.fromkeys([*takes.get(name, ()), *(t for t in taken if t != name)]))
            used = {name for taken in takes.values() for name in taken}
            given = [symbol.id for symbol in self.known.model.given if symbol.id in used]
            self.kept.nodes[whole] = made, takes, given
        self.made, self.takes, self.given = self.kept.nodes[whole]
        self.chosen = self.selected and (self._of(self.selected[0]), ())
        self.lit_nodes = {self._of(id) for id in self.lit}
        self.lit_edges = {(name, self._of(use)) for name, use in self.uses}

    def _of(self, id: str) -> str:
        return id if self.whole else line_of(id)

    def _graph(self, way: _Way) -> GatePlan:
        return GatePlan(self.given, self.takes, lambda name: 3 if way.inside and name in self.made else 1)

    def _window(self, way: _Way, body: int) -> _Plan | None:
        """The columns round the step, as many as fit; None where fewer than three do."""
        graph = self._graph(way)
        focus = graph.depth.get(self._of(self.about), 0)
        shown, best, grown = range(focus, focus + 1), graph.columns(range(focus, focus + 1)), True
        while grown:
            grown = False
            for before, after in ((1, 0), (0, 1)):
                wider = range(shown[0] - before, shown[-1] + 1 + after)
                if wider[0] >= 0 and wider[-1] <= graph.last:
                    columns = graph.columns(wider)
                    if self._fits(way, columns, body):
                        shown, best, grown = wider, columns, True
        if len(shown) < 3:
            return None
        graph.place(best, 1, body)
        return _Plan(False, way, graph, best, self._sizes(way, best), 1, shown)

    def _neighbours(self, body: int) -> _Plan | None:
        """The step's own box with what it takes and what takes it, as far as the rows go."""
        self._nodes(True)
        own = self.about
        if body < 1 or own not in (*self.made, *self.given):
            return None
        takes, users = self.takes.get(own, []), [gate for gate, taken in self.takes.items() if own in taken]
        given, gates = takes[:body] or [own], {own: takes[:body]} if takes else {}
        graph = GatePlan(given, gates | {gate: [own] for gate in users[:body]}, lambda name: 1)
        columns = graph.columns(range(graph.last + 1))
        if not self._fits(_SHORT, columns, body):
            return None
        graph.place(columns, 1, body)
        left_out = len(takes[body:]), len(users[body:])
        return _Plan(True, _SHORT, graph, columns, self._sizes(_SHORT, columns), 1, None, left_out)

    # ------------------------------------------------------------ the nodes

    def _symbol(self, name: str) -> Symbol:
        found = self.known.symbol(name)
        assert found
        return found

    def _value(self, way: _Way, name: str) -> str:
        """The shape, of a single number its value."""
        symbol = self._symbol(name)
        return _shape(symbol) if symbol.shape else self.known.said(name, None, way.number)

    def _title(self, way: _Way, name: str) -> str:
        boxed = way.inside == "shape" and name in self.made
        return f"{self.known.name(name)} {self._value(way, name)}" if way.shape and not boxed else self.known.name(name)

    def _does(self, way: _Way, name: str) -> str:
        """What stands in a box: what the gate or line does (its formula where that is short, else its signs)."""
        if way.inside == "shape":
            return self._value(way, name)
        key = (self.whole, way, name)
        if key not in self.kept.words:
            gates = {eq.symbol.key: eq.formula for eq in self.forward if self._of(eq.symbol.id) == name}
            text = ""
            if way.inside == "formula":
                text = linear(self.known.writer.formula(_folded(gates[self.made[name].symbol.key], gates)))
            if not text or width(text) > way.longest:
                text = cut(" ".join(map(_sign, gates.values())), way.longest)
            self.kept.words[key] = text
        return self.kept.words[key]

    def _size(self, way: _Way, name: str) -> int:
        """The cells of a node; numbers have the same room whatever they are, so that nothing moves as one steps."""
        symbol, title = self._symbol(name), width(self.known.name(name))
        value = width(_shape(symbol)) if symbol.shape else way.number
        if way.inside == "shape" and name in self.made:
            return max(title + 3, value + 2, 4)
        title += 1 + value if way.shape else 0
        if way.inside and name in self.made:
            return max(title + 3, width(self._does(way, name)) + 2)
        return title + (4 if way.tail and self._gradient(name) is not None else 1)  # ▶ before, ◀∂ after it

    def _sizes(self, way: _Way, columns: list[list[Node]]) -> list[int]:
        return [max((self._size(way, node.name) for node in column if node.name), default=1) for column in columns]

    def _gradient(self, name: str) -> str | None:
        """The id of the gradient of a value; None where none is computed, of the output its own 1."""
        if name not in self.kept.gradients:
            id = gradient_of(self.known.model.output, self._symbol(name)).id
            self.kept.gradients[name] = id if self.known.symbol(id) else None
        return self.kept.gradients[name]

    def _back(self, name: str) -> str | None:
        """The id of the gradient that came back (of the output "": its own 1); None where there is none yet."""
        known = self.known
        if name == known.model.output.id:
            begun = known.cursor.at >= 0 and known.trace.equations[known.cursor.at].phase not in ("forward", "loss")
            return "" if begun else None
        id = self._gradient(name)
        return id if id is not None and known.has(id) else None

    def _drawn(self, plan: _Plan) -> Diagram:
        way, columns, sizes = plan.way, plan.columns, plan.sizes
        fan = max(way.least, min((self.columns - sum(sizes)) // max(len(columns) - 1, 1), way.most))
        left = max(0, (self.columns - sum(sizes) - fan * (len(columns) - 1)) // 2)
        lefts = [left + sum(sizes[:n]) + fan * n for n in range(len(columns))]
        canvas, spots = Canvas(self.columns, self.rows), []
        self._wires(plan, canvas, lefts, sizes)
        for column, at, size in zip(columns, lefts, sizes, strict=True):
            for node in column:
                if node.name:
                    spots.append(self._node(way, canvas, node.name, node.row, at, size))
        if plan.shown:
            before, after = plan.shown[0], plan.graph.last - plan.shown[-1]
            canvas.text(0, 0, say("◀ {n} more", n=before) if before else "", "key")
            text = say("{n} more ▶", n=after) if after else ""
            canvas.text(self.columns - width(text), 0, text, "key")
        elif plan.top:  # the neighbours alone
            left_out = zip(plan.left_out, (N_("{n} more operands"), N_("{n} more uses")), strict=True)
            more = [say(told, n=n) for n, told in left_out if n]
            canvas.text(0, 0, cut(", ".join([say("m: all of it"), *more]), self.columns), "key")
        if self.rows >= 14:
            self._legend(way, canvas)
        return Diagram(canvas.picture(), tuple(spots), self.rows >= 14 and not self.selected)

    def _wires(self, plan: _Plan, canvas: Canvas, lefts: list[int], sizes: list[int]) -> None:
        columns, takes, first = plan.columns, plan.graph.takes, plan.shown[0] if plan.shown else 0
        came_back = {name for name in plan.graph.depth if self._back(name) is not None}
        lines: dict[tuple[str, int], list[tuple[float, float, float, float]]] = {}
        for n, column in enumerate(columns):
            end = (lefts[n] + sizes[n]) * 2
            for node in column:
                walked = node.of in came_back
                onward = n + 1 < len(columns)
                targets = [t for t in columns[n + 1] if _meets(takes, node, t)] if onward else []
                looks = []
                y = node.row * 4 + 1.5
                for target in targets:
                    users = plan.graph.users[node.of]  # a wire that passes leads to those further on
                    goals = [target.name] if target.name else [u for u in users if plan.graph.depth[u] > first + n + 1]
                    hot = any(self._lit_edge(node.of, goal) for goal in goals)
                    back = walked and any(goal in came_back for goal in goals)
                    look = ("lit", 3) if hot else ("walked", 1) if back else ("plus2", 1)
                    looks.append(look)
                    taken = list(takes.get(target.name or "", ()))
                    port = taken.index(node.of) * 2 - len(taken) + 1 if target.name and len(taken) > 1 else 0
                    port = max(-1, min(port, 1)) if plan.way.inside else 0
                    lines.setdefault(look, []).append((end, y, lefts[n + 1] * 2 - 1, target.row * 4 + 1.5 + port))
                if targets:  # along the rest of the column
                    strongest = min(looks, key=_strength)
                    lines.setdefault(strongest, []).append((lefts[n] * 2, y, end, y))
        for (style, thick), ends in lines.items():
            x0, y0, x1, y1 = np.array(ends).T
            canvas.segments(x0, y0, x1, y1, style, thick)

    def _lit_edge(self, name: str, goal: str) -> bool:
        """Whether the step is about what flows here: of a value whose uses it speaks of, those alone."""
        if any(name == used for used, _ in self.lit_edges):
            return (name, goal) in self.lit_edges
        return name in self.lit_nodes and goal in self.lit_nodes

    def _node(self, way: _Way, canvas: Canvas, name: str, row: int, left: int, column: int) -> Spot:
        known = self.known
        lit, chosen, new = name in self.lit_nodes, self.chosen == (name, ()), known.is_step(name)
        computed, back = known.has(name), self._back(name)
        title = self._title(way, name)
        style = "cell" if chosen else "value" if new else "lit" if lit else "heading" if computed else "dim"
        wrt = known.step.equation.symbol.wrt
        back_style = "value" if wrt and wrt.id == name else "mark"
        target = known.step_id((name, ()))
        boxed = bool(way.inside) and name in self.made
        before = back is not None and not (boxed or way.tail)
        mark, its = ("▶", "value") if lit else ("◀", "mark") if before else ("", "") if computed else ("·", "dim")
        if not boxed:
            tail = " ◀∂" if way.tail and back is not None else ""
            canvas.erase(left, row, width(title + tail) + 2)
            canvas.text(left, row, mark or " ", its)
            canvas.text(left + 1, row, title, style)
            canvas.text(left + 1 + width(title), row, tail, back_style)
            return Spot((name, ()), target, left, row, self._size(way, name), 1)
        canvas.erase(left, row - 1, column, 3)
        draw_box(canvas, left, column, row - 1, 3, lit, chosen)
        canvas.text(left + 1, row - 1, mark, its)
        canvas.text(left + 1 + width(mark), row - 1, title, style)
        does = cut(self._does(way, name), column - 2)
        canvas.text(left + (column - width(does)) // 2, row, does, "lit" if lit else "formula")
        if back is not None:  # of a single number its value, too
            value = known.value(back) if back and column >= 8 else None
            said = "" if value is None else f" {short(value, column - 5)}"
            canvas.text(left + 1, row + 1, f"◀∂{said}", back_style)
        return Spot((name, ()), target, left, row - 1, column, 3)

    def _legend(self, way: _Way, canvas: Canvas) -> None:
        if self.selected:
            said = cut(" · ".join(item_facts(self.known, self.selected)), self.columns)
            canvas.text(0, self.rows - 1, said, "value")
            return
        gradient = "◀∂" if way.tail or way.inside else "◀"
        parts = [
            (say("▶ this step"), "value"),
            (say("{gradient} gradient known", gradient=gradient), "mark"),
            (say("· not known yet"), "dim"),
        ]
        if not self.whole and len(self.forward) > len(self.takes):
            parts.append((say("a box: a line of the lesson" if way.inside else "a name: a line of the lesson"), "dim"))
        at = 1
        for text, style in parts:
            if at + width(text) <= self.columns:
                canvas.text(at, self.rows - 1, text, style)
            at += width(text) + 3


def _meets(takes: Mapping[str, Sequence[str]], node: Node, target: Node) -> bool:
    return node.of in takes.get(target.name, ()) if target.name else target.of == node.of


def _strength(look: tuple[str, int]) -> int:
    return ("lit", "walked", "plus2").index(look[0])


def _shape(symbol: Symbol) -> str:
    """3×2; a vector's in brackets, or it would read as a number."""
    return "×".join(map(str, symbol.shape)) if len(symbol.shape) > 1 else f"({symbol.shape[0]})"


def _folded(formula: Expr, gates: dict[str, Expr]) -> Expr:
    """A formula with the gates of its own line (by key) put in place of their names."""

    def put(node: Expr) -> Expr:
        within = gates.get(node.symbol.key) if isinstance(node, Ref) and node.batched == formula.batched else None
        return node if within is None else _folded(within, gates)  # what stands over a batch keeps the name in it

    return rewrite(formula, put)


def _sign(formula: Expr) -> str:
    if not isinstance(formula, Call):
        return "="
    activation = ACTIVATIONS.get(formula.op)
    return _SIGNS.get(formula.op) or (activation.glyph if activation else formula.op.replace("_", " "))
