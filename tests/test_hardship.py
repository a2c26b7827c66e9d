"""What befalls a program that remembers: media that cannot be written, disks that fill, clocks, other machines."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from each import each
from effort import PATIENCE
from tutor.cli.commands import main
from tutor.learner.database import FILE, default_path
from tutor.learner.progress import ProgressError, export_file, import_file, report
from tutor.learner.records import open_quiz, start_quiz, unfinished
from tutor.learner.rows import portable
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.play.place import Place
from tutor.questions import mastery, quiz
from tutor.questions.mastery import AGAIN, GOOD, GivenAnswer, review
from tutor.tui.app import TutorApp

ROOT = Path(__file__).resolve().parent.parent
ANSWER = GivenAnswer("gates", "value:q", "gate_add", "value", "0.5", "sign")
PLACE = Place("q", "story", "dz", 1, 0)


def environment() -> dict[str, str]:
    """That of the test, with its own data folder, for a program that is started in any folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


# ---------------------------------------------------------------- media that can only be read


def tutor_on_read_only(folder: Path, *argv: str, typed: str = "") -> subprocess.CompletedProcess:
    """The command where `folder` cannot be written: for root, whom permissions do not bind, by a mount of its own."""
    command = [sys.executable, "-m", "tutor", *argv]
    if os.geteuid() == 0:
        script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
        command = ["unshare", "-m", "sh", "-c", script, str(folder), *command]
    else:
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
    try:
        return subprocess.run(
            command, env=environment(), input=typed, capture_output=True, encoding="utf-8", timeout=PATIENCE
        )
    finally:
        folder.chmod(0o755)


can_mount = os.name == "posix" and (
    os.geteuid() != 0
    or (
        shutil.which("unshare") is not None
        and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
    )
)


@pytest.mark.skipif(not can_mount, reason="nothing can be made read-only here")
@pytest.mark.parametrize("left", ["closed", "killed", "killed, no index"])
def test_progress_on_media_that_can_only_be_read(left, data_folder):
    code = f"""
from tutor.learner.store import *
from tutor.tui.app import TutorApp
from tutor.questions.mastery import GivenAnswer
store = Store.open()
store.record({ANSWER!r})
store.save_place("gates", {PLACE!r})
store.finish("gates")
{"store.close()" if left == "closed" else ""}
print("done", flush=True)
input()
"""
    writer = subprocess.Popen(
        [sys.executable, "-c", code], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert writer.stdout.readline() == b"done\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    if left == "killed, no index":
        (data_folder / f"{FILE}-shm").unlink()
    assert (data_folder / f"{FILE}-wal").exists() == (left != "closed")  # the rest of what was kept is there
    before = {path.name: path.read_bytes() for path in data_folder.iterdir()}
    done = tutor_on_read_only(data_folder, "progress", "--format", "json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["questions"]) == (0, 1) and [f["id"] for f in found["finished"]] == ["gates"]
    assert done.stderr.count("forgotten when you quit") == 1 and "what you did before is known" in done.stderr
    done = tutor_on_read_only(data_folder, "drill", "gates", typed="1\n1\n1\nquit\n")
    assert done.returncode == 2 and done.stderr.count("forgotten when you quit") == 1
    assert "Not kept: 3 answers of this session." in done.stderr
    assert {path.name: path.read_bytes() for path in data_folder.iterdir()} == before


# ---------------------------------------------------------------- a disk that fills


COMMANDS = [
    ["drill", "gates"], ["review"], ["quiz", "gates", "--seed", "3", "--count", "20"], ["play", "gates", "--plain"],
]  # fmt: skip


@pytest.mark.parametrize("argv", COMMANDS, ids=lambda argv: argv[0])
def test_a_disk_that_fills_is_told_at_once_and_what_is_lost_at_the_end(argv, data_folder):
    """The limit on the size of a file stands for the full disk: SQLite meets the same failing write."""
    with Store.open() as store:
        now = datetime.now(UTC) - timedelta(days=9)
        for skill in ("gate_add", "gate_mul", "gate_mul_gradient", "gate_add_gradient"):
            store.record(GivenAnswer("gates", "i", skill, "value", "1", "wrong"), review(None, AGAIN, now))
    code = f"""
import resource, signal, sys
from tutor.cli.commands import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
sys.exit(main({argv!r}))
"""
    lines = [*["predict"] * (argv[0] == "play"), *["0.123", "0.2", "0.3"] * 20, "quit"]
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), input="\n".join(lines) + "\n",
        capture_output=True, encoding="utf-8", timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 2, (done.returncode, done.stderr[-500:])
    assert done.stderr.count("forgotten when you quit") == 1 and "Traceback" not in done.stderr
    assert "Not kept: " in done.stderr.splitlines()[-1]
    lost = int(done.stderr.split("Not kept: ")[1].split()[0])
    with Store.open() as store:
        assert store.warning is None and len(store.answers()) - 4 + lost <= 60 and lost > 0


def test_what_cannot_be_kept_is_not_said_to_be(tmp_path, capsys, monkeypatch):
    with Store.open() as store:
        store.record(ANSWER)
        export_file(store, tmp_path / "mine.json")
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("BACKPROP_TUTOR_DATA", str(tmp_path / "a file"))
    assert main(["progress", "--import", str(tmp_path / "mine.json")]) == 2
    out, err = capsys.readouterr()
    assert not out and "nothing of it can be kept" in err


# ---------------------------------------------------------------- folders


@pytest.mark.parametrize("where", [
    "x" * 300, "/".join(["y" * 200] * 30), "a file", "a file/in it", "bad\udcff", "~no-such-user/x",
], ids=range(6))  # fmt: skip
@pytest.mark.parametrize("argv", ["list", "progress", "play gates --plain", "quiz gates", "drill gates"])
def test_folders_that_cannot_be(where, argv, tmp_path, capsys, monkeypatch):
    (tmp_path / "a file").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKPROP_TUTOR_DATA", where)
    with open(os.devnull) as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        code = main(argv.split())
    out, err = capsys.readouterr()
    assert code == 0 and out and "defect" not in err
    assert argv == "list" or where == "bad\udcff" or "forgotten when you quit" in err


# ---------------------------------------------------------------- clocks

EDGES = [
    datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC),
    datetime(9000, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
]  # fmt: skip


@each("first", EDGES)
@each("second", EDGES)
def test_a_clock_that_jumps(first, second):
    """From any date to any other: no exception, and what went wrong is soon due by the clock that is right now."""
    for rating in (AGAIN, GOOD):
        card = review(None, GOOD, first)
        for _ in range(5):
            card = review(card, rating, second)
        limit = min(second, EDGES[3])
        after = datetime.fromisoformat(card.due) - limit
        assert timedelta(0) <= after <= timedelta(days=36600)
        assert rating == GOOD or after <= timedelta(minutes=10)
        assert datetime.fromisoformat(card.last_review) <= limit


def test_a_review_by_a_clock_that_was_ahead_does_not_hide_a_skill_for_ever():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    ahead, recent = review(None, GOOD, datetime(2400, 1, 1, tzinfo=UTC)), review(None, GOOD, now)
    assert mastery.due({"ahead": ahead, "recent": recent}, now) == ["ahead"]
    again = review(ahead, GOOD, now)
    assert mastery.due({"ahead": again}, now) == []


@pytest.mark.parametrize("when", EDGES)
def test_everything_that_asks_the_clock(when, capsys, monkeypatch):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return when if tz else when.replace(tzinfo=None)

    for module in ("records", "store", "practice", "progress"):
        monkeypatch.setattr(f"tutor.learner.{module}.datetime", Clock)
    for argv in (["drill", "gates"], ["quiz", "gates"], ["review"], ["progress"], ["progress", "--format", "csv"]):
        with open(os.devnull) as nothing:
            monkeypatch.setattr("sys.stdin", nothing)
            assert main(argv) == 0
    assert "defect" not in capsys.readouterr().err
    with Store.open() as store:
        store.record(ANSWER, review(None, AGAIN, Clock.now(UTC)))
        assert report(store).questions == 1


# ---------------------------------------------------------------- other machines


LESSON = """
format = 1
title = "Mine"
[circuit]
define = ["f = x * y"]
output = "f"
[circuit.inputs]
x = 12.34567
y = 3.1
[[questions]]
step = "f"
ask = "What is it called?"
choices = ["one thing", "a product"]
answer = "a product"
"""


def test_an_export_has_neither_answers_to_come_nor_paths_and_the_quiz_goes_on_elsewhere(tmp_path, monkeypatch):
    own = tmp_path / "secret-folder" / "mine.toml"
    own.parent.mkdir()
    own.write_text(LESSON)
    paths = (str(own), str(catalogue.find("o-regression")))
    with Store.open() as store:
        id, session, items, _ = start_quiz(store, paths, 6, 5, True)
        session, _ = quiz.answer(session, items, "0.5")
        store.save_place(str(own), PLACE)
        store.finish(str(own))
        store.record(GivenAnswer(str(own), "value:f", "gate_mul", "value", "7.25", "wrong"))
        from tutor.learner.records import keep_quiz

        keep_quiz(store, id, session)
        export_file(store, tmp_path / "mine.json")
    text = (tmp_path / "mine.json").read_text()
    assert "secret-folder" not in text and str(ROOT) not in text and str(tmp_path) not in text
    state = json.dumps(json.loads(text)["sessions"])
    for item in items:
        assert item.answer not in state.replace("0.5", ""), item.id
    assert '"7.25"' in text and "a product" not in text

    other = tmp_path / "elsewhere" / "mine.toml"
    other.parent.mkdir()
    shutil.copy(own, other)
    monkeypatch.setenv("BACKPROP_TUTOR_DATA", str(tmp_path / "other data"))
    with Store.open() as store:
        assert import_file(store, tmp_path / "mine.json")["sessions"] == 1
        again, found, questions, goes_on = start_quiz(store, (str(other), paths[1]), 6, 5, False)
        assert goes_on and again == id and found.answers == session.answers
        assert [item.id for item in questions] == [item.id for item in items]
        assert store.place(str(other)) == PLACE and str(other) in store.finished()
        other.write_text(LESSON.replace("12.34567", "2"))
        assert not start_quiz(store, (str(other), paths[1]), 6, 5, False)[3]  # another lesson of that name
        assert unfinished(store, (paths[1],)) is None


@pytest.mark.parametrize("lesson, name", [
    ("gates", "gates"), ("/home/me/a.toml", "a.toml"), (r"C:\Users\me\b.toml", "b.toml"), (r"\\share\c.toml", "c.toml"),
])  # fmt: skip
def test_portable_names(lesson, name):
    assert portable(lesson) == name


def test_quiz_marks_tell_one_quiz_from_another():
    lesson = load(catalogue.find("gates"))
    one, two = (quiz.make_items([lesson], 5, seed) for seed in (1, 2))
    assert quiz.names(one) == quiz.names(quiz.make_items([lesson], 5, 1)) != quiz.names(two)
    session = quiz.begin([str(catalogue.find("gates"))], one, 1, 5)
    assert [item.id for item in open_quiz(session)] == [item.id for item in one]


# ---------------------------------------------------------------- imports


@pytest.fixture
def exported(tmp_path) -> tuple[dict, Path]:
    with Store.open(profile="whole") as store:
        store.record(ANSWER, review(None, GOOD, datetime(2026, 1, 1, tzinfo=UTC)))
        store.save_place("gates", PLACE)
        store.finish("gates")
        start_quiz(store, (str(catalogue.find("gates")),), 3, 1, True)
        return store.export(), tmp_path / "x.json"


BAD = [10**21, -(10**400), float("nan"), float("inf"), True, None, [], {}, "x", "", [[[]]], -1, 2**63, 1e308, "\ud800"]
DEEP = "[" * 50_000 + "]" * 50_000


def leaves(value, path=()):
    if isinstance(value, dict | list) and value:
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(part, (*path, key))
    yield path


def changed(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def test_anything_in_any_place_of_an_import_is_taken_whole_or_refused_whole(exported):
    data, file = exported
    taken = refused = 0
    with Store.open(profile="other") as store:
        nothing = {**store.export(), "exported": 0}
        for number, path in enumerate(leaves(data)):
            for new in BAD[number % 3 :: 3]:
                file.write_text(json.dumps(changed(data, path, new)))
                try:
                    import_file(store, file)
                    taken += 1
                    report(store)
                    store.reset()
                except ProgressError as error:
                    refused += 1
                    assert str(error).isprintable() and str(error).endswith(".")
                    assert {**store.export(), "exported": 0} == nothing, (path, new)
                assert store.warning is None, (path, new, store.warning)
    assert taken and refused > 150


@pytest.mark.parametrize("text", [
    DEEP, '{"format": "backprop-tutor progress", "version": 1, "answers": ' + DEEP + "}", "1" * 10_000,
    '{"a": NaN}', "",
    '{"format": "backprop-tutor progress", "version": 1, "sessions": [{"id": "a", '
    '"at": "2026-01-01T00:00:00Z", "finished": false, "state": ' + "[" * 900 + "]" * 900 + "}]}",
], ids=range(6))  # fmt: skip
def test_depth_and_length_of_an_import(text, exported):
    _, file = exported
    file.write_text(text)
    with Store.open(profile="other") as store:
        try:
            import_file(store, file)
        except ProgressError as error:
            assert str(error).isprintable()
            assert store.sessions() == []
        assert store.warning is None
        json.dumps(store.export())


def test_an_import_waits_for_nobody(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for name in (tmp_path / "pipe", tmp_path / "link", "/dev/zero", "/dev/null", tmp_path):
        assert main(["progress", "--import", str(name)]) == 2
        assert "is no file" in capsys.readouterr().err or name == tmp_path


def test_the_data_folder_may_be_anything(monkeypatch):
    monkeypatch.setenv("BACKPROP_TUTOR_DATA", "~/x")
    assert default_path() == Path.home() / "x" / FILE


async def test_on_a_screen_too_whoever_was_writing(data_folder):
    """A full disk is met by a setting, a place, a try: the screen says so, once."""
    store = Store.open()
    app = TutorApp(store)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert not app._notifications
        store._disk.execute(f"PRAGMA max_page_count = {store._disk.execute('PRAGMA page_count').fetchone()[0]}")
        store.save_setting("anything", "x" * 100_000)
        await pilot.pause()
        app.action_toggle_dark()
        await pilot.pause()
        assert [note.message.count("forgotten when you quit") for note in app._notifications] == [1]
    store.close()
