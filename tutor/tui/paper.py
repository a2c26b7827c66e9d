"""A paper, or an exam: the empty table of the whole pass, filled in cell by cell; and the result beside the sample."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Click, Key, Paste
from textual.message import Message
from textual.widgets import Input, Static

from tutor.learner.papers import Keeper
from tutor.lessonfiles.catalogue import data_dir
from tutor.play import playback
from tutor.play.commands import PAPER
from tutor.play.commands import Key as Command
from tutor.play.exam import Exam, minutes_left
from tutor.play.paper import Paper, Sheet
from tutor.play.settings import Refused
from tutor.questions.answers import MAX_ANSWER
from tutor.questions.pasted_tables import table as pasted
from tutor.questions.tokens import NotUnderstood
from tutor.text.card import Scribe, terms_of
from tutor.text.language import N_, say, say_in, say_many
from tutor.text.words import sentence
from tutor.tui.dialogs import Reader, help_of
from tutor.tui.entry import EntryInput
from tutor.tui.keys import bindings
from tutor.tui.lines import KeyBar, Line, Lines, entitle, line
from tutor.tui.map import NetworkScreen
from tutor.tui.paper_views import BELOW, LEGEND, PaperTable, given_lines, table
from tutor.tui.screen import TutorScreen
from tutor.tui.views import names_lines

DONE_KEYS = [Command("", "scroll(3)", "↑↓", "scroll"), Command("", "leave", "esc", "leave")]
SAVES = 10.0  # seconds of an exam's clock after which it is kept


class Cells(Lines, inherit_bindings=False):
    """The table; a click on a cell goes up as `Chosen` with its id."""

    drawn = PaperTable()

    def on_click(self, event: Click) -> None:
        at = event.get_content_offset(self)
        for row, left, right, cell in self.drawn.spots if at else ():
            if at and row == at.y + self.top and left <= at.x < right:
                self.post_message(self.Chosen(self, cell))


class CellLine(EntryInput):
    """The line that edits one cell. As long as nothing is typed in it, the arrow keys and q are the table's."""

    class Move(Message):
        """To another cell, so many rows and columns on."""

        def __init__(self, rows: int, columns: int) -> None:
            super().__init__()
            self.rows, self.columns = rows, columns

    class Leave(Message):
        """q, where it is no part of a formula."""

    class Pasted(Message):
        """Several numbers were pasted."""

        def __init__(self, cells: list[str]) -> None:
            super().__init__()
            self.cells = cells

    touched = False  # something was typed, or the caret moved

    def edit(self, text: str) -> None:
        """Edit another cell: what is typed replaces what stands there."""
        self.value, self.touched = text, False
        self.action_select_all()

    async def _on_key(self, event: Key) -> None:
        caret, end = self.cursor_position, len(self.value)
        move = {"up": (-1, 0), "down": (1, 0)}.get(event.key)
        if event.key == "left" and (not self.touched or caret == 0):
            move = (0, -1)
        if event.key == "right" and (not self.touched or caret == end):
            move = (0, 1)
        if move or (event.character == "q" and not self.touched):
            event.stop()
            event.prevent_default()
            self.post_message(self.Move(*move) if move else self.Leave())
            return
        self.touched = self.touched or event.is_printable or event.key in ("home", "end", "backspace", "delete")
        await super()._on_key(event)

    def _on_paste(self, event: Paste) -> None:
        event.stop()
        event.prevent_default()
        cells = [cell for row in pasted(event.text) for cell in row if cell]
        if len(cells) > 1:
            self.post_message(self.Pasted(cells))
        else:
            self.touched = True
            self.replace(cells[0] if cells else " ".join(event.text.split()), *sorted(self.selection))


class PaperScreen(TutorScreen):
    """Fills in a paper, which `keeper` keeps after each key; with an `exam` it says nothing before it is handed in."""

    CSS_PATH = data_dir("assets") / "player.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PAPER)
    commands = PAPER

    def __init__(
        self, keeper: Keeper, paper: Paper, exam: Exam | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self.keeper, self.exam, self.clock = keeper, exam, clock
        self.paper = exam.paper if exam else paper
        self.at = next(iter(self.paper.blank), self.paper.sheet.cells[0])
        self.word: tuple[str, str] = ("", "")  # what is said in the bar, and in which style
        self.began = self.kept = clock()

    # ------------------------------------------------------------ what there is

    @property
    def sheet(self) -> Sheet:
        return self.paper.sheet

    @property
    def over(self) -> bool:
        """Whether it is an exam that was handed in."""
        return self.exam is not None and self.exam.handed_in

    @property
    def cells(self) -> Cells:
        return self.query_one("#card", Cells)

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Horizontal(id="body"):
            with Vertical(id="middle"):
                yield Cells(id="card", classes="pane", title=say("Exam" if self.exam else "Paper"))
                yield CellLine(
                    id="answer",
                    placeholder=say("a number, or = and a formula"),
                    select_on_focus=False,
                    max_length=MAX_ANSWER,
                )
            with Vertical(id="side"):
                yield Lines(id="state", classes="pane", title=say("What is given"))
        yield KeyBar([key for key in PAPER if key.action != ("check" if self.exam else "hand_in")])
        yield Static(id="small")

    def on_mount(self) -> None:
        for id in ("#bar", "#state", "#card"):
            self.query_one(id).can_focus = False
        self.edit(self.at)
        self.query_one("#answer").focus()
        if self.exam and self.exam.minutes:
            self.set_interval(1.0, self.tick)

    def on_resize(self) -> None:
        wide = self.size.width >= 110
        self.suit_size({"-split": wide, "-stack": not wide})
        self.query_one("#side").display = self.query_one("#state").display = wide
        self.call_after_refresh(self.draw)
        if not self.has_class("-tiny") and not self.over:
            self.call_after_refresh(self.query_one("#answer").focus)

    # ------------------------------------------------------------ drawing

    def draw(self) -> None:
        if self.has_class("-tiny"):
            return
        cells, columns = self.cells, max(self.cells.size.width - 1, 20)
        legend = [line(say(LEGEND), "dim"), *([line(say(BELOW), "dim")] * self.over), line()]
        head = legend if self.paper.checked else []
        cells.drawn = table(self.paper, None if self.over else self.at, columns, head, sample=self.over)
        cells.show(cells.drawn.lines)
        if not self.over:
            self.entitle_line()
            self.reveal()
            self.call_after_refresh(self.reveal)  # the bar may have become higher
        state = self.query_one("#state", Lines)
        if state.display:
            state.show(given_lines(self.sheet, state.size.width - 1))
        self.draw_bar()

    def reveal(self) -> None:
        """The cell that is edited in sight, with a line above and below."""
        cells = self.cells
        if not self.over and self.at in cells.drawn.line_of:
            row = cells.drawn.line_of[self.at]
            cells.scroll_lines_to(min(max(cells.top, row + 2 - cells.size.height), max(row - 1, 0)))

    def entitle_line(self) -> None:
        """The cell's name in the line's title, and what was said of it."""
        name, kind = self.sheet.name(self.at), self.paper.kind(self.at)
        ids = name if name == self.at else f"{name} · {self.at}"
        entitle(self.query_one("#answer"), f"{ids} · {say_in('cell', kind)}" if kind else ids)

    def draw_bar(self) -> None:
        sheet, exam = self.sheet, self.exam
        filled = len(sheet.cells) - len(self.paper.blank)
        said = [say("{n} of {all} filled in", n=filled, all=len(sheet.cells)), sheet.trace.lesson.title]
        if exam is None and sheet.trace.iteration.number > 1:
            said.insert(1, say("iteration {n}", n=f"{sheet.trace.iteration.number:,}"))
        if sheet.example is not None:
            said.insert(1, say("example {n}", n=sheet.example + 1))
        if self.keeper.store is None:
            said.insert(0, say("not kept: the lesson is changed"))
        head = [(say("Exam" if exam else "Paper") + " ", "title")]
        if exam and (left := exam.left(self.clock() - self.began)) is not None and not self.over:
            head.append((say("{time} left", time=minutes_left(left)) + " ", "error" if left < 60 else "value"))
        lines = [Line((*head, (" " + " · ".join(said), "dim")))]
        text, style = self.word
        if self.paper.checked and self.over:
            found = self.paper.checked
            marks = say("{marks} marks", marks=found.total)
            lines = [Line(((say("Exam") + " ", "title"), (marks, "value"), (f"  {said[-1]}", "dim")))]
            by_phase = (f"{say_in('phase', phase)} {mark}" for phase, mark in found.marks.items())
            lines += [line(" · ".join(by_phase), "dim")]
            text, style = text or found.headline, style or "value"
        room = max(self.size.width - 2, 20)
        parts = textwrap.wrap(text, room, max_lines=4 - len(lines), placeholder=" …")
        lines += [line(part, style) for part in parts]
        self.query_one("#bar", Lines).show(lines)

    def say(self, text: str, style: str = "value") -> None:
        self.word = (text, style)
        self.draw_bar()

    # ------------------------------------------------------------ filling in

    def edit(self, cell: str) -> None:
        """Edit another cell."""
        self.at = cell
        self.query_one(CellLine).edit(self.paper.entries.get(cell, ""))

    def go(self, cell: str) -> None:
        """Leave this cell for another: what can be read of it is, and what another window wrote is taken up."""
        if self.over:
            return
        self.settle()
        self.follow()
        self.edit(cell)
        self.draw()

    def follow(self) -> None:
        """Take up what is kept by now: another window may be at the same paper."""
        kept = self.keeper.entries(self.paper.entries)
        if kept != self.paper.entries:
            self.take(replace(self.paper, entries=kept))

    def settle(self) -> bool:
        """Put the number that the cell says in place of what was typed; False, and why, if it says none."""
        try:
            paper = self.paper.settle(self.at)
        except NotUnderstood as error:
            self.say(f"{self.at}: {sentence(str(error))}", "error")
            return False
        self.word = ("", "")
        if paper is not self.paper:
            self.take(paper)
            self.keep(self.at)
        return True

    def take(self, paper: Paper) -> None:
        """This is the paper by now."""
        if self.exam:
            self.exam = self.exam.with_paper(paper)
            self.paper = self.exam.paper
        else:
            self.paper = paper

    def keep(self, cell: str) -> None:
        used = self.exam.used + self.clock() - self.began if self.exam else None
        if not self.keeper.put(cell, self.paper.entries.get(cell, ""), used):
            self.say("This exam was handed in, in another window: nothing more is kept of it.", "error")

    def on_input_changed(self, event: Input.Changed) -> None:
        if self.over or event.value.strip() == self.paper.entries.get(self.at, ""):
            return
        self.take(self.paper.fill(self.at, event.value))
        self.word = ("", "")
        self.keep(self.at)
        self.draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self.over or not self.settle():
            return
        here = self.sheet.cells.index(self.at)
        later = (*self.sheet.cells[here + 1 :], *self.sheet.cells[: here + 1])
        following = next((cell for cell in later if cell in self.paper.blank), None)
        if following is None:
            self.go(self.at)
            self.say(say("No cell is blank: f8 hands it in." if self.exam else "No cell is blank: f7 checks it."))
        else:
            self.go(following)

    def on_cell_line_pasted(self, event: CellLine.Pasted) -> None:
        """Numbers that were pasted fill this array from here on."""
        cells = self.sheet.box_of[self.at].cells
        here = cells[cells.index(self.at) :]
        if len(event.cells) > len(here):
            told = N_("{n} values do not fit here: there is room for {room}.")
            self.say(say(told, n=len(event.cells), room=len(here)), "error")
            return
        for cell, text in zip(here, event.cells, strict=False):
            self.take(self.paper.fill(cell, text))
            self.keep(cell)
        self.edit(here[len(event.cells) - 1])
        self.draw()

    # ------------------------------------------------------------ keys

    def on_cell_line_move(self, event: CellLine.Move) -> None:
        if not self.over and self.cells.drawn.rows:
            self.go(self.cells.drawn.beside(self.at, event.rows, event.columns))

    def on_cell_line_leave(self) -> None:
        self.action_leave()

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        if not self.over:
            self.go(event.target)

    def action_blank(self, by: int) -> None:
        cells = self.sheet.cells[::by]
        here = cells.index(self.at)
        blank = [cell for cell in (*cells[here + 1 :], *cells[:here]) if cell in self.paper.blank]
        if blank:
            self.go(blank[0])
        elif not self.over:
            self.say(say("No other cell is blank."))

    def action_array(self, by: int) -> None:
        if self.over:
            self.action_scroll(by * 8)
            return
        boxes = self.sheet.boxes
        at = boxes.index(self.sheet.box_of[self.at]) + by
        self.go(boxes[max(0, min(at, len(boxes) - 1))].cells[0])

    def action_scroll(self, by: int) -> None:
        self.cells.scroll_lines_to(self.cells.top + by)

    def action_check(self) -> None:
        if self.exam:
            self.say(say("An exam says nothing before it is handed in: f8."))
            return
        self.settle()
        self.follow()
        self.take(self.paper.check())
        found = self.paper.checked
        assert found is not None
        self.edit(found.first or self.at)
        unread = say_many(len(found.unread), "{n} cell says no number (?).", "{n} cells say no number (?).")
        said = f"{found.headline} {unread}" if found.unread else found.headline
        self.word = (said, "error" if found.first else "value")
        self.draw()

    def action_hand_in(self) -> None:
        if self.exam is None:
            self.action_check()
            return
        if self.over:
            return
        self.settle()
        self.follow()
        blank = len(self.paper.blank)
        if not blank:
            self.hand_in()
            return
        told = say_many(blank, "{n} cell without a number: no marks.", "{n} cells without a number: no marks.")
        asked = [line(say("Hand it in now?"), "title"), line(), line(told)]
        asked += [line(say("To go on another time, leave with Esc instead: everything is kept."), "dim")]
        reader = Reader(asked, say("Enter hands it in · Esc goes back"), {"enter": "yes"})
        self.app.push_screen(reader, lambda answer: self.hand_in() if answer == "yes" else None)

    def hand_in(self, word: str = "") -> None:
        """The end of an exam: its marks, and the sample solution."""
        if self.exam is None or self.over:
            return
        self.follow()
        self.exam = replace(self.exam, used=self.exam.used + self.clock() - self.began).hand_in()
        self.paper = self.exam.paper
        self.keeper.handed_in(self.exam)
        self.query_one("#answer").display = False
        self.query_one(KeyBar).set_keys(DONE_KEYS)
        self.cells.can_focus = True
        self.cells.focus()
        self.cells.scroll_lines_to(0)
        self.word = (word, "error") if word else ("", "")
        self.draw()
        self.call_after_refresh(self.draw)

    def tick(self) -> None:
        """The clock: it is shown, kept now and then, and at its end the exam is handed in as it is."""
        if self.exam is None or self.over:
            return
        now = self.clock()
        if self.exam.left(now - self.began) == 0:
            while self.app.screen is not self:  # a dialog over it
                self.app.pop_screen()
            self.hand_in(say("The time is over: it is handed in as it was."))
            return
        if now - self.kept >= SAVES:
            self.keep_time()
        self.draw_bar()

    def keep_time(self) -> None:
        if self.exam and not self.over:
            self.kept = self.clock()
            self.keeper.spent(self.exam.used + self.kept - self.began)

    def action_example(self) -> None:
        sheet = self.sheet
        if self.exam or sheet.trace.examples == 1:
            self.say(say("An exam stays as it is.") if self.exam else say("Here an update takes one example."))
            return
        following = 0 if sheet.example is None else sheet.example + 1
        try:
            other = replace(sheet, example=following if following < sheet.trace.examples else None)
        except Refused as error:
            self.say(str(error))
            return
        self.settle()
        self.take(Paper(other, self.paper.entries))
        self.edit(next(iter(self.paper.blank), other.cells[0]))
        self.draw()

    def action_clear(self) -> None:
        if self.exam:
            self.say(say("An exam is not begun anew: empty the cells that you want to."))
            return

        def clear(answer: str | None) -> None:
            if answer == "yes":
                self.keeper.clear(list(self.paper.entries))
                self.take(Paper(self.sheet))
                self.edit(self.sheet.cells[0])
                self.draw()

        asked = [line(say("Begin anew?"), "title"), line(), line(say("All that is filled in goes."))]
        self.app.push_screen(Reader(asked, say("Enter begins anew · Esc goes back"), {"enter": "yes"}), clear)

    # ------------------------------------------------------------ beside it

    def action_given(self) -> None:
        lines = [line(say("What is given"), "title"), line(), *given_lines(self.sheet, min(self.size.width, 88) - 14)]
        self.app.push_screen(Reader(lines, say("↑ ↓ scroll · Esc goes back"), {"enter": "", "f2": ""}))

    def action_names(self) -> None:
        trace = self.sheet.trace
        lines = [line(say("Names"), "title"), line(), *names_lines(trace, Scribe(trace, self.sheet.notation))]
        self.app.push_screen(Reader(lines, say("↑ ↓ scroll · Esc goes back"), {"enter": "", "f5": ""}))

    def action_glossary(self) -> None:
        from tutor.tui.glossary import Glossary

        if self.exam:
            self.say(say("An exam has no glossary: what the terms mean is asked."))
        else:
            self.app.push_screen(Glossary(terms_of(self.sheet.step(self.at))))

    def action_map(self) -> None:
        sheet, trace = self.sheet, self.sheet.trace
        step = playback.current(replace(playback.start(trace.lesson), example=sheet.example or 0), trace)
        nothing = playback.come_to(trace, -1, sheet.example, sheet.notation)
        title = say("{title}: what is given", title=trace.lesson.title)
        self.app.push_screen(NetworkScreen(step, nothing, title, Command("", "close", "esc", say("back to the paper"))))

    def action_help(self) -> None:
        self.app.push_screen(help_of(PAPER, self.size.width))

    def action_leave(self) -> None:
        self.keep_time()
        self.app.pop_screen()
