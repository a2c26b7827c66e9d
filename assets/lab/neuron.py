"""One neuron, forward and back.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

    z = w · x + b        the pre-activation, a number
    a = σ(z)             the activation, σ(z) = 1 / (1 + exp(−z))
    L = (a − y)²         the loss
"""

import numpy as np


def neuron(x, w, b, y):
    """The loss and its gradients.

    x  (n,) the inputs     w  (n,) a weight for each
    b  a number            y  a number, the target
    """
    L = ...
    dw = ...
    db = ...

    return L, dw, db
