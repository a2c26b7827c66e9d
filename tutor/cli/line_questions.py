"""Questions in lines: quizzes, drills and reviews, and a single question of predict mode."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from tutor.learner import placement
from tutor.learner.mistakes import diagnosis, mistakes, replay, typed
from tutor.learner.placing import MOST
from tutor.learner.practice import PracticeItem, Series, with_new_numbers
from tutor.learner.progress import said_date
from tutor.learner.records import Stopwatch, keep_quiz, keep_quiz_answer, keep_try
from tutor.learner.store import Store
from tutor.pictures.diagram import tell
from tutor.play.commands import MISTAKES, PRACTICE, QUIZ, in_lines
from tutor.play.names import names
from tutor.play.playback import come_to
from tutor.questions import quiz
from tutor.questions.attempt import Asking, give_up, hint, respond
from tutor.questions.items import Item
from tutor.questions.quiz import Quiz
from tutor.text import glossary
from tutor.text.card import Scribe, terms_of
from tutor.text.conventions import plan
from tutor.text.language import say
from tutor.text.layout import linear
from tutor.text.lines import card_lines, put, wrapped
from tutor.text.output import escape
from tutor.text.words import plural, whole_number

# ---------------------------------------------------------------- quizzes


def play_quiz(
    store: Store,
    id: str,
    session: Quiz,
    items: list[Item],
    ask: Callable[[str], str | None],
    out: Callable[[str], None],
) -> Quiz:
    """A quiz in lines: a line an answer; `skip` and `back` move, `known` lists the values, `end` and `quit` leave."""
    grows = placement.is_placement(id)
    many = say("{questions}, seed {seed}", questions=plural(len(items), "question"), seed=session.seed)
    many = say("{n} questions at most", n=MOST) if grows else many
    commands = ", ".join(f"`{command}`" for command in in_lines(QUIZ))
    out(say("{many}. One try each. {commands}.\n", many=many, commands=commands))
    if grows:
        out(say("What you leave open counts as not known: `skip` says that you do not know.\n"))
    watch = Stopwatch()
    while not session.finished:
        item = items[session.at]
        place = str(session.at + 1) if grows else say("{n} of {count}", n=session.at + 1, count=len(items))
        out(put(f"{place}, {item.step.trace.lesson.title}: {item.prompt}"))
        for number, choice in enumerate(item.choices, start=1):
            out(f"  {number}. {choice}")
        line = ask("? ")
        word = "quit" if line is None else line.strip().lower()
        if word == "quit":
            keep_quiz(store, id, session)
            if store.lasting:
                out(say("The quiz is kept: the same command goes on with it."))
            return session
        if word in ("skip", "back"):
            session, items = placement.skipped(id, session, items, 1 if word == "skip" else -1)
            keep_quiz(store, id, session)
            watch.lap()
        elif word == "known":
            _say_known(item, items, out)
        elif word == "map":
            _say_map(item, items, out)
        elif word == "end":
            session = quiz.end(session)
            keep_quiz(store, id, session)
        else:
            session, items, verdict = placement.answered(id, session, items, line or "")
            if verdict.free:
                out(f"  {verdict.message}")
                keep_quiz(store, id, session)
            else:
                keep_quiz_answer(store, id, session, item, (line or "").strip(), verdict, watch)
    _say_report(session, items, out, placement.said(store) if grows else "")
    return session


def _say_terms(item: Item, out: Callable[[str], None]) -> Callable[[str], None]:
    """Says what a term means; without one, the terms of the question's step."""

    def terms(term: str) -> None:
        for text in glossary.answer(term[:MAX_TERM], terms_of(item.step)):
            out(escape(text))

    return terms


def _say_names(item: Item, out: Callable[[str], None]) -> None:
    """The names of the question's lesson, and what each stands for."""
    trace = item.step.trace
    for name, said in names(trace, Scribe(trace, item.writer.id)):
        for text in wrapped(f"{name}: {said}"):
            out(text)


def _say_known(item: Item, items: list[Item], out: Callable[[str], None]) -> None:
    """The plan, what is given, and the values before the step asked about that no other question asks for."""
    if item.alone:
        out("  " + say("The question says all that it needs."))
        return
    trace = item.step.trace
    writer = Scribe(trace, trace.lesson.notation).writer
    first = quiz.needed(item, items)
    for ref in first:
        out(f"  {writer.text(ref)} = {linear(writer.value(trace.value(ref), max(item.step.digits, 4)))}")
    for text in plan(trace, trace.lesson.notation):
        out(f"  {text}")
    for ref in quiz.known(item, items):
        out(f"  {writer.text(ref)} = {linear(writer.value(trace.value(ref)))}")


def _say_map(item: Item, items: list[Item], out: Callable[[str], None]) -> None:
    """The network in words, as far as the questions may show it."""
    if item.alone:
        out("  " + say("The question says all that it needs."))
        return
    step = item.step
    cursor = come_to(step.trace, quiz.known_until(item, items), step.example, item.writer.id)
    for text in tell(step.trace, Scribe(step.trace, cursor.notation), step, cursor):
        out(f"  {text}")


def _say_report(session: Quiz, items: list[Item], out: Callable[[str], None], said: str = "") -> None:
    """The report; what it comes to, if that is `said`, before the questions."""
    marked = quiz.report(session, items)
    out(f"\n{quiz.score(marked)}\n")
    if said:
        out(f"{said}\n")
    for number, entry in enumerate(marked, start=1):
        right = entry.verdict is not None and entry.verdict.correct
        word = say("right") if right else say("not answered") if entry.verdict is None else say("wrong")
        out(put(f"{number}. {word}: {entry.item.prompt}"))
        if entry.verdict is not None and not right:
            given, told = escape(entry.given or ""), entry.verdict.message
            out("   " + say("you: {given}. {diagnosis}", given=given, diagnosis=told))
        if not right:
            for hint_ in entry.item.hints[1:]:
                out(f"   {hint_}")


# ---------------------------------------------------------------- practice


def play_practice(
    store: Store, exercises: Iterable[PracticeItem], ask: Callable[[str], str | None], out: Callable[[str], None]
) -> None:
    """Exercises in lines, three tries each: `hint`, `show`, `known`, = before an expression, `quit`."""
    out(say("Three tries each. `hint`, `show`, `known`, = before an expression to compute it, `skip`, `quit`.\n"))
    right = done = 0
    series = Series(exercises)
    before: PracticeItem | None = None  # the one that was done last
    while following := series.following():
        exercise, begun = following
        item = exercise.item
        seed = "" if item.seed is None else say(" (seed {seed})", seed=item.seed)
        if (number := item.step.trace.iteration.number) > 1:
            seed += say(" In iteration {n}: `known` lists the values.", n=number)
        out(put(f"{item.prompt}{seed}"))
        for number, choice in enumerate(item.choices, start=1):
            out(f"  {number}. {choice}")
        wanted: list[str] = []
        asking = ask_item(store, exercise.lesson, begun, ask, out, leaves=("skip", "again"), left=wanted.append)
        if asking is None:
            break
        if wanted:
            series.skip(exercise, asking)
        if wanted == ["again"]:
            if more := with_new_numbers(store, before or exercise):
                series.put_first(more)
            else:
                out("  " + say("This question has no other numbers."))
        if wanted:
            out("")
            continue
        before = exercise
        done += 1
        right += asking.last is not None and asking.last.correct
        out("\n".join(_worked(item)) + "\n")
    else:
        out(say("That is all for now."))
    if done:
        out(say("{right} of {done} right.", right=right, done=done))


def play_mistakes(store: Store, ask: Callable[[str], str | None], out: Callable[[str], None]) -> None:
    """What was answered wrongly, the latest first, then questions of it again: `again N`, `new N`, `all`, `quit`."""
    found = mistakes(store.answers())
    for text in mistake_lines(store):
        out(text)
    while found and (line := ask("? ")) is not None:
        word, _, rest = line.strip().lower().partition(" ")
        at = whole_number(rest.strip(), len(found))
        if word == "quit":
            return
        if word == "all":
            play_practice(store, replay(store, [each for each in found if not each.mended]), ask, out)
        elif word in ("again", "new") and at:
            play_practice(store, replay(store, [found[at - 1]], word == "new"), ask, out)
        else:
            for name, what in in_lines(MISTAKES).items():
                out(f"  {name:16} {what}")


def mistake_lines(store: Store) -> Iterator[str]:
    """The questions that were answered wrongly, the latest first, each with what was typed and what that shows."""
    found = mistakes(store.answers())
    if not found:
        yield say("No question was answered wrongly yet.")
    for number, each in enumerate(found, start=1):
        since = say(", right since") if each.mended else ""
        asked = each.last.asked or each.last.item
        when = said_date(each.last.at[:10])
        yield from wrapped(escape(f"{number}. {asked} ({each.last.lesson}, {when}{since})"), "", "   ")
        for answer in each.answers:
            told = say("you: {given}. {diagnosis}", given=typed(answer), diagnosis=diagnosis(answer))
            yield from wrapped(escape(told), "     ", "     ")


def _worked(item: Item) -> list[str]:
    """What is shown of a question that is done: its step, or of a part of a step that part."""
    if item.worked:
        return [row for text in item.worked for row in wrapped(text)]
    return list(card_lines(Scribe(item.step.trace, item.step.trace.lesson.notation).card(item.step), "scalar"))


ASKED = ("hint", "show", "known", "=", "help", "quit")  # of every question
MAX_TERM = 200


def ask_item(
    store: Store | None,
    lesson: str | None,
    asking: Asking,
    ask: Callable[[str], str | None],
    out: Callable[[str], None],
    besides: Mapping[str, Callable[[str], None]] | None = None,
    leaves: Collection[str] = (),
    left: Callable[[str], None] = lambda word: None,
) -> Asking | None:
    """Put a question, or one that was begun, until it is answered, given up or out of tries; None if one leaves.

    Without a store or a lesson nothing is kept of it. `besides` has commands that work beside the question and take
    what stands behind them; they cost nothing. A command of `leaves` leaves the question open: `left` is told which.
    """
    item, watch = asking.item, Stopwatch()
    own = {
        "glossary": _say_terms(item, out),
        "names": lambda rest: _say_names(item, out),
        "map": lambda rest: _say_map(item, [item], out),
    }
    besides = {**own, **(besides or {})}
    while not asking.done:
        line = ask("? ")
        word = "quit" if line is None else line.strip().lower()
        if word == "quit":
            return None
        if word in leaves:
            left(word)
            return asking
        if word == "known":
            _say_known(item, [item], out)
            continue
        if word == "help":
            for name, what in in_lines(PRACTICE).items():
                if name.split(" ")[0] in {*besides, *ASKED, *leaves}:
                    out(f"  {name:16} {what}")
            continue
        first, _, rest = word.partition(" ")
        if first in besides:
            besides[first](rest.strip())
            continue
        before = len(asking.said)
        asking = hint(asking) if word == "hint" else give_up(asking) if word == "show" else respond(asking, line or "")
        if store is not None and lesson is not None:
            keep_try(store, lesson, asking, watch)
        for said in asking.said[before:]:
            if said.kind != "you":
                out(f"  {said.text}")
    return asking
