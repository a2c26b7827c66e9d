"""Numbers that others published for the layers of today: each is recomputed apart, then held to ours.

A case says where its numbers stand. What was published wrong is kept, with the number that it should be.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tutor
from tutor.solutions.files import read_arrays
from tutor.solutions.judging import diagnose

CS231N = "Stanford CS231n, assignments 2 and 3, cs231n.github.io (the notebooks' `correct_out` and `expected`)"
D2L = "Zhang, Lipton, Li and Smola, Dive into Deep Learning, d2l.ai"
ONNX = "ONNX, operator documentation and its backend tests, onnx.ai/onnx/operators"
GOMEZ = "Gomez, Backpropagating an LSTM: a numerical example, 2016, blog.aidangomez.ca"
TOR4 = "tor4, tests of nn.functional.conv2d (a small framework; its numbers are whole)"
SCIRS = "scirs2-linalg, documentation of gradient::softmax_crossentropy_gradient, docs.rs"
BREATHE = "Deep-Breathe, org/mk/training/dl/softmaxtest.py, github.com/slowbreathing/Deep-Breathe"
TF = "TensorFlow and Keras documentation, tensorflow.org/api_docs"


def spread(low: float, high: float, *shape: int) -> np.ndarray:
    """CS231n's inputs: np.linspace(low, high) in a shape."""
    return np.linspace(low, high, num=int(np.prod(shape))).reshape(shape)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


@dataclass(frozen=True)
class Case:
    """`lines` and `inputs` make the circuit; `published` are numbers by id, as far off as `digits`.

    `apart` works the same numbers out in plain NumPy from the inputs.
    """

    name: str
    source: str
    lines: tuple[str, ...]
    inputs: dict[str, Any]
    published: dict[str, Any]
    apart: Callable[[dict[str, np.ndarray]], dict[str, Any]]
    digits: float = 5e-9


def windows(x: np.ndarray, k: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    """A convolution as deep-learning libraries mean it, in loops: (n, c, h, w) and (o, c, h, w)."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    n, _, H, W = x.shape
    o, _, h, w = k.shape
    rows, columns = range(0, H - h + 1, stride), range(0, W - w + 1, stride)
    return np.array(
        [
            [[[np.sum(x[i, :, r : r + h, c : c + w] * k[f]) for c in columns] for r in rows] for f in range(o)]
            for i in range(n)
        ]
    )


def back_through(given: dict[str, np.ndarray], stride: int) -> dict[str, np.ndarray]:
    """∂s/∂x and ∂s/∂w of s = Σ G ⊙ conv(x, w), a cell at a time."""
    x, k, G = (given[name] for name in ("x", "w", "G"))
    dx, dk = np.zeros(x.shape), np.zeros(k.shape)
    _, _, h, w = k.shape
    for i, f, r, c in np.ndindex(*G.shape):
        at = (i, slice(None), slice(r * stride, r * stride + h), slice(c * stride, c * stride + w))
        dx[at] += G[i, f, r, c] * k[f]
        dk[f] += G[i, f, r, c] * x[at]
    return {"ds/dx": dx, "ds/dw": dk}


def rnn_forward(given: dict[str, np.ndarray]) -> dict[str, Any]:
    h, found = given["h0"], {}
    for t in range(1, 4):
        h = np.tanh(given[f"x{t}"] @ given["Wx"] + h @ given["Wh"] + given["b"])
        found[f"h{t}"] = h
    return found


def lstm_step(given: dict[str, np.ndarray]) -> dict[str, Any]:
    a = [given["x"] @ given[f"Wx{g}"] + given["h0"] @ given[f"Wh{g}"] + given[f"b{g}"] for g in "ifog"]
    c = sigmoid(a[1]) * given["c0"] + sigmoid(a[0]) * np.tanh(a[3])
    return {"c": c, "h": sigmoid(a[2]) * np.tanh(c)}


def four(name: str, whole: np.ndarray) -> dict[str, np.ndarray]:
    """CS231n lays the four gates of an LSTM side by side."""
    return {f"{name}{g}": part for g, part in zip("ifog", np.split(whole, 4, axis=-1), strict=True)}


def gomez(given: dict[str, np.ndarray]) -> dict[str, Any]:
    s = out = 0.0
    found: dict[str, Any] = {}
    for t in (1, 2):
        x = given[f"x{t}"]
        a = np.tanh(given["Wa"] @ x + given["Ua"] * out + given["ba"])
        i = sigmoid(given["Wi"] @ x + given["Ui"] * out + given["bi"])
        f = sigmoid(given["Wf"] @ x + given["Uf"] * out + given["bf"])
        o = sigmoid(given["Wo"] @ x + given["Uo"] * out + given["bo"])
        s = a * i + f * s
        out = np.tanh(s) * o
        found |= {f"a{t}": a, f"i{t}": i, f"f{t}": f, f"o{t}": o, f"s{t}": s, f"h{t}": out}
    return found


LSTM_LINES = (
    *(
        line.format(t=t, p=t - 1)
        for t in (1, 2)
        for line in (
            "a{t} = tanh(sum(Wa * x{t}) + Ua * h{p} + ba)", "i{t} = sigmoid(sum(Wi * x{t}) + Ui * h{p} + bi)",
            "f{t} = sigmoid(sum(Wf * x{t}) + Uf * h{p} + bf)", "o{t} = sigmoid(sum(Wo * x{t}) + Uo * h{p} + bo)",
            "s{t} = a{t} * i{t} + f{t} * s{p}", "h{t} = tanh(s{t}) * o{t}",
        )
    ),
    "E = ((h1 - 0.5) ** 2 + (h2 - 1.25) ** 2) / 2",
)  # fmt: skip
FIVE = np.arange(25.0).reshape(1, 5, 5)
CASES = [
    Case(
        "a convolution with stride and padding", CS231N,
        ("c = conv(x, w, stride=2, padding=1)", "y = c + b", "s = sum(y)"),
        {"x": spread(-0.1, 0.5, 2, 3, 4, 4), "w": spread(-0.2, 0.3, 3, 3, 4, 4), "b": spread(-0.1, 0.2, 3, 1, 1)},
        {"y": [[[[-0.08759809, -0.10987781], [-0.18387192, -0.2109216]],
                [[0.21027089, 0.21661097], [0.22847626, 0.23004637]],
                [[0.50813986, 0.54309974], [0.64082444, 0.67101435]]],
               [[[-0.98053589, -1.03143541], [-1.19128892, -1.24695841]],
                [[0.69108355, 0.66880383], [0.59480972, 0.56776003]],
                [[2.36270298, 2.36904306], [2.38090835, 2.38247847]]]]},
        lambda v: {"y": windows(v["x"], v["w"], 2, 1) + v["b"]},
    ),
    Case(
        "max pooling", CS231N, ("y = max_pool(x, 2)", "s = sum(y)"), {"x": spread(-0.3, 0.4, 2, 3, 4, 4)},
        {"y[1,1,1,1]": -0.26315789, "y[1,1,1,2]": -0.24842105, "y[1,1,2,1]": -0.20421053, "y[1,1,2,2]": -0.18947368,
         "y[2,3,2,2]": 0.4},
        lambda v: {"y": v["x"].reshape(2, 3, 2, 2, 2, 2).max(axis=(3, 5))},
    ),
    Case(
        "one step of a recurrence", CS231N, ("h = tanh(x @ Wx + h0 @ Wh + b)", "s = sum(h)"),
        {"x": spread(-0.4, 0.7, 3, 10), "h0": spread(-0.2, 0.5, 3, 4), "Wx": spread(-0.1, 0.9, 10, 4),
         "Wh": spread(-0.3, 0.7, 4, 4), "b": spread(-0.2, 0.4, 4)},
        {"h": [[-0.58172089, -0.50182032, -0.41232771, -0.31410098], [0.66854692, 0.79562378, 0.87755553, 0.92795967],
               [0.97934501, 0.99144213, 0.99646691, 0.99854353]]},
        lambda v: {"h": np.tanh(v["x"] @ v["Wx"] + v["h0"] @ v["Wh"] + v["b"])},
    ),
    Case(
        "three steps of a recurrence", CS231N,
        (*(f"h{t} = tanh(x{t} @ Wx + h{t - 1} @ Wh + b)" for t in (1, 2, 3)), "s = sum(h1) + sum(h2) + sum(h3)"),
        {**{f"x{t + 1}": part for t, part in enumerate(np.moveaxis(spread(-0.1, 0.3, 2, 3, 4), 1, 0))},
         "h0": spread(-0.3, 0.1, 2, 5), "Wx": spread(-0.2, 0.4, 4, 5), "Wh": spread(-0.4, 0.1, 5, 5),
         "b": spread(-0.7, 0.1, 5)},
        {"h1": [[-0.42070749, -0.27279261, -0.11074945, 0.05740409, 0.22236251],
                [-0.55857474, -0.39065825, -0.19198182, 0.02378408, 0.23735671]],
         "h2": [[-0.39525808, -0.22554661, -0.0409454, 0.14649412, 0.32397316],
                [-0.27150199, -0.07088804, 0.13562939, 0.33099728, 0.50158768]],
         "h3": [[-0.42305111, -0.24223728, -0.04287027, 0.15997045, 0.35014525],
                [-0.51014825, -0.30524429, -0.06755202, 0.17806392, 0.40333043]]},
        rnn_forward,
    ),
    Case(
        "one step of an LSTM", CS231N,
        (*(f"z{g} = x @ Wx{g} + h0 @ Wh{g} + b{g}" for g in "ifog"), "c = sigmoid(zf) * c0 + sigmoid(zi) * tanh(zg)",
         "h = sigmoid(zo) * tanh(c)", "s = sum(h)"),
        {"x": spread(-0.4, 1.2, 3, 4), "h0": spread(-0.3, 0.7, 3, 5), "c0": spread(-0.4, 0.9, 3, 5),
         **four("Wx", spread(-2.1, 1.3, 4, 20)), **four("Wh", spread(-0.7, 2.2, 5, 20)),
         **four("b", spread(0.3, 0.7, 20))},
        {"h": [[0.24635157, 0.28610883, 0.32240467, 0.35525807, 0.38474904],
               [0.49223563, 0.55611431, 0.61507696, 0.66844003, 0.7159181],
               [0.56735664, 0.66310127, 0.74419266, 0.80889665, 0.858299]],
         "c": [[0.32986176, 0.39145139, 0.451556, 0.51014116, 0.56717407],
               [0.66382255, 0.76674007, 0.87195994, 0.97902709, 1.08751345],
               [0.74192008, 0.90592151, 1.07717006, 1.25120233, 1.42395676]]},
        lstm_step,
    ),
    Case(
        "embeddings of two sentences", CS231N, ("y = embedding(W, ids)", "s = sum(y)"),
        {"W": spread(0, 1, 5, 3), "ids": np.array([[1, 4, 2, 5], [3, 1, 5, 3]])},  # the notebook counts ids from 0
        {"y": [[[0.0, 0.07142857, 0.14285714], [0.64285714, 0.71428571, 0.78571429], 
                [0.21428571, 0.28571429, 0.35714286], [0.85714286, 0.92857143, 1.0]],
               [[0.42857143, 0.5, 0.57142857], [0.0, 0.07142857, 0.14285714], [0.85714286, 0.92857143, 1.0],
                [0.42857143, 0.5, 0.57142857]]]},
        lambda v: {"y": v["W"][v["ids"].astype(int) - 1]},
    ),
    Case(
        "cross-correlation", D2L, ("Y = conv(X, K)", "s = sum(Y)"),
        {"X": np.arange(9.0).reshape(3, 3), "K": np.arange(4.0).reshape(2, 2)}, {"Y": [[19, 25], [37, 43]]},
        lambda v: {"Y": windows(v["X"][None, None], v["K"][None, None])[0, 0]},
    ),
    Case(
        "several channels", D2L, ("Y = conv(X, K)", "s = sum(Y)"),
        {"X": np.stack([np.arange(9.0), np.arange(1.0, 10.0)]).reshape(2, 3, 3),
         "K": np.array([[[[0.0, 1.0], [2.0, 3.0]], [[1.0, 2.0], [3.0, 4.0]]]])},
        {"Y": [[[56, 72], [104, 120]]]},
        lambda v: {"Y": windows(v["X"][None], v["K"])[0]},
    ),
    Case(
        "pooling with windows that overlap", D2L,
        ("m = max_pool(X, 2, stride=1)", "a = avg_pool(X, 2, stride=1)", "s = sum(m) + sum(a)"),
        {"X": np.arange(9.0).reshape(3, 3)}, {"m": [[4, 5], [7, 8]], "a": [[2, 3], [5, 6]]},
        lambda v: {"m": v["X"][1:, 1:], "a": windows(v["X"][None, None], np.full((1, 1, 2, 2), 0.25))[0, 0]},
    ),
    Case(
        "a convolution of ones with padding", ONNX, ("Y = conv(X, K, padding=1)", "s = sum(Y)"),
        {"X": FIVE, "K": np.ones((1, 1, 3, 3))},
        {"Y": [[[12, 21, 27, 33, 24], [33, 54, 63, 72, 51], [63, 99, 108, 117, 81], [93, 144, 153, 162, 111],
                [72, 111, 117, 123, 84]]]},
        lambda v: {"Y": windows(v["X"][None], v["K"], 1, 1)[0]},
    ),
    Case(
        "a convolution of ones without", ONNX, ("Y = conv(X, K)", "s = sum(Y)"),
        {"X": FIVE, "K": np.ones((1, 1, 3, 3))},
        {"Y": [[[54, 63, 72], [99, 108, 117], [144, 153, 162]]]}, lambda v: {"Y": windows(v["X"][None], v["K"])[0]},
    ),
    Case(
        "log-softmax", ONNX, ("y = log_softmax(x)", "s = sum(y)"), {"x": [[-1.0, 0.0, 1.0]]},
        {"y": [[-2.4076061, -1.407606, -0.407606]]}, lambda v: {"y": v["x"] - np.log(np.sum(np.exp(v["x"])))}, 5e-7,
    ),
    Case(
        "log-softmax of large numbers", ONNX, ("y = log_softmax(x)", "s = sum(y)"),
        {"x": [[0.0, 1.0, 2.0, 3.0], [10000.0, 10001.0, 10002.0, 10003.0]]},
        {"y": [[-3.4401896, -2.4401896, -1.4401897, -0.44018966]] * 2},
        lambda v: {"y": [v["x"][0] - np.log(np.sum(np.exp(v["x"][0])))] * 2}, 5e-7,
    ),
    Case(
        "softmax", ONNX, ("y = softmax(x)", "s = sum(y * y)"), {"x": [[-1.0, 0.0, 1.0]]},
        {"y": [[0.09003058, 0.24472848, 0.66524094]]},
        lambda v: {"y": np.exp(v["x"]) / np.sum(np.exp(v["x"]))}, 2e-8,
    ),
    Case(
        "GELU, exact and with tanh", ONNX, ("e = gelu_erf(x)", "t = gelu(x)", "s = sum(e) + sum(t)"),
        {"x": [-1.0, 0.0, 1.0]},
        {"e": [-0.15865526, 0.0, 0.84134474], "t": [-0.158808, 0.0, 0.841192]},
        lambda v: {"e": [-0.158655253931457, 0.0, 0.841344746068543],
                   "t": 0.5 * v["x"] * (1 + np.tanh(np.sqrt(2 / np.pi) * (v["x"] + 0.044715 * v["x"] ** 3)))}, 5e-7,
    ),
    Case(
        "an LSTM over two steps", GOMEZ,
        LSTM_LINES,
        {"x1": [1.0, 2.0], "x2": [0.5, 3.0], "h0": 0.0, "s0": 0.0, "Wa": [0.45, 0.25], "Ua": 0.15, "ba": 0.2,
         "Wi": [0.95, 0.8], "Ui": 0.8, "bi": 0.65, "Wf": [0.7, 0.45], "Uf": 0.1, "bf": 0.15,
         "Wo": [0.6, 0.4], "Uo": 0.25, "bo": 0.1},
        {"a1": 0.81775, "i1": 0.96083, "f1": 0.85195, "o1": 0.81757, "s1": 0.78572, "h1": 0.53631, "a2": 0.84980,
         "i2": 0.98118, "f2": 0.87030, "o2": 0.84993, "s2": 1.5176, "h2": 0.77198},
        gomez, 5e-5,
    ),
    Case(
        "back through a convolution", TOR4, ("y = conv(x, w)", "s = sum(y * G)"),
        {"x": np.arange(9.0).reshape(1, 1, 3, 3), "w": [[[[1, 0], [1, 1]]], [[[0, 1], [0, 1]]]],
         "G": [[[[1, -2], [2, 1]], [[3, 2], [-1, 1]]]]},
        {"y": [[[[7, 10], [16, 19]], [[5, 7], [11, 13]]]], "ds/dx": [[[[1, 1, 2], [3, 2, 1], [2, 2, 2]]]],
         "ds/dw": [[[[8, 10], [14, 16]]], [[[3, 8], [18, 23]]]]},
        lambda v: {"y": windows(v["x"], v["w"]), **back_through(v, 1)},
    ),
    Case(
        "back through a convolution with stride 2", TOR4, ("y = conv(x, w, stride=2)", "s = sum(y * G)"),
        {"x": np.arange(6.0).reshape(1, 1, 2, 3), "w": [[[[1, 0], [1, 1]]], [[[0, 1], [0, 1]]]], "G": [[[[1]], [[2]]]]},
        {"y": [[[[7]], [[5]]]], "ds/dx": [[[[1, 2, 0], [1, 3, 0]]]],
         "ds/dw": [[[[0, 1], [3, 4]]], [[[0, 2], [6, 8]]]]},
        lambda v: {"y": windows(v["x"], v["w"], 2), **back_through(v, 2)},
    ),
    Case(
        "back through cross-entropy", SCIRS, ("L = cross_entropy(z, y)",),
        {"z": np.log([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1]]), "y": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]},
        {"dL/dz": [[-0.15, 0.1, 0.05], [0.15, -0.2, 0.05]]},
        lambda v: {"dL/dz": (np.exp(v["z"]) - v["y"]) / 2},
    ),
    Case(
        "cross-entropy of two rows", BREATHE, ("p = -log_softmax(x)", "s = sum(p)"),
        {"x": [[1.0, 3.0, 5.0, 7.0], [1.0, -9.0, 4.0, 8.0]]}, {"p[1,4]": 0.14507794, "p[2,2]": 17.01904505},
        lambda v: {"p": np.log(np.sum(np.exp(v["x"]), axis=1, keepdims=True)) - v["x"]},
    ),
    Case(
        "layer normalisation", TF, ("y = norm(x, eps=0.001)", "s = sum(y * y)"),
        {"x": np.arange(10.0).reshape(5, 2) * 10}, {"y": [[-0.99998, 0.99998]] * 5},
        lambda v: {"y": (v["x"] - v["x"].mean(1, keepdims=True)) / np.sqrt(v["x"].var(1, keepdims=True) + 0.001)}, 5e-6,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_published_number(case):
    given = {name: np.asarray(value, dtype=float) for name, value in case.inputs.items()}
    apart = {name: np.asarray(value, dtype=float) for name, value in case.apart(given).items()}
    inputs = {name: value.tolist() for name, value in given.items()}
    data = {"data": [name for name in ("ids",) if name in inputs]} if "ids" in inputs else {}
    steps = made(case.lines, inputs, **data).trace()
    for id, value in case.published.items():
        published = np.asarray(value, dtype=float)
        whole, _, index = id.partition("[")
        again = apart[whole]
        if index:
            again = again[tuple(int(i) - 1 for i in index.rstrip("]").split(","))]
        np.testing.assert_allclose(published, again, rtol=0, atol=case.digits * 1.01, err_msg="as published")
        np.testing.assert_allclose(np.asarray(steps[id].value), again, rtol=1e-12, atol=1e-12, err_msg="ours")


def made(lines, inputs, data=()):
    listed = "\n".join(f"{name} = {value}" for name, value in inputs.items())
    quoted = ", ".join(f'"{line}"' for line in lines)
    output = lines[-1].partition("=")[0].strip()
    return tutor.loads(
        f'format = 1\ntitle = "p"\n[circuit]\ndefine = [{quoted}]\noutput = "{output}"\ndata = {list(data)}\n'
        f"[circuit.inputs]\n{listed}\n"
    )


def test_enough_numbers_from_enough_places():
    assert sum(np.size(value) for case in CASES for value in case.published.values()) >= 100
    assert len({case.source for case in CASES}) >= 6


def test_a_published_number_that_is_wrong_and_what_follows_from_it():
    """A walkthrough of two steps in time prints tanh(1.04621) ≈ 0.7790; it is 0.7803. The rest follows from that.

    prachub.com/resources/detailed-backpropagation-walkthrough; the parts of one use of a weight are steps of ours.
    """
    lines = (
        "z1 = Wx * x1 + Wh * h0", "h1 = tanh(z1)", "y1 = Wy * h1", "z2 = Wx * x2 + Wh * h1", "h2 = tanh(z2)",
        "y2 = Wy * h2", "L = sum((y1 - t1) ** 2 + (y2 - t2) ** 2) / 2",
    )  # fmt: skip
    inputs = {"x1": [1.0], "x2": [2.0], "h0": [0.0], "Wx": 0.5, "Wh": 0.1, "Wy": 2.0, "t1": [1.0], "t2": [2.0]}
    lesson = made(lines, inputs, data=("x1", "x2", "h0", "t1", "t2"))
    printed = {"h1": 0.4621, "y1": 0.9242, "z2": 1.04621, "h2": 0.7790, "y2": 1.558, "dL/dy2": -0.442, "dL/dh2": -0.884,
               "dL/dz2": -0.3475, "dL/dWx@z2": -0.695, "dL/dWh@z2": -0.1606}  # fmt: skip
    steps, h1 = lesson.trace(), np.tanh(0.5)
    h2 = np.tanh(1 + 0.1 * h1)
    true = {"h2": h2, "dL/dz2": (2 * h2 - 2) * 2 * (1 - h2**2), "dL/dWx@z2": 2 * (2 * h2 - 2) * 2 * (1 - h2**2)}
    for id, value in true.items():
        assert float(np.reshape(steps[id].value, -1)[0]) == pytest.approx(value, abs=1e-12)
        assert abs(printed[id] - value) > 1e-3
    text = json.dumps(printed).replace("0.779,", "0.7790,")
    found = diagnose(lesson.trace()._trace, read_arrays("a.json", text.encode()))
    assert found.first_wrong.step == "h2"
    assert [v.verdict for v in found.arrays][:3] == ["right"] * 3
    assert {v.verdict for v in found.arrays[4:]} == {"carried"}
