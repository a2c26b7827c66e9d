"""What an answer says: a plain number, or an expression in the names that ids and the screen give. Never graded here.

What says no number raises NotUnderstood, which tells what would; it costs no attempt. Nothing is executed. The grammar
of what is typed is `typed_formulas.py`; here is what its words mean for one step.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from tutor.engine.activations import ACTIVATIONS, takes_slope
from tutor.engine.expressions import Call, Const, Expr, Ref, Symbol, at_example, element, evaluate, indices
from tutor.engine.parsing import FUNCTIONS
from tutor.engine.trace import Step, activation_calls, find_local, read_id, symbols_of
from tutor.questions.tokens import Function, NotUnderstood, normalised, raised, short
from tutor.questions.typed_formulas import Typed, functions, read
from tutor.text.layout import to_ascii
from tutor.text.notations import NOTATIONS
from tutor.text.writer import Writer

MAX_ANSWER = 2000  # characters of an answer that are read
SEEN_WHOLE = 100  # elements of what is small enough to be seen whole


@dataclass(frozen=True)
class Answer:
    """A number; `digits` is how many significant ones were typed, None for an expression or a fraction.

    `rounded` says whether an expression has decimals in it, which may have been read off the screen. `formula` is
    the expression as it was typed, names as references; None for a plain number. Of 3 * 4 = 12 the formula is 3 * 4
    and the number, with its digits, 12. `note` says how a text was read that could be read in another way.
    """

    value: float
    digits: int | None
    rounded: bool = False
    formula: Expr | None = None
    note: str = ""


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_TIMES_TEN = re.compile(r"\s*[*x×·⋅∙•]\s*10\s*(?:(?:\^|\*\*)\s*(\([+-]?[0-9]+\)|[+-]?[0-9]+)|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))$")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_ID = re.compile(
    r"[^\W\d][\w.]*'?(?P<per>/d[^\W\d][\w.]*'?)?(?P<index>\[\s*[0-9]+(?:\s*,\s*[0-9]+)*\s*\])?(?P<example>@[0-9]+)?"
)
_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:([.,' ])[0-9]{3})(?:\1[0-9]{3})*([.,][0-9]*)?")
# How people hedge a number: ~0.6, about 0.6, 0.6?
_HEDGED = re.compile(
    r"(?:[~≅∼]\s*|\b(?:ca|approx|circa|about|approximately|roughly|around|etwa|ungefähr)\.?\s+)(?=[-+.0-9])|\s*\?+$",
    re.IGNORECASE,
)
_EQUALS = re.compile(r"(?<![<>!=])(?:==?|≈|≐|:=)(?![=])")
_HINT = (
    "help|help me|hint|a hint|give me a hint|hint please|i need help|i need a hint|hilfe|tipp|ayuda|aide|aiuto|ajuda"
    "|pomoc|помощь"
)
_UNKNOWN = (
    "i dont know|i do not know|dont know|do not know|idk|i dont understand|dunno|i dunno|no idea|i have no idea|no clue"
    "|not sure|im not sure|i am not sure|show me|i give up|give up|pass|weiß nicht|ich weiß nicht|weiß ich nicht"
    "|keine ahnung|no sé|no se|no lo sé|ni idea|je ne sais pas|aucune idée|non lo so|não sei|nao sei|nie wiem"
    "|bilmiyorum|nevím|не знаю|不知道|わからない|모르겠어요|نمیدانم|لا أعرف"
)
_ASKING, _NOT_KNOWING = (frozenset(said.casefold().split("|")) for said in (_HINT, _UNKNOWN))


def wants_help(text: str) -> bool:
    """Whether a learner says that they do not know, or asks for a hint: ?, idk, no idea, weiß nicht ..."""
    words = _words_of(text)
    return words in _ASKING or words in _NOT_KNOWING or words == "?"


def asks_for_hint(text: str) -> bool:
    """Whether that asks for a hint in so many words: help, hint, Tipp ..."""
    return _words_of(text) in _ASKING


def _words_of(text: str) -> str:
    """A short text without its stops and strokes; '?' of question marks alone."""
    if len(text) > 60:
        return ""
    said = re.sub(r"[’‘'`´\u200c]", "", text.casefold())
    words = " ".join(re.sub(r"[.,;:!?…¿¡？。]", " ", said).split())
    return words or ("?" if "?" in said or "？" in said else "")


def significant_digits(text: str) -> int:
    """'0.0820' -> 3, '8.21e-2' -> 3, '1.0000' -> 5, '0' -> 1; of a zero all that were written: '0.00' -> 3."""
    digits = re.sub(r"[^0-9]", "", text.lower().partition("e")[0])
    return len(digits.lstrip("0")) or max(len(digits), 1)


def read_answer(text: str, names: Names) -> Answer:
    """The number that an answer says: plain, scientific, or an expression in names. Raises NotUnderstood.

    What is asked may stand before it with an equals sign; of several sides the last one counts, if they agree.
    """
    if len(text) > MAX_ANSWER:
        raise NotUnderstood("that is too long for an answer: give a number or a short expression")
    if wants_help(text):
        raise NotUnderstood("that is no answer: take a hint, or give a number or an expression")
    plain = _HEDGED.sub("", normalised(text))
    if not plain:
        raise NotUnderstood("type a number, such as 0.0821, or an expression in the names on the screen")
    sides = _sides(plain, names)
    answers = [_side(side, names, alone=len(sides) == 1 and side == plain) for side in sides]
    last = answers[-1]
    for side, answer in zip(sides, answers, strict=True):
        if not _agree(answer, last):
            raise NotUnderstood(
                f"{short(side)} is {answer.value:.6g} and {short(sides[-1])} is {last.value:.6g}: which of the two?"
            )
    formula = next((answer.formula for answer in answers if answer.formula is not None), None)
    note = ", ".join(dict.fromkeys(answer.note for answer in answers if answer.note))
    return replace(last, formula=formula, note=note)


def read_whole(text: str, names: Names) -> list[Answer] | None:
    """A formula for all of a vector or matrix, as an answer for each element, row by row; None for what is none.

    Numbers that are written out are none: they are cells. Raises NotUnderstood.
    """
    if len(text) > MAX_ANSWER:
        return None
    sides = _sides(normalised(text), names)
    typed, value = names.value(sides[0])
    whole = names.step.equation.symbol.shape
    written_out = isinstance(typed.formula, Const) or (isinstance(typed.formula, Call) and typed.formula.op == "stack")
    if value.shape != whole or not whole or written_out or len(sides) > 1:
        return None
    same = typed.formula.shape == whole
    formulas = [element(typed.formula, at) if same else None for at in indices(whole)]
    return [
        Answer(float(value[at]), None, typed.decimals, formula, typed.note)
        for at, formula in zip(indices(whole), formulas, strict=True)
    ]


def unstated(text: str, names: Names) -> str:
    """A text without what is asked and its equals sign before it."""
    left, sign, right = text.partition("=")
    return right if sign and names.is_asked(normalised(left[:MAX_ANSWER])) else text


def _sides(text: str, names: Names) -> list[str]:
    """What stands between equals signs, without the name of what is asked."""
    sides, depth, start = [], 0, 0
    ends = {match.start(): match.end() for match in _EQUALS.finditer(text)}
    if not ends:
        return [text]
    for at, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and at in ends:
            sides.append(text[start:at].strip())
            start = ends[at]
    sides.append(text[start:].strip())
    if len(sides) > 1 and names.is_asked(sides[0]):
        sides = sides[1:]
    return sides


def _side(text: str, names: Names, alone: bool) -> Answer:
    """One side of an equation, or an answer that is `alone`: then a comma may stand between two numbers."""
    if (value := _plain_number(text)) is not None:
        return value
    if alone and (meant := _thousands(text)):
        raise NotUnderstood(f"write {meant} for {short(text)}: a point before the decimals, and nothing else")
    if alone and _COMMA.fullmatch(text.strip("() ")):
        point = text.replace(",", ".")
        raise NotUnderstood(f"write a decimal point: {short(point)}? or are these two values? One is asked for")
    parts = re.split(r"[\s,;]+", text)
    if alone and len(parts) > 1 and all(_NUMBER.fullmatch(part) for part in parts):
        raise NotUnderstood("give one number")
    typed, found = names.value(text)
    if found.size != 1:
        raise NotUnderstood(f"that has {found.size} values; say which element, as in a1[2]")
    if not np.isfinite(found).all():
        raise NotUnderstood("that comes to no finite number")
    return Answer(float(found.reshape(())), None, typed.decimals, typed.formula, typed.note)


def _agree(side: Answer, last: Answer) -> bool:
    """Whether two sides of an equation are the same number, as nearly as the last one was written."""
    off, size = abs(side.value - last.value), max(abs(side.value), abs(last.value))
    digits = min(side.digits or 15, last.digits or 15)
    unit = 10.0 ** (math.floor(math.log10(size)) + 1 - digits) if size else 0.0
    return off <= 0.01 * size or off < unit * (1 - 1e-9)  # 0.333 for 1/3; a digit cut off will do, another number not


def _thousands(text: str) -> str | None:
    """1.234,5 or 1,234,567 without what stands between thousands; None where that may be the decimal point."""
    match = _THOUSANDS.fullmatch(text)
    if not match:
        return None
    mark, rest = match[1], match[2] or ""
    if mark == " " or rest[:1] == mark or not (rest or text.count(mark) > 1 or mark == "'"):
        return None
    whole = text[: len(text) - len(rest)] if rest else text
    return whole.replace(mark, "") + rest.replace(",", ".")


def _plain_number(text: str) -> Answer | None:
    """A number by itself, also times a power of ten, or in per cent. Raises NotUnderstood for one without end."""
    mantissa, more = text, 0
    if text.endswith("%"):
        mantissa, more = text[:-1].rstrip(), -2
    elif match := _TIMES_TEN.search(text):
        mantissa, power = text[: match.start()], (match[1] or match[2].translate(_RAISED)).strip("()")
        more = int(power) if len(power) < 9 else 10**9 * (-1 if "-" in power else 1)
    if not _NUMBER.fullmatch(mantissa):
        return None
    front, _, own = mantissa.lower().partition("e")
    exponent = int(own or 0) if len(own) < 9 else 10**9 * (-1 if "-" in own else 1)
    nothing = not front.strip("+-.0")
    value = 0.0 if nothing else float(f"{front}e{exponent + more}")
    if not nothing and (not math.isfinite(value) or value == 0):
        raise NotUnderstood(f"{short(text)} is too {'small' if value == 0 else 'large'} for a number here")
    return Answer(value, significant_digits(mantissa))


def look_up(step: Step, ref: Ref) -> np.ndarray | float:
    """A value of the trace; an element of what every example has is taken from each."""
    if ref.batched and ref.index:
        of_each: np.ndarray = np.moveaxis(np.asarray(step.trace.value(Ref(ref.symbol))), 0, -1)[ref.index]
        return of_each
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

    @property
    def letters(self) -> str:
        return self.writer.notation.letter

    @property
    def examples(self) -> int:
        return self.step.trace.examples

    # ------------------------------------------------------------ values

    def value(self, text: str) -> tuple[Typed, np.ndarray]:
        """An expression and what it comes to: of a whole the element that is asked. Raises NotUnderstood."""
        typed = self.read(text)
        step, formula = self.step, typed.formula
        try:
            value = np.asarray(evaluate(formula, lambda ref: look_up(step, ref)), dtype=float)
        except RecursionError:
            raise NotUnderstood("that is nested too deep: give a number or a shorter expression") from None
        except ValueError:
            raise NotUnderstood("the shapes in that do not fit; name single elements, as in a1[2]") from None
        whole = step.equation.symbol.shape
        local = step.equation.symbol.quantity == "local"
        if local and len(whole) == 2 and value.shape == (1, whole[1]):  # a row for each unit: ∂z/∂W
            value = np.broadcast_to(value, whole)
        if value.shape != whole and [n for n in value.shape if n > 1] == [n for n in whole if n > 1]:
            value = value.reshape(whole)  # what has one unit or one column, as a number or as a matrix
        if value.ndim and step.index and value.shape == whole:
            value = value[step.index]
        return typed, value

    def read(self, text: str) -> Typed:
        """An expression with its names as references. Raises NotUnderstood."""
        return read(text, self)

    # ------------------------------------------------------------ names

    @cached_property
    def displayed(self) -> dict[str, set[Ref]]:
        """What each displayed name stands for; a name in ASCII (a_1) and typed without its signs (a1) as well.

        Elements by name only of what is small enough to be seen whole, and of the step's own operands.
        """
        found: dict[str, set[Ref]] = {}
        every = [ref for symbol in self.known.values() for ref in parts(symbol)]
        operands = [ref for ref in self.step.operands if ref.symbol.key in self.known]
        for ref in dict.fromkeys((*every, *(Ref(ref.symbol, ref.index) for ref in operands))):
            meant = self._normal(ref)
            names = {self.writer.text(ref), self.writer.text(meant)}
            # Of an example's own value and the batch's of the same id, the bare name is the batch's.
            if ref.symbol.per_example and ref.symbol.id in self.known:
                names -= {self.writer.text(replace(bare, example=None)) for bare in (ref, meant)}
            for form in forms(names):
                found.setdefault(form, set()).add(meant)
        for ref in operands:  # of a batch's mean: every example's
            for form in forms({self.writer.text(ref)}):
                found.setdefault(form, set()).add(self._normal(ref))
        return found

    @cached_property
    def hidden(self) -> frozenset[str]:
        """The displayed names of what is asked and of what comes after it."""
        by_key = self.step.trace.program.by_key
        later = [by_key[key].symbol for key in self.later if key in by_key]
        names = {self.writer.text(ref) for symbol in later for ref in parts(symbol)}
        return frozenset(forms(names) - self.displayed.keys())

    @cached_property
    def functions(self) -> dict[str, Function]:
        """The words of functions, and the signs of the lesson's activations, such as σ: what each applies."""
        network = self.step.trace.lesson.network
        own: dict[str, Function] = {}
        for name, entry in ACTIVATIONS.items():
            if name in FUNCTIONS:
                own |= dict.fromkeys(forms({name, entry.glyph}), Function(name, alpha=entry.alpha))
        for at, layer in enumerate(network.layers if network else (), start=1):
            slope = layer.alpha if takes_slope(layer.activation) else None
            signs = forms({self.writer.function(layer.activation, at)})
            own |= dict.fromkeys(signs, Function(layer.activation, alpha=slope))
        return {**functions(), **own}

    def match(self, text: str, at: int) -> Sequence[tuple[int, Expr]]:
        """The longest name that begins here and where it ends; of a word that is several names all of them."""
        for end in self._ends(text, at):
            following = text[end : end + 1]
            typed = text[at:end]
            runs_on = following.isalnum() or following in ("_", "'", "′")
            if runs_on and not raised(following) and (typed[-1].isalnum() or typed[-1] == "_"):
                continue
            if not re.sub(r"\d", "", typed):
                continue
            if ref := self.lookup(typed):
                return [(end, self._whole(ref))]
            if typed in self.hidden:
                raise NotUnderstood(f"{typed} is what is asked, or comes after it: use what came before")
        return self._side_by_side(text, at)

    def _ends(self, text: str, at: int) -> list[int]:
        """Where a name that begins here may end, the longest first."""
        found: set[int] = set()
        if match := _ID.match(text, at):
            found |= {match.end(), *(match.start(part) for part in ("per", "index", "example") if match[part])}
            found |= {at + dot.start() for dot in re.finditer(r"\.", match[0])} - {at}
        known = self._lengths.get(text[at], ())
        found |= {at + n for n in known if text[at : at + n] in self.displayed or text[at : at + n] in self.hidden}
        return sorted(found, reverse=True)

    @cached_property
    def _lengths(self) -> dict[str, list[int]]:
        """How long the displayed names are, by their first character."""
        found: dict[str, set[int]] = {}
        for name in (*self.displayed, *self.hidden):
            found.setdefault(name[:1], set()).add(len(name))
        return {first: sorted(lengths, reverse=True) for first, lengths in found.items()}

    def _side_by_side(self, text: str, at: int) -> list[tuple[int, Expr]]:
        """A word that can be taken apart into names in one way: w11x1. Raises NotUnderstood where in several."""
        match = re.compile(r"[^\W\d_]\w*").match(text, at)
        if not match or match[0] in self.functions:
            return []
        end = match.end()
        while end > at and raised(text[end - 1]):
            end -= 1
        # From the end: how many ways there are from each place, and the first piece of one.
        ways: dict[int, int] = {end: 1}
        piece: dict[int, tuple[int, Ref]] = {}
        for start in range(end - 1, at - 1, -1):
            for n in self._lengths.get(text[start], ()):
                word = text[start : start + n]
                if start + n in ways and (meant := self.displayed.get(word, set())) and re.sub(r"\d", "", word):
                    ways[start] = min(ways.get(start, 0) + ways[start + n] * len(meant), 2)
                    piece[start] = (start + n, next(iter(meant)))
        if not ways.get(at):
            return []
        if ways[at] > 1:
            raise NotUnderstood(f"{short(text[at:end])} can be read in more than one way: write * between the names")
        found: list[tuple[int, Expr]] = []
        while at < end:
            at, ref = piece[at]
            found.append((at, ref))
        return found

    def of_each_example(self, text: str, at: int) -> tuple[int, Ref] | None:
        for end in self._ends(text, at):
            if text.startswith("@e", end) and not text[end + 2 : end + 3].isalnum():
                for ref in self._meanings(text[at:end], each=True):
                    return end + 2, ref
        return None

    def letter(self, index: str) -> Expr | None:
        """What the letter of a definition stands for: the pre-activation of the step's activation."""
        step = self.step
        given = {call.args[0] for call in activation_calls(step.equation.formula)}
        if len(given) != 1:
            return None
        (z,) = given
        z = z if step.example is None else at_example(z, step.example)
        return element(z, step.index) if step.index and index != "k" and z.shape else z

    def is_asked(self, text: str) -> bool:
        """Whether a text names what is asked: its id, its name in any notation, or a word that means nothing here."""
        said = _squeezed(text)
        if said in self._asked:
            return True
        return bool(re.fullmatch(r"[^\W\d_]\w*|", said)) and not self._meanings(text) and said not in self.functions

    @cached_property
    def _asked(self) -> frozenset[str]:
        step, lesson = self.step, self.step.trace.lesson
        normal = self._normal(step.ref)
        whole = (None, step.index, normal.index)
        refs = {Ref(step.ref.symbol, index, example) for index in whole for example in (None, step.example)}
        names = {ref.id for ref in refs}
        for notation in NOTATIONS:
            writer = self.writer if notation == self.writer.id else Writer(lesson, notation)
            names |= {writer.text(ref) for ref in refs}
        return frozenset(map(_squeezed, forms(names)))

    def lookup(self, text: str) -> Ref | None:
        """What a name in an answer stands for; None if nothing. Raises NotUnderstood where it is not plain which."""
        meant = self._meanings(text)
        if len(meant) > 1:
            both = " or ".join(sorted(self._spelling(ref, text) for ref in meant))
            raise NotUnderstood(f"{text} has more than one meaning here: write {both}")
        return next(iter(meant), None)

    def _meanings(self, text: str, each: bool = False) -> set[Ref]:
        """What a name may stand for; `each`: of what every example has its own of, all of them."""
        if each:
            found = {ref for symbol in self.known.values() if symbol.per_example for ref in parts(symbol)}
            return {ref for ref in found if text in forms({ref.id, self.writer.text(ref)})}
        by_id, shown = self._by_id(text), self.displayed.get(text, set())
        return shown | {by_id} if by_id else shown

    def _spelling(self, ref: Ref, avoid: str) -> str:
        """A way to write a quantity that means nothing else."""
        name = self.writer.text(ref)
        for form in (ref.id, name, *sorted(forms({name}))):
            try:
                if form != avoid and self._meanings(form) == {ref}:
                    return form
            except NotUnderstood:
                continue
        return name

    def _by_id(self, text: str) -> Ref | None:
        named = read_id(text)
        if named is None:
            return None
        base, example = named.base, named.example
        by_key = self.step.trace.program.by_key
        of_each = Symbol(base, per_example=True).key
        keys = (base, of_each) if example is None else (of_each,)
        symbol = next((self.known[key] for key in keys if key in self.known), None)
        if symbol is None and any(key in by_key or key in self.later for key in keys):
            raise NotUnderstood(f"{text} is what is asked, or comes after it: use what came before")
        if symbol is None and base in self.known:
            place = short(text.rpartition("@")[2])
            raise NotUnderstood(f"{base} is the same for all examples: leave out the @{place}")
        if symbol is None:
            local = find_local(self.step.trace.program, base)
            if local is None:
                return None
            if local.symbol.key in self.later or (local.symbol.of and local.symbol.of.key in self.later):
                raise NotUnderstood(f"{text} is what is asked, or comes after it: use what came before")
            symbol = local.symbol
        if not named.fits(symbol.shape):
            place = text.partition("[")[2].partition("]")[0]
            raise NotUnderstood(f"{base} has no element [{short(' '.join(place.split()))}]")
        if example is not None and not 0 <= example < self.step.trace.examples:
            raise NotUnderstood(f"there is no example @{short(text.rpartition('@')[2])} in this batch")
        return self._normal(Ref(symbol, named.index, example))

    def _normal(self, ref: Ref) -> Ref:
        """One spelling of what is the same: the only element of a layer of one, the example that is asked about."""
        symbol, index, example = ref.symbol, ref.index or None, ref.example
        if index is None and symbol.shape and math.prod(symbol.shape) == 1:
            index = (0,) * len(symbol.shape)
        if symbol.per_example and example is None:
            example = self.step.example
        return Ref(symbol, index, example)

    def _whole(self, ref: Ref) -> Ref:
        """Of a layer of one the whole instead of its only element, where the whole of a value is asked."""
        alone = ref.symbol.shape and math.prod(ref.symbol.shape) == 1
        return Ref(ref.symbol, None, ref.example) if alone and self.step.index is None else ref

    def unknown(self, word: str) -> str:
        """What is said of a word that means nothing: which names there are."""
        names = sorted({self.writer.text(ref) for ref in self.step.operands[:6]})
        said = f"'{short(word)}' is no name here"
        verb = "is" if len(names) == 1 else "are"
        return f"{said}; there {verb} {', '.join(names)}" if names else said


def parts(symbol: Symbol) -> list[Ref]:
    """The whole, and each element of what is small enough."""
    small = math.prod(symbol.shape) <= SEEN_WHOLE
    return [Ref(symbol, index or None) for index in (None, *(indices(symbol.shape) if small else ()))]


def forms(names: set[str]) -> set[str]:
    """Names as they are shown, in ASCII (a_1), and as one types them without their signs: a1, dL/dw11 for ∂L/∂w₁₁."""
    return {form for name in names for form in _forms(name)}


@lru_cache(maxsize=2**15)
def _forms(name: str) -> frozenset[str]:
    shown = normalised(name)
    ascii_name = normalised(to_ascii(shown))
    return frozenset({shown, ascii_name, re.sub(r"[_^()\s]", "", ascii_name)} - {""})


def _squeezed(name: str) -> str:
    return re.sub(r"\s", "", name).replace("∂", "d").replace("′", "'")
