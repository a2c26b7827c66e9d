"""A gradient taken apart, in three views: its chain factor by factor and path by path; a matrix filled in cell by
cell; and where loss and activation cancel, the derivation line by line. It holds a step, a view and a place in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from tutor.engine import paths
from tutor.engine.expressions import Call, Expr, Ref, walk
from tutor.engine.paths import Chain, Factor, Path
from tutor.engine.rules import OVER_BATCH
from tutor.engine.trace import Step
from tutor.lessonfiles.catalogue import data_dir
from tutor.pictures.diagram import diagram, natural_rows
from tutor.play.commands import Key
from tutor.play.playback import Cursor
from tutor.text.card import Card, Equality, Scribe, big_count, others_words, zero_words
from tutor.text.cells import cut, pad, width, window
from tutor.text.layout import Row, bracketed, draw, flow, linear, number
from tutor.tui.keys import bindings
from tutor.tui.lines import KeyBar, Line, Lines, line
from tutor.tui.map import Map, map_title
from tutor.tui.screen import TutorScreen
from tutor.tui.views import ROLES, chain_lines, wrapped

Span = tuple[str, str]
Stop = tuple[int, int]  # (path, factor): len(factors) for its product; (len(paths), 0) for the sum

ROOMY = 34  # rows from which the picture has a place above the chain
VIEWS = {"chain": "Chain", "cells": "Cell by cell", "derivation": "Derivation"}


# ---------------------------------------------------------------- the chain


def stops(chain: Chain) -> list[Stop]:
    """Where the walk over a chain stops: at every factor, at each path's product, and at the sum over paths."""
    found = [(p, f) for p, path in enumerate(chain.paths) for f in range(len(path.factors) + 1)]
    return [*found, (len(chain.paths), 0)] if chain.count > 1 else found


def chain_view(scribe: Scribe, chain: Chain, stop: Stop, columns: int, rows: int) -> tuple[list[Line], int]:
    """The chain at a stop, and the last line that should be in view."""
    name = linear(scribe.writer.name(chain.gradient))
    if not chain.paths:
        return wrapped(f"No path leads from {scribe.writer.text(chain.of)} to the output: {name} is 0.", columns), 0
    at, nth = stop
    lines: list[Line] = []
    if at < len(chain.paths):
        path = chain.paths[at]
        if chain.count > 1:
            which = "in order" if chain.rest is None else "the largest first"
            lines.append(
                Line(
                    (
                        (f"Path {at + 1} of {big_count(chain.count)}", "title"),
                        (f"  {which}; PgDn the next path", "dim"),
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
    lines = [line(f"The sum over {big_count(chain.count)} paths", "title"), line()]
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
    own = {"weights": "the weight itself", "biases": "the bias itself"}
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
    lines = _led("the product  " if whole else "so far  ", text, columns, "value" if whole else "numbers")
    if done.product == 0 and whole:
        lines += wrapped("A factor is 0: nothing comes through on this path.", columns, "dim")
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
    told = (
        factor.bottom
        for factor in path.factors
        if factor.bottom.symbol.quantity in ("activation", "node")
        or (factor.top.symbol.quantity == "loss" or factor.use.rule == "softmax")
    )
    return " ← ".join(scribe.writer.text(replace(ref, example=None)) for ref in told)


def _result(scribe: Scribe, chain: Chain, columns: int) -> list[Line]:
    """What the chain comes to: the gradient that the steps have; of a batch also the mean."""
    writer = scribe.writer
    total = number(chain.total)
    lines = []
    if chain.count > 1:
        terms = [number(path.product, chain.digits) for path in chain.paths]
        terms += [] if chain.rest is None else [number(chain.rest, chain.digits)]
        lines += _led("the sum  ", f"{' + '.join(bracketed(terms))} = {total}", columns, "numbers")
    lines += wrapped(f"{writer.text(chain.gradient)} = {total}", columns, "value")
    lines += wrapped("The backward pass has the same, without ever listing a path.", columns, "dim")
    return [*lines, *wrapped(scribe.beyond(chain), columns, "dim")]


# ---------------------------------------------------------------- cell by cell


def own_of(step: Step, example: int) -> Step:
    """The whole of a step; of a mean over the batch the example's own, which has the product."""
    own = step.trace.program.by_key.get(replace(step.equation.symbol, per_example=True).key)
    if step.equation.rule in OVER_BATCH and own:
        return Step(step.trace, own, None, example)
    return step.at(None)


class _Shown:
    """What the screen showed of a trace: cards and derivations by step, sums over paths by gradient and example."""

    def __init__(self) -> None:
        self.cards: dict[str, Card] = {}
        self.derivations: dict[str, list[Equality]] = {}
        self.chains: dict[tuple[str, int], Chain] = {}


def cells_view(scribe: Scribe, step: Step, at: int, columns: int, rows: int) -> tuple[list[Line], int]:
    """A vector or matrix filled in up to its element `at` (row by row), that one as a formula with its numbers."""
    index = tuple(map(int, np.unravel_index(at, step.shape)))
    cards = scribe.memo.of(_Shown).cards
    if step.id not in cards:
        cards[step.id] = scribe.card(step)
    card = cards[step.id]
    lines = [*_led("sizes  ", card.dimensions, columns, "numbers")] if card.dimensions else []
    outer = next((node for node in walk(step.formula) if isinstance(node, Call) and node.op == "outer"), None)
    whole = np.asarray(step.value, dtype=float)
    grid = whole[:, None] if whole.ndim == 1 else whole
    row, column = index[0], index[1] if whole.ndim == 2 else 0
    left = None if outer is None else np.asarray(scribe.trace.value(_ref(outer.args[0])), dtype=float)
    top = None if outer is None else np.asarray(scribe.trace.value(_ref(outer.args[1])), dtype=float)
    size = max(
        7,
        *(width(number(v)) for v in grid[:40, :40].flat),
        *(width(number(v)) for v in ([] if top is None else top[:40])),
    )
    margin = 0 if left is None else max(width(number(v)) for v in left[:40]) + 2
    across = window(column, grid.shape[1], max(1, (columns - margin - 6) // (size + 2)))
    down = window(row, grid.shape[0], max(3, rows // 3))
    lines.append(line())
    if top is not None:
        spans: list[Span] = [(" " * (margin + 4), "")]
        for j in across:
            style = "value" if j == column else "dim"
            spans.append((_right(number(top[j]), size) + "  ", style))
        lines.append(Line(tuple(spans)))
    for i in down:
        fence = "[]" if len(down) == 1 else "⎡⎤" if i == down[0] else "⎣⎦" if i == down[-1] else "⎢⎥"
        spans = [] if left is None else [(_right(number(left[i]), margin), "value" if i == row else "dim")]
        spans.append((f"  {fence[0]} ", "dim"))
        for j in across:
            known, here = i * grid.shape[1] + j <= at, (i, j) == (row, column)
            text = _right(number(grid[i, j]) if known else "·", size)
            spans += [(text, "cell" if here else "title" if known else "dim"), ("  ", "")]
        lines.append(Line((*spans[:-1], (f" {fence[1]}", "dim"))))
    if len(down) < grid.shape[0] or len(across) < grid.shape[1]:
        lines.append(line(f"    part of {grid.shape[0]:,} × {grid.shape[1]:,}; it moves along", "dim"))
    lines += [line(), *chain_lines(scribe.card(step.at(index)).main, columns, rows)]
    lines += wrapped(scribe.explainer.why(step.at(index)), columns, "dim")
    seen = len(lines)
    if at == whole.size - 1:
        lines += [line(), *wrapped("All cells are filled in: one step of the backward pass." if step.phase == "backward"
                                   else "All cells are filled in.", columns, "note")]  # fmt: skip
        seen = len(lines)
        if card.reuse:
            lines += wrapped(card.reuse, columns, "note")
    return lines, seen


def _ref(expr: Expr) -> Ref:
    assert isinstance(expr, Ref)
    return expr


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
            lines += [line(), *wrapped(chain.reason[:1].upper() + chain.reason[1:], columns)]
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


# ---------------------------------------------------------------- the screen


def opens(cursor: Cursor, step: Step) -> tuple[str, Step] | str:
    """The view that `c` opens at a step and the step it is of; or why there is none."""
    whole = own_of(step, cursor.example)
    if cursor.level == "matrix" and step.equation.rule != "combined_error" and whole.shape:
        return "cells", whole
    if paths.target(step) is None:
        return "A chain is of a gradient: go on to the backward pass, or to level matrix for cell by cell."
    return ("derivation" if step.equation.rule == "combined_error" else "chain"), step


KEYS = [
    Key("n,space,right", "walk(1)", "n/b", "step"),
    Key("b,backspace,left", "walk(-1)", "b", ""),
    Key("pagedown", "path(1)", "PgDn/Up", "path or row"),
    Key("pageup", "path(-1)", "PgUp", ""),
    Key("home", "go_to(0)", "home/end", ""),
    Key("end", "go_to(-1)", "end", ""),
    Key("right_square_bracket", "element(1)", "]/[", "element"),
    Key("left_square_bracket", "element(-1)", "[", ""),
    Key("c", "view('chain')", "c", "chain"),
    Key("o", "view('cells')", "o", "cell by cell"),
    Key("d", "view('derivation')", "d", "derivation"),
    Key("m", "map", "m", "map"),
    Key("enter", "choose", "Enter", "its step"),
    Key("escape,q", "leave", "esc", "back"),
    Key("down,shift+down", "scroll_card(2)"),
    Key("up,shift+up", "scroll_card(-2)"),
]


class ChainScreen(TutorScreen):
    """Takes the step of a player's cursor apart; answers with the id of a step to go to, or None."""

    CSS_PATH = data_dir("assets") / "player.tcss"
    # keys, action, key as shown, label
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, scribe: Scribe, cursor: Cursor, step: Step, view: str) -> None:
        super().__init__()
        self.scribe, self.cursor, self.step, self.view = scribe, cursor, step, view
        self.at = 0
        self.mapped = False  # in a low terminal the picture instead of the chain
        self._drawn: object = None  # what the picture shows

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Horizontal(id="body"), Vertical(id="middle"):
            yield Map(id="way", classes="pane", title=map_title(self.scribe.trace))
            yield Lines(id="card", classes="pane", title=VIEWS[self.view])
        yield KeyBar(self._keys())
        yield Static(id="small")

    def _keys(self) -> list[Key]:
        """Those that can do something here."""
        other = [view for view in self._views() if view != self.view]
        useful = {
            "path": self.view == "cells" or (self.view == "chain" and self.chain.count > 1),
            "element": self.view != "cells" and bool(self.step.equation.symbol.shape),
            "map": self.view == "chain" and self.size.height < ROOMY,
        }
        return [
            key
            for key in KEYS
            if useful.get(key.action.partition("(")[0], not key.action.startswith("view") or key.action[6:-2] in other)
        ]

    def _views(self) -> list[str]:
        """The views that this step has."""
        found = ["chain"] if paths.target(self.step) is not None else []
        found += ["cells"] if own_of(self.step, self.cursor.example).shape else []
        return [*found, "derivation"] if self.step.equation.rule == "combined_error" else found

    # ------------------------------------------------------------ what is shown

    @property
    def chain(self) -> Chain:
        of = paths.target(self.step)
        assert of is not None
        chains, key = self.scribe.memo.of(_Shown).chains, (of.id, self.cursor.example)
        if key not in chains:
            example = self.cursor.example if self.step.trace.examples > 1 else 0
            chains[key] = self.scribe.paths(example).chain(of)
        return chains[key]

    @property
    def derivation(self) -> list[Equality]:
        derivations = self.scribe.memo.of(_Shown).derivations
        if self.step.id not in derivations:
            derivations[self.step.id] = self.scribe.derivation(self.step)
        return derivations[self.step.id]

    @property
    def count(self) -> int:
        """How many places the walk of this view has."""
        if self.view == "chain":
            return max(len(stops(self.chain)), 1)
        if self.view == "derivation":
            return max(len(self.derivation), 1)
        return int(np.prod(own_of(self.step, self.cursor.example).shape))

    @property
    def path(self) -> Path | None:
        """The path that the walk is on."""
        if self.view != "chain" or not self.chain.paths:
            return None
        at = stops(self.chain)[self.at][0]
        return self.chain.paths[at] if at < len(self.chain.paths) else None

    def on_mount(self) -> None:
        for id in ("#bar", "#way"):
            self.query_one(id).can_focus = False
        self.query_one("#card").focus()

    def on_resize(self) -> None:
        self.suit_size({"-split": self.size.width >= 110, "-stack": self.size.width < 110})
        self.draw()

    def draw(self) -> None:
        if not self.is_mounted or self.has_class("-tiny"):
            return
        pane = self.query_one("#card", Lines)
        self._draw_picture()
        columns = min(self.size.width - 6, 150)
        rows = self.size.height
        if self.view == "chain":
            place = stops(self.chain)[self.at] if self.chain.paths else (0, 0)
            lines, seen = chain_view(self.scribe, self.chain, place, columns, rows)
        elif self.view == "derivation":
            lines, seen = derivation_view(self.derivation, self.at, columns)
        else:
            lines, seen = cells_view(self.scribe, own_of(self.step, self.cursor.example), self.at, columns, rows)
        pane.border_title = VIEWS[self.view]
        pane.show(lines)
        height = pane.size.height or rows - 4
        pane.scroll_lines_to(seen - height)
        self.query_one("#bar", Lines).show([self._bar()])
        self.query_one(KeyBar).set_keys(self._keys())

    def _draw_picture(self) -> None:
        """The network with the path lit (at the sum all that are listed), above the chain or, in a low terminal,
        instead of it."""
        picture, pane = self.query_one("#way", Map), self.query_one("#card", Lines)
        wanted = self.view == "chain" and bool(self.chain.paths)
        high = self.size.height >= ROOMY
        picture.display = wanted and (high or self.mapped)
        pane.display = not picture.display or high
        rows = natural_rows(self.scribe.trace, self.size.height // 3) if high else self.size.height - 5
        picture.styles.height = rows + 2 if high else "1fr"
        shown = (self.path,) if self.path else self.chain.paths if wanted else ()
        lit = tuple(dict.fromkeys(place for path in shown for place in path.places))
        size = (self.size.width - 4, rows)
        if picture.display and self._drawn != (lit, size):  # it costs more than all the rest: once a path
            self._drawn = (lit, size)
            trace, scribe = self.scribe.trace, self.scribe
            picture.picture(diagram(trace, scribe, self.step, self.cursor, *size, lit=lit))

    def action_map(self) -> None:
        self.mapped = not self.mapped
        self.draw()

    def _bar(self) -> Line:
        step = own_of(self.step, self.cursor.example) if self.view == "cells" else self.step
        name = self.scribe.writer.text(step.ref)
        tail = f"{self.at + 1} of {self.count:,}"
        return Line(((f"{VIEWS[self.view]} of {name}", "title"), (f"   step {step.id} · {tail}", "dim")))

    # ------------------------------------------------------------ keys

    def action_walk(self, by: int) -> None:
        moved = self.at + by
        if 0 <= moved < self.count:
            self.at = moved
            self.draw()
        else:
            text = "This is the end: Esc goes back to the player." if by > 0 else "This is the beginning."
            self.query_one("#bar", Lines).show([line(text, "value")])

    def action_go_to(self, place: int) -> None:
        self.at = place % self.count
        self.draw()

    def action_path(self, by: int) -> None:
        """The first factor of the next path (or of this one, then the one before); in a matrix the next row."""
        if self.view == "cells":
            shape = own_of(self.step, self.cursor.example).shape
            self.at = max(0, min(self.at + by * shape[-1] if len(shape) == 2 else self.at + by, self.count - 1))
        elif self.view == "chain" and self.chain.paths:
            starts = [at for at, (_, nth) in enumerate(stops(self.chain)) if nth == 0]
            later = [at for at in starts if at > self.at] if by > 0 else [at for at in reversed(starts) if at < self.at]
            self.at = next(iter(later), self.count - 1 if by > 0 else 0)
        self.draw()

    def action_element(self, by: int) -> None:
        """The same of the next element: another weight, another unit."""
        shape = self.step.equation.symbol.shape
        if self.view == "cells" or not shape:
            return
        index = self.step.index or (0,) * len(shape)
        flat = (int(np.ravel_multi_index(index, shape)) + by) % int(np.prod(shape))
        self.step = self.step.at(tuple(map(int, np.unravel_index(flat, shape))))
        self.at = min(self.at, self.count - 1)
        self.draw()

    def action_view(self, view: str) -> None:
        if view in self._views():
            self.view, self.at = view, 0
            self.draw()

    def action_scroll_card(self, rows: int) -> None:
        card = self.query_one("#card", Lines)
        card.scroll_lines_to(card.top + rows)

    def action_choose(self) -> None:
        """To the step of the current factor, of the cell, or of the whole."""
        if self.view == "cells":
            step = own_of(self.step, self.cursor.example)
            self.dismiss(step.at(tuple(map(int, np.unravel_index(self.at, step.shape)))).id)
        elif self.path and (nth := stops(self.chain)[self.at][1]) < len(self.path.factors):
            factor = self.path.factors[nth]
            self.dismiss(Ref(factor.local.symbol, factor.index or None, self._example(factor)).id)
        else:
            self.dismiss(self.step.id)

    def _example(self, factor: Factor) -> int | None:
        return self.cursor.example if factor.local.symbol.per_example else None

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        """A unit or a weight was clicked in the picture."""
        self.dismiss(event.target)

    def action_leave(self) -> None:
        self.dismiss(None)
