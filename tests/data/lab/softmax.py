import numpy as np


def softmax(x, W, b, y):
    z = W @ x + b
    e = np.exp(z - z.max())
    p = e / e.sum()
    L = -np.sum(y * np.log(p))
    dp = -y / p
    dz = p * (dp - dp @ p)
    dW = np.outer(dz, x)
    db = dz
    return z, p, L, dp, dz, dW, db
