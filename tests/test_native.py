"""Training in C against training in Python, bit for bit; and every way in which there may be no C."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import textwrap
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from strategies import bundled, circuit_lesson, dense, network_lesson
from test_array_model import ALL
from test_array_model import lesson as read
from tutor import __version__
from tutor.cli.commands import main
from tutor.engine import native
from tutor.engine import run as running
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.compiled import building
from tutor.engine.lesson import ORDERS, Training
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.run import Run
from tutor.lessonfiles import catalogue

CC = shutil.which("cc")
needs_cc = pytest.mark.skipif(CC is None, reason="there is no C compiler here: training is in Python and NumPy")


@pytest.fixture(autouse=True)
def compiler(monkeypatch):
    """The compiler, which other tests do without; nothing is left of what was built."""
    monkeypatch.delenv(building.ENVIRONMENT)
    monkeypatch.setattr(building, "_failed", set())
    monkeypatch.setattr(building, "PATIENCE", 60)  # a busy machine
    building.forget()
    yield
    building.forget()


class Together:
    """Builds all that was asked for with one call of the compiler: each source has names of its own there."""

    def __init__(self, folder: Path):
        self.folder, self.sources, self.builds = folder, [], []

    def __call__(self, source: str, flags=()) -> building.Build:
        self.sources.append(source)
        self.builds.append(building.Build())
        return self.builds[-1]

    def build(self) -> None:
        begin = native.PRELUDE
        texts = [
            source.removeprefix(begin).replace("train(", f"train_{k}(").replace("once_", f"once_{k}_")
            for k, source in enumerate(self.sources)
        ]
        (self.folder / "all.c").write_text(begin + "".join(texts))
        flags = [flag for flag in building.FLAGS if flag != "-O2"]
        command = [CC, *flags, "-O0", "-fPIC", "-shared", "-w", "-o", "all.so", "all.c", "-lm"]
        subprocess.run(command, cwd=self.folder, check=True)
        for k, found in enumerate(self.builds):
            found.train = building._function(self.folder / "all.so", f"train_{k}")
            found.done.set()


def same_in_both(lessons, tmp_path, monkeypatch, iterations=40) -> list[Run]:
    """Train each lesson in Python and in C; returns the runs in C."""
    together = Together(tmp_path)
    monkeypatch.setattr(native, "build", together)
    monkeypatch.setattr(running, "SCALAR_WORK", 10**9)
    runs = [Run(taught) for taught in lessons]
    assert not any(run.in_c() for run in runs)
    together.build()
    for run in runs:
        true = Run(run.lesson)
        assert run.in_c(), run.lesson
        assert run.train(iterations) == true.train(iterations) and run.diverged == true.diverged
        assert run.losses.tobytes() == true.losses.tobytes()
        for number in (2, run.trained // 2 + 1, run.trained + 1):
            mine, theirs = run.parameters(number), true.parameters(number)
            assert all(mine[key].tobytes() == theirs[key].tobytes() for key in theirs), (run.lesson, number)
    return runs


def random_network(rng: np.random.Generator, loss: str, activation: str, optimizer: str):
    """Of two or three layers, with batches, a short last one, any order."""
    wants = LOSSES[loss].wants
    widths = rng.integers(1, 4, rng.integers(3, 5))
    layers = [
        dense(rng.uniform(-1.5, 1.5, (m, n)), rng.uniform(-1, 1, m), activation, train_biases=rng.random() < 0.8)
        for n, m in pairwise(widths)
    ]
    layers[-1] = replace(layers[-1], activation=wants or rng.choice(["linear", "sigmoid", "softmax"]))
    examples, outputs = int(rng.integers(1, 6)), widths[-1]
    if loss == "cross_entropy":
        targets = np.eye(outputs)[rng.integers(outputs, size=examples)]
    elif LOSSES[loss].targets or loss == "binary_cross_entropy":
        targets = rng.choice(LOSSES[loss].targets or (0.0, 1.0), (examples, outputs))
    else:
        targets = rng.uniform(-1, 1, (examples, outputs))
    return network_lesson(
        layers, loss, rng.uniform(-2, 2, (examples, widths[0])), targets,
        optimizer=optimizer, learning_rate=rng.choice([0.01, 0.5, 3.0]), l2=rng.choice([0.0, 0.013]),
        batch=[1, 2, 3, "all"][rng.integers(4)], order=ORDERS[rng.integers(len(ORDERS))], seed=int(rng.integers(9)),
        batch_loss=["mean", "sum"][rng.integers(2)], epsilon=1e-6, weight_decay=0.1,
    )  # fmt: skip


@needs_cc
def test_random_networks_have_the_same_bits(tmp_path, monkeypatch):
    rng, lessons = np.random.default_rng(4), []
    names = [list(table) for table in (LOSSES, ACTIVATIONS, OPTIMIZERS)]
    for k in range(2 * max(map(len, names))):  # each has its turn with others
        lessons.append(random_network(rng, *(table[(k + k // len(table)) % len(table)] for table in names)))
    same_in_both(lessons, tmp_path, monkeypatch)


CIRCUITS = [
    ["f = max(x, y, x * y) + min(x - y, y)"],
    ["q = x ** y + sqrt(x) / y", "f = q * exp(-x) + log(y)"],
    ["f = sin(x) * cos(y) + abs(x - 2 * y) + sigmoid(x) * tanh(y)"],
    ["f = (x - 3) ** 2 + x * y"],
    ["f = x * x * 10"],
    ["f = x"],
    ["f = relu(x) - relu(-x) + gelu(y) + softplus(x * y) + elu(-x) + gelu_erf(y - 1)"],
]


@needs_cc
def test_circuits_have_the_same_bits(tmp_path, monkeypatch):
    how = [Training(0.05), Training(0.4, "adam"), Training(2.0, "momentum")]
    lessons = [circuit_lesson(lines, training=training, x=1.25, y=0.75) for lines in CIRCUITS for training in how]
    same_in_both(lessons, tmp_path, monkeypatch)


@needs_cc
def test_lessons_have_the_same_bits(tmp_path, monkeypatch):
    """The bundled ones whose code is over single numbers, and array circuits, of as many gates as there are."""
    lessons = [bundled(entry.id) for entry in catalogue.entries()]
    small = [taught for taught in lessons if taught.training and Run(taught)._scalar and Run(taught)._work < 60]
    assert len(small) > 10
    arrays = [read(text) for text in ALL.values()]
    trained = [replace(taught, training=taught.training or Training(0.05)) for taught in arrays]
    same_in_both([*small, *trained], tmp_path, monkeypatch, 12)


@needs_cc
@pytest.mark.parametrize("shift", [900.0, -900.0])
def test_c_stops_where_python_would_raise(shift, tmp_path, monkeypatch):
    """e^900 overflows in Python and in C, a saturated sigmoid does not: the equations run those iterations."""
    hidden = dense([[1.0, 1.0], [-1.0, 0.5]], [shift, -shift], "sigmoid")
    layers = [hidden, dense([[0.5, -0.3], [0.2, 0.1]], [shift, 0.0], "softmax")]
    taught = network_lesson(layers, "cross_entropy", [[0.5, -1.0], [1.5, 0.25]], np.eye(2))
    (run,) = same_in_both([taught], tmp_path, monkeypatch)
    assert run._native.run(run.kept[1].copy(), 1, np.empty(5), 0) < 5


XOR = network_lesson(
    [dense([[0.5, -0.4], [0.3, 0.8]], [0.1, -0.2], "sigmoid"), dense([[0.7, -0.6]], [0.05], "sigmoid")],
    "half_squared_error", [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]], learning_rate=1.0,
)  # fmt: skip
FAR = 2_000_000  # iterations that Python takes more than a moment for


@needs_cc
def test_training_begins_in_python_and_goes_on_in_c(data_folder, monkeypatch):
    run, slowly, plain = Run(XOR), [], Run._go_slowly
    monkeypatch.setattr(Run, "_go_slowly", lambda *args: slowly.append(plain(*args)) or slowly[-1])
    assert run.train(30) == "done" and run._native is None, "a short way is not worth a compiler"

    def progress(trained):
        run._native.wait(60)
        return True

    assert run.train(FAR, progress) == "done"
    assert run._native_from == 1 and 30 < sum(slowly) < FAR, "some in Python, some in C"
    true = Run(XOR)
    true.train(5000)
    assert run.losses[:5000].tobytes() == true.losses.tobytes()
    assert run.iteration(4321).values["W1"].tobytes() == true.iteration(4321).values["W1"].tobytes()
    (made,) = (data_folder / "cache" / "code").iterdir()
    assert stat.S_IMODE(made.stat().st_mode) & 0o077 == 0 and stat.S_IMODE(made.parent.stat().st_mode) == 0o700


@needs_cc
def test_what_is_kept_is_used_again_and_by_every_run_of_the_shape(data_folder, monkeypatch):
    assert Run(XOR).in_c(patience=60)
    building.forget()
    monkeypatch.setattr(building, "_compiled", None)  # would fail
    other = replace(XOR, training=replace(XOR.training, learning_rate=0.25, order="shuffled", seed=3))
    assert Run(other).in_c(), "settings, first values and the order of examples are no part of the code"


def has_no_c(taught=XOR, patience=60) -> None:
    """It trains all the same."""
    run, true = Run(taught), Run(taught)
    assert not run.in_c(patience)
    true._no_native = True
    assert run.train(200) == true.train(200) == "done" and run.losses.tobytes() == true.losses.tobytes()


def test_no_compiler_is_today_s_way(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    has_no_c()
    monkeypatch.undo()
    monkeypatch.setenv(building.ENVIRONMENT, "off")
    has_no_c()


def a_compiler(folder: Path, script: str) -> str:
    path = folder / "cc"
    path.write_text("#!/bin/sh\n" + textwrap.dedent(script))
    path.chmod(0o755)
    return str(path)


BROKEN = {
    "it fails": "cat > /dev/null; exit 1",
    "it does not read": "exit 0",
    "it writes nothing": "cat > /dev/null; exit 0",
    "it writes rubbish": 'cat > /dev/null; for name; do case $name in *.part) echo rubbish > "$name";; esac; done',
    "it hangs": "cat > /dev/null; sleep 100 & wait",
    "it computes something else": f"sed 's/-O2/-O2/; s/ + exp_/ + 1e-9 * exp_/g' | exec {CC} \"$@\"",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_compiler_is_today_s_way(how, monkeypatch, tmp_path, data_folder):
    if "hangs" in how:
        monkeypatch.setattr(building, "PATIENCE", 0.2)
    monkeypatch.setenv(building.ENVIRONMENT, a_compiler(tmp_path, BROKEN[how]))
    has_no_c()
    assert not list((data_folder / "cache" / "code").glob("*.part")), "nothing half done is left"


def test_no_room_for_compiled_code_is_today_s_way(data_folder):
    data_folder.mkdir(parents=True, exist_ok=True)
    (data_folder / "cache").write_text("a file where a folder should be")
    has_no_c()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners are POSIX's")
def test_a_folder_that_others_may_write_is_not_used(data_folder):
    folder = data_folder / "cache" / "code"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    has_no_c()
    assert not list(folder.iterdir())


@needs_cc
@pytest.mark.parametrize("how", ["cut", "exchanged", "a link", "another's"])
def test_a_damaged_file_is_made_anew(how, data_folder, tmp_path):
    assert Run(XOR).in_c(patience=60)
    (made,) = (data_folder / "cache" / "code").iterdir()
    content = made.read_bytes()
    made.unlink()  # this process has it mapped: another file takes its place
    if how == "cut":
        made.write_bytes(content[:5000])  # loading it would be the end of the program
    elif how == "exchanged":
        made.write_bytes(content.replace(b"train", b"tra1n"))
    elif how == "a link":
        (tmp_path / "elsewhere").write_bytes(content)
        made.symlink_to(tmp_path / "elsewhere")
    else:
        made.write_bytes(content)
        made.chmod(0o777)
    building.forget()
    assert Run(XOR).in_c(patience=60)
    (made,) = (data_folder / "cache" / "code").iterdir()
    assert made.read_bytes() == content and not made.is_symlink() and not made.stat().st_mode & 0o022


@needs_cc
def test_two_programs_at_once_make_one_file(data_folder):
    code = "from test_native import XOR; from tutor.engine.run import Run; assert Run(XOR).in_c(patience=60)"
    environment = {key: value for key, value in os.environ.items() if key != building.ENVIRONMENT}
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    both = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    assert len(list((data_folder / "cache" / "code").iterdir())) == 1


def test_only_so_many_files_stay(data_folder, monkeypatch):
    monkeypatch.setattr(building, "MOST", 3)
    data_folder.mkdir(parents=True, exist_ok=True)
    for k in range(5):
        path = data_folder / str(k)
        path.write_text("")
        os.utime(path, (k, k))
    building._prune(data_folder)
    assert {path.name for path in data_folder.iterdir()} == {"2", "3", "4"}


def test_the_source_names_nothing_of_the_lesson(tmp_path, monkeypatch):
    together = Together(tmp_path)
    monkeypatch.setattr(native, "build", together)
    Run(circuit_lesson(["evil = x * __import__", "f = evil + x"], training=Training(), x=2, __import__=3)).in_c()
    (source,) = together.sources
    assert "evil" not in source and "import" not in source and source.isascii()


def test_an_operator_that_c_lacks_leaves_the_lesson_to_python(monkeypatch):
    monkeypatch.setattr(native, "CScalars", lambda *_: {}["erf"])
    has_no_c()


@pytest.mark.parametrize("name", ["off", "nonesuch", "/bin/false", pytest.param("cc", marks=needs_cc)])
def test_the_version_says_how_training_runs(name, monkeypatch, capsys):
    monkeypatch.setenv(building.ENVIRONMENT, name)
    assert main(["--version", "-v"]) == 0
    version, said = capsys.readouterr().out.splitlines()
    words = {"off": "is off", "nonesuch": "no C compiler", "/bin/false": "makes no library", "cc": "runs in C"}
    assert version == f"backprop-tutor {__version__}" and words[name] in said
