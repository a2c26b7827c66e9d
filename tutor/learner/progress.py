"""What the learner has done and knows, as one report: for the progress screen, and as text, JSON and CSV.

Also the files that carry progress to another machine.
"""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from textwrap import wrap
from typing import Any

from tutor.learner import practice
from tutor.learner.rows import EXAM, PAPER, SavedQuiz
from tutor.learner.store import DEFAULT, FORMAT, Store
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.catalogue import one_line
from tutor.questions import mastery
from tutor.questions.mastery import GivenAnswer
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.text.cells import cut, pad, pad_left
from tutor.text.language import N_, said, say, say_many
from tutor.text.output import json_text, table_cell, write_whole
from tutor.text.words import plural, reason, times

MAX_BYTES = 256 * 2**20  # a larger file is no progress of anybody's
COLUMNS = 80
BAR = 14  # cells
DAYS = 14  # with questions, that the text lists
NO_QUESTIONS = N_("No questions have been answered yet.")


class ProgressError(Exception):
    """A file that cannot be written or taken; the message is one sentence for the learner."""


@dataclass(frozen=True)
class SkillProgress:
    """`questions` were asked, `right` of them answered rightly, at whatever try. `mastery` is 0 to 1.

    `due` is an ISO time in UTC, None before the first review; `is_due` says that it has come.
    """

    id: str
    title: str
    mastery: float
    questions: int
    right: int
    due: str | None
    is_due: bool


@dataclass(frozen=True)
class Met:
    """A misconception that the learner met: how often, when last, and the skill and lesson of that last time."""

    id: str
    title: str
    count: int
    last: str
    skill: str
    lesson: str


@dataclass(frozen=True)
class Finished:
    """A lesson that was finished."""

    id: str
    title: str


@dataclass(frozen=True)
class TriedExercise:
    """An exercise of the lab that was tried: how often until it was right, and when (ISO, UTC) that was, or null."""

    id: str
    tries: int
    done: str | None


@dataclass(frozen=True)
class Day:
    """The questions of one day (ISO, in the learner's own time zone)."""

    date: str
    questions: int
    right: int


@dataclass(frozen=True)
class Sat:
    """An exam that was handed in: its marks, of how many, and when (ISO, UTC). No skill's mastery follows from it."""

    title: str
    got: float
    of: int
    at: str


@dataclass(frozen=True)
class Progress:
    """All texts are fit for display. `skills` the weakest first, `misconceptions` the most frequent first,
    `days` (only those with questions) in order, `due` ids of skills, the longest due first."""

    profile: str
    questions: int
    right: int
    skills: tuple[SkillProgress, ...]
    due: tuple[str, ...]
    misconceptions: tuple[Met, ...]
    finished: tuple[Finished, ...]
    lessons: int  # that come with the tutor
    open_quizzes: int
    finished_quizzes: int
    days: tuple[Day, ...]
    exercises: tuple[TriedExercise, ...] = ()  # of the lab
    exams: tuple[Sat, ...] = ()  # the latest first
    open_exams: int = 0


def report(store: Store, now: datetime | None = None) -> Progress:
    """What is known of the profile of `store`; `now` (with a zone) decides what is due."""
    answers, cards = store.answers(), store.cards()
    asked = mastery.questions(answers)
    due = practice.due(store, now or datetime.now(UTC))
    history = mastery.by_skill(asked)
    known = mastery.knowledge(answers)
    skills = [
        SkillProgress(
            id=one_line(skill),
            title=one_line(mastery.title(skill)),
            mastery=known.get(skill, mastery.TRACING.prior),
            questions=len(history.get(skill, ())),
            right=_right(history.get(skill, [])),
            due=cards[skill].due if skill in cards else None,
            is_due=skill in due,
        )
        for skill in sorted({*history, *cards})
    ]
    lessons = {entry.id: entry.title for entry in catalogue.entries()}
    every = store.sessions()
    exams = [session for session in every if session.id.startswith(EXAM)]
    sessions = [session for session in every if not session.id.startswith((EXAM, PAPER))]
    return Progress(
        profile=one_line(store.profile),
        questions=len(asked),
        right=_right(asked),
        skills=tuple(sorted(skills, key=lambda skill: skill.mastery)),
        due=tuple(one_line(skill) for skill in due),
        misconceptions=_met(answers),
        finished=tuple(Finished(one_line(id), one_line(lessons.get(id, id))) for id in sorted(store.finished())),
        lessons=len(lessons),
        open_quizzes=sum(not session.finished for session in sessions),
        finished_quizzes=sum(session.finished for session in sessions),
        days=_days(asked),
        exercises=tuple(TriedExercise(one_line(id), tried.tries, tried.done) for id, tried in store.tried().items()),
        exams=tuple(_sat(exams)),
        open_exams=sum(not session.finished for session in exams),
    )


def _sat(exams: list[SavedQuiz]) -> Iterator[Sat]:
    """The exams that were handed in; what is not as we keep it is left out."""
    for session in exams:
        with suppress(KeyError, TypeError, ValueError):
            found = session.state["result"]
            got, of = float(found["got"]), int(found["of"])
            if session.finished and 0 <= got <= of:
                yield Sat(one_line(str(found["title"])), got, of, session.at)


def _right(answers: list[GivenAnswer]) -> int:
    return sum(answer.verdict in ("correct", "rounded") for answer in answers)


def _met(answers: list[GivenAnswer]) -> tuple[Met, ...]:
    counts = Counter(answer.misconception for answer in answers if answer.misconception)
    last = {answer.misconception: answer for answer in answers if answer.misconception}
    return tuple(
        Met(
            id=one_line(id),
            title=MISCONCEPTIONS[id].title if id in MISCONCEPTIONS else one_line(id),
            count=count,
            last=last[id].at,
            skill=one_line(last[id].skill),
            lesson=one_line(last[id].lesson),
        )
        for id, count in counts.most_common()
    )


def _days(answers: list[GivenAnswer]) -> tuple[Day, ...]:
    by_day: dict[str, list[GivenAnswer]] = {}
    for answer in answers:
        by_day.setdefault(_date(answer.at), []).append(answer)
    return tuple(Day(date, len(found), _right(found)) for date, found in sorted(by_day.items()))


def _date(at: str) -> str:
    """The learner's own date of an ISO time; UTC's where there is none (the years 1 and 9999)."""
    with suppress(OverflowError, ValueError, OSError):
        return datetime.fromisoformat(at).astimezone().date().isoformat()
    return at[:10]


# ---------------------------------------------------------------- text, JSON, CSV


def text(progress: Progress, bars: bool = True) -> str:
    """The report in lines of at most 80 cells. What a bar shows is said before it; `bars=False` leaves bars out."""
    whose = say("Your progress")
    if progress.profile != DEFAULT:
        whose = say("Progress of {profile}", profile=progress.profile)
    counts = {"questions": plural(progress.questions, "question"), "right": f"{progress.right:,}"}
    told = [say("{questions}, {right} answered rightly.", **counts) if progress.questions else say(NO_QUESTIONS)]
    finished = plural(len(progress.finished), "lesson")
    told.append(say("{lessons} finished; {all} come with the tutor.", lessons=finished, all=progress.lessons))
    told.append(say_many(len(progress.due), "{n} skill due for review.", "{n} skills due for review."))
    if quizzes := progress.open_quizzes:
        told.append(say_many(quizzes, "{n} quiz begun and not finished.", "{n} quizzes begun and not finished."))
    if exams := progress.open_exams:
        told.append(say_many(exams, "{n} exam begun and not handed in.", "{n} exams begun and not handed in."))
    titles = {skill.id: skill for skill in progress.skills}
    by_day = say("Questions by day")
    if len(progress.days) > DAYS:
        by_day = say("Questions by day, the last {n} such days", n=DAYS)
    sections = [
        (say("Mastery by skill, the weakest first"), [_skill_line(skill, bars) for skill in progress.skills]),
        (say("Due for review"), [_due_line(titles[id]) for id in progress.due]),
        (say("Misconceptions met"), [_met_line(met) for met in progress.misconceptions]),
        (say("Exams"), [_exam_line(exam) for exam in progress.exams]),
        (say("Lessons finished"), [lesson.title for lesson in progress.finished]),
        (say("Exercises of the lab"), [exercise_line(exercise) for exercise in progress.exercises]),
        (by_day, [_day_line(day) for day in progress.days[-DAYS:]]),
    ]
    lines = [*wrap(whose, COLUMNS), *wrap(" ".join(told), COLUMNS)]
    for title, entries in sections:
        if entries:
            lines += ["", title, *(line for entry in entries for line in _indented(entry))]
    return "\n".join(lines) + "\n"


def _skill_line(skill: SkillProgress, bars: bool) -> str:
    questions = pad_left(plural(skill.questions, "question"), 15)
    line = f"{pad(cut(skill.title, 38), 38)}  {_percent(skill.mastery):>4}  {questions}"
    filled = round(skill.mastery * BAR)  # in ASCII, for any terminal and font
    return f"{line}  {'#' * filled}{'.' * (BAR - filled)}" if bars else line


def exercise_line(exercise: TriedExercise) -> str:
    """How far an exercise of the lab is, in words."""
    values = {"exercise": exercise.id, "tries": plural(exercise.tries, "try", "tries")}
    if not exercise.done:
        return say("{exercise}: {tries} so far", **values)
    return say("{exercise}: done on {date}, {tries}", date=said_date(_date(exercise.done)), **values)


def _due_line(skill: SkillProgress) -> str:
    return say("{skill}, since {date}", skill=skill.title, date=said_date(_date(skill.due or "")))


def _met_line(met: Met) -> str:
    return say("{slip}: {times}, last on {date}", slip=met.title, times=times(met.count),
               date=said_date(_date(met.last)))  # fmt: skip


def _exam_line(exam: Sat) -> str:
    return say("{exam}: {got} of {all} marks, on {date}", exam=exam.title, got=f"{exam.got:g}", all=exam.of,
               date=said_date(_date(exam.at)))  # fmt: skip


def _day_line(day: Day) -> str:
    return say("{date}: {questions}, {right} right", date=said_date(day.date),
               questions=plural(day.questions, "question"), right=f"{day.right:,}")  # fmt: skip


def said_date(date: str) -> str:
    """A date (ISO) as the learner's language writes it."""
    year, _, rest = date.partition("-")
    month, _, day = rest.partition("-")
    return say("{year}-{month}-{day}", year=year, month=month, day=day) if day else date


def _percent(share: float) -> str:
    """Rounded down: nobody is told that they are perfect."""
    return f"{int(share * 100)}%"


def _indented(entry: str) -> list[str]:
    return wrap(entry, COLUMNS, initial_indent="  ", subsequent_indent="    ")


def as_json(progress: Progress) -> str:
    """The fields of `Progress` as one JSON object."""
    return json_text(asdict(progress), indent=2) + "\n"


def as_csv(progress: Progress) -> str:
    """One table: a row a skill (`at`: when it is due), a misconception (`at`: when last), a finished lesson, a day,
    an exercise of the lab (`at`: when it was done), an exam (`right` of `count` marks)."""
    rows: list[tuple[Any, ...]] = [("what", "id", "title", "count", "right", "mastery", "at")]
    rows += [("skill", s.id, s.title, s.questions, s.right, f"{s.mastery:.3f}", s.due or "") for s in progress.skills]
    rows += [("misconception", m.id, m.title, m.count, "", "", m.last) for m in progress.misconceptions]
    rows += [("lesson", f.id, f.title, "", "", "", "") for f in progress.finished]
    rows += [("exam", "", e.title, e.of, f"{e.got:g}", "", e.at) for e in progress.exams]
    rows += [("day", day.date, "", day.questions, day.right, "", day.date) for day in progress.days]
    rows += [("exercise", e.id, "", e.tries, "", "", e.done or "") for e in progress.exercises]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[table_cell(value) for value in row] for row in rows])
    return out.getvalue()


FORMATS: dict[str, Callable[[Progress], str]] = {"text": text, "json": as_json, "csv": as_csv}

# ---------------------------------------------------------------- files


def export_file(store: Store, path: str | Path) -> dict[str, int]:
    """Write all of the profile to `path`, whole or not at all; returns how many of each there are.

    Only a file that is an export itself is replaced. Raises ProgressError.
    """
    data = store.export()
    name = one_line(str(path))
    try:
        target = Path(os.path.realpath(path))  # behind a link, so that the link stays
        if target.exists() and not _is_export(target):
            told = N_("{file} is there already and is no exported progress: choose another name.")
            raise ProgressError(say(told, file=name))
        write_whole(target, json.dumps(data, indent=1).encode())
    except (OSError, ValueError) as problem:
        raise ProgressError(say("{file} cannot be written: {why}.", file=name, why=_reason(problem))) from None
    return {part: len(value) for part, value in data.items() if isinstance(value, list | dict)}


def import_file(store: Store, path: str | Path) -> dict[str, int]:
    """Add an exported file to the profile; returns how many of each were new.

    Raises ProgressError, and then nothing of it is taken.
    """
    name = one_line(str(path))
    try:
        # Without waiting: a pipe would wait for somebody to write, a device for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ProgressError(say("{file} is no file: exported progress is one.", file=name))
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        raise ProgressError(say("{file} cannot be read: {why}.", file=name, why=_reason(problem))) from None
    if len(content) > MAX_BYTES:
        raise ProgressError(say("{file} is too large to be exported progress.", file=name))
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):  # a UnicodeDecodeError is one
        raise ProgressError(say("{file} is no exported progress: it is not JSON.", file=name)) from None
    try:
        return store.import_(data)
    except ValueError as problem:
        raise ProgressError(say("{file} is not taken, nothing of it: {why}.", file=name, why=said(problem))) from None


def counted(counts: dict[str, int]) -> str:
    """What `export_file` and `import_file` return, in words: "2 answers, 1 review, ..."."""

    def n(part: str) -> int:
        return counts.get(part, 0)

    told = [
        plural(n("answers"), "answer"),
        plural(n("cards"), "skill to review", "skills to review"),
        plural(n("sessions"), "quiz", "quizzes"),
        plural(n("finished"), "finished lesson"),
        plural(n("places"), "place in a lesson", "places in lessons"),
        plural(n("exercises"), "exercise of the lab", "exercises of the lab"),
    ]
    return ", ".join([*told, plural(n("notes"), "note")] if n("notes") else told)


def _is_export(path: Path) -> bool:
    if not path.is_file():
        return False  # a folder, a device, a pipe that would wait for a writer
    with open(path, "rb") as file:
        return file.read(100).startswith(json.dumps({"format": FORMAT}, indent=1).encode()[:-2])


def _reason(problem: Exception) -> str:
    return one_line(reason(problem))
