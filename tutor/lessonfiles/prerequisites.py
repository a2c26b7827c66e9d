"""What a lesson builds on: prerequisites that lead nowhere or in a circle, and ids that several lessons share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tutor.engine.lesson import Lesson
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.catalogue import Entry
from tutor.lessonfiles.positions import Problem, Source
from tutor.text.language import say
from tutor.text.output import quote


def ids(lesson: Lesson, source: Source) -> Iterator[Problem]:
    """Another lesson with the same id, which is the one that a command or a prerequisite may mean."""
    for other in (catalogue.namesakes(lesson.path) if lesson.path else [])[:1]:
        ours = other.parent == catalogue.data_dir("lessons")
        message = say(
            "another lesson is called {name}: it comes with the tutor"
            if ours
            else "another lesson is called {name}: it is {file}, in the same folder",
            name=quote(lesson.id), file=other.name,
        )  # fmt: skip
        advice = say(
            "an id is the file's name without its number: rename one of the files, "
            "or open this one by its path or with --lessons"
            if ours
            else "an id is the file's name without its number: rename one of the files"
        )
        yield source.problem_at(1, 1, message, advice, "warning")


def prerequisites(lesson: Lesson, source: Source, folders: Iterable[Path] = ()) -> Iterator[Problem]:
    """Lessons to do before this one that are not there, come after it in its folder, or lead back to it."""
    shelves = _Shelves([lesson.path.parent] if lesson.path else [], list(folders))
    own = os.path.realpath(lesson.path) if lesson.path else ""
    order = [entry.id for entry in shelves.entries(lesson.path.parent)] if lesson.path else []
    for at, name in enumerate(lesson.requires):
        path = ("requires", at)
        if name == lesson.id:
            continue  # was refused before
        found = shelves.find(name, lesson.path.parent if lesson.path else None)
        if found is None:
            near = catalogue.nearest(name, ids=shelves.ids())
            advice = say("name a lesson by its id: 01-gates.toml is gates")
            if titled := shelves.titled(name):
                advice = say("that is the title of '{id}': a lesson is named by its id", id=titled)
            elif near:
                advice = say("did you mean '{near}'?", near=near[0])
            message = say("no lesson {name} comes with the tutor or stands beside this file", name=quote(name))
            yield source.problem(path, message, advice)
        elif circle := shelves.way(found, own):
            message = say("prerequisites in a circle: {lessons}", lessons=" → ".join((lesson.id, *circle)))
            yield source.problem(path, message, say("of lessons that need each other, one has to do without"))
        elif lesson.id in order and name in order and order.index(name) > order.index(lesson.id):
            message = say("{name} comes after this lesson in the list", name=quote(name))
            advice = say("the numbers of the file names give the order: 02-x.toml comes before 03-y.toml")
            yield source.problem(path, message, advice, severity="warning")


class _Shelves:
    """Finds prerequisites as they are meant: beside the lesson that names them, among ours, in the other folders."""

    def __init__(self, beside: list[Path], folders: list[Path]):
        self.ours = catalogue.data_dir("lessons")
        self.folders = [*beside, self.ours, *folders]
        self._entries: dict[Path, list[Entry]] = {}

    def entries(self, folder: Path) -> list[Entry]:
        if folder not in self._entries:
            self._entries[folder] = catalogue.entries(folder)
        return self._entries[folder]

    def ids(self) -> list[str]:
        return list(dict.fromkeys(entry.id for folder in self.folders for entry in self.entries(folder)))

    def titled(self, title: str) -> str | None:
        """The id of a lesson of this title."""
        entries = (entry for folder in self.folders for entry in self.entries(folder))
        return next((entry.id for entry in entries if entry.title.casefold() == title.casefold()), None)

    def find(self, name: str, folder: Path | None) -> Entry | None:
        """The lesson that one in `folder` means by an id; ours name ours alone."""
        others = [self.ours] if folder == self.ours else [self.ours, *self.folders]
        for where in ([folder] if folder else []) + others:
            for entry in self.entries(where):
                if entry.id == name:
                    return entry
        return None

    def way(self, start: Entry, end: str) -> tuple[str, ...]:
        """A way along prerequisites from a lesson to the file `end`; () if there is none."""
        ways: list[tuple[Entry, ...]] = [(start,)]
        seen = {start.path}
        while ways:
            way = ways.pop()
            if os.path.realpath(way[-1].path) == end:
                return tuple(entry.id for entry in way)
            for name in way[-1].requires:
                entry = self.find(name, way[-1].path.parent)
                if entry and entry.path not in seen:
                    seen.add(entry.path)
                    ways.append((*way, entry))
        return ()
