"""The path through the lessons: what is known, what comes next and why, and where to begin. Without NumPy.

The path is the order of the lessons' files. A placement (`placement.py`) asks about a few of them; what follows from
the answers is in `placing.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tutor.learner.placing import LessonPath, Standing
from tutor.lessonfiles.file_names import lesson_id
from tutor.text.language import say
from tutor.text.words import listed

if TYPE_CHECKING:
    from tutor.learner.store import Store
    from tutor.lessonfiles.catalogue import Entry

PLACEMENT = "placement-"  # the id of a placement's session begins with it


@dataclass(frozen=True)
class Next:
    """The lesson to take next, and why; what is said is one sentence."""

    entry: Entry
    why: str


def recommended(
    entries: Sequence[Entry], finished: Collection[str], begun: Collection[str], standing: Standing | None = None
) -> Next | None:
    """What to take next: what was begun, else the first lesson of the path whose prerequisites are met.

    `finished` and `begun` are ids of lessons. After a placement the path begins where that says; what it passed over
    comes at the end. None where everything is finished or known.
    """
    passed = standing.passed if standing else ()
    done = {*finished, *(standing.known if standing else ())}
    known = {entry.id for entry in entries}
    open_ = [entry for entry in entries if entry.id not in done and not entry.error]
    for entry in open_:
        if entry.id in begun:
            return Next(entry, say("You have begun it."))
    titles = {entry.id: entry.title for entry in entries}
    for entry in sorted(open_, key=lambda entry: entry.id in passed):
        if all(need in done or need in passed or need not in known for need in entry.requires):
            if entry.id in passed:
                return Next(entry, say("Your placement passed over it."))
            needs = [titles[need] for need in entry.requires if need in known]
            if standing and entry.id == standing.begin and not done.issuperset(entry.requires):
                return Next(entry, say("Your placement says to begin here."))
            if not done:
                return Next(entry, say("It is the first of the path."))
            if needs:
                return Next(entry, say("It builds on {lessons}, which you know.", lessons=listed(needs)))
            return Next(entry, say("It is the next of the path."))
    return Next(open_[0], say("Its prerequisites are in a circle.")) if open_ else None


def path_of(entries: Sequence[Entry]) -> LessonPath:
    """The lessons as a placement sees them."""
    usable = [entry for entry in entries if not entry.error]
    return LessonPath(tuple(entry.id for entry in usable), {entry.id: entry.requires for entry in usable})


def placement_credits(store: Store) -> dict[str, float] | None:
    """The credit (0 to 1) of each lesson that the latest placement asked about: 0 for a question that is open.

    None without a placement that was finished, or has an answer.
    """
    latest = next((session for session in store.sessions() if session.id.startswith(PLACEMENT)), None)
    if latest is None:
        return None
    answers = store.answers(session=latest.id)
    lessons = latest.state.get("lessons", ()) if isinstance(latest.state, Mapping) else ()
    credits = {lesson_id(str(path)): 0.0 for path in lessons} | {answer.lesson: answer.credit for answer in answers}
    return credits if answers or latest.finished else None


def standing(store: Store, entries: Sequence[Entry]) -> Standing | None:
    """Where the latest placement says that the learner is; None without one."""
    credits = placement_credits(store)
    return None if credits is None else path_of(entries).standing(credits)
