"""Fast training of lessons about arrays against the equations themselves, in both ways; random circuits among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from array_circuits import EXAMPLES, FORWARD, ArrayCircuit, circuit_of, random_circuit
from test_array_model import ALL
from test_array_model import lesson as read
from tutor.engine import run as running
from tutor.engine.compiled.graph import Memory
from tutor.engine.forward import initial_parameters
from tutor.engine.lesson import Lesson, Training
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.program import Program, rows
from tutor.engine.run import Run

WAYS = {"scalars": 10**9, "arrays": -1}


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    monkeypatch.setattr(running, "SCALAR_WORK", WAYS[request.param])
    return request.param


def by_the_equations(lesson: Lesson, iterations: int):
    """(loss, carried values after) of each iteration, with `Program.run` alone."""
    values = dict(initial_parameters(lesson))
    for name in [state.name for state in OPTIMIZERS[lesson.training.optimizer].memory]:
        values |= {f"{id}.{name}": np.zeros_like(v) for id, v in initial_parameters(lesson).items()}
    h = {f"training.{key}": getattr(lesson.training, key) for key in vars(Training())}
    programs: dict[int, Program] = {}  # by how many examples they take
    for number in range(1, iterations + 1):
        taken = rows(lesson, number)
        examples = max(len(taken), 1)
        if examples not in programs:
            programs[examples] = Program(lesson, examples)
        program = programs[examples]
        now = values | h | {"training.t": float(number)}
        for symbol in program.model.data:
            data = lesson.examples[symbol.id]
            now[symbol.key] = data[taken] if symbol.per_example else data[taken[0]]
        now = program.run(now)
        values = values | {old: now[new] for new, old in program.carried.items()}
        yield float(now[program.model.objective.key]), values


def follows(lesson: Lesson, iterations: int, never_left: bool = False) -> None:
    run = Run(lesson)
    if never_left:  # the code has to go all the way
        run._by_equations = None  # type: ignore[method-assign, assignment]
    run.train(iterations)
    for number, (loss, values) in enumerate(by_the_equations(lesson, iterations), start=1):
        if not all(np.all(np.abs(v) < 1e100) for v in (loss, *values.values())):
            return  # on its way to infinity: rounding decides
        assert np.isclose(run.losses[number - 1], loss, rtol=1e-12, atol=1e-13), number
        for key, value in run.parameters(number + 1).items():
            scale = max(1.0, float(np.max(np.abs(value), initial=0)))
            assert np.allclose(value, values[key], rtol=1e-12, atol=1e-12 * scale), (number, key)


def with_examples(grown: ArrayCircuit, **how) -> Lesson:
    """The lesson of a grown circuit: what differs from example to example is set by them."""
    taught = grown.lesson(training=Training(1e-3, epsilon=1e-3, **how))
    circuit = taught.circuit
    examples = {s.id: grown.values[s.key] for s in (*grown.inputs, *grown.data) if s.per_example}
    free = tuple(symbol.id for symbol in grown.inputs if symbol.id not in examples)
    return replace(taught, circuit=replace(circuit, examples=examples, parameters=free))


@pytest.mark.parametrize("name", ALL)
def test_lessons_train_as_the_equations_say(name, way):
    taught = read(ALL[name])
    taught = replace(taught, training=taught.training or Training(0.05))
    follows(taught, 6, never_left=name != "everything")  # there a maximum is taken of nearly equal ones
    follows(replace(taught, training=replace(taught.training, optimizer="adamw", epsilon=1e-3, weight_decay=0.1)), 6)


@pytest.mark.parametrize("op", FORWARD)
def test_every_operator_trains_as_the_equations_say(op, way):
    for seed in range(4):
        many = seed % 2 > 0
        how = {"batch": "all" if seed == 1 else 2} if many else {}
        follows(with_examples(circuit_of(op, seed, examples=many), **how), 2)


FOUND = (310, 458, 541, 695)  # vectors of each example with matrices of rank 3


@pytest.mark.parametrize("seed", [*range(60), *FOUND])
def test_random_circuits_train_as_the_equations_say(seed, monkeypatch):
    monkeypatch.setattr(running, "SCALAR_WORK", WAYS["scalars" if seed % 4 == 0 else "arrays"])
    many = seed % 3 > 0
    grown = random_circuit(1000 + seed, lines=4, examples=many)
    how = {"batch": ("all", EXAMPLES - 1, 1)[seed % 5 % 3]} if many else {}
    follows(with_examples(grown, optimizer="momentum" if seed % 2 else "sgd", **how), 3)


def test_what_is_carried_begins_at_a_line_of_the_cache():
    flats = [Memory({"W": np.ones((n, n)), "b": np.zeros(n)}).flat for n in range(1, 9)]
    assert {flat.ctypes.data % 64 for flat in flats} == {0}
    assert flats[1].tolist() == [1, 1, 1, 1, 0, 0]
