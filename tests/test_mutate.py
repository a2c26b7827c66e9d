"""The mutation run (make deep): its mutants are what they are said to be, and the tree that it runs in is a copy."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

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
    data = source.encode()
    return (data[: mutant.start] + mutant.text.encode() + data[mutant.end :]).decode()


def test_every_kind_of_mistake_is_made_and_each_in_its_place():
    found = mutate.mutants("m", SOURCE)
    made = {(mutant.before, mutant.text) for mutant in found}
    assert {
        ("2", "(3)"), ("not x and y < 3", "(not x or y < 3)"), ("not x and y < 3", "(y < 3)"), ("not x", "(x)"),
        ("y < 3", "(y <= 3)"), ("not x and y < 3", "(not (not x and y < 3))"), ("x - 1", "(x + 1)"),
        ("x in (y,)", "(x not in (y,))"), ("x is y", "(x is not y)"), ("-x", "(x)"), ("x", "None"),
    } <= made  # fmt: skip
    assert not {"x + 1", '"é"', "int"} & {mutant.before for mutant in found}  # texts, formatted or not; annotations
    for mutant in found:
        text = applied(mutant, SOURCE)
        ast.parse(text)
        assert text != SOURCE and SOURCE.splitlines()[mutant.line - 1].count(mutant.before.splitlines()[0])


def test_every_module_of_the_engine_has_its_nearest_tests():
    modules = {str(file.relative_to(mutate.ENGINE).with_suffix("")) for file in mutate.ENGINE.rglob("*.py")}
    missing = {name for name in modules if not name.endswith("__init__")} - set(mutate.NEAREST)
    assert not missing, f"benchmarks/mutate.py, NEAREST: a row for {', '.join(sorted(missing))}"
    assert not set(mutate.NEAREST) - modules
    for tests in mutate.NEAREST.values():
        assert all((mutate.ROOT / "tests" / f"test_{name}.py").is_file() for name in tests)


@pytest.mark.parametrize("module", mutate.NEAREST)
def test_every_mutant_is_python_that_differs(module):
    source = (mutate.ENGINE / f"{module}.py").read_text(encoding="utf-8")
    for mutant in mutate.mutants(module, source)[::20]:
        assert ast.dump(ast.parse(applied(mutant, source))) != ast.dump(ast.parse(source))


def test_a_copy_is_what_the_tests_import_and_a_living_mutant_is_told(tmp_path, monkeypatch, capsys):
    for name in ("tutor/engine", "tests"):
        (tmp_path / name).mkdir(parents=True)
    module = "def double(x):\n    return x + x if x > 0 else 2 * x\n"
    (tmp_path / "tutor/__init__.py").touch()
    (tmp_path / "tutor/engine/__init__.py").touch()
    (tmp_path / "tutor/engine/m.py").write_text(module)
    (tmp_path / "tests/test_m.py").write_text(
        "from tutor.engine.m import double\n\n\ndef test_double():\n    assert double(3) == 6 and double(-3) == -6\n"
    )
    for name, value in (
        ("ROOT", tmp_path),
        ("ENGINE", tmp_path / "tutor/engine"),
        ("NEAREST", {"m": ("m",)}),
        ("THEN", ()),
    ):
        monkeypatch.setattr(mutate, name, value)
    monkeypatch.setattr(mutate, "COPIED", ("tutor", "tests"))
    alive = [m for m in mutate.mutants("m", module) if m.before == "x > 0" and ">=" in m.text]
    killed = [m for m in mutate.mutants("m", module) if m.before == "x + x"]
    assert len(alive) == len(killed) == 1
    monkeypatch.setattr(mutate, "mutants", lambda name, source: [*alive, *killed])
    monkeypatch.setattr(sys, "argv", ["mutate.py", "--seconds", "60", "--seed", "3"])
    assert mutate.main() == 1
    said = capsys.readouterr().out
    assert "m.py:2: x > 0 → (x >= 0) (seed 3" in said and "2 mutants tried, 1 live" in said
    assert (tmp_path / "tutor/engine/m.py").read_text() == module
