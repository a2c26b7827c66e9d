"""The lesson: what a lesson file says, checked and with every default filled in.

Shapes: weights (units of this layer, units that feed it), biases (units,) or (), example inputs
(examples, inputs), targets (examples, outputs); all float64.

`reading.py` makes one from a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from tutor.engine.expressions import Expr
from tutor.engine.memo import Memo
from tutor.engine.rows import Data, Rows

# What a lesson may choose: the way its matrices are written, a batch's loss, the level it opens at, how weights begin,
# the order of its rows.
Layout: TypeAlias = Literal["to_from", "from_to"]
BatchLoss: TypeAlias = Literal["mean", "sum"]
Level: TypeAlias = Literal["story", "scalar", "matrix"]
Initialiser: TypeAlias = Literal["xavier", "he", "normal"]
Order: TypeAlias = Literal["listed", "shuffled", "random"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
BATCH_LOSSES: tuple[BatchLoss, ...] = get_args(BatchLoss)
LEVELS: tuple[Level, ...] = get_args(Level)
INITIALISERS: tuple[Initialiser, ...] = get_args(Initialiser)
ORDERS: tuple[Order, ...] = get_args(Order)


def as_level(text: str) -> Level | None:
    """The level of this name; None where there is none."""
    return next((level for level in LEVELS if level == text), None)


@dataclass(frozen=True)
class Layer:
    """One layer: z = W·a + b, a = activation(z). `biases` is None where the layer has none.

    `stored` says where a file beside the lesson has them: {"weights": "model.npz:fc1.weight"}.
    """

    units: int
    activation: str = "linear"
    alpha: float = 0.01
    weights: np.ndarray | Initialiser = "xavier"
    biases: np.ndarray | None = None  # of shape () where all units share one
    names: tuple[str, ...] | None = None
    train_weights: bool = True
    train_biases: bool = True
    stored: dict[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Network:
    """A network: its layers, the first first, and the loss by its name in `LOSSES`.

    `image` has the rows and columns of the image whose pixels the inputs are, row by row; None: they are none.
    """

    inputs: int
    loss: str
    layers: tuple[Layer, ...]
    input_names: tuple[str, ...] | None = None
    delta: float | None = None  # of a loss that takes one; None: the usual
    layout: Layout = "to_from"  # of the weight matrices in the file; here they have a row a unit that they lead to
    image: tuple[int, int] | None = None

    @property
    def widths(self) -> tuple[int, ...]:
        """How many units each layer has, the inputs first."""
        return (self.inputs, *(layer.units for layer in self.layers))


@dataclass(frozen=True)
class Definition:
    """One line of a circuit, `name = formula`; `line` is the author's text. Leaves are Ref(Symbol(name, shape)).

    `at` is the place in the file's `define` (from 0): a line that is repeated stands for several.
    """

    name: str
    formula: Expr
    line: str
    at: int = field(default=0, compare=False)


FREE_INPUTS = ("*",)  # no author's name: every input that is neither data nor set by examples


@dataclass(frozen=True)
class Circuit:
    """Lines over numbers and arrays, up to rank 4; the `output` is a single number.

    `inputs` has every input's value, of those that examples set the first example's. `parameters` are what an update
    changes (left out: every input that is neither data nor set by examples), `data` what no gradient is wanted of, and
    `examples` what each example sets: name -> (examples, *shape), none where the circuit has no examples. `places` says
    by which keys an input stands in the file: x2 may be the second of an x that was given once for all times.
    """

    inputs: dict[str, np.ndarray | float]
    definitions: tuple[Definition, ...]
    output: str
    parameters: tuple[str, ...] = FREE_INPUTS
    data: tuple[str, ...] = ()
    examples: dict[str, np.ndarray] = field(default_factory=dict)
    places: dict[str, tuple[str | int, ...]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if self.parameters == FREE_INPUTS:
            free = tuple(name for name in self.inputs if name not in self.data and name not in self.examples)
            object.__setattr__(self, "parameters", free)

    def place(self, name: str) -> tuple[str | int, ...]:
        """By which keys an input stands in the lesson's file, of what examples set in the first."""
        usual = ("examples", 0, name) if name in self.examples else ("circuit", "inputs", name)
        return self.places.get(name, usual)


@dataclass(frozen=True)
class Training:
    """How a lesson is trained; the optimiser by its name in `OPTIMIZERS`."""

    learning_rate: float = 0.01
    optimizer: str = "sgd"
    batch: int | Literal["all"] = 1  # a number of examples, or all
    order: Order = "listed"
    seed: int = 0
    l2: float = 0.0
    momentum: float = 0.9
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    rho: float = 0.9
    weight_decay: float = 0.01
    updates: int = 0  # made before the first: an optimiser that counts them begins at the next
    memory: dict[str, np.ndarray] = field(default_factory=dict)  # states that do not begin at 0, by id: W1.m
    batch_loss: BatchLoss = "mean"  # of a batch: the mean over its examples, or the sum


@dataclass(frozen=True)
class Note:
    """Prose attached to a step; `at` is its place among the file's [[notes]], from 0."""

    step: str
    text: str
    at: int = 0


@dataclass(frozen=True)
class Expect:
    """A number (or a vector, a matrix) that the lesson is held to; `at` is its place in the file, from 0.

    The digits that it is given to are in the file's text: `Source.written`.
    """

    step: str
    value: float | list[Any]
    source: str
    iteration: int = 1
    at: int = 0
    tolerance: float | None = None  # how far off; None: by the digits that are written
    cut_off: bool = False  # those were cut off, not rounded


@dataclass(frozen=True)
class WrongAnswer:
    """A wrong answer that the author foresaw, and what to say to it."""

    answer: float | str
    says: str


@dataclass(frozen=True)
class AuthorQuestion:
    """A question of the file: about a `step`, or with `ask` in the author's words (`step`: where it is asked).

    `answer` is a number, or a choice's number (from 1) or text, or several choices, each of which is right. `at` is
    its place among the [[questions]], from 0.
    """

    step: str = ""
    ask: str = ""
    kind: str = "value"
    digits: int = 3
    choices: tuple[str, ...] = ()
    answer: float | str | tuple[float | str, ...] | None = None
    hints: tuple[str, ...] = ()
    wrong: tuple[WrongAnswer, ...] = ()
    at: int = 0

    @property
    def right_choices(self) -> tuple[int, ...]:
        """The places of the right choices, from 0."""
        answers = self.answer if isinstance(self.answer, tuple) else (self.answer,)
        return tuple(choice_at(answer, self.choices) or 0 for answer in answers)


def choice_at(answer: float | str | None, choices: Sequence[str]) -> int | None:
    """The place (from 0) of a choice that is named by its number from 1, or by its text; None if there is none."""
    if isinstance(answer, str):
        return choices.index(answer) if answer in choices else None
    return int(answer) - 1 if answer in range(1, len(choices) + 1) else None  # type: ignore[arg-type]


@dataclass(frozen=True)
class QuizChoice:
    """What quizzes, sheets and question banks ask of a lesson.

    `only` the "author"'s questions, or those of the lesson's quiz "steps"; "": a spread, half of it the author's.
    `kinds` are those that the tutor's own may have, () all. `count` is how many, unless somebody says; None: as usual.
    """

    only: str = ""
    kinds: tuple[str, ...] = ()
    count: int | None = None
    shuffled: bool = False


@dataclass(frozen=True)
class Lesson:
    """A lesson has a network (with examples) or a circuit; `training` is None for a circuit that is not trained.

    Who wants to know which asks the model (`forward.model`), in the model's words.
    """

    id: str
    title: str
    summary: str = ""
    unit: str = ""
    level: Level = "scalar"
    notation: str = "dz"
    requires: tuple[str, ...] = ()
    intro: str = ""
    outro: str = ""
    network: Network | None = None
    circuit: Circuit | None = None
    inputs: Rows = field(default_factory=lambda: np.empty((0, 0)))
    targets: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    training: Training | None = None
    notes: tuple[Note, ...] = ()
    quiz_steps: tuple[str, ...] = ()
    quiz: QuizChoice = QuizChoice()
    questions: tuple[AuthorQuestion, ...] = ()
    expect: tuple[Expect, ...] = ()
    classes: tuple[str, ...] = ()  # what the outputs are called where they are classes with names, in their order
    data: Path | None = None  # the file that the examples are from
    held_out: Data | None = None  # rows that training never sees
    data_keys: dict[str, Any] = field(default_factory=dict, compare=False)  # how the lesson's file names its data
    path: Path | None = None

    @cached_property
    def examples(self) -> Mapping[str, Rows]:
        """What each example sets, by the symbol's id: (examples, *shape); none where there is only one way to run."""
        if self.circuit:
            return self.circuit.examples
        return {"x": self.inputs, "y": self.targets}

    @property
    def example_count(self) -> int:
        """How many examples the lesson has."""
        return min(map(len, self.examples.values()), default=0)

    @cached_property
    def memo(self) -> Memo:
        """What others keep about this lesson: its variants with other numbers."""
        return Memo()
