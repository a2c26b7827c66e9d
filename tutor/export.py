"""Traces as plain text, JSON and Markdown. The JSON is a contract (docs/trace-json.md)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import numpy as np

from tutor.explain import Explainer
from tutor.layout import linear
from tutor.lesson import Lesson
from tutor.notation import Writer
from tutor.trace import Step, Trace

FORMAT = 1


def plain_value(value: np.ndarray | float):
    """Nested lists of floats; None for what JSON cannot hold (infinite, undefined)."""
    if np.ndim(value) == 0:
        number = float(value)
        return number if math.isfinite(number) else None
    return [plain_value(part) for part in np.asarray(value)]


def step_record(step: Step, writer: Writer, rows: np.ndarray) -> dict:
    """One step as the JSON contract has it."""
    return {
        "id": step.id,
        "phase": step.phase,
        "layer": step.equation.symbol.layer,
        "example": None if step.example is None else step.example + 1,
        "row": None if step.example is None else int(rows[step.example]) + 1,
        "symbol": writer.text(step.ref),
        "formula": linear(writer.formula(step.formula)),
        "numbers": linear(writer.numbers(step.formula, step.trace.value, step.digits)),
        "operands": [ref.id for ref in step.operands],
        "shape": list(step.shape),
        "value": plain_value(step.value),
        "why": Explainer(writer).why(step),
    }


def as_json(trace: Trace, level: str, notation: str) -> Iterator[str]:
    """The trace as one JSON object, in pieces: a large network's is never whole in memory."""
    writer = Writer(trace.lesson, notation)
    head = {
        "format": FORMAT,
        "lesson": trace.lesson.id,
        "title": trace.lesson.title,
        "iteration": trace.iteration.number,
        "rows": [int(row) + 1 for row in trace.iteration.rows],
        "level": level,
        "notation": notation,
        "given": given(trace),
    }
    yield json.dumps(head, ensure_ascii=False, allow_nan=False)[:-1] + ', "steps": ['
    for at, step in enumerate(trace.steps(level)):
        record = step_record(step, writer, trace.iteration.rows)
        yield ("," if at else "") + "\n" + json.dumps(record, ensure_ascii=False, allow_nan=False)
    yield "\n]}\n"


def given(trace: Trace) -> dict:
    """What the iteration starts from, by id: data, parameters, settings, an optimiser's memory."""
    made = set(trace.program.by_key)
    found = {}
    for key, value in trace.iteration.values.items():
        if key in made:
            continue
        if key.endswith("@"):
            found |= {f"{key}{e + 1}": plain_value(value[e]) for e in range(trace.examples)}
        else:
            found[key] = plain_value(np.asarray(value))
    return found


def _step_lines(step: Step, writer: Writer) -> tuple[str, str, str, str]:
    """Name, formula, numbers, value: each on one line, the numbers empty where they say nothing new."""
    name, formula = writer.text(step.ref), linear(writer.formula(step.formula))
    value = linear(writer.value(step.value, step.digits))
    numbers = linear(writer.numbers(step.formula, step.trace.value, step.digits))
    return name, formula, "" if numbers in (value, formula) else numbers, value


def heading(trace: Trace) -> str:
    rows = trace.iteration.rows
    of = f", example {rows[0] + 1}" if len(rows) == 1 else f", examples {', '.join(str(r + 1) for r in rows)}" if len(rows) else ""
    return f"{trace.lesson.title}: iteration {trace.iteration.number}{of}"


def as_text(trace: Trace, level: str, notation: str) -> Iterator[str]:
    """The trace for reading in a terminal or with a screen reader: an equation a line."""
    writer = Writer(trace.lesson, notation)
    explainer = Explainer(writer)
    yield heading(trace) + "\n"
    phase, rule = None, None
    for step in trace.steps("matrix" if level == "story" else level):
        if step.phase != phase:
            phase = step.phase
            yield f"\n{phase.upper()}\n"
        if level == "story":
            yield f"  {step.id:10} {explainer.story(step)}\n"
            continue
        if (step.equation, step.example) != rule:
            rule = (step.equation, step.example)
            yield f"\n  {explainer.title(step)}{'' if step.example is None else f', example {step.example + 1}'}\n"
        name, formula, numbers, value = _step_lines(step, writer)
        yield f"    [{step.id}]\n    {name} = {formula}\n" + (f"      = {numbers}\n" if numbers else "") + f"      = {value}\n"


def as_markdown(trace: Trace, level: str, notation: str) -> Iterator[str]:
    """The trace as a Markdown document: a heading a phase, a table a phase."""
    writer = Writer(trace.lesson, notation)
    explainer = Explainer(writer)
    yield f"# {markdown_text(heading(trace))}\n"
    phase = None
    for step in trace.steps("matrix" if level == "story" else level):
        if step.phase != phase:
            phase = step.phase
            yield f"\n## {phase.capitalize()}\n\n"
            if level != "story":
                yield "| step | formula | with numbers | value |\n|---|---|---|---|\n"
        if level == "story":
            yield f"- `{step.id}` {markdown_text(explainer.story(step))}\n"
            continue
        name, formula, numbers, value = (markdown_text(part) for part in _step_lines(step, writer))
        yield f"| `{step.id}` | {name} = {formula} | {numbers} | {value} |\n"


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it stands, in a table cell too."""
    for char in "\\`*_[]<>|#":
        text = text.replace(char, "\\" + char)
    return text


FORMATS = {"text": as_text, "json": as_json, "markdown": as_markdown}


def lesson_heading(lesson: Lesson) -> str:
    return f"{lesson.title}" + (f" · {lesson.unit}" if lesson.unit else "")
