"""A paper, or an exam, in lines: `fill NAME VALUES`, `table`, `check`, `hand in`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from tutor.engine.model import PHASES
from tutor.engine.trace import NoSuchStep
from tutor.learner.papers import Keeper
from tutor.pictures.diagram import tell
from tutor.play import playback
from tutor.play.commands import PAPER, in_lines
from tutor.play.exam import Exam, minutes_left, report
from tutor.play.names import names
from tutor.play.paper import Paper, blanks, given, told
from tutor.play.settings import Refused
from tutor.questions.pasted_tables import table
from tutor.questions.tokens import NotUnderstood
from tutor.text import language
from tutor.text.card import Scribe
from tutor.text.language import N_, say, say_in
from tutor.text.layout import number
from tutor.text.lines import wrapped
from tutor.text.output import escape
from tutor.text.words import sentence, whole_number

MAX_WORD = 200
BLANK = "_"


class PaperLines:
    """Fills in a paper in lines. `ask` returns the next line, or None at the end of the input."""

    def __init__(
        self,
        keeper: Keeper,
        paper: Paper,
        ask: Callable[[str], str | None],
        say: Callable[[str], None],
        exam: Exam | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.keeper, self.exam, self.ask, self.clock = keeper, exam, ask, clock
        self.paper = exam.paper if exam else paper
        self._say = say
        self.began = clock()

    def say(self, text: str) -> None:
        """Say a text, which may be of a lesson or of the learner."""
        self._say("\n".join(map(escape, text.split("\n"))))

    def play(self) -> Paper:
        """Until the exam is handed in, `quit`, or the end of the input; what is filled in is kept at once."""
        sheet = self.paper.sheet
        told = N_(
            "{lesson}: {n} numbers to work out. `fill z1 0.38 0.8` writes numbers\n"
            "down, `given` says what is given, `table` what is asked, `{done}` ends it, `help` has the rest.\n"
        )
        done = "hand in" if self.exam else "check"
        self.say(say(told, lesson=sheet.trace.lesson.title, n=len(sheet.cells), done=done))
        if self.exam:
            self.say(say("Seed {seed}. Nothing is said of it before it is handed in.", seed=self.exam.seed))
            self._time()
        self._given()
        while not (self.exam and self.exam.handed_in):
            line = self.ask(self._prompt())
            if self.exam and self.exam.left(self.clock() - self.began) == 0:
                self.say(say("The time is over: it is handed in as it was."))
                self._hand_in()
                break
            if line is None or not self._obey(line.strip()):
                self._leave()
                break
        return self.paper

    # ------------------------------------------------------------ commands

    def _obey(self, line: str) -> bool:
        """Carry out one command; False to stop."""
        word, _, rest = line.partition(" ")
        word, rest = word.lower(), rest.strip()
        actions: dict[str, Callable[[], None]] = {
            "": self._table,
            "fill": lambda: self._fill(rest),
            "table": lambda: self._table(rest),
            "clear": lambda: self._clear(rest),
            "given": self._given,
            "map": self._map,
            "example": lambda: self._example(rest),
            "check": self._check,
            "hand": self._hand_in_if_meant,
            "time": self._time,
            "names": self._names,
            "help": lambda: self.say("".join(f"  {usage:16} {says}\n" for usage, says in in_lines(PAPER).items())),
        }
        try:
            if word in ("quit", "q"):
                return False
            if line.startswith("="):
                self.say(f"  = {number(self.paper.compute(line), 6)}")
            elif word in actions:
                actions[word]()
            elif "=" in line:
                self._fill(line.replace("=", " ", 1))
            else:
                self.say(say("'{word}' is no command here; `help` lists them.", word=word[:40]))
        except NoSuchStep as error:
            self.say(sentence(language.said(error)))
        except (NotUnderstood, Refused) as error:
            self.say(f"  {sentence(str(error))}")
        return True

    def _fill(self, text: str) -> None:
        """Numbers, row by row, for an array or the first of its cells; or a formula for one cell."""
        name, _, rest = text.partition(" ")
        if not rest.strip():
            self.say(say("Say what, and its numbers: fill z1[2] 0.8, for example."))
            return
        cells = self.paper.sheet.find(name[:MAX_WORD])
        texts = [rest.strip()]
        if len(cells) > 1:
            texts = [cell for row in table(rest.replace(BLANK, "?")) for cell in row]
        if len(texts) > len(cells):
            raise Refused(say("{name} has {n} numbers, not {given}", name=name, n=len(cells), given=len(texts)))
        said = {}
        for cell, typed in zip(cells, texts, strict=False):
            if typed not in ("?", ""):
                said[cell] = self.paper.read(cell, typed)
        for cell, typed in said.items():
            self._take(self.paper.fill(cell, typed))
            if not self.keeper.put(cell, typed, self._used()):
                raise Refused(say("This exam was handed in, in another window: nothing more is kept of it."))
        self.say("  " + ", ".join(f"{cell} = {typed}" for cell, typed in said.items()))
        if len(texts) < len(cells):
            self.say("  " + say("{n} of {name} to come.", n=len(cells) - len(texts), name=name))

    def _clear(self, name: str) -> None:
        if name == "all" and self.exam:
            raise Refused(say("An exam is not begun anew: clear one name after the other."))
        cells = list(self.paper.sheet.cells if name == "all" else self.paper.sheet.find(name[:MAX_WORD]))
        self.keeper.clear(cells)
        for cell in cells:
            self._take(self.paper.fill(cell, ""))
        self.say(f"  {blanks(self.paper)}.")

    def _take(self, paper: Paper) -> None:
        if self.exam:
            self.exam = self.exam.with_paper(paper)
            self.paper = self.exam.paper
        else:
            self.paper = paper

    def _follow(self) -> None:
        """Take up what another window wrote."""
        self._take(replace(self.paper, entries=self.keeper.entries(self.paper.entries)))

    def _table(self, phase: str = "") -> None:
        if phase and phase not in PHASES:
            names = ", ".join(PHASES)
            raise Refused(say("There is no phase '{name}'; there are: {names}.", name=phase[:40], names=names))
        self._follow()
        sheet, before = self.paper.sheet, ""
        for box in sheet.boxes:
            if phase not in ("", box.phase):
                continue
            if box.phase != before:
                before = box.phase
                self.say(say_in("phase", before).capitalize())
            rows = ["  ".join(self._cell(cell) for cell in row) for row in box.rows(10_000)]
            name = sheet.writer.text(box.ref)
            called = box.ref.id if name == box.ref.id else f"{box.ref.id}, {name}"
            self.say(f"  {called}: " + " ; ".join(rows))
        self.say(f"{blanks(self.paper) or say('Nothing is blank')}.\n")

    def _cell(self, cell: str) -> str:
        kind, text = self.paper.kind(cell), self.paper.entries.get(cell, BLANK)
        return f"{text} ({say_in('cell', kind)})" if kind and kind != "right" else text

    # ------------------------------------------------------------ the end

    def _check(self) -> None:
        if self.exam:
            raise Refused(say("An exam says nothing before it is handed in: hand in."))
        self._follow()
        self._take(self.paper.check())
        found = self.paper.checked
        assert found is not None
        self.say("\n".join(wrapped(found.headline, "", "")))
        for id, why in found.unread.items():
            self.say("  " + say("{name} says no number: {why}", name=id, why=why))
        for kind in ("rounded", "carried", "rough", "slip", "wrong"):
            if cells := [cell for cell, of in found.kinds.items() if of == kind]:
                self.say("\n".join(wrapped(f"  {say_in('cell', kind)}: {', '.join(cells)}", "", "    ")))
        self.say("")

    def _hand_in_if_meant(self) -> None:
        if self.exam is None:
            self._check()
            return
        self._follow()
        if self.paper.blank:
            answer = self.ask(say("{blank}: no marks for that. Hand it in? yes or no: ", blank=blanks(self.paper)))
            if (answer or "").strip().lower() != "yes":
                self.say(say("It goes on."))
                return
        self._hand_in()

    def _hand_in(self) -> None:
        assert self.exam is not None
        self.exam = replace(self.exam, used=self._used() or 0.0).hand_in()
        self.paper = self.exam.paper
        self.keeper.handed_in(self.exam)
        assert self.paper.checked is not None
        for text in report(self.paper.sheet, self.paper.checked):
            self.say(text)

    def _leave(self) -> None:
        if self.exam:
            self.keeper.spent(self._used() or 0.0)
        if self.keeper.store is not None and self.keeper.store.lasting:
            self.say(say("What is filled in is kept: the same command goes on with it."))

    def _used(self) -> float | None:
        """The seconds that were worked on the exam."""
        return self.exam.used + self.clock() - self.began if self.exam else None

    def _prompt(self) -> str:
        left = self.exam.left(self.clock() - self.began) if self.exam else None
        return say("paper> ") if left is None else say("{time} left> ", time=minutes_left(left))

    def _time(self) -> None:
        left = self.exam.left(self.clock() - self.began) if self.exam else None
        self.say(say("There is no clock.") if left is None else say("{time} left.", time=minutes_left(left)))

    # ------------------------------------------------------------ beside it

    def _given(self) -> None:
        for name, _, value in given(self.paper.sheet):
            self.say(f"  {name} = {value}")
        for text in told(self.paper.sheet):
            self.say("\n".join(wrapped(text, "  ", "    ")))
        self.say("")

    def _map(self) -> None:
        sheet = self.paper.sheet
        cursor = replace(playback.start(sheet.trace.lesson), example=sheet.example or 0, notation=sheet.notation)
        step, scribe = playback.current(cursor, sheet.trace), Scribe(sheet.trace, sheet.notation)
        nothing = playback.come_to(sheet.trace, -1, sheet.example, sheet.notation)
        self.say("\n".join(f"  {line}" for line in tell(sheet.trace, scribe, step, nothing)) + "\n")

    def _names(self) -> None:
        sheet = self.paper.sheet
        for name, said in names(sheet.trace, Scribe(sheet.trace, sheet.notation)):
            self.say("\n".join(wrapped(f"{name}: {said}")))
        self.say("")

    def _example(self, text: str) -> None:
        if self.exam:
            raise Refused(say("An exam stays as it is."))
        sheet = self.paper.sheet
        chosen = None
        if text not in ("all", ""):
            if (chosen := whole_number(text, sheet.trace.examples)) is None or sheet.trace.examples == 1:
                most = f"{sheet.trace.examples:,}"
                raise Refused(say("Say which example: a number from 1 to {n}, or all.", n=most))
            chosen -= 1
        self._take(Paper(replace(sheet, example=chosen), self.paper.entries))
        self._table()
