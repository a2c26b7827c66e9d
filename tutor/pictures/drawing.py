"""A lesson's network or circuit as lines, circles and words: SVG for sheets, banks and slides, TikZ for LaTeX.

Circles in columns for a network, boxes in columns by depth for a circuit; what leads where, and what each is called in
the notation. No number is in it: those stand beside it, where they can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from tutor.engine.expressions import Ref, refs
from tutor.engine.trace import Trace
from tutor.pictures.graph_plan import GatePlan
from tutor.pictures.lit import Lit
from tutor.text.language import say
from tutor.text.layout import linear
from tutor.text.to_latex import latex
from tutor.text.words import activation_word
from tutor.text.writer import Writer

UNIT, GAP, APART = 20, 16, 130  # the radius of a unit, the space below it, the space between two columns
MOST_UNITS, MOST_GATES = 9, 60
_LIT, _LIT_WORDS = "stroke: #b3470f; stroke-width: 3; opacity: 1", "fill: #b3470f; font-weight: bold"
_STYLE = "font-family: 'DejaVu Sans', Verdana, sans-serif; font-size: 13px"


@dataclass(frozen=True)
class Drawing:
    """Shapes on a plane, y downwards, in pixels: ("line", x1, y1, x2, y2), ("circle", x, y, radius),
    ("box", x, y, width, height) and ("text", x, y, anchor, small, words).

    `marks` says by its place which shapes stand for an item: "u1.0" a unit (layer, unit), "e1.0.2" the weight to a unit
    from another, "s/q" a symbol of a circuit."""

    width: float
    height: float
    title: str
    shapes: tuple[tuple[Any, ...], ...]
    marks: Mapping[int, str] = field(default_factory=dict)

    def svg(self, marked: bool = False, lit: Sequence[str] = ()) -> str:
        """An SVG document of its own, with its title in words; `marked`: its items can be found by `data-item`.

        `lit` are marks, as `marks_of` gives them: those items stand out.
        """
        size = f'width="{self.width:.0f}" height="{self.height:.0f}" viewBox="0 0 {self.width:.0f} {self.height:.0f}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" style="{_STYLE}">'
        return "\n".join([head, f"<title>{escape(self.title)}</title>", *self._written(marked, lit), "</svg>"])

    def _written(self, marked: bool, lit: Sequence[str]) -> Iterator[str]:
        for at, shape in enumerate(self.shapes):
            item = self.marks.get(at)
            said = f' data-item="{escape(item)}"' if item and marked else ""
            if item and any(item == mark or (mark[1] != "/" and item.startswith(f"{mark}.")) for mark in lit):
                said += f' style="{_LIT_WORDS if shape[0] == "text" else _LIT}"'
            yield _svg(shape).replace(" ", f"{said} ", 1)

    def tikz(self) -> str:
        """A picture for LaTeX with the package tikz; words are set as mathematics."""
        lines = [r"\begin{tikzpicture}[x=0.75pt,y=-0.75pt]", *map(_tikz, self.shapes)]
        return "\n".join([*lines, r"\end{tikzpicture}"])


def _svg(shape: tuple[Any, ...]) -> str:
    kind, *rest = shape
    if kind == "line":
        ends = " ".join(f'{name}="{at:.1f}"' for name, at in zip(("x1", "y1", "x2", "y2"), rest, strict=True))
        return f'<line {ends} stroke="currentColor" stroke-width="1" opacity="0.6"/>'
    if kind == "circle":
        x, y, radius = rest
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="none" stroke="currentColor"/>'
    if kind == "box":
        sides = " ".join(f'{n}="{at:.1f}"' for n, at in zip(("x", "y", "width", "height"), rest, strict=True))
        return f'<rect {sides} rx="4" fill="none" stroke="currentColor"/>'
    x, y, anchor, small, words = rest
    size = ' font-size="11"' if small else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{size} fill="currentColor">{escape(words)}</text>'


def _tikz(shape: tuple[Any, ...]) -> str:
    kind, *rest = shape
    if kind == "line":
        return r"\draw[gray] ({:.1f},{:.1f}) -- ({:.1f},{:.1f});".format(*rest)
    if kind == "circle":
        x, y, radius = rest
        return rf"\draw ({x:.1f},{y:.1f}) circle [x radius={radius}, y radius={radius}];"
    if kind == "box":
        x, y, width, height = rest
        return rf"\draw[rounded corners=2pt] ({x:.1f},{y:.1f}) rectangle ({x + width:.1f},{y + height:.1f});"
    x, y, anchor, small, words = rest
    where = {"start": "right", "end": "left"}.get(anchor, "center")
    place = f"anchor={ {'right': 'west', 'left': 'east'}.get(where, 'center')}"
    font = r",font=\scriptsize" if small else r",font=\small"
    return rf"\node[{place}{font}] at ({x:.1f},{y - 4:.1f}) {{${latex(words)}$}};"


def drawing_of(trace: Trace, notation: str) -> Drawing:
    """The picture of a lesson's network or circuit, named as the notation does."""
    writer = Writer(trace.lesson, notation)
    return _network(trace, writer) if trace.program.model.layers else _circuit(trace, writer)


def marks_of(lit: Lit) -> list[str]:
    """The marks of what is lit; "u1" is all units of a layer, "e1" all weights that lead to it."""
    units = [f"u{layer}" + ("" if unit is None else f".{unit}") for layer, unit in lit.units]
    edges = [f"e{layer}" + ("" if to is None or start is None else f".{to}.{start}") for layer, to, start in lit.edges]
    return sorted([*units, *edges])


def svg_of(trace: Trace, notation: str) -> str:
    """The picture as an SVG document of its own."""
    return drawing_of(trace, notation).svg()


def _text(x: float, y: float, words: str, anchor: str = "middle", small: bool = False) -> tuple[Any, ...]:
    return ("text", x, y, anchor, small, words)


def _line(x1: float, y1: float, x2: float, y2: float) -> tuple[Any, ...]:
    return ("line", x1, y1, x2, y2)


# ---------------------------------------------------------------- a network


def _shown(units: int) -> list[int | None]:
    """Which units of a layer are drawn; None stands for those left out."""
    if units <= MOST_UNITS:
        return list(range(units))
    half = MOST_UNITS // 2
    return [*range(half), None, *range(units - half, units)]


def _network(trace: Trace, writer: Writer) -> Drawing:
    model = trace.program.model
    columns = [_shown(width) for width in model.widths]
    step = 2 * UNIT + GAP
    height = max(len(column) for column in columns) * step + 40
    names = [[_unit_name(trace, writer, layer, unit) for unit in column] for layer, column in enumerate(columns)]
    left = 20 + UNIT + 7 * max((len(name) for name in names[0]), default=0)
    right = 20 + UNIT + 7 * max((len(name) for name in names[-1]), default=0)
    parts: list[tuple[Any, ...]] = []
    marks: dict[int, str] = {}

    def place(layer: int, at: int) -> tuple[float, float]:
        top = (height - 20 - len(columns[layer]) * step) / 2
        return left + layer * APART, top + at * step + UNIT + GAP / 2

    for layer in range(1, len(columns)):
        for to, unit in enumerate(columns[layer]):
            for since, before in enumerate(columns[layer - 1]):
                if unit is not None and before is not None:
                    (x1, y1), (x2, y2) = place(layer - 1, since), place(layer, to)
                    marks[len(parts)] = f"e{layer}.{unit}.{before}"
                    parts.append(_line(x1 + UNIT, y1, x2 - UNIT, y2))
    last = len(columns) - 1
    for layer, column in enumerate(columns):
        for at, unit in enumerate(column):
            x, y = place(layer, at)
            if unit is None:
                parts.append(_text(x, y + 4, say("⋮ {n} more", n=model.widths[layer] - len(column) + 1), small=True))
                continue
            marks[len(parts)] = f"u{layer}.{unit}"
            parts.append(("circle", x, y, UNIT))
            if layer in (0, last):
                outside = x - UNIT - 6 if layer == 0 else x + UNIT + 6
                parts.append(_text(outside, y + 4, names[layer][at], "end" if layer == 0 else "start"))
                sign = writer.function(model.layers[layer - 1].activation_name, layer) if layer else ""
                if layer == last and len(sign) < 5:
                    parts.append(_text(x, y + 5, sign))
            else:
                parts.append(_text(x, y + 5, names[layer][at]))
        if layer > 0:
            made = model.layers[layer - 1]
            under = " ".join(writer.text(Ref(symbol)) for symbol in (made.weights, made.biases) if symbol)
            x = left + (layer - 0.5) * APART
            parts.append(_text(x, height - 8, under, small=True))
            parts.append(_text(left + layer * APART, height - 8, activation_word(made.activation_name), small=True))
    title = say(
        "A network of layers with {widths} units, each joined to all of the next layer",
        widths=", ".join(map(str, model.widths)),
    )
    return Drawing(left + last * APART + right, height, title, tuple(parts), marks)


def _unit_name(trace: Trace, writer: Writer, layer: int, unit: int | None) -> str:
    return "" if unit is None else writer.text(Ref(trace.program.model.units(layer), (unit,)))


# ---------------------------------------------------------------- a circuit


def _circuit(trace: Trace, writer: Writer) -> Drawing:
    model = trace.program.model
    forward = [eq for eq in trace.equations if eq.phase == "forward"][:MOST_GATES]
    formula_of = {eq.symbol.id: linear(writer.formula(eq.formula)) for eq in forward}
    takes = {eq.symbol.id: [ref.symbol.id for ref in refs(eq.formula)] for eq in forward}
    given = list(dict.fromkeys(id for taken in takes.values() for id in taken if id not in takes))
    graph = GatePlan(given, takes, lambda name: 3)
    columns = graph.columns(range(graph.last + 1))
    most = max(sum(node.high + 1 for node in column) for column in columns)
    graph.place(columns, 0, most)
    symbol_of = {symbol.id: symbol for symbol in (*model.given, *(eq.symbol for eq in forward))}
    label = {id: writer.text(Ref(symbol)) for id, symbol in symbol_of.items()}
    said = {id: f"{label[id]} = {formula_of[id]}" if id in formula_of else label[id] for id in graph.depth}
    wide = [max((7.5 * len(said[node.name]) + 16 for node in column if node.name), default=20) for column in columns]
    lefts = [20 + sum(wide[:at]) + 40 * at for at in range(len(wide))]
    row = 14
    parts: list[tuple[Any, ...]] = []
    marks: dict[int, str] = {}
    places = {}
    for at, column in enumerate(columns):
        for node in column:
            x, y = lefts[at], 16 + node.row * row
            if node.name:
                places[at, node.of] = (x, x + wide[at], y)
                marks[len(parts)] = f"s/{node.name}"
                if node.name in formula_of:
                    parts.append(("box", x, y - 13, wide[at], 26))
                    parts.append(_text(x + wide[at] / 2, y + 5, said[node.name]))
                else:  # an input stands right before the line that leads on
                    parts.append(_text(x + wide[at] - 6, y + 5, said[node.name], "end"))
            else:
                places[at, node.of] = (x, x + wide[at], y)
                parts.append(_line(x, y, x + wide[at], y))
    for at in range(1, len(columns)):
        for node in columns[at]:
            for taken in dict.fromkeys(takes.get(node.name, ())) if node.name else (node.of,):
                if (at - 1, taken) in places:
                    _, x1, y1 = places[at - 1, taken]
                    x2, _, y2 = places[at, node.of]
                    parts.append(_line(x1, y1, x2, y2))
    title = say(
        "A circuit from {inputs} to {output}",
        inputs=", ".join(label[id] for id in given[:12]),
        output=label[forward[-1].symbol.id],
    )
    return Drawing(lefts[-1] + wide[-1] + 20, 32 + most * row, title, tuple(parts), marks)
