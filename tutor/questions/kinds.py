"""Kinds of question, each made from a step: one entry of `KINDS` a kind.

A kind answers None for a step that it cannot ask about, or where the answer would tell nothing. `authored.py` makes
the questions that a lesson's author wrote.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tutor.engine.backprop import OVER_BATCH
from tutor.engine.expressions import Call, Const, Ref, Symbol, indices, refs, rewrite, walk
from tutor.engine.network import Equation
from tutor.engine.trace import Step, Trace, activation_calls, symbols_of
from tutor.questions.answers import Names, read_answer
from tutor.questions.grading import Verdict
from tutor.questions.items import (
    ORDER,
    PATHS,
    SHAPES,
    Item,
    chosen_numbers,
    item_of_cells,
    item_of_value,
    judge_choice,
    ladder,
    misconceived,
    right_verdict,
    sentence,
    wrong_verdict,
)
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.question import in_words, question_at
from tutor.questions.slips import Slip, slips
from tutor.questions.tokens import NotUnderstood
from tutor.text.explain import Explainer
from tutor.text.layout import linear, number
from tutor.text.writer import Writer

MAX_CELLS = 256  # of a matrix that is asked for
MAX_FORMULA = 160  # characters of a formula that is offered
OPTIONS = 4  # formulas, or next steps, to choose from
VALUES = 6  # values to choose the needed ones from


# ---------------------------------------------------------------- one element's value


def value_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """One element's value, of the step asked or of the most telling element of a whole."""
    question = question_at(step, writer)
    return item_of_value(question) if question else None


# ---------------------------------------------------------------- a whole vector or matrix


def matrix_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """Every cell of a vector or matrix; a share of the credit for each."""
    whole = step.at(None)
    values = np.asarray(whole.value, dtype=float)
    telling = values.ndim > 0 and 2 <= values.size <= MAX_CELLS and np.all(np.isfinite(values)) and np.ptp(values) > 0
    question = question_at(whole, writer) if telling else None
    return item_of_cells(whole, writer, question.digits) if question else None


# ---------------------------------------------------------------- the shape of a value


def shape_text(shape: Sequence[int]) -> str:
    """(2, 3) -> '2 × 3', (3,) -> '3'."""
    return " × ".join(map(str, shape))


def read_shape(text: str) -> tuple[int, ...]:
    """A shape as people write it: 2x3, 2 × 3, (2, 3), 2 by 3, 3. Raises NotUnderstood."""
    plain = text.strip().lower()
    if not re.fullmatch(r"[(\[]?\s*[0-9]{1,9}(?:\s*(?:[x×*,]|by|\s)\s*[0-9]{1,9})*\s*,?\s*[)\]]?", plain):
        raise NotUnderstood("give rows and columns, as in 2 × 3, or one number for a vector")
    return tuple(int(part) for part in re.findall(r"[0-9]+", plain))


_SHAPED = ("pre_activation", "activation", "gradient", "updated", "state")


def shape_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """The shape of a whole, where turning it round would make another one."""
    symbol = step.equation.symbol
    shape = symbol.shape
    if symbol.quantity not in _SHAPED or max(shape, default=1) == 1 or len(set(shape)) < len(shape):
        return None
    whole, text = step.at(None), shape_text(shape)
    name = writer.text(whole.ref)
    like = writer.text(Ref(symbol.wrt)) if symbol.wrt else name
    rule = (
        f"There is one slope for each number in {like}, so the shapes agree."
        if symbol.quantity == "gradient"
        else "A vector has one number a unit of its layer; a weight matrix has one row a unit that it feeds."
    )
    layout = "rows (units that are fed) × columns (values that feed them)" if len(shape) == 2 else "units of the layer"
    feeds = f"{shape[0]} fed, {shape[1]} feeding" if len(shape) == 2 else f"the layer has {shape[0]}"

    def judge(answer: str, own: Mapping[str, float]) -> Verdict:
        given = read_shape(answer)
        column = (*shape, 1) if len(shape) == 1 else shape
        if given in (shape, column):
            return right_verdict()
        if given == column[::-1]:
            if len(shape) == 1:
                return wrong_verdict(f"That is a row; {name} is a column.")
            return misconceived("to-and-from", message=f"Transposed. {MISCONCEPTIONS['to-and-from'].remedy}")
        if len(shape) == 2 and given == (math.prod(shape),):
            return wrong_verdict("That is how many numbers there are; give rows × columns.")
        for other in step.trace.program.model.parameters:
            if symbol.quantity == "gradient" and other.shape == given and other != symbol.wrt:
                return wrong_verdict(f"That is the shape of {writer.text(Ref(other))}; this is the gradient of {like}.")
        return wrong_verdict()

    return Item(
        kind="shape",
        id=f"shape:{whole.id}",
        prompt=f"What is the shape of {name}? Rows × columns, or one number for a vector.",
        skill=SHAPES,
        step=whole,
        writer=writer,
        hints=(rule, f"{name}: {layout}", f"{name}: {feeds}", f"{name} is {text}"),
        answer=text,
        judge=judge,
    )


# ---------------------------------------------------------------- which formula


def formula_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """The right formula of one element among wrong ones that misconceptions have in mind."""
    for element in elements(step, rng):
        found = _formula_item(element, writer, rng)
        if found:
            return found
    return None


def elements(step: Step, rng: random.Random, most: int = 4) -> list[Step]:
    """The element asked for, or a few of a whole, drawn."""
    if step.index is not None or step.shape == ():
        return [step.at(step.index or ())]
    every = list(indices(step.shape)) if math.prod(step.shape) <= 4096 else [tuple(n - 1 for n in step.shape)]
    return [step.at(index) for index in rng.sample(every, min(most, len(every)))]


def _formula_item(element: Step, writer: Writer, rng: random.Random) -> Item | None:
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
    made_of = ", ".join(dict.fromkeys(writer.text(ref) for ref in element.operands)) or "numbers only"
    says = {choices.index(text): misconceived(slip.misconception, (slip,)) for text, slip in wrong.items()}
    return Item(
        kind="formula",
        id=f"formula:{element.id}",
        prompt=f"Which formula gives {name}?",
        skill=element.equation.rule,
        step=element,
        writer=writer,
        hints=(why or explainer.title(element), f"It is made of {made_of}.", numbers, f"{name} = {right}"),
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


# ---------------------------------------------------------------- which earlier values


def operands_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """Which values the step's formula needs, to be picked from those and others."""
    if step.equation.rule in (*OVER_BATCH, "local_derivative", "no_path"):
        return None
    asked = step if len(_needed(step)) <= VALUES - 2 else step.at(None)
    needed = _needed(asked)
    if not 1 <= len(needed) <= VALUES - 2:
        return None
    # Either of z and σ(z) will do in a slope: the one that is not written is not offered.
    either = {_like(asked, ref) for line in asked.equation.derivation for ref in refs(asked.specialise(line.formula))}
    either |= {_like(asked, ref) for ref in asked.operands}
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
        parts = [f"{in_words(extras)} of them {'is' if extras == 1 else 'are'} not needed"] if extras else []
        parts += ["something needed is missing"] if hits < len(right) else []
        return wrong_verdict(sentence("; ".join(parts)), credit=credit)

    answer = " ".join(str(at + 1) for at in sorted(right))
    listed = ", ".join(choices[at] for at in sorted(right))
    why, formula, _, _ = ladder(asked, writer, "")
    count = f"{sentence(in_words(len(right)))[:-1]} of these {'is' if len(right) == 1 else 'are'} needed."
    return Item(
        kind="operands",
        id=f"operands:{asked.id}",
        prompt=f"Which of these does the formula of {name} need? Give their numbers, as in 1 3.",
        skill=asked.equation.rule,
        step=asked,
        writer=writer,
        hints=(why, count, formula, f"{answer}: {listed}"),
        answer=f"{answer} ({listed})",
        judge=judge,
        choices=tuple(choices),
        many=True,
    )


def _like(step: Step, ref: Ref) -> Ref:
    """A value as a choice beside a step: an element beside an element, a whole beside a whole."""
    example = step.example if ref.symbol.per_example else None
    return Ref(ref.symbol, ref.index if step.index is not None else None, example)


def _needed(step: Step, formula=None) -> list[Ref]:
    """The values that a formula (the step's, unless told) shows: in a slope z alone, since it is written σ′(z)."""
    formula = step.specialise(step.equation.formula if formula is None else formula)
    slopes = {call for call in activation_calls(formula) if call.op.endswith("′")}
    shown = rewrite(formula, lambda node: node.args[0] if isinstance(node, Call) and node in slopes else None)
    return list(dict.fromkeys(_like(step, ref) for ref in refs(shown)))


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
            found[_like(step, Ref(symbol, near))] = None
    return list(found)


# ---------------------------------------------------------------- which step next


def next_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """Which step can be taken next; the others need a value that is not there yet."""
    equations = step.trace.equations
    keys = [eq.symbol.key for eq in equations]
    if step.equation.symbol.key not in keys or step.equation.symbol.key == keys[-1]:
        return None
    at = keys.index(step.equation.symbol.key)
    later = {eq.symbol.key for eq in equations[at + 1 :]}

    def name(eq: Equation) -> str:
        return writer.text(_like(step.at(None), Ref(eq.symbol)))

    def missing(eq: Equation) -> Ref | None:
        return next((ref for ref in refs(eq.formula) if ref.symbol.key in later), None)

    right = name(equations[at + 1])
    waiting = {name(eq): ref for eq in equations[at + 2 :] if (ref := missing(eq))}
    waiting.pop(right, None)
    near = list(waiting)[: 2 * OPTIONS]
    wrong = rng.sample(near, min(OPTIONS - 1, len(near)))
    if len(wrong) < 2 or missing(equations[at + 1]):
        return None
    choices = [right, *wrong]
    rng.shuffle(choices)
    says = {
        choices.index(text): wrong_verdict(
            f"{text} needs {writer.text(_like(step.at(None), waiting[text]))}, which is not there yet."
        )
        for text in wrong
    }
    after = equations[at + 1]
    following = Step(step.trace, after, None, step.example if after.symbol.per_example else None)
    why, formula, _, _ = ladder(following, writer, "")
    uses = ", ".join(dict.fromkeys(writer.text(_like(step.at(None), ref)) for ref in refs(following.equation.formula)))
    back = "A step can be taken when everything in its formula is there: forward from the inputs, back from the loss."
    return Item(
        kind="next",
        id=f"next:{step.at(None).id}",
        prompt=f"Everything up to {writer.text(step.at(None).ref)} is known. Which step can be taken next?",
        skill=ORDER,
        step=step.at(None),
        writer=writer,
        hints=(back, f"It uses {uses or 'nothing but numbers'}.", why, formula),
        answer=right,
        judge=judge_choice(choices, (choices.index(right),), says),
        choices=tuple(choices),
    )


# ---------------------------------------------------------------- up or down

_WAYS = ("up", "down", "same")
_SAID = {"+": 0, "↑": 0, "increase": 0, "-": 1, "−": 1, "↓": 1, "decrease": 1, "stay": 2, "stay the same": 2, "0": 2}


def direction_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """Whether a parameter goes up or down, told its gradient."""
    program = step.trace.program
    symbol = step.equation.symbol
    update = program.by_key.get(f"{symbol.wrt.id}'") if symbol.wrt and symbol.quantity != "state" else None
    if update is None or symbol.per_example or update.symbol.wrt is None:
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


def _direction_item(element: Step, before: Ref, gradient: Ref, g: float, writer: Writer) -> Item:
    name, slope, right = writer.text(before), writer.text(gradient), 0 if g < 0 else 1
    target = "the output" if element.trace.lesson.circuit else "the loss"
    says = {1 - right: misconceived("added"), 2: wrong_verdict("The gradient is not 0, so the parameter moves.")}

    def judge(text: str, own: Mapping[str, float]) -> Verdict:
        said = text.strip().lower()
        found = _SAID.get(said) if said in _SAID else next((at for at, way in enumerate(_WAYS) if said == way), None)
        if found is None:
            (found,) = chosen if len(chosen := chosen_numbers(text, _WAYS)) == 1 else (None,)
        if found is None:
            raise NotUnderstood("choose one: up, down or same")
        return right_verdict() if found == right else says[found]

    return Item(
        kind="direction",
        id=f"direction:{element.id}",
        prompt=f"{slope} = {number(g)}. Does the update move {name} up or down, or does it stay the same?",
        skill="update",
        step=element,
        writer=writer,
        hints=(
            f"The gradient says how {target} changes when {name} grows; the update goes against it.",
            f"A gradient {'below 0: more' if g < 0 else 'above 0: less'} of {name} means less of {target}.",
            ladder(element, writer, "")[2],
            f"{name} goes {_WAYS[right]}.",
        ),
        answer=_WAYS[right],
        judge=judge,
        choices=_WAYS,
    )


# ---------------------------------------------------------------- how many paths


def paths_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """How many paths lead from a value to the loss, or to a circuit's output; only where there are several."""
    symbol = step.equation.symbol
    start = symbol.wrt if symbol.quantity == "gradient" else symbol
    ends_elsewhere = symbol.of and symbol.of != step.trace.program.model.output
    if start is None or ends_elsewhere or start.quantity in ("updated", "state", "loss", "objective"):
        return None
    network = step.trace.lesson.network
    if network:
        factors = [layer.units for layer in network.layers[start.layer or 0 :]] if start.layer else []
        count, sign, end, slip = math.prod(factors), " · ", "the loss", "one-path"
    else:
        factors = _branches(step.trace, start.key)
        count, sign, end, slip = sum(factors), " + ", step.trace.program.model.output.id, "branch-forgotten"
    if count < 2:
        return None
    element = elements(step, rng, 1)[0]
    name = writer.text(Ref(start, element.index or None, element.example if start.per_example else None))
    names = Names(element, writer)  # an answer may be an expression

    def judge(text: str, own: Mapping[str, float]) -> Verdict:
        value = read_answer(text, names).value
        if value == count:
            return right_verdict(value)
        if value == 1:
            return misconceived(slip)
        if network and value == sum(factors):
            return wrong_verdict("Multiply the widths: every unit of a layer feeds every unit of the next.", value)
        return wrong_verdict(value=value)

    if network:
        rule = "Each unit feeds every unit of the next layer: a path splits there into as many as that layer has units."
        widths = " · ".join(f"(units of layer {(start.layer or 0) + k})" for k in range(1, len(factors) + 1))
    else:
        rule = "Count at each gate that uses the value how many paths lead on from there, and add."
        widths = "the sum over the gates that use it of the paths from each"
    work = sign.join(map(str, factors))
    return Item(
        kind="paths",
        id=f"paths:{element.id}",
        prompt=f"How many paths lead from {name} to {end}?",
        skill=PATHS,
        step=element,
        writer=writer,
        hints=(rule, f"paths = {widths}", f"paths = {work}", f"{count} paths"),
        answer=str(count),
        judge=judge,
    )


def _branches(trace: Trace, start: str) -> list[int]:
    """How many paths lead to a circuit's output through each use of a value, in order; one a use in a gate."""
    count: Counter[str] = Counter({trace.program.model.output.key: 1})
    uses: list[int] = []
    for eq in reversed(trace.program.model.forward):
        for node in walk(eq.formula):
            if isinstance(node, Ref) and count[eq.symbol.key]:
                count[node.symbol.key] += count[eq.symbol.key]
                uses += [count[eq.symbol.key]] if node.symbol.key == start else []
    return uses[::-1]


# ---------------------------------------------------------------- the kinds, and choosing among them

KINDS: dict[str, Callable[[Step, Writer, random.Random], Item | None]] = {
    "value": value_item,
    "matrix": matrix_item,
    "shape": shape_item,
    "formula": formula_item,
    "operands": operands_item,
    "next": next_item,
    "direction": direction_item,
    "paths": paths_item,
}


def item_for(step: Step, writer: Writer, rng: random.Random, kinds: tuple[str, ...] = ("value",)) -> Item | None:
    """The first of these kinds that can ask about a step in a way that tells mistakes apart; None if none can."""
    return next((item for kind in kinds if (item := KINDS[kind](step, writer, rng))), None)
