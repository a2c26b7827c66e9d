"""The rules for any layer: with letters they say what the steps say with numbers; the page, and its question."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings

from each import each
from strategies import bundled, networks
from test_plain import answers
from test_tui import pane, press, screen, tutor
from tutor.cli.commands import main
from tutor.engine.expressions import Call, Ref, at_example, evaluate, refs, total
from tutor.engine.trace import trace
from tutor.learner.store import Store
from tutor.questions.kinds import KINDS
from tutor.text.card import Scribe
from tutor.text.general import COLUMN, ROW, SIGMA, generic, of_letters
from tutor.text.layout import linear
from tutor.text.notations import NOTATIONS
from tutor.text.one_page import as_latex, markdown, one_page, record, text
from tutor.text.writer import Writer


@pytest.fixture
def store(data_folder):
    opened = Store.open()
    yield opened
    opened.close()


def with_numbers(expr, letters):
    """A formula with letters, at these numbers: each Σ written out over all that its letter stands for."""
    if isinstance(expr, Ref):
        index = expr.index and tuple(letters.get(at, at) for at in expr.index)
        return Ref(expr.symbol, index, expr.example)
    if not isinstance(expr, Call):
        return expr
    if expr.op == SIGMA:
        (body,), letter = expr.args, expr.param
        places = [pair for ref in refs(body) for pair in zip(ref.symbol.shape, ref.index or (), strict=False)]
        (size,) = {size for size, at in places if at == letter}
        return total([with_numbers(body, letters | {letter: at}) for at in range(size)])
    if expr.op in ("mean", "batch_sum"):
        each = [with_numbers(at_example(expr.args[0], e), letters) for e in range(expr.param)]
        return total(each) / (expr.param if expr.op == "mean" else 1)
    return Call(expr.op, tuple(with_numbers(arg, letters) for arg in expr.args), expr.param)


@settings(deadline=None, max_examples=15)
@given(networks())
def test_what_is_said_of_one_unit_with_letters_is_its_value(lesson):
    found = trace(lesson)
    for step in found.steps():
        tree = step.formula
        index = (ROW, COLUMN)[: len(step.shape)]
        if step.equation.rule == "activation_gradient":
            index = (COLUMN,)
        letters = of_letters(tree, index)
        if letters is None:
            continue
        for at in np.ndindex(*step.shape):
            one = with_numbers(letters, dict(zip(index, at, strict=True)))
            value = np.asarray(step.value)[at]
            if np.isfinite(value):
                np.testing.assert_allclose(evaluate(one, found.value), value, rtol=1e-6, atol=1e-9)


def said(lesson, id, notation):
    """(the rule of a step for any layer, for one unit, the number that the letter stands for here)."""
    rules, step = generic(bundled(lesson), notation), trace(bundled(lesson)).find(id)
    found = rules.of(step)
    cell = found.cell and " = ".join(map(linear, found.cell))
    return f"{linear(found.name)} = {linear(found.formula)}", cell, rules.number(step)


@pytest.mark.parametrize(
    ("notation", "id", "whole", "one", "number"),
    [  # by hand, as the textbooks have them
        ("nabla", "dL/dW2", "∇_Wₖ L(θ) = ∇_aₖ L(θ) · hₖ₋₁ᵀ", "∂L(θ)/∂Wₖᵢⱼ = ∂L(θ)/∂aₖᵢ · hₖ₋₁,ⱼ", 2),
        ("nabla", "dL/da1", "∇_hₖ₋₁ L(θ) = Wₖᵀ · ∇_aₖ L(θ)", "∂L(θ)/∂hₖ₋₁,ⱼ = Σᵢ Wₖᵢⱼ · ∂L(θ)/∂aₖᵢ", 2),
        ("nabla", "a3", "ŷ = O(a_L)", "ŷᵢ = exp(a_L,ᵢ) / (Σⱼ exp(a_L,ⱼ))", None),
        ("error", "dL/dz1", "dˡ = ((Wˡ⁺¹)ᵀ · dˡ⁺¹) ⊙ σ′(zˡ)", "dₖˡ = (Σⱼ wⱼₖˡ⁺¹ · dⱼˡ⁺¹) · σ′(zₖˡ)", 2),
        ("delta", "dL/dW1", "∇W⁽ˡ⁾ = δ⁽ˡ⁺¹⁾ · (a⁽ˡ⁾)ᵀ", "∂L/∂wᵢⱼ⁽ˡ⁾ = δᵢ⁽ˡ⁺¹⁾ · aⱼ⁽ˡ⁾", 1),
        ("dz", "z1", "Zˡ = Wˡ Aˡ⁻¹ + bˡ", "zᵢˡ = Σⱼ wᵢⱼˡ · aⱼˡ⁻¹ + bᵢˡ", 1),
    ],
)
def test_the_general_rules_of_the_textbooks(notation, id, whole, one, number):
    assert said("p-deep", id, notation) == (whole, one, number)


@pytest.mark.parametrize("lesson", ["p-deep", "one-neuron", "batch-mean", "weight-decay", "o-regression", "digits"])
@each("notation", NOTATIONS)
def test_a_step_whose_letter_is_put_back_has_its_own_names(lesson, notation):
    """With the number for the letter a general formula is the step's, in a layer between two others."""
    found = trace(bundled(lesson))
    page = one_page(found, notation)
    drawn = "\n".join(text(page))
    assert "for any layer" in page.title and "Forward" in drawn and "The letters" in drawn
    assert all(formula.isascii() for formula in as_latex(page))
    assert "\n".join(markdown(page)).count("$") % 2 == 0
    letter = NOTATIONS[notation].layer
    assert page.letters[0][0] == letter and json.dumps(record(page))
    here = " ".join(entry.here for part in page.parts for entry in part.entries)
    writer = Writer(found.lesson, notation)
    for layer in found.program.model.layers[:1]:
        assert writer.text(Ref(layer.pre_activation)) in here


def test_a_hidden_layer_that_is_linear_has_the_rule_for_any_activation():
    assert said("o-regression", "a1", "partials")[0] == "Oₗ = g(zˡ)"


def test_the_general_rule_stands_on_the_card():
    scribe = Scribe(trace(bundled("p-deep")), "nabla")
    general = scribe.card(scribe.trace.find("dL/dW2")).general
    assert general.reason == "k is 2 here"
    element = scribe.card(scribe.trace.find("dL/dW2[1,2]")).general
    assert linear(element.docs[1]) == "∂L(θ)/∂aₖᵢ · hₖ₋₁,ⱼ"
    gates = Scribe(trace(bundled("gates")), "dz")
    assert gates.card(gates.trace.find("f")).general is None


@settings(deadline=None, max_examples=10)
@given(networks())
def test_the_blank_has_one_right_choice(lesson):
    found, rng = trace(lesson), random.Random(3)
    for step in list(found.steps())[::2]:
        item = KINDS["general"](step, Writer(lesson, "dz"), rng)
        if item is None:
            continue
        assert len(set(item.choices)) == len(item.choices) >= 3 and item.choices.count(item.answer) == 1
        verdicts = [item.judge(choice, {}).correct for choice in item.choices]
        assert verdicts == [choice == item.answer for choice in item.choices]
        assert item.answer not in item.prompt.replace("▢", "") or "▢" in item.prompt


def test_the_page_from_the_command_line(capsys):
    for how in ("text", "markdown", "latex", "json"):
        assert main(["trace", "p-deep", "--general", "--format", how]) == 0
    out = capsys.readouterr().out
    assert "∇_Wₖ L(θ) = ∇_aₖ L(θ) · hₖ₋₁ᵀ" in out and r"\begin{align*}" in out
    assert main(["trace", "gates", "--general"]) == 2
    assert main(["trace", "p-deep", "--general", "--format", "latex", "--step", "L"]) == 2
    err = capsys.readouterr().err
    assert "has no layers" in err and "without --general" in err


def test_line_mode_has_the_page(store):
    assert "Backward, for k = L, … 2, 1" in answers("p-deep", store, "notation nabla", "algorithm")[1]
    assert "There are no layers here" in answers("gates", store, "algorithm")[0]


async def test_the_full_screen_has_the_page(data_folder):
    async with tutor("p-deep", step="z1", level="matrix", notation="nabla") as pilot:
        await press(pilot, "a")
        assert "aₖ = Wₖ · hₖ₋₁ + bₖ" in screen(pilot)
        await press(pilot, "a")
        assert "for any layer: aₖ = Wₖ" in pane(pilot, "card")


def test_a_batch_is_one_product_of_matrices_and_the_sums_of_rows():
    """By hand: dZ¹ = [[0.75, 3, −1.5], [1.5, 0, −3]] and X = [[0, 3, −1], [3, 2, 3]], a column for each example."""
    scribe = Scribe(trace(bundled("batch-mean")), "dz")
    weights = [" = ".join(map(linear, item.docs)) for item in scribe.card(scribe.trace.find("dL/dW1")).where]
    product = "dZ¹ Xᵀ = [[0.75, 3, −1.5], [1.5, 0, −3]] · [[0, 3], [3, 2], [−1, 3]]"
    assert weights == [f"{product} = [[10.5, 3.75], [3, −4.5]]"]
    biases = scribe.card(scribe.trace.find("dL/db1")).where
    assert linear(biases[0].docs[0]) == "the row sums of dZ¹" and linear(biases[0].docs[-1]) == "[2.25, −1.5]"
    assert not scribe.card(scribe.trace.find("dL/dW1[1,2]")).where
