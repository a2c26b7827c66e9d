"""The commands that open lessons: the home screen, `play`, `list`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.cli.errors import UsageError
from tutor.cli.finding import asked_for, find_lesson, known_notation, own_folders
from tutor.cli.running import Kept, app
from tutor.cli.streams import asker, in_utf8, is_screen
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.file_names import as_argument
from tutor.text.language import N_, said, say
from tutor.text.output import json_text

if TYPE_CHECKING:
    from argparse import Namespace

    from tutor.learner.store import Store
    from tutor.tui.app import TutorApp


def home(args: Namespace | None = None) -> int:
    """The home screen, or the list of lessons where there is no terminal."""
    if not is_screen():
        print(say("The home screen needs a terminal. What works without:") + "\n")
        return _print_list(own_folders(args), asked_for(args))
    return app(profile=args.profile if args else "default", folders=own_folders(args))


def play(args: Namespace) -> int:
    """Play a lesson on the full screen, or in lines."""
    known_notation(args.notation)
    path, key = find_lesson(args.lesson, args)
    if args.plain or not is_screen():
        if args.watch:
            raise UsageError(say("--watch needs the full screen: a terminal, and no --plain"))
        return _line_mode(path, key, args)
    from tutor.lessonfiles.check import load

    lesson = load(path)  # a bad file is told here, not inside the app


    def start(app: TutorApp) -> None:
        _choose(app.store, args.notation)
        app.play(lesson, key, args.watch)

    return app(start, args.profile, own_folders(args))


def _choose(store: Store, notation: str | None) -> None:
    """Take a notation as the key `t` does: for this lesson and those to come."""
    from tutor.learner.records import choose_notation

    if notation is not None:
        choose_notation(store, notation)


def _line_mode(path: Path, key: str, args: Namespace) -> int:
    from tutor.cli.line_mode import LineMode
    from tutor.lessonfiles.check import load

    lesson = load(path)
    attended = sys.stdin.isatty()
    with Kept(args.profile) as kept:
        _choose(kept.store, args.notation)
        say = lambda text: print(text, flush=attended)  # noqa: E731
        LineMode(lesson, key, kept.store, asker(kept.tell), say).play(attended, not attended)
        kept.sum_up()
    return kept.code


def list_(args: Namespace) -> int:
    """The lessons that there are, as text or JSON."""
    if args.format == "json":
        _list_json(catalogue.shelf(own_folders(args)), args.profile)
        return 0
    return _print_list(own_folders(args), asked_for(args))


def _print_list(folders: Sequence[Path], first: Sequence[Path] = ()) -> int:
    """`first`: folders whose lessons go before others with the same id."""
    entries = catalogue.shelf(folders)
    hidden = catalogue.hidden(entries, first)
    unit = None
    width = max((len(entry.id) for entry in entries), default=0)
    for entry in entries:
        if entry.heading != unit:
            print(("\n" if unit is not None else "") + entry.heading)
            unit = entry.heading
        error = _fault(entry)
        says = say("cannot be used: {why}", why=error) if error else entry.summary
        opens = hidden.get(entry.path)
        line = f"  {entry.id:{width}}  {entry.title}{': ' if says else ''}{says}"
        if opens:
            told = N_("{line} ({id} opens {other}; this one: {file})")
            line = say(told, line=line, id=entry.id, other=opens, file=as_argument(entry.path))
        print(line)
    print("\n" + say("backprop-tutor play ID opens one.") if entries else say("There are no lessons."))
    return 0


def _fault(entry: catalogue.Entry) -> str | None:
    """What is wrong with a lesson, in a word; a teacher's own is read whole."""
    if entry.folder is None or entry.error:
        return entry.error
    from tutor.lessonfiles.check import faults_in_a_word

    word = faults_in_a_word(entry.path, f"backprop-tutor check {as_argument(entry.path)}")
    return word and said(word)


def _list_json(entries: list[catalogue.Entry], profile: str) -> None:
    from tutor.learner.store import Store

    with Store.open(profile=profile) as store:
        finished = store.finished()
    records = [
        {
            "id": entry.id,
            "title": entry.title,
            "summary": entry.summary,
            "unit": entry.unit,
            "level": entry.level,
            "requires": list(entry.requires),
            "finished": entry.key in finished,
            "path": str(entry.path),
            "folder": None if entry.folder is None else str(entry.folder),
            "error": _fault(entry),
        }
        for entry in entries
    ]
    in_utf8()
    print(json_text(records, indent=2))
