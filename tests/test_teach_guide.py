"""docs/writing-lessons.md is held to what it says: a reader who does as told gets what is shown, at every point."""

from __future__ import annotations

import io
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from tutor.cli.commands import main
from tutor.lessonfiles import schema
from tutor.lessonfiles.check import examine, load

PAGE = Path(__file__).resolve().parent.parent / "docs" / "writing-lessons.md"
TEXT = PAGE.read_text(encoding="utf-8")
WHERE = re.compile(r"(Save as|At the top of|Add to|add to)\s+`([\w.]+)`[^`]*$")


def follow(folder: Path):
    """Do what the page says, in order; yields (what, name or text) after each block."""
    end = 0
    for block in re.finditer(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL):
        before, (language, body) = TEXT[end : block.start()], block.groups()
        end = block.end()
        if language in ("sh", "text"):
            yield language, body
            continue
        where = WHERE.search(before.rstrip())
        assert where, f"where does this go?\n{body}"
        how, path = where[1].lower(), folder / where[2]
        if how == "save as":
            assert not path.exists()
            path.write_text(body, encoding="utf-8")
        elif how == "add to":
            path.write_text(f"{path.read_text(encoding='utf-8')}\n{body}", encoding="utf-8")
        else:
            first, rest = path.read_text(encoding="utf-8").split("\n\n", 1)
            path.write_text(f"{first}\n{body}\n{rest}", encoding="utf-8")
        yield language, path.name


def test_whoever_follows_the_guide_gets_what_it_shows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    commands, checked = 0, 0
    known = dict.fromkeys(("new", "schema", "trace", "list", "play", "check", "train", "compare"), 0)
    for what, text in follow(tmp_path):
        if what == "sh":
            for line in text.splitlines():
                words = shlex.split(line, comments=True)[1:]
                words = words[: words.index(">")] if ">" in words else words
                code = main(words)
                out, err = capsys.readouterr()
                if "--watch" in words:
                    assert code == 2 and "full screen" in err  # there is none here
                else:
                    assert code == (1 if words == ["check", "."] else 0) and out, line
                known[words[0]] += 1
                commands += 1
        elif what == "text":
            name = text.partition(":")[0]
            assert examine(name)[1][0].render().splitlines()[0] == text.strip()
            checked += 1
        elif what == "toml" and text not in ("vague.toml", "wrong.toml", "shapes.toml"):
            assert examine(text)[1] == [], text
    assert all(known.values()) and commands >= 9 and checked == 3
    assert {path.name for path in tmp_path.glob("*.toml")} == {
        "first.toml", "relu.toml", "mine.toml", "vague.toml", "wrong.toml", "houses.toml", "area.toml",
        "batchnorm.toml", "rnn.toml", "line.toml", "shapes.toml",
    }  # fmt: skip


def test_the_lessons_are_what_the_page_says_of_them(tmp_path):
    list(follow(tmp_path))
    relu = load(tmp_path / "relu.toml")
    assert len(relu.questions) == 2 and len(relu.expect) == 3 and relu.requires == ("o-regression",) and relu.intro
    assert load(tmp_path / "area.toml").classes == ("town", "country")
    vague = tmp_path / "vague.toml"
    vague.write_text(vague.read_text(encoding="utf-8").replace("digits = 2", "digits = 3"), encoding="utf-8")
    assert examine(vague)[1] == []


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#]+)\)", TEXT))
def test_every_link_leads_somewhere(path):
    assert (PAGE.parent / path).exists()


def test_every_lesson_of_the_page_has_keys_of_the_format(tmp_path):
    known = {path[-1] for path, _ in schema.keys()}
    list(follow(tmp_path))
    for path in tmp_path.glob("*.toml"):
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        assert values.keys() <= known
