"""What a picture of a step is: a title, facts in words, a drawing; and what it can be of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tutor.engine import loss_slope
from tutor.engine.expressions import Ref, Symbol
from tutor.engine.trace import Step, Trace
from tutor.pictures.canvas import Picture
from tutor.text.card import Scribe
from tutor.text.language import N_, say

MANY = 12  # units or names that are told one by one
DIVERGED = N_("A value outgrew what numbers can hold, or left where the function has values.")


@dataclass(frozen=True)
class Shown:
    """A picture: its title, the facts in words, most important first, and the drawing.

    `draw(columns, rows)` gives at most so many cells; nothing where there is nothing to draw. `plain` is what line
    mode shows of it, in lines as they stand.
    """

    title: str
    facts: tuple[str, ...]
    draw: Callable[[int, int], Picture]
    plain: tuple[str, ...] = ()


@dataclass(frozen=True)
class PictureKind:
    """A kind of picture: its name, what it can be of, what it is of at a step, and how it is made.

    What it is of, its subject, is an element of one of the symbols `subjects(trace)`, which are `about` something.
    `begin(step, example)` is None where the picture makes no sense for the step; `example` (from 0) is the one at
    the cursor. `suits` says whether it is worth offering there.
    """

    title: str
    about: str
    subjects: Callable[[Trace], Sequence[Symbol]]
    begin: Callable[[Step, int], Ref | None]
    make: Callable[[Scribe, Ref], Shown]
    suits: Callable[[Step], bool] = lambda step: True
    ahead: bool = False  # shows no gradient before its step: predict mode has it in the forward pass


def nothing(columns: int, rows: int) -> Picture:
    """The drawing of what cannot be drawn: the words are all there is."""
    return ()


def has_examples(symbol: Symbol) -> bool:
    """Whether a symbol, or what it is the gradient of, has a value for each example."""
    return symbol.per_example or bool(symbol.wrt and symbol.wrt.per_example)


def index_in(step: Step, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The step's element as one of a value of this shape; None where the step is whole."""
    if not step.index or not shape:
        return None
    index = step.index[-len(shape) :]  # of dz[i]/da[j] and da[k]/dz[i] the last
    return index if len(index) == len(shape) and all(i < n for i, n in zip(index, shape, strict=True)) else None


def element_of(step: Step, gradient: Symbol, example: int) -> tuple[int, ...] | None:
    """The step's element of a gradient, else its largest for the example; None for a gradient of shape ()."""
    return index_in(step, gradient.shape) or loss_slope.steepest(step.trace, gradient, example)


def and_more(names: Sequence[str]) -> str:
    """Names, as many as are told one by one, and how many more there are."""
    told = ", ".join(names[:MANY])
    return say("{names} and {n} more", names=told, n=f"{len(names) - MANY:,}") if len(names) > MANY else told


def bracketed(text: str) -> str:
    """A number as a factor behind a sign: in brackets where it has one itself."""
    return f"({text})" if text.startswith("−") else text
