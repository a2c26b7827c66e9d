"""A diagnosis in words, and as the JSON of docs/diagnose.md."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tutor.engine.trace import Trace
from tutor.solutions.judging import ArrayVerdict, Diagnosis
from tutor.text.cells import pad, width
from tutor.text.language import N_, say, say_in, say_many
from tutor.text.output import quote

FORMAT = 1


def headline(found: Diagnosis) -> str:
    """The one sentence that matters most."""
    judged = [found.arrays[at] for at in found.order]
    if not judged:
        return say("Nothing in this file is a value of the lesson.")
    first = found.first_wrong
    lost = [quote(verdict.name) for verdict in found.arrays if verdict.verdict == "unknown"]
    some = f"{', '.join(lost[:3])}{' …' * (len(lost) > 3)}"
    besides = [found.read, say("Not judged: {names}.", names=some) if lost else ""]
    if first is None:
        if any(verdict.verdict == "rounded" for verdict in judged):
            told = say_many(
                len(judged),
                "It is right, but for rounding on the way.",
                "All {n} arrays are right, but for rounding on the way.",
            )
        else:
            told = say_many(len(judged), "It is right.", "All {n} arrays are right.")
        return " ".join(filter(None, [told, *besides]))
    before = judged[: judged.index(first)]
    upto = say("All right up to {step}.", step=before[-1].step) if before else ""
    wrong = say("The first that is wrong is {where}: {message}", where=first.step, message=first.message)
    return " ".join(filter(None, [upto, wrong, *besides]))


def as_text(found: Diagnosis) -> Iterator[str]:
    """The lines that a person reads."""
    yield headline(found)
    yield ""
    names = {at: named(found.arrays[at]) for at in range(len(found.arrays))}
    kinds = {at: say_in("cell", found.arrays[at].verdict) for at in names}
    wide = max(map(width, names.values()), default=0)
    room = max(8, *map(width, kinds.values())) if kinds else 8
    for at in (*found.order, *(at for at in names if at not in found.order)):
        verdict = found.arrays[at]
        off = ""
        if verdict.max_difference is not None and verdict.verdict != "right":
            off = "  " + say("(off by {size})", size=f"{verdict.max_difference:.3g}")
        yield f"  {pad(kinds[at], room)}  {pad(names[at], wide)}  {verdict.message}{off}".rstrip()
        for slip in verdict.slips[1:]:
            told = N_("or: {title}") if slip.at == verdict.step else N_("or: {title} (at {step})")
            yield f"  {' ' * room}  {' ' * wide}  {say(told, title=slip.title, step=slip.at)}"
    if found.untried:
        yield ""
        yield found.untried


def named(verdict: ArrayVerdict) -> str:
    """The step, and what the file calls it where that is something else."""
    if verdict.step is None or verdict.name == verdict.step:
        return verdict.name
    return f"{verdict.step} ({verdict.name})"


def as_json(found: Diagnosis, trace: Trace) -> dict[str, Any]:
    """The contract of docs/diagnose.md."""
    first = found.first_wrong
    return {
        "format": FORMAT,
        "lesson": trace.lesson.id,
        "iteration": trace.iteration.number,
        "first_wrong": first.step if first else None,
        "headline": headline(found),
        "untried": found.untried or None,
        "arrays": [
            {
                "name": verdict.name,
                "step": verdict.step,
                "verdict": verdict.verdict,
                "message": verdict.message,
                "slips": [
                    {"name": slip.name, "title": slip.title, "at": slip.at, "explains": slip.explains}
                    for slip in verdict.slips
                ],
                "max_difference": _finite(verdict.max_difference),
            }
            for verdict in found.arrays
        ],
    }


def _finite(number: float | None) -> float | None:
    """A number as JSON has one: a finite number in a blocked position is infinitely far off."""
    return number if number is not None and math.isfinite(number) else None
