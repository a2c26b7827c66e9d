"""A network of two layers, back.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

    z1 = W1 · x + b1       a1 = σ(z1)
    z2 = W2 · a1 + b2      a2 = σ(z2)       L = ½ Σ (a2 − y)²

The forward pass is done; from it you have a1 and a2. W1 is (h, n) and
W2 (m, h): a row a unit that they lead to. Each gradient has the shape
of its parameter.
"""

import numpy as np


def mlp_backward(x, y, W2, a1, a2):
    """The gradients of the loss.

    x  (n,) the inputs     y  (m,) the targets
    W2  (m, h)     a1  (h,)     a2  (m,)
    """
    dW2 = ...  # (m, h)
    db2 = ...  # (m,)
    dW1 = ...  # (h, n)
    db1 = ...  # (h,)

    return dW1, db1, dW2, db2
