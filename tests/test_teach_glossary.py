"""The glossary is consistent: what a definition rests on is defined, and every step has its terms."""

from __future__ import annotations

import re

from each import each
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.trace import trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.questions.mastery import SKILLS
from tutor.text import glossary
from tutor.text.glossary import SAME, TERMS, definition, references, search, spoken_of

# The terms that the issue and the curriculum name.
WANTED = """derivative, partial derivative, gradient, chain rule, local derivative, upstream gradient, pre-activation,
activation, weight, bias, layer, unit, hidden layer, loss, cross-entropy, softmax, learning rate, epoch, batch,
iteration, mean, regularisation, momentum, vanishing gradient, dead unit, saturation, convergence, stationary point,
hyperparameter, forward pass, backward pass, backpropagation, gradient descent, one-hot, shape, transpose,
outer product, elementwise product, jacobian, path, error, notation, exploding gradient, gradient check"""


def test_the_terms_of_the_field_are_there():
    assert {term.strip() for term in WANTED.split(",")} <= TERMS.keys() and len(TERMS) >= 50


@each("term", TERMS)
def test_a_definition_is_a_sentence_or_two_that_rest_on_terms(term):
    text = definition(term)
    sentences = [part for part in re.split(r"(?<=[.?])\s+(?=[A-Z*σ])", text) if part]
    assert 1 <= len(sentences) <= 3 and len(text.split()) <= 45 and text.endswith(".") and "*" not in text
    assert term == term.casefold() and text[0].isupper()
    for other in references(term):
        assert other in TERMS, f"{term} rests on {other}, which is not defined"
        assert other != term


def test_terms_stand_by_the_alphabet_and_other_words_lead_to_them():
    assert list(TERMS) == sorted(TERMS)
    assert all(term in TERMS and same not in TERMS for same, term in SAME.items())


def test_a_search_finds_the_term_its_other_words_and_what_is_said_of_it():
    assert search("Learning  Rate") == search("learning_rate") == search("step size") == ["learning rate"]
    assert search("ReLU") == ["relu"] and search("neuron") == ["unit"]
    assert search("gradient des")[0] == "gradient descent"
    assert "chain rule" in search("paths add") and search("zzz") == []
    assert len(search("")) == len(TERMS)


@each("rule", [*SKILLS, "gate_max_gradient", "optimizer_u"])
def test_every_rule_has_terms(rule):
    if rule not in ("order", "author", "paths", "chain", "shapes"):  # skills that are no rule of a step
        assert spoken_of(rule) and set(spoken_of(rule)) <= TERMS.keys()


@each("choice", [*ACTIVATIONS, "softmax", *LOSSES, *OPTIMIZERS])
def test_every_choice_of_a_lesson_has_a_term(choice):
    if choice == "linear":  # says nothing of its own
        return
    ask = f'what is "{choice}"? Add it to _TABLE in tutor/text/glossary.py, or to _BY_CHOICE the term for it'
    assert len(spoken_of("none", choice)) == 1, ask
    assert spoken_of("none", choice)[0] in TERMS


def test_the_terms_of_a_step_come_first_and_none_is_lost():
    here = trace(load(catalogue.find("o-classification")))
    for step in here.steps():
        first = spoken_of(step.equation.rule_id)
        listed = glossary.in_order(first)
        assert listed[: len(first)] == first and sorted(listed) == sorted(TERMS)
