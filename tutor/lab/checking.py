"""From a learner's file to verdicts: it is run on every case, and what comes back is diagnosed array by array."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tutor.engine.array_functions import shape_text
from tutor.lab.exercise import Case, Exercise, OwnSlip
from tutor.lab.runner import Answered, Mistake, Ran, job, run
from tutor.solutions.files import Handed
from tutor.solutions.judging import ArrayVerdict, Diagnosis, diagnose
from tutor.solutions.naming import tolerance
from tutor.solutions.searching import MOST_SLIPS, Named

MOST_BYTES = 1_000_000  # of a learner's file
WORK = 2_000_000  # numbers that a search for slips computes at most: who saves waits for it
WHOLE = OwnSlip(  # any exercise's; `_cut_off` says where it is so
    "whole-numbers",
    "the numbers were cut off to whole ones",
    "np.zeros_like of whole numbers, // and int() do that: begin with floats, and divide by /.",
    lambda case: {},
)


@dataclass(frozen=True)
class Judged:
    """A case whose arrays came back: what is said of them, which arguments were changed in place, what was printed.

    `missing` are the names of what is not written yet.
    """

    case: Case
    diagnosis: Diagnosis
    changed: tuple[str, ...] = ()
    printed: str = ""
    missing: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether every array is there, and right."""
        return self.diagnosis.right and not self.missing


@dataclass(frozen=True)
class Check:
    """A file that was run once. `seed` made the random numbers: the same seed makes the same.

    `judged` are the cases that came to their end; if all of them are right, `mistake` is why the next did not, and `at`
    which that was, None if the file could not even be loaded.
    """

    exercise: Exercise
    path: Path
    seed: int
    judged: tuple[Judged, ...] = ()
    cases: int = 0
    mistake: Mistake | None = None
    at: Case | None = None
    printed: str = ""
    cut: bool = False
    untouched: bool = False

    @property
    def done(self) -> bool:
        """Whether every array of every case is right."""
        return self.mistake is None and len(self.judged) == self.cases > 0 and all(one.right for one in self.judged)

    @property
    def shown(self) -> Judged | None:
        """The case to speak of: the first that is not right, else the first; None where the mistake is all there is."""
        return next((one for one in self.judged if not one.right), self.judged[0] if self.done else None)


def check(exercise: Exercise, path: Path, seed: int, runner: Callable[[Mapping[str, Any]], Ran] = run) -> Check:
    """Run a file and judge what comes back. Raises OSError where it cannot be read, or no process be started."""
    found = Check(exercise, path, seed)
    data = path.read_bytes()
    try:
        if len(data) > MOST_BYTES:
            raise ValueError(f"it has {len(data):,} bytes")
        source = data.decode("utf-8-sig")
        if "\0" in source:
            raise ValueError("it has a NUL in it")
    except ValueError as error:
        return replace(found, mistake=Mistake("unreadable", text=str(error)))
    cases = list(exercise.cases(np.random.default_rng(seed)))
    given = [exercise.arguments(case) for case in cases]
    ran = runner(job(path, source, exercise.name, exercise.driver, list(exercise.returns), given))
    printed = _printed(ran, len(cases))
    judged = agreed(_judged(exercise, cases, ran.cases, printed))
    wrong = next((one for one in judged if not one.right), None)  # then a later mistake is none to speak of yet
    begun = len(ran.printed) - 1  # so many cases, the last of which may not have ended
    return replace(
        found,
        judged=judged,
        cases=len(cases),
        mistake=None if wrong else ran.mistake,
        at=cases[min(begun, len(cases)) - 1] if ran.mistake and begun > 0 else None,
        printed=wrong.printed if wrong else printed[max(begun, 1) - 1 if ran.mistake else 0],
        cut=ran.cut,
        untouched=source.split() == exercise.skeleton.read_text(encoding="utf-8").split(),
    )


def _judged(
    exercise: Exercise, cases: Sequence[Case], back: Sequence[Answered], printed: Sequence[str]
) -> list[Judged]:
    """The cases that came back, up to one that no slip explains: another could say no more of it."""
    found = []
    for case, answered, said in zip(cases, back, printed, strict=False):
        missing = tuple(name for name in exercise.returns if name not in answered.arrays)
        one = Judged(case, judge(exercise, case, answered), answered.changed, said, missing)
        found.append(one)
        first = one.diagnosis.first_wrong
        if not one.right and not (first and first.slips):
            break
    return found


def agreed(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """The same, with the slips that the other cases speak for first: one case's numbers may fit several by chance."""
    wrong = [one.diagnosis.first_wrong for one in judged]
    named = [{slip.name for slip in first.slips} if first else set() for first in wrong]

    def of(at: int, one: Judged) -> Judged:
        first = wrong[at]
        if first is None or not first.slips or first.step is None:
            return one
        votes = {slip.name: sum(slip.name in names for names in named) for slip in first.slips}
        most = max(votes.values())
        slips = tuple(slip for slip in first.slips if votes[slip.name] == most)
        if slips == first.slips:
            return one
        said = replace(first, message=slips[0].said(first.step), slips=slips)
        return replace(one, diagnosis=_with(one.diagnosis, first, said))

    return tuple(of(at, one) for at, one in enumerate(judged))


def _with(found: Diagnosis, old: ArrayVerdict, new: ArrayVerdict) -> Diagnosis:
    return replace(found, arrays=tuple(new if one is old else one for one in found.arrays))


def _printed(ran: Ran, cases: int) -> list[str]:
    """What to show beside each case: what was printed while the file was loaded, then what the case printed."""
    first, *rest = ran.printed or ("",)
    return [first + (rest[at] if at < len(rest) else "") for at in range(max(cases, len(rest)))]


def judge(exercise: Exercise, case: Case, answered: Answered) -> Diagnosis:
    """Hold what came back against the case's lesson, and against the slips that no equation makes."""
    returned = answered.arrays
    right = {name: exercise.value(name, case) for name in exercise.returns if name in returned}
    odd = [name for name in right if _plain(returned[name].shape) != _plain(right[name].shape)]
    handed = []
    for name, array in returned.items():
        rows = () if name in odd else exercise.rows(name)
        handed += [_handed(exercise, row, array.reshape(right[name].shape)[at]) for at, row in enumerate(rows)]
        handed += [] if rows else [_handed(exercise, name, array)]
    own = [slip for slip in exercise.slips if _is(slip.wrong(case), handed)]
    cut = [name for name in right if _cut_off(returned[name], right[name])]
    found = _diagnosed(exercise, case, handed, 0 if own or cut else WORK)
    for verdict in found.arrays:
        if verdict.name in odd:
            says = _shape_words(returned[verdict.name], right[verdict.name])
            found = _with(found, verdict, replace(verdict, verdict="shape", message=says, slips=()))
    first = found.first_wrong
    if first is None or first.verdict == "shape" or first.step is None:
        return found
    own = [WHOLE, *own] if first.name in cut else own
    if not own:
        return found
    named = [Named(slip.name, slip.title, slip.remedy, first.step) for slip in own]
    said = replace(first, verdict="slip", message=named[0].said(first.step), slips=(*named, *first.slips)[:MOST_SLIPS])
    return _with(found, first, said)


def _diagnosed(exercise: Exercise, case: Case, handed: Sequence[Handed], work: int) -> Diagnosis:
    """The verdicts on what was handed in. What the learner was given counts as known: no slip is looked for in it."""
    steps = {id for id in exercise.takes.values() if isinstance(id, str) and case.trace.program.equation(id)}
    given = {f"given {id}": id for id in steps - set(exercise.steps.values())}
    known = [Handed(name, case.value(id)) for name, id in given.items()]
    whole = {name: ids if isinstance(ids, str) else ids[0] for name, ids in exercise.returns.items()}
    found = diagnose(case.trace, [*known, *handed], None, {**whole, **exercise.steps, **given}, work)
    many = len(known)
    return Diagnosis(found.arrays[many:], tuple(at - many for at in found.order if at >= many), found.untried)


def _plain(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without its ones: a number in brackets, or a row of a matrix, is as good."""
    return tuple(n for n in shape if n != 1)


def _shape_words(found: np.ndarray, right: np.ndarray) -> str:
    """That an array has another shape than it should have, and what became of it, where that can be seen."""
    said = f"It is {shape_text(found.shape)}, and should be {shape_text(right.shape)}"
    if found.ndim == 2 and found.shape[::-1] == right.shape:
        return f"{said}: rows and columns are exchanged."
    if found.ndim == right.ndim + 1 and found.shape[1:] == right.shape:
        for way, total in (("added up", found.sum(axis=0)), ("their mean", found.mean(axis=0))):
            if np.allclose(total, right, rtol=1e-6, atol=1e-12):
                return f"{said}: a part from each row, {way}, would be right."
    return f"{said}."


def _cut_off(found: np.ndarray, right: np.ndarray) -> bool:
    """Whether whole numbers are what is left of right ones that are none."""
    if found.dtype.kind not in "iub" or found.size != right.size or np.array_equal(found.reshape(right.shape), right):
        return False
    return any(np.array_equal(found.reshape(right.shape), cut(right)) for cut in (np.trunc, np.floor, np.rint))


def _is(wrong: Mapping[str, np.ndarray], handed: Sequence[Handed]) -> bool:
    """Whether a slip gives these arrays: all that it says something of."""
    arrays = {array.name: array for array in handed}
    if not wrong or not set(wrong) <= set(arrays):
        return False
    for name, values in wrong.items():
        array, values = arrays[name], np.asarray(values, dtype=float)
        if array.values.size != values.size:
            return False
        values = values.reshape(array.values.shape)
        no_number = np.isnan(array.values) & np.isnan(values)
        if not np.all(no_number | (np.abs(array.values - values) <= tolerance(array, values))):
            return False
    return True


def _handed(exercise: Exercise, name: str, array: np.ndarray) -> Handed:
    handed = Handed.of(name, array)
    if exercise.digits is None or name not in exercise.steps:
        return handed
    return replace(handed, digits=min(handed.digits, exercise.digits))
