"""A gradient measured, to check one that was worked out.

Put your lines in place of the dots, from the top down. Each save is run.

    numeric   for each number of w: (loss with it eps higher − loss with it eps lower) / (2 eps),
              all the others as they were
    error     the largest of |numeric − grad| / max(|numeric|, |grad|), over the numbers of w
"""

import numpy as np


def gradient_check(loss, w, grad, eps):
    """The measured gradient, and how far off grad is.

    loss  a function: loss(w) is a number     w  an array of any shape
    grad  in the shape of w: what somebody worked out for the gradient of the loss
    """
    numeric = ...  # in the shape of w
    error = ...  # a number

    return numeric, error
