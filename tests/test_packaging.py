"""The plan of the house: which room may import which, what an installation brings along."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TUTOR = ROOT / "tutor"

# A room imports from itself and from the rooms that stand before it.
ROOMS = (
    "engine", "text", "questions", "lessonfiles", "solutions", "api", "play", "pictures", "handouts", "learner", "lab",
    "tui", "serve", "cli",
)  # fmt: skip
FLAT = {"__init__", "__main__"}  # and at most three more modules beside the rooms

# Each has one place; what a first frame, a program or a test needs must not cost the rest.
ONLY_IN = {
    "textual": {"tui"},
    "rich": {"tui"},
    "sqlite3": {"learner"},
    "platformdirs": {"learner"},
    "fsrs": {"questions"},
    "aiohttp": {"serve"},
    "textual_serve": {"serve"},
}

LONG, LONGEST = 500, 700  # lines of a module: few are over the first, none over the second


def files(room: str = "") -> list[Path]:
    return sorted((TUTOR / room).rglob("*.py"))


def module(file: Path) -> str:
    """The dotted name of a file of the package: "tutor.engine.expressions", and of a package its own."""
    parts = file.relative_to(TUTOR.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(file: Path) -> frozenset[str]:
    """The absolute names of what `file` imports, anywhere in it, in functions and under TYPE_CHECKING, too."""
    package = file.relative_to(TUTOR.parent).parts[:-1]
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else ()
            source = ".".join([*start, *([node.module] if node.module else [])])
            # What is imported from a package may be a module of it.
            names |= {source, *(f"{source}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def rooms(names: frozenset[str]) -> set[str]:
    """The rooms among imported names: {"tutor.engine.expressions", "numpy"} is {"engine"}."""
    found = {name.split(".")[1] for name in names if name.startswith("tutor.")}
    return found & set(ROOMS)


def test_ls_shows_the_rooms_and_little_else():
    assert {folder.name for folder in TUTOR.iterdir() if (folder / "__init__.py").is_file()} == set(ROOMS)
    assert len({file.stem for file in TUTOR.glob("*.py")} - FLAT) <= 3


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_and_what_to_read_first(room):
    said = ast.get_docstring(ast.parse((TUTOR / room / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert "imports" in said and "Read first" in said and len(said.splitlines()) <= 12


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way_over_the_rooms(room):
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    for file in files(room):
        above = rooms(imports(file)) - allowed
        assert not above, f"{file.relative_to(ROOT)} imports {', '.join(sorted(above))}"


def test_the_python_api_stands_on_the_rooms_and_no_room_on_it():
    assert not any(rooms(imports(file)) & {"tui", "cli"} for file in files("api"))
    users = [file for room in ROOMS if room != "api" for file in files(room) if "api" in rooms(imports(file))]
    assert not users


def test_import_tutor_is_light():
    code = "import sys; before = set(sys.modules); import tutor; print(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["tutor"]
    code = "import tutor, sys; tutor.loads; print('numpy' in sys.modules, 'textual' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "False"]


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_has_a_circle_of_imports(room):
    of = {module(file): {name for name in imports(file)} for file in files(room)}
    edges = {name: {other for other in found if other in of and other != name} for name, found in of.items()}
    done: set[str] = set()
    while ready := {name for name, below in edges.items() if name not in done and below <= done}:
        done |= ready
    assert not set(edges) - done, f"a circle among {', '.join(sorted(set(edges) - done))}"


def test_modules_can_be_read_in_a_sitting():
    lines = {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in files()}
    assert not {name: count for name, count in lines.items() if count > LONGEST}
    assert sum(count > LONG for count in lines.values()) <= len(lines) / 10


def test_a_class_name_stands_for_one_thing():
    """But for the Python API, whose classes are what their namesakes are to whoever does not know the rooms."""
    named: dict[str, list[str]] = {}
    for file in set(files()) - set(files("api")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                named.setdefault(node.name, []).append(module(file))
    twice = {name: where for name, where in named.items() if len(where) > 1}
    assert not twice, f"name these for what they are, so that a reader need not ask which is meant: {twice}"


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_with_one_place_is_imported_nowhere_else(library):
    users = {
        room for room in ROOMS for file in files(room) if any(name.split(".")[0] == library for name in imports(file))
    }
    assert users <= ONLY_IN[library]


def test_what_numpy_would_warn_of_is_decided_in_one_place():
    """And in the learner's process, which has nothing of the tutor."""
    asking = [path for path in TUTOR.rglob("*.py") if "errstate" in path.read_text("utf-8")]
    assert {path.relative_to(TUTOR).as_posix() for path in asking} == {"engine/floats.py", "lab/child.py"}


def test_the_check_of_imports_sees_every_form(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "TUTOR", tmp_path / "tutor")
    (tmp_path / "tutor" / "tui").mkdir(parents=True)
    file = tmp_path / "tutor" / "tui" / "app.py"
    file.write_text(
        "import tutor.engine.a, numpy.linalg\nfrom tutor import text, __version__\nfrom tutor.questions import x\n"
        "from .. import play\nfrom ..pictures import x\nfrom . import widget\nif TYPE_CHECKING:\n"
        "    from .other import y\ndef f():\n    from tutor.learner.h import x\n"
    )
    assert rooms(imports(file)) == {"engine", "text", "questions", "play", "pictures", "learner", "tui"}


def loaded_by(*names: str) -> set[str]:
    """The top-level packages that a fresh Python has after importing `names`."""
    code = f"import {', '.join(names)}, sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_the_core_and_the_command_line_come_without_textual():
    without = {"tui"} if find_spec("textual_serve") else {"tui", "serve"}  # the extra of `serve` may not be installed
    names = [module(file) for room in ROOMS if room not in without for file in files(room)]
    assert not loaded_by(*names) & {"textual", "rich"}


def test_the_list_of_lessons_comes_without_the_engine():
    loaded = loaded_by("tutor.lessonfiles.catalogue", "tutor.learner.store")
    assert not loaded & {"numpy", "textual", "tree_sitter", "sqlite3", "fsrs"}


def test_the_first_frame_comes_without_the_engine():
    loaded = loaded_by("tutor.cli.commands", "tutor.tui.app", "tutor.tui.home")
    assert not loaded & {"numpy", "tree_sitter", "fsrs", "markdown_it"}


def test_the_glossary_comes_without_the_engine():
    assert not loaded_by("tutor.text.glossary", "tutor.cli.showing") & {"numpy", "textual", "tree_sitter"}


@pytest.mark.parametrize("command", [["list"], ["list", "--format", "json"], ["list", "--lessons", "."]])
def test_the_command_list_comes_without_the_engine(command, tmp_path):
    code = (
        "import sys; from tutor.cli.commands import main; code = main(sys.argv[1:])\n"
        "print(code, *{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    done, *loaded = run.stderr.split()
    assert done == "0" and "gates" in run.stdout and not set(loaded) & {"numpy", "textual", "tree_sitter", "fsrs"}


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
    skeletons = {f"tutor/{file.relative_to(ROOT).as_posix()}" for file in (ROOT / "assets" / "lab").rglob("*.py")}
    assert "tutor/assets/lab/de/neuron.py" in skeletons and skeletons <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"tutor", "backprop_tutor"}


def test_an_installed_wheel_finds_its_lessons(wheel, tmp_path):
    site = tmp_path / "site"
    wheel.extractall(site)
    code = (
        "from tutor.lessonfiles.catalogue import *\n"
        "print(data_dir('lessons'), *(entry.id for entry in entries()), sep='\\n')"
    )
    environment = {**os.environ, "PYTHONPATH": str(site)}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    folder, *ids = run.stdout.splitlines()
    assert Path(folder) == (site / "tutor" / "lessons").resolve()
    assert len(ids) == len(list((ROOT / "lessons").glob("*.toml"))) > 0


def test_a_wheel_installs_the_command(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt")]
    assert "backprop-tutor = tutor.cli.commands:main" in wheel.read(name).decode()
