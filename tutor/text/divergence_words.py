"""Where training went beyond what a number can hold, in a sentence or two."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tutor.engine.divergence import Divergence
from tutor.engine.expressions import Symbol, index_text
from tutor.text.language import say

# Operator -> what it takes, where a value left that.
TAKES = {
    "log": "a logarithm takes only what is above 0",
    "sqrt": "a root takes nothing below 0",
    "div": "nothing can be divided by 0",
    "pow": "below 0 only whole powers have a value, at 0 only those that are not negative",
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
        what += f" of example {found.example + 1}"
    became = "became undefined (NaN)"
    if found.kind == "infinite":
        became = "became infinite" if found.outside else "overflowed to infinity"
    text = f"{what} {became} in iteration {found.iteration:,}"
    if found.outside:
        symbol, value, op = found.outside
        text += f": {name(symbol)} had come to {_signed(value)}, and {TAKES[op]}"
    elif found.operands:
        symbol, size = found.operands[0]
        text += f": {name(symbol)} " + (f"had grown to {size:.2g}" if np.isfinite(size) else "was infinite")
    if found.growth is not None and not found.outside:
        grew = f"{found.growth:.2g}" if not 100 <= found.growth < 1e6 else f"{found.growth:,.0f}"
        text += f", after {name(found.loss)} grew {grew}-fold an iteration"
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
