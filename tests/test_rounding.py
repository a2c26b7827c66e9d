"""Who uses the right method and rounds on the way is never wrong and never accused of a slip."""

from __future__ import annotations

import json
import random
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from each import each

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

from diagnosis import random_circuit, random_network, typed
from rounding import HABITS, Person, elements

from strategies import bundled, by_turns, circuit_lesson, dense, network_lesson
from tutor.cli import commands
from tutor.engine.expressions import Call, Const, Ref, Symbol, call, evaluate
from tutor.engine.lesson import AuthorQuestion, WrongAnswer
from tutor.engine.trace import trace
from tutor.lessonfiles import catalogue
from tutor.questions import quiz
from tutor.questions.attempt import LATER_TRY, Asking, give_up, respond
from tutor.questions.authored import author_item
from tutor.questions.grading import grade
from tutor.questions.items import item_of_cells, item_of_value
from tutor.questions.question import Question
from tutor.questions.rounding import bounds, half_unit, rounded, rounds_to, same, spread
from tutor.text.writer import Writer

IDS = [entry.id for entry in catalogue.entries()]


def ask(id: str, lesson="o-regression", digits: int = 3) -> Question:
    here = trace(bundled(lesson) if isinstance(lesson, str) else lesson)
    step = here.find(id)
    return Question(step if step.index is not None else step.at(()), Writer(here.lesson, "dz"), digits)


def symmetric():
    """A tutorial's 2-2-1 network, all weights 1; it prints 0.0214 for dL/dW1[1,1], 0.02147 to four digits."""
    layers = [dense([[1, 1], [1, 1]], [0, 0], "sigmoid"), dense([[1, 1]], [0], "sigmoid")]
    return network_lesson(layers, "mean_squared_error", [[-2, -1]], [[1]], learning_rate=0.1)


# ---------------------------------------------------------------- numbers


def test_numbers_are_rounded_as_people_do():
    assert rounded(0.125, 2) == 0.13 and rounded(-2.5, 1) == -3 and rounded(1.005, 3) == 1.01 and rounded(0, 3) == 0
    assert same(0.125, 0.12, 2) and same(0.125, 0.13, 2) and not same(0.125, 0.12, 3)  # a half goes either way
    assert rounds_to(2 / 3, 0.667, 3) and rounds_to(2 / 3, 0.66667, 3) and not rounds_to(2 / 3, 0.67, 3)


def test_half_a_unit_of_the_last_digit():
    sizes = np.array([0, 1, 9.99, 0.0123, 4567])
    assert half_unit(sizes, 3) == pytest.approx([0, 0.005, 0.005, 0.00005, 5])


# ---------------------------------------------------------------- how far off


X, Y, V, M = (Ref(Symbol(n, s)) for n, s in (("x", ()), ("y", ()), ("v", (3,)), ("m", (2, 3))))


@each(
    "formula",
    [X + Y, X - Y, -X, X * Y, X / Y, X**2, X**Y, call("exp", X), call("log", X), call("sqrt", X), call("sin", X),
     call("max", X, Y), call("min", X, Y, X), call("sigmoid", X), call("tanh", X * Y), call("relu", X - Y),
     call("sigmoid′", X, call("sigmoid", X)), call("abs", X - Y), call("sum", V), call("matmul", M, V),
     call("matmul", call("transpose", M), call("matmul", M, V)), call("outer", V, V), call("softmax", V),
     call("jacobian", call("softmax", V)), call("sum", (V - X) ** 2) / 2, call("rows", V, call("matmul", M, V)),
     call("choose", X - Y, X, 0), Call("wins_max", (X, Y), 1), Const(2) * X],
)  # fmt: skip
def test_no_values_within_the_errors_of_the_leaves_lead_beyond_the_error_of_the_whole(formula):
    rng = np.random.default_rng(5)
    for _ in range(20):
        centre = {ref: rng.uniform(0.3, 2, ref.shape) for ref in (X, Y, V, M)}
        error = {ref: 0.03 * rng.random(ref.shape) for ref in (X, Y, V, M)}
        value, most = spread(formula, lambda ref: (centre[ref], error[ref]), lambda value, error: (value, error))
        for _ in range(40):
            at = {ref: centre[ref] + error[ref] * rng.choice([-1, 1, 0.4], ref.shape) for ref in centre}
            assert np.all(np.abs(evaluate(formula, at.__getitem__) - value) <= most * (1 + 1e-9) + 1e-12)


def test_what_the_lesson_gives_and_few_digits_are_exact():
    lesson = circuit_lesson(["q = x + y", "f = q * z"], x=-2, y=5, z=-4)
    assert all(bounds(trace(lesson), 3).of(trace(lesson).find(id)) == 0 for id in ("q", "f", "df/dx", "df/dz"))
    assert grade(ask("f", lesson), "-12.1").kind == "wrong"


def test_errors_by_hand():
    """a = 1.234, q = a·a = 1.522756 (± 0.005), f = 2q = 3.045512: 2 · 0.005 and 0.005 of its own."""
    here = trace(circuit_lesson(["q = a * a", "f = 2 * q"], a=1.234))
    found = bounds(here, 3)
    assert found.of(here.find("q")) == pytest.approx(0.005) and found.of(here.find("f")) == pytest.approx(0.015)
    assert bounds(here, 4).of(here.find("f")) == pytest.approx(0.0015)


# ---------------------------------------------------------------- simulated people


def verdicts(lesson, digits: int, person: Person, rng: random.Random):
    here = trace(lesson)
    paper = person.paper(here, digits, rng)
    for question in elements(here, rng, 3):
        step, symbol = question.step, question.step.equation.symbol
        value = paper[symbol.key]
        value = value[step.example] if step.example is not None and symbol.per_example else value
        value = float(value[step.index or ()])
        if np.isfinite(value):
            yield f"{step.id} = {question.right!r}: {value!r}", grade(question, typed(value, digits))


PEOPLE = [*product(("lines", "operations"), (2, 3, 4))]


def assert_never_punished(lesson, seed: int, people=PEOPLE) -> None:
    rng = random.Random(seed)
    for habit, digits in people:
        for said, verdict in verdicts(lesson, digits, HABITS[habit], rng):
            least = "correct rounded imprecise".split()
            assert verdict.kind in least and not verdict.slips, f"{habit} {digits}: {said} {verdict.kind}"


@pytest.mark.parametrize("number, id", [*enumerate(IDS)])
def test_who_rounds_every_line_of_a_bundled_lesson_is_never_punished(number, id):
    """Both habits and every count of digits by turns: three of the six in each lesson."""
    assert_never_punished(bundled(id), 3, by_turns(PEOPLE, number, 3))


@pytest.mark.parametrize("seed", range(8))
def test_who_rounds_every_line_of_any_lesson_is_never_punished(seed):
    assert_never_punished(random_network(random.Random(seed)), seed)
    assert_never_punished(random_circuit(random.Random(seed)), seed)


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("id", "lesson", "text"),
    [("dL/dz2[1]", "o-regression", "-1.34"), ("dL/dW1[1,1]", symmetric(), "0.0214")],
)
def test_rounded_on_the_way(id, lesson, text):
    question = ask(id, lesson)
    verdict = grade(question, text)
    assert verdict.kind == "rounded" and not verdict.slips and not verdict.correct and verdict.free
    assert "keep four digits" in verdict.message
    off = 2 * question.slack(3) / abs(question.right)
    assert grade(question, f"{question.right * (1 + off):.4g}").kind not in ("correct", "rounded", "imprecise")


def test_an_expression_in_rounded_numbers_may_be_rounded_on_the_way_an_exact_one_is_not():
    question = ask("dL/dz2[1]")
    assert grade(question, "2 * (0.50 - 1.17)").kind == "rounded" and grade(question, "-134/100").kind == "wrong"


def test_a_typed_formula_is_a_slip_however_near_its_value_lies():
    lesson = network_lesson([dense([[1.23]])], "squared_error", [[0.01]], [[0.02]], learning_rate=0.1)
    question = ask("W1'[1,1]", lesson)  # 1.2300154; the step added, 1.2299846
    for text in ("W1[1,1] + training.learning_rate * dL/dW1[1,1]", "W1[1,1] + 0.1 * dL/dW1[1,1]"):
        assert grade(question, text).slips[0].misconception == "added", text
    assert not grade(question, "1.23 + 0.1 * 0.000154").slips


def test_where_a_slip_is_as_near_one_more_digit_is_asked_for_and_nobody_accused():
    question = ask("W1'[1,2]", "o-classification")
    slip = next(slip.value for slip in question.slips if slip.misconception == "slope-from-z")
    assert question.slack(4) < abs(slip - question.right) and abs(-0.354 - question.right) < question.slack(3)
    verdict = grade(question, f"{slip:.3g}")
    assert verdict.kind == "imprecise" and "keep four" in verdict.message and not verdict.slips and verdict.free
    for digits in (4, 6):  # rounding to so many digits explains it no more
        assert grade(question, f"{slip:.{digits}g}").slips[0].misconception == "slope-from-z"


def test_one_more_digit_tells_a_slip_from_four_digits_kept():
    """−0.0672428; another activation's slope gives −0.0673024: −0.0673 may be either."""
    question = ask("dL/dz3[1]", "vanishing")
    assert grade(question, "-0.0673").kind == "imprecise" and not grade(question, "-0.0673").slips
    assert grade(question, "-0.06724").kind == grade(question, "-0.06726").kind == "correct"


def test_a_zero_has_the_digits_that_were_written():
    """Two digits may cancel to 0.0 where a slip gives exactly 0; three, written 0.00, may not."""
    layers = [dense([[1.0]], [-0.05]), dense([[1.0]])]
    lesson = network_lesson(layers, "squared_error", [[1.04]], [[0.98]])
    question = ask("dL/da2[1]", lesson)
    assert question.slack(3) < abs(question.right) < question.slack(2)
    assert [grade(question, zero).kind for zero in ("0", "0.0", "0.00")] == ["imprecise", "imprecise", "wrong"]


def test_a_slip_clear_of_the_band_is_named():
    question = ask("dL/dz1[2]", "o-classification")
    for slip in question.slips:
        if abs(slip.value - question.right) > 2 * question.slack(3):
            names = [named.misconception for named in grade(question, typed(slip.value, 3)).slips]
            assert slip.misconception in names, slip


def test_with_fewer_digits_than_asked_for_the_band_is_that_of_so_few():
    question = ask("dL/dz2[1]")
    assert grade(question, "-1.3").kind == "imprecise"  # right as far as it goes
    verdict = grade(question, "-1.4")
    assert verdict.kind == "imprecise" and "give three" in verdict.message and not verdict.slips


def test_a_fraction_that_is_right_to_nine_digits_is_right_however_near_a_slip():
    layers = [dense([[0.3, 0.1], [0.30000002, 0.1]], [1.0, 1.0])]
    question = ask("z1[1]", network_lesson(layers, "squared_error", [[0.2, 0]], [[0, 0]]))
    assert grade(question, "1060000003/1000000000").kind == "correct"


@pytest.mark.parametrize(("off", "kind"), [(0, "carried"), (0.004, "carried"), (0.03, "wrong")])
def test_what_follows_from_an_earlier_answer_that_was_a_slip_may_be_rounded_on_the_way(off, kind):
    question = ask("dL/dW1[2,2]", "o-classification")
    slope_dropped = question.step.trace.find("dL/da1[2]").value
    follows = question.right / question.step.trace.find("dL/dz1[2]").value * slope_dropped
    assert grade(question, typed(follows * (1 + off), 3), {"dL/dz1[2]": slope_dropped}).kind == kind


# ---------------------------------------------------------------- what it costs


def value_item():
    return item_of_value(ask("dL/dz2[1]"))


def test_rounded_costs_no_try_and_shows_the_method():
    asking = respond(Asking(value_item()), "-1.34")
    assert asking.tries == 0 and asking.left == 3 and not asking.done and asking.credit == 1
    assert [said.kind for said in asking.said] == ["you", "rounded", "left"]
    right = respond(asking, f"{asking.item.question.right:.4g}")
    assert right.done and right.tries == 1 and right.credit == 1


def test_rounded_on_the_last_try_loses_nothing():
    asking = Asking(value_item())
    for text in ("7", "8", "-1.34", "-1.34"):
        asking = respond(asking, text)
    assert asking.tries == 2 and not asking.done and asking.credit == pytest.approx(LATER_TRY**2)


def test_who_has_shown_the_method_may_see_the_digits_at_no_cost():
    asking = give_up(respond(Asking(value_item()), "-1.34"))
    assert asking.done and asking.tried and asking.credit == 1 and asking.last.kind == "rounded"
    assert give_up(Asking(value_item())).credit == 0


def test_a_quiz_takes_no_rounded_answer():
    items = [value_item()]
    session = quiz.begin(["o-regression"], items, 1, 1)
    assert quiz.answer(session, items, "-1.34")[0] == session
    assert quiz.answer(session, items, "-1.7")[0].finished


def test_cells_that_are_rounded_on_the_way_cost_no_try():
    here = trace(symmetric())
    item = item_of_cells(here.find("dL/dW1"), Writer(here.lesson, "dz"), 3)
    asking = respond(Asking(item), "0.0214 0.0107 0.0214 0.0107")
    assert asking.last.kind == "rounded" and asking.tries == 0 and asking.last.credit == 1
    asking = respond(asking, "0.0214 9 0.0214 0.0107")
    assert asking.last.kind == "wrong" and asking.tries == 1 and asking.last.credit == 0.75


def test_an_authors_numbers_are_read_with_the_same_rounding():
    here = trace(bundled("o-regression"))
    wrong = (WrongAnswer(-1.34, "Not rounded enough."),)
    question = AuthorQuestion("dL/dz2[1]", wrong=wrong)
    item = author_item(question, here, Writer(here.lesson, "dz"), random.Random(1))
    asking = respond(Asking(item), "-1.34")
    assert asking.last.kind == "imprecise" and asking.tries == 0  # foreseen, and what rounding gives
    own = AuthorQuestion(ask="How much?", kind="number", answer=0.125)
    item = author_item(own, here, Writer(here.lesson, "dz"), random.Random(1))
    asking = respond(respond(Asking(item), "0.12"), "0.13")
    assert asking.last.kind == "imprecise" and asking.tries == 0 and respond(asking, "0.125").credit == 1


def test_grade_exits_with_0_and_names_nothing(capsys, data_folder):
    code = commands.main(["grade", "o-regression", "dL/dz2[1]", "--format", "json", "--", "-1.34"])
    record = json.loads(capsys.readouterr().out)
    assert code == 0 and record["verdict"] == "rounded" and record["misconception"] is None
    assert record["misconceptions"] == [] and record["wrong_formula"] is None


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("0.1", "misconception"),  # what the author foresaw, and too far for three digits on each line
        ("0.10", "misconception"),
        ("1.2", "imprecise"),  # right so far, whatever the author foresaw
        ("0.2", "imprecise"),  # digits cancel, and nobody foresaw that
    ],
)
def test_an_authors_very_number_is_answered_though_few_digits_say_it(typed, kind):
    here = trace(bundled("derivative"))
    wrong = tuple(WrongAnswer(answer, "That is foreseen.") for answer in (0.1, 1.2))
    question = AuthorQuestion("rise", wrong=wrong)
    verdict = author_item(question, here, Writer(here.lesson, "dz"), random.Random(1)).grade(typed)
    assert verdict.kind == kind and ("foreseen" in verdict.message) == (kind == "misconception")


def test_the_very_number_of_a_slip_is_told_though_it_has_one_digit():
    """f = x y + x at y = 1.5: df/dx = 2.5, through one of its two uses 1. Nobody who has 2.5 types 2 or 3 for it."""
    lesson = circuit_lesson(["q = x * y", "f = q + x"], x=2, y=1.5)
    question = ask("df/dx", lesson)  # 2.5; through f alone 1
    assert question.right == 2.5
    verdict = grade(question, "1")
    assert verdict.kind == "misconception" and verdict.slips[0].misconception in ("branch-forgotten", "one-use-for-sum")
    third = circuit_lesson(["q = x * y", "f = q + x"], x=2, y=1 / 3)  # 1.333…: a 1 may be that with one digit
    verdict = grade(ask("df/dx", third), "1")
    assert verdict.kind == "imprecise" and verdict.free and not verdict.slips
    assert verdict.message.startswith("Right so far") and "If you mean 1 and no rounded number" in verdict.message
    foreseen = AuthorQuestion("df/dx", wrong=(WrongAnswer(3.0, "That is foreseen."), WrongAnswer(1.0, "So is that.")))
    for taught, kind, start in ((lesson, "misconception", "That"), (third, "imprecise", "Right so far")):
        here = trace(taught)
        item = author_item(foreseen, here, Writer(here.lesson, "dz"), random.Random(1))
        one = item.grade("3" if kind == "misconception" else "1")
        assert one.kind == kind and one.message.startswith(start) and one.message.endswith((".", "that."))
        assert ("is foreseen" if kind == "misconception" else "So is that") in one.message


@pytest.mark.parametrize(
    ("lesson", "id", "text", "kind"),
    [
        ("pooling", "dL/dx[4,1]@a", "-1", "wrong"),  # right is −0.5, and nothing is rounded on the way to it
        ("attention", "O[2,1]", "-1", "wrong"),  # −0.4999991, which nobody rounds to −1
        ("o-classification", "dL/db1[2]", "0.1", "wrong"),  # 0.0804: below 0.1 a unit is 0.01
        ("lstm", "dL/do", "-0.5", "misconception"),  # −0.4 is −0.5 · 0.8: the very number that was not multiplied
        ("recurrence", "dL/dWh[1,2]@z2", "0.06", "misconception"),  # 0.06 · 0.8
        ("forty-lines", "df/dv", "0.6", "misconception"),  # tanh itself: who has 0.64 writes no 0.6
        ("vanishing", "a3[1]", "0.7", "imprecise"),  # 0.6626 with one digit
    ],
)
def test_one_digit_is_near_only_what_rounds_to_it(lesson, id, text, kind):
    """Of lessons with odd numbers in them, so that 0.8 is 0.8000002, too."""
    assert grade(ask(id, lesson), text).kind == kind


def test_what_is_1_but_for_odd_digits_may_be_left_out():
    """The gradient that is multiplied by 1.08296 here is 0.99999989: who leaves it out has no other number."""
    question = ask("dL/dW[1,2]", "dropout-gelu")
    assert grade(question, "1.08296 * 2").correct and grade(question, "2.16593").correct


@pytest.mark.parametrize(
    ("lesson", "id", "text", "kind"),
    [
        ("convolution", "dL/dk[1,2]", "-5", "sign"),  # multiplying by c where one adds comes to −5 as well
        ("weight-twice", "dL/dW[2,1]", "-1", "sign"),
        ("xor", "dL/dz1[2]", "-0.1787", "misconception"),  # target minus prediction turns every sign
    ],
)
def test_a_lost_minus_is_no_slip_further_back_that_turns_the_sign_by_chance(lesson, id, text, kind):
    assert grade(ask(id, lesson), text).kind == kind
