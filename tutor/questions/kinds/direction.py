"""The question whether a parameter goes up or down, told its gradient."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

from tutor.engine.expressions import Ref, Symbol
from tutor.engine.ids import updated
from tutor.engine.trace import Step, Trace
from tutor.questions.grading import Verdict
from tutor.questions.items import (
    Item,
    chosen_numbers,
    elements,
    ladder,
    misconceived,
    right_verdict,
    wrong_verdict,
)
from tutor.questions.tokens import NotUnderstood
from tutor.text.language import Term, say, say_in
from tutor.text.layout import number
from tutor.text.writer import Writer

_WAYS = ("up", "down", "same")
_SAID = {
    "+": 0, "↑": 0, "increase": 0, "-": 1, "−": 1, "↓": 1, "decrease": 1, "stay": 2, "stay the same": 2, "0": 2,
    "oben": 0, "rauf": 0, "hoch": 0, "unten": 1, "runter": 1, "hinunter": 1, "es bleibt gleich": 2,
}  # fmt: skip


def direction_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """Whether a parameter goes up or down, told its gradient."""
    program = step.trace.program
    symbol = step.equation.symbol
    update = program.by_key.get(updated(symbol.wrt.id)) if symbol.wrt and symbol.quantity != "state" else None
    if update is None or symbol.per_example or symbol.use or update.symbol.wrt is None:
        return None
    parameter = update.symbol.wrt
    slope = gradients_of(step.trace, parameter)[-1]
    wanted = Step(step.trace, update, step.index if parameter.shape else ())
    for element in elements(wanted, rng, 16):
        before, gradient = Ref(parameter, element.index), Ref(slope, element.index)
        moved = float(element.value) - float(step.trace.value(before))
        g = float(step.trace.value(gradient))
        # Where an optimiser's memory moves it another way, the gradient alone does not say.
        if g and math.isfinite(g) and math.isfinite(moved) and moved * g < 0:
            return _direction_item(element, before, gradient, g, writer)
    return None


def gradients_of(trace: Trace, wrt: Symbol | None) -> list[Symbol]:
    """The gradients with respect to a symbol, the one that the update takes last."""
    return [eq.symbol for eq in trace.equations if eq.symbol.quantity == "gradient" and eq.symbol.wrt == wrt]


def gradients_told(item: Item) -> list[Symbol]:
    """The gradients whose values a question of this kind gives away."""
    return gradients_of(item.step.trace, item.step.equation.symbol.wrt)


def _direction_item(element: Step, before: Ref, gradient: Ref, g: float, writer: Writer) -> Item:
    name, slope, right = writer.text(before), writer.text(gradient), 0 if g < 0 else 1
    ways = tuple(say_in("direction", way) for way in _WAYS)
    target = Term("the loss") if element.trace.program.model.loss_name else Term("the output")
    says = {1 - right: misconceived("added"), 2: wrong_verdict(say("The gradient is not 0, so the parameter moves."))}

    def judge(text: str, own: Mapping[str, float]) -> Verdict:
        said = text.strip().lower()
        found = (
            _SAID.get(said) if said in _SAID else next((at for at in range(3) if said in (_WAYS[at], ways[at])), None)
        )
        if found is None:
            (found,) = chosen if len(chosen := chosen_numbers(text, ways)) == 1 else (None,)
        if found is None:
            raise NotUnderstood(say("choose one: up, down or same"))
        return right_verdict() if found == right else says[found]

    return Item(
        kind="direction",
        id=f"direction:{element.id}",
        prompt=say(
            "{slope} = {g}. Does the update move {name} up or down, or does it stay the same?",
            slope=slope,
            g=number(g),
            name=name,
        ),
        skill="update",
        step=element,
        writer=writer,
        hints=(
            say(
                "The gradient says how {target} changes when {name} grows; the update goes against it.",
                target=target,
                name=name,
            ),
            say("A gradient below 0: more of {name} means less of {target}.", name=name, target=target)
            if g < 0
            else say("A gradient above 0: less of {name} means less of {target}.", name=name, target=target),
            ladder(element, writer, "")[2],
            say("{name} goes {way}.", name=name, way=ways[right]),
        ),
        answer=ways[right],
        judge=judge,
        choices=ways,
    )
