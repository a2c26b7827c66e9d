"""The commands `paper` and `exam`: on the screen, in lines, and as files to print and to mark (docs/paper.md)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.cli.errors import UsageError
from tutor.cli.finding import BEYOND_COUNTING, find_lesson, known_notation, number
from tutor.cli.running import Kept, app
from tutor.cli.showing import open_trace
from tutor.cli.streams import asker, in_utf8, is_screen
from tutor.text.language import said, say
from tutor.text.output import escape, json_text

if TYPE_CHECKING:
    from argparse import Namespace

    from tutor.tui.app import TutorApp


def paper(args: Namespace) -> int:
    """The whole pass of a lesson to fill in."""
    from tutor.learner.papers import open_paper
    from tutor.learner.records import chosen_notation
    from tutor.play.settings import Refused

    trace, _ = open_trace(args)
    _, key = find_lesson(args.lesson, args)
    example = _example(args.example)
    with Kept(args.profile) as kept:
        notation = args.notation or chosen_notation(kept.store, trace.lesson)
        try:
            keeper, found = open_paper(kept.store, key, trace, notation, example)
        except Refused as error:
            raise UsageError(said(error)) from None
        if args.plain or not is_screen():
            from tutor.cli.line_paper import PaperLines

            PaperLines(keeper, found, asker(kept.tell), lambda text: print(text, flush=True)).play()
            return kept.code

    def start(app: TutorApp) -> None:
        app.open_paper(*open_paper(app.store, key, trace, notation, example))

    return app(start, args.profile)


def exam(args: Namespace) -> int:
    """A paper with fresh numbers, marked at the end; or as a file, printed and marked."""
    from tutor.learner.papers import start_exam
    from tutor.play import exam as exams
    from tutor.play.settings import Refused

    path, _ = find_lesson(args.lesson, args)
    known_notation(args.notation)
    seed = None if args.seed is None else number(args.seed, "--seed", BEYOND_COUNTING)
    minutes = None if args.minutes is None else number(args.minutes, "--minutes", exams.MOST_MINUTES)
    example = _example(args.example)
    try:
        if args.print or args.answers is not None:
            return _as_file(args, path, seed, example)
        with Kept(args.profile) as kept:
            keeper, session, goes_on = start_exam(
                kept.store, str(path.resolve()), seed, minutes, args.notation, example, args.new
            )
            if args.plain or not is_screen():
                from tutor.cli.line_paper import PaperLines

                if goes_on:
                    print(say("You go on with the exam that you left; --new begins another."))
                PaperLines(
                    keeper, session.paper, asker(kept.tell), lambda text: print(text, flush=True), session
                ).play()
                return kept.code
    except Refused as error:
        raise UsageError(said(error)) from None

    def start(app: TutorApp) -> None:
        found = start_exam(app.store, str(path.resolve()), session.seed, minutes, args.notation, example)
        app.open_paper(found[0], found[1].paper, found[1])

    return app(start, args.profile)


def _as_file(args: Namespace, path: Path, seed: int | None, example: int | None) -> int:
    """Print the blank paper of a seed, or mark a file: exit code 0 all right, 1 not all. Raises UsageError, Refused."""
    from tutor.cli.solutions import read_file
    from tutor.lessonfiles.check import load
    from tutor.play import exam as exams
    from tutor.play.exam_files import blank_paper, marked

    if seed is None:
        raise UsageError(say("say which paper: --seed 7, for example"))
    lesson = load(path)
    sheet = exams.sheet(lesson, seed, args.notation or "", example)
    if args.print:
        in_utf8()
        for line in blank_paper(sheet, args.lesson, seed):
            print(line)
        return 0
    found = marked(sheet, read_file(args.answers))
    if args.format == "json":
        in_utf8()
        sys.stdout.write(json_text(exams.as_json(lesson.id, seed, sheet, found), indent=2) + "\n")
    else:
        for line in exams.report(sheet, found):
            print(escape(line))
    if not found.diagnosis.order:
        return 2
    return 0 if found.total.got == found.total.of else 1


def _example(text: str | None) -> int | None:
    return None if text is None else number(text, "--example", BEYOND_COUNTING) - 1
