"""What tests have in place of a clock: work that is counted, and a patience that no busy machine exhausts.

How long something takes says as much about the machine as about the program, so no test asks;
benchmarks/ does, in ratios.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

# How long to wait for something that will happen, in seconds. It costs nothing where it does happen.
PATIENCE = 180.0


def effort(work: Callable[[], object]) -> int:
    """The number of calls, of Python and of C functions, that `work` makes: the same on every machine, busy or not.

    No garbage is collected meanwhile: what it finalises is the work of the tests before.
    """
    count = 0

    def counting(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    before, collects = sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(counting)
    try:
        work()
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
    return count
