"""The command line. The terminal app, NumPy and the engine are imported only by the commands that need them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from tutor import __version__, catalogue
from tutor.source import LessonError, escape

LEVELS = ("story", "scalar", "matrix")
FORMATS = ("text", "json", "markdown")

EXAMPLES = """\
examples:
  backprop-tutor                                the home screen: choose a lesson
  backprop-tutor play gates                     play the lesson called gates
  backprop-tutor play mine.toml --plain         play a lesson of your own, without a full screen
  backprop-tutor list                           the lessons there are
  backprop-tutor trace o-regression             every step of the first iteration, with its numbers
  backprop-tutor trace c-431 --level scalar --notation delta --iteration 3
  backprop-tutor trace gates --format json      the same for programs
  backprop-tutor check lessons/                 everything wrong with lesson files
"""


class UsageError(Exception):
    """One clear line for a person who asked for something that is not there; exit code 2."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 0 well, 1 an error in a checked file, 2 bad usage or a bad file."""
    try:
        _prepare_output()
        args = _parser().parse_args(argv)
        code = args.run(args)
        sys.stdout.flush()
        return code
    except UsageError as error:
        return _fail(str(error))
    except LessonError as error:
        return _fail(_one_line(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that the flush at exit is quiet, too
        return 0
    except KeyboardInterrupt:
        return 130


def _prepare_output() -> None:
    """Mathematics needs Unicode; where the terminal's encoding has none, signs become ASCII words."""
    for stream in (sys.stdout, sys.stderr):
        if "utf" not in (stream.encoding or "").lower() and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="tutor-ascii")


def _fail(message: str) -> int:
    print(f"backprop-tutor: {escape(message)}", file=sys.stderr)
    return 2


def _one_line(error: LessonError) -> str:
    first = error.problems[0]
    more = len(error.problems) - 1
    also = f" (and {more} more: backprop-tutor check {first.path})" if more else f": {first.advice}" if first.advice else ""
    return f"{first.path}:{first.line}:{first.column}: {first.message}{also}"


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="backprop-tutor",
        description="Backpropagation in the terminal, one chain-rule step at a time.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"backprop-tutor {__version__}")
    parser.set_defaults(run=_home)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    play = commands.add_parser("play", help="play a lesson", description="Play a lesson, a step at a time.")
    play.add_argument("lesson", metavar="LESSON", help="a lesson's id (see list), or the path of a file")
    play.add_argument("--plain", action="store_true", help="line mode: no full screen, Enter for the next step")
    play.set_defaults(run=_play)

    listing = commands.add_parser("list", help="the lessons there are")
    listing.add_argument("--format", choices=("text", "json"), default="text")
    listing.set_defaults(run=_list)

    trace = commands.add_parser("trace", help="every step of an iteration, with its numbers")
    trace.add_argument("lesson", metavar="LESSON", help="a lesson's id (see list), or the path of a file")
    trace.add_argument("--format", choices=FORMATS, default="text")
    trace.add_argument("--level", choices=LEVELS, default="matrix", help="default: matrix; scalar is a step an element")
    trace.add_argument("--notation", metavar="N", help="dz, nabla, error, partials or delta; default: the lesson's")
    trace.add_argument("--iteration", metavar="N", default="1", help="the Nth update of the parameters, from 1")
    trace.set_defaults(run=_trace)

    check = commands.add_parser("check", help="everything wrong with lesson files")
    check.add_argument("paths", metavar="PATH", nargs="+", help="a lesson file, or a folder of them")
    check.set_defaults(run=_check)
    return parser


# ---------------------------------------------------------------- commands


def _home(args: argparse.Namespace) -> int:
    if not _is_screen():
        print("backprop-tutor needs a terminal for its home screen; these work without:\n")
        return _list(argparse.Namespace(format="text"))
    return _app(None)


def _play(args: argparse.Namespace) -> int:
    path, key = find_lesson(args.lesson)
    if args.plain or not _is_screen():
        return _line_mode(path, key)
    from tutor.check import load

    load(path)  # a bad file is told on the command line, not inside the app
    return _app(path)


def _is_screen() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _app(path: Path | None) -> int:
    from tutor.tui.app import TutorApp

    return TutorApp(path).run_in_terminal()


def _line_mode(path: Path, key: str) -> int:
    from tutor.check import load
    from tutor.plain import LineMode
    from tutor.store import Store

    lesson = load(path)
    attended = sys.stdin.isatty()

    def ask(prompt: str) -> str | None:
        if attended:  # where the output goes to a file, the prompt still reaches the person
            print(prompt, end="", file=sys.stdout if sys.stdout.isatty() else sys.stderr, flush=True)
        try:
            line = sys.stdin.readline()
        except UnicodeDecodeError:
            return ""
        return line.rstrip("\n") if line else None

    with Store.open() as store:
        if store.warning:
            print(escape(store.warning), file=sys.stderr)
        LineMode(lesson, key, store, ask, lambda text: print(text, flush=True)).play(attended, not attended)
    return 0


def _list(args: argparse.Namespace) -> int:
    entries = catalogue.entries()
    if args.format == "json":
        from tutor.store import Store

        with Store.open() as store:
            finished = store.finished()
        records = [
            {
                "id": entry.id,
                "title": entry.title,
                "summary": entry.summary,
                "unit": entry.unit,
                "level": entry.level,
                "requires": list(entry.requires),
                "finished": entry.id in finished,
                "path": str(entry.path),
                "error": entry.error,
            }
            for entry in entries
        ]
        print(json.dumps(records, ensure_ascii=False, indent=2))
        return 0
    unit = None
    width = max((len(entry.id) for entry in entries), default=0)
    for entry in entries:
        if entry.unit != unit:
            print(("\n" if unit is not None else "") + (entry.unit or "Other lessons"))
            unit = entry.unit
        print(f"  {entry.id:{width}}  {entry.title}: {entry.error or entry.summary}")
    print("\nbackprop-tutor play ID opens one.")
    return 0


def _trace(args: argparse.Namespace) -> int:
    from tutor.check import load
    from tutor.export import FORMATS as writers
    from tutor.formula import did_you_mean
    from tutor.notation import NOTATIONS
    from tutor.plain import MAX_ITERATION
    from tutor.trace import Trace
    from tutor.training import Run

    path, _ = find_lesson(args.lesson)
    if args.notation and args.notation not in NOTATIONS:
        raise UsageError(
            f"unknown notation '{args.notation}'{did_you_mean(args.notation, NOTATIONS)}; there are: {', '.join(NOTATIONS)}"
        )
    if not (args.iteration.isascii() and args.iteration.isdigit() and 1 <= int(args.iteration[:12]) <= MAX_ITERATION):
        raise UsageError(f"--iteration takes a whole number from 1 to {MAX_ITERATION:,}, not '{args.iteration}'")
    lesson = load(path)
    run, number = Run(lesson), int(args.iteration)
    if run.last and number > run.last:
        raise UsageError(f"'{args.lesson}' is not trained (it has no [training] table): its only iteration is 1")
    iteration = run.iteration(number)
    assert iteration is not None
    for piece in writers[args.format](Trace(lesson, iteration), args.level, args.notation or lesson.notation):
        sys.stdout.write(piece)
    return 0


def _check(args: argparse.Namespace) -> int:
    from tutor.check import examine

    paths = [Path(path) for path in args.paths]
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no file or folder '{path}'")
    errors = warnings = lessons = 0
    for path in paths:
        for file in sorted(path.rglob("*.toml")) if path.is_dir() else [path]:
            lessons += 1
            for problem in examine(file)[1]:
                errors += problem.severity == "error"
                warnings += problem.severity == "warning"
                print(problem.render() + "\n")
    print(f"{_count(lessons, 'lesson')}: {_count(errors, 'error')}, {_count(warnings, 'warning')}.")
    return 1 if errors else 0


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def find_lesson(name: str) -> tuple[Path, str]:
    """The file of a lesson and its key in the store: an id for a bundled lesson, else the absolute path.

    Raises UsageError.
    """
    path = Path(name)
    try:
        is_path = path.suffix == ".toml" or os.sep in name or path.is_file()
    except (OSError, ValueError):
        raise UsageError(f"'{name[:60]}' is not a lesson; backprop-tutor list shows them") from None
    bundled = None if is_path else catalogue.find(name)
    if bundled:
        return bundled, catalogue.lesson_id(bundled)
    if is_path:
        try:
            missing = not path.exists()
        except (OSError, ValueError):
            missing = True
        if missing:
            raise UsageError(f"there is no file '{name[:200]}'")
        return path, str(path.resolve())
    near = catalogue.nearest(name)
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
