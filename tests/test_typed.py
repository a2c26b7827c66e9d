"""What can be typed: everything that the screen shows, in any notation, and what people write of themselves."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from each import each
from effort import effort
from strategies import bundled, by_turns, circuit_lesson, dense, lessons, network_lesson
from tutor.engine.expressions import Call, Const, Ref, evaluate, refs, walk
from tutor.engine.lesson import Training
from tutor.engine.trace import as_shown, trace
from tutor.lessonfiles.catalogue import entries
from tutor.questions.answers import MAX_ANSWER, read_answer, wants_help
from tutor.questions.names import Names, look_up
from tutor.questions.tokens import NotUnderstood, normalised
from tutor.questions.typed_formulas import MAX_DEPTH, MAX_LINKS
from tutor.text.card import Scribe
from tutor.text.layout import linear, to_ascii
from tutor.text.notations import NOTATIONS
from tutor.text.writer import Writer

BUNDLED = [entry.id for entry in entries()]


@cache
def traced(id: str):
    return trace(bundled(id))


def names_at(id: str, step: str, notation: str | None = None, iteration: int = 1) -> Names:
    at = traced(id) if iteration == 1 else trace(bundled(id), iteration)
    found = at.find(step)
    found = found if found.index is not None else found.at((0,) * len(found.shape))
    return Names(found, Writer(at.lesson, notation or at.lesson.notation))


def steps(at, level: str, most: int):
    """The steps at a level, of each symbol at most so many."""
    seen: Counter[str] = Counter()
    for step in at.steps(level):
        seen[step.equation.symbol.id] += 1
        if seen[step.equation.symbol.id] <= most:
            yield step


def same(found, wanted, relative: float = 1e-9) -> bool:
    """Whether these are the same numbers; what has one unit may be a number or a column."""
    found, wanted = np.asarray(found, dtype=float), np.asarray(wanted, dtype=float)
    scale = np.max(np.abs(wanted), initial=0.0, where=np.isfinite(wanted))
    return found.size == wanted.size and np.allclose(
        found.ravel(), wanted.ravel(), rtol=relative, atol=relative * max(scale, 1e-12), equal_nan=True
    )


def shown_lines(step, writer: Writer):
    """What stands to the right of an equals sign, and the number that it comes to."""
    value, digits = step.trace.value, step.digits
    yield linear(writer.formula(step.formula)), step.value
    numbers = evaluate(step.formula, lambda ref: as_shown(value(ref), digits))
    yield linear(writer.numbers(step.formula, value, digits)), numbers
    yield linear(writer.value(step.value, digits)), as_shown(step.value, digits)


def check_names(names: Names) -> None:
    """Each name of an operand, alone, is read as it, or asked about with names of which one is read as it."""
    step, writer = names.step, names.writer
    for ref in step.operands[:12]:
        for form in {writer.text(ref), to_ascii(writer.text(ref))}:
            wanted = look_up(step, ref)
            if not np.all(np.isfinite(wanted)) or (step.index and np.shape(wanted) == step.equation.symbol.shape != ()):
                continue  # of a whole the element that is asked would be taken
            try:
                values = [names.value(normalised(form))[1]]
            except NotUnderstood as error:
                advice = re.search(r"write (.+?) or (.+)", str(error))
                assert advice, f"{step.id} in {writer.id}: {form}: {error}"
                values = [names.value(normalised(name))[1] for name in advice.groups()]
            assert any(same(value, wanted) for value in values), (step.id, form)


def check_card(names: Names, scribe: Scribe) -> None:
    """Each line of a derivation is read as the value of its step, and so is a definition: σ(z) = 1 / (1 + e⁻ᶻ)."""
    step, card = names.step, scribe.card(names.step)
    for text in (linear(doc) for chain in card.derivation for doc in chain.docs):
        assert "…" in text or same(names.value(normalised(text))[1], step.value, 5e-3), text
    for chain in card.where:
        text = linear(chain.docs[-1]).split(" = ", 1)[-1]
        if "…" not in text:
            value = names.value(normalised(text))[1]
            assert step.equation.symbol.quantity != "activation" or same(value, step.value), text


def check_displayed(at, notation: str, most: int, ascii_too: bool = True) -> int:
    """Read everything that is shown; how many lines that were."""
    scribe, count = Scribe(at, notation), 0
    writer = scribe.writer
    for level in ("matrix", "scalar"):
        for step in steps(at, level, most):
            names = Names(step, writer)
            check_names(names)
            if at.lesson.path:  # of a random lesson, a prediction may be 0 to the last bit
                check_card(names, scribe)
            for text, wanted in shown_lines(step, writer):
                if not np.all(np.isfinite(wanted)):
                    continue
                if "…" in text:  # twenty terms, of which six are shown
                    with pytest.raises(NotUnderstood, match="leaves something out"):
                        names.value(normalised(text))
                    continue
                for form in (text, to_ascii(text)) if ascii_too else (text,):
                    try:
                        _, value = names.value(normalised(form))
                    except NotUnderstood as error:
                        asked = "write ⊙ or (*) for one, @ for the other" in str(error)  # both would fit
                        assert asked, f"{step.id} in {notation}: {form} is refused: {error}"
                        _, value = names.value(normalised(form.replace(" * ", " @ ")))
                    assert same(value, wanted), f"{step.id} in {notation}: {form} is {value}, not {wanted}"
                    count += 1
    return count


# ---------------------------------------------------------------- what the screen shows


@pytest.mark.parametrize("number, id", [*enumerate(BUNDLED)])
def test_every_line_that_is_shown_is_read_as_its_value(number, id):
    """Formula, numbers and value; of whole matrices, elements and examples; in ASCII, too.

    In a notation of the lesson's turn: over the lessons in all.
    """
    for notation in by_turns(NOTATIONS, number, 1):
        assert check_displayed(traced(id), notation, most=1) > 20


@settings(max_examples=20)
@given(lessons(), st.sampled_from(list(NOTATIONS)))
@example(
    network_lesson(
        [dense([[0.5, -0.2], [0.1, 0.3]], [0.1, 0.2], "leaky_relu", alpha=0.1), dense([[1, 2]], [0.5], "leaky_relu")],
        "mean_squared_error",
        [[1, 2], [0.5, -1]],
        [[1], [0]],
        batch="all",
        l2=0.1,
        optimizer="adamw",
    ),
    "dz",
)
def test_every_line_of_any_lesson_is_read_as_its_value(lesson, notation):
    check_displayed(trace(lesson), notation, most=2, ascii_too=False)


@pytest.mark.parametrize(
    "line",
    ["f = exp(z)", "f = exp(-a) * z", "f = z ** a", "f = abs(x - z) / a", "f = max(x, z, a) * min(x, a)",
     "f = sqrt(a) + log(a)", "f = sin(x) * cos(z)", "f = relu(x) - tanh(z) * sigmoid(a)", "f = x ** -2",
     "f = (x + z) ** 2 / (x * z)", "f = 1e-9 * x / (a - z)", "f = -(x - -z)", "f = e * x", "f = pi + x_2"],
)  # fmt: skip
def test_every_gate_its_gradient_and_its_update_is_read_as_shown(line):
    inputs = {"x": -2.0, "z": 0.7, "a": 3.0} | ({"e": 5.0} if "e *" in line else {})
    inputs |= {"pi": 3.0, "x_2": 2.0} if "pi" in line else {}
    used = {name: value for name, value in inputs.items() if re.search(rf"\b{name}\b", line.partition("=")[2])}
    at = trace(circuit_lesson([line], training=Training(0.1), **used))
    for notation in NOTATIONS:
        assert check_displayed(at, notation, most=9) > 5


def test_a_batchs_gradient_of_a_layer_of_one_is_read_by_its_name():
    """The bare name is the batch's; it was refused with the advice to write that very name."""
    names = names_at("batch-mean", "b2'[1]", "dz")
    assert read_answer("b₁² − η · db₁²", names).value == pytest.approx(float(names.step.value))


@pytest.mark.parametrize("notation", NOTATIONS)
def test_where_a_notation_has_one_letter_for_two_functions_each_layer_has_its_own(notation):
    layers = [dense([[0.5], [1]], [0, 0], "relu"), dense([[1, 2]], [0], "sigmoid")]
    at = trace(network_lesson(layers, "half_squared_error", [[1]], [[0]]))
    writer = Writer(at.lesson, notation)
    signs = [linear(writer.formula(at.find(f"a{k}[1]").formula)).partition("(")[0] for k in (1, 2)]
    assert signs[0] != signs[1]
    assert signs == {"nabla": ["g", "O"], "error": ["σ₂", "σ₃"], "delta": ["f₂", "f₃"]}.get(notation, ["ReLU", "σ"])
    for k, at_2 in ((1, 2.0), (2, 1 / (1 + math.exp(-2)))):
        names = Names(at.find(f"a{k}[1]"), writer)
        assert read_answer(f"{signs[k - 1]}(2)", names).value == pytest.approx(at_2)
    alike = [dense([[0.5], [1]], [0, 0], "sigmoid"), dense([[1, 2]], [0], "sigmoid")]
    other = Writer(network_lesson(alike, "half_squared_error", [[1]], [[0]]), notation)
    assert not re.search("[₀-₉]", other.function("sigmoid", 1)), "one function needs one sign"


def test_leaky_relus_of_two_slopes_are_two_functions():
    layers = [dense([[1]], None, "leaky_relu", alpha=0.1), dense([[1]], None, "leaky_relu", alpha=0.3)]
    at = trace(network_lesson(layers, "squared_error", [[-1]], [[0]]))
    writer = Writer(at.lesson, "dz")
    assert linear(writer.formula(at.find("a2").formula)) == "LReLU₂(Z²)"
    assert read_answer("LReLU₂(-1)", Names(at.find("a2[1]"), writer)).value == pytest.approx(-0.3)
    assert read_answer("LReLU₁(-1)", Names(at.find("a2[1]"), writer)).value == pytest.approx(-0.1)


def test_the_fifth_operand_has_a_name_too():
    """Of a mean over a batch every example's own value is an operand, by its name on the screen."""
    rows = [[float(k)] for k in range(1, 7)]
    at = trace(network_lesson([dense([[2]], None)], "squared_error", rows, [[0]] * 6, batch="all"))
    names = Names(at.find("L"), Writer(at.lesson, "dz"))
    assert [read_answer(f"L@{k}", names).value for k in range(1, 7)] == [4.0 * k * k for k in range(1, 7)]
    wide = trace(network_lesson([dense([[0.5] * 300], None)], "squared_error", [[float(k) for k in range(300)]], [[0]]))
    step = wide.find("z1[1]")
    writer = Writer(wide.lesson, "dz")
    assert read_answer(f"1 * {writer.text(step.operands[-1])}", Names(step, writer)).value == 299


# ---------------------------------------------------------------- as people write


WEIGHT = names_at("o-classification", "dL/dW1[1,2]", "partials")  # x = iq 1.2, cgpa 0.8
HIDDEN = names_at("o-classification", "a1[1]", "partials")
IQ, CGPA = 1.2, 0.8


@each(
    "text, value",
    [
        # products without a sign
        ("2iq", 2 * IQ), ("2(iq - 1)", 0.4), ("(iq-1)(cgpa)", 0.16), ("2 x[2]", 1.6), ("iq cgpa", IQ * CGPA),
        ("iqcgpa", IQ * CGPA), ("x[1]x[2]", IQ * CGPA), ("½iq", 0.6), ("2|−3|", 6), ("3σ(0)", 1.5), ("2√4", 4),
        ("2(iq)3", 6 * IQ),
        ("2π", 2 * math.pi), ("1/2 (iq - 1)", 0.1), ("1/2(iq-1)", 0.1), ("1/2 iq", 0.6), ("-2iq²", -2 * IQ**2),
        # powers
        ("iq²", IQ**2), ("5²", 25), ("iq⁻²", IQ**-2), ("iq^2", IQ**2), ("iq**2", IQ**2), ("(−2)²", 4), ("-2²", -4),
        ("2^3^2", 512), ("2^-1", 0.5), ("10⁻²", 0.01), ("3·10⁻²", 0.03), ("2(iq)²", 2 * IQ**2), ("4^½", 2),
        # functions without brackets
        ("ln 0.2", math.log(0.2)), ("-ln 0.2", -math.log(0.2)), ("sqrt 2", math.sqrt(2)), ("√2", math.sqrt(2)),
        ("√(2)", math.sqrt(2)), ("√iq²", IQ), ("exp -1", math.exp(-1)), ("ln2", math.log(2)),
        ("ln iq · 2", 2 * math.log(IQ)),
        ("tanh 0.5", math.tanh(0.5)), ("TANH(0.5)", math.tanh(0.5)), ("√(4)²", 4), ("ln(2)²", math.log(2) ** 2),
        # constants and fractions
        ("e", math.e), ("e^-1.03", math.exp(-1.03)), ("e^(-iq)", math.exp(-IQ)), ("e⁻¹", math.exp(-1)),
        ("2e", 2 * math.e),
        ("pi", math.pi), ("π/2", math.pi / 2), ("½", 0.5), ("¼", 0.25), ("⅔", 2 / 3), ("2½", 2.5), ("−½", -0.5),
        ("20%", 0.2), ("50 % · 4", 2), ("0.185/(1-0.9²)", 0.185 / 0.19), ("1/(1+e^-iq)", 1 / (1 + math.exp(-IQ))),
        # signs of every kind
        ("3×4", 12), ("3÷4", 0.75), ("3⋅4", 12), ("3∙4", 12), ("3•4", 12), ("3∗4", 12), ("3∕4", 0.75), ("3⁄4", 0.75),
        ("5−2", 3), ("5–2", 3), ("5－2", 3), ("5 \u2009−\u202f2", 3), ("{2+3}·2", 10), ("３+４", 7), ("3 ⊙ 4", 12),
        # LaTeX
        (r"\frac{1}{2}", 0.5), (r"2 \cdot 3", 6), (r"\sigma(0)", 0.5), (r"e^{-1}", math.exp(-1)), (r"\sqrt{4}", 2),
        (r"\left(1+2\right)^{2}", 9), ("e^{-1}", math.exp(-1)),
        # as matrices and conditions are shown
        ("[0.1034]", 0.1034), ("[1, 2]ᵀ · [3, 4]", 11), ("‖[3, 4]‖", 5), ("‖[3, 4]‖²", 25), ("Σ [1, 2, 3]", 6),
        ("1(3 ≥ 3)", 1), ("1(3 > 3)", 0), ("1(3 > 2, 1 > 2)", 0), ("2 · 1(1 < 2)", 2),
        ("(1 if -2 > 0, else 0.01)", 0.01),
        ("0 if iq<0 else 1", 1), ("1(2 >= 1)", 1), ("sign(−3)", -1), ("|2 − 5|", 3), ("(5 if 1 ≤ 0, else 6)", 6),
        ("(1 falls -2 > 0, sonst 0.01)", 0.01), ("5 falls 1 ≤ 2 sonst 6", 5),
    ],
)  # fmt: skip
def test_a_formula_as_people_write_it(text, value):
    answer = read_answer(text, WEIGHT)
    assert math.isclose(answer.value, value, rel_tol=1e-12), answer


@pytest.mark.parametrize(
    ("text", "digits"),
    [("20%", 2), ("12.5 %", 3), ("1.21", 3), ("0.0820", 3), ("rise = 1.21", 3), ("= 1.210", 4), ("≈ 0.5", 1),
     ("3 * 4 = 12", 2), ("1/3 = 0.333", 3), ("½", None), ("2*3", None), ("8.21×10⁻²", 3), ("８.２", 2)],
)  # fmt: skip
def test_digits_are_those_that_were_typed(text, digits):
    assert read_answer(text, names_at("derivative", "rise")).digits == digits


@pytest.mark.parametrize(
    "text", ["~1.21", "≈ 1.21", "ca. 1.21", "about 1.21", "rise ≈ 1.21", "rise = ca. 1.21", "1.21?", "etwa 1.21"]
)
def test_a_hedged_number_is_the_number(text):
    answer = read_answer(text, names_at("derivative", "rise"))
    assert (answer.value, answer.digits) == (1.21, 3)


def test_an_expression_is_kept_as_it_was_typed():
    names = names_at("gates", "df/dx")
    formula = read_answer("2 z", names).formula
    assert isinstance(formula, Call) and formula.op == "mul" and formula.args[0] == Const(2.0)
    assert [ref.id for ref in refs(formula)] == ["z"]
    assert read_answer("-4", names).formula is None
    assert read_answer("-4.", names).value == read_answer("z.", names).value == -4  # with a full stop, as in a sentence
    assert (read_answer("-4.25.", names).value, read_answer("-4.25.", names).digits) == (-4.25, 3)
    both = read_answer("3*4 = 12", names)
    assert (both.value, both.digits) == (12, 2) and isinstance(both.formula, Call) and both.formula.op == "mul"


def test_decimals_make_an_expression_rounded_and_whole_numbers_do_not():
    assert read_answer("0.5 * 3", WEIGHT).rounded and read_answer("2 · 0,5", WEIGHT).rounded
    assert not read_answer("1/12", WEIGHT).rounded and not read_answer("2 * iq", WEIGHT).rounded
    assert not read_answer("1e3 * 2", WEIGHT).rounded


@pytest.mark.parametrize("text", ["1/(1+e⁻ᶻ)", "1 / (1 + e^-z)", "1/(1+exp(-z))", "σ(z)"])
def test_the_letter_of_a_definition_is_the_units_own_value(text):
    assert read_answer(text, HIDDEN).value == pytest.approx(float(HIDDEN.step.value))


def test_an_authors_name_wins_over_a_constant():
    at = trace(circuit_lesson(["f = e * pi", "g = f + x_new"], e=5, pi=2, x_new=1, training=None))
    names = Names(at.find("g"), Writer(at.lesson, "dz"))
    assert [read_answer(text, names).value for text in ("e + 0", "2pi", "e^2", "x_new*3", "e pi")] == [5, 4, 25, 3, 10]


def test_words_of_several_names_are_taken_apart_only_in_one_way():
    at = trace(circuit_lesson(["f = a * b * ab", "g = f + aab"], a=2, b=3, ab=5, aab=7))
    names = Names(at.find("g"), Writer(at.lesson, "dz"))
    assert read_answer("ab+0", names).value == 5 and read_answer("ba+0", names).value == 6
    with pytest.raises(NotUnderstood, match="more than one way"):
        read_answer("bab", names)  # b·ab or b·a·b
    with pytest.raises(NotUnderstood, match="no name"):
        read_answer("axb", names)


# ---------------------------------------------------------------- what is asked, then =


@each("notation", NOTATIONS)
@each("step", ["dL/dW2[1,2]", "z1[2]", "a2[1]", "L", "dL/db1[1]", "W1'[1,2]"])
def test_what_is_asked_may_stand_on_the_left(notation, step):
    names = names_at("o-classification", step, notation)
    lesson = names.step.trace.lesson
    for other in NOTATIONS:
        name = Writer(lesson, other).text(names.step.ref)
        for form in (name, to_ascii(name)):
            assert read_answer(f"{form} = 0.5", names).digits == 1
            assert read_answer(f"{form}=1/4", names).value == 0.25
    assert read_answer(f"{step} = 2", names).value == 2


@pytest.mark.parametrize("text", ["df/dq = z", "∂f/∂q = z", "∂f/∂q=-4", "df/dq = z = -4", "f = 3*4 = 12", "slope = -4"])
def test_equations(text):
    asked = "f" if text.startswith("f ") else "df/dq"
    assert read_answer(text, names_at("gates", asked)).value in (-4, 12)


def test_sides_that_differ_are_asked_about():
    names = names_at("gates", "f")
    for text in ("3*4 = 13", "f = 3*4 = 13", "x = 7", "2 = 3"):
        with pytest.raises(NotUnderstood, match="which of the two"):
            read_answer(text, names)
    for text in ("1/3 = 0.33", "2/3 = 0.66", "2/3 ≈ 0.667", "3*4 = 12 = 12.0"):
        read_answer(text, names)


# ---------------------------------------------------------------- commas


@pytest.mark.parametrize(
    ("text", "value", "note"),
    [
        ("(35,1201-35)/0,01", 12.01, "read 35,1201 as 35.1201, read 0,01 as 0.01"),
        ("ln(0,5)", math.log(0.5), "read 0,5 as 0.5"),
        ("rise = 1,21", 1.21, "read 1,21 as 1.21"),
        ("1,5*2", 3, "read 1,5 as 1.5"),
        ("max(1,5)", 5, ""),
        ("max(1, 5)", 5, ""),
        ("max((1,5), 1)", 1.5, "read 1,5 as 1.5"),
    ],
)
def test_a_comma_is_read_where_nothing_else_makes_sense(text, value, note):
    answer = read_answer(text, names_at("derivative", "rise"))
    assert answer.value == pytest.approx(value) and answer.note == note and bool(answer.rounded) == bool(note)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,210", "write 1210 for 1,210: a point before the decimals"),
        ("1,5", "write a decimal point: 1.5"), ("-1,75", "-1.75? or are these two values"), ("(1,5)", "two values"),
        ("35,1201", "35.1201"), ("1.234,5", "write 1234.5"), ("1,234.5", "write 1234.5"), ("1,234,567",
        "write 1234567"),
        ("1.234.567", "write 1234567"), ("1'234.5", "write 1234.5"), ("2*1.234,5", "write 1234.5"), ("3, 4",
        "one number"),
    ],
)  # fmt: skip
def test_a_comma_that_could_mean_two_things_is_asked_about(text, says):
    with pytest.raises(NotUnderstood) as error:
        read_answer(text, WEIGHT)
    assert says in str(error.value)


@each(
    "text, says",
    [
        ("1/2iq", "below the stroke"), ("iq/2 cgpa", "below the stroke"), ("ln 2 iq", "reach over"), ("e^2iq",
        "reach over"),
        ("√2 iq", "reach over"), ("2e-1.03", "write 2*e^"), ("log10(100)", "natural logarithm"), ("log2(8)", "natural"),
        ("5 % 3", "per cent"), ("1.5.2", "one number"), ("3 4", "one number"), ("∞", "no finite number"),
        ("undefined", "no finite number"), ("nan", "no finite number"), ("1 < 2", "put it in brackets"), ("[",
        "missing"),
        ("[]", "nothing between"), ("[1, 2] + [1, 2, 3]", "shapes"), ("1 if iq", "comparison"), ("(1 if iq > 0)",
        "else"),
        ("max 3", "in brackets"), ("|3", "missing"), ("0.1 + … + 0.3", "leaves something out"), ("dL/dw121",
        "comes after"),
        ("∂L/∂w¹₂₁", "comes after"), ("x[" + "9" * 40 + "]", "no element"), ("1e400", "too large"), ("2*1e400",
        "too large"),
        ("W1 x", "2 values"), ("2**", "at the end"), ("2 ± 1", "means nothing"), ("Σₑ iq", "what each example has"),
    ],
)  # fmt: skip
def test_what_could_mean_two_things_or_nothing_is_asked_about(text, says):
    with pytest.raises(NotUnderstood) as error:
        read_answer(text, WEIGHT)
    assert says in str(error.value)


# ---------------------------------------------------------------- a wish for help


@each(
    "text",
    ["?", "???", "I don't know", "i dont know.", "I don’t know!", "IDK", "idk?", "no idea", "help", "Hint",
    "weiß nicht",
     "Weiss nicht", "ich weiß nicht", "keine Ahnung", "no sé", "je ne sais pas", "не знаю", " ? "],
)  # fmt: skip
def test_a_wish_for_help(text):
    assert wants_help(text)


@pytest.mark.parametrize("text", ["", " ", "x", "0.5", "y?x", "no", "helpx", "i", "know", "5 ?" * 30])
def test_no_wish_for_help(text):
    assert not wants_help(text)


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        ("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH, "(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1)),
        ("1^" * MAX_DEPTH + "2", "1^" * (MAX_DEPTH + 1) + "2"),
        ("σ(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH, "σ(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1)),
        ("√" * MAX_DEPTH + "1", "√" * (MAX_DEPTH + 1) + "1"),
        ("1*" * MAX_LINKS + "1", "1*" * (MAX_LINKS + 1) + "1"),
        ("1+" * MAX_LINKS + "1", "1+" * (MAX_LINKS + 1) + "1"),
        ("1 if 1 > 0 else " * MAX_DEPTH + "0", "1 if 1 > 0 else " * (MAX_DEPTH + 1) + "0"),
        ("1" * 300, "1" * (MAX_ANSWER + 1)),
    ],
)
def test_depth_and_length_have_their_bounds(within, beyond):
    assert (MAX_DEPTH, MAX_LINKS, MAX_ANSWER) == (50, 150, 2000)  # more than anybody types, less than Python recurses
    assert np.isfinite(read_answer(within, WEIGHT).value)
    with pytest.raises(NotUnderstood, match=r"too deep|too long"):
        read_answer(beyond, WEIGHT)


@each(
    "piece",
    ["1", "(", "x", "iq", "a1[1]", "-", "²", "e", "1,", ",", "ᵀ", "|", "[", "σ(", "@1", " ", "1 ", "𝟙", "w11",
    "∂L/∂", "√", "%",
     "'", "z", "=", "1=", "\\frac{", "_{", "…", "if ", "1'", "1.", "0.1,2 ", "?"],
)  # fmt: skip
def test_the_work_grows_with_the_length_and_no_faster(piece):
    """Twice the text is about twice the work."""

    def work(length: int) -> int:
        text = (piece * length)[:length]

        def run() -> None:
            with pytest.raises(NotUnderstood):
                read_answer(text + " ~", WEIGHT)

        run()  # what is worked out once for all
        return effort(run)

    assert work(1600) < 3 * work(800) + 2000


PIECES = ["a1", "a1[1]", "x[2]", "dL/dz1", "∂L/∂z_prev₁", "σ(", "σ′(", "exp(", "(", ")", "[", "]", "+", "-", "*",
          "/", "^", "**",
          "0.5", "1e308", "10^", ",", ";", "@1", "@e", "[1]", "[         1]", "W2'", "max(", "ŷ", "cgpa", "×10^",
          "−", "⁻²", " ",
          "ᵀ", "Σ", "Σₑ", "√", "|", "‖", "½", "%", "=", "≈", " if ", " else ", ">", "≥", "1(", "diag ", "…", "e",
          "π", "ᶻ", "'",
          "\\frac{", "}", "_{", "1,5", "\u0302", "\u200d", "x10^", "ₖ", "@"]  # fmt: skip
ASKED = [
    WEIGHT,
    names_at("dead-unit", "dL/dW1[1,1]", "error"),
    names_at("softmax", "a1[2]", "nabla"),
    names_at("adam", "x'", "delta"),
    names_at("weight-decay", "J"),
]
SHOWN = [
    text
    for names in ASKED
    for step in steps(names.step.trace, "matrix", 1)
    for text, _ in shown_lines(step, names.writer)
    if len(text) < 200
]


@st.composite
def mutated(draw):
    """Something that is shown, with a few characters put in, left out or exchanged."""
    text = draw(st.sampled_from(SHOWN))
    rng = random.Random(draw(st.integers(0, 10**6)))
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(text))
        text = text[:at] + rng.choice([*PIECES, ""]) + text[at + rng.randint(0, 2) :]
    return text


@settings(max_examples=300)
@given(
    mutated() | st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
    st.sampled_from(ASKED),
)
@example("a1[          1]", WEIGHT)
@example("diag diag a1", WEIGHT)
@example("diag 3", WEIGHT)
@example("[[1, 2], 3]", WEIGHT)
@example("x10^99999", WEIGHT)
@example("⅟2", WEIGHT)
@example("1e5×10⁹⁹⁹", WEIGHT)
@example("(-1)^0.5", WEIGHT)
@example("\\frac{", WEIGHT)
def test_whatever_is_typed_is_a_number_or_not_understood(text, names):
    try:
        answer = read_answer(text, names)
    except NotUnderstood as error:
        assert str(error)
    else:
        assert math.isfinite(answer.value)
        assert answer.digits is None or answer.digits > 0
        assert answer.formula is None or all(isinstance(node, Ref | Const | Call) for node in walk(answer.formula))
