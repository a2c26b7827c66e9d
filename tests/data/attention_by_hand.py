"""Norms, embeddings, attention, a transformer block and a language model, back by hand in NumPy.

The numbers of the lessons are written out again, and each backward pass is written for its one circuit;
nothing here comes from the tutor. Where the lesson has a rule in one line this has something else: a norm's
Jacobian as a matrix, a softmax's likewise, an embedding as a product with rows of 0 and 1. Values are keyed
by step id, each lesson is a function.
"""

import numpy as np


def jacobian_of_norm(x, eps=0.0):
    """∂norm(x)/∂x of one vector: (I − 1/n)/s − (x − mean)(x − mean)ᵀ/(n s³)."""
    n, away = len(x), x - x.mean()
    s = np.sqrt((away**2).mean() + eps)
    return (np.eye(n) - 1 / n) / s - np.outer(away, away) / (n * s**3)


def back_through_rows(G, X, eps=0.0):
    return np.array([jacobian_of_norm(x, eps).T @ g for g, x in zip(G, X, strict=True)])


def normed(X, eps=0.0):
    return np.array([(x - np.mean(x)) / np.sqrt(np.mean((x - np.mean(x)) ** 2) + eps) for x in X])


def batch_norm():
    X = np.array([[3.0, 0], [1, 4], [1, 0], [3, 4]])
    gain, shift = np.array([2.0, 1]), np.array([0.5, 0])
    Y = np.array([[1.5, -1], [-2, 1], [-1.5, 0], [2, -1]])
    N = normed(X.T).T
    E = N * gain + shift - Y
    dA = E * gain
    half = back_through_rows(dA.T / 2, X.T).T
    D, s = X - X.mean(0), X.std(0)
    ds = -(dA / 2 * D).sum(0) / s**2
    dv = ds / (2 * s)
    dD = dA / 2 / s + D * dv / 2
    return {
        "mu": X.mean(0), "D": D, "v": X.var(0), "s": s, "N": N, "M": N, "A": N, "H": E + Y, "E": E,
        "L": (E**2).sum() / 2, "dL/dE": E, "dL/dH": E, "dL/dgain": (E * N).sum(0), "dL/dshift": E.sum(0),
        "dL/dA": dA, "dL/dN": dA / 2, "dL/dM": dA / 2, "dL/ds": ds, "dL/dv": dv, "dL/dD": dD, "dL/dX@D": dD,
        "dL/dX@mu": half - dD, "dL/dX@M": half, "dL/dX": 2 * half, "dL/dmu": 4 * (half - dD)[0],
        "gain'": gain - 0.1 * (E * N).sum(0), "shift'": shift - 0.1 * E.sum(0),
    }  # fmt: skip


def layer_norm():
    X = np.array([[0.5, 0.5, 0.5, -0.5], [0, 0, 1, 0]])
    gain, shift = np.array([1.0, 2, 1, 1]), np.array([0, 0, 0, 0.5])
    Y = np.array([[-1, 0.5, 1, -1.5], [-0.5, 0, 1.5, -1]])
    N = normed(X, 0.0625)
    E = X + N * gain + shift - Y
    through = back_through_rows(E * gain, X, 0.0625)
    return {
        "N": N, "F": N * gain + shift, "O": E + Y, "E": E, "L": (E**2).sum() / 2, "dL/dE": E, "dL/dO": E,
        "dL/dX@O": E, "dL/dF": E, "dL/dgain": np.diag(E.T @ N), "dL/dshift": np.ones(2) @ E, "dL/dN": E * gain,
        "dL/dX@N": through, "dL/dX": E + through, "gain'": gain - 0.1 * np.diag(E.T @ N),
        "shift'": shift - 0.1 * np.ones(2) @ E,
    }  # fmt: skip


def embeddings():
    table, U = np.array([[1, 0], [0.5, 1], [0, -1], [-1, 0.5]]), np.array([[2.0, -1], [0, 1]])
    chosen = np.array([[0.0, 1, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]])  # a row a place, 1 at its word
    Y = np.array([[0, 0], [-1.5, 0.5], [0.5, 1.5]])
    V = chosen @ table
    R = V @ U - Y
    dV = R @ U.T
    dE, dU = chosen.T @ dV, V.T @ R
    return {
        "V": V, "O": V @ U, "R": R, "L": (R**2).sum() / 2, "dL/dO": R, "dL/dR": R, "dL/dV": dV, "dL/dU": dU,
        "dL/dE": dE, "E'": table - 0.1 * dE, "U'": U - 0.1 * dU,
    }  # fmt: skip


def looked_at(S):
    """Weights and their Jacobians, row by row: place i looks at the places up to i."""
    P, J = np.zeros_like(S), []
    for i, row in enumerate(S):
        e = np.exp(row[: i + 1])
        P[i, : i + 1] = e / e.sum()
        J.append(np.diag(P[i]) - np.outer(P[i], P[i]))
    return P, J


def attention():
    Q = np.array([[1, 0, 0, 0], [0, 0, 0, 2.19722], [0, 0, 1.38629, 0]])
    K = np.array([[1.0, 0, 1, 0], [0, 1, 0, 1], [1, 1, 0, 0]])
    V = np.array([[1.0, 0], [-1, 2], [3, 0]])
    Y = np.array([[0, 1], [0.5, 0.5], [0, -1.5]])
    S = Q @ K.T / 2
    P, J = looked_at(S)
    E = P @ V - Y
    dP, dV = E @ V.T, P.T @ E
    dS = np.array([j @ d for j, d in zip(J, dP, strict=True)])
    dQ, dK = dS @ K / 2, dS.T @ Q / 2
    return {
        "S": S, "A": np.where(np.tri(3) > 0, S, -np.inf), "P": P, "O": P @ V, "E": E, "L": (E**2).sum() / 2,
        "dL/dE": E, "dL/dO": E, "dL/dP": dP, "dL/dA": dS, "dL/dS": dS, "dL/dQ": dQ, "dL/dK": dK, "dL/dV": dV,
        "Q'": Q - 0.2 * dQ, "K'": K - 0.2 * dK, "V'": V - 0.2 * dV,
    }  # fmt: skip


def transformer_block():
    X = np.array([[1.0, -1, 1, -1], [0, 2, 2, 0]])
    Wq = np.array([[0.5, 0], [0, 0.5], [0.5, 0.5], [0, 0.5]])
    Wk = np.array([[-0.5, 0], [0.5, 0], [0, 0.5], [0, -0.5]])
    Wv = np.array([[0.5, 0], [0, 1], [0.5, 1], [0, 0]])
    Wo = np.array([[1, -1, 1, -1], [-1.5, 1.5, 0.5, -0.5]])
    W1, b1 = np.array([[0.5, 0], [0, -0.5], [0.5, 0], [0, 1]]), np.array([0.5, 1])
    W2, b2 = np.array([[1.0, 0, -1, 0], [0, -1, 0, 1]]), np.zeros(4)
    Y = np.array([[2.5, -1.5, 0.5, -2], [0, 2, 2, -1]])
    N1 = normed(X)
    Q, K, V = N1 @ Wq, N1 @ Wk, N1 @ Wv
    S = Q @ K.T / np.sqrt(2)
    P, J = looked_at(S)
    A = P @ V
    R = X + A @ Wo
    N2 = normed(R)
    pre = N2 @ W1 + b1
    F = np.where(pre > 0, pre, 0)
    O = R + F @ W2 + b2
    E = O - Y
    dF = E @ W2.T
    dpre = np.where(pre > 0, dF, 0)
    dN2 = dpre @ W1.T
    dR = E + back_through_rows(dN2, R)
    dA = dR @ Wo.T
    dP, dV = dA @ V.T, P.T @ dA
    dS = np.array([j @ d for j, d in zip(J, dP, strict=True)])
    dQ, dK = dS @ K / np.sqrt(2), dS.T @ Q / np.sqrt(2)
    dN1 = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
    through = back_through_rows(dN1, X)
    back = {
        "Wq": N1.T @ dQ, "Wk": N1.T @ dK, "Wv": N1.T @ dV, "Wo": A.T @ dR, "W1": N2.T @ dpre,
        "b1": dpre.sum(0), "W2": F.T @ E, "b2": E.sum(0),
    }  # fmt: skip
    now = {"Wq": Wq, "Wk": Wk, "Wv": Wv, "Wo": Wo, "W1": W1, "b1": b1, "W2": W2, "b2": b2}
    return {
        "N1": N1, "Q": Q, "K": K, "V": V, "S": S, "P": P, "A": A, "R": R, "N2": N2, "F": F, "O": O, "E": E,
        "L": (E**2).sum() / 2, "dL/dE": E, "dL/dO": E, "dL/dF": dF, "dL/dN2": dN2, "dL/dR": dR, "dL/dX@R": dR,
        "dL/dA": dA, "dL/dP": dP, "dL/dS": dS, "dL/dQ": dQ, "dL/dK": dK, "dL/dV": dV, "dL/dN1": dN1,
        "dL/dX@N1": through, "dL/dX": dR + through,
    } | {f"dL/d{k}": back[k] for k in now} | {f"{k}'": now[k] - 0.02 * back[k] for k in now}  # fmt: skip


def language_model():
    ids = np.array([[2, 3], [3, 1], [1, 3], [3, 2]]) - 1
    came = np.eye(3)[[0, 2, 1, 2]]
    C = np.array([[-1, -1], [-0.5, 2], [0, 1]])
    W1, b1 = np.array([[2, 1], [1, 0.5], [2, 2], [1, -1]]), np.array([1, 0.5])
    gain, shift = np.array([0.6931, 1.0986]), np.zeros(2)
    W2, b2 = np.array([[0.5, -1, 0], [0, 0.5, -1]]), np.array([0, 0.5, 0.5])
    first, second = np.eye(3)[ids[:, 0]], np.eye(3)[ids[:, 1]]
    x = np.hstack([first @ C, second @ C])
    h = x @ W1 + b1
    N = normed(h.T).T
    D, s = h - h.mean(0), h.std(0)
    a = gain * N + shift
    t = np.tanh(a)
    z = t @ W2 + b2
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    dz = (p - came) / 4
    dt = dz @ W2.T
    da = dt / np.cosh(a) ** 2
    dN = da * gain
    dh = back_through_rows(dN.T, h.T).T
    ds = -(dN * N).sum(0) / s
    dv = ds / (2 * s)
    dD = dN / s + D * dv / 2
    dx = dh @ W1.T
    back = {
        "C": first.T @ dx[:, :2] + second.T @ dx[:, 2:], "W1": x.T @ dh, "b1": dh.sum(0),
        "gain": (da * N).sum(0), "shift": da.sum(0), "W2": t.T @ dz, "b2": dz.sum(0),
    }  # fmt: skip
    now = {"C": C, "W1": W1, "b1": b1, "gain": gain, "shift": shift, "W2": W2, "b2": b2}
    return {
        "emb": x.reshape(4, 2, 2), "x": x, "h": h, "mu": h.mean(0), "D": D, "v": h.var(0), "s": s, "N": N,
        "a": a, "t": t, "z": z, "P": p, "L": -np.log((p * came).sum(1)).mean(), "dL/dz": dz, "dL/dt": dt,
        "dL/da": da, "dL/dN": dN, "dL/ds": ds, "dL/dv": dv, "dL/dD": dD, "dL/dmu": -dD.sum(0), "dL/dh": dh,
        "dL/dx": dx, "dL/demb": dx.reshape(4, 2, 2),
    } | {f"dL/d{k}": back[k] for k in now} | {f"{k}'": now[k] - 0.5 * back[k] for k in now}  # fmt: skip


LESSONS = {
    "batch-norm": batch_norm, "layer-norm": layer_norm, "embeddings": embeddings, "attention": attention,
    "transformer-block": transformer_block, "language-model": language_model,
}  # fmt: skip
