"""A layer's activation and its derivative with every unit on it; of a softmax the shares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tutor.engine import units
from tutor.engine.activations import ACTIVATIONS, piecewise
from tutor.engine.expressions import Call, Ref, Symbol
from tutor.engine.model import Equation
from tutor.engine.trace import Step
from tutor.engine.units import Units
from tutor.pictures.canvas import DASHES, Picture
from tutor.pictures.plot import Curve, Mark, Segment, bars, plot
from tutor.pictures.step.shown import (
    DIVERGED,
    MANY,
    PictureKind,
    Shown,
    and_more,
    index_in,
    nothing,
)
from tutor.text.card import Scribe
from tutor.text.cells import width
from tutor.text.language import N_, say
from tutor.text.layout import number
from tutor.text.writer import Writer


def _activation_of(step: Step, example: int) -> Ref | None:
    symbol = step.equation.symbol
    about = symbol.wrt or symbol
    if symbol.quantity == "gradient" and about.quantity == "activation":
        return None  # what arrives at a unit has not met its slope yet
    for eq in units.activation_equations(step.trace):
        z = _z(eq)
        ids = {z.id} if not step.trace.program.model.layers and z.quantity != "node" else {z.id, eq.symbol.id}
        if about.id in ids and about.quantity not in ("circuit_input", "weights", "biases"):
            index = index_in(step, eq.symbol.shape) or (0,) * len(eq.symbol.shape) or None
            return Ref(eq.symbol, index, example if eq.symbol.per_example else None)
    return None


def _z(eq: Equation) -> Symbol:
    assert isinstance(eq.formula, Call) and isinstance(eq.formula.args[0], Ref)
    return eq.formula.args[0].symbol


def activation_picture(scribe: Scribe, subject: Ref) -> Shown:
    """`subject` is an element of a layer's activation, or a circuit's gate."""
    trace, writer = scribe.trace, scribe.writer
    eq = trace.program.by_key[subject.symbol.key]
    found = units.units(trace, eq, subject.example, _row(subject))
    if found.function == "softmax":
        return _softmax_picture(scribe, subject, found)
    at = subject.index[-1] if subject.index else 0
    sign = writer.function(found.function, eq.symbol.layer)
    glyph = writer.notation.letter if found.function == "linear" else f"{sign}({writer.notation.letter})"
    if found.function != "linear" and sign != ACTIVATIONS[found.function].glyph:
        glyph += f" = {ACTIVATIONS[found.function].glyph}({writer.notation.letter})"
    of = writer.text(Ref(eq.symbol))
    title = (
        say("{f} and its derivative, with the units of {of}", f=glyph, of=of)
        if eq.symbol.shape
        else say("{f} at {of}", f=glyph, of=of)
    )
    facts = [_unit_fact(found, scribe, subject, at)]
    if scribe.trace.program.model.layers:
        layer = eq.symbol.layer or 0
        facts += idle_facts({(layer, i): kind for i, kind in found.idle.items()}, scribe)
    others = [i for i in range(len(found.z)) if i != at]
    told = others if len(others) <= MANY else [i for i in others if found.flat[i]][:MANY]
    facts += [_unit_line(found, scribe, subject, i) for i in told]
    if len(told) < len(others):
        facts.append(say("{n} more units.", n=f"{len(others) - len(told):,}"))

    def draw(columns: int, rows: int) -> Picture:
        return _draw_activation(found, writer, subject, at, sign, columns, rows)

    return Shown(title, tuple(facts), draw)


def _row(subject: Ref) -> tuple[int, ...]:
    """The row of an array that an element is in."""
    return (subject.index or ())[:-1]


def _unit(found: Units, subject: Ref, i: int) -> tuple[Ref, Ref]:
    """z and a of a unit."""
    a = found.equation.symbol
    index = (*_row(subject), i) if a.shape else None
    return Ref(_z(found.equation), index, subject.example), Ref(a, index, subject.example)


def _unit_line(found: Units, scribe: Scribe, subject: Ref, i: int) -> str:
    z, a = (scribe.writer.text(ref) for ref in _unit(found, subject, i))
    assert found.slopes is not None
    here = "off here" if found.slopes[i] == 0 else "saturated here"
    return say(
        _LINES[found.idle[i] if i in found.idle else here if found.flat[i] else ""],
        z=z, value=number(found.z[i]), a=a, activation=number(found.a[i]), slope=number(found.slopes[i]),
    )  # fmt: skip


_LINES = {
    "": N_("{z} = {value}: {a} = {activation}, slope {slope}."),
    "off here": N_("{z} = {value}: {a} = {activation}, slope {slope} (off here)."),
    "saturated here": N_("{z} = {value}: {a} = {activation}, slope {slope} (saturated here)."),
    "dead": N_("{z} = {value}: {a} = {activation}, slope {slope} (dead)."),
    "saturated": N_("{z} = {value}: {a} = {activation}, slope {slope} (saturated)."),
}


def _unit_fact(found: Units, scribe: Scribe, subject: Ref, at: int) -> str:
    z, a = (scribe.writer.text(ref) for ref in _unit(found, subject, at))
    assert found.slopes is not None
    if not (np.isfinite(found.z[at]) and np.isfinite(found.a[at])):
        told = say("{z} = {value}: {a} is {activation}.", z=z, value=number(found.z[at]), a=a,
                   activation=number(found.a[at]))  # fmt: skip
        return f"{told} {say(DIVERGED)}"
    words = {
        "z": z, "value": number(found.z[at]), "a": a, "activation": number(found.a[at]),
        "slope": number(found.slopes[at]),
    }  # fmt: skip
    if not found.flat[at]:
        return say(
            "{z} = {value}, so {a} = {activation} and the slope there is {slope}: "
            "an error at {a} goes on to {z} times that.", **words,
        )  # fmt: skip
    if found.slopes[at] == 0:
        return say(
            "{z} = {value}, so {a} = {activation} and the slope there is {slope}: "
            "no error passes this unit for this example.", **words,
        )  # fmt: skip
    return say(
        "{z} = {value}, so {a} = {activation} and the slope there is {slope}, at most {percent} % of its greatest: "
        "the unit is saturated, little of an error passes.", percent=f"{100 * units.FLAT:g}", **words,
    )  # fmt: skip


def idle_facts(idle: dict[tuple[int, int], str], scribe: Scribe) -> list[str]:
    """Which units are dead or saturated for every example of the lesson."""
    letter, examples = scribe.writer.notation.letter, len(scribe.trace.lesson.inputs)
    facts = []
    of = say("the lesson's one example") if examples == 1 else (
        say("all {n} examples of the lesson", n=f"{examples:,}")
    )  # fmt: skip
    for kind, told in (
        ("dead", N_("Dead for {examples}: {units} ({letter} ≤ 0 and slope 0: no gradient reaches the weights).")),
        ("saturated", N_("Saturated for {examples}: {units} (the slope is at most {percent} % of its greatest: "
                         "hardly any learning).")),
    ):  # fmt: skip
        names = [_activation_name(scribe, layer, i) for (layer, i), found in idle.items() if found == kind]
        if names:
            named = and_more(names)
            facts.append(say(told, examples=of, units=named, letter=letter, percent=f"{100 * units.FLAT:g}"))
    return facts


def _activation_name(scribe: Scribe, layer: int, i: int) -> str:
    symbol = scribe.trace.program.model.units(layer)
    return scribe.writer.text(Ref(replace(symbol, per_example=False), (i,)))


_REACH = {"sigmoid": 6.0, "tanh": 4.0}  # how far from 0 a curve is drawn at least


def _draw_activation(
    found: Units, writer: Writer, subject: Ref, at: int, sign: str, columns: int, rows: int
) -> Picture:
    node = found.equation.formula
    assert isinstance(node, Call) and found.slopes is not None
    fine = found.z[np.isfinite(found.z)]
    if not fine.size:
        return ()
    reach = _REACH.get(found.function, 2.0 if piecewise(found.function) else 4.0)
    low, high = min(-reach, 1.1 * float(fine.min())), max(reach, 1.1 * float(fine.max()))
    zs = np.linspace(low, high, 401)
    f, slopes = units.curve(node, zs)
    if piecewise(found.function):  # f′ jumps: no line from one side to the other
        slopes = np.where(np.append(np.diff(slopes), 0) != 0, np.nan, slopes)
    letter = writer.notation.letter
    curves = [
        Curve(zs, f, letter if found.function == "linear" else f"{sign}({letter})", "curve1", thick=2, dash=()),
        Curve(
            zs, slopes, say("slope") if found.function == "linear" else f"{sign}′({letter})", "curve2", dash=DASHES[1]
        ),
    ]
    few = len(found.z) <= max(6, columns // 8)
    marks = []
    for i in [i for i in range(len(found.z)) if i != at] + [at]:
        name = writer.text(replace(_unit(found, subject, i)[0], example=None))
        glyph = "✗" if i in found.idle else "◆" if i == at else "○" if found.flat[i] else "●"
        style = "value" if i == at else "error" if found.flat[i] else "lit"
        marks.append(Mark(found.z[i], found.slopes[i], "▪" if i != at else "◇", "value" if i == at else "curve2"))
        marks.append(Mark(found.z[i], found.a[i], glyph, style, name if few or i == at else ""))
    segments = [Segment(found.z[at], found.a[at], found.z[at], found.slopes[at], "dim", dash=DASHES[2])]
    return plot(curves, marks, columns, rows, letter, segments=segments, x_range=(low, high))


def _softmax_picture(scribe: Scribe, subject: Ref, found: Units) -> Shown:
    writer, trace = scribe.writer, scribe.trace
    at = subject.index[-1] if subject.index else 0
    names = [tuple(writer.text(ref) for ref in _unit(found, subject, i)) for i in range(len(found.z))]
    title = say("Softmax: each unit's share {e} / Σ {e}", e=writer.e_to_the_z)
    if not np.all(np.isfinite(found.a)):
        told = say("{name} is {value}.", name=names[at][1], value=number(found.a[at]))
        return Shown(title, (f"{told} {say(DIVERGED)}",), nothing)
    y = None
    if trace.program.model.layers:
        target = trace.program.model.data[1]
        y = np.asarray(trace.value(Ref(target, None, subject.example if target.per_example else None)))
    best = int(np.argmax(found.a))
    words = [
        {"z": z, "value": number(found.z[i]), "a": a, "share": number(found.a[i])} for i, (z, a) in enumerate(names)
    ]
    facts = [
        say("{z} = {value} gets the share {a} = {share}.", **words[at])
        if y is None
        else say("{z} = {value} gets the share {a} = {share}; its target is {y}.", y=number(y[at]), **words[at]),
        say("The largest share is {a} = {share}. All shares add up to 1: where one grows the others shrink, "
            "so each of the inputs moves every output.", a=names[best][1], share=number(found.a[best])),
    ]  # fmt: skip
    facts += [
        say("{z} = {value}: {a} = {share}.", **words[i])
        if y is None
        else say("{z} = {value}: {a} = {share}, target {y}.", y=number(y[i]), **words[i])
        for i in range(min(len(names), MANY + 1))
        if i != at
    ]
    if len(names) > MANY + 1:
        facts.append(say("{n} more units.", n=f"{len(names) - MANY - 1:,}"))

    def draw(columns: int, rows: int) -> Picture:
        size = max(width(name) for _, name in names)
        items = [
            (f"{'▶' if i == at else ' '}{a}{' ' * (size - width(a))}  {z} {number(found.z[i])}", float(found.a[i]))
            for i, (z, a) in enumerate(names)
        ]
        return bars(items, columns, rows=rows)

    return Shown(title, tuple(facts), draw)


KIND = PictureKind(
    N_("activation"),
    N_("the units of a layer, such as z1 or a1[2]"),
    lambda trace: [eq.symbol for eq in units.activation_equations(trace)],
    _activation_of,
    activation_picture,
    ahead=True,
)
