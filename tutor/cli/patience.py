"""A word of progress on the way to an iteration, where that takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tutor.text.language import N_, say

if TYPE_CHECKING:
    from tutor.engine.run import Iteration, Run

PATIENCE = 3.0  # seconds without a word of progress

Say = Callable[[str], None]


def patience(number: int, tell: Say, every: float = PATIENCE) -> Callable[[int], bool]:
    """The progress of a way to iteration `number`: where it takes long, it tells how far it is now and then."""
    told = time.monotonic()

    def progress(at: int) -> bool:
        nonlocal told
        if time.monotonic() - told >= every:
            told = time.monotonic()
            told_at = N_("Training on the way to iteration {number}: now at {at}. Ctrl+C stops.")
            tell(say(told_at, number=f"{number:,}", at=f"{at:,}"))
        return True

    return progress


def patient_iteration(run: Run, number: int, tell: Say, every: float = PATIENCE) -> Iteration:
    """Iteration `number`; where that takes long, it tells how far it is, every so many seconds."""
    found = run.iteration(number, patience(number, tell, every))
    assert found is not None
    return found
