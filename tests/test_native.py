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

from array_circuits import circuit_of, random_circuit
from strategies import bundled, circuit_lesson, dense, network_lesson
from test_array_model import ALL
from test_array_model import lesson as read
from test_compiled_arrays import FOUND, with_examples
from tutor import __version__
from tutor.cli.commands import main
from tutor.engine import native, orders
from tutor.engine import run as running
from tutor.engine.activations import ACTIVATIONS
from tutor.engine.compiled import building
from tutor.engine.lesson import ORDERS, Training
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.program import order
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
        begin = native.PRELUDE + native.FOR_ARRAYS
        texts = [
            source.removeprefix(native.PRELUDE)
            .removeprefix(native.FOR_ARRAYS)
            .replace("train(", f"train_{k}(")
            .replace("once_", f"once_{k}_")
            .replace("room_", f"room_{k}_")
            for k, source in enumerate(self.sources)
        ]
        # Without what makes it fast, which would take the compiler ten times as long.
        source = (begin + "".join(texts)).replace("__attribute__((always_inline))", "").replace("MANY static", "static")
        (self.folder / "all.c").write_text(source)
        flags = [flag for flag in building.FLAGS if flag != "-O2"]
        command = [CC, *flags, "-O0", "-fPIC", "-shared", "-w", "-o", "all.so", "all.c", "-lm"]
        subprocess.run(command, cwd=self.folder, check=True)
        for k, found in enumerate(self.builds):
            found.function = building._function(self.folder / "all.so", f"train_{k}")
            found.done.set()


def in_both(lessons, tmp_path, monkeypatch, iterations, work) -> list[tuple[Run, Run]]:
    """Each lesson trained in C and in Python or NumPy, as single numbers or as arrays."""
    together = Together(tmp_path)
    monkeypatch.setattr(native, "build", together)
    monkeypatch.setattr(running, "SCALAR_WORK", work)
    runs = [Run(taught) for taught in lessons]
    assert not any(run.in_c() for run in runs)
    together.build()
    found = []
    for run in runs:
        true = Run(run.lesson)
        assert run.in_c(), run.lesson
        assert run.train(iterations) == true.train(iterations) and run.diverged == true.diverged
        found.append((run, true))
    return found


def same_in_both(lessons, tmp_path, monkeypatch, iterations=40) -> list[Run]:
    """Train each lesson in Python and in C, to the last bit; returns the runs in C."""
    both = in_both(lessons, tmp_path, monkeypatch, iterations, 10**9)
    for run, true in both:
        assert run.losses.tobytes() == true.losses.tobytes()
        for number in (2, run.trained // 2 + 1, run.trained + 1):
            mine, theirs = run.parameters(number), true.parameters(number)
            assert all(mine[key].tobytes() == theirs[key].tobytes() for key in theirs), (run.lesson, number)
    return [run for run, _ in both]


def close_in_both(lessons, tmp_path, monkeypatch, iterations=12) -> list[Run]:
    """Train each lesson in NumPy and in C: another order of a sum is all that may differ; returns the runs in C."""
    both = in_both(lessons, tmp_path, monkeypatch, iterations, -1)
    for run, true in both:
        assert np.allclose(run.losses, true.losses, rtol=1e-12, atol=1e-13), run.lesson
        for key, value in true.parameters(true.trained + 1).items():
            scale = max(1.0, float(np.max(np.abs(value), initial=0)))
            got = run.parameters(run.trained + 1)[key]
            assert np.allclose(got, value, rtol=1e-12, atol=1e-12 * scale), (run.lesson, key)
    return [run for run, _ in both]


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
def test_networks_as_arrays(tmp_path, monkeypatch):
    """Optimisers, losses and activations; batches in a row or gathered, a short last one, frozen parameters."""
    rng, lessons = np.random.default_rng(5), []
    names = [list(table) for table in (LOSSES, ACTIVATIONS, OPTIMIZERS)]
    for k in range(max(map(len, names))):
        taught = random_network(rng, *(table[(k + k // len(table)) % len(table)] for table in names))
        how = replace(taught.training, learning_rate=0.01, epsilon=1e-3)
        lessons.append(replace(taught, training=how))
    close_in_both(lessons, tmp_path, monkeypatch)


@needs_cc
def test_array_circuits(tmp_path, monkeypatch):
    """Attention, recurrence, norms, convolution: what these lessons are made of, products of many matrices too."""
    lessons = [read(text) for text in ALL.values()]
    lessons = [replace(taught, training=taught.training or Training(0.05)) for taught in lessons]
    rows = [circuit_of(op, 1, examples=True) for op in ("conv", "embedding", "matmul", "norm", "concat", "max_pool")]
    lessons += [with_examples(grown, batch=2) for grown in rows]
    lessons += [with_examples(random_circuit(seed, lines=4, examples=True), batch="all") for seed in FOUND]
    done = []
    for taught in lessons:
        with pytest.MonkeyPatch.context() as patch:  # a maximum of several, say, is left to NumPy
            patch.setattr(native, "build", Together(tmp_path))
            patch.setattr(running, "SCALAR_WORK", -1)
            run = Run(taught)
            run.in_c()
            done += [taught] if run._native and not run._scalar else []
    assert len(done) > len(lessons) * 0.8
    close_in_both(done, tmp_path, monkeypatch, 6)


@needs_cc
def test_arrays_go_over_to_c_where_it_is_said(data_folder, monkeypatch):
    """C has other last bits than NumPy: each iteration has those of one of them, however one comes to it."""
    monkeypatch.setattr(running, "SCALAR_WORK", -1)
    run, ways = Run(XOR), set()

    def progress(trained):
        run._native.wait(60)
        ways.add(run._native_from)
        return True

    run.train(50)
    assert run._native is None
    run.train(300_000, progress)
    assert 50 < run._native_from <= run.trained and run.every > 100
    before = {number: run.parameters(number)["W1"].tobytes() for number in (7, run._native_from + 5, 250_000)}
    again = {number: run.parameters(number)["W1"].tobytes() for number in reversed(before)}
    assert before == again
    prepared = Run(XOR)
    prepared.prepare(10)
    assert prepared._native is None, "ten iterations are not worth it"
    prepared.prepare(10**6)
    assert prepared._native_from == 1, "who waits has C from the beginning, each time"


@needs_cc
def test_a_compiler_may_lack_what_makes_it_a_little_faster(monkeypatch, tmp_path):
    monkeypatch.setattr(running, "SCALAR_WORK", -1)
    script = f'case "$*" in *-ftree*) cat > /dev/null; exit 1;; *) exec {CC} "$@";; esac'
    monkeypatch.setenv(building.ENVIRONMENT, a_compiler(tmp_path, script))
    assert Run(XOR).in_c(60)


def orders_of(count, **how):
    taught = network_lesson([dense([[0.5]])], "squared_error", np.ones((count, 1)), np.ones((count, 1)), **how)
    return orders.drawn(taught, 3, 40), np.concatenate([order(taught, epoch) for epoch in range(3, 40)])


@pytest.mark.parametrize("cc", ["off", pytest.param("cc", marks=needs_cc)])
def test_rows_are_drawn_as_numpy_draws_them(cc, monkeypatch):
    monkeypatch.setenv(building.ENVIRONMENT, cc)
    orders._builder.cache_clear()
    orders._builder().done.wait(60)
    assert (orders._builder().function is not None) == (cc == "cc")
    for count in (1, 2, 3, 5, 97):
        for kind in ("shuffled", "random"):
            for seed in (0, 7, 2**32 - 1, 2**32 + 5):
                drawn, true = orders_of(count, order=kind, seed=seed)
                assert np.array_equal(drawn, true), (count, kind, seed)
    orders._builder.cache_clear()
    orders._draws_the_same.cache_clear()


@needs_cc
def test_large_products_are_left_to_the_library_that_numpy_calls():
    big = network_lesson(
        [dense(np.ones((64, 64)) / 64, np.zeros(64)), dense(np.ones((64, 64)) / 64)], "squared_error",
        np.ones((64, 64)), np.ones((64, 64)), batch="all",
    )  # fmt: skip
    assert not Run(big).in_c(60) and Run(replace(big, training=Training(0.01))).in_c(60)


@needs_cc
def test_c_stops_where_python_would_raise(tmp_path, monkeypatch):
    """x grows by 20 an iteration; e^x overflows from 710 on, where a saturated sigmoid is 0: the equations go on."""
    taught = circuit_lesson(["f = sigmoid(-x) - 20 * x"], training=Training(1.0), x=0.5)
    (run,) = same_in_both([taught], tmp_path, monkeypatch, 60)
    assert run._native.run(run.kept[1].copy(), 1, np.empty(60), updates=0) == 36
    assert run.trained == 60 and run.diverged is None


@needs_cc
def test_where_the_first_iterations_are_left_to_the_equations_it_is_asked_later(data_folder):
    hidden = dense([[1.0, 1.0], [-1.0, 0.5]], [900.0, -900.0], "sigmoid")
    layers = [hidden, dense([[0.5, -0.3], [0.2, 0.1]], [0.0, 0.0], "softmax")]
    taught = network_lesson(layers, "cross_entropy", [[0.5, -1.0], [1.5, 0.25]], np.eye(2))
    run, true = Run(taught), Run(taught)
    true._no_native = True
    assert not run.in_c(60) and run._native is not None
    assert run.train(50) == true.train(50) and run.losses.tobytes() == true.losses.tobytes()


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
    assert run.way == "Python"

    def progress(trained):
        run._native.wait(60)
        return True

    assert run.train(FAR, progress) == "done"
    assert run._native_from == 1 and 30 < sum(slowly) < FAR, "some in Python, some in C"
    assert run.way == "C"
    true = Run(XOR)
    true.train(5000)
    assert run.losses[:5000].tobytes() == true.losses.tobytes()
    assert run.iteration(4321).values["W1"].tobytes() == true.iteration(4321).values["W1"].tobytes()
    (made,) = (data_folder / "cache" / "code").iterdir()
    assert stat.S_IMODE(made.stat().st_mode) & 0o077 == 0 and stat.S_IMODE(made.parent.stat().st_mode) == 0o700


@needs_cc
def test_who_interrupts_the_comparison_leaves_nothing_half_done(monkeypatch):
    run, true = Run(XOR), Run(XOR)
    run.train(30)
    plain = run._go_slowly

    def interrupted(at, losses):
        plain(at, losses)
        raise KeyboardInterrupt

    run._go_slowly = interrupted
    with pytest.raises(KeyboardInterrupt):
        run.in_c(60)
    run._go_slowly = plain
    assert run.train(60) == true.train(60) and run.losses.tobytes() == true.losses.tobytes()


@needs_cc
def test_what_is_kept_is_used_again_and_by_every_run_of_the_shape(data_folder, monkeypatch):
    assert Run(XOR).in_c(patience=60)
    building.forget()
    monkeypatch.setattr(building, "_compiled", lambda *_: None)  # nothing new
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
        path = data_folder / (f"{k}.part" if k == 4 else str(k))
        path.write_text("")
        os.utime(path, (k, k))
    building._prune(data_folder)
    assert {path.name for path in data_folder.iterdir()} == {"1", "2", "3"}


def test_the_source_names_nothing_of_the_lesson(tmp_path, monkeypatch):
    together = Together(tmp_path)
    monkeypatch.setattr(native, "build", together)
    Run(circuit_lesson(["evil = x * __import__", "f = evil + x"], training=Training(), x=2, __import__=3)).in_c()
    (source,) = together.sources
    assert "evil" not in source and "import" not in source and source.isascii()


def test_a_python_without_ctypes_trains_all_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "tutor.engine.native", None)
    has_no_c()


def test_an_operator_that_c_lacks_leaves_the_lesson_to_python(monkeypatch):
    def lacking(*_):
        raise native.NotInC("erf")

    monkeypatch.setattr(native, "CScalars", lacking)
    has_no_c()


@pytest.mark.parametrize("name", ["off", "nonesuch", "/bin/false", pytest.param("cc", marks=needs_cc)])
def test_the_version_says_how_training_runs(name, monkeypatch, capsys):
    monkeypatch.setenv(building.ENVIRONMENT, name)
    assert main(["--version", "-v"]) == 0
    version, said = capsys.readouterr().out.splitlines()
    words = {"off": "is off", "nonesuch": "no C compiler", "/bin/false": "makes no library", "cc": "runs in C"}
    assert version == f"backprop-tutor {__version__}" and words[name] in said
