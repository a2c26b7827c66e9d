"""A typed formula is evidence: compared as a function of the lesson's numbers, whatever other numbers are the same."""

from __future__ import annotations

import numpy as np
import pytest

from strategies import bundled, circuit_lesson, dense, network_lesson
from tutor.engine.trace import trace
from tutor.lessonfiles.catalogue import entries
from tutor.questions.answers import read_answer
from tutor.questions.diagnosis import compare, marked
from tutor.questions.grading import grade
from tutor.questions.question import Question
from tutor.questions.same_formula import elsewhere, says
from tutor.text.layout import linear
from tutor.text.writer import Writer


def question(lesson, step: str, notation: str = "dz") -> Question:
    return Question(trace(lesson).find(step), Writer(lesson, notation))


def named(lesson, step: str, text: str) -> tuple[str, str | None]:
    verdict = grade(question(lesson, step), text)
    return verdict.kind, verdict.slips[0].misconception if verdict.slips else None


def alike():
    """A network in which much is the same: a symmetric matrix, equal inputs, errors of one size."""
    layers = [dense([[0.5, 0.3], [0.3, 0.5]], [0.1, 0.1], "sigmoid"), dense([[0.4, 0.4], [0.4, -0.4]])]
    return network_lesson(layers, "half_squared_error", [[0.6, 0.6]], [[0.2, 0.2]], learning_rate=0.5)


# Two ways that come to one number there, and are told apart by what was typed.
@pytest.mark.parametrize(
    ("step", "text", "misconception"),
    [
        ("dL/da1[2]", "W2[2,1]*dL/dz2[1] + W2[2,2]*dL/dz2[2]", None),  # symmetric: as right a number as any
        ("dL/dW1[1,1]", "dL/dz1[1]*x[2]", None),
        ("dL/dW1[1,1]", "dL/dz1[2]*x[1]", "neighbour"),
        ("dL/dW1[1,2]", "dL/dz1[2]*x[1]", "to-and-from"),
        ("dL/dz1[1]", "a1[1]*(1-a1[1])", "upstream-lost"),
        ("dL/dz1[1]", "dL/da1[1]", "slope-dropped"),
        ("dL/dz1[1]", "a1[1] * dL/da1[1]", "value-for-slope"),
        ("dL/dz1[1]", "(dL/dz2[1]*W2[1,1] + W2[2,1]*dL/dz2[2]) * (a1[1] - 0*a1[2])", "value-for-slope"),
        ("dL/dz2[1]", "y[1] - a2[1]", "difference-reversed"),
        ("W1'[1,1]", "W1[1,1] + 0.5*dL/dW1[1,1]", "added"),
        ("W1'[1,1]", "W1[1,1] - dL/dz1[1]*x[1]", "rate-forgotten"),
    ],
)
def test_what_was_typed_decides(step, text, misconception):
    kind, found = named(alike(), step, text)
    assert found == misconception
    assert kind == ("misconception" if misconception else "correct")


@pytest.mark.parametrize(
    "text",
    [
        "W3[1,1]*dL/dz3[1] + W3[1,2]*dL/dz3[2]",
        "dL/dz3[2]*W3[1,2] + dL/dz3[1]*W3[1,1]",
        "(W3[1,1]*dL/dz3[1])*(1+1)/2 - (-W3[1,2])*(a3[2] - y[2])",
    ],
)
def test_a_missing_transpose_is_called_that_though_a_neighbour_gives_the_same_number(text):
    asked = question(bundled("p-deep"), "dL/da2[1]", bundled("p-deep").notation)
    verdict = grade(asked, text)
    assert verdict.slips[0].misconception == "transpose-missing", verdict
    shown = compare(asked, verdict.slips[0])
    assert "W₃₁₂" in marked(shown.wrong) and "W₃₂₁" in marked(shown.right)


@pytest.mark.parametrize(
    ("step", "text", "message"),
    [
        ("dL/da1[2]", "W2[2,1]*dL/dz2[1] + W2[2,2]*dL/dz2[2]", "the transpose is missing"),
        ("dL/dW1[1,1]", "dL/dz1[1]*x[2]", "a neighbour's value was used"),
        ("dL/dW1[1,1]", "x[1]*dL/dz1[1]", ""),
        ("dL/dW1[1,1]", "0.6*dL/dz1[1]", ""),
        ("z1[1]", "W1[1,1]*x[2] + W1[1,2]*x[2] + b1[2]", ""),  # no mistake that has a name: no word of it
    ],
)
def test_a_wrong_formula_with_the_right_number_is_right_and_told(step, text, message):
    verdict = grade(question(alike(), step), text)
    assert verdict.correct and (message in verdict.message if message else verdict.message == "Right.")


def test_yours_is_what_was_typed():
    asked = question(alike(), "dL/dW1[1,2]")
    verdict = grade(asked, "x[2] * (W2[1,1]*dL/dz2[1] + W2[2,1]*dL/dz2[2])")
    assert verdict.slips[0].misconception == "slope-dropped"
    shown = compare(asked, verdict.slips[0])
    assert "".join(part for part, _ in shown.wrong) == "x₂ · (w₁₁² · dz₁² + w₂₁² · dz₂²)"
    assert "".join(part for part, _ in shown.right) == "da₁¹ · σ′(z₁¹) · x₂"  # as far back as the slip lies


def test_a_formula_shows_slips_further_back_than_a_number_would():
    text = "W1[1,1] - 0.5*(dL/dz2[1] + dL/dz2[2])*a1[1]*(1 - a1[1])*x[1]"
    asked = question(alike(), "W1'[1,1]")
    verdict = grade(asked, text)
    assert [slip.misconception for slip in verdict.slips] == ["weight-skipped"] and verdict.slips[0].distance == 3
    assert not grade(asked, f"{verdict.value:.7g}").slips


def test_a_formula_that_is_no_slips_is_called_none_though_its_number_is():
    asked = question(alike(), "dL/dz1[1]")
    dropped = next(slip for slip in asked.slips if slip.misconception == "slope-dropped")
    assert grade(asked, f"{dropped.value:.4g}").slips  # as a number it is named
    odd = f"a1[1] + ({dropped.value!r} - {float(trace(alike()).find('a1[1]').value)!r}) * y[1] / 0.2"
    assert grade(asked, odd).kind == "misconception"  # with numbers in it that may have been read off: by its value
    assert named(circuit_lesson(["q = x + y", "f = q * z"], x=2, y=5, z=-4), "f", "q + z") == (
        "misconception",
        "gates-confused",
    )
    # q · q = 49 is nobody's slip; z² · … neither, although 3 = x + 1 is a slip's number at df/dx
    assert named(circuit_lesson(["q = x * y", "f = q * z"], x=2, y=5, z=10), "f", "q + q") == ("wrong", None)


def test_a_sign_and_a_decimal_point_are_seen_in_a_formula_only_if_they_are_there():
    lesson = circuit_lesson(["q = x - y", "f = q * z"], x=2, y=4, z=5)  # q = −2
    assert named(lesson, "q", "-(x - y)")[0] in ("sign", "misconception")
    assert named(lesson, "q", "x") == ("wrong", None)  # 2 is no turned sign when x was typed
    assert grade(question(lesson, "q"), "2").kind == "sign"


def test_right_formulas_are_right_however_they_are_written():
    """For every step of the bundled lessons: its own formula, and with what it rests on written out."""
    for entry in entries():
        lesson = bundled(entry.id)
        here = trace(lesson)
        for at, step in enumerate(here.steps("scalar")):
            if at % 29 or not 0 < len(step.operands) <= 12:
                continue
            if not np.all(np.isfinite([here.value(ref) for ref in step.operands])):  # a blocked position
                continue
            assert says(step, step.formula), (lesson.id, step.id)
            asked = Question(step, Writer(lesson, "dz"))
            text = "+".join(f"0*{ref.id}" for ref in step.operands) + f"+{step.operands[0].id}-({step.operands[0].id})"
            assert not says(step, read_answer(f"{text}+1.01", asked.names).formula), step.id


def test_a_number_read_off_the_screen_stands_for_what_it_was_read_off():
    asked = question(bundled("p-deep"), "dL/da2[1]")
    assert grade(asked, "0.3*dL/dz3[1] - 0.2*dL/dz3[2]").slips[0].misconception == "transpose-missing"
    verdict = grade(asked, "0.3*dL/dz3[1] + 0.9*dL/dz3[2]")
    assert verdict.kind == "wrong" and "0.9 should be 0.8, w₂₁³" in verdict.message


def test_the_other_numbers_are_near_and_keep_what_is_left_out_in_writing():
    for lesson in (bundled("p-deep"), bundled("batch-mean"), bundled("adam")):
        here = trace(lesson)
        for there in elsewhere(here):
            for key, value in here.iteration.values.items():
                symbol = here.program.symbols.get(key)
                if symbol is not None and symbol.quantity in ("target", "hyper"):
                    assert (there.iteration.values[key] == value).all()
                elif symbol is not None and symbol.quantity in ("weights", "input", "circuit_input"):
                    assert abs(there.iteration.values[key] - value).max() <= 0.02 * abs(value).max()
    assert elsewhere(here) is elsewhere(here)


def test_a_formula_of_a_whole_layer_is_read_for_the_element_that_is_asked():
    lesson = alike()
    assert named(lesson, "dL/dz1[2]", "dL/da1 * a1") == ("misconception", "value-for-slope")
    assert linear(Writer(lesson, "dz").formula(question(lesson, "dL/dz1[2]").step.formula))
