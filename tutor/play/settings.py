"""What can change in a lesson: its settings by name and by place, and the values that are typed for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import Expr, Ref, Symbol, evaluate
from tutor.engine.lesson import BATCH_LOSSES, ORDERS
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.parsing import FormulaError, parse
from tutor.engine.trace import Step, Trace
from tutor.lessonfiles.positions import Keys
from tutor.lessonfiles.schema import keys
from tutor.lessonfiles.writing import number_text
from tutor.messages import Message
from tutor.questions.names import Names
from tutor.text.language import said, say
from tutor.text.layout import Matrix, linear, number
from tutor.text.output import quote
from tutor.text.writer import Writer

MANY = 64  # elements of one matrix or vector that are listed each by itself
MAX_ROWS = 8  # rows of data that are listed
ALIASES = {"η": "learning_rate", "eta": "learning_rate", "λ": "l2", "lambda": "l2"}
# Words of the format, which never have a capital.
WORDS = {path[-1] for path, _ in keys()} | {*LOSSES, *ACTIVATIONS, *OPTIMIZERS, "softmax"}
SET_BY = {"inputs": "x", "targets": "y"}  # an example's keys in a network's file -> the ids
HYPER = tuple(dict.fromkeys(name for entry in OPTIMIZERS.values() for name in entry.hyper if name != "learning_rate"))


GROUPS = ("Training", "Network", "Parameters", "Data", "Inputs", "Formulas")  # what a setting belongs to
Takes: TypeAlias = Literal["number", "whole", "word", "numbers", "formula", "flag", "class"]


class Refused(ValueError):
    """An edit that cannot be; str() says why, and what could be."""


class Same(Refused):
    """An edit that would change nothing."""


@dataclass(frozen=True)
class Here:
    """What the learner looks at: `rows` of the data (from 0) are in the batch, `example` is one of them (from 0).

    `lookup` is what a name on the screen stands for; it may raise NotUnderstood.
    """

    rows: tuple[int, ...] = (0,)
    example: int = 0
    lookup: Callable[[str], Ref | None] = lambda name: None

    @property
    def row(self) -> int:
        """The row of the data that is looked at."""
        return self.rows[min(self.example, len(self.rows) - 1)]


def here(trace: Trace, example: int, notation: str) -> Here:
    """What an iteration shows, at an example of its batch, in a notation."""
    eq = trace.equations[-1]
    names: list[Names] = []  # made when the first name is looked up that is no id

    def lookup(name: str) -> Ref | None:
        if not names:
            step = Step(trace, eq, None, example if eq.symbol.per_example else None)
            names.append(Names(step, Writer(trace.lesson, notation)))
        return names[0].lookup(name)

    return Here(tuple(map(int, trace.iteration.rows)) or (0,), example, lookup)


@dataclass(frozen=True)
class Setting:
    """Something that can change: its name as it is typed, and its place in the lesson's file.

    `kind` says what it takes (numbers are a list, a class is its number). `ref` is the symbol.
    """

    name: str
    path: Keys
    kind: Takes = "number"
    words: tuple[str, ...] = ()
    group: str = ""
    ref: Ref | None = None


def as_values(found: Any) -> Any:
    """A number or a list of them, as a file says it."""
    return float(found) if np.ndim(found) == 0 else found.tolist()


def shown(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return say("not set")
    if isinstance(value, list):
        return linear(Matrix(np.array(value)))
    return value if isinstance(value, str) else number(value)


def typed(value: Any) -> str:
    """A value with all its digits, as it is typed."""
    if isinstance(value, list):
        return "[" + ", ".join(map(typed, value)) + "]"
    return shown(value) if isinstance(value, bool | str) or value is None else number_text(value)


def read_number(text: str) -> float:
    """The value of an expression of numbers. Raises Refused."""

    def name(word: str, offset: int) -> Expr:
        raise FormulaError(Message("{text} is no number", text=quote(word)), offset)

    try:
        value = float(evaluate(parse(text, name), lambda ref: np.nan))
    except FormulaError as error:
        why = said_in_full(said(error))[:-1]
        raise Refused(say("{why}: give a number, or an expression such as 2/3.", why=why)) from None
    if not np.isfinite(value):
        raise Refused(say("{text} comes to no finite number.", text=quote(text)))
    return value


def read_numbers(text: str) -> list[Any]:
    """A list of numbers, or of rows of them: [[1, 2], [3, 4]]. Raises Refused."""
    stack: list[list[Any]] = [[]]
    for part in re.findall(r"[\[\],]|[^\[\],(]+(?:\([^()]*\)[^\[\],(]*)*|\(.*", text):
        if part == "[" and len(stack) < 4:
            stack.append([])
        elif part == "]" and len(stack) > 1:
            inner = stack.pop()
            stack[-1].append(inner)
        elif part.strip() and part != ",":
            stack[-1].append(read_number(part))
    if len(stack) != 1 or len(stack[0]) != 1 or not isinstance(stack[0][0], list):
        raise Refused(say("A list is written [1, 2], a matrix row by row: [[1, 2], [3, 4]]."))
    return stack[0][0]


def is_one_hot(targets: np.ndarray) -> bool:
    """Whether targets (outputs,) are one 1 among 0s."""
    return bool(np.count_nonzero(targets) == 1 and targets.max() == 1)


def of_training(name: str) -> Setting:
    """The setting of a key of [training]."""
    words = {"optimizer": tuple(OPTIMIZERS), "order": ORDERS, "batch": ("all",), "batch_loss": BATCH_LOSSES}.get(
        name, ()
    )
    kind: Takes = "word" if name in ("optimizer", "order", "batch_loss") else "number"
    kind = "whole" if name in ("batch", "seed", "updates") else kind
    return Setting(name, ("training", name), kind, words, "Training")


def of_parameter(symbol: Symbol, index: tuple[int, ...]) -> Setting:
    """The setting of a network's weights or biases, or of one element (from 0; () for the whole)."""
    ref = Ref(symbol, index or None)
    return Setting(
        ref.id, ("network", "layers", (symbol.layer or 1) - 1, symbol.quantity, *index),
        "number" if index else "numbers", group="Parameters", ref=ref,
    )  # fmt: skip


def place_of(id: str, text: str | None, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The element (from 0) that is named; () for the whole. Raises Refused."""
    if text is None:
        return ()
    index = tuple(int(i[:9] or 0) - 1 for i in text.replace(" ", "").split(","))
    if len(index) != len(shape) or any(not 0 <= i < n for i, n in zip(index, shape, strict=True)):
        has = " × ".join(map(str, shape))
        raise Refused(say("{name} has no element [{text}]; it has {shape}.", name=id, text=text[:20], shape=has))
    return index


def said_in_full(text: str) -> str:
    """A sentence, beginning with a capital unless with a word of the format or a name (ids[1,2], y)."""
    first = re.split(r"[\[ ]", text, maxsplit=1)[0]
    name = text[len(first) :].startswith("[") or (len(first) == 1 and first != "a")
    word = name or "_" in first or first in WORDS or not first.isascii()
    capital = first if word else first[:1].upper() + first[1:]
    return capital + text[len(first) :] + ("" if text.endswith((".", "?", "!")) else ".")
