"""A sick network: a lesson, what is wrong with it, and what is found when it is looked at. Numbers, and no words.

A slip of the method is a formula of `misconceptions` in place of the right one (`Rewritten`); all else that can be
wrong (a rate, data, first weights) is a lesson with other numbers. What is found comes from the equations forward
alone, by differences, and from what the run did: nothing is taken from what is known to be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from tutor.engine.evaluation import Evaluator
from tutor.engine.expressions import Expr, Ref, Symbol, refs
from tutor.engine.floats import quietly
from tutor.engine.forward import model
from tutor.engine.gradient_check import USUAL, Probe
from tutor.engine.ids import derivative, of_layer
from tutor.engine.lesson import Lesson, Training
from tutor.engine.program import Program, batch_size
from tutor.engine.rewritten import Rewritten
from tutor.engine.run import Run
from tutor.engine.trace import Trace
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.misconceptions.rewriting import Site

ITERATIONS = 200  # that a patient is watched for
OFF = 1e-3  # relative error from which a gradient is said to be off
NOTHING = 1e-8  # the size below which a gradient has no digits that a difference could confirm


@dataclass(frozen=True, eq=False)
class Patient:
    """A lesson and the formulas (by key) that stand in place of the right ones."""

    lesson: Lesson
    wrong: Mapping[str, Expr] = field(default_factory=dict)

    @property
    def training(self) -> Training:
        """How it is trained."""
        assert self.lesson.training
        return self.lesson.training

    def trained_with(self, **settings: Any) -> Patient:
        """The same with other settings."""
        return replace(self, lesson=replace(self.lesson, training=replace(self.training, **settings)))

    @cached_property
    def program(self) -> Program:
        """Its equations, the wrong ones among them."""
        return Rewritten(self.lesson, self.wrong, batch_size(self.lesson))

    @cached_property
    def run(self) -> Run:
        """Its training over `ITERATIONS` iterations, or as far as its numbers are finite."""
        run = Run(self.lesson, programs={batch_size(self.lesson): self.program})
        run.train(ITERATIONS)
        return run

    @cached_property
    def trace(self) -> Trace:
        """Its first iteration."""
        found = self.run.iteration(1)
        assert found is not None
        return Trace(self.lesson, found)

    @cached_property
    def found(self) -> Findings:
        """What is found when it is looked at."""
        return Findings(self)


def slip(lesson: Lesson, misconception: str, among: Mapping[str, Expr] | None = None) -> dict[str, Expr]:
    """The wrong formulas by key that a misconception makes on the way back and in the update.

    Of each equation the first whose values are there by then; with `among` only of those equations.
    """
    program = Program.of(lesson, batch_size(lesson))
    found: dict[str, Expr] = {}
    later = {eq.symbol.key for eq in program.equations if eq.phase != "update"}  # what is not there yet
    for eq in program.equations:
        key = eq.symbol.key
        if eq.phase in ("backward", "update") and (among is None or key in among):
            for wrong in MISCONCEPTIONS[misconception].rewrite(Site(program, eq)):
                if wrong.shape == eq.formula.shape and not any(ref.symbol.key in later for ref in refs(wrong)):
                    found[key] = wrong
                    break
        later.discard(key)
    return found


@dataclass(frozen=True)
class LayerCheck:
    """The gradient of a layer's weights held against differences.

    `error` is ‖a − n‖ / max(‖a‖, ‖n‖); `ratio` the factor that all of a are of n, None where it is not one number.
    """

    layer: int
    error: float
    ratio: float | None

    @property
    def off(self) -> bool:
        """Whether the gradient is not what the differences say."""
        return self.error > OFF


class Findings:
    """What is found of a patient; all of it measured."""

    def __init__(self, patient: Patient):
        self.patient = patient
        self.examples = patient.lesson.example_count

    @cached_property
    def losses(self) -> np.ndarray:
        """(iterations,) the loss before each update; shorter where it diverged."""
        return self.patient.run.losses

    @cached_property
    def checks(self) -> tuple[LayerCheck, ...]:
        """The gradients of the weights in the first iteration, layer by layer from the first."""
        return _checks(self.patient.trace)

    @cached_property
    def checks_at_a_tenth(self) -> tuple[LayerCheck, ...]:
        """The same with a tenth of the learning rate: a gradient does not know of the rate."""
        return _checks(self.patient.trained_with(learning_rate=self.patient.training.learning_rate / 10).trace)

    @property
    def off(self) -> tuple[int, ...]:
        """The layers whose gradients are off."""
        return tuple(check.layer for check in self.checks if check.off)

    @cached_property
    def rows_loss(self) -> float:
        """The mean of the rows' own losses, before the first update."""
        return float(np.mean(self.evaluate(1)[1]))

    @cached_property
    def summed(self) -> bool:
        """Whether the loss is as many times the mean of the rows' as there are rows."""
        return bool(np.isclose(self.losses[0], self.examples * self.rows_loss, rtol=1e-6))

    @cached_property
    def gradient_sizes(self) -> tuple[float, ...]:
        """The root mean square of the gradient of each layer's weights, in the first iteration."""
        return tuple(_rms(self.gradient(k)) for k in self._layers)

    @cached_property
    def silent(self) -> tuple[float, ...]:
        """Of each layer the share of activations, over all rows, that are 0."""
        values = self.patient.trace.iteration.values
        return tuple(float(np.mean(np.asarray(values[layer.activation.key]) == 0)) for layer in self._model.layers)

    @cached_property
    def input_sizes(self) -> tuple[float, ...]:
        """The root mean square of each input over the rows."""
        return tuple(_rms(column) for column in np.asarray(self.patient.lesson.inputs[:]).T)

    @cached_property
    def last(self) -> int:
        """Before which iteration the numbers are that it ends with: the last that are finite."""
        run = self.patient.run
        return run.trained + 1 if run.diverged is None else run.diverged

    @cached_property
    def accuracy(self) -> float:
        """The share of rows that are predicted right in the end."""
        return float(self.evaluate(self.last)[0])

    @cached_property
    def unseen(self) -> float:
        """The same of the rows that are held out."""
        evaluator = self._evaluator.held_out
        assert evaluator is not None
        return float(evaluator.evaluate(self.patient.run.parameters(self.last)).accuracy or 0)

    @cached_property
    def guessing(self) -> float:
        """The least loss that one and the same answer to every row could have."""
        share = float(np.mean(self.patient.lesson.targets))
        return float(-(share * np.log(share) + (1 - share) * np.log(1 - share)))

    @property
    def rises(self) -> float:
        """The share of updates after which the loss was higher than before."""
        with quietly():
            return float(np.mean(np.diff(self.losses) > 1e-9)) if len(self.losses) > 1 else 0.0

    def gradient(self, layer: int) -> np.ndarray:
        """The gradient of a layer's weights as the patient computes it, in the first iteration."""
        return np.asarray(self.patient.trace.iteration.values[derivative("L", of_layer("weights", layer))])

    @cached_property
    def outputs(self) -> np.ndarray:
        """(rows, 1) what is predicted in the end."""
        return np.asarray(self._evaluator.evaluate(self.patient.run.parameters(self.last)).outputs)

    def evaluate(self, iteration: int) -> tuple[float, np.ndarray]:
        """The accuracy and the rows' own losses before an iteration."""
        found = self._evaluator.evaluate(self.patient.run.parameters(iteration))
        return float(found.accuracy or 0), found.losses

    @cached_property
    def _evaluator(self) -> Evaluator:
        return Evaluator(self.patient.lesson)

    @property
    def _model(self) -> Any:
        return model(self.patient.lesson, batch_size(self.patient.lesson))

    @property
    def _layers(self) -> range:
        return range(1, len(self._model.layers) + 1)


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _checks(trace: Trace) -> tuple[LayerCheck, ...]:
    found = []
    for layer in trace.program.model.layers:
        weights = layer.weights
        analytic = np.asarray(trace.iteration.values[derivative("L", weights.id)])
        numeric = _differences(trace, weights)
        size = max(float(np.linalg.norm(analytic)), float(np.linalg.norm(numeric)))
        error = float(np.linalg.norm(analytic - numeric)) / size if size > NOTHING else 0.0
        found.append(LayerCheck(layer.number, error, _ratio(analytic, numeric)))
    return tuple(found)


def _differences(trace: Trace, weights: Symbol) -> np.ndarray:
    """dL/dW by central differences of the loss."""
    probe, value = Probe(trace, Ref(trace.program.model.objective), weights), trace.iteration.values[weights.id]
    found = np.zeros(weights.shape)
    for index in np.ndindex(*weights.shape):
        loss, at = probe.along(Ref(weights, index)), float(np.asarray(value)[index])
        found[index] = (loss(at + USUAL) - loss(at - USUAL)) / (2 * USUAL)
    return found


def _ratio(analytic: np.ndarray, numeric: np.ndarray) -> float | None:
    """The number that all of `analytic` is of `numeric`; None where there is none."""
    if not np.any(numeric):
        return None
    ratio = float(np.sum(analytic * numeric) / np.sum(numeric * numeric))
    return ratio if np.allclose(analytic, ratio * numeric, rtol=1e-3, atol=1e-6 * np.abs(analytic).max()) else None
