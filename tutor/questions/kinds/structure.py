"""Questions about how a lesson hangs together: shapes, the step that comes next, the paths to the loss."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence

from tutor.engine.expressions import Ref, used
from tutor.engine.model import Equation
from tutor.engine.paths import splits, uses
from tutor.engine.trace import Step
from tutor.questions.answers import read_answer
from tutor.questions.grading import Verdict
from tutor.questions.items import (
    ORDER,
    PATHS,
    SHAPES,
    Item,
    elements,
    judge_choice,
    ladder,
    misconceived,
    right_verdict,
    wrong_verdict,
)
from tutor.questions.kinds.formulas import like
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.names import Names
from tutor.questions.tokens import NotUnderstood
from tutor.text.language import N_, Term, say
from tutor.text.writer import Writer

OPTIONS = 4  # next steps to choose from


# ---------------------------------------------------------------- the shape of a value


def shape_text(shape: Sequence[int]) -> str:
    """(2, 3) -> '2 × 3', (3,) -> '3'."""
    return " × ".join(map(str, shape))


def read_shape(text: str) -> tuple[int, ...]:
    """A shape as people write it: 2x3, 2 × 3, (2, 3), 2 by 3, 3. Raises NotUnderstood."""
    plain = text.strip().lower()
    if not re.fullmatch(r"[(\[]?\s*[0-9]{1,9}(?:\s*(?:[x×*,]|by|\s)\s*[0-9]{1,9})*\s*,?\s*[)\]]?", plain):
        raise NotUnderstood(say("give rows and columns, as in 2 × 3, or one number for a vector"))
    return tuple(int(part) for part in re.findall(r"[0-9]+", plain))


_SHAPED = ("pre_activation", "activation", "gradient", "updated", "state")


_WANTED = N_("Rows × columns, or one number for a vector.")


def _in_a_layer(shape: Sequence[int]) -> tuple[str, str]:
    """How what belongs to a layer is laid out, and with how many."""
    if len(shape) == 2:
        return say("rows (units that are fed) × columns (values that feed them)"), say(
            "{fed} fed, {feeding} feeding", fed=shape[0], feeding=shape[1]
        )
    return say("units of the layer"), say("the layer has {n}", n=shape[0])


def _in_an_array(shape: Sequence[int]) -> tuple[str, str]:
    """The same of an author's array."""
    if len(shape) == 1:
        return say("one axis: how many numbers it has"), say("it has {n}", n=shape[0])
    if len(shape) == 2:
        return say("rows × columns"), say("{rows} rows, {columns} columns", rows=shape[0], columns=shape[1])
    return say("{n} axes, the last two those of each matrix", n=len(shape)), say(
        "matrices of {rows} × {columns}", rows=shape[-2], columns=shape[-1]
    )


def shape_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """The shape of a whole, where turning it round would make another one."""
    symbol = step.equation.symbol
    shape = symbol.shape
    if symbol.quantity not in _SHAPED or max(shape, default=1) == 1 or len(set(shape)) < len(shape):
        return None
    whole, text = step.at(None), shape_text(shape)
    name = writer.text(whole.ref)
    like = writer.text(Ref(symbol.wrt)) if symbol.wrt else name
    rule = say("A vector has one number a unit of its layer; a weight matrix has one row a unit that it feeds.")
    if symbol.quantity == "gradient":
        rule = say("There is one slope for each number in {like}, so the shapes agree.", like=like)
    elif step.trace.program.model.arrays:
        rule = say("Each number has one of its own here, so the shape stays.")
    arrays = step.trace.program.model.arrays
    layout, feeds = _in_an_array(shape) if arrays else _in_a_layer(shape)
    wanted = say("Its lengths, axis by axis, as in 2 × 3 × 4.") if len(shape) > 2 else say(_WANTED)

    def judge(answer: str, own: Mapping[str, float]) -> Verdict:
        given = read_shape(answer)
        column = (*shape, 1) if len(shape) == 1 else shape
        if given in (shape, column):
            return right_verdict()
        if given == column[::-1] and len(shape) < 3:
            if arrays:
                return wrong_verdict(
                    say("Transposed.") if len(shape) == 2 else say("{name} is a vector: it has one axis.", name=name)
                )
            if len(shape) == 1:
                return wrong_verdict(say("That is a row; {name} is a column.", name=name))
            return misconceived("to-and-from", message=f"{say('Transposed.')} {MISCONCEPTIONS['to-and-from'].remedy}")
        if len(shape) > 1 and given == (math.prod(shape),):
            each = say("rows × columns") if len(shape) == 2 else say("the length of each axis")
            return wrong_verdict(say("That is how many numbers there are; give {each}.", each=each))
        for other in step.trace.program.model.parameters:
            if symbol.quantity == "gradient" and other.shape == given and other != symbol.wrt:
                return wrong_verdict(
                    say(
                        "That is the shape of {other}; this is the gradient of {like}.",
                        other=writer.text(Ref(other)),
                        like=like,
                    )
                )
        return wrong_verdict()

    return Item(
        kind="shape",
        id=f"shape:{whole.id}",
        prompt=say("What is the shape of {name}? {wanted}", name=name, wanted=wanted),
        skill=SHAPES,
        step=whole,
        writer=writer,
        hints=(rule, f"{name}: {layout}", f"{name}: {feeds}", say("{name} is {shape}", name=name, shape=text)),
        answer=text,
        judge=judge,
    )


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
        return writer.text(like(step.at(None), Ref(eq.symbol)))

    def missing(eq: Equation) -> Ref | None:
        return next((ref for ref in used(eq.formula) if ref.symbol.key in later), None)

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
            say(
                "{name} needs {missing}, which is not there yet.",
                name=text,
                missing=writer.text(like(step.at(None), waiting[text])),
            )
        )
        for text in wrong
    }
    after = equations[at + 1]
    following = Step(step.trace, after, None, step.example if after.symbol.per_example else None)
    why, formula, _, _ = ladder(following, writer, "")
    uses = ", ".join(dict.fromkeys(writer.text(like(step.at(None), ref)) for ref in used(following.equation.formula)))
    model = step.trace.program.model
    end = Term("the loss") if model.layers else model.output.id
    back = say(
        "A step can be taken when everything in its formula is there: forward from the inputs, back from {end}.",
        end=end,
    )
    return Item(
        kind="next",
        id=f"next:{step.at(None).id}",
        prompt=say(
            "Everything up to {name} is known. Which step can be taken next?", name=writer.text(step.at(None).ref)
        ),
        skill=ORDER,
        step=step.at(None),
        writer=writer,
        hints=(back, say("It uses {names}.", names=uses or say("nothing but numbers")), why, formula),
        answer=right,
        judge=judge_choice(choices, (choices.index(right),), says),
        choices=tuple(choices),
    )


# ---------------------------------------------------------------- how many paths


def paths_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """How many paths lead from a value to the loss, or to a circuit's output; only where there are several."""
    symbol = step.equation.symbol
    start = symbol.wrt if symbol.quantity == "gradient" else symbol
    ends_elsewhere = symbol.of and symbol.of != step.trace.program.model.output
    if start is None or ends_elsewhere or start.quantity in ("updated", "state", "loss", "objective"):
        return None
    program = step.trace.program
    if program.model.arrays:  # each element has its own
        return None
    factors, layered = splits(program, start), bool(program.model.layers)
    product = factors is not None  # every path goes through the same layers
    if factors is None:
        factors = uses(program, start)
    count = math.prod(factors) if product else sum(factors)
    sign, slip = (" · ", "one-path") if product else (" + ", "branch-forgotten")
    end = Term("the loss") if layered else program.model.output.id
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
        if product and value == sum(factors):
            return wrong_verdict(say("Multiply the widths: every unit of a layer feeds every unit of the next."), value)
        return wrong_verdict(value=value)

    if product:
        rule = say(
            "Each unit feeds every unit of the next layer: a path splits there into as many as that layer has units."
        )
        widths = " · ".join(say("(units of layer {n})", n=(start.layer or 0) + k) for k in range(1, len(factors) + 1))
    else:
        rule = say(
            "Count at each place that uses the value how many paths lead on from there, and add."
            if layered
            else "Count at each gate that uses the value how many paths lead on from there, and add."
        )
        widths = say(
            "the sum over the places that use it of the paths from each"
            if layered
            else "the sum over the gates that use it of the paths from each"
        )
    work = sign.join(map(str, factors))
    return Item(
        kind="paths",
        id=f"paths:{element.id}",
        prompt=say("How many paths lead from {name} to {end}?", name=name, end=end),
        skill=PATHS,
        step=element,
        writer=writer,
        hints=(
            rule,
            say("paths = {widths}", widths=widths),
            say("paths = {work}", work=work),
            say("{n} paths", n=count),
        ),
        answer=str(count),
        judge=judge,
    )
