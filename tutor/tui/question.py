"""A screen with a question, a line to answer in, and what is known: the quiz and practice have it in common."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from tutor.lessonfiles.catalogue import data_dir
from tutor.play.commands import Key
from tutor.play.playback import come_to
from tutor.questions.items import Item
from tutor.questions.quiz import known_until
from tutor.text.card import Scribe, terms_of
from tutor.text.language import N_, say
from tutor.tui.answer import AnswerLine
from tutor.tui.dialogs import Reader, help_of
from tutor.tui.lines import KeyBar, Line, Lines, line
from tutor.tui.map import NetworkScreen
from tutor.tui.question_views import TypedGrid, known_lines
from tutor.tui.screen import TutorScreen
from tutor.tui.views import names_lines


class QuestionScreen(TutorScreen):
    """The subclass draws the card (`draw`), says which `item` is open, if any, and has the keys in `KEYS`."""

    CSS_PATH = data_dir("assets") / "player.tcss"
    KEYS: ClassVar[list[Key]] = []
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+down,ctrl+down,down", "scroll_card(2)", show=False),
        Binding("shift+up,ctrl+up,up", "scroll_card(-2)", show=False),
        Binding("f3", "glossary", show=False),
        Binding("f4", "map", show=False),
        Binding("f5", "names", show=False),
    ]

    @property
    def item(self) -> Item | None:
        """The question that is open."""
        raise AssertionError("a question screen says which question is open")

    @property
    def asked(self) -> list[Item]:
        """The questions that are asked together: what one asks for, the others do not show."""
        return [self.item] if self.item else []

    def draw(self) -> None:
        """Show the question, or what follows it."""

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Horizontal(id="body"):
            with Vertical(id="middle"):
                yield Lines(id="card", classes="pane", title=say("Question"))
                yield AnswerLine(N_("a number or an expression"))
            with Vertical(id="side"):
                yield Lines(id="state", classes="pane", title=say("What is known"))
        yield KeyBar(self.KEYS)
        yield Static(id="small")

    def on_mount(self) -> None:
        for id in ("#bar", "#state"):
            self.query_one(id).can_focus = False
        self.query_one("#answer").focus()

    def on_resize(self) -> None:
        wide = self.size.width >= 110
        self.suit_size({"-split": wide, "-stack": not wide})
        self.query_one("#side").display = wide
        self.query_one("#state").display = wide
        self.call_after_refresh(self.draw)
        if not self.has_class("-tiny"):  # what was hidden has lost the focus
            self.call_after_refresh(self.query_one("#answer").focus)

    def known(self, item: Item, columns: int) -> list[Line]:
        """Show what is known: beside the question where there is room, else the lines to put below it."""
        items = self.asked or [item]
        if self.query_one("#side").display:
            state = self.query_one("#state", Lines)
            state.show(known_lines(item, items, state.size.width - 1))
            return []
        if item.alone:
            return [line(), *known_lines(item, items, columns)]
        return [line(), line(say("what is known (↑ ↓ scroll)"), "dim"), *known_lines(item, items, columns)]

    @property
    def grid(self) -> TypedGrid | None:
        """The cells of the answer, where the question is one for a whole vector or matrix."""
        answer = self.query_one(AnswerLine)
        answer.ask(self.item)
        return answer.grid

    def on_input_changed(self, event: Input.Changed) -> None:
        if self.item and self.item.kind == "matrix":  # its grid fills in
            self.draw()

    def on_answer_line_moved(self) -> None:
        self.draw()

    def action_glossary(self) -> None:
        from tutor.tui.glossary import Glossary

        if self.item:
            self.app.push_screen(Glossary(terms_of(self.item.step)))

    def action_map(self) -> None:
        """The network as far as the question may show it."""
        if self.item is None:
            return
        if self.item.alone:
            self.app.notify(say("The question says all that it needs."), markup=False)
            return
        step = self.item.step
        cursor = come_to(step.trace, known_until(self.item, self.asked), step.example, self.item.writer.id)
        title = say("{title}: as far as it is known", title=step.trace.lesson.title)
        self.app.push_screen(NetworkScreen(step, cursor, title, Key("", "close", "esc", "back to the question")))

    def action_help(self) -> None:
        self.app.push_screen(help_of(self.KEYS, self.size.width))

    def action_names(self) -> None:
        if self.item:
            trace = self.item.step.trace
            scribe = Scribe(trace, self.item.writer.id)
            lines = [line(say("Names"), "title"), line(), *names_lines(trace, scribe)]
            self.app.push_screen(Reader(lines, say("↑ ↓ scroll · Esc goes back"), {"enter": "", "f5": ""}))

    def action_scroll_card(self, rows: int) -> None:
        card = self.query_one("#card", Lines)
        card.scroll_lines_to(card.top + rows)
