"""Line mode: the player without a full screen, a line in and lines out; good for a screen reader and for scripts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from tutor.cli.line_questions import ask_item, play_practice
from tutor.cli.line_training import compare, evaluate, landscape, losses, sweep, train
from tutor.cli.patience import patience
from tutor.engine.expressions import Ref
from tutor.engine.lesson import LEVELS, Lesson, as_level
from tutor.engine.paths import target
from tutor.engine.run import MAX_ITERATION, TOLERANCE
from tutor.engine.trace import NoSuchStep, Step, Trace, resolve
from tutor.learner.copies import keep_copy
from tutor.learner.languages import change_language, retold
from tutor.learner.practice import PracticeItem
from tutor.learner.records import (
    NOTATION,
    choose_notation,
    chosen_notation,
    fading,
    finish,
    keep_met,
    predicts,
    set_ask_everything,
    set_predict,
    set_predict_always,
)
from tutor.learner.store import Store
from tutor.lessonfiles.writing import CannotWrite, save
from tutor.pictures.diagram import tell
from tutor.pictures.step.kinds import KINDS, subject
from tutor.play.commands import PLAYER, in_lines, said_of_key
from tutor.play.copying import asked, copied
from tutor.play.names import names
from tutor.play.settings import Refused
from tutor.play.settings import shown as setting_text
from tutor.play.sitting import AtTheEnd, Sitting, begin
from tutor.play.whatif import WhatIf, said_of_step
from tutor.questions.attempt import Asking
from tutor.text import glossary, language
from tutor.text.card import terms_of
from tutor.text.conventions import line_conventions
from tutor.text.language import LANGUAGES, N_, say, say_in
from tutor.text.layout import linear
from tutor.text.lines import card_lines, path_lines, prose, put, reuse_lines, wrapped
from tutor.text.notations import NOTATIONS
from tutor.text.one_page import text as page_text
from tutor.text.output import escape
from tutor.text.words import reason, whole_number

LINES = "lines"  # where predict mode is on
MAX_WORD = 200  # what is longer is no command and no step



def help_rows() -> dict[str, str]:
    """The commands as the help shows them, each with what it does."""
    notations, tolerance = ", ".join(NOTATIONS), f"{TOLERANCE:f}"
    return {
        usage: says.replace("{notations}", notations).replace("{tolerance}", tolerance)
        for usage, says in in_lines(PLAYER).items()
    }


def help_text() -> str:
    """The help, each command beside what it does, wrapped to the columns of line mode."""
    rows = help_rows().items()
    return "\n".join(part for usage, says in rows for part in wrapped(says, f"{usage:16} ", " " * 17))


_SHORT = {
    "": "next", "n": "next", "b": "back", "p": "predict", "g": "go", "r": "return", "f": "from", "l": "level",
    "t": "notation", "i": "intro", "s": "state", "h": "help", "?": "help", "q": "quit", "exit": "quit",
    "paths": "chain",
}  # fmt: skip


class LineMode:
    """One lesson played in lines. `ask` returns the next line, or None at the end of the input."""

    def __init__(
        self, lesson: Lesson, key: str, store: Store, ask: Callable[[str], str | None], say: Callable[[str], None]
    ):
        self.store, self.ask, self.say = store, ask, say
        now = begin(lesson, key, chosen_notation(store, lesson), predicts(store, key, LINES))
        self.sitting = now.going_by(fading(store))
        self.left = False  # the learner left at a question
        self.noted: tuple[tuple[int, str], frozenset[str]] = (0, ""), frozenset()  # a step, its notes that were said
        self.unattended = False

    def play(self, resume: bool, unattended: bool) -> None:
        """Play until the end, `quit`, or the end of the input.

        `unattended`: at the end of the input, step on to the end of the lesson. Nothing of that is remembered.
        """
        self.unattended = unattended
        self.say(f"{self.sitting.lesson.title}\n")
        if not (resume and self._resume()):
            self._intro()
            self.say(say("Enter for the next step; `help` lists the commands.\n"))
        self._show()
        while not self.left and (line := self.ask("> ")) is not None:
            if not self._obey(line.strip()):
                return
        if not unattended or self.sitting.finished or self.left:
            return
        with suppress(AtTheEnd):
            while True:
                self.sitting = self.sitting.forward()
                self._show()
        self._outro()

    def _resume(self) -> bool:
        """Go on where the learner was, as far as the lesson still has that place; False at the start of a lesson."""
        place, start = self.store.place(self.sitting.key), self.sitting
        if place is None or (place.step, place.iteration) == (start.id, 1):
            return False
        if self.store.setting(NOTATION):
            place = replace(place, notation=start.cursor.notation)
        self.sitting = start.arrive(self._fetch(start.iteration_of(place)) or start.trace, place)
        number = self.sitting.cursor.iteration
        here = say("{step} in iteration {n}", step=self.sitting.id, n=f"{number:,}") if number > 1 else self.sitting.id
        self.say(say("You go on at {place}. `first` is the first step, `help` lists the commands.\n", place=here))
        return True

    def _toggle_predict(self, how: str) -> None:
        if how not in ("", "always", "all", "new"):
            self.say(say("predict, or predict always: in every lesson; predict all, or predict new: what is asked."))
            return
        if how in ("all", "new"):
            set_ask_everything(self.store, how == "all")
        on = bool(how) or not self.sitting.predict
        self.sitting = self.sitting.going_by(fading(self.store)).predicting(on)
        set_predict(self.store, self.sitting.key, LINES, on)
        if how == "always":
            set_predict_always(self.store, True)
        if on:
            self.say(say("Predict mode is on: values that carry an idea are asked for first.") + "\n")
        else:
            self.say(say("Predict mode is off.") + "\n")
        if on:
            self._show()

    def _put(self, asking: Asking) -> None:
        """Put a question until it is answered, given up or out of tries; then the next one of the step, if any."""
        how = say("(`hint`, `show`, `known`, `help`, or = before an expression to compute it)")
        self.say(put(f"{asking.item.prompt} {how}"))
        for number, choice in enumerate(asking.item.choices, start=1):
            self.say(f"  {number}. {choice}")
        ended = False

        def ask(prompt: str) -> str | None:
            nonlocal ended
            line = self.ask(prompt)
            ended = line is None
            return line

        besides: dict[str, Callable[[str], None]] = {
            "glossary": self._glossary,
            "map": lambda rest: self._map(),
            "intro": lambda rest: self._intro(),
        }
        store = None if self.sitting.changed else self.store
        told = ask_item(store, self.sitting.key, asking, ask, self.say, besides)
        if told is None:
            self.left = not (ended and self.unattended)
            self.sitting = self.sitting.predicting(False)  # who does not answer reads
        else:
            self.sitting = self.sitting.told(told).going_by(fading(self.store)).ask()
        self.say("")

    def _save(self) -> None:
        if not self.sitting.changed:
            self.store.save_place(self.sitting.key, self.sitting.place)

    # ------------------------------------------------------------ commands

    def _obey(self, line: str) -> bool:
        """Carry out one command; False to stop."""
        try:
            return self._carried_out(line)
        except Refused as error:
            self.say(escape(str(error)))
        except NoSuchStep as error:
            self.say(_no_such(error))
        return True

    def _carried_out(self, line: str) -> bool:
        """The same. Raises Refused and NoSuchStep, whose words say why not."""
        word, _, rest = line.partition(" ")
        command, rest, now = self._command(word), rest.strip(), self.sitting
        actions: dict[str, Callable[[], None]] = {
            "back": lambda: self._move(now.back()),
            "symbol": lambda: self._move(now.equation(1)),
            "-symbol": lambda: self._move(now.equation(-1)),
            "phase": lambda: self._move(now.phase(1)),
            "-phase": lambda: self._move(now.phase(-1)),
            "first": lambda: self._move(now.first()),
            "last": lambda: self._move(now.last()),
            "go": lambda: (
                self._go(rest) if rest else self.say(say("Say which step: go {id}, for example.", id=now.some_ids[0]))
            ),
            "return": lambda: self._move(now.return_from_jump()),
            "from": self._from,
            "unfold": lambda: self._move(now.unfold(rest[:MAX_WORD])),
            "fold": lambda: self._move(now.fold()),
            "chain": lambda: self._chain(rest),
            "build": lambda: self._build(rest),
            "reuse": lambda: self.say("\n".join(reuse_lines(now.trace.program)) + "\n"),
            "level": lambda: self._move(now.level(as_level(_one_of("level", rest, LEVELS)) or 1)),
            "notation": lambda: self._notation(rest),
            "language": lambda: self._language(rest),
            "iteration": lambda: self._iteration(rest),
            "example": lambda: self._example(rest),
            "train": lambda: train(now, rest, self.say),
            "landscape": lambda: landscape(now.run, rest, self.say),
            "losses": lambda: losses(now.run, self.say),
            "evaluate": lambda: evaluate(now.run, rest, self.say),
            "set": lambda: self._adopt(now.changes.apply(rest, now.here)),
            "undo": lambda: self._adopt(now.undo()),
            "redo": lambda: self._adopt(now.redo()),
            "changes": self._changes,
            "save": lambda: self._write(rest),
            "compare": lambda: compare(now.lesson, rest, self.say),
            "sweep": lambda: sweep(now.lesson, rest, self.say),
            "diagnose": lambda: self._diagnose(rest),
            "copy": lambda: self._copy(rest),
            "note": lambda: self._note(rest),
            "paper": lambda: self._paper(rest),
            "predict": lambda: self._toggle_predict(rest),
            "state": self._state,
            "map": self._map,
            "steps": self._steps,
            **{kind: partial(self._picture, kind, rest) for kind in KINDS},
            "again": lambda: self._show(again=True),
            "intro": self._intro,
            "names": self._names,
            "algorithm": lambda: self.say("\n".join(page_text(now.page)) + "\n"),
            "glossary": lambda: self._glossary(rest),
            "help": lambda: self.say(help_text() + "\n"),
        }
        if command == "quit":
            return False
        if command == "next":
            return self._next()
        if command in actions:
            actions[command]()
        else:
            unknown = say("{word} is neither a command nor a step; `help` lists the commands.", word=_quoted(word))
            self._go(line, said_of_key(line) or unknown)
        return True

    def _command(self, word: str) -> str:
        """The command that a word means. A step goes before a command in capitals: L is the loss, l the level."""
        if word in _SHORT or word == word.lower() or self._is_step(word):
            return _SHORT.get(word, word)
        return _SHORT.get(word.lower(), word.lower())

    def _is_step(self, id: str) -> bool:
        try:
            resolve(self.sitting.trace.program, id[:MAX_WORD])
        except NoSuchStep:
            return False
        return True

    def _next(self) -> bool:
        try:
            self._move(self.sitting.forward())
        except AtTheEnd:
            if self.sitting.finished:
                return False
            self._finish()
        return True

    def _move(self, sitting: Sitting) -> None:
        self.sitting = sitting
        self._show()
        self._save()

    def _go(self, id: str, otherwise: str = "") -> None:
        if len(id) > MAX_WORD:
            self.say(say("{id} is too long to be a step.", id=_quoted(id)))
            return
        try:
            moved = self.sitting.jump(id)
        except NoSuchStep as error:
            self.say(otherwise or _no_such(error))
        else:
            self._move(moved)

    def _from(self) -> None:
        """The operands of the step; where they came from."""
        card = self.sitting.scribe.card(self.sitting.step)
        for operand in card.operands:
            origin = say("step {id}", id=operand.id) if operand.id else say("given")
            self.say(f"  {operand.name} = {linear(operand.value)} ({origin})")
        if card.more_operands:
            self.say(say("  and {n} more", n=f"{card.more_operands:,}"))
        if not card.operands:
            self.say(say("  It is made from nothing else."))
        self.say("")

    def _chain(self, id: str) -> None:
        """The chain of the gradient at the cursor, or of an id; of a combined error its derivation, too."""
        now = self.sitting
        step = now.trace.find(id[:MAX_WORD], now.cursor.example) if id else now.step
        if (of := target(step)) is None:
            raise Refused(say("A chain is of a gradient: chain {id}, for example.", id=now.some_ids[1]))
        example = step.example if step.example is not None else now.cursor.example
        chain = now.scribe.chain(of, example)
        self.say("\n".join(path_lines(now.scribe, chain, step)) + "\n")

    def _build(self, id: str) -> None:
        """The chain of the gradient at the cursor, or of an id, as questions."""
        now = self.sitting
        items = now.chain_questions(now.trace.find(id[:MAX_WORD], now.cursor.example) if id else now.step)
        key = None if now.changed else now.key
        play_practice(self.store, (PracticeItem(key, item) for item in items), self.ask, self.say)
        self.say("")

    def _notation(self, name: str) -> None:
        self._move(self.sitting.notation(_one_of("notation", name, tuple(NOTATIONS)) or 1))
        choose_notation(self.store, self.sitting.cursor.notation)

    def _language(self, name: str) -> None:
        change_language(self.store, _one_of(N_("language"), name.lower(), tuple(LANGUAGES)) or "")
        self.sitting = retold(self.sitting)
        self._show()

    def _example(self, text: str) -> None:
        self.sitting.require_examples()
        last = self.sitting.trace.examples
        if (number := whole_number(text, last)) is None:
            raise Refused(say("Say which example of the batch: a number from 1 to {last}.", last=f"{last:,}"))
        self._move(self.sitting.to_example(number))

    def _iteration(self, text: str) -> None:
        self.sitting.require_training()
        if (number := whole_number(text, MAX_ITERATION)) is None:
            raise Refused(say("Say which iteration: a number from 1 to {last}.", last=f"{MAX_ITERATION:,}"))
        if trace := self._fetch(number):
            self._move(self.sitting.arrive(trace))

    def _fetch(self, number: int) -> Trace | None:
        """The trace of an iteration; None if the learner did not want to wait."""
        try:
            return self.sitting.seek(number, patience(number, self.say))
        except KeyboardInterrupt:
            self._stopped()
            return None

    def _stopped(self) -> None:
        self.say(say("\nStopped: this is still iteration {n}.", n=f"{self.sitting.cursor.iteration:,}"))

    def _glossary(self, term: str) -> None:
        first = terms_of(self.sitting.step)
        self.say("\n".join(map(escape, glossary.answer(term[:MAX_WORD], first))) + "\n")

    # ------------------------------------------------------------ what if

    def _adopt(self, changes: WhatIf) -> None:
        """Play the lesson with these changes, at the same step of the same iteration as far as it has them."""
        said = said_of_step(self.sitting.changes, changes)
        try:
            adopted = self.sitting.adopt(changes, patience(self.sitting.cursor.iteration, self.say))
        except KeyboardInterrupt:
            self._stopped()
            return
        self.say(f"{escape(said)}\n")
        self._move(adopted)

    def _changes(self) -> None:
        now = self.sitting.changes
        self.say("\n".join(f"  {escape(str(change))}" for change in now.changes) or say("  Nothing is changed."))
        group = ""
        for setting in now.settings(self.sitting.here):
            if setting.group != group:
                group = setting.group
                self.say(say("{group}, to be set:", group=say_in("settings", group)))
            words = f" ({', '.join(setting.words)})" if setting.words else ""
            self.say(f"  {setting.name} = {setting_text(now.value(setting))}{words}")
        self.say("")

    def _write(self, path: str) -> None:
        if not path:
            self.say(say("Say which file: save mine.toml, for example."))
            return
        try:
            text = self.sitting.changes.text(path)
            try:
                file = save(text, path)
            except FileExistsError:
                question = say("{file} is there already. Replace it? yes or no: ", file=escape(path))
                if (self.ask(question) or "").strip() != "yes":
                    self.say(say("Not written."))
                    return
                file = save(text, path, overwrite=True)
        except CannotWrite as error:
            self.say(str(error))
            return
        self.say(say("Written: {file}\n", file=escape(str(file))))

    def _diagnose(self, path: str) -> None:
        """The learner's own numbers of this iteration, from a file."""
        from tutor.lessonfiles.array_files import BadFile
        from tutor.solutions.files import read_arrays
        from tutor.solutions.words import as_text

        if not path:
            self.say(say("Say which file has your numbers: diagnose mine.npz, for example."))
            return
        try:
            self.sitting = self.sitting.diagnose(read_arrays(path))
        except BadFile as error:
            self.say(f"{escape(str(error))}.")
        except OSError as error:
            self.say(say("That cannot be read: {why}.", why=reason(error)))
        else:
            assert self.sitting.diagnosis is not None
            for said in as_text(self.sitting.diagnosis):
                self.say(escape(said))
            self.say("")

    def _paper(self, text: str) -> None:
        """The whole pass to fill in, of a batch one example alone if one is named."""
        from tutor.cli.line_paper import PaperLines
        from tutor.learner.papers import open_paper

        now = self.sitting
        example = whole_number(text, now.trace.examples) if text else None
        if text and example is None:
            last = f"{now.trace.examples:,}"
            raise Refused(say("Say which example of the batch: a number from 1 to {last}.", last=last))
        store = None if now.changed else self.store
        at = None if example is None else example - 1
        keeper, paper = open_paper(store, now.key, now.trace, now.cursor.notation, at)
        PaperLines(keeper, paper, self.ask, self.say).play()
        self.say("")

    # ------------------------------------------------------------ words

    def _intro(self) -> None:
        if intro := self.sitting.intro().strip():
            self.say(prose(intro) + "\n")
        for said in line_conventions(self.sitting.trace, self.sitting.cursor.notation):
            self.say("\n".join(wrapped(said, "", "")))
        self.say("")

    def _names(self) -> None:
        for name, said in names(self.sitting.trace, self.sitting.scribe):
            self.say("\n".join(wrapped(f"{name}: {said}")))
        self.say("")

    def _outro(self) -> None:
        if outro := self.sitting.outro().strip():
            self.say(prose(outro) + "\n")
        from tutor.lab.exercises import on  # at the end, not before the first step

        if exercise := on(self.sitting.key):
            self.say(say("To write it yourself, in Python: backprop-tutor lab start {id}\n", id=exercise.id))

    def _finish(self) -> None:
        self.sitting = self.sitting.finish()
        if not self.sitting.changed:
            finish(self.store, self.sitting.key, LINES)
        self._save()
        self._outro()
        number = self.sitting.cursor.iteration + 1
        more = say("`iteration {n}` goes on training, ", n=number) if self.sitting.trained else ""
        self.say(say("The lesson is finished.\nEnter leaves, {more}`first` starts again.\n", more=more))

    def _show(self, again: bool = False) -> None:
        """The questions of the step, if there are any, then the step; its notes at the first of its elements, or again.

        A note that says another thing at another element is said there, too.
        """
        self.sitting = self.sitting.ask()
        keep_met(self.store, self.sitting.fading)
        while asking := self.sitting.open_question:
            self._put(asking)
        if self.left:
            return
        now, step, cursor = self.sitting, self.sitting.step, self.sitting.cursor
        card = now.card
        if said := now.why_not_asked:
            self.say("\n".join(wrapped(say("{said} `predict all` asks everything.", said=said))) + "\n")
        phase, last = say_in("phase", card.phase), len(now.trace.equations)
        at = say("{phase}, step {n} of {count}", phase=phase, n=cursor.at + 1, count=last)
        if step.example is not None:
            at += say(", example {n} of {count}", n=step.example + 1, count=now.trace.examples)
        at += say(", iteration {n}", n=f"{cursor.iteration:,}") if cursor.iteration > 1 else ""
        at += say(", changed: {n}", n=len(now.changes.changes)) if now.changed else ""
        self.say(f"[{card.id}] {card.title} ({at})")
        own = self.store.notes(now.key).get(step.equation.symbol.id)
        here, (of, before) = (cursor.iteration, step.equation.symbol.id), self.noted
        told = before if of == here and not again else frozenset()
        self.noted = here, told.union(card.notes, [own] if own else [])
        mine = wrapped(say("my note: {note}", note=escape(own)), "  | ", "  | ") if own and own not in told else []
        card = replace(card, notes=tuple(note for note in card.notes if note not in told))
        self.say("\n".join([*card_lines(card, cursor.level), *mine]) + "\n")

    def _note(self, words: str) -> None:
        """Keep a note at this step, take it away, or say all of this lesson."""
        now, step = self.sitting, self.sitting.step.equation.symbol.id
        if words:
            self.store.save_note(now.key, step, "" if words == "-" else words)
            gone = words == "-"
            told = say("The note at {step} is taken away.", step=step) if gone else say("Noted at {step}.", step=step)
            self.say(told)
            return
        found = self.store.notes(now.key)
        for id, own in found.items():
            self.say("\n".join(wrapped(f"{escape(id)}: {escape(own)}")))
        self.say("" if found else say("There is no note of yours in this lesson: note TEXT keeps one at this step."))

    def _state(self) -> None:
        scribe = self.sitting.scribe
        for symbol in self.sitting.trace.program.model.common:
            operand = scribe.operand(Ref(symbol))
            self.say(f"  {operand.name} = {linear(operand.value)}")
        for step in self._outline(self.sitting.cursor.furthest + 1):
            self.say(f"  {scribe.writer.text(step.ref)} = {linear(scribe.writer.value(step.value, 4))}")
        self.say("")

    def _picture(self, kind: str, id: str) -> None:
        """The facts of a picture: of the step, or of what `id` names."""
        now = self.sitting
        if len(id) > MAX_WORD:
            self.say(say("{id} is too long to be a step.", id=_quoted(id)))
            return
        of = subject(kind, now.trace, id or now.id, now.cursor.example)
        shown = KINDS[kind].make(now.scribe, of)
        self.say(shown.title)
        for row in shown.plain:
            self.say(row)
        for fact in shown.facts:
            self.say("\n".join(wrapped(fact)))
        self.say("")

    def _copy(self, text: str) -> None:
        """The step, how it comes about or the whole pass, as it may be pasted elsewhere."""
        what, form = asked(text[:MAX_WORD])
        found = copied(self.sitting, what, form)
        self.say(found)
        self.say("\n".join(wrapped(keep_copy(found, form), "", "")) + "\n")

    def _map(self) -> None:
        """The picture in words; beside a question without what is asked for."""
        now = self.sitting
        self.say("\n".join(f"  {line}" for line in tell(now.trace, now.scribe, now.step, now.known)) + "\n")

    def _steps(self) -> None:
        phase = None
        writer = self.sitting.scribe.writer
        for at, step in enumerate(self._outline()):
            if step.phase != phase:
                phase = step.phase
                self.say(f"  {say_in('phase', phase)}")
            mark = ">" if at == self.sitting.cursor.at else " "
            self.say(f"  {mark} {step.id:12} {writer.text(step.ref)}")
        self.say("")

    def _outline(self, stop: int | None = None) -> list[Step]:
        """The equations as steps of the current example."""
        trace, example = self.sitting.trace, self.sitting.cursor.example
        return [Step(trace, eq, None, example if eq.symbol.per_example else None) for eq in trace.equations[:stop]]


def _one_of(what: str, name: str, known: tuple[str, ...]) -> str:
    """The level or the notation that was named, or its number from 1; "" where none was. Raises Refused."""
    if name.isdecimal() and len(name) < 3 and 1 <= int(name) <= len(known):
        return known[int(name) - 1]
    if name and name.lower() not in known:
        there = ", ".join(known)
        asked = _quoted(name.lower())
        raise Refused(say("There is no {what} {name}; there are: {known}.", what=say(what), name=asked, known=there))
    return name.lower()


def _no_such(error: NoSuchStep) -> str:
    reason = escape(language.said(error))
    return reason[:1].upper() + reason[1:] + ("" if reason.endswith(("?", "…")) else ".")


def _quoted(text: str) -> str:
    return say("'{text}'", text=escape(text[:40]) + "…" * (len(text) > 40))
