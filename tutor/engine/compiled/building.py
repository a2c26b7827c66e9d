"""From a C source to a function: compiled with the machine's own `cc`, kept in the user's cache, loaded by ctypes.

Whatever goes wrong (no compiler, a broken or slow one, a folder that cannot be written, a damaged file) ends in no
function, and training goes on in Python and NumPy. A kept file is named by what it was made from (source, compiler,
machine) and by what it contains, so one that was damaged or exchanged is not loaded but made anew; it comes into place
whole, by one renaming, whoever else is at it. The folder and the files have to be the user's own, and nobody else's to
write.
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import os
import platform
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tutor.confined import confined
from tutor.folders import for_cache

ENVIRONMENT = "BACKPROP_TUTOR_CC"  # the compiler in place of `cc`; "off" for none
PATIENCE = 2.0  # seconds that a compiler has
LONGEST = 400_000  # signs of a source; longer ones would take longer than that
MOST = 200  # files that are kept; some 20 kB each
# Each operation rounded by itself, and every function of the C library called as Python calls it.
FLAGS = ("-O2", "-ffp-contract=off", "-fno-fast-math", "-fno-math-errno", "-fno-builtin", "-std=gnu11")
_TYPES = {"p": ctypes.c_void_p, "w": ctypes.c_longlong, "n": ctypes.c_double}
TRAIN = "ppppwwwwwnpp"  # what `train` takes: pointers, whole numbers, a number

Function = Callable[..., int]


class Build:
    """A source on its way: its `function` is there when `done` is set, and None if nothing came of it."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.function: Function | None = None


def build(source: str, flags: tuple[str, ...] = (), name: str = "train", takes: str = TRAIN) -> Build:
    """A function of a source; from the cache at once, else compiled in the background, once a process.

    `flags` are further ones for the compiler, which it may do without.
    """
    key = _key(source, flags)
    with _lock:
        if key in _builds:
            return _builds[key]
        found = _builds[key] = Build()
    if key is None or len(source) > LONGEST or (folder := _folder()) is None:
        found.done.set()
        return found
    found.function = _kept(folder, key, name, takes)
    if found.function is not None:
        found.done.set()
        return found

    def work() -> None:
        try:
            path = _compiled(folder, key, source, flags)
            found.function = _function(path, name, takes) if path else None
        finally:
            found.done.set()

    threading.Thread(target=work, name="cc", daemon=True).start()
    return found


def switched_off() -> bool:
    """Whether there is to be no C: the environment says so, or the process is confined and may start no compiler."""
    return confined() or os.environ.get(ENVIRONMENT, "").strip().lower() == "off"


def compiler() -> Path | None:
    """The compiler that is used; None where there is none, or none is wanted."""
    found = None if switched_off() else shutil.which(os.environ.get(ENVIRONMENT, "").strip() or "cc")
    return Path(found).resolve() if found else None


def forget() -> None:
    """Let go of what this process has built or failed to build."""
    with _lock:
        _builds.clear()


# ---------------------------------------------------------------- what is kept


def _key(source: str, flags: tuple[str, ...]) -> str | None:
    """What a file is made from: the source, and which compiler on which machine."""
    path = compiler()
    if path is None:
        return None
    with suppress(OSError):
        about = path.stat()
        made_from = (source, *FLAGS, *flags, str(path), about.st_size, about.st_mtime_ns, platform.machine(), os.name)
        return hashlib.sha256(repr(made_from).encode()).hexdigest()[:32]
    return None


def _folder() -> Path | None:
    """The folder of compiled code, made if need be; None if it cannot be, or is not the user's alone."""
    with suppress(OSError, RuntimeError):
        folder = for_cache() / "code"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _own(folder):
            return folder
    return None


def _own(path: Path) -> bool:
    about = path.lstat()
    if stat.S_ISLNK(about.st_mode):
        return False
    return not hasattr(os, "getuid") or (about.st_uid == os.getuid() and not about.st_mode & 0o022)


def _kept(folder: Path, key: str, name: str, takes: str) -> Function | None:
    """The function of a file that is in the folder, sound and the user's own."""
    with suppress(OSError):
        for path in folder.glob(f"{key}-*.so"):
            if _own(path) and path.name == _name(key, path.read_bytes()):
                os.utime(path)  # what is used stays
                return _function(path, name, takes)
            path.unlink()
    return None


def _name(key: str, content: bytes) -> str:
    return f"{key}-{hashlib.sha256(content).hexdigest()[:32]}.so"


def _function(path: Path, name: str = "train", takes: str = TRAIN) -> Function | None:
    """The function of a file; None if it is no library, or has no such function."""
    with suppress(OSError, AttributeError):
        function = getattr(ctypes.CDLL(str(path)), name)
        function.argtypes = [_TYPES[kind] for kind in takes]
        function.restype = ctypes.c_longlong
        return function  # type: ignore[no-any-return]
    return None


def _prune(folder: Path) -> None:
    """Only the files that were used last stay, and nothing half done of a program that was ended."""
    with suppress(OSError):
        for path in folder.glob("*.part"):
            if time.time() - path.stat().st_mtime > 60:
                path.unlink(missing_ok=True)
        files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in files[MOST:]:
            path.unlink(missing_ok=True)


# ---------------------------------------------------------------- compiling


def _compiled(folder: Path, key: str, source: str, flags: tuple[str, ...]) -> Path | None:
    """Compile into the folder; None if the compiler takes too long, or fails: then it is not asked again."""
    path = compiler()
    if path is None or path in _failed:
        return None
    with suppress(OSError):
        handle, name = tempfile.mkstemp(suffix=".part", dir=folder)
        os.close(handle)
        made = Path(name)
        try:
            as_library = ("-fPIC", "-shared", "-w", "-pipe", "-x", "c", "-", "-o", name, "-lm")
            for further in dict.fromkeys((flags, ())):  # which not every compiler knows
                code = _run([str(path), *FLAGS, *further, *as_library], source, made)
                if not code:
                    break
            if code != 0:
                if code is not None:  # not only slow
                    _failed.add(path)
                return None
            made.chmod(0o700)
            final = folder / _name(key, made.read_bytes())
            os.replace(made, final)
            _prune(folder)
            return final
        finally:
            made.unlink(missing_ok=True)
    return None


def _run(command: list[str], source: str, made: Path) -> int | None:
    """How a command ended that was given the source; None if not in time. It ends with the program, too."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=made.parent,
        env=os.environ | {"LC_ALL": "C"},
        start_new_session=True,
    ) as process:

        def stop() -> None:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
            made.unlink(missing_ok=True)

        atexit.register(stop)
        try:
            process.communicate(source.encode("ascii"), timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            stop()
            return None
        finally:
            atexit.unregister(stop)
        return process.returncode


_lock = threading.Lock()
_builds: dict[str | None, Build] = {}
_failed: set[Path] = set()
