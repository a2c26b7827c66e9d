"""What the player's panes show: pure functions from a cursor and its trace to styled lines."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tutor.engine.expressions import Ref, Symbol, refs
from tutor.engine.ids import updated
from tutor.engine.lesson import Lesson, Level
from tutor.engine.trace import Step, Trace
from tutor.play.names import names
from tutor.play.playback import Cursor
from tutor.questions.attempt import Asking, Said
from tutor.questions.grading import Verdict
from tutor.questions.items import Item
from tutor.questions.quiz import MOST_NEEDED, Marked, known, needed
from tutor.text.card import Card, Equality, Operand, Scribe, plan
from tutor.text.cells import cut, pad, pieces, width, window
from tutor.text.layout import chain, flow, linear, number
from tutor.text.writer import Writer
from tutor.tui.lines import Line, line

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

ROLES = ("heading", "formula", "numbers", "value")
WRAP = 84  # prose in longer lines is hard to read


def wrapped(text: str, columns: int, style: str = "", indent: str = "") -> list[Line]:
    parts = textwrap.wrap(text, max(min(columns, WRAP) - len(indent), 12), break_long_words=True)
    return [Line(((indent, "dim"), (part, style)) if indent else ((part, style),)) for part in parts]


# ---------------------------------------------------------------- the card


def card_lines(card: Card, step: Step, level: Level, columns: int, rows: int) -> list[Line]:
    """The step's card, `columns` wide; matrices show at most as many rows as there is room for."""
    position = f"step {card.id} · {card.shape}"
    lines = [Line(((card.title, "title"), ("  ", ""), (position, "dim")))]
    if width(card.title) + 2 + width(position) > columns:
        lines = [line(text, "title") for text in textwrap.wrap(card.title, columns)] + [line(position, "dim")]
    if card.warning:
        lines += wrapped(card.warning, columns, "error")
    if card.line and level != "story":
        lines += wrapped(card.line, columns, "", "in the line  ")
    lines.append(line())
    if level == "story":
        lines += conversation_lines(card, columns) if card.turns else wrapped(card.story, columns)
    else:
        lines += chain_lines(card.main, columns, rows)
        if level == "matrix" and card.dimensions:
            lines += [line(), *wrapped(f"sizes  {card.dimensions}", columns, "numbers")]
        lines += [line()] if card.where else []
        for item in card.where:
            lines += where_lines(item, columns)
        lines.append(line())
        lines += wrapped(card.why, columns)
        if level == "matrix" and card.reuse:
            lines += [line(), *wrapped(card.reuse, columns, "note")]
        if card.derivation:
            lines += [line(), Line((("How it comes about", "heading"), ("   c walks it from the beginning", "dim")))]
            for item in card.derivation:
                lines += derivation_lines(item, columns)
        if level == "scalar" and step.index and math.prod(step.equation.symbol.shape) > 1:
            lines += [line(), *cell_lines(step, columns)]
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
        lines.append(line(cut(f"{turn.speaker}: “{turn.words}”", columns - width(passes)) + passes, "dim"))
    for turn in card.turns:
        lines += [line(), line(turn.speaker, "heading"), *wrapped(f"“{turn.words}”", columns, "", "  ")]
        if turn.passes:
            lines += wrapped(turn.passes, columns, "value", "  → ")
    return lines


def chain_lines(item: Equality, columns: int, rows: int) -> list[Line]:
    """name = formula = numbers = value, the value standing out."""
    last = len(item.docs) - 1
    limit = max(4, min(12, rows // 3))
    drawn = chain(list(item.docs), columns, limit)
    airy = rows >= 30 and any("⎢" in text or "⎡" in text for _, text in drawn)  # matrices: space where there is room
    lines: list[Line] = []
    before = 0
    for at, text in drawn:
        lines += [line()] if airy and at > max(before, 1) else []
        before = at
        lines.append(line(text, ROLES[3] if at == last and at else ROLES[min(at, 2)]))
    return lines


def where_lines(item: Equality, columns: int) -> list[Line]:
    docs = [item.docs[0]]
    for doc in item.docs[1:]:
        docs += [" = ", doc]
    parts = flow(docs, columns - 6, 4, 4, 4)
    tall = len(parts) > 3 or columns < 40
    texts = [" = ".join(linear(doc, 4) for doc in item.docs)] if tall else parts
    if tall:
        return wrapped(texts[0], columns, "numbers", "where ")[:3]
    axis = len(parts) // 2
    return [Line((("where " if at == axis else "      ", "dim"), (text, "numbers"))) for at, text in enumerate(texts)]


def derivation_lines(item: Equality, columns: int) -> list[Line]:
    lines = [Line((("  ", ""), (part, "dim"))) for part in textwrap.wrap(item.reason, max(min(columns, WRAP) - 4, 20))]
    for doc, style in zip(item.docs, ("formula", "numbers"), strict=False):
        lines += [line("  " + text, style) for text in flow(["= ", doc], columns - 4, 4, 6, 4)]
    return lines


def cell_lines(step: Step, columns: int) -> list[Line]:
    """The whole vector or matrix with this element marked: which cell the arrow keys walk."""
    whole = np.asarray(step.at(None).value, dtype=float)
    grid = whole[:, None] if whole.ndim == 1 else whole
    assert step.index is not None
    row, column = step.index[0], step.index[1] if whole.ndim == 2 else 0
    top, left = window(row, grid.shape[0], 6), window(column, grid.shape[1], max(1, min(6, (columns - 4) // 12)))
    shown = [[number(grid[i, j]) for j in left] for i in top]
    size = max(width(text) for cells in shown for text in cells)
    at = "[" + ", ".join(str(i + 1) for i in step.index) + "]"
    lines = [
        Line(((f"Element {at} of {' × '.join(map(str, whole.shape))}", "dim"), ("   ← ↑ ↓ → walk the cells", "dim")))
    ]
    for i, cells in zip(top, shown, strict=True):
        spans: list[tuple[str, str]] = [("  ", "")]
        for j, text in zip(left, cells, strict=True):
            here = (i, j) == (row, column)
            spans.append((f"{'▸' if here else ' '}{pad(text, size)} ", "cell" if here else "numbers"))
        lines.append(Line(tuple(spans)))
    return lines


# ---------------------------------------------------------------- a question

VERDICT_MARKS = {"correct": "✓", "rounded": "≈", "imprecise": "≈", "not-understood": "?", "hint": "→", "answer": "=",
                 "scratch": "="}  # fmt: skip
SAID_STYLES = {"correct": "value", "you": "heading", "hint": "note", "scratch": "numbers", "left": "dim",
               "wrong-formula": "error", "right-formula": "value", "answer": "value"}  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """The cells of a vector or matrix as they are typed, row by row, which one is edited, and what is said of them."""

    cells: tuple[str, ...]
    at: int
    note: str = ""


def question_lines(asking: Asking, title: str, columns: int, grid: Grid | None = None, rows: int = 48) -> list[Line]:
    """What is asked, of what formula where the lesson gives one; the step's own numbers are not in it."""
    lines = [*(line(part, "title") for part in textwrap.wrap(title, max(columns, 12))), line()]
    lines += wrapped(asking.item.prompt, columns, "heading")
    lines += [row for text in context(asking.item) for row in wrapped(text, columns, "formula", "  ")]
    return [*lines, *choice_lines(asking.item, columns), *grid_lines(asking.item, grid, columns, asking.last, rows)]


def context(item: Item) -> list[str]:
    """The lines of a circuit that a number is asked about: how it is defined, or who uses it."""
    trace, symbol = item.step.trace, item.step.equation.symbol
    if trace.program.model.layers or item.kind not in ("value", "number") or item.by_author:
        return []
    writer = item.writer
    gates = [eq for eq in trace.equations if eq.phase == "forward"]
    about = [eq for eq in gates if eq.symbol == symbol or any(ref.symbol == symbol.wrt for ref in refs(eq.formula))]
    return [f"{writer.text(Ref(eq.symbol))} = {linear(writer.formula(eq.formula), 9)}" for eq in about]


def asking_lines(
    asking: Asking, title: str, columns: int, grid: Grid | None = None, rows: int = 48
) -> tuple[list[Line], range]:
    """A question with what was said about it, the last first; and which of the lines that last is."""
    lines = question_lines(asking, title, columns, grid, rows)
    if not asking.said:
        return lines, range(len(lines))
    last, *earlier = reversed(exchanges(asking))
    said = said_lines(last, columns)
    seen = range(len(lines) + 1, len(lines) + 1 + len(said))
    lines += [line(), *said]
    for each in earlier:
        lines += [line(), *said_lines(each, columns)]
    return lines, seen


def done_lines(asking: Asking, following: str, columns: int) -> tuple[list[Line], list[Line]]:
    """A question that is done: its verdict, what comes next and the last words; and what was said before them."""
    mark, words = verdict_words(asking)
    style = "value" if mark == "✓" else "heading"
    lines = [*wrapped(f"{mark} {words}", columns, style), *wrapped(following, columns, "key")]
    parts = exchanges(asking)
    lines += [line(), *said_lines(parts[-1], columns)]
    earlier = [row for each in reversed(parts[:-1]) for row in (line(), *said_lines(each, columns))]
    return lines, [line(), line("Said before", "dim"), *earlier] if earlier else []


def verdict_words(asking: Asking) -> tuple[str, str]:
    """The mark and the words for how a question stands, short enough for one line: never to be scrolled away."""
    answer = "; ".join(asking.item.answer.split("\n"))
    left = f"{asking.left} {'try' if asking.left == 1 else 'tries'} left"
    if asking.done:
        if asking.tried and asking.last is not None and asking.last.correct:
            return "✓", asking.last.message
        if asking.tried and asking.last is not None and asking.last.free:
            return "✓", f"The method is right. It is {answer}."
        return ("✗", f"No try is left. It is {answer}.") if asking.tried else ("→", f"Shown. It is {answer}.")
    if not asking.said:
        return "", left
    kind = asking.said[-1].kind
    if kind == "hint":
        return "→", f"hint {asking.rung} · {left}"
    if kind == "scratch":
        return "=", f"computed, no try lost · {left}"
    if kind == "not-understood" or asking.last is None:
        return "?", f"not understood, no try lost · {left}"
    return ("≈", f"nearly, no try lost · {left}") if asking.last.free else ("✗", f"not right yet · {left}")


def exchanges(asking: Asking) -> list[list[Said]]:
    """What was said, in pieces: a try with what was said to it, a hint, the answer that was asked for."""
    found: list[list[Said]] = []
    for before, said in itertools.pairwise((None, *asking.said)):
        assert said
        shown = said.kind == "answer" and (
            before is None or before.kind in ("left", "hint", "scratch", "not-understood")
        )
        if before is None or said.kind in ("you", "hint") or shown:
            found.append([])
        found[-1].append(said)
    return found


def said_lines(exchange: Iterable[Said], columns: int) -> list[Line]:
    """The learner's words and what the tutor said to them."""
    lines: list[Line] = []
    for said in exchange:
        style = SAID_STYLES.get(said.kind, "")
        if said.kind == "you":
            lines += wrapped(said.text or "(nothing)", columns, style, "you  ")
        else:
            mark = VERDICT_MARKS.get(said.kind, " " if said.kind in ("left", "right-formula", "wrong-formula") else "✗")
            first, *more = wrapped(said.text, columns, style, "     ") or [line()]
            lines += [Line(((f"  {mark}  ", "dim"), *first.spans[1:])), *more]
    return lines


def known_lines(item: Item, items: list[Item], columns: int) -> list[Line]:
    """What a question of a quiz may be worked out from: the plan, then a value a line, wrapped where it is long."""
    trace = item.step.trace
    writer = Scribe(trace, trace.lesson.notation).writer
    lines = [row for text in plan(trace, trace.lesson.notation) for row in wrapped(text, columns)]
    first = needed_lines(item, items, writer, columns)
    lines = [*first, line(), *lines] if first else lines
    lines.append(line())
    for ref in known(item, items):
        text = f"{writer.text(ref)} = {linear(writer.value(trace.value(ref)), 9)}"
        lines += [line(part, "numbers") for part in textwrap.wrap(text, max(columns, 12), subsequent_indent="    ")]
    return lines


def needed_lines(item: Item, items: list[Item], writer: Writer, columns: int) -> list[Line]:
    """The values that a question is worked out from, a line each: they stand before all that is known besides."""
    trace, lines = item.step.trace, []
    found = needed(item, items)
    size = max((width(writer.text(ref)) for ref in found), default=0)
    for ref in found:
        value = linear(writer.value(trace.value(ref), max(item.step.digits, 4)), 9)
        text = f"{pad(writer.text(ref), size)} = {value}"
        lines += [line(part, "value") for part in textwrap.wrap(text, max(columns, 12), subsequent_indent="    ")]
    if len(found) == MOST_NEEDED < len(item.step.operands):
        lines.append(line(f"… and {len(item.step.operands) - MOST_NEEDED:,} more", "dim"))
    return lines


def grid_lines(
    item: Item, grid: Grid | None, columns: int, last: Verdict | None = None, height: int = 48
) -> list[Line]:
    """For a whole vector or matrix: its cells as they are typed, with the verdict on each of the last try.

    A window round the cell that is edited, where there is no room for all.
    """
    shape = item.step.shape
    if grid is None or not shape:
        return []
    rows, wide = (shape[0], 1) if len(shape) == 1 else shape
    size = min(max(8, *(width(cell) for cell in grid.cells)), 20)
    row, column = divmod(grid.at, wide)
    top, left = (
        window(row, rows, _grid_rows(height)),
        window(column, wide, max(1, (columns - 2) // (size + 4))),
    )
    marks = [VERDICT_MARKS.get(cell.kind, "✗") for cell in getattr(last, "cells", ())] or [" "] * len(grid.cells)
    lines = [line()]
    for i in top:
        spans: list[tuple[str, str]] = [("  ", "")]
        for j in left:
            at = i * wide + j
            text = grid.cells[at] or "·"
            here = at == grid.at
            style = "cell" if here else "value" if grid.cells[at] else "dim"
            spans += [("▸" if here else " ", "key"), (pad(cut(text, size), size), style), (f"{marks[at]} ", "dim")]
        lines.append(Line(tuple(spans)))
    if grid.note:
        lines += wrapped(f"  {grid.note}", columns, "error")
    name = "[" + ", ".join(str(i + 1) for i in ((row,) if len(shape) == 1 else (row, column))) + "]"
    lines.append(line(f"  cell {name} of {' × '.join(map(str, shape))}; ← ↑ ↓ → walk, Enter goes on", "dim"))
    return lines


def _grid_rows(height: int) -> int:
    """How many rows of a grid are in sight: the verdict has to be, too."""
    return 8 if height >= 30 else 5 if height >= 22 else 3


def choice_lines(item: Item, columns: int) -> list[Line]:
    """The numbered choices of a question."""
    lines: list[Line] = []
    for number_, choice in enumerate(item.choices, start=1):
        parts = textwrap.wrap(choice, max(columns - 6, 12)) or [""]
        lines += [line(f"{f'{number_}.' if at == 0 else '':>4} {part}") for at, part in enumerate(parts)]
    return lines


def report_lines(marked: list[Marked], columns: int) -> list[Line]:
    """A quiz's report: every question with what was given, the verdict and the worked step."""
    lines: list[Line] = []
    for number_, entry in enumerate(marked, start=1):
        good = entry.verdict is not None and entry.verdict.correct
        sign = "✓" if good else "✗" if entry.verdict else "–"
        lines += wrapped(f"{sign} {number_}. {entry.item.prompt}", columns, "heading")
        if entry.verdict is None:
            lines.append(line("    not answered", "dim"))
        else:
            lines += wrapped(f"you: {entry.given}", columns, "value" if good else "", "    ")
            lines += wrapped(entry.verdict.message, columns, "" if good else "error", "    ")
        if not good:
            lines += [row for hint in entry.item.hints[1:] for row in wrapped(hint, columns, "numbers", "    ")]
        lines.append(line())
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


# ---------------------------------------------------------------- outline


def outline_lines(trace: Trace, scribe: Scribe, cursor: Cursor) -> tuple[list[Line], int]:
    """All equations by phase and layer; ▶ the current one, ✓ those that were reached. Also the current line."""
    lines: list[Line] = []
    phase = layer = None
    here = 0
    for at, eq in enumerate(trace.equations):
        if eq.phase != phase:
            phase, layer = eq.phase, None
            lines.append(line(phase.capitalize(), "title"))
        if eq.symbol.layer != layer and eq.symbol.layer is not None and scribe.writer.depth > 1:
            layer = eq.symbol.layer
            name = "output layer" if layer == scribe.writer.depth else f"layer {layer}"
            lines.append(line(f"  {name}", "dim"))
        example = cursor.example if eq.symbol.per_example else None
        current = at == cursor.at and not cursor.aside
        mark = "▶" if current else "✓" if at <= cursor.furthest else "·"
        name = scribe.writer.text(Ref(eq.symbol, None, example))
        here = len(lines) if current else here
        spans = (
            (f"  {mark} ", "value" if current else "mark" if mark == "✓" else "dim"),
            (name, "heading" if current else ""),
        )
        id = Ref(eq.symbol, None, example).id
        lines.append(Line((*spans, (f"  {id}" if id != name else "", "dim")), id))
    return lines, here


# ---------------------------------------------------------------- where from


def where_from_lines(card: Card, columns: int) -> list[Line]:
    """The operands with their values and the steps that made them; then who uses this step."""
    lines: list[Line] = []
    size = max((width(op.name) for op in card.operands), default=0)
    for op in card.operands:
        lines.append(_operand_line(op, min(size, columns // 2), columns))
    if card.more_operands:
        lines.append(line(f"… and {card.more_operands:,} more", "dim"))
    if not card.operands:
        lines.append(line("It rests on no earlier value.", "dim"))
    if card.used_by:
        lines += [line(), line("used by", "dim")]
        lines += [
            Line((("  → ", "mark"), (name, "heading"), (f"  step {id}" if id != name else "", "dim")), id)
            for name, id in card.used_by
        ]
    return lines


def _operand_line(op: Operand, size: int, columns: int) -> Line:
    value = linear(op.value, 4)
    source = f"  step {op.id}" if op.id else "  given"
    room = columns - size - 5 - len(source)
    value = cut(value, max(room, 6))
    return Line(
        (
            (pad(cut(op.name, size), size), "heading"),
            (" = ", "dim"),
            (value, "numbers"),
            (source, "mark" if op.id else "dim"),
        ),
        op.id,
    )


# ---------------------------------------------------------------- state


Made = tuple[Symbol | None, Symbol | None]  # a parameter's gradient and its new value, as far as they are known
MOST_ELEMENTS = 40  # of a parameter that the state lists one by one
FEW_EXAMPLES = 4  # of a batch: what each gives to a mean is listed
MADE_BY = {
    "forward": "cached by the forward pass",
    "loss": "the loss",
    "backward": "by the backward pass",
    "update": "by the update",
}


def state_lines(trace: Trace, scribe: Scribe, cursor: Cursor, columns: int) -> tuple[list[Line], int]:
    """Every parameter with its gradient and new value as far as they are known, then all else by phase.

    Also the line of the first element of the parameter that the step is about, -1 if it is about none.
    """
    about = trace.equations[cursor.at].symbol.wrt
    here = -1
    known = {eq.symbol.key: eq.symbol for eq in trace.equations[: cursor.at + 1]}
    writer, parameters = scribe.writer, trace.program.model.parameters
    cell = 11 if columns >= 43 else 10
    names = max([10, *(width(writer.text(Ref(p, _first(p.shape)))) + 1 for p in parameters)])
    names = min(names, max(columns - 3 * cell, 10))
    lines = _given_lines(trace, scribe, cursor, names)
    listed: set[str] = set()
    for symbol in parameters:
        gradients = [g for g in known.values() if g.wrt == symbol and g.quantity == "gradient" and not g.per_example]
        here = len(lines) if symbol == about else here
        made = (gradients[-1] if gradients else None, known.get(updated(symbol.id)))
        lines += _state_rows(trace, scribe, symbol, made, names, cell)
        listed |= {found.key for found in made if found}
        more = int(np.prod(symbol.shape)) - MOST_ELEMENTS
        if more > 0:
            lines.append(line(f"… {more:,} more of {writer.text(Ref(symbol))}", "dim"))
    for phase, title in MADE_BY.items():
        symbols = [eq.symbol for eq in trace.equations[: cursor.at + 1] if eq.phase == phase]
        unlisted = [symbol for symbol in symbols if symbol.key not in listed]
        refs = [ref for symbol in unlisted for ref in _refs_of(trace, symbol, cursor.example)]
        lines += [line(), line(title, "dim")] if refs else []
        room = min(max([names, *(width(writer.text(ref)) + 1 for ref in refs)]), max(columns // 2, names))
        for ref in refs:
            name, value = cut(writer.text(ref), room - 1), linear(writer.value(trace.value(ref)), 5)
            lines.append(Line(((pad(name, room), "heading"), (value, "numbers")), ref.id))
    return lines, here


def _refs_of(trace: Trace, symbol: Symbol, example: int) -> list[Ref]:
    """A symbol for the example that is shown; what a mean takes together, for each of a few."""
    if not symbol.per_example:
        return [Ref(symbol)]
    meant = symbol.quantity == "loss" or symbol.wrt in trace.program.model.parameters
    few = range(trace.examples) if meant and trace.examples <= FEW_EXAMPLES else [example]
    return [Ref(symbol, None, n) for n in few]


class _StateRows(dict[tuple[str | int | Symbol | None, ...], list[Line]]):
    """The rows of parameters by id, the keys of what was made of them, and the widths."""


def _state_rows(trace: Trace, scribe: Scribe, symbol: Symbol, made: Made, names: int, cell: int) -> list[Line]:
    """A parameter's elements; kept by the scribe, since from step to step few of them change."""
    key = (symbol.id, *(found and found.key for found in made), names, cell)
    kept = scribe.memo.of(_StateRows)
    if key not in kept:
        elements = itertools.islice(np.ndindex(*symbol.shape), MOST_ELEMENTS)
        kept[key] = [_state_line(trace, scribe, Ref(symbol, index or None), made, names, cell) for index in elements]
    return kept[key]


def _given_lines(trace: Trace, scribe: Scribe, cursor: Cursor, names: int) -> list[Line]:
    """The example's inputs and targets, and the settings that the update uses."""
    lines = []
    settings = (s for s in scribe.symbols.values() if s.quantity == "hyper")
    for symbol in trace.program.model.data:
        if symbol.quantity == "input" and math.prod(symbol.shape) <= 8:
            refs = [Ref(symbol, (i,), cursor.example if symbol.per_example else None) for i in range(symbol.shape[0])]
        else:
            refs = [Ref(symbol, None, cursor.example if symbol.per_example else None)]
        for ref in refs:
            value = linear(scribe.writer.value(trace.value(ref)), 5)
            lines.append(Line(((pad(cut(scribe.writer.text(ref), names - 1), names), "heading"), (value, "numbers"))))
    for symbol in settings:
        text = number(float(trace.value(Ref(symbol))))
        lines.append(Line(((pad(scribe.writer.text(Ref(symbol)), names), "heading"), (text, "numbers"))))
    return lines


def _state_line(trace: Trace, scribe: Scribe, ref: Ref, made: Made, names: int, cell: int) -> Line:
    """A parameter's element: its value, its gradient and its new value; choosing it goes to the last that is known."""
    spans = [(pad(cut(scribe.writer.text(ref), names - 1), names), "heading")]
    spans.append((pad(number(float(trace.value(ref))), cell), "numbers"))
    target = None
    for symbol, style in zip(made, ("value", "mark"), strict=True):
        element = Ref(symbol, ref.index) if symbol else None
        spans.append((pad(number(float(trace.value(element))) if element else "·", cell), style if element else "dim"))
        target = element.id if element else target
    return Line(tuple(spans), target)


def _first(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    return (0,) * len(shape) or None


# ---------------------------------------------------------------- names


def names_lines(trace: Trace, scribe: Scribe, columns: int) -> list[Line]:
    """Every name of this lesson in the learner's notation, with what it stands for: no value among them."""
    found = names(trace, scribe)
    size = min(max((width(name) for name, _ in found), default=0), 20)
    lines = []
    for name, said in found:
        first, *more = textwrap.wrap(said, max(columns - size - 2, 12)) or [""]
        lines.append(Line(((pad(name, size), "heading"), (f"  {first}", ""))))
        lines += [line(" " * (size + 2) + part) for part in more]
    return lines


# ---------------------------------------------------------------- bar


def bar_line(
    lesson: Lesson, trace: Trace, scribe: Scribe, cursor: Cursor, columns: int, changed: int = 0, predict: bool = False
) -> Line:
    """Where one is: lesson, phase and step, iteration, example, level, notation.

    First of all what is out of the ordinary: that the tutor asks (`predict`), and how much is `changed`.
    """
    mark = " · ".join([*(["predict"] if predict else []), *([f"changed: {changed}"] if changed else [])])
    columns -= len(mark) + 2 if mark else 0
    first = ((mark, "mark"), ("  ", "")) if mark else ()
    eq = trace.equations[cursor.at]
    place = f"{eq.phase} {cursor.at + 1}/{len(trace.equations)}"
    rows = trace.iteration.rows
    parts = [place]
    if lesson.training:
        parts.append(f"iteration {cursor.iteration}")
    if trace.examples > 1 and eq.symbol.per_example:
        parts.append(f"example {cursor.example + 1} of {trace.examples}")
    elif len(rows) == 1 and lesson.example_count > 1:
        parts.append(f"row {rows[0] + 1}")
    notation = [scribe.writer.notation.title] if trace.program.model.layers else []  # an author has names of his own
    parts += [cursor.level, *notation]
    while len(parts) > 2 and width(" · ".join(parts)) > columns:  # what the card says as well goes first
        parts.pop(1)
    tail = " · ".join(parts)
    room = columns - width(tail) - 2
    if room < 8:
        return Line((*first, (tail[:columns], "dim")))
    title = cut(lesson.title, room)
    return Line((*first, (pad(title, max(room, 0)), "title"), ("  ", ""), (tail, "dim")))
