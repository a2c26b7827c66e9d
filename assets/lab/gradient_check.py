"""A gradient measured, to check one that was worked out.

Put your lines in place of the dots, from the top down; further lines
may stand between. Each save is run.

    numeric   for each number of w, with all the others as they were:
              (loss with it eps higher − with it eps lower) / (2 eps)
    error     |numeric − grad| / max(|numeric|, |grad|) of each number
              of w, and of these the largest
"""

import numpy as np


def gradient_check(loss, w, grad, eps):
    """The measured gradient, and how far off grad is.

    loss  a function: loss(w) is a number
    w  an array of any shape     eps  a number
    grad  in the shape of w: what somebody worked out for the gradient
    """
    numeric = ...  # in the shape of w
    error = ...  # a number

    return numeric, error
