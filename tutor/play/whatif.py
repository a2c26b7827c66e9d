"""What if: a lesson with changes in force, made one edit at a time and taken back at will.

An edit is what a learner types, `W1[1,2] = 0.3` or `loss = half_squared_error`. It changes the values that the
lesson's file would have, and the lesson is built from them anew: what a file may not say, an edit may not either, and
is refused in the same words. The original is never touched.
"""

from __future__ import annotations

import math
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tutor.engine.activations import ACTIVATIONS, takes_slope
from tutor.engine.expressions import Ref, Symbol, indices
from tutor.engine.forward import initial_parameters, model
from tutor.engine.ids import of_layer, read_parameter
from tutor.engine.lesson import INITIALISERS, Circuit, Lesson, Training
from tutor.engine.losses import LOSSES
from tutor.engine.model import parameter
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.parsing import nearest
from tutor.lessonfiles.file_names import lesson_id
from tutor.lessonfiles.positions import Keys
from tutor.lessonfiles.reading.lesson import build
from tutor.lessonfiles.writing import document, lesson_text, number_text
from tutor.play.documents import Document, built, fitting, path_of, plain_questions, put
from tutor.play.settings import (
    ALIASES,
    HYPER,
    MANY,
    MAX_ROWS,
    SET_BY,
    Here,
    Refused,
    Same,
    Setting,
    Takes,
    as_values,
    is_one_hot,
    of_parameter,
    of_training,
    place_of,
    read_number,
    read_numbers,
    said_in_full,
    shown,
)
from tutor.questions.tokens import NotUnderstood
from tutor.text.language import say
from tutor.text.output import quote
from tutor.text.words import whole_number

MAX_EDIT = 4000  # characters of an edit that are read


@dataclass(frozen=True)
class Change:
    """A setting's value before and after."""

    name: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.name}: {shown(self.before)} → {shown(self.after)}"


@dataclass(frozen=True)
class Edited:
    """The values of the lesson's file after an edit, and what the edit changed, by name and by place."""

    document: Document
    done: tuple[Change, ...]
    paths: tuple[Keys, ...] = ()


@dataclass(frozen=True)
class WhatIf:
    """A lesson and the edits made to it: the first `at` of `states` are in force, the others were taken back."""

    original: Lesson
    states: tuple[Edited, ...] = ()
    at: int = 0

    # ------------------------------------------------------------ the lesson

    @cached_property
    def document(self) -> Document:
        """The values of the lesson's file with the changes in force."""
        return self.states[self.at - 1].document if self.at else plain_questions(document(self.original))

    @cached_property
    def unmarked(self) -> Lesson:
        """The lesson with the changes in force. Raises Refused."""
        return built(self.document, path_of(self.original)) if self.at else self.original

    @cached_property
    def lesson(self) -> Lesson:
        """The lesson to be played: notes with numbers in them say that these are the original's."""
        notes = (
            replace(note, text=say("*Written for the lesson as it was:* {note}", note=note.text.lstrip()))
            if re.search(r"\d", re.sub(r"\{[^}]*\}|`[^`]*`", "", note.text))
            else note
            for note in self.unmarked.notes
        )
        return replace(self.unmarked, notes=tuple(notes)) if self.at else self.original

    @cached_property
    def parameters(self) -> dict[str, np.ndarray | float]:
        """The values before the first iteration, by id, as `initial_parameters` has them."""
        return initial_parameters(self.unmarked)

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """What differs from the original, in the order in which it was first changed."""
        found: dict[str, Change] = {}
        for state in self.states[: self.at]:
            for change in state.done:
                first = found.get(change.name, change)
                found[change.name] = replace(change, before=first.before)
        return tuple(change for change in found.values() if not _same(change.before, change.after))

    # ------------------------------------------------------------ edits

    def apply(self, text: str, here: Here | None = None) -> WhatIf:
        """With one more edit in force: `name = value`, or several at once with ; between them. Raises Refused.

        What was taken back before is forgotten.
        """
        here = here or Here()
        if len(text) > MAX_EDIT:
            raise Refused(say("That is longer than {n} characters.", n=f"{MAX_EDIT:,}"))
        plain = "".join(char if char.isprintable() else " " for char in unicodedata.normalize("NFC", text))
        values, done, paths = self.document, [], []
        for part in filter(str.strip, plain.split(";")):
            name, equals, given = part.partition("=")
            if not equals or not name.strip() or not given.strip():
                raise Refused(say("Write a name, = and a value: learning_rate = 0.1, for example."))
            setting = self.find(name, here)
            value = self._read(given.strip(), setting)
            values = put(self._opened(values, setting.path), setting.path, value)
            values = fitting(values, setting.path, value)
            after = value.partition("=")[2].strip() if setting.kind == "formula" else value
            paths.append(setting.path)
            done.append(Change(setting.name, self.value(setting), after))
        if not done:
            raise Refused(say("Write a name, = and a value: learning_rate = 0.1, for example."))
        if all(_same(change.before, change.after) for change in done):
            raise Same(say("{name} is {value} already.", name=done[0].name, value=shown(done[0].after)))
        new = replace(self, states=(*self.states[: self.at], Edited(values, tuple(done), tuple(paths))), at=self.at + 1)
        _ = new.unmarked  # refused now or never
        return new

    def undo(self) -> WhatIf | None:
        """Without the last edit; None if there is none."""
        return replace(self, at=self.at - 1) if self.at else None

    def redo(self) -> WhatIf | None:
        """With the edit that was taken back last; None if there is none."""
        return replace(self, at=self.at + 1) if self.at < len(self.states) else None

    def _opened(self, values: Document, path: Keys) -> Document:
        """Where one weight of a drawn matrix is set: with all of them written out."""
        if path[0] == "network" and len(path) > 4 and path[3] in ("weights", "biases"):
            id = of_layer("weights" if path[3] == "weights" else "biases", path[2] + 1)
            if not isinstance(values["network"]["layers"][path[2]][path[3]], list):
                lesson, _ = build(values, path_of(self.original))
                drawn = initial_parameters(lesson or self.unmarked).get(id, self.parameters[id])
                opened: Document = put(values, path[:4], np.asarray(drawn).tolist())
                return opened
        return values

    # ------------------------------------------------------------ what can change

    def value(self, setting: Setting) -> Any:
        """What a setting is now: a number, a list of them, a word, a text; None where it is not set."""
        lesson, (first, *rest) = self.unmarked, setting.path
        if first == "training":
            return getattr(lesson.training, rest[0], None)
        if first == "circuit":
            assert lesson.circuit
            if rest[0] == "inputs":
                return as_values(np.asarray(lesson.circuit.inputs[rest[1]])[tuple(rest[2:])])
            return lesson.circuit.definitions[rest[1]].line.partition("=")[2].strip()
        if first == "examples":
            data = lesson.examples[SET_BY.get(str(rest[1]), str(rest[1]))]
            if setting.kind == "class":
                return int(np.argmax(data[rest[0]])) + 1
            return as_values(data[(rest[0], *rest[2:])])
        assert lesson.network
        if rest[0] in ("loss", "delta"):
            usual = LOSSES[lesson.network.loss].delta if rest[0] == "delta" else None
            return getattr(lesson.network, rest[0]) or usual
        _, layer, key, *index = rest
        drawn = setting.kind == "word" and isinstance(lesson.network.layers[layer].weights, str)
        if key in ("weights", "biases") and not drawn:
            values = self.parameters.get(parameter(key, layer + 1, ()).id)
            if values is None:
                return False
            return as_values(np.asarray(values)[tuple(index)])
        return getattr(lesson.network.layers[layer], key)

    def settings(self, here: Here | None = None) -> list[Setting]:
        """Everything that can change, a line each; of large matrices and of much data the part that can be read."""
        return [*self._of_training(), *self._of_structure(), *self._of_parameters(), *self._of_data(here or Here())]

    def find(self, name: str, here: Here | None = None) -> Setting:
        """What a name means, as it is typed or as it is on the screen. Raises Refused."""
        here, text = here or Here(), " ".join(name.split())
        word = re.sub(r"[\s-]+", "_", text.lower()).replace("optimiser", "optimizer")
        lesson = self.unmarked
        if lesson.circuit:
            if setting_ := self._of_input(text, here) or self._of_line(text):
                return setting_
        else:
            if setting_ := self._of_network(text, word, here):
                return setting_
        if word in Training.__dataclass_fields__ and word != "memory":
            return of_training(word)
        try:
            ref = here.lookup(text)
        except NotUnderstood as error:
            raise Refused(said_in_full(str(error))) from None
        if ref is None and text in ALIASES:
            return of_training(ALIASES[text])
        if ref is None:
            if self.original.circuit and (each := _each_time(text, self.original.circuit)):
                times = ", ".join(each[:2])
                raise Refused(say("{name} is given for each time: change {times} ...", name=quote(text), times=times))
            known = [setting.name for setting in self.settings(here)]
            if near := nearest(text[:64], known):
                raise Refused(say("There is no {name} to change: did you mean '{near}'?", name=quote(text), near=near))
            raise Refused(say("There is no {name} to change.", name=quote(text)))
        return self._of_symbol(ref, here, text)

    def _of_symbol(self, ref: Ref, here: Here, text: str) -> Setting:
        """The setting that a symbol of the trace is. Raises Refused for what follows from others."""
        symbol = ref.symbol
        index = "[" + ",".join(str(i + 1) for i in ref.index) + "]" if ref.index else ""
        if symbol.quantity == "hyper" and symbol.name != "t":
            return of_training(symbol.name)
        if symbol.quantity in ("weights", "biases", "input", "target"):
            at = here.example if ref.example is None else ref.example
            found = self._of_network(symbol.id + index, "", replace(here, example=at))
            assert found
            return found
        if symbol.quantity == "circuit_input":
            return self.find(symbol.id + index, here)
        raise Refused(
            say("{name} follows from the rest: change a parameter, an input, a target or a setting.", name=text)
        )

    def _of_network(self, text: str, word: str, here: Here) -> Setting | None:
        """The setting of a network that a name means; None if none. Raises Refused where it is out of range."""
        network = self.unmarked.network
        assert network
        if word == "loss":
            return Setting("loss", ("network", "loss"), "word", tuple(LOSSES), "Network")
        if word == "delta":
            return Setting("delta", ("network", "delta"), group="Network")
        if match := re.fullmatch(r"layer_?(\d{1,6})[_:.]+(\w+)|(\w+?)_of_layer_(\d{1,6})", word):
            layer, key = int(match[1] or match[4]), match[2] or match[3]
            if not 1 <= layer <= len(network.layers):
                raise Refused(say("There is no layer {n}; there are {count}.", n=layer, count=len(network.layers)))
            if key in ("activation", "alpha", "weights", "biases", "train_weights", "train_biases"):
                return self._of_layer(layer, key)
        match = re.fullmatch(r"(\w+)(?:\[([\d, ]+)\])?", text)
        if match and (named := read_parameter(match[1])):
            id, (quantity, layer) = match[1], named
            if not 1 <= layer <= len(network.layers):
                raise Refused(say("There is no {name}; there are {n} layers.", name=id, n=len(network.layers)))
            if id not in self.parameters and match[2]:
                raise Refused(
                    say("Layer {n} has no biases. All of them at once can be given: {name} = [...]", n=layer, name=id)
                )
            shape = np.shape(self.parameters.get(id, ()))
            index = place_of(id, match[2], shape)
            if not index and shape and math.prod(shape) == 1:
                index = (0,) * len(shape)
            return of_parameter(parameter(quantity, layer, shape), index)
        match = re.fullmatch(r"(?:example (\d+) )?(.*?)(?:@(\d+))?", text)
        assert match
        example, base, at = match.groups()
        inputs = dict(zip(network.input_names or (), range(network.inputs), strict=False))
        vector = re.fullmatch(r"(x|y|target)(?:\[([\d, ]+)\])?", base)
        if not vector and base not in inputs:
            return None
        row = self._row(example, at, here)
        if not vector:
            return self._datum("x", row, (inputs[base],))
        if vector[1] == "target":
            if network.loss != "cross_entropy":
                raise Refused(say("target, the number of a class, goes with cross_entropy: write y = ..."))
            name = self._name(row, "target")
            return Setting(name, ("examples", row, "targets"), "class", group="Data")
        shape = (network.inputs,) if vector[1] == "x" else (network.layers[-1].units,)
        index = place_of(vector[1], vector[2], shape) or ((0,) if shape == (1,) else ())
        return self._datum(vector[1], row, index)

    def _row(self, example: str | None, at: str | None, here: Here) -> int:
        """The row of the data that `example 3` or, of the batch, `@3` names; else the one that is looked at."""
        rows = self.unmarked.example_count
        if example is not None:
            number = whole_number(example, rows)
            if number is None:
                raise Refused(say("There is no example {n}; there are {count}.", n=example[:12], count=f"{rows:,}"))
            return number - 1
        if at is not None:
            number = whole_number(at, len(here.rows))
            if number is None:
                raise Refused(
                    say("There is no example @{n} in this batch; it has {count}.",
                        n=at[:12], count=f"{len(here.rows):,}")
                )  # fmt: skip
            return here.rows[number - 1]
        return here.row

    def _name(self, row: int, of: str) -> str:
        return f"example {row + 1} {of}" if self.unmarked.example_count > 1 else of

    def _datum(self, letter: str, row: int, index: tuple[int, ...]) -> Setting:
        key, size = ("inputs", self.unmarked.inputs) if letter == "x" else ("targets", self.unmarked.targets)
        name = letter + "".join(f"[{i + 1}]" for i in index if size.shape[1] > 1)
        symbol = Symbol(letter, size.shape[1:], "input" if letter == "x" else "target", 0 if letter == "x" else None)
        return Setting(
            self._name(row, name), ("examples", row, key, *index), "number" if index else "numbers",
            group="Data", ref=Ref(symbol, index or None),
        )  # fmt: skip

    def _of_layer(self, layer: int, key: str) -> Setting:
        assert self.unmarked.network
        if key == "biases":
            return of_parameter(parameter("biases", layer, (0,)), ())
        path = ("network", "layers", layer - 1, key)
        kinds: dict[str, Takes] = {"activation": "word", "weights": "word", "alpha": "number"}
        kind = kinds.get(key, "flag")
        words: tuple[str, ...] = INITIALISERS if key == "weights" else ()
        if key == "activation":
            words = (*ACTIVATIONS, *(["softmax"] if layer == len(self.unmarked.network.layers) else []))
        return Setting(f"layer {layer} {key}", path, kind, words, "Network")

    def _of_training(self) -> Iterator[Setting]:
        training = self.unmarked.training
        if training is None:
            return
        used = OPTIMIZERS[training.optimizer].hyper
        several = ("batch", "order", "batch_loss") if self.unmarked.example_count > 1 else ()
        drawn = ("seed", "l2") if self.unmarked.network else ("seed",) if several else ()
        circuit = self.unmarked.circuit
        taken = {*circuit.inputs, *(line.name for line in circuit.definitions)} if circuit else set()
        for name in ("learning_rate", "optimizer", *(name for name in HYPER if name in used), *several, *drawn):
            if name not in taken:
                yield of_training(name)

    def _of_structure(self) -> Iterator[Setting]:
        network = self.unmarked.network
        if network is None:
            return
        yield Setting("loss", ("network", "loss"), "word", tuple(LOSSES), "Network")
        if LOSSES[network.loss].delta is not None:
            yield Setting("delta", ("network", "delta"), group="Network")
        for k, layer in enumerate(network.layers, start=1):
            yield self._of_layer(k, "activation")
            if takes_slope(layer.activation):
                yield self._of_layer(k, "alpha")
            if isinstance(layer.weights, str):
                yield self._of_layer(k, "weights")
            yield self._of_layer(k, "train_weights")
            if layer.biases is not None:
                yield self._of_layer(k, "train_biases")

    def _of_parameters(self) -> Iterator[Setting]:
        if self.unmarked.circuit:
            yield from self._of_circuit()
            return
        for symbol in model(self.unmarked).parameters:
            values = self.parameters[symbol.id]
            for index in indices(symbol.shape) if np.size(values) <= MANY else ((),):
                yield of_parameter(symbol, index)

    def _of_circuit(self) -> Iterator[Setting]:
        circuit = self.unmarked.circuit
        assert circuit
        for name, value in circuit.inputs.items():
            if name not in circuit.examples:
                for index in indices(np.shape(value)) if np.size(value) <= MANY else ((),):
                    yield self._input(name, index)
        yield from filter(None, (self._of_line(definition.name) for definition in circuit.definitions))

    def _of_line(self, name: str) -> Setting | None:
        """The setting that is an author's line, by the name that it defines."""
        circuit = self.unmarked.circuit
        assert circuit
        for at, definition in enumerate(circuit.definitions):
            if definition.name == name:
                symbol = Symbol(name, definition.formula.shape, "node")
                return Setting(name, ("circuit", "define", at), "formula", group="Formulas", ref=Ref(symbol))
        return None

    def _of_input(self, text: str, here: Here) -> Setting | None:
        """The setting of an author's input or of an element of it: X[1,2], of an example that sets it example 3 X."""
        circuit = self.unmarked.circuit
        assert circuit
        match = re.fullmatch(r"(?:example (\d+) )?(\w+?)(?:\[([\d, ]+)\])?(?:@(\d+))?", text)
        if not match or match[2] not in circuit.inputs:
            return None
        example, name, places, at = match.groups()
        shape = np.shape(circuit.inputs[name])
        index = place_of(name, places, shape)
        if not index and math.prod(shape) == 1:
            index = (0,) * len(shape)
        return self._input(name, index, self._row(example, at, here) if name in circuit.examples else None)

    def _input(self, name: str, index: tuple[int, ...], row: int | None = None) -> Setting:
        """An author's input, or an element of it; of an example (from 0) that sets it."""
        circuit = self.unmarked.circuit
        assert circuit
        ref = Ref(Symbol(name, np.shape(circuit.inputs[name]), "circuit_input"), index or None)
        kind: Takes = "number" if len(index) == len(ref.symbol.shape) else "numbers"
        if row is None:
            return Setting(ref.id, ("circuit", "inputs", name, *index), kind, group="Inputs", ref=ref)
        return Setting(self._name(row, ref.id), ("examples", row, name, *index), kind, group="Data", ref=ref)

    def _of_data(self, here: Here) -> Iterator[Setting]:
        lesson = self.unmarked
        if lesson.network is None:
            for row in here.rows if len(here.rows) <= MAX_ROWS else (here.row,):
                for name, values in lesson.examples.items():
                    shape = values.shape[1:]
                    for index in indices(shape) if math.prod(shape) <= MANY else ((),):
                        yield self._input(name, index, row)
            return
        for row in here.rows if len(here.rows) <= MAX_ROWS else (here.row,):
            for letter, width in (("x", lesson.inputs.shape[1]), ("y", lesson.targets.shape[1])):
                if letter == "y" and lesson.network.loss == "cross_entropy" and is_one_hot(lesson.targets[row]):
                    yield Setting(self._name(row, "target"), ("examples", row, "targets"), "class", group="Data")
                    continue
                for index in indices((width,)) if width <= MANY else ((),):
                    yield self._datum(letter, row, index)

    # ------------------------------------------------------------ what is typed

    def _read(self, text: str, setting: Setting) -> Any:
        """The value that a text says, as a lesson's file would have it. Raises Refused."""
        bare = text.strip("\"'").strip() or text
        word = re.sub(r"[\s-]+", "_", bare.lower())
        if setting.kind == "formula":
            return f"{setting.name} = {bare}"
        if setting.kind == "flag" or (setting.path[-1] == "biases" and word in ("false", "no", "none")):
            flag = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "none": False}
            if word not in flag:
                raise Refused(say("{name} is true or false.", name=setting.name))
            return flag[word]
        if text.startswith("["):
            values: Any = read_numbers(text)
            while setting.kind == "number" and isinstance(values, list) and len(values) == 1:
                values = values[0]  # the whole of a vector of one
            if setting.kind == "number" and isinstance(values, list):
                raise Refused(say("{name} is a single number.", name=setting.name))
            return values
        if word in setting.words or (setting.kind == "word" and re.fullmatch(r"[^\W\d]\w*", word)):
            return word if word in setting.words else bare
        if setting.path[-1] == "weights" and word in INITIALISERS:
            return word
        value = read_number(text)
        if setting.kind == "class":
            outputs = self.unmarked.targets.shape[1]
            if value not in range(1, outputs + 1):
                raise Refused(say("A class is a whole number from 1 to {n}.", n=f"{outputs:,}"))
            return [float(k == value - 1) for k in range(outputs)]
        return int(value) if setting.kind == "whole" and value.is_integer() else value

    def nudge(self, setting: Setting, by: int, here: Here | None = None) -> WhatIf:
        """With a setting moved a little: a number by one in its second digit, a word to the next that may be.

        Raises Refused.
        """
        refused = Refused(say("Type a value for {name}.", name=setting.name))
        for at, new in enumerate(self._neighbours(setting, by)):
            try:
                return self.apply(f"{setting.name} = {new}", here)
            except Refused as error:
                refused = refused if at else error
        raise refused

    def _neighbours(self, setting: Setting, by: int) -> list[str]:
        """What a setting may be moved to, the nearest first."""
        value = self.value(setting)
        if setting.kind == "flag":
            return [str(not value).lower()]
        if setting.kind == "word" and value in setting.words:
            at = setting.words.index(value)
            return [setting.words[(at + by * further) % len(setting.words)] for further in range(1, len(setting.words))]
        if isinstance(value, bool) or not isinstance(value, int | float):
            return []
        if setting.kind == "class":
            return [str((value - 1 + by) % self.unmarked.targets.shape[1] + 1)]
        if setting.kind == "whole":
            return [str(int(value) + by)]
        network = self.unmarked.network
        if network and network.loss == "binary_cross_entropy" and "targets" in setting.path and value in (0, 1):
            return [number_text(1 - value)]
        size = abs(value)
        unit = 10.0 ** (np.floor(np.log10(size)) - 1) if size else 0.1
        moved = value + by * unit
        if size and abs(moved) < 10 * unit:  # from 0.1 on to 0.099, not to 0.09
            moved = value + by * unit / 10
        return [number_text(float(f"{moved:.12g}"))]

    # ------------------------------------------------------------ as a lesson file

    def text(self, path: str | Path) -> str:
        """The text of a lesson file with the changes, to be written to `path`; what they are stands above it."""
        lesson = self.unmarked
        if lesson.network and self.original.network:  # matrices as the author has them
            layout = self.original.network.layout
            lesson = replace(lesson, network=replace(lesson.network, layout=layout))
        comment = []
        if self.changes:
            comment = [say("From {title} ({id}), with changes:", title=lesson.title, id=lesson.id)]
            comment += [f"  {change}" for change in self.changes]
            comment += [say("Its prose was written for the lesson before them: read it through."), ""]
            mark = say("(what if)")
            title = lesson.title if lesson.title.endswith(mark) else f"{lesson.title} {mark}"
            lesson = replace(lesson, title=title, expect=())  # what was expected of the lesson before
        own = lesson_id(path)
        lesson = replace(lesson, requires=tuple(id for id in lesson.requires if id != own))
        beside = self.original.path is not None and _same_folder(Path(path), self.original.path)
        return lesson_text(self._in_files(lesson) if beside else lesson, comment, beside)

    def _in_files(self, lesson: Lesson) -> Lesson:
        """The lesson, where what has not changed is what the original keeps in files of their own."""
        before = self.original
        if not (before.network and lesson.network):
            return lesson
        layers = []
        for layer, old in zip(lesson.network.layers, before.network.layers, strict=True):
            same = {key: name for key, name in old.stored.items() if _equal(getattr(layer, key), getattr(old, key))}
            layers.append(replace(layer, stored=same))
        changed = any(state_path[0] == "examples" for state in self.states[: self.at] for state_path in state.paths)
        keys = {} if changed else dict(before.data_keys)
        drawn = before.held_out.numbers if before.held_out and isinstance(keys.get("held_out"), float) else None
        if drawn and lesson.training and before.training and lesson.training.seed != before.training.seed:
            keys["held_out"] = [row + 1 for row in drawn]  # with this seed the share would be other rows
        return replace(lesson, network=replace(lesson.network, layers=tuple(layers)), data_keys=keys)


def _same_folder(one: Path, other: Path) -> bool:
    return os.path.realpath(os.path.expanduser(one.parent)) == os.path.realpath(other.parent)


def _equal(one: Any, other: Any) -> bool:
    return isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and np.array_equal(one, other)


def _each_time(text: str, circuit: Circuit) -> list[str]:
    """The inputs that an input which was given once for all times has become, the first few of them."""
    name = text.partition("[")[0]
    return [own for own, where in circuit.places.items() if len(where) > 3 and where[2] == name][:3]


def said_of_step(before: WhatIf, after: WhatIf) -> str:
    """What an undo, a redo or an edit did, in a line."""
    if after.at < before.at:
        return "; ".join(
            say("{name} is {value} again", name=change.name, value=shown(change.before))
            for change in before.states[after.at].done
        )
    return "; ".join(map(str, after.states[after.at - 1].done))


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and one == other
