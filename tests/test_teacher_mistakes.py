"""The mistakes that people make in a lesson of their own: each is told once, at its place, with its mend.

`MISTAKES` has what is written in place of what; the message and the advice say what is wrong and what to write.
"""

from __future__ import annotations

import pytest

from tutor.lessonfiles.check import examine

NETWORK = '''format = 1
title = "Open or shut"
intro = \'\'\'
A *ReLU*: $\\max(0, z)$. The prediction is {a2}.
\'\'\'

[network]
inputs = ["sun", "wind"]
loss = "half_squared_error"

[[network.layers]]
units = 2
activation = "relu"
weights = [[0.5, -1], [0.25, 0.5]]
biases = [0.5, -0.25]

[[network.layers]]
units = 1
weights = [[2, -1]]
biases = [0.5]

[[examples]]
inputs = [2, 1]
targets = [2]

[training]
learning_rate = 0.1

[[notes]]
step = "dL/dz1"
text = "The slope of a ReLU is 1 or 0."

[[questions]]
step = "dL/dW1[2,1]"
hints = ["The error of unit 2."]
wrong = [{ answer = 1.25, says = "That is the error of unit 2." }]

[[questions]]
ask = "What gradient do its weights get?"
choices = ["0", "the error", "the input"]
answer = 1

[[expect]]
step = "dL/dW1"
value = [[-5.0, -2.5], [2.5, 1.25]]
source = "by hand"

[[expect]]
step = "a2"
value = 0.75
source = "by hand"
'''
CIRCUIT = '''format = 1
title = "A product and a sum"

[circuit]
define = ["p = x * y", "f = p + x"]
output = "f"
inputs = { x = 3, y = 4 }
'''
W1, VALUE = "weights = [[0.5, -1], [0.25, 0.5]]", "value = [[-5.0, -2.5], [2.5, 1.25]]"
# what is replaced, by what, the line, what is said of it, what to do
MISTAKES = [
    # brackets and quotes of values
    (W1, "weights = [0.5, -1, 0.25, 0.5]", 14, "must be a list of numbers", "[[1, 2], [3, 4]]"),
    ("weights = [[2, -1]]", "weights = [2, -1]", 19, "must be a list of numbers", "[[1, 2]]"),
    (W1, 'weights = ["0.5 -1", "0.25 0.5"]', 14, "not the text '0.5 -1'", "without quotes"),
    ("biases = [0.5, -0.25]", "biases = [[0.5, -0.25]]", 15, "not a list", "one pair of brackets too many"),
    ("targets = [2]", "targets = 2", 24, "a list of numbers, not 2", "targets = [2]"),
    ('["sun", "wind"]', "[2, 1]", 8, "text in quotes, not 2", '"2"'),
    ('wrong = [{ answer = 1.25, says = "That is the error of unit 2." }]', 'wrong = { answer = 1.25, says = "No" }',
     36, "a list of tables, not a table", "wrong = [{ ... }]"),
    ("wrong = [{ answer = 1.25", 'wrong = [{ answer = "1.25"', 36, "not the text '1.25'", "answer = 1.25"),
    ("targets = [2]", "target = 2", 24, "the number of a class", "targets = [...]"),
    # words
    ('text = "The slope', 'note = "The slope', 31, "unknown key 'note'", "did you mean 'text'?"),
    ('ask = "What', 'question = "What', 39, "unknown key 'question'", "did you mean 'ask'?"),
    ('loss = "half_squared_error"\n', "", 24, "unknown key 'loss' in [training]", "belongs in [network]"),
    ("learning_rate = 0.1", "learning_rate = 0.1\nepochs = 9", 28, "unknown key 'epochs'", "--epochs 100"),
    ("format = 1\n", 'format = 1\nauthor = "Me"\n', 2, "unknown key 'author'", "a comment"),
    # what is no TOML
    ('activation = "relu"', 'activation = "relu', 13, "not ended on this line", 'write "'),
    ('activation = "relu"', 'activation = relu"', 13, "a quote is missing before 'relu'", '"relu"'),
    (W1, W1 + "]", 14, "']' closes what was not opened", "take it out"),
    (W1, "weights = {{0.5, -1}, {0.25, 0.5}}", 14, "square brackets", "[[1, 2], [3, 4]]"),
    ("units = 2", "units = 2 (hidden)", 12, "words in brackets behind a value", "#"),
    ("units = 2", "units = 2 // hidden", 12, "'//' begins no comment", "#"),
    ("units = 2", "units = 1,000", 12, "a decimal point, not a comma", "1000"),
    ("biases = [0.5]", "biases = [0.5]\ntrain_biases = yes", 21, "TOML has no 'yes'", "write true"),
    ("learning_rate = 0.1", "learning_rate = 10^-3", 27, "is not computed", "write 0.001"),
    ("learning_rate = 0.1", "learning_rate = 00.1", 27, "begins with no other 0", "write 0.1"),
    ("answer = 1.25, says", "answer = 1.25,\n says", 36, "does not end on its line", "on one line"),
    ("says = \"That is the error of unit 2.\" }", 'says = "No", }', 36, "a comma before the }", "take it out"),
    ('title = "Open or shut"', "examples = data/rows.csv", 2, "stands without quotes", '"data/rows.csv"'),
    ("format = 1\n", "```toml\nformat = 1\n", 1, "a fence of Markdown", "take it out"),
    (NETWORK, '{"format": 1}', 1, "this is JSON", "TOML"),
    (NETWORK, "<!DOCTYPE html>\n<html>", 1, "this is a web page", "download"),
    # ids
    ('step = "a2"', 'step = "yhat"', 49, "no step 'yhat'", "did you mean 'a2'?"),
    ('step = "a2"', 'step = "loss"', 49, "no step 'loss'", "did you mean 'L'?"),
    ('step = "dL/dW1"', 'step = "dW1"', 44, "no step 'dW1'", "did you mean 'dL/dW1'?"),
    ('step = "dL/dW1"', 'step = "W1_new"', 44, "no step 'W1_new'", "did you mean 'W1''?"),
    ('step = "dL/dW1"', 'step = "dL/dW1(1,2)"', 44, "no step", "did you mean 'dL/dW1[1,2]'?"),
    ('step = "dL/dW1"', 'step = "dL/dW1[1][2]"', 44, "is not a step id", "did you mean 'dL/dW1[1,2]'?"),
    ('step = "dL/dW1"', 'step = "dL/dW1[0,1]"', 44, "no element [0,1]", "counted from 1"),
    ('step = "dL/dW1"', 'step = "dL/dW1[2]"', 44, "no element [2]", "dL/dW1[1,1], row and column"),
    ('step = "dL/dz1"', 'step = "W1"', 30, "'W1' is given", "its gradient is 'dL/dW1', its update is 'W1''"),
    # expectations of whole values
    (VALUE, "value = [[-5.0, 2.5], [-2.5, 1.25]]", 45, "is the transpose of this", "rows and columns are exchanged"),
    (VALUE, "value = [[5.0, 2.5], [-2.5, -1.25]]", 45, "has the opposite sign", "by hand"),
    (VALUE, "value = [-5.0, -2.5, 2.5, 1.25]", 45, "another shape", "a list of rows"),
    ('step = "a2"', 'step = "a1"', 50, "is a vector of 2 numbers", "such as a1[1]"),
    # texts
    ("$\\max(0, z)$", "$z above 0", 4, "a $ that begins no mathematics", "at both ends"),
    ("$\\max(0, z)$", "$\\frac{1}{2$", 4, "a { that is not closed", "write }"),
    ("format = 1\n", 'format = 1\nrequires = ["Two inputs, one salary"]\n', 2,
     "no lesson", "the title of 'o-regression'"),
    ("A *ReLU*: $\\max(0, z)$", "A \\(ReLU\\)", 4, "begins no mathematics", "between dollars"),
    # more of each kind
    ("units = 2", "units = [2]", 12, "text in quotes, not 2", "units = 3"),
    ("learning_rate = 0.1", 'learning_rate = "0,1"', 27, "not the text '0,1'", "0.1"),
    ("learning_rate = 0.1", "learning_rate = 1×10⁻¹", 27, "is no number", "write 1e-1"),
    ("learning_rate = 0.1", "learning_rate = 0.1\nupdates = 3", 28, "not used by the optimizer", '"adam"'),
    ("[[network.layers]]\nunits = 2", "[[network.hidden]]\nunits = 2", 11, "key 'hidden'", "[[network.layers]]"),
    ("answer = 1.25, says", "answer = 5/4, says", 36, "'5/4' is not computed", "write 1.25"),
    ('title = "Open or shut"', "title = 'It''s shut'", 2, "an apostrophe ends the text", "double quotes"),
    ("{a2}.\n'''", "{a2}.", 3, "is never ended", "behind its last line"),
    ('step = "dL/dW1"', 'step = "dL / dW1"', 44, "is not a step id", "did you mean 'dL/dW1'?"),
    # circuits
    ("p = x * y", "p = |x| * y", 5, "'|' means nothing", "write abs(x)"),
    ("p = x * y", "p = √x * y", 5, "'√' means nothing", "write sqrt(x)"),
    ("p = x * y", "p = x² * y", 5, "unknown name 'x²'", "write x ** 2"),
    ("p = x * y", "p = ½ * x * y", 5, "no number of a formula", "write 0.5"),
    ("p = x * y", "p = x if x > 0 else 0", 5, "'>' means nothing", "relu(x)"),
    ("p = x * y", "p = max(x y)", 5, "a comma is missing before 'y'", "a comma between arguments"),
    ("p = x * y", "p: x * y", 5, "is no definition", "name = formula"),
    ("p = x * y", "my p = x * y", 5, "'my p' cannot be a name", "letters, digits"),
    ('output = "f"', 'loss = "f"', 6, "unknown key 'loss'", "did you mean 'output'?"),
    ("p = x * y", "p = 0,5 * x", 5, "a decimal point, not a comma", "write 0.5"),
    ("p = x * y", "p = (x * y", 5, "')' is missing here", "every ( has a )"),
    ("p = x * y", "p = x * y)", 5, "')' closes no bracket", "take it out"),
    ("p = x * y", "p = 2x * y", 5, "an operator is missing before 'x'", "write * between"),
    ("p = x * y", "p = tan(x) * y", 5, "unknown function 'tan'", "sin(x) / cos(x)"),
    ("p = x * y", "p = σ(x) * y", 5, "unknown function 'σ'", "sigmoid(x)"),
    ("p = x * y", "p = pow(x, 2) * y", 5, "unknown function 'pow'", "x ** 2"),
    ('"p = x * y", "f', '"p = x * y, f', 5, "before ','", "in quotes of its own"),
    ('"f = p + x"', '"p + x"', 5, "is no definition", "name = formula"),
]  # fmt: skip


@pytest.mark.parametrize("old, new, line, says, mend", MISTAKES, ids=[(row[1] or row[0])[:40] for row in MISTAKES])
def test_a_mistake_is_told_once_at_its_place_with_its_mend(tmp_path, old, new, line, says, mend):
    whole = NETWORK if old in NETWORK else CIRCUIT
    text = whole.replace(old, new, 1)
    if not new:  # it stands in the wrong table
        text = text.replace("learning_rate = 0.1", f"learning_rate = 0.1\n{old.strip()}")
        line = 27
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    _, problems = examine(path)
    assert len(problems) == 1, problems
    found = problems[0]
    assert found.line == line and says in found.message, found
    assert mend in f"{found.message}; {found.advice}", found


def test_both_lessons_are_sound(tmp_path):
    for name, text in (("network.toml", NETWORK), ("circuit.toml", CIRCUIT)):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        assert examine(path)[1] == []


TABLE = "rooms,size,area,price\n2,0.5,town,1.5\n3,0.75,town,2.25\n4,1.25,country,2\n"
HOUSES = '''format = 1
title = "What is a house worth?"
examples = "houses.csv"

[network]
inputs = ["rooms", "size"]
loss = "squared_error"

[[network.layers]]
units = ["price"]
weights = [[0.5, 0.5]]

[training]
batch = "all"
learning_rate = 0.02
'''


@pytest.mark.parametrize(
    "old, new, line, says, mend",
    [
        ("rooms,size", "size", 2, "has 4 fields; the header has 3", "each column has a name"),
        ("1.25,", "1,25,", 4, "has 5 fields; the header has 4", "a decimal point, no comma"),
        ("town,1.5\n", "1.5\n", 2, "has 3 fields; the header has 4", "between two commas"),
        ("rooms", "# prices of 2020\nrooms", 1, "names no columns: '# prices of 2020'", "take it out"),
        ("4,1.25,country,2\n", "4,1.25,country,2\nmean,,,\n", 5, "this row has no numbers: 'mean'", "leave it out"),
    ],
)
def test_a_table_is_told_of_once_with_its_mend(tmp_path, old, new, line, says, mend):
    (tmp_path / "houses.csv").write_text(TABLE.replace(old, new, 1), encoding="utf-8")
    (tmp_path / "houses.toml").write_text(HOUSES, encoding="utf-8")
    _, problems = examine(tmp_path / "houses.toml")
    assert len(problems) == 1 and problems[0].line == line, problems
    assert says in problems[0].message and mend in problems[0].advice, problems


def test_a_table_that_is_not_there_is_like_one_by_its_name_not_its_ending(tmp_path):
    for name in ("h-thousand.csv", "flats.csv"):
        (tmp_path / name).write_text(TABLE, encoding="utf-8")
    path = tmp_path / "houses.toml"
    path.write_text(HOUSES, encoding="utf-8")
    assert examine(path)[1][0].message.endswith("beside the lesson")
    path.write_text(HOUSES.replace("houses.csv", "flat.csv"), encoding="utf-8")
    assert examine(path)[1][0].message.endswith("did you mean 'flats.csv'?")


def test_of_several_lessons_it_is_told_whose_table_is_wrong(tmp_path, capsys):
    from tutor.cli.commands import main

    (tmp_path / "houses.csv").write_text(TABLE.replace("0.75", "n/a"), encoding="utf-8")
    for name in ("one.toml", "two.toml"):
        (tmp_path / name).write_text(HOUSES, encoding="utf-8")
    main(["check", str(tmp_path)])
    said = capsys.readouterr().out
    assert said.count("houses.csv:3:3") == 2
    assert all(f"these are the examples of {name}" in said for name in ("one.toml", "two.toml"))
