"""The first lessons of "The layers of today", computed apart: plain NumPy, and no rule of a backward pass.

Nothing here comes from the tutor. Each lesson is its forward pass, written out again with its numbers, and calls
`at(name, value)` for every value that has a gradient: there a nudge is added. A use of a shared value is a name of its
own, `W@p`. A gradient is what the output answers to a nudge: its derivative along an imaginary one of 1e-30, which no
rounding disturbs (W. Squire, G. Trapp, "Using Complex Variables to Estimate Derivatives of Real Functions", SIAM
Review 40, 1998).

    python layers_by_hand.py      prints them all, with the losses of the first updates
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

At = Callable[[str, object], np.ndarray]
TINY = 1e-30


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def weight_twice(at: At, p) -> np.ndarray:
    x, y = np.array([2, 1]), np.array([3, 3])
    h = at("h", at("W@h", p["W"]) @ x)
    out = at("p", at("W@p", p["W"]) @ h)
    r = at("r", out - y)
    return (r**2).sum() / 2


def recurrence(at: At, p) -> np.ndarray:
    x = np.array([[1.64792, -0.549306], [-0.993841, 1.19245], [1.99176, -0.805465]])
    y = np.array([0.35, 0.3])
    h = np.zeros(2)
    for t in (1, 2, 3):
        z = at(f"z{t}", at(f"Wx@z{t}", p["Wx"]) @ x[t - 1] + at(f"Wh@z{t}", p["Wh"]) @ h)
        h = at(f"h{t}", np.tanh(z))
    r = at("r", h - y)
    return (r**2).sum() / 2


def lstm(at: At, p) -> np.ndarray:
    h0, c0 = at("h0", 0.5), at("c0", 0.998265)
    v = at("v", np.array([1, h0]))
    f = at("f", sigmoid(at("zf", p["Wf"] @ v + p["bf"])))
    i = at("i", sigmoid(at("zi", p["Wi"] @ v + p["bi"])))
    g = at("g", np.tanh(at("zg", p["Wg"] @ v + p["bg"])))
    o = at("o", sigmoid(at("zo", p["Wo"] @ v + p["bo"])))
    c = at("c", at("kept", f * c0) + at("new", i * g))
    h = at("h", o * at("s", np.tanh(c)))
    return at("r", h - 0.98) ** 2 / 2


def convolution(at: At, p) -> np.ndarray:
    x = at("x", np.array([[1, 2, 0], [0, 1, 3], [2, 0, 1]]))
    y = np.array([[-1, 1], [0, -2]])
    c = at("c", np.array([[(x[i : i + 2, j : j + 2] * p["k"]).sum() for j in (0, 1)] for i in (0, 1)]))
    r = at("r", at("z", c + p["b"]) - y)
    return (r**2).sum() / 2


def pooling(at: At, p) -> np.ndarray:
    x = np.array([[1, 3, 0, 2], [2, 0, 2, -4], [-1, -2, 4, 0], [-3, -2, 2, 2]])
    whole = at("x", x)
    one, other = at("x@m", whole), at("x@a", whole)
    m, a = np.zeros((2, 2), complex), np.zeros((2, 2), complex)
    for i in (0, 1):
        for j in (0, 1):
            window = one[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].ravel()
            m[i, j] = window[int(np.argmax(window.real))]  # of equal ones the first
            a[i, j] = other[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].sum() / 4
    m, a = at("m", m), at("a", a)
    rm, ra = at("rm", m - np.array([[2, 2.5], [-1.5, 2]])), at("ra", a - np.array([[-0.5, 1], [0, 1.6]]))
    return at("Lm", (rm**2).sum() / 2) + at("La", (ra**2).sum() / 2)


def dropout_gelu(at: At, p) -> np.ndarray:
    x, mask, keep = np.array([1, 2]), np.array([1, 0, 1]), 0.5
    z = at("z", p["W"] @ x)
    h = at("h", 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))))
    d = at("d", mask * h / keep)
    r = at("r", at("p", p["v"] @ d) - 0.547152)
    return r**2 / 2


# id: its forward pass, what it learns, its learning rate
LESSONS: dict[str, tuple[Callable, dict[str, object], float]] = {
    "weight-twice": (weight_twice, {"W": [[0.5, 2], [1, -1]]}, 0.02),
    "recurrence": (recurrence, {"Wx": [[0.5, 0.5], [0.5, -0.5]], "Wh": [[0.5, 0.25], [0, 0.5]]}, 0.5),
    "lstm": (
        lstm,
        {
            "Wf": [1, 0.5], "bf": 0.136294, "Wi": [0.5, -1], "bi": 0,
            "Wg": [0.5, 0.5], "bg": -0.056853, "Wo": [-0.5, 1], "bo": 0.405465,
        },
        0.5,
    ),
    "convolution": (convolution, {"k": [[1, -0.5], [0.5, -1]], "b": 0.5}, 0.05),
    "pooling": (pooling, {}, 0.0),
    "dropout-gelu": (dropout_gelu, {"W": [[-1, 1], [2, 0], [1, -1]], "v": [1, 0.5, 2]}, 0.02),
}  # fmt: skip

# id: {updates: the loss after them}, as the lessons' endings say
TOLD = {
    "weight-twice": {0: "0.625", 1: "0.589"},
    "recurrence": {2: "0.002", 10: "0.000001"},
    "lstm": {20: "0.033"},
    "convolution": {0: "1.625", 1: "0.565"},
}


def _forward(lesson: Callable, parameters, nudges):
    """The loss, and every value that `at` was told; parameters are told, too."""
    seen: dict[str, np.ndarray] = {}

    def at(name, value):
        seen[name] = np.asarray(value) + nudges.get(name, 0)
        return seen[name]

    told = {name: at(name, value) for name, value in parameters.items()}
    return lesson(at, told), seen


def iteration(id: str, parameters=None) -> dict[str, np.ndarray]:
    """Every value by its step id: forward, `dL/d…` of each, and of a parameter its new value."""
    lesson, first, rate = LESSONS[id]
    parameters = first if parameters is None else parameters
    loss, seen = _forward(lesson, parameters, {})
    found = {name: value.real for name, value in seen.items()} | {"L": np.asarray(loss).real}
    for name, value in seen.items():
        slopes = np.zeros(value.shape)
        for place in np.ndindex(value.shape):
            nudge = np.zeros(value.shape, complex)
            nudge[place] = TINY * 1j
            slopes[place] = _forward(lesson, parameters, {name: nudge})[0].imag / TINY
        found[f"dL/d{name}"] = slopes
    return found | {f"{name}'": np.asarray(parameters[name]) - rate * found[f"dL/d{name}"] for name in parameters}


def iterations(id: str, many: int) -> list[dict[str, np.ndarray]]:
    found = [iteration(id)]
    while len(found) < many:
        found.append(iteration(id, {name: found[-1][f"{name}'"] for name in LESSONS[id][1]}))
    return found


if __name__ == "__main__":
    np.set_printoptions(precision=6, suppress=True)
    for id in LESSONS:
        print(id)
        for name, value in iteration(id).items():
            print(f"  {name} = {value.tolist() if value.size < 3 else value}")
        print("  losses:", [round(float(one["L"]), 6) for one in iterations(id, 30 if LESSONS[id][1] else 1)])
