"""Exercises on the update: momentum, Adam, and the gradient that both rest on, measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tutor.engine.ids import setting
from tutor.lab.exercise import Arrays, Case, Exercise, OwnSlip
from tutor.lab.making import bundled, circuit, drawn, numbers_of
from tutor.text.language import say


def _valley(title: str, w: Any, c: Any, iteration: int, **training: Any) -> Case:
    """Downhill in c₁w₁² + c₂w₂² + ..., in an iteration in which the optimiser has something to remember."""
    return circuit(
        title,
        "f = sum(c * w ** 2)",
        inputs={"w": w, "c": c},
        iteration=iteration,
        circuit={"data": ["c"]},
        training=training,
    )


def _rolling(rng: np.random.Generator) -> Sequence[Case]:
    ball = {"optimizer": "momentum", "learning_rate": 0.2, "momentum": 0.9}
    of_lesson = {"optimizer": "momentum", "learning_rate": 0.9, "momentum": 0.5}
    three, six = (say("random numbers, {n} parameters", n=n) for n in ("3", "2 × 3"))
    return [
        _valley(numbers_of("momentum", 2), [10.0, 1.0], [0.05, 1.0], 2, **of_lesson),
        _valley(three, drawn(rng, 3), drawn(rng, 3, low=0.1), 3, **ball),
        _valley(six, drawn(rng, 2, 3), drawn(rng, 2, 3, low=0.1), 2, **ball),
    ]


def _looking_ahead(case: Case) -> Arrays:
    velocity, mu = case.value("w.velocity'"), case.value(setting("momentum"))
    step = case.value("df/dw") + mu * velocity
    return {"new_v": velocity, "new_w": case.value("w") - case.value(setting("learning_rate")) * step}


MOMENTUM = Exercise(
    id="momentum",
    title="A step with a memory",
    aim="An update that remembers where it was heading.",
    lesson="momentum",
    takes={"w": "w", "v": "w.velocity", "g": "df/dw", "lr": setting("learning_rate"), "mu": setting("momentum")},
    returns={"new_v": "w.velocity'", "new_w": "w'"},
    cases=_rolling,
    slips=(
        OwnSlip(
            "not-slowed-down",
            "the old velocity was kept whole",
            "Only a share mu of it is kept, or it would grow for ever.",
            lambda case: {"new_v": case.value("w.velocity") + case.value("df/dw")},
        ),
        OwnSlip(
            "nesterov",
            "this is Nesterov's step, which looks ahead",
            "Here the parameter moves by lr times the new velocity, and by nothing else.",
            _looking_ahead,
        ),
    ),
    hints=(
        "Two lines: first the velocity, then the parameter. What moves the parameter is the velocity, not the "
        "gradient.",
        "mu belongs to the old velocity alone, lr to the step alone; the parameter takes the new velocity.",
        "new_v = mu * v + g;  new_w = w - lr * new_v",
    ),
)


def _adaptive(rng: np.random.Generator) -> Sequence[Case]:
    of_lesson = {"optimizer": "adam", "learning_rate": 0.5}
    quick = {"optimizer": "adam", "learning_rate": 0.1, "beta1": 0.8, "beta2": 0.95, "epsilon": 0.01}
    three, six = (say("random numbers, {n} parameters", n=n) for n in ("3", "2 × 3"))
    return [
        _valley(numbers_of("adam", 2), [10.0, 1.0], [0.05, 1.0], 2, **of_lesson),
        _valley(three, drawn(rng, 3), drawn(rng, 3), 3, **quick),
        _valley(six, drawn(rng, 2, 3), drawn(rng, 2, 3), 4, **quick),
    ]


ADAM = Exercise(
    id="adam",
    title="Adam",
    aim="An update whose stride is its own for each parameter.",
    lesson="adam",
    takes={
        "w": "w",
        "m": "w.m",
        "v": "w.v",
        "g": "df/dw",
        "t": lambda case: case.iteration,
        "lr": setting("learning_rate"),
        "beta1": setting("beta1"),
        "beta2": setting("beta2"),
        "eps": setting("epsilon"),
    },
    returns={"new_m": "w.m'", "new_v": "w.v'", "mhat": "w.mhat", "vhat": "w.vhat", "new_w": "w'"},
    cases=_adaptive,
    hints=(
        "Two running means, each with a correction, then one step. In both means the old one keeps the larger share.",
        "After t updates a mean that began at 0 holds only a share 1 − βᵗ of what it should. The gradient is squared "
        "before it goes into v; the root comes at the end, and eps is added to the root.",
        "new_m = beta1 * m + (1 - beta1) * g;  new_v = beta2 * v + (1 - beta2) * g**2;  "
        "mhat = new_m / (1 - beta1**t);  vhat = new_v / (1 - beta2**t);  new_w = w - lr * mhat / (np.sqrt(vhat) + eps)",
    ),
)


# ---------------------------------------------------------------- the gradient, measured

_NETWORK = ("A", "b", "u", "s", "y")


def _measured(title: str, w: Any, A: Any, b: Any, u: Any, s: float, y: float, grad: Any, eps: float) -> Case:
    """Central differences of L = ½ (u · σ(w A + b) + s − y)² in w, all at once: a row for each number that is changed.

    w as it lies is w A for the network: A puts each input where its weight meets it.
    """
    shape = np.shape(w)
    size = ", ".join(map(str, shape))
    inputs = {"w": np.ravel(w), "E": np.eye(np.size(w)), "A": A, "b": b, "u": u, "s": s, "y": y, "grad": grad, "e": eps}
    case = circuit(
        title,
        "up = w + e * E",
        "down = w - e * E",
        "higher = (sigmoid(up @ A + b) @ u + s - y)**2 / 2",
        "lower = (sigmoid(down @ A + b) @ u + s - y)**2 / 2",
        f"numeric = reshape((higher - lower) / (2 * e), {size})",
        "error = max(abs(numeric - grad) / max(abs(numeric), abs(grad)))",
        inputs=inputs,
        circuit={"data": [name for name in inputs if name != "w"]},
        extra={"w": np.asarray(w, dtype=float)},
    )
    return case


def _by_input(x: np.ndarray, units: int) -> np.ndarray:
    """(units · inputs, units): the A with which the weights of a layer, row by row, give W x."""
    return np.asarray(np.kron(np.eye(units), x[:, None]), dtype=float)


def _checks(rng: np.random.Generator) -> Sequence[Case]:
    own = bundled("gradient-check")
    x, W, b, u, s, y, right = map(own.value, ("x", "W1", "b1", "W2", "b2", "y", "dL/dW1"))
    half = right.copy()
    half[0] *= 0.5  # half of it was forgotten for the first unit
    cases = [_measured(own.title, W, _by_input(x, 2), b, u[0], float(s[0]), float(y[0]), half, 0.1)]
    for w in (drawn(rng, 4), drawn(rng, 2, 3)):
        A, b, u = drawn(rng, w.size, 3, high=0.9), drawn(rng, 3), drawn(rng, 3)
        size = " × ".join(map(str, w.shape))
        about = drawn(rng, *w.shape, high=0.4)
        cases.append(_measured(say("random numbers, {n} parameters", n=size), w, A, b, u, 0.2, 2.0, about, 0.05))
    return cases


def _loss(case: Case) -> Callable[[np.ndarray], float]:
    A, b, u, s, y = map(case.value, _NETWORK)
    return lambda w: float(((1 / (1 + np.exp(-(w.reshape(-1) @ A + b)))) @ u + s - y) ** 2 / 2)


def _one_sided(case: Case, side: float) -> Arrays:
    loss, w, eps = _loss(case), np.asarray(case.extra["w"]), float(case.value("e"))
    found = np.zeros(w.shape)
    for at in np.ndindex(w.shape):
        other = w.copy()
        other[at] += side * eps
        found[at] = (loss(other) - loss(w)) / (side * eps)
    return {"numeric": found}


def _never_put_back(case: Case, one_sided: bool = False) -> Arrays:
    """Each number is left eps lower than it was; or eps higher, where only that side is looked at."""
    loss, w, eps = _loss(case), np.array(case.extra["w"]), float(case.value("e"))
    found = np.zeros(w.shape)
    for at in np.ndindex(w.shape):
        before = loss(w)
        w[at] += eps
        higher = loss(w)
        found[at] = (higher - before) / eps
        if not one_sided:
            w[at] -= 2 * eps
            found[at] = (higher - loss(w)) / (2 * eps)
    return {"numeric": found}


def _error(case: Case, of: Callable[[np.ndarray, np.ndarray], Any]) -> Arrays:
    numeric, grad = case.value("numeric"), case.value("grad")
    return {"numeric": numeric, "error": np.asarray(of(numeric, grad))}


def _sizes(numeric: np.ndarray, grad: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(np.abs(numeric), np.abs(grad)), dtype=float)


ONE_SIDED = (
    "one-sided",
    "the difference was taken on one side only",
    "(loss higher − loss lower) / (2 eps): taken from both sides, most of what the loss bends cancels.",
)
NOT_PUT_BACK = (
    "not-put-back",
    "a number was not put back before the next one was changed",
    "Each number is changed alone, with all the others as they were: work on a copy, or put the old number back.",
)
NOT_RELATIVE = (
    "not-relative",
    "the difference was not divided by the size of the gradient",
    "0.001 off is much for a gradient of 0.002 and nothing for one of 20: divide by the larger of the two.",
)
MEAN_ERROR = (
    "mean-for-largest",
    "the mean was taken, or the whole was compared at once, where it is the largest",
    "One wrong number among a thousand right ones has to show: take the largest of the errors.",
)
HALF_SIZE = (
    "divided-by-sum",
    "the difference was divided by both sizes together, or by one that is not the larger",
    "Here it is the larger of |numeric| and |grad|, number by number.",
)

GRADIENT_CHECK = Exercise(
    id="gradient_check",
    title="A gradient, measured",
    aim="Any function's gradient by differences, and how far off another is.",
    lesson="gradient-check",
    takes={"w": "w", "grad": "grad", "eps": "e", **{name: name for name in _NETWORK}},
    returns={"numeric": "numeric", "error": "error"},
    cases=_checks,
    driver="measure",
    digits=9,
    theory=False,
    slips=(
        OwnSlip(*ONE_SIDED, lambda case: _one_sided(case, 1.0)),
        OwnSlip(*ONE_SIDED, lambda case: _one_sided(case, -1.0)),
        OwnSlip(*ONE_SIDED, lambda case: {"numeric": _one_sided(case, 1.0)["numeric"] / 2}),  # w - eps after w + eps
        OwnSlip(
            "eps-for-2eps",
            "divided by eps, where it is 2 eps",
            "From eps lower to eps higher is a way of 2 eps.",
            lambda case: {"numeric": 2 * case.value("numeric")},
        ),
        OwnSlip(
            "lower-less-higher",
            "the loss on the lower side came first",
            "Higher less lower: where the loss grows with the number the slope is above 0.",
            lambda case: {"numeric": -case.value("numeric")},
        ),
        OwnSlip(
            "two-times-eps",
            "a / 2 * eps divides by 2 and then multiplies by eps",
            "Python goes from left to right: what is below the stroke goes in brackets, / (2 * eps).",
            lambda case: {"numeric": case.value("numeric") * case.value("e") ** 2},
        ),
        OwnSlip(
            "one-array",
            "both sides are one and the same array",
            "b = a gives an array a second name, and a change shows in both: a.copy() makes another one.",
            lambda case: {"numeric": np.zeros(np.shape(case.extra["w"]))},
        ),
        OwnSlip(*NOT_PUT_BACK, _never_put_back),
        OwnSlip(*NOT_PUT_BACK, lambda case: _never_put_back(case, one_sided=True)),
        OwnSlip(*NOT_RELATIVE, lambda case: _error(case, lambda n, g: np.max(np.abs(n - g)))),
        OwnSlip(*MEAN_ERROR, lambda case: _error(case, lambda n, g: np.mean(np.abs(n - g) / _sizes(n, g)))),
        OwnSlip(
            *MEAN_ERROR,
            lambda case: _error(case, lambda n, g: np.linalg.norm(n - g) / (np.linalg.norm(n) + np.linalg.norm(g))),
        ),
        OwnSlip(*HALF_SIZE, lambda case: _error(case, lambda n, g: np.max(np.abs(n - g) / (np.abs(n) + np.abs(g))))),
        OwnSlip(*HALF_SIZE, lambda case: _error(case, lambda n, g: np.max(np.abs(n - g) / np.abs(n)))),
        OwnSlip(*HALF_SIZE, lambda case: _error(case, lambda n, g: np.max(np.abs(n - g) / np.abs(g)))),
    ),
    hints=(
        "A loop over the numbers of w, each changed alone, up and down. Nothing is differentiated: the loss is asked.",
        "np.ndindex(w.shape) gives every place of an array of any shape. Change a copy, so that the others are as they "
        "were. From eps lower to eps higher is a way of 2 eps.",
        "for at in np.ndindex(w.shape):  higher, lower = w.copy(), w.copy();  higher[at] += eps;  lower[at] -= eps;  "
        "numeric[at] = (loss(higher) - loss(lower)) / (2 * eps).  error = np.max(np.abs(numeric - grad) / "
        "np.maximum(np.abs(numeric), np.abs(grad)))",
    ),
)
