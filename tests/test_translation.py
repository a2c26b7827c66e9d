"""A lesson's texts in another language: what is put in, what stays, and what `check` says of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tutor.cli.authoring import whose
from tutor.cli.commands import main
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import examine, lesson_files, load
from tutor.lessonfiles.translation import OTHERS, file_of, is_translation
from tutor.text import language

ROOT = Path(__file__).resolve().parent.parent
LESSONS = ROOT / "lessons"
TRANSLATED = sorted((LESSONS / "de").glob("*.toml"))


@pytest.fixture
def lesson(tmp_path):
    """A lesson of one's own with a translation, whose texts a test writes."""
    path = tmp_path / "03-gates.toml"
    shutil.copy(LESSONS / path.name, path)
    (tmp_path / "de").mkdir()

    def written(text):
        (tmp_path / "de" / path.name).write_text(text, "utf-8")
        return path

    return written


def told(path):
    return [(Path(p.path).parent.name, p.line, p.severity, p.message) for p in examine(path)[1]]


def texts(lesson):
    return lesson.title, lesson.summary, lesson.intro, lesson.outro, lesson.notes, lesson.questions


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda path: path.stem)
def test_ours_are_whole_and_their_numbers_are_the_lessons(path):
    """Nothing but words changes: the same steps, answers and live values; nothing is left in English."""
    english = load(LESSONS / path.name)
    language.use("de")
    german = load(LESSONS / path.name)
    assert examine(LESSONS / path.name)[1] == []
    assert german.title != english.title and german.intro != english.intro and german.outro != english.outro
    for own, other in zip(english.notes, german.notes, strict=True):
        assert (own.step, own.at) == (other.step, other.at) and own.text != other.text
    for own, other in zip(english.questions, german.questions, strict=True):
        assert (own.step, own.kind, own.digits) == (other.step, other.kind, other.digits)
        assert [type(w.answer) for w in own.wrong] == [type(w.answer) for w in other.wrong]
        assert own.right_choices == other.right_choices if own.choices else own.answer == other.answer
    assert english.circuit == german.circuit and english.network == german.network


def test_what_is_not_translated_stays_and_live_values_work(lesson):
    path = lesson('intro = "Hallo"\n[[notes]]\nstep = "f"\ntext = "f ist {=f}, {f}."\n')
    english = load(path)
    language.use("de")
    german = load(path)
    assert german.intro == "Hallo" and german.title == english.title
    assert [note.text for note in german.notes if note.step == "f"] == ["f ist {=f}, {f}."]
    assert [n for n in german.notes if n.step != "f"] == [n for n in english.notes if n.step != "f"]
    language.use("en")
    assert texts(load(path)) == texts(english)


def test_choices_may_be_named_by_their_texts_in_the_lesson(tmp_path, lesson):
    path = lesson('[[questions]]\nnumber = 1\nask = "Was?"\nchoices = ["eins", "zwei"]\nwrong = ["nein"]\n')
    text = path.read_text("utf-8").partition("[[questions]]")[0]
    text += '[[questions]]\nask = "What?"\nchoices = ["one", "two"]\nanswer = "two"\n'
    path.write_text(text + 'wrong = [{ answer = "one", says = "no" }]\n', "utf-8")
    language.use("de")
    (question,) = load(path).questions
    assert question.choices == ("eins", "zwei") and question.right_choices == (1,)
    assert [(wrong.answer, wrong.says) for wrong in question.wrong] == [(1, "nein")]


def test_what_is_wrong_with_a_translation_is_told_with_its_place(lesson):
    path = lesson(
        'title = "Kette"\nintro = "Hier ist {df/dnothing}."\ntitel = "x"\nsummary = 3\n'
        '[[notes]]\nstep = "nowhere"\ntext = "x"\n[[notes]]\nstep = "f"\ntexte = "x"\ntext = ""\n'
        '[[questions]]\nnumber = 9\n[[questions]]\nnumber = 1\nhints = ["one"]\nwrong = ["a", "b", "c"]\n'
        '[[questions]]\nnumber = 1\n'
    )
    found = [one for one in told(path) if one[0] == "de"]
    for line, severity, words in [
        (1, "warning", "not translated: summary, outro, the note on q, the note on f"),
        (2, "warning", "{df/dnothing} names no step of this lesson"),
        (3, "error", "a translation has no 'titel'"),
        (4, "error", "summary is a text"),
        (6, "error", "the lesson has no (further) note on 'nowhere'"),
        (10, "error", "[[notes]] has no 'texte'"),
        (11, "error", "text is a text"),
        (13, "error", "this says no question of the lesson"),
        (16, "error", "hints has 1 texts, the lesson's has 3"),
        (19, "error", "this says no question of the lesson"),
    ]:
        assert any((at, kind) == (line, severity) and words in message for _, at, kind, message in found), words
    language.use("de")
    german = load(path)  # what is right of it is shown all the same
    assert german.title == "Kette" and german.questions[0].wrong[0].says == "a" and len(german.questions[0].hints) == 3


def test_of_several_lessons_a_translation_is_told_by_its_name_and_is_no_table(lesson):
    path = lesson('titel = "x"')
    problems = examine(path)[1]
    assert any(is_translation(found.path) for found in problems) and whose(problems, path, several=True) == problems


@pytest.mark.parametrize("text", ["= no toml", "[[notes]", "notes = 3", "\x00", "questions = [1]"])
def test_a_broken_translation_is_english_and_is_told(text, lesson):
    path = lesson(text)
    english = load(path)
    assert any(folder == "de" and severity == "error" for folder, _, severity, _ in told(path))
    language.use("de")
    assert texts(load(path)) == texts(english)


def test_a_translation_is_no_lesson(lesson, tmp_path, capsys):
    path = lesson('title = "Kette"\n')
    own = file_of(path, "de")
    assert is_translation(own) and not is_translation(path)
    assert lesson_files(tmp_path) == ([path], []) and lesson_files(own) == ([path], [])
    assert [entry.title for entry in catalogue.entries(tmp_path)] == [load(path).title]
    language.use("de")
    assert [entry.title for entry in catalogue.entries(tmp_path)] == ["Kette"]
    assert main(["check", str(own)]) == 0 and "nicht übersetzt" in capsys.readouterr().out
    (tmp_path / "de" / "04-own.toml").write_text(path.read_text("utf-8"), "utf-8")  # somebody's folder, of that name
    assert tmp_path / "de" / "04-own.toml" in lesson_files(tmp_path)[0]


def test_the_list_stands_in_the_order_and_units_of_the_lessons():
    english = catalogue.entries()
    language.use("de")
    german = catalogue.entries()
    assert [(e.id, e.unit, e.requires) for e in english] == [(e.id, e.unit, e.requires) for e in german]
    assert sum(e.title != g.title for e, g in zip(english, german, strict=True)) == len(TRANSLATED) >= 5
    assert set(OTHERS) == {"de"}
