import numpy as np


def weight_decay(X, Y, W, b, lam, lr):
    r = len(X)
    Z = X @ W.T + b
    L = np.sum((Z - Y) ** 2) / (2 * r)
    J = L + lam / 2 * np.sum(W**2)
    dZ = (Z - Y) / r
    dW = dZ.T @ X
    dJ = dW + lam * W
    db = dZ.sum(axis=0)
    new_W = W - lr * dJ
    new_b = b - lr * db
    return Z, L, J, dW, dJ, db, new_W, new_b
