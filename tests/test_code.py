"""Lessons as programs: what is printed is run, and comes to the tutor's numbers."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tutor
from tutor.cli.commands import main
from tutor.engine.trace import trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.solutions.program_lines import LIBRARIES, NoProgram
from tutor.solutions.program_text import notebook, program_text, variables

BUNDLED = [entry.id for entry in catalogue.entries()]
ARRAYS = {
    "attention": (
        ("Q = X @ Wq", "K = X @ Wk", "V = X @ Wv", "P = softmax(causal(Q @ K.T / sqrt(2)))",
         "L = sum((P @ V - Y)**2) / 2"),
        {"X": [[1, 0], [0, 2]], "Wq": [[1, 0.5], [0, 1]], "Wk": [[0.5, 0], [1, -0.5]], "Wv": [[1, 0], [0.5, 1]],
         "Y": [[1, 0], [0, 1]]},
    ),
    "norms": (
        ("n = norm(x, axis=0) * g + b", "m = mean(n, axis=1)", "v = var(n, axis=0)", "q = max(n, axis=1)",
         "L = sum(m * m) + sum(v) + sum(q) + min(n)"),
        {"x": [[0.5, -1], [2, 0.25], [1, 1.5]], "g": [1, 2], "b": [0.5, -0.5]},
    ),
    "windows": (
        ("c = conv(x, k, padding=1) + b", "a = gelu(c) + gelu_erf(c)", "p = max_pool(a, 2)",
         "q = avg_pool(a, 2, stride=1)", "L = sum(p * p) + sum(q)"),
        {"x": [[1, 0, 2, 1], [0, 1, 0, 3], [2, 1, 1, 0], [1, 2, 0, 1]], "k": [[1, 0, -1], [0.5, 0.5, 0], [0, 1, -0.5]],
         "b": 0.5},
    ),
    "channels": (
        ("c = conv(x, k, stride=2)", "L = sum(c ** 3)"),
        {"x": [[[1, 0, 2], [0.5, 1, 1]], [[2, 1, 0], [1, 1, 0.5]]], "k": [[[1, 0.5], [0, -1]], [[0.5, 0], [1, 1]]]},
    ),
    "rows": (
        ("e = embedding(E, ids)", "r = row(e, 2)", "c = concat(e, e * e, axis=1)", "f = reshape(c, 4, 3)",
         "L = sum(f @ f.T) + sum(r ** 3) + cross_entropy(e, y)"),
        {"E": [[0.5, 1], [-1, 0.25], [2, 0]], "ids": [2, 2, 3], "y": [1, 2, 1]},
    ),
}  # fmt: skip
IMAGES = """format = 1
title = "Two images"
[circuit]
define = ["c = conv(x, k, stride=2, padding=1) + b", "p = max_pool(tanh(c), 2, stride=1)", "q = avg_pool(c, 2)",
  "L = sum(p * p) + y * sum(q)"]
output = "L"
data = ["x", "y"]
inputs = {k = [[[[1, 0.5], [0, -1]], [[0.5, 0], [1, 1]]]], b = 0.5}
[training]
batch = "all"
[[examples]]
x = [[[1, 0, 2, 1], [0.5, 1, 1, 0], [2, 1, 0, 1], [1, 1, 0.5, 2]],
  [[1, 1, 2, 0], [3, 1, 1, 0], [2, 0, 0, 1], [1, 2, 5, 2]]]
y = 1
[[examples]]
x = [[[0, 0, 2, 1], [0.5, 2, 1, 0], [2, 1, 0, 1], [1, 3, 0.5, 2]],
  [[1, 1, 2, 4], [3, 0, 1, 0], [2, 0, 0, 1], [1, 2, 1, 2]]]
y = -1
"""


def two_images():
    return trace(tutor.loads(IMAGES, "images")._lesson)


def of_arrays(name):
    lines, inputs = ARRAYS[name]
    data = [name for name in ("Y", "ids", "y") if name in inputs]
    listed = "\n".join(f"{name} = {value}" for name, value in inputs.items())
    return trace(tutor.loads(
        f'format = 1\ntitle = "{name}"\n[circuit]\noutput = "L"\ndata = {data}\ndefine = {json.dumps(lines)}\n'
        f"[circuit.inputs]\n{listed}\n", name
    )._lesson)  # fmt: skip


def printed(text):
    """What a program prints that is run in this process."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(text, "<program>", "exec"), {"__name__": "__main__"})
    return out.getvalue().splitlines()


def steps(t):
    return len([eq for eq in t.equations if not eq.deferred])


@pytest.mark.parametrize("id", BUNDLED)
def test_the_program_of_a_lesson_comes_to_its_numbers(id):
    lesson = load(catalogue.find(id))
    t = trace(lesson, 2 if lesson.training else 1)
    try:
        text = program_text(t, "numpy")
    except NoProgram as error:
        pytest.skip(str(error))
    said = printed(text)
    assert len(said) == steps(t) and {line.split()[0] for line in said} == {"the"}, said
    ids = [eq.symbol.id for eq in t.equations if not eq.deferred]
    assert [line.rpartition("# ")[2] for line in text.splitlines() if "  # " in line and " = " in line][
        : len(ids)
    ] == ids


@pytest.mark.parametrize("name", ARRAYS)
def test_the_program_of_arrays_comes_to_its_numbers(name):
    t = of_arrays(name)
    said = printed(program_text(t, "numpy"))
    assert len(said) == steps(t) and {line.split()[0] for line in said} == {"the"}, said


def test_windows_slide_over_each_image_of_a_batch():
    t = two_images()
    said = printed(program_text(t, "numpy"))
    assert len(said) == steps(t) and {line.split()[0] for line in said} == {"the"}, said


def test_a_wrong_line_is_different():
    text = program_text(trace(load(catalogue.find("o-classification"))), "numpy")
    wrong = text.replace("dL_da1 * a1 * (1 - a1)", "dL_da1")
    assert wrong != text
    assert [line.split()[1] for line in printed(wrong) if line.startswith("DIFFERENT")][:2] == ["dL_dz1", "dL_dW1"]


@pytest.mark.parametrize("dialect", ["torch", "jax"])
def test_the_libraries_own_gradients_are_beside(dialect, tmp_path):
    pytest.importorskip(dialect)
    lessons = [trace(load(catalogue.find(id))) for id in ("c-431", "batch-mean", "softmax")]
    for t in [*lessons, *map(of_arrays, ("attention", "windows", "channels")), two_images()]:
        path = tmp_path / "program.py"
        path.write_text(program_text(t, dialect))
        run = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
        differences = [
            float(line.rpartition(" ")[2]) for line in run.stdout.splitlines() if line.startswith("autograd")
        ]
        assert "DIFFERENT" not in run.stdout and differences and max(differences) < 1e-12


@pytest.mark.parametrize("dialect", LIBRARIES)
def test_a_program_is_python_and_every_name_in_it_is_known(dialect):
    text = program_text(trace(load(catalogue.find("batch-mean"))), dialect)
    compile(text, "<program>", "exec")
    assert f"import {'numpy as np' if dialect == 'numpy' else dialect}" in text


def test_names_that_python_or_the_program_has_are_others():
    lesson = tutor.circuit("print = lambda1 * np", "zip = print + 1", inputs={"lambda1": 2.0, "np": 3.0}, output="zip")
    t = lesson.trace()._trace
    assert variables(t)["np"] == "np_" and variables(t)["print"] == "print_"
    assert all(line.startswith("the same") for line in printed(program_text(t, "numpy")))


def test_texts_of_a_lesson_are_comments_of_one_line():
    lesson = tutor.circuit("f = x * x", inputs={"x": 2.0}, title="one  # two")
    text = program_text(lesson.trace()._trace, "numpy")
    assert text.splitlines()[0].startswith("# one # two: iteration 1") and "\x1b" not in text


def test_the_notebook_runs_cell_by_cell():
    t = trace(load(catalogue.find("c-431")))
    whole = notebook(t)
    with contextlib.suppress(ImportError):
        import nbformat

        nbformat.validate(nbformat.from_dict(whole))
    names: dict = {}
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        for cell in whole["cells"]:
            if cell["cell_type"] == "code":
                exec(cell["source"], names)
    assert out.getvalue().count("the same") == steps(t) and whole["nbformat"] == 4
    assert len({cell["id"] for cell in whole["cells"]}) == len(whole["cells"])


def test_the_command(tmp_path, capsys):
    assert main(["code", "gates"]) == 0
    assert "import numpy" in capsys.readouterr().out
    path = tmp_path / "mine.ipynb"
    assert main(["code", "gates", "--to", "notebook", "-o", str(path)]) == 0
    assert json.loads(path.read_text())["cells"]
    before = path.read_bytes()
    assert main(["code", "gates", "--to", "notebook", "-o", str(path)]) == 2 and path.read_bytes() == before
    assert main(["code", "nowhere"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_what_has_no_line_is_said_with_its_step():
    text = """format = 1
title = "The largest of each"
[circuit]
define = ["c = x * w", "L = max(c)"]
output = "L"
data = ["x"]
inputs = {w = 2}
[[examples]]
x = [1, 2]
[[examples]]
x = [3, 0]
[training]
batch = "all"
"""
    with pytest.raises(NoProgram, match=r"^dL/dc: the largest of each example"):
        program_text(trace(tutor.loads(text, "largest")._lesson), "torch")


@pytest.mark.parametrize("dialect", LIBRARIES)
def test_windows_have_lines_in_every_library(dialect):
    text = program_text(of_arrays("channels"), dialect)
    compile(text, "<program>", "exec")
    assert {"numpy": "sliding_window_view", "torch": ".unfold(", "jax": ".at[(..., *place)].add("}[dialect] in text


def test_the_page_shows_lines_that_are_printed():
    page = (Path(__file__).parent.parent / "docs" / "code.md").read_text(encoding="utf-8")
    lines = re.search(r"```python\n(.*?)```", page, re.S)[1].splitlines()
    text = program_text(trace(load(catalogue.find("o-classification"))), "numpy").splitlines()
    assert all(line in text for line in lines if line != "...")
