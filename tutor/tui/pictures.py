"""The pictures of a step, over the player: they follow it while one steps on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Static

from tutor.engine.expressions import Ref
from tutor.lessonfiles.catalogue import data_dir
from tutor.pictures.step.kinds import KINDS, another, offers
from tutor.pictures.step.shown import Shown
from tutor.play.commands import Key
from tutor.play.settings import Refused
from tutor.play.sitting import Sitting
from tutor.text.cells import width
from tutor.text.language import say, say_in
from tutor.tui.follower import Follower, Mover
from tutor.tui.keys import bindings
from tutor.tui.lines import KeyBar, Line, Lines, line
from tutor.tui.player_panes import useful
from tutor.tui.screen import TutorScreen
from tutor.tui.views import wrapped

KEYS = [
    Key("right,tab", "kind(1)", "←/→", "picture"),
    Key("left,shift+tab", "kind(-1)"),
    Key("down", "subject(1)", "↑/↓", "another"),
    Key("up", "subject(-1)"),
    Key("pagedown", "symbol(1)", "PgUp/PgDn", "symbol"),
    Key("pageup", "symbol(-1)"),
    Key("n,space", "step(1)", "n/b", "step"),
    Key("b,backspace", "step(-1)"),
    Key("full_stop", "iteration(1)", ",/.", "iter"),
    Key("comma", "iteration(-1)"),
    Key("e", "example(1)", "e", "example"),
    Key("E", "example(-1)"),
    Key("t", "notation(1)", "t", "notation"),
    Key("T", "notation(-1)"),
    Key("shift+down,ctrl+down", "scroll(2)", "⇧↑↓", "scroll"),
    Key("shift+up,ctrl+up", "scroll(-2)"),
    Key("escape,v", "close", "v", "close"),
    Key("d", "app.toggle_dark"),
    Key("q", "close"),
]


class PicturesScreen(Mover, Follower, TutorScreen):
    """Shows the pictures that make sense for the player's step."""

    CSS_PATH = data_dir("assets") / "pictures.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, sitting: Sitting, show: Callable[[Sitting], None]) -> None:
        """`show` makes another sitting the player's, which comes back to `follow`."""
        super().__init__()
        self.sitting, self.show = sitting, show
        self.kind = ""  # the one that the learner chose; until then the first that suits the step
        self.subjects: dict[str, Ref] = {}  # what the pictures are of, where the learner chose it
        self.shown: tuple[object, Shown] | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Container(id="body"):
            yield Lines(id="picture")
            yield Lines(id="facts")
        yield KeyBar([key for key in KEYS if useful(key.action, self.sitting)])
        yield Static(id="small")

    def follow(self, sitting: Sitting) -> None:
        super().follow(sitting)
        self.draw()

    def on_mount(self) -> None:
        for id in ("#bar", "#picture"):
            self.query_one(id).can_focus = False
        self.query_one("#facts").focus()

    def on_resize(self) -> None:
        wide = self.size.width >= 110
        self.suit_size({"-split": wide, "-stack": not wide})
        self.call_after_refresh(self.draw)

    # ------------------------------------------------------------ what is shown

    def offered(self) -> list[str]:
        """The kinds for the player's step. In predict mode gradients are not shown before their steps."""
        step, example = self.sitting.step, self.sitting.cursor.example
        found = offers(step, example)
        if self.sitting.predict:
            if step.phase in ("forward", "loss"):
                found = [kind for kind in found if KINDS[kind].ahead]
            found = [kind for kind in found if self.may_see(KINDS[kind].begin(step, example))]
        return found

    def may_see(self, subject: Ref | None) -> bool:
        """Whether a picture of it tells nothing that predict mode will ask for later."""
        if not self.sitting.predict or subject is None:
            return True
        later = self.sitting.trace.equations[self.sitting.cursor.furthest + 1 :]
        return all(eq.symbol.key != subject.symbol.key for eq in later)

    def current(self) -> tuple[str, Ref] | None:
        """The kind that is shown, and of what."""
        kinds = self.offered()
        if not kinds:
            return None
        kind = self.kind if self.kind in kinds else kinds[0]
        cursor, trace = self.sitting.cursor, self.sitting.trace
        subject = self.subjects.get(kind)
        if subject is None or subject.symbol.key not in {s.key for s in KINDS[kind].subjects(trace)}:
            subject = KINDS[kind].begin(self.sitting.step, cursor.example)
        assert subject is not None
        return kind, subject if subject.example is None else replace(subject, example=cursor.example)

    def draw(self) -> None:
        if not self.is_mounted or self.has_class("-tiny"):
            return
        bar, picture, facts = (self.query_one(id, Lines) for id in ("#bar", "#picture", "#facts"))
        current = self.current()
        bar.show([self._bar(current and current[0])])
        if current is None:
            why = say("In predict mode the pictures of gradients come with the gradients' own steps: n goes on.")
            picture.show([line(say("There is no picture of this step."), "heading")])
            facts.show(
                wrapped(why if self.sitting.predict else say("n goes on to the next step."), facts.size.width - 1)
            )
            return
        kind, subject = current
        key = (id(self.sitting.trace), self.sitting.cursor.notation, kind, subject)
        if self.shown is None or self.shown[0] != key:
            self.shown = key, KINDS[kind].make(self.sitting.scribe, subject)
            facts.scroll_lines_to(0)
        shown = self.shown[1]
        room = facts.size.width - 2
        title = wrapped(shown.title, picture.size.width, "title")
        rows = shown.draw(picture.size.width, picture.size.height - len(title))
        picture.show([*title, *(Line(row) for row in rows)])
        said: list[Line] = []
        for at, fact in enumerate(shown.facts):
            roomy = said and facts.size.height > 24
            said += [*([line()] if roomy else []), *wrapped(fact, room, "heading" if at == 0 else "")]
        facts.show(said)

    def _bar(self, kind: str | None) -> Line:
        """The step and its pictures; where not all titles fit, those of the others are their short names."""
        where = f"{self.sitting.cursor.iteration:,}: " if self.sitting.cursor.iteration > 1 else ""
        for titles in (
            {name: say(KINDS[name].title) for name in KINDS},
            {name: say_in("picture", name) for name in KINDS},
        ):
            spans = [(where, "dim"), (self.sitting.id, "heading"), ("  ", "")]
            for name in self.offered():
                text = say(KINDS[name].title) if name == kind else titles[name]
                spans.append((f"[{text}]" if name == kind else f" {text} ", "key" if name == kind else "dim"))
            if sum(width(text) for text, _ in spans) <= self.size.width - 2:
                break
        return Line(tuple(spans))

    # ------------------------------------------------------------ keys

    def action_kind(self, by: int) -> None:
        kinds, current = self.offered(), self.current()
        if current:
            self.kind = kinds[(kinds.index(current[0]) + by) % len(kinds)]
        self.draw()

    def action_subject(self, by: int, whole: bool = False) -> None:
        current = self.current()
        if current is None:
            return
        kind, subject = current
        trace, cursor = self.sitting.trace, self.sitting.cursor
        found = another(kind, trace, subject, by, cursor.example, whole)
        if not self.may_see(found):
            self.say(say("In predict mode what comes later is shown after its own step."))
            return
        self.kind, self.subjects[kind] = kind, found
        self.draw()

    def action_symbol(self, by: int) -> None:
        self.action_subject(by, whole=True)

    def action_step(self, by: int) -> None:
        try:
            moved = self.sitting.forward() if by > 0 else self.sitting.back()
        except Refused as error:
            self.say(str(error))
            return
        self.subjects.clear()
        self.show(moved)
        if self.sitting.open_question:
            self.action_close()  # the question is asked in the player

    def action_example(self, by: int) -> None:
        self.go(lambda: self.sitting.example(by))

    def action_notation(self, by: int) -> None:
        self.go(lambda: self.sitting.notation(by))

    def action_iteration(self, by: int) -> None:
        self.go(lambda: self.sitting.beside(by))

    def action_scroll(self, by: int) -> None:
        facts = self.query_one("#facts", Lines)
        facts.scroll_lines_to(facts.top + by)

    def action_close(self) -> None:
        if self.is_current:
            self.app.pop_screen()
