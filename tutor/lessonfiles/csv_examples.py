"""Examples from a table beside a lesson: which of its columns they are, and what is wrong with their cells.

Numbers may have a decimal comma if all of them do. One cause in many rows is one problem, with the first rows of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tutor.lessonfiles.csv_table import HALF_INDEX, IN_QUOTES, MOST_TOLD, CsvTable, finite_number
from tutor.lessonfiles.positions import Problem
from tutor.text.language import N_, say, say_many
from tutor.text.output import quote
from tutor.text.words import did_you_mean, plural

MOST_SHOWN = 4  # fields of a row


@dataclass(frozen=True)
class Columns:
    """The columns of a table that are the inputs and the targets, or (`classes` not empty) the one with the class.

    Of a circuit: `named`, the columns of its inputs, by name and index.
    """

    inputs: tuple[int, ...]
    targets: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()
    named: dict[str, dict[tuple[int, ...], int]] = field(default_factory=dict)

    def column(self, key: str, index: Sequence[int]) -> int | None:
        """The column of what an example has at a key, or at an element of it."""
        if key in self.named:
            cells = self.named[key]
            return cells.get(tuple(index), next(iter(cells.values())))
        places = {"inputs": self.inputs, "targets": self.targets}.get(key, ())
        return places[min(index[0] if index else 0, len(places) - 1)] if places else None


def columns(
    table: CsvTable, inputs: Sequence[str] | int, outputs: Sequence[str] | int, class_column: str | None
) -> Columns | Problem:
    """Which columns are inputs and targets: those of the names, or of a mere number of them the ones that are left.

    Without names the targets are the last columns. Classes are the outputs' names, or (those of a mere number) what
    stands in the column, in the order in which it appears.
    """
    left = list(range(len(table.header)))
    classes: tuple[str, ...] = ()
    if class_column is not None:
        at = _named(table, class_column, "class")
        if isinstance(at, Problem):
            return at
        targets = [at]
        left.remove(at)
        seen = tuple(dict.fromkeys(row[at] for row in table.rows if row[at]))
        classes = seen if isinstance(outputs, int) else tuple(outputs)
        if (outputs if isinstance(outputs, int) else len(outputs)) == 1:  # one output tells two classes apart
            if len(seen) > 2:
                advice = say("one output tells two classes apart: give the last layer a unit for each, with softmax")
                return table.at_header(None, _so_many_classes(class_column, seen, 1), advice)
            classes = _two_classes(seen, None if isinstance(outputs, int) else outputs[0])
        elif isinstance(outputs, int) and len(seen) != outputs and all(row[at] for row in table.rows):
            advice = say("the last layer has a unit for each class")
            return table.at_header(None, _so_many_classes(class_column, seen, outputs), advice)
    else:
        named = _chosen(table, outputs, left[-outputs:] if isinstance(outputs, int) else left, "target")
        if isinstance(named, Problem):
            return named
        targets = named
        left = [at for at in left if at not in targets]
    found = _chosen(table, inputs, left, "input")
    return found if isinstance(found, Problem) else Columns(tuple(found), tuple(targets), classes)


def _so_many_classes(column: str, seen: Sequence[str], outputs: int) -> str:
    return say(
        "the column {name} has {n} classes ({classes}); the network has {outputs}",
        name=quote(column),
        n=len(seen),
        classes=", ".join(map(quote, seen[:6])),
        outputs=plural(outputs, "output"),
    )


def _two_classes(seen: Sequence[str], yes: str | None) -> tuple[str, ...]:
    """The classes of a single output, no and yes: yes is what the output is called, else the larger number, else what
    comes second."""
    if yes in seen:
        return tuple(sorted(seen, key=lambda name: name == yes))
    numbers = [finite_number(name) for name in seen]
    if None not in numbers:
        return tuple(name for _, name in sorted(zip(numbers, seen, strict=True)))
    return tuple(seen)


def examples(
    table: CsvTable, chosen: Columns, no_and_yes: Sequence[float] = ()
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """The rows as a lesson's examples, {"inputs": [...], "targets": [...]}, and what is wrong with their cells.

    Decimal commas, if all numbers have them, are read as points; of that a note tells. `no_and_yes` are the two targets
    of a single output, where the classes are told apart by one.
    """
    known = {name: at for at, name in enumerate(chosen.classes)}
    numeric = dict.fromkeys((*chosen.inputs, *(() if known else chosen.targets)))
    table, problems = _with_points(table, tuple(numeric))
    values: dict[int, list[float]] = {}
    no_examples = _no_examples(table, list(numeric))
    if no_examples:
        i = no_examples[0]
        shown = ", ".join(map(quote, table.rows[i][:MOST_SHOWN]))
        message = say("this row has no numbers: {fields}", fields=shown) + table.others(no_examples)
        problems.append(table.problem(i, None, message, say("leave it out")))
    left_out = set(no_examples)
    for at in numeric:
        column = ["0" if i in left_out else row[at] for i, row in enumerate(table.rows)]
        found = _numbers(column)
        if found is None:
            problems += _no_numbers(table, at, column, chosen)
        else:
            values[at] = found
    if known:
        problems += _no_classes(table, chosen.targets[0], known)
    if any(problem.severity == "error" for problem in problems):
        return [], problems
    if known:
        one_hot: list[list[float]] = [[int(j == k) for j in range(len(known))] for k in range(len(known))]
        if no_and_yes:
            one_hot = [[value] for value in no_and_yes]
        targets: Iterable[Sequence[Any]] = [list(one_hot[known[row[chosen.targets[0]]]]) for row in table.rows]
    else:
        targets = zip(*(values[at] for at in chosen.targets), strict=True)
    inputs = zip(*(values[at] for at in chosen.inputs), strict=True)
    return [{"inputs": list(x), "targets": list(y)} for x, y in zip(inputs, targets, strict=True)], problems


_ELEMENT = re.compile(r"([^\W0-9]\w*)\s*((?:\[\s*[0-9]{1,7}(?:\s*[,; ]\s*[0-9]{1,7})*\s*\]\s*)*)")


def named_columns(table: CsvTable, wanted: Iterable[str]) -> dict[str, dict[tuple[int, ...], int]] | Problem:
    """The columns called as inputs of a circuit or as their elements: X, X[2], "X[1,2]" (or X[1][2]); the rest is left.

    By name and index, from 0; a whole array is there or none of it.
    """
    wanted = set(wanted)
    found: dict[str, dict[tuple[int, ...], int]] = {}
    for at, title in enumerate(table.header):
        match = _ELEMENT.fullmatch(title)
        if match and match[1] in wanted:
            index = tuple(int(number) - 1 for number in re.findall("[0-9]+", match[2]))
            if index in found.get(match[1], {}):
                message = say("the column {name} is there twice", name=quote(title))
                return table.at_header(at, message, say("give each element one column"))
            found.setdefault(match[1], {})[index] = at
        elif HALF_INDEX.fullmatch(title) and table.separator == ",":
            message = say("the name {name} ends in the middle of an index", name=quote(title))
            return table.at_header(at, message, say(IN_QUOTES))
    if not found:
        names = ", ".join(sorted(wanted)[:20])
        advice = say('the circuit has {names}; a column is called X, X[2] or "X[1,2]"', names=names)
        return table.at_header(None, say("no column is called as an input of the circuit"), advice)
    for name, cells in found.items():
        ranks = {len(index) for index in cells}
        shape = tuple(max(at) + 1 for at in zip(*cells, strict=True)) if len(ranks) == 1 else ()
        first = next(iter(cells.values()))
        if len(ranks) > 1:
            message = say("the columns of {name} have indices of different lengths", name=quote(name))
            advice = say('{name}[1], {name}[2] for a vector, "{name}[1,1]" for a matrix', name=name)
            return table.at_header(first, message, advice)
        missing = next((index for index in np.ndindex(shape) if index not in cells), None)
        if missing is not None or any(-1 in index for index in cells):
            message = say("{element} is no element", element=f"{name}[0]")
            if missing is not None:
                element = f"{name}[{','.join(str(at + 1) for at in missing)}]"
                message = say("there is no column for {element}", element=element)
            advice = say("an array has a column for each of its elements, counted from 1")
            return table.at_header(first, message, advice)
    return found


def named_examples(table: CsvTable, chosen: Columns) -> tuple[list[dict[str, Any]], list[Problem]]:
    """The rows as the examples of a circuit, {"X": [[...], ...], "y": 3.0}, and what is wrong with their cells."""
    table, problems = _with_points(table, chosen.inputs)
    values: dict[int, list[float]] = {}
    for at in chosen.inputs:
        column = [row[at] for row in table.rows]
        found = _numbers(column)
        if found is None:
            problems += _no_numbers(table, at, column, chosen)
        else:
            values[at] = found
    if any(problem.severity == "error" for problem in problems):
        return [], problems
    arrays = {}
    for name, cells in chosen.named.items():
        shape = tuple(max(at) + 1 for at in zip(*cells, strict=True))
        flat = np.array([values[cells[index]] for index in np.ndindex(shape)])
        arrays[name] = flat.T.reshape(len(table.rows), *shape).tolist()
    return [{name: rows[i] for name, rows in arrays.items()} for i in range(len(table.rows))], problems


def _no_examples(table: CsvTable, numeric: list[int]) -> list[int]:
    """The rows, of those that are, that have a number in none of several columns: a remark, a mean, a second header."""
    if len(numeric) < 2:
        return []
    none = [i for i, row in enumerate(table.rows) if not any(_may_be_number(row[at]) for at in numeric)]
    return none if len(none) < len(table.rows) else []


def _may_be_number(text: str) -> bool:
    """Whether a field is a number, or was meant for one: 0,5 or 1 200 or $3."""
    return any(char.isdigit() for char in text)


_COMMA = re.compile(r"[+−-]?[0-9]*,[0-9]+(?:[eE][+−-]?[0-9]+)?")
_GROUPS = re.compile(r"[+−-]?[0-9]{1,3}(?:[,.' \xa0\u202f][0-9]{3})+(?:[.,][0-9]+)?")


def _with_points(table: CsvTable, numeric: tuple[int, ...]) -> tuple[CsvTable, list[Problem]]:
    """The table with decimal points where all its numbers have commas, and a note of it."""
    cells = [(i, at) for i, row in enumerate(table.rows) for at in numeric if "," in row[at]]
    commas = [(i, at) for i, at in cells if _COMMA.fullmatch(table.rows[i][at])]
    pointed = any("." in row[at] for row in table.rows for at in numeric)
    thousands = table.separator == "," and all(_GROUPS.fullmatch(table.rows[i][at]) for i, at in commas)
    if not commas or pointed or thousands:
        return table, []
    some = set(numeric)
    rows = tuple(
        tuple(text.replace(",", ".") if at in some and _COMMA.fullmatch(text) else text for at, text in enumerate(row))
        for row in table.rows
    )
    i, at = commas[0]
    words = {"written": quote(table.rows[i][at]), "number": rows[i][at]}
    message = say("decimal commas are read as points: {written} is {number}", **words)
    note = replace(table.problem(i, at, message), severity="note")
    return replace(table, rows=rows), [note]


def _no_numbers(table: CsvTable, at: int, column: list[str], chosen: Columns) -> list[Problem]:
    """What is wrong with a column that is to be numbers, by kind."""
    name, is_input = quote(table.header[at]), at in chosen.inputs
    kinds: dict[str, list[int]] = {}
    for i, text in enumerate(column):
        if finite_number(text) is None:
            kind = "missing" if not text else "comma" if _COMMA.fullmatch(text) else ""
            kind = kind or ("groups" if _GROUPS.fullmatch(text) else "text")
            kinds.setdefault(kind, []).append(i)
    filled = sum(map(bool, column))
    found = []
    for kind, rows in kinds.items():
        i = rows[0]
        if kind == "missing":
            message = say("{key} is missing", key=name) + table.others(rows)
            advice = say("leave out rows in which a value is missing")
        elif kind == "text" and len(rows) == filled > 1:
            some = ", ".join(map(quote, list(dict.fromkeys(filter(None, column)))[:MOST_TOLD]))
            some += ", ..." if len(set(column)) > MOST_TOLD else ""
            if is_input:
                message = say("the input {name} is a column of text ({texts})", name=name, texts=some)
                advice = say(
                    "a network takes numbers: name other columns, or give the column a number for each text"
                )
            else:
                message = say("the target {name} is a column of text ({texts})", name=name, texts=some)
                advice = say(
                    'a network takes numbers: name other columns; of a column with classes write class = "{name}"',
                    name=table.header[at],
                )
        else:
            message = say("{name} must be a finite number, not {text}", name=name, text=quote(column[i]))
            message, advice = message + table.others(rows), _as_number(kind, column[i])
        found.append(table.problem(i, at, message, advice))
    return found


def _as_number(kind: str, text: str) -> str:
    """How a field is written that was meant for a number."""
    if kind == "comma":
        return say("a decimal point, not a comma")
    if kind == "groups":
        plain = re.sub(r"[^0-9+−-]", "", text)
        if len(plain) < 4 or re.fullmatch(r"[+−-]?[0-9]{1,3}([,.' \xa0\u202f][0-9]{3})+", text):
            return say("no signs between thousands: {number}", number=plain)
        return say("no signs between thousands")
    advice = say("a number has digits, a sign and a decimal point alone")
    if text.casefold() in _NOT_THERE:
        advice += "; " + say("leave out rows in which a value is missing")
    return advice


_NOT_THERE = frozenset("na n/a nan null none nil - -- ? . missing unknown".split())


def _no_classes(table: CsvTable, at: int, known: dict[str, int]) -> list[Problem]:
    """The cells of the class column that hold no class of the network's."""
    column, found = [row[at] for row in table.rows], []
    empty = [i for i, text in enumerate(column) if not text]
    other = [i for i, text in enumerate(column) if text and text not in known]
    classes = say("classes are: {names}", names=", ".join(list(known)[:20]))
    if empty:
        found.append(table.problem(empty[0], at, say("no class") + table.others(empty), classes))
    if other:
        first, *more = dict.fromkeys(column[i] for i in other)
        message = say("{name} is no class", name=quote(first))
        if more:
            message = say("{name} is no class, nor {others}", name=quote(first), others=", ".join(map(quote, more[:3])))
        message += did_you_mean(first[:64], known) + table.others(other)
        names = say("they are the names of the last layer's units")
        found.append(table.problem(other[0], at, message, f"{classes}; {names}"))
    return found


def _chosen(table: CsvTable, wanted: Sequence[str] | int, left: list[int], what: str) -> list[int] | Problem:
    """The columns of names, or of a mere number of them all that are left."""
    if isinstance(wanted, int):
        if len(left) == wanted:
            return left
        if what == "input":
            message = say_many(
                len(left),
                "{n} column is left for the inputs; the network has {wanted}",
                "{n} columns are left for the inputs; the network has {wanted}",
                wanted=wanted,
            )
            return table.at_header(None, message, say("name the inputs in the lesson as the columns are named"))
        message = say_many(
            len(left),
            "{n} column is left for the targets; the network has {wanted}",
            "{n} columns are left for the targets; the network has {wanted}",
            wanted=wanted,
        )
        return table.at_header(None, message, say("name the targets in the lesson as the columns are named"))
    found = []
    for name in wanted:
        at = _named(table, name, what)
        if isinstance(at, Problem):
            return at
        found.append(at)
    return found


def _named(table: CsvTable, name: str, what: str) -> int | Problem:
    if name in table.header:
        return table.header.index(name)
    near = did_you_mean(name[:64], table.header)
    message = say(_NO_COLUMN[what], name=quote(name)) + near
    advice = say("columns: {names}", names=", ".join(table.header[:20]))
    if not near and any(finite_number(name) is not None for name in table.header):
        advice += "; " + say("if this line is an example already, put one with the names above it")
    return table.at_header(None, message, advice)


_NO_COLUMN = {
    "class": N_("there is no column for the class {name}"),
    "input": N_("there is no column for the input {name}"),
    "target": N_("there is no column for the target {name}"),
}


def _numbers(column: list[str]) -> list[float] | None:
    """The numbers of a whole column; None if one of its fields is none."""
    found = list(map(finite_number, column))
    return None if None in found else found  # type: ignore[return-value]


