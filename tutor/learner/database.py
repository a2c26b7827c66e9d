"""The one SQLite file, and the only module that touches it: SQL in, rows out, whatever happens to the disk.

`tutor.db` is in the user's data directory. Every write goes to memory, too, which has the same tables, so that the
tutor goes on without the file; a sentence says what went wrong and where. A damaged file is set aside, never
overwritten or deleted; a file that a newer version wrote is left alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tutor.confined import told
from tutor.folders import for_data
from tutor.lessonfiles.catalogue import one_line
from tutor.text.language import N_, say
from tutor.text.words import reason

if TYPE_CHECKING:
    import sqlite3


FILE = "tutor.db"
PATIENCE = 2.0  # seconds to wait for another window that is writing
FORGOTTEN = N_("what you do now is forgotten when you quit")
KNOWN = N_("what you did before is known, what you do now is forgotten when you quit")

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
    (
        # An exercise of the lab: `tries` are the runs up to the first that was right, `done` is when that was.
        "CREATE TABLE exercise (profile TEXT, id TEXT, tries INTEGER NOT NULL, done TEXT, at TEXT NOT NULL, "
        "PRIMARY KEY (profile, id))",
    ),
    (
        # What was asked, in the words that the learner saw: a class report reads it where there is no lesson.
        "ALTER TABLE answer ADD COLUMN asked TEXT NOT NULL DEFAULT ''",
    ),
    (
        # Of which numbers: the seed that they were drawn from (0: the lesson's own), and the iteration.
        "ALTER TABLE answer ADD COLUMN seed INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE answer ADD COLUMN iteration INTEGER NOT NULL DEFAULT 1",
    ),
    (
        # A note of the learner's own at a step; one that was taken away has no words.
        "CREATE TABLE note (profile TEXT, lesson TEXT, step TEXT, words TEXT NOT NULL, at TEXT NOT NULL, "
        "PRIMARY KEY (profile, lesson, step))",
    ),
)


Statement = tuple[str, Sequence[Any]]  # SQL and its values


class Database:
    """A file on disk as long as that works, and the same tables in memory. No method raises for what the disk does.

    Reads ask `_disk`, which another window may have written to; once it fails, it is dropped and `_memory` has all that
    was known.
    """

    def __init__(self) -> None:
        self.warning: str | None = None  # one sentence for the learner; None: all is well
        self.when_dropped: Callable[[], object] = lambda: None  # called when the disk failed, with `warning` set
        self._path: Path | None = None
        self._memory: sqlite3.Connection | None = None
        self._disk: sqlite3.Connection | None = None

    def _begin(self, path: Path | None) -> None:
        """Open the file at `path` (default: `tutor.db` in the data directory), or say in `warning` why not."""
        try:
            import sqlite3
        except ImportError:
            self.warning = say("This Python has no sqlite3 module: nothing you do is remembered.")
            return
        try:
            self._path = (path or default_path()).absolute()
            self._open_disk(self._path)
        except (OSError, ValueError, RuntimeError, ImportError, sqlite3.Error) as problem:
            self._drop_disk(problem)
            self._read_only()
        if self._memory is None:  # nothing of a file could be read
            self._memory = _new_memory()
            _migrate(self._memory)

    @property
    def lasting(self) -> bool:
        """Whether what is saved now is still there when the program has ended; if not, `warning` says why."""
        return self._disk is not None

    def close(self) -> None:
        """Let go of the file. A second time does nothing; a closed store knows nothing and keeps nothing."""
        disk, memory, self._disk, self._memory = self._disk, self._memory, None, None
        for database in (disk, memory):
            if database is not None:
                _close(database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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

    def _open_disk(self, path: Path) -> None:
        """Open, check and migrate the file, and copy what it knows to memory. Raises OSError or sqlite3.Error."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        disk = self._connect(path)
        if _version(disk) > len(MIGRATIONS):
            self._disk = None
            _close(disk)
            self.warning = say(
                "{file} was written by a newer version of backprop-tutor: it is left as it is, {so}.",
                file=self._shown(),
                so=say(FORGOTTEN),
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
                self.warning = (self.warning or "").replace(say(FORGOTTEN), say(KNOWN))
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
                self.warning = say(
                    "{file} is damaged, so what you did before is not known: "
                    "the file is kept as {other}, and a new one begins.",
                    file=self._shown(),
                    other=one_line(_set_aside(path).name),
                )
        raise OSError(say("the new file is damaged, too"))

    def _drop_disk(self, problem: Exception) -> None:
        """Go on in memory, and say so."""
        disk, self._disk = self._disk, None
        if disk is not None:
            _close(disk)
        self.warning = say(
            "{file} cannot be used ({why}): {so}.", file=self._shown(), why=one_line(reason(problem)), so=say(FORGOTTEN)
        )
        self.when_dropped()

    def _shown(self) -> str:
        return one_line(told(self._path)) if self._path else say("The folder for your progress")


def default_path() -> Path:
    """Where the database is. Raises RuntimeError if the environment's `~` stands for no home."""
    return for_data() / FILE


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


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
        return bool(database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
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


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")
