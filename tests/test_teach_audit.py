"""What `check` says of a lesson that plays: questions that tell nothing, units that never answer, odd numbers."""

from __future__ import annotations

import pytest

from test_teach_expect import CIRCUIT, NETWORK
from tutor.lessonfiles.check import examine, load

RELU = """\
format = 1
title = "T"
[network]
inputs = 2
loss = "half_squared_error"
[[network.layers]]
units = 2
activation = "relu"
weights = [[1, 2], [-1, -2]]
[[network.layers]]
units = 1
weights = [[2, 3]]
[[examples]]
inputs = [0.5, 2]
targets = [2]
[[examples]]
inputs = [1, 0.25]
targets = [3]
"""


@pytest.fixture
def found(tmp_path):
    """(severity, line, message) of everything wrong with a lesson's text."""

    def found(text: str):
        (tmp_path / "t.toml").write_text(text, encoding="utf-8")
        return [(p.severity, p.line, p.message) for p in examine(tmp_path / "t.toml")[1]]

    return found


# ---------------------------------------------------------------- questions


# z = 0.1·1.5 + 5 = 5.15, dL/db = 2 · 0.15 = 0.3, b′ = 5 − 0.01 · 0.3 = 4.997; the rate applied twice: 4.99997.
NEAR = NETWORK.replace("[[0.5]]", "[[0.1]]").replace("biases = [0.1]", "biases = [5]").replace("= [2]", "= [1.5]")
NEAR = NEAR.replace("targets = [3]", "targets = [5]").replace("learning_rate = 0.1", "learning_rate = 0.01")


def test_a_question_whose_answer_is_also_that_of_a_mistake(found, tmp_path):
    text = NEAR + '[[questions]]\nstep = "b1\'[1]"\ndigits = {}\n'
    ((severity, line, message),) = found(text.format(3))  # 5.00 either way
    assert (severity, line) == ("error", 19) and "'b1'[1]' = 5.00 is also what a mistake gives: " in message
    assert load(tmp_path / "t.toml").questions  # it can be asked all the same
    assert found(text.format(4)) == []


@pytest.mark.parametrize(
    "answer, wrong, digits, graded", [(0.46, 0.4604, 3, True), (0.46, 0.465, 2, False), (0.46, 0.4604, 4, False)]
)
def test_a_wrong_answer_that_would_be_graded_right(found, answer, wrong, digits, graded):
    text = f'[[questions]]\nask = "How much?"\nanswer = {answer}\ndigits = {digits}\n'
    text += f'wrong = [{{ answer = {wrong}, says = "No" }}]\n'
    problems = found(CIRCUIT + text)
    assert [p[:2] for p in problems] == ([("error", 14)] if graded else [])
    assert all("graded right" in p[2] for p in problems)


def test_a_wrong_answer_to_a_question_about_a_step_is_held_to_its_value(found):
    text = (
        '[[questions]]\nstep = "dL/dW1[1,1]"\nwrong = [{ answer = -7.6, says = "No" }, { answer = -3.8, says = "x" }]\n'
    )
    ((severity, line, message),) = found(NETWORK + text)
    assert (severity, line) == ("error", 20) and message.startswith("wrong answer 1 of question 1 is graded right")


# ---------------------------------------------------------------- units


def test_a_unit_that_is_dead_for_every_example(found):
    ((severity, line, message),) = found(RELU)
    assert (severity, line) == ("warning", 9) and "unit 2 of layer 1 is 0 for every example" in message
    assert found(RELU.replace("[-1, -2]", "[-1, 2]")) == []


def test_a_dead_unit_of_drawn_weights_wants_another_seed(tmp_path):
    path, text = tmp_path / "t.toml", RELU.replace("weights = [[1, 2], [-1, -2]]\n", "")
    for seed, dead in ((4, True), (0, False)):
        path.write_text(f"{text}[training]\nseed = {seed}\n", encoding="utf-8")
        advice = [p.advice for p in examine(path)[1] if "it is dead" in p.message]
        assert [a.startswith("choose another seed in [training], or write the weights; ") for a in advice] == [1] * dead


@pytest.mark.parametrize(
    "about",
    [
        '[[notes]]\nstep = "a1[2]"\ntext = "It is dead."\n',
        '[[expect]]\nstep = "dL/dz1[2]"\nvalue = 0\nsource = "hand"\n',
    ],
)
def test_a_lesson_that_speaks_of_a_dead_unit_means_it(found, about):
    assert found(RELU + about) == []


@pytest.mark.parametrize(
    "activation, weight, dead",
    [("sigmoid", 40, True), ("sigmoid", 15, False), ("sigmoid", -400, True), ("tanh", -25, True), ("tanh", 5, False)],
)
def test_a_unit_so_far_out_that_its_slope_is_0(found, activation, weight, dead):
    text = NETWORK.replace("weights = [[0.5]]", f'activation = "{activation}"\nweights = [[{weight}]]')
    about = [p[:2] for p in found(text) if "its slope is 0" in p[2]]
    assert about == ([("warning", 9)] if dead else [])


def test_values_that_overflow(found):
    text = NETWORK.replace("weights = [[0.5]]", "weights = [[1e200]]")
    assert any("'L' overflows" in p[2] and p[0] == "warning" for p in found(text))


# ---------------------------------------------------------------- numbers and notes


def test_numbers_that_nobody_can_follow(found):
    assert found(NETWORK.replace("[[0.5]]", "[[0.12345678]]")) == [
        ("warning", 8, "0.12345678 has more than 6 digits: nobody computes with it on paper")
    ]
    assert found(CIRCUIT.replace("-2", "-2.0000001"))[0][:2] == ("warning", 7)
    assert found(NETWORK.replace("[[0.5]]", "[[0.123456]]")) == []


def test_a_step_that_needs_more_digits_than_anybody_writes(found):
    # (x + y)·z with x + y = 0.0001 left of 12345.6 − 12345.5999: what is shown cannot give it
    text = CIRCUIT.replace(
        'define = ["q = x + y", "f = q * z"]', 'define = ["u = exp(x)", "v = exp(y)", "q = u - v", "f = q * z"]'
    )
    text = text.replace("x = -2", "x = 2").replace("y = 5", "y = 1.99999")
    assert [("'q' from what is shown takes" in p[2], p[0]) for p in found(text)] == [(True, "warning")]


def test_a_learning_rate_that_moves_nothing(found):
    assert found(NETWORK.replace("0.1\n", "0.001\n")) == []
    text = NETWORK[: NETWORK.index("[training]")] + "[training]\nlearning_rate = 1e-6\n"
    ((severity, line, message),) = found(text)
    assert (severity, line) == ("warning", 17) and "no parameter moves in the four digits" in message


def test_a_long_note(found):
    text = CIRCUIT + '[[notes]]\nstep = "f"\ntext = "{}"\n'
    assert found(text.format("word " * 80)) == []
    assert found(text.format("word " * 81)) == [("warning", 12, "the note on 'f' has 81 words")]


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "names, says",
    [
        ("x_new = 1\nx = -2", "'x_new' is also what notation dz calls x'"),
        ('"η" = 1\nx = -2', "'η' is also what notation dz calls training.learning_rate"),
        ('"α" = 1\nx = -2', "'α' is also what notation partials calls training.learning_rate"),
    ],
)
def test_names_in_a_circuit_that_a_notation_has_for_something_else(found, names, says):
    text = CIRCUIT.replace("x = -2", names)
    if "[training]" not in text:
        text += "[training]\nlearning_rate = 0.1\n"
    ((severity, at, message),) = [problem for problem in found(text) if "notation" in problem[2]]
    assert says in message and severity == ("error" if "dz" in says else "warning")
    assert at == text[: text.index(names)].count("\n") + 1


@pytest.mark.parametrize(
    "name, severity, says",
    [
        ("y₁", "error", "is also what notation dz calls y[1]"),
        ("h₁₁", None, ""),
        ("a₁¹", "error", "is also what notation dz calls a1[1]"),
        ("h₁", "warning", "is also what notation nabla calls a1"),
        ("σ", "error", "is also what notation dz calls the activation of layer 1"),
        ("x1 - x2", "warning", "reads as a formula"),
        ("1", "warning", "reads as a formula, or a number"),
        ("pH-value", "warning", "reads as a formula"),
        ("study hours", None, ""),
        ("e", None, ""),
    ],
)
def test_names_of_inputs_that_mislead(found, name, severity, says):
    text = RELU.replace("inputs = 2", f'inputs = ["{name}", "iq"]', 1).replace('"relu"', '"sigmoid"')
    problems = [p for p in found(text) if "notation" in p[2] or "reads as" in p[2]]
    if severity is None:
        assert problems == [] or name == "h₁₁"
    else:
        assert problems and problems[0][0] == severity and problems[0][1] == 4 and says in problems[0][2]


@pytest.mark.parametrize("units", [2, 20])
def test_dead_units_of_one_layer_are_one_warning(units, tmp_path):
    rows = ", ".join("[-1, -1]" for _ in range(units))
    (tmp_path / "mine.toml").write_text(
        'format = 1\ntitle = "t"\n[network]\ninputs = 2\nloss = "half_squared_error"\n[[network.layers]]\n'
        f'units = {units + 1}\nactivation = "relu"\nweights = [{rows}, [1, 1]]\n[[network.layers]]\nunits = 1\n'
        "[[examples]]\ninputs = [1, 2]\ntargets = [1]\n"
    )
    (warning,) = [p for p in examine(tmp_path / "mine.toml")[1] if "dead" in p.message]
    listed = "1, 2" if units == 2 else "1, 2, 3, 4, 5, 6, 7, 8 …"
    assert warning.message == (
        f"{units} of the {units + 1} units of layer 1 are 0 for every example: they are dead, "
        f"their weights get no gradient ({listed})"
    )
    assert "weights = " in warning.source_line and "a note on each, such as a1[1]" in warning.advice
