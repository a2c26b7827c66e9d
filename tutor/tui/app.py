"""The app: themes, screens, what happens when it ends. NumPy and the player load after the first frame."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread, Timer
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.css.query import NoMatches
from textual.events import Event, Key, MouseDown, Paste
from textual.filter import LineFilter
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import WorkerFailed

from tutor.confined import confined
from tutor.learner.database import default_path
from tutor.learner.languages import change_language, speak
from tutor.learner.store import Store
from tutor.learner.today import tell_of_sitting
from tutor.lessonfiles.catalogue import data_dir
from tutor.text.language import say, say_many
from tutor.text.output import shown
from tutor.tui.home import HomeScreen
from tutor.tui.keys import commands
from tutor.tui.lines import CellGate
from tutor.tui.screen import TutorScreen

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tutor.engine.lesson import Lesson
    from tutor.lab.exercise import Exercise
    from tutor.learner.papers import Keeper
    from tutor.learner.practice import PracticeItem
    from tutor.lessonfiles.positions import LessonError
    from tutor.play.exam import Exam
    from tutor.play.paper import Paper
    from tutor.questions.items import Item
    from tutor.questions.quiz import Quiz

SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # they end the app
MOST_CELLS = 1000  # columns or rows that COLUMNS and LINES may ask for

# Blue and orange that colour-blind people tell apart, at least 5:1 on their background.
DARK = Theme(
    "tutor-dark", primary="#56b4e9", secondary="#f0c05a", accent="#e69f00", foreground="#e8e8e8", background="#121417",
    surface="#191c20", panel="#23272d", error="#ff7a59", warning="#e69f00", success="#56b4e9", dark=True,
)  # fmt: skip
LIGHT = Theme(
    "tutor-light", primary="#0072b2", secondary="#8a5a00", accent="#b04a00", foreground="#16181a", background="#fbfbf8",
    surface="#f2f2ee", panel="#e4e6e6", error="#b3261e", warning="#b04a00", success="#0072b2", dark=False,
)  # fmt: skip


GATE = CellGate()


class TutorApp(App[int]):
    """backprop-tutor: the home screen, or what `start` opens over it."""

    TITLE = "backprop-tutor"
    CSS_PATH = data_dir("assets") / "tutor.tcss"
    ENABLE_COMMAND_PALETTE = True
    # Before every screen, dialog and line to type in: ctrl+c leaves, as everywhere in a terminal.
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "help_quit", show=False, priority=True, system=True)]

    def __init__(
        self, store: Store, start: Callable[[TutorApp], None] | None = None, folders: Sequence[Path] = ()
    ) -> None:
        """`folders`: where a teacher's own lessons are."""
        _bound_size()
        super().__init__()
        speak(store)
        self.store, self.start, self.folders = store, start, folders
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        theme = store.setting("theme", DARK.name)
        # Before the style sheet is read, so that it is read once.
        self.set_reactive(App.theme, theme if theme in self.available_themes else DARK.name)
        self.stylesheet.set_variables(self.get_css_variables())
        self.set_class(self.current_theme.dark, "-dark-mode")
        self.set_class(not self.current_theme.dark, "-light-mode")
        self._told: str | None = None
        self.failure: str | None = None
        self.ending = 0  # the exit code that a signal has asked for
        self.left = False  # the end has begun
        self.began = datetime.now(UTC)
        self._loading = Thread(target=_warm_up)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), GATE]

    def get_default_screen(self) -> HomeScreen:
        return HomeScreen(self.folders)

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda theme: self.store.save_setting("theme", theme.name))
        for number in SIGNALS if not self.is_headless else ():
            asyncio.get_running_loop().add_signal_handler(number, self._end, 128 + number)
        if self.ending:  # told so before there was a loop to tell
            self._end(self.ending)
        elif self.start:
            self.start(self)
        self.store.when_dropped = lambda: self.call_later(self.tell_store)  # whoever was writing
        self.call_after_refresh(self.tell_store)

    def on_ready(self) -> None:
        gc.freeze()  # what is there stays: looking through it again and again would be felt in a key
        gc.enable()  # see cli/running.py
        self._loading.start()

    def wait_for_loading(self) -> None:
        """Return when what is loaded beside the screen is there.

        Two threads that import the same package at once may each get half of it: what imports anything of the rooms
        below, on the screen's thread or on another, waits for this first.
        """
        if self._loading.ident is not None:
            self._loading.join()

    async def on_event(self, event: Event) -> None:
        if isinstance(event, (Key, Paste, MouseDown)) and self._loading.is_alive():
            await asyncio.to_thread(self.wait_for_loading)  # most of them open something
        await super().on_event(event)

    def tell_store(self) -> None:
        """Say once what the store has to say: that nothing can be saved, and why."""
        if self.store.warning and self.store.warning != self._told:
            self._told = self.store.warning
            self.notify(self.store.warning, severity="warning", timeout=12, markup=False)

    def open_lesson(self, path: Path, key: str) -> None:
        """Open the player on a lesson; a file with errors is told of, and the home screen stays."""
        from tutor.lessonfiles.check import load
        from tutor.lessonfiles.positions import LessonError

        try:
            lesson = load(path)
        except LessonError as error:
            self._tell_of(error)
            return
        self.play(lesson, key)

    def _tell_of(self, error: LessonError) -> None:
        from tutor.tui.dialogs import Reader, problem_lines

        self.push_screen(Reader(problem_lines(error), say("↑ ↓ scroll · Esc goes back"), {"enter": "back"}))

    def quiz_on(self, path: Path) -> None:
        """A quiz on one lesson, or the one that was left."""
        from tutor.learner.records import start_quiz

        self._quiz(lambda: start_quiz(self.store, (str(path.resolve()),), None, None, False))

    def placement(self) -> None:
        """The quiz that says where on the path to begin."""
        from tutor.learner import placement

        self._quiz(lambda: placement.start(self.store))

    def _quiz(self, start: Callable[[], tuple[str, Quiz, list[Item], bool]]) -> None:
        from tutor.lessonfiles.positions import LessonError

        try:
            id, session, items, _ = start()
        except LessonError as error:
            self._tell_of(error)
            return
        if items:
            self.open_quiz(id, session, items)

    def drill(self, skill: str, lesson: str = "") -> None:
        """Drill a skill, on the lesson named or one that has it."""
        from tutor.learner.practice import authors_again, drill, lesson_for
        from tutor.questions.items import AUTHOR
        from tutor.questions.mastery import title

        if skill == AUTHOR:  # they have no other numbers: the same again
            self.practise(say("Again"), authors_again(self.store, len(self.store.answers(skill)) + 1))
            return
        found = lesson_for(self.store, skill, lesson)
        if found is None:
            self.notify(say("No lesson here has questions on {skill}.", skill=title(skill)), markup=False)
            return
        seed = len(self.store.answers(skill)) + 1  # new numbers each time
        self.practise(say("Drill"), drill(found[0], found[1], skill, seed))

    def practise(self, title: str, exercises: Iterable[PracticeItem]) -> None:
        """Show the screen that asks these exercises, one after the other."""
        from tutor.tui.practice import PracticeScreen

        self.push_screen(PracticeScreen(title, exercises))

    def review(self) -> None:
        """What is due today, over all lessons."""
        from tutor.learner.practice import review

        self.practise(say("Review"), review(self.store))

    def show_mistakes(self) -> None:
        """What was answered wrongly, to be answered again."""
        from tutor.tui.mistakes import MistakesScreen

        self.push_screen(MistakesScreen())

    def sum_up(self) -> None:
        """What the sitting came to so far, in a dialog."""
        from tutor.learner.today import said, summary
        from tutor.tui.dialogs import Reader
        from tutor.tui.lines import line

        if found := summary(self.store, self.began, datetime.now(UTC)):
            lines = [line(say("Your goal for today is reached"), "title"), line()]
            lines += [line(text) for text in said(found)]
            self.push_screen(Reader(lines, say("Enter goes on · ctrl+q leaves"), {"enter": ""}))

    def show_progress(self) -> None:
        """Show what is known, and the mistakes that were met."""
        from tutor.tui.practice import ProgressScreen

        self.push_screen(ProgressScreen())

    def open_lab(self) -> None:
        """The exercises that a learner writes in Python: on a machine of their own."""
        if confined():
            self.notify(say("The lab runs programs of your own: install backprop-tutor on your own machine for it."))
            return
        from tutor.tui.lab import LabScreen

        self.push_screen(LabScreen())

    def open_bench(self, exercise: Exercise, path: Path, written: bool) -> None:
        """One of them, with its file; `written`: it was written just now."""
        from tutor.tui.lab import BenchScreen

        self.push_screen(BenchScreen(exercise, path, written))

    def open_doctor(self, seed: int = 1, at: int = 0) -> None:
        """Ten sick networks of a seed, from the one at a place (from 0) on."""
        from tutor.play.doctor import Clinic
        from tutor.tui.doctor import DoctorScreen

        self.push_screen(DoctorScreen(Clinic(seed), at))

    def open_quiz(self, id: str, session: Quiz, items: list[Item]) -> None:
        """Show a quiz as far as it has come; `id` is what it is kept by."""
        from tutor.tui.quiz import QuizScreen

        self.push_screen(QuizScreen(id, session, items))

    def exam_on(self, lesson: Lesson) -> None:
        """An exam on a lesson's file, or the one that was left. Raises Refused."""
        from tutor.learner.papers import start_exam
        from tutor.play.settings import Refused

        if lesson.path is None:
            raise Refused(say("An exam is of a lesson that has a file."))
        keeper, exam, _ = start_exam(self.store, str(Path(lesson.path).resolve()))
        self.open_paper(keeper, exam.paper, exam)

    def open_paper(self, keeper: Keeper, paper: Paper, exam: Exam | None = None) -> None:
        """Show a paper, or with `exam` the exam that it is of; `keeper` keeps it as it is filled in."""
        from tutor.tui.paper import PaperScreen

        self.push_screen(PaperScreen(keeper, paper, exam))

    def play(self, lesson: Lesson, key: str, watching: bool = False) -> None:
        """Show a lesson at the place where it was left; `key` is what it is kept by."""
        from tutor.tui.player import PlayerScreen

        self.push_screen(PlayerScreen(lesson, key, watching))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        for title, help, action in commands(getattr(screen, "commands", ())):
            yield SystemCommand(title, help, lambda action=action: self.run_worker(screen.run_action(action)))
        for command in super().get_system_commands(screen):
            if command.title == "Quit":
                yield SystemCommand(say("Quit"), say("Quit the application as soon as possible"), command.callback)

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder=say("Search for commands…"), id="--command-palette"))

    def action_language(self) -> None:
        """The next language, for every screen that is open, and from now on."""
        change_language(self.store)
        for screen in self.screen_stack:
            if isinstance(screen, TutorScreen):
                screen.retell()

    def action_toggle_dark(self) -> None:
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        self.left = True
        super().exit(result, return_code, message)

    def _end(self, code: int) -> None:
        """Leave because a signal said so; where the terminal is gone, leaving it in order may hang: not for long."""
        self.ending = code
        last_resort = Timer(3, os._exit, (code,))
        last_resort.daemon = True
        last_resort.start()
        self.exit(code, code)

    async def action_quit(self) -> None:
        """Leave from any screen; with a changed lesson, which ends here, only if asked for twice in a row."""
        for screen in self.screen_stack:
            if (leaves := getattr(screen, "leaves", None)) and not leaves():
                self.notify(say("Your changes of the lesson end here. ctrl+q again leaves."), markup=False)
                return
        self.exit()

    def action_help_quit(self) -> None:
        """ctrl+c leaves, as everywhere in a terminal."""
        self.exit(130, 130)

    def run_in_terminal(self) -> int:
        """Run; returns the exit code. The terminal is left as it was, and no traceback is shown."""
        before = {number: signal.signal(number, self._signalled) for number in SIGNALS}
        try:
            result = self.run()
            if not self.ending and not self.failure and result is None:
                tell_of_sitting(self.store, self.began)
        finally:
            self.store.close()
            for number, handler in before.items():
                signal.signal(number, handler)
        if self.store.lost:
            lost = say_many(
                self.store.lost, "Not kept: {n} answer of this session.", "Not kept: {n} answers of this session."
            )
            print(lost, file=sys.stderr)
            result = result or 2
        if self.ending:
            return self.ending
        if self.failure:
            print(self.failure, file=sys.stderr)
            return 1
        return result or 0

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        """A signal before the app listens to it: on_mount leaves, when the terminal can be put back in order."""
        self.ending = 128 + number

    def _handle_exception(self, error: Exception) -> None:
        if isinstance(error, WorkerFailed) and isinstance(error.error, NoMatches) and "CommandPalette" in str(error):
            return  # textual's palette looks for its list before it is there, when the machine is busy
        if self.left and not self.is_headless:  # a screen that was being built has lost its widgets: it is no error
            self._close_messages_no_wait()
            return
        if self.is_headless:  # under test, a failure is to be seen
            super()._handle_exception(error)
            return
        where = _write_report(error)
        self.failure = say(
            "backprop-tutor met an error of its own and had to stop; your place is kept. {where}", where=where
        )
        self.exit(1, 1)


def _bound_size() -> None:
    """Take no notice of a COLUMNS or LINES that no screen has: a million columns would be drawn for ever."""
    for name in ("COLUMNS", "LINES", "ROWS"):
        text = os.environ.get(name, "")
        if text and not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MOST_CELLS):
            del os.environ[name]


def _write_report(error: Exception) -> str:
    path = default_path().with_name("last-error.txt")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shown("".join(traceback.format_exception(error))), encoding="utf-8")
    except OSError:
        return f"({type(error).__name__})"
    return say("What happened is written in {path}.", path=path)


def _warm_up() -> None:
    """Load what the first lesson needs while the learner looks at the list."""
    import tutor.lessonfiles.check
    import tutor.tui.player  # noqa: F401
