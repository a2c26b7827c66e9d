"""The doctor on the full screen: what was found, what it may be, what mends it, the mended curve beside the sick."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static
from textual.worker import get_current_worker

from tutor.lessonfiles.catalogue import data_dir
from tutor.pictures.plot import Curve, plot
from tutor.play.commands import DOCTOR
from tutor.play.doctor import Clinic, Visit
from tutor.play.findings_words import VIEWS
from tutor.text.language import N_, say
from tutor.tui.dialogs import help_of
from tutor.tui.keys import bindings
from tutor.tui.lines import Choices, KeyBar, Line, Lines, entitle, folded, line
from tutor.tui.screen import TutorScreen
from tutor.tui.views import wrapped

CURVE = "curve"
LOOKS = (CURVE, *VIEWS)
TITLES = {
    "curve": N_("Loss before each update"), "check": N_("Gradient check"), "sizes": N_("Sizes"), "rows": N_("Rows"),
}  # fmt: skip
WIDE = 120  # columns from which the curve and what else was found stand side by side


class DoctorScreen(TutorScreen):
    """The patients of a clinic, one at a time, from a place (from 0) on."""

    CSS_PATH = data_dir("assets") / "doctor.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(DOCTOR)
    commands = DOCTOR

    def __init__(self, clinic: Clinic, at: int = 0) -> None:
        super().__init__()
        self.clinic, self.at = clinic, at
        self.visits: dict[int, Visit] = {}
        self.look = CURVE
        self.log_scale = False
        self.words = ""

    @property
    def visit(self) -> Visit | None:
        """The patient that is seen now; None until it is examined."""
        return self.visits.get(self.at)

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Horizontal(id="body"):
            yield Lines(id="plot", classes="pane")
            yield Lines(id="found", classes="pane")
        yield Lines(id="said")
        yield Choices(id="options", classes="pane")
        yield KeyBar(DOCTOR)
        yield Static(id="small")

    def on_mount(self) -> None:
        for id in ("#bar", "#plot", "#found", "#said"):
            self.query_one(id).can_focus = False
        self.query_one("#options").focus()
        self.see(self.at)

    def on_resize(self) -> None:
        height = self.size.height
        self.suit_size({"-wide": self.size.width >= WIDE, "-high": height >= 32, "-low": height < 22})
        self.query_one("#body").styles.layout = "horizontal" if self.size.width >= WIDE else "vertical"
        self.call_after_refresh(self.draw)

    def on_lines_resized(self) -> None:
        self.draw()

    # ------------------------------------------------------------ a patient

    def see(self, at: int) -> None:
        """Go to a patient; to examine it takes a moment, beside the screen."""
        self.at, self.words, self.look = at, "", CURVE
        if at in self.visits:
            self.draw(0)
        else:
            self.draw()
            self.run_worker(lambda: self._examine(at), thread=True, exclusive=True, group="doctor")

    def _examine(self, at: int) -> None:
        worker = get_current_worker()
        visit = Visit(self.clinic[at])
        for look in VIEWS.values():  # all is measured here, and nothing where keys wait
            look(visit.case.found)
        for treatment in visit.case.treatments:
            visit.case.outcome(treatment)

        def arrived() -> None:
            self.visits[at] = visit
            if self.at == at and self.is_mounted:
                self.draw(0)

        if not worker.is_cancelled:
            self.app.call_from_thread(arrived)

    # ------------------------------------------------------------ drawing

    def draw(self, cursor: int | None = None) -> None:
        if not self.is_mounted or self.has_class("-tiny"):
            return
        visit, count = self.visit, len(self.clinic)
        mended = sum(one.mended for one in self.visits.values())
        first = sum(one.at_first for one in self.visits.values())
        told = N_("{n} of {count} mended, {first} at the first try" if mended else "what is wrong with it?")
        score = say(told, n=mended, count=count, first=first)
        title = say("Patient {n} of {count}", n=self.at + 1, count=count)
        self.query_one("#bar", Lines).show([Line(((title, "title"), (f"  {score}", "dim")))])
        beside = self.size.width >= WIDE
        self.query_one("#plot").display = beside or self.look == CURVE
        self.query_one("#found").display = beside or self.look != CURVE
        options, said = self.query_one("#options", Choices), self.query_one("#said", Lines)
        if visit is None:
            said.show([line(say("It is being examined …"), "dim")])
            options.show([])
            self.query_one("#plot", Lines).show([])
            self.query_one("#found", Lines).show([])
            return
        self.draw_found(visit)
        columns = max(said.size.width - 2, 40)
        asked = "" if visit.mended else visit.asked
        done = say("n: the next patient." if self.at + 1 < count else "That was the last one.")
        parts = [*wrapped(self.words, columns), *wrapped(asked or done, columns, "strong")]
        said.show([item for item in parts if item.text])
        lines = [line(self._marked(visit, at) + option, "", str(at)) for at, option in enumerate(visit.options)]
        entitle(options, say("What mends it" if visit.named else "What it may be"))
        options.show(lines, cursor)

    def _marked(self, visit: Visit, at: int) -> str:
        """The sign before an option: tried and wrong, right, or open."""
        if not visit.named:
            from tutor.play.doctor import ILLNESSES

            return "✗ " if list(ILLNESSES)[at] in visit.guesses else "  "
        return "  " if at not in visit.tried else "✓ " if visit.case.treatments[at].right else "✗ "

    def draw_found(self, visit: Visit) -> None:
        """The curve, the mended one beside it, and what else was found."""
        pane, beside = self.query_one("#plot", Lines), self.query_one("#found", Lines)
        losses = visit.case.found.losses
        found = [Curve(np.arange(1, len(losses) + 1), losses, say("the patient"))]
        if visit.shown:
            after = visit.shown.patient.found.losses
            label = say("mended" if visit.shown.right else "as tried")
            found.append(Curve(np.arange(1, len(after) + 1), after, label))
        entitle(pane, say("Loss before each update, log scale" if self.log_scale else "Loss before each update"))
        if pane.display and pane.size.height:
            columns, high = pane.size.width - 1, pane.size.height
            picture = plot(found, columns=columns, rows=high, x_label=say("update"), log_y=self.log_scale)
            pane.show([Line(row) for row in picture])
        look = self.look if self.look != CURVE else next(iter(VIEWS))
        entitle(beside, say(TITLES[look]))
        rows = VIEWS[look](visit.case.found)
        beside.show([part for row in rows for part in folded(line(row), max(beside.size.width, 40))])

    # ------------------------------------------------------------ keys

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        visit = self.visit
        if visit is None or visit.mended:
            if visit and self.at + 1 < len(self.clinic):
                self.see(self.at + 1)
            return
        before = visit.named
        self.words = visit.choose(int(event.target))
        if visit.named:
            self.look = CURVE
        self.draw(0 if visit.named != before else None)

    def action_choose(self) -> None:
        self.query_one("#options", Choices).choose()

    def action_move(self, by: int) -> None:
        self.query_one("#options", Choices).move(by)

    def action_look(self, by: int) -> None:
        looks = LOOKS if self.size.width < WIDE else tuple(VIEWS)
        at = looks.index(self.look) if self.look in looks else 0
        self.look = looks[(at + by) % len(looks)]
        self.draw()

    def action_patient(self, by: int) -> None:
        if 0 <= self.at + by < len(self.clinic):
            self.see(self.at + by)

    def action_log(self) -> None:
        self.log_scale = not self.log_scale
        self.draw()

    def action_tell(self) -> None:
        visit = self.visit
        if visit and not visit.mended:
            before = visit.named
            self.words = visit.tell()
            self.look = CURVE
            self.draw(0 if visit.named != before else None)

    def action_help(self) -> None:
        self.app.push_screen(help_of(DOCTOR, self.size.width))

    def action_leave(self) -> None:
        self.workers.cancel_group(self, "doctor")
        self.app.pop_screen()
