"""What is said of steps: true of the layer at hand, in the learner's notation, and of one step only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from each import each
from tutor.engine.trace import Trace, trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.text.card import Scribe
from tutor.text.explain import WORDS, Explainer
from tutor.text.explanations import FIELDS, LINEAR, RULES, Explanation, Turn, fields_of
from tutor.text.notations import NOTATIONS
from tutor.text.writer import Writer


def bundled(id: str, **training) -> Trace:
    lesson = load(catalogue.find(id))
    return trace(replace(lesson, training=replace(lesson.training, **training)))


@each("training", [{}, {"batch": 2, "l2": 0.1}, {"optimizer": "adam"}, {"optimizer": "momentum"}])
@pytest.mark.parametrize("id", ["o-regression", "o-classification", "c-431", "p-deep"])
@pytest.mark.parametrize("notation", NOTATIONS)
def test_no_two_steps_have_the_same_title(id, notation, training):
    found = bundled(id, **training)
    explainer = Explainer(Writer(found.lesson, notation))
    steps = [step for step in found.steps() if step.example in (None, 0)]
    titles = [(explainer.title(step), step.example) for step in steps]
    assert len(titles) == len(set(titles))
    for step in steps:
        for text in (explainer.title(step), explainer.why(step), explainer.story(step)):
            assert text and text[0] not in " .,:;" and "  " not in text and "{" not in text


def test_a_linear_layer_is_no_activation_that_flattens():
    found = bundled("o-regression")
    explainer = Explainer(Writer(found.lesson, "dz"))
    for id in ("a1", "a2", "dL/dz1", "dL/dz2"):
        said = explainer.why(found.find(id)) + explainer.story(found.find(id))
        assert "flat" not in said and "identity" not in said
    assert "slope is 1" in explainer.why(found.find("dL/dz1"))


def test_the_output_is_heard_by_nobody():
    found = bundled("c-431")
    explainer = Explainer(Writer(found.lesson, "delta"))
    assert explainer.why(found.find("a1")).endswith("what the output layer hears.")
    assert explainer.why(found.find("a2")).endswith("the prediction ŷ.")


@pytest.mark.parametrize(
    ("notation", "z", "output"),
    [("dz", "z", "p"), ("nabla", "a", "ŷ"), ("error", "z", "ỹ"), ("partials", "z", "ŷ"), ("delta", "z", "ŷ")],
)
def test_reasons_speak_the_notation(notation, z, output):
    found = bundled("p-deep")
    scribe = Scribe(found, notation)
    reasons = [line.reason for line in scribe.card(found.find("dL/dz3")).derivation]
    assert reasons[0].startswith(f"each {z} moves every {output},")
    assert reasons[1] == f"−y/{output} cancels a factor {output} in every term"
    assert f"e{'ᵃ' if z == 'a' else 'ᶻ'} over" in scribe.card(found.find("a3")).why


def test_an_update_says_what_it_goes_against():
    assert (
        Explainer(Writer(bundled("gates").lesson, "dz"))
        .why(bundled("gates").find("x'"))
        .startswith("Against the gradient, because uphill f grows")
    )
    adam = bundled("c-431", optimizer="adam")
    assert "that the optimiser made" in Explainer(Writer(adam.lesson, "dz")).why(adam.find("W1'"))


# ---------------------------------------------------------------- templates


def test_what_templates_may_ask_for_is_what_can_be_said():
    assert set(WORDS) == FIELDS
    asked = {field for entry in (*RULES.values(), *LINEAR.values()) for field in fields_of(entry.title + entry.why)}
    assert asked <= FIELDS


@pytest.mark.parametrize("place", ["title", "why", "element", "story", "speaker", "words", "passes"])
def test_a_typo_in_a_template_is_found_when_the_table_is_made(place):
    texts = dict.fromkeys(("speaker", "words", "passes"), "{of}") | {place: "to {layre}"}
    turn = Turn(texts["speaker"], texts["words"], texts["passes"])
    story = texts["story"] if place == "story" else (turn,)
    with pytest.raises(ValueError, match=r"'to \{layre\}' asks for \{layre\}; there are: .*layer"):
        Explanation(texts.get("title", ""), texts.get("why", ""), story, texts.get("element", ""))


@pytest.mark.parametrize("id", ["reuse", "softmax"])
def test_a_loss_of_several_outputs_is_about_all_of_them_at_every_level(id):
    here = bundled(id)
    explainer = Scribe(here, here.lesson.notation).explainer
    scalar, matrix = (next(step for step in here.steps(level) if step.id == "L") for level in ("scalar", "matrix"))
    assert "how far" in explainer.why(scalar) and explainer.why(scalar) == explainer.why(matrix)
