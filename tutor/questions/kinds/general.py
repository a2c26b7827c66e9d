"""Questions about a rule for any layer: which value belongs in the blank of its general formula."""

from __future__ import annotations

import random

import numpy as np

from tutor.engine.expressions import Expr, Ref, Symbol, evaluate, used
from tutor.engine.trace import Step
from tutor.engine.unfolding import replaced
from tutor.questions.items import Item, judge_choice, ladder, wrong_verdict
from tutor.text.general import BLANK, Generic, generic
from tutor.text.language import say
from tutor.text.layout import linear
from tutor.text.writer import Writer

OPTIONS = 4
_OFFERED = ("weights", "pre_activation", "activation", "gradient")


def general_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """The general formula of a step's rule with a blank, and what may stand there: values of this layer and others."""
    rules = generic(step.trace.lesson, writer.id)
    found = rules.of(step) if rules else None
    if rules is None or found is None or step.phase not in ("forward", "backward"):
        return None
    letters, eq = rules.writer(found.equation), found.equation
    shown: dict[Symbol, None] = {}
    replaced(found.tree, lambda ref: shown.setdefault(ref.symbol))
    blanks = [symbol for symbol in shown if symbol.quantity in _OFFERED]
    rng.shuffle(blanks)
    for blank in blanks:
        others = [symbol for symbol in _like(rules, blank) if _differs(rules, found.tree, blank, symbol)]
        taken = {linear(found.name), *(letters.text(Ref(symbol)) for symbol in shown)}
        texts = {letters.text(Ref(symbol)): symbol for symbol in others if symbol not in shown}
        texts = {text: symbol for text, symbol in texts.items() if text not in taken}
        if len(texts) >= 2:
            break
    else:
        return None
    near = sorted(texts, key=lambda text: (abs((texts[text].layer or 0) - (blank.layer or 0)), rng.random()))
    wrong = near[: OPTIONS - 1]
    right, same = letters.text(Ref(blank)), blank.wrt.quantity if blank.wrt else blank.quantity
    choices = [right, *wrong]
    rng.shuffle(choices)
    says = {}
    for text in wrong:
        kind = texts[text].wrt or texts[text]
        layer = say("The right kind of value, but of another layer.") if kind.quantity == same else None
        says[choices.index(text)] = wrong_verdict(
            layer or say("{name} is another value of that layer, or of its neighbour.", name=text)
        )
    letters.blank = blank
    whole = f"{linear(found.name)} = {linear(letters.formula(found.tree))}"
    why, formula, _, _ = ladder(step.at(None), writer, "")
    named = rules.number(step)
    here = (
        say("With {layer} = {named}: {formula}", layer=rules.notation.layer, named=named, formula=formula)
        if named is not None
        else say("Here: {formula}", formula=formula)
    )
    layer = (
        say("the layer {layer}, whichever it is", layer=rules.notation.layer)
        if named is not None
        else say("a network of any depth")
    )
    return Item(
        kind="general",
        id=f"general:{step.at(None).id}",
        prompt=say(
            "For {layer}: {whole}. What belongs in the place of {blank}?", layer=layer, whole=whole, blank=BLANK
        ),
        skill=eq.rule_id,
        step=step.at(None),
        writer=writer,
        hints=(
            why,
            say("It has the shape of what it stands for: {shape}.", shape=_shape(rules, blank)),
            here,
            f"{BLANK} = {right}",
        ),
        answer=right,
        judge=judge_choice(choices, (choices.index(right),), says),
        choices=tuple(choices),
    )


def _shape(rules: Generic, blank: Symbol) -> str:
    return say("a matrix of weights") if len(blank.shape) == 2 else say("one number for each unit")


def _like(rules: Generic, blank: Symbol) -> list[Symbol]:
    """Values of the small network that might be taken for the blank: as many axes, of any layer."""
    found = {ref.symbol: None for eq in rules.trace.equations for ref in (Ref(eq.symbol), *used(eq.formula))}
    return [
        symbol
        for symbol in found
        if symbol != blank and symbol.quantity in _OFFERED and len(symbol.shape) == len(blank.shape)
        and (symbol.quantity == "gradient") == (blank.quantity == "gradient")
        and symbol.per_example == blank.per_example
    ]  # fmt: skip


def _differs(rules: Generic, tree: Expr, blank: Symbol, other: Symbol) -> bool:
    """Whether the formula would be another with that value: what makes no difference is no wrong choice."""
    if other.shape != blank.shape:
        return True
    value = rules.trace.value
    right = evaluate(tree, value)
    return not np.allclose(
        right, evaluate(replaced(tree, lambda ref: Ref(other) if ref.symbol == blank else None), value)
    )
