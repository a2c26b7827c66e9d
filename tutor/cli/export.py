"""Traces and training as text, JSON, Markdown and LaTeX; the JSON is a contract (docs/trace-json.md, train-json.md).

Each writer yields pieces of text, so that a large network's trace is never whole in memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np

from tutor.engine.divergence import divergence
from tutor.engine.evaluation import Evaluation, Evaluator
from tutor.engine.expressions import Ref
from tutor.engine.held_out import HeldOut
from tutor.engine.ids import is_of_each
from tutor.engine.lesson import Level
from tutor.engine.program import iterations_per_epoch
from tutor.engine.run import Run, Stopped
from tutor.engine.trace import Step, Trace
from tutor.handouts.documents import tex
from tutor.text import to_latex
from tutor.text.card import Equality, Scribe
from tutor.text.conventions import conventions, line_conventions
from tutor.text.divergence_words import divergence_words
from tutor.text.evaluation_words import ending, held_out_words, summary
from tutor.text.language import say, say_in
from tutor.text.layout import linear, number
from tutor.text.lines import COLUMNS, formula_lines, prose, wrapped
from tutor.text.output import json_text
from tutor.text.writer import Writer

FORMAT = 1
MAX_ROWS = 10  # so many examples are named one by one in a heading


# ---------------------------------------------------------------- JSON


def as_json(trace: Trace, level: Level, notation: str) -> Iterator[str]:
    """The trace as one JSON object, a step a line."""
    scribe = Scribe(trace, notation)
    head = {
        "format": FORMAT,
        "lesson": trace.lesson.id,
        "title": trace.lesson.title,
        "iteration": trace.iteration.number,
        "level": level,
        "notation": notation,
        "rows": [int(row) + 1 for row in trace.iteration.rows],
        "given": given(trace),
        "notes": [{"step": note.step, "text": scribe.prose(note.text)} for note in trace.lesson.notes],
    }
    yield _dumps(head)[:-1] + ', "steps": ['
    for at, step in enumerate(trace.steps(level)):
        yield ("," if at else "") + "\n" + _dumps(step_record(step, scribe, level))
    yield "\n]}\n"


def _dumps(record: dict[str, Any]) -> str:
    return json_text(record)


def step_record(step: Step, scribe: Scribe, level: Level) -> dict[str, Any]:
    """One step as the JSON contract has it."""
    writer, explainer, example = scribe.writer, scribe.explainer, step.example
    record = {
        "id": step.id,
        "phase": step.phase,
        "layer": step.equation.symbol.layer,
        "example": None if example is None else example + 1,
        "title": explainer.title(step),
        "symbol": writer.text(step.ref),
        "formula": linear(writer.formula(step.formula)),
        "numbers": linear(writer.numbers(step.formula, step.trace.value, step.digits)),
        "operands": [ref.id for ref in step.operands],
        "shape": list(step.shape),
        "value": plain_value(step.value),
        "why": explainer.story(step) if level == "story" else explainer.why(step),
        "derivation": [],
    }
    if step.equation.derivation:
        record["derivation"] = [
            {"formula": linear(line.docs[0]), "numbers": linear(line.docs[-1]), "reason": line.reason}
            for line in scribe.formulas(step).derivation
        ]
    return record


def plain_value(value: np.ndarray | float) -> Any:
    """Nested lists of floats; None for what JSON cannot hold (infinite, undefined)."""
    if np.ndim(value) == 0:
        number = float(value)
        return number if math.isfinite(number) else None
    return [plain_value(part) for part in np.asarray(value)]


def given(trace: Trace) -> dict[str, Any]:
    """What the iteration starts from, by id: data, parameters, settings, an optimiser's memory."""
    found: dict[str, object] = {}
    for key, value in trace.iteration.values.items():
        if key in trace.program.by_key:
            continue
        if is_of_each(key):
            found |= {f"{key}{e + 1}": plain_value(row) for e, row in enumerate(np.asarray(value))}
        else:
            found[key] = plain_value(np.asarray(value))
    return found


# ---------------------------------------------------------------- text and Markdown


def as_text(trace: Trace, level: Level, notation: str) -> Iterator[str]:
    """The trace for reading in a terminal or with a screen reader."""
    scribe = Scribe(trace, notation)
    yield heading(trace) + "\n\n"
    yield from (line + "\n" for said in line_conventions(trace, notation) for line in wrapped(said, "", "  "))
    for phase, equations in _grouped(trace, level):
        yield f"\n{say_in('phase', phase).upper()}\n"
        for steps in equations:
            first = next(steps)
            yield f"\n  {scribe.explainer.title(first)}\n"
            for line in _equation_lines(first, steps, scribe, level):
                yield f"    {line}".rstrip() + "\n"
            if level != "story":
                yield from (f"    {line}".rstrip() + "\n" for line in _remarks(first, scribe))


def as_markdown(trace: Trace, level: Level, notation: str) -> Iterator[str]:
    """The trace as a Markdown document: a heading a phase and an equation, formulas as preformatted text."""
    scribe = Scribe(trace, notation)
    yield f"# {markdown_text(heading(trace))}\n\n"
    yield from (f"- {markdown_text(said)}\n" for said in line_conventions(trace, notation))
    for phase, equations in _grouped(trace, level):
        yield f"\n## {say_in('phase', phase).capitalize()}\n"
        for steps in equations:
            first = next(steps)
            yield f"\n### {markdown_text(scribe.explainer.title(first))}\n\n"
            if level == "story":
                yield f"{markdown_text(scribe.explainer.story(first))}\n"
                continue
            yield "```text\n"
            yield from (line + "\n" for line in _equation_lines(first, steps, scribe, level))
            yield f"```\n\n{markdown_text(_why(first, scribe))}\n"
            for note in scribe.notes(first.at(None)):
                yield "\n" + "".join(f"> {line}".rstrip() + "\n" for line in note.strip().splitlines())


def _grouped(trace: Trace, level: Level) -> Iterator[tuple[str, Iterator[Iterator[Step]]]]:
    """The steps by phase and, in it, by equation: its examples and elements stand together."""
    steps = trace.steps("scalar" if level == "scalar" else "matrix")
    for phase, found in groupby(steps, key=lambda step: step.phase):
        yield phase, (group for _, group in groupby(found, key=lambda step: id(step.equation)))


def _equation_lines(first: Step, others: Iterator[Step], scribe: Scribe, level: Level) -> Iterator[str]:
    """The steps of one equation, each under its id; at level story what the first one says."""
    if level == "story":
        yield from wrapped(scribe.explainer.story(first), "", "")
        return
    if first.equation.line:
        yield say("in {line}", line=first.equation.line)
    yield from _step_lines(first, scribe)
    for step in others:
        yield ""
        yield from _step_lines(step, scribe)


def _step_lines(step: Step, scribe: Scribe) -> Iterator[str]:
    yield f"[{step.id}]"
    yield from formula_lines(scribe.formulas(step))


def _remarks(step: Step, scribe: Scribe) -> Iterator[str]:
    """The sentence of why and the author's notes, for a whole equation."""
    yield ""
    yield from wrapped(_why(step, scribe), "", "")
    for note in scribe.notes(step.at(None)):
        yield from (f"| {line}" for line in prose(note, COLUMNS - 4).splitlines())


def _why(step: Step, scribe: Scribe) -> str:
    """The sentence of why for a whole equation: all its elements and, so without the first one's mark, all examples."""
    return scribe.explainer.why(step.at(None)).replace("@1", "")


def heading(trace: Trace) -> str:
    """The lesson's title, the iteration, and which of the lesson's examples it takes."""
    rows = [f"{row + 1:,}" for row in trace.iteration.rows]
    where = {"title": trace.lesson.title, "n": f"{trace.iteration.number:,}"}
    if not rows:
        return say("{title}: iteration {n}", **where)
    if len(rows) == 1:
        return say("{title}: iteration {n}, example {row}", **where, row=rows[0])
    if len(rows) <= MAX_ROWS:
        return say("{title}: iteration {n}, examples {rows}", **where, rows=", ".join(rows))
    return say("{title}: iteration {n}, {count} examples", **where, count=f"{len(rows):,}")


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it stands."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", text).replace("&", "&amp;")


# ---------------------------------------------------------------- LaTeX


def as_latex(trace: Trace, level: Level, notation: str) -> Iterator[str]:
    """The trace as a LaTeX document: a section a phase, a subsection an equation, with what is said of it."""
    scribe = Scribe(trace, notation)
    yield f"{_TEX}\\begin{{document}}\n\\section*{{{tex(heading(trace))}}}\n"
    yield "".join(f"{tex(said)}\n\n" for said in conventions(trace, notation))
    for phase, equations in _grouped(trace, level):
        yield f"\\section*{{{tex(say_in('phase', phase).capitalize())}}}\n"
        for steps in equations:
            first = next(steps)
            yield f"\\subsection*{{{tex(scribe.explainer.title(first))}}}\n"
            if level == "story":
                yield f"{tex(scribe.explainer.story(first))}\n\n"
                continue
            for step in (first, *steps):
                found = scribe.formulas(step)
                yield f"% {step.id}\n" + "".join(map(_display, (found.main, *found.where, *found.derivation)))
            yield f"{tex(_why(first, scribe))}\n\n"
    yield "\\end{document}\n"


def step_latex(step: Step, notation: str) -> str:
    """One step in LaTeX, to be put into a document with amsmath: its equation, then how it comes about."""
    scribe = Scribe(step.trace, notation)
    found = scribe.formulas(step)
    lines = (found.main, *found.where, *(scribe.derivation(step) or found.derivation))
    return f"% {step.id}\n{''.join(map(_display, lines))}"


def _display(line: Equality) -> str:
    reason = f"{tex(line.reason)}\n\n" if line.reason else ""
    return f"\\[\n{to_latex.equation(line.docs)}\n\\]\n{reason}"


_TEX = r"""\documentclass[11pt,a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{amsmath,amssymb}
\usepackage[margin=22mm]{geometry}
\setcounter{MaxMatrixCols}{20}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt}
"""

FORMATS = {"text": as_text, "json": as_json, "markdown": as_markdown, "latex": as_latex}


# ---------------------------------------------------------------- training


MAX_LOSSES = 1000  # in a record, unless all are asked for


def training_json(run: Run, stopped: Stopped, all_losses: bool = False) -> str:
    """What training came to, as one JSON object (docs/train-json.md); `stopped` is `Run.train`'s word."""
    found, trained = divergence(run), run.trained
    few = trained if all_losses else min(trained, MAX_LOSSES)
    numbers = np.unique(np.round(np.linspace(1, trained, few)).astype(int))
    record = {
        "format": FORMAT,
        "lesson": run.lesson.id,
        "title": run.lesson.title,
        "iterations": trained,
        "epochs": trained // iterations_per_epoch(run.lesson),
        "stopped": stopped,
        "diverged": run.diverged,
        "why": divergence_words(found) if found else None,
        "loss": run.loss.id,
        "losses": [[int(n), plain_value(run.losses[n - 1])] for n in numbers],
        "parameters": {id: plain_value(value) for id, value in _final(run).items()},
        "evaluation": _beside_held_out(run),
    }
    return _dumps(record) + "\n"


def _beside_held_out(run: Run) -> dict[str, Any] | None:
    """How a network does on the rows that it is trained on and on those held out; None where there are none such."""
    held, seen = HeldOut.of(run), _final(run)
    if held is None:
        return None
    return {
        "trained_on": _evaluated(Evaluator(run.lesson).evaluate(seen)),
        "held_out": _evaluated(held.evaluator.evaluate(seen)),
        "held_out_losses": [[int(at), plain_value(loss)] for at, loss in zip(*held.curve(), strict=True)],
    }


def _evaluated(found: Evaluation) -> dict[str, Any]:
    return {
        "rows": len(found.losses),
        "loss": plain_value(found.loss),
        "correct": found.correct if found.tables else None,
        "accuracy": found.accuracy,
        "rmse": [plain_value(value) for value in found.rmse],
    }


def _final(run: Run) -> dict[str, np.ndarray]:
    """The parameters after the last iteration; where training diverged the last that are all numbers."""
    return run.parameters(run.trained + 1 if run.diverged is None else run.diverged)


def training_text(
    run: Run, stopped: Stopped, notation: str, tolerance: float, all_losses: bool = False
) -> Iterator[str]:
    """What training came to: some losses, the parameters, a sentence on what happened."""
    writer = Writer(run.lesson, notation)
    per = iterations_per_epoch(run.lesson)
    by_epoch = per > 1 and len(run.epoch_losses) > 1 and not all_losses
    losses = run.epoch_losses if by_epoch else run.losses
    name = writer.text(Ref(run.loss))
    yield f"{run.lesson.title}\n\n"
    held = HeldOut.of(run)
    heads = [say("mean {loss}", loss=name) if by_epoch else name, *([say("held out, after it")] if held else [])]
    if len(losses):
        unit = say("epoch" if by_epoch else "iteration")
        yield f"{unit:>9}  {'  '.join(f'{head:<10}' for head in heads).rstrip()}\n"
    for at in range(1, len(losses) + 1) if all_losses else _round_numbers(len(losses)):
        cells = [number(losses[at - 1])]
        if held and not all_losses and not run.diverged:
            cells.append(summary(held.after(at * per if by_epoch else at)))
        yield f"{at:9,}  {'  '.join(f'{cell:<10}' for cell in cells).rstrip()}\n"
    yield "\n"
    for id, value in _final(run).items():
        symbol = run.program(1).symbols[id]
        yield f"{writer.text(Ref(symbol))} = {linear(writer.value(value))}\n"
    said = ending(run, stopped, tolerance, lambda symbol: writer.text(Ref(symbol)))
    if run.diverged is not None:
        said += " " + say("The parameters above are those before that iteration.")
    yield "\n" + "\n".join(wrapped(said, "", "")) + "\n"
    if held:
        yield say("Trained on: {summary}.", summary=summary(Evaluator(run.lesson).evaluate(_final(run)))) + "\n"
        yield "\n".join(wrapped(held_out_words(run.lesson, held.evaluator.evaluate(_final(run))), "", "  ")) + "\n"


def _round_numbers(last: int) -> list[int]:
    """1, 2, 5, 10, 20, 50 ... and the last."""
    found = [digit * 10**power for power in range(len(str(last))) for digit in (1, 2, 5)]
    return [at for at in found if at < last] + ([last] if last else [])
