"""The command line, as a learner, an author with a broken file and a program meet it."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from effort import PATIENCE, effort
from test_diagnose import pt
from tutor import __version__
from tutor.cli.arguments import FORMATS, LEVELS
from tutor.cli.commands import RUN, main
from tutor.cli.export import as_json
from tutor.cli.finding import find_lesson
from tutor.cli.streams import read_line
from tutor.engine.lesson import LEVELS as LESSON_LEVELS
from tutor.engine.trace import trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.text.notations import NOTATIONS

ROOT = Path(__file__).resolve().parent.parent
CIRCUIT = 'format = 1\ntitle = "T"\n[circuit]\ndefine = ["f = x * y"]\noutput = "f"\ninputs = { x = 1, y = 2 }\n'
LARGE = (
    'format = 1\ntitle = "Digits"\n[network]\ninputs = 784\nloss = "cross_entropy"\n'
    '[[network.layers]]\nunits = 30\nactivation = "sigmoid"\n[[network.layers]]\nunits = 10\nactivation = "softmax"\n'
    f"[[examples]]\ninputs = [{', '.join(['0.5'] * 784)}]\ntarget = 3\n"
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Each test works in a folder of its own, and nobody answers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return tmp_path


@pytest.fixture
def run(capsys):
    """Runs a command in this process: (exit code, standard output, standard error)."""

    def run(*argv: str) -> tuple[int, str, str]:
        code = main(list(argv))
        return (code, *capsys.readouterr())

    return run


def program(*argv, **how):
    """Starts the program itself."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LC_", "LANG"))}
    environment |= {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", **how.pop("env", {})}
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | how
    return subprocess.Popen([sys.executable, "-m", "tutor", *argv], env=environment, **how)


def finished(*argv, **how):
    """Runs the program to its end: (exit code, output, errors) as bytes."""
    given = how.pop("input", None)
    process = program(*argv, **({"stdin": subprocess.PIPE} if given is not None else {}), **how)
    out, err = process.communicate(given, timeout=PATIENCE)
    return process.returncode, out, err


def is_refused(result, *words):
    """Exit code 2, nothing said but one line on standard error, fit for a terminal, with these words in it."""
    code, out, err = result
    assert (code, out) == (2, "") and re.fullmatch(r"backprop-tutor: [^\n\x00-\x1f\x7f-\x9f]+\n", err), err
    assert len(err) < 500 and all(word in err for word in words), err
    return True


# ---------------------------------------------------------------- usage


def test_version_and_help(run):
    assert run("--version") == (0, f"backprop-tutor {__version__}\n", "")
    code, text, _ = run("--help")
    assert code == 0 and all(f"    {command}" in text for command in tuple(filter(None, RUN))) and "examples:" in text


async def served(server, host, port, ready):
    ready()


@pytest.mark.parametrize("command", tuple(filter(None, RUN)))
def test_help_of_a_command_has_examples_that_work(command, run, monkeypatch):
    if command == "serve":  # it would go on for ever
        monkeypatch.setattr(pytest.importorskip("tutor.serve.server"), "run", served)
    code, text, err = run(command, "--help")
    examples = re.findall(r"^  backprop-tutor (.*?)(?:  .*| [<>] .*)?$", text.partition("examples:")[2], re.MULTILINE)
    assert code == 0 and not err and examples and all(example.startswith(command) for example in examples)
    Path("lessons").mkdir()
    for file in ("mine.toml", "lessons/mine.toml"):
        Path(file).write_text(CIRCUIT)
    Path("paper.csv").write_text("dL/dW2,1,2\n")  # solutions that are wrong
    Path("grads.json").write_text('{"dL/dW2": [[1.0, 2.0]]}')
    np.savez("mine.npz", dW2=np.ones((1, 2)))
    Path("class.txt").write_text("Ada\nBob\n")
    Path("class.csv").write_text("Ada,dL/dW2[1,1],-0.319\n")
    Path("exports").mkdir()
    for name in ("exports/cem.json", "ada.json", "bob.json"):
        Path(name).write_text('{"format": "backprop-tutor progress", "answers": []}')
    shapes = {"fc1.weight": (3, 2), "fc1.bias": (3,), "fc2.weight": (2, 3), "fc2.bias": (2,)}
    layers = {name: np.ones(shape) for name, shape in shapes.items()}
    np.savez("model.npz", **layers)
    Path("model.pt").write_bytes(pt(layers))
    Path("rows.csv").write_text("a,b,class\n" + "0,1,1\n1,0,2\n" * 5)
    for example in examples:
        example += " --runs 3" if command == "sweep" and "--runs" not in example else ""
        example = re.sub("(--variants|--runs) [0-9]+", r"\1 3", example)  # more of them would be no other
        # an example of what is judged may be wrong: exit code 1; to watch takes a screen, to ask somebody who answers
        nobody = re.search("--watch|model.pt", example)
        codes = (0, 1) if command in ("grade", "diagnose", "exam", "lab") else (2,) if nobody else (0,)
        assert run(*shlex.split(example))[0] in codes, example


def test_help_names_every_notation(run):
    text = run("trace", "--help")[1].partition("notations:\n")[2]
    assert re.findall(r"^  (\w+) ", text, re.MULTILINE) == list(NOTATIONS)
    assert set(LEVELS) == set(LESSON_LEVELS)


@pytest.mark.parametrize(
    "argv, words",
    [
        (["nonsense"], ["no command 'nonsense'", "play, list, trace, train, check, compare"]),
        (["gates"], ["'gates' is a lesson", "backprop-tutor play gates"]),
        (["--verbose"], ["--verbose"]),
        (["play"], ["LESSON", "play --help"]),
        (["play", "gates", "extra"], ["extra"]),
        (["play", "gates", "--plian"], ["--plian"]),
        (["list", "--format", "xml"], ["xml", "json"]),
        (["trace"], ["LESSON"]),
        (["trace", "gates", "--level"], ["--level"]),
        (["trace", "gates", "--level", "hard"], ["hard", "story"]),
        (["trace", "gates", "--form", "json"], ["--form"]),
        (["trace", "gates", "--notation", "dzz"], ["'dzz'", "did you mean 'dz'", "nabla"]),
        (["trace", "gates", "--notation", ""], ["unknown notation ''"]),
        (["trace", "gates", "--iteration", "0"], ["from 1 to 1,000,000", "'0'"]),
        (["trace", "gates", "--iteration=-3"], ["'-3'"]),
        (["trace", "gates", "--iteration", "two"], ["'two'"]),
        (["trace", "gates", "--iteration", "1.0"], ["'1.0'"]),
        (["trace", "gates", "--iteration", "٣"], ["whole number"]),
        (["trace", "gates", "--iteration", "9" * 5000], ["whole number"]),
        (["check"], ["PATH"]),
    ],
)
def test_bad_usage_is_one_line(argv, words, run):
    assert is_refused(run(*argv), *words)


@pytest.mark.parametrize("command", ["play", "trace"])
@pytest.mark.parametrize(
    "name, words",
    [
        ("gate", ["no lesson 'gate'", "did you mean 'gates'"]),
        ("zzzzz", ["no lesson 'zzzzz'", "backprop-tutor list"]),
        ("", ["no lesson ''"]),
        ("nowhere.toml", ["no file 'nowhere.toml'"]),
        ("no/where", ["no file 'no/where'"]),
        (".", ["this is a folder"]),
        ("/", ["this is a folder"]),
        ("a\x00b", ["'a\\x00b'"]),
        ("a\x1b[31mb\nc", ["'a\\x1b[31mb\\nc'"]),
        ("\udcff", ["'\\udcff'"]),
        ("\u202eevil", ["'\\u202eevil'"]),
        ("x" * 5000, ["no lesson 'xxx"]),
        ("x" * 5000 + ".toml", ["no file 'xxx"]),
        ("/dev/null", ["not a regular file"]),
        ("mine", ["did you mean the file 'mine.toml'"]),
    ],
)
def test_what_is_no_lesson_is_one_line(command, name, words, run):
    Path("mine.toml").write_text(CIRCUIT)
    assert is_refused(run(command, name), *words)


BROKEN = {
    "empty.toml": b"",
    "binary.toml": b"format = 1\nti\0tle",
    "latin.toml": "format = 1\ntitle = 'é'".encode("latin-1"),
    "large.toml": b"#" * (4 * 2**20 + 1),
    "syntax.toml": b"format = 1\ntitle = \n",
    "many.toml": b'format = 1\ntitle = "T"\nfoo = 1\nbar = 2\n',
    "escape.toml": b'format = 1\ntitle = "a\\u001bb"\n',
    "note.toml": CIRCUIT.encode() + b'[[notes]]\nstep = "g"\ntext = "T"\n',
    "infinite.toml": CIRCUIT.replace("x * y", "x / (y - 2)").encode(),
}


@pytest.mark.parametrize("command", ["play", "trace"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_file_is_one_line_with_its_place(command, name, run):
    Path(name).write_bytes(BROKEN[name])
    assert is_refused(run(command, name), f"{name}:")
    if name == "many.toml":
        assert "backprop-tutor check many.toml)" in run(command, name)[2]


def test_an_id_goes_before_a_file_of_that_name(run):
    Path("gates").write_text(CIRCUIT)
    assert find_lesson("gates") == (catalogue.find("gates"), "gates")
    assert find_lesson("03-gates") == (catalogue.find("gates"), "gates")
    assert find_lesson("./gates") == (Path("./gates"), os.path.realpath("gates"))
    Path("other").write_text(CIRCUIT)
    assert find_lesson("other") == (Path("other"), os.path.realpath("other"))  # a file of any suffix


def test_a_defect_of_the_tutor_is_no_traceback(run, monkeypatch):
    monkeypatch.setattr(catalogue, "entries", lambda: 1 / 0)
    code, out, err = run("list")
    assert (code, out) == (3, "") and "ZeroDivisionError" in err and err.count("\n") == 1
    monkeypatch.setenv("BACKPROP_TUTOR_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        main(["list"])


# ---------------------------------------------------------------- list


def test_list(run):
    code, text, err = run("list")
    assert code == 0 and not err
    for entry in catalogue.entries():
        assert re.search(rf"^  {entry.id} +{re.escape(entry.title)}: {re.escape(entry.summary)}$", text, re.MULTILINE)
    units = [line for line in text.splitlines() if line and not line.startswith((" ", "backprop-tutor"))]
    assert units == list(dict.fromkeys(entry.unit for entry in catalogue.entries()))


def test_list_for_programs(run, data_folder):
    records = json.loads(run("list", "--format", "json")[1])
    assert [record["id"] for record in records] == [entry.id for entry in catalogue.entries()]
    assert not any(record["finished"] or record["error"] for record in records)
    from tutor.learner.store import Store

    with Store.open() as store:
        store.finish("gates")
    records = json.loads(run("list", "--format", "json")[1])
    assert [record["id"] for record in records if record["finished"]] == ["gates"]


def test_a_broken_lesson_hides_no_other(run, monkeypatch, tmp_path):
    (tmp_path / "01-good.toml").write_text(CIRCUIT)
    (tmp_path / "02-bad.toml").write_bytes(b"\xff")
    whole = catalogue.entries
    monkeypatch.setattr(catalogue, "entries", lambda: whole(tmp_path))
    text = run("list")[1]
    assert "Other lessons\n  good  T\n  bad   bad: cannot be used: it is not a text file" in text
    assert [r["error"] is None for r in json.loads(run("list", "--format", "json")[1])] == [True, False]


def test_without_a_terminal_the_home_screen_is_a_list(run):
    code, text, err = run()
    assert code == 0 and not err
    assert text.startswith("The home screen needs a terminal") and text.endswith(run("list")[1])


# ---------------------------------------------------------------- trace


def test_trace_shows_the_matrix_level_in_the_lessons_notation(run):
    assert run("trace", "c-431")[1] == run("trace", "c-431", "--level", "matrix", "--notation", "delta")[1]
    assert "[dL/dW1]" in run("trace", "c-431")[1]
    assert "[dL/dW1[3,4]]" in run("trace", "c-431", "--level", "scalar")[1]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("level", LEVELS)
def test_trace_in_every_format_and_level(format, level, run):
    code, text, err = run("trace", "o-classification", "--format", format, "--level", level)
    assert code == 0 and not err and text.endswith("\n")
    assert ("is only as good as its weights" in " ".join(text.split())) == (level == "story")
    assert ("dL/dW1[2,1]" in text) == (level == "scalar")


def test_a_step_in_latex_comes_with_its_derivation(run):
    code, text, err = run("trace", "softmax", "--format", "latex", "--step", "dL/dz1")
    assert code == 0 and not err and text.startswith("% dL/dz1\n")
    assert "".join(re.findall(r"(?s)\\\[.*?\\\]", text)).isascii()
    begun, ended = re.findall(r"\\begin\{(\w+)\}", text), re.findall(r"\\end\{(\w+)\}", text)
    assert sorted(begun) == sorted(ended) and text.count("\\[\n") == text.count("\n\\]") > 3
    assert r"\frac{\partial" in text or r"\partial" in text
    whole = run("trace", "softmax", "--format", "latex")[1]
    assert whole.startswith(r"\documentclass") and whole.endswith("\\end{document}\n") and "% dL/dz1\n" in whole
    bare = re.sub(r"\\.", "", whole)
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    assert is_refused(run("trace", "softmax", "--step", "dL/dz1"), "--format latex")
    assert is_refused(run("trace", "softmax", "--format", "latex", "--step", "dL/dz9"), "dL/dz9")


def test_an_iteration_has_the_parameters_that_the_one_before_made(run):
    def trace(number):
        return json.loads(run("trace", "o-classification", "--format", "json", "--iteration", str(number))[1])

    before = {step["id"]: step["value"] for step in trace(7)["steps"]}
    after = trace(8)
    assert after["iteration"] == 8 and after["rows"] == [2]
    for name in ("W1", "b1", "W2", "b2"):
        assert np.allclose(after["given"][name], before[f"{name}'"], rtol=1e-12, atol=0)


def test_a_circuit_without_training_has_one_iteration(run):
    Path("t.toml").write_text(CIRCUIT)
    assert run("trace", "t.toml", "--iteration", "1")[0] == 0
    assert is_refused(run("trace", "t.toml", "--iteration", "2"), "not trained", "[training]")


# ---------------------------------------------------------------- check


def test_check_of_good_lessons(run):
    """(All that come with the tutor are checked in tests/test_lessons.py, and by a command of README.md.)"""
    some = [str(entry.path) for entry in catalogue.entries()[::8]]
    assert run("check", *some) == (0, f"{len(some)} lessons: 0 errors, 0 warnings.\n", "")


@pytest.mark.parametrize("name", BROKEN)
def test_check_of_a_bad_file(name, run):
    Path(name).write_bytes(BROKEN[name])
    code, text, err = run("check", name)
    assert code == 1 and not err
    assert re.match(rf"{name}:\d+:\d+: \S", text) and re.search(r"\n1 lesson: [1-9]\d* errors?, 0 warnings\.\n$", text)


def test_check_reports_everything_in_every_file(run):
    for name, data in BROKEN.items():
        Path(name).write_bytes(data)
    Path("good.txt").write_text(CIRCUIT)
    code, text, _ = run("check", ".", "good.txt")
    assert code == 1 and text.endswith(" warnings.\n") and f"\n{len(BROKEN) + 1} lessons: " in text
    assert all(f"{name}:" in text for name in BROKEN)
    many = [line for line in text.splitlines() if line.startswith("many.toml:")]
    assert len(many) == 3
    firsts = [line.partition(":")[0] for line in text.splitlines() if re.match(r"\w+\.toml:\d", line)]
    assert firsts == sorted(firsts)


def test_warnings_alone_are_no_error(run):
    Path("t.toml").write_text(CIRCUIT.replace("y = 2 }", "y = 2, w = 3 }"))
    code, text, _ = run("check", "t.toml")
    assert code == 0 and "t.toml:6:30: warning: " in text and text.endswith("\n1 lesson: 0 errors, 1 warning.\n")


def test_a_folder_without_lessons_says_so(run):
    Path("folder").mkdir()
    assert run("check", "folder") == (
        0, "folder: there is no lesson (*.toml) in this folder.\n\n0 lessons: 0 errors, 0 warnings.\n", "",
    )  # fmt: skip


@pytest.mark.parametrize("path", ["nowhere", "nowhere.toml", "", "x" * 5000, "a\x00b", "\udcff", "t.toml/x", "loop"])
def test_a_missing_path_is_refused_before_anything_is_checked(path, run):
    Path("t.toml").write_bytes(b"")
    os.symlink("loop", "loop")
    assert is_refused(run("check", "t.toml", path), "no file or folder")


def test_a_path_that_cannot_be_looked_at_is_an_error_not_a_missing_path(run, monkeypatch):
    stat = os.stat

    def refuse(path, *args, **how):
        if str(path) == "locked/t.toml":
            raise PermissionError(13, "Permission denied")
        return stat(path, *args, **how)

    monkeypatch.setattr(os, "stat", refuse)
    code, text, err = run("check", "locked/t.toml")
    assert code == 1 and not err and "locked/t.toml:1:1: cannot read the file: Permission denied" in text


def test_file_names_are_escaped(run):
    Path("w\x1b[31m\udcff\n.toml").write_text("")
    code, text, _ = run("check", ".")
    assert code == 1 and text.startswith("w\\x1b[31m\\udcff\\n.toml:1:1: ")


# ---------------------------------------------------------------- line mode


def test_without_a_terminal_play_is_line_mode(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("next\nquit\n"))
    code, text, err = run("play", "gates")
    assert code == 0 and not err and "> " not in text
    assert re.findall(r"^\[(\S+)\]", text, re.MULTILINE) == ["q", "f"]


def test_a_store_that_cannot_be_written_is_told_once(run, monkeypatch):
    Path("file").write_text("")
    monkeypatch.setenv("BACKPROP_TUTOR_DATA", "file/data")
    monkeypatch.setattr(sys, "stdin", io.StringIO("next\nnext\n"))
    code, text, err = run("play", "gates", "--plain")
    assert code == 0 and "lesson is finished" not in text
    assert err.count("\n") == 1 and "what you do now is forgotten" in err
    assert run("list", "--format", "json")[0] == 0


def test_of_an_endless_line_only_the_beginning_is_kept(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("x" * 100_000 + "\nnext\n" + "y" * 4096 + "\nback"))
    lines = [read_line() for _ in range(5)]
    assert [len(line) for line in lines] == [4096, 5, 4096, 4, 0] and lines[1::2] == ["next\n", "back"]


def test_play_takes_a_notation_as_the_key_does(run, data_folder):
    code, out, _ = run("play", "o-classification", "--plain", "--notation", "nabla")
    assert code == 0 and "∇" in out
    code, out, _ = run("play", "o-classification", "--plain")
    assert "∇" in out, "from now on"
    code, _, said = run("play", "gates", "--plain", "--notation", "dzz")
    assert code == 2 and "did you mean 'dz'" in said


# ---------------------------------------------------------------- the program itself


def test_the_first_frame_imports_nothing_heavy():
    script = "import sys; from tutor.cli.commands import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    light = (["--version"], ["--help"])
    for argv in (*light, ["list"], ["list", "--format", "json"], ["trace", "--help"], ["play", "nowhere"]):
        done = subprocess.run([sys.executable, "-c", script, *argv], capture_output=True, text=True, env=environment)
        heavy = {"numpy", "textual", "rich", "tree_sitter", "tutor.engine.expressions", "tutor.engine.trace"}
        if argv in light:
            heavy |= {"typing", "dataclasses", "pathlib", "tomllib", "json", "shutil", "tutor.lessonfiles.catalogue"}
        heavy &= set(done.stderr.split())
        assert done.returncode == 0 and "tutor.cli.commands" in done.stderr and not heavy, argv


ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def test_text_without_unicode_is_ascii_mathematics():
    code, out, err = finished("trace", "o-classification", env=ASCII)
    text = out.decode("ascii")
    assert code == 0 and not err and "?" not in text
    assert "dL/dz_fin = yhat - y" in text and "sigma" in text and "W^1 * x + b_1" in text


def test_latin_1_keeps_what_it_has():
    code, out, err = finished("trace", "gates", env={"PYTHONIOENCODING": "latin-1"})
    assert code == 0 and not err and "f = q · z\n      = 3 · (-4)" in out.decode("latin-1")


def test_json_is_utf_8_whatever_the_locale():
    code, out, err = finished("trace", "gates", "--format", "json", env=ASCII)
    assert code == 0 and not err
    assert out == finished("trace", "gates", "--format", "json")[1]
    assert {step["id"]: step["symbol"] for step in json.loads(out.decode("utf-8"))["steps"]}["df/dx"] == "∂f/∂x"


def test_no_colour_and_no_control_sequences():
    for argv in (["trace", "gates"], ["--help"], ["list"], ["nonsense"]):
        _, out, err = finished(*argv, env={"FORCE_COLOR": "", "NO_COLOR": "1"})
        assert b"\x1b" not in out + err


def closing(*numbers):
    return lambda: [os.close(number) for number in numbers]


@pytest.mark.parametrize("argv", [["list"], ["trace", "gates"], ["play", "gates", "--plain"]])
def test_closed_streams_are_quiet(argv, data_folder):
    code, out, err = finished(*argv, preexec_fn=closing(1))
    assert (code, out, err) == (0, b"", b"")
    code, out, err = finished(*argv, preexec_fn=closing(0))
    assert code == 0 and out and not err
    assert finished(*argv, preexec_fn=closing(0, 1, 2))[0] == 0


def test_a_refusal_that_nobody_hears_is_one():
    assert finished("trace", "nowhere", preexec_fn=closing(2))[0] == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line():
    with open("/dev/full", "wb") as full:
        for argv in (["trace", "gates"], ["list"], ["--version"]):
            code, _, err = finished(*argv, stdout=full)
            assert code == 2 and err == b"backprop-tutor: cannot write or read: No space left on device\n"
        assert finished("trace", "nowhere", stderr=full)[0] == 2


def test_a_broken_pipe_is_quiet():
    Path("large.toml").write_text(LARGE)
    process = program("trace", "large.toml", "--level", "scalar", "--format", "json")
    assert process.stdout.readline().startswith(b'{"format": 1')
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(PATIENCE) == 0


def test_what_nobody_reads_any_more_is_not_computed():
    Path("large.toml").write_text(LARGE)
    whole = trace(load("large.toml"))
    assert effort(lambda: next(iter(as_json(whole, "scalar", "dz")))) < 300_000  # all of it: millions


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_signals_are_quiet(number, code):
    # A signal while NumPy's C is imported is NumPy's to tell of, and it calls it a broken installation.
    script = "import sys, tutor.cli.export as _; from tutor.cli.commands import main; "
    script += "print('here', flush=True); sys.exit(main(sys.argv[1:]))"
    argv = [sys.executable, "-c", script, "trace", "p-deep", "--iteration", "1000000"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"here\n"
    time.sleep(0.3)  # long enough to be under way, far too short to arrive
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (code, b"", b"")


def test_input_that_is_no_text():
    code, out, err = finished("play", "gates", "--plain", input=b"\xff\xfe\n\0\nx" + b"y" * 100_000 + b"\nquit\n")
    assert code == 0 and not err and b"\x00" not in out
    assert out.decode().count("is neither a command nor a step") + out.decode().count("too long") == 3


@pytest.fixture
def terminal():
    """A terminal: (its number for a program, a function that types and reads until a text comes)."""
    master, slave = pty.openpty()
    seen = b""

    def talk(typed: bytes, until: bytes) -> bytes:
        nonlocal seen
        os.write(master, typed)
        deadline = time.monotonic() + PATIENCE
        while until not in seen and time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                seen += os.read(master, 65536)
        assert until in seen, seen
        before, _, seen = seen.partition(until)
        return before

    yield slave, talk
    os.close(master)
    os.close(slave)


def test_at_a_terminal_line_mode_prompts_keeps_the_place_and_is_left_quietly(terminal):
    slave, talk = terminal
    streams = {"stdin": slave, "stdout": slave, "stderr": slave}
    process = program("play", "gates", "--plain", **streams)
    talk(b"", b"[q] Add gate")
    talk(b"", b"> ")
    talk(b"go df/dz\n", b"[df/dz]")
    talk(b"", b"> ")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    process = program("play", "gates", "--plain", **streams)
    rest = talk(b"", b"You go on at df/dz")
    assert b"Traceback" not in rest
    talk(b"", b"> ")
    talk(b"\x04", b"\r\n")  # ctrl+d
    assert process.wait(PATIENCE) == 0


def test_python_m_tutor_is_the_program():
    assert finished("--version") == (0, f"backprop-tutor {__version__}\n".encode(), b"")


def test_a_bundled_lesson_is_the_one_that_is_listed():
    for entry in catalogue.entries():
        assert load(find_lesson(entry.id)[0]).title == entry.title


def test_a_profile_is_chosen_before_the_command_behind_it_and_for_the_home_screen(run, data_folder):
    from tutor.learner.store import Store

    with Store.open(profile="ann") as store:
        store.finish("gates")
    for argv in (["--profile", "ann", "progress"], ["progress", "--profile", "ann"]):
        code, out, _ = run(*argv)
        assert code == 0 and "Progress of ann" in out and "1 lesson finished" in out
    assert run("--profile", "ann")[0] == 0  # the home screen, which without a terminal lists the lessons
    assert "0 lessons finished" in run("progress")[1]
    is_refused(run("progress", "--profile", "a\x1bb"), "profile")
    is_refused(run("--profile", " ", "progress"), "profile")
