"""What is copied out of a lesson: a step, how it comes about, the whole pass; as text, Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias, get_args

from tutor.engine.trace import Step
from tutor.play.settings import Refused
from tutor.play.sitting import Sitting
from tutor.text import to_latex
from tutor.text.card import Formulas, Scribe
from tutor.text.language import N_, say
from tutor.text.lines import formula_lines, wrapped
from tutor.text.output import escape, in_markdown

What: TypeAlias = Literal["step", "derivation", "pass"]
WHATS: tuple[What, ...] = get_args(What)
SAID: dict[What, str] = {
    "step": N_("this step"),
    "derivation": N_("how it comes about, from the steps that it rests on"),
    "pass": N_("the whole pass: every step of this iteration"),
}


class Form(NamedTuple):
    """A way to write what is copied: how it ends a file's name, a step, and a title with the steps."""

    suffix: str
    step: Callable[[Step, Scribe], str]
    whole: Callable[[str, list[str]], str]


def copied(sitting: Sitting, what: What, form: str) -> str:
    """The text to be copied, ending in a line break. Raises Refused while a question is open: it would be answered.

    In predict mode the pass goes as far as it is known.
    """
    if sitting.still_asked:
        raise Refused(say("A question is open: what is copied would answer it."))
    steps = list(_steps(sitting, what))
    written = FORMS[form]
    parts = [written.step(step, sitting.scribe) for step in steps]
    title = say("{lesson}, iteration {n}", lesson=sitting.lesson.title, n=f"{sitting.cursor.iteration:,}")
    whole = written.whole(title, parts).rstrip("\n")
    return "\n".join(map(escape, whole.split("\n"))) + "\n"


def asked(text: str) -> tuple[What, str]:
    """What `copy pass latex` asks for; a step as text unless told. Raises Refused."""
    what, form = "step", "text"
    for word in text.lower().split():
        if word in WHATS:
            what = word
        elif word in FORMS:
            form = word
        else:
            raise Refused(
                say("copy takes {whats}, and {forms}: copy pass latex, for example.",
                    whats=", ".join(WHATS), forms=", ".join(FORMS))
            )  # fmt: skip
    return next(known for known in WHATS if known == what), form


def _steps(sitting: Sitting, what: What) -> Iterator[Step]:
    step, trace, example = sitting.step, sitting.trace, sitting.cursor.example
    if what == "step":
        yield step
        return
    known = trace.equations[: sitting.cursor.furthest + 1] if sitting.predict else trace.equations
    wanted = {eq.symbol.key for eq in known} if what == "pass" else _rests_on(step)
    for eq in known:
        if eq.symbol.key not in wanted:
            continue
        if what == "derivation" and eq is step.equation:
            yield step
        else:
            yield Step(trace, eq, None, example if eq.symbol.per_example else None)


def _rests_on(step: Step) -> set[str]:
    """The symbols, by key, of the steps of its own phase that a step rests on, and of itself."""
    by_key = step.trace.program.by_key
    found, edge = {step.equation.symbol.key}, [step.equation]
    while edge:
        for ref in Step(step.trace, edge.pop()).operands:
            below = by_key.get(ref.symbol.key)
            if below and below.phase == step.phase and ref.symbol.key not in found:
                found.add(ref.symbol.key)
                edge.append(below)
    return found


# ---------------------------------------------------------------- the forms


def _title(step: Step, scribe: Scribe) -> str:
    return scribe.explainer.title(step)


def _text(step: Step, scribe: Scribe) -> str:
    formulas = (f"  {line}".rstrip() for line in formula_lines(scribe.formulas(step)))
    return "\n".join([f"{_title(step, scribe)} [{step.id}]", *formulas, *wrapped(scribe.explainer.why(step)), ""])


def _whole_text(title: str, parts: list[str]) -> str:
    return "\n".join([title, "", *parts] if len(parts) > 1 else parts)


def _latex_of(card: Formulas) -> list[str]:
    """The equation, what its signs stand for, and the lines of a derivation, each to stand by itself."""
    name = card.main.docs[0]
    return [
        *(to_latex.equation(chain.docs) for chain in (card.main, *card.where)),
        *(to_latex.equation((name, *chain.docs)) for chain in card.derivation),
    ]


def _markdown(step: Step, scribe: Scribe) -> str:
    equations = [f"$$\n{latex}\n$$" for latex in _latex_of(scribe.formulas(step))]
    head = f"**{in_markdown(_title(step, scribe))}** `{step.id}`"
    return "\n\n".join([head, *equations, in_markdown(scribe.explainer.why(step))]) + "\n"


def _whole_markdown(title: str, parts: list[str]) -> str:
    return "\n".join([f"# {in_markdown(title)}\n", *parts] if len(parts) > 1 else parts)


def _latex(step: Step, scribe: Scribe) -> str:
    name = "".join(char if char.isascii() and char.isprintable() else "?" for char in step.id)
    return "\n".join([f"% {name}", *(f"\\[\n{latex}\n\\]" for latex in _latex_of(scribe.formulas(step)))])


def _whole_latex(title: str, parts: list[str]) -> str:
    return "\n".join(parts)


FORMS: dict[str, Form] = {
    "text": Form("txt", _text, _whole_text),
    "markdown": Form("md", _markdown, _whole_markdown),
    "latex": Form("tex", _latex, _whole_latex),
}
