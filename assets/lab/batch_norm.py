"""Batch norm, forward and back.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

    mean, var     of each column of X; var is the mean of (x − mean)²
    N             (X − mean) / √(var + eps)
    H             gain · N + shift

On the way back: from dH, the gradient of the loss for H, to the
others. Mind that each number of a column moves the mean and the
variance of the column, too.
"""

import numpy as np


def batch_norm(X, gain, shift, dH, eps):
    """What batch norm makes of X, and the gradients.

    X  (r, n) a row an example     gain  (n,)     shift  (n,)
    dH  (r, n)     eps  a number
    """
    mean = ...  # (n,)
    var = ...  # (n,)
    N = ...  # (r, n)
    H = ...  # (r, n)
    dgain = ...  # (n,)
    dshift = ...  # (n,)
    dN = ...  # (r, n)
    dX = ...  # (r, n)

    return mean, var, N, H, dgain, dshift, dN, dX
