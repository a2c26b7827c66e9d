"""The files that a lesson names, of examples or weights: where they may be, and what is said where one is missing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from tutor.engine.parsing import nearest
from tutor.lessonfiles.file_names import exists
from tutor.text.language import N_, say
from tutor.text.output import quote

TABLES = (".csv", ".tsv", ".txt")  # what the names of tables end in


def place(lesson: Path, name: str, what: str = N_("a file of examples")) -> Path | str:
    """The file of that name beside a lesson, or below its folder; else why it may not be read."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    what = say(what)
    if PureWindowsPath(name).drive or PureWindowsPath(name).root or PurePosixPath(name).is_absolute():
        return say("{what} is named from the lesson's folder, not by an absolute path", what=what)
    if ".." in parts or "\0" in name:
        return say("{what} stands beside the lesson or below its folder", what=what)
    path = lesson.parent.joinpath(*parts)
    inside = os.path.realpath(lesson.parent)
    if os.path.commonpath([inside, os.path.realpath(path)]) != inside:
        return say("{what} stands beside the lesson: this one is a link to elsewhere", what=what)
    return path


def missing(path: Path, name: str, endings: Sequence[str]) -> tuple[str, str] | None:
    """What to say, and to advise, where a file of that name is not there; None where it is."""
    if exists(path):
        return None
    if os.path.islink(path):
        told = say("{name} is a link that leads to no file", name=quote(name))
        return told, say("put the file itself there, or name it")
    message = say("there is no file {name} beside the lesson", name=quote(name))
    if near := _like(name[:64], [other for other in _beside(path, endings) if other != name]):
        message += say(": did you mean '{near}'?", near=near)
    return message, say("write / between folders") if "\\" in name else ""


def _beside(path: Path, endings: Sequence[str]) -> list[str]:
    """The names of the files with these endings in the folder of a file, in order; none where it cannot be read."""
    try:
        return sorted(name for name in os.listdir(path.parent) if name.casefold().endswith(tuple(endings)))
    except (OSError, ValueError):
        return []


def _like(name: str, others: list[str]) -> str:
    """The file whose name is like this one, be their endings as they may; "" where there is none."""
    stems = {PurePosixPath(other).stem: other for other in others}
    if near := nearest(PurePosixPath(name).stem, stems):
        return stems[near]
    return nearest(name, others) if len(PurePosixPath(name).stem) < 3 else ""
