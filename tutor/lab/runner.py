"""The learner's file run in a process of its own, bounded in time, memory and what it prints.

Running it is the one place where the tutor executes what somebody wrote: a file that the learner started, never a
lesson's text. What the process answers is data: JSON that is checked part by part, and nothing in it is executed or
unpickled. However it ends (by itself, by its bounds, because the tutor is left), the process and those that it started
are gone when `run` returns, and no file is left behind.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO, Any

import numpy as np

from tutor.lab.child import MARK, encoded

SECONDS = 5.0  # that a run may take
GRACE = 10.0  # more, for starting on a busy machine, until a process that does not end by itself is ended
LEAVE = 1.0  # that a pipe is read on when its process is over: what that has started may have got away with it
MEMORY = 2 << 30  # bytes
MOST_PRINTED = 20_000  # characters that are kept
MOST_ANSWERED = 64 << 20  # bytes
CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class CodeLine:
    """A line of the learner's that was being carried out: its number, the function that it is in, its text."""

    line: int
    function: str
    text: str


@dataclass(frozen=True)
class Failure:
    """Why a run did not come to its end.

    `kind` is one of child.py's, or "time" (it went on and on), "memory", "ended" (the process ended without an
    answer) and "unreadable" (the file is no text). `details` are what the kind has besides.
    """

    kind: str
    type: str = ""
    text: str = ""
    frames: tuple[CodeLine, ...] = ()
    shapes: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def frame(self) -> CodeLine | None:
        """The innermost line."""
        return self.frames[-1] if self.frames else None


@dataclass(frozen=True)
class Answered:
    """What came of one case: the arrays by name, and which arguments were changed in place."""

    arrays: Mapping[str, np.ndarray]
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ran:
    """What came of a run: the cases up to the first that failed, and what failed.

    `printed` is what the file printed: first while it was loaded, then of each case; `cut` if that was too much.
    """

    cases: tuple[Answered, ...] = ()
    mistake: Failure | None = None
    printed: tuple[str, ...] = ()
    cut: bool = False


class Stop:
    """Ends a run from another thread: the screen that it is for is left."""

    def __init__(self) -> None:
        self.asked = False
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> None:
        """End it now, or as soon as it begins."""
        self.asked = True
        if self.process is not None and self.process.poll() is None:  # the number of one that is over may be another's
            _kill(self.process)

    def watch(self, process: subprocess.Popen[bytes]) -> None:
        """This is the process to end."""
        self.process = process
        if self.asked:
            _kill(process)


def job(
    path: Path, source: str, name: str, driver: str, returns: Sequence[str], cases: Sequence[Any]
) -> dict[str, Any]:
    """What the child is told: the file's text, what to call, how, with what, and what comes back."""
    return {
        "path": os.path.abspath(path),
        "source": source,
        "name": name,
        "driver": driver,
        "returns": list(returns),
        "cases": [{arg: encoded(value) for arg, value in case.items()} for case in cases],
    }


def run(job: Mapping[str, Any], seconds: float = SECONDS, memory: int = MEMORY, stop: Stop | None = None) -> Ran:
    """Run a job in a process of its own. Raises OSError where none can be started."""
    process = subprocess.Popen(
        [sys.executable, "-I", str(CHILD), str(Path(np.__file__).parent.parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(),
        cwd=os.path.dirname(job["path"]),
        start_new_session=True,
    )
    assert process.stdin and process.stdout and process.stderr
    if stop is not None:
        stop.watch(process)
    answer, printed = _Reading(process.stdout, MOST_ANSWERED), _Reading(process.stderr, 4 * MOST_PRINTED)
    whole = {**job, "seconds": seconds, "memory": memory}
    try:
        with suppress(OSError), process.stdin:  # it may have ended already
            process.stdin.write(json.dumps(whole).encode())
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds + GRACE)
    finally:
        late = process.poll() is None
        _kill(process)
        answer.join(LEAVE)
        printed.join(LEAVE)
    return answered(whole, bytes(answer.data), bytes(printed.data), process.returncode, late)


def _environment() -> dict[str, str]:
    """One thread: a matrix of three rows needs no more, and each would take its share of the memory allowed."""
    threads = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(threads, "1")}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started; it is waited for, so that none is left."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)  # its session is its own
        else:
            process.kill()
    with suppress(OSError):
        process.wait()


class _Reading(Thread):
    """Reads a pipe to its end and keeps the beginning: a process that writes on and on is not held up by it."""

    def __init__(self, pipe: IO[bytes], most: int) -> None:
        super().__init__(daemon=True)
        self.pipe, self.most, self.data = pipe, most, bytearray()
        self.start()

    def run(self) -> None:
        """Until the pipe is closed."""
        with self.pipe, suppress(OSError, ValueError):
            while part := self.pipe.read1(1 << 16):  # type: ignore[attr-defined]
                self.data += part[: self.most + 1 - len(self.data)]


# ---------------------------------------------------------------- the answer


def answered(job: Mapping[str, Any], answer: bytes, printed: bytes, code: int, late: bool) -> Ran:
    """What a process came to, from the bytes that it wrote, its exit code, and whether it had to be ended."""
    parts, cut = _printed(printed)
    text = answer.decode("utf-8", "replace")
    if text.startswith("{") and len(answer) <= MOST_ANSWERED:
        with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return read(json.loads(text), parts, cut)
    if late or text.startswith("Timeout"):
        return Ran((), Failure("time", frames=_frames(job, text), details={"seconds": job["seconds"]}), parts, cut)
    return Ran((), Failure("ended", details={"code": code}), parts, cut)


def read(found: Any, printed: tuple[str, ...] = (), cut: bool = False) -> Ran:
    """An answer of the child, every part checked. Raises ValueError, TypeError, KeyError, AttributeError."""
    cases = tuple(
        Answered({_text(part["name"]): _array(part) for part in case["arrays"]}, tuple(map(_text, case["changed"])))
        for case in found["cases"]
    )
    return Ran(cases, None if found["mistake"] is None else _mistake(found["mistake"]), printed, cut)


def _mistake(found: Mapping[str, Any]) -> Failure:
    known = {"kind", "type", "text", "frames", "shapes"}
    kind = "memory" if found.get("type") == "MemoryError" else found["kind"]
    return Failure(
        _text(kind),
        _text(found.get("type", "")),
        _text(found["text"]),
        tuple(CodeLine(int(line), _text(function), _text(text)) for line, function, text in found["frames"]),
        {_text(name): _text(shape) for name, shape in found["shapes"].items()},
        {name: value for name, value in found.items() if name not in known},
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value[:500]


def _array(part: Mapping[str, Any]) -> np.ndarray:
    dtype = np.dtype(_text(part["dtype"]))
    if dtype.kind not in "fiub":
        raise ValueError("no numbers")
    return np.array(part["data"], dtype=dtype).reshape([int(n) for n in part["shape"]])


def _printed(data: bytes) -> tuple[tuple[str, ...], bool]:
    """What was printed: while the file was loaded, then of each case; and whether there was more."""
    parts = data.decode("utf-8", "replace").replace("\r\n", "\n").split(f"{MARK}\n")
    cut = any(len(part) > MOST_PRINTED for part in parts) or len(data) > 4 * MOST_PRINTED
    return tuple(part[:MOST_PRINTED] for part in parts), cut


def _frames(job: Mapping[str, Any], dump: str) -> tuple[CodeLine, ...]:
    """Where the learner's file was when the time was over, out of faulthandler's lines, innermost first there."""
    lines = job["source"].splitlines()
    found = []
    for file, number, function in re.findall(r'File "(.*)", line (\d+) in (.*)', dump):
        if file == job["path"] and 0 < int(number) <= len(lines):
            found.append(CodeLine(int(number), function.strip()[:80], lines[int(number) - 1].strip()[:500]))
    return tuple(reversed(found))


Runner = Callable[[Mapping[str, Any]], Ran]
