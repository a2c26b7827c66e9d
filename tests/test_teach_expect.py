"""What a lesson is held to: expectations, prerequisites, questions that tell, numbers that can be followed."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.lessonfiles.check import examine, load
from tutor.lessonfiles.expectations import holds

# f = (x + y)·z at x = −2, y = 5, z = −4: q = 3, f = −12, df/dx = df/dy = −4, df/dz = 3 (Stanford CS231n).
CIRCUIT = """\
format = 1
title = "T"
[circuit]
define = ["q = x + y", "f = q * z"]
output = "f"
[circuit.inputs]
x = -2
y = 5
z = -4
"""
# z1 = 0.5·2 + 0.1 = 1.1, L = (3 − 1.1)² = 3.61, dL/dz1 = 2(1.1 − 3) = −3.8, dW = −7.6, W' = 0.5 + 0.1·7.6 = 1.26
NETWORK = """\
format = 1
title = "T"
[network]
inputs = 1
loss = "squared_error"
[[network.layers]]
units = 1
weights = [[0.5]]
biases = [0.1]
[[examples]]
inputs = [2]
targets = [3]
[[examples]]
inputs = [1]
targets = [1]
[training]
learning_rate = 0.1
"""


@pytest.fixture
def found(tmp_path):
    """(severity, line, column, message) of everything wrong with a lesson's text."""

    def found(text: str, name: str = "t.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return [(p.severity, p.line, p.column, p.message) for p in examine(tmp_path / name)[1]]

    return found


def test_a_near_miss_of_a_whole_number_is_told_with_the_digits_that_miss(found):
    near = CIRCUIT.replace("x = -2", "x = -2.0000000001")
    told = found(near + expect("f", "-12"))
    assert "'f' is -11.9999999996, not -12" in [message for *_, message in told]


def expect(step: str, value: str, more: str = "") -> str:
    return f'[[expect]]\nstep = "{step}"\nvalue = {value}\nsource = "by hand"\n{more}'


# ---------------------------------------------------------------- expectations


@pytest.mark.parametrize(
    "step, value, iteration",
    [
        ("z1", "1.1", 1),
        ("z1[1]", "1.10000", 1),
        ("L", "3.61", 1),
        ("L", "3.6", 1),
        ("L", "4e0", 1),
        ("dL/dW1[1,1]", "-7.6", 1),
        ("dL/dW1", "[[-7.60]]", 1),
        ("W1'", "1.26", 1),
        ("b1'", "[0.480]", 1),
        ("z1", "1.74", 2),  # the second row: 1.26 · 1 + 0.48
        ("L", "0.5476", 2),  # 0.74²
    ],
)
def test_an_expectation_that_holds_says_nothing(found, step, value, iteration):
    assert found(NETWORK + expect(step, value, f"iteration = {iteration}")) == []


@pytest.mark.parametrize(
    "step, value, says",
    [
        ("L", "3.62", "'L' is 3.61, not 3.62"),
        ("L", "3.6099", "'L' is 3.61, not 3.6099"),
        ("L", "4", "'L' is 3.61, not 4"),  # a whole number is meant exactly
        ("dL/dW1[1,1]", "7.6", "'dL/dW1[1,1]' is -7.6, not 7.6"),
        ("dL/dW1", "[[-7.7]]", "'dL/dW1[1,1]' is -7.6, not -7.7"),
        ("z1", "[1.1, 2]", "'z1' is a vector of 1 number; value has another shape"),
        ("dL/dW1", "[[-7.6], [1, 2]]", "'dL/dW1' is 1 × 1; value has another shape"),
    ],
)
def test_an_expectation_that_does_not_hold_is_told_at_its_value(found, step, value, says):
    ((severity, line, column, message),) = found(NETWORK + expect(step, value))
    lead = value.count("[") if "-7.7" in value else 0
    assert (severity, line, column) == ("error", 20, 9 + lead)
    assert message == says


def test_an_expectation_is_in_the_way_of_no_player(tmp_path):
    (tmp_path / "t.toml").write_text(NETWORK + expect("L", "9.9"))
    assert load(tmp_path / "t.toml").expect[0].value == 9.9


@pytest.mark.parametrize(
    "text, line, column, says",
    [
        (NETWORK + expect("L9", "1"), 19, 8, "no step 'L9'"),
        (NETWORK + expect("dL/dW1[2,1]", "1"), 19, 8, "no element"),
        (NETWORK + 'batch = "all"\n' + expect("z1", "1.1"), 20, 8, "'z1' is not one value: the batch has 2 examples"),
        (CIRCUIT + expect("f", "-12", "iteration = 2"), 14, 13, "not trained"),
        (NETWORK + expect("L", '"3.61"'), 20, 9, "value of expectation 1 must be a number or a list"),
        (NETWORK + expect("L", "nan"), 20, 9, "finite"),
        (NETWORK + '[[expect]]\nstep = "L"\nvalue = 3.61\n', 18, 1, "source is missing in expectation 1"),
    ],
)
def test_an_expectation_that_is_none(found, text, line, column, says):
    ((severity, at_line, at_column, message),) = found(text)
    assert (severity, at_line, at_column) == ("error", line, column) and says in message


def test_expectations_of_a_batch_name_an_example(found):
    # z1 = 1.1 and 0.6; the loss is the mean of 3.61 and 0.16
    text = NETWORK + 'batch = "all"\n' + expect("z1@2", "0.6") + expect("z1[1]@1", "1.1") + expect("L", "1.885")
    assert found(text) == []


@given(st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-6), st.integers(1, 12))
def test_a_number_holds_at_every_length_that_it_is_rounded_to(value, digits):
    written = f"{value:.{digits - 1}e}"
    assert holds(written, value)
    shift = Decimal(written) + Decimal((0, (1,), Decimal(written).as_tuple().exponent))
    assert not holds(str(shift), float(Decimal(written)))


@pytest.mark.parametrize(
    "written, low, high",
    [("0.1300", 0.12995, 0.13005), ("4.4e-4", 0.000435, 0.000445), ("1e3", 500, 1500), ("-2.0", -2.05, -1.95)],
)
def test_the_digits_given_say_how_near(written, low, high):
    width = high - low
    assert holds(written, low + width / 1000) and holds(written, high - width / 1000)
    assert not holds(written, low - width / 1000) and not holds(written, high + width / 1000)


def test_a_whole_number_and_what_is_not_finite():
    assert holds("3", 3.0) and holds("3", 0.1 * 30) and not holds("3", 3.001) and holds("1_000", 1000.0)
    assert holds("0", 0.0) and holds("0.0", 1e-3) and not holds("0", 1e-3)
    assert not holds("3.0", math.nan) and not holds("3.0", math.inf)


# ---------------------------------------------------------------- prerequisites


def test_prerequisites_in_a_circle_are_told_at_the_one_that_leads_back(tmp_path):
    for name, needs in (("1-a", ["b"]), ("2-b", ["gates", "c"]), ("3-c", ["a"]), ("4-d", ["c"])):
        text = f"requires = {needs!r}\n".replace("'", '"') + CIRCUIT
        (tmp_path / f"{name}.toml").write_text(text)

    def circles(name):
        return [(p.line, p.column, p.message) for p in examine(tmp_path / name)[1] if "circle" in p.message]

    assert circles("1-a.toml") == [(1, 13, "prerequisites in a circle: a → b → c → a")]
    assert circles("2-b.toml") == [(1, 22, "prerequisites in a circle: b → c → a → b")]
    assert circles("4-d.toml") == []  # it leads into a circle, and is in none


def test_a_prerequisite_comes_earlier(tmp_path):
    (tmp_path / "10-later.toml").write_text(CIRCUIT)
    (tmp_path / "2-sooner.toml").write_text('requires = ["later"]\n' + CIRCUIT)
    ((problem),) = examine(tmp_path / "2-sooner.toml")[1]
    assert problem.severity == "warning" and "'later' comes after this lesson" in problem.message


def test_a_copy_of_one_of_our_lessons_is_in_no_circle_with_ours(tmp_path):
    """gates is a prerequisite of others of ours; a file of that id elsewhere is not what those mean."""
    path = tmp_path / "gates.toml"
    path.write_text('requires = ["o-regression", "p-deep"]\n' + CIRCUIT)
    (problem,) = examine(path)[1]  # of the id alone
    assert problem.severity == "warning" and "another lesson is called 'gates'" in problem.message
