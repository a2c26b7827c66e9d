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
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tutor.formula import Const, Expr, FormulaError, Ref, evaluate, index_text, indices, parse, refs, tokens
from tutor.layout import linear, number, to_ascii
from tutor.misconceptions import MISCONCEPTIONS, Site
from tutor.network import Equation
from tutor.notation import Writer
from tutor.trace import NoSuchStep, Step, as_shown, resolve, symbols_of

DIGITS = 3  # significant digits that are asked for
TOLERANCE = 0.005  # relative, beyond rounding; never looser than half-way to a slip's value
REACH = 2  # how many equations back a slip may lie
MAX_ANSWER = 2000  # characters of an answer that are read


# ---------------------------------------------------------------- what an answer says


class NotUnderstood(ValueError):
    """An answer that says no number: str() tells what would. It costs no attempt."""


@dataclass(frozen=True)
class Answer:
    """A number; `digits` is how many significant ones were typed, None for an expression or a fraction."""

    value: float
    digits: int | None


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_TIMES_TEN = re.compile(r"\s*[*x×·]\s*10\s*(?:\^|\*\*)?\s*(\(?[+-]?[0-9]+\)?)$")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_ID = re.compile(r"[^\W\d][\w.]*'?(?:/d[^\W\d][\w.]*'?)?(?:\[[0-9]+(?:,[0-9]+)*\])?(?:@[0-9]+)?")


def significant_digits(text: str) -> int:
    """'0.0820' -> 3, '8.21e-2' -> 3, '1.0000' -> 5, '0' -> 1."""
    digits = re.sub(r"[^0-9]", "", text.lower().partition("e")[0])
    return max(len(digits.lstrip("0")), 1)


def read_answer(text: str, question: Question) -> Answer:
    """The number that an answer says: plain, scientific, a fraction, or an expression in names. Raises NotUnderstood."""
    if len(text) > MAX_ANSWER:
        raise NotUnderstood("that is too long for an answer: give a number or a short expression")
    plain = text.strip().replace("−", "-").replace("–", "-").replace("\u00a0", " ")
    if not plain:
        raise NotUnderstood("type a number, such as 0.0821, or an expression in the names on the screen")
    plain = re.sub(r"10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)", lambda m: "10^" + m[1].translate(_RAISED), plain)
    mantissa, power = plain, ""
    if match := _TIMES_TEN.search(plain):
        mantissa, power = plain[: match.start()], match[1].strip("()")
    if _NUMBER.fullmatch(mantissa.replace(" ", "") if " " not in mantissa.strip() else mantissa):
        value = float(f"{mantissa}e{power}") if power and "e" not in mantissa.lower() else float(mantissa)
        if not math.isfinite(value):
            raise NotUnderstood(f"{text.strip()[:40]} is too large for a number here")
        return Answer(value, significant_digits(mantissa))
    if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", plain):
        raise NotUnderstood(f"write a decimal point: {plain.replace(',', '.')}")
    if re.fullmatch(r"[-+.0-9e]+(?:[\s,;]+[-+.0-9e]+)+", plain, re.IGNORECASE):
        raise NotUnderstood("give one number")
    return Answer(_expression(plain, question), None)


def _expression(text: str, question: Question) -> float:
    """The value of an expression in numbers, functions and names. Raises NotUnderstood."""
    formula = question.names.read(text)
    with np.errstate(all="ignore"):
        value = np.asarray(evaluate(formula, question.step.trace.value), dtype=float)
    whole = question.step.equation.symbol.shape
    if value.ndim and question.step.index and value.size == math.prod(whole):
        value = value.reshape(whole)[question.step.index]
    if value.size != 1:
        raise NotUnderstood(f"that has {value.size} values; say which element, as in a1[2]")
    if not np.isfinite(value).all():
        raise NotUnderstood("that comes to no finite number")
    return float(value.reshape(()))


class Names:
    """The names that an answer may use: ids always, and what is on the screen; only what comes before the step asked."""

    def __init__(self, step: Step, writer: Writer):
        self.step, self.writer = step, writer
        program = step.trace.program
        position = [eq.symbol.key for eq in program.equations]
        here = position.index(step.equation.symbol.key) if step.equation.symbol.key in position else len(position)
        self.later = set(position[here:])
        self.known = {s.key: s for s in symbols_of(step.trace).values() if s.key not in self.later}

    @cached_property
    def displayed(self) -> dict[str, set[Ref]]:
        """What each displayed name stands for; a name typed without its signs (a1 for a₁) as well."""
        found: dict[str, set[Ref]] = {}
        for symbol in self.known.values():
            example = self.step.example if symbol.per_example else None
            elements: Iterable = indices(symbol.shape) if math.prod(symbol.shape) <= 400 else ()
            for index in (None, *(i for i in elements if i)):
                ref = Ref(symbol, index, example)
                name = self.writer.text(Ref(symbol, index))
                for form in {name, self.writer.text(ref), _typed(name)}:
                    found.setdefault(form, set()).add(ref)
        return found

    def read(self, text: str) -> Expr:
        """An expression with its names as references. Raises NotUnderstood."""
        if "__" in text:
            raise NotUnderstood("'__' means nothing in an answer")
        found: list[Ref] = []

        def put_in(match: re.Match) -> str:
            ref = self.lookup(match[0])
            if ref is None:
                return match[0]
            found.append(ref)
            return f"__{len(found) - 1}__"

        forms = sorted((name for name in self.displayed if not name.isdigit()), key=len, reverse=True)
        shown = "|".join(re.escape(name) for name in forms)
        pattern = re.compile(f"(?<![\\w.])(?:{_ID.pattern}|{shown})(?![\\w'\\[])" if shown else _ID.pattern)
        prepared = pattern.sub(put_in, text)

        def name(token: str, offset: int) -> Expr:
            if match := re.fullmatch(r"__(\d+)__", token):
                return found[int(match[1])]
            raise NotUnderstood(self.unknown(token))

        try:
            return parse(prepared, name)
        except FormulaError as error:
            raise NotUnderstood(f"{error.message}: give a number or an expression") from None

    def lookup(self, text: str) -> Ref | None:
        """What a name in an answer stands for; None if nothing. Raises NotUnderstood where it is not plain which."""
        by_id = self._by_id(text)
        meant = {ref for ref in self.displayed.get(text, ())} | ({by_id} if by_id else set())
        if len(meant) > 1:
            said = sorted(f"{self.writer.text(ref)} (write {ref.symbol.id}{index_text(ref.index)})" for ref in meant)
            if by_id is None or text not in {self.writer.text(ref) for ref in meant if ref != by_id}:
                both = " or ".join(said)
                raise NotUnderstood(f"which {text} is meant here: {both}? In this notation the id {text} is another's name")
        return next(iter(meant), None)

    def _by_id(self, text: str) -> Ref | None:
        try:
            eq, index, example = resolve(self.step.trace.program, text)
            symbol = eq.symbol
        except NoSuchStep:
            match = re.fullmatch(r"([^\[@]+)(?:\[([0-9,]+)\])?(?:@([0-9]+))?", text)
            symbol_ = match and (self.known.get(match[1] + "@") or self.known.get(match[1]))
            if not match or not symbol_:
                return None
            symbol = symbol_
            index = tuple(int(i) - 1 for i in match[2].split(",")) if match[2] else None
            example = int(match[3]) - 1 if match[3] else None
            if index and (len(index) != len(symbol.shape) or any(not 0 <= i < n for i, n in zip(index, symbol.shape, strict=True))):
                raise NotUnderstood(f"{match[1]} has no element [{match[2]}]") from None
        if symbol.key in self.later:
            raise NotUnderstood(f"{text} is what is asked, or comes after it: use what came before")
        if index is None and math.prod(symbol.shape) == 1 and symbol.shape:
            index = (0,) * len(symbol.shape)
        if symbol.per_example and example is None:
            example = self.step.example
        return Ref(symbol, index, example)

    def unknown(self, token: str) -> str:
        names = sorted({self.writer.text(ref) for ref in self.step.operands})[:6]
        return f"'{token[:30]}' is no name here; there are {', '.join(names)}" if names else f"'{token[:30]}' is no name here"


def _typed(name: str) -> str:
    """A displayed name as one types it without its signs: a₁ as a1, ∂L/∂w₁₁ as dL/dw11."""
    return re.sub(r"[_^()\s]", "", to_ascii(name))


# ---------------------------------------------------------------- slips


@dataclass(frozen=True)
class Slip:
    """One wrong way to the answer: `misconception` at `equation`, so many equations back, giving `value`."""

    misconception: str
    equation: Equation
    distance: int
    wrong: Expr
    value: float


def slips(step: Step, reach: int = REACH) -> list[Slip]:
    """Every slip in the asked equation, or in one that it rests on, with the value it leads to; nearest first."""
    trace, program = step.trace, step.trace.program
    near = _ancestors(step, reach)
    downstream = {eq.symbol.key: _carried_by(program.equations, eq, near) for eq, _ in near}
    found = []
    for eq, distance in near:
        site = Site(program, eq)
        for id, misconception in MISCONCEPTIONS.items():
            for wrong in misconception.rewrite(site):
                value = _carry(step, eq, wrong, downstream[eq.symbol.key])
                if value is not None:
                    found.append(Slip(id, eq, distance, wrong, value))
    del trace
    return found


def _ancestors(step: Step, reach: int) -> list[tuple[Equation, int]]:
    """The asked equation and those that it rests on, with how many equations back they lie."""
    by_key = step.trace.program.by_key
    found = {step.equation.symbol.key: (step.equation, 0)}
    edge = [step.equation]
    for distance in range(1, reach + 1):
        following: list[Equation] = []
        for eq in edge:
            for ref in refs(eq.formula):
                below = by_key.get(ref.symbol.key)
                if below and ref.symbol.key not in found:
                    found[ref.symbol.key] = (below, distance)
                    following.append(below)
        edge = following
    return list(found.values())


def _carried_by(equations: Iterable[Equation], start: Equation, near: list[tuple[Equation, int]]) -> list[Equation]:
    """The equations between `start` and what is asked that its value flows through, in order."""
    between = {eq.symbol.key for eq, _ in near}
    changed = {start.symbol.key}
    found = []
    for eq in equations:
        key = eq.symbol.key
        if key in between and key not in changed and any(ref.symbol.key in changed for ref in refs(eq.formula)):
            changed.add(key)
            found.append(eq)
    return found


def _carry(step: Step, eq: Equation, wrong: Expr, downstream: list[Equation]) -> float | None:
    """The asked value if `eq` were the `wrong` formula; None where that gives no number of the right shape."""
    changed: dict[str, np.ndarray] = {}

    def look(ref: Ref):
        if ref.symbol.key not in changed:
            return step.trace.value(ref)
        value = changed[ref.symbol.key]
        value = value[ref.example] if ref.example is not None and ref.symbol.per_example else value
        return value[ref.index] if ref.index else value

    shape = ((step.trace.examples,) if eq.symbol.per_example else ()) + eq.symbol.shape
    try:
        with np.errstate(all="ignore"):
            changed[eq.symbol.key] = np.broadcast_to(evaluate(wrong, look), shape)
            for later in downstream:
                changed[later.symbol.key] = np.asarray(evaluate(later.formula, look))
            value = np.asarray(look(step.ref), dtype=float)
    except ValueError:  # a wrong formula whose shapes do not fit says no number
        return None
    return float(value) if value.ndim == 0 and np.isfinite(value) else None


# ---------------------------------------------------------------- questions and grading


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
    def slips(self) -> list[Slip]:
        """The slips that change the value."""
        return [slip for slip in slips(self.step) if not _close(slip.value, self.right, 1e-9)]

    @cached_property
    def names(self) -> Names:
        return Names(self.step, self.writer)

    @cached_property
    def from_shown(self) -> float:
        """What follows from the operands as they stand on the screen."""
        trace, digits = self.step.trace, self.step.digits
        with np.errstate(all="ignore"):
            value = np.asarray(evaluate(self.step.formula, lambda ref: as_shown(trace.value(ref), digits)), dtype=float)
        return float(value) if value.ndim == 0 and np.isfinite(value) else self.right

    @cached_property
    def tolerance(self) -> float:
        """How far a right answer may be off, beyond rounding."""
        if self.right == 0:
            scale = max((float(np.max(np.abs(self.step.trace.value(ref)))) for ref in self.step.operands), default=1.0)
            return 1e-6 * scale
        nearest = min((abs(slip.value - self.right) for slip in self.slips), default=math.inf)
        return min(TOLERANCE * abs(self.right), nearest / 2)

    @cached_property
    def discriminating(self) -> bool:
        """Whether no slip gives the right value, or one that the asked digits cannot tell from it; and it is not trivial."""
        if self.right in (0.0, 1.0):
            return False
        rounded = _rounded(self.right, self.digits)
        every = slips(self.step, 0)
        return not any(_rounded(slip.value, self.digits) == rounded for slip in (*every, *self.slips))


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


VERDICTS = ("correct", "imprecise", "misconception", "carried", "sign", "power-of-ten", "wrong", "not-understood")


def grade(question: Question, text: str, own: Mapping[str, float] | None = None) -> Verdict:
    """Grade an answer as it was typed. `own` has the learner's own earlier values by id, where the truth is not shown.

    Verdicts are tried in the order of VERDICTS; the message says in words what was seen.
    """
    try:
        answer = read_answer(text, question)
    except NotUnderstood as error:
        return Verdict("not-understood", f"{str(error)[:1].upper()}{str(error)[1:]}.")
    value, right, digits = answer.value, question.right, question.digits
    if _is_right(question, answer):
        return Verdict("correct", "Right.", value)
    typed = answer.digits
    if typed is not None and typed < digits and right and _same(right, value, typed):
        return Verdict("imprecise", f"Right so far: give {_words(digits)} significant digits.", value)
    named = _named(question, answer)
    if named:
        return Verdict("misconception", _explain(question, named), value, tuple(named))
    if own and (carried := _carried(question, own)) is not None and _matches(carried, answer, digits):
        return Verdict("carried", "Right method; the slip was earlier.", value)
    if right and _matches(-right, answer, digits):
        return Verdict("sign", "The size is right, the sign is not.", value)
    if right and value and (power := _power_of_ten(right, answer)):
        times = f"10{'⁻' if power < 0 else ''}{str(abs(power)).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
        return Verdict("power-of-ten", f"The digits are right, but the decimal point is not: off by {times}.", value)
    return Verdict("wrong", "That is not it.", value)


def _is_right(question: Question, answer: Answer) -> bool:
    value, right, digits = answer.value, question.right, question.digits
    if _close(value, right, 1e-12):
        return True
    if right == 0:
        return abs(value) <= question.tolerance
    enough = answer.digits is None or answer.digits >= digits
    for exact in (right, question.from_shown):
        if any(_rounded(exact, d) == _rounded(value, 15) for d in range(digits, 16)):
            return True
        if answer.digits is None and _close(value, exact, 1e-9):
            return True
    return enough and abs(value - right) <= question.tolerance


def _named(question: Question, answer: Answer) -> list[Slip]:
    """The slips whose value is the answer at the digits typed; one an idea and equation, the nearest first."""
    if answer.digits is not None and answer.digits < 2:
        return [slip for slip in _unique(question.slips) if slip.value == answer.value]
    return [slip for slip in _unique(question.slips) if _matches(slip.value, answer, 2)]


def _unique(found: Iterable[Slip]) -> Iterator[Slip]:
    seen = set()
    for slip in found:
        key = (slip.misconception, slip.equation.symbol.key, _rounded(slip.value, 9))
        if key not in seen:
            seen.add(key)
            yield slip


def _matches(value: float, answer: Answer, least: int) -> bool:
    """Whether an answer is that value at the digits typed (at least `least`), or, as an expression, exactly."""
    if answer.digits is None:
        return _close(value, answer.value, 1e-6)
    return _close(value, answer.value, 1e-12) or (answer.digits >= least and _same(value, answer.value, answer.digits))


def _carried(question: Question, own: Mapping[str, float]) -> float | None:
    """The asked value worked out from the learner's own earlier ones."""
    trace = question.step.trace

    def look(ref: Ref):
        return own.get(ref.id, trace.value(ref))

    with np.errstate(all="ignore"):
        value = np.asarray(evaluate(question.step.formula, look), dtype=float)
    found = float(value) if value.ndim == 0 and np.isfinite(value) else None
    return None if found is None or _close(found, question.right, 1e-9) else found


def _power_of_ten(right: float, answer: Answer) -> int | None:
    power = round(math.log10(abs(answer.value / right)))
    if power and abs(power) <= 12 and _matches(right * 10.0**power, answer, 2):
        return power
    return None


def _explain(question: Question, named: list[Slip]) -> str:
    first = named[0]
    says = MISCONCEPTIONS[first.misconception]
    also = [MISCONCEPTIONS[slip.misconception].title for slip in named[1:4]]
    where = "" if first.distance == 0 else f" (at {question.writer.text(_ref(question, first))})"
    message = f"{says.title[:1].upper()}{says.title[1:]}{where}. {says.remedy}"
    return message + (f" The same number also comes out if {'; or if '.join(also)}." if also else "")


def _ref(question: Question, slip: Slip) -> Ref:
    """The element of a slip's equation to show: the asked one, else the first."""
    symbol, step = slip.equation.symbol, question.step
    index = step.index if slip.distance == 0 else (0,) * len(symbol.shape)
    if slip.distance and step.index and len(step.index) == len(symbol.shape) == 1:
        index = tuple(min(i, n - 1) for i, n in zip(step.index, symbol.shape, strict=True))
    return Ref(symbol, index or None, step.example if symbol.per_example else None)


@dataclass(frozen=True)
class Comparison:
    """The right formula and the wrong one, each in pieces of (text, whether it differs from the other)."""

    name: str
    right: tuple[tuple[str, bool], ...]
    wrong: tuple[tuple[str, bool], ...]


def compare(question: Question, slip: Slip) -> Comparison:
    """A slip's wrong formula beside the right one, the difference marked; of the asked element where it is there."""
    ref = _ref(question, slip)
    step = Step(question.step.trace, slip.equation, ref.index or (), ref.example)
    right, wrong = (
        linear(question.writer.formula(step.specialise(formula))) for formula in (slip.equation.formula, slip.wrong)
    )
    a, b = _pieces(right), _pieces(wrong)
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    sides: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = ([], [])
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        for side, text in zip(sides, ("".join(a[i1:i2]), "".join(b[j1:j2])), strict=True):
            if text:
                side.append((text, tag != "equal"))
    return Comparison(question.writer.text(ref), tuple(sides[0]), tuple(sides[1]))


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


def _words(count: int) -> str:
    return {2: "two", 3: "three", 4: "four", 5: "five"}.get(count, str(count))


# ---------------------------------------------------------------- numbers


def _close(a: float, b: float, relative: float) -> bool:
    return math.isclose(a, b, rel_tol=relative, abs_tol=1e-300)


def _rounded(value: float, digits: int) -> float:
    """Rounded to significant digits, as a person does on paper (halves away from zero)."""
    if value == 0 or not math.isfinite(value):
        return value
    scale = digits - 1 - math.floor(math.log10(abs(value)))
    text = f"{value:.{digits - 1}e}"
    nudged = float(f"{value * (1 + 4e-16):.{digits - 1}e}")
    return nudged if abs(nudged) >= abs(float(text)) and scale < 300 else float(text)


def _same(value: float, typed: float, digits: int) -> bool:
    """Whether `typed`, given with so many digits, is `value` rounded to them (up or down at a half)."""
    return _close(_rounded(value, digits), typed, 1e-12) or _close(float(f"{value:.{digits - 1}e}"), typed, 1e-12)


__all__ = ["Answer", "Const", "Question", "Verdict", "compare", "grade", "marked", "question_at", "read_answer", "tokens"]
