"""What README promises: an activation, a loss, an optimiser, a notation, a slip, a kind of question, an operator or a
lesson is added in one place.

A copy of the package gets one more entry in each table and nothing else, those of docs/extending.md among them; a
program then uses them everywhere, and the sessions of that page print what it says.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import oracle
from test_packaging import ROOMS

ROOT = Path(__file__).resolve().parent.parent

SOFTPLUS = """
    "third_softplus": Activation(
        "sp3", call("log", 1 + call("exp", Z)), 1 / (1 + call("exp", -Z)), numpy=lambda z: np.logaddexp(0, z)
    ),
    "third_elu": Activation(
        "e3", call("choose", Z, Z, ALPHA * (call("exp", Z) - 1)), call("choose", Z, 1, A + ALPHA), alpha=0.5
    ),
"""
ABSOLUTE = """
    "third_absolute_error": Loss(
        "third absolute error", lambda y, a: call("sum", call("abs", y - a)), lambda y, a: call("sign", a - y)
    ),
"""
RMSPROP = """
    "third_rmsprop": Optimizer(
        "third RMSprop",
        lambda p, g, h, old, define: p - h["learning_rate"] * g / (
            call("sqrt", define(MEAN_SQUARE, h["beta2"] * old(MEAN_SQUARE) + (1 - h["beta2"]) * g**2)) + h["epsilon"]
        ),
        ("learning_rate", "beta2", "epsilon"),
        (MEAN_SQUARE,),
    ),
"""
MEAN_SQUARE = """
MEAN_SQUARE = State("s", "s", "Mean square of {of}", "How large the gradients usually are.", "{of} remembers.")

"""
ROOT_FORGOTTEN = """
    "root-forgotten": Misconception(
        "the root of the mean square was not taken",
        "The step is divided by a root mean square, so that its size is that of the rate.",
        lambda site: swap(site, lambda node: node.op == "sqrt" and site.rule == "update", lambda node: node.args[0]),
    ),
"""
PLAIN = """
    "plain": Notation(
        title="plain",
        known_from="this test",
        names={
            "input": ("x", "x_i"), "target": ("y", "y_i"), "pre_activation": ("u^l", "u_i^l"),
            "activation": ("h^l", "h_i^l"), "weights": ("M^l", "m_ij^l"), "biases": ("c^l", "c_i^l"),
        },
        gradients={"any": ("∂{L}/∂{x}", "∂{L}/∂{x}")},
    ),
"""

LESSON = """
format = 1
title = "One entry each"
notation = "plain"
[network]
inputs = 2
loss = "third_absolute_error"
[[network.layers]]
units = 2
activation = "third_softplus"
weights = [[0.15, 0.20], [-0.25, 0.30]]
biases = [0.35, -0.35]
[[network.layers]]
units = 2
activation = "third_elu"
alpha = 0.7
weights = [[-0.40, 0.45], [0.50, 0.55]]
[[network.layers]]
units = 1
weights = [[0.6, -0.7]]
[[examples]]
inputs = [0.5, 1]
targets = [1]
[[examples]]
inputs = [2, -0.25]
targets = [0]
[training]
optimizer = "third_rmsprop"
batch = 2
"""
CIRCUIT = """
format = 1
title = "A gate"
[circuit]
define = ["q = third_softplus(x * y)", "f = q * z"]
output = "f"
[circuit.inputs]
x = -2
y = 0.5
z = 3
[training]
optimizer = "third_rmsprop"
"""

PROGRAM = """
import random

import numpy as np

from tutor.engine.gradient_check import check
from tutor.pictures import diagram
from tutor.cli import export
from tutor.engine import paths
from tutor.pictures.step import kinds as step_pictures
from tutor.play import playback
from tutor.engine import run as running
from tutor.text.card import Scribe
from tutor.lessonfiles.check import load
from tutor.questions.drill import drill_item
from tutor.engine.expressions import Ref
from tutor.engine.forward import initial_parameters
from tutor.text.writer import Writer
from tutor.questions.kinds import KINDS
from tutor.questions.grading import grade
from tutor.questions.question import Question
from tutor.questions.slips import slips
from tutor.engine.trace import trace
from tutor.play.whatif import WhatIf

for name in ("lesson.toml", "circuit.toml", "lessons/90-quokka.toml", "gates.toml"):
    taught = load(name)
    first = trace(taught)

    # Values, gradients: the derivative that the entry says is that of its function.
    gradients = [eq.symbol for eq in first.equations if eq.symbol.quantity == "gradient" and eq.symbol.wrt]
    assert gradients
    for symbol in gradients:
        index = tuple(n - 1 for n in symbol.shape) or None
        found = check(first, Ref(symbol, index, 1 if symbol.per_example else None))
        assert abs(found.analytic - found.numeric[4]) < 1e-7, symbol

    # Training as scalars and as arrays, as the equations say.
    for work in (10**9, 0):
        running.SCALAR_WORK = work
        run = running.Run(taught)
        assert run.train(12) == "done"
        for number in range(1, 13):
            done = run.iteration(number)
            after = run.parameters(number + 1)
            assert np.isclose(run.losses[number - 1], done.values[run.loss.key], rtol=1e-12)
            for id in initial_parameters(taught):
                assert np.allclose(after[id], done.values[id + "'"], rtol=1e-12, atol=1e-14), (work, number, id)

    # Every word, picture and question, in the new notation and an old one.
    for notation in ("plain" if name in ("lesson.toml", "circuit.toml") else "yapok",):
        scribe = Scribe(first, notation)
        for level in ("story", "scalar", "matrix"):
            assert len("".join(export.as_json(first, level, notation))) > 1000
            assert len("".join(export.as_text(first, level, notation))) > 1000
        for step in first.steps("scalar"):
            scribe.card(step)
            if of := paths.target(step):
                chain = scribe.paths(step.example or 0).chain(of)
                added = sum(path.product for path in chain.paths)
                assert np.isclose(added, first.value(chain.gradient), rtol=1e-9, atol=1e-15)
                assert all(scribe.factor(factor) for path in chain.paths for factor in path.factors)
            if any(step.index or ()) or step.example:
                continue  # one element of each is enough of what takes time
            for kind in step_pictures.offers(step, 0):
                shown = step_pictures.KINDS[kind].make(scribe, step_pictures.KINDS[kind].begin(step, 0))
                assert shown.facts and shown.draw(70, 20) is not None
            for kind, make in KINDS.items():
                make(step, scribe.writer, random.Random(1))
            cursor = playback.jump(playback.start(taught), first, step.id)
            assert diagram.diagram(first, scribe, step, cursor, 100, 30).picture
    if name not in ("lesson.toml", "circuit.toml"):
        drill_item(taught, "optimizer_hoard", 1)
        continue
    drill_item(taught, "gate_third_softplus_gradient" if taught.circuit else "pre_activation_gradient", 1)
    drill_item(taught, "optimizer_s", 1)

    # A misconception is recognised by its number alone.
    step = first.find("x'" if taught.circuit else "W1'[1,2]")
    (slip,) = (slip for slip in slips(step) if slip.misconception == "root-forgotten")
    verdict = grade(Question(step, Writer(taught, "plain")), f"{slip.value:.6g}")
    assert "root-forgotten" in [found.misconception for found in verdict.slips], verdict

# What if: it can be changed to, and what it takes can be set.
changes = WhatIf(load("lesson.toml"))
assert {"layer 2 alpha", "beta2"} <= {setting.name for setting in changes.settings()}
for text in ("layer 2 alpha = 0.2", "layer 1 activation = relu", "layer 1 activation = third_softplus",
             "optimizer = adam"):
    changes = changes.apply(text)
assert changes.lesson.training.optimizer == "adam"
assert [layer.alpha for layer in changes.lesson.network.layers][1] == 0.2
assert changes.apply("optimizer = third_rmsprop").changes != changes.changes
"""


# A circuit with the operator and the functions of docs/extending.md.
GATES = """
format = 1
title = "Gates"
[circuit]
define = ["p = quagga(x) + okapi(y)", "q = numbray(p * y)", "f = q * z"]
output = "f"
[circuit.inputs]
x = -2
y = 0.5
z = 3
[training]
optimizer = "numbat"
"""

PAGE = ROOT / "docs" / "extending.md"
# <!-- into FILE TABLE -->, <!-- before FILE TABLE --> or <!-- file NAME -->, and the block that follows
STEP = re.compile(r"^<!-- (into|before|file) (\S+) ?(\S*) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SESSION = re.compile(r"^```python\n(>>>.*?)^```$", re.MULTILINE | re.DOTALL)


def one_more(file: Path, table: str, entry: str, before: bool = False) -> None:
    """Put an entry at the head of a table, or a text before the table."""
    text = file.read_text(encoding="utf-8")
    taken = [key for key in re.findall(r'^    "([^"]+)": ', entry, re.MULTILINE) if f'    "{key}": ' in text]
    assert not taken, f"{file.name} has {taken} already: a stranger's name is one that nobody would choose"

    def put(match: re.Match[str]) -> str:
        return entry + match[0] if before else f"{match[0]}\n{entry}"

    changed = re.sub(rf"^{table}(?:: .*| \|)? ?= ?[{{[]$", put, text, count=1, flags=re.MULTILINE)
    assert changed != text, f"{file.name} has no table {table}"
    file.write_text(changed, encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of the package with one more of everything."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("tutor", "lessons", "assets"):  # what is compiled goes along: but for files that change it holds
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
    for module, table, entry in (
        ("engine/activations", "ACTIVATIONS", SOFTPLUS),
        ("engine/losses", "LOSSES", ABSOLUTE),
        ("engine/optimizers", "OPTIMIZERS", RMSPROP),
        ("questions/misconceptions/update", "TABLE", ROOT_FORGOTTEN),
        ("text/notations", "NOTATIONS", PLAIN),
    ):
        one_more(folder / "tutor" / f"{module}.py", table, entry)
    one_more(folder / "tutor" / "engine" / "optimizers.py", "OPTIMIZERS", MEAN_SQUARE, before=True)
    for how, file, table, text in STEP.findall(PAGE.read_text(encoding="utf-8")):
        if how == "file":
            (folder / file).write_text(text, encoding="utf-8")
        else:
            one_more(folder / file, table, text, how == "before")
    for name, text in (("lesson.toml", LESSON), ("circuit.toml", CIRCUIT), ("gates.toml", GATES)):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Python in the copy, which it imports."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "BACKPROP_TUTOR_DATA": str(folder / "data")}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8"
    )


def test_one_entry_is_enough(copy):
    done = run(copy, "-c", PROGRAM)
    assert done.returncode == 0, done.stderr


def test_the_page_adds_one_of_everything(copy):
    page = PAGE.read_text(encoding="utf-8")
    assert len(STEP.findall(page)) >= 10
    (copy / "page.txt").write_text("\n".join(SESSION.findall(page)), encoding="utf-8")
    code = "import doctest, sys; sys.exit(doctest.testfile('page.txt', module_relative=False, encoding='utf-8')[0])"
    done = run(copy, "-c", code)
    assert done.returncode == 0, done.stdout + done.stderr


COMMANDS = """
import contextlib, io, sys

from tutor.cli.commands import main

def said(*words, typed=""):
    sys.stdin, out = io.StringIO(typed), io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(list(words))
    assert code == 0 and out.getvalue(), (words, code)
    return out.getvalue()

assert "quokka Quokka" in " ".join(said("list").split())
assert "numbat-thrice" in said("misconceptions")
assert "tilt" in said("schema")
said("trace", "quokka", "--notation", "yapok")
said("trace", "quokka", "--format", "json", "--level", "scalar")
said("train", "quokka", "--epochs", "3")
said("compare", "quokka", "optimizer", "sgd", "numbat")
said("drill", "quokka", "--skills")
said("check", "lessons/90-quokka.toml")
asked = said("quiz", "quokka", "--count", "30", "--seed", "5", typed="skip\\n" * 40)
assert "above or below 0?" in asked, asked
"""


def test_the_command_line_has_them(copy):
    done = run(copy, "-c", COMMANDS)
    assert done.returncode == 0, done.stdout + done.stderr


SCREEN = """
import asyncio

from tutor.lessonfiles.check import load
from tutor.learner.store import Store
from tutor.tui.app import TutorApp
from tutor.tui.lines import Lines


async def look(size):
    app = TutorApp(Store.open(), lambda app: app.play(load("lessons/90-quokka.toml"), "quokka", False))
    async with app.run_test(size=size) as pilot:
        for _ in range(50):
            await pilot.pause(0.05)
            if type(app.screen).__name__ == "PlayerScreen":
                break
            await pilot.press("escape")  # the introduction
        before = app.screen
        assert type(before).__name__ == "PlayerScreen", before
        assert any(key.title == "How many numbers each symbol has" for key in before.commands)
        await pilot.press("Z")
        await pilot.pause(0.2)
        assert type(app.screen).__name__ == "WombatScreen", app.screen
        shown = [row.text for row in app.screen.query_one("#counts", Lines)._lines]
        assert shown[0] == "A wombat counts" and any(row.split() == ["z1", "2"] for row in shown), shown
        assert not app.screen.has_class("-tiny")
        await pilot.press("escape")
        await pilot.pause(0.2)
        assert app.screen is before


for size in ((80, 24), (60, 16), (160, 48)):
    asyncio.run(look(size))
"""


def test_a_screen_is_a_file_and_a_key(copy):
    done = run(copy, "-c", SCREEN)
    assert done.returncode == 0, done.stdout + done.stderr


ROOMS_OF = re.compile(r"^\| ([0-9]+) \| (.+) \| `(.+)` \|$", re.MULTILINE)


def test_the_examples_say_what_they_are(copy):
    """As every public name of the package does."""
    done = run(copy, "-m", "ruff", "check", "--isolated", "--select", "D100,D101,D103", "tutor")
    assert done.returncode == 0, done.stdout + done.stderr


# What each of the twenty places has to have in it, so that code that moves takes its row along.
IN_IT = (
    '"wins_max"', "grad", '"he"', "class Platform", "def load(", '"delta"', "class Door", "\nsaturation\n", '"fork"',
    "SECONDS =", "", "def rounds_to", "READY", '"learning_rate"', "def locate", "def apply", "class Edges",
    "def record", "def training_json", "def action_forward",
)  # fmt: skip


def test_twenty_things_are_where_the_page_says():
    rows = ROOMS_OF.findall(PAGE.read_text(encoding="utf-8"))
    assert [int(number) for number, _, _ in rows] == list(range(1, 21))
    assert all((ROOT / place).exists() for _, _, place in rows), [p for _, _, p in rows if not (ROOT / p).exists()]
    for (number, thing, place), has in zip(rows, IN_IT, strict=True):
        path = ROOT / place
        assert path.is_dir() or has in path.read_text(encoding="utf-8"), f"{number}, {thing}: no {has} in {place}"
    assert {place.split("/")[1] for _, _, place in rows} == set(ROOMS)


@pytest.mark.parametrize(
    ("ask", "names"),
    [
        (lambda: oracle.ACTIVATIONS["quagga"], ("tests/oracle.py", "quagga", "ACTIVATIONS")),
        (lambda: oracle.OPERATIONS["numbray"], ("tests/oracle.py", "numbray", "OPERATIONS")),
        (lambda: oracle.loss_of_prediction("tapir", [1], [2]), ("tests/oracle.py", "tapir", "loss_of_prediction")),
    ],
)
def test_what_has_to_be_said_twice_says_where(ask, names):
    with pytest.raises(LookupError) as error:
        ask()
    assert all(name in str(error.value) for name in names) and "add" in str(error.value)


# Tests that fail for one more entry, each with the sentence that is the instruction.
ASKED = {
    "glossary": ("test_teach_glossary.py", "has_a_term", "Add it to _TABLE in tutor/text/glossary.py"),
    "notation": ("test_notation.py", "golden_names and yapok and 2-2-1", 'add "yapok" to COLUMNS'),
    "training": ("test_training.py", "plain_loops and numbat", 'add "numbat" to reference_step'),
    "misconceptions": ("test_misconceptions.py", "is_planted_above", "plant ['numbat-thrice', 'root"),
}


@pytest.fixture(scope="module")
def failures(copy) -> str:
    """What pytest says of them in the copy, one process for all."""
    for name in ("tests", "benchmarks"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    which = " or ".join(f"({file[:-3]} and {words})" for file, words, _ in ASKED.values())
    files = [f"tests/{file}" for file, _, _ in ASKED.values()]
    done = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files, "-k", which)
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ASKED)
def test_the_other_tests_say_where_too(failures, name):
    file, _, sentence = ASKED[name]
    assert sentence in failures and f"FAILED tests/{file}" in failures, failures[-3000:]
