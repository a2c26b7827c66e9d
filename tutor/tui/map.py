"""The map of a lesson: layers, units and the values so far; or a circuit's wires. Pure, to styled lines.

▶ marks the units that the step uses, ═▶ the weights; ∂ goes before a unit's gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

from tutor.card import Scribe
from tutor.formula import Ref, Symbol
from tutor.layout import linear, number, pad, pieces, width
from tutor.playback import Cursor
from tutor.trace import Step, Trace
from tutor.tui.lines import Line

Span = tuple[str, str]


def map_lines(trace: Trace, scribe: Scribe, step: Step, cursor: Cursor, columns: int, rows: int) -> list[Line]:
    """The map for a step, `columns` wide, at most `rows` high if it can be."""
    if trace.lesson.circuit:
        return _circuit(trace, scribe, step, cursor, columns)
    return _Network(trace, scribe, step, cursor).lines(columns, rows)


@dataclass(frozen=True)
class _Unit:
    """`gradient` is None while it is not known."""

    name: str
    value: str
    gradient: str | None
    lit: bool

    def text(self, size: int) -> str:
        """Mark, name and value in `size` cells: a long name is cut, never the value."""
        room = size - width(self.value) - 2
        name = self.name if width(self.name) <= room else pieces(self.name, max(room - 1, 1))[0] + "…"
        return f"{'▶' if self.lit else ' '}{name} {self.value}"


class _Network:
    def __init__(self, trace: Trace, scribe: Scribe, step: Step, cursor: Cursor):
        self.trace, self.writer, self.symbols, self.step = trace, scribe.writer, scribe.symbols, step
        assert trace.lesson.network
        self.layers = trace.lesson.network.layers
        self.widths = [trace.lesson.network.inputs, *(layer.units for layer in self.layers)]
        self.known = {eq.symbol.key for eq in trace.equations[: cursor.at + 1]}
        self.at = "@" if trace.examples > 1 else ""
        self.example = cursor.example if self.at else None
        self.units, self.weights = self._touched()

    def _touched(self) -> tuple[set[tuple[int, int | None]], set[int]]:
        """Which units (layer, index; None: all of the layer) and which layers' weights the step is about."""
        units: set[tuple[int, int | None]] = set()
        weights: set[int] = set()
        for ref in (self.step.ref, *self.step.operands):
            symbol = ref.symbol.wrt or ref.symbol
            layer, index = symbol.layer or 0, ref.index or (None, None)
            if symbol.quantity == "weights":
                weights.add(layer)
                if ref == self.step.ref:
                    units |= {(layer, index[0]), (layer - 1, index[1])}
            elif symbol.quantity in ("target", "loss"):
                units.add((len(self.widths), None))
            elif symbol.layer is not None:
                units.add((layer, index[0]))
        return units, weights

    def lines(self, columns: int, rows: int) -> list[Line]:
        count = len(self.widths)
        gap = 3 if columns < 26 * count else 5
        size = max(8, (columns - gap * (count - 1)) // count)
        body = max(rows - 2, 1)
        tall = max(self.widths) * 2 <= body and size >= 12  # room for the gradients on lines of their own
        cells = [self._column(layer, size, body // 2 if tall else body, tall) for layer in range(count)]
        height = max(len(column) for column in cells)
        lines = [Line(tuple(self._headings(size, gap)))]
        for row in range(height):
            spans: list[Span] = []
            for column in cells:
                at = row - (height - len(column)) // 2  # shorter layers stand in the middle
                spans += column[at] if 0 <= at < len(column) else [(" " * size, "")]
                spans.append((" " * gap, ""))
            lines.append(Line(tuple(spans[:-1])))
        return [*lines, self._loss()]

    def _headings(self, size: int, gap: int) -> list[Span]:
        spans: list[Span] = []
        last = len(self.widths) - 1
        for layer in range(len(self.widths)):
            if layer:
                used = layer in self.weights
                arrow = ("═" if used else "─") * (gap - 3) + ("▶" if used else "─")
                spans.append((f" {arrow} "[:gap], "value" if used else "dim"))
            name = "input" if layer == 0 else "output" if layer == last else f"layer {layer}"
            sign = f" {self.writer.function(self.layers[layer - 1].activation, layer == last)}" if layer else ""
            heading = next((h for h in (f" {name}{sign}", sign, f" {name}") if width(h) <= size), "")
            spans.append((pad(heading, size), "title"))
        return spans

    def _column(self, layer: int, size: int, fits: int, tall: bool) -> list[list[Span]]:
        """The units of a layer, as many as fit: the first ones, how many are left out, the last."""
        count = self.widths[layer]
        if count <= fits:
            return [row for unit in range(count) for row in self._rows(self._unit(layer, unit), size, tall)]
        head = max(fits - 2, 1)
        rows = [row for unit in range(head) for row in self._rows(self._unit(layer, unit), size, tall)]
        rows.append([(pad(f"  ⋮ {count - head - 1:,} more"[:size], size), "dim")])
        return rows + self._rows(self._unit(layer, count - 1), size, tall)

    def _unit(self, layer: int, unit: int) -> _Unit:
        symbol = self.symbols[f"a{layer}{self.at}" if layer else f"x{self.at}"]
        name = self.writer.text(Ref(symbol, (unit,)))
        value = self._number(symbol, unit) if not layer or symbol.key in self.known else "·"
        lit = (layer, unit) in self.units or (layer, None) in self.units
        gradients = (self.symbols.get(f"dL/d{letter}{layer}{self.at}") for letter in "za")
        gradient = next((self._number(g, unit) for g in gradients if g and g.key in self.known), None)
        return _Unit(name, value, gradient, lit)

    def _number(self, symbol: Symbol, unit: int) -> str:
        return number(float(self.trace.value(Ref(symbol, (unit,), self.example))))

    def _rows(self, unit: _Unit, size: int, tall: bool) -> list[list[Span]]:
        style, text = "heading" if unit.lit else "", unit.text(size)
        below = "" if unit.gradient is None else f"∂ {unit.gradient}"
        if tall:
            return [[(pad(text, size), style)], [(pad(f"   {below}", size), "mark")]]
        beside = f" {below}" if width(text) + 1 + width(below) <= size else ""
        return [[(text, style), (pad(beside, size - width(text)), "mark")]]

    def _loss(self) -> Line:
        target = linear(self.writer.value(self.trace.value(Ref(self.symbols[f"y{self.at}"], None, self.example))), 4)
        spans: list[Span] = [(f" target {target}   ", "dim")]
        loss = next((self.symbols[key] for key in ("L", "L@") if key in self.known), None)
        if loss:
            ref = Ref(loss, None, self.example if loss.per_example else None)
            lit = (len(self.widths), None) in self.units
            text = f"{'▶' if lit else ' '}{self.writer.text(ref)} {number(float(self.trace.value(ref)))}"
            spans.append((text, "value" if lit else "heading"))
        return Line(tuple(spans))


def _circuit(trace: Trace, scribe: Scribe, step: Step, cursor: Cursor, columns: int) -> list[Line]:
    """Every wire with its formula, its value and, once known, its gradient; in columns where there is room."""
    circuit = trace.lesson.circuit
    assert circuit
    known = {eq.symbol.id for eq in trace.equations[: cursor.at + 1]} | set(circuit.inputs)
    wrt = step.equation.symbol.wrt
    used = {ref.symbol.id for ref in step.operands} | {step.equation.symbol.id} | ({wrt.id} if wrt else set())
    formulas = {
        eq.symbol.id: linear(scribe.writer.formula(eq.formula)) for eq in trace.equations if eq.phase == "forward"
    }
    names = [*circuit.inputs, *formulas]
    size = max(width(name) for name in names)
    broad = min(max((width(text) for text in formulas.values()), default=0), max(columns - size - 26, 4))

    def shown(id: str) -> str:
        return number(float(trace.value(Ref(scribe.symbols[id])))) if id in known else ""

    cells: list[list[Span]] = []
    for name in names:
        lit = name in used
        back = shown(f"d{circuit.output}/d{name}")
        cells.append(
            [
                (f"{'▶' if lit else ' '}{pad(name, size)} ", "heading" if lit else ""),
                (pad(formulas.get(name, "")[:broad], broad) + " ", "dim"),
                (pad(shown(name) if name in scribe.symbols else "", 10), "value" if lit else "numbers"),
                (pad(f"∂ {back}" if back else "", 12), "mark"),
            ]
        )
    across = max(1, min(3, columns // (size + broad + 25)))
    down = -(-len(cells) // across)
    return [Line(tuple(span for at in range(row, len(cells), down) for span in cells[at])) for row in range(down)]
