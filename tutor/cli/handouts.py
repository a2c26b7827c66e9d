"""The commands that write what is handed out: `questions` for platforms, `worksheet` for paper, `figure`, `page`."""

from __future__ import annotations

import re
import sys
from itertools import count, product
from pathlib import Path
from typing import TYPE_CHECKING

from tutor.cli.delivering import deliver
from tutor.cli.errors import UsageError
from tutor.cli.finding import find_lesson, known_notation, number
from tutor.lessonfiles import catalogue
from tutor.text.language import N_, said, say, say_many
from tutor.text.output import escape, quote
from tutor.text.words import reason

if TYPE_CHECKING:
    from argparse import Namespace

    from tutor.engine.lesson import Lesson
    from tutor.handouts.asked import Asked

MOST_VARIANTS, MOST_QUESTIONS, MOST_SEED = 500, 100, 10**9


def questions(args: Namespace) -> int:
    """Write a question bank; what its format cannot carry is said on standard error."""
    from tutor.handouts.asked import asked, items_of
    from tutor.handouts.platforms import PLATFORMS, bank_of
    from tutor.pictures.drawing import svg_of

    lessons = open_lessons(args)
    variants = number(args.variants, "--variants", MOST_VARIANTS, least=0)
    count = None if args.count is None else number(args.count, "--count", MOST_QUESTIONS)
    seed = number(args.seed, "--seed", MOST_SEED, least=0)
    found = []
    for lesson, variant in product(lessons, range(1, variants + 1) if variants else (0,)):
        try:
            items = items_of(lesson, count, seed, args.notation or lesson.notation, variant)
        except ValueError as error:
            raise UsageError(said(error)) from None
        titled = f"{lesson.title} {variant or ''}".strip()
        found += [asked(item, name=f"{titled} – {item.id}") for item in items]
    drawn: dict[str, str] = {}

    def picture(question: Asked) -> str:
        trace, notation = question.item.step.trace, question.item.writer.id
        key = f"{question.lesson.id} {notation}"
        if key not in drawn:
            drawn[key] = svg_of(trace, notation)
        return drawn[key]

    title = lessons[0].title if len(lessons) == 1 else "backprop-tutor"
    written = PLATFORMS[args.format].write(bank_of(title, found, picture))
    for line in written.left_out:
        print(say("left out: {what}", what=escape(line)), file=sys.stderr)
    return deliver(written.data, args.output)


def worksheet(args: Namespace) -> int:
    """Write sheets, a file each, all of them in one to be printed at once, and the key, into a folder.

    Nothing that is there is overwritten.
    """
    from tutor.handouts.documents import DOCUMENTS
    from tutor.handouts.sheets import sheets

    lessons = open_lessons(args)
    variants = number(args.variants, "--variants", MOST_VARIANTS, least=0)
    seed = number(args.seed, "--seed", MOST_SEED, least=0)
    count = None if args.questions is None else number(args.questions, "--questions", MOST_QUESTIONS)
    names = _class_list(args.names) if args.names else []
    try:
        made = sheets(lessons, names, variants, seed, args.notation or "", count, args.whole_pass)
    except ValueError as error:  # SheetTooLarge, too
        raise UsageError(said(error)) from None
    document, folder = DOCUMENTS[args.format], Path(args.output)
    files = {f"sheet-{at:02}-{one.code}.{document.suffix}": one for at, one in enumerate(made, 1)}
    texts = {name: document.write(say("Sheet {code}", code=one.code), one.blocks) for name, one in files.items()}
    if len(made) > 1:
        together = [block for one in made for block in one.blocks]
        texts[f"sheets.{document.suffix}"] = document.write(say("Sheets"), together)
    texts[f"key.{document.suffix}"] = document.write(say("Key"), [block for one in made for block in one.key])
    if there := [name for name in texts if (folder / name).exists()]:
        told = N_("{file} is there already: name another folder with -o")
        raise UsageError(say(told, file=quote(str(folder / there[0])[:80])))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        why = reason(error)
        raise UsageError(say("cannot write {file}: {why}", file=quote(args.output[:80]), why=why)) from None
    print(
        say_many(
            len(made),
            "{n} sheet and their key are in {folder}.",
            "{n} sheets and their key are in {folder}.",
            folder=quote(args.output[:80]),
        )
    )
    return 0


def _class_list(path: str) -> list[str]:
    """The names in a file, a line each. Raises UsageError."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        raise UsageError(say("cannot read {file}: {why}", file=quote(path[:80]), why=reason(error))) from None
    names = [escape(line.strip()) for line in lines if line.strip()]
    if not 0 < len(names) <= MOST_VARIANTS:
        told = N_("{file} has {n} names; a class list has 1 to {most}, a line each")
        raise UsageError(say(told, file=quote(path[:80]), n=len(names), most=MOST_VARIANTS))
    return names


def figure(args: Namespace) -> int:
    """Write a figure of a lesson as SVG, or as PNG: the file's ending says which where --format does not."""
    from tutor.engine.trace import NoSuchStep, trace
    from tutor.handouts.figures import NoFigure
    from tutor.handouts.figures import figure as figure_of
    from tutor.handouts.png import NoPNG, png

    args.lesson = [args.lesson]
    (lesson,) = open_lessons(args)
    try:
        svg = figure_of(args.kind, trace(lesson), args.notation or lesson.notation, args.step)
        as_png = (args.format or Path(args.output or "").suffix[1:].lower()) == "png"
        data = png(svg) if as_png else f"{svg}\n".encode()
    except (NoFigure, NoSuchStep, NoPNG) as error:
        raise UsageError(escape(said(error))) from None
    return deliver(data, args.output)


def page(args: Namespace) -> int:
    """Write a page for each lesson, and for several an index; of what is there only pages that it made itself go."""
    from tutor.handouts.page import MADE_BY, PageTooLarge, index_page
    from tutor.handouts.page import page as page_of
    from tutor.lessonfiles.check import load

    known_notation(args.notation)
    paths = [path for name in args.lesson for path in _lesson_files(name, args)]
    several = len(paths) > 1
    texts: dict[str, str] = {}
    listed = []
    for lesson in map(load, paths):
        stem = re.sub(r"[^\w.-]+", "-", lesson.id).strip(".-") or "lesson"
        name = next(n for at in count(1) if (n := f"{stem}{f'-{at}' * (at > 1)}.html") not in {*texts, "index.html"})
        try:
            made = page_of(lesson, args.notation or "", several)
        except PageTooLarge as error:
            print(say("left out: {what}", what=escape(said(error))), file=sys.stderr)
            continue
        texts[name] = made.html
        listed.append((name, lesson))
        for cut in made.cut:
            print(f"{escape(name)}: {cut}", file=sys.stderr)
    if not listed:
        raise UsageError(say("there is no page to write"))
    if several:
        texts["index.html"] = index_page(listed)
    folder = Path(args.output)
    try:
        for name in texts:
            there = folder / name
            if there.exists() and MADE_BY.encode() not in there.read_bytes()[:2000]:
                told = N_("{file} is no page of the tutor's: name another folder with -o")
                raise UsageError(say(told, file=quote(str(there)[:80])))
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        why = reason(error)
        raise UsageError(say("cannot write {file}: {why}", file=quote(args.output[:80]), why=why)) from None
    first = quote(str(folder / ("index.html" if several else next(iter(texts)))))
    many = len(listed)
    print(say_many(many, "{n} page: open {file} in a browser.", "{n} pages: open {file} in a browser.", file=first))
    return 0


def _lesson_files(name: str, args: Namespace) -> list[Path]:
    """The file of a lesson, or those of a folder in their order. Raises UsageError."""
    if catalogue.find(name) or not Path(name).is_dir():  # an id goes before a folder of that name
        return [find_lesson(name, args)[0]]
    found = [entry.path for entry in catalogue.entries(Path(name))]
    if not found:
        raise UsageError(say("there is no lesson in the folder {folder}", folder=quote(name[:80])))
    return found


def open_lessons(args: Namespace) -> list[Lesson]:
    """The lessons that were named. Raises UsageError or LessonError."""
    from tutor.lessonfiles.check import load

    known_notation(args.notation)
    return [load(find_lesson(name, args)[0]) for name in args.lesson]
