"""How large the gradients are, layer by layer: whether they vanish or explode, and which units are idle."""

from __future__ import annotations

import numpy as np

from tutor.engine import units
from tutor.engine.expressions import Ref
from tutor.engine.trace import Step
from tutor.pictures.canvas import Picture
from tutor.pictures.plot import bars
from tutor.pictures.step.activation import idle_facts
from tutor.pictures.step.shown import (
    DIVERGED,
    Kind,
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


KIND = Kind(
    "gradient sizes",
    "a network",
    lambda trace: [],
    _sizes_of,
    sizes_picture,
    lambda step: bool(step.trace.program.model.layers) and step.phase != "forward",
)
