"""What could steer a terminal, or hide, never leaves: planted in every field, name and answer, read at every exit."""

from __future__ import annotations

import io
import json
import sys
import tomllib
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import Input

from each import each
from tutor.cli.commands import main
from tutor.engine.lesson import AuthorQuestion, Note
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.catalogue import one_line
from tutor.lessonfiles.check import load
from tutor.lessonfiles.writing import toml
from tutor.play.whatif import WhatIf
from tutor.text.output import FORBIDDEN, Gate, escape, json_text, shown, write_whole
from tutor.tui.app import TutorApp
from tutor.tui.compare import CompareScreen

POISON = "\x1b]0;pwned\x07\x9b31m\x00\r\u202e\u200b\xad\u180e\u2062\u206a\ufffb\U000e0041\u3164\u115f\u200d\ufeff\u2028"
NAME = "x\x1b]0;pwned\x07\u202e\u200b\xad\u3164"  # what a file's name can hold


def leaks(text: str) -> list[str]:
    return [f"U+{ord(match[0]):04X}" for match in FORBIDDEN.finditer(text)]


# ---------------------------------------------------------------- the gate


@each("low, high", [
    (0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160),
    (0x17B4, 0x17B5), (0x180B, 0x180E), (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F), (0xE0100, 0xE01EF), (0xD800, 0xDFFF),
])  # fmt: skip
def test_what_is_not_let_out(low, high):
    for code in range(low, high + 1):
        char = chr(code)
        for text in (char, f"a{char}b", f"a {char}"):
            assert not leaks(shown(text)) and not leaks(escape(text)) and not leaks(one_line(text)), f"U+{code:04X}"
            assert json.loads(json_text(text)) == text and not leaks(json_text(text))


def test_what_people_write_is_let_out_as_it_is():
    for text in (
        "می\u200cخواهم", "क्\u200dष", "ক\u09cd\u200cষ", "σ(z₁) − ∂L/∂w ≤ ½ ⊙",
        "naïve", "日本語", "한국어", "עברית", "❤\ufe0f",
    ):  # fmt: skip
        assert shown(text) == escape(text) == one_line(text) == text
    for text in ("\u200cمی", "می\u200d", "a\u200db", "1\u200c2", "می\u200c\u200cخ"):
        assert leaks(text)


@given(st.text(st.characters() | st.sampled_from(POISON + "مष\u200c\u200d")))
def test_nothing_is_made_that_is_not_let_out(text):
    for out in (shown(text), escape(text), one_line(text)):
        assert not leaks(out)
    assert "\n" not in escape(text) and "\t" not in escape(text)


def test_a_stream_behind_the_gate(capsys):
    print(f"a\tb\n{POISON}", file=Gate(sys.stdout))
    Gate(sys.stdout).writelines([POISON, "\x1b"])
    out = capsys.readouterr().out
    assert out.startswith("a\tb\n\\x1b]0;pwned") and not leaks(out)


def test_a_file_is_replaced_whole_keeps_its_permissions_and_a_link_stays(tmp_path):
    file, link = tmp_path / "a.txt", tmp_path / "b.txt"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    write_whole(link, b"new")
    assert file.read_bytes() == b"new" and file.stat().st_mode & 0o777 == 0o640 and link.is_symlink()
    write_whole(tmp_path / "c.txt", b"mine")
    assert (tmp_path / "c.txt").stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt", "c.txt"]


# ---------------------------------------------------------------- commands


def places(values):
    """The places of a lesson's values where a text is; of many alike (the step of a note) the first and the last."""
    alike = defaultdict(list)
    for path in texts(values):
        alike[tuple(key for key in path if isinstance(key, str))].append(path)
    return [path for paths in alike.values() for path in dict.fromkeys((paths[0], paths[-1]))]


def texts(value, path=()):
    if isinstance(value, str):
        yield path
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from texts(part, (*path, key))


def planted(value, path):
    if not path:
        return value + POISON
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = planted(value[path[0]], path[1:])
    return copy


def told(capsys, *argv: str) -> str:
    main(list(argv))
    said = capsys.readouterr()
    assert not leaks(said.out) and not leaks(said.err), (argv, leaks(said.out + said.err))
    assert "Traceback" not in said.err and "defect" not in said.err, said.err
    return said.out + said.err


@pytest.mark.parametrize("id", ["gates", "xor", "flowers"])
def test_a_lesson_with_anything_in_any_field(id, tmp_path, capsys, monkeypatch):
    values = tomllib.loads(catalogue.find(id).read_text())
    monkeypatch.setattr("sys.stdin", io.StringIO())
    file = tmp_path / "lesson.toml"
    for path in places(values):
        file.write_text(toml(planted(values, path)))
        out = told(capsys, "check", str(file))
        assert "error" in out, path
        if len(path) == 1:  # what the list reads
            told(capsys, "play", str(file), "--plain")
            told(capsys, "list", "--lessons", str(tmp_path))


HEAD = """
format = 1
title = "Classes"
examples = "data.csv"
class = "class"
[network]
inputs = ["p", "q"]
loss = "cross_entropy"
[[network.layers]]
units = 2
activation = "softmax"
weights = [[1, 2], [0, 1]]
[training]
batch = 1
learning_rate = 0.1
"""


@pytest.fixture
def table(tmp_path) -> Path:
    """A lesson of one's own whose folder, file and classes have names that nobody should see raw."""
    folder = tmp_path / NAME
    folder.mkdir()
    classes = [f"A{POISON}".replace("\x00", "").replace("\r", "").replace("\u2028", ""), "B\x9b31m\u202e"]
    rows = "".join(f"{k},{1 - k},{classes[k % 2]}\n" for k in range(4))
    (folder / "data.csv").write_bytes(f"p,q,class\n{rows}".encode())
    file = folder / f"{NAME}.toml"
    file.write_text(HEAD)
    return file


COMMANDS = [
    ["check", "{}"], ["trace", "{}"], ["trace", "{}", "--format", "json"], ["trace", "{}", "--format", "markdown"],
    ["train", "{}"], ["train", "{}", "--format", "json"], ["play", "{}", "--plain"], ["quiz", "{}", "--seed", "1"],
    ["drill", "{}"], ["drill", "{}", "--skills"], ["compare", "{}", "learning_rate", POISON],
    ["grade", "{}", "z1", POISON], ["compare", "{}", "learning_rate", "0.1", "1"],
    ["grade", "{}", POISON, "1"], ["grade", "{}", "z1[1]", POISON, "--format", "json"], ["glossary", POISON], [POISON],
    ["play", POISON], ["trace", "{}", "--notation", POISON], ["trace", "{}", "--iteration", POISON], ["list"],
    ["list", "--format", "json"], ["progress"], ["progress", "--format", "json"], ["progress", "--format", "csv"],
    ["--profile", NAME, "progress"], ["--profile", NAME, "progress", "--format", "json"], ["--profile", POISON, "list"],
    ["progress", "--import", NAME], ["progress", "--export", f"/nowhere/{NAME}"], ["progress", "--import", "{}"],
    ["new", NAME], ["check", f"/nowhere/{NAME}"], ["check", "{folder}"], ["list", "--lessons", POISON],
    ["train", "{}", "--epochs", POISON], ["misconceptions"], [f"--{POISON}"],
]  # fmt: skip
TYPED = [
    POISON, "next", POISON, f"go {POISON}", f"what {POISON}", f"set {POISON}", f"note {POISON}", "ask", POISON, "show",
    "evaluate", "train 3", "evaluate", "map", "steps", f"glossary {POISON}", f"save {NAME}",
    f"whatif W1[1,1] = {POISON}",
    f"compare {POISON}", "known", "hint", "skip", f"1{POISON}", "end", "quit",
]  # fmt: skip


@pytest.mark.parametrize("argv", COMMANDS, ids=lambda argv: escape(" ".join(argv)))
def test_every_command(argv, table, tmp_path, capsys, monkeypatch):
    """Whatever is given to it, types into it, and is named around it."""
    typed = tmp_path / "typed"
    typed.write_bytes("\n".join(line.replace("\n", "") for line in TYPED).encode())
    monkeypatch.chdir(table.parent)
    monkeypatch.setenv("BACKPROP_TUTOR_LESSONS", str(table.parent))
    with open(typed, encoding="utf-8", newline="\n") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        out = told(capsys, *(arg.format(str(table), folder=str(table.parent)) if "{" in arg else arg for arg in argv))
    assert out
    if "json" in argv and out.startswith(("{", "[")):
        json.loads(out)


def test_json_says_what_there_is(table, capsys, monkeypatch):
    monkeypatch.setenv("BACKPROP_TUTOR_LESSONS", str(table.parent))
    records = json.loads(told(capsys, "list", "--format", "json"))
    assert str(table) in [record["path"] for record in records]


@pytest.mark.parametrize("variable", "BACKPROP_TUTOR_DATA BACKPROP_TUTOR_LESSONS HOME TERM COLUMNS LANG".split())
def test_the_environment(variable, capsys, monkeypatch):
    monkeypatch.setenv(variable, "/dev/null/" + POISON.replace("\x00", ""))
    for argv in (["list"], ["progress"], ["quiz", "gates", "--seed", "1"]):
        monkeypatch.setattr("sys.stdin", io.StringIO())
        told(capsys, *argv)


# ---------------------------------------------------------------- screens


def seen(pilot) -> str:
    return "\n".join(
        "".join(segment.text for segment in strip) for strip in pilot.app.screen._compositor.render_strips()
    )


async def looked_at(pilot) -> str:
    await pilot.pause()
    text = seen(pilot)
    assert not leaks(text) and "\t" not in text, leaks(text)
    return text


@asynccontextmanager
async def app(size=(100, 30), folders=()):
    tutor = TutorApp(Store.open(profile=NAME), folders=folders)
    async with tutor.run_test(size=size) as pilot:
        yield pilot
        await looked_at(pilot)


@pytest.mark.parametrize(
    ("keys", "size"),
    [
        *zip(
            ["", "c", "m", "v", "x", "w", "y", "i", "f", "g", "question_mark", "p", "I", "t", "l"],
            cycle([(80, 24), (160, 48)]),
            strict=False,
        ),
        ("", (160, 48)),
    ],
)
async def test_every_screen_of_a_lesson_that_holds_anything(keys, size, table):
    """A lesson as no file may say it: what a defect of the reader would let in is held back at the exit."""
    lesson = load(table)
    lesson = replace(
        lesson, title=POISON, summary=POISON, outro=POISON,
        intro=f"Hello {POISON} `{POISON}`\n\n- [{POISON}](https://a.b)",
        notes=(Note("z1", f"*{POISON}* `{POISON}` $x$"), Note("L", POISON)),
        questions=(AuthorQuestion("z1", POISON, "choice", choices=(POISON, "b"), answer=1),),
    )  # fmt: skip
    async with app(size) as pilot:
        pilot.app.play(lesson, str(table))
        await looked_at(pilot)
        await pilot.press("escape")
        for _ in range(3):
            await pilot.press("n")
            await looked_at(pilot)
        if keys:
            await pilot.press(keys)
            await looked_at(pilot)
        for typed in pilot.app.screen.query(Input):
            typed.value = f"1{POISON}".replace("\n", "")
            await looked_at(pilot)
            typed.focus()
            await pilot.press("enter")
            await looked_at(pilot)
        await pilot.press("n", "down", "enter")
        await looked_at(pilot)


async def test_home_dialogs_and_messages(table):
    table.with_name(f"{NAME}2.toml").write_text("format = 1\ntitle = 3\n" + NAME.replace("\x1b", ""))
    async with app((100, 30), folders=[table.parent]) as pilot:
        for text in (NAME, POISON):
            pilot.app.notify(text, markup=False)
            await looked_at(pilot)
        await pilot.press(*"x")
        home = pilot.app.screen
        home.find(POISON)
        await looked_at(pilot)
        home.find("x")
        await looked_at(pilot)
        for _ in range(3):
            await pilot.press("down")
            await looked_at(pilot)
        pilot.app.open_lesson(table.with_name(f"{NAME}2.toml"), "x")
        assert "problem" in await looked_at(pilot)
        await pilot.press("escape")
        pilot.app.show_progress()
        await looked_at(pilot)
        pilot.app.push_screen(CompareScreen(WhatIf(load(table))))
        await looked_at(pilot)
