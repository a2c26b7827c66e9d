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
from tutor.text.language import N_, say
from tutor.text.layout import number


def _sizes_of(step: Step, example: int) -> Ref:
    return step.ref


def sizes_picture(scribe: Scribe, subject: Ref) -> Shown:
    """Of the whole lesson: `subject` is not looked at."""
    trace, writer = scribe.trace, scribe.writer
    if trace.program.model.arrays:
        return _of_arrays(scribe)
    found, title = units.sizes(trace), say("Gradient size by layer")
    if found is None:
        return Shown(title, (say("A circuit has no layers to compare."),), nothing)
    layers = [(writer.text(layer.weights), writer.text(layer.delta), layer) for layer in found.layers]
    values = [size for *_, layer in layers for size in (layer.weight_rms, layer.delta_rms)]
    if not np.all(np.isfinite(values)):
        facts = [f"{W}: {number(layer.weight_rms)}, {d}: {number(layer.delta_rms)}." for W, d, layer in layers]
        return Shown(title, (*facts, say(DIVERGED)), nothing)
    facts = [_verdict(found, layers[0][1], layers[-1][1])]
    facts += idle_facts({(k, i): kind for k, i, kind in found.idle}, scribe)
    if not found.idle:
        facts.append(say("No unit is dead or saturated for every example of the lesson."))
    for k, (W, d, layer) in reversed(list(enumerate(layers))):
        fine = k < len(found.factors) and np.isfinite(found.factors[k])
        sizes = f"{W} {number(layer.weight_rms)}; {d} {number(layer.delta_rms)}"
        times = say("{share} of {next}", share=number(found.factors[k], 3), next=layers[k + 1][1]) if fine else ""
        facts.append(f"{sizes}, {times}." if fine else f"{sizes}.")
    measure = (
        N_("The measure is the root mean square: of {weights} over its weights, of {error} over its units "
           "and the examples of the batch.")
        if trace.examples > 1
        else N_("The measure is the root mean square: of {weights} over its weights, of {error} over its units.")
    )  # fmt: skip
    facts.append(say(measure, weights=layers[0][0], error=layers[0][1]))

    def draw(columns: int, rows: int) -> Picture:
        some = [value for value in values if value]
        log = bool(some) and max(some) > 30 * min(some)
        room = max((rows - 3) // 2, 1)
        weights = bars([(W, layer.weight_rms) for W, _, layer in layers], columns, log, "curve1", room)
        deltas = bars([(d, layer.delta_rms) for _, d, layer in layers], columns, log, "curve2", room)
        above = say("weights, logarithmic" if log else "weights")[:columns]
        between = say("errors of the units (δ), logarithmic" if log else "errors of the units (δ)")[:columns]
        return (((above, "heading"),), *weights, (), ((between, "heading"),), *deltas)[:rows]

    return Shown(title, tuple(facts), draw)


def _verdict(found: units.Sizes, first: str, last: str) -> str:
    if not found.verdict:
        return say("There is nothing to compare: one layer, or no error at the output.")
    if found.verdict == "zero":
        if found.layers[0].delta_rms:
            return say("The error is 0 in a layer between {last} and {first}.", last=last, first=first)
        return say("The error does not get through: {first} is 0 although {last} is not.", last=last, first=first)
    each = found.total ** (1 / (len(found.layers) - 1))
    told = (
        N_("From {last} to {first} the error becomes {share} of its size, {each} a layer: {verdict}.")
        if len(found.layers) > 2
        else N_("From {last} to {first} the error becomes {share} of its size: {verdict}.")
    )
    verdict = say(_VERDICTS[found.verdict])
    return say(told, last=last, first=first, share=number(found.total, 3), each=number(each, 3), verdict=verdict)


_VERDICTS = {
    "vanishing": N_("the gradient vanishes, and the first layers hardly learn"),
    "exploding": N_("the gradient explodes, and the first layers take steps that are far too large"),
    "steady": N_("it neither vanishes nor explodes"),
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
    title = say("Gradient size, value by value")
    sizes = [size for _, size in found.values()]
    if not np.all(np.isfinite(sizes)):
        return Shown(title, (say(DIVERGED), *(f"{name}: {number(size)}." for name, size in found.values())), nothing)
    facts = [*_over_times({symbol.id: found[symbol.id] for symbol in lines if symbol.id in found})]
    ranked = sorted(found.values(), key=lambda pair: pair[1])
    if len(ranked) > 1:
        (least, small), (most, large) = ranked[0], ranked[-1]
        facts.append(
            say("The largest is {most}, {large}; the smallest {least}, {small}.",
                most=most, large=number(large, 3), least=least, small=number(small, 3))
        )  # fmt: skip
    facts += [f"{name} {number(size, 3)}." for name, size in found.values()]
    facts.append(
        say("The measure is the root mean square over all its numbers and the examples of the batch.")
        if trace.examples > 1
        else say("The measure is the root mean square over all its numbers.")
    )
    log = any(sizes) and max(sizes) > 30 * min(size for size in sizes if size)

    def draw(columns: int, rows: int) -> Picture:
        head = N_("root mean square of each gradient, logarithmic" if log else "root mean square of each gradient")
        head = say(head)[:columns]
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
            told = (
                N_("From {last} to {first} it becomes {share} of its size, {each} a step: it vanishes.")
                if each < 0.5
                else N_("From {last} to {first} it becomes {share} of its size, {each} a step: it explodes.")
                if each > 2
                else N_("From {last} to {first} it becomes {share} of its size, {each} a step: "
                        "it keeps its order of size.")
            )  # fmt: skip
            yield say(told, last=last, first=first, share=number(left, 3), each=number(each, 3))


KIND = PictureKind(
    N_("gradient sizes"),
    N_("a network"),
    lambda trace: [],
    _sizes_of,
    sizes_picture,
    lambda step: bool(step.trace.program.model.layers or step.trace.program.model.arrays) and step.phase != "forward",
)
