r"""LaTeX read into one line of Unicode.

The signs come from the table of `unicodeit`; reading is done here, because that library replaces beginnings of words
(`\left` comes out as `≤ft`) and knows no fractions. Spaces mean nothing, as in TeX: they follow from the signs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from tutor.engine.ids import looks_like_id
from tutor.text.language import say

Name = Callable[[str], str | None]  # what a notation calls the step of an id; None for what is no id

MAX_FORMULA = 12_000  # characters: what is longer is no line of a lesson

_TOKEN = re.compile(r"\\([A-Za-z]+)|\\(.)|([0-9]+(?:[.,][0-9]+)*)|(\s+)|(.)", re.DOTALL)
_FUNCTIONS = frozenset("arctan arg cos cosh det dim exp inf lim ln log max min Pr sign sin sinh sup tan tanh".split())
_CALLED = frozenset("σφfghJLPΔ")  # letters before a bracket that apply to it, not multiply it
_SPACES = frozenset((",", ";", ":", " ", "quad", "qquad", "thinspace"))
_WORDS = frozenset("text textrm textit textbf mathrm mathit operatorname mbox".split())
_ACCENTS = {"hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "overline": "\u0304",
            "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308"}  # fmt: skip
_LETTERS = ("mathbf", "boldsymbol", "bm", "mathbb", "mathcal", "mathfrak", "mathsf", "mathtt")
_IGNORED = frozenset("left right big Big bigl bigr Bigl Bigr displaystyle limits nolimits !".split())
# The signs of this program where unicodeit has another one for the same thing.
_OWN = {"cdot": "·", "sum": "Σ", "prod": "Π", "top": "ᵀ", "intercal": "ᵀ", "dots": "…", "cdots": "…", "lvert": "|",
        "rvert": "|", "vert": "|", "lVert": "‖", "rVert": "‖", "gets": "←", "implies": "⇒", "iff": "⇔", "ast": "·",
        "lbrace": "{", "rbrace": "}", "le": "≤", "ge": "≥", "ne": "≠", "colon": ":", "backslash": "\\"}  # fmt: skip
_ELSEWHERE = frozenset("frac dfrac tfrac sqrt begin end binom boldmath nonumber newline underbrace textstyle underline "
                       "unboxed textsc textsf texttt eqref notag tag rm bf tt ref".split())  # fmt: skip
# What stands in rows: what opens it on one line, stands between the rows and closes it.
_ROWS = {"pmatrix": ("[", ", ", "]"), "bmatrix": ("[", ", ", "]"), "Bmatrix": ("[", ", ", "]"),
         "matrix": ("", "; ", ""), "smallmatrix": ("", "; ", ""), "vmatrix": ("|", "; ", "|"),
         "Vmatrix": ("‖", "; ", "‖"), "cases": ("{", "; ", "}")}  # fmt: skip
_PLAIN = {"-": "−", "*": "·", "'": "′", "~": " "}
_PREFIXES = frozenset("∂∇√Σ∏Π∞∫∀∃¬|‖")  # of category Sm, yet no operators between two things
_VULGAR = {("1", "2"): "½", ("1", "3"): "⅓", ("2", "3"): "⅔", ("1", "4"): "¼", ("3", "4"): "¾"}
_DEEP = 20  # groups in groups


@dataclass(frozen=True)
class Blemish:
    """Something in prose that cannot be shown as it was meant, at an offset of the text."""

    offset: int
    message: str
    advice: str = ""


@dataclass
class _Atom:
    """A piece of a formula. `kind`: ord, op (between two things), open, close, comma, function, fraction, matrix
    or space."""

    text: str
    kind: str = "ord"
    scripts: str = ""

    @property
    def whole(self) -> str:
        return self.text + self.scripts


def mathematics(latex: str, name: Name, found: list[Blemish] | None = None) -> str:
    """LaTeX as one line of Unicode; `found` gathers what is not understood, which is shown as it is written."""
    if len(latex) > MAX_FORMULA:
        n, most = f"{len(latex):,}", f"{MAX_FORMULA:,}"
        message = say("a formula of {n} characters: {most} are the most", n=n, most=most)
        advice = say("write \\$ for a dollar, or make it several")
        (found if found is not None else []).append(Blemish(0, message, advice))
        return latex
    reader = _Latex(latex, name, [] if found is None else found)
    return _joined(reader.group(end=False))


@dataclass
class _Latex:
    """Reads one formula from left to right."""

    latex: str
    name: Name
    found: list[Blemish]
    at: int = 0
    depth: int = 0
    tokens: list[re.Match[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = list(_TOKEN.finditer(self.latex))

    def blemish(self, token: re.Match[str], message: str, advice: str = "") -> None:
        self.found.append(Blemish(token.start(), message, advice))

    def peek(self) -> str:
        """The next token but spaces; empty at the end."""
        while self.at < len(self.tokens) and self.tokens[self.at][4]:
            if "\t" in self.tokens[self.at][0]:
                advice = say("in \"...\" \\t is a tab: write \\\\times, or put the text in '''three single quotes'''")
                self.blemish(self.tokens[self.at], say("a tab within mathematics"), advice)
            self.at += 1
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def group(self, end: bool = True, stops: tuple[str, ...] = ()) -> list[_Atom]:
        """The atoms up to the closing brace, to one of `stops`, or to the end of the formula."""
        atoms: list[_Atom] = []
        self.depth += 1
        while (text := self.peek()) and text not in stops:
            if text == "}":
                if end:
                    break
                self.blemish(self.tokens[self.at], say("a } without its {"))
                self.at += 1
            elif text in "^_":
                self.at += 1
                script = self.script(text)
                if not atoms or atoms[-1].kind not in ("ord", "close", "function", "fraction", "matrix"):
                    atoms.append(_Atom(""))
                last = atoms[-1]
                raised = text == "^" and unicodedata.normalize("NFKC", last.text[-1:]) != last.text[-1:] != ""
                if last.kind == "fraction" or raised:  # a² to the power of 2 is not a²²
                    atoms[-1] = _Atom(f"({last.text})")
                atoms[-1].scripts += script
            else:
                atoms += self.atom()
        self.depth -= 1
        return atoms

    def argument(self) -> list[_Atom]:
        """What a macro or a script takes: a group in braces, or the next token."""
        if self.peek() == "{":
            return self.braces()
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        if not token or token[0] == "}":
            before = self.tokens[self.at - 1]
            self.blemish(before, say("something is missing after {sign}", sign=before[0].strip()))
            return []
        if token[3] and len(token[3]) > 1:  # x^12 is x¹2, as in TeX
            digit, rest = token[3][0], _TOKEN.match(self.latex, token.start() + 1)
            assert rest
            self.tokens[self.at] = rest
            return [_Atom(digit)]
        return self.atom()

    def braces(self) -> list[_Atom]:
        token = self.tokens[self.at]
        if self.depth > _DEEP:
            self.blemish(token, say("groups are nested too deep"))
            self.at = len(self.tokens)
            return []
        self.at += 1
        atoms = self.group()
        if self.peek() == "}":
            self.at += 1
        else:
            self.blemish(token, say("a { that is not closed"), say("write } where its part ends: \\frac{1}{2}"))
        return atoms

    def raw(self) -> str:
        """The text of a group in braces, as it is written, for words."""
        if self.peek() != "{":
            return "".join(atom.text for atom in self.argument())
        start, depth = self.tokens[self.at].end(), 0
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            depth += (token[0] == "{") - (token[0] == "}")
            if depth == 0:
                return self.latex[start : token.start()]
        return self.latex[start:]

    def script(self, sign: str) -> str:
        table = _scripts()[sign]
        text = _joined(self.argument(), tight=True).replace("·", "∗")
        if all(char in table for char in text):
            return "".join(table[char] for char in text)
        bare = len(text) == 1 or text[:1] + text[-1:] in ("[]", "()") or not re.search(r"[^\w\s₀-₉⁰-⁹′.]", text)
        return text if text in ("′", "′′") else sign + (text if bare and " " not in text else f"({text})")

    def atom(self) -> list[_Atom]:
        text = self.peek()
        token = self.tokens[self.at]
        if text == "{":
            id = re.compile(r"\{([^{}\s]{1,60})\}").match(self.latex, token.start())
            called = self.name(id[1]) if id else None
            if id and called is not None:
                while self.at < len(self.tokens) and self.tokens[self.at].start() < id.end():
                    self.at += 1
                return [_Atom(called, "fraction" if "/" in called or re.search("[^\\W0-9_]{2}", called) else "ord")]
            if id and looks_like_id(id[1]) and "/" in id[1]:
                self.blemish(token, say("{id} names no step of this lesson", id=id[0]))
            inside = self.braces()
            return [_Atom(inside[0].text)] if len(inside) == 1 and inside[0].kind == "comma" else inside  # 1{,}000
        self.at += 1
        if token[1] or token[2]:
            return self.macro(token[1] or token[2], token)
        return [_sign(_PLAIN.get(text, text))]

    def macro(self, word: str, token: re.Match[str]) -> list[_Atom]:
        if word in _IGNORED:
            if self.peek() == ".":  # \left. is a bracket that is not there
                self.at += word in ("left", "right")
            return []
        if word in _SPACES:
            return [_Atom(" ", "space")]
        if word in ("frac", "dfrac", "tfrac"):
            return [_fraction(self.argument(), self.argument())]
        if word == "sqrt":
            index = self.optional()
            inside = self.argument()
            text = _joined(inside)
            return [_Atom(index + "√" + (text if _is_one(inside) else f"({text})"))]
        if word in _WORDS:
            words = self.raw().strip()
            return [_Atom(words, "function" if len(words) > 1 else "ord")]
        if word in _ACCENTS:
            text = _joined(self.argument())
            return [_Atom(unicodedata.normalize("NFC", text[:1] + _ACCENTS[word]) + text[1:])]
        if word == "begin":
            return [_Atom(self.rows(token), "matrix")]
        if word in _FUNCTIONS:
            return [_Atom(word, "function")]
        signs = _signs()
        if word in _LETTERS:
            return [_Atom("".join(signs.get(f"\\{word}{{{char}}}", char) for char in self.raw()))]
        if word in "{}%$&#_|":
            return [_sign(word if word != "|" else "‖")]
        sign = _OWN.get(word) or signs.get("\\" + word)
        if sign is None:
            message = say("the macro {macro} is not known", macro=token[0])
            self.blemish(token, message, say("it is shown as it is written"))
            return [_Atom(token[0])]
        return [_sign(sign)]

    def rows(self, begin: re.Match[str]) -> str:
        """A matrix, as the tutor writes one on a line: [[1, 2], [3, 4]], of one column [1, 2]."""
        environment = self.raw()
        if environment not in _ROWS or self.depth > _DEEP:
            known = say("what stands in rows is a pmatrix, bmatrix, matrix or cases")
            self.blemish(begin, say("{macro} is not known", macro=f"\\begin{{{environment}}}"), known)
            if self.depth > _DEEP:
                return f"\\begin{{{environment}}}"
        rows: list[list[str]] = [[]]
        while True:
            rows[-1].append(_joined(self.group(stops=("&", "\\\\", "\\end"))))
            stop = self.peek()
            self.at += stop in ("&", "\\\\", "\\end")
            if stop == "\\\\":
                rows.append([])
            elif stop != "&":
                break
        ended = stop == "\\end" and self.raw() == environment
        if not ended and environment in _ROWS:
            opens, closes = (f"\\{word}{{{environment}}}" for word in ("begin", "end"))
            self.blemish(begin, say("{begin} has no {end}", begin=opens, end=closes))
        rows = rows[:-1] if rows[-1] == [""] and rows[1:] else rows
        if environment not in _ROWS:  # told once; what stands in it is read, line by line
            return "; ".join(" ".join(part for part in row if part) for row in rows)
        opens, between, closes = _ROWS[environment]
        lines = [", ".join(row) for row in rows]
        if between != "; " and any(len(row) > 1 for row in rows):
            lines = [f"[{text}]" for text in lines]
        return f"{opens}{between.join(lines)}{closes}"

    def optional(self) -> str:
        """The index of a root, \\sqrt[3]{x}, raised."""
        if self.peek() != "[":
            return ""
        self.at += 1
        digits = ""
        while self.peek() not in ("]", ""):
            digits += self.tokens[self.at][0]
            self.at += 1
        self.at += 1
        return "".join(_scripts()["^"].get(char, char) for char in digits)


def _sign(char: str) -> _Atom:
    if char in ("(", "[", "{"):
        return _Atom(char, "open")
    if char in (")", "]", "}"):
        return _Atom(char, "close")
    if char in (",", ";", ":"):
        return _Atom(char, "comma")
    if char == " ":
        return _Atom(char, "space")
    operator = char in "·⊙⊘∘" or (unicodedata.category(char[:1]) == "Sm" and char not in _PREFIXES)
    return _Atom(char, "op" if operator else "ord")


def _joined(atoms: list[_Atom], tight: bool = False) -> str:
    """The atoms as one line: spaces around what stands between two things, and where words would run together."""
    out = ""
    before: _Atom | None = None
    for atom in atoms:
        atom = replace(atom, kind="fraction") if atom.kind == "matrix" else atom  # a product needs its sign
        unary = before is None or before.kind in ("op", "open", "comma", "space")
        if atom.kind == "op":
            out += atom.whole if tight or unary else f" {atom.whole} "
        else:
            if before is None:
                between = ""
            elif "fraction" in (atom.kind, before.kind) and {atom.kind, before.kind} <= {
                "ord", "fraction", "function", "open" if before.kind == "fraction" else "close"
            }:  # fmt: skip
                between = " " if before.text in ("d/dx", "∂/∂x") else "·" if tight else " · "
            elif atom.kind in ("ord", "function") and (
                before.kind == "function" or before.text in ("Σ", "Π", "∫") or before.scripts[:1] in ("^", "_")
            ):
                between = "" if tight else " "
            elif atom.kind == "function" and before.kind in ("ord", "close"):
                between = " "
            elif before.kind == "comma" and atom.kind != "space":
                between = "" if tight else " "
            else:
                between = ""
            out += between + atom.whole
        before = atom
    return re.sub(r" +", " ", out).strip()


def _fraction(over: list[_Atom], under: list[_Atom]) -> _Atom:
    """a/b on one line, with brackets where the stroke would not say how far it reaches; ½ and the like as one sign."""
    texts = _joined(over), _joined(under)
    if texts in _VULGAR:
        return _Atom(_VULGAR[texts])
    product = all(atom.kind != "fraction" and (atom.kind != "op" or atom.text in "·×⊙") for atom in over[1:])
    top = texts[0] if _is_one(over) or (product and "/" not in texts[0]) else f"({texts[0]})"
    bottom = texts[1] if _is_one(under) else f"({texts[1]})"
    return _Atom(f"{top}/{bottom}", "fraction")


def _is_one(atoms: list[_Atom]) -> bool:
    """Whether a piece needs no brackets beside a fraction's stroke: one sign, a differential, a call such as σ(z)."""
    text = _joined(atoms)
    if any(atom.kind in ("op", "fraction", "comma", "space") for atom in atoms[1:]) and not _bracketed(atoms):
        return False
    if len(atoms) == 1:
        return "/" not in text or text in _VULGAR.values()
    if atoms and atoms[0].text in ("d", "∂", "Δ"):
        return "/" not in text and all(atom.kind == "ord" for atom in atoms)
    return _bracketed(atoms)


def _bracketed(atoms: list[_Atom]) -> bool:
    """Whether this is (…) or σ(…), one pair of brackets to the very end."""
    first = 0 if atoms and atoms[0].kind == "open" else 1
    if first and not (atoms and (atoms[0].kind == "function" or atoms[0].text in _CALLED)):
        return False
    depth = 0
    for at, atom in enumerate(atoms):
        if at < first:
            continue
        depth += (atom.kind == "open") - (atom.kind == "close")
        if depth == 0:
            return at == len(atoms) - 1 and at > first
    return False


@lru_cache(maxsize=1)
def _signs() -> dict[str, str]:
    """LaTeX -> sign, from unicodeit; loaded by the first formula that is met. None that cannot be seen, as \\- is."""
    from unicodeit.data import REPLACEMENTS

    seen = ((latex, sign) for latex, sign in REPLACEMENTS if sign and unicodedata.category(sign[0])[0] != "C")
    return {latex.removesuffix("{}"): sign for latex, sign in seen}


@lru_cache(maxsize=1)
def _scripts() -> dict[str, dict[str, str]]:
    """Of ^ and _: character -> the same raised or lowered."""
    from unicodeit.data import SUBSUPERSCRIPTS

    found: dict[str, dict[str, str]] = {"^": {"−": "⁻", "ᵀ": "ᵀ", "∗": "∗"}, "_": {"−": "₋"}}
    for latex, sign in SUBSUPERSCRIPTS:
        if len(latex) == 2:
            found[latex[0]][latex[1]] = sign
    return found


def is_macro(word: str) -> bool:
    """Whether a word behind a backslash is LaTeX that is read here, or that is common elsewhere."""
    here = (_SPACES, _WORDS, _ACCENTS, _LETTERS, _FUNCTIONS, _IGNORED, _OWN, _ELSEWHERE)
    return any(word in words for words in here) or "\\" + word in _signs()
