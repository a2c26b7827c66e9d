"""No message about a lesson's files is left in English.

The tables of broken lessons are read in a language that nobody speaks: each message of the catalogue in the letters of
another alphabet. What still has letters of ours was never looked up there, or was put together of pieces.
"""

from __future__ import annotations

import re
import shutil
import unicodedata
from pathlib import Path

import pytest

import nobodys_language
from test_broken_lessons import BASE, BROKEN
from test_catalogue import BROKEN as BROKEN_HEADS
from test_lesson_errors import CASES
from test_teach_data import BAD, HEAD, NO_NUMBERS, REGRESSION
from test_teacher_mistakes import CIRCUIT, MISTAKES, NETWORK
from tutor.engine.array_functions import ARRAY_FUNCTIONS
from tutor.engine.parsing import FUNCTIONS
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import examine, load
from tutor.lessonfiles.positions import Problem
from tutor.lessonfiles.schema import SCHEMA
from tutor.lessonfiles.translation import examined


@pytest.fixture(autouse=True)
def nobody_speaks_it(monkeypatch):
    nobodys_language.speak(monkeypatch)


def words_of(schema) -> set[str]:
    """The keys of the format and the words that are their values."""
    if isinstance(schema, list):
        return set().union(*map(words_of, schema))
    if not isinstance(schema, dict):
        return set()
    return {*schema.get("properties", {}), *schema.get("enum", ())}.union(*map(words_of, schema.values()))


def letters(*texts: str) -> set[str]:
    return {word for text in texts for word in re.findall("[A-Za-z]+", text)}


OF_THE_FORMAT = letters("inf nan true false", *words_of(SCHEMA), *FUNCTIONS, *ARRAY_FUNCTIONS)


def is_english(text: str, known: set[str]) -> bool:
    """Whether nothing of a text was translated, or not every word that is neither known nor a sign's name."""
    words = re.findall(r"\b[A-Za-z]{2,}", re.sub(r"U\+\w+ \(.*?\)", "", text))
    return not re.search("[Ａ-ｚ]", text) or not known.issuperset(words)


def left_in_english(problems, given: str) -> list[str]:
    """The texts of problems with words that are neither of what was given nor of the format."""
    signs = " ".join(unicodedata.name(sign, "") for sign in given if not sign.isascii()).lower()
    known = OF_THE_FORMAT | letters(given, signs)
    return [text for p in problems for text in (p.message, p.advice) if text and is_english(text, known)]


# tables of a and b, and of a circuit's X and y: one cause in several rows, and what has cases of its own elsewhere
TABLES = ["a,b\n" + rows for rows in (",1\n,2\n,3\n,4\n", "u,1\nv,2\n", "1,u\n2,v\n", "u,v\n1,2\n", "1\n2\n1,2\n")]
TABLES += ["a;b\n1\n1;2\n", "a\tb\n1\n1\t2\n", "2020\n1,2\n", "a,b\n0,5\n", "sep=;\n1;2\n3;4\n", "a,b\n'1'2,\"1\"2\n"]
NAMED = ["p,q\n1,2\n", "X[1],X[3],y\n1,2,3\n", 'X[1],"X[1,2]"\n1,2\n', "X[1,2],y\n1,2,3\n", "X[0],X[1],y\n1,2,3\n"]
CIRCUITS = """format = 1
title = "T"
examples = "d.csv"
[circuit]
inputs = { X = [1, 2], y = 3 }
define = ["f = sum(X) * y"]
output = "f"
"""


def lessons():
    """(a lesson, its table)."""
    for old, new, *_ in MISTAKES:
        yield (NETWORK if old in NETWORK else CIRCUIT).replace(old, new, 1), ""
    for old, new, *_ in BROKEN:
        yield BASE.replace(old, new, 1), ""
    for _, text, old, new, *_ in CASES:
        yield text.replace(old, new, 1), ""
    flowers = {"inputs": '["petal_length", "petal_width"]', "units": "3", "more": 'class = "species"'}
    for table, *_ in BAD:
        yield HEAD.format(**flowers, loss="cross_entropy", activation="softmax"), table
    for table in [*(table for table, *_ in NO_NUMBERS), *TABLES]:
        yield HEAD.format(**REGRESSION, inputs='["a"]', units='["b"]'), table
    for table in NAMED:
        yield CIRCUITS, table


def test_nothing_that_is_said_of_a_lesson_and_its_table(tmp_path):
    path, told, left = tmp_path / "t.toml", 0, []
    for lesson, table in lessons():
        path.write_text(lesson, encoding="utf-8", newline="")
        (tmp_path / "d.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
        problems = examine(path)[1]
        told += len(problems)
        left += left_in_english(problems, f"{lesson} {table} o-regression adam")  # and lessons like those required
    assert not left
    assert told > 300


def test_nothing_that_is_said_of_a_translation(tmp_path):
    path = Path(shutil.copy(catalogue.data_dir("lessons") / "03-gates.toml", tmp_path))
    (tmp_path / "xx").mkdir()
    text = (
        'titel = "x"\nsummary = 3\n[[notes]]\nstep = "nowhere"\ntext = "x"\n[[notes]]\ntexte = "x"\n[[notes]]\n'
        'step = "f"\ntext = ""\n[[questions]]\nnumber = 9\n[[questions]]\nnumber = 1\nhints = ["one"]\nwrong = 1\n'
    )
    (tmp_path / "xx" / path.name).write_text(text, "utf-8")
    problems = examined(load(path), "xx")[2]
    assert len(problems) > 7 and not left_in_english(problems, text + path.read_text("utf-8"))


def test_nothing_that_the_list_says(tmp_path):
    for name, (head, _) in BROKEN_HEADS.items():
        (tmp_path / f"{name}.toml").write_bytes(head)
    (tmp_path / "folder.toml").mkdir()
    errors = [entry.error for entry in catalogue.entries(tmp_path)]
    assert len(errors) == len(BROKEN_HEADS) + 1 and all(errors)
    assert not left_in_english([Problem("", 1, 1, error) for error in errors], "title level requires MiB")
