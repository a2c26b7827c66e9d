"""Ids of an embedding and targets of a cross-entropy: data, whole numbers in range, or probabilities."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tutor.engine.array_functions import shape_text
from tutor.engine.expressions import Call, Expr, Ref, evaluate, refs, walk
from tutor.engine.lesson import Definition
from tutor.lessonfiles.positions import Keys
from tutor.lessonfiles.reading.circuit_inputs import Given
from tutor.lessonfiles.reading.values import Values
from tutor.text.output import quote


def check_whole_numbers(file: Values, definitions: Sequence[Definition], given: Given, data: Iterable[str]) -> None:
    """Note ids and targets that are not data, not whole or not in range, at the element that is wrong."""
    lines = {definition.name: definition for definition in definitions}
    fixed = set(data)
    for definition in definitions:
        for node in walk(definition.formula):
            if isinstance(node, Call) and node.op in ("embedding", "cross_entropy"):
                table, ids = node.args
                where = ("circuit", "define", definition.at)
                if not file.sound(*where):
                    break
                probabilities = node.op == "cross_entropy" and ids.shape == table.shape
                free = [name for name in _inputs(ids, lines) if name not in fixed]
                if free and probabilities:
                    continue  # they have a gradient, too
                if free:
                    _not_data(file, where, node.op, free, given)
                else:
                    _in_range(file, where, node, given, lines)


def _inputs(formula: Expr, lines: Mapping[str, Definition]) -> list[str]:
    """The inputs that a formula is made of, through the lines that it uses."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    stack = [formula]
    while stack:
        for ref in refs(stack.pop()):
            name = ref.symbol.id
            if name in seen:
                continue
            seen.add(name)
            if name in lines:
                stack.append(lines[name].formula)
            else:
                found[name] = None
    return list(found)


def _not_data(file: Values, where: Keys, op: str, free: list[str], given: Given) -> None:
    bases = list(
        dict.fromkeys(next((base for base, parts in given.parts.items() if name in parts), name) for name in free)
    )
    what = "ids of an embedding" if op == "embedding" else "targets of a cross-entropy"
    line = str(file.value(*where, anyhow=True))
    match = re.search(rf"\b{re.escape(bases[0])}(?=\b|\{{)", line)
    names = ", ".join(f'"{name}"' for name in bases)
    message = f"the {what} are data, which has no gradient: {quote(bases[0])} is not in data"
    file.fault(where, message, f"write data = [{names}] under [circuit]", offset=match.start() if match else None)


def _in_range(file: Values, where: Keys, node: Call, given: Given, lines: dict[str, Definition]) -> None:
    table, ids = node.args
    embedding = node.op == "embedding"
    if not embedding and ids.shape == table.shape:
        check: Callable[[np.ndarray], Any] = _no_probabilities
    else:
        most = table.shape[0] if embedding else table.shape[-1]
        check = _out_of_range(most, embedding, table.shape)
    name = ids.symbol.id if isinstance(ids, Ref) and ids.symbol.id in given.values else None
    examples = next((len(values) for values in given.examples.values()), 0)
    varies = any(name in given.examples for name in _inputs(ids, lines))
    for example in range(examples if varies else 1):
        found = check(np.asarray(_value(ids, example, given, lines)))
        if found is None:
            continue
        index, message, advice = found
        shown = "[" + ",".join(str(at + 1) for at in index) + "]" if index else ""
        of = f" of example {example + 1}" if varies else ""
        if name is not None:
            file.fault(given.place(name, example, index), f"{name}{shown}{of} {message}", advice)
        else:
            file.fault(where, f"what is given to {node.op}(){of} {message}", advice)
        return


def _value(formula: Expr, example: int, given: Given, lines: dict[str, Definition]) -> Any:
    """A formula's value in an example, with the lines that it is made of: those before it, in their order."""
    needed = {ref.symbol.id for ref in refs(formula)}
    for name in reversed(lines):
        if name in needed:
            needed |= {ref.symbol.id for ref in refs(lines[name].formula)}
    known: dict[str, Any] = {}

    def of(ref: Ref) -> Any:
        name = ref.symbol.id
        if name in known:
            return known[name]
        return given.examples[name][example] if name in given.examples else given.values[name]

    for name, line in lines.items():
        if name in needed:
            known[name] = evaluate(line.formula, of)
    return evaluate(formula, of)


def _out_of_range(most: int, embedding: bool, table: tuple[int, ...]) -> Callable[[np.ndarray], Any]:
    def check(ids: np.ndarray) -> tuple[tuple[int, ...], str, str] | None:
        wrong = np.argwhere((ids != np.round(ids)) | (ids < 1) | (ids > most))
        if not len(wrong):
            return None
        index = tuple(map(int, wrong[0]))
        value = float(ids[index])
        what = "an id" if embedding else "a class"
        whole = value == round(value)
        message = f"is {value:g}: {what} is " + (f"1 to {most}" if whole else "a whole number")
        rows = (
            f"the table, {shape_text(table)}, has {most} rows" if embedding else f"the logits are {shape_text(table)}"
        )
        advice = f"{rows}; {'ids' if embedding else 'classes'} count from 1"
        return index, message, advice

    return check


def _no_probabilities(rows: np.ndarray) -> tuple[tuple[int, ...], str, str] | None:
    negative = np.argwhere(rows < 0)
    if len(negative):
        index = tuple(map(int, negative[0]))
        return index, f"is {float(rows[index]):g}: a probability is not negative", "rows of probabilities sum to 1"
    totals = rows.sum(axis=-1)
    wrong = np.argwhere(np.abs(totals - 1) > 1e-9)
    if not len(wrong):
        return None
    index = tuple(map(int, wrong[0]))
    message = f"sums to {float(totals[index])!r}; cross_entropy wants 1"
    return index, message, "rows of probabilities sum to 1; or give one class number a row"
