"""Key to repainted screen, in the player and elsewhere, and to an empty app's repaint, in one run: milliseconds.

    python benchmarks/keys.py [--size 160x48] [--presses 60] [home what-if 8-8-8-matrix ...]

Drives the real app in a pseudo-terminal and times from writing the key to the end of the burst of
output that it causes. The player with networks from 2-2-1 to 16-16-16 and 784-30-10; the other screens with 8-8-8,
what trains with XOR.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from pathlib import Path


def lesson(sizes: list[int], folder: Path, level: str = "scalar") -> Path:
    """A lesson file with sigmoid layers of these sizes and a softmax output."""
    name, many = "-".join(map(str, sizes)), sizes[-1] > 1
    lines = ["format = 1", f'title = "{name}"', f'level = "{level}"', "[network]", f"inputs = {sizes[0]}"]
    lines.append('loss = "cross_entropy"' if many else 'loss = "half_squared_error"')
    for at, units in enumerate(sizes[1:], start=1):
        activation = "sigmoid" if at < len(sizes) - 1 else "softmax" if many else "linear"
        lines += ["[[network.layers]]", f"units = {units}", f'activation = "{activation}"']
    numbers = ", ".join(str((i * 37 % 19 - 9) / 10) for i in range(sizes[0]))
    lines += ["[[examples]]", f"inputs = [{numbers}]", "target = 1" if many else "targets = [1]"]
    path = folder / f"{name}-{level}.toml"
    path.write_text("\n".join(lines))
    return path


EMPTY_APP = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    count = 0
    def compose(self): yield Static("first")
    def on_key(self): self.count += 1; self.query_one(Static).update(f"line {self.count}")
Empty().run()
"""


class Terminal:
    """A program in a pseudo-terminal of a given size; what it draws is read and thrown away."""

    def __init__(self, command: list[str], columns: int, rows: int, environment: dict[str, str]):
        self.process, self.fd = pty.fork()
        if self.process == 0:
            terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execvpe(command[0], command, {**os.environ, **environment, **terminal})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def settle(self, quiet: float, limit: float = 20, first: float = 0.0) -> float | None:
        """Read until nothing came for `quiet` seconds, or for `first` where that is more and nothing has come yet.

        The time of the last output, None if there was none.
        """
        last, end = None, time.perf_counter() + limit
        while time.perf_counter() < end:
            ready, _, _ = select.select([self.fd], [], [], quiet if last else max(first, quiet))
            if not ready:
                return last
            try:
                os.read(self.fd, 1 << 16)
            except OSError:  # the program has ended
                return last
            last = time.perf_counter()
        return last

    def press(self, key: str) -> float | None:
        """Milliseconds from the key to the last output it causes; None if it caused none."""
        start = time.perf_counter()
        os.write(self.fd, key.encode())
        last = self.settle(0.06, first=1.0)  # a busy machine may take long to begin
        return None if last is None else (last - start) * 1000

    def close(self) -> None:
        os.kill(self.process, signal.SIGTERM)
        self.settle(0.2, 2)
        os.close(self.fd)
        os.waitpid(self.process, 0)


DOWN, UP, RIGHT, LEFT, PAGE_DOWN = "\x1b[B", "\x1b[A", "\x1b[C", "\x1b[D", "\x1b[6~"
TRAINED = ["x", "g", "400", "\r"]
# Of each screen: the lesson (None: the list of lessons), how to come to it, and the two keys that are pressed by turns.
SCREENS: dict[str, tuple[str | None, list[str], tuple[str, str]]] = {
    "home": (None, [], (DOWN, UP)),
    "what-if, another number": ("8-8-8", ["w"], (DOWN, UP)),
    "what-if, a little more": ("8-8-8", ["w"], (RIGHT, LEFT)),
    "the network": ("8-8-8", ["m"], (RIGHT, LEFT)),
    "pictures of a step": ("8-8-8", ["v"], (DOWN, UP)),
    "the chain": ("8-8-8", ["g", "dL/dW1[1,1]", "\r", "c"], (RIGHT, LEFT)),
    "training, pick": ("xor", TRAINED, (LEFT, RIGHT)),
    "landscape": ("xor", [*TRAINED, "v"], (LEFT, RIGHT)),
    "sweep, pick": ("xor", ["W", "\r"], (LEFT, RIGHT)),
    "map of a sweep, pick": ("momentum", ["W", DOWN, DOWN, "\r"], (LEFT, RIGHT)),
    "glossary": ("xor", ["f"], (DOWN, UP)),
}


def measure(
    command: list[str], keys: list[str], size: tuple[int, int], environment: dict[str, str], before: Sequence[str] = ()
) -> list[float]:
    """The times of the keys, once the introduction is read and what is pressed `before` has come to an end."""
    terminal = Terminal(command, *size, environment)
    terminal.settle(1.0)
    if "play" in command:
        terminal.press("\r")  # past the introduction
        terminal.settle(0.3)
    for key in before:
        terminal.press(key)
        terminal.settle(1.0)
    times = [terminal.press(key) for key in keys]
    terminal.close()
    return [ms for ms in times if ms is not None]


def report(name: str, times: list[float], base: float) -> float:
    if not times:
        print(f"{name:26} these keys draw nothing", flush=True)
        return base
    ordered = sorted(times)
    median, p95 = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    print(
        f"{name:26} median {median:6.1f} ms   p95 {p95:6.1f} ms   median / empty {median / (base or median):5.2f}",
        flush=True,
    )
    return median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="160x48")
    parser.add_argument("--presses", type=int, default=60)
    parser.add_argument("only", nargs="*", help="parts of the names of those that are measured; default: all")
    args = parser.parse_args()
    columns, rows = map(int, args.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        data = {"BACKPROP_TUTOR_DATA": folder}
        empty = measure([sys.executable, "-c", EMPTY_APP], ["a"] * args.presses, (columns, rows), data)
        base = report("an empty app (one line)", empty, 0)
        for sizes in ([2, 2, 1], [4, 3, 1], [8, 8, 8], [16, 16, 16], [784, 30, 10]):
            for level in ("scalar", "matrix"):
                path = lesson(sizes, Path(folder), level)
                if args.only and not any(part in path.stem for part in args.only):
                    continue
                symbol, step = ("\x1b[6~", "n") if level == "scalar" else ("n", "n")
                keys = ([symbol] * 10 + [step, "b"] * 50)[: args.presses]
                command = [sys.executable, "-m", "tutor", "play", str(path)]
                report(path.stem, measure(command, keys, (columns, rows), data), base)
        for name, (played, before, pair) in SCREENS.items():
            if args.only and not any(part in name for part in args.only):
                continue
            path = lesson([8, 8, 8], Path(folder)) if played == "8-8-8" else played
            command = [sys.executable, "-m", "tutor", *(["play", str(path)] if path else [])]
            keys = (list(pair) * 50)[: args.presses]
            report(name, measure(command, keys, (columns, rows), data, before), base)


if __name__ == "__main__":
    main()
