"""The path through the lessons: what is known, what comes next and why, and where to begin. Without NumPy.

The path is the order of the lessons' files. A placement is a quiz over a few lessons spread along it, one question
each, in order: who answers the first ones rightly knows the lessons up to the last of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.lessonfiles.positions import lesson_id

if TYPE_CHECKING:
    from tutor.learner.store import Store
    from tutor.lessonfiles.catalogue import Entry
    from tutor.questions.mastery import GivenAnswer

PLACEMENT = "placement-"  # the id of a placement's session begins with it
MILESTONES = 8  # lessons that a placement asks about: five minutes
SLIPS = 0.2  # of the answers on the way that may be wrong: one slip among five holds nobody back


@dataclass(frozen=True)
class Next:
    """The lesson to take next, and why; what is said is one sentence."""

    entry: Entry
    why: str


def recommended(
    entries: Sequence[Entry], finished: Collection[str], begun: Collection[str], placed: Collection[str] = ()
) -> Next | None:
    """What to take next: what was begun, else the first lesson of the path whose prerequisites are met.

    `finished`, `begun` and `placed` are ids of lessons. None where everything is finished or known.
    """
    done = {*finished, *placed}
    known = {entry.id for entry in entries}
    open_ = [entry for entry in entries if entry.id not in done and not entry.error]
    for entry in open_:
        if entry.id in begun:
            return Next(entry, "You have begun it.")
    titles = {entry.id: entry.title for entry in entries}
    for entry in open_:
        if all(need in done or need not in known for need in entry.requires):
            if not done:
                return Next(entry, "It is the first of the path.")
            needs = [titles[need] for need in entry.requires if need in known]
            if needs:
                return Next(entry, f"It builds on {_listed(needs)}, which you know.")
            return Next(entry, "It is the next of the path.")
    return Next(open_[0], "Its prerequisites are in a circle.") if open_ else None


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def milestones(entries: Sequence[Entry], count: int = MILESTONES) -> list[Entry]:
    """At most `count` lessons spread evenly along the path, the first and the last in it among them."""
    usable = [entry for entry in entries if not entry.error]
    if len(usable) <= count:
        return usable
    step = (len(usable) - 1) / (count - 1)
    return [usable[round(at * step)] for at in range(count)]


def placement_answers(store: Store) -> list[GivenAnswer]:
    """The answers of the latest placement; none without one. A question that is open counts as one not known."""
    latest = next((session for session in store.sessions() if session.id.startswith(PLACEMENT)), None)
    if latest is None:
        return []
    from tutor.questions.mastery import GivenAnswer  # not for the first frame of who takes none

    answers = store.answers(session=latest.id)
    lessons = latest.state.get("lessons", ()) if isinstance(latest.state, Mapping) else ()
    open_ = dict.fromkeys(lesson_id(Path(str(path))) for path in lessons)
    for answer in answers:
        open_.pop(answer.lesson, None)
    return answers + [GivenAnswer(id, f"{PLACEMENT}open", PLACEMENT, "value", "", "given-up") for id in open_]


def placed(entries: Sequence[Entry], answers: Iterable[GivenAnswer]) -> list[str]:
    """The ids of the lessons that a placement's answers say are known, in the order of the path.

    All up to the last lesson that was answered rightly, as long as no more than one in five on the way was not.
    """
    credit = {answer.lesson: answer.credit for answer in answers}
    order = [entry.id for entry in entries if not entry.error]
    reached, right, seen = -1, 0.0, 0
    for at, id in enumerate(order):
        if id in credit:
            seen += 1
            right += credit[id]
            if credit[id] >= 0.75 and right >= (1 - SLIPS) * seen:
                reached = at
    return order[: reached + 1]
