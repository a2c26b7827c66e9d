"""The command line. The terminal app, NumPy and the engine are imported only by the commands that need them.

Even argparse is: the first frame of the home screen does not wait for what it does not use.
"""

from __future__ import annotations

import gc
import math
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.cli.arguments import UsageError, parser
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.positions import LessonError, as_argument, exists
from tutor.text.notations import NOTATIONS
from tutor.text.output import escape, gated, json_text
from tutor.text.words import plural, whole_number

if TYPE_CHECKING:
    from argparse import Namespace

    from tutor.engine.trace import Step, Trace
    from tutor.learner.store import Store
    from tutor.questions.items import Item
    from tutor.questions.quiz import Session
    from tutor.text.writer import Writer
    from tutor.tui.app import TutorApp

MAX_LINE = 4096  # characters of a line of input that line mode looks at
TRACEBACK = "BACKPROP_TUTOR_TRACEBACK"  # set: a defect of the tutor shows where it is

LESSONS = "BACKPROP_TUTOR_LESSONS"  # such folders, separated as in PATH


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0 well, 1 an error in a checked file, 2 bad usage or a bad file.

    Also 130 after ctrl+c, and 3 for a defect of the tutor itself. No input makes a traceback.
    """
    streams = sys.stdout, sys.stderr
    try:
        _prepare_streams()
        code = _run(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
        return code
    except UsageError as error:
        return _fail(str(error))
    except LessonError as error:
        return _fail(_one_line(error))
    except BrokenPipeError:
        _abandon(sys.stdout)
        return 0
    except KeyboardInterrupt:
        _abandon(sys.stdout)
        return 130
    except OSError as error:
        _abandon(sys.stdout)
        return _fail(f"cannot write or read: {error.strerror or error}")
    except MemoryError:
        return _fail("there is not enough memory for that")
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        what = f"{type(error).__name__}: {error}"[:200]
        _fail(f"a defect of the tutor, please report it ({what}); with {TRACEBACK}=1 set it shows where")
        return 3
    finally:
        sys.stdout, sys.stderr = streams


def _run(argv: list[str]) -> int:
    if not argv:
        return _home()
    value = [False, *(arg in ("--lessons", "--profile") for arg in argv)]
    word = next((arg for arg, is_value in zip(argv, value, strict=False) if arg[:1] != "-" and not is_value), None)
    if word is not None and word not in RUN:
        if catalogue.find(word):
            raise UsageError(f"'{word}' is a lesson, not a command: backprop-tutor play {word}")
        raise UsageError(f"there is no command '{word[:60]}'; there are: {', '.join(filter(None, RUN))}")
    try:
        args = parser(RUN).parse_args(argv)
    except SystemExit as done:  # after --help and --version
        return int(done.code or 0)
    if getattr(args, "profile", None) is None:
        args.profile = args.at_home
    return args.run(args)


def _prepare_streams() -> None:
    """Streams that take whatever is said.

    Mathematics needs Unicode: where the encoding has none, signs become ASCII words. A stream that was
    closed (`>&-`) becomes the null device, and its number with it: a database must not be opened under it.
    """
    if None in (sys.stdin, sys.stdout, sys.stderr):
        while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(spare)
        sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115
        sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        utf8 = "utf" in (stream.encoding or "").lower()
        _reconfigure(stream, errors="backslashreplace" if utf8 else "tutor-ascii")
    _reconfigure(sys.stdin, errors="replace")
    sys.stdout, sys.stderr = gated(sys.stdout), gated(sys.stderr)


def _reconfigure(stream, **how: str) -> None:
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(**how)


def _abandon(stream) -> None:
    """What is still in a stream's buffer goes nowhere, so that the flush at exit is quiet, too."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _fail(message: str) -> int:
    try:
        print(f"backprop-tutor: {escape(message)}", file=sys.stderr, flush=True)
    except OSError:
        _abandon(sys.stderr)
    return 2


def _one_line(error: LessonError) -> str:
    first, more = error.problems[0], len(error.problems) - 1
    advice = f": {first.advice}" if first.advice else ""
    if more:
        advice = f" (and {more} more: backprop-tutor check {as_argument(first.path)})"
    return f"{first.path}:{first.line}:{first.column}: {first.message}{advice}"


# ---------------------------------------------------------------- commands


def _home(args: Namespace | None = None) -> int:
    if not _is_screen():
        print("The home screen needs a terminal. What works without:\n")
        return _print_list(own_folders(args), _asked_for(args))
    return _app(profile=args.profile if args else "default", folders=own_folders(args))


def own_folders(args: Namespace | None = None) -> list[Path]:
    """Where a teacher's own lessons are: in the user's data directory, the environment, the options.

    Raises UsageError for a folder of an option that is not there.
    """
    from tutor.learner.database import default_path

    folders: list[Path] = []
    with suppress(RuntimeError):  # no home
        folders += [path] if os.path.isdir(path := default_path().with_name("lessons")) else []
    folders += [Path(name) for name in os.environ.get(LESSONS, "").split(os.pathsep) if name]
    return folders + _asked_for(args)


def _asked_for(args: Namespace | None) -> list[Path]:
    """The folders of --lessons: whoever names one means the lessons in it."""
    names = (*args.folders_first, *args.folders) if args else ()
    for name in names:
        if "\0" in name or not os.path.isdir(name):
            raise UsageError(f"--lessons: there is no folder '{name[:200]}'")
    return list(map(Path, names))


def _play(args: Namespace) -> int:
    path, key = find_lesson(args.lesson, args)
    if args.plain or not _is_screen():
        if args.watch:
            raise UsageError("--watch needs the full screen: a terminal, and no --plain")
        return _line_mode(path, key, args.profile)
    from tutor.lessonfiles.check import load

    lesson = load(path)  # a bad file is told here, not inside the app
    return _app(lambda app: app.play(lesson, key, args.watch), args.profile, own_folders(args))


def _is_screen() -> bool:
    """Whether there is a full screen to draw on: a terminal, or the driver that a web server of terminals names."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return True
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _app(
    start: Callable[[TutorApp], None] | None = None, profile: str = "default", folders: Sequence[Path] = ()
) -> int:
    """The app, from the home screen, or from what `start` opens over it."""
    from threading import Thread

    from tutor.learner.store import Store

    gc.disable()  # until the first frame: no garbage is made before it, and looking for some costs 20 ms
    opened: list[Store] = []
    opening = Thread(target=lambda: opened.append(Store.open(profile=profile)))
    opening.start()  # the disk can be slow: textual loads meanwhile
    from tutor.tui.app import TutorApp

    opening.join()
    return TutorApp(opened[0], start, folders).run_in_terminal()


def _line_mode(path: Path, key: str, profile: str) -> int:
    from tutor.cli.line_mode import LineMode
    from tutor.lessonfiles.check import load

    lesson = load(path)
    attended = sys.stdin.isatty()
    with Kept(profile) as kept:
        say = lambda text: print(text, flush=attended)  # noqa: E731
        LineMode(lesson, key, kept.store, _asker(kept.tell), say).play(attended, not attended)
    return kept.code


class Kept:
    """The store of a command in lines. That nothing can be kept, and why, is told as soon as it is known; at the end
    of the block how much is lost. `code` is the command's exit code: 2 if anything is, or the disk failed under way."""

    def __init__(self, profile: str) -> None:
        from tutor.learner.store import Store

        self.store = Store.open(profile=profile)
        self.code = 0
        self._told: str | None = None

    def tell(self) -> None:
        if self.store.warning != self._told:
            self._told = _warn(self.store.warning)

    def __enter__(self) -> Kept:
        self.tell()
        self._began = self.store.lasting
        return self

    def __exit__(self, *_: object) -> None:
        self.tell()
        if self.store.lost:
            _warn(f"Not kept: {plural(self.store.lost, 'answer')} of this session.")
        if self.store.lost or (self._began and not self.store.lasting):
            self.code = 2
        self.store.close()


def _asker(tell: Callable[[], None] = lambda: None) -> Callable[[str], str | None]:
    """What asks a person (or a pipe) for a line: None at the end of the input. Before, it tells what is to be told."""
    attended = sys.stdin.isatty()
    prompts = sys.stdout if sys.stdout.isatty() else sys.stderr  # it reaches the person where the output goes to a file

    def ask(prompt: str) -> str | None:
        tell()
        if attended:
            print(prompt, end="", file=prompts, flush=True)
        try:
            line = _read_line()
        except KeyboardInterrupt:
            print(file=prompts)
            raise
        if attended and not line:
            print(file=prompts)  # ctrl+d leaves the prompt's line open
        return line.rstrip("\n") if line else None

    return ask


def _read_line() -> str:
    """A line of standard input, "" at its end; of an endless line the beginning."""
    line = sys.stdin.readline(MAX_LINE)
    rest = line
    while len(rest) == MAX_LINE and not rest.endswith("\n"):
        rest = sys.stdin.readline(MAX_LINE)
    return line


def _warn(warning: str | None) -> str | None:
    if warning:
        print(escape(warning), file=sys.stderr)
    return warning


def _list(args: Namespace) -> int:
    if args.format == "json":
        _list_json(catalogue.shelf(own_folders(args)), args.profile)
        return 0
    return _print_list(own_folders(args), _asked_for(args))


def _print_list(folders: Sequence[Path], first: Sequence[Path] = ()) -> int:
    """`first`: folders whose lessons go before others with the same id."""
    entries = catalogue.shelf(folders)
    hidden = catalogue.hidden(entries, first)
    unit = None
    width = max((len(entry.id) for entry in entries), default=0)
    for entry in entries:
        if entry.heading != unit:
            print(("\n" if unit is not None else "") + entry.heading)
            unit = entry.heading
        error = _fault(entry)
        says = f"cannot be used: {error}" if error else entry.summary
        opens = hidden.get(entry.path)
        other = f" ({entry.id} opens {opens}; this one: {as_argument(entry.path)})" if opens else ""
        print(f"  {entry.id:{width}}  {entry.title}{': ' if says else ''}{says}{other}")
    print("\nbackprop-tutor play ID opens one." if entries else "There are no lessons.")
    return 0


def _fault(entry: catalogue.Entry) -> str | None:
    """What is wrong with a lesson, in a word; a teacher's own is read whole."""
    if entry.folder is None or entry.error:
        return entry.error
    from tutor.lessonfiles.check import faults_in_a_word

    word = faults_in_a_word(entry.path)
    return word and word.replace("Enter shows them", f"backprop-tutor check {as_argument(entry.path)}")


def _list_json(entries: list[catalogue.Entry], profile: str) -> None:
    from tutor.learner.store import Store

    with Store.open(profile=profile) as store:
        finished = store.finished()
    records = [
        {
            "id": entry.id,
            "title": entry.title,
            "summary": entry.summary,
            "unit": entry.unit,
            "level": entry.level,
            "requires": list(entry.requires),
            "finished": entry.key in finished,
            "path": str(entry.path),
            "folder": None if entry.folder is None else str(entry.folder),
            "error": _fault(entry),
        }
        for entry in entries
    ]
    _reconfigure(sys.stdout, encoding="utf-8")
    print(json_text(records, indent=2))


def _trace(args: Namespace) -> int:
    from tutor.cli.export import FORMATS as writers

    trace, notation = _open_trace(args)
    if args.format == "json":
        _reconfigure(sys.stdout, encoding="utf-8")
    for piece in writers[args.format](trace, args.level, notation):
        sys.stdout.write(piece)
    return 0


def _open_trace(args: Namespace) -> tuple[Trace, str]:
    """The trace of the lesson, notation and iteration that were asked for. Raises UsageError or LessonError."""
    from tutor.cli.line_mode import patient_iteration
    from tutor.engine.run import MAX_ITERATION, Run
    from tutor.engine.trace import Trace
    from tutor.lessonfiles.check import load

    path, _ = find_lesson(args.lesson, args)
    _known_notation(args.notation)
    number = whole_number(args.iteration, MAX_ITERATION)
    if number is None:
        raise UsageError(f"--iteration takes a whole number from 1 to {MAX_ITERATION:,}, not '{args.iteration[:60]}'")
    lesson = load(path)
    run = Run(lesson)
    if run.last and number > run.last:
        raise UsageError(f"'{args.lesson}' is not trained (it has no [training] table): its only iteration is 1")

    def tell(text: str) -> None:
        if sys.stderr.isatty():
            print(text, file=sys.stderr)

    return Trace(lesson, patient_iteration(run, number, tell)), args.notation or lesson.notation


def _compare(args: Namespace) -> int:
    from tutor.engine.run import MAX_ITERATION
    from tutor.lessonfiles.check import load
    from tutor.play.compare import Comparison
    from tutor.play.whatif import Refused

    path, _ = find_lesson(args.lesson, args)
    epochs = whole_number(args.epochs, MAX_ITERATION)
    if epochs is None:
        raise UsageError(f"--epochs must be a whole number from 1 to {MAX_ITERATION:,}, not {args.epochs[:20]}")
    try:
        comparison = Comparison(load(path), args.setting, args.values)
    except Refused as error:
        raise UsageError(str(error)) from None
    comparison.train(epochs)
    print(*comparison.words(), sep="\n")
    return 0


def _train(args: Namespace) -> int:
    import time

    from tutor.cli.export import training_json, training_text
    from tutor.engine.program import iterations_per_epoch
    from tutor.engine.run import MAX_ITERATION, TOLERANCE, Run
    from tutor.lessonfiles.check import load

    path, _ = find_lesson(args.lesson, args)
    _known_notation(args.notation)
    lesson = load(path)
    if lesson.training is None:
        raise UsageError(f"'{args.lesson[:60]}' is not trained: it has no [training] table")
    per = iterations_per_epoch(lesson)
    name, given, unit = "--epochs", args.epochs, per
    if args.iterations is not None:
        name, given, unit = "--iterations", args.iterations, 1
    most = MAX_ITERATION // unit
    count = min(100, most) if given is None else whole_number(given, most)
    if count is None:
        raise UsageError(f"{name} takes a whole number from 1 to {most:,} with this lesson, not '{given[:60]}'")
    told = time.monotonic()

    def progress(trained: int) -> bool:
        nonlocal told
        if time.monotonic() - told > 3 and sys.stderr.isatty():
            told = time.monotonic()
            print(f"Training: {trained:,} iterations so far. Ctrl+C stops.", file=sys.stderr)
        return True

    run = Run(lesson)
    try:
        if args.until_converged:
            stopped = run.train(MAX_ITERATION, progress, TOLERANCE)
        else:
            stopped = run.train(count * unit, progress)
    except KeyboardInterrupt:
        stopped = "cancelled"
    if args.format == "json":
        _reconfigure(sys.stdout, encoding="utf-8")
        sys.stdout.write(training_json(run, stopped, args.losses == "all"))
    else:
        for piece in training_text(run, stopped, args.notation or lesson.notation, TOLERANCE, args.losses == "all"):
            sys.stdout.write(piece)
    return 130 if stopped == "cancelled" else 0


def _known_notation(name: str | None) -> None:
    from tutor.engine.parsing import did_you_mean

    if name is not None and name not in NOTATIONS:
        near = did_you_mean(name[:60], NOTATIONS)
        raise UsageError(f"unknown notation '{name[:60]}'{near}; there are: {', '.join(NOTATIONS)}")


def _quiz(args: Namespace) -> int:
    from tutor.learner.records import start_quiz

    paths = tuple(str(find_lesson(name, args)[0].resolve()) for name in args.lessons)
    count = whole_number(args.count, 100)
    if count is None:
        raise UsageError(f"--count takes a whole number from 1 to 100, not '{args.count[:60]}'")
    seed = None if args.seed is None else whole_number(args.seed, 10**9)
    if args.seed is not None and seed is None:
        raise UsageError(f"--seed takes a whole number from 1, not '{args.seed[:60]}'")
    return _ask_quiz(args, lambda store: start_quiz(store, paths, count, seed, args.new))


def _placement(args: Namespace) -> int:
    from tutor.learner.records import start_placement

    return _ask_quiz(args, lambda store: start_placement(store, args.new))


def _ask_quiz(args: Namespace, start: Callable[[Store], tuple[str, Session, list[Item], bool]]) -> int:
    """A quiz on the screen or in lines; `start` gives its id, session and questions, and whether it goes on."""
    from tutor.cli.line_questions import play_quiz

    with Kept(args.profile) as kept:
        id, session, items, goes_on = start(kept.store)
        if not items:
            raise UsageError("there is nothing to ask about in these lessons")
        if args.plain or not _is_screen():
            if goes_on:
                print("You go on with the quiz that you left; --new begins another.")
            play_quiz(kept.store, id, session, items, _asker(kept.tell), lambda text: print(text, flush=True))
    if args.plain or not _is_screen():
        return kept.code
    return _app(lambda app: app.open_quiz(id, session, items), args.profile)


def _drill(args: Namespace) -> int:
    from tutor.cli.line_questions import play_practice
    from tutor.learner.practice import choose_skill, drill
    from tutor.lessonfiles.check import load
    from tutor.questions.drill import NoQuestion, skills
    from tutor.questions.mastery import title

    path, key = find_lesson(args.lesson, args)
    lesson = load(path)
    seed = whole_number(args.seed, 10**9)
    if seed is None:
        raise UsageError(f"--seed takes a whole number from 1, not '{args.seed[:60]}'")
    known = skills(lesson)
    if args.skills:
        for skill in known:
            print(f"{skill}: {title(skill)}")
        return 0
    if args.skill is not None and args.skill not in known:
        raise UsageError(f"{args.lesson} has no skill '{args.skill[:60]}'; there are: {', '.join(known)}")
    with Kept(args.profile) as kept:
        try:
            skill = args.skill or choose_skill(kept.store, lesson)
            exercises = drill(lesson, key, skill, seed)
        except NoQuestion as error:
            raise UsageError(str(error)) from None
        if args.plain or not _is_screen():
            print(f"Drill: {title(skill)}.")
            play_practice(kept.store, exercises, _asker(kept.tell), lambda text: print(text, flush=True))
    if args.plain or not _is_screen():
        return kept.code
    return _app(lambda app: app.practise("Drill", exercises), args.profile)


def _review(args: Namespace) -> int:
    from tutor.cli.line_questions import play_practice
    from tutor.learner.practice import review

    if args.plain or not _is_screen():
        with Kept(args.profile) as kept:
            play_practice(kept.store, review(kept.store), _asker(kept.tell), lambda text: print(text, flush=True))
        return kept.code
    return _app(lambda app: app.review(), args.profile)


def _progress(args: Namespace) -> int:
    from tutor.learner import progress

    with Kept(args.profile) as kept:
        store = kept.store
        try:
            if args.export:
                print(
                    f"Written to {escape(args.export)}: {progress.counted(progress.export_file(store, args.export))}."
                )
                return 0
            if args.import_:
                added = progress.import_file(store, args.import_)
                if not store.lasting:
                    raise UsageError("nothing of it can be kept")
                print(f"Added: {progress.counted(added)}.")
                return 0
        except progress.ProgressError as error:
            raise UsageError(str(error)) from None
        if args.reset:
            return _reset(store)
        found = progress.report(store)
    if args.format == "text":
        print(progress.text(found))
    else:
        _reconfigure(sys.stdout, encoding="utf-8")
        print(progress.as_json(found) if args.format == "json" else progress.as_csv(found), end="")
    return 0


def _reset(store: Store) -> int:
    """Forget a profile's progress, if the person says so in so many words."""
    answer = _asker()(f"Forget all answers, quizzes and places of the profile '{escape(store.profile)}'? Type yes: ")
    if (answer or "").strip().lower() != "yes":
        print("Nothing was forgotten.")
        return 1
    store.reset()
    if not store.lasting:
        raise UsageError("nothing can be forgotten where nothing can be written")
    print("All of it is forgotten.")
    return 0


def _grade(args: Namespace) -> int:
    from tutor.engine.trace import NoSuchStep
    from tutor.questions.diagnosis import compare, marked
    from tutor.questions.question import shown_value
    from tutor.text.writer import Writer

    trace, notation = _open_trace(args)
    try:
        item = _graded_item(args.step, trace, Writer(trace.lesson, notation))
        own = dict(_given(text, trace) for text in args.given)
    except NoSuchStep as error:
        raise UsageError(str(error)) from None
    verdict, question = item.grade(args.answer, own), item.question
    slips = verdict.slips
    shown = [compare(question, slip) for slip in slips[:1]] if question else []
    if args.format == "json":
        expected = question.right if question else item.answer
        record = {
            "lesson": trace.lesson.id,
            "step": item.step.id,
            "verdict": verdict.kind,
            "misconception": verdict.misconception,
            "misconceptions": list(dict.fromkeys(slip.misconception for slip in slips)),
            "expected": expected if isinstance(expected, str) or math.isfinite(expected) else None,
            "given": verdict.value,
            "message": verdict.message,
            "wrong_formula": marked(shown[0].wrong) if shown else None,
            "right_formula": marked(shown[0].right) if shown else None,
        }
        if item.by_author:
            record |= {"question": args.step.strip(), "credit": verdict.credit}
        _reconfigure(sys.stdout, encoding="utf-8")
        print(json_text(record, indent=2))
    else:
        print(f"{verdict.kind}: {verdict.message}")
        for comparison in shown:
            print(f"  yours: {comparison.name} = {marked(comparison.wrong)}")
            print(f"  right: {comparison.name} = {marked(comparison.right)}")
        if not verdict.correct and verdict.kind != "not-understood":
            if question:
                print(f"  {question.writer.text(question.step.ref)} = {shown_value(question)}")
            else:
                print(f"  It is {item.answer}.")
    return 0 if verdict.kind in ("correct", "rounded") else 1


def _graded_item(asked: str, trace: Trace, writer: Writer) -> Item:
    """What is graded: one element of a step by its id, or a question of the author's by its number in the file."""
    import random

    from tutor.questions.authored import author_item, graded_item

    if asked.strip().isascii() and asked.strip().isdigit():
        questions = trace.lesson.questions
        question = next((question for question in questions if question.at + 1 == int(asked)), None)
        if question is None:
            many = f"{len(questions)} questions of its author's" if questions else "no question of its author's"
            raise UsageError(f"there is no question {asked.strip()}: this lesson has {many}")
        item = author_item(question, trace, writer, random.Random(0))
        if item is None or (item.choices and not question.choices):
            raise UsageError(f"question {asked.strip()} draws its choices anew each time: only a quiz can put it")
        return item
    step = trace.find(asked)
    if step.shape and step.at(None).value.size > 1:
        raise UsageError(f"'{asked}' has {step.at(None).value.size} values: name one, such as {asked}{_first(step)}")
    return graded_item(step if step.index is not None else step.at((0,) * len(step.shape)), writer)


def _first(step: Step) -> str:
    return "[" + ",".join("1" for _ in step.shape) + "]"


def _given(text: str, trace: Trace) -> tuple[str, float]:
    """A learner's own earlier value, 'dL/dz2[1]=0.5'. Raises UsageError, NoSuchStep."""
    id, _, value = text.rpartition("=")
    try:
        number = float(value.replace("−", "-"))
    except ValueError:
        number = math.nan
    if not id or not math.isfinite(number):
        raise UsageError(f"--given takes STEP=VALUE, such as dL/dz2[1]=0.537, not '{text[:60]}'")
    return trace.find(id.strip()).id, number


def _misconceptions(args: Namespace) -> int:
    from tutor.questions.misconceptions import MISCONCEPTIONS

    if args.format == "json":
        records = [{"id": id, "title": m.title, "remedy": m.remedy, "seen": m.seen} for id, m in MISCONCEPTIONS.items()]
        _reconfigure(sys.stdout, encoding="utf-8")
        print(json_text(records, indent=2))
        return 0
    for id, misconception in MISCONCEPTIONS.items():
        print(f"{id}: {misconception.title}.\n    {misconception.remedy}")
    return 0


def _glossary(args: Namespace) -> int:
    from tutor.text.glossary import answer, search

    term = " ".join(args.term)
    print("\n".join(map(escape, answer(term))))
    return 0 if search(term) else 1


def _new(args: Namespace) -> int:
    from tutor.lessonfiles.scaffold import lesson_text

    folder = args.file.endswith(("/", os.sep)) or os.path.basename(args.file) in (".", "..")
    if folder:
        name = os.path.join(args.file, "first.toml")
        raise UsageError(f"'{args.file[:200]}' is a folder, a lesson is a file: backprop-tutor new {as_argument(name)}")
    path = Path(args.file if args.file.endswith(".toml") else args.file + ".toml")
    if not args.file or path.name == ".toml":
        raise UsageError("the file needs a name: backprop-tutor new first.toml")
    if path.name.startswith("."):
        raise UsageError(f"a file that begins with a dot is hidden, and no list shows it: '{path.name[:200]}'")
    try:
        text = lesson_text(path)
        with open(path, "x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:  # a full disk: half a lesson would be in the way of the next try
                os.unlink(path)
                raise
    except FileExistsError:
        raise UsageError(f"'{path}' is there already; it is left as it is") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot write '{str(path)[:200]}': {reason}") from None
    print(f"Written: {escape(str(path))}. Look at it with: backprop-tutor play {as_argument(path)} --watch")
    return 0


def _schema(args: Namespace) -> int:
    from tutor.lessonfiles.schema import as_json

    _reconfigure(sys.stdout, encoding="utf-8")
    print(as_json(), end="")
    return 0


def _check(args: Namespace) -> int:
    from tutor.lessonfiles.check import examine, lesson_files, written_out

    for path in args.paths:
        if not exists(path):
            raise UsageError(f"there is no file or folder '{path[:200]}'")
    folders = own_folders(args)
    errors = warnings = lessons = 0
    for path in args.paths:
        files, problems = lesson_files(path)
        if not files and not problems:
            print(f"{escape(path)}: there is no lesson (*.toml) in this folder.\n")
        for found in (problems, *(examine(file, folders)[1] for file in files)):
            errors += sum(problem.severity == "error" for problem in found)
            warnings += sum(problem.severity == "warning" for problem in found)
            for text in written_out(found):
                print(text + "\n")
        lessons += len(files)
    print(f"{plural(lessons, 'lesson')}: {plural(errors, 'error')}, {plural(warnings, 'warning')}.")
    return 1 if errors else 0


def find_lesson(name: str, args: Namespace | None = None) -> tuple[Path, str]:
    """The file of a lesson and its key in the store: an id for a bundled lesson, else the absolute path.

    An id goes before a file of that name in the current folder (./gates is the file). Of several with one id the one
    in a folder of --lessons is meant, else the one that comes with the tutor, else one in another folder of one's own.
    Raises UsageError.
    """
    is_path = os.sep in name or name.endswith(".toml")
    for folder in [] if is_path or not name else _asked_for(args):
        if own := catalogue.find(name, folder):
            return own, os.path.realpath(own)
    bundled = None if is_path or not name else catalogue.find(name)
    if bundled:
        return bundled, catalogue.lesson_id(bundled)
    folders = [] if is_path or not name else own_folders(args)
    for folder in folders:
        if own := catalogue.find(name, folder):
            return own, os.path.realpath(own)
    if name and exists(name):
        return Path(name), os.path.realpath(name)
    if is_path:
        raise UsageError(f"there is no file '{name[:200]}'")
    if name and exists(f"{name}.toml"):
        raise UsageError(f"there is no lesson '{name[:60]}'; did you mean the file '{name[:60]}.toml'?")
    near = catalogue.nearest(name[:60], ids=[entry.id for entry in catalogue.shelf(folders)])
    hint = f"did you mean '{near[0]}'?" if near else "backprop-tutor list shows them"
    raise UsageError(f"there is no lesson '{name[:60]}'; {hint}")


def _ascii_errors(error: UnicodeError) -> tuple[str, int]:
    from tutor.text.layout import to_ascii

    assert isinstance(error, UnicodeEncodeError)
    return to_ascii(error.object[error.start : error.end]), error.end


def _register_ascii() -> None:
    import codecs

    codecs.register_error("tutor-ascii", _ascii_errors)


_register_ascii()


RUN: dict[str, Callable[[Namespace], int]] = {
    "": _home,
    "play": _play,
    "list": _list,
    "trace": _trace,
    "train": _train,
    "check": _check,
    "compare": _compare,
    "quiz": _quiz,
    "placement": _placement,
    "drill": _drill,
    "review": _review,
    "progress": _progress,
    "glossary": _glossary,
    "new": _new,
    "schema": _schema,
    "grade": _grade,
    "misconceptions": _misconceptions,
}
