"""Lessons about arrays against network lessons of the same count of numbers, in one run: training, opening, keys.

    python benchmarks/arrays.py [training opening keys] [--rounds 9] [--presses 80]

Training: the array spelling of a network (weights, biases, sigmoids, half squared error, examples, a batch) may take
1.2 × of the network lesson; both start from the same numbers, and losses and parameters must agree to 1e-9.
Opening: a transformer block of 8 tokens × 16 wide, from the start of the process to its introduction, may take 300 ms
more than `gates`. Keys: the block's p95 from key to paint is to be under 40 ms, and its median that of a network of
about as many numbers.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from keys import lesson as network_file
from keys import measure, report
from startup import ROOT, first_frame
from training import lesson_of, made_in, ours, seconds

from tutor.engine.forward import initial_parameters
from tutor.engine.lesson import Lesson
from tutor.lessonfiles.check import load

TRAINED = ("4-8-3", "4-8-3x32", "64-32-10", "64-32-10x32")
RATIO, MORE, P95 = 1.2, 300.0, 40.0
SPELLING = """
format = 1
title = "{name}"
[circuit]
define = ["z1 = W1 @ x + b1", "a1 = sigmoid(z1)", "z2 = W2 @ a1 + b2", "a2 = sigmoid(z2)", "L = sum((a2 - y)**2) / 2"]
output = "L"
data = ["x", "y"]
[circuit.inputs]
W1 = {W1}
b1 = {b1}
W2 = {W2}
b2 = {b2}
[training]
learning_rate = {rate!r}
batch = {batch}
{examples}
"""


def spelled(network: Lesson, folder: Path) -> Lesson:
    """The same network as an author's equations, by way of a file."""
    first, training = initial_parameters(network), network.training
    assert training is not None
    rows = zip(network.inputs.tolist(), network.targets.tolist(), strict=True)
    values = {id: np.asarray(value).tolist() for id, value in first.items()}
    examples = "\n".join(f"[[examples]]\nx = {x}\ny = {y}" for x, y in rows)
    path = folder / f"{network.title}.toml"
    path.write_text(
        SPELLING.format(
            name=network.title, rate=training.learning_rate, batch=training.batch, examples=examples, **values
        )
    )
    return load(path)


def compare_training(rounds: int) -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in TRAINED:
            network = lesson_of(name)
            circuit = spelled(network, Path(folder))
            (losses, values), (true, others) = ours(circuit)(200), ours(network)(200)
            np.testing.assert_allclose(losses, true, rtol=1e-9)
            for id, value in others.items():
                np.testing.assert_allclose(values[id], value, rtol=1e-9, atol=1e-12)
            count = max(50, int(0.05 * 50 / seconds(ours, network, 50)))
            taken = [[seconds(ours, one, count) / count for one in (circuit, network)] for _ in range(rounds)]
            mine, theirs = map(min, zip(*taken, strict=True))
            verdict = "ok" if mine <= RATIO * theirs else "MISSED"
            failed += verdict != "ok"
            print(
                f"{name:12} arrays {mine * 1e6:7.2f} µs   network {theirs * 1e6:7.2f} µs   {mine / theirs:5.2f} ×"
                f"   wanted at most {RATIO} ×: {verdict}   code made in {made_in(circuit) * 1e3:.0f} ms",
                flush=True,
            )
    return failed


BLOCK = [
    "Q = X @ Wq", "K = X @ Wk", "V = X @ Wv", "S = Q @ K.T / sqrt({wide})", "P = softmax(causal(S))",
    "O = P @ V @ Wo", "R = norm(X + O) * g1 + b1", "H = gelu(R @ W1 + c1)", "F = H @ W2 + c2",
    "Z = norm(R + F) * g2 + b2", "L = sum((Z - Y)**2) / 2",
]  # fmt: skip


def block(folder: Path, level: str, tokens: int = 8, wide: int = 16) -> Path:
    """The file of a transformer block, with a hidden layer of four times its width."""
    rng, square = np.random.default_rng(1), (wide, wide)
    shapes = {"X": (tokens, wide), "Wq": square, "Wk": square, "Wv": square, "Wo": square}
    shapes |= {"g1": (wide,), "b1": (wide,), "W1": (wide, 4 * wide), "c1": (4 * wide,), "W2": (4 * wide, wide)}
    shapes |= {"c2": (wide,), "g2": (wide,), "b2": (wide,), "Y": (tokens, wide)}
    lines = ["format = 1", 'title = "Block"', f'level = "{level}"', "[circuit]"]
    lines.append("define = [" + ", ".join(f'"{line.format(wide=wide)}"' for line in BLOCK) + "]")
    lines += ['output = "L"', 'data = ["X", "Y"]', "[circuit.inputs]"]
    lines += [f"{name} = {np.round(rng.normal(0, 0.4, shape), 2).tolist()}" for name, shape in shapes.items()]
    path = folder / f"block-{level}.toml"
    path.write_text("\n".join([*lines, "[training]", "learning_rate = 0.01"]) + "\n")
    return path


def compare_opening(rounds: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        # As many numbers as the block has: 3,152 parameters.
        large = {"block": block(Path(folder), "matrix"), "network": network_file([32, 64, 16], Path(folder), "matrix")}
        paths = {"gates": ROOT / "lessons" / "03-gates.toml", **large}
        times: dict[str, list[float]] = {name: [] for name in paths}
        for _ in range(rounds):
            for name, path in paths.items():
                command = [sys.executable, "-m", "tutor", "play", str(path)]
                times[name].append(first_frame(command, "Enter begins", (160, 48), folder) * 1000)
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, median in medians.items():
        print(f"{name:12} opens in {median:6.0f} ms   {median - medians['gates']:+5.0f} ms", flush=True)
    return int(medians["block"] - medians["gates"] > MORE)


def compare_keys(presses: int) -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        data = {"BACKPROP_TUTOR_DATA": folder}
        for level, keys in (("matrix", ["n", "n", "b"]), ("scalar", ["\x1b[6~", "\x1b[6~", "n", "b"])):
            for path in (network_file([32, 64, 16], Path(folder), level), block(Path(folder), level)):
                command = [sys.executable, "-m", "tutor", "play", str(path)]
                times = sorted(measure(command, (keys * presses)[:presses], (160, 48), data))
                report(path.stem, times, 0)
                failed += "block" in path.stem and times[int(len(times) * 0.95)] > P95
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["training", "opening", "keys"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--presses", type=int, default=80)
    args = parser.parse_args()
    failed = 0
    if "training" in args.parts:
        failed += compare_training(args.rounds)
    if "opening" in args.parts:
        failed += compare_opening(args.rounds)
    if "keys" in args.parts:
        failed += compare_keys(args.presses)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
