"""What is remembered, and that nothing that happens to the file stops the tutor."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor import store as module
from tutor.store import FILE, MIGRATIONS, Place, Store

PLACE = Place("dL/dW2", "scalar", "δ⁽ˡ⁾", 3, 1, (1, 2))
OTHER = Place("z1", "matrix", "∂", 1, 0)
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def path(data_folder):
    return data_folder / FILE


@pytest.fixture
def opened():
    """Stores that the test opens, closed at its end."""
    stores = []

    def open_store(path=None):
        stores.append(Store.open(path))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


def works_in_memory(store: Store) -> None:
    store.save_place("works", PLACE)
    store.finish("works")
    store.save_setting("works", ["light", 1])
    assert store.place("works") == PLACE
    assert "works" in store.finished()
    assert store.setting("works") == ["light", 1]


def one_sentence(warning: str | None, *parts: str) -> bool:
    return warning is not None and warning.isprintable() and warning.endswith(".") and all(p in warning for p in parts)


def python(code: str, path: Path, *arguments: str) -> subprocess.Popen:
    code = "import sys; from pathlib import Path; from tutor.store import *; path = Path(sys.argv[1])\n" + code
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", code, str(path), *arguments], env=environment, stdout=subprocess.PIPE, text=True
    )


# What is remembered


def test_everything_is_there_the_next_time(path):
    with Store.open() as store:
        assert store.place("gates") is None and store.finished() == set() and store.setting("theme", "dark") == "dark"
        store.save_place("gates", OTHER)
        store.save_place("gates", PLACE)
        store.save_place("/home/me/my lesson.toml", OTHER)
        store.finish("gates")
        store.finish("gates")
        store.save_setting("theme", "light")
        store.save_setting("keys", {"next": ["n", 1.5, None]})
    assert path.is_file()
    with Store.open(path) as store:
        assert store.warning is None
        assert store.place("gates") == PLACE and store.place("/home/me/my lesson.toml") == OTHER
        assert store.finished() == {"gates"}
        assert store.setting("theme") == "light" and store.setting("keys") == {"next": ["n", 1.5, None]}


def test_the_default_file_is_in_the_users_data_directory(monkeypatch, tmp_path):
    monkeypatch.setattr("platformdirs.user_data_dir", lambda name, **_: str(tmp_path / "share" / name))
    monkeypatch.setenv("BACKPROP_TUTOR_DATA", "")
    with Store.open() as store:
        assert store.warning is None
    assert (tmp_path / "share" / "backprop-tutor" / "tutor.db").is_file()


def test_finished_keeps_the_time_of_the_first(path, opened, monkeypatch):
    store = opened()
    monkeypatch.setattr(module, "_now", lambda: "2026-01-01T00:00:00+00:00")
    store.finish("gates")
    monkeypatch.setattr(module, "_now", lambda: "2027-01-01T00:00:00+00:00")
    store.finish("gates")
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT * FROM finished").fetchall() == [("gates", "2026-01-01T00:00:00+00:00")]
    database.close()


@given(key=st.text(st.characters(), max_size=20), step=st.text(st.characters(), max_size=10))
def test_any_key_and_no_text_that_could_upset_a_screen(key, step):
    with Store.open() as store:
        store.save_place(key, Place(step, "scalar", "x", 10**30, 0))
        assert store.place(key) == (Place(step, "scalar", "x", 10**30, 0) if step.isprintable() else None)
        store.finish(key)
        store.save_setting(key, step)
        assert store.setting(key) == step and store.warning is None


def test_numpy_indices_are_plain_numbers_afterwards(opened):
    import numpy as np

    store = opened()
    store.save_place("gates", Place("z1", "scalar", "x", np.int64(2), 0, tuple(np.array([1, 2]))))
    assert store.place("gates") == Place("z1", "scalar", "x", 2, 0, (1, 2))


GARBAGE = [
    "",
    "no JSON",
    "null",
    "[]",
    '"text"',
    "[" * 100_000,
    b"\xff\xfe",
    7,
    "{}",
    '{"step": "z1"}',
    '{"step": "z1", "level": "scalar", "notation": "x", "iteration": -1, "example": 0, "element": []}',
    '{"step": "z1", "level": "scalar", "notation": "x", "iteration": 1.5, "example": 0, "element": []}',
    '{"step": "z1", "level": "scalar", "notation": "x", "iteration": 1, "example": 0, "element": 3}',
    '{"step": "z1", "level": "scalar", "notation": "x", "iteration": 1, "example": 0, "element": ["a"]}',
    '{"step": 5, "level": "scalar", "notation": "x", "iteration": 1, "example": 0, "element": []}',
    '{"step": "z\\u001b", "level": "scalar", "notation": "x", "iteration": 1, "example": 0, "element": []}',
    '{"step": "z1", "level": "scalar", "notation": "x", "iteration": 1, "example": 0, "element": [], "more": 1}',
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: str(garbage)[:40])
def test_garbage_in_a_row_is_no_place_and_harms_no_other(path, opened, garbage):
    opened().save_place("good", PLACE)
    database = sqlite3.connect(path)
    with database:
        database.execute("INSERT INTO place VALUES ('bad', ?, CAST(x'ff' AS TEXT))", (garbage,))
        database.execute("INSERT INTO finished VALUES (x'00ff', ''), (CAST(x'ff' AS TEXT), '')")
    database.close()
    store = opened()
    assert store.place("bad") is None and store.place("good") == PLACE
    assert all(isinstance(lesson, str) for lesson in store.finished())
    store.save_place("bad", OTHER)
    assert store.place("bad") == OTHER and store.warning is None


@pytest.mark.parametrize("garbage", ["", "no JSON", b"\xff", "[" * 100_000], ids=lambda garbage: str(garbage)[:10])
def test_garbage_in_a_setting_is_the_default(path, opened, garbage):
    store = opened()
    database = sqlite3.connect(path)
    with database:
        database.execute("INSERT INTO setting VALUES ('theme', ?)", (garbage,))
    database.close()
    assert store.setting("theme", "dark") == "dark" and store.warning is None


def test_a_closed_store_is_quiet(opened):
    store = opened()
    store.save_place("gates", PLACE)
    store.close()
    store.close()
    store.save_place("gates", OTHER)
    store.finish("gates")
    assert store.place("gates") is None and store.finished() == set() and store.warning is None


# Several windows


def test_two_windows_see_each_other(opened):
    one, two = opened(), opened()
    one.save_place("gates", PLACE)
    assert two.place("gates") == PLACE
    two.save_place("gates", OTHER)
    two.finish("neuron")
    assert one.place("gates") == OTHER and one.finished() == {"neuron"}
    one.close()
    two.finish("deep")
    assert two.finished() == {"neuron", "deep"} and two.warning is None


def test_many_processes_open_a_new_file_and_write_at_once(path, opened):
    code = """
store = Store.open(path)
for number in range(100):
    store.save_place("shared", Place(sys.argv[2], "scalar", "x", number, 0))
    store.finish(f"{sys.argv[2]}-{number}")
print(store.warning)
"""
    writers = [python(code, path, str(name)) for name in range(6)]
    assert [writer.communicate(timeout=60)[0].strip() for writer in writers] == ["None"] * 6
    store = opened(path)
    assert store.finished() == {f"{name}-{number}" for name in range(6) for number in range(100)}
    assert store.place("shared").iteration == 99
    assert sorted(file.name for file in path.parent.iterdir() if "damaged" in file.name) == []


def test_a_writer_that_is_killed_leaves_a_sound_file(path, opened):
    code = """
store = Store.open(path)
for number in range(10**9):
    store.save_place("gates", Place("z1", "scalar", "x", number, 0))
    if number == 50: print("writing", flush=True)
"""
    for _ in range(3):
        writer = python(code, path)
        assert writer.stdout.readline().strip() == "writing"
        time.sleep(0.05)
        writer.send_signal(signal.SIGKILL)
        writer.communicate(timeout=10)
        store = opened(path)
        assert store.warning is None and store.place("gates").iteration >= 50
        assert store._disk.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# Migrations


def test_migrations_run_from_every_version_and_keep_the_rows(path, opened, monkeypatch):
    opened(path).save_place("gates", PLACE)
    create = ("CREATE TABLE answer (step TEXT)",)
    widen = ("ALTER TABLE answer ADD COLUMN at TEXT", "INSERT INTO answer VALUES (1, 2)")
    monkeypatch.setattr(module, "MIGRATIONS", (*MIGRATIONS, create, widen))
    for _ in range(2):  # the second time nothing is left to do
        store = opened(path)
        assert store.warning is None and store.place("gates") == PLACE
        assert store._read("SELECT * FROM answer") == [("1", "2")]
        assert store._read("PRAGMA user_version") == [(len(MIGRATIONS) + 2,)]


def test_a_migration_that_fails_leaves_the_file_as_it_was(path, opened, monkeypatch):
    with Store.open(path) as store:
        store.save_place("gates", PLACE)
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE answer (step TEXT)")  # in the way
    before = list(database.iterdump())
    monkeypatch.setattr(module, "MIGRATIONS", (*MIGRATIONS, ("CREATE TABLE half (a)", "CREATE TABLE answer (b)")))
    monkeypatch.setattr(module, "_copy", lambda source, target: None)  # there is no half to copy
    store = opened(path)
    assert one_sentence(store.warning, "answer already exists", str(path))
    works_in_memory(store)
    assert list(database.iterdump()) == before
    database.close()


def test_a_newer_database_is_left_alone(path, opened):
    path.parent.mkdir()
    database = sqlite3.connect(path)
    with database:
        database.execute("CREATE TABLE place (something, quite, different, here)")
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    database.close()
    before = path.read_bytes()
    store = opened()
    assert one_sentence(store.warning, "newer version", str(path))
    works_in_memory(store)
    store.close()
    assert path.read_bytes() == before and set(os.listdir(path.parent)) <= {FILE, FILE + ".lock"}


def test_a_foreign_database_is_left_alone(path, opened):
    path.parent.mkdir()
    database = sqlite3.connect(path)
    with database:
        database.execute("CREATE TABLE place (theirs)")
        database.execute("INSERT INTO place VALUES ('kept')")
    database.close()
    before = path.read_bytes()
    store = opened()
    assert one_sentence(store.warning, "already exists", str(path))
    works_in_memory(store)
    store.close()
    assert path.read_bytes() == before and set(os.listdir(path.parent)) <= {FILE, FILE + ".lock"}


# Files that cannot be used


@pytest.mark.parametrize("kind", ["under a file", "folder", "nul", "dangling link"])
def test_a_path_that_cannot_be_a_file_is_said(tmp_path, opened, kind):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "at" / "all")
    name = {"under a file": "file/data/tutor.db", "folder": "folder", "nul": "a\0b/tutor.db", "dangling link": "link"}
    store = opened(tmp_path / name[kind])
    assert one_sentence(store.warning, "cannot be used", str(tmp_path), "forgotten")
    works_in_memory(store)


def test_a_python_without_sqlite_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlite3", None)
    store = Store.open()
    assert one_sentence(store.warning, "sqlite3")
    store.save_place("gates", PLACE)
    store.finish("gates")
    assert store.place("gates") is None and store.finished() == set() and store.setting("theme", "dark") == "dark"
    store.close()


def test_a_file_that_can_only_be_read_is_read(path, opened, monkeypatch):
    """Root may write anywhere, so the connection says no instead of the file's permissions."""
    with Store.open(path) as store:
        store.save_place("gates", PLACE)
        store.finish("neuron")
    before = path.read_bytes()
    connect = sqlite3.connect

    def read_only(name, **options):
        return connect(name, **options) if name == ":memory:" else connect(f"file:{name}?mode=ro", uri=True, **options)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    store = opened(path)
    assert one_sentence(store.warning, str(path), "readonly")
    assert store.place("gates") == PLACE and store.finished() == {"neuron"}
    works_in_memory(store)
    assert path.read_bytes() == before


def test_a_full_disk_is_said_once_and_what_was_known_stays(path, opened):
    store, other = opened(path), opened(path)
    store.save_place("gates", PLACE)
    pages = store._disk.execute("PRAGMA page_count").fetchone()[0]
    store._disk.execute(f"PRAGMA max_page_count = {pages}")
    store.save_place("x" * 100_000, OTHER)
    assert one_sentence(store.warning, "full", str(path))
    assert store.place("x" * 100_000) == OTHER and store.place("gates") == PLACE
    said, store.warning = store.warning, None
    works_in_memory(store)
    assert said and store.warning is None
    assert other.place("gates") == PLACE and other.place("works") is None


def test_a_lock_that_is_never_let_go_is_said(path, opened, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    store = opened(path)
    store.save_place("gates", PLACE)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    store.save_place("gates", OTHER)
    assert one_sentence(store.warning, "locked", str(path))
    assert store.place("gates") == OTHER
    late = opened(path)
    assert one_sentence(late.warning, "locked")
    assert late.place("gates") == PLACE  # a lock on writing does not keep from reading
    works_in_memory(late)
    holder.execute("ROLLBACK")
    holder.close()


def test_a_file_damaged_while_in_use_is_said(path, opened):
    store = opened(path)
    store.save_place("gates", PLACE)
    store._disk.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store._disk.execute("PRAGMA shrink_memory")
    path.write_bytes(b"\xff" * path.stat().st_size)
    for number in range(200):
        store.save_place(f"lesson {number}", OTHER)
    assert store.place("gates") == PLACE and store.place("lesson 150") == OTHER and store.finished() == set()


# Damaged files


def damage_header(data: bytes) -> bytes:
    return b"this is no database" + data[19:]


def damage_pages(data: bytes) -> bytes:
    return data[:4096] + b"\xa5" * (len(data) - 4096)


def cut_short(data: bytes) -> bytes:
    return data[: len(data) // 2 + 100]


@pytest.mark.parametrize("damage", [damage_header, damage_pages, cut_short])
def test_a_damaged_file_is_set_aside_with_its_bytes_intact(path, opened, damage):
    with Store.open(path) as store:
        for number in range(200):
            store.save_place(f"lesson {number}", PLACE)
    path.write_bytes(damage(path.read_bytes()))
    damaged = path.read_bytes()
    path.with_name(FILE + "-wal").write_bytes(b"what was not yet in the file")
    store = opened(path)
    aside = [file for file in path.parent.iterdir() if re.fullmatch(r"tutor\.db\.damaged-\d{8}-\d{6}", file.name)]
    assert [file.read_bytes() for file in aside] == [damaged]
    assert one_sentence(store.warning, "damaged", str(path), aside[0].name)
    assert store.place("lesson 1") is None
    store.save_place("gates", PLACE)
    store.close()
    again = opened(path)
    assert again.warning is None and again.place("gates") == PLACE


def test_what_is_set_aside_takes_no_name_that_is_taken(path, opened, monkeypatch):
    monkeypatch.setattr(time, "strftime", lambda _: "20260102-030405")
    path.parent.mkdir()
    for number in range(3):
        opened(path).close()
        path.write_bytes(b"damaged, the %d. time" % number + bytes(1000))
        opened(path).close()
    aside = sorted(file for file in path.parent.iterdir() if "damaged" in file.name)
    assert [file.name.removeprefix("tutor.db.damaged-20260102-030405") for file in aside] == ["", "-2", "-3"]
    assert [file.read_bytes()[13] for file in aside] == [*b"012"]


def test_a_damaged_file_that_cannot_be_moved_stays(path, opened, monkeypatch):
    path.parent.mkdir()
    path.write_bytes(b"damaged" * 100)

    def refuse(self, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    store = opened(path)
    assert one_sentence(store.warning, str(path), "Permission denied")
    works_in_memory(store)
    assert path.read_bytes() == b"damaged" * 100


def test_two_windows_that_find_the_same_damage_set_aside_one_file(path):
    path.parent.mkdir()
    path.write_bytes(b"damaged" * 100)
    code = "store = Store.open(path); store.finish(sys.argv[2]); print(store.warning)"
    windows = [python(code, path, str(name)) for name in range(4)]
    said = [window.communicate(timeout=30)[0].strip() for window in windows]
    assert sum("is damaged" in warning for warning in said) == 1 and said.count("None") == 3
    aside = [file for file in path.parent.iterdir() if re.fullmatch(r"tutor\.db\.damaged-[\d-]*", file.name)]
    assert [file.read_bytes() for file in aside] == [b"damaged" * 100]
    with Store.open(path) as store:
        assert store.finished() == {"0", "1", "2", "3"}


# Speed


def test_a_place_is_saved_in_less_than_a_millisecond(opened):
    store = opened()
    times = []
    for number in range(500):
        start = time.perf_counter()
        store.save_place("gates", Place("z1", "scalar", "x", number, 0))
        times.append(time.perf_counter() - start)
    assert sorted(times)[250] < 0.001 and store.warning is None
