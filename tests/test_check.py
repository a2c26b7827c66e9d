"""What is found in a lesson file beyond its text, and which files of a folder are looked at."""

from __future__ import annotations

import os

import pytest

from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import examine, lesson_files, load
from tutor.lessonfiles.positions import LessonError

CIRCUIT = """\
format = 1
title = "T"
[circuit]
define = ["q = x / y", "f = q + y"]
output = "f"
[circuit.inputs]
x = 1
y = 2
"""
NETWORK = """\
format = 1
title = "T"
[network]
inputs = 1
loss = "squared_error"
[[network.layers]]
units = 2
[[network.layers]]
units = 1
[[examples]]
inputs = [1]
targets = [1]
[[examples]]
inputs = [2]
targets = [1]
"""


def problems(tmp_path, text, name="t.toml"):
    (tmp_path / name).write_text(text)
    return [(p.severity, p.line, p.column, p.message, p.advice) for p in examine(tmp_path / name)[1]]


def test_load_raises_every_error_and_no_warning(tmp_path):
    path = tmp_path / "t.toml"
    notes = "".join(f'[[notes]]\nstep = "{step}"\ntext = "T"\n' for step in "gh")
    path.write_text('requires = ["nowhere"]\n' + CIRCUIT + notes)  # which is no reason not to play it
    with pytest.raises(LessonError) as raised:
        load(path)
    assert [p.line for p in raised.value.problems] == [11, 14]
    assert {p.severity for p in raised.value.problems} == {"error"}


@pytest.mark.parametrize("step", ["q", "df/dx", "dq/dy", "df/dq"])
def test_a_note_on_a_step_of_a_circuit(tmp_path, step):
    assert problems(tmp_path, CIRCUIT + f'[[notes]]\nstep = "{step}"\ntext = "T"\n') == []


@pytest.mark.parametrize("step", ["z1", "L", "dL/dW1[2,1]", "dL/dz2@2", "dL/dW1[1,1]@1", "da1/dz1", "W1'"])
def test_a_note_on_a_step_of_a_network(tmp_path, step):
    text = NETWORK + '[training]\nbatch = "all"\n'
    assert problems(tmp_path, text + f'[[notes]]\nstep = "{step}"\ntext = "T"\n') == []


@pytest.mark.parametrize(
    "step, says",
    [
        ("z3", "no step 'z3'"),
        ("dl/dW1", "did you mean 'dL/dW1'"),
        ("dL/dW1[3,1]", "2 × 1"),
        ("dL/dW1[1]", "no element"),
        ("L@1", "leave out the @"),
        ("z 1", "not a step id"),
    ],
)
def test_a_note_on_a_step_that_is_not_there(tmp_path, step, says):
    ((severity, line, column, message, _),) = problems(tmp_path, NETWORK + f'[[notes]]\nstep = "{step}"\ntext = "T"\n')
    assert (severity, line, column) == ("error", 17, 8) and says in message


@pytest.mark.parametrize(
    "x, y, says",
    [
        (1, 0, "'q' is a division by zero: 1/0"),
        (0, 0, "is a division by zero"),
        ("1e300", "1e-300", "'q' is too large"),
    ],
)
def test_a_circuit_whose_forward_pass_is_not_finite_is_told_at_its_line(tmp_path, x, y, says):
    text = CIRCUIT.replace("x = 1", f"x = {x}").replace("y = 2", f"y = {y}")
    ((severity, line, column, message, advice),) = problems(tmp_path, text)
    assert (severity, line, column) == ("error", 4, 11) and says in message and advice


def test_a_circuit_is_evaluated_in_spite_of_warnings(tmp_path):
    text = CIRCUIT.replace("y = 2", "y = 0") + "w = 3\n"
    assert [p[:2] for p in problems(tmp_path, text)] == [("error", 4), ("warning", 9)]


def test_an_input_that_leads_nowhere_is_a_warning(tmp_path):
    ((severity, line, _, message, _),) = problems(tmp_path, CIRCUIT + "w = 3\n")
    assert (severity, line) == ("warning", 9) and "does not depend on the input 'w'" in message


def test_prerequisites_are_bundled_or_beside_the_file(tmp_path):
    (tmp_path / "07-mine.toml").write_text(CIRCUIT)
    assert problems(tmp_path, 'requires = ["gates", "mine"]\n' + CIRCUIT) == []
    found = problems(tmp_path, 'requires = ["gates", "gate", "mein", "Gates", "zzzzzz"]\n' + CIRCUIT)
    assert [p[:3] for p in found] == [("error", 1, c) for c in (22, 30, 38, 47)]
    assert [p[4] for p in found[:3]] == ["did you mean 'gates'?", "did you mean 'mine'?", "did you mean 'gates'?"]
    assert all("stands beside this file" in p[3] for p in found)


def test_a_lesson_that_requires_itself_is_told_once(tmp_path):
    assert [p[0] for p in problems(tmp_path, 'requires = ["t"]\n' + CIRCUIT)] == ["error"]


def test_the_files_of_a_folder_are_in_order(tmp_path):
    for name in ("b.toml", "a/2.toml", "a/1.toml", "c.txt", "a/deep/er/x.toml", "10.toml", "9.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    files, refused = lesson_files(tmp_path)
    assert [str(f.relative_to(tmp_path)) for f in files] == [
        "10.toml", "9.toml", "a/1.toml", "a/2.toml", "a/deep/er/x.toml", "b.toml",
    ]  # fmt: skip
    assert refused == []
    assert lesson_files(tmp_path / "c.txt") == ([tmp_path / "c.txt"], [])  # a named file whatever its suffix


def test_a_folder_that_cannot_be_read_is_a_problem(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    files, (problem,) = lesson_files(tmp_path)
    assert files == [] and problem.severity == "error"
    assert problem.message == "cannot read the folder: Permission denied" and problem.path == str(tmp_path)


def test_a_line_that_leads_nowhere_is_told_where_it_stands(tmp_path):
    """Of lines that follow from one another the last; not one that the lesson speaks of, nor times of one in use."""
    text = CIRCUIT.replace('["', '["a = x * 2", "b = a + y", "', 1)
    found = problems(tmp_path, text)
    assert [(severity, line) for severity, line, *_ in found] == [("warning", 4)]
    assert "does not depend on the line 'b'" in found[0][3] and "a note on it says so" in found[0][4]
    assert problems(tmp_path, text + '[[notes]]\nstep = "b"\ntext = "To look at."\n') == []
    alone = text.replace("a = x * 2", "a = w * 2") + "w = 3\n"  # w is in a line that is told already
    assert [line for _, line, *_ in problems(tmp_path, alone)] == [4]
    times = (
        'format = 1\ntitle = "T"\n[circuit]\nrepeat = { t = [1, 3] }\n'
        'define = ["h{t} = tanh(w * x{t} + h{t-1})", "o{t} = h{t} * 2", "L = sum(o3 * o3)"]\noutput = "L"\n'
        "[circuit.inputs]\nw = 0.5\nh0 = [0]\nx = [[1], [2], [3]]\n"
    )
    assert [p for p in problems(tmp_path, times) if "line" in p[3]] == []
    last = times.replace("sum(o3 * o3)", "sum(h3 * h3)")
    assert ["'o3'" in p[3] or "'o1'" in p[3] for p in problems(tmp_path, last) if "the line" in p[3]] == [True]


# ---------------------------------------------------------------- one fault, one message


def test_a_gradient_of_a_name_that_is_not_there_is_no_slip_of_one_letter(tmp_path):
    ((_, _, _, message, _),) = problems(tmp_path, CIRCUIT + '[[notes]]\nstep = "df/dk"\ntext = "T"\n')
    assert "did you mean" not in message and "its gradients are df/d" in message


def test_a_function_for_a_name_is_told_once(tmp_path):
    text = CIRCUIT.replace('"q = x / y", "f = q + y"', '"max = x / y", "f = max + y"')
    ((_, _, _, message, _),) = problems(tmp_path, text)
    assert "'max' is a function and cannot be a name" in message


def test_an_unknown_environment_is_told_once(tmp_path):
    text = CIRCUIT + "[[notes]]\nstep = \"q\"\ntext = '$\\begin{align} a &= b \\\\ c &= d \\end{align}$'\n"
    ((severity, _, _, message, _),) = problems(tmp_path, text)
    assert severity == "warning" and "align" in message


def test_a_lesson_of_ours_is_read_once_and_anew_when_its_file_is_another(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "data_dir", lambda name: tmp_path)
    path = tmp_path / "01-one.toml"
    path.write_text(CIRCUIT)
    first = load(path)
    assert load(str(path)) is first
    path.write_text(CIRCUIT.replace('"T"', '"Another"'))
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert load(path).title == "Another" and first.title == "T"
    path.unlink()
    with pytest.raises(LessonError, match="there is no such file"):
        load(path)
