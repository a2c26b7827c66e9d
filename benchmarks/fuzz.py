"""Random trouble, for as long as one likes: mutated answers and imports, random keys, kills while answers are kept.

    python benchmarks/fuzz.py answers --seconds 600 --seed 7

A line of figures at the end; a failure names its seed and try, and `--seed` finds it again. Mutated lesson files and
tables: fuzz_lessons.py. The tests run a few tries of each (tests/test_fuzz.py).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tutor.engine.trace import trace
from tutor.folders import ENVIRONMENT
from tutor.learner.progress import ProgressError, export_file, import_file, report
from tutor.learner.store import Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.check import load
from tutor.questions.attempt import Asking, respond
from tutor.questions.choosing import spread
from tutor.text.output import FORBIDDEN
from tutor.text.writer import Writer

ROOT = Path(__file__).resolve().parent.parent
SIGNS = [*"0123456789.,;:+-−*/×·^()[]{}|=<>²½√eπσ∂ \t\n'\"%$@_xyzabWdL"]
SIGNS += ["1e", "e-", "NaN", "inf", "[1,2]", "\x1b[31m", "\u202e"]
LESSONS = ("gates", "o-regression", "o-classification", "softmax")


def mutated(text: str, rng: random.Random) -> str:
    """A text with a few signs taken out, put in, doubled or turned round."""
    for _ in range(rng.randrange(1, 6)):
        at, more = rng.randrange(len(text) + 1), rng.randrange(1, 4)
        kind = rng.randrange(4)
        if kind == 0:
            text = text[:at] + text[at + more :]
        elif kind == 1:
            text = text[:at] + rng.choice(SIGNS) + text[at:]
        elif kind == 2:
            text = text[:at] + text[at : at + 8] * more + text[at:]
        else:
            text = text[:at] + text[at : at + 4][::-1] + text[at + 4 :]
    return text


_items: dict[str, list] = {}


def answers(rng: random.Random) -> None:
    """A right answer, mutated, on any question: a verdict, no exception, and nothing said that a terminal obeys."""
    id = rng.choice(LESSONS)
    if id not in _items:
        path = catalogue.find(id)
        assert path is not None
        here = trace(load(path))
        _items[id] = spread(here, Writer(here.lesson, "dz"), random.Random(1), 12)
    item = rng.choice(_items[id])
    said = respond(Asking(item), mutated(item.answer, rng)).said
    assert said and not any(FORBIDDEN.search(each.text) for each in said)


def imports(rng: random.Random) -> None:
    """An export with anything in any places: taken or refused whole, and what is there can be shown and exported."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ[ENVIRONMENT] = folder
        file = Path(folder) / "x.json"
        with Store.open(profile="whole") as store:
            item = _any_item(rng)
            keep(store, item, "0.5")
            store.finish("gates")
            export_file(store, file)
        text = file.read_text()
        if rng.random() < 0.5:
            text = mutated(text, rng)
        else:
            data = json.loads(text)
            for _ in range(rng.randrange(1, 4)):
                data = _changed(data, rng)
            text = json.dumps(data)
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        with Store.open() as store:
            before = {**store.export(), "exported": ""}
            try:
                import_file(store, file)
            except ProgressError as error:
                assert str(error).isprintable() and before == {**store.export(), "exported": ""}
            assert store.warning is None
            report(store)
            export_file(store, Path(folder) / "y.json")


def _any_item(rng: random.Random):
    if "gates" not in _items:
        path = catalogue.find("gates")
        assert path is not None
        here = trace(load(path))
        _items["gates"] = spread(here, Writer(here.lesson, "dz"), random.Random(1), 12)
    return rng.choice(_items["gates"])


def keep(store: Store, item, text: str) -> None:
    from tutor.learner.records import Stopwatch, keep_try

    keep_try(store, "gates", respond(Asking(item), text), Stopwatch())


ANYTHING = [10**21, -(10**40), float("nan"), float("inf"), True, None, [], {}, "", "x", -1, 2**63, "\ud800", [[[[]]]]]


def _changed(value, rng: random.Random):
    """A JSON value with anything in one place."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.1:
        return rng.choice(ANYTHING)
    key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = _changed(value[key], rng)
    return copy


KEYS = [
    *"nbpcmvxwytleifdghIu123][", *"0123456789.-+*/()", "space", "tab", "enter", "escape", "up", "down", "left",
    "right", "home", "end", "pageup", "pagedown", "question_mark", "backspace", "shift+up", "ctrl+p",
]  # fmt: skip
SIZES = [(60, 16), (80, 24), (100, 30), (160, 48), (59, 15), (20, 5), (200, 60)]


def screens(rng: random.Random) -> None:
    """Forty random keys on a lesson, in a terminal that changes its size: every screen can be drawn."""
    from tutor.tui.app import TutorApp

    async def play() -> None:
        with tempfile.TemporaryDirectory() as folder:
            os.environ[ENVIRONMENT] = folder
            app = TutorApp(Store.open())
            path = catalogue.find(rng.choice(LESSONS))
            assert path is not None
            async with app.run_test(size=rng.choice(SIZES)) as pilot:
                app.play(load(path), "x")
                for _ in range(40):
                    if app._exit:
                        break
                    if rng.random() < 0.1:
                        await pilot.resize_terminal(*rng.choice(SIZES))
                    await pilot.press(rng.choice(KEYS))
                    for strip in app.screen._compositor.render_strips():
                        assert not FORBIDDEN.search(strip.text)
            app.store.close()

    asyncio.run(play())


WRITER = """
from tutor.learner.store import *
from tutor.questions.mastery import GivenAnswer
store = Store.open()
for number in range(10**6):
    store.record(GivenAnswer("l", "i", "loss", "value", str(number), "correct"), session=SavedQuiz("quiz", number))
    print(number, flush=True)
"""


def kills(rng: random.Random) -> None:
    """kill -9 at any moment: each answer whose verdict was seen is there, once; the quiz goes on behind the last."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ[ENVIRONMENT] = folder
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        writer = subprocess.Popen([sys.executable, "-c", WRITER], env=environment, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        said = -1
        for _ in range(rng.randrange(0, 60)):
            said = int(writer.stdout.readline())
        time.sleep(rng.random() / 50)
        writer.send_signal(signal.SIGKILL)
        said = int((writer.communicate()[0].split() or [said])[-1])
        with Store.open() as store:
            given = sorted(int(answer.given) for answer in store.answers())
            assert store.warning is None and given == list(range(len(given))) and len(given) > said, (given[-3:], said)
            session = store.session("quiz")
            assert not given or (session is not None and session.state == given[-1])


KINDS: dict[str, Callable[[random.Random], None]] = {
    "answers": answers, "imports": imports, "screens": screens, "kills": kills,
}  # fmt: skip


def run(kind: str, seed: int, tries: int | None = None, seconds: float = 60) -> int:
    """So many tries, or as many as there is time for; returns how many. What fails is raised with its seed and try."""
    number, end, before = 0, time.monotonic() + seconds, os.environ.get(ENVIRONMENT)
    try:
        while number < tries if tries is not None else time.monotonic() < end:
            number += 1
            try:
                KINDS[kind](random.Random(f"{seed} {number}"))
            except Exception as error:
                raise AssertionError(f"{kind}, seed {seed}, try {number}: {type(error).__name__}: {error}") from error
    finally:
        os.environ.pop(ENVIRONMENT, None)
        if before is not None:
            os.environ[ENVIRONMENT] = before
    return number


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], default=[])
    parser.add_argument("--seconds", type=float, default=60, help="for each kind")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for kind in args.kinds or KINDS:
        print(f"{kind}: {run(kind, args.seed, seconds=args.seconds):,} tries from seed {args.seed}, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
