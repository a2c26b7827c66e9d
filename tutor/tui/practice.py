"""Practice: a question at a time, three tries and hints, then the worked step; and the progress screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widgets import Input

from tutor.learner import progress
from tutor.learner.practice import PracticeItem, Series, with_new_numbers
from tutor.learner.records import Stopwatch, keep_try
from tutor.play.commands import PRACTICE, Key
from tutor.questions import mastery
from tutor.questions.attempt import Asking, give_up, hint, respond
from tutor.questions.items import Item
from tutor.text.card import Scribe
from tutor.text.cells import cut, pad
from tutor.text.language import N_, say
from tutor.text.words import plural
from tutor.tui import question_views, views
from tutor.tui.keys import bindings
from tutor.tui.lines import Choices, KeyBar, Line, Lines, entitle, line
from tutor.tui.question import QuestionScreen
from tutor.tui.screen import ListScreen

NEXT = N_("Enter: the next question · f6: this one with new numbers")


class PracticeScreen(QuestionScreen):
    """Puts the exercises one after the other, for as long as there are any."""

    KEYS = PRACTICE
    BINDINGS: ClassVar[list[BindingType]] = bindings(PRACTICE)
    commands = PRACTICE

    def __init__(self, title: str, exercises: Iterable[PracticeItem]) -> None:
        super().__init__()
        self.heading, self.series = title, Series(exercises)
        self.exercise: PracticeItem | None = None
        self.asking: Asking | None = None
        self.told_of: Asking | None = None  # what is on the screen
        self.stopwatch = Stopwatch()
        self.done = self.right = 0
        self.missed: dict[str, None] = {}  # the skills to come back to

    @property
    def item(self) -> Item | None:
        return self.asking.item if self.asking and not self.asking.done else None

    def on_mount(self) -> None:  # beside that of QuestionScreen, which textual calls as well
        self.following()

    def following(self) -> None:
        """The next exercise; after the last one a word."""
        self.exercise, self.asking = self.series.following() or (None, None)
        self.stopwatch = Stopwatch()
        self.draw()

    def draw(self) -> None:
        if self.has_class("-tiny"):
            return
        count = (
            say("{right} of {done} right", right=self.right, done=self.done) if self.done else say("three tries each")
        )
        card = self.query_one("#card", Lines)
        if self.asking is None:
            self.query_one("#answer").display = self.query_one("#side").display = False
            self.query_one(KeyBar).set_keys([Key("", "leave", "esc", "leave")])
            word = say("{count}. That is all for now.", count=count) if self.done else say("Nothing is due today.")
            missed = [line(f"  {mastery.title(skill)}") for skill in self.missed]
            missed = (
                [line(say("To practise (ctrl+o at home, Enter drills one):"), "dim"), *missed, line()] if missed else []
            )
            self.query_one("#bar", Lines).show([Line(((self.heading, "title"),))])
            card.show([line(word, "heading"), line(), *missed, line(say("Esc goes back."))])
            return
        asking, item = self.asking, self.asking.item
        seed = say(" · seed {seed}", seed=item.seed) if item.seed is not None else ""
        number = item.step.trace.iteration.number
        seed += say(" · iteration {n}", n=number) if number > 1 else ""
        about = f"  {mastery.title(item.skill)}{seed} · {count}"
        self.query_one("#bar", Lines).show([Line(((self.heading, "title"), (about, "dim")))])
        columns = card.size.width - 1
        trace = item.step.trace
        scribe = Scribe(trace, trace.lesson.notation)
        worked = scribe.card(item.step)
        if asking.done:
            first, earlier = question_views.done_lines(asking, say(NEXT), columns)
            whole = views.card_lines(worked, item.step, "scalar", columns, self.size.height, walked=False)
            part = [row for text in item.worked for row in views.wrapped(text, columns, "numbers", "  ")]
            lines = [*first, line(), *(part or whole), *earlier]
        else:
            lines, seen = question_views.asking_lines(asking, worked.title, columns, self.grid, self.size.height)
        known = self.known(item, columns)
        lines += [] if asking.done else known
        card.show(lines)
        mark, words = question_views.verdict_words(asking)
        words = say(NEXT) if asking.done else words
        entitle(self.query_one("#answer"), f"{mark} {words}".strip())
        # The last words in sight, from their beginning; in a grid the cell that is typed.
        told, self.told_of = asking is not self.told_of, asking
        if asking.done or told:
            card.scroll_lines_to(0 if asking.done else min(seen.start, max(seen.stop - card.size.height, 0)))

    # ------------------------------------------------------------ keys

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self.asking is None:
            return
        if self.asking.done:
            self.following()
        else:
            self.told(respond(self.asking, event.value))

    def told(self, asking: Asking) -> None:
        assert self.exercise is not None
        if self.exercise.lesson is not None:  # on disk before its verdict is seen
            keep_try(self.tutor.store, self.exercise.lesson, asking, self.stopwatch)
        self.asking = asking
        if asking.done:
            self.done += 1
            right = asking.tried and asking.last is not None and (asking.last.correct or asking.last.free)
            self.right += right
            if not right:
                self.missed[asking.item.skill] = None
        self.draw()

    def action_hint(self) -> None:
        if self.asking and not self.asking.done:
            self.told(hint(self.asking))

    def action_show(self) -> None:
        if self.asking and not self.asking.done:
            self.told(give_up(self.asking))

    def action_again(self) -> None:
        """A question that is done once more, with new numbers."""
        if self.exercise and self.asking and self.asking.done:
            if more := with_new_numbers(self.tutor.store, self.exercise):
                self.series.put_first(more)
                self.following()
            else:
                self.app.notify(say("This question has no other numbers."), markup=False)

    def action_skip(self) -> None:
        """Another question first: this one comes back, with its tries and hints."""
        if self.exercise and self.asking and not self.asking.done:
            self.series.skip(self.exercise, self.asking)
            self.following()

    def action_leave(self) -> None:
        self.app.pop_screen()


PROGRESS_KEYS = [
    Key("", "noop", "↑↓", "choose"),
    Key("", "drill", "enter", "drill it"),
    Key("r", "review", "r", "review"),
    Key("escape,q,h", "leave", "esc", "back"),
]


class ProgressScreen(ListScreen):
    """What the learner knows. Enter on a skill, or on a misconception, drills exactly that."""

    KEYS = PROGRESS_KEYS
    BINDINGS: ClassVar[list[BindingType]] = bindings(PROGRESS_KEYS)

    def draw(self) -> None:
        found = progress.report(self.tutor.store)
        said = say("{questions}, {n} right", questions=plural(found.questions, "question"), n=found.right)
        said += say(" · {n} of {count} lessons finished", n=len(found.finished), count=found.lessons)
        said += say(" · {n} due for review (r)", n=len(found.due)) if found.due else ""
        self.query_one("#bar", Lines).show([Line(((say("Progress"), "title"), (f"  {said}", "dim")))])
        columns = max(self.query_one("#list").size.width, 40)
        lines = [line(), line(say("Skills, the weakest first"), "title"), *_skill_lines(found, columns)]
        if found.misconceptions:
            lines += [line(), line(say("Misconceptions met"), "title")]
        for met in found.misconceptions:
            spans = ((f"  {cut(met.title, columns - 16)} ", "heading"), (f" {met.count} ×", "dim"))
            lines.append(Line(spans, f"skill {met.skill} {met.lesson}"))
        if found.days:
            lines += [line(), line(say("Questions by day"), "title")]
        for day in found.days[-14:]:
            right, wrong = min(day.right, 40), min(day.questions - day.right, 40)
            when = progress.said_date(day.date)
            lines.append(line(f"  {when}  {'▪' * right}{'▫' * wrong}  {day.right}/{day.questions}"))
        if found.exams:
            lines += [line(), line(say("Exams"), "title")]
        for exam in found.exams:
            spans = (
                (f"  {cut(exam.title, columns - 26)} ", "heading"),
                (say(" {got} of {of} marks", got=f"{exam.got:g}", of=exam.of), "dim"),
            )
            lines.append(Line(spans))
        if found.exercises:
            lines += [line(), line(say("Exercises of the lab (ctrl+e at home)"), "title")]
            lines += [line(f"  {progress.exercise_line(exercise)}") for exercise in found.exercises]
        if found.finished:
            lines += [line(), line(say("Lessons finished"), "title")]
            lines += [line(f"  ✓ {lesson.title}") for lesson in found.finished]
        listing = self.query_one("#list", Choices)
        first = next((at for at, item in enumerate(lines) if item.target), -1)
        listing.show(lines, None if listing.cursor >= 0 else first)

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        _, skill, *lesson = event.target.split(" ", 2)
        self.tutor.drill(skill, lesson[0] if lesson else "")

    def action_drill(self) -> None:
        self.query_one("#list", Choices).choose()

    def action_review(self) -> None:
        self.tutor.review()

    def action_noop(self) -> None:
        """The arrow keys are the list's own."""

    def action_leave(self) -> None:
        self.app.pop_screen()


def _skill_lines(found: progress.Progress, columns: int) -> list[Line]:
    """A bar a skill, with what it stands for in figures."""
    if not found.skills:
        said = say("  Nothing asked yet: take a quiz (ctrl+g at home), or press p in a lesson.").strip()
        return views.wrapped(said, columns, "dim", "  ")
    room = max(min(columns - 62, 40), 10)
    lines = []
    for skill in found.skills:
        filled = round(skill.mastery * room)
        name = pad(cut(skill.title, 38), 38)
        count = f"  {skill.right}/{skill.questions}" + (say("  due") if skill.is_due else "")
        spans = ((f"  {name} ", "heading"), ("█" * filled + "░" * (room - filled), "value"))
        lines.append(Line((*spans, (f" {skill.mastery:4.0%}", "numbers"), (count, "dim")), f"skill {skill.id}"))
    return lines
