"""What is kept, as objects, as rows of the database and as parts of an export; every reader checks what it reads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from tutor.play.place import Place
from tutor.text.language import say

if TYPE_CHECKING:
    from tutor.questions.mastery import (  # the first frame waits for this module, and not for that one
        GivenAnswer,
        Schedule,
    )

MAX_TRIES = 1_000_000
PAPER, EXAM = "paper-", "exam-"  # what the ids of papers and exams begin with, which are kept as quizzes are
MAX_DEPTH = 20  # of what a quiz keeps, lists in lists; ours are 3 deep


@dataclass(frozen=True)
class SavedQuiz:
    """A quiz: its `state` is what JSON can hold, enough to go on with it. `at` is the store's."""

    id: str
    state: Any
    finished: bool = False
    at: str = ""  # when it was last saved


@dataclass(frozen=True)
class Tried:
    """An exercise of the lab: the runs up to the first that was right, when that was (None: not yet), the last run."""

    tries: int
    done: str | None
    at: str


def portable(lesson: str) -> str:
    """What a lesson is called in an export: an id stays; of a file's path, of any system's, only the file's name."""
    return re.split(r"[\\/]", lesson)[-1]


class LessonKeys(set[str]):
    """Keys of lessons; a file is in it, too, if a file of its name is that was imported from another machine."""

    def __contains__(self, lesson: object) -> bool:
        return super().__contains__(lesson) or (isinstance(lesson, str) and super().__contains__(portable(lesson)))


def readable(parse: Callable[[Any], Any], rows: list[tuple[Any, ...]]) -> Iterator[Any]:
    """The rows that can be parsed: one that a defect or a stranger left behind hides no other."""
    for row in rows:
        with suppress(TypeError, ValueError, KeyError, RecursionError):
            yield parse(row)


def text(value: Any) -> str:
    """A text of a row. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError(say("it is no text"))
    return value


def utc(value: Any) -> str:
    """A time of a row in UTC, as `mastery.utc`. Raises ValueError."""
    from tutor.questions.mastery import utc

    return utc(value)


def parse_answer(row: tuple[Any, ...]) -> GivenAnswer:
    """The answer in a row, behind its profile. Raises TypeError, ValueError."""
    from tutor.questions.mastery import GivenAnswer

    return GivenAnswer(*row[1:])


def parse_card(value: Any) -> Schedule:
    """The card that `asdict` made `value` of. Raises TypeError, ValueError."""
    from tutor.questions.mastery import Schedule

    return Schedule(**value)


def import_answer(value: Any) -> GivenAnswer:
    """The answer that `asdict` made `value` of, with its id and time: else it would be a new one each time.

    Raises TypeError, ValueError.
    """
    from tutor.questions.mastery import GivenAnswer

    answer = GivenAnswer(**value)
    if not (answer.id and answer.at):
        raise ValueError(say("it has no id or no time"))
    return answer


def parse_session(value: Any) -> SavedQuiz:
    """The session that `asdict` made `value` of. Raises TypeError, ValueError."""
    session = SavedQuiz(**value)
    if type(session.finished) is not bool:
        raise ValueError(say("{name} is not true or false", name="finished"))
    return replace(session, id=text(session.id), state=_state(session.state), at=utc(session.at))


def read_session(row: tuple[Any, ...]) -> SavedQuiz:
    """The session in a row. Raises TypeError, ValueError."""
    return SavedQuiz(text(row[0]), _state(json.loads(row[1])), bool(row[2]), utc(row[3]))


def parse_tried(tries: Any, done: Any, at: Any) -> Tried:
    """The tries of an exercise. Raises ValueError."""
    if type(tries) is not int or not 0 <= tries <= MAX_TRIES:
        raise ValueError(say("{name} is no number of tries", name="tries"))
    return Tried(tries, None if done is None else utc(done), utc(at))


def _state(value: Any, depth: int = MAX_DEPTH) -> Any:
    """The state of a quiz as it is. Raises ValueError for one so deep that to write it out would fail."""
    if depth == 0:
        raise ValueError(say("its state is too deep"))
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            _state(part, depth - 1)
    return value


def export_place(row: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
    """A lesson and its place, of a row, as the export has them. Raises ValueError."""
    place = parse_place(json.loads(row[1]))
    if place is None:
        raise ValueError(say("it is no place"))
    return portable(text(row[0])), asdict(place) | {"at": utc(row[2])}


def portable_state(state: Any) -> Any:
    """The state of a quiz without the paths of its lessons."""
    if isinstance(state, dict) and isinstance(state.get("lessons"), list):
        return state | {"lessons": [portable(str(lesson)) for lesson in state["lessons"]]}
    return state


def parse_place(value: Any) -> Place | None:
    """The place that `save_place` made `value` of; None for anything else."""
    try:
        place = Place(**{**value, "element": tuple(value["element"])})
    except (TypeError, KeyError):
        return None
    texts = (place.step, place.level, place.notation)
    counts = (place.iteration, place.example, *place.element)
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        return None
    return place if all(type(count) is int and count >= 0 for count in counts) else None
