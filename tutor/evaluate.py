"""How good a network is: its predictions for all rows of a lesson, held against the targets.

What is counted follows from the outputs. A softmax, or sigmoids whose targets have a single 1 a row,
tell *classes* apart: the largest output is the predicted class. Other sigmoids with targets of 0 and
1 answer *yes or no*, each for itself: yes from `THRESHOLD` on. All else predicts *numbers*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tutor.formula import Ref, Symbol, evaluate
from tutor.layout import number, pad, width
from tutor.lesson import Lesson
from tutor.network import model
from tutor.source import plural
from tutor.training import Run, divergence, iterations_per_epoch

THRESHOLD = 0.5  # an output of a sigmoid means yes from here on; 0.5 is σ(0)
CHUNK = 4_000_000  # numbers that one array may hold while all rows are evaluated: 32 MB
MOST_CLASSES = 12  # that a confusion matrix is printed for
MOST_TOLD = 5  # wrong rows that are told of one by one
MOST_ROWS = 20  # wrong rows that are listed


@dataclass(frozen=True)
class Confusion:
    """`counts[i, j]`: rows of true class i that were predicted to be class j, both from 0.

    `members` are the true members of each class. A row whose prediction is undefined (NaN) is among the
    members, but in no column. `title` is the output's name where there are several tables, else "".
    """

    title: str
    classes: tuple[str, ...]
    counts: np.ndarray
    members: np.ndarray

    @property
    def correct(self) -> int:
        return int(np.trace(self.counts))

    @property
    def total(self) -> int:
        return int(self.members.sum())

    @property
    def per_class(self) -> list[float | None]:
        """The share of each class's true members that was predicted right; None for a class without members."""
        right = np.diag(self.counts)
        return [int(r) / int(m) if m else None for r, m in zip(right, self.members, strict=True)]


@dataclass(frozen=True)
class Evaluation:
    """All rows of a lesson with one set of parameters.

    `outputs` (rows, outputs), `losses` (rows,), without an L2 term; `tables` one for classes, one an output for yes
    or no, none for numbers; `wrong` the rows (from 0) with anything predicted wrong; `rmse` (outputs,) the root of
    the mean squared error of each output, over the rows.
    """

    kind: str  # "classes", "yes or no" or "numbers"
    outputs: np.ndarray
    losses: np.ndarray
    tables: tuple[Confusion, ...]
    wrong: np.ndarray
    rmse: np.ndarray

    @property
    def loss(self) -> float:
        """The mean loss over the rows."""
        return _mean(self.losses)

    @property
    def correct(self) -> int:
        return sum(table.correct for table in self.tables)

    @property
    def total(self) -> int:
        return sum(table.total for table in self.tables)

    @property
    def accuracy(self) -> float | None:
        """Correct predictions among all; None for numbers."""
        return self.correct / self.total if self.total else None


@dataclass(frozen=True)
class Plane:
    """What a network with two inputs predicts over the plane of its inputs.

    `x` (columns,) and `y` (rows,) are the inputs there, y upward from the least; `outputs` (rows, columns, outputs)
    and, but for numbers, `classes` (rows, columns): the predicted class from 0, −1 where it is undefined. With
    several yes-or-no outputs the class is the first one's.
    """

    x: np.ndarray
    y: np.ndarray
    outputs: np.ndarray
    classes: np.ndarray | None


class Evaluator:
    """Evaluates the network of a lesson on all of its rows; the lesson must have one."""

    def __init__(self, lesson: Lesson):
        assert lesson.network
        self.lesson = lesson
        self.layer = lesson.network.layers[-1]
        self.equations = model(lesson, 2).forward  # with an example axis; its length is of no account
        by_key = {eq.symbol.key: eq for eq in self.equations}
        self.output = f"a{len(lesson.network.layers)}@"
        self.forward = self.equations[: list(by_key).index(self.output) + 1]
        self.loss = by_key["L@"]
        widest = max(lesson.network.inputs, *(layer.units for layer in lesson.network.layers))
        self.chunk = max(1, CHUNK // widest)

    @cached_property
    def kind(self) -> str:
        targets = self.lesson.targets
        if self.layer.activation == "softmax" and self.layer.units > 1:
            return "classes"
        whole = bool(np.all((targets == 0) | (targets == 1)))
        if self.layer.activation == "sigmoid" and (whole or self._binary_loss):
            one_each = self.layer.units > 1 and whole and bool(np.all(targets.sum(axis=1) == 1))
            return "classes" if one_each else "yes or no"
        return "numbers"

    @property
    def _binary_loss(self) -> bool:
        return self.lesson.network is not None and self.lesson.network.loss == "binary_cross_entropy"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The outputs' names, those of the classes in the file of examples, or their numbers from 1."""
        return self.lesson.classes or self.layer.names or tuple(map(str, range(1, self.layer.units + 1)))

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes that a table tells apart; none for numbers."""
        return {"classes": self.names, "yes or no": ("no", "yes")}.get(self.kind, ())

    @property
    def rule(self) -> str:
        """How a prediction is read off the outputs, in words."""
        if self.kind == "classes":
            return "The predicted class is the one with the largest output."
        if self.kind == "yes or no":
            each = "An output" if self.layer.units > 1 else "The output"
            return f"{each} counts as yes from {THRESHOLD} on, a target as well."
        return "The targets are numbers, so there is no accuracy; RMSE is the root of the mean squared error."

    def predict(self, parameters: Mapping[str, np.ndarray | float], inputs: np.ndarray) -> np.ndarray:
        """The outputs (rows, outputs) for inputs (rows, inputs)."""
        return self._run(parameters, inputs, None)[0]

    def _run(
        self, parameters: Mapping[str, np.ndarray | float], inputs: np.ndarray, targets: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        outputs = np.empty((len(inputs), self.layer.units))
        losses = np.empty(len(inputs))
        for at in range(0, len(inputs), self.chunk):
            part = slice(at, at + self.chunk)
            values = {**parameters, "x@": inputs[part]}

            def look(ref: Ref, values=values):
                return values[ref.symbol.key]

            for eq in self.forward:
                values[eq.symbol.key] = evaluate(eq.compute or eq.formula, look)
            outputs[part] = values[self.output]
            if targets is not None:
                values["y@"] = targets[part]
                losses[part] = evaluate(self.loss.compute or self.loss.formula, look)
        return outputs, losses

    def evaluate(self, parameters: Mapping[str, np.ndarray | float]) -> Evaluation:
        """All rows with these parameters (by id: W1, b1 ...), in one forward pass."""
        targets = self.lesson.targets
        outputs, losses = self._run(parameters, self.lesson.inputs, targets)
        with np.errstate(all="ignore"):
            rmse = np.sqrt(np.mean((outputs - targets) ** 2, axis=0))
        if self.kind == "numbers":
            return Evaluation(self.kind, outputs, losses, (), np.empty(0, dtype=int), rmse)
        predicted, true = self.decide(outputs), self.decide(targets)
        several = predicted.shape[1] > 1
        tables = tuple(
            _confusion(self.names[k] if several else "", self.classes, true[:, k], predicted[:, k])
            for k in range(predicted.shape[1])
        )
        wrong = np.flatnonzero(np.any(predicted != true, axis=1))
        return Evaluation(self.kind, outputs, losses, tables, wrong, rmse)

    def decide(self, outputs: np.ndarray) -> np.ndarray:
        """The class (from 0) of outputs or targets, (rows, 1) or for several yes-or-no outputs (rows, outputs)."""
        if self.kind == "classes":
            undefined = np.any(np.isnan(outputs), axis=1, keepdims=True)
            return np.where(undefined, -1, np.argmax(outputs, axis=1)[:, None])
        return np.where(np.isnan(outputs), -1, (outputs >= THRESHOLD).astype(int))

    @cached_property
    def true(self) -> np.ndarray:
        """The true class of each row, (rows,), from 0; with several yes-or-no outputs the first one's."""
        return self.decide(self.lesson.targets)[:, 0]

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """x from, to and y from, to: of a plane with all examples of two inputs in it, and a margin round them."""
        low, high = self.lesson.inputs.min(axis=0), self.lesson.inputs.max(axis=0)
        margin = 0.1 * np.where(high > low, high - low, 1.0)
        (x0, y0), (x1, y1) = low - margin, high + margin
        return float(x0), float(x1), float(y0), float(y1)

    def plane(self, parameters: Mapping[str, np.ndarray | float], columns: int, rows: int) -> Plane | None:
        """The predictions at the middles of columns × rows cells; None unless the network has two inputs."""
        if self.lesson.inputs.shape[1] != 2:
            return None
        x0, x1, y0, y1 = self.bounds
        x = x0 + (np.arange(columns) + 0.5) / columns * (x1 - x0)
        y = y0 + (np.arange(rows) + 0.5) / rows * (y1 - y0)
        points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        outputs = self.predict(parameters, points)
        classes = None if self.kind == "numbers" else self.decide(outputs)[:, 0].reshape(rows, columns)
        return Plane(x, y, outputs.reshape(rows, columns, -1), classes)


def _confusion(title: str, classes: tuple[str, ...], true: np.ndarray, predicted: np.ndarray) -> Confusion:
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    known = predicted >= 0
    np.add.at(counts, (true[known], predicted[known]), 1)
    return Confusion(title, classes, counts, np.bincount(true, minlength=len(classes)))


def _mean(values: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        return float(np.mean(values))


# ---------------------------------------------------------------- in words


def percent(share: float) -> str:
    """0.8666 -> '86.7 %'; 100 % and 0 % are said of nothing less."""
    shown = f"{100 * share:.1f}".removesuffix(".0")
    if shown == "100" and share < 1:
        shown = "99.9"
    if shown == "0" and share > 0:
        shown = "0.1"
    return f"{shown} %"


def summary(found: Evaluation) -> str:
    """One line: '43 of 50 right, 86 %, mean loss 0.3142'."""
    return f"{accuracy_text(found)}, mean loss {number(found.loss)}"


def _overall(found: Evaluation) -> float:
    """The RMSE over all rows and outputs."""
    with np.errstate(all="ignore"):
        return float(np.sqrt(_mean(found.rmse**2)))


NO_EXAMPLES = "A circuit has no examples to be right or wrong about: training lowers its output."


def ending(run: Run, stopped: str, tolerance: float, name: Callable[[Symbol], str] = lambda symbol: symbol.id) -> str:
    """How a training ended, by the word that `Run.train` answers; `name` says what symbols are called."""
    found = divergence(run)
    if found:
        return f"Training diverged. {found.words(name)}"
    per = iterations_per_epoch(run.lesson)
    passed = plural(run.trained, "iteration") + (f" ({plural(run.trained // per, 'epoch')})" if per > 1 else "")
    if stopped == "converged":
        what = "the output" if run.lesson.circuit else "the mean loss"
        change = f"neither {what} nor any parameter changed by as much as {number(tolerance)}"
        return f"Converged after {passed}: over the last epoch {change}."
    return f"Stopped after {passed}." if stopped == "cancelled" else f"Trained for {passed}."


def loss_words(run: Run, points: int = 10) -> list[str]:
    """What there is to say of a training so far: its losses from first to last, some of them, and each epoch's mean."""
    losses, count = run.losses, run.trained
    if not count:
        return ["Nothing is trained yet: no losses."]
    per_epoch = iterations_per_epoch(run.lesson)
    name = "loss" if run.lesson.network else "output"
    epochs = f", {count / per_epoch:,.4g} epochs of {per_epoch:,} iterations" if per_epoch > 1 else ""
    lines = [f"{plural(count, 'iteration')} trained{epochs}."]
    finite = np.flatnonzero(np.isfinite(losses))
    if len(finite):
        least = int(finite[np.argmin(losses[finite])])
        lines.append(
            f"The {name} went from {number(losses[0])} to {number(losses[-1])}; "
            f"the least was {number(losses[least])}, in iteration {least + 1:,}."
        )
    if count > 2:
        some = _spread(count, points)
        lines.append(f"{name.capitalize()} by iteration: {', '.join(f'{i + 1:,}: {number(losses[i])}' for i in some)}.")
    means = run.epoch_losses
    if per_epoch > 1 and len(means):
        some = _spread(len(means), points)
        lines.append(f"Mean {name} by epoch: {', '.join(f'{i + 1:,}: {number(means[i])}' for i in some)}.")
    return lines


def _spread(count: int, points: int) -> list[int]:
    """At most so many places from 0 to count − 1, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, points).astype(int)).tolist()


def accuracy_text(found: Evaluation) -> str:
    """'43 of 50 right, 86 %'; for numbers 'RMSE 0.21'."""
    if found.accuracy is None:
        return f"RMSE {number(_overall(found))}"
    answers = " answers" if len(found.tables) > 1 else ""
    return f"{found.correct:,} of {found.total:,}{answers} right, {percent(found.accuracy)}"


def class_lines(table: Confusion) -> list[str]:
    """What became of each class: 'class 2: 15 of 17 right, 88.2 %; 2 taken for class 1'."""
    lines = []
    for i, (name, share) in enumerate(zip(table.classes, table.per_class, strict=True)):
        if share is None:
            said = f"{class_name(name)}: no row is of this class, so nothing can be right"
        else:
            said = f"{class_name(name)}: {table.counts[i, i]:,} of {table.members[i]:,} right, {percent(share)}"
        wrong = [(int(count), j) for j, count in enumerate(table.counts[i]) if count and j != i]
        wrong.sort(key=lambda pair: (-pair[0], pair[1]))
        parts = [f"{count:,} taken for {class_name(table.classes[j])}" for count, j in wrong[:5]]
        if wrong[5:]:
            parts.append(f"{sum(count for count, _ in wrong[5:]):,} for others")
        lost = int(table.members[i] - table.counts[i].sum())
        parts += [f"{lost:,} undefined"] if lost else []
        lines.append("; ".join([said, ", ".join(parts)] if parts else [said]))
    return lines


def class_name(name: str) -> str:
    """'class 2' for what has only a number; the name for what has one."""
    return f"class {name}" if name.isdigit() else name


def matrix_lines(table: Confusion, most: int = MOST_CLASSES) -> list[str]:
    """The confusion matrix in cells: a row a true class, a column a predicted one. Nothing for more than `most`."""
    if len(table.classes) > most:
        return []
    names = [name if width(name) <= 10 else name[:9] + "…" for name in table.classes]
    rows = [("true", names), *((name, [f"{n:,}" for n in row]) for name, row in zip(names, table.counts, strict=True))]
    left = max(width(name) for name, _ in rows)
    wide = [max(width(cells[j]) for _, cells in rows) for j in range(len(names))]
    lines = [
        f"{pad(name, left)} │ " + "  ".join(" " * (w - width(cell)) + cell for cell, w in zip(cells, wide, strict=True))
        for name, cells in rows
    ]
    return [lines[0] + "  ← predicted", *lines[1:]]


def wrong_rows(found: Evaluation) -> str:
    """'Wrong rows: 3, 7 and 12 more', counted from 1."""
    listed = ", ".join(f"{row + 1:,}" for row in found.wrong[:MOST_ROWS])
    more = len(found.wrong) - MOST_ROWS
    return f"Wrong rows: {listed}{f' and {more:,} more' if more > 0 else ''}"


def wrong_words(evaluator: Evaluator, found: Evaluation, most: int) -> list[str]:
    """At most so many wrong rows: what each is, what it was taken for, and by which outputs."""
    lines = []
    true, predicted = evaluator.decide(evaluator.lesson.targets), evaluator.decide(found.outputs)
    for row in found.wrong[: max(most, 0)]:
        parts = []
        for k in np.flatnonzero(true[row] != predicted[row]):
            is_, taken = int(true[row, k]), int(predicted[row, k])
            name = f"output {evaluator.names[k]}: " if len(true[row]) > 1 else ""
            for_ = class_name(evaluator.classes[taken]) if taken >= 0 else "nothing"
            if found.kind == "classes":
                by = f"{number(found.outputs[row, taken])} against {number(found.outputs[row, is_])}"
            else:
                by = f"output {number(found.outputs[row, k])}"
            said = f"{name}{class_name(evaluator.classes[is_])} taken for {for_}"
            parts.append(f"{said}, {by}" if taken >= 0 else said)
        lines.append(f"row {row + 1:,}: {'; '.join(parts)}")
    return lines


def words(evaluator: Evaluator, found: Evaluation) -> list[str]:
    """All there is to say of an evaluation, a sentence or a line of a table each."""
    rows = len(found.losses)
    which = "The one row" if rows == 1 else "Both rows" if rows == 2 else f"All {rows:,} rows"
    lines = [f"{which}: {summary(found)}."]
    lines.append(evaluator.rule)
    for table in found.tables:
        if table.title:
            share = f"{table.correct:,} of {table.total:,} right, {percent(table.correct / table.total)}"
            lines.append(f"Output {table.title}: {share}.")
        lines += ["  " + said for said in class_lines(table)]
        if matrix := matrix_lines(table):
            lines += ["  " + said for said in matrix]
    if found.kind == "numbers":
        if len(found.rmse) > 1:
            each = [f"{name} {number(value)}" for name, value in zip(evaluator.names, found.rmse, strict=True)]
            lines.append(f"RMSE of each output: {', '.join(each[:MOST_ROWS])}{' …' * (len(each) > MOST_ROWS)}.")
        worst = int(np.argmax(np.where(np.isnan(found.losses), np.inf, found.losses)))
        lines.append(f"The largest loss is row {worst + 1:,}'s, {number(found.losses[worst])}.")
    elif len(found.wrong):
        lines.append(f"{wrong_rows(found)}.")
        lines += ["  " + said for said in wrong_words(evaluator, found, MOST_TOLD)]
    else:
        lines.append("No row is wrong.")
    return lines
