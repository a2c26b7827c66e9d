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
from tutor.text.language import N_, say
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
    title = say("{L} as a function of {w}, all else fixed", L=L, w=w)
    numbers = {"w": w, "L": L, "value": number(found.value), "loss": number(found.loss), "slope": number(found.slope)}
    if not found.xs.size:
        fact = say("{w} = {value}, {L} = {loss}, slope {slope}: there is no curve to draw.", **numbers)
        return Shown(title, (f"{fact} {say(DIVERGED)}",), nothing)
    facts = [say("At {w} = {value}, {L} = {loss}, the slope is {slope}.", **numbers)]
    if found.update:
        facts += _update_facts(found, found.update, scribe, w, L)
    else:
        facts += [_direction(found, w, L) + ".", _not_updated(trace, w)]
    return Shown(title, tuple(facts), lambda columns, rows: _draw_slope(found, w, L, columns, rows))


def _not_updated(trace: Trace, w: str) -> str:
    if trace.lesson.training:
        return say("{w} is not updated: its layer is frozen.", w=w)
    return say("{w} is not updated: this lesson is not trained.", w=w)


def _direction(found: Slope, w: str, L: str) -> str:
    """A sentence without its full stop."""
    if found.slope == 0:
        return say("The slope is 0: a small change of {w} does not change {L}", w=w, L=L)
    if found.slope > 0:
        return say("Slope {slope} is positive: more of {w} is more {L}", slope=number(found.slope), w=w, L=L)
    return say("Slope {slope} is negative: more of {w} is less {L}", slope=number(found.slope), w=w, L=L)


def _update_facts(found: Slope, update: Update, scribe: Scribe, w: str, L: str) -> list[str]:
    training = scribe.trace.lesson.training
    assert training
    rate, change = scribe.writer.notation.rate, update.value - found.value
    if not np.isfinite(update.value):
        return [f"{say('The update takes {w} to {value}.', w=w, value=number(update.value))} {say(DIVERGED)}"]
    words = {"direction": _direction(found, w, L), "size": number(abs(change)), "w": w, "value": number(update.value)}
    if update.plain:
        words |= {"rate": rate, "number": number(update.rate), "slope": bracketed(number(found.slope))}
        moves = _PLAINLY
    else:
        name = say(OPTIMIZERS[training.optimizer].title)
        words["optimiser"] = name[0].upper() + name[1:]
        moves = _AGAINST if change * found.slope <= 0 else _ALONG
    facts = [say(moves[int(np.sign(change))], **words)]
    if change:
        facts.append(say(_landing(found, update), **_landed(found, update, w, L, rate)))
    facts.append(_everything(found, update, scribe.writer, L))
    return facts


# What an update does, by its sign: of plain descent; of an optimiser against the slope, and along it.
_PLAINLY = {
    1: N_("{direction}, so the update, −{rate} · slope = −{number} · {slope}, adds {size}: {w} becomes {value}."),
    -1: N_(
        "{direction}, so the update, −{rate} · slope = −{number} · {slope}, takes away {size}: {w} becomes {value}."
    ),
    0: N_("{direction}, so the update, −{rate} · slope = −{number} · {slope}, changes nothing: {w} becomes {value}."),
}
_AGAINST = {
    1: N_("{direction}. {optimiser} adds {size}, against the slope: {w} becomes {value}."),
    -1: N_("{direction}. {optimiser} takes away {size}, against the slope: {w} becomes {value}."),
    0: N_("{direction}. {optimiser} changes nothing, against the slope: {w} becomes {value}."),
}
_ALONG = {
    1: N_("{direction}. {optimiser} adds {size}, this time along the slope: {w} becomes {value}."),
    -1: N_("{direction}. {optimiser} takes away {size}, this time along the slope: {w} becomes {value}."),
}


def _apart(*values: float) -> int:
    """How many digits tell these values apart where they differ; at least 4, at most 10."""
    different = len({value for value in values if np.isfinite(value)})
    finite = [value for value in values if np.isfinite(value)]
    return next((digits for digits in range(4, 10) if len({number(v, digits) for v in finite}) >= different), 10)


def _landed(found: Slope, update: Update, w: str, L: str, rate: str) -> dict[str, str]:
    digits = _apart(found.loss, update.predicted, update.loss)
    return {
        "w": w, "L": L, "rate": rate, "predicted": number(update.predicted, digits),
        "true": number(update.loss, digits),
    }  # fmt: skip


def _landing(found: Slope, update: Update) -> str:
    """The message on where the update lands."""
    if not np.isfinite(update.loss):
        return N_(
            "With {w} alone moved the tangent predicts {L} = {predicted}; true is {true}: the step is far too large. "
            "A smaller {rate} helps."
        )
    if update.loss > found.loss:
        return N_(
            "With {w} alone moved the tangent predicts {L} = {predicted}; true is {true}, more than before: "
            "the step jumps over the valley. A smaller {rate} would land in it."
        )
    if update.level:
        return N_(
            "With {w} alone moved the tangent predicts {L} = {predicted}; true is {true}: there the curve is level, "
            "its slope is 0."
        )
    if update.beyond:
        return N_(
            "With {w} alone moved the tangent predicts {L} = {predicted}; true is {true}: just past the lowest point, "
            "where the slope has turned. A larger {rate} would go too far."
        )
    bend = update.loss - update.predicted
    if abs(bend) <= 1e-6 * abs(update.predicted - found.loss):
        return N_(
            "With {w} alone moved the tangent predicts {L} = {predicted}; true is {true}: the curve is straight here."
        )
    if bend > 0:
        return N_(
            "With {w} alone moved the tangent predicts {L} = {predicted}; true is {true}: the curve bends up, "
            "away from the tangent, and the more the larger {rate} is."
        )
    return N_(
        "With {w} alone moved the tangent predicts {L} = {predicted}; true is {true}: the curve bends down, "
        "away from the tangent, and the more the larger {rate} is."
    )


def _everything(found: Slope, update: Update, writer: Writer, L: str) -> str:
    predicted = number(update.all_predicted)
    if update.plain:
        rate = writer.notation.rate
        square = f"{number(found.loss)} − {number(update.rate)} · {number(update.square)}"
        predicted += f" ({L} − {rate}‖∇{L}‖² = {square})"
    words = {"predicted": predicted, "true": number(update.all_loss), "before": number(found.loss)}
    if np.isfinite(update.all_loss) and update.all_loss > found.loss:
        return say(
            "All parameters together: predicted {predicted}, true {true}, more than the {before} before: "
            "the step is too large.", **words,
        )  # fmt: skip
    told = say("All parameters together: predicted {predicted}, true {true}.", **words)
    return told if np.isfinite(update.all_loss) else f"{told} {say(DIVERGED)}"


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
        predicted = say("predicted {value}", value=number(update.predicted, digits))
        marks.append(Mark(update.value, update.predicted, "○", "curve2", predicted))
        if np.isfinite(update.loss):
            segments.append(Segment(update.value, update.loss, update.value, arrow, "dim", dash=DASHES[2]))
            true = say("true {value}", value=number(update.loss, digits))
            marks.append(Mark(update.value, update.loss, "◆", "value", true))
        label = say("update")
        segments.append(Segment(found.value, arrow, update.value, arrow, "value", arrow=True, label=label, thick=2))
    curves = [
        Curve(found.xs, found.ys, L, "curve1", thick=2, dash=()),
        Curve([], [], say("tangent"), "curve2", dash=DASHES[1]),
    ]
    return plot(curves, marks, columns, rows, w, x_range=(left, right), y_range=(floor, ceiling), segments=segments)


KIND = PictureKind(
    N_("slope"),
    N_("a parameter, such as W1[1,1]"),
    lambda trace: trace.program.model.common,
    _slope_of,
    slope_picture,
)
