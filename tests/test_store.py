"""What is remembered, and that nothing that happens to the file stops the tutor."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from effort import PATIENCE, effort
from tutor.learner import database as below
from tutor.learner import store as module
from tutor.learner.database import FILE, MIGRATIONS
from tutor.learner.rows import SavedQuiz
from tutor.learner.store import Store
from tutor.play.place import Place
from tutor.questions.mastery import GivenAnswer, Schedule

PLACE = Place("dL/dW2", "scalar", "δ⁽ˡ⁾", 3, 1, (1, 2))
OTHER = Place("z1", "matrix", "∂", 1, 0)
ANSWER = GivenAnswer(
    "gates", "value:q", "gate_add", "value", "0.5", "sign", credit=0.5, hints=1, seconds=2.5, session="s"
)
NOW = "2026-03-01T10:00:00.000+00:00"
CARD = Schedule("2026-03-03T10:00:00.000+00:00", NOW, 2, None, 2.3, 5.0)
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def path(data_folder):
    return data_folder / FILE


@pytest.fixture
def opened():
    """Stores that the test opens, closed at its end."""
    stores = []

    def open_store(path=None, *profile):
        stores.append(Store.open(path, *profile))
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
    kept = store.record(ANSWER, CARD, SavedQuiz("works", {"at": [1]}))
    assert store.answers()[-1] == kept and store.card("gate_add") == CARD
    assert store.session("works").state == {"at": [1]}


def one_sentence(warning: str | None, *parts: str) -> bool:
    return warning is not None and warning.isprintable() and warning.endswith(".") and all(p in warning for p in parts)


def python(code: str, path: Path, *arguments: str) -> subprocess.Popen:
    code = "import sys; from pathlib import Path; from tutor.learner.store import *; path = Path(sys.argv[1])\n" + code
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
        found = database.execute("SELECT * FROM finished").fetchall()
    assert found == [("default", "gates", "2026-01-01T00:00:00+00:00")]
    database.close()


@given(key=st.text(st.characters(), max_size=20), step=st.text(st.characters(), max_size=10))
def test_any_key_and_no_text_that_could_upset_a_screen(key, step):
    with Store.open() as store:
        store.save_place(key, Place(step, "scalar", "x", 10**30, 0))
        assert store.place(key) == (Place(step, "scalar", "x", 10**30, 0) if step.isprintable() else None)
        store.finish(key)
        store.save_setting(key, step)
        assert store.setting(key) == step and store.warning is None


def test_what_cannot_be_read_is_no_place_though_another_s_name_is_alike(opened):
    store = opened()
    store.save_place("mine.toml", Place("z1", "scalar", "x", 1, 0))  # as an import calls it
    assert store.place("/home/mine.toml") == Place("z1", "scalar", "x", 1, 0)
    store.save_place("/home/mine.toml", Place("\x9b", "scalar", "x", 1, 0))
    assert store.place("/home/mine.toml") is None


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
        database.execute("INSERT INTO place VALUES ('default', 'bad', ?, CAST(x'ff' AS TEXT))", (garbage,))
        database.execute("INSERT INTO finished VALUES ('default', x'00ff', ''), ('default', CAST(x'ff' AS TEXT), '')")
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
        database.execute("INSERT INTO setting VALUES ('default', 'theme', ?)", (garbage,))
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


# Answers, cards, quizzes


def test_answers_cards_and_quizzes_are_there_the_next_time(path):
    with Store.open() as store:
        kept = [store.record(replace(ANSWER, at=f"2026-03-0{day}T10:00:00+01:00", given=str(day))) for day in (2, 1, 3)]
        other = store.record(replace(ANSWER, skill="update", misconception="rate-twice", session=None), CARD)
        store.save_session(SavedQuiz("a", {"items": [1, "é"], "at": 0}))
        store.save_session(SavedQuiz("b", None, finished=True))
    with Store.open(path) as store:
        assert store.answers() == [kept[1], kept[0], kept[2], other]
        assert store.answers(skill="update") == [other] and store.answers(session="s") == [kept[1], kept[0], kept[2]]
        assert store.answers(skill="update", session="s") == []
        assert store.cards() == {"update": CARD} and store.card("update") == CARD and store.card("loss") is None
        assert store.session("a").state == {"items": [1, "é"], "at": 0} and store.session("c") is None
        assert [s.id for s in store.sessions(finished=False)] == ["a"]
        assert [s.id for s in store.sessions(finished=True)] == ["b"]
        assert [s.id for s in store.sessions()] in (["a", "b"], ["b", "a"])  # within a millisecond, or not
        assert store.warning is None
    assert len({answer.id for answer in (*kept, other)}) == 4
    assert kept[0].at == "2026-03-02T09:00:00.000+00:00"  # in UTC: as texts, such times sort by time


def test_a_card_and_a_quiz_are_replaced_whatever_the_clock_says(opened, monkeypatch):
    store = opened()
    earlier = replace(CARD, last_review="2020-01-01T00:00:00+00:00")
    store.record(ANSWER, CARD)
    store.record(ANSWER, earlier)
    assert store.card("gate_add") == earlier
    store.save_session(SavedQuiz("a", 1))
    monkeypatch.setattr(module, "_now_exactly", lambda: "2020-01-01T00:00:00.000+00:00")
    store.save_session(replace(store.session("a"), state=2))
    assert store.session("a").state == 2
    store.save_session(SavedQuiz("a", 3, finished=True))
    store.save_session(SavedQuiz("a", 4))
    assert store.session("a") == SavedQuiz("a", 3, True, "2020-01-01T00:00:00.000+00:00")  # what is finished stays so


def test_an_answer_its_card_and_its_quiz_are_kept_together_or_not_at_all(path, opened):
    store, other = opened(path), opened(path)
    other._disk.execute("DROP TABLE session")
    store.record(ANSWER, CARD, SavedQuiz("a", 1))
    assert one_sentence(store.warning, "session") and store.session("a").state == 1
    assert opened(path).answers() == [] and opened(path).cards() == {}


def test_an_answer_waits_for_the_disk_and_a_place_does_not(opened):
    store, said = opened(), []
    store._disk.set_trace_callback(said.append)
    store.save_place("gates", PLACE)
    assert not [statement for statement in said if "synchronous" in statement]
    store.record(ANSWER)
    full, insert, normal = said[-3:]
    assert (full, normal) == ("PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL") and "INTO answer" in insert


@given(text=st.text(st.characters(), max_size=20))
def test_an_answer_has_any_text(text):
    with Store.open() as store:
        kept = store.record(replace(ANSWER, lesson=text, given=text, misconception=text))
        found = next(answer for answer in store.answers() if answer.id == kept.id)
        assert found.given == text.encode("utf-8", "backslashreplace").decode() and store.warning is None


def test_an_endless_answer_is_cut(opened):
    store = opened()
    store.record(replace(ANSWER, given="1" * 10**6))
    assert store.answers()[0].given == "1" * module.MAX_GIVEN


def test_unreadable_rows_hide_no_other(path, opened):
    opened().record(ANSWER, CARD, SavedQuiz("good", 1))
    database = sqlite3.connect(path)
    with database:
        for number, (column, value) in enumerate(
            {"credit": 2, "hints": "x", "at": "yesterday", "verdict": b"\xff", "seconds": -1, "tries": 1e300}.items()
        ):
            row = ("default", *"lisk", "", "wrong", None, 0, 0, 0, 0, 0, None, NOW, str(number), "", 0, 1)
            database.execute(f"INSERT INTO answer VALUES (?{', ?' * (len(row) - 1)})", row)
            database.execute(f"UPDATE answer SET {column} = ? WHERE id = ?", (value, str(number)))
        for garbage in ("", "[]", "7", '{"due": 1}', "[" * 100_000, b"\xff"):
            database.execute("INSERT INTO card VALUES ('default', ?, ?, '')", (str(garbage), garbage))
        database.execute("INSERT INTO session VALUES ('default', 'bad', '{', 0, ?)", (NOW,))
        database.execute("INSERT INTO session VALUES ('default', x'ff', '1', 0, '')")
    database.close()
    store = opened()
    assert len(store.answers()) == 1 and store.cards() == {"gate_add": CARD}
    assert [session.id for session in store.sessions()] == ["good"]
    other = opened(path.with_name("other.db"))
    counts = {"answers": 1, "cards": 1, "sessions": 1, "finished": 0, "places": 0, "exercises": 0}
    assert other.import_(store.export()) == counts


def test_profiles_know_nothing_of_each_other(path, opened):
    ada, bob = opened(path, "Ada"), opened(path, "Bob \ud800")
    works_in_memory(ada)
    assert bob.answers() == [] and bob.cards() == {} and bob.sessions() == [] and bob.finished() == set()
    assert bob.place("works") is None and bob.setting("works") is None
    bob.finish("gates")
    assert bob.profile == "Bob \\ud800" and opened(path).finished() == set()
    assert opened(path, bob.profile).finished() == {"gates"}
    ada.reset()
    assert (ada.answers(), ada.cards(), ada.sessions(), ada.finished()) == ([], {}, [], set())
    assert ada.place("works") is None and ada.setting("works") == ["light", 1] and bob.finished() == {"gates"}


def test_two_windows_answer_at_once(opened):
    one, two = opened(), opened()
    kept = [store.record(ANSWER) for store in (one, two, one)]
    assert sorted(a.id for a in one.answers()) == sorted(a.id for a in two.answers()) == sorted(a.id for a in kept)


def test_what_was_answered_survives_a_kill(path, opened):
    """Killed right behind the verdict: that answer is there, and the quiz goes on behind it."""
    code = """
from tutor.questions.mastery import GivenAnswer
store = Store.open(path)
for number in range(10**9):
    store.record(GivenAnswer("l", "i", "loss", "value", str(number), "correct"), session=SavedQuiz("quiz", number))
    print(number, flush=True)
"""
    writer = python(code, path)
    for _ in range(20):
        said = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    said = int((writer.communicate(timeout=PATIENCE)[0].split() or [said])[-1])
    store = opened(path)
    given = [int(answer.given) for answer in store.answers()]
    assert store.warning is None and sorted(given) == list(range(len(given))) and len(given) > said
    assert store.session("quiz").state == max(given)


# Export and import


def full(store: Store) -> None:
    works_in_memory(store)
    store.record(replace(ANSWER, at=NOW, misconception="one-path", session=None))
    store.save_session(SavedQuiz("done", [], finished=True))
    store.save_try("neuron", False)


def test_an_import_brings_everything_once(path, opened):
    full(here := opened(path))
    data = json.loads(json.dumps(here.export()))
    there = opened(path, "elsewhere")
    counts = {"answers": 2, "cards": 1, "sessions": 2, "finished": 1, "places": 1, "exercises": 1}
    assert there.import_(data) == counts
    assert there.import_(data) == here.import_(data) == dict.fromkeys(counts, 0)
    for part in counts:
        assert there.export()[part] == here.export()[part]
    assert there.setting("works") is None  # a setting belongs to the machine


def test_an_import_takes_the_later_and_loses_nothing(path, opened):
    store = opened(path)
    for skill in ("loss", "update"):
        store.record(replace(ANSWER, skill=skill, at=NOW), CARD)
    kept = store.record(replace(ANSWER, at="2026-03-05T00:00:00+00:00"))
    old, new = "2020-01-01T00:00:00.000+00:00", "2099-01-01T00:00:00.000+00:00"
    for id, finished in (("a", False), ("b", False), ("c", True)):
        store.save_session(SavedQuiz(id, "here", finished))
    for lesson in ("x", "y"):
        store.save_place(lesson, PLACE)
        store.finish(lesson)
    data = store.export()
    data["answers"] = [asdict(replace(kept, id="another", at=NOW))]
    for skill, at in (("loss", old), ("update", new)):
        data["cards"][skill] |= {"last_review": at, "difficulty": 9}
    for session in data["sessions"]:
        session |= {"at": {"a": old, "b": new, "c": new}[session["id"]], "state": "there", "finished": False}
    for lesson, at in (("x", old), ("y", new)):
        data["finished"][lesson] = at
        data["places"][lesson] |= {"at": at, "step": "there"}
    assert store.import_(data) == {"answers": 1, "cards": 1, "sessions": 1, "finished": 1, "places": 1, "exercises": 0}
    assert [answer.id for answer in store.answers()][2:] == ["another", kept.id]
    assert (store.card("loss").difficulty, store.card("update").difficulty) == (5, 9)
    assert {s.id: s.state for s in store.sessions()} == {"a": "here", "b": "there", "c": "here"}
    assert (store.place("x"), store.place("y").step) == (PLACE, "there")
    assert store.export()["finished"]["x"] == old and store.export()["finished"]["y"] < new


def test_notes_are_kept_exported_and_the_later_one_stays(path, opened):
    store, lesson = opened(path), str(path.parent / "mine.toml")
    store.save_note("gates", "q", "a product")
    store.save_note("gates", "f", "the sum \x1b[2J")
    store.save_note(lesson, "z1", "of my own file")
    store.save_note("gates", "q", "multiplied, not added")
    assert store.notes("gates") == {"q": "multiplied, not added", "f": "the sum \x1b[2J"}
    assert opened(path).notes(lesson) == {"z1": "of my own file"} and opened(path, "Ada").notes("gates") == {}
    data = json.loads(json.dumps(store.export()))
    assert str(path.parent) not in json.dumps(data["notes"])
    there = opened(path, "elsewhere")
    assert there.import_(data)["notes"] == 3 and there.import_(data)["notes"] == 0
    assert there.notes("gates") == store.notes("gates") and there.notes(lesson) == store.notes(lesson)
    old = [note | {"at": "2020-01-01T00:00:00+00:00", "words": "older"} for note in data["notes"]]
    assert there.import_(data | {"notes": old})["notes"] == 0
    there.save_note("gates", "q", "")
    assert "q" not in there.notes("gates") and there.import_(data | {"notes": old})["notes"] == 0
    assert "q" not in there.notes("gates")
    for broken in ({"notes": {}}, {"notes": [{"lesson": "x", "step": 1, "words": "", "at": NOW}]}, {"notes": [7]}):
        with pytest.raises(ValueError):
            there.import_(data | broken)
    assert "notes" not in opened(path, "third").import_({key: data[key] for key in data if key != "notes"})
    store.reset()
    assert store.notes("gates") == {}


def test_an_exercise_counts_its_tries_up_to_the_first_that_is_right(path, opened):
    store = opened(path)
    for right in (False, False, True, False):
        store.save_try("neuron", right)
    tried = store.tried()["neuron"]
    assert tried.tries == 3 and tried.done is not None
    data = store.export()
    data["exercises"] = {"neuron": {"tries": 9, "done": None, "at": NOW}, "adam": {"tries": 2, "done": None, "at": NOW}}
    assert store.import_(data)["exercises"] == 1  # what is done here stays so
    assert store.tried()["neuron"] == tried and store.tried()["adam"].tries == 2
    data["exercises"] = {id: {"tries": 1, "done": "2020-01-01T00:00:00+00:00", "at": NOW} for id in ("neuron", "adam")}
    assert store.import_(data)["exercises"] == 2 and store.import_(data)["exercises"] == 0
    assert store.tried()["adam"].tries == store.tried()["neuron"].tries == 1
    store.reset()
    assert store.tried() == {}


def test_numbers_of_an_export_of_nothing(opened):
    assert set(opened().import_({"format": module.FORMAT, "version": 1}).values()) == {0}


BROKEN = {
    "no object": lambda data: [],
    "nothing": lambda data: None,
    "another format": lambda data: data | {"format": "theirs"},
    "a newer version": lambda data: data | {"version": 2},
    "a version that is none": lambda data: data | {"version": True},
    "answers no array": lambda data: data | {"answers": {}},
    "cards no object": lambda data: data | {"cards": []},
    "an answer no object": lambda data: data | {"answers": [*data["answers"], 7]},
    "an answer incomplete": lambda data: data | {"answers": [*data["answers"], {"lesson": "x"}]},
    "an answer with more": lambda data: data | {"answers": [data["answers"][0] | {"more": 1}]},
    "an answer without an id": lambda data: data | {"answers": [data["answers"][0] | {"id": ""}]},
    "a credit above 1": lambda data: data | {"answers": [data["answers"][0] | {"credit": 2}]},
    "a credit that is none": lambda data: data | {"answers": [data["answers"][0] | {"credit": float("nan")}]},
    "a time without a zone": lambda data: data | {"answers": [data["answers"][0] | {"at": "2026-01-01"}]},
    "a time out of range": lambda data: data | {"answers": [data["answers"][0] | {"at": "0001-01-01T00:00+09:00"}]},
    "a huge number": lambda data: data | {"answers": [data["answers"][0] | {"tries": 10**30}]},
    "a card no object": lambda data: data | {"cards": {"loss": "x\x1b"}},
    "a card of a bad state": lambda data: data | {"cards": {"loss": asdict(CARD) | {"state": 1}}},
    "a session's id": lambda data: data | {"sessions": [{"id": 7, "state": 1, "at": NOW}]},
    "a session's end": lambda data: data | {"sessions": [{"id": "a", "state": 1, "at": NOW, "finished": 1}]},
    "a lesson finished never": lambda data: data | {"finished": {"x": None}},
    "a place that is none": lambda data: data | {"places": {"x": {"at": NOW}}},
    "an exercise without tries": lambda data: data | {"exercises": {"x": {"tries": True, "done": None, "at": NOW}}},
    "an exercise done never": lambda data: data | {"exercises": {"x": {"tries": 1, "done": "once", "at": NOW}}},
    "a place no object": lambda data: data | {"places": {"x": []}},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_of_a_broken_import_nothing_is_taken(opened, path, broken):
    full(opened(path, "there"))
    store = opened(path)
    with pytest.raises(ValueError) as raised:
        store.import_(broken(opened(path, "there").export()))
    assert str(raised.value).isprintable()
    parts = ("answers", "cards", "sessions", "finished", "places", "exercises")
    assert not any(store.export()[part] for part in parts) and store.warning is None


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
    assert [writer.communicate(timeout=PATIENCE)[0].strip() for writer in writers] == ["None"] * 6
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
        writer.communicate(timeout=PATIENCE)
        store = opened(path)
        assert store.warning is None and store.place("gates").iteration >= 50
        assert store._disk.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# Migrations


@pytest.fixture
def first_release(path):
    """A database as the first release left it."""
    path.parent.mkdir()
    database = sqlite3.connect(path)
    with database:
        for statement in MIGRATIONS[0]:
            database.execute(statement)
        value = json.dumps(asdict(PLACE))
        database.execute("INSERT INTO place VALUES ('gates', ?, '2026-01-01T00:00:00+00:00')", (value,))
        database.execute("INSERT INTO finished VALUES ('neuron', '2026-01-02T00:00:00+00:00')")
        database.execute("INSERT INTO setting VALUES ('theme', '\"light\"')")
        database.execute("PRAGMA user_version = 1")
    database.close()


def knows_the_first_release(store: Store) -> bool:
    return (store.place("gates"), store.finished(), store.setting("theme")) == (PLACE, {"neuron"}, "light")


def test_what_the_first_release_left_belongs_to_the_default_profile(path, opened, first_release):
    for _ in range(2):
        store = opened(path)
        assert store.warning is None and knows_the_first_release(store)
        works_in_memory(opened(path, "somebody else"))
    assert opened(path, "a third one").finished() == set()


def test_what_the_first_release_left_can_be_read_where_nothing_can_be_written(path, opened, first_release, read_only):
    read_only()
    store = opened(path)
    assert one_sentence(store.warning, str(path), "readonly") and knows_the_first_release(store)
    store.record(ANSWER)
    assert len(store.answers()) == 1


def test_migrations_run_from_every_version_and_keep_the_rows(path, opened, monkeypatch):
    opened(path).save_place("gates", PLACE)
    create = ("CREATE TABLE later (step TEXT)",)
    widen = ("ALTER TABLE later ADD COLUMN at TEXT", "INSERT INTO later VALUES (1, 2)")
    monkeypatch.setattr(below, "MIGRATIONS", (*MIGRATIONS, create, widen))
    for _ in range(2):  # the second time nothing is left to do
        store = opened(path)
        assert store.warning is None and store.place("gates") == PLACE
        assert store._read("SELECT * FROM later") == [("1", "2")]
        assert store._read("PRAGMA user_version") == [(len(MIGRATIONS) + 2,)]


def test_a_migration_that_fails_leaves_the_file_as_it_was(path, opened, monkeypatch):
    with Store.open(path) as store:
        store.save_place("gates", PLACE)
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE later (step TEXT)")  # in the way
    before = list(database.iterdump())
    monkeypatch.setattr(below, "MIGRATIONS", (*MIGRATIONS, ("CREATE TABLE half (a)", "CREATE TABLE later (b)")))
    store = opened(path)
    assert one_sentence(store.warning, "later already exists", str(path))
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


@pytest.fixture
def read_only(monkeypatch):
    """Root may write anywhere, so the connection says no instead of the file's permissions."""
    connect = sqlite3.connect

    def refuse(name, **options):
        if name == ":memory:" or options.get("uri"):  # a URI says itself what may be done
            return connect(name, **options)
        return connect(f"file:{name}?mode=ro", uri=True, **options)

    return lambda: monkeypatch.setattr(sqlite3, "connect", refuse)


def test_a_file_that_can_only_be_read_is_read(path, opened, read_only):
    with Store.open(path) as store:
        store.save_place("gates", PLACE)
        store.finish("neuron")
        store.record(ANSWER)
    before = path.read_bytes()
    read_only()
    store = opened(path)
    assert one_sentence(store.warning, str(path), "readonly")
    assert store.place("gates") == PLACE and store.finished() == {"neuron"} and len(store.answers()) == 1
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
    monkeypatch.setattr(below, "PATIENCE", 0.05)
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


def test_a_lock_that_keeps_from_reading_does_not_hang(path, opened, monkeypatch):
    monkeypatch.setattr(below, "PATIENCE", 0.05)
    opened(path).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA journal_mode = DELETE")
    holder.execute("BEGIN EXCLUSIVE")
    store = module.Store.open(path)
    reading = sqlite3.connect(path, timeout=0.05)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        store._mirror(reading)
    reading.close()
    assert one_sentence(store.warning, "locked")
    works_in_memory(store)
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
    said = [window.communicate(timeout=PATIENCE)[0].strip() for window in windows]
    assert sum("is damaged" in warning for warning in said) == 1 and said.count("None") == 3
    aside = [file for file in path.parent.iterdir() if re.fullmatch(r"tutor\.db\.damaged-[\d-]*", file.name)]
    assert [file.read_bytes() for file in aside] == [b"damaged" * 100]
    with Store.open(path) as store:
        assert store.finished() == {"0", "1", "2", "3"}


# Speed


def test_a_place_is_saved_with_the_same_little_work_each_time(opened):
    store = opened()
    efforts = [
        effort(lambda: store.save_place("gates", Place("z1", "scalar", "x", number, 0))) for number in range(1, 101)
    ]
    assert max(efforts) < 200 and max(efforts[50:]) <= max(efforts[:50]), efforts
    assert store.warning is None
