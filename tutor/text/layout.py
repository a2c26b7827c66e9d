"""Numbers and documents: formulas as text on one line, or laid out in cells with fractions and matrices.

A document is a str, or a Row of documents, a Frac, a Matrix or Brackets. `linear` writes it on one
line; `block` draws it, several lines high, broken at its + and = signs where it is too wide.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from tutor.engine.expressions import EXACT
from tutor.text.cells import pad, pieces, width
from tutor.text.language import say

# ---------------------------------------------------------------- numbers

SUPERSCRIPTS = str.maketrans("0123456789+-−()=nklLF", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾⁼ⁿᵏˡᴸᶠ")
SUBSCRIPTS = str.maketrans("0123456789+-−()=ijkl", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎₌ᵢⱼₖₗ")


def superscript(text: str) -> str:
    """Raised, as far as Unicode has the signs: ⁽ˡ⁾."""
    return text.translate(SUPERSCRIPTS)


def subscript(text: str) -> str:
    """Lowered, as far as Unicode has the signs: ₁₂."""
    return text.translate(SUBSCRIPTS)


def number(value: float, digits: int = 4) -> str:
    """A number as it is shown: all of it if it has at most six digits, else `digits` significant ones.

    Very large and very small ones in powers of ten; what float64 cannot hold as ∞ or undefined.
    """
    value = float(value)
    if value != value:
        return "undefined"
    if value in (float("inf"), float("-inf")):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    text = f"{value:.6g}"
    if not math.isclose(float(text), value, rel_tol=EXACT):
        text = f"{value:#.{digits}g}".rstrip(".") if abs(value) < 1e15 else f"{value:.{digits - 1}e}"
    mantissa, _, exponent = text.partition("e")
    if not exponent and (abs(value) >= 10**7 or abs(value) < 1e-4):
        mantissa, _, exponent = f"{value:.{max(digits, 4) - 1}e}".partition("e")
    if exponent:
        if "." in mantissa and math.isclose(
            float(f"{mantissa.rstrip('0').rstrip('.')}e{exponent}"), value, rel_tol=EXACT
        ):
            mantissa = mantissa.rstrip("0").rstrip(".")
        text = f"{mantissa}×10{superscript(str(int(exponent)))}"
    return text.replace("-", "−")


def constant(value: float) -> str:
    """A number that the author wrote, with every digit that it has and none that a float has not."""
    return number(value, len(Decimal(repr(abs(value))).normalize().as_tuple().digits))


def bracketed(numbers: list[str]) -> list[str]:
    """Numbers to be put behind signs of sums and products: the negative ones in brackets, but for the first."""
    return [f"({text})" if at and text.startswith("−") else text for at, text in enumerate(numbers)]


# ---------------------------------------------------------------- documents


@dataclass(frozen=True)
class Row:
    """Parts side by side."""

    parts: tuple[Doc, ...]


@dataclass(frozen=True)
class Brackets:
    """What stands in round brackets."""

    inner: Doc


@dataclass(frozen=True)
class Frac:
    """over / under. On one line either may need brackets; `tight` ones (∂L/∂z) have no spaces."""

    over: Doc
    under: Doc
    bracket_over: bool = False
    bracket_under: bool = False
    tight: bool = False


@dataclass(frozen=True)
class Matrix:
    """Numbers shown with so many digits: a column (1 axis), a matrix (2 axes), or labelled slices of one (3 or 4)."""

    values: np.ndarray = field(compare=False)
    digits: int = 4
    row: bool = False  # a column lying down: xᵀ
    flat: bool = False  # a vector drawn as it is written, [1, 2], beside the rows of a matrix

    def transposed(self) -> Matrix:
        """The same with a column a row."""
        if self.values.ndim == 1:
            return Matrix(self.values, self.digits, row=not self.row)
        return Matrix(np.swapaxes(self.values, -1, -2), self.digits)


Doc = str | Row | Brackets | Frac | Matrix


def brackets(doc: Doc) -> Doc:
    """A document in round brackets."""
    return Brackets(doc)


_ASCII = {
    "∂": "d",
    "∇": "grad ",
    "σ": "sigma",
    "δ": "delta",
    "η": "eta",
    "α": "alpha",
    "β": "beta",
    "λ": "lambda",
    "μ": "mu",
    "ε": "eps",
    "θ": "theta",
    "Σ": "sum",
    "√": "sqrt ",
    "⊙": "(*)",
    "⊘": "(/)",
    "∘": "(*)",
    "·": "*",
    "×": "x",
    "−": "-",
    "′": "'",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "∞": "inf",
    "≠": "!=",
    "±": "+-",
    "∈": " in ",
    "⇒": "=>",
    "‖": "||",
    "⟨": "<",
    "⟩": ">",
    "∗": "*",
    "⅓": "1/3",
    "⅔": "2/3",
    "¾": "3/4",
    "…": "...",
    "ᵀ": "^T",
    "ŷ": "yhat",
    "ỹ": "ytilde",
    "→": "->",
    "←": "<-",
    "‘": "'",
    "’": "'",
    "„": '"',
    "“": '"',
    "”": '"',
    "–": "-",
    "—": "-",
    "½": "1/2",
    "¼": "1/4",
    "ᵗ": "^t",
    "ᶻ": "^z",
    "ᵃ": "^a",
    "ₑ": "_e",
    "\u0302": "hat",
    "ä": "ae",
    "ö": "oe",
    "ü": "ue",
    "Ä": "Ae",
    "Ö": "Oe",
    "Ü": "Ue",
    "ß": "ss",
}


def to_ascii(text: str, start: int = 0, end: int | None = None) -> str:
    """The mathematics in ASCII, for a terminal that has no Unicode: W² as W^2, ∂L/∂z₁ as dL/dz_1.

    Of the whole, or of the part from `start` to `end`: what a sign means may depend on what stands beside it.
    """
    found = []
    for at in range(start, len(text) if end is None else end):
        char = text[at]
        raised, lowered = "⁰¹²³⁴⁵⁶⁷⁸⁹".find(char), "₀₁₂₃₄₅₆₇₈₉".find(char)
        if char.isascii():
            found.append(char)
        elif raised >= 0:
            found.append(("" if at and _script(text[at - 1]) == "^" else "^") + str(raised))
        elif lowered >= 0:
            found.append(("" if at and _script(text[at - 1]) == "_" else "_") + str(lowered))
        elif char in "⁽⁾⁻":
            found.append({"⁽": "^(", "⁾": ")", "⁻": "^-"}[char])
        elif char in "ᶻᵃ" and text[at - 1 : at] == "⁻":
            found.append({"ᶻ": "z", "ᵃ": "a"}[char])
        elif char == "·" and _array_before(text[:at]) and _array_after(text[at + 1 :]):
            found.append("@")
        elif char in _ASCII:
            found.append(_ASCII[char].rstrip() if text.startswith("_", at + 1) else _ASCII[char])  # grad_W, not grad _W
        else:
            mark = _script(char)
            plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
            found.append((mark if at and mark != _script(text[at - 1]) else "") + (plain or _spelled(char)))
    return "".join(found)


def _array_before(text: str) -> bool:
    """Whether an array of numbers ends here, turned or not: then · is the product of matrices, and * would not be."""
    text = text.rstrip().removesuffix("ᵀ")
    if text.endswith(")"):  # ([[1, 2]] − [[3, 4]]) · ...
        depth = 0
        for at in range(len(text) - 1, -1, -1):
            depth += (text[at] == ")") - (text[at] == "(")
            if not depth:
                return _array_after(text[at:]) and not text[:at][-1:].isalpha() and text[:at][-1:] != "Σ"
    return text.endswith(tuple("]⎤⎥⎦"))


def _array_after(text: str) -> bool:
    return text.lstrip(" (−").startswith(tuple("[⎡⎢⎣"))


def _script(char: str) -> str:
    """^ for a raised sign, _ for a lowered one, nothing for any other."""
    form = unicodedata.decomposition(char).partition(" ")[0]
    return {"<super>": "^", "<sub>": "_"}.get(form, "")


def _spelled(char: str) -> str:
    """A Greek letter by its name; nothing of a sign that only marks another; else a question mark."""
    if unicodedata.combining(char):
        return ""
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(char, ""))
    return (greek[2].lower() if greek[1] == "SMALL" else greek[2].capitalize()) if greek else "?"


# ---------------------------------------------------------------- on one line


def linear(doc: Doc, limit: int = 8) -> str:
    """A document on one line; matrices as [[1, 2], [3, 4]], at most `limit` entries a row or column."""
    if isinstance(doc, str):
        return doc
    if isinstance(doc, Row):
        return "".join(linear(part, limit) for part in doc.parts)
    if isinstance(doc, Brackets):
        return f"({linear(doc.inner, limit)})"
    if isinstance(doc, Matrix):
        return _linear_matrix(doc, limit)
    over, under = linear(doc.over, limit), linear(doc.under, limit)
    if doc.tight:
        return f"{over}/{under}"
    over = f"({over})" if doc.bracket_over else over
    under = f"({under})" if doc.bracket_under else under
    return f"{over} / {under}"


def _shown(count: int, limit: int) -> list[int | None]:
    """Which of so many entries to show: all, or the first ones, a gap (None) and the last."""
    if count <= limit:
        return list(range(count))
    return [*range(max(limit - 2, 1)), None, count - 1]


def _linear_matrix(doc: Matrix, limit: int) -> str:
    def line(values: np.ndarray) -> str:
        entries = ("…" if i is None else number(values[i], doc.digits) for i in _shown(len(values), limit))
        return f"[{', '.join(entries)}]"

    if doc.values.ndim == 1:
        return line(doc.values) + ("ᵀ" if doc.row else "")
    inner = limit if doc.values.ndim == 2 else min(limit, 4)  # of slices fewer: nobody reads a thousand numbers
    parts = [None if i is None else Matrix(doc.values[i], doc.digits) for i in _shown(len(doc.values), inner)]
    return f"[{', '.join('…' if part is None else _linear_matrix(part, inner) for part in parts)}]"


# ---------------------------------------------------------------- in cells


@dataclass(frozen=True)
class Block:
    """Lines of text of one width; `axis` is the line that stands level with the text beside it."""

    lines: tuple[str, ...]
    columns: int
    axis: int = 0

    @property
    def rows(self) -> int:
        """How many lines it has."""
        return len(self.lines)


def text_block(text: str) -> Block:
    """A block of one line."""
    return Block((text,), width(text))


def beside(blocks: list[Block]) -> Block:
    """Blocks side by side, their axes level."""
    blocks = [b for b in blocks if b.columns] or [text_block("")]
    above = max(b.axis for b in blocks)
    below = max(b.rows - b.axis for b in blocks)
    lines = []
    for at in range(-above, below):
        lines.append("".join(b.lines[b.axis + at] if 0 <= b.axis + at < b.rows else " " * b.columns for b in blocks))
    return Block(tuple(lines), sum(b.columns for b in blocks), above)


def _fraction(over: Block, under: Block) -> Block:
    columns = max(over.columns, under.columns)

    def centred(block: Block) -> list[str]:
        left = (columns - block.columns) // 2
        return [" " * left + line + " " * (columns - block.columns - left) for line in block.lines]

    lines = (*centred(over), "─" * columns, *centred(under))
    return Block(lines, columns, over.rows)


def _fence(block: Block, left: tuple[str, str, str, str], right: tuple[str, str, str, str]) -> Block:
    """A block between two signs: (on one line, top, middle, bottom)."""

    def sign(kind: tuple[str, str, str, str], at: int) -> str:
        if block.rows == 1:
            return kind[0]
        return kind[1] if at == 0 else kind[3] if at == block.rows - 1 else kind[2]

    lines = tuple(sign(left, at) + line + sign(right, at) for at, line in enumerate(block.lines))
    return Block(lines, block.columns + 2, block.axis)


ROUND = ("(", "⎛", "⎜", "⎝"), (")", "⎞", "⎟", "⎠")
SQUARE = ("[", "⎡", "⎢", "⎣"), ("]", "⎤", "⎥", "⎦")


MAX_SLICES = 8  # of more of them the first ones and the last are drawn


def _slices(doc: Matrix, limit_rows: int, limit_columns: int) -> Block:
    """A matrix for each place of the axes before the last two, its place in front: [1,2] ⎡⎤; in lines of several."""
    outer = doc.values.shape[:-2]
    places = list(np.ndindex(*outer))
    shown = _shown(len(places), MAX_SLICES)
    across = max(1, limit_columns // (min(doc.values.shape[-1], limit_columns) + 1))
    if len(outer) == 2:  # a line for each place of the first axis, if they fit
        across = min(across, outer[1])
    drawn: list[Block] = []
    for at in shown:
        if at is None:
            drawn.append(text_block(say("… {n} more …", n=len(places) - len(shown) + 1)))
            continue
        label = f"[{','.join(str(i + 1) for i in places[at])}] "
        inner = matrix_block(Matrix(doc.values[places[at]], doc.digits), limit_rows, limit_columns)
        drawn.append(beside([text_block(label), inner]))
    lines: list[str] = []
    rows = [drawn[at : at + across] for at in range(0, len(drawn), across)]
    widths = [max(row[at].columns for row in rows if at < len(row)) for at in range(min(across, len(drawn)))]
    axis = 0
    for row in rows:
        padded = [_widened(block, columns) for block, columns in zip(row, widths, strict=False)]
        line = beside([part for block in padded for part in (block, text_block("  "))][:-1])
        axis = axis if lines else line.axis
        lines += line.lines
    columns = max(map(width, lines))
    return Block(tuple(pad(line, columns) for line in lines), columns, axis)


def _widened(block: Block, columns: int) -> Block:
    return Block(tuple(pad(line, columns) for line in block.lines), columns, block.axis)


def matrix_block(doc: Matrix, limit_rows: int = 6, limit_columns: int = 6) -> Block:
    """Numbers in columns, right-aligned; a large matrix as its corners, with dots between."""
    values = doc.values
    if values.ndim > 2:
        return _slices(doc, limit_rows, limit_columns)
    if values.ndim == 1:
        values = values[None, :] if doc.row or doc.flat else values[:, None]
    rows, columns = _shown(values.shape[0], limit_rows), _shown(values.shape[1], limit_columns)
    cells = [
        [
            ("⋱" if j is None else "⋮") if i is None else "⋯" if j is None else number(values[i, j], doc.digits)
            for j in columns
        ]
        for i in rows
    ]
    widths = [max(width(row[at]) for row in cells) for at in range(len(columns))]
    lines = tuple(
        "  ".join(" " * (w - width(cell)) + cell for cell, w in zip(row, widths, strict=True)) for row in cells
    )
    inner = Block(lines, sum(widths) + 2 * (len(widths) - 1), (len(lines) - 1) // 2)
    return _fence(inner, *SQUARE)


def draw(doc: Doc, limit_rows: int = 6, limit_columns: int = 6) -> Block:
    """A document in cells, as wide as it needs to be."""
    return Painter(limit_rows, limit_columns).of(doc)


class Painter:
    """Draws documents with so many rows and columns of a matrix at most; each part of one once, however often asked."""

    def __init__(self, limit_rows: int = 6, limit_columns: int = 6):
        self.limits = limit_rows, limit_columns
        self._drawn: dict[int, tuple[Doc, Block]] = {}  # by identity: to compare formulas takes as long as to draw them

    def of(self, doc: Doc) -> Block:
        """A document in cells, as wide as it needs to be."""
        if isinstance(doc, str):
            return text_block(doc)
        if id(doc) in self._drawn:
            return self._drawn[id(doc)][1]
        if isinstance(doc, Row):
            block = beside([self.of(part) for part in doc.parts])
        elif isinstance(doc, Brackets):
            block = _fence(self.of(doc.inner), *ROUND)
        elif isinstance(doc, Matrix):
            block = matrix_block(doc, *self.limits)
        else:
            block = _fraction(self.of(doc.over), self.of(doc.under))
        self._drawn[id(doc)] = doc, block
        return block


def flow(docs: list[Doc], columns: int, indent: int = 0, limit_rows: int = 6, limit_columns: int = 6) -> list[str]:
    """The documents one after the other, broken before a part that would not fit in `columns`.

    Breaks at the parts of a Row (a sum's terms, a product's factors), later lines indented. A part
    wider than the room is written on one line and cut into pieces, so that nothing is lost.
    """
    drawing = Painter(limit_rows, limit_columns)
    lines: list[Block] = []
    current: list[Block] = []

    def used() -> int:
        return sum(b.columns for b in current)

    def push() -> None:
        if current:
            lines.append(beside(list(current)))
            current.clear()

    for part in _atoms(docs, max(columns - indent, 8), drawing):
        drawn = drawing.of(part)
        if current and used() + drawn.columns > columns and drawn.lines != (" ",):
            carried = _hanging(current, drawn, columns - indent, bool(lines and indent))
            push()
            if indent:
                current.append(text_block(" " * indent))
            current += carried
            if drawn.rows == 1 and drawn.lines[0].startswith(" "):
                drawn = text_block(drawn.lines[0].lstrip())
        room = columns - used()
        if drawn.columns > room:
            for piece in _pieces(linear(part), max(min(room, columns - indent), 8)):
                if used() + width(piece.rstrip()) > columns:
                    push()
                    current.append(text_block(" " * indent))
                current.append(text_block(piece))
            continue
        current.append(drawn)
    push()
    return [line.rstrip() for block in lines for line in block.lines]


def _hanging(current: list[Block], after: Block, columns: int, indented: bool) -> list[Block]:
    """What is taken off a line's end to stand before the next part: a sign that belongs to it, as of a root."""
    at, wide = len(current), after.columns
    while at > indented:
        before = current[at - 1]
        if after.lines[after.axis].startswith(" ") or before.lines[before.axis].endswith(" "):
            break
        at -= 1
        after = current[at]
        wide += after.columns
    if at <= indented or wide > columns:
        return []
    carried = current[at:]
    del current[at:]
    return carried


def _pieces(text: str, columns: int) -> list[str]:
    """A formula cut into pieces of at most so many cells, at its spaces where there are any."""
    found = [""]
    for word in re.split(r"(?<= )", text):
        if found[-1] and width(found[-1]) + width(word.rstrip()) > columns:
            found.append("")
        first, *more = pieces(found[-1] + word, columns) if width(word.rstrip()) > columns else [found[-1] + word]
        found[-1:] = [first, *more]
    return found


def _atoms(docs: list[Doc], columns: int, drawing: Painter) -> list[Doc]:
    """The parts that a line may be broken between; high brackets are opened only where they are wider than a line."""
    found: list[Doc] = []
    stack = list(reversed(docs))
    while stack:
        doc = stack.pop()
        if isinstance(doc, Row) and not _stays(doc, columns, drawing):
            *before, last = doc.parts
            if _is_function(doc) and isinstance(last, Brackets) and isinstance(last.inner, Row):
                stack.extend((")", *reversed(last.inner.parts), "(", *reversed(before)))  # too wide for its brackets
            else:
                stack.extend(reversed(doc.parts))
        elif isinstance(doc, Brackets) and _opens(doc, columns, drawing):
            assert isinstance(doc.inner, Row)
            stack.extend((")", *reversed(doc.inner.parts), "("))
        else:
            found.append(doc)
    return found


def _is_function(doc: Row) -> bool:
    return len(doc.parts) == 2 and isinstance(doc.parts[0], str) and isinstance(doc.parts[1], Brackets)


def _stays(doc: Row, columns: int, drawing: Painter) -> bool:
    """Whether it is a function with matrices in its brackets that fits in a line, or a short one, as 1(3 = 1)."""
    if not _is_function(doc):
        return False
    drawn = drawing.of(doc)
    return drawn.columns <= (columns if drawn.rows > 1 else min(columns, max(16, columns // 4)))


def _opens(doc: Brackets, columns: int, drawing: Painter) -> bool:
    if not isinstance(doc.inner, Row):
        return False
    drawn = drawing.of(doc)
    return drawn.rows == 1 or drawn.columns > columns


def _has_matrix(doc: Doc) -> bool:
    """Whether how many columns are shown makes a difference."""
    if isinstance(doc, Row):
        return any(map(_has_matrix, doc.parts))
    if isinstance(doc, Brackets):
        return _has_matrix(doc.inner)
    return isinstance(doc, Matrix) or (isinstance(doc, Frac) and (_has_matrix(doc.over) or _has_matrix(doc.under)))


def chain(docs: list[Doc], columns: int, limit_rows: int = 8) -> list[tuple[int, str]]:
    """name = formula = numbers = value, the = signs below each other: (which document, line).

    Matrices show fewer columns where the room is narrow; what still does not fit is broken.
    """
    name, *rest = docs
    lead = draw(name)
    aside = lead.columns > columns // 3 and any(draw(doc).columns + lead.columns + 3 > columns for doc in rest)
    lines = [(0, line) for line in lead.lines] if aside or not rest else []
    indent = 0 if aside else lead.columns
    for at, doc in enumerate(rest, start=1):
        head = lead if at == 1 and not aside else Block((" " * indent,), indent)
        room = columns - indent - 3
        for limit in (10, 8, 6, 5, 4, 3) if _has_matrix(doc) else (10,):
            block = draw(doc, limit_rows, limit)
            if block.columns <= room:
                lines += [(at, line.rstrip()) for line in beside([head, text_block(" = "), block]).lines]
                break
        else:
            if at == 1 and not aside:
                lines += [(0, line) for line in lead.lines]
                indent = 0
            lines += [
                (at, " " * (indent + 1) + line) for line in flow(["= ", doc], columns - indent - 1, 2, limit_rows, 3)
            ]
    return lines
