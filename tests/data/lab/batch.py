import numpy as np


def batch(X, W1, b1, W2, b2, Y):
    r = len(X)
    Z1 = X @ W1.T + b1
    A1 = np.maximum(Z1, 0)
    Z2 = A1 @ W2.T + b2
    A2 = np.maximum(Z2, 0)
    L = np.sum((A2 - Y) ** 2) / (2 * r)
    dZ2 = (A2 - Y) * (Z2 > 0)
    dW2 = dZ2.T @ A1 / r
    db2 = dZ2.mean(axis=0)
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    dW1 = dZ1.T @ X / r
    db1 = dZ1.mean(axis=0)
    return Z1, A1, Z2, A2, L, dZ2, dW2, db2, dZ1, dW1, db1
