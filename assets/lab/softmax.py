"""A layer with softmax and cross-entropy, forward and back.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

    z = W · x + b
    p = exp(z) / Σ exp(z)     softmax: probabilities that add up to 1
    L = −Σ y ln p             cross-entropy

The numbers in z may be as large as 1000, and exp(1000) is too large
for a computer. Take the largest z away from all of them before exp: p
stays the same.

On the way back: each z moves every p, through the sum below the
stroke.
"""

import numpy as np


def softmax(x, W, b, y):
    """The loss of one example and its gradients.

    x  (n,) the inputs     W  (k, n) a row a class     b  (k,)
    y  (k,) the target: 1 at the true class, 0 at the others
    """
    z = ...  # (k,)
    p = ...  # (k,)
    L = ...  # a number
    dp = ...  # (k,)    dL/dp
    dz = ...  # (k,)
    dW = ...  # (k, n)
    db = ...  # (k,)

    return z, p, L, dp, dz, dW, db
