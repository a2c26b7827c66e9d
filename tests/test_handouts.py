"""Question banks: complete, graded as the tutor grades, a feedback for each mistake; read back by other parsers."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import os
import re
import struct
import sys
import zipfile
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from strategies import bundled
from tutor.cli.commands import main
from tutor.engine.trace import trace
from tutor.handouts.asked import asked, items_of
from tutor.handouts.documents import DOCUMENTS
from tutor.handouts.figures import cells
from tutor.handouts.page import lit_at
from tutor.handouts.platforms import PLATFORMS, bank_of, scaled
from tutor.handouts.sheets import CellGrid, Heading, Paragraph, Points, Table
from tutor.lessonfiles.check import load
from tutor.lessonfiles.writing import lesson_text
from tutor.pictures.drawing import drawing_of, svg_of
from tutor.questions.quiz import make_items
from tutor.text import language
from tutor.text.card import Scribe

LESSONS = ("o-classification", "gates", "attention", "softmax", "epochs")


@pytest.fixture(scope="module")
def banks():
    """By lesson: its own questions and those of a variant."""
    found = {}
    for id in LESSONS:
        lesson = bundled(id)
        items = [*items_of(lesson, 8, 1, lesson.notation), *items_of(lesson, 8, 1, lesson.notation, 1)]
        questions = [asked(item, name=f"{at} {item.id}") for at, item in enumerate(items)]
        found[id] = bank_of(lesson.title, questions, lambda q: svg_of(q.item.step.trace, q.item.writer.id))
    return found


@pytest.mark.parametrize("id", LESSONS)
def test_a_number_is_taken_as_the_tutor_takes_it_and_every_mistake_is_told_apart(banks, id):
    numbers = [q for q in banks[id].questions if q.right is not None]
    assert numbers
    for q in numbers:
        for off in (-0.99, 0, 0.99):
            assert q.item.grade(f"{q.right + off * q.tolerance:.12g}").correct, (q.name, off)
        values = [q.right, *(m.value for m in q.mistakes)]
        for at, one in enumerate(values):
            assert all(abs(one - other) > 2 * q.tolerance for other in values[at + 1 :]), q.name
        for mistake in q.mistakes:
            assert not q.item.grade(f"{mistake.value:#.6g}").correct and mistake.says, (q.name, mistake)


def test_a_known_slip_has_its_number_and_its_feedback(banks):
    # ∂L/∂z_fin = ŷ − y = −0.5371 in the first iteration; the other way round it is 0.5371.
    q = next(q for q in banks["o-classification"].questions if q.item.step.id == "dL/dz2[1]")
    assert math.isclose(q.right, 0.46294398 - 1, rel_tol=1e-6) and q.given == (("ŷ", "0.4629"), ("y", "1"))
    assert q.mistakes[0].answer == "0.5371" and "Target minus prediction" in q.mistakes[0].says


@pytest.mark.parametrize("id", LESSONS)
def test_one_choice_is_right_unless_many_are(banks, id):
    for q in banks[id].questions:
        if q.choices and not q.many:
            assert sum(c.right for c in q.choices) == 1 and all(c.says for c in q.choices if not c.right), q.name
            assert next(c.text for c in q.choices if c.right) == q.answer
        if q.many:
            assert 0 < sum(c.right for c in q.choices) < len(q.choices)


@pytest.mark.parametrize("id", LESSONS)
def test_moodle_xml_is_read_back_with_its_feedback(banks, id):
    written = PLATFORMS["moodle"].write(banks[id])
    quiz = ElementTree.fromstring(written.data)
    read = [q for q in quiz if q.get("type") != "category"]
    carried = [q for q in banks[id].questions if q.right is not None or q.choices]
    assert len(read) == len(carried) == len(banks[id].questions) - len(written.left_out)
    assert len({q.findtext("name/text") for q in read}) == len(read)
    for xml, q in zip(read, carried, strict=True):
        answers = xml.findall("answer")
        assert q.item.step.trace.lesson.id in quiz[0].findtext("category/text") and xml.findtext("generalfeedback/text")
        picture = base64.b64decode(xml.find("questiontext/file").text)
        assert ElementTree.fromstring(picture).tag.endswith("svg")
        if q.choices:
            assert xml.get("type") == "multichoice" and len(answers) == len(q.choices)
            shares = [float(a.get("fraction")) for a in answers]
            assert sum(share for share in shares if share > 0) == pytest.approx(100, abs=0.01)
        else:
            shares = [a.get("fraction") for a in answers]
            assert xml.get("type") == "numerical" and shares == ["100"] + ["0"] * len(q.mistakes)
            assert float(answers[0].findtext("text")) == pytest.approx(q.right)
            for a, mistake in zip(answers[1:], q.mistakes, strict=True):
                assert mistake.title.rstrip(".") in unescape(a.findtext("feedback/text"))


def test_gift_has_its_signs_escaped(banks):
    text = PLATFORMS["gift"].write(banks["o-classification"]).data.decode()
    blocks = [block for block in text.split("\n\n")[1:] if block.strip()]
    for block in blocks:
        plain = re.sub(r"\\[~=#{}:\\]", "", block)
        assert plain.count("{") == plain.count("}") == 1 and plain.startswith("::")
        answers = plain[plain.index("{") + 1 : plain.rindex("####")].strip("#\n").splitlines()
        assert all(line[0] in "=~" for line in answers) and any(line[0] == "=" or "%" in line for line in answers)
    assert "=%0%0.537" in text and "Target minus prediction" in text


def test_qti_is_a_package_and_small_numbers_are_asked_times_a_thousand(banks):
    archive = zipfile.ZipFile(io.BytesIO(PLATFORMS["qti"].write(banks["softmax"]).data))
    manifest = ElementTree.fromstring(archive.read("imsmanifest.xml"))
    (file,) = [element for element in manifest.iter() if element.tag.endswith("}file")]
    space = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"
    items = list(ElementTree.fromstring(archive.read(file.get("href"))).iter(f"{space}item"))
    assert items
    for item in items:
        marks = [c for c in item.iter(f"{space}respcondition") if c.find(f"{space}setvar") is not None]
        assert [c.findtext(f"{space}setvar") for c in marks] == ["100"]
        shown = {d.get("linkrefid") for d in item.iter(f"{space}displayfeedback")}
        assert shown <= {f.get("ident") for f in item.iter(f"{space}itemfeedback")}
    (vanishing,) = [
        q for q in map(asked, items_of(bundled("vanishing"), 8, 1, "dz")) if q.item.step.id == "dL/dz1[1]" and q.right
    ][:1] or [None]
    if vanishing:
        factor, value = scaled(vanishing)
        assert factor == 1000 and abs(value) >= 0.01


def test_anki_csv_and_json_have_every_question(banks):
    bank = banks["attention"]
    anki = PLATFORMS["anki"].write(bank).data.decode().splitlines()
    head = [line for line in anki if line.startswith("#")]
    assert head[:2] == ["#separator:tab", "#html:true"] and len(anki) - len(head) == len(bank.questions)
    assert all(len(line.split("\t")) == 3 for line in anki[len(head) :])
    rows = list(csv.DictReader(io.StringIO(PLATFORMS["csv"].write(bank).data.decode("utf-8-sig"))))
    record = json.loads(PLATFORMS["json"].write(bank).data)
    assert record["format"] == 1 and len(rows) == len(record["questions"]) == len(bank.questions)
    for row, question in zip(rows, record["questions"], strict=True):
        assert row["name"] == question["name"] and json.loads(row["mistakes"]) == question["mistakes"]
        assert not row["prompt"].startswith(("=", "+", "@"))


def test_the_same_seed_writes_the_same_file_and_another_one_other_numbers(tmp_path, capsys):
    paths = [tmp_path / name for name in ("a.xml", "b.xml", "c.xml")]
    for path, seed in zip(paths, "112", strict=True):
        assert main(["questions", "gates", "--variants", "2", "--count", "4", "--seed", seed, "-o", str(path)]) == 0
    a, b, c = (path.read_bytes() for path in paths)
    assert a == b != c
    assert main(["questions", "gates", "-o", str(paths[0])]) == 2 and paths[0].read_bytes() == a
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    "bad, says",
    [
        (["--variants", "x"], "--variants takes a whole number"),
        (["--count", "0"], "--count takes a whole number"),
        (["--notation", "klingon"], "klingon"),
    ],
)
def test_bad_options_are_told(bad, says, capsys):
    assert main(["questions", "gates", *bad]) == 2
    assert says in capsys.readouterr().err


def test_what_cannot_be_carried_is_said_a_line_each(tmp_path, capsys):
    path = tmp_path / "bank.xml"
    assert main(["questions", "c-431", "--count", "12", "-o", str(path)]) == 0
    said = capsys.readouterr()
    lost = [line for line in said.err.splitlines() if line.startswith("left out: ")]
    read = [q for q in ElementTree.fromstring(path.read_bytes()) if q.get("type") != "category"]
    assert len(read) + len(lost) == 12 and all("it asks for a" in line for line in lost)


@pytest.mark.parametrize("id", ["o-classification", "digits", "gates", "attention", "lstm"])
def test_a_figure_is_svg_with_words_and_no_address(id, capsys):
    assert main(["figure", id]) == 0
    text = capsys.readouterr().out
    root = ElementTree.fromstring(text)
    assert root.find("{http://www.w3.org/2000/svg}title").text and "href" not in text and len(text) < 200_000


@pytest.mark.parametrize(
    "kind, step, says",
    [
        ("step", "dL/dW1[1,2]", "= −0.09326"),
        ("chain", "dL/dW1[1,2]", "product: −0.53706 · 0.9 · 0.24119 · 0.8 = −0.09326"),
        ("slope", "W1[1,2]", "update"),
        ("losses", "", "epoch"),
    ],
)
def test_figures_of_a_step_and_of_training_are_cells(kind, step, says, capsys):
    assert main(["figure", "o-classification", kind, "--step", step]) == 0
    root = ElementTree.fromstring(capsys.readouterr().out)
    space = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in root.iter(f"{space}text")]
    assert any(says in text for text in texts), texts
    paths = [path.get("d") for path in root.iter(f"{space}path")]
    assert bool(paths) == (kind in ("slope", "losses")) and not any("\u2800" <= c <= "\u28ff" for t in texts for c in t)
    wide, high = float(root.get("width")), float(root.get("height"))
    for text in root.iter(f"{space}text"):
        assert float(text.get("x")) + float(text.get("textLength")) <= wide and 0 < float(text.get("y")) < high
    for x, y in re.findall(r"M([\d.]+) ([\d.]+)", "".join(paths)):
        assert 0 <= float(x) < wide and 0 <= float(y) < high


@pytest.mark.parametrize(
    "id, step, lit",
    # the weight from input 2 to unit 1, both of them; of a circuit the symbols themselves
    [("o-classification", "dL/dW1[1,2]", {"u0.1", "u1.0", "e1.0.1"}), ("gates", "df/dq", {"s/q", "s/z"})],
)
def test_a_figure_lights_what_a_step_uses_and_makes(id, step, lit):
    here = trace(bundled(id))
    marks = lit_at(here.find(step), Scribe(here, here.lesson.notation))
    drawing = drawing_of(here, here.lesson.notation)
    svg = drawing.svg(marked=True, lit=marks)
    found = set(re.findall(r'data-item="([^"]*)" style=', svg))
    assert lit <= found and set(drawing.marks.values()) - found
    assert "data-item" not in drawing.svg() and drawing.svg().count("style=") == 1


@pytest.mark.parametrize(
    "argv, says",
    [
        (["forks", "losses"], "not trained"),
        (["o-classification", "step"], "which step?"),
        (["o-classification", "chain", "--step", "z1[1]x"], "not a step id"),
        (["o-classification", "chain", "--step", "L"], "no gradient"),
    ],
)
def test_a_figure_that_is_not_there_is_refused(argv, says, capsys):
    code, said = main(["figure", *argv]), capsys.readouterr()
    assert code == 2 and says in said.err and not said.out


def test_a_lessons_text_is_data(tmp_path):
    path = tmp_path / "01-evil.toml"
    path.write_text(
        'format = 1\ntitle = "<script>alert(1)</script> {=#} ]]> \\t"\n'
        '[circuit]\ndefine = ["f = x * y"]\noutput = "f"\n'
        "[circuit.inputs]\nx = 2.0\ny = 3.0\n[[questions]]\nask = \"<b>What</b> ~=#{}: is ]]> it?\"\nanswer = 6\n"
        'hints = ["<img src=x onerror=1>"]\nwrong = [{ answer = 5, says = "]]><script>" }]\n',
        encoding="utf-8",
    )
    for name in PLATFORMS:
        out = tmp_path / f"bank.{name}"
        assert main(["questions", str(path), "--format", name, "-o", str(out)]) == 0
        if name == "moodle":
            texts = [e.text or "" for e in ElementTree.fromstring(out.read_bytes()).iter("text")]
            assert not any("<script" in text for text in texts if text.startswith("<p")), texts
        if name in ("gift", "anki"):
            assert b"<script" not in re.sub(rb"^[#$].*$", b"", out.read_bytes(), flags=re.M)


# ---------------------------------------------------------------- sheets


class Reader(HTMLParser):
    """The text of a page, and what it opens and closes."""

    VOID = frozenset(("meta", "line", "circle", "rect"))

    def __init__(self):
        super().__init__()
        self.open, self.texts, self.attributes, self.tags = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read_page(path):
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    assert not reader.open and not {"script", "link", "img", "iframe"} & set(reader.tags)
    assert not [name for name, value in reader.attributes if name in ("src", "href", "onload", "onerror")]
    return reader


def test_thirty_sheets_have_numbers_of_their_own_and_a_key_with_the_slips(tmp_path, capsys):
    names = tmp_path / "class.txt"
    names.write_text("\ufeffAda Lovelace\n\n<b>Bob</b>\n", encoding="utf-8")
    out = tmp_path / "sheets"
    argv = ["worksheet", "o-regression", "--variants", "3", "--names", str(names), "--questions", "4", "-o", str(out)]
    assert main(argv) == 0 and "3 sheets and their key" in capsys.readouterr().out
    pages = sorted(out.glob("sheet-*.html"))
    texts = [" ".join(read_page(page).texts) for page in pages]
    codes = [page.stem.split("-")[2] for page in pages]
    assert len(pages) == len(set(codes)) == len(set(texts)) == 3
    assert "Ada Lovelace" in texts[0] and "<b>Bob</b>" in texts[1] and "Name: ____" in texts[2]
    together = " ".join(read_page(out / "sheets.html").texts)  # to be printed at once
    assert [together.count(f"Sheet {code} · Name") for code in codes] == [1, 1, 1]
    key = " ".join(read_page(out / "key.html").texts)
    assert all(f"Key to sheet {code}" in key for code in codes) and "made this mistake" in key
    assert not any("Answer:" in text for text in texts)
    assert main(argv) == 2 and "is there already" in capsys.readouterr().err  # nothing is written over


def test_a_document_says_its_language_and_prose_from_right_to_left_its_direction():
    blocks = [Paragraph("Größe „δ“, „Maß“ oder ‚x‘?"), Paragraph("מה ∂f/∂x כאשר x = 2"), Points(("x, לא y",))]
    assert "babel" not in DOCUMENTS["tex"].write("", blocks) and 'lang: "en"' in DOCUMENTS["typ"].write("", blocks)
    language.use("de")
    written = {suffix: document.write("T", blocks) for suffix, document in DOCUMENTS.items()}
    latin = DOCUMENTS["tex"].write("T", blocks[:1])
    assert r"\usepackage[ngerman,provide=*]{babel}" in written["tex"] and 'lang: "de"' in written["typ"]
    assert r"Größe \quotedblbase{}$\delta$``, \quotedblbase{}Maß`` oder \quotesinglbase{}x`?" in written["tex"]
    assert "fontspec" in written["tex"] and "כאשר x = 2" in written["tex"] and "fontspec" not in latin
    assert '<html lang="de">' in written["html"] and "<p>Größe „δ“" in written["html"]
    assert '<p dir="auto">מה <bdi dir="ltr">∂f/∂x</bdi> כאשר <bdi dir="ltr">x = 2</bdi></p>' in written["html"]
    assert '<li dir="auto"><bdi dir="ltr">x</bdi>, לא' in written["html"]


@pytest.mark.parametrize("suffix", ["html", "md", "tex", "typ"])
def test_the_whole_pass_has_a_cell_for_every_number(tmp_path, suffix):
    out = tmp_path / "pass"
    assert main(["worksheet", "two-paths", "--whole-pass", "--format", suffix, "-o", str(out)]) == 0
    blank, key = (next(out.glob(f"{name}*")).read_text(encoding="utf-8") for name in ("sheet-", "key"))
    here = trace(bundled("two-paths"))
    cells = sum(math.prod(step.shape) for step in here.steps("matrix"))
    empty = {
        "html": lambda text: text.count("<td></td>"),
        "tex": lambda text: text.count(r"\hspace{14mm}"),
        "md": lambda text: sum(row.count("   ") for row in re.findall(r"(?<=--- \|\n)(?:\|.*\n)+", text)),
        "typ": lambda text: sum(table.count('""') for table in re.findall(r"rows: 7mm.*", text)),
    }[suffix]
    assert empty(blank) == cells and empty(key) == 0
    if suffix == "tex":
        for text in (blank, key):
            begun, ended = re.findall(r"\\begin\{(\w+)\}", text), re.findall(r"\\end\{(\w+)\}", text)
            assert sorted(begun) == sorted(ended) and text.count("$") % 2 == 0
            bare = re.sub(r"\\[{}]", "", text)
            assert bare.count("{") == bare.count("}")


@pytest.mark.parametrize("id", ["o-classification", "attention", "gates"])
def test_typst_compiles(tmp_path, id):
    typst = pytest.importorskip("typst")
    assert main(["worksheet", id, "--format", "typ", "-o", str(tmp_path / "t")]) == 0
    for file in (tmp_path / "t").glob("*.typ"):
        assert typst.compile(str(file)).startswith(b"%PDF")


def test_words_are_data_in_every_format():
    evil = r'#let x = 1 \input{x} $ % & _ <b> | "quoted" `code` [link](x)'
    table = Table(((evil, evil),), (evil, ""))
    blocks = [Heading(evil, 1), Paragraph(evil), table, Points((evil,)), CellGrid("W", 1, 1, (evil,))]
    written = {name: document.write(evil, blocks) for name, document in DOCUMENTS.items()}
    assert "<b>" not in written["html"]
    assert r"\input" not in written["tex"] and r"\textbackslash{}input\{x\}" in written["tex"]
    code = re.sub(r'"(?:[^"\\]|\\.)*"', '""', written["typ"].split("\n", 4)[4])
    assert "#let x" not in code and "input" not in code
    assert "<b>" not in written["md"] and r"\[link\]" in written["md"]


def test_what_nobody_fills_in_on_paper_is_refused(tmp_path, capsys):
    assert main(["worksheet", "digits", "--whole-pass", "-o", str(tmp_path / "x")]) == 2
    assert "take --questions" in capsys.readouterr().err and not (tmp_path / "x").exists()


# ---------------------------------------------------------------- what is asked is the author's choice

CHOSEN = """
format = 1
title = "Chosen"
[circuit]
define = ["q = x + y", "f = q * z"]
output = "f"
[circuit.inputs]
x = -2.0
y = 5.0
z = -4.0
[quiz]
{quiz}
[[questions]]
ask = "First?"
answer = 1
hints = ["one"]
[[questions]]
step = "df/dx"
[[questions]]
ask = "Second?"
choices = ["a", "b"]
answer = 2
hints = ["two"]
"""


@pytest.mark.parametrize(
    "quiz, ids",
    [
        ('only = "author"', ["author:1", "author:2", "author:3"]),
        ('only = "author"\ncount = 2', ["author:1", "author:2"]),
        ('only = "steps"\nsteps = ["df/dq", "f"]\nkinds = ["value"]', ["value:df/dq", "value:f"]),
        ('only = "steps"\nsteps = ["df/dq", "f"]\nkinds = ["operands"]', ["operands:df/dq", "operands:f"]),
    ],
)
def test_a_quiz_asks_what_the_author_chose(tmp_path, quiz, ids):
    path = tmp_path / "chosen.toml"
    path.write_text(CHOSEN.format(quiz=quiz), encoding="utf-8")
    lesson = load(path)
    assert [item.id for item in make_items([lesson], None, 1)] == ids
    assert [item.id for item in make_items([lesson], 1, 1)] == ids[:1]  # who says how many is obeyed
    shuffled = replace(lesson, quiz=replace(lesson.quiz, shuffled=True))
    orders = {tuple(item.id for item in make_items([shuffled], None, seed)) for seed in range(8)}
    assert len(orders) > 1 and all(len(order) == len(ids) for order in orders)
    again = build_again(lesson, tmp_path)
    assert (again.quiz, again.quiz_steps) == (lesson.quiz, lesson.quiz_steps)


def build_again(lesson, folder):
    path = folder / "again.toml"
    path.write_text(lesson_text(lesson), encoding="utf-8")
    return load(path)


@pytest.mark.parametrize(
    "quiz, says",
    [
        ('only = "steps"', "name some in 'steps'"),
        ('only = "me"', "only"),
        ("count = 0", "count"),
        ('kinds = ["riddle"]', "riddle"),
        ('order = "random"', "order"),
    ],
)
def test_a_bad_choice_is_told(tmp_path, quiz, says, capsys):
    path = tmp_path / "chosen.toml"
    path.write_text(CHOSEN.format(quiz=quiz), encoding="utf-8")
    assert main(["check", str(path)]) == 1 and says in capsys.readouterr().out


def test_only_the_authors_questions_are_handed_out(tmp_path, capsys):
    path, bank = tmp_path / "chosen.toml", tmp_path / "bank.json"
    path.write_text(CHOSEN.format(quiz='only = "author"'), encoding="utf-8")
    assert main(["questions", str(path), "--format", "json", "-o", str(bank)]) == 0
    assert [q["question"] for q in json.loads(bank.read_bytes())["questions"]] == ["author:1", "author:2", "author:3"]
    assert main(["worksheet", str(path), "--variants", "2", "-o", str(tmp_path / "w")]) == 0  # the one without words
    page = next((tmp_path / "w").glob("sheet*")).read_text(encoding="utf-8")
    assert "First?" not in page and "∂f/∂x" in page


@pytest.mark.parametrize(
    "argv", [["network"], ["step", "--step", "dL/dW1"], ["chain", "--step", "dL/dW1[1,2]"], ["slope"], ["losses"]]
)
def test_a_figure_is_a_png_where_the_file_or_the_format_says_so(argv, tmp_path, capfdbinary):
    pytest.importorskip("resvg_py", reason="the extra `png` is not installed")
    file = tmp_path / "figure.PNG"
    assert main(["figure", "o-classification", *argv, "-o", str(file)]) == 0
    capfdbinary.readouterr()
    assert main(["figure", "o-classification", *argv]) == 0
    width, height = re.search(rb'width="(\d+)" height="(\d+)"', capfdbinary.readouterr().out).groups()
    data = file.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (2 * int(width), 2 * int(height))
    if argv == ["losses"]:
        assert main(["figure", "o-classification", "losses", "--format", "png"]) == 0
        assert capfdbinary.readouterr().out == data


def test_the_signs_of_mathematics_are_drawn():
    from tutor.handouts.png import png
    pytest.importorskip("resvg_py", reason="the extra `png` is not installed")
    unknown = png(cells([(("\ue123", ""),)], ""))
    for sign in "σ′∂⊙₁₂²ᵀŷ∇Σ·−⟨η":
        assert png(cells([((sign, ""),)], "")) != unknown, sign


def test_without_the_extra_a_png_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    assert main(["figure", "gates", "-o", str(tmp_path / "a.png")]) == 2
    assert "pip install 'backprop-tutor[png]'" in capsys.readouterr().err and not os.listdir(tmp_path)


def test_without_a_font_no_letters_are_left_out_silently(monkeypatch, capsys):
    resvg = pytest.importorskip("resvg_py", reason="the extra `png` is not installed")
    draw = resvg.svg_to_bytes
    monkeypatch.setattr(resvg, "svg_to_bytes", lambda **how: draw(**how, skip_system_fonts=True))
    assert main(["figure", "gates", "--format", "png"]) == 2
    assert "no font" in capsys.readouterr().err
