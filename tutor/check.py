"""What only the engine can say about a lesson file: step ids that are not there, numbers that overflow.

`load` is how every front end gets a lesson; `examine` tells all that is wrong with a file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tutor.lesson import Lesson, read
from tutor.source import LessonError, Problem, Source
from tutor.trace import NoSuchStep, resolve
from tutor.training import Program, Run, batch_size


def load(path: str | Path) -> Lesson:
    """The lesson in a file. Raises LessonError with every problem if it has any error."""
    lesson, problems = examine(path)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors or lesson is None:
        raise LessonError(errors)
    return lesson


def examine(path: str | Path) -> tuple[Lesson | None, list[Problem]]:
    """The lesson in a file (None where nothing can be made of it), and everything wrong with it, in order of place."""
    lesson, problems, source = read(path)
    if lesson is not None and source is not None:
        problems = [*problems, *_engine_problems(lesson, source, sound=not problems)]
    return lesson, sorted(problems, key=lambda p: (p.line, p.column))


def _engine_problems(lesson: Lesson, source: Source, sound: bool) -> list[Problem]:
    problems = []
    program = Program(lesson, batch_size(lesson))
    for at, note in enumerate(lesson.notes):
        try:
            resolve(program, note.step)
        except NoSuchStep as error:
            problems.append(source.problem(("notes", at, "step"), str(error)))
    if lesson.circuit and sound:
        problems += _circuit_problems(lesson, source, program)
    return problems


def _circuit_problems(lesson: Lesson, source: Source, program: Program) -> list[Problem]:
    """The first line of a circuit whose value is not finite; and inputs that lead nowhere."""
    assert lesson.circuit
    problems = []
    values = Run(lesson).iteration(1)
    assert values is not None
    for at, definition in enumerate(lesson.circuit.definitions):
        value = float(values.values[definition.name])
        if not np.isfinite(value):
            what = "undefined (0/0, or a function outside its domain)" if np.isnan(value) else "too large for a number"
            advice = "Change an input or the formula so that every value of the forward pass is finite."
            message = f"with these inputs '{definition.name}' is {what}"
            problems.append(source.problem(("circuit", "define", at), message, advice))
            break
    for name in lesson.circuit.inputs:
        if program.by_key[f"d{lesson.circuit.output}/d{name}"].rule == "no_path":
            message = f"the output '{lesson.circuit.output}' does not depend on the input '{name}'"
            advice = "Its gradient is 0. Use it in a line that leads to the output, or leave it out."
            problems.append(source.problem(("circuit", "inputs", name), message, advice, severity="warning"))
    return problems
