"""My mistakes: every question that was answered wrongly, with what was typed and what it shows; Enter asks again."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from tutor.learner.mistakes import Mistake, diagnosis, mistakes, replay, typed
from tutor.learner.progress import said_date
from tutor.lessonfiles.file_names import lesson_id
from tutor.play.commands import MISTAKES
from tutor.text.language import say
from tutor.text.words import plural
from tutor.tui.dialogs import help_of
from tutor.tui.keys import bindings
from tutor.tui.lines import Choices, Line, Lines, line
from tutor.tui.screen import ListScreen
from tutor.tui.views import wrapped


class MistakesScreen(ListScreen):
    """The questions, the latest first; those that were right since are marked."""

    KEYS = MISTAKES
    BINDINGS: ClassVar[list[BindingType]] = bindings(MISTAKES)
    commands = MISTAKES

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Mistake] = []

    def draw(self) -> None:
        self.found = mistakes(self.tutor.store.answers())
        still = sum(not each.mended for each in self.found)
        questions = plural(len(self.found), "question")
        said = say("  {questions} answered wrongly, {n} not right since", questions=questions, n=still)
        self.query_one("#bar", Lines).show([Line(((say("My mistakes"), "title"), (said, "dim")))])
        listing = self.query_one("#list", Choices)
        columns = max(listing.size.width - 1, 40)
        lines: list[Line] = []
        for at, each in enumerate(self.found):
            mark, style = ("✓", "dim") if each.mended else ("✗", "heading")
            first, *more = wrapped(f"{mark} {each.last.asked or each.last.item}", columns, style)
            lines += [Line(first.spans, str(at)), *more]
            for answer in each.answers:
                lines += wrapped(f"{typed(answer)}  →  {diagnosis(answer)}", columns, "", say("    you  "))
            seed = say(", seed {seed}", seed=each.last.seed) if each.last.seed else ""
            since = say(", right since") if each.mended else ""
            when = said_date(each.last.at[:10])
            lines += [line(f"    {lesson_id(each.last.lesson)}, {when}{seed}{since}", "dim"), line()]
        lines = lines or [line(say("No question was answered wrongly yet."), "heading")]
        listing.show(lines, None if listing.cursor >= 0 else (0 if self.found else -1))

    def chosen(self) -> Mistake | None:
        target = self.query_one("#list", Choices).target
        return self.found[int(target)] if target and int(target) < len(self.found) else None

    def ask(self, which: list[Mistake], new: bool = False) -> None:
        exercises = list(replay(self.tutor.store, which[:1], new)) if len(which) == 1 else None
        if exercises == []:
            self.app.notify(
                say("This question can no longer be asked: its lesson is gone, or has changed."), markup=False
            )
        elif which:
            self.tutor.practise(say("Again"), exercises or replay(self.tutor.store, which, new))

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        self.action_replay()

    def action_replay(self, new: bool = False) -> None:
        if chosen := self.chosen():
            self.ask([chosen], new)

    def action_replay_all(self) -> None:
        self.ask([each for each in self.found if not each.mended])

    def action_help(self) -> None:
        self.app.push_screen(help_of(MISTAKES, self.size.width))

    def action_leave(self) -> None:
        self.app.pop_screen()
