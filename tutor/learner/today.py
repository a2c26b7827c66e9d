"""A sitting's beginning and end: a goal for the day, what was learnt, what slipped, what comes tomorrow."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from tutor.text.language import say
from tutor.text.output import escape
from tutor.text.words import plural, whole_number

if TYPE_CHECKING:
    from tutor.learner.store import Store

What = Literal["question", "lesson"]
GOAL, TOLD = "goal", "goal-told"  # names of settings
MOST = 1000  # of a goal
NO_GOAL = ("none", "no", "0", "-")
NAMED = 5  # skills and slips that a summary names


@dataclass(frozen=True)
class Goal:
    """So many questions, or lessons, a day."""

    count: int
    what: What

    def __str__(self) -> str:
        return plural(self.count, self.what)


def read_goal(text: str) -> Goal | None:
    """"10", "10 questions", "2 lessons", "a lesson"; None for "none". Raises ValueError, which says what to type.

    The nouns may be those of the learner's language, too, in which a goal is shown.
    """
    plain = text.strip().lower()
    if plain in NO_GOAL:
        return None
    kinds: tuple[What, ...] = ("question", "lesson")
    nouns = {noun: kind for kind in kinds for noun in (kind, f"{kind}s")}
    nouns |= {plural(n, kind).partition(" ")[2].lower(): kind for kind in kinds for n in (1, 2)}
    found = re.fullmatch(rf"(an?|[0-9]{{1,4}})?\s*({'|'.join(map(re.escape, nouns))})?", plain)
    count = whole_number(found[1], MOST) if found and found[1] and found[1].isdecimal() else 1
    if not plain or found is None or count is None or plain in ("a", "an"):
        raise ValueError(say("a number of questions (10), of lessons (1 lesson), or none"))
    return Goal(count, nouns.get(found[2], "question"))


def goal(store: Store) -> Goal | None:
    """The goal that the learner chose; None without one."""
    found = store.setting(GOAL)
    try:
        return read_goal(found) if isinstance(found, str) else None
    except ValueError:
        return None


def set_goal(store: Store, chosen: Goal | None) -> None:
    """Remember a goal, or that there is none."""
    store.save_setting(GOAL, f"{chosen.count} {chosen.what}s" if chosen else None)
    store.save_setting(TOLD, None)


def done_today(store: Store, chosen: Goal, now: datetime) -> int:
    """How much of a goal is done since the learner's own midnight."""
    since = _midnight(now)
    return store.asked_since(since) if chosen.what == "question" else len(store.finished(since))


def reached(store: Store, now: datetime) -> bool:
    """Whether the goal of today is reached, and it was not said yet: it is said once a day."""
    chosen, today = goal(store), now.astimezone().date().isoformat()
    if chosen is None or store.setting(TOLD) == today or done_today(store, chosen, now) < chosen.count:
        return False
    store.save_setting(TOLD, today)
    return True


def standing(store: Store, now: datetime) -> str:
    """'today 4 of 10 questions'; "" without a goal."""
    chosen = goal(store)
    if chosen is None:
        return ""
    done = done_today(store, chosen, now)
    if done < chosen.count:
        return say("today {done} of {chosen}", done=done, chosen=chosen)
    return say("today's goal reached: {done}", done=plural(done, chosen.what))


def _midnight(now: datetime) -> str:
    local = now.astimezone()
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC).isoformat(timespec="seconds")


# ---------------------------------------------------------------- the end


@dataclass(frozen=True)
class Summary:
    """What a sitting came to: questions and how many were right in the end, titles of all else, the likeliest first.

    `learnt` are skills that became known well enough to build on, `slipped` named slips with how often, and skills
    that were missed without one; `tomorrow` are the skills that are due by the end of the next day.
    """

    questions: int
    right: int
    learnt: tuple[str, ...]
    slipped: tuple[str, ...]
    finished: tuple[str, ...]
    tomorrow: tuple[str, ...]
    standing: str


def summary(store: Store, since: datetime, now: datetime) -> Summary | None:
    """What was done since a time; None where nothing was answered and no lesson finished."""
    from tutor.learner import practice
    from tutor.lessonfiles import catalogue
    from tutor.questions import mastery
    from tutor.questions.misconceptions import MISCONCEPTIONS

    began = since.astimezone(UTC).isoformat(timespec="milliseconds")
    answers, finished = store.answers(), store.finished(began[:19])
    new = [answer for answer in answers if answer.at >= began]
    if not new and not finished:
        return None
    asked = mastery.questions(new)
    before, after = mastery.knowledge(a for a in answers if a.at < began), mastery.knowledge(answers)
    known = {answer.skill for answer in new if after[answer.skill] >= mastery.READY}
    learnt = sorted(skill for skill in known if before.get(skill, 0.0) < mastery.READY)
    slips = Counter(answer.misconception for answer in new if answer.misconception in MISCONCEPTIONS)
    named = [
        say("{title} ({times})", title=title, times=plural(count, "time")) if count > 1 else title
        for id, count in slips.most_common()
        if id and (title := MISCONCEPTIONS[id].title)
    ]
    told = {answer.skill for answer in new if answer.misconception}
    missed = dict.fromkeys(
        a.skill for a in asked if a.verdict not in ("correct", "rounded") and a.skill not in {*told, *learnt}
    )
    titles = {entry.key: entry.title for entry in catalogue.entries()}
    end = (now.astimezone() + timedelta(days=1)).replace(hour=23, minute=59, second=59)
    return Summary(
        questions=len(asked),
        right=sum(answer.verdict in ("correct", "rounded") for answer in asked),
        learnt=tuple(mastery.title(skill) for skill in learnt),
        slipped=(*named, *(mastery.title(skill) for skill in missed)),
        finished=tuple(sorted(titles.get(lesson, lesson) for lesson in finished)),
        tomorrow=tuple(mastery.title(skill) for skill in practice.due(store, end)),
        standing=standing(store, now),
    )


def said(found: Summary) -> list[str]:
    """A summary in sentences, a line each."""
    lines = []
    if found.questions:
        questions = plural(found.questions, "question")
        lines.append(say("In this sitting: {questions}, {n} right in the end.", questions=questions, n=found.right))
    for head, titles in (
        (say("Finished"), found.finished), (say("Learnt"), found.learnt), (say("Slipped"), found.slipped),
    ):  # fmt: skip
        if titles:
            lines.append(f"{head}: {_listed(titles)}.")
    if found.tomorrow:
        lines.append(say("Due by tomorrow: {skills}.", skills=_listed(found.tomorrow)))
    else:
        lines.append(say("Nothing is due by tomorrow."))
    if found.standing:
        lines.append(f"{found.standing[:1].upper()}{found.standing[1:]}.")
    return lines


def tell_of_sitting(store: Store, since: datetime) -> None:
    """Print what a sitting came to, at its end; nothing where nothing was answered and no lesson finished."""
    new = store.asked_since(since.isoformat(timespec="milliseconds")) or store.finished(since.isoformat()[:19])
    if new and (found := summary(store, since, datetime.now(UTC))):
        print("\n".join(map(escape, said(found))))


def _listed(titles: tuple[str, ...]) -> str:
    more = len(titles) - NAMED
    return "; ".join(titles[:NAMED]) + (say("; and {n} more", n=more) if more > 0 else "")
