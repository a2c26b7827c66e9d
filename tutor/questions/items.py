"""An `Item`: one question that any front end can put and grade, whatever its kind.

An item knows its prompt, what it takes as an answer, its hints (a ladder, one rung a key press, the last one the
answer) and the skill that it exercises; it grades a text and never raises for one. The kinds of question are
`kinds/`; here are the items of numbers, one or a whole matrix, that an author's questions are, too.

A skill is the rule of a step, or one of `SHAPES`, `PATHS`, `CHAIN`, `ORDER` and `AUTHOR`.
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

from tutor.engine.expressions import indices
from tutor.engine.trace import Step
from tutor.questions.answers import MAX_ANSWER, Answer, read_whole, unstated
from tutor.questions.diagnosis import compare, marked
from tutor.questions.grading import VERDICTS, Verdict, grade, graded
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.names import Names
from tutor.questions.pasted_tables import read_cells
from tutor.questions.question import Question, in_words, shown_value
from tutor.questions.slips import Slip
from tutor.questions.tokens import NotUnderstood
from tutor.text.condensing import condensed
from tutor.text.explain import Explainer
from tutor.text.grids import grid_of
from tutor.text.language import say, say_many
from tutor.text.layout import linear
from tutor.text.words import plural, quoted, sentence
from tutor.text.writer import Writer

RUNG_COST = (0.25, 0.25, 0.25, 1.0)  # credit that each rung of the hint ladder takes
MAX_CELLS = 256  # of a matrix that is asked for
SHAPES, PATHS, CHAIN, ORDER, AUTHOR = "shapes", "paths", "chain", "order", "author"  # skills that are no step's rule


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
    rungs = verdict.rungs
    return Judgement(verdict.kind, verdict.message, verdict.value, verdict.slips, misconception=named, rungs=rungs)


Judge = Callable[[str, Mapping[str, float]], Verdict]


@dataclass(frozen=True)
class Item:
    """One question. `id` is stable: the kind and the step; `choices` are numbered from 1 where there are any.

    `many`: any number of the choices may be right, and all of those are to be named (`in_order`: in their order). An
    author's question that belongs to no step has the last one: whatever came before may be used. `seed` is that of
    the numbers, where they were drawn (`drill`). `worked` is what is shown when it is done, a line each, of what is
    only a part of its step; else that step is. One that is `alone` says all that it needs: nothing stands beside it.
    `paper` is the prompt without the ways to answer that only the tutor knows, "" where it has none of them.
    `given` says how much of the step is there already (`mastery.LAST_FACTOR`, `WITH_FORMULA`), "" nothing of it.
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
    in_order: bool = False
    seed: int | None = None
    worked: tuple[str, ...] = ()
    alone: bool = False
    given: str = ""
    paper: str = ""

    @property
    def on_paper(self) -> str:
        """What is asked where it is not the tutor that takes the answer."""
        return self.paper or self.prompt

    @property
    def by_author(self) -> bool:
        """Whether a lesson's author asks it."""
        return self.id.startswith(f"{AUTHOR}:")

    @property
    def told(self) -> str:
        """The answer within a sentence: an author's choice has words of its own."""
        return quoted(self.answer) if self.kind == "choice" else self.answer

    @cached_property
    def names(self) -> Names:
        """What an expression may use, on scratch paper too: whatever comes before the step that is asked about."""
        return self.question.names if self.question else Names(self.step, self.writer)

    def grade(self, text: str, own: Mapping[str, float] | None = None) -> Judgement:
        """The verdict on an answer; `own` has the learner's own earlier values by id."""
        if len(text) > MAX_ANSWER * (math.prod(self.step.shape) if self.kind == "matrix" else 1):
            return not_understood(say("that is too long for an answer"))
        try:
            return judgement(self.judge(text, own or {}))
        except NotUnderstood as error:
            return not_understood(str(error))

    def cost(self, rung: int) -> float:
        """The credit that rung number `rung` (from 0) of the hints takes; the last one, the answer, takes all."""
        return 1.0 if rung >= len(self.hints) - 1 else RUNG_COST[min(rung, len(RUNG_COST) - 2)]


def as_json(item: Item, verdict: Judgement, asked: str) -> dict[str, object]:
    """A graded answer as the values of a JSON object (docs/grading.md); `asked` names the question as it was called.

    `expected` is a number, the numbers of a whole array in lists, or a text where no number was asked for; None for a
    value that is not finite. What has parts
    has the credit, 0 to 1, and a whole array the verdict on each cell besides; an author's question its name.
    """
    question, whole = item.question, item.kind == "matrix" and not item.by_author
    expected: object = item.question.right if item.question else item.answer
    if whole:
        values = np.array(item.step.value, dtype=object)
        values[~np.isfinite(np.asarray(item.step.value))] = None
        expected = values.tolist()
    elif isinstance(expected, float) and not math.isfinite(expected):
        expected = None
    beside = compare(question, verdict.slips[0]) if question and verdict.slips else None
    record: dict[str, object] = {
        "lesson": item.step.trace.lesson.id,
        "step": item.step.id,
        "verdict": verdict.kind,
        "misconception": verdict.misconception,
        "misconceptions": list(dict.fromkeys(slip.misconception for slip in verdict.slips)),
        "expected": expected,
        "given": verdict.value,
        "message": verdict.message,
        "wrong_formula": marked(beside.wrong) if beside else None,
        "right_formula": marked(beside.right) if beside else None,
    }
    named = {"question": asked} if item.by_author else {}
    credit = {"credit": verdict.credit} if item.by_author or whole else {}
    cells = {"cells": [cell.kind for cell in verdict.cells]} if whole else {}
    return record | named | credit | cells


# ---------------------------------------------------------------- verdicts


def not_understood(why: str) -> Judgement:
    """What is said of an answer that says nothing that was asked for: why, and what would. It costs no try."""
    return Judgement("not-understood", sentence(why))


def right_verdict(value: float | None = None) -> Judgement:
    """What is said of a right answer."""
    return Judgement("correct", say("Right."), value)


def wrong_verdict(message: str = "", value: float | None = None, credit: float | None = None) -> Judgement:
    """What is said of a wrong answer that shows no misconception; `credit`, from 0 to 1, is the share that is right."""
    return Judgement("wrong", message or say("That is not it."), value, credit=credit)


def misconceived(id: str, found: tuple[Slip, ...] = (), message: str = "", credit: float | None = None) -> Judgement:
    """What is said of an answer that shows a misconception: its title and remedy, unless a message says it better."""
    entry = MISCONCEPTIONS[id]
    rungs = () if message else (sentence(entry.title),)
    message = message or f"{sentence(entry.title)} {entry.remedy}"
    return Judgement("misconception", message, slips=found, credit=credit, misconception=id, rungs=rungs)


# ---------------------------------------------------------------- choices


def chosen_numbers(text: str, choices: Sequence[str]) -> set[int]:
    """The choices (from 0) that an answer names by number, or one by its text. Raises NotUnderstood."""
    return set(chosen_in_order(text, choices))


def chosen_in_order(text: str, choices: Sequence[str]) -> list[int]:
    """The same in the order in which they are named, one that is named twice as often. Raises NotUnderstood."""
    plain = text.strip()
    # As an answer is shown: 1 3 (W2, x); but 1(x ≥ y) is a choice's own text.
    listed = plain if plain in choices else re.sub(r"\s*\(.*\)$", "", plain)
    if re.fullmatch(r"[0-9]{1,6}(?:(?:[\s,;.)]|and|und)+[0-9]{1,6})*[.)]?", listed):
        found = [int(part) - 1 for part in re.findall(r"[0-9]+", listed)]
        if all(0 <= at < len(choices) for at in found):
            return found
    if plain in choices:
        return [choices.index(plain)]
    raise NotUnderstood(say("answer with the number of a choice, 1 to {n}", n=len(choices)))


def judge_choice(choices: Sequence[str], right: Collection[int], wrong: Mapping[int, Judgement]) -> Judge:
    """Judges the choice of one, each of `right` being right; `wrong` says what each of the others means."""

    def judge(text: str, own: Mapping[str, float]) -> Verdict:
        chosen = chosen_numbers(text, choices)
        if len(chosen) > 1:
            raise NotUnderstood(say("choose one"))
        (at,) = chosen
        return right_verdict() if at in right else wrong.get(at) or wrong_verdict()

    return judge


# ---------------------------------------------------------------- one element's value


def item_of_value(question: Question) -> Item:
    """The item that asks for one element's value, in the question's digits."""
    element, writer = question.step, question.writer
    said = {"name": writer.text(element.ref), "digits": in_words(question.digits).capitalize()}
    return Item(
        kind="value",
        id=f"value:{element.id}",
        prompt=say("What is {name}? {digits} significant digits, or an expression.", **said),
        paper=say("What is {name}? {digits} significant digits.", **said),
        skill=element.equation.rule_id,
        step=element,
        writer=writer,
        hints=ladder(element, writer, shown_value(question)),
        answer=shown_value(question),
        judge=lambda text, own: grade(question, text, own),
        question=question,
    )


def ladder(step: Step, writer: Writer, answer: str) -> tuple[str, ...]:
    """The rule in words, the formula, the formula with the numbers, the answer."""
    name = writer.text(step.ref)
    short = condensed(step)
    formula = linear(writer.formula(short.formula if short else step.formula))
    numbers = linear(
        writer.numbers(short.named, short.value, short.digits)
        if short
        else writer.numbers(step.formula, step.trace.value, step.digits)
    )
    return (Explainer(writer).why(step), f"{name} = {formula}", f"{name} = {numbers}", f"{name} = {answer}")


# ---------------------------------------------------------------- a whole vector or matrix


def item_of_cells(whole: Step, writer: Writer, digits: int) -> Item:
    """The item that asks for every cell of a vector (n,) or matrix (m, n), row by row, each in so many digits."""
    cells = [Question(whole.at(index), writer, digits) for index in indices(whole.shape)]
    shown = [shown_value(cell) for cell in cells]
    rows, wide = grid_of(whole.shape)
    answer = "\n".join(" ".join(shown[at : at + wide]) for at in range(0, len(shown), wide))
    answer = answer.replace("\n", " ") if wide == 1 else answer
    size = plural(rows, "number") if wide == 1 else say_many(rows, "{n} row of {wide}", "{n} rows of {wide}", wide=wide)
    said = {"name": writer.text(whole.ref), "size": size, "digits": in_words(digits)}

    names = Names(whole, writer)

    def judge(text: str, own: Mapping[str, float]) -> Verdict:
        text = unstated(text, names)
        return _judge_cells(_cells_of(text, names, whole), cells, own)

    return Item(
        kind="matrix",
        id=f"matrix:{whole.id}",
        prompt=say("What is {name}? {size}, {digits} significant digits each; ? for one left out.", **said),
        paper=say("What is {name}? {size}, {digits} significant digits each.", **said),
        skill=whole.equation.rule_id,
        step=whole,
        writer=writer,
        hints=ladder(whole, writer, _as_list(shown, wide)),
        answer=answer,
        judge=judge,
    )


def _as_list(shown: list[str], wide: int) -> str:
    """Cells on one line as lists, in which the rows of a matrix can be told apart."""
    rows = [", ".join(shown[at : at + wide]) for at in range(0, len(shown), wide)]
    return f"[{', '.join(rows)}]" if wide == 1 else f"[{', '.join(f'[{row}]' for row in rows)}]"


def _cells_of(text: str, names: Names, whole: Step) -> Sequence[str | Answer]:
    """The answers for the cells, written out or by a formula that gives the whole, W·x + b. Raises NotUnderstood.

    What is neither is told as what it looks like: a text of names is a formula.
    """
    try:
        if answers := read_whole(text, names):
            return answers
    except NotUnderstood as of_formula:
        try:
            return read_cells(text, whole.shape)
        except NotUnderstood as of_cells:
            raise (of_formula if re.search(r"[^\W\d_]{1,}.*[-+*/@⊙·(]", text) else of_cells) from None
    return read_cells(text, whole.shape)


def _judge_cells(texts: Sequence[str | Answer], cells: list[Question], own: Mapping[str, float]) -> Judgement:
    verdicts = []
    for text, cell in zip(texts, cells, strict=True):
        if isinstance(text, Answer):
            verdict: Verdict = graded(cell, text, own)
        else:
            verdict = wrong_verdict(say("Left out.")) if text == "?" else grade(cell, text, own)
        if verdict.kind == "not-understood":
            return not_understood(f"{_cell(cell)}: {verdict.message}")
        verdicts.append(verdict)
    right = sum(verdict.kind in ("correct", "rounded") for verdict in verdicts)
    if all(verdict.correct for verdict in verdicts):
        return Judgement("correct", say("Right."), cells=tuple(verdicts))
    count = say("{right} of {n} right.", right=right, n=len(verdicts))
    kinds = dict.fromkeys((*verdict.rungs, verdict.message)[0] for verdict in verdicts if not verdict.correct)
    rungs = (" ".join((count, *list(kinds)[:4])), " ".join((count, *_cell_by_cell(verdicts, cells, brief=True))))
    # What is wrong counts before what has too few digits: only where nothing is wrong does the whole cost no try.
    wrong = sorted((v for v in verdicts if not v.correct), key=lambda v: (v.free, VERDICTS.index(v.kind)))
    named = [slip.misconception for v in wrong for slip in v.slips[:1]]
    most = Counter(named).most_common(1)
    message = " ".join((count, *_cell_by_cell(verdicts, cells)))
    found = tuple(slip for v in wrong for slip in v.slips[:1] if slip.misconception == most[0][0]) if most else ()
    id = most[0][0] if most else None
    share = right / len(verdicts)
    return Judgement(wrong[0].kind, message, None, found, share, id, tuple(verdicts), rungs=rungs)


def _cell_by_cell(verdicts: Sequence[Verdict], cells: Sequence[Question], brief: bool = False) -> list[str]:
    """What is said of the wrong cells, of those that are wrong in the same way once; `brief`: its kind alone."""
    alike: dict[str, list[Question]] = defaultdict(list)
    for verdict, cell in zip(verdicts, cells, strict=True):
        if not verdict.correct:
            alike[(*verdict.rungs, verdict.message)[0] if brief else verdict.message].append(cell)
    said = []
    for message, at in list(alike.items())[:4]:
        where = ", ".join(map(_cell, at[:4])) + (" …" if len(at) > 4 else "")
        said.append(f"{where}: {message}")
    return said


def _cell(cell: Question) -> str:
    return f"[{','.join(str(i + 1) for i in cell.step.index or ())}]"


# ---------------------------------------------------------------- choosing an element


def elements(step: Step, rng: random.Random, most: int = 4) -> list[Step]:
    """The element asked for, or a few of a whole, drawn."""
    if step.index is not None or step.shape == ():
        return [step.at(step.index or ())]
    every = list(indices(step.shape)) if math.prod(step.shape) <= 4096 else [tuple(n - 1 for n in step.shape)]
    return [step.at(index) for index in rng.sample(every, min(most, len(every)))]
