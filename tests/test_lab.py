"""The lab: every exercise with its reference and with planted slips, runs and their bounds, the commands."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tutor.lab import child, drivers
from tutor.lab.checking import check
from tutor.lab.exercises import EXERCISES
from tutor.lab.runner import read
from tutor.lessonfiles import catalogue

DATA = Path(__file__).parent / "data" / "lab"
BUGS = {id: tomllib.loads((DATA / f"{id}.toml").read_text(encoding="utf-8"))["bugs"] for id in EXERCISES}
PLANTED = [pytest.param(id, bug, id=f"{id}-{bug['slip']}-{at}") for id in EXERCISES for at, bug in enumerate(BUGS[id])]


def here(job):
    """A job run in this process: what the child does, without the price of a process."""
    return read(json.loads(json.dumps(child.run(json.loads(json.dumps(job)), drivers))))


def reference(id):
    return (DATA / f"{id}.py").read_text(encoding="utf-8")


def checked(tmp_path, id, source, seed=1, runner=here):
    path = tmp_path / f"{id}.py"
    path.write_text(source, encoding="utf-8")
    return check(EXERCISES[id], path, seed, runner)


def said(found):
    """What a failing test shows."""
    return found.mistake or [
        (v.name, v.verdict, v.message, v.slips) for one in found.judged for v in one.diagnosis.arrays
    ]


@pytest.mark.parametrize("id", EXERCISES)
def test_the_reference_of_an_exercise_is_right_on_any_numbers(tmp_path, id):
    for seed in (1, 2, 3):
        found = checked(tmp_path, id, reference(id), seed)
        assert found.done and found.cases >= 2, said(found)
        assert all(not one.changed for one in found.judged)


@pytest.mark.parametrize("id, bug", PLANTED)
def test_a_planted_slip_is_named(tmp_path, id, bug):
    source = reference(id)
    lines = [line for line in source.splitlines() if line.strip() == bug["line"]]
    assert len(lines) == 1, f"{bug['line']!r} is not one line of {id}.py"
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    planted = "\n".join(indent + line for line in bug["becomes"].splitlines())
    found = checked(tmp_path, id, source.replace(lines[0], planted))
    assert not found.done and found.mistake is None, said(found)
    first = found.shown.diagnosis.first_wrong
    assert first.verdict == "slip" and bug["slip"] in [slip.name for slip in first.slips], said(found)
    assert bug.get("first", True) is False or first.slips[0].name == bug["slip"], said(found)


@pytest.mark.parametrize("id", EXERCISES)
def test_an_exercise_is_whole(tmp_path, id):
    exercise = EXERCISES[id]
    assert exercise.id == id and catalogue.find(exercise.lesson) is not None
    assert len(BUGS[id]) >= 4 and len({(bug["line"], bug["becomes"]) for bug in BUGS[id]}) == len(BUGS[id])
    assert exercise.aim.endswith(".") and len(exercise.title) <= 40 and len(exercise.hints) == 3
    skeleton = exercise.skeleton.read_text(encoding="utf-8")
    assert f"{exercise.name}" in skeleton and "import numpy as np" in skeleton
    assert max(map(len, skeleton.splitlines())) <= 120
    found = checked(tmp_path, id, skeleton)
    assert not found.done and found.untouched
