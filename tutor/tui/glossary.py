"""The glossary as a dialog: typing searches, the terms of the step one is at come first."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tutor.play.commands import GLOSSARY
from tutor.text import glossary
from tutor.text.language import say
from tutor.tui.dialogs import Dialog
from tutor.tui.entry import EntryInput
from tutor.tui.keys import bindings, hint
from tutor.tui.lines import Line, Lines, line


class Glossary(Dialog):
    """Every term with what it means, those in `first` before the rest."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(GLOSSARY)
    commands = GLOSSARY

    def __init__(self, first: list[str]) -> None:
        super().__init__(classes="-glossary")
        self.first = first

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield EntryInput(placeholder=say("type a term: chain rule"), max_length=60)
            yield Lines(id="terms")
            yield Static(Content(hint(GLOSSARY, " · ")), id="hint")

    def on_mount(self) -> None:
        self.query_one("#terms", Lines).can_focus = False
        self.call_after_refresh(self.show_terms, "")

    def on_resize(self) -> None:
        self.call_after_refresh(lambda: self.show_terms(self.query_one(Input).value))

    def on_input_changed(self, event: Input.Changed) -> None:
        self.show_terms(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            self.dismiss(None)

    def show_terms(self, text: str) -> None:
        listing = self.query_one("#terms", Lines)
        columns = max(listing.size.width - 2, 20)
        if text.strip():
            found = glossary.search(text)
            lines = entries(found, columns) or [line(say("The glossary has no such term. Esc goes back."), "dim")]
        else:
            lines = [line(say("At this step"), "dim"), line(), *entries(self.first, columns)] if self.first else []
            rest = [term for term in glossary.in_order(self.first) if term not in self.first]
            lines += [
                line(say("All the others") if self.first else say("All terms"), "dim"),
                line(),
                *entries(rest, columns),
            ]
        listing.show(lines)
        listing.scroll_lines_to(0)

    def action_scroll(self, by: int) -> None:
        listing = self.query_one("#terms", Lines)
        listing.scroll_lines_to(listing.top + by)


def entries(terms: list[str], columns: int) -> list[Line]:
    """The entries of these terms, with an empty line behind each."""
    lines: list[Line] = []
    for term in terms:
        title, *rest = glossary.entry_lines(term, columns)
        lines += [line(title, "heading")]
        lines += [line(text, "dim" if text.startswith(f"  {say('see: {terms}', terms='')}") else "") for text in rest]
        lines.append(line())
    return lines
