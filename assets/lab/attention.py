"""Causal self-attention, forward and back.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

    Q = X · Wq     K = X · Wk     V = X · Wv
    S = Q · Kᵀ / √d       d numbers in a query; −∞ above the diagonal:
                          no place sees what comes later
    P = softmax(S)        of each row: what a place takes from which
    O = P · V

On the way back: from dO, the gradient of the loss for O, to V, S, Q,
K and X.
"""

import numpy as np


def attention(X, Wq, Wk, Wv, dO):
    """What attention makes of X, and the gradients.

    X  (r, n) a row a place     dO  (r, e)
    Wq, Wk  (n, d)     Wv  (n, e)
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
