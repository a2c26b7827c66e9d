"""What commands take from start to end: CPU seconds beside those of `python -c pass`, taking turns in one run.

    python benchmarks/commands.py [--rounds 9] [--beside FOLDER]

The best round of each counts, since noise only adds. `--beside` is another checkout of this repository, such as `git
archive` makes: the same commands are run there, and the ratio of the two is told.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ("--version", "--help", "list", "grade xor z1[1] 1", "check xor", "trace xor")


def seconds(arguments: list[str], root: Path) -> float:
    """The CPU time of a Python process with these arguments, which imports what is in `root`."""
    environment = os.environ | {"PYTHONPATH": str(root)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # the first round compiles what is new
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *arguments], cwd=root, env=environment, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{arguments} ended with {done.returncode}: {done.stderr[-300:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def arguments(command: str, root: Path) -> list[str]:
    """Those of a command; what `check` reads is a file."""
    parts = command.split()
    if parts[0] == "check":
        parts[1] = str(next((root / "lessons").glob(f"*-{parts[1]}.toml")))
    return ["-m", "tutor", *parts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--beside", type=Path, help="another checkout")
    options = parser.parse_args()
    roots = [ROOT, *([options.beside.resolve()] if options.beside else [])]
    sides = {("python -c pass", ROOT): ["-c", "pass"], ("import numpy", ROOT): ["-c", "import numpy"]}
    sides |= {(command, root): arguments(command, root) for command in COMMANDS for root in roots}
    best = dict.fromkeys(sides, float("inf"))
    for at in range(-1, options.rounds):  # the first only warms the caches
        for (name, root), given in sides.items():
            taken = seconds(given, root)
            if at >= 0:
                best[name, root] = min(best[name, root], taken)
    base = best["python -c pass", ROOT]
    for (name, root), taken in best.items():
        if root == ROOT:
            beside = best.get((name, roots[-1]), taken)
            other = f"   {taken / beside:5.2f} × of what it takes there" if name in COMMANDS and len(roots) > 1 else ""
            print(f"{name:20} {1000 * taken:6.0f} ms   {taken / base:5.1f} × python -c pass{other}")


if __name__ == "__main__":
    main()
