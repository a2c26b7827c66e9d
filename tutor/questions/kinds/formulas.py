"""Questions about a step's formula: which of several it is, and which earlier values it needs."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

from tutor.engine.expressions import Call, Const, Expr, Ref, indices, refs, rewrite, used
from tutor.engine.rules import OVER_BATCH
from tutor.engine.trace import Step, activation_calls, symbols_of
from tutor.questions.grading import Verdict
from tutor.questions.items import (
    Item,
    chosen_numbers,
    elements,
    judge_choice,
    ladder,
    misconceived,
    right_verdict,
    wrong_verdict,
)
from tutor.questions.question import in_words
from tutor.questions.slips import Slip, slips
from tutor.text.explain import Explainer
from tutor.text.language import say, say_many
from tutor.text.layout import linear
from tutor.text.words import sentence
from tutor.text.writer import Writer

MAX_FORMULA = 160  # characters of a formula that is offered
MANY = 2_000  # operands of a formula that nobody chooses among others like it
OPTIONS = 4  # formulas to choose from
VALUES = 6  # values to choose the needed ones from


def formula_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """The right formula of one element among wrong ones that misconceptions have in mind."""
    for element in elements(step, rng):
        found = _formula_item(element, writer, rng)
        if found:
            return found
    return None


def _formula_item(element: Step, writer: Writer, rng: random.Random) -> Item | None:
    if sum(math.prod(ref.shape) for ref in refs(element.equation.formula)) > MANY and len(element.operands) > MANY:
        return None
    right = linear(writer.formula(element.formula))
    # A bare number among the choices could be taken for a choice's number, and is no formula to think about.
    if len(right) > MAX_FORMULA or isinstance(element.formula, Const):
        return None
    # What gives the right number may be the right formula in other words: it is no wrong choice.
    wrong: dict[str, Slip] = {}
    values, texts = [float(element.value)], {right}
    found = _own_slips(element)
    rng.shuffle(found)
    for slip in sorted(found, key=lambda s: _seen_before(s, found)):
        text = linear(writer.formula(element.specialise(slip.wrong)))
        same = any(math.isclose(slip.value, value, rel_tol=1e-9, abs_tol=1e-300) for value in values)
        fits = len(text) <= MAX_FORMULA and not isinstance(element.specialise(slip.wrong), Const)
        if text not in texts and not same and fits and len(wrong) < OPTIONS - 1:
            wrong[text] = slip
            texts.add(text)
            values.append(slip.value)
    if len(wrong) < 2:
        return None
    choices = [right, *wrong]
    rng.shuffle(choices)
    name = writer.text(element.ref)
    explainer = Explainer(writer)
    why, _, numbers, _ = ladder(element, writer, "")
    made_of = ", ".join(dict.fromkeys(writer.text(ref) for ref in element.operands)) or say("numbers only")
    says = {choices.index(text): misconceived(slip.misconception, (slip,)) for text, slip in wrong.items()}
    return Item(
        kind="formula",
        id=f"formula:{element.id}",
        prompt=say("Which formula gives {name}?", name=name),
        skill=element.equation.rule_id,
        step=element,
        writer=writer,
        hints=(
            why or explainer.title(element),
            say("It is made of {made_of}.", made_of=made_of),
            numbers,
            f"{name} = {right}",
        ),
        answer=right,
        judge=judge_choice(choices, (choices.index(right),), says),
        choices=tuple(choices),
    )


def _own_slips(element: Step) -> list[Slip]:
    """The slips in the asked equation itself; a mean's examples have equations of their own."""
    return [slip for slip in slips(element, 0) if slip.equation.symbol.key == element.equation.symbol.key]


def _seen_before(slip: Slip, found: list[Slip]) -> int:
    """How many slips of the same idea come first: one of each idea before a second of any."""
    return sum(other.misconception == slip.misconception for other in found[: found.index(slip)])


def operands_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """Which values the step's formula needs, to be picked from those and others."""
    if step.equation.rule in (*OVER_BATCH, "local_derivative", "no_path"):
        return None
    asked = step if len(_needed(step)) <= VALUES - 2 else step.at(None)
    needed = _needed(asked)
    if not 1 <= len(needed) <= VALUES - 2:
        return None
    # Either of z and σ(z) will do in a slope: the one that is not written is not offered.
    either = {like(asked, ref) for line in asked.equation.derivation for ref in refs(asked.specialise(line.formula))}
    either |= {like(asked, ref) for ref in asked.operands}
    own = asked.ref
    tempting: dict[Ref, None] = {}
    ideas: dict[frozenset[Ref], Slip] = {}
    for slip in _own_slips(asked if asked.shape == () else asked.at(next(indices(asked.shape)))):
        used = frozenset(_needed(asked, slip.wrong))
        if used != frozenset(needed):
            ideas.setdefault(used, slip)
            tempting |= dict.fromkeys(ref for ref in used if ref not in either and ref != own)
    others = [ref for ref in _earlier(asked) if ref not in either and ref not in tempting]
    rng.shuffle(others)
    names = {writer.text(ref): ref for ref in needed}
    if len(names) < len(needed):
        return None
    few = list(tempting)
    rng.shuffle(few)
    for ref in (*few, *others):
        if len(names) < VALUES and writer.text(ref) != writer.text(own):
            names.setdefault(writer.text(ref), ref)
    if len(names) < len(needed) + 2:
        return None
    choices = list(names)
    rng.shuffle(choices)
    right = {at for at, name in enumerate(choices) if names[name] in needed}
    name = writer.text(own)

    def judge(text: str, own: Mapping[str, float]) -> Verdict:
        chosen = chosen_numbers(text, choices)
        if chosen == right:
            return right_verdict()
        hits, extras = len(chosen & right), len(chosen - right)
        credit = max(0.0, (hits - extras) / len(right))
        slip = ideas.get(frozenset(names[choices[at]] for at in chosen))
        if slip:
            return misconceived(slip.misconception, (slip,), credit=credit)
        parts = []
        if extras:
            many = in_words(extras)
            parts.append(say_many(extras, "{many} of them is not needed", "{many} of them are not needed", many=many))
        parts += [say("something needed is missing")] if hits < len(right) else []
        return wrong_verdict(sentence("; ".join(parts)), credit=credit)

    answer = " ".join(str(at + 1) for at in sorted(right))
    listed = ", ".join(choices[at] for at in sorted(right))
    why, formula, _, _ = ladder(asked, writer, "")
    many = in_words(len(right)).capitalize()
    count = say_many(len(right), "{many} of these is needed.", "{many} of these are needed.", many=many)
    return Item(
        kind="operands",
        id=f"operands:{asked.id}",
        prompt=say("Which of these does the formula of {name} need? Give their numbers, as in 1 3.", name=name),
        paper=say("Which of these does the formula of {name} need? Choose all of them.", name=name),
        skill=asked.equation.rule_id,
        step=asked,
        writer=writer,
        hints=(why, count, formula, f"{answer}: {listed}"),
        answer=f"{answer} ({listed})",
        judge=judge,
        choices=tuple(choices),
        many=True,
    )


def like(step: Step, ref: Ref) -> Ref:
    """A value as a choice beside a step: an element beside an element, a whole beside a whole."""
    example = step.example if ref.symbol.per_example else None
    return Ref(ref.symbol, ref.index if step.index is not None else None, example)


def _needed(step: Step, formula: Expr | None = None) -> list[Ref]:
    """The values that a formula (the step's, unless told) shows: in a slope z alone, since it is written σ′(z)."""
    formula = step.specialise(step.equation.formula if formula is None else formula)
    slopes = {call for call in activation_calls(formula) if call.op.endswith("′")}
    shown = rewrite(formula, lambda node: node.args[0] if isinstance(node, Call) and node in slopes else None)
    return list(dict.fromkeys(like(step, ref) for ref in used(shown)))


def _earlier(step: Step) -> list[Ref]:
    """What is given and the values before a step: wholes, or of each the element that is nearest to the asked one."""
    equations = step.trace.equations
    at = next((k for k, eq in enumerate(equations) if eq is step.equation), len(equations))
    later = {eq.symbol.key for eq in equations[at:]}
    found: dict[Ref, None] = {}
    for symbol in symbols_of(step.trace).values():
        if symbol.key not in later and symbol.quantity not in ("hyper", "state"):
            near = None
            if step.index is not None and symbol.shape:
                near = tuple(min(i, n - 1) for i, n in zip((step.index or (0,)) * 2, symbol.shape, strict=False))
            found[like(step, Ref(symbol, near))] = None
    return list(found)
