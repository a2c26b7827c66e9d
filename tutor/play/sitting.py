"""A lesson being played: all that a front end has to hold of it, and what can be done to it.

A `Sitting` never changes: what is done to it gives another one. What cannot be done raises `Refused`, whose words a
front end says as they are. It does no I/O and waits for nothing: an iteration that takes long to come to
(`needs_training`) is trained for by the front end, which hands its trace to `arrive`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from tutor.engine.backprop import gradient_of
from tutor.engine.expressions import Ref
from tutor.engine.ids import derivative
from tutor.engine.lesson import Lesson, Level
from tutor.engine.run import MAX_ITERATION, Run
from tutor.engine.trace import Step, Trace
from tutor.engine.unfolding import CannotUnfold, operands, unfoldings
from tutor.play import playback
from tutor.play.fading import EXAMPLE, KNOWN, Fading
from tutor.play.place import Place
from tutor.play.playback import Cursor
from tutor.play.settings import Here, Refused, here
from tutor.play.whatif import WhatIf
from tutor.questions.attempt import Asking, give_up, hint, respond
from tutor.questions.chain_walk import chain_walk
from tutor.questions.items import Item
from tutor.questions.kinds.chain import MOST
from tutor.text.card import Card, Scribe
from tutor.text.language import said, say, say_many
from tutor.text.one_page import OnePage, one_page

if TYPE_CHECKING:
    from tutor.solutions.files import Handed
    from tutor.solutions.judging import Diagnosis, Kind

Asked = tuple[int, str]  # a question: (iteration, what `playback.asked_key` says of it)


class AtTheEnd(Refused):
    """There is no step after this one: the lesson can be finished."""


@dataclass(frozen=True)
class Sitting:
    """A lesson being played. `key` names it in a store; `lesson` has the `changes` in force.

    `run` is the one thing that works: it trains, and remembers what it has trained. `scribe` writes `trace` in the
    notation of `cursor`. `asking` is the question of this step, until the next step: open, or done and still in sight.
    """

    key: str
    changes: WhatIf
    run: Run
    trace: Trace
    cursor: Cursor
    scribe: Scribe
    predict: bool = False  # predict mode: values are asked for before they are shown
    fading: Fading | None = None  # what predict mode goes by; None: it asks at every step
    examples: frozenset[Asked] = frozenset()  # steps that were worked examples, and are not asked any more
    asking: Asking | None = None
    begun: Mapping[Asked, Asking] = field(default_factory=lambda: MappingProxyType({}))  # questions that were left open
    answered: frozenset[Asked] = frozenset()  # questions that are done
    results: tuple[bool, ...] = ()  # of the questions that are done: whether the learner had it
    finished: bool = False  # the end was reached, and the learner is still on it
    diagnosis: Diagnosis | None = None  # of the learner's own numbers ...
    diagnosed: int = 0  # ... of this iteration
    unfolded: tuple[str, ...] = ()  # what of this step's formula is written out, one after the other; "" is all

    # ------------------------------------------------------------ what there is

    @property
    def lesson(self) -> Lesson:
        """The lesson that is played, with the changes in force."""
        return self.trace.lesson

    @property
    def changed(self) -> bool:
        """Whether what is played is not the lesson: then nothing of it is remembered."""
        return bool(self.changes.changes)

    @property
    def place(self) -> Place:
        """What to remember of where the learner is; of a lesson that is finished, its beginning in this iteration."""
        c = playback.first(self.cursor, self.trace) if self.finished else self.cursor
        return Place(playback.place(c, self.trace), c.level, c.notation, c.iteration, c.example, c.element)

    @property
    def step(self) -> Step:
        """The step that the learner is on."""
        return playback.current(self.cursor, self.trace)

    @property
    def card(self) -> Card:
        """What is said of the step that the learner is on, written out as far as was asked for."""
        return self.scribe.card(self.step, self.unfolded)

    @property
    def id(self) -> str:
        """The id of the step that the learner is on."""
        return self.step.id

    @property
    def trained(self) -> bool:
        """Whether the lesson goes on from iteration to iteration."""
        return self.run.last is None

    @property
    def here(self) -> Here:
        """What an edit of the lesson may name as it is seen: the rows, the example, the names of the notation."""
        return here(self.trace, self.cursor.example, self.cursor.notation)

    @property
    def open_question(self) -> Asking | None:
        """The question that waits for an answer."""
        return self.asking if self.asking and not self.asking.done else None

    @property
    def known(self) -> Cursor:
        """The cursor as far as its values may be seen: what is asked is not known yet."""
        return replace(self.cursor, at=self.cursor.at - 1) if self.still_asked else self.cursor

    @property
    def still_asked(self) -> bool:
        """Whether this step has a question that is open, or one more to come: its value would be the answer."""
        return self.asking is not None and (not self.asking.done or self.next_question() is not None)

    @property
    def judged(self) -> Mapping[str, Kind]:
        """What was said of the learner's own numbers of this iteration, by the ids of their steps."""
        if self.diagnosis is None or self.diagnosed != self.cursor.iteration:
            return {}
        return {verdict.step: verdict.verdict for verdict in self.diagnosis.arrays if verdict.step}

    def diagnose(self, handed: Sequence[Handed]) -> Sitting:
        """With the learner's own arrays of this iteration judged."""
        from tutor.solutions.judging import diagnose  # the first frame does not wait for it

        return replace(self, diagnosis=diagnose(self.trace, handed), diagnosed=self.cursor.iteration)

    def forget(self) -> Sitting:
        """Without the learner's own arrays."""
        return replace(self, diagnosis=None, diagnosed=0)

    @property
    def some_ids(self) -> tuple[str, ...]:
        """Ids that this lesson has steps for, as examples: of the first layer, or of an author's output."""
        model = self.trace.program.model
        if not model.layers:
            return (model.output.id, *(gradient_of(model.loss, symbol).id for symbol in model.parameters[:1]))
        first = model.layers[0]
        gradient = gradient_of(model.loss, first.weights)
        element = Ref(gradient, (0, gradient.shape[1] - 1))
        return gradient.id, element.id, derivative(first.activation.id, first.pre_activation.id)

    @property
    def page(self) -> OnePage:
        """The whole algorithm on one page, in the notation. Raises Refused of a circuit."""
        found = one_page(self.trace, self.cursor.notation)
        if found is None:
            raise Refused(
                say("There are no layers here: the rule of each gate is all there is (its sentence says it).")
            )
        return found

    def intro(self) -> str:
        """The author's introduction, in the notation."""
        return self.scribe.prose(self.lesson.intro)

    def outro(self) -> str:
        """The author's last words, in the notation; "" where there are none."""
        return self.scribe.prose(self.lesson.outro)

    # ------------------------------------------------------------ moves

    def at(self, cursor: Cursor) -> Sitting:
        """At another place of the trace, and at the question there, if it has one."""
        return self._of(self.trace, cursor)

    def retold(self) -> Sitting:
        """The same place in the words of another language; of an open question what was said stays as it was."""
        now, open_ = replace(self, scribe=Scribe(self.trace, self.cursor.notation)), self.open_question
        item = now.next_question() if open_ else None
        return replace(now, asking=replace(open_, item=item)) if open_ and item else now

    def _of(self, trace: Trace, cursor: Cursor) -> Sitting:
        scribe = self.scribe
        if scribe.trace is not trace or scribe.notation != cursor.notation:
            scribe = Scribe(trace, cursor.notation)
        same = (cursor.at, cursor.aside) == (self.cursor.at, self.cursor.aside)
        moved = replace(self, trace=trace, cursor=cursor, scribe=scribe, finished=False)
        return replace(moved, unfolded=self.unfolded if same else ()).ask()

    def _at(self, cursor: Cursor | None, otherwise: str) -> Sitting:
        if cursor is None:
            raise Refused(otherwise)
        return self.at(cursor)

    def forward(self) -> Sitting:
        """The next question of this step, if one is done and there is another; else the next step. Raises AtTheEnd."""
        if self.asking and self.asking.done and self.next_question():
            return self.at(self.cursor)
        moved = playback.forward(self.cursor, self.trace)
        if moved is None:
            raise AtTheEnd(say("This is the last step."))
        return self.at(moved)

    def back(self) -> Sitting:
        """The step before. Raises Refused."""
        return self._at(playback.back(self.cursor, self.trace), say("This is the first step."))

    def equation(self, by: int) -> Sitting:
        """The next symbol, or by −1 the one before, past the elements of this one."""
        return self.at(playback.next_equation(self.cursor, self.trace, by))

    def phase(self, by: int) -> Sitting:
        """The start of the next phase; by −1 of this one, then of the one before."""
        return self.at(playback.next_phase(self.cursor, self.trace, by))

    def first(self) -> Sitting:
        """The first step."""
        return self.at(playback.first(self.cursor, self.trace))

    def last(self) -> Sitting:
        """The last step."""
        return self.at(playback.last(self.cursor, self.trace))

    def jump(self, id: str) -> Sitting:
        """The step of an id. An element opens level scalar. Raises NoSuchStep."""
        return self.at(playback.jump(self.cursor, self.trace, id))

    def choose(self, id: str) -> Sitting:
        """The step of an id that was chosen from what is shown, at the level one is at where that can be."""
        level = self.cursor.level
        moved = playback.jump(self.cursor, self.trace, id)
        return self.at(replace(moved, level=level) if "[" not in id or level == "story" else moved)

    def return_from_jump(self) -> Sitting:
        """Back to where the last jump began. Raises Refused."""
        return self._at(playback.return_from_jump(self.cursor, self.trace), say("There is no jump to return from."))

    def element(self, rows: int, columns: int) -> Sitting:
        """At level scalar another cell of the vector or matrix, so many rows and columns on; it stops at the edges."""
        return self.at(playback.move_element(self.cursor, self.trace, rows, columns))

    def level(self, level: Level | int) -> Sitting:
        """A level by its name, or so many further."""
        if isinstance(level, int):
            return self.at(playback.next_level(self.cursor, level))
        return self.at(playback.set_level(self.cursor, level))

    def notation(self, notation: str | int) -> Sitting:
        """A notation by its id, or so many further."""
        if isinstance(notation, int):
            return self.at(playback.next_notation(self.cursor, notation))
        return self.at(replace(self.cursor, notation=notation))

    def example(self, by: int) -> Sitting:
        """Another example of the batch, round and round. Raises Refused where there is no other."""
        self.require_examples()
        return self.at(playback.move_example(self.cursor, self.trace, by))

    def to_example(self, number: int) -> Sitting:
        """The example of this number, from 1. Raises Refused where there is no other."""
        self.require_examples()
        return self.at(replace(self.cursor, example=number - 1))

    def require_examples(self) -> None:
        """Raises Refused, with the reason why, where an iteration has one example."""
        if not self.lesson.example_count:
            raise Refused(say("A circuit has no examples."))
        if self.trace.examples == 1:
            raise Refused(say("Here an update takes one example: there is no other to show."))

    def unfold(self, name: str = "") -> Sitting:
        """With one operand of the step's formula written out (by its name or id), or all of them. Raises Refused."""
        if self.cursor.level == "story":
            raise Refused(say("The story has no formulas: levels scalar and matrix have."))
        try:
            formula = self.step.formula
            for found in unfoldings(self.step, self.unfolded):
                formula = found.formula
            if name:
                shown = operands(self.trace, formula)
                name = next((ref.id for ref in shown if self.scribe.writer.text(ref) == name), name)
            names = (*self.unfolded, name)
            for _ in unfoldings(self.step, names):  # up to where it cannot
                pass
        except CannotUnfold as error:
            raise Refused(said(error)) from None
        return replace(self, unfolded=names)

    def fold(self) -> Sitting:
        """With what was written out last under its name again. Raises Refused."""
        if not self.unfolded:
            raise Refused(say("Nothing of this formula is written out."))
        return replace(self, unfolded=self.unfolded[:-1])

    def finish(self) -> Sitting:
        """Past the last step: the lesson is finished."""
        return replace(self, finished=True)

    # ------------------------------------------------------------ iterations

    def require_training(self, purpose: str = "") -> None:
        """Raises Refused where the lesson is not trained, and says what follows from that."""
        if self.lesson.training is None:
            why = purpose or say("it has one iteration")
            raise Refused(say("This lesson is not trained: {purpose}.", purpose=why))

    def further(self, by: int) -> int:
        """The number of the iteration so many further. Raises Refused."""
        self.require_training()
        number = self.cursor.iteration + by
        if not 1 <= number <= MAX_ITERATION:
            raise Refused(
                say("This is the first iteration.") if by < 0 else say("This is the last iteration that can be shown.")
            )
        return number

    def needs_training(self, number: int) -> bool:
        """Whether it may take long to come to an iteration; one beside this one is at hand."""
        return abs(number - self.cursor.iteration) > 1 and number > self.run.trained + 1

    def seek(self, number: int, progress: Callable[[int], bool] | None = None) -> Trace | None:
        """The trace of an iteration, for `arrive`; None if `progress`, told how far it is, answers False."""
        found = self.run.iteration(number, progress)
        return Trace(self.lesson, found) if found else None

    def arrive(self, trace: Trace, place: Place | None = None) -> Sitting:
        """The same step in another iteration; or, with a place, where the learner was in it."""
        cursor = playback.at_iteration(self.cursor, self.trace, trace)
        return self._of(trace, playback.resume(cursor, trace, place) if place else cursor)

    def beside(self, by: int) -> Sitting:
        """The same step in the next iteration, or in the one before: they are at hand. Raises Refused."""
        trace = self.seek(self.further(by))
        assert trace is not None
        return self.arrive(trace)

    def iteration_of(self, place: Place) -> int:
        """The iteration that a place is in, as far as this lesson has it."""
        return place.iteration if self.trained and 1 <= place.iteration <= MAX_ITERATION else 1

    # ------------------------------------------------------------ what if

    def adopt(self, changes: WhatIf, progress: Callable[[int], bool] | None = None) -> Sitting:
        """With these changes in force: the same step, level, notation and iteration, as far as the lesson has them.

        Where `progress`, told how far the training is, answers False, it is the first iteration.
        """
        run = Run(changes.lesson)
        number = self.cursor.iteration if run.last is None else 1
        found = run.iteration(number, progress) or run.iteration(1)
        assert found is not None
        trace = Trace(changes.lesson, found)
        cursor = playback.at_iteration(self.cursor, self.trace, trace)
        cursor = replace(cursor, furthest=min(cursor.furthest, len(trace.equations) - 1))
        return replace(self, changes=changes, run=run, answered=frozenset())._of(trace, cursor)

    def undo(self) -> WhatIf:
        """The changes without the last one. Raises Refused."""
        if (changes := self.changes.undo()) is None:
            raise Refused(say("There is no change to take back."))
        return changes

    def redo(self) -> WhatIf:
        """The changes with the one that was taken back last. Raises Refused."""
        if (changes := self.changes.redo()) is None:
            raise Refused(say("There is no change that was taken back."))
        return changes

    def reloaded(self, lesson: Lesson, run: Run, trace: Trace, same: bool = False) -> Sitting:
        """Another version of the lesson, at the same step as far as it has that; where it is gone, the one there.

        `same`: in other words alone, so what was answered stays so, and an open question goes on.
        """
        last = len(trace.equations) - 1
        start = replace(playback.start(lesson), at=min(self.cursor.at, last), furthest=min(self.cursor.furthest, last))
        place = replace(replace(self, finished=False).place, iteration=trace.iteration.number)
        fresh = replace(self, changes=WhatIf(lesson), run=run, answered=self.answered if same else frozenset())
        moved, open_ = fresh._of(trace, playback.resume(start, trace, place)), self.open_question if same else None
        asked = moved.open_question
        return replace(moved, asking=replace(open_, item=asked.item)) if open_ and asked else moved

    # ------------------------------------------------------------ questions

    def chain_questions(self, step: Step) -> list[Item]:
        """The questions that put the chain of a gradient together, factor by factor. Raises Refused."""
        rng = random.Random(f"{self.lesson.id} {self.cursor.iteration} {step.id}")
        found = chain_walk(step, self.scribe.writer, rng, self.cursor.example)
        if not found:
            raise Refused(say("This is no gradient with a chain of at most {most} factors to put together.", most=MOST))
        return found

    def next_question(self) -> Item | None:
        """What predict mode asks next at this step; None where it asks nothing (more)."""
        if not self.predict:
            return None
        return playback.question(
            self.cursor, self.trace, self.scribe.writer, self.answered | self.examples, self.fading
        )

    def ask(self) -> Sitting:
        """At the question of this step, if predict mode has one; one that was left open goes on."""
        item = self.next_question()
        if item is None:
            return self._shown()
        before = self.begun.get((self.cursor.iteration, playback.asked_key(item)))
        cursor = self.cursor
        if cursor.level == "scalar" and item.step.index:
            cursor = replace(cursor, element=item.step.index)
        return replace(self, cursor=cursor, asking=replace(before, item=item) if before else Asking(item))

    def _shown(self) -> Sitting:
        """At a step without a question: its kind is not new any more. In predict mode it was a worked example."""
        eq, fading = self.trace.equations[self.cursor.at], self.fading
        if fading is None or self.cursor.aside or not fading.is_new(eq.rule_id):
            return replace(self, asking=None)
        key = (self.cursor.iteration, eq.symbol.key)
        examples = self.examples | {key} if self.predict and key[1] in playback.asked(self.trace) else self.examples
        return replace(self, asking=None, fading=fading.meeting(eq.rule_id), examples=examples)

    @property
    def why_not_asked(self) -> str:
        """Why predict mode asks nothing at a step that it might ask about, in words; "" where it does, or never."""
        eq, number = self.trace.equations[self.cursor.at], self.cursor.iteration
        if not (self.predict and self.fading) or self.asking or self.cursor.aside:
            return ""
        if (number, eq.symbol.key) in self.examples:
            return say(EXAMPLE)
        known = self.fading.is_known(eq.rule_id) and eq.symbol.key in playback.asked(self.trace)
        return say(KNOWN) if known and (number, eq.symbol.key) not in self.answered else ""

    def going_by(self, fading: Fading | None) -> Sitting:
        """With other knowledge to go by, from the next step on."""
        return replace(self, fading=fading)

    def predicting(self, on: bool) -> Sitting:
        """With predict mode on or off; what was asked before may be asked again."""
        fresh = replace(self, predict=on, answered=frozenset(), examples=frozenset(), begun=MappingProxyType({}))
        return fresh.ask()

    def answer(self, text: str) -> Sitting:
        """The learner answers the open question, or says something else to it."""
        return self.told(respond(self._open, text))

    def hint(self) -> Sitting:
        """The next hint to the open question; the last one is its answer."""
        return self.told(hint(self._open))

    def give_up(self) -> Sitting:
        """The learner wants to see the answer of the open question."""
        return self.told(give_up(self._open))

    @property
    def _open(self) -> Asking:
        assert self.open_question, "no question is open"
        return self.open_question

    def told(self, asking: Asking) -> Sitting:
        """What was said to the question of this step has come to this."""
        key = (self.cursor.iteration, playback.asked_key(asking.item))
        told = replace(self, asking=asking, begun=MappingProxyType({**self.begun, key: asking}))
        if not asking.done:
            return told
        return replace(told, answered=self.answered | {key}, results=(*self.results, had_it(asking)))


def begin(lesson: Lesson, key: str, notation: str = "", predict: bool = False) -> Sitting:
    """A lesson from its first step, in its own notation if no other is given. No question is asked yet: see `ask`."""
    run = Run(lesson)
    found = run.iteration(1)
    assert found is not None
    trace, cursor = Trace(lesson, found), playback.start(lesson)
    cursor = replace(cursor, notation=notation or cursor.notation)
    return Sitting(key, WhatIf(lesson), run, trace, cursor, Scribe(trace, cursor.notation), predict)


def had_it(asking: Asking) -> bool:
    """Whether the learner had the answer of a question that is done, and was not shown it."""
    return asking.tried and asking.last is not None and (asking.last.correct or asking.last.free)


def said_of_results(results: tuple[bool, ...] | list[bool]) -> str:
    """What a learner has done with the questions of a lesson, in honest words; nothing where none was asked."""
    own, count = sum(results), len(results)
    if not count:
        return ""
    if own == count:
        return say_many(count, "You answered the question yourself.", "You answered all {n} questions yourself.")
    if own:
        return say(
            "You answered {own} of {count} questions yourself; the other answers were shown to you.",
            own=own,
            count=count,
        )
    return say_many(
        count,
        "The answer was shown to you. Go through the lesson once more (`p` asks again), and it is you who computes.",
        "All {n} answers were shown to you. Go through the lesson once more (`p` asks again), and it is you who "
        "computes.",
    )
