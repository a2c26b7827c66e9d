"""From a learner's file to verdicts: it is run on every case, and what comes back is diagnosed array by array."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tutor.engine.array_functions import shape_text
from tutor.lab.exercise import Case, Exercise, OwnSlip
from tutor.lab.runner import Answered, Failure, Ran, job, run
from tutor.solutions.files import Handed
from tutor.solutions.judging import GOOD, ArrayVerdict, Diagnosis, diagnose
from tutor.solutions.naming import tolerance
from tutor.solutions.searching import MOST_SLIPS, Named
from tutor.text.language import N_, say
from tutor.text.layout import number

MOST_BYTES = 1_000_000  # of a learner's file
WORK = 2_000_000  # numbers that a search for slips computes at most: who saves waits for it
MANY_SLIPS = 30  # of an array in one case: those that the other cases speak for are kept, `MOST_SLIPS` at most
WHOLE = OwnSlip(  # any exercise's; `_cut_off` says where it is so
    "whole-numbers",
    "the numbers were cut off to whole ones",
    "np.zeros_like of whole numbers, // and int() do that: begin with floats, and divide by /.",
    lambda case: {},
)


@dataclass(frozen=True)
class Judged:
    """A case whose arrays came back: what is said of them, which arguments were changed in place, what was printed.

    `missing` are the names of what is not written yet, `factor` is how many times too large the first wrong array is,
    where that is so in every number of it.
    """

    case: Case
    diagnosis: Diagnosis
    changed: tuple[str, ...] = ()
    printed: str = ""
    missing: tuple[str, ...] = ()
    factor: float | None = None

    @property
    def right(self) -> bool:
        """Whether every array is there, and right."""
        return self.diagnosis.right and not self.missing


@dataclass(frozen=True)
class FileCheck:
    """A file that was run once. `seed` made the random numbers: the same seed makes the same.

    `judged` are the cases that came to their end; if all of them are right, `mistake` is why the next did not, and `at`
    which that was, None if the file could not even be loaded.
    """

    exercise: Exercise
    path: Path
    seed: int
    judged: tuple[Judged, ...] = ()
    cases: int = 0
    mistake: Failure | None = None
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
        """The case to speak of: of those that are wrong by a named slip the one whose wrong array comes first.

        Else a wrong one, else the first that is right; None where the mistake is all there is.
        """
        wrong = [one for one in self.judged if not one.right]
        named = [one for one in wrong if one.diagnosis.first_wrong and one.diagnosis.first_wrong.slips]
        if not named:
            return wrong[0] if wrong else self.judged[0] if self.done else None
        # What a function returns is in the order in which it is computed; an engine's circuits have each their own.
        order = [*self.exercise.steps] if self.exercise.driver == "function" else []

        def place(one: Judged) -> int:
            first = one.diagnosis.first_wrong
            return order.index(first.name) if first and first.name in order else len(order)

        return min(named, key=place)


def read_file(path: Path) -> bytes:
    """What is in a learner's file; of one that is too large, or has no end, a little more than is allowed.

    Raises OSError.
    """
    with open(path, "rb") as file:
        return file.read(MOST_BYTES + 1)


def check(
    exercise: Exercise, path: Path, data: bytes, seed: int, runner: Callable[[Mapping[str, Any]], Ran] = run
) -> FileCheck:
    """Run a file that holds `data`, and judge what comes back. Raises OSError where no process can be started."""
    found = FileCheck(exercise, path, seed)
    try:
        if len(data) > MOST_BYTES:
            raise ValueError(say("it has more than {n} bytes", n=f"{MOST_BYTES:,}"))
        source = data.decode("utf-8-sig")
        if "\0" in source:
            raise ValueError(say("it has a NUL in it"))
    except ValueError as error:
        return replace(found, mistake=Failure("unreadable", text=str(error)))
    cases = list(exercise.cases(np.random.default_rng(seed)))
    given = [exercise.arguments(case) for case in cases]
    ran = runner(job(path, source, exercise.name, exercise.driver, list(exercise.returns), given))
    printed = _printed(ran, len(cases))
    agreeing = agreed(_judged(exercise, cases, ran.cases, printed))
    judged = tuple(_in_own_names(one, exercise) for one in agreeing)
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
        untouched=exercise.is_untouched(source),
    )


def _judged(
    exercise: Exercise, cases: Sequence[Case], back: Sequence[Answered], printed: Sequence[str]
) -> list[Judged]:
    """The cases that came back, up to one that no slip explains: another could say no more of it."""
    found = []
    for case, answered, said in zip(cases, back, printed, strict=False):
        missing = tuple(name for name in exercise.returns if name not in answered.arrays)
        diagnosis = judge(exercise, case, answered)
        first = diagnosis.first_wrong
        factor = _factor(exercise, case, answered, first.name) if first else None
        found.append(Judged(case, diagnosis, answered.changed, said, missing, factor))
        if not found[-1].right and not (first and first.slips) and factor is None:
            break
    return found


def agreed(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """The same, with the slips that the other cases speak for first: one case's numbers may fit several by chance.

    One that the same array of another case speaks against is none.
    """
    wrong = [one.diagnosis.first_wrong for one in judged]
    votes = Counter(name for first in wrong if first for name in {slip.name for slip in first.slips})
    top = max(votes.values(), default=0)
    factor = _common_factor(judged)
    against = {f.name for f, one in zip(wrong, judged, strict=True) if f and not f.slips and one.factor is None}

    def of(at: int, one: Judged) -> Judged:
        first = wrong[at]
        if first is None or first.step is None:
            return one
        if first.name in against and first.slips:
            none = say("No slip that is known by name gives these numbers in every case.")
            said = replace(first, verdict="wrong", message=none, slips=())
            return replace(one, diagnosis=_with(one.diagnosis, first, said))
        most = max((votes[slip.name] for slip in first.slips), default=0)
        slips = tuple(slip for slip in first.slips if votes[slip.name] == most)
        on_the_way = all(slip.doubtful for slip in slips)  # a sign says more by its name all the same
        if factor and (most < max(top, 2) or (on_the_way and factor > 0)):
            title = say("{factor} times what it should be, everywhere", factor=number(factor))
            slips = (Named("factor", title, "", first.step),)
        if not slips or slips == first.slips:
            return one
        said = replace(first, verdict="slip", message=slips[0].said(first.step), slips=slips)
        return replace(one, diagnosis=_with(one.diagnosis, first, said))

    return tuple(_few(of(at, one)) for at, one in enumerate(judged))


def _few(one: Judged) -> Judged:
    """With as many slips of an array as anybody reads."""
    arrays = tuple(replace(verdict, slips=verdict.slips[:MOST_SLIPS]) for verdict in one.diagnosis.arrays)
    return replace(one, diagnosis=replace(one.diagnosis, arrays=arrays))


def _common_factor(judged: Sequence[Judged]) -> float | None:
    """The factor by which the first wrong array is off, the same one in every number of two cases or more."""
    firsts = [(one, one.diagnosis.first_wrong) for one in judged]
    wrong = [(first.name, one.factor) for one, first in firsts if first]
    factors = [factor for _, factor in wrong if factor is not None]
    if len(wrong) < 2 or len({name for name, _ in wrong}) > 1 or len(factors) < len(wrong):
        return None
    return factors[0] if np.allclose(factors, factors[0], rtol=1e-6) else None


def _with(found: Diagnosis, old: ArrayVerdict, new: ArrayVerdict) -> Diagnosis:
    return replace(found, arrays=tuple(new if one is old else one for one in found.arrays))


def _printed(ran: Ran, cases: int) -> list[str]:
    """What to show beside each case: what was printed while the file was loaded, then what the case printed."""
    first, *rest = ran.printed or ("",)
    return [first + (rest[at] if at < len(rest) else "") for at in range(max(cases, len(rest)))]


def _factor(exercise: Exercise, case: Case, answered: Answered, name: str) -> float | None:
    """How many times too large an array is, if all its numbers are, and the factor is one that people lose or add."""
    if name not in exercise.returns:  # a row of what is returned, or what was not asked for
        return None
    found, right = answered.arrays[name].astype(float), exercise.value(name, case)
    if found.size != right.size or not np.all(np.isfinite(right)) or not np.any(right):
        return None
    found, largest = found.reshape(right.shape), np.unravel_index(int(np.argmax(np.abs(right))), right.shape)
    share = float(found[largest] / right[largest])
    n = case.trace.examples
    nice = [factor for factor in (2, 0.5, -1, -2, -0.5, 4, 0.25, n, 1 / n) if math.isclose(factor, share, rel_tol=1e-6)]
    return float(nice[0]) if nice and np.allclose(found, share * right, rtol=1e-9) else None


def judge(exercise: Exercise, case: Case, answered: Answered) -> Diagnosis:
    """Hold what came back against the case's lesson, and against the slips that no equation makes."""
    returned = answered.arrays
    right = {name: exercise.value(name, case) for name in exercise.returns if name in returned}
    odd = [name for name in right if not _fits(returned[name].shape, right[name].shape)]
    handed = []
    for name, array in returned.items():
        if name in odd:  # what follows is held to the right one
            handed.append(_handed(exercise, name, right[name][0] if exercise.rows(name) else right[name]))
        elif rows := exercise.rows(name):
            handed += [_handed(exercise, row, array.reshape(right[name].shape)[at]) for at, row in enumerate(rows)]
        else:
            handed.append(_handed(exercise, name, array))
    own = list({slip.name: slip for slip in exercise.slips if _is(slip.wrong(case), handed)}.values())
    cut = [name for name in right if _cut_off(returned[name], right[name])]
    found = _required(exercise, _diagnosed(exercise, case, handed, 0 if own or cut else WORK))
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
    named = [Named(slip.name, say(slip.title), say(slip.remedy), first.step) for slip in own]
    said = replace(first, verdict="slip", message=named[0].said(first.step), slips=(*named, *first.slips))
    return replace(_with(found, first, said), untried="")


def _required(exercise: Exercise, found: Diagnosis) -> Diagnosis:
    """Where all that was asked for is right, what came back besides may be called as the lesson's values by chance."""
    names = {*exercise.returns, *exercise.steps}
    if not all(one.verdict in GOOD for one in found.arrays if one.name in names):
        return found
    kept = [at for at, one in enumerate(found.arrays) if one.name in names or one.verdict in GOOD]
    return Diagnosis(tuple(found.arrays[at] for at in kept), tuple(kept.index(at) for at in found.order if at in kept))


def _in_own_names(one: Judged, exercise: Exercise) -> Judged:
    """What is said of a case, with the names of the learner's file for the ids of the lesson."""
    names = {id: name for name, id in exercise.takes.items() if isinstance(id, str)}
    names |= {id: name for name, id in reversed(exercise.steps.items())}

    def named(slip: Named) -> Named:
        if slip.name != "another-value":
            return slip
        return replace(slip, title=re.sub(r"\S+", lambda word: names.get(word[0], word[0]), slip.title))

    def said(verdict: ArrayVerdict) -> ArrayVerdict:
        if not verdict.slips:
            return verdict
        slips = tuple(map(named, verdict.slips))
        step = verdict.step or ""
        called = {**names, step: verdict.name} if slips[0].doubtful else names
        return replace(verdict, slips=slips, message=slips[0].said(step, called))

    return replace(one, diagnosis=replace(one.diagnosis, arrays=tuple(map(said, one.diagnosis.arrays))))


def _diagnosed(exercise: Exercise, case: Case, handed: Sequence[Handed], work: int) -> Diagnosis:
    """The verdicts on what was handed in. What the learner was given counts as known: no slip is looked for in it."""
    steps = {id for id in exercise.takes.values() if isinstance(id, str) and case.trace.program.equation(id)}
    given = {f"given {id}": id for id in steps - set(exercise.steps.values())}
    known = [Handed(name, case.value(id)) for name, id in given.items()]
    whole = {name: ids if isinstance(ids, str) else ids[0] for name, ids in exercise.returns.items()}
    names = {**whole, **exercise.steps, **given}
    found = diagnose(case.trace, [*known, *handed], None, names, work, as_laid=True, suggested=MANY_SLIPS)
    many = len(known)
    return Diagnosis(found.arrays[many:], tuple(at - many for at in found.order if at >= many), found.untried)


def _fits(found: tuple[int, ...], right: tuple[int, ...]) -> bool:
    """Whether a shape will do: a number in brackets, or a row of a matrix, is as good; a column for a row is not."""
    turned = len(found) == len(right) == 2 and found != right
    return not turned and [n for n in found if n != 1] == [n for n in right if n != 1]


def _shape_words(found: np.ndarray, right: np.ndarray) -> str:
    """That an array has another shape than it should have, and what became of it, where that can be seen."""
    told = N_("It is {found}, and should be {right}.")
    if found.ndim == 2 and found.shape[::-1] == right.shape:
        told = N_("It is {found}, and should be {right}: rows and columns are exchanged.")
    elif found.ndim == right.ndim + 1 and found.shape[1:] == right.shape:
        if _near(found.sum(axis=0), right):
            told = N_("It is {found}, and should be {right}: a part from each row, added up, would be right.")
        elif _near(found.mean(axis=0), right):
            told = N_("It is {found}, and should be {right}: a part from each row, their mean, would be right.")
    return say(told, found=shape_text(found.shape), right=shape_text(right.shape))


def _near(found: np.ndarray, right: np.ndarray) -> bool:
    return np.allclose(found, right, rtol=1e-6, atol=1e-12)


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
