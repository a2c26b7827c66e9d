"""Reading a formula from text: tokens, a parser by recursive descent, and what a misspelt word may have meant.

Functions of numbers are in `FUNCTIONS` here, those of arrays in `array_functions.py`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

from tutor.engine.array_functions import ARRAY_FUNCTIONS, ArrayFunction, FunctionSetting, check_size, of_libraries
from tutor.engine.expressions import PI, Call, Const, E, Expr, Ref, call, evaluate, negative, walk
from tutor.messages import Message, alternatives, quoted, together


class FormulaError(ValueError):
    """A text that is not a formula: `message`, the `offset` of the character where it shows, and how to mend it."""

    def __init__(self, message: str, offset: int, advice: str = ""):
        super().__init__(message)
        self.message, self.offset, self.advice = message, offset, advice


# Of numbers, and of arrays element by element: name in a text -> (operator, least and greatest number of arguments)
FUNCTIONS: dict[str, tuple[str, int, int]] = {
    "max": ("max", 2, 99),
    "min": ("min", 2, 99),
    "exp": ("exp", 1, 1),
    "log": ("log", 1, 1),
    "ln": ("log", 1, 1),
    "sqrt": ("sqrt", 1, 1),
    "sin": ("sin", 1, 1),
    "cos": ("cos", 1, 1),
    "abs": ("abs", 1, 1),
    "erf": ("erf", 1, 1),
}
# functions that other programs and books have, as they are written here
ELSEWHERE: dict[str, str] = {
    **dict.fromkeys(("tan", "tg"), "sin(x) / cos(x)"),
    **dict.fromkeys(("cot", "ctg"), "cos(x) / sin(x)"),
    "sinh": "(exp(x) - exp(-x)) / 2",
    "cosh": "(exp(x) + exp(-x)) / 2",
    **dict.fromkeys(("log10", "lg"), "log(x) / log(10)"),
    **dict.fromkeys(("log2", "lb", "ld"), "log(x) / log(2)"),
    "log1p": "log(1 + x)",
    "expm1": "exp(x) - 1",
    **dict.fromkeys(("pow", "power"), "x ** 2"),
    **dict.fromkeys(("square", "sqr", "sq"), "x ** 2"),
    **dict.fromkeys(("cbrt", "root"), "x ** (1/3)"),
    **dict.fromkeys(("σ", "sigma", "sigm", "sig", "logistic", "expit"), "sigmoid(x)"),
    "swish": "silu(x)",
    **dict.fromkeys(("lrelu", "leakyrelu"), "leaky_relu(x)"),
    **dict.fromkeys(("fabs", "mod", "betrag"), "abs(x)"),
    "maximum": "max(a, b)",
    "minimum": "min(a, b)",
    **dict.fromkeys(("avg", "average"), Message("(a + b) / 2, or mean(x) of an array")),
}


def elsewhere(word: str) -> str:
    """How a function that other programs and books have is written here; "" where that is not known."""
    return ELSEWHERE.get(word.casefold()) or of_libraries(word)


# operator -> the arguments that a text leaves out: the usual α of elu(x)
USUAL: dict[str, tuple[float, ...]] = {}
ALPHA_BELOW: dict[str, float] = {}  # what such an α is less than
# The names that a lesson cannot give to a value of its own. Functions that came later are functions before ( alone.
RESERVED = frozenset(
    "max min exp log ln sqrt sin cos abs sigmoid tanh relu leaky_relu bipolar_sigmoid softplus elu silu gelu".split()
)
# what a name means in a formula whose author gives it no other meaning
CONSTANTS: dict[str, Const] = {"pi": PI, "π": PI, "e": E}
MAX_DEPTH, MAX_TOKENS = 100, 1000
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+\-−]?[0-9]+)?)|(?P<name>[^\W0-9]\w*)|(?P<op>\*\*|\.T(?!\w)|[-+*/^(),·×⊙÷−@=]))"
)
_SAME = {"^": "**", "·": "*", "×": "*", "⊙": "*", "÷": "/", "−": "-"}


def tokens(text: str) -> list[tuple[str, str, int]]:
    """(kind, text, offset) for each token; kind is 'number', 'name', 'op' or, last, 'end'."""
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if not match:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise _no_sign(text[at], at)
        kind = str(match.lastgroup)
        found.append((kind, _SAME.get(match[kind], match[kind]), match.start(kind)))
        at = match.end()
        if len(found) > MAX_TOKENS:
            message = Message("the formula is longer than {n} tokens: split it over several lines", n=f"{MAX_TOKENS:,}")
            raise FormulaError(message, at)
    found.append(("end", "", len(text.rstrip())))
    return found


Tree = Expr | None  # None: a formula with a name in it of whose value nothing is known
Resolve = Callable[[str, int], Tree]
Named = dict[str, tuple[tuple[Tree, ...], int]]  # what is given by name, such as axis=0, and where


class _Parser:
    """sum: term (+- term)*; term: factor (*/@ factor)*; factor: - factor | power; power: atom [.T] [** factor]."""

    def __init__(self, text: str, resolve: Resolve):
        self.tokens, self.at, self.depth, self.resolve = tokens(text), 0, 0, resolve
        self.text = text

    def peek(self, ahead: int = 0) -> str:
        kind, text, _ = self.tokens[min(self.at + ahead, len(self.tokens) - 1)]
        return text if kind == "op" else ""

    def take(self) -> tuple[str, str, int]:
        self.at += 1
        return self.tokens[self.at - 1]

    def nested(self, parse: Callable[[], Tree]) -> Tree:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            message = Message("the formula is nested more than {n} deep", n=MAX_DEPTH)
            raise FormulaError(message, self.tokens[self.at][2])
        result = parse()
        self.depth -= 1
        return result

    def sum(self) -> Tree:
        left, run = self.term(), False  # run: `left` is a sum begun here, so a further + joins it
        while self.peek() in ("+", "-"):
            _, op, at = self.take()
            right = self.term()
            if op == "+" and run and isinstance(left, Call):
                left = made(at, _longer, left, right)
            else:
                left = made(at, operator.add if op == "+" else operator.sub, left, right)
            run = op == "+"
        return left

    def term(self) -> Tree:
        left = self.factor()
        while self.peek() in ("*", "/", "@"):
            _, op, at = self.take()
            right = self.factor()
            if self.text[at] in "·×" and all(side is not None and side.shape for side in (left, right)):
                message = Message("'{sign}' between arrays may be either product", sign=self.text[at])
                advice = Message("write @ for the product of matrices, * for number by number")
                raise FormulaError(message, at, advice)
            left = made(at, _PRODUCTS[op], left, right)
        return left

    def factor(self) -> Tree:
        if self.peek() in ("+", "-"):
            sign = self.take()[1]
            inner = self.nested(self.factor)
            return negative(inner) if sign == "-" and inner is not None else inner
        base = self.atom()
        while self.peek() == ".T":
            base = made(self.take()[2], transposed, base)
        if self.peek() == "**":
            at = self.take()[2]
            return made(at, operator.pow, base, self.nested(self.factor))
        return base

    def atom(self) -> Tree:
        kind, text, offset = self.take()
        if kind == "number":
            value = float(text.replace("−", "-"))
            if not math.isfinite(value):
                raise FormulaError(Message("the number {number} is too large", number=text), offset)
            return Const(value)
        if kind == "name":
            return self.function(text, offset) if self.peek() == "(" else self.name(text, offset)
        if text == "(":
            inner = self.nested(self.sum)
            self.close(offset)
            return inner
        if text == "=":
            raise _no_sign(text, offset)
        message = Message("a number, a name or a bracket is missing at the end")
        if text:
            message = Message("a number, a name or a bracket is missing instead of {found}", found=quoted(text))
        raise FormulaError(message, offset)

    def name(self, text: str, offset: int) -> Tree:
        if text in RESERVED:
            raise FormulaError(Message("{name} is a function: write {name}(...)", name=text), offset)
        return self.resolve(text, offset)

    def function(self, text: str, offset: int) -> Tree:
        if text not in FUNCTIONS and text not in ARRAY_FUNCTIONS:
            if meant := elsewhere(text):
                message = Message("unknown function '{name}'", name=text)
                raise FormulaError(message, offset, Message("write {formula}", formula=meant))
            near = did_you_mean(text, {**FUNCTIONS, **ARRAY_FUNCTIONS})
            raise FormulaError(Message("unknown function '{name}'{near}", name=text, near=near), offset)
        given: list[Tree] = []
        named: Named = {}
        self.take()
        while self.peek() != ")" or given or named:
            kind, word, at = self.tokens[self.at]
            if kind == "name" and self.peek(1) == "=":
                self.at += 2
                if word in named:
                    raise FormulaError(Message("{name} is given twice", name=word), at)
                named[word] = self.setting(), at
            elif named:
                raise FormulaError(Message("what has no name stands before {name}=", name=next(iter(named))), at)
            elif given and text == "reshape":
                given += self.setting()  # its sizes may stand in brackets of their own, as in NumPy
            else:
                given.append(self.nested(self.sum))
            if self.peek() != ",":
                break
            self.take()
        self.close(offset, of_a_function=True)
        row = ARRAY_FUNCTIONS.get(text)
        if row and text in FUNCTIONS:  # max(x) of an array, max(a, b) of two
            of_one = len(given) == 1 and (given[0] is None or given[0].shape != ())
            row = row if named or of_one else None
        return apply_to_arrays(text, row, given, named, offset) if row else _elementwise(text, given, named, offset)

    def setting(self) -> tuple[Tree, ...]:
        """What stands behind axis=: a number, True or False, or several numbers in brackets."""
        kind, text, offset = self.tokens[self.at]
        if kind == "name" and text in _FLAGS:
            self.at += 1
            return (_FLAGS[text],)
        start = self.at
        if text != "(":
            return (self.nested(self.sum),)
        self.take()
        found = [self.nested(self.sum)]
        while self.peek() == ",":
            self.take()
            if self.peek() != ")":
                found.append(self.nested(self.sum))
        if len(found) == 1 and self.tokens[self.at - 1][1] != ",":  # brackets around one number
            self.at = start
            return (self.nested(self.sum),)
        self.close(offset)
        return tuple(found)

    def close(self, opened: int, of_a_function: bool = False) -> None:
        """Take the ) of a bracket; `opened`: where it, or the function's name, stands."""
        _, found, offset = self.take()
        if found == "=":
            raise _no_sign(found, offset)
        if found != ")":
            self.comma()
            if found and found != "," and of_a_function:
                message = Message("an operator or a comma is missing before {found}", found=quoted(found))
                raise FormulaError(message, offset, Message("write * between factors, a comma between arguments"))
            message = Message(
                "')' is missing here, to close the bracket of the function at character {at}"
                if of_a_function
                else "')' is missing here, to close the bracket opened at character {at}",
                at=opened + 1,
            )
            raise FormulaError(message, offset, Message("every ( has a ) of its own"))

    def comma(self) -> None:
        """Raise FormulaError where the token just taken is a decimal comma."""
        if self.at >= 2 and self.tokens[self.at - 1][1] == ",":
            (_, before, start), (_, behind, _) = self.tokens[self.at - 2], self.tokens[self.at]
            touching = self.text[start + len(before) :].startswith(f",{behind}")
            if before.isdecimal() and behind.isdecimal() and touching:
                message = Message(
                    "'{before},{behind}': a number has a decimal point, not a comma", before=before, behind=behind
                )
                raise FormulaError(message, start, Message("write {formula}", formula=f"{before}.{behind}"))


_FLAGS = {"True": Const(1.0), "False": Const(0.0), "true": Const(1.0), "false": Const(0.0)}


def _no_sign(text: str, offset: int) -> FormulaError:
    return FormulaError(Message("{sign} means nothing in a formula", sign=quoted(text)), offset)


def made(offset: int, build: Callable[..., Expr], *parts: Tree) -> Tree:
    """What `build` makes of the parts; FormulaError where their shapes do not fit or the whole would be too large."""
    if any(part is None for part in parts):
        return None
    try:
        found = build(*parts)
        if found.shape:
            check_size(found.shape)
    except ValueError as error:
        raise FormulaError(error.args[0], offset, _mend(build, parts)) from None
    return found


def _product(x: Expr, y: Expr) -> Expr:
    """x @ y. A matrix times a number is no matrix product, in NumPy either."""
    if not x.shape or not y.shape:
        raise ValueError(Message("@ is between arrays, and here is a single number: a number times an array is *"))
    return call("matmul", x, y)


def _longer(x: Expr, y: Expr) -> Expr:
    """A sum with one more term."""
    return Call("add", (*x.args, y)) if isinstance(x, Call) else x + y


_PRODUCTS: dict[str, Callable[..., Expr]] = {"*": operator.mul, "/": operator.truediv, "@": _product}


def transposed(x: Expr) -> Expr:
    """x.T: the last two axes swapped; a vector and a number are their own transposes, as in NumPy."""
    return call("transpose", x) if len(x.shape) > 1 else x


def _mend(build: Callable[..., Expr], parts: tuple[Tree, ...]) -> str:
    """What makes an operation fit, where there is a way that is often meant."""
    shapes = [part.shape for part in parts if part is not None]
    if build is _product and all(shapes):
        x, y = shapes
        if len(y) > 1 and x[-1] == y[-1]:
            return Message(
                "the columns on the left and the rows on the right are as many: transpose the right, as in Q @ K.T"
            )
        if len(x) > 1 and x[-2] == y[-2 if len(y) > 1 else 0]:
            return Message(
                "the columns on the left and the rows on the right are as many: transpose the left, as in X.T @ G"
            )
        return Message("the columns on the left and the rows on the right are as many")
    if build in (operator.add, _longer, operator.sub, operator.mul, operator.truediv, operator.pow):
        rule = Message("shapes are matched from the last axis back: each pair is equal, or one of the two is 1")
        longer, shorter = sorted(shapes, key=len, reverse=True)
        if len(shorter) == 1 and len(longer) > 1 and shorter[0] == longer[-2]:
            return Message("{rule}; reshape(b, {n}, 1) makes a column of a vector b", rule=rule, n=shorter[0])
        return rule
    return ""


def _elementwise(text: str, given: list[Tree], named: Named, offset: int) -> Tree:
    """A function of numbers; an α may stand behind the argument, as a number that is written out."""
    op, least, most = FUNCTIONS[text]
    usual = USUAL.get(op, ())
    for word, (values, at) in named.items():
        if word != "alpha" or not usual:
            raise FormulaError(Message("{name}() has no {word}=", name=text, word=word), at)
        given = [*given, *values]
    if not least <= len(given) <= most + len(usual):
        raise FormulaError(wrong_count(text, least, most, len(given)), offset)
    if len(given) > most:
        alpha, below = constant(given[most]), ALPHA_BELOW.get(op, math.inf)
        if alpha is None or not 0 <= alpha < below:
            message = Message(
                "the α of {name}() is a number of at least 0 and less than {below}, written out"
                if below < math.inf
                else "the α of {name}() is a number of at least 0, written out",
                name=text, below=f"{below:g}",
            )  # fmt: skip
            raise FormulaError(message, offset)
        usual = (alpha,)
    return made(offset, lambda *args: call(op, *args, *usual), *given[:most])


def wrong_count(name: str, least: int, most: int, given: int) -> Message:
    """What is said of a function with too few or too many arguments."""
    if least != most:
        return Message("{name}() takes at least {n} arguments, not {given}", name=name, n=least, given=given)
    return Message(
        "{name}() takes {n} argument, not {given}" if least == 1 else "{name}() takes {n} arguments, not {given}",
        name=name, n=least, given=given,
    )  # fmt: skip


def apply_to_arrays(text: str, row: ArrayFunction, given: list[Tree], named: Named, offset: int) -> Tree:
    """A function of arrays with its numbers and settings. Raises FormulaError."""
    usage = Message("write {formula}", formula=alternatives(row.usage))
    settings = {setting.name: setting.default for setting in row.settings}
    for word, (values, at) in named.items():
        setting = next((setting for setting in row.settings if setting.name == word), None)
        if setting is None:
            meant = nearest(word, settings) or ("axis" if word == "dim" and settings else "")
            near = suggestion("keepdims" if word == "keepdim" and "keepdims" in settings else meant)
            raise FormulaError(Message("{name}() has no {word}={near}", name=text, word=word, near=near), at, usage)
        settings[word] = _setting(text, setting, values, at)
    (least, most), (fewest, numbers) = row.arrays, row.numbers
    if not least + fewest <= len(given) <= most + numbers:
        wanted = least + fewest, most + numbers
        behind = [setting.name for setting in row.settings]
        if len(given) > most + numbers and behind and constant(given[-1]) is not None:
            raise FormulaError(_by_name(text, *wanted, behind), offset, usage)
        raise FormulaError(wrong_count(text, *wanted, len(given)), offset, usage)
    arrays, rest = given[: len(given) if not numbers else most], given[most:] if numbers else []
    whole = [_whole(constant(part)) for part in rest]
    if any(number is None for number in whole):
        raise FormulaError(Message("{name}() takes a whole number there, written out", name=text), offset, usage)
    return made(offset, lambda *arrays: row.make(arrays, whole, settings), *arrays)  # type: ignore[arg-type]


def _by_name(name: str, least: int, most: int, settings: list[str]) -> Message:
    """What is said where a setting stands without its name."""
    return Message(
        "{name}() takes at least {n} arguments; {settings} by name"
        if least != most
        else "{name}() takes {n} argument; {settings} by name"
        if least == 1
        else "{name}() takes {n} arguments; {settings} by name",
        name=name, n=least, settings=together(settings),
    )  # fmt: skip


def _setting(text: str, setting: FunctionSetting, values: tuple[Tree, ...], offset: int) -> Any:
    """A setting's number, or its axes; FormulaError if it is none of its kind."""
    found = constant(values[0]) if len(values) == 1 else None
    if setting.kind == "flag" and found in (0, 1):
        return bool(found)
    axes = tuple(_whole(constant(value)) for value in values)
    if setting.kind == "axes" and None not in axes:
        return axes
    number = {"whole": _whole(found), "number": found}.get(setting.kind)
    if number is None or number < setting.least:
        raise FormulaError(_wrong_setting(text, setting), offset)
    return number


def _wrong_setting(name: str, setting: FunctionSetting) -> Message:
    words: dict[str, object] = {"setting": setting.name, "name": name, "least": f"{setting.least:g}"}
    if setting.kind == "flag":
        return Message("{setting} of {name}() must be True or False, written out", **words)
    bounded = setting.least > -math.inf
    if setting.kind == "number":
        return Message(
            "{setting} of {name}() must be a number of at least {least}, written out"
            if bounded
            else "{setting} of {name}() must be a number, written out",
            **words,
        )
    return Message(
        "{setting} of {name}() must be a whole number of at least {least}, written out"
        if bounded
        else "{setting} of {name}() must be a whole number, written out",
        **words,
    )


def constant(tree: Tree) -> float | None:
    """The number that a formula without names stands for."""
    if tree is None or tree.shape or any(isinstance(node, Ref) for node in walk(tree)):
        return None
    value = float(evaluate(tree, lambda ref: math.nan))
    return value if math.isfinite(value) else None


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and value == int(value) else None


def did_you_mean(word: str, known: Any) -> str:
    """': did you mean ...?' with the nearest known word, a `Message`; or nothing."""
    return suggestion(nearest(word, known))


def suggestion(meant: str | None) -> str:
    """The same of a word that is known to be meant."""
    return Message(": did you mean '{near}'?", near=meant) if meant else ""


def nearest(word: str, known: Any) -> str:
    """The known word that is nearest to a word; "" where none is near."""
    from difflib import get_close_matches

    folded: dict[str, str] = {}  # case tells no two words apart that somebody may have meant
    for name in known:
        folded.setdefault(name.casefold(), name)
    near = get_close_matches(word.strip().casefold(), list(folded), n=1, cutoff=0.6)
    return folded[near[0]] if near else ""


def read(text: str, resolve: Resolve) -> Tree:
    """Read a formula: + - * / @ ** (also ^ · × ÷ −), .T, brackets, numbers, names, functions.

    `resolve(name, offset)` gives the tree that a name stands for, or raises FormulaError; where it gives None (nothing
    is known of the name), so does `read`, after it has read the rest. Nothing is executed. Raises FormulaError; nesting
    and length are bounded.
    """
    parser = _Parser(text, resolve)
    result = parser.sum()
    kind, found, offset = parser.take()
    if found == "=":
        raise _no_sign(found, offset)
    if found == ")":
        raise FormulaError(Message("')' closes no bracket"), offset, Message("take it out, or open one before it"))
    if kind != "end":
        parser.comma()
        advice = Message("write * between the factors of a product") if kind != "op" or found == "(" else ""
        raise FormulaError(Message("an operator is missing before {found}", found=quoted(found)), offset, advice)
    return result


def parse(text: str, resolve: Callable[[str, int], Expr]) -> Expr:
    """`read` where every name is known."""
    found = read(text, resolve)
    assert found is not None
    return found
