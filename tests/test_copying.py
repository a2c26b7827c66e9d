"""What is copied out of a lesson: a step, how it comes about, the whole pass; to the clipboard, to a file, in lines."""

from __future__ import annotations

import re

import pytest

from strategies import bundled
from test_plain import answers
from test_tui import pane, press, screen, tutor
from tutor.learner.copies import keep_copy
from tutor.learner.store import Store
from tutor.play.copying import FORMS, WHATS, asked, copied
from tutor.play.settings import Refused
from tutor.play.sitting import begin


def at(id, step):
    sitting = begin(bundled(id), id)
    while sitting.id != step:
        sitting = sitting.forward()
    return sitting


def ids(text):
    return re.findall(r"^\w.* \[(\S+)\]$", text, re.MULTILINE)


def test_the_step_with_its_numbers():
    sitting = at("o-regression", "z1[1]")
    text = copied(sitting, "step", "text")
    assert ids(text) == ["z1[1]"] and "= 0.5 · 1.2 + 0.3 · 0.8 + 0.1" in text and "= 0.94" in text
    assert text.endswith("bias.\n") and copied(sitting, "step", "latex").startswith("% z1[1]\n\\[\n")
    assert "&= 0.94" in copied(sitting, "step", "markdown") and "$$" in copied(sitting, "step", "markdown")


def test_how_it_comes_about_are_the_steps_of_the_way_back():
    text = copied(at("o-classification", "dL/dW1[1,1]"), "derivation", "text")
    # written down by hand: the output's error, back through W2, through the slope, then times the input
    assert ids(text) == ["dL/dz2", "dL/da1", "dL/dz1", "dL/dW1[1,1]"]
    assert "how it comes about" in text and "iteration 1" in text.splitlines()[0]
    latex = copied(at("o-classification", "dL/dz2[1]"), "derivation", "latex")
    assert latex.count("\\begin{aligned}") == latex.count("\\end{aligned}") > 2
    assert all(line.isascii() for line in latex.splitlines())


@pytest.mark.parametrize("lesson", ["gates", "batch-mean", "adam", "recurrence", "softmax", "wishes"])
def test_every_form_of_everything(lesson):
    sitting = begin(bundled(lesson), lesson)
    for _ in range(5):
        sitting = sitting.forward()
    for what in WHATS:
        for form in FORMS:
            text = copied(sitting, what, form)
            assert text.endswith("\n") and not text.endswith("\n\n") and len(text) > 20
            assert all(line.isprintable() for line in text.splitlines()), (what, form)
            for left, right in (("\\begin{", "\\end{"), ("\\[\n", "\n\\]")):
                assert text.count(left) == text.count(right)
    whole = copied(sitting, "pass", "text")
    assert len(ids(whole)) == len(sitting.trace.equations)


def test_a_question_is_not_answered_by_a_copy():
    sitting = begin(bundled("o-regression"), "k").predicting(True)
    while not sitting.still_asked:
        sitting = sitting.forward()
    with pytest.raises(Refused, match="A question is open"):
        copied(sitting, "pass", "text")
    later = sitting.give_up()
    while later.still_asked:
        later = later.ask().give_up()
    known = ids(copied(later, "pass", "text"))
    assert known[-1] == later.step.equation.symbol.id and len(known) < len(later.trace.equations) / 2


def test_what_was_asked_for():
    assert asked("") == ("step", "text") and asked("latex pass") == ("pass", "latex")
    with pytest.raises(Refused, match="copy pass latex"):
        asked("everything")


def test_copy_in_lines_and_the_file(data_folder):
    with Store.open() as store:
        (said,) = answers("o-regression", store, "copy pass markdown")[-1:]
        (wrong,) = answers("o-regression", store, "copy bla")[-1:]
    kept = (data_folder / "copied.md").read_text(encoding="utf-8")
    assert kept.startswith("# ") and kept.strip() in said and "copied.md, too" in " ".join(said.split())
    assert "copy takes step, derivation, pass" in wrong
    (data_folder / "copied.tex").mkdir()
    assert "No file was written" in keep_copy("x", "latex")


@pytest.mark.parametrize("size", [(60, 16), (80, 24)])
async def test_copy_on_the_screen(size, data_folder):
    async with tutor("o-regression", size, step="dL/dW1[1,1]") as pilot:
        await press(pilot, "Y")
        assert "this step:" in screen(pilot) and "1 to 9 copies" in screen(pilot)
        await press(pilot, "5")
        assert pilot.app.clipboard == (data_folder / "copied.md").read_text(encoding="utf-8")
        assert "`dL/dW1[1,1]`" in pilot.app.clipboard and "Copied, " in pane(pilot, "bar")
        await press(pilot, "Y", "escape", "p", "escape", "Y")
        assert "A question is open" in pane(pilot, "bar")


def test_a_note_in_lines(data_folder):
    with Store.open() as store:
        said = answers("o-regression", store, "note the sum \x1b[2J", "again", "note", "note -", "again", "note")
        assert "Noted at z1." in said[-6] and "my note: the sum" in said[-5] and "z1: the sum" in said[-4]
        assert "taken away" in said[-3] and "my note" not in said[-2] and "There is no note" in said[-1]
        assert "\x1b" not in "".join(said) and store.notes("o-regression") == {}


async def test_a_note_on_the_screen():
    async with tutor("o-regression", (80, 24), step="L") as pilot:
        await press(pilot, "N", *"why half", "enter")
        assert "my note" in pane(pilot, "card") and "┃ why half" in pane(pilot, "card")
        await press(pilot, "n")
        assert "my note" not in pane(pilot, "card")
        await press(pilot, "b", "N")
        assert "takes it away" in screen(pilot) and "why half" in screen(pilot)
        await press(pilot, *["backspace"] * 8, "minus", "enter")
        assert "my note" not in pane(pilot, "card")
