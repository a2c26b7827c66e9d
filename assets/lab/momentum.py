"""One update with momentum.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

The velocity v remembers earlier gradients: a share mu of the old one
is kept, and the gradient g is added to it. Then the parameter takes a
step of lr times the new velocity, downhill.
"""

import numpy as np


def momentum(w, v, g, lr, mu):
    """The velocity and the parameter after an update.

    w, v, g  of one shape     lr, mu  numbers

    w and v are to stay as they are: make new arrays.
    """
    new_v = ...
    new_w = ...

    return new_v, new_w
