"""Array lessons as their authors write them: layers from the page alone, and what is said of what they get wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import tutor
from each import each
from tutor.engine.expressions import Ref
from tutor.engine.parsing import parse
from tutor.engine.reuse import of_parameters, tally
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


@each(
    "formula, mend",
    [
        ("matmul(A, x)", "A @ B"), ("np.matmul(A, x)", "A @ B"), ("torch.mm(A, A)", "A @ B"), ("A.dot(x)", "A @ ..."),
        ("transpose(A)", "A.T"), ("A.transpose(0, 1)", "A.T"), ("np.concatenate(x, x)", "concat(a, b)"),
        ("torch.nn.functional.softmax(x)", "softmax without"), ("np.linalg.norm(x)", "sqrt(sum(x**2))"),
        ("F.layer_norm(x)", "norm(x)"), ("Conv2d(A, A)", "conv(x, k)"), ("max_pool2d(A, 2)", "max_pool(x, 2)"),
        ("std(x)", "sqrt(var(x))"), ("x.flatten()", "reshape(x, -1)"), ("dropout(x)", "mask"), ("A[0]", "row(x, 2)"),
        ("A[:, 0]", "row(x.T, 2)"), ("concat([x, x])", "is an input"), ("sum(A, axis=[0, 1])", "stand in ( )"),
        ("row(A, 0)", "rows count from 1"), ("A · A", "@ for the product"), ("A × x", "* for number by number"),
    ],
)  # fmt: skip
def test_what_libraries_call_it_is_told_as_it_is_written_here(formula, mend):
    found = problems(circuit([f"h = {formula}", "L = sum(h)"], "A = [[1, 2], [3, 4]]\nx = [1, 2]"))
    assert mend in f"{found[0].message} | {found[0].advice}", found[0]


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


# ---------------------------------------------------------------- the layers of the page

GUIDE = (Path(__file__).resolve().parent.parent / "docs" / "writing-lessons.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+?) \| (.+) \|$", GUIDE.partition("**More layers, line by line.**")[2], re.MULTILINE)[1:]
ROWS = [row for row in ROWS if "`" in row[1]]
TIMES = {"LSTM": {"t": (1, 2)}, "GRU": {"t": (1, 2)}, "attention": {"k": (1, 2)}, "mixture": {"k": (1, 2)}}
# the shapes of what is free; a name with a time is given once for all times
SHAPES = {
    "layer norm": {"X": (2, 3), "H": (2, 3), "gain": (3,), "shift": (3,)}, "RMS": {"X": (2, 3), "gain": (3,)},
    "dropout": {"H": (2, 3)},
    "LSTM": {
        "x": (2, 2), **{f"W{k}": (2, 4) for k in "fiog"}, **{f"b{k}": (2,) for k in "fiog"}, "h0": (2,), "c0": (2,),
    },
    "GRU": {"x": (2, 2), "h0": (2,), **{f"{m}{k}": (2, 2) for m in "WU" for k in "zrn"}},
    "attention": {"X": (3, 4), "Wq": (2, 4, 2), "Wk": (2, 4, 2), "Wv": (2, 4, 2), "Wo": (4, 4)},
    "mixture": {"X": (3, 2), "Wg": (2, 2), "W": (2, 2, 2)},
    "convolution": {"x": (2, 5, 5), "k": (2, 2, 2, 2), "b": (2,), "W": (3, 8), "c": (3,)},
    "embedding": {"E": (4, 2), "W": (2, 2)}, "graph": {"A": (3, 3), "X": (3, 2), "W": (2, 2)},
    "cosine": {"a": (3,), "b": (3,)}, "contrastive": {"Z": (4, 2)}, "variational": {"mu": (2, 2), "logvar": (2, 2)},
    "Huber": {"P": (3,), "Y": (3,)},
}  # fmt: skip
DATA = {
    "dropout": {"mask": [[1, 0, 1], [0, 1, 1]]}, "mixture": {"pick": [[[1], [0]], [[0], [1]]]},
    "convolution": {"class": 2}, "embedding": {"ids": [1, 3, 3], "next": [2, 4, 1]},
    "contrastive": {"block": (-1000 * np.eye(4)).tolist(), "pair": [2, 1, 4, 3]},
    "variational": {"noise": [[0.3, -0.7], [1.1, 0.2]]},
}  # fmt: skip


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _cross_entropy(z, y):
    p = _softmax(np.atleast_2d(z))
    return -np.mean(np.log(p[np.arange(len(p)), np.atleast_1d(y).astype(int) - 1]))


def _conv(x, k):
    _, _, h, w = k.shape
    rows, columns = range(x.shape[1] - h + 1), range(x.shape[2] - w + 1)
    return np.array([[[np.sum(x[:, i : i + h, j : j + w] * one) for j in columns] for i in rows] for one in k])


# Each layer in NumPy, written apart from the page: from the inputs by name to the number that is differentiated.
def _lstm(x, Wf, Wi, Wo, Wg, bf, bi, bo, bg, h0, c0):
    h, c = h0, c0
    for now in x:
        v = np.concatenate([h, now])
        c = _sigmoid(Wf @ v + bf) * c + _sigmoid(Wi @ v + bi) * np.tanh(Wg @ v + bg)
        h = _sigmoid(Wo @ v + bo) * np.tanh(c)
    return h


def _gru(x, h0, Wz, Wr, Wn, Uz, Ur, Un):
    h = h0
    for now in x:
        z, r = _sigmoid(Wz @ now + Uz @ h), _sigmoid(Wr @ now + Ur @ h)
        h = (1 - z) * np.tanh(Wn @ now + Un @ (r * h)) + z * h
    return h


def _heads(X, Wq, Wk, Wv, Wo):
    every = [_softmax((X @ q) @ (X @ k).T / np.sqrt(2)) @ (X @ v) for q, k, v in zip(Wq, Wk, Wv, strict=True)]
    return np.hstack(every) @ Wo


def _experts(X, Wg, W, pick):
    gates = _softmax(X @ Wg)
    return sum(gates[:, [k]] * np.maximum(X @ one, 0) for k, one in enumerate(W))


def _convolution(x, k, b, W, c, **data):
    C = np.maximum(_conv(x, k) + b[:, None, None], 0)
    return _cross_entropy(W @ C.reshape(2, 2, 2, 2, 2).max(axis=(2, 4)).ravel() + c, data["class"])


def _norm(X, H, gain, shift):
    V = X + H
    return gain * (V - V.mean(1, keepdims=True)) / np.sqrt(V.var(1, keepdims=True) + 1e-5) + shift


def _contrastive(Z, block, pair):
    N = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    return _cross_entropy(2 * N @ N.T + block, pair)


def _vae(mu, logvar, noise):
    return np.sum((mu + np.sqrt(np.exp(logvar)) * noise) ** 2) - np.sum(1 + logvar - mu**2 - np.exp(logvar)) / 2


MEANT = {
    "layer norm": _norm, "LSTM": _lstm, "GRU": _gru, "attention": _heads, "mixture": _experts,
    "RMS": lambda X, gain: gain * X / np.sqrt((X**2).mean(1, keepdims=True) + 1e-5),
    "dropout": lambda H, mask: H * mask / 0.8, "convolution": _convolution,
    "embedding": lambda E, W, ids, next: _cross_entropy(np.tanh(E[np.array(ids) - 1] @ W) @ E.T, next),
    "graph": lambda A, X, W: np.maximum(A @ X @ W, 0),
    "cosine": lambda a, b: a @ b / np.linalg.norm(a) / np.linalg.norm(b), "contrastive": _contrastive,
    "variational": _vae,
    "Huber": lambda P, Y: np.mean(np.where(abs(P - Y) < 1, (P - Y) ** 2 / 2, abs(P - Y) - 0.5)),
}  # fmt: skip


def _lines(cell: str) -> list[str]:
    """The lines of a row; `i{t}` and `o{t}` likewise: written as the one before."""
    found: list[str] = []
    for text in re.findall(r"`([^`]+)`", cell):
        if "=" in text:
            found.append(text)
            continue
        old, new = found[0].partition("{")[0], text.partition("{")[0]
        found.append(re.sub(rf"\b([WUb]?){old}(?=\W)", rf"\g<1>{new}", found[0]))
    return found


def test_the_page_has_a_row_for_each_layer_here():
    assert [key for name, _ in ROWS for key in MEANT if name.startswith(key)] == [
        next(key for key in MEANT if name.startswith(key)) for name, _ in ROWS
    ]
    assert len(ROWS) == len(MEANT)


@pytest.mark.parametrize(("name", "cell"), ROWS, ids=[name.partition(" ")[0] for name, _ in ROWS])
def test_a_layer_of_the_page_has_the_gradients_that_numpy_has(name, cell):
    key = next(key for key in MEANT if name.startswith(key))
    rng = np.random.default_rng(len(name))
    values = {of: rng.uniform(-1.5, 1.5, shape) for of, shape in SHAPES[key].items()}
    data, lines, times = DATA.get(key, {}), _lines(cell), TIMES.get(key)
    last = lines[-1].partition("=")[0].strip().replace("{t}", "2")
    if key == "variational":
        lines, last = [*lines, "L = sum(Z**2) + KL"], "L"
    weights = np.asarray(rng.uniform(-1, 1, np.shape(MEANT[key](**values, **data))))  # so that no gradient is 0
    if last != "L" or key == "cosine":
        lines, data = [*lines, f"loss = sum({last} * weights)"], {**data, "weights": weights.tolist()}
    lesson = tutor.circuit(*lines, inputs={**values, **data}, data=list(data), repeat=times)
    found = lesson.trace()
    scale = weights if "weights" in data else 1.0
    known = {of: value for of, value in data.items() if of != "weights"}

    def true(**changed: np.ndarray) -> float:
        return float(np.sum(MEANT[key](**{**values, **changed}, **known) * scale))

    output = lines[-1].partition("=")[0].strip()
    for of, value in values.items():
        whole = f"d{output}/d{of}"
        parts = [f"{whole}{at}" for at in (1, 2)] if times and f"{of}{{" in " ".join(lines) else [whole]
        mine = np.array([found[part].value for part in parts]).reshape(value.shape)
        for index in np.ndindex(value.shape):
            step = np.zeros(value.shape)
            step[index] = 1e-5
            numeric = (true(**{of: value + step}) - true(**{of: value - step})) / 2e-5
            assert mine[index] == pytest.approx(numeric, abs=2e-8), (of, index)


def test_the_gradient_of_a_bias_that_was_not_added_up_is_told_so():
    """L = Σ(X + b − Y)²/2 over three rows: the rows of X + b − Y are what each place sends back, their sum is db."""
    X, b, Y = np.array([[1.0, 2], [0, 1], [2, 2]]), np.array([0.5, -1]), np.array([[1.0, 0], [0, 1], [1, 1]])
    lesson = tutor.circuit("H = X + b", "L = sum((H - Y)**2) / 2", inputs={"X": X, "b": b, "Y": Y}, data=["X", "Y"])
    rows = X + b - Y
    assert tutor.diagnose(lesson, {"db": rows.sum(axis=0)}).right
    found = tutor.diagnose(lesson, {"db": rows})
    assert not found.right and "2, this is 3 × 2" in found.headline and "added up" in found.headline
    assert "added up" not in tutor.diagnose(lesson, {"db": rows + 1}).headline
