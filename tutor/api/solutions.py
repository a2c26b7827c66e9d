"""Whole solutions: which array of somebody's is the first that is wrong, and by which slip."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tutor.api.grades import handed as as_handed
from tutor.api.lessons import Lesson, is_whole, iteration_of
from tutor.engine.trace import Trace as EngineTrace
from tutor.solutions import words as solution_words
from tutor.solutions.judging import Diagnosis as Judged
from tutor.solutions.judging import diagnose as judge
from tutor.text.language import say


@dataclass(frozen=True, repr=False, eq=False)
class Diagnosis:
    """What `diagnose` found: true where everything is right. str() is what the command line prints."""

    _found: Judged
    _trace: EngineTrace

    def __bool__(self) -> bool:
        return self._found.right

    @property
    def right(self) -> bool:
        """Whether every array that is a value of the lesson is right, rounding on the way apart."""
        return self._found.right

    @property
    def first_wrong(self) -> str | None:
        """The id of the first step, in the order of computation, whose array is not right."""
        first = self._found.first_wrong
        return first.step if first else None

    @property
    def headline(self) -> str:
        """The sentence that matters most."""
        return solution_words.headline(self._found)

    def as_dict(self) -> dict[str, Any]:
        """The same as `diagnose --format json` prints (docs/diagnose.md)."""
        return solution_words.as_json(self._found, self._trace)

    def __str__(self) -> str:
        return "\n".join(solution_words.as_text(self._found))

    def __repr__(self) -> str:
        return f"<Diagnosis: {self.headline}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def diagnose(
    lesson: Lesson,
    arrays: Mapping[str, Any],
    *,
    iteration: int = 1,
    example: int | None = None,
    names: Mapping[str, str] | None = None,
) -> Diagnosis:
    """Which array of a whole solution is the first that is wrong, and which slip gives it.

    `arrays` are numbers by name (ids, or what code calls them: dW1, W1.grad, fc1.weight.grad): NumPy's, or anything
    that has `tolist` or `detach`, or lists; `example` (from 0) says that they are one example's; `names` maps names to
    ids where they do not tell. Raises ValueError for an iteration or an example that is not there, TypeError for no
    numbers.
    """
    trace = EngineTrace(lesson._lesson, iteration_of(lesson._run, iteration))
    if example is not None and not (is_whole(example) and 0 <= example < trace.examples):
        last, given = trace.examples - 1, repr(example)
        raise ValueError(say("examples are from 0 to {last}, not {given}", last=last, given=given))
    handed = [as_handed(str(name), value) for name, value in arrays.items()]
    return Diagnosis(judge(trace, handed, example, names), trace)


def assert_right(lesson: Lesson, arrays: Mapping[str, Any], **options: Any) -> None:
    """Raise AssertionError, with the diagnosis as its message, unless `diagnose` finds everything right.

    For tests and autograders; `options` are those of `diagnose`. Arrays of which none is the lesson's fail, too.
    """
    found = diagnose(lesson, arrays, **options)
    if not found:
        raise AssertionError(str(found))
