import numpy as np


def attention(X, Wq, Wk, Wv, dO):
    Q = X @ Wq
    K = X @ Wk
    V = X @ Wv
    d = Q.shape[1]
    S = Q @ K.T / np.sqrt(d)
    S = np.where(np.tri(len(X), dtype=bool), S, -np.inf)
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P = P / P.sum(axis=1, keepdims=True)
    O = P @ V
    dV = P.T @ dO
    dP = dO @ V.T
    dS = P * (dP - (dP * P).sum(axis=1, keepdims=True))
    dQ = dS @ K / np.sqrt(d)
    dK = dS.T @ Q / np.sqrt(d)
    dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
    return Q, K, V, P, O, dV, dS, dQ, dK, dX
