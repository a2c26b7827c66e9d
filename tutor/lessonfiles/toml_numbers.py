"""The values of a TOML text whose arrays of numbers may be long: those are read by json, thirty times as fast.

Numbers are written alike in both, but for what only TOML has (+1, 1_000, 0xff, inf, a comment between): an array with
one of these, and any text in which something is not as it seemed, is tomllib's alone, as all of it was.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from typing import Any

LONG = 400  # characters of an array from which on it is worth its while

# From `=` to the last bracket before anything that neither numbers nor arrays of them are written with.
_ARRAY = re.compile(rf"(?<==)[ \t]*+(\[[-+0-9eE., \t\n\[\]]{{{LONG},}}\])")
_LAST_COMMA = re.compile(r"([0-9\]][ \t\n]*),(?=[ \t\n]*\])")


def loads(text: str) -> dict[str, Any]:
    """What `tomllib.loads` makes of the text. Raises as it does: TOMLDecodeError, RecursionError, ValueError."""
    arrays: list[Any] = []
    mark = os.urandom(12).hex()  # no text can have it by design

    def stands_for(match: re.Match[str]) -> str:
        try:
            arrays.append(json.loads(_LAST_COMMA.sub(r"\1", match[1])))
        except (ValueError, RecursionError):
            return match[0]
        return f'"{mark}{len(arrays) - 1}"'

    short = _ARRAY.sub(stands_for, text)
    if arrays:
        try:
            found = tomllib.loads(short)
        except (ValueError, RecursionError):
            return tomllib.loads(text)  # which says where it is in the text
        if _put_back(found, {f"{mark}{at}": array for at, array in enumerate(arrays)}) == len(arrays):
            return found
    return tomllib.loads(text)  # something stood in a comment or in a longer text


def _put_back(table: Any, arrays: dict[str, Any]) -> int:
    """Put each array where its text stands in the tables, and say how many that were."""
    count = 0
    for key, value in list(table.items() if isinstance(table, dict) else enumerate(table)):
        if isinstance(value, str) and value in arrays:
            table[key] = arrays[value]
            count += 1
        elif isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
            count += _put_back(value, arrays)
    return count
