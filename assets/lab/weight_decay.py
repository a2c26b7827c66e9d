"""Weight decay: a tax on the weights of a layer, and one update.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

    Z = X · Wᵀ + b       the predictions, a row an example
    L = the mean over the examples of ½ Σ (z − y)²
    J = L + (lam / 2) · the sum of all squared weights

Σ adds up an example's outputs. Biases pay no tax. What gets smaller
is J: the update goes lr times its gradient downhill.
"""

import numpy as np


def weight_decay(X, Y, W, b, lam, lr):
    """The objective, its gradient, and the parameters after an update.

    X  (r, n) r examples     Y  (r, m) the targets
    W  (m, n)     b  (m,)     lam, lr  numbers
    """
    Z = ...  # (r, m)
    L = ...  # a number
    J = ...  # a number
    dW = ...  # (m, n)    dL/dW, without the tax
    dJ = ...  # (m, n)    dJ/dW
    db = ...  # (m,)
    new_W = ...  # (m, n)
    new_b = ...  # (m,)

    return Z, L, J, dW, dJ, db, new_W, new_b
