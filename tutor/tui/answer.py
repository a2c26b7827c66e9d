"""The line to answer in. For a whole vector or matrix it is a cell of a grid, and goes from cell to cell."""

from __future__ import annotations

import re
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from tutor.answers import MAX_ANSWER, NotUnderstood
from tutor.questions import Item, read_cells, split_cells
from tutor.tui.views import Grid

_NUMBER = re.compile(r"[-+−]?[0-9.][0-9.eE×^⁰¹²³⁴⁵⁶⁷⁸⁹⁻+−-]*|\?")


class AnswerLine(Input):
    """An `Input` that knows the question. Its `Submitted` has the whole answer, of a grid too.

    In a grid the arrow keys, a comma and a semicolon go from cell to cell, and so does a space after a number;
    Enter goes to the next empty cell, and answers when there is none. What was typed stays for the next try.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "row(-1)", show=False),
        Binding("down", "row(1)", show=False),
    ]

    class Moved(Message):
        """Another cell is being edited."""

    def __init__(self, placeholder: str) -> None:
        super().__init__(id="answer", placeholder=placeholder)
        self.item: Item | None = None
        self.cells: list[str] = []
        self.at = 0

    def ask(self, item: Item | None) -> None:
        """Begin with another question; the same again leaves what was typed."""
        if item is self.item:
            return
        self.item, self.at, self.value = item, 0, ""
        self.cells = []
        if item and item.kind == "matrix":
            self.cells = [""] * int(_size(item.step.shape))
        self.max_length = 0 if self.cells else MAX_ANSWER

    @property
    def grid(self) -> Grid | None:
        """The cells with what was typed, and which one is edited; None for a single answer."""
        if not self.cells:
            return None
        cells = (*self.cells[: self.at], self.value.strip(), *self.cells[self.at + 1 :])
        return Grid(cells, self.at)

    def spent(self) -> None:
        """The answer was taken."""
        if not self.cells or self.value.startswith("="):
            self.value = self.cells[self.at] if self.cells else ""

    # ------------------------------------------------------------ a grid

    @property
    def _wide(self) -> int:
        assert self.item
        shape = self.item.step.shape
        return shape[1] if len(shape) == 2 else 1

    def go(self, at: int) -> None:
        """Edit another cell."""
        if not self.value.startswith("="):
            self.cells[self.at] = self.value.strip()
        self.at = max(0, min(at, len(self.cells) - 1))
        self.value = self.cells[self.at]
        self.cursor_position = len(self.value)
        self.post_message(self.Moved())

    def on_input_changed(self) -> None:
        self._share_out()

    def _share_out(self) -> None:
        """What holds several cells (typed with a comma, or pasted) goes into this one and those after it."""
        text = self.value
        if not self.cells or text.startswith("=") or not text:
            return
        parts = split_cells(text, r"[,;\n]")
        if text.strip().startswith("["):
            try:
                self.cells = read_cells(text, self.item.step.shape) if self.item else self.cells
            except NotUnderstood:
                return
            self.value = self.cells[self.at]
            self.go(self.at)
            return
        numbers = [split_cells(part, r"\s") for part in parts]
        if all(_NUMBER.fullmatch(word) for words in numbers for word in words):
            parts = [word for words in numbers for word in words]
            done = text[-1] in ",; \n"
        else:
            done = text[-1] in ",;\n" and not split_cells(text, r"[,;\n]")[-1].endswith(text[-1])
        if not parts or (len(parts) == 1 and not done):
            return
        room = parts[: len(self.cells) - self.at]
        self.cells[self.at : self.at + len(room)] = room
        last = self.at + len(room) - (not done)
        self.at = min(last, len(self.cells) - 1)
        self.value = self.cells[self.at]
        self.cursor_position = len(self.value)
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
        self._share_out()
        if not self.cells or self.value.startswith("="):
            await super().action_submit()
            return
        self.cells[self.at] = self.value.strip()
        later = (*range(self.at + 1, len(self.cells)), *range(self.at + 1))
        empty = next((at for at in later if not self.cells[at]), None)
        if empty is not None:
            self.go(empty)
            return
        cells = ["".join(cell.split()) for cell in self.cells]
        rows = [", ".join(cells[at : at + self._wide]) for at in range(0, len(cells), self._wide)]
        self.post_message(self.Submitted(self, "; ".join(rows), None))


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size
