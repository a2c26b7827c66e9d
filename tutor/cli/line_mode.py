"""Line mode: the player without a full screen, a line in and lines out; good for a screen reader and for scripts."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from tutor.cli.line_questions import ask_item
from tutor.engine.evaluation import Evaluator
from tutor.engine.expressions import Ref
from tutor.engine.lesson import LEVELS, Lesson
from tutor.engine.paths import target
from tutor.engine.program import iterations_per_epoch
from tutor.engine.run import MAX_ITERATION, TOLERANCE, Iteration, Run
from tutor.engine.trace import NoSuchStep, Step, Trace, resolve
from tutor.learner.records import ALWAYS, NOTATION, choose_notation, chosen_notation, predicts, set_predict
from tutor.learner.store import Store
from tutor.lessonfiles.writing import CannotWrite, save
from tutor.pictures.diagram import tell
from tutor.pictures.step.kinds import KINDS, subject
from tutor.play import playback
from tutor.play.compare import EPOCHS, Comparison, asked
from tutor.play.place import Place
from tutor.play.playback import Cursor
from tutor.play.whatif import Here, Refused, WhatIf, here, said_of_step
from tutor.play.whatif import shown as setting_text
from tutor.questions.items import Item
from tutor.text import glossary
from tutor.text.card import Scribe, conventions, terms_of
from tutor.text.evaluation_words import NO_EXAMPLES, ending, loss_words, words
from tutor.text.layout import linear
from tutor.text.layout import number as shown
from tutor.text.lines import card_lines, path_lines, prose, reuse_lines, wrapped
from tutor.text.notations import NOTATIONS
from tutor.text.output import escape
from tutor.text.words import whole_number

PATIENCE = 3.0  # seconds without a word of progress
LINES = "lines"  # where predict mode is on
MAX_WORD = 200  # what is longer is no command and no step

HELP = f"""\
Enter, next      the next step
back             the step before
phase, -phase    the start of the next phase, of this one
first, last      the first step, the last step
go ID            the step with this id: go dL/dW2, go dL/dW2[1,2], go L@3; the id alone does it, too
return           back to where the last go began
from             what this step is made from, and which step made it
chain [ID]       this gradient (or that of ID) path by path, factor by factor; how a combined error is derived
reuse            how many multiplications backpropagation saves in this lesson
level [NAME]     story, scalar or matrix; without a name the next of them
notation [NAME]  {", ".join(NOTATIONS)}; without a name the next of them
iteration N      the same step in iteration N of the training
example N        the same step for example N of the batch
train N          train on to iteration N; any of them can be stepped then
train epoch N    train on to the end of epoch N
train converge   train until an epoch changes loss and parameters by less than {TOLERANCE:f}
losses           the losses of what is trained
evaluate [N]     what is predicted right for all rows, after the last iteration trained, or after iteration N
set NAME = VALUE what if: set W1[1,2] = 0.3 or set optimizer = adam; all follows
undo, redo       take the last change back, make it again
changes          what is changed, and all that can be
save FILE        the lesson with the changes as a lesson file
compare NAME V W runs side by side: compare learning_rate 0.1 0.5
predict [always] predict mode on or off in this lesson, or on in all: values are asked for before they are shown
state            parameters and what has been computed so far
map              the network layer by layer, or the circuit: units, values, gradients; > marks what the step uses
steps            all steps; > marks this one
check [ID]       the step's gradient held against differences; check W2[1,1] or any other
slope [ID]       the loss as a function of a parameter: its slope, the update, where it lands
activation [ID]  the activation of the step's units and its slope at each
sizes            how large the gradients are in each layer; dead and saturated units
again            this step once more
intro            the introduction
glossary [TERM]  what a term means; without one all terms, those of this step first
help             this list
quit             leave; your place is kept"""

_SHORT = {
    "": "next", "n": "next", "b": "back", "p": "back", "g": "go", "r": "return", "f": "from", "l": "level",
    "t": "notation", "i": "intro", "s": "state", "h": "help", "?": "help", "q": "quit", "exit": "quit",
    "paths": "chain",
}  # fmt: skip


class LineMode:
    """One lesson played in lines. `ask` returns the next line, or None at the end of the input."""

    def __init__(
        self, lesson: Lesson, key: str, store: Store, ask: Callable[[str], str | None], say: Callable[[str], None]
    ):
        self.lesson, self.key, self.store, self.ask, self.say = lesson, key, store, ask, say
        self.changes = WhatIf(lesson)  # in force: `self.lesson` has them; then nothing is remembered
        self.run = Run(lesson)
        found = self.run.iteration(1)
        assert found is not None
        self.trace = Trace(lesson, found)
        self.cursor = playback.start(lesson)
        self.finished = False  # the end was reached, and the learner is still on it
        self.cursor = replace(self.cursor, notation=chosen_notation(store, lesson))
        self.predict = predicts(store, key, LINES)
        self.answered: set[tuple[int, str]] = set()
        self.left = False  # the learner left at a question
        self.unattended = False

    def play(self, resume: bool, unattended: bool) -> None:
        """Play until the end, `quit`, or the end of the input.

        `unattended`: at the end of the input, step on to the end of the lesson. Nothing of that is remembered.
        """
        self.unattended = unattended
        self.say(f"{self.lesson.title}\n")
        if not (resume and self._resume()):
            self._intro()
            self.say("Enter for the next step; `help` lists the commands.\n")
        self._show()
        while not self.left and (line := self.ask("> ")) is not None:
            if not self._obey(line.strip()):
                return
        if not unattended or self.finished or self.left:
            return
        while moved := playback.forward(self.cursor, self.trace):
            self.cursor = moved
            self._show()
        self._outro()

    def _resume(self) -> bool:
        """Go on where the learner was, as far as the lesson still has that place; False at the start of a lesson."""
        place = self.store.place(self.key)
        start = self.cursor
        if place is None or (place.step, place.iteration) == (playback.place(start, self.trace), 1):
            return False
        if 1 < place.iteration <= MAX_ITERATION and self.run.last is None:
            self._fetch(place.iteration)
        cursor = self.cursor = playback.resume(self.cursor, self.trace, place)
        if self.store.setting(NOTATION):
            cursor = self.cursor = replace(cursor, notation=start.notation)
        number = cursor.iteration
        here = playback.place(cursor, self.trace) + (f" in iteration {number:,}" if number > 1 else "")
        self.say(f"You go on at {here}. `first` is the first step, `help` lists the commands.\n")
        return True

    def _toggle_predict(self, how: str) -> None:
        if how not in ("", "always"):
            self.say("predict, or predict always: in every lesson.")
            return
        self.predict = how == "always" or not self.predict
        self.answered.clear()
        set_predict(self.store, self.key, LINES, self.predict)
        if how:
            self.store.save_setting(ALWAYS, True)
        self.say(f"Predict mode is {'on: values that carry an idea are asked for first' if self.predict else 'off'}.\n")
        if self.predict:
            self._show()

    def _ask(self) -> None:
        """In predict mode: the questions of this step, each until it is answered, given up or out of tries."""
        writer = Scribe(self.trace, self.cursor.notation).writer
        while self.predict and (item := playback.question(self.cursor, self.trace, writer, self.answered)):
            self._put(item)

    def _put(self, item: Item) -> None:
        self.say(f"{item.prompt} (`hint`, `show`, `known`, `help`, or = before an expression to compute it)")
        for number, choice in enumerate(item.choices, start=1):
            self.say(f"  {number}. {choice}")
        ended = False

        def ask(prompt: str) -> str | None:
            nonlocal ended
            line = self.ask(prompt)
            ended = line is None
            return line

        besides: dict[str, Callable[[str], None]] = {
            "glossary": self._glossary,
            "map": lambda rest: self._map(asked=True),
            "intro": lambda rest: self._intro(),
        }
        if ask_item(None if self.changes.changes else self.store, self.key, item, ask, self.say, besides) is None:
            self.left = not (ended and self.unattended)
            self.predict = False  # who does not answer reads
            self.say("")
            return
        self.answered.add((self.cursor.iteration, playback.asked_key(item)))
        if self.cursor.level == "scalar" and item.step.index:
            self.cursor = replace(self.cursor, element=item.step.index)
        self.say("")

    def _save(self) -> None:
        if self.changes.changes:
            return
        c = playback.first(self.cursor, self.trace) if self.finished else self.cursor
        place = Place(playback.place(c, self.trace), c.level, c.notation, c.iteration, c.example, c.element)
        self.store.save_place(self.key, place)

    # ------------------------------------------------------------ commands

    def _obey(self, line: str) -> bool:
        """Carry out one command; False to stop."""
        word, _, rest = line.partition(" ")
        command, rest = self._command(word), rest.strip()
        actions: dict[str, Callable[[], None]] = {
            "back": lambda: self._move(playback.back(self.cursor, self.trace), "This is the first step."),
            "phase": lambda: self._move(playback.next_phase(self.cursor, self.trace)),
            "-phase": lambda: self._move(playback.next_phase(self.cursor, self.trace, -1)),
            "first": lambda: self._move(playback.first(self.cursor, self.trace)),
            "last": lambda: self._move(playback.last(self.cursor, self.trace)),
            "go": lambda: self._go(rest) if rest else self.say("Say which step: go dL/dW2, for example."),
            "return": lambda: self._move(
                playback.return_from_jump(self.cursor, self.trace), "There is no jump to return from."
            ),
            "from": self._from,
            "chain": lambda: self._chain(rest),
            "reuse": lambda: self.say("\n".join(reuse_lines(self.trace.program)) + "\n"),
            "level": lambda: self._choose("level", rest),
            "notation": lambda: self._choose("notation", rest),
            "iteration": lambda: self._iteration(rest),
            "example": lambda: self._example(rest),
            "train": lambda: self._train(rest),
            "losses": self._losses,
            "evaluate": lambda: self._evaluate(rest),
            "set": lambda: self._set(rest),
            "undo": lambda: self._step_changes(self.changes.undo(), "There is no change to take back."),
            "redo": lambda: self._step_changes(self.changes.redo(), "There is no change that was taken back."),
            "changes": self._changes,
            "save": lambda: self._write(rest),
            "compare": lambda: self._compare(rest),
            "predict": lambda: self._toggle_predict(rest),
            "state": self._state,
            "map": self._map,
            "steps": self._steps,
            **{kind: partial(self._picture, kind, rest) for kind in KINDS},
            "again": self._show,
            "intro": self._intro,
            "glossary": lambda: self._glossary(rest),
            "help": lambda: self.say(HELP + "\n"),
        }
        if command == "quit":
            return False
        if command == "next":
            return self._next()
        if command in actions:
            actions[command]()
        else:
            self._go(line, f"{_quoted(word)} is neither a command nor a step; `help` lists the commands.")
        return True

    def _command(self, word: str) -> str:
        """The command that a word means. A step goes before a command in capitals: L is the loss, l the level."""
        if word in _SHORT or word == word.lower() or self._is_step(word):
            return _SHORT.get(word, word)
        return _SHORT.get(word.lower(), word.lower())

    def _is_step(self, id: str) -> bool:
        try:
            resolve(self.trace.program, id[:MAX_WORD])
        except NoSuchStep:
            return False
        return True

    def _next(self) -> bool:
        moved = playback.forward(self.cursor, self.trace)
        if moved is not None:
            self._move(moved)
        elif self.finished:
            return False
        else:
            self._finish()
        return True

    def _move(self, cursor: Cursor | None, otherwise: str = "") -> None:
        if cursor is None:
            self.say(otherwise)
            return
        self.cursor, self.finished = cursor, False
        self._show()
        self._save()

    def _go(self, id: str, otherwise: str = "") -> None:
        if len(id) > MAX_WORD:
            self.say(f"{_quoted(id)} is too long to be a step.")
            return
        try:
            self._move(playback.jump(self.cursor, self.trace, id))
        except NoSuchStep as error:
            reason = escape(str(error))
            self.say(otherwise or reason[:1].upper() + reason[1:] + ".")

    def _from(self) -> None:
        """The operands of the step; where they came from."""
        card = Scribe(self.trace, self.cursor.notation).card(playback.current(self.cursor, self.trace))
        for operand in card.operands:
            origin = f"step {operand.id}" if operand.id else "given"
            self.say(f"  {operand.name} = {linear(operand.value)} ({origin})")
        if card.more_operands:
            self.say(f"  and {card.more_operands:,} more")
        if not card.operands:
            self.say("  It is made from nothing else.")
        self.say("")

    def _chain(self, id: str) -> None:
        """The chain of the gradient at the cursor, or of an id; of a combined error its derivation, too."""
        step = playback.current(self.cursor, self.trace)
        if id:
            try:
                step = self.trace.find(id[:MAX_WORD], self.cursor.example)
            except NoSuchStep as error:
                reason = escape(str(error))
                self.say(reason[:1].upper() + reason[1:] + ".")
                return
        if (of := target(step)) is None:
            self.say("A chain is of a gradient: chain dL/dW1[1,2], for example." if self.lesson.network else
                     "A chain is of a gradient: chain df/dx, for example.")  # fmt: skip
            return
        scribe = Scribe(self.trace, self.cursor.notation)
        example = step.example if step.example is not None else self.cursor.example
        chain = scribe.paths(example).chain(of)
        self.say("\n".join(path_lines(scribe, chain, step)) + "\n")

    def _choose(self, what: str, name: str) -> None:
        known = LEVELS if what == "level" else tuple(NOTATIONS)
        if not name:
            self._move(playback.next_level(self.cursor) if what == "level" else playback.next_notation(self.cursor))
        elif (name := name.lower()) in known:
            self._move(replace(self.cursor, level=name) if what == "level" else replace(self.cursor, notation=name))
        else:
            self.say(f"There is no {what} {_quoted(name)}; there are: {', '.join(known)}.")
        if what == "notation":
            choose_notation(self.store, self.cursor.notation)

    def _example(self, text: str) -> None:
        last = self.trace.examples
        number = whole_number(text, last)
        if last == 1:
            self.say(
                "A circuit has no examples."
                if self.lesson.circuit
                else "An iteration of this lesson takes one example at a time."
            )
        elif number is None:
            self.say(f"Say which example of the batch: a number from 1 to {last:,}.")
        else:
            self._move(replace(self.cursor, example=number - 1))

    def _iteration(self, text: str) -> None:
        number = whole_number(text, MAX_ITERATION)
        if self.run.last is not None:
            self.say("This lesson is not trained: it has one iteration.")
        elif number is None:
            self.say(f"Say which iteration: a number from 1 to {MAX_ITERATION:,}.")
        else:
            before = self.trace
            if self._fetch(number):
                self._move(playback.at_iteration(self.cursor, before, self.trace))

    def _fetch(self, number: int) -> bool:
        """Make iteration `number` the one that is played; False if the learner did not want to wait."""
        try:
            found = patient_iteration(self.run, number, self.say)
        except KeyboardInterrupt:
            self.say(f"\nStopped: this is still iteration {self.trace.iteration.number:,}.")
            return False
        self.trace = Trace(self.lesson, found)
        return True

    def _glossary(self, term: str) -> None:
        first = terms_of(playback.current(self.cursor, self.trace))
        self.say("\n".join(map(escape, glossary.answer(term[:MAX_WORD], first))) + "\n")

    # ------------------------------------------------------------ training

    def _train(self, text: str) -> None:
        """Train on to an iteration, to the end of an epoch, or until nothing changes any more."""
        word, _, rest = text.lower().partition(" ")
        per_epoch = iterations_per_epoch(self.lesson) if self.run.last is None else 1
        epoch = whole_number(rest.replace(",", ""), max(MAX_ITERATION // per_epoch, 1)) if word == "epoch" else None
        number = epoch * per_epoch if epoch else whole_number(word.replace(",", ""), MAX_ITERATION)
        converge = word.startswith("converge")
        if self.run.last is not None:
            self.say("This lesson is not trained: it has one iteration.")
        elif number is None and not converge:
            self.say(f"Say how far: train 100, train epoch 10 or train converge; at most {MAX_ITERATION:,} iterations.")
        elif number is not None and number <= self.run.trained:
            self.say(f"That is trained already; `iteration {number}` steps it.")
        else:
            self._trained(self._train_to(number or MAX_ITERATION, TOLERANCE if converge else None))

    def _train_to(self, number: int, tolerance: float | None) -> str:
        told = time.monotonic()
        with interruptible() as interrupted:

            def progress(trained: int) -> bool:
                nonlocal told
                if time.monotonic() - told >= PATIENCE and sys.stdout.isatty():
                    told = time.monotonic()
                    self.say(f"Training: {trained:,} of {number:,}. Ctrl+C stops.")
                return not interrupted.is_set()

            return self.run.train(number, progress, tolerance)

    def _trained(self, result: str) -> None:
        """How a training ended, and what it came to."""
        self._say_wrapped(ending(self.run, result, TOLERANCE))
        if self.run.diverged is not None:
            self.say(f"`iteration {self.run.diverged}` steps where it begins.")
        self._losses()
        self._evaluate("")

    def _losses(self) -> None:
        for said in loss_words(self.run):
            self._say_wrapped(said)
        self.say("")

    def _evaluate(self, text: str) -> None:
        trained = self.run.trained
        number = whole_number(text.replace(",", ""), max(trained, 1)) if text else trained
        if number is None or number > trained:
            self.say(f"Say after which iteration: from 1 to {trained:,}." if trained else "Nothing is trained yet.")
            return
        parameters = self.run.parameters(number + 1)
        self.say(f"After iteration {number:,}:" if number else "Before any training:")
        if self.lesson.network:
            evaluator = Evaluator(self.lesson)
            for said in words(evaluator, evaluator.evaluate(parameters)):
                if "│" in said:  # a row of a table
                    self.say(said)
                else:
                    self._say_wrapped(said)
        else:
            self._say_wrapped(NO_EXAMPLES)
            for name, value in parameters.items():
                self.say(f"  {name} = {shown(float(value))}")
        self.say("")

    def _say_wrapped(self, said: str) -> None:
        self.say("\n".join(wrapped(said, "", "    " if said.startswith(" ") else "  ")))

    # ------------------------------------------------------------ what if

    def _here(self) -> Here:
        return here(self.trace, self.cursor.example, self.cursor.notation)

    def _set(self, text: str) -> None:
        try:
            self._step_changes(self.changes.apply(text, self._here()), "")
        except Refused as error:
            self.say(escape(str(error)))

    def _step_changes(self, changes: WhatIf | None, otherwise: str) -> None:
        """Play the lesson with these changes, at the same step of the same iteration as far as it has them."""
        if changes is None:
            self.say(otherwise)
            return
        number, before = self.cursor.iteration, self.trace
        kept = self.changes, self.lesson, self.run
        said = said_of_step(self.changes, changes)
        self.changes, self.lesson, self.run = changes, changes.lesson, Run(changes.lesson)
        if not self._fetch(number if self.run.last is None else 1):  # the learner did not want to wait
            self.changes, self.lesson, self.run = kept
            return
        self.answered.clear()
        cursor = playback.at_iteration(self.cursor, before, self.trace)
        self.say(f"{escape(said)}\n")
        self._move(replace(cursor, furthest=min(cursor.furthest, len(self.trace.equations) - 1)))

    def _changes(self) -> None:
        changes = self.changes.changes
        self.say("\n".join(f"  {escape(str(change))}" for change in changes) or "  Nothing is changed.")
        group = ""
        for setting in self.changes.settings(self._here()):
            if setting.group != group:
                group = setting.group
                self.say(f"{group}, to be set:")
            words = f" ({', '.join(setting.words)})" if setting.words else ""
            self.say(f"  {setting.name} = {setting_text(self.changes.value(setting))}{words}")
        self.say("")

    def _write(self, path: str) -> None:
        if not path:
            self.say("Say which file: save mine.toml, for example.")
            return
        text = self.changes.text(path)
        try:
            try:
                file = save(text, path)
            except FileExistsError:
                if (self.ask(f"{escape(path)} is there already. Replace it? yes or no: ") or "").strip() != "yes":
                    self.say("Not written.")
                    return
                file = save(text, path, overwrite=True)
        except CannotWrite as error:
            self.say(str(error))
            return
        self.say(f"Written: {escape(str(file))}\n")

    def _compare(self, text: str) -> None:
        try:
            comparison = Comparison(self.lesson, *asked(text))
        except Refused as error:
            self.say(escape(str(error)))
            return
        self.say(f"{EPOCHS} epochs of each, from the same seed. Ctrl+C stops.")
        try:
            comparison.train(EPOCHS)
        except KeyboardInterrupt:
            self.say("\nStopped.")
        self.say("\n".join("\n".join(wrapped(said, "  ", "    ")) for said in comparison.words()) + "\n")

    # ------------------------------------------------------------ words

    def _intro(self) -> None:
        scribe = Scribe(self.trace, self.cursor.notation)
        if self.lesson.intro.strip():
            self.say(prose(scribe.prose(self.lesson.intro)) + "\n")
        for said in conventions(self.trace, self.cursor.notation):
            self.say("\n".join(wrapped(said, "", "")))
        self.say("")

    def _outro(self) -> None:
        if self.lesson.outro.strip():
            self.say(prose(Scribe(self.trace, self.cursor.notation).prose(self.lesson.outro)) + "\n")

    def _finish(self) -> None:
        self.finished = True
        if not self.changes.changes:
            self.store.finish(self.key)
            if self.store.setting(ALWAYS, False) is not True:
                set_predict(self.store, self.key, LINES, False)  # it ends with the lesson
        self._save()
        self._outro()
        more = f"`iteration {self.cursor.iteration + 1}` goes on training, " if self.run.last is None else ""
        self.say(f"The lesson is finished.\nEnter leaves, {more}`first` starts again.\n")

    def _show(self) -> None:
        self._ask()
        if self.left:
            return
        step = playback.current(self.cursor, self.trace)
        card = Scribe(self.trace, self.cursor.notation).card(step)
        at = f"{card.phase}, step {self.cursor.at + 1} of {len(self.trace.equations)}"
        at += f", example {step.example + 1} of {self.trace.examples}" if step.example is not None else ""
        at += f", iteration {self.cursor.iteration:,}" if self.cursor.iteration > 1 else ""
        at += f", changed: {len(self.changes.changes)}" if self.changes.changes else ""
        self.say(f"[{card.id}] {card.title} ({at})")
        self.say("\n".join(card_lines(card, self.cursor.level)) + "\n")

    def _state(self) -> None:
        scribe = Scribe(self.trace, self.cursor.notation)
        for symbol in self.trace.program.model.parameters:
            operand = scribe.operand(Ref(symbol))
            self.say(f"  {operand.name} = {linear(operand.value)}")
        for step in self._outline(self.cursor.furthest + 1):
            self.say(f"  {scribe.writer.text(step.ref)} = {linear(scribe.writer.value(step.value, 4))}")
        self.say("")

    def _picture(self, kind: str, id: str) -> None:
        """The facts of a picture: of the step, or of what `id` names."""
        scribe, example = Scribe(self.trace, self.cursor.notation), self.cursor.example
        if len(id) > MAX_WORD:
            self.say(f"{_quoted(id)} is too long to be a step.")
            return
        try:
            of = subject(kind, self.trace, id or playback.place(self.cursor, self.trace), example)
        except NoSuchStep as error:
            reason = escape(str(error))
            self.say(reason[:1].upper() + reason[1:] + ".")
            return
        shown = KINDS[kind].make(scribe, of)
        self.say(shown.title)
        for fact in shown.facts:
            self.say("\n".join(wrapped(fact)))
        self.say("")

    def _map(self, asked: bool = False) -> None:
        """The picture in words; `asked`: without the value of this step, which is being asked for."""
        scribe = Scribe(self.trace, self.cursor.notation)
        step = playback.current(self.cursor, self.trace)
        cursor = replace(self.cursor, at=self.cursor.at - 1) if asked else self.cursor
        self.say("\n".join(f"  {line}" for line in tell(self.trace, scribe, step, cursor)) + "\n")

    def _steps(self) -> None:
        phase = None
        writer = Scribe(self.trace, self.cursor.notation).writer
        for at, step in enumerate(self._outline()):
            if step.phase != phase:
                phase = step.phase
                self.say(f"  {phase}")
            mark = ">" if at == self.cursor.at else " "
            self.say(f"  {mark} {step.id:12} {writer.text(step.ref)}")
        self.say("")

    def _outline(self, stop: int | None = None) -> list[Step]:
        """The equations as steps of the current example."""
        return [
            Step(self.trace, eq, None, self.cursor.example if eq.symbol.per_example else None)
            for eq in self.trace.equations[:stop]
        ]


def _quoted(text: str) -> str:
    return f"'{escape(text[:40])}{'…' if len(text) > 40 else ''}'"


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Ctrl+C sets the event instead of cutting off what is being computed."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.signal(signal.SIGINT, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


def patient_iteration(run: Run, number: int, tell: Callable[[str], None], every: float = PATIENCE) -> Iteration:
    """Iteration `number`; where that takes long, it tells how far it is, every so many seconds."""
    told = time.monotonic()

    def progress(at: int) -> bool:
        nonlocal told
        if time.monotonic() - told >= every:
            told = time.monotonic()
            tell(f"Training on the way to iteration {number:,}: now at {at:,}. Ctrl+C stops.")
        return True

    found = run.iteration(number, progress)
    assert found is not None
    return found
