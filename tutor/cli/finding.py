"""Which lesson, folder, notation, number are meant by the words of a command line. All of it raises UsageError."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.cli.errors import UsageError
from tutor.folders import for_data
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.file_names import exists, lesson_id
from tutor.text.language import N_, say
from tutor.text.words import whole_number

if TYPE_CHECKING:
    from argparse import Namespace

LESSONS = "BACKPROP_TUTOR_LESSONS"  # such folders, separated as in PATH
BEYOND_COUNTING = 10**9  # that a number may be no larger is not said


def own_folders(args: Namespace | None = None) -> list[Path]:
    """Where a teacher's own lessons are: in the user's data directory, the environment, the options.

    Raises UsageError for a folder of an option that is not there.
    """
    folders: list[Path] = []
    with suppress(RuntimeError):  # no home
        folders += [path] if os.path.isdir(path := for_data() / "lessons") else []
    folders += [Path(name) for name in os.environ.get(LESSONS, "").split(os.pathsep) if name]
    return folders + asked_for(args)


def asked_for(args: Namespace | None) -> list[Path]:
    """The folders of --lessons: whoever names one means the lessons in it."""
    names = (*args.folders_first, *args.folders) if args else ()
    for name in names:
        if "\0" in name or not os.path.isdir(name):
            raise UsageError(say("--lessons: there is no folder '{name}'", name=name[:200]))
    return list(map(Path, names))


def find_lesson(name: str, args: Namespace | None = None) -> tuple[Path, str]:
    """The file of a lesson and its key in the store: an id for a bundled lesson, else the absolute path.

    An id goes before a file of that name in the current folder (./gates is the file). Of several with one id the one
    in a folder of --lessons is meant, else the one that comes with the tutor, else one in another folder of one's own.
    Raises UsageError.
    """
    is_path = os.sep in name or name.endswith(".toml")
    for folder in [] if is_path or not name else asked_for(args):
        if own := catalogue.find(name, folder):
            return own, os.path.realpath(own)
    bundled = None if is_path or not name else catalogue.find(name)
    if bundled:
        return bundled, lesson_id(bundled)
    folders = [] if is_path or not name else own_folders(args)
    for folder in folders:
        if own := catalogue.find(name, folder):
            return own, os.path.realpath(own)
    if name and exists(name):
        return Path(name), os.path.realpath(name)
    if is_path:
        raise UsageError(say("there is no file '{name}'", name=name[:200]))
    short = name[:60]
    if name and exists(f"{name}.toml"):
        raise UsageError(say("there is no lesson '{name}'; did you mean the file '{name}.toml'?", name=short))
    if near := catalogue.nearest(short, ids=[entry.id for entry in catalogue.shelf(folders)]):
        raise UsageError(say("there is no lesson '{name}'; did you mean '{near}'?", name=short, near=near[0]))
    raise UsageError(say("there is no lesson '{name}'; backprop-tutor list shows them", name=short))


def known_notation(name: str | None) -> None:
    """Raises UsageError for a notation that there is not, with the nearest."""
    if name is None:
        return
    from tutor.text.notations import NOTATIONS

    if name not in NOTATIONS:
        from tutor.text.words import did_you_mean

        short, names = name[:60], ", ".join(NOTATIONS)
        told = N_("unknown notation '{name}'{near}; there are: {names}")
        raise UsageError(say(told, name=short, near=did_you_mean(short, NOTATIONS), names=names))


def number(text: str, option: str, most: int, least: int = 1) -> int:
    """A whole number given to an option. Raises UsageError, which says its bounds, but no upper one beyond counting."""
    found = 0 if least == 0 and text.strip() == "0" else whole_number(text, most)
    if found is not None:
        return found
    given = text[:60]
    if least == 1 and most >= BEYOND_COUNTING:
        raise UsageError(say("{option} takes a whole number from 1, not '{given}'", option=option, given=given))
    told = N_("{option} takes a whole number from {least} to {most}, not '{given}'")
    raise UsageError(say(told, option=option, least=least, most=f"{most:,}", given=given))
