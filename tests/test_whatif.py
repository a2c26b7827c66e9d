"""Changes to a lesson, lesson files made of lessons, and runs held side by side."""

from __future__ import annotations

import dataclasses
import tomllib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
import strategies
from each import each
from effort import effort
from strategies import circuit_lesson, dense, network_lesson
from tutor.cli import commands
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.forward import initial_parameters
from tutor.engine.lesson import AuthorQuestion, Lesson, Note, Training, WrongAnswer
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.run import Run
from tutor.engine.trace import trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import examine
from tutor.lessonfiles.positions import MAX_BYTES, Source
from tutor.lessonfiles.reading.lesson import build
from tutor.lessonfiles.toml_syntax import parse_toml
from tutor.lessonfiles.writing import CannotWrite, document, lesson_text, number_text, save, toml
from tutor.pictures.plot import curves
from tutor.play.compare import Comparison, asked, suggestions
from tutor.play.settings import Here, Refused, here, shown
from tutor.play.whatif import MAX_EDIT, WhatIf

LESSONS = {entry.id: entry.path for entry in catalogue.entries()}


def lesson(id="o-classification") -> Lesson:
    return strategies.bundled(id)


def read_back(text: str, of: Lesson) -> Lesson:
    """The lesson that a text says; it must have no error."""
    path = of.path or f"{of.id}.toml"
    data = parse_toml(Source(path, text))
    assert isinstance(data, dict), data
    found, faults = build(data, path)
    assert not [fault for fault in faults.found if fault.severity == "error"], faults.found
    return found


def same_model(one: Lesson, other: Lesson) -> None:
    """The same numbers wherever they are used: every value of an iteration, to the last bit."""
    ours, theirs = trace(one, 2 if one.training else 1), trace(other, 2 if one.training else 1)
    assert [eq.formula for eq in ours.equations] == [eq.formula for eq in theirs.equations]
    assert ours.iteration.values.keys() == theirs.iteration.values.keys()
    for key, value in ours.iteration.values.items():
        assert np.array_equal(value, theirs.iteration.values[key], equal_nan=True), key
    assert np.array_equal(one.inputs, other.inputs) and np.array_equal(one.targets, other.targets)


# ---------------------------------------------------------------- lesson files


@pytest.mark.parametrize("id", LESSONS)
def test_a_bundled_lesson_is_read_back_as_it_was(id, tmp_path):
    ours = lesson(id)
    file = tmp_path / LESSONS[id].name
    save(lesson_text(ours, ["a comment"]), file)
    theirs, problems = examine(file)
    assert not [found for found in problems if "another lesson is called" not in found.message]  # it has our id
    for key in dataclasses.fields(Lesson):
        if key.name not in ("network", "circuit", "inputs", "targets", "path", "data", "data_keys"):
            assert getattr(ours, key.name) == getattr(theirs, key.name), key.name
    assert document(ours) == document(theirs)
    same_model(ours, theirs)


@settings(max_examples=60)
@given(strategies.lessons(), st.data())
def test_any_lesson_is_read_back_as_it_was(ours, data):
    if ours.network and data.draw(st.booleans()):  # drawn weights stay a word, and so does the seed
        layers = [dataclasses.replace(layer, weights="he") for layer in ours.network.layers]
        ours = dataclasses.replace(ours, network=dataclasses.replace(ours.network, layers=tuple(layers)))
    theirs = read_back(lesson_text(ours), ours)
    if ours.training:
        used = {
            "learning_rate",
            "optimizer",
            "batch",
            "order",
            "seed",
            "l2",
            *OPTIMIZERS[ours.training.optimizer].hyper,
        }
        assert all(getattr(ours.training, key) == getattr(theirs.training, key) for key in used)
    same_model(ours, theirs)


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r"), max_size=40)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(TEXT, VALUES | st.dictionaries(TEXT, VALUES, max_size=2), max_size=4))
def test_any_values_are_toml(values):
    """Against Python's own TOML reader: quotes, backslashes, lines, keys of any kind."""
    assert tomllib.loads(toml(values)) == values


@pytest.mark.parametrize(
    "text", ['"""', '""""', 'ends in "', 'two ""', "\\", "a\\\nb", 'a\n"', 'x\n"""\n""""y', "\n", "\n\nx", "tab\tü ∂"]
)
def test_prose_is_escaped(text):
    assert tomllib.loads(toml({"intro": text, "more": [text], "table": {text: text}})) == {
        "intro": text,
        "more": [text],
        "table": {text: text},
    }


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_whole(value):
    assert float(number_text(value)) == value


def test_notes_questions_and_names_are_kept():
    ours = network_lesson([dense([[0.1, 0.2]], [0], "sigmoid", names=("out put",))], "squared_error", [[1, 2]], [[1]])
    ours = dataclasses.replace(
        ours,
        network=dataclasses.replace(ours.network, input_names=("größe", "iq")),
        title='A "title"',
        intro='Says """hello""" \\ and\nmore',
        notes=(Note("z1", "line\n- item `x`\n"), Note("L", 'ends in "', 1)),
        quiz_steps=("L",),
        questions=(
            AuthorQuestion(step="z1", kind="value", digits=5, hints=("a hint",), wrong=(WrongAnswer(2.0, "no"),)),
            AuthorQuestion(ask="Which?", kind="choice", choices=("a", "b"), answer="b", at=1),
            AuthorQuestion(ask="How much?", kind="number", answer=3.0, wrong=(WrongAnswer(-1.5, 'a "b"\nc'),), at=2),
        ),
    )
    theirs = read_back(lesson_text(ours), ours)
    for key in ("title", "intro", "notes", "quiz_steps", "questions"):
        assert getattr(theirs, key) == getattr(ours, key), key
    assert theirs.network.input_names == ("größe", "iq") and theirs.network.layers[0].names == ("out put",)


def test_a_class_is_written_as_its_number():
    ours = network_lesson(
        [dense(np.eye(3), [0, 0, 0], "softmax")], "cross_entropy", np.eye(3), [[0, 1, 0], [0.5, 0.5, 0], [0, 0, 1]]
    )
    text = lesson_text(ours)
    assert "target = 2\n" in text and "targets = [0.5, 0.5, 0]\n" in text and "target = 3\n" in text
    assert np.array_equal(read_back(text, ours).targets, ours.targets)


def test_a_comment_cannot_end_its_line():
    text = lesson_text(lesson("gates"), ["one\nformat = 2\x1b[31m"])
    assert text.startswith("# one\\nformat = 2\\x1b[31m\nformat = 1\n")


def test_a_file_is_not_replaced_unasked(tmp_path):
    file = tmp_path / "mine.toml"
    assert save("one", file) == file.resolve()
    with pytest.raises(FileExistsError):
        save("two", file)
    assert file.read_text() == "one"
    save("two", file, overwrite=True)
    assert file.read_text() == "two" and [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_cannot_be_written_is_said(tmp_path, overwrite):
    for path in (tmp_path, tmp_path / "no" / "such" / "folder.toml", "nul\0byte.toml"):
        with pytest.raises(CannotWrite) as error:
            save("text", path, overwrite)
        assert str(error.value).endswith(".") and "\0" not in str(error.value)
    with pytest.raises(CannotWrite, match="4 MiB"):
        save("x" * (MAX_BYTES + 1), tmp_path / "large.toml")


# ---------------------------------------------------------------- edits


def test_an_edit_is_a_new_lesson():
    ours = lesson()
    before = document(ours)
    changed = WhatIf(ours).apply("W1[1,2] = 1/4; y = 0; learning_rate = 0.1")
    made = changed.lesson
    assert made.network.layers[0].weights[0, 1] == 0.25 and made.targets[0, 0] == 0
    assert made.training.learning_rate == 0.1
    assert document(ours) == before, "the original was touched"
    assert [str(change) for change in changed.changes] == [
        "W1[1,2]: −0.4 → 0.25", "example 1 y: 1 → 0", "learning_rate: 0.5 → 0.1",
    ]  # fmt: skip


def test_everything_follows_as_the_oracle_says():
    """The gradients of a changed lesson, held against the oracle on the changed network."""
    edits = "layer 1 activation = tanh; W1[2,1] = -0.7; x[2] = 1.5; loss = half_squared_error; y = 1/4; b2 = [0.3]"
    made = WhatIf(lesson()).apply(edits).lesson
    weights, biases = [[[0.5, -0.4], [-0.7, 0.8]], [[0.9, -0.7]]], [[0.1, -0.2], [0.3]]
    layers = [
        oracle.Layer(oracle.exact(W), oracle.exact(b), name)
        for W, b, name in zip(weights, biases, ("tanh", "sigmoid"), strict=True)
    ]
    net, x, y = oracle.Network(tuple(layers), "half_squared_error"), oracle.exact([1.2, 1.5]), oracle.exact([0.25])
    values = trace(made).iteration.values
    assert float(values["L"]) == pytest.approx(float(net.loss(x, y)), rel=1e-12)
    for k in (1, 2):
        assert values[f"dL/dW{k}"] == pytest.approx(np.array(net.dW(x, y, k), dtype=float), rel=1e-12)
        assert values[f"dL/db{k}"] == pytest.approx(np.array(net.db(x, y, k), dtype=float), rel=1e-12)


def test_undo_and_redo():
    start = WhatIf(lesson())
    states = [start]
    for k in range(25):  # without end
        states.append(states[-1].apply(f"b1[1] = {k}"))
    at = states[-1]
    for expected in reversed(states[:-1]):
        at = at.undo()
        assert document(at.lesson)["network"] == document(expected.lesson)["network"]
    assert at.undo() is None and at.lesson is start.original and at.changes == ()
    for expected in states[1:]:
        at = at.redo()
        assert document(at.lesson)["network"] == document(expected.lesson)["network"]
    assert at.redo() is None
    assert at.undo().apply("b1[2] = 7").redo() is None, "a new edit ends what was taken back"


def test_changed_back_is_not_changed():
    changed = WhatIf(lesson()).apply("W1[1,1] = 3").apply("seed = 4").apply("W1[1,1] = 0.5")
    assert [change.name for change in changed.changes] == ["seed"]


@each(
    "edit, path, value",
    [
        ("W1[2,1] = 2*3", "W1[2,1]", 6),
        ("W1[ 2 , 1 ] = −1", "W1[2,1]", -1),
        ("b1 = [1, 1/2]", "b1", [1, 0.5]),
        ("W2 = [[max(1, 2), -3]]", "W2", [[2, -3]]),
        ("x[2] = 1e-3", "example 1 x[2]", 0.001),
        ("iq = 4", "example 1 x[1]", 4),
        ("example 2 cgpa = 4", "example 2 x[2]", 4),
        ("example 2 x = [7, 8]", "example 2 x", [7, 8]),
        ("y = 0.5", "example 1 y", 0.5),
        ("learning rate = 0.2", "learning_rate", 0.2),
        ("η = 0.2", "learning_rate", 0.2),
        ("Optimiser = Adam", "optimizer", "adam"),
        ("loss = half squared error", "loss", "half_squared_error"),
        ('layer 1 activation = "ReLU"', "layer 1 activation", "relu"),
        ("activation of layer 1 = leaky ReLU", "layer 1 activation", "leaky_relu"),
        ("layer 2 train_weights = no", "layer 2 train_weights", False),
        ("batch = all", "batch", "all"),
        ("batch = 2", "batch", 2),
        ("l2 = 0.1", "l2", 0.1),
        ("order = random", "order", "random"),
    ],
)
def test_what_is_typed_is_understood(edit, path, value):
    changed = WhatIf(lesson()).apply(edit)
    assert [change.name for change in changed.changes] == [path]
    assert changed.value(changed.find(path)) == value


def test_names_on_the_screen_are_understood():
    """In the notation of O₁₁ and ∂L/∂w the indices of a weight are from, to; ids stay row, column."""
    ours = lesson()
    changed = WhatIf(ours)
    partials = here(trace(ours), 0, "partials")
    assert changed.apply("w¹₁₂ = 9", partials).changes[0].name == "W1[2,1]"
    assert changed.apply("w112 = 9", partials).changes[0].name == "W1[2,1]"
    assert changed.apply("W1[1,2] = 9", partials).changes[0].name == "W1[1,2]"
    assert changed.apply("α = 9", partials).changes[0].name == "learning_rate"
    with pytest.raises(Refused, match="follows from the rest"):
        changed.apply("O₁₁ = 2", partials)


def test_data_is_that_of_the_screen():
    """x is the example that is looked at, x@2 the second of the batch, `example 2` row 2 of the data."""
    rows = [[1, 2], [3, 4], [5, 6]]
    ours = network_lesson([dense([[1, 2]])], "squared_error", rows, [[0], [1], [2]], batch=2, order="shuffled", seed=3)
    found = trace(ours)
    first, second = map(int, found.iteration.rows)
    look = here(found, 1, "dz")
    changed = WhatIf(ours)
    assert changed.apply("x[1] = 9", look).lesson.inputs[second, 0] == 9
    assert changed.apply("x[1]@1 = 9", look).lesson.inputs[first, 0] == 9
    assert changed.apply("y@2 = 9", look).lesson.targets[second, 0] == 9
    assert changed.apply("example 3 x[2] = 9", look).lesson.inputs[2, 1] == 9
    for wrong in ("x[1]@3 = 9", "example 4 x[1] = 9", "example 0 x[1] = 9", "x[3] = 9"):
        with pytest.raises(Refused, match=r"There is no example|has no element"):
            changed.apply(wrong, look)


def test_a_drawn_weight_leaves_the_others_as_they_were():
    ours = network_lesson([dense([[0, 0], [0, 0]]), dense([[0, 0]])], "squared_error", [[1, 2]], [[1]], seed=5)
    layers = tuple(dataclasses.replace(layer, weights="xavier") for layer in ours.network.layers)
    ours = dataclasses.replace(ours, network=dataclasses.replace(ours.network, layers=layers))
    drawn = initial_parameters(ours)
    changed = WhatIf(ours).apply("W1[1,2] = 7")
    expected = drawn["W1"].copy()
    expected[0, 1] = 7
    assert np.array_equal(initial_parameters(changed.lesson)["W1"], expected)
    assert np.array_equal(initial_parameters(changed.lesson)["W2"], drawn["W2"])
    again = changed.undo().apply("seed = 6")
    assert not np.array_equal(initial_parameters(again.lesson)["W1"], drawn["W1"])
    he = WhatIf(ours).apply("W1 = he")
    assert he.lesson.network.layers[0].weights == "he"
    both = WhatIf(ours).apply("W1 = he; W1[1,2] = 7").parameters["W1"]
    assert both[0, 1] == 7 and np.array_equal(both[1], he.parameters["W1"][1])


def test_another_optimiser_takes_its_own_settings_only():
    changed = WhatIf(lesson()).apply("optimizer = momentum").apply("momentum = 0.5")
    assert changed.lesson.training.momentum == 0.5
    adam = changed.apply("optimizer = adam")
    assert adam.lesson.training.optimizer == "adam"
    assert {"beta1", "beta2", "epsilon"} <= {setting.name for setting in adam.settings()}
    with pytest.raises(Refused, match="momentum is not used"):
        adam.apply("momentum = 0.1")


def test_a_circuit_can_change():
    changed = WhatIf(lesson("gates")).apply("x = 3; q = x * y + 1")
    assert changed.lesson.circuit.inputs["x"] == 3
    assert float(trace(changed.lesson).iteration.values["f"]) == (3 * 5 + 1) * -4
    for wrong, said in (
        ("q = x *", "missing"), ("q = nosuch", "nosuch"), ("q = f", "before it is defined"), ("batch = 2", "circuit"),
        ("f = q / (x - 3)", "division by zero"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=said):
            changed.apply(wrong)


REFUSED = [
    ("loss = cross_entropy", "wants softmax at the output"),
    ("layer 1 activation = softmax", "softmax is for the last layer"),
    ("layer 1 activation = relo", "did you mean 'relu'"),
    ("optimizer = sgdd", "did you mean 'sgd'"),
    ("learning_rate = 0", "greater than 0"),
    ("learning_rate = inf", "'inf' is no number"),
    ("learning_rate = nan", "'nan' is no number"),
    ("learning_rate = 1e999", "too large"),
    ("W1[1,1] = 1/0", "no finite number"),
    ("W1[1,1] = 10**400", "no finite number"),
    ("W1[1,1] = (-1)**0.5", "no finite number"),
    ("W1[1,1] = x[1]", "means nothing|no number"),
    ("W1[1,1] =", "Write a name"),
    ("W1[1,1]", "Write a name"),
    ("= 3", "Write a name"),
    (" ; ; ", "Write a name"),
    ("W1[1,1] = 0.5", "already"),
    ("W9 = 1", "There is no W9"),
    ("W0[1,1] = 1", "There is no W0"),
    ("W1[3,1] = 1", "no element"),
    ("W1[0,1] = 1", "no element"),
    ("W1[1] = 1", "no element"),
    ("W1 = [[1, 2], [3]]", "row 2|Row 2"),
    ("W1 = [1, 2]", "list of numbers"),
    ("W1 = [[1, 2], [3, 4]", "matrix row by row"),
    ("W1 = " + "[" * 60, "means nothing"),
    ("seed = 1.5", "whole number"),
    ("seed = -1", "at least 0"),
    ("batch = some", "'some'"),
    ("y = 2", "wants 0 to 1"),
    ("target = 1", "goes with cross_entropy"),
    ("beta1 = 0.5", "not used"),
    ("layer 3 activation = relu", "no layer 3"),
    ("layer 1 train_weights = maybe", "true or false"),
    ("dL/dW1 = 3", "follows from the rest"),
    ("nonsense = 3", "There is no 'nonsense'"),
    ("learning_rat = 3", r"did you mean 'learning_rate'\?$"),
    ("\x1b[31m = 3", "There is no"),
    ("W1[1,1] = __import__", "no number"),
    ("x" * (MAX_EDIT + 1), "longer than"),
    ("W1[1,1] = " + "(" * 200, "nested"),
]


@each("edit, said", REFUSED)
def test_what_cannot_be_is_refused_in_words(edit, said):
    ours = lesson()
    start = WhatIf(ours)
    with pytest.raises(Refused, match=said) as error:
        start.apply(edit, here(trace(ours), 0, "dz"))
    assert "\x1b" not in str(error.value)


@given(st.text(max_size=60) | st.builds("{} = {}".format, st.sampled_from(["W1", "x", "loss", "b1[1]"]), st.text()))
@settings(max_examples=100)
def test_nothing_that_is_typed_fails(text):
    ours = lesson()
    try:
        changed = WhatIf(ours).apply(text, Here())
    except Refused as error:
        assert str(error)
    else:
        assert read_back(changed.text("new.toml"), ours)


def test_several_at_once_where_one_alone_cannot_be():
    ours = network_lesson([dense([[1, 2], [3, 4]], [0, 0], "sigmoid")], "binary_cross_entropy", [[1, 2]], [[0, 1]])
    changed = WhatIf(ours)
    with pytest.raises(Refused):
        changed.apply("loss = cross_entropy")
    made = changed.apply("loss = cross_entropy; layer 1 activation = softmax")
    assert made.lesson.network.loss == "cross_entropy"
    assert made.apply("target = 1").lesson.targets.tolist() == [[1, 0]]
    assert made.undo().at == 0, "they are one step"


@settings(max_examples=30)
@given(strategies.lessons(), st.data())
def test_every_setting_that_is_listed_can_be_set(ours, data):
    """What the list shows is a name that is understood, its value is what it is, and moving it a little is legal."""
    changed = WhatIf(ours)
    listed = changed.settings()
    names = [setting.name for setting in listed]
    assert len(set(names)) == len(names)
    for setting in listed:
        assert changed.find(setting.name) == setting
        assert shown(changed.value(setting))
    setting = data.draw(st.sampled_from(listed))
    try:
        moved = changed.nudge(setting, data.draw(st.sampled_from([1, -1])))
    except Refused as error:
        assert str(error)
        return
    assert {change.name for change in moved.changes} == {setting.name}
    same_model(moved.unmarked, read_back(moved.text("other.toml"), ours))


def test_an_author_may_call_an_input_what_a_setting_is_called():
    ours = circuit_lesson(["f = learning_rate * x"], training=Training(0.1), learning_rate=2, x=3)
    changed = WhatIf(ours).apply("learning_rate = 5")
    assert changed.lesson.circuit.inputs["learning_rate"] == 5 and changed.lesson.training.learning_rate == 0.1
    assert [setting.name for setting in changed.settings()].count("learning_rate") == 1


def test_moving_a_little():
    changed = WhatIf(lesson())

    def after(name, by, start=None):
        begin = changed.apply(f"{name} = {start}") if start is not None else changed
        moved = begin.nudge(begin.find(name), by)
        return moved.value(moved.find(name))

    assert after("learning_rate", 1) == 0.51 and after("learning_rate", -1, 0.1) == 0.099
    assert after("learning_rate", -1, 1e-9) == 9.9e-10, "never to 0, which it may not be"
    assert after("W1[1,1]", -1, -3) == -3.1 and after("W1[1,1]", 1, 0) == 0.1
    assert after("layer 1 activation", 1) == "tanh" and after("layer 1 activation", -1) == "linear"
    assert after("loss", 1) == "huber", "past cross_entropy and hinge, which output and targets do not allow"
    assert after("y", 1) == 0, "the other class"
    assert after("seed", 1) == 1 and after("layer 1 train_biases", 1) is False
    with pytest.raises(Refused, match="at least 0"):
        after("seed", -1)


def test_notes_say_that_their_numbers_are_the_lessons():
    ours = lesson()
    made = WhatIf(ours).apply("W1[1,1] = 2").lesson
    for before, after in zip(ours.notes, made.notes, strict=True):
        assert before.text.lstrip() in after.text
    assert any(note.text.startswith("*Written for the lesson as it was:*") for note in made.notes)
    plain = dataclasses.replace(ours, notes=(Note("L", "No number but {a2} and `2`."),))
    assert WhatIf(plain).apply("W1[1,1] = 2").lesson.notes == plain.notes


def test_notes_and_questions_without_their_step_are_left_out():
    ours = lesson()
    extra = WhatIf(ours).apply("l2 = 0.1; optimizer = momentum").unmarked
    extra = dataclasses.replace(
        extra,
        notes=(Note("J", "About J."), Note("L", "About L.", 1)),
        quiz_steps=("J", "dL/dW2"),
        questions=(AuthorQuestion(step="J"), AuthorQuestion(ask="How much?", kind="number", answer=3.0, at=1)),
    )
    changed = WhatIf(extra).apply("l2 = 0")
    assert [note.step for note in changed.lesson.notes] == ["L"]
    assert changed.lesson.quiz_steps == ("dL/dW2",) and changed.lesson.questions == ()
    assert changed.undo().lesson is extra
    with_l2 = WhatIf(extra).apply("l2 = 0.2").lesson
    assert [q.step for q in with_l2.questions] == ["J"], "the author's own answer was for the author's numbers"


def test_a_changed_lesson_as_a_file(tmp_path):
    ours = lesson()
    changed = WhatIf(ours).apply("W1[1,2] = 0.3; layer 1 activation = tanh; batch = all")
    file = tmp_path / "changed.toml"
    save(changed.text(file), file)
    theirs, problems = examine(file)
    assert not [problem for problem in problems if problem.severity == "error"]
    same_model(changed.lesson, theirs)
    assert theirs.title == "Two inputs, yes or no (what if)" and theirs.intro == ours.intro
    head = file.read_text().partition("format = 1")[0]
    assert "# From Two inputs, yes or no (o-classification), with changes:" in head
    for said in ("W1[1,2]: −0.4 → 0.3", "layer 1 activation: sigmoid → tanh", "batch: 1 → all"):
        assert f"#   {said}\n" in head


def test_a_file_does_not_require_itself(tmp_path):
    file = tmp_path / "05-sigmoid-neuron.toml"
    save(WhatIf(lesson()).text(file), file)
    found, problems = examine(file)
    assert found.requires == ("o-regression",)
    (said,) = problems  # the file has the id of a lesson of ours, which is told and no more
    assert said.severity == "warning" and "another lesson is called 'sigmoid-neuron'" in said.message


def test_an_edit_of_a_tiny_network_is_little_work_and_no_more_after_many():
    """Everything follows: the edit and all values of the iteration. The edits before are not made again."""
    ours = lesson()
    changed, efforts = WhatIf(ours), []

    def edit(k: int) -> None:
        nonlocal changed
        changed = changed.apply(f"W1[1,1] = {k}", here(trace(ours), 0, "dz"))
        trace(changed.lesson)

    for k in range(10):
        efforts.append(effort(lambda: edit(k)))
    assert max(efforts) < 300_000 and max(efforts[1:]) < 1.2 * min(efforts[1:]), efforts


# ---------------------------------------------------------------- side by side


def test_runs_side_by_side_are_the_runs_themselves():
    ours = lesson()
    comparison = Comparison(ours, "learning_rate", ["0.1", "1"])
    assert comparison.train(30)
    for contender, rate in zip(comparison.contenders, (0.1, 1.0), strict=True):
        alone = Run(dataclasses.replace(ours, training=Training(learning_rate=rate)))
        alone.train(60)
        assert np.array_equal(contender.losses, alone.epoch_losses) and len(contender.losses) == 30
    labels = [curve.label for curve in curves(comparison)]
    assert labels == ["0.1", "1"]
    assert all(np.array_equal(curve.xs, np.arange(1, 31)) for curve in curves(comparison))


def test_the_words_say_what_the_curves_show():
    comparison = Comparison(lesson("gates"), "learning_rate", ["0.01", "0.02"])
    comparison.train(2)
    # f = (x + y)z from −12, by hand: (x, y, z) moves by −η(z, z, x + y)
    ends = [(3 + 8 * rate) * (-4 - 3 * rate) for rate in (0.01, 0.02)]
    assert [c.losses[-1] for c in comparison.contenders] == pytest.approx(ends, rel=1e-12)
    assert comparison.words() == [
        f"learning_rate 0.02 ends lowest, at −{-ends[1]:.6g}.",
        f"learning_rate 0.01: f is −12 in epoch 1, −{-ends[0]:.6g} in epoch 2.",
        f"learning_rate 0.02: f is −12 in epoch 1, −{-ends[1]:.6g} in epoch 2.",
    ]


def test_a_run_that_diverges_is_told_and_the_others_go_on():
    comparison = Comparison(lesson("o-regression"), "learning_rate", ["0.05", "9"])
    comparison.train(20)
    steady, wild = comparison.contenders
    assert steady.epochs == 20 and wild.run.diverged is not None and wild.epochs < 20
    assert comparison.words()[0].startswith("learning_rate 0.05 ends lowest")
    assert f"diverged in iteration {wild.run.diverged}" in comparison.words()[2]
    assert "diverged" in comparison.brief()[2]


def test_training_on_is_the_same_as_training_at_once():
    ours = lesson("p-deep")
    parts, whole = (Comparison(ours, "optimizer", ["sgd", "adam"]) for _ in range(2))
    for epochs in (3, 11, 20):
        parts.train(epochs)
    whole.train(20)
    for one, other in zip(parts.contenders, whole.contenders, strict=True):
        assert np.array_equal(one.losses, other.losses)
    assert [contender.epochs for contender in parts.again().contenders] == [0, 0]


def test_training_can_be_stopped():
    comparison = Comparison(lesson(), "learning_rate", ["0.1", "1"])
    assert comparison.train(100, lambda: False) is False
    assert comparison.words()


def test_different_losses_are_not_held_against_each_other():
    comparison = Comparison(lesson("o-regression"), "loss", ["squared_error", "half_squared_error"])
    comparison.train(2)
    assert comparison.words()[0].startswith("Their losses are different measures")


@pytest.mark.parametrize("number, id", [*enumerate(LESSONS)])
def test_every_suggestion_can_be_compared(number, id):
    """Every second one, beginning with another one in each lesson."""
    ours = lesson(id)
    for _, name, values in suggestions(ours)[slice(None) if strategies.DEEP else slice(number % 2, None, 2)]:
        comparison = Comparison(ours, *asked(f"{name} = {' '.join(values)}"))
        comparison.train(1)
        assert len({contender.label for contender in comparison.contenders}) == len(comparison.contenders)
    assert bool(suggestions(ours)) == bool(ours.training)


@pytest.mark.parametrize(
    "text",
    ["", "learning_rate", "learning_rate 0.1", "learning_rate 0.1 0.1", "learning_rate 1 2 3 4 5", "nonsense 1 2",
     "learning_rate 1 nan", "layer 9 activation = relu tanh"],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(text):
    with pytest.raises(Refused):
        Comparison(lesson(), *asked(text))


def test_names_for_what_is_compared():
    assert asked("learning_rate 0.1 0.5") == ("learning_rate", ["0.1", "0.5"])
    assert asked("layer 1 activation = relu, tanh") == ("layer 1 activation", ["relu", "tanh"])
    ours = lesson("p-deep")
    made = Comparison(ours, "activation", ["relu", "tanh"]).contenders[0].lesson
    assert [layer.activation for layer in made.network.layers] == ["relu", "relu", "softmax"]


def test_every_entry_of_the_tables_can_be_chosen():
    """An activation, a loss or an optimiser that is added is one that a learner can change to."""
    ours = network_lesson([dense([[1.0]], [0.0]), dense([[1.0]], [0.0])], "squared_error", [[0.5]], [[1.0]])
    changed = WhatIf(ours)
    for name in ACTIVATIONS:
        if name != "linear":
            assert changed.apply(f"layer 1 activation = {name}").lesson.network.layers[0].activation == name
    for name, entry in LOSSES.items():
        if name != "squared_error":
            also = f"; layer 2 activation = {entry.wants}" if entry.wants else ""
            assert changed.apply(f"loss = {name}{also}").lesson.network.loss == name
    for name in OPTIMIZERS:
        if name != "sgd":
            assert changed.apply(f"optimizer = {name}").lesson.training.optimizer == name


def test_untrained_circuits_have_no_runs():
    with pytest.raises(Refused, match="not trained"):
        Comparison(circuit_lesson(["f = x * y"], x=2, y=3), "x", ["1", "2"])


def test_the_words_of_a_comparison_only_grow():
    comparison = Comparison(lesson(), "seed", ["1", "2"])
    lengths = []
    for epochs in (1, 5, 9):
        comparison.train(epochs)
        lengths.append(comparison.epochs)
    assert all(a < b for a, b in pairwise(lengths)) and "end at the same loss" in comparison.words()[0]


def test_compare_on_the_command_line(capsys):
    assert commands.main(["compare", "gates", "learning_rate", "0.01", "0.02", "--epochs", "2"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("learning_rate 0.02 ends lowest") and len(said) == 3
    assert commands.main(["compare", "o-regression", "W1[1,2]", "-3", "0.1", "--epochs", "1"]) == 0
    capsys.readouterr()
    for wrong, expected in (
        (["gates", "learning_rate", "0.1"], "2 to 4"),
        (["gates", "nonsense", "1", "2"], "nonsense"),
        (["sigmoid-neuron", "x1", "1", "2"], "not trained"),
        (["gates", "x", "1", "2", "--epochs", "0"], "--epochs"),
    ):
        assert commands.main(["compare", *wrong]) == 2
        out, err = capsys.readouterr()
        assert not out and expected in err and err.count("\n") == 1
