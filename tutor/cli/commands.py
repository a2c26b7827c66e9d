"""The command line. The terminal app, NumPy and the engine are imported only by the commands that need them.

Even argparse is: the first frame of the home screen does not wait for what it does not use.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from tutor import __version__
from tutor.cli.errors import UsageError
from tutor.cli.streams import abandon, fail, prepare_streams
from tutor.text.language import N_, say, say_many

TYPE_CHECKING = False  # as in `tutor`: typing's own would be a fifth of what --help takes
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence

    from tutor.lessonfiles.positions import LessonError

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
    except BrokenPipeError:
        abandon(sys.stdout)
        return 0
    except KeyboardInterrupt:
        abandon(sys.stdout)
        return 130
    except OSError as error:
        abandon(sys.stdout)
        from tutor.text.words import reason

        return fail(say("cannot write or read: {why}", why=reason(error)))
    except MemoryError:
        return fail(say("there is not enough memory for that"))
    except Exception as error:
        from tutor.lessonfiles.positions import LessonError

        if isinstance(error, LessonError):
            return fail(_one_line(error))
        if os.environ.get(TRACEBACK):
            raise
        what = f"{type(error).__name__}: {error}"[:200]
        told = N_("a defect of the tutor, please report it ({what}); with {variable}=1 set it shows where")
        fail(say(told, what=what, variable=TRACEBACK))
        return 3
    finally:
        sys.stdout, sys.stderr = streams


def _run(argv: list[str]) -> int:
    if not argv:
        return _home()
    value = [False, *(arg in ("--lessons", "--profile") for arg in argv)]
    word = next((arg for arg, is_value in zip(argv, value, strict=False) if arg[:1] != "-" and not is_value), None)
    if word is not None and word not in RUN:
        from tutor.lessonfiles import catalogue

        if catalogue.find(word):
            raise UsageError(say("'{word}' is a lesson, not a command: backprop-tutor play {word}", word=word))
        names = ", ".join(filter(None, RUN))
        raise UsageError(say("there is no command '{word}'; there are: {names}", word=word[:60], names=names))
    if argv == ["--version"]:
        print(f"backprop-tutor {__version__}")
        return 0
    from tutor.cli.arguments import parser

    try:
        args = parser(RUN, word).parse_args(argv)
    except SystemExit as done:  # after --help
        return int(done.code or 0)
    if args.asks_version or args.says_more:
        print(f"backprop-tutor {__version__}")
        if args.says_more:
            from tutor.cli.version import about_speed

            print(about_speed())
        return 0
    if getattr(args, "profile", None) is None:
        args.profile = args.at_home or "default"
    run: Callable[[Namespace], int] = args.run
    return run(args)


def _one_line(error: LessonError) -> str:
    from tutor.lessonfiles.file_names import as_argument

    first, more = error.problems[0], len(error.problems) - 1
    problem = f"{first.path}:{first.line}:{first.column}: {first.message}"
    if more:
        return say_many(
            more,
            "{problem} (and {n} more: backprop-tutor check {file})",
            "{problem} (and {n} more: backprop-tutor check {file})",
            problem=problem,
            file=as_argument(first.path),
        )
    return f"{problem}: {first.advice}" if first.advice else problem


def _from(room: str, name: str) -> Callable[[Namespace], int]:
    """The function of a module beside this one, imported when it is called."""

    def run(args: Namespace) -> int:
        code: int = getattr(import_module(f"tutor.cli.{room}"), name)(args)
        return code

    return run


def _home() -> int:
    from tutor.cli.playing import home

    return home()


RUN: dict[str, Callable[[Namespace], int]] = {
    "": _from("playing", "home"),
    "play": _from("playing", "play"),
    "list": _from("playing", "list_"),
    "trace": _from("showing", "trace"),
    "train": _from("showing", "train"),
    "check": _from("authoring", "check"),
    "compare": _from("showing", "compare"),
    "sweep": _from("showing", "sweep"),
    "quiz": _from("asking", "quiz"),
    "placement": _from("asking", "placement"),
    "drill": _from("asking", "drill"),
    "review": _from("asking", "review"),
    "mistakes": _from("asking", "mistakes"),
    "goal": _from("asking", "goal"),
    "paper": _from("papers", "paper"),
    "exam": _from("papers", "exam"),
    "progress": _from("asking", "progress"),
    "report": _from("asking", "report"),
    "glossary": _from("showing", "glossary"),
    "new": _from("authoring", "new"),
    "schema": _from("authoring", "schema"),
    "grade": _from("grade", "grade"),
    "diagnose": _from("solutions", "diagnose"),
    "code": _from("solutions", "code"),
    "questions": _from("handouts", "questions"),
    "worksheet": _from("handouts", "worksheet"),
    "figure": _from("handouts", "figure"),
    "page": _from("handouts", "page"),
    "serve": _from("serving", "serve"),
    "lab": _from("lab", "lab"),
    "doctor": _from("doctor", "doctor"),
    "misconceptions": _from("showing", "misconceptions"),
}
