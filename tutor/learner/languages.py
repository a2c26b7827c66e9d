"""The language that the learner chose: kept for the full screen and for line mode; a lesson that goes on in it."""

from __future__ import annotations

from contextlib import suppress

from tutor.learner.store import Store
from tutor.text.language import LANGUAGES, asked_for, language, use

TYPE_CHECKING = False  # the first frame waits for this module
if TYPE_CHECKING:
    from tutor.play.sitting import Sitting

LANGUAGE = "language"  # the name of the setting
SOON_AGAIN = 100  # iterations that are trained again within a key


def speak(store: Store) -> None:
    """Speak the language that the tutor is told to by its variable, else the one chosen last, else the system's."""
    chosen = asked_for() or store.setting(LANGUAGE, "")
    if isinstance(chosen, str) and chosen in LANGUAGES and chosen != language():
        use(chosen)


def change_language(store: Store, code: str = "") -> str:
    """Speak another language from now on, without a code the next one; returns its code."""
    codes = list(LANGUAGES)
    use(code or codes[(codes.index(language()) + 1) % len(codes)])
    store.save_setting(LANGUAGE, language())
    return language()


def retold(sitting: Sitting) -> Sitting:
    """The same place in the language that is spoken now; of a question that is open what was said stays as it was.

    The lesson's own texts change, too, where a translation is beside its file; with changes, and far on in training,
    they do when it is opened again.
    """
    from tutor.engine.run import Run
    from tutor.engine.trace import Trace
    from tutor.lessonfiles.check import load
    from tutor.lessonfiles.positions import LessonError
    from tutor.lessonfiles.translation import has_translation

    path, number = sitting.lesson.path, sitting.cursor.iteration
    if path and has_translation(path) and not sitting.changed and number <= SOON_AGAIN:
        with suppress(LessonError):
            lesson = load(path)
            run = Run(lesson)
            if iteration := run.iteration(number):
                return sitting.reloaded(lesson, run, Trace(lesson, iteration), same=True)
    return sitting.retold()
