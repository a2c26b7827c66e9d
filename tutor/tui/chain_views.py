"""A gradient taken apart, as lines: its chain, a matrix cell by cell, a derivation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tutor.engine.expressions import Call, Ref, walk
from tutor.engine.paths import Chain, Factor, Path
from tutor.engine.rules import OVER_BATCH
from tutor.engine.trace import Step
from tutor.text.card import Card, Equality, Scribe, big_count, others_words, zero_words
from tutor.text.cells import cut, pad, width, window
from tutor.text.language import say
from tutor.text.layout import Row, bracketed, draw, flow, linear, number
from tutor.text.words import capital
from tutor.tui.lines import Line, line
from tutor.tui.views import ROLES, chain_lines, slice_of, wrapped

Span = tuple[str, str]
Stop = tuple[int, int]  # (path, factor): len(factors) for its product; (len(paths), 0) for the sum


def stops(chain: Chain) -> list[Stop]:
    """Where the walk over a chain stops: at every factor, at each path's product, and at the sum over paths."""
    found = [(p, f) for p, path in enumerate(chain.paths) for f in range(len(path.factors) + 1)]
    return [*found, (len(chain.paths), 0)] if chain.count > 1 else found


def chain_view(scribe: Scribe, chain: Chain, stop: Stop, columns: int, rows: int) -> tuple[list[Line], int]:
    """The chain at a stop, and the last line that should be in view."""
    name = linear(scribe.writer.name(chain.gradient))
    if not chain.paths:
        return wrapped(
            say("No path leads from {of} to the output: {name} is 0.", of=scribe.writer.text(chain.of), name=name),
            columns,
        ), 0
    at, nth = stop
    lines: list[Line] = []
    if at < len(chain.paths):
        path = chain.paths[at]
        if chain.count > 1:
            which = say("in order") if chain.rest is None else say("the largest first")
            lines.append(
                Line(
                    (
                        (say("Path {n} of {count}", n=at + 1, count=big_count(chain.count)), "title"),
                        (say("  {which}; PgDn the next path", which=which), "dim"),
                    )
                )
            )
        lines += [*_along(scribe, path, nth, columns), line()]
        lines += [item for band in bands(scribe, path, nth, columns) for item in (*band, line())]
        lines += _so_far(path, nth, columns)
        if nth < len(path.factors):
            lines += [line(), *_factor_lines(scribe, path.factors[nth], columns, rows)]
        elif chain.count == 1:
            lines += [line(), *_result(scribe, chain, columns)]
        seen = len(lines)
        if chain.count > 1:
            lines += [line(), *_path_lines(scribe, chain, stop, columns)]
        return lines, seen
    lines = [line(say("The sum over {n} paths", n=big_count(chain.count)), "title"), line()]
    lines += _path_lines(scribe, chain, stop, columns)
    lines += [line(), *_result(scribe, chain, columns)]
    return lines, len(lines)


def _along(scribe: Scribe, path: Path, nth: int, columns: int) -> list[Line]:
    """The path in words: what is above, what is below; the part walked so far standing out."""
    spans: list[Span] = []
    lines: list[Line] = []
    used = 0
    for at, node in enumerate(path.nodes):
        text = (" ← " if at else "") + scribe.writer.text(replace(node, example=None))
        if used and used + width(text) > columns:
            lines.append(Line(tuple(spans)))
            spans, used = [("  ", "")], 2
        spans.append((text, "title" if at <= nth else "value" if at == nth + 1 else "dim"))
        used += width(text)
    return [*lines, Line(tuple(spans))]


@dataclass(frozen=True)
class _Cell:
    """A factor in the picture: its fraction's three lines, its number below, and how far it is."""

    fraction: tuple[str, ...]
    number: str
    style: str
    columns: int


def bands(scribe: Scribe, path: Path, nth: int, columns: int) -> Iterator[list[Line]]:
    """The product as fractions with their numbers below, in brackets by layer; as many bands as it takes.

    What is done has its number and stands out, the current factor (`nth`) is bright with ▲ below, the rest is dim.
    """
    cells = [_cell(scribe, factor, at - nth) for at, factor in enumerate(path.factors)]
    groups: list[tuple[str, list[int]]] = []
    for label, run in itertools.groupby(range(len(cells)), key=lambda at: _owner(scribe, path.factors[at])):
        groups.append((label, list(run)))
    if not any(label for label, _ in groups):  # a circuit: each factor by itself
        groups = [("", [at]) for at in range(len(cells))]
    band: list[tuple[str, list[int], int]] = []
    used = 0
    for label, members in groups:
        fence = 2 if label else 0
        inner = max(sum(cells[at].columns for at in members) + 3 * (len(members) - 1), width(label) - fence)
        if band and used + 3 + inner + fence > columns - 2:
            yield _band(cells, band, nth, first=band[0][1][0] == 0)
            band, used = [], 0
        band.append((label, members, inner))
        used += 3 * (len(band) > 1) + inner + fence
    yield _band(cells, band, nth, first=band[0][1][0] == 0)


def _cell(scribe: Scribe, factor: Factor, ahead: int) -> _Cell:
    block = draw(scribe.factor_name(factor))
    shown = number(factor.value) if ahead <= 0 else "·"
    size = max(block.columns, width(number(factor.value)))  # no cell grows as one walks
    return _Cell(block.lines, shown, "title" if ahead < 0 else "value" if ahead == 0 else "dim", size)


def _owner(scribe: Scribe, factor: Factor) -> str:
    """Whom one talks to: a layer, or the parameter itself."""
    symbol = factor.bottom.symbol
    if not scribe.trace.program.model.layers:
        return ""
    own = {"weights": say("the weight itself"), "biases": say("the bias itself")}
    return own.get(symbol.quantity) or scribe.explainer.layer(symbol.layer).removeprefix("the ")


def _band(cells: list[_Cell], band: list[tuple[str, list[int], int]], nth: int, first: bool) -> list[Line]:
    rows: list[list[Span]] = [[("  ", "")] for _ in range(6)]  # label, over, bar, under, number, mark
    rows[2] = [("  " if first else "· ", "dim")]

    def put(texts: tuple[str, ...], styles: tuple[str, ...]) -> None:
        for row, text, style in zip(rows, texts, styles, strict=True):
            row.append((text, style))

    for place, (label, members, inner) in enumerate(band):
        state = [cells[at].style for at in members]
        group = "value" if "value" in state else "dim" if "dim" in state else "title"
        if place:
            put(("   ", "   ", " · ", "   ", "   ", "   "), ("dim",) * 6)
        rows[0].append((_centred(label, inner + 2 * bool(label)), group))
        if label:
            for row, sign in zip(rows[1:], "⎡⎢⎣  ", strict=True):
                row.append((sign, group))
        spare = inner - sum(cells[at].columns for at in members) - 3 * (len(members) - 1)
        left, right = spare // 2, spare - spare // 2
        for row in rows[1:]:
            row.append((" " * left, ""))
        for k, at in enumerate(members):
            cell = cells[at]
            if k:
                for row, sign in zip(rows[1:], ("   ", " · ", "   ", "   ", "   "), strict=True):
                    row.append((sign, "dim"))
            texts = (*cell.fraction, cell.number, "▲" if at == nth else "")
            for row, text in zip(rows[1:], texts, strict=True):
                row.append((_centred(text, cell.columns), cell.style))
        for row in rows[1:]:
            row.append((" " * right, ""))
        if label:
            for row, sign in zip(rows[1:], "⎤⎥⎦  ", strict=True):
                row.append((sign, group))
    found = [Line(tuple(row)) for row in rows]
    return [item for item in found[:-1] if item.text.strip()] + [item for item in found[-1:] if item.text.strip()]


def _centred(text: str, columns: int) -> str:
    left = (columns - width(text)) // 2
    return pad(" " * left + text, columns)


def _so_far(path: Path, nth: int, columns: int) -> list[Line]:
    """The product up to the current factor, with the numbers."""
    whole = nth >= len(path.factors)
    done = Path(path.factors[: nth + 1])
    digits = done.digits
    texts = bracketed([number(factor.value, digits) for factor in done.factors])
    value = number(done.product)
    parts = [" · ".join(texts)] if len(texts) > 1 else []
    text = f"{' '.join(parts)} = {value}" if parts else value
    lines = _led(say("the product  ") if whole else say("so far  "), text, columns, "value" if whole else "numbers")
    if done.product == 0 and whole:
        lines += wrapped(say("A factor is 0: nothing comes through on this path."), columns, "dim")
    return lines


def _led(name: str, text: str, columns: int, style: str) -> list[Line]:
    """A text behind a name, later lines as far in."""
    first, *more = wrapped(text, columns, style, " " * width(name))
    return [Line(((name, "dim"), *first.spans[1:])), *more]


def _factor_lines(scribe: Scribe, factor: Factor, columns: int, rows: int) -> list[Line]:
    formula = scribe.factor(factor)
    name, *rest = formula.docs
    one = draw(Row((name, *(part for doc in rest for part in (" = ", doc)))))
    if one.columns > columns:
        return [*chain_lines(formula, columns, rows), *wrapped(formula.reason, columns, "dim")]
    last = width(linear(rest[-1]))  # the value, at the end of the line that is level with the signs
    lines = [line(text.rstrip()) for text in one.lines]
    level = one.lines[one.axis]
    lines[one.axis] = Line(((level[:-last], ""), (level[-last:], "value")))
    return [*lines, *wrapped(formula.reason, columns, "dim")]


def _path_lines(scribe: Scribe, chain: Chain, stop: Stop, columns: int) -> list[Line]:
    """The paths with their products as far as they are known, the rest, and the sum."""
    at, nth = stop
    names = [_through(scribe, path) for path in chain.paths]
    done = [p < at or (p == at and nth >= len(path.factors)) for p, path in enumerate(chain.paths)]
    values = [
        number(path.product, chain.digits) if known else "·" for path, known in zip(chain.paths, done, strict=True)
    ]
    rest = chain.rest
    end = at >= len(chain.paths)
    more = others_words(chain)
    rows = list(zip([f"{p + 1}" for p in range(len(names))], names, values, strict=True))
    if rest is not None:
        rows.append(("+", more, number(rest, chain.digits) if end else "·"))
    size = max(width(value) for *_, value in rows)
    room = min(max(width(name) for _, name, _ in rows), columns - size - 8)
    lines = []
    for p, (mark, name, value) in enumerate(rows):
        style = "value" if p == at else "title" if p < len(done) and done[p] else "" if end else "dim"
        spans = ((f"{'▶' if p == at else ' '} {mark:>2}  ", style), (pad(cut(name, room), room), style))
        lines.append(Line((*spans, (f"  {' ' * (size - width(value))}{value}", style))))
    if chain.zero:
        lines += wrapped(zero_words(chain), columns, "dim")
    return lines


def _through(scribe: Scribe, path: Path) -> str:
    """What tells a path from the others: the units that it goes through, each by one name."""
    return " ← ".join(scribe.writer.text(replace(ref, example=None)) for ref in path.through)


def _result(scribe: Scribe, chain: Chain, columns: int) -> list[Line]:
    """What the chain comes to: the gradient that the steps have; of a batch also the mean."""
    writer = scribe.writer
    total = number(chain.total)
    lines = []
    if chain.count > 1:
        terms = [number(path.product, chain.digits) for path in chain.paths]
        terms += [] if chain.rest is None else [number(chain.rest, chain.digits)]
        lines += _led(say("the sum  "), f"{' + '.join(bracketed(terms))} = {total}", columns, "numbers")
    lines += wrapped(f"{writer.text(chain.gradient)} = {total}", columns, "value")
    lines += wrapped(say("The backward pass has the same, without ever listing a path."), columns, "dim")
    return [*lines, *wrapped(scribe.beyond(chain), columns, "dim")]


# ---------------------------------------------------------------- cell by cell


def own_of(step: Step, example: int) -> Step:
    """The whole of a step; of a mean over the batch the example's own, which has the product."""
    own = step.trace.program.by_key.get(replace(step.equation.symbol, per_example=True).key)
    if step.equation.rule in OVER_BATCH and own:
        return Step(step.trace, own, None, example)
    return step.at(None)


class ShownChains:
    """What the screen showed of a trace: cards and derivations by step, sums over paths by gradient and example."""

    def __init__(self) -> None:
        self.cards: dict[str, Card] = {}
        self.derivations: dict[str, list[Equality]] = {}
        self.chains: dict[tuple[str, int], Chain] = {}


def _grid_lines(scribe: Scribe, step: Step, at: int, columns: int, rows: int) -> list[Line]:
    """The slice of an array that element `at` is in, with a · for what comes after it.

    Of an outer product its two factors stand on the left and on top.
    """
    index = tuple(map(int, np.unravel_index(at, step.shape)))
    whole = np.asarray(step.value, dtype=float)
    grid, row, column = slice_of(whole, index)
    before = at - row * grid.shape[1] - column  # elements of the slices above this one
    left, top = _factors_of(scribe, step)
    size = max(7, *(width(number(v)) for v in (*grid[:40, :40].flat, *top[:40])))
    margin = max((width(number(v)) + 2 for v in left[:40]), default=0)
    across = window(column, grid.shape[1], max(1, (columns - margin - 6) // (size + 2)))
    down = window(row, grid.shape[0], max(3, rows // 3))
    lines: list[Line] = []
    if len(top):
        spans: list[Span] = [(" " * (margin + 4), "")]
        spans += [(_right(number(top[j]), size) + "  ", "value" if j == column else "dim") for j in across]
        lines.append(Line(tuple(spans)))
    for i in down:
        fence = "[]" if len(down) == 1 else "⎡⎤" if i == down[0] else "⎣⎦" if i == down[-1] else "⎢⎥"
        spans = [(_right(number(left[i]), margin), "value" if i == row else "dim")] if len(left) else []
        spans.append((f"  {fence[0]} ", "dim"))
        for j in across:
            known, here = before + i * grid.shape[1] + j <= at, (i, j) == (row, column)
            text = _right(number(grid[i, j]) if known else "·", size)
            spans += [(text, "cell" if here else "title" if known else "dim"), ("  ", "")]
        lines.append(Line((*spans[:-1], (f" {fence[1]}", "dim"))))
    if len(down) < grid.shape[0] or len(across) < grid.shape[1]:
        high, wide = (f"{size:,}" for size in grid.shape)
        lines.append(line(say("    part of {rows} × {columns}; it moves along", rows=high, columns=wide), "dim"))
    if whole.ndim > 2:
        count = "×".join(map(str, whole.shape[:-2]))
        part = ", ".join(str(i + 1) for i in index[:-2])
        lines.append(line(say("    slice [{part}] of {count}; it moves along", part=part, count=count), "dim"))
    return lines


def _factors_of(scribe: Scribe, step: Step) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the column and of the row that a step is the outer product of; none of any other step."""
    outer = next((node for node in walk(step.formula) if isinstance(node, Call) and node.op == "outer"), None)
    named = [arg for arg in outer.args if isinstance(arg, Ref)] if outer else []
    if len(named) < 2:
        return np.empty(0), np.empty(0)
    left, top = (np.asarray(scribe.trace.value(ref), dtype=float) for ref in named)
    return left, top


def cells_view(scribe: Scribe, step: Step, at: int, columns: int, rows: int) -> tuple[list[Line], int]:
    """A vector or matrix filled in up to its element `at` (row by row), that one as a formula with its numbers."""
    index = tuple(map(int, np.unravel_index(at, step.shape)))
    cards = scribe.memo.of(ShownChains).cards
    if step.id not in cards:
        cards[step.id] = scribe.card(step)
    card = cards[step.id]
    lines = [*_led(say("sizes  "), card.dimensions, columns, "numbers")] if card.dimensions else []
    lines += [line(), *_grid_lines(scribe, step, at, columns, rows)]
    lines += [line(), *chain_lines(scribe.card(step.at(index)).main, columns, rows)]
    lines += wrapped(scribe.explainer.why(step.at(index)), columns, "dim")
    seen = len(lines)
    if at == np.size(step.value) - 1:
        backward = step.phase == "backward"
        done = (
            say("All cells are filled in: one step of the backward pass.")
            if backward
            else say("All cells are filled in.")
        )
        lines += [line(), *wrapped(done, columns, "note")]
        seen = len(lines)
        if card.reuse:
            lines += wrapped(card.reuse, columns, "note")
    return lines, seen


def _right(text: str, columns: int) -> str:
    return " " * (columns - width(text)) + text


# ---------------------------------------------------------------- the derivation


def derivation_view(chains: list[Equality], at: int, columns: int) -> tuple[list[Line], int]:
    """A derivation up to its line `at`: what went before in brief, the current line with its reason and numbers."""
    lines: list[Line] = []
    seen = 0
    before = ""
    for k, chain in enumerate(chains[: at + 1]):
        here = k == at
        name = linear(chain.docs[0])
        lead = chain.docs[0] if name != before else " " * min(width(name), columns // 3)
        before = name
        if here:
            lines += [line(), *wrapped(capital(chain.reason), columns)]
            docs = chain.docs
            for p, (doc, style) in enumerate(zip(docs[1:], _styles(len(docs)), strict=True)):
                head = [docs[0], " = "] if p == 0 else [" " * draw(docs[0]).columns, " = "]
                lines += [line("  " + text, style) for text in flow([*head, doc], columns - 4, 4, 6, 4)]
            seen = len(lines)
        else:
            text = f"{linear(lead)} = {linear(chain.docs[1])}"
            value = f" = {linear(chain.docs[-1], 4)}" if len(chain.docs) > 2 else ""
            room = columns - 4 - min(width(value), columns // 2)
            lines.append(line(cut("  " + cut(text, room) + value, columns - 2), "dim"))
    return lines, seen


def _styles(count: int) -> list[str]:
    return [ROLES[min(at, 2)] if at < count - 1 else ROLES[3] for at in range(1, count)]
