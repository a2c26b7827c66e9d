"""Where training went beyond what a number can hold, in a sentence or two."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tutor.engine.divergence import Divergence
from tutor.engine.expressions import Symbol, index_text
from tutor.text.language import N_, say

# Operator -> what it takes, where a value left that.
TAKES = {
    "log": N_("a logarithm takes only what is above 0"),
    "sqrt": N_("a root takes nothing below 0"),
    "div": N_("nothing can be divided by 0"),
    "pow": N_("below 0 only whole powers have a value, at 0 only those that are not negative"),
}


def divergence_words(found: Divergence, name: Callable[[Symbol], str] = lambda symbol: symbol.id) -> str:
    """A sentence or two: what happened, from what, and what helps. `name` says what symbols are called."""
    what = name(found.symbol) + index_text(found.element)
    if found.kind == "0/0":
        return say(
            "{what} became undefined (NaN) in iteration {n}: its gradient was 0, and with epsilon = 0 that is 0/0. "
            "A small epsilon, such as 1e-8, keeps the division finite.",
            what=what,
            n=f"{found.iteration:,}",
        )
    if found.example is not None:
        what = say("{what} of example {n}", what=what, n=found.example + 1)
    became = N_("{what} became undefined (NaN) in iteration {n}")
    if found.kind == "infinite":
        became = N_("{what} overflowed to infinity in iteration {n}")
        became = N_("{what} became infinite in iteration {n}") if found.outside else became
    text = say(became, what=what, n=f"{found.iteration:,}")
    if found.outside:
        symbol, value, op = found.outside
        told = N_("{happened}: {name} had come to {value}, and {why}")
        text = say(told, happened=text, name=name(symbol), value=_signed(value), why=say(TAKES[op]))
    elif found.operands:
        symbol, size = found.operands[0]
        told = N_("{happened}: {name} was infinite")
        told = N_("{happened}: {name} had grown to {size}") if np.isfinite(size) else told
        text = say(told, happened=text, name=name(symbol), size=f"{size:.2g}")
    if found.growth is not None and not found.outside:
        grew = f"{found.growth:.2g}" if not 100 <= found.growth < 1e6 else f"{found.growth:,.0f}"
        told = N_("{happened}, after {loss} grew {factor}-fold an iteration")
        text = say(told, happened=text, loss=name(found.loss), factor=grew)
    return f"{text}. {advice(found, name(found.loss))}"


def advice(found: Divergence, loss: str) -> str:
    """What helps, if anything does."""
    if found.falling and not found.outside:
        return say("{loss} fell all the way there: it has no minimum, and no learning rate finds one.", loss=loss)
    if found.falling:
        return say(
            "{loss} was falling towards the edge of where it has values. A smaller learning rate takes smaller steps, "
            "but finds a minimum only if there is one before that edge.",
            loss=loss,
        )
    return say("A smaller learning rate takes smaller steps.")


def _signed(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
