"""The [circuit] of a lesson file: its inputs, and its lines as formulas."""

from __future__ import annotations

import re
from typing import Any

from tutor.engine.expressions import Expr, Ref, Symbol
from tutor.engine.lesson import Circuit, Definition
from tutor.engine.parsing import CONSTANTS, FUNCTIONS, FormulaError, did_you_mean, parse
from tutor.lessonfiles.positions import Keys
from tutor.lessonfiles.reading.values import Values, listed
from tutor.text.output import quote

_MODULE = re.compile(r"\b(?:np|numpy|math|torch|tf|jnp|F|Math)\.(\w+)")
_IDENTIFIER = re.compile(r"[^\W0-9]\w*")  # what a formula reads as a name


def read_circuit(file: Values) -> Circuit | None:
    """The circuit, if every part of it is sound."""
    if file.has("examples") and not file.has("network"):
        message = "a circuit has no examples: its inputs are its data"
        file.fault(("examples",), message, "take them out, or write a [network]", key=True)
    inputs = file.value("circuit", "inputs", anyhow=True)
    known = list(inputs) if isinstance(inputs, dict) else None  # None: not to be told
    for name in known or ():
        _identifier(file, ("circuit", "inputs", name), name, key=True)
    definitions = _definitions(file, known)
    output = file.value("circuit", "output")
    defined = list(dict.fromkeys(name for name, _ in _lines(file) if name))
    if output is not None and defined and output not in defined:
        if output in (known or ()):
            message = f"the output {quote(output)} is an input"
        else:
            message = f"the output {quote(output)} is not defined{did_you_mean(output[:64], defined)}"
        file.fault(("circuit", "output"), message, f"defined are: {listed(defined)}")
    if not file.faults.sound("circuit") or not definitions:
        return None
    return Circuit({name: float(value) for name, value in inputs.items()}, tuple(definitions), output)


def _lines(file: Values) -> list[tuple[str, str]]:
    """Name and formula of each line of `define`; two empty texts for a line that is no definition."""
    found = []
    for k in range(file.length("circuit", "define")):
        line = file.value("circuit", "define", k, anyhow=True)
        name, equals, formula = line.partition("=") if isinstance(line, str) else ("", "", "")
        found.append((name.strip(), formula) if equals else ("", ""))
    return found


def _definitions(file: Values, known: list[str] | None) -> list[Definition]:
    """The lines of `define`, parsed; what is wrong in them is noted at its column."""
    lines, inputs = _lines(file), dict.fromkeys(known or ())
    names = [name for name, _ in lines]
    done: dict[str, int] = {}  # the line of each name that is defined so far
    found = []
    for k, (name, formula) in enumerate(lines):
        where, line = ("circuit", "define", k), file.value("circuit", "define", k)
        if line is not None and "=" not in line:
            file.fault(where, f"define[{k + 1}] is no definition", "write 'name = formula', such as q = x + y")
        elif line is not None:
            begin, at = len(line) - len(line.lstrip()), line.index("=") + 1
            if name in inputs:
                file.fault(where, f"{quote(name)} is an input", "a name is defined once", offset=begin)
            elif name in done:
                message = f"{quote(name)} is defined already, by define[{done[name] + 1}]"
                file.fault(where, message, "a name is defined once", offset=begin)
            else:
                _identifier(file, where, name, offset=begin)

            def resolve(word: str, offset: int, where: Keys = where, name: str = name, at: int = at) -> Expr:
                if word in CONSTANTS and word not in {*inputs, *names}:
                    return CONSTANTS[word]
                if word not in done and word not in inputs and known is not None:
                    _unknown_name(file, where, word, name, [*inputs, *done], names, at + offset)
                return Ref(Symbol(word))

            try:
                found.append(Definition(name, parse(formula, resolve), " ".join(line.split())))
            except FormulaError as error:
                advice = "a formula has numbers, names, + - * / ** ( ) and " + listed(FUNCTIONS)
                if module := _MODULE.search(formula):  # the first dot is where a parser stops
                    advice = f"write {module[1]} without what stands before it; {advice}"
                file.fault(where, error.message, advice, offset=at + error.offset)
        if name:
            done.setdefault(name, k)
    return found


def _unknown_name(
    file: Values, where: Keys, word: str, name: str, known: list[str], defined: list[str], offset: int
) -> None:
    if word == name:
        message = f"{quote(word)} is defined by itself"
    elif word in defined:
        message = f"{quote(word)} is used before it is defined"
    else:
        message = f"unknown name {quote(word)}{did_you_mean(word[:64], known)}"
    file.fault(where, message, f"known here: {listed(known)}", offset=offset)


def _identifier(file: Values, where: Keys, name: str, **at: Any) -> None:
    """Note a name that no formula can use."""
    if name in FUNCTIONS:
        file.fault(where, f"{quote(name)} is a function and cannot be a name", "choose another name", **at)
    elif not (name.isidentifier() and _IDENTIFIER.fullmatch(name) and len(name) <= 32):
        advice = "a name has up to 32 letters, digits and underscores, and begins with no digit"
        file.fault(where, f"{quote(name)} cannot be a name in a circuit", advice, **at)
