"""The commands that show: `trace`, `train`, `compare`, `misconceptions`, `glossary`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tutor.cli.errors import UsageError
from tutor.cli.finding import find_lesson, known_notation, number
from tutor.cli.streams import in_utf8
from tutor.text.language import N_, said, say
from tutor.text.output import escape, json_text
from tutor.text.words import whole_number

if TYPE_CHECKING:
    from argparse import Namespace

    from tutor.engine.trace import Trace


def trace(args: Namespace) -> int:
    """Every step of an iteration, as text, JSON, Markdown or LaTeX; as LaTeX also one step with its derivation."""
    from tutor.cli.export import FORMATS as writers
    from tutor.cli.export import step_latex
    from tutor.engine.trace import NoSuchStep

    if args.step and (args.format != "latex" or args.general):
        told = N_("--step goes with --format latex and without --general; grade and figure take a step, too")
        raise UsageError(say(told))
    trace, notation = open_trace(args)
    if args.step:
        try:
            sys.stdout.write(step_latex(trace.find(args.step), notation))
        except NoSuchStep as error:
            raise UsageError(said(error)) from None
        return 0
    if args.format == "json":
        in_utf8()
    if args.general:
        return _general(trace, notation, args)
    for piece in writers[args.format](trace, args.level, notation):
        sys.stdout.write(piece)
    return 0


def _general(trace: Trace, notation: str, args: Namespace) -> int:
    """The whole algorithm on one page."""
    from tutor.text import one_page

    page = one_page.one_page(trace, notation)
    if page is None:
        raise UsageError(say("'{lesson}' has no layers: --general is for networks", lesson=args.lesson[:60]))
    if args.format == "json":
        print(json_text(one_page.record(page), indent=2))
        return 0
    writers = {"text": one_page.text, "markdown": one_page.markdown, "latex": one_page.as_latex}
    for line in writers[args.format](page):
        print(escape(line))
    return 0


def open_trace(args: Namespace) -> tuple[Trace, str]:
    """The trace of the lesson, notation and iteration that were asked for. Raises UsageError or LessonError."""
    from tutor.cli.patience import patient_iteration
    from tutor.engine.run import MAX_ITERATION, Run
    from tutor.engine.trace import Trace
    from tutor.lessonfiles.check import load

    path, _ = find_lesson(args.lesson, args)
    known_notation(args.notation)
    iteration = number(args.iteration, "--iteration", MAX_ITERATION)
    lesson = load(path)
    run = Run(lesson)
    if run.last and iteration > run.last:
        told = N_("'{lesson}' is not trained (it has no [training] table): its only iteration is 1")
        raise UsageError(say(told, lesson=args.lesson))

    def tell(text: str) -> None:
        if sys.stderr.isatty():
            print(text, file=sys.stderr)

    return Trace(lesson, patient_iteration(run, iteration, tell)), args.notation or lesson.notation


def train(args: Namespace) -> int:
    """Losses and final parameters of a training, as text or JSON."""
    import time

    from tutor.cli.export import training_json, training_text
    from tutor.engine.program import iterations_per_epoch
    from tutor.engine.run import MAX_ITERATION, MOST_TRAINED, TOLERANCE, Run
    from tutor.lessonfiles.check import load

    path, _ = find_lesson(args.lesson, args)
    known_notation(args.notation)
    lesson = load(path)
    if lesson.training is None:
        raise UsageError(say("'{lesson}' is not trained: it has no [training] table", lesson=args.lesson[:60]))
    per = iterations_per_epoch(lesson)
    name, given, unit = "--epochs", args.epochs, per
    if args.iterations is not None:
        name, given, unit = "--iterations", args.iterations, 1
    most = MOST_TRAINED // unit
    count = min(100, most) if given is None else whole_number(given, most)
    if count is None:
        needed = N_("{option} takes a whole number from 1 to {most} with this lesson, not '{given}'")
        raise UsageError(say(needed, option=name, most=f"{most:,}", given=given[:60]))
    told = time.monotonic()

    def progress(trained: int) -> bool:
        nonlocal told
        if time.monotonic() - told > 3 and sys.stderr.isatty():
            told = time.monotonic()
            print(say("Training: {n} iterations so far. Ctrl+C stops.", n=f"{trained:,}"), file=sys.stderr)
        return True

    run = Run(lesson)
    try:
        run.prepare(MAX_ITERATION if args.until_converged else count * unit)
        if args.until_converged:
            stopped = run.train(MAX_ITERATION, progress, TOLERANCE)
        else:
            stopped = run.train(count * unit, progress)
    except KeyboardInterrupt:
        stopped = "cancelled"
    if args.format == "json":
        in_utf8()
        sys.stdout.write(training_json(run, stopped, args.losses == "all"))
    else:
        for piece in training_text(run, stopped, args.notation or lesson.notation, TOLERANCE, args.losses == "all"):
            sys.stdout.write(piece)
    return 130 if stopped == "cancelled" else 0


def compare(args: Namespace) -> int:
    """Runs side by side that differ in one setting."""
    from tutor.lessonfiles.check import load
    from tutor.play.compare import Comparison
    from tutor.play.settings import Refused

    path, _ = find_lesson(args.lesson, args)
    epochs = _epochs(args.epochs)
    try:
        comparison = Comparison(load(path), args.setting, args.values)
    except Refused as error:
        raise UsageError(said(error)) from None
    comparison.train(epochs)
    print(*comparison.words(), sep="\n")
    return 0


def _epochs(text: str) -> int:
    """So many times through the examples. Raises UsageError."""
    from tutor.engine.run import MAX_ITERATION

    found = whole_number(text, MAX_ITERATION)
    if found is None:
        told = N_("--epochs must be a whole number from 1 to {most}, not {given}")
        raise UsageError(say(told, most=f"{MAX_ITERATION:,}", given=text[:20]))
    return found


def sweep(args: Namespace) -> int:
    """Many runs over a range of one setting, or a grid of two: a plot or a map and sentences, or JSON."""
    import time

    from tutor.cli.sweeping import as_json, as_text
    from tutor.lessonfiles.check import load
    from tutor.play import sweep as sweeping
    from tutor.play.settings import Refused
    from tutor.play.sweep_map import COLUMNS, MOST, ROWS, Axis, SweepMap

    path, _ = find_lesson(args.lesson, args)
    epochs = _epochs(args.epochs)
    most = MOST if args.second else sweeping.MOST_RUNS
    runs = None if args.runs is None else whole_number(args.runs, most)
    if args.runs is not None and (runs is None or runs < 2):
        needed = N_("--runs must be a whole number from 2 to {most}, not {given}")
        if args.second:
            needed = N_(
                "--runs of a map, which has so many along each setting, must be a whole number from 2 to {most}, "
                "not {given}"
            )
        raise UsageError(say(needed, most=f"{most:,}", given=args.runs[:20]))
    try:
        lesson, (low, high) = load(path), sweeping.read_range(args.range)
        log = sweeping.is_log(args.setting, low, high) if args.scale is None else args.scale == "log"
        found: sweeping.Sweep | SweepMap
        if args.second:
            name, ends = args.second
            first = Axis.over(args.setting, low, high, runs or COLUMNS, log)
            found = SweepMap(lesson, first, Axis.over(name, *sweeping.read_range(ends), runs or ROWS))
        else:
            values = sweeping.spaced(args.setting, low, high, runs or sweeping.RUNS, log)
            found = sweeping.Sweep(lesson, args.setting, values)
    except Refused as error:
        raise UsageError(said(error)) from None
    told = time.monotonic()

    def progress(done: int) -> bool:
        nonlocal told
        if time.monotonic() - told > 3 and sys.stderr.isatty():
            told = time.monotonic()
            print(say("{done} of {all} runs so far. Ctrl+C stops.", done=done, all=found.total), file=sys.stderr)
        return True

    try:
        found.train(epochs, progress)
    except Refused as error:  # between values that can be is one that cannot
        raise UsageError(said(error)) from None
    if args.format == "json":
        in_utf8()
        sys.stdout.write(as_json(found, epochs, log))
    else:
        sys.stdout.write(as_text(found, log))
    return 0


def misconceptions(args: Namespace) -> int:
    """The mistakes that the tutor knows, as text or JSON."""
    from tutor.questions.misconceptions import MISCONCEPTIONS

    if args.format == "json":
        records = [{"id": id, "title": m.title, "remedy": m.remedy, "seen": m.seen} for id, m in MISCONCEPTIONS.items()]
        in_utf8()
        print(json_text(records, indent=2))
        return 0
    for id, misconception in MISCONCEPTIONS.items():
        print(f"{id}: {misconception.title}.\n    {misconception.remedy}")
    return 0


def glossary(args: Namespace) -> int:
    """What a term means; 1 if there is no such term."""
    from tutor.text.glossary import answer, search

    term = " ".join(args.term)
    print("\n".join(map(escape, answer(term))))
    return 0 if search(term) else 1
