"""The commands of the lab: `lab`, `lab start`, `lab check`, whose JSON is a contract (docs/lab.md)."""

from __future__ import annotations

import queue
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.cli.errors import UsageError
from tutor.cli.running import Kept, app
from tutor.cli.streams import in_utf8, is_screen, read_line
from tutor.lessonfiles.file_names import as_argument
from tutor.text.language import N_, say
from tutor.text.output import escape, json_text, quote
from tutor.text.words import plural, reason, whole_number

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable

    from tutor.lab.bench import Bench
    from tutor.lab.checking import FileCheck
    from tutor.lab.exercise import Exercise


def lab(args: Namespace) -> int:
    """The exercises, or what is done with one of them."""
    return {"list": _list, "start": _start, "check": _check}[args.what](args)


def _list(args: Namespace) -> int:
    """The exercises: which are done, which is next."""
    if is_screen() and not args.plain:
        return app(lambda app: app.open_lab(), args.profile)
    from tutor.lab.bench import following
    from tutor.lab.exercises import EXERCISES

    with Kept(args.profile) as kept:
        tried = kept.store.tried()
    ahead = following(tried)
    wide = max(map(len, EXERCISES))
    for id, exercise in EXERCISES.items():
        one = tried.get(id)
        state = ""
        if one:
            state = say("done") if one.done else say("{tries} so far", tries=plural(one.tries, "try", "tries"))
        mark = "✓" if one and one.done else "▸" if exercise is ahead else " "
        print(f"{mark} {id:{wide}}  {say(exercise.title)}{f' ({state})' if state else ''}")
    done = sum(bool(one.done) for id, one in tried.items() if id in EXERCISES)
    told = say("{n} of {count} exercises done.", n=done, count=len(EXERCISES))
    further = say("Next: backprop-tutor lab start {id}", id=ahead.id) if ahead else say("That is all of them.")
    print(f"\n{told} {further}")
    return kept.code


def _start(args: Namespace) -> int:
    """Write the file of an exercise, if it is not there, and watch it."""
    from tutor.lab.bench import Bench, NoExercise, begin, find, folder

    try:
        exercise = find(args.exercise)
        path, written = begin(exercise, Path(args.dir).expanduser() if args.dir else folder(args.profile))
    except NoExercise as error:
        raise UsageError(str(error)) from None
    except (OSError, RuntimeError) as error:
        raise UsageError(say("cannot write the file of the exercise: {why}", why=reason(error))) from None
    path = path.absolute()
    if is_screen() and not args.plain:
        return app(lambda app: app.open_bench(exercise, path, written), args.profile)
    told = N_("Written: {file}\n") if written else N_("It is there already, and stays as it is: {file}\n")
    print(say(told, file=escape(str(path))))
    theory = say("The lesson {id} has the theory.", id=exercise.lesson)
    _say(f"{say(exercise.title)}. {say(exercise.aim)} {theory}")
    command = f"backprop-tutor lab check {as_argument(path)}"
    if not sys.stdin.isatty():
        print("\n" + say("Complete the file in an editor, then: {command}", command=escape(command)))
        return 0
    with Kept(args.profile) as kept:
        watch(Bench(exercise, path), kept.store.save_try)
    return kept.code


def _check(args: Namespace) -> int:
    """Run a file once: exit code 0 if all of it is right, 1 if not, 2 where there is nothing to run."""
    from tutor.lab.bench import Bench, NoExercise, find, keep, of_file
    from tutor.lab.words import as_json

    path = Path(args.file)
    seed = None if args.seed is None else whole_number(args.seed, 10**9)
    if args.seed is not None and seed is None:
        raise UsageError(say("--seed takes a whole number from 1, not '{text}'", text=args.seed[:60]))
    try:
        exercise = find(args.exercise) if args.exercise else of_file(path)
        found = Bench(exercise, path.absolute()).check(seed)
    except NoExercise as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        file = quote(args.file[:80])
        raise UsageError(say("cannot read {file}: {why}", file=file, why=reason(error))) from None
    with Kept(args.profile) as kept:
        keep(found, kept.store.save_try)
    if args.format == "json":
        in_utf8()
        print(json_text(as_json(found), indent=2))
    else:
        say_check(found, print)
    return 0 if found.done else 1


# ---------------------------------------------------------------- in lines


def say_check(found: FileCheck, out: Callable[[str], None]) -> None:
    """What is said of a run; code and numbers as they stand, words in lines of 80 cells."""
    from tutor.lab.words import lines
    from tutor.text.lines import wrapped

    for item in lines(found):
        if item.style in ("code", "numbers"):
            out(escape(item.text.expandtabs(4)))
        else:
            for text in wrapped(escape(item.text), "", "") or [""]:
                out(text)


def watch(bench: Bench, save: Callable[[str, bool], None], typed: Iterable[str] | None = None) -> None:
    """Run a file on each save, until ctrl+c or `quit`; `hint`, `run` and `help` between. `typed`: lines, in a test."""
    from tutor.lab.bench import EVERY, keep

    print("\n" + say("Open it in an editor: each save is run. {commands}", commands=WATCHED))
    lines: queue.Queue[str | None] = queue.Queue()
    if typed is None:
        threading.Thread(target=_read_lines, args=(lines,), daemon=True).start()
    else:
        for line in (*typed, None):
            lines.put(line)
    try:
        while True:
            if bench.saved():
                bench.last = found = bench.check()
                keep(found, save)
                print()
                say_check(found, lambda text: print(text, flush=True))
                if found.done:
                    _say_next(bench.exercise)
            try:
                line = lines.get(timeout=EVERY)
            except queue.Empty:
                continue
            if line is None or not _obey(bench, line.strip().lower()):
                return
    except KeyboardInterrupt:
        bench.stop()
        print()


WATCHED = "`hint`, `run`, `help`, `quit`."


def _obey(bench: Bench, word: str) -> bool:
    """Carry out a word that was typed; False to leave."""
    from tutor.lab.words import hint
    from tutor.play.commands import LAB, in_lines

    if word in ("quit", "q", "exit"):
        return False
    if word == "hint":
        bench.rung = min(bench.rung + 1, len(bench.exercise.hints))
        for part in hint(bench.exercise, bench.rung, bench.last).split("\n"):
            _say(part)
    elif word == "run":
        bench.forget()
    elif word == "help":
        for usage, what in in_lines(LAB).items():
            print(f"  {usage:16} {what}")
    elif word:
        print(say("There is no command {word}: {commands}", word=quote(word), commands=WATCHED))
    return True


def _say(text: str) -> None:
    from tutor.text.lines import wrapped

    for line in wrapped(escape(text), "", ""):
        print(line, flush=True)


def _say_next(exercise: Exercise) -> None:
    from tutor.lab.exercises import EXERCISES

    ids = list(EXERCISES)
    after = ids[ids.index(exercise.id) + 1 :]
    last = say("That was the last one.")
    print("\n" + (say("The next one: backprop-tutor lab start {id}", id=after[0]) if after else last), flush=True)


def _read_lines(lines: queue.Queue[str | None]) -> None:
    while line := read_line():
        lines.put(line)
    lines.put(None)
