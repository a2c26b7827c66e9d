"""Two gates, forward and back.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

    q = x + y        an add gate
    f = q · z        a multiply gate

On the way back: how f changes with each of them, gate by gate,
beginning with df/df = 1.
"""

import numpy as np


def two_gates(x, y, z):
    """x, y, z are numbers, and so is all that is returned."""
    q = ...
    f = ...
    dq = ...  # df/dq
    dz = ...  # df/dz
    dx = ...  # df/dx
    dy = ...  # df/dy

    return q, f, dq, dz, dx, dy
