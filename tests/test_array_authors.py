"""Array lessons as their authors write them: layers from the page alone, and what is said of what they get wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tutor
from tutor.engine.parsing import parse
from tutor.lessonfiles.check import examine
from tutor.lessonfiles.positions import LessonError


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
