"""The signs and words of a typed formula: one spelling of a text, its tokens, and what knows a lesson's words.

What the tokens say together is `typed_formulas.py`. Nothing is executed.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import Const, Expr, Ref
from tutor.text.cells import cut
from tutor.text.language import say
from tutor.text.latex import mathematics


class NotUnderstood(ValueError):
    """An answer that says no number: str() tells what would. It costs no attempt."""


@dataclass(frozen=True)
class Function:
    """What a word before a bracket applies: an operator, or an activation (`alpha`: the slope of leaky ReLU)."""

    op: str
    least: int = 1
    most: int = 1
    alpha: float | None = None
    arrays: bool = False  # whether it may be of whole arrays, as sum(X, axis=0): the word is its own before ( alone
    over: str = ""  # the index that it goes over, where one stands below it: meanⱼ(X)


class Vocabulary(Protocol):
    """The names and functions of a lesson, as one step's answer may use them."""

    @property
    def functions(self) -> dict[str, Function]:
        """The words of functions."""

    def match(self, text: str, at: int) -> Sequence[tuple[int, Expr]]:
        """The names that begin at a place, side by side, and where each ends; none if there are none."""

    def of_each_example(self, text: str, at: int) -> tuple[int, Ref] | None:
        """A name with the mark of a sum over the examples: dW@e."""

    def letter(self, index: str) -> Expr | None:
        """What a definition's letter stands for: z, or zᵢ or zᵢⱼ, or the zₖ, zᵢₖ or zₖⱼ that a sum runs over."""

    def unknown(self, word: str) -> str:
        """What is said of a word that means nothing."""

    @property
    def arrays(self) -> bool:
        """Whether the lesson is about arrays that the author named: a product follows their shapes as in NumPy."""

    @property
    def letters(self) -> str:
        """The letter of a definition."""

    @property
    def examples(self) -> int:
        """How many examples there are."""


# ---------------------------------------------------------------- signs

# What is typed for a sign, or printed for it by a notation or in ASCII -> the sign of the grammar.
_SIGNS = {
    **dict.fromkeys(("+", "＋"), "+"),
    **dict.fromkeys(("-", "−", "–", "‐", "‑", "‒", "﹣", "－"), "-"),
    **dict.fromkeys(("*", "×", "∗", "✕", "✖", "⨯"), "*"),
    **dict.fromkeys(("·", "⋅", "∙", "•", "‧", "・"), "·"),
    **dict.fromkeys(("⊙", "∘", "(*)", "⊗"), "⊙"),
    **dict.fromkeys(("/", "÷", "∕", "⁄", "⊘", "(/)", "∶"), "/"),
    **dict.fromkeys(("^", "**", "↑"), "^"),
    **dict.fromkeys(("(", "{", "⟨"), "("),
    **dict.fromkeys((")", "}", "⟩"), ")"),
    **dict.fromkeys((">=", "≥", "⩾", "≧"), "≥"),
    **dict.fromkeys(("<=", "≤", "⩽", "≦"), "≤"),
    **dict.fromkeys(("||", "‖", "∥"), "‖"),
    **{sign: sign for sign in "[],;<>|√Σ%"},
    "∑": "Σ",
}
_LONGEST = max(map(len, _SIGNS))
_SPACES = re.compile(r"[\s\u200b\u2060]+")
_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+\-]?[0-9]+(?![0-9.]))?")
_SCALE = re.compile(r"[×x]10(?:\^(-?[0-9]{1,4}|\(-?[0-9]{1,4}\))|(⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4}))")
_WORD = re.compile(r"[^\W\d_]\w*")
_SUM_OVER = re.compile(r"(?:Σ|∑|sum)(?:_([a-z])(?![\w])|([ₑₖᵢⱼₗ]))")
_OVER_INDEX = re.compile(r"([A-Za-z][A-Za-z_]*)(?:_([ijkl])|([ᵢⱼₖₗ]))(?= ?\()")  # meanⱼ(x): along an axis
_LOWERED = {"ₑ": "e", "ₖ": "k", "ᵢ": "i", "ⱼ": "j", "ₗ": "l"}
_LONGEST_WORD = 32  # of a function, or the sign of one
_CONSTANTS = {"e": Const(math.e), "pi": Const(math.pi), "π": Const(math.pi)}
E = _CONSTANTS["e"]
_SETTING = re.compile(
    r"(axis|keepdims|stride|padding|eps|alpha|size) ?= ?"
    r"(True|False|-?[0-9.]+(?:e-?[0-9]+)?|\((?: ?-?[0-9]+ ?,?)+\))(?![\w.])"
)
# As formulas are written on the screen, in any of its languages.
_KEYWORDS = {"if": "if", "falls": "if", "else": "else", "sonst": "else", "diag": "diag", "sum": "Σ"}
_MINUS = str.maketrans({sign: "-" for sign, meant in _SIGNS.items() if meant == "-" and len(sign) == 1})


_ALIKE = {**dict.fromkeys("’‘ʹ`´", "'"), "٫": ".", "，": ",", "；": ";"}


def normalised(text: str) -> str:
    """A text in one spelling: composed signs, one minus, plain spaces, digits of any script as 0 to 9.

    Names are put into the same spelling before they are compared. LaTeX becomes the signs that it stands for.
    """
    text = unicodedata.normalize("NFC", text)
    if not text.isascii():
        text = "".join(map(_one_spelling, text)).translate(_MINUS)
    else:
        text = "".join(char if char.isprintable() else " " for char in text)
    if "\\" in text or "_{" in text or "^{" in text:
        text = mathematics(text, lambda name: None).translate(_MINUS)
    return _SPACES.sub(" ", text).strip()


def short(text: str) -> str:
    """As much of what was typed as a message has room for."""
    return cut(text, 30)


def _one_spelling(char: str) -> str:
    if char in _ALIKE:
        return _ALIKE[char]
    if not char.isprintable():  # separators, but also marks that nobody sees
        return "" if char in "\u200b\u2060\ufeff\u200c\u200d" else " "
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)


def raised(char: str) -> bool:
    """Whether a character is a superscript: ² ⁻ ᵗ ᵀ."""
    return not char.isascii() and unicodedata.decomposition(char).startswith("<super>")


def plain_digits(run: str) -> str:
    """⁻² -> -2"""
    return unicodedata.normalize("NFKC", run).translate(_MINUS)


# ---------------------------------------------------------------- tokens


# A word is a keyword; a setting is axis=0; the end comes last.
TokenKind: TypeAlias = Literal["number", "name", "function", "setting", "sum", "raised", "word", "op", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an answer; `spaced` if a space comes before."""

    kind: TokenKind
    text: str
    spaced: bool = False
    value: Expr | None = None
    function: Function | None = None


def tokens(text: str, words: Vocabulary) -> list[Token]:
    """The tokens of a normalised text. Raises NotUnderstood."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        spaced = at > 0 and text[at - 1] == " "
        for end, token in _next(text, at, spaced, words):
            found.append(token)
            at = end
    return [*found, Token("end", "")]


def _next(text: str, at: int, spaced: bool, words: Vocabulary) -> Sequence[tuple[int, Token]]:
    """The token that begins at a place, and where it ends; of names side by side every one."""
    char = text[at]
    if raised(char):
        end = at + 1
        while char != "ᵀ" and end < len(text) and raised(text[end]) and text[end] != "ᵀ":
            end += 1
        return [(end, Token("raised", text[at:end]))]
    if words.arrays and (setting := _SETTING.match(text, at)):
        return [(setting.end(), Token("setting", setting[0].replace(" ", ""), spaced))]
    names = words.match(text, at)
    if words.arrays and not names and (over := _OVER_INDEX.match(text, at)):
        meant = words.functions.get(over[1])
        if meant and meant.arrays and over[1] != "sum":
            index = over[2] or _LOWERED[over[3]]
            return [(over.end(), Token("function", over[1], spaced, None, replace(meant, over=index)))]
    if number := _number(text, at, spaced, names[0][0] if names else 0):
        return [number]
    function = _function(text, at, words)
    if function and function[1].arrays and not _is_call(text, function[0]):
        function = None
    if function and function[1].arrays and char.isascii():
        return [(function[0], Token("function", text[at : function[0]], spaced, None, function[1]))]
    if char in "Σ∑s" and (over := _SUM_OVER.match(text, at)):
        return [(over.end(), Token("sum", _LOWERED.get(over[2], over[1] or ""), spaced))]
    if (each := words.of_each_example(text, at)) is not None:
        return [(each[0], Token("name", text[at : each[0]], spaced, each[1]))]
    if function and (not names or function[0] > names[0][0] or (_is_call(text, function[0]) and char.isascii())):
        end, meant = function
        return [(end, Token("function", text[at:end], spaced, None, meant))]
    if names:
        starts = [at, *(end for end, _ in names)]
        return [
            (end, Token("name", text[start:end], spaced and start == at, value))
            for start, (end, value) in zip(starts, names, strict=False)
        ]
    if text.startswith((".T", "^T"), at) and not text[at + 2 : at + 3].isalnum():
        return [(at + 2, Token("raised", "ᵀ"))]
    if words.arrays and char == "=":
        return [(at + 1, Token("op", "=", spaced))]
    if char == "@" and (spaced or words.arrays):
        return [(at + 1, Token("op", "@", spaced))]
    for size in range(_LONGEST, 0, -1):
        if at + size <= len(text) and (sign := _SIGNS.get(text[at : at + size])):
            return [(at + size, Token("op", sign, spaced))]
    if word := _WORD.match(text, at):
        end = next((k for k in range(at, word.end()) if raised(text[k])), word.end())
        return [(end, _word(text[at:end], spaced, words))]
    if char == "∞" and words.arrays:  # a blocked position, as the screen shows it
        return [(at + 1, Token("name", "∞", spaced, Const(math.inf)))]
    if char == "∞":
        raise NotUnderstood(say("that comes to no finite number"))
    raise NotUnderstood(say("'{sign}' means nothing in a formula", sign=char))


def _word(word: str, spaced: bool, words: Vocabulary) -> Token:
    if word in _CONSTANTS:
        return Token("name", word, spaced, _CONSTANTS[word])
    if word == "inf" and words.arrays:
        return Token("name", "∞", spaced, Const(math.inf))
    if word.lower() in ("inf", "infinity", "nan", "undefined"):
        raise NotUnderstood(say("that comes to no finite number"))
    if word in _KEYWORDS:
        return Token("op" if word == "sum" else "word", _KEYWORDS[word], spaced)
    letter = word.rstrip("".join(_LOWERED))
    index = "".join(_LOWERED[mark] for mark in word[len(letter) :])
    if letter == words.letters and (meant := words.letter(index)) is not None:
        return Token("name", word, spaced, meant)
    raise NotUnderstood(words.unknown(word))


def _number(text: str, at: int, spaced: bool, named: int) -> tuple[int, Token] | None:
    """A number: 8.21e-2, 8.21×10⁻² and 8.2x10^-2 without spaces, ½, 2½. An author's name that is longer wins."""
    match = _NUMBER.match(text, at)
    end = match.end() if match else at
    value = float(match[0]) if match else 0.0
    if match and re.compile(r"[eE][+\-]?[0-9]+\.").match(text, end):
        power = re.compile(r"[+\-]?[0-9.]+").match(text, end + 1)
        assert power
        raise NotUnderstood(
            say(
                "{number}{sign}{power}: write {match}*e^({power}), or a power of ten",
                number=match[0],
                sign=text[end],
                power=power[0],
                match=match[0],
            )
        )
    part = unicodedata.numeric(text[end], None) if end < len(text) and _is_fraction(text[end]) else None
    if part is not None and (not match or match[0].isdigit()):
        value, end = value + part, end + 1
    elif match and (scale := _SCALE.match(text, end)):
        power_of_ten = int(scale[1].strip("()") if scale[1] else plain_digits(scale[2]))
        value, end = (float(f"{match[0]}e{power_of_ten}") if "e" not in match[0].lower() else math.inf), scale.end()
    if end == at or named > end:
        return None
    if not math.isfinite(value):
        raise NotUnderstood(say("{number} is too large for a number here", number=text[at : min(end, at + 20)]))
    return end, Token("number", text[at:end], spaced, Const(value))


def _is_fraction(char: str) -> bool:
    return not char.isascii() and unicodedata.decomposition(char).startswith("<fraction>") and char != "⅟"


def _function(text: str, at: int, words: Vocabulary) -> tuple[int, Function] | None:
    """A function's word that begins here, with the stroke of its derivative: ln, σ′, ReLU, √."""
    word = re.compile(r"[^\W\d_]\w*").match(text, at)
    if text[at] == "√":
        return at + 1, Function("sqrt")
    for end in range(min(word.end(), at + _LONGEST_WORD) if word else at, at, -1):
        name = text[at:end]
        meant = words.functions.get(name) or (words.functions.get(name.lower()) if name.isascii() else None)
        following = text[end : end + 1]
        if name == "log" and following.isdecimal():
            raise NotUnderstood(say("log is the natural logarithm here: write log10(x) as ln(x)/ln(10)"))
        if meant and not (following.isalpha() and not raised(following)) and following != "_":
            if following in ("′", "'") and (meant.op in ACTIVATIONS or meant.op == "softmax"):
                return end + 1, Function(meant.op + "′", alpha=meant.alpha)
            return end, meant
    return None


def _is_call(text: str, at: int) -> bool:
    return text[at:].lstrip()[:1] == "("
