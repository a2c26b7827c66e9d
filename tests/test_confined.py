"""Confinement: what a visitor types opens, writes and starts nothing of the machine, and no path of it is told."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from strategies import bundled
from tutor import confined
from tutor.learner.store import Store
from tutor.lessonfiles.writing import CannotWrite, save
from tutor.questions.mastery import GivenAnswer
from tutor.solutions.files import read_arrays
from tutor.tui.app import TutorApp
from tutor.tui.lines import Lines
from tutor.tui.whatif import WhatIfScreen

LESSON = 'format = 1\ntitle = "Mine"\n[circuit]\ndefine = ["f = x"]\noutput = "f"\n[circuit.inputs]\nx = 1\n'


def test_the_walls(tmp_path):
    own, lessons = tmp_path / "own", tmp_path / "lessons"
    for folder in (own, lessons):
        folder.mkdir()
    (tmp_path / "lessons-of-others").mkdir()
    walls = confined.Walls([lessons], own)
    read, write = os.O_RDONLY, os.O_WRONLY | os.O_CREAT
    good = [(own, read), (own / "a", write), (own / "b" / "c", read), (lessons / "x.toml", read), (7, write)]
    for path, flags in (*good, (os.fsencode(lessons / "x.toml"), read), (os.devnull, write), ("/dev/urandom", read)):
        walls("open", (path, None, flags))
    walls("os.mkdir", (own / "lab", 0o777, -1))
    walls("os.listdir", (lessons,))
    walls("socket.bind", (None, None))
    bad = [
        ("open", (lessons / "x.toml", "w", write)), ("open", (lessons / "x.toml", "r+", os.O_RDWR)),
        ("open", (tmp_path / "lessons-of-others" / "x", "r", read)), ("open", (own / ".." / "secret", "r", read)),
        ("open", (b"/etc/passwd", "r", read)), ("open", (tmp_path, "r", read)), ("os.listdir", (tmp_path,)),
        ("os.rename", (own / "a", tmp_path / "a", -1, -1)), ("os.rename", (lessons / "a", own / "a", -1, -1)),
        ("os.remove", (lessons / "a", -1)), ("os.symlink", (tmp_path / "a", own / "a", -1)), ("os.scandir", (".",)),
        ("subprocess.Popen", ("cc", ["cc"], None, None)), ("os.system", (b"id",)), ("os.posix_spawn", ("id", [], {})),
    ]  # fmt: skip
    for event, args in bad:
        with pytest.raises(PermissionError) as error:
            walls(event, args)
        assert "here" in error.value.strerror


CODE = """
import os, subprocess, sys
from pathlib import Path
from tutor import confined
lessons, own, outside = map(Path, sys.argv[1:])
os.chdir(own)
confined.begin([lessons], own)
def tried(act):
    try: act()
    except PermissionError: return "refused"
    except Exception as error: return type(error).__name__
    return "done"
from tutor.lessonfiles.check import load
from tutor.learner.store import Store
from tutor.learner.rows import Place
lesson = load(lessons / "mine.toml")
with Store.open(own / "tutor.db") as store:
    store.save_place("mine", Place("f", "scalar", "delta", 1, 0))
from tutor.solutions.files import read_arrays
from tutor.lab.runner import run
print(lesson.title, store.warning, *map(tried, [
    lambda: open(outside / "secret.csv").read(), lambda: os.listdir(outside), lambda: (outside / "new").write_text("x"),
    lambda: read_arrays(outside / "secret.csv"), lambda: read_arrays(str(own / "tutor.db")),
    lambda: load(outside / "other.toml"), lambda: subprocess.run([sys.executable, "-V"]), lambda: os.system("true"),
    lambda: (own / "kept").write_text("x"), lambda: __import__("csv"),
]))
"""


def test_a_confined_process_reads_its_lessons_and_keeps_its_own_and_nothing_else(tmp_path):
    lessons, own, outside = (tmp_path / name for name in ("lessons", "own", "outside"))
    for folder in (lessons, own, outside):
        folder.mkdir()
    (lessons / "mine.toml").write_text(LESSON, encoding="utf-8")
    (outside / "other.toml").write_text(LESSON, encoding="utf-8")
    (outside / "secret.csv").write_text("dL/df,1\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", CODE, lessons, own, outside], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["Mine", "None", *["refused"] * 5, "LessonError", *["refused"] * 2, "done", "done"]


def test_what_a_visitor_types_opens_nothing_and_a_path_is_not_told(tmp_path, monkeypatch):
    file = tmp_path / "mine.csv"
    file.write_text("dL/df,1\n", encoding="utf-8")
    assert read_arrays(file)[0].name == "dL/df"
    monkeypatch.setattr(confined, "_begun", True)
    with pytest.raises(PermissionError):
        read_arrays(str(file))
    assert read_arrays("what was pasted", file.read_bytes())
    with pytest.raises(CannotWrite, match="no file of this machine"):
        save("format = 1\n", tmp_path / "new.toml")
    with pytest.raises(CannotWrite):
        save("format = 1\n", file, overwrite=True)
    assert os.listdir(tmp_path) == ["mine.csv"] and confined.told(file) == "mine.csv"


async def test_a_visitors_screen_has_no_lab_and_asks_for_no_file_and_saves_to_the_browser(tmp_path, monkeypatch):
    monkeypatch.setattr(confined, "_begun", True)
    handed = []
    monkeypatch.setattr(TutorApp, "deliver_text", lambda _, file, **said: handed.append((file.read(), said)))
    with Store.open(tmp_path / "tutor.db") as store:
        app = TutorApp(store)
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.press("ctrl+e")
            await pilot.pause()
            assert len(app.screen_stack) == 1 and "own machine" in next(iter(app._notifications)).message
            app.play(bundled("gates"), "gates")
            await pilot.pause()
            await pilot.press("enter", "D")  # past the introduction
            await pilot.pause()
            said = " ".join(map(str, app.screen.query_one("#terms", Lines).lines))
            assert "Paste your numbers" in said and "npz" not in said
            await pilot.press(*"/etc/passwd", "enter")
            await pilot.pause()
            assert "no file of this machine" in " ".join(map(str, app.screen.query_one("#terms", Lines).lines))
            await pilot.press("escape", "w")
            await pilot.pause()
            assert isinstance(app.screen, WhatIfScreen)
            await pilot.press("s")
            await pilot.pause()
    ((text, said),) = handed
    assert "format = 1" in text and said["save_filename"] == "gates-what-if.toml"


async def test_no_path_of_a_teachers_folder_is_on_a_visitors_screen(tmp_path, monkeypatch):
    monkeypatch.setattr(confined, "_begun", True)
    course = tmp_path / "home-of-a-teacher" / "course"
    course.mkdir(parents=True)
    file = course / "mine.toml"
    file.write_text(LESSON, encoding="utf-8")
    (course / "broken.toml").write_text("format = 1\ntitle = 7\n", encoding="utf-8")
    answer = GivenAnswer(
        str(file), "value:f", "forward", "value", "2", "wrong", None, 0.0, at="2026-03-01T10:00:00+00:00", id="1"
    )
    with Store.open(tmp_path / "home-of-a-teacher" / "tutor.db") as store:
        store.record(answer)
        app = TutorApp(store, folders=[course])
        async with app.run_test(size=(160, 48)) as pilot:
            await app.workers.wait_for_complete()
            seen = []
            for keys in (
                *(
                    list("broken"),
                    ["enter"],
                    ["escape", "escape"],
                    list("mine"),
                    ["enter"],
                    ["escape", "i"],
                    ["escape", "h"],
                ),
                *(["ctrl+x"], ["escape"], ["ctrl+o"], ["escape", "ctrl+g"]),
            ):
                await pilot.press(*keys)
                await pilot.pause()
                seen.append(app.export_screenshot())
    assert "(course)" in seen[0] and "broken.toml&#160;has" in seen[1]
    assert len(set(seen)) >= 8 and not [text for text in seen if "home-of" in text]
