"""From a lesson file to a lesson: everything wrong with it, and what can be made of it.

`read` goes from a file to a `Lesson` and to all that is wrong with it. `validation.py` holds each key against the
format; what keys must agree on is checked beside this module, part by part.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from tutor.engine.lesson import Expect, Lesson, Note, QuizChoice
from tutor.engine.rows import Data
from tutor.lessonfiles.beside import place
from tutor.lessonfiles.csv_examples import Columns
from tutor.lessonfiles.csv_table import CsvTable
from tutor.lessonfiles.decimal_commas import advice_with
from tutor.lessonfiles.faults import Fault, Faults, TooMany
from tutor.lessonfiles.file_names import lesson_id
from tutor.lessonfiles.positions import Problem, Source, read_source
from tutor.lessonfiles.reading import references
from tutor.lessonfiles.reading.circuit import read_circuit
from tutor.lessonfiles.reading.comma_arrays import read_again
from tutor.lessonfiles.reading.examples import class_names, take_examples
from tutor.lessonfiles.reading.held_out import split
from tutor.lessonfiles.reading.latex import lost_latex
from tutor.lessonfiles.reading.network import read_network
from tutor.lessonfiles.reading.questions import read_question
from tutor.lessonfiles.reading.references import take_stored
from tutor.lessonfiles.reading.training import read_training
from tutor.lessonfiles.reading.values import Values
from tutor.lessonfiles.toml_syntax import parse_toml
from tutor.lessonfiles.validation import check
from tutor.text.language import say
from tutor.text.output import quote


def read(path: str | Path | Source | Problem) -> tuple[Lesson | None, list[Problem], Source | None]:
    """The lesson in a file (or a text that was read), all that is wrong with it by line and column, and its text.

    Never raises for what a file holds. Where the skeleton is sound (inputs, layers and units of a
    network; the equations of a circuit) there is a lesson in spite of errors, with defaults where
    the file is wrong, so that a caller can go on to look for more problems: it is to be used only
    if none of them is an error. The text is None where it cannot be read.
    """
    source = read_source(path) if isinstance(path, str | Path) else path
    if isinstance(source, Problem):
        return None, [source], None
    values = parse_toml(source)
    if isinstance(values, Problem):
        return None, [values], source
    lesson, faults = build(values, source.path)
    lesson, faults = read_again(values, source, faults, lambda new: build(new, source.path)) or (lesson, faults)
    lost = lost_latex(values, source)
    told = (fault for fault in faults.found if fault.path not in lost or "U+" not in fault.message)  # \f of \frac
    problems = [*(problem(source, fault, faults.table) for fault in told), *faults.elsewhere, *lost.values()]
    problems.sort(key=lambda p: (p.path != source.path, p.line, p.column))
    if faults.cut:
        last = problems[-1]
        message = say("there are more problems: the rest is not listed")
        problems.append(source.problem_at(last.line, last.column, message))
    return lesson, problems, source


def files(path: str | Path) -> tuple[Path, ...]:
    """The file of a lesson and those that its examples and weights are from, as it says now: there or not."""
    source = read_source(path)
    values = {} if isinstance(source, Problem) else parse_toml(source)
    if isinstance(values, Problem):
        return (Path(path),)
    names = [values.get("examples"), values.get("held_out")]
    names += [references.file_of(reference)[0] for reference in references.named(values).values()]
    places = dict.fromkeys(place(Path(path), name) for name in names if isinstance(name, str))
    return (Path(path), *(found for found in places if isinstance(found, Path)))


def build(values: dict[str, Any], path: str | Path) -> tuple[Lesson | None, Faults]:
    """The lesson that the values of a TOML document say, and all that is wrong with them by key; as in `read`.

    `path` is the file's, from which a lesson has its id; it is not read, but files beside it that the values name are.
    `examples` and `held_out` may be `Data` that stand ready.
    """
    faults, lesson = Faults(), None
    try:
        check({key: value for key, value in values.items() if not isinstance(value, Data)}, faults)
        lesson = _lesson(Values(Path(path), values, faults))
    except TooMany:
        pass
    return lesson, faults


def problem(source: Source, fault: Fault, table: tuple[CsvTable, Columns] | None = None) -> Problem:
    """A fault with its place in the file, or in the table that the examples are from."""
    if table and fault.path[:1] == ("examples",) and len(fault.path) > 1:  # the lesson has but the file's name
        column = table[1].column(str(fault.path[2]), fault.path[3:]) if len(fault.path) > 2 else None
        return table[0].problem(fault.path[1], column, fault.message, fault.advice)
    advice = advice_with(fault.advice, source.written(fault.path), fault.shape) if fault.shape else fault.advice
    return source.problem(
        fault.path, fault.message, advice, key=fault.key, offset=fault.offset, severity=fault.severity
    )


def _lesson(file: Values) -> Lesson | None:
    _requires(file)
    stored = take_stored(file)
    take_examples(file)
    network = circuit = None
    data, held_out = Data(np.empty((0, 0)), np.empty((0, 0))), None
    if isinstance(file.value("network", anyhow=True), dict):
        network, data = read_network(file, stored)
    if network and len(data):
        data, held_out = split(file, data, network.loss)
        file.kept = len(data)
    if isinstance(file.value("circuit", anyhow=True), dict):
        circuit = read_circuit(file)
    training = read_training(file, network, circuit)
    questions = tuple(found for i in range(file.length("questions")) if (found := read_question(file, i)))
    if file.has("network") and file.has("circuit"):
        message = say("a lesson has a [network] or a [circuit], not both")
        file.fault(("circuit",), message, say("take one of them out"), key=True)
        return None
    if not file.has("network") and not file.has("circuit") and file.sound("network") and file.sound("circuit"):
        message = say("a lesson needs a [network] or a [circuit]")
        file.fault((), message, say("see docs/lesson-format.md for one of each"))
    if network is None and circuit is None:
        return None
    return Lesson(
        id=lesson_id(file.path),
        title=file.line("title"),
        summary=file.line("summary"),
        unit=file.line("unit"),
        level=file.value("level", default=Lesson.level),
        notation=file.value("notation", default=Lesson.notation),
        requires=tuple(file.value("requires", default=())),
        intro=file.value("intro", default=""),
        outro=file.value("outro", default=""),
        network=network,
        circuit=circuit,
        inputs=data.inputs,
        targets=data.targets,
        training=training,
        notes=tuple(
            Note(file.value("notes", i, "step"), file.value("notes", i, "text"), i)
            for i in range(file.length("notes"))
            if file.has("notes", i, "step") and file.has("notes", i, "text") and file.faults.sound("notes", i)
        ),
        quiz_steps=tuple(file.value("quiz", "steps", default=())) if file.faults.sound("quiz", "steps") else (),
        quiz=QuizChoice(
            file.value("quiz", "only", default=""),
            tuple(file.value("quiz", "kinds", default=())),
            file.value("quiz", "count"),
            file.value("quiz", "order", default="given") == "shuffled",
        ),
        questions=questions,
        expect=tuple(
            Expect(
                step=file.value("expect", i, "step"),
                value=file.value("expect", i, "value"),
                source=file.value("expect", i, "source"),
                iteration=file.value("expect", i, "iteration", default=1),
                at=i,
                tolerance=file.value("expect", i, "tolerance"),
                cut_off=file.value("expect", i, "cut_off", default=False),
            )
            for i in range(file.length("expect"))
            if isinstance(file.value("expect", i), dict) and file.faults.sound("expect", i)
        ),
        classes=class_names(file, network),
        data=file.table_path,
        held_out=held_out,
        data_keys=_data_keys(file),
        path=file.path,
    )


def _data_keys(file: Values) -> dict[str, Any]:
    """What the file says of its data, beside the rows that stand in it: for a copy of it in the same folder."""
    keys = {key: file.value(key) for key in ("class", "scale", "held_out")} | {"examples": file.named_file}
    return {key: value for key, value in keys.items() if value is not None and not isinstance(value, Data)}


def _requires(file: Values) -> None:
    for i in range(file.length("requires")):
        wanted = file.value("requires", i)
        if wanted is None:
            continue
        if wanted == lesson_id(file.path):
            file.fault(("requires", i), say("a lesson cannot require itself"))
        elif re.search(r"^$|[\t\n/\\]|\.toml$", wanted) or wanted != lesson_id(wanted + ".toml"):
            advice = say("an id is a lesson's file name without number and extension: 01-gates.toml is gates")
            file.fault(("requires", i), say("{name} is no lesson id", name=quote(wanted)), advice)
