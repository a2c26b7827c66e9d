"""Your own numbers, as a dialog: a file's name or a pasted table, and what is wrong in it first.

Its `dismiss` answers with the id of the first wrong step, to go to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input, Static

from tutor.confined import confined
from tutor.lessonfiles.array_files import BadFile
from tutor.pictures.marks import JUDGED
from tutor.play.commands import DIAGNOSE
from tutor.play.sitting import Sitting
from tutor.solutions import words
from tutor.solutions.files import Handed, read_arrays
from tutor.text.language import N_, say, say_in
from tutor.text.words import reason
from tutor.tui.dialogs import Dialog
from tutor.tui.entry import EntryInput
from tutor.tui.keys import bindings, hint
from tutor.tui.lines import Line, Lines, folded, line


class Numbers(EntryInput):
    """A line for the name of a file; more than a line, or JSON, that is pasted is the numbers themselves."""

    class Pasted(Message):
        """Numbers were pasted."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def _on_paste(self, event: Paste) -> None:
        text = event.text.strip()
        if "\n" in text or text.startswith("{"):
            event.stop()
            event.prevent_default()  # an Input takes the first line
            self.post_message(self.Pasted(text))


class Diagnose(Dialog):
    """Takes arrays, has `adopt` take the sitting in which they are judged, and shows the verdicts."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(DIAGNOSE)
    commands = DIAGNOSE

    def __init__(self, sitting: Sitting, adopt: Callable[[Sitting], None]) -> None:
        super().__init__(classes="-glossary")
        self.sitting, self.adopt, self.lines = sitting, adopt, asked()

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            asked = N_("paste: dL/dW1,0.1,0.2") if confined() else N_("mine.npz, or paste: dL/dW1,0.1,0.2")
            yield Numbers(placeholder=say(asked), max_length=500)
            yield Lines(id="terms")
            keys = [key for key in DIAGNOSE if not (confined() and key.label == "a file")]
            yield Static(Content(hint(keys, " · ")), id="hint")

    def on_mount(self) -> None:
        self.query_one("#terms", Lines).can_focus = False
        if self.sitting.judged:
            self.lines = self.verdicts()
        self.call_after_refresh(self.show)

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)

    def show(self) -> None:
        listing = self.query_one("#terms", Lines)
        columns = max(listing.size.width - 2, 20)
        listing.show([part for item in self.lines for part in folded(item, columns)])

    def verdicts(self) -> list[Line]:
        found = self.sitting.diagnosis
        assert found is not None
        lines = [line(words.headline(found), "title"), line()]
        for at in (*found.order, *(at for at in range(len(found.arrays)) if at not in found.order)):
            verdict = found.arrays[at]
            mark, style = JUDGED.get(verdict.verdict, ("?", "dim"))
            kind = say_in("cell", verdict.verdict)
            lines.append(Line(((f"{mark} ", style), (words.named(verdict), "heading"), (f"  {kind}", "dim"))))
            if verdict is not found.first_wrong and verdict.message != say("Right."):  # else it is said above
                lines.append(line(f"  {verdict.message}"))
            lines += [line(say("  or: {title}", title=slip.title), "dim") for slip in verdict.slips[1:]]
        lines += [line(), line(found.untried, "dim")] if found.untried else []
        return [*lines, line(), line(say("The outline and the picture are marked; f8 takes the marks away."), "dim")]

    # ------------------------------------------------------------ what is handed in

    def on_numbers_pasted(self, event: Numbers.Pasted) -> None:
        self.judge(lambda: read_arrays(say("what was pasted"), event.text.encode("utf-8", "replace")))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        path = event.value.strip().strip("'\"")
        if not self.is_current:
            return
        if path:
            self.judge(lambda: read_arrays(path))
        else:
            first = self.sitting.diagnosis.first_wrong if self.sitting.diagnosis else None
            self.dismiss(first.step if first else None)

    def judge(self, read: Callable[[], list[Handed]]) -> None:
        try:
            self.sitting = self.sitting.diagnose(read())
        except BadFile as error:
            self.lines = [line(f"{error}.", "error")]
        except OSError as error:
            self.lines = [line(say("That cannot be read: {why}.", why=reason(error)), "error")]
        else:
            self.adopt(self.sitting)
            self.query_one(Input).value = ""
            self.lines = self.verdicts()
        self.show()
        self.query_one("#terms", Lines).scroll_lines_to(0)

    def action_clear(self) -> None:
        """Take the marks away: what was handed in is forgotten."""
        self.sitting = self.sitting.forget()
        self.adopt(self.sitting)
        self.lines = asked()
        self.show()

    def action_scroll(self, by: int) -> None:
        listing = self.query_one("#terms", Lines)
        listing.scroll_lines_to(listing.top + by)


def asked() -> list[Line]:
    """What is asked for; a visitor, who has no files here, pastes."""
    table = say(
        "A line of a table is a name and its numbers: dL/dW1,0.1,0.2. Names are ids, or what your code calls them: "
        "dW1, W1.grad, fc1.weight.grad."
    )
    others = (
        say("JSON is read as well.")
        if confined()
        else say("JSON, .npz, .safetensors and PyTorch's .pt are read as well.")
    )
    title = say("Paste your numbers") if confined() else say("Which file has your numbers?")
    return [
        line(title, "title"),
        line(),
        line(f"{table} {others}"),
        line(),
        line(
            say(
                "They are held against this iteration, in the order of computation: which is the first that is wrong, "
                "by which slip, and what follows from it rightly. The outline and the picture then mark them."
            )
        ),
    ]
