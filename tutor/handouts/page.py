"""A lesson as one HTML file that anybody opens: no server, no network, nothing to install.

What the player says of each step, at every level and in every notation, is written beforehand as HTML. A small script
(assets/page.js, with verdicts.js) shows one of these cards at a time, asks in predict mode, and never computes a step.
The cards stand in the file as JSON, deflated and in base64, cards that are alike side by side: so a lesson with some
hundred parameters stays under `LARGEST`. Without the script it is the lesson to read, in matrices and its own notation.

A policy in the file's head forbids every address and every script but that one: text of a lesson is data.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tutor.engine.expressions import Ref, indices
from tutor.engine.lesson import AuthorQuestion, Lesson
from tutor.engine.trace import Step, Trace, trace
from tutor.handouts.asked import Asked, asked
from tutor.lessonfiles.catalogue import data_dir
from tutor.lessonfiles.translation import language_of
from tutor.pictures.drawing import drawing_of, marks_of
from tutor.pictures.lit import lit_by_items, lit_by_step
from tutor.pictures.scene import Known
from tutor.play import playback
from tutor.questions.authored import author_id
from tutor.questions.grading import grade
from tutor.questions.items import Item
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.question import CLEAR, DIGITS, PLAIN, Question
from tutor.text.card import Card, Operand, Scribe
from tutor.text.conventions import conventions
from tutor.text.language import language, say, say_in, say_many
from tutor.text.notations import NOTATIONS
from tutor.text.output import json_text
from tutor.text.templates import filled, words_of
from tutor.text.to_html import element, equality, escaped, formula, markdown

LARGEST = 500_000  # bytes of a page
BUDGETS = (3000, 1200, 500, 200)  # cards of single cells in a notation; less where the page would be too large
MOST_EXAMPLES = 8
MOST_STEPS = 400
MOST_SLIPS = 40  # that a question knows
MADE_BY = "backprop-tutor page"


class PageTooLarge(ValueError):
    """The lesson has more steps than a page can carry; str() says so in a sentence."""


@dataclass(frozen=True)
class Page:
    """A page and what of the lesson is not on it, a sentence each."""

    html: str
    cut: tuple[str, ...]


@dataclass(frozen=True)
class _Part:
    """How much of a lesson is on the page: so many examples, so many cells of an array one by one."""

    examples: int
    cells: int


def page(lesson: Lesson, notation: str = "", index: bool = False) -> Page:
    """The page of a lesson, opened in a notation (default: its own); `index`: index.html is beside it.

    Raises PageTooLarge.
    """
    here = trace(lesson)
    if len(here.equations) > MOST_STEPS:
        raise PageTooLarge(
            say(
                "'{lesson}' has {n} steps: a page carries up to {most}",
                lesson=lesson.id, n=f"{len(here.equations):,}", most=MOST_STEPS,
            )
        )  # fmt: skip
    for budget in BUDGETS:
        part = _part(here, budget)
        found = _page(here, notation or lesson.notation, part, index)
        if len(found.html.encode()) <= LARGEST:
            return found
    most = LARGEST // 1000
    raise PageTooLarge(say("'{lesson}' would be larger than {most} kB as a page", lesson=lesson.id, most=most))


def _part(here: Trace, budget: int) -> _Part:
    """As many examples and cells as the budget of cards allows: first examples are left out, then cells."""

    def cards(examples: int, cells: int) -> int:
        return sum(
            (examples if eq.symbol.per_example else 1) * min(math.prod(eq.symbol.shape), cells) for eq in here.equations
        )

    cells = max((math.prod(eq.symbol.shape) for eq in here.equations), default=1)
    examples = min(here.examples, MOST_EXAMPLES)
    while examples > 1 and cards(examples, cells) > budget:
        examples -= 1
    while cells > 1 and cards(examples, cells) > budget:
        cells //= 2
    return _Part(examples, cells)


def _cut(here: Trace, part: _Part) -> tuple[str, ...]:
    said = []
    if part.examples < here.examples:
        said.append(
            say_many(
                part.examples,
                "Of the {all} examples the first is on this page.",
                "Of the {all} examples the first {n} are on this page.",
                all=here.examples,
            )
        )
    if any(math.prod(eq.symbol.shape) > part.cells for eq in here.equations):
        said.append(
            say_many(
                part.cells,
                "Of a large array the first cell can be stepped one by one; the program has all of them.",
                "Of a large array the first {n} cells can be stepped one by one; the program has all of them.",
            )
        )
    return tuple(said)


# ---------------------------------------------------------------- what the script is given


def _page(here: Trace, notation: str, part: _Part, index: bool) -> Page:
    lesson, names = here.lesson, list(NOTATIONS)
    scribes = [Scribe(here, name) for name in names]
    cut, own = _cut(here, part), names.index(notation)
    steps = [_step(here, at, scribes, part) for at in range(len(here.equations))]
    texts = [_texts(scribe, cut) for scribe in scribes]
    data = {
        "words": words_of(_script()),
        "notations": [say(NOTATIONS[name].title) for name in names],
        "notation": own,
        "level": lesson.level,
        "examples": part.examples,
        "steps": steps,
        "texts": texts,
    }
    all_steps = "\n".join(step["cards"][0]["matrix"][own] for step in steps)
    title = element("h1", lesson.title, _in_its_language(lesson))
    return Page(_html(lesson.title, {"title": title, **texts[own]}, all_steps, data, index), cut)


def _step(here: Trace, at: int, scribes: Sequence[Scribe], part: _Part) -> dict[str, Any]:
    eq = here.equations[at]
    cells = list(indices(eq.symbol.shape))[: part.cells]
    shown = range(part.examples) if eq.symbol.per_example else (None,)
    cards = []
    for example in shown:
        whole = Step(here, eq, None, example)
        cards.append(
            {
                "story": [_story(whole, scribe) for scribe in scribes],
                "matrix": [_card(whole, scribe) for scribe in scribes],
                "scalar": [[_card(whole.at(index), scribe) for scribe in scribes] for index in cells],
            }
        )
    return {
        "id": eq.symbol.id,
        "phase": say_in("phase", eq.phase),
        "shape": list(eq.symbol.shape),
        "batched": eq.symbol.per_example,
        "names": [scribe.writer.text(Ref(eq.symbol)) for scribe in scribes],
        "cards": cards,
        "questions": list(zip(*(_questions(here, at, scribe) for scribe in scribes), strict=False)),
    }


def _texts(scribe: Scribe, cut: Iterable[str]) -> dict[str, str]:
    lesson = scribe.trace.lesson
    facts = "".join(f"<li>{escaped(said)}</li>" for said in (*conventions(scribe.trace, scribe.notation), *cut))
    drawing = drawing_of(scribe.trace, scribe.notation)
    own = _in_its_language(lesson)
    return {
        "intro": f"<div{own}>{markdown(scribe.prose(lesson.intro))}</div><ul class='facts'>{facts}</ul>",
        "outro": f"<div{own}>{markdown(scribe.prose(lesson.outro))}</div>",
        "picture": drawing.svg(marked=True),
    }


def _in_its_language(lesson: Lesson) -> str:
    """The attribute of what is in the lesson's own words, where those are in another language than the page."""
    code = language_of(lesson)
    return f' lang="{code}"' if code not in ("", language()) else ""


# ---------------------------------------------------------------- cards


def _card(step: Step, scribe: Scribe) -> str:
    card = scribe.card(step)
    return _article(step, card, scribe, _formulas(step, card, scribe))


def _story(step: Step, scribe: Scribe) -> str:
    card = scribe.card(step)
    turns = [f"<p><b>{escaped(t.speaker)}</b>{escaped(t.text.removeprefix(t.speaker))}</p>" for t in card.turns]
    return _article(step, card, scribe, iter(turns or [f"<p>{escaped(card.story)}</p>"]))


def _article(step: Step, card: Card, scribe: Scribe, parts: Iterator[str]) -> str:
    own = _in_its_language(step.trace.lesson)
    notes = "".join(f'<blockquote class="note"{own}>{markdown(note)}</blockquote>' for note in card.notes)
    lit = escaped(" ".join(lit_at(step, scribe)))
    head = element("h2", card.title)
    return f'<article data-id="{escaped(card.id)}" data-lit="{lit}">{head}{"".join(parts)}{notes}</article>'


def _formulas(step: Step, card: Card, scribe: Scribe) -> Iterator[str]:
    if card.warning:
        yield f'<p class="warning">{escaped(card.warning)}</p>'
    if card.line:
        line = say("in {line}", line=f"<code>{escaped(card.line)}</code>")
        yield f'<p class="line">{line}</p>'
    yield equality(card.main, "main")
    if card.where:
        yield f'<div class="where"><p>{escaped(say("where"))}</p>{"".join(map(equality, card.where))}</div>'
    if card.derivation:
        lines = "".join(map(equality, card.derivation))
        yield f'<details><summary>{escaped(say("How it comes about"))}</summary>{lines}</details>'
    yield f'<p class="why">{escaped(card.why)}</p>'
    if step.index is None:
        if card.dimensions:
            yield f'<p class="sizes">{escaped(say("Sizes: {sizes}", sizes=card.dimensions))}</p>'
        if card.reuse:
            yield f'<p class="reuse">{escaped(card.reuse)}</p>'
    if card.operands:
        values = "".join(f"<li>{_operand(operand, step, scribe)}</li>" for operand in card.operands)
        if card.more_operands:
            values += f"<li>{escaped(say('and {n} more', n=format(card.more_operands, ',')))}</li>"
        yield f'<h3>{escaped(say("What it is made from"))}</h3><ul class="from">{values}</ul>'
    if card.used_by:
        users = "".join(f"<li>{_leads(id, escaped(name))}</li>" for name, id in card.used_by)
        yield f'<h3>{escaped(say("What uses it"))}</h3><ul class="to">{users}</ul>'


def _operand(operand: Operand, step: Step, scribe: Scribe) -> str:
    """A value that the step uses: where it is in the picture, and which step made it."""
    said = f"{escaped(operand.name)} = {formula(operand.value)}"
    lit = escaped(" ".join(lit_at(step, scribe, operand.ref)))
    if operand.id is None:
        return f'<span class="given" data-lit="{lit}" tabindex="0">{said} <small>{escaped(say("given"))}</small></span>'
    return _leads(operand.id, said, lit)


def _leads(id: str, said: str, lit: str = "") -> str:
    """What leads to a step; without the script it is its words alone."""
    return f'<button type="button" data-to="{escaped(id)}" data-lit="{lit}">{said}</button>'


def lit_at(step: Step, scribe: Scribe, ref: Ref | None = None) -> list[str]:
    """The marks in the picture of a value, or of all that the step uses or makes."""
    if step.trace.program.model.layers:
        known = Known(step.trace, scribe, step, playback.Cursor())
        return marks_of(lit_by_items(known, [(ref.symbol.id, ref.index or ())]) if ref else lit_by_step(known))
    meant = [ref.symbol] if ref else [step.equation.symbol, *(operand.symbol for operand in step.operands)]
    return list(dict.fromkeys(f"s/{(symbol.wrt or symbol).id}" for symbol in meant))


# ---------------------------------------------------------------- questions


def _questions(here: Trace, at: int, scribe: Scribe) -> Iterator[dict[str, Any]]:
    """What predict mode asks at a step, one after the other, with all that its verdicts need."""
    answered: set[tuple[int, str]] = set()
    cursor = playback.Cursor(at=at)
    while item := playback.question(cursor, here, scribe.writer, answered):
        answered.add((1, playback.asked_key(item)))
        yield _question(asked(item))


def _question(about: Asked) -> dict[str, Any]:
    item = about.item
    record: dict[str, Any] = {
        "prompt": about.on_paper,
        "given": [f"{name} = {value}" for name, value in about.given],
        "answer": about.answer,
        "hints": list(item.hints[:-1]),
        "working": list(about.working),
    }
    if _of_author(item, worded=True) and _in_its_language(about.lesson):
        record["lang"] = language_of(about.lesson)
    if about.right is not None:
        foreseen = _foreseen(item)
        authors = [[m.value, m.says] for m in about.mistakes if m.value in foreseen]
        mistakes = list(_slips(item.question)) if item.question else []
        record |= {"right": about.right, "authors": authors, "mistakes": mistakes, "digits": _digits(item)}
        record |= _rounding(item.question) if item.question else {"count": not _of_author(item, worded=True)}
    elif about.choices:
        record |= {"choices": [[c.text, c.right, c.says] for c in about.choices], "many": about.many}
    return record


def _rounding(question: Question) -> dict[str, Any]:
    """How far off an answer may be and still be right, or rounded, or a slip's: what `assets/verdicts.js` goes by."""
    slack = [question.slack(kept) if kept > 1 else 0.0 for kept in range(9)]
    return {
        "shown": question.from_shown,
        "tolerance": question.tolerance if math.isfinite(question.tolerance) else 0.0,
        "scale": question.scale,
        "near": bool(question.shown_is_near),
        "slack": [found if math.isfinite(found) else 0.0 for found in slack],
        "plain": PLAIN * abs(question.right),
        "clear": CLEAR,
        "wrong": list(dict.fromkeys(float(f"{s.value:.9g}") for s in question.slips if math.isfinite(s.value))),
    }


def _of_author(item: Item, worded: bool = False) -> AuthorQuestion | None:
    """The author's question that an item is; `worded`: if it is in the author's own words."""
    own = next((q for q in item.step.trace.lesson.questions if author_id(q) == item.id), None)
    return own if own and (own.ask or not worded) else None


def _slips(question: Question) -> Iterator[list[Any]]:
    """The numbers of the likeliest slips with what is said of each, also of those that only more digits tell apart."""
    entries = sorted(question.slips, key=lambda slip: slip.distance + 10 * MISCONCEPTIONS[slip.misconception].rare)
    values = dict.fromkeys(slip.value for slip in entries if math.isfinite(slip.value))
    for value in list(values)[:MOST_SLIPS]:
        verdict = grade(question, f"{value:#.6g}")
        if verdict.slips:
            yield [value, verdict.message]


def _foreseen(item: Item) -> set[float]:
    """The wrong answers that the author foresaw."""
    own = _of_author(item)
    return {float(wrong.answer) for wrong in own.wrong if not isinstance(wrong.answer, str)} if own else set()


def _digits(item: Item) -> int:
    """How many significant digits are asked for."""
    own = _of_author(item)
    return item.question.digits if item.question else own.digits if own else DIGITS


# ---------------------------------------------------------------- the file


@cache
def _asset(name: str) -> str:
    return (data_dir("assets") / name).read_text(encoding="utf-8")


def _script() -> str:
    return _asset("verdicts.js") + _asset("page.js")


def _head(title: str, script: str = "") -> str:
    """The head of a file: its policy lets no address in, and no script but this one."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    scripts = f" script-src 'sha256-{digest}';" if script else ""
    policy = f"default-src 'none'; style-src 'unsafe-inline';{scripts} base-uri 'none'; form-action 'none'"
    return (
        f'<!DOCTYPE html>\n<html lang="{language()}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="{MADE_BY}">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{_asset('page.css')}</style>\n</head>\n"
    )


def _html(title: str, texts: dict[str, str], steps: str, data: dict[str, Any], index: bool) -> str:
    script = _script()
    packed = base64.b64encode(zlib.compress(json_text(data).encode(), 9)).decode()
    parts = {
        "back": f'<a class="index" href="index.html">{escaped(say("All lessons"))}</a>' if index else "",
        "steps": re.sub(r"<(/?)button[^>]*>", r"<\1span>", steps),
        **texts,
    }
    body = filled(_asset("page.html"), **parts)
    kept = f'<script type="application/json+deflate+base64" id="data">{packed}</script>'
    return f"{_head(title, script)}<body>\n{body}{kept}\n<script>{script}</script>\n</body>\n</html>\n"


def index_page(lessons: Sequence[tuple[str, Lesson]]) -> str:
    """The list of a folder's lessons: (file name, lesson), in the order in which they are to be read."""
    entries = []
    unit = None
    for name, lesson in lessons:
        if lesson.unit and lesson.unit != unit:
            entries.append(f"<h2>{escaped(say(lesson.unit))}</h2>")
        unit = lesson.unit
        link = f'<a href="{escaped(name)}">{escaped(lesson.title)}</a>'
        entries.append(f'<p class="entry"{_in_its_language(lesson)}>{link}<br>{escaped(lesson.summary)}</p>')
    title, listed = say("Lessons"), "\n".join(entries)
    return f"{_head(title)}<body>\n<main>\n<h1>{escaped(title)}</h1>\n{listed}\n</main>\n</body>\n</html>\n"
