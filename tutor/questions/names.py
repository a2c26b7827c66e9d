"""What an answer's words mean for one step: the names that ids and the screen give to what came before it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import (
    OPERATORS,
    Call,
    Expr,
    Ref,
    Symbol,
    at_example,
    call,
    element,
    evaluate,
    indices,
    walk,
)
from tutor.engine.ids import example_of, read_id, written_index
from tutor.engine.parsing import FUNCTIONS
from tutor.engine.trace import Step, activation_calls, find_local, symbols_of
from tutor.questions.tokens import Function, NotUnderstood, normalised, raised, short
from tutor.questions.typed_formulas import Typed, functions, read
from tutor.text.language import say, say_many
from tutor.text.layout import to_ascii
from tutor.text.notations import NOTATIONS
from tutor.text.writer import Writer

_STAR = re.compile(r"(?<![*(])\*(?!\*)")  # not that of ** or (*)
SEEN_WHOLE = 100  # elements of what is small enough to be seen whole

_ID = re.compile(
    r"[^\W\d][\w.]*'?(?P<per>/d[^\W\d][\w.]*'?)?(?P<index>\[\s*[0-9]+(?:\s*,\s*[0-9]+)*\s*\])?"
    r"(?(per)(?P<use>@[^\W\d][\w.]*(?P<later>\[\s*[0-9]+(?:\s*,\s*[0-9]+)*\s*\])?)?)(?P<example>@[0-9]+)?"
)


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
        """The letter that a definition has for what an activation of this step is of."""
        given = [call.args[0] for call in activation_calls(self.step.equation.formula)]
        return self.writer.letter(given[0]) if given else self.writer.notation.letter

    @property
    def examples(self) -> int:
        """How many examples the batch has."""
        return self.step.trace.examples

    # ------------------------------------------------------------ values

    def look(self, ref: Ref) -> np.ndarray | float:
        """The value that a name stands for, in the example that is asked about; of the shape of `ref`."""
        return look_up(self.step, ref)

    def value(self, text: str) -> tuple[Typed, np.ndarray]:
        """An expression and what it comes to: of a whole the element that is asked. Raises NotUnderstood.

        In a lesson about arrays * is the product of matrices (so · is written in ASCII) or goes cell by cell (so NumPy
        has it): where only one of the two has the shape that is asked, that is meant.
        """
        if not self.arrays or not _STAR.search(text):
            return self._value(text)
        asked = () if self.step.index else self.step.equation.symbol.shape
        fitting = []
        for sign in "*·⊙":
            with suppress(NotUnderstood):
                typed, value = self._value(_STAR.sub(sign, text))
                if value.shape == asked and sign == "*":
                    return typed, value
                fitting += [(typed, value)] * (value.shape == asked)
        return fitting[0] if len(fitting) == 1 else self._value(text)

    def _value(self, text: str) -> tuple[Typed, np.ndarray]:
        typed = self.read(text)
        step, formula = self.step, typed.formula
        if not step.trace.program.model.arrays and _broadcasts(formula):  # only who writes arrays means that
            raise NotUnderstood(say("the shapes in that do not fit; name single elements, as in a1[2]"))
        try:
            value = np.asarray(evaluate(formula, self.look), dtype=float)
        except RecursionError:
            raise NotUnderstood(say("that is nested too deep: give a number or a shorter expression")) from None
        except NotUnderstood:  # a value that cannot be used
            raise
        except ValueError:
            raise NotUnderstood(say("the shapes in that do not fit; name single elements, as in a1[2]")) from None
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
    def displayed(self) -> dict[str, frozenset[Ref]]:
        """What each displayed name stands for; a name in ASCII (a_1) and typed without its signs (a1) as well.

        Elements by name only of what is small enough to be seen whole, and of the step's own operands.
        """
        found: dict[str, frozenset[Ref]] = {}
        for symbol in self.known.values():
            for form, meant in self._parts_of(symbol).meant.items():
                found[form] = found[form] | meant if form in found else meant
        for form, ref in self._of_operands:
            found[form] = found.get(form, frozenset()) | {ref}
        return found

    @cached_property
    def _of_operands(self) -> list[tuple[str, Ref]]:
        """The names of the step's own operands, of a batch's mean every example's, and what they stand for."""
        found = []
        for ref in self.step.operands:
            if ref.symbol.key in self.known:
                whole = Ref(ref.symbol, ref.index)
                found += [(form, self._normal(whole)) for form in self._forms_of(whole)]
                found += [(form, self._normal(ref)) for form in forms(self.writer.spellings(ref))]
        return found

    def _forms_of(self, ref: Ref) -> set[str]:
        meant = self._normal(ref)
        names = self.writer.spellings(ref) | self.writer.spellings(meant)
        # Of an example's own value and the batch's of the same id, the bare name is the batch's.
        if self._has_namesake(ref.symbol):
            names = names.difference(*(self.writer.spellings(replace(bare, example=None)) for bare in (ref, meant)))
        return forms(names)

    def _has_namesake(self, symbol: Symbol) -> bool:
        """Whether the batch has a value of the same id as each example has."""
        return symbol.per_example and symbol.id in self.known

    def _parts_of(self, symbol: Symbol) -> _Parts:
        """The names of a symbol and of its elements, as they are at this step; the same at many others."""
        example = self.step.example if symbol.per_example else None
        key = (symbol.key, example, self._has_namesake(symbol))
        kept = self._kept.parts
        if key not in kept:
            every = [(form, self._normal(ref)) for ref in parts(symbol) for form in self._forms_of(ref)]
            kept[key] = _Parts.of(every)
        return kept[key]

    @property
    def _kept(self) -> _Kept:
        """What is the same at every step of a program in this notation."""
        return self.step.trace.program.memo.of(_Notations).setdefault(self.writer.id, _Kept())

    @cached_property
    def _later_parts(self) -> list[_Parts]:
        """The names of what is asked and of what comes after it, whatever example they are of."""
        by_key, kept = self.step.trace.program.by_key, self._kept.later
        later = [by_key[key].symbol for key in self.later if key in by_key]
        for symbol in later:
            if symbol.key not in kept:
                every = [(form, ref) for ref in parts(symbol) for form in forms(self.writer.spellings(ref))]
                kept[symbol.key] = _Parts.of(every)
        return [kept[symbol.key] for symbol in later]

    def is_hidden(self, name: str) -> bool:
        """Whether it is a displayed name of what is asked or of what comes after it."""
        return name not in self.displayed and any(name in later.meant for later in self._later_parts)

    @property
    def functions(self) -> dict[str, Function]:
        """The words of functions, and the signs of the lesson's activations, such as σ: what each applies."""
        kept = self._kept
        if not kept.functions:
            kept.functions = self._functions()
        return kept.functions

    def _functions(self) -> dict[str, Function]:
        own: dict[str, Function] = {}
        for name, entry in ACTIVATIONS.items():
            if name in FUNCTIONS:
                own |= dict.fromkeys(forms({name, entry.glyph}), Function(name, alpha=entry.alpha))
        for layer in self.step.trace.program.model.layers:
            name = layer.activation_name
            own |= dict.fromkeys(forms({self.writer.function(name, layer.number)}), Function(name, alpha=layer.alpha))
        return {**own, **functions(self.arrays)} if self.arrays else {**functions(), **own}

    @property
    def arrays(self) -> bool:
        """Whether the lesson is about arrays."""
        return self.step.trace.program.model.arrays

    def match(self, text: str, at: int) -> Sequence[tuple[int, Expr]]:
        """The longest name that begins here and where it ends; of a word that is several names all of them.

        Raises NotUnderstood for a name of what is asked, or of what comes after it.
        """
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
            if self.is_hidden(typed):
                raise NotUnderstood(
                    say("{typed} is what is asked, or comes after it: use what came before", typed=typed)
                )
        return self._side_by_side(text, at)

    def _ends(self, text: str, at: int) -> list[int]:
        """Where a name that begins here may end, the longest first."""
        found: set[int] = set()
        if match := _ID.match(text, at):
            found |= {
                match.end(),
                *(match.start(part) for part in ("per", "index", "use", "later", "example") if match[part]),
            }
            found |= {at + dot.start() for dot in re.finditer(r"\.", match[0])} - {at}
        known = self._lengths.get(text[at], ())
        found |= {at + n for n in known if (name := text[at : at + n]) in self.displayed or self.is_hidden(name)}
        return sorted(found, reverse=True)

    @cached_property
    def _lengths(self) -> dict[str, list[int]]:
        """How long the displayed names are, by their first character."""
        each = [*map(self._parts_of, self.known.values()), *self._later_parts]
        pairs = {pair for of_symbol in each for pair in of_symbol.lengths}
        pairs |= {(form[:1], len(form)) for form, _ in self._of_operands}
        found: dict[str, list[int]] = {}
        for first, length in sorted(pairs, reverse=True):
            found.setdefault(first, []).append(length)
        return found

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
                if start + n in ways and (meant := self.displayed.get(word)) and re.sub(r"\d", "", word):
                    ways[start] = min(ways.get(start, 0) + ways[start + n] * len(meant), 2)
                    piece[start] = (start + n, next(iter(meant)))
        if not ways.get(at):
            return []
        if ways[at] > 1:
            raise NotUnderstood(
                say("{name} can be read in more than one way: write * between the names", name=short(text[at:end]))
            )
        found: list[tuple[int, Expr]] = []
        while at < end:
            at, ref = piece[at]
            found.append((at, ref))
        return found

    def of_each_example(self, text: str, at: int) -> tuple[int, Ref] | None:
        """A name that means each example's own (a1@e) and where it ends; None if none begins here."""
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
        if not step.index or not z.shape or index == "k" or (index == "j" and len(z.shape) == 1):
            return z
        if len(z.shape) == 2 and "k" in index:  # the row or the column that the sum goes along
            rows, at = (z, step.index[0]) if index == "ik" else (call("transpose", z), step.index[1])
            return call("row", rows, param=at)
        return element(z, step.index)

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
            names = names.union(*map(writer.spellings, refs))
        return frozenset(map(_squeezed, forms(names)))

    def lookup(self, text: str) -> Ref | None:
        """What a name in an answer stands for; None if nothing. Raises NotUnderstood where it is not plain which."""
        meant = self._meanings(text)
        if len(meant) > 1:
            both = say(" or ").join(sorted(self._spelling(ref, text) for ref in meant))
            raise NotUnderstood(
                say("{name} has more than one meaning here: write {meanings}", name=text, meanings=both)
            )
        return next(iter(meant), None)

    def _meanings(self, text: str, each: bool = False) -> AbstractSet[Ref]:
        """What a name may stand for; `each`: of what every example has its own of, all of them."""
        if each:
            found = {ref for symbol in self.known.values() if symbol.per_example for ref in parts(symbol)}
            return {ref for ref in found if text in forms({ref.id, *self.writer.spellings(ref)})}
        by_id, shown = self._by_id(text), self.displayed.get(text, frozenset())
        if by_id and self.arrays:  # the author's own name: x1 is that, and not the first of x
            return {by_id}
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
            raise NotUnderstood(say("{typed} is what is asked, or comes after it: use what came before", typed=text))
        if symbol is None and base in self.known:
            place = short(example_of(text))
            raise NotUnderstood(
                say("{name} is the same for all examples: leave out the @{example}", name=base, example=place)
            )
        if symbol is None:
            local = find_local(self.step.trace.program, base)
            if local is None:
                return None
            if local.symbol.key in self.later or (local.symbol.of and local.symbol.of.key in self.later):
                raise NotUnderstood(
                    say("{typed} is what is asked, or comes after it: use what came before", typed=text)
                )
            symbol = local.symbol
        if not named.fits(symbol.shape):
            place = written_index(text)
            raise NotUnderstood(say("{name} has no element [{index}]", name=base, index=short(" ".join(place.split()))))
        if example is not None and not 0 <= example < self.step.trace.examples:
            raise NotUnderstood(say("there is no example @{example} in this batch", example=short(example_of(text))))
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
        if not names:
            return say("'{word}' is no name here", word=short(word))
        return say_many(
            len(names),
            "'{word}' is no name here; there is, among others, {names}",
            "'{word}' is no name here; there are, among others, {names}",
            word=short(word),
            names=", ".join(names),
        )


@dataclass(frozen=True)
class _Parts:
    """What the names of a symbol and of its elements stand for, and of each its first character and length."""

    meant: dict[str, frozenset[Ref]]
    lengths: frozenset[tuple[str, int]]

    @classmethod
    def of(cls, every: list[tuple[str, Ref]]) -> _Parts:
        meant: dict[str, frozenset[Ref]] = {}
        for form, ref in every:
            meant[form] = meant.get(form, frozenset()) | {ref}
        return cls(meant, frozenset((form[:1], len(form)) for form in meant))


@dataclass
class _Kept:
    """Of a program in one notation: the names of its symbols as known ones and as later ones, and its functions."""

    parts: dict[tuple[str, int | None, bool], _Parts] = field(default_factory=dict)
    later: dict[str, _Parts] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)


class _Notations(dict[str, _Kept]):
    """What is kept of a program, by notation."""


def _broadcasts(formula: Expr) -> bool:
    """Whether a vector is put to each row of a matrix somewhere."""
    calls = (node for node in walk(formula) if isinstance(node, Call) and OPERATORS[node.op].elementwise)
    return any(len({arg.shape for arg in node.args if arg.shape}) > 1 for node in calls)


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
    spellings = {shown, shown.replace("∇_", "∇")}
    spellings |= {text.replace("(θ)", "") for text in spellings}
    ascii_names = {normalised(to_ascii(text)) for text in spellings}
    return frozenset({*spellings, *ascii_names, *(re.sub(r"[_^()\s]", "", text) for text in ascii_names)} - {""})


def _squeezed(name: str) -> str:
    return re.sub(r"\s", "", name).replace("∂", "d").replace("′", "'")
