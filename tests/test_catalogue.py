"""The list of lessons: heads alone, fast, and a broken file never hides the rest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from effort import effort
from tutor.lessonfiles.catalogue import MAX_BYTES, data_dir, entries, find, nearest, one_line

HEAD = """format = 1
title = "Gates"
summary = "add, multiply, max"
unit = "Circuits"
level = "matrix"
requires = ["a", "b"]
"""
BODY = """
[circuit]
define = ["f = x * y"]
output = "f"
"""


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "lessons"
    made.mkdir()
    return made


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        (folder / f"{name}.toml").write_bytes(content.encode() if isinstance(content, str) else content)


def test_an_entry_has_what_the_head_says(folder):
    write(folder, {"01-gates": HEAD + BODY})
    (entry,) = entries(folder)
    assert (entry.id, entry.number, entry.title, entry.summary) == ("gates", 1, "Gates", "add, multiply, max")
    assert (entry.unit, entry.level, entry.requires) == ("Circuits", "matrix", ("a", "b"))
    assert entry.path == folder / "01-gates.toml" and entry.error is None


def test_entries_are_sorted_by_file_name_and_other_files_are_no_lessons(folder):
    write(folder, {"02-b": HEAD, "01-z": HEAD, "free": HEAD})
    (folder / "README.md").write_text("no lesson")
    (folder / ".hidden.toml").write_text("no lesson")
    assert [(entry.id, entry.number) for entry in entries(folder)] == [("z", 1), ("b", 2), ("free", None)]


def test_what_the_head_leaves_out_has_a_default(folder):
    write(folder, {"01-gates": "format = 1" + BODY})
    (entry,) = entries(folder)
    assert (entry.title, entry.summary, entry.unit, entry.level, entry.requires) == ("gates", "", "", "scalar", ())
    assert entry.error is None


@pytest.mark.parametrize(
    "prose",
    [
        'intro = """\n[a link](to) at the start of a line\n"""\n',
        'intro = """\nquotes \\""" and ""two"" and a \\\\ backslash"""""\n',
        "intro = '''\nit's [one]\n[two] and 'three'\n'''\n",
        'other = """\n[not a table]\n"""\n',
        "many = [\n[1, 2],\n  [3, 4],\n]\n",
        '# """\n',
        'quoted = \'intro = """\'\n',
    ],
)
def test_a_bracket_in_a_text_does_not_end_the_head(folder, prose):
    write(folder, {"01-gates": "format = 1\n" + prose + 'title = "After"\n' + BODY})
    (entry,) = entries(folder)
    assert (entry.title, entry.error) == ("After", None)


def test_an_error_below_the_head_does_not_matter_for_the_list(folder):
    write(folder, {"01-gates": HEAD + "[circuit]\n= nonsense [[["})
    (entry,) = entries(folder)
    assert (entry.title, entry.error) == ("Gates", None)


BROKEN = {
    "syntax": (b"title = = 1\n", "line 1"),
    "unclosed": (b'intro = """\nnever closed', ""),
    "latin": ('title = "Übung"'.encode("latin-1"), "UTF-8"),
    "binary": (bytes(range(256)), ""),
    "number": (b"title = 5", "title is not a text"),
    "table": (b'level = {a = 1}\ntitle = "kept"', "level is not a text"),
    "requires": (b'requires = ["a", 2]', "requires"),
    "deep": (b"x = " + b"[" * 100_000, ""),
    "large": (b"#" * (MAX_BYTES + 1), "4 MiB"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_lesson_says_so_and_hides_no_other(folder, kind):
    data, said = BROKEN[kind]
    write(folder, {"01-first": HEAD, "02-broken": data, "03-last": HEAD})
    first, broken, last = entries(folder)
    assert first.error is None and last.error is None
    assert broken.id == "broken" and broken.title
    assert broken.error and said in broken.error
    assert broken.error.isprintable() and len(broken.error) <= 300


def test_what_is_no_readable_file_says_so(folder):
    write(folder, {"01-first": HEAD})
    (folder / "02-folder.toml").mkdir()
    (folder / "03-dangling.toml").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "04-pipe.toml")  # reading it would wait for ever
    assert [bool(entry.error) for entry in entries(folder)] == [False, True, True, True]


def test_a_folder_that_is_not_there_has_no_lessons(folder):
    assert entries(folder / "nowhere") == []
    assert find("gates", folder / "nowhere") is None and nearest("gates", folder / "nowhere") == []


@given(data=st.binary(max_size=200) | st.text(alphabet="title=\"'[]{}\n #\\ulevr1.", max_size=80).map(str.encode))
def test_no_content_makes_the_list_fail(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("lessons")
    write(folder, {"01-any": data})
    (entry,) = entries(folder)
    assert all(text.isprintable() for text in (entry.title, entry.summary, entry.unit, entry.level, entry.error or ""))


def test_titles_bring_no_control_characters_to_the_screen(folder):
    write(folder, {"01-sly": 'title = "a\\u001b[2Jb\\u202ec\\u200bd\\n  e ∂ŷ"\nsummary = "' + "x" * 10_000 + '"'})
    (entry,) = entries(folder)
    assert entry.title == "a�[2Jb�c�d e ∂ŷ"
    assert len(entry.summary) == 300 and entry.summary.endswith("…")


@given(st.text())
def test_one_line_is_printable(text):
    assert one_line(text).isprintable()
    assert one_line(one_line(text)) == one_line(text)


def test_find_by_id_slug_or_file_name_and_never_outside(folder):
    write(folder, {"01-gates": HEAD, "02-neuron": HEAD})
    path = folder / "01-gates.toml"
    assert {find(name, folder) for name in ("gates", "01-gates", "01-gates.toml", "Gates")} == {path}
    (folder.parent / "other.toml").write_text(HEAD)
    assert [find(name, folder) for name in ("", "gate", "../other", "../other.toml", "\0")] == [None] * 5


def test_nearest_ids(folder):
    write(folder, {"01-gates": HEAD, "02-neuron": HEAD, "03-regression": HEAD})
    assert nearest("gatse", folder) == ["gates"]
    assert nearest("regr", folder) == ["regression"]
    assert nearest("01-gate.toml", folder) == ["gates"]
    assert nearest("xyz", folder) == nearest("", folder) == []


def test_bundled_lessons_and_assets_are_found():
    root = Path(__file__).resolve().parent.parent
    assert data_dir("lessons") == root / "lessons" and data_dir("assets") == root / "assets"
    assert [entry.error for entry in entries() if entry.error] == []


def test_what_a_list_shows_is_read_without_reading_the_lessons_whole(folder):
    text = HEAD + 'intro = """\n' + "[A link](x) and a sentence of prose.\n" * 50 + '"""\n' + BODY * 20
    write(folder, {f"{number:02d}-lesson": text for number in range(20)})
    assert len(entries(folder)) == 20
    assert effort(lambda: entries(folder)) < 20 * 1000


def test_of_a_long_file_the_list_reads_the_beginning(folder, monkeypatch):
    """Whatever a folder holds, the home screen waits for no more than a bounded part of each file."""
    import tomllib

    from tutor.lessonfiles import catalogue

    read = []
    loads = tomllib.loads
    monkeypatch.setattr(tomllib, "loads", lambda text: read.append(len(text)) or loads(text))
    data = "examples = [" + "{inputs = [1], targets = [1]},\n" * 60_000 + "]\n"
    write(folder, {
        "01-inline": HEAD + data + BODY, "02-late": "format = 1\n" + data + HEAD.replace("format = 1\n", "") + BODY,
        "03-blanks": HEAD + " " * 3_000_000 + BODY,
        "04-open": HEAD + '"""' * 999_999, "05-deep": HEAD + "[" * 3_000_000,
        "06-prose": HEAD + "intro = '''\n" + "words\n[not a table]\n" * 150_000 + "'''\n" + BODY,
    })  # fmt: skip
    found = entries(folder)
    assert sum(read) < 12 * catalogue.HEAD_BYTES
    assert [entry.title for entry in found] == ["Gates", "late", *["Gates"] * 4]
    assert not found[0].error and not found[5].error
