"""A lesson from the values of a lesson file, arrays among them, without a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tutor.engine.lesson import Lesson
from tutor.lessonfiles import check
from tutor.lessonfiles.positions import Source, given_source
from tutor.lessonfiles.writing import toml
from tutor.text.language import say


def from_text(text: str, name: str = "lesson") -> Lesson:
    """The lesson of a text; `name` is its id, and what problems call it. Raises LessonError."""
    return replace(check.load(given_source(text, name)), path=None)


def from_values(values: Mapping[str, Any], name: str = "lesson") -> Lesson:
    """The lesson of values as a lesson file has them; they become the text of one, which is checked as any other.

    Numbers may be NumPy's. Raises LessonError, TypeError for what is no number.
    """
    text = toml({"format": 1} | plain(dict(values)))
    return replace(check.load(Source(name, text)), path=None)  # however long it is: nobody has to read it


def plain(value: Any) -> Any:
    """Arrays as lists of numbers. Raises TypeError."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if not isinstance(value, str | bool | int | float):
        raise TypeError(say("numbers are needed here, not {type}", type=type(value).__name__))
    return value
