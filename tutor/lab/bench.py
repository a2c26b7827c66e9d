"""A learner at work: where the files are, which exercise is next, a file that is watched and run on each save."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tutor.lab.checking import FileCheck, check, read_file
from tutor.lab.exercise import Exercise
from tutor.lab.exercises import EXERCISES
from tutor.lab.runner import SECONDS, Stop, run
from tutor.learner.database import default_path
from tutor.learner.rows import Tried
from tutor.learner.store import DEFAULT
from tutor.text.language import language, say
from tutor.text.output import quote
from tutor.text.words import did_you_mean

EVERY = 0.5  # seconds between two looks at a file
MOST_SEED = 1_000_000


class NoExercise(ValueError):
    """There is no such exercise; str() says which there are."""


def find(id: str) -> Exercise:
    """The exercise of an id. Raises NoExercise."""
    if id not in EXERCISES:
        near = did_you_mean(id[:64], list(EXERCISES)) or say("; there are: {names}", names=", ".join(EXERCISES))
        raise NoExercise(say("there is no exercise {id}{near}", id=quote(id), near=near))
    return EXERCISES[id]


def of_file(path: Path) -> Exercise:
    """The exercise that a file is of, by its name: neuron.py. Raises NoExercise."""
    try:
        return find(path.stem)
    except NoExercise as error:
        raise NoExercise(say("{why}; --exercise says which one this file is of", why=error)) from None


def following(tried: Mapping[str, Tried]) -> Exercise | None:
    """The first exercise that is not done; None when all are."""
    return next((one for id, one in EXERCISES.items() if id not in tried or not tried[id].done), None)


def folder(profile: str = DEFAULT) -> Path:
    """Where a learner's files are, unless another folder is given: nobody begins with what another profile wrote.

    Raises RuntimeError as `default_path`.
    """
    ours = default_path().with_name("lab")
    return ours if profile == DEFAULT else ours / "".join(c if c.isalnum() else f"={ord(c):x}=" for c in profile)


def begin(exercise: Exercise, into: Path) -> tuple[Path, bool]:
    """The file of an exercise in a folder, and whether it was written just now: one that is there stays as it is.

    Raises OSError.
    """
    into.mkdir(parents=True, exist_ok=True)
    path = into / f"{exercise.id}.py"
    text = exercise.skeleton_in(language()).read_text(encoding="utf-8")
    try:
        with open(path, "x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:  # a full disk: half a file would be in the way of the next try
                os.unlink(path)
                raise
    except FileExistsError:
        return path, False
    return path, True


@dataclass
class Bench:
    """A file that is watched. `last` is what its last run came to, `rung` how many hints were asked for.

    `stop` ends the run that is going on, and those that would come after it.
    """

    exercise: Exercise
    path: Path
    seconds: float = SECONDS
    last: FileCheck | None = None
    rung: int = 0
    stop: Stop = field(default_factory=Stop)
    _seen: tuple[int, int] | None = None  # the file's time and size at the last look,
    _there: str = ""  # what was in it then,
    _run: str = ""  # and in what was run: their hashes

    def saved(self) -> bool:
        """Whether the file is another than the one that was run; a save in its midst is none yet."""
        try:
            status = os.stat(self.path)
            seen = status.st_mtime_ns, status.st_size
            if seen != self._seen:
                self._there = hashlib.sha256(read_file(self.path)).hexdigest()
                self._seen = seen
        except OSError:
            return False
        return self._there != self._run

    def forget(self) -> None:
        """Take the file as not run yet: the next look runs it again, on other numbers."""
        self._run = ""

    def check(self, seed: int | None = None) -> FileCheck:
        """Run the file, on fresh numbers unless a seed says which. Raises OSError."""
        content = read_file(self.path)
        self._run = hashlib.sha256(content).hexdigest()
        number = random.SystemRandom().randrange(MOST_SEED) if seed is None else seed
        return check(self.exercise, self.path, content, number, lambda job: run(job, self.seconds, stop=self.stop))


Keep = Callable[[str, bool], None]


def keep(found: FileCheck, save: Keep) -> None:
    """Keep a run with the learner's progress; a file that was not touched yet is no try."""
    if not found.untouched:
        save(found.exercise.id, found.done)
