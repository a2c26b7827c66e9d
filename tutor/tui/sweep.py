"""Sweep: many runs over a range of one setting, or two; where each ends as a plot or a map, and in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType

from tutor.engine.lesson import Lesson
from tutor.pictures.sweeps import can_be_log, map_picture, runs_that_fit, sweep_picture
from tutor.play.commands import Key
from tutor.play.outcomes import SAID, Verdict
from tutor.play.sweep import EPOCHS, Sweep, is_log
from tutor.play.sweep_map import SweepMap, offered, runs_of
from tutor.text.language import N_, say
from tutor.text.layout import number
from tutor.text.words import listed
from tutor.tui.keys import bindings
from tutor.tui.lines import Line, Lines, entitle
from tutor.tui.runs import MOST_EPOCHS, OWN, RunsScreen
from tutor.tui.views import wrapped

KEYS = [
    Key("", "move(1)", "↑↓", "choose"),
    Key("", "choose", "enter", "sweep"),
    Key("e", "own", "e", "own range"),
    Key("right", "pick(1)", "←→", "pick a run"),
    Key("left", "pick(-1)"),
    Key("pagedown", "far(-1)", "PgUp/Dn", "far, a row"),
    Key("pageup", "far(1)"),
    Key("down", "down(1)"),
    Key("up", "down(-1)"),
    Key("s", "step", "s", "step it"),
    Key("shift+down,ctrl+down", "scroll(2)", "⇧↑↓", "scroll"),
    Key("shift+up,ctrl+up", "scroll(-2)"),
    Key("plus,equals_sign", "longer(2)", "+/-", "epochs"),
    Key("minus", "longer(0.5)"),
    Key("l", "log", "l", "log scale"),
    Key("escape,W,q", "leave", "esc", "back"),
]


class SweepScreen(RunsScreen):
    """What may differ, and what comes of it; answers with the edit that makes the lesson that of a run, or None."""

    KEYS = KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    RESULT = N_("Loss at the end")
    QUESTION = N_("What is to differ, from where to where? W1[1,2] = -3..3, or two settings with and between")
    EXAMPLE = "learning_rate = 0.01..10 and initial_scale = 0.1..3"

    def __init__(self, lesson: Lesson) -> None:
        super().__init__(EPOCHS)
        self.lesson = lesson
        self.sweep: Sweep | SweepMap | None = None
        self.verdicts: list[list[Verdict]] = []  # of a map, once it is trained
        self.picked: int | None = None  # which run; None: the one that ends lowest
        self.log_y: bool | None = None  # None: where no loss is 0 or below

    @property
    def made(self) -> Sweep | SweepMap | None:
        return self.sweep

    def forget(self) -> None:
        self.sweep = None

    def offered(self) -> list[Line]:
        lines = [Line(((f"{said}: ", ""), (_ranges(text), "value")), text) for said, text in offered(self.lesson)]
        return [*lines, Line(((say("something else, or another range …"), ""),), OWN)]

    def make(self, text: str) -> Sweep | SweepMap:
        """Of a map as many runs as its pane will have room for."""
        columns = self.size.width - (53 if self.has_class("-wide") else 5)
        rows = self.size.height - (16 if self.has_class("-high") else 8 if self.has_class("-low") else 12)
        return runs_of(self.lesson, text, *runs_that_fit(columns, rows))

    def begin(self, made: Sweep | SweepMap) -> None:
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
        done, runs = (len(sweep.points), sweep.total) if sweep else (0, 0)
        state = (
            N_("{n} of {runs} runs, {epochs} epochs each · Esc stops")
            if self.training
            else N_("{runs} runs, {epochs} epochs each" if sweep else "{epochs} epochs each")
        )
        said = say(state, n=done, runs=runs, epochs=f"{self.epochs:,}")
        title = say("Sweep {names}", names=listed(sweep.names)) if sweep else say("Sweep")
        self.query_one("#bar", Lines).show([Line(((f"{title}  ", "title"), (said, "dim")))])
        if sweep is None:
            return
        pane, words = self.query_one("#plot", Lines), self.query_one("#words", Lines)
        columns, rows = pane.size.width - 1, pane.size.height
        entitle(pane, say("{loss} at the end", loss=sweep.points[0].run.loss.id if done else say("Loss")))
        at = self.at if done else None
        if isinstance(sweep, SweepMap):
            picture = map_picture(sweep, self.verdicts, at, columns, rows)
        else:
            log = is_log(sweep.name, sweep.values[0], sweep.values[-1])
            picture = sweep_picture(sweep, at, columns, rows, log, self.log_y)
        pane.show([Line(row) for row in picture])
        wide = words.size.width - 1
        told = [self.of_picked(sweep), *self.words]
        words.show([item for at, said in enumerate(told) for item in wrapped(said, wide, "" if at else "strong")])

    def of_picked(self, sweep: Sweep | SweepMap) -> str:
        if self.at is None:
            return say("Training …")
        point = sweep.points[self.at]
        said = f"● {sweep.of(point)}"
        said = say("{run}, loss {loss}", run=said, loss=number(point.final)) if math.isfinite(point.final) else said
        return said if self.training else f"{said}: {say(SAID[sweep.verdict(point)])}."

    # ------------------------------------------------------------ training

    def train(self) -> None:
        """Train all runs anew to so many epochs, beside the screen."""
        assert self.sweep is not None
        self.stop()
        sweep, epochs = self.sweep.again(), self.epochs
        self.sweep, self.picked, self.words, self.verdicts = sweep, None, [], []

        def look(training: bool) -> Callable[[], None]:
            words = [] if training else sweep.words()
            verdicts = sweep.verdicts() if isinstance(sweep, SweepMap) and not training else []

            def take_over() -> None:
                self.words, self.verdicts = words, verdicts

            return take_over

        self.beside(lambda goes_on: sweep.train(epochs, lambda _: goes_on()), look)

    # ------------------------------------------------------------ keys

    def action_pick(self, by: int) -> None:
        if self.sweep is not None and self.at is not None:
            self.picked = min(max(self.at + by, 0), len(self.sweep.points) - 1)
            self.draw()

    def action_far(self, by: int) -> None:
        """To the row above or below of a map; else ten runs on or back."""
        if not isinstance(self.sweep, SweepMap):
            self.action_pick(-10 * by)
        elif self.at is not None and 0 <= (at := self.at + by * len(self.sweep.x.values)) < len(self.sweep.points):
            self.picked = at
            self.draw()

    def action_down(self, by: int) -> None:
        """On a map a row; else what is said is scrolled, where there is nothing to choose."""
        if isinstance(self.sweep, SweepMap):
            self.action_far(-by)
        else:
            self.action_scroll(2 * by)

    def action_scroll(self, by: int) -> None:
        """Scroll what is said."""
        words = self.query_one("#words", Lines)
        words.scroll_lines_to(words.top + by)

    def action_step(self) -> None:
        """Back to the player, with the picked run's lesson in place of its own."""
        if self.sweep is None or self.at is None:
            self.say(say("Sweep first: then each run can be stepped."))
        else:
            text = self.sweep.edit(self.sweep.points[self.at])
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
        if isinstance(self.sweep, SweepMap):
            self.say(say("The shades of a map are of logarithms, where all losses are above 0."))
            return
        ends = [point.final for point in self.sweep.points] if self.sweep else []
        self.log_y = not (can_be_log(ends) if self.log_y is None else self.log_y)
        self.draw()


def _ranges(text: str) -> str:
    """The ranges alone of what is asked for."""
    return " × ".join(part.split()[-1] for part in text.split(" and "))
