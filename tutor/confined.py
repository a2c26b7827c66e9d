"""Confinement: a visitor of `backprop-tutor serve` does not own the machine, so what is typed opens no file of it.

Two things hold this, for the whole program and in this one place. Whoever opens a file that a person *named* asks
`named`, which refuses. And from `begin` on an audit hook of Python's (PEP 578) looks at every file, folder and program
that anything at all would open, write or start: only what the program itself consists of is read, the lessons, and the
visitor's own folder, which alone is written to. No code of a visitor's is run, so nobody can get round the hook.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as in `tutor`: the first frame waits for this module
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ENVIRONMENT = "BACKPROP_TUTOR_CONFINED"  # set, and not empty: `begin` is to be called
WHY = "no file of this machine is opened here"
NO_PROGRAM = "no program is started here"

# Events of the audit hook (docs.python.org/3/library/audit_events.html), and the places of paths in their arguments.
READ: dict[str, tuple[int, ...]] = {"os.listdir": (0,), "os.scandir": (0,)}
WRITE: dict[str, tuple[int, ...]] = {
    "os.chmod": (0,), "os.chown": (0,), "os.link": (0, 1), "os.mkdir": (0,), "os.remove": (0,), "os.rename": (0, 1),
    "os.rmdir": (0,), "os.symlink": (0, 1), "os.truncate": (0,), "os.utime": (0,),
}  # fmt: skip
STARTS = frozenset(
    "subprocess.Popen os.system os.exec os.fork os.forkpty os.posix_spawn os.spawn os.startfile pty.spawn".split()
)
CHANGES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND  # what opens a file to write to it

_begun = False


class Confined(PermissionError):
    """Refused, because a visitor asked for it; `strerror` says why."""

    def __init__(self, why: str = WHY) -> None:
        super().__init__(13, why)


class Walls:
    """What may be read, and the one folder that may be written to. Called as an audit hook; raises Confined."""

    def __init__(self, reads: Iterable[str | Path], writes: str | Path) -> None:
        self.writes = _spellings([writes])
        self.reads = (*_spellings(reads), *self.writes, os.path.join(os.sep, "dev", "urandom"))

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        """Let an event pass, or raise Confined."""
        if event == "open":
            path, _, flags = args
            changes = isinstance(flags, int) and flags & CHANGES
            self._see(path, self.writes if changes else self.reads)
        elif places := READ.get(event):
            for place in places:
                self._see(args[place], self.reads)
        elif places := WRITE.get(event):
            for place in places:
                self._see(args[place], self.writes)
        elif event in STARTS:
            raise Confined(NO_PROGRAM)

    def _see(self, path: object, inside: tuple[str, ...]) -> None:
        if isinstance(path, int):
            return  # a file that is open already
        text = os.path.abspath(os.fsdecode(path if isinstance(path, (str, bytes, os.PathLike)) else "."))
        within = any(text == root or text.startswith(root.rstrip(os.sep) + os.sep) for root in inside)
        if not within and text != os.devnull:
            raise Confined


def _spellings(paths: Iterable[str | Path]) -> tuple[str, ...]:
    """Each path as it is called and as it really is: the program opens it by either."""
    return tuple({found: None for path in paths for found in (os.path.abspath(path), os.path.realpath(path))})


def begin(lessons: Iterable[Path], own: Path) -> None:
    """Confine this process, for good: beside itself it reads the `lessons` and its `own` folder, where it writes."""
    global _begun
    _begun = True
    program = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # and the folder of its lessons and assets
    sys.addaudithook(Walls([program, *filter(None, sys.path), *lessons], own))


def confined() -> bool:
    """Whether this process is a visitor's: what it does not do it need not offer."""
    return _begun


def named(name: str | Path) -> Path:
    """The path of a file that a person named, `~` being their home where one is known. Raises Confined."""
    from pathlib import Path

    if _begun:
        raise Confined
    return Path(os.path.expanduser(name))


def told(path: Path) -> str:
    """A path as its reader may be told it: a visitor learns its last name only."""
    return path.name if _begun else str(path)
