"""What the tutor remembers between runs, and the only module that touches the database.

One SQLite file, `tutor.db`, in the user's data directory. Whatever happens to it, the tutor
goes on: every value is kept in memory too, and `Store.warning` is one sentence that says what
went wrong and where. A damaged file is set aside, never overwritten or deleted; a file that a
newer version wrote is left alone.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tutor.catalogue import one_line

if TYPE_CHECKING:
    import sqlite3

ENVIRONMENT = "BACKPROP_TUTOR_DATA"  # a folder; overrides the user's data directory
FILE = "tutor.db"
PATIENCE = 2.0  # seconds to wait for another window that is writing
FORGOTTEN = "what you do now is forgotten when you quit"

# Entry n brings a database from version n to n + 1 (PRAGMA user_version), in one transaction.
# An entry that has been released is never edited: a change of the schema is a further entry.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE place (lesson TEXT PRIMARY KEY, value TEXT NOT NULL, at TEXT NOT NULL)",  # value: a Place as JSON
        "CREATE TABLE finished (lesson TEXT PRIMARY KEY, at TEXT NOT NULL)",
        "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",  # value: JSON
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


class Store:
    """Places, finished lessons and settings. `Store.open` makes one; no method raises for what the disk does.

    Keys are any text: a lesson's id, or the absolute path of a file that is not a bundled lesson.
    Every write goes to `_memory`, which has the same tables, then to `_disk`. Reads ask `_disk`, which
    another window may have written to; once it fails, it is dropped and `_memory` has all that was known.
    """

    def __init__(self) -> None:
        self.warning: str | None = None  # one sentence for the learner; None: all is well
        self._path: Path | None = None
        self._memory: sqlite3.Connection | None = None
        self._disk: sqlite3.Connection | None = None

    @classmethod
    def open(cls, path: Path | None = None) -> Store:
        """The store in the file `path` (default: `tutor.db` in the data directory). Never raises."""
        store = cls()
        try:
            import sqlite3

            store._memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            _migrate(store._memory)
        except ImportError:
            store.warning = "This Python has no sqlite3 module: nothing you do is remembered."
            return store
        try:
            store._path = (path or default_path()).absolute()
            store._open_disk(store._path)
        except (OSError, ValueError, RuntimeError, ImportError, sqlite3.Error) as problem:
            store._drop_disk(problem)
        return store

    def place(self, lesson: str) -> Place | None:
        """Where the learner left `lesson`; None if it was never opened, or what is stored is no place."""
        return _parse_place(self._value("SELECT value FROM place WHERE lesson = ?", lesson))

    def save_place(self, lesson: str, place: Place) -> None:
        """Remember where the learner is: cheap enough for every key press."""
        value = json.dumps(asdict(place), default=int)  # default: an index may be one of NumPy's
        self._write("INSERT OR REPLACE INTO place VALUES (?, ?, ?)", _key(lesson), value, _now())

    def finish(self, lesson: str) -> None:
        """Remember that `lesson` was finished, and when it first was."""
        self._write("INSERT OR IGNORE INTO finished VALUES (?, ?)", _key(lesson), _now())

    def finished(self) -> set[str]:
        """The lessons that were finished."""
        return {lesson for (lesson,) in self._read("SELECT lesson FROM finished") if isinstance(lesson, str)}

    def setting(self, name: str, default: Any = None) -> Any:
        """The value saved under `name`, else `default`."""
        value = self._value("SELECT value FROM setting WHERE name = ?", name)
        return default if value is None else value

    def save_setting(self, name: str, value: Any) -> None:
        """Save what JSON can hold, under `name`; None forgets it. Raises TypeError for any other value."""
        self._write("INSERT OR REPLACE INTO setting VALUES (?, ?)", _key(name), json.dumps(value))

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

    def _write(self, statement: str, *values: str) -> None:
        if self._memory is not None:
            self._memory.execute(statement, values)
        if self._disk is not None:
            try:
                self._disk.execute(statement, values)
            except self._disk.Error as problem:
                self._drop_disk(problem)

    def _read(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        if self._disk is not None:
            try:
                return self._disk.execute(query, values).fetchall()
            except self._disk.Error as problem:
                self._drop_disk(problem)
        return self._memory.execute(query, values).fetchall() if self._memory is not None else []

    def _value(self, query: str, key: str) -> Any:
        """The JSON value that `query` finds under `key`; None if there is none, or none that can be read."""
        rows = self._read(query, _key(key))
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
        assert self._memory is not None
        try:
            _migrate(disk)
        except disk.Error:
            with suppress(disk.Error):  # a file that cannot be written can perhaps be read
                _copy(disk, self._memory)
            raise
        with suppress(disk.OperationalError):  # not on this file system, or another window is at it: slower, not wrong
            disk.execute("PRAGMA journal_mode = WAL")
        disk.execute("PRAGMA synchronous = NORMAL")  # a power cut may lose the last steps, not the file
        _copy(disk, self._memory)

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


def _copy(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    tables = target.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for (table,) in tables.fetchall():
        for row in source.execute(f"SELECT * FROM {table}"):
            target.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(row))})", row)


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
