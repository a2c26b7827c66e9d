"""Arithmetic as IEEE 754 has it: what overflows is infinite, what has no value is NaN, and nobody is warned of either.

What came out is said where it is shown: by a step, a verdict, a run that diverged.
"""

from __future__ import annotations

import numpy as np

QUIET = np.errstate(all="ignore")  # a decorator, which costs half of what a block does


def quietly() -> np.errstate:
    """The same for a block: `with quietly(): ...`."""
    return np.errstate(all="ignore")
