"""A trace, its steps, and what a step can be asked: numbers, words, LaTeX, a gradient check, a grade."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tutor.api.grades import Number, Verdict, graded, number_of
from tutor.engine import gradient_check
from tutor.engine.expressions import Ref
from tutor.engine.floats import quietly
from tutor.engine.lesson import as_level
from tutor.engine.trace import Step as EngineStep
from tutor.engine.trace import Trace as EngineTrace
from tutor.text import to_latex
from tutor.text.card import Card, Scribe
from tutor.text.language import N_, say
from tutor.text.layout import linear
from tutor.text.notations import NOTATIONS
from tutor.text.output import in_html, in_markdown, shown
from tutor.text.words import did_you_mean


def known(notation: str) -> str:
    """A notation that there is. Raises ValueError for any other."""
    if notation not in NOTATIONS:
        near = did_you_mean(notation, NOTATIONS)
        told = N_("there is no notation '{name}'{near}; there are: {names}")
        raise ValueError(say(told, name=notation, near=near, names=", ".join(NOTATIONS)))
    return notation


# ---------------------------------------------------------------- a trace and its steps


@dataclass(frozen=True, repr=False, eq=False)
class Trace:
    """All steps of one iteration, in one notation. A loop over it takes them in order, whole symbols."""

    _trace: EngineTrace
    notation: str

    def __repr__(self) -> str:
        return f"<Trace of {self._trace.lesson.id}: iteration {self.iteration}, {len(self)} steps>"

    @property
    def iteration(self) -> int:
        """Which iteration it is, from 1."""
        return self._trace.iteration.number

    @property
    def rows(self) -> tuple[int, ...]:
        """The examples that the iteration takes, from 0."""
        return tuple(map(int, self._trace.iteration.rows))

    @cached_property
    def _scribe(self) -> Scribe:
        return Scribe(self._trace, self.notation)

    def using(self, notation: str) -> Trace:
        """The same trace in another notation: other names, the same numbers. Raises ValueError."""
        return Trace(self._trace, known(notation))

    def __iter__(self) -> Iterator[Step]:
        return self.steps()

    def __len__(self) -> int:
        return sum(self._trace.examples if eq.symbol.per_example else 1 for eq in self._trace.equations)

    def steps(self, level: str = "matrix") -> Iterator[Step]:
        """Every step in order: whole symbols, or at level "scalar" an element each. Raises ValueError."""
        found = as_level(level)
        if found not in ("matrix", "scalar"):
            raise ValueError(say("the levels are matrix and scalar, not {given}", given=repr(level)))
        return (Step(step, self) for step in self._trace.steps(found))

    def step(self, id: str) -> Step:
        """A step by its id: "dL/dW2", an element "dL/dW2[1,2]" (from 1), an example's "dL/dz2@3"; "da2/dz2".

        Raises NoSuchStep, a ValueError that says what is near.
        """
        return Step(self._trace.find(id), self)

    __getitem__ = step


@dataclass(frozen=True, eq=False)
class Operand:
    """A value that a step uses. `id` is its own: of a step, or of what is given ("W1[1,2]", "x[1]")."""

    id: str
    name: str
    value: Number


@dataclass(frozen=True, repr=False, eq=False)
class Step:
    """One step: an equation with its numbers, and why it is so. Its texts are in the notation of `trace`."""

    _step: EngineStep
    trace: Trace

    def __repr__(self) -> str:
        return f"<Step {self.id}: {shown(self.text)}>"

    @property
    def id(self) -> str:
        """Its id, such as dL/dW2[1,2]@3."""
        return self._step.id

    @property
    def phase(self) -> str:
        """ "forward", "loss", "backward" or "update"."""
        return self._step.phase

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value: () of one number."""
        return self._step.shape

    @property
    def value(self) -> Number:
        """A float for one number, else a float64 array of `shape`."""
        return number_of(self._step.value)

    @property
    def operands(self) -> tuple[Operand, ...]:
        """What its formula uses, each once, in order."""
        name, value = self.trace._scribe.writer.text, self.trace._trace.value
        return tuple(Operand(ref.id, name(ref), number_of(value(ref))) for ref in self._step.operands)

    def using(self, notation: str) -> Step:
        """The same step in another notation. Raises ValueError."""
        return Step(self._step, self.trace.using(notation))

    # ------------------------------------------------------------ words

    @cached_property
    def _card(self) -> Card:
        return self.trace._scribe.card(self._step)

    @property
    def name(self) -> str:
        """What the notation calls it: dw²₁₂, ∂L/∂w²₁₂, δ⁽³⁾₁."""
        return self.trace._scribe.writer.text(self._step.ref)

    @property
    def title(self) -> str:
        """What the step is called in words."""
        return self._card.title

    @property
    def formula(self) -> str:
        """The formula in the notation of the trace."""
        return linear(self.trace._scribe.writer.formula(self._step.formula))

    @property
    def numbers(self) -> str:
        """The formula with the numbers put in."""
        step = self._step
        return linear(self.trace._scribe.writer.numbers(step.formula, step.trace.value, step.digits))

    @property
    def why(self) -> str:
        """One sentence: why this formula."""
        return self._card.why

    @property
    def notes(self) -> tuple[str, ...]:
        """What the lesson's author says of it, as Markdown."""
        return self._card.notes

    @property
    def text(self) -> str:
        """name = formula = numbers = value on one line, without repetitions."""
        return " = ".join(linear(doc) for doc in self._card.main.docs)

    @property
    def latex(self) -> str:
        """The same as LaTeX, to stand between dollars: lines aligned at their = signs. ASCII."""
        return to_latex.equation(self._card.main.docs)

    # ------------------------------------------------------------ asked

    def check(self) -> GradientCheck:
        """A gradient (dL/d..., df/d...) held against central differences. Raises ValueError for another step."""
        symbol = self._step.equation.symbol
        if symbol.quantity != "gradient":
            raise ValueError(say("'{id}' is not a gradient: those are the steps dL/d... and df/d...", id=self.id))
        return _checked(self)

    def grade(self, answer: Any, given: Mapping[str, Any] | None = None) -> Verdict:
        """Grade what somebody answers to "what is this value?"; `given` has own earlier values by id.

        `answer` is a text, as a person types it, or numbers: of a whole step an array of its shape (NumPy's, lists,
        anything with `tolist` or `detach`), judged as `diagnose` does.

        Raises ValueError for a text that does not say all numbers of a step (name an element) and for a `given` array
        of another shape, NoSuchStep for an id in `given`, TypeError for what is no numbers.
        """
        return graded(self._step, self.trace._scribe.writer, answer, given or {})

    # ------------------------------------------------------------ notebooks

    def _repr_latex_(self) -> str:
        return f"$${self.latex}$$"

    def _repr_markdown_(self) -> str:
        """Title, equation, sentence and notes as Markdown. All text is data: an author's Markdown shows as written."""
        parts = [f"**{in_markdown(self.title)}** `{self.id}`", f"$$\n{self.latex}\n$$", in_markdown(self.why)]
        parts += ["\n".join(f"> {in_markdown(line)}" for line in note.splitlines()) for note in self.notes]
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        """The same as HTML: every text is data, in elements in which MathJax looks for no formulas."""
        parts = [
            f"<p><strong>{in_html(self.title)}</strong> <code>{in_html(self.id)}</code></p>",
            f"<div>$${html.escape(self.latex)}$$</div>",
            f"<p>{in_html(self.why)}</p>",
        ]
        parts += [f'<blockquote style="white-space: pre-wrap">{in_html(note)}</blockquote>' for note in self.notes]
        return "<div>" + "\n".join(parts) + "</div>"


# ---------------------------------------------------------------- checks


@dataclass(frozen=True, eq=False)
class GradientCheck:
    """A gradient by the chain rule (`analytic`) and by central differences (`numeric`): floats or arrays of one shape.

    `error` is the largest |a − n| / max(|a|, |n|) of an element, `at_kink` whether the loss has a corner there, where
    it has no derivative. `passed`: every element agrees to 1e-5, or as far as the rounding of the loss allows.
    """

    id: str
    analytic: Number
    numeric: Number
    error: float
    epsilon: float
    passed: bool
    at_kink: bool


def _checked(step: Step) -> GradientCheck:
    ref = step._step.ref
    trace = step.trace._trace
    if ref.shape == ():
        found = gradient_check.check(trace, ref)
        k = found.told if found.told is not None else gradient_check.EPSILONS.index(gradient_check.USUAL)
        analytic, numeric, epsilon, kink = found.analytic, found.numeric[k], gradient_check.EPSILONS[k], found.kink
        loss, at_kink = found.loss, bool(kink and kink.exact)
        a, n = np.array([analytic]), np.array([numeric])
    else:
        elements = [Ref(ref.symbol, index, ref.example) for index in np.ndindex(*ref.symbol.shape)]
        whole = [gradient_check.check(trace, element) for element in elements]
        k = gradient_check.EPSILONS.index(gradient_check.USUAL)
        epsilon, loss = gradient_check.USUAL, whole[0].loss
        a, n = np.array([one.analytic for one in whole]), np.array([one.numeric[k] for one in whole])
        at_kink = any(one.kink is not None and one.kink.exact for one in whole)
    errors = [gradient_check.relative_error(float(x), float(y)) for x, y in zip(a, n, strict=True)]
    with quietly():
        allowed = 1e-5 * np.maximum(np.abs(a), np.abs(n)) + 8 * gradient_check.ROUNDING * abs(loss) / epsilon
        passed = bool(np.all(np.abs(a - n) <= allowed))
    return GradientCheck(
        id=step.id,
        analytic=number_of(a.reshape(ref.shape)),
        numeric=number_of(n.reshape(ref.shape)),
        error=float(np.max(errors)),
        epsilon=epsilon,
        passed=passed,
        at_kink=at_kink,
    )
