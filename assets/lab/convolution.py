"""A convolution, forward and back.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

The kernel k lies on every place of the image x where it fits whole,
as it is, not turned round. At each place its numbers are multiplied
by those under them; the products and b are added up: z.

On the way back: from dz, the gradient of the loss for z, to k, b and
x. Every number of k and b was used at every place, and a number of x
under many copies of k.
"""

import numpy as np


def convolution(x, k, b, dz):
    """The convolution of an image and its gradients.

    x  (h, w) the image     k  (s, t) the kernel     b  a number
    dz  (h − s + 1, w − t + 1)
    """
    z = ...  # (h − s + 1, w − t + 1)
    dk = ...  # (s, t)
    db = ...  # a number
    dx = ...  # (h, w)

    return z, dk, db, dx
