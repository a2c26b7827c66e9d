"""The lab: the list of exercises, and a bench for one of them: its file is run on each save, beside the screen."""

from __future__ import annotations

import os
import shlex
import subprocess
from datetime import datetime
from errno import ENOENT
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static
from textual.worker import Worker, get_current_worker

from tutor.lab import words
from tutor.lab.bench import EVERY, Bench, begin, folder, following, keep
from tutor.lab.checking import FileCheck
from tutor.lab.exercise import Exercise
from tutor.lab.exercises import EXERCISES
from tutor.learner.rows import Tried
from tutor.lessonfiles import catalogue
from tutor.pictures.marks import JUDGED
from tutor.play.commands import LAB, Key
from tutor.text.cells import cut
from tutor.text.language import N_, language, say
from tutor.text.words import plural, reason
from tutor.tui.dialogs import help_of
from tutor.tui.keys import bindings
from tutor.tui.lines import Choices, KeyBar, Line, Lines, folded, line
from tutor.tui.screen import TutorScreen

WIDE = 120  # columns from which the file stands beside what is said of it
MOST_SOURCE = 2000  # lines of the file that are shown

LIST_KEYS = [
    Key("", "", "↑↓", "choose"),
    Key("", "open", "enter", "begin", "write the file of the exercise, if it is not there, and watch it"),
    Key("l", "lesson", "l", "lesson", "the lesson that has the theory"),
    Key("escape,q,h", "leave", "esc", "back"),
]


class LabScreen(TutorScreen):
    """The exercises in their order: which are done, which is next. Enter begins one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LIST_KEYS)
    commands = LIST_KEYS

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Horizontal(id="shelf"):
            yield Choices(id="list", beside=self.show_skeleton)
            yield Lines(id="source")
        yield KeyBar(LIST_KEYS)
        yield Static(id="small")

    def on_mount(self) -> None:
        for id in ("#bar", "#source"):
            self.query_one(id).can_focus = False
        self.query_one("#list").focus()

    def on_screen_resume(self) -> None:
        if self.size.width:
            self.call_after_refresh(self.draw)

    def on_resize(self) -> None:
        self.suit_size({})
        self.query_one("#source").display = self.size.width >= WIDE
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        tried = self.tutor.store.tried()
        ahead = following(tried)
        listing = self.query_one("#list", Choices)
        columns = max(listing.size.width - 5, 30)
        lines: list[Line] = []
        for id, exercise in EXERCISES.items():
            mark, style, said = _state(tried.get(id), exercise is ahead)
            lines.append(Line(((f"{mark} ", style), (say(exercise.title), "heading"), (f"  {said}", "dim")), id))
            lines.append(line(f"    {cut(say(exercise.aim), columns)}", "dim"))
        first = next((at for at, item in enumerate(lines) if ahead and item.target == ahead.id), 0)
        listing.show(lines, None if listing.cursor >= 0 else first)
        done = sum(bool(tried[id].done) for id in EXERCISES if id in tried)
        said = say("{n} of {all} exercises done", n=done, all=len(EXERCISES))
        spans = ((say("The lab"), "title"), (f"  {said}", "dim"), ("  " + say("write it yourself"), "dim"))
        self.query_one("#bar", Lines).show([Line(spans)])
        self.show_skeleton()

    def chosen(self) -> Exercise | None:
        return EXERCISES.get(self.query_one("#list", Choices).target or "")

    def show_skeleton(self) -> None:
        exercise, beside = self.chosen(), self.query_one("#source", Lines)
        if exercise is None or not beside.display:
            return
        title = line(say(exercise.title), "title")
        theory = line(say("The theory: lesson {lesson}", lesson=exercise.lesson), "dim")
        text = [title, line(), line(say(exercise.aim)), line(), theory, line()]
        skeleton = exercise.skeleton_in(language()).read_text(encoding="utf-8").splitlines()
        columns = max(beside.size.width - 2, 30)
        beside.show(
            [part for item in text for part in folded(item, columns)] + [line(row, "numbers") for row in skeleton]
        )

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        self.action_open()

    def action_open(self) -> None:
        exercise = self.chosen()
        if exercise:
            bench = bench_of(self, exercise)
            if bench:
                self.app.push_screen(bench)

    def action_lesson(self) -> None:
        exercise = self.chosen()
        if exercise:
            open_theory(self, exercise)

    def action_leave(self) -> None:
        self.app.pop_screen()


class BenchScreen(TutorScreen):
    """An exercise: its file is watched, and what its last run came to is shown, with the hints that were asked for."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(LAB)
    commands = LAB

    def __init__(self, exercise: Exercise, path: Path, written: bool) -> None:
        """`written`: the file was written just now."""
        super().__init__()
        self.bench = Bench(exercise, path)
        self.written = written
        self.ran = ""  # when, as a clock says it
        self.busy = False
        self.problem = ""
        self.looking: Worker[None] | None = None

    @property
    def exercise(self) -> Exercise:
        return self.bench.exercise

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Horizontal(id="shelf"):
            yield Lines(id="said")
            yield Lines(id="source")
        yield KeyBar(LAB)
        yield Static(id="small")

    def on_mount(self) -> None:
        for id in ("#bar", "#source"):
            self.query_one(id).can_focus = False
        self.query_one("#said").focus()
        self.set_interval(EVERY, self.look)
        self.look()

    def on_unmount(self) -> None:
        self.bench.stop()

    def on_resize(self) -> None:
        self.suit_size({})
        self.query_one("#source").display = self.size.width >= WIDE
        self.call_after_refresh(self.draw)

    # ------------------------------------------------------------ the file

    def look(self) -> None:
        """Beside the screen: a run takes its time. While another screen is open over this one, it waits."""
        if not self.is_current or (self.looking and not self.looking.is_finished):
            return
        self.looking = self.run_worker(self._look, thread=True, group="lab", exit_on_error=False)

    def _look(self) -> None:
        worker = get_current_worker()
        if not self.bench.saved():
            if not self.bench.path.exists() and not worker.is_cancelled:
                self.app.call_from_thread(self.show, FileNotFoundError(ENOENT, say("it is not there any more")))
            return
        self.app.call_from_thread(self.begin_run)
        found: FileCheck | OSError
        try:
            found = self.bench.check()
        except OSError as error:
            found = error
        if not worker.is_cancelled and not self.bench.stop.asked:
            self.app.call_from_thread(self.show, found)

    def begin_run(self) -> None:
        self.busy = True
        if self.is_mounted:
            self.draw_bar()

    def show(self, found: FileCheck | OSError) -> None:
        """What a run came to; on disk before it is seen."""
        self.busy = False
        if isinstance(found, FileNotFoundError) and self.problem:
            return  # it is said already
        self.ran = datetime.now().strftime("%H:%M:%S")
        if isinstance(found, OSError):
            self.problem = say("It cannot be run: {why}.", why=reason(found))
        else:
            self.problem = ""
            self.bench.last = found
            keep(found, self.tutor.store.save_try)
        if self.is_mounted:
            self.draw()
            self.query_one("#said", Lines).scroll_lines_to(0)

    # ------------------------------------------------------------ what is shown

    def draw(self) -> None:
        if self.has_class("-tiny"):
            return
        self.draw_bar()
        said = self.query_one("#said", Lines)
        columns = max(said.size.width - 2, 30)
        said.show([part for item in self.lines() for part in folded(item, columns)])
        if self.query_one("#source").display:
            self.draw_source()

    def draw_bar(self) -> None:
        last = self.bench.last
        begun = self.ran and not (last and last.untouched)
        state = say("running …") if self.busy else say("ran at {time}", time=self.ran) if begun else (
            say("waiting for a save")
        )  # fmt: skip
        if last and last.done and not self.busy:
            state = say("{state}, all right", state=state)
        spans = ((say(self.exercise.title), "title"), (f"  {state}", "note" if self.busy else "dim"))
        self.query_one("#bar", Lines).show([Line(spans)])

    def lines(self) -> list[Line]:
        last = self.bench.last
        found = [Line(((say("file") + " ", "dim"), (home_short(self.bench.path), "heading")))]
        if self.problem:
            found += [line(), line(self.problem, "error")]
        for rung in range(1, self.bench.rung + 1):
            first, *more = words.hint(self.exercise, rung, last).split("\n")
            title = say("Hint {n}", n=rung)
            found += [line(), Line(((f"{title}  ", "key"), (first, ""))), *(line(part) for part in more)]
        found.append(line())
        if last is None or last.untouched:
            return found + self.introduction()
        found += [_line(item) for item in words.lines(last)]
        if last.done and (after := self.after()):
            found += [line(), Line((("n ", "key"), (say("the next one: {title}", title=say(after.title)), "")))]
        return found

    def introduction(self) -> list[Line]:
        there = say("The file is written." if self.written else "The file was there already, and is as it was.")
        edit = say("Open it in an editor, beside this window, and put your lines in place of the dots.")
        keys = N_("tab gives a hint, e opens your editor here, l the lesson {lesson}.")
        return [
            line(say(self.exercise.aim), "title"),
            line(),
            line(f"{there} {edit}"),
            line(say("Each save is run, on the lesson's numbers and on random ones, and every array is looked at.")),
            line(),
            line(self.exercise.signature, "numbers") if not self.exercise.call else line(),
            line(f"return {', '.join(self.exercise.returns)}", "numbers") if not self.exercise.call else line(),
            line(),
            line(say(keys, lesson=self.exercise.lesson), "dim"),
        ]

    def draw_source(self) -> None:
        """The file with the line in which the last run stopped marked."""
        try:
            rows = self.bench.path.read_text(encoding="utf-8", errors="replace").splitlines()[:MOST_SOURCE]
        except OSError:
            rows = []
        last = self.bench.last
        frame = last.mistake.frame if last and last.mistake else None
        at = frame.line if frame else 0
        beside = self.query_one("#source", Lines)
        beside.show(
            [
                Line(
                    (
                        (f"{'▶' if n == at else ' '}{n:3} ", "error" if n == at else "dim"),
                        (row.expandtabs(4), "numbers"),
                    )
                )
                for n, row in enumerate(rows, start=1)
            ]
        )
        if at:
            beside.scroll_lines_to(at - beside.size.height // 2)

    # ------------------------------------------------------------ keys

    def after(self) -> Exercise | None:
        ids = list(EXERCISES)
        at = ids.index(self.exercise.id) + 1 if self.exercise.id in ids else len(ids)
        return EXERCISES[ids[at]] if at < len(ids) else None

    def action_run_again(self) -> None:
        self.bench.forget()
        self.look()

    def action_hint(self) -> None:
        if self.bench.rung == len(self.exercise.hints):
            self.say(say("There are no more hints: the lesson (l) goes through it step by step."), "note")
            return
        self.bench.rung += 1
        self.draw()
        self.query_one("#said", Lines).scroll_lines_to(0)

    def action_edit(self) -> None:
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        if not editor:
            self.say(say("Neither VISUAL nor EDITOR is set: open the file in an editor of your own."), "note")
            return
        try:
            command = [*shlex.split(editor), str(self.bench.path)]
            with self.app.suspend():
                subprocess.run(command, check=False)
        except SuspendNotSupported:
            self.say(say("This terminal cannot be lent to an editor: open the file in another window."), "note")
        except (OSError, ValueError) as error:
            told = say("{editor} cannot be started: {why}.", editor=editor[:40], why=reason(error))
            self.say(told, "error")
        self.look()

    def action_lesson(self) -> None:
        open_theory(self, self.exercise)

    def action_following(self) -> None:
        after = self.after()
        if after is None:
            self.say(say("This is the last exercise."), "note")
        elif bench := bench_of(self, after):
            self.app.switch_screen(bench)

    def action_scroll(self, by: int) -> None:
        said = self.query_one("#said", Lines)
        said.scroll_lines_to(said.top + by)

    def action_help(self) -> None:
        self.app.push_screen(help_of(LAB, self.size.width))

    def action_leave(self) -> None:
        self.app.pop_screen()


def bench_of(screen: TutorScreen, exercise: Exercise) -> BenchScreen | None:
    """The bench of an exercise, with its file in the learner's folder; None, and a word, where it cannot be written."""
    try:
        path, written = begin(exercise, folder(screen.tutor.store.profile))
    except (OSError, RuntimeError) as error:
        screen.say(say("The file cannot be written: {why}.", why=reason(error)), "error")
        return None
    return BenchScreen(exercise, path, written)


def open_theory(screen: TutorScreen, exercise: Exercise) -> None:
    """Open the lesson that has an exercise's theory."""
    path = catalogue.find(exercise.lesson)
    if path:
        screen.tutor.open_lesson(path, exercise.lesson)


def home_short(path: Path) -> str:
    """A path with ~ for the home folder."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)


def _state(tried: Tried | None, is_next: bool) -> tuple[str, str, str]:
    """The mark of an exercise, its style, and the word beside it."""
    if tried and tried.done:
        return "✓", "value", say("done")
    following = say("▸ next") if is_next else ""
    if tried:
        return "◐", "mark", f"{plural(tried.tries, 'try', 'tries')} {following}".rstrip()
    return "○", "mark", following


def _line(item: words.SaidLine) -> Line:
    """A line of what is said of a run, as the screen has it."""
    kind, _, verdict = item.style.partition(" ")
    if kind == "verdict":
        mark, style = JUDGED.get(verdict, ("?", "dim"))  # type: ignore[call-overload]
        return Line(((f"{mark} ", style), (item.text.removeprefix("✓ "), "")))
    return line(item.text, {"code": "numbers"}.get(item.style, item.style))
