"""What an answer says: a plain number, or an expression in the names that ids and the screen give. Never graded here.

What says no number raises NotUnderstood, which tells what would; it costs no attempt. Nothing is executed. The grammar
of what is typed is `typed_formulas.py`; what its words mean for one step, `names.py`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import numpy as np

from tutor.engine.expressions import Call, Const, Expr, element, indices
from tutor.questions.names import Names
from tutor.questions.tokens import NotUnderstood, normalised, short
from tutor.text.language import say

MAX_ANSWER = 2000  # characters of an answer that are read


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
_ONE_THOUSAND = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:([.,' ])[0-9]{3})(?:\1[0-9]{3})*([.,][0-9]*)?")
# How people hedge a number, or end a sentence with it: ~0.6, about 0.6, 0.6?, 0.6.
_HEDGED = re.compile(
    r"(?:[~≅∼]\s*|\b(?:ca|approx|circa|about|approximately|roughly|around|etwa|ungefähr)\.?\s+)(?=[-+.0-9])"
    r"|\s*\?+$|(?<=[\w)])\.$",
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
        raise NotUnderstood(say("that is too long for an answer: give a number or a short expression"))
    if wants_help(text):
        raise NotUnderstood(say("that is no answer: take a hint, or give a number or an expression"))
    plain = _HEDGED.sub("", normalised(text))
    if not plain:
        raise NotUnderstood(say("type a number, such as 0.0821, or an expression in the names on the screen"))
    sides = _sides(plain, names)
    answers = [_side(side, names, alone=len(sides) == 1 and side == plain) for side in sides]
    last = answers[-1]
    for side, answer in zip(sides, answers, strict=True):
        if not _agree(answer, last):
            raise NotUnderstood(
                say(
                    "{one} is {value} and {other} is {second}: which of the two?",
                    one=short(side),
                    value=f"{answer.value:.6g}",
                    other=short(sides[-1]),
                    second=f"{last.value:.6g}",
                )
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
    if alone and (meant := _thousands(text) or _one_thousand(text)):
        raise NotUnderstood(
            say(
                "write {meant} for {short}: a point before the decimals, and nothing else",
                meant=meant,
                short=short(text),
            )
        )
    if alone and _COMMA.fullmatch(text.strip("() ")):
        point = text.replace(",", ".")
        raise NotUnderstood(
            say("write a decimal point: {short}? or are these two values? One is asked for", short=short(point))
        )
    parts = re.split(r"[\s,;]+", text)
    if alone and len(parts) > 1 and all(_NUMBER.fullmatch(part) for part in parts):
        raise NotUnderstood(say("give one number"))
    typed, found = names.value(text)
    if found.size != 1:
        raise NotUnderstood(say("that has {size} values; say which element, as in a1[2]", size=found.size))
    if not np.isfinite(found).all():
        raise NotUnderstood(say("that comes to no finite number"))
    return Answer(float(found.reshape(())), None, typed.decimals, typed.formula, typed.note)


def _agree(side: Answer, last: Answer) -> bool:
    """Whether two sides of an equation are the same number, as nearly as the last one was written."""
    off, size = abs(side.value - last.value), max(abs(side.value), abs(last.value))
    digits = min(side.digits or 15, last.digits or 15)
    unit = 10.0 ** (math.floor(math.log10(size)) + 1 - digits) if size else 0.0
    return off <= 0.01 * size or off < unit * (1 - 1e-9)  # 0.333 for 1/3; a digit cut off will do, another number not


def _one_thousand(text: str) -> str | None:
    """1,234 without its comma: it may be meant for the point, and both are told."""
    return text.replace(",", "") if _ONE_THOUSAND.fullmatch(text) else None


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
        if value == 0:
            raise NotUnderstood(say("{number} is too small for a number here", number=short(text)))
        raise NotUnderstood(say("{number} is too large for a number here", number=short(text)))
    return Answer(value, significant_digits(mantissa))
