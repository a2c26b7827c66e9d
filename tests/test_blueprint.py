"""Lessons that agree in their blueprint have the same equations, whatever their numbers; and share them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from strategies import bundled
from tutor.engine.blueprint import Blueprint
from tutor.engine.program import Program, batch_size
from tutor.engine.trace import trace
from tutor.lessonfiles.catalogue import entries
from tutor.play.whatif import WhatIf
from tutor.text.card import Scribe

NETWORKS = [lesson for lesson in (bundled(entry.id) for entry in entries()) if lesson.network and lesson.training]
NET = next(lesson for lesson in NETWORKS if len(lesson.network.layers) == 2 and lesson.example_count > 2)
FIRST, LAST = NET.network.layers


def changed():
    """NET with one thing changed at a time: first numbers alone, then what the equations follow from."""

    def network(**change):
        return replace(NET, network=replace(NET.network, **change))

    def layer(**change):
        return network(layers=(replace(FIRST, **change), LAST))

    def training(**change):
        return replace(NET, training=replace(NET.training, **change))

    given = np.full((FIRST.units, NET.network.inputs), 0.25)
    numbers = [
        replace(NET, title="Another", inputs=NET.inputs + 1),
        layer(weights=given),
        layer(weights=given * 3, biases=np.ones(FIRST.units)),
        *(training(**{name: 0.123}) for name in ("learning_rate", "momentum", "epsilon")),
    ]
    others = [
        layer(activation="elu", alpha=0.5),
        layer(activation="elu", alpha=0.25),
        layer(biases=None),
        layer(biases=np.ones(())),
        layer(train_weights=False),
        layer(train_biases=False),
        layer(names=tuple(map(str, range(FIRST.units)))),
        layer(weights=given if isinstance(FIRST.weights, str) else "he"),
        network(loss="huber", delta=0.5),
        network(loss="huber", delta=2.0),
        network(loss="squared_error"),
        network(image=(1, 2)),
        network(input_names=("p", "q")),
        training(optimizer="adam"),
        training(optimizer="momentum"),
        training(l2=0.25 - NET.training.l2),
        training(batch=2),
        training(batch=2, batch_loss="sum"),
    ]
    return numbers, others


def test_equal_blueprints_have_equal_equations():
    numbers, others = changed()
    found = [*NETWORKS, *numbers, *others]
    made: dict[Blueprint, Program] = {}
    for lesson in found:
        program = Program(lesson, batch_size(lesson))
        same = made.setdefault(Blueprint.of(lesson, batch_size(lesson)), program)
        assert same.equations == program.equations and same.model == program.model, lesson.id
        shared = Program.of(lesson, batch_size(lesson))
        assert shared.equations == program.equations and shared.model == program.model, lesson.id
    blueprints = [Blueprint.of(lesson, 1) for lesson in others]
    assert len({*blueprints, Blueprint.of(NET, 1)}) == len(others) + 1


def test_a_number_that_is_changed_makes_no_equations_anew_and_each_trace_has_its_own_values():
    before = WhatIf(bundled("xor"))
    after = before.apply("W1[1,1] = 0.25").apply("learning_rate = 0.125")
    one, other = trace(before.lesson), trace(after.lesson)
    assert one.program is other.program and one.program is not trace(after.apply("optimizer = adam").lesson).program
    cards = [Scribe(here, "dz").card(here.find("z1[1]")) for here in (one, other)]
    assert cards[0].general == cards[1].general and cards[0].main != cards[1].main
    assert float(other.find("z1[1]").value) == float(
        other.lesson.inputs[0] @ [0.25, after.lesson.network.layers[0].weights[0, 1]]
    )
