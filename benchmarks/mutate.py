"""Small mistakes put into the engine one at a time: do the nearest tests notice each?

    python benchmarks/mutate.py --seconds 600 --seed 7 losses optimizers

Works on a copy of the tree, in a folder of its own that is removed at the end: no mutated file is ever left behind. A
mutant that every test lets live is printed with its place, so that a test can be written; one that means the same as
the original is told so in `EQUIVALENT`, with the reason. The exit code is 1 if there are any others.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ROOT / "tutor" / "engine"
COPIED = ("tutor", "tests", "lessons", "assets", "docs", "benchmarks")
COPIED_FILES = ("pyproject.toml", "README.md", "CHANGELOG.md", "Makefile")

# The tests that are about a module, the quickest first: a mutant dies at the first failure.
NEAREST: dict[str, tuple[str, ...]] = {
    "activations": ("gradients", "lesson"),
    "backprop": ("operators", "powers", "gradients"),
    "compiled/arrays": ("compiled", "training"),
    "compiled/graph": ("compiled", "training"),
    "compiled/scalars": ("compiled", "training"),
    "divergence": ("training", "cli_train"),
    "evaluation": ("evaluate",),
    "expressions": ("powers", "gradients", "typed"),
    "gradient_check": ("analysis",),
    "lesson": ("lesson",),
    "loss_slope": ("analysis",),
    "losses": ("formulas_shown", "said_in_a_lesson", "gradients", "trace", "paths"),
    "memo": ("memo",),
    "network": ("gradients", "trace", "training"),
    "noise": ("digits", "zero"),
    "operators": ("operators", "powers", "gradients", "zero", "paths"),
    "optimizers": ("formulas_shown", "training"),
    "parsing": ("lesson", "lesson_errors", "typed"),
    "paths": ("paths",),
    "program": ("training", "compiled"),
    "run": ("training", "playback"),
    "trace": ("trace", "notation"),
    "units": ("analysis",),
}

# What a mutant meets besides, if it outlives its nearest tests with a tenth of their random examples.
THEN = ("misconceptions",)

# (module, original, mutated): why nothing can tell them apart.
EQUIVALENT: dict[tuple[str, str, str], str] = {}

ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: bytes `start` to `end` of a module's text become `text`."""

    module: str
    line: int
    start: int
    end: int
    before: str
    text: str


def changes(node: ast.AST) -> Iterator[ast.expr]:
    """What a node may be mistaken for."""
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        yield ast.Compare(node.left, [COMPARISONS[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        yield from (ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0] for rest in without_one(node.values))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield from (ast.Constant(node.value + by) for by in (1, -1))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)


def without_one(values: list[ast.expr]) -> Iterator[list[ast.expr]]:
    for at in range(len(values)):
        yield values[:at] + values[at + 1 :]


def mutants(module: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in order; texts that are formatted, annotations and default texts are left alone."""
    lines = [0]
    for line in source.encode().splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    tree = ast.parse(source)
    found: list[Mutant] = []

    def add(node: ast.AST, new: str) -> None:
        at = [getattr(node, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")]
        start, end = lines[at[0] - 1] + at[1], lines[at[2] - 1] + at[3]
        found.append(Mutant(module, at[0], start, end, source.encode()[start:end].decode(), new))

    def visit(node: ast.AST) -> None:
        for change in changes(node):
            add(node, f"({ast.unparse(ast.fix_missing_locations(copy.deepcopy(change)))})")
        if isinstance(node, ast.If | ast.While):
            add(node.test, f"(not ({ast.unparse(node.test)}))")
        if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
            add(node.value, "None")
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "type_params", "decorator_list"):
                continue
            for part in value if isinstance(value, list) else [value]:
                # The places inside a formatted text are not told rightly before Python 3.12.
                if isinstance(part, ast.AST) and not isinstance(part, ast.JoinedStr):
                    visit(part)

    visit(tree)
    return found


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def copied(folder: Path) -> None:
    """A tree to break things in."""
    ignored = shutil.ignore_patterns("__pycache__", "*.png", "*.svg")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in COPIED_FILES:
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, folder / name)


def passes(folder: Path, tests: tuple[str, ...], patience: float, quick: bool = False) -> bool | None:
    """Whether the tests pass on the copy; None where they take too long. Their processes are gone afterwards.

    `quick`: with a tenth of the random examples.
    """
    files = [f"tests/test_{name}.py" for name in tests]
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "CI": "1"}
    environment["BACKPROP_TUTOR_TESTS"] = "quick" if quick else ""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-n", "0", *files]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        return process.wait(patience) == 0
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def is_the_copy(folder: Path) -> bool:
    """Whether it is the copy that the tests import, and not an installed package."""
    code = "import tutor; print(tutor.__file__)"
    environment = os.environ | {"PYTHONPATH": str(folder)}
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
    return Path(run.stdout.strip()).resolve().is_relative_to(folder.resolve())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", help=f"of the engine, all if none is named: {', '.join(NEAREST)}")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args()
    if unknown := set(args.modules) - set(NEAREST):
        parser.error(f"no module of the engine: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the copy goes, too
    seed = random.randrange(10_000) if args.seed is None else args.seed
    end = time.monotonic() + args.seconds
    modules = [name for name in args.modules or NEAREST if (ENGINE / f"{name}.py").is_file()]
    todo = [mutant for name in modules for mutant in mutants(name, (ENGINE / f"{name}.py").read_text("utf-8"))]
    random.Random(seed).shuffle(todo)
    print(f"{len(todo):,} mutants of {len(modules)} modules; seed {seed}, {args.seconds:.0f} s", flush=True)
    tried, living, slow, told = 0, 0, 0, time.monotonic()
    times: dict[str, float] = {}  # of a module's tests without a mutation; red: infinite
    with tempfile.TemporaryDirectory(prefix="mutate-") as name:
        folder = Path(name)
        copied(folder)
        if not is_the_copy(folder):
            print("the tests would not import the copy", file=sys.stderr)
            return 2
        for at, mutant in enumerate(todo):
            if time.monotonic() > end:
                break
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(f"  {tried:,} tried, {living} live", file=sys.stderr, flush=True)
            tests, file = NEAREST[mutant.module], folder / "tutor" / "engine" / f"{mutant.module}.py"
            if mutant.module not in times:
                began = time.monotonic()
                fine = passes(folder, tests, 600, quick=True)
                times[mutant.module] = time.monotonic() - began if fine else float("inf")
                if not fine:
                    print(f"{mutant.module}: its tests fail without a mutation; left out", flush=True)
            if times[mutant.module] == float("inf"):
                continue
            original = file.read_bytes()
            file.write_bytes(original[: mutant.start] + mutant.text.encode() + original[mutant.end :])
            try:
                patience = 20 + 5 * times[mutant.module]
                lives = passes(folder, tests, min(patience, end - time.monotonic()), quick=True)
                lives = lives and passes(folder, tests + THEN, min(10 * patience, end - time.monotonic()))
            finally:
                file.write_bytes(original)
            if lives is None and time.monotonic() > end:
                break  # it was not told whether it lives
            tried += 1
            slow += lives is None
            if lives:
                why = EQUIVALENT.get((mutant.module, mutant.before, mutant.text))
                living += why is None
                said = f" (the same: {why})" if why else ""
                place = f"tutor/engine/{mutant.module}.py:{mutant.line}"
                print(f"{place}: {mutant.before} → {mutant.text} (seed {seed}, {at}){said}", flush=True)
    print(f"{tried:,} mutants tried, {living} live, {slow} ran for too long (which a test would notice); seed {seed}")
    return 1 if living else 0


if __name__ == "__main__":
    sys.exit(main())
