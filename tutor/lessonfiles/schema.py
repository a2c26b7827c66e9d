"""The lesson format, declared once, and a small interpreter that holds a file against it.

`SCHEMA` has the shape of a JSON Schema, so that editors can use it too. What one key cannot
know alone (counts that must agree, a loss and its activation) is in `reading.py`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.formula import did_you_mean
from tutor.engine.lesson import BATCH_LOSSES, INITIALISERS, LAYOUTS, LEVELS, ORDERS
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.lessonfiles.positions import Keys, Problem
from tutor.text.notations import NOTATIONS
from tutor.text.output import FORBIDDEN, code_point, quote

STEP_KINDS = ("value", "matrix", "shape", "formula", "operands", "next", "direction", "paths")  # questions about a step
ASKED_KINDS = ("number", "choice")  # in the author's own words
MAX_PARAMETERS = 10_000_000
MAX_FAULTS = 200  # more than anybody reads
MAX_LAYERS = 200
MAX_LINES = 5_000  # of a circuit
MAX_ITEMS = 100  # choices, hints, wrong answers, prerequisites: more than anybody reads
MAX_EXAMPLES = 10_000  # in the lesson itself; a table beside it may have more
MAX_PROSE, MAX_LINE = 100_000, 2_000  # characters of a text, of one that is shown in a line
MAX_TABLES = 1_000  # notes, questions, expectations

_NUMBER = {"type": "number"}
_VECTOR = {"title": "a list of numbers", "type": "array", "items": _NUMBER}
_MATRIX = {"title": "a list of rows of numbers", "type": "array", "minItems": 1, "items": _VECTOR}
_NAMES = {
    "title": "a list of names",
    "type": "array",
    "minItems": 1,
    "uniqueItems": True,
    "items": {
        "type": "string",
        "pattern": r"""^[^\[\](){}'"@\s](?:[^\[\](){}'"@\x00-\x1f\x7f-\x9f]{0,30}[^\[\](){}'"@\s])?$""",
    },
}


def _needs(key: str, *others: str) -> dict:
    """The rule that a key goes with others."""
    return {"if": {"required": [key]}, "then": {"required": list(others)}}


def _excludes(key: str, *others: str) -> dict:
    return {"if": {"required": [key]}, "then": {"not": {"anyOf": [{"required": [other]} for other in others]}}}


def _one_of(*keys: str) -> dict:
    return {"oneOf": [{"required": [key]} for key in keys]}


_ENTRY = {"anyOf": [_NUMBER, _VECTOR]}
_COUNT = {"type": "integer", "minimum": 1, "maximum": MAX_PARAMETERS}


def _text(description: str, **keywords) -> dict:
    return {"description": description, "type": "string", "maxLength": MAX_LINE, **keywords}


def _number(description: str, default: float, **bounds) -> dict:
    return {"description": description, "type": "number", "default": default, **bounds}


def _choice(description: str, values, **keywords) -> dict:
    return {"description": description, "type": "string", "enum": list(values), **keywords}


def _table(description: str, required: tuple[str, ...], properties: dict, *rules: dict) -> dict:
    """`rules` say for editors what the keys of a table must agree on; the messages for that are in `reading`."""
    return {
        "description": description,
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": properties,
        **({"allOf": list(rules)} if rules else {}),
    }


def _list(description: str, items: dict, **keywords) -> dict:
    return {"description": description, "type": "array", "items": items, **keywords}


_LAYER = _table(
    "A layer: z = W·a + b, a = activation(z). The first [[network.layers]] is the one after the inputs.",
    ("units",),
    {
        "units": {"description": "How many units, or a list of their names.", "anyOf": [_COUNT, _NAMES]},
        "activation": _choice(
            "What is applied to z; softmax at the output only.", [*ACTIVATIONS, "softmax"], default="linear"
        ),
        "alpha": {
            "description": "Of leaky_relu the slope where z < 0, less than 1 (0.01 if left out); of elu the size of "
            "what it falls to there (1).",
            "type": "number",
            "minimum": 0,
        },
        "weights": {
            "description": "One row a unit of this layer, one column a unit that feeds it "
            '(layout = "from_to": the other way round); or how they are drawn with the seed of [training].',
            "default": "xavier",
            "anyOf": [{"type": "string", "enum": list(INITIALISERS)}, _MATRIX],
        },
        "biases": {
            "description": "One number a unit; a single number: one bias that all units share; false: the layer has "
            "none. Left out: zeros.",
            "anyOf": [_VECTOR, _NUMBER, {"type": "boolean", "const": False}],
        },
        "train_weights": {
            "description": "false: the weights are shown and differentiated, never updated.",
            "type": "boolean",
            "default": True,
        },
        "train_biases": {"description": "The same for the biases.", "type": "boolean", "default": True},
    },
)

_NETWORK = _table(
    "A network of layers. A lesson has a [network] or a [circuit].",
    ("inputs", "loss", "layers"),
    {
        "inputs": {"description": "The names of the inputs, or how many there are.", "anyOf": [_NAMES, _COUNT]},
        "loss": _choice("What is minimised; see the table of losses.", LOSSES),
        "delta": _number("δ of the huber loss: where the parabola ends.", 1.0, exclusiveMinimum=0),
        "layout": _choice(
            "How weight matrices are written, here and in [[expect]]: to_from has a row a unit of the layer, for W·x; "
            "from_to a row a unit that feeds it, for x·W.",
            LAYOUTS,
            default="to_from",
        ),
        "layers": _list("The layers, from the inputs to the output.", _LAYER, minItems=1, maxItems=MAX_LAYERS),
    },
)

_CIRCUIT = _table(
    "A circuit of gates, instead of a [network].",
    ("inputs", "define", "output"),
    {
        "inputs": {
            "description": "The inputs by name: [circuit.inputs], then lines such as x = -2.",
            "type": "object",
            "minProperties": 1,
            "maxProperties": MAX_LINES,
            "additionalProperties": _NUMBER,
        },
        "define": _list(
            "Lines 'name = formula', read in order; a name is defined before it is used, once.",
            {"type": "string", "pattern": "="},
            minItems=1,
            maxItems=MAX_LINES,
        ),
        "output": _text("The defined name whose derivatives are computed."),
    },
)

_EXAMPLE = _table(
    "One example: what goes in and what should come out.",
    ("inputs",),
    {
        "inputs": {"description": "One number an input.", **_VECTOR},
        "targets": {"description": "One number an output.", **_VECTOR},
        "target": {
            "description": "Instead of targets: with cross_entropy the true class, counted from 1; with one output "
            "its class, 0 or 1 (or 1 or 2).",
            "type": "integer",
            "minimum": 0,
        },
    },
    _one_of("targets", "target"),
)

_FRACTION = {"minimum": 0, "exclusiveMaximum": 1}

_TRAINING = _table(
    "How the parameters are updated. A network has all of this by default; a circuit is trained only with this table.",
    (),
    {
        "learning_rate": _number("η, the length of a step.", 0.01, exclusiveMinimum=0),
        "optimizer": _choice("The rule of the update; see the table of optimizers.", OPTIMIZERS, default="sgd"),
        "batch": {
            "description": 'Examples put together in one update, or "all". The last batch of an epoch may be short.',
            "default": 1,
            "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "enum": ["all"]}],
        },
        "order": _choice(
            "The rows as listed, shuffled each epoch, or a random row each time.", ORDERS, default="listed"
        ),
        "seed": {
            "description": "Of everything that is drawn: weights, order.",
            "type": "integer",
            "default": 0,
            "minimum": 0,
        },
        "batch_loss": _choice(
            "Whether the loss of a batch, and with it every gradient, is the mean over its examples or their sum.",
            BATCH_LOSSES,
            default="mean",
        ),
        "l2": _number("λ: adds λ/2 Σ‖W‖² to the objective, not for biases.", 0.0, minimum=0),
        "momentum": _number("The share of the velocity that is kept.", 0.9, **_FRACTION),
        "beta1": _number("The share of the first moment that is kept.", 0.9, **_FRACTION),
        "beta2": _number("The share of the second moment that is kept.", 0.999, **_FRACTION),
        "epsilon": _number(
            "Keeps the division by the root of the second moment finite. With 0 a gradient of 0 makes 0/0.",
            1e-8,
            minimum=0,
        ),
        "rho": _number("The share of the mean square that is kept.", 0.9, **_FRACTION),
        "weight_decay": _number("The share of a weight taken off beside the gradient's step.", 0.01, minimum=0),
        "updates": {
            "description": "Updates made before the first: Adam, which counts them, begins at the next.",
            "type": "integer",
            "default": 0,
            "minimum": 0,
        },
        "memory": {
            "description": "What the optimizer remembers at the start, where that is not 0: [training.memory], then "
            "lines such as W1.velocity = [[0.1, 0.2]].",
            "type": "object",
            "additionalProperties": {
                "description": "What it remembers of one parameter, by name.",
                "type": "object",
                "additionalProperties": {
                    "description": "A number, or a list or a matrix of the parameter's shape.",
                    "anyOf": [_NUMBER, {"title": "a list of numbers or of rows", "type": "array", "items": _ENTRY}],
                },
            },
        },
    },
    *(
        {
            "if": {"required": [key]},
            "then": {
                "required": ["optimizer"],
                "properties": {"optimizer": {"enum": [name for name, one in OPTIMIZERS.items() if key in one.hyper]}},
            },
        }
        for key in dict.fromkeys(key for one in OPTIMIZERS.values() for key in one.hyper)
        if key not in OPTIMIZERS["sgd"].hyper
    ),
)

_NOTE = _table(
    "Prose attached to a step.",
    ("step", "text"),
    {
        "step": _text("The id of the step, such as dL/dz2.", minLength=1),
        "text": _text("Markdown.", minLength=1, maxLength=20_000),
    },
)

_NUMBER_OR_TEXT = [_NUMBER, {"type": "string", "minLength": 1}]

_WRONG = _table(
    "A wrong answer that the author foresaw.",
    ("answer", "says"),
    {
        "answer": {"description": "What is answered: a number, or a text such as a choice.", "anyOf": _NUMBER_OR_TEXT},
        "says": _text("What the learner reads then.", minLength=1),
    },
)

_QUESTION = _table(
    "A question: about a step, or in the author's own words.",
    (),
    {
        "step": _text("The id of the step that it is about, or (with ask) where it is asked.", minLength=1),
        "ask": _text("The question in the author's own words; it needs an answer.", minLength=1),
        "kind": _choice("The kind of question; see the table of kinds.", [*STEP_KINDS, *ASKED_KINDS]),
        "digits": {
            "description": "How many significant digits are asked for; with value, matrix and number.",
            "type": "integer",
            "default": 3,
            "minimum": 1,
            "maximum": 12,
        },
        "choices": _list(
            "What to choose from; with choice.",
            _text("One choice.", minLength=1),
            minItems=2,
            maxItems=MAX_ITEMS,
            uniqueItems=True,
        ),
        "answer": {
            "description": "The right answer to ask: a number; of a choice its number from 1, or its text; or a "
            "list of choices, each of which is right.",
            "anyOf": [
                *_NUMBER_OR_TEXT,
                {"title": "a list of choices", "type": "array", "minItems": 1, "items": {"anyOf": _NUMBER_OR_TEXT}},
            ],
        },
        "hints": _list(
            "Hints, shown one by one before the answer, instead of those that the tutor makes.",
            _text("One hint.", minLength=1),
            default=[],
            maxItems=MAX_ITEMS,
        ),
        "wrong": _list("Wrong answers with what to say to each.", _WRONG, default=[], maxItems=MAX_ITEMS),
    },
    {"anyOf": [{"required": ["step"]}, {"required": ["ask"]}]},
    _needs("ask", "answer"),
    _needs("answer", "ask"),
    _needs("choices", "ask"),
    {
        "if": {"required": ["ask"]},
        "then": {"properties": {"kind": {"enum": list(ASKED_KINDS)}}},
        "else": {"properties": {"kind": {"enum": list(STEP_KINDS)}}},
    },
    {
        "if": {"required": ["kind"], "properties": {"kind": {"const": "choice"}}},
        "then": {"required": ["choices"]},
    },
    {
        "if": {"required": ["kind"], "properties": {"kind": {"const": "number"}}},
        "then": {"not": {"required": ["choices"]}, "properties": {"answer": {"type": "number"}}},
    },
)

_EXPECT = _table(
    "A number that the lesson stands for, worked out elsewhere; `check` holds the tutor's own against it.",
    ("step", "value", "source"),
    {
        "step": _text("The id of the step; of an element such as dL/dW1[1,1] for one number.", minLength=1),
        "value": {
            "description": "What it is, to the digits given: 0.1300 means from 0.12995 to 0.13005. "
            "A whole number is meant exactly. A vector's or matrix's numbers as a list, or a list of rows.",
            "anyOf": [_NUMBER, {"title": "a list of numbers or of rows", "type": "array", "items": _ENTRY}],
        },
        "source": _text("Where it is from: by hand, or a book with the page.", minLength=1),
        "iteration": {
            "description": "The iteration of the training whose step is meant.",
            "type": "integer",
            "default": 1,
            "minimum": 1,
            "maximum": 1_000_000,
        },
        "tolerance": {
            "description": "How far off the value may be, instead of the digits that are written.",
            "type": "number",
            "exclusiveMinimum": 0,
        },
        "cut_off": {
            "description": "true: the digits were cut off, not rounded: 0.6449 may be 0.64497.",
            "type": "boolean",
            "default": False,
        },
    },
)

_QUIZ = _table(
    "What is asked in predict mode. Left out: a spread over phases and rules.",
    (),
    {
        "steps": _list(
            "Ids of the steps that are asked.",
            _text("A step id.", minLength=1),
            default=[],
            maxItems=MAX_TABLES,
            uniqueItems=True,
        )
    },
)

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A lesson of backprop-tutor, format 1",
    **_table(
        "A lesson file.",
        ("format", "title"),
        {
            "format": {"description": "The format of the file.", "type": "integer", "const": 1},
            "title": _text("The title.", minLength=1),
            "summary": _text("One line for the list of lessons.", default=""),
            "unit": _text("The heading in the list; units stand in the order of their first files.", default=""),
            "level": _choice("The level that the lesson opens at.", LEVELS, default="scalar"),
            "notation": _choice("The notation that it opens in.", NOTATIONS, default="dz"),
            "requires": _list(
                "Ids of lessons recommended before this one.",
                {"type": "string", "pattern": r"^(?![0-9]+[-_. ])(?!.*\.toml$)[^\t\n/\\]+$"},
                default=[],
                maxItems=MAX_ITEMS,
                uniqueItems=True,
            ),
            "intro": _text("Markdown, shown first.", default="", maxLength=MAX_PROSE),
            "outro": _text("Markdown, shown last.", default="", maxLength=MAX_PROSE),
            "network": _NETWORK,
            "circuit": _CIRCUIT,
            "examples": {
                "description": "What a network learns from: at least one; or the name of a CSV file beside the lesson.",
                "anyOf": [
                    {"type": "array", "items": _EXAMPLE, "minItems": 1, "maxItems": MAX_EXAMPLES},
                    {"title": "the name of a file", "type": "string", "minLength": 1},
                ],
            },
            "class": _text("The column of that file that has the class, if one has; a target is 1 at it.", minLength=1),
            "training": _TRAINING,
            "notes": _list("Prose attached to steps.", _NOTE, default=[], maxItems=MAX_TABLES),
            "quiz": _QUIZ,
            "questions": _list("Questions of the author's.", _QUESTION, default=[], maxItems=MAX_TABLES),
            "expect": _list("Numbers that the lesson is held to.", _EXPECT, default=[], maxItems=MAX_TABLES),
        },
        _one_of("network", "circuit"),
        _needs("network", "examples"),
        _excludes("circuit", "examples"),
        {"if": {"required": ["class"]}, "then": {"properties": {"examples": {"type": "string"}}}},
    ),
}


# ---------------------------------------------------------------- what is wrong with a value


@dataclass(frozen=True)
class Fault:
    """Something wrong at a key path; `key`: with the key itself, `offset`: at that character of its string."""

    path: Keys
    message: str
    advice: str = ""
    key: bool = False
    offset: int | None = None
    severity: str = "error"


class TooMany(Exception):
    """More faults than are worth listing."""


@dataclass
class Faults:
    """The faults found so far, and which keys they leave in doubt."""

    found: list[Fault] = field(default_factory=list)
    cut: bool = False  # there are more than those found
    misplaced: set[str] = field(default_factory=set)  # known keys, written in a table that is not theirs
    table: Any = None  # of examples in a file the data.Table and the data.Columns
    elsewhere: list[Problem] = field(default_factory=list)  # what is wrong in that file
    _doubtful: set[Keys] = field(default_factory=set)
    _touched: set[Keys] = field(default_factory=set)

    def add(self, path: Keys, message: str, advice: str = "", *, doubt: Keys | None = None, **where) -> None:
        """Note a fault. It leaves in doubt the value at `path`, or that at `doubt` where that is another.

        `where` is the rest of a `Fault`. Raises TooMany.
        """
        if len(self.found) >= MAX_FAULTS:
            self.cut = True
            raise TooMany
        fault = Fault(path, message, advice, **where)
        self.found.append(fault)
        if fault.severity == "error":
            self.doubt(path if doubt is None else doubt)

    def doubt(self, path: Keys) -> None:
        """Leave the value at a path in doubt: no further fault is to be concluded from it."""
        self._doubtful.add(path)
        self._touched.update(path[:i] for i in range(len(path) + 1))

    def doubts(self, path: Keys) -> bool:
        """Whether the value at a path is in doubt as a whole."""
        return path in self._doubtful

    def sound(self, *path: str | int) -> bool:
        """Whether no fault was found in the value at this path, in a part of it, or in what it is a part of."""
        return path not in self._touched and not any(path[:i] in self._doubtful for i in range(1, len(path)))


def label(path: Keys) -> str:
    """What a message calls the value at a path: 'weights[1,3] of layer 2', '[network]', 'example 4'."""
    if not path:
        return "the lesson"
    rest, of = path, ""
    for prefix, name in _ITEMS.items():
        if path[: len(prefix)] == prefix and len(path) > len(prefix):
            rest, of = path[len(prefix) + 1 :], f"{name} {path[len(prefix)] + 1}"
            if not rest:
                return of
            of = " of " + of
    if path[:2] == ("circuit", "inputs") and len(path) == 3:
        return f"the input {quote(str(path[2]))}"
    if path[0] in _TABLES and not of:
        if len(path) == 1:
            return f"[{path[0]}]"
        rest, of = path[1:], f" of [{path[0]}]" if path[1] == "inputs" else ""
    names = [str(part) for part in rest if isinstance(part, str)]
    index = ",".join(str(part + 1) for part in rest if isinstance(part, int))
    return ".".join(names) + (f"[{index}]" if index else "") + of


# What the words of a lesson file are called elsewhere: in books, in other programs, in a hurry. Case, spaces, hyphens
# and underscores count for nothing.
SYNONYMS: dict[str, str] = {
    "mean_squared_error": "mse meansquare meansquareerror mseloss quadratic",
    "squared_error": "sse se sumofsquares squarederrors sumsquarederror l2loss",
    "half_squared_error": "halfmse halfsse halfsquared",
    "binary_cross_entropy": "bce logloss binarycrossentropy bceloss bcewithlogits bcewithlogitsloss logistic_loss",
    "cross_entropy": "ce categoricalcrossentropy sparsecategoricalcrossentropy crossentropyloss nll nllloss "
    "softmaxcrossentropy negativeloglikelihood",
    "linear": "identity none id lin",
    "sigmoid": "logistic sigm expit logit sig",
    "tanh": "hyperbolictangent tangenshyperbolicus tanhyp",
    "relu": "rectifier rectifiedlinear rect",
    "leaky_relu": "lrelu leakyrelu leaky prelu",
    "silu": "swish",
    "sgd": "gd gradientdescent stochasticgradientdescent vanilla bgd",
    "nesterov": "nag nesterovmomentum",
    "momentum": "heavyball sgdmomentum",
    "xavier": "glorot glorotuniform glorotnormal xavieruniform xaviernormal",
    "he": "kaiming hekaiming henormal heuniform kaimingnormal kaiminguniform",
    "normal": "gaussian random randn",
    "all": "full fullbatch whole",
    "shuffled": "shuffle permuted",
    "listed": "sequential inorder fixed",
    "learning_rate": "lr eta rate stepsize learningrate alpha",
    "optimizer": "optimiser optim algorithm",
    "batch": "batchsize minibatch",
    "seed": "randomseed randomstate rng",
    "l2": "lambda regularization regularisation weightpenalty ridge",
    "epsilon": "eps",
    "layers": "layer hiddenlayers",
    "inputs": "input x features numinputs ninputs inputsize inputnames",
    "targets": "y output outputs labels label expected",
    "loss": "cost costfunction lossfunction objective criterion error",
    "units": "neurons nodes size width outfeatures",
    "activation": "act activationfunction nonlinearity transfer function",
    "weights": "w weight kernel init initializer initialiser initialization initialisation weightmatrix",
    "biases": "b bias offsets offset",
    "alpha": "slope negativeslope leak",
    "title": "name heading",
    "summary": "description abstract",
    "unit": "chapter section",
    "requires": "prerequisites prerequisite needs",
    "intro": "introduction text begin",
    "outro": "conclusion ending end",
    "examples": "data dataset samples rows",
    "notes": "note comments explanations",
    "questions": "question tasks exercises",
    "expect": "expected expectations checks",
    "define": "formula formulas equations lines gates definitions",
    "steps": "step",
    "step": "id at",
    "ask": "question prompt",
    "answer": "solution right correct",
    "choices": "options alternatives",
    "hints": "hint tips",
    "says": "feedback text message explanation",
    "source": "by from reference origin",
    "value": "values result",
    "number": "numeric float",
    "choice": "multiplechoice mc select",
}
_MEANT = {re.sub("[-_ ]", "", word.casefold()): name for name, words in SYNONYMS.items() for word in words.split()}


def meant(word: str, known: Iterable[str]) -> str | None:
    """The known word that another one stands for: by its letters, by its meaning, else the nearest by its spelling."""
    bare = re.sub("[-_ ]", "", word[:64].casefold())
    known = list(known)
    for name in known:
        if name.replace("_", "").casefold() == bare:
            return name
    names = [name for name, words in SYNONYMS.items() if name in known and bare in _bare_words(words)]
    if names:
        return names[0]
    return None if bare in _MEANT or bare in _OTHERS else _nearest(word[:64], known)


def _bare_words(words: str) -> list[str]:
    return [re.sub("[-_ ]", "", word.casefold()) for word in words.split()]


# What this tutor has under no name, and which looks like something else that it has.
_OTHERS = frozenset(
    "gelu elu selu celu mish softplus softsign hardtanh swish silu rmsprop adagrad adadelta lion nadam huber hinge mae "
    "l1 kl dropout epochs epoch iterations clip sin cos gaussian rbf".split()
)


def _nearest(word: str, known: list[str]) -> str | None:
    near = did_you_mean(word, known)
    return near.split("'")[1] if near else None


def _close(word: str, name: str | None) -> bool:
    """Whether a word is that name but for a letter: so close that nothing else is meant."""
    return name is not None and (word.casefold().rstrip("s") == name.casefold().rstrip("s"))


_TABLES = ("network", "circuit", "training", "quiz")
_ITEMS = {
    ("network", "layers"): "layer",
    ("examples",): "example",
    ("notes",): "note",
    ("questions",): "question",
    ("expect",): "expectation",
}
# where each key belongs, for those written in the wrong table
_HOMES: dict[str, str] = {
    key: home
    for home, schema in (
        ("in [[questions]]", _QUESTION),
        ("in [[expect]]", _EXPECT),
        ("in [quiz]", _QUIZ),
        ("in [[notes]]", _NOTE),
        ("in [[examples]]", _EXAMPLE),
        ("in [training]", _TRAINING),
        ("in [circuit]", _CIRCUIT),
        ("in [[network.layers]]", _LAYER),
        ("in [network]", _NETWORK),
        ("at the top of the file, before the first [table]", SCHEMA),
    )
    for key in schema["properties"]
}


def check(value: dict, faults: Faults) -> None:
    """Hold a parsed TOML document against `SCHEMA` and note every fault. Raises TooMany."""
    _check(SCHEMA, value, (), faults)


def _check(schema: dict, value, path: Keys, faults: Faults) -> None:
    if "anyOf" in schema:
        fitting = [branch for branch in schema["anyOf"] if _is(branch["type"], value)]
        if not fitting:
            wanted = " or ".join(title(branch) for branch in schema["anyOf"])
            advice = next(filter(None, (_brackets(branch, value, path) for branch in schema["anyOf"])), None)
            advice = advice or schema.get("description", "")
            faults.add(path, f"{label(path)} must be {wanted}, not {kind(value)}", advice)
            return
        others = " or ".join(title(branch) for branch in schema["anyOf"] if branch is not fitting[0])
        schema = {"description": schema.get("description", ""), **fitting[0], "else": others}
    if not _is(schema["type"], value):
        advice = _brackets(schema, value, path) or schema.get("description", "")
        faults.add(path, f"{label(path)} must be {title(schema)}, not {kind(value)}", advice)
    else:
        _CHECKS[schema["type"]](schema, value, path, faults)


def _brackets(schema: dict, value, path: Keys) -> str | None:
    """What to do where a table stands for a list of tables, a list of them for a table, a text for a list of texts."""
    name, items = ".".join(map(str, path)), schema.get("items", {})
    if isinstance(value, dict) and items.get("type") == "object":
        return f"write [[{name}]], with two brackets, before each of them"
    if _tables(value) and schema.get("type") == "object":
        return f"write [{name}], with one bracket: there is one of it"
    if isinstance(value, str) and items.get("type") == "string":
        return f"put it in brackets: {path[-1]} = [{json.dumps(value[:60], ensure_ascii=False)}]"
    if isinstance(value, str) and _as_number(value) and schema.get("type") in ("number", "integer"):
        return (
            f"a number stands without quotes: {path[-1]} = {value.strip()}"
            if isinstance(path[-1], str)
            else (f"a number stands without quotes: {value.strip()}")
        )
    return None


def _as_number(text: str) -> bool:
    return len(text) < 30 and re.fullmatch(r"\s*[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*", text) is not None


def _check_object(schema: dict, value: dict, path: Keys, faults: Faults) -> None:
    properties, others = schema.get("properties", {}), schema["additionalProperties"]
    missing = [key for key in schema.get("required", ()) if key not in value]
    if len(value) > schema.get("maxProperties", len(value)):
        faults.add(
            path, f"{label(path)} has {len(value):,} keys: it may have {schema['maxProperties']:,}", "leave some out"
        )
        return
    if len(value) < schema.get("minProperties", 0):
        faults.add(path, f"{label(path)} is empty", schema["description"])
    for key in value:
        if key not in properties and not others:
            near = _unknown_key(key, properties, value, path, faults, missing)
            if near in missing:  # one mistake, one fault
                missing.remove(near)
    for key, part in value.items():
        if key in properties or others:
            _check(properties.get(key) or others, part, (*path, key), faults)
    for key in missing:
        if key in faults.misplaced or faults.doubts(path):
            faults.doubt((*path, key))
        else:
            faults.add((*path, key), f"{key} is missing{_in(path)}", _hint(key, properties[key]))


def _unknown_key(key: str, properties: dict, value: dict, path: Keys, faults: Faults, missing: list[str]) -> str | None:
    """Note an unknown key; the known one that it may stand for."""
    where, message = (*path, key), f"unknown key {quote(key)}{_in(path)}"
    near = meant(key, [name for name in properties if name not in value or _contains(value[name])])
    # `unit` in a layer without `units` is a slip of the pen, although a lesson has a unit, too.
    if key in _HOMES and near not in missing and not _close(key, near):
        home = _HOMES[key]
        if not path and "circuit" in value and key in _CIRCUIT["properties"]:
            home = "in [circuit]" + (f": write [circuit.{key}]" if isinstance(value[key], dict) else "")
        faults.add(where, message, f"{key} belongs {home}", key=True)
        faults.misplaced.add(key)
        if key == "layers":  # of a network that lacks some nothing is to be concluded
            faults.doubt(("network", "layers"))
        return None
    near = near or meant(key, properties)
    if not near:
        faults.add(where, message, f"known here: {', '.join(properties)}", key=True)
        return None
    name = ".".join(map(str, (*path, near)))
    several = near in value and _tables(value[near]) and not any(isinstance(part, int) for part in path)
    advice = f"write [[{name}]] before each of them" if several else ""
    faults.add(where, f"{message}: did you mean '{near}'?", advice, key=True)
    if near not in value or _contains(value[near]):
        faults.doubt((*path, near))  # what was meant for that key is not there, or not all of it
    return near


def _contains(value: object) -> bool:
    return isinstance(value, dict) or _tables(value)


def _tables(value: object) -> bool:
    """Whether a value is a list of tables, to which another key's may have been meant to belong."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _in(path: Keys) -> str:
    return f" in {label(path)}" if path else ""


def _hint(key: str, schema: dict) -> str:
    """What a missing key should hold."""
    if "const" in schema:
        return f"write {key} = {_literal(schema['const'])}"
    wanted = " or ".join(title(branch) for branch in schema.get("anyOf", [schema]))
    return f"{key}: {wanted}. {schema.get('description', '')}"


def _check_array(schema: dict, value: list, path: Keys, faults: Faults) -> None:
    least = schema.get("minItems", 0)
    if len(value) < least:
        few = f"{label(path)} needs at least {least} items" if value else f"{label(path)} is empty"
        few += ": it needs at least one item" if least == 1 else ""
        faults.add(path, few, schema.get("description", ""))
        return
    most = schema.get("maxItems")
    if most is not None and len(value) > most:
        message = f"{label(path)} has {len(value):,} items: it may have {most:,}"
        advice = "nobody reads so many: make it several lessons, or leave some out"
        if path == ("examples",):
            advice = 'put them in a table beside the lesson: examples = "data.csv"'
        faults.add(path, message, advice)
        return
    items = schema["items"]
    kinds = [branch["type"] for branch in items.get("anyOf", [items])]
    if "number" in kinds and all_finite(value):
        return
    if not any(_is(kind, part) for kind in kinds for part in value):  # one mistake: a list of something else
        for i in range(1, len(value)):
            faults.doubt((*path, i))
        value = value[:1]
    for i, part in enumerate(value):
        if not (items is _VECTOR and isinstance(part, list) and all_finite(part)):
            _check(items, part, (*path, i), faults)
    if schema.get("uniqueItems"):
        seen = set()
        for i, part in enumerate(value):
            if isinstance(part, str):
                if part in seen:
                    faults.add((*path, i), f"{quote(part)} is listed twice in {label(path)}", "each is listed once")
                seen.add(part)


def all_finite(values: list) -> bool:
    """Whether these are all finite numbers that a float64 holds; no loop in Python over the elements."""
    if not set(map(type, values)) <= {int, float}:  # a bool is no number here
        return False
    try:
        return bool(np.isfinite(np.array(values, dtype=float)).all())
    except OverflowError:
        return False


def _check_number(schema: dict, value: int | float, path: Keys, faults: Faults) -> None:
    shown = kind(value)
    if isinstance(value, float) and not math.isfinite(value):
        too_large = " (written with too many digits or too large an exponent, a number is infinity)"
        advice = "a lesson's numbers are finite" + (too_large if math.isinf(value) else "")
        faults.add(path, f"{label(path)} is {shown}: it must be a finite number", advice)
        return
    if isinstance(value, int) and abs(value) >= 2**63 and (schema["type"] == "integer" or not all_finite([value])):
        limit = "2**63 - 1" if schema["type"] == "integer" else "about 1.8e308"
        faults.add(path, f"{label(path)} is too large", f"its size is {limit} at most")
        return
    bounds = {
        "minimum": ("at least", lambda bound: value >= bound),
        "exclusiveMinimum": ("greater than", lambda bound: value > bound),
        "maximum": ("at most", lambda bound: value <= bound),
        "exclusiveMaximum": ("less than", lambda bound: value < bound),
    }
    if not all(holds(schema[name]) for name, (_, holds) in bounds.items() if name in schema):
        wanted = " and ".join(f"{words} {schema[name]:,}" for name, (words, _) in bounds.items() if name in schema)
        faults.add(path, f"{label(path)} must be {wanted}, not {value!r}", schema.get("description", ""))
    elif "const" in schema and value != schema["const"]:
        faults.add(path, f"unknown {label(path)} {value}: this tutor reads format {schema['const']}")


def _check_string(schema: dict, value: str, path: Keys, faults: Faults) -> None:
    hidden = FORBIDDEN.search(value)
    if hidden:
        advice = "text may hold newlines and tabs, but no other control, direction or zero-width characters"
        message = f"{label(path)} contains the character {code_point(hidden[0])}"
        faults.add(path, message, advice, offset=hidden.start())
    elif "enum" in schema and value not in schema["enum"]:
        faults.add(path, *_unknown(path, value, schema["enum"], schema.get("else", "")))
    elif len(value) > schema.get("maxLength", len(value)):
        message = f"{label(path)} has {len(value):,} characters: it may have {schema['maxLength']:,}"
        faults.add(path, message, "nobody reads so much at once: make it several, or leave something out")
    elif len(value.strip()) < schema.get("minLength", 0):
        faults.add(path, f"{label(path)} is empty", schema["description"])


def _unknown(path: Keys, value: str, known: list[str], otherwise: str) -> tuple[str, str]:
    """Message and advice for a word that is not one of those known."""
    message = f"unknown {label(path)} {quote(value)}"
    if path[:2] == ("network", "layers"):
        message = f"unknown {path[-1]} {quote(value)}"
    found = meant(value, known)
    near = f": did you mean '{found}'?" if found else ""
    advice = f"{path[-1]} is one of: {', '.join(known)}" if len(known) > 1 else f'{path[-1]} is "{known[0]}"'
    return message + near, advice + (f"; or {otherwise}" if otherwise else "")


def _check_boolean(schema: dict, value: bool, path: Keys, faults: Faults) -> None:
    if "const" in schema and value != schema["const"]:
        message = f"{label(path)} must be {schema['else']} or {_literal(schema['const'])}, not {_literal(value)}"
        faults.add(path, message, schema["description"])


_CHECKS: dict[str, Callable[..., None]] = {
    "object": _check_object,
    "array": _check_array,
    "string": _check_string,
    "boolean": _check_boolean,
    "integer": _check_number,
    "number": _check_number,
}
_PYTHON: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}
_TITLES = {
    "object": "a table",
    "array": "a list",
    "string": "text in quotes",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}


def _is(kind: str, value) -> bool:
    return isinstance(value, _PYTHON[kind]) and (kind == "boolean") == isinstance(value, bool)


def title(schema: dict) -> str:
    """What a message calls the values that a schema describes: 'a whole number', 'a list of names'."""
    if "enum" in schema:
        words = [f'"{word}"' for word in schema["enum"]]
        return words[0] if len(words) == 1 else f"one of {', '.join(words)}"
    if "const" in schema:
        return _literal(schema["const"])
    if schema["type"] == "array" and "title" not in schema:
        return {"object": "a list of tables", "string": "a list of texts"}[schema["items"]["type"]]
    return schema.get("title") or _TITLES[schema["type"]]


def _literal(value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def kind(value) -> str:
    """What a message calls a value that was found: 'true', '2.5', the text 'abc', 'a list'."""
    if isinstance(value, bool):
        return _literal(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "a very large number"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return f"the text {quote(value)}"
    return "a list" if isinstance(value, list) else "a table" if isinstance(value, dict) else "a date or time"


def as_json() -> str:
    """The format as a JSON Schema (draft 2020-12), for editors; it is also in assets/lesson.schema.json."""
    return json.dumps(SCHEMA, ensure_ascii=False, indent=2) + "\n"


def keys(schema: dict = SCHEMA, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict]]:
    """Every key of the format with its schema, tables before their keys; lists add nothing to a path."""
    for branch in schema.get("anyOf", [schema]):
        if branch.get("type") == "array":
            yield from keys(branch["items"], path)
    for name, part in schema.get("properties", {}).items():
        yield (*path, name), part
        yield from keys(part, (*path, name))
