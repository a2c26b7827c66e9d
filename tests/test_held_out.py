"""Examples from files of arrays, inputs that are scaled, rows that are held out: against NumPy by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tutor
from tutor.cli.commands import main
from tutor.engine.evaluation import Evaluator
from tutor.engine.held_out import HeldOut
from tutor.engine.rows import Data, Scaled
from tutor.engine.run import Run
from tutor.engine.trace import trace
from tutor.engine.units import idle_units
from tutor.lessonfiles.check import examine, load
from tutor.play.compare import Comparison
from tutor.play.whatif import WhatIf
from tutor.tui.training_views import History, Look, curve_lines, evaluation_lines

RNG = np.random.default_rng(11)
IMAGES = RNG.integers(0, 256, (40, 2, 3), dtype=np.uint8)
CLASSES = RNG.integers(0, 3, 40)
LESSON = """format = 1
title = "Small images"
examples = "rows.npz"
scale = 255
{more}
[network]
inputs = 6
loss = "cross_entropy"
[[network.layers]]
units = 4
activation = "relu"
[[network.layers]]
units = 3
activation = "softmax"
[training]
batch = 8
learning_rate = 0.5
order = "shuffled"
seed = 3
"""


def written(folder, more="", arrays=None, text=LESSON, name="lesson.toml"):
    np.savez(folder / "rows.npz", **(arrays or {"X": IMAGES, "y": CLASSES}))
    path = folder / name
    path.write_text(text.format(more=more), encoding="utf-8")
    return path


def errors(path):
    return [found for found in examine(path)[1] if found.severity == "error"]


# ---------------------------------------------------------------- what is read

SHAPES = {
    "images and classes": {"X": IMAGES, "y": CLASSES},
    "rows": {"inputs": IMAGES.reshape(40, 6), "targets": np.eye(3)[CLASSES]},
    "keras": {"x_train": IMAGES, "y_train": CLASSES[:, None].astype(np.uint8), "x_test": IMAGES, "y_test": CLASSES},
    "floats": {"images": IMAGES.astype(np.float32), "labels": CLASSES.astype(float)},
    "from 1": {"X": IMAGES, "y": CLASSES + 1},
}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_examples_of_a_file_of_arrays(tmp_path, monkeypatch, shape, large):
    if large:
        monkeypatch.setattr("tutor.lessonfiles.reading.stored_examples.LARGE", 10)
    path = written(tmp_path, arrays=SHAPES[shape])
    assert not errors(path)
    lesson = load(path)
    assert isinstance(lesson.inputs, Scaled) == large
    assert np.array_equal(lesson.inputs[:], IMAGES.reshape(40, 6) / 255)
    assert np.array_equal(lesson.targets, np.eye(3)[CLASSES])


def test_a_single_output_and_numbers(tmp_path):
    text = LESSON.replace('"cross_entropy"', '"squared_error"').replace("units = 3", "units = 1")
    text = text.replace("softmax", "tanh")
    prices = RNG.normal(size=40)
    path = written(tmp_path, arrays={"X": IMAGES, "y": prices}, text=text)
    assert np.array_equal(load(path).targets, prices[:, None])


def test_class_names_an_array(tmp_path):
    path = written(tmp_path, 'class = "digit"', {"X": IMAGES, "y": RNG.normal(size=(40, 3)), "digit": CLASSES})
    assert np.array_equal(load(path).targets, np.eye(3)[CLASSES])


WRONG = [
    ({"X": IMAGES}, "no array for the targets"),
    ({"A": IMAGES, "y": CLASSES}, "no array for the inputs"),
    ({"X": IMAGES[:, :1], "y": CLASSES}, "'X' is 40 × 1 × 3; the network has 6 inputs"),
    ({"X": IMAGES.reshape(40, 6).T, "y": CLASSES}, "'X' is 6 × 40"),
    ({"X": IMAGES, "y": CLASSES[:39]}, "'X' has 40 rows, 'y' has 39"),
    ({"X": np.where(IMAGES[7, 0, 0] == IMAGES, np.nan, IMAGES), "y": CLASSES}, "'X' has a number in row"),
    ({"X": IMAGES, "y": CLASSES + 2}, "'y' has numbers from 2 to 4; there are 3 classes"),
    ({"X": IMAGES, "y": CLASSES + 0.5}, "there are 3 classes"),
    ({"X": IMAGES, "y": np.ones((40, 2))}, "'y' has 2 numbers a row"),
    ({"X": IMAGES, "y": np.ones((40, 3))}, "the targets of example 1 are 1, 1, 1: cross_entropy wants"),
]


@pytest.mark.parametrize("arrays, says", WRONG, ids=[says for _, says in WRONG])
def test_arrays_that_do_not_fit_are_told_at_the_files_name(tmp_path, arrays, says):
    (found,) = errors(written(tmp_path, arrays=arrays))
    assert (found.line, found.column) == (3, 12) and says in found.message


KEYS = [
    ("scale = 0", "scale must be greater than 0"),
    ("held_out = 1", "held_out must be greater than 0 and less than 1"),
    ("held_out = [41]", "there is no example 41: there are 40"),
    ("held_out = [2, 2]", "example 2 is listed twice"),
    ("held_out = true", "held_out must be a share such as 0.2 or the name of a file"),
    ('held_out = "none.npz"', "there is no file 'none.npz'"),
    ('held_out = "rows.npz"', "would be the examples themselves"),
    ('held_out = "../rows.npz"', "below its folder"),
    ("validation_split = 0.2", "did you mean 'held_out'?"),
]


@pytest.mark.parametrize("more, says", KEYS, ids=[more for more, _ in KEYS])
def test_keys_that_are_wrong_are_told(tmp_path, more, says):
    text = LESSON.replace("scale = 255\n", "") if "scale" in more else LESSON
    (found,) = errors(written(tmp_path, more, text=text))
    assert says in found.message and found.line in (4, 5)


def test_a_circuit_has_none_of_these(tmp_path):
    path = tmp_path / "c.toml"
    text = 'format = 1\ntitle = "c"\nheld_out = 0.5\nscale = 2\n[circuit]\ndefine = ["f = x * x"]\noutput = "f"\n'
    path.write_text(text + "inputs = { x = 2 }\n", encoding="utf-8")
    assert [found.message[:25] for found in errors(path)] == ["held_out goes with a [net", "scale goes with a [networ"]


# ---------------------------------------------------------------- many rows stay as they are stored


def test_rows_that_are_looked_at_are_numbers():
    kept = Scaled(IMAGES.reshape(40, 6), 255.0)
    plain = IMAGES.reshape(40, 6) / 255
    for key in (3, -1, slice(4, 9), np.array([5, 1, 5]), (2, 4), np.arange(40) % 3 == 0):
        assert np.array_equal(kept[key], plain[key])
    data = Data(kept, np.eye(3)[CLASSES]).put(7, "inputs", (2,), 0.25).put(8, "targets", (), [0, 1, 0])
    plain[7, 2] = 0.25
    assert data.inputs.stored is kept.stored and np.array_equal(data.inputs[6:9], plain[6:9])
    assert np.array_equal(data.inputs[7], plain[7]) and data.targets[8].tolist() == [0, 1, 0]
    some = data.some(np.array([9, 7, 1]))
    assert np.array_equal(some.inputs[:], plain[[9, 7, 1]])


@pytest.mark.parametrize("batch, order", [("1", "listed"), ("8", "shuffled"), ("7", "random"), ('"all"', "listed")])
def test_training_on_stored_rows_is_training_on_their_numbers(tmp_path, monkeypatch, batch, order):
    text = LESSON.replace("batch = 8", f"batch = {batch}").replace('"shuffled"', f'"{order}"')
    path = written(tmp_path, text=text.replace("units = 4", "units = 40"))  # wide enough for code on arrays
    plain = Run(load(path))
    monkeypatch.setattr("tutor.lessonfiles.reading.stored_examples.LARGE", 10)
    kept = Run(load(path))
    plain.train(57), kept.train(20), kept.train(57)
    assert np.array_equal(plain.losses, kept.losses)
    ours, theirs = plain.iteration(33), kept.iteration(33)
    assert all(np.array_equal(ours.values[key], theirs.values[key]) for key in ours.values)
    assert idle_units(trace(kept.lesson, 58)) == idle_units(trace(plain.lesson, 58))


def test_what_if_changes_a_stored_row_and_nothing_is_written_out(tmp_path, monkeypatch):
    monkeypatch.setattr("tutor.lessonfiles.reading.stored_examples.LARGE", 10)
    path = written(tmp_path, "held_out = 0.25")
    changes = WhatIf(load(path)).apply("example 3 x[2] = 0.125")
    lesson = changes.unmarked
    assert isinstance(lesson.inputs, Scaled) and lesson.inputs[2, 1] == 0.125
    assert str(changes.changes[0]).endswith("→ 0.125")
    assert np.array_equal(lesson.held_out.inputs[:], changes.original.held_out.inputs[:])


# ---------------------------------------------------------------- rows that are held out


def test_a_share_is_drawn_with_the_seed_and_said(tmp_path):
    lesson = load(written(tmp_path, "held_out = 0.25"))
    held = lesson.held_out
    assert (lesson.example_count, len(held)) == (30, 10)
    assert held.said == "10 rows of 40 (held_out = 0.25), drawn with the seed 3"
    everything = IMAGES.reshape(40, 6) / 255
    left = [row for row in range(40) if row not in held.numbers]
    assert np.array_equal(lesson.inputs, everything[left])  # in the order of the file
    assert np.array_equal(held.inputs, everything[list(held.numbers)])
    assert load(written(tmp_path, "held_out = 0.25")).held_out.numbers == held.numbers
    other = written(tmp_path, "held_out = 0.25", text=LESSON.replace("seed = 3", "seed = 4"))
    assert load(other).held_out.numbers != held.numbers


def test_a_second_file_has_the_rows(tmp_path):
    np.savez(tmp_path / "test.npz", X_test=IMAGES[:5], y_test=CLASSES[:5])
    lesson = load(written(tmp_path, 'held_out = "test.npz"'))
    assert (lesson.example_count, len(lesson.held_out)) == (40, 5)
    assert np.array_equal(lesson.held_out.inputs, IMAGES[:5].reshape(5, 6) / 255)
    arrays = {"x_train": IMAGES[5:], "y_train": CLASSES[5:], "x_test": IMAGES[:5], "y_test": CLASSES[:5]}
    both = load(written(tmp_path, 'held_out = "rows.npz"', arrays))
    assert (both.example_count, len(both.held_out)) == (35, 5)


CSV = """format = 1
title = "Rooms"
examples = "train.csv"
class = "kind"
scale = 10
held_out = "test.csv"
[network]
inputs = 2
loss = "cross_entropy"
[[network.layers]]
units = 2
activation = "softmax"
weights = [[0.5, -1], [0.25, 1]]
"""


def test_a_second_table_has_the_same_classes_in_the_same_order(tmp_path):
    (tmp_path / "train.csv").write_text("a,b,kind\n1,2,town\n3,4,country\n", encoding="utf-8")
    (tmp_path / "test.csv").write_text("a,b,kind\n5,6,country\n7,8,town\n", encoding="utf-8")
    path = tmp_path / "lesson.toml"
    path.write_text(CSV, encoding="utf-8")
    lesson = load(path)
    assert lesson.inputs.tolist() == [[0.1, 0.2], [0.3, 0.4]]
    assert lesson.held_out.inputs.tolist() == [[0.5, 0.6], [0.7, 0.8]]
    assert lesson.held_out.targets.tolist() == [[0, 1], [1, 0]]  # town comes first in the examples
    (tmp_path / "test.csv").write_text("a,b,kind\n5,6,village\n", encoding="utf-8")
    (found,) = errors(path)
    assert found.path.endswith("test.csv") and "village" in found.message


def by_hand(parameters, x, y):
    """(outputs, mean loss) of relu and softmax."""
    a = np.maximum(x @ parameters["W1"].T + parameters["b1"], 0)
    z = a @ parameters["W2"].T + parameters["b2"]
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p, float(-np.log((p * y).sum(axis=1)).mean())


def test_the_rows_held_out_are_judged_and_never_trained_on(tmp_path):
    lesson = load(written(tmp_path, "held_out = 0.25"))
    numbers = [number + 1 for number in lesson.held_out.numbers]
    alone = Run(load(written(tmp_path, f"held_out = {numbers}", name="by_number.toml")))
    run, held = Run(lesson), lesson.held_out
    run.train(40), alone.train(40)
    assert np.array_equal(run.losses, alone.losses)
    parameters = run.parameters(41)
    outputs, loss = by_hand(parameters, held.inputs, held.targets)
    found = Evaluator(lesson).held_out.evaluate(parameters)
    assert found.loss == pytest.approx(loss)
    assert found.correct == int((outputs.argmax(1) == held.targets.argmax(1)).sum())
    own = HeldOut.of(run)
    places, losses = own.curve()
    assert places[-1] == 40 and losses[-1] == pytest.approx(loss)
    assert losses[0] == pytest.approx(by_hand(run.parameters(int(places[0]) + 1), held.inputs, held.targets)[1])


def test_train_says_it_in_text_and_json(tmp_path, capsys):
    path = written(tmp_path, "held_out = 0.25")
    assert main(["train", str(path), "--epochs", "5", "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    parameters = {id: np.array(value) for id, value in record["parameters"].items()}
    held = load(path).held_out
    outputs, loss = by_hand(parameters, held.inputs, held.targets)
    found = record["evaluation"]["held_out"]
    assert found["rows"] == 10 and found["loss"] == pytest.approx(loss)
    assert found["correct"] == found["accuracy"] * 10 == (outputs.argmax(1) == held.targets.argmax(1)).sum()
    assert record["evaluation"]["trained_on"]["rows"] == 30
    assert record["evaluation"]["held_out_losses"][-1] == [20, found["loss"]]
    assert main(["train", str(path), "--epochs", "5"]) == 0
    said = capsys.readouterr().out
    assert "held out, after it" in said and "Held out, 10 rows of 40 (held_out = 0.25), drawn with the seed 3:" in said
    assert main(["train", "o-regression", "--epochs", "2", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["evaluation"] is None


def test_a_comparison_says_it(tmp_path):
    comparison = Comparison(load(written(tmp_path, "held_out = 0.25")), "learning_rate", ["0.1", "1"])
    comparison.train(3)
    assert all("; held out " in said for said in comparison.words()[1:])


def test_the_curve_of_the_rows_held_out_is_drawn(tmp_path):
    run = Run(load(written(tmp_path, "held_out = 0.25")))
    run.train(40)
    held = HeldOut.of(run)
    held.curve()
    lines = curve_lines(History.of(run, held), 4, 40, "both", False, 70, 18, "loss")
    text = "\n".join(line.text for line in lines)
    assert "held out" in text and "mean of each epoch" in text


def test_a_saved_change_keeps_the_rows_that_are_held_out(tmp_path):
    path = written(tmp_path, "held_out = 0.25")
    ours = WhatIf(load(path)).apply("seed = 8")
    for target in (tmp_path / "beside.toml", tmp_path / "deeper" / "alone.toml"):
        target.parent.mkdir(exist_ok=True)
        target.write_text(ours.text(target), encoding="utf-8")
        theirs = load(target)
        assert ("rows.npz" in target.read_text(encoding="utf-8")) == (target.parent == tmp_path)
        assert theirs.held_out.numbers == ours.original.held_out.numbers  # not those that seed 8 would draw
        assert np.array_equal(theirs.inputs, ours.lesson.inputs)
        assert np.array_equal(theirs.held_out.inputs, ours.lesson.held_out.inputs)


def test_what_is_too_much_for_a_lesson_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tutor.lessonfiles.writing.LARGEST", 100)
    lesson = tutor.load(written(tmp_path))
    with pytest.raises(ValueError, match="40 examples are too many to stand in a lesson file"):
        lesson.toml()


def test_bytes_that_nothing_divides_are_noted(tmp_path):
    path = written(tmp_path, text=LESSON.replace("scale = 255\n", ""))
    (found,) = [found for found in examine(path)[1] if found.severity == "note"]
    assert "has bytes up to 25" in found.message and "scale = 255" in found.advice


CIRCUIT = """format = 1
title = "Lines over images"
examples = "rows.npz"
[circuit]
define = ["p = sum(X * W)", "L = (p - y)**2"]
output = "L"
data = ["X", "y"]
inputs = {{ W = [[0.5, 1, -1], [0.25, 0, 2]] }}
[training]
batch = "all"
learning_rate = 0.0001
"""


def test_examples_of_a_circuit_are_the_arrays_called_as_its_inputs(tmp_path):
    y = RNG.normal(size=40)
    lesson = load(written(tmp_path, arrays={"X": IMAGES, "y": y, "other": y}, text=CIRCUIT))
    W = np.array([[0.5, 1, -1], [0.25, 0, 2]])
    by_hand = np.mean(((IMAGES * W).sum(axis=(1, 2)) - y) ** 2)
    assert tutor.load(lesson.path).trace()["L"].value == pytest.approx(by_hand)


@pytest.mark.parametrize(
    "arrays, says",
    [({"Z": IMAGES}, "no array of 'rows.npz' is called as an input"), ({"X": IMAGES, "y": CLASSES[:3]}, "X 40, y 3"),
     ({"X": IMAGES * np.nan, "y": CLASSES}, "'X' has a number in row 1 that is not finite")],
)  # fmt: skip
def test_arrays_that_fit_no_circuit_are_told(tmp_path, arrays, says):
    (found,) = errors(written(tmp_path, arrays=arrays, text=CIRCUIT))
    assert found.line == 3 and says in found.message


def test_the_evaluation_pane_has_both(tmp_path):
    lesson = load(written(tmp_path, "held_out = 0.25"))
    evaluator, parameters = Evaluator(lesson), Run(lesson).parameters(1)
    found, unseen = evaluator.evaluate(parameters), evaluator.held_out.evaluate(parameters)
    lines = [line.text for line in evaluation_lines(evaluator, Look(0, found, held_out=unseen), 60, 40)]
    assert lines[0].startswith(f"{found.correct} of 30 right") and "mean loss of the 30 rows trained on: " in lines[1]
    assert lines[3].startswith(f"held out: {unseen.correct} of 10 right") and "these 10 rows: " in lines[4]
