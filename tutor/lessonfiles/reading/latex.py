"""LaTeX that TOML took for escapes: the backslash of \\neq in "..."."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tutor.lessonfiles.positions import Keys, Problem, Source
from tutor.text import prose
from tutor.text.language import N_, say
from tutor.text.output import FORBIDDEN

_ESCAPE_IN_WORD = re.compile(r"[\x07\x08\x0b-\x0d\x1b\n\t](?=[a-z])")


def lost_latex(values: dict[str, Any], source: Source) -> dict[Keys, Problem]:
    r"""By their paths the texts in "..." in which TOML takes the backslash of LaTeX for an escape: \n of \neq.

    An error where that leaves a character which no text may hold, else a warning.
    """
    found: dict[Keys, Problem] = {}
    if "\\" not in source.text:
        return found
    for path, text in _texts(values):
        if not _ESCAPE_IN_WORD.search(text):
            continue
        written = source.written(path)
        macros = prose.lost_latex(written)
        if not macros:
            continue
        at, macro = macros[0]
        line, column = source.locate(path)
        before = written[:at]
        line, column = (line + before.count("\n"), at - before.rindex("\n")) if "\n" in before else (line, column + at)
        others = list(dict.fromkeys(other for _, other in macros if other != macro))[:4]
        words = {"escape": "\\" + macro[1], "macro": macro, "as_": say(_ESCAPES.get(macro[1], "an escape"))}
        message = (
            say('in "..." TOML reads {escape} of {macro} (and {others}) as {as_}', others=", ".join(others), **words)
            if others
            else say('in "..." TOML reads {escape} of {macro} as {as_}', **words)
        )
        severity = "error" if FORBIDDEN.search(text) else "warning"
        advice = say("put the text in '''...''' (or '...'), where a backslash is one")
        found[path] = source.problem_at(line, column, message, advice, severity)
    return found


_ESCAPES = {
    "n": N_("a new line"), "t": N_("a tab"), "f": N_("a form feed"), "b": N_("a backspace"),
    "r": N_("a carriage return"),
}  # fmt: skip


def _texts(value: object, path: Keys = ()) -> Iterator[tuple[Keys, str]]:
    """Every text in the values of a file, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _texts(part, (*path, key))
    elif isinstance(value, list) and not (value and isinstance(value[0], (int, float))):
        for at, part in enumerate(value):
            yield from _texts(part, (*path, at))
