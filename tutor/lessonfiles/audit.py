"""What an author should know of a lesson that can be played: the checks that hold it to its own word.

Expectations that do not hold, questions that do not tell a mistake from the right answer, names, prose and numbers
that nobody can follow. None of it is needed to play a lesson.
"""

from __future__ import annotations

import math
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from tutor.engine.backprop import gradient_of
from tutor.engine.divergence import zero_by_zero
from tutor.engine.expressions import Ref
from tutor.engine.ids import example_free, line_of, of_layer, whole
from tutor.engine.lesson import AuthorQuestion, Layer, Lesson, Training
from tutor.engine.model import LayerSymbols, Model
from tutor.engine.run import Run
from tutor.engine.trace import Step, Trace, as_shown
from tutor.lessonfiles.expectations import expectations, is_turned
from tutor.lessonfiles.faults import label
from tutor.lessonfiles.positions import Keys, Problem, Source
from tutor.questions.authored import author_item
from tutor.questions.items import Item, judgement
from tutor.questions.misconceptions import MISCONCEPTIONS
from tutor.questions.names import parts
from tutor.questions.question import Question
from tutor.text.card import Scribe
from tutor.text.language import say
from tutor.text.latex import Blemish, Name
from tutor.text.layout import number
from tutor.text.notations import NOTATIONS
from tutor.text.output import quote
from tutor.text.prose import blemishes, count_words, lost_latex
from tutor.text.writer import Writer

LONG_NOTE = 80  # words
MOST_PROSE = 200_000  # characters of a lesson's texts that are looked at
MANY_ALIKE = 5  # problems of one kind in one text that are told one by one
FEW_DIGITS = 6  # as many as are shown of a given number without rounding
FOLLOWED = 50  # examples of a batch whose every step is looked at: nobody follows more
MANY = 100  # numbers that nobody follows one by one anyhow
MOST_NAMED = 8  # units that one message lists
MAX_ROWS = 2_000  # examples that are looked at for units that never answer


def audit(lesson: Lesson, source: Source) -> Iterator[Problem]:
    """Everything of this kind that is wrong with a lesson whose file has no error."""
    run = Run(lesson)
    first = run.iteration(1)
    assert first is not None
    here = Trace(lesson, first)
    scribe = Scribe(here, lesson.notation)
    yield from expectations(lesson, source, run)
    yield from questions(lesson, source, scribe)
    yield from texts(lesson, source, scribe.called)
    yield from numbers(lesson, source, here)
    yield from names(lesson, source, here)
    if lesson.network:
        yield from units(lesson, source)
    elif here.program.model.arrays:
        yield from gates(lesson, source)


# ---------------------------------------------------------------- names


def names(lesson: Lesson, source: Source, here: Trace) -> Iterator[Problem]:
    """The author's names that a notation has for something else, too, and those that read as a formula."""
    own = list(_own_names(lesson, here))
    for path, _, name in own:
        if lesson.network and (name[0].isdigit() or re.search(r"[-+*/^=<>|,;%·×÷−√Σ]", name)):
            message = say("the name {name} reads as a formula, or a number, where it stands in one", name=quote(name))
            yield source.problem(path, message, say("choose a name of letters and digits"), severity="warning")
    if not own:
        return
    told: set[Ref] = set()
    for notation in (lesson.notation, *(other for other in NOTATIONS if other != lesson.notation)):
        writer = Writer(lesson, notation)
        others: dict[str, list[str]] = defaultdict(list)
        for symbol in here.program.symbols.values():
            whole = lesson.circuit is not None or math.prod(symbol.shape) > MAX_ROWS  # a circuit names whole arrays
            for part in (Ref(symbol),) if whole else parts(symbol):
                for spelling in writer.spellings(part):
                    others[spelling].append(part.id)
        for at, layer in enumerate(lesson.network.layers if lesson.network else (), start=1):
            others[writer.function(layer.activation, at)].append(say("the activation of layer {n}", n=at))
        for path, ref, name in own:
            also = [id for id in others.get(name, ()) if id != ref.id]
            if also and ref not in told:
                told.add(ref)
                message = say(
                    "{name} is also what notation {notation} calls {other}",
                    name=quote(name), notation=notation, other=also[0],
                )  # fmt: skip
                severity = "error" if notation == lesson.notation else "warning"
                key = path[:2] == ("circuit", "inputs")
                yield source.problem(path, message, say("choose another name"), key=key, severity=severity)


def _own_names(lesson: Lesson, here: Trace) -> Iterator[tuple[Keys, Ref, str]]:
    """The names that an author gave, where they stand in the file and what they name."""
    symbols = here.program.symbols
    if lesson.circuit:
        for name in lesson.circuit.inputs:
            if symbol := here.program.named(name):  # not so where it leads nowhere
                yield lesson.circuit.place(name)[:3], Ref(symbol), name
        for definition in lesson.circuit.definitions:
            if symbol := here.program.named(definition.name):
                yield ("circuit", "define", definition.at), Ref(symbol), definition.name
    elif lesson.network and lesson.network.input_names:
        x = next(symbol for symbol in symbols.values() if symbol.quantity == "input")
        for i, name in enumerate(lesson.network.input_names):
            yield ("network", "inputs", i), Ref(x, (i,)), name


# ---------------------------------------------------------------- questions


def questions(lesson: Lesson, source: Source, scribe: Scribe) -> Iterator[Problem]:
    """Questions whose right answer is also that of a mistake, or that take an answer known to be wrong for right."""
    for question in lesson.questions:
        item = author_item(question, scribe.trace, scribe.writer, random.Random(0))
        if item is None:
            continue  # told by `check`
        where = ("questions", question.at)
        if question.kind == "value" and item.question is not None:
            yield from _telling(item.question, source, (*where, "step"))
        yield from _admitted(question, item, source, where)


def _telling(question: Question, source: Source, path: Keys) -> Iterator[Problem]:
    alike = question.mistaken
    if alike is None or (question.right == 0 and question.slips):  # a 0 is often the point: some mistake still shows
        return
    slip = MISCONCEPTIONS[alike].title
    shown = f"{question.right:#.{question.digits}g}".rstrip(".")
    message = say(
        "'{step}' = {number} is also what a mistake gives: {slip}", step=question.step.id, number=shown, slip=slip
    )
    advice = say(
        "ask about another element or step, ask for more digits, or change the numbers, so that an answer tells"
    )
    yield source.problem(path, message, advice)


def _admitted(question: AuthorQuestion, item: Item, source: Source, where: Keys) -> Iterator[Problem]:
    """Wrong answers of the author's that are graded right at the digits that are asked for."""
    for at, wrong in enumerate(question.wrong):
        if isinstance(wrong.answer, str):
            continue
        digits = item.question.digits if item.question else question.digits
        typed = (repr(wrong.answer), f"{wrong.answer:#.{digits}g}".rstrip("."))
        if question.kind in ("value", "number") and any(judgement(item.judge(text, {})).correct for text in typed):
            message = say(
                "wrong answer {n} of {question} is graded right: it is too near", n=at + 1, question=label(where)
            )
            advice = say("ask for more digits, or change the numbers so that the two are further apart")
            yield source.problem((*where, "wrong", at, "answer"), message, advice)


# ---------------------------------------------------------------- prose


def texts(lesson: Lesson, source: Source, name: Name) -> Iterator[Problem]:
    """LaTeX and ids that cannot be shown as they are meant; notes that are too long to be read beside a step."""
    left = MOST_PROSE
    for path, text in _prose(lesson):
        if (left := left - len(text)) < 0:
            message = say("only the first {n} characters of prose were looked at", n=f"{MOST_PROSE:,}")
            yield source.problem(path, message, say("nobody reads more of it in a lesson"), severity="warning")
            break
        written = source.written(path) if "\\" in source.text else ""
        if "\\" in written and lost_latex(written):
            continue  # told by `reading`: of what is lost nothing is to be concluded
        alike: dict[str, list[Blemish]] = {}
        for found in blemishes(text, name):
            alike.setdefault(re.sub(r"\{.*?\}|\\\\\w+", "", found.message), []).append(found)
        for some in alike.values():
            for at, found in enumerate(some[:MANY_ALIKE]):
                more = len(some) - MANY_ALIKE if at == MANY_ALIKE - 1 else 0
                message = found.message
                if more > 0:
                    message = say(
                        "{message} (and {n} more of the same kind in this text)", message=message, n=f"{more:,}"
                    )
                yield source.problem(path, message, found.advice, offset=found.offset, severity="warning")
    for note in lesson.notes:
        if left < 0:
            break
        words = count_words(note.text)
        if words > LONG_NOTE:
            message = say("the note on '{step}' has {n} words", step=note.step, n=words)
            advice = say("{n} are what one reads beside a step: say one thing, or make it two notes", n=LONG_NOTE)
            yield source.problem(("notes", note.at, "text"), message, advice, severity="warning")


def _prose(lesson: Lesson) -> Iterator[tuple[Keys, str]]:
    yield ("intro",), lesson.intro
    yield ("outro",), lesson.outro
    for note in lesson.notes:
        yield ("notes", note.at, "text"), note.text
    for question in lesson.questions:
        where = ("questions", question.at)
        yield (*where, "ask"), question.ask
        for key in ("choices", "hints"):
            for at, text in enumerate(getattr(question, key)):
                yield (*where, key, at), text
        for at, wrong in enumerate(question.wrong):
            yield (*where, "wrong", at, "says"), wrong.says


# ---------------------------------------------------------------- numbers


def numbers(lesson: Lesson, source: Source, here: Trace) -> Iterator[Problem]:
    """Given numbers with more digits than are shown, steps that need more, updates that nobody sees."""
    for path, value in _given(lesson):
        if float(f"{value:.{FEW_DIGITS}g}") != value:
            message = say(
                "{number} has more than {n} digits: nobody computes with it on paper", number=repr(value), n=FEW_DIGITS
            )
            yield source.problem(path, message, say("round it"), severity="warning")
            break
    table = ("network",) if lesson.network else ("circuit",)
    stored = lesson.network is not None and any(layer.stored for layer in lesson.network.layers)
    for step in () if stored else here.steps():  # a network of one's own has the numbers that it has
        if (step.example or 0) < FOLLOWED and step.digits > FEW_DIGITS:
            message = say("to get '{step}' from what is shown takes {n} digits of it", step=step.id, n=step.digits)
            advice = say("numbers that nearly cancel, as in 1 − 0.99998, cannot be followed on paper: choose others")
            yield source.problem(table, message, advice, severity="warning")
            break
    broken = _broken(here)
    if broken is not None and zero_by_zero(lesson, broken.equation, np.asarray(broken.value)):
        message = say("'{step}' is 0/0: with epsilon = 0 a gradient that is 0 is divided by 0", step=broken.id)
        advice = say("a small epsilon, such as 1e-8, keeps the division finite; or numbers that give no gradient of 0")
        yield source.problem(("training", "epsilon"), message, advice, severity="warning")
    elif broken is not None and lesson.network:
        message = say("'{step}' overflows: it is too large for a number", step=broken.id)
        yield source.problem(table, message, say("smaller inputs or weights keep it in bounds"), severity="warning")
    elif lesson.training and broken is None and _invisible(here):
        rate = _rate(lesson.training)
        message = say("no parameter moves in the four digits that are shown: learning_rate is {rate}", rate=rate)
        path = ("training", "learning_rate")
        yield source.problem(path, message, say("a larger one lets the learner see the update"), severity="warning")


def _rate(training: Training) -> str:
    return number(training.learning_rate)


def _given(lesson: Lesson) -> Iterator[tuple[Keys, float]]:
    """The numbers that stand in the file, but those of large arrays."""
    if lesson.circuit:
        for name, given in lesson.circuit.inputs.items():
            if np.size(given) <= MANY:
                for index, number in np.ndenumerate(given):
                    yield (*lesson.circuit.place(name), *index), float(number)
        return
    assert lesson.network
    for k, layer in enumerate(lesson.network.layers):
        for key, array in (("weights", layer.weights), ("biases", layer.biases)):
            if isinstance(array, np.ndarray) and array.size <= MANY and key not in layer.stored:
                where = ("network", "layers", k, key)
                turned = key == "weights" and is_turned(lesson)
                for index in np.ndindex(array.shape):
                    yield (*where, *(index[::-1] if turned else index)), float(array[index])
    scaled = "scale" in lesson.data_keys  # then the inputs are not what stands in the file
    for name, rows in (*(() if scaled else (("inputs", lesson.inputs),)), ("targets", lesson.targets)):
        if rows.size <= MANY:
            yield from ((("examples", i, name, j), float(rows[i, j])) for i, j in np.ndindex(rows.shape))


def _broken(here: Trace) -> Step | None:
    """The first step whose value is not finite; of values that are worked out when they are looked at, among the
    first examples."""
    for eq in here.equations:
        examples: Iterable[int | None] = (None,)
        if eq.symbol.per_example:
            kept = here.iteration.values.get(eq.symbol.key)
            examples = range(min(here.examples, FOLLOWED))
            if kept is not None:
                rows = np.asarray(kept).reshape(here.examples, -1)
                examples = map(int, np.flatnonzero(~np.isfinite(rows).all(axis=1))[:1])
        for example in examples:
            step = Step(here, eq, None, example)
            if not np.all(np.isfinite(step.value)):
                return step
    return None


def _invisible(here: Trace) -> bool:
    """Whether no parameter looks different after the update; false where the gradient itself is 0."""
    moved = False
    for equation in here.equations:
        if equation.phase != "update" or equation.symbol.quantity != "updated":
            continue
        before, after = here.value(Ref(equation.symbol.wrt)), here.value(Ref(equation.symbol))  # type: ignore[arg-type]
        moved |= bool(np.any(np.asarray(before) != np.asarray(after)))
        if np.any(as_shown(before, 4) != as_shown(after, 4)):
            return False
    return moved


def units(lesson: Lesson, source: Source) -> Iterator[Problem]:
    """Units that learn nothing: a ReLU at 0 for every example, a sigmoid or tanh at its very end for any.

    A lesson that is about such a unit says so: with a note, a question or an expectation on that very unit.
    """
    network = lesson.network
    assert network
    if network.layers[-1].activation == "softmax" and network.layers[-1].units == 1:
        message = say("softmax over a single unit is always 1, and its gradient 0: the network learns nothing")
        advice = say('one probability is a sigmoid\'s: activation = "sigmoid"; softmax has a unit for each class')
        path: Keys = ("network", "layers", len(network.layers) - 1, "activation")
        yield source.problem(path, message, advice, severity="warning")
    some = replace(
        lesson,
        inputs=lesson.inputs[:MAX_ROWS],
        targets=lesson.targets[:MAX_ROWS],
        training=replace(lesson.training or Training(), batch="all", order="listed"),
    )
    found = Run(some).iteration(1)
    assert found is not None
    for own, layer in zip(found.program.model.layers, network.layers, strict=True):
        k, a = own.number, np.atleast_2d(np.asarray(found.values[own.activation.key]))
        if layer.activation == "relu":
            dead = np.all(a == 0, axis=0)
        elif layer.activation in ("sigmoid", "tanh"):
            lowest = 0.0 if layer.activation == "sigmoid" else -1.0
            dead = np.any((a == 1) | (a == lowest), axis=0)
        else:
            continue
        drawn = isinstance(layer.weights, str)
        idle = [int(j) for j in np.flatnonzero(dead) if not _spoken_of(lesson, found.program.model, own, int(j) + 1)]
        if not idle:
            continue
        first = f"{of_layer('activation', k)}[{idle[0] + 1}]"
        if len(idle) == 1:
            advice = say(
                "choose another seed in [training], or write the weights; if it is meant, a note on {unit} says so"
                if drawn
                else "choose other weights or inputs; if it is meant, a note on {unit} says so",
                unit=first,
            )
        else:
            advice = say(
                "choose another seed in [training], or write the weights; "
                "if it is meant, a note on each, such as {unit}, says so"
                if drawn
                else "choose other weights or inputs; if it is meant, a note on each, such as {unit}, says so",
                unit=first,
            )
        whole = len(idle) > 1 or is_turned(lesson)
        row: Keys = () if drawn else ("weights",) if whole else ("weights", idle[0])
        path = ("network", "layers", k - 1, *row)
        yield source.problem(path, _of_idle(layer, k, idle), advice, severity="warning")


def _of_idle(layer: Layer, number: int, idle: list[int]) -> str:
    """What is said of units of a layer (from 0) that are dead, or so far out that their slope is 0."""
    words: dict[str, object] = {"unit": idle[0] + 1, "n": len(idle), "of": layer.units, "layer": number}
    words["units"] = ", ".join(str(j + 1) for j in idle[:MOST_NAMED]) + (" …" if len(idle) > MOST_NAMED else "")
    if layer.activation == "relu":
        return say(
            "unit {unit} of layer {layer} is 0 for every example: it is dead, its weights get no gradient"
            if len(idle) == 1
            else "{n} of the {of} units of layer {layer} are 0 for every example: "
            "they are dead, their weights get no gradient ({units})",
            **words,
        )
    words |= {"activation": layer.activation, "lowest": 0 if layer.activation == "sigmoid" else -1}
    return say(
        "unit {unit} of layer {layer} is so far out that {activation} is exactly {lowest} or 1: its slope is 0"
        if len(idle) == 1
        else "{n} of the {of} units of layer {layer} are so far out that {activation} is exactly {lowest} or 1: "
        "their slopes are 0 ({units})",
        **words,
    )


def gates(lesson: Lesson, source: Source) -> Iterator[Problem]:
    """ReLUs of an array circuit that are 0 at every place and for every example; unless the lesson speaks of them."""
    circuit = lesson.circuit
    assert circuit
    some = {name: values[:MAX_ROWS] for name, values in circuit.examples.items()}
    training = replace(lesson.training or Training(), batch="all", order="listed")
    found = Run(replace(lesson, circuit=replace(circuit, examples=some), training=training)).iteration(1)
    assert found is not None
    about = {whole(one.step) for group in (lesson.notes, lesson.questions, lesson.expect)
             for one in group}  # fmt: skip
    lines = {definition.name: definition.at for definition in circuit.definitions}
    for eq in found.program.equations:
        id = eq.symbol.id
        relu = eq.phase == "forward" and eq.variant == "relu" and math.prod(eq.symbol.shape) > 1
        if relu and not np.any(found.values[eq.symbol.key]) and not about & {id, line_of(id)}:
            message = say(
                "{name} is 0 at every place and for every example: no gradient goes through"
                if some
                else "{name} is 0 at every place: no gradient goes through",
                name=quote(id),
            )
            advice = say(
                "choose other numbers before the ReLU; if it is meant, a note on {line} says so", line=line_of(id)
            )
            yield source.problem(("circuit", "define", lines[line_of(id)]), message, advice, severity="warning")


def _spoken_of(lesson: Lesson, model: Model, layer: LayerSymbols, unit: int) -> bool:
    named = [about.step for group in (lesson.notes, lesson.questions, lesson.expect) for about in group]
    values = (layer.pre_activation, layer.activation)
    slopes = (gradient_of(model.output, of) for of in (*values, *([layer.biases] if layer.biases else [])))
    ids = {Ref(symbol, (unit - 1,)).id for symbol in (*values, *slopes)}
    return any(example_free(step) in ids for step in named)
