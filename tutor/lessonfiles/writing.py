"""From a lesson to the text of a lesson file, format 1: the way back from what `reading.read` does.

`document` gives the values, `toml` writes them. A lesson that is written and read again has the same model,
data and training to the last bit; what a file says beside that (its comments, how it was laid out) is not kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from tutor.confined import named
from tutor.engine.activations import takes_slope
from tutor.engine.ids import read_state
from tutor.engine.lesson import AuthorQuestion, Circuit, Expect, Layer, Lesson, Training
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.rows import Data, Scaled
from tutor.lessonfiles.positions import MAX_BYTES
from tutor.lessonfiles.schema import MAX_EXAMPLES
from tutor.text.language import say
from tutor.text.output import FORBIDDEN, escape, write_whole
from tutor.text.words import reason

LARGEST = 1_000_000  # numbers of examples that are written out: more are more than a lesson file may have

# ---------------------------------------------------------------- from a lesson to values


def document(lesson: Lesson) -> dict[str, Any]:
    """The values of a lesson file that says this lesson: dicts, lists, numbers, texts. Most defaults are left out.

    Matrices of weights have a row a unit that they lead to, however the lesson's own file has them. Examples that are
    kept as they are stored, and rows that are held out, are `Data`.
    """
    head = ("title", "summary", "unit", "level", "notation", "requires", "intro", "outro")
    given = {key: getattr(lesson, key) for key in head}
    found: dict[str, Any] = {"format": 1} | {key: list(v) if key == "requires" else v for key, v in given.items() if v}
    if lesson.network:
        network = lesson.network
        found["network"] = {
            "inputs": list(network.input_names or ()) or network.inputs,
            "loss": network.loss,
            **({} if network.delta is None else {"delta": network.delta}),
            **({} if network.image is None else {"image": list(network.image)}),
            "layers": [_layer(layer) for layer in network.layers],
        }
        if isinstance(lesson.inputs, Scaled):
            found["examples"] = Data(lesson.inputs, lesson.targets)
        else:
            found["examples"] = _rows(lesson.inputs, lesson.targets)
        if lesson.held_out is not None:
            found["held_out"] = lesson.held_out
    elif lesson.circuit:
        found |= _circuit(lesson.circuit)
    if lesson.training:
        found["training"] = _training(lesson.training)
    if lesson.notes:
        found["notes"] = [{"step": note.step, "text": note.text} for note in lesson.notes]
    choice = lesson.quiz
    order = "shuffled" if choice.shuffled else ""
    asked = {"steps": [*lesson.quiz_steps], "only": choice.only, "kinds": [*choice.kinds], "count": choice.count or 0}
    if said := {key: value for key, value in (asked | {"order": order}).items() if value}:
        found["quiz"] = said
    if lesson.questions:
        found["questions"] = [_question(question) for question in lesson.questions]
    if lesson.expect:
        found["expect"] = [_expect(expect) for expect in lesson.expect]
    return found


def _rows(inputs: np.ndarray, targets: np.ndarray) -> list[dict[str, Any]]:
    return [{"inputs": x, "targets": y} for x, y in zip(inputs.tolist(), targets.tolist(), strict=True)]


def _layer(layer: Layer) -> dict[str, Any]:
    found: dict[str, Any] = {"units": list(layer.names or ()) or layer.units, "activation": layer.activation}
    if takes_slope(layer.activation):
        found["alpha"] = layer.alpha
    found["weights"] = layer.weights if isinstance(layer.weights, str) else layer.weights.tolist()
    found["biases"] = False if layer.biases is None else layer.biases.tolist()
    return found | {key: False for key in ("train_weights", "train_biases") if not getattr(layer, key)}


def _circuit(circuit: Circuit) -> dict[str, Any]:
    """The circuit and its examples; lines that were repeated stand one by one."""
    names = list(circuit.inputs)
    for k in range(1, len(names)):  # what examples alone give comes last, in their order
        if names[k:] == [name for name in circuit.examples if name not in names[:k]]:
            names = names[:k]
            break
    free = Circuit(circuit.inputs, (), circuit.output, data=circuit.data, examples=circuit.examples).parameters
    found: dict[str, Any] = {
        "define": [definition.line for definition in circuit.definitions],
        "output": circuit.output,
        **({} if circuit.parameters == free else {"parameters": list(circuit.parameters)}),
        **({"data": list(circuit.data)} if circuit.data else {}),
        "inputs": {name: _plain(circuit.inputs[name]) for name in names},
    }
    many = max(map(len, circuit.examples.values()), default=0)
    rows = [{name: _plain(values[i]) for name, values in circuit.examples.items()} for i in range(many)]
    return {"circuit": found} | ({"examples": rows} if rows else {})


def _plain(value: np.ndarray | float) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else float(value)


def _training(training: Training) -> dict[str, Any]:
    """The settings that are used: the rate and the optimiser always, others where they are not the default."""
    used = set(OPTIMIZERS[training.optimizer].hyper)
    foreign = {name for entry in OPTIMIZERS.values() for name in entry.hyper} - used
    always = ("learning_rate", "optimizer")
    found = {
        key.name: getattr(training, key.name)
        for key in fields(Training)
        if key.name not in foreign and (key.name in always or getattr(training, key.name) != key.default)
    }
    memory: dict[str, dict[str, Any]] = {}
    for key, value in found.pop("memory").items():
        parameter, state = read_state(key)
        memory.setdefault(parameter, {})[state] = value.tolist()
    return found | ({"memory": memory} if memory else {})


def _expect(expect: Expect) -> dict[str, Any]:
    """With the digits of the value itself: those that were written are not known here."""
    found: dict[str, Any] = {"step": expect.step, "value": expect.value, "source": expect.source}
    found |= {} if expect.iteration == 1 else {"iteration": expect.iteration}
    found |= {} if expect.tolerance is None else {"tolerance": expect.tolerance}
    return found | ({"cut_off": True} if expect.cut_off else {})


def _question(question: AuthorQuestion) -> dict[str, Any]:
    given = {key.name: getattr(question, key.name) for key in fields(question) if key.name not in ("wrong", "at")}
    defaults = {key.name: key.default for key in fields(question)}
    found: dict[str, Any] = {key: value for key, value in given.items() if value != defaults[key]}
    found |= {key: list(v) for key, v in found.items() if isinstance(v, tuple)}
    if question.wrong:
        found["wrong"] = [{"answer": wrong.answer, "says": wrong.says} for wrong in question.wrong]
    return found


# ---------------------------------------------------------------- from values to text


def lesson_text(lesson: Lesson, comment: Iterable[str] = (), beside: bool = False) -> str:
    """The text of a file that says this lesson, with a comment above it. Raises CannotWrite.

    `beside`: of a file in the lesson's own folder, so that what the lesson keeps in files there stays in them. Else
    everything stands in the text.
    """
    values = document(lesson)
    if lesson.network:
        kept = beside and "examples" in lesson.data_keys
        values = values | lesson.data_keys if kept else _with_rows(values, lesson)
        if beside:
            for values_of, layer in zip(values["network"]["layers"], lesson.network.layers, strict=True):
                values_of |= layer.stored
    if lesson.network and lesson.network.layout == "from_to":
        values["network"] = _turned(values["network"])
        for states in values.get("training", {}).get("memory", {}).values():
            states |= {state: np.array(value).T.tolist() for state, value in states.items()}
    if lesson.network and lesson.network.loss == "cross_entropy":
        rows = values["examples"]
        for example in rows if isinstance(rows, list) else ():  # the number of the true class, where there is one
            y = np.array(example["targets"])
            if np.count_nonzero(y) == 1 and y.max() == 1:
                del example["targets"]
                example["target"] = int(np.argmax(y)) + 1
    for expected in values.get("expect", ()):
        expected["value"] = _rounded(expected["value"])
    return "".join(f"# {escape(said)}".rstrip() + "\n" for said in comment) + toml(values)


def _with_rows(values: dict[str, Any], lesson: Lesson) -> dict[str, Any]:
    """The values with all rows written out, those that are held out by their numbers. Raises CannotWrite."""
    held = lesson.held_out
    many = lesson.example_count + (len(held) if held is not None else 0)
    size = lesson.inputs.shape[1] * many
    if size > LARGEST or many > MAX_EXAMPLES:
        raise CannotWrite(
            say(
                "Its {n} examples are too many to stand in a lesson file: save it in the folder of {file}, "
                "where they are.",
                n=f"{many:,}", file=lesson.path,
            )
            if lesson.path
            else say(
                "Its {n} examples are too many to stand in a lesson file: save it in the folder of the lesson, "
                "where they are.",
                n=f"{many:,}",
            )
        )  # fmt: skip
    if held is None:
        return values
    inputs, targets = np.concatenate([lesson.inputs[:], held.inputs[:]]), np.concatenate([lesson.targets, held.targets])
    numbers = np.arange(lesson.example_count, many) if held.numbers is None else np.array(held.numbers)
    places = np.concatenate([np.setdiff1d(np.arange(many), numbers), numbers])  # where the file had them
    order = np.argsort(places)
    return values | {"examples": _rows(inputs[order], targets[order]), "held_out": (numbers + 1).tolist()}


def _turned(network: dict[str, Any]) -> dict[str, Any]:
    """The values of [network] with its matrices as x·W has them."""
    found = {key: value for key, value in network.items() if key != "layers"} | {"layout": "from_to"}
    turned = [
        {key: np.array(v).T.tolist() if key == "weights" and not isinstance(v, str) else v for key, v in layer.items()}
        for layer in network["layers"]
    ]
    return found | {"layers": turned}


def _rounded(value: Any) -> Any:
    """An expected value that keeps its point: -5.0 is meant to a digit, and -5 exactly."""
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return Decimal(repr(value)) if isinstance(value, float) else value


def toml(values: dict[str, Any]) -> str:
    """TOML text of dicts, lists, numbers and texts; tables stand after the keys of the table that they are in."""
    return "\n".join(_table(values, ())).lstrip("\n") + "\n"


def _table(values: dict[str, Any], path: tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    for key, value in values.items():
        if not isinstance(value, dict) and not _tables(value):
            lines.append(f"{_key(key)} = {_value(value, key)}")
    for key, value in values.items():
        inner = (*path, key)
        name = ".".join(map(_key, inner))
        if isinstance(value, dict):
            lines += ["", f"[{name}]", *_table(value, inner)]
        elif _tables(value):
            for item in value:
                lines += ["", f"[[{name}]]", *_table(item, inner)]
    return lines


def _tables(value: object) -> bool:
    """Whether a value is written as an array of tables; foreseen wrong answers are short and stay on their line."""
    first = value[0] if isinstance(value, list) and value else None
    return isinstance(first, dict) and set(first) != {"answer", "says"}


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


LONG = 100  # characters of a list of texts on one line


def _value(value: Any, key: str = "") -> str:
    """A value on one line; prose and matrices, which are read in lines, over several."""
    if isinstance(value, str):
        return _prose(value) if "\n" in value else _text(value)
    if isinstance(value, list) and value and isinstance(value[0], list):
        indent = " " * (len(key) + len(" = ["))
        return "[" + f",\n{indent}".join(_inline(row) for row in value) + "]"
    line = _inline(value)
    if isinstance(value, list) and len(line) > LONG and value and isinstance(value[0], str):  # the lines of a circuit
        return "[\n" + "".join(f"  {_inline(text)},\n" for text in value) + "]"
    return line


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_inline(part)}" for key, part in value.items()) + " }"
    return number_text(value)


def number_text(value: float | Decimal) -> str:
    """All of a number, as a lesson file and a learner may write it: 0.1, -2, 1e-08; of a Decimal its zeros too."""
    if isinstance(value, Decimal):
        return str(value) if value.is_finite() else repr(float(value))  # -inf, not -Infinity
    whole = float(value).is_integer() and abs(value) < 1e15 and str(value) != "-0.0"
    return str(int(value)) if isinstance(value, int) or whole else repr(float(value))


def _text(text: str) -> str:
    """A basic string. JSON's escapes are TOML's, but for DEL and for what lies beyond 16 bits, which stays as it is."""
    return _escaped(json.dumps(text, ensure_ascii=False))


def _prose(text: str) -> str:
    """A text of several lines between triple quotes, with its lines as they are."""
    inner = text.replace("\\", "\\\\").replace('"""', '""\\"')
    if inner.endswith('"'):
        inner = inner[:-1] + '\\"'
    return f'"""\n{_escaped(inner)}"""'


def _escaped(text: str) -> str:
    def code(match: re.Match[str]) -> str:
        number = ord(match[0])
        return f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"

    return FORBIDDEN.sub(code, text)


# ---------------------------------------------------------------- into a file


class CannotWrite(ValueError):
    """A lesson that was not written; str() says why, in a sentence."""


def save(text: str, path: str | Path, overwrite: bool = False) -> Path:
    """Write a lesson file; returns where it is. Raises CannotWrite; FileExistsError unless it may `overwrite`."""
    data = text.encode()
    if len(data) > MAX_BYTES:
        most = MAX_BYTES // 2**20
        raise CannotWrite(say("The lesson would be larger than {n} MiB, the most that a lesson may be.", n=most))
    try:
        file = named(path)
        if overwrite:  # the old file stays until the new one is whole
            write_whole(file, data)
        else:
            with open(file, "xb") as new:
                new.write(data)
        return file.resolve()
    except FileExistsError:
        if file.is_file():
            raise
        raise CannotWrite(say("{file} is there already, and it is no file.", file=escape(str(file)))) from None
    except (OSError, ValueError) as error:
        why = escape(reason(error))
        raise CannotWrite(say("Cannot write {file}: {why}.", file=escape(str(path)), why=why)) from None
