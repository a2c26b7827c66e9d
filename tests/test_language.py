"""Texts in another language: the catalogue is whole, and what it translates says what the English says."""

from __future__ import annotations

import gettext
import importlib.util
import os
import pickle
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from string import Formatter

import pytest

from tutor.learner.languages import LANGUAGE
from tutor.learner.store import Store
from tutor.lessonfiles.check import examine
from tutor.lessonfiles.scaffold import lesson_text
from tutor.messages import Message
from tutor.text import glossary, language
from tutor.text.cells import folded, width
from tutor.text.language import N_, Term, fill, said, say, say_in, say_many
from tutor.text.layout import to_ascii
from tutor.text.lines import wrapped
from tutor.text.to_html import markdown
from tutor.text.words import quoted

ROOT = Path(__file__).resolve().parent.parent
_spec = importlib.util.spec_from_file_location("catalogue_tool", ROOT / "assets" / "catalogue.py")
tool = importlib.util.module_from_spec(_spec)
sys.modules["catalogue_tool"] = tool
_spec.loader.exec_module(tool)

OTHERS = [code for code in language.LANGUAGES if code != language.ENGLISH]
HOW = "run `make catalogue`, translate what is new in tutor/text/languages, and run it again"


@pytest.fixture(scope="module")
def messages():
    return tool.messages()


def entries(code):
    return tool.read_po((tool.FOLDER / f"{code}.po").read_text("utf-8"))


# ---------------------------------------------------------------- the catalogues


@pytest.mark.parametrize("code", OTHERS)
def test_everything_is_translated_and_nothing_that_is_gone(code, messages):
    found = entries(code)
    assert not [m.text for m in messages if m not in found], HOW
    nouns = tool.terms()
    assert not [m.text for m in found if m not in messages and not (m.context and m.text in nouns)], HOW
    assert not [m.text for m, entry in found.items() if entry.fuzzy or not all(entry.texts)], HOW


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_has_the_places_of_its_message(code):
    for message, entry in entries(code).items():
        for text, own in zip(entry.texts, (message.text, message.plural or message.text), strict=False):
            wanted = tool.places_of(own) | ({"n"} if message.plural and "{n}" in message.plural else set())
            had = tool.places_of(text) | (wanted & {"n"} if message.plural else set())
            assert had == wanted, (message.text, text)
            assert (text[:1] == " ", text[-1:] == " ") == (own[:1] == " ", own[-1:] == " "), (own, text)


@pytest.mark.parametrize("code", OTHERS)
def test_each_noun_has_every_form_that_the_language_asks_for(code):
    found = entries(code)
    asked = {
        form
        for entry in found.values()
        for text in entry.texts
        if tool.places_of(text)  # else braces are braces
        for _, _, form, _ in Formatter().parse(text)
        if form
    }
    asked.discard(language.CAPITAL)  # a form of any text
    nouns = tool.terms()
    assert {m.context for m in found if m.context and m.text in nouns} >= asked
    assert not [(noun, form) for noun in nouns for form in asked if tool.Message(noun, context=form) not in found]


@pytest.mark.parametrize("code", OTHERS)
def test_what_gettext_reads_is_what_people_edit(code):
    """`make catalogue` after a change of the .po: the file that is read is made of it."""
    path = tool.FOLDER / f"{code}.mo"
    assert path.read_bytes() == tool.as_mo(code, entries(code)), HOW
    with path.open("rb") as file:
        read = gettext.GNUTranslations(file)
    for message, entry in entries(code).items():
        if message.plural:
            assert tuple(read.ngettext(message.text, message.plural, n) for n in (1, 2)) == entry.texts
        elif message.context:
            assert read.pgettext(message.context, message.text) == entry.texts[0]
        else:
            assert read.gettext(message.text) == entry.texts[0]


def test_a_po_file_says_the_same_when_it_was_written_and_read():
    odd = {
        tool.Message('a "quoted" \\ text\nin two lines'): tool.Entry(("ein „Text“\n",), places=["x.py"]),
        tool.Message("{n} unit", "{n} units"): tool.Entry(("{n} Einheit", "{n} Einheiten"), places=["x.py", "y.py"]),
        tool.Message("level", context="noun"): tool.Entry(("Stufe",), fuzzy=True),
    }
    assert tool.read_po(tool.as_po("de", odd)) == odd


def test_a_message_that_changed_a_little_keeps_its_old_translation_to_be_looked_at():
    old = {tool.Message("The gate takes its input."): tool.Entry(("Das Gatter nimmt seinen Eingang.",))}
    now = tool.brought_up_to_date(old, {tool.Message("The gate takes one input."): ["x.py"]})
    (entry,) = now.values()
    assert entry.fuzzy and entry.texts == ("Das Gatter nimmt seinen Eingang.",)
    assert b"Gatter" not in tool.as_mo("de", now)


def test_the_tool_finds_what_is_handed_to_a_marker():
    source = (
        "from tutor.text.language import say, say_in, say_many as counted\n"
        "from tutor.text.words import plural\nfrom tutor.play.commands import Key\n"
        'Term("not imported"); say("a {x}" " b", x=1); say("c" if y else "d"); counted(n, "{n} e", "{n} f");'
        'plural(n, "g");'
        'say_in("h", "i"); self.say("no message"); say(name); Key("k", "act", "k", "label", "help", says="lines")'
    )
    found = [(m.text, m.plural, m.context) for m in tool.in_source(source)]
    assert found == [
        ("a {x} b", "", ""), ("c", "", ""), ("d", "", ""), ("{n} e", "{n} f", ""), ("{n} g", "{n} gs", ""),
        ("i", "", "h"), ("label", "", ""), ("help", "", ""), ("lines", "", ""),
    ]  # fmt: skip


# ---------------------------------------------------------------- what is said


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    """A small catalogue of its own as the German one."""
    told = {
        "Step {n} of {layer}": ("Schritt {n} {layer:gen}",),
        "braces {stay}": ("Klammern {stay}",),
        "Through {gate} {gates}.": ("Durch {gate}: {gates:capital}.",),
        "broken {n}": ("kaputt {m}",),
        "unbalanced {n}": ("schief {n",),
    }
    found = {tool.Message(text): tool.Entry(texts) for text, texts in told.items()}
    found[tool.Message("{n} unit", "{n} units")] = tool.Entry(("{n} Einheit", "{n} Einheiten"))
    found[tool.Message("layer {k}")] = tool.Entry(("Schicht {k}",))
    found[tool.Message("layer {k}", context="gen")] = tool.Entry(("der Schicht {k}",))
    (tmp_path / "de.mo").write_bytes(tool.as_mo("de", found))
    monkeypatch.setattr(language, "_FOLDER", str(tmp_path))
    language.use("de")
    return tmp_path


def test_values_go_in_after_the_translation(catalogue):
    assert language.language() == "de"
    assert say("Step {n} of {layer}", n="{n}", layer=Term("layer {k}", k=2)) == "Schritt {n} der Schicht 2"
    assert fill("Step {n} of {layer}", {"n": 1, "layer": Term("layer {k}", k=2)}) == "Schritt 1 der Schicht 2"
    assert say("Step {n} of {layer}", n=1, layer="f") == "Schritt 1 f"  # a name has one form
    assert say("braces {stay}") == "Klammern {stay}"
    assert (say_many(1, "{n} unit", "{n} units"), say_many(2000, "{n} unit", "{n} units")) == (
        "1 Einheit",
        "2,000 Einheiten",
    )
    assert say("Through {gate} {gates}.", gate="f", gates="das Gatter addiert") == "Durch f: Das Gatter addiert."
    assert Term("layer {k}", k=3).changed(str.upper) == "SCHICHT 3"
    assert f"{Term('layer {k}', k=3).changed(str.upper):gen}" == "der Schicht 3"


def test_what_has_no_translation_and_what_is_broken_is_english(catalogue):
    assert say("unknown {n}", n=1) == "unknown 1" and say("") == "" and say_in("x", "layer") == "layer"
    assert say("broken {n}", n=1) == "broken 1" and say("unbalanced {n}", n=1) == "unbalanced 1"
    assert N_("broken {n}") == "broken {n}"
    with pytest.raises(KeyError):  # a message whose own value is missing is a mistake in the program
        say("unknown {n}", m=1)


@pytest.mark.parametrize("content", [None, b"", b"no catalogue at all", b"\xde\x12\x04\x95" + b"\xff" * 40])
def test_a_missing_or_broken_catalogue_is_english(content, catalogue):
    (catalogue / "de.mo").unlink()
    if content is not None:
        (catalogue / "de.mo").write_bytes(content)
    language.use("de")
    assert language.language() == "en" and say("braces {stay}") == "braces {stay}"


@pytest.mark.parametrize(
    "asked, code",
    [("de", "de"), ("de_AT.UTF-8", "de"), ("DE", "de"), ("de.UTF-8", "de"), ("en_GB", "en"), ("", ""), ("xx", "")],
)
def test_the_environment_names_a_language(asked, code, monkeypatch):
    monkeypatch.setenv(language.VARIABLE, asked)
    assert language.asked_for() == code


@pytest.mark.parametrize(
    "variables, code",
    [
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, ""),
        ({"LANGUAGE": "fr:de_AT:en", "LC_ALL": "en_GB"}, "de"),
        ({"LANGUAGE": "", "LANG": "de"}, "de"),
        ({"LC_CTYPE": "de_DE.UTF-8"}, ""),
        ({}, ""),
    ],
)
def test_the_system_speaks_a_language(variables, code, monkeypatch):
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language.of_system() == code


@pytest.mark.parametrize(
    "told, chosen, spoken", [("en", "de", "en"), ("", "en", "en"), ("", None, "de"), ("de", "en", "de")]
)
def test_what_the_tutor_is_told_goes_before_what_was_chosen_and_that_before_the_system(told, chosen, spoken):
    if chosen:
        with closing(Store.open()) as store:
            store.save_setting(LANGUAGE, chosen)
    environment = os.environ | {"LANGUAGE": "", "LC_ALL": "de_DE.UTF-8", language.VARIABLE: told}
    goal = subprocess.run([sys.executable, "-m", "tutor", "goal"], env=environment, capture_output=True, text=True)
    assert ("kein Ziel" in goal.stdout, "no goal" in goal.stdout) == (spoken == "de", spoken == "en"), goal



def test_terms_stand_by_the_alphabet_of_the_language_and_quotes_are_its_own():
    language.use("de")
    names = [glossary.written(term).casefold() for term in glossary.in_order(())]
    plain = [name.translate(str.maketrans("äöü", "aou")) for name in names]
    assert plain == sorted(plain) and names != sorted(names)
    assert quoted("so") == "„so“" and to_ascii("Größe „für“ Äste") == 'Groesse "fuer" Aeste'


# ---------------------------------------------------------------- letters of other scripts


def test_wide_characters_wrap_by_their_cells():
    text = "勾配は損失が最も速く増える方向を指します。δ = ∂L/∂z は誤差です。"
    lines = folded(text, 20, "  ", "    ")
    assert max(map(width, lines)) <= 20 and min(map(width, lines[:-1])) >= 15
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert not any(line.strip()[0] in "、。" for line in lines) and all(line.startswith("  ") for line in lines)
    assert folded("a combining ẑ̂ and words", 12) == ["a combining", "ẑ̂ and words"] and folded(" ", 9) == []
    assert folded("한국어 문장은 낱말 사이에서", 12) == ["한국어", "문장은 낱말", "사이에서"]  # at spaces alone
    assert wrapped("勾配" * 40)[0] == "  " + "勾配" * 19  # as line mode says it


def test_prose_from_right_to_left_keeps_names_and_formulas_in_their_own_order_in_a_page():
    said = markdown("השיפוע ∂L/∂W₂ הוא −0.5, ואז w − η · ∂L/∂w.\n\n- פריט *x² + 2x* < 3")
    for part in ("∂L/∂W₂", "−0.5", "w − η · ∂L/∂w", "x² + 2x"):
        assert f'<bdi dir="ltr">{part}</bdi>' in said
    assert said.startswith('<p dir="auto">') and '<ul dir="auto">' in said and "&lt;" in said
    assert "bdi" not in markdown("Left to right: w − η · ∂L/∂w.") and "dir" not in markdown("x")


# ---------------------------------------------------------------- what a room without texts has to say


def test_a_message_of_the_engine_is_english_until_it_is_said(monkeypatch):
    inner = Message("a vector of {n}", n="1,000")
    error = ValueError(Message("{name} is {size}: write {{t}}", name="{n}", size=inner))
    english = "{n} is a vector of 1,000: write {t}"
    assert str(error) == english == said(error) == said(error.args[0])
    german = {inner.template: "ein Vektor aus {n}", error.args[0].template: "{size} ist {name}: {{t}}"}
    monkeypatch.setattr(language, "_catalogue", Catalogue(german))
    assert said(error) == "ein Vektor aus 1,000 ist {n}: {t}" and str(error) == english
    assert said("{plain}") == "{plain}" and said(ValueError("as ever")) == "as ever" and said(KeyError()) == ""
    assert pickle.loads(pickle.dumps(error)).args[0].words == error.args[0].words


class Catalogue(gettext.NullTranslations):
    """Translations that stand in a dict."""

    def __init__(self, texts):
        super().__init__()
        self.texts = texts

    def gettext(self, message):
        return self.texts.get(message, message)


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("arrays", [False, True])
def test_a_new_lesson_is_sound_in_every_language(code, arrays, tmp_path):
    path = tmp_path / "new.toml"
    english = lesson_text(path, arrays)
    language.use(code)
    path.write_text(lesson_text(path, arrays), encoding="utf-8")
    lesson, problems = examine(path)
    assert not problems and lesson and path.read_text("utf-8") != english
    kept = set(path.read_text("utf-8").splitlines()) & set(english.splitlines())
    assert not [line for line in kept if " a " in line or " the " in line]
