"""The [training] of a lesson file: settings that are used, what an optimizer remembers at the start."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from tutor.engine.ids import state as state_id
from tutor.engine.lesson import Circuit, Network, Training
from tutor.engine.network import parameters_of
from tutor.engine.optimizers import OPTIMIZERS
from tutor.lessonfiles.reading.values import Values, listed
from tutor.text.language import say
from tutor.text.output import quote
from tutor.text.words import did_you_mean, either, plural


def read_training(file: Values, network: Network | None, circuit: Circuit | None) -> Training | None:
    """The training, with defaults; None for a circuit that has neither such a table nor examples."""
    given = file.value("training", anyhow=True)
    if not isinstance(given, dict):
        return Training() if file.has("network") or file.has("examples") else None
    if file.sound("training", "optimizer"):
        _hyperparameters(file, file.value("training", "optimizer", default=Training.optimizer))
    if not file.has("network"):
        of_examples = (("batch", 1), ("order", "listed"), ("batch_loss", "mean"))
        has_examples = file.has("examples") or file.named_file is not None  # a file's may be in doubt
        for key, harmless in (("l2", 0), *(() if has_examples else of_examples)):
            if file.value("training", key, default=harmless) != harmless:
                line = f'{key} = "{harmless}"' if isinstance(harmless, str) else f"{key} = {harmless}"
                penalty = key == "l2"
                message = say(
                    "{key} means nothing for a circuit whose penalty is a line of its own"
                    if penalty
                    else "{key} means nothing for a circuit without examples",
                    key=key,
                )
                advice = say(
                    'take it out, or write {line}, and in the loss "... + 0.01 / 2 * sum(W**2)"'
                    if penalty
                    else "take it out, or write {line}",
                    line=line,
                )
                file.fault(("training", key), message, advice, key=True)
    if file.has("network") or file.has("examples"):
        batch, many = file.value("training", "batch"), file.many
        if isinstance(batch, int) and batch > many > 0:
            message = say(
                "batch is {batch}, but the lesson has {examples}: it uses all {n}",
                batch=batch, examples=plural(many, "example"), n=many,
            )  # fmt: skip
            advice = say('write batch = {n}, or batch = "all"', n=many)
            file.fault(("training", "batch"), message, advice, severity="warning")
    values = {
        key.name: file.value("training", key.name, default=key.default)
        for key in fields(Training)
        if key.name != "memory"
    }
    for name, value in values.items():
        if isinstance(getattr(Training, name), float):
            values[name] = float(value)
    return Training(**values, memory=_memory(file, values["optimizer"], network, circuit))


def _memory(file: Values, optimizer: str, network: Network | None, circuit: Circuit | None) -> dict[str, np.ndarray]:
    """What the optimiser remembers at the start, by id of the state; what does not fit is noted."""
    given = file.value("training", "memory", default={})
    own = circuit.parameters if circuit else ()
    shapes: dict[str, tuple[int, ...]] = {name: np.shape(circuit.inputs[name]) for name in own} if circuit else {}
    shapes |= {symbol.id: symbol.shape for symbol in (parameters_of(network) if network else ())}
    states, found = {state.name: state for state in OPTIMIZERS[optimizer].memory}, {}
    if given and not states:
        users = either(f'"{name}"' for name, entry in OPTIMIZERS.items() if entry.memory)
        message = say('the optimizer "{name}" remembers nothing', name=optimizer)
        advice = say("take memory out, or write optimizer = {names}", names=users)
        file.fault(("training", "memory"), message, advice, key=True)
        return {}
    for name, entries in given.items() if shapes else ():
        where = ("training", "memory", name)
        if name not in shapes:
            near = did_you_mean(name[:64], shapes)
            message = say("there is no parameter {name}{near}", name=quote(name), near=near)
            file.fault(where, message, say("parameters are: {names}", names=listed(shapes)), key=True)
            continue
        for called, value in entries.items():
            if called not in states:
                message = say(
                    'the optimizer "{name}" has no {what}{near}',
                    name=optimizer, what=quote(called), near=did_you_mean(called[:64], states),
                )  # fmt: skip
                file.fault((*where, called), message, say("it remembers: {names}", names=listed(states)), key=True)
                continue
            id = state_id(name, called)
            try:
                array = np.array(value, dtype=float)
            except ValueError:  # rows of different lengths
                array = np.empty(0)
            turned = file.from_to and len(shapes[name]) == 2
            array = array.T if turned and array.ndim == 2 else array
            if shapes[name] == (1,) and array.shape == ():
                array = array.reshape(1)
            if array.shape != shapes[name]:
                wanted = " × ".join(map(str, shapes[name][::-1] if turned else shapes[name])) or say("one number")
                message = say(
                    "{id} does not have the shape of {name}, which is {shape}", id=id, name=name, shape=wanted
                )
                file.fault((*where, called), message, say("one number for each of {name}'s", name=name))
            elif states[called].squares and np.any(array < 0):
                message = say("{id} has a negative number: a mean of squares has none", id=id)
                file.fault((*where, called), message, say("0 or more"))
            else:
                found[id] = array
    return found


def _hyperparameters(file: Values, optimizer: str) -> None:
    """Note the hyper-parameters that belong to other optimisers."""
    owners: dict[str, list[str]] = {}
    for name, entry in OPTIMIZERS.items():
        for key in entry.hyper:
            owners.setdefault(key, []).append(name)
    owners["updates"] = owners["beta2"]  # they count for the correction of its bias
    for key, users in owners.items():
        if optimizer not in users and file.has("training", key) and file.sound("training", key):
            which = either(f'"{user}"' for user in users)
            message = say('{key} is not used by the optimizer "{name}"', key=key, name=optimizer)
            advice = say("take it out, or write optimizer = {names}", names=which)
            file.fault(("training", key), message, advice, key=True)
