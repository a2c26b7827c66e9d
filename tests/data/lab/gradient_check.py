import numpy as np


def gradient_check(loss, w, grad, eps):
    numeric = np.zeros(w.shape)
    for at in np.ndindex(w.shape):
        higher, lower = w.copy(), w.copy()
        higher[at] += eps
        lower[at] -= eps
        numeric[at] = (loss(higher) - loss(lower)) / (2 * eps)
    size = np.maximum(np.abs(numeric), np.abs(grad))
    error = np.max(np.abs(numeric - grad) / size)
    return numeric, error
