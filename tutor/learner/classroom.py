"""A class: the answers in the exports of many learners, and what a teacher wants to know of them.

Nothing here is merged into anybody's mastery. A learner is a file; the same file twice counts once. A question's
difficulty is the share of first tries that are right; its discrimination the correlation of being right at first with
the share of the learner's other questions that were (the corrected item-total correlation of classical test theory).
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutor.handouts.documents import DOCUMENTS
from tutor.handouts.sheets import Block, Heading, Paragraph, Points, Table
from tutor.learner.rows import import_answer
from tutor.lessonfiles.catalogue import one_line
from tutor.questions.mastery import GivenAnswer
from tutor.questions.mastery import skill as skill_of
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.text.language import N_, said, say, say_many
from tutor.text.output import table_cell
from tutor.text.words import plural, reason, sentence, times

MOST_FILES, MAX_FILE = 5_000, 64 << 20
RIGHT = frozenset(("correct", "rounded"))
SLIPS_TO_TALK_ABOUT = 5
TABLES = ("questions", "skills", "slips", "learners", "answers")
FEW = 5  # learners; of fewer no discrimination is worked out
NOT_FOR_MARKS = N_(
    "For teaching, not for marks: each learner's file was written by the learner's own machine, and can be changed."
)


class NoClass(ValueError):
    """There is no export to report on; str() says which file is none, and why."""


@dataclass(frozen=True)
class Learner:
    """A learner's answers, the oldest first; the name is that of the file."""

    name: str
    answers: tuple[GivenAnswer, ...]


# ---------------------------------------------------------------- rows


def rows_of(answers: Iterable[GivenAnswer], learner: str) -> list[dict[str, Any]]:
    """Answers as rows of a table, a row each (docs/progress.md)."""
    return [
        {
            "learner": learner,
            "lesson": answer.lesson,
            "question": answer.item,
            "step": None if answer.item.startswith("author:") else answer.item.partition(":")[2],
            "skill": answer.skill,
            "kind": answer.kind,
            "asked": answer.asked,
            "typed": answer.given,
            "verdict": answer.verdict,
            "slip": answer.misconception,
            "credit": answer.credit,
            "try": answer.tries,
            "hints": answer.hints,
            "seconds": answer.seconds,
            "session": answer.session,
            "when": answer.at,
            "id": answer.id,
        }
        for answer in answers
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV, with a head; a text that a spreadsheet would take for a formula begins with '."""
    out = io.StringIO()
    names = list(rows[0]) if rows else ["learner"]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in names])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4g}"
    return table_cell(value)


# ---------------------------------------------------------------- reading


def read_exports(paths: Sequence[Path]) -> list[Learner]:
    """The learners in some files, and in the *.json of folders. Raises NoClass for a file that is no export."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(path.glob("*.json"))
        else:
            files.append(path)
    if not files:
        told = say("there is no *.json in {folder}: a learner writes one with progress --export",
                   folder=one_line(str(paths[0])))  # fmt: skip
        raise NoClass(told)
    if len(files) > MOST_FILES:
        n, most = f"{len(files):,}", f"{MOST_FILES:,}"
        raise NoClass(say("{n} files are too many at once: {most} at most", n=n, most=most))
    found: list[Learner] = []
    seen: set[frozenset[str]] = set()
    for file in files:
        answers = tuple(sorted(_answers(file), key=lambda answer: answer.at))
        ids = frozenset(answer.id for answer in answers)
        if ids and ids in seen:
            continue  # the same file twice
        seen.add(ids)
        found.append(Learner(file.stem, answers))
    return found


def _answers(file: Path) -> Iterator[GivenAnswer]:
    name = one_line(str(file))
    try:
        if file.stat().st_size > MAX_FILE:
            raise NoClass(say("{file} is too large to be exported progress", file=name))
        data = json.loads(file.read_bytes())
    except OSError as error:
        raise NoClass(say("cannot read {file}: {why}", file=name, why=reason(error))) from None
    except (ValueError, RecursionError):
        raise NoClass(say("{file} is no exported progress: it is not JSON", file=name)) from None
    if not isinstance(data, dict) or data.get("format") != "backprop-tutor progress":
        raise NoClass(say("{file} is no exported progress: a learner writes one with progress --export", file=name))
    rows = data.get("answers", [])
    for at, row in enumerate(rows if isinstance(rows, list) else [None]):
        try:
            yield import_answer(row)
        except ValueError as error:
            place, why = f"answers[{at}]", one_line(said(error))[:120]
            raise NoClass(say("{file}: {place} cannot be read: {why}", file=name, place=place, why=why)) from None
        except (TypeError, KeyError):
            raise NoClass(say("{file}: {place} cannot be read", file=name, place=f"answers[{at}]")) from None


# ---------------------------------------------------------------- what they show


@dataclass(frozen=True)
class OfQuestion:
    """A question over all learners. `easy`: the share right at first; `tells`: its discrimination, NaN for few."""

    lesson: str
    question: str
    asked: str
    skill: str
    learners: int
    easy: float
    tells: float
    tries: float
    slip: str | None


def _first_tries(learner: Learner) -> dict[tuple[str, str], GivenAnswer]:
    """Of each question the learner's first answer."""
    found: dict[tuple[str, str], GivenAnswer] = {}
    for answer in learner.answers:
        found.setdefault((answer.lesson, answer.item), answer)
    return found


def by_question(learners: Sequence[Learner]) -> list[OfQuestion]:
    """Every question that was answered, the hardest first."""
    firsts = [_first_tries(learner) for learner in learners]
    scores = [{key: float(a.verdict in RIGHT) for key, a in first.items()} for first in firsts]
    every: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, first in enumerate(firsts):
        for key in first:
            every[key].append(at)
    tries: dict[tuple[str, str], list[int]] = defaultdict(list)
    slips: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for learner in learners:
        most: dict[tuple[str, str], int] = {}
        for answer in learner.answers:
            key = (answer.lesson, answer.item)
            most[key] = max(most.get(key, 0), answer.tries)
            if answer.misconception:
                slips[key][answer.misconception] += 1
        for key, count in most.items():
            tries[key].append(count)
    found = []
    for key, those in every.items():
        answer = firsts[those[0]][key]
        right = [scores[at][key] for at in those]
        rest = [_rest(scores[at], key) for at in those]
        named = slips[key].most_common(1)
        found.append(
            OfQuestion(
                *key,
                asked=answer.asked,
                skill=answer.skill,
                learners=len(those),
                easy=sum(right) / len(right),
                tells=_correlation(right, rest),
                tries=sum(tries[key]) / len(tries[key]),
                slip=named[0][0] if named else None,
            )
        )
    return sorted(found, key=lambda q: (q.easy, -q.learners, q.lesson, q.question))


def _rest(scores: Mapping[tuple[str, str], float], key: tuple[str, str]) -> float:
    """The share of the other questions that were right at first; NaN where there is no other."""
    return (sum(scores.values()) - scores[key]) / (len(scores) - 1) if len(scores) > 1 else math.nan


def _correlation(a: Sequence[float], b: Sequence[float]) -> float:
    pairs = [(x, y) for x, y in zip(a, b, strict=True) if not math.isnan(y)]
    if len(pairs) < FEW:
        return math.nan
    mean_a, mean_b = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
    covariance = sum((x - mean_a) * (y - mean_b) for x, y in pairs)
    spread = math.sqrt(sum((x - mean_a) ** 2 for x, _ in pairs) * sum((y - mean_b) ** 2 for _, y in pairs))
    return covariance / spread if spread > 1e-12 else math.nan


@dataclass(frozen=True)
class OfSlip:
    """A named slip: how often, of how many learners, and one answer that shows it."""

    slip: str
    title: str
    remedy: str
    count: int
    learners: int
    example: GivenAnswer


def by_slip(learners: Sequence[Learner]) -> list[OfSlip]:
    """The slips that were met, that of the most learners first."""
    count: Counter[str] = Counter()
    who: dict[str, set[int]] = defaultdict(set)
    example: dict[str, GivenAnswer] = {}
    for at, learner in enumerate(learners):
        for answer in learner.answers:
            if answer.misconception:
                count[answer.misconception] += 1
                who[answer.misconception].add(at)
                example.setdefault(answer.misconception, answer)
    found = []
    for slip in sorted(count, key=lambda s: (-len(who[s]), -count[s], s)):
        entry = MISCONCEPTIONS.get(slip)
        title, remedy = (sentence(entry.title), entry.remedy) if entry else (slip, "")
        found.append(OfSlip(slip, title, remedy, count[slip], len(who[slip]), example[slip]))
    return found


def by_skill(learners: Sequence[Learner]) -> list[dict[str, Any]]:
    """Each skill over all learners: questions, the share right at first and in the end; the weakest first."""
    asked: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for learner in learners:
        last: dict[tuple[str, str], GivenAnswer] = {}
        for answer in learner.answers:
            last[answer.lesson, answer.item] = answer
        for key, first in _first_tries(learner).items():
            asked[first.skill].append((first.verdict in RIGHT, last[key].verdict in RIGHT))
    rows = [
        {
            "skill": skill,
            "title": skill_of(skill).title,
            "questions": len(pairs),
            "right_at_first": sum(first for first, _ in pairs) / len(pairs),
            "right_in_the_end": sum(end for _, end in pairs) / len(pairs),
        }
        for skill, pairs in asked.items()
    ]
    return sorted(rows, key=lambda row: (row["right_at_first"], row["skill"]))


def by_learner(learners: Sequence[Learner]) -> list[dict[str, Any]]:
    """Each learner: questions, the share right at first, what slipped most; who needs help most first."""
    rows = []
    for learner in learners:
        first = _first_tries(learner)
        slips = Counter(answer.misconception for answer in learner.answers if answer.misconception)
        right = sum(answer.verdict in RIGHT for answer in first.values())
        rows.append(
            {
                "learner": learner.name,
                "questions": len(first),
                "right_at_first": right / len(first) if first else math.nan,
                "minutes": sum(answer.seconds for answer in learner.answers) / 60,
                "slip": slips.most_common(1)[0][0] if slips else None,
            }
        )
    return sorted(rows, key=lambda row: (row["questions"] == 0, row["right_at_first"], row["learner"]))


# ---------------------------------------------------------------- the report


def report_files(learners: Sequence[Learner], names: bool = True) -> dict[str, str]:
    """The files of a report: `report.html`, and `questions`, `skills`, `slips`, `learners`, `answers` as CSV."""
    if not names:
        learners = [Learner(say("learner {n}", n=at), learner.answers) for at, learner in enumerate(learners, 1)]
    questions, slips = by_question(learners), by_slip(learners)
    skills, people = by_skill(learners), by_learner(learners)
    return {
        "report.html": DOCUMENTS["html"].write(say("Class report"), _page(learners, questions, slips, skills, people)),
        "questions.csv": table([vars(question) for question in questions]),
        "skills.csv": table(skills),
        "slips.csv": table(
            [{"slip": s.slip, "title": s.title, "count": s.count, "learners": s.learners} for s in slips]
        ),
        "learners.csv": table(people),
        "answers.csv": table([row for learner in learners for row in rows_of(learner.answers, learner.name)]),
    }


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.0f} %"


def _page(
    learners: Sequence[Learner],
    questions: Sequence[OfQuestion],
    slips: Sequence[OfSlip],
    skills: Sequence[Mapping[str, Any]],
    people: Sequence[Mapping[str, Any]],
) -> Iterator[Block]:
    total = sum(len(learner.answers) for learner in learners)
    yield Heading(say("What the class got wrong"), 1)
    counted = say(
        "{learners}, {answers} to {questions}.",
        learners=plural(len(learners), "learner"),
        answers=plural(total, "answer"),
        questions=plural(len(questions), "question"),
    )
    yield Paragraph(f"{counted} {say(NOT_FOR_MARKS)}")
    yield Heading(say("To talk about tomorrow"))
    for slip in slips[:SLIPS_TO_TALK_ABOUT]:
        how = {"k": slip.learners, "times": times(slip.count)}
        count = say_many(len(learners), "{k} of {n} learner, {times}", "{k} of {n} learners, {times}", **how)
        yield Heading(f"{slip.title} {count}", 3)
        asked = (slip.example.asked or slip.example.item).replace(say(", or an expression"), "")
        yield Paragraph(say("For example: {asked} – “{answer}”", asked=asked, answer=slip.example.given))
        yield Paragraph(slip.remedy)
    if not slips:
        yield Paragraph(say("No answer showed a mistake that has a name."))
    yield Heading(say("Who needs help"))
    yield Table(
        tuple(
            (row["learner"], str(row["questions"]), _percent(row["right_at_first"]), _title(row["slip"]))
            for row in people[:20]
        ),
        (say("learner"), say("questions"), say("right at first"), say("slipped most")),
    )
    yield Heading(say("By skill"))
    yield Table(
        tuple(
            (row["title"], str(row["questions"]), _percent(row["right_at_first"]), _percent(row["right_in_the_end"]))
            for row in skills
        ),
        (say("skill"), say("questions"), say("right at first"), say("in the end")),
    )
    yield Heading(say("By question, the hardest first"))
    yield Table(
        tuple(
            (
                q.lesson,
                (q.asked or q.question)[:160],
                str(q.learners),
                _percent(q.easy),
                "–" if math.isnan(q.tells) else f"{q.tells:.2f}",
                f"{q.tries:.1f}",
                _title(q.slip),
            )
            for q in questions[:200]
        ),
        (
            say("lesson"),
            say("question"),
            say("learners"),
            say("right at first"),
            say("tells apart"),
            say("tries"),
            say("slipped most"),
        ),
    )
    yield Points(
        (
            say("Right at first: the share of learners whose first answer was right."),
            say(
                "Tells apart: the correlation of that with the rest of the learner's answers; near 0 or below, look at "
                "the question. It takes {few} learners.",
                few=FEW,
            ),
            say("All of it as tables: {files}.", files=", ".join(f"{name}.csv" for name in TABLES)),
        )
    )


def _title(slip: str | None) -> str:
    entry = MISCONCEPTIONS.get(slip) if slip else None
    return sentence(entry.title) if entry else slip or ""
