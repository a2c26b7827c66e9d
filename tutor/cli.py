"""The command line. The terminal app, NumPy and the engine are imported only by the commands that need them.

Even argparse is: the first frame of the home screen does not wait for what it does not use.
"""

from __future__ import annotations

import gc
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tutor import __version__, catalogue
from tutor.dialects import NOTATIONS
from tutor.source import LessonError, as_argument, escape, exists, whole_number

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from tutor.questions import Item
    from tutor.session import Session
    from tutor.store import Store
    from tutor.trace import Step, Trace
    from tutor.tui.app import TutorApp

LEVELS = ("story", "scalar", "matrix")
FORMATS = ("text", "json", "markdown")
MAX_LINE = 4096  # characters of a line of input that line mode looks at
TRACEBACK = "BACKPROP_TUTOR_TRACEBACK"  # set: a defect of the tutor shows where it is

EXAMPLES = """\
examples:
  backprop-tutor                          the home screen: choose a lesson
  backprop-tutor list                     the lessons there are
  backprop-tutor play gates               play the lesson called gates
  backprop-tutor play mine.toml --plain   play a lesson of your own, without a full screen
  backprop-tutor trace o-regression       every step of the first iteration, with its numbers
  backprop-tutor check lessons/           everything wrong with the lesson files in a folder

backprop-tutor COMMAND --help says more about a command.
"""
PLAY_EXAMPLES = """\
examples:
  backprop-tutor play gates               a lesson that comes with the tutor
  backprop-tutor play ./mine.toml         a lesson file of your own
  backprop-tutor play gates --plain       line mode: type help for its commands
  backprop-tutor play mine.toml --watch   while you write it: each save is shown at once, at the same step
  backprop-tutor play gates --plain < /dev/null    the whole lesson to read, without stopping
"""
LIST_EXAMPLES = """\
examples:
  backprop-tutor list
  backprop-tutor list --format json       an array of objects, described in docs/trace-json.md
"""
TRACE_EXAMPLES = f"""\
examples:
  backprop-tutor trace o-regression       the first iteration, an equation a step
  backprop-tutor trace c-431 --level scalar --notation delta --iteration 3
  backprop-tutor trace p-deep --format markdown > p-deep.md
  backprop-tutor trace gates --format json       for programs, described in docs/trace-json.md

notations:
{"".join(f"  {name:10} {entry.title}{chr(10)}" for name, entry in NOTATIONS.items())}"""
COMPARE_EXAMPLES = """\
examples:
  backprop-tutor compare o-regression learning_rate 0.01 0.1
  backprop-tutor compare o-classification activation sigmoid tanh relu --epochs 500
  backprop-tutor compare p-deep "layer 2 activation" relu tanh
"""
TRAIN_EXAMPLES = """\
examples:
  backprop-tutor train o-regression              100 epochs: the losses and the final parameters
  backprop-tutor train c-431 --until-converged   until an epoch changes nothing that counts
  backprop-tutor train gates --iterations 20 --format json    described in docs/train-json.md

Ctrl+C stops and prints what was trained so far.
"""
CHECK_EXAMPLES = """\
examples:
  backprop-tutor check mine.toml          one file
  backprop-tutor check lessons/           every *.toml in a folder and in the folders below it

The exit code is 0 if there are no errors (warnings are allowed), 1 if there are any, 2 if a path is missing.
"""


QUIZ_EXAMPLES = """\
examples:
  backprop-tutor quiz o-regression              ten questions, one try each, then the report
  backprop-tutor quiz gates o-regression --count 6 --seed 7
  backprop-tutor quiz c-431 --plain             in lines; answers may come from a pipe, one a line

A quiz that was left goes on with the same command; --new begins another.
"""
PLACEMENT_EXAMPLES = """\
examples:
  backprop-tutor placement
  backprop-tutor placement --plain

Ctrl+E (in line mode: end) ends it where it gets too hard; what is open counts as not known.
"""
DRILL_EXAMPLES = """\
examples:
  backprop-tutor drill o-regression                    the skill of this lesson that needs it most
  backprop-tutor drill o-classification --skill weight_gradient --seed 7
  backprop-tutor drill gates --skills                  which skills there are to drill
"""
REVIEW_EXAMPLES = """\
examples:
  backprop-tutor review
  backprop-tutor review --plain
"""
PROGRESS_EXAMPLES = """\
examples:
  backprop-tutor progress
  backprop-tutor progress --format csv
  backprop-tutor progress --export mine.json           to take it to another machine
  backprop-tutor progress --import mine.json
"""
GRADE_EXAMPLES = """\
examples:
  backprop-tutor grade o-classification "dL/dW1[1,2]" 0.0933
  backprop-tutor grade o-classification "dL/dW1[1,2]" "dL/dz1[1] * x[2]"
  backprop-tutor grade o-classification dL/dW2[1,1] --given "dL/dz2[1]=0.537" -- -0.3189

The exit code is 0 if the answer is right, 1 if it is not, 2 for bad usage.
"""
GLOSSARY_EXAMPLES = """\
examples:
  backprop-tutor glossary                       the names of all terms
  backprop-tutor glossary chain rule
"""
NEW_EXAMPLES = """\
examples:
  backprop-tutor new first.toml                 then: backprop-tutor play first.toml --watch

docs/writing-lessons.md is the way from here to a lesson with questions.
"""
SCHEMA_EXAMPLES = """\
examples:
  backprop-tutor schema > lesson.schema.json    and in a lesson's first line: #:schema ./lesson.schema.json
"""
MISCONCEPTIONS_EXAMPLES = """\
examples:
  backprop-tutor misconceptions
  backprop-tutor misconceptions --format json
"""


OWN_LESSONS = "a folder with lessons of your own, beside those that come with the tutor; may be given several times"
LESSONS = "BACKPROP_TUTOR_LESSONS"  # such folders, separated as in PATH


class UsageError(Exception):
    """One clear line for a person who asked for something that is not there; exit code 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0 well, 1 an error in a checked file, 2 bad usage or a bad file.

    Also 130 after ctrl+c, and 3 for a defect of the tutor itself. No input makes a traceback.
    """
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


def _run(argv: list[str]) -> int:
    if not argv:
        return _home()
    value = [False, *(arg == "--lessons" for arg in argv)]
    word = next((arg for arg, is_value in zip(argv, value, strict=False) if arg[:1] != "-" and not is_value), None)
    if word is not None and word not in COMMANDS:
        if catalogue.find(word):
            raise UsageError(f"'{word}' is a lesson, not a command: backprop-tutor play {word}")
        raise UsageError(f"there is no command '{word[:60]}'; there are: {', '.join(COMMANDS)}")
    try:
        args = _parser().parse_args(argv)
    except SystemExit as done:  # after --help and --version
        return int(done.code or 0)
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


COMMANDS = (
    "play",
    "list",
    "trace",
    "train",
    "compare",
    "check",
    "quiz",
    "placement",
    "drill",
    "review",
    "progress",
    "grade",
    "misconceptions",
    "glossary",
    "new",
    "schema",
)


def _parser() -> ArgumentParser:
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise UsageError(f"{message}; see {self.prog} --help")

    raw = argparse.RawDescriptionHelpFormatter
    parser = Parser(
        prog="backprop-tutor",
        description="Backpropagation in the terminal, one chain-rule step at a time.",
        epilog=EXAMPLES,
        formatter_class=raw,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"backprop-tutor {__version__}")

    def lessons(where: ArgumentParser, dest: str) -> None:
        where.add_argument("--lessons", metavar="DIR", action="append", default=[], dest=dest, help=OWN_LESSONS)

    lessons(parser, "folders_first")  # before the command
    parser.set_defaults(run=_home, folders=[])
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run, summary: str, description: str, examples: str) -> ArgumentParser:
        sub = commands.add_parser(
            name, help=summary, description=description, epilog=examples, formatter_class=raw, allow_abbrev=False
        )
        sub.set_defaults(run=run)
        return sub

    lesson = "a lesson's id (see backprop-tutor list), or the path of a lesson file"
    play = command("play", _play, "play a lesson", "Play a lesson, a step at a time.", PLAY_EXAMPLES)
    play.add_argument("lesson", metavar="LESSON", help=lesson)
    play.add_argument(
        "--plain",
        action="store_true",
        help="line mode: no full screen, Enter for the next step; what happens anyway where there is no terminal",
    )
    play.add_argument("--watch", action="store_true", help="play each save of the file at once, at the same step")

    listing = command("list", _list, "the lessons there are", "The lessons that come with the tutor.", LIST_EXAMPLES)
    listing.add_argument("--format", choices=("text", "json"), default="text", help="default: text")

    trace = command(
        "trace",
        _trace,
        "every step of an iteration, with its numbers",
        "Every step of one iteration (forward, backward, update) with its formula and its numbers.",
        TRACE_EXAMPLES,
    )
    trace.add_argument("lesson", metavar="LESSON", help=lesson)
    trace.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    trace.add_argument(
        "--level",
        choices=LEVELS,
        default="matrix",
        help="default: matrix; scalar is a step an element; story has no formulas",
    )
    trace.add_argument("--notation", metavar="NAME", help="one of those below; default: the lesson's own")
    trace.add_argument("--iteration", metavar="N", default="1", help="the Nth update of the parameters; default: 1")

    train = command(
        "train",
        _train,
        "train on, and see the losses and the parameters",
        "Train a lesson without stopping at steps: prints losses, the final parameters and what happened.",
        TRAIN_EXAMPLES,
    )
    train.add_argument("lesson", metavar="LESSON", help=lesson)
    length = train.add_mutually_exclusive_group()
    length.add_argument("--epochs", metavar="N", help="so many times through the examples; default: 100")
    length.add_argument("--iterations", metavar="N", help="so many updates of the parameters")
    length.add_argument(
        "--until-converged",
        action="store_true",
        help="until over an epoch neither the mean loss nor any parameter changes by 0.000001",
    )
    train.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    train.add_argument("--losses", choices=("some", "all"), default="some", help="default: some; all: every single one")
    train.add_argument("--notation", metavar="NAME", help="of the text; default: the lesson's own")

    check = command(
        "check",
        _check,
        "everything wrong with lesson files",
        "Everything wrong with lesson files: each problem with its line, and what to do.",
        CHECK_EXAMPLES,
    )
    check.add_argument("paths", metavar="PATH", nargs="+", help="a lesson file, or a folder of them")

    compare = command(
        "compare",
        _compare,
        "runs that differ in one setting, side by side",
        "Two to four runs of a lesson that differ in one setting, from the same seed: their losses, and what they get "
        "right.",
        COMPARE_EXAMPLES,
    )
    compare.add_argument("lesson", metavar="LESSON", help=lesson)
    compare.add_argument("setting", metavar="SETTING", help="learning_rate, optimizer, activation, seed, W1[1,2] ...")
    compare.add_argument("values", metavar="VALUE", nargs="+", help="two to four")
    compare.add_argument("--epochs", metavar="N", default="100", help="default: 100")

    quiz = command(
        "quiz",
        _quiz,
        "questions on one or more lessons",
        "Questions on one or more lessons: no hints, one try each, a report with the worked steps at the end.",
        QUIZ_EXAMPLES,
    )
    quiz.add_argument("lessons", metavar="LESSON", nargs="+", help=lesson)
    quiz.add_argument("--count", metavar="N", default="10", help="how many questions; default: 10")
    quiz.add_argument("--seed", metavar="N", help="the same seed gives the same questions; default: drawn")
    quiz.add_argument("--new", action="store_true", help="begin another, even if one was left")
    quiz.add_argument("--plain", action="store_true", help="line mode: no full screen")

    placement = command(
        "placement",
        _placement,
        "where on the path to begin",
        "A five-minute quiz along the path of the lessons: what you know already is marked, and can be skipped.",
        PLACEMENT_EXAMPLES,
    )
    placement.add_argument("--new", action="store_true", help="begin anew, even if one was left")
    placement.add_argument("--plain", action="store_true", help="line mode: no full screen")

    drill = command(
        "drill",
        _drill,
        "one skill, with new numbers each time",
        "One skill of a lesson, with new numbers each time; three tries, hints, then the worked step.",
        DRILL_EXAMPLES,
    )
    drill.add_argument("lesson", metavar="LESSON", help=lesson)
    drill.add_argument("--skill", metavar="NAME", help="which; default: the weakest that is not too far ahead")
    drill.add_argument("--skills", action="store_true", help="list the lesson's skills and leave")
    drill.add_argument("--seed", metavar="N", default="1", help="of the first numbers, shown with each; default: 1")
    drill.add_argument("--plain", action="store_true", help="line mode: no full screen")

    review = command(
        "review",
        _review,
        "what is due today",
        "A question on each skill that is due today, over all lessons.",
        REVIEW_EXAMPLES,
    )
    review.add_argument("--plain", action="store_true", help="line mode: no full screen")

    progress = command(
        "progress",
        _progress,
        "what you know, and the mistakes you met",
        "What the answers say: mastery by skill, misconceptions met, lessons finished, what is due.",
        PROGRESS_EXAMPLES,
    )
    progress.add_argument("--format", choices=("text", "json", "csv"), default="text", help="default: text")
    what = progress.add_mutually_exclusive_group()
    what.add_argument("--export", metavar="FILE", help="write all of it to a file")
    what.add_argument("--import", metavar="FILE", dest="import_", help="add what a file has; nothing is lost")
    what.add_argument("--reset", action="store_true", help="forget it; asks first")

    words = command(
        "glossary", _glossary, "what the terms mean", "The glossary: what the field's terms mean.", GLOSSARY_EXAMPLES
    )
    words.add_argument("term", metavar="TERM", nargs="*", help="a term, or words of its definition; default: all names")

    new = command("new", _new, "begin a lesson of your own", "Write a commented lesson to begin from.", NEW_EXAMPLES)
    new.add_argument("file", metavar="FILE", help="where to write it; an existing file is left alone")
    command("schema", _schema, "the lesson format, for editors", "The JSON Schema of lesson files.", SCHEMA_EXAMPLES)

    def profile(name: str) -> str:
        if not name.strip() or len(name) > 40 or catalogue.one_line(name) != name:
            raise UsageError("a profile's name has 1 to 40 printable characters")
        return name

    for keeps in (play, listing, quiz, placement, drill, review, progress):
        keeps.add_argument(
            "--profile", metavar="NAME", default="default", type=profile, help="whose progress, on a shared machine"
        )

    grade = command(
        "grade",
        _grade,
        "grade one answer",
        "Grade an answer to the question for a step's value: which mistake gives exactly this number?",
        GRADE_EXAMPLES,
    )
    grade.add_argument("lesson", metavar="LESSON", help=lesson)
    grade.add_argument("step", metavar="STEP", help="a step's id, such as dL/dW2[1,2]")
    grade.add_argument("answer", metavar="ANSWER", help="a number or an expression; -- before one that begins with -")
    grade.add_argument("--notation", metavar="NAME", help="whose names the answer uses; default: the lesson's own")
    grade.add_argument(
        "--given", metavar="STEP=VALUE", action="append", default=[], help="an earlier answer of the learner's own"
    )
    grade.add_argument("--iteration", metavar="N", default="1", help="the Nth update; default: 1")
    grade.add_argument("--format", choices=("text", "json"), default="text", help="default: text")

    table = command(
        "misconceptions",
        _misconceptions,
        "the mistakes that the tutor knows",
        "The table of misconceptions: what each is called and the sentence that repairs the idea.",
        MISCONCEPTIONS_EXAMPLES,
    )
    table.add_argument("--format", choices=("text", "json"), default="text", help="default: text")

    for reads in (play, listing, trace, train, check, compare, quiz, drill, grade):
        lessons(reads, "folders")
    return parser


# ---------------------------------------------------------------- commands


def _home(args: Namespace | None = None) -> int:
    if not _is_screen():
        print("The home screen needs a terminal. What works without:\n")
        return _print_list(own_folders(args))
    return _app(folders=own_folders(args))


def own_folders(args: Namespace | None = None) -> list[Path]:
    """Where a teacher's own lessons are: in the user's data directory, the environment, the options.

    Raises UsageError for a folder of an option that is not there.
    """
    from tutor.store import default_path

    folders: list[Path] = []
    with suppress(RuntimeError):  # no home
        folders += [path] if (path := default_path().with_name("lessons")).is_dir() else []
    folders += [Path(name) for name in os.environ.get(LESSONS, "").split(os.pathsep) if name]
    for name in (*args.folders_first, *args.folders) if args else ():
        if "\0" in name or not os.path.isdir(name):
            raise UsageError(f"--lessons: there is no folder '{name[:200]}'")
        folders.append(Path(name))
    return folders


def _play(args: Namespace) -> int:
    path, key = find_lesson(args.lesson, args)
    if args.plain or not _is_screen():
        if args.watch:
            raise UsageError("--watch needs the full screen: a terminal, and no --plain")
        return _line_mode(path, key, args.profile)
    from tutor.check import load

    lesson = load(path)  # a bad file is told here, not inside the app
    return _app(lambda app: app.play(lesson, key, args.watch), args.profile, own_folders(args))


def _is_screen() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _app(
    start: Callable[[TutorApp], None] | None = None, profile: str = "default", folders: Sequence[Path] = ()
) -> int:
    """The app, from the home screen, or from what `start` opens over it."""
    from threading import Thread

    from tutor.store import Store

    gc.disable()  # until the first frame: no garbage is made before it, and looking for some costs 20 ms
    opened: list[Store] = []
    opening = Thread(target=lambda: opened.append(Store.open(profile=profile)))
    opening.start()  # the disk can be slow: textual loads meanwhile
    from tutor.tui.app import TutorApp

    opening.join()
    return TutorApp(opened[0], start, folders).run_in_terminal()


def _line_mode(path: Path, key: str, profile: str) -> int:
    from tutor.check import load
    from tutor.plain import LineMode
    from tutor.store import Store

    lesson = load(path)
    attended = sys.stdin.isatty()
    ask = _asker()
    with Store.open(profile=profile) as store:
        told = _warn(store.warning)
        LineMode(lesson, key, store, ask, lambda text: print(text, flush=attended)).play(attended, not attended)
        if store.warning != told:
            _warn(store.warning)
    return 0


def _asker() -> Callable[[str], str | None]:
    """What asks a person (or a pipe) for a line: None at the end of the input."""
    attended = sys.stdin.isatty()
    prompts = sys.stdout if sys.stdout.isatty() else sys.stderr  # it reaches the person where the output goes to a file

    def ask(prompt: str) -> str | None:
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
    return _print_list(own_folders(args))


def _print_list(folders: Sequence[Path]) -> int:
    entries = catalogue.shelf(folders)
    unit = None
    width = max((len(entry.id) for entry in entries), default=0)
    for entry in entries:
        if entry.heading != unit:
            print(("\n" if unit is not None else "") + entry.heading)
            unit = entry.heading
        error = _fault(entry)
        says = f"cannot be used: {error}" if error else entry.summary
        print(f"  {entry.id:{width}}  {entry.title}{': ' if says else ''}{says}")
    print("\nbackprop-tutor play ID opens one." if entries else "There are no lessons.")
    return 0


def _fault(entry: catalogue.Entry) -> str | None:
    """What is wrong with a lesson, in a word; a teacher's own is read whole."""
    if entry.folder is None or entry.error:
        return entry.error
    from tutor.check import faults_in_a_word

    word = faults_in_a_word(entry.path)
    return word and word.replace("Enter shows them", f"backprop-tutor check {as_argument(entry.path)}")


def _list_json(entries: list[catalogue.Entry], profile: str) -> None:
    from tutor.store import Store

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
    text = json.dumps(records, ensure_ascii=False, indent=2)
    print(text.encode("utf-8", "backslashreplace").decode())  # a byte of a file's name that is no UTF-8, as in JSON


def _trace(args: Namespace) -> int:
    from tutor.export import FORMATS as writers

    trace, notation = _open_trace(args)
    if args.format == "json":
        _reconfigure(sys.stdout, encoding="utf-8")
    for piece in writers[args.format](trace, args.level, notation):
        sys.stdout.write(piece)
    return 0


def _open_trace(args: Namespace) -> tuple[Trace, str]:
    """The trace of the lesson, notation and iteration that were asked for. Raises UsageError or LessonError."""
    from tutor.check import load
    from tutor.plain import patient_iteration
    from tutor.trace import Trace
    from tutor.training import MAX_ITERATION, Run

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
    from tutor.check import load
    from tutor.compare import Comparison
    from tutor.training import MAX_ITERATION
    from tutor.whatif import Refused

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

    from tutor.check import load
    from tutor.export import training_json, training_text
    from tutor.training import MAX_ITERATION, TOLERANCE, Run, iterations_per_epoch

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
    from tutor.formula import did_you_mean

    if name is not None and name not in NOTATIONS:
        near = did_you_mean(name[:60], NOTATIONS)
        raise UsageError(f"unknown notation '{name[:60]}'{near}; there are: {', '.join(NOTATIONS)}")


def _quiz(args: Namespace) -> int:
    from tutor.learner import start_quiz

    paths = tuple(str(find_lesson(name, args)[0].resolve()) for name in args.lessons)
    count = whole_number(args.count, 100)
    if count is None:
        raise UsageError(f"--count takes a whole number from 1 to 100, not '{args.count[:60]}'")
    seed = None if args.seed is None else whole_number(args.seed, 10**9)
    if args.seed is not None and seed is None:
        raise UsageError(f"--seed takes a whole number from 1, not '{args.seed[:60]}'")
    return _ask_quiz(args, lambda store: start_quiz(store, paths, count, seed, args.new))


def _placement(args: Namespace) -> int:
    from tutor.learner import start_placement

    return _ask_quiz(args, lambda store: start_placement(store, args.new))


def _ask_quiz(args: Namespace, start: Callable[[Store], tuple[str, Session, list[Item], bool]]) -> int:
    """A quiz on the screen or in lines; `start` gives its id, session and questions, and whether it goes on."""
    from tutor.plain import play_quiz
    from tutor.store import Store

    with Store.open(profile=args.profile) as store:
        told = _warn(store.warning)
        id, session, items, goes_on = start(store)
        if not items:
            raise UsageError("there is nothing to ask about in these lessons")
        if args.plain or not _is_screen():
            if goes_on:
                print("You go on with the quiz that you left; --new begins another.")
            ask = _asker()
            play_quiz(store, id, session, items, ask, lambda text: print(text, flush=True))
            if store.warning != told:
                _warn(store.warning)
            return 0
    return _app(lambda app: app.open_quiz(id, session, items), args.profile)


def _drill(args: Namespace) -> int:
    from tutor.check import load
    from tutor.drill import NoQuestion, skills
    from tutor.mastery import title
    from tutor.plain import play_practice
    from tutor.practice import choose_skill, drill
    from tutor.store import Store

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
    with Store.open(profile=args.profile) as store:
        _warn(store.warning)
        try:
            skill = args.skill or choose_skill(store, lesson)
            exercises = drill(lesson, key, skill, seed)
        except NoQuestion as error:
            raise UsageError(str(error)) from None
        if args.plain or not _is_screen():
            print(f"Drill: {title(skill)}.")
            play_practice(store, exercises, _asker(), lambda text: print(text, flush=True))
            return 0
    return _app(lambda app: app.practise("Drill", exercises), args.profile)


def _review(args: Namespace) -> int:
    from tutor.plain import play_practice
    from tutor.practice import review
    from tutor.store import Store

    if args.plain or not _is_screen():
        with Store.open(profile=args.profile) as store:
            _warn(store.warning)
            play_practice(store, review(store), _asker(), lambda text: print(text, flush=True))
        return 0
    return _app(lambda app: app.review(), args.profile)


def _progress(args: Namespace) -> int:
    from tutor import progress
    from tutor.store import Store

    with Store.open(profile=args.profile) as store:
        _warn(store.warning)
        try:
            if args.export:
                print(
                    f"Written to {escape(args.export)}: {progress.counted(progress.export_file(store, args.export))}."
                )
                return 0
            if args.import_:
                print(f"Added: {progress.counted(progress.import_file(store, args.import_))}.")
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
    print("All of it is forgotten.")
    return 0


def _grade(args: Namespace) -> int:
    from tutor.notation import Writer
    from tutor.quiz import Question, compare, grade, marked, shown_value
    from tutor.trace import NoSuchStep

    trace, notation = _open_trace(args)
    try:
        step = trace.find(args.step)
        own = dict(_given(text, trace) for text in args.given)
    except NoSuchStep as error:
        raise UsageError(str(error)) from None
    if step.shape and step.at(None).value.size > 1:
        raise UsageError(
            f"'{args.step}' has {step.at(None).value.size} values: name one, such as {args.step}{_first(step)}"
        )
    element = step if step.index is not None else step.at((0,) * len(step.shape))
    question = Question(element, Writer(trace.lesson, notation))
    verdict = grade(question, args.answer, own)
    slips = verdict.slips
    shown = [compare(question, slip) for slip in slips[:1]]
    if args.format == "json":
        record = {
            "lesson": trace.lesson.id,
            "step": element.id,
            "verdict": verdict.kind,
            "misconception": slips[0].misconception if slips else None,
            "misconceptions": list(dict.fromkeys(slip.misconception for slip in slips)),
            "expected": question.right if math.isfinite(question.right) else None,
            "given": verdict.value,
            "message": verdict.message,
            "wrong_formula": marked(shown[0].wrong) if shown else None,
            "right_formula": marked(shown[0].right) if shown else None,
        }
        _reconfigure(sys.stdout, encoding="utf-8")
        print(json.dumps(record, ensure_ascii=False, indent=2, allow_nan=False))
    else:
        print(f"{verdict.kind}: {verdict.message}")
        for comparison in shown:
            print(f"  yours: {comparison.name} = {marked(comparison.wrong)}")
            print(f"  right: {comparison.name} = {marked(comparison.right)}")
        if not verdict.correct and verdict.kind != "not-understood":
            print(f"  {question.writer.text(element.ref)} = {shown_value(question)}")
    return 0 if verdict.correct else 1


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
    from tutor.misconceptions import MISCONCEPTIONS

    if args.format == "json":
        records = [{"id": id, "title": m.title, "remedy": m.remedy} for id, m in MISCONCEPTIONS.items()]
        _reconfigure(sys.stdout, encoding="utf-8")
        print(json.dumps(records, ensure_ascii=False, indent=2))
        return 0
    for id, misconception in MISCONCEPTIONS.items():
        print(f"{id}: {misconception.title}.\n    {misconception.remedy}")
    return 0


def _glossary(args: Namespace) -> int:
    from tutor.glossary import answer, search

    term = " ".join(args.term)
    print("\n".join(map(escape, answer(term))))
    return 0 if search(term) else 1


def _new(args: Namespace) -> int:
    from tutor.scaffold import lesson_text

    path = Path(args.file if args.file.endswith(".toml") else args.file + ".toml")
    if not args.file or path.name == ".toml":
        raise UsageError("the file needs a name: backprop-tutor new first.toml")
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
    from tutor.schema import as_json

    _reconfigure(sys.stdout, encoding="utf-8")
    print(as_json(), end="")
    return 0


def _check(args: Namespace) -> int:
    from tutor.check import examine, lesson_files

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
            for problem in found:
                errors += problem.severity == "error"
                warnings += problem.severity == "warning"
                print(problem.render() + "\n")
        lessons += len(files)
    print(f"{_count(lessons, 'lesson')}: {_count(errors, 'error')}, {_count(warnings, 'warning')}.")
    return 1 if errors else 0


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def find_lesson(name: str, args: Namespace | None = None) -> tuple[Path, str]:
    """The file of a lesson and its key in the store: an id for a bundled lesson, else the absolute path.

    An id goes before a file of that name in the current folder (./gates is the file), and a lesson that comes with
    the tutor before one of the same id in a folder of one's own. Raises UsageError.
    """
    is_path = os.sep in name or name.endswith(".toml")
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
    from tutor.layout import to_ascii

    assert isinstance(error, UnicodeEncodeError)
    return to_ascii(error.object[error.start : error.end]), error.end


def _register_ascii() -> None:
    import codecs

    codecs.register_error("tutor-ascii", _ascii_errors)


_register_ascii()
