"""The small interpreter that holds a file against `schema.SCHEMA`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tutor.engine.array_functions import MAX_RANK
from tutor.lessonfiles.faults import Faults, label
from tutor.lessonfiles.positions import Keys
from tutor.lessonfiles.schema import ARRAY_TITLE, EXAMPLE, SCHEMA, VECTOR, of_lesson
from tutor.lessonfiles.synonyms import ELSEWHERE, all_but, meant
from tutor.text.language import N_, say
from tutor.text.output import FORBIDDEN, code_point, quote
from tutor.text.words import either, listed

_PARTS = SCHEMA["properties"]
# the table where each key belongs ("": the top of the file), for those written in the wrong one
_HOMES: dict[str, str] = {
    key: home
    for home, schema in (
        ("[[questions]]", _PARTS["questions"]["items"]),
        ("[[expect]]", _PARTS["expect"]["items"]),
        ("[quiz]", _PARTS["quiz"]),
        ("[[notes]]", _PARTS["notes"]["items"]),
        ("[[examples]]", EXAMPLE),
        ("[training]", _PARTS["training"]),
        ("[circuit]", _PARTS["circuit"]),
        ("[[network.layers]]", _PARTS["network"]["properties"]["layers"]["items"]),
        ("[network]", _PARTS["network"]),
        ("", SCHEMA),
    )
    for key in schema["properties"]
}


def check(value: dict[str, Any], faults: Faults) -> None:
    """Hold a parsed TOML document against `SCHEMA` and note every fault. Raises TooMany."""
    _check(of_lesson(value), value, (), faults)
    for path, key, schema in faults.missing:
        if key in faults.misplaced:
            faults.doubt((*path, key))
        else:
            faults.add((*path, key), _missing(key, path), _hint(key, schema))


def _check(schema: dict[str, Any], value: object, path: Keys, faults: Faults) -> None:
    if "anyOf" in schema:
        fitting = [branch for branch in schema["anyOf"] if _is(branch["type"], value)]
        if len(fitting) > 1:  # a word, and the name of an array in a file: "model.npz:W1"
            fitting.sort(key=lambda branch: "pattern" not in branch or not re.search(branch["pattern"], str(value)))
        if not fitting:
            quoted = isinstance(value, str) and _as_number(value)  # then no list was meant
            meant_by = [
                branch
                for branch in schema["anyOf"]
                if not (quoted and title(branch) == ARRAY_TITLE and "minItems" in branch)
            ]
            advice = next(filter(None, (_brackets(branch, value, path) for branch in schema["anyOf"])), None)
            faults.add(path, _must_be(path, either(map(title, meant_by)), kind(value)), advice or _about(schema))
            return
        others = either(title(branch) for branch in schema["anyOf"] if branch is not fitting[0])
        schema = {"description": schema.get("description", ""), **fitting[0], "else": others}
    if not _is(schema["type"], value):
        advice = _brackets(schema, value, path) or _about(schema)
        faults.add(path, _must_be(path, title(schema), kind(value)), advice)
    else:
        _CHECKS[schema["type"]](schema, value, path, faults)


def _must_be(path: Keys, wanted: str, found: str) -> str:
    return say("{place} must be {wanted}, not {found}", place=label(path), wanted=wanted, found=found)


def _about(schema: dict[str, Any]) -> str:
    """What a schema says of its value; "" where it says nothing."""
    return say(schema.get("description", ""))


def _brackets(schema: dict[str, Any], value: object, path: Keys) -> str | None:
    """What to do about a value in too few brackets or too many, in quotes or in none; None where none of it helps."""
    name, items = ".".join(map(str, path)), schema.get("items", {})
    wanted, within = schema.get("type"), any(isinstance(part, int) for part in path)
    if isinstance(value, dict) and items.get("type") == "object":
        if within:
            return say("put brackets around it: {code}", code=f"{path[-1]} = [{{ ... }}]")
        return say("write [[{table}]], with two brackets, before each of them", table=name)
    if _tables(value) and wanted == "object":
        return say("write [{table}], with one bracket: there is one of it", table=name)
    if isinstance(value, str) and items.get("type") == "string":
        code = f"{path[-1]} = [{json.dumps(value[:60], ensure_ascii=False)}]"
        return say("put it in brackets: {code}", code=code)
    if isinstance(value, str) and _as_number(value) and wanted in ("number", "integer"):
        code = f"{path[-1]} = {value.strip()}" if isinstance(path[-1], str) else value.strip()
        return say("a number stands without quotes: {code}", code=code)
    if isinstance(value, str) and wanted in ("number", "integer") and (real := _AS_COMMA.fullmatch(value.strip())):
        return say("a number stands without quotes, with a decimal point: {code}", code=f"{real[1]}.{real[2]}")
    if isinstance(value, str) and items.get("type") == "number" and any(map(str.isdigit, value)):
        return say("numbers stand without quotes, in a list with commas: [0.5, -1]")
    if _is("number", value) and items.get("type") == "number":
        if isinstance(path[-1], int):
            return say(
                "a matrix is a list of rows, each in brackets of its own: [[1, 2], [3, 4]], of a single row [[1, 2]]"
            )
        return say("put it in brackets: {code}", code=f"{path[-1]} = [{value}]")
    if isinstance(value, list) and wanted == "number" and within:
        if path[0] == "examples":
            return say("an example is one row: inputs = [2, 1]; write [[examples]] before each of them")
        return say("one pair of brackets too many: [1, 2], not [[1, 2]]")
    if _is("number", value) and wanted == "string" and isinstance(path[-1], int):
        advice = say('a name or a text stands in quotes: "{text}"', text=value)
        if path[-2] in ("units", "inputs"):
            advice += "; " + say("how many there are stands without brackets: {code}", code=f"{path[-2]} = 3")
        return advice
    return None


_AS_COMMA = re.compile(r"([+-]?[0-9]{1,20}),([0-9]{1,20})")


def _as_number(text: str) -> bool:
    return len(text) < 30 and re.fullmatch(r"\s*[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*", text) is not None


def _check_object(schema: dict[str, Any], value: dict[str, Any], path: Keys, faults: Faults) -> None:
    properties, others = schema.get("properties", {}), schema["additionalProperties"]
    missing = [key for key in schema.get("required", ()) if key not in value]
    if len(value) > schema.get("maxProperties", len(value)):
        most = f"{schema['maxProperties']:,}"
        message = say("{place} has {n} keys: it may have {most}", place=label(path), n=f"{len(value):,}", most=most)
        faults.add(path, message, say("leave some out"))
        return
    if len(value) < schema.get("minProperties", 0):
        faults.add(path, _is_empty(path), _about(schema))
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
            faults.missing.append((path, key, properties[key]))


def _unknown_key(
    key: str, properties: dict[str, Any], value: dict[str, Any], path: Keys, faults: Faults, missing: list[str]
) -> str | None:
    """Note an unknown key; the known one that it may stand for."""
    where, message = (*path, key), say("unknown key {key}", key=quote(key))
    if path:
        message = say("unknown key {key} in {place}", key=quote(key), place=label(path))
    near = meant(key, [name for name in properties if name not in value or _contains(value[name])])
    # `unit` in a layer without `units` is a slip of the pen, although a lesson has a unit, too.
    elsewhere = key in _HOMES and not (_HOMES[key] == "[circuit]" and near and "circuit" not in value)
    if elsewhere and near not in missing and not all_but(key, near):
        its_circuits = not path and "circuit" in value and key in _PARTS["circuit"]["properties"]
        home = "[circuit]" if its_circuits else _HOMES[key]
        advice = say("{key} belongs in {table}", key=key, table=home)
        if its_circuits and isinstance(value[key], dict):
            advice = say("{key} belongs in [circuit]: write [circuit.{key}]", key=key)
        elif not home:
            advice = say("{key} belongs at the top of the file, before the first [table]", key=key)
        faults.add(where, message, advice, key=True)
        faults.misplaced.add(key)
        if key == "layers":  # of a network that lacks some nothing is to be concluded
            faults.doubt(("network", "layers"))
        return None
    near = near or meant(key, properties)
    if not near:
        said = next((said for words, said in ELSEWHERE if key.casefold() in words), "")
        known = say("known here: {keys}", keys=", ".join(properties))
        faults.add(where, message, f"{say(said)}; {known}" if said else known, key=True)
        return None
    name = ".".join(map(str, (*path, near)))
    several = near in value and _tables(value[near]) and not any(isinstance(part, int) for part in path)
    advice = say("write [[{table}]] before each of them", table=name) if several else ""
    faults.add(where, message + say(": did you mean '{near}'?", near=near), advice, key=True)
    if near not in value or _contains(value[near]):
        faults.doubt((*path, near))  # what was meant for that key is not there, or not all of it
    return near


def _contains(value: object) -> bool:
    return isinstance(value, dict) or _tables(value)


def _tables(value: object) -> bool:
    """Whether a value is a list of tables, to which another key's may have been meant to belong."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _missing(key: str, path: Keys) -> str:
    if not path:
        return say("{key} is missing", key=key)
    return say("{key} is missing in {place}", key=key, place=label(path))


def _is_empty(path: Keys) -> str:
    return say("{place} is empty", place=label(path))


def _hint(key: str, schema: dict[str, Any]) -> str:
    """What a missing key should hold."""
    if "const" in schema:
        return say("write {code}", code=f"{key} = {_literal(schema['const'])}")
    wanted = either(title(branch) for branch in schema.get("anyOf", [schema]))
    return f"{key}: {wanted}. {_about(schema)}"


def _check_array(schema: dict[str, Any], value: list[Any], path: Keys, faults: Faults) -> None:
    if schema.get("title") == ARRAY_TITLE:
        _check_numbers(value, path, path, faults, bool(schema.get("minItems")))
        return
    least = schema.get("minItems", 0)
    if len(value) < least:
        message = _is_empty(path)
        if value:
            message = say("{place} needs at least {n} items", place=label(path), n=least)
        elif least == 1:
            message = say("{place} is empty: it needs at least one item", place=label(path))
        faults.add(path, message, _about(schema))
        return
    most = schema.get("maxItems")
    if most is not None and len(value) > most:
        many = f"{len(value):,}"
        message = say("{place} has {n} items: it may have {most}", place=label(path), n=many, most=f"{most:,}")
        advice = say("nobody reads so many: make it several lessons, or leave some out")
        if path == ("examples",):
            advice = say('put them in a table beside the lesson: examples = "data.csv"')
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
        if not (items is VECTOR and isinstance(part, list) and all_finite(part)):
            _check(items, part, (*path, i), faults)
    if schema.get("uniqueItems"):
        seen = set()
        for i, part in enumerate(value):
            if isinstance(part, str):
                if part in seen:
                    message = say("{name} is listed twice in {place}", name=quote(part), place=label(path))
                    faults.add((*path, i), message, say("each is listed once"))
                seen.add(part)


def _check_numbers(value: list[Any], path: Keys, whole: Keys, faults: Faults, some: bool) -> None:
    """The numbers of an array: lists in lists, the innermost all at once; `some`: none of the lists is empty.

    Whether the lists are equally long is for others to say.
    """
    depth = len(path) - len(whole) + 1
    if all_finite(value):
        if some and not value:
            faults.add(path, _is_empty(path), say("an array has at least one number in each list"))
    elif depth == MAX_RANK and any(isinstance(part, list) for part in value):
        at = next(i for i, part in enumerate(value) if isinstance(part, list))
        place, deep = label(whole), MAX_RANK + 1
        message = say("{place} has lists {n} deep: rank {most} is the most", place=place, n=deep, most=MAX_RANK)
        faults.add((*path, at), message, say("such as examples × channels × height × width"), doubt=whole)
    else:
        for at, part in enumerate(value):
            if isinstance(part, list):
                _check_numbers(part, (*path, at), whole, faults, some)
                if some and not part:
                    break  # one mistake, told once
            else:
                _check(_ELEMENT, part, (*path, at), faults)


_ELEMENT = {"type": "number", "description": N_("an array has finite numbers alone")}


def all_finite(values: list[Any]) -> bool:
    """Whether these are all finite numbers that a float64 holds; no loop in Python over the elements."""
    if not set(map(type, values)) <= {int, float}:  # a bool is no number here
        return False
    try:
        return bool(np.isfinite(np.array(values, dtype=float)).all())
    except OverflowError:
        return False


def _check_number(schema: dict[str, Any], value: int | float, path: Keys, faults: Faults) -> None:
    shown = kind(value)
    if isinstance(value, float) and not math.isfinite(value):
        if value == -math.inf and path[0] == "expect" and path[2] == "value":
            return  # what a mask blocks is −∞
        advice = say("a lesson's numbers are finite")
        if math.isinf(value):
            advice += " " + say("(written with too many digits or too large an exponent, a number is infinity)")
        message = say("{place} is {found}: it must be a finite number", place=label(path), found=shown)
        faults.add(path, message, advice)
        return
    if isinstance(value, int) and abs(value) >= 2**63 and (schema["type"] == "integer" or not all_finite([value])):
        integer = schema["type"] == "integer"
        advice = say("its size is 2**63 - 1 at most") if integer else say("its size is about 1.8e308 at most")
        faults.add(path, say("{place} is too large", place=label(path)), advice)
        return
    bounds: dict[str, tuple[str, Callable[[float], bool]]] = {
        "minimum": (N_("at least {bound}"), lambda bound: value >= bound),
        "exclusiveMinimum": (N_("greater than {bound}"), lambda bound: value > bound),
        "maximum": (N_("at most {bound}"), lambda bound: value <= bound),
        "exclusiveMaximum": (N_("less than {bound}"), lambda bound: value < bound),
    }
    if not all(holds(schema[name]) for name, (_, holds) in bounds.items() if name in schema):
        wanted = [say(words, bound=f"{schema[name]:,}") for name, (words, _) in bounds.items() if name in schema]
        faults.add(path, _must_be(path, listed(wanted), repr(value)), _about(schema))
    elif "const" in schema and value != schema["const"]:
        known = schema["const"]
        words = {"key": label(path), "value": value, "known": known}
        faults.add(path, say("unknown {key} {value}: this tutor reads format {known}", **words))


def _check_string(schema: dict[str, Any], value: str, path: Keys, faults: Faults) -> None:
    hidden = FORBIDDEN.search(value)
    if hidden:
        advice = say("text may hold newlines and tabs, but no other control, direction or zero-width characters")
        message = say("{place} contains the character {char}", place=label(path), char=code_point(hidden[0]))
        faults.add(path, message, advice, offset=hidden.start())
    elif "enum" in schema and value not in schema["enum"]:
        faults.add(path, *_unknown(path, value, schema["enum"], schema.get("else", "")))
    elif len(value) > schema.get("maxLength", len(value)):
        many, most = f"{len(value):,}", f"{schema['maxLength']:,}"
        message = say("{place} has {n} characters: it may have {most}", place=label(path), n=many, most=most)
        faults.add(path, message, say("nobody reads so much at once: make it several, or leave something out"))
    elif len(value.strip()) < schema.get("minLength", 0):
        faults.add(path, _is_empty(path), f"{say('write something between the quotes.')} {_about(schema)}")


def _unknown(path: Keys, value: str, known: list[str], otherwise: str) -> tuple[str, str]:
    """Message and advice for a word that is not one of those known."""
    key = str(path[-1]) if path[:2] == ("network", "layers") else label(path)
    message = say("unknown {key} {value}", key=key, value=quote(value))
    if found := meant(value, known):
        message += say(": did you mean '{near}'?", near=found)
    last = next(part for part in reversed(path) if isinstance(part, str))
    if len(known) == 1:
        advice = say("{key} is {words}", key=last, words=f'"{known[0]}"')
    else:
        advice = say("{key} is one of: {words}", key=last, words=", ".join(known))
    return message, say("{advice}; or {wanted}", advice=advice, wanted=otherwise) if otherwise else advice


def _check_boolean(schema: dict[str, Any], value: bool, path: Keys, faults: Faults) -> None:
    if "const" in schema and value != schema["const"]:
        wanted = either((schema["else"], _literal(schema["const"])))
        faults.add(path, _must_be(path, wanted, _literal(value)), _about(schema))


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
    "object": N_("a table"),
    "array": N_("a list"),
    "string": N_("text in quotes"),
    "boolean": N_("true or false"),
    "integer": N_("a whole number"),
    "number": N_("a number"),
}


def _is(kind: str, value: object) -> bool:
    return isinstance(value, _PYTHON[kind]) and (kind == "boolean") == isinstance(value, bool)


def title(schema: dict[str, Any]) -> str:
    """What a message calls the values that a schema describes: 'a whole number', 'a list of names'."""
    if "enum" in schema:
        words = [f'"{word}"' for word in schema["enum"]]
        return words[0] if len(words) == 1 else say("one of {words}", words=", ".join(words))
    if "const" in schema:
        return _literal(schema["const"])
    if schema["type"] == "array" and "title" not in schema:
        return say("a list of tables") if schema["items"]["type"] == "object" else say("a list of texts")
    return say(schema.get("title") or _TITLES[schema["type"]])


def _literal(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def kind(value: object) -> str:
    """What a message calls a value that was found: 'true', '2.5', the text 'abc', 'a list'."""
    if isinstance(value, bool):
        return _literal(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else say("a very large number")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return say("the text {text}", text=quote(value))
    return say("a list" if isinstance(value, list) else "a table" if isinstance(value, dict) else "a date or time")
