"""Tables as people type and paste them, and the grid that they fill."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.events import Paste

from each import each
from effort import effort
from strategies import dense, network_lesson
from test_tui import LESSONS, pane, press, screen, type_in
from test_tui_quiz import matrix_question, words
from tutor.engine.expressions import Ref
from tutor.engine.trace import as_shown, trace
from tutor.lessonfiles.check import load
from tutor.questions.attempt import Asking, respond
from tutor.questions.items import item_of_cells
from tutor.questions.kinds.numbers import matrix_item
from tutor.questions.pasted_tables import fill, read_cells, table
from tutor.text.card import Scribe
from tutor.text.layout import linear
from tutor.text.notations import NOTATIONS
from tutor.text.writer import Writer
from tutor.tui.answer import AnswerLine

TABLES = [
    "5\t11\n10\t22", "\n5\t11\n10\t22\n", "5\t11\r\n10\t22\r\n", "\t5\t11\n\t10\t22",
    "5 11\n10 22", "  5   11\n 10   22\n", "5, 11\n10, 22", "5,11\n10,22\n", "5;11\n10;22", "5 11; 10 22",
    "5, 11; 10, 22",
    "[[5 11]\n [10 22]]", "array([[ 5, 11],\n       [10, 22]])", "np.array([[5, 11], [10, 22]], dtype=np.float32)",
    "tensor([[ 5, 11],\n        [10, 22]], dtype=torch.float64)",
    "tensor([[5, 11],\n        [10, 22]], device='cuda:0', grad_fn=<MulBackward0>)",
    "matrix([[5, 11],\n        [10, 22]])",
    "A =\n\n    5   11\n   10   22\n", "A = [5 11; 10 22];", "[5 11; 10 22]", "[5, 11; 10, 22]",
    "dW = [[5, 11], [10, 22]]",
    "| 5 | 11 |\n|---|---|\n| 10 | 22 |", "| 5 | 11 |\n| 10 | 22 |", r"\begin{bmatrix} 5 & 11 \\ 10 & 22 \end{bmatrix}",
    "⎡ 5  11⎤\n⎣10  22⎦", "{{5, 11}, {10, 22}}", "((5, 11), (10, 22))", "[[5, 11],\n [10, 22]],", "[5, 11]\n[10, 22]",
]  # fmt: skip


@each("text", TABLES)
def test_a_table_in_any_dress(text):
    assert table(text) == [["5", "11"], ["10", "22"]]
    assert read_cells(text, (2, 2)) == ["5", "11", "10", "22"]


@each(
    "text, rows",
    [
        ("[[ 5. 11.]\n [10. 22.]]", [["5.", "11."], ["10.", "22."]]),
        ("[[5.0e-01, -1.1e+01],\n [1.0e+01,  2.2e+01]]", [["5.0e-01", "-1.1e+01"], ["1.0e+01", "2.2e+01"]]),
        ("−5 −11\n8.21×10⁻² ?", [["−5", "−11"], ["8.21×10⁻²", "?"]]),
        ("-1,75\t2,5\n3,25\t4", [["-1.75", "2.5"], ["3.25", "4"]]),
        ("1,5;2,5\n3,5;4,5", [["1.5", "2.5"], ["3.5", "4.5"]]),
        ("1,5 2,5", [["1.5", "2.5"]]),
        ("5\t\n10\t22", [["5", ""], ["10", "22"]]),
        ("5", [["5"]]), ("\n5\n", [["5"]]), ("[5, 11]", [["5", "11"]]), ("5\n11\n", [["5"], ["11"]]), ("", []),
        ("\n", []),
        ("a1 + 2, max(1, 2)", [["a1 + 2", "max(1, 2)"]]), ("|x|, |y|", [["|x|", "|y|"]]),
        ("2 * a1[1,2]", [["2 * a1[1,2]"]]),
    ],
)  # fmt: skip
def test_cells_of_a_table(text, rows):
    assert table(text) == rows


@given(st.text(max_size=80) | st.text("[]()|;,\t\n &\\15.−aé=", max_size=80))
def test_no_table_raises(text):
    rows = table(text)
    assert all(isinstance(cell, str) for row in rows for cell in row)


@pytest.mark.parametrize("piece", ["[", "1 ", "1,", "1\t2\n", "|1|\n", "(", "1;", "[1", "1&", "a=", " "])
def test_the_work_grows_with_the_length_and_no_faster(piece):
    work = [effort(lambda n=n: table((piece * n)[:n])) for n in (4000, 8000)]
    assert work[1] < 3 * work[0] + 2000


# ---------------------------------------------------------------- filling

EMPTY = ("",) * 6  # 2 rows of 3


@pytest.mark.parametrize(
    ("at", "text", "cells", "goes_to"),
    [
        (0, "1 2 3\n4 5 6", "123456", 5), (4, "1 2 3\n4 5 6", "123456", 5), (0, "1 2 3 4 5 6", "123456", 5),
        (0, "1\n2\n3\n4\n5\n6", "123456", 5), (1, "1 2 3 4 5", ".12345", 5), (3, "4 5 6", "...456", 5), (0, "1 2",
        "12....", 2),
        (1, "2\n5", ".2..5.", 5), (1, "2 3\n5 6", ".23.56", 5), (0, "1\t\n4\t5", "1..45.", 5),
    ],
)  # fmt: skip
def test_what_fits_fills_the_grid_from_the_cell_on(at, text, cells, goes_to):
    filled = fill(EMPTY, at, 3, table(text))
    assert "".join(cell or "." for cell in filled.cells) == cells and filled.at == goes_to and not filled.said


@pytest.mark.parametrize(
    ("at", "text", "says"),
    [
        (1, "1 2 3 4 5 6 7", "7 values do not fit from cell [1, 2] of 2 × 3: nothing was put in"),
        (2, "1 2\n3 4", "2 × 2 values do not fit from cell [1, 3]"), (3, "1 2\n3 4", "2 × 2 values do not fit"),
        (0, "1 2\n3 4\n5 6", "They would fit transposed"), (4, "1\n2", "2 values do not fit"), (0, "",
        "nothing to put in"),
    ],
)  # fmt: skip
def test_what_does_not_fit_changes_nothing_and_is_told(at, text, says):
    before = ("7", *EMPTY[1:])
    filled = fill(before, at, 3, table(text))
    assert filled.cells == before and filled.at == at and says in filled.said


def test_what_is_replaced_is_told():
    filled = fill(("7", "8", "", "", "", "6"), 0, 3, table("1 8 3\n4 5 6"))
    assert filled.cells == tuple("183456") and filled.said == "A cell that had something else was replaced."
    assert "2 cells" in fill(tuple("789456"), 0, 3, table("1 2 9")).said


# ---------------------------------------------------------------- the grid on the screen


async def paste(pilot, text):
    pilot.app.screen.query_one(AnswerLine).post_message(Paste(text))
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("text", [TABLES[1], TABLES[11], TABLES[14], TABLES[17], TABLES[22], TABLES[0]])
async def test_a_pasted_table_fills_the_grid(text):
    async with matrix_question() as (pilot, _):
        await paste(pilot, text)
        assert pilot.app.screen.grid.cells == ("5", "11", "10", "22")
        await press(pilot, "enter")
        assert pilot.app.screen.asking.given == "5, 11; 10, 22"


async def test_a_part_goes_in_where_the_cell_is_and_what_does_not_fit_is_told():
    async with matrix_question() as (pilot, _):
        await press(pilot, "7", "right")
        await paste(pilot, "8\t9\n1\t2\n3\t4")
        assert pilot.app.screen.grid.cells == ("7", "", "", "")
        assert "3 × 2 values do not fit from cell [1, 2] of 2 × 2: nothing was put in." in words(pane(pilot, "card"))
        await paste(pilot, "11\n22\n")
        assert pilot.app.screen.grid.cells == ("7", "11", "", "22") and "do not fit" not in pane(pilot, "card")
        await press(pilot, "home", "left")
        await paste(pilot, "\n 3.5 \n")
        assert pilot.app.screen.grid.cells == ("7", "11", "3.5", "22")


async def test_a_comma_between_digits_is_asked_about_and_fills_no_second_cell():
    async with matrix_question() as (pilot, _):
        await press(pilot, "minus", "1", "comma", "7", "5")
        assert pilot.app.screen.grid.cells == ("-1,75", "", "", "")
        await press(pilot, "enter")
        assert pilot.app.screen.grid.cells == ("-1,75", "", "", "") and not pilot.app.screen.asking.tries
        assert "is it -1.75? Write a point. Or are these two values?" in words(pane(pilot, "card"))
        await press(pilot, "backspace", "backspace", "backspace", "full_stop", "7", "5", "enter")
        assert pilot.app.screen.grid.cells == ("-1.75", "", "", "") and "is it" not in words(pane(pilot, "card"))
        await press(pilot, "1", "comma", "space", "2")
        assert pilot.app.screen.grid.cells == ("-1.75", "1", "2", "") and "cell [2, 1]" in screen(pilot)


async def test_german_cells_of_a_spreadsheet_are_read_with_points():
    async with matrix_question() as (pilot, _):
        await paste(pilot, "-1,75\t2,5\n3,25\t4")
        assert pilot.app.screen.grid.cells == ("-1.75", "2.5", "3.25", "4")


async def test_a_formula_for_the_whole_answers_all_cells_at_once():
    async with matrix_question() as (pilot, item):
        await type_in(pilot, linear(item.writer.formula(item.step.formula)))
        assert pilot.app.screen.asking.done and pilot.app.screen.asking.last.correct


async def test_a_wish_for_help_is_a_hint_on_the_screen():
    async with matrix_question() as (pilot, item):
        await type_in(pilot, "idk")
        asking = pilot.app.screen.asking
        assert asking.rung == 1 and not asking.tries and asking.said[-1].text == item.hints[0]


# ---------------------------------------------------------------- the same in a line


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("id", ["o-classification", "c-431", "p-deep"])
def test_formulas_and_numbers_of_a_whole_are_an_answer_to_it(id, notation):
    at = trace(load(LESSONS[id]))
    writer = Writer(at.lesson, notation)
    asked = 0
    for step in at.steps("matrix"):
        item = matrix_item(step, writer, random.Random(1))
        if item is None:
            continue
        asked += 1
        for doc in (writer.formula(step.formula), writer.numbers(step.formula, at.value, step.digits)):
            for text in (linear(doc), f"{writer.text(step.ref)} = {linear(doc)}"):
                verdict = item.grade(text)
                assert verdict.correct, f"{step.id} in {notation}: {text}: {verdict.message}"
        values = linear(writer.value(as_shown(step.value, 4), 4))
        assert item.grade(values).correct and item.grade(f"{writer.text(step.ref)} = {values}").correct
    assert asked > 2


@pytest.mark.parametrize("wish", ["?", "idk", "I don't know", "weiß nicht", "no idea"])
@pytest.mark.parametrize("kind", ["value", "matrix", "formula"])
def test_a_wish_for_help_is_a_hint_and_no_try(wish, kind):
    from tutor.questions.kinds import KINDS

    at = trace(load(LESSONS["o-classification"]))
    scribe = Scribe(at, at.lesson.notation)
    item = KINDS[kind](at.find("dL/dW1"), scribe.writer, random.Random(1))
    asking = respond(Asking(item), wish)
    assert [said.kind for said in asking.said] == ["you", "hint"] and asking.said[-1].text == item.hints[0]
    assert not asking.tries and not asking.done and asking.rung == 1
    assert respond(asking, wish).said[-1].text == item.hints[1]


def test_in_a_quiz_a_wish_for_help_leaves_the_question_open():
    from test_session import values
    from tutor.questions import quiz

    session, items = values("z1[1]", "z1[2]")
    moved, verdict = quiz.answer(session, items, "no idea")
    assert moved.answers == (None, None) and moved.at == 1 and verdict.message == "Left open: the next one."
    moved, _ = quiz.answer(moved, items, items[1].answer)
    still, verdict = quiz.answer(moved, items, "?")
    assert still == moved and "the last that is open" in verdict.message


@pytest.mark.parametrize("wish", ["hint", "Help!", "give me a hint", "Tipp?"])
def test_in_a_quiz_who_asks_for_a_hint_stays_at_the_question(wish):
    from test_session import values
    from tutor.questions import quiz

    session, items = values("z1[1]", "z1[2]")
    still, verdict = quiz.answer(session, items, wish)
    assert still == session and verdict.free and "no hints in a quiz" in verdict.message


def test_a_reference_of_a_layer_of_one_is_a_column_where_a_whole_is_asked():
    """(W²)ᵀ · d³ with one output: the error is a column of one, not a number."""
    at = trace(load(LESSONS["c-431"]))
    step = at.find("dL/da1")
    item = matrix_item(step, Writer(at.lesson, "delta"), random.Random(1))
    assert item is not None and item.grade("(W⁽²⁾)ᵀ · δ⁽³⁾").correct
    assert at.value(Ref(at.find("dL/dz2").equation.symbol)).shape == (1,)


@pytest.mark.parametrize("factor", [1.0, 1.01, -1.0])
def test_a_cell_of_a_large_matrix_is_graded_with_little_work(factor):
    """Right, rounded or wrong: 256 cells, each with bounds, slips and a way back through eight examples."""
    rng = np.random.default_rng(0)
    layers = [dense(rng.normal(size=(16, 16)).round(2), activation="tanh"), dense(rng.normal(size=(16, 16)).round(2))]
    x, y = rng.normal(size=(2, 8, 16)).round(2)
    at = trace(network_lesson(layers, "squared_error", x, y, batch=8))
    item = item_of_cells(at.find("dL/dW1"), Writer(at.lesson, "dz"), 3)
    item.grade(item.answer)  # the table of slips is made once
    typed = "; ".join(" ".join(f"{factor * value:.3g}" for value in row) for row in at.find("dL/dW1").value)
    assert effort(lambda: item.grade(typed)) < 256 * (6_000 if factor < 0 else 2_000)
