"""A network on a whole batch, without a loop over the examples.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

    Z1 = X · W1ᵀ + b1      A1 = ReLU(Z1)       ReLU(z) = max(z, 0)
    Z2 = A1 · W2ᵀ + b2     A2 = ReLU(Z2)
    L = the mean over the examples of ½ Σ (a2 − y)²

Σ adds up an example's outputs. A row is an example, in X and in all
that is made of it. dZ1 and dZ2 hold the gradient of each example's
own loss; the mean over the examples is taken in dW and db.
"""

import numpy as np


def batch(X, W1, b1, W2, b2, Y):
    """The loss of a batch and its gradients.

    X  (r, n) r examples       W1  (h, n)    b1  (h,)
    Y  (r, m) the targets      W2  (m, h)    b2  (m,)
    """
    Z1 = ...  # (r, h)
    A1 = ...  # (r, h)
    Z2 = ...  # (r, m)
    A2 = ...  # (r, m)
    L = ...  # a number
    dZ2 = ...  # (r, m)
    dW2 = ...  # (m, h)
    db2 = ...  # (m,)
    dZ1 = ...  # (r, h)
    dW1 = ...  # (h, n)
    db1 = ...  # (h,)

    return Z1, A1, Z2, A2, L, dZ2, dW2, db2, dZ1, dW1, db1
