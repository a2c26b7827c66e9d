"""Copying out of the player: what, and how it is written, is asked; it goes to the clipboard and to a file."""

from __future__ import annotations

from itertools import product

from tutor.learner.copies import keep_copy
from tutor.play.copying import FORMS, SAID, WHATS, copied
from tutor.play.sitting import Sitting
from tutor.text.language import N_, say, say_in
from tutor.text.words import plural
from tutor.tui.dialogs import Reader
from tutor.tui.lines import Line, line
from tutor.tui.screen import TutorScreen

NAMES = {"text": N_("plain text"), "markdown": "Markdown", "latex": "LaTeX"}


def offer_copy(screen: TutorScreen, sitting: Sitting) -> None:
    """Ask what of a sitting to copy, over its screen, which then says what came of it.

    Whether a terminal takes what is put on its clipboard (OSC 52) nobody can know, so there is a file, too.
    """
    if sitting.still_asked:
        screen.say(say("A question is open: what is copied would answer it."))
        return
    choices = {str(at): choice for at, choice in enumerate(product(WHATS, FORMS), start=1)}
    lines = [line(say_in("dialog", "Copy"), "title")]
    for key, (what, form) in choices.items():
        if form == next(iter(FORMS)):
            lines += [line(), line(f"{say(SAID[what])}:")]
        lines.append(Line(((f"  {key}  ", "key"), (say(NAMES[form]), ""))))

    def go(key: str | None) -> None:
        if key:
            what, form = choices[key]
            text = copied(sitting, what, form)
            screen.app.copy_to_clipboard(text)
            count = plural(text.count("\n"), "line")
            screen.say(say("Copied, {count}. {kept}", count=count, kept=keep_copy(text, form)).rstrip())

    hint = say("1 to 9 copies · ↑ ↓ scroll · Esc goes back")
    screen.app.push_screen(Reader(lines, hint, {key: key for key in choices}), go)
