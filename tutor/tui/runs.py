"""What compare and sweep share: something is chosen to differ, runs are trained beside the screen, a plot and words."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from threading import Lock
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static
from textual.worker import get_current_worker

from tutor.lessonfiles.catalogue import data_dir
from tutor.play.commands import Key
from tutor.play.settings import Refused
from tutor.text.language import say
from tutor.tui.dialogs import Ask
from tutor.tui.lines import Choices, KeyBar, Line, Lines
from tutor.tui.screen import TutorScreen

Train = Callable[[Callable[[], bool]], bool]  # is told what says whether to go on; whether it came to its end
Look = Callable[[bool], Callable[[], None]]  # reads the runs, still in training or not; what takes that over on screen

OWN = "own"  # what is chosen to type it oneself
EVERY = 0.2  # seconds between two looks at runs that train
MOST_EPOCHS = 100_000


class RunsScreen(TutorScreen):
    """What may differ, and what comes of it: `made`, which a subclass makes, trains and draws.

    `RESULT` is the title of the plot, `QUESTION` and `EXAMPLE` ask for what is offered nowhere.
    """

    CSS_PATH = data_dir("assets") / "compare.tcss"
    KEYS: ClassVar[list[Key]]
    RESULT: ClassVar[str]
    QUESTION: ClassVar[str]
    EXAMPLE: ClassVar[str]

    def __init__(self, epochs: int) -> None:
        super().__init__(classes="runs")
        self.epochs = epochs
        self.words: list[str] = []
        self.training = False
        self.one_at_a_time = Lock()

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Horizontal(id="body"):
            yield Choices(id="what", classes="pane", title=say("What is to differ?"))
            with Vertical(id="result"):
                yield Lines(id="plot", classes="pane", title=say(self.RESULT))
                yield Lines(id="words", classes="pane", title=say("In words"))
        yield KeyBar(self.KEYS)
        yield Static(id="small")

    def on_mount(self) -> None:
        for id in ("#bar", "#plot", "#words"):
            self.query_one(id).can_focus = False
        what = self.query_one("#what", Choices)
        what.show(self.offered(), 0)
        what.focus()

    def on_resize(self) -> None:
        self.suit_size(
            {"-wide": self.size.width >= 120, "-high": self.size.height >= 32, "-low": self.size.height < 22}
        )
        self.call_after_refresh(self.draw)

    def on_lines_resized(self) -> None:
        """The panes of the result get their sizes when they first appear: by then training may be over."""
        self.draw()

    # ------------------------------------------------------------ what a subclass is asked for

    @property
    @abstractmethod
    def made(self) -> Any:
        """The runs; None while nothing is chosen."""

    @abstractmethod
    def forget(self) -> None:
        """Back to what is to differ."""

    @abstractmethod
    def offered(self) -> list[Line]:
        """What may differ, each line with the text that `make` takes, and last `OWN`."""

    @abstractmethod
    def make(self, text: str) -> Any:
        """The runs that a text asks for. Raises Refused."""

    @abstractmethod
    def begin(self, made: Any) -> None:
        """Train these runs."""

    @abstractmethod
    def draw(self) -> None:
        """Show what there is."""

    # ------------------------------------------------------------ training

    def beside(self, train: Train, look: Look) -> None:
        """Train beside the screen, and look at the runs now and then and at the end."""
        self.training = True
        self.draw()
        self.run_worker(lambda: self._train(train, look), thread=True, exclusive=True, group="runs")

    def _train(self, train: Train, look: Look) -> None:
        worker, told = get_current_worker(), time.monotonic()

        def unless_cancelled(training: bool, take_over: Callable[[], None]) -> None:
            if not worker.is_cancelled:
                self.training = training
                take_over()
                self.draw()

        def progress() -> bool:
            nonlocal told
            if time.monotonic() - told > EVERY and not worker.is_cancelled:
                self.app.call_from_thread(unless_cancelled, True, look(True))
                told = time.monotonic()
            return not worker.is_cancelled

        def refused(error: Refused) -> None:
            if not worker.is_cancelled:
                self.training = False
                self.forget()
                self.draw()
                self.say(str(error), "error")

        with self.one_at_a_time:  # what was stopped may not have noticed yet
            try:
                if not worker.is_cancelled and train(progress) and not worker.is_cancelled:
                    self.app.call_from_thread(unless_cancelled, False, look(False))
            except Refused as error:  # between values that can be is one that cannot
                self.app.call_from_thread(refused, error)

    def stop(self) -> None:
        self.workers.cancel_group(self, "runs")
        self.training = False

    # ------------------------------------------------------------ keys

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        if event.target == OWN:
            self.action_own()
            return
        try:
            self.begin(self.make(event.target))
        except Refused as error:
            self.say(str(error), "error")

    def action_own(self) -> None:
        chosen = self.query_one("#what", Choices).target or ""

        def wrong(text: str) -> str | None:
            try:
                self.make(text)
            except Refused as error:
                return str(error)
            return None

        def go(text: str | None) -> None:
            if text:
                self.begin(self.make(text))

        value = chosen if " = " in chosen else ""
        self.app.push_screen(Ask(say(self.QUESTION), wrong, self.EXAMPLE, value, 400), go)

    def action_choose(self) -> None:
        self.query_one("#what", Choices).choose()

    def action_move(self, by: int) -> None:
        self.query_one("#what", Choices).move(by)

    def action_leave(self) -> None:
        """Stop what trains; else back to what is to differ; else back to the player."""
        if self.training:
            self.stop()
            self.draw()
        elif self.made is not None and not self.has_class("-wide"):
            self.forget()
            self.draw()
        elif self.is_current:
            self.dismiss(None)
