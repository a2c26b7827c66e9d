r"""Documents (`layout.py`) as LaTeX, for a page, a notebook or a paper: ASCII only, for the inside of $ ... $.

A document's text is read sign by sign: a base (a letter, a word, a number, a sign of the table), then its raised and
lowered signs. So W²ᵀ, w₁₂² and ∂L/∂z₁ need no documents of their own. What is no mathematics (the author's name
of an input) becomes upright text, and never a command.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from tutor.text.layout import Brackets, Doc, Frac, Matrix, Row, number

MATRIX_LIMIT = 8  # rows and columns of a matrix that are shown; of a larger one its corners

SIGNS = {
    "∂": r"\partial", "∇": r"\nabla", "Σ": r"\sum", "√": r"\surd", "⊙": r"\odot", "⊘": r"\oslash", "∘": r"\circ",
    "·": r"\cdot", "×": r"\times", "∗": r"\ast", "±": r"\pm", "−": "-", "–": "-", "—": "-", "≤": r"\le", "≥": r"\ge",
    "≠": r"\ne", "≈": r"\approx", "<": "<", ">": ">", "∈": r"\in", "⇒": r"\Rightarrow", "→": r"\rightarrow",
    "←": r"\leftarrow", "∞": r"\infty", "‖": r"\|",  "…": r"\dots", "⋯": r"\cdots", "⋮": r"\vdots", "⋱": r"\ddots",
    "½": r"\tfrac{1}{2}", "¼": r"\tfrac{1}{4}", "¾": r"\tfrac{3}{4}", "⅓": r"\tfrac{1}{3}", "⅔": r"\tfrac{2}{3}",
    "‘": "`", "’": "'", "°": r"{^{\circ}}", "▢": r"\square", "☐": r"\square", "⟨": r"\langle", "⟩": r"\rangle",
}  # fmt: skip
GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "τ": "tau", "υ": "upsilon", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "ϕ": "phi", "ϵ": "epsilon",
    "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
# What LaTeX reads as more than the sign itself.
SPECIAL = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "$": r"\$", "%": r"\%", "&": r"\&", "#": r"\#", "_": r"\_",
    "~": r"\sim ", "^": r"\wedge ", '"': r'\char"22 ', "'": r'\char"27 ', "`": r'\char"60 ',
}  # fmt: skip
NAMED = {"exp", "ln", "log", "max", "min", "sin", "cos", "tan", "tanh", "sinh", "cosh", "arctan"}  # LaTeX has these
SAID = {"if", "else", "more", "undefined"}  # words within a formula
ACCENTS = {"\u0302": r"\hat", "\u0303": r"\tilde", "\u0304": r"\bar", "\u0307": r"\dot", "\u0308": r"\ddot",
           "\u0301": r"\acute", "\u0300": r"\grave", "\u030c": r"\check", "\u0306": r"\breve"}  # fmt: skip

_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾⁼ⁿᵗᶻᵃᵏˡᴸᶠᵀ′", [*"0123456789+-()=ntzaklLF", r"\top ", r"\prime "], strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₍₎₌ᵢⱼₖₗₑₘₙ", "0123456789+-()=ijklemn", strict=True))
# Those of words: not Greek, and nothing raised or lowered.
_LETTERS = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0400-\u1cff\u1e00-\u1fff\u3040-\ud7ff\uf900-\ufaff"
# What an update made. A part of an author's name is that of x_newer, my_new_x, or of 2 · _new.
_NEW = rf"(?<![\s·−+/(,=√])_new(?![{_LETTERS}0-9_])"
_TOKEN = re.compile(
    r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?"  # a number
    rf"|[{_LETTERS}][{_LETTERS}0-9_]*?(?={_NEW}|[^{_LETTERS}0-9_]|$)(?:\.[0-9]+)?"  # a word; long.1 is a part of long
    rf"|{_NEW}|\s+|.",
    re.DOTALL,
)


def latex(doc: Doc) -> str:
    r"""The LaTeX of a document, to stand between dollars: `\frac{\partial L}{\partial z_{1}}`. ASCII, balanced."""
    return _Line(list(_items(doc))).written()


def equation(docs: Sequence[Doc]) -> str:
    """name = formula = numbers = value, one below the other at their = signs; one document alone as it is."""
    parts = [latex(doc) for doc in docs]
    if len(parts) < 2:
        return "".join(parts)
    lines = " \\\\\n".join(f"{'' if at else parts[0]} &= {part}" for at, part in enumerate(parts[1:]))
    return f"\\begin{{aligned}}\n{lines}\n\\end{{aligned}}"


def words(text: str) -> str:
    r"""A text in a formula, upright: `\mathrm{total\_cost}`. Every sign of it is only itself."""
    return rf"\mathrm{{{''.join(_upright(char) for char in unicodedata.normalize('NFC', text))}}}"


def _upright(char: str) -> str:
    if char.isspace():
        return r"\ "
    if char.isascii():
        return SPECIAL.get(char, char) if char.isprintable() else ""
    if char in GREEK:
        return rf"\{GREEK[char]} "
    letter, *marks = list(unicodedata.normalize("NFD", char))
    if marks and letter.isascii() and all(mark in ACCENTS for mark in marks):
        for mark in marks:
            letter = f"{ACCENTS[mark]}{{{letter}}}"
        return letter
    return f'\\char"{ord(char):X} '


Item = str | Brackets | Frac | Matrix


def _items(doc: Doc) -> Iterator[Item]:
    """A document's parts in a row, neighbouring texts as one: a base and what is raised on it may be two."""
    text = ""
    for part in _flat(doc):
        if isinstance(part, str):
            text += part
        else:
            if text:
                yield text
            text = ""
            yield part
    if text:
        yield text


def _flat(doc: Doc) -> Iterator[Item]:
    if isinstance(doc, Row):
        for part in doc.parts:
            yield from _flat(part)
    else:
        yield doc


class _Line:
    """Writes the parts of one row. A written atom is a base with at most one raised and one lowered group."""

    def __init__(self, items: list[Item]) -> None:
        self.tokens: list[Item] = []
        for item in items:
            self.tokens += _tokens(item) if isinstance(item, str) else [item]
        self.at = 0

    def written(self) -> str:
        found: list[str] = []
        while self.at < len(self.tokens):
            found.append(self._atom())
        return re.sub(r" {2,}", " ", "".join(found)).strip()

    def _next(self) -> Item | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _atom(self) -> str:
        """One base with its scripts, one root with what stands under it, or a power."""
        token = self.tokens[self.at]
        self.at += 1
        if token == "√" and self._next() is not None:
            under = self._next()
            if isinstance(under, Brackets):
                self.at += 1
                return self._scripts(rf"\sqrt{{{latex(under.inner)}}}")
            return rf"\sqrt{{{self._called()}}}"
        if token == "∇" and self._next() is not None:
            return self._nabla()
        if isinstance(token, str) and (token in _RAISED or token in _LOWERED):
            self.at -= 1
            return self._scripts("{}")
        return self._scripts(*_base(token))

    def _nabla(self) -> str:
        r"""∇_W₂ L, the gradient of L in W₂, as \nabla_{W_{2}}L; a name such as ∇W⁽¹⁾ as it stands."""
        if self._next() != "_":
            return SIGNS["∇"] + " "
        self.at += 1
        return rf"\nabla_{{{self._atom().strip()}}}"

    def _called(self) -> str:
        """An atom, and the brackets of a text behind it: m(w₁)_new."""
        found = [self._atom()]
        if self._next() == "(":
            depth = 0
            while (token := self._next()) is not None:
                depth += (token == "(") - (token == ")")
                found.append(self._atom())
                if not depth:
                    break
        return "".join(found)

    def _scripts(self, base: str, lowered: str = "") -> str:
        """The base with the raised and lowered signs that follow; a power of what has an index is one of the whole."""
        raised = last = ""
        while (token := self._next()) is not None and isinstance(token, str):
            if token in _RAISED:
                if raised and last != "raised":
                    base, raised, lowered = "{" + _with(base, raised, lowered) + "}", "", ""
                raised, last = raised + _RAISED[token], "raised"
            elif token in _LOWERED:
                lowered, last = lowered + ("," if lowered and last != "lowered" else "") + _LOWERED[token], "lowered"
            elif token == "," and last == "lowered" and self._lowered_after():
                lowered += ","
            elif token == "_new":
                lowered, last = lowered + "," * bool(lowered) + r"\mathrm{new}", "lowered"
            elif token == "^" and self.at + 1 < len(self.tokens):
                self.at += 1
                power = self._next()
                inner = power.inner if isinstance(power, Brackets) else None
                if inner is not None:
                    self.at += 1
                base = "{" + _with(base, raised, lowered) + "}" if raised else base
                exponent = latex(inner) if inner is not None else self._called()
                return _with(base, exponent, "" if raised else lowered)
            else:
                break
            self.at += 1
        return _with(base, raised, lowered)

    def _lowered_after(self) -> bool:
        after = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ""
        return isinstance(after, str) and after in _LOWERED


def _with(base: str, raised: str, lowered: str) -> str:
    raised, lowered = raised.strip(), lowered.strip()
    return base + (f"^{{{raised}}}" if raised else "") + (f"_{{{lowered}}}" if lowered else "")


def _tokens(text: str) -> list[str]:
    """Numbers, words, single signs with their accents, and gaps between words."""
    found = [match[0] for match in _TOKEN.finditer(unicodedata.normalize("NFC", text))]
    kept: list[str] = []
    for token in found:
        if len(token) == 1 and unicodedata.combining(token) and kept:
            kept[-1] += token
        elif not (token.isspace() and not (kept and _word(kept[-1]))):
            kept.append(token)
    before_word = [bool(after) and _word(after[0]) for after in (kept[at + 1 :] for at in range(len(kept)))]
    return [token for token, gap in zip(kept, before_word, strict=True) if gap or not token.isspace()]


def _word(token: str) -> bool:
    return len(token) > 2 and token[0].isalpha() and token.isalnum()


def _base(token: Item) -> tuple[str, str]:
    """What stands on the line, and what of the name itself is lowered."""
    if isinstance(token, Brackets):
        return rf"\left({latex(token.inner)}\right)", ""
    if isinstance(token, Frac):
        return rf"\frac{{{latex(token.over)}}}{{{latex(token.under)}}}", ""
    if isinstance(token, Matrix):
        return _matrix(token), ""
    if token[0].isascii() and token[0].isalpha() and len(token) == 1:
        return token, ""
    if len(token) > 1 and token[0].isalpha() and not unicodedata.combining(token[1]):
        return _name(token)
    if token[0].isdigit() and token.isascii():
        return token.replace(",", "{,}"), ""
    return _sign(token), ""


def _sign(token: str) -> str:
    if token.isspace():
        return r"\ "
    if token in SIGNS:
        return SIGNS[token] + " " * SIGNS[token][-1].isalpha()
    if token in GREEK:
        return rf"\{GREEK[token]} "
    if token.isascii():
        return SPECIAL.get(token, token) if len(token) == 1 else words(token)  # _new with nothing before it: a name
    return _letter(token)


def _letter(token: str) -> str:
    r"""A letter with its accents, ŷ or x̂, as \hat{y}; any other sign by its code point."""
    letter, *marks = list(unicodedata.normalize("NFD", token))
    if letter.isascii() and letter.isalpha() and all(mark in ACCENTS for mark in marks):
        for mark in marks:
            letter = f"{ACCENTS[mark]}{{{letter}}}"
        return letter
    return words(token)


def _name(word: str) -> tuple[str, str]:
    """A name of the mathematics, or of the author, and what of it is lowered: the prev of z_prev, the 1 of x1."""
    if word in NAMED:
        return rf"\{word} ", ""
    if word in SAID:
        return rf"\text{{ {word} }}", ""
    if re.fullmatch("d[A-Za-z]", word):  # dZ, a gradient
        return word, ""
    tail = word[1:].removeprefix("_")
    if word.isascii() and (tail.isdigit() or (word[1] == "_" and tail.isalnum())):
        return word[0], tail if tail.isdigit() or len(tail) == 1 else words(tail)
    return words(word), ""


def _matrix(doc: Matrix) -> str:
    values = doc.values
    if values.ndim > 2:  # a list of matrices
        inner = [r"\dots" if i is None else _matrix(Matrix(values[i], doc.digits)) for i in kept(len(values))]
        return r"\left[" + r",\; ".join(inner) + r"\right]"
    if values.ndim == 1:
        values = values[None, :] if doc.row or doc.flat else values[:, None]
    rows, columns = (kept(count) for count in values.shape)
    lines = [
        " & ".join(
            (r"\ddots" if j is None else r"\vdots") if i is None
            else r"\cdots" if j is None else latex(number(float(values[i, j]), doc.digits))
            for j in columns
        )
        for i in rows
    ]  # fmt: skip
    return r"\begin{bmatrix}" + r" \\ ".join(lines) + r"\end{bmatrix}"


def kept(count: int) -> list[int | None]:
    """Which rows or columns are shown: all, or the first ones, a gap (None) and the last."""
    return [*range(count)] if count <= MATRIX_LIMIT else [*range(MATRIX_LIMIT - 2), None, count - 1]
