"""The values of a lesson file, changed at one place, and the lesson that is built from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tutor.engine.lesson import Lesson
from tutor.engine.optimizers import OPTIMIZERS
from tutor.engine.rows import Data
from tutor.lessonfiles.check import faults
from tutor.lessonfiles.positions import Keys
from tutor.lessonfiles.reading.lesson import build
from tutor.play.settings import HYPER, Refused, said_in_full

Document = dict[str, Any]  # the values of a lesson file, as TOML has them, or as `writing.document` does


def put(node: Any, path: Iterable[Any], value: Any) -> Any:
    """A copy of nested dicts, lists and data with another value at a path; what is beside the path is shared."""
    key, *rest = path
    if isinstance(node, Data):
        return node.put(key, rest[0], tuple(rest[1:]), value)
    if isinstance(node, list):
        copy: Any = list(node)
        copy[key] = put(node[key], rest, value) if rest else value
    else:
        copy = dict(node)
        copy[key] = put(node.get(key, {}), rest, value) if rest else value
    return copy


def fitting(values: Document, path: Keys, value: Any) -> Document:
    """Without what was meant for the optimiser, or the activation, before, where there is another now."""
    if path[0] == "network" and path[-1] == "activation":  # α was meant for the one before
        layer = values["network"]["layers"][path[2]]
        fitting: Document = put(values, path[:3], {key: v for key, v in layer.items() if key != "alpha"})
        return fitting
    if path != ("training", "optimizer") or value not in OPTIMIZERS:
        return values
    foreign = set(HYPER) - set(OPTIMIZERS[value].hyper) | {"memory"}
    return {**values, "training": {key: v for key, v in values["training"].items() if key not in foreign}}


def plain_questions(values: Document) -> Document:
    """Without what the author says of the answers: it holds for the author's numbers only."""
    kept = [
        {key: value for key, value in question.items() if key in ("step", "kind", "digits")}
        for question in values.get("questions", ())
        if "ask" not in question
    ]
    values = {key: value for key, value in values.items() if key != "questions"}
    return {**values, "questions": kept} if kept else values


def path_of(lesson: Lesson) -> Path:
    """The file of a lesson, or the one that it would have."""
    return lesson.path or Path(f"{lesson.id}.toml")


def built(values: Document, path: Path) -> Lesson:
    """The lesson of these values, without notes and questions that have lost their step. Raises Refused."""
    lesson, found = build(values, path)
    errors = [fault for fault in found.found if fault.severity == "error"]
    if lesson is not None and not errors:
        more = [fault for fault in faults(lesson) if fault.severity == "error"]
        lost = {fault.path for fault in more}
        errors = [fault for fault in more if fault.path[0] not in ("notes", "quiz", "questions")]
    if lesson is None or errors:
        first = errors[0]
        raise Refused(" ".join(said_in_full(said) for said in (first.message, first.advice) if said))
    if not lost:
        return lesson
    return replace(
        lesson,
        notes=tuple(note for note in lesson.notes if ("notes", note.at, "step") not in lost),
        quiz_steps=tuple(id for at, id in enumerate(lesson.quiz_steps) if ("quiz", "steps", at) not in lost),
        questions=tuple(
            q for q in lesson.questions if not {("questions", q.at, "step"), ("questions", q.at, "kind")} & lost
        ),
    )
