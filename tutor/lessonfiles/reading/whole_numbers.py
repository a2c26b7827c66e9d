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
from tutor.text.language import said, say
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
    line = str(file.value(*where, anyhow=True))
    match = re.search(rf"\b{re.escape(bases[0])}(?=\b|\{{)", line)
    names = ", ".join(f'"{name}"' for name in bases)
    message = say(
        "the ids of an embedding are data, which has no gradient: {name} is not in data"
        if op == "embedding"
        else "the targets of a cross-entropy are data, which has no gradient: {name} is not in data",
        name=quote(bases[0]),
    )
    advice = say("write data = [{names}] under [circuit]", names=names)
    file.fault(where, message, advice, offset=match.start() if match else None)


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
        index, wrong, advice = found
        what = say("what is given to {name}()", name=node.op)
        if name is not None:
            what = name + ("[" + ",".join(str(at + 1) for at in index) + "]" if index else "")
        what = say("{what} of example {n}", what=what, n=example + 1) if varies else what
        file.fault(where if name is None else given.place(name, example, index), wrong(what), advice)
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


# What is wrong with ids or targets: where, the sentence about what stands there, and the advice.
_Wrong = tuple[tuple[int, ...], Callable[[str], str], str]


def _out_of_range(most: int, embedding: bool, table: tuple[int, ...]) -> Callable[[np.ndarray], _Wrong | None]:
    def check(ids: np.ndarray) -> _Wrong | None:
        wrong = np.argwhere((ids != np.round(ids)) | (ids < 1) | (ids > most))
        if not len(wrong):
            return None
        index = tuple(map(int, wrong[0]))
        value, shape = float(ids[index]), said(shape_text(table))

        def message(what: str) -> str:
            words = {"what": what, "number": f"{value:g}", "most": most}
            if value != round(value):
                return say(
                    "{what} is {number}: an id is a whole number"
                    if embedding
                    else "{what} is {number}: a class is a whole number",
                    **words,
                )
            return say(
                "{what} is {number}: an id is 1 to {most}"
                if embedding
                else "{what} is {number}: a class is 1 to {most}",
                **words,
            )

        advice = say(
            "the table, {shape}, has {n} rows; ids count from 1"
            if embedding
            else "the logits are {shape}; classes count from 1",
            shape=shape, n=most,
        )  # fmt: skip
        return index, message, advice

    return check


def _no_probabilities(rows: np.ndarray) -> _Wrong | None:
    negative = np.argwhere(rows < 0)
    if len(negative):
        index = tuple(map(int, negative[0]))
        number = f"{float(rows[index]):g}"

        def below(what: str) -> str:
            return say("{what} is {number}: a probability is not negative", what=what, number=number)

        return index, below, say("rows of probabilities sum to 1")
    totals = rows.sum(axis=-1)
    wrong = np.argwhere(np.abs(totals - 1) > 1e-9)
    if not len(wrong):
        return None
    index = tuple(map(int, wrong[0]))

    def off(what: str) -> str:
        return say("{what} sums to {total}; cross_entropy wants 1", what=what, total=repr(float(totals[index])))

    return index, off, say("rows of probabilities sum to 1; or give one class number a row")
