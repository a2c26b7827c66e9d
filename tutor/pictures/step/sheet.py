"""The bent sheet: the plane of two inputs, and what a hidden layer of two units makes of it.

A grid is drawn on the inputs' plane, with the rows of the lesson on it, and beside it the same grid and rows at the
values of the two units. Nearby, one straight line of the next layer has to part them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tutor.engine.activations import piecewise
from tutor.engine.evaluation import Evaluator
from tutor.engine.expressions import Ref, Symbol
from tutor.engine.trace import Step, Trace
from tutor.engine.units import layer_values
from tutor.pictures.canvas import Picture, Row, joined, row_text
from tutor.pictures.plot import Curve, Segment, example_mark, plot
from tutor.pictures.step.shown import DIVERGED, MANY, PictureKind, Shown, nothing
from tutor.text.card import Scribe
from tutor.text.cells import width
from tutor.text.evaluation_words import heads
from tutor.text.language import N_, say
from tutor.text.layout import number

LINES, POINTS = 9, 81  # of the grid in each direction, and points on each line
MOST_ROWS = 200  # that are drawn
TWO = 46  # columns from which on both planes have room
Box = tuple[float, float, float, float]


def _symbols(trace: Trace) -> list[Symbol]:
    """The activations of hidden layers of two units, in a network of two inputs."""
    model = trace.program.model
    if model.widths[:1] != (2,) or not len(trace.lesson.inputs):
        return []
    return [layer.activation for layer in model.layers[:-1] if layer.units == 2]


def _sheet_of(step: Step, example: int) -> Ref | None:
    about = step.equation.symbol.wrt or step.equation.symbol
    for symbol in _symbols(step.trace):
        if about.layer == symbol.layer and about.quantity in ("activation", "pre_activation"):
            unit = step.index[0] if step.index and step.index[0] < 2 else 0
            return Ref(symbol, (unit,), example if symbol.per_example else None)
    return None


def _suits(step: Step) -> bool:
    return step.phase == "forward"


@dataclass(frozen=True)
class _Sheet:
    """The grid's lines and the rows, in the plane of the inputs and in that of the units, each (points, 2)."""

    lines: tuple[tuple[np.ndarray, np.ndarray], ...]
    rows: tuple[np.ndarray, np.ndarray]
    kinds: tuple[tuple[int, bool], ...]  # the class of each row, and whether it is predicted wrong
    right: int  # of all rows, not only of those that are drawn
    fold: np.ndarray  # where the unit's own sum is 0: w and b of w · x + b, in the plane of what feeds the layer
    border: np.ndarray | None  # the same of where the prediction changes, in the plane of the units

    def box(self, which: int) -> Box:
        """What the grid and the rows take up of one of the two planes."""
        every = np.concatenate([*(pair[which] for pair in self.lines), self.rows[which]])
        (x0, y0), (x1, y1) = every.min(axis=0), every.max(axis=0)
        return float(x0), float(x1), float(y0), float(y1)


def sheet_picture(scribe: Scribe, subject: Ref) -> Shown:
    """`subject` is a unit of the hidden layer."""
    trace, writer = scribe.trace, scribe.writer
    number_of = subject.symbol.layer or 1
    layer = trace.program.model.layers[number_of - 1]
    assert subject.index
    unit = subject.index[0]
    names = [writer.text(Ref(replace(subject.symbol, per_example=False), (i,))) for i in (0, 1)]
    x_names = [writer.text(Ref(replace(trace.program.model.layers[0].feeds, per_example=False), (i,))) for i in (0, 1)]
    title = say("The sheet ({inputs}) as ({units})", inputs=", ".join(x_names), units=", ".join(names))
    evaluator = Evaluator(trace.lesson)
    found = _sheet(trace, evaluator, number_of, unit)
    if not all(np.all(np.isfinite(after)) for _, after in found.lines):
        return Shown(title, (say(DIVERGED),), nothing)
    kind = layer.activation_name
    z = writer.text(Ref(replace(layer.pre_activation, per_example=False), (unit,)))
    facts = [
        say("First the lesson's rows on a sheet with a grid, then the same sheet after the layer: {bends}",
            bends=_bends(kind))
    ]  # fmt: skip
    bright = found.fold if number_of == 1 and _across(found.fold, found.box(0)) else None
    if bright is not None:
        folded = N_("The bright line is where {z} = 0: there the sheet is folded.")
        facts.append(say(folded if kind == "relu" else N_("The bright line is where {z} = 0."), z=z))
    if found.border is not None:
        seen = _across(found.border, found.box(1)) is not None
        said = (
            N_("The prediction changes along the dashed straight line: {right} of {rows} rows lie on their own side.")
            if seen
            else N_("The straight line along which the prediction changes passes the sheet by: "
                    "{right} of {rows} rows lie on their own side.")
        )  # fmt: skip
        facts.append(say(said, right=found.right, rows=len(trace.lesson.inputs)))
    if evaluator.classes:
        named = enumerate(heads(evaluator.classes[:MANY]))
        signs = [f"{example_mark(0, 0, k, False).glyph} {name}" for k, name in named]
        facts.append(say("{signs}; hollow: predicted wrong.", signs=", ".join(signs)))
    facts += _row_facts(trace, found, subject.example)

    def draw(columns: int, rows: int) -> Picture:
        both = columns >= TWO
        room = (columns - 2) // 2 if both else columns
        bent = _plane(found, 1, room, rows, names, None, found.border)
        if not both:
            return bent
        flat = _plane(found, 0, room, rows, x_names, bright, None)
        lines = max(len(flat), len(bent))
        beside = zip((*flat, *[()] * (lines - len(flat))), (*bent, *[()] * (lines - len(bent))), strict=True)
        return tuple(_beside(left, right, room + 2) for left, right in beside)

    return Shown(title, tuple(facts), draw)


def _beside(left: Row, right: Row, at: int) -> Row:
    return joined((*left, (" " * (at - width(row_text(left))), ""), *right))


def _bends(activation: str) -> str:
    if activation == "linear":
        return say("linear units stretch and turn it, and never bend it.")
    if piecewise(activation):
        return say("each unit folds it along a line.")
    return say("it is bent, and pressed together where the units are flat.")


def _sheet(trace: Trace, evaluator: Evaluator, layer: int, unit: int) -> _Sheet:
    x0, x1, y0, y1 = evaluator.bounds
    flat: list[np.ndarray] = []
    along = np.linspace(0, 1, POINTS)
    for at in np.linspace(0, 1, LINES):
        still = np.full(POINTS, at)
        for u, v in ((still, along), (along, still)):
            flat.append(np.stack([x0 + u * (x1 - x0), y0 + v * (y1 - y0)], axis=1))
    rows = np.asarray(trace.lesson.inputs[:], dtype=float)
    some = np.unique(np.linspace(0, len(rows) - 1, MOST_ROWS).astype(int))
    bent = np.split(layer_values(trace, layer, np.concatenate(flat)), 2 * LINES)
    values, (right, true) = trace.iteration.values, _decided(trace, evaluator)
    kinds = tuple((int(true[k]), not right[k]) for k in some)
    made = trace.program.model.layers[layer - 1]
    weights = np.asarray(values[made.weights.id], dtype=float)
    bias = np.zeros(2) if made.biases is None else np.broadcast_to(np.asarray(values[made.biases.id]), (2,))
    return _Sheet(
        tuple(zip(flat, bent, strict=True)), (rows[some], layer_values(trace, layer, rows[some])), kinds,
        int(right.sum()), np.array([*weights[unit], bias[unit]]), _border(trace, evaluator, layer),
    )  # fmt: skip


def _decided(trace: Trace, evaluator: Evaluator) -> tuple[np.ndarray, np.ndarray]:
    """Of each row whether its class is predicted, and its class from 0; where numbers are predicted all are alike."""
    rows = len(trace.lesson.inputs)
    if evaluator.kind == "numbers":
        return np.ones(rows, dtype=bool), np.zeros(rows, dtype=int)
    parameters = {p.id: trace.iteration.values[p.id] for p in trace.program.model.parameters}
    outputs = evaluator.predict(parameters, trace.lesson.inputs[:])
    return evaluator.decide(outputs)[:, 0] == evaluator.true, evaluator.true


def _border(trace: Trace, evaluator: Evaluator, layer: int) -> np.ndarray | None:
    """Where the prediction changes, w · h + b = 0, if the layer after is the last: between two classes, from no to yes.

    Of several answers of yes or no it is the first one's, as the signs of the rows are.
    """
    last = trace.program.model.layers[-1]
    several = evaluator.kind == "classes"
    if last.number != layer + 1 or evaluator.kind == "numbers" or (several and last.units > 2):
        return None
    values = trace.iteration.values
    weights = np.asarray(values[last.weights.id], dtype=float)
    bias = np.zeros(1) if last.biases is None else np.asarray(values[last.biases.id], dtype=float)
    whole = np.column_stack([weights, np.broadcast_to(bias, (last.units,))])
    border: np.ndarray = whole[1] - whole[0] if several else whole[0]
    return border


def _plane(
    found: _Sheet, which: int, columns: int, rows: int, names: list[str], bright: np.ndarray | None,
    dashed: np.ndarray | None,
) -> Picture:  # fmt: skip
    """One of the two planes: the grid, the lines on it, the rows."""
    lines = [pair[which] for pair in found.lines]
    curves = [Curve(points[:, 0], points[:, 1], style="dim", dash=()) for points in lines]
    marks = [example_mark(float(x), float(y), kind, wrong)
             for (x, y), (kind, wrong) in zip(found.rows[which], found.kinds, strict=True)]  # fmt: skip
    segments = [
        Segment(*ends, style=style, dash=dash, stretch=False)
        for line, style, dash in ((bright, "lit", ()), (dashed, "value", (3, 3)))
        if line is not None and (ends := _across(line, found.box(which)))
    ]
    return plot(curves, marks, columns, rows, names[0], names[1], segments=segments, legend=False)


def _across(line: np.ndarray, box: Box) -> tuple[float, float, float, float] | None:
    """The two ends of w · x + b = 0 within a box; None where it does not meet it."""
    (u, v, b), (x0, x1, y0, y1) = map(float, line), box
    ends = [(x, -(u * x + b) / v) for x in (x0, x1) if v] + [(-(v * y + b) / u, y) for y in (y0, y1) if u]
    slack = 1e-9 * (x1 - x0 + y1 - y0)
    met = [(x, y) for x, y in ends if x0 - slack <= x <= x1 + slack and y0 - slack <= y <= y1 + slack]
    if len(met) < 2:
        return None
    first = met[0]
    second = max(met, key=lambda end: abs(end[0] - first[0]) + abs(end[1] - first[1]))
    return (*first, *second)


def _row_facts(trace: Trace, found: _Sheet, example: int | None) -> Iterator[str]:
    """What becomes of each row, this one first."""
    rows = np.asarray(trace.lesson.inputs[:], dtype=float)
    here = np.asarray(trace.value(Ref(trace.program.model.data[0], None, example)), dtype=float).reshape(-1)
    order = sorted(range(len(found.rows[0])), key=lambda k: not np.array_equal(found.rows[0][k], here))
    for at, k in enumerate(order[:MANY]):
        before, after = (f"({', '.join(number(float(v)) for v in plane[k])})" for plane in found.rows)
        told = N_("This row {before} becomes {after}." if at == 0 else "The row {before} becomes {after}.")
        yield say(told, before=before, after=after)
    if len(rows) > MANY:
        yield say("{n} more rows.", n=f"{len(rows) - MANY:,}")


KIND = PictureKind(
    N_("sheet"), N_("a hidden layer of two units in a network of two inputs"), _symbols, _sheet_of, sheet_picture,
    _suits, ahead=True,
)  # fmt: skip
