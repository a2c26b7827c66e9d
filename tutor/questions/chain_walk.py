"""A whole chain as questions, one after the other: which paths there are, the factors of one, their values, the sum.

Of one path every factor is chosen and worked out, of a few others what they give. What a question is only a part
of stays hidden until it is asked for: what is shown of a question that is done is that part alone (`Item.worked`).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import isclose, isfinite, prod
from typing import Any

import numpy as np

from tutor.engine.expressions import Const, Ref
from tutor.engine.paths import ALL, Chain, Factor, Path, target
from tutor.engine.trace import Step
from tutor.questions.answers import read_answer
from tutor.questions.grading import Verdict, graded_number
from tutor.questions.items import (
    CHAIN,
    Item,
    Judgement,
    chosen_numbers,
    item_of_value,
    judge_choice,
    misconceived,
    right_verdict,
)
from tutor.questions.items import wrong_verdict as wrong
from tutor.questions.kinds.chain import (
    MOST,
    RULE,
    Fraction,
    exchanged,
    multiplied_with,
    product_text,
    slip_without,
    tempting,
    through,
)
from tutor.questions.kinds.chain import without as missing
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.question import DIGITS, Question, in_words
from tutor.text.card import Scribe
from tutor.text.language import say
from tutor.text.layout import bracketed, linear, number
from tutor.text.words import sentence
from tutor.text.writer import Writer

CHOICES = 4  # factors to choose the next one from
NOT_PATHS = 2  # beside the paths that there are
PRODUCTS = 3  # paths whose product is asked for


def chain_walk(step: Step, writer: Writer, rng: random.Random, example: int = 0) -> list[Item]:
    """The questions that put a gradient together, of one element and one example; none where it has no chain.

    Of a whole vector or matrix the chain of its first element; one of no finite value, or whose paths all have more
    than `MOST` factors, is not asked for.
    """
    one = step if step.index is not None else step.at((0,) * len(step.shape))
    if (of := target(one)) is None:
        return []
    scribe = Scribe(step.trace, writer.id)
    chain = scribe.chain(of, example if step.trace.examples > 1 else 0)
    if not chain.paths or not isfinite(chain.total):
        return []
    if min(len(path.factors) for path in chain.paths) > MOST:
        return []
    return list(_Walk(one, chain, scribe, rng).items())


class _Walk:
    """The questions for one chain; all stand at the step of its gradient, so that what comes before it is known."""

    def __init__(self, step: Step, chain: Chain, scribe: Scribe, rng: random.Random):
        self.chain, self.scribe, self.writer, self.rng = chain, scribe, scribe.writer, rng
        made = step.trace.program.by_key.get(chain.gradient.symbol.key, step.equation)
        self.step = Step(step.trace, made, chain.gradient.index or (), chain.gradient.example)
        self.name = self.writer.text(replace(chain.gradient, example=None))

    def items(self) -> Iterator[Item]:
        """The questions, in order."""
        chain = self.chain
        if chain.count > 1 and (item := self._which_paths()):
            yield item
        asked = [path for path in chain.paths if len(path.factors) <= MOST]
        first = asked[0]
        for at in range(len(first.factors)):
            if len(first.factors) > 1:
                yield self._next(first, at)
            if not isinstance(first.factors[at].formula, Const):
                yield self._value(first, at)
        if chain.count > 1:
            for at, path in enumerate(asked[:PRODUCTS], start=1):
                if len(path.factors) > 1:
                    yield self._product(path, at)
        yield self._total()

    def _item(self, id: str, **about: Any) -> Item:
        id = f"chain:{self.step.id}:{id}"
        return Item(kind="chain", id=id, skill=CHAIN, step=self.step, writer=self.writer, **about)

    # ------------------------------------------------------------ which paths

    def _which_paths(self) -> Item | None:
        """All paths, to be picked from those and from ways that are none; None where they are too many."""
        chain, text = self.chain, self._along
        true = {text(path.through): path for path in chain.paths}
        if len(true) < chain.count or chain.count > ALL:
            return None
        false: dict[str, str] = {}
        for path in chain.paths:
            for way, why in self._no_ways(path):
                if (shown := text(way)) not in true:
                    false.setdefault(shown, why)
        if not false:
            return None
        wrong_ones = self.rng.sample(list(false), min(NOT_PATHS, len(false)))
        choices = [*true, *wrong_ones]
        self.rng.shuffle(choices)
        right = {at for at, choice in enumerate(choices) if choice in true}

        def judge(answer: str, own: Mapping[str, float]) -> Verdict:
            chosen = chosen_numbers(answer, choices)
            if chosen == right:
                return right_verdict()
            credit = max(0.0, (len(chosen & right) - len(chosen - right)) / len(right))
            if none := sorted(chosen - right):
                return wrong(
                    say("{names} is no path: {why}", names=choices[none[0]], why=false[choices[none[0]]]), credit=credit
                )
            lost = choices[min(right - chosen)]
            entry = MISCONCEPTIONS["path-missing"]
            said = say("{names} leads there, too. {remedy}", names=lost, remedy=entry.remedy)
            return Judgement("misconception", said, credit=credit, misconception="path-missing")

        numbers = " ".join(str(at + 1) for at in sorted(right))
        end = self.writer.text(Ref(self.step.trace.program.model.output))
        of = self.writer.text(replace(chain.of, example=None))
        return self._item(
            "paths",
            prompt=say(
                "{name} adds up every path from {end} down to {of}. Which of these are paths? "
                "Give their numbers, as in 1 3.",
                name=self.name,
                end=end,
                of=of,
            ),
            hints=(
                say("A path goes from a value to one that it is made of, step by step, and leaves none out."),
                say("There are {n}.", n=in_words(chain.count)),
                say("One of them: {path}.", path=next(iter(true))),
                f"{numbers}: {'; '.join(choices[at] for at in sorted(right))}",
            ),
            answer=numbers,
            judge=judge,
            choices=tuple(choices),
            many=True,
            worked=(say("{name} is the sum over these paths:", name=self.name), *true),
        )

    def _along(self, way: tuple[Ref, ...]) -> str:
        ends = (self.chain.paths[0].nodes[0], *way, self.chain.of)
        nodes = dict.fromkeys(replace(ref, example=None) for ref in ends)
        return " ← ".join(map(self.writer.text, nodes))

    def _no_ways(self, path: Path) -> Iterator[tuple[tuple[Ref, ...], str]]:
        """Ways like a path that are none, and why: by another unit that does not lead there, or past one."""
        through = path.through
        for at, ref in enumerate(through):
            name = self.writer.text(replace(ref, example=None))
            if ref.index and prod(ref.symbol.shape) > 1:
                shape = ref.symbol.shape
                flat = (int(np.ravel_multi_index(ref.index, shape)) + 1) % prod(shape)
                beside = replace(ref, index=tuple(map(int, np.unravel_index(flat, shape))))
                other = self.writer.text(replace(beside, example=None))
                below = self.writer.text(replace(self.chain.of, example=None))
                why = (
                    say("{other} is not made from {below}.", other=other, below=below)
                    if at == len(through) - 1
                    else say("it does not hold at {other}.", other=other)
                )
                yield (*through[:at], beside, *through[at + 1 :]), why
            if len(through) > 1:
                yield (*through[:at], *through[at + 1 :]), say("it leaves out {name}.", name=name)
            if at + 1 < len(through) and not self.step.trace.program.model.layers:
                after = through[at + 1]
                why = say(
                    "{name} is not made from {other}.", name=self.writer.text(replace(after, example=None)), other=name
                )
                yield (*through[:at], after, ref, *through[at + 2 :]), why

    # ------------------------------------------------------------ one factor

    def _next(self, path: Path, at: int) -> Item:
        """Which factor comes next."""
        right, scribe = Fraction.of(path.factors[at]), self.scribe
        verdicts: dict[str, Judgement] = {}
        here = list(tempting(path, at, scribe))
        self.rng.shuffle(here)
        for fraction in here:
            verdicts.setdefault(fraction.text(scribe), fraction.judged(scribe))
        for later in range(at + 1, len(path.factors)):
            verdicts.setdefault(Fraction.of(path.factors[later]).text(scribe), missing(path, at, later, scribe))
        verdicts.pop(right.text(scribe), None)
        ahead = [Fraction.of(path.factors[at + 1]).text(scribe)] if at + 1 < len(path.factors) else []
        others = [*ahead, *(text for text in verdicts if text not in ahead)][: CHOICES - 1]
        if not others:  # nothing else is near: a factor that was there already
            others = [Fraction.of(factor).text(scribe) for factor in path.factors[:at]][-1:]
            verdicts |= {text: wrong(say("That one is there already.")) for text in others}
        choices = [right.text(scribe), *others]
        self.rng.shuffle(choices)
        right_at = choices.index(right.text(scribe))
        done = self._so_far(path, at)
        which = say("comes first") if at == 0 else say("comes next")
        top = self.writer.text(right.top)
        return self._item(
            f"factor{at + 1}",
            prompt=say("{name} = {done}? · … Which factor {which}?", name=self._whose(path), done=done, which=which),
            hints=(
                say(RULE),
                say("The next one is of {top}: ∂{top} stands on top.", top=top),
                scribe.explainer.factor(path.factors[at]),
                right.text(scribe),
            ),
            answer=right.text(scribe),
            judge=judge_choice(choices, (right_at,), {choices.index(text): verdicts[text] for text in others}),
            choices=tuple(choices),
            worked=(f"{self._whose(path)} = {self._so_far(path, at + 1)}…" if at + 1 < len(path.factors)
                    else f"{self._whose(path)} = {self._so_far(path, at + 1).removesuffix(' · ')}",),
        )  # fmt: skip

    def _so_far(self, path: Path, at: int) -> str:
        return "".join(f"{Fraction.of(factor).text(self.scribe)} · " for factor in path.factors[:at])

    def _whose(self, path: Path) -> str:
        if self.chain.count == 1:
            return self.name
        return say("The path through {through}", through=through(path, self.scribe))

    def _value(self, path: Path, at: int) -> Item:
        """What a factor is as a number."""
        factor = path.factors[at]
        local = factor.local
        example = self.step.example if local.symbol.per_example else None
        item = item_of_value(Question(Step(self.step.trace, local, factor.index or (), example), self.writer))
        found = self.scribe.factor(factor)
        said = {"name": Fraction.of(factor).text(self.scribe), "digits": in_words(DIGITS).capitalize()}
        return replace(
            item,
            kind="chain",
            id=f"chain:{self.step.id}:value{at + 1}",
            step=self.step,
            prompt=say("What is the factor {name}? {digits} significant digits, or an expression.", **said),
            paper=say("What is the factor {name}? {digits} significant digits.", **said),
            worked=(f"{' = '.join(linear(doc) for doc in found.docs)}. {found.reason}",),
            judge=lambda answer, own: self._exchanged(factor, item.judge(answer, own)),
        )

    def _exchanged(self, factor: Factor, verdict: Verdict) -> Verdict:
        """The verdict on a factor's number: who gives x for ∂(x·y)/∂x has exchanged the two that are multiplied."""
        ref = factor.bottom
        if verdict.kind != "wrong" or verdict.value is None or not multiplied_with(factor):
            return verdict
        if isclose(verdict.value, float(self.step.trace.value(ref)), rel_tol=5e-3):
            return replace(misconceived(exchanged(self.scribe)), value=verdict.value)
        return verdict

    # ------------------------------------------------------------ products and the sum

    def _product(self, path: Path, at: int) -> Item:
        """What one path gives."""
        names = " · ".join(Fraction.of(factor).text(self.scribe) for factor in path.factors)
        which = say("The path through {through}", through=through(path, self.scribe))
        shown = number(path.product, max(path.digits, 4))
        wrong_ones = list(self._wrong_products(path))
        first = self._question

        def judge(text: str, own: Mapping[str, float]) -> Verdict:
            answer = read_answer(text, first.names)
            verdict = graded_number(answer, path.product, DIGITS, [value for value, _ in wrong_ones])
            if verdict.kind != "wrong":
                return verdict
            near = next((said for value, said in wrong_ones if isclose(answer.value, value, rel_tol=5e-3)), None)
            return replace(near, value=answer.value) if near else verdict

        numbers = " · ".join(bracketed([number(factor.value, path.digits) for factor in path.factors]))
        return self._item(
            f"product{at}",
            prompt=say(
                "{which} is {names}. What does it give? {digits} significant digits, or an expression.",
                which=which,
                names=names,
                digits=in_words(DIGITS).capitalize(),
            ),
            hints=(
                say("Multiply along a path."),
                say("It is {names}.", names=names),
                say("It is {numbers}.", numbers=numbers),
                shown,
            ),
            answer=shown,
            judge=judge,
            worked=(f"{which}: {names}.", product_text(path, self.scribe)),
        )

    def _wrong_products(self, path: Path) -> Iterator[tuple[float, Judgement]]:
        """The numbers of who adds the factors or leaves one out, as far as they can be told from the right one."""
        values = [factor.value for factor in path.factors]

        def apart(value: float) -> bool:
            return isfinite(value) and not isclose(value, path.product, rel_tol=0.02)

        for at, factor in enumerate(path.factors):
            rest = float(np.prod(values[:at] + values[at + 1 :]))
            if apart(rest) and slip_without(factor):
                yield rest, missing(path, at, at + 1, self.scribe)
        if apart(sum(values)):
            yield sum(values), wrong(say("Added. Along a path the factors are multiplied; the paths are added."))

    @property
    def _question(self) -> Question:
        return Question(self.step, self.writer)

    def _total(self) -> Item:
        """The gradient: the product of the one path, or the sum over them."""
        chain = self.chain
        item = item_of_value(self._question)
        if chain.count == 1:
            (path,) = chain.paths
            names = " · ".join(Fraction.of(factor).text(self.scribe) for factor in path.factors)
            prompt, done = (
                say("{name} = {names}. Which number is it?", name=self.name, names=names),
                product_text(path, self.scribe),
            )
        else:
            terms = [number(path.product, chain.digits) for path in chain.paths]
            rest = chain.rest
            n, told = in_words(len(terms)), ", ".join(terms)
            if rest is None:
                prompt = say("The {n} paths give {terms}. What is {name}?", n=n, terms=told, name=self.name)
            else:
                prompt = say(
                    "The {n} largest paths give {terms}, the other {others} together {rest}. What is {name}?",
                    n=n, terms=told, others=f"{chain.count - len(terms):,}", rest=number(rest), name=self.name,
                )  # fmt: skip
            added = " + ".join(bracketed([*terms, *([] if rest is None else [number(rest, chain.digits)])]))
            done = say("The sum: {added} = {total}.", added=added, total=number(chain.total))
        return replace(
            item,
            kind="chain",
            id=f"chain:{self.step.id}:total",
            skill=CHAIN,
            paper="",
            prompt=say("{prompt} {digits} significant digits.", prompt=prompt, digits=in_words(DIGITS).capitalize()),
            worked=(done, sentence(f"{self.name} = {number(chain.total)}"), *filter(None, [self.scribe.beyond(chain)])),
        )
