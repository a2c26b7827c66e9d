"""The examples of a network, in the lesson; those of a network or a circuit from a table beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tutor.engine.lesson import Network
from tutor.engine.losses import LOSSES
from tutor.engine.rows import Data, Rows
from tutor.lessonfiles import csv_examples
from tutor.lessonfiles.array_files import is_binary
from tutor.lessonfiles.beside import TABLES, missing, place
from tutor.lessonfiles.csv_table import CsvTable, read_table
from tutor.lessonfiles.faults import label
from tutor.lessonfiles.positions import Keys, Problem
from tutor.lessonfiles.reading import stored_examples
from tutor.lessonfiles.reading.values import Values
from tutor.text.language import say
from tutor.text.words import either, plural

Choose = Callable[[CsvTable], "csv_examples.Columns | Problem"]


def take_examples(file: Values) -> None:
    """Where `examples` names a file: read it, and go on as if its rows stood in the lesson."""
    name = file.value("examples", anyhow=True)
    _of_networks(file)
    if not isinstance(name, str):
        if file.has("class") and file.rows is None:
            advice = say("in the lesson a class is target = 2, or targets = [0, 1]")
            file.fault(("class",), say("class goes with a file of examples"), advice, key=True)
        return
    if not file.has("network") and not file.has("circuit"):
        return
    file.data = {key: value for key, value in file.data.items() if key != "examples"}
    if is_binary(name) and not file.has("network"):
        file.table_path, rows = stored_examples.read_named(file, name, _of_lines(file))
        _put_rows(file, rows)
        return
    if is_binary(name):
        ends = _sizes(file)
        if file.faults.sound("examples") and ends:
            file.table_path, file.rows = stored_examples.read(file, ("examples",), name, *ends)
        if file.rows is None:
            file.faults.doubt(("examples",))
        return
    choose = _of_network(file) if file.has("network") else _of_circuit(file)
    if not file.faults.sound("examples") or choose is None:
        file.faults.doubt(("examples",))
        return
    path = place(file.path, name)
    if isinstance(path, str):
        file.fault(("examples",), path, say("such as {line}", line='examples = "flowers.csv"'))
        return
    file.table_path = path
    _put_rows(file, _rows_of_table(file, ("examples",), name, path, choose))


def _put_rows(file: Values, rows: list[dict[str, Any]] | None) -> None:
    """Have rows stand in the lesson; None leaves them in doubt."""
    if rows is None:
        file.faults.doubt(("examples",))
    else:
        file.data["examples"] = rows


def _of_networks(file: Values) -> None:
    """Note the keys about examples that a circuit has no use for."""
    for key in ("scale", "held_out") if file.has("circuit") and not file.has("network") else ():
        if file.has(key):
            advice = say("take it out" if key == "held_out" else "take it out; in a line: X / 255")
            file.fault((key,), say("{key} goes with a [network]", key=key), advice, key=True)


def _rows_of_table(
    file: Values, where: Keys, name: str, path: Path, choose: Choose, classes: tuple[str, ...] = ()
) -> list[dict[str, Any]] | None:
    """The rows of a table as examples, or None where something is wrong with it, which is noted; `where` names it.

    `classes` are those of the examples, for rows that are held out.
    """
    table = read_table(path, file.path.parent)
    if isinstance(table, Problem) and (said := missing(path, name, TABLES)):
        file.fault(where, *said)
        return None
    chosen = table if isinstance(table, Problem) else choose(table)
    if isinstance(table, Problem) or isinstance(chosen, Problem):
        assert isinstance(chosen, Problem)
        file.faults.elsewhere.append(chosen)
        return None
    if chosen.named:
        rows, problems = csv_examples.named_examples(table, chosen)
    else:
        chosen = replace(chosen, classes=classes or chosen.classes)
        single = len(chosen.classes) == 2 and _network_outputs(file) == 1
        rows, problems = csv_examples.examples(table, chosen, _no_and_yes(file) if single else ())
    if where == ("examples",):
        file.faults.table = table, chosen
    file.faults.elsewhere += problems
    return None if any(problem.severity == "error" for problem in problems) else rows


def held_out_table(file: Values, name: str) -> Data | None:
    """The rows of a second table, which is read as that of the examples is; None where something is wrong with it."""
    choose, path = _of_network(file), place(file.path, name)
    if isinstance(path, str):
        file.fault(("held_out",), path, say("such as {line}", line='held_out = "test.csv"'))
    if isinstance(path, str) or choose is None:
        return None
    classes = file.faults.table[1].classes if file.faults.table else ()
    rows = _rows_of_table(file, ("held_out",), name, path, choose, classes)
    if rows is None:
        return None
    x, y = ([row[key] for row in rows] for key in ("inputs", "targets"))
    return Data(np.array(x, dtype=float), np.array(y, dtype=float))


def _of_network(file: Values) -> Choose | None:
    """Which columns a network takes; None where that is in doubt."""
    sizes = _network_ends(file)
    return None if sizes is None else lambda table: csv_examples.columns(table, *sizes, file.value("class"))


def _of_circuit(file: Values) -> Choose | None:
    """Which columns a circuit takes."""
    wanted = _of_lines(file)

    def choose(table: CsvTable) -> csv_examples.Columns | Problem:
        found = csv_examples.named_columns(table, wanted)
        if isinstance(found, Problem):
            return found
        return csv_examples.Columns(tuple(at for cells in found.values() for at in cells.values()), named=found)

    return choose


def _of_lines(file: Values) -> set[str]:
    """The names in a circuit's lines that no line defines, and those of its inputs: what examples may set."""
    if file.has("class"):
        advice = say("take it out; a column of numbers, the class of each row, is an input like another")
        file.fault(("class",), say("{key} goes with a [network]", key="class"), advice, key=True)
    lines = [file.value("circuit", "define", k) for k in range(file.length("circuit", "define"))]
    given = file.value("circuit", "inputs", anyhow=True)
    halves = [line.partition("=") for line in lines if isinstance(line, str)]
    words = {word for _, _, formula in halves for word in re.findall(r"[^\W0-9]\w*\b(?!\s*\()", formula)}
    return (words | set(given if isinstance(given, dict) else ())) - {name.strip() for name, _, _ in halves}


def _network_outputs(file: Values) -> int:
    ends = _network_ends(file)
    outputs = ends[1] if ends else 0
    return len(outputs) if isinstance(outputs, list) else outputs


def _no_and_yes(file: Values) -> tuple[float, float]:
    """The targets of a single output's two classes: 0 and 1, or what the loss takes."""
    loss = file.value("network", "loss")
    low, high = (LOSSES[loss].targets if loss else ()) or (0, 1)
    return low, high


def _single_classes(file: Values) -> dict[int, float] | None:
    """What `target` says of a single output: its classes are 0 and 1, or 1 and 2; None if they are not these."""
    told = {file.value("examples", i, "target") for i in range(file.length("examples"))} - {None}
    lowest = 0 if 0 in told else 1
    if not told <= {lowest, lowest + 1} or told in ({1}, {2}):
        return None
    layers = file.length("network", "layers")
    linear = file.value("network", "layers", layers - 1, "activation", default="linear") == "linear"
    if lowest == 1 and linear and file.value("network", "loss") != "hinge":
        return None  # more likely the numbers 1 and 2 themselves
    return dict(zip((lowest, lowest + 1), _no_and_yes(file), strict=True))


def _network_ends(file: Values) -> tuple[list[str] | int, list[str] | int] | None:
    """The inputs and the outputs, by name or number; None where one of them is in doubt."""
    last = ("network", "layers", file.length("network", "layers") - 1, "units")
    ends = file.value("network", "inputs"), file.value(*last)
    return None if None in ends or not file.sound("class") else ends


def _sizes(file: Values) -> tuple[int, int] | None:
    """How many inputs and outputs the network has; None where one of them is in doubt."""
    ends = _network_ends(file)
    if ends is None:
        return None
    inputs, outputs = (len(end) if isinstance(end, list) else end for end in ends)
    return inputs, outputs


def class_names(file: Values, network: Network | None) -> tuple[str, ...]:
    """What the classes are called, in the order of the outputs; () where they have no names."""
    if file.faults.table and file.faults.table[1].classes:
        return file.faults.table[1].classes
    return (network.layers[-1].names or ()) if network and network.loss == "cross_entropy" else ()


def check_examples(file: Values, sizes: Sequence[int | None], possible: list[set[int]], loss: str | None) -> None:
    """Note what is wrong with the sizes, classes and targets of the examples."""
    many = file.length("examples")
    if file.rows is not None:
        stored_examples.check(file, ("examples",), file.rows, sizes[0], sizes[-1] if len(sizes) > 1 else None, loss)
        return
    if not many:
        if file.sound("examples"):
            advice = say("add [[examples]] with inputs and targets")
            file.fault(("network",), say("a network needs examples"), advice, doubt=("examples",))
        return
    fit = possible[0] if sizes[0] else set()
    _counts(file, "inputs", fit, say("the network has {inputs}", inputs=plural(sizes[0], "input")), sizes[0])
    outputs = sizes[-1] if len(sizes) > 1 else None
    fit = possible[-1] if outputs else set()
    _counts(file, "targets", fit, say("the network has {outputs}", outputs=plural(outputs, "output")), outputs)
    told = False
    for i in range(many):
        where = ("examples", i)
        if not isinstance(file.value(*where, anyhow=True), dict):
            continue
        if file.has(*where, "target") and file.has(*where, "targets"):
            message = say("example {n} has target and targets", n=i + 1)
            file.fault((*where, "target"), message, say("give one of them"), key=True)
        elif file.has(*where, "target"):
            if loss and loss != "cross_entropy" and not (outputs == 1 and _single_classes(file)) and not told:
                told = True  # once: it is one decision, not one an example
                message = say("target, the number of a class, goes with cross_entropy; the loss is {loss}", loss=loss)
                advice = say(
                    "write targets = [...], one number an output; or classes 0 and 1, or 1 and 2, both of them"
                    if outputs == 1
                    else "write targets = [...], one number an output"
                )
                file.fault((*where, "target"), message, advice, key=True)
            elif outputs and loss == "cross_entropy":
                _true_class(file, where, outputs)
        elif file.has(*where, "targets"):
            if file.sound(*where, "targets"):
                _distribution(file, where, loss)
        elif file.sound(*where, "targets") and file.sound(*where, "target"):
            message = say("example {n} has no targets", n=i + 1)
            file.fault(where, message, say("add targets = [...], one number an output"))


def _counts(file: Values, key: str, allowed: set[int], against: str, size: int | None) -> None:
    """Note the examples whose lists are of a wrong length; one problem if all are wrong in the same way."""
    lengths = {}
    for i in range(file.length("examples")):
        values = file.value("examples", i, key)
        if isinstance(values, list):
            lengths[i] = len(values)
    wrong = [i for i, length in lengths.items() if allowed and length not in allowed]
    noun, advice = key[:-1], say("one number an input" if key == "inputs" else "one number an output")
    if len(wrong) > 1 and len(wrong) == len(lengths) and len(set(lengths.values())) == 1:
        numbers = plural(lengths[wrong[0]], noun)
        message = say("every example has {numbers}; {against}", numbers=numbers, against=against)
        file.fault(("examples", wrong[0], key), message, advice, shape=(size,))
        for i in wrong[1:]:
            file.faults.doubt(("examples", i, key))
    else:
        for i in wrong:
            numbers = plural(lengths[i], noun)
            message = say("example {n} has {numbers}; {against}", n=i + 1, numbers=numbers, against=against)
            file.fault(("examples", i, key), message, advice, shape=(size,))


def _true_class(file: Values, where: Keys, outputs: int) -> None:
    target, what = file.value(*where, "target"), label((*where, "target"))
    if target is not None and target > outputs:
        message = say(
            "{what} is class {target}; the network has {outputs}",
            what=what, target=target, outputs=plural(outputs, "output"),
        )  # fmt: skip
        file.fault((*where, "target"), message, say("classes are counted from 1"))
    elif target == 0:
        message = say("{what} must be at least 1, not 0: classes are counted from 1", what=what)
        file.fault((*where, "target"), message, say("1 to {n}: the first class is 1", n=outputs))


def _distribution(file: Values, where: Keys, loss: str | None) -> None:
    """Hold targets against what the loss can do with them."""
    targets = file.value(*where, "targets")

    def what(*at: int) -> str:
        return label((*where, "targets", *at))

    if loss and LOSSES[loss].targets:
        allowed = LOSSES[loss].targets
        for j, target in enumerate(targets):
            if target not in allowed:
                wanted = either(f"{value:g}" for value in allowed)
                message = say("{what} is {number}: {loss} wants {wanted}",
                              what=what(j), number=target, loss=loss, wanted=wanted)  # fmt: skip
                file.fault((*where, "targets", j), message, say("a target says on which side the example belongs"))
    elif loss == "binary_cross_entropy":
        for j, target in enumerate(targets):
            if not 0 <= target <= 1:
                message = say("{what} is {number}: {loss} wants 0 to 1", what=what(j), number=target, loss=loss)
                file.fault((*where, "targets", j), message, say("a target is the probability of the class"))
    elif loss == "cross_entropy":
        negative = [j for j, target in enumerate(targets) if target < 0]
        for j in negative:
            message = say("{what} is {number}: a probability is not negative", what=what(j), number=targets[j])
            file.fault((*where, "targets", j), message, say("cross_entropy wants probabilities that sum to 1"))
        total = sum(map(float, targets))
        if not negative and abs(total - 1) > 1e-12 * len(targets):
            message = say("{what} sum to {total}; cross_entropy wants 1", what=what(), total=repr(total))
            advice = say("give the true class a 1 and the others 0, or write target = ...")
            file.fault((*where, "targets"), message, advice)


def arrays(file: Values, inputs: int, outputs: int, loss: str) -> tuple[Rows, np.ndarray]:
    """The examples as arrays (examples, inputs) and (examples, outputs); zeros where the file is wrong."""
    if file.rows is not None and file.sound("examples"):
        return file.rows.inputs, file.rows.targets
    many = max(1, file.length("examples"))
    x, y = np.zeros((many, inputs)), np.zeros((many, outputs))
    if loss == "cross_entropy":
        y[:, 0] = 1
    single = _single_classes(file)
    for i in range(file.length("examples")):
        row, targets, target = (file.value("examples", i, key) for key in ("inputs", "targets", "target"))
        if isinstance(row, list) and len(row) == inputs:
            x[i] = row
        if isinstance(targets, list) and len(targets) == outputs:
            y[i] = targets
        elif target is not None and outputs == 1 and loss != "cross_entropy":
            y[i] = (single or {}).get(target, 0)
        elif target is not None and 1 <= target <= outputs:
            y[i] = 0
            y[i, target - 1] = 1
    return x / file.scale, y
