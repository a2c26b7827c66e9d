"""The card of a step: everything that the player and line mode say about it, in one notation.

Both front ends draw the same card; they differ only in how documents become lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from tutor.engine.activations import ACTIVATIONS, prime_of
from tutor.engine.expressions import Call, Expr, Ref, Symbol, call, evaluate, used, walk
from tutor.engine.ids import read_id
from tutor.engine.memo import Memo
from tutor.engine.model import Phase
from tutor.engine.openings import derivation
from tutor.engine.paths import Chain, Factor, Paths, paths_of
from tutor.engine.reuse import of_parameters, tally
from tutor.engine.rules import OVER_BATCH
from tutor.engine.trace import NoSuchStep, Step, Trace, activation_calls, digits_for, resolve, symbols_of
from tutor.engine.unfolding import SHARED, CannotUnfold, Unfolded, operands, unfold, unfoldings
from tutor.messages import Message
from tutor.text import prose
from tutor.text.condensing import condensed
from tutor.text.explain import Explainer
from tutor.text.explanations import Turn
from tutor.text.general import generic
from tutor.text.glossary import spoken_of
from tutor.text.language import fill, said, say, say_many
from tutor.text.layout import Doc, Frac, Matrix, Row, linear, number, subscript, superscript
from tutor.text.words import listed
from tutor.text.writer import writer_of


@dataclass(frozen=True)
class Equality:
    """name = formula = numbers = value, with the reason of a derivation's line.

    `formulas` is how many of the documents behind the name are formulas with names: a step's formula written out
    further and further is several.
    """

    docs: tuple[Doc, ...]
    reason: str = ""
    formulas: int = 1


@dataclass(frozen=True)
class Operand:
    """A value that the step uses; `id` is that of the step that made it, None for what is given."""

    ref: Ref
    name: str
    value: Doc
    id: str | None


_TAKES = frozenset("row part reshape transpose place_row place_part stack".split())
MAX_SAID = 12  # turns of the conversation before a step
MAX_NAMED = 8  # values that are written out, named one by one
MAX_OPERANDS = 60  # a unit with 784 inputs has 1,569: nobody reads them one by one


@dataclass(frozen=True)
class Formulas:
    """A step's equation with its numbers (`main`), what its signs stand for, and how a combined one comes about."""

    main: Equality
    where: tuple[Equality, ...]
    derivation: tuple[Equality, ...]


@dataclass(frozen=True)
class Card(Formulas):
    """`more_operands` counts those left out, `used_by` has the names and ids of the steps that use this one.

    `dimensions` checks the shapes of a product, `reuse` says what is computed once and how much that saves. In the
    story of the backward pass `turns` are what is said at this step, `before` what was said up to it. `unfolded` says
    whose formulas stand in place of their names. `general` is the rule for any layer, its
    reason what the letter is here.
    """

    id: str
    title: str
    phase: Phase
    shape: str
    why: str
    story: str
    line: str | None
    warning: str | None
    notes: tuple[str, ...]
    operands: tuple[Operand, ...]
    more_operands: int
    used_by: tuple[tuple[str, str], ...]
    dimensions: str | None
    reuse: str | None
    unfolded: str | None
    general: Equality | None
    turns: tuple[Turn, ...]
    before: tuple[Turn, ...]


class Scribe:
    """Writes the cards of one trace in one notation."""

    def __init__(self, trace: Trace, notation: str):
        self.trace, self.notation = trace, notation
        self.writer = writer_of(trace, notation)
        self.explainer = Explainer(self.writer)
        self.symbols = symbols_of(trace)
        self.example = 0  # the last one that a card was of
        self.memo = Memo()  # what a front end drew of this trace in this notation
        self._users: dict[str, list[tuple[str, str]]] = {}  # of each whole the steps that use it
        self._said: dict[str, tuple[Turn, ...]] = {}  # the turns of each step

    def formulas(self, step: Step, unfolded: Sequence[Unfolded] = ()) -> Formulas:
        """What a trace in lines says of every step; a card looks through the whole trace for the rest of it."""
        last = unfolded[-1].formula if unfolded else step.formula
        main = self._chain(step, [found.formula for found in unfolded])
        return Formulas(main, tuple(self._where(step, last)), tuple(self._derivation(step)))

    def card(self, step: Step, names: tuple[str, ...] = ()) -> Card:
        """Everything that is said of a step, with these names written out (see `unfoldings`) as far as it has them.

        The example that it is of is remembered for the story.
        """
        eq = step.equation
        unfolded: list[Unfolded] = []
        with suppress(CannotUnfold):
            unfolded.extend(unfoldings(step, names))
        formulas = self.formulas(step, unfolded)
        self.example = self.example if step.example is None else step.example
        return Card(
            id=step.id,
            title=self.explainer.title(step),
            phase=eq.phase,
            shape=shape_words(step.shape),
            main=formulas.main,
            where=formulas.where,
            derivation=formulas.derivation,
            why=self.explainer.why(step),
            story=self.explainer.story(step),
            line=eq.line,
            warning=self._warning(step),
            notes=tuple(self.notes(step)),
            operands=tuple(self.operand(ref, step.digits) for ref in step.operands[:MAX_OPERANDS]),
            more_operands=max(len(step.operands) - MAX_OPERANDS, 0),
            used_by=(used_by := tuple(self._used_by(step))),
            dimensions=self._dimensions(step),
            reuse=self._reuse(step, [name for name, _ in used_by]),
            unfolded=self._put_in(unfolded),
            general=self._general(step),
            turns=self._turns(step),
            before=self._before(step),
        )

    def _warning(self, step: Step) -> str | None:
        """Why a number is not a number: training that diverged, or a value that float64 cannot hold."""
        model = self.trace.program.model
        if not all(np.all(np.isfinite(self.trace.value(Ref(parameter)))) for parameter in model.parameters):
            return say(
                "Training has diverged: before this iteration a parameter outgrew what numbers can hold, or left where "
                "the function has values. What happened is told where it trains."
            )
        if np.all(np.isfinite(step.value)):
            return None
        blocked = any(isinstance(node, Call) and node.op == "causal" for eq in self.trace.equations
                      for node in walk(eq.formula) if eq.phase == "forward")  # fmt: skip
        if blocked and np.all(np.isfinite(step.value) | np.isneginf(step.value)):
            return None
        return say("This value is beyond what a number can hold here; the steps that need it are computed without it.")

    def _chain(self, step: Step, unfolded: Sequence[Expr] = ()) -> Equality:
        """name = formula = numbers = value, leaving out what would only repeat what stands beside it.

        Written out, each formula stands below the one that it was made from, and the numbers are those of the last.
        """
        formula, digits = step.formula, step.digits
        name = self.writer.name(step.ref)
        if isinstance(formula, Call) and formula.op == "slopes":  # every element has a formula, the table has none
            return Equality((name, self.writer.value(step.value)))
        short = condensed(step)
        formulas = [self.writer.formula(short.formula if short else formula), *map(self.writer.formula, unfolded)]
        if not unfolded:
            formulas = self._in_textbook(step) or formulas
        numbers: list[Doc] = []
        if unfolded:
            last = unfolded[-1]
            if _flat(used(last)):
                found = digits_for(last, step.value, self.trace.value)
                numbers.append(self.writer.numbers(last, self.trace.value, found))
        elif short:
            numbers.append(self.writer.numbers(short.named, short.value, short.digits))
        elif _flat(step.operands):
            numbers.append(self.writer.numbers(formula, self.trace.value, digits))
        formulas = list(_without_repeats(formulas))
        return Equality(_without_repeats([name, *formulas, *numbers, self.writer.value(step.value)]), "", len(formulas))

    def _in_textbook(self, step: Step) -> list[Doc]:
        """The formulas as this notation's textbook has them, where that takes two steps in one: δ = (Wᵀδ) ⊙ f′(z).

        The step's own follows, but not where a gradient has no name in the textbook: that would be the first once more.
        """
        within, formula = self.writer.notation.boxes.get(step.equation.rule), step.formula
        for ref, maker in operands(self.trace, step.formula).items():
            made = maker.equation.symbol
            if maker.equation.rule == within or self.writer.leaves_out(made.wrt or made):
                formula = unfold(self.trace, formula, ref.id, mark=False).formula
        if formula is step.formula:
            return []
        both = within or step.phase == "forward"
        return [self.writer.formula(formula), *([self.writer.formula(step.formula)] if both else [])]

    def _general(self, step: Step) -> Equality | None:
        """The step's rule for any layer, of one element for any unit; None where there is no such rule."""
        if self.writer.depth < 2:
            return None  # of one layer the rule is the step itself, and letters would only make it harder
        rules = generic(self.trace.lesson, self.notation)
        found = rules.of(step) if rules else None
        if rules is None or found is None:
            return None
        number = rules.number(step)
        docs = found.cell if step.index and found.cell else (found.name, found.formula)
        if number is None:
            return Equality(docs)
        return Equality(docs, say("{letter} is {n} here", letter=rules.notation.layer, n=number))

    def _put_in(self, unfolded: Sequence[Unfolded]) -> str | None:
        """Whose formulas stand in place of their names, and what is marked among them."""
        makers = dict.fromkeys(maker.ref for found in unfolded for maker in found.makers)
        if not makers:
            return None
        names = list(dict.fromkeys(self.writer.text(replace(ref, example=None)) for ref in makers))
        listed = ", ".join(names[:MAX_NAMED])
        if len(names) > MAX_NAMED:
            said = say("Written out: {names} and {n} more.", names=listed, n=f"{len(names) - MAX_NAMED:,}")
        else:
            said = say("Written out: {names}.", names=listed)
        marked = any(isinstance(node, Call) and node.op == SHARED for node in walk(unfolded[-1].formula))
        kept = say("⟨ ⟩ marks what is computed once and kept: other steps use it, too.")
        return f"{said} {kept}" if marked else said

    def _where(self, step: Step, formula: Expr) -> Iterator[Equality]:
        """What the signs of activations and their slopes stand for, with this step's numbers; how means are made."""
        if short := condensed(step):
            for word, made, value, digits in short.parts:
                numbers = self.writer.numbers(made, short.value, digits)
                yield Equality((self.writer.formula(word), numbers, self.writer.value(value)))
        for node in activation_calls(formula):
            name = prime_of(node.op)
            if name:
                written = self.writer.written_out(node)
                docs: list[Doc] = [self.writer.formula(node)]
                if ACTIVATIONS[name].derivative.shape == () and linear(self.writer.formula(written)) != linear(docs[0]):
                    docs.append(self.writer.formula(written))
                yield Equality((*docs, self._evaluated(node, step)))
            else:
                definition = self.writer.definition(node)
                yield Equality((definition,))
        yield from self._side_by_side(step)

    def _side_by_side(self, step: Step) -> Iterator[Equality]:
        """A batch's sum of outer products as one product of matrices, the examples side by side; that of biases as the
        sums of the rows."""
        compute = step.equation.compute
        if step.index is not None or step.equation.symbol.quantity != "gradient" or not isinstance(compute, Call):
            return
        columns = [np.asarray(evaluate(arg, self.trace.value)).T for arg in compute.args if arg.batched]
        names = [self.writer.formula(arg) for arg in compute.args]
        if compute.op in ("mean_outer", "sum_outer") and len(columns) == 2:
            left, right = columns
            whole = [Ref(Symbol(linear(name), arg.shape)) for name, arg in zip(names, compute.args, strict=True)]
            named = self.writer.formula(call("outer", *whole))
            numbers = Row((Matrix(left), " · ", Matrix(right).transposed()))
            yield Equality((named, numbers, self.writer.value(left @ right.T)))
        elif compute.op in ("mean", "batch_sum") and columns and columns[0].ndim == 2:
            said = say("the row sums of ")
            yield Equality(
                (Row((said, names[0])), Row((said, Matrix(columns[0]))), self.writer.value(columns[0].sum(axis=1)))
            )

    def _evaluated(self, node: Call, step: Step) -> Doc:
        return self.writer.value(evaluate(node, self.trace.value), step.digits)

    def _derivation(self, step: Step) -> Iterator[Equality]:
        for line in step.equation.derivation:
            formula = step.specialise(line.formula)
            yield Equality(
                (self.writer.formula(formula), self.writer.numbers(formula, self.trace.value, step.digits)),
                self._reason(line.reason),
            )

    def _reason(self, text: str) -> str:
        """A derivation's reason with ŷ as this notation has it, and its letters."""
        output = next((eq.symbol for eq in reversed(self.trace.equations) if eq.symbol.quantity == "activation"), None)
        template, words = (text.template, {**text.words}) if isinstance(text, Message) else (text, {})
        words = {name: said(word) if isinstance(word, Message) else word for name, word in words.items()}
        if "word" in words:
            words["word"] = say(str(words["word"]))
        if output is not None:
            name = self.writer.text(Ref(replace(output, per_example=False)))
            entry = self.writer.notation
            l, indicator = entry.true_class, entry.indicator
            words |= {"a": name, "z": entry.letter, "l": l, "lowered_l": subscript(l), "indicator": indicator}
        return fill(template, words)

    def operand(self, ref: Ref, digits: int = 4) -> Operand:
        """A value that a step uses, with so many significant digits."""
        maker = self.trace.maker(ref)
        value = self.writer.value(self.trace.value(ref), digits)
        return Operand(ref, self.writer.text(ref), value, maker.id if maker else None)

    def _used_by(self, step: Step) -> list[tuple[str, str]]:
        """Names and ids of the later steps that use this one: the same for all its elements."""
        key = step.at(None).id
        if key not in self._users:
            asked = step.equation.symbol
            users = [eq.symbol for eq in self.trace.equations if any(ref.symbol == asked for ref in used(eq.formula))]
            found = [Ref(user, None, step.example if user.per_example else None) for user in users]
            self._users[key] = [(self.writer.text(ref), ref.id) for ref in found]
        return self._users[key]

    # ------------------------------------------------------------ story

    def _turns(self, step: Step) -> tuple[Turn, ...]:
        if step.id not in self._said:
            self._said[step.id] = self.explainer.turns(step)
        return self._said[step.id]

    def _before(self, step: Step) -> tuple[Turn, ...]:
        """What was said in the conversation before this step, as much of it as anybody reads."""
        symbol = step.equation.symbol
        backward = [eq for eq in self.trace.equations if eq.phase == "backward"]
        keys = [eq.symbol.key for eq in backward]
        if symbol.key not in keys:
            return ()
        said: list[Turn] = []
        for eq in backward[max(keys.index(symbol.key) - MAX_SAID, 0) : keys.index(symbol.key)]:
            said += self._turns(Step(self.trace, eq, None, self.example if eq.symbol.per_example else None))
        return tuple(said[-MAX_SAID:])

    # ------------------------------------------------------------ matrices and reuse

    def _dimensions(self, step: Step) -> str | None:
        """The shapes of a matrix product, the inner ones the same: 'W² (2×3) · A¹ (3×1) = 2×1'."""
        if step.index is not None:
            return None
        written = self.writer.formula
        mean = step.equation.compute
        if isinstance(mean, Call) and mean.op in ("mean_outer", "sum_outer"):
            (rows,), (columns,), n = mean.args[0].shape, mean.args[1].shape, mean.param
            names = [linear(written(arg)) for arg in mean.args]
            product = f"{names[0]} ({rows}×{n}) · {names[1]}ᵀ ({n}×{columns}) = {rows}×{columns}"
            return say("{product}, over {n}: the {n} examples stand side by side", product=product, n=n)
        products = []
        for node in walk(step.formula):
            if isinstance(node, Call) and node.op in ("matmul", "outer"):
                left, right = node.args
                turned = node.op == "outer"
                names = [linear(written(left)), linear(written(right)) + "ᵀ" * turned]
                row = not turned and len(left.shape) == 1  # a vector before a product lies down, one behind it stands
                sizes = [(1, *left.shape) if row else (*left.shape, 1) if turned else left.shape]
                column = len(right.shape) == 1
                sizes.append((1, *right.shape) if turned else (*right.shape, 1) if column else right.shape)
                texts = [f"{name} ({_times_signs(size)})" for name, size in zip(names, sizes, strict=True)]
                before = max(sizes[0][:-2], sizes[1][:-2], key=len)
                result = _times_signs((*before, sizes[0][-2], sizes[1][-1]))
                of = step.equation.symbol.wrt if node.op == "outer" else None
                products.append(self._of_shape(f"{' · '.join(texts)} = {result}", of))
                if not self.writer.arrays:
                    break
        if products:
            return "; ".join(products)
        return self._sizes(step) if self.writer.arrays else None

    def _sizes(self, step: Step) -> str | None:
        """The shapes of what a step puts together, where its own is another: 'X (4×3), b (3) → 4×3'."""
        operands = [ref for ref in used(step.formula) if ref.shape]
        if all(ref.shape == step.shape for ref in operands):
            return None
        texts = [f"{self.writer.text(ref)} ({_times_signs(ref.shape)})" for ref in operands]
        of = step.equation.symbol.wrt
        sizes = f"{', '.join(texts)} → {_times_signs(step.shape) or say('one number')}"
        return self._of_shape(sizes, of if of and step.shape == of.shape else None)

    def _of_shape(self, sizes: str, of: Symbol | None) -> str:
        """Sizes, with whose shape that is, if it is anybody's."""
        return say("{sizes}, the shape of {it}", sizes=sizes, it=self.writer.text(Ref(of))) if of else sizes

    def _reuse(self, step: Step, users: list[str]) -> str | None:
        """What is computed once and used again, and the meter of multiplications in the backward pass."""
        said = []
        if len(users) > 1:
            said.append(say("Computed once and kept: {names} use it.", names=listed(users)))
        found = tally(self.trace.program).get(step.equation.symbol.key)
        if found and found.so_far:
            said.append(
                say(
                    "Multiplications of the chain rule: {here} here, {so_far} so far. "
                    "Path by path, with nothing kept: {here_by_path} here, {by_path} so far.",
                    here=big_count(found.here), so_far=big_count(found.so_far),
                    here_by_path=big_count(found.here_by_path), by_path=big_count(found.by_path_so_far),
                )
            )  # fmt: skip
            if step.equation.symbol.key == list(tally(self.trace.program))[-1]:
                reused, by_path = map(big_count, of_parameters(self.trace.program))
                said.append(
                    say(
                        "That is all: {reused}; the parameters' gradients alone, path by path: {by_path}.",
                        reused=reused,
                        by_path=by_path,
                    )
                )
        return " ".join(said) or None

    # ------------------------------------------------------------ paths

    def paths(self, example: int = 0) -> Paths:
        """The paths of this trace, worked out once."""
        return paths_of(self.trace, example)

    def chain(self, of: Ref, example: int = 0) -> Chain:
        """The chain of one element, with no stop at what this notation has no name for."""
        return self.paths(example).chain(of).past(self.writer.leaves_out)

    def beyond(self, chain: Chain) -> str:
        """What becomes of a chain's gradient: that it is one example's own and what the mean is; what L2 adds."""
        said = []
        of, index = chain.gradient.symbol, chain.gradient.index
        if of.use:
            return say("This is the part that comes back through {use}; the parts of all uses add up.", use=of.use)
        for eq in self.trace.equations:
            if eq.phase == "backward" and eq.symbol.wrt == of.wrt and not eq.symbol.per_example:
                ref = Ref(eq.symbol, index)
                is_now = f"{self.writer.text(ref)} = {number(float(self.trace.value(ref)))}"
                if eq.rule in OVER_BATCH and chain.gradient.example is not None:
                    said.append(
                        say(
                            "This is example {example}'s own. "
                            "The batch takes the {mean} over its {n} examples: {is_now}.",
                            example=chain.gradient.example + 1, mean=say(eq.rule.partition("_")[0]),
                            n=self.trace.examples, is_now=is_now,
                        )
                    )  # fmt: skip
                elif eq.rule == "decayed_gradient":
                    said.append(say("L2 regularisation adds λ times the weight itself: {is_now}.", is_now=is_now))
        return " ".join(said)

    def factor_name(self, factor: Factor) -> Frac:
        """∂a/∂z: the same fraction in every notation, with its names."""
        return self.fraction(factor.top, factor.bottom)

    def fraction(self, top: Ref, bottom: Ref) -> Frac:
        """∂top/∂bottom of any two values, without their example."""
        top, bottom = replace(top, example=None), replace(bottom, example=None)
        return Frac(Row(("∂", self.writer.name(top))), Row(("∂", self.writer.name(bottom))), tight=True)

    def factor(self, factor: Factor) -> Equality:
        """∂a/∂z = σ′(z) = a (1 − a) = numbers = value, and what the factor says."""
        formula, value = factor.formula, self.trace.value
        digits = digits_for(formula, factor.value, value)
        docs: list[Doc] = [self.factor_name(factor), self.writer.formula(formula)]
        docs += [self.writer.formula(self.writer.written_out(node)) for node in _slopes(formula)]
        docs += [self.writer.numbers(formula, value, digits), self.writer.value(factor.value)]
        return Equality(_without_repeats(docs), self.explainer.factor(factor))

    def derivation(self, step: Step) -> list[Equality]:
        """How a step comes about that is many in one, from the beginning: every line with its numbers and its value."""
        found = derivation(step)
        stages, value = found.stages, found.value
        digits = max((digits_for(stage.line.formula, stage.value, value) for stage in stages), default=4)
        chains = []
        for stage in stages:
            formula = stage.line.formula
            docs: list[Doc] = [self.writer.name(stage.line.name or step.ref), self.writer.formula(formula)]
            docs += [self.writer.numbers(formula, value, digits)] if _computes(formula) else []
            docs.append(self.writer.value(stage.value))
            chains.append(Equality(_without_repeats(docs), self._reason(stage.line.reason)))
        return chains

    # ------------------------------------------------------------ prose

    def notes(self, step: Step) -> list[str]:
        """The author's notes on a step: on the whole, and at level scalar on just this element."""
        found = []
        for note in self.trace.lesson.notes:
            try:
                eq, index, example = resolve(self.trace.program, note.step)
            except NoSuchStep:
                continue  # a step of an iteration with a larger batch
            same = eq.symbol == step.equation.symbol and example in (None, step.example)
            if same and (index is None or step.index is None or index == step.index):
                found.append(self.prose(note.text))
        return found

    def prose(self, text: str) -> str:
        """A lesson's prose as Markdown: LaTeX as Unicode, {dL/dW2} and the like as names in this notation."""
        return prose.render(text, self.called)

    def called(self, id: str) -> str | None:
        """What this notation calls the step or the given value of an id; None where there is none.

        `=` before an id asks for its number in this iteration, and of the example that was last looked at.
        """
        if id.startswith("="):
            ref = self._ref(id[1:])
            if ref and ref.batched:
                ref = replace(ref, example=min(self.example, self.trace.examples - 1))
            return None if ref is None else linear(self.writer.value(self.trace.value(ref)))
        ref = self._ref(id)
        return None if ref is None else self.writer.text(ref)

    def _ref(self, id: str) -> Ref | None:
        named = read_id(id)
        symbol = self.trace.program.named(named.base) if named else None
        if named and symbol and (named.example is None or symbol.per_example):
            there = named.fits(symbol.shape) and (named.example or 0) < self.trace.examples
            return Ref(symbol, named.index, named.example) if there else None
        try:
            eq, index, example = resolve(self.trace.program, id)
        except NoSuchStep:
            return None
        return Ref(eq.symbol, index, example)


def terms_of(step: Step) -> list[str]:
    """The terms of the glossary that are spoken of at a step, the nearest first."""
    lesson, eq = step.trace.lesson, step.equation
    chosen: list[str | None] = []
    model = step.trace.program.model
    layer = model.layer_of(eq.symbol) or model.layer_of(eq.symbol.wrt)
    if layer and eq.rule in ("activation", "pre_activation", "pre_activation_gradient"):
        chosen.append(layer.activation_name)
    if eq.phase == "loss" or eq.rule in ("loss_gradient", "combined_error"):
        chosen.append(model.loss_name or None)
    if eq.phase == "update" and lesson.training:
        chosen.append(lesson.training.optimizer)
    return spoken_of(eq.rule_id, *chosen)


def _computes(formula: Expr) -> bool:
    """Whether a derivation's line is shown with its numbers: one that only takes a part has them in its value."""
    moved = all(node.op in _TAKES for node in walk(formula) if isinstance(node, Call))
    return _flat(used(formula)) and not moved


def _flat(operands: Iterable[Ref]) -> bool:
    """Whether a formula is shown with its numbers: nobody reads slices of slices within one."""
    return all(len(ref.shape) < 3 for ref in operands)


def _without_repeats(docs: list[Doc]) -> tuple[Doc, ...]:
    """name = formula = numbers = value without what would only repeat what stands beside it."""
    texts = [linear(doc) for doc in docs]
    return tuple(doc for at, doc in enumerate(docs) if at == 0 or texts[at] != texts[at - 1])


def _slopes(formula: Expr) -> list[Call]:
    """The derivatives of activations in a formula."""
    return [node for node in activation_calls(formula) if prime_of(node.op)]


def big_count(count: int) -> str:
    """A count with commas; a very large one in powers of ten."""
    return (
        f"{count:,}"
        if count < 10**15
        else number(float(count))
        if count < 10**300
        else say("over {n}", n=f"10{superscript('300')}")
    )


def others_words(chain: Chain) -> str:
    """What the paths are called that a sum does not list."""
    others = chain.count - len(chain.paths)
    return say("the other path") if others == 1 else say("the other {n} paths together", n=big_count(others))


def zero_words(chain: Chain) -> str:
    """How many of the paths carry nothing; there is at least one."""
    if chain.count == 1:
        return say("The path has a factor 0 and carries nothing.")
    return say_many(
        chain.zero or 0,
        "{count} of the paths has a factor 0 and carries nothing.",
        "{count} of the paths have a factor 0 and carry nothing.",
        count=big_count(chain.zero or 0),
    )


def _times_signs(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def shape_words(shape: tuple[int, ...]) -> str:
    """(2, 3) -> '2 × 3 matrix'."""
    sizes = " × ".join(map(str, shape))
    if len(shape) >= 2:
        return say("{sizes} matrix", sizes=sizes) if len(shape) == 2 else say("{sizes} array", sizes=sizes)
    return say("{n} numbers", n=sizes) if shape and shape[0] > 1 else say("one number")
