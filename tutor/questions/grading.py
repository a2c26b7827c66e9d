"""Questions about a trace: what is asked, what an answer says, and which mistake gives exactly that number.

Parsing (was it understood?) is apart from grading (was it right?). What cannot be understood
costs nothing. Wrong answers are named by `misconceptions.MISCONCEPTIONS`: each slip's value is computed by
putting its wrong equation in place of the right one and carrying the number on to what is asked.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from tutor.engine.activations import derivative, prime_of
from tutor.engine.expressions import Call, Expr, Ref, evaluate, indices, refs, rewrite
from tutor.engine.trace import NoSuchStep, Step, as_shown
from tutor.questions.answers import Answer, Names, NotUnderstood, look_up, read_answer
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.rewriting import FAR
from tutor.questions.rounding import bounds, close, half_unit, rounded, rounds_to, same
from tutor.questions.same_formula import has_names, read_off, resolved, says, there, value_at, wrong_number
from tutor.questions.slips import Slip, full_shape, looking, make_table, table_for
from tutor.text.layout import linear, number, superscript
from tutor.text.writer import Writer

DIGITS = 3  # significant digits that are asked for
TOLERANCE = 0.005  # relative, beyond rounding; never looser than half-way to a slip's value
CLEAR = 3  # times as near to the right value as to a slip's: work by hand is mostly off by a tenth of what it may be
PLAIN = 0.1  # relative: what rounding on the way took more of is asked for with one more digit


@dataclass(frozen=True)
class Question:
    """Asks for the value of a step (one number), in so many significant digits."""

    step: Step
    writer: Writer
    digits: int = DIGITS

    @cached_property
    def right(self) -> float:
        return float(self.step.value)

    @cached_property
    def _wrong_values(self) -> np.ndarray:
        """The value of every slip in the table; NaN where it has none or changes nothing."""
        values = table_for(self.step.trace, self.step.equation).at(self.step)
        with np.errstate(all="ignore"):
            alike = np.abs(values - self.right) <= 1e-9 * np.maximum(np.abs(values), abs(self.right))
            if self.is_zero:  # a slip that gives what floating point leaves of 0 gives 0
                alike |= np.abs(values) <= 1e-12 * self.scale
        return np.where(np.isfinite(values) & ~alike, values, np.nan)

    def _slip(self, at: np.integer) -> Slip:
        return Slip(*table_for(self.step.trace, self.step.equation).entries[int(at)], float(self._wrong_values[at]))

    @cached_property
    def slips(self) -> list[Slip]:
        """The slips that change the value."""
        return [self._slip(at) for at in np.flatnonzero(np.isfinite(self._wrong_values))]

    def slips_near(self, value: float, relative: float) -> list[Slip]:
        """The slips that lead to about this value, the nearest equation first; one an idea and equation."""
        with np.errstate(all="ignore"):
            near = np.abs(self._wrong_values - value) <= relative * abs(value) + 1e-300
        return list(_unique(self._slip(at) for at in np.flatnonzero(near)))

    @cached_property
    def names(self) -> Names:
        return Names(self.step, self.writer)

    @cached_property
    def from_shown(self) -> float:
        """What follows from the operands as they stand on the screen."""
        if not self.many:
            found = self.worked_as_shown(self.step.formula)
        else:  # the whole at once, then the element: quicker than number by number
            whole = self.worked_as_shown(self.step.at(None).formula)
            found = None if whole is None else whole[self.step.index or ()]
        return self.right if found is None or not np.isfinite(found) else float(found)

    def worked_as_shown(self, formula: Expr) -> np.ndarray | None:
        """A formula of this step worked out with the operands as they stand on the screen."""
        digits = self.step.digits
        value = np.asarray(evaluate(formula, lambda ref: as_shown(look_up(self.step, ref), digits)), dtype=float)
        return value if value.shape in ((), self.step.equation.symbol.shape) else None

    @cached_property
    def many(self) -> bool:
        """Whether the operands are too many to be looked at one by one."""
        return len(self.step.operands) > 64

    @property
    def shown_is_near(self) -> bool:
        """Whether enough digits are shown that what follows from them is within rounding of the right value."""
        return not self.many and abs(self.right) > 1e-6 * self.scale

    @cached_property
    def scale(self) -> float:
        """The largest operand; of very many, the largest of all that stand in the whole equation."""
        operands = refs(self.step.at(None).formula) if self.many else self.step.operands
        return max((float(np.max(np.abs(look_up(self.step, ref)))) for ref in operands), default=1.0)

    @cached_property
    def tolerance(self) -> float:
        """How far a right answer may be off, beyond rounding."""
        with np.errstate(all="ignore"):
            away = np.abs(self._wrong_values - self.right)
        away = away[np.isfinite(away)]
        nearest = float(np.min(away)) / 2 if away.size else math.inf
        return min(TOLERANCE * abs(self.right) if self.right else 1e-6 * self.scale, nearest)

    def slack(self, kept: int) -> float:
        """How far off the right method may end that keeps so many digits on each line; 0 where that is no number."""
        return max(bounds(self.step.trace, kept).of(self.step), 0.0) if kept <= 8 else 0.0

    def mistakable(self, value: float, within: float) -> bool:
        """Whether a slip's value lies so near to a value, and the right one not much nearer.

        Slips that one more digit would not tell from the right value either do not count.
        """
        within = min(within, CLEAR * abs(value - self.right))
        with np.errstate(all="ignore"):
            apart = np.abs(self._wrong_values - self.right) > self.slack(self.digits + 1)
            return bool(np.any(apart & (np.abs(self._wrong_values - value) <= within)))

    @property
    def is_zero(self) -> bool:
        """Whether the value is 0; what floating point leaves of a difference that is 0, is 0 (`evaluate`)."""
        return self.right == 0

    @cached_property
    def discriminating(self) -> bool:
        """Whether the value is not trivial, and the asked digits tell it from what every slip gives."""
        return not (self.right in (0.0, 1.0) or self.mistaken)

    @cached_property
    def mistaken(self) -> str | None:
        """A misconception that gives the right value at the asked digits; None if none does.

        A slip in the asked equation that changes nothing spoils a question; one further back just has no part in it.
        """
        table = table_for(self.step.trace, self.step.equation)
        here = [entry[2] == 0 for entry in table.entries]
        values = np.where(here, table.at(self.step), self._wrong_values)
        values = np.where([MISCONCEPTIONS[entry[0]].rare for entry in table.entries], np.nan, values)
        for taken in (self.right, self.from_shown):
            with np.errstate(all="ignore"):
                near = np.flatnonzero(np.abs(values - taken) <= 10.0 ** (1 - self.digits) * abs(taken))
            for at in near:
                if same(taken, rounded(float(values[at]), self.digits), self.digits):
                    return table.entries[at][0]
        return None


@dataclass(frozen=True)
class Verdict:
    """`kind` is one of VERDICTS; `slips` those that give exactly this number, the nearest equation first."""

    kind: str
    message: str
    value: float | None = None
    slips: tuple[Slip, ...] = field(default=())

    @property
    def correct(self) -> bool:
        return self.kind == "correct"

    @property
    def free(self) -> bool:
        """Whether it costs no try: nothing is wrong, but it says no number, or not with the digits that are asked."""
        return self.kind in FREE


VERDICTS = (
    "correct", "rounded", "imprecise", "misconception", "carried", "sign", "power-of-ten", "wrong", "not-understood",
)  # fmt: skip
FREE = frozenset({"rounded", "imprecise", "not-understood"})


def grade(question: Question, text: str, own: Mapping[str, float] | None = None) -> Verdict:
    """Grade an answer as it was typed. `own` has the learner's own earlier values by id, where the truth is not shown.

    Verdicts are tried in the order of VERDICTS, but that an earlier answer was carried rightly comes before a slip of
    that earlier equation. The message says in words what was seen. Never raises for a text.
    """
    try:
        answer = read_answer(text, question.names)
    except NotUnderstood as error:
        return Verdict("not-understood", _sentence(str(error)))
    verdict = graded(question, answer, own)
    return replace(verdict, message=f"{verdict.message} {_sentence(answer.note)}") if answer.note else verdict


def graded(question: Question, answer: Answer, own: Mapping[str, float] | None = None) -> Verdict:
    """Grade an answer that was read: see `grade`."""
    value, right, digits = answer.value, question.right, question.digits
    if not math.isfinite(right):
        return Verdict("wrong", "There is no finite number here.", value)
    if _is_right(question, answer) or _right_in_form(question, answer):
        return Verdict("correct", _right_only_here(question, answer) or "Right.", value)
    typed = answer.digits
    if typed is not None and typed < digits and right and same(right, value, typed):
        return Verdict("imprecise", too_few(digits), value)
    named = _diagnosed(question, answer)
    said = _rounded_on_the_way(question, answer, bool(named))
    # A slip further back that the learner's own earlier answer holds already is not made again here.
    here = any(slip.equation is question.step.equation for slip in named)
    follows = bool(own) and (said is not None or not here) and _follows(question, answer, own or {})
    if said:  # what follows from an earlier answer that was rounded itself has no more digits to give
        return Verdict("rounded", _keep(question, answer), value) if follows else said
    if follows:
        return Verdict("carried", "Right method; the slip was earlier.", value)
    if named:
        return Verdict("misconception", _explain(question, named), value, tuple(named))
    enough = typed is None or typed >= digits
    turned = right and (_matches(-right, answer, 2) or (enough and abs(value + right) <= _allowed(question, answer)))
    if turned and _may_be(question, answer, -1):
        return Verdict("sign", "The size is right, the sign is not.", value)
    if right and value and (power := _power_of_ten(right, answer)) and _may_be(question, answer, 10.0**-power):
        times = superscript(str(power)).replace("⁺", "")
        return Verdict("power-of-ten", f"The digits are right, but the decimal point is not: off by 10{times}.", value)
    return Verdict("wrong", _wrong_number(question, answer) or "That is not it.", value)


def _wrong_number(question: Question, answer: Answer) -> str:
    """What to say of a formula in which one number alone is wrong; nothing of any other."""
    formula = answer.formula
    found = wrong_number(question.step, formula) if formula is not None and has_names(formula) else None
    if found is None:
        return ""
    typed, ref = found
    meant = number(float(look_up(question.step, ref)), question.step.digits)
    name = question.writer.text(ref)
    return f"The formula is right but for one number: {number(typed, 6)} should be {meant}, {name}."


def _sentence(text: str) -> str:
    """With a capital and a full stop; a name at the beginning stays as it is."""
    word = text.partition(" ")[0]
    capital = text[:1].upper() if len(word) > 2 and word.isalpha() and word.islower() else text[:1]
    return f"{capital}{text[1:]}."


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


def too_few(digits: int) -> str:
    """What is said of an answer that is right as far as it goes."""
    return f"Right so far: give {in_words(digits)} significant digits."


def undecided(more: str) -> str:
    """What is said of an answer that rounding explains, and a mistake as well: nothing of the mistake."""
    return f"Near, but these digits do not decide it: keep {more} on each line, and give as many."


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
    reach += float(half_unit(np.abs(value), typed)) if typed < 2 else 0.0
    if not off <= reach * (1 + 1e-9) or not reach:
        return None
    fine = question.slack(typed) if typed > digits else reach
    if off > fine and named:
        return None
    more = in_words(max(typed, digits) + 1)
    if named or question.mistakable(value, fine if off <= fine else reach):
        return Verdict("imprecise", undecided(more), value)
    if off > PLAIN * abs(right):
        return Verdict("imprecise", f"Near, but digits cancel here: keep {more} on each line.", value)
    if typed < digits:
        return Verdict("imprecise", f"Near: keep {more} digits on each line, and give {in_words(digits)}.", value)
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
    return bool(_by_form(question, resolved(question.step, formula)))


def _keep(question: Question, answer: Answer) -> str:
    more = max(answer.digits or 0, question.digits) + 1
    return f"Right method, rounded on the way: keep {in_words(more)} digits."


def _follows(question: Question, answer: Answer, own: Mapping[str, float]) -> bool:
    """Whether it comes from the learner's own earlier values by the right method, rounded on the way or not."""
    # An own value that was typed rounded, but carried on with all its digits, is a little off.
    off = max(1e-3, _allowed(question, answer) / abs(question.right)) if question.right else 1e-3
    carried = _carried(question, own)
    return any(_matches(value, answer, question.digits) or close(value, answer.value, off) for value in carried)


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
    slip = next(_of_form(step, formula, 0), None)
    if slip is None:
        return ""
    title = MISCONCEPTIONS[slip.misconception].title
    return f"Right with these numbers. With others the formula would not be: {title}."


def _may_be(question: Question, answer: Answer, factor: float) -> bool:
    """Whether an answer may be the right one but for a factor: a typed formula is, or it is not."""
    formula = answer.formula
    if formula is None or not has_names(formula) or read_off(formula):
        return True
    return says(question.step, factor * formula)


def _diagnosed(question: Question, answer: Answer) -> list[Slip]:
    """The slips that an answer shows; one an idea and equation, the likeliest first.

    A typed formula is evidence: it shows the slips whose formula it is, whatever other numbers are the same. Only one
    with numbers in it that may have been read off the screen is taken by its value, if it is no slip's as it stands.
    """
    formula = answer.formula
    if formula is None or not has_names(formula):
        found = _by_value(question, answer)
    else:
        found = _by_form(question, formula)
        if not found and read_off(formula):
            found = _by_form(question, resolved(question.step, formula)) or _by_value(question, answer)
        found = [replace(slip, typed=formula) for slip in found]
    return sorted(found, key=lambda slip: slip.distance + MISCONCEPTIONS[slip.misconception].rare)


def _by_form(question: Question, formula: Expr) -> list[Slip]:
    """The slips whose formula this is: they agree with it here, and wherever the lesson's numbers are others."""
    for reach in (0, FAR):  # a formula is evidence enough for a slip far back, where a number would be chance
        if found := list(_unique(_of_form(question.step, formula, reach))):
            return found
    return []


def _of_form(step: Step, formula: Expr, reach: int) -> Iterator[Slip]:
    """The slips that a formula agrees with here and in the other sets of numbers."""
    entries, at = table_for(step.trace, step.equation, reach).entries, None
    for other in (step, *there(step)):
        values = table_for(other.trace, other.equation, reach).at(other)
        at = np.arange(len(values)) if at is None else at
        at = at[np.isclose(values[at], value_at(other, formula), rtol=1e-7, atol=0)]
        if not at.size:
            return
    for k in at if at is not None else ():
        yield Slip(*entries[int(k)], value_at(step, formula))


def _by_value(question: Question, answer: Answer) -> list[Slip]:
    """The slips whose value is the answer at the digits typed."""
    near = question.slips_near(answer.value, 0.06)
    if answer.digits is not None and answer.digits < 2:
        return [slip for slip in near if close(slip.value, answer.value, 1e-12)]
    exact = [slip for slip in near if _matches(slip.value, answer, 2)]
    if exact or (answer.digits is not None and answer.digits <= question.digits):
        return exact
    # With more digits than were asked for, the last ones show what was read off the screen.
    return [
        slip
        for slip in near
        if slip.equation is question.step.equation
        and not question.many
        and (shown := question.worked_as_shown(question.step.specialise(slip.wrong))) is not None
        and shown.shape == ()
        and _matches(float(shown), answer, 2)
    ]


def _unique(found: Iterable[Slip]) -> Iterator[Slip]:
    seen = set()
    for slip in found:
        key = (slip.misconception, slip.equation.symbol.key, rounded(slip.value, 9))
        if key not in seen:
            seen.add(key)
            yield slip


def _matches(value: float, answer: Answer, least: int) -> bool:
    """Whether an answer is that value at the digits typed (at least `least`), or, as an expression, exactly.

    An expression with numbers in it that were read off is as exact as they are.
    """
    if answer.digits is None:
        return close(value, answer.value, 5e-4 if answer.rounded else 1e-6)
    return close(value, answer.value, 1e-12) or (answer.digits >= least and same(value, answer.value, answer.digits))


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
            key, rests = eq.symbol.key, any(ref.symbol.key in changed for ref in refs(eq.formula))
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
    if power and abs(power) <= 12 and _matches(right * 10.0**power, answer, 2):
        return power
    return None


def _explain(question: Question, named: list[Slip]) -> str:
    first = named[0]
    says = MISCONCEPTIONS[first.misconception]
    entries = dict.fromkeys(MISCONCEPTIONS[slip.misconception] for slip in named)
    also = [entry.title for entry in entries if entry != says and (says.rare or not entry.rare)]
    at = _shown_at(question, first)
    where = "" if at is question.step else f" (at {question.writer.text(at.ref)})"
    message = f"{says.title[:1].upper()}{says.title[1:]}{where}. {says.remedy}"
    same = "formula" if first.typed is not None and not read_off(first.typed) else "number"
    return message + (f" The same {same} also comes out if {'; or if '.join(also)}." if also else "")


def _shown_at(question: Question, slip: Slip) -> Step:
    """The element of a slip's equation to show: one that the asked element rests on, and that the slip changes."""
    step = question.step
    if slip.equation is step.equation:
        return step
    edge, seen = [step], {step.id}
    found: list[Step] = []
    for _ in range(slip.distance + 2):  # a mean over the batch is a further equation
        following: list[Step] = []
        for at in edge:
            for ref in at.operands[:64]:
                maker = step.trace.maker(ref)
                if maker and maker.index is None:
                    maker = maker.at(())
                if maker and maker.id not in seen and len(seen) < 500:
                    seen.add(maker.id)
                    (found if maker.equation is slip.equation else following).append(maker)
        edge = following
    for element in found:
        right, wrong = _both(question.writer, element, slip)
        if right != wrong:
            return element
    symbol = slip.equation.symbol
    example = (step.example or 0) if symbol.per_example else None
    return found[0] if found else Step(step.trace, slip.equation, (0,) * len(symbol.shape), example)


def _both(writer: Writer, element: Step, slip: Slip) -> tuple[str, str]:
    """The right formula and the wrong one of an element, as text."""
    right, wrong = (element.specialise(formula) for formula in (slip.equation.formula, slip.wrong))
    texts = linear(writer.formula(right)), linear(writer.formula(wrong))
    if texts[0] == texts[1]:  # where a textbook has one sign for the slope of any activation, say which slope
        texts = linear(writer.formula(_slopes_written_out(right))), linear(writer.formula(_slopes_written_out(wrong)))
    return texts


def _written_out(question: Question, slip: Slip) -> str:
    """The asked formula, the values between it and the slip's equation written out; as it is, where that is long."""
    step, writer = question.step, question.writer

    def put_in(formula: Expr, depth: int) -> Expr:
        def change(node: Expr) -> Expr | None:
            maker = step.trace.maker(node) if isinstance(node, Ref) and not node.batched else None
            if maker is None:
                return None
            if maker.equation is slip.equation:
                return maker.formula
            further = put_in(maker.formula, depth - 1) if depth > 1 else maker.formula
            return None if further == maker.formula else further

        return rewrite(formula, change)

    short = linear(writer.formula(step.formula))
    if slip.equation is step.equation or slip.distance > 3 or question.many:
        return short
    whole = linear(writer.formula(put_in(step.formula, slip.distance)))
    return whole if len(whole) <= 160 else short


def _slopes_written_out(formula: Expr) -> Expr:
    def change(node: Expr) -> Expr | None:
        name = prime_of(node.op) if isinstance(node, Call) else None
        return derivative(name, node.args) if name and isinstance(node, Call) else None

    return rewrite(formula, change)


@dataclass(frozen=True)
class Comparison:
    """The right formula and the wrong one, each in pieces of (text, whether it differs from the other)."""

    name: str
    right: tuple[tuple[str, bool], ...]
    wrong: tuple[tuple[str, bool], ...]


def compare(question: Question, slip: Slip) -> Comparison:
    """A slip's wrong formula beside the right one, the difference marked; of the asked element where it is there.

    Where a formula was typed, that is what is shown, beside the asked one written out as far back as the slip lies.
    """
    step = _shown_at(question, slip) if slip.typed is None else question.step
    if slip.typed is None:
        right, wrong = _both(question.writer, step, slip)
    else:
        right, wrong = _written_out(question, slip), linear(question.writer.formula(slip.typed))
    a, b = _pieces(right), _pieces(wrong)
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    sides: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = ([], [])
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        for side, text in zip(sides, ("".join(a[i1:i2]), "".join(b[j1:j2])), strict=True):
            if text:
                side.append((text, tag != "equal"))
    return Comparison(question.writer.text(step.ref), tuple(sides[0]), tuple(sides[1]))


def _pieces(text: str) -> list[str]:
    return re.findall(r"\s+|[^\s()·⊙∘+−]+|.", text)


def marked(pieces: Iterable[tuple[str, bool]]) -> str:
    """A formula in plain text with what differs in [brackets]."""
    return "".join(f"[{text.strip()}]" if different and text.strip() else text for text, different in pieces)


# ---------------------------------------------------------------- choosing


def question_at(step: Step, writer: Writer, digits: int = DIGITS) -> Question | None:
    """A question about a step: the element asked for, or the most telling one of a whole; None where none tells.

    Where no element tells mistakes apart at the asked digits, one more digit is asked for.
    """
    elements = [step] if step.shape == () else [step.at(index) for index in _telling(step)]
    elements = [s.at(()) if s.index is None else s for s in elements]
    for more in (0, 1):
        for element in elements:
            question = Question(element, writer, digits + more)
            if math.isfinite(question.right) and question.discriminating:
                return question
    return None


def _telling(step: Step) -> list[tuple[int, ...]]:
    """Some elements of a step, spread over it, off the diagonal first: there a swapped index shows."""
    every = list(indices(step.shape))
    if len(every) > 64:
        every = every[:: len(every) // 48]
    return sorted(every, key=lambda i: (len(i) == 2 and i[0] == i[1], -sum(i)))


def shown_value(question: Question) -> str:
    """The right value as the screen shows it."""
    return number(question.right, max(question.step.digits, question.digits))


def in_words(count: int) -> str:
    """A small count as a word, others in digits."""
    return {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}.get(count, str(count))
