"""The loss as a function of one parameter: its slope, its tangent, where the update lands."""

from __future__ import annotations

import numpy as np

from tutor.engine import loss_slope
from tutor.engine.expressions import Ref
from tutor.engine.loss_slope import Slope, Update
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.trace import Step, Trace
from tutor.pictures.canvas import DASHES, Picture
from tutor.pictures.plot import Curve, Mark, Segment, plot
from tutor.pictures.step.shown import (
    DIVERGED,
    PictureKind,
    Shown,
    bracketed,
    element_of,
    nothing,
)
from tutor.text.card import Scribe
from tutor.text.layout import number
from tutor.text.writer import Writer


def _slope_of(step: Step, example: int) -> Ref | None:
    symbol, trace = step.equation.symbol, step.trace
    parameters = trace.program.model.common
    about = symbol.wrt or symbol
    if about.quantity == "activation" and symbol.quantity == "gradient":
        return None
    of = next((p for p in parameters if p.id == about.id), None)
    if of is None:  # of a unit its weights, of the loss those of the last layer
        layer = about.layer or max((p.layer or 0 for p in parameters), default=0)
        of = next((p for p in parameters if p.layer == layer), parameters[0] if parameters else None)
    if of is None or (gradient := loss_slope.gradient_symbol(trace, of)) is None:
        return None
    of_a_unit = bool(trace.program.model.layers) and len(of.shape) == 2  # the row of a unit's weights
    if about.id == of.id or not step.index or not of_a_unit:
        return Ref(
            of, element_of(step, gradient, example) if about.id == of.id else loss_slope.steepest(trace, gradient)
        )
    row = step.index[-1]
    return Ref(of, (row, int(np.argmax(np.abs(np.nan_to_num(np.asarray(trace.value(Ref(gradient))))[row])))))


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
        product = f"−{rate} · slope = −{number(update.rate)} · {bracketed(number(found.slope))}"
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
    if update.level:
        return f"{told}: there the curve is level, its slope is 0."
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


KIND = PictureKind(
    "slope",
    "a parameter, such as W1[1,1]",
    lambda trace: trace.program.model.common,
    _slope_of,
    slope_picture,
)
