"""What a sweep says: a plot or a map of where each run ends, and in sentences; or JSON."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from typing import Any

from tutor.cli.export import plain_value
from tutor.pictures.sweeps import map_picture, sweep_picture
from tutor.play.outcomes import VERDICTS, Point, Runs
from tutor.play.sweep import Sweep
from tutor.play.sweep_map import Axis, SweepMap
from tutor.text.language import say
from tutor.text.lines import wrapped

FORMAT = 1
COLUMNS, ROWS = 78, 14


def as_text(made: Sweep | SweepMap, log: bool) -> str:
    """The plot or the map, where the terminal has its signs, and the sentences."""
    said = "\n".join("\n".join(wrapped(line, "", "  ")) for line in made.words()) + "\n"
    best = made.best
    if best is None or not _has_dots(sys.stdout.encoding):
        return said
    at = made.points.index(best)
    if isinstance(made, SweepMap):
        picture = map_picture(made, made.verdicts(), at, COLUMNS, len(made.y.values) + 4)
    else:
        label = say("{loss} at the end", loss=made.points[0].run.loss.id)
        picture = sweep_picture(made, at, COLUMNS, ROWS, log, y_label=label)
    return "\n".join("".join(text for text, _ in row).rstrip() for row in picture) + "\n\n" + said


def _has_dots(encoding: str | None) -> bool:
    try:
        "⣿└●▓×".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def as_json(made: Sweep | SweepMap, epochs: int, log: bool) -> str:
    """One JSON object: every point with what became of it, and the regions; of a map how many runs end how."""
    head = {"format": FORMAT, "lesson": made.lesson.id}
    if isinstance(made, SweepMap):
        counts = Counter(map(made.verdict, made.points))
        record = head | {
            "settings": [_axis(made.x), _axis(made.y)],
            "epochs": epochs,
            "best": list(made.best.values) if made.best else None,
            "points": [{"values": list(point.values), **_became(made, point)} for point in made.points],
            "verdicts": {verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]},
        }
    else:
        record = head | {
            "setting": made.name,
            "scale": _scale(log),
            "epochs": epochs,
            "best": plain_value(made.best.value) if made.best else None,
            "points": [{"value": point.value, **_became(made, point)} for point in made.points],
            "regions": [
                {"verdict": region.verdict, "from": region.low, "to": region.high, "runs": region.runs}
                for region in made.regions()
            ],
        }
    return json.dumps(record, ensure_ascii=False) + "\n"


def _became(made: Runs, point: Point) -> dict[str, Any]:
    loss = plain_value(point.final) if math.isfinite(point.final) else None
    return {"loss": loss, "verdict": made.verdict(point), "diverged": point.run.diverged}


def _axis(axis: Axis) -> dict[str, Any]:
    return {"setting": axis.name, "scale": _scale(axis.log), "values": list(axis.values)}


def _scale(log: bool) -> str:
    return "log" if log else "linear"
