"""What no number tells: the form in which losses and optimisers are shown, which class a derivation takes, limits."""

from __future__ import annotations

import numpy as np
import pytest

from strategies import dense, network_lesson
from told import Told
from tutor.engine.combined_error import derivation
from tutor.engine.expressions import Ref, Symbol
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.parsing import MAX_DEPTH, FormulaError, parse
from tutor.engine.trace import trace
from tutor.text.card import Scribe
from tutor.text.layout import linear
from tutor.text.writer import Writer


def formula(lesson, id):
    found = trace(lesson)
    return linear(Writer(lesson, "dz").formula(found.find(id).formula))


def shown_loss(name):
    wants = LOSSES[name].wants or "linear"
    layers = [dense([[0.5, 0.1], [0.2, -0.3]], None, wants)]
    return network_lesson(layers, name, [[1, 2]], [[1, -1]] if LOSSES[name].targets else [[0.25, 0.75]])


# As the textbooks have them: the loss, and its slope, where the derivative of (y − ŷ)² is −2 (y − ŷ), not turned round.
SHOWN = Told(
    'tests/test_formulas_shown.py knows how a loss is written: add "{name}" to SHOWN',
    {
        "squared_error": ("Σ (y − A¹)²", "−2 · (y₁ − a₁¹)"),
        "half_squared_error": ("Σ (y − A¹)² / 2", "a₁¹ − y₁"),
        "mean_squared_error": ("Σ (y − A¹)² / 2", "−2 · (y₁ − a₁¹) / 2"),
        "binary_cross_entropy": ("−Σ (y ⊙ ln A¹ + (1 − y) ⊙ ln (1 − A¹))", "−y₁ / a₁¹ + (1 − y₁) / (1 − a₁¹)"),
        "cross_entropy": ("−Σ y ⊙ ln p", "−y₁ / p₁"),
        "hinge": ("Σ max(0, 1 − y ⊙ A¹)", "(−y₁ if 1 − y₁ · a₁¹ > 0, else 0)"),
        "huber": (
            "Σ ((y − A¹)² / 2 if 1 − |y − A¹| > 0, else 1 · (|y − A¹| − 1 / 2))",
            "max(−1, min(1, a₁¹ − y₁))",
        ),
    },
)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_and_its_gradient_are_shown_as_they_are_derived(name):
    lesson = shown_loss(name)
    assert (formula(lesson, "L"), formula(lesson, "dL/da1[1]")) == SHOWN[name]


_MOMENTS = {
    "m'": "β₁ · m(w₁₁¹) + (1 − β₁) · dw₁₁¹",
    "v'": "β₂ · v(w₁₁¹) + (1 − β₂) · (dw₁₁¹)²",
    "mhat": "m(w₁₁¹)_new / (1 − β₁ᵗ)",
    "vhat": "v(w₁₁¹)_new / (1 − β₂ᵗ)",
}
# What an optimiser does to w₁₁¹, and to what it remembers of it.
UPDATES = Told(
    'tests/test_formulas_shown.py knows how an optimiser is written: add "{name}" to UPDATES',
    {
        "sgd": ("w₁₁¹ − η · dw₁₁¹", {}),
        "momentum": ("w₁₁¹ − η · v(w₁₁¹)_new", {"velocity'": "μ · v(w₁₁¹) + dw₁₁¹"}),
        "nesterov": ("w₁₁¹ − η · (dw₁₁¹ + μ · v(w₁₁¹)_new)", {"velocity'": "μ · v(w₁₁¹) + dw₁₁¹"}),
        "rmsprop": (
            "w₁₁¹ − η · (dw₁₁¹ / (√v(w₁₁¹)_new + ε))",
            {"v'": "ρ · v(w₁₁¹) + (1 − ρ) · (dw₁₁¹)²"},
        ),
        "adam": ("w₁₁¹ − η · (m̂(w₁₁¹) / (√v̂(w₁₁¹) + ε))", _MOMENTS),
        "adamw": ("w₁₁¹ − η · (m̂(w₁₁¹) / (√v̂(w₁₁¹) + ε) + λ_w · w₁₁¹)", _MOMENTS),
    },
)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_is_shown_as_its_paper_has_it(name):
    lesson = network_lesson([dense([[0.5]], [0.1])], "squared_error", [[2]], [[1]], optimizer=name)
    update, remembered = UPDATES[name]
    assert formula(lesson, "W1'[1,1]") == update
    states = [step.id.removeprefix("W1.") for step in trace(lesson).steps("matrix") if step.id.startswith("W1.")]
    assert {state: formula(lesson, f"W1.{state}[1,1]") for state in states} == remembered


@pytest.mark.parametrize(("targets", "cls"), [([0.2, 0.7, 0.1], 2), ([0.1, 0.2, 0.7], 3), ([0.5, 0.3, 0.2], 1)])
def test_softmax_is_derived_for_the_class_with_the_largest_target(targets, cls):
    lesson = network_lesson([dense(np.eye(3), None, "softmax")], "cross_entropy", [[0.3, 0.2, 0.1]], [targets])
    found = trace(lesson)
    lines = Scribe(found, "dz").derivation(found.find("dL/dz1[1]"))
    assert f"first class {cls}:" in lines[0].reason


@pytest.mark.parametrize("i", [1, 2, 3])
def test_softmax_is_derived_for_the_one_true_class_alone(i):
    lesson = network_lesson([dense(np.eye(3), None, "softmax")], "cross_entropy", [[0.3, 0.2, 0.1]], [[0, 1, 0]])
    found = trace(lesson)
    told = [line.reason for line in Scribe(found, "dz").derivation(found.find(f"dL/dz1[{i}]"))]
    assert "lass 2 is the true one" in told[0] and "of class 2 is a quotient" in told[1]
    assert all(f"in the z of class {i}:" in line for line in told[3:5]) and ("its own slope" in told[3]) == (i == 2)
    assert f"of class 2, h′/h that of class {i};" in told[6] and told[6].endswith(f"i = {i}, is {int(i == 2)}")
    assert told[8].endswith("of class 2 cancels")


def test_brackets_are_read_a_hundred_deep_and_no_deeper():
    def deep(count):
        return parse("(" * count + "x" + ")" * count, lambda name, at: Ref(Symbol(name)))

    assert MAX_DEPTH == 100 and deep(100) == Ref(Symbol("x"))
    with pytest.raises(FormulaError):
        deep(101)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("targets", [[0.0, 1.0, 0.0], [0.2, 0.7, 0.1], [0.5, 0.0, 0.5]])
def test_every_line_of_a_derivation_is_true(activation, targets):
    """Each comes to the error itself, a line with a name to what that name stands for; here in NumPy alone."""
    loss = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}[activation]
    weights = np.array([[0.3, -0.2], [0.1, 0.4], [-0.5, 0.2]])
    found = trace(network_lesson([dense(weights, None, activation)], loss, [[1, 2]], [targets]))
    y, z = np.array(targets), weights @ [1.0, 2.0]
    e = np.exp(z if activation == "softmax" else -z)
    a = e / e.sum() if activation == "softmax" else 1 / (1 + e)
    of_loss = -y / a if activation == "softmax" else -y / a + (1 - y) / (1 - a)
    of_a = np.diag(a) - np.outer(a, a) if activation == "softmax" else a * (1 - a)
    largest = int(np.argmax(y))
    for index in (None, 0, 1, 2):
        step = found.find("dL/dz1" if index is None else f"dL/dz1[{index + 1}]")
        stages = derivation(step)
        assert len(stages) >= 5
        for stage in stages:
            name = stage.line.name
            if name is None:
                want = (a - y) if index is None else (a - y)[index]
            elif name.symbol.quantity != "node":
                want = {"dL/da1": of_loss, "da1/dz1": of_a}[name.id.partition("[")[0]]
                want = want[name.index] if name.index else want
            elif activation == "softmax":
                i, k = index, largest
                want = {"g": e[k], "h": e.sum(), "g′": e[k] * (i == k), "h′": e[i]}[name.id]
            else:
                want = {"h": 1 + e, "h′": -e}[name.id]
                want = want if index is None else want[index]
            assert np.allclose(stage.value, want, rtol=1e-12, atol=1e-14), (index, stage.line.reason)
