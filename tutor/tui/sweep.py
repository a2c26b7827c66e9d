"""Sweep: many runs over a range of one setting; where each ends as a plot, what becomes of them in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType

from tutor.engine.lesson import Lesson
from tutor.pictures.plot import Curve, Mark, plot
from tutor.play.commands import Key
from tutor.play.sweep import EPOCHS, SAID, Sweep, asked, edit, is_log, over, suggestions
from tutor.text.layout import number
from tutor.tui.keys import bindings
from tutor.tui.lines import Line, Lines
from tutor.tui.runs import MOST_EPOCHS, OWN, RunsScreen
from tutor.tui.views import wrapped

KEYS = [
    Key("", "move(1)", "↑↓", "choose"),
    Key("", "choose", "enter", "sweep"),
    Key("e", "own", "e", "own range"),
    Key("right", "pick(1)", "←→", "pick a run"),
    Key("left", "pick(-1)"),
    Key("pagedown", "pick(10)"),
    Key("pageup", "pick(-10)"),
    Key("s", "step", "s", "step it"),
    Key("shift+down,ctrl+down,down", "scroll(2)", "⇧↑↓", "scroll"),
    Key("shift+up,ctrl+up,up", "scroll(-2)"),
    Key("plus,equals_sign", "longer(2)", "+/-", "epochs"),
    Key("minus", "longer(0.5)"),
    Key("l", "log", "l", "log scale"),
    Key("escape,W,q", "leave", "esc", "back"),
]


class SweepScreen(RunsScreen):
    """What may differ, and what comes of it; answers with the edit that makes the lesson that of a run, or None."""

    KEYS = KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    RESULT = "Loss at the end"
    QUESTION = "What is to differ, and from where to where? For example: W1[1,2] = -3..3"
    EXAMPLE = "learning_rate = 0.01..10"

    def __init__(self, lesson: Lesson) -> None:
        super().__init__(EPOCHS)
        self.lesson = lesson
        self.sweep: Sweep | None = None
        self.picked: int | None = None  # which run; None: the one that ends lowest
        self.log_y: bool | None = None  # None: where no loss is 0 or below

    @property
    def made(self) -> Sweep | None:
        return self.sweep

    def forget(self) -> None:
        self.sweep = None

    def offered(self) -> list[Line]:
        offered = suggestions(self.lesson)
        lines = [Line(((f"{said}: ", ""), (text.split()[-1], "value")), text) for said, text in offered]
        return [*lines, Line((("something else, or another range …", ""),), OWN)]

    def make(self, text: str) -> Sweep:
        return over(self.lesson, *asked(text))

    def begin(self, made: Sweep) -> None:
        self.sweep = made
        self.train()

    # ------------------------------------------------------------ drawing

    @property
    def at(self) -> int | None:
        """Which run is picked; None where there is none yet."""
        sweep = self.sweep
        if sweep is None or not sweep.points:
            return None
        if self.picked is not None:
            return min(self.picked, len(sweep.points) - 1)
        return sweep.points.index(sweep.best) if sweep.best else 0

    def draw(self) -> None:
        if not self.is_mounted or self.has_class("-tiny"):
            return
        sweep = self.sweep
        self.set_class(sweep is not None, "-compared")
        done, runs = (len(sweep.points), len(sweep.values)) if sweep else (0, 0)
        state = f"{done} of {runs} runs, " if self.training else f"{runs} runs, " if sweep else ""
        said = f"{state}{self.epochs:,} epochs each" + (" · Esc stops" if self.training else "")
        title = f"Sweep {sweep.name}  " if sweep else "Sweep  "
        self.query_one("#bar", Lines).show([Line(((title, "title"), (said, "dim")))])
        if sweep is None:
            return
        pane, words = self.query_one("#plot", Lines), self.query_one("#words", Lines)
        columns, rows = pane.size.width - 1, pane.size.height
        points = sweep.points[:done]
        ends = [point.final for point in points]
        pane.border_title = f"{points[0].run.loss.id if points else 'Loss'} at the end"
        at = None if self.at is None else min(self.at, done - 1)  # runs may have been added meanwhile
        marks = [Mark(points[at].value, ends[at])] if at is not None and done else []
        low, high = sweep.values[0], sweep.values[-1]
        picture = plot(
            [Curve(sweep.values[:done], ends)], marks, columns, rows, sweep.name,
            log_x=is_log(sweep.name, low, high), log_y=self.is_log(ends), x_range=(low, high),
        )  # fmt: skip
        pane.show([Line(row) for row in picture])
        wide = words.size.width - 1
        told = [self.of_picked(sweep), *self.words]
        words.show([item for at, said in enumerate(told) for item in wrapped(said, wide, "" if at else "strong")])

    def of_picked(self, sweep: Sweep) -> str:
        if self.at is None:
            return "Training …"
        point = sweep.points[self.at]
        said = f"● {sweep.name} {number(point.value)}"
        said += f", loss {number(point.final)}" if math.isfinite(point.final) else ""
        return said if self.training else f"{said}: {SAID[sweep.verdict(point)]}."

    def is_log(self, ends: list[float]) -> bool:
        finite = [end for end in ends if math.isfinite(end)]
        return bool(finite) and min(finite) > 0 if self.log_y is None else self.log_y

    # ------------------------------------------------------------ training

    def train(self) -> None:
        """Train all runs anew to so many epochs, beside the screen."""
        assert self.sweep is not None
        self.stop()
        sweep, epochs = Sweep(self.lesson, self.sweep.name, self.sweep.values), self.epochs
        self.sweep, self.picked, self.words = sweep, None, []

        def look(training: bool) -> Callable[[], None]:
            words = [] if training else sweep.words()
            return lambda: setattr(self, "words", words)

        self.beside(lambda goes_on: sweep.train(epochs, lambda _: goes_on()), look)

    # ------------------------------------------------------------ keys

    def action_pick(self, by: int) -> None:
        if self.sweep is not None and self.at is not None:
            self.picked = min(max(self.at + by, 0), len(self.sweep.points) - 1)
            self.draw()

    def action_scroll(self, by: int) -> None:
        """Scroll what is said; the arrows alone do where there is nothing to choose."""
        words = self.query_one("#words", Lines)
        words.scroll_lines_to(words.top + by)

    def action_step(self) -> None:
        """Back to the player, with the picked run's lesson in place of its own."""
        if self.sweep is None or self.at is None:
            self.say("Sweep first: then each run can be stepped.")
        else:
            text = edit(self.sweep, self.sweep.points[self.at])
            self.stop()
            self.dismiss(text)

    def action_longer(self, factor: float) -> None:
        epochs = int(self.epochs * factor)
        if 1 < epochs <= MOST_EPOCHS:
            self.epochs = epochs
            if self.sweep is None:
                self.draw()
            else:
                self.train()

    def action_log(self) -> None:
        ends = [point.final for point in self.sweep.points] if self.sweep else []
        self.log_y = not self.is_log(ends)
        self.draw()
