"""The whole algorithm on one page: a network's general formulas as a loop, every letter explained by this network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tutor.engine.expressions import Ref, Symbol, refs
from tutor.engine.model import Equation
from tutor.engine.trace import Trace
from tutor.text.general import LAST, General, Generic, at_output, generic, is_back, role
from tutor.text.language import say
from tutor.text.layout import Doc, linear, to_ascii
from tutor.text.lines import COLUMNS, wrapped
from tutor.text.to_latex import latex
from tutor.text.words import activation_word, plural
from tutor.text.writer import Writer

NAMED = 4  # values of this network that a formula makes, named one by one


@dataclass(frozen=True)
class PageFormula:
    """A formula of the page, and what of this network it makes."""

    general: General
    here: str


@dataclass(frozen=True)
class PagePart:
    """Formulas that are worked out together, for the layers that the heading says."""

    heading: str
    entries: tuple[PageFormula, ...]


@dataclass(frozen=True)
class OnePage:
    """The page: its parts in order, and the letters with what each stands for here."""

    title: str
    parts: tuple[PagePart, ...]
    letters: tuple[tuple[str, str], ...]


def one_page(trace: Trace, notation: str) -> OnePage | None:
    """The page of a lesson in a notation; None of a circuit, which has no layers."""
    rules = generic(trace.lesson, notation)
    if rules is None:
        return None
    layers = trace.program.model.layers
    made: dict[tuple[str, str, bool], list[Symbol]] = {}
    for eq in trace.equations:
        made.setdefault(role(eq, len(layers)), []).append(eq.symbol)
    writer, parts = Writer(trace.lesson, notation), _headings(rules, len(layers))
    found: dict[str, list[PageFormula]] = {key: [] for key in parts}
    boxed = set(rules.notation.boxes.values())
    batch = trace.examples > 1  # then the gradients of one example stand within their mean
    for at, eq in reversed(rules.rules.items()):
        back = is_back(eq)
        within = (back and eq.rule in boxed) or (batch and eq.rule in ("weight_gradient", "bias_gradient"))
        if at in made and not within:
            found[_part(eq, back)].append(PageFormula(rules.written(eq), _here(writer, made[at])))
    title = say("{title}: the whole algorithm, for any layer", title=trace.lesson.title)
    listed = tuple(PagePart(parts[key], tuple(entries)) for key, entries in found.items() if entries)
    return OnePage(title, listed, tuple(_letters(trace, writer, rules)))


def _part(eq: Equation, back: bool) -> str:
    if eq.phase == "backward":
        return "output" if at_output(eq, LAST) else "back" if back else "gradients"
    return eq.phase


def _headings(rules: Generic, depth: int) -> dict[str, str]:
    """The parts in the order of the loop, each with its heading."""
    entry = rules.notation
    letter, low = entry.layer, entry.weights_first
    top = entry.last if entry.first == entry.weights_first else f"{entry.last} − 1"
    gradients = {
        "gradients": say(
            "Gradients, for {letter} = {top}, … {next}, {low}", letter=letter, top=top, next=low + 1, low=low
        )
    }
    back = {
        "back": say(
            "Back to the layer before, for {letter} = {last} − 1, … {first}",
            letter=letter,
            last=entry.last,
            first=entry.first,
        )
    }
    if entry.steps_down:
        gradients = {
            "gradients": say(
                "Backward, for {letter} = {top}, … {next}, {low}", letter=letter, top=top, next=low + 1, low=low
            )
        }
        back = {"back": say("and then, unless {letter} is {low}, back to the layer before", letter=letter, low=low)}
    return {
        "forward": say("Forward, for {letter} = {low}, {next}, … {top}", letter=letter, low=low, next=low + 1, top=top),
        "loss": say("Loss"),
        "output": say("Backward, at the output"),
        **(gradients | back if entry.steps_down else back | gradients),
        "update": say("Update, for every {letter}, when all gradients are there", letter=letter),
    }


def _here(writer: Writer, symbols: list[Symbol]) -> str:
    """The values of this network that a rule makes, in the order in which it does, with their sizes."""
    symbols = [symbol for symbol in symbols if symbol.shape]
    named = [writer.text(Ref(symbol)) + _size(symbol) for symbol in symbols]
    return ", ".join([*named[: NAMED - 1], "…", named[-1]] if len(named) > NAMED else named)


def _size(symbol: Symbol) -> str:
    return f" ({'×'.join(map(str, symbol.shape))})" if symbol.shape else ""


def _letters(trace: Trace, writer: Writer, rules: Generic) -> Iterator[tuple[str, str]]:
    """Every letter, explained by pointing at this network."""
    entry, layers = rules.notation, trace.program.model.layers
    depth, first, low = len(layers), entry.first, entry.weights_first
    pre = next(eq for eq in rules.trace.equations if eq.symbol.id == "z2")
    letters = rules.writer(pre)

    def each(symbols: list[Symbol]) -> str:
        return say("here {it}", it=_here(writer, symbols))

    small = {eq.symbol.id: eq.symbol for eq in rules.trace.equations}
    weights, biases = (ref.symbol for ref in _operands(pre))
    fed = linear(letters.name(Ref(small["z2"])))
    count = f"{low}" if depth == 1 else say("{low} to {high}", low=low, high=depth + low - 1)
    yield entry.layer, say("the number of a layer's weights; here {n}", n=count)
    apart = say("; {loss} alone is the loss", loss=entry.loss) if entry.last == entry.loss else ""
    last, units = depth + first - 1, plural(layers[-1].units, "unit")
    yield entry.last, say("the last layer: {n} here, with {units}{apart}", n=last, units=units, apart=apart)
    to, origin = entry.units
    yield (
        f"{to}, {origin}",
        say(
            "a unit that is fed, and one that feeds it: weights have a row for each {to}, a column for each {origin}",
            to=to,
            origin=origin,
        ),
    )
    into = each([layer.weights for layer in layers])
    yield (
        linear(letters.name(Ref(weights))),
        say("the weights that {fed} is made with; {into}", fed=fed, into=into),
    )
    own = [layer.biases for layer in layers if layer.biases]
    if own:
        yield linear(letters.name(Ref(biases))), say("the biases; {each}", each=each(own))
    yield fed, say("the weighted sums of a layer; {each}", each=each([layer.pre_activation for layer in layers]))
    if depth > 1:
        hidden = [layer.activation for layer in layers[:-1]]
        yield (
            linear(letters.name(Ref(small["a2"]))),
            say("what the units of a layer put out; {each}", each=each(hidden)),
        )
        signs = ", ".join(dict.fromkeys(activation_word(layer.activation_name) for layer in layers[:-1]))
        yield letters.function("sigmoid", 2), say("the activation of a hidden layer; here {signs}", signs=signs)
    nought = Writer(rules.trace.lesson, rules.id).text(Ref(Symbol("a0", (2,), "activation", 0)))
    given = writer.text(Ref(layers[0].feeds))
    if nought != given:
        yield nought, say("the input {given}", given=given)
    sign = letters.function(layers[-1].activation_name, LAST)
    if layers[-1].activation_name not in ("linear", sign):
        yield say("{sign}, at the output", sign=sign), activation_word(layers[-1].activation_name)
    yield writer.text(Ref(trace.program.model.data[1])), say("the targets")
    if trace.lesson.training:
        yield entry.rate, say("the learning rate: {rate} here", rate=f"{trace.lesson.training.learning_rate:g}")
    if trace.examples > 1:
        yield "n, e", say("the examples of a batch, {n} here, and one of them", n=trace.examples)


def _operands(eq: Equation) -> list[Ref]:
    return [ref for ref in refs(eq.formula) if ref.symbol.quantity in ("weights", "biases")]


# ---------------------------------------------------------------- as text


def equations(entry: PageFormula) -> list[tuple[str, tuple[Doc, Doc]]]:
    """The formulas of an entry: (what it is of, (name, formula)), whole and of one."""
    general = entry.general
    return [("", (general.name, general.formula)), *([(say("one of them"), general.cell)] if general.cell else [])]


def text(page: OnePage) -> Iterator[str]:
    """The page as lines for a terminal."""
    yield page.title
    for part in page.parts:
        yield from ("", part.heading)
        for entry in part.entries:
            for of, (name, formula) in equations(entry):
                yield f"  {'  ' if of else ''}{linear(name)} = {linear(formula)}"
            yield from wrapped(say("here {it}", it=entry.here), "      ", "      ") if entry.here else ()
    yield from ("", say("The letters"))
    for name, said in page.letters:
        yield from wrapped(f"{name}: {said}", "  ", "    ", COLUMNS)


def markdown(page: OnePage) -> Iterator[str]:
    """The page as lines of Markdown, formulas between dollars."""
    yield f"# {page.title}"
    for part in page.parts:
        yield from ("", f"## {part.heading}", "")
        for entry in part.entries:
            found = "; ".join(f"${latex(name)} = {latex(formula)}$" for _, (name, formula) in equations(entry))
            yield f"- {found}" + (f" ({say('here {it}', it=entry.here)})" if entry.here else "")
    yield from ("", f"## {say('The letters')}", "")
    yield from (f"- {name}: {said}" for name, said in page.letters)


def as_latex(page: OnePage) -> Iterator[str]:
    """The formulas of the page as LaTeX, for the inside of a document; ASCII only."""
    for part in page.parts:
        yield f"% {to_ascii(part.heading)}"
        yield r"\begin{align*}"
        rows = [f"{latex(name)} &= {latex(formula)}" for e in part.entries for _, (name, formula) in equations(e)]
        yield from [row + r" \\" for row in rows[:-1]] + rows[-1:]
        yield r"\end{align*}"


def record(page: OnePage) -> dict[str, object]:
    """The page as data for programs."""
    return {
        "title": page.title,
        "parts": [
            {
                "heading": part.heading,
                "formulas": [
                    {
                        "formula": _said(entry.general.name, entry.general.formula),
                        "one": _said(*entry.general.cell) if entry.general.cell else None,
                        "here": entry.here,
                    }
                    for entry in part.entries
                ],
            }
            for part in page.parts
        ],
        "letters": [{"name": name, "meaning": said} for name, said in page.letters],
    }


def _said(name: Doc, formula: Doc) -> str:
    return f"{linear(name)} = {linear(formula)}"
