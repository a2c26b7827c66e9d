"""What an exercise of the lab is: a function to write, lessons that say what is right, hints.

The truth of a case is a lesson: what the learner's function is given are values of its trace, and what it returns is
held against the lesson's steps, as any solution is (`tutor.solutions.judging`). So every slip of the table of
misconceptions is told by name, and only slips that no equation of a lesson can make need an entry of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from tutor.engine.expressions import Ref
from tutor.engine.lesson import Lesson
from tutor.engine.run import Run
from tutor.engine.trace import Trace
from tutor.lessonfiles.catalogue import data_dir
from tutor.text.language import LANGUAGES

# A value of the trace by its id (W1, dL/dz2, training.learning_rate), or what makes it of the case.
Taken: TypeAlias = "str | Callable[[Case], Any]"
Arrays: TypeAlias = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Case:
    """One call of what the learner wrote: a lesson in one iteration. `extra` is what the lesson has no value for.

    `title` completes "With ...": "the numbers of the lesson one-neuron", "random numbers, 4 inputs".
    """

    title: str
    lesson: Lesson
    iteration: int = 1
    extra: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def trace(self) -> Trace:
        """The lesson's values in this iteration."""
        found = Run(self.lesson).iteration(self.iteration)
        assert found is not None
        return Trace(self.lesson, found)

    def value(self, id: str) -> np.ndarray:
        """A value by its id (W1, dL/dz2, training.learning_rate), an array of its own.

        Of a batch's data and units it has the examples in front; a gradient is the batch's where each example has one,
        too. Raises KeyError.
        """
        symbol = self.trace.program.named(id)
        if symbol is None:
            raise KeyError(id)
        found = np.array(self.trace.value(Ref(symbol)), dtype=float)
        return found[0] if self.trace.examples == 1 and found.ndim > len(symbol.shape) else found


@dataclass(frozen=True)
class OwnSlip:
    """A slip of one exercise that no rewriting of an equation gives: a one-sided difference, gradients not zeroed.

    `wrong` has the arrays that come of it in a case, by the names of `returns`; those that it leaves out are as they
    should be, and {} says that the case cannot show it. `title` begins small, without a full stop; `remedy` is a
    sentence.
    """

    name: str
    title: str
    remedy: str
    wrong: Callable[[Case], Arrays]


@dataclass(frozen=True)
class Exercise:
    """One file to complete.

    id        its name: of the file, of the skeleton `assets/lab/ID.py`, and of the function unless `call` says another
    aim       one sentence: what the learner's code can do at the end
    lesson    the id of the lesson that has the theory
    takes     the arguments in their order, by the names of the skeleton
    returns   what comes back in its order, by the names of the skeleton: name -> id of the step; of an array whose rows
              are steps of their own (the states of a recurrence) their ids
    cases     the calls, made with fresh random numbers: first the lesson's own numbers, then random ones
    hints     three rungs: what kind of thing it is about, where to look, the formula
    driver    what calls it, a function of `drivers.py`: the usual one calls a function with the arguments
    slips     those that are the exercise's own
    digits    how many digits of what is returned count; less than 12 where the method is no finer
    theory    whether the equations of the cases' lessons are what is learnt, so that their whys say it
    """

    id: str
    title: str
    aim: str
    lesson: str
    takes: Mapping[str, Taken]
    returns: Mapping[str, str | tuple[str, ...]]
    cases: Callable[[np.random.Generator], Sequence[Case]]
    hints: tuple[str, str, str]
    call: str = ""
    driver: str = "function"
    slips: tuple[OwnSlip, ...] = ()
    digits: int | None = None
    theory: bool = True

    @property
    def name(self) -> str:
        """What the learner writes is called so in the file."""
        return self.call or self.id

    @property
    def skeleton(self) -> Path:
        """The file to begin with, in English: its code is the same in every language, and its comments differ."""
        return data_dir("assets") / "lab" / f"{self.id}.py"

    def skeleton_in(self, language: str) -> Path:
        """The file to begin with in a language; the English one where it has none of its own."""
        own = self.skeleton.with_name(language) / self.skeleton.name
        return own if own.is_file() else self.skeleton

    def is_untouched(self, source: str) -> bool:
        """Whether a file is as it was at the beginning, in whichever language it was begun."""
        beginnings = {self.skeleton_in(code) for code in LANGUAGES}
        return any(source.split() == path.read_text(encoding="utf-8").split() for path in beginnings)

    @cached_property
    def signature(self) -> str:
        """Its first line: def neuron(x, w, b, y)."""
        found = re.search(rf"^(?:def|class) {self.name}\b.*(?=:$)", self.skeleton.read_text(encoding="utf-8"), re.M)
        assert found is not None, f"{self.skeleton} has no {self.name}"
        return found[0]

    @property
    def given(self) -> tuple[str, ...]:
        """What a function has in its brackets; () of a class."""
        return tuple(re.findall(r"\w+", self.signature.partition("(")[2]))

    def rows(self, name: str) -> tuple[str, ...]:
        """The names of the rows of what is returned, "H[0]" ...; () where it is one step."""
        ids = self.returns.get(name, "")
        return () if isinstance(ids, str) else tuple(f"{name}[{at}]" for at in range(len(ids)))

    @cached_property
    def steps(self) -> dict[str, str]:
        """The ids of the steps by the names of what is returned, or of its rows."""
        found: dict[str, str] = {}
        for name, ids in self.returns.items():
            found |= {name: ids} if isinstance(ids, str) else dict(zip(self.rows(name), ids, strict=True))
        return found

    def value(self, name: str, case: Case) -> np.ndarray:
        """What should be returned under a name in a case: an array, of several ids stacked. Raises KeyError."""
        ids = self.returns[name]
        return case.value(ids) if isinstance(ids, str) else np.stack([case.value(id) for id in ids])

    def arguments(self, case: Case) -> dict[str, Any]:
        """What the learner's code is given in a case, by name."""
        found = {
            name: case.extra[name] if name in case.extra else taken(case) if callable(taken) else case.value(taken)
            for name, taken in self.takes.items()
        }
        return {name: float(value) if isinstance(value, np.ndarray) and not value.shape else value
                for name, value in found.items()}  # fmt: skip
