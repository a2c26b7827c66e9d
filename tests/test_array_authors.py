"""Array lessons as their authors write them: layers from the page alone, and what is said of what they get wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tutor
from tutor.engine.expressions import Ref
from tutor.engine.parsing import parse
from tutor.engine.paths import of_parameters, tally
from tutor.engine.trace import trace
from tutor.lessonfiles.check import examine
from tutor.lessonfiles.positions import LessonError
from tutor.pictures.diagram import tell
from tutor.pictures.step.check import check_picture
from tutor.play import playback
from tutor.play.settings import Refused
from tutor.play.whatif import WhatIf
from tutor.text.card import Scribe


def circuit(define: list[str], inputs: str, more: str = "", output: str = "L") -> str:
    lines = "\n".join(f"  '{line}'," for line in define)
    head = f'format = 1\ntitle = "x"\n[circuit]\n{more}'
    return f'{head}define = [\n{lines}\n]\noutput = "{output}"\n[circuit.inputs]\n{inputs}\n'


def problems(text: str) -> list:
    with pytest.raises(LessonError) as error:
        tutor.loads(text)
    return list(error.value.problems)


# ---------------------------------------------------------------- decimal commas


def test_decimal_commas_in_an_input_are_told_with_the_mend_in_place_of_the_shapes_that_follow():
    W, x = "[[0,5, 1,25], [2, 0,5]]", "[0,5, 1]"
    found = problems(circuit(["h = W @ x + b", "L = sum(h**2)"], f"W = {W}\nx = {x}\nb = [0,0]"))
    assert [(p.line, p.column) for p in found] == [(10, 5), (11, 5)]
    assert "W" in found[0].message and "2 × 2" in found[0].message and "[[0.5, 1.25], [2, 0.5]]" in found[0].advice
    assert "vector of 2" in found[1].message and "[0.5, 1]" in found[1].advice


def test_decimal_commas_in_examples_are_told_once_an_input():
    examples = "[[examples]]\nx = [0,5, 1,5]\ny = 1\n" * 3
    text = circuit(["L = (w @ x - y)**2"], f"w = [1, 2]\n{examples}", 'data = ["x", "y"]\n')
    (found,) = problems(text)
    assert found.message.startswith("x of example 1, and 2 examples more") and "[0.5, 1.5]" in found.advice


def test_decimal_commas_of_one_example_are_told_there():
    examples = "[[examples]]\nx = [0.5, 1.5]\ny = 1\n[[examples]]\nx = [0,5, 1,5]\ny = 1\n"
    (found,) = problems(circuit(["L = (w @ x - y)**2"], f"w = [1, 2]\n{examples}", 'data = ["x", "y"]\n'))
    assert found.line == 15 and "[0.5, 1.5]" in found.advice


def test_of_inputs_with_commas_those_that_fit_as_they_are_stay_so():
    """y = [1,0] is two numbers; read as 1.0 it would be one."""
    text = circuit(["h = W @ x", "L = sum((h - y)**2)"], "W = [[0,5, 1,25], [2, 0,5]]\nx = [1,2]\ny = [1,0]")
    (found,) = problems(text)
    assert "'W'" in found.message


@pytest.mark.parametrize("x", ["[1, 2, 3]", "[0.5, 1, 5]", "[1,2,3,4,5]"])
def test_other_shapes_that_do_not_fit_are_told_as_shapes(x):
    (found,) = problems(circuit(["h = W @ x", "L = sum(h)"], f"W = [[1, 2]]\nx = {x}"))
    assert "do not fit" in found.message


def test_commas_do_not_hide_another_mistake():
    text = circuit(["h = W @ x", "L = sum(hh)"], "W = [[1, 2]]\nx = [0,5, 1,5]")
    assert ["unknown name" in p.message or "decimal commas" in p.message for p in problems(text)] == [True, True]


# ---------------------------------------------------------------- words of libraries


@pytest.mark.parametrize(
    ("formula", "mend"),
    [
        ("matmul(A, x)", "A @ B"), ("np.matmul(A, x)", "A @ B"), ("torch.mm(A, A)", "A @ B"), ("A.dot(x)", "A @ ..."),
        ("transpose(A)", "A.T"), ("A.transpose(0, 1)", "A.T"), ("np.concatenate(x, x)", "concat(a, b)"),
        ("torch.nn.functional.softmax(x)", "softmax without"), ("np.linalg.norm(x)", "sqrt(sum(x**2))"),
        ("F.layer_norm(x)", "norm(x)"), ("Conv2d(A, A)", "conv(x, k)"), ("max_pool2d(A, 2)", "max_pool(x, 2)"),
        ("std(x)", "sqrt(var(x))"), ("x.flatten()", "reshape(x, -1)"), ("dropout(x)", "mask"), ("A[0]", "row(x, 2)"),
        ("A[:, 0]", "row(x.T, 2)"), ("concat([x, x])", "is an input"), ("sum(A, axis=[0, 1])", "stand in ( )"),
        ("row(A, 0)", "A is 2 × 2"), ("A · A", "@ for the product"), ("A × x", "* for number by number"),
    ],
)  # fmt: skip
def test_what_libraries_call_it_is_told_as_it_is_written_here(formula, mend):
    found = problems(circuit([f"h = {formula}", "L = sum(h)"], "A = [[1, 2], [3, 4]]\nx = [1, 2]"))
    assert mend in found[0].advice, found[0]


def _numbers(formula: str, **arrays: np.ndarray) -> np.ndarray:
    lesson = tutor.circuit(f"h = {formula}", "L = sum(h)", inputs=arrays)
    return np.asarray(lesson.trace()["h"].value)


def test_the_sign_that_the_tutor_writes_for_number_by_number_can_be_typed():
    A, B = np.array([[1.0, 2], [3, 4]]), np.array([[5.0, 6], [7, 8]])
    np.testing.assert_array_equal(_numbers("A ⊙ B", A=A, B=B), [[5, 12], [21, 32]])
    assert _numbers("2 · A", A=A).tolist() == [[2, 4], [6, 8]]  # of a number there is one product


def test_sizes_and_flags_may_be_written_as_in_numpy():
    A = np.array([[1.0, 2], [3, 4]])
    for formula in ("reshape(A, (1, 4))", "reshape(A, (4,)) + reshape(A, 1, 4)", "reshape(A, (-1)) * reshape(A, 1, 4)"):
        assert _numbers(formula, A=A).size == 4
    assert _numbers("sum(A, axis=1, keepdims=true)", A=A).tolist() == [[3], [7]]


def test_a_decimal_comma_of_a_formula_is_one_that_digits_touch():
    with pytest.raises(ValueError, match="decimal point"):
        parse("2 * (0,5)", lambda word, at: pytest.fail(word))
    with pytest.raises(ValueError, match="missing here"):
        parse("2 * (1, 4)", lambda word, at: pytest.fail(word))


def test_an_output_that_is_no_number_is_mended_by_a_line_with_a_name_of_its_own():
    (found,) = problems(circuit(["L = X * 2"], "X = [1, 2]"))
    assert '"loss = sum(L)"' in found.advice
    (found,) = problems(circuit(["h = X * 2"], "X = [1, 2]", output="h"))
    assert '"L = sum(h)"' in found.advice


# ---------------------------------------------------------------- places and lists


def test_an_input_of_one_time_is_told_where_it_is_written(tmp_path):
    file = tmp_path / "a.toml"
    more = "repeat = { t = [1, 3] }\n"
    file.write_text(circuit(["h{t} = 2 * x{t}", "L = sum(h3)"], "x = [[1, 2],\n  [1, 2],\n  [1, 2]]", more))
    _, found = examine(file)
    assert [(p.line, p.column, p.severity) for p in found] == [(11, 6, "warning"), (12, 3, "warning")]
    assert "'x1'" in found[0].message and "'x2'" in found[1].message


def test_data_are_no_final_values():
    lesson = tutor.circuit("L = sum((W @ x - y)**2)", inputs={"W": [[1, 2]], "x": [1, 2], "y": [1]}, data=["x", "y"])
    lesson = tutor.loads(lesson.toml() + "\n[training]\nlearning_rate = 0.01\n")
    trained = lesson.train(3)
    assert list(trained.parameters) == ["W"]


# ---------------------------------------------------------------- whole solutions


RNN = tutor.circuit(
    "h{t} = tanh(Wx @ x{t} + Wh @ h{t-1} + b)", "L = sum((h3 - y)**2) / 2",
    inputs={"x": [[1, 0], [0, 1], [1, 1]], "h0": [0.5, 0], "y": [0.5, -0.25], "b": [0, 0.25],
            "Wx": [[0.5, 0.25], [0.25, -0.5]], "Wh": [[0.5, 0], [0.25, 0.5]]},
    data=["x", "h0", "y"], repeat={"t": (1, 3)}, learning_rate=0.1,
)  # fmt: skip


def _rnn_by_hand() -> tuple[np.ndarray, np.ndarray]:
    """dWh, and the part of it that comes from the last time alone."""
    W, U, b = np.array([[0.5, 0.25], [0.25, -0.5]]), np.array([[0.5, 0], [0.25, 0.5]]), np.array([0, 0.25])
    h = [np.array([0.5, 0])]
    for x in np.array([[1.0, 0], [0, 1], [1, 1]]):
        h.append(np.tanh(W @ x + U @ h[-1] + b))
    dh, parts = h[3] - [0.5, -0.25], []
    for t in (3, 2, 1):
        dz = dh * (1 - h[t] ** 2)
        parts.append(np.outer(dz, h[t - 1]))
        dh = U.T @ dz
    return np.sum(parts, axis=0), parts[0]


def test_the_part_of_one_time_is_not_taken_for_the_whole_gradient():
    whole, last = _rnn_by_hand()
    assert tutor.diagnose(RNN, {"dWh": whole}).right
    for name in ("dWh", "Wh.grad", "dL/dWh"):
        found = tutor.diagnose(RNN, {name: last})
        assert not found.right and found.first_wrong == "dL/dWh"


def test_the_part_of_one_time_has_a_name_of_its_own():
    _, last = _rnn_by_hand()
    for name in ("dL/dWh@h3", "dWh_h3", "dWh@h3"):
        assert tutor.diagnose(RNN, {name: last}).right
    assert json.loads(json.dumps(tutor.diagnose(RNN, {"dWh_h3": last * 2}).as_dict()))["first_wrong"] == "dL/dWh@h3"


# ---------------------------------------------------------------- what if, chains, the meter


def _apply(lesson: tutor.Lesson, *edits: str) -> WhatIf:
    changed = WhatIf(lesson._lesson)
    for edit in edits:
        changed = changed.apply(edit)
    return changed


ONE = tutor.circuit("L = sum((V @ h - y)**2)", inputs={"V": [[0.5, 1]], "h": [1, 2], "y": [0.5]}, learning_rate=0.1)


def test_a_vector_of_one_stays_one():
    for text in ("y = 0.25", "y = [0.25]", "y[1] = 0.25"):
        assert np.asarray(_apply(ONE, text).unmarked.circuit.inputs["y"]).tolist() == [0.25]
    with pytest.raises(Refused, match=r"^y\[1\] is a single number"):
        _apply(ONE, "y = [1, 2]")


def test_a_changed_line_is_said_as_it_was_said_before():
    (change,) = _apply(ONE, "L = sum((V @ h - y)**2) / 2").changes
    assert str(change) == "L: sum((V @ h - y)**2) → sum((V @ h - y)**2) / 2"
    with pytest.raises(Refused, match="already"):
        _apply(ONE, "L = sum((V @ h - y)**2)")


def test_what_is_given_for_all_times_is_changed_one_by_one():
    for text in ("x = [[1, 2]]", "x[1,1] = 3"):
        with pytest.raises(Refused, match="is given for each time: change x1, x2"):
            _apply(RNN, text)


def test_an_authors_name_keeps_its_small_letter():
    lesson = tutor.circuit(
        "X = embedding(E, ids)", "L = sum(X**2)", inputs={"E": [[1, 2], [3, 4]], "ids": [1, 2]}, data=["ids"]
    )
    with pytest.raises(Refused, match=r"^ids\[2\] is 3: an id is 1 to 2"):
        _apply(lesson, "ids[2] = 3")


def test_the_meter_counts_each_use_where_it_is():
    """By hand: 4 elements of Wh; from h3 (2 outputs of the sum, one path each) 1/2 · 2e · tanh′ · h2 = 3 products; from
    h2 two paths, with Wh and one more tanh′; from h1 four."""
    program = RNN.trace()._trace.program
    found = tally(program)
    told = {use: (found[f"dL/dWh@{use}"].here, found[f"dL/dWh@{use}"].here_by_path) for use in ("h3", "h2", "h1")}
    assert told == {"h3": (4, 4 * 3), "h2": (4, 4 * 2 * 5), "h1": (4, 4 * 4 * 7)}
    assert found["dL/dWh"].here == 0  # a sum
    parts = (np.array([3, 2 * 5, 4 * 7]) * 4).sum() * 2 + (np.array([2, 2 * 4, 4 * 6]) * 2).sum()  # Wh and Wx, b
    assert of_parameters(program)[1] == parts


def test_an_input_that_leads_nowhere_has_its_name_in_the_map():
    found = trace(_apply(RNN, "h1 = Wx @ x1").unmarked)
    cursor = playback.start(found.lesson)
    said = tell(found, Scribe(found, cursor.notation), playback.current(cursor, found), cursor)
    assert "  h0 (input)" in said


DEAD = circuit(
    ["h = relu(W @ x + b)", "L = sum((h - y)**2)"],
    "W = [[1, 0], [0, 1]]\nb = [-9, -9]\n[[examples]]\nx = [1, 2]\ny = [1, 0]\n[[examples]]\nx = [2, 1]\ny = [1, 1]\n",
    'data = ["x", "y"]\n',
)


def test_a_relu_that_no_example_opens_is_told_at_its_line(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text(DEAD)
    _, found = examine(file)
    assert [(p.line, p.severity) for p in found] == [(6, "warning")] and "'h' is 0 at every place" in found[0].message
    file.write_text(DEAD + '[[notes]]\nstep = "h"\ntext = "Shut for both."\n')
    assert not examine(file)[1]
    file.write_text(DEAD.replace("x = [2, 1]", "x = [2, 10]"))
    assert not examine(file)[1]


def test_the_check_of_one_use_says_which_use_is_moved():
    found = RNN.trace()._trace
    ref = Ref(found.find("dL/dWh@h3").ref.symbol, (0, 1))
    said = " ".join(check_picture(Scribe(found, "dz"), ref).facts)
    assert "L(Wh₁₂@h3 + ε)" in said and "they agree" in said
