"""The commands that write what is handed out: `questions`, a bank for a learning platform, and `figure`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tutor.cli.arguments import UsageError
from tutor.cli.delivering import deliver
from tutor.cli.finding import find_lesson, known_notation
from tutor.text.output import escape
from tutor.text.words import whole_number

if TYPE_CHECKING:
    from argparse import Namespace

    from tutor.engine.lesson import Lesson

MOST_VARIANTS, MOST_QUESTIONS, MOST_SEED = 500, 100, 10**9


def questions(args: Namespace) -> int:
    """Write a question bank; what its format cannot carry is said on standard error."""
    from tutor.handouts.asked import asked, items_of
    from tutor.handouts.platforms import PLATFORMS, bank_of
    from tutor.pictures.svg import svg_of

    lessons = open_lessons(args)
    variants = number(args.variants, "--variants", MOST_VARIANTS, least=0)
    count, seed = number(args.count, "--count", MOST_QUESTIONS), number(args.seed, "--seed", MOST_SEED, least=0)
    found = []
    for lesson in lessons:
        for variant in range(1, variants + 1) if variants else (0,):
            items = items_of(lesson, count, seed, args.notation or lesson.notation, variant)
            found += [asked(item, name=f"{lesson.title} {variant or ''}".strip() + f" – {item.id}") for item in items]
    if not found:
        raise UsageError("there is nothing to ask about in these lessons")
    drawn: dict[str, str] = {}

    def picture(question: object) -> str:
        from tutor.handouts.asked import Asked

        assert isinstance(question, Asked)
        trace, notation = question.item.step.trace, question.item.writer.id
        key = f"{question.lesson.id} {notation}"
        if key not in drawn:
            drawn[key] = svg_of(trace, notation)
        return drawn[key]

    title = lessons[0].title if len(lessons) == 1 else "backprop-tutor"
    written = PLATFORMS[args.format].write(bank_of(title, found, picture))
    for line in written.left_out:
        print(f"left out: {escape(line)}", file=sys.stderr)
    return deliver(written.data, args.output)


def figure(args: Namespace) -> int:
    """Write the picture of a lesson's network or circuit as SVG."""
    from tutor.engine.trace import trace
    from tutor.pictures.svg import svg_of

    args.lesson = [args.lesson]
    (lesson,) = open_lessons(args)
    return deliver((svg_of(trace(lesson), args.notation or lesson.notation) + "\n").encode(), args.output)


def open_lessons(args: Namespace) -> list[Lesson]:
    """The lessons that were named. Raises UsageError or LessonError."""
    from tutor.lessonfiles.check import load

    known_notation(args.notation)
    return [load(find_lesson(name, args)[0]) for name in args.lesson]


def number(text: str, option: str, most: int, least: int = 1) -> int:
    """A whole number given to an option. Raises UsageError."""
    found = 0 if least == 0 and text.strip() == "0" else whole_number(text, most)
    if found is None:
        raise UsageError(f"{option} takes a whole number from {least} to {most:,}, not '{text[:60]}'")
    return found
