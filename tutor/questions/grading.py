"""How an answer to a question about one number is judged.

Parsing (was it understood?) is apart from grading (was it right?). What cannot be understood
costs nothing. Wrong answers are named by `misconceptions.MISCONCEPTIONS`: each slip's value is computed by
putting its wrong equation in place of the right one and carrying the number on to what is asked (`diagnosis.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from tutor.engine.expressions import Ref, evaluate
from tutor.engine.trace import NoSuchStep, Step
from tutor.questions.answers import Answer, read_answer
from tutor.questions.diagnosis import by_form, diagnosed, explained, kind_of, matches, of_form
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.names import look_up
from tutor.questions.question import PLAIN, TOLERANCE, Question, in_words
from tutor.questions.rounding import close, fits, full_shape, half_unit, rounds_to, same
from tutor.questions.same_formula import has_names, read_off, resolved, says, wrong_number
from tutor.questions.slips import Slip, looking, make_table
from tutor.questions.tokens import NotUnderstood
from tutor.text.language import N_, say
from tutor.text.layout import number, superscript
from tutor.text.words import sentence

VerdictKind = Literal[
    "correct", "rounded", "imprecise", "misconception", "carried", "sign", "power-of-ten", "wrong", "not-understood"
]
VERDICTS: tuple[VerdictKind, ...] = get_args(VerdictKind)
FREE: frozenset[VerdictKind] = frozenset({"rounded", "imprecise", "not-understood"})


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer; `slips` are those that give exactly this number, the nearest equation first.

    `rungs` is what to say before the `message`, a rung a try, to who may try again: the kind of mistake alone first.
    """

    kind: VerdictKind
    message: str
    value: float | None = None
    slips: tuple[Slip, ...] = field(default=())
    rungs: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def correct(self) -> bool:
        """Whether the answer is right as it is."""
        return self.kind == "correct"

    @property
    def free(self) -> bool:
        """Whether it costs no try: nothing is wrong, but it says no number, or not with the digits that are asked."""
        return self.kind in FREE


def grade(question: Question, text: str, own: Mapping[str, float] | None = None) -> Verdict:
    """Grade an answer as it was typed. `own` has the learner's own earlier values by id, where the truth is not shown.

    Verdicts are tried in the order of VERDICTS, but that an earlier answer was carried rightly comes before a slip of
    that earlier equation. The message says in words what was seen. Never raises for a text.
    """
    try:
        answer = read_answer(text, question.names)
    except NotUnderstood as error:
        return Verdict("not-understood", sentence(str(error)))
    verdict = graded(question, answer, own)
    if not answer.note:
        return verdict
    message, *rungs = (f"{said} {sentence(answer.note)}" for said in (verdict.message, *verdict.rungs))
    return replace(verdict, message=message, rungs=tuple(rungs))


def graded(question: Question, answer: Answer, own: Mapping[str, float] | None = None) -> Verdict:
    """Grade an answer that was read: see `grade`."""
    value, right, digits = answer.value, question.right, question.digits
    if not math.isfinite(right):
        return Verdict("wrong", say("There is no finite number here."), value)
    if _is_right(question, answer) or _right_in_form(question, answer):
        return Verdict("correct", _right_only_here(question, answer) or say("Right."), value)
    typed = answer.digits
    named = diagnosed(question, answer)
    one_digit = named if typed == 1 < digits else []  # the very number of a mistake, as diagnosed
    if one_digit and fits(right, digits) and abs(value - right) > question.slack(digits):
        return _misconception(question, named, value)
    if typed is not None and typed < digits and right and same(right, value, typed):
        exactly = f" {if_exactly(value, explained(question, named))}" if one_digit else ""
        return Verdict("imprecise", too_few(digits) + exactly, value)
    said = _rounded_on_the_way(question, answer, bool(named))
    # A slip further back that the learner's own earlier answer holds already is not made again here.
    here = any(slip.equation is question.step.equation for slip in named)
    follows = bool(own) and (said is not None or not here) and _follows(question, answer, own or {})
    if said:  # what follows from an earlier answer that was rounded itself has no more digits to give
        return Verdict("rounded", _keep(question, answer), value) if follows else said
    if follows:
        return Verdict("carried", say("Right method; the slip was earlier."), value)
    if named:
        return _misconception(question, named, value)
    enough = typed is None or typed >= digits
    turned = right and (matches(-right, answer, 2) or (enough and abs(value + right) <= _allowed(question, answer)))
    if turned and _may_be(question, answer, -1):
        return Verdict("sign", say(OTHER_SIGN), value)
    if right and value and (power := _power_of_ten(right, answer)) and _may_be(question, answer, 10.0**-power):
        times = superscript(str(power)).replace("⁺", "")
        return Verdict(
            "power-of-ten",
            say("The digits are right, but the decimal point is not: off by 10{times}.", times=times),
            value,
        )
    of_number = _wrong_number(question, answer)
    return Verdict("wrong", (*of_number, say("That is not it."))[0], value, rungs=of_number[1:])


def _misconception(question: Question, named: list[Slip], value: float) -> Verdict:
    return Verdict("misconception", explained(question, named), value, tuple(named), rungs=(kind_of(named),))


def _wrong_number(question: Question, answer: Answer) -> tuple[str, ...]:
    """What to say of a formula in which one number alone is wrong, and its rungs; nothing of any other."""
    formula = answer.formula
    found = wrong_number(question.step, formula) if formula is not None and has_names(formula) else None
    if found is None:
        return ()
    typed, ref = found
    meant = number(float(look_up(question.step, ref)), question.step.digits)
    name, shown = question.writer.text(ref), number(typed, 6)
    return (
        say("The formula is right but for one number: {typed} should be {meant}, {name}.",
            typed=shown, meant=meant, name=name),
        say("The formula is right but for one number."),
        say("The formula is right but for one number: {typed}.", typed=shown),
    )  # fmt: skip


def _is_right(question: Question, answer: Answer) -> bool:
    value, right, digits = answer.value, question.right, question.digits
    if close(value, right, 1e-12) or (answer.digits is None and close(value, right, 1e-8)):
        return True
    if question.is_zero and abs(value) <= min(question.tolerance or math.inf, 1e-6 * question.scale):
        return True
    if right == 0:
        return False
    enough = answer.digits is None or answer.digits >= digits
    near = abs(value - right) <= TOLERANCE * abs(right)
    if rounds_to(right, value, digits) or (enough and near and abs(value - right) <= question.tolerance):
        return True
    if abs(value - right) > 0.02 * abs(right) and question.shown_is_near:
        return False
    shown = question.from_shown
    return rounds_to(shown, value, digits) or (answer.digits is None and close(value, shown, 1e-9))


def graded_number(answer: Answer, right: float, digits: int, apart: Iterable[float] = ()) -> Verdict:
    """Grade a number against one that an author gives, to so many digits: rounded or nearly.

    It is never right when it is nearer to one of `apart`, which are known to be wrong.
    """
    value, typed = answer.value, answer.digits or 15
    near = min((abs(wrong - right) / 2 for wrong in apart), default=math.inf)
    within = typed >= digits and abs(value - right) < min(TOLERANCE * abs(right), near)
    if within or close(value, right, 1e-9) or rounds_to(right, value, digits):
        return Verdict("correct", say("Right."), value)
    if typed < digits and same(right, value, typed):
        return Verdict("imprecise", too_few(digits), value)
    if right and close(value, -right, TOLERANCE):
        return Verdict("sign", say(OTHER_SIGN), value)
    return Verdict("wrong", say("That is not it."), value)


OTHER_SIGN = N_("The size is right, the sign is not.")


def too_few(digits: int) -> str:
    """What is said of an answer that is right as far as it goes."""
    return say("Right so far: give {n} significant digits.", n=in_words(digits))


def if_exactly(value: float, says: str) -> str:
    """What is said besides of a number that may be the right one with fewer digits, and is a mistake's as it stands."""
    return say("If you mean {value} and no rounded number: {says}", value=number(value), says=says)


def undecided(more: str) -> str:
    """What is said of an answer that rounding explains, and a mistake as well: nothing of the mistake."""
    return say("Near, but these digits do not decide it: keep {more} on each line, and give as many.", more=more)


def _rounded_on_the_way(question: Question, answer: Answer, named: bool) -> Verdict | None:
    """The verdict on what the right method gives with every line rounded; None for what that does not explain.

    With a slip's value so near that it could be that as well, one more digit is asked for and nothing is said of a
    slip: only digits beyond those asked for show one (`named`), where rounding to so many explains them no more.
    """
    if _exact(answer) or (named and _shows_a_slip(question, answer)):
        return None
    value, right, digits = answer.value, question.right, question.digits
    typed = digits if answer.digits is None else answer.digits
    off, reach = abs(value - right), question.slack(max(min(typed, digits), 2))
    if not reach:
        return None
    if typed < 2:  # what was rounded to one digit lay on the side of the right value: below 1 a unit is 0.1
        reach += float(half_unit(np.abs(value + 1e-9 * (right - value)), 1))
    if off > reach * (1 + 1e-9):
        return None
    fine = question.slack(typed) if typed > digits else reach
    if off > fine and named:
        return None
    more = in_words(max(typed, digits) + 1)
    if named or question.mistakable(value, fine if off <= fine else reach):
        return Verdict("imprecise", undecided(more), value)
    if off > PLAIN * abs(right):
        return Verdict("imprecise", say("Near, but digits cancel here: keep {more} on each line.", more=more), value)
    if typed < digits:
        return Verdict(
            "imprecise",
            say("Near: keep {more} digits on each line, and give {n}.", more=more, n=in_words(digits)),
            value,
        )
    return Verdict("rounded", _keep(question, answer), value)


def _exact(answer: Answer) -> bool:
    """Whether an answer has no rounded number in it: a fraction, or names with no values read off the screen."""
    formula = answer.formula
    in_names = formula is not None and has_names(formula) and not read_off(formula)
    return answer.digits is None and (not answer.rounded or in_names)


def _shows_a_slip(question: Question, answer: Answer) -> bool:
    """Whether the formula that was typed is a slip's, whatever its numbers were rounded to."""
    formula = answer.formula
    if formula is None or not has_names(formula):
        return False
    return bool(by_form(question, resolved(question.step, formula)))


def _keep(question: Question, answer: Answer) -> str:
    more = max(answer.digits or 0, question.digits) + 1
    return say("Right method, rounded on the way: keep {n} digits.", n=in_words(more))


def _follows(question: Question, answer: Answer, own: Mapping[str, float]) -> bool:
    """Whether it comes from the learner's own earlier values by the right method, rounded on the way or not."""
    # An own value that was typed rounded, but carried on with all its digits, is a little off.
    off = max(1e-3, _allowed(question, answer) / abs(question.right)) if question.right else 1e-3
    carried = _carried(question, own)
    return any(matches(value, answer, question.digits) or close(value, answer.value, off) for value in carried)


def _allowed(question: Question, answer: Answer) -> float:
    """How far off a number may be that is as near as work by hand comes."""
    if _exact(answer):
        return question.tolerance
    return max(question.tolerance, min(question.slack(question.digits), PLAIN * abs(question.right)))


def _right_in_form(question: Question, answer: Answer) -> bool:
    """Whether a formula was typed that is the asked one, whatever floating point leaves of it."""
    formula = answer.formula
    near = close(answer.value, question.right, 1e-6)
    return near and formula is not None and has_names(formula) and says(question.step, formula)


def _right_only_here(question: Question, answer: Answer) -> str:
    """What to say of a mistake's formula that comes to the right value with these numbers; nothing of any other."""
    formula, step = answer.formula, question.step
    if formula is None or not has_names(formula) or read_off(formula) or says(step, formula):
        return ""
    slip = next(of_form(step, formula, 0), None)
    if slip is None:
        return ""
    title = MISCONCEPTIONS[slip.misconception].title
    return say("Right with these numbers. With others the formula would not be: {title}.", title=title)


def _may_be(question: Question, answer: Answer, factor: float) -> bool:
    """Whether an answer may be the right one but for a factor: a typed formula is, or it is not."""
    formula = answer.formula
    if formula is None or not has_names(formula) or read_off(formula):
        return True
    return says(question.step, factor * formula)


def credible(value: float, truth: float, wrong: Iterable[float]) -> bool:
    """Whether a learner's own earlier value was honest work: near the truth, or what a slip gives.

    Near is within a fifth, or that with the wrong sign. A 0 is never: it would make all that follows 0.
    """
    if value == 0 or not math.isfinite(value):
        return value == truth
    near = abs(abs(value) - abs(truth)) <= 0.2 * abs(truth)
    return near or any(close(value, slip, 0.005) for slip in wrong)


def _carried(question: Question, own: Mapping[str, float]) -> list[float]:
    """What the asked value comes to with the learner's own earlier ones, as far as they are credible.

    Carried through every equation in between, or put in only where the asked equation itself uses them.
    """
    step, trace = question.step, question.step.trace
    given: dict[str, list[tuple[Step, float]]] = {}
    for id, value in own.items():
        try:
            earlier = trace.find(id, step.example or 0)
        except NoSuchStep:
            continue
        if earlier.shape and math.prod(earlier.shape) == 1:
            earlier = earlier.at((0,) * len(earlier.shape))
        if not earlier.shape and earlier.equation.symbol.key in question.names.known:
            given.setdefault(earlier.equation.symbol.key, []).append((earlier, value))

    changed: dict[str, np.ndarray] = {}
    look = looking(trace, changed)
    found = []
    try:
        for eq in trace.equations:
            key, rests = eq.symbol.key, any(symbol.key in changed for symbol in eq.takes)
            if key in question.names.later or not (rests or key in given):
                continue
            whole = evaluate(eq.formula, look) if rests else look(Ref(eq.symbol))
            changed[key] = np.array(np.broadcast_to(whole, full_shape(trace, eq)), dtype=float)
            for earlier, value in given.get(key, ()):
                at = (() if earlier.example is None else (earlier.example,)) + (earlier.index or ())
                follows = float(changed[key][at])
                if credible(value, float(earlier.value), (follows, *make_table(trace, eq).at(earlier))):
                    changed[key][at] = value
        direct = {key: value for key, value in changed.items() if key in given}
        for values in (changed, direct):
            asked = np.asarray(evaluate(step.formula, looking(trace, values)), dtype=float)
            found += [float(asked)] if asked.ndim == 0 else []
    except ValueError:  # shapes that do not fit, of an author's odd circuit
        return []
    return [value for value in found if value and math.isfinite(value) and not close(value, question.right, 1e-9)]


def _power_of_ten(right: float, answer: Answer) -> int | None:
    power = round(math.log10(abs(answer.value)) - math.log10(abs(right)))
    if power and abs(power) <= 12 and matches(right * 10.0**power, answer, 2):
        return power
    return None
