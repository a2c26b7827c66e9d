"""Formulas written out: the value stays, the textbooks' closed forms come out, and both front ends have it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tutor as api
from strategies import DEEP, bundled, lessons
from test_plain import answers
from test_tui import pane, press, tutor
from tutor.engine import program, unfolding
from tutor.engine.expressions import Call, Ref, evaluate, walk
from tutor.engine.trace import trace
from tutor.engine.unfolding import MOST, SHARED, CannotUnfold, operands, unfold
from tutor.learner.store import Store
from tutor.play.sitting import begin
from tutor.questions.items import item_of_value
from tutor.questions.question import Question
from tutor.text import layout
from tutor.text.card import Scribe
from tutor.text.layout import Brackets, Row, linear, to_ascii
from tutor.text.to_latex import latex
from tutor.text.writer import Writer
from tutor.tui.lines import Lines


@pytest.fixture
def store(data_folder):
    opened = Store.open()
    yield opened
    opened.close()


def written(lesson, id, notation, times=1, **how):
    """A step's formula, so many times written out."""
    found = trace(bundled(lesson))
    formula = found.find(id).formula
    for _ in range(times):
        formula = unfold(found, formula, **how).formula
    return linear(Writer(found.lesson, notation).formula(formula))


@settings(deadline=None, max_examples=100 if DEEP else 8)  # a formula of hundreds of parts takes its time
@given(lessons(), st.data())
def test_written_out_to_any_depth_a_formula_has_the_value_of_its_step(lesson, data):
    found = trace(lesson)
    step = data.draw(st.sampled_from(list(found.steps(data.draw(st.sampled_from(["matrix", "scalar"]))))))
    formula, writer = step.formula, Writer(lesson, data.draw(st.sampled_from(["dz", "nabla", "partials"])))
    for at in range(40):
        names = [ref.id for ref in operands(found, formula)]
        name = data.draw(st.sampled_from(["", *names])) if at < 20 else ""  # one by one there may be hundreds
        try:
            formula = unfold(found, formula, name).formula
        except CannotUnfold:
            break
        assert formula.shape in (step.shape, ()) and sum(1 for _ in walk(formula)) <= MOST
        got = evaluate(formula, found.value)
        if np.all(np.isfinite(step.value)) and np.all(np.isfinite(got)):
            np.testing.assert_allclose(got, step.value, rtol=1e-6, atol=1e-9 * (1 + np.max(np.abs(step.value))))
    else:
        raise AssertionError("it came to no end")
    if sum(1 for _ in walk(formula)) <= 200:
        linear(writer.numbers(formula, found.value))


@pytest.mark.parametrize(
    ("lesson", "id", "notation", "times", "formula"),
    [
        ("c-431", "dL/dz1", "delta", 1, "((W⁽²⁾)ᵀ · δ⁽³⁾) ∘ f′(z⁽²⁾)"),  # by hand, as the textbooks have them
        ("error-vector", "dL/dz1[2]", "error", 1, "(w₁₂³ · d₁³ + w₂₂³ · d₂³) · σ′(z₂²)"),
        ("o-regression", "dL/dW2[1,1]", "partials", 2, "−2 · (y − ŷ) · O₁₁"),
        ("o-regression", "dL/dW1[1,1]", "partials", 4, "w²₁₁ · (−2 · (y − ŷ)) · iq"),
        ("c-431", "a2", "delta", 3, "f(W⁽²⁾ · f(W⁽¹⁾ · x + b⁽¹⁾) + b⁽²⁾)"),
        ("batch-mean", "dL/dW2", "dz", 1, "1 / 3 · Σₑ dZ²@e (A¹@e)ᵀ"),
    ],
)
def test_the_closed_forms_of_the_textbooks_come_out(lesson, id, notation, times, formula):
    assert written(lesson, id, notation, times).replace("⟨", "").replace("⟩", "") == formula


def test_what_is_computed_once_and_kept_is_marked_and_nothing_else():
    assert written("p-deep", "dL/dz1", "nabla", 2) == "(W₂ᵀ · ⟨∇_h₂ L(θ) ⊙ g′(a₂)⟩) ⊙ g′(a₁)"
    assert written("c-431", "a2", "delta", 3) == "f(W⁽²⁾ · f(W⁽¹⁾ · x + b⁽¹⁾) + b⁽²⁾)"
    text = written("c-431", "dL/dW1", "delta", 1)
    assert to_ascii(text).startswith("<") and r"\langle" in latex(text) and latex(text).isascii()


def test_one_operand_alone_is_written_out():
    found = trace(bundled("c-431"))
    formula = unfold(found, found.find("dL/dz1").formula, "z1").formula
    assert linear(Writer(found.lesson, "delta").formula(formula)) == "∂L/∂a⁽²⁾ ∘ f′(W⁽¹⁾ · x + b⁽¹⁾)"
    with pytest.raises(CannotUnfold, match="no operand 'W1'"):
        unfold(found, formula, "W1")


def test_a_network_too_large_is_refused_in_words():
    found = trace(bundled("digits"))
    formula = found.find("a2[1]").formula
    with pytest.raises(CannotUnfold, match="more parts than anybody reads"):
        for _ in range(9):
            formula = unfold(found, formula).formula


@pytest.mark.parametrize(
    ("notation", "boxed"), [("error", "((W³)ᵀ · d³) ⊙ σ′(z²)"), ("delta", "((W⁽²⁾)ᵀ · δ⁽³⁾) ∘ f′(z⁽²⁾)")]
)
def test_a_notation_shows_first_what_its_textbook_takes_in_one(notation, boxed):
    found = trace(bundled("error-vector"))
    scribe = Scribe(found, notation)
    main = scribe.formulas(found.find("dL/dz1")).main
    assert linear(main.docs[1]) == boxed and main.formulas == 2
    assert linear(main.docs[2]) == linear(scribe.writer.formula(found.find("dL/dz1").formula))
    assert scribe.formulas(found.find("dL/dz2")).main.formulas == 1  # the output's error has no weights behind it
    assert linear(Scribe(found, "nabla").formulas(found.find("dL/dz1")).main.docs[1]) == "∇_h₁ L(θ) ⊙ g′(a₁)"


def test_a_sitting_folds_what_it_unfolded_and_keeps_it_for_the_same_step():
    sitting = begin(bundled("c-431"), "c-431").jump("dL/dz1")
    twice = sitting.unfold().unfold()
    assert twice.fold().unfolded == ("",) and twice.notation("dz").unfolded == ("", "")
    assert twice.forward().unfolded == () and sitting.card.unfolded is None
    docs = twice.card.main.docs
    assert [linear(doc) for doc in docs[: twice.card.main.formulas]] != [linear(doc) for doc in sitting.card.main.docs]
    assert any(isinstance(node, Call) and node.op == SHARED for node in walk(unfold_all(twice)))


def unfold_all(sitting):
    formula = sitting.step.formula
    for name in sitting.unfolded:
        formula = unfold(sitting.trace, formula, name).formula
    return formula


def test_a_closed_form_is_a_right_answer():
    found = trace(bundled("o-regression"))
    item = item_of_value(Question(found.find("dL/dW1[1,1]"), Writer(found.lesson, "partials")))
    assert item.judge("−2 · (y₁ − ŷ₁) · w²₁₁ · iq", {}).correct
    assert item.judge("⟨w²₁₁ · (−2 · (y₁ − ŷ₁))⟩ · iq", {}).correct
    assert not item.judge("w²₁₁ · 2 · (y₁ − ŷ₁) · iq", {}).correct


def test_line_mode_unfolds_and_folds(store):
    said = answers("c-431", store, "go dL/dz1", "unfold ∂L/∂a⁽²⁾", "unfold", "fold", "fold", "fold", "unfold nothing")
    assert "((W⁽²⁾)ᵀ · δ⁽³⁾) ∘ f′(z⁽²⁾)" in said[1] and "Written out: ∂L/∂a⁽²⁾" in said[1]
    assert "⟨" in said[2] and "⟨" not in said[3]
    assert "Nothing of this formula is written out" in said[5] and "no operand 'nothing'" in said[6]


async def test_the_full_screen_unfolds_and_folds(data_folder):
    async with tutor("c-431", step="dL/dz1", level="matrix", notation="dz") as pilot:
        before = pane(pilot, "card")
        await press(pilot, "plus")
        assert "((W²)ᵀ dZ²)" in pane(pilot, "card") and "Written out: dA¹" in pane(pilot, "card")
        await press(pilot, "minus")
        assert pane(pilot, "card") == before


async def test_an_operand_that_is_chosen_in_its_list_is_written_out_alone(data_folder):
    async with tutor("c-431", size=(160, 48), step="dL/dz1", level="matrix", notation="dz") as pilot:
        where = pilot.app.screen.query_one("#where", Lines)
        where.focus()
        at = next(at for at, line in enumerate(where.lines) if line.target == "z1")
        where.highlight(at)
        await press(pilot, "plus")
        assert pilot.app.screen.sitting.unfolded == ("z1",) and "σ′(W¹ X + b¹)" in pane(pilot, "card")


@pytest.mark.parametrize("lesson", ["attention", "recurrence", "batch-norm"])
def test_arrays_written_out_have_their_values(lesson):
    found = trace(bundled(lesson))
    writer = Writer(found.lesson, "dz")
    for step in list(found.steps())[::2]:
        formula = step.formula
        for _ in range(3):
            try:
                formula = unfold(found, formula).formula
            except CannotUnfold:
                break
        np.testing.assert_allclose(evaluate(formula, found.value), step.value, rtol=1e-6, atol=1e-9)
        assert linear(writer.formula(formula))


def test_the_numbers_stand_in_for_every_name():
    found = trace(bundled("c-431"))
    step = found.find("dL/dz1[2]")
    card = Scribe(found, "delta").card(step, ("", ""))
    numbers = linear(card.main.docs[card.main.formulas + 1])
    assert not any(letter in numbers for letter in "zδaw")
    assert evaluate(step.formula, found.value) == pytest.approx(found.value(Ref(step.equation.symbol, (1,))))


# ---------------------------------------------------------------- what it costs: counted, not timed


def chained(lines):
    define = ["q0 = x * y", *(f"q{at} = q{at - 1} * y + x" for at in range(1, lines))]
    return api.circuit(*define, inputs={"x": 0.3, "y": 0.4})


def counted(monkeypatch, module, name):
    calls, real = [], getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args, **kwargs: calls.append(1) or real(*args, **kwargs))
    return calls


def test_each_press_unfolds_once_more_and_not_all_again(monkeypatch):
    sitting = begin(chained(60)._lesson, "chain").jump("q59")
    calls = counted(monkeypatch, unfolding, "unfold")
    for many in range(1, 31):
        sitting = sitting.unfold()
        assert sitting.card.unfolded and len(calls) == many


def test_who_else_uses_a_value_is_found_once_for_all(monkeypatch):
    found = chained(100).trace()._trace
    calls = counted(monkeypatch, program, "used")
    step = found.find("dq99/dx")
    assert len(list(unfolding.unfoldings(step, ("",)))) == 1
    assert 0 < len(calls) <= len(found.equations)


def test_a_formula_of_many_brackets_is_drawn_a_part_at_a_time(monkeypatch):
    doc = "x"
    for _ in range(150):
        doc = Row((Brackets(Row((doc, " · y"))), " + ", "x"))
    calls = counted(monkeypatch, layout, "beside")
    assert len(layout.flow([doc], 60)) > 10 and len(calls) < 1500
