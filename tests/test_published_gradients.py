"""Gradients that others published for the layers of today: each is recomputed by a nudge, then held to ours.

The nudge is an imaginary 10⁻³⁰ at one number of a forward pass in plain NumPy, so nothing of a backward pass is shared.
Of layer norm only the gain's gradient was found beside numbers to compute it from, none of its input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from test_published_layers import made, sigmoid

COURSE = "DeepLearning.AI, Sequence Models and Convolutional Neural Networks, programming assignments (expected output)"
BURN = "tracel-ai/burn, crates/burn-tensor-tests/src/autodiff (numbers of PyTorch)"
DFDX = "coreylowman/dfdx, dfdx/src/nn/layers/batch_norm1d.rs"
TF = "tensorflow/tensorflow, tensorflow/python/kernel_tests/nn_ops/pooling_ops_test.py"
GAONKAR = "Gaonkar, Attention to Tiling, 2025, gaonkar.github.io"
MINDSPORE = "mindspore-ai/mindspore, tests of LayerNormV3 (test_layer_norm_grad_v3_dynamic_shape)"
RUNTIME = "microsoft/onnxruntime, orttraining/orttraining/test/training_ops/cpu/rnn/gru_test.cc, BackwardCompute"
STATS = "stats.stackexchange.com/questions/414301, 2D max pool gradient propagation"


@dataclass(frozen=True)
class Case:
    """`lines` and `inputs` make the circuit, with the output s; `data` of the inputs have no gradient wanted.

    `published` are gradients by id, each whole or of one element, as far off as `digits`; `forward` is s in NumPy.
    """

    name: str
    source: str
    lines: tuple[str, ...]
    inputs: dict[str, Any]
    published: dict[str, Any]
    forward: Callable[..., Any]
    digits: float = 5e-9
    data: tuple[str, ...] = ()


def softmax(z):
    e = np.exp(z - z.real.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def log_softmax(z):
    z = z - z.real.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def pooled(x, size, stride, of):
    """A pool over the last two axes, in loops; `of` makes one number of a window."""
    rows, columns = ((n - size) // stride + 1 for n in x.shape[-2:])
    found = np.zeros((*x.shape[:-2], rows, columns), dtype=complex)
    for at in np.ndindex(*found.shape):
        *front, r, c = at
        found[at] = of(x[(*front, slice(r * stride, r * stride + size), slice(c * stride, c * stride + size))])
    return found


def first_largest(window):
    return window.flat[np.argmax(window.real)]  # of equal ones the first


def convolved(x, k, stride, padding):
    """A convolution of signals or images in channels, (batch, in, ...) with (out, in, ...), in loops."""
    axes = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0), *[(padding, padding)] * axes])
    size = k.shape[2:]
    places = [(n - m) // stride + 1 for n, m in zip(x.shape[2:], size, strict=True)]
    found = np.zeros((len(x), len(k), *places), dtype=complex)
    for e, out, *place in np.ndindex(*found.shape):
        cut = tuple(slice(p * stride, p * stride + m) for p, m in zip(place, size, strict=True))
        found[(e, out, *place)] = (x[(e, slice(None), *cut)] * k[out]).sum()
    return found


# ---------------------------------------------------------------- inputs as they were drawn, or as they were printed


def drawn(**shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The course's inputs: np.random.seed(1), then np.random.randn in this order."""
    numbers = np.random.RandomState(1)
    return {name: numbers.randn(*shape) for name, shape in shapes.items()}


def without(given: dict[str, np.ndarray], *names: str) -> dict[str, np.ndarray]:
    return {name: value for name, value in given.items() if name not in names}


CELL = without(
    drawn(x=(3, 10), a0=(5, 10), Wx=(5, 3), Wa=(5, 5), Wy=(2, 5), b=(5, 1), by=(2, 1), G=(5, 10)), "Wy", "by"
)
LSTM = without(
    drawn(x=(3, 10), a0=(5, 10), c0=(5, 10), Wf=(5, 8), bf=(5, 1), Wi=(5, 8), bi=(5, 1), Wo=(5, 8), bo=(5, 1),
          Wc=(5, 8), bc=(5, 1), Wy=(2, 5), by=(2, 1), G=(5, 10), H=(5, 10)), "Wy", "by",
)  # fmt: skip
TIME = without(
    drawn(x=(3, 10, 4), a0=(5, 10), Wx=(5, 3), Wa=(5, 5), Wy=(2, 5), b=(5, 1), by=(2, 1), G=(5, 10, 4)), "Wy", "by"
)
TIMES = {f"{name}{t + 1}": TIME[name][:, :, t] for name in ("x", "G") for t in range(4)} | without(TIME, "x", "G")
POOL = {name: np.moveaxis(value, -1, 1) for name, value in drawn(x=(5, 5, 3, 2), G=(5, 4, 2, 2)).items()}
# What stands beside it: y, and running averages of the mean and of the variance (n − 1) with a momentum of 0.1.
NORMED = np.array([[1.3168651, 0.19157785], [-1.1049646, -1.3092154], [-0.21190044, 1.1176374]])
MEAN, VAR = np.array([-0.09994803, 0.07696156]) / 0.1, (np.array([1.1536077, 0.9321649]) - 0.9) / 0.1 * 2 / 3
TIED = [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1]]
BACK = [[11, 12, 13], [15, 16, 17], [19, 20, 21]]
BURN_X = [[0.2479, 0.6386, 0.3166, 0.5742], [0.7065, 0.1940, 0.6305, 0.8959], [0.5416, 0.8602, 0.8129, 0.1662],
          [0.3358, 0.3059, 0.8293, 0.0990]]  # fmt: skip
LONG = np.array([
    [[0.061599, 0.14434, 0.50515], [0.45327, 0.096461, 0.94723], [0.65902, 0.83846, 0.85444],
     [0.73353, 0.7806, 0.27181]],
    [[0.45411, 0.72665, 0.4061], [0.0002488, 0.20886, 0.59652], [0.47231, 0.20873, 0.82748],
     [0.034535, 0.087611, 0.81984]],
])  # fmt: skip
GATES = {
    name: (np.array(W), np.array(U))
    for name, W, U in (
        ("i", [[0.5515, -1.0005, -0.9981], [-0.3744, -0.6567, -0.8902]], [[-0.4148, -0.1351], [0.2090, 0.4742]]),
        ("f", [[-0.7804, 0.5981, -0.9637], [0.9862, -0.1910, 0.1298]], [[-0.6913, 0.0456], [0.2024, 0.6486]]),
        ("g", [[-0.5881, -0.6989, 0.5698], [-0.5157, -0.5139, 0.8493]], [[0.1362, -0.0956], [0.3370, -0.3085]]),
        ("o", [[0.3309, -0.5226, -0.1362], [0.3765, 0.5327, 0.7626]], [[-0.2517, 0.0471], [-0.2644, 0.4771]]),
    )
}  # fmt: skip


def lstm_cell(x, a0, c0, Wf, bf, Wi, bi, Wo, bo, Wc, bc, G, H):
    z = np.concatenate([a0, x])
    c = sigmoid(Wf @ z + bf) * c0 + sigmoid(Wi @ z + bi) * np.tanh(Wc @ z + bc)
    return np.sum(sigmoid(Wo @ z + bo) * np.tanh(c) * G) + np.sum(c * H)


def recurrence(a0, Wx, Wa, b, **given):
    a, s = a0, 0
    for t in range(1, 5):
        a = np.tanh(Wx @ given[f"x{t}"] + Wa @ a + b)
        s = s + np.sum(a * given[f"G{t}"])
    return s


def lstm_over_time(x1, x2, h0, c0, **given):
    h, c, s = h0, c0, 0
    for x in (x1, x2):
        z = {g: x @ given[f"W{g}"].T + h @ given[f"U{g}"].T + given[f"b{g}"] for g in "ifgo"}
        c = sigmoid(z["f"]) * c + sigmoid(z["i"]) * np.tanh(z["g"])
        h = sigmoid(z["o"]) * np.tanh(c)
        s = s + h.sum() / 16
    return s


def gru_over_time(x1, x2, h0, G1, G2, **given):
    h, s = h0, 0
    for x, G in ((x1, G1), (x2, G2)):
        z, r = (sigmoid(x @ given[f"W{g}"].T + h @ given[f"R{g}"].T + given[f"b{g}"]) for g in "zr")
        h = (1 - z) * np.tanh(x @ given["Wn"].T + (r * h) @ given["Rn"].T + given["bn"]) + z * h
        s = s + np.sum(h * G)
    return s


def layer_norm(x, g, b):
    away = x - x.mean(1, keepdims=True)
    return np.sum(g * away / np.sqrt((away**2).mean(1, keepdims=True) + 1e-7) + b)


def batch_norm(x, g, b):
    away = x - x.mean(0)
    return np.exp(g * away / np.sqrt((away**2).mean(0) + 1e-5) + b).mean()


CASES = [
    Case(
        "attention", GAONKAR, ("S = Q @ K.T", "P = softmax(S)", "O = P @ V", "s = sum(O * G)"),
        {"Q": [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]],
         "K": [[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1]],
         "V": np.arange(1.0, 17).reshape(4, 4), "G": [[1] * 4, [0] * 4, [1] * 4, [0] * 4]},
        {"ds/dV": [[0.590] * 4, [0.217] * 4, [0.976] * 4, [0.217] * 4],
         "ds/dQ": [[-1.19, 1.18, 4.38, 1.91], [0] * 4, [-3.14, 3.14, 4.28, 3.72], [0] * 4],
         "ds/dK": [[-12.99, 0, -5.57, 0], [-1.31, 0, -0.73, 0], [8.66, 0, 4.38, 0], [5.64, 0, 1.91, 0]]},
        lambda Q, K, V, G: np.sum(softmax(Q @ K.T) @ V * G), 0.007, ("G",),  # rounded on the way: 1.18 is 1.187
    ),
    Case(
        "scores that are made of the values", BURN, ("P = softmax(A @ B)", "O = P @ B", "s = sum(O)"),
        {"A": [[0, 1], [3, 4]], "B": [[6, 7], [9, 10]]},
        {"ds/dA": [[1.179665, 1.179661], [0.005462, 0.005463]], "ds/dB": [[0.253469, 0.286237], [0.528630, 2.931664]]},
        lambda A, B: np.sum(softmax(A @ B) @ B), 1.1e-5,  # of 32 bits
    ),
    Case(
        "log-softmax between products", BURN, ("P = log_softmax(A @ B)", "O = P @ B", "s = sum(O)"),
        {"A": [[0, 1], [3, 4]], "B": [[6, 7], [9, 10]]},
        {"ds/dA": [[-4.3939, -4.3939], [-12.9709, -12.9709]], "ds/dB": [[30.5984, -47.2267], [55.9631, -56.5914]]},
        lambda A, B: np.sum(log_softmax(A @ B) @ B), 6e-5,
    ),
    Case(
        "embeddings, one of them three times", BURN, ("e = embedding(E, ids)", "o = e @ X", "s = sum(o)"),
        {"E": [[0, 1, 2], [3, 4, 5]], "ids": [[1, 2], [2, 2]],
         "X": [[[1, 2], [4, 5], [3, 4]], [[4, 5], [8, 5], [1, 9]]]},
        {"ds/dE": [[3, 9, 7], [21, 35, 27]]},
        lambda E, ids, X: np.sum(E[ids.real.astype(int) - 1] @ X), data=("ids", "X"),
    ),
    Case(
        "max pooling with windows that overlap", BURN, ("p = max_pool(x, 3, stride=1)", "s = sum(p)"), {"x": BURN_X},
        {"ds/dx": [[0, 0, 0, 0], [0, 0, 0, 2], [0, 2, 0, 0], [0, 0, 0, 0]]},
        lambda x: pooled(x, 3, 1, first_largest).sum(),
    ),
    Case(
        "max pooling where all are equal", TF, ("p = max_pool(x, 2, stride=1)", "s = sum(p * G)"),
        {"x": np.ones((4, 4)), "G": BACK},
        {"ds/dx": [[11, 12, 13, 0], [15, 16, 17, 0], [19, 20, 21, 0], [0, 0, 0, 0]]},
        lambda x, G: np.sum(pooled(x, 2, 1, first_largest) * G), data=("G",),
    ),
    Case(
        "max pooling with ties", TF, ("p = max_pool(x, 2, stride=1)", "s = sum(p * G)"), {"x": TIED, "G": BACK},
        {"ds/dx": [[11, 0, 25, 0], [0, 31, 0, 17], [19, 0, 41, 0], [0, 0, 0, 0]]},
        lambda x, G: np.sum(pooled(x, 2, 1, first_largest) * G), data=("G",),
    ),
    Case(
        "max pooling of two channels", STATS, ("p = max_pool(x, 2)", "s = sum(p * G)"),
        {"x": [[[1, 4], [3, 2]], [[2, 6], [7, 2]]], "G": [[[1]], [[2]]]},  # channels first
        {"ds/dx": [[[0, 1], [0, 0]], [[0, 0], [2, 0]]]},
        lambda x, G: np.sum(pooled(x, 2, 2, first_largest) * G), data=("G",),
    ),
    Case(
        "mean pooling with windows that overlap", BURN, ("p = avg_pool(x, 3, stride=1)", "s = sum(p)"),
        {"x": np.arange(36.0).reshape(6, 6)},
        {"ds/dx": np.outer([1, 2, 3, 3, 2, 1], [1, 2, 3, 3, 2, 1]) / 9},  # printed with five digits: 0.44444
        lambda x: pooled(x, 3, 1, np.mean).sum(),
    ),
    Case(
        "max pooling of a course", COURSE, ("p = max_pool(x, 2, stride=1)", "s = sum(p * G)"), POOL,
        {"ds/dx[2,1,2,1]": 0, "ds/dx[2,1,2,2]": 5.05844394, "ds/dx[2,2,2,2]": -1.68282702, "ds/dx[2,2,2,3]": 0},
        lambda x, G: np.sum(pooled(x, 2, 1, first_largest) * G), data=("G",),
    ),
    Case(
        "mean pooling of a course", COURSE, ("p = avg_pool(x, 2, stride=1)", "s = sum(p * G)"), POOL,
        {"ds/dx[2,1,2,1]": 0.08485462, "ds/dx[2,2,2,1]": 0.2787552, "ds/dx[2,1,2,2]": 1.26461098,
         "ds/dx[2,2,2,2]": -0.25749373, "ds/dx[2,1,2,3]": 1.17975636, "ds/dx[2,2,2,3]": -0.53624893},
        lambda x, G: np.sum(pooled(x, 2, 1, np.mean) * G), data=("G",),
    ),
    Case(
        "signals in channels with a stride and a border", BURN, ("c = conv(x, k, stride=2, padding=1)", "s = sum(c)"),
        {"x": np.arange(16.0).reshape(2, 2, 4), "k": np.arange(12.0).reshape(2, 2, 3)},
        {"ds/dx": [[[8, 16, 8, 10], [14, 28, 14, 16]]] * 2, "ds/dk": [[[10, 20, 24], [18, 36, 40]]] * 2},
        lambda x, k: convolved(x, k, 2, 1).sum(),
    ),
    Case(
        "images in channels with a stride and a border", BURN, ("c = conv(x, k, stride=2, padding=1)", "s = sum(c)"),
        {"x": np.arange(72.0).reshape(2, 6, 6), "k": np.arange(36.0).reshape(2, 2, 3, 3)},
        {"ds/dk": [[[[56, 84, 90], [84, 126, 135], [120, 180, 189]],
                    [[200, 300, 306], [300, 450, 459], [336, 504, 513]]]] * 2,
         "ds/dx[1,1,1]": 26, "ds/dx[1,1,2]": 52, "ds/dx[1,2,2]": 104, "ds/dx[1,6,6]": 34, "ds/dx[2,2,6]": 92,
         "ds/dx[2,6,1]": 50},
        lambda x, k: convolved(x[None], k, 2, 1).sum(),
    ),
    Case(
        "one step of a recurrence", COURSE, ("a = tanh(Wx @ x + Wa @ a0 + b)", "s = sum(a * G)"), CELL,
        {"ds/dx[2,3]": -1.3872130506, "ds/da0[3,4]": -0.152399493774, "ds/dWx[4,2]": 0.410772824935,
         "ds/dWa[2,3]": 1.15034506685, "ds/db[5,1]": 0.20023491},
        lambda x, a0, Wx, Wa, b, G: np.sum(np.tanh(Wx @ x + Wa @ a0 + b) * G), data=("G",),
    ),
    Case(
        "four steps of a recurrence", COURSE,
        (*(f"a{t} = tanh(Wx @ x{t} + Wa @ a{t - 1} + b)" for t in range(1, 5)),
         f"s = {' + '.join(f'sum(a{t} * G{t})' for t in range(1, 5))}"), TIMES,
        {"ds/dx1[2,3]": -2.07101689, "ds/dx2[2,3]": -0.59255627, "ds/dx3[2,3]": 0.02466855, "ds/dx4[2,3]": 0.01483317,
         "ds/da0[3,4]": -0.314942375127, "ds/dWx[4,2]": 11.2641044965, "ds/dWa[2,3]": 2.30333312658,
         "ds/db[5,1]": -0.74747722},
        recurrence, data=("G1", "G2", "G3", "G4"),
    ),
    Case(
        "one step of an LSTM", COURSE,
        ("z = concat(a0, x)", "f = sigmoid(Wf @ z + bf)", "i = sigmoid(Wi @ z + bi)", "o = sigmoid(Wo @ z + bo)",
         "c = f * c0 + i * tanh(Wc @ z + bc)", "h = o * tanh(c)", "s = sum(h * G) + sum(c * H)"), LSTM,
        {"ds/dx[2,3]": 3.23055911511, "ds/da0[3,4]": -0.0639621419711, "ds/dc0[3,4]": 0.797522038797,
         "ds/dWf[4,2]": -0.147954838164, "ds/dWi[2,3]": 1.05749805523, "ds/dWc[4,2]": 2.30456216369,
         "ds/dWo[2,3]": 0.331311595289, "ds/dbf[5,1]": 0.18864637, "ds/dbi[5,1]": -0.40142491,
         "ds/dbc[5,1]": 0.25587763, "ds/dbo[5,1]": 0.13893342},
        lstm_cell, data=("G", "H"),
    ),
    Case(
        "an LSTM over two steps", BURN,
        (*(line.format(t=t, p=t - 1) for t in (1, 2) for line in (
            *(f"{g}{{t}} = {f}(x{{t}} @ W{g}.T + h{{p}} @ U{g}.T + b{g})"
              for g, f in zip("ifgo", ("sigmoid", "sigmoid", "tanh", "sigmoid"), strict=True)),
            "c{t} = f{t} * c{p} + i{t} * g{t}", "h{t} = o{t} * tanh(c{t})")),
         "s = (sum(h1) + sum(h2)) / 16"),
        {"x1": LONG[0], "x2": LONG[1], "h0": np.zeros((4, 2)), "c0": np.zeros((4, 2)),
         **{f"W{g}": W for g, (W, _) in GATES.items()}, **{f"U{g}": U for g, (_, U) in GATES.items()},
         "bi": [0, 0], "bf": [1, 1], "bg": [0, 0], "bo": [0, 0]},
        {"ds/dWi": [[-7.1392e-3, -9.1484e-3, -8.3713e-5], [-1.8330e-3, -4.6515e-3, 1.3608e-2]],
         "ds/dWf": [[-2.5509e-4, 1.6488e-5, -1.5846e-3], [2.9855e-4, 6.5486e-4, -5.2864e-5]],
         "ds/dWg": [[2.6259e-2, 2.5132e-2, 5.2782e-2], [3.8327e-2, 4.1747e-2, 6.8519e-2]],
         "ds/dWo": [[-4.2946e-3, -5.0783e-3, -1.4337e-3], [1.2592e-4, 1.1887e-4, 5.2137e-3]],
         "ds/dUi": [[-2.7388e-4, -3.0253e-4], [-5.5798e-4, -3.4758e-4]],
         "ds/dUg": [[-7.7453e-4, 3.3847e-4], [-6.2271e-4, 9.5916e-4]]},
        lstm_over_time, 6e-6, ("x1", "x2", "h0", "c0"),  # the inputs have five digits
    ),
    Case(
        "a GRU over two steps", RUNTIME,
        (*(line.format(t=t, p=t - 1) for t in (1, 2) for line in (
            *(f"{g}{{t}} = sigmoid(x{{t}} @ W{g}.T + h{{p}} @ R{g}.T + b{g})" for g in "zr"),
            "n{t} = tanh(x{t} @ Wn.T + (r{t} * h{p}) @ Rn.T + bn)", "h{t} = (1 - z{t}) * n{t} + z{t} * h{p}")),
         "s = sum(h1 * G1) + sum(h2 * G2)"),
        {"x1": [[1, 3], [5, 7]], "x2": [[2, 4], [6, 8]], "h0": np.zeros((2, 3)),
         "Wz": [[0.1, 0.2], [0.3, 0.4], [1, 2]], "Wr": [[3, 4], [10, 11], [12, 13]],
         "Wn": [[0.6, 0.7], [0.8, 0.9], [6, 7]], "Rz": [[8, 9, 16], [17, 18, 19], [0.1, 0.2, 0.3]],
         "Rr": [[0.4, 1, 2], [0.6, 0.7, 0.8], [0.9, 6, 7]], "Rn": [[3, 4, 10], [11, 12, 13], [0.1, 0.3, 0.5]],
         "bz": [3.9, 10, 17], "br": [11.1, 12.2, 13.3], "bn": [1, 1.7, 2.8],  # there in two parts, of x and of h
         "G1": [[0.13658696, 0.37761405, 0.5353489], [0.53866684, 0.02047455, 0.42426682]],
         "G2": [[0.12669823, 0.28094783, 0.82699543], [0.12687224, 0.4540311, 0.4124293]]},
        {"ds/dx1": [[-0.000249756, -0.000501315], [-0.000199651, -0.000399207]],
         "ds/dx2": [[-8.53292e-05, -0.000170508], [-2.75774e-05, -5.51547e-05]],
         "ds/dWz[1,1]": -0.015847, "ds/dWz[1,2]": -0.0271209, "ds/dbz[1]": -0.00563696},
        gru_over_time, 2e-6, ("h0", "G1", "G2"),  # there from gates of single precision that are nearly 1
    ),
    Case(
        "layer norm", MINDSPORE, ("y = g * norm(x, eps=1e-7) + b", "s = sum(y)"),
        {"x": [[1, 4, 6], [2, 7, 9]], "g": [1, 1, 1], "b": [1, 1, 1]},
        {"ds/dg": [-2.6565037, 0.5019045, 2.1545992]}, layer_norm, 1.5e-7,
    ),
    Case(
        "batch norm", DFDX, ("y = g * norm(x, axis=0) + b", "s = mean(exp(y))"),
        {"x": NORMED * np.sqrt(VAR + 1e-5) + MEAN, "g": [1, 1], "b": [0, 0]},
        {"ds/dx": [[0.023908734, -0.18436226], [0.040923715, 0.0703277], [-0.06483248, 0.11403453]],
         "ds/dg": [0.72945416, 0.5493023], "ds/db": [0.8119954, 0.7564688]},
        batch_norm, 3e-7,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_published_gradient(case):
    given = {name: np.asarray(value, dtype=float) for name, value in case.inputs.items()}

    def slope(name: str, index: tuple[int, ...]) -> float:
        nudged = {other: value.astype(complex) for other, value in given.items()}
        nudged[name][index] += 1e-30j
        return float(np.imag(case.forward(**nudged)) / 1e-30)

    steps = made(case.lines, {name: value.tolist() for name, value in given.items()}, case.data).trace()
    for id, value in case.published.items():
        whole, _, at = id.partition("[")
        name, published = whole.removeprefix("ds/d"), np.asarray(value, dtype=float)
        if at:
            again: Any = slope(name, tuple(int(i) - 1 for i in at.rstrip("]").split(",")))
        else:
            again = np.array([slope(name, index) for index in np.ndindex(*given[name].shape)])
            again = again.reshape(given[name].shape)
        np.testing.assert_allclose(published, again, rtol=0, atol=case.digits * 1.01, err_msg=f"{id} as published")
        np.testing.assert_allclose(np.asarray(steps[id].value), again, rtol=1e-11, atol=1e-12, err_msg=f"{id}, ours")


def test_enough_layers_have_one():
    words = " ".join(line for case in CASES for line in case.lines)
    for function in ("softmax", "log_softmax", "embedding", "max_pool", "avg_pool", "conv", "norm", "tanh", "sigmoid"):
        assert f"{function}(" in words
    assert sum(np.size(value) for case in CASES for value in case.published.values()) >= 200
    assert len({case.source for case in CASES}) >= 6
