"""A batch in another order: read so where all of a solution is, and told where one part of it alone is. By NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import tutor

ORDER = [2, 0, 3, 1]
SAID = "another order: 3, 1, 4, 2."


def lesson(seed=0, examples=4):
    rng = np.random.default_rng(seed)
    X, Y, W1, W2 = (rng.normal(size=shape).round(2) for shape in ((examples, 3), (examples, 2), (3, 3), (2, 3)))
    options = {"activations": ["tanh", "linear"], "batch": "all", "learning_rate": 0.1}
    return tutor.network([W1, W2], X, Y, **options), X, Y, W1, W2


def by_numpy(X, Y, W1, W2, slope=lambda z, a: 1 - a * a, share=1):
    z1 = X @ W1.T
    a1 = np.tanh(z1)
    z2 = a1 @ W2.T
    n = len(X)
    dz2 = (z2 - Y) / (n / share)
    dz1 = dz2 @ W2 * slope(z1, a1)
    weights = {"dW2": dz2.T @ a1 / share, "dW1": dz1.T @ X / share, "db1": dz1.sum(0) / share}
    return {"z1": z1, "a1": a1, "z2": z2, "dz2": dz2, "dz1": dz1} | weights


def circuit(**settings):
    rng = np.random.default_rng(3)
    X, W, Y, b = (rng.normal(size=shape).round(2) for shape in ((3, 2), (2, 3), (3, 3), (3,)))
    lines = ("Z = X @ W + b", "H = tanh(Z)", "L = mean((H - Y)**2)")
    found = tutor.circuit(*lines, inputs={"X": X, "W": W, "b": b, "Y": Y}, **settings)

    def run(X, Y):
        H = np.tanh(X @ W + b)
        dZ = 2 * (H - Y) / 9 * (1 - H * H)
        return {"Z": X @ W + b, "H": H, "dZ": dZ, "dW": X.T @ dZ, "db": dZ.sum(0)}

    return found, X, Y, run


@pytest.mark.parametrize("share", [1, 4])
def test_a_shuffled_batch_is_right_and_its_order_is_said(share):
    t, X, Y, *weights = lesson()
    found = tutor.diagnose(t, by_numpy(X[ORDER], Y[ORDER], *weights, share=share))
    assert found.right and found.headline == f"All 8 arrays are right. These are the rows of the batch in {SAID}"
    turned = {name: value.T for name, value in by_numpy(X[ORDER], Y[ORDER], *weights).items()}
    assert tutor.diagnose(t, turned).headline.endswith(SAID)
    own = tutor.diagnose(t, {"x": X[ORDER], "y": Y[ORDER], **by_numpy(X[ORDER], Y[ORDER], *weights)})
    assert own.right and own.headline.endswith(SAID)


@pytest.mark.parametrize("name", ["x", "y", "z1", "a1", "dz2", "dz1"])
def test_one_array_alone_tells_the_order(name):
    t, X, Y, *weights = lesson()
    arrays = {"x": X[ORDER], "y": Y[ORDER], **by_numpy(X[ORDER], Y[ORDER], *weights)}
    assert tutor.diagnose(t, {name: arrays[name]}).headline == f"It is right. These are the rows of the batch in {SAID}"


def test_a_slip_in_a_shuffled_batch_is_named():
    t, X, Y, *weights = lesson()
    found = tutor.diagnose(t, by_numpy(X[ORDER], Y[ORDER], *weights, slope=lambda z, a: 1 - z * z)).as_dict()
    verdicts = {array["name"]: array["verdict"] for array in found["arrays"]}
    assert found["first_wrong"] == "dL/dz1" and "z stands where a belongs" in found["headline"]
    assert found["headline"].endswith(SAID) and verdicts["dW1"] == verdicts["db1"] == "carried"


@pytest.mark.parametrize("settings", [{}, {"data": ["Y"], "parameters": ["W", "b"]}, {"data": ["X", "Y"]}])
def test_rows_of_an_array_circuit(settings):
    t, X, Y, run = circuit(**settings)
    shuffled = [2, 0, 1]
    whole = run(X[shuffled], Y[shuffled])
    said = "These are the rows of X and Y in another order: 3, 1, 2."
    assert tutor.diagnose(t, whole).headline == f"All 5 arrays are right. {said}"
    assert tutor.diagnose(t, {"H": whole["H"]}).headline == f"It is right. {said}"
    mixed = tutor.diagnose(t, run(X, Y[shuffled])).as_dict()
    assert mixed["first_wrong"] == "dL/dZ" and "The rows of Y in another order: 3, 1, 2." in mixed["headline"]
    assert {array["verdict"] for array in mixed["arrays"] if array["name"] in ("dW", "db")} == {"carried"}


def test_shuffled_targets_alone_are_a_slip():
    t, X, Y, *weights = lesson()
    mixed = by_numpy(X, Y[ORDER], *weights)
    found = tutor.diagnose(t, mixed)
    assert found.first_wrong == "dL/dz2" and "The rows of y in another order: 3, 1, 4, 2." in found.headline
    handed = tutor.diagnose(t, {"y": Y[ORDER], **mixed}).as_dict()
    assert handed["first_wrong"] == "y" and handed["arrays"][0]["slips"][0]["name"] == "another-order"
    assert {array["verdict"] for array in handed["arrays"][4:]} == {"carried"}


def test_two_orders_in_one_solution_are_no_reading_of_it():
    t, X, Y, *weights = lesson()
    a1 = by_numpy(X, Y, *weights)["a1"]
    z2 = by_numpy(X[ORDER], Y[ORDER], *weights)["z2"]
    found = tutor.diagnose(t, {"a1": a1, "z2": z2}).as_dict()
    assert [array["verdict"] for array in found["arrays"]] == ["right", "slip"]
    assert found["arrays"][1]["message"] == "Its rows in another order: 3, 1, 4, 2."


def test_a_slip_that_has_a_name_goes_before_an_order_of_two_numbers():
    t = tutor.network([[[1.0]]], [[0.0], [0.0]], [[0.5], [-0.5]], batch="all", learning_rate=0.1)
    found = tutor.diagnose(t, {"dz1": [[0.5], [-0.5]]})  # y − a, and a − y in the other order
    assert not found.right and "Target minus prediction" in found.headline


@pytest.mark.parametrize("seed", range(4))
def test_of_right_solutions_no_order_is_said(seed):
    t, X, Y, *weights = lesson(seed, examples=5)
    if seed % 2:
        X, Y = X[[0, 0, 1, 2, 1]], Y[[0, 0, 1, 2, 1]]  # rows that are twice there
        options = {"activations": ["tanh", "linear"], "batch": "all", "learning_rate": 0.1}
        t = tutor.network(weights, X, Y, **options)
    for arrays in (by_numpy(X, Y, *weights), {k: v.round(2) for k, v in by_numpy(X, Y, *weights).items()}):
        assert "order" not in str(tutor.diagnose(t, arrays))


def test_a_slip_in_gradients_of_the_mean_loss_is_named_where_another_says_that_they_are_of_it():
    t, X, Y, *weights = lesson()
    found = tutor.diagnose(t, by_numpy(X, Y, *weights, slope=lambda z, a: 1 - z * z)).as_dict()
    verdicts = {array["name"]: array["verdict"] for array in found["arrays"]}
    assert found["first_wrong"] == "dL/dz1" and "z stands where a belongs" in found["headline"]
    assert verdicts["dW1"] == verdicts["db1"] == "carried"
    alone = {name: by_numpy(X, Y, *weights, slope=lambda z, a: 1 - z * z)[name] for name in ("dz1", "dW1")}
    assert "z stands where a belongs" in tutor.diagnose(t, alone).headline
