"""What is said of a run: lines with a style, for the screen and for lines alike, and the JSON of docs/lab.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tutor.engine.trace import NoSuchStep, Step
from tutor.lab.advice import advice, message
from tutor.lab.checking import FileCheck, Judged
from tutor.lab.exercise import Exercise
from tutor.solutions import words as solution_words
from tutor.solutions.judging import ArrayVerdict
from tutor.text.card import Scribe
from tutor.text.language import N_, say, say_in, say_many
from tutor.text.layout import linear
from tutor.text.words import listed

FORMAT = 1
NOTATION = "dz"  # the skeletons' names are nearest to it
MOST_LINES = 40  # of what was printed


class SaidLine(NamedTuple):
    """A line and what it is: "title", "verdict KIND", "code", "numbers", "dim", or "" for plain words."""

    text: str = ""
    style: str = ""


# ---------------------------------------------------------------- a run


def headline(found: FileCheck) -> str:
    """The one sentence that matters most."""
    if found.done:
        return say_many(
            found.cases, "Right, all of it, with {n} set of numbers.", "Right, all of it, with {n} sets of numbers."
        )
    if found.untouched:
        return say("The file is as it was at the beginning: put your lines in place of the dots, and save.")
    if found.mistake:
        return message(found.mistake, found.exercise)
    one = found.shown
    assert one is not None
    first = one.diagnosis.first_wrong
    before = [one.diagnosis.arrays[at] for at in one.diagnosis.order]
    if first is None and one.missing and before:
        names = listed([verdict.name for verdict in before])
        told = say_many(len(before), "{names} is right so far.", "{names} are right so far.", names=names)
        return f"{told} {say('Next: {name}.', name=one.missing[0])}"
    if first is None:
        return say("Nothing that is returned can be judged.")
    before = before[: before.index(first)]
    wrong = say("The first that is wrong is {where}: {message}", where=first.name, message=first.message)
    if not before:
        return wrong
    names = listed([verdict.name for verdict in before])
    return f"{say_many(len(before), '{names} is right.', '{names} are right.', names=names)} {wrong}"


def lines(found: FileCheck) -> Iterator[SaidLine]:
    """All that is said of a run."""
    yield SaidLine(headline(found), "title")
    yield SaidLine()
    if found.untouched:
        return
    if found.done:
        for case in found.judged:
            yield SaidLine(f"✓ {case.case.title}", "verdict right")
    elif found.mistake:
        yield from _of_mistake(found)
    elif found.shown:
        yield from _of_case(found, found.shown)
    yield from _noted(found)
    yield from _of_prints(found)


def _of_mistake(found: FileCheck) -> Iterator[SaidLine]:
    mistake = found.mistake
    assert mistake is not None
    for frame in mistake.frames:
        told = N_("line {n}:")
        if frame.function and frame.function != "<module>":
            told = N_("line {n} in {function}:")
        yield SaidLine(say(told, n=frame.line, function=frame.function), "dim")
        yield SaidLine(f"    {frame.text}", "code")
    if text := advice(mistake, found.exercise):
        yield SaidLine(text)
    if found.at is not None and found.judged:
        right = listed([one.case.title for one in found.judged])
        yield SaidLine(say("It was right with {cases}; this is with {case}.", cases=right, case=found.at.title))


def _of_case(found: FileCheck, one: Judged) -> Iterator[SaidLine]:
    before = [case for case in found.judged if case.right]
    if before and found.judged.index(one) > 0:
        told = (
            N_("It is right with {first}, and not with {case}.")
            if _is_named(one)
            else N_("It is right with {first}, and not with {case}: is a number, a size or a sign of the first taken "
                    "for granted in the code?")
        )  # fmt: skip
        yield SaidLine(say(told, first=before[0].case.title, case=one.case.title))
    else:
        yield SaidLine(say("With {case}:", case=one.case.title), "dim")
    for at in one.diagnosis.order:
        yield from _of_array(one.diagnosis.arrays[at], one.diagnosis.first_wrong)
    for verdict in one.diagnosis.arrays:
        if verdict.step is None and verdict.name in found.exercise.returns:
            yield SaidLine(f"{verdict.name}: {verdict.message}", f"verdict {verdict.verdict}")
    for name in one.missing:
        yield SaidLine(f"{name}  {say('not written yet')}", "dim")
    if one.diagnosis.untried:
        yield SaidLine(one.diagnosis.untried, "dim")
    step = _wrong_step(found.exercise, one)
    if step is not None:
        yield SaidLine()
        yield SaidLine(_theory(one, step))
        if one.case.lesson.id == found.exercise.lesson:
            told = say("It is the step {step} of the lesson {lesson}.", step=step.id, lesson=found.exercise.lesson)
            yield SaidLine(told, "dim")


def _is_named(one: Judged) -> bool:
    """Whether a slip says what went wrong in a case."""
    first = one.diagnosis.first_wrong
    return first is not None and bool(first.slips)


def _of_array(verdict: ArrayVerdict, first: ArrayVerdict | None) -> Iterator[SaidLine]:
    off = ""
    if verdict.max_difference and verdict.verdict != "right":
        off = say(", off by {difference}", difference=f"{verdict.max_difference:.3g}")
    beside = "" if verdict is first or verdict.verdict in ("right", "carried", "wrong") else f": {verdict.message}"
    said = say_in("cell", verdict.verdict)
    yield SaidLine(f"{verdict.name}  {said}{off}{beside}", f"verdict {verdict.verdict}")
    if verdict is first:
        for slip in verdict.slips[1:]:
            yield SaidLine("   " + say("or: {slip}", slip=slip.title), "dim")


def _theory(one: Judged, step: Step) -> str:
    """Why the first wrong step is as it is; of one on the way to the array under the lesson's name."""
    first, scribe = one.diagnosis.first_wrong, Scribe(one.case.trace, NOTATION)
    assert first is not None
    name = first.name
    if step.id != first.step:
        name = say("{name}, on the way to {array}", name=scribe.writer.text(step.ref), array=first.name)
    return say("The theory of {name}: {why}", name=name, why=scribe.explainer.why(step))


def _wrong_step(exercise: Exercise, one: Judged) -> Step | None:
    """The step in which the first wrong array went wrong, where it says the theory: the slip's, or its own."""
    first = one.diagnosis.first_wrong
    if first is None or first.step is None or not exercise.theory:
        return None
    for id in (first.slips[0].at if first.slips else "", first.step):
        try:
            return one.case.trace.find(id) if id else None
        except NoSuchStep:  # something that is given, not made
            continue
    return None


def _noted(found: FileCheck) -> Iterator[SaidLine]:
    changed = list(dict.fromkeys(name for one in found.judged for name in one.changed))
    if changed:
        yield SaidLine()
        yield SaidLine(
            say_many(
                len(changed),
                "{names} was changed in place, and may be needed as it was: work on a copy, or write "
                "a = a - ... in place of a -= ....",
                "{names} were changed in place, and may be needed as they were: work on a copy, or write "
                "a = a - ... in place of a -= ....",
                names=listed(changed),
            )
        )


def _of_prints(found: FileCheck) -> Iterator[SaidLine]:
    text = found.printed.strip("\n")
    if not text.strip():
        return
    rows = text.split("\n")
    yield SaidLine()
    yield SaidLine(say("What it printed:"), "dim")
    yield from (SaidLine(f"  {row}", "numbers") for row in rows[:MOST_LINES])
    if len(rows) > MOST_LINES or found.cut:
        more = say_many(len(rows) - MOST_LINES, "{n} line more", "{n} lines more")
        yield SaidLine("  … " + (say("it goes on: too much to keep") if found.cut else more), "dim")


# ---------------------------------------------------------------- hints


def hint(exercise: Exercise, rung: int, found: FileCheck | None) -> str:
    """A rung of the hints, from 1; with the step that went wrong in the last run, where there is one."""
    said = say(exercise.hints[rung - 1])
    one = found.shown if found else None
    step = _wrong_step(exercise, one) if one else None
    if rung == 2 and one and one.diagnosis.first_wrong:
        return f"{say('Look at {name} first.', name=one.diagnosis.first_wrong.name)} {said}"
    if rung == 3 and one and step:
        name, formula, *_ = Scribe(one.case.trace, NOTATION).formulas(step).main.docs
        step_said = f"{linear(name)} = {linear(formula)}"
        told = say("The step that went wrong, in the lesson's words: {step}", step=step_said)
        return f"{said}\n{told}"
    return said


# ---------------------------------------------------------------- JSON


def as_json(found: FileCheck) -> dict[str, Any]:
    """The contract of docs/lab.md."""
    mistake = found.mistake
    return {
        "format": FORMAT,
        "exercise": found.exercise.id,
        "file": str(found.path),
        "seed": found.seed,
        "done": found.done,
        "headline": headline(found),
        "cases": [_case(one) for one in found.judged],
        "mistake": None
        if mistake is None
        else {
            "kind": mistake.kind,
            "type": mistake.type or None,
            "message": message(mistake, found.exercise),
            "advice": advice(mistake, found.exercise) or None,
            "frames": [
                {"line": frame.line, "function": frame.function, "text": frame.text} for frame in mistake.frames
            ],
            "case": found.at.title if found.at else None,
        },
        "printed": found.printed,
    }


def _case(one: Judged) -> dict[str, Any]:
    said = solution_words.as_json(one.diagnosis, one.case.trace)
    first = one.diagnosis.first_wrong
    return {
        "case": one.case.title,
        "lesson": said["lesson"],
        "iteration": said["iteration"],
        "right": one.right,
        "first_wrong": first.name if first else None,
        "arrays": said["arrays"],
        "changed": list(one.changed),
        "missing": list(one.missing),
    }
