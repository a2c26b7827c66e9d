"""What only the engine and its surroundings can say about a lesson file.

Step ids that are not there, values that are not finite, questions that cannot be asked. `load` is how every front end
gets a lesson; `examine` tells all that is wrong with a file, what `audit` finds included.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tutor.engine.expressions import OPERATORS, Call, Expr, evaluate, index_text, refs
from tutor.engine.ids import derivative, line_of, whole
from tutor.engine.lesson import AuthorQuestion, Circuit, Definition, Lesson
from tutor.engine.program import Program, batch_size
from tutor.engine.run import Run
from tutor.engine.trace import NoSuchStep, Trace, resolve, trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.faults import Fault
from tutor.lessonfiles.positions import LessonError, Problem, Source
from tutor.lessonfiles.prerequisites import ids, prerequisites
from tutor.lessonfiles.reading.lesson import problem, read
from tutor.lessonfiles.translation import OTHERS, examined, is_translation, translated
from tutor.messages import Message
from tutor.questions.authored import author_item
from tutor.text.card import Scribe
from tutor.text.language import N_, said, say
from tutor.text.output import escape
from tutor.text.words import reason
from tutor.text.writer import Writer


def load(path: str | Path | Source | Problem) -> Lesson:
    """The lesson in a file, or in a text (`given_source`), fit to be played, in the learner's language if it has that.

    Raises LessonError with every error that is in the way of that.
    """
    if isinstance(path, str | Path) and Path(path).parent == catalogue.data_dir("lessons"):
        with suppress(OSError):  # of what is not there the reader says so
            return translated(_ours(str(path), os.stat(path).st_mtime_ns))
    return translated(_sound(*_playable(path)[:2]))


@lru_cache(maxsize=8)  # a quiz, a review and the list come back to the same few lessons
def _ours(path: str, written: int) -> Lesson:
    """A lesson that comes with the tutor, which has been checked; `written`: when its file was."""
    return _sound(*_playable(path, asked=False)[:2])


def _sound(lesson: Lesson | None, problems: Iterable[Problem]) -> Lesson:
    """The lesson, where no error is in the way of playing it. Raises LessonError."""
    errors = [found for found in problems if found.severity == "error"]
    if errors or lesson is None:
        raise LessonError(errors)
    return lesson


def examine(path: str | Path, folders: Iterable[Path] = ()) -> tuple[Lesson | None, list[Problem]]:
    """The lesson in a file (None where nothing can be made of it), and everything wrong with it, in order of place.

    Its prerequisites are looked for beside it, among the bundled lessons and in `folders`.
    """
    from tutor.lessonfiles.audit import audit  # what only plays a lesson has no use for it

    lesson, problems, source = _playable(path)
    if lesson is not None and source is not None:
        if not any(problem.severity == "error" for problem in problems):
            problems += audit(lesson, source)
        problems += prerequisites(lesson, source, folders)
        problems += ids(lesson, source)
        problems += _of_translations(lesson)
    return lesson, sorted(problems, key=lambda p: (p.path != str(path), p.line, p.column))


def _of_translations(lesson: Lesson) -> Iterator[Problem]:
    """What is wrong with the translations beside a lesson's file, and what they lack."""
    from tutor.lessonfiles.audit import texts

    for code in OTHERS:
        told, source, problems = examined(lesson, code)
        yield from problems
        if source is not None:
            yield from texts(told, source, Scribe(trace(lesson), lesson.notation).called)


def _playable(
    path: str | Path | Source | Problem, asked: bool = True
) -> tuple[Lesson | None, list[Problem], Source | None]:
    """A lesson and its text, with the problems that are in the way of playing it, and the file's own warnings.

    Whether its questions can be `asked` takes the longest to find out.
    """
    lesson, problems, source = read(path)
    if lesson is not None and source is not None:
        sound = not any(found.severity == "error" for found in problems)
        problems = [*problems, *(problem(source, fault) for fault in faults(lesson, sound, asked))]
    return lesson, problems, source


_MORE = {  # of one kind, by their severity
    "error": N_("and {n} more errors of one of these kinds"),
    "warning": N_("and {n} more warnings of one of these kinds"),
    "note": N_("and {n} more notes of one of these kinds"),
}
MOST_ALIKE = 20  # problems of one kind in one file that are written out


def written_out(problems: Iterable[Problem]) -> Iterator[str]:
    """The problems as they are shown; of many of one kind (alike but for names and numbers) the first, and a count."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for found in problems:
        kind = (found.path, found.severity, re.split("[:;]", re.sub(r"'[^']*'|„[^“]*“|[0-9]+", "", found.message))[0])
        seen[kind] += 1
        if seen[kind] <= MOST_ALIKE:
            yield found.render()
    for (path, severity, _), count in seen.items():
        if count > MOST_ALIKE:
            more = say(_MORE[severity], n=f"{count - MOST_ALIKE:,}")
            yield f"{escape(path)}: {more}"


def faults_in_a_word(path: Path, command: str = "") -> Message | None:
    """'mine.toml has 3 problems: Enter shows them' for a file that cannot be played, else None. Never raises.

    `command` is what shows them where Enter does not.
    """
    file = catalogue.one_line(path.name)
    try:
        load(path)
    except LessonError as error:
        one, n = len(error.problems) == 1, f"{len(error.problems):,}"
        if command:
            told = N_("{file} has {n} problem: {command}" if one else "{file} has {n} problems: {command}")
            return Message(told, file=file, n=n, command=command)
        told = N_("{file} has {n} problem: Enter shows it" if one else "{file} has {n} problems: Enter shows them")
        return Message(told, file=file, n=n)
    except Exception as error:  # of one lesson: the others must not hide
        return Message("{file} cannot be read: {why}", file=file, why=type(error).__name__)
    return None


def lesson_files(path: str | Path) -> tuple[list[Path], list[Problem]]:
    """A file itself; of a folder every lesson in it and below it, in order; and the folders that cannot be read.

    A lesson is what ends in .toml and is no translation of another: those are looked at with their lessons.
    """
    if not os.path.isdir(path):
        lesson = Path(path)
        return [lesson.parent.parent / lesson.name if is_translation(lesson) else lesson], []
    problems: list[Problem] = []

    def refused(error: OSError) -> None:
        problems.append(Problem(str(error.filename), 1, 1, say("cannot read the folder: {why}", why=reason(error))))

    found = [
        Path(folder, name)
        for folder, _, names in os.walk(path, onerror=refused)
        for name in names
        if name.endswith(".toml") and not is_translation(Path(folder, name))
    ]
    return sorted(found), problems


def faults(lesson: Lesson, sound: bool = True, asked: bool = True) -> Iterator[Fault]:
    """What the engine has against a lesson, by key, and the questions (`asked`); `sound`: the format had nothing."""
    program = Program.of(lesson, batch_size(lesson))
    named: list[tuple[tuple[str | int, ...], str]] = [(("notes", note.at, "step"), note.step) for note in lesson.notes]
    named += [(("quiz", "steps", at), step) for at, step in enumerate(lesson.quiz_steps)]
    named += [(("questions", q.at, "step"), q.step) for q in lesson.questions if q.step]
    if lesson.quiz.only == "author" and not lesson.questions:
        message = say("only the author's questions are asked, and there is none: write [[questions]]")
        yield Fault(("quiz", "only"), message)
    if lesson.quiz.only == "steps" and not lesson.quiz_steps:
        message = say("only the steps of 'steps' are asked, and there is none: name some in 'steps'")
        yield Fault(("quiz", "only"), message)
    for path, id in named:
        try:
            resolve(program, id)
        except NoSuchStep as error:
            yield Fault(path, said(error))
            sound = False
    if lesson.circuit and sound:
        yield from _circuit_faults(lesson, program)
    if sound and asked:
        yield from _question_faults(lesson)


def _question_faults(lesson: Lesson) -> Iterator[Fault]:
    """Questions whose kind cannot ask about their step."""
    if not lesson.questions:
        return
    here = trace(lesson)
    writer = Writer(lesson, lesson.notation)
    for question in lesson.questions:
        if author_item(question, here, writer, random.Random(0)) is None:
            message = say(
                "a question of kind '{kind}' cannot be asked about '{step}'", kind=question.kind, step=question.step
            )
            yield Fault(("questions", question.at, "kind"), message, _askable(question, here, writer))


def _askable(question: AuthorQuestion, here: Trace, writer: Writer) -> str:
    """What to do about a question that cannot be asked: name a step that its kind can ask about, if there is one."""
    for step in here.steps():
        if author_item(replace(question, step=step.id), here, writer, random.Random(0)) is not None:
            return say('ask about another step, such as "{step}", or choose another kind', step=step.id)
    if question.kind == "paths":
        return say(
            'in this lesson every value reaches the end by one path alone: choose another kind, such as "operands" '
            "(there are several paths where a unit feeds two or more units of the next layer)"
        )
    return say('no step of this lesson can be asked about in this way: choose another kind, such as "value"')


def _culprit(formula: Expr, values: Mapping[str, Any]) -> str:
    """Why a formula's value is not finite: its innermost part that is not, though what that is made of is.

    Of an array its first element that is not. As `_undefined`.
    """
    here = np.asarray(evaluate(formula, lambda ref: values[ref.symbol.id]))
    if np.isfinite(here).all() or not isinstance(formula, Call):
        return ""
    for part in formula.args:
        if inner := _culprit(part, values):
            return inner
    args = [np.asarray(evaluate(part, lambda ref: values[ref.symbol.id])) for part in formula.args]
    if not all(np.isfinite(arg).all() for arg in args) or not OPERATORS[formula.op].elementwise:
        return ""
    index = tuple(np.argwhere(~np.isfinite(here))[0]) if here.shape else ()
    return _undefined(formula.op, [float(np.broadcast_to(arg, here.shape)[index]) for arg in args])


def _undefined(op: str, args: Sequence[float]) -> str:
    """Why an operator has no value for these numbers, as what follows a value that is ...; "" where it is not known."""
    x, y = (f"{arg:g}" for arg in (*args, 0.0)[:2])
    if op == "div" and args[1] == 0:
        return say("a division by zero: {x}/0", x="0" if args[0] == 0 else x)
    if op == "pow" and args[0] == 0:
        return say("a division by zero: 0 to the power of {y}", y=y)
    if op == "pow" and args[0] < 0:
        return say("undefined: {x} to the power of {y}", x=x, y=y)
    if op == "log":
        return say("undefined: log of {x}, which is 0 or negative: log takes what is above 0", x=x)
    if op == "sqrt":
        return say("undefined: sqrt of {x}, which is negative: sqrt takes 0 and what is above", x=x)
    return ""


def _circuit_faults(lesson: Lesson, program: Program) -> Iterator[Fault]:
    """The first line of a circuit whose value is not finite, in any example; lines and inputs that lead nowhere."""
    circuit = lesson.circuit
    assert circuit
    examples = [{name: given[i] for name, given in circuit.examples.items()} for i in range(_rows(circuit))]
    iteration = None if examples else Run(lesson).iteration(1)
    kept = iteration.values if iteration else {}
    for i, example in enumerate(examples or [{}]):
        values = {**circuit.inputs, **example, **kept}
        if fault := _not_finite(circuit, values, program.model.blocked, i if examples else None):
            yield fault
            break
    used = _reaching(circuit)
    reached = {definition.at for definition in circuit.definitions if definition.name in used}
    idle = [definition for definition in circuit.definitions if definition.at not in reached]
    yield from _idle_lines(lesson, idle)
    met = {ref.symbol.id for definition in idle for ref in refs(definition.formula)} - used
    for name in circuit.inputs:
        if name in met:  # the line is told that it is in
            continue
        gradient = program.by_key.get(derivative(circuit.output, name))
        if name not in used or (gradient is not None and gradient.rule == "no_path"):
            message = say(
                "the output '{output}' does not depend on the input '{name}'", output=circuit.output, name=name
            )
            advice = say("its gradient is 0: use it in a line that leads to the output, or leave it out")
            yield Fault(circuit.place(name), message, advice, severity="warning")


def _idle_lines(lesson: Lesson, idle: Sequence[Definition]) -> Iterator[Fault]:
    """Lines that do not reach the output at any time: of several that follow from one another the last is told.

    Not those that the lesson speaks of, such as predictions that are there to be looked at.
    """
    circuit = lesson.circuit
    assert circuit
    about = {line_of(whole(one.step))
             for group in (lesson.notes, lesson.questions, lesson.expect) for one in group}  # fmt: skip
    met = {ref.symbol.id for definition in idle for ref in refs(definition.formula)}
    told: set[int] = set()
    for definition in idle:
        last = definition.name not in met and definition.name not in about
        if last and definition.at not in told:
            told.add(definition.at)
            words = {"output": circuit.output, "name": definition.name}
            message = say("the output '{output}' does not depend on the line '{name}'", **words)
            advice = say(
                "use it in a line that leads to the output, or leave it out; if it is meant, a note on it says so"
            )
            yield Fault(("circuit", "define", definition.at), message, advice, severity="warning")


MOST_EXAMPLES = 200  # of a circuit, whose forward pass is looked at


def _rows(circuit: Circuit) -> int:
    return min(MOST_EXAMPLES, max(map(len, circuit.examples.values()), default=0))


def _not_finite(circuit: Circuit, values: dict[str, Any], blocked: Set[str], example: int | None) -> Fault | None:
    """The first line whose value is not finite; `values` has the inputs, and lines that are known already.

    What a mask blocks is −∞, and so is what follows from it alone.
    """
    for definition in circuit.definitions:
        name, formula = definition.name, definition.formula
        value = np.asarray(values[name] if name in values else evaluate(formula, lambda ref: values[ref.symbol.id]))
        values[name] = value[()]
        odd = ~np.isfinite(value) & ~((value == -np.inf) & (name in blocked))
        if not odd.any():
            continue
        index = tuple(map(int, np.argwhere(odd)[0]))
        unknown = say("undefined" if np.isnan(value[index]) else "too large for a number")
        message = say(
            "with these inputs '{name}' is {what}"
            if example is None
            else "with these inputs '{name}' is {what} in example {n}",
            name=name + index_text(index), what=_culprit(formula, values) or unknown, n=(example or 0) + 1,
        )  # fmt: skip
        advice = say("change an input or the formula so that every value of the forward pass is finite")
        return Fault(("circuit", "define", definition.at), message, advice)
    return None


def _reaching(circuit: Circuit) -> set[str]:
    """The names that the output is made of."""
    used = {circuit.output}
    for definition in reversed(circuit.definitions):
        if definition.name in used:
            used |= {ref.symbol.id for ref in refs(definition.formula)}
    return used
