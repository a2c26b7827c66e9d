"""The quiz: one question after another, one try each, no hints; then the report."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.widgets import Input

from tutor.learner import placement
from tutor.learner.records import Stopwatch, keep_quiz, keep_quiz_answer
from tutor.play.commands import QUIZ, Key
from tutor.questions import quiz
from tutor.questions.items import Item
from tutor.questions.quiz import Quiz
from tutor.text.language import say
from tutor.text.words import plural
from tutor.tui.answer import AnswerLine
from tutor.tui.dialogs import Reader
from tutor.tui.keys import bindings
from tutor.tui.lines import KeyBar, Line, Lines, entitle, line
from tutor.tui.question import QuestionScreen
from tutor.tui.question_views import choice_lines, context, grid_lines, report_lines
from tutor.tui.views import wrapped

DONE_KEYS = [Key("", "scroll_card(2)", "⇧↑↓", "scroll"), Key("", "leave", "esc", "leave")]


class QuizScreen(QuestionScreen):
    """Asks the questions of a session, which the store keeps under an id after each answer."""

    KEYS = QUIZ
    BINDINGS: ClassVar[list[BindingType]] = bindings(QUIZ)
    commands = QUIZ

    def __init__(self, id: str, session: Quiz, items: list[Item]) -> None:
        super().__init__()
        self.quiz_id, self.session, self.items = id, session, items
        self.word = ""
        self.stopwatch = Stopwatch()

    @property
    def called(self) -> str:
        return say("Placement") if placement.is_placement(self.quiz_id) else say("Quiz")

    @property
    def item(self) -> Item | None:
        return None if self.session.finished else self.items[self.session.at]

    @property
    def asked(self) -> list[Item]:
        return self.items

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
        place = say("question {n} of {count}", n=self.session.at + 1, count=len(self.items))
        if placement.is_placement(self.quiz_id):
            place = placement.place(self.session)
        head = say(
            "{place} · {answered} answered · {title}",
            place=place,
            answered=answered,
            title=item.step.trace.lesson.title,
        )
        self.query_one("#bar", Lines).show([Line(((f"{self.called} ", "title"), (f"{marks}  {head}", "dim")))])
        lines = [*wrapped(item.prompt, columns, "heading")]
        lines += [row for text in context(item) for row in wrapped(text, columns, "formula", "  ")]
        if self.word:
            lines += [*wrapped(self.word, columns, "error"), line()]
        lines += [*choice_lines(item, columns), *grid_lines(item, self.grid, columns, height=self.size.height)]
        taken = say("taken: the verdicts come at the end · ") if answered else say("one try · ")
        entitle(self.query_one("#answer"), say("? not understood, no try lost") if self.word else taken + place)
        lines += self.known(item, columns)
        card.show(lines)

    def draw_report(self, card: Lines, columns: int) -> None:
        marked = quiz.report(self.session, self.items)
        self.query_one("#answer").display = False
        self.query_one("#side").display = False
        self.query_one(KeyBar).set_keys(DONE_KEYS)
        bar = Line(((f"{self.called} ", "title"), (say("finished: {score}", score=quiz.score(marked)), "value")))
        self.query_one("#bar", Lines).show([bar])
        said = placement.said(self.tutor.store) if placement.is_placement(self.quiz_id) else ""
        head = [*wrapped(said, columns, "heading"), line()] if said else []
        entitle(card, say("Report"))
        card.show([*head, *report_lines(marked, columns)])
        card.focus()

    # ------------------------------------------------------------ keys

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self.session.finished:
            return
        item = self.items[self.session.at]
        before = self.session
        self.session, self.items, verdict = placement.answered(self.quiz_id, before, self.items, event.value)
        self.word = verdict.message if verdict.free else ""
        if verdict.free:
            if self.session is before:
                self.query_one(AnswerLine).give_back(event.value)
            keep_quiz(self.tutor.store, self.quiz_id, self.session)
        else:
            given = event.value.strip()
            keep_quiz_answer(self.tutor.store, self.quiz_id, self.session, item, given, verdict, self.stopwatch)
        self.query_one("#card", Lines).scroll_lines_to(0)
        self.draw()

    def action_skip(self, by: int) -> None:
        if not self.session.finished:
            self.session, self.items = placement.skipped(self.quiz_id, self.session, self.items, by)
            self.word = ""
            keep_quiz(self.tutor.store, self.quiz_id, self.session)
            self.stopwatch.lap()
            self.query_one("#card", Lines).scroll_lines_to(0)
            self.draw()

    def action_end(self) -> None:
        """End the quiz as it is, once that is meant: what is open counts as not answered."""

        def end(answer: str | None) -> None:
            if answer == "end":
                self.session = quiz.end(self.session)
                keep_quiz(self.tutor.store, self.quiz_id, self.session)
                self.draw()

        if not self.session.finished:
            open_ = sum(text is None for text in self.session.answers)
            counts = say("not known") if placement.is_placement(self.quiz_id) else say("not answered")
            of_placement = placement.is_placement(self.quiz_id)
            asked = [line(say("End the placement now?") if of_placement else say("End the quiz now?"), "title"), line()]
            asked += [
                line(say("{questions} still open: counted as {as_}.", questions=plural(open_, "question"), as_=counts))
            ]
            asked += [line(say("To go on another time, leave with Esc instead: everything is kept."), "dim")]
            self.app.push_screen(
                Reader(asked, say("Enter ends it · Esc goes back to the question"), {"enter": "end"}), end
            )

    def action_leave(self) -> None:
        keep_quiz(self.tutor.store, self.quiz_id, self.session)
        self.app.pop_screen()
