"""Exercises on the layers of today: a norm, a convolution, a recurrence, attention.

Each is given what comes back to its result, as a layer is. In the lesson of a case that is data G, and the loss the sum
of result · G, whose gradient is G.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tutor.lab.exercise import Arrays, Case, Exercise, OwnSlip
from tutor.lab.making import bundled, circuit, drawn
from tutor.text.language import say


def _layer(
    title: str,
    *lines: str,
    result: str,
    inputs: Mapping[str, Any],
    extra: Mapping[str, Any] | None = None,
    data: Sequence[str] = (),
    **more: Any,
) -> Case:
    """A layer whose `result` meets G; `more` belongs in [circuit]."""
    whole = {"data": [*data, "G"], **more}
    return circuit(title, *lines, f"L = sum({result} * G)", inputs=inputs, extra=extra, circuit=whole)


# ---------------------------------------------------------------- batch norm


def _norm(title: str, X: Any, gain: Any, shift: Any, dH: Any, eps: float) -> Case:
    return _layer(
        title,
        "mean = mean(X, axis=0)",
        "D = X - mean",
        "var = mean(D**2, axis=0)",
        f"s = sqrt(var + {eps})",
        "N = D / s",
        "H = gain * N + shift",
        result="H",
        inputs={"X": X, "gain": gain, "shift": shift, "G": dH},
        extra={"eps": eps},
    )


def _norms(rng: np.random.Generator) -> Sequence[Case]:
    own = bundled("batch-norm")
    X, gain, shift, dH = map(own.value, ("X", "gain", "shift", "dL/dH"))
    cases = [_norm(own.title, X, gain, shift, dH, 0.0)]
    for r, n, eps in ((4, 3, 0.1), (3, 3, 0.25)):
        numbers = drawn(rng, r, n), drawn(rng, n), drawn(rng, n), drawn(rng, r, n)
        cases.append(_norm(say("random numbers, {size}, eps {eps}", size=f"{r} × {n}", eps=eps), *numbers, eps))
    return cases


def _back(case: Case, rows: bool = False, root: bool = True, gain: bool = True, third: bool = True) -> Arrays:
    """What comes back to X; by sums in place of means, without the root, the gain, or N in the third part."""
    dH, N, var = map(case.value, ("dL/dH", "N", "var"))
    dN = dH * case.value("gain") if gain else dH
    first, second = (part.sum(axis=0) if rows else part.mean(axis=0) for part in (dN, dN * N))
    found = dN - first - (N if third else 1.0) * second
    return {"dN": case.value("dL/dN"), "dX": found / np.sqrt(var + case.extra["eps"]) if root else found}


SUMS_FOR_MEANS = OwnSlip(
    "sums-for-means",
    "sums were taken where the means over the rows are meant",
    "The mean of a column divides by the rows, and so does what comes back through it and through the variance.",
    lambda case: _back(case, rows=True),
)
ROOT_NOT_BACK = OwnSlip(
    "root-not-back",
    "the division by the root was forgotten on the way back",
    "What was divided by √(var + eps) on the way forward is divided by it on the way back.",
    lambda case: _back(case, root=False),
)
GAIN_NOT_BACK = OwnSlip(
    "gain-not-back",
    "dX was made from dH in place of dN",
    "Between H and N stands the gain: what comes back to N is dH times gain.",
    lambda case: _back(case, gain=False),
)
THIRD_PART = OwnSlip(
    "variance-part",
    "N is missing in the part that comes back through the variance",
    "How much a number moves the variance depends on how far it is from the mean: N times the mean of dN · N.",
    lambda case: _back(case, third=False),
)
ROWS_NOT_DIVIDED = OwnSlip(
    "rows-not-divided",
    "the division by the number of rows was forgotten",
    "Two of the three parts come back through means: put together over one stroke, all of it is divided by the rows.",
    lambda case: {"dN": case.value("dL/dN"), "dX": len(case.value("X")) * case.value("dL/dX")},
)
BATCH_NORM = Exercise(
    id="batch_norm",
    title="Batch norm",
    aim="Mean 0, variance 1, and a gradient that comes back through both.",
    lesson="batch-norm",
    takes={"X": "X", "gain": "gain", "shift": "shift", "dH": "dL/dH", "eps": ""},
    returns={"mean": "mean", "var": "var", "N": "N", "H": "H", "dgain": "dL/dgain", "dshift": "dL/dshift",
             "dN": "dL/dN", "dX": "dL/dX"},
    cases=_norms,
    slips=(SUMS_FOR_MEANS, ROOT_NOT_BACK, GAIN_NOT_BACK, THIRD_PART, ROWS_NOT_DIVIDED),
    hints=(
        "gain and shift were used in every row: what comes back to them is added up. A number of X moves N by three "
        "ways: by itself, by the mean of its column, by the variance.",
        "dX has three parts. Work out the gradients for var and for mean first, each a sum over the column, or use the "
        "short form: dN less its mean, less N times the mean of dN · N, all divided by the root.",
        "dgain = (dH * N).sum(axis=0);  dshift = dH.sum(axis=0);  dN = dH * gain;  "
        "dX = (dN - dN.mean(axis=0) - N * (dN * N).mean(axis=0)) / np.sqrt(var + eps)",
    ),
)  # fmt: skip

# ---------------------------------------------------------------- convolution


def _convolution(title: str, x: Any, k: Any, b: Any, dz: Any) -> Case:
    return _layer(title, "z = conv(x, k) + b", result="z", inputs={"x": x, "k": k, "b": b, "G": dz})


def _convolutions(rng: np.random.Generator) -> Sequence[Case]:
    own = bundled("convolution")
    cases = [_convolution(own.title, *map(own.value, ("x", "k", "b", "dL/dz")))]
    for h, w, s, t in ((4, 5, 2, 3), (4, 4, 3, 3)):
        numbers = drawn(rng, h, w), drawn(rng, s, t), drawn(rng), drawn(rng, h - s + 1, w - t + 1)
        title = say("random numbers, {image} under {kernel}", image=f"{h} × {w}", kernel=f"{s} × {t}")
        cases.append(_convolution(title, *numbers))
    return cases


CONVOLUTION = Exercise(
    id="convolution",
    title="A convolution",
    aim="A kernel on every place of an image: what comes back to all three.",
    lesson="convolution",
    takes={"x": "x", "k": "k", "b": "b", "dz": "dL/dz"},
    returns={"z": "z", "dk": "dL/dk", "db": "dL/db", "dx": "dL/dx"},
    cases=_convolutions,
    hints=(
        "Two loops over the places, forward and back alike. A place looks at a window of x, as large as k.",
        "Going back, each place gives its dz times the window to dk, and its dz times k to the window of dx. Windows "
        "overlap and k is used at all places: += both times.",
        "for each place i, j:  window = x[i : i + s, j : j + t];  z[i, j] = np.sum(window * k) + b;  back: "
        "dk += dz[i, j] * window;  dx[i : i + s, j : j + t] += dz[i, j] * k;  db = dz.sum()",
    ),
)

# ---------------------------------------------------------------- recurrence


def _times(title: str, X: Any, h0: Any, Wx: Any, Wh: Any, b: Any, dh: Any) -> Case:
    return _layer(
        title,
        "z{t} = Wx @ x{t} + Wh @ h{t-1} + b",
        "h{t} = tanh(z{t})",
        result="h3",
        inputs={"x": X, "h0": h0, "Wx": Wx, "Wh": Wh, "b": b, "G": dh},
        data=["x", "h0"],
        extra={"X": np.asarray(X)},
        repeat={"t": [1, 3]},
    )


def _recurrences(rng: np.random.Generator) -> Sequence[Case]:
    own = bundled("recurrence")
    X = np.stack([own.value(f"x{t}") for t in (1, 2, 3)])
    h0, Wx, Wh, dh = map(own.value, ("h0", "Wx", "Wh", "dL/dh3"))
    cases = [_times(own.title, X, h0, Wx, Wh, np.zeros(len(h0)), dh)]
    for n, d in ((2, 4), (3, 2)):
        numbers = drawn(rng, 3, n), drawn(rng, d), drawn(rng, d, n, high=0.8), drawn(rng, d, d, high=0.8)
        title = say("random numbers, {n} inputs, a state of {d}", n=n, d=d)
        cases.append(_times(title, *numbers, drawn(rng, d), drawn(rng, d)))
    return cases


def _through(case: Case, times: Sequence[int], add: bool = False) -> Arrays:
    """The gradients for z, worked out in this order of the times, what came back before kept if told so."""
    dh, Wh, found = case.value("dL/dh3"), case.value("Wh"), {}
    for t in times:
        found[f"dZ[{t}]"] = dh * (1 - case.value(f"h{t + 1}") ** 2)
        dh = add * dh + Wh.T @ found[f"dZ[{t}]"]
    return found


FIRST_TO_LAST = OwnSlip(
    "first-to-last",
    "the loop on the way back went from the first time to the last",
    "dh belongs to the last state: begin there, and go to the time before.",
    lambda case: _through(case, (0, 1, 2)),
)
KEPT_BESIDE = OwnSlip(
    "kept-beside",
    "what came back to a later state was kept, and added to that of the one before",
    "Only the last state is judged: all that comes back to the one before comes through Wh.",
    lambda case: _through(case, (2, 1, 0), add=True),
)
RECURRENCE = Exercise(
    id="recurrence",
    title="Back through time",
    aim="Three times, one set of weights: the sum of what each time gives.",
    lesson="recurrence",
    takes={"X": "", "h0": "h0", "Wx": "Wx", "Wh": "Wh", "b": "b", "dh": "dL/dh3"},
    returns={"H": ("h1", "h2", "h3"), "dZ": ("dL/dz1", "dL/dz2", "dL/dz3"), "dWx": "dL/dWx", "dWh": "dL/dWh",
             "db": "dL/db"},
    cases=_recurrences,
    slips=(FIRST_TO_LAST, KEPT_BESIDE),
    hints=(
        "It is a deep network whose layers share their weights. Forward a loop over the times; back a loop from the "
        "last to the first.",
        "Two moves lead from a time to the one before: times the slope of tanh, 1 − h², which gives a row of dZ; then "
        "through Wh transposed, which gives the dh of the time before. What Wh carried is the state before, at first "
        "h0.",
        "for t in 2, 1, 0:  dZ[t] = dh * (1 - H[t] ** 2);  dh = Wh.T @ dZ[t].  Then dWx = dZ.T @ X;  "
        "dWh = dZ.T @ np.vstack([h0, H[:-1]]);  db = dZ.sum(axis=0)",
    ),
)  # fmt: skip

# ---------------------------------------------------------------- attention


def _attention(title: str, X: Any, Wq: Any, Wk: Any, Wv: Any, dO: Any) -> Case:
    return _layer(
        title,
        "Q = X @ Wq",
        "K = X @ Wk",
        "V = X @ Wv",
        f"S = causal(Q @ K.T / sqrt({np.shape(Wq)[1]}))",
        "P = softmax(S)",
        "O = P @ V",
        result="O",
        inputs={"X": X, "Wq": Wq, "Wk": Wk, "Wv": Wv, "G": dO},
    )


def _attentions(rng: np.random.Generator) -> Sequence[Case]:
    own = bundled("attention")
    Q, K, V, dO = map(own.value, ("Q", "K", "V", "dL/dO"))
    cases = [_attention(say("{title} (X is the identity)", title=own.title), np.eye(len(Q)), Q, K, V, dO)]
    for r, n, d, e in ((4, 3, 2, 3), (3, 3, 3, 2)):
        numbers = drawn(rng, r, n), drawn(rng, n, d), drawn(rng, n, d), drawn(rng, n, e), drawn(rng, r, e)
        cases.append(_attention(say("random numbers, {n} places, queries of {d}", n=r, d=d), *numbers))
    return cases


SCALED_ALREADY = OwnSlip(
    "scaled-already",
    "what comes back to the scores was divided by √d already",
    "S is what stands after the division: dS comes before it on the way back, and what goes on to Q and K is divided.",
    lambda case: {"dS": case.value("dL/dS") / np.sqrt(case.value("Wq").shape[1])},
)
ATTENTION = Exercise(
    id="attention",
    title="Attention",
    aim="Queries, keys, values: forward, and back to the input of all three.",
    lesson="attention",
    takes={"X": "X", "Wq": "Wq", "Wk": "Wk", "Wv": "Wv", "dO": "dL/dO"},
    returns={"Q": "Q", "K": "K", "V": "V", "P": "P", "O": "O", "dV": "dL/dV", "dS": "dL/dS", "dQ": "dL/dQ",
             "dK": "dL/dK", "dX": "dL/dX"},
    cases=_attentions,
    slips=(SCALED_ALREADY,),
    hints=(
        "Products and a softmax: each product sends back two parts, each with the other factor transposed. X stands in "
        "three products.",
        "Through the softmax each row by itself: P times (what comes back, less its sum weighted by P). The scores "
        "were divided by √d, so what comes back to Q and K is, too.",
        "dV = P.T @ dO;  dP = dO @ V.T;  dS = P * (dP - (dP * P).sum(axis=1, keepdims=True));  "
        "dQ = dS @ K / np.sqrt(d);  dK = dS.T @ Q / np.sqrt(d);  dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T",
    ),
)  # fmt: skip
