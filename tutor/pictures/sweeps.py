"""What a sweep comes to: over one setting a curve of where each run ends, over two a map of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tutor.engine.floats import quietly
from tutor.pictures.canvas import Picture
from tutor.pictures.plot import MIN_COLUMNS, MIN_ROWS, Curve, Frame, Mark, plot
from tutor.play.outcomes import Verdict
from tutor.play.sweep import SEEDS, Sweep
from tutor.play.sweep_map import LETTERS, MOST, Axis, SweepMap
from tutor.text.cells import width
from tutor.text.language import N_, say

SHADES = " ░▒▓█"  # from the least loss to the largest
GONE, TO_COME = "×", "·"
STYLES: dict[Verdict, str] = {
    "slow": "curve3", "converges": "curve1", "oscillates": "curve2", "stuck": "curve4", "diverges": "error",
}  # fmt: skip
NAMES: dict[Verdict, str] = {
    "converges": N_("converges"), "slow": N_("slow"), "oscillates": N_("oscillates"), "stuck": N_("still"),
    "diverges": N_("diverges"),
}  # fmt: skip
_AROUND = 8, 4  # columns and rows of a picture that are none of the map's: about


def runs_that_fit(columns: int, rows: int) -> tuple[int, int]:
    """How many runs along each setting a picture of this size has room for: two columns and a row each."""
    return max(2, min((columns - _AROUND[0]) // 2, MOST)), max(2, min(rows - _AROUND[1], MOST))


def sweep_picture(
    made: Sweep, at: int | None, columns: int, rows: int, log_x: bool, log_y: bool | None = None, y_label: str = ""
) -> Picture:
    """Where each run ends, as far as they are trained, that `at` a place marked. `log_y` None: where it can be."""
    points = made.points[:]  # runs may be added meanwhile
    ends = [point.final for point in points]
    marks = [Mark(points[at].value, ends[at])] if at is not None and at < len(points) else []
    log_y = can_be_log(ends) if log_y is None else log_y
    range_x = made.values[0], made.values[-1]
    curves = [Curve(made.values[: len(ends)], ends)]
    if made.name in SEEDS:  # nothing lies between two of them
        curves, marks = [], [*(Mark(point.value, point.final, "•", "curve1") for point in points), *marks]
    return plot(curves, marks, columns, rows, made.name, y_label, log_x=log_x, log_y=log_y, x_range=range_x)


def can_be_log(ends: Sequence[float]) -> bool:
    """Whether losses have a place on a logarithmic axis."""
    finite = [end for end in ends if math.isfinite(end)]
    return bool(finite) and min(finite) > 0


def map_picture(
    made: SweepMap, verdicts: Sequence[Sequence[Verdict]], at: int | None, columns: int, rows: int
) -> Picture:
    """Shades by loss, a letter where another region begins, colours by region.

    `verdicts` are there once all runs are trained, `at` is the run that is marked with ●.
    """
    if columns < MIN_COLUMNS or rows < MIN_ROWS:
        return ()
    trained, losses = len(made.points), made.losses()  # in this order: runs may be added meanwhile
    high, wide = losses.shape
    frame = _frame(made, columns, rows)
    # As many columns to each run, if there are enough; so with the rows.
    columns -= frame.area_columns % wide if frame.area_columns >= wide else 0
    rows -= frame.area_rows % high if frame.area_rows >= high else 0
    frame = _frame(made, columns, rows)
    across = (np.arange(frame.area_columns) * wide // frame.area_columns).tolist()
    down = (np.arange(frame.area_rows) * high // frame.area_rows).tolist()[::-1]
    kinds = _levels(losses, verdicts)
    if verdicts:
        named = np.array(verdicts)
        there, which = np.unique(named, return_inverse=True)
        kinds += which.reshape(losses.shape) * len(SHADES)
        looks = [(GONE if v == "diverges" else shade, STYLES[v]) for v in there.tolist() for shade in SHADES]
    else:
        kinds[np.isnan(losses)] = len(SHADES)
        kinds.flat[trained:] = len(SHADES) + 1
        looks = [*((shade, "curve3") for shade in SHADES), (GONE, "error"), (TO_COME, "dim")]
    frame.canvas.field(frame.left + 1, frame.top, kinds[np.ix_(down, across)], looks)
    if verdicts:  # a letter where a region begins in a row of runs
        begins = np.ones(losses.shape, dtype=bool)
        begins[:, 1:] = named[:, 1:] != named[:, :-1]
        for j, i in np.argwhere(begins).tolist():
            if i in across and j in down:
                letter, style = LETTERS[verdicts[j][i]], STYLES[verdicts[j][i]]
                frame.canvas.text(frame.left + 1 + across.index(i), frame.top + down.index(j), letter, style)
    if at is not None:
        j, i = divmod(at, wide)
        if i in across and j in down:
            frame.canvas.text(
                frame.left + 1 + across.index(i) + (across.count(i) - 1) // 2,
                frame.top + down.index(j) + (down.count(j) - 1) // 2, "●", "lit",
            )  # fmt: skip
    if frame.top:
        _legend(frame, made.y.name, verdicts)
    return frame.canvas.picture()


def _frame(made: SweepMap, columns: int, rows: int) -> Frame:
    head = 1 if rows >= 6 else 0
    return Frame(
        columns, rows, _edges(made.x), _edges(made.y), log_x=made.x.log, log_y=made.y.log,
        x_label=made.x.name, y_label=made.y.name, head=head,
    )  # fmt: skip


def _edges(axis: Axis) -> tuple[float, float]:
    """From half a run before the first to half a run after the last."""
    values = np.log10(axis.values) if axis.log else np.asarray(axis.values)
    half = (values[-1] - values[0]) / (len(values) - 1) / 2
    low, high = float(values[0] - half), float(values[-1] + half)
    return (10**low, 10**high) if axis.log else (low, high)


def _levels(losses: np.ndarray, verdicts: Sequence[Sequence[Verdict]]) -> np.ndarray:
    """The shade of each loss: by its logarithm, where all are above 0; those of what diverges do not count."""
    counted = losses[np.isfinite(losses)]
    if verdicts:
        kept = np.isfinite(losses) & (np.array(verdicts) != "diverges")
        counted = losses[kept] if kept.any() else counted
    if not counted.size:
        return np.zeros(losses.shape, dtype=int)
    low, high = float(counted.min()), float(counted.max())
    with quietly():
        sizes = np.clip(np.where(np.isfinite(losses), losses, high), low, high)
        if low > 0 and high / low > 10:
            low = max(low, high / 1e6)  # what is lower still is as good
            sizes, low, high = np.log(np.maximum(sizes, low)), math.log(low), math.log(high)
        share = (sizes - low) / ((high - low) or 1.0)
    found: np.ndarray = np.clip((share * len(SHADES)).astype(int), 0, len(SHADES) - 1)
    return found


def _legend(frame: Frame, label: str, verdicts: Sequence[Sequence[Verdict]]) -> None:
    """In the first row, right of the axis's label: the letters that stand in the map, and what the shades are."""
    at = max(0, frame.left - width(label) // 2) + width(label) + 2
    there = {verdict for row in verdicts for verdict in row}
    texts = [
        (f"{LETTERS[verdict]} {say(name)}", STYLES[verdict]) for verdict, name in NAMES.items() if verdict in there
    ]
    room = frame.canvas.columns - at
    gap = 2 if sum(width(text) + 2 for text, _ in texts) - 2 <= room else 1
    for text, style in [*texts, (say("{shades} more loss", shades=SHADES.strip()), "dim")]:
        if at + width(text) <= frame.canvas.columns:
            frame.canvas.text(at, 0, text, style)
            at += width(text) + gap
