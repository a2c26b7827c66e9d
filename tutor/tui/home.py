"""Home: the lessons by unit, search as you type, Enter opens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static
from textual.worker import Worker, get_current_worker

from tutor.confined import confined
from tutor.learner import course, today
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.catalogue import Entry
from tutor.lessonfiles.file_names import as_argument
from tutor.messages import Message
from tutor.play.commands import Key
from tutor.text.cells import cut
from tutor.text.language import N_, said, say
from tutor.tui.keys import bindings
from tutor.tui.lines import Choices, KeyBar, Line, Lines, line
from tutor.tui.screen import TutorScreen

KEYS = [
    Key("up", "highlight_by(-1)", first=True),
    Key("down", "highlight_by(1)", "↑↓", "choose", first=True),
    Key("pageup", "highlight_by(-5)", first=True),
    Key("pagedown", "highlight_by(5)", first=True),
    Key("enter,ctrl+j", "open", "enter", "open", "open the lesson that is highlighted"),
    Key("escape", "clear", "esc", "", "clear the search"),
    Key("ctrl+g", "quiz", "ctrl+g", "quiz", "quiz on the lesson: ten questions, one try each, then the report"),
    Key("ctrl+l", "placement", "ctrl+l", "placement", "placement, a five-minute quiz: which lessons you can skip"),
    Key("ctrl+r", "review", "ctrl+r", "review", "review: what is due today, over all lessons"),
    Key("ctrl+x", "mistakes", "ctrl+x", "mistakes", "my mistakes: what you answered wrongly, to answer again"),
    Key("ctrl+y", "goal", "ctrl+y", "goal", "a goal for the day: so many questions, or lessons"),
    Key("ctrl+o", "progress", "ctrl+o", "progress", "progress: what you know, and the mistakes you met"),
    Key("ctrl+e", "lab", "ctrl+e", "lab", "the lab: exercises that you write in Python, each save run and diagnosed"),
    Key("ctrl+d", "doctor", "ctrl+d", "", "the doctor: ten sick networks, to be named and mended"),
    Key("ctrl+t", "app.toggle_dark", "ctrl+t", "", "light or dark"),
    Key("f9", "app.language", "f9", "", "another language: English or German (Deutsch)"),
    Key("", "app.command_palette", "ctrl+p", "", "the command palette: everything, by its name"),
    Key("", "app.quit", "ctrl+q", "quit"),
]


AFTER = 0.3  # seconds after the first frame


class HomeScreen(TutorScreen):
    """The list of lessons. Typing searches; the arrows choose; Enter opens."""

    AUTO_FOCUS = "#list"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    commands = KEYS

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        super().__init__()
        self.folders = folders
        self.entries = catalogue.shelf()  # ours; a teacher's are read beside the screen: a disc may be slow
        self.filled = not folders  # whether a teacher's folders were read
        self.faults: dict[Path, Message] = {}  # of a teacher's own lessons: what is wrong, in a word
        self.begun: dict[str, bool] = {}  # by its key, whether a lesson was begun, as far as it was asked
        self.search = ""
        self.following: course.Next | None = None
        self.due: int | None = None  # skills that are due and can be asked about, once that is known
        self.scores: dict[str, tuple[int, int]] = {}

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        yield Lines(id="search")
        with Horizontal(id="shelf"):
            yield Choices(id="list", beside=self.show_about)
            yield Lines(id="about")
        yield KeyBar(KEYS)
        yield Static(id="small")

    def on_mount(self) -> None:
        for id in ("#bar", "#search", "#about"):
            self.query_one(id).can_focus = False

    def on_screen_resume(self) -> None:
        self.begun, self.scores = {}, self.tutor.store.scores()
        if self.due is None:
            self.set_timer(AFTER, self.look_at_first)  # what it takes is loaded beside the first frame
        else:
            self.look_for_due()
        if self.folders and self.is_mounted:  # a teacher may have written meanwhile
            self.run_worker(self.read_folders, thread=True, exclusive=True, group="folders", exit_on_error=False)
        if self.size.width:
            self.refresh_list()

    async def look_at_first(self) -> None:
        await asyncio.to_thread(self.tutor.wait_for_loading)
        self.look_for_due()

    def look_for_due(self) -> None:
        """Count what is due; when the goal of the day is reached, say what the day came to."""
        from tutor.learner import practice

        now = datetime.now(UTC)
        self.due = len(practice.due(self.tutor.store, now))
        if self.is_mounted and self.is_current and self.size.width:
            self.refresh_list()
            if today.reached(self.tutor.store, now):
                self.tutor.sum_up()

    def read_folders(self) -> None:
        """Read a teacher's own lessons beside the screen: their heads, for the list, then whole, for what is wrong."""
        worker, found = get_current_worker(), self.entries
        for found in catalogue.filling(self.folders):
            if worker.is_cancelled:
                return
            if not self.filled:  # later the list stands until the new one is whole
                self.app.call_from_thread(self.show_entries, found)
        for entry in found:
            entry.key  # noqa: B018  where it really is: asked of the disc once, and here
        if not worker.is_cancelled:
            self.app.call_from_thread(self.show_entries, found, whole=True)
            self.look_for_faults(worker, found)

    def show_entries(self, found: list[Entry], whole: bool = False) -> None:
        self.entries, self.filled = found, self.filled or whole
        if self.is_mounted and self.is_current and self.size.width:
            self.refresh_list()

    def look_for_faults(self, worker: Worker[None], entries: list[Entry]) -> None:
        from tutor.lessonfiles.check import faults_in_a_word

        self.tutor.wait_for_loading()
        found: dict[Path, Message] = {}
        for entry in entries:
            if worker.is_cancelled:
                return
            if entry.folder and not entry.error and (word := faults_in_a_word(entry.path)):
                found[entry.path] = word
        if not worker.is_cancelled:
            self.app.call_from_thread(self.show_faults, found)

    def show_faults(self, found: dict[Path, Message]) -> None:
        self.faults = found
        if self.is_mounted and self.is_current:
            self.refresh_list()

    def retell(self) -> None:
        super().retell()
        self.entries = catalogue.shelf(self.folders)
        self.refresh_list()

    def on_resize(self) -> None:
        self.suit_size({})
        self.query_one("#about").display = self.size.width >= 130
        self.refresh_list()

    def refresh_list(self) -> None:
        self.show_search()
        store = self.tutor.store
        for entry in self.entries:  # thousands of them may be asked about with every key
            if entry.key not in self.begun:
                self.begun[entry.key] = store.place(entry.key) is not None
        begun = {entry.key for entry in self.entries if self.begun[entry.key]}
        finished = store.finished()
        ours = [entry for entry in self.entries if entry.folder is None]  # the path is that of the tutor's own lessons
        standing = course.standing(store, ours)
        known = standing.known if standing else ()
        before, self.following = self.following, course.recommended(ours, finished, begun, standing)
        words = self.search.casefold().split()
        found = [
            e for e in self.entries if all(w in f"{e.id} {e.title} {e.summary} {e.unit}".casefold() for w in words)
        ]
        marks = {key: ("◐", N_("begun")) for key in begun} | {key: ("≈", N_("known")) for key in known}
        lines = self.list_lines(found, marks | {key: ("✓", N_("finished")) for key in finished})
        listing = self.query_one("#list", Choices)
        at = next((n for n, item in enumerate(lines) if item.target == listing.target and item.target), None)
        moved = before and before.entry.key in known and listing.target == str(before.entry.path)
        if at is None or moved:  # who showed by a placement that it is known goes on where that says
            following = self.following.entry if self.following else None
            begin = following if following in found else found[0] if found else None
            at = next((n for n, item in enumerate(lines) if begin and item.target == str(begin.path)), -1)
        listing.show(lines, at)
        self.show_bar(sum(entry.key in finished for entry in self.entries), bool(known))
        self.show_about()

    def list_lines(self, found: Sequence[Entry], marks: Mapping[str, tuple[str, str]]) -> list[Line]:
        """Two lines a lesson, under the headings of their units; `marks` are a sign and a word, by a lesson's key."""
        width = max(self.query_one("#list", Choices).size.width, 40)
        lines: list[Line] = []
        unit: str | None = None
        for entry in found:
            if entry.heading != unit:
                unit = entry.heading
                lines += [line(), line(cut(unit, width - 2), "title")]
            mark, word = marks.get(entry.key, ("○", ""))
            is_next = self.following is not None and self.following.entry is entry
            spans = [(f"{mark} ", "value" if word in ("finished", "known") else "mark"), (entry.title, "heading")]
            spans += [(say("  ▸ next"), "key")] if is_next else [(f"  {say(word)}" if word else "", "dim")]
            if score := self.scores.get(entry.key):
                spans.append((say("  {n} of {count} right", n=score[0], count=score[1]), "dim"))
            lines.append(Line(tuple(spans), str(entry.path)))
            error = self.error(entry)
            lines.append(line(f"    {cut(error or entry.summary, width - 5)}", "error" if error else "dim"))
        return lines or [line(), line(say("No lesson has these words. Esc clears the search."), "dim")]

    def show_bar(self, done: int, knows: bool) -> None:
        """How many lessons are finished, what is due, the goal of the day; then what comes next or can be skipped."""
        said = say("  {done} of {count} lessons finished", done=done, count=len(self.entries))
        said += say(" · {due} due (ctrl+r)", due=self.due) if self.due else ""
        if of_goal := today.standing(self.tutor.store, datetime.now(UTC)):
            said += f" · {of_goal}"
        skips = say(" · ctrl+l: what can you skip?")
        following, started = self.following, done or knows
        if following and not started and len(said) + len(skips) + 16 <= self.size.width:
            said += skips
        spans = [("backprop-tutor", "title"), (said, "dim")]
        if following and started:
            room = self.size.width - len(said) - 18
            spans.append(
                (cut(say(" · next: {title} · {why}", title=following.entry.title, why=following.why), room), "note")
            )
        self.query_one("#bar", Lines).show([Line(tuple(spans))])

    def error(self, entry: Entry) -> str | None:
        """What is wrong with a lesson, in a word: of its head, or of the whole file."""
        if entry.error and entry.folder:
            return f"{catalogue.one_line(entry.path.name)}: {entry.error}"
        fault = self.faults.get(entry.path)
        return entry.error or (said(fault) if fault else None)

    def chosen(self) -> Entry | None:
        target = self.query_one("#list", Choices).target
        return next((entry for entry in self.entries if str(entry.path) == target), None)

    def show_about(self) -> None:
        """Beside the list, where there is room: the marked lesson in full."""
        entry = self.chosen()
        if entry is None:
            self.query_one("#about", Lines).show([])
            return
        titles = {e.id: e.title for e in self.entries}
        finished = self.tutor.store.finished()
        lines = [line(text, "title") for text in _wrap(entry.title, 50)]
        lines += [line(), *(line(text) for text in _wrap(self.error(entry) or entry.summary, 50)), line()]
        if self.following and self.following.entry is entry:
            lines += [*(line(text, "note") for text in _wrap(say("Next: {why}", why=self.following.why), 50)), line()]
        for need in entry.requires:
            mark = "✓" if need in finished else "○"
            lines += [
                line(text, "dim")
                for text in _wrap(say("{mark} best after: {need}", mark=mark, need=titles.get(need, need)), 50)
            ]
        place = self.tutor.store.place(entry.key)
        if place:
            lines += [
                line(),
                line(
                    say("You were at {step}, iteration {iteration}.", step=place.step, iteration=place.iteration), "dim"
                ),
            ]
        name = entry.id if entry.folder is None or confined() else as_argument(entry.path)
        lines += [line(), *(line(text, "dim") for text in _wrap(catalogue.one_line(f"backprop-tutor play {name}"), 50))]
        self.query_one("#about", Lines).show(lines)

    # ------------------------------------------------------------ keys

    def action_highlight_by(self, by: int) -> None:
        self.query_one("#list", Choices).move(by)

    def action_open(self) -> None:
        entry = self.chosen()
        if entry:
            self.search = ""  # it was for this lesson; what comes next is not to be hidden by it
            self.tutor.open_lesson(entry.path, entry.key)

    def action_quiz(self) -> None:
        entry = self.chosen()
        if entry:
            self.tutor.quiz_on(entry.path)

    def action_placement(self) -> None:
        self.tutor.placement()

    def action_review(self) -> None:
        self.tutor.review()

    def action_goal(self) -> None:
        """Choose a goal for the day."""
        from tutor.tui.dialogs import Ask

        def wrong(text: str) -> str | None:
            try:
                today.read_goal(text)
            except ValueError as error:
                return say("Type {error}.", error=error)
            return None

        def choose(text: str | None) -> None:
            if text:
                today.set_goal(self.tutor.store, today.read_goal(text))
                self.refresh_list()

        chosen = today.goal(self.tutor.store)
        asked = say("A goal for each day: so many questions, or lessons; none for no goal")
        self.app.push_screen(Ask(asked, wrong, say("10, or 1 lesson"), str(chosen or "")), choose)

    def action_mistakes(self) -> None:
        self.tutor.show_mistakes()

    def action_progress(self) -> None:
        self.tutor.show_progress()

    def action_lab(self) -> None:
        self.tutor.open_lab()

    def action_doctor(self) -> None:
        self.tutor.open_doctor()

    # The search is typed into the screen itself: an Input costs 15 ms of the first frame.

    def show_search(self) -> None:
        hint = "" if self.search else say("type to search")
        self.query_one("#search", Lines).show(
            [Line(((say("Search: "), "dim"), (self.search, "heading"), ("▏", "key"), (hint, "dim")))]
        )

    def find(self, search: str) -> None:
        if search != self.search:
            self.search = search[:60]
            self.refresh_list()

    def action_clear(self) -> None:
        self.find("")

    def on_key(self, event: events.Key) -> None:
        if event.key in ("backspace", "ctrl+h"):
            self.find(self.search[:-1])
        elif event.key in ("ctrl+w", "ctrl+u"):
            self.find("")
        elif event.is_printable and event.character:
            self.find(self.search + event.character)
        else:
            return
        event.stop()

    def on_paste(self, event: events.Paste) -> None:
        self.find(self.search + catalogue.one_line(event.text, 60))

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        self.action_open()


def _wrap(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width) or [""]
