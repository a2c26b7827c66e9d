"""A network of two layers, forward, for one example.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

    z1 = W1 · x + b1       a1 = σ(z1)       σ(z) = 1 / (1 + exp(−z))
    z2 = W2 · a1 + b2      a2 = σ(z2)
    L = −Σ (y ln a2 + (1 − y) ln(1 − a2))

L is binary cross-entropy, added up over the outputs. W1 is (h, n) and
W2 (m, h): a row a unit that they lead to.
"""

import numpy as np


def mlp_forward(x, W1, b1, W2, b2, y):
    """The forward pass.

    x  (n,) the inputs        W1  (h, n)    b1  (h,)
    y  (m,) targets, 0 or 1   W2  (m, h)    b2  (m,)
    """
    z1 = ...  # (h,)
    a1 = ...  # (h,)
    z2 = ...  # (m,)
    a2 = ...  # (m,)
    L = ...  # a number

    return z1, a1, z2, a2, L
