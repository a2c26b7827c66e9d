"""A diagnosis in words, and as the JSON of docs/diagnose.md."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tutor.engine.trace import Trace
from tutor.solutions.judging import ArrayVerdict, Diagnosis
from tutor.text.output import quote

FORMAT = 1


def headline(found: Diagnosis) -> str:
    """The one sentence that matters most."""
    judged = [found.arrays[at] for at in found.order]
    if not judged:
        return "Nothing in this file is a value of the lesson."
    first = found.first_wrong
    lost = [quote(verdict.name) for verdict in found.arrays if verdict.verdict == "unknown"]
    unknown = f" Not judged: {', '.join(lost[:3])}{' …' if len(lost) > 3 else ''}." if lost else ""
    read = f" {found.read}" if found.read else ""
    if first is None:
        by_hand = any(verdict.verdict == "rounded" for verdict in judged)
        many = f"All {len(judged)} arrays are" if len(judged) > 1 else "It is"
        return f"{many} right{', but for rounding on the way' if by_hand else ''}.{read}{unknown}"
    before = judged[: judged.index(first)]
    upto = f"All right up to {before[-1].step}. " if before else ""
    return f"{upto}The first that is wrong is {first.step}: {first.message}{read}{unknown}"


def as_text(found: Diagnosis) -> Iterator[str]:
    """The lines that a person reads."""
    yield headline(found)
    yield ""
    names = {at: named(found.arrays[at]) for at in range(len(found.arrays))}
    wide = max(map(len, names.values()), default=0)
    for at in (*found.order, *(at for at in names if at not in found.order)):
        verdict = found.arrays[at]
        off = (
            ""
            if verdict.max_difference is None or verdict.verdict == "right"
            else f"  (off by {verdict.max_difference:.3g})"
        )
        yield f"  {verdict.verdict:8}  {names[at]:{wide}}  {verdict.message}{off}".rstrip()
        for slip in verdict.slips[1:]:
            yield f"  {'':8}  {'':{wide}}  or: {slip.title}{'' if slip.at == verdict.step else f' (at {slip.at})'}"
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
