"""Formulas about arrays, as a lesson file writes them: NumPy's rules, and where each mistake is told."""

from pathlib import Path

import numpy as np
import pytest

from each import each
from tutor.engine.array_functions import ARRAY_FUNCTIONS, shape_text
from tutor.engine.expressions import Ref, Symbol, evaluate, walk
from tutor.engine.parsing import CONSTANTS, FUNCTIONS, RESERVED, FormulaError, parse, read

RNG = np.random.default_rng(3)
VALUES = {
    "s": 0.7,
    "u": RNG.normal(size=3),
    "v": RNG.normal(size=3),
    "w": RNG.normal(size=4),
    "A": RNG.normal(size=(2, 3)),
    "B": RNG.normal(size=(3, 4)),
    "C": RNG.normal(size=(2, 3)),
    "R": RNG.normal(size=(1, 3)),
    "T": RNG.normal(size=(2, 3, 4)),
    "U": RNG.normal(size=(2, 4, 3)),
    "X4": RNG.normal(size=(2, 3, 4, 5)),
    "E": RNG.normal(size=(5, 2)),
    "ids": np.array([4.0, 1.0, 4.0]),
    "k1": RNG.normal(size=2),
    "k2": RNG.normal(size=(2, 2)),
    "k3": RNG.normal(size=(4, 3, 2)),
    "k4": RNG.normal(size=(2, 3, 3, 2)),
    "y": np.array([2.0, 3.0]),
}


def tree(text, names=VALUES):
    def resolve(name, offset):
        if name in CONSTANTS and name not in names:
            return CONSTANTS[name]
        if name not in names:
            raise FormulaError(f"no name {name}", offset)
        return Ref(Symbol(name, np.shape(names[name])))

    return parse(text, resolve)


def soft(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def normed(x, axis=-1, eps=1e-5):
    return (x - x.mean(axis=axis, keepdims=True)) / np.sqrt(x.var(axis=axis, keepdims=True) + eps)


def conv2(x, k, stride=1, padding=0):
    """x (channels, h, w), k (out, channels, h, w), by loops."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    h, w = k.shape[2:]
    rows, columns = (x.shape[1] - h) // stride + 1, (x.shape[2] - w) // stride + 1
    out = np.zeros((len(k), rows, columns))
    for o, i, j in np.ndindex(out.shape):
        out[o, i, j] = (x[:, i * stride : i * stride + h, j * stride : j * stride + w] * k[o]).sum()
    return out


# What a formula says, and NumPy's own word for it.
MEANT = {
    "A + C": lambda A, C: A + C,
    "A + u": lambda A, u: A + u,
    "A * R - s": lambda A, R, s: A * R - s,
    "A / 2 ** 2": lambda A: A / 4,
    "-A ** 2": lambda A: -(A**2),
    "T + w": lambda T, w: T + w,
    "A @ B": lambda A, B: A @ B,
    "A @ u": lambda A, u: A @ u,
    "u @ B": lambda u, B: u @ B,
    "u @ v": lambda u, v: u @ v,
    "2 * u @ v": lambda u, v: (2 * u) @ v,
    "A @ B / 2": lambda A, B: (A @ B) / 2,
    "s - A @ B": lambda s, A, B: s - A @ B,
    "A.T": lambda A: A.T,
    "A.T @ C": lambda A, C: A.T @ C,
    "A @ C.T": lambda A, C: A @ C.T,
    "(A + C).T @ A": lambda A, C: (A + C).T @ A,
    "A.T.T": lambda A: A,
    "A.T ** 2": lambda A: A.T**2,
    "u.T": lambda u: u,
    "s.T": lambda s: np.float64(s),
    "T.T": lambda T: np.swapaxes(T, -1, -2),
    "T @ U": lambda T, U: T @ U,
    "sum(A)": lambda A: A.sum(),
    "sum(A, axis=0)": lambda A: A.sum(0),
    "sum(A, axis=-1)": lambda A: A.sum(1),
    "sum(T, axis=1)": lambda T: T.sum(1),
    "sum(A, axis=1, keepdims=True)": lambda A: A.sum(1, keepdims=True),
    "sum(A, keepdims=True)": lambda A: A.sum(keepdims=True),
    "sum(A, axis=1, keepdims=False)": lambda A: A.sum(1),
    "sum(T, axis=(0, 2))": lambda T: T.sum((0, 2)),
    "mean(X4, axis=(0, -1, 2), keepdims=True)": lambda X4: X4.mean((0, 3, 2), keepdims=True),
    "max(T, axis=(-1, 0))": lambda T: T.max((0, 2)),
    "sum(A, axis=(0, 1))": lambda A: A.sum(),
    "sum(A, axis=(1))": lambda A: A.sum(1),
    "sum(A, axis=(1,))": lambda A: A.sum(1),
    "sum(A, axis=(2 - 1))": lambda A: A.sum(1),
    "var(A, axis=(0, 1))": lambda A: A.var(),
    "sum(u, axis=0)": lambda u: u.sum(),
    "sum(s)": lambda s: np.float64(s),
    "mean(A)": lambda A: A.mean(),
    "mean(T, axis=-2)": lambda T: T.mean(-2),
    "mean(s)": lambda s: np.float64(s),
    "max(A)": lambda A: A.max(),
    "max(A, axis=0)": lambda A: A.max(0),
    "min(A, axis=1)": lambda A: A.min(1),
    "max(A, C)": lambda A, C: np.maximum(A, C),
    "max(A, 0)": lambda A: np.maximum(A, 0),
    "min(A, u, 1)": lambda A, u: np.minimum(np.minimum(A, u), 1),
    "var(A)": lambda A: A.var(),
    "var(A, axis=0)": lambda A: A.var(0),
    "softmax(A)": lambda A: soft(A),
    "softmax(A, axis=0)": lambda A: soft(A, 0),
    "softmax(A, axis=1)": lambda A: soft(A, 1),
    "softmax(u)": lambda u: soft(u),
    "log_softmax(T, axis=-2)": lambda T: np.log(soft(T, -2)),
    "norm(A)": lambda A: normed(A),
    "norm(A, axis=0)": lambda A: normed(A, 0),
    "norm(A, eps=0.1)": lambda A: normed(A, eps=0.1),
    "norm(A, axis=0, eps=1e-2)": lambda A: normed(A, 0, 0.01),
    "norm(A, eps=10**-3)": lambda A: normed(A, eps=0.001),
    "cross_entropy(A, y)": lambda A, y: -np.log(soft(A))[np.arange(2), y.astype(int) - 1].mean(),
    "cross_entropy(A, softmax(C))": lambda A, C: -(np.log(soft(A)) * soft(C)).sum(1).mean(),
    "cross_entropy(u, 2)": lambda u: -np.log(soft(u))[1],
    "conv(w, k1)": lambda w, k1: np.array([w[i : i + 2] @ k1 for i in range(3)]),
    "conv(A, k2)": lambda A, k2: conv2(A[None], k2[None, None])[0],
    "conv(A, k2, padding=1)": lambda A, k2: conv2(A[None], k2[None, None], padding=1)[0],
    "conv(A, k2, stride=2, padding=1)": lambda A, k2: conv2(A[None], k2[None, None], 2, 1)[0],
    "conv(B, k3)": lambda B, k3: conv2(B[:, None], k3[:, :, None])[:, 0],
    "conv(X4, k4)": lambda X4, k4: np.array([conv2(x, k4) for x in X4]),
    "conv(row(X4, 2), k4, stride=2)": lambda X4, k4: conv2(X4[1], k4, 2),
    "max_pool(w, 2)": lambda w: w.reshape(2, 2).max(1),
    "max_pool(T, 2, stride=1)": lambda T: np.array(
        [[[t[i : i + 2, j : j + 2].max() for j in range(3)] for i in range(2)] for t in T]
    ),
    "avg_pool(w, 3, stride=1)": lambda w: np.array([w[:3].mean(), w[1:].mean()]),
    "row(A, 2)": lambda A: A[1],
    "row(u, 3)": lambda u: u[2],
    "row(T, 1)": lambda T: T[0],
    "embedding(E, ids)": lambda E, ids: E[ids.astype(int) - 1],
    "embedding(E, 2)": lambda E: E[1],
    "concat(A, C)": lambda A, C: np.concatenate([A, C]),
    "concat(A, C, axis=1)": lambda A, C: np.concatenate([A, C], 1),
    "concat(u, v, w)": lambda u, v, w: np.concatenate([u, v, w]),
    "reshape(A, 3, 2)": lambda A: A.reshape(3, 2),
    "reshape(A, 6)": lambda A: A.reshape(6),
    "reshape(A, -1)": lambda A: A.reshape(-1),
    "reshape(A, 3, -1)": lambda A: A.reshape(3, -1),
    "reshape(u, 3, 1) * w": lambda u, w: u[:, None] * w,
    "causal(A)": lambda A: np.where(np.triu(np.ones((2, 3)), 1) == 1, -np.inf, A),
    "exp(A) + sin(u) + tanh(s)": lambda A, u, s: np.exp(A) + np.sin(u) + np.tanh(s),
    "relu(A)": lambda A: np.maximum(A, 0),
    "leaky_relu(A)": lambda A: np.where(A > 0, A, 0.01 * A),
    "leaky_relu(A, 0.3)": lambda A: np.where(A > 0, A, 0.3 * A),
    "leaky_relu(A, alpha=1/4)": lambda A: np.where(A > 0, A, 0.25 * A),
    "elu(A)": lambda A: np.where(A > 0, A, np.expm1(A)),
    "elu(A, 2)": lambda A: np.where(A > 0, A, 2 * np.expm1(A)),
    "A * u × 2 · 1 ÷ 4 − 1": lambda A, u: A * u * 2 / 4 - 1,
    "sqrt(2) * A + pi * e": lambda A: np.sqrt(2) * A + np.pi * np.e,
}


@each("text", MEANT)
def test_a_formula_means_what_numpy_means(text):
    formula, oracle = tree(text), MEANT[text]
    names = oracle.__code__.co_varnames[: oracle.__code__.co_argcount]
    wanted = np.asarray(oracle(*(np.asarray(VALUES[name]) for name in names)))
    found = np.asarray(evaluate(formula, lambda ref: VALUES[ref.symbol.id]))
    assert formula.shape == wanted.shape == found.shape
    assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_the_reference_has_every_function_as_it_is_written():
    text = (Path(__file__).parent.parent / "docs" / "lesson-format.md").read_text(encoding="utf-8")
    for function in ARRAY_FUNCTIONS.values():
        ways = ", ".join(f"`{usage}`" for usage in function.usage)
        assert f"| {ways} | {function.meaning} |" in text


def test_every_function_of_arrays_is_among_them():
    for name, function in ARRAY_FUNCTIONS.items():
        assert any(f"{name}(" in text for text in MEANT), name
        assert all(usage.startswith(f"{name}(") for usage in function.usage)


@pytest.mark.parametrize(
    "text", ["sum(x, axis=0)", "softmax(x, axis=-2)", "mean(x, axis=1)", "norm(x, axis=0)", "max(x, axis=0)"]
)
def test_an_axis_counts_from_the_end_in_a_tree(text):
    """So that an axis of examples before the others changes nothing."""
    formula = tree(text, {"x": np.zeros((2, 3, 4))})
    params = [node.param for node in walk(formula) if getattr(node, "param", None) is not None]
    (axis,) = [param[0] if isinstance(param, tuple) else param for param in params]
    assert axis < 0


@each(
    "text, offset, words",
    [
        ("A + w", 2, ["(2, 3)", "(4,)"]),
        ("B * reshape(u, 3) + 1", 2, ["(3, 4)", "(3,)", "reshape(b, 3, 1)"]),
        ("1 + A @ C", 6, ["(2, 3)", "transpose the right, as in Q @ K.T"]),
        ("A @ y", 2, ["transpose the left"]),
        ("A @ 2", 2, ["a single number", "a number times an array is *"]),
        ("s @ u", 2, ["a single number"]),
        ("1 - sum(A, axis=2)", 4, ["no axis 2", "2 × 3", "0 to 1 (or −2 to −1)"]),
        ("mean(u, axis=1)", 0, ["no axis 1", "a vector of 3"]),
        ("softmax(s)", 0, ["a single number has no axis"]),
        ("var(s)", 0, ["single number"]),
        ("sum(A, 0)", 0, ["takes 1 argument", "axis and keepdims by name", "sum(x, axis=0)"]),
        ("sum(A, axes=0)", 7, ["no axes=", "did you mean 'axis'?"]),
        ("sum(A, dim=0)", 7, ["did you mean 'axis'?"]),
        ("sum(A, axis=1, keepdim=True)", 15, ["did you mean 'keepdims'?"]),
        ("sum(A, axis=0.5)", 7, ["axis of sum() must be a whole number"]),
        ("sum(A, axis=s)", 7, ["must be a whole number, written out"]),
        ("sum(A, axis=0, axis=1)", 15, ["axis is given twice"]),
        ("sum(axis=0, A)", 12, ["stands before axis="]),
        ("sum(T, axis=(0, -3))", 0, ["named twice"]),
        ("var(T, axis=(0, 1))", 0, ["one axis"]),
        ("softmax(T, axis=(0, 1))", 11, ["axis of softmax() must be a whole number"]),
        ("sum(A, axis=(0, s))", 7, ["whole number"]),
        ("sum(A, axis=(0 1))", 15, ["')' is missing"]),
        ("sum()", 0, ["takes 1 argument, not 0"]),
        ("sum(A, keepdims=2)", 7, ["must be True or False"]),
        ("max(s)", 0, ["max() takes at least 2 arguments, not 1"]),
        ("max(s, axis=0)", 0, ["a single number has no axis"]),
        ("max(A, C, axis=0)", 0, ["takes 1 argument, not 2"]),
        ("sin(A, axis=0)", 7, ["sin() has no axis="]),
        ("sin(A, 2)", 0, ["sin() takes 1 argument, not 2"]),
        ("leaky_relu(A, 2)", 0, ["at least 0 and less than 1"]),
        ("leaky_relu(A, s)", 0, ["written out"]),
        ("elu(A, -1)", 0, ["at least 0"]),
        ("norm(A, eps=-1)", 8, ["eps of norm() must be a number of at least 0"]),
        ("conv(A, s)", 0, ["kernel"]),
        ("conv(k1, w)", 0, ["larger", "4", "2"]),
        ("conv(A, k4)", 0, ["channels × height × width", "(2, 3)"]),
        ("conv(U, k3)", 0, ["3 channels", "(2, 4, 3)"]),
        ("conv(A, k2, stride=0)", 12, ["stride of conv() must be a whole number of at least 1"]),
        ("conv(A, k2, 2)", 0, ["stride and padding by name"]),
        ("max_pool(A, 3)", 0, ["window of 3 × 3", "(2, 3)"]),
        ("max_pool(A)", 0, ["takes 2 arguments, not 1"]),
        ("max_pool(A, s)", 0, ["whole number", "max_pool(x, 2)"]),
        ("row(A, 0)", 0, ["row 0 is not there", "of 2 rows"]),
        ("row(A, 3)", 0, ["row 3 is not there", "(2, 3)", "of 2 rows"]),
        ("row(A, 1.5)", 0, ["whole number"]),
        ("row(s, 1)", 0, ["no rows"]),
        ("reshape(A, 4, 2)", 0, ["6 numbers", "4 × 2"]),
        ("reshape(A, 4, -1)", 0, ["6 numbers"]),
        ("reshape(s, 2)", 0, ["a single number is 1 number: they do not make 2"]),
        ("reshape(k1, 3)", 0, ["a vector of 2 is 2 numbers: they do not make 3"]),
        ("A u", 2, ["an operator is missing before 'u'", "write * between the factors"]),
        ("2 (u)", 2, ["an operator is missing before '('", "write * between the factors"]),
        ("reshape(A, 1, 1, 1, 2, 3)", 0, ["rank 5: 4 is the most"]),
        ("embedding(u, ids)", 0, ["row for each id", "a vector of 3"]),
        ("cross_entropy(A, u)", 0, ["logits (2, 3)", "class numbers (2,), one a row", "targets are (3,)"]),
        ("causal(u)", 0, ["diagonal", "(3,)"]),
        ("concat(A, w)", 0, ["(2, 3)", "(4,)"]),
        ("concat(A)", 0, ["takes at least 2 arguments"]),
        ("A = 2", 2, ["'=' means nothing"]),
        ("(A = 2)", 3, ["'=' means nothing"]),
        ("sum(A, axis==0)", 12, ["'=' means nothing"]),
        ("A.sum()", 1, ["'.' means nothing"]),
        ("A[1]", 1, ["'[' means nothing"]),
        ("norm + 1", 0, ["no name norm"]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_place(text, offset, words):
    with pytest.raises(FormulaError) as caught:
        tree(text)
    said = f"{caught.value.message} | {caught.value.advice}"
    assert caught.value.offset == offset, said
    for word in words:
        assert word in said


def test_a_name_of_which_nothing_is_known_says_nothing_of_shapes():
    """One mistake is told once: what follows from an unknown name is not concluded."""
    known = {"A": (2, 3), "w": (4,)}
    resolve = lambda name, offset: Ref(Symbol(name, known[name])) if name in known else None  # noqa: E731
    assert read("sum(A @ x, axis=7).T + max(x) + conv(x, A)", resolve) is None
    with pytest.raises(FormulaError, match="do not go together"):
        read("x + (A + w)", resolve)
    with pytest.raises(FormulaError, match="takes 1 argument"):
        read("softmax(x, 1)", resolve)


@each("name", [*ARRAY_FUNCTIONS, "e", "pi", "True", "axis", "gelu_erf"])
def test_the_name_of_a_new_function_is_free_for_a_value(name):
    if name in RESERVED:
        return
    assert evaluate(tree(f"{name} + 1", {name: 2.0}), lambda ref: 2.0) == 3
    if name in ARRAY_FUNCTIONS and name not in ("max", "min"):
        both = tree(f"{name} * sum(x)", {name: 2.0, "x": np.ones(3)})
        assert evaluate(both, lambda ref: 2.0 if ref.symbol.id == name else np.ones(3)) == 6


def test_names_that_were_taken_stay_taken_and_no_more():
    assert set(FUNCTIONS) >= RESERVED
    with pytest.raises(FormulaError, match="max is a function"):
        tree("max + 1", {"max": 1.0})


def test_a_value_that_nobody_could_hold_is_refused_before_it_is_made():
    names = {"a": np.broadcast_to(0.0, (100_000, 1)), "b": np.broadcast_to(0.0, (1, 100_000))}
    for text in ("a @ b", "a + b", "1 + a * b"):
        with pytest.raises(FormulaError, match="10,000,000,000 numbers: 10,000,000 are the most"):
            tree(text, names)


def test_a_shape_in_words():
    words = [shape_text(shape) for shape in ((), (3,), (1_000,), (2, 3), (1_000, 2, 4))]
    assert words == ["a single number", "a vector of 3", "a vector of 1,000", "2 × 3", "1,000 × 2 × 4"]


def test_a_column_is_proposed_for_a_vector_alone():
    for text, proposed in (("B + u", True), ("T + reshape(A, 3, 2)", False), ("u + v + w", False)):
        with pytest.raises(FormulaError) as caught:
            tree(text)
        assert "shapes are matched from the last axis back" in caught.value.advice
        assert ("makes a column" in caught.value.advice) == proposed, text
