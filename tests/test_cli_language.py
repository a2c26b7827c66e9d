"""The command line in another language: its help, wrong usages and what commands print; programs read the same."""

from __future__ import annotations

import argparse
import ast
import csv
import inspect
import io
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from test_language import OTHERS, entries, tool
from tutor.cli.arguments import COMMANDS, parser
from tutor.cli.commands import RUN, main
from tutor.learner.languages import change_language
from tutor.learner.store import Store
from tutor.learner.today import Goal, read_goal
from tutor.text import language


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Each test works in a folder of its own, and nobody answers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    yield tmp_path
    language.use(language.ENGLISH)


@pytest.fixture
def run(capsys):
    """Runs a command line in a language, in this process: (exit code, standard output, standard error)."""

    def run(code: str, line: str) -> tuple[int, str, str]:
        language.use(code)
        return main(shlex.split(line)), *capsys.readouterr()

    return run


# ---------------------------------------------------------------- help


def parsers(made):
    """A parser and those of its commands."""
    yield made
    for action in made._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in filter(None, action.choices.values()):
                yield from parsers(sub)


def flat(text):
    """A text without its spaces: help is broken anywhere."""
    return "".join(text.split())


@pytest.mark.parametrize("code", OTHERS)
def test_all_of_help_is_translated(code):
    """Every text that the help of a command has is there in its translation, and nothing of its English is left."""
    seen = 0
    for word in (None, *COMMANDS):
        noted: dict[str, None] = {}
        english, other = (
            flat("".join(made.format_help() for made in parsers(parser(RUN, word, translate))))
            for translate in (lambda text: noted.setdefault(text) or text, spoken(code))
        )
        for text in (text for text in noted if flat(text.partition("%")[0]) in english):
            told = language.say(text)
            seen += told != text
            assert flat(told.partition("%")[0]) in other, text
            assert told == text or " " not in text or flat(text) not in other, text
    assert seen > 600  # of each command all that all have, too


def spoken(code):
    """What says a message in a language from here on."""
    language.use(code)
    return language.say


def test_argparse_still_says_what_is_translated_of_it():
    """Its own words are told by their messages: another Python may have others."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(argparse))) if isinstance(node, ast.Call)]
    marked = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext")]
    said = {arg.value for node in marked for arg in node.args if isinstance(arg, ast.Constant)}
    for message in tool.ARGPARSE:
        assert {message} if isinstance(message, str) else set(message) <= said


# ---------------------------------------------------------------- what commands say

WRONG = """
play | play gates extra | trace gates --level | trace gates --level hard | play gates --plain=3 | lab zzz | check
train gates --epochs 3 --iterations 3 | sweep xor learning_rate 0.01..1 --and momentum | lab start | nonsense | gates
trace gates --notation dzz | trace gates --iteration 0 | trace gates --general | trace gate | trace zzzzz | trace hint
trace hint.toml --iteration 2 | trace no.toml | trace broken.toml | --lessons no list | --profile '' list | check no
trace gates --step f | train hint.toml | train c-431 --epochs 0 | compare gates learning_rate 1 2 --epochs x
sweep xor learning_rate 0.1..1 --runs 1 | sweep xor learning_rate 0.1..1 --and momentum 0..0.9 --runs 1
quiz gates --count 0 | quiz gates --attempts 2 | quiz gates --as one --attempts 1 --new | drill gates --skill no
goal 10 bananas | exam gates --print | exam gates --minutes 0 | report hint.toml -o folder/x | new x/ | new ''
new .hidden | new hint.toml | new a --arrays --from m.npz | new a --scale 2 | new no/x.toml | new a --from m.txt
grade gates 99 2 | grade hint.toml 1 2 | grade gates f 1 --given x | grade gates f 1 --answers x | grade gates f 1
grade gates --answers no.csv | grade gates --answers short.csv | grade gates f 1 --format csv | code gates -o hint.toml
diagnose o-classification g.json --names g.json | diagnose o-classification g.json --example 9 | code gates -o no/c.py
worksheet gates --names empty.txt | page folder | page gates -o pages | serve --port x | serve --public-url x
doctor --patient 11 | play gates --watch | progress --import no.json --export no.json
"""
RIGHT = """
check hint.toml broken.toml folder | trace gates | trace gates --format markdown | trace batch-mean
train xor --epochs 1 | train digits --iterations 2 | train c-431 --epochs 3 | sweep xor start 0..2 --epochs 1
quiz gates --as one --count 1 | drill gates | goal | goal 10 questions | exam gates --seed 3 | exam gates --seed 3
progress --export mine.json | progress --import mine.json | progress --reset | report mine.json | new first
new a --from m.npz --activation softmax --out-by-in --data r.csv --held-out 0.2 | grade gates f 1 | grade gates f -12
grade gates --answers a.csv | code gates -o c.py | questions gates --count 1 -o q.xml | worksheet gates
page gates | doctor --plain | --version -v | worksheet gates --variants 2 -o two
"""


def lines(text):
    return [part.strip() for part in re.split(r"[|\n]", text) if part.strip()]


PLACE = re.compile(r"\{\w+(?::\w+)?\}|%\(\w+\)[rs]|%[rs]")


def pattern(text):
    """A regular expression of a message: anything may stand in its places."""
    parts = [re.escape(" ".join(part.split())) for part in PLACE.split(text) if part.strip()]
    return re.compile(r"(?<!\w)" * text[0].isalpha() + ".{1,99}?".join(parts))


def words(text):
    """The words of a message that stand together, without its places: those of its longest part."""
    return max((part.split() for part in PLACE.split(text)), key=len)


def said_by_the_command_line(code):
    """(English, the other language), as patterns, of what the command line says; no English of a word or two."""
    for message, entry in entries(code).items():
        if any(place.startswith("tutor/cli/") and "line_" not in place for place in entry.places):
            for text, other in zip((message.text, message.plural or message.text), entry.texts, strict=False):
                if text != other and words(text):
                    yield pattern(text) if len(words(text)) > 2 else None, pattern(other)


@pytest.mark.parametrize("code", OTHERS)
def test_nothing_that_commands_say_is_english(code, run):
    import numpy as np

    hint = 'format = 1\ntitle = "T"\n[circuit]\ndefine = ["f = x * y"]\noutput = "f"\ninputs = { x = 1, y = 2 }\n'
    made = {"hint.toml": hint, "broken.toml": "format = 1\n", "g.json": '{"dL/dW2": [[1, 2]]}', "empty.txt": "\n"}
    made |= {"short.csv": "Ada,3\n", "a.csv": "Ada,f,-12\n", "r.csv": "a,b,class\n" + "0,1,1\n1,0,2\n" * 5}
    for name, text in made.items():
        Path(name).write_text(text)
    Path("folder").mkdir()
    Path("pages").mkdir()
    Path("pages/gates.html").write_text("mine")
    np.savez("m.npz", **{"a.weight": np.ones((2, 2)), "a.bias": np.ones(2)})
    both = list(said_by_the_command_line(code))
    assert len(both) > 300
    met = set()
    for line in [*lines(RIGHT), *lines(WRONG)]:
        exit_code, out, err = run(code, line)
        assert exit_code in (0, 1) if line in lines(RIGHT) else exit_code == 2, (line, err)
        said = " ".join((out + err).split())
        assert not [english.pattern for english, _ in both if english and english.search(said)], line
        seen = {at for at, (_, other) in enumerate(both) if other.search(said)}
        assert seen, (line, said)
        met |= seen
    assert len(met) > 90, len(met)


# ---------------------------------------------------------------- what programs read


def same_for_programs(value, other):
    """Whether two values have the same keys, numbers and words; sentences may differ."""
    if isinstance(value, dict):
        return value.keys() == other.keys() and all(same_for_programs(value[key], other[key]) for key in value)
    if isinstance(value, list):
        return len(value) == len(other) and all(map(same_for_programs, value, other))
    return value == other or (isinstance(value, str) and isinstance(other, str) and bool(re.search(r" |\.$", value)))


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize(
    "line",
    [
        "list --format json", "trace gates --format json", "train xor --epochs 1 --format json", "schema",
        "sweep xor start 0..2 --epochs 1 --format json", "grade gates f 1 --format json", "progress --format json",
        "grade gates --answers a.csv --format json", "diagnose gates d.json --format json",
        "exam gates --seed 7 --answers d.json --format json", "misconceptions --format json",
    ],
)  # fmt: skip
def test_json_is_the_same_for_programs(line, code, run):
    Path("a.csv").write_text("Ada,f,-12\nBob,df/dx,3\n")
    Path("d.json").write_text('{"f": 3}')
    english, other = run("en", line), run(code, line)
    assert english[0] == other[0] and same_for_programs(json.loads(english[1]), json.loads(other[1]))


@pytest.mark.parametrize("code", OTHERS)
def test_csv_is_the_same_for_programs(code, run):
    Path("a.csv").write_text("Ada,f,-12\nBob,df/dx,3\n")
    for line in ("grade gates --answers a.csv --format csv", "progress --by question --format csv"):
        english, other = ([*csv.reader(io.StringIO(run(it, line)[1]))] for it in ("en", code))
        assert english[0] == other[0] and same_for_programs(english, other)


# ---------------------------------------------------------------- the language that was chosen


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("line", ["doctor --plain", "goal", "drill gates"])
def test_what_is_the_learners_own_speaks_the_language_that_was_chosen(line, code, run):
    with Store.open() as store:
        change_language(store, code)
    english = run("en", f"{line} --profile other")
    assert run("en", line)[1] == run(code, f"{line} --profile other")[1] != english[1]


@pytest.mark.parametrize("code", OTHERS)
def test_a_goal_is_kept_whatever_is_spoken(code, run):
    assert run(code, "goal 10 questions")[1] == run(code, "goal")[1]
    assert run("en", "goal")[1].startswith("Your goal for a day: 10 questions;")
    language.use(code)
    for goal in (Goal(1, "question"), Goal(20, "question"), Goal(1, "lesson"), Goal(3, "lesson")):
        assert read_goal(str(goal)) == goal  # what is shown may be typed
