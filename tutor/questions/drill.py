"""Drills: one skill, endless variants. A lesson's network or circuit with new numbers, drawn from a seed.

The numbers can be computed with on paper: weights and inputs of one decimal, none of them 0, no two equal side
by side; sums of a moderate size; of ReLU units some on and some off; targets that the loss takes. The same
seed gives the same numbers on every machine, so a teacher can give it again.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np

from tutor.engine.activations import piecewise
from tutor.engine.expressions import Symbol, refs
from tutor.engine.forward import initial_parameters, model, with_numbers
from tutor.engine.lesson import Lesson
from tutor.engine.losses import LOSSES
from tutor.engine.model import LayerSymbols
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.program import batch_size
from tutor.engine.rules import variant_of
from tutor.engine.run import Run
from tutor.engine.trace import NoSuchStep, Step, Trace, trace
from tutor.questions.items import CHAIN, ORDER, PATHS, SHAPES, Item
from tutor.questions.kinds import KINDS
from tutor.text.language import say
from tutor.text.writer import Writer

DRAWS = 60  # of numbers for one variant: the best of them is taken
SEEDS = 12  # that are looked through for a telling question
SOON = 200  # iterations that are trained for a question in the numbers of the last
RATES = (0.1, 0.2, 0.5)
MODERATE = (0.05, 2.5)  # the size of a pre-activation that is neither near a kink nor where σ is flat
_OF_SKILL = {kind.skill: name for name, kind in KINDS.items() if kind.skill}


class NoQuestion(ValueError):
    """No question about a skill can be made from a lesson; str() says so."""


# ---------------------------------------------------------------- new numbers


def variant(lesson: Lesson, seed: int) -> Lesson:
    """The lesson with new numbers; its prose, notes and questions, which speak of the old ones, are left out."""
    rng = random.Random(f"variant {seed}")
    title = say("{title}, numbers of seed {seed}", title=lesson.title, seed=seed)
    lesson = replace(lesson, title=title, intro="", outro="", notes=(), quiz_steps=(), questions=())
    found: Lesson | None = None
    least = float("inf")
    for draw in range(_draws(lesson)):
        candidate = _drawn_network(lesson, rng) if model(lesson).layers else _drawn_inputs(lesson, rng, draw)
        faults = _faults(candidate)
        if faults < least:
            found, least = candidate, faults
        if faults == 0:
            break
    return lesson if found is None else found  # no draw has finite values: the lesson's own do


def _draws(lesson: Lesson) -> int:
    """Fewer for a large network: nobody computes all of it on paper, and one draw is much like another."""
    weights = sum(before * units for before, units in pairwise(model(lesson).widths))
    return max(DRAWS * 100 // max(weights, 100), 10)


def _drawn_network(lesson: Lesson, rng: random.Random) -> Lesson:
    made, training = model(lesson), lesson.training
    assert training
    numbers: dict[str, np.ndarray | float] = {}
    for layer, before in zip(made.layers, made.widths, strict=False):
        # Many addends: shorter steps, so that the sum stays moderate.
        step = 0.1 if before <= 20 else 0.01
        numbers[layer.weights.id] = _short(step * _matrix(rng, layer.units, before, 9))
        if layer.biases:
            biases = 0.1 * _matrix(rng, 1, layer.units, 5)[0]
            if not layer.biases.shape:  # one that all units share
                biases = 0.1 * _matrix(rng, 1, 1, 5)[0, 0]
            numbers[layer.biases.id] = _short(biases)
    rows = min(lesson.example_count, max(batch_size(lesson), 2))
    x, y = made.data
    inputs = _short(0.1 * _matrix(rng, rows, x.shape[0], 15))
    targets = np.array([_targets(made.loss_name, made.layers[-1], rng) for _ in range(rows)])
    # η = 1 hides whether it was forgotten.
    rate = rng.choice(RATES) if training.learning_rate == 1 else training.learning_rate
    drawn = with_numbers(lesson, numbers, {x.id: inputs, y.id: targets})
    return replace(drawn, training=replace(training, learning_rate=rate))


def _short(values: np.ndarray) -> np.ndarray:
    """Two decimals at most, as they would be read from a file."""
    return np.round(values, 2)


def _matrix(rng: random.Random, rows: int, columns: int, most: int) -> np.ndarray:
    """Whole numbers from −most to most, (rows, columns): no 0, no two of one size side by side or above each other."""
    if rows * columns > 10_000:  # as good, where nobody looks at every number
        numbers = np.random.default_rng(rng.getrandbits(32))
        signs: np.ndarray = numbers.choice([-1.0, 1.0], (rows, columns))
        drawn: np.ndarray = numbers.integers(1, most + 1, (rows, columns)) * signs
        return drawn

    @cache
    def other(left: int, above: int) -> list[int]:
        return [n for n in range(1, most + 1) if n not in (left, above)]

    sizes = [[0] * (columns + 1) for _ in range(rows + 1)]  # with a border of 0 above, and on the left as index −1
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            sizes[i][j] = rng.choice(other(sizes[i][j - 1], sizes[i - 1][j]))
            found[i, j] = sizes[i][j] * rng.choice((1, -1))
    return found


def _targets(loss: str, output: LayerSymbols, rng: random.Random) -> list[float]:
    """One example's targets: what the loss takes, and where the output can come near."""
    units = range(output.units)
    if loss == "cross_entropy":
        true = rng.choice(units)
        return [float(k == true) for k in units]
    if allowed := LOSSES[loss].targets:
        return [rng.choice(allowed) for _ in units]
    if LOSSES[loss].wants == "sigmoid":
        return [float(rng.randint(0, 1)) for _ in units]
    both = dict.fromkeys(("tanh", "bipolar_sigmoid"), (-9, 9))
    low, high = {"sigmoid": (1, 9), "softmax": (1, 9), **both}.get(output.activation_name, (2, 20))
    return [rng.choice([n for n in range(low, high + 1) if n]) / 10 for _ in units]


def _drawn_inputs(lesson: Lesson, rng: random.Random, draw: int) -> Lesson:
    """New numbers for an author's inputs: whole ones where all of the lesson's are, else of one decimal.

    Data stay as they are (a mask, an id, a class, probabilities) but for measurements. The later draws keep the
    lesson's signs, which its functions may need (ln, √).
    """
    made, own = model(lesson), initial_parameters(lesson)
    measured = [symbol for symbol in made.fixed if symbol.id in own and _measured(own[symbol.id])]
    free = [symbol.id for symbol in (*made.parameters, *measured) if symbol.id in own]
    whole = all(np.all(own[id] == np.round(own[id])) for id in free)
    unit, most = (1.0, 9) if whole else (0.1, 15)
    choices = list(range(2, 10)) if whole else [n / 10 for n in range(2, 31) if n != 10]
    sizes: list[float] = []
    for id in free:
        if not np.ndim(own[id]):
            sizes.append(rng.choice([n for n in choices if n not in sizes] or choices))
    signs = [rng.choice((1, -1)) if draw < DRAWS // 3 else (-1 if np.all(own[id] < 0) else 1) for id in free]
    single = iter(sizes)
    numbers: dict[str, np.ndarray | float] = {}
    for id, sign in zip(free, signs, strict=True):
        shape = np.shape(own[id])
        if not shape:
            numbers[id] = float(sign * next(single))
            continue
        drawn = _short(unit * _matrix(rng, math.prod(shape[:-1]), shape[-1], most)).reshape(shape)
        numbers[id] = drawn if draw < DRAWS // 3 else np.where(np.signbit(own[id]), -1, 1) * np.abs(drawn)
    training = lesson.training
    if training and training.learning_rate == 1:
        training = replace(training, learning_rate=rng.choice(RATES))
    return replace(with_numbers(lesson, numbers), training=training)


def _measured(data: np.ndarray | float) -> bool:
    """Whether data may as well be other numbers: not all are whole, and no row is one of probabilities."""
    return not np.all(data == np.round(data)) and not np.any(np.isclose(np.sum(data, axis=-1), 1))


# ---------------------------------------------------------------- are they good numbers?


def _faults(lesson: Lesson) -> float:
    """How far the numbers are from what can be computed on paper: 0 is good, infinite where a value is none."""
    here = trace(lesson)
    symbols, sound = here.program.symbols, here.program.model.sound
    values = here.iteration.values.items()
    if not all(np.all(sound(symbols[key], value) if key in symbols else np.isfinite(value)) for key, value in values):
        return float("inf")
    return _network_faults(here) if here.program.model.layers else _gate_faults(here)


def _gate_faults(here: Trace) -> float:
    """Values that are too large for paper, 0, or alike where a gate decides or two operands cannot be told apart."""
    found = 0
    for eq in here.equations:
        if eq.deferred:
            continue
        size = np.abs(here.iteration.values[eq.symbol.key])
        # Below 1e-3 and above 1e3 a value is a chore.
        found += bool(np.all((size < 1e-3) | (size > 1e3)) if eq.phase == "forward" else np.any(size > 1e4))
        kept = [here.iteration.values.get(ref.symbol.key) for ref in refs(eq.formula)]
        operands = [np.abs(value) for value in kept if value is not None]
        alike = len({tuple(np.round(np.ravel(value), 9)) for value in operands}) < len(operands)
        found += eq.phase == "forward" and alike
    return found


def _network_faults(here: Trace) -> float:
    model = here.program.model
    found = 0.0
    for layer in model.layers:
        z = _of_examples(here, layer.pre_activation)
        size = np.abs(z)
        found += float(np.mean((size < MODERATE[0]) | (size > MODERATE[1])))
        several = z.shape[1] > 1
        if piecewise(layer.activation_name):
            on = z > 0
            mixed = on.any(axis=1) & ~on.all(axis=1) if several else on.any(axis=1)
            found += float(np.mean(~mixed))
        found += float(np.mean(np.ptp(z, axis=1) == 0)) if several else 0
    y, a = _of_examples(here, model.data[1]), _of_examples(here, model.layers[-1].activation)
    return found + float(np.mean(np.abs(a - y) < 0.05))


def _of_examples(here: Trace, symbol: Symbol) -> np.ndarray:
    """The values of a vector, (examples, units), of one example too."""
    return np.atleast_2d(np.asarray(here.iteration.values[symbol.key], dtype=float))


# ---------------------------------------------------------------- one skill


def skills(lesson: Lesson) -> list[str]:
    """The skills that a lesson can be drilled in, in the order of its steps."""
    rules = dict.fromkeys(eq.rule_id for eq in trace(lesson).equations)
    every = [*rules, SHAPES, PATHS, CHAIN, ORDER]
    return [skill for skill in every if _first(lesson, skill, 0, tuple(KINDS))]


def drill_item(lesson: Lesson, skill: str, seed: int, kinds: tuple[str, ...] = ("value",)) -> Item:
    """A question that exercises a skill, about the lesson with new numbers; `Item.seed` says of which seed.

    Seeds are looked through from `seed` on until an element tells mistakes apart in one of `kinds`; where none
    does, other kinds are asked. The same arguments give the same question, and so does `Item.seed` for `seed`.
    Raises NoQuestion.
    """
    if skill not in _OF_SKILL and all(eq.rule_id != skill for eq in trace(lesson).equations):
        raise NoQuestion(say("{title} has nothing to ask about {skill}", title=lesson.title, skill=repr(skill)))
    for k in range(SEEDS):
        if item := _first(lesson, skill, seed + k, kinds):
            return item
    if item := _first(lesson, skill, seed, tuple(KINDS)):
        return item
    raise NoQuestion(say("{title} has nothing to ask about {skill}", title=lesson.title, skill=repr(skill)))


def asked_again(lesson: Lesson, kind: str, id: str, seed: int, iteration: int) -> Item | None:
    """A question of a kind about a step, once more, in the numbers of a seed (0: the lesson's own).

    None where the lesson has no such question (any more), or these numbers would tell nothing.
    """
    here = _varied(lesson, seed, iteration) if seed else own_trace(lesson, iteration)
    if kind not in KINDS or here is None:
        return None
    writer, rng = Writer(here.lesson, lesson.notation), random.Random(f"again {seed} {id}")
    try:
        item = KINDS[kind](here.find(id), writer, rng)
    except NoSuchStep:
        return None
    return replace(item, seed=seed) if item and seed else item


def own_trace(lesson: Lesson, iteration: int) -> Trace | None:
    """The trace of a lesson's own numbers; None where it would take long, or there is no such iteration."""
    run = Run(lesson)
    last = SOON if run.last is None else run.last
    found = run.iteration(iteration) if 1 <= iteration <= last else None
    return Trace(lesson, found) if found else None


def _first(lesson: Lesson, skill: str, seed: int, kinds: tuple[str, ...]) -> Item | None:
    """The first question of one seed's numbers, in the first of the kinds that has any (some skills have their own)."""
    kinds = (_OF_SKILL[skill],) if skill in _OF_SKILL else kinds
    here = _varied(lesson, seed, _iteration(lesson, skill))
    writer, rng = Writer(here.lesson, lesson.notation), random.Random(f"drill {seed} {skill}")
    steps = list(_steps(here, skill, rng))
    for kind in kinds:
        for step in steps:
            item = KINDS[kind](step, writer, rng)
            if item and item.skill == skill:
                return replace(item, seed=seed)
    return None


class _Variants(dict[int, Run]):
    """The runs of a lesson's variants by their seed, the last few."""


def _varied(lesson: Lesson, seed: int, iteration: int) -> Trace:
    """The trace of a seed's numbers. They are kept with the lesson: skill after skill is asked about the same ones."""
    runs = lesson.memo.of(_Variants)
    run = runs.get(seed)
    if run is None:
        if len(runs) >= 2 * SEEDS:
            runs.pop(next(iter(runs)), None)
        run = runs[seed] = Run(variant(lesson, seed))
    found = run.iteration(iteration)
    assert found is not None
    return Trace(run.lesson, found)


def _iteration(lesson: Lesson, skill: str) -> int:
    """The first; where an optimiser's memory matters the second, since a memory of 0 hides what one does with it."""
    remembers = lesson.training and OPTIMIZERS[lesson.training.optimizer].memory
    return 2 if remembers and (skill == "update" or (variant_of(skill) or ("",))[0] == "optimizer") else 1


def _steps(here: Trace, skill: str, rng: random.Random) -> Iterator[Step]:
    """The steps that may exercise a skill, in a drawn order."""
    found = [eq for eq in here.equations if skill in _OF_SKILL or eq.rule_id == skill]
    for eq in rng.sample(found, len(found)):
        yield Step(here, eq, None, rng.randrange(here.examples) if eq.symbol.per_example else None)
