"""Kinds of question, each made from a step: an `Item` that any front end can put and grade.

One entry of `KINDS` a kind; `authored.py` makes the questions that a lesson's author wrote. An item knows its
prompt, what it takes as an answer, its hints (a ladder, one rung a key press, the last one the answer) and the
skill that it exercises; it grades a text and never raises for one. A kind answers None for a step that it
cannot ask about, or where the answer would tell nothing.

A skill is the rule of a step, or one of `SHAPES`, `PATHS`, `ORDER` and `AUTHOR`.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tutor.engine.backprop import OVER_BATCH
from tutor.engine.expressions import Call, Const, Ref, Symbol, indices, refs, rewrite, walk
from tutor.engine.network import Equation
from tutor.engine.trace import Step, Trace, activation_calls, symbols_of
from tutor.questions.answers import MAX_ANSWER, Answer, Names, NotUnderstood, read_answer, read_whole, unstated
from tutor.questions.grading import (
    DIGITS,
    VERDICTS,
    Question,
    Verdict,
    grade,
    graded,
    in_words,
    question_at,
    shown_value,
)
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.pasted_tables import read_cells
from tutor.questions.slips import Slip, slips
from tutor.text.explain import Explainer
from tutor.text.layout import linear, number
from tutor.text.writer import Writer

RUNG_COST = (0.25, 0.25, 0.25, 1.0)  # credit that each rung of the hint ladder takes
SHAPES, PATHS, ORDER, AUTHOR = "shapes", "paths", "order", "author"  # the skills that are no rule of a step
MAX_CELLS = 256  # of a matrix that is asked for
MAX_FORMULA = 160  # characters of a formula that is offered
OPTIONS = 4  # formulas, or next steps, to choose from
VALUES = 6  # values to choose the needed ones from


@dataclass(frozen=True)
class Judgement(Verdict):
    """A verdict on what may have parts: `credit`, from 0 to 1, is the share that is right; None: `kind` alone says.

    `misconception` is the id of the first one named; `cells` has the verdict on each cell of a matrix, row by row.
    """

    credit: float | None = None
    misconception: str | None = None
    cells: tuple[Verdict, ...] = ()


def judgement(verdict: Verdict) -> Judgement:
    """The verdict on one number as a judgement."""
    if isinstance(verdict, Judgement):
        return verdict
    named = verdict.slips[0].misconception if verdict.slips else None
    return Judgement(verdict.kind, verdict.message, verdict.value, verdict.slips, misconception=named)


Judge = Callable[[str, Mapping[str, float]], Verdict]


@dataclass(frozen=True)
class Item:
    """One question. `id` is stable: the kind and the step; `choices` are numbered from 1 where there are any.

    `many`: any number of the choices may be right, and all of those are to be named. An author's question
    that belongs to no step has the last one: whatever came before may be used. `seed` is that of the numbers,
    where they were drawn (`drill`).
    """

    kind: str
    id: str
    prompt: str
    skill: str
    step: Step = field(compare=False)
    writer: Writer = field(compare=False)
    hints: tuple[str, ...]
    answer: str
    judge: Judge = field(compare=False)
    choices: tuple[str, ...] = ()
    question: Question | None = field(default=None, compare=False)
    many: bool = False
    seed: int | None = None

    @property
    def by_author(self) -> bool:
        return self.id.startswith(f"{AUTHOR}:")

    @cached_property
    def names(self) -> Names:
        """What an expression may use, on scratch paper too: whatever comes before the step that is asked about."""
        return self.question.names if self.question else Names(self.step, self.writer)

    def grade(self, text: str, own: Mapping[str, float] | None = None) -> Judgement:
        """The verdict on an answer; `own` has the learner's own earlier values by id."""
        if len(text) > MAX_ANSWER * (math.prod(self.step.shape) if self.kind == "matrix" else 1):
            return _not_understood("that is too long for an answer")
        try:
            return judgement(self.judge(text, own or {}))
        except NotUnderstood as error:
            return _not_understood(str(error))

    def cost(self, rung: int) -> float:
        """The credit that rung number `rung` (from 0) of the hints takes; the last one, the answer, takes all."""
        return 1.0 if rung >= len(self.hints) - 1 else RUNG_COST[min(rung, len(RUNG_COST) - 2)]


# ---------------------------------------------------------------- verdicts


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _not_understood(why: str) -> Judgement:
    return Judgement("not-understood", _sentence(why))


def right_verdict(value: float | None = None) -> Judgement:
    return Judgement("correct", "Right.", value)


def wrong_verdict(
    message: str = "That is not it.", value: float | None = None, credit: float | None = None
) -> Judgement:
    return Judgement("wrong", message, value, credit=credit)


def _misconceived(id: str, found: tuple[Slip, ...] = (), message: str = "", credit: float | None = None) -> Judgement:
    entry = MISCONCEPTIONS[id]
    message = message or f"{_sentence(entry.title)} {entry.remedy}"
    return Judgement("misconception", message, slips=found, credit=credit, misconception=id)


# ---------------------------------------------------------------- choices


def _numbers(text: str, choices: Sequence[str]) -> set[int]:
    """The choices (from 0) that an answer names by number, or one by its text. Raises NotUnderstood."""
    plain = text.strip()
    listed = re.sub(r"\s*\(.*\)$", "", plain)  # as an answer is shown: 1 3 (W2, x)
    if re.fullmatch(r"[0-9]{1,6}(?:(?:[\s,;.)]|and)+[0-9]{1,6})*[.)]?", listed):
        found = {int(part) - 1 for part in re.findall(r"[0-9]+", listed)}
        if all(0 <= at < len(choices) for at in found):
            return found
    if plain in choices:
        return {choices.index(plain)}
    raise NotUnderstood(f"answer with the number of a choice, 1 to {len(choices)}")


def judge_choice(choices: Sequence[str], right: Collection[int], wrong: Mapping[int, Judgement]) -> Judge:
    """Judges the choice of one, each of `right` being right; `wrong` says what each of the others means."""

    def judge(text: str, own: Mapping[str, float]) -> Verdict:
        chosen = _numbers(text, choices)
        if len(chosen) > 1:
            raise NotUnderstood("choose one")
        (at,) = chosen
        return right_verdict() if at in right else wrong.get(at) or wrong_verdict()

    return judge


# ---------------------------------------------------------------- one element's value


def value_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """One element's value, of the step asked or of the most telling element of a whole."""
    question = question_at(step, writer)
    return item_of_value(question) if question else None


def item_of_value(question: Question) -> Item:
    element, writer = question.step, question.writer
    name = writer.text(element.ref)
    return Item(
        kind="value",
        id=f"value:{element.id}",
        prompt=f"What is {name}? {in_words(question.digits).capitalize()} significant digits, or an expression.",
        skill=element.equation.rule,
        step=element,
        writer=writer,
        hints=_ladder(element, writer, shown_value(question)),
        answer=shown_value(question),
        judge=lambda text, own: grade(question, text, own),
        question=question,
    )


def _ladder(step: Step, writer: Writer, answer: str) -> tuple[str, ...]:
    """The rule in words, the formula, the formula with the numbers, the answer."""
    name = writer.text(step.ref)
    formula = linear(writer.formula(step.formula))
    numbers = linear(writer.numbers(step.formula, step.trace.value, step.digits))
    return (Explainer(writer).why(step), f"{name} = {formula}", f"{name} = {numbers}", f"{name} = {answer}")


# ---------------------------------------------------------------- a whole vector or matrix


def matrix_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """Every cell of a vector or matrix; a share of the credit for each."""
    whole = step.at(None)
    values = np.asarray(whole.value, dtype=float)
    telling = values.ndim > 0 and 2 <= values.size <= MAX_CELLS and np.all(np.isfinite(values)) and np.ptp(values) > 0
    question = question_at(whole, writer) if telling else None
    return item_of_cells(whole, writer, question.digits) if question else None


def item_of_cells(whole: Step, writer: Writer, digits: int) -> Item:
    cells = [Question(whole.at(index), writer, digits) for index in indices(whole.shape)]
    shown = [shown_value(cell) for cell in cells]
    wide = whole.shape[-1] if len(whole.shape) == 2 else 1
    answer = "\n".join(" ".join(shown[at : at + wide]) for at in range(0, len(shown), wide))
    answer = answer.replace("\n", " ") if wide == 1 else answer
    each = f"{in_words(digits)} significant digits each; ? for one left out"
    size = f"{whole.shape[0]} numbers" if wide == 1 else f"{whole.shape[0]} rows of {wide}"

    names = Names(whole, writer)

    def judge(text: str, own: Mapping[str, float]) -> Verdict:
        text = unstated(text, names)
        return _judge_cells(_whole_formula(text, names) or read_cells(text, whole.shape), cells, own)

    return Item(
        kind="matrix",
        id=f"matrix:{whole.id}",
        prompt=f"What is {writer.text(whole.ref)}? {size}, {each}.",
        skill=whole.equation.rule,
        step=whole,
        writer=writer,
        hints=_ladder(whole, writer, answer),
        answer=answer,
        judge=judge,
    )


def _whole_formula(text: str, names: Names) -> list[Answer] | None:
    """The answers for the cells where a formula gives the whole, W·x + b; None where the cells are written out."""
    try:
        return read_whole(text, names)
    except NotUnderstood:
        return None


def _judge_cells(texts: Sequence[str | Answer], cells: list[Question], own: Mapping[str, float]) -> Judgement:
    verdicts = []
    for text, cell in zip(texts, cells, strict=True):
        if isinstance(text, Answer):
            verdict: Verdict = graded(cell, text, own)
        else:
            verdict = wrong_verdict("Left out.") if text == "?" else grade(cell, text, own)
        if verdict.kind == "not-understood":
            return _not_understood(f"{_cell(cell)}: {verdict.message}")
        verdicts.append(verdict)
    right = sum(verdict.kind in ("correct", "rounded") for verdict in verdicts)
    if all(verdict.correct for verdict in verdicts):
        return Judgement("correct", "Right.", cells=tuple(verdicts))
    # What is wrong in the same way is said once.
    alike: dict[str, list[Question]] = defaultdict(list)
    for verdict, cell in zip(verdicts, cells, strict=True):
        if not verdict.correct:
            alike[verdict.message].append(cell)
    said = []
    for message, at in list(alike.items())[:4]:
        where = ", ".join(map(_cell, at[:4])) + (" …" if len(at) > 4 else "")
        said.append(f"{where}: {message}")
    # What is wrong counts before what has too few digits: only where nothing is wrong does the whole cost no try.
    wrong = sorted((v for v in verdicts if not v.correct), key=lambda v: (v.free, VERDICTS.index(v.kind)))
    named = [slip.misconception for v in wrong for slip in v.slips[:1]]
    most = Counter(named).most_common(1)
    message = " ".join((f"{right} of {len(verdicts)} right.", *said))
    found = tuple(slip for v in wrong for slip in v.slips[:1] if slip.misconception == most[0][0]) if most else ()
    id = most[0][0] if most else None
    return Judgement(wrong[0].kind, message, None, found, right / len(verdicts), id, tuple(verdicts))


def _cell(cell: Question) -> str:
    return f"[{','.join(str(i + 1) for i in cell.step.index or ())}]"


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
            return _misconceived("to-and-from", message=f"Transposed. {MISCONCEPTIONS['to-and-from'].remedy}")
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
    why, _, numbers, _ = _ladder(element, writer, "")
    made_of = ", ".join(dict.fromkeys(writer.text(ref) for ref in element.operands)) or "numbers only"
    says = {choices.index(text): _misconceived(slip.misconception, (slip,)) for text, slip in wrong.items()}
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
        chosen = _numbers(text, choices)
        if chosen == right:
            return right_verdict()
        hits, extras = len(chosen & right), len(chosen - right)
        credit = max(0.0, (hits - extras) / len(right))
        slip = ideas.get(frozenset(names[choices[at]] for at in chosen))
        if slip:
            return _misconceived(slip.misconception, (slip,), credit=credit)
        parts = [f"{in_words(extras)} of them {'is' if extras == 1 else 'are'} not needed"] if extras else []
        parts += ["something needed is missing"] if hits < len(right) else []
        return wrong_verdict(_sentence("; ".join(parts)), credit=credit)

    answer = " ".join(str(at + 1) for at in sorted(right))
    listed = ", ".join(choices[at] for at in sorted(right))
    why, formula, _, _ = _ladder(asked, writer, "")
    count = f"{_sentence(in_words(len(right)))[:-1]} of these {'is' if len(right) == 1 else 'are'} needed."
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
    why, formula, _, _ = _ladder(following, writer, "")
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
    slope = _gradients(step.trace, parameter)[-1]
    wanted = Step(step.trace, update, step.index if parameter.shape else ())
    for element in elements(wanted, rng, 16):
        before, gradient = Ref(parameter, element.index), Ref(slope, element.index)
        moved = float(element.value) - float(step.trace.value(before))
        g = float(step.trace.value(gradient))
        # Where an optimiser's memory moves it another way, the gradient alone does not say.
        if g and math.isfinite(g) and math.isfinite(moved) and moved * g < 0:
            return _direction_item(element, before, gradient, g, writer)
    return None


def _gradients(trace: Trace, wrt: Symbol | None) -> list[Symbol]:
    """The gradients with respect to a symbol, the one that the update takes last."""
    return [eq.symbol for eq in trace.equations if eq.symbol.quantity == "gradient" and eq.symbol.wrt == wrt]


def _direction_item(element: Step, before: Ref, gradient: Ref, g: float, writer: Writer) -> Item:
    name, slope, right = writer.text(before), writer.text(gradient), 0 if g < 0 else 1
    target = "the output" if element.trace.lesson.circuit else "the loss"
    says = {1 - right: _misconceived("added"), 2: wrong_verdict("The gradient is not 0, so the parameter moves.")}

    def judge(text: str, own: Mapping[str, float]) -> Verdict:
        said = text.strip().lower()
        found = _SAID.get(said) if said in _SAID else next((at for at, way in enumerate(_WAYS) if said == way), None)
        if found is None:
            (found,) = chosen if len(chosen := _numbers(text, _WAYS)) == 1 else (None,)
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
            _ladder(element, writer, "")[2],
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
            return _misconceived(slip)
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


_TURNS = ("backward", "forward", "backward", "update", "backward", "loss")  # half of it is backward
SMALL_MATRIX = 9  # cells that are worth one question of several


def spread(
    trace: Trace,
    writer: Writer,
    rng: random.Random,
    count: int,
    kinds: tuple[str, ...] = tuple(KINDS),
    weakest: Sequence[str] = (),
) -> list[Item]:
    """At most `count` questions in the order of the steps: every rule before any rule twice, the phases in turn.

    Of the rules of a phase those in `weakest` come first, in that order.

    Every other question is of the first kind; the rest take the other kinds in turn. No equation is asked about
    twice while there are others, and no question shows what another one asks for.
    """
    rest = list(kinds[1:])
    rng.shuffle(rest)
    found: list[Item] = []
    taken: set[tuple[str, str]] = set()
    equations = _in_turns(trace, rng, weakest)
    for at, eq in enumerate((*equations, *equations)):
        if len(found) >= count:
            break
        if at < len(equations) and any(item.step.equation is eq for item in found):
            continue
        step = Step(trace, eq, None, rng.randrange(trace.examples) if eq.symbol.per_example else None)
        for kind in (*(kinds[:1] if len(found) % 2 == 0 else ()), *rest, *kinds[:1]):
            item = KINDS[kind](step, writer, rng)
            large = kind == "matrix" and math.prod(step.shape) > SMALL_MATRIX
            if item and not large and taken.isdisjoint(about := _about(item)):
                taken |= about
                found.append(item)
                if kind in rest:  # to the end of the queue
                    rest.remove(kind)
                    rest.append(kind)
                break
    place = {eq.symbol.key: at for at, eq in enumerate(trace.equations)}
    return sorted(found, key=lambda item: place[item.step.equation.symbol.key])


def _in_turns(trace: Trace, rng: random.Random, weakest: Sequence[str]) -> list[Equation]:
    """Every equation: of each rule one, the phases in turn, then of each rule a second ..."""
    rounds: list[dict[str, list[Equation]]] = []
    seen: Counter[str] = Counter()
    for eq in rng.sample(trace.equations, len(trace.equations)):
        if seen[eq.rule] == len(rounds):
            rounds.append(defaultdict(list))
        rounds[seen[eq.rule]][eq.phase].append(eq)
        seen[eq.rule] += 1
    order: list[Equation] = []
    strength = {rule: at for at, rule in enumerate(weakest)}
    for queues in rounds:
        for queue in queues.values():  # taken from its end
            queue.sort(key=lambda eq: strength.get(eq.rule, len(strength)), reverse=True)
        while any(queues.values()):
            order += [queues[phase].pop() for phase in _TURNS if queues[phase]]
    return order


_TELLS = {  # what a question of a kind asks for or gives away about its equation
    "matrix": ("value", "shape"),
    "formula": ("formula",),
    "operands": ("formula",),
}


def _about(item: Item) -> set[tuple[str, str]]:
    """What a question asks for or gives away: (what, key of the equation)."""
    symbol = item.step.equation.symbol
    found = {(what, symbol.key) for what in _TELLS.get(item.kind, (item.kind,))}
    if item.kind == "direction":
        found |= {("value", gradient.key) for gradient in _gradients(item.step.trace, symbol.wrt)}
    return found


__all__ = [
    "AUTHOR", "DIGITS", "KINDS", "ORDER", "PATHS", "RUNG_COST", "SHAPES", "Item", "Judgement",
    "item_for", "judgement", "spread",
]  # fmt: skip
