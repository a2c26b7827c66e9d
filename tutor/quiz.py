"""Questions about a trace: what is asked, what an answer says, and which mistake gives exactly that number.

Parsing (was it understood?) is apart from grading (was it right?). What cannot be understood
costs nothing. Wrong answers are named by `misconceptions.MISCONCEPTIONS`: each slip's value is computed by
putting its wrong equation in place of the right one and carrying the number on to what is asked.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tutor.activations import ACTIVATIONS, derivative, prime_of
from tutor.formula import FUNCTIONS, Call, Const, Expr, FormulaError, Ref, call, evaluate, indices, parse, refs, rewrite
from tutor.layout import linear, number, superscript, to_ascii
from tutor.misconceptions import FAR, MISCONCEPTIONS, Site
from tutor.network import Equation
from tutor.notation import Writer
from tutor.trace import NoSuchStep, Step, Trace, as_shown, find_local, symbols_of
from tutor.training import Program

DIGITS = 3  # significant digits that are asked for
TOLERANCE = 0.005  # relative, beyond rounding; never looser than half-way to a slip's value
MAX_ANSWER = 500  # characters of an answer that are read


# ---------------------------------------------------------------- what an answer says


class NotUnderstood(ValueError):
    """An answer that says no number: str() tells what would. It costs no attempt."""


@dataclass(frozen=True)
class Answer:
    """A number; `digits` is how many significant ones were typed, None for an expression or a fraction.

    `rounded` says whether an expression has decimals in it, which may have been read off the screen.
    """

    value: float
    digits: int | None
    rounded: bool = False


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_TIMES_TEN = re.compile(r"\s*[*x×·]\s*10\s*(?:\^|\*\*)\s*(\([+-]?[0-9]+\)|[+-]?[0-9]+)$")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_ID = re.compile(
    r"[^\W\d][\w.]*'?(?P<per>/d[^\W\d][\w.]*'?)?(?P<index>\[\s*[0-9]+(?:\s*,\s*[0-9]+)*\s*\])?(?P<example>@[0-9]+)?"
)
_LITERAL = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def significant_digits(text: str) -> int:
    """'0.0820' -> 3, '8.21e-2' -> 3, '1.0000' -> 5, '0' -> 1."""
    digits = re.sub(r"[^0-9]", "", text.lower().partition("e")[0])
    return max(len(digits.lstrip("0")), 1)


def read_answer(text: str, question: Question) -> Answer:
    """The number that an answer says: plain, scientific, or an expression in names. Raises NotUnderstood."""
    if len(text) > MAX_ANSWER:
        raise NotUnderstood("that is too long for an answer: give a number or a short expression")
    plain = "".join(char if char.isprintable() else " " for char in unicodedata.normalize("NFC", text))
    plain = plain.replace("−", "-").replace("–", "-").replace("\u00a0", " ").strip()
    if not plain:
        raise NotUnderstood("type a number, such as 0.0821, or an expression in the names on the screen")
    if (value := _plain_number(plain)) is not None:
        return value
    if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", plain):
        raise NotUnderstood(f"write a decimal point: {plain.replace(',', '.')}")
    if re.fullmatch(r"[-+.0-9e]+(?:[\s,;]+[-+.0-9e]+)+", plain, re.IGNORECASE):
        raise NotUnderstood("give one number")
    plain = re.sub(r"([⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)", _power, plain) if "10" in plain else plain
    try:
        return _expression(plain, question)
    except RecursionError:
        raise NotUnderstood("that is nested too deep: give a number or a shorter expression") from None


def _power(match: re.Match) -> str:
    """10⁻² -> 10^-2; signs raised after anything else belong to a name."""
    ten = re.search(r"(?<![\w.])10$", match.string[: match.start()])
    return "^" + match[1].translate(_RAISED) if ten else match[1]


def _plain_number(text: str) -> Answer | None:
    """A number by itself, also times a power of ten. Raises NotUnderstood where it is too large or too small."""
    text = re.sub(r"([⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)", _power, text)
    mantissa, power = text, "0"
    if match := _TIMES_TEN.search(text):
        mantissa, power = text[: match.start()], match[1].strip("()")
    if not _NUMBER.fullmatch(mantissa):
        return None
    front, _, own = mantissa.lower().partition("e")
    exponent = int(own[-9:] or 0) if len(own) < 9 else None
    more = int(power) if len(power) < 9 else None
    value = math.inf if exponent is None or more is None else float(f"{front}e{exponent + more}")
    nothing = not front.strip("+-.0")
    if not nothing and (not math.isfinite(value) or value == 0):
        raise NotUnderstood(f"{_short(text)} is too {'small' if value == 0 else 'large'} for a number here")
    return Answer(0.0 if nothing else value, significant_digits(mantissa))


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:29] + "…"


def _expression(text: str, question: Question) -> Answer:
    """The value of an expression in numbers, functions and names. Raises NotUnderstood."""
    formula = question.names.read(text)
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(evaluate(formula, lambda ref: _look(question.step, ref)), dtype=float)
    except ValueError:
        raise NotUnderstood("the shapes in that do not fit; name single elements, as in a1[2]") from None
    whole = question.step.equation.symbol.shape
    if value.ndim and question.step.index and value.shape == whole:
        value = value[question.step.index]
    if value.size != 1:
        raise NotUnderstood(f"that has {value.size} values; say which element, as in a1[2]")
    if not np.isfinite(value).all():
        raise NotUnderstood("that comes to no finite number")
    typed = [match for match in _LITERAL.findall(text) if "." in match]
    return Answer(float(value.reshape(())), None, rounded=bool(typed))


def _look(step: Step, ref: Ref) -> np.ndarray | float:
    """A value of the trace; an element of what every example has is taken from each."""
    if ref.batched and ref.index:
        return step.trace.value(Ref(ref.symbol))[(..., *ref.index)]
    return step.trace.value(ref)


class Names:
    """The names that an answer may use: ids, and what is on the screen; only what comes before the step asked."""

    def __init__(self, step: Step, writer: Writer):
        self.step, self.writer = step, writer
        program, symbol = step.trace.program, step.equation.symbol
        position = {eq.symbol.key: at for at, eq in enumerate(program.equations)}
        at = position.get(symbol.key)
        if at is None and symbol.of:  # a local derivative comes right after what it is the derivative of
            at = position.get(symbol.of.key, len(position)) + 1
        self.later = {symbol.key, *list(position)[len(position) if at is None else at :]}
        self.known = {s.key: s for s in symbols_of(step.trace).values() if s.key not in self.later}

    @cached_property
    def displayed(self) -> dict[str, set[Ref]]:
        """What each displayed name stands for; a name typed without its signs (a1 for a₁) as well.

        Elements by name only of what is small enough to be seen whole, and of the step's own operands.
        """
        found: dict[str, set[Ref]] = {}
        every = [
            Ref(symbol, index or None)
            for symbol in self.known.values()
            for index in (None, *(indices(symbol.shape) if math.prod(symbol.shape) <= 100 else ()))
        ]
        operands = [ref for ref in self.step.operands[:200] if ref.symbol.key in self.known]
        for ref in dict.fromkeys((*every, *(Ref(ref.symbol, ref.index) for ref in operands))):
            meant = self._normal(ref)
            names = {self.writer.text(ref), self.writer.text(meant)}
            # Of an example's own value and the batch's of the same id, the bare name is the batch's.
            if ref.symbol.per_example and ref.symbol.id in self.known:
                names.remove(self.writer.text(ref))
            for form in names | {_typed(name) for name in names}:
                found.setdefault(form, set()).add(meant)
        for ref in operands:  # of a batch's mean: every example's
            for form in {self.writer.text(ref), _typed(self.writer.text(ref))}:
                found.setdefault(form, set()).add(self._normal(ref))
        return found

    @cached_property
    def functions(self) -> dict[str, tuple[str, float | None]]:
        """The signs of the lesson's activations, such as σ: what each applies, and the slope of leaky ReLU."""
        network = self.step.trace.lesson.network
        found: dict[str, set[tuple[str, float | None]]] = {
            sign: {(name, None)}
            for name in ("sigmoid", "tanh", "relu")
            for sign in (name, ACTIVATIONS[name].glyph)
        }
        for at, layer in enumerate(network.layers if network else (), start=1):
            sign = self.writer.function(layer.activation, at == len(network.layers))  # type: ignore[union-attr]
            leaky = layer.alpha if layer.activation == "leaky_relu" else None
            found.setdefault(sign, set()).add((layer.activation, leaky))
        return {sign: next(iter(meant)) for sign, meant in found.items() if len(meant) == 1}

    def read(self, text: str, depth: int = 0) -> Expr:
        """An expression with its names as references. Raises NotUnderstood."""
        if "__" in text:
            raise NotUnderstood("'__' means nothing in an answer")
        found: list[tuple[str, Expr]] = []
        prepared: list[str] = []

        def put_in(typed: str, meant: Expr) -> None:
            prepared.append(f" __{len(found)}__ ")
            found.append((typed, meant))

        at = 0
        while at < len(text):
            if number := _LITERAL.match(text, at):
                prepared.append(number[0])
                at = number.end()
            elif applied := self._applied(text, at, depth):
                typed, meant = applied
                put_in(typed, meant)
                at += len(typed)
            elif named := self._named(text, at):
                typed, ref = named
                put_in(typed, ref)
                at += len(typed)
            else:
                word = re.compile(r"\w+|.", re.DOTALL).match(text, at)
                assert word
                prepared.append(word[0])
                at = word.end()

        def name(token: str, offset: int) -> Expr:
            if match := re.fullmatch(r"__(\d+)__", token):
                return found[int(match[1])][1]
            raise NotUnderstood(self.unknown(token))

        try:
            return parse("".join(prepared), name)
        except FormulaError as error:
            message = re.sub(r"__(\d+)__", lambda match: found[int(match[1])][0], error.message)
            message = re.sub(r" at character \d+", "", message)
            raise NotUnderstood(f"{message}: give a number or an expression") from None
        except NotUnderstood:
            raise
        except ValueError:
            raise NotUnderstood("the shapes in that do not fit; name single elements, as in a1[2]") from None

    def _applied(self, text: str, at: int, depth: int) -> tuple[str, Expr] | None:
        """An activation's sign, or that of its slope, with the bracket after it: σ(z1), σ′(z1)."""
        match = re.compile(r"([^\W\d]+)([′']?)\s*\(").match(text, at)
        if not match or match[1] not in self.functions or self.displayed.get(match[1]):
            return None
        activation, leaky = self.functions[match[1]]
        opened, end = 1, match.end()
        while end < len(text) and opened:
            opened += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        if opened or depth >= 10:
            raise NotUnderstood("close the bracket of the function" if opened else "that is nested too deep")
        inner = self.read(text[match.end() : end - 1], depth + 1)
        more = () if leaky is None else (leaky,)
        if activation == "softmax" and (match[2] or len(inner.shape) != 1):
            raise NotUnderstood("softmax is of all the values of a layer: write the fraction out")
        value = call(activation, inner, *more)
        if match[2]:
            value = derivative(activation, (inner, value, *map(Const, more)))
        return text[at:end], value

    def _named(self, text: str, at: int) -> tuple[str, Ref] | None:
        """The longest name that begins here, and what it stands for."""
        ends: set[int] = set()
        if match := _ID.match(text, at):
            ends |= {match.end(), *(match.start(part) for part in ("per", "index", "example") if match[part])}
        longest = max(map(len, self.displayed), default=0)
        ends |= {end for end in range(at + 1, min(at + longest, len(text)) + 1) if text[at:end] in self.displayed}
        for end in sorted(ends, reverse=True):
            following = text[end : end + 1]
            if following and (following.isalnum() or following in "_'′"):
                continue
            typed = text[at:end]
            if not re.sub(r"\d", "", typed) or (typed in FUNCTIONS and text[end:].lstrip().startswith("(")):
                continue
            if ref := self.lookup(typed):
                return typed, ref
        return None

    def lookup(self, text: str) -> Ref | None:
        """What a name in an answer stands for; None if nothing. Raises NotUnderstood where it is not plain which."""
        meant = self._meanings(text)
        if len(meant) > 1:
            both = " or ".join(sorted(self._spelling(ref, text) for ref in meant))
            raise NotUnderstood(f"{text} has more than one meaning here: write {both}")
        return next(iter(meant), None)

    def _meanings(self, text: str) -> set[Ref]:
        by_id, shown = self._by_id(text), self.displayed.get(text, set())
        return shown | {by_id} if by_id else shown

    def _spelling(self, ref: Ref, avoid: str) -> str:
        """A way to write a quantity that means nothing else."""
        name = self.writer.text(ref)
        for form in (ref.id, name, _typed(name)):
            if form != avoid and len(self.displayed.get(form, set()) | {ref}) == 1:
                try:
                    if self._by_id(form) in (None, ref):
                        return form
                except NotUnderstood:
                    continue
        return name

    def _by_id(self, text: str) -> Ref | None:
        match = re.fullmatch(r"([^\[@\s]+)(?:\[([0-9,\s]+)\])?(?:@([0-9]+))?", text)
        if not match:
            return None
        base = match[1].replace("′", "'").replace("∂", "d")
        by_key = self.step.trace.program.by_key
        keys = (base + "@",) if match[3] else (base, base + "@")
        symbol = next((self.known[key] for key in keys if key in self.known), None)
        if symbol is None and any(key in by_key or key in self.later for key in keys):
            raise NotUnderstood(f"{text} is what is asked, or comes after it: use what came before")
        if symbol is None and base in self.known:
            raise NotUnderstood(f"{base} is the same for all examples: leave out the @{match[3]}")
        if symbol is None:
            local = find_local(self.step.trace.program, base)
            if local is None:
                return None
            if local.symbol.key in self.later or (local.symbol.of and local.symbol.of.key in self.later):
                raise NotUnderstood(f"{text} is what is asked, or comes after it: use what came before")
            symbol = local.symbol
        index = tuple(int(i[:9]) - 1 for i in match[2].split(",")) if match[2] else None
        if index is not None and (
            len(index) != len(symbol.shape) or any(not 0 <= i < n for i, n in zip(index, symbol.shape, strict=True))
        ):
            raise NotUnderstood(f"{base} has no element [{match[2]}]")
        example = int(match[3][:9]) - 1 if match[3] else None
        if example is not None and not 0 <= example < self.step.trace.examples:
            raise NotUnderstood(f"there is no example @{match[3]} in this batch")
        return self._normal(Ref(symbol, index, example))

    def _normal(self, ref: Ref) -> Ref:
        """One spelling of what is the same: the only element of a layer of one, the example that is asked about."""
        symbol, index, example = ref.symbol, ref.index or None, ref.example
        if index is None and symbol.shape and math.prod(symbol.shape) == 1:
            index = (0,) * len(symbol.shape)
        if symbol.per_example and example is None:
            example = self.step.example
        return Ref(symbol, index, example)

    def unknown(self, token: str) -> str:
        names = sorted({self.writer.text(ref) for ref in self.step.operands[:6]})
        said = f"'{_short(token)}' is no name here"
        return f"{said}; there are {', '.join(names)}" if names else said


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


def slips(step: Step, reach: int = FAR) -> list[Slip]:
    """Every slip in the asked equation, or in one that it rests on, with the value it leads to; nearest first."""
    table = _table(step.trace, step.equation)
    values = table.at(step)
    return [
        Slip(*entry, float(value))
        for entry, value in zip(table.entries, values, strict=True)
        if entry[2] <= reach and math.isfinite(value)
    ]


@dataclass(frozen=True)
class _Table:
    """All slips of an equation at once: (misconception, equation, distance, wrong formula) of each, and its values.

    `values` has an axis of slips, then (if each example has its own) one of examples, then the equation's shape.
    """

    entries: tuple[tuple[str, Equation, int, Expr], ...]
    values: np.ndarray

    def at(self, step: Step) -> np.ndarray:
        """The value of every slip for one element and example; shape (slips,)."""
        example = () if step.example is None or not step.equation.symbol.per_example else (step.example,)
        return self.values[(slice(None), *example, *(step.index or ()))]


def _table(trace: Trace, asked: Equation) -> _Table:
    """The slips of an equation, kept for the last one asked about: its elements are questions, too."""
    kept = trace.__dict__.get("_slips")
    if kept is None or kept[0] is not asked:
        kept = trace.__dict__["_slips"] = (asked, _make_table(trace, asked))
    return kept[1]


def _make_table(trace: Trace, asked: Equation) -> _Table:
    program = trace.program
    near = _ancestors(program, asked)
    entries, values = [], []
    for eq, distance in near:
        site, downstream = Site(program, eq), _carried_by(program.equations, eq, near)
        for id, misconception in MISCONCEPTIONS.items():
            if distance > misconception.reach:
                continue
            for wrong in misconception.rewrite(site):
                value = _carry(trace, asked, eq, wrong, downstream)
                if value is not None:
                    entries.append((id, eq, distance, wrong))
                    values.append(value)
    return _Table(tuple(entries), np.array(values).reshape(len(values), *_full_shape(trace, asked)))


def _full_shape(trace: Trace, eq: Equation) -> tuple[int, ...]:
    return ((trace.examples,) if eq.symbol.per_example else ()) + eq.symbol.shape


def _ancestors(program: Program, asked: Equation) -> list[tuple[Equation, int]]:
    """The asked equation and those that it rests on, with how many equations back they lie.

    A mean over the batch is no step back: its examples' gradients are the same question.
    """
    before = ("forward", "loss")  # later phases have the forward values on the screen
    found = {asked.symbol.key: (asked, 0)}
    edge = [asked]
    while edge:
        following: list[Equation] = []
        for eq in edge:
            distance = found[eq.symbol.key][1] + (eq.rule not in ("mean_gradient", "mean_loss"))
            for ref in refs(eq.formula) if distance <= FAR else ():
                below = program.by_key.get(ref.symbol.key)
                if below and ref.symbol.key not in found and (below.phase != "forward" or asked.phase in before):
                    found[ref.symbol.key] = (below, distance)
                    following.append(below)
        edge = following
    return sorted(found.values(), key=lambda item: item[1])


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


def _looking(trace: Trace, changed: Mapping[str, np.ndarray]) -> Callable[[Ref], np.ndarray | float]:
    """Values of the trace, except those that were changed."""

    def look(ref: Ref) -> np.ndarray | float:
        value = changed.get(ref.symbol.key)
        if value is None:
            value = trace.iteration.values.get(ref.symbol.key)
        value = np.asarray(trace.value(Ref(ref.symbol)) if value is None else value)
        if ref.example is not None and ref.symbol.per_example:
            value = value[ref.example]
        return value[(..., *ref.index)] if ref.index else value

    return look


def _carry(
    trace: Trace, asked: Equation, eq: Equation, wrong: Expr, downstream: list[Equation]
) -> np.ndarray | None:
    """The asked values if `eq` were the `wrong` formula; None where that gives no numbers of the right shape."""
    changed: dict[str, np.ndarray] = {}
    look = _looking(trace, changed)
    try:
        with np.errstate(all="ignore"):
            changed[eq.symbol.key] = np.broadcast_to(evaluate(wrong, look), _full_shape(trace, eq))
            for later in downstream:
                changed[later.symbol.key] = np.asarray(evaluate(later.formula, look))
            return np.broadcast_to(changed[asked.symbol.key], _full_shape(trace, asked))
    except ValueError:  # a wrong formula whose shapes do not fit says no number
        return None


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
    def _wrong_values(self) -> np.ndarray:
        """The value of every slip in the table; NaN where it has none or changes nothing."""
        values = _table(self.step.trace, self.step.equation).at(self.step)
        with np.errstate(all="ignore"):
            alike = np.abs(values - self.right) <= 1e-9 * np.maximum(np.abs(values), abs(self.right))
        return np.where(np.isfinite(values) & ~alike, values, np.nan)

    def _slip(self, at: int) -> Slip:
        return Slip(*_table(self.step.trace, self.step.equation).entries[at], float(self._wrong_values[at]))

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
        with np.errstate(all="ignore"):
            value = np.asarray(evaluate(formula, lambda ref: as_shown(_look(self.step, ref), digits)), dtype=float)
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
        return max((float(np.max(np.abs(_look(self.step, ref)))) for ref in operands), default=1.0)

    @cached_property
    def tolerance(self) -> float:
        """How far a right answer may be off, beyond rounding."""
        with np.errstate(all="ignore"):
            away = np.abs(self._wrong_values - self.right)
        away = away[np.isfinite(away)]
        nearest = float(np.min(away)) / 2 if away.size else math.inf
        return min(TOLERANCE * abs(self.right) if self.right else 1e-6 * self.scale, nearest)

    @cached_property
    def is_zero(self) -> bool:
        """Whether the value is 0, or what floating point leaves of a difference that is."""
        if self.right == 0 or abs(self.right) > 1e-6 or abs(self.right) > 1e-15 * self.scale:
            return self.right == 0
        formula = self.step.formula
        return isinstance(formula, Call) and formula.op in ("add", "sub")

    @cached_property
    def discriminating(self) -> bool:
        """Whether the value is not trivial, and the asked digits tell it from what every slip gives.

        A slip in the asked equation that changes nothing spoils a question; one further back just has no part in it.
        """
        if self.right in (0.0, 1.0) or self.is_zero:
            return False
        table = _table(self.step.trace, self.step.equation)
        values = np.where([entry[2] == 0 for entry in table.entries], table.at(self.step), self._wrong_values)
        for taken in (self.right, self.from_shown):
            with np.errstate(all="ignore"):
                near = values[np.abs(values - taken) <= 10.0 ** (1 - self.digits) * abs(taken)]
            if any(_same(taken, _rounded(float(value), self.digits), self.digits) for value in near):
                return False
        return True


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

    Verdicts are tried in the order of VERDICTS, but that an earlier answer was carried rightly comes before a slip of
    that earlier equation. The message says in words what was seen. Never raises for a text.
    """
    try:
        answer = read_answer(text, question)
    except NotUnderstood as error:
        return Verdict("not-understood", _sentence(str(error)))
    value, right, digits = answer.value, question.right, question.digits
    if not math.isfinite(right):
        return Verdict("wrong", "There is no finite number here.", value)
    if _is_right(question, answer):
        return Verdict("correct", "Right.", value)
    typed = answer.digits
    if typed is not None and typed < digits and right and _same(right, value, typed):
        return Verdict("imprecise", f"Right so far: give {_words(digits)} significant digits.", value)
    named = _diagnosed(question, answer)
    # A slip further back that the learner's own earlier answer holds already is not made again here.
    here = any(slip.equation is question.step.equation for slip in named)
    if own and not here and any(_matches(carried, answer, digits) for carried in _carried(question, own)):
        return Verdict("carried", "Right method; the slip was earlier.", value)
    if named:
        return Verdict("misconception", _explain(question, named), value, tuple(named))
    enough = typed is None or typed >= digits
    if right and (_matches(-right, answer, 2) or (enough and abs(value + right) <= question.tolerance)):
        return Verdict("sign", "The size is right, the sign is not.", value)
    if right and value and (power := _power_of_ten(right, answer)):
        times = superscript(str(power)).replace("⁺", "")
        return Verdict("power-of-ten", f"The digits are right, but the decimal point is not: off by 10{times}.", value)
    return Verdict("wrong", "That is not it.", value)


def _sentence(text: str) -> str:
    """With a capital and a full stop; a name at the beginning stays as it is."""
    word = text.partition(" ")[0]
    capital = text[:1].upper() if len(word) > 2 and word.isalpha() and word.islower() else text[:1]
    return f"{capital}{text[1:]}."


def _is_right(question: Question, answer: Answer) -> bool:
    value, right, digits = answer.value, question.right, question.digits
    if _close(value, right, 1e-12):
        return True
    if question.is_zero and abs(value) <= min(question.tolerance or math.inf, 1e-6 * question.scale):
        return True
    if right == 0:
        return False
    enough = answer.digits is None or answer.digits >= digits
    near = abs(value - right) <= TOLERANCE * abs(right)
    if _rounds_to(right, value, digits) or (enough and near and abs(value - right) <= question.tolerance):
        return True
    if abs(value - right) > 0.02 * abs(right) and question.shown_is_near:
        return False
    shown = question.from_shown
    return _rounds_to(shown, value, digits) or (answer.digits is None and _close(value, shown, 1e-9))


def _rounds_to(exact: float, value: float, digits: int) -> bool:
    """Whether a value is the exact one rounded to so many digits or more."""
    near = abs(exact - value) <= 10.0 ** (1 - digits) * abs(exact)
    return near and any(_same(exact, value, d) for d in range(digits, 16))


def _diagnosed(question: Question, answer: Answer) -> list[Slip]:
    """The slips whose value is the answer at the digits typed; one an idea and equation, the nearest first."""
    near = question.slips_near(answer.value, 0.06)
    if answer.digits is not None and answer.digits < 2:
        return [slip for slip in near if _close(slip.value, answer.value, 1e-12)]
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
        key = (slip.misconception, slip.equation.symbol.key, _rounded(slip.value, 9))
        if key not in seen:
            seen.add(key)
            yield slip


def _matches(value: float, answer: Answer, least: int) -> bool:
    """Whether an answer is that value at the digits typed (at least `least`), or, as an expression, exactly.

    An expression with numbers in it that were read off is as exact as they are.
    """
    if answer.digits is None:
        return _close(value, answer.value, 5e-4 if answer.rounded else 1e-6)
    return _close(value, answer.value, 1e-12) or (answer.digits >= least and _same(value, answer.value, answer.digits))


def credible(value: float, truth: float, wrong: Iterable[float]) -> bool:
    """Whether a learner's own earlier value was honest work: near the truth, or what a slip gives.

    Near is within a fifth, or that with the wrong sign. A 0 is never: it would make all that follows 0.
    """
    if value == 0 or not math.isfinite(value):
        return value == truth
    near = abs(abs(value) - abs(truth)) <= 0.2 * abs(truth)
    return near or any(_close(value, slip, 0.005) for slip in wrong)


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
    look = _looking(trace, changed)
    found = []
    try:
        with np.errstate(all="ignore"):
            for eq in trace.equations:
                key, rests = eq.symbol.key, any(ref.symbol.key in changed for ref in refs(eq.formula))
                if key in question.names.later or not (rests or key in given):
                    continue
                value = evaluate(eq.formula, look) if rests else look(Ref(eq.symbol))
                changed[key] = np.array(np.broadcast_to(value, _full_shape(trace, eq)), dtype=float)
                for earlier, value in given.get(key, ()):
                    at = (() if earlier.example is None else (earlier.example,)) + (earlier.index or ())
                    follows = float(changed[key][at])
                    if credible(value, float(earlier.value), (follows, *_make_table(trace, eq).at(earlier))):
                        changed[key][at] = value
            direct = {key: value for key, value in changed.items() if key in given}
            for values in (changed, direct):
                value = np.asarray(evaluate(step.formula, _looking(trace, values)), dtype=float)
                found += [float(value)] if value.ndim == 0 else []
    except ValueError:  # shapes that do not fit, of an author's odd circuit
        return []
    return [value for value in found if value and math.isfinite(value) and not _close(value, question.right, 1e-9)]


def _power_of_ten(right: float, answer: Answer) -> int | None:
    power = round(math.log10(abs(answer.value)) - math.log10(abs(right)))
    if power and abs(power) <= 12 and _matches(right * 10.0**power, answer, 2):
        return power
    return None


def _explain(question: Question, named: list[Slip]) -> str:
    first = named[0]
    says = MISCONCEPTIONS[first.misconception]
    titles = dict.fromkeys(MISCONCEPTIONS[slip.misconception].title for slip in named)
    also = [title for title in titles if title != says.title]
    at = _shown_at(question, first)
    where = "" if at is question.step else f" (at {question.writer.text(at.ref)})"
    message = f"{says.title[:1].upper()}{says.title[1:]}{where}. {says.remedy}"
    return message + (f" The same number also comes out if {'; or if '.join(also)}." if also else "")


def _shown_at(question: Question, slip: Slip) -> Step:
    """The element of a slip's equation to show: one that the asked element rests on, and that the slip changes."""
    step = question.step
    if slip.equation is step.equation:
        return step
    edge, seen, found = [step], {step.id}, []
    for _ in range(slip.distance + 2):  # a mean over the batch is a further equation
        following = []
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


def _slopes_written_out(formula: Expr) -> Expr:
    def change(node: Expr) -> Expr | None:
        name = prime_of(node.op) if isinstance(node, Call) else None
        return derivative(name, node.args) if name else None  # type: ignore[union-attr]

    return rewrite(formula, change)


@dataclass(frozen=True)
class Comparison:
    """The right formula and the wrong one, each in pieces of (text, whether it differs from the other)."""

    name: str
    right: tuple[tuple[str, bool], ...]
    wrong: tuple[tuple[str, bool], ...]


def compare(question: Question, slip: Slip) -> Comparison:
    """A slip's wrong formula beside the right one, the difference marked; of the asked element where it is there."""
    step = _shown_at(question, slip)
    right, wrong = _both(question.writer, step, slip)
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
