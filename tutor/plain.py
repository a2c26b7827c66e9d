"""Line mode: the player without a full screen, a line in and lines out; good for a screen reader and for scripts."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace

from tutor import playback
from tutor.card import Card, Chain, Scribe, conventions
from tutor.formula import Ref
from tutor.layout import linear
from tutor.lesson import LEVELS, Lesson
from tutor.notation import NOTATIONS
from tutor.playback import Cursor
from tutor.source import escape
from tutor.store import Place, Store
from tutor.trace import NoSuchStep, Step, Trace
from tutor.training import Run

HELP = """\
Enter or next       the next step             back              the step before
phase, -phase       the next, this phase      first, last       the first, the last step
go ID               the step ID (go dL/dW2)   return            where the last go began
level [NAME]        story, scalar, matrix     notation [NAME]   the next notation, or NAME
iteration N         iteration N               example N         example N of the batch
state               parameters and gradients  steps             all steps
again               this step once more       intro             the introduction
help                this list                 quit              leave; your place is kept"""


class LineMode:
    """One lesson played in lines. `ask` returns the next line, or None at the end of the input."""

    def __init__(self, lesson: Lesson, key: str, store: Store, ask: Callable[[str], str | None], say: Callable[[str], None]):
        self.lesson, self.key, self.store, self.ask, self.say = lesson, key, store, ask, say
        self.run = Run(lesson)
        self.trace = self._trace(1)
        self.cursor = playback.start(lesson)

    def _trace(self, iteration: int) -> Trace:
        found = self.run.iteration(iteration)
        assert found is not None
        return Trace(self.lesson, found)

    def play(self, resume: bool, unattended: bool) -> None:
        """Play until the end, `quit`, or the end of the input; `unattended`: then step on to the end by itself."""
        self.say(f"{self.lesson.title}\n")
        place = self.store.place(self.key) if resume else None
        if place and place.step != playback.place(self.cursor, self.trace):
            self._restore(place)
            self.say(f"You go on at {playback.place(self.cursor, self.trace)}. `first` starts again, `help` lists the commands.\n")
        else:
            self._intro()
            self.say("Enter for the next step; `help` lists the commands.\n")
        self._show()
        while True:
            line = self.ask("> ")
            if line is None:
                if not unattended:
                    break
                line = "next"
            if not self._obey(line.strip()):
                break
        self._save()

    def _restore(self, place: Place) -> None:
        """Go where the learner was, as far as the lesson still has that place."""
        cursor = replace(self.cursor, example=max(place.example, 0))
        if place.level in LEVELS:
            cursor = replace(cursor, level=place.level)
        if place.notation in NOTATIONS:
            cursor = replace(cursor, notation=place.notation)
        if place.iteration > 1 and self.run.last is None:
            self.trace = self._trace(place.iteration)
        cursor = replace(cursor, iteration=self.trace.iteration.number, example=min(cursor.example, self.trace.examples - 1))
        try:
            level = cursor.level
            cursor = replace(playback.jump(cursor, self.trace, place.step), trail=(), level=level)
        except NoSuchStep:
            pass
        self.cursor = cursor

    def _save(self) -> None:
        c = self.cursor
        self.store.save_place(
            self.key, Place(playback.place(c, self.trace), c.level, c.notation, c.iteration, c.example, c.element)
        )

    # ------------------------------------------------------------ commands

    def _obey(self, line: str) -> bool:
        """Carry out one command; False to stop."""
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        aliases = {"": "next", "n": "next", "b": "back", "p": "back", "g": "go", "r": "return", "l": "level",
                   "t": "notation", "i": "intro", "?": "help", "q": "quit", "h": "help", "s": "state"}
        command = aliases.get(word.lower(), word.lower())
        if command == "quit":
            return False
        if command == "next":
            moved = playback.forward(self.cursor, self.trace)
            if moved is None:
                self._finish()
                return False
            self._move(moved)
        elif command == "back":
            self._move(playback.back(self.cursor, self.trace), "This is the first step.")
        elif command in ("phase", "-phase"):
            self._move(playback.next_phase(self.cursor, self.trace, 1 if command == "phase" else -1))
        elif command == "first":
            self._move(playback.first(self.cursor, self.trace))
        elif command == "last":
            self._move(playback.last(self.cursor, self.trace))
        elif command == "return":
            self._move(playback.return_from_jump(self.cursor, self.trace), "There is no jump to return from.")
        elif command in ("level", "notation"):
            self._choose(command, rest)
        elif command in ("iteration", "example"):
            self._number(command, rest)
        elif command == "go" and rest:
            self._go(rest)
        elif command in ("again", "intro", "help", "state", "steps"):
            {"again": self._show, "intro": self._intro, "help": lambda: self.say(HELP), "state": self._state,
             "steps": self._steps}[command]()
        else:
            self._go(line, f"'{escape(word[:40])}' is neither a command nor a step; `help` lists the commands.")
        return True

    def _move(self, cursor: Cursor | None, otherwise: str = "") -> None:
        if cursor is None:
            self.say(otherwise)
            return
        self.cursor = cursor
        self._show()
        self._save()

    def _go(self, id: str, otherwise: str = "") -> None:
        try:
            self._move(playback.jump(self.cursor, self.trace, id))
        except NoSuchStep as error:
            self.say(otherwise or escape(str(error)))

    def _choose(self, what: str, name: str) -> None:
        known = LEVELS if what == "level" else tuple(NOTATIONS)
        if not name:
            self._move(playback.next_level(self.cursor) if what == "level" else playback.next_notation(self.cursor))
        elif name in known:
            self._move(replace(self.cursor, **{what: name}))
        else:
            self.say(f"There is no {what} '{escape(name[:40])}'; there are: {', '.join(known)}.")

    def _number(self, what: str, text: str) -> None:
        last = self.run.last if what == "iteration" else self.trace.examples
        if not text.isdecimal() or not 1 <= int(text) <= (last or MAX_ITERATION):
            until = f"1 to {last:,}" if last else f"from 1 to {MAX_ITERATION:,}"
            self.say(f"Say which {what}: a number {until}.")
        elif what == "example":
            self._move(replace(self.cursor, example=int(text) - 1))
        else:
            after = self._trace(int(text))
            moved = playback.at_iteration(self.cursor, self.trace, after)
            self.trace = after
            self._move(moved)

    # ------------------------------------------------------------ words

    def _intro(self) -> None:
        scribe = Scribe(self.trace, self.cursor.notation)
        if self.lesson.intro.strip():
            self.say(prose(scribe.prose(self.lesson.intro)) + "\n")
        self.say("\n".join(conventions(self.trace, self.cursor.notation)) + "\n")

    def _finish(self) -> None:
        self.store.finish(self.key)
        if self.lesson.outro.strip():
            self.say("\n" + prose(Scribe(self.trace, self.cursor.notation).prose(self.lesson.outro)))
        self.say("This was the last step: the lesson is finished.")
        self.cursor = playback.first(self.cursor, self.trace)

    def _show(self) -> None:
        step = playback.current(self.cursor, self.trace)
        card = Scribe(self.trace, self.cursor.notation).card(step)
        at = f"{card.phase}, step {self.cursor.at + 1} of {len(self.trace.equations)}"
        at += f", iteration {self.cursor.iteration}" if self.cursor.iteration > 1 else ""
        self.say(f"[{card.id}] {card.title} ({at})")
        self.say("\n".join(card_lines(card, self.cursor.level)) + "\n")

    def _state(self) -> None:
        scribe = Scribe(self.trace, self.cursor.notation)
        for symbol in self.trace.program.model.parameters:
            operand = scribe.operand(Ref(symbol))
            self.say(f"  {operand.name} = {linear(operand.value)}")
        for eq in self.trace.equations[: self.cursor.furthest + 1]:
            example = self.cursor.example if eq.symbol.per_example else None
            step = Step(self.trace, eq, None, example)
            self.say(f"  {scribe.writer.text(step.ref)} = {linear(scribe.writer.value(step.value, 4))}")

    def _steps(self) -> None:
        phase = None
        writer = Scribe(self.trace, self.cursor.notation).writer
        for at, eq in enumerate(self.trace.equations):
            if eq.phase != phase:
                phase = eq.phase
                self.say(f"  {phase}")
            mark = ">" if at == self.cursor.at else " "
            example = self.cursor.example if eq.symbol.per_example else None
            step = Step(self.trace, eq, None, example)
            self.say(f"  {mark} {step.id:12} {writer.text(step.ref)}")


MAX_ITERATION = 1_000_000


def card_lines(card: Card, level: str) -> Iterator[str]:
    """A card as lines of text: formulas on one line, prose wrapped."""
    if level == "story":
        yield from wrapped(card.story)
    else:
        if card.line:
            yield f"  in {card.line}"
        yield from chain_lines(card.main)
        for chain in card.where:
            yield "  where " + " = ".join(linear(doc) for doc in chain.docs)
        if card.derivation:
            yield "  how it comes about:"
            for chain in card.derivation:
                yield f"    = {' = '.join(linear(doc) for doc in chain.docs)}"
                yield f"      ({chain.reason})"
        yield from wrapped(card.why)
    for note in card.notes:
        yield from ("  | " + line for line in prose(note).splitlines())


def chain_lines(chain: Chain) -> Iterator[str]:
    name, *rest = (linear(doc) for doc in chain.docs)
    for at, text in enumerate(rest):
        yield f"  {name} = {text}" if at == 0 else f"  {' ' * len(name)} = {text}"


def wrapped(text: str, width: int = 78) -> list[str]:
    return textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="  ", break_long_words=False)


def prose(text: str, width: int = 78) -> str:
    """Markdown as it is read aloud: paragraphs wrapped anew, lists and headings on lines of their own."""
    paragraphs: list[str] = []
    for block in text.strip().split("\n\n"):
        lines: list[str] = []
        for line in block.splitlines():
            if not lines or re.match(r"\s*([-*+>|]\s|#+\s|\d+[.)]\s)", line):
                lines.append(line.strip())
            else:
                lines[-1] += " " + line.strip()
        paragraphs.append("\n".join("\n".join(textwrap.wrap(line, width)) for line in lines))
    return "\n\n".join(paragraphs)
