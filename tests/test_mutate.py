"""The mutation run (make deep): its mutants are what they are said to be, and no file is changed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from strategies import spaced

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
import mutate

SOURCE = '''
def f(x: int = 2, y="é"):
    """é"""
    if not x and y < 3:
        return x - 1 if x in (y,) else None
    while x is y:
        x = f"{x + 1}" * -x
    return x
'''


def applied(mutant: mutate.Mutant, source: str) -> str:
    return mutant.applied(source.encode()).decode()


def test_every_kind_of_mistake_is_made_and_each_in_its_place():
    found = mutate.mutants("m", SOURCE)
    made = {(mutant.before, mutant.text) for mutant in found}
    assert {
        ("2", "(3)"), ("not x and y < 3", "(not x or y < 3)"), ("not x and y < 3", "(y < 3)"), ("not x", "(x)"),
        ("y < 3", "(y <= 3)"), ("not x and y < 3", "(not (not x and y < 3))"), ("x - 1", "(x + 1)"),
        ("x in (y,)", "(x not in (y,))"), ("x is y", "(x is not y)"), ("-x", "(x)"), ("x", "(None)"),
    } <= made  # fmt: skip
    assert not {"x + 1", '"é"', "int"} & {mutant.before for mutant in found}  # texts, formatted or not; annotations
    for mutant in found:
        text = applied(mutant, SOURCE)
        ast.parse(text)
        assert text != SOURCE and text.count("\n") == SOURCE.count("\n")
        assert SOURCE.splitlines()[mutant.line - 1].count(mutant.before.splitlines()[0])


def test_a_mistake_in_a_function_is_told_from_one_in_a_table():
    found = mutate.mutants("m", "SIZE = 1\n\n\ndef f(x=2, g=lambda: 3):\n    return 4\n")
    inside = {mutant.before: mutant.inside for mutant in found}
    assert inside == {"1": False, "2": False, "3": True, "4": True}


@pytest.mark.parametrize("module", mutate.modules_of_the_engine())
def test_every_mutant_is_python_that_differs(module):
    """Of each module five of them, the first and the last among them."""
    source = (mutate.ENGINE / f"{module}.py").read_text(encoding="utf-8")
    original = ast.dump(ast.parse(source))
    found = mutate.mutants(module, source)
    for mutant in (found[at] for at in spaced(len(found), 5)):
        assert ast.dump(ast.parse(applied(mutant, source))) != original


def test_a_mistake_is_named_by_its_line_and_its_place_in_it():
    source = "x = [1, 1]\ny = (2 +\n     3)"
    named = {mutant.named(source.encode())[1:] for mutant in mutate.mutants("m", source)}
    assert {("x = [‹1›, 1]", "(2)"), ("x = [1, ‹1›]", "(2)"), ("y = (‹2 +›", "(2 - 3 )"), ("‹3›)", "(4)")} <= named


def test_what_is_said_to_mean_the_same_is_a_mutant_of_today_s_code():
    for module in {module for module, *_ in mutate.EQUIVALENT}:
        source = mutate.file_of(module).read_text(encoding="utf-8")
        there = {mutant.named(source.encode()) for mutant in mutate.mutants(module, source)}
        gone = {named for named in mutate.EQUIVALENT if named[0] == module} - there
        assert not gone, f"take these out of EQUIVALENT, or write their lines as they are now: {gone}"


def test_what_lives_is_told_and_no_file_is_changed(tmp_path):
    """A mistake that no test notices, some that a test of their line does, one that is made at the import."""
    files = {
        "tutor/__init__.py": "",
        "tutor/engine/__init__.py": "",
        "tutor/engine/m.py": "STRICT = True\n\n\ndef larger(x, y):\n    return x + x if x > y else y\n",
        "tests/test_m.py": "from tutor.engine.m import STRICT, larger\n\n\ndef test_larger():\n"
        "    assert STRICT and larger(3, 1) == 6 and larger(1, 3) == 3\n",
        "benchmarks/mutate.py": Path(mutate.__file__).read_text(encoding="utf-8"),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "benchmarks/mutate.py", "--seconds", "600", "--seed", "3"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    lives = [line.partition(" (seed")[0] for line in done.stdout.splitlines() if " → " in line]
    assert lives == ["tutor/engine/m.py:5: x > y → (x >= y)"], done.stdout
    tried = len(mutate.mutants("m", files["tutor/engine/m.py"]))
    assert f"{tried} of {tried} mutants tried: {tried - 1} killed, 0 slow, 0 the same, 1 lives; seed 3" in done.stdout
    assert {name: (tmp_path / name).read_text(encoding="utf-8") for name in files} == files
