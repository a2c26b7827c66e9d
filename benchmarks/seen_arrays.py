"""Mistakes found in the world in the layers of today, for `diagnosis.py`: the layers in plain NumPy, right and wrong.

As in `seen.py`: what people's own code did, apart from the tutor's table and engine. `draw` makes a lesson of random
numbers, its lines and what each value is; `wrong` says which number a mistake gives in the step where it is made.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tutor.engine.lesson import Lesson
from tutor.lessonfiles.check import load

GITHUB = "https://github.com/"
Numbers = dict[str, np.ndarray]


@dataclass(frozen=True)
class Mistake:
    """What somebody's code did: the names of the tutor's table that say so, where it was seen, the wrong step."""

    name: str
    expected: frozenset[str]
    source: str
    step: str
    value: Callable[[Numbers], np.ndarray]


def soft(z, axis=-1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# ---------------------------------------------------------------- three layers, forward and back

LINES = {
    "attention": """Q = X @ Wq
        K = X @ Wk
        V = X @ Wv
        S = causal(Q @ K.T / sqrt(3))
        P = softmax(S)
        O = P @ V + b
        L = sum((O - Y)**2) / 2""",
    "norm": """m = mean(x, axis=0)
        d = x - m
        v = mean(d**2, axis=0)
        n = d / sqrt(v + 0.1)
        h = g * n + b
        L = sum(h * C)""",
    "recurrence": """a1 = tanh(U @ x1 + W @ a0 + b)
        a2 = tanh(U @ x2 + W @ a1 + b)
        a3 = tanh(U @ x3 + W @ a2 + b)
        L = sum(a3 * y) + sum(a2 * y)""",
}
SHAPES = {
    "attention": {"X": (4, 3), "Wq": (3, 3), "Wk": (3, 3), "Wv": (3, 2), "b": (2,), "Y": (4, 2)},
    "norm": {"x": (4, 3), "g": (3,), "b": (3,), "C": (4, 3)},
    "recurrence": {"x1": (2,), "x2": (2,), "x3": (2,), "a0": (3,), "U": (3, 2), "W": (3, 3), "b": (3,), "y": (3,)},
}
DATA = {"attention": ("Y",), "norm": ("C",), "recurrence": ("y",)}


def worked_out(layer: str, n: Numbers) -> Numbers:
    """All right numbers of a layer, by short names of their own."""
    n = dict(n)
    if layer == "attention":
        n |= {"Q": n["X"] @ n["Wq"], "K": n["X"] @ n["Wk"], "V": n["X"] @ n["Wv"]}
        n["raw"] = n["Q"] @ n["K"].T
        n["S"] = np.where(np.tri(4) > 0, n["raw"] / np.sqrt(3), -np.inf)
        n["P"] = soft(n["S"])
        n["dO"] = n["P"] @ n["V"] + n["b"] - n["Y"]
        n["dP"] = n["dO"] @ n["V"].T
        n["dS"] = n["P"] * (n["dP"] - (n["dP"] * n["P"]).sum(axis=1, keepdims=True))
        n["draw"] = n["dS"] / np.sqrt(3)
    elif layer == "norm":
        n["d"] = n["x"] - n["x"].mean(axis=0)
        n["v"] = (n["d"] ** 2).mean(axis=0)
        n["dn"] = n["C"] * n["g"]
    else:
        n["a1"] = np.tanh(n["U"] @ n["x1"] + n["W"] @ n["a0"] + n["b"])
        n["a2"] = np.tanh(n["U"] @ n["x2"] + n["W"] @ n["a1"] + n["b"])
        n["a3"] = np.tanh(n["U"] @ n["x3"] + n["W"] @ n["a2"] + n["b"])
        n["dz3"] = n["y"] * (1 - n["a3"] ** 2)
        n["da2"] = n["y"] + n["W"].T @ n["dz3"]
        n["dz2"] = n["da2"] * (1 - n["a2"] ** 2)
    return n


def _mistake(layer: str, name: str, expected: str, source: str, step: str, value: Callable[[Numbers], np.ndarray]):
    MISTAKES[layer].append(Mistake(name, frozenset(expected.split()), GITHUB + source, step, value))


MISTAKES: dict[str, list[Mistake]] = {layer: [] for layer in LINES}
for _each in (
    ("attention", "unscaled", "scale-forgotten", "delzac/cntkx/issues/10", "S.2", lambda n: n["raw"]),
    ("attention", "unmasked", "mask-forgotten", "paiml/entrenar/issues/310", "P",
     lambda n: soft(n["raw"] / np.sqrt(3))),
    ("attention", "down the columns", "softmax-columns", "PetrochukM/PyTorch-NLP/issues/2", "P",
     lambda n: soft(n["S"], axis=0)),
    ("attention", "diagonal alone", "softmax-diagonal", "deeplearning4j/libnd4j/issues/440", "dL/dS",
     lambda n: n["dP"] * n["P"] * (1 - n["P"])),
    ("attention", "mean of the rows", "mean-for-sum-of-array", "kvfrans/notes/issues/5", "dL/db",
     lambda n: n["dO"].mean(axis=0)),
    ("attention", "not transposed", "factor-turned", "nntrainer/nntrainer/issues/705", "dL/dK",
     lambda n: n["draw"] @ n["Q"]),
    ("norm", "n − 1", "n-minus-one", "uxlfoundation/oneDNN/issues/517", "v", lambda n: n["v"] * 4 / 3),
    ("norm", "eps behind the root", "eps-outside", "taokong/group_normalization/issues/1", "n.2",
     lambda n: np.sqrt(n["v"]) + 0.1),
    ("norm", "statistics constant", "norm-constants", "mlpack/mlpack/pull/1327", "dL/dx",
     lambda n: n["dn"] / np.sqrt(n["v"] + 0.1)),
    ("norm", "rows not added", "repeats-not-summed", "deeplearning4j/nd4j/issues/2424", "dL/db", lambda n: n["C"][0]),
    ("norm", "mean of the rows", "mean-for-sum-of-array", "kvfrans/notes/issues/5", "dL/db",
     lambda n: n["C"].mean(axis=0)),
    ("recurrence", "nothing from later", "not-through-time", "CaptainE/RNN-LSTM-in-numpy/issues/1", "dL/da2",
     lambda n: n["y"]),
    ("recurrence", "last step alone", "not-through-time", "CaptainE/RNN-LSTM-in-numpy/issues/1", "dL/dW",
     lambda n: np.outer(n["dz3"], n["a2"])),
    ("recurrence", "one step for all", "one-use-for-sum", "Burton2000/CS231n-2017/issues/7", "dL/db",
     lambda n: n["dz2"]),
    ("recurrence", "W for its transpose", "factor-turned",
     "makeyourownneuralnetwork/makeyourownneuralnetwork/issues/77", "dL/da1", lambda n: n["W"] @ n["dz2"]),
):  # fmt: skip
    _mistake(*_each)


def draw(layer: str, rng: random.Random) -> tuple[Lesson, Numbers]:
    """A lesson of this layer, and its numbers: of one decimal, none of them 0."""
    numbers = np.random.default_rng(rng.getrandbits(32))
    given = {
        name: np.round(numbers.choice((-1, 1), shape) * numbers.uniform(0.1, 1.5, shape), 1)
        for name, shape in SHAPES[layer].items()
    }
    quoted = ", ".join(f'"{line.strip()}"' for line in LINES[layer].splitlines())
    listed = "\n".join(f"{name} = {value.tolist()}" for name, value in given.items())
    head = f'format = 1\ntitle = "{layer}"\n[circuit]\noutput = "L"\ndata = {list(DATA[layer])}\n'
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{layer}.toml"
        path.write_text(f"{head}define = [{quoted}]\n[circuit.inputs]\n{listed}\n", encoding="utf-8")
        return load(path), given


def planted(rng: random.Random) -> Iterator[tuple[Lesson, Mistake, np.ndarray]]:
    """For a drawn lesson of each layer, each mistake and the numbers that it gives in its step."""
    for layer, mistakes in MISTAKES.items():
        lesson, given = draw(layer, rng)
        right = worked_out(layer, given)
        for mistake in mistakes:
            yield lesson, mistake, mistake.value(right)
