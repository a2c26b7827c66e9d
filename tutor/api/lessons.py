"""A lesson and its training: traces of any iteration, losses and parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tutor.api.steps import Trace, known
from tutor.engine import lesson as engine
from tutor.engine.evaluation import Evaluator
from tutor.engine.held_out import HeldOut
from tutor.engine.program import iterations_per_epoch
from tutor.engine.run import MAX_ITERATION, MOST_TRAINED, TOLERANCE, Iteration, Run, Stopped
from tutor.engine.trace import Trace as EngineTrace
from tutor.lessonfiles.writing import lesson_text
from tutor.text.language import N_, say


@dataclass(frozen=True, repr=False, eq=False)
class Lesson:
    """A network or a circuit with its numbers, and how it is trained."""

    _lesson: engine.Lesson

    def __repr__(self) -> str:
        return f"<Lesson {self.id}: {self.title}>"

    @property
    def id(self) -> str:
        """The id that the lesson is opened by."""
        return self._lesson.id

    @property
    def title(self) -> str:
        """What it is called."""
        return self._lesson.title

    @property
    def notation(self) -> str:
        """The notation that its traces are in unless told."""
        return self._lesson.notation

    @property
    def trained(self) -> bool:
        """Whether it is trained: a circuit without [training] has one iteration and no update."""
        return self._lesson.training is not None

    @cached_property
    def _run(self) -> Run:
        return Run(self._lesson)

    def trace(self, iteration: int = 1, notation: str | None = None) -> Trace:
        """The steps of an iteration, from 1: forward, loss, backward, update. Any iteration is there at once.

        Raises ValueError for an iteration or a notation that there is not.
        """
        chosen = known(notation or self.notation)
        return Trace(EngineTrace(self._lesson, iteration_of(self._run, iteration)), chosen)

    def train(self, iterations: int | None = None, *, epochs: int | None = None, converge: bool = False) -> Training:
        """Train for so many iterations, or epochs; else 100 epochs, or until it converges.

        With `converge` it stops after the first epoch that changes the mean loss and every parameter by less than 1e-6,
        after so many iterations at the latest. Raises ValueError for a lesson that is not trained and bad counts.
        """
        if not self.trained:
            raise ValueError(say("'{id}' is not trained: it has no [training]", id=self.id))
        if iterations is not None and epochs is not None:
            raise ValueError(say("give iterations or epochs, not both"))
        per = iterations_per_epoch(self._lesson)
        count = iterations
        if count is None:
            count = MAX_ITERATION if converge and epochs is None else (100 if epochs is None else epochs) * per
        if not is_whole(count) or not 1 <= count <= MOST_TRAINED:
            told = N_("iterations are a whole number from 1 to {most}, not {given}")
            raise ValueError(say(told, most=f"{MOST_TRAINED:,}", given=repr(count)))
        run = Run(self._lesson)
        run.prepare(int(count))
        return Training(self, run.train(int(count), tolerance=TOLERANCE if converge else None), run)

    def toml(self) -> str:
        """The text of a lesson file that says this lesson (docs/lesson-format.md), with all its numbers in it.

        Raises ValueError where its examples are too many for that.
        """
        return lesson_text(self._lesson)


def is_whole(count: object) -> bool:
    """Whether something is a whole number, and no truth value."""
    return isinstance(count, int | np.integer) and not isinstance(count, bool)


def iteration_of(run: Run, number: int) -> Iteration:
    """An iteration of a run, from 1. Raises ValueError for one that there is not."""
    last = run.last or MAX_ITERATION
    if not is_whole(number) or not 1 <= number <= last:
        told = N_("'{id}' has the iterations 1 to {last}, not {given}")
        told = N_("'{id}' is not trained: its only iteration is 1, not {given}") if last == 1 else told
        raise ValueError(say(told, id=run.lesson.id, last=f"{last:,}", given=repr(number)))
    found = run.iteration(int(number))
    assert found is not None
    return found


@dataclass(frozen=True)
class Score:
    """A network on some rows: the mean loss, and the share that is predicted right (None where numbers are)."""

    rows: int
    loss: float
    accuracy: float | None


@dataclass(frozen=True, repr=False, eq=False)
class Training:
    """What training came to. `stopped` is "done", "converged" or "diverged"."""

    lesson: Lesson
    stopped: Stopped
    _run: Run

    def __repr__(self) -> str:
        losses = self.losses
        last = f", loss {losses[-1]:.6g}" if losses.size else ""
        return f"<Training of {self.lesson.id}: {self.stopped} after {self.iterations:,} iterations{last}>"

    @property
    def iterations(self) -> int:
        """How many updates were made."""
        return self._run.trained

    @property
    def losses(self) -> np.ndarray:
        """(iterations,) the loss of each iteration's batch before its update; with L2 the objective."""
        return self._run.losses.copy()

    @property
    def epoch_losses(self) -> np.ndarray:
        """(epochs,) the mean of `losses` in each finished epoch."""
        return self._run.epoch_losses.copy()

    @property
    def score(self) -> Score | None:
        """How the trained network does on the rows that it is trained on; None for what predicts nothing."""
        return self._score(Evaluator(self._run.lesson)) if self._run.model.layers else None

    @property
    def held_out(self) -> Score | None:
        """The same on the rows that the lesson holds out; None where there are none."""
        held = HeldOut.of(self._run)
        return None if held is None else self._score(held.evaluator)

    def _score(self, evaluator: Evaluator) -> Score:
        last = self.iterations + 1 if self._run.diverged is None else self._run.diverged
        found = evaluator.evaluate(self._run.parameters(last))
        return Score(len(found.losses), found.loss, found.accuracy)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Every parameter after training, by id: W1 (units, units before), b1 (units,) ...; a circuit's inputs ()."""
        return self.parameters_before(self.iterations + 1)

    def parameters_before(self, iteration: int) -> dict[str, np.ndarray]:
        """Every parameter before an iteration's update, from 1; after the last it is those after training.

        Raises ValueError for an iteration that there is not.
        """
        if not is_whole(iteration) or not 1 <= iteration <= self.iterations + 1:
            told = N_("training went from 1 to {last}, not {given}")
            raise ValueError(say(told, last=f"{self.iterations + 1:,}", given=repr(iteration)))
        return {id: np.array(value) for id, value in self._run.parameters(iteration).items()}

    def trace(self, iteration: int = 1, notation: str | None = None) -> Trace:
        """The steps of an iteration of this training, as `Lesson.trace` has them."""
        chosen = known(notation or self.lesson.notation)
        return Trace(EngineTrace(self.lesson._lesson, iteration_of(self._run, iteration)), chosen)
