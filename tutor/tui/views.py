"""What the player's panes show: pure functions from a cursor and its trace to styled lines."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tutor.engine.lesson import Lesson, Level
from tutor.engine.trace import Step, Trace
from tutor.play.names import names
from tutor.play.playback import Cursor
from tutor.text.card import Card, Equality, Scribe
from tutor.text.cells import cut, folded, pad, pieces, width, window
from tutor.text.language import say, say_in
from tutor.text.layout import chain, flow, linear, number
from tutor.text.lines import general_line
from tutor.text.one_page import OnePage, equations
from tutor.text.words import quoted
from tutor.tui.lines import Line, line

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

ROLES = ("heading", "formula", "numbers", "value")
WRAP = 84  # prose in longer lines is hard to read


def wrapped(text: str, columns: int, style: str = "", indent: str = "") -> list[Line]:
    """A text in lines of at most so many cells, and no more than WRAP."""
    room = max(min(columns, WRAP) - len(indent), 12)
    parts = folded(text, room) if width(text) != len(text) else textwrap.wrap(text, room, break_long_words=True)
    return [Line(((indent, "dim"), (part, style)) if indent else ((part, style),)) for part in parts]


# ---------------------------------------------------------------- the card


def card_lines(card: Card, step: Step, level: Level, columns: int, rows: int, walked: bool = True) -> list[Line]:
    """The step's card, `columns` wide; matrices show at most as many rows as there is room for."""
    position = say("step {id} · {shape}", id=card.id, shape=card.shape)
    lines = [Line(((card.title, "title"), ("  ", ""), (position, "dim")))]
    if width(card.title) + 2 + width(position) > columns:
        lines = [line(text, "title") for text in textwrap.wrap(card.title, columns)] + [line(position, "dim")]
    if card.warning:
        lines += wrapped(card.warning, columns, "error")
    if card.line and level != "story":
        lines += wrapped(card.line, columns, "", say("in the line  "))
    lines.append(line())
    if level == "story":
        lines += conversation_lines(card, columns) if card.turns else wrapped(card.story, columns)
    else:
        lines += chain_lines(card.main, columns, rows)
        if card.unfolded:
            lines += wrapped(card.unfolded, columns, "dim")
        if level == "matrix" and card.dimensions:
            lines += [line(), *wrapped(say("sizes  {sizes}", sizes=card.dimensions), columns, "numbers")]
        lines += [line()] if card.where else []
        for item in card.where:
            lines += where_lines(item, columns)
        lines.append(line())
        lines += wrapped(card.why, columns)
        if card.general:
            lines += wrapped(general_line(card.general), columns, "dim")
        if level == "matrix" and card.reuse:
            lines += [line(), *wrapped(card.reuse, columns, "note")]
        if card.derivation:
            how, walk = say("How it comes about"), say("   c walks it from the beginning")
            lines += [line(), Line(((how, "heading"), (walk, "dim")))]
            for item in card.derivation:
                lines += derivation_lines(item, columns)
        if level == "scalar" and step.index and math.prod(step.equation.symbol.shape) > 1:
            lines += [line(), *cell_lines(step, columns, walked)]
    for note in card.notes:
        lines += [line(), *note_lines(note, columns)]
    return lines


def opening(lines: list[Line], card: Card, level: Level) -> int:
    """The line that a new card opens at: of a conversation a little before what is said now, else the first."""
    if level != "story" or not card.turns:
        return 0
    return max(lines.index(line(card.turns[0].speaker, "heading")) - 5, 0)


def conversation_lines(card: Card, columns: int) -> list[Line]:
    """Who has said what so far, a line each, and then what is said now."""
    lines: list[Line] = []
    for turn in card.before:
        passes = f" → {turn.passes.partition(': ')[2]}" if turn.passes else ""
        passes = cut(passes, columns // 2)
        lines.append(line(cut(f"{turn.speaker}: {quoted(turn.words)}", columns - width(passes)) + passes, "dim"))
    for turn in card.turns:
        lines += [line(), line(turn.speaker, "heading"), *wrapped(quoted(turn.words), columns, "", "  ")]
        if turn.passes:
            lines += wrapped(turn.passes, columns, "value", "  → ")
    return lines


def chain_lines(item: Equality, columns: int, rows: int) -> list[Line]:
    """name = formula = numbers = value, the value standing out."""
    limit = max(4, min(12, rows // 3))
    drawn = chain(list(item.docs), columns, limit)
    airy = rows >= 30 and any("⎢" in text or "⎡" in text for _, text in drawn)  # matrices: space where there is room
    lines: list[Line] = []
    before = 0
    for at, text in drawn:
        lines += [line()] if airy and at > max(before, 1) else []
        before = at
        lines.append(line(text, role(item, at)))
    return lines


def role(item: Equality, at: int) -> str:
    """The style of a document of a chain: its name, a formula, the numbers, the value."""
    if at and at == len(item.docs) - 1:
        return ROLES[3]
    return ROLES[0 if not at else 1 if at <= item.formulas else 2]


def where_lines(item: Equality, columns: int) -> list[Line]:
    """What a sign in the formula stands for: name = formula = value."""
    docs = [item.docs[0]]
    for doc in item.docs[1:]:
        docs += [" = ", doc]
    where = say("where ")
    indent = " " * width(where)
    parts = flow(docs, columns - width(where), 4, 4, 4)
    tall = len(parts) > 3 or columns < 40
    texts = [" = ".join(linear(doc, 4) for doc in item.docs)] if tall else parts
    if tall:
        first, *more = wrapped(texts[0], columns, "numbers", indent)
        return [Line(((where, "dim"), *first.spans[1:])), *more]
    axis = next((at for at, text in enumerate(parts) if " = " in text), 0)  # a tall value may stand below it, or above
    return [Line(((where if at == axis else indent, "dim"), (text, "numbers"))) for at, text in enumerate(texts)]


def derivation_lines(item: Equality, columns: int) -> list[Line]:
    """A line of a derivation: its reason, the formula, the numbers."""
    lines = [Line((("  ", ""), (part, "dim"))) for part in textwrap.wrap(item.reason, max(min(columns, WRAP) - 4, 20))]
    for doc, style in zip(item.docs, ("formula", "numbers"), strict=False):
        lines += [line("  " + text, style) for text in flow(["= ", doc], columns - 4, 4, 6, 4)]
    return lines


def slice_of(whole: np.ndarray, index: tuple[int, ...]) -> tuple[np.ndarray, int, int]:
    """The matrix that an element stands in (of a vector a column, above rank 2 its slice), its row and its column."""
    if whole.ndim == 1:
        return whole[:, None], index[0], 0
    return whole[index[:-2]], index[-2], index[-1]


def cell_lines(step: Step, columns: int, walked: bool = True) -> list[Line]:
    """The whole vector or matrix with this element marked; `walked`: the arrow keys go from cell to cell."""
    whole = np.asarray(step.at(None).value, dtype=float)
    assert step.index is not None
    grid, row, column = slice_of(whole, step.index)
    top, left = window(row, grid.shape[0], 6), window(column, grid.shape[1], max(1, min(6, (columns - 4) // 12)))
    shown = [[number(grid[i, j]) for j in left] for i in top]
    size = max(width(text) for cells in shown for text in cells)
    at = "[" + ", ".join(str(i + 1) for i in step.index) + "]"
    sizes = " × ".join(map(str, whole.shape))
    if whole.ndim > 2:
        part = ", ".join(str(i + 1) for i in step.index[:-2])
        said = say("Element {at} of {sizes}, slice [{slice}]", at=at, sizes=sizes, slice=part)
    else:
        said = say("Element {at} of {sizes}", at=at, sizes=sizes)
    lines = [line(said + (say("   ← ↑ ↓ → walk the cells") if walked else ""), "dim")]
    for i, cells in zip(top, shown, strict=True):
        spans: list[tuple[str, str]] = [("  ", "")]
        for j, text in zip(left, cells, strict=True):
            here = (i, j) == (row, column)
            spans.append((f"{'▸' if here else ' '}{pad(text, size)} ", "cell" if here else "numbers"))
        lines.append(Line(tuple(spans)))
    return lines


# ---------------------------------------------------------------- notes


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


def note_lines(text: str, columns: int) -> list[Line]:
    """An author's note: Markdown paragraphs, lists, emphasis and code, behind a bar."""
    lines: list[Line] = []
    bullets: list[int] = []
    mark = ""
    for token in _markdown().parse(text):
        if token.type in ("bullet_list_open", "ordered_list_open"):
            bullets.append(int(token.attrGet("start") or 1) if token.type.startswith("ordered") else 0)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            bullets.pop()
        elif token.type == "list_item_open" and bullets:
            mark = "  " * (len(bullets) - 1) + (f"{bullets[-1]}. " if bullets[-1] else "• ")
            bullets[-1] += bullets[-1] > 0
        elif token.type in ("fence", "code_block"):
            code = [piece for part in token.content.rstrip("\n").split("\n") for piece in pieces(part, columns - 2)]
            lines += [Line((("│ ", "note"), (part, "numbers"))) for part in code]
        elif token.type == "inline":
            if lines and not bullets:
                lines.append(line("│", "note"))
            lines += [
                Line((("│ ", "note"), *spans))
                for spans in _wrap_spans(list(_inline(token.children or [])), min(columns, WRAP) - 2, mark)
            ]
            mark = " " * len(mark) if bullets else ""
    return lines


def _inline(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    style: list[str] = []
    for token in tokens:
        if token.type in ("strong_open", "em_open"):
            style.append(token.type.removesuffix("_open"))
        elif token.type in ("strong_close", "em_close"):
            style.pop()
        elif token.type == "code_inline":
            yield token.content, "value"
        elif token.type in ("softbreak", "hardbreak"):
            yield " ", ""
        elif token.content:
            yield token.content, style[-1] if style else ""


def _wrap_spans(spans: list[tuple[str, str]], columns: int, mark: str) -> list[tuple[tuple[str, str], ...]]:
    """Spans broken into lines at spaces, the first after `mark`, the others as far in."""
    rows: list[list[tuple[str, str]]] = [[(mark, "mark")]]
    used = len(mark)
    for text, style in spans:
        for at, word in enumerate(text.split(" ")):
            space = 1 if at and used > len(mark) else 0
            if used + space + width(word) > columns and used > len(mark):
                rows.append([(" " * len(mark), "")])
                used, space = len(mark), 0
            rows[-1].append((" " * space + word, style))
            used += space + width(word)
    return [tuple(row) for row in rows]


# ---------------------------------------------------------------- names


def names_lines(trace: Trace, scribe: Scribe) -> list[Line]:
    """Every name of this lesson in the learner's notation, with what it stands for: no value among them."""
    found = names(trace, scribe)
    size = min(max((width(name) for name, _ in found), default=0), 20)
    return [Line(((f"{pad(name, size)}  ", "heading"), (said, ""))) for name, said in found]


def page_lines(page: OnePage, columns: int) -> list[Line]:
    """The whole algorithm on one page: its formulas for any layer, what they are here, and the letters."""
    lines = [line(part, "title") for part in textwrap.wrap(page.title, columns)]
    for part in page.parts:
        lines += [line(), *wrapped(part.heading, columns, "heading")]
        for entry in part.entries:
            for of, (name, formula) in equations(entry):
                indent, style = ("    ", "numbers") if of else ("  ", "formula")
                drawn = f"{linear(name)} = {linear(formula)}"
                lines += [line(indent + text, style) for text in textwrap.wrap(drawn, columns - len(indent))]
            lines += wrapped(say("here {it}", it=entry.here), columns, "dim", "      ") if entry.here else []
    lines += [line(), line(say("The letters"), "heading")]
    for name, said in page.letters:
        first, *more = textwrap.wrap(f"{name}: {said}", columns - 4)
        lines += [line("  " + first), *(line("    " + text) for text in more)]
    return lines


# ---------------------------------------------------------------- bar


def bar_line(
    lesson: Lesson, trace: Trace, scribe: Scribe, cursor: Cursor, columns: int, changed: int = 0, predict: str = ""
) -> Line:
    """Where one is: lesson, phase and step, iteration, example, level, notation.

    First of all what is out of the ordinary: that the tutor asks (`predict`, in a word), and how much is `changed`.
    """
    mark = " · ".join(word for word in (predict, say("changed: {n}", n=changed) if changed else "") if word)
    columns -= width(mark) + 2 if mark else 0
    first = ((mark, "mark"), ("  ", "")) if mark else ()
    eq = trace.equations[cursor.at]
    place = f"{say_in('phase', eq.phase)} {cursor.at + 1}/{len(trace.equations)}"
    rows = trace.iteration.rows
    parts = [place]
    if lesson.training:
        parts.append(say("iteration {n}", n=cursor.iteration))
    if trace.examples > 1 and eq.symbol.per_example:
        parts.append(say("example {n} of {count}", n=cursor.example + 1, count=trace.examples))
    elif len(rows) == 1 and lesson.example_count > 1:
        parts.append(say("row {n}", n=rows[0] + 1))
    parts.append(say_in("level", cursor.level))
    if trace.program.model.layers:  # an author has names of his own
        parts.append(say(scribe.writer.notation.title))
    while len(parts) > 2 and width(" · ".join(parts)) > columns:  # what the card says as well goes first
        parts.pop(1)
    tail = " · ".join(parts)
    room = columns - width(tail) - 2
    if room < 8:
        return Line((*first, (tail[:columns], "dim")))
    title = cut(lesson.title, room)
    return Line((*first, (pad(title, max(room, 0)), "title"), ("  ", ""), (tail, "dim")))
