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
from tutor.text.output import FORBIDDEN, code_point, quote

_PARTS = SCHEMA["properties"]
# where each key belongs, for those written in the wrong table
_HOMES: dict[str, str] = {
    key: home
    for home, schema in (
        ("in [[questions]]", _PARTS["questions"]["items"]),
        ("in [[expect]]", _PARTS["expect"]["items"]),
        ("in [quiz]", _PARTS["quiz"]),
        ("in [[notes]]", _PARTS["notes"]["items"]),
        ("in [[examples]]", EXAMPLE),
        ("in [training]", _PARTS["training"]),
        ("in [circuit]", _PARTS["circuit"]),
        ("in [[network.layers]]", _PARTS["network"]["properties"]["layers"]["items"]),
        ("in [network]", _PARTS["network"]),
        ("at the top of the file, before the first [table]", SCHEMA),
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
            faults.add((*path, key), f"{key} is missing{_in(path)}", _hint(key, schema))


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
            wanted = " or ".join(title(branch) for branch in meant_by)
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


def _brackets(schema: dict[str, Any], value: object, path: Keys) -> str | None:
    """What to do about a value in too few brackets or too many, in quotes or in none; None where none of it helps."""
    name, items = ".".join(map(str, path)), schema.get("items", {})
    wanted, within = schema.get("type"), any(isinstance(part, int) for part in path)
    if isinstance(value, dict) and items.get("type") == "object":
        return (
            f"put brackets around it: {path[-1]} = [{{ ... }}]"
            if within
            else (f"write [[{name}]], with two brackets, before each of them")
        )
    if _tables(value) and wanted == "object":
        return f"write [{name}], with one bracket: there is one of it"
    if isinstance(value, str) and items.get("type") == "string":
        return f"put it in brackets: {path[-1]} = [{json.dumps(value[:60], ensure_ascii=False)}]"
    if isinstance(value, str) and _as_number(value) and wanted in ("number", "integer"):
        return (
            f"a number stands without quotes: {path[-1]} = {value.strip()}"
            if isinstance(path[-1], str)
            else (f"a number stands without quotes: {value.strip()}")
        )
    if isinstance(value, str) and wanted in ("number", "integer") and (real := _AS_COMMA.fullmatch(value.strip())):
        return f"a number stands without quotes, with a decimal point: {real[1]}.{real[2]}"
    if isinstance(value, str) and items.get("type") == "number" and any(map(str.isdigit, value)):
        return "numbers stand without quotes, in a list with commas: [0.5, -1]"
    if _is("number", value) and items.get("type") == "number":
        if isinstance(path[-1], int):
            return "a matrix is a list of rows, each in brackets of its own: [[1, 2], [3, 4]], of a single row [[1, 2]]"
        return f"put it in brackets: {path[-1]} = [{value}]"
    if isinstance(value, list) and wanted == "number" and within:
        if path[0] == "examples":
            return "an example is one row: inputs = [2, 1]; write [[examples]] before each of them"
        return "one pair of brackets too many: [1, 2], not [[1, 2]]"
    if _is("number", value) and wanted == "string" and isinstance(path[-1], int):
        counted = path[-2] in ("units", "inputs")
        many = f"; how many there are stands without brackets: {path[-2]} = 3" if counted else ""
        return f'a name or a text stands in quotes: "{value}"{many}'
    return None


_AS_COMMA = re.compile(r"([+-]?[0-9]{1,20}),([0-9]{1,20})")


def _as_number(text: str) -> bool:
    return len(text) < 30 and re.fullmatch(r"\s*[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*", text) is not None


def _check_object(schema: dict[str, Any], value: dict[str, Any], path: Keys, faults: Faults) -> None:
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
            faults.missing.append((path, key, properties[key]))


def _unknown_key(
    key: str, properties: dict[str, Any], value: dict[str, Any], path: Keys, faults: Faults, missing: list[str]
) -> str | None:
    """Note an unknown key; the known one that it may stand for."""
    where, message = (*path, key), f"unknown key {quote(key)}{_in(path)}"
    near = meant(key, [name for name in properties if name not in value or _contains(value[name])])
    # `unit` in a layer without `units` is a slip of the pen, although a lesson has a unit, too.
    elsewhere = key in _HOMES and not (_HOMES[key] == "in [circuit]" and near and "circuit" not in value)
    if elsewhere and near not in missing and not all_but(key, near):
        home = _HOMES[key]
        if not path and "circuit" in value and key in _PARTS["circuit"]["properties"]:
            home = "in [circuit]" + (f": write [circuit.{key}]" if isinstance(value[key], dict) else "")
        faults.add(where, message, f"{key} belongs {home}", key=True)
        faults.misplaced.add(key)
        if key == "layers":  # of a network that lacks some nothing is to be concluded
            faults.doubt(("network", "layers"))
        return None
    near = near or meant(key, properties)
    if not near:
        said = next((said for words, said in ELSEWHERE if key.casefold() in words), "")
        known = f"known here: {', '.join(properties)}"
        faults.add(where, message, f"{said}; {known}" if said else known, key=True)
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


def _hint(key: str, schema: dict[str, Any]) -> str:
    """What a missing key should hold."""
    if "const" in schema:
        return f"write {key} = {_literal(schema['const'])}"
    wanted = " or ".join(title(branch) for branch in schema.get("anyOf", [schema]))
    return f"{key}: {wanted}. {schema.get('description', '')}"


def _check_array(schema: dict[str, Any], value: list[Any], path: Keys, faults: Faults) -> None:
    if schema.get("title") == ARRAY_TITLE:
        _check_numbers(value, path, path, faults, bool(schema.get("minItems")))
        return
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
        if not (items is VECTOR and isinstance(part, list) and all_finite(part)):
            _check(items, part, (*path, i), faults)
    if schema.get("uniqueItems"):
        seen = set()
        for i, part in enumerate(value):
            if isinstance(part, str):
                if part in seen:
                    faults.add((*path, i), f"{quote(part)} is listed twice in {label(path)}", "each is listed once")
                seen.add(part)


def _check_numbers(value: list[Any], path: Keys, whole: Keys, faults: Faults, some: bool) -> None:
    """The numbers of an array: lists in lists, the innermost all at once; `some`: none of the lists is empty.

    Whether the lists are equally long is for others to say.
    """
    depth = len(path) - len(whole) + 1
    if all_finite(value):
        if some and not value:
            faults.add(path, f"{label(path)} is empty", "an array has at least one number in each list")
    elif depth == MAX_RANK and any(isinstance(part, list) for part in value):
        at = next(i for i, part in enumerate(value) if isinstance(part, list))
        message = f"{label(whole)} has lists {MAX_RANK + 1} deep: rank {MAX_RANK} is the most"
        faults.add((*path, at), message, "such as examples × channels × height × width", doubt=whole)
    else:
        for at, part in enumerate(value):
            if isinstance(part, list):
                _check_numbers(part, (*path, at), whole, faults, some)
                if some and not part:
                    break  # one mistake, told once
            else:
                _check(_ELEMENT, part, (*path, at), faults)


_ELEMENT = {"type": "number", "description": "an array has finite numbers alone"}


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
        too_large = " (written with too many digits or too large an exponent, a number is infinity)"
        advice = "a lesson's numbers are finite" + (too_large if math.isinf(value) else "")
        faults.add(path, f"{label(path)} is {shown}: it must be a finite number", advice)
        return
    if isinstance(value, int) and abs(value) >= 2**63 and (schema["type"] == "integer" or not all_finite([value])):
        limit = "2**63 - 1" if schema["type"] == "integer" else "about 1.8e308"
        faults.add(path, f"{label(path)} is too large", f"its size is {limit} at most")
        return
    bounds: dict[str, tuple[str, Callable[[float], bool]]] = {
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


def _check_string(schema: dict[str, Any], value: str, path: Keys, faults: Faults) -> None:
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
        faults.add(path, f"{label(path)} is empty", f"write something between the quotes. {schema['description']}")


def _unknown(path: Keys, value: str, known: list[str], otherwise: str) -> tuple[str, str]:
    """Message and advice for a word that is not one of those known."""
    message = f"unknown {label(path)} {quote(value)}"
    if path[:2] == ("network", "layers"):
        message = f"unknown {path[-1]} {quote(value)}"
    found = meant(value, known)
    near = f": did you mean '{found}'?" if found else ""
    advice = f"{path[-1]} is one of: {', '.join(known)}" if len(known) > 1 else f'{path[-1]} is "{known[0]}"'
    return message + near, advice + (f"; or {otherwise}" if otherwise else "")


def _check_boolean(schema: dict[str, Any], value: bool, path: Keys, faults: Faults) -> None:
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


def _is(kind: str, value: object) -> bool:
    return isinstance(value, _PYTHON[kind]) and (kind == "boolean") == isinstance(value, bool)


def title(schema: dict[str, Any]) -> str:
    """What a message calls the values that a schema describes: 'a whole number', 'a list of names'."""
    if "enum" in schema:
        words = [f'"{word}"' for word in schema["enum"]]
        return words[0] if len(words) == 1 else f"one of {', '.join(words)}"
    if "const" in schema:
        return _literal(schema["const"])
    if schema["type"] == "array" and "title" not in schema:
        return {"object": "a list of tables", "string": "a list of texts"}[schema["items"]["type"]]
    return schema.get("title") or _TITLES[schema["type"]]


def _literal(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def kind(value: object) -> str:
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
