"""Reading a formula from text: tokens, a parser by recursive descent, and what a misspelt word may have meant."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from tutor.engine.expressions import PI, Call, Const, E, Expr, call, negative


class FormulaError(ValueError):
    """A text that is not a formula: `message`, and the `offset` of the character where it shows."""

    def __init__(self, message: str, offset: int):
        super().__init__(message)
        self.message, self.offset = message, offset


# name in a text -> (operator, least and greatest number of arguments)
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
}
# operator -> the arguments that a text leaves out: the usual α of elu(x)
USUAL: dict[str, tuple[float, ...]] = {}
# what a name means in a formula whose author gives it no other meaning
CONSTANTS: dict[str, Const] = {"pi": PI, "π": PI, "e": E}
MAX_DEPTH, MAX_TOKENS = 100, 1000
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+\-−]?[0-9]+)?)|(?P<name>[^\W0-9]\w*)|(?P<op>\*\*|[-+*/^(),·×÷−]))"
)
_SAME = {"^": "**", "·": "*", "×": "*", "÷": "/", "−": "-"}


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


class _Parser:
    """sum: term (+- term)*; term: factor (*/ factor)*; factor: - factor | power; power: atom [** factor]."""

    def __init__(self, text: str, resolve: Callable[[str, int], Expr]):
        self.tokens, self.at, self.depth, self.resolve = tokens(text), 0, 0, resolve

    def peek(self) -> str:
        kind, text, _ = self.tokens[self.at]
        return text if kind == "op" else ""

    def take(self) -> tuple[str, str, int]:
        self.at += 1
        return self.tokens[self.at - 1]

    def nested(self, parse: Callable[[], Expr]) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FormulaError(f"the formula is nested more than {MAX_DEPTH} deep", self.tokens[self.at][2])
        result = parse()
        self.depth -= 1
        return result

    def sum(self) -> Expr:
        left, run = self.term(), False  # run: `left` is a sum begun here, so a further + joins it
        while self.peek() in ("+", "-"):
            op, right = self.take()[1], self.term()
            if op == "+" and run and isinstance(left, Call):
                left = Call("add", (*left.args, right))
            else:
                left = left + right if op == "+" else left - right
            run = op == "+"
        return left

    def term(self) -> Expr:
        left = self.factor()
        while self.peek() in ("*", "/"):
            left = left * self.factor() if self.take()[1] == "*" else left / self.factor()
        return left

    def factor(self) -> Expr:
        if self.peek() in ("+", "-"):
            sign = self.take()[1]
            inner = self.nested(self.factor)
            return negative(inner) if sign == "-" else inner
        base = self.atom()
        if self.peek() == "**":
            self.take()
            return base ** self.nested(self.factor)
        return base

    def atom(self) -> Expr:
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
        what = f"instead of {text!r}" if text else "at the end"
        raise FormulaError(f"a number, a name or a bracket is missing {what}", offset)

    def name(self, text: str, offset: int) -> Expr:
        if text in FUNCTIONS:
            raise FormulaError(f"{text} is a function: write {text}(...)", offset)
        return self.resolve(text, offset)

    def function(self, text: str, offset: int) -> Expr:
        if text not in FUNCTIONS:
            raise FormulaError(f"unknown function '{text}'{did_you_mean(text, FUNCTIONS)}", offset)
        op, least, most = FUNCTIONS[text]
        self.take()
        args = [] if self.peek() == ")" else [self.nested(self.sum)]
        while args and self.peek() == ",":
            self.take()
            args.append(self.nested(self.sum))
        self.expect(")", "close the bracket of the function", offset)
        if not least <= len(args) <= most:
            want = f"{least}" if least == most else f"at least {least}"
            raise FormulaError(f"{text}() takes {want} argument{'s' * (want != '1')}, not {len(args)}", offset)
        return call(op, *args, *USUAL.get(op, ()))

    def expect(self, text: str, why: str, opened: int) -> Any:
        _, found, offset = self.take()
        if found != text:
            raise FormulaError(f"'{text}' is missing here, to {why} at character {opened + 1}", offset)


def did_you_mean(word: str, known: Any) -> str:
    """': did you mean ...?' with the nearest known word, or nothing."""
    from difflib import get_close_matches

    folded: dict[str, str] = {}  # case tells no two words apart that somebody may have meant
    for name in known:
        folded.setdefault(name.casefold(), name)
    near = get_close_matches(word.strip().casefold(), list(folded), n=1, cutoff=0.6)
    return f": did you mean '{folded[near[0]]}'?" if near else ""


def parse(text: str, resolve: Callable[[str, int], Expr]) -> Expr:
    """Read a formula: + - * / ** (also ^ · × ÷ −), brackets, numbers, names, the `FUNCTIONS`.

    `resolve(name, offset)` gives the tree that a name stands for, or raises FormulaError.
    Nothing is executed. Raises FormulaError; nesting and length are bounded.
    """
    parser = _Parser(text, resolve)
    result = parser.sum()
    kind, found, offset = parser.take()
    if kind != "end":
        raise FormulaError(f"an operator is missing before {found!r}", offset)
    return result
