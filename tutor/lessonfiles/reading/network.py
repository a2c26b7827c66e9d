"""The [network] of a lesson file: sizes that agree, layers, the loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tutor.engine.activations import ACTIVATIONS, takes_slope
from tutor.engine.lesson import Layer, Network, Training
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.rows import Data, Scaled
from tutor.lessonfiles.faults import label
from tutor.lessonfiles.reading.examples import arrays, check_examples
from tutor.lessonfiles.reading.values import Values
from tutor.lessonfiles.schema import MAX_PARAMETERS
from tutor.text.language import say
from tutor.text.words import either, plural

MAX_NUMBERS = 50_000_000  # that one array of a batch may hold: 400 MB
MAX_KEPT = 50_000_000  # numbers of one iteration, all arrays together: 400 MB, and training holds it three times
MAX_WIDTH = 100_000  # units of a layer: the formulas behind it have a term for each


def read_network(file: Values, stored: Mapping[tuple[int, str], str]) -> tuple[Network | None, Data]:
    """The network (None without a sound skeleton), and the examples; `stored` says which arrays are from files."""
    nothing = None, Data(np.empty((0, 0)), np.empty((0, 0)))
    count, input_names = file.names("network", "inputs")
    many = file.length("network", "layers")
    units, unit_names = [], []
    for k in range(many):
        number, names = file.names("network", "layers", k, "units")
        units.append(number)
        unit_names.append(names)
    sizes = [count, *units]
    # What a size may be: what the file says, or what the weights beside it say. One mistake is
    # one problem: who is off by one here is not to be told so by all the neighbours.
    possible = [set() if size is None else {size} for size in sizes]
    for k in range(many):
        _weights_shape(file, k, sizes, possible)
    for k in range(many):
        _layer(file, k, last=k == many - 1)
    loss = _loss(file, many)
    known = [size for size in sizes if size is not None]
    whole = many > 0 and len(known) == len(sizes)
    if whole and not _fits_in_memory(file, known):
        return nothing
    check_examples(file, sizes, possible, loss)
    if not whole:
        return nothing
    layers = tuple(_built_layer(file, k, known[k], known[k + 1], unit_names[k], k == many - 1) for k in range(many))
    wanted = LOSSES[loss].wants if loss else None
    if loss is None or wanted not in (None, layers[-1].activation):
        loss = "squared_error"
    delta, layout = file.value("network", "delta"), file.value("network", "layout", default=Network.layout)
    image = _image(file, known[0])
    network = Network(known[0], loss, layers, input_names, delta and float(delta), layout, image)
    layers = tuple(
        replace(layer, stored={key: name for (at, key), name in stored.items() if at == k})
        for k, layer in enumerate(layers)
    )
    return replace(network, layers=layers), Data(*arrays(file, known[0], known[-1], loss))


def _weights_shape(file: Values, k: int, sizes: Sequence[int | None], possible: list[set[int]]) -> None:
    where = ("network", "layers", k, "weights")
    value, before, units = file.value(*where), sizes[k], sizes[k + 1]
    if not isinstance(value, list | np.ndarray):
        return
    if file.from_to:
        _weights_from_to(file, k, before, units, possible)
        return
    rows, columns, name = len(value), [len(row) for row in value], label(where)
    feeding = _feeding(k, before)
    advice = say("one row a unit of this layer, one column a unit that feeds it")
    uniform = len(set(columns)) == 1
    fits_columns = before is None or columns[0] in possible[k]
    if uniform and not fits_columns and units and rows != units and (rows, columns[0]) == (before, units):
        message = _transposed(name, (rows, columns[0]), (units, before))
        advice = say(
            '{advice}: it looks transposed; for matrices as in x·W write layout = "from_to" under [network]',
            advice=advice,
        )
        file.fault(where, message, advice)
        return
    if uniform and not fits_columns:
        message = _has(name, plural(columns[0], "column"), feeding)
        file.fault(where, message, advice, shape=(units, before))
    elif not uniform:
        usual = before if before in columns else Counter(columns).most_common(1)[0][0]
        others = say("the others have {columns}", columns=plural(usual, "column"))
        against = feeding if usual == before else others
        for i, length in enumerate(columns):
            if length != usual:
                message = _has(say("row {n} of {what}", n=i + 1, what=name), plural(length, "column"), against)
                file.fault((*where, i), message, advice, shape=(usual,))
    if units is not None and rows != units:
        of_the_layer = say("the layer has {units}", units=plural(units, "unit"))
        file.fault(where, _has(name, plural(rows, "row"), of_the_layer), advice)
    possible[k + 1].add(rows)
    if uniform:
        possible[k].add(columns[0])


def _feeding(k: int, before: int | None) -> str:
    """How many values layer k + 1 is fed with, as a clause."""
    if k:
        return say("layer {n} has {units}", n=k, units=plural(before, "unit"))
    return say("the network has {inputs}", inputs=plural(before, "input"))


def _has(what: str, count: str, against: str) -> str:
    return say("{what} has {count}; {against}", what=what, count=count, against=against)


def _transposed(name: str, found: tuple[int, int], wanted: tuple[int | None, int | None]) -> str:
    given, other = "×".join(map(str, found)), "×".join(map(str, wanted))
    return say("{what} is {found} and should be {wanted}", what=name, found=given, wanted=other)


def _weights_from_to(file: Values, k: int, before: int | None, units: int | None, possible: list[set[int]]) -> None:
    """`_weights_shape` for matrices that have a row a unit that feeds the layer."""
    where = ("network", "layers", k, "weights")
    value, name = file.value(*where), label(where)
    rows, columns = len(value), [len(row) for row in value]
    feeding = _feeding(k, before)
    advice = say("with layout from_to: one row a unit that feeds this layer, one column a unit of it")
    uniform = len(set(columns)) == 1
    fits_rows = before is None or rows in possible[k]
    if uniform and not fits_rows and units and columns[0] != units and (rows, columns[0]) == (units, before):
        message = _transposed(name, (rows, columns[0]), (before, units))
        file.fault(where, message, say("{advice}: it looks transposed", advice=advice))
        return
    if not fits_rows:
        file.fault(where, _has(name, plural(rows, "row"), feeding), advice)
    usual = units if units in columns or (uniform and units) else Counter(columns).most_common(1)[0][0]
    against = say("the others have {columns}", columns=usual)
    if usual == units:
        against = say("the layer has {units}", units=plural(units, "unit"))
    wrong = [i for i, length in enumerate(columns) if length != usual]
    if uniform and wrong:
        file.fault(where, _has(name, plural(columns[0], "column"), against), advice, shape=(before, units))
    for i in wrong if not uniform else ():
        message = _has(say("row {n} of {what}", n=i + 1, what=name), plural(columns[i], "column"), against)
        file.fault((*where, i), message, advice, shape=(usual,))
    possible[k].add(rows)
    if uniform:
        possible[k + 1].add(columns[0])


def _columns_of(file: Values, k: int) -> int:
    """How many units the matrix of a layer's weights leads to; 0 where it is none."""
    if not file.from_to:
        return file.length("network", "layers", k, "weights")
    first = file.value("network", "layers", k, "weights", 0, anyhow=True)
    return len(first) if isinstance(first, list | np.ndarray) else 0


def _layer(file: Values, k: int, last: bool) -> None:
    where = ("network", "layers", k)
    units, activation = file.value(*where, "units", anyhow=True), file.value(*where, "activation")
    units = len(units) if isinstance(units, list) else file.value(*where, "units")
    biases, rows = file.value(*where, "biases"), _columns_of(file, k)
    if isinstance(biases, list | np.ndarray) and units is not None and len(biases) not in (units, rows or units):
        of_the_layer = say("the layer has {units}", units=plural(units, "unit"))
        message = _has(label((*where, "biases")), plural(len(biases), "value"), of_the_layer)
        advice = say("one number a unit; false where the layer has no biases")
        file.fault((*where, "biases"), message, advice, shape=(units,))
    if activation == "softmax" and not last:
        advice = say("take sigmoid, tanh or relu here")
        file.fault((*where, "activation"), say("softmax is for the last layer, the output"), advice)
    if (
        file.value(*where, "alpha") is not None
        and file.sound(*where, "activation")
        and not takes_slope(activation or "")
    ):
        name = activation or Layer.activation
        what = label((*where, "alpha"))
        message = say("{what} is not used: {name} has no slope or size to choose", what=what, name=name)
        advice = say("alpha goes with {names}", names=either(name for name in ACTIVATIONS if takes_slope(name)))
        file.fault((*where, "alpha"), message, advice, key=True, severity="warning")
    alpha = file.value(*where, "alpha")
    if alpha is not None and takes_slope(activation or "") and alpha >= ACTIVATIONS[activation].below:
        message = say(
            "{what} must be less than {most}, not {number}",
            what=label((*where, "alpha")), most=f"{ACTIVATIONS[activation].below:g}", number=repr(alpha),
        )  # fmt: skip
        file.fault((*where, "alpha"), message, say("{name} takes the larger of α·z and z", name=activation))


def _image(file: Values, inputs: int) -> tuple[int, int] | None:
    """The rows and columns of the image that the inputs are, noted if it has not as many pixels."""
    where = ("network", "image")
    shape = file.value(*where)
    if not isinstance(shape, list) or len(shape) != 2 or not file.sound(*where):
        return None
    rows, columns = (int(size) for size in shape)
    if rows * columns == inputs:
        return rows, columns
    message = say(
        "an image of {shape} has {pixels}; there are {inputs} inputs",
        shape=f"{rows} × {columns}", pixels=plural(rows * columns, "pixel"), inputs=inputs,
    )  # fmt: skip
    file.fault(where, message, say("give its rows and its columns: [8, 8] for 64 inputs"))
    return None


def _loss(file: Values, many: int) -> str | None:
    """The loss, if it is known; noted if it does not fit the output's activation."""
    loss: str | None = file.value("network", "loss")
    output = ("network", "layers", many - 1, "activation")
    if loss and LOSSES[loss].delta is None and file.value("network", "delta") is not None:
        message, advice = say("delta is not used by the loss {loss}", loss=loss), say("take it out; it goes with huber")
        file.fault(("network", "delta"), message, advice, key=True, severity="warning")
    if loss and many and LOSSES[loss].wants and file.sound(*output):
        wanted, activation = LOSSES[loss].wants, file.value(*output, default=Layer.activation)
        if activation != wanted:
            message = say(
                "{loss} wants {wanted} at the output; layer {n} has {activation}",
                loss=loss, wanted=wanted, n=many, activation=activation,
            )  # fmt: skip
            other = next((name for name, entry in LOSSES.items() if entry.wants == activation), say("a squared error"))
            advice = say(
                'give the last layer activation = "{wanted}", or choose {other}', wanted=wanted, other=other
            )
            file.fault(("network", "loss"), message, advice)
            return None  # one of the two is wrong: what the targets should be is not known
    return loss


def _fits_in_memory(file: Values, sizes: Sequence[int]) -> bool:
    """Whether the network is of a size that is allowed; asked before any array of it is made."""
    many = range(len(sizes) - 1)
    counts = [sizes[k + 1] * (sizes[k] + (file.value("network", "layers", k, "biases") is not False)) for k in many]
    if sum(counts) > MAX_PARAMETERS:
        where = ("network", "layers", counts.index(max(counts)), "units")
        n, most = f"{sum(counts):,}", f"{MAX_PARAMETERS:,}"
        message = say("the network has {n} parameters; {most} are the most", n=n, most=most)
        file.fault(where, message, say("{n} of them are in this layer", n=f"{max(counts):,}"))
        return False
    rows, batch = file.many, file.value("training", "batch", default=1)
    together = rows if batch == "all" else min(batch, rows)
    of_inputs = rows * sizes[0]
    if file.rows is not None and isinstance(file.rows.inputs, Scaled):  # by their bytes, of which a number has eight
        of_inputs = file.rows.inputs.stored.nbytes // 8
    if max(of_inputs, rows * sizes[-1], together * max(sizes)) > MAX_NUMBERS:
        message = say(
            "{n} examples are too many for layers of {units} units", n=f"{rows:,}", units=f"{max(sizes):,}"
        )
        file.fault(("examples",), message, say("their product may be {most}", most=f"{MAX_NUMBERS:,}"))
        return False
    if max(sizes) > MAX_WIDTH:
        k = sizes.index(max(sizes))
        widest: tuple[str | int, ...] = ("network", "layers", k - 1, "units") if k else ("network", "inputs")
        message = say(
            "layer {k} has {n} units; {most} are the most" if k else "there are {n} inputs; {most} are the most",
            k=k, n=f"{sizes[k]:,}", most=f"{MAX_WIDTH:,}",
        )  # fmt: skip
        advice = say("what they feed adds up a term for each, in one formula: take fewer, in more layers")
        file.fault(widest, message, advice)
        return False
    optimizer = OPTIMIZERS.get(file.value("training", "optimizer", default=Training.optimizer))
    # Of a parameter its value, gradient and new value, of what an optimizer remembers the old and the new.
    of_parameters = sum(counts) * (3 + (len(optimizer.states) + len(optimizer.memory) if optimizer else 0))
    of_batch = 4 * together * sum(sizes[1:]) + of_inputs + rows * sizes[-1]  # z, a and their gradients
    if (kept := of_parameters + of_batch) > MAX_KEPT:
        message = say(
            "one iteration of this lesson is {n} numbers; {most} (400 MB) are the most",
            n=f"{kept:,}", most=f"{MAX_KEPT:,}",
        )  # fmt: skip
        of_its_parameters = of_parameters > of_batch
        advice = say(
            "{n} are of its parameters: take fewer units, or an optimizer that remembers less"
            if of_its_parameters
            else "{n} are of its examples: take a smaller batch",
            n=f"{max(of_parameters, of_batch):,}",
        )
        key = ("training", "batch") if not of_its_parameters and batch != 1 else ("network", "layers")
        file.fault(key, message, advice)
        return False
    return True


def _built_layer(file: Values, k: int, before: int, units: int, names: tuple[str, ...] | None, last: bool) -> Layer:
    def value(key: str, default: Any = None) -> Any:
        return file.value("network", "layers", k, key, default=default)

    weights, biases = value("weights", Layer.weights), value("biases")
    if not isinstance(weights, str):
        rows = weights
        weights = np.array(rows, dtype=float) if len({len(row) for row in rows}) == 1 else np.empty(0)
        weights = weights.T if file.from_to else weights
        if weights.shape != (units, before):
            weights = Layer.weights
    if isinstance(biases, int | float) and biases is not False:  # of a single unit there is nothing to share
        biases = np.array(float(biases)) if units > 1 else np.array([float(biases)])
    elif biases is not False:
        given = biases is not None and len(biases) == units
        biases = np.array(biases, dtype=float) if given else np.zeros(units)
    activation = value("activation", Layer.activation)
    usual = ACTIVATIONS[activation].alpha if activation in ACTIVATIONS else None
    return Layer(
        units=units,
        activation=activation if last or activation != "softmax" else Layer.activation,
        alpha=float(value("alpha", usual if usual is not None else Layer.alpha)),
        weights=weights,
        biases=None if biases is False else biases,
        names=names,
        train_weights=value("train_weights", True),
        train_biases=value("train_biases", True),
    )
