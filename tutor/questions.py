"""Kinds of question, each made from a step: an `Item` that any front end can put and grade.

One entry of `KINDS` a kind. An item knows its prompt, what it takes as an answer, its hints (a ladder, one
rung a key press) and the skill that it exercises; it grades a text and never raises for one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tutor.explain import Explainer
from tutor.layout import linear
from tutor.notation import Writer
from tutor.quiz import Question, Verdict, grade, question_at, shown_value
from tutor.trace import Step

RUNG_COST = (0.25, 0.25, 0.25, 1.0)  # credit that each rung of the hint ladder takes


@dataclass(frozen=True)
class Item:
    """One question. `id` is stable: the kind and the step; `choices` are numbered from 1 where there are any."""

    kind: str
    id: str
    prompt: str
    skill: str
    step: Step
    hints: tuple[str, ...]
    answer: str
    judge: Callable[[str, Mapping[str, float]], Verdict] = field(compare=False)
    choices: tuple[str, ...] = ()
    question: Question | None = None

    def grade(self, text: str, own: Mapping[str, float] | None = None) -> Verdict:
        """The verdict on an answer; `own` has the learner's own earlier values by id."""
        return self.judge(text, own or {})


def value_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """One element's value, of the step asked or of the most telling element of a whole."""
    question = question_at(step, writer)
    if question is None:
        return None
    element = question.step
    explainer = Explainer(writer)
    name = writer.text(element.ref)
    digits = {3: "three", 4: "four", 5: "five"}.get(question.digits, str(question.digits))
    formula = linear(writer.formula(element.formula))
    numbers = linear(writer.numbers(element.formula, element.trace.value, element.digits))
    return Item(
        kind="value",
        id=f"value:{element.id}",
        prompt=f"What is {name}? {digits.capitalize()} significant digits, or an expression.",
        skill=element.equation.rule,
        step=element,
        hints=(
            explainer.why(element),
            f"{name} = {formula}",
            f"{name} = {numbers}",
            f"{name} = {shown_value(question)}",
        ),
        answer=shown_value(question),
        judge=lambda text, own: grade(question, text, own),
        question=question,
    )


KINDS: dict[str, Callable[[Step, Writer, random.Random], Item | None]] = {"value": value_item}


def item_for(step: Step, writer: Writer, rng: random.Random, kinds: tuple[str, ...] = ("value",)) -> Item | None:
    """The first of these kinds that can ask about a step in a way that tells mistakes apart; None if none can."""
    return next((item for kind in kinds if (item := KINDS[kind](step, writer, rng))), None)
