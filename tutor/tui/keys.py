"""What a screen makes of its table of keys: bindings, the help, the command palette."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from textual.binding import Binding, BindingType

from tutor.play.commands import Key, alone
from tutor.text.language import say
from tutor.tui.lines import Line

Command = tuple[str, str, str]  # title, what it does, action

_NAMES = {
    "right_square_bracket": "]", "left_square_bracket": "[", "full_stop": ".", "comma": ",", "question_mark": "?",
    "pagedown": "PgDn", "pageup": "PgUp", "escape": "Esc", "backspace": "⌫", "left": "←", "right": "→",
}  # fmt: skip


def bindings(keys: Sequence[Key]) -> list[BindingType]:
    """The bindings of a table. tab is always first: it would move the focus."""
    return [
        Binding(key.keys, key.action, key.help, show=False, priority=key.first or "tab" in key.keys)
        for key in keys
        if key.keys
    ]


def commands(keys: Sequence[Key]) -> tuple[Command, ...]:
    """What the command palette offers."""
    said = (key for key in keys if key.help and key.action not in ("", "answer"))  # an answer is given in its line
    return tuple((key.title, say("key {key}", key=alone(key, keys)), key.action) for key in said)


def help_lines(keys: Sequence[Key]) -> list[Line]:
    """A line a key that has a help."""
    return [Line(((f"{keys_shown(key.keys):13}", "key"), (say(key.help), ""))) for key in keys if key.help]


def brief_lines(keys: Sequence[Key], columns: int) -> list[Line]:
    """The same with each key as the key bar has it, for a table whose keys are few, in lines of so many cells."""
    return [
        Line(((f"{'' if at else key.shown:7}", "key"), (text, "")))
        for key in keys
        for at, text in enumerate(textwrap.wrap(say(key.help), columns - 7))
    ]


def hint(keys: Sequence[Key], between: str = "  ") -> str:
    """The key bar of a dialog: one text."""
    return between.join(f"{say(key.shown)} {say(key.label)}" for key in keys if key.label)


def keys_shown(keys: str) -> str:
    """'n,space' as a person reads it: 'n, space'."""
    if keys.startswith("shift+"):
        return "shift+↑ ↓"
    return ", ".join(_NAMES.get(key, key) for key in keys.split(","))
