"""The picture of a lesson over the whole screen: step in it, choose in it, go from it to a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from tutor.pictures.diagram import Item, Known, begin, diagram, move
from tutor.pictures.marks import marked
from tutor.play.commands import Key
from tutor.play.settings import Refused
from tutor.play.sitting import Sitting
from tutor.text.language import say
from tutor.text.layout import linear
from tutor.tui import views
from tutor.tui.follower import Follower
from tutor.tui.keys import bindings
from tutor.tui.lines import KeyBar, Line, Lines, line
from tutor.tui.map import Map
from tutor.tui.screen import TutorScreen

KEYS = [
    Key("n,space", "step(1)", "n/b", "step"),
    Key("b,backspace", "step(-1)", "b", ""),
    Key("right_square_bracket", "phase(1)", "]/[", "phase"),
    Key("left_square_bracket", "phase(-1)", "[", ""),
    Key("up", "move(-1, 0)", "↑↓←→", "select"),
    Key("down", "move(1, 0)", "↓", ""),
    Key("left", "move(0, -1)", "←", ""),
    Key("right", "move(0, 1)", "→", ""),
    Key("enter", "choose", "Enter", "its step"),
    Key("escape,m,q,f4", "close", "m", "close"),
    Key("d", "app.toggle_dark", "d", "theme"),
]


class DiagramScreen(Follower, TutorScreen):
    """The picture of what the player shows; answers with the id of a step that was chosen in it, or None."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, sitting: Sitting, show: Callable[[Sitting], None]) -> None:
        """`show` makes another sitting the player's, which comes back to `follow`."""
        super().__init__()
        self.sitting, self.show = sitting, show
        self.selected: Item | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        yield Map(id="picture")
        yield Lines(id="said")
        yield KeyBar(KEYS)
        yield Static(id="small")

    def on_mount(self) -> None:
        for lines in self.query(Lines):
            lines.can_focus = False
        self.query_one("#said").styles.height = 2

    def on_resize(self) -> None:
        self.suit_size({})
        self.call_after_refresh(self.draw)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_mounted:
            self.call_after_refresh(self.draw)

    def draw(self) -> None:
        picture = self.query_one("#picture", Map)
        if self.has_class("-tiny") or picture.size.width < 1:
            return
        now, step = self.sitting, self.sitting.step
        columns, rows = picture.size.width, picture.size.height
        drawn = diagram(now.trace, now.scribe, step, now.known, columns, rows, selected=self.selected)
        picture.picture(marked(drawn, now.trace, now.judged))
        bar = self.query_one("#bar", Lines)
        bar.show([views.bar_line(now.lesson, now.trace, now.scribe, now.cursor, bar.size.width or columns)])
        card = now.scribe.card(step)
        chain = " = ".join(linear(doc, 3) for doc in card.main.docs)
        if now.open_question:
            chain = say("What is asked shows after your answer.")
        self.query_one("#said", Lines).show([Line(((f" {card.title}", "title"),)), line(f" {chain}", "formula")])

    def follow(self, sitting: Sitting) -> None:
        super().follow(sitting)
        if self.is_mounted:
            self.draw()

    def go(self, move: Callable[[], Sitting]) -> None:
        """Step the player; in predict mode a question takes one back to it."""
        try:
            moved = move()
        except Refused as error:
            self.say(str(error))
            return
        if self.sitting.open_question:
            self.say(say("First the question: m or Esc goes back to it."))
            return
        self.show(moved)
        if self.sitting.open_question:
            self.action_close()

    def action_step(self, by: int) -> None:
        self.go(self.sitting.forward if by > 0 else self.sitting.back)

    def action_phase(self, by: int) -> None:
        self.go(lambda: self.sitting.phase(by))

    def action_move(self, down: int, right: int) -> None:
        """Select what is beside the selected item; first of all what the step is about."""
        now, drawn = self.sitting, self.query_one("#picture", Map).drawn
        if self.selected is None:
            self.selected = begin(now.trace, now.step)
        else:
            self.selected = move(now.trace, drawn, self.selected, down, right)
        self.draw()

    def action_choose(self) -> None:
        now = self.sitting
        id = self.selected and Known(now.trace, now.scribe, now.step, now.known).step_id(self.selected)
        if now.open_question:
            self.say(say("First the question: m or Esc goes back to it."))
        elif id:
            self.close(id)
        else:
            self.say(say("Select a unit or a weight with the arrow keys first."))

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        self.close(None if self.sitting.open_question else event.target)

    def close(self, id: str | None) -> None:
        if self.is_current:
            self.dismiss(id)

    def action_close(self) -> None:
        self.close(None)
