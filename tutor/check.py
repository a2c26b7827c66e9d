"""What only the engine and its surroundings can say about a lesson file.

Step ids that are not there, numbers that overflow, lessons to do before it that nobody knows.
`load` is how every front end gets a lesson; `examine` tells all that is wrong with a file.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tutor import catalogue
from tutor.lesson import Lesson, lesson_id, problem, read
from tutor.notation import Writer
from tutor.questions import author_item
from tutor.schema import Fault
from tutor.source import LessonError, Problem, quote
from tutor.trace import NoSuchStep, resolve, trace
from tutor.training import Program, Run, batch_size


def load(path: str | Path) -> Lesson:
    """The lesson in a file. Raises LessonError with every problem if it has any error."""
    lesson, problems = examine(path)
    errors = [found for found in problems if found.severity == "error"]
    if errors or lesson is None:
        raise LessonError(errors)
    return lesson


def examine(path: str | Path) -> tuple[Lesson | None, list[Problem]]:
    """The lesson in a file (None where nothing can be made of it), and everything wrong with it, in order of place."""
    lesson, problems, source = read(path)
    if lesson is not None and source is not None:
        sound = not any(found.severity == "error" for found in problems)
        more = (problem(source, fault) for fault in (*_unknown_prerequisites(lesson), *faults(lesson, sound)))
        problems = [*problems, *more]
    return lesson, sorted(problems, key=lambda p: (p.line, p.column))


def lesson_files(path: str | Path) -> tuple[list[Path], list[Problem]]:
    """A file itself; of a folder every *.toml in it and below it, in order; and the folders that cannot be read."""
    if not os.path.isdir(path):
        return [Path(path)], []
    problems: list[Problem] = []

    def refused(error: OSError) -> None:
        problems.append(Problem(str(error.filename), 1, 1, f"cannot read the folder: {error.strerror}"))

    found = [
        Path(folder, name)
        for folder, _, names in os.walk(path, onerror=refused)
        for name in names
        if name.endswith(".toml")
    ]
    return sorted(found), problems


def _unknown_prerequisites(lesson: Lesson) -> Iterator[Fault]:
    """Lessons to do before this one that are neither bundled nor beside it."""
    folder = lesson.path.parent if lesson.path else None
    for at, name in enumerate(lesson.requires):
        found = catalogue.find(name, folder) or catalogue.find(name)
        if name == lesson.id or (found and lesson_id(found) == name):
            continue  # what requires itself was refused before
        near = [lesson_id(found)] if found else catalogue.nearest(name, folder) or catalogue.nearest(name)
        advice = f"did you mean '{near[0]}'?" if near else "name a lesson by its id: 01-gates.toml is gates"
        message = f"no lesson {quote(name)} comes with the tutor or stands beside this file"
        yield Fault(("requires", at), message, advice, severity="warning")


def faults(lesson: Lesson, sound: bool = True) -> Iterator[Fault]:
    """What the engine and the questions have against a lesson, by key; `sound`: the format had nothing."""
    program = Program(lesson, batch_size(lesson))
    named: list[tuple[tuple[str | int, ...], str]] = [(("notes", note.at, "step"), note.step) for note in lesson.notes]
    named += [(("quiz", "steps", at), step) for at, step in enumerate(lesson.quiz_steps)]
    named += [(("questions", q.at, "step"), q.step) for q in lesson.questions if q.step]
    for path, id in named:
        try:
            resolve(program, id)
        except NoSuchStep as error:
            yield Fault(path, str(error))
            sound = False
    if lesson.circuit and sound:
        yield from _circuit_faults(lesson, program)
    if sound:
        yield from _question_faults(lesson)


def _question_faults(lesson: Lesson) -> Iterator[Fault]:
    """Questions whose kind cannot ask about their step."""
    here = trace(lesson)
    writer = Writer(lesson, lesson.notation)
    for question in lesson.questions:
        if author_item(question, here, writer, random.Random(0)) is None:
            message = f"a question of kind '{question.kind}' cannot be asked about '{question.step}'"
            advice = "Ask about another step or element, or choose another kind."
            yield Fault(("questions", question.at, "kind"), message, advice)


def _circuit_faults(lesson: Lesson, program: Program) -> Iterator[Fault]:
    """The first line of a circuit whose value is not finite; and inputs that lead nowhere."""
    assert lesson.circuit
    iteration = Run(lesson).iteration(1)
    assert iteration is not None
    for at, definition in enumerate(lesson.circuit.definitions):
        value = float(iteration.values[definition.name])
        if not np.isfinite(value):
            what = "undefined (0/0, or a function outside its domain)" if np.isnan(value) else "too large for a number"
            advice = "change an input or the formula so that every value of the forward pass is finite"
            message = f"with these inputs '{definition.name}' is {what}"
            yield Fault(("circuit", "define", at), message, advice)
            break
    for name in lesson.circuit.inputs:
        if program.by_key[f"d{lesson.circuit.output}/d{name}"].rule == "no_path":
            message = f"the output '{lesson.circuit.output}' does not depend on the input '{name}'"
            advice = "its gradient is 0: use it in a line that leads to the output, or leave it out"
            yield Fault(("circuit", "inputs", name), message, advice, severity="warning")
