"""How long it takes to see any iteration that training has passed, all its values included.

    python benchmarks/seek.py [--seeks 200]

A tiny lesson after 100,000 iterations and 784-30-10 after 10,000: iterations drawn at random, the median time of
`Run.iteration`; the parameters must be those that training saw, bit for bit (its snapshots are the reference).
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time

import numpy as np
from training import lesson_of

from tutor.engine.run import Run

# network -> iterations, the median that is asked for in milliseconds
WANTED = {
    "2-2-1": (100_000, 3.0),
    "2-2-2x4": (100_000, 3.0),
    "784-30-10": (10_000, 10.0),
    "784-30-10x32": (10_000, 10.0),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeks", type=int, default=200)
    args = parser.parse_args()
    failed = 0
    for name, (iterations, wanted) in WANTED.items():
        run, rng, seen = Run(lesson_of(name)), random.Random(1), {}
        began = time.perf_counter()
        for stop in sorted(rng.sample(range(1, iterations), 20)):  # what training itself has on the way
            run.train(stop)
            seen[stop + 1] = run._carried.flat.copy()
        run.train(iterations)
        taken = (time.perf_counter() - began) / iterations
        for number, flat in seen.items():
            found = run.iteration(number)
            for key in run._carried.slices:
                assert np.array_equal(found.values[key], run._carried.view(key, flat)), (name, number, key)
        times = []
        for number in (rng.randint(1, iterations) for _ in range(args.seeks)):
            began = time.perf_counter()
            run.iteration(number)
            times.append(1e3 * (time.perf_counter() - began))
        median, worst = statistics.median(times), sorted(times)[int(0.95 * len(times))]
        megabytes = sum(flat.nbytes for flat in run.kept.values()) / 2**20
        failed += median > wanted
        verdict = "ok" if median <= wanted else "MISSED"
        print(
            f"{name:14} {iterations:,} iterations at {taken * 1e6:.1f} µs; seek: median {median:.2f} ms,"
            f" p95 {worst:.2f} ms, wanted {wanted:g} ms: {verdict}; {len(run.kept)} kept, {megabytes:.1f} MB"
        )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
