"""The commands for a teacher: new, schema, glossary, lessons of one's own, and watching where it cannot be."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tutor.cli import authoring
from tutor.cli.commands import main
from tutor.lessonfiles import catalogue, schema
from tutor.lessonfiles.check import examine, load
from tutor.lessonfiles.positions import LessonError, Problem
from tutor.lessonfiles.scaffold import lesson_text
from tutor.text.glossary import TERMS


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())


@pytest.fixture
def run(capsys):
    def run(*args: str) -> tuple[int, str, str]:
        code = main(args)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "course"
    made.mkdir()
    (made / "10-last.toml").write_text(lesson_text(Path("last.toml")), encoding="utf-8")
    (made / "2-first.toml").write_text(lesson_text(Path("first.toml")), encoding="utf-8")
    (made / "3-gates.toml").write_text(lesson_text(Path("my_gates.toml")), encoding="utf-8")
    (made / "4-broken.toml").write_text(lesson_text(Path("b.toml")).replace("units = 1", "units = 0"), encoding="utf-8")
    return made


# ---------------------------------------------------------------- new, schema, glossary


@pytest.mark.parametrize(
    "name", ["mine.toml", "mine", "07-the_chain-rule.toml", 'a "quoted" {name} é.toml', "ten\\s.toml"]
)
def test_a_new_lesson_is_without_fault_and_holds_what_it_expects(run, name):
    code, out, err = run("new", name)
    path = Path(name if name.endswith(".toml") else name + ".toml")
    assert (code, err) == (0, "") and "Written: " in out
    lesson, found = examine(path)
    assert found == [] and len(lesson.expect) == 2 and len(lesson.questions) == 2 and lesson.notes
    assert run("trace", str(path))[0] == 0


def test_a_new_lesson_about_arrays_is_without_fault_too(run):
    code, out, err = run("new", "mine", "--arrays")
    assert (code, err) == (0, "") and "Written: " in out
    lesson, found = examine("mine.toml")
    assert found == [] and len(lesson.expect) == 3 and lesson.circuit.parameters == ("W", "b") and lesson.questions
    assert run("trace", "mine.toml", "--level", "matrix")[0] == 0


def test_the_title_of_a_new_lesson_is_its_name(run):
    run("new", "07-the_chain-rule.toml")
    assert load("07-the_chain-rule.toml").title == "The chain rule"


def test_a_new_lesson_overwrites_nothing(run):
    Path("mine.toml").write_text("precious")
    code, out, err = run("new", "mine")
    assert (code, out) == (2, "") and "there already" in err and Path("mine.toml").read_text() == "precious"
    os.symlink("elsewhere.toml", "link.toml")
    assert run("new", "link.toml")[0] == 2 and not Path("elsewhere.toml").exists()


@pytest.mark.parametrize("name, shown", [("my lesson", "'my lesson.toml'"), ("-x", os.path.join(".", "-x.toml"))])
def test_the_command_that_it_names_can_be_copied(run, name, shown, monkeypatch):
    monkeypatch.setattr(os, "name", "posix")
    assert f"play {shown} --watch" in run("new", "--", name)[1]
    Path(f"{name}.toml").write_text("", encoding="utf-8")
    assert f"check {shown}\n" in run("list", "--lessons", ".")[1]


def test_half_a_lesson_is_not_left_on_a_full_disk(run, monkeypatch):
    class Full(io.StringIO):
        def flush(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    def full(path, mode, encoding):
        path.touch(exist_ok=False)
        return Full()

    monkeypatch.setattr(authoring, "open", full, raising=False)
    code, _, err = run("new", "x")
    assert code == 2 and "No space left" in err and not Path("x.toml").exists()


@pytest.mark.parametrize(
    "name", ["no/such/folder/x.toml", "x" * 300, "a\0b", "", ".toml", "course/", ".", "..", "./", "new/", ".x"]
)
def test_where_nothing_can_be_written_it_says_so(run, name):
    code, _, err = run("new", name)
    assert code == 2 and err.count("\n") == 1


def test_schema_is_what_is_shipped(run):
    code, out, _ = run("schema")
    assert code == 0 and out == schema.as_json() and "properties" in json.loads(out)


def test_glossary(run):
    code, out, _ = run("glossary", "chain", "rule")
    assert code == 0 and out.startswith("Chain rule\n  Multiply the local derivatives along a path")
    code, out, _ = run("glossary")
    assert code == 0 and all(term in " ".join(out.split()).casefold() for term in TERMS)
    code, out, _ = run("glossary", "zzz\x1b[31m")
    assert code == 1 and "\x1b" not in out and "has no" in out
    assert max(map(len, run("glossary", "gradient")[1].splitlines())) <= 78


def test_the_glossary_in_line_mode(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("glossary step size\nglossary\nquit\n"))
    code, out, _ = run("play", "gates", "--plain")
    assert code == 0 and "Learning rate\n  How far a step" in out and "gate, circuit, local derivative" in out


# ---------------------------------------------------------------- lessons of one's own


def listed(out: str) -> list[str]:
    return [line.split()[0] for line in out.splitlines() if line.startswith("  ")]


@pytest.mark.parametrize("way", ["before", "after", "equals", "environment", "data"])
def test_every_way_to_name_a_folder(run, folder, monkeypatch, data_folder, way):
    args = ["list"]
    if way == "environment":
        monkeypatch.setenv("BACKPROP_TUTOR_LESSONS", os.pathsep.join(("", str(folder), str(folder))))
    elif way == "data":
        data_folder.mkdir(exist_ok=True)
        shutil.move(folder, data_folder / "lessons")  # on another disc, it may be
    else:
        args = {"before": ["--lessons", str(folder), "list"], "after": ["list", "--lessons", str(folder)],
                "equals": [f"--lessons={folder}", "list"]}[way]  # fmt: skip
    code, out, _ = run(*args)
    ours = [entry.id for entry in catalogue.entries()]
    assert code == 0 and listed(out) == [*ours, "first", "gates", "broken", "last"]  # by number, ours first
    assert "My lessons (" in out and "cannot be used: 4-broken.toml has 1 problem: backprop-tutor check" in out


@pytest.mark.parametrize("command", [["trace"], ["grade"], ["drill", "--skills"], ["train"]])
def test_a_folder_of_the_option_goes_before_ours_in_every_command(run, folder, monkeypatch, command):
    seen = []
    monkeypatch.setattr(
        "tutor.lessonfiles.check.load",
        lambda path: seen.append(path) or (_ for _ in ()).throw(LessonError([Problem("x", 1, 1, "seen")])),
    )
    more = ["z1", "1"] if command == ["grade"] else []
    run(command[0], "gates", *command[1:], *more, "--lessons", str(folder))
    assert [path.parent for path in seen[:1]] == [folder]


def test_two_lessons_with_one_id_are_told(run, folder):
    out = run("list", "--lessons", str(folder))[1]
    (ours,) = [line for line in out.splitlines() if "this one:" in line]
    assert "gates opens" in ours and str(catalogue.data_dir("lessons")) in ours
    (folder / "07-first.toml").write_text((folder / "2-first.toml").read_text())
    (line,) = [x for x in run("list", "--lessons", str(folder))[1].splitlines() if "this one:" in x and "first" in x]
    assert "07-first.toml" in line
    out = run("check", str(folder / "07-first.toml"))[1]
    assert "warning: another lesson is called 'first': it is 2-first.toml, in the same folder" in out
    out = run("check", str(next(folder.glob("*gates.toml"))))[1]
    assert "warning: another lesson is called 'gates': it comes with the tutor" in out


def test_the_bare_command_takes_folders(run, folder):
    code, out, _ = run("--lessons", str(folder))
    assert code == 0 and "needs a terminal" in out and "first" in listed(out)


def test_a_folder_that_is_not_there(run, monkeypatch, folder):
    code, out, err = run("list", "--lessons", "nowhere")
    assert (code, out) == (2, "") and "there is no folder 'nowhere'" in err
    monkeypatch.setenv("BACKPROP_TUTOR_LESSONS", os.pathsep.join(("nowhere", str(folder))))
    code, out, _ = run("list")  # said in place, and the others are there
    assert code == 0 and "cannot be used: " in out and "No such file" in out and "first" in listed(out)


def test_an_own_lesson_by_its_id_and_one_of_ours_before_it(run, folder, monkeypatch):
    code, out, _ = run("play", "first", "--plain", "--lessons", str(folder))
    assert code == 0 and out.startswith("First\n")
    # a folder that is named on the command line is meant; one that is always there takes no id away
    assert run("play", "gates", "--plain", "--lessons", str(folder))[1].startswith("My gates\n")
    with monkeypatch.context() as patched:
        patched.setenv("BACKPROP_TUTOR_LESSONS", str(folder))
        assert run("play", "gates", "--plain")[1].startswith("The chain rule in two gates")
    assert run("trace", "02-first", "--lessons", str(folder))[0] == 2
    code, _, err = run("trace", "frist", "--lessons", str(folder))
    assert code == 2 and "did you mean 'first'?" in err


def test_every_command_that_takes_a_lesson_takes_folders(run, folder):
    where = ("--lessons", str(folder))
    assert run("trace", "first", *where)[0] == run("drill", "first", "--skills", *where)[0] == 0
    assert run("quiz", "first", "--plain", *where)[0] == 0
    assert run("grade", "first", "dL/dW1[1,1]", *where, "--", "-2.3")[0] == 0


def test_prerequisites_may_be_in_a_folder_of_ones_own(run, folder, tmp_path):
    lesson = lesson_text(Path("x.toml")).replace("requires = []", 'requires = ["first"]')
    (tmp_path / "x.toml").write_text(lesson, encoding="utf-8")
    assert run("check", "x.toml")[0] == 1
    assert run("check", "x.toml", "--lessons", str(folder))[0] == 0


def test_the_list_as_json_names_the_folder(run, folder):
    records = {r["path"]: r for r in json.loads(run("list", "--format", "json", "--lessons", str(folder))[1])}
    mine = records[str(folder / "3-gates.toml")]
    assert mine["id"] == "gates" and mine["folder"] == str(folder) and mine["error"] is None
    assert "1 problem" in records[str(folder / "4-broken.toml")]["error"]
    assert [r["folder"] for r in records.values() if r["id"] == "gates"] == [None, str(folder)]


def test_a_file_name_that_is_no_text_is_in_the_list_too(run, monkeypatch):
    path = Path("bad\udcff.toml")  # as Python reads a name with the byte 0xff
    entry = catalogue.shelf([])[0]._replace(path=path)
    monkeypatch.setattr(catalogue, "shelf", lambda folders: [entry])
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert main(["list", "--format", "json"]) == 0
    assert json.loads(sys.stdout.buffer.getvalue())[0]["path"] == str(path)


def test_watching_needs_a_screen(run, folder):
    for args in (("--watch",), ("--watch", "--plain")):
        code, out, err = run("play", str(folder / "2-first.toml"), *args)
        assert (code, out) == (2, "") and "--watch needs the full screen" in err
