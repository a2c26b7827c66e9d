"""Which mistake gives exactly the number that was typed, and the right formula beside the wrong one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tutor.engine.activations import derivative, prime_of
from tutor.engine.expressions import ZERO, Call, Const, Expr, Ref, evaluate, product, refs, rewrite, total, walk
from tutor.engine.trace import Step, Trace
from tutor.engine.unfolding import replaced
from tutor.questions.answers import Answer
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.misconceptions.rewriting import FAR
from tutor.questions.question import TOLERANCE, Question
from tutor.questions.rounding import NEAT, close, same
from tutor.questions.same_formula import FIXED, has_names, read_off, resolved, there, value_at
from tutor.questions.slips import Slip, looking, table_for, unique
from tutor.text.language import say
from tutor.text.layout import linear
from tutor.text.words import capital
from tutor.text.writer import Writer


def matches(value: float, answer: Answer, least: int) -> bool:
    """Whether an answer is that value at the digits typed (at least `least`), or, as an expression, exactly.

    An expression with numbers in it that were read off is as exact as they are.
    """
    if answer.digits is None:
        return close(value, answer.value, 5e-4 if answer.rounded else 1e-6)
    return close(value, answer.value, 1e-12) or (answer.digits >= least and same(value, answer.value, answer.digits))


def diagnosed(question: Question, answer: Answer) -> list[Slip]:
    """The slips that an answer shows; one an idea and equation, the likeliest first.

    A typed formula is evidence: it shows the slips whose formula it is, whatever other numbers are the same. Only one
    with numbers in it that may have been read off the screen is taken by its value, if it is no slip's as it stands.
    """
    formula = answer.formula
    if formula is None or not has_names(formula):
        found = _by_value(question, answer)
    else:
        found = by_form(question, formula)
        if not found and read_off(formula):
            found = by_form(question, resolved(question.step, formula)) or _by_value(question, answer)
        found = [replace(slip, typed=formula) for slip in found]
    if formula is None and close(answer.value, -question.right, TOLERANCE):
        step = question.step  # a lost minus is likelier than slips further back that turn the sign by chance
        if not any(slip.equation is step.equation or _turns(step.trace, slip) for slip in found):
            return []
    return sorted(found, key=lambda slip: slip.distance + MISCONCEPTIONS[slip.misconception].rare)


def _turns(trace: Trace, slip: Slip) -> bool:
    """Whether a slip turns the sign of what it is made at whatever the numbers are, as a lost minus does."""
    rng, here = np.random.default_rng(0), looking(trace, {})
    moved: dict[str, np.ndarray] = {}
    for ref in (*refs(slip.wrong), *refs(slip.equation.formula)):
        symbol = ref.symbol
        if symbol.key not in moved and symbol not in trace.program.model.data and symbol.quantity not in FIXED:
            value = np.asarray(here(Ref(symbol)), dtype=float)
            moved[symbol.key] = value * rng.uniform(0.5, 2, value.shape)
    wrong, right = (np.asarray(evaluate(f, looking(trace, moved))) for f in (slip.wrong, slip.equation.formula))
    return bool(np.allclose(wrong, -right, rtol=1e-9, atol=0))


def by_form(question: Question, formula: Expr) -> list[Slip]:
    """The slips whose formula this is: they agree with it here, and wherever the lesson's numbers are others."""
    for reach in (0, FAR):  # a formula is evidence enough for a slip far back, where a number would be chance
        if found := list(unique(of_form(question.step, formula, reach))):
            return found
    return []


def of_form(step: Step, formula: Expr, reach: int) -> Iterator[Slip]:
    """The slips that a formula agrees with here and in the other sets of numbers."""
    entries, at = table_for(step.trace, step.equation, reach).entries, None
    for other in (step, *there(step)):
        values = table_for(other.trace, other.equation, reach).at(other)
        at = np.arange(len(values)) if at is None else at
        at = at[np.isclose(values[at], value_at(other, formula), rtol=1e-7, atol=0)]
        if not at.size:
            return
    for k in at if at is not None else ():
        yield Slip(*entries[int(k)], value_at(step, formula))


def _by_value(question: Question, answer: Answer) -> list[Slip]:
    """The slips whose value is the answer at the digits typed."""
    near = question.slips_near(answer.value, 0.06)
    if answer.digits is not None and answer.digits < 2:
        return [slip for slip in near if close(slip.value, answer.value, NEAT)]
    exact = [slip for slip in near if matches(slip.value, answer, 2)]
    if exact or (answer.digits is not None and answer.digits <= question.digits):
        return exact
    # With more digits than were asked for, the last ones show what was read off the screen.
    return [
        slip
        for slip in near
        if slip.equation is question.step.equation
        and not question.many
        and (shown := question.worked_as_shown(question.step.specialise(slip.wrong))) is not None
        and shown.shape == ()
        and matches(float(shown), answer, 2)
    ]


def explained(question: Question, named: list[Slip]) -> str:
    """What is said of the slips that give exactly this answer, at least one, the likeliest first."""
    first = named[0]
    says = MISCONCEPTIONS[first.misconception]
    at = _shown_at(question, first)
    title = capital(says.title)
    if at is not question.step:
        title = say("{slip} (at {name})", slip=title, name=question.writer.text(at.ref))
    return f"{title}. {says.remedy}{_also(named)}"


def kind_of(named: list[Slip]) -> str:
    """The kind of slip alone: neither where it was made nor what mends it."""
    return f"{capital(MISCONCEPTIONS[named[0].misconception].title)}.{_also(named)}"


def _also(named: list[Slip]) -> str:
    """What else leads to the same answer, in a sentence; "" where nothing does."""
    first = named[0]
    says = MISCONCEPTIONS[first.misconception]
    entries = dict.fromkeys(MISCONCEPTIONS[slip.misconception] for slip in named)
    also = [entry.title for entry in entries if entry != says and (says.rare or not entry.rare)]
    if not also:
        return ""
    ways = say("; or if ").join(also)
    if first.typed is not None and not read_off(first.typed):
        return " " + say("The same formula also comes out if {ways}.", ways=ways)
    return " " + say("The same number also comes out if {ways}.", ways=ways)


def located(question: Question, slip: Slip) -> str:
    """Where a slip was made: in which value, and at which of its factors or terms; without the right formula."""
    beside = compare(question, slip)
    too_much, missing = _names(beside.wrong), _names(beside.right)
    if len(too_much) == 1:
        return say("Look at {name}, and there at {it}.", name=beside.name, it=too_much[0])
    if not too_much and len(missing) == 1:
        return say("Look at {name}: {it} belongs in it.", name=beside.name, it=missing[0])
    return say("Look at {name}.", name=beside.name)


def _names(pieces: Sequence[tuple[str, bool]]) -> list[str]:
    """The factors and terms that differ in a formula, each as it is written there: marks alone are none."""
    text = "".join(piece for piece, _ in pieces)
    differs = [different for piece, different in pieces for _ in piece]
    found: dict[str, None] = {}
    for part in re.finditer(r"[^\s·⊙∘+−]+", text):
        name = part[0]
        if name.count("(") != name.count(")"):  # a bracket of the formula, and none of the name
            name = name.strip("()")
        if re.search(r"\w", name) and name.count("(") == name.count(")") and any(differs[part.start() : part.end()]):
            found[name] = None
    return list(found)


class _Makers:
    """For the elements of a trace, the elements that they are made from: gone over again for each cell of a matrix."""

    def __init__(self) -> None:
        self._before: dict[Key, list[tuple[Key, Step]]] = {}

    def before(self, key: Key, step: Step) -> list[tuple[Key, Step]]:
        """The steps that make the operands of a step of one element, with their keys; at most 64."""
        if key not in self._before:
            if len(self._before) > 20_000:
                self._before.clear()
            makers = [step.trace.maker(ref) for ref in step.operands[:64]]
            steps = [maker.at(()) if maker.index is None else maker for maker in makers if maker]
            self._before[key] = [(_key(maker.ref), maker) for maker in steps]
        return self._before[key]


Key = tuple[str, "tuple[int, ...] | None", "int | None"]


def _key(ref: Ref) -> Key:
    return ref.symbol.key, ref.index, ref.example


def _shown_at(question: Question, slip: Slip) -> Step:
    """The element of a slip's equation to show: one that the asked element rests on, and that the slip changes."""
    step = question.step
    if slip.equation is step.equation:
        return step
    makers = step.trace.memo.of(_Makers)
    edge, seen = [(_key(step.ref), step)], {_key(step.ref)}
    first: Step | None = None
    for _ in range(slip.distance + 2):  # a mean over the batch is a further equation
        following: list[tuple[Key, Step]] = []
        for at in edge:
            for key, maker in makers.before(*at):
                if key in seen or len(seen) >= 500:
                    continue
                seen.add(key)
                if maker.equation is not slip.equation:
                    following.append((key, maker))
                    continue
                first = first or maker
                right, wrong = _both(question.writer, maker, slip)
                if right != wrong:
                    return maker
        edge = following
    symbol = slip.equation.symbol
    example = (step.example or 0) if symbol.per_example else None
    return first or Step(step.trace, slip.equation, (0,) * len(symbol.shape), example)


def _both(writer: Writer, element: Step, slip: Slip) -> tuple[str, str]:
    """The right formula and the wrong one of an element, as text."""
    right, wrong = (rewrite(element.specialise(formula), _cancelled) for formula in (slip.equation.formula, slip.wrong))
    if any(isinstance(node, Call) and node.op == "choose" and _says_where(node.args[0]) for node in walk(wrong)):
        right, wrong = _settled(element, right), _settled(element, wrong)
    texts = linear(writer.formula(right)), linear(writer.formula(wrong))
    if texts[0] == texts[1]:  # where a textbook has one sign for the slope of any activation, say which slope
        texts = linear(writer.formula(_slopes_written_out(right))), linear(writer.formula(_slopes_written_out(wrong)))
    return texts


def _cancelled(node: Expr) -> Expr | None:
    """x · 4 / 4 as the x that it is."""
    if isinstance(node, Call) and node.op == "div" and isinstance(node.args[0], Call) and node.args[0].op == "mul":
        x, *rest = node.args[0].args
        if rest == [node.args[1]] and isinstance(rest[0], Const):
            return x
    return None


def _says_where(node: Expr) -> bool:
    """Whether it is a 1 or 0 that says where something stands: a word's row, the winner of a window."""
    return isinstance(node, Call) and node.op in ("hit", "wins_max", "wins_min")


def _settled(element: Step, formula: Expr) -> Expr:
    """A formula in which it is decided where things stand: what was overwritten is long to write, and short to see."""

    def change(node: Expr) -> Expr | None:
        if _says_where(node):
            return Const(float(evaluate(node, element.trace.value)))
        if not isinstance(node, Call):
            return None
        if node.op == "choose" and isinstance(node.args[0], Const):
            return node.args[1] if node.args[0].value > 0 else node.args[2]
        if node.op == "mul" and len(node.args) == 2:
            return ZERO if ZERO in node.args else product(*node.args)
        if node.op == "add":
            return total([arg for arg in node.args if arg != ZERO] or [ZERO])
        return None

    return rewrite(formula, change)


def _written_out(question: Question, slip: Slip) -> str:
    """The asked formula, the values between it and the slip's equation written out; as it is, where that is long."""
    step, writer = question.step, question.writer

    def put_in(formula: Expr, depth: int) -> Expr:
        def change(ref: Ref) -> Expr | None:
            maker = None if ref.batched else step.trace.maker(ref)
            if maker is None:
                return None
            if maker.equation is slip.equation:
                return maker.formula
            further = put_in(maker.formula, depth - 1) if depth > 1 else maker.formula
            return None if further == maker.formula else further

        return replaced(formula, change)

    short = linear(writer.formula(step.formula))
    if slip.equation is step.equation or slip.distance > 3 or question.many:
        return short
    whole = linear(writer.formula(put_in(step.formula, slip.distance)))
    return whole if len(whole) <= 160 else short


def _slopes_written_out(formula: Expr) -> Expr:
    def change(node: Expr) -> Expr | None:
        name = prime_of(node.op) if isinstance(node, Call) else None
        return derivative(name, node.args) if name and isinstance(node, Call) else None

    return rewrite(formula, change)


@dataclass(frozen=True)
class SideBySide:
    """The right formula and the wrong one, each in pieces of (text, whether it differs from the other)."""

    name: str
    right: tuple[tuple[str, bool], ...]
    wrong: tuple[tuple[str, bool], ...]


def compare(question: Question, slip: Slip) -> SideBySide:
    """A slip's wrong formula beside the right one, the difference marked; of the asked element where it is there.

    Where a formula was typed, that is what is shown, beside the asked one written out as far back as the slip lies.
    """
    import difflib  # 10 ms that only what is shown beside a slip costs

    step = _shown_at(question, slip) if slip.typed is None else question.step
    if slip.typed is None:
        right, wrong = _both(question.writer, step, slip)
    else:
        right, wrong = _written_out(question, slip), linear(question.writer.formula(slip.typed))
    a, b = _pieces(right), _pieces(wrong)
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    sides: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = ([], [])
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        for side, text in zip(sides, ("".join(a[i1:i2]), "".join(b[j1:j2])), strict=True):
            if text:
                side.append((text, tag != "equal"))
    return SideBySide(question.writer.text(step.ref), tuple(sides[0]), tuple(sides[1]))


def _pieces(text: str) -> list[str]:
    return re.findall(r"\s+|[^\s()·⊙∘+−]+|.", text)


def marked(pieces: Iterable[tuple[str, bool]]) -> str:
    """A formula in plain text with what differs in [brackets]."""
    return "".join(f"[{text.strip()}]" if different and text.strip() else text for text, different in pieces)
