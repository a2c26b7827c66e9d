"""README.md is held to what it says: its commands run, its lessons load, its pictures and pages are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tutor.cli.commands import main
from tutor.lessonfiles import check
from tutor.play.commands import TABLES, with_tables
from tutor.play.commands import table as commands_table

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
KEYS = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    lines = (line.partition("#")[0].strip() for block in blocks("sh") for line in block.splitlines())
    return [line for line in lines if line.startswith("backprop-tutor ")]


@pytest.mark.parametrize("command", commands())
def test_every_command_runs(command, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.stdin", open("/dev/null", encoding="utf-8"))  # noqa: SIM115
    assert main(shlex.split(command)[1:]) == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize("text", blocks("toml"))
def test_every_lesson_loads_without_a_problem(text, tmp_path):
    path = tmp_path / "lesson.toml"
    path.write_text(text, encoding="utf-8")
    lesson, problems = check.examine(path)
    assert lesson and not problems


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) >= 8
    assert not [link for link in links if not link.startswith("http") and not (ROOT / link).exists()]


@pytest.mark.parametrize("called", TABLES)
def test_the_keys_are_told(called):
    assert commands_table(TABLES[called]) in KEYS, "the keys have changed: make keys writes the tables"


def test_the_front_page_has_the_keys_of_the_player():
    assert commands_table() in README, "the keys have changed: make keys writes the tables"


@pytest.mark.parametrize("text", [README, KEYS])
def test_make_keys_writes_the_tables_in_their_places(text):
    broken = text.replace("| the next step |", "| the next stop |").replace("| `u/U` |", "| `u` |")
    assert broken != text and with_tables(broken) == text == with_tables(text)
