"""The commands of an author: `new`, `schema`, `check`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.cli.delivering import lesson_written
from tutor.cli.errors import UsageError
from tutor.cli.finding import own_folders
from tutor.cli.streams import in_utf8
from tutor.lessonfiles.file_names import as_argument, exists
from tutor.text.language import N_, say
from tutor.text.output import escape
from tutor.text.words import plural, reason

if TYPE_CHECKING:
    from argparse import Namespace

    from tutor.lessonfiles.positions import Problem


def new(args: Namespace) -> int:
    """Write a lesson to begin with, and never over a file that is there."""
    from tutor.lessonfiles.scaffold import lesson_text

    folder = args.file.endswith(("/", os.sep)) or os.path.basename(args.file) in (".", "..")
    if folder:
        name = os.path.join(args.file, "first.toml")
        told = N_("'{folder}' is a folder, a lesson is a file: backprop-tutor new {file}")
        raise UsageError(say(told, folder=args.file[:200], file=as_argument(name)))
    path = Path(args.file if args.file.endswith(".toml") else args.file + ".toml")
    if not args.file or path.name == ".toml":
        raise UsageError(say("the file needs a name: backprop-tutor new first.toml"))
    if path.name.startswith("."):
        told = N_("a file that begins with a dot is hidden, and no list shows it: '{name}'")
        raise UsageError(say(told, name=path.name[:200]))
    if args.from_ is not None:
        if args.arrays:
            raise UsageError(say("--arrays and --from are two beginnings: give one of them"))
        from tutor.cli.from_model import new_from

        return new_from(args, path)
    needs = ("layers", "activation", "loss", "in_by_out", "data", "class_", "classes", "scale", "held_out")
    if alone := [name for name in needs if getattr(args, name) is not None]:
        raise UsageError(say("{option} goes with --from", option=f"--{alone[0].strip('_').replace('_', '-')}"))
    try:
        text = lesson_text(path, args.arrays)
        with open(path, "x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:  # a full disk: half a lesson would be in the way of the next try
                os.unlink(path)
                raise
    except FileExistsError:
        raise UsageError(say("'{file}' is there already; it is left as it is", file=path)) from None
    except (OSError, ValueError) as error:
        raise UsageError(say("cannot write '{file}': {why}", file=str(path)[:200], why=reason(error))) from None
    print(lesson_written(path))
    return 0


def schema(args: Namespace) -> int:
    """The format as a JSON Schema."""
    from tutor.lessonfiles.schema import as_json

    in_utf8()
    print(as_json(), end="")
    return 0


def whose(problems: list[Problem], lesson: Path, several: bool) -> list[Problem]:
    """The problems of one of several lessons: those of its table say whose table that is; a translation's name does."""
    from tutor.lessonfiles.translation import is_translation

    if not several:
        return problems
    theirs = say("these are the examples of {lesson}", lesson=lesson.name)
    return [
        found if found.path == str(lesson) or is_translation(found.path) else
        replace(found, advice=f"{found.advice}; {theirs}" if found.advice else theirs)
        for found in problems
    ]  # fmt: skip


def check(args: Namespace) -> int:
    """Everything wrong with lesson files; 1 if there is an error."""
    from tutor.lessonfiles.check import examine, lesson_files, written_out

    for path in args.paths:
        if not exists(path):
            raise UsageError(say("there is no file or folder '{name}'", name=path[:200]))
    folders = own_folders(args)
    errors = warnings = lessons = 0
    for path in args.paths:
        files, problems = lesson_files(path)
        if not files and not problems:
            print(say("{folder}: there is no lesson (*.toml) in this folder.", folder=escape(path)) + "\n")
        several = len(files) > 1 or len(args.paths) > 1
        for found in (problems, *(whose(examine(file, folders)[1], file, several) for file in files)):
            errors += sum(problem.severity == "error" for problem in found)
            warnings += sum(problem.severity == "warning" for problem in found)
            for text in written_out(found):
                print(text + "\n")
        lessons += len(files)
    print(f"{plural(lessons, 'lesson')}: {plural(errors, 'error')}, {plural(warnings, 'warning')}.")
    return 1 if errors else 0
