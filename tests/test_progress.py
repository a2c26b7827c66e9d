"""The report on what the learner knows, in every format, and the files that carry it to another machine."""

from __future__ import annotations

import csv
import json
import os
import re
import time
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tutor.learner import progress
from tutor.learner.progress import ProgressError, as_csv, as_json, counted, export_file, import_file, report, text
from tutor.learner.rows import SavedQuiz
from tutor.learner.store import Store
from tutor.lessonfiles.catalogue import entries
from tutor.questions import mastery
from tutor.questions.mastery import GivenAnswer, review
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.text.cells import width
from tutor.text.layout import to_ascii

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GATES = next(entry.title for entry in entries() if entry.id == "gates")
ESCAPE = "\x1b[2J\u202e\n"  # what must never reach a terminal


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    with Store.open() as store:
        yield store
    monkeypatch.undo()
    time.tzset()


def tried(store, skill, credit, days_ago=0, tries=1, misconception=None, lesson="gates", item="i"):
    at = NOW - days_ago * DAY + timedelta(seconds=tries)
    verdict = "correct" if credit == 1 else "misconception" if misconception else "wrong"
    answer = GivenAnswer(
        lesson, f"value:{skill}:{item}", skill, "value", "1", verdict, misconception, credit, tries=tries
    )
    return store.record(replace(answer, at=at.isoformat()), review(store.card(skill), mastery.rating(credit), at))


@pytest.fixture
def learner(store):
    """Knows weight gradients, not loss gradients; forgot an update long ago; finished a lesson; left a quiz."""
    for days in (3, 2, 2):
        tried(store, "weight_gradient", 1, days)
    tried(store, "loss_gradient", 0, 1, misconception="difference-reversed")
    tried(store, "loss_gradient", 0, 0, misconception="difference-reversed", lesson="c-431", item="j")
    tried(store, "loss_gradient", 0.5, 0, misconception="factor-two-lost", tries=2, lesson="c-431", item="j")
    tried(store, "update", 1, 9)
    store.finish("gates")
    store.save_session(SavedQuiz("a", {}))
    store.save_session(SavedQuiz("b", {}, finished=True))
    return store


def test_what_the_report_says(learner):
    found = report(learner, NOW + timedelta(minutes=1))
    assert (found.profile, found.questions, found.right, found.lessons) == ("default", 6, 4, len(entries()))
    assert [skill.id for skill in found.skills] == ["loss_gradient", "update", "weight_gradient"]
    weakest, update, best = found.skills
    assert weakest.title == "Gradient at the prediction" and weakest.mastery < mastery.READY < best.mastery < 0.9
    assert (weakest.questions, weakest.right, best.questions, best.right) == (2, 0, 3, 3)
    assert best.due == learner.card("weight_gradient").due and update.is_due and not weakest.is_due and not best.is_due
    assert found.due == ("update",)
    first, second = found.misconceptions
    assert (first.id, first.count, first.lesson, first.skill) == ("difference-reversed", 2, "c-431", "loss_gradient")
    assert first.title == MISCONCEPTIONS["difference-reversed"].title and first.last.startswith("2026-03-10")
    assert (second.id, second.count) == ("factor-two-lost", 1)  # of a second try, which is no second question
    assert [(lesson.id, lesson.title) for lesson in found.finished] == [("gates", GATES)]
    assert (found.open_quizzes, found.finished_quizzes) == (1, 1)
    assert [(day.date, day.questions, day.right) for day in found.days] == [
        ("2026-03-01", 1, 1), ("2026-03-07", 1, 1), ("2026-03-08", 2, 2), ("2026-03-09", 1, 0), ("2026-03-10", 1, 0)
    ]  # fmt: skip
    assert report(learner, NOW + 400 * DAY).due == ("update", "loss_gradient", "weight_gradient")


def test_the_text(learner):
    said = text(report(learner, NOW + timedelta(minutes=1)))
    flat = " ".join(said.split())
    for part in (
        "6 questions, 4 answered rightly. 1 lesson finished;",
        "1 skill due for review. 1 quiz begun and not finished.",
        f"Gradient at the prediction {int(report(learner, NOW).skills[0].mastery * 100)}% 2 questions",
        "Due for review Update of a parameter, since 2026-03-03",
        "target minus prediction instead of prediction minus target: twice, last on 2026-03-10",
        "the 2 from the square was lost: once, last on 2026-03-10",
        f"Lessons finished {GATES}",
        "2026-03-08: 2 questions, 2 right",
    ):
        assert part in flat, part
    best = next(line for line in said.splitlines() if "Weight gradient" in line)
    assert " 79% " in best and best.endswith("#" * 11 + "...")  # three of three are no certainty
    bare = text(report(learner, NOW), bars=False)
    assert "#" not in bare and ".." not in bare and " 79% " in bare


def test_nothing_yet(store):
    found = report(store, NOW)
    assert (found.questions, found.skills, found.misconceptions, found.days) == (0, (), (), ())
    assert progress.NO_QUESTIONS in text(found) and "Mastery" not in text(found)
    assert json.loads(as_json(found))["skills"] == [] and len(as_csv(found).splitlines()) == 1


@pytest.fixture
def strange(store):
    """Everything in the database is somebody else's."""
    for number in range(40):
        at = NOW - number * DAY
        answer = GivenAnswer(ESCAPE * 50, "i", f"{ESCAPE}{number}" * 30, "x", ESCAPE, "wrong", ESCAPE * 30)
        answer = replace(answer, at=at.isoformat())
        store.record(answer, review(None, 1, at))
    for at in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        store.record(replace(answer, at=at, skill="=1+1", misconception="@cmd"))
    store.finish(ESCAPE * 100)
    store.finish("/home/" + "a" * 200 + "/mine.toml")
    store.profile = "Ada" + ESCAPE
    return store


@pytest.mark.parametrize("name", progress.FORMATS)
def test_nothing_upsets_a_terminal(strange, name):
    data = strange.export()
    strange.import_({**data, "answers": []})
    strange.profile = "default"
    strange.import_(data)
    said = progress.FORMATS[name](report(strange, NOW))
    assert all(line.isprintable() for line in said.splitlines())
    if name == "text":
        assert max(map(width, said.splitlines())) <= 80 and "Questions by day, the last 14 such days" in said


def test_text_is_80_columns_wide_at_most_and_survives_ascii(store):
    for skill in mastery.SKILLS:
        tried(store, skill, 1)
    for id in MISCONCEPTIONS:
        tried(store, "loss", 0, misconception=id)
    said = text(report(store, NOW + 90 * DAY))
    assert max(map(width, said.splitlines())) <= 80
    for line in said.splitlines():
        assert len(to_ascii(line)) <= 2 * 80 and to_ascii(line).isascii()
    assert all(skill.title in said for skill in mastery.SKILLS.values())


def test_a_profile_is_named(tmp_path):
    with Store.open(profile="Ada") as store:
        assert text(report(store, NOW)).startswith("Progress of Ada\n")
    with Store.open() as store:
        assert text(report(store, NOW)).startswith("Your progress\n")


def test_json_has_every_field(learner):
    found = json.loads(as_json(report(learner, NOW + timedelta(minutes=1))))
    assert set(found) == set(progress.Progress.__dataclass_fields__)
    assert found["skills"][1] == {
        "id": "update", "title": "Update of a parameter", "mastery": learner_mastery(learner, "update"),
        "questions": 1, "right": 1, "due": learner.card("update").due, "is_due": True,
    }  # fmt: skip


def learner_mastery(store, skill):
    return mastery.mastery(store.answers(skill=skill))


def test_csv_is_one_table(learner):
    rows = list(csv.DictReader(as_csv(report(learner, NOW)).splitlines()))
    assert [row["what"] for row in rows] == ["skill"] * 3 + ["misconception"] * 2 + ["lesson"] + ["day"] * 5
    assert rows[0]["id"] == "loss_gradient" and 0.75 < float(rows[2]["mastery"]) < 0.9
    assert (rows[3]["count"], rows[-1]["at"], rows[-1]["count"]) == ("2", "2026-03-10", "1")


def test_csv_has_no_formulas(strange):
    data = strange.export()
    strange.profile = "default"
    rows = list(csv.reader(as_csv(report(strange, NOW)).splitlines()))
    assert data["answers"] == [] and "'=1+1" in {row[1] for row in rows} and "'@cmd" in {row[1] for row in rows}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


# Files


def test_a_file_moves_everything_to_another_machine(learner, tmp_path):
    path = tmp_path / "mine.json"
    counts = export_file(learner, path)
    assert counts == {"answers": 7, "cards": 3, "sessions": 2, "finished": 1, "places": 0, "exercises": 0}
    with Store.open(tmp_path / "other.db") as other:
        assert import_file(other, path) == counts
        assert set(import_file(other, path).values()) == {0}
        assert replace(report(other, NOW), profile="default") == report(learner, NOW)
    said = "7 answers, 3 skills to review, 2 quizzes, 1 finished lesson, 0 places in lessons, 0 exercises of the lab"
    assert counted(counts) == said
    assert os.stat(path).st_mode & 0o077 == 0  # nobody else's business


def test_an_export_replaces_an_export_and_nothing_else(learner, tmp_path):
    path, link = tmp_path / "mine.json", tmp_path / "link.json"
    link.symlink_to(path)
    for _ in range(2):
        export_file(learner, link)
        assert link.is_symlink() and json.loads(path.read_text())["version"] == 1
        tried(learner, "loss", 1)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "lesson.toml").write_text("precious")
    for name in ("lesson.toml", "pipe", "."):
        with pytest.raises(ProgressError, match="choose another name"):
            export_file(learner, tmp_path / name)
    assert (tmp_path / "lesson.toml").read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["lesson.toml", "link.json", "mine.json", "pipe"]


def test_an_export_that_fails_leaves_the_old_one(learner, tmp_path, monkeypatch):
    export_file(learner, path := tmp_path / "mine.json")
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ProgressError, match=r"^.*mine\.json cannot be written: No space left on device\.$"):
        export_file(learner, path)
    assert path.read_bytes() == before and sorted(os.listdir(tmp_path)) == ["mine.json"]


@pytest.mark.parametrize("name", ["missing/mine.json", "a\0b", "x" * 300])
def test_a_name_that_can_be_no_file_is_said(store, tmp_path, name):
    with pytest.raises(ProgressError, match="cannot be written"):
        export_file(store, tmp_path / name)
    with pytest.raises(ProgressError, match="cannot be read") as raised:
        import_file(store, tmp_path / name)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    "content, says",
    [
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not an export"),
        (b'{"format": "backprop-tutor progress", "version": 2}', "newer version"),
        (b'{"format": "backprop-tutor progress", "version": 1, "answers": [{"lesson\\u001b": 1}]}', r"answers\[0\]"),
        (b'{"format": "backprop-tutor progress", "version": 1, "finished": {"\\u001b": 1}}', "ISO time"),
        (b" " * 2000 + b"{}", "too large"),
    ],
)
def test_a_file_that_is_no_progress_is_said(store, tmp_path, monkeypatch, content, says):
    monkeypatch.setattr(progress, "MAX_BYTES", max(len(content), 2000) if says != "too large" else 2000)
    path = tmp_path / "strange.json"
    path.write_bytes(content)
    with pytest.raises(ProgressError, match=says) as raised:
        import_file(store, path)
    message = str(raised.value)
    assert message.isprintable() and message.endswith(".") and str(path) in message
    assert store.answers() == [] and store.finished() == set() and store.warning is None


def test_the_documented_keys_are_those_of_the_report(store):
    """docs/progress.md names every key of the JSON, and every kind of row and column of the CSV."""
    text = (Path(__file__).parent.parent / "docs" / "progress.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", text))
    parts = (progress.SkillProgress, progress.Met, progress.Finished, progress.Day, progress.TriedExercise)
    for kind in (progress.Progress, *parts):
        assert {field.name for field in fields(kind)} <= named, kind
    header = progress.as_csv(progress.report(store)).splitlines()[0]
    assert set(header.split(",")) <= named
