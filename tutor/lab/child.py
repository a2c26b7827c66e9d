"""The process in which the learner's file runs. It gets a job as JSON, and says as JSON what came of it.

Started as a program by `runner.py`, with `-I`: standard library, NumPy, the drivers beside it, nothing else of the
tutor. What the file prints goes to standard error, so that nothing of it is in the answer. Between the calls stands
a `MARK` in it. When the time is over the process ends by itself, wherever it is, and says where that was.

A mistake is {"kind": ..., "text": ..., "frames": [[line, function, text], ...], "shapes": {name: shape}}: the lines are
the learner's own, the innermost last, and the shapes those of the arrays that the innermost line names. Kinds:
"error" (an exception: "type" is its name), "syntax", "missing" (there is no such function), "returned" (nothing that
can be judged: "what" says what).
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.util
import json
import linecache
import os
import re
import sys
import traceback
import types
from typing import Any, TextIO

if __name__ == "__main__":
    sys.path.append(sys.argv[1])  # where the tutor has its NumPy from

import numpy as np

MARK = "\x1e"  # a record separator, on a line of its own: what is printed from here on is of the next call
MOST_NUMBERS = 1_000_000  # that are given back of one call
MOST_FRAMES = 8


class NotJudged(Exception):
    """What was returned cannot be judged; `what` is one word for why."""

    def __init__(self, what: str, **details: Any) -> None:
        super().__init__(what)
        self.mistake = {"kind": "returned", "what": what, "text": "", "frames": [], "shapes": {}} | details


def run(job: dict[str, Any], drivers: Any) -> dict[str, Any]:
    """Load the file and call it once a case, up to the first that fails: {"cases": [...], "mistake": ... or None}."""
    path, done = job["path"], []
    module = types.ModuleType(re.sub(r"\W", "_", os.path.splitext(os.path.basename(path))[0]))
    module.__file__ = path
    linecache.cache[path] = (len(job["source"]), None, job["source"].splitlines(keepends=True), path)
    try:
        exec(compile(job["source"], path, "exec"), module.__dict__)
        written = getattr(module, job["name"], None)
        if not callable(written):
            return {"cases": [], "mistake": {"kind": "missing", "text": "", "frames": [], "shapes": {}}}
        for case in job["cases"]:
            print(MARK, flush=True)
            given = {name: decoded(value) for name, value in case.items()}
            kept = {name: np.array(value) for name, value in given.items() if isinstance(value, np.ndarray)}
            with np.errstate(all="ignore"):  # what is no number any more is told by its verdict
                found = drivers.DRIVERS[job["driver"]](written, given)
            changed = [name for name, before in kept.items() if not np.array_equal(before, given[name], True)]
            done.append({"arrays": arrays(found, job["returns"]), "changed": changed})
    except NotJudged as error:
        return {"cases": done, "mistake": error.mistake}
    except BaseException as error:  # whatever it is: it was the learner's file that raised it
        return {"cases": done, "mistake": mistake(error, path)}
    return {"cases": done, "mistake": None}


# ---------------------------------------------------------------- numbers in and out


def encoded(value: Any) -> Any:
    """A number, a text, or an array (or lists and dicts of them), as JSON has it."""
    if isinstance(value, np.ndarray):
        return {"shape": value.shape, "dtype": str(value.dtype), "data": value.reshape(-1).tolist()}
    if isinstance(value, dict):
        return {"dict": {str(name): encoded(part) for name, part in value.items()}}
    return [encoded(part) for part in value] if isinstance(value, list | tuple) else value


def decoded(value: Any) -> Any:
    """What `encoded` made it of."""
    if isinstance(value, list):
        return [decoded(part) for part in value]
    if isinstance(value, dict):
        if "dict" in value:
            return {name: decoded(part) for name, part in value["dict"].items()}
        return np.array(value["data"], dtype=value["dtype"]).reshape(value["shape"])
    return value


def arrays(found: Any, names: list[str]) -> list[dict[str, Any]]:
    """What was returned, a name each. Raises NotJudged.

    A dict has its own names; a tuple or a list is in the order of `names`; of one name alone it is the value itself.
    What is still ... beside values is left out: the rest can be judged already.
    """
    if found is None or found is Ellipsis:
        raise NotJudged("nothing")
    if isinstance(found, dict):
        if missing := [name for name in names if name not in found]:
            raise NotJudged("names", missing=missing[:5])
        parts = {str(name)[:80]: value for name, value in found.items()}
    elif len(names) == 1:
        alone = isinstance(found, tuple) and len(found) == 1
        parts = {names[0]: found[0] if alone else found}
    elif isinstance(found, tuple | list):
        if len(found) != len(names):
            raise NotJudged("count", count=len(found))
        parts = dict(zip(names, found, strict=True))
    else:
        raise NotJudged("one", type=type(found).__name__)
    begun = {name: value for name, value in parts.items() if value is not Ellipsis}
    if not begun:
        raise NotJudged("dots")
    return [{"name": name, **_numbers(name, value)} for name, value in begun.items()]


def _numbers(name: str, value: Any) -> dict[str, Any]:
    """An array of real numbers as JSON has it."""
    if value is None or value is Ellipsis:
        raise NotJudged("nothing", name=name)
    try:
        found = np.asarray(value)
        if found.dtype.kind == "O":
            found = found.astype(float)
    except (ValueError, TypeError):
        raise NotJudged("no numbers", name=name, type=type(value).__name__) from None
    if found.dtype.kind not in "fiub":
        raise NotJudged("no numbers", name=name, type=str(found.dtype))
    if found.size > MOST_NUMBERS:
        raise NotJudged("too many", name=name, count=found.size)
    if found.dtype.itemsize > 8:
        found = found.astype(float)
    return encoded(found)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- what went wrong


def mistake(error: BaseException, path: str) -> dict[str, Any]:
    """An exception as the learner needs it: its own lines, what stood in the last of them."""
    if isinstance(error, SyntaxError) and os.path.realpath(error.filename or "") == os.path.realpath(path):
        text = (error.text or "").rstrip()
        frames = [[error.lineno or 0, "", text.strip()]]
        return {"kind": "syntax", "type": type(error).__name__, "text": error.msg, "frames": frames, "shapes": {}}
    folder = os.path.dirname(os.path.realpath(path))
    frames, shapes, tail = [], {}, error.__traceback__
    while tail is not None:
        file = tail.tb_frame.f_code.co_filename
        own = file == path or os.path.dirname(os.path.realpath(file)) == folder
        if own:
            text = linecache.getline(file, tail.tb_lineno).strip()
            frames.append([tail.tb_lineno, tail.tb_frame.f_code.co_name, text])
            shapes = _shapes(tail.tb_frame, text)
        tail = tail.tb_next
    said = traceback.format_exception_only(error)[-1].strip()
    name = type(error).__name__
    text = said.removeprefix(name).removeprefix(":").strip()
    return {"kind": "error", "type": name, "text": text[:500], "frames": frames[-MOST_FRAMES:], "shapes": shapes}


def _shapes(frame: types.FrameType, line: str) -> dict[str, str]:
    """The shapes of the arrays that a line names."""
    found = {}
    for name in dict.fromkeys(re.findall(r"[^\W\d]\w*", line)):
        value = frame.f_locals.get(name, frame.f_globals.get(name))
        if isinstance(value, np.ndarray):
            found[name] = str(value.shape) if value.shape else "a number"
        elif isinstance(value, int | float | np.number):
            found[name] = "a number"
        elif isinstance(value, list | tuple):
            found[name] = f"a {type(value).__name__} of {len(value)}"
        elif name in frame.f_locals and value is None:
            found[name] = "None"
    return found


# ---------------------------------------------------------------- as a program


def _bound(memory: int) -> None:
    """No more memory than so many bytes, where the system has such a bound."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Read the job from standard input, answer on standard output, end without waiting for anything of the file."""
    job = json.loads(sys.stdin.buffer.read())
    answer: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # prints of the file, also of C code in it, are no answer
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    place = os.path.join(os.path.dirname(os.path.abspath(__file__)), "drivers.py")
    spec = importlib.util.spec_from_file_location("drivers", place)
    assert spec is not None and spec.loader is not None
    drivers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drivers)
    sys.path.append(os.path.dirname(job["path"]))  # last: a file of the learner's called random.py hides nothing
    _bound(job["memory"])
    faulthandler.dump_traceback_later(job["seconds"], exit=True, file=answer)
    found = run(job, drivers)
    faulthandler.cancel_dump_traceback_later()
    json.dump(found, answer)
    for stream in (answer, sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)  # threads and exit functions of the file are not waited for


if __name__ == "__main__":
    main()
