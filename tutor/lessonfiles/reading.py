"""From a lesson file to a lesson: everything wrong with it, and what can be made of it.

`read` goes from a file to a `Lesson` and to all that is wrong with it. `schema.py` holds each
key against the format; what keys must agree on is checked here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from tutor.engine.activations import ACTIVATIONS, takes_slope
from tutor.engine.formula import CONSTANTS, FUNCTIONS, Expr, FormulaError, Ref, Symbol, did_you_mean, parse
from tutor.engine.lesson import (
    AuthorQuestion,
    Circuit,
    Definition,
    Expect,
    Layer,
    Lesson,
    Network,
    Note,
    Training,
    WrongAnswer,
    choice_at,
)  # fmt: skip
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.lessonfiles import csv_examples, schema
from tutor.lessonfiles.csv_examples import Columns, Table
from tutor.lessonfiles.positions import Keys, Problem, Source, exists, lesson_id, read_source
from tutor.lessonfiles.schema import ASKED_KINDS, MAX_PARAMETERS, STEP_KINDS, Fault, Faults, TooMany
from tutor.lessonfiles.toml_syntax import parse_toml
from tutor.text import prose
from tutor.text.output import FORBIDDEN, quote
from tutor.text.words import plural

MAX_NUMBERS = 50_000_000  # that one array of a batch may hold: 400 MB


def read(path: str | Path) -> tuple[Lesson | None, list[Problem], Source | None]:
    """The lesson in a file, all that is wrong with it by line and column, and its text.

    Never raises for what a file holds. Where the skeleton is sound (inputs, layers and units of a
    network; the equations of a circuit) there is a lesson in spite of errors, with defaults where
    the file is wrong, so that a caller can go on to look for more problems: it is to be used only
    if none of them is an error. The text is None where it cannot be read.
    """
    source = read_source(path)
    if isinstance(source, Problem):
        return None, [source], None
    values = parse_toml(source)
    if isinstance(values, Problem):
        return None, [values], source
    lesson, faults = build(values, path)
    lost = lost_latex(values, source)
    told = (fault for fault in faults.found if fault.path not in lost or "U+" not in fault.message)  # \f of \frac
    problems = [*(problem(source, fault, faults.table) for fault in told), *faults.elsewhere, *lost.values()]
    problems.sort(key=lambda p: (p.path != source.path, p.line, p.column))
    if faults.cut:
        last = problems[-1]
        problems.append(source.problem_at(last.line, last.column, "there are more problems: the rest is not listed"))
    return lesson, problems, source


_ESCAPE_IN_WORD = re.compile(r"[\x07\x08\x0b-\x0d\x1b\n\t](?=[a-z])")


def lost_latex(values: dict, source: Source) -> dict[Keys, Problem]:
    r"""By their paths the texts in "..." in which TOML takes the backslash of LaTeX for an escape: \n of \neq.

    An error where that leaves a character which no text may hold, else a warning.
    """
    found: dict[Keys, Problem] = {}
    if "\\" not in source.text:
        return found
    for path, text in _texts(values):
        if not _ESCAPE_IN_WORD.search(text):
            continue
        written = source.written(path)
        macros = prose.lost_latex(written)
        if not macros:
            continue
        at, macro = macros[0]
        line, column = source.locate(path)
        before = written[:at]
        line, column = (line + before.count("\n"), at - before.rindex("\n")) if "\n" in before else (line, column + at)
        others = list(dict.fromkeys(other for _, other in macros if other != macro))[:4]
        more = f" (and {', '.join(others)})" if others else ""
        message = f'in "..." TOML reads \\{macro[1]} of {macro}{more} as {_ESCAPES.get(macro[1], "an escape")}'
        severity = "error" if FORBIDDEN.search(text) else "warning"
        advice = "put the text in '''...''' (or '...'), where a backslash is one"
        found[path] = source.problem_at(line, column, message, advice, severity)
    return found


_ESCAPES = {"n": "a new line", "t": "a tab", "f": "a form feed", "b": "a backspace", "r": "a carriage return"}


def _texts(value, path: Keys = ()) -> Iterator[tuple[Keys, str]]:
    """Every text in the values of a file, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _texts(part, (*path, key))
    elif isinstance(value, list) and not (value and isinstance(value[0], (int, float))):
        for at, part in enumerate(value):
            yield from _texts(part, (*path, at))


def files(path: str | Path) -> tuple[Path, ...]:
    """The file of a lesson and the one that its examples are from, as it says now: there or not, well or not."""
    source = read_source(path)
    values = {} if isinstance(source, Problem) else parse_toml(source)
    name = values.get("examples") if isinstance(values, dict) else None
    named = csv_examples.place(Path(path), name) if isinstance(name, str) else None
    return (Path(path), named) if isinstance(named, Path) else (Path(path),)


def build(values: dict, path: str | Path) -> tuple[Lesson | None, Faults]:
    """The lesson that the values of a TOML document say, and all that is wrong with them by key; as in `read`.

    `path` is the file's, from which a lesson has its id; it is not read, but a file of examples beside it is.
    """
    faults, lesson = Faults(), None
    try:
        schema.check(values, faults)
        lesson = _Reader(Path(path), values, faults).lesson()
    except TooMany:
        pass
    return lesson, faults


def problem(source: Source, fault: Fault, table: tuple[Table, Columns] | None = None) -> Problem:
    """A fault with its place in the file, or in the table that the examples are from."""
    if table and fault.path[:1] == ("examples",) and len(fault.path) > 1:  # the lesson has but the file's name
        places = {"inputs": table[1].inputs, "targets": table[1].targets}.get(fault.path[2], ())
        at = fault.path[3] if len(fault.path) > 3 else 0
        return table[0].problem(fault.path[1], places[min(at, len(places) - 1)], fault.message, fault.advice)
    return source.problem(
        fault.path, fault.message, fault.advice, key=fault.key, offset=fault.offset, severity=fault.severity
    )


_MODULE = re.compile(r"\b(?:np|numpy|math|torch|tf|jnp|F|Math)\.(\w+)")
_UNNAMEABLE = re.compile(r"""[][(){}'"@]""")
_IDENTIFIER = re.compile(r"[^\W0-9]\w*")  # what a formula reads as a name


class _Reader:
    """Builds the lesson from TOML values that were held against the schema, and notes what does not agree."""

    def __init__(self, path: Path, values: dict, faults: Faults):
        self.path, self.data, self.faults = path, values, faults
        self.fault = faults.add
        self.file: Path | None = None  # of the examples

    def sound(self, *path: str | int) -> bool:
        return self.faults.sound(*path) and path[-1] not in self.faults.misplaced

    def has(self, *path: str | int) -> bool:
        return self.value(*path, anyhow=True) is not None

    def value(self, *path: str | int, default=None, anyhow: bool = False):
        """The value at a path; the default where there is none, or none that is sound."""
        value = self.data
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return default
        return value if anyhow or self.faults.sound(*path) else default

    def length(self, *path: str | int) -> int:
        """How many items a list has, be they sound or not; 0 where there is no list."""
        items = self.value(*path, anyhow=True)
        return len(items) if isinstance(items, list) else 0

    def line(self, key: str) -> str:
        """A text of one line."""
        return " ".join(self.value(key, default="").split())

    # ---------------------------------------------------------------- the whole

    def lesson(self) -> Lesson | None:
        self.requires()
        self.examples_file()
        network = circuit = None
        inputs = targets = np.empty((0, 0))
        if isinstance(self.value("network", anyhow=True), dict):
            network, inputs, targets = self.network()
        if isinstance(self.value("circuit", anyhow=True), dict):
            circuit = self.circuit()
        training = self.training(network, circuit)
        questions = tuple(found for i in range(self.length("questions")) if (found := self.question(i)))
        if self.has("network") and self.has("circuit"):
            message = "a lesson has a [network] or a [circuit], not both"
            self.fault(("circuit",), message, "take one of them out", key=True)
            return None
        if not self.has("network") and not self.has("circuit") and self.sound("network") and self.sound("circuit"):
            self.fault((), "a lesson needs a [network] or a [circuit]", "see docs/lesson-format.md for one of each")
        if network is None and circuit is None:
            return None
        return Lesson(
            id=lesson_id(self.path),
            title=self.line("title"),
            summary=self.line("summary"),
            unit=self.line("unit"),
            level=self.value("level", default=Lesson.level),
            notation=self.value("notation", default=Lesson.notation),
            requires=tuple(self.value("requires", default=())),
            intro=self.value("intro", default=""),
            outro=self.value("outro", default=""),
            network=network,
            circuit=circuit,
            inputs=inputs,
            targets=targets,
            training=training,
            notes=tuple(
                Note(self.value("notes", i, "step"), self.value("notes", i, "text"), i)
                for i in range(self.length("notes"))
                if self.has("notes", i, "step") and self.has("notes", i, "text") and self.faults.sound("notes", i)
            ),
            quiz_steps=tuple(self.value("quiz", "steps", default=())) if self.faults.sound("quiz", "steps") else (),
            questions=questions,
            expect=tuple(
                Expect(
                    step=self.value("expect", i, "step"),
                    value=self.value("expect", i, "value"),
                    source=self.value("expect", i, "source"),
                    iteration=self.value("expect", i, "iteration", default=1),
                    at=i,
                    tolerance=self.value("expect", i, "tolerance"),
                    cut_off=self.value("expect", i, "cut_off", default=False),
                )
                for i in range(self.length("expect"))
                if isinstance(self.value("expect", i), dict) and self.faults.sound("expect", i)
            ),
            classes=self.classes(network),
            data=self.file,
            path=self.path,
        )

    def requires(self) -> None:
        for i in range(self.length("requires")):
            wanted = self.value("requires", i)
            if wanted is None:
                continue
            if wanted == lesson_id(self.path):
                self.fault(("requires", i), "a lesson cannot require itself")
            elif re.search(r"^$|[\t\n/\\]|\.toml$", wanted) or wanted != lesson_id(wanted + ".toml"):
                advice = "an id is a lesson's file name without number and extension: 01-gates.toml is gates"
                self.fault(("requires", i), f"{quote(wanted)} is no lesson id", advice)

    def names(self, *path: str | int) -> tuple[int | None, tuple[str, ...] | None]:
        """How many there are, and their names if they have any, of a key that holds a number or a list of names."""
        given = self.value(*path, anyhow=True)
        if not isinstance(given, list):
            return self.value(*path), None
        if not given:
            return None, None
        for i in range(len(given)):
            name = self.value(*path, i)
            if name is not None:
                self.name((*path, i), name)
        return len(given), tuple(given) if self.faults.sound(*path) else None

    def name(self, where: Keys, name: str) -> None:
        if not 1 <= len(name) <= 32 or not name.isprintable() or name != name.strip() or _UNNAMEABLE.search(name):
            advice = "a name has 1 to 32 printable characters, none of them a bracket, a quote or '@'"
            self.fault(where, f"{quote(name)} cannot be a name", advice)

    # ---------------------------------------------------------------- networks

    def network(self) -> tuple[Network | None, np.ndarray, np.ndarray]:
        """The network (None without a sound skeleton), the examples' inputs and their targets."""
        nothing = None, np.empty((0, 0)), np.empty((0, 0))
        count, input_names = self.names("network", "inputs")
        many = self.length("network", "layers")
        units, unit_names = [], []
        for k in range(many):
            number, names = self.names("network", "layers", k, "units")
            units.append(number)
            unit_names.append(names)
        sizes = [count, *units]
        # What a size may be: what the file says, or what the weights beside it say. One mistake is
        # one problem: who is off by one here is not to be told so by all the neighbours.
        possible = [set() if size is None else {size} for size in sizes]
        for k in range(many):
            self.weights_shape(k, sizes, possible)
        for k in range(many):
            self.layer(k, last=k == many - 1)
        loss = self.loss(many)
        known = [size for size in sizes if size is not None]
        whole = many > 0 and len(known) == len(sizes)
        if whole and not self.fits_in_memory(known):
            return nothing
        self.examples_shape(sizes, possible, loss)
        if not whole:
            return nothing
        layers = tuple(self.built_layer(k, known[k], known[k + 1], unit_names[k], k == many - 1) for k in range(many))
        wanted = LOSSES[loss].wants if loss else None
        if loss is None or wanted not in (None, layers[-1].activation):
            loss = "squared_error"
        delta, layout = self.value("network", "delta"), self.value("network", "layout", default=Network.layout)
        network = Network(known[0], loss, layers, input_names, delta and float(delta), layout)
        return network, *self.arrays(known[0], known[-1], loss)

    def weights_shape(self, k: int, sizes: Sequence[int | None], possible: list[set[int]]) -> None:
        where = ("network", "layers", k, "weights")
        value, before, units = self.value(*where), sizes[k], sizes[k + 1]
        if not isinstance(value, list):
            return
        if self.from_to:
            self.weights_from_to(k, before, units, possible)
            return
        rows, columns, name = len(value), [len(row) for row in value], f"weights of layer {k + 1}"
        feeding = f"layer {k} has {plural(before, 'unit')}" if k else f"the network has {plural(before, 'input')}"
        advice = "one row a unit of this layer, one column a unit that feeds it"
        uniform = len(set(columns)) == 1
        fits_columns = before is None or columns[0] in possible[k]
        if uniform and not fits_columns and units and rows != units and (rows, columns[0]) == (before, units):
            message = f"{name} is {rows}×{columns[0]} and should be {units}×{before}"
            advice = f'{advice}: it looks transposed; for matrices as in x·W write layout = "from_to" under [network]'
            self.fault(where, message, advice)
            return
        if uniform and not fits_columns:
            self.fault(where, f"{name} has {plural(columns[0], 'column')}; {feeding}", advice)
        elif not uniform:
            usual = before if before in columns else Counter(columns).most_common(1)[0][0]
            against = feeding if usual == before else f"the others have {plural(usual, 'column')}"
            for i, length in enumerate(columns):
                if length != usual:
                    self.fault((*where, i), f"row {i + 1} of {name} has {plural(length, 'column')}; {against}", advice)
        if units is not None and rows != units:
            self.fault(where, f"{name} has {plural(rows, 'row')}; the layer has {plural(units, 'unit')}", advice)
        possible[k + 1].add(rows)
        if uniform:
            possible[k].add(columns[0])

    def weights_from_to(self, k: int, before: int | None, units: int | None, possible: list[set[int]]) -> None:
        """`weights_shape` for matrices that have a row a unit that feeds the layer."""
        where = ("network", "layers", k, "weights")
        value, name = self.value(*where), f"weights of layer {k + 1}"
        rows, columns = len(value), [len(row) for row in value]
        feeding = f"layer {k} has {plural(before, 'unit')}" if k else f"the network has {plural(before, 'input')}"
        advice = "with layout from_to: one row a unit that feeds this layer, one column a unit of it"
        uniform = len(set(columns)) == 1
        fits_rows = before is None or rows in possible[k]
        if uniform and not fits_rows and units and columns[0] != units and (rows, columns[0]) == (units, before):
            message = f"{name} is {rows}×{columns[0]} and should be {before}×{units}"
            self.fault(where, message, f"{advice}: it looks transposed")
            return
        if not fits_rows:
            self.fault(where, f"{name} has {plural(rows, 'row')}; {feeding}", advice)
        usual = units if units in columns or (uniform and units) else Counter(columns).most_common(1)[0][0]
        against = f"the layer has {plural(units, 'unit')}" if usual == units else f"the others have {usual}"
        wrong = [i for i, length in enumerate(columns) if length != usual]
        if uniform and wrong:
            self.fault(where, f"{name} has {plural(columns[0], 'column')}; {against}", advice)
        for i in wrong if not uniform else ():
            message = f"row {i + 1} of {name} has {plural(columns[i], 'column')}; {against}"
            self.fault((*where, i), message, advice)
        possible[k].add(rows)
        if uniform:
            possible[k + 1].add(columns[0])

    @property
    def from_to(self) -> bool:
        return self.value("network", "layout") == "from_to"

    def columns_of(self, k: int) -> int:
        """How many units the matrix of a layer's weights leads to; 0 where it is none."""
        if not self.from_to:
            return self.length("network", "layers", k, "weights")
        first = self.value("network", "layers", k, "weights", 0, anyhow=True)
        return len(first) if isinstance(first, list) else 0

    def layer(self, k: int, last: bool) -> None:
        where = ("network", "layers", k)
        units, activation = self.value(*where, "units", anyhow=True), self.value(*where, "activation")
        units = len(units) if isinstance(units, list) else self.value(*where, "units")
        biases, rows = self.value(*where, "biases"), self.columns_of(k)
        if isinstance(biases, list) and units is not None and len(biases) not in (units, rows or units):
            values = plural(len(biases), "value")
            message = f"biases of layer {k + 1} has {values}; the layer has {plural(units, 'unit')}"
            self.fault((*where, "biases"), message, "one number a unit; false where the layer has no biases")
        if activation == "softmax" and not last:
            advice = "take sigmoid, tanh or relu here"
            self.fault((*where, "activation"), "softmax is for the last layer, the output", advice)
        if (
            self.value(*where, "alpha") is not None
            and self.sound(*where, "activation")
            and not takes_slope(activation or "")
        ):
            name = activation or Layer.activation
            message = f"alpha of layer {k + 1} is not used: {name} has no slope or size to choose"
            advice = f"alpha goes with {' or '.join(name for name in ACTIVATIONS if takes_slope(name))}"
            self.fault((*where, "alpha"), message, advice, key=True, severity="warning")
        alpha = self.value(*where, "alpha")
        if alpha is not None and takes_slope(activation or "") and alpha >= ACTIVATIONS[activation].below:
            message = f"alpha of layer {k + 1} must be less than {ACTIVATIONS[activation].below:g}, not {alpha!r}"
            self.fault((*where, "alpha"), message, f"{activation} takes the larger of α·z and z")

    def loss(self, many: int) -> str | None:
        """The loss, if it is known; noted if it does not fit the output's activation."""
        loss = self.value("network", "loss")
        output = ("network", "layers", many - 1, "activation")
        if loss and LOSSES[loss].delta is None and self.value("network", "delta") is not None:
            message, advice = f"delta is not used by the loss {loss}", "take it out; it goes with huber"
            self.fault(("network", "delta"), message, advice, key=True, severity="warning")
        if loss and many and LOSSES[loss].wants and self.sound(*output):
            wanted, activation = LOSSES[loss].wants, self.value(*output, default=Layer.activation)
            if activation != wanted:
                message = f"{loss} wants {wanted} at the output; layer {many} has {activation}"
                other = next((name for name, entry in LOSSES.items() if entry.wants == activation), "a squared error")
                advice = f'give the last layer activation = "{wanted}", or choose {other}'
                self.fault(("network", "loss"), message, advice)
                return None  # one of the two is wrong: what the targets should be is not known
        return loss

    def fits_in_memory(self, sizes: Sequence[int]) -> bool:
        """Whether the network is of a size that is allowed; asked before any array of it is made."""
        many = range(len(sizes) - 1)
        counts = [sizes[k + 1] * (sizes[k] + (self.value("network", "layers", k, "biases") is not False)) for k in many]
        if sum(counts) > MAX_PARAMETERS:
            where = ("network", "layers", counts.index(max(counts)), "units")
            message = f"the network has {sum(counts):,} parameters; {MAX_PARAMETERS:,} are the most"
            self.fault(where, message, f"{max(counts):,} of them are in this layer")
            return False
        rows, batch = self.length("examples"), self.value("training", "batch", default=1)
        together = rows if batch == "all" else min(batch, rows)
        if max(rows * max(sizes[0], sizes[-1]), together * max(sizes)) > MAX_NUMBERS:
            message = f"{rows:,} examples are too many for layers of {max(sizes):,} units"
            self.fault(("examples",), message, f"their product may be {MAX_NUMBERS:,}")
            return False
        return True

    def built_layer(self, k: int, before: int, units: int, names: tuple[str, ...] | None, last: bool) -> Layer:
        def value(key, default=None):
            return self.value("network", "layers", k, key, default=default)

        weights, biases = value("weights", Layer.weights), value("biases")
        if not isinstance(weights, str):
            rows = weights
            weights = np.array(rows, dtype=float) if len({len(row) for row in rows}) == 1 else np.empty(0)
            weights = weights.T if self.from_to else weights
            if weights.shape != (units, before):
                weights = Layer.weights
        if isinstance(biases, int | float) and biases is not False:  # of a single unit there is nothing to share
            biases = np.array(float(biases)) if units > 1 else np.array([float(biases)])
        elif biases is not False:
            biases = np.array(biases, dtype=float) if biases and len(biases) == units else np.zeros(units)
        activation = value("activation", Layer.activation)
        usual = ACTIVATIONS[activation].alpha if activation in ACTIVATIONS else None
        return Layer(
            units=units,
            activation=activation if last or activation != "softmax" else Layer.activation,
            alpha=float(value("alpha", usual if usual is not None else Layer.alpha)),
            weights=weights,
            biases=None if biases is False else biases,
            names=names,
            train_weights=value("train_weights", True),
            train_biases=value("train_biases", True),
        )

    # ---------------------------------------------------------------- examples

    def examples_file(self) -> None:
        """Where `examples` names a file: read it, and go on as if its rows stood in the lesson."""
        name = self.value("examples", anyhow=True)
        if not isinstance(name, str):
            if self.has("class"):
                advice = "in the lesson a class is target = 2, or targets = [0, 1]"
                self.fault(("class",), "class goes with a file of examples", advice, key=True)
            return
        if not self.has("network"):
            return  # a circuit has none: that is told there
        self.data = {key: value for key, value in self.data.items() if key != "examples"}
        sizes = self.network_ends()
        if not self.faults.sound("examples") or sizes is None:
            self.faults.doubt(("examples",))
            return
        path = csv_examples.place(self.path, name)
        if isinstance(path, str):
            self.fault(("examples",), path, 'such as examples = "flowers.csv"')
            return
        self.file = path
        table = csv_examples.read_table(path, self.path.parent)
        if isinstance(table, Problem) and not exists(path):
            near = did_you_mean(name[:64], csv_examples.beside(path))
            advice = "write / between folders" if "\\" in name else ""
            self.fault(("examples",), f"there is no file {quote(name)} beside the lesson{near}", advice)
            return
        chosen = table if isinstance(table, Problem) else csv_examples.columns(table, *sizes, self.value("class"))
        if isinstance(table, Problem) or isinstance(chosen, Problem):
            assert isinstance(chosen, Problem)
            self.faults.elsewhere.append(chosen)
            self.faults.doubt(("examples",))
            return
        outputs = len(sizes[1]) if isinstance(sizes[1], list) else sizes[1]
        single = bool(chosen.classes) and outputs == 1
        rows, self.faults.elsewhere = csv_examples.examples(table, chosen, self.no_and_yes() if single else ())
        self.faults.table = table, chosen
        if any(problem.severity == "error" for problem in self.faults.elsewhere):
            self.faults.doubt(("examples",))
        else:
            self.data["examples"] = rows

    def no_and_yes(self) -> tuple[float, float]:
        """The targets of a single output's two classes: 0 and 1, or what the loss takes."""
        loss = self.value("network", "loss")
        low, high = (LOSSES[loss].targets if loss else ()) or (0, 1)
        return low, high

    def single_classes(self) -> dict[int, float] | None:
        """What `target` says of a single output: its classes are 0 and 1, or 1 and 2; None if they are not these."""
        told = {self.value("examples", i, "target") for i in range(self.length("examples"))} - {None}
        lowest = 0 if 0 in told else 1
        if not told <= {lowest, lowest + 1} or (told == {1}):
            return None
        return dict(zip((lowest, lowest + 1), self.no_and_yes(), strict=True))

    def network_ends(self) -> tuple[list[str] | int, list[str] | int] | None:
        """The inputs and the outputs, by name or number; None where one of them is in doubt."""
        last = ("network", "layers", self.length("network", "layers") - 1, "units")
        ends = self.value("network", "inputs"), self.value(*last)
        return None if None in ends or not self.sound("class") else ends

    def classes(self, network: Network | None) -> tuple[str, ...]:
        if self.faults.table and self.faults.table[1].classes:
            return self.faults.table[1].classes
        return (network.layers[-1].names or ()) if network and network.loss == "cross_entropy" else ()

    def examples_shape(self, sizes: Sequence[int | None], possible: list[set[int]], loss: str | None) -> None:
        many = self.length("examples")
        if not many:
            if self.sound("examples"):
                advice = "add [[examples]] with inputs and targets"
                self.fault(("network",), "a network needs examples", advice, doubt=("examples",))
            return
        self.counts("inputs", possible[0] if sizes[0] else set(), f"the network has {plural(sizes[0], 'input')}")
        outputs = sizes[-1] if len(sizes) > 1 else None
        self.counts("targets", possible[-1] if outputs else set(), f"the network has {plural(outputs, 'output')}")
        told = False
        for i in range(many):
            where = ("examples", i)
            if not isinstance(self.value(*where, anyhow=True), dict):
                continue
            if self.has(*where, "target") and self.has(*where, "targets"):
                self.fault((*where, "target"), f"example {i + 1} has target and targets", "give one of them", key=True)
            elif self.has(*where, "target"):
                if loss and loss != "cross_entropy" and not (outputs == 1 and self.single_classes()) and not told:
                    told = True  # once: it is one decision, not one an example
                    message = f"target, the number of a class, goes with cross_entropy; the loss is {loss}"
                    advice = "write targets = [...], one number an output"
                    advice += "; or classes 0 and 1, or 1 and 2, both of them" if outputs == 1 else ""
                    self.fault((*where, "target"), message, advice, key=True)
                elif outputs and loss == "cross_entropy":
                    self.true_class(where, outputs)
            elif self.has(*where, "targets"):
                if self.sound(*where, "targets"):
                    self.distribution(where, loss)
            elif self.sound(*where, "targets") and self.sound(*where, "target"):
                self.fault(where, f"example {i + 1} has no targets", "add targets = [...], one number an output")

    def counts(self, key: str, allowed: set[int], against: str) -> None:
        """Note the examples whose lists are of a wrong length; one problem if all are wrong in the same way."""
        lengths = {}
        for i in range(self.length("examples")):
            values = self.value("examples", i, key)
            if isinstance(values, list):
                lengths[i] = len(values)
        wrong = [i for i, length in lengths.items() if allowed and length not in allowed]
        noun, advice = key[:-1], f"one number an {'input' if key == 'inputs' else 'output'}"
        if len(wrong) > 1 and len(wrong) == len(lengths) and len(set(lengths.values())) == 1:
            message = f"every example has {plural(lengths[wrong[0]], noun)}; {against}"
            self.fault(("examples", wrong[0], key), message, advice)
            for i in wrong[1:]:
                self.faults.doubt(("examples", i, key))
        else:
            for i in wrong:
                self.fault(("examples", i, key), f"example {i + 1} has {plural(lengths[i], noun)}; {against}", advice)

    def true_class(self, where: Keys, outputs: int) -> None:
        target = self.value(*where, "target")
        if target is not None and target > outputs:
            message = f"target of example {where[1] + 1} is class {target}; the network has {plural(outputs, 'output')}"
            self.fault((*where, "target"), message, "classes are counted from 1")
        elif target == 0:
            message = f"target of example {where[1] + 1} must be at least 1, not 0: classes are counted from 1"
            self.fault((*where, "target"), message, f"1 to {outputs}: the first class is 1")

    def distribution(self, where: Keys, loss: str | None) -> None:
        """Hold targets against what the loss can do with them."""
        targets, example = self.value(*where, "targets"), where[1] + 1
        if loss and LOSSES[loss].targets:
            allowed = LOSSES[loss].targets
            for j, target in enumerate(targets):
                if target not in allowed:
                    wanted = " or ".join(f"{value:g}" for value in allowed)
                    message = f"targets[{j + 1}] of example {example} is {target}: {loss} wants {wanted}"
                    self.fault((*where, "targets", j), message, "a target says on which side the example belongs")
        elif loss == "binary_cross_entropy":
            for j, target in enumerate(targets):
                if not 0 <= target <= 1:
                    message = f"targets[{j + 1}] of example {example} is {target}: binary_cross_entropy wants 0 to 1"
                    self.fault((*where, "targets", j), message, "a target is the probability of the class")
        elif loss == "cross_entropy":
            negative = [j for j, target in enumerate(targets) if target < 0]
            for j in negative:
                message = f"targets[{j + 1}] of example {example} is {targets[j]}: a probability is not negative"
                self.fault((*where, "targets", j), message, "cross_entropy wants probabilities that sum to 1")
            total = sum(map(float, targets))
            if not negative and abs(total - 1) > 1e-12 * len(targets):
                message = f"targets of example {example} sum to {total!r}; cross_entropy wants 1"
                advice = "give the true class a 1 and the others 0, or write target = ..."
                self.fault((*where, "targets"), message, advice)

    def arrays(self, inputs: int, outputs: int, loss: str) -> tuple[np.ndarray, np.ndarray]:
        """The examples as arrays (examples, inputs) and (examples, outputs); zeros where the file is wrong."""
        many = max(1, self.length("examples"))
        x, y = np.zeros((many, inputs)), np.zeros((many, outputs))
        if loss == "cross_entropy":
            y[:, 0] = 1
        single = self.single_classes()
        for i in range(self.length("examples")):
            row, targets, target = (self.value("examples", i, key) for key in ("inputs", "targets", "target"))
            if isinstance(row, list) and len(row) == inputs:
                x[i] = row
            if isinstance(targets, list) and len(targets) == outputs:
                y[i] = targets
            elif target is not None and outputs == 1 and loss != "cross_entropy":
                y[i] = (single or {}).get(target, 0)
            elif target is not None and 1 <= target <= outputs:
                y[i] = 0
                y[i, target - 1] = 1
        return x, y

    # ---------------------------------------------------------------- circuits

    def circuit(self) -> Circuit | None:
        """The circuit, if every part of it is sound."""
        if self.has("examples") and not self.has("network"):
            message = "a circuit has no examples: its inputs are its data"
            self.fault(("examples",), message, "take them out, or write a [network]", key=True)
        inputs = self.value("circuit", "inputs", anyhow=True)
        known = list(inputs) if isinstance(inputs, dict) else None  # None: not to be told
        for name in known or ():
            self.identifier(("circuit", "inputs", name), name, key=True)
        definitions = self.definitions(known)
        output = self.value("circuit", "output")
        defined = list(dict.fromkeys(name for name, _ in self.lines() if name))
        if output is not None and defined and output not in defined:
            if output in (known or ()):
                message = f"the output {quote(output)} is an input"
            else:
                message = f"the output {quote(output)} is not defined{did_you_mean(output[:64], defined)}"
            self.fault(("circuit", "output"), message, f"defined are: {_listed(defined)}")
        if not self.faults.sound("circuit") or not definitions:
            return None
        return Circuit({name: float(value) for name, value in inputs.items()}, tuple(definitions), output)

    def lines(self) -> list[tuple[str, str]]:
        """Name and formula of each line of `define`; two empty texts for a line that is no definition."""
        found = []
        for k in range(self.length("circuit", "define")):
            line = self.value("circuit", "define", k, anyhow=True)
            name, equals, formula = line.partition("=") if isinstance(line, str) else ("", "", "")
            found.append((name.strip(), formula) if equals else ("", ""))
        return found

    def definitions(self, known: list[str] | None) -> list[Definition]:
        """The lines of `define`, parsed; what is wrong in them is noted at its column."""
        lines, inputs = self.lines(), dict.fromkeys(known or ())
        names = [name for name, _ in lines]
        done: dict[str, int] = {}  # the line of each name that is defined so far
        found = []
        for k, (name, formula) in enumerate(lines):
            where, line = ("circuit", "define", k), self.value("circuit", "define", k)
            if line is not None and "=" not in line:
                self.fault(where, f"define[{k + 1}] is no definition", "write 'name = formula', such as q = x + y")
            elif line is not None:
                begin, at = len(line) - len(line.lstrip()), line.index("=") + 1
                if name in inputs:
                    self.fault(where, f"{quote(name)} is an input", "a name is defined once", offset=begin)
                elif name in done:
                    message = f"{quote(name)} is defined already, by define[{done[name] + 1}]"
                    self.fault(where, message, "a name is defined once", offset=begin)
                else:
                    self.identifier(where, name, offset=begin)

                def resolve(word: str, offset: int, where=where, name=name, at=at) -> Expr:
                    if word in CONSTANTS and word not in {*inputs, *names}:
                        return CONSTANTS[word]
                    if word not in done and word not in inputs and known is not None:
                        self.unknown_name(where, word, name, [*inputs, *done], names, at + offset)
                    return Ref(Symbol(word))

                try:
                    found.append(Definition(name, parse(formula, resolve), " ".join(line.split())))
                except FormulaError as error:
                    advice = "a formula has numbers, names, + - * / ** ( ) and " + _listed(FUNCTIONS)
                    if module := _MODULE.search(formula):  # the first dot is where a parser stops
                        advice = f"write {module[1]} without what stands before it; {advice}"
                    self.fault(where, error.message, advice, offset=at + error.offset)
            if name:
                done.setdefault(name, k)
        return found

    def unknown_name(
        self, where: Keys, word: str, name: str, known: list[str], defined: list[str], offset: int
    ) -> None:
        if word == name:
            message = f"{quote(word)} is defined by itself"
        elif word in defined:
            message = f"{quote(word)} is used before it is defined"
        else:
            message = f"unknown name {quote(word)}{did_you_mean(word[:64], known)}"
        self.fault(where, message, f"known here: {_listed(known)}", offset=offset)

    def identifier(self, where: Keys, name: str, **at) -> None:
        """Note a name that no formula can use."""
        if name in FUNCTIONS:
            self.fault(where, f"{quote(name)} is a function and cannot be a name", "choose another name", **at)
        elif not (name.isidentifier() and _IDENTIFIER.fullmatch(name) and len(name) <= 32):
            advice = "a name has up to 32 letters, digits and underscores, and begins with no digit"
            self.fault(where, f"{quote(name)} cannot be a name in a circuit", advice, **at)

    # ---------------------------------------------------------------- questions

    def question(self, i: int) -> AuthorQuestion | None:
        """Question i, if it is sound; what does not agree in it is noted."""
        where = ("questions", i)
        if not isinstance(self.value(*where, anyhow=True), dict):
            return None
        asked, choices = self.has(*where, "ask"), self.value(*where, "choices", default=[])
        usual = "value" if not asked else "choice" if self.has(*where, "choices") else "number"
        kind = self.value(*where, "kind", default=usual)
        if not asked and not self.has(*where, "step"):
            if self.sound(*where, "step") and self.sound(*where, "ask"):
                advice = 'write step = "dL/dW1[1,2]" to ask about a step, or ask = "..." and answer = ...'
                self.fault(where, f"question {i + 1} has no step and no ask", advice)
        elif self.sound(*where, "kind"):
            if asked and kind in STEP_KINDS:
                message = f"kind {quote(kind)} asks about a step in words of its own"
                self.fault((*where, "kind"), message, 'take ask out; or write kind = "number" or "choice"')
            elif not asked and kind in ASKED_KINDS:
                self.fault((*where, "kind"), f"kind {quote(kind)} needs ask", 'write ask = "..." and answer = ...')
            else:
                self.answer(where, kind, asked)
        if not self.faults.sound(*where):
            return None
        answer = self.value(*where, "answer")
        wrong = (
            WrongAnswer(_real(found["answer"]), found["says"]) for found in self.value(*where, "wrong", default=())
        )
        return AuthorQuestion(
            step=self.value(*where, "step", default=""),
            ask=self.value(*where, "ask", default=""),
            kind=kind,
            digits=self.value(*where, "digits", default=AuthorQuestion.digits),
            choices=tuple(choices),
            answer=tuple(map(_real, answer)) if isinstance(answer, list) else _real(answer),
            hints=tuple(self.value(*where, "hints", default=())),
            wrong=tuple(wrong),
            at=i,
        )

    def answer(self, where: Keys, kind: str, asked: bool) -> None:
        """Hold answer, choices, digits and wrong answers against the kind of question."""
        at = f"question {int(where[1]) + 1}"
        answer, choices = self.value(*where, "answer"), self.value(*where, "choices", default=[])
        if kind == "choice" and not choices and self.sound(*where, "choices"):
            advice = 'write choices = ["...", "..."]'
            self.fault(where, f"{at} has nothing to choose from", advice, doubt=(*where, "choices"))
        if kind != "choice" and self.has(*where, "choices"):
            self.fault((*where, "choices"), f'choices go with ask and kind = "choice"; {at} is {quote(kind)}', key=True)
        if asked and answer is None and self.sound(*where, "answer"):
            advice = "answer = a number, or of a choice its number from 1 or its text"
            self.fault(where, f"{at} has no answer", advice, doubt=(*where, "answer"))
        elif not asked and self.has(*where, "answer"):
            advice = "take it out; or ask in your own words, with ask"
            self.fault((*where, "answer"), "the answer of a question about a step is computed", advice, key=True)
        elif isinstance(answer, list) and kind != "choice":
            advice = "a list says which of several choices are right: it goes with choices"
            self.fault((*where, "answer"), f"{at} has one answer, a number", advice)
        elif isinstance(answer, list):
            if all([self.named((*where, "answer", i), f"answer of {at}", a, kind, choices)
                    for i, a in enumerate(answer)]) and choices:  # fmt: skip
                places = [choice_at(a, choices) for a in answer]
                if len(set(places)) < len(places):
                    self.fault((*where, "answer"), f"answer of {at} names a choice twice", "name each once")
                elif len(places) == len(choices):
                    self.fault((*where, "answer"), f"every choice of {at} is right", "add one that is wrong")
        elif answer is not None:
            self.named((*where, "answer"), f"answer of {at}", answer, kind, choices)
        if self.has(*where, "digits") and kind not in ("value", "matrix", "number"):
            message, advice = f"digits of {at} are not used", "digits go with value, matrix and number"
            self.fault((*where, "digits"), message, advice, key=True, severity="warning")
        if self.length(*where, "wrong") and kind not in _FORESEEN:
            message, advice = f"wrong answers of {at} are not used", f"they go with {_listed(_FORESEEN)}"
            self.fault((*where, "wrong"), message, advice, key=True, severity="warning")
            return
        for j in range(self.length(*where, "wrong")):
            path = (*where, "wrong", j, "answer")
            given = self.value(*path)
            if given is None or not self.named(path, f"wrong answer {j + 1} of {at}", given, kind, choices):
                continue
            right = answer if isinstance(answer, list) else [answer]
            same = any(choice_at(given, choices) == choice_at(a, choices) if choices else given == a for a in right)
            if asked and answer is not None and same:
                self.fault(path, f"wrong answer {j + 1} of {at} is the right answer")

    def named(self, path: Keys, what: str, answer: float | str, kind: str, choices: list[str]) -> bool:
        """Whether an answer is one that the kind of question takes; noted if not."""
        if kind in ("number", "value", "paths") and isinstance(answer, str):
            self.fault(path, f"{what} must be a number, not the text {quote(answer)}")
        elif kind == "choice" and choices and choice_at(answer, choices) is None:
            shown = quote(answer) + did_you_mean(answer[:64], choices) if isinstance(answer, str) else str(answer)
            advice = f"name a choice by its number, 1 to {len(choices)}, or by its text"
            self.fault(path, f"{what} is no choice: {shown}", advice)
        else:
            return True
        return False

    # ---------------------------------------------------------------- training

    def training(self, network: Network | None, circuit: Circuit | None) -> Training | None:
        """The training, with defaults; None for a circuit that has no such table."""
        given = self.value("training", anyhow=True)
        if not isinstance(given, dict):
            return Training() if self.has("network") else None
        if self.sound("training", "optimizer"):
            self.hyperparameters(self.value("training", "optimizer", default=Training.optimizer))
        if not self.has("network"):
            for key, harmless in (("batch", 1), ("order", "listed"), ("l2", 0), ("batch_loss", "mean")):
                if self.value("training", key, default=harmless) != harmless:
                    shown = f'"{harmless}"' if isinstance(harmless, str) else harmless
                    message = f"{key} means nothing for a circuit, which has no examples and no weight matrices"
                    self.fault(("training", key), message, f"take it out, or write {key} = {shown}", key=True)
        else:
            batch, many = self.value("training", "batch"), self.length("examples")
            if isinstance(batch, int) and batch > many > 0:
                message = f"batch is {batch}, but the lesson has {plural(many, 'example')}: it uses all {many}"
                advice = f'write batch = {many}, or batch = "all"'
                self.fault(("training", "batch"), message, advice, severity="warning")
        values = {
            key.name: self.value("training", key.name, default=key.default)
            for key in fields(Training)
            if key.name != "memory"
        }
        for name, value in values.items():
            if isinstance(getattr(Training, name), float):
                values[name] = float(value)
        return Training(**values, memory=self.memory(values["optimizer"], network, circuit))

    def memory(self, optimizer: str, network: Network | None, circuit: Circuit | None) -> dict[str, np.ndarray]:
        """What the optimiser remembers at the start, by id of the state; what does not fit is noted."""
        given = self.value("training", "memory", default={})
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(circuit.inputs if circuit else (), ())
        before = network.inputs if network else 0
        for k, layer in enumerate(network.layers if network else (), start=1):
            shapes[f"W{k}"], before = (layer.units, before), layer.units
            shapes |= {} if layer.biases is None else {f"b{k}": layer.biases.shape}
        states, found = OPTIMIZERS[optimizer].states, {}
        if given and not states:
            users = " or ".join(f'"{name}"' for name, entry in OPTIMIZERS.items() if entry.states)
            message = f'the optimizer "{optimizer}" remembers nothing'
            self.fault(("training", "memory"), message, f"take memory out, or write optimizer = {users}", key=True)
            return {}
        for name, entries in given.items() if shapes else ():
            where = ("training", "memory", name)
            if name not in shapes:
                message = f"there is no parameter {quote(name)}{did_you_mean(name[:64], shapes)}"
                self.fault(where, message, f"parameters are: {_listed(shapes)}", key=True)
                continue
            for state, value in entries.items():
                if state not in states:
                    message = f'the optimizer "{optimizer}" has no {quote(state)}{did_you_mean(state[:64], states)}'
                    self.fault((*where, state), message, f"it remembers: {_listed(states)}", key=True)
                    continue
                even = not isinstance(value, list) or len({np.shape(row) for row in value}) == 1
                array = np.array(value, dtype=float) if even else np.empty(0)
                turned = self.from_to and len(shapes[name]) == 2
                array = array.T if turned and array.ndim == 2 else array
                if shapes[name] == (1,) and array.shape == ():
                    array = array.reshape(1)
                if array.shape != shapes[name]:
                    wanted = " × ".join(map(str, shapes[name][::-1] if turned else shapes[name])) or "one number"
                    message = f"{name}.{state} does not have the shape of {name}, which is {wanted}"
                    self.fault((*where, state), message, f"one number for each of {name}'s")
                elif state == "v" and np.any(array < 0):
                    message = f"{name}.v has a negative number: a mean of squares has none"
                    self.fault((*where, state), message, "0 or more")
                else:
                    found[f"{name}.{state}"] = array
        return found

    def hyperparameters(self, optimizer: str) -> None:
        """Note the hyper-parameters that belong to other optimisers."""
        owners: dict[str, list[str]] = {}
        for name, entry in OPTIMIZERS.items():
            for key in entry.hyper:
                owners.setdefault(key, []).append(name)
        for key, users in owners.items():
            if optimizer not in users and self.has("training", key) and self.sound("training", key):
                which = " or ".join(f'"{user}"' for user in users)
                message = f'{key} is not used by the optimizer "{optimizer}"'
                self.fault(("training", key), message, f"take it out, or write optimizer = {which}", key=True)


_FORESEEN = ("value", "number", "choice", "shape", "direction", "paths")  # kinds that take an author's wrong answers


def _real(answer):
    """A number as a float, a text as it is."""
    return float(answer) if isinstance(answer, int) else answer


def _listed(words) -> str:
    """The words with commas; a long list is cut."""
    words = list(words)
    return ", ".join(words[:20]) + (", ..." if len(words) > 20 else "")
