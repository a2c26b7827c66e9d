"""What the tutor remembers between runs, and the only module that touches the database.

One SQLite file, `tutor.db`, in the user's data directory. Whatever happens to it, the tutor
goes on: every value is kept in memory too, and `Store.warning` is one sentence that says what
went wrong and where. A damaged file is set aside, never overwritten or deleted; a file that a
newer version wrote is left alone.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tutor.lessonfiles.catalogue import one_line

if TYPE_CHECKING:
    import sqlite3

    from tutor.questions.mastery import (  # imported where they are needed: the first frame waits for this module
        Answer,
        Card,
    )

ENVIRONMENT = "BACKPROP_TUTOR_DATA"  # a folder; overrides the user's data directory
FILE = "tutor.db"
PATIENCE = 2.0  # seconds to wait for another window that is writing
FORGOTTEN = "what you do now is forgotten when you quit"
DEFAULT = "default"  # the profile of who names none
MAX_DEPTH = 20  # of what a quiz keeps, lists in lists; ours are 3 deep
MAX_GIVEN = 2000  # characters of an answer that are kept
FORMAT, FORMAT_VERSION = "backprop-tutor progress", 1  # of what is exported

# Entry n brings a database from version n to n + 1 (PRAGMA user_version), in one transaction.
# An entry that has been released is never edited: a change of the schema is a further entry.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE place (lesson TEXT PRIMARY KEY, value TEXT NOT NULL, at TEXT NOT NULL)",  # value: a Place as JSON
        "CREATE TABLE finished (lesson TEXT PRIMARY KEY, at TEXT NOT NULL)",
        "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",  # value: JSON
    ),
    (
        # Each table by profile. SQLite cannot change a primary key, so the tables are made anew.
        "ALTER TABLE place RENAME TO old_place",
        "CREATE TABLE place (profile TEXT, lesson TEXT, value TEXT NOT NULL, at TEXT NOT NULL, "
        "PRIMARY KEY (profile, lesson))",
        "INSERT INTO place SELECT 'default', lesson, value, at FROM old_place",
        "DROP TABLE old_place",
        "ALTER TABLE finished RENAME TO old_finished",
        "CREATE TABLE finished (profile TEXT, lesson TEXT, at TEXT NOT NULL, PRIMARY KEY (profile, lesson))",
        "INSERT INTO finished SELECT 'default', lesson, at FROM old_finished",
        "DROP TABLE old_finished",
        "ALTER TABLE setting RENAME TO old_setting",
        "CREATE TABLE setting (profile TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (profile, name))",
        "INSERT INTO setting SELECT 'default', name, value FROM old_setting",
        "DROP TABLE old_setting",
        # The columns after the profile are the fields of an Answer, in their order.
        "CREATE TABLE answer (profile TEXT NOT NULL, lesson TEXT NOT NULL, item TEXT NOT NULL, skill TEXT NOT NULL, "
        "kind TEXT NOT NULL, given TEXT NOT NULL, verdict TEXT NOT NULL, misconception TEXT, credit REAL NOT NULL, "
        "hints INTEGER NOT NULL, tries INTEGER NOT NULL, seconds REAL NOT NULL, choices INTEGER NOT NULL, "
        "session TEXT, at TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (profile, id))",
        "CREATE TABLE card (profile TEXT, skill TEXT, value TEXT NOT NULL, at TEXT NOT NULL, "  # value: a Card as JSON
        "PRIMARY KEY (profile, skill))",
        "CREATE TABLE session (profile TEXT, id TEXT, state TEXT NOT NULL, finished INTEGER NOT NULL, "  # state: JSON
        "at TEXT NOT NULL, PRIMARY KEY (profile, id))",
    ),
)


@dataclass(frozen=True)
class Place:
    """Where a learner is in a lesson. It is a hint: the lesson may have changed since, so its reader checks it."""

    step: str
    level: str
    notation: str
    iteration: int
    example: int
    element: tuple[int, ...] = ()


@dataclass(frozen=True)
class Session:
    """A quiz: its `state` is what JSON can hold, enough to go on with it. `at` is the store's."""

    id: str
    state: Any
    finished: bool = False
    at: str = ""  # when it was last saved


Statement = tuple[str, Sequence[Any]]  # SQL and its values


def portable(lesson: str) -> str:
    """What a lesson is called in an export: an id stays; of a file's path, of any system's, only the file's name."""
    return re.split(r"[\\/]", lesson)[-1]


class Known(set[str]):
    """Keys of lessons; a file is in it, too, if a file of its name is that was imported from another machine."""

    def __contains__(self, lesson: object) -> bool:
        return super().__contains__(lesson) or (isinstance(lesson, str) and super().__contains__(portable(lesson)))


class Store:
    """Places, finished lessons, settings, answers, cards and quizzes of one profile.

    `Store.open` makes one; no method raises for what the disk does. Keys are any text: a lesson's id, or the
    absolute path of a file that is not a bundled lesson. Every write goes to `_memory`, which has the same tables,
    then to `_disk`. Reads ask `_disk`, which another window may have written to; once it fails, it is dropped and
    `_memory` has all that was known.
    """

    def __init__(self) -> None:
        self.warning: str | None = None  # one sentence for the learner; None: all is well
        self.when_dropped: Callable[[], object] = lambda: None  # called when the disk failed, with `warning` set
        self.lost = 0  # answers that were to be kept and are in memory only: forgotten at the end
        self.profile = DEFAULT
        self._path: Path | None = None
        self._memory: sqlite3.Connection | None = None
        self._disk: sqlite3.Connection | None = None

    @classmethod
    def open(cls, path: Path | None = None, profile: str = DEFAULT) -> Store:
        """The store of `profile` in the file `path` (default: `tutor.db` in the data directory). Never raises."""
        store = cls()
        store.profile = _key(profile)
        try:
            import sqlite3

            store._memory = _new_memory()
            _migrate(store._memory)
        except ImportError:
            store.warning = "This Python has no sqlite3 module: nothing you do is remembered."
            return store
        try:
            store._path = (path or default_path()).absolute()
            store._open_disk(store._path)
        except (OSError, ValueError, RuntimeError, ImportError, sqlite3.Error) as problem:
            store._drop_disk(problem)
            store._read_only()
        return store

    @property
    def lasting(self) -> bool:
        """Whether what is saved now is still there when the program has ended; if not, `warning` says why."""
        return self._disk is not None

    def profiles(self) -> list[str]:
        """The profiles that have anything stored, by name."""
        tables = ("place", "finished", "setting", "answer", "card", "session")
        found = self._read(" UNION ".join(f"SELECT profile FROM {table}" for table in tables))
        return sorted(name for (name,) in found if isinstance(name, str))

    # ------------------------------------------------------------ places, finished lessons, settings

    def place(self, lesson: str) -> Place | None:
        """Where the learner left `lesson`; None if it was never opened, or what is stored is no place."""
        query = "SELECT value FROM place WHERE profile = ? AND lesson = ?"
        return _parse_place(self._value(query, lesson)) or _parse_place(self._value(query, portable(lesson)))

    def save_place(self, lesson: str, place: Place) -> None:
        """Remember where the learner is: cheap enough for every key press."""
        value = json.dumps(asdict(place), default=int)  # default: an index may be one of NumPy's
        self._write(("INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?)", (self.profile, _key(lesson), value, _now())))

    def finish(self, lesson: str) -> None:
        """Remember that `lesson` was finished, and when it first was."""
        self._write(("INSERT OR IGNORE INTO finished VALUES (?, ?, ?)", (self.profile, _key(lesson), _now())))

    def finished(self) -> set[str]:
        """The lessons that were finished."""
        found = self._read("SELECT lesson FROM finished WHERE profile = ?", self.profile)
        return Known(lesson for (lesson,) in found if isinstance(lesson, str))

    def setting(self, name: str, default: Any = None) -> Any:
        """The value saved under `name`, else `default`."""
        value = self._value("SELECT value FROM setting WHERE profile = ? AND name = ?", name)
        return default if value is None else value

    def save_setting(self, name: str, value: Any) -> None:
        """Save what JSON can hold, under `name`; None forgets it. Raises TypeError for any other value."""
        values = (self.profile, _key(name), json.dumps(value))
        self._write(("INSERT OR REPLACE INTO setting VALUES (?, ?, ?)", values))

    # ------------------------------------------------------------ answers, cards, quizzes

    def record(self, answer: Answer, card: Card | None = None, session: Session | None = None) -> Answer:
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

    def answers(self, skill: str | None = None, session: str | None = None) -> list[Answer]:
        """All answers, or those to one skill or of one quiz, the oldest first. Unreadable rows are left out."""
        query, values = "SELECT * FROM answer WHERE profile = ?", [self.profile]
        for column, wanted in (("skill", skill), ("session", session)):
            if wanted is not None:
                query, values = f"{query} AND {column} = ?", [*values, _key(wanted)]
        return list(_readable(_parse_answer, self._read(f"{query} ORDER BY at, rowid", *values)))

    def card(self, skill: str) -> Card | None:
        """When `skill` is due; None if it was never asked for."""
        return self.cards().get(skill)

    def cards(self) -> dict[str, Card]:
        """Every skill's card."""
        rows = self._read("SELECT skill, value FROM card WHERE profile = ?", self.profile)
        return dict(_readable(lambda row: (_text(row[0]), _parse_card(json.loads(row[1]))), rows))

    def save_card(self, skill: str, card: Card) -> None:
        """Save a skill's card, in place of the one there."""
        self._write(self._card(skill, card))

    def sessions(self, finished: bool | None = None) -> list[Session]:
        """The quizzes, the one last saved first; only those (not) `finished`, if that is given."""
        rows = self._read("SELECT id, state, finished, at FROM session WHERE profile = ?", self.profile)
        found = _readable(_read_session, rows)
        return sorted((s for s in found if finished in (None, s.finished)), key=lambda s: (s.at, s.id), reverse=True)

    def session(self, id: str) -> Session | None:
        return next((session for session in self.sessions() if session.id == id), None)

    def save_session(self, session: Session) -> None:
        """Save a quiz; one that is finished stays finished. Raises TypeError if its state is not what JSON can hold."""
        self._write(self._session(replace(session, at=_now_exactly())))

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
            "sessions": [asdict(replace(each, state=_portable(each.state))) for each in self.sessions()],
            "finished": dict(_readable(lambda row: (portable(_text(row[0])), _utc(row[1])), finished)),
            "places": dict(_readable(_export_place, places)),
        }

    def import_(self, data: Any) -> dict[str, int]:
        """Add what `export` made to this profile; returns how many of each are new here.

        Nothing here is lost: an answer is added once, of a card, a quiz and a place the later one stays, a finished
        lesson keeps its first time. So a second time changes nothing. All of `data` is checked before any of it is
        written: raises ValueError, which says what is wrong with it and where.
        """
        statements = self._import(data)
        changed = self._write(*(statement for _, statement in statements), durable=True)
        counts = dict.fromkeys(("answers", "cards", "sessions", "finished", "places"), 0)
        for (what, _), count in zip(statements, changed, strict=True):
            counts[what] += count
        return counts

    def reset(self) -> None:
        """Forget all answers, cards, quizzes, finished lessons and places of this profile. Its settings stay."""
        tables = ("answer", "card", "session", "finished", "place")
        self._write(*((f"DELETE FROM {table} WHERE profile = ?", (self.profile,)) for table in tables), durable=True)

    def close(self) -> None:
        """Let go of the file. A second time does nothing; a closed store knows nothing and keeps nothing."""
        disk, memory, self._disk, self._memory = self._disk, self._memory, None, None
        for database in (disk, memory):
            if database is not None:
                _close(database)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------ statements

    def _answer(self, answer: Answer) -> Statement:
        values = asdict(answer) | {"given": answer.given[:MAX_GIVEN]}
        row = [_key(value) if isinstance(value, str) else value for value in values.values()]
        return f"INSERT OR IGNORE INTO answer VALUES (?{', ?' * len(row)})", (self.profile, *row)

    def _card(self, skill: str, card: Card, where: str = "TRUE") -> Statement:
        values = (self.profile, _key(skill), json.dumps(asdict(card)), card.last_review)
        return (
            "INSERT INTO card VALUES (?, ?, ?, ?) "
            f"ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at WHERE {where}",
            values,
        )

    def _session(self, session: Session, where: str = "excluded.finished >= finished") -> Statement:
        values = (self.profile, _key(session.id), json.dumps(session.state), int(session.finished), session.at)
        return (
            "INSERT INTO session VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, "
            f"finished = excluded.finished, at = excluded.at WHERE {where}",
            values,
        )

    def _import(self, data: Any) -> list[tuple[str, Statement]]:
        """What to write, each with the part of `data` it comes from. Raises ValueError."""
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError("it is not an export of backprop-tutor's progress")
        if type(data.get("version")) is not int or not 1 <= data["version"] <= FORMAT_VERSION:
            raise ValueError("it was written by a newer version of backprop-tutor")
        found: list[tuple[str, Statement]] = []

        def each(part: str, of: Callable[[], Any], make: Callable[[Any, Any], Statement]) -> None:
            rows: Any = data.get(part, of())
            if not isinstance(rows, type(of())):
                raise ValueError(f"'{part}' is not {'an object' if of is dict else 'an array'}")
            for key, row in rows.items() if of is dict else enumerate(rows):
                try:
                    found.append((part, make(key, row)))
                except (TypeError, ValueError, KeyError, RecursionError) as problem:
                    known = f": {one_line(str(problem))}" if type(problem) is ValueError else ""
                    raise ValueError(f"{part}[{one_line(repr(key), 60)}] cannot be read{known}") from None

        each("answers", list, lambda _, row: self._answer(_import_answer(row)))
        each("cards", dict, lambda skill, row: self._card(skill, _parse_card(row), "excluded.at > at"))
        later = "(excluded.finished, excluded.at) > (finished, at)"
        each("sessions", list, lambda _, row: self._session(_parse_session(row), later))
        each("finished", dict, self._import_finished)
        each("places", dict, self._import_place)
        return found

    def _import_finished(self, lesson: str, at: Any) -> Statement:
        return (
            "INSERT INTO finished VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at WHERE excluded.at < at",
            (self.profile, _key(lesson), _to_seconds(at)),
        )

    def _import_place(self, lesson: str, row: dict[str, Any]) -> Statement:
        at, place = _to_seconds(row["at"]), _parse_place({name: row[name] for name in row if name != "at"})
        if place is None:
            raise ValueError("it is no place in a lesson")
        return (
            "INSERT INTO place VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at "
            "WHERE excluded.at > at",
            (self.profile, _key(lesson), json.dumps(asdict(place)), at),
        )

    # ------------------------------------------------------------ the databases

    def _write(self, *statements: Statement, durable: bool = False) -> list[int]:
        """Carry out all of the statements or none; returns how many rows each changed, on disk if there is one.

        `durable`: it stays even if the power is cut right after.
        """
        changed = [0] * len(statements)
        if self._memory is not None:
            changed = _execute(self._memory, statements)
        if self._disk is not None:
            try:
                if durable:
                    self._disk.execute("PRAGMA synchronous = FULL")
                changed = _execute(self._disk, statements)
                if durable:
                    self._disk.execute("PRAGMA synchronous = NORMAL")
            except self._disk.Error as problem:
                self._drop_disk(problem)
        return changed

    def _read(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        if self._disk is not None:
            try:
                return self._disk.execute(query, values).fetchall()
            except self._disk.Error as problem:
                self._drop_disk(problem)
        return self._memory.execute(query, values).fetchall() if self._memory is not None else []

    def _value(self, query: str, key: str) -> Any:
        """The JSON value that `query` finds under `key`; None if there is none, or none that can be read."""
        rows = self._read(query, self.profile, _key(key))
        try:
            return json.loads(rows[0][0])
        except (IndexError, TypeError, ValueError, RecursionError):
            return None

    def _open_disk(self, path: Path) -> None:
        """Open, check and migrate the file, and copy what it knows to memory. Raises OSError or sqlite3.Error."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        disk = self._connect(path)
        if _version(disk) > len(MIGRATIONS):
            self._disk = None
            _close(disk)
            self.warning = (
                f"{self._shown()} was written by a newer version of backprop-tutor: it is left as it is, {FORGOTTEN}."
            )
            return
        _migrate(disk)
        with suppress(disk.OperationalError):  # not on this file system, or another window is at it: slower, not wrong
            disk.execute("PRAGMA journal_mode = WAL")
        disk.execute("PRAGMA synchronous = NORMAL")  # a power cut may lose the last steps, not the file
        self._mirror(disk)

    def _read_only(self) -> None:
        """What is in a file that cannot be written is known all the same; `warning` says so."""
        import sqlite3

        path = self._path
        if path is None or not os.path.isfile(path):
            return
        for opened in (_as_it_is, _as_a_copy, _as_it_never_changes):
            try:
                with opened(path) as disk:
                    disk.text_factory = _decode
                    if _version(disk) > len(MIGRATIONS) or _is_damaged(disk):
                        return
                    self._mirror(disk)
                known = f"what you did before is known, {FORGOTTEN}"
                self.warning = (self.warning or "").replace(FORGOTTEN, known)
                return
            except sqlite3.OperationalError as problem:
                if problem.sqlite_errorname.startswith("SQLITE_BUSY"):
                    return  # another window is in the midst of writing: a copy would be torn
            except (OSError, ValueError, sqlite3.Error):
                continue

    def _mirror(self, disk: sqlite3.Connection) -> None:
        """Memory knows what `disk` does, be that of an older version. Raises sqlite3.Error, with memory as it was."""
        memory = _new_memory()
        try:
            # A lock on writing is no hindrance, one on reading is: `backup` by itself would wait for it for ever.
            disk.execute("BEGIN")
            try:
                disk.execute("SELECT 1 FROM sqlite_schema").fetchone()
                disk.backup(memory)
            finally:
                disk.execute("ROLLBACK")
            _migrate(memory)
        except disk.Error:
            _close(memory)
            raise
        old, self._memory = self._memory, memory
        if old is not None:
            _close(old)

    def _connect(self, path: Path) -> sqlite3.Connection:
        """A sound database at `path`, as `_disk`; a damaged one is set aside. Raises OSError or sqlite3.Error."""
        import sqlite3

        # One window at a time: whoever has the old file open by its name would take the new one's journal for its own.
        with _alone(path):
            for _ in range(2):
                self._disk = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
                self._disk.text_factory = _decode
                if not _is_damaged(self._disk):
                    return self._disk
                _close(self._disk)
                self._disk = None
                self.warning = (
                    f"{self._shown()} is damaged, so what you did before is not known: "
                    f"the file is kept as {one_line(_set_aside(path).name)}, and a new one begins."
                )
        raise OSError("the new file is damaged, too")

    def _drop_disk(self, problem: Exception) -> None:
        """Go on in memory, and say so."""
        disk, self._disk = self._disk, None
        if disk is not None:
            _close(disk)
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        self.warning = f"{self._shown()} cannot be used ({one_line(reason)}): {FORGOTTEN}."
        self.when_dropped()

    def _shown(self) -> str:
        return one_line(str(self._path)) if self._path else "The folder for your progress"


def default_path() -> Path:
    """Where the database is. Raises RuntimeError if the environment's `~` stands for no home."""
    folder = os.environ.get(ENVIRONMENT)
    if folder:
        return Path(folder).expanduser() / FILE
    import platformdirs

    return Path(platformdirs.user_data_dir("backprop-tutor", appauthor=False)) / FILE


def _version(database: sqlite3.Connection) -> int:
    return database.execute("PRAGMA user_version").fetchone()[0]


def _migrate(database: sqlite3.Connection) -> None:
    """Bring the schema up to date. Raises sqlite3.Error, with the database as it was before the failing entry.

    The version is written even where it stays: that tells at once whether the file can be written.
    """
    pending = True
    while pending:
        database.execute("BEGIN IMMEDIATE")
        try:
            version = _version(database)  # inside the transaction: another window may just have migrated
            pending = version < len(MIGRATIONS)
            for statement in MIGRATIONS[version] if pending else ():
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {version + pending}")
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise


def _new_memory() -> sqlite3.Connection:
    import sqlite3

    memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    memory.text_factory = _decode
    return memory


def _execute(database: sqlite3.Connection, statements: Sequence[Statement]) -> list[int]:
    """All statements or none; how many rows each changed. Raises sqlite3.Error."""
    if len(statements) == 1:  # a transaction by itself
        return [database.execute(*statements[0]).rowcount]
    database.execute("BEGIN IMMEDIATE")
    try:
        changed = [database.execute(*statement).rowcount for statement in statements]
        database.execute("COMMIT")
        return changed
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _is_damaged(database: sqlite3.Connection) -> bool:
    """Whether the file is no database, or its pages contradict each other. Raises sqlite3.Error: cannot tell."""
    try:
        return database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",)
    except database.DatabaseError as problem:
        if problem.sqlite_errorname.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return True
        raise


def _set_aside(path: Path) -> Path:
    """Rename a damaged database, with what belongs to it, to a name that is free. Raises OSError."""
    stamp = f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    aside, count = path.with_name(stamp), 1
    while aside.exists():
        count += 1
        aside = path.with_name(f"{stamp}-{count}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


@contextmanager
def _as_it_is(path: Path, query: str = "mode=ro") -> Iterator[sqlite3.Connection]:
    """The database of a file that is only read. Raises sqlite3.Error, also for one with a write-ahead log in a
    folder that takes no file: reading that needs an index beside it."""
    import sqlite3

    database = sqlite3.connect(f"{path.as_uri()}?{query}", uri=True, timeout=PATIENCE, isolation_level=None)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _as_a_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """A copy of the file and its journals where there can be an index: nothing of what was kept is missing."""
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="backprop-tutor-", ignore_cleanup_errors=True) as folder:
        for suffix in ("", "-wal", "-journal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{suffix}", os.path.join(folder, FILE + suffix))
        with _as_it_is(Path(folder) / FILE, "mode=rw") as database:
            yield database


def _as_it_never_changes(path: Path) -> AbstractContextManager[sqlite3.Connection]:
    """The file by itself, for where there is no room for a copy: what is still in its journal is missing."""
    return _as_it_is(path, "immutable=1")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keeps other windows out of the same block, where the folder allows it. SQLite's lock on an empty file
    beside `path` is one that a dead process lets go."""
    import sqlite3

    try:
        lock = sqlite3.connect(path.with_name(path.name + ".lock"), timeout=PATIENCE, isolation_level=None)
    except sqlite3.Error:
        yield  # nothing can be set aside here either
        return
    try:
        with suppress(sqlite3.Error):
            lock.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        lock.close()


def _close(database: sqlite3.Connection) -> None:
    with suppress(database.Error):  # closing tidies up the file; what was saved is saved
        database.close()


def _key(text: str) -> str:
    """`text` as SQLite can hold it: a path may have bytes that are no text."""
    return text.encode("utf-8", "backslashreplace").decode()


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _now_exactly() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _to_seconds(at: Any) -> str:
    return datetime.fromisoformat(_utc(at)).isoformat(timespec="seconds")


def new_id() -> str:
    """An id for an answer or a quiz that is nobody else's, on any machine."""
    return os.urandom(12).hex()


def _readable(parse: Callable[[Any], Any], rows: list[tuple[Any, ...]]) -> Iterator[Any]:
    """The rows that can be parsed: one that a defect or a stranger left behind hides no other."""
    for row in rows:
        with suppress(TypeError, ValueError, KeyError, RecursionError):
            yield parse(row)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("it is no text")
    return value


def _utc(value: Any) -> str:
    from tutor.questions.mastery import utc

    return utc(value)


def _parse_answer(row: tuple[Any, ...]) -> Answer:
    """The answer in a row, behind its profile. Raises TypeError, ValueError."""
    from tutor.questions.mastery import Answer

    return Answer(*row[1:])


def _parse_card(value: Any) -> Card:
    """The card that `asdict` made `value` of. Raises TypeError, ValueError."""
    from tutor.questions.mastery import Card

    return Card(**value)


def _import_answer(value: Any) -> Answer:
    """The answer that `asdict` made `value` of, with its id and time: else it would be a new one each time.

    Raises TypeError, ValueError.
    """
    from tutor.questions.mastery import Answer

    answer = Answer(**value)
    if not (answer.id and answer.at):
        raise ValueError("it has no id or no time")
    return answer


def _parse_session(value: Any) -> Session:
    """The session that `asdict` made `value` of. Raises TypeError, ValueError."""
    session = Session(**value)
    if type(session.finished) is not bool:
        raise ValueError("finished is not true or false")
    return replace(session, id=_text(session.id), state=_state(session.state), at=_utc(session.at))


def _read_session(row: tuple[Any, ...]) -> Session:
    """The session in a row. Raises TypeError, ValueError."""
    return Session(_text(row[0]), _state(json.loads(row[1])), bool(row[2]), _utc(row[3]))


def _state(value: Any, depth: int = MAX_DEPTH) -> Any:
    """The state of a quiz as it is. Raises ValueError for one so deep that to write it out would fail."""
    if depth == 0:
        raise ValueError("its state is too deep")
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            _state(part, depth - 1)
    return value


def _export_place(row: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
    place = _parse_place(json.loads(row[1]))
    if place is None:
        raise ValueError("it is no place")
    return portable(_text(row[0])), asdict(place) | {"at": _utc(row[2])}


def _portable(state: Any) -> Any:
    """The state of a quiz without the paths of its lessons."""
    if isinstance(state, dict) and isinstance(state.get("lessons"), list):
        return state | {"lessons": [portable(str(lesson)) for lesson in state["lessons"]]}
    return state


def _parse_place(value: Any) -> Place | None:
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
