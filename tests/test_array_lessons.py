"""Lessons with arrays: what a file may say, what is told of one that is wrong, and the way back into a file."""

# ruff: noqa: E501 (a table reads best with one row a line)

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import tutor
from each import each
from tutor.engine.expressions import evaluate
from tutor.lessonfiles import schema
from tutor.lessonfiles.check import examine
from tutor.lessonfiles.positions import given_source
from tutor.lessonfiles.reading import circuit_inputs
from tutor.lessonfiles.reading.lesson import read
from tutor.lessonfiles.toml_syntax import parse_toml
from tutor.lessonfiles.writing import lesson_text

ATTENTION = """format = 1
title = "Attention"

[circuit]
define = [
  "Q = X @ Wq",
  "K = X @ Wk",
  "V = X @ Wv",
  "S = Q @ K.T / sqrt(2)",
  "P = softmax(causal(S))",
  "O = P @ V",
  "L = sum((O - Y)**2) / 2",
]
output = "L"
parameters = ["Wq", "Wk", "Wv"]
data = ["Y"]

[circuit.inputs]
X = [[1.0, 0.0], [0.0, 2.0]]
Wq = [[0.5, 1.0], [1.0, 0.0]]
Wk = [[1.0, 0.5], [0.0, 1.0]]
Wv = [[2.0, 0.0], [1.0, 1.0]]
Y = [[1.0, 1.0], [0.0, 2.0]]

[training]
learning_rate = 0.1
"""

RNN = """format = 1
title = "Three steps"

[circuit]
repeat = { t = [1, 3] }
define = [
  "h{t} = tanh(Wx @ x{t} + Wh @ h{t-1} + b)",
  "L{t} = sum((h{t} - y{t})**2)",
  "L = L1 + L2 + L3",
]
output = "L"
parameters = ["Wx", "Wh", "b"]
data = ["y", "h0"]

[circuit.inputs]
x = [[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]
y = [[0.5, 0.0], [0.0, 0.5], [0.5, 0.5]]
h0 = [0, 0]
Wx = [[0.5, 1.0], [1.0, 0.0]]
Wh = [[1.0, 0.5], [0.0, 1.0]]
b = [0.0, 0.5]
"""

BY_HAND = """format = 1
title = "Three steps"

[circuit]
define = [
  "h1 = tanh(Wx @ x1 + Wh @ h0 + b)",
  "L1 = sum((h1 - y1)**2)",
  "h2 = tanh(Wx @ x2 + Wh @ h1 + b)",
  "L2 = sum((h2 - y2)**2)",
  "h3 = tanh(Wx @ x3 + Wh @ h2 + b)",
  "L3 = sum((h3 - y3)**2)",
  "L = L1 + L2 + L3",
]
output = "L"
parameters = ["Wx", "Wh", "b"]
data = ["y1", "y2", "y3", "h0"]

[circuit.inputs]
x1 = [1.0, 0.0]
x2 = [0.0, 2.0]
x3 = [1.0, 1.0]
y1 = [0.5, 0.0]
y2 = [0.0, 0.5]
y3 = [0.5, 0.5]
h0 = [0, 0]
Wx = [[0.5, 1.0], [1.0, 0.0]]
Wh = [[1.0, 0.5], [0.0, 1.0]]
b = [0.0, 0.5]
"""

LINE = """format = 1
title = "A line"

[circuit]
define = ["p = X @ w + b", "L = (p - y)**2"]
output = "L"
data = ["y"]

[circuit.inputs]
w = [1.0, 2.0]
b = 0.5

[[examples]]
X = [1.0, 2.0]
y = 3.0

[[examples]]
X = [0.0, 1.0]
y = 1

[training]
batch = "all"
"""

WORDS = """format = 1
title = "Words"

[circuit]
define = ["x = embedding(E, ids)", "z = x @ W", "L = cross_entropy(z, c)"]
output = "L"
data = ["ids", "c"]

[circuit.inputs]
E = [[1, 0], [0, 1], [1, 1]]
ids = [3, 1]
W = [[1, 2], [3, 4]]
c = [1, 2]
"""


@pytest.fixture
def file(tmp_path):
    def file(text, name="t.toml", **others):
        for other, content in others.items():
            (tmp_path / f"{other}.csv").write_text(content)
        path = tmp_path / name
        path.write_text(text)
        return path

    return file


@pytest.fixture
def lesson(file):
    def lesson(text, **others):
        found, problems, _ = read(file(text, **others))
        assert not problems, "\n".join(map(str, problems))
        return found

    return lesson


@pytest.fixture
def only(file):
    def only(text, **others):
        _, problems, _ = read(file(text, **others))
        assert len(problems) == 1, "\n".join(map(str, problems))
        (problem,) = problems
        return problem

    return only


def forward(circuit, example=None):
    """Every value of a circuit, worked out line by line."""
    values = dict(circuit.inputs)
    if example is not None:
        values |= {name: given[example] for name, given in circuit.examples.items()}
    for line in circuit.definitions:
        values[line.name] = evaluate(line.formula, lambda ref: values[ref.symbol.id])
        assert np.shape(values[line.name]) == line.formula.shape
    return values


def same(one, other):
    assert list(one.inputs) == list(other.inputs)
    for name, value in one.inputs.items():
        assert np.array_equal(value, other.inputs[name]) and np.shape(value) == np.shape(other.inputs[name])
        assert isinstance(value, float) == isinstance(other.inputs[name], float)
    assert [(d.name, d.formula) for d in one.definitions] == [(d.name, d.formula) for d in other.definitions]
    assert (one.output, one.parameters, one.data) == (other.output, other.parameters, other.data)
    assert list(one.examples) == list(other.examples)
    assert all(np.array_equal(value, other.examples[name]) for name, value in one.examples.items())


# ---------------------------------------------------------------- what a file may say


def test_attention_is_read(lesson):
    circuit = lesson(ATTENTION).circuit
    assert circuit.parameters == ("Wq", "Wk", "Wv") and circuit.data == ("Y",) and not circuit.examples
    assert circuit.inputs["X"].dtype == float and circuit.inputs["X"].shape == (2, 2)
    found = forward(circuit)
    X, Wq, Wk, Wv, Y = (np.array(circuit.inputs[name]) for name in ("X", "Wq", "Wk", "Wv", "Y"))
    S = X @ Wq @ (X @ Wk).T / 2**0.5
    S[0, 1] = -np.inf
    P = np.exp(S) / np.exp(S).sum(1, keepdims=True)
    assert found["L"] == pytest.approx(((P @ X @ Wv - Y) ** 2).sum() / 2, rel=1e-14)


def test_what_is_left_out_is_every_input_but_data_and_what_examples_set(lesson):
    assert lesson(ATTENTION.replace('parameters = ["Wq", "Wk", "Wv"]\n', "")).circuit.parameters == (
        "X",
        "Wq",
        "Wk",
        "Wv",
    )
    assert lesson(LINE).circuit.parameters == ("w", "b")
    assert lesson(ATTENTION.replace('["Wq", "Wk", "Wv"]', "[]")).circuit.parameters == ()


@pytest.mark.parametrize("rank", range(5))
def test_an_input_has_a_rank_from_0_to_4(lesson, rank):
    value = 2.0
    for _ in range(rank):
        value = [value, value]
    text = f'format = 1\ntitle = "T"\n[circuit]\ndefine = ["L = sum(x)"]\noutput = "L"\n[circuit.inputs]\nx = {value}\n'
    found = lesson(text).circuit.inputs["x"]
    assert np.shape(found) == (2,) * rank and isinstance(found, float) == (rank == 0)


def test_lines_with_a_time_are_those_written_by_hand(lesson):
    same(lesson(RNN).circuit, lesson(BY_HAND).circuit)
    assert [line.at for line in lesson(RNN).circuit.definitions] == [0, 1, 0, 1, 0, 1, 2]
    assert [line.line for line in lesson(RNN).circuit.definitions] == [
        line.line for line in lesson(BY_HAND).circuit.definitions
    ]


def test_blocks_are_repeated_time_by_time_and_lines_without_stand_once(lesson):
    text = """format = 1
title = "T"
[circuit]
repeat = { t = [1, 2], s = [2, 1], l = [1, 2] }
define = ["a0 = u", "a{t} = a{t-1} + x{t}", "m = a1 * a2", "c{t} = m * x{t}", "d{ t }_0 = c{t}", "d{t}_{l} = d{t}_{l - 1} + 1",
          "r3 = 0 * m", "r{s} = r{s+1} + x{s}", "L = d1_2 + d2_2 + r1"]
output = "L"
[circuit.inputs]
u = 1
x = [2, 3]
"""
    names = [line.name for line in lesson(text).circuit.definitions]
    assert names == [
        "a0",
        "a1",
        "a2",
        "m",
        "c1",
        "d1_0",
        "d1_1",
        "d1_2",
        "c2",
        "d2_0",
        "d2_1",
        "d2_2",
        "r3",
        "r2",
        "r1",
        "L",
    ]
    assert forward(lesson(text).circuit)["L"] == (3 * 6 * 2 + 2) + (3 * 6 * 3 + 2) + 5


def test_an_input_given_time_by_time_needs_no_list(lesson):
    text = RNN.replace("x = [[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]", "x1 = [1.0, 0.0]\nx2 = [0.0, 2.0]\nx3 = [1.0, 1.0]")
    same(lesson(text).circuit, lesson(BY_HAND).circuit)


def test_examples_set_inputs_by_name(lesson):
    found = lesson(LINE)
    circuit = found.circuit
    assert circuit.examples["X"].tolist() == [[1, 2], [0, 1]] and circuit.examples["y"].tolist() == [3, 1]
    assert list(circuit.inputs) == ["w", "b", "X", "y"]
    assert circuit.inputs["X"].tolist() == [1, 2] and circuit.inputs["y"] == 3.0
    assert found.training.batch == "all"
    assert [forward(circuit, e)["L"] for e in range(2)] == [(1 + 4 + 0.5 - 3) ** 2, (2 + 0.5 - 1) ** 2]


def test_examples_may_give_all_times_at_once(lesson):
    text = RNN.replace("x = [[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]\n", "") + (
        "[[examples]]\nx = [[1, 0], [0, 2], [1, 1]]\n[[examples]]\nx = [[0, 0], [1, 2], [3, 4]]\n"
    )
    circuit = lesson(text).circuit
    assert circuit.examples["x2"].tolist() == [[0, 2], [1, 2]] and circuit.inputs["x3"].tolist() == [1, 1]
    assert "x" not in circuit.inputs and circuit.parameters == ("Wx", "Wh", "b")


def test_a_circuit_with_examples_is_trained_as_a_network_is(lesson):
    assert lesson(LINE.replace('[training]\nbatch = "all"\n', "")).training.batch == 1


TABLE = LINE[: LINE.index("[[examples]]")].replace('title = "A line"\n', 'title = "A line"\nexamples = "d.csv"\n')


@pytest.mark.parametrize("table", [
    'y,X[1],X[2],more\n3,1,2,a\n1,0,1,b\n', 'X[2];X[1];y\n2;1;3\n1;0;1\n', '"X[ 1 ]",X[2],y\n1,2,3\n0,1,1\n',
    'X[1];X[2];y\n1;2,0;3\n0;1;1\n',
])  # fmt: skip
def test_a_table_has_a_column_for_each_element(file, lesson, table):
    found, problems, _ = read(file(TABLE, d=table))
    assert all(problem.severity == "note" for problem in problems)  # of decimal commas
    circuit, other = found.circuit, lesson(LINE).circuit
    assert circuit.examples["X"].tolist() == other.examples["X"].tolist()
    assert circuit.examples["y"].tolist() == other.examples["y"].tolist() and found.data.name == "d.csv"


def test_a_matrix_in_a_table(lesson):
    text = TABLE.replace("X @ w", "sum(X @ w)")
    circuit = lesson(text, d='"X[1,1]","X[1,2]",X[2][1],X[2][2],y\n1,2,3,4,5\n6,7,8,9,0\n').circuit
    assert circuit.examples["X"].tolist() == [[[1, 2], [3, 4]], [[6, 7], [8, 9]]]


@pytest.mark.parametrize("name", ["row", "norm", "sum", "e", "pi", "softmax"])
def test_an_author_may_call_a_value_as_a_new_function_is_called(lesson, name):
    text = f'format = 1\ntitle = "T"\n[circuit]\ndefine = ["L = {name} * 2"]\noutput = "L"\ninputs = {{ {name} = 3 }}\n'
    assert forward(lesson(text).circuit)["L"] == 6


def test_probabilities_that_are_worked_out_are_targets_with_a_gradient(lesson):
    text = WORDS.replace("cross_entropy(z, c)", "cross_entropy(z, softmax(c))").replace(
        "c = [1, 2]", "c = [[1, 2], [0, 1]]"
    )
    assert "c" in lesson(text.replace('"ids", "c"', '"ids"')).circuit.parameters


def test_words_and_classes_are_read(lesson):
    found = forward(lesson(WORDS).circuit)
    z = np.array([[4.0, 6], [1, 2]])
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    assert found["L"] == pytest.approx(-(np.log(p[0, 0]) + np.log(p[1, 1])) / 2, rel=1e-14)
    probabilities = WORDS.replace("c = [1, 2]", "c = [[1, 0], [0.25, 0.75]]")
    wanted = -(np.log(p[0, 0]) + 0.25 * np.log(p[1, 0]) + 0.75 * np.log(p[1, 1])) / 2
    assert forward(lesson(probabilities).circuit)["L"] == pytest.approx(wanted, rel=1e-14)


# ---------------------------------------------------------------- what is told


# the text, what is replaced, by what, line, column, words
WRONG = [
    (ATTENTION, "Q @ K.T", "Q @ V0", 9, 12, ["unknown name 'V0'"]),
    (ATTENTION, "Wq = [[0.5, 1.0], [1.0, 0.0]]", "Wq = [[1, 2], [3, 4], [5, 6]]", 6, 10, ["(2, 2)", "(3, 2)", "the rows on the right"]),
    (ATTENTION, "Q @ K.T / sqrt(2)", "sum(Q, axis=2)", 9, 8, ["no axis 2", "2 × 2"]),
    (ATTENTION, "Q @ K.T / sqrt(2)", "sum(Q, 0)", 9, 8, ["axis and keepdims by name"]),
    (ATTENTION, "Q @ K.T / sqrt(2)", "Q.dot(K)", 9, 9, ["'.' means nothing", "write Q @ ..."]),
    (ATTENTION, "Q @ K.T / sqrt(2)", "torch.softmax(Q)", 9, 13, ["write softmax without what stands before it"]),
    (ATTENTION, "Q @ K.T / sqrt(2)", "Q.sum()", 9, 9, ["write sum(Q)"]),
    (ATTENTION, "Q @ K.T / sqrt(2)", "Q[1]", 9, 9, ["'[' means nothing", "row(x, 2)"]),
    (ATTENTION, "Q @ K.T / sqrt(2)", "softmax", 9, 8, ["softmax is a function: write softmax(...)"]),
    (ATTENTION, "Q @ K.T / sqrt(2)", "S @ K", 9, 8, ["'S' is defined by itself"]),
    (ATTENTION, "sum((O - Y)**2) / 2", "(O - Y)**2", 14, 10, ["the output 'L' is 2 × 2: it must be a single number", "sum(L)"]),
    (ATTENTION, '"Wk", "Wv"]', '"Wk", "Wb"]', 15, 27, ["'Wb' of parameters is no input", "inputs are: X, Wq"]),
    (ATTENTION, '"Wk", "Wv"]', '"Wk", "Y"]', 15, 27, ["'Y' is in parameters and in data"]),
    (ATTENTION, 'data = ["Y"]', 'data = ["S"]', 16, 9, ["'S' of data is no input"]),
    (ATTENTION, 'data = ["Y"]', 'data = ["Y", "Y"]', 16, 14, ["listed twice"]),
    (ATTENTION, "[0.0, 2.0]]\nWq", "[0.0]]\nWq", 19, 18, ["X[2] is a vector of 1", "a vector of 2", "equally long"]),
    (ATTENTION, "[0.0, 2.0]]\nWq", "2.0]\nWq", 19, 18, ["X[2] is a single number", "a vector of 2"]),
    (ATTENTION, "[0.0, 2.0]]\nWq", '[0.0, "2"]]\nWq', 19, 24, ["X[2,2] must be a number, not the text '2'"]),
    (ATTENTION, "[0.0, 2.0]]\nWq", "[0.0, nan]]\nWq", 19, 24, ["X[2,2] is nan: it must be a finite number"]),
    (ATTENTION, "[0.0, 2.0]]\nWq", "[0.0, inf]]\nWq", 19, 24, ["X[2,2] is inf"]),
    (ATTENTION, "[0.0, 2.0]]\nWq", "[0.0, true]]\nWq", 19, 24, ["X[2,2] must be a number, not true"]),
    (ATTENTION, "[[1.0, 0.0], [0.0, 2.0]]\nWq", "[]\nWq", 19, 5, ["'X' is empty"]),
    (ATTENTION, "[[1.0, 0.0], [0.0, 2.0]]\nWq", "[[], []]\nWq", 19, 6, ["X[1] is empty"]),
    (ATTENTION, "[[1.0, 0.0], [0.0, 2.0]]\nWq", "[[[[[1]]]]]\nWq", 19, 9, ["lists 5 deep: rank 4 is the most"]),
    (ATTENTION, "[[1.0, 0.0], [0.0, 2.0]]\nWq", '"drawn"\nWq', 19, 5, ["a number or a list of numbers or of rows, not the text 'drawn'"]),
    (ATTENTION, "[circuit.inputs]", "[circuit.inputs]\nmax = [1]", 19, 1, ["'max' is a function"]),
    (RNN, "t = [1, 3]", "t = [1]", 5, 16, ["at least 2 items"]),
    (RNN, "t = [1, 3]", "t = 3", 5, 16, ["the first and the last, such as [1, 3]"]),
    (RNN.replace("L2 + L3", "L2"), "t = [1, 3]", "t = [0, 2]", 7, 34, ["{t-1} is -1 where t is 0", "begin later"]),
    (RNN, "y = [[0.5, 0.0], [0.0, 0.5], [0.5, 0.5]]", "y = [[0.5, 0.0], [0.0, 0.5]]", 17, 5, ["y is 2 × 2", "3 times", "a list of 3"]),
    (RNN, "y = [[0.5, 0.0], [0.0, 0.5], [0.5, 0.5]]", "y = 1", 17, 5, ["y is a single number", "3 times"]),
    (RNN, "t = [1, 3]", "t = [1, 5000]", 5, 1, ["10,001", "5,000 are the most"]),
    (RNN, "x{t} +", "x{t+} +", 7, 22, ["'{t+}' says no time"]),
    (RNN, "x{t} +", "x{1} +", 7, 22, ["without braces: 1 behind the name"]),
    (RNN, "x{t} +", "x{t +", 7, 22, ["says no time"]),
    (RNN, "x{t} +", "x} +", 7, 22, ["'}' means nothing"]),
    (RNN, "L1 + L2 + L3", "L1 + L2 + L3 + sum(x)", 9, 27, ["'x' is written with a time elsewhere", "x1, x2, x3"]),
    (RNN, "b)", "bb)", 7, 42, ["unknown name 'bb'"]),
    (RNN.replace(', "h0"]', "]"), "h0 = [0, 0]\n", "", 7, 33, ["unknown name 'h0'", "h0 = ... under [circuit.inputs]"]),
    (RNN.replace(', "h0"]', "]"), "h0 = [0, 0]\n", "h0 = [0, [0]]\n", 18, 10, ["h0[2] is a vector of 1", "a single number"]),
    (RNN, "h0 = [0, 0]", "h0 = [0, 0, 0]", 7, 31, ["(2, 2)", "(3,)"]),
    (RNN, "x{t} + Wh @ h{t-1} + b", "x{t} + Wh @ h{t+1} + b", 7, 33, ["'h2' is used before it is defined"]),
    (LINE, "[[examples]]\nX = [0.0, 1.0]", "[[examples]]\nX = [0.0, 1.0, 2]", 18, 5, ["X of example 2 is a vector of 3; in example 1 it is a vector of 2"]),
    (LINE, "y = 1\n", "", 17, 1, ["example 2 does not set 'y'"]),
    (LINE, "y = 1\n", "y = 1\nZ = 2\n", 20, 1, ["example 2 sets 'Z', example 1 does not"]),
    (LINE, "X = [0.0, 1.0]", 'X = [0.0, "a"]', 18, 11, ["X[2] of example 2 must be a number"]),
    (LINE, "b = 0.5\n", "b = 0.5\nX = [1, 2, 3]\n", 15, 5, ["in [circuit.inputs] it is a vector of 3"]),
    (LINE, 'data = ["y"]', 'data = ["y"]\nparameters = ["w", "X"]', 8, 20, ["'X' is set by the examples"]),
    (LINE, "[training]", "[training]\nl2 = 0.1", 22, 1, ["l2 means nothing for a circuit", "0.01 / 2 * sum(W**2)"]),
    (WORDS, "ids = [3, 1]", "ids = [3, 4]", 11, 11, ["ids[2] is 4: an id is 1 to 3", "3 × 2"]),
    (WORDS, "ids = [3, 1]", "ids = [0, 1]", 11, 8, ["ids[1] is 0", "count from 1"]),
    (WORDS, "ids = [3, 1]", "ids = [1.5, 1]", 11, 8, ["ids[1] is 1.5: an id is a whole number"]),
    (WORDS, "c = [1, 2]", "c = [1, 3]", 13, 9, ["c[2] is 3: a class is 1 to 2"]),
    (WORDS, "c = [1, 2]", "c = [1, 2, 1]", 5, 54, ["2 × 2", "a vector of 3"]),
    (WORDS, "c = [1, 2]", "c = [[1, 0], [0.5, 0.25]]", 13, 14, ["c[2] sums to 0.75"]),
    (WORDS, "c = [1, 2]", "c = [[1, 0], [-0.5, 1.5]]", 13, 15, ["c[2,1] is -0.5: a probability is not negative"]),
    (WORDS, 'data = ["ids", "c"]', 'data = ["c"]', 5, 29, ["the ids of an embedding are data", "'ids' is not in data", 'write data = ["ids"]']),
    (WORDS, 'data = ["ids", "c"]', 'data = ["ids"]', 5, 71, ["the targets of a cross-entropy are data", "'c' is not in data"]),
]  # fmt: skip


@each("text, old, new, line, column, words", WRONG)
def test_one_mistake_is_one_problem_at_its_place(only, text, old, new, line, column, words):
    assert text.count(old) >= 1
    problem = only(text.replace(old, new, 1))
    said = f"{problem.message} | {problem.advice}"
    assert (problem.line, problem.column) == (line, column), said
    assert problem.severity == "error" and problem.advice
    for word in words:
        assert word in said, said


@pytest.mark.parametrize("old, new, words", [
    ("repeat = { t = [1, 3] }\n", "", "repeat = { t = [1, 3] }"), ("t = [1, 3]", "s = [1, 3]", "known here: s"),
])  # fmt: skip
def test_a_time_that_is_not_said_is_told_once_a_line(file, old, new, words):
    _, problems, _ = read(file(RNN.replace(old, new)))
    assert [(p.message, p.column) for p in problems] == [("there is no time 't'", 5)] * 2
    assert words in problems[0].advice


def test_a_network_s_words_are_refused_in_a_circuit_s_examples(only):
    for key in ("inputs", "targets", "target"):
        problem = only(LINE.replace("y = 3.0", f"y = 3.0\n{key} = 1", 1).replace("y = 1\n", f"y = 1\n{key} = 1\n", 1))
        assert (problem.line, problem.column) == (16, 1) and f"'{key}' goes with a [network]" in problem.message


@pytest.mark.parametrize("table, where, words", [
    ("y,X[1],X[3]\n3,1,2\n", (1, 3), "no column for X[2]"),
    ("y,X[0],X[1]\n3,1,2\n", (1, 3), "X[0] is no element"),
    ("y,X,X[1]\n3,1,2\n", (1, 3), "indices of different lengths"),
    ("y,X[1],X[2]\n3,1,a\n", (2, 5), "X[2] must be a finite number"),
    ("y,X[1],X[2]\n3,1,\n", (2, 5), "X[2] is missing"),
    ("a,c\n3,1\n", (1, 1), "no column is called as an input"),
    ("y,X[1,1],X[2,1]\n3,1,2,3,4\n", (1, 14), "there twice"),
    ("y,X[1,1],X[2,2]\n3,1,2,3,4\n", (1, 3), "ends in the middle of an index"),
    ("y,X[1,1],X[1,2]\n3,1,2,3\n", (1, 10), "there twice"),
    ("y,X[1],X[2],X[3]\n3,1,2,3\n", (6, 18), "(3,)"),
])  # fmt: skip
def test_what_is_wrong_in_a_table_is_told_there(only, table, where, words):
    problem = only(TABLE, d=table)
    assert (problem.line, problem.column) == where and words in problem.message.replace("'", ""), str(problem)


def test_a_class_out_of_range_in_a_table_is_told_in_the_table(only):
    text = WORDS.replace('title = "Words"', 'title = "Words"\nexamples = "d.csv"').replace("c = [1, 2]\n", "")
    problem = only(text, d="c[1],c[2]\n1,2\n2,5\n")
    assert problem.path.endswith("d.csv") and (problem.line, problem.column) == (3, 3)
    assert "c[2] of example 2 is 5: a class is 1 to 2" in problem.message


def test_ids_that_are_worked_out_are_looked_at_too(only, lesson):
    text = WORDS.replace("embedding(E, ids)", "embedding(E, reshape(row(both, 1), 2))").replace(
        "ids = [3, 1]", "both = [[3, 1], [7, 7]]"
    )
    text = text.replace('data = ["ids"', 'data = ["both"')
    assert forward(lesson(text).circuit)["x"].tolist() == [[1, 1], [1, 0]]
    problem = only(text.replace("row(both, 1)", "row(both, 2)"))
    assert problem.line == 5 and "what is given to embedding() is 7: an id is 1 to 3" in problem.message


def test_memory_is_refused_before_it_is_taken(only, monkeypatch):
    long = json.dumps([[1.0]] * 2000)
    text = f"""format = 1
title = "Large"
[circuit]
define = ["a = x @ x.T", "b = a + a", "c = b * b", "L = sum(c)"]
output = "L"
[circuit.inputs]
x = {long}
"""
    monkeypatch.setattr(circuit_inputs, "MAX_NUMBERS", 10_000_000)
    monkeypatch.setattr("tutor.lessonfiles.reading.circuit.MAX_NUMBERS", 10_000_000)
    problem = only(text)
    assert (problem.line, problem.column) == (4, 39) and "10,000,000 are the most" in problem.message
    problem = only(text.replace("x.T", "concat(x.T, x.T, x.T, axis=1)"))
    assert "2,000 × 6,000, 12,000,000 numbers" in problem.message and problem.line == 4


def test_an_input_that_leads_nowhere_is_told(file):
    _, problems = examine(file(ATTENTION.replace("[circuit.inputs]", "[circuit.inputs]\nZ = [1, 2]")))
    (problem,) = [problem for problem in problems if "depend" in problem.message]
    assert problem.severity == "warning" and "'Z'" in problem.message and problem.line == 19
    _, problems = examine(
        file(ATTENTION.replace('["Y"]', '["Y", "Z"]').replace("[circuit.inputs]", "[circuit.inputs]\nZ = [1, 2]"))
    )
    assert [problem.line for problem in problems if "depend" in problem.message] == [19]


def test_a_forward_pass_is_finite_but_where_causal_blocks(file):
    _, problems = examine(file(ATTENTION))
    assert not [problem for problem in problems if problem.severity == "error"], "\n".join(map(str, problems))
    _, problems = examine(file(ATTENTION.replace("softmax(causal(S))", "softmax(S) / (X - X)")))
    (problem,) = [problem for problem in problems if problem.severity == "error"]
    assert problem.line == 10 and "'P[1,1]' is a division by zero" in problem.message
    _, problems = examine(file(ATTENTION.replace("softmax(causal(S))", "log(S - 5)")))
    (problem,) = [problem for problem in problems if problem.severity == "error"]
    assert "'P[1,1]' is undefined: log of" in problem.message


def test_the_shipped_schema_takes_them_and_refuses_the_wrong(file):
    validator = Draft202012Validator(json.loads(schema.as_json()))

    def valid(text):
        values = parse_toml(given_source(text))
        return validator.is_valid(values)

    assert all(valid(text) for text in (ATTENTION, RNN, BY_HAND, LINE, WORDS, TABLE))
    assert not valid(LINE.replace("y = 3.0", "target = 1"))
    assert not valid(RNN.replace("[1, 3]", "[1, 3, 4]"))
    assert not valid(ATTENTION.replace("X = [[1.0, 0.0], [0.0, 2.0]]", "X = [[[[[1.0]]]]]"))
    assert not valid(ATTENTION.replace("X = [[1.0, 0.0], [0.0, 2.0]]", "X = []"))


# ---------------------------------------------------------------- expectations


def test_an_expectation_holds_an_array_to_what_is_written(file):
    said = '\n[[expect]]\nstep = "P"\nvalue = {}\nsource = "by hand"\n'
    blocked = ATTENTION.replace('"P = softmax(causal(S))"', '"M = causal(S)", "P = softmax(M)"')
    right = said.format("[[1.0, 0.0], [0.7, 0.3]]")
    _, problems = examine(
        file(
            ATTENTION.replace("Wk = [[1.0, 0.5], [0.0, 1.0]]", "Wk = [[0, 0], [0, 0]]")
            + said.format("[[1, 0], [0.5, 0.5]]")
        )
    )
    assert not [problem for problem in problems if problem.severity == "error"], "\n".join(map(str, problems))
    del right
    mask = said.replace('"P"', '"M"')
    _, problems = examine(
        file(
            blocked.replace("Wk = [[1.0, 0.5], [0.0, 1.0]]", "Wk = [[0, 0], [0, 0]]")
            + mask.format("[[0, -inf], [0, 0]]")
        )
    )
    assert not [problem for problem in problems if problem.severity == "error"], "\n".join(map(str, problems))
    _, problems = examine(file(blocked + mask.format("[[0, -inf], [-inf, 0]]")))
    assert any("'M[2,1]' is" in problem.message and "not -inf" in problem.message for problem in problems)
    _, problems = examine(file(blocked + mask.format("[[0, 1], [0]]")))
    assert any("value has another shape" in problem.message for problem in problems)


# ---------------------------------------------------------------- the way back


@pytest.mark.parametrize("text", [ATTENTION, RNN, LINE, WORDS])
def test_a_lesson_comes_back_from_its_file(lesson, text):
    first = lesson(text)
    same(first.circuit, lesson(lesson_text(first)).circuit)
    assert lesson_text(lesson(lesson_text(first))) == lesson_text(first)


NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 6))
SHAPES = st.lists(st.integers(1, 3), max_size=4).map(tuple)


@st.composite
def lessons(draw):
    """A lesson of sums of elementwise products, with arrays of any rank, drawn data, parameters and examples."""
    shapes = draw(st.lists(SHAPES, min_size=1, max_size=4))
    names = [f"x_{at}" for at in range(len(shapes))]

    def value(shape):
        count = int(np.prod(shape))
        flat = draw(st.lists(NUMBERS, min_size=count, max_size=count))
        return np.array(flat).reshape(shape).tolist() if shape else flat[0]

    by_example = draw(st.sets(st.sampled_from(names)))
    data = [name for name in names if draw(st.booleans())]
    free = [name for name in names if name not in by_example and name not in data]
    parameters = draw(st.none() | st.lists(st.sampled_from(free), unique=True)) if free else None
    lines = [f"s_{at} = sum({name} * {name}.T.T)" for at, name in enumerate(names)]
    lines.append("f = " + " + ".join(f"s_{at}" for at in range(len(names))))
    text = [
        "format = 1",
        'title = "T"',
        "[circuit]",
        f"define = {json.dumps(lines)}",
        'output = "f"',
        f"data = {json.dumps(data)}",
    ]
    text += [f"parameters = {json.dumps(parameters)}"] if parameters is not None else []
    given = [name for name in names if name not in by_example or draw(st.booleans())] or names[:1]
    text += ["[circuit.inputs]", *(f"{name} = {value(shapes[names.index(name)])}" for name in given)]
    for _ in range(draw(st.integers(1, 3)) if by_example else 0):
        text += [
            "[[examples]]",
            *(f"{name} = {value(shapes[names.index(name)])}" for name in names if name in by_example),
        ]
    return "\n".join(text) + "\n"


@settings(max_examples=60, deadline=None)
@given(lessons())
def test_any_lesson_with_arrays_comes_back_from_its_file(text):
    first, problems, _ = read(given_source(text))
    assert first is not None and not problems, text + "\n".join(map(str, problems))
    second, problems, _ = read(given_source(lesson_text(first)))
    assert second is not None and not problems, lesson_text(first)
    same(first.circuit, second.circuit)


# ---------------------------------------------------------------- from Python


def test_python_says_what_a_file_says(lesson):
    lines = ["h{t} = tanh(Wx @ x{t} + Wh @ h{t-1} + b)", "L{t} = sum((h{t} - y{t})**2)", "L = L1 + L2 + L3"]
    x, y = [[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]], [[0.5, 0.0], [0.0, 0.5], [0.5, 0.5]]
    given = {
        "x": np.array(x),
        "y": y,
        "h0": [0, 0],
        "Wx": [[0.5, 1.0], [1.0, 0.0]],
        "Wh": [[1.0, 0.5], [0.0, 1.0]],
        "b": [0.0, 0.5],
    }
    made = tutor.circuit(*lines, inputs=given, parameters=["Wx", "Wh", "b"], data=["y", "h0"], repeat={"t": (1, 3)})
    same(lesson(made.toml()).circuit, lesson(BY_HAND).circuit)
    points = [{"X": np.array([1.0, 2.0]), "y": 3.0}, {"X": [0, 1], "y": 1}]
    made = tutor.circuit(
        "p = X @ w + b", "L = (p - y)**2", inputs={"w": [1.0, 2.0], "b": 0.5}, data=["y"], examples=points, batch="all"
    )
    same(lesson(made.toml()).circuit, lesson(LINE).circuit)
    with pytest.raises(tutor.LessonError, match="the shapes"):
        tutor.circuit("L = A @ A", inputs={"A": [[1, 2, 3]]})


@pytest.mark.parametrize("old, new, meant", [
    ('parameters = ["Wq"', 'params = ["Wq"', "parameters"), ('data = ["Y"]', 'constants = ["Y"]', "data"),
    ('output = "L"\n', 'output = "L"\nloop = { t = [1, 2] }\n', "repeat"),
])  # fmt: skip
def test_what_the_keys_are_called_elsewhere_is_known(only, old, new, meant):
    assert f"did you mean '{meant}'?" in only(ATTENTION.replace(old, new, 1)).message


def test_a_network_s_data_is_its_examples(file):
    _, problems, _ = read(
        file(
            'format = 1\ntitle = "T"\ndata = "d.csv"\n[network]\ninputs = 1\nloss = "squared_error"\n[[network.layers]]\nunits = 1\n'
        )
    )
    assert "did you mean 'examples'?" in problems[0].message


def test_ids_at_the_end_of_a_long_chain_of_lines_are_looked_at(only, lesson):
    chain = [f"i{k} = i{k - 1} * 1" for k in range(1, 3000)]
    lines = json.dumps([*chain, "x = embedding(E, i2999)", "L = sum(x)"])
    text = f'format = 1\ntitle = "T"\n[circuit]\ndefine = {lines}\noutput = "L"\ndata = ["i0"]\n[circuit.inputs]\nE = [[1], [2]]\ni0 = [2, 1]\n'
    assert len(lesson(text).circuit.definitions) == 3001
    assert "is 3: an id is 1 to 2" in only(text.replace("i0 = [2, 1]", "i0 = [2, 3]")).message


CONV = """format = 1
title = "One window"
[circuit]
define = ["y = conv(x, k)", "L = sum(y)"]
output = "L"
[circuit.inputs]
x = [[[1, 2], [3, 4]]]
k = [[[[1, 0], [0, -1]]]]
[[expect]]
step = "dL/dk"
value = [[[[1, 2], [3.0, 4]]]]
source = "by hand: every weight met one number"
[[expect]]
step = "dL/dk[1,1,2,1]"
value = 3
source = "by hand"
[[expect]]
step = "dL/dx"
value = [[[1, 0], [0, -1]]]
source = "by hand: the kernel"
"""


def test_an_expectation_has_up_to_four_axes(file):
    assert examine(file(CONV))[1] == []
    _, problems = examine(file(CONV.replace("[3.0, 4]", "[3.5, 4]")))
    assert [(p.line, p.column) for p in problems] == [(11, 21)] and "'dL/dk[1,1,2,1]' is 3, not 3.5" in problems[0].message
    _, problems = examine(file(CONV.replace("value = [[[[1, 2], [3.0, 4]]]]", "value = [[[1, 2], [3.0, 4]]]")))
    (problem,) = problems
    assert "1 × 1 × 2 × 2" in problem.message and problem.line == 11
    _, problems, _ = read(file(CONV.replace("value = [[[[1, 2], [3.0, 4]]]]", "value = [[[[[1]]]]]")))
    assert "rank 4 is the most" in problems[0].message


def test_what_is_wrong_at_a_later_time_alone_is_told_where_it_is_written(only):
    text = RNN.replace("[1, 3]", "[9, 11]").replace("L1 + L2 + L3", "L9 + L10 + L11").replace("h0", "h8")
    text = text.replace("x = [[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]", "x9 = [1, 0]\nx10 = [1, 0, 0]\nx11 = [1, 0]")
    problem = only(text)
    assert (problem.line, problem.column) == (7, 19) and problem.source_line[18] == "@"
    assert "(2, 2)" in problem.message and "(where t is 10)" in problem.message
