"""A recurrent network, forward and back through time.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

    z = Wx · x + Wh · h + b      x: the input of a time
    the next h = tanh(z)         h: the state of the time before

On the way back: dh is the gradient of the loss for the last state. It
goes from each time to the one before. Wx, Wh and b were used at every
time.
"""

import numpy as np


def recurrence(X, h0, Wx, Wh, b, dh):
    """The states of a recurrent network, and the gradients.

    X  (3, n) a row a time     h0  (d,) the state before the first
    Wx  (d, n)     Wh  (d, d)     b  (d,)     dh  (d,)
    """
    H = ...  # (3, d) the three states
    dZ = ...  # (3, d) the gradients for z; dZ[2] of the last time
    dWx = ...  # (d, n)
    dWh = ...  # (d, d)
    db = ...  # (d,)

    return H, dZ, dWx, dWh, db
