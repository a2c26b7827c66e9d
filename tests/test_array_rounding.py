"""Arrays and rounding: what is 0 but for rounding is 0, of values that rounding alone tells apart the first wins."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest

from array_circuits import FORWARD, Grower, random_circuit
from each import each
from tutor.engine.expressions import ONE, Const, Ref, Symbol, call, evaluate, rounding
from tutor.engine.lesson import Circuit, Definition, Lesson
from tutor.engine.trace import trace

A, B = Const(0.1) + 0.2, Const(0.3)  # 0.30000000000000004 and 0.3: the same number


def column(*numbers):
    return call("stack", *numbers)


def value(formula):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return np.asarray(evaluate(formula, lambda ref: np.nan))


def square(row):
    return call("stack", row, column(*[Const(1.0)] * row.shape[0]))


@each(
    "formula, exact",
    [
        (call("norm", column(A, B, B), param=(-1, 1e-5)), [0, 0, 0]),
        (call("norm", square(column(A, B, B)), param=(-1, 0.1)), [[0, 0, 0], [0, 0, 0]]),
        (call("variance", column(A, B, B)), 0),
        (call("variance", square(column(A, B)), param=-1), [0, 0]),
        (call("average", column(A, -B)), 0),
        (call("sum", square(column(A, -B)), param=-1), [0, 2]),
        (call("sum_to", square(column(A, -B)), column(B)), [2]),
        (call("matmul", square(column(A, B)), call("transpose", square(column(ONE, -ONE)))), [[0, 0.6], [0, 2]]),
        (call("conv", column(Const(0.1), Const(0.2), -B), column(*[Const(1.0)] * 3), param=(1, 0)), [0]),
        (call("avg_pool", column(A, -B, A), param=(2, 1)), [0, 0]),
        (call("first_max", column(B, A, Const(0.1))), [1, 0, 0]),
        (call("first_min", column(A, B, Const(0.4))), [1, 0, 0]),
        (call("first_max", square(column(B, A)), param=-1), [[1, 0], [1, 0]]),
        (call("first_max", square(column(B, A))), [[0, 0], [1, 0]]),
        (call("unpool_max", column(Const(5.0)), column(B, A), param=(2, 2)), [5, 0]),
        (call("wins_max", B, A, param=0), 1),
        (call("wins_max", B, A, param=1), 0),
        (call("wins_min", A, B, param=0), 1),
        (call("wins_min", A, B, param=1), 0),
        (call("causal_mask", square(column(A - B, B))), [[0, 0], [1, 1]]),
    ],
)  # fmt: skip
def test_what_rounding_made_is_not_shown(formula, exact):
    found = value(formula)
    want = np.asarray(exact, dtype=float)
    np.testing.assert_array_equal(found[want == 0], 0)
    np.testing.assert_allclose(found, want, rtol=1e-15)


def lesson(inputs, *lines, data=()):
    definitions = tuple(Definition(name, formula, "") for name, formula in lines)
    values = {name: np.array(given, dtype=float) for name, given in inputs.items()}
    return Lesson("c", "c", circuit=Circuit(values, definitions, lines[-1][0], data=tuple(data)))


def test_nothing_comes_back_through_the_sum_of_a_norm():
    """The normalised numbers add up to 0 whatever x is, so no gradient reaches x: exactly none."""
    x = Ref(Symbol("x", (2, 3)))
    found = trace(
        lesson({"x": [[0.1, 0.7, 0.4], [1.3, 0.2, 0.9]]}, ("L", call("sum", call("norm", x, param=(-1, 1e-5)))))
    )
    assert found.find("dL/dx").value.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_a_constant_row_without_eps_is_undefined_and_nothing_warns():
    x = Ref(Symbol("x", (3,)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = trace(lesson({"x": [0.3, 0.3, 0.3]}, ("L", call("sum", call("norm", x, param=(-1, 0.0))))))
        assert np.isnan(found.find("L").value) and np.isnan(found.find("dL/dx").value).all()


def test_a_blocked_position_poisons_nothing():
    """−∞ in the scores: an exact 0 in the shares, finite gradients, no noise anywhere that is not a number."""
    S, V = Ref(Symbol("S", (3, 3))), Ref(Symbol("V", (3, 2)))
    numbers = np.random.default_rng(3)
    made = lesson(
        {"S": numbers.uniform(-1, 1, (3, 3)), "V": numbers.uniform(-1, 1, (3, 2))},
        ("M", call("causal", S)),
        ("P", call("softmax", Ref(Symbol("M", (3, 3))))),
        ("l", call("log_softmax", Ref(Symbol("M", (3, 3))))),
        ("O", call("matmul", Ref(Symbol("P", (3, 3))), V)),
        ("L", call("sum", Ref(Symbol("O", (3, 2))) ** 2) - call("sum", call("row", Ref(Symbol("l", (3, 3))), param=2))),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = trace(made)
        upper = np.triu_indices(3, 1)
        assert np.isneginf(found.find("M").value[upper]).all() and (found.find("P").value[upper] == 0).all()
        for eq in found.equations:
            assert eq.symbol.id in ("M", "l") or np.isfinite(found.find(eq.symbol.id).value).all(), eq.symbol.id
            noise = rounding(eq.formula, found.value, found.program.noise(found.iteration.values))
            assert np.isfinite(noise).all(), eq.symbol.id
        assert (found.find("dL/dS").value[upper] == 0).all()


@pytest.mark.parametrize("op", FORWARD)
def test_no_operands_within_their_noise_lead_beyond_the_noise_of_the_value(op):
    """Every leaf off by as much as is said of it: the value is off by no more than its noise."""
    rng = np.random.default_rng(7)
    for seed in range(4):
        grower = Grower(random.Random(seed))
        formula = grower.make(op)
        numbers = {symbol.id for symbol in grower.data}
        noise = {key: 0.0 * v if key in numbers else 1e-7 * rng.random(v.shape) for key, v in grower.values.items()}

        def look(ref, at=grower.values):
            return at[ref.symbol.key]

        exact = np.asarray(evaluate(formula, look))
        most = np.asarray(rounding(formula, look, lambda ref, at=noise: at[ref.symbol.key]))
        assert np.isfinite(most).all()
        for _ in range(10):
            moved = {key: v + noise[key] * rng.choice([-1, 1], v.shape) for key, v in grower.values.items()}
            off = np.abs(np.asarray(evaluate(formula, lambda ref, at=moved: at[ref.symbol.key])) - exact)
            assert np.all(np.where(np.isfinite(off), off, 0) <= most * (1 + 1e-3) + 1e-13), (op, seed)


@each("seed", range(30))
def test_nothing_warns_whatever_the_numbers(seed):
    circuit = random_circuit(seed, lines=4)
    rng = np.random.default_rng(seed)
    grown = circuit.lesson()
    inputs = {
        name: value
        if any(symbol.id == name for symbol in circuit.data)
        else rng.choice([0.0, -1.0, 1e300, -1e300, 1e-300, 0.5], np.shape(value))
        for name, value in grown.circuit.inputs.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = trace(
            Lesson("c", "c", circuit=Circuit(inputs, grown.circuit.definitions, "L", data=grown.circuit.data))
        )
        for eq in found.equations:
            rounding(eq.formula, found.value, found.program.noise(found.iteration.values))


@pytest.mark.parametrize(("eps", "at_least"), [(0.0, 2.2), (1e-5, 2.1), (0.1, 1.8)])
def test_what_moves_all_of_a_norm_s_line_is_in_its_noise(eps, at_least):
    """The element at 2σ of twenty, where each number is off in the worst direction: about twice the noise over σ."""
    x = 0.01 * np.array([2.0, *[1.0, -1.0] * 9, 1.0])
    noise, n = 1e-7, len(x)
    away, root = x - x.mean(), np.sqrt(x.var() + eps)
    hat = away / root
    slopes = ((np.arange(n) == 0) - 1 / n - hat[0] * hat / n) / root
    moved = x + noise * np.sign(slopes)
    off = (moved - moved.mean())[0] / np.sqrt(moved.var() + eps) - hat[0]
    formula = call("norm", Ref(Symbol("x", (n,))), param=(-1, eps))
    allowed = np.asarray(rounding(formula, lambda ref: x, lambda ref: np.full(n, noise)))
    assert at_least * noise / root < off <= allowed[0] < 10 * noise / root


def test_what_moves_a_variance_and_a_cross_entropy_is_in_their_noise_and_little_more():
    """Where only the number far from the others is off: by the slope 2(x − x̄)/n, and by the slope p − 1(true class)."""
    n, noise = 20, 1e-7
    x, off = np.array([10.0, *[0.0] * (n - 1)]), np.array([noise, *[0.0] * (n - 1)])
    most = rounding(call("variance", Ref(Symbol("x", (n,)))), lambda ref: x, lambda ref: off)
    assert (x + off).var() - x.var() < most < 1.12 * 2 * (x - x.mean())[0] / n * noise
    z, y = np.array([1.0, 0.0, -1.0]), np.array([0.0, 1.0, 0.0])
    formula = call("cross_entropy", Ref(Symbol("z", (3,))), Ref(Symbol("y", (3,))))
    most = rounding(formula, lambda ref: z if ref.symbol.id == "z" else y, lambda ref: noise * (ref.symbol.id == "z"))
    worst = np.log(np.exp(z + noise * np.array([1, -1, 1])).sum()) - (z - noise)[1] - (np.log(np.exp(z).sum()) - z[1])
    assert worst <= most < 2 * worst
