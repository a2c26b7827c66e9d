"""The quiz: one question after another, one try each, no hints; then the report."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from tutor import session as quiz
from tutor.catalogue import data_dir
from tutor.learner import keep_quiz, keep_quiz_answer
from tutor.questions import Item
from tutor.session import Session
from tutor.tui.lines import KeyBar, Line, Lines, line
from tutor.tui.screen import TutorScreen
from tutor.tui.views import choice_lines, grid_lines, known_lines, report_lines, wrapped

KEYS = [
    ("enter", "answer", "answer"),
    ("tab", "skip", "skip(1)"),
    ("⇧tab", "back", "skip(-1)"),
    ("⇧↑↓", "scroll", "scroll_card(2)"),
    ("ctrl+e", "end", "end"),
    ("esc", "leave, go on later", "leave"),
]


class QuizScreen(TutorScreen):
    """Asks the questions of a session, which the store keeps under an id after each answer."""

    CSS_PATH = data_dir("assets") / "player.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "skip(1)", show=False, priority=True),
        Binding("shift+tab", "skip(-1)", show=False, priority=True),
        Binding("shift+down,ctrl+down,down", "scroll_card(2)", show=False),
        Binding("shift+up,ctrl+up,up", "scroll_card(-2)", show=False),
        Binding("ctrl+e", "end", show=False, priority=True),
        Binding("escape", "leave", show=False, priority=True),
    ]

    def __init__(self, id: str, session: Session, items: list[Item]) -> None:
        super().__init__()
        self.quiz_id, self.session, self.items = id, session, items
        self.word = ""

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Horizontal(id="body"):
            with Vertical(id="middle"):
                yield Lines(id="card", classes="pane", title="Question")
                yield Input(
                    id="answer", max_length=400, placeholder="a number, an expression, or the number of a choice"
                )
            with Vertical(id="side"):
                yield Lines(id="state", classes="pane", title="What is known")
        yield KeyBar(KEYS)
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

    def draw(self) -> None:
        if self.has_class("-tiny"):
            return
        card = self.query_one("#card", Lines)
        columns = card.size.width - 1
        if self.session.finished:
            self.draw_report(card, columns)
            return
        item = self.items[self.session.at]
        answered = sum(text is not None for text in self.session.answers)
        marks = "".join(
            "●" if text is not None else "▶" if at == self.session.at else "○"
            for at, text in enumerate(self.session.answers)
        )
        place = f"question {self.session.at + 1} of {len(self.items)}"
        head = f"{place} · {answered} answered · {item.step.trace.lesson.title}"
        self.query_one("#bar", Lines).show([Line((("Quiz ", "title"), (f"{marks}  {head}", "dim")))])
        lines = [*wrapped(item.prompt, columns, "heading")]
        lines += [*choice_lines(item, columns), *grid_lines(item, self.query_one("#answer", Input).value)]
        if self.word:
            lines += [line(), *wrapped(self.word, columns, "error")]
        if self.query_one("#side").display:
            state = self.query_one("#state", Lines)
            state.show(known_lines(item, self.items, state.size.width - 1))
        else:
            known = known_lines(item, self.items, columns)
            lines += [line(), line("what is known (↑ ↓ scroll)", "dim"), *known]
        card.show(lines)

    def draw_report(self, card: Lines, columns: int) -> None:
        marked = quiz.report(self.session, self.items)
        self.query_one("#answer").display = False
        self.query_one("#side").display = False
        bar = Line((("Quiz ", "title"), (f"finished: {quiz.score(marked)}", "value")))
        self.query_one("#bar", Lines).show([bar])
        card.show(report_lines(marked, columns))
        card.focus()

    # ------------------------------------------------------------ keys

    def on_input_changed(self, event: Input.Changed) -> None:
        if not self.session.finished and self.items[self.session.at].kind == "matrix":
            self.draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self.session.finished:
            return
        item = self.items[self.session.at]
        self.session, verdict = quiz.answer(self.session, self.items, event.value)
        understood = verdict.kind != "not-understood"
        self.word = "" if understood else verdict.message
        if understood:
            event.input.value = ""
            keep_quiz_answer(self.tutor.store, self.quiz_id, self.session, item, event.value.strip(), verdict)
            self.tutor.tell_store()
        self.query_one("#card", Lines).scroll_lines_to(0)
        self.draw()

    def action_skip(self, by: int) -> None:
        if not self.session.finished:
            self.session, self.word = quiz.skip(self.session, by), ""
            self.query_one("#answer", Input).value = ""
            self.query_one("#card", Lines).scroll_lines_to(0)
            self.draw()

    def action_scroll_card(self, rows: int) -> None:
        card = self.query_one("#card", Lines)
        card.scroll_lines_to(card.top + rows)

    def action_end(self) -> None:
        """End the quiz as it is: what is open counts as not answered."""
        if not self.session.finished:
            self.session = quiz.end(self.session)
            keep_quiz(self.tutor.store, self.quiz_id, self.session)
            self.draw()

    def action_leave(self) -> None:
        keep_quiz(self.tutor.store, self.quiz_id, self.session)
        self.app.pop_screen()
