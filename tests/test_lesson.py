"""Valid lesson files: what is read is what was written, with the documented defaults."""

import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from effort import effort
from tutor.engine.expressions import evaluate, refs
from tutor.engine.lesson import INITIALISERS, AuthorQuestion, Layer, Lesson, Note, Training, WrongAnswer
from tutor.lessonfiles import schema, validation
from tutor.lessonfiles.faults import Faults
from tutor.lessonfiles.file_names import lesson_id
from tutor.lessonfiles.positions import Source
from tutor.lessonfiles.reading.lesson import read

DOCS = Path(__file__).parent.parent / "docs" / "lesson-format.md"

NETWORK = """format = 1
title = "Two inputs, one salary"
summary = "one line"
unit = "Light math"
level = "matrix"
notation = "delta"
requires = ["gates", "sigmoid-neuron"]
intro = '''# Hello
**world**'''
outro = "Bye"

[network]
inputs = ["iq", "cgpa"]
loss = "cross_entropy"

[[network.layers]]
units = ["left", "right"]
activation = "leaky_relu"
alpha = 0.2
weights = [[0.15, 0.20], [0.25, 3]]
biases = [0.35, -1]
train_weights = false
train_biases = false

[[network.layers]]
units = 3
activation = "softmax"
weights = "he"
biases = false

[[examples]]
inputs = [80, 8]
target = 2

[[examples]]
inputs = [60, 9]
targets = [0.2, 0.5, 0.3]

[training]
learning_rate = 1
optimizer = "adamw"
batch = "all"
order = "shuffled"
seed = 7
l2 = 0.5
beta1 = 0.8
beta2 = 0.9
epsilon = 1e-6
weight_decay = 0

[[notes]]
step = "dL/dz2"
text = "look"
"""

CIRCUIT = """format = 1
title = "Gates"

[circuit]
define = ["q = x + y", "f = q * z"]
output = "f"
[circuit.inputs]
x = -2
y = 5
z = -4
"""

SMALL = """format = 1
title = "Small"
[network]
inputs = 2
loss = "squared_error"
[[network.layers]]
units = 1
[[examples]]
inputs = [1, 2]
targets = [3]
"""


@pytest.fixture
def load(tmp_path):
    def load(text: str | bytes, name: str = "01-lesson.toml") -> Lesson:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        lesson, problems, source = read(path)
        assert not problems, "\n".join(map(str, problems))
        assert source is not None and lesson is not None
        return lesson

    return load


def test_every_key_of_a_network(load):
    lesson = load(NETWORK)
    assert (lesson.id, lesson.title, lesson.summary, lesson.unit) == (
        "lesson", "Two inputs, one salary", "one line", "Light math"
    )  # fmt: skip
    assert (lesson.level, lesson.notation, lesson.requires) == ("matrix", "delta", ("gates", "sigmoid-neuron"))
    assert (lesson.intro, lesson.outro) == ("# Hello\n**world**", "Bye")
    network = lesson.network
    assert (network.inputs, network.input_names, network.loss) == (2, ("iq", "cgpa"), "cross_entropy")
    first, second = network.layers
    assert (first.units, first.names, first.activation, first.alpha) == (2, ("left", "right"), "leaky_relu", 0.2)
    assert (first.train_weights, first.train_biases) == (False, False)
    np.testing.assert_array_equal(first.weights, [[0.15, 0.20], [0.25, 3.0]])
    np.testing.assert_array_equal(first.biases, [0.35, -1])
    assert first.weights.dtype == first.biases.dtype == lesson.inputs.dtype == lesson.targets.dtype == np.float64
    assert (second.units, second.names, second.weights, second.biases) == (3, None, "he", None)
    np.testing.assert_array_equal(lesson.inputs, [[80, 8], [60, 9]])
    np.testing.assert_array_equal(lesson.targets, [[0, 1, 0], [0.2, 0.5, 0.3]])
    assert lesson.training == Training(
        learning_rate=1.0, optimizer="adamw", batch="all", order="shuffled", seed=7, l2=0.5,
        beta1=0.8, beta2=0.9, epsilon=1e-6, weight_decay=0.0,
    )  # fmt: skip
    assert isinstance(lesson.training.learning_rate, float)
    assert lesson.notes == (Note("dL/dz2", "look", 0),)


def test_defaults_of_a_network(load):
    lesson = load(SMALL)
    (layer,) = lesson.network.layers
    assert (layer.activation, layer.weights, layer.alpha) == ("linear", "xavier", 0.01)
    assert (layer.train_weights, layer.train_biases, layer.names) == (True, True, None)
    np.testing.assert_array_equal(layer.biases, [0.0])
    assert lesson.training == Training()
    assert (lesson.level, lesson.notation, lesson.requires, lesson.notes) == ("scalar", "dz", (), ())


def test_a_circuit(load):
    lesson = load(CIRCUIT)
    circuit = lesson.circuit
    assert circuit.inputs == {"x": -2.0, "y": 5.0, "z": -4.0} and circuit.output == "f"
    assert [d.name for d in circuit.definitions] == ["q", "f"]
    assert [d.line for d in circuit.definitions] == ["q = x + y", "f = q * z"]
    assert [ref.id for ref in refs(circuit.definitions[1].formula)] == ["q", "z"]
    values = dict(circuit.inputs)
    for definition in circuit.definitions:
        values[definition.name] = evaluate(definition.formula, lambda ref: values[ref.id])
    assert values["f"] == -12
    assert lesson.training is None and lesson.network is None


def test_a_circuit_may_be_trained_and_name_a_node_as_it_likes(load):
    text = CIRCUIT.replace('"q = x + y", "f = q * z"', '"e = sigmoid(x) ** 2", "größe=relu(e) - y", "f = größe·z"')
    lesson = load(text + '[training]\nlearning_rate = 0.5\nbatch = 1\norder = "listed"\nl2 = 0\n')
    assert [d.name for d in lesson.circuit.definitions] == ["e", "größe", "f"]
    assert lesson.training.learning_rate == 0.5


QUESTIONS = """
[quiz]
steps = ["z1", "dL/dW1[1,2]"]

[[questions]]
step = "dL/dW1[1,2]"

[[questions]]
step = "dL/dW1"
kind = "shape"
hints = ["rows first", "then columns"]
wrong = [{answer = "2 × 1", says = "Turned round."}, { answer = 2, says = "Rows × columns." }]

[[questions]]
ask = "How many?"
step = "L"
digits = 4
answer = 9
wrong = [{answer = 8, says = "One more."}]

[[questions]]
ask = "Which?"
choices = ["left", "right"]
answer = "right"
"""


def test_quiz_and_questions(load):
    lesson = load(SMALL + QUESTIONS)
    assert lesson.quiz_steps == ("z1", "dL/dW1[1,2]")
    value, shape, number, choice = lesson.questions
    assert value == AuthorQuestion(step="dL/dW1[1,2]", kind="value", digits=3, at=0)
    assert shape.hints == ("rows first", "then columns") and shape.kind == "shape" and shape.at == 1
    assert shape.wrong == (WrongAnswer("2 × 1", "Turned round."), WrongAnswer(2.0, "Rows × columns."))
    assert (number.kind, number.step, number.answer, number.digits, number.at) == ("number", "L", 9.0, 4, 2)
    assert (choice.kind, choice.choices) == ("choice", ("left", "right"))
    assert (choice.answer, choice.right_choices) == ("right", (1,))
    assert load(SMALL + QUESTIONS.replace('answer = "right"', "answer = 2")).questions[3].right_choices == (1,)
    assert load(SMALL).quiz_steps == () and load(SMALL).questions == ()


def test_squared_losses_follow_any_activation(load):
    for loss in ("squared_error", "half_squared_error", "mean_squared_error"):
        for activation in schema.SCHEMA["properties"]["network"]["properties"]["layers"]["items"]["properties"][
            "activation"
        ]["enum"]:
            load(
                SMALL.replace('"squared_error"', f'"{loss}"').replace(
                    "units = 1", f'units = 1\nactivation = "{activation}"'
                )
            )


@pytest.mark.parametrize("dressed", [
    lambda text: b"\xef\xbb\xbf" + text.encode(),
    lambda text: text.replace("\n", "\r\n").encode(),
    lambda text: ("# größe ŷ 漢字 \u202e\n" + text).encode(),
])  # fmt: skip
def test_encodings(load, dressed):
    assert load(dressed(SMALL)).title == "Small"


def test_other_ways_to_write_the_same_toml(load):
    text = """format = 1
title = "Small"
network.inputs = 2
network.loss = "squared_error"
network."layers" = [ {units = 1, weights = [ # a comment
  [1, 2], ]} ]
examples = [{inputs = [1, 2], targets = [3]}]
"""
    np.testing.assert_array_equal(load(text).network.layers[0].weights, [[1, 2]])


def test_heads_are_one_line(load):
    assert load(SMALL.replace('"Small"', '"""Small\n  and fine"""')).title == "Small and fine"


@pytest.mark.parametrize("name, expected", [
    ("01-gates.toml", "gates"), ("gates.toml", "gates"), ("02_two_words.toml", "two_words"), ("10.toml", "10"),
    ("3-layers-4.toml", "layers-4"), ("a/b/07-deep.toml", "deep"), ("1\x1b-x.toml", "1\\x1b-x"),
])  # fmt: skip
def test_lesson_id(name, expected):
    assert lesson_id(name) == expected


def test_a_large_matrix_is_checked_with_less_than_a_call_for_each_number():
    row = [0.25] * 784
    layers = [{"units": 30, "weights": [row] * 30}]
    data = {"format": 1, "title": "t", "network": {"inputs": 784, "loss": "squared_error", "layers": layers}}
    faults = Faults()
    assert effort(lambda: validation.check(data, faults)) < 784 * 30
    assert not faults.found


# ---------------------------------------------------------------- the schema and its documentation


def test_every_key_is_described_and_defaults_are_those_of_the_dataclasses():
    defaults = {
        path: part.default
        for of, path in (
            (Lesson, ()),
            (Layer, ("network", "layers")),
            (Training, ("training",)),
            (AuthorQuestion, ("questions",)),
        )
        for part in fields(of)
        for path in [(*path, part.name)]
    }
    for path, part in schema.keys():
        assert part["description"].endswith((".", ";")), path
        if "default" in part:
            default = defaults.get(path, part["default"])
            assert part["default"] == (list(default) if isinstance(default, tuple) else default), path
            faults = Faults()
            validation._check(part, part["default"], path, faults)
            assert not faults.found
    training = {path[-1] for path, part in schema.keys() if path[0] == "training" and len(path) == 2}
    assert training == {part.name for part in fields(Training)}


def test_the_schema_is_json():
    assert json.loads(json.dumps(schema.SCHEMA)) == schema.SCHEMA


def test_the_reference_names_every_key_and_value():
    text = DOCS.read_text(encoding="utf-8")
    for path, part in schema.keys():
        assert f"`{path[-1]}`" in text, path
        for choice in part.get("enum", ()):
            assert f"`{choice}`" in text or f'`"{choice}"`' in text, (path, choice)
    for word in (*INITIALISERS, "all"):
        assert f'`"{word}"`' in text


def test_the_examples_of_the_reference_load(load):
    examples = re.findall(r"```toml\n(format.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    lessons = [load(example) for example in examples]
    assert any(lesson.network for lesson in lessons) and any(lesson.circuit for lesson in lessons)


# ---------------------------------------------------------------- positions

POSITIONS = '''"top key" = 'a'
a.b."c d".e = {x.y = 1, "z" = [1, # comment ]
  {deep = [2, 3]}]}
[network]
  "größe" = "ab\\tc\\u0041d\\U0001F600e"
[[network.layers]]
weights = [[1, 2], [3,
  4]]
[[ network . layers ]]
[network.layers.'sub']
k = """
one \\
   two
three"""
l = \'\'\'x
y\'\'\'
[later.table]
v = 1
[later]
w = 2
'''


@pytest.mark.parametrize("path, where", [
    (("top key",), (1, 13)),
    (("a",), (2, 1)),
    (("a", "b", "c d", "e"), (2, 15)),
    (("a", "b", "c d", "e", "x", "y"), (2, 22)),
    (("a", "b", "c d", "e", "z", 0), (2, 32)),
    (("a", "b", "c d", "e", "z", 1, "deep", 1), (3, 15)),
    (("network",), (4, 1)),
    (("network", "größe"), (5, 13)),
    (("network", "layers"), (6, 1)),
    (("network", "layers", 0, "weights", 0, 1), (7, 16)),
    (("network", "layers", 0, "weights", 1, 1), (8, 3)),
    (("network", "layers", 0, "units"), (6, 1)),
    (("network", "layers", 1), (9, 1)),
    (("network", "layers", 1, "sub"), (10, 1)),
    (("later", "table", "v"), (18, 5)),
    (("later",), (19, 1)),
    (("nowhere", "at", "all"), (1, 1)),
    ((), (1, 1)),
])  # fmt: skip
@pytest.mark.parametrize("dress", [lambda t: t, lambda t: "\ufeff" + t.replace("\n", "\r\n")])
def test_locate(path, where, dress):
    assert Source("x.toml", dress(POSITIONS)).locate(path) == where


def test_locate_a_key():
    source = Source("x.toml", POSITIONS)
    assert source.locate(("top key",), key=True) == (1, 1)
    assert source.locate(("network", "größe"), key=True) == (5, 3)
    assert source.locate(("a", "b", "c d", "e", "z"), key=True) == (2, 25)
    assert source.locate(("network", "layers", 1, "sub", "k"), key=True) == (11, 1)


def test_locate_inside_a_string():
    source = Source("x.toml", POSITIONS)
    columns = [source.locate(("network", "größe"), offset=i) for i in range(9)]
    assert columns == [(5, c) for c in (14, 15, 16, 18, 19, 25, 26, 36, 37)]  # a b \t c \u0041 d \U0001F600 e end
    assert source.locate(("top key",), offset=1) == (1, 15)
    where = ("network", "layers", 1, "sub")
    assert source.locate((*where, "k"), offset=0) == (12, 1)
    assert source.locate((*where, "k"), offset=4) == (13, 4)
    assert source.locate((*where, "k"), offset=8) == (14, 1)
    assert source.locate((*where, "l"), offset=2) == (16, 1)


def test_what_a_lesson_leaves_out_is_what_the_format_says():
    said = json.loads((Path(__file__).parent.parent / "assets" / "lesson.schema.json").read_text("utf-8"))
    keys = said["properties"]["training"]["properties"]
    defaults = {name: keys[name]["default"] for name in vars(Training()) if "default" in keys.get(name, {})}
    assert defaults.items() <= vars(Training()).items() and len(defaults) >= 10
