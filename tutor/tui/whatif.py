"""What if: a list of everything that can change, over the player, which follows at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.widgets import Input

from tutor.confined import confined
from tutor.engine.expressions import Ref
from tutor.lessonfiles.writing import CannotWrite, save
from tutor.play.commands import WHAT_IF
from tutor.play.settings import Refused, Setting, shown, typed
from tutor.play.sitting import Sitting
from tutor.play.whatif import MAX_EDIT, WhatIf, said_of_step
from tutor.text.cells import pad, width, window
from tutor.text.language import say, say_in
from tutor.text.layout import number
from tutor.text.output import escape
from tutor.tui.dialogs import Ask, Dialog, help_of
from tutor.tui.entry import EntryInput
from tutor.tui.follower import Follower
from tutor.tui.keys import bindings
from tutor.tui.lines import Choices, KeyBar, Line, Lines, line
from tutor.tui.screen import arrangement
from tutor.tui.views import wrapped

RowKey = tuple[str, str, tuple[int, ...]]


def row_key(setting: Setting) -> RowKey:
    """Of a number in an array its group, the array and all its indices but the last; of anything else its name."""
    ref = setting.ref
    if ref is None or not ref.index or setting.kind != "number":
        return setting.group, "", ()
    return setting.group, setting.name.partition("[")[0], ref.index[:-1]


def rows_of(settings: Sequence[Setting]) -> dict[RowKey, list[Setting]]:
    """The numbers of arrays by rows."""
    found: dict[RowKey, list[Setting]] = {}
    for setting in settings:
        if (key := row_key(setting))[1]:
            found.setdefault(key, []).append(setting)
    return found


BEGIN = set("0123456789.-−+([=")  # what begins a value: it need not be asked for with Enter


class WhatIfScreen(Follower, Dialog):
    """The changes of a lesson that is played: made here, seen there. Answers "compare" where that is to follow."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(WHAT_IF)
    commands = WHAT_IF

    def __init__(self, sitting: Sitting, adopt: Callable[[WhatIf], None]) -> None:
        """`adopt` puts changes in force; the sitting with them comes back to `follow`."""
        super().__init__()
        self.sitting, self._adopt = sitting, adopt
        self.settings: dict[str, Setting] = {}
        self.rows: dict[RowKey, list[Setting]] = {}
        self.column = 0  # which number of an array's row is chosen
        self.told = "", ""  # what was said last, and its style

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Choices(id="settings")
            yield EntryInput(id="value", max_length=MAX_EDIT, select_on_focus=False)
            yield Lines(id="message")
            arrays = self.sitting.trace.program.model.arrays
            yield KeyBar([key for key in WHAT_IF if arrays or not key.action.startswith("column")])

    def on_mount(self) -> None:
        self.query_one("#box").border_title = say("What if …")
        self.query_one("#value").display = False
        self.query_one("#message").can_focus = False
        settings = self.query_one("#settings", Choices)
        settings.focus()
        self.refill()
        settings.move(1)
        first = self.sitting.trace.program.model.given[0]
        name = Ref(first, (0,) * len(first.shape) or None).id
        self.tell(say("Anything can also be typed in full, after Enter: {name} = 0.3", name=name))

    def on_resize(self) -> None:
        """Where the player shows the state at the right, that stays in sight."""
        self.set_class(arrangement(self.size) == "-wide", "-beside")
        if self.rows:
            self.call_after_refresh(self.refill)

    # ------------------------------------------------------------ what is seen

    @property
    def changes(self) -> WhatIf:
        return self.sitting.changes

    def refill(self, chosen: Setting | None = None) -> None:
        """List the settings anew: a change of one may bring or take others. `chosen` is to be highlighted."""
        found = self.changes.settings(self.sitting.here)
        self.settings = {setting.name: setting for setting in found}
        before = {change.name: change.before for change in self.changes.changes}
        self.rows = rows_of(found) if self.sitting.trace.program.model.arrays else {}
        names = {s.name: self.named(s) for s in found if not self.row_of(s)}
        left = max(map(width, names.values()), default=0)
        lines: list[Line] = []
        group = None
        for setting in found:
            if setting.group != group:
                group = setting.group
                lines.append(line(say_in("settings", group), "heading"))
            if row := self.row_of(setting):
                if setting.name == row[0].name:
                    lines += self.row_lines(row, before)
                continue
            value = shown(self.changes.value(setting))
            spans = [("  " + pad(names[setting.name], left) + "  ", ""), (value, "value")]
            if setting.name in before:
                spans.append((say("   was {value}", value=shown(before[setting.name])), "mark"))
            lines.append(Line(tuple(spans), setting.name))
        unlisted = [line(f"  {change}", "mark") for change in self.changes.changes if change.name not in self.settings]
        if unlisted:
            lines += [line(say("Changed as well"), "heading"), *unlisted]
        at = next((at for at, item in enumerate(lines) if chosen and item.target == chosen.name), None)
        self.query_one("#settings", Choices).show(lines, at)

    def row_of(self, setting: Setting) -> list[Setting]:
        """The row of an author's array that a number stands in, as settings; none of anything else."""
        return self.rows.get(row_key(setting), [])

    def row_lines(self, row: list[Setting], before: dict[str, Any]) -> list[Line]:
        """A row of an array: its numbers, one of which is chosen; what was changed with what it was."""
        key = row_key(row[0])
        every = [shown(self.changes.value(setting)) for other in self.rows.values() for setting in other
                 if row_key(setting)[:2] == key[:2]]  # fmt: skip
        size = max(map(width, every))
        place = ",".join(str(i + 1) for i in key[2])
        name = f"{key[1]}[{place},]" if place else f"{key[1]}"
        at = min(self.column, len(row) - 1)
        columns = self.query_one("#settings").size.width or min(self.app.size.width - 6, 72)  # 0 before the first frame
        room = max(1, (columns - width(name) - 8) // (size + 2))
        spans: list[tuple[str, str]] = [(f"  {name} ", "")]
        some = window(at, len(row), room)
        spans.append(("⋯ " if some.start else "  ", "dim"))
        for column in some:
            value = shown(self.changes.value(row[column]))
            changed = row[column].name in before
            style = "cell" if column == at else "mark" if changed else "value"
            spans += [(" " * (size - width(value)) + value, style), ("  ", "")]
        spans.append(("⋯" if some.stop < len(row) else "", "dim"))
        lines = [Line(tuple(spans), row[at].name)]
        was = [
            say("{name} was {value}", name=setting.name, value=shown(before[setting.name]))
            for setting in row
            if setting.name in before
        ]
        return [*lines, *([line("      " + ", ".join(was), "mark")] if was else [])]

    def named(self, setting: Setting) -> str:
        """A setting's name, with the one that the learner's notation has for it where that is another."""
        if setting.ref is None or setting.group in ("Inputs", "Formulas"):
            return setting.name
        shown_ = self.sitting.scribe.writer.text(setting.ref)
        return setting.name if shown_ == setting.name else f"{setting.name}  {shown_}"

    def tell(self, text: str, refused: bool = False) -> None:
        self.told = text, "error" if refused else ""
        self.draw_told()

    def draw_told(self) -> None:
        message = self.query_one("#message", Lines)
        message.show(wrapped(self.told[0], message.size.width, self.told[1]) if message.size.width else [])

    def on_lines_resized(self) -> None:
        self.draw_told()

    def loss(self) -> float:
        """What the iteration on the screen minimises: its loss, or the circuit's output."""
        trace = self.sitting.trace
        return float(trace.iteration.values[trace.program.model.objective.key])

    # ------------------------------------------------------------ changes

    def adopt(self, changes: WhatIf) -> None:
        before, text, old = self.loss(), said_of_step(self.changes, changes), self.sitting.cursor.iteration
        self._adopt(changes)
        self.refill()
        made = self.sitting.trace.program.model
        what = say("Loss") if made.loss_name else made.output.id
        if self.sitting.cursor.iteration == old:
            text += f"   {what} {number(before)} → {number(self.loss())}"
        self.tell(text)

    def attempt(self, text: str) -> bool:
        """Make an edit; one that cannot be is refused in words. Whether it was made."""
        try:
            changes = self.changes.apply(text, self.sitting.here)
        except Refused as error:
            self.tell(str(error), refused=True)
            return False
        self.adopt(changes)
        return True

    def action_nudge(self, by: int) -> None:
        setting = self.chosen
        if setting is None:
            return
        try:
            changes = self.changes.nudge(setting, by, self.sitting.here)
        except Refused as error:
            self.tell(str(error), refused=True)
            return
        self.adopt(changes)

    def action_undo(self) -> None:
        self.step(self.sitting.undo)

    def action_redo(self) -> None:
        self.step(self.sitting.redo)

    def step(self, to: Callable[[], WhatIf]) -> None:
        try:
            changes = to()
        except Refused as error:
            self.tell(str(error))
        else:
            self.adopt(changes)

    # ------------------------------------------------------------ typing a value

    @property
    def chosen(self) -> Setting | None:
        return self.settings.get(self.query_one("#settings", Choices).target or "")

    def action_move(self, by: int) -> None:
        self.query_one("#settings", Choices).move(by)

    def action_column(self, by: int) -> None:
        """The next number of an array's row; behind the last the first."""
        setting = self.chosen
        if setting and (row := self.row_of(setting)):
            self.column = (row.index(setting) + by) % len(row)
            self.refill(row[self.column])
        else:
            self.action_move(by)

    def action_edit(self) -> None:
        self.edit(None)

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        self.edit(None)

    def edit(self, begun: str | None) -> None:
        """Open the line to type in, with the present value or with what was typed."""
        setting = self.chosen
        value = self.query_one("#value", Input)
        if setting is None or value.display:
            return
        present = typed(self.changes.value(setting))
        if begun is None:  # of many numbers one names an element: W1[3,4] = 0.5
            begun = present if len(present) < 300 else f"{setting.name}["
        value.display = True
        value.value = begun
        value.placeholder = say("a value for {name}", name=setting.name)
        value.cursor_position = len(value.value)
        value.focus(scroll_visible=False)
        if value.value == f"{setting.name}[":
            self.tell(say("One of its elements, as in W1[3,4] = 0.5; or all of them: [[1, 2], [3, 4]]. Enter · Esc"))
        elif setting.kind == "word":
            self.tell(say("{name}: {words}. Enter · Esc", name=setting.name, words=", ".join(setting.words)))
        elif setting.kind == "formula":
            self.tell(say("A formula for {name}, of what is defined before it. Enter · Esc", name=setting.name))
        else:
            self.tell(say("A value for {name}, or an expression such as 2/3. Enter · Esc", name=setting.name))

    def close(self) -> None:
        value = self.query_one("#value", Input)
        value.display = False
        self.query_one("#settings").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        setting, text = self.chosen, event.value.strip()
        if setting and "=" not in text.lstrip("="):
            text = text and f"{setting.name} = {text.lstrip('=')}"
        if not text or self.attempt(text):
            self.close()

    def on_key(self, event: Key) -> None:
        value = self.query_one("#value", Input)
        if self.is_current and not value.display and event.character and event.character in BEGIN:
            event.stop()
            event.prevent_default()
            self.edit(event.character)

    def action_leave(self) -> None:
        if self.query_one("#value").display:
            self.close()
            self.tell(say("Nothing was changed."))
        elif self.is_current:
            self.dismiss(None)

    # ------------------------------------------------------------ elsewhere

    def action_help(self) -> None:
        if not self.query_one("#value").display:
            self.app.push_screen(help_of(WHAT_IF, self.size.width))

    def action_compare(self) -> None:
        if self.is_current:
            self.dismiss("compare")

    def action_save(self) -> None:
        """Write a lesson file: ask for the path, and once more before a file that is there is replaced.

        A visitor has no files here: it goes to the browser.
        """
        suggestion = f"{self.changes.original.id}-what-if.toml"
        if confined():
            text = self.changes.text(suggestion)
            self.app.deliver_text(StringIO(text), save_filename=suggestion, mime_type="application/toml")
            self.tell(say("Your browser gets {file}.", file=suggestion))
            return
        ask = Ask(say("Write this as a lesson file: where?"), lambda text: None, value=suggestion, most=MAX_EDIT)
        self.app.push_screen(ask, lambda path: self.write(path) if path else None)

    def write(self, path: str, overwrite: bool = False) -> None:
        try:
            file = save(self.changes.text(Path(path)), path, overwrite)
        except CannotWrite as error:
            self.tell(str(error), refused=True)
        except FileExistsError:
            question = say("{file} is there already. Type yes to replace it.", file=escape(Path(path).name))
            again = Ask(question, lambda text: None if text.lower() == "yes" else say("yes, or Esc."))
            self.app.push_screen(
                again, lambda answer: self.write(path, True) if answer else self.tell(say("Not written."))
            )
        else:
            self.tell(say("Written: {file}", file=file))
