"""One update with Adam.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

    m      a running mean of the gradients g: a share beta1 of the
           old one, 1 − beta1 of the new
    v      the same of their squares, with beta2
    mhat   m, corrected for having begun at 0; vhat likewise
    w      takes a step of lr times mhat, divided by the root of vhat
           plus eps, downhill
"""

import numpy as np


def adam(w, m, v, g, t, lr, beta1, beta2, eps):
    """Moments and parameter after an update.

    w, m, v, g  of one shape     t  the number of this update, from 1
    lr, beta1, beta2, eps  numbers

    w, m and v are to stay as they are: make new arrays.
    """
    new_m = ...
    new_v = ...
    mhat = ...
    vhat = ...
    new_w = ...

    return new_m, new_v, mhat, vhat, new_w
