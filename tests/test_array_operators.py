"""Operators over arrays of any rank, in random formulas and circuits, held against loops over complex numbers."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest

from array_circuits import (
    EXAMPLES,
    FORWARD,
    REFERENCE,
    STEP,
    ArrayCircuit,
    Grower,
    circuit_of,
    random_circuit,
    reference,
)
from each import each
from tutor.engine.backprop import backward, gradient_of
from tutor.engine.expressions import Ref, Symbol, at_example, call, element, evaluate, indices, negative, refs
from tutor.engine.local import local_derivative
from tutor.engine.model import Equation
from tutor.engine.program import value_of

TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}


def look(values):
    def of(ref):
        value = np.asarray(values[ref.symbol.key])
        value = value if ref.example is None else value[ref.example]
        return value[(..., *ref.index)] if ref.index else value

    return of


def run(circuit: ArrayCircuit) -> dict[str, np.ndarray]:
    """Every value and gradient, by the engine."""
    values = dict(circuit.values)
    model = circuit.model()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for eq in (*model.forward, *backward(model)):
            if not eq.deferred:
                found = np.asarray(value_of(eq, look(values), EXAMPLES))
                assert found.shape == ((EXAMPLES,) if eq.symbol.per_example else ()) + eq.symbol.shape, eq.symbol.id
                values[eq.symbol.key] = found
    return values


def assert_right(circuit: ArrayCircuit) -> None:
    values = run(circuit)
    np.testing.assert_allclose(values[circuit.output.key], np.real(circuit.run(circuit.values)), **TOLERANCE)
    for symbol in circuit.parameters:
        gradient = gradient_of(circuit.output, symbol)
        got = values[gradient.id if gradient.id in values else gradient.key]
        for index in indices(symbol.shape):
            np.testing.assert_allclose(got[index], circuit.slope(symbol, index), **TOLERANCE, err_msg=symbol.id)


@pytest.mark.parametrize("op", FORWARD)
def test_every_operator_s_gradient_is_its_slope(op):
    for seed in range(12):
        assert_right(circuit_of(op, seed, examples=seed % 3 > 0, whole=seed % 3 == 2))


@each("seed", range(15))
@pytest.mark.parametrize("more", range(0, 150, 15))
def test_gradients_of_random_circuits_are_their_slopes(seed, more):
    seed += more
    assert_right(random_circuit(seed, lines=4, examples=seed % 3 > 0, whole=seed % 3 == 2))


@pytest.mark.parametrize("op", REFERENCE)
def test_every_operator_s_value_and_elements(op):
    for seed in range(14):
        grower = Grower(random.Random(seed), examples=seed % 2 > 0)
        formula = grower.make(op)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = np.asarray(evaluate(formula, look(grower.values)))
        want = [np.real(reference(formula, grower.values, e)) for e in range(EXAMPLES if formula.batched else 1)]
        np.testing.assert_allclose(found, want if formula.batched else want[0], **TOLERANCE)
        for index in indices(formula.shape):
            whole = found[(..., *index)]
            one = np.broadcast_to(evaluate(element(formula, index), look(grower.values)), whole.shape)
            np.testing.assert_allclose(one, whole, **TOLERANCE, err_msg=f"{formula} {index}")


def table(found: np.ndarray, top: tuple[int, ...], bottom: tuple[int, ...]) -> np.ndarray:
    """A local derivative written out, (*top, *bottom): each on its own, or a row's on the row, has zeros elsewhere."""
    if found.shape == top + bottom and not (top == bottom == ()):
        return found
    whole = np.zeros(top + bottom)
    for index in indices(bottom):
        whole[(*index[: len(top)], *index)] = found[index]
    return whole


W, X, U = Ref(Symbol("W", (2, 2))), Ref(Symbol("x", (2,))), Ref(Symbol("u", (2,)))
PRODUCT = call("matmul", W, X)


@pytest.mark.parametrize(
    "formula",
    [PRODUCT, PRODUCT + U, U - PRODUCT, negative(PRODUCT), PRODUCT + X, PRODUCT * X, call("tanh", PRODUCT),
     call("softmax", X), negative(call("softmax", X)), call("softmax", X) + X, call("sum", X) * U],
    ids=lambda formula: formula.op,
)  # fmt: skip
def test_the_derivative_of_a_product_is_its_matrix_only_where_nothing_else_is_done_to_it(formula):
    values = {"W": np.array([[0.5, -1.0], [2.0, 0.25]]), "x": np.array([0.3, -0.7]), "u": np.array([1.5, 2.0])}
    local = local_derivative(Equation(Symbol("y", (2,)), formula, "forward", "gate", variant=formula.op), X.symbol)
    at = values | {"y": np.asarray(evaluate(formula, look(values)))}
    found = np.broadcast_to(evaluate(local.formula, look(at)), local.symbol.shape)
    differences = []
    for k in range(2):
        up, down = (values["x"] + sign * 1e-6 * np.eye(2)[k] for sign in (1, -1))
        sides = [np.asarray(evaluate(formula, look(values | {"x": x}))) for x in (up, down)]
        differences.append((sides[0] - sides[1]) / 2e-6)
    np.testing.assert_allclose(table(found, (2,), (2,)), np.transpose(differences), atol=1e-8)


@pytest.mark.parametrize("op", FORWARD)
def test_local_derivatives_are_the_slopes_of_each_element(op):
    for seed in range(4):
        circuit = circuit_of(op, seed, examples=seed % 2 > 0)
        values = run(circuit)
        eq = circuit.model().forward[0]
        for symbol in dict.fromkeys(ref.symbol for ref in refs(eq.formula) if ref.symbol not in circuit.data):
            local = local_derivative(eq, symbol)
            top, bottom = eq.symbol.shape, symbol.shape
            for e in range(EXAMPLES) if local.symbol.per_example else (0,):
                formula = at_example(local.formula, e) if local.symbol.per_example else local.formula
                got = np.broadcast_to(evaluate(formula, look(values)), local.symbol.shape)
                whole = np.broadcast_to(
                    evaluate(local.formula, look(values)), ((EXAMPLES,) * local.formula.batched + local.symbol.shape)
                )
                np.testing.assert_array_equal(whole[e] if local.formula.batched else whole, got)
                for index in indices(local.symbol.shape):
                    one = evaluate(element(formula, index), look(values))
                    np.testing.assert_allclose(one, got[index], **TOLERANCE)
                got = table(got, top, bottom)
                for index in indices(bottom):
                    where = (e, *index) if symbol.per_example else index
                    moved = np.array(circuit.values[symbol.key], dtype=complex)
                    moved[where] += STEP * 1j
                    want = reference(eq.formula, circuit.values | {symbol.key: moved}, e).imag / STEP
                    np.testing.assert_allclose(got[(..., *index)], want, **TOLERANCE, err_msg=f"{eq.formula} {index}")
