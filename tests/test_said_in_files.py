"""What is written into files and pages: all that is said goes through the catalogue, and says its language.

It is written in a language that nobody speaks, of a lesson that has no words of its own: in numbers and signs.
"""

from __future__ import annotations

import json
import re
from html import unescape
from xml.etree import ElementTree

import numpy as np
import pytest

import nobodys_language
import test_page
from tutor.engine.trace import trace
from tutor.handouts import figures
from tutor.handouts import page as pages
from tutor.handouts.asked import asked, items_of
from tutor.handouts.documents import DOCUMENTS
from tutor.handouts.page import index_page, page
from tutor.handouts.platforms import PLATFORMS, bank_of
from tutor.handouts.sheets import sheet
from tutor.learner import progress
from tutor.learner.classroom import Learner, report_files
from tutor.learner.placement import said as placement_said
from tutor.learner.store import Store
from tutor.lessonfiles.catalogue import data_dir, entries
from tutor.lessonfiles.check import load
from tutor.pictures.drawing import svg_of
from tutor.play import exam
from tutor.play.exam_files import blank_paper, marked
from tutor.play.paper import Paper
from tutor.questions.mastery import GivenAnswer
from tutor.solutions.files import Handed
from tutor.solutions.judging import diagnose
from tutor.solutions.program_text import program_text
from tutor.solutions.words import as_json, as_text
from tutor.text.notations import NOTATIONS
from tutor.text.templates import filled, messages_in

NETWORK = (
    'format = 1\ntitle = "№ 1"\n[network]\ninputs = 2\nloss = "half_squared_error"\n'
    '[[network.layers]]\nunits = 2\nactivation = "sigmoid"\nweights = [[0.1, 0.2], [0.3, 0.4]]\nbiases = [0.5, 0.6]\n'
    '[[network.layers]]\nunits = 1\nactivation = "linear"\nweights = [[0.7, 0.8]]\nbiases = [0.9]\n'
    "[training]\nlearning_rate = 0.5\nbatch = 2\n[[examples]]\ninputs = [0.5, 0.25]\ntargets = [1.0]\n"
    "[[examples]]\ninputs = [0.1, 0.9]\ntargets = [0.0]\n"
)
# Names that are the same in every language: functions, signs of formulas, what a program or a command is called.
NAMES = set("sigmoid linear new backprop tutor exam seed answers FILE each exp Name fin prev".split())


@pytest.fixture(autouse=True)
def nobody_speaks_it(monkeypatch):
    nobodys_language.speak(monkeypatch)


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "01-n.toml"
    path.write_text(NETWORK, encoding="utf-8")
    return load(path)


def said_past(text, least):
    """The words of a text that no catalogue has; a text with fewer than `least` words that one has says nothing."""
    count = len(re.findall(r"[Ａ-Ｚａ-ｚ]{2,}", text))
    assert count >= least, f"only {count} words"
    return sorted(set(re.findall(r"[A-Za-z]{3,}", text)) - NAMES)


def in_page(text):
    """What a page says: its texts, and what is read out."""
    text = re.sub(r"<style.*?</style>|<script.*?</script>|data-[a-z]+=\"[^\"]*\"", " ", text, flags=re.S)
    heard = " ".join(re.findall(r'(?:aria-label|alt)="([^"]*)"', text))
    return unescape(re.sub(r"<[^>]+>", " ", text) + heard)


@pytest.mark.parametrize("whole", [False, True])
def test_sheets_and_keys(lesson, whole):
    made = sheet(lesson, 1, 1, "dz", 6, whole)
    for blocks in (made.blocks, made.key):
        texts = {suffix: document.write("№", blocks) for suffix, document in DOCUMENTS.items()}
        assert not set(said_past(in_page(texts["html"]), 5)) - {made.code} and '<html lang="xx">' in texts["html"]
        assert not set(said_past(re.sub(r"<svg.*?</svg>", "", texts["md"], flags=re.S), 5)) - {made.code}
        assert 'lang: "xx"' in texts["typ"]


def test_question_banks_have_their_own_words_alone_past_it(lesson):
    items = items_of(lesson, 8, 1, "dz")
    questions = [asked(item, name=f"{at}") for at, item in enumerate(items)]
    bank = bank_of("№", questions, lambda q: svg_of(q.item.step.trace, "dz"))
    quiz = ElementTree.fromstring(PLATFORMS["moodle"].write(bank).data)
    texts = [e.text or "" for e in quiz.iter("text")]
    paths = {text for text in texts if text.startswith("$course$")}
    assert not said_past(" ".join(in_page(text) for text in texts if text not in paths), 60)
    assert paths and all(re.fullmatch(r"\$course\$/№/n/[^A-Za-z]+", text) for text in paths)
    gift = PLATFORMS["gift"].write(bank).data.decode()
    assert not said_past(in_page(re.sub(r"^\$.*|\[html\]", "", gift, flags=re.M)), 60)
    anki = [line.split("\t")[:2] for line in PLATFORMS["anki"].write(bank).data.decode().splitlines() if "\t" in line]
    assert not said_past(in_page(" ".join(side for sides in anki for side in sides)), 60)
    record = json.loads(PLATFORMS["json"].write(bank).data)["questions"][0]
    assert {"prompt", "given", "mistakes", "working"} <= set(record) and record["kind"].isascii()


def test_a_page_with_all_that_its_script_says(lesson, monkeypatch):
    monkeypatch.setattr(pages, "BUDGETS", (30,))  # less is quicker, and what is cut is told
    monkeypatch.setattr(pages, "NOTATIONS", {name: NOTATIONS[name] for name in ("partials", "dz")})
    made = page(lesson, index=True)
    data = test_page.unpacked(made.html)
    cards = [json.dumps(step["cards"], ensure_ascii=False) for step in data["steps"]]
    asks = [question for step in data["steps"] for questions in step["questions"] for question in questions]
    assert '<html lang="xx">' in made.html
    assert set(said_past(in_page(made.html), 100)) == {"End", "Enter", "Home"}  # keys
    assert said_past(in_page(" ".join(cards).replace('\\"', '"')), 1000) == ["matrix", "scalar", "story"]  # keys
    assert len(asks) > 20 and said_past(str([list(ask.values()) for ask in asks]), 500) == ["True"]
    script = "".join((data_dir("assets") / name).read_text("utf-8") for name in ("verdicts.js", "page.js"))
    words = {message: nobodys_language.written(message) for _, message in messages_in(script)}
    assert data["words"] == words and len(words) > 25
    assert not [step for step in data["steps"] if step["phase"].isascii()]
    assert not said_past(in_page(index_page([("n.html", lesson)])), 1)


def test_a_script_says_nothing_but_its_messages():
    """What it says begins with a capital: every such text is handed to say(…), but for the names of keys."""
    for name in ("page.js", "verdicts.js", "serve.js"):
        script = re.sub(r"/\*.*?\*/|(?<= )//[^\n]*", "", (data_dir("assets") / name).read_text("utf-8"), flags=re.S)
        texts = re.findall(r"""(?<!say\()(["`])([A-Z][a-z]+[ .:][^"`]*|[A-Z][a-z]+)\1""", script)
        assert not {text for _, text in texts} - {"Enter", "Escape"}, name


def test_figures(lesson):
    here = trace(lesson)
    for kind, id in (("network", ""), ("step", "dL/dW1"), ("chain", "dL/dW1[1,1]"), ("losses", "")):
        assert not said_past(in_page(figures.figure(kind, here, "dz", id)), 1), kind


def test_the_report_of_a_class():
    def given(verdict, slip=None):
        return GivenAnswer("n", "value:q", "update", "value", "0.5", verdict, slip, asked="?",
                           at="2026-01-01T00:00+00:00")

    people = [Learner(f"{n}", (given("wrong", "root-left-out"), given("correct"))) for n in range(6)]
    files = report_files(people, names=False)
    report = re.sub(r"\w+\.csv", "", in_page(files["report.html"]))
    assert not said_past(report, 30) and '<html lang="xx">' in files["report.html"]
    heads = {line for name, text in files.items() if name.endswith("csv") for line in text.splitlines()[:1]}
    assert len(heads) == 5 and all(head.isascii() for head in heads)


def test_an_exam_as_a_file_and_its_result(lesson):
    sheet = exam.sheet(lesson, 3)
    lines = list(blank_paper(sheet, "n", 3))
    assert not said_past("\n".join(line for line in lines if line.startswith("#")), 10)
    handed = Handed("dL/dW2", -np.asarray(sheet.trace.find("dL/dW2").value))
    report = "\n".join(exam.report(sheet, marked(sheet, [handed])))
    assert not said_past(report, 20)
    assert not said_past("\n".join(exam.report(sheet, Paper(sheet).check().checked)), 20)


def test_a_diagnosis(lesson):
    here = trace(lesson)
    right, wrong = here.find("dL/dW1").value, here.find("dL/dW2").value
    arrays = [Handed("dL/dW1", np.asarray(right)), Handed("dL/dW2", -np.asarray(wrong)), Handed("zzz", np.ones(3))]
    found = diagnose(here, arrays, work=100_000)
    assert {array["verdict"] for array in as_json(found, here)["arrays"]} == {"right", "slip", "unknown"}
    lines = "\n".join(as_text(found))
    assert not [word for word in said_past(lines, 8) if word != "zzz"]
    for name, values in (("W1", [[9.0, 9], [9, 9]]), ("dL/dW2", [[1.0, 2, 3]]), ("z1", [[np.nan, 1], [1, 1]])):
        found = diagnose(here, [Handed(name, np.array(values))], work=100_000)
        assert not said_past("\n".join(as_text(found)), 3), name


def test_the_comments_of_a_program(lesson):
    for dialect in ("numpy", "jax"):
        comments = [line for line in program_text(trace(lesson), dialect).splitlines() if line.startswith("#")]
        assert not set(said_past("\n".join(comments), 15)) - {"JAX"}


def test_what_is_known_of_a_learner(lesson):
    store = Store.open()
    assert not said_past(progress.text(progress.report(store)), 3)
    title = entries()[0].title
    assert not said_past(placement_said(store).replace(title, ""), 5)


def test_the_page_that_is_served():
    text = filled((data_dir("assets") / "serve.html").read_text("utf-8"), lang="xx")
    assert '<html lang="xx">' in text and "{" not in text and not said_past(in_page(text), 5)
