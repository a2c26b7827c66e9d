"""What a sweep says: a plot of where each run ends, and in sentences; or JSON."""

from __future__ import annotations

import json
import math
import sys

from tutor.cli.export import plain_value
from tutor.pictures.plot import Curve, Mark, plot
from tutor.play.sweep import Sweep
from tutor.text.lines import wrapped

FORMAT = 1
COLUMNS, ROWS = 78, 14


def as_text(sweep: Sweep, log: bool) -> str:
    """The plot, where the terminal has its signs, and the sentences."""
    said = "\n".join("\n".join(wrapped(line, "", "  ")) for line in sweep.words()) + "\n"
    best = sweep.best
    if best is None or not _has_dots(sys.stdout.encoding):
        return said
    ends = [point.final for point in sweep.points]
    positive = all(end > 0 for end in ends if math.isfinite(end))
    curve = Curve(sweep.values, ends)
    marks = [Mark(best.value, best.final)]
    loss = sweep.points[0].run.loss.id
    picture = plot(
        [curve], marks, COLUMNS, ROWS, sweep.name, f"{loss} at the end", log_x=log, log_y=positive and best.final > 0
    )
    return "\n".join("".join(text for text, _ in row).rstrip() for row in picture) + "\n\n" + said


def _has_dots(encoding: str | None) -> bool:
    try:
        "⣿└●".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def as_json(sweep: Sweep, epochs: int, log: bool) -> str:
    """One JSON object: every point with what became of it, and the regions."""
    record = {
        "format": FORMAT,
        "lesson": sweep.lesson.id,
        "setting": sweep.name,
        "scale": "log" if log else "linear",
        "epochs": epochs,
        "best": plain_value(sweep.best.value) if sweep.best else None,
        "points": [
            {
                "value": point.value,
                "loss": plain_value(point.final) if math.isfinite(point.final) else None,
                "verdict": sweep.verdict(point),
                "diverged": point.run.diverged,
            }
            for point in sweep.points
        ],
        "regions": [
            {"verdict": region.verdict, "from": region.low, "to": region.high, "runs": region.runs}
            for region in sweep.regions()
        ],
    }
    return json.dumps(record, ensure_ascii=False) + "\n"
