"""A recurrent network, forward and back through time.

Put your lines in place of the dots, from the top down. Each save is run.

    z = Wx · x + Wh · h + b      at each time: its input x, and the state h of the time before
    the next h = tanh(z)

On the way back: dh is the gradient of the loss for the last state. It goes from each time to the
one before. Wx, Wh and b were used at every time.
"""

import numpy as np


def recurrence(X, h0, Wx, Wh, b, dh):
    """The states of a recurrent network, and the gradients.

    X  (3, n) a row a time     h0  (d,) the state before the first     dh  (d,)
    Wx  (d, n)     Wh  (d, d)     b  (d,)
    """
    H = ...  # (3, d) the three states, a row a time
    dZ = ...  # (3, d) the gradients for z, a row a time: dZ[2] belongs to the last
    dWx = ...  # (d, n)
    dWh = ...  # (d, d)
    db = ...  # (d,)

    return H, dZ, dWx, dWh, db
