"""What training shows, as lines: the losses, what is predicted right, the plane and its boundary."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tutor.engine.evaluation import Confusion, Evaluation, Evaluator, Plane
from tutor.engine.held_out import HeldOut
from tutor.engine.run import Run
from tutor.pictures.plot import Curve, Mark, Segment, example_mark, heat, plot
from tutor.text.cells import bar, cut, pad, width
from tutor.text.evaluation_words import (
    MOST_CLASSES,
    class_lines,
    class_name,
    heads,
    percent,
    words,
    wrong_rows,
    wrong_words,
)
from tutor.text.language import said, say
from tutor.text.layout import number
from tutor.tui.lines import Line, line
from tutor.tui.views import wrapped

FIELD = (48, 96)  # rows and columns that the plane is computed for
MOST_POINTS = 300  # examples that are drawn in it
BINS = 240  # of the loss curve: more than a terminal has dots across
LARGE = 1e280  # what is beyond is drawn there


@dataclass(frozen=True)
class History:
    """The losses so far: of each iteration's batch, the mean of each finished epoch, and, where rows are held out, of
    these after some iterations (two arrays, the iterations and the losses)."""

    losses: np.ndarray
    epochs: np.ndarray
    held_out: tuple[np.ndarray, np.ndarray] | None = None

    @classmethod
    def of(cls, run: Run, held_out: HeldOut | None = None) -> History:
        return cls(run.losses, run.epoch_losses, None if held_out is None else held_out.known())


@dataclass(frozen=True)
class Look:
    """The network after `done` updates, as far as there is something to see of it."""

    done: int
    evaluation: Evaluation | None = None
    plane: Plane | None = None
    values: dict[str, np.ndarray] | None = None  # of what is trained where nothing is evaluated
    held_out: Evaluation | None = None


def thinned(xs: np.ndarray, ys: np.ndarray, bins: int = BINS) -> tuple[np.ndarray, np.ndarray]:
    """Of many points the least and the largest in each of `bins` stretches, so that no peak is lost."""
    if len(xs) <= 4 * bins:
        return xs, ys
    starts = np.arange(bins) * len(xs) // bins
    ys = np.where(np.isfinite(ys), ys, np.nan)
    least, most = np.fmin.reduceat(ys, starts), np.fmax.reduceat(ys, starts)
    return np.repeat(xs[starts], 2), np.stack([least, most], axis=1).ravel()


def _apart(xs: np.ndarray, ys: np.ndarray, together: int) -> tuple[np.ndarray, np.ndarray]:
    """Points as a curve of pieces: each `together` joined, by itself a dot, with a gap after them."""
    pieces = np.stack([xs.astype(float), ys], axis=1).reshape(-1, together, 2)
    parts = [pieces[:, 0], pieces[:, -1], np.full_like(pieces[:, 0], np.nan)]
    joined = np.stack(parts, axis=1).reshape(-1, 2)
    return joined[:, 0], joined[:, 1]


def outgrown(losses: np.ndarray) -> bool:
    """Whether a logarithmic axis shows how losses grew out of bounds: not where they lie below 0."""
    finite = losses[np.isfinite(losses)]
    return bool(np.all(finite > 0))


def curve_lines(
    history: History, per_epoch: int, at: int, curves: str, log: bool, columns: int, height: int, name: str
) -> list[Line]:
    """The losses so far, with a mark at iteration `at` (0: none)."""
    count = len(history.losses)
    if not count:
        return [line(say("Nothing is trained yet: space starts, g trains to an iteration."), "dim")]
    found = []
    if curves != "iterations" and per_epoch > 1 and len(history.epochs):
        ends = np.arange(1, len(history.epochs) + 1) * per_epoch
        label = say("mean of each epoch")
        found.append(Curve(*thinned(ends, history.epochs), label=label, style="curve1", dash=(), thick=2))
    if curves != "epochs" or not found:
        xs, ys = thinned(np.arange(1, count + 1), history.losses)
        if found:  # from row to row it jumps: dots round the mean; of very many the range they are in
            together = 1 if len(xs) == count else 2
            label, style = (say("each iteration"), "dim") if together == 1 else (say("range of the iterations"), "axis")
            found.append(Curve(*_apart(xs, ys, together), label=label, style=style, dash=()))
        else:
            found.append(Curve(xs, ys, style="curve1", dash=()))
    if history.held_out is not None and len(history.held_out[0]):
        xs, ys = history.held_out
        found.append(Curve(xs, ys, label=say("held out"), style="curve2", dash=(2, 2)))
        if len(found) == 2 and not found[0].label:
            found[0] = replace(found[0], label=say("each iteration"))
    found = [replace(curve, ys=np.clip(curve.ys, -LARGE, LARGE)) for curve in found]  # what diverges has its margin
    marks, segments = [], []
    drawn = np.concatenate([c.ys for c in found])
    drawn = drawn[np.isfinite(drawn) & ((drawn > 0) | (not log))]
    if at and drawn.size:
        loss = float(np.clip(history.losses[at - 1], -LARGE, LARGE))
        segments.append(Segment(at, drawn.min(), at, drawn.max(), "axis", dash=(1, 3)))
        if np.isfinite(loss) and drawn.min() <= loss <= drawn.max():
            marks.append(Mark(at, loss, "●", "lit"))
    picture = plot(found, marks, columns, height, say("iteration"), name, log_y=log, x_range=(1, max(count, 2)),
                   segments=segments)  # fmt: skip
    return [Line(row) for row in picture]


def duration(seconds: float) -> str:
    """'3 s', '4 min', '2 h': how long it may take."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return say("{n} min", n=round(seconds / 60)) if seconds < 5400 else f"{round(seconds / 3600)} h"


def evaluation_lines(evaluator: Evaluator, look: Look, columns: int, height: int) -> list[Line]:
    """Accuracy, also on rows held out, the confusion matrix, and the rows that are wrong, each if there is room."""
    found, held = look.evaluation, look.held_out
    if found is None:
        return []
    if found.accuracy is None:
        return [part for said in words(evaluator, found, held) for part in wrapped(said, columns)]
    rows = (
        say("the {n} rows trained on", n=f"{len(found.losses):,}")
        if held
        else say("all {n} rows", n=f"{len(found.losses):,}")
    )
    lines = [
        _share_line(found, columns, "curve1"),
        line(say("mean loss of {rows}: {loss}", rows=rows, loss=number(found.loss)), "numbers"),
    ]
    if held is not None:
        lines += [line(), _share_line(held, columns, "curve2", say("held out: "))]
        lines.append(
            line(
                say("mean loss of these {n} rows: {loss}", n=f"{len(held.losses):,}", loss=number(held.loss)), "numbers"
            )
        )
    for table in found.tables:
        lines += [line(), *confusion_lines(table, columns)]
    lines += [line(), *wrapped(said(evaluator.rule), columns, "dim"), line()]
    if not len(found.wrong):
        return [*lines, line(say("No row is wrong."), "note")]
    room, many = height - len(lines) - 1, len(found.wrong)
    if room < min(4, many):
        return [*lines, *wrapped(wrong_rows(found), columns)]
    each = wrong_words(evaluator, found, room if many <= room else room - 1)
    more = [say("and {n} more", n=f"{many - len(each):,}")] if many > len(each) else []
    return [*lines, line(say("Wrong rows"), "heading"), *(line(cut(said, columns)) for said in [*each, *more])]


def _share_line(found: Evaluation, columns: int, style: str, before: str = "") -> Line:
    """'43 of 50 right', a bar, '86 %'."""
    right, share = (
        say("{before}{n} of {count} right", before=before, n=f"{found.correct:,}", count=f"{found.total:,}"),
        found.accuracy or 0.0,
    )
    room = max(6, min(24, columns - 34 - len(before)))
    return Line(((right, "strong"), ("  ", ""), (bar(share, room), style), (f" {percent(share)}", "value")))


def confusion_lines(table: Confusion, columns: int) -> list[Line]:
    """The matrix, a row a true class: what is right stands out, and so does what is wrong."""
    head = say("output {title}", title=table.title) if table.title else say("true \\ predicted")
    head = head if len(table.classes) < 8 else say("true")
    names = [cut(name, 12) for name in heads(table.classes)]
    counts = [[f"{count:,}" for count in row] for row in table.counts.tolist()]
    wide = [max(width(name), *(len(row[j]) for row in counts)) for j, name in enumerate(names)]
    left = max(width(head), *map(width, names))
    if len(names) > MOST_CLASSES or left + sum(wide) + 2 * len(wide) + 8 > columns:
        return [part for said in class_lines(table) for part in wrapped(said, columns)]

    def right(text: str, room: int) -> str:
        return " " * (room - width(text)) + text

    titles = ((f"  {right(name, room)}", "heading") for name, room in zip(names, wide, strict=True))
    lines = [Line(((pad(head, left), "dim"), *titles, (say("   right"), "dim")))]
    for i, (name, share) in enumerate(zip(names, table.per_class, strict=True)):
        cells = []
        for j, (text, room) in enumerate(zip(counts[i], wide, strict=True)):
            style = "dim" if text == "0" else "value" if i == j else "error"
            cells.append((f"  {right(text, room)}", style))
        said = say("no such row") if share is None else percent(share)
        lines.append(Line(((pad(name, left), "heading"), *cells, (f"   {said}", "numbers"))))
    return lines


def plane_lines(evaluator: Evaluator, look: Look, columns: int, height: int) -> list[Line]:
    """The predicted class over the plane of the two inputs, the examples on it, wrong ones hollow."""
    found, plane = look.evaluation, look.plane
    if found is None or plane is None or plane.classes is None:
        return []
    inputs = evaluator.lesson.inputs
    wrong = evaluator.decide(found.outputs)[:, 0] != evaluator.true
    # Of too many examples: some, the wrong ones last, so that they lie on top.
    some = np.unique(np.linspace(0, len(inputs) - 1, MOST_POINTS).astype(int))
    some = some[np.argsort(wrong[some], kind="stable")]
    marks = [
        example_mark(float(inputs[row, 0]), float(inputs[row, 1]), int(evaluator.true[row]), bool(wrong[row]))
        for row in some
    ]
    x_name, y_name = evaluator.input_names or ("x₁", "x₂")
    x0, x1, y0, y1 = evaluator.bounds
    names = [class_name(name) for name in evaluator.classes]
    picture = heat(plane.classes, marks, columns, height - 1, (x0, x1), (y0, y1), x_name, y_name, names)
    said = say("hollow: predicted wrong") if wrong.any() else say("all examples predicted right")
    if len(found.tables) > 1:
        said = say("output {name}; {said}", name=evaluator.names[0], said=said)
    if len(inputs) > len(some):
        said += say("; {n} of {count} examples are drawn", n=f"{len(some):,}", count=f"{len(inputs):,}")
    return [*(Line(row) for row in picture), line(cut(said, columns), "error" if wrong.any() else "dim")]
