import numpy as np


def neuron(x, w, b, y):
    z = w @ x + b
    a = 1 / (1 + np.exp(-z))
    L = (a - y) ** 2
    dz = 2 * (a - y) * a * (1 - a)
    dw = dz * x
    db = dz
    return L, dw, db
