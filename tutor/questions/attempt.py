"""A question being asked: tries, hints, what was said so far. Pure, and the same for the player and line mode.

A mistake is told in three rungs, one a miss: what kind it is, then where it is, then the formula beside the wrong one;
with the last try, all of it. Three tries, the best credit counts; what is right with too few digits costs none. A
ladder of hints, one rung a press, each lowering the credit; the last rung is the answer and ends the question. A line
that begins with = is scratch paper: it is computed and costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tutor.questions.answers import read_answer, wants_help
from tutor.questions.diagnosis import compare, located, marked
from tutor.questions.grading import Verdict, VerdictKind
from tutor.questions.items import Item
from tutor.questions.question import Question
from tutor.questions.tokens import NotUnderstood
from tutor.text.language import say, say_many
from tutor.text.layout import number
from tutor.text.output import escape
from tutor.text.words import sentence

TRIES = 3
# What a first try is worth by its verdict; a later one less, and each rung of the ladder takes a quarter.
CREDIT: dict[VerdictKind, float] = {
    "correct": 1.0, "rounded": 1.0, "carried": 0.75, "imprecise": 0.5, "sign": 0.5, "power-of-ten": 0.5,
    "misconception": 0.25,
}  # fmt: skip
LATER_TRY, RUNG = 0.8, 0.75
RUNGS = 3  # of feedback: the kind of slip, where it is, the formulas


@dataclass(frozen=True)
class Said:
    """One thing said: `kind` is a verdict's, or "hint", "scratch", "you" (the learner's own words)."""

    kind: str
    text: str


@dataclass(frozen=True)
class Asking:
    """The state of a question. `credit` is the best so far; `done` once it is answered, given up or used up."""

    item: Item
    tries: int = 0
    rung: int = 0  # hints taken: each lowers the credit
    ladder: int = 0  # where the next hint stands
    credit: float = 0.0
    done: bool = False
    said: tuple[Said, ...] = ()
    last: Verdict | None = None
    worth: float = 0.0  # of the last try
    tried: bool = False  # whether the last thing the learner did was a try
    most: int = TRIES
    told: int = 0  # how many of the rungs of the last verdict were said

    @property
    def left(self) -> int:
        """How many tries are left."""
        return self.most - self.tries

    @property
    def given(self) -> str:
        """What the learner said last."""
        return next((said.text for said in reversed(self.said) if said.kind == "you"), "")


def respond(asking: Asking, text: str, own: Mapping[str, float] | None = None) -> Asking:
    """The state after the learner has said something. Who says that they do not know gets a hint: it costs no try."""
    typed = escape(text.strip())
    if wants_help(text):
        return hint(replace(asking, said=(*asking.said, Said("you", typed))))
    if text.strip().startswith("="):
        return _scratch(asking, text.strip()[1:], typed)
    verdict = asking.item.grade(text, own)
    before = (*asking.said, Said("you", typed))
    if verdict.kind == "not-understood":
        return replace(asking, said=(*before, Said(verdict.kind, verdict.message)), tried=False)
    tries = asking.tries + 1
    # Who has seen the formula, of this slip or of another, sees it again.
    told = RUNGS if verdict.free or tries >= asking.most else min(max(tries, asking.told), RUNGS)
    said = (*before, *_told(asking.item, verdict, told))
    base = max(CREDIT.get(verdict.kind, 0.0), verdict.credit or 0.0)
    worth = base * LATER_TRY ** (tries - 1) * RUNG**asking.rung
    best = max(asking.credit, worth)
    if verdict.free:
        said += (Said("left", say("It costs no try.")),)
        return replace(asking, credit=best, worth=worth, said=said, last=verdict, tried=False)
    done = verdict.correct or tries >= asking.most
    if done and not verdict.correct:
        said += (Said("answer", say("It is {told}.", told=asking.item.told)),)
    elif not verdict.correct:
        left = asking.most - tries
        said += (Said("left", say_many(left, "{n} try left.", "{n} tries left.")),)
    return replace(
        asking, tries=tries, credit=best, worth=worth, done=done, said=said, last=verdict, tried=True, told=told
    )


def _told(item: Item, verdict: Verdict, rung: int) -> tuple[Said, ...]:
    """What is said of an answer on a rung of feedback, 1 to RUNGS: its kind, where it is, all with the formulas."""
    at_slip = item.question is not None and bool(verdict.slips)
    if rung >= RUNGS or not verdict.rungs:
        return (Said(verdict.kind, verdict.message), *(_beside(item.question, verdict) if item.question else ()))
    said = (*verdict.rungs, verdict.message)[rung - 1]
    if at_slip and item.question and rung == len(verdict.rungs) + 1:
        said = f"{verdict.rungs[-1]} {located(item.question, verdict.slips[0])}"
    return (Said(verdict.kind, said),)


def _beside(question: Question, verdict: Verdict) -> tuple[Said, ...]:
    """The wrong formula, the learner's own where one was typed, and the right one; nothing where no slip is known."""
    if not verdict.slips:
        return ()
    slip = verdict.slips[0]
    shown = compare(question, slip)
    false, true = f"{shown.name} = {marked(shown.wrong)}", f"{shown.name} = {marked(shown.right)}"
    if slip.typed is not None:
        wrong = Said("wrong-formula", say("yours: {formula}", formula=false))
    else:
        wrong = Said("wrong-formula", say("gives your number: {formula}", formula=false))
    return wrong, Said("right-formula", say("right: {formula}", formula=true))


def _scratch(asking: Asking, text: str, typed: str) -> Asking:
    """Compute an expression without answering."""
    try:
        said = Said("scratch", f"= {number(read_answer(text, asking.item.names).value, 6)}")
    except NotUnderstood as error:
        said = Said("not-understood", sentence(str(error)))
    return replace(asking, said=(*asking.said, Said("you", typed), said), tried=False)


def hint(asking: Asking) -> Asking:
    """The next rung: the rule in words, the formula, the formula with numbers, the answer. It follows the diagnosis."""
    if asking.done:
        return asking
    hints, verdict = asking.item.hints, asking.last
    named = verdict is not None and verdict.slips and asking.item.question is not None
    if verdict is not None and named and asking.told < RUNGS:  # the next rung of what was said of the slip
        told = asking.told + 1
        further = tuple(Said("hint", said.text) if said.kind == verdict.kind else said
                        for said in _told(asking.item, verdict, told))  # fmt: skip
        return replace(asking, rung=asking.rung + 1, told=told, tried=False, said=(*asking.said, *further))
    # Who was told of the slip has the rule and the right formula already: the next hint is the numbers.
    at = min(max(asking.ladder, 2) if named else asking.ladder, len(hints) - 1)
    last = at == len(hints) - 1
    said = (*asking.said, Said("hint", hints[at]))
    credit = 0.0 if last else asking.credit
    return replace(asking, rung=asking.rung + 1, ladder=at + 1, done=last, credit=credit, tried=False, said=said)


def give_up(asking: Asking) -> Asking:
    """The learner wants to see it. Who has shown the right method has answered, and sees only the last digits."""
    answer = Said("answer", say("It is {told}.", told=asking.item.told))
    said = (*asking.said, answer)
    if asking.last is not None and asking.last.kind == "rounded":
        return replace(asking, done=True, tries=asking.tries + 1, tried=True, said=said)
    return replace(asking, done=True, credit=0.0, tried=False, said=said)
