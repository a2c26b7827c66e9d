"""What runs a command: the app over the whole screen, or the store of a command in lines."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tutor import confined
from tutor.cli.streams import warn
from tutor.folders import for_data
from tutor.text.language import say
from tutor.text.words import plural

if TYPE_CHECKING:
    from tutor.learner.store import Store
    from tutor.tui.app import TutorApp


def app(start: Callable[[TutorApp], None] | None = None, profile: str = "default", folders: Sequence[Path] = ()) -> int:
    """The app, from the home screen, or from what `start` opens over it."""
    from threading import Thread

    from tutor.learner.store import Store

    if os.environ.get(confined.ENVIRONMENT):
        confined.begin(folders, for_data())
    gc.disable()  # until the first frame: no garbage is made before it, and looking for some costs 20 ms
    opened: list[Store] = []
    opening = Thread(target=lambda: opened.append(Store.open(profile=profile)))
    opening.start()  # the disk can be slow: textual loads meanwhile
    from tutor.tui.app import TutorApp

    opening.join()
    return TutorApp(opened[0], start, folders).run_in_terminal()


class Kept:
    """The store of a command in lines. That nothing can be kept, and why, is told as soon as it is known; at the end
    of the block how much is lost. `code` is the command's exit code: 2 if anything is, or the disk failed under way."""

    def __init__(self, profile: str) -> None:
        from tutor.learner.languages import speak
        from tutor.learner.store import Store

        self.store = Store.open(profile=profile)
        speak(self.store)
        self.code = 0
        self._told: str | None = None

    def tell(self) -> None:
        """Say once what of this run could not be kept on disk."""
        if self.store.warning != self._told:
            self._told = warn(self.store.warning)

    def sum_up(self) -> None:
        """At the end of a sitting say what it came to, to a person: a program reads what was asked and answered."""
        from tutor.learner.today import tell_of_sitting

        if sys.stdin.isatty() and sys.stdout.isatty():
            tell_of_sitting(self.store, self._since)

    def __enter__(self) -> Kept:
        self.tell()
        self._began = self.store.lasting
        self._since = datetime.now(UTC)
        return self

    def __exit__(self, *_: object) -> None:
        self.tell()
        if self.store.lost:
            warn(say("Not kept: {answers} of this session.", answers=plural(self.store.lost, "answer")))
        if self.store.lost or (self._began and not self.store.lasting):
            self.code = 2
        self.store.close()
