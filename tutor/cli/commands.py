"""The command line. The terminal app, NumPy and the engine are imported only by the commands that need them.

Even argparse is: the first frame of the home screen does not wait for what it does not use.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tutor import __version__
from tutor.cli import asking, authoring, doctor, grade, handouts, lab, papers, playing, showing, solutions
from tutor.cli.arguments import UsageError, parser
from tutor.cli.streams import abandon, fail, prepare_streams
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.positions import LessonError, as_argument

if TYPE_CHECKING:
    from argparse import Namespace


TRACEBACK = "BACKPROP_TUTOR_TRACEBACK"  # set: a defect of the tutor shows where it is


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0 well, 1 an error in a checked file, 2 bad usage or a bad file.

    Also 130 after ctrl+c, and 3 for a defect of the tutor itself. No input makes a traceback.
    """
    streams = sys.stdout, sys.stderr
    try:
        prepare_streams()
        code = _run(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
        return code
    except UsageError as error:
        return fail(str(error))
    except LessonError as error:
        return fail(_one_line(error))
    except BrokenPipeError:
        abandon(sys.stdout)
        return 0
    except KeyboardInterrupt:
        abandon(sys.stdout)
        return 130
    except OSError as error:
        abandon(sys.stdout)
        return fail(f"cannot write or read: {error.strerror or error}")
    except MemoryError:
        return fail("there is not enough memory for that")
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        what = f"{type(error).__name__}: {error}"[:200]
        fail(f"a defect of the tutor, please report it ({what}); with {TRACEBACK}=1 set it shows where")
        return 3
    finally:
        sys.stdout, sys.stderr = streams


def _run(argv: list[str]) -> int:
    if not argv:
        return playing.home()
    value = [False, *(arg in ("--lessons", "--profile") for arg in argv)]
    word = next((arg for arg, is_value in zip(argv, value, strict=False) if arg[:1] != "-" and not is_value), None)
    if word is not None and word not in RUN:
        if catalogue.find(word):
            raise UsageError(f"'{word}' is a lesson, not a command: backprop-tutor play {word}")
        raise UsageError(f"there is no command '{word[:60]}'; there are: {', '.join(filter(None, RUN))}")
    try:
        args = parser(RUN).parse_args(argv)
    except SystemExit as done:  # after --help
        return int(done.code or 0)
    if args.asks_version or args.says_more:
        print(f"backprop-tutor {__version__}")
        if args.says_more:
            from tutor.cli.version import about_speed

            print(about_speed())
        return 0
    if getattr(args, "profile", None) is None:
        args.profile = args.at_home
    run: Callable[[Namespace], int] = args.run
    return run(args)


def _one_line(error: LessonError) -> str:
    first, more = error.problems[0], len(error.problems) - 1
    advice = f": {first.advice}" if first.advice else ""
    if more:
        advice = f" (and {more} more: backprop-tutor check {as_argument(first.path)})"
    return f"{first.path}:{first.line}:{first.column}: {first.message}{advice}"


RUN: dict[str, Callable[[Namespace], int]] = {
    "": playing.home,
    "play": playing.play,
    "list": playing.list_,
    "trace": showing.trace,
    "train": showing.train,
    "check": authoring.check,
    "compare": showing.compare,
    "sweep": showing.sweep,
    "quiz": asking.quiz,
    "placement": asking.placement,
    "drill": asking.drill,
    "review": asking.review,
    "mistakes": asking.mistakes,
    "paper": papers.paper,
    "exam": papers.exam,
    "progress": asking.progress,
    "report": asking.report,
    "glossary": showing.glossary,
    "new": authoring.new,
    "schema": authoring.schema,
    "grade": grade.grade,
    "diagnose": solutions.diagnose,
    "code": solutions.code,
    "questions": handouts.questions,
    "worksheet": handouts.worksheet,
    "figure": handouts.figure,
    "page": handouts.page,
    "lab": lab.lab,
    "doctor": doctor.doctor,
    "misconceptions": showing.misconceptions,
}
