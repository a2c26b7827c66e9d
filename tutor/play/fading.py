"""What predict mode asks by what is known: a kind of step is shown, then asked for bit by bit, then no more.

The first time that a kind of step (a rule) comes it is a worked example. Then all but its last factor is there and the
rest is asked, then the formula alone is there, then nothing; what is mastered is not asked at every step. This is
backward fading of worked examples: Renkl and Atkinson, "Structuring the transition from example study to problem
solving", 2003.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from tutor.engine.expressions import Call, Expr, evaluate
from tutor.engine.trace import Step
from tutor.questions.grading import Verdict
from tutor.questions.items import Item, Judge, not_understood
from tutor.questions.mastery import LAST_FACTOR, MASTERED, TRACING, WITH_FORMULA
from tutor.questions.question import TOLERANCE
from tutor.questions.rounding import close
from tutor.text.condensing import condensed
from tutor.text.language import N_, say
from tutor.text.layout import linear
from tutor.text.writer import Writer

# Mastery below which so much is given; prior knowledge (0.2) is below the first.
BITS = ((0.3, LAST_FACTOR), (0.45, WITH_FORMULA), (MASTERED, ""))
EXAMPLE = N_("A worked example: this kind of step is new. The next time it is asked, at first its end alone.")
KNOWN = N_("Not asked: you know how this is done.")
BLANK = "?"
_JOINING = ("mul", "matmul", "add", "sub", "div")  # operations whose last operand can be left out


@dataclass(frozen=True)
class Fading:
    """`known` is the mastery (0 to 1) of each skill that was asked about, `met` are the rules that were shown once."""

    known: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    met: frozenset[str] = frozenset()

    def is_new(self, rule: str) -> bool:
        """Whether a kind of step was neither shown nor asked yet."""
        return rule not in self.met and rule not in self.known

    def is_known(self, rule: str) -> bool:
        """Whether it need not be asked at every step any more."""
        return self.known.get(rule, 0.0) >= MASTERED

    def meeting(self, rule: str) -> Fading:
        """The same after a worked example."""
        return replace(self, met=self.met | {rule})

    def bit(self, rule: str) -> str | None:
        """How much of a step is given where it is asked: `LAST_FACTOR`, `WITH_FORMULA`, "" nothing. None: not asked."""
        if self.is_new(rule) or self.is_known(rule):
            return None
        return next(bit for below, bit in BITS if self.known.get(rule, TRACING.prior) < below)

    def asks(self, item: Item) -> Item | None:
        """A question about a step with as much given as is not known yet; None where nothing is asked."""
        bit = self.bit(item.step.equation.rule_id)
        if bit is None:
            return None
        return faded(item, bit) if item.kind == "value" else item


def faded(item: Item, bit: str) -> Item:
    """The question for a value with a part of its step given: all but the last factor, the formula, or "" nothing."""
    step, writer = item.step, item.writer
    short = condensed(step)
    formula = short.named if short else step.formula
    name, written = writer.text(step.ref), linear(writer.formula(formula))
    if written == name or not bit:
        return item
    if bit == LAST_FACTOR and not short and (begun := _without_end(step, formula, writer)):
        shown, missing = begun
        prompt = say(
            "{name} = {written} = {shown}. Find what is missing at the {blank}, then the whole. {prompt}",
            name=name,
            written=written,
            shown=shown,
            blank=BLANK,
            prompt=item.prompt,
        )
        return replace(item, prompt=prompt, paper="", given=LAST_FACTOR, judge=_not_yet(item, missing))
    return replace(item, prompt=f"{name} = {written}. {item.prompt}", paper="", given=WITH_FORMULA)


def _without_end(step: Step, formula: Expr, writer: Writer) -> tuple[str, float] | None:
    """The formula with the numbers put in, but for its last factor, and that one's value; None where it has none."""
    if not isinstance(formula, Call) or formula.op not in _JOINING or len(formula.args) < 2 or formula.args[-1].shape:
        return None
    numbers, end = (linear(writer.numbers(part, step.trace.value, step.digits)) for part in (formula, formula.args[-1]))
    missing = float(evaluate(formula.args[-1], step.trace.value))
    for text in (f"({end})", end):
        if numbers.endswith(text) and len(numbers) > len(text):
            return numbers[: -len(text)] + BLANK, missing
    return None


def _not_yet(item: Item, missing: float) -> Judge:
    """The item's judge, for whom the missing part alone is no wrong answer, but half of the way."""

    def judge(text: str, own: Mapping[str, float]) -> Verdict:
        verdict = item.judge(text, own)
        if verdict.correct or verdict.free or verdict.value is None or not close(verdict.value, missing, TOLERANCE):
            return verdict
        return not_understood(say("right: that belongs at the {blank}. Now the whole", blank=BLANK))

    return judge
