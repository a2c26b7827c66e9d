"""How good a network is: its predictions for all rows of a lesson, held against the targets (`evaluator_of`).

What is counted follows from the outputs. A softmax, or sigmoids whose targets have a single 1 a row,
tell *classes* apart: the largest output is the predicted class. Other sigmoids with targets of 0 and
1 answer *yes or no*, each for itself: yes from `THRESHOLD` on. All else predicts *numbers*. Equations that an author
wrote predict classes where they take a `cross_entropy`; of others nobody can say what is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np

from tutor.engine.backprop import between
from tutor.engine.expressions import Call, Ref, evaluate
from tutor.engine.floats import quietly
from tutor.engine.forward import initial_parameters, model
from tutor.engine.lesson import Lesson
from tutor.engine.normalising import by_number
from tutor.engine.rows import Rows
from tutor.messages import Message

THRESHOLD = 0.5  # an output of a sigmoid means yes from here on; 0.5 is σ(0)
CHUNK = 4_000_000  # numbers that one array may hold while all rows are evaluated: 32 MB


YES_OR_NO = (Message("no"), Message("yes"))  # the classes of an output that is read so; not an author's names
Decision: TypeAlias = Literal["classes", "yes or no", "numbers"]  # what the outputs say


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
        """How many rows are on the diagonal."""
        return int(np.trace(self.counts))

    @property
    def total(self) -> int:
        """How many rows there are."""
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

    kind: Decision
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
        """How many rows are predicted right."""
        return sum(table.correct for table in self.tables)

    @property
    def total(self) -> int:
        """How many rows there are."""
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
    """Evaluates what the last layer of a lesson puts out, on all of its rows; its model must have layers."""

    def __init__(self, lesson: Lesson):
        made = model(lesson, 2)  # with an example axis; its length is of no account
        assert made.layers
        self.lesson, self.layer, self.input_names = lesson, made.layers[-1], made.input_names
        self.data, self.output = made.data, self.layer.activation
        self.loss_name = made.loss_name
        until = next(at for at, eq in enumerate(made.forward, start=1) if eq.symbol == self.output)
        self.forward, self.loss = made.forward[:until], made.equation(made.output)
        self.width = max(made.widths)
        self.chunk = max(1, CHUNK // self.width)

    @cached_property
    def kind(self) -> Decision:
        """What is judged: which decision the outputs make."""
        targets = self.targets
        if self.layer.activation_name == "softmax" and self.layer.units > 1:
            return "classes"
        whole = bool(np.all((targets == 0) | (targets == 1)))
        if self.layer.activation_name == "sigmoid" and (whole or self._binary_loss):
            one_each = self.layer.units > 1 and whole and bool(np.all(targets.sum(axis=1) == 1))
            return "classes" if one_each else "yes or no"
        return "numbers"

    @property
    def targets(self) -> np.ndarray:
        """What the outputs are held against, (rows, outputs)."""
        return self.lesson.targets

    @property
    def _binary_loss(self) -> bool:
        return self.loss_name == "binary_cross_entropy"

    @cached_property
    def held_out(self) -> Evaluator | None:
        """The same for the rows that are held out; None where there are none."""
        data = self.lesson.held_out
        if data is None:
            return None
        found = Evaluator(replace(self.lesson, inputs=data.inputs, targets=data.targets, held_out=None))
        found.kind = self.kind  # the same decision, whatever the targets of a few rows look like
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The outputs' names, those of the classes in the file of examples, or their numbers from 1."""
        return self.lesson.classes or self.layer.names or tuple(map(str, range(1, self.layer.units + 1)))

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes that a table tells apart; none for numbers."""
        return {"classes": self.names, "yes or no": YES_OR_NO}.get(self.kind, ())

    @property
    def rule(self) -> Message:
        """How a prediction is read off the outputs, in words."""
        if self.kind == "classes":
            return Message("The predicted class is the one with the largest output.")
        if self.kind == "yes or no":
            return Message(
                "An output counts as yes from {threshold} on, a target as well."
                if self.layer.units > 1
                else "The output counts as yes from {threshold} on, a target as well.",
                threshold=str(THRESHOLD),
            )
        return Message(
            "The targets are numbers, so there is no accuracy; RMSE is the root of the mean squared error."
        )

    def predict(self, parameters: Mapping[str, np.ndarray | float], inputs: np.ndarray) -> np.ndarray:
        """The outputs (rows, outputs) for inputs (rows, inputs)."""
        return self._run(parameters, inputs, None)[0]

    def _run(
        self, parameters: Mapping[str, np.ndarray | float], inputs: Rows, targets: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        outputs = np.empty((len(inputs), self.layer.units))
        losses = np.empty(len(inputs))
        for at in range(0, len(inputs), self.chunk):
            part = slice(at, at + self.chunk)
            x, y = (symbol.key for symbol in self.data)
            values = {**parameters, x: inputs[part]}

            def look(ref: Ref, values: Any = values) -> Any:
                return values[ref.symbol.key]

            for eq in self.forward:
                values[eq.symbol.key] = evaluate(eq.compute or eq.formula, look)
            outputs[part] = values[self.output.key]
            if targets is not None:
                values[y] = targets[part]
                losses[part] = evaluate(self.loss.compute or self.loss.formula, look)
        return outputs, losses

    def _all(self, parameters: Mapping[str, np.ndarray | float]) -> tuple[np.ndarray, np.ndarray]:
        """The outputs (rows, outputs) and the losses (rows,) of all rows."""
        return self._run(parameters, self.lesson.inputs, self.targets)

    def evaluate(self, parameters: Mapping[str, np.ndarray | float]) -> Evaluation:
        """All rows with these parameters (by id: W1, b1 ...), in one forward pass."""
        targets = self.targets
        outputs, losses = self._all(parameters)
        with quietly():
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
        return self.decide(self.targets)[:, 0]

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """x from, to and y from, to: of a plane with all examples of two inputs in it, and a margin round them."""
        inputs = self.lesson.inputs[:]
        low, high = inputs.min(axis=0), inputs.max(axis=0)
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


class ClassEvaluator(Evaluator):
    """Evaluates an author's equations by the rows of what they take a cross-entropy of: the logits, row by row.

    The rows are those of each example after the other; where there are several such losses (one a step in time), theirs
    one after the other. What the output adds besides, a penalty, is no row's loss.
    """

    def __init__(self, lesson: Lesson, losses: tuple[Call, ...]):
        many = max(lesson.example_count, 1)
        made = model(lesson, many)
        self.lesson, self.many, self.input_names = lesson, many, None
        self.entropies = losses
        self.forward, self.data = made.forward, made.data
        widest = max((int(np.prod(eq.symbol.shape)) for eq in made.forward), default=1)
        self.chunk = max(1, CHUNK // max(widest, 1))

    kind: Decision = "classes"

    @property
    def count(self) -> int:
        """How many classes there are."""
        return int(self.entropies[-1].args[0].shape[-1])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The classes' names in the file of examples, or their numbers from 1."""
        named = self.lesson.classes
        return named if len(named) == self.count else tuple(map(str, range(1, self.count + 1)))

    @property
    def rule(self) -> Message:
        """How a prediction is read off the logits, in words."""
        z = self.entropies[-1].args[0]
        if isinstance(z, Ref):
            return Message("The predicted class is the one with the largest number in its row of {z}.", z=z.symbol.id)
        return Message("The predicted class is the one with the largest number in its row.")

    @cached_property
    def targets(self) -> np.ndarray:
        """(rows, classes): probabilities, of class numbers a 1 at the class."""
        parts = self._values(initial_parameters(self.lesson), 1)
        return np.concatenate(parts, axis=1).reshape(-1, self.count)

    def _values(self, parameters: Mapping[str, np.ndarray | float], which: int) -> list[np.ndarray]:
        """The logits (0) or the targets (1) of each loss, (examples, rows, classes)."""
        found: list[list[np.ndarray]] = [[] for _ in self.entropies]
        for at in range(0, self.many, self.chunk):
            rows = slice(at, at + self.chunk)
            values: dict[str, Any] = {**initial_parameters(self.lesson), **parameters}
            values |= {symbol.key: self.lesson.examples[symbol.id][rows] for symbol in self.data}

            def look(ref: Ref, values: Any = values) -> Any:
                return values[ref.symbol.key]

            for eq in self.forward:
                if eq.phase == "forward":
                    values[eq.symbol.key] = evaluate(eq.compute or eq.formula, look)
            for kept, loss in zip(found, self.entropies, strict=True):
                examples = min(self.chunk, self.many - at)
                value = np.asarray(evaluate(loss.args[which], look), dtype=float)
                value = value if loss.args[which].batched else value[None]
                value = value.reshape(len(value), -1, *((self.count,) if which == 0 or not by_number(loss) else ()))
                if which and by_number(loss):
                    value = (value[..., None] == np.arange(1, self.count + 1)) * 1.0
                kept.append(np.broadcast_to(value, (examples, *value.shape[1:])))
        return [np.concatenate(kept) for kept in found]

    def _all(self, parameters: Mapping[str, np.ndarray | float]) -> tuple[np.ndarray, np.ndarray]:
        outputs = np.concatenate(self._values(parameters, 0), axis=1).reshape(-1, self.count)
        with quietly():
            top = np.max(outputs, axis=1, keepdims=True)
            shares = outputs - top - np.log(np.sum(np.exp(outputs - top), axis=1, keepdims=True))
            losses = -np.sum(np.where(self.targets == 0, 0.0, self.targets * shares), axis=1)
        return outputs, losses

    def plane(self, parameters: Mapping[str, np.ndarray | float], columns: int, rows: int) -> Plane | None:
        """None: nobody can say which two inputs would make a plane."""
        return None



def evaluator_of(lesson: Lesson) -> Evaluator | None:
    """What evaluates a lesson's rows: a network's outputs, or the logits of an author's cross-entropies; None of
    equations that name no class that would be right."""
    made = model(lesson, max(lesson.example_count, 1))
    if made.layers:
        return Evaluator(lesson)
    reaching = between(made.forward, made.output, made.parameters)
    losses = tuple(
        eq.formula
        for eq in made.forward
        if isinstance(eq.formula, Call) and eq.formula.op == "cross_entropy" and eq.symbol in reaching
    )
    same = tuple(loss for loss in losses if loss.args[0].shape[-1] == losses[-1].args[0].shape[-1])
    return ClassEvaluator(lesson, same) if same else None


def _confusion(title: str, classes: tuple[str, ...], true: np.ndarray, predicted: np.ndarray) -> Confusion:
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    known = predicted >= 0
    np.add.at(counts, (true[known], predicted[known]), 1)
    return Confusion(title, classes, counts, np.bincount(true, minlength=len(classes)))


def _mean(values: np.ndarray) -> float:
    with quietly():
        return float(np.mean(values))
