"""Figures for slides and handouts, as SVG: one entry of `FIGURES` a kind.

The network is drawn in lines and circles (`pictures/drawing.py`); a card, a chain and the terminal's pictures are their
cells, the dots of a curve as squares, so that a figure looks the same whatever fonts there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from html import escape

import numpy as np

from tutor.engine.expressions import Ref
from tutor.engine.landscape import NoLandscape, landscape_over
from tutor.engine.paths import target
from tutor.engine.program import iterations_per_epoch
from tutor.engine.run import Run
from tutor.engine.trace import Step, Trace
from tutor.handouts.page import lit_at
from tutor.pictures.canvas import Row
from tutor.pictures.drawing import drawing_of
from tutor.pictures.landscape import drawn, with_cursor
from tutor.pictures.plot import Curve, plot
from tutor.pictures.step.kinds import KINDS, subject
from tutor.text.card import Scribe
from tutor.text.cells import width
from tutor.text.language import said, say
from tutor.text.lines import card_lines, path_lines
from tutor.text.output import shown

COLUMNS, ROWS = 80, 22  # of a picture in cells
EPOCHS = 100  # that losses are shown of
WIDE, HIGH = 8, 17  # a cell in pixels
_FONT = "font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 13px"
_INKS = {"curve1": "#1f5fa8", "curve2": "#b3470f", "curve3": "#0b6e4f", "curve4": "#7a3e9d", "lit": "#b3470f"}
_FAINT = frozenset(("axis", "dim"))


class NoFigure(ValueError):
    """There is no such figure of this lesson; str() says why, and what to ask for."""


def figure(kind: str, trace: Trace, notation: str, id: str = "") -> str:
    """The SVG of a figure; `id` is the step that it is of. Raises NoFigure, and NoSuchStep for an id that is none."""
    return FIGURES[kind](trace, notation, id)


def _network(trace: Trace, notation: str, id: str) -> str:
    """The network or circuit; with a step what that uses and makes is lit."""
    lit = lit_at(trace.find(id), Scribe(trace, notation)) if id else []
    return drawing_of(trace, notation).svg(lit=lit)


def _step(trace: Trace, notation: str, id: str) -> str:
    """The card of a step: its title, formula, numbers and the sentence of why."""
    step, scribe = _named(trace, id), Scribe(trace, notation)
    card = scribe.card(step)
    lines = list(card_lines(card, "matrix" if step.index is None else "scalar"))
    return cells([((card.title, "strong"),), (), *(((line, ""),) for line in lines)], card.title)


def _chain(trace: Trace, notation: str, id: str) -> str:
    """The chain of a gradient: its paths, factors, products, and their sum."""
    step, scribe = _named(trace, id), Scribe(trace, notation)
    if (of := target(step)) is None:
        raise NoFigure(say("'{id}' is no gradient: a chain is of dL/dW1[1,1], for example", id=id))
    lines = path_lines(scribe, scribe.chain(of, step.example or 0), step)
    return cells([((line, ""),) for line in lines], say("The chain of {name}", name=scribe.writer.text(step.ref)))


def _slope(trace: Trace, notation: str, id: str) -> str:
    """The loss as a function of one parameter, with its tangent and the update."""
    kind = KINDS["slope"]
    steps = (Step(trace, eq) for eq in reversed(trace.equations) if eq.phase == "backward")
    of = subject("slope", trace, id, 0) if id else next(filter(None, (kind.begin(step, 0) for step in steps)), None)
    if of is None:
        raise NoFigure(say("there is no parameter in '{lesson}' that a slope could be of", lesson=trace.lesson.id))
    made = kind.make(Scribe(trace, notation), of)
    return cells([((made.title, "strong"),), *made.draw(COLUMNS, ROWS)], made.title)


def _losses(trace: Trace, notation: str, id: str) -> str:
    """The losses of the first epochs: of each iteration, or the mean of each epoch where that has several."""
    lesson = trace.lesson
    if lesson.training is None:
        raise NoFigure(say("'{lesson}' is not trained: it has no losses to draw", lesson=lesson.id))
    run, per = Run(lesson), iterations_per_epoch(lesson)
    run.train(EPOCHS * per)
    by_epoch = per > 1 and len(run.epoch_losses) > 1
    losses, of = (run.epoch_losses, say("epoch")) if by_epoch else (run.losses, say("iteration"))
    ys = np.where(np.isfinite(losses), losses, np.nan)
    loss = Scribe(trace, notation).writer.text(Ref(run.loss))
    name = say("mean {L}", L=loss) if by_epoch else loss
    picture = plot([Curve(np.arange(1, len(ys) + 1), ys)], columns=COLUMNS, rows=ROWS, x_label=of, y_label=name)
    return cells([((lesson.title, "strong"),), *picture], say("The losses of {title}", title=lesson.title))


def _landscape(trace: Trace, notation: str, id: str) -> str:
    """The loss over two parameters after the first epochs, and the path of training across it."""
    lesson = trace.lesson
    if lesson.training is None:
        raise NoFigure(say("'{lesson}' is not trained: there is no path to draw", lesson=lesson.id))
    run = Run(lesson)
    run.train(EPOCHS * iterations_per_epoch(lesson))
    try:
        made = landscape_over(run, run.trained, id)
    except NoLandscape as error:
        raise NoFigure(said(error).rstrip(".")) from None
    window = made.window()
    frame = drawn(made, made.grid(window), window, COLUMNS, ROWS)
    assert frame is not None
    title = say("{f} over {x} and {y}", f=made.of.id, x=made.x.id, y=made.y.id)
    return cells([((lesson.title, "strong"),), *with_cursor(frame)], title)


FIGURES: dict[str, Callable[[Trace, str, str], str]] = {
    "network": _network,
    "step": _step,
    "chain": _chain,
    "slope": _slope,
    "losses": _losses,
    "landscape": _landscape,
}


def _named(trace: Trace, id: str) -> Step:
    if not id:
        last = trace.equations[-1].symbol.id
        raise NoFigure(say("which step? --step {id}, for example: this figure is one step's", id=last))
    return trace.find(id)


# ---------------------------------------------------------------- cells as SVG


def cells(rows: Sequence[Row], title: str) -> str:
    """Rows of spans as an SVG document: texts at their cells, the dots of braille signs as squares."""
    columns = max((sum(width(text) for text, _ in row) for row in rows), default=1)
    parts: list[str] = []
    for down, row in enumerate(rows):
        across = 0
        for text, style in row:
            parts += _span(shown(text), across, down, style)
            across += width(text)
    wide, high = (columns + 2) * WIDE, (len(rows) + 1) * HIGH
    size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"'
    return "\n".join([f'{head} style="{_FONT}">', f"<title>{escape(shown(title))}</title>", *parts, "</svg>"])


def _span(text: str, across: int, down: int, style: str) -> Iterable[str]:
    ink = f'fill="{_INKS.get(style, "currentColor")}"' + (' opacity="0.6"' if style in _FAINT else "")
    dots = []
    at = across
    for word in re.findall(r"[\u2800-\u28ff]+| +|[^\u2800-\u28ff ]+(?: [^\u2800-\u28ff ]+)*", text):
        x, y = (at + 1) * WIDE, (down + 1) * HIGH
        if "\u2800" <= word[0] <= "\u28ff":
            dots += [_dots(char, x + k * WIDE, y - HIGH + 4) for k, char in enumerate(word)]
        elif word.strip():
            weight = ' font-weight="bold"' if style in ("strong", "lit", "value") else ""
            size = f'textLength="{width(word) * WIDE}" lengthAdjust="spacingAndGlyphs"'
            yield f'<text x="{x}" y="{y}" {ink}{weight} {size} xml:space="preserve">{escape(word)}</text>'
        at += width(word)
    if path := "".join(dots):
        yield f'<path d="{path}" {ink}/>'


# The dots of a braille sign by bit: (column, row).
_PLACES = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))


def _dots(char: str, x: float, y: float) -> str:
    code = ord(char) - 0x2800
    places = [place for bit, place in enumerate(_PLACES) if code >> bit & 1]
    return "".join(f"M{x + c * WIDE / 2 + 1:g} {y + r * HIGH / 4:g}h2.4v2.4h-2.4z" for c, r in places)
