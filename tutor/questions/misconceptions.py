"""The table of misconceptions: all that the tutor knows by name, put together from the tables of their kinds.

A new one is one entry in the table of its kind; `rewriting.py` says what an entry is.
"""

from __future__ import annotations

from tutor.questions import slips_activation, slips_gates, slips_loss, slips_paths, slips_update
from tutor.questions.rewriting import Misconception

MISCONCEPTIONS: dict[str, Misconception] = {
    **slips_activation.TABLE,
    **slips_loss.TABLE,
    **slips_paths.TABLE,
    **slips_update.TABLE,
    **slips_gates.TABLE,
}
