import numpy as np


def mlp_backward(x, y, W2, a1, a2):
    dz2 = (a2 - y) * a2 * (1 - a2)
    dW2 = np.outer(dz2, a1)
    db2 = dz2
    da1 = W2.T @ dz2
    dz1 = da1 * a1 * (1 - a1)
    dW1 = np.outer(dz1, x)
    db1 = dz1
    return dW1, db1, dW2, db2
