"""How a training does on the rows that it never sees: the network after some of its iterations, judged by them."""

from __future__ import annotations

import numpy as np

from tutor.engine.evaluation import Evaluation, Evaluator
from tutor.engine.program import iterations_per_epoch
from tutor.engine.run import Run

WORK = 20_000_000  # numbers of the rows that are looked at for a curve: a second or two
FEWEST, MOST = 4, 40  # points of it


class HeldOut:
    """The rows of a run's lesson that are held out; `losses` are those that are known, by the updates made before."""

    def __init__(self, run: Run, evaluator: Evaluator):
        self.run, self.evaluator = run, evaluator
        self.losses: dict[int, float] = {}

    @classmethod
    def of(cls, run: Run) -> HeldOut | None:
        """Those of a run; None where its lesson holds no rows out."""
        if run.lesson.held_out is None or not run.model.layers:
            return None
        evaluator = Evaluator(run.lesson).held_out
        return None if evaluator is None else cls(run, evaluator)

    def after(self, updates: int) -> Evaluation:
        """The network after so many updates, 0 for none."""
        found = self.evaluator.evaluate(self.run.parameters(updates + 1))
        self.losses[updates] = found.loss
        return found

    @property
    def places(self) -> list[int]:
        """After which updates a curve has points: ends of epochs, where there are some, and the last."""
        run, per = self.run, iterations_per_epoch(self.run.lesson)
        last = run.trained if run.diverged is None else run.diverged - 1
        ends = np.arange(per, last + 1, per) if last >= 2 * per else np.arange(1, last + 1)
        many = max(FEWEST, min(MOST, WORK // max(1, len(self.evaluator.lesson.targets) * self.evaluator.width)))
        some = ends[np.unique(np.linspace(0, len(ends) - 1, many).astype(int))].tolist() if len(ends) else []
        return sorted({*some, last} - {0})

    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """(points,) updates, and (points,) the mean losses after them, those known before among them."""
        for updates in self.places:
            if updates not in self.losses:
                self.after(updates)
        return self.known()

    def known(self) -> tuple[np.ndarray, np.ndarray]:
        """(points,) updates, and (points,) the mean losses after them, as far as they are known by now."""
        found = dict(sorted(self.losses.copy().items()))
        found.pop(0, None)  # a curve begins at the first update
        return np.array(list(found), dtype=float), np.array(list(found.values()), dtype=float)
