"""Sweep: many runs over a range of one setting; where each ends as a plot, what becomes of them in words."""

from __future__ import annotations

import math
import time
from threading import Lock
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static
from textual.worker import get_current_worker

from tutor.engine.lesson import Lesson
from tutor.lessonfiles.catalogue import data_dir
from tutor.pictures.plot import Curve, Mark, plot
from tutor.play.commands import Key
from tutor.play.settings import Refused
from tutor.play.sweep import EPOCHS, SAID, Sweep, asked, edit, is_log, over, suggestions
from tutor.text.layout import number
from tutor.tui.dialogs import Ask
from tutor.tui.keys import bindings
from tutor.tui.lines import Choices, KeyBar, Line, Lines
from tutor.tui.screen import TutorScreen
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
OWN = "own"  # what is chosen to type a range oneself
EVERY = 0.2  # seconds between two looks at runs that train
MOST_EPOCHS = 100_000


class SweepScreen(TutorScreen):
    """What may differ, and what comes of it; answers with the edit that makes the lesson that of a run, or None."""

    CSS_PATH = data_dir("assets") / "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, lesson: Lesson) -> None:
        super().__init__(classes="runs")
        self.lesson = lesson
        self.epochs = EPOCHS
        self.sweep: Sweep | None = None
        self.picked: int | None = None  # which run; None: the one that ends lowest
        self.log_y: bool | None = None  # None: where no loss is 0 or below
        self.words: list[str] = []
        self.training = False
        self.one_at_a_time = Lock()

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Horizontal(id="body"):
            yield Choices(id="what", classes="pane", title="What is to differ?")
            with Vertical(id="result"):
                yield Lines(id="plot", classes="pane", title="Loss at the end")
                yield Lines(id="words", classes="pane", title="In words")
        yield KeyBar(KEYS)
        yield Static(id="small")

    def on_mount(self) -> None:
        for id in ("#bar", "#plot", "#words"):
            self.query_one(id).can_focus = False
        what = self.query_one("#what", Choices)
        offered = suggestions(self.lesson)
        lines = [Line(((f"{said}: ", ""), (text.split()[-1], "value")), text) for said, text in offered]
        lines.append(Line((("something else, or another range …", ""),), OWN))
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

    def begin(self, text: str) -> str | None:
        """Sweep over what is asked for; or say why it cannot be."""
        try:
            self.sweep = over(self.lesson, *asked(text))
        except Refused as error:
            return str(error)
        self.train()
        return None

    def train(self) -> None:
        """Train all runs anew to so many epochs, beside the screen."""
        assert self.sweep is not None
        self.stop()
        sweep, epochs = Sweep(self.lesson, self.sweep.name, self.sweep.values), self.epochs
        self.sweep, self.picked, self.words, self.training = sweep, None, [], True
        self.draw()
        self.run_worker(lambda: self._train(sweep, epochs), thread=True, exclusive=True, group="sweep")

    def _train(self, sweep: Sweep, epochs: int) -> None:
        worker, told = get_current_worker(), time.monotonic()

        def unless_cancelled(words: list[str]) -> None:
            if not worker.is_cancelled:
                self.training, self.words = not words, words
                self.draw()

        def progress(_: int) -> bool:
            nonlocal told
            if time.monotonic() - told > EVERY and not worker.is_cancelled:
                self.app.call_from_thread(unless_cancelled, [])
                told = time.monotonic()
            return not worker.is_cancelled

        with self.one_at_a_time:  # what was stopped may not have noticed yet
            if not worker.is_cancelled and sweep.train(epochs, progress) and not worker.is_cancelled:
                self.app.call_from_thread(unless_cancelled, sweep.words())

    def stop(self) -> None:
        self.workers.cancel_group(self, "sweep")
        self.training = False

    # ------------------------------------------------------------ keys

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        if event.target == OWN:
            self.action_own()
        elif wrong := self.begin(event.target):
            self.say(wrong, "error")

    def action_own(self) -> None:
        chosen = self.query_one("#what", Choices).target or ""

        def wrong(text: str) -> str | None:
            try:
                over(self.lesson, *asked(text))
            except Refused as error:
                return str(error)
            return None

        def go(text: str | None) -> None:
            if text:
                self.begin(text)

        question = "What is to differ, and from where to where? For example: W1[1,2] = -3..3"
        value = "" if chosen == OWN else chosen
        self.app.push_screen(Ask(question, wrong, "learning_rate = 0.01..10", value, 400), go)

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

    def action_choose(self) -> None:
        self.query_one("#what", Choices).choose()

    def action_move(self, by: int) -> None:
        self.query_one("#what", Choices).move(by)

    def action_leave(self) -> None:
        """Stop what trains; else back to what is to differ; else back to the player."""
        if self.training:
            self.stop()
            self.draw()
        elif self.sweep is not None and not self.has_class("-wide"):
            self.sweep = None
            self.draw()
        elif self.is_current:
            self.dismiss(None)
