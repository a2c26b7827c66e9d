"""A file that a command writes: to where it was asked for, or to standard output as it is."""

from __future__ import annotations

import sys
from pathlib import Path

from tutor.cli.errors import UsageError
from tutor.lessonfiles.file_names import as_argument
from tutor.text.language import N_, say
from tutor.text.output import escape, quote
from tutor.text.words import reason


def deliver(data: bytes, output: str | None) -> int:
    """Write to a new file, or to standard output as it is; the exit code. Raises UsageError.

    An existing file is left alone.
    """
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return 0
    try:
        with Path(output).open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise UsageError(say("{file} is there already: it is left as it is", file=quote(output[:80]))) from None
    except OSError as error:
        raise UsageError(say("cannot write {file}: {why}", file=quote(output[:80]), why=reason(error))) from None
    print(say("{file} is written.", file=quote(output)))
    return 0


def lesson_written(path: Path) -> str:
    """What is said when there is a new lesson, and how to look at it."""
    told = N_("Written: {file}. Look at it with: backprop-tutor play {argument} --watch")
    return say(told, file=escape(str(path)), argument=as_argument(path))
