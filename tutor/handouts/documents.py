"""Sheets and keys as documents: one entry of `DOCUMENTS` a format. Each stands alone: no network, no other file.

Text of a lesson is data in all of them: escaped for HTML, Markdown, LaTeX and Typst, and never a command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html import escape

from tutor.handouts.sheets import Block, CellGrid, Heading, Paragraph, Picture, Points, Room, Table
from tutor.text.language import language
from tutor.text.to_html import element
from tutor.text.to_latex import latex


@dataclass(frozen=True)
class Document:
    """A format of documents: its suffix, and what makes one of a title and blocks."""

    suffix: str
    write: Callable[[str, Iterable[Block]], str]


# ---------------------------------------------------------------- HTML

_CSS = """
@page { margin: 18mm }
body { font: 11pt/1.45 "DejaVu Sans", Verdana, sans-serif; max-width: 44em; margin: 1em auto; padding: 0 1em }
h1 { font-size: 15pt; break-before: page } h1:first-child { break-before: auto }
h2 { font-size: 12.5pt } h3 { font-size: 11pt; margin-bottom: .2em }
table { border-collapse: collapse; margin: .4em 0; break-inside: avoid }
td, th { border: 1px solid #888; padding: .15em .6em } th { text-align: left; font-weight: normal; font-style: italic }
.formula { font-family: "DejaVu Sans Mono", monospace; font-size: 10pt; margin: .2em 0 }
.room { border-bottom: 1px solid #bbb; height: 2em }
.grid { display: flex; align-items: center; gap: .6em; margin: .3em 0 .8em }
.grid td { min-width: 4.5em; height: 1.7em; text-align: center } ul { list-style: none; padding-left: .5em }
svg { max-width: 100%; height: auto } @media print { body { max-width: none } a { color: inherit } }
"""


def _html(title: str, blocks: Iterable[Block]) -> str:
    body = "\n".join(line for block in blocks for line in _html_block(block))
    return (
        f'<!DOCTYPE html>\n<html lang="{language()}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _html_block(block: Block) -> Iterator[str]:
    match block:
        case Heading(text, level):
            yield element(f"h{level}", text)
        case Paragraph(text, mathematics):
            yield f'<p class="formula">{escape(text)}</p>' if mathematics else element("p", text)
        case Picture(drawing):
            yield drawing.svg()
        case Table(rows, head):
            top = "".join(element("th", cell) for cell in head)
            lines = "".join(f"<tr>{''.join(element('td', cell) for cell in row)}</tr>" for row in rows)
            yield f"<table>{f'<tr>{top}</tr>' if head else ''}{lines}</table>"
        case Room(lines):
            yield '<div class="room"></div>' * lines
        case CellGrid(name, rows, columns, cells):
            lines = "".join(
                f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
                for row in _rows(rows, columns, cells)
            )
            yield f'<div class="grid"><span>{escape(name)} =</span><table>{lines}</table></div>'
        case Points(items):
            yield f"<ul>{''.join(element('li', item) for item in items)}</ul>"


def _rows(rows: int, columns: int, cells: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The cells row by row; empty ones where there are none."""
    filled = cells or ("",) * (rows * columns)
    return [filled[at * columns : (at + 1) * columns] for at in range(rows)]


# ---------------------------------------------------------------- Markdown


def _markdown(title: str, blocks: Iterable[Block]) -> str:
    return "\n".join(line for block in blocks for line in _markdown_block(block)) + "\n"


def _markdown_block(block: Block) -> Iterator[str]:
    match block:
        case Heading(text, level):
            yield f"\n{'#' * level} {_md(text)}\n"
        case Paragraph(text, mathematics):
            yield f"    {text}\n" if mathematics else f"{_md(text)}\n"
        case Picture(drawing):
            yield f"{drawing.svg()}\n"
        case Table(rows, head):
            columns = max((len(row) for row in rows), default=len(head))
            yield from _md_table(head or ("",) * columns, rows)
        case Room(lines):
            yield "\n".join(["_" * 60 + "\n"] * lines)
        case CellGrid(name, rows, columns, cells):
            yield f"{_md(name)} =\n"
            yield from _md_table(("",) * columns, _rows(rows, columns, cells))
        case Points(items):
            yield "".join(f"- {_md(item)}\n" for item in items)


def _md_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    first = [_md(cell) for cell in head]
    yield f"| {' | '.join(cell or '   ' for cell in first)} |"
    yield f"|{' --- |' * len(first)}"
    for row in rows:
        yield f"| {' | '.join(_md(cell) or '   ' for cell in row)} |"
    yield ""


def _md(text: str) -> str:
    """A text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", text.replace("\n", " "))


# ---------------------------------------------------------------- LaTeX

_BABEL = {"de": "ngerman"}  # the name of a language in LaTeX; in English LaTeX is without
_OTHER_SCRIPT = re.compile("[\u0400-\u1cff\u2e80-\ud7ff\uf900-\uffef\U00020000-\U0003ffff]")  # neither Latin nor Greek
_TEX = r"""\documentclass[11pt,a4paper]{article}
"""
_LATIN = r"""\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
"""
_ANY_SCRIPT = r"""% Letters of other scripts: for LuaLaTeX or XeLaTeX, with \setmainfont{...} a font that has them.
\usepackage{fontspec}
"""
_PACKAGES = r"""\usepackage{amsmath,amssymb,tikz}
\usepackage[margin=22mm]{geometry}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt}
\newcommand{\room}{\par\vspace{7mm}\hrule}
"""


def _tex(title: str, blocks: Iterable[Block]) -> str:
    body = "\n".join(line for block in blocks for line in _tex_block(block))
    # From babel's own tables: they come with any LaTeX, and in them a quotation mark is no command.
    own = f"\\usepackage[{name},provide=*]{{babel}}\n" if (name := _BABEL.get(language())) else ""
    fonts = _ANY_SCRIPT if _OTHER_SCRIPT.search(body) else _LATIN
    return f"{_TEX}{fonts}{_PACKAGES}{own}\\begin{{document}}\n{body}\n\\end{{document}}\n"


def _tex_block(block: Block) -> Iterator[str]:
    match block:
        case Heading(text, level):
            command = {1: r"\clearpage\section*", 2: r"\subsection*"}.get(level, r"\subsubsection*")
            yield f"{command}{{{tex(text)}}}"
        case Paragraph(text, mathematics):
            yield rf"\[ {latex(text)} \]" if mathematics and len(text) < 90 else tex(text) + "\n"
        case Picture(drawing):
            width = min(1.0, 440 / max(drawing.width * 0.75, 1))
            yield rf"\scalebox{{{width:.2f}}}{{{drawing.tikz()}}}" + "\n"
        case Table(rows, head):
            columns = max((len(row) for row in (*rows, head)), default=1)
            yield rf"\begin{{tabular}}{{|{'l|' * (columns - 1)}p{{0.6\textwidth}}|}}\hline"
            for row in (*([head] if head else []), *rows):
                yield " & ".join(tex(cell) for cell in row) + r" \\ \hline"
            yield "\\end{tabular}\n"
        case Room(lines):
            yield r"\room" * lines + "\n"
        case CellGrid(name, rows, columns, cells):
            yield rf"${latex(name)} = $ \renewcommand{{\arraystretch}}{{1.4}}"
            yield rf"\begin{{tabular}}{{|{'c|' * columns}}}\hline"
            for row in _rows(rows, columns, cells):
                yield " & ".join(tex(cell) or r"\hspace{14mm}" for cell in row) + r" \\ \hline"
            yield "\\end{tabular}\\renewcommand{\\arraystretch}{1}\n"
        case Points(items):
            yield r"\begin{itemize}"
            yield "\n".join(rf"\item[] {tex(item)}" for item in items)
            yield r"\end{itemize}"


_SPECIAL = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "☐": r"$\square$",
    "„": r"\quotedblbase{}", "‚": r"\quotesinglbase{}", "‘": "`",
    "“": "``", "”": "''", "—": "---", "–": "--", "−": "$-$", "…": r"\dots{}",
}  # fmt: skip


def tex(text: str) -> str:
    """Words as LaTeX text; what has signs of mathematics in it as mathematics."""
    return "".join(_tex_word(word) for word in re.split(r"(\s+|[„“”‚‘]+|[.,;:?!]+(?=\s|$))", text))


def _tex_word(word: str) -> str:
    if not word or word.isspace():
        return " " if word else ""
    plain = all(c.isascii() or c in _SPECIAL or "À" <= c <= "ž" or _OTHER_SCRIPT.match(c) for c in word)
    if plain and not re.fullmatch(r"[A-Za-z]_\w+", word):
        return "".join(_SPECIAL.get(char, char) for char in word if char.isprintable())
    return f"${latex(word)}$"


# ---------------------------------------------------------------- Typst

_TYP = """#set page(paper: "a4", margin: 20mm)
#set text(lang: "{language}", font: ("Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono"), size: 11pt)
#set par(justify: false)
#let room = block(above: 8mm, line(length: 100%, stroke: 0.4pt + gray))
"""


def _typ(title: str, blocks: Iterable[Block]) -> str:
    return _TYP.format(language=language()) + "\n".join(line for block in blocks for line in _typ_block(block)) + "\n"


def _typ_block(block: Block) -> Iterator[str]:
    match block:
        case Heading(text, level):
            if level == 1:
                yield "#pagebreak(weak: true)"
            yield f"#heading(level: {level}, {_typ_text(text)})"
        case Paragraph(text, mathematics):
            size = "10pt" if mathematics else "11pt"
            yield f"#par(text(size: {size}, {_typ_text(text)}))"
        case Picture(drawing):
            width = min(drawing.width * 0.75, 470)
            svg = drawing.svg().replace("currentColor", "black")
            yield f'#image(bytes({_typ_text(svg)}), format: "svg", width: {width:.0f}pt)'
        case Table(rows, head):
            columns = max((len(row) for row in (*rows, head)), default=1)
            cells = ", ".join(_typ_text(cell) for row in (*([head] if head else []), *rows) for cell in row)
            yield f"#table(columns: {columns}, {cells})"
        case Room(lines):
            yield "#room\n" * lines
        case CellGrid(name, rows, columns, cells):
            filled = ", ".join(_typ_text(cell) for row in _rows(rows, columns, cells) for cell in row)
            table = f"table(columns: ({'20mm, ' * columns}), rows: 7mm, align: center + horizon, {filled})"
            yield f"#grid(columns: 2, gutter: 3mm, align: horizon, {_typ_text(name + ' =')}, {table})"
        case Points(items):
            yield "\n".join(f"#par({_typ_text(item)})" for item in items)


def _typ_text(text: str) -> str:
    """A text as a string of Typst: nothing in it is code."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{"".join(char for char in escaped if char.isprintable())}"'


DOCUMENTS: dict[str, Document] = {
    "html": Document("html", _html),
    "md": Document("md", _markdown),
    "tex": Document("tex", _tex),
    "typ": Document("typ", _typ),
}
