"""What the tutor remembers between runs, by profile.

Whatever happens to the database below, the tutor goes on: `Store.warning` is one sentence that says what went wrong
and where.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tutor.learner.database import Database, Statement
from tutor.learner.rows import (
    LessonKeys,
    SavedQuiz,
    Tried,
    export_place,
    import_answer,
    parse_answer,
    parse_card,
    parse_place,
    parse_session,
    parse_tried,
    portable,
    portable_state,
    read_session,
    readable,
    text,
    utc,
)
from tutor.lessonfiles.catalogue import one_line
from tutor.play.place import Place
from tutor.text.language import N_, said, say

if TYPE_CHECKING:
    from tutor.questions.mastery import (  # the first frame waits for this module, and not for that one
        GivenAnswer,
        Schedule,
    )

DEFAULT = "default"  # the profile of who names none
MAX_GIVEN = 2000  # characters of an answer that are kept
FORMAT, FORMAT_VERSION = "backprop-tutor progress", 1  # of what is exported


class Store(Database):
    """Places, finished lessons, settings, answers, cards, quizzes and exercises of one profile.

    `Store.open` makes one. Keys are any text: a lesson's id, or the absolute path of a file that is not a bundled
    lesson.
    """

    def __init__(self, profile: str = DEFAULT) -> None:
        super().__init__()
        self.lost = 0  # answers that were to be kept and are in memory only: forgotten at the end
        self.profile = _key(profile)

    @classmethod
    def open(cls, path: Path | None = None, profile: str = DEFAULT) -> Store:
        """The store of `profile` in the file `path` (default: `tutor.db` in the data directory). Never raises."""
        store = cls(profile)
        store._begin(path)
        return store

    # ------------------------------------------------------------ places, finished lessons, settings

    def place(self, lesson: str) -> Place | None:
        """Where the learner left `lesson`; None if it was never opened, or what is stored is no place."""
        query = "SELECT value FROM place WHERE profile = ? AND lesson = ?"
        own = self._value(query, lesson)
        return parse_place(self._value(query, portable(lesson)) if own is None else own)  # an imported one's, by name

    def save_place(self, lesson: str, place: Place) -> None:
        """Remember where the learner is: cheap enough for every key press."""
        value = json.dumps(asdict(place), default=int)  # default: an index may be one of NumPy's
        self._write(("INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?)", (self.profile, _key(lesson), value, _now())))

    def finish(self, lesson: str) -> None:
        """Remember that `lesson` was finished, and when it first was."""
        self._write(("INSERT OR IGNORE INTO finished VALUES (?, ?, ?)", (self.profile, _key(lesson), _now())))

    def finished(self, since: str = "") -> set[str]:
        """The lessons that were finished, for the first time not before `since` (an ISO time in UTC)."""
        found = self._read("SELECT lesson FROM finished WHERE profile = ? AND at >= ?", self.profile, since)
        return LessonKeys(lesson for (lesson,) in found if isinstance(lesson, str))

    def setting(self, name: str, default: Any = None) -> Any:
        """The value saved under `name`, else `default`."""
        value = self._value("SELECT value FROM setting WHERE profile = ? AND name = ?", name)
        return default if value is None else value

    def save_setting(self, name: str, value: Any) -> None:
        """Save what JSON can hold, under `name`; None forgets it. Raises TypeError for any other value."""
        values = (self.profile, _key(name), json.dumps(value))
        self._write(("INSERT OR REPLACE INTO setting VALUES (?, ?, ?)", values))

    # ------------------------------------------------------------ answers, cards, quizzes

    def record(
        self, answer: GivenAnswer, card: Schedule | None = None, session: SavedQuiz | None = None
    ) -> GivenAnswer:
        """Keep an answer, all of it on disk before this returns; returns it with its id and time.

        The `card` of its skill and the `session` of the quiz that it belongs to are saved with it or not at all:
        however the tutor ends, a quiz goes on behind the last answer that is kept. Raises TypeError if the
        session's state is not what JSON can hold.
        """
        answer = replace(answer, id=answer.id or new_id(), at=answer.at or _now_exactly())
        statements = [self._answer(answer)]
        if card is not None:
            statements.append(self._card(answer.skill, card))
        if session is not None:
            statements.append(self._session(replace(session, at=_now_exactly())))
        self._write(*statements, durable=True)
        self.lost += not self.lasting
        return answer

    def answers(self, skill: str | None = None, session: str | None = None) -> list[GivenAnswer]:
        """All answers, or those to one skill or of one quiz, the oldest first. Unreadable rows are left out."""
        query, values = "SELECT * FROM answer WHERE profile = ?", [self.profile]
        for column, wanted in (("skill", skill), ("session", session)):
            if wanted is not None:
                query, values = f"{query} AND {column} = ?", [*values, _key(wanted)]
        return list(readable(parse_answer, self._read(f"{query} ORDER BY at, rowid", *values)))

    def asked_since(self, since: str) -> int:
        """How many questions were answered, or given up, since an ISO time in UTC."""
        asked = "SELECT DISTINCT lesson, item, session, seed, iteration FROM answer WHERE profile = ? AND at >= ?"
        rows = self._read(f"SELECT COUNT(*) FROM ({asked})", self.profile, since)
        return int(rows[0][0]) if rows else 0

    def scores(self) -> dict[str, tuple[int, int]]:
        """Of each lesson how many of the questions that were asked were right when last answered, of how many."""
        last = "SELECT lesson, verdict, MAX(at) FROM answer WHERE profile = ? GROUP BY lesson, item"
        right = "SUM(verdict IN ('correct', 'rounded'))"
        rows = self._read(f"SELECT lesson, {right}, COUNT(*) FROM ({last}) GROUP BY lesson", self.profile)
        return {lesson: (int(good), int(of)) for lesson, good, of in rows if isinstance(lesson, str)}

    def card(self, skill: str) -> Schedule | None:
        """When `skill` is due; None if it was never asked for."""
        return self.cards().get(skill)

    def cards(self) -> dict[str, Schedule]:
        """Every skill's card."""
        rows = self._read("SELECT skill, value FROM card WHERE profile = ?", self.profile)
        return dict(readable(lambda row: (text(row[0]), parse_card(json.loads(row[1]))), rows))

    def sessions(self, finished: bool | None = None) -> list[SavedQuiz]:
        """The quizzes, the one last saved first; only those (not) `finished`, if that is given."""
        rows = self._read("SELECT id, state, finished, at FROM session WHERE profile = ?", self.profile)
        found = readable(read_session, rows)
        return sorted((s for s in found if finished in (None, s.finished)), key=lambda s: (s.at, s.id), reverse=True)

    def session(self, id: str) -> SavedQuiz | None:
        """The quiz of this id, if there is one."""
        query = "SELECT id, state, finished, at FROM session WHERE profile = ? AND id = ?"
        return next(readable(read_session, self._read(query, self.profile, _key(id))), None)

    def save_session(self, session: SavedQuiz) -> None:
        """Save a quiz; one that is finished stays finished. Raises TypeError if its state is not what JSON can hold."""
        self._write(self._session(replace(session, at=_now_exactly())))

    def merge_session(self, session: SavedQuiz, part: Any) -> bool:
        """Merge `part` (RFC 7396: None takes a key away) into what is kept of a session, in one step of the database.

        So two windows, each with its part, take nothing from each other. `session` is saved where nothing is kept of
        it. False, and nothing is changed, if it is finished.
        """
        state = json.dumps(session.state)
        now = (self.profile, _key(session.id), state, int(session.finished), _now_exactly())
        sql = (
            "INSERT INTO session VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "state = json_patch(state, ?), at = excluded.at WHERE finished = 0"
        )
        return self._write((sql, (*now, json.dumps(part)))) != [0]

    # ------------------------------------------------------------ notes of one's own

    def notes(self, lesson: str) -> dict[str, str]:
        """The learner's own notes in a lesson, by the ids of their steps."""
        query = "SELECT step, words FROM note WHERE profile = ? AND lesson = ? ORDER BY at, rowid"
        found: dict[str, str] = {}
        for name in dict.fromkeys((portable(lesson), _key(lesson))):  # imported ones are by name
            found |= dict(readable(lambda row: (text(row[0]), text(row[1])), self._read(query, self.profile, name)))
        return {step: words for step, words in found.items() if words}

    def save_note(self, lesson: str, step: str, words: str) -> None:
        """Keep a note at a step in place of the one that is there; without words it is taken away."""
        self._write(self._note(_key(lesson), step, words[:MAX_GIVEN], _now()), durable=True)

    # ------------------------------------------------------------ exercises of the lab

    def tried(self) -> dict[str, Tried]:
        """The exercises of the lab that were run, by their ids."""
        rows = self._read("SELECT id, tries, done, at FROM exercise WHERE profile = ?", self.profile)
        return dict(readable(lambda row: (text(row[0]), parse_tried(*row[1:])), rows))

    def save_try(self, exercise: str, right: bool) -> None:
        """Remember a run of an exercise's file. Once it was right it stays done, and tries are counted no more."""
        now = _now()
        self._write(
            (
                "INSERT INTO exercise VALUES (?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET tries = tries + (done IS NULL), "
                "done = COALESCE(done, excluded.done), at = excluded.at",
                (self.profile, _key(exercise), now if right else None, now),
            ),
            durable=right,
        )

    # ------------------------------------------------------------ all of it

    def export(self) -> dict[str, Any]:
        """All of the profile but its settings, which belong to the machine, as what JSON can hold.

        No path of the machine is in it: lessons have their `portable` names. No answer either but the learner's own.
        """
        places = self._read("SELECT lesson, value, at FROM place WHERE profile = ?", self.profile)
        finished = self._read("SELECT lesson, at FROM finished WHERE profile = ?", self.profile)
        return {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "profile": self.profile,
            "exported": _now(),
            "answers": [asdict(replace(answer, lesson=portable(answer.lesson))) for answer in self.answers()],
            "cards": {skill: asdict(card) for skill, card in self.cards().items()},
            "sessions": [asdict(replace(each, state=portable_state(each.state))) for each in self.sessions()],
            "finished": dict(readable(lambda row: (portable(text(row[0])), utc(row[1])), finished)),
            "places": dict(readable(export_place, places)),
            "exercises": {id: asdict(tried) for id, tried in self.tried().items()},
            **({"notes": notes} if (notes := self._notes()) else {}),
        }

    def import_(self, data: Any) -> dict[str, int]:
        """Add what `export` made to this profile; returns how many of each are new here.

        Nothing here is lost: an answer is added once, of a card, a quiz and a place the later one stays, a finished
        lesson and a solved exercise keep their first time. So a second time changes nothing. All of `data` is checked
        before any of it is written: raises ValueError, which says what is wrong with it and where.
        """
        statements = self._import(data)
        changed = self._write(*(statement for _, statement in statements), durable=True)
        counts = dict.fromkeys(("answers", "cards", "sessions", "finished", "places", "exercises"), 0)
        for (what, _), count in zip(statements, changed, strict=True):
            counts[what] = counts.get(what, 0) + count  # notes are told of where there are some
        return counts

    def reset(self) -> None:
        """Forget all of this profile but its settings: answers, cards, quizzes, lessons, places, exercises, notes."""
        tables = ("answer", "card", "session", "finished", "place", "exercise", "note")
        self._write(*((f"DELETE FROM {table} WHERE profile = ?", (self.profile,)) for table in tables), durable=True)

    # ------------------------------------------------------------ statements

    def _answer(self, answer: GivenAnswer) -> Statement:
        values = asdict(answer) | {"given": answer.given[:MAX_GIVEN]}
        row = [_key(value) if isinstance(value, str) else value for value in values.values()]
        return f"INSERT OR IGNORE INTO answer VALUES (?{', ?' * len(row)})", (self.profile, *row)

    def _card(self, skill: str, card: Schedule, where: str = "TRUE") -> Statement:
        values = (self.profile, _key(skill), json.dumps(asdict(card)), card.last_review)
        return (
            "INSERT INTO card VALUES (?, ?, ?, ?) "
            f"ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at WHERE {where}",
            values,
        )

    def _session(self, session: SavedQuiz, where: str = "excluded.finished >= finished") -> Statement:
        values = (self.profile, _key(session.id), json.dumps(session.state), int(session.finished), session.at)
        return (
            "INSERT INTO session VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, "
            f"finished = excluded.finished, at = excluded.at WHERE {where}",
            values,
        )

    def _import(self, data: Any) -> list[tuple[str, Statement]]:
        """What to write, each with the part of `data` it comes from. Raises ValueError."""
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError(say("it is not an export of backprop-tutor's progress"))
        if type(data.get("version")) is not int or not 1 <= data["version"] <= FORMAT_VERSION:
            raise ValueError(say("it was written by a newer version of backprop-tutor"))
        found: list[tuple[str, Statement]] = []

        def each(part: str, of: Callable[[], Any], make: Callable[[Any, Any], Statement]) -> None:
            rows: Any = data.get(part, of())
            if not isinstance(rows, type(of())):
                told = N_("'{part}' is not an object") if of is dict else N_("'{part}' is not an array")
                raise ValueError(say(told, part=part))
            for key, row in rows.items() if of is dict else enumerate(rows):
                try:
                    found.append((part, make(key, row)))
                except (TypeError, ValueError, KeyError, RecursionError) as problem:
                    place = f"{part}[{one_line(repr(key), 60)}]"
                    if type(problem) is not ValueError:
                        raise ValueError(say("{place} cannot be read", place=place)) from None
                    why = one_line(said(problem))
                    raise ValueError(say("{place} cannot be read: {why}", place=place, why=why)) from None

        each("answers", list, lambda _, row: self._answer(import_answer(row)))
        each("cards", dict, lambda skill, row: self._card(skill, parse_card(row), "excluded.at > at"))
        later = "(excluded.finished, excluded.at) > (finished, at)"
        each("sessions", list, lambda _, row: self._session(parse_session(row), later))
        each("finished", dict, self._import_finished)
        each("places", dict, self._import_place)
        each("exercises", dict, self._import_exercise)
        each("notes", list, self._import_note)
        return found

    def _import_finished(self, lesson: str, at: Any) -> Statement:
        return (
            "INSERT INTO finished VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at WHERE excluded.at < at",
            (self.profile, _key(lesson), _to_seconds(at)),
        )

    def _import_place(self, lesson: str, row: dict[str, Any]) -> Statement:
        at, place = _to_seconds(row["at"]), parse_place({name: row[name] for name in row if name != "at"})
        if place is None:
            raise ValueError(say("it is no place in a lesson"))
        return (
            "INSERT INTO place VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at "
            "WHERE excluded.at > at",
            (self.profile, _key(lesson), json.dumps(asdict(place)), at),
        )

    def _import_note(self, _: int, row: dict[str, Any]) -> Statement:
        lesson, step, words = (text(row[part]) for part in ("lesson", "step", "words"))
        return self._note(_key(lesson), step, words[:MAX_GIVEN], _to_seconds(row["at"]), "excluded.at > at")

    def _note(self, lesson: str, step: str, words: str, at: str, where: str = "TRUE") -> Statement:
        return (
            "INSERT INTO note VALUES (?, ?, ?, ?, ?) "
            f"ON CONFLICT DO UPDATE SET words = excluded.words, at = excluded.at WHERE {where}",
            (self.profile, lesson, _key(step), _key(words), at),
        )

    def _notes(self) -> list[dict[str, str]]:
        """All notes, those that were taken away among them: else an import elsewhere would leave them there."""
        rows = self._read("SELECT lesson, step, words, at FROM note WHERE profile = ?", self.profile)
        keys = ("lesson", "step", "words", "at")

        def note(row: Any) -> dict[str, str]:
            lesson, step, words = map(text, row[:3])
            return dict(zip(keys, (portable(lesson), step, words, utc(row[3])), strict=True))

        return list(readable(note, rows))

    def _import_exercise(self, id: str, row: dict[str, Any]) -> Statement:
        tried = parse_tried(row["tries"], row["done"], row["at"])
        done = None if tried.done is None else _to_seconds(tried.done)
        return (  # the one that was solved first; as long as none was, the one with more tries
            "INSERT INTO exercise VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET tries = excluded.tries, "
            "done = excluded.done, at = excluded.at WHERE (done IS NULL AND (excluded.done IS NOT NULL OR "
            "excluded.tries > tries)) OR excluded.done < done",
            (self.profile, _key(id), tried.tries, done, _to_seconds(tried.at)),
        )

    def _value(self, query: str, key: str) -> Any:
        """The JSON value that `query` finds under `key`; None if there is none, or none that can be read."""
        rows = self._read(query, self.profile, _key(key))
        try:
            return json.loads(rows[0][0])
        except (IndexError, TypeError, ValueError, RecursionError):
            return None


def _key(text: str) -> str:
    """`text` as SQLite can hold it: a path may have bytes that are no text."""
    return text.encode("utf-8", "backslashreplace").decode()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _now_exactly() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _to_seconds(at: Any) -> str:
    return datetime.fromisoformat(utc(at)).isoformat(timespec="seconds")


def new_id() -> str:
    """An id for an answer or a quiz that is nobody else's, on any machine."""
    return os.urandom(12).hex()
