"""A file that a command writes: to where it was asked for, or to standard output as it is."""

from __future__ import annotations

import sys
from pathlib import Path

from tutor.cli.errors import UsageError
from tutor.text.output import quote


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
        raise UsageError(f"{quote(output[:80])} is there already: it is left as it is") from None
    except OSError as error:
        raise UsageError(f"cannot write {quote(output[:80])}: {error.strerror or error}") from None
    print(f"{quote(output)} is written.")
    return 0
