"""The picture of a lesson at 160 × 48, anew and from one step to the next: milliseconds and ratios, in one run.

    python benchmarks/diagram.py [--size 160x48] [--repeat 40]

`anew` draws everything; `step` goes on by one step, with the edges kept that stay the same. Beside them
the time of an empty canvas of the same size, so that machines compare.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from keys import lesson

from tutor.engine.trace import trace
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.pictures.canvas import Canvas
from tutor.pictures.diagram import diagram
from tutor.play import playback
from tutor.text.card import Scribe


def milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def measure(path: Path, level: str, columns: int, rows: int, repeat: int) -> tuple[list[float], list[float]]:
    """Times of drawing anew, and of each step on from the one before, over all phases of a lesson."""
    t = trace(load(path))
    cursor = playback.set_level(playback.start(t.lesson), level)
    stops = [eq.symbol.id for eq in t.equations]
    anew, steps = [], []
    for id in stops[:: max(1, len(stops) // 10)]:
        cursor = playback.set_level(playback.jump(cursor, t, id), level)
        scribe = Scribe(t, cursor.notation)
        anew.append(milliseconds(partial(diagram, t, scribe, playback.current(cursor, t), cursor, columns, rows)))
        for _ in range(max(repeat // 10, 1)):
            cursor = playback.forward(cursor, t) or cursor
            steps.append(milliseconds(partial(diagram, t, scribe, playback.current(cursor, t), cursor, columns, rows)))
    return anew, steps


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="160x48")
    parser.add_argument("--repeat", type=int, default=40)
    options = parser.parse_args()
    columns, rows = map(int, options.size.split("x"))
    lessons = {entry.id: Path(entry.path) for entry in catalogue.entries()}
    bare = statistics.median(milliseconds(Canvas(columns, rows).picture) for _ in range(50))
    print(f"{columns} × {rows}; an empty canvas {bare:.2f} ms")
    print(f"{'lesson':16} {'level':7} {'anew':>8} {'step':>8} {'p95':>8} {'step/empty':>11}")
    with tempfile.TemporaryDirectory() as folder:
        for sizes in ([2, 2, 1], [4, 3, 1], [16, 16, 16], [784, 30, 10]):
            lessons["-".join(map(str, sizes))] = lesson(sizes, Path(folder))
        for name, path in lessons.items():
            for level in ("scalar", "matrix"):
                anew, steps = measure(path, level, columns, rows, options.repeat)
                first, middle = statistics.median(anew), statistics.median(steps)
                high = statistics.quantiles(steps, n=20)[-1]
                print(f"{name:16} {level:7} {first:8.2f} {middle:8.2f} {high:8.2f} {middle / bare:11.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
