"""The picture of a lesson over the whole screen: step in it, choose in it, go from it to a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from tutor.pictures.diagram import Item, Known, begin, diagram, move
from tutor.play import playback
from tutor.play.playback import Cursor
from tutor.text.layout import linear
from tutor.tui import views
from tutor.tui.lines import KeyBar, Line, Lines, line
from tutor.tui.map import Map
from tutor.tui.screen import TutorScreen

if TYPE_CHECKING:
    from tutor.tui.player import PlayerScreen

# keys, action, key as shown, label, as in the player
KEYS = [
    ("n,space", "step(1)", "n/b", "step"),
    ("b,backspace", "step(-1)", "b", ""),
    ("right_square_bracket", "phase(1)", "]/[", "phase"),
    ("left_square_bracket", "phase(-1)", "[", ""),
    ("up", "move(-1, 0)", "↑↓←→", "select"),
    ("down", "move(1, 0)", "↓", ""),
    ("left", "move(0, -1)", "←", ""),
    ("right", "move(0, 1)", "→", ""),
    ("enter", "choose", "Enter", "its step"),
    ("escape,m,q,f4", "close", "m", "close"),
    ("d", "app.toggle_dark", "d", "theme"),
]


class DiagramScreen(TutorScreen):
    """The picture of what the player shows; the player keeps the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding(keys, action, show=False) for keys, action, *_ in KEYS]

    def __init__(self, player: PlayerScreen) -> None:
        super().__init__()
        self.player = player
        self.selected: Item | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        yield Map(id="picture")
        yield Lines(id="said")
        yield KeyBar([(shown, label, action) for _, action, shown, label in KEYS if label])
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
        player = self.player
        step = playback.current(player.cursor, player.trace)
        columns, rows = picture.size.width, picture.size.height
        picture.picture(diagram(player.trace, player.scribe, step, player.known, columns, rows, selected=self.selected))
        bar = self.query_one("#bar", Lines)
        bar.show([views.bar_line(player.lesson, player.trace, player.scribe, player.cursor, bar.size.width or columns)])
        card = player.scribe.card(step)
        chain = " = ".join(linear(doc, 3) for doc in card.main.docs)
        if player.open_question:
            chain = "What is asked shows after your answer."
        self.query_one("#said", Lines).show([Line(((f" {card.title}", "title"),)), line(f" {chain}", "formula")])

    def say(self, text: str) -> None:
        self.query_one("#bar", Lines).show([line(text, "value")])

    def show(self, cursor: Cursor | None, otherwise: str = "") -> None:
        """Step the player; in predict mode a question takes one back to it."""
        if cursor is None:
            self.say(otherwise)
            return
        if self.player.open_question:
            self.say("First the question: m or Esc goes back to it.")
            return
        self.player.show(cursor)
        if self.player.asking and not self.player.asking.done:
            self.action_close()
        else:
            self.draw()

    def action_step(self, by: int) -> None:
        player = self.player
        if by > 0:
            self.show(playback.forward(player.cursor, player.trace), "This is the last step.")
        else:
            self.show(playback.back(player.cursor, player.trace), "This is the first step.")

    def action_phase(self, by: int) -> None:
        self.show(playback.next_phase(self.player.cursor, self.player.trace, by))

    def action_move(self, down: int, right: int) -> None:
        """Select what is beside the selected item; first of all what the step is about."""
        player, drawn = self.player, self.query_one("#picture", Map).drawn
        if self.selected is None:
            self.selected = begin(player.trace, playback.current(player.cursor, player.trace))
        else:
            self.selected = move(player.trace, drawn, self.selected, down, right)
        self.draw()

    def action_choose(self) -> None:
        player = self.player
        step = playback.current(player.cursor, player.trace)
        id = self.selected and Known(player.trace, player.scribe, step, player.known).step_id(self.selected)
        if player.open_question:
            self.say("First the question: m or Esc goes back to it.")
        elif id:
            self.go(id)
        else:
            self.say("Select a unit or a weight with the arrow keys first.")

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        self.go(event.target)

    def go(self, id: str) -> None:
        self.action_close()
        if self.player.open_question:
            return
        self.player.jump(id)

    def action_close(self) -> None:
        if self.is_current:
            self.dismiss()
