"""What is shown can be worked out again: with a line's numbers a calculator gives its value, but for the last digit."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings

from strategies import bundled, circuit_lesson, lessons
from tutor.engine import trace as traces
from tutor.engine.expressions import Call, evaluate, rewrite
from tutor.engine.paths import Paths, target
from tutor.engine.trace import as_shown, digits_for, reads_as, trace
from tutor.text.layout import number

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def read(text):
    """A number as it is shown, and one in its last place (of four at the most: what ends in zeros is cut)."""
    mantissa, _, exponent = text.replace("−", "-").partition("×10")
    value = float(mantissa) * 10.0 ** int(exponent.translate(SUPERSCRIPTS) or 0)
    places = len(mantissa.partition(".")[2]) - int(exponent.translate(SUPERSCRIPTS) or 0)
    fourth = math.floor(math.log10(abs(value))) - 3 if value else 0
    return value, 10.0 ** min(-places, fourth)


def off(step):
    """By how much in the last place the line of a step comes out wrong, worked out from what it shows."""
    plain = {"ratio": "div", "times": "mul"}
    written = rewrite(
        step.formula, lambda n: Call(plain[n.op], n.args) if isinstance(n, Call) and n.op in plain else None
    )
    got = float(np.asarray(evaluate(written, lambda ref: as_shown(step.trace.value(ref), step.digits))))
    shown, unit = read(number(float(step.value)))
    return abs(round(got / unit) * unit - shown) / unit


def lines(found, most=60):
    for step in found.steps("scalar"):
        if len(step.operands) <= 64 and math.isfinite(step.value) and step.value and math.prod(step.shape) <= most:
            yield step


@pytest.mark.parametrize("id", ["o-regression", "o-classification", "one-neuron", "two-paths", "c-431", "adam"])
def test_lines_of_lessons(id):
    for iteration in (1, 2, 3, 10):
        for step in lines(trace(bundled(id), iteration)):
            assert off(step) <= 1.01, (iteration, step.id)


@settings(max_examples=40)
@given(lessons())
def test_lines_of_any_lesson(lesson):
    found = trace(lesson)
    wrong = [step.id for step in lines(found) if step.digits < 12 and off(step) > 1.01]
    assert not wrong


@pytest.mark.parametrize("id", ["two-paths", "c-431", "p-deep", "vanishing"])
def test_products_of_a_chain_multiply_out_and_its_terms_add_up(id):
    found = trace(bundled(id))
    paths = Paths(found)
    for step in found.steps("scalar"):
        of = target(step)
        if of is None or step.phase != "backward" or math.prod(step.shape) > 60:
            continue
        chain = paths.chain(of)
        for path in chain.paths:
            digits = path.digits_for(chain.digits)
            product = float(np.prod([float(as_shown(factor.value, digits)) for factor in path.factors]))
            assert reads_as(product, path.product, chain.digits), (step.id, path.nodes)
        terms = [path.product for path in chain.paths] + ([] if chain.rest is None else [chain.rest])
        assert reads_as(sum(float(as_shown(term, chain.digits)) for term in terms), chain.total), step.id


def test_what_reads_as_a_number():
    """By hand: 0.16708 is shown as 0.1671, 0.125 as it is."""
    assert reads_as(0.16715, 0.1670812345) and not reads_as(0.1673, 0.1670812345)
    assert reads_as(0.12504, 0.125) and not reads_as(0.1252, 0.125)
    assert reads_as(0.1251258, 0.125125) and not reads_as(0.12513, 0.125125), "six digits are all shown"
    assert reads_as(0, 0) and not reads_as(1e-9, 0)


def test_the_value_is_not_shown_with_more_digits_than_the_line_gives():
    """(1.2 − 1.15912345)²: six digits of the operand are needed for four of the square."""
    step = trace(circuit_lesson(["f = (a - b) ** 2"], a=1.2, b=1.159123456)).find("f")
    assert step.digits >= 4 and off(step) <= 1


@pytest.mark.parametrize("most", [2, 10_000])
def test_the_digits_that_are_kept_are_those_of_the_step_and_not_too_many_of_them(most, monkeypatch):
    monkeypatch.setattr(traces, "MOST_KEPT", most)
    found = trace(bundled("o-classification"))
    for _ in range(2):  # worked out, then looked up
        for step in found.steps("scalar"):
            assert step.digits == digits_for(step.formula, step.value, found.value), step.id
            assert len(found.memo.of(traces._Digits)) <= most


@pytest.mark.parametrize("digits", [4, 7, 8])
def test_numbers_of_an_array_read_as_each_by_itself_does_halves_too(digits):
    draw = random.Random(digits)
    mantissas = [draw.randrange(10 ** (digits - 1), 10**digits) for _ in range(300)]
    values = [float(f"{mantissa}5e{draw.randrange(-9, 4)}") for mantissa in mantissas]
    alone = [as_shown(value, digits) for value in values]
    assert as_shown(np.array(values), digits).tolist() == alone
    assert as_shown(np.array([0.123456, 0.1234567, -1e-9]), 4).tolist() == [0.123456, 0.1235, -1e-9]
