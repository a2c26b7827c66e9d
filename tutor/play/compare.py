"""Two to four runs of one lesson that differ in one setting, trained side by side from the same seed.

Of each run the loss of every epoch, where it ends, and what it gets right; as curves and in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.evaluation import Evaluation, evaluator_of
from tutor.engine.forward import model
from tutor.engine.held_out import HeldOut
from tutor.engine.lesson import INITIALISERS, Lesson, QuizChoice
from tutor.engine.program import iterations_per_epoch
from tutor.engine.run import MAX_ITERATION, Run
from tutor.play.settings import Refused, Same, shown
from tutor.play.whatif import WhatIf
from tutor.text.evaluation_words import percent, short_accuracy, summary
from tutor.text.language import say
from tutor.text.layout import number
from tutor.text.words import listed

EPOCHS = 100
MOST = 4  # runs, told apart on one plot
CHUNK = 20  # parts that a training is cut into, so that all curves grow together


@dataclass
class Contender:
    """One of the runs: what its setting is (`short`: its value alone), and its training."""

    label: str
    short: str
    lesson: Lesson
    run: Run

    @property
    def losses(self) -> np.ndarray:
        """(epochs,) the mean loss of each finished epoch; what is not finite stands for itself."""
        return self.run.epoch_losses

    @property
    def epochs(self) -> int:
        """How many epochs there are losses of."""
        return len(self.losses)

    def evaluated(self) -> Evaluation | None:
        """All rows with the parameters that the training has come to; None where nobody can say what is right."""
        evaluator = evaluator_of(self.lesson)
        return evaluator.evaluate(self.run.parameters(self.run.trained + 1)) if evaluator else None

    def held_out(self) -> Evaluation | None:
        """The same of the rows that are held out; None where there are none."""
        held = HeldOut.of(self.run)
        return None if held is None else held.after(self.run.trained)

    def final(self) -> float:
        """Where it ends: the mean loss over all rows, or of a circuit its output in the last epoch."""
        found = self.evaluated() if self.run.model.layers else None
        return found.loss if found else float(self.losses[-1])


class Comparison:
    """Runs of a lesson that differ in one setting. Raises Refused for values that cannot be, or too few or many."""

    def __init__(self, lesson: Lesson, name: str, values: Sequence[str]):
        if lesson.training is None:
            raise Refused(say("This lesson is not trained: there are no runs to compare."))
        self.name = name
        made = [(value, variant(lesson, name, value)) for value in dict.fromkeys(values)]
        self._enter([(*_labels(name, value, made_), made_) for value, made_ in made])

    @classmethod
    def of(cls, name: str, lessons: Sequence[tuple[str, Lesson]]) -> Comparison:
        """Of lessons that are there already, each with its label."""
        self = cls.__new__(cls)
        self.name = name
        self._enter([(label, label, lesson) for label, lesson in lessons])
        return self

    def _enter(self, lessons: Sequence[tuple[str, str, Lesson]]) -> None:
        if not 2 <= len(lessons) <= MOST:
            raise Refused(say("Give 2 to {most} different values to compare.", most=MOST))
        self.contenders = [Contender(label, short, lesson, Run(lesson)) for label, short, lesson in lessons]

    def again(self) -> Comparison:
        """The same runs, not trained yet."""
        fresh = Comparison.__new__(Comparison)
        fresh.name = self.name
        fresh._enter([(contender.label, contender.short, contender.lesson) for contender in self.contenders])
        return fresh

    def train(self, epochs: int, progress: Callable[[], bool] | None = None) -> bool:
        """Train every run to so many epochs; False where `progress`, asked now and then, answered False."""
        for contender in self.contenders if progress is None else ():
            contender.run.prepare(epochs * iterations_per_epoch(contender.lesson))
        for part in range(1, CHUNK + 1):
            upto = -(-epochs * part // CHUNK)
            for contender in self.contenders:
                iterations = min(upto * iterations_per_epoch(contender.lesson), MAX_ITERATION)
                more = (lambda trained: progress()) if progress else None
                if contender.run.train(iterations, more) == "cancelled" or (progress and not progress()):
                    return False
        return True

    @property
    def epochs(self) -> int:
        """How many epochs there are losses of."""
        return max(contender.epochs for contender in self.contenders)

    def words(self) -> list[str]:
        """The same in sentences: which run ended lowest, and how each went."""
        return [self._verdict(), *map(self._words, self.contenders)]

    def brief(self) -> list[str]:
        """The same in a line a run, where the curves are beside it."""
        return [self._verdict(), *map(self._brief, self.contenders)]

    def _brief(self, contender: Contender) -> str:
        losses = contender.losses
        if contender.run.diverged is not None or not len(losses):
            return self._words(contender)
        went = f"{contender.label}: {number(losses[0])} → {number(losses[-1])}"
        found = contender.evaluated()
        if found is None:
            return went
        words = {"went": went, "loss": number(found.loss)}
        if found.accuracy is None:
            said = say("{went}, at the end loss {loss}", **words)
        else:
            said = say("{went}, at the end {right} right, loss {loss}", right=percent(found.accuracy), **words)
        held = contender.held_out()
        return say("{told}; held out {summary}", told=said, summary=short_accuracy(held)) if held else said

    def _words(self, contender: Contender) -> str:
        losses, run = contender.losses, contender.run
        if run.diverged is not None:
            return say(
                "{run}: diverged in iteration {n}: a value was no finite number.",
                run=contender.label, n=f"{run.diverged:,}",
            )  # fmt: skip
        if not len(losses):
            return say("{run}: no epoch is finished yet.", run=contender.label)
        marks = sorted({1, max(len(losses) // 10, 1), max(len(losses) // 2, 1), len(losses)})
        told = ", ".join(say("{loss} in epoch {n}", loss=number(losses[at - 1]), n=f"{at:,}") for at in marks)
        found, held = contender.evaluated(), contender.held_out()
        said = (
            say("{run}: loss {losses}", run=contender.label, losses=told)
            if run.model.layers
            else say("{run}: {output} is {losses}", run=contender.label, output=run.model.output.id, losses=told)
        )
        if found:
            said = say("{told}; after it {summary}", told=said, summary=summary(found))
            said = say("{told}; held out {summary}", told=said, summary=summary(held)) if held else said
        return f"{said}."

    def _verdict(self) -> str:
        """Which run ends lowest, L2 terms left out; nothing where their losses cannot be held against each other."""
        if len({c.run.model.loss_name for c in self.contenders}) > 1:
            return say("Their losses are different measures: which number is lower says nothing.")
        ended = [(c.label, c.final()) for c in self.contenders if c.run.diverged is None and c.epochs]
        if not ended:
            gone = any(c.run.diverged for c in self.contenders)
            return say("Every run diverged." if gone else "Nothing is trained yet.")
        lowest = min(final for _, final in ended)
        best = [label for label, final in ended if final == lowest]
        if len(best) > 1:
            return say("{runs} end at the same loss, {loss}.", runs=listed(best), loss=number(lowest))
        return say("{run} ends lowest, at {loss}.", run=best[0], loss=number(lowest))


def variant(lesson: Lesson, name: str, value: str) -> Lesson:
    """The lesson with one setting changed, to be trained: without notes and questions, which would be checked anew.

    `activation` and `weights` are those of all (hidden) layers.
    """
    lesson = replace(lesson, notes=(), questions=(), quiz_steps=(), quiz=QuizChoice())
    edit = f"{name} = {value}"
    if (last := len(model(lesson).layers)) and name in ("activation", "weights"):
        layers = range(1, max(last, 2) if name == "activation" else last + 1)
        edit = "; ".join(f"layer {k} {name} = {value}" for k in layers)
    try:
        return WhatIf(lesson).apply(edit).unmarked
    except Same:
        return lesson


def _labels(name: str, value: str, made: Lesson) -> tuple[str, str]:
    """What a run is called, in full and by its value alone."""
    if name in ("activation", "weights"):
        return value, value
    changes = WhatIf(made)
    setting = changes.find(name)
    short = shown(changes.value(setting))
    return f"{setting.name} {short}", short


def asked(text: str) -> tuple[str, list[str]]:
    """What `learning_rate 0.1 0.5` or `layer 1 activation = relu tanh` asks to compare. Raises Refused."""
    name, equals, rest = text.partition("=")
    if not equals:
        name, _, rest = text.strip().partition(" ")
    values = rest.replace(",", " ").split()
    if not name.strip() or not values:
        raise Refused(say("Say what is to differ, and its values: learning_rate 0.1 0.5, for example."))
    return " ".join(name.split()), values


def suggestions(lesson: Lesson) -> list[tuple[str, str, list[str]]]:
    """What may be worth comparing: (what, the setting's name, values), the lesson's own among them."""
    training, layers = lesson.training, model(lesson).layers
    if training is None:
        return []
    rate = training.learning_rate
    rates = [f"{rate * factor:.3g}" for factor in (0.1, 1, 3)]
    found = [
        (say("learning rate"), "learning_rate", rates),
        (say("optimiser"), "optimizer", list(dict.fromkeys((training.optimizer, "sgd", "momentum", "adam")))),
    ]
    if layers:
        own = layers[0].activation_name
        if len(layers) > 1:
            known = [name for name in (own, "sigmoid", "tanh", "relu") if name in ACTIVATIONS]
            found.append((say("activation of the hidden layers"), "activation", list(dict.fromkeys(known))))
        found.append((say("how the weights are drawn"), "weights", list(INITIALISERS)))
        if any(layer.drawn for layer in layers) or training.order != "listed":
            found.append((say("seed"), "seed", [str(training.seed + k) for k in range(3)]))
    if lesson.example_count > 1:
        sizes = [str(training.batch), "1", *(["10"] if lesson.example_count > 20 else []), "all"]
        found.append((say("batch"), "batch", list(dict.fromkeys(sizes))))
    if layers:
        found.append((say("L2 regularisation"), "l2", list(dict.fromkeys([f"{training.l2:g}", "0", "0.01", "0.1"]))))
    return found
