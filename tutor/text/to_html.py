"""Documents (`layout.py`) as HTML for a page, and as words for who hears it; the author's Markdown as HTML.

Every text is data: escaped, and what could steer or hide written out. Nothing here makes a link or names an address.
A fraction, brackets and a matrix are spans that a style sheet lays out, so that a long formula still wraps.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from tutor.text.card import Equality
from tutor.text.language import say, say_in
from tutor.text.layout import Brackets, Doc, Frac, Matrix, Row, number
from tutor.text.output import shown
from tutor.text.to_latex import kept

MAX_SLICES = 8  # of an array of three axes or more

# Signs as they are read out, each a message in the context "spoken". A raised or lowered sign is found by what Unicode
# says that it stands for.
_SIGNS = {
    "∂": "partial", "∇": "nabla", "·": "times", "×": "times", "−": "minus", "+": "plus", "=": "equals", "/": "over",
    "′": "prime", "Σ": "the sum of", "√": "the root of", "⊙": "times, cell by cell,", "∘": "times, cell by cell,",
    "⊘": "over, cell by cell,", "∗": "convolved with", "≤": "at most", "≥": "at least", "≠": "is not",
    "≈": "is about", "∈": "in", "→": "to", "←": "from", "∞": "infinity", "‖": "norm", "⋯": "and so on",
    "…": "and so on", "½": "one half",
}  # fmt: skip
_GRADIENT_IN = re.compile(r"∇_(\S+)")  # what it is the gradient in stands below the line
_ACCENTS = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar"}
_SHIFTED = {"<super>": "superscript", "<sub>": "sub"}
SPOKEN = dict.fromkeys((*_SIGNS.values(), *_ACCENTS.values(), *_SHIFTED.values(), "by"))  # all of those messages


def _read_out(word: str) -> str:
    return say_in("spoken", word)


def escaped(text: str) -> str:
    """A text that HTML shows as it stands, in an element or an attribute."""
    return html.escape(shown(text))


# ---------------------------------------------------------------- formulas


def formula(doc: Doc) -> str:
    """A document as HTML."""
    if isinstance(doc, str):
        return _GRADIENT_IN.sub(r"∇<sub>\1</sub>", escaped(doc))
    if isinstance(doc, Row):
        return "".join(map(formula, doc.parts))
    if isinstance(doc, Brackets):
        return f'<span class="br">{formula(doc.inner)}</span>'
    if isinstance(doc, Frac):
        return f'<span class="fr"><span>{formula(doc.over)}</span><span>{formula(doc.under)}</span></span>'
    return _matrix(doc)


def _matrix(doc: Matrix) -> str:
    values = doc.values
    if values.ndim > 2:
        places = list(np.ndindex(*values.shape[:-2]))
        parts = [
            f'<span class="slice">[{",".join(str(i + 1) for i in at)}] {_matrix(Matrix(values[at], doc.digits))}</span>'
            for at in places[:MAX_SLICES]
        ]
        if (left := len(places) - MAX_SLICES) > 0:
            parts.append(escaped(say("… {n} more", n=left)))
        return " ".join(parts)
    rows = "".join(f"<span>{''.join(f'<span>{cell}</span>' for cell in row)}</span>" for row in _cells(doc))
    return f'<span class="mat">{rows}</span>'


def _cells(doc: Matrix) -> Iterator[list[str]]:
    """The rows of a matrix as texts; of a large one its corners."""
    values = doc.values
    if values.ndim == 1:
        values = values[None, :] if doc.row or doc.flat else values[:, None]
    columns = kept(values.shape[1])
    for i in kept(values.shape[0]):
        yield ["…" if i is None or j is None else number(float(values[i, j]), doc.digits) for j in columns]


def equality(line: Equality, kind: str = "") -> str:
    """name = formula = numbers = value with the = signs below each other, and in words for who hears it."""
    name, *rest = line.docs
    said = escaped(" ".join(spoken_line(line.docs).split()))
    if not rest:
        inner = f"<div>{formula(name)}</div>"
    else:
        lead = f'<div class="name">{formula(name)}</div>'
        inner = lead + '<div class="eqs">' + "".join(f"<div>= {formula(doc)}</div>" for doc in rest) + "</div>"
    reason = f'<p class="reason">{escaped(line.reason)}</p>' if line.reason else ""
    return f'<div class="chain {kind}" role="math" aria-label="{said}">{inner}</div>{reason}'


def spoken_line(docs: Sequence[Doc]) -> str:
    """name = formula = numbers = value in words."""
    return f" {_read_out('equals')} ".join(map(spoken, docs))


def spoken(doc: Doc) -> str:
    """A formula in words: 'partial L over partial z sub 1', 'matrix, 1 row of 2: 0.5, minus 1'."""
    if isinstance(doc, str):
        return _words(doc)
    if isinstance(doc, Row):
        return "".join(map(spoken, doc.parts))
    if isinstance(doc, Brackets):
        return f" ( {spoken(doc.inner)} ) "
    if isinstance(doc, Frac):
        over, under = spoken(doc.over), spoken(doc.under)
        if doc.tight:
            return f" {over} {_read_out('over')} {under} "
        return f" {say('the fraction {over} over {under}, end of fraction,', over=over, under=under)} "
    return f" {_spoken_matrix(doc)} "


def _spoken_matrix(doc: Matrix) -> str:
    if doc.values.ndim > 2:
        return say("an array of {shape} numbers", shape=f" {_read_out('by')} ".join(map(str, doc.values.shape)))
    rows = [", ".join(_words(cell) for cell in row) for row in _cells(doc)]
    if len(rows) == 1:
        return say("the row {cells}", cells=rows[0])
    if doc.values.ndim == 1:
        return say("the column {cells}", cells=", ".join(rows))
    return say("the matrix with rows {rows}", rows="; ".join(rows))


def _words(text: str) -> str:
    found: list[str] = []
    script = ""
    for char in unicodedata.normalize("NFC", text):
        form, _, meant = unicodedata.decomposition(char).partition(" ")
        now = _SHIFTED.get(form, "")
        if now:
            plain = chr(int(meant.split()[0], 16))
            found.append((f" {_read_out(now)} " if now != script else "") + (_sign(plain) or plain))
        elif char == "_" and found[-1:] == [_sign("∇")]:
            found.append(f"{_read_out('in')} ")
        elif char in _SIGNS:
            found.append(_sign(char))
        else:
            letter, *marks = list(unicodedata.normalize("NFD", char))
            heard = [_read_out(_ACCENTS[mark]) for mark in marks if mark in _ACCENTS]
            apart = " " if script and char.isalnum() else ""
            found.append(apart + (f"{letter} {' '.join(heard)}" if heard else char))
        script = now
    return "".join(found)


def _sign(char: str) -> str:
    """A sign as it is read out, with room around it; "" of any other character."""
    return f" {_read_out(_SIGNS[char])} " if char in _SIGNS else ""


# ---------------------------------------------------------------- prose


def markdown(text: str) -> str:
    """An author's Markdown as HTML: no markup of the author's own, and of a link the text and where it leads.

    Prose that runs from right to left has its names, numbers and formulas kept in their own order.
    """
    text = shown(text)
    if not _RIGHT_TO_LEFT.search(text):
        return str(_parser().render(text))
    parser, env = _parser(), {"apart": True}
    tokens = parser.parse(text, env)
    for token in tokens:
        if token.type in _BLOCKS:
            token.attrSet("dir", "auto")
    return str(parser.renderer.render(tokens, parser.options, env))


_BLOCKS = frozenset(f"{block}_open" for block in "paragraph heading bullet_list ordered_list th td".split())
_LETTERS = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe"  # Hebrew, Arabic and their neighbours
_RIGHT_TO_LEFT = re.compile(f"[{_LETTERS}]")
# What has no such letters, from its first sign to its last but for the marks that end a sentence: a name, a formula.
_APART = re.compile(rf"([^\s{_LETTERS},;:!?]+(?:\s+[^\s{_LETTERS}]+)*(?<![\s.,:;!?]))")


def element(tag: str, text: str, attributes: str = "") -> str:
    """A text in an element; one from right to left with its direction, and its names and numbers in theirs."""
    if not _RIGHT_TO_LEFT.search(text):
        return f"<{tag}{attributes}>{escaped(text)}</{tag}>"
    return f'<{tag}{attributes} dir="auto">{_apart(shown(text))}</{tag}>'


def _apart(text: str) -> str:
    """What runs from right to left, with its names, numbers and formulas kept in their own order."""
    parts = _APART.split(text)  # what stands apart is every second part
    return "".join(
        f'<bdi dir="ltr">{html.escape(part)}</bdi>' if n % 2 and re.search(r"\w", part) else html.escape(part)
        for n, part in enumerate(parts)
    )


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt
    from markdown_it.common.utils import escapeHtml

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")

    def image(renderer: Any, tokens: Any, at: int, options: Any, env: Any) -> str:
        return html.escape(f"{tokens[at].content} ({tokens[at].attrGet('src')})")

    def opens(renderer: Any, tokens: Any, at: int, options: Any, env: Any) -> str:
        env.setdefault("links", []).append((tokens[at].attrGet("href"), tokens[at].info == "auto"))
        return ""

    def closes(renderer: Any, tokens: Any, at: int, options: Any, env: Any) -> str:
        address, bare = env["links"].pop()
        return "" if bare else html.escape(f" ({address})")

    def heading(renderer: Any, tokens: Any, at: int, options: Any, env: Any) -> str:
        return str(re.sub("h[1-6]", "h3", renderer.renderToken(tokens, at, options, env)))

    def words(renderer: Any, tokens: Any, at: int, options: Any, env: Any) -> str:
        text = tokens[at].content
        return _apart(text) if env.get("apart") else str(escapeHtml(text))

    for name, rule in (("image", image), ("text", words), ("link_open", opens), ("link_close", closes),
                       ("heading_open", heading), ("heading_close", heading)):  # fmt: skip
        parser.add_render_rule(name, rule)
    return parser
