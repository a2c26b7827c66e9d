"""First frame of the home screen against that of an empty Textual app, each in a terminal of its own.

    python benchmarks/startup.py                    ours against the empty app
    python benchmarks/startup.py --command "" ...   the empty app against itself: how noisy is this machine?

The runs alternate, so that both sides meet the same noise. Time counts from the start of the process
until the marker text has been drawn; the ratio is that of the two medians.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EMPTY_MARKER = "an empty app"
EMPTY_APP = f"""
from textual.app import App
from textual.widgets import Static

class Empty(App):
    def compose(self):
        yield Static("{EMPTY_MARKER}")

Empty().run()
"""
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]P][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")


def first_frame(command: list[str], marker: str, size: tuple[int, int], data: str, timeout: float = 30) -> float:
    """Seconds from the start of `command` in a terminal of `size` columns and rows until it shows `marker`.

    Raises RuntimeError with the end of what it drew, if it ends or the time is over before that.
    """
    columns, rows = size
    environment = os.environ | {
        "TERM": "xterm-256color", "COLORTERM": "truecolor", "BACKPROP_TUTOR_DATA": data, "PYTHONPATH": str(ROOT)
    }
    environment.pop("NO_COLOR", None)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # the pair that warms the caches compiles what is new
    terminal, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=side, stdout=side, stderr=side, cwd=ROOT, env=environment, start_new_session=True
    )
    os.close(side)
    drawn = b""
    try:
        while time.perf_counter() - start < timeout:
            if not select.select([terminal], [], [], 0.1)[0]:
                continue
            try:
                drawn += os.read(terminal, 65536)
            except OSError:  # the program has ended
                break
            now = time.perf_counter()
            if marker in ESCAPES.sub("", drawn.decode("utf-8", "replace")):
                return now - start
        raise RuntimeError(f"{shlex.join(command)} did not show {marker!r}, but ended in {drawn[-500:]!r}")
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()
        os.close(terminal)


def first_title() -> str:
    """What the home screen shows first: the title of the first lesson."""
    sys.path.insert(0, str(ROOT))
    from tutor.lessonfiles.catalogue import entries

    return entries()[0].title


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", help="what to measure (default: this Python's -m tutor); '' for the empty app")
    parser.add_argument("--marker", help="text that its first frame shows (default: the title of the first lesson)")
    parser.add_argument("--runs", type=int, default=9, help="runs of each (default 9)")
    parser.add_argument("--size", default="160x48", help="of the terminal (default 160x48)")
    parser.add_argument("--limit", type=float, help="exit 1 if the ratio is above this")
    options = parser.parse_args()

    empty = [sys.executable, "-c", EMPTY_APP]
    if options.command == "":
        command, marker = empty, EMPTY_MARKER
    else:
        command = shlex.split(options.command) if options.command else [sys.executable, "-m", "tutor"]
        marker = options.marker or first_title()
    columns, rows = map(int, options.size.split("x"))

    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as data:
        sides = [(ours, command, marker), (theirs, empty, EMPTY_MARKER)]
        for run in range(-1, options.runs):  # the first pair only warms the caches
            for times, program, sign in sides if run % 2 else reversed(sides):
                seconds = first_frame(program, sign, (columns, rows), data)
                if run >= 0:
                    times.append(seconds)

    ratio = statistics.median(ours) / statistics.median(theirs)
    for name, times in (("home screen", ours), ("empty app", theirs)):
        print(f"{name:12} median {statistics.median(times) * 1000:4.0f} ms   best {min(times) * 1000:4.0f} ms")
    pairs = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"first frame  {ratio:.2f} × the empty app's   (single pairs: {pairs[0]:.2f} to {pairs[-1]:.2f})")
    return int(options.limit is not None and ratio > options.limit)


if __name__ == "__main__":
    sys.exit(main())
