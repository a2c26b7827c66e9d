"""The commands that ask, and what was answered: `quiz`, `placement`, `drill`, `review`, `progress`."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from tutor.cli.errors import UsageError
from tutor.cli.finding import BEYOND_COUNTING, find_lesson, known_notation, number
from tutor.cli.running import Kept, app
from tutor.cli.streams import asker, in_utf8, is_screen
from tutor.text.language import N_, said, say, say_in, say_many
from tutor.text.output import escape, quote
from tutor.text.words import plural, reason, times

if TYPE_CHECKING:
    from argparse import Namespace

    from tutor.learner.store import Store
    from tutor.questions.items import Item
    from tutor.questions.quiz import Quiz


def quiz(args: Namespace) -> int:
    """A quiz over lessons. Raises UsageError and LessonError, as every command does; the exit code is returned."""
    from tutor.learner.records import NoMoreAttempts, named, start_quiz

    paths = tuple(str(find_lesson(name, args)[0].resolve()) for name in args.lessons)
    count = None if args.count is None else number(args.count, "--count", 100)
    seed = None if args.seed is None else number(args.seed, "--seed", BEYOND_COUNTING)
    known_notation(args.notation)
    attempts = None if args.attempts is None else number(args.attempts, "--attempts", BEYOND_COUNTING)
    if attempts and args.as_ is None:
        raise UsageError(say("--attempts goes with --as NAME: attempts at what?"))
    kind = "" if args.as_ is None else named(args.as_)
    if args.as_ is not None and seed is None:  # the name says it, so that everybody has the same
        seed = zlib.crc32(kind.encode()) % 10**9

    def start(store: Store) -> tuple[str, Quiz, list[Item], bool]:
        try:
            return start_quiz(store, paths, count, seed, args.new, kind, args.notation, attempts)
        except NoMoreAttempts as error:
            begun, most = map(times, error.args)
            told = N_("the quiz {name} was begun {begun}, and it may be begun {most}")
            raise UsageError(say(told, name=quote(args.as_[:60]), begun=begun, most=most)) from None

    return _ask_quiz(args, start)


def placement(args: Namespace) -> int:
    """The placement: as many questions as it takes to say where on the path to begin."""
    from tutor.learner import placement

    known_notation(args.notation)
    return _ask_quiz(args, lambda store: placement.start(store, args.new, args.notation))


def _ask_quiz(args: Namespace, start: Callable[[Store], tuple[str, Quiz, list[Item], bool]]) -> int:
    """A quiz on the screen or in lines; `start` gives its id, session and questions, and whether it goes on."""
    from tutor.cli.line_questions import play_quiz

    with Kept(args.profile) as kept:
        id, session, items, goes_on = start(kept.store)
        if not items:
            raise UsageError(say("there is nothing to ask about in these lessons"))
        if args.plain or not is_screen():
            if goes_on:
                told = N_("You go on with the quiz that you left; --new begins another.")
                if args.notation and session.notation != args.notation:
                    told = N_(
                        "You go on with the quiz that you left, in the notation that it began with; "
                        "--new begins another."
                    )
                print(say(told))
            play_quiz(kept.store, id, session, items, asker(kept.tell), lambda text: print(text, flush=True))
    if args.plain or not is_screen():
        return kept.code
    return app(lambda app: app.open_quiz(id, session, items), args.profile)


def drill(args: Namespace) -> int:
    """Exercises of one skill with new numbers each time, or with --skills the list of them."""
    from tutor.cli.line_questions import play_practice
    from tutor.learner.practice import choose_skill, drill
    from tutor.lessonfiles.check import load
    from tutor.questions.drill import NoQuestion, skills
    from tutor.questions.mastery import title

    path, key = find_lesson(args.lesson, args)
    lesson = load(path)
    seed = number(args.seed, "--seed", BEYOND_COUNTING)
    known = skills(lesson)
    if args.skills:
        for skill in known:
            print(f"{skill}: {title(skill)}")
        return 0
    if args.skill is not None and args.skill not in known:
        told = N_("{lesson} has no skill '{name}'; there are: {names}")
        raise UsageError(say(told, lesson=args.lesson, name=args.skill[:60], names=", ".join(known)))
    with Kept(args.profile) as kept:
        try:
            skill = args.skill or choose_skill(kept.store, lesson)
            exercises = drill(lesson, key, skill, seed)
        except NoQuestion as error:
            raise UsageError(said(error)) from None
        if args.plain or not is_screen():
            print(say("Drill: {skill}.", skill=title(skill)))
            play_practice(kept.store, exercises, asker(kept.tell), lambda text: print(text, flush=True))
            kept.sum_up()
    if args.plain or not is_screen():
        return kept.code
    return app(lambda app: app.practise(say("Drill"), exercises), args.profile)


def review(args: Namespace) -> int:
    """What is due today, over all lessons."""
    from tutor.cli.line_questions import play_practice
    from tutor.learner.practice import review

    if args.plain or not is_screen():
        with Kept(args.profile) as kept:
            play_practice(kept.store, review(kept.store), asker(kept.tell), lambda text: print(text, flush=True))
            kept.sum_up()
        return kept.code
    return app(lambda app: app.review(), args.profile)


def mistakes(args: Namespace) -> int:
    """Every question that was answered wrongly, to look at and to answer again."""
    from tutor.cli.line_questions import mistake_lines, play_mistakes

    if is_screen() and not args.plain:
        return app(lambda app: app.show_mistakes(), args.profile)
    with Kept(args.profile) as kept:
        if args.list:
            print("\n".join(mistake_lines(kept.store)))
        else:
            play_mistakes(kept.store, asker(kept.tell), lambda text: print(text, flush=True))
            kept.sum_up()
    return kept.code


def goal(args: Namespace) -> int:
    """The goal for the day, or another one; how far it is, and what is due."""
    from datetime import UTC, datetime

    from tutor.learner import practice, today

    with Kept(args.profile) as kept:
        store, now = kept.store, datetime.now(UTC)
        if args.goal:
            try:
                today.set_goal(store, today.read_goal(" ".join(args.goal)))
            except ValueError as error:
                raise UsageError(say("a goal is {what}", what=error)) from None
        chosen = today.goal(store)
        if chosen:
            print(say("Your goal for a day: {goal}; {standing}.", goal=chosen, standing=today.standing(store, now)))
        else:
            print(say("You have no goal."))
        due = len(practice.due(store, now))
        print(say_many(due, "{n} skill due for review.", "{n} skills due for review."))
    return kept.code


def progress(args: Namespace) -> int:
    """What the learner knows, as text, JSON or CSV; or export and import of it."""
    from tutor.learner import progress

    with Kept(args.profile) as kept:
        store = kept.store
        try:
            if args.export:
                what = progress.counted(progress.export_file(store, args.export))
                print(say("Written to {file}: {what}.", file=escape(args.export), what=what))
                return 0
            if args.import_:
                added = progress.import_file(store, args.import_)
                if not store.lasting:
                    raise UsageError(say("nothing of it can be kept"))
                print(say("Added: {what}.", what=progress.counted(added)))
                return 0
        except progress.ProgressError as error:
            raise UsageError(said(error)) from None
        if args.reset:
            return _reset(store)
        if args.by == "question":
            return _by_question(store, args.format)
        found = progress.report(store)
    if args.format == "text":
        print(progress.text(found))
    else:
        in_utf8()
        print(progress.as_json(found) if args.format == "json" else progress.as_csv(found), end="")
    return 0


def _by_question(store: Store, format: str) -> int:
    """A row for each answer given (docs/progress.md)."""
    from tutor.learner.classroom import rows_of, table
    from tutor.text.output import json_text

    rows = rows_of(store.answers(), store.profile)
    if format == "json":
        in_utf8()
        print(json_text(rows, indent=2))
    elif format == "csv":
        in_utf8()
        print(table(rows), end="")
    else:
        for row in rows:
            slip = f" ({row['slip']})" if row["slip"] else ""
            verdict = say_in("verdict", row["verdict"])
            told = f"{row['lesson']}  {row['question']}: {row['typed']!r} {verdict}{slip}"
            print(escape(f"{row['when'][:16]}  {told}"))
    return 0


def report(args: Namespace) -> int:
    """A page and tables about a class, from the exports of its learners."""
    from pathlib import Path

    from tutor.learner.classroom import NoClass, read_exports, report_files

    try:
        learners = read_exports([Path(path) for path in args.paths])
    except NoClass as error:
        raise UsageError(said(error)) from None
    files, folder = report_files(learners, names=not args.no_names), Path(args.output)
    if there := [name for name in files if (folder / name).exists()]:
        told = N_("{file} is there already: name another folder with -o")
        raise UsageError(say(told, file=quote(str(folder / there[0])[:80])))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        why = reason(error)
        raise UsageError(say("cannot write {file}: {why}", file=quote(args.output[:80]), why=why)) from None
    answers = plural(sum(len(one.answers) for one in learners), "answer")
    page = quote(str(folder / "report.html")[:80])
    how = {"answers": answers, "page": page}
    print(say_many(len(learners), "{n} learner, {answers}: {page}.", "{n} learners, {answers}: {page}.", **how))
    return 0


def _reset(store: Store) -> int:
    """Forget a profile's progress, if the person says so in so many words."""
    asked = N_("Forget all answers, quizzes, exercises and places of the profile '{name}'? Type yes: ")
    answer = asker()(say(asked, name=escape(store.profile)))
    if (answer or "").strip().lower() != "yes":
        print(say("Nothing was forgotten."))
        return 1
    store.reset()
    if not store.lasting:
        raise UsageError(say("nothing can be forgotten where nothing can be written"))
    print(say("All of it is forgotten."))
    return 0
