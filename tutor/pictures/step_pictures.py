"""Pictures of a step: the slope, the gradient check, the activation, the gradients by layer.

Each is drawn in cells at any size and says the same in words (`Shown`), for the player and for line mode.
`KINDS` is the table of them; the numbers come from `gradient_check`, `loss_slope` and `units`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tutor.engine import gradient_check, loss_slope, units
from tutor.engine.activations import ACTIVATIONS, piecewise
from tutor.engine.expressions import Call, Ref, Symbol
from tutor.engine.gradient_check import EPSILONS, USUAL, Check
from tutor.engine.loss_slope import Slope, Update
from tutor.engine.network import Equation
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.trace import NoSuchStep, Step, Trace, resolve
from tutor.engine.units import Units
from tutor.pictures.canvas import DASHES, Picture
from tutor.pictures.plot import Curve, Mark, Segment, bars, plot
from tutor.text.card import Scribe
from tutor.text.layout import number, width
from tutor.text.writer import Writer

AGREE = 1e-6  # a relative error below this: the gradient is right
DRAWN_AS_ZERO = 1e-17  # where an error of 0 stands on a logarithmic axis
MANY = 12  # units or names that are told one by one


@dataclass(frozen=True)
class Shown:
    """A picture: its title, the facts in words, most important first, and the drawing.

    `draw(columns, rows)` gives at most so many cells; nothing where there is nothing to draw.
    """

    title: str
    facts: tuple[str, ...]
    draw: Callable[[int, int], Picture]


@dataclass(frozen=True)
class Kind:
    """A kind of picture: its name, what it can be of, what it is of at a step, and how it is made.

    What it is of, its subject, is an element of one of the symbols `subjects(trace)`, which are `about` something.
    `begin(step, example)` is None where the picture makes no sense for the step; `example` (from 0) is the one at
    the cursor. `suits` says whether it is worth offering there.
    """

    title: str
    about: str
    subjects: Callable[[Trace], Sequence[Symbol]]
    begin: Callable[[Step, int], Ref | None]
    make: Callable[[Scribe, Ref], Shown]
    suits: Callable[[Step], bool] = lambda step: True


def nothing(columns: int, rows: int) -> Picture:
    return ()


# ---------------------------------------------------------------- what a picture is of


def offers(step: Step, example: int) -> list[str]:
    """The kinds of pictures that make sense for a step, the most telling first."""
    return [name for name, kind in KINDS.items() if kind.suits(step) and kind.begin(step, example) is not None]


def another(kind: str, trace: Trace, subject: Ref, by: int, example: int, whole: bool = False) -> Ref:
    """The subject so many elements (`whole`: symbols) further on; the first and the last are the ends."""
    symbols = list(KINDS[kind].subjects(trace))
    if not symbols:
        return subject
    at = next((k for k, symbol in enumerate(symbols) if symbol.key == subject.symbol.key), 0)
    element = int(np.ravel_multi_index(subject.index, subject.symbol.shape)) if subject.index else 0
    count = int(np.prod(symbols[at].shape))
    if whole or not 0 <= element + by < count:
        if not 0 <= at + by < len(symbols):
            return subject
        at += by
        count = int(np.prod(symbols[at].shape))
        element = count if by < 0 and not whole else -1
        by = -1 if by < 0 and not whole else 1
    index = tuple(map(int, np.unravel_index(element + by, symbols[at].shape))) if symbols[at].shape else None
    return Ref(symbols[at], index, example if _has_examples(symbols[at]) else None)


def subject(kind: str, trace: Trace, id: str, example: int) -> Ref:
    """What an id names as a picture's subject: a value such as W2[1,1], or a step about it. Raises NoSuchStep."""
    output = trace.program.model.output.id
    unknown: NoSuchStep | None = None
    unsuited = False
    for text in (f"d{output}/d{id.strip()}", id):
        try:
            eq, index, named = resolve(trace.program, text)
        except NoSuchStep as error:
            unknown = error
            continue
        if text is not id and eq.symbol.wrt:  # of a value: its finished gradient
            eq = trace.program.by_key[(loss_slope.gradient_symbol(trace, eq.symbol.wrt) or eq.symbol).key]
        step = Step(trace, eq, index, named if named is not None else example if eq.symbol.per_example else None)
        if found := KINDS[kind].begin(step, example if named is None else named):
            return found
        unsuited = True  # at ∂L/∂a there is no slope yet, at a itself there is
    if unsuited or unknown is None:
        raise NoSuchStep(f"this is a picture of {KINDS[kind].about}, and '{id}' is none")
    raise unknown


def _has_examples(symbol: Symbol) -> bool:
    return symbol.per_example or bool(symbol.wrt and symbol.wrt.per_example)


def _index(step: Step, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The step's element as one of a value of this shape; None where the step is whole."""
    if not step.index or not shape:
        return None
    index = step.index[-len(shape) :]  # of dz[i]/da[j] and da[k]/dz[i] the last
    return index if len(index) == len(shape) and all(i < n for i, n in zip(index, shape, strict=True)) else None


def _element(step: Step, gradient: Symbol, example: int) -> tuple[int, ...] | None:
    return _index(step, gradient.shape) or loss_slope.steepest(step.trace, gradient, example)


def _gradients(trace: Trace) -> list[Symbol]:
    return [eq.symbol for eq in trace.equations if eq.symbol.quantity == "gradient"]


def _check_of(step: Step, example: int) -> Ref | None:
    symbol = step.equation.symbol
    found: Symbol | None = symbol
    if symbol.quantity != "gradient":
        found = loss_slope.gradient_symbol(step.trace, symbol.wrt or symbol)
    if found is None:  # the loss: the first gradient that there is
        found = next(iter(_gradients(step.trace)), None)
    if found is None:
        return None
    return Ref(found, _element(step, found, example), example if _has_examples(found) else None)


def _slope_of(step: Step, example: int) -> Ref | None:
    symbol, trace = step.equation.symbol, step.trace
    parameters = trace.program.model.parameters
    about = symbol.wrt or symbol
    if about.quantity == "activation" and symbol.quantity == "gradient":
        return None
    of = next((p for p in parameters if p.id == about.id), None)
    if of is None:  # of a unit its weights, of the loss those of the last layer
        layer = about.layer or max((p.layer or 0 for p in parameters), default=0)
        of = next((p for p in parameters if p.layer == layer), parameters[0] if parameters else None)
    if of is None or (gradient := loss_slope.gradient_symbol(trace, of)) is None:
        return None
    if about.id == of.id or not step.index or len(of.shape) != 2:
        return Ref(of, _element(step, gradient, example) if about.id == of.id else loss_slope.steepest(trace, gradient))
    row = step.index[-1]
    return Ref(of, (row, int(np.argmax(np.abs(np.nan_to_num(np.asarray(trace.value(Ref(gradient))))[row])))))


def _activation_of(step: Step, example: int) -> Ref | None:
    symbol = step.equation.symbol
    about = symbol.wrt or symbol
    if symbol.quantity == "gradient" and about.quantity == "activation":
        return None  # what arrives at a unit has not met its slope yet
    for eq in units.activation_equations(step.trace):
        z = _z(eq)
        ids = {z.id} if step.trace.lesson.circuit and z.quantity != "node" else {z.id, eq.symbol.id}
        if about.id in ids and about.quantity not in ("circuit_input", "weights", "biases"):
            index = _index(step, eq.symbol.shape) or ((0,) if eq.symbol.shape else None)
            return Ref(eq.symbol, index, example if eq.symbol.per_example else None)
    return None


def _sizes_of(step: Step, example: int) -> Ref:
    return step.ref


def _z(eq: Equation) -> Symbol:
    assert isinstance(eq.formula, Call) and isinstance(eq.formula.args[0], Ref)
    return eq.formula.args[0].symbol


# ---------------------------------------------------------------- gradient check


def _power(epsilon: float) -> str:
    """0.1, 0.01, 0.001, then powers of ten."""
    text = number(epsilon)
    return text.removeprefix("1×")


def _error(value: float) -> str:
    return "undefined" if not np.isfinite(value) else number(value, 2) if value else "0"


def check_picture(scribe: Scribe, subject: Ref) -> Shown:
    """`subject` is an element of a gradient."""
    trace, writer = scribe.trace, scribe.writer
    found = gradient_check.check(trace, subject)
    name, w, L = writer.text(subject), writer.text(found.wrt), writer.text(found.of)
    title = f"Gradient check of {name}"
    if not (np.isfinite(found.analytic) and np.isfinite(found.loss)):
        fact = f"{name} is {number(found.analytic)} and {L} is {number(found.loss)} here: there is nothing to check."
        return Shown(title, (fact,), nothing)
    facts = [f"{name} = {number(found.analytic, 10)} by backpropagation."]
    if found.best is None:
        facts.append(f"{L} is not a number beside {w} = {number(found.value)}: there is no difference to take.")
        return Shown(title, tuple(facts), nothing)
    facts += _best_facts(found, w, L)
    if found.kink:
        facts.insert(1, _kink_fact(found, writer))
    if not (found.kink and found.kink.exact):
        facts += _sweep_facts(found, L)
    if subject.index:
        facts.append(_whole_fact(scribe, subject))
    table = ", ".join(f"{_power(e)}: {_error(r)}" for e, r in zip(EPSILONS, found.errors, strict=True))
    facts.append(f"Relative error by ε: {table}.")
    return Shown(title, tuple(facts), lambda columns, rows: _draw_check(found, columns, rows))


def _best_facts(found: Check, w: str, L: str) -> list[str]:
    best = found.told
    assert best is not None
    error, epsilon = found.errors[best], _power(EPSILONS[best])
    exact = found.kink is not None and found.kink.exact
    if exact:
        verdict = "no ε helps on a kink" if error > AGREE else "they agree all the same"
    elif found.analytic == 0 == found.numeric[best]:
        verdict = f"both are exactly 0: moving {w} does not move {L}"
    elif error <= AGREE:
        verdict = "they agree"
    elif found.rounding:
        beside = f"{L} = {number(found.loss)}"
        verdict = f"the difference is rounding's: the gradient is too small beside {beside} to be seen in it"
    else:
        verdict = "they do not agree"
    up, down = (number(side[best], 10) for side in (found.up, found.down))
    at, _, _ = L.partition("(")  # L(θ) is a function already
    quotient = f"({up} − {_bracketed(down)}) / {number(2 * EPSILONS[best])}"
    return [
        f"By differences: ({at}({w} + ε) − {at}({w} − ε)) / 2ε = {quotient} = {number(found.numeric[best], 10)}, "
        f"with ε = {epsilon}{'' if exact else ', the best one'}.",
        f"Relative error |a − n| / max(|a|, |n|) = {_error(error)}: {verdict}.",
    ]


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("−") else text


def _sweep_facts(found: Check, L: str) -> list[str]:
    """Why there is a best ε: truncation on one side, rounding on the other."""
    assert found.best is not None
    best, small = found.errors[found.best], found.errors[-1]
    large = next((error for error in found.errors if np.isfinite(error)), best)
    facts = []
    if not (found.kink and found.kink.epsilon <= 0.1):
        if large > max(100 * best, 1e-10):
            facts.append(
                f"Larger ε: {L} is a curve and the difference a chord, off by {_error(large)} at ε = 0.1; "
                "that error grows with ε² (truncation)."
            )
        elif found.analytic and large <= 1e-9:
            facts.append(
                f"Even ε = 0.1 is right to {_error(large)}: {L} is a straight line or a parabola here, "
                "whose chord is as steep as its tangent."
            )
    if np.isfinite(small) and small > 10 * best:
        facts.append(
            f"Smaller ε: both values of {L} agree in ever more digits, and what is left of their difference "
            f"is rounding; that error grows with 1/ε, to {_error(small)} at ε = {_power(EPSILONS[-1])}."
        )
    return facts


def _kink_fact(found: Check, writer: Writer) -> str:
    kink = found.kink
    assert kink is not None
    names = ", ".join(writer.text(ref) for ref in kink.at) + (f" and {kink.count - 3:,} more" if kink.count > 3 else "")
    what = (
        f"the winner of {' and '.join(kink.ops)} changes at {names}"
        if set(kink.ops) <= {"max", "min"}
        else f"{names} changes sign"
        if kink.count == 1
        else f"{names} change sign"
    )
    sides = f"{number(kink.left)} to the left and {number(kink.right)} to the right"
    w = writer.text(found.wrt)
    if kink.exact:
        taken = next(
            (f": backpropagation takes the one to the {side}"
             for side, value in (("left", kink.left), ("right", kink.right))
             if np.isclose(value, found.analytic, rtol=1e-4, atol=1e-9)), ": backpropagation takes a value between them"
            if min(kink.left, kink.right) < found.analytic < max(kink.left, kink.right) else "",
        )  # fmt: skip
        return f"{w} stands on a kink, where there is no one slope: {what}. The slopes are {sides}{taken}."
    return (
        f"A kink spoils every ε from {_power(kink.epsilon)} up: {what} within ±ε of {w}. The chords to either side "
        f"have the slopes {sides} there."
    )


def _whole_fact(scribe: Scribe, subject: Ref) -> str:
    gradient, writer = replace(subject, index=None), scribe.writer
    (whole,) = scribe.kept.setdefault(("check", gradient), []) or [gradient_check.check_all(scribe.trace, gradient)]
    scribe.kept["check", gradient] = [whole]  # the same for each element that one looks at
    of = f"All {whole.count:,} elements" if whole.checked == whole.count else (
        f"{whole.checked:,} of {whole.count:,} elements, spread evenly"
    )  # fmt: skip
    of = {1: "The one element", 2: "Both elements"}.get(whole.count, of)
    if not np.isfinite(whole.worst):
        return f"{of} at ε = {_power(USUAL)}: {writer.text(whole.at)} has no difference that is a number."
    hidden = whole.rounding and whole.worst > AGREE
    excuse = " (a gradient so small beside the loss that rounding hides it)" if hidden else ""
    return (
        f"{of} at ε = {_power(USUAL)}: the largest relative error is {_error(whole.worst)}, of "
        f"{writer.text(whole.at)}{excuse}; as one vector, {_error(whole.together)}."
    )


def _draw_check(found: Check, columns: int, rows: int) -> Picture:
    best = found.told
    assert best is not None
    shown = np.array([max(error, DRAWN_AS_ZERO) for error in found.errors])  # max keeps NaN first: a gap
    shown = np.where(np.isfinite(found.errors), shown, np.nan)
    marks = [Mark(e, y, "•", "curve1") for e, y in zip(EPSILONS, shown, strict=True) if np.isfinite(y)]
    spoilt = [k for k, e in enumerate(EPSILONS) if found.kink and e >= found.kink.epsilon and np.isfinite(shown[k])]
    marks += [Mark(EPSILONS[k], shown[k], "✗", "error", "kink" if k == spoilt[-1] else "") for k in spoilt]
    if not (found.kink and found.kink.exact):
        marks.append(Mark(EPSILONS[best], shown[best], "●", "lit", f"best: {_power(EPSILONS[best])}"))
        if shown[-2] > 100 * shown[best]:
            marks.append(Mark(EPSILONS[-2], shown[-2], "•", "dim", "rounding"))
        if not spoilt and shown[1] > 100 * shown[best]:
            marks.append(Mark(EPSILONS[1], shown[1], "•", "dim", "truncation"))
    curve = Curve(EPSILONS, shown, style="curve1")
    high = max(float(np.nanmax(shown)), 1e-16) * 3
    low = min(float(np.nanmin(shown)) / 3, high / 1e4)
    return plot(
        [curve], marks, columns, rows, "ε", "relative error", log_x=True, log_y=True,
        x_range=(EPSILONS[-1] / 2, EPSILONS[0] * 2), y_range=(low, high),
    )  # fmt: skip


# ---------------------------------------------------------------- slope


def slope_picture(scribe: Scribe, subject: Ref) -> Shown:
    """`subject` is an element of a parameter."""
    trace, writer = scribe.trace, scribe.writer
    found = loss_slope.slope(trace, subject)
    w, L = writer.text(subject), writer.text(Ref(found.of))
    title = f"{L} as a function of {w}, all else fixed"
    if not found.xs.size:
        numbers = f"{w} = {number(found.value)}, {L} = {number(found.loss)}, slope {number(found.slope)}"
        return Shown(title, (f"{numbers}: there is no curve to draw. {DIVERGED}",), nothing)
    facts = [f"At {w} = {number(found.value)}, {L} = {number(found.loss)}, the slope is {number(found.slope)}."]
    if found.update:
        facts += _update_facts(found, found.update, scribe, w, L)
    else:
        facts += [_direction(found, w, L) + ".", f"{w} is not updated: {_why_not(trace)}."]
    return Shown(title, tuple(facts), lambda columns, rows: _draw_slope(found, w, L, columns, rows))


DIVERGED = "A value outgrew what numbers can hold, or left where the function has values."


def _why_not(trace: Trace) -> str:
    return "its layer is frozen" if trace.lesson.training else "this lesson is not trained"


def _direction(found: Slope, w: str, L: str) -> str:
    if found.slope == 0:
        return f"The slope is 0: a small change of {w} does not change {L}"
    sign, less = ("positive", "more") if found.slope > 0 else ("negative", "less")
    return f"Slope {number(found.slope)} is {sign}: more of {w} is {less} {L}"


def _update_facts(found: Slope, update: Update, scribe: Scribe, w: str, L: str) -> list[str]:
    training = scribe.trace.lesson.training
    assert training
    rate, change = scribe.writer.notation.rate, update.value - found.value
    if not np.isfinite(update.value):
        return [f"The update takes {w} to {number(update.value)}. {DIVERGED}"]
    move = f"{'adds' if change > 0 else 'takes away'} {number(abs(change))}" if change else "changes nothing"
    lands = f"{w} becomes {number(update.value)}"
    if update.plain:
        product = f"−{rate} · slope = −{number(update.rate)} · {_bracketed(number(found.slope))}"
        facts = [f"{_direction(found, w, L)}, so the update, {product}, {move}: {lands}."]
    else:
        against = "against" if change * found.slope <= 0 else "this time along"
        name = OPTIMIZERS[training.optimizer].title
        facts = [f"{_direction(found, w, L)}. {name[0].upper()}{name[1:]} {move}, {against} the slope: {lands}."]
    if change:
        facts.append(_landing(found, update, w, L, rate))
    facts.append(_everything(found, update, scribe.writer, L))
    return facts


def _apart(*values: float) -> int:
    """How many digits tell these values apart where they differ; at least 4, at most 10."""
    different = len({value for value in values if np.isfinite(value)})
    finite = [value for value in values if np.isfinite(value)]
    return next((digits for digits in range(4, 10) if len({number(v, digits) for v in finite}) >= different), 10)


def _landing(found: Slope, update: Update, w: str, L: str, rate: str) -> str:
    digits = _apart(found.loss, update.predicted, update.loss)
    told = f"With {w} alone moved the tangent predicts {L} = {number(update.predicted, digits)}; true is "
    told += number(update.loss, digits)
    if not np.isfinite(update.loss):
        return f"{told}: the step is far too large. A smaller {rate} helps."
    if update.loss > found.loss:
        return f"{told}, more than before: the step jumps over the valley. A smaller {rate} would land in it."
    if update.beyond:
        return f"{told}: just past the lowest point, where the slope has turned. A larger {rate} would go too far."
    bend = update.loss - update.predicted
    if abs(bend) <= 1e-6 * abs(update.predicted - found.loss):
        return f"{told}: the curve is straight here."
    way = "up" if bend > 0 else "down"
    return f"{told}: the curve bends {way}, away from the tangent, and the more the larger {rate} is."


def _everything(found: Slope, update: Update, writer: Writer, L: str) -> str:
    formula = ""
    if update.plain:
        rate = writer.notation.rate
        formula = f" ({L} − {rate}‖∇{L}‖² = {number(found.loss)} − {number(update.rate)} · {number(update.square)})"
    told = f"All parameters together: predicted {number(update.all_predicted)}{formula}, true {number(update.all_loss)}"
    if not np.isfinite(update.all_loss):
        return f"{told}. {DIVERGED}"
    if update.all_loss > found.loss:
        return f"{told}, more than the {number(found.loss)} before: the step is too large."
    return f"{told}."


def _draw_slope(found: Slope, w: str, L: str, columns: int, rows: int) -> Picture:
    update = found.update
    fine = found.ys[np.isfinite(found.ys)]
    heights = [found.loss, *([update.loss] if update and np.isfinite(update.loss) else [])]
    if fine.size:
        heights += [float(fine.min()), float(fine.max())]
    low, high = min(heights), max(heights)
    if update and np.isfinite(update.predicted) and low - 2 * (high - low) < update.predicted < high + 2 * (high - low):
        low, high = min(low, update.predicted), max(high, update.predicted)
    tall = (high - low) or max(abs(high), 1e-3)
    floor, ceiling = low - 0.2 * tall, high + 0.06 * tall
    left, right = float(found.xs[0]), float(found.xs[-1])

    def tangent(x: float) -> float:
        return found.loss + found.slope * (x - found.value)

    segments = [
        Segment(left, tangent(left), right, tangent(right), "curve2", dash=DASHES[1], stretch=False),
    ]
    marks = [Mark(found.value, found.loss, "●", "lit", f"{w} = {number(found.value)}")]
    if update and np.isfinite(update.value) and update.value != found.value:
        arrow, digits = low - 0.1 * tall, _apart(found.loss, update.predicted, update.loss)
        segments.append(Segment(found.value, found.loss, found.value, arrow, "dim", dash=DASHES[2]))
        predicted = f"predicted {number(update.predicted, digits)}"
        marks.append(Mark(update.value, update.predicted, "○", "curve2", predicted))
        if np.isfinite(update.loss):
            segments.append(Segment(update.value, update.loss, update.value, arrow, "dim", dash=DASHES[2]))
            marks.append(Mark(update.value, update.loss, "◆", "value", f"true {number(update.loss, digits)}"))
        segments.append(Segment(found.value, arrow, update.value, arrow, "value", arrow=True, label="update", thick=2))
    curves = [
        Curve(found.xs, found.ys, L, "curve1", thick=2, dash=()),
        Curve([], [], "tangent", "curve2", dash=DASHES[1]),
    ]
    return plot(curves, marks, columns, rows, w, x_range=(left, right), y_range=(floor, ceiling), segments=segments)


# ---------------------------------------------------------------- activation


def activation_picture(scribe: Scribe, subject: Ref) -> Shown:
    """`subject` is an element of a layer's activation, or a circuit's gate."""
    trace, writer = scribe.trace, scribe.writer
    eq = trace.program.by_key[subject.symbol.key]
    found = units.units(trace, eq, subject.example)
    if found.function == "softmax":
        return _softmax_picture(scribe, subject, found)
    at = subject.index[0] if subject.index else 0
    sign = writer.function(found.function, eq.symbol.layer)
    glyph = writer.notation.letter if found.function == "linear" else f"{sign}({writer.notation.letter})"
    if found.function != "linear" and sign != ACTIVATIONS[found.function].glyph:
        glyph += f" = {ACTIVATIONS[found.function].glyph}({writer.notation.letter})"
    of = writer.text(Ref(eq.symbol))
    title = f"{glyph} and its derivative, with the units of {of}" if eq.symbol.shape else f"{glyph} at {of}"
    facts = [_unit_fact(found, scribe, subject, at)]
    if scribe.trace.lesson.network:
        layer = eq.symbol.layer or 0
        facts += _idle_facts({(layer, i): kind for i, kind in found.idle.items()}, scribe)
    others = [i for i in range(len(found.z)) if i != at]
    told = others if len(others) <= MANY else [i for i in others if found.flat[i]][:MANY]
    facts += [_unit_line(found, scribe, subject, i) for i in told]
    if len(told) < len(others):
        facts.append(f"{len(others) - len(told):,} more units.")

    def draw(columns: int, rows: int) -> Picture:
        return _draw_activation(found, writer, subject, at, sign, columns, rows)

    return Shown(title, tuple(facts), draw)


def _unit(found: Units, subject: Ref, i: int) -> tuple[Ref, Ref]:
    """z and a of a unit."""
    a = found.equation.symbol
    index = (i,) if a.shape else None
    return Ref(_z(found.equation), index, subject.example), Ref(a, index, subject.example)


def _unit_line(found: Units, scribe: Scribe, subject: Ref, i: int) -> str:
    z, a = (scribe.writer.text(ref) for ref in _unit(found, subject, i))
    assert found.slopes is not None
    here = " (off here)" if found.slopes[i] == 0 else " (saturated here)"
    kind = f" ({found.idle[i]})" if i in found.idle else here if found.flat[i] else ""
    return f"{z} = {number(found.z[i])}: {a} = {number(found.a[i])}, slope {number(found.slopes[i])}{kind}."


def _unit_fact(found: Units, scribe: Scribe, subject: Ref, at: int) -> str:
    z, a = (scribe.writer.text(ref) for ref in _unit(found, subject, at))
    assert found.slopes is not None
    if not (np.isfinite(found.z[at]) and np.isfinite(found.a[at])):
        return f"{z} = {number(found.z[at])}: {a} is {number(found.a[at])}. {DIVERGED}"
    told = f"{z} = {number(found.z[at])}, so {a} = {number(found.a[at])}"
    told += f" and the slope there is {number(found.slopes[at])}"
    through = f"an error at {a} goes on to {z} times that"
    if not found.flat[at]:
        return f"{told}: {through}."
    if found.slopes[at] == 0:
        return f"{told}: no error passes this unit for this example."
    share = f"at most {100 * units.FLAT:g} % of its greatest"
    return f"{told}, {share}: the unit is saturated, little of an error passes."


def _idle_facts(idle: dict[tuple[int, int], str], scribe: Scribe) -> list[str]:
    """Which units are dead or saturated for every example of the lesson."""
    letter, examples = scribe.writer.notation.letter, len(scribe.trace.lesson.inputs)
    facts = []
    of = "the lesson's one example" if examples == 1 else f"all {examples:,} examples of the lesson"
    for kind, why in (
        ("dead", f"{letter} ≤ 0 and slope 0: no gradient reaches the weights"),
        ("saturated", f"the slope is at most {100 * units.FLAT:g} % of its greatest: hardly any learning"),
    ):
        names = [_activation_name(scribe, layer, i) for (layer, i), found in idle.items() if found == kind]
        if names:
            more = f" and {len(names) - MANY:,} more" if len(names) > MANY else ""
            facts.append(f"{kind.capitalize()} for {of}: {', '.join(names[:MANY])}{more} ({why}).")
    return facts


def _activation_name(scribe: Scribe, layer: int, i: int) -> str:
    symbol = scribe.symbols.get(f"a{layer}") or scribe.symbols[f"a{layer}@"]
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
        Curve(zs, slopes, "slope" if found.function == "linear" else f"{sign}′({letter})", "curve2", dash=DASHES[1]),
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
    at = subject.index[0] if subject.index else 0
    names = [tuple(writer.text(ref) for ref in _unit(found, subject, i)) for i in range(len(found.z))]
    title = f"Softmax: each unit's share {writer.e_to_the_z} / Σ {writer.e_to_the_z}"
    if not np.all(np.isfinite(found.a)):
        return Shown(title, (f"{names[at][1]} is {number(found.a[at])}. {DIVERGED}",), nothing)
    y = np.asarray(trace.value(Ref(scribe.symbols["y@" if subject.symbol.per_example else "y"], None, subject.example)))
    best = int(np.argmax(found.a))
    facts = [
        f"{names[at][0]} = {number(found.z[at])} gets the share {names[at][1]} = {number(found.a[at])}; "
        f"its target is {number(y[at])}.",
        f"The largest share is {names[best][1]} = {number(found.a[best])}. All shares add up to 1: where one grows "
        "the others shrink, so each of the inputs moves every output.",
    ]
    facts += [
        f"{z} = {number(found.z[i])}: {a} = {number(found.a[i])}, target {number(y[i])}."
        for i, (z, a) in enumerate(names[: MANY + 1])
        if i != at
    ]
    if len(names) > MANY + 1:
        facts.append(f"{len(names) - MANY - 1:,} more units.")

    def draw(columns: int, rows: int) -> Picture:
        size = max(width(name) for _, name in names)
        items = [
            (f"{'▶' if i == at else ' '}{a}{' ' * (size - width(a))}  {z} {number(found.z[i])}", float(found.a[i]))
            for i, (z, a) in enumerate(names)
        ]
        return bars(items, columns, rows=rows)

    return Shown(title, tuple(facts), draw)


# ---------------------------------------------------------------- sizes


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
    facts += _idle_facts({(k, i): kind for k, i, kind in found.idle}, scribe)
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


KINDS: dict[str, Kind] = {
    "activation": Kind(
        "activation", "the units of a layer, such as z1 or a1[2]",
        lambda trace: [eq.symbol for eq in units.activation_equations(trace)], _activation_of, activation_picture,
    ),
    "slope": Kind(
        "slope", "a parameter, such as W1[1,1]",
        lambda trace: trace.program.model.parameters, _slope_of, slope_picture,
    ),
    "check": Kind("gradient check", "a gradient, such as dL/dW1[1,1]", _gradients, _check_of, check_picture),
    "sizes": Kind(
        "gradient sizes", "a network", lambda trace: [], _sizes_of, sizes_picture,
        lambda step: step.trace.lesson.network is not None and step.phase != "forward",
    ),
}  # fmt: skip
