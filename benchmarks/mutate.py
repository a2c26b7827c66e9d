"""Small mistakes put into the engine one at a time: does any test notice each?

    python benchmarks/mutate.py --seconds 600 --seed 7 losses optimizers --tests formulas_shown gradients

No file is changed, and none should be meanwhile: a mutant is code in memory. The tests that start no program and no
screen are collected once, and run once to see which lines of the engine each of them runs, and how quick it is. Then
every mutant gets a look of a second: in a fork of that process its functions get the mutated code, and the tests that
run its line are run, the quickest first and with a tenth of their random examples, until one fails. What lives (and
what is no function's, such as a constant in a table) is imported by a process of its own, and meets the same tests with
all of their examples.

A mutant that every test lets live is printed with its place, so that a test can be written; one that means the same as
the original is told so in `EQUIVALENT`, with the reason. The exit code is 1 if there are any others.
"""

from __future__ import annotations

import argparse
import ast
import copy
import gc
import importlib.abc
import importlib.machinery
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Another room of the package is tried by its name: BACKPROP_TUTOR_ROOM=solutions ... files --tests diagnose
ROOM = os.environ.get("BACKPROP_TUTOR_ROOM", "engine")
ENGINE = ROOT / "tutor" / ROOM

# The tests that know the engine, and start no program or screen: too slow here, and no mutant would be in it.
NEAR, FAR = f"from tutor.{ROOM}", ("pexpect", "run_test", "from test_tui", "shutil.copytree")
TOO_LONG = 8.0  # seconds of the processor, with a tenth of its examples and its lines watched: a test is left out
FIRST_LOOK, LONG_LOOK = 30.0, 240.0  # the most that a mutant may take, in seconds of the processor
OFTEN = 300  # a line that so many calls of its function have not reached in a test is none of that test's

# (module, the line that it begins on with the original in ‹›, mutated): why nothing can tell them apart.
# fmt: off
EQUIVALENT: dict[tuple[str, str, str], str] = {
    ("backprop", "for arg, part in zip(node.args, rule(node, value, whole), strict=‹True›)", "(False)"):
        "a reverse rule gives a part for each argument",
    ("backprop", "for (arg, part), many in zip(flows, several, strict=‹True›)", "(False)"):
        "the second was made of the first, one for one",
    ("backprop", "if ‹part is not None and not isinstance(arg, Const)›", "(part is not None)"):
        "what comes back to a constant goes nowhere: it is left out to save the work",
    ("backprop", 'inner = arg.args[‹0›] if isinstance(arg, Call) and arg.op == "transpose" else arg', "(-1)"):
        "a transpose has one argument: the first is the last",
    ("ids", "return len(self.index) == len(shape) and "
     "all(0 <= i < n for i, n in zip(self.index, shape, strict=‹True›))", "(False)"):
        "the lengths were compared before",
    ("indexing", "return examples.reshape((-‹1›,) + (1,) * (at.ndim - 1))", "(2)"):
        "to NumPy any negative length is the one to be found",
    ("local", "for at, (array, arg) in enumerate(zip(arrays, node.args, strict=‹True›))", "(False)"):
        "an array an argument",
    ("local", 'if ‹taken and alone and taken.op == "matmul" and [len(arg.shape) for arg in taken.args] == [2, 1]›:',
     "(alone and taken.op == 'matmul' and ([len(arg.shape) for arg in taken.args] == [2, 1]))"):
        "nothing is alone that is not there: said for the types",
    ("local", "alone = ‹taken is not None and _only_added(eq.formula, taken, x)›",
     "(_only_added(eq.formula, taken, x))"):
        "what no call takes stands alone, and is no term of a sum: said for the types",
    ("local", "if ‹not OPERATORS[formula.op].elementwise or not with_x›:", "(not OPERATORS[formula.op].elementwise)"):
        "nobody asks about a formula that has no x in it",
    ("normalising", "return np.where(np.isfinite(found), found, ‹0.0›)", "(1.0)"):
        "where the noise is no number the value is none either, or 0, which has none",
    ("normalising", "return np.where(np.isfinite(found), found, ‹0.0›)", "(-1.0)"):
        "where the noise is no number the value is none either, or 0, which has none",
    ("openings", 'if step.phase == "backward" and node.args[0] != Ref(‹symbol.wrt or symbol›) and node.op != "conv":',
     "(symbol.wrt)"):
        "a gradient is one with respect to something: said for the types",
    ("products", "first = _with_axes(x, lead(node, 0, x), max(a, b, 2), row=a == ‹1›)", "(0)"):
        "the axes of length 1 that are put before a vector make a row of it",
    ("reductions", "return np.mean((x - kept(node, x, np.mean)) ** 2, axis=axes(node)) "
     "if node.args[‹0›].shape else x * 0.0", "(-1)"):
        "it has one argument",
    ("reductions", "return np.mean(2 * np.abs(away) * off + off**‹2›, axis=axes(node))", "(3)"):
        "a bound: what it says of the first order is more than both orders come to",
    ("reductions", "lambda node, out, G: (G / (node.param or ‹1›),),", "(2)"):
        "how many there are is always said; 1 is for the types",
    ("reductions", "lambda node, out, G: (G / (node.param or ‹1›),),", "(0)"):
        "how many there are is always said; 1 is for the types",
    **dict.fromkeys(
        (
            ("reductions", f"away, off = centred(node, {one}, {two})[0], centred_noise(node, {three}, {four})", "(-1)")
            for one, two, three, four in (
                ("arrays[‹0›]", "noises[0]", "arrays[0]", "noises[0]"),
                ("arrays[0]", "noises[‹0›]", "arrays[0]", "noises[0]"),
                ("arrays[0]", "noises[0]", "arrays[‹0›]", "noises[0]"),
                ("arrays[0]", "noises[0]", "arrays[0]", "noises[‹0›]"),
            )
        ),
        "it has one argument",
    ),
    ("reductions", "if not node.args[‹0›].shape:", "(-1)"):
        "it has one argument",
    ("reductions", "return bool(np.any((away > ‹0›) & (away <= NEAR * (np.abs(x) + np.abs(top)))))", "(-1)"):
        "it only says where to look closely, and a closer look changes no value that is none of rounding's",
    ("reductions", "return bool(np.any((away > 0) & (‹away <= NEAR * (np.abs(x) + np.abs(top))›)))",
     "(away < NEAR * (np.abs(x) + np.abs(top)))"):
        "it only says where to look closely, and a closer look changes no value that is none of rounding's",
    ("windows", "found = tuple(p * self.stride + r - self.padding for p, r in zip(place, offset, strict=‹True›))",
     "(False)"):
        "a place and an offset for each axis",
    ("windows", "lambda node, x: np.mean(_pools(node, x, node.args[‹0›].shape), axis=-1),", "(-1)"):
        "it has one argument",
}
# fmt: on

ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


# ---------------------------------------------------------------- the mistakes


@dataclass(frozen=True)
class Mutant:
    """One change: bytes `start` to `end` of a module's text, on the lines `line` to `last`, become `text`.

    `inside`: in the body of a function, so that new code for the function is all it takes.
    """

    module: str
    line: int
    last: int
    start: int
    end: int
    before: str
    text: str
    inside: bool

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]

    def named(self, source: bytes) -> tuple[str, str, str]:
        """As in `EQUIVALENT`: by the text of its line, which moves less often than the line."""
        begin, end = source.rfind(b"\n", 0, self.start) + 1, (source + b"\n").find(b"\n", self.start)
        stop = min(self.end, end)
        parts = source[begin : self.start], source[self.start : stop], source[stop:end]
        before, original, behind = (part.decode() for part in parts)
        return self.module, f"{before}‹{original}›{behind}".strip(), " ".join(self.text.split())


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

    def add(node: ast.AST, new: str, inside: bool) -> None:
        at = [getattr(node, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")]
        start, end = lines[at[0] - 1] + at[1], lines[at[2] - 1] + at[3]
        new = f"({new}{chr(10) * (at[2] - at[0])})"  # as many lines, so that all that follows stays where it is
        found.append(Mutant(module, at[0], at[2], start, end, source.encode()[start:end].decode(), new, inside))

    def visit(node: ast.AST, inside: bool) -> None:
        for change in changes(node):
            add(node, ast.unparse(ast.fix_missing_locations(copy.deepcopy(change))), inside)
        if isinstance(node, ast.If | ast.While):
            add(node.test, f"not ({ast.unparse(node.test)})", inside)
        if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
            add(node.value, "None", inside)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "type_params", "decorator_list"):
                continue
            within = inside or (name == "body" and isinstance(node, ast.FunctionDef | ast.Lambda))
            for part in value if isinstance(value, list) else [value]:
                # The places inside a formatted text are not told rightly before Python 3.12.
                if isinstance(part, ast.AST) and not isinstance(part, ast.JoinedStr):
                    visit(part, within)

    visit(tree, False)
    return found


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def file_of(module: str) -> Path:
    return ENGINE / f"{module}.py"


def modules_of_the_engine() -> list[str]:
    names = (file.relative_to(ENGINE).with_suffix("").as_posix() for file in sorted(ENGINE.rglob("*.py")))
    return [name for name in names if not name.endswith("__init__")]


# ---------------------------------------------------------------- a mutant in memory


@dataclass
class Imported(importlib.abc.MetaPathFinder):
    """Has one module imported from its mutated text."""

    mutant: Mutant

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        file = file_of(self.mutant.module)
        if name != ".".join(file.relative_to(ROOT).with_suffix("").parts):
            return None
        return importlib.machinery.ModuleSpec(name, _Loader(name, str(file), self.mutant), origin=str(file))


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, mutant: Mutant) -> None:
        super().__init__(name, path)
        self.mutant = mutant

    def get_code(self, fullname: str) -> CodeType:  # past the compiled files beside the sources
        return compile(self.mutant.applied(Path(self.path).read_bytes()), self.path, "exec")


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from codes(const)


@dataclass(frozen=True)
class Living:
    """The functions of a module that are there, each at its place among all the code of the module's text."""

    names: list[str]
    functions: list[tuple[int, FunctionType]]

    @classmethod
    def of(cls, module: str, things: list[FunctionType]) -> Living:
        file = file_of(module)
        there = list(codes(compile(file.read_bytes(), str(file), "exec")))
        at = {_place(code): number for number, code in enumerate(there)}
        own = [thing for thing in things if thing.__code__.co_filename == str(file)]
        placed = [(at[place], thing) for thing in own if (place := _place(thing.__code__)) in at]
        return cls([code.co_qualname for code in there], placed)

    def become(self, mutant: Mutant) -> bool:
        """Give them the mutant's code; whether that could be done."""
        file = file_of(mutant.module)
        new = list(codes(compile(mutant.applied(file.read_bytes()), str(file), "exec")))
        if [code.co_qualname for code in new] != self.names:
            return False  # a lambda or a comprehension has gone
        try:
            for number, function in self.functions:
                function.__code__ = new[number]
        except ValueError:  # it has other free variables now
            return False
        return True


def _place(code: CodeType) -> object:
    return code.co_qualname, code.co_firstlineno, code.co_code, tuple(code.co_positions())


# ---------------------------------------------------------------- the tests


def near() -> list[str]:
    """The test files to draw from."""
    texts = {str(file): file.read_text("utf-8") for file in sorted((ROOT / "tests").glob("test_*.py"))}
    return [file for file, text in texts.items() if NEAR in text and not any(word in text for word in FAR)]


@dataclass
class Ran:
    """A test that passes: what it took, and the lines of the engine that it ran."""

    item: pytest.Item
    seconds: float
    lines: dict[str, set[int]]


def lines_run(work: Callable[[], object]) -> dict[str, set[int]]:
    """The lines of each file of the engine that `work` runs, nearly all of them (`OFTEN`)."""
    codes_of: dict[int, CodeType] = {}  # by its id: to hash a code object takes as long as to run it
    left: dict[int, set[int]] = {}
    calls: dict[int, int] = defaultdict(int)
    engine = str(ENGINE) + os.sep

    def called(frame: FrameType, event: str, arg: object) -> Any:
        code = frame.f_code
        missing = left.get(id(code))
        if missing is None:
            codes_of[id(code)] = code
            missing = left[id(code)] = _lines(code) if code.co_filename.startswith(engine) else set()
        if not missing:
            return None
        calls[id(code)] += 1
        return moved(frame, event, arg) if calls[id(code)] <= OFTEN else None

    def moved(frame: FrameType, event: str, arg: object) -> Any:
        left[id(frame.f_code)].discard(frame.f_lineno)
        return moved

    before = sys.gettrace()
    sys.settrace(called)
    try:
        work()
    finally:
        sys.settrace(before)
    found: dict[str, set[int]] = defaultdict(set)
    for key, code in codes_of.items():
        if code.co_filename.startswith(engine):
            found[code.co_filename] |= _lines(code) - left[key]
    return found


def _lines(code: CodeType) -> set[int]:
    return {line for *_, line in code.co_lines() if line}


@dataclass
class Watched:
    """A plugin of pytest: once the tests are collected, `then` is called with those that pass."""

    then: Callable[[list[Ran]], None]
    failed: set[str] = field(default_factory=set)
    at_failure: Callable[[], None] | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or report.outcome == "rerun":
            self.failed.add(report.nodeid)
            if self.at_failure:
                self.at_failure()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        ran = []
        signal.signal(signal.SIGPROF, _too_long)
        for item in session.items:
            began = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, TOO_LONG)
            lines = lines_run(lambda item=item: run(item))
            signal.setitimer(signal.ITIMER_PROF, 0)
            if item.nodeid in self.failed:
                print(f"{item.nodeid} fails or takes too long without a mutation: left out", flush=True)
            elif any(lines.values()):
                ran.append(Ran(item, time.process_time() - began, lines))
        self.then(sorted(ran, key=lambda test: test.seconds))
        return True


def _too_long(*_: object) -> None:
    raise TimeoutError


def run(item: pytest.Item) -> None:
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)


def that_run(mutant: Mutant, tests: list[Ran]) -> list[Ran]:
    """The tests that run a line of the mutant; where none does, as of what runs at the import, all of its module's."""
    file, wanted = str(file_of(mutant.module)), set(range(mutant.line, mutant.last + 1))
    of_module = [test for test in tests if file in test.lines]
    return [test for test in of_module if mutant.inside and wanted & test.lines[file]] or of_module


# ---------------------------------------------------------------- the two looks


def first_look(mutant: Mutant, living: Living, tests: list[Ran], watched: Watched) -> str:
    """"killed", "slow", "lives" or "elsewhere" (it is no function's): in a fork of this process."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return {0: "lives", 1: "killed", 2: "elsewhere"}.get(os.waitstatus_to_exitcode(status), "slow")
    try:
        limited(FIRST_LOOK)
        if not living.become(mutant):
            os._exit(2)
        watched.at_failure = lambda: os._exit(1)
        spent = 0.0
        for test in tests:
            spent += test.seconds
            if spent > FIRST_LOOK / 3:
                break
            run(test.item)
        os._exit(0)
    except BaseException:
        os._exit(1)


def limited(seconds: float) -> None:
    """End this process after so many seconds of the processor, or ten times as many by the clock."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(10 * seconds))


def long_look(mutant: Mutant, tests: list[str], folder: Path) -> str:
    """"killed", "slow" or "lives": imported by a process of its own."""
    (folder / "again").mkdir(exist_ok=True)
    told = folder / "mutant.json"
    told.write_text(json.dumps({"mutant": asdict(mutant), "tests": tests}))
    paths = os.pathsep.join((str(ROOT / "benchmarks"), str(ROOT)))
    environment = os.environ | {"MUTANT": str(told), "PYTHONPATH": paths, "BACKPROP_TUTOR_TESTS": "mutant"}
    files = sorted({test.partition("::")[0] for test in tests})
    command = [sys.executable, "-m", "pytest", "-x", "-p", "mutate", *options(folder / "again"), *files]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet,
        preexec_fn=lambda: limited(LONG_LOOK),
    )  # fmt: skip
    code = process.wait()
    return "lives" if code in (0, 5) else "slow" if code < 0 else "killed"


def options(folder: Path) -> list[str]:
    return ["-p", "no:xdist", "-p", "no:cacheprovider", "--basetemp", str(folder / "pytest"), "--rootdir", str(ROOT)]


if "MUTANT" in os.environ:  # a process of `long_look`, whose plugin this module is
    _TOLD = json.loads(Path(os.environ["MUTANT"]).read_text())
    sys.meta_path.insert(0, Imported(Mutant(**_TOLD["mutant"])))

    def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
        place = {test: at for at, test in enumerate(_TOLD["tests"])}
        items[:] = sorted((item for item in items if item.nodeid in place), key=lambda item: place[item.nodeid])


@dataclass
class Hunt:
    """What became of the mutants in the time that was given."""

    todo: list[Mutant]
    seed: int
    seconds: float
    folder: Path
    count: dict[str, int] = field(default_factory=lambda: {"killed": 0, "slow": 0, "the same": 0, "lives": 0})

    def begin(self, tests: list[Ran], watched: Watched) -> None:
        functions = [thing for thing in gc.get_objects() if isinstance(thing, FunctionType)]
        living = {module: Living.of(module, functions) for module in {mutant.module for mutant in self.todo}}
        gc.freeze()
        print(f"{len(tests):,} tests run lines of tutor/{ROOM}", flush=True)
        none = replace(self.todo[0], text=self.todo[0].before)
        if first_look(none, living[none.module], tests, watched) != "lives":
            print("in a fork the tests fail without a mutation", file=sys.stderr)
            return
        began = told = time.monotonic()
        for at, mutant in enumerate(self.todo):
            if time.monotonic() > began + self.seconds:
                break
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(f"  {at:,} tried, {self.count['lives']} live", file=sys.stderr, flush=True)
            running = that_run(mutant, tests)
            fit = mutant.inside and running
            found = first_look(mutant, living[mutant.module], running, watched) if fit else "elsewhere"
            if found in ("killed", "slow"):
                self.count[found] += 1
            else:
                self.again(at, mutant, running)
        said = ", ".join(f"{number:,} {name}" for name, number in self.count.items())
        print(f"{sum(self.count.values()):,} of {len(self.todo):,} mutants tried: {said}; seed {self.seed}", flush=True)

    def place(self, at: int, mutant: Mutant) -> str:
        text = " ".join(mutant.text.split())
        return f"tutor/{ROOM}/{mutant.module}.py:{mutant.line}: {mutant.before} → {text} (seed {self.seed}, {at})"

    def again(self, at: int, mutant: Mutant, running: list[Ran]) -> None:
        chosen, spent = [], 0.0
        for test in running:
            spent += 10 * test.seconds
            chosen += [test.item.nodeid] if spent < LONG_LOOK / 2 else []
        found = long_look(mutant, chosen, self.folder) if chosen else "lives"
        named = mutant.named(file_of(mutant.module).read_bytes())
        why = EQUIVALENT.get(named) if found == "lives" else None
        self.count["the same" if why else found] += 1
        if found == "lives":
            said = f" (the same: {why})" if why else "" if chosen else " (no test runs its module)"
            print(self.place(at, mutant) + said, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = modules_of_the_engine()
    parser.add_argument("modules", nargs="*", help=f"of tutor/{ROOM}, all if none is named: {', '.join(every)}")
    parser.add_argument("--tests", nargs="*", metavar="NAME", help="these alone: tests/test_NAME.py")
    parser.add_argument("--seconds", type=float, default=300, help="for the mutants, once the tests were watched")
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args()
    if unknown := set(args.modules) - set(every):
        parser.error(f"no module of tutor/{ROOM}: {', '.join(sorted(unknown))}")
    seed = random.randrange(10_000) if args.seed is None else args.seed
    names = args.modules or every
    files = [str(ROOT / "tests" / f"test_{name}.py") for name in args.tests or ()] or near()
    todo = [mutant for name in names for mutant in mutants(name, file_of(name).read_text("utf-8"))]
    random.Random(seed).shuffle(todo)
    print(f"{len(todo):,} mutants of {len(names)} modules; seed {seed}, {args.seconds:.0f} s", flush=True)
    os.environ.update(CI="1", BACKPROP_TUTOR_TESTS="quick", OPENBLAS_NUM_THREADS="1")
    sys.path.insert(0, str(ROOT))  # this tree, and not an installed package
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory(prefix="mutate-") as name:
        hunt = Hunt(todo, seed, args.seconds, Path(name))
        watched = Watched(lambda tests: hunt.begin(tests, watched))
        pytest.main([*options(hunt.folder), "-p", "no:terminal", *files], plugins=[watched])
    if not sum(hunt.count.values()):
        print("no mutant was tried", file=sys.stderr)
        return 2
    return 1 if hunt.count["lives"] else 0


if __name__ == "__main__":
    sys.exit(main())
