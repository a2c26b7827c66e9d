"""The lesson format, declared once.

`SCHEMA` has the shape of a JSON Schema, so that editors can use it, too; `validation.py` holds a file against it. What
one key cannot know alone (counts that must agree, a loss and its activation) is in `reading/`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.array_functions import MAX_RANK
from tutor.engine.lesson import BATCH_LOSSES, INITIALISERS, LAYOUTS, LEVELS, ORDERS
from tutor.engine.losses import LOSSES
from tutor.engine.optimizers import OPTIMIZERS
from tutor.questions.kinds import KINDS
from tutor.text.notations import NOTATIONS

STEP_KINDS = tuple(KINDS)  # questions about a step
ASKED_KINDS = ("number", "choice")  # in the author's own words
MAX_PARAMETERS = 10_000_000
MAX_LAYERS = 200
MAX_LINES = 5_000  # of a circuit
MAX_ITEMS = 100  # choices, hints, wrong answers, prerequisites: more than anybody reads
MAX_EXAMPLES = 10_000  # in the lesson itself; a table beside it may have more
MAX_PROSE, MAX_LINE = 100_000, 2_000  # characters of a text, of one that is shown in a line
MAX_TABLES = 1_000  # notes, questions, expectations

_NUMBER = {"type": "number"}
VECTOR = {"title": "a list of numbers", "type": "array", "items": _NUMBER}
_MATRIX = {"title": "a list of rows of numbers", "type": "array", "minItems": 1, "items": VECTOR}
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


def _needs(key: str, *others: str) -> dict[str, Any]:
    """The rule that a key goes with others."""
    return {"if": {"required": [key]}, "then": {"required": list(others)}}


def _excludes(key: str, *others: str) -> dict[str, Any]:
    return {"if": {"required": [key]}, "then": {"not": {"anyOf": [{"required": [other]} for other in others]}}}


def _one_of(*keys: str) -> dict[str, Any]:
    return {"oneOf": [{"required": [key]} for key in keys]}


ARRAY_TITLE = "a list of numbers or of rows"


def _array(rank: int, least: int = 0) -> dict[str, Any]:
    """Numbers in lists, up to so many deep; a list has numbers or lists. `validation` looks at all of them at once."""
    items = _NUMBER if rank == 1 else {"anyOf": [_NUMBER, _array(rank - 1, least)]}
    return {"title": ARRAY_TITLE, "type": "array", "items": items} | ({"minItems": least} if least else {})


_VALUE = {"anyOf": [_NUMBER, _array(MAX_RANK)]}
_INPUT = {"anyOf": [_NUMBER, _array(MAX_RANK, least=1)]}
_COUNT = {"type": "integer", "minimum": 1, "maximum": MAX_PARAMETERS}


# An array of a file beside the lesson: the file, a colon, the array's name in it.
_STORED = {"title": 'an array of a file, such as "model.npz:fc1.weight"', "type": "string", "pattern": ".:."}


def _text(description: str, **keywords: Any) -> dict[str, Any]:
    return {"description": description, "type": "string", "maxLength": MAX_LINE, **keywords}


def _number(description: str, default: float, **bounds: float) -> dict[str, Any]:
    return {"description": description, "type": "number", "default": default, **bounds}


def _choice(description: str, values: Iterable[str], **keywords: Any) -> dict[str, Any]:
    return {"description": description, "type": "string", "enum": list(values), **keywords}


def _table(
    description: str, required: tuple[str, ...], properties: dict[str, Any], *rules: dict[str, Any]
) -> dict[str, Any]:
    """`rules` say for editors what the keys of a table must agree on; the messages for that are in `reading`."""
    return {
        "description": description,
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": properties,
        **({"allOf": list(rules)} if rules else {}),
    }


def _list(description: str, items: dict[str, Any], **keywords: Any) -> dict[str, Any]:
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
            '(layout = "from_to": the other way round); or how they are drawn with the seed of [training]; or where '
            'they are in a file beside the lesson, "model.npz:fc1.weight".',
            "default": "xavier",
            "anyOf": [{"type": "string", "enum": list(INITIALISERS)}, _STORED, _MATRIX],
        },
        "biases": {
            "description": "One number a unit; a single number: one bias that all units share; false: the layer has "
            'none; or where they are in a file beside the lesson, "model.npz:fc1.bias". Left out: zeros.',
            "anyOf": [_STORED, VECTOR, _NUMBER, {"type": "boolean", "const": False}],
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
        "image": _list(
            "The inputs are the pixels of an image, row by row: how many rows and columns it has, [8, 8].",
            _COUNT,
            minItems=2,
            maxItems=2,
        ),
        "layers": _list("The layers, from the inputs to the output.", _LAYER, minItems=1, maxItems=MAX_LAYERS),
    },
)

_CIRCUIT = _table(
    "A circuit of gates, instead of a [network].",
    ("inputs", "define", "output"),
    {
        "inputs": {
            "description": "The inputs by name: [circuit.inputs], then lines such as x = -2 or X = [[1, 0], [0, 2]].",
            "type": "object",
            "minProperties": 1,
            "maxProperties": MAX_LINES,
            "additionalProperties": {
                "description": "A number, or an array as a list of numbers, of rows, of lists of rows: up to rank 4.",
                **_INPUT,
            },
        },
        "define": _list(
            "Lines 'name = formula', read in order; a name is defined before it is used, once.",
            {"type": "string", "pattern": "="},
            minItems=1,
            maxItems=MAX_LINES,
        ),
        "output": _text("The defined name whose derivatives are computed; a single number."),
        "parameters": _list(
            "The inputs that an update changes. Left out: all that are neither data nor set by examples.",
            _text("The name of an input."),
            maxItems=MAX_LINES,
            uniqueItems=True,
        ),
        "data": _list(
            "The inputs of which no gradient is wanted: targets, masks, ids.",
            _text("The name of an input."),
            default=[],
            maxItems=MAX_LINES,
            uniqueItems=True,
        ),
        "repeat": {
            "description": "A line of define with {t} in it stands for one line each time: repeat = { t = [1, 3] }.",
            "type": "object",
            "additionalProperties": {
                "description": "The first and the last time.",
                "title": "the first and the last, such as [1, 3]",
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "items": {"type": "integer", "minimum": 0, "maximum": MAX_LINES},
            },
        },
    },
)

EXAMPLE = _table(
    "One example: what goes in and what should come out.",
    ("inputs",),
    {
        "inputs": {"description": "One number an input.", **VECTOR},
        "targets": {"description": "One number an output.", **VECTOR},
        "target": {
            "description": "Instead of targets: with cross_entropy the true class, counted from 1; with one output "
            "its class, 0 or 1 (or 1 or 2).",
            "type": "integer",
            "minimum": 0,
        },
    },
    _one_of("targets", "target"),
)

_CIRCUIT_EXAMPLE = {
    "description": "One example of a circuit: its inputs by name, such as X = [1, 2] and y = 3.",
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"not": {"enum": ["inputs", "targets", "target"]}},
    "additionalProperties": {"description": "A number, or an array of the input's shape.", **_INPUT},
}

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
                    **_VALUE,
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
            "A whole number is meant exactly. An array's numbers as a list, or a list of rows; -inf where "
            "causal blocks a position.",
            **_VALUE,
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
    "What is asked: `steps` in predict mode, the rest in quizzes, on sheets and in question banks.",
    (),
    {
        "steps": _list(
            "Ids of the steps that are asked.",
            _text("A step id.", minLength=1),
            default=[],
            maxItems=MAX_TABLES,
            uniqueItems=True,
        ),
        "only": _choice("What quizzes, sheets and question banks ask; left out: some of both.", ("author", "steps")),
        "kinds": _list("The kinds that the tutor's own questions have.", _choice("A kind.", STEP_KINDS), minItems=1),
        "count": {
            "description": "How many questions there are, unless somebody says.",
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_ITEMS,
        },
        "order": _choice("Of the questions.", ("given", "shuffled"), default="given"),
    },
)

def _examples(description: str, *example: dict[str, Any]) -> dict[str, Any]:
    items = example[0] if len(example) == 1 else {"anyOf": list(example)}
    return {
        "description": description,
        "anyOf": [
            {"title": "a list of tables", "type": "array", "items": items, "minItems": 1, "maxItems": MAX_EXAMPLES},
            {"title": "the name of a file", "type": "string", "minLength": 1},
        ],
    }


_NETWORK_EXAMPLES = _examples(
    "What a network learns from: at least one; or the name of a CSV file, or an .npz, beside the lesson.", EXAMPLE
)
_CIRCUIT_EXAMPLES = _examples(
    "What a circuit is given, one after the other; or the name of a CSV file, or an .npz, beside the lesson.",
    _CIRCUIT_EXAMPLE,
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
            "examples": _examples(
                "What a network learns from, or what a circuit's inputs are, one after the other; or the name of a CSV "
                "file, or an .npz, beside the lesson.",
                EXAMPLE,
                _CIRCUIT_EXAMPLE,
            ),
            "class": _text(
                "The column of that file (of an .npz the array) that has the class, if one has; a target is 1 at it.",
                minLength=1,
            ),
            "scale": _number("All inputs are divided by it: 255 for images in bytes.", 1.0, exclusiveMinimum=0),
            "held_out": {
                "description": "Rows that training never sees, to be judged by: a share of the examples, drawn with "
                "the seed; the name of a file beside the lesson; or their numbers, counted from 1.",
                "anyOf": [
                    {"title": "a share such as 0.2", "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                    {"title": "the name of a file", "type": "string", "minLength": 1, "maxLength": MAX_LINE},
                    {
                        "title": "a list of the numbers of examples",
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "integer", "minimum": 1},
                    },
                ],
            },
            "training": _TRAINING,
            "notes": _list("Prose attached to steps.", _NOTE, default=[], maxItems=MAX_TABLES),
            "quiz": _QUIZ,
            "questions": _list("Questions of the author's.", _QUESTION, default=[], maxItems=MAX_TABLES),
            "expect": _list("Numbers that the lesson is held to.", _EXPECT, default=[], maxItems=MAX_TABLES),
        },
        _one_of("network", "circuit"),
        _needs("network", "examples"),
        {"if": {"required": ["network"]}, "then": {"properties": {"examples": _NETWORK_EXAMPLES}}},
        {"if": {"required": ["circuit"]}, "then": {"properties": {"examples": _CIRCUIT_EXAMPLES}}},
        _excludes("circuit", "class", "scale", "held_out"),
        {"if": {"required": ["class"]}, "then": {"properties": {"examples": {"type": "string"}}}},
    ),
}


def of_lesson(values: dict[str, Any]) -> dict[str, Any]:
    """The schema for a lesson with these values: a circuit's examples set its inputs, a network's have targets."""
    circuit = "circuit" in values and "network" not in values
    properties = SCHEMA["properties"] | {"examples": _CIRCUIT_EXAMPLES if circuit else _NETWORK_EXAMPLES}
    return SCHEMA | {"properties": properties}


def as_json() -> str:
    """The format as a JSON Schema (draft 2020-12), for editors; it is also in assets/lesson.schema.json."""
    return json.dumps(SCHEMA, ensure_ascii=False, indent=2) + "\n"


def keys(
    schema: dict[str, Any] = SCHEMA, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every key of the format with its schema, tables before their keys; lists add nothing to a path."""
    for branch in schema.get("anyOf", [schema]):
        if branch.get("type") == "array":
            yield from keys(branch["items"], path)
    for name, part in schema.get("properties", {}).items():
        yield (*path, name), part
        yield from keys(part, (*path, name))
