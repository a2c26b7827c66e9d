"""Understanding an answer: what it says, whether it is right, and why it is not."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from each import each
from effort import effort
from strategies import circuit_lesson, dense, network_lesson
from tutor.engine.trace import trace
from tutor.lessonfiles.catalogue import find
from tutor.lessonfiles.check import load
from tutor.questions.answers import MAX_ANSWER, read_answer, significant_digits
from tutor.questions.grading import VERDICTS, credible, grade
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.question import Question, question_at
from tutor.questions.tokens import NotUnderstood
from tutor.text.notations import NOTATIONS
from tutor.text.writer import Writer


def bundled(name: str):
    path = find(name)
    assert path
    return trace(load(path))


CLASSIFIER = bundled("o-classification")  # dL/dW1[1,2] = −0.1166 · 0.8 = −0.0933


def ask(step: str, notation: str = "partials", at=CLASSIFIER, digits: int = 3) -> Question:
    found = at.find(step)
    element = found if found.index is not None else found.at((0,) * len(found.shape))
    return Question(element, Writer(at.lesson, notation), digits)


WEIGHT = ask("dL/dW1[1,2]")
RIGHT = WEIGHT.right


def kind(text: str, question: Question = WEIGHT, own=None) -> str:
    return grade(question, text, own).kind


# ---------------------------------------------------------------- accepted forms


@each(
    "text, value, digits",
    [
        ("0.0821", 0.0821, 3),
        (".0821", 0.0821, 3),
        ("+.0821", 0.0821, 3),
        ("8.21e-2", 0.0821, 3),
        ("8.21E-2", 0.0821, 3),
        ("8.21×10^-2", 0.0821, 3),
        ("8.21 × 10⁻²", 0.0821, 3),
        ("8.21·10^(−2)", 0.0821, 3),
        ("8.21 * 10**-2", 0.0821, 3),
        ("−0.0821", -0.0821, 3),
        ("  -0.0820 ", -0.082, 3),
        ("12.", 12.0, 2),
        ("0", 0.0, 1),
        ("1.0000", 1.0, 5),
        ("1/12", 1 / 12, None),
        ("0.741*0.187*0.593", 0.741 * 0.187 * 0.593, None),
        ("2 * 3.5 − 1", 6.0, None),
        ("5*10", 50.0, None),
        ("0.5*101", 50.5, None),
        ("3*10-2", 28.0, None),
        ("1e5*10^3", 1e8, 1),
        ("exp(0) + sqrt(4) + ln(1)", 3.0, None),
        ("σ(0)", 0.5, None),
        ("sigmoid(0)", 0.5, None),
        ("σ′(0)", 0.25, None),
        ("2σ(0)".replace("2σ", "2*σ"), 1.0, None),
        ("max(1, 2, -3)", 2.0, None),
        ("2^3^0.5", 2**3**0.5, None),
    ],
)
def test_forms_of_a_number(text, value, digits):
    answer = read_answer(text, WEIGHT.names)
    assert math.isclose(answer.value, value, rel_tol=1e-15)
    assert answer.digits == digits


@pytest.mark.parametrize("text", ["-0.0933", "−.0933", "-9.33e-2", "-9.33×10^-2", "-0.09328", "-93.3/1000"])
def test_a_right_answer_in_any_form_is_right(text):
    assert kind(text) == "correct"


@pytest.mark.parametrize(
    ("notation", "text"),
    [
        ("partials", "dL/dz1[1] * x[2]"),
        ("partials", "∂L/∂z_prev₁ · cgpa"),
        ("partials", "dL/dzprev1*cgpa"),
        ("partials", "(ŷ - y) * w²₁₁ * O₁₁*(1-O₁₁) * cgpa"),
        ("partials", "(ŷ - y) * W2[1,1] * σ′(z1[1]) * cgpa"),
        ("partials", "(a2-y)*W2[1,1]*a1[1]*(1-a1[1])*x[2]"),
        ("dz", "dz₁¹ * x[2]"),
        ("dz", "dL/dz1[1]*cgpa"),
        ("nabla", "(ŷ − y)*W2[1,1]*h₁₁*(1−h₁₁)*cgpa"),
        ("nabla", "(ŷ − y)*W2[1,1]*g′(z1[1])*cgpa"),
        ("error", "d₁² * cgpa"),
        ("delta", "δ₁⁽²⁾·cgpa"),
    ],
)
def test_names_on_the_screen_and_ids(notation, text):
    verdict = grade(ask("dL/dW1[1,2]", notation), text)
    assert verdict.kind == "correct", verdict


@pytest.mark.parametrize("notation", NOTATIONS)
def test_ids_of_the_operands_always_work(notation):
    """Of every operand of every step, in every notation: by id alone, an element said where there are several."""
    for step in CLASSIFIER.steps("scalar"):
        question = Question(step, Writer(CLASSIFIER.lesson, notation))
        for ref in step.operands:
            value = read_answer(f"0 + {ref.id}", question.names).value
            assert value == CLASSIFIER.value(ref), (step.id, ref.id)


@pytest.mark.parametrize("notation", NOTATIONS)
def test_displayed_names_of_the_operands_work_or_are_asked_about(notation):
    understood = 0
    for step in CLASSIFIER.steps("scalar"):
        writer = Writer(CLASSIFIER.lesson, notation)
        for ref in step.operands:
            try:
                assert read_answer(f"1*{writer.text(ref)}", Question(step, writer).names).value == CLASSIFIER.value(ref)
                understood += 1
            except NotUnderstood as error:
                assert "has more than one meaning" in str(error)
    assert understood > 60


def test_a_displayed_name_that_is_another_quantitys_id_is_asked_about():
    """In this notation a₁ is the pre-activation, whose id is z1; the id a1 is the activation, which it calls h₁."""
    question = ask("dL/dW2[1,1]", "nabla")
    verdict = grade(question, "dL/dz2 * a1")
    assert verdict.kind == "not-understood"
    assert verdict.message == "a1 has more than one meaning here: write h₁ or z1."
    # An element says which: a1[1] can only be an id, h₁₁ only a name.
    assert read_answer("a1[1]", question.names).value == CLASSIFIER.value(CLASSIFIER.find("a1[1]").ref)
    assert read_answer("h₁₁", question.names).value == read_answer("a1[1]", question.names).value


def test_the_asked_symbol_and_what_comes_after_it_are_not_available():
    assert "comes after" in grade(WEIGHT, "dL/dW1[1,2]").message
    assert "comes after" in grade(WEIGHT, "dL/dW1[1,1]").message
    assert "comes after" in grade(WEIGHT, "W1'[1,2]").message
    assert kind("(W1[1,2] - W1'[1,2])/0.5") == "not-understood"
    assert kind("da2/dz2 + L", ask("z2")) == "not-understood"  # a slope at a value that is still to come
    assert kind("∂L/∂w¹₂₁") == "not-understood"
    assert read_answer("da2/dz2", ask("dL/dW2[1,1]").names).value > 0
    local = ask("da2/dz2")
    assert kind("da2/dz2", local) == "not-understood" and kind("a2*(1-a2)", local) == "correct"


@pytest.mark.parametrize("notation", NOTATIONS)
def test_in_a_batch_a_bare_name_is_the_batchs_and_an_examples_own_says_so(notation):
    layer = dense([[0.5]], [0.1])
    rows = [[1.5], [0.4]]
    at = trace(network_lesson([layer], "half_squared_error", rows, [[0.3], [0.9]], batch="all", l2=0.2))
    question = ask("J", notation, at)
    assert read_answer("1*L", question.names).value == at.value(at.find("L").ref)
    assert read_answer("1*L@2", question.names).value == pytest.approx(0.18)
    assert "2 values" in grade(question, "z1[1]").message


def test_circuits_have_names_that_look_like_ids_with_a_stroke():
    at = trace(circuit_lesson(["q = a / dx", "f = q * a"], a=3, dx=7))
    assert kind("a/dx", ask("q", "dz", at)) == "correct"


# ---------------------------------------------------------------- not understood


@each(
    "text, says",
    [
        ("", "type a number"),
        ("   ", "type a number"),
        ("abc", "'abc' is no name here"),
        ("1,5", "write a decimal point: 1.5"),
        ("-1,5", "write a decimal point"),
        ("0.1 0.2", "one number"),
        ("3, 4", "one number"),
        ("1e999", "too large"),
        ("-1e-999", "too small"),
        ("1×10^999", "too large"),
        ("1e99999999999", "too large"),
        ("1/0", "no finite number"),
        ("2^99999", "no finite number"),
        ("(-8)^(1/3)", "no finite number"),
        ("ln(0)", "no finite number"),
        ("W2", "2 values"),
        ("a1 + W1", "shapes"),
        ("x[3]", "no element"),
        ("a2 2", "operator is missing before '2'"),
        ("(1+2", "missing"),
        ("σ(z1[1]", "close the bracket"),
        ("__0__", "means nothing"),
        ("x[1]@7", "leave out the @7"),
        ("x" * (MAX_ANSWER + 1), "too long"),
        ("5 % 3", "per cent"),
        ("__import__('os')", "means nothing"),
        ("a2.real", "means nothing"),
    ],
)
def test_what_cannot_be_understood_says_what_would_be(text, says):
    verdict = grade(WEIGHT, text)
    assert verdict.kind == "not-understood" and verdict.value is None
    assert says.lower() in verdict.message.lower(), verdict.message
    assert "__0__" not in verdict.message or "__" in text


def test_names_keep_their_case_at_the_beginning_of_a_message():
    assert grade(WEIGHT, "dL/dW1[1,2]").message.startswith("dL/dW1[1,2] is")
    assert grade(WEIGHT, "1,5").message.startswith("Write")


def test_no_control_characters_come_back():
    verdict = grade(WEIGHT, "ab\x1b[31mc\x07")
    assert verdict.kind == "not-understood" and verdict.message.isprintable()


_PIECES = ["a1", "a1[1]", "x[2]", "dL/dz1", "∂L/∂z_prev₁", "σ(", "σ′(", "exp(", "(", ")", "+", "-", "*", "/", "^", "**"]
_PIECES += ["0.5", "1e308", "10^", "1e-320", ",", "@1", "[1]", "W2'", "max(", "ŷ", "cgpa", "×10^", "−", "⁻²", " "]
ANSWERS = st.text(max_size=60) | st.lists(st.sampled_from(_PIECES), max_size=25).map("".join)
ASKED = [WEIGHT, ask("dL/dW1[1,2]", "nabla"), ask("z1[2]", "delta"), ask("W2'[1,2]"), ask("L", "error")]


@settings(max_examples=400)
@given(ANSWERS, st.sampled_from(ASKED))
@example("1e308", WEIGHT)
@example("-1e-308", WEIGHT)
@example("1" * MAX_ANSWER, WEIGHT)
@example("1*" * (MAX_ANSWER // 2 - 1) + "1", WEIGHT)
@example("(" * MAX_ANSWER, WEIGHT)
@example("-" * (MAX_ANSWER - 1) + "1", WEIGHT)
@example("σ(" * 100 + "1" + ")" * 100, WEIGHT)
@example("2^" * 200 + "2", WEIGHT)
@example("x[1" + ",1" * 200 + "]", WEIGHT)
@example("a1@" + "9" * 400, WEIGHT)
@example("1e" + "9" * 400, WEIGHT)
def test_no_answer_raises_or_is_much_work(text, question):
    verdicts: list = []
    assert effort(lambda: verdicts.append(grade(question, text))) < 500_000
    verdict = verdicts.pop()
    assert verdict.kind in VERDICTS and verdict.message
    assert verdict.message.isprintable()
    assert (verdict.value is None) == (verdict.kind == "not-understood")


def test_answers_about_what_has_diverged_do_not_raise():
    lesson = network_lesson([dense([[1e200]], [0.0])], "squared_error", [[1e200]], [[0]])
    at = trace(lesson)
    for step in at.steps("scalar"):
        for text in ("0", "1.5", "nan", "inf", "1e300"):
            assert grade(Question(step, Writer(lesson, "dz")), text, {"z1[1]": 2.0}).kind in VERDICTS


# ---------------------------------------------------------------- right, and how nearly


def test_significant_digits():
    assert [significant_digits(t) for t in ("0.0820", "8.21e-2", "1.0000", "0", "100", "-.5")] == [3, 3, 5, 1, 3, 1]


def test_rounded_to_three_or_more_digits_is_right_and_to_fewer_is_right_so_far():
    for digits in range(3, 16):
        assert kind(f"{RIGHT:.{digits - 1}e}") == "correct"
    assert kind("-0.093") == "imprecise" and kind("-0.09") == "imprecise"
    assert "three" in grade(WEIGHT, "-0.093").message


def test_half_a_percent_beyond_rounding_but_not_more():
    assert kind(f"{RIGHT * 1.004:.5g}") == "correct"
    assert kind(f"{RIGHT * 1.006:.5g}") == "rounded"  # as far as three digits on each line explain
    assert kind(f"{RIGHT * 1.02:.5g}") == "wrong"


def test_never_looser_than_half_way_to_the_nearest_slip():
    """0.3 · 0.2 + 1 and, the neighbour's weight taken, 0.3002 · 0.2 + 1: less than half a percent apart."""
    lesson = network_lesson([dense([[0.3, 0.1], [0.31, 0.1]], [1.0, 1.0])], "squared_error", [[0.2, 0.1]], [[0, 0]])
    question = ask("z1[1]", "dz", trace(lesson))
    assert math.isclose(question.right, 1.07)
    assert question.tolerance <= 0.001 + 1e-12
    assert kind("1.0708", question) == "correct" and kind("1.0715", question) != "correct"
    assert kind("1.072", question) == "misconception"


def test_zero_by_the_scale_of_the_operands():
    lesson = network_lesson([dense([[0.5, -0.5]], None, "linear")], "squared_error", [[2, 2]], [[0]])
    question = ask("z1", "dz", trace(lesson))
    assert question.right == 0
    assert [kind(t, question) for t in ("0", "0.0", "-0", "1-1", "0.0000001")] == ["correct"] * 5
    assert [kind(t, question) for t in ("0.01", "-0.001")] == ["wrong"] * 2


def test_what_floating_point_leaves_of_zero_is_zero():
    lesson = network_lesson([dense([[0.1, 0.2, -0.3]], None, "linear")], "squared_error", [[1, 1, 1]], [[0]])
    question = ask("z1", "dz", trace(lesson))
    assert question.right == 0 and kind("0", question) == "correct"


def test_a_zero_is_not_a_tiny_right_answer():
    question = ask("dL/dW1[1,2]")
    assert kind("0") != "correct" and kind("0.000") != "correct"
    assert kind("-0.0000933", question) == "power-of-ten"


def test_what_follows_from_the_operands_as_shown_is_accepted():
    for name in ("o-regression", "o-classification", "c-431", "p-deep"):
        at = bundled(name)
        for step in at.steps("scalar"):
            question = Question(step, Writer(at.lesson, at.lesson.notation))
            if question.right and math.isfinite(question.right):
                assert grade(question, f"{question.from_shown:.4g}").correct, step.id
                assert grade(question, f"{question.from_shown:#.3g}").correct, step.id


# ---------------------------------------------------------------- wrong, and in which way


def test_the_order_of_verdicts():
    assert kind("-0.0933") == "correct"
    assert kind("-0.093") == "imprecise"
    assert kind("-0.140") == "misconception"  # the neighbour's input, 1.2
    assert kind("0.0933") == "misconception"  # (y − ŷ) for (ŷ − y) comes before a bare sign slip
    update = ask("W2'[1,1]")
    assert kind(f"{-update.right:.3g}", update) == "sign"
    assert kind("-0.933") == "power-of-ten" and kind("-9.33") == "power-of-ten"
    assert kind("5") == "wrong"
    assert tuple(VERDICTS) == (
        "correct", "rounded", "imprecise", "misconception", "carried", "sign", "power-of-ten", "wrong",
        "not-understood",
    )  # fmt: skip


def test_power_of_ten_is_said_in_signs():
    assert "10⁻²" in grade(WEIGHT, "-0.000933").message
    assert "10²" in grade(WEIGHT, "-9.33").message


def test_a_misconception_is_named_only_at_the_digits_typed_and_at_least_two():
    """Without the slope: −0.386657..."""
    question = ask("dL/dW1[1,2]")
    (slope,) = {slip.value for slip in question.slips if slip.misconception == "slope-dropped"}
    for digits in range(2, 8):
        verdict = grade(question, f"{slope:.{digits - 1}e}")
        assert [slip.misconception for slip in verdict.slips][:1] == ["slope-dropped"]
    assert kind(f"{slope:.0e}", question) == "wrong"
    assert kind(f"{slope * 1.01:.3g}", question) == "wrong"
    assert kind("(a2 - y)*W2[1,1]*x[2]", question) == "misconception"
    assert kind("-0.5371*0.9*0.8", question) == "misconception"


def test_slips_with_the_same_number_are_all_named_the_nearest_equation_first():
    gates = trace(load(find("gates")))
    verdict = grade(ask("df/dq", "dz", gates), "3")
    assert [slip.misconception for slip in verdict.slips] == ["own-input"]
    for step in bundled("p-deep").steps("scalar"):
        question = Question(step, Writer(step.trace.lesson, "dz"))
        for slip in question.slips:
            verdict = grade(question, repr(slip.value))
            if verdict.kind == "misconception":
                assert (slip.misconception, slip.equation) in [(s.misconception, s.equation) for s in verdict.slips]
                assert [s.distance for s in verdict.slips] == sorted(s.distance for s in verdict.slips)


def test_all_names_are_in_the_message():
    """W = [[1, 2], [2, 1]]: without the transpose, or with the other unit's weights, it is all the same."""
    layers = [dense([[0.5], [0.25]], None, "linear"), dense([[1.0, 2.5], [2.5, 1.0]], None, "linear")]
    at = trace(network_lesson(layers, "half_squared_error", [[1.3]], [[0.4, -0.9]]))
    question = ask("z2[1]", "dz", at)
    verdict = grade(question, f"{2.5 * 0.65 + 1.0 * 0.325:.4f}")
    titles = {MISCONCEPTIONS[slip.misconception].title for slip in verdict.slips}
    assert titles == {"a neighbour's value was used", "another unit's weights were used"}
    assert all(title[1:] in verdict.message for title in titles)


# ---------------------------------------------------------------- an earlier value of one's own


def test_an_earlier_value_carried_through_rightly():
    """∂L/∂z of unit 1 without the slope (−0.4834) is a diagnosed slip: what follows from it has the right method."""
    slope_dropped = CLASSIFIER.find("dL/da1[1]").value
    bias = ask("dL/db1[1]")
    near = 1.1 * CLASSIFIER.find("dL/dz1[1]").value
    assert kind(f"{near:.4g}", bias) == "wrong"
    assert kind(f"{near:.4g}", bias, {"dL/dz1[1]": near}) == "carried"
    # A slip of the earlier equation, once answered, is not made again here; without that answer it is named.
    assert kind(f"{slope_dropped:.4g}", bias) == "misconception"
    assert kind(f"{slope_dropped:.4g}", bias, {"dL/dz1[1]": slope_dropped}) == "carried"
    # One of the asked equation is named first, whatever was answered before.
    times_input = 1.2 * CLASSIFIER.find("dL/dz1[1]").value
    assert kind(f"{times_input:.4g}", bias, {"dL/dz1[1]": times_input}) == "misconception"


def test_a_value_is_carried_through_several_equations():
    error = 1.1 * CLASSIFIER.find("dL/dz2[1]").value
    a1 = CLASSIFIER.find("a1[1]").value
    follows = error * 0.9 * a1 * (1 - a1) * 0.8
    assert kind(f"{follows:.4g}", own={"dL/dz2": error}) == "carried"
    assert kind(f"{follows:.4g}", own={"dL/dz2": error, "dL/da1[1]": 0.9 * error}) == "carried"


@pytest.mark.parametrize("own", [0.0, 123.0, -7.77, math.inf, math.nan])
def test_nothing_is_earned_with_a_value_that_is_neither_near_nor_a_slip(own):
    assert kind("0", own={"dL/dz1[1]": own}) == "wrong"
    if math.isfinite(own) and own:
        assert kind(f"{own * 0.8:.4g}", own={"dL/dz1[1]": own}) == "wrong"


def test_credible():
    assert credible(0.45, 0.5, []) and credible(-0.5, 0.5, [])
    assert not credible(0.0, 0.5, [0.0]) and credible(0.0, 0.0, [])
    assert not credible(2.0, 0.5, [3.0]) and credible(3.0, 0.5, [3.0])
    assert not credible(math.nan, 0.5, [math.nan])


def test_unknown_or_later_ids_among_ones_own_values_do_no_harm():
    assert kind("5", own={"nonsense": 1.0, "W1'[1,2]": 2.0, "dL/dW1": 1.0, "": 3.0}) == "wrong"


# ---------------------------------------------------------------- choosing


@pytest.mark.parametrize("name", ["gates", "sigmoid-neuron", "o-regression", "o-classification", "c-431", "p-deep"])
def test_the_asked_element_tells_mistakes_apart(name):
    at = bundled(name)
    found = 0
    for step in at.steps("matrix"):
        question = question_at(step, Writer(at.lesson, at.lesson.notation))
        if question:
            found += 1
            assert question.right not in (0, 1)
            for slip in question.slips:
                assert not grade(question, f"{slip.value:#.{question.digits}g}").correct, (step.id, slip)
    assert found >= len(list(at.steps("matrix"))) // 2


def test_where_three_digits_cannot_tell_one_more_is_asked_for():
    """5 − 0.01 · 0.3 and, the rate applied twice, 5 − 0.0001 · 0.3: 4.997 and 5.000, but 5.00 and 5.00."""
    lesson = network_lesson([dense([[0.1]], [5.0])], "squared_error", [[1.5]], [[5.0]], learning_rate=0.01)
    question = question_at(trace(lesson).find("b1'"), Writer(lesson, "dz"))
    assert question and question.digits == 4
    assert not Question(question.step, question.writer, 3).discriminating
