"""What the screens share: the app they belong to, and the word for a terminal that is too small."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

if TYPE_CHECKING:
    from tutor.tui.app import TutorApp

SMALLEST = (60, 16)  # columns and rows; below, a screen would be broken


class TutorScreen(Screen):
    """A screen of the tutor. It has a `Static` of the id `small`, shown alone where there is too little room."""

    @property
    def tutor(self) -> TutorApp:
        return cast("TutorApp", self.app)

    def suit_size(self, classes: dict[str, bool]) -> None:
        """Set the classes of an arrangement; in a terminal that is too small show a polite word alone."""
        columns, rows = SMALLEST
        tiny = self.size.width < columns or self.size.height < rows
        for name, on in {**classes, "-tiny": tiny}.items():
            self.set_class(on, name)
        if tiny:
            text = (
                f"backprop-tutor needs {columns} × {rows} cells;\n"
                f"this terminal has {self.size.width} × {self.size.height}.\n"
                "Make the window larger or the letters smaller,\nor leave with ctrl+q and add --plain."
            )
            self.query_one("#small", Static).update(Content(text))
