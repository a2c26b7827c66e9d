"""Cards, paths and prose as lines of plain text, as line mode says them, `trace` prints them and a page quotes them.

Prose is wrapped to `COLUMNS`; formulas stay on one line, however long.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from tutor.engine.lesson import Level
from tutor.engine.paths import Chain
from tutor.engine.program import Program
from tutor.engine.reuse import of_parameters, tally
from tutor.engine.trace import Step
from tutor.text.card import Card, Equality, Formulas, Scribe, big_count, others_words, zero_words
from tutor.text.cells import folded, pad, width
from tutor.text.language import say
from tutor.text.layout import bracketed, linear, number

COLUMNS = 78  # prose is wrapped to this; formulas stay on one line, however long


def card_lines(card: Card, level: Level) -> Iterator[str]:
    """A card as lines of text: the story, or formulas and the sentence of why; then the author's notes."""
    if level == "story":
        yield from wrapped(card.story)
    else:
        if card.warning:
            yield from wrapped(card.warning)
        if card.line:
            yield "  " + say("in {line}", line=card.line)
        yield from (f"  {line}" for line in formula_lines(card))
        yield from wrapped(card.unfolded) if card.unfolded else ()
        if level == "matrix" and card.dimensions:
            yield "  " + say("sizes {sizes}", sizes=card.dimensions)
        yield from wrapped(card.why)
        if card.general:
            yield f"  {general_line(card.general)}"
        if level == "matrix" and card.reuse:
            yield from wrapped(card.reuse)
    for note in card.notes:
        yield from (f"  | {line}".rstrip() for line in prose(note, COLUMNS - 4).splitlines())


def general_line(general: Equality) -> str:
    """A rule for any layer, with what the letter is here."""
    here = f" ({general.reason})" if general.reason else ""
    return say("for any layer: {rule}", rule=" = ".join(linear(doc) for doc in general.docs) + here)


def formula_lines(card: Formulas) -> Iterator[str]:
    """The step's equation with its numbers, what its signs stand for, and how a combined step comes about."""
    yield from chain_lines(card.main)
    for chain in card.where:
        yield say("where {meaning}", meaning=" = ".join(linear(doc) for doc in chain.docs))
    if card.derivation:
        yield say("how it comes about:")
        for chain in card.derivation:
            yield from (f"  {line}" for line in chain_lines(chain, ""))
            yield from wrapped(f"({chain.reason})", "    ", "    ")


def chain_lines(chain: Equality, name: str | None = None) -> list[str]:
    """name = formula = numbers = value with the = signs below each other; on one line if it is a mere copy.

    `name` stands in for a chain that has none, as a derivation's lines continue the line above.
    """
    texts = [linear(doc) for doc in chain.docs]
    if name is None:
        name = texts.pop(0)
        if len(texts) <= 2 and all(re.fullmatch(r"\S*", text) for text in texts):
            return [" = ".join((name, *texts))]
    texts = list(dict.fromkeys(texts))
    lead = f"{name} " if name else ""
    return [pad("" if at else lead, width(lead)) + f"= {text}" for at, text in enumerate(texts)]


def wrapped(text: str, first: str = "  ", then: str = "  ", columns: int = COLUMNS) -> list[str]:
    """A paragraph as lines of at most so many columns, each with its indent."""
    if width(text) != len(text):
        return folded(text, columns, first, then)
    return textwrap.wrap(
        text, columns, initial_indent=first, subsequent_indent=then, break_long_words=False, break_on_hyphens=False
    )


def put(question: str) -> str:
    """A question as lines of line mode."""
    return "\n".join(wrapped(question, "", "  "))


_ITEM = re.compile(r"\s*([-*+>|]\s|#+\s|\d+[.)]\s)")


def prose(text: str, columns: int = COLUMNS) -> str:
    """Markdown as it is read aloud: paragraphs wrapped anew, lists and headings on lines of their own."""
    paragraphs: list[str] = []
    fenced = False
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        lines: list[str] = []
        kept: list[bool] = []  # code keeps its lines as they are
        for line in block.splitlines():
            fence = line.lstrip().startswith("```")
            code = fenced or fence or line.startswith(("    ", "\t"))
            fenced ^= fence
            if code or not lines or kept[-1] or _ITEM.match(line):
                lines.append(line.rstrip() if code else line.strip())
                kept.append(code)
            else:
                lines[-1] += " " + line.strip()
        paragraphs.append(
            "\n".join(line if code else "\n".join(_item(line, columns)) for line, code in zip(lines, kept, strict=True))
        )
    return "\n\n".join(paragraphs)


def _item(line: str, columns: int) -> list[str]:
    """A paragraph wrapped; an item of a list with its lines below each other."""
    item = _ITEM.match(line)
    return wrapped(line, "", " " * len(item[0]) if item and item[1][0] not in "#>|" else "", columns)


def path_lines(scribe: Scribe, chain: Chain, step: Step) -> Iterator[str]:
    """A chain in lines: every listed path with its factors and its product, the rest, and the sum."""
    name = scribe.writer.text(chain.gradient)
    if not chain.paths:
        of = scribe.writer.text(chain.of)
        yield say("No path leads from {x} to the output: {gradient} is 0.", x=of, gradient=name)
        return
    count = say("one path") if chain.count == 1 else say("the sum over {n} paths", n=big_count(chain.count))
    yield f"[{chain.gradient.id}] {name}: {count}"
    if chain.rest is not None:
        yield "  " + say("the {n} largest:", n=len(chain.paths))
    for at, path in enumerate(chain.paths, start=1):
        if chain.count > 1:
            nodes = " ← ".join(scribe.writer.text(ref) for ref in path.nodes)
            yield "  " + say("path {n}: {nodes}", n=at, nodes=nodes)
        for factor in path.factors:
            yield "    " + " = ".join(linear(doc) for doc in scribe.factor(factor).docs)
        digits = path.digits_for(chain.digits)
        product = " · ".join(bracketed([number(factor.value, digits) for factor in path.factors]))
        product += f" = {number(path.product, chain.digits)}" if len(path.factors) > 1 else ""
        yield "    " + say("product: {product}", product=product)
    if chain.rest is not None:
        yield f"  {others_words(chain)}: {number(chain.rest, chain.digits)}"
    if chain.zero:
        yield f"  {zero_words(chain)}"
    if chain.count > 1:
        yield "  " + say("the sum: {sum}", sum=f"{name} = {number(chain.total)}")
    if said := scribe.beyond(chain):
        yield from wrapped(said)
    derived = scribe.derivation(step if step.index is not None else step.at(chain.of.index))
    if derived:
        yield say("how it comes about:")
    for line in derived:
        yield "  " + " = ".join(linear(doc) for doc in line.docs)
        yield from wrapped(f"({line.reason})", "    ", "    ")


def reuse_lines(program: Program) -> Iterator[str]:
    """The multiplications of the chain rule for one example, gradient by gradient: with reuse and path by path."""
    found = tally(program)
    if not found:
        yield say("The multiplications are not counted here: there are too many local derivatives.")
        return
    yield say("Multiplications of the chain rule for one example: with reuse, and path by path.")
    for key, entry in found.items():
        if entry.here or entry.here_by_path:
            yield f"  {key.rstrip('@'):12} {big_count(entry.here):>12} {big_count(entry.here_by_path):>16}"
    reused, by_path = of_parameters(program)
    yield "  " + say("All of it takes {n} with reuse.", n=big_count(reused))
    yield "  " + say("The parameters' gradients alone would take {n} path by path.", n=big_count(by_path))
