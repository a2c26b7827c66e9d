"""Standard input, output and error: what is said reaches them as far as they can take it, and a person is asked."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from tutor.text.output import escape, gated

TYPE_CHECKING = False  # as in `tutor`: every start waits for this module
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

MAX_LINE = 4096  # characters of a line of input that line mode looks at


def prepare_streams() -> None:
    """Streams that take whatever is said.

    Mathematics needs Unicode: where the encoding has none, signs become ASCII words. A stream that was
    closed (`>&-`) becomes the null device, and its number with it: a database must not be opened under it.
    """
    if None in (sys.stdin, sys.stdout, sys.stderr):
        while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(spare)
        sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115
        sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        utf8 = "utf" in (stream.encoding or "").lower()
        _reconfigure(stream, errors="backslashreplace" if utf8 else "tutor-ascii")
    _reconfigure(sys.stdin, errors="replace")
    sys.stdout, sys.stderr = gated(sys.stdout), gated(sys.stderr)


def in_utf8() -> None:
    """What is printed from here on is UTF-8, whatever the locale says: JSON and CSV are for programs."""
    _reconfigure(sys.stdout, encoding="utf-8")


def _reconfigure(stream: TextIO, **how: str) -> None:
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(**how)


def abandon(stream: TextIO) -> None:
    """What is still in a stream's buffer goes nowhere, so that the flush at exit is quiet, too."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def fail(message: str) -> int:
    """Say on the error stream why a command cannot be carried out; its exit code, 2."""
    try:
        print(f"backprop-tutor: {escape(message)}", file=sys.stderr, flush=True)
    except OSError:
        abandon(sys.stderr)
    return 2


def warn(warning: str | None) -> str | None:
    """Say a warning on the error stream, if there is one; the same again."""
    if warning:
        print(escape(warning), file=sys.stderr)
    return warning


def is_screen() -> bool:
    """Whether there is a full screen to draw on: a terminal, or the driver that a web server of terminals names."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return True
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def asker(tell: Callable[[], None] = lambda: None) -> Callable[[str], str | None]:
    """What asks a person (or a pipe) for a line: None at the end of the input. Before, it tells what is to be told."""
    attended = sys.stdin.isatty()
    prompts = sys.stdout if sys.stdout.isatty() else sys.stderr  # it reaches the person where the output goes to a file

    def ask(prompt: str) -> str | None:
        tell()
        if attended:
            print(prompt, end="", file=prompts, flush=True)
        try:
            line = read_line()
        except KeyboardInterrupt:
            print(file=prompts)
            raise
        if attended and not line:
            print(file=prompts)  # ctrl+d leaves the prompt's line open
        return line.rstrip("\n") if line else None

    return ask


def read_line() -> str:
    """A line of standard input, "" at its end; of an endless line the beginning."""
    line = sys.stdin.readline(MAX_LINE)
    rest = line
    while len(rest) == MAX_LINE and not rest.endswith("\n"):
        rest = sys.stdin.readline(MAX_LINE)
    return line


def _ascii_errors(error: UnicodeError) -> tuple[str, int]:
    from tutor.text.layout import to_ascii

    assert isinstance(error, UnicodeEncodeError)
    return to_ascii(error.object, error.start, error.end), error.end


def _register_ascii() -> None:
    import codecs

    codecs.register_error("tutor-ascii", _ascii_errors)


_register_ascii()
