"""All figures on speed in one run, with the machine named: for README and docs, on a machine that does nothing else.

    python benchmarks/speed.py [--beside FOLDER]

Training against a tight NumPy loop (and PyTorch and JAX where they can be imported), with and without C; sweeps, a map,
a landscape and large lessons; the first frame; commands (`--beside`: against another checkout's); keys. Some twenty
minutes.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = (
    ("training.py", "--others"),
    ("training.py", "--without-c"),
    ("large.py",),
    ("startup.py", "--runs", "31"),
    ("commands.py",),
    ("keys.py", "--size", "160x48"),
    ("keys.py", "--size", "80x24"),
)


def machine() -> str:
    """What it is, and how busy."""
    name = platform.processor() or platform.machine()
    about = Path("/proc/cpuinfo")
    if about.exists():
        lines = about.read_text(encoding="utf-8").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}{busy}"


def main() -> None:
    print(time.strftime("%Y-%m-%d"), machine(), flush=True)
    for script, *options in SCRIPTS:
        options += sys.argv[1:] if script == "commands.py" else []
        print("\n##", script, *options, flush=True)
        subprocess.run([sys.executable, str(HERE / script), *options], check=False)


if __name__ == "__main__":
    main()
