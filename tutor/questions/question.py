"""A question about one number of a trace: its right value, what every slip gives, and how near an answer has to be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tutor.engine.expressions import Expr, evaluate, refs
from tutor.engine.floats import quietly
from tutor.engine.trace import Step, as_shown
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.names import Names, look_up
from tutor.questions.rounding import LARGE, NEAT, bounds, rounded, same
from tutor.questions.slips import Slip, table_for, unique
from tutor.text.language import N_, say
from tutor.text.layout import number
from tutor.text.writer import Writer

DIGITS = 3  # significant digits that are asked for
TOLERANCE = 0.005  # relative, beyond rounding; never looser than half-way to a slip's value
CLEAR = 3  # times as near to the right value as to a slip's: work by hand is mostly off by a tenth of what it may be
PLAIN = 0.1  # relative: what rounding on the way took more of is asked for with one more digit


@dataclass(frozen=True)
class Question:
    """Asks for the value of a step (one number), in so many significant digits."""

    step: Step
    writer: Writer
    digits: int = DIGITS

    @cached_property
    def right(self) -> float:
        """The right value, at full precision; not finite where there is none."""
        return float(self.step.value)

    @cached_property
    def _wrong_values(self) -> np.ndarray:
        """The value of every slip in the table; NaN where it has none or changes nothing."""
        values = table_for(self.step.trace, self.step.equation).at(self.step)
        with quietly():
            alike = np.abs(values - self.right) <= NEAT * np.maximum(np.abs(values), abs(self.right))
            if self.is_zero:  # a slip that gives what floating point leaves of 0 gives 0
                alike |= np.abs(values) <= 1e-12 * self.scale
        return np.where(np.isfinite(values) & ~alike, values, np.nan)

    def _slip(self, at: np.integer) -> Slip:
        return Slip(*table_for(self.step.trace, self.step.equation).entries[int(at)], float(self._wrong_values[at]))

    @cached_property
    def slips(self) -> list[Slip]:
        """The slips that change the value."""
        return [self._slip(at) for at in np.flatnonzero(np.isfinite(self._wrong_values))]

    def slips_near(self, value: float, relative: float) -> list[Slip]:
        """The slips that lead to about this value, the nearest equation first; one an idea and equation."""
        with quietly():
            near = np.abs(self._wrong_values - value) <= relative * abs(value) + 1e-300
        return list(unique(self._slip(at) for at in np.flatnonzero(near)))

    @cached_property
    def names(self) -> Names:
        """The names that an answer may use."""
        return Names(self.step, self.writer)

    @cached_property
    def from_shown(self) -> float:
        """What follows from the operands as they stand on the screen."""
        whole = self.step.at(None).formula
        if not self.many or sum(math.prod(ref.shape) for ref in refs(whole)) > LARGE:
            found = self.worked_as_shown(self.step.formula)
        else:  # the whole at once, then the element: quicker than number by number
            every = self.worked_as_shown(whole)
            found = None if every is None else every[self.step.index or ()]
        return self.right if found is None or not np.isfinite(found) else float(found)

    def worked_as_shown(self, formula: Expr) -> np.ndarray | None:
        """A formula of this step worked out with the operands as they stand on the screen.

        A number, or an array of the step's shape; None where the formula comes to something else.
        """
        digits = self.step.digits
        value = np.asarray(evaluate(formula, lambda ref: as_shown(look_up(self.step, ref), digits)), dtype=float)
        return value if value.shape in ((), self.step.equation.symbol.shape) else None

    @cached_property
    def many(self) -> bool:
        """Whether the operands are too many to be looked at one by one."""
        return len(self.step.operands) > 64

    @property
    def shown_is_near(self) -> bool:
        """Whether enough digits are shown that what follows from them is within rounding of the right value."""
        return not self.many and abs(self.right) > 1e-6 * self.scale

    @cached_property
    def scale(self) -> float:
        """The largest operand; of very many, the largest of all that stand in the whole equation; finite."""
        operands = refs(self.step.at(None).formula) if self.many else self.step.operands
        values = (np.abs(look_up(self.step, ref)) for ref in operands)
        return max((float(np.max(value, where=np.isfinite(value), initial=0.0)) for value in values), default=1.0)

    @cached_property
    def tolerance(self) -> float:
        """How far a right answer may be off, beyond rounding."""
        with quietly():
            away = np.abs(self._wrong_values - self.right)
        away = away[np.isfinite(away)]
        nearest = float(np.min(away)) / 2 if away.size else math.inf
        return min(TOLERANCE * abs(self.right) if self.right else 1e-6 * self.scale, nearest)

    def slack(self, kept: int) -> float:
        """How far off the right method may end that keeps so many digits on each line; 0 where that is no number."""
        return max(bounds(self.step.trace, kept).of(self.step), 0.0) if kept <= 8 else 0.0

    def mistakable(self, value: float, within: float) -> bool:
        """Whether a slip's value lies so near to a value, and the right one not much nearer.

        Slips that one more digit would not tell from the right value either do not count.
        """
        within = min(within, CLEAR * abs(value - self.right))
        with quietly():
            apart = np.abs(self._wrong_values - self.right) > self.slack(self.digits + 1)
            return bool(np.any(apart & (np.abs(self._wrong_values - value) <= within)))

    @property
    def is_zero(self) -> bool:
        """Whether the value is 0; what floating point leaves of a difference that is 0, is 0 (`formula.evaluate`)."""
        return self.right == 0

    @cached_property
    def discriminating(self) -> bool:
        """Whether the value is not trivial, and the asked digits tell it from what every slip gives."""
        return not (self.right in (0.0, 1.0) or self.mistaken)

    def _as_taken(self) -> Iterator[float]:
        """The right value, and what follows from what is shown: that costs more, only where it is needed."""
        yield self.right
        yield self.from_shown

    @cached_property
    def mistaken(self) -> str | None:
        """A misconception that gives the right value at the asked digits; None if none does.

        A slip in the asked equation that changes nothing spoils a question; one further back just has no part in it.
        """
        table = table_for(self.step.trace, self.step.equation)
        here = [entry[2] == 0 for entry in table.entries]
        values = np.where(here, table.at(self.step), self._wrong_values)
        spared = [MISCONCEPTIONS[entry[0]].rare or MISCONCEPTIONS[entry[0]].partial for entry in table.entries]
        values = np.where(spared, np.nan, values)
        for taken in self._as_taken():
            with quietly():
                near = np.flatnonzero(np.abs(values - taken) <= 10.0 ** (1 - self.digits) * abs(taken))
            for at in near:
                if same(taken, rounded(float(values[at]), self.digits), self.digits):
                    return table.entries[at][0]
        return None


# ---------------------------------------------------------------- choosing


def question_at(step: Step, writer: Writer, digits: int = DIGITS) -> Question | None:
    """A question about a step: the element asked for, or the most telling one of a whole; None where none tells.

    Where no element tells mistakes apart at the asked digits, one more digit is asked for.
    """
    elements = [step] if step.shape == () else [step.at(index) for index in _telling(step)]
    elements = [s.at(()) if s.index is None else s for s in elements]
    for more in (0, 1):
        for element in elements:
            question = Question(element, writer, digits + more)
            if math.isfinite(question.right) and question.discriminating:
                return question
    return None


def _telling(step: Step) -> list[tuple[int, ...]]:
    """Some elements of a step, spread over it, off the diagonal first: there a swapped index shows."""
    count = math.prod(step.shape)
    places = range(0, count, count // 48 if count > 64 else 1)
    every = [tuple(map(int, np.unravel_index(at, step.shape))) for at in places]
    return sorted(every, key=lambda i: (len(i) == 2 and i[0] == i[1], -sum(i)))


def shown_value(question: Question) -> str:
    """The right value as the screen shows it."""
    return number(question.right, max(question.step.digits, question.digits))


def in_words(count: int) -> str:
    """A small count as a word, others in digits."""
    words = (N_("one"), N_("two"), N_("three"), N_("four"), N_("five"), N_("six"))
    return say(words[count - 1]) if 1 <= count <= len(words) else str(count)
