"""The page of a lesson: complete, without an address, lessons' text as data; in a browser its keys and its verdicts."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import zlib
from html import unescape
from html.parser import HTMLParser

import pytest

import browser
import tutor.handouts.page as pages
from strategies import bundled
from tutor.cli.commands import main
from tutor.engine.trace import trace
from tutor.handouts.page import LARGEST, PageTooLarge, index_page, page
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.play import playback
from tutor.text import language
from tutor.text.layout import Frac, Matrix, Row, number
from tutor.text.notations import NOTATIONS
from tutor.text.to_html import markdown, spoken
from tutor.text.writer import Writer

LESSONS = ("o-classification", "embeddings", "batch-mean", "gates")
EVIL = (
    'format = 1\ntitle = "</script><script>alert(1)</script>"\n'
    'intro = "[read](http://evil.example/x?a&b) <img src=x onerror=alert(1)> ![p](http://evil.example/p.png)"\n'
    '[circuit]\ndefine = ["f = x * y"]\noutput = "f"\n[circuit.inputs]\nx = 2.0\ny = 3.0\n'
    '[[notes]]\nstep = "f"\ntext = "</script><b onclick=1>note</b> <javascript:alert(1)>"\n'
    '[[questions]]\nstep = "f"\nask = "<b>What</b> is </script> it?"\nanswer = 6\n'
    'wrong = [{ answer = 5, says = "<script>added</script>" }]\n'
)


class Reader(HTMLParser):
    """What a page opens and closes, and the data in it."""

    VOID = frozenset("meta line circle rect input br hr".split())

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.scripts, self.styles = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data


def read(text):
    reader = Reader()
    reader.feed(text)
    assert not reader.open
    return reader


def unpacked(text):
    return json.loads(zlib.decompress(base64.b64decode(read(text).scripts[0])))


def plain(html):
    return unescape(re.sub("<[^>]*>", "", html))


@pytest.fixture(scope="module")
def written():
    return {id: page(bundled(id)).html for id in LESSONS}


@pytest.mark.parametrize("id", LESSONS)
def test_every_step_is_there_with_its_number_at_every_level_and_in_every_notation(written, id):
    data, here = unpacked(written[id]), trace(bundled(id))
    assert len(written[id].encode()) < LARGEST / 2 and len(data["notations"]) == len(NOTATIONS)
    found = {}
    for step in data["steps"]:
        for example in step["cards"]:
            for cell in [*example["scalar"], example["matrix"], example["story"]]:
                assert len(cell) == len(NOTATIONS)
                for card in cell:
                    read(card)
                    found.setdefault(unescape(re.search('data-id="(.*?)"', card)[1]), []).append(plain(card))
    for level in ("scalar", "matrix"):
        for step in here.steps(level):
            texts = found[step.id]
            if not step.shape:
                assert all(number(float(step.value)) in text for text in texts[: len(NOTATIONS)]), step.id
    assert [step["id"] for step in data["steps"]] == [eq.symbol.id for eq in here.equations]


@pytest.mark.parametrize("id", LESSONS)
def test_a_page_names_no_address_and_its_policy_lets_no_other_script_run(written, id):
    text = written[id]
    for part in (text, json.dumps(unpacked(text))):
        assert not re.search(r"fetch\(|@import|https?://(?!www\.w3\.org/2000/svg)|XMLHttp|import\(|\beval\b", part)
    reader = read(text)
    assert not {"link", "img", "iframe", "a", "object"} & set(reader.tags) and len(reader.scripts) == 2
    assert not [name for name, _ in reader.attributes if name in ("src", "href") or name.startswith("on")]
    digest = base64.b64encode(hashlib.sha256(reader.scripts[1].encode()).digest()).decode()
    (policy,) = [value for name, value in reader.attributes if name == "content" and "default-src 'none'" in value]
    assert f"script-src 'sha256-{digest}'" in policy


def test_without_the_script_it_is_the_lesson_to_read(written):
    static = written["o-classification"].split('<script type="application')[0]
    assert all(word in plain(static) for word in ("Will a student with this IQ", "0.5371", "Update of"))
    assert static.count("<article") == len(trace(bundled("o-classification")).equations)
    assert "<h1>" in static and static.count('role="math"') > 17 and 'role="status"' in static


def test_a_lessons_text_is_data(tmp_path):
    (tmp_path / "evil.toml").write_text(EVIL, encoding="utf-8")
    assert main(["page", str(tmp_path / "evil.toml"), "-o", str(tmp_path / "site")]) == 0
    text = (tmp_path / "site" / "evil.html").read_text(encoding="utf-8")
    reader, data = read(text), unpacked(text)
    assert len(reader.scripts) == 2 and not {"img", "a", "b"} & set(reader.tags)
    assert "read (http://evil.example/x?a&amp;b)" in text and "p (http://evil.example/p.png)" in text
    for step in data["steps"]:
        for card in step["cards"][0]["matrix"]:
            assert not {"script", "b", "a"} & set(read(card).tags)
    assert data["steps"][0]["questions"][0][0]["authors"][0] == [5.0, "<script>added</script>"]  # put in as text


def test_an_index_leads_to_the_pages_and_only_own_pages_are_made_anew(tmp_path, capsys):
    shelf, site = tmp_path / "shelf", tmp_path / "site"
    shelf.mkdir()
    for name, title in (("02-b c", "Second & last"), ("01-a", "First"), ("03-index", "Odd")):
        (shelf / f"{name}.toml").write_text(EVIL.replace("</script><script>alert(1)</script>", title), encoding="utf-8")
    assert main(["page", str(shelf), "-o", str(site)]) == 0 and "3 pages" in capsys.readouterr().out
    index = (site / "index.html").read_text(encoding="utf-8")
    links = [value for name, value in read(index).attributes if name == "href"]
    assert links == ["a.html", "b-c.html", "index-2.html"] and "Second &amp; last" in index
    assert all((site / link).is_file() for link in links)
    assert main(["page", str(shelf), "-o", str(site)]) == 0
    (site / "a.html").write_text("mine", encoding="utf-8")
    assert main(["page", str(shelf), "-o", str(site)]) == 2 and "no page of the tutor" in capsys.readouterr().err
    assert (site / "a.html").read_text(encoding="utf-8") == "mine"


def test_large_lessons_are_cut_or_refused_with_a_word(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pages, "BUDGETS", (60,))
    made = page(bundled("flowers"))
    assert [said.split()[0] for said in made.cut] == ["Of", "Of"] and made.cut[0] in made.html
    steps = unpacked(made.html)["steps"]
    assert all(len(step["cards"]) == 1 for step in steps)
    assert sum(len(step["cards"][0]["scalar"]) for step in steps) <= 60
    monkeypatch.setattr(pages, "MOST_STEPS", 3)
    with pytest.raises(PageTooLarge, match="steps"):
        page(bundled("gates"))
    assert main(["page", "gates", "-o", str(tmp_path / "s")]) == 2 and "left out: 'gates'" in capsys.readouterr().err


def test_formulas_are_said_in_words():
    assert " ".join(spoken("∂L/∂W²₁₂ = ŷ₁ − 0.5").split()) == (
        "partial L over partial W superscript 2 sub 12 equals y hat sub 1 minus 0.5"
    )
    said = " ".join(spoken(Row((Frac("1", "1 + e⁻ᶻ"), " · x"))).split())
    assert said == "the fraction 1 over 1 plus e superscript minus z, end of fraction, times x"
    import numpy as np

    assert spoken(Matrix(np.array([[1.0, -2.0], [0.0, 4.0]]))).split() == (
        "the matrix with rows 1, minus 2; 0, 4".split()
    )
    assert "<h3>" in markdown("# Head") and "<td>1</td>" in markdown("|a|\n|-|\n|1|\n")


# ---------------------------------------------------------------- in a browser

needs_browser = pytest.mark.skipif(browser.PATH is None, reason="there is no chromium here: keys and verdicts untried")


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    found = browser.Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory, written):
    folder = tmp_path_factory.mktemp("site")
    for id, text in written.items():
        (folder / f"{id}.html").write_text(text, encoding="utf-8")
    return folder


@needs_browser
def test_by_keys_alone(tab, site):
    tab.open(site / "o-classification.html")
    place = "document.querySelector('#card article').dataset.id"
    assert tab.run(place) == "z1[1]" and tab.run("document.querySelectorAll('#picture .lit').length") == 5
    seen = []
    for key in ("n", "ArrowRight", "Enter", "b", "]", "[", "End", "Home", "l", "n"):
        tab.press(key)
        seen.append(tab.run(place))
    assert seen == ["z1[2]", "a1[1]", "a1[2]", "a1[1]", "L", "z1[1]", "b1'[2]", "z1[1]", "z1", "a1"], seen
    before = tab.run("document.querySelector('#card .main').textContent")
    tab.press("t")
    assert tab.run("document.querySelector('#card .main').textContent") != before
    tab.press("L", "n")
    tab.run("document.querySelector('#card [data-to]').focus()")
    assert "Pre-activation" in tab.run("document.querySelector('#whence').textContent")
    assert tab.run("document.querySelectorAll('#picture .near').length") > 0
    tab.press("Enter")
    assert tab.run(place).startswith("z1[")
    tab.run("location.hash = encodeURIComponent('dL/dW1[1,2]')")
    assert tab.run(f"new Promise((done) => setTimeout(() => done({place}), 200))") == "dL/dW1[1,2]"
    tab.press("b", "n")
    assert tab.run(place) == "dL/dW1[1,2]"


@needs_browser
def test_a_jump_goes_back_where_it_began(tab, site):
    tab.open(site / "o-classification.html")
    place = "document.querySelector('#card article').dataset.id"
    tab.press("n", "n")
    tab.run("document.querySelector('#card [data-to]').focus()")
    tab.press("Enter")
    assert tab.run(place).startswith("z1[")
    tab.press("r", "d", "?")
    assert tab.run(place).startswith("a1[") and tab.run("document.documentElement.dataset.theme") == "dark"
    assert tab.run("document.querySelector('#keys').hidden") is False
    assert tab.run("document.querySelector('#said').textContent") is not None


@needs_browser
def test_it_asks_first_and_names_the_slip(tab, site):
    tab.open(site / "o-classification.html")
    tab.press("p")
    verdict = "document.querySelector('.verdict').textContent"
    at = next(k for k, eq in enumerate(trace(bundled("o-classification")).equations) if eq.symbol.id == "dL/dz2")
    for kind in ("value", "formula"):
        tab.run(f"tutor.at.step = {at}; document.querySelector('#predict').onchange()")
        if kind == "value":
            questions = tab.run(f"tutor.data.steps[{at}].questions.map((q) => q[tutor.at.notation])")
            assert questions
    if "right" in questions[0]:
        tab.type("0.5371")
        tab.press("Enter")
        assert "Target minus prediction" in tab.run(verdict)
        tab.run("document.querySelector('#card input').value = ''")
        tab.type("0.4629 - 1")
        tab.press("Enter")
        assert tab.run(verdict).startswith("Right.")
    else:
        right = next(k for k, choice in enumerate(questions[0]["choices"]) if choice[1])
        tab.run(f"document.querySelectorAll('#card input')[{right}].click()")
        tab.run("document.querySelector('#card form button').click()")
        assert tab.run(verdict).startswith("Right.")
    tab.press("Enter")  # the focus is on "See the step"
    assert tab.run("!!document.querySelector('#card article, #card form')")


def test_a_lesson_that_is_not_translated_says_its_own_language_in_a_page_of_another(monkeypatch):
    monkeypatch.setattr(pages, "BUDGETS", (30,))
    lesson = load(catalogue.find("one-neuron"))  # `bundled` keeps what it has read
    assert 'lang="en"' in page(lesson).html and page(lesson).html.count('lang="') == 1
    language.use("de")
    assert page(load(catalogue.find("gates"))).html.count('lang="') == 1
    made = page(lesson).html
    assert '<html lang="de">' in made and f'<h1 lang="en">{lesson.title}' in made and made.count('<div lang="en">') == 2
    listed = index_page([("a.html", load(catalogue.find("gates"))), ("b.html", lesson)])
    assert '<p class="entry" lang="en"><a href="b.html">' in listed and '<p class="entry"><a href="a.html">' in listed


@needs_browser
def test_in_german_by_keys_alone(tab, tmp_path):
    language.use("de")
    (tmp_path / "gates.html").write_text(page(load(catalogue.find("gates"))).html, encoding="utf-8")
    tab.open(tmp_path / "gates.html")
    place, heard = (f"document.querySelector('{where}').textContent" for where in (".place", "#said"))
    assert tab.run("document.documentElement.lang") == "de" and tab.run(place) == "Schritt 1 von 9, vorwärts"
    tab.press("n", "n")
    assert tab.run(place) == "Schritt 3 von 9, rückwärts"
    told = tab.run(f"new Promise((done) => setTimeout(() => done({heard}), 100))")
    assert told.endswith("del f durch del q gleich z gleich minus 4")
    tab.press("Home", "p")
    for typed, said in (("zwei", "Schreib eine Zahl"), ("7", "Das ist es nicht."), ("-2 + 5", "Richtig.")):
        tab.run("document.querySelector('#card input').value = ''")
        tab.type(typed)
        tab.press("Enter")
        assert tab.run("document.querySelector('.verdict').textContent").startswith(said)
    assert tab.run("document.activeElement.textContent") == "Den Schritt ansehen" and not tab.complaints


@needs_browser
@pytest.mark.parametrize("id", ["o-classification", "gates", "batch-mean"])
def test_its_verdicts_are_the_tutors(tab, site, id):
    tab.open(site / f"{id}.html")
    here, tried, odd = trace(bundled(id)), 0, []
    writer = Writer(here.lesson, here.lesson.notation)
    steps = tab.run("tutor.data.steps.map((s) => s.questions.map((q) => q[tutor.data.notation]))")
    for at, asked in enumerate(steps):
        answered = set()
        for k, record in enumerate(asked):
            item = playback.question(playback.Cursor(at=at), here, writer, answered)
            answered.add((1, playback.asked_key(item)))
            if record.get("right") is None:
                continue
            right = record["right"]
            wrong = [m[0] for m in record["mistakes"] + record["authors"]]
            numbers = [right, -right, 10 * right, right * 1.2345, right * 1.01, *wrong]
            texts = [f"{value:#.{digits}g}".rstrip(".") for value in numbers for digits in (1, 2, 3, 4, 6)]
            texts += ["", "no", "1/(", f"{right:.12g} + 0", f"2 * {right / 2:.15g}"]
            where = f"tutor.data.steps[{at}].questions[{k}][tutor.data.notation]"
            got = tab.run(f"{json.dumps(texts)}.map((text) => tutor.judge({where}, text))")
            for text, verdict in zip(texts, got, strict=True):
                true = item.grade(text)
                tried += 1
                said = verdict["says"] == true.message or true.message.startswith(verdict["says"])
                if verdict["kind"] == "wrong" and true.slips and not any(
                    math.isclose(m[0], slip.value) for m in record["mistakes"] for slip in true.slips
                ):
                    continue  # a slip that is none of the likeliest
                if verdict["kind"] != true.kind or not (said or true.kind in ("not-understood", "wrong")):
                    odd.append((item.id, text, right, verdict, true.kind, true.message))
    assert not odd, "\n".join(map(str, odd))
    assert tried > 100


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_a_telephone_and_a_desk_without_a_complaint_or_a_request(tab, site, width):
    for id in LESSONS:
        tab.requests.clear()
        tab.open(site / f"{id}.html", width)
        for keys in ([], ["End"], ["l"], ["l", "["], ["p"]):
            tab.press(*keys)
            assert tab.run("document.documentElement.scrollWidth") <= width, (id, keys)
        assert [address.rsplit("/", 1)[1] for address in tab.requests] == [f"{id}.html"]
    assert not tab.complaints
