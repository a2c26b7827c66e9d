"""The question for the chain of a gradient: which factors one path has, in their order from the output down.

The right factors stand among others that people take for them (`tempting`), and each of those says what choosing it
would mean. `../chain_walk.py` asks for a whole chain, a factor at a time.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from tutor.engine.activations import ACTIVATIONS
from tutor.engine.expressions import Call, Const, Expr, Ref, at_example, element, refs, used, walk
from tutor.engine.paths import Chain, Factor, Path, target
from tutor.engine.rules import OVER_BATCH
from tutor.engine.trace import Step
from tutor.questions.grading import Verdict
from tutor.questions.items import CHAIN, Item, Judgement, chosen_in_order, elements, misconceived, right_verdict
from tutor.questions.items import wrong_verdict as wrong
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.text.card import Scribe
from tutor.text.language import N_, say, say_many
from tutor.text.layout import bracketed, linear, number
from tutor.text.words import sentence
from tutor.text.writer import Writer

MOST = 7  # factors of a chain that is asked for
OTHERS = 3  # factors beside them that do not belong there
MANY = 2_000  # operands of a formula that is not gone through one by one


@dataclass(frozen=True)
class Fraction:
    """∂top/∂bottom, to be chosen. Of one that does not belong there: what choosing it means, and the slip's id."""

    top: Ref
    bottom: Ref
    says: str = ""
    slip: str | None = None

    @classmethod
    def of(cls, factor: Factor) -> Fraction:
        """A factor of a path, of whatever example."""
        return cls(replace(factor.top, example=None), replace(factor.bottom, example=None))

    @property
    def ends(self) -> tuple[Ref, Ref]:
        """What it is a derivative of, and with respect to what."""
        return self.top, self.bottom

    def text(self, scribe: Scribe) -> str:
        """As it is shown: ∂a₂/∂z₂."""
        return linear(scribe.fraction(self.top, self.bottom))

    def judged(self, scribe: Scribe, credit: float | None = None) -> Judgement:
        """What is said of who chooses it."""
        text = say("{fraction}: {said}", fraction=self.text(scribe), said=self.says)
        return misconceived(self.slip, message=text, credit=credit) if self.slip else wrong(text, credit=credit)


def chain_of(step: Step, scribe: Scribe) -> Chain | None:
    """The chain of a gradient's element, of one example; None of any other step, and of a mean of gradients."""
    eq = step.equation
    if eq.symbol.quantity != "gradient" or eq.rule in (*OVER_BATCH, "decayed_gradient"):
        return None
    of = target(step)
    return None if of is None else scribe.chain(of, step.example or 0)


def chain_item(step: Step, writer: Writer, rng: random.Random) -> Item | None:
    """The factors of one path of a gradient, to be put in order from among those and others."""
    scribe = Scribe(step.trace, writer.id)
    for one in elements(step, rng):
        chain = chain_of(one, scribe)
        paths = [path for path in chain.paths if 2 <= len(path.factors) <= MOST] if chain else []
        if chain and paths:
            return _in_order(one, chain, rng.choice(paths), scribe, rng)
    return None


def _in_order(step: Step, chain: Chain, path: Path, scribe: Scribe, rng: random.Random) -> Item | None:
    right = [Fraction.of(factor) for factor in path.factors]
    others = _mixed_in(path, scribe, rng)
    if len(others) < 2:
        return None
    offered = {fraction.text(scribe): fraction for fraction in (*right, *others)}
    choices = list(offered)
    rng.shuffle(choices)
    places = [choices.index(fraction.text(scribe)) for fraction in right]
    top, bottom = (scribe.writer.text(replace(ref, example=None)) for ref in (chain.gradient, chain.of))
    end = scribe.writer.text(Ref(scribe.trace.program.model.output))
    if chain.count == 1:
        prompt = say(
            "{top} is a product of local derivatives. Which factors make it, in order from {end} down to {bottom}? "
            "Give their numbers, as in 2 4 1.",
            top=top, end=end, bottom=bottom,
        )  # fmt: skip
    else:
        prompt = say(
            "{top} adds up {n} paths. One leads through {through}. Which factors has that one, in order from {end} "
            "down to {bottom}? Give their numbers, as in 2 4 1.",
            top=top, n=f"{chain.count:,}", through=through(path, scribe), end=end, bottom=bottom,
        )  # fmt: skip

    def judge(text: str, own: Mapping[str, float]) -> Verdict:
        chosen = [offered[choices[at]] for at in chosen_in_order(text, choices)]
        return judged(chosen, path, scribe)

    numbers = " ".join(str(at + 1) for at in places)
    whole = " · ".join(fraction.text(scribe) for fraction in right)
    nodes = " ← ".join(scribe.writer.text(replace(ref, example=None)) for ref in path.nodes)
    half = " · ".join(fraction.text(scribe) for fraction in right[: len(right) // 2])
    return Item(
        kind="chain",
        id=f"chain:{step.id}",
        prompt=prompt,
        skill=CHAIN,
        step=step,
        writer=scribe.writer,
        hints=(
            say(RULE),
            say("What moves what: {nodes}.", nodes=nodes),
            say("It begins {half} · …", half=half),
            f"{numbers}: {whole}",
        ),
        answer=f"{numbers} ({whole})",
        judge=judge,
        choices=tuple(choices),
        many=True,
        in_order=True,
        worked=tuple(worked(path, scribe)),
    )


RULE = N_(
    "Each factor is how one value moves with the next below it: what is under one fraction stands on top of the next, "
    "from the output down."
)
_THEN = N_(  # the same, behind a colon
    "each factor is how one value moves with the next below it: what is under one fraction stands on top of the next, "
    "from the output down."
)


def through(path: Path, scribe: Scribe) -> str:
    """What tells a path from the others: a₁² ← a₂¹."""
    return " ← ".join(scribe.writer.text(replace(ref, example=None)) for ref in path.through)


def worked(path: Path, scribe: Scribe) -> Iterator[str]:
    """A path factor by factor, with the numbers and what each factor says, and its product."""
    for factor in path.factors:
        found = scribe.factor(factor)
        yield f"{' = '.join(linear(doc) for doc in found.docs)}. {found.reason}"
    yield product_text(path, scribe)


def product_text(path: Path, scribe: Scribe) -> str:
    """A path's factors as numbers, multiplied: 0.2 · (−1.5) = −0.3."""
    factors = " · ".join(bracketed([number(factor.value, path.digits) for factor in path.factors]))
    return say("The product: {factors} = {product}.", factors=factors, product=number(path.product))


# ---------------------------------------------------------------- judging an order


def judged(chosen: Sequence[Fraction], path: Path, scribe: Scribe) -> Judgement:
    """The verdict on fractions that were put in order: the first place where they leave the path says why."""
    right = [Fraction.of(factor) for factor in path.factors]
    ends = [fraction.ends for fraction in chosen]
    wanted = [fraction.ends for fraction in right]
    if ends == wanted:
        return right_verdict()
    if ends == wanted[::-1]:
        return replace(right_verdict(), message=say("Right, read from the other end."))
    hits, extras = len({*ends} & {*wanted}), len(ends) - len({*ends} & {*wanted})
    credit = max(0.0, (hits - extras) / len(wanted)) * 0.75
    if len(ends) == len(wanted) == hits:
        return wrong(
            say("These are the factors, and multiplied they are right; their order is not. {rule}", rule=say(RULE)),
            credit=0.75,
        )
    at = next((at for at, (a, b) in enumerate(zip(ends, wanted, strict=False)) if a != b), min(len(ends), len(wanted)))
    if _leads_down(ends, path):
        return wrong(
            say("That is another path; this one goes through {through}.", through=through(path, scribe)), credit=0.5
        )
    if at < len(chosen) and (chosen[at].says or chosen[at].ends not in wanted):
        return chosen[at].judged(scribe, credit)
    if at < len(chosen) and wanted.index(ends[at]) < at:
        return wrong(say("{factor} is there twice.", factor=chosen[at].text(scribe)), credit=credit)
    upto = wanted.index(ends[at]) if at < len(chosen) else len(wanted)
    return without(path, at, upto, scribe, credit)


def _leads_down(ends: Sequence[tuple[Ref, Ref]], path: Path) -> bool:
    """Whether factors lead from the output to the same value, each on from the one before."""
    first, last = (replace(ref, example=None) for ref in (path.nodes[0], path.nodes[-1]))
    if not ends or ends[0][0] != first or ends[-1][1] != last:
        return False
    return all(above[1] == below[0] for above, below in itertools.pairwise(ends))


def without(path: Path, at: int, upto: int, scribe: Scribe, credit: float | None = None) -> Judgement:
    """What is said where the factors from `at` up to `upto` are missing."""
    lost = path.factors[at:upto]
    names = " · ".join(Fraction.of(factor).text(scribe) for factor in lost)
    if at == 0:
        begins = scribe.writer.text(replace(lost[0].top, example=None))
        missing = say_many(
            len(lost),
            "{factors} is missing: the chain begins at {name}.",
            "{factors} are missing: the chain begins at {name}.",
            factors=names,
            name=begins,
        )
        return wrong(missing, credit=credit)
    before = Fraction.of(path.factors[at - 1]).text(scribe)
    text = say_many(
        len(lost),
        "{factors} is missing after {factor}",
        "{factors} are missing after {factor}",
        factors=names,
        factor=before,
    )
    if slip := slip_without(lost[0]):
        entry = MISCONCEPTIONS[slip]
        return misconceived(slip, message=f"{text}: {sentence(entry.title)} {entry.remedy}", credit=credit)
    return wrong(f"{text}: {say(_THEN)}", credit=credit)


def slip_without(factor: Factor) -> str | None:
    """The misconception of who leaves a factor out; None where it has no name."""
    if _activates(factor):
        return "slope-dropped"
    if factor.weight is not None:
        return "weight-skipped"
    return "carried-value-lost" if factor.bottom.symbol.quantity == "weights" else None


def _activates(factor: Factor) -> bool:
    """Whether a factor is the slope of an activation."""
    formula = factor.use.formula
    named = isinstance(formula, Call) and formula.op in ACTIVATIONS
    return factor.local.rule != "combined_error" and factor.use.phase == "forward" and (
        named or factor.use.rule in ("activation", "softmax")
    )  # fmt: skip


# ---------------------------------------------------------------- what people take for a factor


def _mixed_in(path: Path, scribe: Scribe, rng: random.Random) -> list[Fraction]:
    """A few fractions that are none of the path's, of several factors and ideas."""
    kinds: dict[str, list[Fraction]] = {}
    right = {Fraction.of(factor).ends for factor in path.factors}
    for at in range(len(path.factors)):
        for fraction in tempting(path, at, scribe):
            if fraction.ends not in right:
                kinds.setdefault(fraction.slip or fraction.says[:12], []).append(fraction)
    found: dict[str, Fraction] = {}
    queues = [rng.sample(each, len(each)) for each in kinds.values()]
    rng.shuffle(queues)
    for turn in itertools.zip_longest(*queues):
        for fraction in turn:
            if fraction is not None and len(found) < OTHERS:
                found.setdefault(fraction.text(scribe), fraction)
    texts = {Fraction.of(factor).text(scribe) for factor in path.factors}
    return [fraction for text, fraction in found.items() if text not in texts]


def tempting(path: Path, at: int, scribe: Scribe) -> Iterator[Fraction]:
    """Fractions that somebody may take for factor `at` of a path: by another operand, of another unit, upside down."""
    factor = path.factors[at]
    if factor.local.rule == "combined_error":
        layer = scribe.trace.program.model.layer_of(factor.bottom.symbol)
        if layer:
            yield _slip(Ref(layer.activation, factor.bottom.index), Ref(layer.pre_activation, factor.bottom.index),
                        "slope-again")  # fmt: skip
        return
    yield from _by_another_operand(factor, scribe)
    yield from _of_another_place(path, factor, scribe)
    if at:
        own = Fraction.of(factor)
        above, below = (scribe.writer.text(ref) for ref in own.ends)
        yield Fraction(
            own.bottom,
            own.top,
            say(
                "upside down. It is {above} that moves with {below}, so ∂{above} stands on top.",
                above=above,
                below=below,
            ),
        )


def _slip(top: Ref, bottom: Ref, id: str, about: str = "") -> Fraction:
    entry = MISCONCEPTIONS[id]
    return Fraction(top, bottom, f"{about}{entry.title}. {entry.remedy}", id)


def _by_another_operand(factor: Factor, scribe: Scribe) -> Iterator[Fraction]:
    """∂top/∂(something else that top is made of): what stands beside it in a product, another term of a sum."""
    own, name = Fraction.of(factor), scribe.writer.text
    formula = _formula(factor)
    partners, seen = multiplied_with(factor), 0
    for ref in (replace(ref, example=None) for ref in used(formula)) if formula else ():
        if ref == own.bottom or ref.symbol.quantity in ("hyper", "target") or ref.shape:
            continue
        if ref in partners:
            yield _slip(
                own.top,
                ref,
                exchanged(scribe),
                say("it leads to {name}, not to {other}: ", name=name(ref), other=name(own.bottom)),
            )
        elif seen < OTHERS:
            seen += 1
            yield Fraction(
                own.top,
                ref,
                say("it leads to {name}, and this path goes on to {other}.", name=name(ref), other=name(own.bottom)),
            )


def _formula(factor: Factor) -> Expr | None:
    """What the top of a factor is made by, of this element and example; None of a formula with too many operands."""
    formula = factor.use.formula
    if sum(prod(ref.shape) for ref in refs(formula)) > MANY:
        return None
    if factor.top.example is not None and formula.batched:
        formula = at_example(formula, factor.top.example)
    return element(formula, factor.top.index) if factor.top.index else formula


def multiplied_with(factor: Factor) -> list[Ref]:
    """The values that the bottom of a factor is multiplied with where the top is made, without their example."""
    bottom, found = Fraction.of(factor).bottom, []
    for node in walk(_formula(factor) or Const(0.0)):
        if isinstance(node, Call) and node.op == "mul":
            args = [replace(arg, example=None) if isinstance(arg, Ref) else arg for arg in node.args]
            if bottom in args:
                found += [arg for arg in args if isinstance(arg, Ref) and arg != bottom]
    return found


def exchanged(scribe: Scribe) -> str:
    """The misconception of who takes one factor of a product for the other."""
    return "weight-for-activation" if scribe.trace.program.model.layers else "own-input"


def _of_another_place(path: Path, factor: Factor, scribe: Scribe) -> Iterator[Fraction]:
    """The same local derivative of a neighbour, and the slope of a layer that the path does not pass."""
    own = Fraction.of(factor)
    shape, index = own.bottom.symbol.shape, own.bottom.index
    on_its_own = factor.local.symbol.shape == shape == own.top.symbol.shape and own.top.index == index
    if index and on_its_own and prod(shape) > 1:
        flat = (int(np.ravel_multi_index(index, shape)) + 1) % prod(shape)
        beside = tuple(map(int, np.unravel_index(flat, shape)))
        slip = "slope-of-neighbour" if _activates(factor) else "other-element"
        yield _slip(Ref(own.top.symbol, beside), Ref(own.bottom.symbol, beside), slip)
    if _activates(factor):
        passed = {ref.symbol for ref in path.nodes}
        for layer in scribe.trace.program.model.layers:
            if layer.pre_activation not in passed and layer.activation not in passed and layer.pre_activation.shape:
                first = (0,) * len(layer.pre_activation.shape)
                yield _slip(Ref(layer.activation, first), Ref(layer.pre_activation, first), "slope-elsewhere")
