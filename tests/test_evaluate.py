"""Evaluation: counted by hand, a row at a time, and by definitions; the plane against single predictions."""

from __future__ import annotations

import math
import tomllib
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import dense, network_lesson, networks
from tutor.engine.evaluation import Evaluator, evaluator_of
from tutor.engine.forward import initial_parameters
from tutor.engine.run import Run
from tutor.lessonfiles.reading.lesson import build
from tutor.text.evaluation_words import class_lines, ending, loss_words, matrix_lines, percent, summary, words


@pytest.fixture(autouse=True)
def silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def identity(n, activation="softmax", loss="cross_entropy", x=(), y=(), names=None):
    """A network that hands its inputs to the output layer: the prediction can be read off the input."""
    return network_lesson([dense(np.eye(n), np.zeros(n), activation, names=names)], loss, x, y)


def evaluated(lesson, **changed):
    evaluator = Evaluator(lesson)
    return evaluator, evaluator.evaluate({**initial_parameters(lesson), **changed})


# Six rows of three classes, none of class 3; by hand: predicted 1 2 1 2 2 3.
ROWS = [[2, 0, 0], [0, 1, 0], [3, 1, 2], [0, 4, 1], [-1, 1, 0], [0, 0, 5]]
TRUE = [[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0]]


def test_classes_counted_by_hand():
    evaluator, found = evaluated(identity(3, x=ROWS, y=TRUE))
    (table,) = found.tables
    assert evaluator.kind == "classes"
    assert table.counts.tolist() == [[2, 1, 0], [0, 2, 1], [0, 0, 0]]
    assert found.accuracy == 4 / 6
    assert table.per_class == [2 / 3, 2 / 3, None]
    assert found.wrong.tolist() == [1, 5]
    assert found.loss == pytest.approx(
        sum(-math.log(math.exp(r[t.index(1)]) / sum(map(math.exp, r))) for r, t in zip(ROWS, TRUE, strict=True)) / 6,
        rel=1e-13,
    )


def test_the_words_say_all_of_it():
    evaluator, found = evaluated(identity(3, x=ROWS, y=TRUE))
    said = words(evaluator, found)
    assert said[0] == f"All 6 rows: 4 of 6 right, 66.7 %, mean loss {found.loss:.4g}."
    two = words(*evaluated(identity(3, x=ROWS[:2], y=TRUE[:2])))
    assert two[0].startswith("Both rows: ") and two[0].count("of 2 right") == 1
    assert "  class 1: 2 of 3 right, 66.7 %; 1 taken for class 2" in said
    assert "  class 3: no row is of this class, so nothing can be right" in said
    assert [s for s in said if "│" in s] == [
        "  true │ 1  2  3  ← predicted",
        "  1    │ 2  1  0",
        "  2    │ 0  2  1",
        "  3    │ 0  0  0",
    ]
    assert said[-3] == "Wrong rows: 2, 6."
    p = [math.exp(v) / (2 + math.e) for v in (0, 1)]
    assert said[-2] == f"  row 2: class 1 taken for class 2, {p[1]:.4g} against {p[0]:.4g}"


def test_the_lessons_names_are_the_classes_names():
    _, found = evaluated(identity(3, x=ROWS, y=TRUE, names=("cat", "dog", "犬")))
    assert class_lines(found.tables[0])[1] == "dog: 2 of 3 right, 66.7 %; 1 taken for 犬"
    assert matrix_lines(found.tables[0]) == [
        "true │ cat  dog  犬  ← predicted", "cat  │   2    1   0", "dog  │   0    2   1", "犬   │   0    0   0",
    ]  # fmt: skip


def test_yes_or_no_from_the_threshold_on():
    # σ(z) is 0.5 at z = 0, and that is a yes.
    lesson = identity(1, "sigmoid", "binary_cross_entropy", [[0.0], [-1e-9], [2.0], [-3.0]], [[1], [1], [0], [0]])
    evaluator, found = evaluated(lesson)
    assert evaluator.kind == "yes or no"
    assert found.tables[0].counts.tolist() == [[1, 1], [1, 1]]
    assert found.wrong.tolist() == [1, 2]
    assert evaluator.rule == "The output counts as yes from 0.5 on, a target as well."


def test_several_outputs_answer_each_for_itself():
    x = [[1, -1], [1, 1], [-1, -1], [1, -1]]
    y = [[1, 0], [0, 1], [0, 0], [1, 1]]
    evaluator, found = evaluated(identity(2, "sigmoid", "binary_cross_entropy", x, y))
    assert [t.counts.tolist() for t in found.tables] == [[[1, 1], [0, 2]], [[2, 0], [1, 1]]]
    assert (found.correct, found.total) == (6, 8)
    assert found.wrong.tolist() == [1, 3]
    said = words(evaluator, found)
    assert "Output 2: 3 of 4 right, 75 %." in said
    assert said[-1] == "  row 4: output 2: yes taken for no, output 0.2689"


def test_sigmoids_with_a_single_1_a_row_tell_classes_apart():
    # All outputs are below one half: the largest decides all the same.
    evaluator, found = evaluated(identity(2, "sigmoid", "half_squared_error", [[-3, -1], [-1, -2]], [[0, 1], [0, 1]]))
    assert evaluator.kind == "classes"
    assert found.tables[0].counts.tolist() == [[0, 0], [1, 1]]


def test_numbers_have_an_rmse_and_no_accuracy():
    x, y = [[1.0], [2.0], [3.0]], [[2.0], [2.0], [1.0]]  # errors −1, 0, 2
    evaluator, found = evaluated(identity(1, "linear", "half_squared_error", x, y))
    assert found.accuracy is None
    assert not found.tables
    assert found.rmse == pytest.approx([math.sqrt(5 / 3)])
    assert found.loss == pytest.approx(2.5 / 3)
    assert summary(found) == "RMSE 1.291, mean loss 0.8333"
    assert words(evaluator, found)[-1] == "The largest loss is row 3's, 2."


def test_a_sigmoid_with_targets_between_0_and_1_predicts_numbers_unless_its_loss_says_yes_or_no():
    assert Evaluator(identity(1, "sigmoid", "half_squared_error", [[1.0]], [[0.9]])).kind == "numbers"
    assert Evaluator(identity(1, "sigmoid", "binary_cross_entropy", [[1.0]], [[0.9]])).kind == "yes or no"


def test_what_is_undefined_is_wrong_and_in_no_column():
    lesson = identity(2, x=[[1, 0], [0, 1]], y=[[1, 0], [0, 1]])
    evaluator, found = evaluated(lesson, W1=np.array([[np.nan, 0], [0, 1.0]]))
    assert found.tables[0].counts.sum() == 0
    assert found.accuracy == 0
    assert found.wrong.tolist() == [0, 1]
    assert "  class 1: 0 of 1 right, 0 %; 1 undefined" in words(evaluator, found)
    assert np.isnan(found.loss)
    for value in (np.inf, -np.inf, 1e308):
        words(*evaluated(lesson, W1=np.full((2, 2), value)))


@settings(max_examples=40)
@given(networks(), st.randoms())
def test_all_rows_at_once_are_the_rows_one_by_one(lesson, rng):
    """The losses are those that training saw, row by row; the counts follow from their definitions."""
    training = replace(lesson.training, batch=1, order="listed", learning_rate=1e-30, l2=0.0)
    lesson = replace(lesson, training=training)
    _, found = evaluated(lesson)
    for row in range(len(lesson.inputs)):
        iteration = Run(replace(lesson, inputs=lesson.inputs[row:], targets=lesson.targets[row:])).iteration(1)
        assert found.losses[row] == pytest.approx(float(iteration.values["L"]), rel=1e-12, abs=1e-300)
        last = f"a{len(lesson.network.layers)}"
        assert np.allclose(found.outputs[row], iteration.values[last], rtol=1e-12, atol=0)
    for table in found.tables:
        assert table.counts.sum() == table.total == len(lesson.inputs)
        assert table.counts.sum(axis=1).tolist() == table.members.tolist()
        shares = [share * m for share, m in zip(table.per_class, table.members, strict=True) if share is not None]
        assert sum(shares) == pytest.approx(table.correct)
    if len(found.tables) == 1:
        assert found.correct == len(lesson.inputs) - len(found.wrong)


def test_chunks_make_no_difference(monkeypatch):
    _, whole = evaluated(identity(3, x=ROWS, y=TRUE))
    monkeypatch.setattr("tutor.engine.evaluation.CHUNK", 6)
    evaluator, parts = evaluated(identity(3, x=ROWS, y=TRUE))
    assert evaluator.chunk == 2
    assert np.array_equal(whole.outputs, parts.outputs)
    assert np.array_equal(whole.losses, parts.losses)


def test_the_plane_holds_what_is_predicted_there():
    lesson = identity(2, x=[[0, 0], [4, 2]], y=[[1, 0], [0, 1]])
    evaluator = Evaluator(lesson)
    parameters = initial_parameters(lesson)
    plane = evaluator.plane(parameters, 12, 6)
    assert evaluator.bounds == pytest.approx((-0.4, 4.4, -0.2, 2.2))
    assert plane.x[0] == pytest.approx(-0.2)  # the middle of a cell 0.4 wide
    assert plane.y[-1] == pytest.approx(2.0)
    for row, y in enumerate(plane.y):
        for column, x in enumerate(plane.x):
            assert plane.classes[row, column] == (0 if x >= y else 1) or abs(x - y) < 1e-9
            assert np.allclose(plane.outputs[row, column], evaluator.predict(parameters, np.array([[x, y]]))[0])


def test_one_example_has_a_plane_too_and_three_inputs_have_none():
    lesson = identity(2, x=[[1, 1]], y=[[1, 0]])
    assert Evaluator(lesson).bounds == pytest.approx((0.9, 1.1, 0.9, 1.1))
    assert Evaluator(identity(3, x=ROWS, y=TRUE)).plane({}, 4, 4) is None


@pytest.mark.parametrize(
    ("share", "said"),
    [(1, "100 %"), (0.9999, "99.9 %"), (0, "0 %"), (0.0001, "0.1 %"), (0.5, "50 %"), (2 / 3, "66.7 %")],
)
def test_percent(share, said):
    assert percent(share) == said


def test_divergence_is_told_where_it_begins():
    lesson = network_lesson([dense([[1.0]], [0.0])], "squared_error", [[3.0]], [[1.0]], learning_rate=1e6)
    run = Run(lesson)
    assert run.train(500) == "diverged"
    w, b, iteration, losses = 1.0, 0.0, 0, []
    while math.isfinite(w) and math.isfinite(b) and (not losses or math.isfinite(losses[-1])):
        iteration += 1
        error = w * 3 + b - 1
        losses.append(error * error)  # ** 2 would raise where this is inf
        w, b = w - 1e6 * 2 * error * 3, b - 1e6 * 2 * error
    assert run.diverged == iteration
    assert ending(run, "diverged", 0).startswith(
        f"Training diverged. L overflowed to infinity in iteration {iteration}: a1 had grown to "
    )


def test_the_losses_in_words():
    lesson = network_lesson([dense([[1.0]], [0.0])], "squared_error", [[1.0], [2.0]], [[0.0], [0.0]], learning_rate=0.1)
    run = Run(lesson)
    assert loss_words(run) == ["Nothing is trained yet: no losses."]
    run.train(4)
    # By hand: w, b = 1, 0 → L 1; w, b = 0.8, −0.2 → ŷ 1.4, L 1.96; 0.24, −0.48 → ŷ −0.24, L 0.0576; 0.288, −0.432 → ...
    assert loss_words(run) == [
        "4 iterations trained, 2 epochs of 2 iterations.",
        "The loss went from 1 to 0.020736; the least was 0.020736, in iteration 4.",
        "Loss by iteration: 1: 1, 2: 1.96, 3: 0.0576, 4: 0.020736.",
        "Mean loss by epoch: 1: 1.48, 2: 0.039168.",
    ]


# ---------------------------------------------------------------- equations that an author wrote

IN_ROWS = """format = 1
title = "T"
[circuit]
define = ["z = X @ W + b", "L = cross_entropy(z, y) + 0.01 * sum(W * W)"]
output = "L"
parameters = ["W", "b"]
data = ["X", "y"]
[circuit.inputs]
X = [[1, 0.5], [0, 2], [-1, 1], [2, -1]]
W = [[0.5, -1, 0.2], [1, 0.3, -0.4]]
b = [0.1, 0, -0.2]
y = [1, 2, 3, 1]
[training]
learning_rate = 0.5
"""
TIMES = """format = 1
title = "T"
[circuit]
repeat = {{ t = [1, 2] }}
define = ["h{{t}} = tanh(U @ x{{t}} + V @ h{{t-1}})", "o{{t}} = C @ h{{t}}", 
    "l{{t}} = cross_entropy(o{{t}}, y{{t}})", "L = l1 + l2"]
output = "L"
parameters = ["U", "V", "C"]
data = ["h0", "y1", "y2"]
[circuit.inputs]
U = [[0.5, -0.2], [0.1, 0.9]]
V = [[0.3, 0], [-0.5, 0.2]]
C = [[1, -1], [0.5, 2], [-0.3, 0.4]]
h0 = [0, 0]
{}[training]
learning_rate = 0.1
batch = "all"
"""


def of_classes(z, targets):
    """Predicted right, and the mean loss, by hand: rows of logits and of probabilities."""
    shares = np.exp(z - z.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    return int((z.argmax(1) == targets.argmax(1)).sum()), float(-(targets * np.log(shares)).sum(1).mean())


def test_rows_of_a_cross_entropy_are_classes():
    lesson = build(tomllib.loads(IN_ROWS), "t.toml")[0]
    run = Run(lesson)
    run.train(20)
    evaluator = evaluator_of(lesson)
    X, y = lesson.circuit.inputs["X"], np.eye(3)[np.array(lesson.circuit.inputs["y"], dtype=int) - 1]
    for at in (1, 21):
        found, now = evaluator.evaluate(run.parameters(at)), run.parameters(at)
        right, loss = of_classes(X @ now["W"] + now["b"], y)
        assert (found.correct, found.total) == (right, 4) and found.loss == pytest.approx(loss, rel=1e-12)
        assert found.tables[0].counts.sum() == 4 and found.kind == "classes"
    assert found.correct == 4 and "4 of 4 right, 100 %" in " ".join(words(evaluator, found))
    assert "row of z" in evaluator.rule
    soft = IN_ROWS.replace("y = [1, 2, 3, 1]", "y = [[0.9, 0.1, 0], [0, 1, 0], [0.2, 0, 0.8], [1, 0, 0]]")
    lesson = build(tomllib.loads(soft), "t.toml")[0]
    found = evaluator_of(lesson).evaluate(Run(lesson).parameters(1))
    targets = np.array(lesson.circuit.inputs["y"])
    right, loss = of_classes(X @ lesson.circuit.inputs["W"] + lesson.circuit.inputs["b"], targets)
    assert found.correct == right and found.loss == pytest.approx(loss, rel=1e-12)


def test_a_cross_entropy_each_time_and_example_is_a_row_each():
    rows = [([[1, 0.5], [0, -1]], [1, 2]), ([[0, 2], [1, 1]], [3, 2]), ([[-1, 1], [2, 0]], [2, 1])]
    examples = "".join(f"[[examples]]\nx1 = {x[0]}\nx2 = {x[1]}\ny1 = {y[0]}\ny2 = {y[1]}\n" for x, y in rows)
    lesson = build(tomllib.loads(TIMES.format(examples)), "t.toml")[0]
    found = evaluator_of(lesson).evaluate(Run(lesson).parameters(1))
    U, V, C = (np.array(lesson.circuit.inputs[name]) for name in "UVC")
    z, targets = [], []
    for x, y in rows:
        h = np.zeros(2)
        for t in range(2):
            h = np.tanh(U @ np.array(x[t]) + V @ h)
            z.append(C @ h)
            targets.append(np.eye(3)[y[t] - 1])
    right, loss = of_classes(np.array(z), np.array(targets))
    assert (found.correct, found.total) == (right, 6) and found.loss == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(found.outputs, z, rtol=1e-12)
    none = TIMES.format(examples).replace("l1 + l2", "sum(o1 * o2)")
    assert evaluator_of(build(tomllib.loads(none), "t.toml")[0]) is None
