"""Large things: CPU seconds and peak memory to open each and to compute its first iteration, a process each.

    python benchmarks/large.py [written parameters rows gates layers sweep map landscape]

`sweep` is 200 runs × 2,000 iterations of XOR over learning rates, `map` as many of 24 × 12 pairs of learning rate and
first weights, `landscape` its heights after 400 iterations. CPU seconds, since wall time on a busy machine says
little; what Python and NumPy take to start is not counted.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tutor.engine.lesson import Lesson

HEAD = 'format = 1\ntitle = "Large"\nlevel = "matrix"\n'
LAYER = '[[network.layers]]\nunits = {}\nactivation = "{}"\n'


def numbers(count: int) -> str:
    return "[" + ", ".join(repr(random.gauss(0, 0.1)) for _ in range(count)) + "]"


def written(_: Path) -> str:
    """784-30-10 with all its weights and 120 examples written out."""
    text = HEAD + '[network]\ninputs = 784\nloss = "cross_entropy"\n'
    for units, inputs, name in ((30, 784, "sigmoid"), (10, 30, "softmax")):
        rows = ",\n".join(numbers(inputs) for _ in range(units))
        text += LAYER.format(units, name) + f"weights = [{rows}]\nbiases = {numbers(units)}\n"
    return text + "".join(f"[[examples]]\ninputs = {numbers(784)}\ntarget = {k % 10 + 1}\n" for k in range(120))


def parameters(_: Path) -> str:
    """3,000-3,300-10: 9.9 million drawn parameters."""
    text = HEAD + '[network]\ninputs = 3000\nloss = "cross_entropy"\n'
    text += LAYER.format(3300, "relu") + LAYER.format(10, "softmax")
    return text + f"[[examples]]\ninputs = {numbers(3000)}\ntarget = 3\n"


def rows(folder: Path) -> str:
    """100,000 rows of four numbers and a target in a CSV."""
    lines = (",".join(f"{random.gauss(0, 1):.4f}" for _ in range(5)) for _ in range(100_000))
    (folder / "rows.csv").write_text("a,b,c,d,y\n" + "\n".join(lines) + "\n")
    text = HEAD + 'examples = "rows.csv"\n[network]\ninputs = ["a", "b", "c", "d"]\nloss = "half_squared_error"\n'
    text += LAYER.format(8, "tanh") + LAYER.format('["y"]', "linear")
    return text + "[training]\nlearning_rate = 0.1\nbatch = 100\n"


def gates(_: Path) -> str:
    """A chain of 1,000 gates."""
    define = ["g1 = x * 0.5"] + [f"g{k} = {f'sin(g{k - 1})' if k % 2 else f'g{k - 1} + 0.1'}" for k in range(2, 1001)]
    return HEAD + f'[circuit]\ninputs = {{x = 0.5}}\ndefine = {json.dumps(define)}\noutput = "g1000"\n'


def layers(_: Path) -> str:
    """60 layers of four units."""
    text = HEAD + '[network]\ninputs = 4\nloss = "half_squared_error"\n' + LAYER.format(4, "tanh") * 60
    return text + "[[examples]]\ninputs = [1, 0, 0.5, 1]\ntargets = [1, 0, 0, 1]\n"


MADE = {make.__name__: make for make in (written, parameters, rows, gates, layers)}


def sweep(lesson: Lesson) -> str:
    from tutor.play.sweep import Sweep, spaced

    made = Sweep(lesson, "learning_rate", spaced("learning_rate", 0.01, 10, 200, True))
    made.train(500)
    return f"{len(made.regions())} regions"


def sweep_map(lesson: Lesson) -> str:
    from tutor.play.sweep_map import runs_of

    made = runs_of(lesson, "learning_rate 0.01..10 and initial_scale 0.1..10")
    made.train(500)
    return made.words()[0]


def landscape(lesson: Lesson) -> str:
    from tutor.engine.landscape import Landscape
    from tutor.engine.run import Run

    run = Run(lesson)
    run.train(400)
    made = Landscape(run, 400)
    made.grid(made.window())
    return f"{made.points} × {made.points} heights over {made.x.id} and {made.y.id}"


RUNS = {"sweep": sweep, "map": sweep_map, "landscape": landscape}


def measure(name: str) -> str:
    """A line on one of them, in this process."""
    from tutor.engine.trace import trace
    from tutor.lessonfiles.catalogue import find
    from tutor.lessonfiles.check import load

    random.seed(7)
    with tempfile.TemporaryDirectory() as folder:
        if name in RUNS:
            path = find("xor")
            assert path
            lesson, began = load(path), time.process_time()
            found = RUNS[name](lesson)
            return f"| {name} | {time.process_time() - began:.2f} s | {found} |"
        path = Path(folder) / "large.toml"
        path.write_text(MADE[name](Path(folder)))
        size, began = path.stat().st_size, time.process_time()
        lesson = load(path)
        loaded = time.process_time()
        equations = len(trace(lesson).equations)
        ended = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"| {MADE[name].__doc__} | {size / 1e6:.1f} MB | {loaded - began:.2f} s | {ended - loaded:.2f} s"
        f" | {peak:.0f} MB | {equations:,} steps |"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(measure(sys.argv[2]))
    else:
        for asked in sys.argv[1:] or [*MADE, *RUNS]:
            subprocess.run([sys.executable, __file__, "--one", asked], check=False)
