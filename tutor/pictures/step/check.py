"""The gradient check: one element of a gradient beside differences of the loss, over all ε."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tutor.engine import gradient_check, loss_slope
from tutor.engine.expressions import Ref, Symbol
from tutor.engine.gradient_check import EPSILONS, USUAL, Check
from tutor.engine.trace import Step, Trace
from tutor.pictures.canvas import Picture
from tutor.pictures.plot import Curve, Mark, plot
from tutor.pictures.step.shown import (
    PictureKind,
    Shown,
    bracketed,
    element_of,
    has_examples,
    nothing,
)
from tutor.text.card import Scribe
from tutor.text.language import N_, say, say_many
from tutor.text.layout import number
from tutor.text.words import listed
from tutor.text.writer import Writer

AGREE = 1e-6  # a relative error below this: the gradient is right
DRAWN_AS_ZERO = 1e-17  # where an error of 0 stands on a logarithmic axis


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
    return Ref(found, element_of(step, found, example), example if has_examples(found) else None)


def _power(epsilon: float) -> str:
    """0.1, 0.01, 0.001, then powers of ten."""
    text = number(epsilon)
    return text.removeprefix("1×")


def _error(value: float) -> str:
    return say("undefined") if not np.isfinite(value) else number(value, 2) if value else "0"


def check_picture(scribe: Scribe, subject: Ref) -> Shown:
    """`subject` is an element of a gradient."""
    trace, writer = scribe.trace, scribe.writer
    found = gradient_check.check(trace, subject)
    name, w, L = writer.text(subject), writer.text(found.wrt), writer.text(found.of)
    w += f"@{subject.symbol.use}" if subject.symbol.use else ""  # moved in that use alone
    title = say("Gradient check of {name}", name=name)
    if not (np.isfinite(found.analytic) and np.isfinite(found.loss)):
        fact = say(
            "{name} is {value} and {L} is {loss} here: there is nothing to check.",
            name=name, value=number(found.analytic), L=L, loss=number(found.loss),
        )  # fmt: skip
        return Shown(title, (fact,), nothing)
    facts = [say("{name} = {value} by backpropagation.", name=name, value=number(found.analytic, 10))]
    if found.best is None:
        facts.append(
            say("{L} is not a number beside {w} = {value}: there is no difference to take.",
                L=L, w=w, value=number(found.value))
        )  # fmt: skip
        return Shown(title, tuple(facts), nothing)
    facts += _best_facts(found, w, L)
    if found.kink:
        facts.insert(1, _kink_fact(found, writer))
    if not (found.kink and found.kink.exact):
        facts += _sweep_facts(found, L)
    if subject.index:
        facts.append(_whole_fact(scribe, subject))
    table = ", ".join(f"{_power(e)}: {_error(r)}" for e, r in zip(EPSILONS, found.errors, strict=True))
    facts.append(say("Relative error by ε: {table}.", table=table))
    return Shown(title, tuple(facts), lambda columns, rows: _draw_check(found, columns, rows))


def _best_facts(found: Check, w: str, L: str) -> list[str]:
    best = found.told
    assert best is not None
    error, epsilon = found.errors[best], _power(EPSILONS[best])
    exact = found.kink is not None and found.kink.exact
    if exact:
        verdict = say("no ε helps on a kink" if error > AGREE else "they agree all the same")
    elif found.analytic == 0 == found.numeric[best]:
        verdict = say("both are exactly 0: moving {w} does not move {L}", w=w, L=L)
    elif error <= AGREE:
        verdict = say("they agree")
    elif found.rounding:
        verdict = say(
            "the difference is rounding's: the gradient is too small beside {L} = {loss} to be seen in it",
            L=L, loss=number(found.loss),
        )  # fmt: skip
    else:
        verdict = say("they do not agree")
    up, down = (number(side[best], 10) for side in (found.up, found.down))
    at, _, _ = L.partition("(")  # L(θ) is a function already
    quotient = f"({at}({w} + ε) − {at}({w} − ε)) / 2ε = ({up} − {bracketed(down)}) / {number(2 * EPSILONS[best])}"
    quotient += f" = {number(found.numeric[best], 10)}"
    return [
        say("By differences: {quotient}, with ε = {epsilon}.", quotient=quotient, epsilon=epsilon)
        if exact
        else say("By differences: {quotient}, with ε = {epsilon}, the best one.", quotient=quotient, epsilon=epsilon),
        say("Relative error |a − n| / max(|a|, |n|) = {error}: {verdict}.", error=_error(error), verdict=verdict),
    ]


def _sweep_facts(found: Check, L: str) -> list[str]:
    """Why there is a best ε: truncation on one side, rounding on the other."""
    assert found.best is not None
    best, small = found.errors[found.best], found.errors[-1]
    large = next((error for error in found.errors if np.isfinite(error)), best)
    facts = []
    if not (found.kink and found.kink.epsilon <= 0.1):
        if large > max(100 * best, 1e-10):
            facts.append(
                say("Larger ε: {L} is a curve and the difference a chord, off by {error} at ε = 0.1; "
                    "that error grows with ε² (truncation).", L=L, error=_error(large))
            )  # fmt: skip
        elif found.analytic and large <= 1e-9:
            facts.append(
                say("Even ε = 0.1 is right to {error}: {L} is a straight line or a parabola here, "
                    "whose chord is as steep as its tangent.", L=L, error=_error(large))
            )  # fmt: skip
    if np.isfinite(small) and small > 10 * best:
        facts.append(
            say("Smaller ε: both values of {L} agree in ever more digits, and what is left of their difference "
                "is rounding; that error grows with 1/ε, to {error} at ε = {epsilon}.",
                L=L, error=_error(small), epsilon=_power(EPSILONS[-1]))
        )  # fmt: skip
    return facts


def _kink_fact(found: Check, writer: Writer) -> str:
    kink = found.kink
    assert kink is not None
    names = ", ".join(writer.text(ref) for ref in kink.at)
    names = say("{names} and {n} more", names=names, n=f"{kink.count - 3:,}") if kink.count > 3 else names
    what = (
        say("the winner of {gate} changes at {names}", gate=listed(kink.ops), names=names)
        if set(kink.ops) <= {"max", "min"}
        else say("{names} changes sign" if kink.count == 1 else "{names} change sign", names=names)
    )
    words = {"w": writer.text(found.wrt), "what": what, "left": number(kink.left), "right": number(kink.right)}
    if not kink.exact:
        return say(
            "A kink spoils every ε from {epsilon} up: {what} within ±ε of {w}. The chords to either side "
            "have the slopes {left} to the left and {right} to the right there.", epsilon=_power(kink.epsilon), **words,
        )  # fmt: skip
    told = N_(
        "{w} stands on a kink, where there is no one slope: {what}. "
        "The slopes are {left} to the left and {right} to the right."
    )
    if np.isclose(kink.left, found.analytic, rtol=1e-4, atol=1e-9):
        told = N_(
            "{w} stands on a kink, where there is no one slope: {what}. The slopes are {left} to the left and {right} "
            "to the right: backpropagation takes the one to the left."
        )
    elif np.isclose(kink.right, found.analytic, rtol=1e-4, atol=1e-9):
        told = N_(
            "{w} stands on a kink, where there is no one slope: {what}. The slopes are {left} to the left and {right} "
            "to the right: backpropagation takes the one to the right."
        )
    elif min(kink.left, kink.right) < found.analytic < max(kink.left, kink.right):
        told = N_(
            "{w} stands on a kink, where there is no one slope: {what}. The slopes are {left} to the left and {right} "
            "to the right: backpropagation takes a value between them."
        )
    return say(told, **words)


class _Checked(dict[Ref, gradient_check.WholeCheck]):
    """The gradients of a trace that were checked, whole."""


def _whole_fact(scribe: Scribe, subject: Ref) -> str:
    gradient, writer = replace(subject, index=None), scribe.writer
    checked = scribe.trace.memo.of(_Checked)  # the same for each element that one looks at
    if gradient not in checked:
        checked[gradient] = gradient_check.check_all(scribe.trace, gradient)
    whole = checked[gradient]
    if whole.count <= 2:
        of = say("The one element" if whole.count == 1 else "Both elements")
    elif whole.checked == whole.count:
        of = say_many(whole.count, "All {n} element", "All {n} elements")
    else:
        of = say("{n} of {all} elements, spread evenly", n=f"{whole.checked:,}", all=f"{whole.count:,}")
    words = {"elements": of, "epsilon": _power(USUAL), "at": writer.text(whole.at)}
    if not np.isfinite(whole.worst):
        return say("{elements} at ε = {epsilon}: {at} has no difference that is a number.", **words)
    words |= {"error": _error(whole.worst), "together": _error(whole.together)}
    if whole.rounding and whole.worst > AGREE:
        return say(
            "{elements} at ε = {epsilon}: the largest relative error is {error}, of {at} (a gradient so small beside "
            "the loss that rounding hides it); as one vector, {together}.", **words,
        )  # fmt: skip
    return say(
        "{elements} at ε = {epsilon}: the largest relative error is {error}, of {at}; as one vector, {together}.",
        **words,
    )


def _draw_check(found: Check, columns: int, rows: int) -> Picture:
    best = found.told
    assert best is not None
    shown = np.array([max(error, DRAWN_AS_ZERO) for error in found.errors])  # max keeps NaN first: a gap
    shown = np.where(np.isfinite(found.errors), shown, np.nan)
    marks = [Mark(e, y, "•", "curve1") for e, y in zip(EPSILONS, shown, strict=True) if np.isfinite(y)]
    spoilt = [k for k, e in enumerate(EPSILONS) if found.kink and e >= found.kink.epsilon and np.isfinite(shown[k])]
    marks += [Mark(EPSILONS[k], shown[k], "✗", "error", say("kink") if k == spoilt[-1] else "") for k in spoilt]
    if not (found.kink and found.kink.exact):
        marks.append(
            Mark(EPSILONS[best], shown[best], "●", "lit", say("best: {epsilon}", epsilon=_power(EPSILONS[best])))
        )
        if shown[-2] > 100 * shown[best]:
            marks.append(Mark(EPSILONS[-2], shown[-2], "•", "dim", say("rounding")))
        if not spoilt and shown[1] > 100 * shown[best]:
            marks.append(Mark(EPSILONS[1], shown[1], "•", "dim", say("truncation")))
    curve = Curve(EPSILONS, shown, style="curve1")
    high = max(float(np.nanmax(shown)), 1e-16) * 3
    low = min(float(np.nanmin(shown)) / 3, high / 1e4)
    return plot(
        [curve], marks, columns, rows, "ε", say("relative error"), log_x=True, log_y=True,
        x_range=(EPSILONS[-1] / 2, EPSILONS[0] * 2), y_range=(low, high),
    )  # fmt: skip


KIND = PictureKind(N_("gradient check"), N_("a gradient, such as dL/dW1[1,1]"), _gradients, _check_of, check_picture)
