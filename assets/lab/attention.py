"""Causal self-attention, forward and back.

Put your lines in place of the dots, from the top down. Each save is run.

    Q = X · Wq    K = X · Wk    V = X · Wv      queries, keys and values, a row a place
    S = Q · Kᵀ / √d                             scores, d numbers in a query
        above the diagonal −∞ in their place    no place sees what comes later
    P = softmax of each row of S                what each place takes from which
    O = P · V

On the way back: from dO, the gradient of the loss for O, to V, S, Q, K and X.
"""

import numpy as np


def attention(X, Wq, Wk, Wv, dO):
    """What attention makes of X, and the gradients.

    X  (r, n) a row a place     Wq, Wk  (n, d)     Wv  (n, e)     dO  (r, e)
    """
    Q = ...  # (r, d)
    K = ...  # (r, d)
    V = ...  # (r, e)
    P = ...  # (r, r)
    O = ...  # (r, e)
    dV = ...  # (r, e)
    dS = ...  # (r, r)    for S: 0 above the diagonal
    dQ = ...  # (r, d)
    dK = ...  # (r, d)
    dX = ...  # (r, n)

    return Q, K, V, P, O, dV, dS, dQ, dK, dX
