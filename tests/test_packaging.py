"""What an installation brings along, and which module may import which."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TUTOR = ROOT / "tutor"

# A module imports only from modules that stand before it.
ORDER = (
    "formula activations losses optimizers dialects glossary output source syntax scaffold schema catalogue data "
    "lesson prose reading writing network backprop fast training layout canvas plot evaluate trace paths notation "
    "explain card site slips_activation slips_loss slips_paths slips_update slips_gates misconceptions typed cells "
    "answers slips forms rounding quiz questions authored asking session mastery drill playback analysis known "
    "layers gates diagram pictures audit check whatif compare export store course learner progress practice "
    "plainquiz plain tui options cli __main__"
).split()

# Each has one place; what a first frame, a program or a test needs must not cost the rest.
ONLY_IN = {"textual": {"tui"}, "rich": {"tui"}, "sqlite3": {"store"}, "platformdirs": {"store"}, "fsrs": {"mastery"}}


def modules() -> dict[str, list[Path]]:
    """The files of each module of the package; all of tui is one."""
    found: dict[str, list[Path]] = {}
    for file in sorted(TUTOR.rglob("*.py")):
        found.setdefault(file.relative_to(TUTOR).with_suffix("").parts[0], []).append(file)
    return found


@cache
def imports(file: Path) -> set[str]:
    """The absolute names of what `file` imports, anywhere in it: "tutor.formula", "numpy" ..."""
    package = ["tutor", *file.relative_to(TUTOR).parts[:-1]]
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else []
            source = ".".join([*start, *([node.module] if node.module else [])])
            names |= {f"{source}.{alias.name}" for alias in node.names} if source == "tutor" else {source}
    return names


def rooms(names: set[str]) -> set[str]:
    """The modules of the package among imported names: {"tutor.formula", "numpy"} is {"formula"}."""
    found = {name.split(".")[1] if "." in name else "__init__" for name in names if name.split(".")[0] == "tutor"}
    return found - {"__version__"}


@pytest.mark.parametrize("module", modules())
def test_imports_run_downward_only(module):
    assert module in (*ORDER, "__init__"), f"{module} has no place in the order of imports"
    allowed = {"__init__", *ORDER[: ORDER.index(module)]} if module in ORDER else set()
    if module == "tui":
        allowed.add("tui")
    for file in modules()[module]:
        above = rooms(imports(file)) - allowed
        assert not above, f"{file.relative_to(ROOT)} imports {', '.join(sorted(above))}"


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_with_one_place_is_imported_nowhere_else(library):
    users = {
        module
        for module, files in modules().items()
        if any(name.split(".")[0] == library for file in files for name in imports(file))
    }
    assert users <= ONLY_IN[library]


def test_the_check_of_imports_sees_every_form(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "TUTOR", tmp_path)
    (tmp_path / "tui").mkdir()
    file = tmp_path / "tui" / "app.py"
    file.write_text(
        "import tutor.a, numpy.linalg\nfrom tutor import b, __version__\nfrom tutor.c import x\nfrom .. import d\n"
        "from ..e import x\nfrom . import widget\nfrom .other import y\ndef f():\n    from tutor.g.h import x\n"
    )
    assert rooms(imports(file)) == {*"abcdeg", "tui"}


def loaded_by(*names: str) -> set[str]:
    """The top-level packages that a fresh Python has after importing `names`."""
    code = f"import {', '.join(names)}, sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_the_core_and_the_command_line_come_without_textual():
    names = [f"tutor.{module}" for module in modules() if module not in ("tui", "__init__", "__main__")]
    assert not loaded_by(*names) & {"textual", "rich"}


def test_the_list_of_lessons_comes_without_the_engine():
    assert not loaded_by("tutor.catalogue", "tutor.store") & {"numpy", "textual", "tree_sitter", "sqlite3", "fsrs"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    run = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    (path,) = folder.glob("backprop_tutor-*-py3-none-any.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_a_wheel_has_the_whole_package_and_nothing_else(wheel):
    names = set(wheel.namelist())
    assert {f"tutor/{file.relative_to(TUTOR).as_posix()}" for file in TUTOR.rglob("*.py")} <= names
    assert {f"tutor/lessons/{file.name}" for file in (ROOT / "lessons").glob("*.toml")} <= names
    assert {name for name in names if name.startswith("tutor/lessons/")}, "no lessons"
    code_or_picture = {".py", ".png", ".svg"}
    assets = [file for file in (ROOT / "assets").iterdir() if file.is_file() and file.suffix not in code_or_picture]
    assert {f"tutor/assets/{file.name}" for file in assets} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"tutor", "backprop_tutor"}


def test_an_installed_wheel_finds_its_lessons(wheel, tmp_path):
    site = tmp_path / "site"
    wheel.extractall(site)
    code = "from tutor.catalogue import *; print(data_dir('lessons'), *(entry.id for entry in entries()), sep='\\n')"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    folder, *ids = run.stdout.splitlines()
    assert Path(folder) == (site / "tutor" / "lessons").resolve()
    assert len(ids) == len(list((ROOT / "lessons").glob("*.toml"))) > 0


def test_a_wheel_installs_the_command(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt")]
    assert "backprop-tutor = tutor.cli:main" in wheel.read(name).decode()
