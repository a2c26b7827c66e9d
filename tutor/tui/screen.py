"""What the screens share: what they ask of the app, how they follow the lesson that is played, a terminal too small."""

from __future__ import annotations

import textwrap
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, cast

from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

from tutor.learner.store import Store
from tutor.play.commands import Key
from tutor.text.language import say
from tutor.tui.lines import Choices, KeyBar, Lines, line

if TYPE_CHECKING:
    from tutor.engine.lesson import Lesson
    from tutor.learner.practice import PracticeItem

Answer = TypeVar("Answer")  # of a screen that is dismissed

SMALLEST = (60, 16)  # columns and rows; below, a screen would be broken


class Tutor(Protocol):
    """What a screen asks of the app: the learner's store, and to open other screens."""

    store: Store

    def open_lesson(self, path: Path, key: str) -> None: ...
    def quiz_on(self, path: Path) -> None: ...
    def placement(self) -> None: ...
    def practise(self, title: str, exercises: Iterable[PracticeItem]) -> None: ...
    def exam_on(self, lesson: Lesson) -> None: ...
    def review(self) -> None: ...
    def drill(self, skill: str, lesson: str = "") -> None: ...
    def show_mistakes(self) -> None: ...
    def sum_up(self) -> None: ...
    def show_progress(self) -> None: ...
    def open_lab(self) -> None: ...
    def open_doctor(self) -> None: ...
    def wait_for_loading(self) -> None: ...


class Stacked(Screen[Answer]):
    """A screen that may lie below another, or above one that is seen through it: what changes is painted, and no more.

    Where a screen is to be painted in parts, textual 8.2.8 forgets those of its widgets that are to be painted as well.
    It does not show there, since what lay below another screen once is painted as a whole for ever after.
    """

    @property
    def covered(self) -> bool:
        """Whether nothing is seen of it: a screen above it does not let it through."""
        above = takewhile(lambda screen: screen is not self, reversed(self.app.screen_stack))
        return any(screen.styles.background.a == 1 for screen in above)

    def _on_timer_update(self) -> None:
        if self._repaint_required:
            self._repaint_required = False
            self._dirty_widgets.add(self)
        super()._on_timer_update()

    def _compositor_refresh(self) -> None:
        super()._compositor_refresh()
        if self is not self.app.screen:
            self._repaint_required = False


class TutorScreen(Stacked[Any]):
    """A screen of the tutor. It has a `Static` of the id `small`, shown alone where there is too little room.

    `commands` is the table that the command palette has of it.
    """

    commands: ClassVar[Sequence[Key]] = ()

    @property
    def tutor(self) -> Tutor:
        return cast(Tutor, self.app)


    def say(self, text: str, style: str = "value") -> None:
        """A word on why a key did nothing, in place of the bar until the next key: as many lines as it takes."""
        parts = textwrap.wrap(text, max(self.size.width - 2, 20)) or [""]
        self.query_one("#bar", Lines).show([line(part, style) for part in parts])

    def retell(self) -> None:
        """Say everything anew: the language is another one."""
        for bar in self.query(KeyBar):
            bar.retell()

    def suit_size(self, classes: dict[str, bool]) -> None:
        """Set the classes of an arrangement; in a terminal that is too small show a polite word alone."""
        columns, rows = SMALLEST
        tiny = self.size.width < columns or self.size.height < rows
        for name, on in {**classes, "-tiny": tiny}.items():
            self.set_class(on, name)
        if tiny:
            text = say(
                "backprop-tutor needs {columns} × {rows} cells;\nthis terminal has {wide} × {high}.\n"
                "Make the window larger or the letters smaller,\nor leave with ctrl+q and add --plain.",
                columns=columns, rows=rows, wide=self.size.width, high=self.size.height,
            )  # fmt: skip
            self.query_one("#small", Static).update(Content(text))


ARRANGEMENTS = ("-wide", "-split", "-stack", "-single")


def arrangement(size: Size) -> str:
    """How the panes of the player stand in a terminal of this size."""
    if size.width >= 140 and size.height >= 30:
        return "-wide"
    if size.width >= 110:
        return "-split"
    return "-stack" if size.height >= 22 else "-single"


class ListScreen(TutorScreen):
    """A bar above a list to choose from, drawn anew by `draw` whenever it comes up or changes its size."""

    KEYS: ClassVar[list[Key]]

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        yield Choices(id="list")
        yield KeyBar(self.KEYS)
        yield Static(id="small")

    def on_mount(self) -> None:
        self.query_one("#bar").can_focus = False
        self.query_one("#list").focus()

    def on_resize(self) -> None:
        self.suit_size({})
        self.call_after_refresh(self.draw)

    def on_screen_resume(self) -> None:
        if self.size.width:
            self.draw()

    @abstractmethod
    def draw(self) -> None:
        """Show what there is."""
