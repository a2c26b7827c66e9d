"""The cells that an element of an array is made from: a kernel's window, a row and a column, the larger of four."""

from __future__ import annotations

import numpy as np

from tutor.engine.expressions import OPERATORS, Call, Ref, Symbol, refs, walk
from tutor.engine.ids import line_of
from tutor.engine.loss_slope import steepest
from tutor.engine.model import Equation
from tutor.engine.trace import Step, Trace
from tutor.pictures.step.grids import Grid, draw_grids
from tutor.pictures.step.shown import PictureKind, Shown, and_more, has_examples, index_in
from tutor.text.card import Scribe
from tutor.text.language import N_, say
from tutor.text.layout import linear
from tutor.text.writer import Writer

_OWN = ("softmax", "log_softmax", "norm", "cross_entropy", "transpose")
_MOST = 600  # characters of a sum that is written out


def _told(eq: Equation) -> bool:
    """Whether an element takes cells at other places than its own; a softmax or a norm has a picture of its own."""
    ops = [node.op for node in walk(eq.formula) if isinstance(node, Call)]
    return any(not OPERATORS[op].elementwise and op not in _OWN for op in ops)


def _symbols(trace: Trace) -> list[Symbol]:
    return [eq.symbol for eq in trace.equations if trace.program.model.arrays and eq.symbol.shape and _told(eq)]


def _cells_of(step: Step, example: int) -> Ref | None:
    if not step.trace.program.model.arrays:
        return None
    eq = step.equation
    if eq.phase == "forward" and not _told(eq):  # of conv(x, k) + b the window is the inner gate's
        within = (step.trace.program.by_key.get(ref.symbol.key) for ref in refs(eq.formula))
        same = (e for e in within if e and line_of(e.symbol.id) == eq.symbol.id and e.symbol.shape == eq.symbol.shape)
        eq = next((inner for inner in same if _told(inner)), eq)
    if not (eq.symbol.shape and _told(eq)):
        return None
    here = example if has_examples(eq.symbol) else None
    return Ref(eq.symbol, index_in(step, eq.symbol.shape) or steepest(step.trace, eq.symbol, here), here)


def cells_picture(scribe: Scribe, subject: Ref) -> Shown:
    """`subject` is an element of an array."""
    trace, writer = scribe.trace, scribe.writer
    step = Step(trace, trace.program.by_key[subject.symbol.key], subject.index, subject.example)
    name = writer.text(subject)
    whole: dict[str, Ref] = {}
    marked: dict[str, set[tuple[int, ...]]] = {}
    for ref in step.operands:
        whole.setdefault(ref.symbol.key, Ref(ref.symbol, None, ref.example))
        if ref.index is not None:
            marked.setdefault(ref.symbol.key, set()).add(ref.index)
    for ref in Step(trace, step.equation, None, subject.example).operands:  # what has no part in this element, too
        whole.setdefault(ref.symbol.key, ref)
    grids = [
        Grid(writer.text(ref), np.asarray(trace.value(ref), dtype=float), marked.get(key, ()))
        for key, ref in whole.items()
        if ref.symbol.shape
    ]
    own = Ref(subject.symbol, None, subject.example)
    grids.append(Grid(writer.text(own), np.asarray(trace.value(own), dtype=float), (), subject.index))
    facts = [
        _sum(scribe, step),
        *_window(step, whole, marked, writer),
        *(_share(writer, ref, marked.get(key, set())) for key, ref in whole.items()),
    ]
    title = say("{name} and the cells that it is made from", name=name)
    return Shown(title, tuple(filter(None, facts)), lambda columns, rows: draw_grids(grids, columns, rows))


def _sum(scribe: Scribe, step: Step) -> str:
    text = " = ".join(linear(doc) for doc in scribe.formulas(step).main.docs)
    if len(text) > _MOST:
        text = f"{scribe.writer.text(step.ref)} = … = {linear(scribe.writer.value(step.value))}"
    return f"{text}."


def _window(step: Step, whole: dict[str, Ref], marked: dict[str, set[tuple[int, ...]]], writer: Writer) -> list[str]:
    """What a window does with its cells, and what that means on the way back."""
    formula = step.equation.formula
    if not isinstance(formula, Call) or formula.op not in ("conv", "max_pool", "avg_pool"):
        return []
    sources = [arg for arg in formula.args if isinstance(arg, Ref)]
    cells = sorted(marked.get(sources[0].symbol.key, ())) if sources else []
    if not cells:
        return []
    source = whole[sources[0].symbol.key]
    if formula.op == "avg_pool":
        return [
            say("The mean of {cells} cells: on the way back each of them gets 1/{n} of the gradient.",
                cells=f"{len(cells):,}", n=len(cells))
        ]  # fmt: skip
    if formula.op == "max_pool":
        best = max(cells, key=lambda index: float(step.trace.value(Ref(source.symbol, index, source.example))))
        name = writer.text(Ref(source.symbol, best, source.example))
        return [say("The largest of the window is {name}: on the way back it alone gets the gradient.", name=name)]
    kernel = sources[-1].symbol
    outside = int(np.prod(kernel.shape[1:] if len(kernel.shape) > 2 else kernel.shape)) - len(cells)
    padding = say("{n} cells of the kernel lie on the padding, where there are zeros.", n=f"{outside:,}")
    lies = say(
        "The kernel lies on {n} cells. The same kernel at every place: what comes back to it is a sum over all places.",
        n=f"{len(cells):,}",
    )
    return [lies, *([padding] if outside > 0 else [])]


def _share(writer: Writer, ref: Ref, cells: set[tuple[int, ...]]) -> str:
    if not ref.symbol.shape:
        return ""
    name, count = writer.text(ref), int(np.prod(ref.symbol.shape))
    if not cells:
        return say("Of {name} it takes no cell.", name=name)
    names = [writer.text(Ref(ref.symbol, index, ref.example)) for index in sorted(cells)]
    if len(names) == count > 1:
        return say("Of {name} it takes every cell.", name=name)
    return say(
        "Of {name} it takes {n} of {all} cells: {cells}.",
        name=name, n=f"{len(names):,}", all=f"{count:,}", cells=and_more(names),
    )  # fmt: skip


KIND = PictureKind(
    N_("cells"), N_("an element of an array, such as P[1,2]"), _symbols, _cells_of, cells_picture, ahead=True
)
