import numpy as np


def recurrence(X, h0, Wx, Wh, b, dh):
    times, d = len(X), len(h0)
    H = np.zeros((times, d))
    h = h0
    for t in range(times):
        h = np.tanh(Wx @ X[t] + Wh @ h + b)
        H[t] = h
    before = np.vstack([h0, H[:-1]])
    dZ = np.zeros((times, d))
    for t in reversed(range(times)):
        dZ[t] = dh * (1 - H[t] ** 2)
        dh = Wh.T @ dZ[t]
    dWx = dZ.T @ X
    dWh = dZ.T @ before
    db = dZ.sum(axis=0)
    return H, dZ, dWx, dWh, db
