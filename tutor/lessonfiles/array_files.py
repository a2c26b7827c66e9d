"""Binary files of arrays by name: NumPy's .npz, safetensors and PyTorch's .pt, read without running anything.

Nothing in a file is executed: of a pickle only the few instructions are followed that rebuild tensors, and any other
is refused. The arrays have the type that the file has; bfloat16, which NumPy has not, becomes float32.
"""

from __future__ import annotations

import io
import json
import math
import pickle
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tutor.engine.floats import quietly
from tutor.lessonfiles.positions import Problem, read_bytes
from tutor.text.language import say
from tutor.text.output import quote

if TYPE_CHECKING:
    from zipfile import ZipFile

ENDINGS = (".npz", ".safetensors", ".pt", ".pth")
MOST = 400_000_000  # bytes of a file that a lesson names, and of what it unpacks to
DOUBLE, SINGLE, HALF, BRAIN = 12, 5, 2, 2  # significant digits that computing in these leaves, with some to spare


class BadFile(ValueError):
    """What is wrong with a file of arrays; str() says what and what to do."""


@dataclass(frozen=True)
class Stored:
    """An array of a file, in the type it has there; `digits` are those that its type holds when it is computed in."""

    name: str
    values: np.ndarray
    digits: int = DOUBLE


def is_binary(name: str) -> bool:
    """Whether a file is one of these, by its ending."""
    return name.lower().endswith(ENDINGS)


def read_stored(path: Path, inside: Path | None = None) -> dict[str, np.ndarray] | Problem:
    """The arrays of a file by name, or why there are none. Never raises for what a file holds.

    `inside`: the folder that it must lie in when it is opened, whatever links there are by then.
    """
    data = read_bytes(path, MOST, "arrays", inside)
    if isinstance(data, Problem):
        return data
    try:
        found = safetensors(data) if path.suffix.lower() == ".safetensors" else zipped(data, MOST, numbers_only=True)
    except BadFile as error:
        advice = say("such as numpy.savez makes, or torch.save of a state_dict")
        return Problem(str(path), 1, 1, str(error), advice)
    return {array.name: array.values for array in found}


def stored(name: str, values: np.ndarray) -> Stored:
    """An array, as finely as its type can hold. Raises BadFile where it holds no real numbers."""
    if values.dtype.kind not in "fiub":
        raise BadFile(say("{name} holds no real numbers ({type})", name=quote(name), type=values.dtype))
    digits = {2: HALF, 4: SINGLE}.get(values.dtype.itemsize, DOUBLE) if values.dtype.kind == "f" else DOUBLE
    return Stored(name, values, SINGLE if digits == DOUBLE and was_single(values) else digits)


def was_single(values: np.ndarray) -> bool:
    """Whether numbers of double precision were of single before: `loss.item()`, `tolist()`.

    All of them are numbers of single precision, and not all are so short that they are those of any.
    """
    finite = np.asarray(values[np.isfinite(values)], dtype=float)
    with quietly():
        single, half = (finite.astype(kind).astype(float) for kind in (np.float32, np.float16))
    return bool(np.array_equal(single, finite) and not np.array_equal(half, finite))


def zipped(data: bytes, most: int, numbers_only: bool = False) -> list[Stored]:
    """The arrays of an .npz, or of a .pt, which unpack to so many bytes at most. Raises BadFile.

    `numbers_only`: an .npz's arrays of texts or objects are passed over.
    """
    from zipfile import BadZipFile, ZipFile  # 5 ms that a lesson without such a file need not wait

    try:
        archive = ZipFile(io.BytesIO(data))
    except BadZipFile:
        raise BadFile(say("it is no archive of arrays, or it is broken")) from None
    with archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > most:
            raise BadFile(say("it unpacks to more than {n} bytes", n=f"{most:,}"))
        names = [entry.filename for entry in entries]
        pickled = next((name for name in names if name.endswith("data.pkl")), None)
        return _torch(archive, pickled) if pickled else _npz(archive, names, numbers_only)


# What a damaged, encrypted or boastful archive makes of being read.
_BROKEN = (ValueError, EOFError, SyntaxError, TypeError, RuntimeError, MemoryError, OverflowError, zlib.error)


def _npz(archive: ZipFile, names: list[str], numbers_only: bool) -> list[Stored]:
    from zipfile import BadZipFile

    found = []
    for name in names:
        if not name.endswith(".npy"):
            raise BadFile(say("{name} in it is no array of NumPy's", name=quote(name)))
        try:
            values = np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)
        except (*_BROKEN, BadZipFile) as error:
            if "pickle" not in str(error).lower():
                raise BadFile(say("{name} in it is broken", name=quote(name))) from None
            if numbers_only:
                continue
            raise BadFile(say("{name} in it is objects, not numbers", name=quote(name))) from None
        if not numbers_only or values.dtype.kind in "fiub":
            found.append(stored(name.removesuffix(".npy"), values))
    return found


_SAFE_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
               "U8": "u1", "BOOL": "?", "BF16": "bf16"}  # fmt: skip


def safetensors(data: bytes) -> list[Stored]:
    """https://github.com/huggingface/safetensors: eight bytes of length, a JSON header, the bytes of the arrays.

    Raises BadFile.
    """
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > len(data) - 8:
        raise BadFile(say("it is no file of safetensors, or it is broken"))
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
        raise BadFile(say("it holds a type of number that is not read: {type}", type=str(error)[:40])) from None
    except (ValueError, TypeError, AttributeError):
        raise BadFile(say("it is no file of safetensors, or it is broken")) from None


def _raw(name: str, data: bytes, kind: str, shape: tuple[int, ...]) -> Stored:
    if kind == "bf16":  # the upper half of a float32
        wide = np.frombuffer(data, "<u2").astype("<u4") << 16
        return Stored(name, wide.view("<f4").reshape(shape), BRAIN)
    return stored(name, np.frombuffer(data, kind).reshape(shape))


# ---------------------------------------------------------------- PyTorch without PyTorch


def flat(prefix: str, whole: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Nested dicts by their path: {"layer1": {"dW": …}} is layer1.dW."""
    for name, value in whole.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from flat(f"{path}.", value)
        else:
            yield path, value


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

    def stored(self, name: str) -> Stored:
        data = _raw(name, self.storage.data, self.storage.kind, (-1,))
        need = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True)) + 1
        whole = math.prod(self.shape)
        if min((self.offset, *self.shape, *self.strides), default=0) < 0 or (whole and need > data.values.size):
            raise BadFile(say("{name} reaches past its own data: the file is broken", name=quote(name)))
        if whole * data.values.itemsize > MOST:  # a stride of 0 makes much of little
            raise BadFile(say("{name} unpacks to more than {n} bytes", name=quote(name), n=f"{MOST:,}"))
        steps = tuple(s * data.values.itemsize for s in self.strides)
        values = np.lib.stride_tricks.as_strided(data.values[self.offset :], self.shape, steps).copy()
        return Stored(name, values, data.digits)


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
            what = quote(f"{module}.{name}"[:60])
            raise BadFile(
                say("it holds {what}, not only tensors: save a state_dict, or the gradients by name", what=what)
            )
        return _ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        if not isinstance(pid, tuple) or len(pid) < 3 or pid[0] != "storage" or not isinstance(pid[1], str):
            raise pickle.UnpicklingError
        return _Storage(pid[1], self.storage(str(pid[2])))


def _torch(archive: ZipFile, pickled: str) -> list[Stored]:
    folder = pickled.removesuffix("data.pkl")
    try:
        whole = _Unpickler(archive.read(pickled), lambda key: archive.read(f"{folder}data/{key}")).load()
    except BadFile:
        raise
    except Exception as error:  # whatever a broken pickle makes of it: nothing of it has been run
        raise BadFile(say("it is no file of tensors, or it is broken")) from error
    if isinstance(whole, _Tensor):
        code = "{'dL/dW1': W1.grad}"
        raise BadFile(say("it holds one tensor without a name: save a dict of them, {code}", code=code))
    if not isinstance(whole, dict):
        raise BadFile(say("it is no dict of tensors: save a state_dict, or the gradients by name"))
    return [value.stored(name) for name, value in flat("", whole) if isinstance(value, _Tensor)]
