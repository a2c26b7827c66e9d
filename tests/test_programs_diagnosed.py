"""What training programs keep, as people write them: names of frameworks, gradients under the names of parameters.

Each program is NumPy's, in the layout of PyTorch (out × in, rows of a batch), with a bug that is often made.
"""

from __future__ import annotations

import numpy as np
import pytest

import tutor
from tutor.solutions.files import Handed, read_arrays


def softmax(z):
    powers = np.exp(z - z.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def sized(rng, *shape):
    return rng.normal(size=shape).astype(np.float32).astype(float)


# ---------------------------------------------------------------- a classifier with softmax before CrossEntropyLoss


def classifier(outputs=lambda p: p, back=lambda p, G: G):
    """fc1, ReLU, fc2, softmax, cross-entropy; `outputs` is done to the probabilities, `back` is its way back."""
    rng = np.random.default_rng(0)
    X, W1, b1, W2, b2 = (sized(rng, *shape) for shape in ((5, 4), (5, 4), (5,), (3, 5), (3,)))
    Y = np.eye(3)[[0, 2, 1, 1, 0]]
    z1 = X @ W1.T + b1
    a1 = np.maximum(0, z1)
    p = softmax(a1 @ W2.T + b2)
    q = outputs(p)
    dz2 = back(p, q - Y) / 5
    dz1 = dz2 @ W2 * (z1 > 0)
    loss = -np.mean(np.sum(Y * np.log(q), 1))
    grads = {"fc1.weight": dz1.T @ X, "fc1.bias": dz1.sum(0), "fc2.weight": dz2.T @ a1, "fc2.bias": dz2.sum(0)}
    options = {"activations": ["relu", "softmax"], "loss": "cross_entropy", "batch": "all", "learning_rate": 0.1}
    state = {"fc1.weight": W1, "fc1.bias": b1, "fc2.weight": W2, "fc2.bias": b2}
    return tutor.network(state, X, Y, **options), grads, loss


def through_softmax(p, G):
    return p * (G - np.sum(p * G, -1, keepdims=True))


def test_softmax_before_a_loss_that_takes_logits_is_one_slip():
    lesson, grads, loss = classifier()
    assert tutor.diagnose(lesson, grads | {"loss": loss}).right
    lesson, grads, loss = classifier(softmax, through_softmax)
    found = tutor.diagnose(lesson, grads).as_dict()
    verdicts = [array["verdict"] for array in found["arrays"]]
    assert verdicts == ["carried", "carried", "slip", "carried"]
    assert [slip["name"] for slip in found["arrays"][2]["slips"]] == ["logits-expected"]
    assert found["arrays"][2]["slips"][0]["at"] == "dL/dz2"
    with pytest.raises(AssertionError, match="The loss takes logits"):
        tutor.assert_right(lesson, {"loss": loss})


# ---------------------------------------------------------------- gradients that are called as the parameters


def test_gradients_that_are_called_as_their_parameters_are_told_by_one_that_is_right():
    lesson, grads, _ = classifier()
    names = {"fc1.weight": "W1", "fc1.bias": "b1", "fc2.weight": "W2", "fc2.bias": "b2"}
    mine = {names[name]: value for name, value in grads.items()}
    found = tutor.diagnose(lesson, mine).as_dict()
    assert {array["verdict"] for array in found["arrays"]} == {"right"}
    assert [array["step"] for array in found["arrays"]] == ["dL/dW1", "dL/db1", "dL/dW2", "dL/db2"]
    wrong = tutor.diagnose(lesson, mine | {"W1": -mine["W1"]}).as_dict()
    assert wrong["first_wrong"] == "dL/dW1"
    doubled = tutor.diagnose(lesson, {name: 5 * value for name, value in mine.items()}).as_dict()
    assert doubled["first_wrong"] == "dL/dW2" and doubled["arrays"][2]["slips"][0]["name"] == "sum-for-mean"


def test_weights_of_ones_own_are_still_told_as_weights():
    lesson, _, _ = classifier()
    W2 = lesson.train(1).parameters_before(1)["W2"]
    W2[1, 2] += 0.25
    found = tutor.diagnose(lesson, {"W2": W2})
    assert found.first_wrong == "W2" and "W2[2,3] is" in found.headline


# ---------------------------------------------------------------- modules and an author's lines


def attention(scale=2.0):
    rng = np.random.default_rng(3)
    X, Y, Wq, Wk, Wv = (sized(rng, *shape) for shape in ((3, 4), (3, 4), (4, 4), (4, 4), (4, 4)))
    Q, K, V = X @ Wq.T, X @ Wk.T, X @ Wv.T
    P = softmax(Q @ K.T / scale)
    dO = 2 * (P @ V - Y) / 12
    dS = through_softmax(P, dO @ V.T) / scale
    grads = {"q": (dS @ K).T @ X, "k": (dS.T @ Q).T @ X, "v": (P.T @ dO).T @ X}
    return {"X": X, "Y": Y}, (Wq, Wk, Wv), {"scores": Q @ K.T / scale, "grads": grads}


@pytest.mark.parametrize("spelling", ["W{}", "{}_proj", "w_{}"])
@pytest.mark.parametrize("ending", ["", ".grad"])
def test_projections_are_told_apart_by_their_names(spelling, ending):
    given, weights, run = attention()
    own = {spelling.format(letter): W for letter, W in zip("qkv", weights, strict=True)}
    q, k, v = own
    lines = [f"Q = X @ {q}.T", f"K = X @ {k}.T", f"V = X @ {v}.T", "S = Q @ K.T / sqrt(4)", "P = softmax(S)"]
    lines += ["O = P @ V", "L = mean((O - Y)**2)"]
    lesson = tutor.circuit(*lines, inputs=given | own, data=["Y"], parameters=list(own))
    handed = {f"{letter}_proj.weight{ending}": value for letter, value in run["grads"].items()}
    found = tutor.diagnose(lesson, handed).as_dict()
    assert [array["step"] for array in found["arrays"]] == [f"dL/d{name}" for name in own]
    assert {array["verdict"] for array in found["arrays"]} == {"right"}
    loss = float(lesson.trace()["L"].value)
    assert tutor.diagnose(lesson, {"loss": loss}).right
    unscaled = tutor.diagnose(lesson, {"S": attention(scale=1.0)[2]["scores"]}).as_dict()
    assert "not divided by √d" in unscaled["headline"]


def test_a_recurrence_whose_state_was_detached():
    rng = np.random.default_rng(2)
    xs, Wx, Wh, b, c, w = (sized(rng, *shape) for shape in ((3, 2), (3, 2), (3, 3), (3,), (3,), (1, 3)))
    hs = [np.zeros(3)]
    for x in xs:
        hs.append(np.tanh(Wx @ x + Wh @ hs[-1] + b + c))
    error = w @ hs[3] - 0.5
    dz = (w.T @ error) * (1 - hs[3] ** 2)  # and no further back
    kept = {
        "rnn.weight_ih_l0": np.outer(dz, xs[2]), "rnn.weight_hh_l0": np.outer(dz, hs[2]), "rnn.bias_ih_l0": dz,
        "rnn.bias_hh_l0": dz, "fc.weight": np.outer(error, hs[3]),
    }  # fmt: skip
    lines = ["h{t} = tanh(Wih @ x{t} + Whh @ h{t-1} + b_ih + b_hh)", "o = fc_w @ h3", "L = sum((o - y)**2) / 2"]
    inputs = {"x1": xs[0], "x2": xs[1], "x3": xs[2], "h0": hs[0], "y": [0.5]}
    inputs |= {"Wih": Wx, "Whh": Wh, "b_ih": b, "b_hh": c}
    data = ["x1", "x2", "x3", "h0", "y"]
    lesson = tutor.circuit(*lines, inputs=inputs | {"fc_w": w}, repeat={"t": (1, 3)}, data=data)
    found = tutor.diagnose(lesson, kept).as_dict()
    steps = ["dL/dWih", "dL/dWhh", "dL/db_ih", "dL/db_hh", "dL/dfc_w"]
    assert [array["step"] for array in found["arrays"]] == steps
    assert found["arrays"][4]["verdict"] == "right" and "Nothing was carried back" in found["headline"]


def test_a_module_that_is_like_several_inputs_is_asked_about_and_never_guessed():
    rng = np.random.default_rng(1)
    A, B, x = sized(rng, 2, 2), sized(rng, 2, 2), sized(rng, 2)
    lesson = tutor.circuit("h = tanh(A @ x)", "L = sum((B @ h)**2)", inputs={"A": A, "B": B, "x": x}, data=["x"])
    h = np.tanh(A @ x)
    right = tutor.diagnose(lesson, {"0.weight.grad": 2 * np.outer(B @ h, h)})
    assert right.right and right.as_dict()["arrays"][0]["step"] == "dL/dB"  # by its numbers
    asked = tutor.diagnose(lesson, {"0.weight.grad": rng.normal(size=(2, 2))}).as_dict()["arrays"][0]
    assert asked["verdict"] == "unknown" and "it may be dL/d" in asked["message"].lower().replace("dl/d", "dL/d")


# ---------------------------------------------------------------- precision, and two backward passes


def test_numbers_of_single_precision_in_an_array_of_double_are_as_fine_as_they_were(tmp_path):
    lesson, _, loss = classifier()
    item = float(np.float32(loss) * (1 + np.float32(2e-7)))
    assert item != loss and tutor.diagnose(lesson, {"loss": item}).right
    np.savez(tmp_path / "kept.npz", loss=item)
    (kept,) = read_arrays(tmp_path / "kept.npz")
    assert kept.digits == Handed.of("x", np.float32([item])).digits
    assert Handed.of("x", np.array([0.5, 0.25])).digits == Handed.of("x", np.array([0.1])).digits == 12


def test_the_gradient_of_a_pass_before_is_still_in_it():
    """As torch has it without zero_grad: after an update. Of one pass made twice the factor is all that is known."""
    lesson, _, _ = classifier()
    first, second = (lesson.trace(number)["dL/dW2"].value for number in (1, 2))
    found = tutor.diagnose(lesson, {"fc2.weight.grad": first + second}, iteration=2)
    assert "the backward pass before is still in it" in found.headline and "zero_grad" in found.headline
    assert tutor.diagnose(lesson, {"fc2.weight.grad": second}, iteration=2).right
