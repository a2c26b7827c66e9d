"""Compare: runs of a lesson that differ in one setting, their loss curves on one plot, growing as they train."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from textual.binding import BindingType

from tutor.engine.forward import model
from tutor.pictures.plot import Curve, curves, plot
from tutor.play.commands import Key
from tutor.play.compare import EPOCHS, Comparison, asked, suggestions
from tutor.play.whatif import WhatIf
from tutor.text.language import N_, say
from tutor.tui.keys import bindings
from tutor.tui.lines import Line, Lines, entitle
from tutor.tui.runs import MOST_EPOCHS, OWN, RunsScreen
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
CHANGES = "changes"
WIDE = 100  # times as much: the least of the losses cannot be seen beside the largest


class CompareScreen(RunsScreen):
    """What may differ, and what comes of it. `changes` are the player's: its lesson is what is trained."""

    KEYS = KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    RESULT = N_("Loss of each epoch")
    QUESTION = N_("What is to differ, and its values? For example: seed = 1 2 3")
    EXAMPLE = "learning_rate = 0.1 0.5"

    def __init__(self, changes: WhatIf) -> None:
        super().__init__(EPOCHS)
        self.lesson, self.changes = changes.lesson, changes
        self.log_scale: bool | None = None  # None: where the curves go through several powers of ten
        self.comparison: Comparison | None = None
        self.curves: list[Curve] = []

    @property
    def made(self) -> Comparison | None:
        return self.comparison

    def forget(self) -> None:
        self.comparison = None

    def offered(self) -> list[Line]:
        lines = []
        if self.changes.changes and self.changes.original.training:
            lines.append(Line(((say("with your changes and without"), ""),), CHANGES))
        for said, name, values in suggestions(self.lesson):
            lines.append(Line(((f"{said}: ", ""), (", ".join(values), "value")), f"{name} = {' '.join(values)}"))
        return [*lines, Line(((say("something else, or own values …"), ""),), OWN)]

    def make(self, text: str) -> Comparison:
        if text == CHANGES:
            pair = [(say("as it was"), self.changes.original), (say("changed"), self.changes.unmarked)]
            return Comparison.of(say("your changes"), pair)
        return Comparison(self.lesson, *asked(text))

    def begin(self, made: Comparison) -> None:
        self.comparison, self.curves, self.words = made, [], []
        self.train()

    # ------------------------------------------------------------ drawing

    def draw(self) -> None:
        if not self.is_mounted or self.has_class("-tiny"):
            return
        self.set_class(self.comparison is not None, "-compared")
        title = say("Compare {name}", name=self.comparison.name) if self.comparison else say("Compare")
        done = f"{max((len(c.xs) for c in self.curves), default=0):,}"
        told = N_("training, {n} of {epochs} epochs · Esc stops") if self.training else N_("{epochs} epochs")
        said = say(told, n=done, epochs=f"{self.epochs:,}")
        self.query_one("#bar", Lines).show([Line(((f"{title}  ", "title"), (said, "dim")))])
        if self.comparison is None:
            return
        pane, words = self.query_one("#plot", Lines), self.query_one("#words", Lines)
        columns, rows = pane.size.width - 1, pane.size.height
        made = model(self.lesson)
        log = self.is_log()
        told = N_("{loss} of each epoch, same seed, log scale" if log else "{loss} of each epoch, same seed")
        entitle(pane, say(told, loss=say("Loss") if made.loss_name else made.output.id))
        picture = plot(self.curves, columns=columns, rows=rows, x_label=say("epoch"), log_y=log)
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

    def train(self) -> None:
        """Train the runs on to so many epochs, beside the screen; what was trained before is kept."""
        comparison, epochs = self.comparison, self.epochs
        assert comparison is not None

        def look(training: bool) -> Callable[[], None]:
            found, words = curves(comparison), comparison.brief()

            def take_over() -> None:
                self.curves, self.words = found, words

            return take_over

        self.beside(lambda goes_on: comparison.train(epochs, goes_on), look)

    # ------------------------------------------------------------ keys

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
