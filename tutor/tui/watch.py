"""Watching a lesson's file, and that of its examples, while an author writes: each save is played at once.

The file is looked at twice a second, beside the screen. A save that cannot be played leaves the last good lesson where
it is, with what is wrong in the top line and in a dialog that the next good save closes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.screen import Screen
from textual.worker import Worker, get_current_worker

from tutor.engine.lesson import Lesson
from tutor.engine.run import Run
from tutor.engine.trace import Trace
from tutor.lessonfiles.check import load
from tutor.lessonfiles.positions import LessonError
from tutor.lessonfiles.reading.lesson import files
from tutor.text.language import N_, say
from tutor.text.words import plural
from tutor.tui.dialogs import Reader, problem_lines
from tutor.tui.lines import Line, line

EVERY = 0.5  # seconds

Stamp = tuple[tuple[int, int], ...]


def stamp(*files: Path | None) -> Stamp | None:
    """What changes when one of the files is saved; None while one is not there, as in the midst of a save."""
    try:
        found = [os.stat(file) for file in files if file]
    except OSError:
        return None
    return tuple((status.st_mtime_ns, status.st_size) for status in found)


@dataclass
class Watch:
    """Watches the lesson that a screen plays. `wrong` is what is wrong with a broken save; None if all is well.

    `iteration` is asked for the iteration that is shown, `play` gets each good save, and `draw` is called when there is
    another banner.
    """

    screen: Screen[Any]
    path: Path
    iteration: Callable[[], int]
    play: Callable[[Lesson, Run, Trace], None]
    draw: Callable[[], None]
    wrong: LessonError | None = None
    files: tuple[Path, ...] = field(init=False)  # the lesson's, and the one that its examples are from
    seen: Stamp | None = field(init=False)
    dialog: Reader | None = None
    looking: Worker[None] | None = None

    def __post_init__(self) -> None:
        self.files = files(self.path)
        self.seen = stamp(*self.files)
        self.screen.set_interval(EVERY, self.look)

    @property
    def banner(self) -> Line | None:
        """What the top line says of a broken save."""
        if self.wrong is None:
            return None
        count, first = plural(len(self.wrong.problems), "problem"), self.wrong.problems[0]
        name = os.path.basename(first.path)
        told = (
            N_("{file}: {count}, line {line} first; this is the last good save")
            if name == self.path.name
            else N_("{file}: {count}, line {line} of {name} first; this is the last good save")
        )
        return line(say(told, file=self.path.name, count=count, line=first.line, name=name), "error")

    def look(self) -> None:
        """Beside the screen: the disk can be slow, and so can the training up to the iteration that is shown.

        While another screen is open on the lesson, it waits.
        """
        if not (self.screen.is_current or (self.dialog and self.dialog.is_current)):
            return
        if self.looking and not self.looking.is_finished:
            return  # one that takes longer than EVERY is waited for
        self.looking = self.screen.run_worker(self._look, thread=True, group="watch", exit_on_error=False)

    def _look(self) -> None:
        worker = get_current_worker()
        now = stamp(*self.files) or stamp(self.path)
        if now is None or now == self.seen:
            return
        named = files(self.path)  # it may name another file of examples now
        now = stamp(*named) or stamp(self.path)
        if now is None:
            return
        found: tuple[Lesson, Run, Trace] | LessonError
        try:
            lesson = load(self.path)
            run = Run(lesson)
            number = self.iteration() if run.last is None else 1
            iteration = run.iteration(number, lambda at: not worker.is_cancelled and stamp(*named) == now)
            if iteration is None:
                return  # left, or saved once more
            found = lesson, run, Trace(lesson, iteration)
        except LessonError as error:
            found = error
        if not worker.is_cancelled:
            self.files, self.seen = named, now
            self.screen.app.call_from_thread(self.show, found)

    def show(self, found: tuple[Lesson, Run, Trace] | LessonError) -> None:
        if not self.screen.is_mounted:
            return
        if isinstance(found, LessonError):
            self.tell(found)
            return
        self.wrong = None
        if self.dialog and self.dialog.is_current:
            self.dialog.dismiss(None)
        self.dialog = None
        self.play(*found)

    def tell(self, error: LessonError) -> None:
        """Show what is wrong with a save; a dialog that is open already is written anew."""
        self.wrong = error
        lines = problem_lines(error)
        if self.dialog and self.dialog.is_current:
            self.dialog.rewrite(lines)
        elif self.screen.is_current:
            hint = say("It closes when the file is well again · ↑ ↓ scroll · Esc goes back")
            self.dialog = Reader(lines, hint, {"enter": "back"})
            self.screen.app.push_screen(self.dialog)
        self.draw()
