"""Opening a 784-30-10 lesson against a 2-2-1 one: from the start of the process to the introduction over the player.

python benchmarks/opening.py [--runs 7] [--limit 250]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from keys import lesson
from startup import first_frame


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--limit", type=float, default=250, help="milliseconds more that the large one may take")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = [lesson(sizes, Path(folder)) for sizes in ([2, 2, 1], [784, 30, 10])]
        times: list[list[float]] = [[], []]
        for _ in range(args.runs):
            for path, found in zip(paths, times, strict=True):
                command = [sys.executable, "-m", "tutor", "play", str(path)]
                found.append(first_frame(command, "Enter begins", (160, 48), folder) * 1000)
    small, large = (statistics.median(found) for found in times)
    print(f"2-2-1      median {small:6.0f} ms")
    print(f"784-30-10  median {large:6.0f} ms   {large - small:+.0f} ms   {large / small:.2f} ×")
    return int(large - small > args.limit)


if __name__ == "__main__":
    sys.exit(main())
