"""The line to answer in. For a whole vector or matrix it is a cell of a grid, and goes from cell to cell."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Key, Paste
from textual.message import Message

from tutor.questions.answers import MAX_ANSWER, read_whole, wants_help
from tutor.questions.items import Item
from tutor.questions.pasted_tables import a_comma, fill, is_number, table
from tutor.questions.tokens import NotUnderstood
from tutor.text.language import N_, say
from tutor.tui.entry import EntryInput
from tutor.tui.question_views import TypedGrid

OVER = N_("The question is over: Enter or n goes on")


class AnswerLine(EntryInput):
    """An `EntryInput` that knows the question. Its `Submitted` has the whole answer, of a grid too.

    Enter takes what was typed out of the line, so that what is typed before the screen has judged it stands alone: it
    is for the next try, or for the next question.

    In a grid the arrow keys, a semicolon and, with a space after it, a comma go from cell to cell, and so does a space
    after a number; 1,75 is asked about. Enter goes to the next empty cell, and answers when there is none. A table that
    is pasted fills the grid. What was typed stays for the next try.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "row(-1)", show=False),
        Binding("down", "row(1)", show=False),
    ]

    class Moved(Message):
        """Another cell is being edited."""

    def __init__(self, prompting: str) -> None:
        """`prompting` is the message of what can be typed, where a question says nothing else."""
        super().__init__(id="answer", placeholder=say(prompting), select_on_focus=False)
        self.prompting = prompting
        self.item: Item | None = None
        self.cells: list[str] = []
        self.at = 0
        self.note = ""  # what is said of the cells
        self._shown: str | None = None  # what was put into the line, not typed
        self.ahead = False  # an answer was taken, and the next question may have come: what is typed is for that
        self.over = False  # the question is: what is typed on is meant for it, and neither an answer nor a command

    def close(self) -> None:
        """The question ended while the learner may be typing on: take the keys, and do nothing with them."""
        self.item, self.cells, self.value, self.over = None, [], "", True
        self.placeholder = say(OVER)

    async def _on_key(self, event: Key) -> None:
        if self.over and event.is_printable:
            event.stop()
            event.prevent_default()
            if event.character == "n":
                self.post_message(self.Submitted(self, "", None))
            return
        await super()._on_key(event)

    def ask(self, item: Item | None) -> None:
        """Begin with another question; the same again leaves what was typed."""
        ahead, self.ahead = self.ahead and item is not None, False
        if item is self.item and not self.over:
            return
        if item and self.item and item.id == self.item.id and item.step.trace is self.item.step.trace:
            self.item = item  # the same in other words: what was typed stays
            return
        self.item, self.at, self.note, self.over = item, 0, "", False
        self.value = self.value if ahead else ""
        self.placeholder = self._prompt(item)
        self.cells = []
        if item and item.kind == "matrix":
            self.cells = [""] * int(_size(item.step.shape))
        self.max_length = 0 if self.cells else MAX_ANSWER

    def retell(self, item: Item | None) -> None:
        """The same question in another language: what was typed stays."""
        self.item = item
        self.placeholder = say(OVER) if self.over else self._prompt(item)

    def _prompt(self, item: Item | None) -> str:
        """What can be typed here: of a question with choices no expression, which would be refused."""
        if item and item.choices:
            order = say("in their order, such as 3 1 2") if item.in_order else say("such as 1, 3")
            return say("the numbers of choices, {order}", order=order) if item.many else say("the number of a choice")
        return say("rows × columns, such as 2 × 3") if item and item.kind == "shape" else say(self.prompting)

    @property
    def grid(self) -> TypedGrid | None:
        """The cells with what was typed, and which one is edited; None for a single answer."""
        if not self.cells:
            return None
        cells = (*self.cells[: self.at], self.value.strip(), *self.cells[self.at + 1 :])
        return TypedGrid(cells, self.at, self.note)

    def take(self, text: str) -> None:
        """Send an answer up. A cell keeps what was typed in it."""
        self.ahead = True
        self.value = self.cells[self.at] if self.cells else ""
        self.post_message(self.Submitted(self, text, None))

    def give_back(self, text: str) -> None:
        """What was taken was no answer: it can be mended, or typed over, unless something else stands there by now."""
        if not self.cells and not self.value:
            self.value = text
            self.action_select_all()

    # ------------------------------------------------------------ a grid

    @property
    def _wide(self) -> int:
        assert self.item
        shape = self.item.step.shape
        return shape[-1] if len(shape) >= 2 else 1

    def go(self, at: int) -> None:
        """Edit another cell."""
        if not self.value.startswith("="):
            self.cells[self.at] = self.value.strip()
        self.note = ""
        self._edit(max(0, min(at, len(self.cells) - 1)))

    def on_input_changed(self) -> None:
        if self.cells and self.value != self._shown:
            self._shown, self.note = None, ""
            self._share_out()

    def _share_out(self) -> None:
        """What was typed for several cells, with a comma or a space between them, goes into this one and the next."""
        text = self.value
        if text.startswith(("=", "[")) or not text.strip():
            return
        if (point := a_comma(text)) is not None:
            if text[-1] == " ":
                self._say(_which(text, point))
            return
        flat = [cell for row in table(text) for cell in row]
        done = bool(flat) and _ended(text, flat)
        if len(flat) < 2 and not done:
            return
        if len(flat) > len(self.cells) - self.at:
            self._say(
                say(
                    "{n} values do not fit here: there is room for {room}.", n=len(flat), room=len(self.cells) - self.at
                )
            )
            return
        end = self.at + len(flat)
        self.cells[self.at : end] = flat
        self._edit(min(end if done else end - 1, len(self.cells) - 1))

    def _on_paste(self, event: Paste) -> None:
        """A table fills the grid from this cell on; one cell, or an answer that has no cells, is put in as it is."""
        event.prevent_default()
        event.stop()
        if self.over:
            return
        rows = table(event.text) if self.cells and not self.value.startswith("=") else []
        if sum(map(len, rows)) > 1:
            self._put(rows)
            return
        text = rows[0][0] if rows else " ".join(event.text.split())
        self.replace(text, *sorted(self.selection))

    def _put(self, rows: list[list[str]]) -> None:
        self.cells[self.at] = "" if self.value.startswith("[") else self.value.strip()
        filled = fill(tuple(self.cells), self.at, self._wide, rows)
        self.cells = list(filled.cells)
        self._edit(filled.at)
        self._say(filled.said)

    def _edit(self, at: int) -> None:
        """Show another cell in the line."""
        self.at = at
        self.value = self._shown = self.cells[at]
        self.cursor_position = len(self.value)
        self.post_message(self.Moved())

    def _say(self, words: str) -> None:
        """Say something below the cells, until something else is typed."""
        self.note = words
        self.post_message(self.Moved())

    def action_row(self, by: int) -> None:
        if self.cells:
            self.go(self.at + by * self._wide)
        else:  # the screen scrolls
            self.call_later(self.screen.run_action, f"scroll_card({2 * by})")

    def action_cursor_left(self, select: bool = False) -> None:
        if self.cells and not select and self.cursor_position == 0 and self.at:
            self.go(self.at - 1)
        else:
            super().action_cursor_left(select)

    def action_cursor_right(self, select: bool = False) -> None:
        at_end = self.cursor_position == len(self.value)
        if self.cells and not select and at_end and self.at + 1 < len(self.cells):
            self.go(self.at + 1)
        else:
            super().action_cursor_right(select)

    async def action_submit(self) -> None:
        if not self.cells or self.value.startswith("="):
            self.take(self.value)
            return
        if wants_help(self.value) and self.value.strip() != "?":  # a ? leaves the cell out
            self.take(self.value)
            return
        if self.value.startswith("[") and not self._is_formula(self.value):
            rows = table(self.value)
            if sum(map(len, rows)) > 1:
                self._put(rows)
                if self.note:
                    return
        self.cells[self.at] = self.value.strip()
        if self._is_formula(self.value) and not any(self.cells[: self.at] + self.cells[self.at + 1 :]):
            self.take(self.value)  # W·x + b, for all cells at once
            return
        unclear = next(((at, point) for at, cell in enumerate(self.cells) if (point := a_comma(cell))), None)
        later = (*range(self.at + 1, len(self.cells)), *range(self.at + 1))
        empty = next((at for at in later if not self.cells[at]), None)
        if unclear is not None:
            self._edit(unclear[0])
            self._say(_which(self.value, unclear[1]))
            return
        if empty is not None:
            self.go(empty)
            return
        cells = [" ".join(cell.split()) for cell in self.cells]
        rows_ = [", ".join(cells[at : at + self._wide]) for at in range(0, len(cells), self._wide)]
        self.take("; ".join(rows_))

    def _is_formula(self, text: str) -> bool:
        """Whether this is a formula for all the cells."""
        if self.item is None or is_number(text):
            return False
        try:
            return read_whole(text, self.item.names) is not None
        except NotUnderstood:
            return False


def _which(text: str, point: str) -> str:
    return say(
        "{typed}: is it {point}? Write a point. Or are these two values? Put a space between them.",
        typed=text.strip(),
        point=point,
    )


def _ended(text: str, cells: list[str]) -> bool:
    """Whether the last cell of what was typed is complete: after 1, comes a space, or the decimals of 1,75."""
    if sum(sign in "([" for sign in text) > sum(sign in ")]" for sign in text):
        return False
    if text.endswith(","):
        return len(cells) > 1 or not is_number(cells[0])
    return text.rstrip(" ").endswith((",", ";")) or (text.endswith(" ") and is_number(cells[-1]))


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size
