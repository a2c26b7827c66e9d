import numpy as np


def convolution(x, k, b, dz):
    s, t = k.shape
    z = np.zeros((x.shape[0] - s + 1, x.shape[1] - t + 1))
    for i, j in np.ndindex(z.shape):
        z[i, j] = np.sum(x[i : i + s, j : j + t] * k) + b
    dk = np.zeros(k.shape)
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(z.shape):
        dk += dz[i, j] * x[i : i + s, j : j + t]
        dx[i : i + s, j : j + t] += dz[i, j] * k
    db = dz.sum()
    return z, dk, db, dx
