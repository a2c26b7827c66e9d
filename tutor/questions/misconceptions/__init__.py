"""The table of misconceptions: all that the tutor knows by name, put together from the tables of their kinds.

A new one is one entry in the table of its kind; `rewriting.py` says what an entry is.
"""

from __future__ import annotations

from tutor.questions.misconceptions import (
    activation,
    arrays,
    forward,
    gates,
    loss,
    normalising,
    paths,
    update,
    uses,
    windows,
)
from tutor.questions.misconceptions.rewriting import Misconception

MISCONCEPTIONS: dict[str, Misconception] = {
    **normalising.TABLE,
    **windows.TABLE,
    **uses.TABLE,
    **arrays.TABLE,
    **activation.TABLE,
    **loss.TABLE,
    **paths.TABLE,
    **update.TABLE,
    **gates.TABLE,
    **forward.TABLE,
}
