"""The picture of a lesson as a pane: rows of `Lines`; a click on a unit, an edge or a gate goes to its step."""

from __future__ import annotations

from textual.events import Click

from tutor.engine.trace import Trace
from tutor.pictures.diagram import Diagram
from tutor.text.language import say
from tutor.tui.lines import Line, Lines


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
