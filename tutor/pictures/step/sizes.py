"""How large the gradients are, layer by layer: whether they vanish or explode, and which units are idle."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from tutor.engine import units
from tutor.engine.backprop import gradient_of
from tutor.engine.expressions import Ref
from tutor.engine.ids import line_of
from tutor.engine.trace import Step
from tutor.pictures.canvas import Picture
from tutor.pictures.plot import bars
from tutor.pictures.step.activation import idle_facts
from tutor.pictures.step.shown import (
    DIVERGED,
    PictureKind,
    Shown,
    nothing,
)
from tutor.text.card import Scribe
from tutor.text.layout import number


def _sizes_of(step: Step, example: int) -> Ref:
    return step.ref


def sizes_picture(scribe: Scribe, subject: Ref) -> Shown:
    """Of the whole lesson: `subject` is not looked at."""
    trace, writer = scribe.trace, scribe.writer
    if trace.program.model.arrays:
        return _of_arrays(scribe)
    found, title = units.sizes(trace), "Gradient size by layer"
    if found is None:
        return Shown(title, ("A circuit has no layers to compare.",), nothing)
    layers = [(writer.text(layer.weights), writer.text(layer.delta), layer) for layer in found.layers]
    values = [size for *_, layer in layers for size in (layer.weight_rms, layer.delta_rms)]
    if not np.all(np.isfinite(values)):
        facts = [f"{W}: {number(layer.weight_rms)}, {d}: {number(layer.delta_rms)}." for W, d, layer in layers]
        return Shown(title, (*facts, DIVERGED), nothing)
    facts = [_verdict(found, layers[0][1], layers[-1][1])]
    facts += idle_facts({(k, i): kind for k, i, kind in found.idle}, scribe)
    if not found.idle:
        facts.append("No unit is dead or saturated for every example of the lesson.")
    for k, (W, d, layer) in reversed(list(enumerate(layers))):
        fine = k < len(found.factors) and np.isfinite(found.factors[k])
        times = f", {number(found.factors[k], 3)} of {layers[k + 1][1]}" if fine else ""
        facts.append(f"{W} {number(layer.weight_rms)}; {d} {number(layer.delta_rms)}{times}.")
    examples = " and the examples of the batch" if trace.examples > 1 else ""
    facts.append(
        f"The measure is the root mean square: of {layers[0][0]} over its weights, of {layers[0][1]} over its "
        f"units{examples}."
    )

    def draw(columns: int, rows: int) -> Picture:
        some = [value for value in values if value]
        log = bool(some) and max(some) > 30 * min(some)
        room = max((rows - 3) // 2, 1)
        scale = ", logarithmic" if log else ""
        weights = bars([(W, layer.weight_rms) for W, _, layer in layers], columns, log, "curve1", room)
        deltas = bars([(d, layer.delta_rms) for _, d, layer in layers], columns, log, "curve2", room)
        above, between = (f"{what}{scale}"[:columns] for what in ("weights", "errors of the units (δ)"))
        return (((above, "heading"),), *weights, (), ((between, "heading"),), *deltas)[:rows]

    return Shown(title, tuple(facts), draw)


def _verdict(found: units.Sizes, first: str, last: str) -> str:
    if not found.verdict:
        return "There is nothing to compare: one layer, or no error at the output."
    if found.verdict == "zero":
        if found.layers[0].delta_rms:
            return f"The error is 0 in a layer between {last} and {first}."
        return f"The error does not get through: {first} is 0 although {last} is not."
    each = found.total ** (1 / (len(found.layers) - 1))
    layer = f", {number(each, 3)} a layer" if len(found.layers) > 2 else ""
    size = f"{number(found.total, 3)} of its size{layer}"
    return f"From {last} to {first} the error becomes {size}: {_VERDICTS[found.verdict]}."


_VERDICTS = {
    "vanishing": "the gradient vanishes, and the first layers hardly learn",
    "exploding": "the gradient explodes, and the first layers take steps that are far too large",
    "steady": "it neither vanishes nor explodes",
}


def _of_arrays(scribe: Scribe) -> Shown:
    """Value by value in the order of the forward pass; over the times of a recurrence also what becomes of it."""
    trace, writer = scribe.trace, scribe.writer
    model = trace.program.model
    lines = [eq.symbol for eq in model.forward if eq.symbol.id == line_of(eq.symbol.id) and eq.symbol != model.output]
    found: dict[str, tuple[str, float]] = {}
    for value in (*lines, *model.given):
        if symbol := trace.program.named(gradient_of(model.output, value).id):
            found[value.id] = writer.text(Ref(symbol)), units.rms(trace.value(Ref(symbol)))
    title = "Gradient size, value by value"
    sizes = [size for _, size in found.values()]
    if not np.all(np.isfinite(sizes)):
        return Shown(title, (DIVERGED, *(f"{name}: {number(size)}." for name, size in found.values())), nothing)
    facts = [*_over_times({symbol.id: found[symbol.id] for symbol in lines if symbol.id in found})]
    ranked = sorted(found.values(), key=lambda pair: pair[1])
    if len(ranked) > 1:
        (least, small), (most, large) = ranked[0], ranked[-1]
        facts.append(f"The largest is {most}, {number(large, 3)}; the smallest {least}, {number(small, 3)}.")
    facts += [f"{name} {number(size, 3)}." for name, size in found.values()]
    batch = " and the examples of the batch" if trace.examples > 1 else ""
    facts.append(f"The measure is the root mean square over all its numbers{batch}.")
    log = any(sizes) and max(sizes) > 30 * min(size for size in sizes if size)

    def draw(columns: int, rows: int) -> Picture:
        head = f"root mean square of each gradient{', logarithmic' if log else ''}"[:columns]
        return (((head, "heading"),), *bars(list(found.values()), columns, log, "curve2", max(rows - 1, 1)))[:rows]

    return Shown(title, tuple(facts), draw)


def _over_times(found: dict[str, tuple[str, float]]) -> Iterator[str]:
    """h3, h2, h1 ...: what is left of a gradient at the first time; of values with at least three times."""
    times: dict[str, list[tuple[int, str]]] = {}
    for id in found:
        if match := re.fullmatch(r"([^\W\d]\w*?)(\d+)", id):
            times.setdefault(match[1], []).append((int(match[2]), id))
    for several in times.values():
        if len(several) < 3:
            continue
        (first, small), (last, large) = (found[id] for _, id in (min(several), max(several)))
        if large:
            left = small / large
            each = left ** (1 / (max(several)[0] - min(several)[0])) if left else 0.0
            how = "vanishes" if each < 0.5 else "explodes" if each > 2 else "keeps its order of size"
            share = f"{number(left, 3)} of its size, {number(each, 3)} a step"
            yield f"From {last} to {first} it becomes {share}: it {how}."


KIND = PictureKind(
    "gradient sizes",
    "a network",
    lambda trace: [],
    _sizes_of,
    sizes_picture,
    lambda step: bool(step.trace.program.model.layers or step.trace.program.model.arrays) and step.phase != "forward",
)
