"""Lesson files by name: a lesson's id, a path as a shell takes it. Every start waits for it, so it is small."""

from __future__ import annotations

import os
import re

from tutor.text.output import escape

TYPE_CHECKING = False  # as in `tutor`
if TYPE_CHECKING:
    from pathlib import Path


def as_argument(path: str | Path) -> str:
    """A path as a shell takes it in a command to copy: with a space or a quote in quotes, with a first - no option."""
    import shlex

    text = str(path)
    text = os.path.join(".", text) if text.startswith("-") else text
    if os.name == "nt":
        return escape(f'"{text}"' if " " in text else text)
    return escape(text if re.fullmatch(r"[\w/.,:+@%-]+", text) else shlex.quote(text))


def exists(path: str | Path) -> bool:
    """Whether something is there, be it readable or not; never raises."""
    try:
        os.stat(path)
    except PermissionError:
        return True
    except (OSError, ValueError):  # not there; too long; a NUL in it
        return False
    return True


def lesson_id(path: str | Path) -> str:
    """A lesson's id is its file's name without number and extension: '01-gates.toml' is 'gates'."""
    return escape(re.sub(r"^[0-9]+[-_. ]+(?=.)", "", os.path.splitext(os.path.basename(path))[0]))
