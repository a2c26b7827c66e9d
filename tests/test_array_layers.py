"""The layers of today, each held against a backward pass written by hand, and operators against published numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tutor
from each import each
from tutor.engine.expressions import ONE, OPERATORS, Ref, Symbol, call, element, evaluate

RNG = np.random.default_rng(11)


def drawn(*shape: int) -> np.ndarray:
    return np.round(RNG.uniform(-1, 1, shape), 3)


def gradients(lines: list[str], inputs: dict, data: tuple[str, ...] = ()):
    """What the tutor says of a lesson with these lines: a function from an id to its value."""
    given = "".join(f"{name} = {json.dumps(np.asarray(value).tolist())}\n" for name, value in inputs.items())
    text = (
        f'format = 1\ntitle = "t"\n[circuit]\ndefine = {json.dumps(lines)}\noutput = "L"\ndata = {json.dumps(data)}\n'
    )
    trace = tutor.loads(f"{text}[circuit.inputs]\n{given}").trace()
    return lambda id: np.asarray(trace[id].value)


def close(found, want) -> None:
    np.testing.assert_allclose(found, want, rtol=1e-10, atol=1e-12)


def test_batch_norm_the_long_way():
    X, g, b, Y, eps = drawn(5, 3), drawn(3), drawn(3), drawn(5, 3), 1e-5
    found = gradients(
        ["n = norm(X, axis=0)", "o = g * n + b", "L = sum((o - Y)**2) / 2"], {"X": X, "g": g, "b": b, "Y": Y}, ("Y",)
    )
    n = len(X)
    mean = X.mean(0)
    away = X - mean
    var = (away**2).mean(0)
    root = np.sqrt(var + eps)
    hat = away / root
    do = g * hat + b - Y
    dhat = do * g
    daway = dhat / root
    droot = -(dhat * away).sum(0) / root**2
    dvar = droot / (2 * root)
    daway = daway + 2 * away * dvar / n
    dX = daway - daway.sum(0) / n
    close(found("n"), hat)
    close(found("dL/dg"), (do * hat).sum(0))
    close(found("dL/db"), do.sum(0))
    close(found("dL/dX"), dX)


def test_layer_norm_and_a_skip_connection():
    X, g, b, Y, eps = drawn(4, 5), drawn(5), drawn(5), drawn(4, 5), 0.01
    found = gradients(["o = g * norm(X, eps=0.01) + b + X", "L = sum(o * Y)"], {"X": X, "g": g, "b": b, "Y": Y}, ("Y",))
    dX = np.zeros_like(X)
    for r in range(4):
        away = X[r] - X[r].mean()
        s = np.sqrt((away**2).mean() + eps)
        J = (np.eye(5) - 1 / 5) / s - np.outer(away, away) / (5 * s**3)  # of one row's normalised numbers
        dX[r] = J.T @ (Y[r] * g) + Y[r]
    close(found("dL/dX"), dX)
    close(found("dL/db"), Y.sum(0))


def test_attention_with_a_mask():
    X, Wq, Wk, Wv, Y = drawn(4, 3), drawn(3, 2), drawn(3, 2), drawn(3, 2), drawn(4, 2)
    lines = [
        "Q = X @ Wq",
        "K = X @ Wk",
        "V = X @ Wv",
        "P = softmax(causal(Q @ K.T / sqrt(2)))",
        "O = P @ V",
        "L = sum((O - Y)**2) / 2",
    ]
    found = gradients(lines, {"X": X, "Wq": Wq, "Wk": Wk, "Wv": Wv, "Y": Y}, ("Y",))
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    S = Q @ K.T / np.sqrt(2)
    P = np.zeros((4, 4))
    for i in range(4):
        e = np.exp(S[i, : i + 1])
        P[i, : i + 1] = e / e.sum()
    dO = P @ V - Y
    dP, dV = dO @ V.T, P.T @ dO
    dS = np.array([(np.diag(p) - np.outer(p, p)) @ d for p, d in zip(P, dP, strict=True)]) / np.sqrt(2)
    dQ, dK = dS @ K, dS.T @ Q
    close(found("P"), P)
    close(found("dL/dWq"), X.T @ dQ)
    close(found("dL/dWk"), X.T @ dK)
    close(found("dL/dWv"), X.T @ dV)
    close(found("dL/dX"), dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T)


def test_recurrence_back_through_time():
    x, h0, Wx, Wh, b, y = drawn(3, 2), drawn(3), drawn(3, 2), drawn(3, 3), drawn(3), drawn(3)
    lines = [f"h{t} = tanh(Wx @ x{t} + Wh @ h{t - 1} + b)" for t in (1, 2, 3)]
    inputs = {f"x{t + 1}": x[t] for t in range(3)} | {"h0": h0, "Wx": Wx, "Wh": Wh, "b": b, "y": y}
    found = gradients([*lines, "L = sum((h3 - y)**2) / 2"], inputs, ("y",))
    h = [h0]
    for t in range(3):
        h.append(np.tanh(Wx @ x[t] + Wh @ h[-1] + b))
    dWx, dWh, db, dh = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b), h[3] - y
    for t in (3, 2, 1):
        dz = dh * (1 - h[t] ** 2)
        close(found(f"dL/dWh@h{t}"), np.outer(dz, h[t - 1]))
        dWx, dWh, db = dWx + np.outer(dz, x[t - 1]), dWh + np.outer(dz, h[t - 1]), db + dz
        dh = Wh.T @ dz
    close(found("dL/dWx"), dWx)
    close(found("dL/dWh"), dWh)
    close(found("dL/db"), db)
    close(found("dL/dh0"), dh)


def test_convolution_pooling_and_cross_entropy():
    x, k, b, W = drawn(2, 6, 6), drawn(3, 2, 3, 3), drawn(3, 1, 1), drawn(4, 12)
    lines = [
        "z = conv(x, k, stride=1) + b",
        "p = max_pool(relu(z), 2)",
        "s = W @ reshape(p, -1)",
        "L = cross_entropy(s, t)",
    ]
    found = gradients(lines, {"x": x, "k": k, "b": b, "W": W, "t": 3}, ("t",))
    z = np.zeros((3, 4, 4))
    for o, i, j in np.ndindex(3, 4, 4):
        z[o, i, j] = (x[:, i : i + 3, j : j + 3] * k[o]).sum() + b[o, 0, 0]
    a = np.maximum(z, 0)
    p = a.reshape(3, 2, 2, 2, 2).max((2, 4))
    s = W @ p.ravel()
    share = np.exp(s) / np.exp(s).sum()
    close(found("L"), -np.log(share[2]))
    ds = share - np.eye(4)[2]
    dp = (W.T @ ds).reshape(3, 2, 2)
    dz = np.zeros_like(z)
    for o, i, j in np.ndindex(3, 2, 2):
        window = a[o, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        r, c = np.unravel_index(np.argmax(window), (2, 2))
        dz[o, 2 * i + r, 2 * j + c] = dp[o, i, j] * (z[o, 2 * i + r, 2 * j + c] > 0)
    dk, dx = np.zeros_like(k), np.zeros_like(x)
    for o, i, j in np.ndindex(3, 4, 4):
        dk[o] += dz[o, i, j] * x[:, i : i + 3, j : j + 3]
        dx[:, i : i + 3, j : j + 3] += dz[o, i, j] * k[o]
    close(found("dL/dk"), dk)
    close(found("dL/dx"), dx)
    close(found("dL/db"), dz.sum((1, 2), keepdims=True))
    close(found("dL/dW"), np.outer(ds, p.ravel()))


def test_an_embedding_row_that_is_looked_up_twice_gets_both():
    E, ids, W, t = drawn(4, 3), [2, 4, 2], drawn(3, 4), [1, 3, 4]
    found = gradients(
        ["e = embedding(E, ids)", "L = cross_entropy(e @ W, t)"], {"E": E, "ids": ids, "W": W, "t": t}, ("ids", "t")
    )
    e = E[[1, 3, 1]]
    s = e @ W
    share = np.exp(s) / np.exp(s).sum(1, keepdims=True)
    ds = (share - np.eye(4)[[0, 2, 3]]) / 3
    de, dE = ds @ W.T, np.zeros_like(E)
    for row, part in zip([1, 3, 1], de, strict=True):
        dE[row] += part
    close(found("dL/dE"), dE)
    assert (found("dL/dE")[[0, 2]] == 0).all()


# ---------------------------------------------------------------- published numbers, each worked out anew

FIVE = np.arange(25.0).reshape(5, 5)
ONNX = "https://onnx.ai/onnx/operators/"


def of(name, value):
    return Ref(Symbol(name, np.shape(value)))


def value(op, *args, param=None):
    given = {f"a{at}": np.asarray(arg, dtype=float) for at, arg in enumerate(args)}
    return evaluate(
        call(op, *(of(name, arg) for name, arg in given.items()), param=param), lambda ref: given[ref.symbol.id]
    )


@pytest.mark.parametrize(
    ("found", "published", "source"),
    [
        (lambda: value("gelu_erf", [-3, -1, 0, 1, 3]), [-0.00404951, -0.15865529, 0, 0.8413447, 2.9959507],
         "https://www.tensorflow.org/api_docs/python/tf/nn/gelu"),
        (lambda: value("gelu", [-3, -1, 0, 1, 3]), [-0.00363752, -0.15880796, 0, 0.841192, 2.9963627],
         "https://www.tensorflow.org/api_docs/python/tf/nn/gelu, approximate=True"),
        (lambda: value("gelu_erf", [[-1, 0.5], [1, 1.5]]), [[-0.15865529, 0.34573123], [0.84134471, 1.39978933]],
         "https://www.paddlepaddle.org.cn/documentation/docs/en/2.2/api/paddle/nn/functional/gelu_en.html"),
        (lambda: value("conv", FIVE, np.ones((3, 3)), param=(1, 1)),
         [[12, 21, 27, 33, 24], [33, 54, 63, 72, 51], [63, 99, 108, 117, 81], [93, 144, 153, 162, 111],
          [72, 111, 117, 123, 84]],
         ONNX + "onnx__Conv.html, conv with padding"),
        (lambda: value("conv", FIVE, np.ones((3, 3)), param=(1, 0)), [[54, 63, 72], [99, 108, 117], [144, 153, 162]],
         ONNX + "onnx__Conv.html, without padding"),
    ],
    ids=["gelu_erf", "gelu", "gelu_erf of a matrix", "conv padded", "conv"],
)  # fmt: skip
def test_published_numbers(found, published, source):
    # printed of float32, where 1 + erf(−2.1) has lost digits: −3 Φ(−3) is −0.004049694
    np.testing.assert_allclose(found(), published, rtol=1e-7, atol=3e-7, err_msg=source)


# ---------------------------------------------------------------- what does not fit


@each(
    "op, shapes, param, says",
    [
        ("add", [(2, 3), (2,)], None, r"\(2, 3\) and \(2,\) do not go together"),
        ("matmul", [(2, 3), (2, 3)], None, r"\(2, 3\) and \(2, 3\) do not fit for @: .* 3 long, .* of the second 2"),
        ("matmul", [(2, 3), ()], None, "not a single number"),
        ("sum", [(2, 3)], -3, r"axis -3 is not there: the shape is \(2, 3\)"),
        ("transpose", [(3,)], None, r"only a matrix has a transpose: the shape is \(3,\)"),
        ("conv", [(3,), (4,)], (1, 0), r"the kernel \(4,\) is larger than its input \(3,\)"),
        ("conv", [(2, 5, 5), (1, 3, 2, 2)], (1, 0), r"takes 3 channels, the input \(2, 5, 5\) has 2"),
        ("conv", [(5,), (2, 2)], (1, 0), r"slides over height × width, .*: the input is \(5,\)"),
        ("max_pool", [(2, 2)], (3, 1), r"a window of 3 × 3 is larger than its input \(2, 2\)"),
        ("row", [(2, 3)], 2, r"row 3 is not there: .* of 2 rows"),
        ("reshape", [(2, 3)], (4, 2), r"6 numbers of the shape \(2, 3\) do not fill the shape \(4, 2\)"),
        ("concat", [(2, 3), (2, 4)], -2, r"\(2, 3\) and \(2, 4\) cannot be put one behind the other"),
        ("cross_entropy", [(4, 3), (3,)], None, r"class numbers \(4,\), one a row, .*: the targets are \(3,\)"),
        ("norm", [()], (-1, 1e-5), "a single number has none"),
        ("causal", [(3,)], None, r"the shape is \(3,\)"),
        ("sum", [(2, 3)], 0, r"axis 0 is not there: the shape is \(2, 3\), of 2 axes"),
        ("row", [(2, 3)], -1, "row 0 is not there"),
        ("row", [()], 0, "a single number has no rows"),
        ("embedding", [(), (2,)], None, "a single number has no rows"),
        ("place_row", [(2,), (2, 3)], 0, r"\(2,\) is no row of \(2, 3\)"),
        ("part", [(2, 3)], (-1, 1, 4), r"places 2 to 4 are not there along axis -1: the shape is \(2, 3\)"),
        ("part", [(2, 3)], (-1, 1, 1), "places 2 to 1 are not there"),
        ("part", [(2, 3)], (-1, -1, 2), "places 0 to 2 are not there"),
        ("place_part", [(2, 3), (2, 3)], (-1, 1, 3), r"\(2, 3\) is no such part of \(2, 3\)"),
        ("concat", [(2, 3), (2,)], -1, r"\(2, 3\) and \(2,\) cannot be put one behind the other: all axes but -1"),
        ("stack", [(3,), (2,)], None, r"rows of different shapes: \[\(2,\), \(3,\)\]"),
        ("scatter_rows", [(2, 3), (3,), (5, 3)], None, r"\(2, 3\) has no row of \(5, 3\) for each of .* \(3,\)"),
        ("one_hot", [(2,), (3, 4)], None, r"\(2,\) has no class number for each row of \(3, 4\)"),
        ("one_hot", [(), ()], None, r"\(\) has no class number"),
        ("expand", [(2, 3), (3,)], None, r"\(2, 3\) does not lie along the last axes of \(3,\)"),
        ("expand", [(3,), (1,)], None, r"\(3,\) does not lie along"),
        ("sum_to", [(3,), (2, 3)], None, r"\(2, 3\) does not lie along the last axes of \(3,\)"),
        ("spread", [(3,), (2, 3)], -1, r"\(3,\) is not \(2, 3\) without its axis -1"),
        ("matmul", [(), (2, 3)], None, "not a single number"),
        ("matmul", [(2, 3), (2,)], None, "the last axis of the first is 3 long, the axis of the second 2"),
        ("conv", [(5,), ()], (1, 0), r"a kernel has 1 to 4 axes: the shape is \(\)"),
        ("conv", [(5,), (1, 1, 1, 1, 1)], (1, 0), "a kernel has 1 to 4 axes"),
        ("conv", [(5,), (2,)], (0, 0), "a stride is 1 or more, a padding 0 or more: they are 0 and 0"),
        ("conv", [(5,), (2,)], (1, -1), "they are 1 and -1"),
        ("conv", [(1, 1, 5), (2,)], (1, 0), "slides over length, with or without a batch in front"),
        ("conv", [(5,), (1, 1, 2)], (1, 0), r"slides over channels × length, .*: the input is \(5,\)"),
        ("conv_input", [(3,), (2,), (5,)], (1, 0), r"\(3,\) is not what a kernel \(2,\) makes of \(5,\)"),
        ("conv_kernel", [(5,), (3,), (2,)], (1, 0), r"\(3,\) is not what a kernel \(2,\) makes of \(5,\)"),
        ("max_pool", [()], (1, 1), "a single number cannot be pooled"),
        ("avg_pool", [(3,)], (0, 1), "a window's size and its stride are 1 or more: they are 0 and 1"),
        ("avg_pool", [(3,)], (1, 0), "they are 1 and 0"),
        ("max_pool", [(3,)], (4, 1), r"a window of 4 is larger than its input \(3,\)"),
        ("unpool_avg", [(3,), (3,)], (2, 1), r"\(3,\) is not what such a pool makes of \(3,\)"),
        ("softmax", [(2, 3)], -3, "axis -3 is not there"),
        ("norm", [(3,)], (-1, -1e-5), "eps is 0 or more: it is -1e-05"),
        ("cross_entropy", [(), ()], None, "class numbers"),
    ],
)
def test_what_does_not_fit_is_said_with_the_shapes(op, shapes, param, says):
    with pytest.raises(ValueError, match=says):
        call(op, *(Ref(Symbol("x", shape)) for shape in shapes), param=param)


@each(
    "op, shapes, param, shape",
    [
        ("sum", [(2, 3)], -2, (3,)),
        ("sum", [(2, 3)], -1, (2,)),
        ("row", [(2, 3)], 1, (3,)),
        ("part", [(2, 3)], (-1, 2, 3), (2, 1)),
        ("part", [(2, 3)], (-2, 0, 2), (2, 3)),
        ("conv", [(3,), (5,)], (1, 1), (1,)),
        ("conv", [(3,), (5,)], (2, 2), (2,)),
        ("conv", [(4, 7), (7,)], (3, 0), (4, 1)),
        ("conv", [(2, 5, 6), (3, 2, 2)], (2, 0), None),
        ("conv", [(4, 2, 6), (3, 2, 2)], (2, 0), (4, 3, 3)),
        ("conv", [(2, 5, 6), (3, 2, 2, 3)], (1, 0), (3, 4, 4)),
        ("max_pool", [(3,)], (3, 1), (1,)),
        ("max_pool", [(5, 4, 6)], (2, 2), (5, 2, 3)),
        ("softmax", [(2, 3)], -2, (2, 3)),
        ("norm", [(3,)], (-1, 0.0), (3,)),
        ("cross_entropy", [(3,), ()], None, ()),
        ("matmul", [(3,), (2, 3, 4)], None, (2, 4)),
        ("matmul", [(2, 1, 3, 4), (5, 4, 6)], None, (2, 5, 3, 6)),
        ("expand", [(3,), (2, 3)], None, (2, 3)),
        ("sum_to", [(2, 3), (3,)], None, (3,)),
        ("reshape", [()], (1, 1), (1, 1)),
    ],
)
def test_what_just_fits_has_its_shape(op, shapes, param, shape):
    leaves = [Ref(Symbol("x", shape)) for shape in shapes]
    if shape is None:
        with pytest.raises(ValueError):
            call(op, *leaves, param=param)
    else:
        assert call(op, *leaves, param=param).shape == shape


@pytest.mark.parametrize(("number", "row"), [(1, [1, 2]), (3, [5, 6]), (0, None), (4, None), (1.5, None), (-1, None)])
def test_a_number_that_names_no_row_gives_none_and_takes_no_gradient(number, row):
    E, ids = Ref(Symbol("E", (3, 2))), Ref(Symbol("ids", (1,)))
    values = {"E": np.array([[1.0, 2], [3, 4], [5, 6]]), "ids": np.array([number]), "G": np.array([[10.0, 20]])}

    def look(ref):
        return values[ref.symbol.id][ref.index or ...]

    found = evaluate(call("embedding", E, ids), look)
    np.testing.assert_array_equal(found, [row or [np.nan, np.nan]])
    back = evaluate(call("scatter_rows", Ref(Symbol("G", (1, 2))), ids, E), look)
    want = np.zeros((3, 2))
    if row:
        want[int(number) - 1] = 10, 20
    np.testing.assert_array_equal(back, want)
    for at in np.ndindex(3, 2):
        formula = element(call("scatter_rows", Ref(Symbol("G", (1, 2))), ids, E), at)
        assert evaluate(formula, look) == want[at]
    values |= {"z": np.array([0.1, 0.7, -0.2]), "n": np.array(float(number))}
    loss = evaluate(call("cross_entropy", Ref(Symbol("z", (3,))), Ref(Symbol("n"))), look)
    assert np.isnan(loss) == (row is None)


@pytest.mark.parametrize(("rows", "by"), [((), None), ((1,), None), ((2,), 2.0), ((2, 3), 6.0)])
def test_the_mean_over_one_row_is_not_divided(rows, by):
    z, ids = Ref(Symbol("z", (*rows, 4))), Ref(Symbol("y", rows))
    loss = call("cross_entropy", z, ids)
    back, _ = OPERATORS["cross_entropy"].reverse(loss, Ref(Symbol("L")), ONE)
    error = call("softmax", z) - call("one_hot", ids, z)
    assert back == (error if by is None else error / by)


def test_the_largest_of_a_window_of_one_is_its_element():
    x = Ref(Symbol("x", (3,)))
    assert element(call("max_pool", x, param=(1, 1)), (2,)) == Ref(x.symbol, (2,))
