import numpy as np


def adam(w, m, v, g, t, lr, beta1, beta2, eps):
    new_m = beta1 * m + (1 - beta1) * g
    new_v = beta2 * v + (1 - beta2) * g**2
    mhat = new_m / (1 - beta1**t)
    vhat = new_v / (1 - beta2**t)
    new_w = w - lr * mhat / (np.sqrt(vhat) + eps)
    return new_m, new_v, mhat, vhat, new_w
