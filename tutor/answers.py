"""What an answer says: a plain number, or an expression in the names that ids and the screen give. Never graded here.

What says no number raises NotUnderstood, which tells what would; it costs no attempt. Nothing is executed.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tutor.activations import ACTIVATIONS, derivative, takes_slope
from tutor.formula import FUNCTIONS, Const, Expr, FormulaError, Ref, call, evaluate, indices, parse
from tutor.layout import to_ascii
from tutor.notation import Writer
from tutor.trace import Step, find_local, symbols_of

MAX_ANSWER = 500  # characters of an answer that are read


class NotUnderstood(ValueError):
    """An answer that says no number: str() tells what would. It costs no attempt."""


@dataclass(frozen=True)
class Answer:
    """A number; `digits` is how many significant ones were typed, None for an expression or a fraction.

    `rounded` says whether an expression has decimals in it, which may have been read off the screen. `formula` is
    the expression as it was typed, names as references; None for a plain number. `note` says how a text was read
    that could be read in another way.
    """

    value: float
    digits: int | None
    rounded: bool = False
    formula: Expr | None = None
    note: str = ""


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


def read_answer(text: str, names: Names) -> Answer:
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
    parts = re.split(r"[\s,;]+", plain)
    if len(parts) > 1 and all(_NUMBER.fullmatch(part) for part in parts):
        raise NotUnderstood("give one number")
    plain = re.sub(r"([⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)", _power, plain) if "10" in plain else plain
    try:
        return _expression(plain, names)
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


def _expression(text: str, names: Names) -> Answer:
    """The value of an expression in numbers, functions and names. Raises NotUnderstood."""
    formula, step = names.read(text), names.step
    try:
        value = np.asarray(evaluate(formula, lambda ref: look_up(step, ref)), dtype=float)
    except ValueError:
        raise NotUnderstood("the shapes in that do not fit; name single elements, as in a1[2]") from None
    whole = step.equation.symbol.shape
    if value.ndim and step.index and value.shape == whole:
        value = value[step.index]
    if value.size != 1:
        raise NotUnderstood(f"that has {value.size} values; say which element, as in a1[2]")
    if not np.isfinite(value).all():
        raise NotUnderstood("that comes to no finite number")
    typed = [match for match in _LITERAL.findall(text) if "." in match]
    return Answer(float(value.reshape(())), None, rounded=bool(typed), formula=formula)


def look_up(step: Step, ref: Ref) -> np.ndarray | float:
    """A value of the trace; an element of what every example has is taken from each."""
    if ref.batched and ref.index:
        return np.moveaxis(np.asarray(step.trace.value(Ref(ref.symbol))), 0, -1)[ref.index]
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
            for name, entry in ACTIVATIONS.items()
            if name in FUNCTIONS
            for sign in (name, entry.glyph)
        }
        for at, layer in enumerate(network.layers if network else (), start=1):
            sign = self.writer.function(layer.activation, at == len(network.layers))  # type: ignore[union-attr]
            leaky = layer.alpha if takes_slope(layer.activation) else None
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
        value: Expr = call(activation, inner, *more)
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
        verb = "is" if len(names) == 1 else "are"
        return f"{said}; there {verb} {', '.join(names)}" if names else said


def _typed(name: str) -> str:
    """A displayed name as one types it without its signs: a₁ as a1, ∂L/∂w₁₁ as dL/dw11."""
    return re.sub(r"[_^()\s]", "", to_ascii(name))
