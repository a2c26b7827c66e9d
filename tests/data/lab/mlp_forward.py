import numpy as np


def mlp_forward(x, W1, b1, W2, b2, y):
    z1 = W1 @ x + b1
    a1 = 1 / (1 + np.exp(-z1))
    z2 = W2 @ a1 + b2
    a2 = 1 / (1 + np.exp(-z2))
    L = -np.sum(y * np.log(a2) + (1 - y) * np.log(1 - a2))
    return z1, a1, z2, a2, L
