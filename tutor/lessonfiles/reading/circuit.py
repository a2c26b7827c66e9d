"""The [circuit] of a lesson file: its lines as formulas over its inputs, and what the two must agree on."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Set
from typing import Any

from tutor.engine.array_functions import ARRAY_FUNCTIONS, shape_text
from tutor.engine.expressions import Call, Ref, Shape, Symbol, refs, walk
from tutor.engine.lesson import FREE_INPUTS, Circuit, Definition
from tutor.engine.parsing import CONSTANTS, FUNCTIONS, RESERVED, FormulaError, Tree, elsewhere, read
from tutor.lessonfiles.positions import Keys
from tutor.lessonfiles.reading.circuit_inputs import MAX_NUMBERS, Given, read_inputs, split
from tutor.lessonfiles.reading.repeat import DefineLine, unroll
from tutor.lessonfiles.reading.values import Values, listed
from tutor.lessonfiles.reading.whole_numbers import check_whole_numbers
from tutor.text.language import N_, said, say
from tutor.text.output import quote
from tutor.text.words import did_you_mean

_MODULE = re.compile(r"\b(?:np|numpy|math|torch|tf|jnp|F|Math)(?:\.(?:nn|functional|linalg|special))*\.(\w+)")
_METHOD = re.compile(r"(?:(\w+)|[)\]])\s*\.\s*(\w+)\s*\(")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_FRACTIONS = {"½": "0.5", "¼": "0.25", "¾": "0.75", "⅓": "1/3", "⅔": "2/3"}
# Signs that mean nothing in a formula, and what is written for them.
_SIGNS = {
    "|": N_("write abs(x)"),
    "√": N_("write sqrt(x)"),
    **dict.fromkeys("<>?≤≥", N_("a formula has no conditions: max(x, 0), min(a, b) and relu(x) choose")),
    "%": N_("write 0.2 for 20 %"),
    "'": N_("write another name: y2 for y'"),
}
_IDENTIFIER = re.compile(r"[^\W0-9]\w*")  # what a formula reads as a name


def read_circuit(file: Values) -> Circuit | None:
    """The circuit, if every part of it is sound."""
    given = read_inputs(file)
    whole = isinstance(file.value("circuit", "inputs", anyhow=True), dict) and file.sound("examples")
    unrolled = unroll(file)
    named = [_name_of(line.text) for line in unrolled.lines]
    split(file, given, unrolled.bases, named)
    lost = {stem for stem in unrolled.lost if stem not in given.values}
    for name in given.values:
        _identifier(file, given.places[name][:3], name, key=True)
    every = whole and all(_IDENTIFIER.fullmatch(name) and len(name) <= 32 for name in named)  # line has its name
    definitions = _definitions(file, unrolled.lines, given, every, lost)
    output = file.value("circuit", "output")
    defined = list(dict.fromkeys(name for name in named if name))
    shapes = {definition.name: definition.formula.shape for definition in definitions}
    sound = all(named) and file.faults.sound("circuit", "define")  # else its line may be one that was not understood
    if output is not None and defined and output not in defined and (sound or output in given.values):
        if output in given.values:
            message = say("the output {name} is an input", name=quote(output))
        else:
            near = did_you_mean(output[:64], defined)
            message = say("the output {name} is not defined{near}", name=quote(output), near=near)
        file.fault(("circuit", "output"), message, say("defined are: {names}", names=listed(defined)))
    elif output is not None and shapes.get(output):
        shape = said(shape_text(shapes[output]))
        message = say("the output {name} is {shape}: it must be a single number", name=quote(output), shape=shape)
        total = next(name for name in ("L", "loss", "total", f"{output}_sum") if name not in {*defined, *given.values})
        advice = say('add a line such as "{line}", and make that the output', line=f"{total} = sum({output})")
        file.fault(("circuit", "output"), message, advice)
    data = _chosen(file, "data", given, whole)
    parameters = _chosen(file, "parameters", given, whole)
    _parameters(file, given)
    if file.faults.sound("circuit") and file.faults.sound("examples"):
        check_whole_numbers(file, definitions, given, data)
        _fits_in_memory(file, definitions, given)
    if not (file.faults.sound("circuit") and file.faults.sound("examples")) or not definitions:
        return None
    inputs = {name: value for name, value in given.values.items() if value is not None}
    chosen = parameters if file.has("circuit", "parameters") else FREE_INPUTS
    return Circuit(inputs, tuple(definitions), output, chosen, data, given.examples, given.places)


def _name_of(line: str) -> str:
    """The name that a line defines; empty for a line that is no definition."""
    name, equals, _ = line.partition("=")
    return name.strip() if equals else ""


def _definitions(file: Values, lines: list[DefineLine], given: Given, whole: bool, lost: Set[str]) -> list[Definition]:
    """The lines, parsed; what is wrong in one is noted at its column.

    `whole`: all inputs and all lines have their names; `lost`: names that lines which could not be repeated would have
    made, by the time.
    """
    names = [_name_of(line.text) for line in lines]
    done: dict[str, int] = {}  # the place in `define` of each name that is defined so far
    shapes: dict[str, Shape | None] = {name: given.shape(name) for name in given.values}
    found = []
    for line, name in zip(lines, names, strict=True):
        where, text = ("circuit", "define", line.at), line.text
        if file.value(*where, anyhow=True) is None or (file.value(*where) is None and not line.later):
            continue
        told = Told(file, where, line)
        if "=" not in text:
            message = say("define[{n}] is no definition", n=line.at + 1)
            told(message, say("write 'name = formula', such as q = x + y"), offset=None)
            continue
        begin, at = len(text) - len(text.lstrip()), text.index("=") + 1
        if name in given.values:
            told(say("{name} is an input", name=quote(name)), say("a name is defined once"), begin)
        elif name in done:
            advice = say("a name is defined once")
            if line.times and done[name] == line.at:
                time = next(iter(line.times))
                example = f"{name}{{{time}}} = ..."
                advice = say("a line that is repeated defines a name each time: {example}", example=example)
            message = say("{name} is defined already, by define[{n}]", name=quote(name), n=done[name] + 1)
            told(message, advice, begin)
        elif name not in given.values:
            _identifier(file, where, name, offset=line.offset(begin))
        words = LineNames(told, given, shapes, done, names, name, at, whole, lost)
        formula: Tree = None
        try:
            formula = read(text[at:], words)
        except FormulaError as error:
            if any(error.message.startswith(f"{one} is a function:") for one in names if one in RESERVED):
                continue  # told where it is defined
            told(said(error), said(error.advice) or _advice(text[at:], error, words), at + error.offset)
        if formula is not None:
            found.append(Definition(name, formula, " ".join(text.split()), line.at))
        if name and name not in given.values:
            done.setdefault(name, line.at)
            shapes[name] = None if formula is None else formula.shape
    return found


class Told:
    """Notes what is wrong in a line: of one that is repeated once, and at which time where that is not the first."""

    def __init__(self, file: Values, where: Keys, line: DefineLine):
        self.file, self.where, self.line = file, where, line

    def __call__(self, message: str, advice: str, offset: int | None) -> None:
        """Called while a line is read: see the class."""
        if self.line.later:
            if not self.file.sound(*self.where):
                return
            times = ", ".join(say("{name} is {time}", name=name, time=time) for name, time in self.line.times.items())
            message = say("{message} (where {times})", message=message, times=times)
        at = None if offset is None else self.line.offset(offset)
        self.file.fault(self.where, message, advice, offset=at)


class LineNames:
    """What the names of a line stand for; None for one of which nothing is known, which is noted once."""

    def __init__(
        self, told: Told, given: Given, shapes: Mapping[str, Shape | None], done: Mapping[str, int],
        names: list[str], name: str, at: int, whole: bool, lost: Set[str],
    ):  # fmt: skip
        self.told, self.given, self.shapes, self.done = told, given, shapes, done
        self.names, self.name, self.at, self.whole, self.lost = names, name, at, whole, lost
        self.used: dict[str, Shape] = {}

    def __call__(self, word: str, offset: int) -> Tree:
        """Called while a line is read: see the class."""
        if word in CONSTANTS and word not in self.given.values and word not in self.names:
            return CONSTANTS[word]
        if word not in self.done and word not in self.given.values:
            self._unknown(word, self.at + offset)
            return None
        shape = self.shapes.get(word)
        if shape is None:
            return None
        self.used[word] = shape
        return Ref(Symbol(word, shape))

    def _unknown(self, word: str, offset: int) -> None:
        known = [*self.given.values, *self.done]
        name = quote(word)
        advice = say("known here: {names}", names=listed(known))
        if word == self.name:
            message = say("{name} is defined by itself", name=name)
        elif word in self.names:
            message = say("{name} is used before it is defined", name=name)
        elif word in self.given.parts:
            rows = listed(self.given.parts[word])
            message = say("{name} is written with a time elsewhere: its rows are {rows}", name=name, rows=rows)
            both = f"concat({word}1, {word}2)"
            advice = say("give the whole by another name too, or put it together: {formula}", formula=both)
        elif raised := re.fullmatch(r"(.+?)([⁰¹²³⁴-⁹]+)", word):
            message, power = say("unknown name {name}", name=name), raised[2].translate(_RAISED)
            advice = say("write {formula}", formula=f"{raised[1]} ** {power}") if raised[1] in known else advice
        elif word in _FRACTIONS:
            message = say("{name} is no number of a formula", name=name)
            advice = say("write {formula}", formula=_FRACTIONS[word])
        elif not self.whole or re.sub("[0-9]+$", "", word) in self.lost:
            return  # it may be among the inputs, or the lines, that could not be read
        elif word in ARRAY_FUNCTIONS or word in FUNCTIONS:
            message = say("{name} is a function: write {name}(...)", name=word)
        else:
            message = say("unknown name {name}{near}", name=name, near=did_you_mean(word[:64], known))
            if self.told.line.times and re.search("[0-9]$", word):
                advice = say(
                    "where the times begin or end it has to be given: {name} = ... under [circuit.inputs]; {advice}",
                    name=word,
                    advice=advice,
                )
        self.told(message, advice, offset)


def _advice(formula: str, error: FormulaError, words: LineNames) -> str:
    """What to do about a formula: the shapes of what is in it where these do not fit, else what a formula has."""
    if advice := _SIGNS.get(formula[error.offset : error.offset + 1]):
        return say(advice)
    if re.match(r"=|[,;]\s*[^\W0-9]\w*\s*=", formula[error.offset :]):
        return say('a line is one equation, in quotes of its own: define = ["p = x * y", "f = p + x"]')
    if any(words.used.values()):
        return "; ".join(
            say("{name} is {shape}", name=name, shape=said(shape_text(shape))) for name, shape in words.used.items()
        )
    functions = list(dict.fromkeys([*FUNCTIONS, *ARRAY_FUNCTIONS]))
    advice = say("a formula has numbers, names, + - * / ** @ .T ( ) and {names}", names=", ".join(functions))
    if module := _MODULE.search(formula):  # the first dot is where a parser stops
        length = "linalg" in module[0] and module[1] == "norm"  # ours is the layer's
        if module[1] in functions and not length:
            return say("write {name} without what stands before it; {advice}", name=module[1], advice=advice)
        meant = said(elsewhere("l2_norm" if length else module[1]))
        return say("write {formula}; {advice}", formula=meant, advice=advice) if meant else advice
    if method := _METHOD.search(formula):
        x = method[1] or "x"
        called = {name: f"{name}({x})" for name in functions} | {"dot": f"{x} @ ...", "matmul": f"{x} @ ..."}
        called |= {"view": f"reshape({x}, ...)", **dict.fromkeys(("transpose", "t", "T"), f"{x}.T")}
        if meant := called.get(method[2]) or said(elsewhere(method[2])):
            return say("write {formula}; {advice}", formula=meant, advice=advice)
    if formula[error.offset : error.offset + 1] == "[":
        if re.search(r"[\w)\]]\s*$", formula[: error.offset]):
            return say("a row is row(x, 2), counted from 1, a column row(x.T, 2); {advice}", advice=advice)
        return say("a list of numbers is an input, axes and sizes stand in ( ); {advice}", advice=advice)
    return advice


def _chosen(file: Values, key: str, given: Given, whole: bool) -> tuple[str, ...]:
    """The inputs that `parameters` or `data` name; what is none is noted where all are known."""
    found: list[str] = []
    for i in range(file.length("circuit", key)):
        name, where = file.value("circuit", key, i), ("circuit", key, i)
        if name is None:
            continue
        if name not in given.values and name not in given.parts:
            if not whole:
                continue
            near = did_you_mean(name[:64], [*given.values, *given.parts])
            message = say("{name} of {key} is no input{near}", name=quote(name), key=key, near=near)
            file.fault(where, message, say("inputs are: {names}", names=listed(given.values)))
        else:
            found += given.named(name)
    return tuple(dict.fromkeys(found))


def _parameters(file: Values, given: Given) -> None:
    """Note the parameters that nothing can update: those that are data or set by examples."""
    listed_as_data = {file.value("circuit", "data", i) for i in range(file.length("circuit", "data"))}
    for i in range(file.length("circuit", "parameters")):
        name, where = file.value("circuit", "parameters", i), ("circuit", "parameters", i)
        if name is None:
            continue
        if name in listed_as_data:
            message = say("{name} is in parameters and in data", name=quote(name))
            advice = say("data has no gradient, so an update cannot change it: take it out of one of the two")
            file.fault(where, message, advice)
        elif any(part in given.examples for part in given.named(name)):
            message = say("{name} is set by the examples: no update can change it", name=quote(name))
            file.fault(where, message, say("take it out of parameters, or out of the examples"))


def _identifier(file: Values, where: Keys, name: str, **at: Any) -> None:
    """Note a name that no formula can use."""
    if name in RESERVED:
        message = say("{name} is a function and cannot be a name", name=quote(name))
        file.fault(where, message, say("choose another name"), **at)
    elif not (name.isidentifier() and _IDENTIFIER.fullmatch(name) and len(name) <= 32):
        advice = say("a name has up to 32 letters, digits and underscores, and begins with no digit")
        file.fault(where, say("{name} cannot be a name in a circuit", name=quote(name)), advice, **at)


# ---------------------------------------------------------------- memory


def _fits_in_memory(file: Values, definitions: list[Definition], given: Given) -> None:
    """Note the line with which the values of a batch become too many; asked before any of them is made."""
    rows, batch = file.length("examples"), file.value("training", "batch", default=1)
    together = max(1, rows if batch == "all" else min(batch, rows))
    per_example, total = set(given.examples), 0
    for definition in definitions:
        many = any(ref.symbol.id in per_example for ref in refs(definition.formula))
        if many:
            per_example.add(definition.name)
        total += sum(_numbers(node) for node in walk(definition.formula)) * (together if many else 1)
        if total > MAX_NUMBERS:
            n, most = f"{total:,}", f"{MAX_NUMBERS:,}"
            message = say("up to this line the values are {n} numbers: {most} are the most", n=n, most=most)
            advice = say("smaller arrays, or fewer examples in a batch" if together > 1 else "smaller arrays")
            file.fault(("circuit", "define", definition.at), message, advice)
            return


def _numbers(node: Any) -> int:
    """How many numbers a part of a formula has, or the largest that its gradient needs."""
    if not isinstance(node, Call):
        return 0
    many = math.prod(node.shape)
    jacobian = node.op == "softmax" and len(node.shape) == 1
    return many * many if jacobian else many
