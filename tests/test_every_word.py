"""Every word of screens and line mode is in the catalogue: in a language that nobody speaks none is left in ours.

Names, formulas, commands, keys and settings are the same in every language; the prose of lessons is written in those
letters, too.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from textual.widgets import Input

import nobodys_language
from test_tui import LESSONS, press, screen, tutor
from tutor.cli.line_mode import LineMode
from tutor.cli.line_paper import PaperLines
from tutor.cli.line_questions import play_mistakes, play_practice, play_quiz
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.lesson import INITIALISERS, LEVELS, ORDERS
from tutor.engine.losses import LOSSES
from tutor.engine.parsing import FUNCTIONS
from tutor.engine.trace import trace
from tutor.lab.exercises import EXERCISES
from tutor.learner.papers import open_paper
from tutor.learner.practice import drill
from tutor.learner.records import start_quiz
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue, check
from tutor.lessonfiles.from_values import from_values
from tutor.pictures.step.kinds import KINDS
from tutor.play.names import names
from tutor.play.settings import WORDS
from tutor.questions.array_words import ARRAY_WORDS
from tutor.text import language
from tutor.text.card import Scribe
from tutor.text.language import say
from tutor.text.notations import NOTATIONS

STRANGE = re.compile("[А-я]{2,}")


def strange(text: str) -> str:
    return nobodys_language.written(text, nobodys_language.NARROW)


@pytest.fixture(autouse=True)
def nobody_speaks_it(monkeypatch):
    """Everything that is said, and the prose of lessons; `f9` comes to it as to German."""
    spoken = nobodys_language.Catalogue(nobodys_language.NARROW)
    monkeypatch.setattr(language, "_read", lambda code: spoken)
    language.use("de")
    monkeypatch.setattr(check, "translated", lesson_in_other_letters)
    listed = catalogue.entries
    monkeypatch.setattr(catalogue, "entries", lambda *where: [entry_in_other_letters(e) for e in listed(*where)])


def lesson_in_other_letters(lesson):
    """A lesson without what only its author can translate."""
    if language.language() == language.ENGLISH:
        return lesson
    texts = {name: strange(getattr(lesson, name)) for name in ("title", "summary", "intro", "outro")}
    return replace(lesson, notes=(), questions=(), **texts)


def entry_in_other_letters(entry):
    if language.language() == language.ENGLISH:
        return entry
    return entry._replace(title=strange(entry.title), summary=strange(entry.summary))


# ---------------------------------------------------------------- what may stand in Latin letters

# What has no other name in any language, keys, and pieces of the names of symbols.
ELSEWHERE = """
backprop-tutor lab start two_gates mlp_forward de Deutsch NumPy Python RMSE LaTeX Markdown ctrl esc enter tab space PgUp
PgDn Dn fin pre prev new eps axis size
"""


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{2,}", text))


ALWAYS = words_of(" ".join((ELSEWHERE, *FUNCTIONS, *ARRAY_WORDS, *NOTATIONS, *LEVELS)))
SETTINGS = words_of(" ".join((*WORDS, *ORDERS, *INITIALISERS, *LOSSES, *ACTIVATIONS, "layer example all true")))


def left_in_latin(text: str, known: set[str]) -> list[str]:
    """The lines of a text with a word that is none of these, nor of those that are the same in all languages."""
    lines = [re.sub(r"`[^`]*`", " ", line) for line in text.splitlines()]
    return [line.strip() for line in lines if words_of(line) - ALWAYS - known]


def names_in(lesson) -> set[str]:
    """The words in the names of a lesson's values and classes, in its notation."""
    made = trace(lesson)
    called = [name for name, _ in names(made, Scribe(made, lesson.notation))]
    called += lesson.network.input_names or () if lesson.network else ()
    return words_of(" ".join((lesson.id, *called, *(eq.symbol.id for eq in made.equations), *lesson.classes)))


def test_what_went_past_the_catalogue_is_seen():
    assert left_in_latin("а нечу тудп\nz = 2, the end", set()) == ["z = 2, the end"]
    assert left_in_latin(say("no message of it"), set()) and not left_in_latin(say("Nothing is due today."), set())
    assert left_in_latin("`train` learning_rate tanh W2_new", SETTINGS) == []


@pytest.mark.parametrize(
    "line, x, k",
    [
        ("conv(x, k)", (3, 3), (2, 2)), ("conv(x, k, stride=2)", (5,), (2,)), ("conv(x, k)", (4, 4), (1, 1)),
        ("conv(x, k, padding=1)", (3, 3), (2, 2)), ("conv(x, k, padding=1)", (2, 2, 3, 3), (2, 2, 2, 2)),
    ],
)  # fmt: skip
def test_every_word_of_how_a_convolution_comes_about(line, x, k):
    inputs = {"x": np.ones(x), "k": np.ones(k)}
    circuit = {"define": [f"c = {line}", "L = sum(c * c)"], "output": "L", "inputs": inputs}
    made = trace(from_values({"title": "—", "circuit": circuit}))
    scribe = Scribe(made, "dz")
    reasons = [found.reason for step in made.steps("matrix") for found in scribe.derivation(step)]
    assert len(reasons) > 5 and left_in_latin("\n".join(reasons), set()) == []


# ---------------------------------------------------------------- line mode

ASKED = """
from;chain;unfold;unfold;fold;map;again;symbol;state;steps;names;algorithm;reuse;intro;glossary;glossary chain rule
changes
set foo 3;set learning_rate 0.3;set learning_rate;undo;redo;undo;undo;copy pass;note;note -;predict foo;level none;go
go nowhere;foo;x;iteration x;iteration 3;train;train 3;train 5;losses;evaluate;evaluate 99;landscape;compare
compare learning_rate 0.1 1;sweep;sweep learning_rate 0.1 1;save;example 9;return;unfold zzz;chain zz;diagnose
language xx;notation zz;build zz;fold;back;first;back
""".replace("\n", ";").strip(";").split(";")
TYPED = words_of("en foo nope zzz zz xx nowhere none learning_rate copied txt tmp")


@pytest.mark.parametrize("id", ["gates", "o-classification", "recurrence"])
def test_every_word_of_line_mode(id, data_folder):
    lesson = check.load(LESSONS[id])
    known = names_in(lesson) | TYPED
    told: list[str] = []
    left: list[tuple[str, str]] = []
    said: set[str] = set()
    with Store.open() as store:
        mode = LineMode(lesson, id, store, lambda prompt: None, told.append)

        def say_of(command: str) -> None:
            settings = SETTINGS if command.partition(" ")[0] in ("changes", "set", "undo", "redo", "help") else set()
            text = "\n".join(told).replace(str(data_folder), "")
            if command == "help":
                text = "\n".join(line[17:] for line in text.splitlines())
            assert text.strip(), command
            said.update(STRANGE.findall(text))
            left.extend((command, line) for line in left_in_latin(text, known | settings))
            told.clear()

        mode.play(False, False)
        say_of("the opening")
        for level in LEVELS:
            mode._obey(f"level {level}")
            for _ in range(4):
                mode._obey("symbol")
                mode._obey("next")
            say_of(level)
            mode._obey("last")
            mode._obey("next")
            mode._obey("first")
            say_of("the end")
        for command in [*ASKED, *(f"{kind}" for kind in KINDS), "help"]:
            mode._obey(command)
            say_of(command)
    assert left == [] and len(said) > 500


def heard(play, *typed: str) -> str:
    """What is said while this is typed."""
    said: list[str] = []
    lines = iter(typed)

    def ask(prompt: str) -> str | None:
        said.append(prompt)
        return next(lines, None)

    play(ask, said.append)
    return "\n".join(said)


WRONG = ("99", "x+", "1,5", "foo", "(1", "no idea", "hint", "known", "map", "names", "glossary", "help", "98", "show")


def test_every_word_of_questions_in_lines():
    lesson = check.load(LESSONS["o-classification"])
    known = names_in(lesson) | TYPED
    with Store.open() as store:
        _, session, items, _ = start_quiz(store, (str(LESSONS[lesson.id]),), 4, 1, False)
        exercises = drill(lesson, lesson.id, "pre_activation", 1)
        texts = [
            heard(lambda ask, out: play_quiz(store, "one", session, items, ask, out), "known", *WRONG[:6], "end"),
            heard(lambda ask, out: play_practice(store, exercises, ask, out), *WRONG),
            heard(lambda ask, out: play_mistakes(store, ask, out), "what", "again 1", "99", "quit", "quit"),
        ]
        keeper, paper = open_paper(store, lesson.id, trace(lesson), lesson.notation)
        on_paper = ("help", "fill z1 1 2", "fill z1 1 2 3", "fill a1 x", "fill", "foo", "time", "table", "map", "check")
        texts.append(heard(lambda ask, out: PaperLines(keeper, paper, ask, out).play(), *on_paper))
    said = re.sub(r"(?m)^  ([a-z=][^А-я]{14} |fill NAME VALUES)", "", "\n".join(texts))  # the commands of a help
    assert left_in_latin(said, known) == [] and len(set(STRANGE.findall(said))) > 200


# ---------------------------------------------------------------- screens

# Keys and actions, with what is typed behind a sign of equality; each line begins at home, or in the lesson.
FROM_HOME = """
question_mark
quiz =1 f5 escape =2 f4 question_mark
progress
mistakes enter =99 f2
goal
lab down enter h question_mark
doctor n question_mark
glossary
command_palette
"""
IN_A_LESSON = """
question_mark escape a escape i
g =nope escape l n l n N =foo
m right question_mark
v question_mark escape v v
c question_mark n escape plus
full_stop p n =99 =98 f2 f3 escape f5 escape m
w question_mark escape enter
D question_mark
x question_mark escape g =3 l b v question_mark
y question_mark
W question_mark
s question_mark escape =0.5 f5
"""


async def left_on_screens(pilot, keys: str, known: set[str]) -> list[tuple[str, str]]:
    """The lines with a word in Latin letters after each of these keys; cut off names have fewer than four."""
    left, said, home = [], set(), len(pilot.app.screen_stack)
    for line in keys.strip().splitlines():
        while len(pilot.app.screen_stack) > home:
            await pilot.app.pop_screen()
        for key in line.split():
            if key.startswith("="):
                pilot.app.screen.query_one(Input).value = key[1:]
                await press(pilot, "enter")
            elif len(key) > 3 and hasattr(pilot.app.screen, f"action_{key}"):
                await pilot.app.screen.run_action(key)
                await pilot.pause()
            else:
                await press(pilot, key)
            text = re.sub("[\u2500-\u259f]", "\n", screen(pilot))
            said.update(STRANGE.findall(text))
            text = re.sub(r"\b\w{,3}\b", " ", text)
            left += [(line, key, found) for found in left_in_latin(text, known | ON_KEYS)]
    assert len(said) > 300  # something was said
    return left


ON_KEYS = words_of("home end up plus minus shift equals_sign Enter Esc")


async def test_every_word_from_the_list_of_lessons():
    known = names_in(check.load(LESSONS["derivative"])) | TYPED | words_of(" ".join((*EXERCISES, *LESSONS)))
    async with tutor(size=(120, 32)) as pilot:
        assert await left_on_screens(pilot, FROM_HOME, known) == []


async def test_every_word_in_a_lesson():
    lesson = check.load(LESSONS["o-classification"])
    async with tutor(str(LESSONS["o-classification"]), (100, 32), "z1") as pilot:
        assert await left_on_screens(pilot, IN_A_LESSON, names_in(lesson) | TYPED | SETTINGS) == []


async def test_a_key_changes_the_language_of_all_that_is_on_the_screen():
    """An open question, too, and what was typed stays; then everything is as it was."""
    lesson = check.load(LESSONS["gates"])
    async with tutor(str(LESSONS["gates"]), (120, 32), "q") as pilot:
        await press(pilot, "p", "n", "1", "2")
        before = screen(pilot)
        assert len(STRANGE.findall(before)) > 40 and "12" in before
        await press(pilot, "f9")
        assert STRANGE.findall(screen(pilot)) == [] and "What is" in screen(pilot) and "12" in screen(pilot)
        await press(pilot, "f9")
        assert screen(pilot) == before and left_in_latin(before, names_in(lesson)) == []
