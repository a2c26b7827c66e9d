"""Files of arrays: JSON, CSV and TSV, NumPy's .npz, safetensors and PyTorch's .pt, read without running anything.

Whatever the format, a file is a list of `Handed`: a name, its numbers, and how finely they are written. Nothing in it
is executed: of a pickle only the few instructions are followed that rebuild tensors, and any other is refused.
"""

from __future__ import annotations

import csv
import io
import json
import math
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tutor.text.output import quote

MOST = 100_000_000  # bytes of a file, and of what an archive unpacks to
MOST_ARRAYS = 10_000
DOUBLE, SINGLE, HALF, BRAIN = 12, 5, 2, 2  # significant digits that computing in these leaves, with some to spare


MOST_DECIMALS = 300  # of a float
BLANK = "_"  # in a table: a number that is not there yet
HEADS = ("name", "names", "array", "step", "id", "value", "what")  # of a table's first column


class BadFile(ValueError):
    """What is wrong with a file of arrays; str() says what and what to do."""


@dataclass(frozen=True)
class Handed:
    """An array as it was handed in.

    `digits` are the significant digits of its most finely written number, `decimals` its decimals where they were
    written out (None of binary files): what a person or a print wrote is no finer than that. `halves` is half a unit in
    the last place of each number that is written with three digits or more, 0 of others. `missing` says which cells
    were left blank (they are NaN in `values`); an array that has it is judged cell by cell, each as finely as that is
    written. None: there are no blanks, and the array is judged as a whole.
    """

    name: str
    values: np.ndarray
    digits: int = DOUBLE
    decimals: int | None = None
    halves: np.ndarray | None = None
    missing: np.ndarray | None = None

    @property
    def by_hand(self) -> bool:
        """Whether its numbers are written out, and may have been rounded line by line."""
        return self.decimals is not None

    def over(self, reference: np.ndarray) -> np.ndarray:
        """The values, with those of `reference` in the blanks."""
        return self.values if self.missing is None else np.where(self.missing, reference, self.values)

    def by_cell(self) -> Handed:
        """The same judged cell by cell: what is no number is a blank."""
        return self if self.missing is not None else replace(self, missing=np.isnan(self.values))

    @classmethod
    def of(cls, name: str, values: np.ndarray) -> Handed:
        """An array of a program, as finely as its type can hold."""
        return _binary(name, values)


def read_arrays(path: str | Path, data: bytes | None = None) -> list[Handed]:
    """The arrays of a file, in its order; `data` are its bytes where it is no file ("-"). Raises BadFile, OSError."""
    name = Path(path).name
    if data is None:
        size = Path(path).stat().st_size
        if size > MOST:
            raise BadFile(f"{quote(name)} has {size:,} bytes: a file of arrays may have {MOST:,}")
        data = Path(path).read_bytes()
    if not data.strip():
        raise BadFile(f"{quote(name)} is empty")
    suffix = Path(path).suffix.lower()
    reader = READERS.get(suffix) or _sniffed(data)
    try:
        found = reader(data)
    except BadFile as error:
        raise BadFile(f"{quote(name)}: {error}") from None
    except RecursionError:
        raise BadFile(f"{quote(name)}: lists are nested too deep") from None
    if not found:
        hint = ": a line of a table is dL/dW1,0.1,0.2" if reader is _table else ""
        raise BadFile(f"{quote(name)} has no array in it{hint}")
    if len(found) > MOST_ARRAYS:
        raise BadFile(f"{quote(name)} has {len(found):,} arrays: at most {MOST_ARRAYS:,} are read")
    return found


def _sniffed(data: bytes) -> Callable[[bytes], list[Handed]]:
    """The reader of bytes without a name, by how they begin."""
    if data[:2] == b"PK":
        return _zipped
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") < len(data):
        return _safetensors
    if data[:6] == b"\x93NUMPY":
        return _one_array
    return _json if _text(data).lstrip()[:1] in ("{", "[") else _table


def _one_array(data: bytes) -> list[Handed]:
    raise BadFile("a .npy holds one array without a name: write np.savez('mine.npz', dW1=dW1)")


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            at = error.start
    raise BadFile(f"byte {at + 1} is no UTF-8: save it as UTF-8")


# ---------------------------------------------------------------- numbers as they are written


class _Written(float):
    """A number with the significant digits and decimals that it is written with."""

    __slots__ = ("decimals", "digits")
    digits: int
    decimals: int


def _written(text: str) -> _Written:
    found = _Written(text)
    mantissa, _, exponent = text.strip().lower().partition("e")
    whole, _, fraction = mantissa.lstrip("+-−").partition(".")
    found.digits = len((whole + fraction).lstrip("0"))
    found.decimals = len(fraction) - int(exponent or 0)
    return found


def _blank() -> _Written:
    """A number that was left out."""
    found = _Written("nan")
    found.digits, found.decimals = 0, -MOST_DECIMALS
    return found


def _is_blank(leaf: _Written) -> bool:
    return leaf.digits == 0 and math.isnan(leaf)


def _handed(name: str, value: Any) -> Handed:
    """A nested list of written numbers as an array. Raises BadFile where it is none."""
    leaves = list(_leaves(name, value))
    try:
        values = np.array(value, dtype=float)
    except (ValueError, TypeError):
        raise BadFile(f"{quote(name)}: its rows have different lengths") from None
    if not leaves:
        raise BadFile(f"{quote(name)} has no number in it")
    digits = max(leaf.digits for leaf in leaves)
    blank = [_is_blank(leaf) for leaf in leaves]
    missing = np.reshape(blank, values.shape) if any(blank) else None
    if digits >= 15:  # printed to the last bit
        return Handed(name, values, missing=missing)
    halves = [0.5 * 10.0**-leaf.decimals if leaf.digits >= 3 else 0.0 for leaf in leaves]
    finest = max(leaf.decimals for leaf in leaves)
    return Handed(name, values, max(digits, 1), finest, np.reshape(halves, values.shape), missing)


def _leaves(name: str, value: Any) -> Iterator[_Written]:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(name, item)
    elif isinstance(value, _Written):
        yield value
    elif value is None:  # what is not finite has no number in JSON
        yield _written("nan")
    else:
        raise BadFile(f"{quote(name)}: {quote(str(value)[:40])} is no number")


# ---------------------------------------------------------------- JSON, tables


def _json(data: bytes) -> list[Handed]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            names = [key for key, _ in items]
            twice = next(name for name in names if names.count(name) > 1)
            raise BadFile(f"{quote(twice)} is there twice: give each array a name of its own")
        return found

    try:
        whole = json.loads(
            _text(data), parse_float=_written, parse_int=_written, parse_constant=_written, object_pairs_hook=pairs
        )
    except json.JSONDecodeError as error:
        raise BadFile(f"line {error.lineno}, column {error.colno}: {error.msg}; arrays are written "
                      '{"dL/dW1": [[0.1, 0.2]], "dL/db1": [0.3]}') from None  # fmt: skip
    if not isinstance(whole, dict):
        raise BadFile('it is no object: write {"dL/dW1": [[0.1, 0.2]], "dL/db1": [0.3]}')
    return [_handed(name, value) for name, value in _flat("", whole)]


def _flat(prefix: str, whole: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Nested objects by their path: {"layer1": {"dW": …}} is layer1.dW."""
    for name, value in whole.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _flat(f"{path}.", value)
        else:
            yield path, value


def _table(data: bytes) -> list[Handed]:
    """A name, then its numbers; a line that begins with no name goes on with the rows of the one before."""
    text = io.StringIO(_text(data), newline=None).read()  # whatever ends a line
    first = text.lstrip().splitlines()[0]
    delimiter = next((sign for sign in "\t;" if sign in first), ",")
    rows: dict[str, list[list[_Written]]] = {}
    name = ""
    for number, cells in enumerate(_cells(text, delimiter), start=1):
        while cells and not cells[-1]:
            cells.pop()
        if not cells or (cells[0].startswith("#")):
            continue
        said, *rest = cells
        if said and not _is_number(said):
            if number == 1 and rest and said.casefold() in HEADS:
                continue  # the heads of columns
            if said in rows and said != name:
                raise BadFile(f"line {number}: {quote(said[:64])} is there twice: give each array a name of its own")
            name, numbers = said, rest
            rows.setdefault(name, [])
        else:
            numbers = cells if said else rest
        if not name:
            raise BadFile(f"line {number}: it begins with a number; write a name first: dL/dW1,0.1,0.2")
        found = []
        for cell in numbers:
            if cell not in ("", BLANK) and not _is_number(cell):
                raise BadFile(f"line {number}: {quote(cell[:40])} is no number")
            found.append(_blank() if cell in ("", BLANK) else _written(_plain(cell)))
        if found:
            rows[name].append(found)
    filled = {name: lists for name, lists in rows.items() if any(not _is_blank(cell) for row in lists for cell in row)}
    return [_handed(name, _shaped(lists)) for name, lists in filled.items()]


_THOUSANDS = re.compile(r"[-+−]?[1-9][0-9]{0,2}(?:,[0-9]{3})+")


def _cells(text: str, delimiter: str) -> list[list[str]]:
    """The cells of every line. Raises BadFile where a comma in a number may as well part thousands."""
    try:
        lines = [[cell.strip() for cell in line] for line in csv.reader(io.StringIO(text), delimiter=delimiter)]
    except csv.Error as error:
        raise BadFile(f"it is no table: {error}") from None
    with_comma = [cell for line in lines for cell in line if "," in cell and _is_number(cell)]
    if delimiter != ";" and with_comma and all(map(_THOUSANDS.fullmatch, with_comma)):
        cell = with_comma[0]
        raise BadFile(f"{quote(cell)} may be {cell.replace(',', '.')} or {cell.replace(',', '')}: write one of them")
    return lines


def _shaped(rows: list[list[_Written]]) -> Any:
    """One line is a list, several are rows, and one number is a number."""
    return rows if len(rows) > 1 else rows[0] if len(rows[0]) > 1 else rows[0][0]


def _plain(cell: str) -> str:
    """A cell as Python writes numbers: a comma in it (behind `;`, a tab or quotation marks) is a decimal comma."""
    return cell.replace("−", "-").replace(",", ".")


def _is_number(cell: str) -> bool:
    try:
        float(_plain(cell))
    except ValueError:
        return False
    return "_" not in cell


# ---------------------------------------------------------------- binary


def _binary(name: str, values: np.ndarray) -> Handed:
    """An array of a binary file, as finely as its type can hold."""
    if values.dtype.kind not in "fiub":
        raise BadFile(f"{quote(name)} holds no real numbers ({values.dtype})")
    digits = {2: HALF, 4: SINGLE}.get(values.dtype.itemsize, DOUBLE) if values.dtype.kind == "f" else DOUBLE
    return Handed(name, values.astype(float), digits)


def _zipped(data: bytes) -> list[Handed]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        raise BadFile("it is no archive of arrays, or it is broken") from None
    with archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > MOST:
            raise BadFile(f"it unpacks to more than {MOST:,} bytes")
        names = [entry.filename for entry in entries]
        pickled = next((name for name in names if name.endswith("data.pkl")), None)
        return _torch(archive, pickled) if pickled else _npz(archive, names)


def _npz(archive: zipfile.ZipFile, names: list[str]) -> list[Handed]:
    found = []
    for name in names:
        if not name.endswith(".npy"):
            raise BadFile(f"{quote(name)} in it is no array of NumPy's")
        try:
            values = np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)
        except (ValueError, EOFError, zipfile.BadZipFile, SyntaxError, TypeError) as error:
            why = "objects, not numbers" if "pickle" in str(error).lower() else "broken"
            raise BadFile(f"{quote(name)} in it is {why}") from None
        found.append(_binary(name.removesuffix(".npy"), values))
    return found


_SAFE_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
               "U8": "u1", "BOOL": "?", "BF16": "bf16"}  # fmt: skip


def _safetensors(data: bytes) -> list[Handed]:
    """https://github.com/huggingface/safetensors: eight bytes of length, a JSON header, the bytes of the arrays."""
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > len(data) - 8:
        raise BadFile("it is no file of safetensors, or it is broken")
    try:
        header = json.loads(data[8 : 8 + size])
        body = memoryview(data)[8 + size :]
        found = []
        for name, about in header.items():
            if name == "__metadata__":
                continue
            first, last = about["data_offsets"]
            if not 0 <= first <= last <= len(body):
                raise ValueError
            found.append(_raw(name, bytes(body[first:last]), _SAFE_TYPES[about["dtype"]], tuple(about["shape"])))
        return found
    except BadFile:
        raise
    except KeyError as error:
        raise BadFile(f"it holds a type of number that is not read: {str(error)[:40]}") from None
    except (ValueError, TypeError, AttributeError):
        raise BadFile("it is no file of safetensors, or it is broken") from None


def _raw(name: str, data: bytes, kind: str, shape: tuple[int, ...]) -> Handed:
    if kind == "bf16":  # the upper half of a float32
        wide = np.frombuffer(data, "<u2").astype("<u4") << 16
        return Handed(name, wide.view("<f4").astype(float).reshape(shape), BRAIN)
    return _binary(name, np.frombuffer(data, kind).reshape(shape))


# ---------------------------------------------------------------- PyTorch without PyTorch


@dataclass(frozen=True)
class _Storage:
    kind: str
    data: bytes


_STORAGES = {"DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "LongStorage": "<i8",
             "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?",
             "BFloat16Storage": "bf16"}  # fmt: skip


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def handed(self, name: str) -> Handed:
        kind = self.storage.kind
        flat = _raw(name, self.storage.data, kind, (-1,))
        need = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True)) + 1
        whole = math.prod(self.shape)
        if min((self.offset, *self.shape, *self.strides), default=0) < 0 or (whole and need > flat.values.size):
            raise BadFile(f"{quote(name)} reaches past its own data: the file is broken")
        steps = tuple(s * 8 for s in self.strides)
        values = np.lib.stride_tricks.as_strided(flat.values[self.offset :], self.shape, steps).copy()
        return Handed(name, values, flat.digits)


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> _Tensor:
    whole = (*shape, *strides, offset)
    if not isinstance(storage, _Storage) or not all(isinstance(n, int) for n in whole) or len(shape) != len(strides):
        raise pickle.UnpicklingError
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): lambda data, *rest: data,
    **{("torch", name): kind for name, kind in _STORAGES.items()},
}


class _Unpickler(pickle.Unpickler):
    """Follows only what rebuilds tensors: the names in it stand for functions of ours."""

    def __init__(self, data: bytes, storage: Callable[[str], bytes]):
        super().__init__(io.BytesIO(data))
        self.storage = storage

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            what = f"{module}.{name}"[:60]
            raise BadFile(f"it holds {quote(what)}, not only tensors: save a state_dict, or the gradients by name")
        return _ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        if not isinstance(pid, tuple) or len(pid) < 3 or pid[0] != "storage" or not isinstance(pid[1], str):
            raise pickle.UnpicklingError
        return _Storage(pid[1], self.storage(str(pid[2])))


def _torch(archive: zipfile.ZipFile, pickled: str) -> list[Handed]:
    folder = pickled.removesuffix("data.pkl")
    try:
        whole = _Unpickler(archive.read(pickled), lambda key: archive.read(f"{folder}data/{key}")).load()
    except BadFile:
        raise
    except Exception as error:  # whatever a broken pickle makes of it: nothing of it has been run
        raise BadFile("it is no file of tensors, or it is broken") from error
    if isinstance(whole, _Tensor):
        raise BadFile("it holds one tensor without a name: save a dict of them, {'dL/dW1': W1.grad}")
    if not isinstance(whole, dict):
        raise BadFile("it is no dict of tensors: save a state_dict, or the gradients by name")
    return [value.handed(name) for name, value in _flat("", whole) if isinstance(value, _Tensor)]


READERS: dict[str, Callable[[bytes], list[Handed]]] = {
    ".json": _json,
    ".csv": _table,
    ".tsv": _table,
    ".npz": _zipped,
    ".safetensors": _safetensors,
    ".pt": _zipped,
    ".pth": _zipped,
}
