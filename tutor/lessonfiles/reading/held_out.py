"""Rows that are held out: training never sees them, and the network is judged by them."""

from __future__ import annotations

import numpy as np

from tutor.engine.lesson import Training
from tutor.engine.rows import Data
from tutor.lessonfiles.array_files import is_binary
from tutor.lessonfiles.reading import stored_examples
from tutor.lessonfiles.reading.examples import held_out_table
from tutor.lessonfiles.reading.values import Values
from tutor.messages import Message
from tutor.text.language import say
from tutor.text.layout import number

STREAM = 1_212_501_316  # of the random numbers that draw the rows: one of its own, whatever else the seed draws


def split(file: Values, examples: Data, loss: str) -> tuple[Data, Data | None]:
    """The examples that are trained on, and the rows that are held out of them, or have a file of their own."""
    given = file.value("held_out")
    if isinstance(given, Data):
        return examples, given
    if given is None or not file.sound("examples"):
        return examples, None
    inputs, outputs = examples.inputs.shape[1], examples.targets.shape[1]
    if isinstance(given, str):
        if is_binary(given):
            _, found = stored_examples.read(file, ("held_out",), given, inputs, outputs)
        else:
            if given == file.named_file:
                message = say("the rows that are held out would be the examples themselves")
                file.fault(("held_out",), message, say("name another file, or write a share such as held_out = 0.2"))
                return examples, None
            found = held_out_table(file, given)
            found = found and Data(found.inputs[:] / file.scale, found.targets)
        if found is not None:
            stored_examples.check(file, ("held_out",), found, inputs, outputs, loss)
            found = Data(found.inputs, found.targets, said=Message("the rows of {file}", file=given))
        return examples, found
    many = len(examples)
    if many < 2:
        message = say("of one example none can be held out")
        file.fault(("held_out",), message, say("a lesson is trained on one at least"))
        return examples, None
    if isinstance(given, list):
        return _named(file, examples, given)
    seed = file.value("training", "seed", default=Training.seed)
    count = min(max(round(given * many), 1), many - 1)
    drawn = np.random.default_rng((seed, STREAM)).permutation(many)[:count]
    told = Message(
        "{n} row of {many} (held_out = {share}), drawn with the seed {seed}"
        if count == 1
        else "{n} rows of {many} (held_out = {share}), drawn with the seed {seed}",
        n=f"{count:,}", many=f"{many:,}", share=number(given), seed=seed,
    )  # fmt: skip
    return _parted(examples, np.sort(drawn), told)


def _named(file: Values, examples: Data, given: list[int]) -> tuple[Data, Data | None]:
    """The split by the numbers of examples, from 1."""
    many = len(examples)
    for at, row in enumerate(given):
        if row > many:
            message = say("there is no example {n}: there are {many}", n=f"{row:,}", many=f"{many:,}")
            file.fault(("held_out", at), message, say("examples count from 1"))
            return examples, None
        if row in given[:at]:
            message = say("example {n} is listed twice", n=f"{row:,}")
            file.fault(("held_out", at), message, say("each is listed once"))
            return examples, None
    if len(given) == many:
        message = say("all examples are held out")
        file.fault(("held_out",), message, say("a lesson is trained on one at least"))
        return examples, None
    told = Message(
        "{n} row of {many}, by their numbers" if len(given) == 1 else "{n} rows of {many}, by their numbers",
        n=f"{len(given):,}", many=f"{many:,}",
    )  # fmt: skip
    return _parted(examples, np.sort(given) - 1, told)


def _parted(examples: Data, held: np.ndarray, said: str) -> tuple[Data, Data]:
    some = examples.some(held)
    numbers = tuple(map(int, held))
    left = np.setdiff1d(np.arange(len(examples)), held)
    return examples.some(left), Data(some.inputs, some.targets, numbers, said)
