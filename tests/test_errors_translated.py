"""No message about a lesson's files is left in English.

The tables of broken lessons are read in a language that nobody speaks: each message of the catalogue in the letters of
another alphabet. What still has letters of ours was never looked up there, or was put together of pieces.
"""

from __future__ import annotations

import re
import shutil
import unicodedata
from pathlib import Path

import pytest

import nobodys_language
import test_array_lessons
import test_held_out
import test_model_files
from test_broken_lessons import BASE, BROKEN
from test_catalogue import BROKEN as BROKEN_HEADS
from test_lesson_errors import CASES
from test_teach_data import BAD, HEAD, NO_NUMBERS, REGRESSION
from test_teach_expect import NETWORK as NEURON
from test_teach_expect import expect
from test_teacher_mistakes import CIRCUIT, MISTAKES, NETWORK
from tutor.engine.array_functions import ARRAY_FUNCTIONS, OF_LIBRARIES
from tutor.engine.parsing import ELSEWHERE, FUNCTIONS
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.array_files import ENDINGS
from tutor.lessonfiles.check import examine, load
from tutor.lessonfiles.model_layers import NoChain, find
from tutor.lessonfiles.positions import Problem
from tutor.lessonfiles.schema import SCHEMA
from tutor.lessonfiles.translation import examined


@pytest.fixture(autouse=True)
def nobody_speaks_it(monkeypatch):
    nobodys_language.speak(monkeypatch)


def words_of(schema) -> set[str]:
    """The keys of the format and the words that are their values."""
    if isinstance(schema, list):
        return set().union(*map(words_of, schema))
    if not isinstance(schema, dict):
        return set()
    return {*schema.get("properties", {}), *schema.get("enum", ())}.union(*map(words_of, schema.values()))


def letters(*texts: str) -> set[str]:
    return {word for text in texts for word in re.findall("[A-Za-z]+", text)}


WRITTEN = [*FUNCTIONS, *ELSEWHERE.values(), *OF_LIBRARIES.values(), *ENDINGS]
WRITTEN += [text for name, row in ARRAY_FUNCTIONS.items() for text in (name, *row.usage)]
WRITTEN += [setting.name for row in ARRAY_FUNCTIONS.values() for setting in row.settings]
OF_THE_FORMAT = letters("inf nan true false True False", *words_of(SCHEMA), *(w for w in WRITTEN if type(w) is str))


def is_english(text: str, known: set[str]) -> bool:
    """Whether nothing of a text was translated, or not every word that is neither known nor a sign's name."""
    words = re.findall(r"\b[A-Za-z]{2,}", re.sub(r"U\+\w+ \(.*?\)", "", text))
    return not re.search("[Ａ-ｚ]", text) or not known.issuperset(words)


def left_in_english(problems, given: str) -> list[str]:
    """The texts of problems with words that are neither of what was given nor of the format."""
    signs = " ".join(unicodedata.name(sign, "") for sign in given if not sign.isascii()).lower()
    known = OF_THE_FORMAT | letters(given, signs)
    return [text for p in problems for text in (p.message, p.advice) if text and is_english(text, known)]


# tables of a and b, and of a circuit's X and y: one cause in several rows, and what has cases of its own elsewhere
TABLES = ["a,b\n" + rows for rows in (",1\n,2\n,3\n,4\n", "u,1\nv,2\n", "1,u\n2,v\n", "u,v\n1,2\n", "1\n2\n1,2\n")]
TABLES += ["a;b\n1\n1;2\n", "a\tb\n1\n1\t2\n", "2020\n1,2\n", "a,b\n0,5\n", "sep=;\n1;2\n3;4\n", "a,b\n'1'2,\"1\"2\n"]
NAMED = ["p,q\n1,2\n", "X[1],X[3],y\n1,2,3\n", 'X[1],"X[1,2]"\n1,2\n', "X[1,2],y\n1,2,3\n", "X[0],X[1],y\n1,2,3\n"]
CIRCUITS = """format = 1
title = "T"
examples = "d.csv"
[circuit]
inputs = { X = [1, 2], y = 3 }
define = ["f = sum(X) * y"]
output = "f"
"""


# one line of a circuit, with what it is about
ARRAYS = """format = 1
title = "T"
[circuit]
define = ['{line}', "L = sum(q)"]
output = "L"
data = ["ids"]
[circuit.inputs]
X = [[1, 2], [3, 1]]
v = [1, 2, 3]
n = 3
ids = [1, 2]
"""
FORMULAS = """q = X @ v
q = X @ n
q = X + v
q = X @ X.T @ v
q = sum(X, dim=0)
q = sum(X, keepdim=True)
q = sum(X, axis=2)
q = sum(v, axis=1)
q = sum(n, axis=0)
q = sum(v, axis=(0, 0))
q = var(reshape(X, 2, 2, 1), axis=(0, 1))
q = max(reshape(n))
q = norm(n)
q = norm(X, eps=-1)
q = norm(X, eps=X)
q = sum(X, keepdims=3)
q = sum(X, axis=0.5)
q = max(n, axis=0)
q = softmax(n)
q = X.T @ reshape(X, 4, 1)
q = reshape(X, 4, 1).T @ reshape(v, 3, 1)
q = conv(X)
q = conv(X, n)
q = conv(v, reshape(v, 3, 1, 1))
q = conv(X, reshape(X, 1, 2, 2))
q = conv(X, X, stride=0)
q = conv(v, X)
q = conv(reshape(X, 1, 1, 2, 2), reshape(v, 1, 3, 1, 1))
q = conv(reshape(v, 3), reshape(X, 4))
q = max_pool(X, 3)
q = max_pool(n, 1)
q = max_pool(X, 2, 1)
q = max_pool(X, 0)
q = row(X, 5)
q = row(n, 1)
q = embedding(v, ids)
q = cross_entropy(X, v)
q = cross_entropy(X, ids) + cross_entropy(X, X)
q = reshape(X, 3, 2)
q = reshape(n, 2)
q = reshape(X, n)
q = concat(X, v)
q = causal(v)
q = X · X
q = reshape(X, 1, 1, 1, 1, 4)
q = dropout(X)
q = normalize(X)
q = zeros(2)
q = argmax(v)
q = avg(X)
q = where(X, X, X)
q = linear(X, v)
q = sigmod(X)
q = elu(X, -1)
q = leaky_relu(X, 2)
q = leaky_relu(X, beta=2)
q = exp(X, n)
q = min(n)
q = exp()
q = sum(X, axis=0, axis=1)
q = sum(axis=0, X)
q = (X
q = exp(X
q = exp(X n)
q = X n
q = X)
q =
q = X + *
q = 1e999 * X
q = 1,5 * X
q = X²
q = ½ X
q = X > 1
q = |X|
q = relu
q = n
q = relu(X - 10)
q = n / (n - 3)
q = log(n - 3) + 0 * X
q = sqrt(n - 4)
q = (n - 4) ** 0.5
q = (n - 3) ** (-1)
q = exp(1000 * X)
X = n
max = n
2q = n
X n
q = L
q = X[1]
q = [1, 2]
q = len(X)
q = 20 % X
""" + f"q = {'(' * 120}X{')' * 120}\nq = {'X + ' * 600}X\n"
ASKED = [
    'ask = "?"\nchoices = ["a", "b"]\nanswer = ["a", 1]', 'ask = "?"\nchoices = ["a", "b"]\nanswer = ["a", "b"]',
    'ask = "?"\nanswer = [1, 2]', 'ask = "?"\nanswer = "2,5"', 'ask = "?"\nkind = "value"\nanswer = 1', 'hints = ["x"]',
    'ask = "?"\nanswer = 2\nwrong = [{ answer = 2.001, says = "x" }]', 'step = "z1"\nkind = "paths"', 'step = "x"',
    'step = "z1"\nkind = "operands"\nwrong = [{ answer = 1, says = "x" }]\ndigits = 3', 'step = "b1\'[1]"\ndigits = 3',
    'step = "z1@3"', 'step = "z1[0]"', 'step = "L[1]"', 'step = "z1[1,1]"', 'step = "dL/da9"', 'step = "a b"',
    'step = "W1"', 'step = "W1@1"', 'step = "y1"', 'step = "L1"',
]  # fmt: skip
BAD_PROSE = [r"$\frac{1}{2$ $\foo$ $x^$ $}$ $\begin{matrix}1$ \(x\) {dL/dQ} {=dL/dQ} {Z1} {=Z1} 5 $ x", "$x \t y$"]
BAD_PROSE += [r"$\begin{tabular}1\end{tabular}$", f"${'x' * 3000}$", "$" + "{" * 60 + "x" + "}" * 60 + "$"]
# what stands behind a lesson of one neuron: expectations, questions, notes
AUTHORS = [expect("z1", "1"), expect("W1'", "[1, 2]"), expect("L", "1", "iteration = 2")]
AUTHORS += [expect("z1", "[[1], [1, 2]]"), expect("dL/dz1", "3.8"), expect("dL/dW1", "[7.6]"), expect("L", "[[1]]")]
AUTHORS += [f"[[questions]]\n{asked}\n" for asked in ASKED]
AUTHORS += [
    f"[[notes]]\nstep = \"z1\"\ntext = '''{text}'''\n"
    for text in ("word " * 90, *BAD_PROSE)
]
AUTHORS += ['[quiz]\nonly = "author"', '[quiz]\nonly = "steps"']

# what is changed in that lesson
HIDDEN = "units = 2\nactivation = {}\nweights = [[-4000], [-40]]\nbiases = [0, 0]\n[[network.layers]]\nunits = 1\n"
CHANGED = [
    {"0.5": "1e200"}, {"0.5": "0.123456789"}, {"rate = 0.1": "rate = 1e-9"}, {"targets = [3]": "targets = [1.1000001]"},
    {"loss =": "image = [2, 2]\nloss ="}, {"loss =": "delta = 1\nloss ="}, {"[[0.5]]": "[[0.5]]\nalpha = 0.1"},
    {"units = 1\n": HIDDEN.format('"relu"')}, {"units = 1\n": HIDDEN.format('"tanh"')},
    {"units = 1": 'units = 1\nactivation = "softmax"'}, {"[[0.5]]": '[[-1]]\nactivation = "sigmoid"', "[2]": "[4000]"},
    {"units = 1": 'units = 1\nactivation = "relu"', "[[0.5]]": "[[-5]]"},
    {"loss =": 'layout = "from_to"\nloss =', "inputs = 1": "inputs = 3", "[[0.5]]": "[[1, 2, 3]]"},
    {"loss =": 'layout = "from_to"\nloss =', "inputs = 1": "inputs = 3"},
    {"inputs = 1": 'inputs = ["a b+c"]'}, {"inputs = 1": 'inputs = ["z1"]'}, {"squared_error": "hinge"},
    {"[network]": "held_out = [1, 2]\n[network]"}, {"[network]": 'held_out = "n.csv"\n[network]'},
    {"[network]": 'class = "c"\n[network]'}, {"[network]": 'requires = ["t", "nowhere", "gatess", "Gates"]\n[network]'},
    {"[[examples]]\ninputs = [1]\ntargets = [1]": "", "[network]": "held_out = 0.5\n[network]"},
    {"units = 1": "units = 200_000"}, {"inputs = 1": "inputs = 20_000", "units = 1": "units = 20_000"},
    {"learning": 'optimizer = "momentum"\nmemory = { W9.velocity = 1, W1.spede = 1, b1.velocity = [1, 2] }\nlearning'},
    {"learning": 'optimizer = "adam"\nmemory = { b1.v = [-1] }\nlearning'},
    {"learning": "memory = { W1.v = 1 }\nlearning"},
    {"learning": 'batch = "all"\nlearning', "rate = 0.1": "rate = 0.1\n" + expect("z1", "1") + expect("z1@3", "1")},
    {"learning": 'batch = "all"\nlearning', "rate = 0.1": "rate = 0.1\n" + expect("W1'@1", "1") + expect("L@1", "1")},
]  # fmt: skip


def lessons():
    """(a lesson, its table)."""
    for old, new, *_ in MISTAKES:
        yield (NETWORK if old in NETWORK else CIRCUIT).replace(old, new, 1), ""
    for old, new, *_ in BROKEN:
        yield BASE.replace(old, new, 1), ""
    for _, text, old, new, *_ in CASES:
        yield text.replace(old, new, 1), ""
    for text, old, new, *_ in test_array_lessons.WRONG:
        yield text.replace(old, new, 1), ""
    for line in FORMULAS.splitlines():
        yield ARRAYS.format(line=line), ""
    for more in AUTHORS:
        yield NEURON + more, ""
    for changes in CHANGED:
        text = NEURON
        for old, new in changes.items():
            text = text.replace(old, new, 1)
        yield text, ""
    flowers = {"inputs": '["petal_length", "petal_width"]', "units": "3", "more": 'class = "species"'}
    for table, *_ in BAD:
        yield HEAD.format(**flowers, loss="cross_entropy", activation="softmax"), table
    for table in [*(table for table, *_ in NO_NUMBERS), *TABLES]:
        yield HEAD.format(**REGRESSION, inputs='["a"]', units='["b"]'), table
    for table in NAMED:
        yield CIRCUITS, table


def test_nothing_that_is_said_of_a_lesson_and_its_table(tmp_path):
    path, told, left = tmp_path / "t.toml", 0, []
    for lesson, table in lessons():
        path.write_text(lesson, encoding="utf-8", newline="")
        (tmp_path / "d.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
        problems = examine(path)[1]
        told += len(problems)
        left += left_in_english(problems, f"{lesson} {table} o-regression adam end dL/dW dL/da/dz")  # what is near
    assert not left
    assert told > 500


def test_nothing_that_is_said_of_a_translation(tmp_path):
    path = Path(shutil.copy(catalogue.data_dir("lessons") / "03-gates.toml", tmp_path))
    (tmp_path / "xx").mkdir()
    text = (
        'titel = "x"\nsummary = 3\n[[notes]]\nstep = "nowhere"\ntext = "x"\n[[notes]]\ntexte = "x"\n[[notes]]\n'
        'step = "f"\ntext = ""\n[[questions]]\nnumber = 9\n[[questions]]\nnumber = 1\nhints = ["one"]\nwrong = 1\n'
    )
    (tmp_path / "xx" / path.name).write_text(text, "utf-8")
    problems = examined(load(path), "xx")[2]
    assert len(problems) > 7 and not left_in_english(problems, text + path.read_text("utf-8"))


def test_nothing_that_the_list_says(tmp_path):
    for name, (head, _) in BROKEN_HEADS.items():
        (tmp_path / f"{name}.toml").write_bytes(head)
    (tmp_path / "folder.toml").mkdir()
    errors = [entry.error for entry in catalogue.entries(tmp_path)]
    assert len(errors) == len(BROKEN_HEADS) + 1 and all(errors)
    assert not left_in_english([Problem("", 1, 1, error) for error in errors], "title level requires MiB")


def test_nothing_that_is_said_of_arrays_in_files(tmp_path):
    told, left = 0, []

    def look(path):
        nonlocal told
        problems = [found for found in examine(path)[1] if found.severity != "note"]
        told += len(problems)
        left.extend(left_in_english(problems, path.read_text("utf-8")))

    for arrays, _ in test_held_out.WRONG:
        look(test_held_out.written(tmp_path, arrays=arrays))
    for more, _ in test_held_out.KEYS:
        look(test_held_out.written(tmp_path, more, text=test_held_out.LESSON.replace("scale = 255\n", "")))
    test_model_files.np.savez(tmp_path / "model.npz", **test_model_files.torch_like())
    for old, new, *_ in test_model_files.WRONG:
        path = tmp_path / "mine.toml"
        path.write_text(test_model_files.LESSON.replace(f'"{old}"', f'"{new}"'), encoding="utf-8")
        look(path)
    assert not left
    assert told > 25


def test_nothing_that_keeps_a_file_from_being_a_chain_of_layers():
    told = []
    for arrays, _ in (*test_model_files.NO_CHAINS, (test_model_files.SQUARE, "")):
        with pytest.raises(NoChain) as error:
            find(arrays)
        told += left_in_english([Problem("", 1, 1, str(error.value))], " ".join(arrays))
    assert not told
