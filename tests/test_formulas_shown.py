"""What no number tells: the form in which losses and optimisers are shown, which class a derivation takes, limits."""

from __future__ import annotations

import numpy as np
import pytest

from strategies import dense, network_lesson
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
    return network_lesson(layers, name, [[1, 2]], [[0.25, 0.75]])


# As the textbooks have them: the derivative of (y − ŷ)² is −2 (y − ŷ), not turned round and simplified.
GRADIENTS = {
    "squared_error": "−2 · (y₁ − a₁¹)",
    "half_squared_error": "a₁¹ − y₁",
    "mean_squared_error": "−2 · (y₁ − a₁¹) / 2",
    "binary_cross_entropy": "−y₁ / a₁¹ + (1 − y₁) / (1 − a₁¹)",
    "cross_entropy": "−y₁ / p₁",
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_the_gradient_of_a_loss_is_shown_as_it_is_derived(name):
    assert formula(shown_loss(name), "dL/da1[1]") == GRADIENTS[name]


UPDATES = {
    "sgd": "w₁₁¹ − η · dw₁₁¹",
    "momentum": "w₁₁¹ − η · v(w₁₁¹)_new",
    "nesterov": "w₁₁¹ − η · (dw₁₁¹ + μ · v(w₁₁¹)_new)",
    "adam": "w₁₁¹ − η · (m̂(w₁₁¹) / (√v̂(w₁₁¹) + ε))",
    "adamw": "w₁₁¹ − η · (m̂(w₁₁¹) / (√v̂(w₁₁¹) + ε) + λ_w · w₁₁¹)",
}


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_is_shown_as_its_paper_has_it(name):
    assert name in OPTIMIZERS
    lesson = network_lesson([dense([[0.5]], [0.1])], "squared_error", [[2]], [[1]], optimizer=name)
    assert formula(lesson, "W1'[1,1]") == UPDATES[name]


@pytest.mark.parametrize(("targets", "cls"), [([0.2, 0.7, 0.1], 2), ([0.1, 0.2, 0.7], 3), ([0.5, 0.3, 0.2], 1)])
def test_softmax_is_derived_for_the_class_with_the_largest_target(targets, cls):
    lesson = network_lesson([dense(np.eye(3), None, "softmax")], "cross_entropy", [[0.3, 0.2, 0.1]], [targets])
    found = trace(lesson)
    lines = Scribe(found, "dz").derivation(found.find("dL/dz1[1]"))
    assert f"first class {cls}:" in lines[0].reason


def test_brackets_are_read_a_hundred_deep_and_no_deeper():
    def deep(count):
        return parse("(" * count + "x" + ")" * count, lambda name, at: Ref(Symbol(name)))

    assert MAX_DEPTH == 100 and deep(100) == Ref(Symbol("x"))
    with pytest.raises(FormulaError):
        deep(101)
