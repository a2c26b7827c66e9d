"""A gradient taken apart, in three views: its chain factor by factor and path by path; a matrix filled in cell by
cell; and where many operations are one step, the derivation line by line. It holds a step, a view and a place in it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from tutor.engine import paths
from tutor.engine.expressions import Ref
from tutor.engine.openings import opens as has_derivation
from tutor.engine.paths import Chain, Factor, Path
from tutor.engine.trace import Step
from tutor.learner.practice import PracticeItem
from tutor.lessonfiles.catalogue import data_dir
from tutor.pictures.diagram import diagram, natural_rows
from tutor.play.commands import Key
from tutor.play.playback import Cursor
from tutor.play.settings import Refused
from tutor.play.sitting import Sitting
from tutor.text.card import Equality
from tutor.text.language import N_, say
from tutor.tui.chain_views import ShownChains, cells_view, chain_view, derivation_view, own_of, stops
from tutor.tui.keys import bindings
from tutor.tui.lines import KeyBar, Line, Lines, entitle
from tutor.tui.map import Map, map_title
from tutor.tui.screen import TutorScreen

ROOMY = 34  # rows from which the picture has a place above the chain
VIEWS = {"chain": N_("Chain"), "cells": N_("Cell by cell"), "derivation": N_("Derivation")}


# ---------------------------------------------------------------- the screen


def opens(cursor: Cursor, step: Step) -> tuple[str, Step] | str:
    """The view that `c` opens at a step and the step it is of; or why there is none."""
    whole = own_of(step, cursor.example)
    if has_derivation(step):
        return "derivation", step
    if cursor.level == "matrix" and whole.shape:
        return "cells", whole
    if paths.target(step) is None:
        return say("A chain is of a gradient: go on to the backward pass, or to level matrix for cell by cell.")
    return "chain", step


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
    Key("p", "ask", "p", "ask me"),
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

    def __init__(self, sitting: Sitting, step: Step, view: str) -> None:
        super().__init__()
        self.sitting, self.step, self.view = sitting, step, view
        self.scribe, self.cursor = sitting.scribe, sitting.cursor
        self.at = 0
        self.mapped = False  # in a low terminal the picture instead of the chain
        self._drawn: object = None  # what the picture shows

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Horizontal(id="body"), Vertical(id="middle"):
            yield Map(id="way", classes="pane", title=map_title(self.scribe.trace))
            yield Lines(id="card", classes="pane", title=say(VIEWS[self.view]))
        yield KeyBar(self._keys())
        yield Static(id="small")

    def _keys(self) -> list[Key]:
        """Those that can do something here."""
        other = [view for view in self._views() if view != self.view]
        useful = {
            "path": self.view == "cells" or (self.view == "chain" and self.chain.count > 1),
            "element": self.view != "cells" and bool(self.step.equation.symbol.shape),
            "map": self.view == "chain" and self.size.height < ROOMY,
            "ask": self.view == "chain",
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
        return [*found, "derivation"] if has_derivation(self.step) else found

    # ------------------------------------------------------------ what is shown

    @property
    def chain(self) -> Chain:
        of = paths.target(self.step)
        assert of is not None
        chains, key = self.scribe.memo.of(ShownChains).chains, (of.id, self.cursor.example)
        if key not in chains:
            example = self.cursor.example if self.step.trace.examples > 1 else 0
            chains[key] = self.scribe.chain(of, example)
        return chains[key]

    @property
    def derivation(self) -> list[Equality]:
        derivations = self.scribe.memo.of(ShownChains).derivations
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
        entitle(pane, say(VIEWS[self.view]))
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

    def action_ask(self) -> None:
        """The chain as questions: its factors, one after the other, their values, the product, the sum over paths."""
        if self.view != "chain":
            self.say(say("p asks for a chain: c shows it first."))
            return
        try:
            items = self.sitting.chain_questions(self.step)
        except Refused as error:
            self.say(str(error))
            return
        key = None if self.sitting.changed else self.sitting.key
        title = say("The chain of {gradient}", gradient=self.scribe.writer.text(self.chain.gradient))
        self.tutor.practise(title, (PracticeItem(key, item) for item in items))

    def _bar(self) -> Line:
        step = own_of(self.step, self.cursor.example) if self.view == "cells" else self.step
        name = self.scribe.writer.text(step.ref)
        tail = say("{n} of {count}", n=self.at + 1, count=f"{self.count:,}")
        return Line(
            (
                (say("{view} of {name}", view=say(VIEWS[self.view]), name=name), "title"),
                (say("   step {id} · {tail}", id=step.id, tail=tail), "dim"),
            )
        )

    # ------------------------------------------------------------ keys

    def action_walk(self, by: int) -> None:
        moved = self.at + by
        if 0 <= moved < self.count:
            self.at = moved
            self.draw()
        else:
            text = say("This is the end: Esc goes back to the player.") if by > 0 else say("This is the beginning.")
            self.say(text)

    def action_go_to(self, place: int) -> None:
        self.at = place % self.count
        self.draw()

    def action_path(self, by: int) -> None:
        """The first factor of the next path (or of this one, then the one before); in a matrix the next row."""
        if self.view == "cells":
            shape = own_of(self.step, self.cursor.example).shape
            self.at = max(0, min(self.at + by * shape[-1] if len(shape) >= 2 else self.at + by, self.count - 1))
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
