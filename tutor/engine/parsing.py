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
from tutor.messages import Message


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
    **dict.fromkeys(("avg", "average"), "(a + b) / 2, or mean(x) of an array"),
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
            raise FormulaError(f"{text[at]!r} means nothing in a formula", at)
        kind = str(match.lastgroup)
        found.append((kind, _SAME.get(match[kind], match[kind]), match.start(kind)))
        at = match.end()
        if len(found) > MAX_TOKENS:
            raise FormulaError(f"the formula is longer than {MAX_TOKENS:,} tokens: split it over several lines", at)
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
            raise FormulaError(f"the formula is nested more than {MAX_DEPTH} deep", self.tokens[self.at][2])
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
                advice = "write @ for the product of matrices, * for number by number"
                raise FormulaError(f"'{self.text[at]}' between arrays may be either product", at, advice)
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
                raise FormulaError(f"the number {text} is too large", offset)
            return Const(value)
        if kind == "name":
            return self.function(text, offset) if self.peek() == "(" else self.name(text, offset)
        if text == "(":
            inner = self.nested(self.sum)
            self.expect(")", "close the bracket opened", offset)
            return inner
        if text == "=":
            raise _no_sign(text, offset)
        what = f"instead of {text!r}" if text else "at the end"
        raise FormulaError(f"a number, a name or a bracket is missing {what}", offset)

    def name(self, text: str, offset: int) -> Tree:
        if text in RESERVED:
            raise FormulaError(f"{text} is a function: write {text}(...)", offset)
        return self.resolve(text, offset)

    def function(self, text: str, offset: int) -> Tree:
        if text not in FUNCTIONS and text not in ARRAY_FUNCTIONS:
            if meant := elsewhere(text):
                raise FormulaError(f"unknown function '{text}'", offset, f"write {meant}")
            known = {**FUNCTIONS, **ARRAY_FUNCTIONS}
            raise FormulaError(f"unknown function '{text}'{did_you_mean(text, known)}", offset)
        given: list[Tree] = []
        named: Named = {}
        self.take()
        while self.peek() != ")" or given or named:
            kind, word, at = self.tokens[self.at]
            if kind == "name" and self.peek(1) == "=":
                self.at += 2
                if word in named:
                    raise FormulaError(f"{word} is given twice", at)
                named[word] = self.setting(), at
            elif named:
                raise FormulaError(f"what has no name stands before {next(iter(named))}=", at)
            elif given and text == "reshape":
                given += self.setting()  # its sizes may stand in brackets of their own, as in NumPy
            else:
                given.append(self.nested(self.sum))
            if self.peek() != ",":
                break
            self.take()
        self.expect(")", "close the bracket of the function", offset)
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
        self.expect(")", "close the bracket opened", offset)
        return tuple(found)

    def expect(self, text: str, why: str, opened: int) -> Any:
        _, found, offset = self.take()
        if found == "=":
            raise _no_sign(found, offset)
        if found != text:
            self.comma()
            if found and found != "," and "function" in why:
                message = f"an operator or a comma is missing before {found!r}"
                raise FormulaError(message, offset, "write * between factors, a comma between arguments")
            message = f"'{text}' is missing here, to {why} at character {opened + 1}"
            raise FormulaError(message, offset, "every ( has a ) of its own")

    def comma(self) -> None:
        """Raise FormulaError where the token just taken is a decimal comma."""
        if self.at >= 2 and self.tokens[self.at - 1][1] == ",":
            (_, before, start), (_, behind, _) = self.tokens[self.at - 2], self.tokens[self.at]
            touching = self.text[start + len(before) :].startswith(f",{behind}")
            if before.isdecimal() and behind.isdecimal() and touching:
                message = f"'{before},{behind}': a number has a decimal point, not a comma"
                raise FormulaError(message, start, f"write {before}.{behind}")


_FLAGS = {"True": Const(1.0), "False": Const(0.0), "true": Const(1.0), "false": Const(0.0)}


def _no_sign(text: str, offset: int) -> FormulaError:
    return FormulaError(f"{text!r} means nothing in a formula", offset)


def made(offset: int, build: Callable[..., Expr], *parts: Tree) -> Tree:
    """What `build` makes of the parts; FormulaError where their shapes do not fit or the whole would be too large."""
    if any(part is None for part in parts):
        return None
    try:
        found = build(*parts)
        if found.shape:
            check_size(found.shape)
    except ValueError as error:
        raise FormulaError(str(error), offset, _mend(build, parts)) from None
    return found


def _product(x: Expr, y: Expr) -> Expr:
    """x @ y. A matrix times a number is no matrix product, in NumPy either."""
    if not x.shape or not y.shape:
        raise ValueError("@ is between arrays, and here is a single number: a number times an array is *")
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
            return "the columns on the left and the rows on the right are as many: transpose the right, as in Q @ K.T"
        if len(x) > 1 and x[-2] == y[-2 if len(y) > 1 else 0]:
            return "the columns on the left and the rows on the right are as many: transpose the left, as in X.T @ G"
        return "the columns on the left and the rows on the right are as many"
    if build in (operator.add, _longer, operator.sub, operator.mul, operator.truediv, operator.pow):
        rule = "shapes are matched from the last axis back: each pair is equal, or one of the two is 1"
        longer, shorter = sorted(shapes, key=len, reverse=True)
        if len(shorter) == 1 and len(longer) > 1 and shorter[0] == longer[-2]:
            return f"{rule}; reshape(b, {shorter[0]}, 1) makes a column of a vector b"
        return rule
    return ""


def _elementwise(text: str, given: list[Tree], named: Named, offset: int) -> Tree:
    """A function of numbers; an α may stand behind the argument, as a number that is written out."""
    op, least, most = FUNCTIONS[text]
    usual = USUAL.get(op, ())
    for word, (values, at) in named.items():
        if word != "alpha" or not usual:
            raise FormulaError(f"{text}() has no {word}=", at)
        given = [*given, *values]
    if not least <= len(given) <= most + len(usual):
        want = f"{least}" if least == most else f"at least {least}"
        raise FormulaError(f"{text}() takes {want} argument{'s' * (want != '1')}, not {len(given)}", offset)
    if len(given) > most:
        alpha, below = constant(given[most]), ALPHA_BELOW.get(op, math.inf)
        if alpha is None or not 0 <= alpha < below:
            wanted = "a number of at least 0" + (f" and less than {below:g}" if below < math.inf else "")
            raise FormulaError(f"the α of {text}() is {wanted}, written out", offset)
        usual = (alpha,)
    return made(offset, lambda *args: call(op, *args, *usual), *given[:most])


def apply_to_arrays(text: str, row: ArrayFunction, given: list[Tree], named: Named, offset: int) -> Tree:
    """A function of arrays with its numbers and settings. Raises FormulaError."""
    usage = f"write {' or '.join(row.usage)}"
    settings = {setting.name: setting.default for setting in row.settings}
    for word, (values, at) in named.items():
        setting = next((setting for setting in row.settings if setting.name == word), None)
        if setting is None:
            near = did_you_mean(word, settings) or (": did you mean 'axis'?" if word == "dim" and settings else "")
            near = ": did you mean 'keepdims'?" if word == "keepdim" and "keepdims" in settings else near
            raise FormulaError(f"{text}() has no {word}={near}", at, usage)
        settings[word] = _setting(text, setting, values, at)
    (least, most), (fewest, numbers) = row.arrays, row.numbers
    if not least + fewest <= len(given) <= most + numbers:
        wanted = f"{least + fewest}" if (least, fewest) == (most, numbers) else f"at least {least + fewest}"
        message = f"{text}() takes {wanted} argument{'s' * (wanted != '1')}, not {len(given)}"
        behind = [setting.name for setting in row.settings]
        if len(given) > most + numbers and behind and constant(given[-1]) is not None:
            message = f"{text}() takes {wanted} argument{'s' * (wanted != '1')}; {' and '.join(behind)} by name"
        raise FormulaError(message, offset, usage)
    arrays, rest = given[: len(given) if not numbers else most], given[most:] if numbers else []
    whole = [_whole(constant(part)) for part in rest]
    if any(number is None for number in whole):
        raise FormulaError(f"{text}() takes a whole number there, written out", offset, usage)
    return made(offset, lambda *arrays: row.make(arrays, whole, settings), *arrays)  # type: ignore[arg-type]


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
        kind = {"number": "a number", "flag": "True or False"}.get(setting.kind, "a whole number")
        bound = f" of at least {setting.least:g}" if setting.least > -math.inf else ""
        raise FormulaError(f"{setting.name} of {text}() must be {kind}{bound}, written out", offset)
    return number


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
    near = nearest(word, known)
    return Message(": did you mean '{near}'?", near=near) if near else ""


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
        raise FormulaError("')' closes no bracket", offset, "take it out, or open one before it")
    if kind != "end":
        parser.comma()
        advice = "write * between the factors of a product" if kind != "op" or found == "(" else ""
        raise FormulaError(f"an operator is missing before {found!r}", offset, advice)
    return result


def parse(text: str, resolve: Callable[[str, int], Expr]) -> Expr:
    """`read` where every name is known."""
    found = read(text, resolve)
    assert found is not None
    return found
