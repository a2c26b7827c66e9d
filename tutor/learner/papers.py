"""Where papers and exams are kept: a number at a time, so that nothing is lost and two windows fill in one paper.

What is kept of one is its entries, by the ids of its cells; each is merged into what is there (`Store.merge_session`).
A paper is found again by its lesson, iteration and numbers; an exam has an id of its own, since it can be taken twice.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tutor.engine.trace import Trace
from tutor.learner.records import chosen_notation
from tutor.learner.rows import EXAM, PAPER, SavedQuiz, portable
from tutor.learner.store import Store, new_id
from tutor.lessonfiles.check import load
from tutor.play import exam
from tutor.play.exam import Exam
from tutor.play.paper import Paper, Sheet


@dataclass(frozen=True)
class Keeper:
    """Keeps one paper or exam; without a store nothing is kept of it. `about` is what is kept beside the entries."""

    store: Store | None
    id: str
    about: Mapping[str, Any]

    def put(self, cell: str, text: str, used: float | None = None) -> bool:
        """Keep what is in a cell ("": nothing is), on disk before this returns; False if the paper is over.

        `used` are the seconds that were worked on an exam.
        """
        spent = {} if used is None else {"used": round(used, 1)}
        return self._merge({"entries": {cell: text or None}, **spent})

    def clear(self, cells: list[str]) -> None:
        """Forget what is in these cells."""
        self._merge({"entries": dict.fromkeys(cells)})

    def spent(self, used: float) -> None:
        """Keep how many seconds were worked on an exam."""
        self._merge({"used": round(used, 1)})

    def _merge(self, part: dict[str, Any]) -> bool:
        if self.store is None:
            return True
        begun = {**self.about, **{key: value for key, value in part.items() if key != "entries"}}
        begun["entries"] = {cell: text for cell, text in part.get("entries", {}).items() if text is not None}
        return self.store.merge_session(SavedQuiz(self.id, begun), part)

    def entries(self, otherwise: Mapping[str, str]) -> Mapping[str, str]:
        """What is kept by now, here or from another window; `otherwise` where nothing is or can be."""
        saved = self.store.session(self.id) if self.store else None
        return otherwise if saved is None else _entries(saved.state)

    def handed_in(self, session: Exam) -> None:
        """Keep an exam for good, with its marks."""
        if self.store is not None:
            entries = dict(session.paper.entries)
            state = {**self.about, "used": round(session.used, 1), "entries": entries, "result": session.result}
            self.store.save_session(SavedQuiz(self.id, state, finished=True))


def _entries(state: Any) -> dict[str, str]:
    kept = state.get("entries") if isinstance(state, dict) else None
    pairs = kept.items() if isinstance(kept, dict) else ()
    return {str(cell): text for cell, text in pairs if isinstance(text, str) and text.isprintable()}


def open_paper(
    store: Store | None, lesson: str, trace: Trace, notation: str, example: int | None = None
) -> tuple[Keeper, Paper]:
    """The paper on an iteration of a lesson, as far as it was filled in before. Raises Refused."""
    sheet = Sheet(trace, notation, example)
    mark = hashlib.sha256(f"{portable(lesson)} {sheet.mark}".encode()).hexdigest()[:24]
    about = {"kind": "paper", "lessons": [lesson], "iteration": trace.iteration.number}
    keeper = Keeper(store, f"{PAPER}{mark}", about)
    return keeper, Paper(sheet, keeper.entries({}))


def start_exam(
    store: Store,
    path: str,
    seed: int | None = None,
    minutes: int | None = None,
    notation: str | None = None,
    example: int | None = None,
    anew: bool = False,
) -> tuple[Keeper, Exam, bool]:
    """An exam on a lesson, and whether it goes on: the one that was left, if it is the one that is asked for.

    One that goes on keeps its clock and its notation. Raises Refused, and LessonError for a lesson with errors.
    """
    lesson = load(Path(path))
    for saved in () if anew else store.sessions(finished=False):
        if saved.id.startswith(EXAM) and (found := _opened(store, saved, path, seed, example)):
            return *found, True
    number = random.SystemRandom().randrange(1, 10_000) if seed is None else seed
    sheet = exam.sheet(lesson, number, notation or chosen_notation(store, lesson), example)
    about = {"kind": "exam", "lessons": [path], "seed": number, "minutes": minutes, "notation": sheet.notation,
             "example": example, "mark": sheet.mark}  # fmt: skip
    keeper = Keeper(store, f"{EXAM}{new_id()}", about)
    keeper.spent(0.0)
    return keeper, Exam(path, number, Paper(sheet), minutes), False


def _opened(
    store: Store, saved: SavedQuiz, path: str, seed: int | None, example: int | None
) -> tuple[Keeper, Exam] | None:
    """An exam that was left, if it is on this lesson, seed and example, and the lesson is as it was."""
    state = saved.state
    try:
        (lesson,) = state["lessons"]
        about = {key: state[key] for key in ("kind", "seed", "minutes", "notation", "example", "mark")}
        number, minutes, used = state["seed"], state["minutes"], float(state["used"])
        sound = type(number) is int and number > 0 and minutes in (None, *range(1, exam.MOST_MINUTES + 1)) and used >= 0
        if not sound or lesson not in (path, portable(path)) or seed not in (None, number):
            return None
        if state["example"] != example:
            return None
        sheet = exam.sheet(load(Path(path)), number, str(state["notation"]), example)
    except (KeyError, TypeError, ValueError):  # Refused is one: it is begun anew
        return None
    if sheet.mark != state["mark"]:
        return None
    keeper = Keeper(store, saved.id, {**about, "lessons": [path]})
    return keeper, replace(Exam(path, number, Paper(sheet, _entries(state)), minutes), used=used)
