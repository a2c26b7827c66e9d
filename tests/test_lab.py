"""The lab: every exercise with its reference and with planted slips, runs and their bounds, the commands."""

from __future__ import annotations

import ast
import json
import re
import time
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from tutor.cli.commands import main
from tutor.cli.lab import watch
from tutor.lab import child, drivers
from tutor.lab.bench import Bench, begin, keep
from tutor.lab.checking import check
from tutor.lab.exercises import EXERCISES
from tutor.lab.runner import MOST_PRINTED, Stop, answered, read, run
from tutor.lab.words import as_json, headline, hint, lines
from tutor.lessonfiles import catalogue
from tutor.text import language
from tutor.text.language import say

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "data" / "lab"
BUGS = {id: tomllib.loads((DATA / f"{id}.toml").read_text(encoding="utf-8"))["bugs"] for id in EXERCISES}
PLANTED = [pytest.param(id, bug, id=f"{id}-{bug['slip']}-{at}") for id in EXERCISES for at, bug in enumerate(BUGS[id])]


def here(job):
    """A job run in this process: what the child does, without the price of a process."""
    return read(json.loads(json.dumps(child.run(json.loads(json.dumps(job)), drivers))))


def reference(id):
    return (DATA / f"{id}.py").read_text(encoding="utf-8")


def checked(tmp_path, id, source, seed=1, runner=here):
    path = tmp_path / f"{id}.py"
    path.write_text(source, encoding="utf-8")
    exercise = replace(EXERCISES[id], cases=lambda rng: cases(id, seed))
    return check(exercise, path, path.read_bytes(), seed, runner)


@cache
def cases(id, seed):
    """The cases of a seed, made once."""
    return EXERCISES[id].cases(np.random.default_rng(seed))


def said(found):
    """What a failing test shows."""
    return found.mistake or [
        (v.name, v.verdict, v.message, v.slips) for one in found.judged for v in one.diagnosis.arrays
    ]


@pytest.mark.parametrize("id", EXERCISES)
def test_the_reference_of_an_exercise_is_right_on_any_numbers(tmp_path, id):
    for seed in (1, 2, 3):
        found = checked(tmp_path, id, reference(id), seed)
        assert found.done and found.cases >= 2, said(found)
        assert all(not one.changed for one in found.judged)


@pytest.mark.parametrize("id", EXERCISES)
def test_a_solution_that_somebody_wrote_in_a_way_of_his_own_is_right(tmp_path, id):
    """Loops, einsum, columns, lists, arguments that are changed: none of it is in the references."""
    found = checked(tmp_path, id, (DATA / "otherwise" / f"{id}.py").read_text(encoding="utf-8"))
    assert found.done, said(found)


@pytest.mark.parametrize("id, bug", PLANTED)
def test_a_planted_slip_is_named(tmp_path, id, bug):
    source = reference(id)
    lines = [line for line in source.splitlines() if line.strip() == bug["line"]]
    assert len(lines) == 1, f"{bug['line']!r} is not one line of {id}.py"
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    planted = "\n".join(indent + line for line in bug["becomes"].splitlines())
    found = checked(tmp_path, id, source.replace(lines[0], planted))
    assert not found.done and found.mistake is None, said(found)
    first = found.shown.diagnosis.first_wrong
    assert first.name == bug.get("array", first.name), said(found)
    if bug["slip"] == "shape":  # nothing but the shape is wrong
        assert first.verdict == "shape", said(found)
        return
    assert first.verdict == "slip" and bug["slip"] in [slip.name for slip in first.slips], said(found)
    assert bug.get("first", True) is False or first.slips[0].name == bug["slip"], said(found)


@pytest.mark.parametrize("id", EXERCISES)
def test_an_exercise_is_whole(tmp_path, id):
    exercise = EXERCISES[id]
    assert exercise.id == id and catalogue.find(exercise.lesson) is not None
    assert len(BUGS[id]) >= 4 and len({(bug["line"], bug["becomes"]) for bug in BUGS[id]}) == len(BUGS[id])
    assert exercise.aim.endswith(".") and len(exercise.aim) <= 70  # a line of the list at 80 columns
    assert len(exercise.title) <= 40 and len(exercise.hints) == 3
    skeleton = exercise.skeleton.read_text(encoding="utf-8")
    assert f"{exercise.name}" in skeleton and "import numpy as np" in skeleton
    assert max(map(len, skeleton.splitlines())) <= 71  # beside the watch, in a window of 160
    found = checked(tmp_path, id, skeleton)
    assert not found.done and found.untouched


@pytest.mark.parametrize("id", EXERCISES)
def test_a_file_that_was_begun_in_one_language_is_the_same_exercise_in_another(tmp_path, id):
    """Its comments are translated, its code is not: untouched it is known as that, with its lines done it is right."""
    exercise = EXERCISES[id]
    english = exercise.skeleton.read_text(encoding="utf-8")
    for code in set(language.LANGUAGES) - {language.ENGLISH}:
        path = exercise.skeleton_in(code)
        text = path.read_text(encoding="utf-8")
        assert path != exercise.skeleton and code_of(text) == code_of(english)
        assert not {line for line in said_in(text)} & {line for line in said_in(english)}  # nothing is left in English
        assert max(map(len, text.splitlines())) <= 71
        assert exercise.is_untouched(text) and not exercise.is_untouched(text.replace("...", "0", 1))
        language.use(code)
        fresh, written = begin(exercise, tmp_path / code)
        assert written and fresh.read_text(encoding="utf-8") == text
        assert len(say(exercise.title)) <= 40 and len(say(exercise.aim)) <= 70
        language.use(language.ENGLISH)
        assert checked(tmp_path, id, text).untouched


def _documented(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)]


def said_in(source):
    """The lines of words in docstrings and comments; formulas and shapes stay as they are."""
    docs = [ast.get_docstring(node) or "" for node in _documented(ast.parse(source))]
    lines = [line.strip() for doc in docs for line in doc.splitlines()] + re.findall(r"# .*", source)
    return [line for line in lines if len(re.findall(r"\b[a-z]{3,}\b", line)) > 3]


def code_of(source):
    """What a program does, without its docstrings and comments."""
    tree = ast.parse(source)
    for node in _documented(tree):
        if ast.get_docstring(node):
            del node.body[0]
    return ast.dump(tree)


def whole(id, body):
    """A file whose dots are these lines."""
    skeleton = EXERCISES[id].skeleton.read_text(encoding="utf-8").split("\n")
    dots = [at for at, line in enumerate(skeleton) if re.match(r"    \w+ = \.\.\.", line)]
    return "\n".join([*skeleton[: dots[0]], *(f"    {line}" for line in body), *skeleton[dots[-1] + 1 :]])


BATCH = [
    "Z1 = X @ W1.T + b1",
    "A1 = np.maximum(Z1, 0)",
    "Z2 = A1 @ W2.T + b2",
    "A2 = np.maximum(Z2, 0)",
    "L = ((A2 - Y) ** 2).sum() / 2 / len(X)",
    "dZ2 = (A2 - Y) * (A2 > 0)",
    "dW2 = dZ2.T @ A1",
    "db2 = dZ2.sum(0)",
    "dZ1 = (dZ2 @ W2) * (Z1 > 0)",
    "dW1 = dZ1.T @ X / len(X)",
    "db1 = dZ1.sum(0)",
]


def test_a_slip_that_was_made_everywhere_is_named_everywhere(tmp_path):
    found = checked(tmp_path, "batch", whole("batch", BATCH))
    verdicts = {one.name: one for one in found.shown.diagnosis.arrays}
    assert [name for name, one in verdicts.items() if one.verdict != "right"] == ["dW2", "db2", "db1"]
    assert all(verdicts[name].slips[0].name == "sum-for-mean" for name in ("dW2", "db2", "db1"))


def test_the_case_that_is_wrong_earliest_is_spoken_of(tmp_path):
    """The lesson's network has one output, and so no mean of two; its gradients are wrong, too."""
    source = whole("batch", ["L = ((A2 - Y) ** 2).mean() / 2" if line.startswith("L") else line for line in BATCH])
    found = checked(tmp_path, "batch", source)
    assert found.judged[0].diagnosis.first_wrong.name == "dW2"
    assert found.shown.diagnosis.first_wrong.name == "L"
    assert found.shown.diagnosis.first_wrong.slips[0].name == "mean-over-outputs"


def test_the_theory_goes_by_the_learners_names(tmp_path):
    def theory(id, old, new):
        found = checked(tmp_path, id, reference(id).replace(old, new))
        assert not found.done
        return [line.text for line in lines(found) if line.text.startswith("The theory of ")]

    (said,) = theory("momentum", "mu * v + g", "mu * v + (1 - mu) * g")
    assert said.startswith("The theory of new_v: ")
    measured = theory("gradient_check", "2 * eps", "eps")
    assert not measured  # a measurement has no equation whose why would say it


def test_a_method_that_forgets_its_return_is_told(tmp_path):
    source = reference("forty_lines")
    at = source.index("return out", source.index("def __mul__"))
    found = checked(tmp_path, "forty_lines", source[:at] + "pass" + source[at + len("return out") :])
    assert "gives None" in headline(found) and "returns it" in headline(found)


# ---------------------------------------------------------------- what a learner may write

NEURON = reference("neuron")
RETURN = "return L, dw, db"


@pytest.mark.parametrize(
    "line",
    [
        "return [L, dw.tolist(), float(db)]",
        "return {'db': db, 'L': np.array([[L]]), 'dw': dw.reshape(1, -1)}",
        "return np.float64(L), tuple(dw), np.array([db])",
        "return {'L': L, 'dw': dw, 'db': db, 'dz1': dz, 'notes': 3}",
        "return {'L': L, 'dw': dw, 'db': db, 'z1': 100 * z, 'x': 7}",  # what is not asked for is no fault
        "return np.float32(L), dw.astype(np.float32), np.float32(db)",
    ],
)
def test_what_comes_back_is_taken_as_people_write_it(tmp_path, line):
    assert checked(tmp_path, "neuron", NEURON.replace(RETURN, line)).done


def test_more_in_a_dict_tells_more_exactly_where_it_went_wrong(tmp_path):
    source = NEURON.replace("* a * (1 - a)", "* (1 - a)").replace(
        RETURN, "return {'L': L, 'dw': dw, 'db': db, 'dz1': dz}"
    )
    found = checked(tmp_path, "neuron", source)
    assert found.shown.diagnosis.first_wrong.name == "dz1"
    assert {v.name: v.verdict for v in found.shown.diagnosis.arrays}["dw"] == "carried"


MISTAKES = {
    "shapes in a product": ("dw = dz * x", "dw = np.ones((7, 5)) @ x", "error", "shapes do not fit"),
    "a number in a product": ("dw = dz * x", "dw = dz @ x", "error", "multiplied by *"),
    "shapes cell by cell": ("dw = dz * x", "dw = dz * x + np.ones(17)", "error", "one shape"),
    "a name without a value": ("dw = dz * x", "dw = dzz * x", "error", "dzz has no value"),
    "numpy without its import": ("import numpy as np", "", "error", "import numpy as np"),
    "None": ("dw = dz * x", "dw = x.sort() * dz", "error", "is None"),
    "None that comes back": ("dw = dz * x", "dw = None", "returned", "dw is None"),
    "nothing that comes back": (RETURN, "pass", "returned", "Nothing is returned: the last line"),
    "too few": (RETURN, "return L, dw", "returned", "2 values are returned, where it is 3"),
    "one": (RETURN, "return dw", "returned", "One value (ndarray)"),
    "a dict without a name": (RETURN, "return {'L': L, 'dw': dw}", "returned", "no db"),
    "text": (RETURN, "return L, 'dw', db", "returned", "no array of real numbers"),
    "complex": (RETURN, "return L, dw * 1j, db", "returned", "no array of real numbers"),
    "not written yet": ("dw = dz * x", "raise NotImplementedError", "error", "not written yet"),
    "dots": (RETURN, "return ...", "returned", "Nothing is returned"),
    "another first line": ("def neuron(x, w, b, y)", "def neuron(x, w, b)", "error", "def neuron(x, w, b, y)"),
    "another name": ("def neuron(", "def neurone(", "missing", "no neuron"),
    "an if of an array": ("dw = dz * x", "dw = dz * x if x > 0 else x", "error", "np.where"),
    "math of an array": ("dw = dz * x", "import math; dw = math.exp(np.ones(3))", "error", "np.exp"),
    "whole numbers in place": ("dw = dz * x", "dw = np.arange(9); dw += 0.5", "error", "cannot take fractions"),
    "past the end": ("dw = dz * x", "dw = x[len(x)] * dz", "error", "Counting begins at 0"),
    "a list": ("dw = dz * x", "dw = dz * list(x)", "error", "no array"),
    "no such module": ("dw = dz * x", "import torchvision", "error", "Only NumPy"),
    "an unclosed bracket": ("dw = dz * x", "dw = (dz * x", "syntax", "bracket"),
    "a tab": ("    dw = dz * x", "\tdw = dz * x", "syntax", "paces"),
    "a sign of mathematics": ("dw = dz * x", "dw = dz · x", "syntax", "keyboard"),
    "a question": ("dw = dz * x", "raise EOFError", "error", "input()"),
    "an exit": ("dw = dz * x", "raise SystemExit(3)", "error", "exit"),
    "no end of calls": ("dw = dz * x", "f = lambda: f(); f()", "error", "without end"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_of_a_mistake_the_own_line_and_what_to_do_are_said(tmp_path, name):
    old, new, kind, words = MISTAKES[name]
    assert old in NEURON
    found = checked(tmp_path, "neuron", NEURON.replace(old, new))
    assert found.mistake and found.mistake.kind == kind and not found.done
    text = " ".join(item.text for item in lines(found))
    assert words in text, text
    if kind in ("error", "syntax") and new and new in NEURON.replace(old, new).splitlines():
        assert new.strip() in [frame.text for frame in found.mistake.frames]
    assert "site-packages" not in text and "Traceback" not in text
    json.dumps(as_json(found))


def test_what_is_written_is_judged_while_the_rest_is_still_dots(tmp_path):
    half = checked(tmp_path, "neuron", NEURON.replace("db = dz", "db = ..."))
    text = [item.text for item in lines(half)]
    assert not half.done and text[0] == "L and dw are right so far. Next: db." and "db  not written yet" in text
    assert as_json(half)["cases"][0]["missing"] == ["db"]
    wrong = checked(tmp_path, "neuron", NEURON.replace("db = dz", "db = ...").replace(" * a * (1 - a)", ""))
    assert wrong.shown.diagnosis.first_wrong.slips[0].name == "slope-dropped"


@pytest.mark.parametrize(
    "id, old, new, says",
    [
        ("softmax", "np.outer(dz, x)", "np.outer(x, dz)", "It is 2 × 4, and should be 4 × 2: rows and columns"),
        ("batch", "dW2 = dZ2.T @ A1 / r", "dW2 = A1.T @ dZ2 / r", "It is 2 × 1, and should be 1 × 2: rows and columns"),
        ("batch", "db1 = dZ1.mean(axis=0)", "db1 = dZ1", "It is 3 × 2, and should be a vector of 2: a part from each"),
        ("batch", "dZ1.mean(axis=0)", "dZ1.mean(axis=1)", "It is a vector of 3, and should be a vector of 2."),
        ("convolution", "dz.sum()", "dz.sum(axis=0)", "It is a vector of 2, and should be a single number"),
        ("recurrence", "return H,", "return np.vstack([h0, H]),", "It is 4 × 2, and should be 3 × 2."),
        ("recurrence", "return H, dZ", "return H, dZ.T", "It is 2 × 3, and should be 3 × 2: rows and columns"),
    ],
)
def test_an_array_of_another_shape_is_told_so(tmp_path, id, old, new, says):
    found = checked(tmp_path, id, reference(id).replace(old, new))
    first = found.shown.diagnosis.first_wrong
    assert first.verdict == "shape" and first.message.startswith(says), said(found)


def test_a_value_that_was_taken_for_another_is_said_in_the_names_of_the_file(tmp_path):
    found = checked(tmp_path, "softmax", reference("softmax").replace("np.outer(dz, x)", "np.outer(dp, x)"))
    assert headline(found).endswith("The first that is wrong is dW: Another value: dp in place of dz.")


def test_numbers_of_the_lesson_written_into_the_code_are_found_out(tmp_path):
    found = checked(tmp_path, "neuron", NEURON.replace("w @ x + b", "w[0] * x[0] + w[-1] * x[-1] + b"))
    text = " ".join(item.text for item in lines(found))
    assert "It is right with the numbers of the lesson one-neuron, and not with random numbers" in text


def test_numbers_that_were_cut_off_and_arguments_that_were_changed_are_said(tmp_path):
    whole = reference("mlp_backward").replace(
        "    db1 = dz1\n", "    db1 = dz1\n    dW1 = dW1.astype(int)\n    W2 *= 2\n"
    )
    found = checked(tmp_path, "mlp_backward", whole)
    assert found.shown.diagnosis.first_wrong.slips[0].name == "whole-numbers"
    assert any("W2 was changed in place" in item.text for item in lines(found))
    in_place = checked(tmp_path, "mlp_backward", reference("mlp_backward").replace("    db1", "    x *= 2\n    db1"))
    assert in_place.done  # it may be meant: it is said, and no fault
    assert any("x was changed in place" in item.text for item in lines(in_place))


def test_a_slip_that_another_case_speaks_against_is_not_named(tmp_path):
    """In the lesson dL/da is −1: that the sign was turned could be, by that case alone, that dL/da was left out."""
    found = checked(tmp_path, "neuron", NEURON.replace("(a - y) * a", "(y - a) * a"))
    assert [slip.name for slip in found.judged[0].diagnosis.first_wrong.slips] == ["difference-reversed"]


@pytest.mark.parametrize(
    ("old", "new", "slip"),
    [
        ("db = dz", "db = 2 * dz", "factor"),  # dw is right, so nothing before it is wrong
        ("dw = dz * x", "dw = -dz * x", "difference-reversed"),
        ("dw = dz * x", "dw = dz * w", "weight-for-activation"),
        ("2 * (a - y)", "4 * (a - y)", "factor-two-twice"),
        ("-z", "z", "exponent-sign"),  # right where z is 0, as in the lesson
        ("1 / (1 + np.exp(-z))", "1 / 1 + np.exp(-z)", "sigmoid-misremembered"),  # the lesson's L fits other slips, too
    ],
)
def test_what_is_right_speaks_for_what_comes_before_it(tmp_path, old, new, slip):
    found = checked(tmp_path, "neuron", NEURON.replace(old, new))
    first = found.shown.diagnosis.first_wrong
    assert [one.name for one in first.slips] == [slip], said(found)
    assert not first.slips[0].doubtful or "(on the way to dw alone)" in first.message


@pytest.mark.parametrize(
    "id, old, new",
    [
        ("neuron", "db = dz", "db = dz * b"),  # b is ½ in the lesson: as if a 2 were lost
        ("neuron", "1 / (1 + np.exp(-z))", "1 / 1 + np.exp(-2 * z)"),
        ("weight_decay", "np.sum(W**2)", "np.sum(W) ** 2"),
        ("momentum", "mu * v + g", "mu * v + mu * g"),  # mu is ½ in the lesson: as if it were a mean
    ],
)
def test_what_explains_the_lesson_alone_and_no_other_numbers_is_no_slip(tmp_path, id, old, new):
    found = checked(tmp_path, id, reference(id).replace(old, new))
    first = found.shown.diagnosis.first_wrong
    assert first.verdict == "wrong" and not first.slips, said(found)


def test_no_random_numbers_hide_a_slip():
    """A loss needs targets of both kinds, a gate units that are on and off, whatever the seed."""
    for seed in range(12):
        for case in cases("mlp_forward", seed)[1:]:
            assert set(case.value("y").tolist()) == {0.0, 1.0}
        for case in cases("batch", seed)[1:]:
            assert all((case.value(z) > 0).any() and (case.value(z) < 0).any() for z in ("z1", "z2"))


def test_hints_come_in_three_rungs_and_the_last_has_the_formula_of_what_went_wrong(tmp_path):
    found = checked(tmp_path, "neuron", NEURON.replace(" * a * (1 - a)", ""))
    rungs = [hint(found.exercise, rung, found) for rung in (1, 2, 3)]
    assert "=" not in rungs[0] and rungs[1].startswith("Look at dw first.")
    assert "dZ¹ = dA¹ ⊙ σ′(Z¹)" in rungs[2] and hint(found.exercise, 1, None) == found.exercise.hints[0]


# ---------------------------------------------------------------- the process and its bounds


def in_a_process(tmp_path, source, **bounds):
    bounds = {"seconds": 20.0} | bounds
    return checked(tmp_path, "neuron", source, runner=lambda job: run(job, **bounds))


def before(line):
    """The reference with a line in front of the last."""
    return NEURON.replace(RETURN, f"{line}\n    {RETURN}")


def test_a_run_prints_and_is_right_and_what_it_started_is_gone(tmp_path):
    (tmp_path / "helper.py").write_text("print('loaded')\n")
    source = "import helper, subprocess, sys\n" + before(
        "print('x is', x); print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    )
    found = in_a_process(tmp_path, source)
    assert found.done and found.printed.startswith("loaded\nx is [ 2. -1.]\n") and not found.cut
    started = int(found.printed.split()[-1])
    for _ in range(200):  # it has been ended; who takes it from the list is the system
        state = Path(f"/proc/{started}/stat")
        if not state.exists() or state.read_text().split(")")[1].split()[0] == "Z":
            break
        time.sleep(0.02)
    else:
        raise AssertionError("it is still there")
    assert {path.name for path in tmp_path.iterdir()} <= {"helper.py", "neuron.py", "__pycache__"}


def test_what_a_file_started_in_a_session_of_its_own_holds_nobody_up(tmp_path):
    source = "import subprocess, sys\n" + before(
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(9)'], start_new_session=True)"
    )
    assert in_a_process(tmp_path, source).done


def test_a_loop_without_end_is_ended_and_its_line_shown_however_much_it_prints(tmp_path):
    found = in_a_process(tmp_path, before("while True: print('on \\x1b[2J and on')"), seconds=0.5)
    assert found.mistake.kind == "time" and found.mistake.frame.text.startswith("while True")
    assert found.cut and len(found.printed) <= MOST_PRINTED
    text = [item.text for item in lines(found)]
    assert any("was ended, while it was in this line" in part for part in text) and any(
        "too much" in part for part in text
    )


def test_memory_is_bounded_and_a_program_that_ends_itself_is_told(tmp_path):
    found = in_a_process(tmp_path, before("[0] * (1 << 30)"), memory=1 << 30)
    assert found.mistake.kind == "memory" and "[0] * (1 << 30)" in found.mistake.frame.text
    found = in_a_process(tmp_path, before("import os; os._exit(3)"))
    assert found.mistake.kind == "ended" and "exit code 3" in " ".join(item.text for item in lines(found))
    found = in_a_process(tmp_path, before("import ctypes; ctypes.string_at(0)"))
    assert "SIGSEGV" in " ".join(item.text for item in lines(found))


def test_a_run_is_ended_at_once_when_its_screen_is_left(tmp_path):
    stop = Stop()
    source = before("open('begun', 'w').close()\n    while True: pass")
    thread = Thread(target=lambda: in_a_process(tmp_path, source, seconds=60.0, stop=stop))
    thread.start()
    while not (tmp_path / "begun").exists():
        assert thread.is_alive()
        time.sleep(0.01)
    stop()
    thread.join(30)
    assert not thread.is_alive()


ONE_ARRAY = b'{"mistake": null, "cases": [{"changed": [], "arrays": [{"name": "L", %s}]}]}'


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{",
        b"[]",
        b'{"cases": [], "mistake": 7}',
        ONE_ARRAY % b'"dtype": "O", "shape": [1], "data": [1]',
        ONE_ARRAY % b'"dtype": "f8", "shape": [9], "data": [1]',
        b"\xff\xfe{" + b"[" * 9999,
        b"{" + b'"a": {' * 9999,
    ],
)
def test_an_answer_that_is_none_is_told_as_a_program_that_ended(answer):
    ran = answered({"path": "x.py", "source": "", "seconds": 1}, answer, b"\x1b[2J", 0, False)
    assert ran.cases == () and ran.mistake.kind == "ended"


# ---------------------------------------------------------------- the commands


def test_the_commands_in_lines(tmp_path, capsys, data_folder):
    def said(*argv):
        code = main(["lab", *argv])
        out, err = capsys.readouterr()
        return code, " ".join(out.split()), err

    code, out, _ = said()
    assert code == 0 and "0 of" in out and "▸ neuron" in out and all(id in out for id in EXERCISES)
    code, out, _ = said("start", "neuron", "--plain")
    file = data_folder / "lab" / "neuron.py"
    assert code == 0 and file.read_text() == EXERCISES["neuron"].skeleton.read_text() and str(file) in out
    file.write_text("x = 1\n")
    code, out, _ = said("start", "neuron")
    assert code == 0 and "there already" in out and file.read_text() == "x = 1\n"
    assert said("start", "neuron", "--dir", str(tmp_path / "mine"))[0] == 0 and (tmp_path / "mine/neuron.py").exists()
    assert said("start", "neuron", "--profile", "../Ada")[0] == 0  # nobody begins with what another wrote
    (theirs,) = (data_folder / "lab").glob("*/neuron.py")
    assert theirs.read_text() == EXERCISES["neuron"].skeleton.read_text() and theirs.parent.name.endswith("Ada")
    for argv, words in (
        (("start", "nuron"), "did you mean 'neuron'"),
        (("start", "neuron", "--dir", str(file)), "cannot write"),
        (("check", str(tmp_path / "neuron.py")), "cannot read"),
        (("check", str(tmp_path / "other.py")), "--exercise"),
        (("check", str(file), "--seed", "x"), "--seed takes"),
    ):
        code, out, err = said(*argv)
        assert code == 2 and words in err and out == "", err
    assert said("check", str(file))[0] == 1
    mine = tmp_path / "mine.py"
    mine.write_text(NEURON)
    code, out, _ = said("check", str(mine), "--exercise", "neuron", "--seed", "5")
    assert code == 0 and "Right, all of it" in out
    code, out, _ = said()
    assert "✓ neuron" in out and "(done)" in out and f"1 of {len(EXERCISES)}" in out
    main(["progress"])
    assert "neuron: done on" in capsys.readouterr().out


def test_the_json_is_as_documented(tmp_path, capsys):
    page = (ROOT / "docs" / "lab.md").read_text(encoding="utf-8")
    example = json.loads(page.split("```json\n")[1].split("```")[0])
    mine = tmp_path / "neuron.py"
    mine.write_text(NEURON.replace(" * a * (1 - a)", ""))
    assert main(["lab", "check", str(mine), "--seed", "7", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert list(found) == list(example) and found["seed"] == 7 and found["mistake"] is None
    assert list(found["cases"][0]) == list(example["cases"][0]) and found["cases"][0]["first_wrong"] == "dw"
    keys = {*found, *found["cases"][0], *found["cases"][0]["arrays"][0]} - {"format"}
    broken = as_json(checked(tmp_path, "neuron", "x = = 1"))["mistake"]
    keys |= {*broken, *broken["frames"][0]}
    assert broken["kind"] == "syntax" and all(f"`{key}`" in page for key in keys)
    kinds = {row[2] for row in MISTAKES.values()} | {"time", "memory", "ended", "unreadable"}
    assert all(f"`{kind}`" in page for kind in kinds)


def test_a_file_is_watched_in_lines(tmp_path, capsys):
    path = tmp_path / "neuron.py"
    path.write_text(NEURON.replace(" * a * (1 - a)", ""))
    tries = []
    bench = Bench(EXERCISES["neuron"], path)
    assert bench.saved()
    watch(bench, lambda id, right: tries.append((id, right)), ["hint", "help", "what", "quit", "hint"])
    out = " ".join(capsys.readouterr().out.split())
    assert "The first that is wrong is dw" in out and EXERCISES["neuron"].hints[0] in out and "no command 'what'" in out
    assert tries == [("neuron", False)] and not bench.saved() and bench.rung == 1
    path.write_text(NEURON)
    assert bench.saved()
    watch(bench, lambda id, right: tries.append((id, right)), ["run"])
    assert tries == [("neuron", False), ("neuron", True), ("neuron", True)]
    assert f"lab start {list(EXERCISES)[1]}" in capsys.readouterr().out


def test_a_file_that_was_not_touched_is_no_try(tmp_path):
    found = checked(tmp_path, "neuron", EXERCISES["neuron"].skeleton.read_text())
    keep(found, lambda id, right: pytest.fail("a try"))
    assert headline(found).startswith("The file is as it was")


NO_PROGRAM = [(b"\xff\xfe\x00x", "utf-8"), (b"x\x00", "NUL"), (b"#" * 1_000_001, "1,000,000")]


@pytest.mark.parametrize("data, words", NO_PROGRAM)
def test_a_file_that_is_no_program_is_told_of(tmp_path, data, words):
    found = check(EXERCISES["neuron"], tmp_path / "neuron.py", data, 1, lambda job: pytest.fail("it was run"))
    assert found.mistake.kind == "unreadable" and words in " ".join(item.text for item in lines(found))
