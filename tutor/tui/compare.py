"""Compare: runs of a lesson that differ in one setting, their loss curves on one plot, growing as they train."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static
from textual.worker import get_current_worker

from tutor.engine.forward import model
from tutor.lessonfiles.catalogue import data_dir
from tutor.pictures.plot import Curve, curves, plot
from tutor.play.commands import Key
from tutor.play.compare import EPOCHS, Comparison, asked, suggestions
from tutor.play.settings import Refused
from tutor.play.whatif import WhatIf
from tutor.tui.dialogs import Ask
from tutor.tui.keys import bindings
from tutor.tui.lines import Choices, KeyBar, Line, Lines
from tutor.tui.screen import TutorScreen
from tutor.tui.views import wrapped

KEYS = [
    Key("", "move(1)", "↑↓", "choose"),
    Key("", "choose", "enter", "compare"),
    Key("e", "own", "e", "own values"),
    Key("plus,equals_sign", "longer(2)", "+/-", "epochs"),
    Key("minus", "longer(0.5)"),
    Key("l", "log", "l", "log scale"),
    Key("escape,y,q", "leave", "esc", "back"),
]
OWN = "own"  # what is chosen to type the values oneself
CHANGES = "changes"
EVERY = 0.2  # seconds between two looks at runs that train
MOST_EPOCHS = 100_000
WIDE = 100  # times as much: the least of the losses cannot be seen beside the largest


class CompareScreen(TutorScreen):
    """What may differ, and what comes of it. `changes` are the player's: its lesson is what is trained."""

    CSS_PATH = data_dir("assets") / "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, changes: WhatIf) -> None:
        super().__init__(classes="runs")
        self.lesson, self.changes = changes.lesson, changes
        self.epochs = EPOCHS
        self.log_scale: bool | None = None  # None: where the curves go through several powers of ten
        self.one_at_a_time = Lock()
        self.comparison: Comparison | None = None
        self.name_of_runs = ""
        self.curves: list[Curve] = []
        self.words: list[str] = []
        self.training = False

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Horizontal(id="body"):
            yield Choices(id="what", classes="pane", title="What is to differ?")
            with Vertical(id="result"):
                yield Lines(id="plot", classes="pane", title="Loss of each epoch")
                yield Lines(id="words", classes="pane", title="In words")
        yield KeyBar(KEYS)
        yield Static(id="small")

    def on_mount(self) -> None:
        for id in ("#bar", "#plot", "#words"):
            self.query_one(id).can_focus = False
        what = self.query_one("#what", Choices)
        lines = []
        if self.changes.changes and self.changes.original.training:
            lines.append(Line((("with your changes and without", ""),), CHANGES))
        for said, name, values in suggestions(self.lesson):
            lines.append(Line(((f"{said}: ", ""), (", ".join(values), "value")), f"{name} = {' '.join(values)}"))
        lines.append(Line((("something else, or own values …", ""),), OWN))
        what.show(lines, 0)
        what.focus()

    def on_resize(self) -> None:
        self.suit_size(
            {"-wide": self.size.width >= 120, "-high": self.size.height >= 32, "-low": self.size.height < 22}
        )
        self.call_after_refresh(self.draw)

    def on_lines_resized(self) -> None:
        """The panes of the result get their sizes when they first appear: by then training may be over."""
        self.draw()

    # ------------------------------------------------------------ drawing

    def draw(self) -> None:
        if not self.is_mounted or self.has_class("-tiny"):
            return
        self.set_class(self.comparison is not None, "-compared")
        state = f"training, {max((len(c.xs) for c in self.curves), default=0):,} of " if self.training else ""
        said = f"{state}{self.epochs:,} epochs" + (" · Esc stops" if self.training else "")
        self.query_one("#bar", Lines).show([Line(((f"Compare {self.name_of_runs}  ", "title"), (said, "dim")))])
        if self.comparison is None:
            return
        pane, words = self.query_one("#plot", Lines), self.query_one("#words", Lines)
        columns, rows = pane.size.width - 1, pane.size.height
        made = model(self.lesson)
        log = self.is_log()
        scale = ", log scale" if log else ""
        pane.border_title = f"{'Loss' if made.loss_name else made.output.id} of each epoch, same seed{scale}"
        picture = plot(self.curves, columns=columns, rows=rows, x_label="epoch", log_y=log)
        pane.show([Line(row) for row in picture])
        wide = words.size.width - 1
        words.show([item for at, said in enumerate(self.words) for item in wrapped(said, wide, "" if at else "strong")])

    def is_log(self) -> bool:
        if self.log_scale is not None:
            return self.log_scale
        values = np.concatenate([np.asarray(curve.ys, dtype=float) for curve in self.curves] or [np.ones(1)])
        values = values[np.isfinite(values)]
        return bool(len(values)) and values.min() > 0 and bool(values.max() / values.min() > WIDE)

    # ------------------------------------------------------------ training

    def begin(self, make: Callable[[], Comparison]) -> str | None:
        """Train what `make` gives; or say why it cannot be."""
        try:
            comparison = make()
        except Refused as error:
            return str(error)
        self.comparison, self.name_of_runs = comparison, comparison.name
        self.curves, self.words = [], []
        self.train()
        return None

    def train(self) -> None:
        """Train the runs on to so many epochs, beside the screen; what was trained before is kept."""
        self.training = True
        self.draw()
        comparison, epochs = self.comparison, self.epochs
        assert comparison is not None
        self.run_worker(lambda: self._train(comparison, epochs), thread=True, exclusive=True, group="compare")

    def _train(self, comparison: Comparison, epochs: int) -> None:
        worker, told = get_current_worker(), time.monotonic()

        def unless_cancelled(training: bool, curves: list[Curve], words: list[str]) -> None:
            if not worker.is_cancelled:
                self.training, self.curves, self.words = training, curves, words
                self.draw()

        def tell(training: bool) -> None:
            self.app.call_from_thread(unless_cancelled, training, curves(comparison), comparison.brief())

        def progress() -> bool:
            nonlocal told
            if time.monotonic() - told > EVERY and not worker.is_cancelled:
                tell(True)
                told = time.monotonic()
            return not worker.is_cancelled

        with self.one_at_a_time:  # what was stopped may not have noticed yet
            if comparison.train(epochs, progress) and not worker.is_cancelled:
                tell(False)

    def stop(self) -> None:
        self.workers.cancel_group(self, "compare")
        self.training = False

    # ------------------------------------------------------------ keys

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        if event.target == OWN:
            self.action_own()
            return
        wrong = self.begin(lambda: self.made(event.target))
        if wrong:
            self.say(wrong, "error")

    def made(self, target: str) -> Comparison:
        if target == CHANGES:
            pair = [("as it was", self.changes.original), ("changed", self.changes.unmarked)]
            return Comparison.of("your changes", pair)
        return Comparison(self.lesson, *asked(target))

    def action_own(self) -> None:
        chosen = self.query_one("#what", Choices).target or ""
        value = "" if chosen in (OWN, CHANGES) else chosen

        def wrong(text: str) -> str | None:
            try:
                self.made(text)
            except Refused as error:
                return str(error)
            return None

        def go(text: str | None) -> None:
            if text:
                self.begin(lambda: self.made(text))

        question = "What is to differ, and its values? For example: seed = 1 2 3"
        self.app.push_screen(Ask(question, wrong, "learning_rate = 0.1 0.5", value, 400), go)

    def action_longer(self, factor: float) -> None:
        epochs = int(self.epochs * factor)
        if 1 <= epochs <= MOST_EPOCHS:
            self.epochs = epochs
            if self.comparison is None or factor > 1:
                self.train() if self.comparison else self.draw()
            else:  # fewer epochs: what was trained is too much
                self.stop()
                self.comparison = self.comparison.again()
                self.train()

    def action_log(self) -> None:
        self.log_scale = not self.is_log()
        self.draw()

    def action_choose(self) -> None:
        self.query_one("#what", Choices).choose()

    def action_move(self, by: int) -> None:
        self.query_one("#what", Choices).move(by)

    def action_leave(self) -> None:
        """Stop what trains; else back to what is to differ; else back to the player."""
        if self.training:
            self.stop()
            self.draw()
        elif self.comparison is not None and not self.has_class("-wide"):
            self.comparison = None
            self.draw()
        elif self.is_current:
            self.app.pop_screen()
