"""The picture of a lesson as a pane: rows of `Lines`; a click on a unit, an edge or a gate goes to its step.

And over the whole screen, to be looked at beside a question.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.widgets import Static

from tutor.engine.trace import Step, Trace
from tutor.pictures.diagram import Diagram, diagram
from tutor.play.commands import Key
from tutor.play.playback import Cursor
from tutor.text.card import Scribe
from tutor.text.language import say
from tutor.tui.lines import KeyBar, Line, Lines, line
from tutor.tui.screen import TutorScreen


def map_title(trace: Trace) -> str:
    """What the picture of all values is a picture of."""
    return say("Network") if trace.program.model.layers else say("Circuit")


class Map(Lines, inherit_bindings=False):
    """Shows a `Diagram`; a spot that is clicked goes up as `Chosen` with its step's id."""

    drawn = Diagram((), ())

    def picture(self, drawn: Diagram) -> None:
        self.drawn = drawn
        self.show([Line(row) for row in drawn.picture])

    def on_click(self, event: Click) -> None:
        at = event.get_content_offset(self)
        spot = self.drawn.at(at.x, at.y + self.top) if at else None
        if spot and spot.id:
            self.post_message(self.Chosen(self, spot.id))


class NetworkScreen(TutorScreen):
    """The network, or the circuit, over the whole screen, with what is known at a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f4,q,enter", "close", show=False)]

    def __init__(self, step: Step, cursor: Cursor, title: str, back: Key) -> None:
        """The step is lit; `back` is the key that closes it, as the last line has it."""
        super().__init__()
        self.step, self.cursor, self.heading, self.back = step, cursor, title, back

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        yield Map(id="picture")
        yield KeyBar([self.back])
        yield Static(id="small")

    def on_resize(self) -> None:
        self.suit_size({})
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        picture, trace = self.query_one("#picture", Map), self.step.trace
        if self.has_class("-tiny") or picture.size.width < 1:
            return
        scribe = Scribe(trace, self.cursor.notation)
        picture.picture(diagram(trace, scribe, self.step, self.cursor, picture.size.width, picture.size.height))
        self.query_one("#bar", Lines).show([line(self.heading, "title")])

    def action_close(self) -> None:
        if self.is_current:
            self.app.pop_screen()
