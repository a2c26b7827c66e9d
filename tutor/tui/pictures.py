"""The pictures of a step, over the player: they follow it while one steps on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static

from tutor.engine.expressions import Ref
from tutor.lessonfiles.catalogue import data_dir
from tutor.pictures.step.kinds import KINDS, another, offers
from tutor.pictures.step.shown import Shown
from tutor.play import playback
from tutor.play.playback import Cursor
from tutor.tui.lines import KeyBar, Line, Lines, line
from tutor.tui.screen import TutorScreen
from tutor.tui.views import no_other_example, wrapped

if TYPE_CHECKING:
    from tutor.tui.player import PlayerScreen

# keys, action, key as shown, label
KEYS = [
    ("right,tab", "kind(1)", "←/→", "picture"),
    ("left,shift+tab", "kind(-1)", "", ""),
    ("down", "subject(1)", "↑/↓", "another"),
    ("up", "subject(-1)", "", ""),
    ("pagedown", "symbol(1)", "PgUp/PgDn", "symbol"),
    ("pageup", "symbol(-1)", "", ""),
    ("n,space", "step(1)", "n/b", "step"),
    ("b,backspace", "step(-1)", "", ""),
    ("full_stop", "iteration(1)", ",/.", "iter"),
    ("comma", "iteration(-1)", "", ""),
    ("e", "example(1)", "e", "example"),
    ("E", "example(-1)", "", ""),
    ("t", "notation(1)", "t", "notation"),
    ("T", "notation(-1)", "", ""),
    ("shift+down,ctrl+down", "scroll(2)", "⇧↑↓", "scroll"),
    ("shift+up,ctrl+up", "scroll(-2)", "", ""),
    ("escape,v", "close", "v", "close"),
    ("d", "app.toggle_dark", "", ""),
    ("q", "close", "", ""),
]


class PicturesScreen(TutorScreen):
    """Shows the pictures that make sense for the player's step."""

    CSS_PATH = data_dir("assets") / "pictures.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, show=False, priority="tab" in keys) for keys, action, _, _ in KEYS
    ]

    def __init__(self, player: PlayerScreen) -> None:
        super().__init__()
        self.player = player
        self.kind = ""  # the one that the learner chose; until then the first that suits the step
        self.subjects: dict[str, Ref] = {}  # what the pictures are of, where the learner chose it
        self.shown: tuple[object, Shown] | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Container(id="body"):
            yield Lines(id="picture")
            yield Lines(id="facts")
        yield KeyBar([(shown, label, action) for _, action, shown, label in KEYS if shown and self._useful(action)])
        yield Static(id="small")

    def _useful(self, action: str) -> bool:
        return self.player._useful(action)

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
        cursor, trace = self.player.cursor, self.player.trace
        step = playback.current(cursor, trace)
        found = offers(step, cursor.example)
        if self.player.predict and step.phase in ("forward", "loss"):
            found = [kind for kind in found if kind == "activation"]
        return found

    def current(self) -> tuple[str, Ref] | None:
        """The kind that is shown, and of what."""
        kinds = self.offered()
        if not kinds:
            return None
        kind = self.kind if self.kind in kinds else kinds[0]
        cursor, trace = self.player.cursor, self.player.trace
        subject = self.subjects.get(kind)
        if subject is None or subject.symbol.key not in {s.key for s in KINDS[kind].subjects(trace)}:
            subject = KINDS[kind].begin(playback.current(cursor, trace), cursor.example)
        assert subject is not None
        return kind, subject if subject.example is None else replace(subject, example=cursor.example)

    def draw(self) -> None:
        if not self.is_mounted or self.has_class("-tiny"):
            return
        bar, picture, facts = (self.query_one(id, Lines) for id in ("#bar", "#picture", "#facts"))
        current = self.current()
        bar.show([self._bar(current and current[0])])
        if current is None:
            why = "In predict mode the pictures of gradients come with the gradients' own steps: n goes on."
            picture.show([line("There is no picture of this step.", "heading")])
            facts.show(wrapped(why if self.player.predict else "n goes on to the next step.", facts.size.width - 1))
            return
        kind, subject = current
        key = (id(self.player.trace), self.player.cursor.notation, kind, subject)
        if self.shown is None or self.shown[0] != key:
            self.shown = key, KINDS[kind].make(self.player.scribe, subject)
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
        spans = [(f"{self.player.cursor.iteration:,}: " if self.player.cursor.iteration > 1 else "", "dim")]
        spans += [(playback.place(self.player.cursor, self.player.trace), "heading"), ("  ", "")]
        for name in self.offered():
            text = KINDS[name].title
            spans.append((f"[{text}]" if name == kind else f" {text} ", "key" if name == kind else "dim"))
        return Line(tuple(spans))

    # ------------------------------------------------------------ keys

    def say(self, text: str) -> None:
        """A word on why a key did nothing, until the next key."""
        self.query_one("#bar", Lines).show([line(text, "value")])

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
        trace, cursor = self.player.trace, self.player.cursor
        self.kind, self.subjects[kind] = kind, another(kind, trace, subject, by, cursor.example, whole)
        self.draw()

    def action_symbol(self, by: int) -> None:
        self.action_subject(by, whole=True)

    def action_step(self, by: int) -> None:
        move = playback.forward if by > 0 else playback.back
        moved = move(self.player.cursor, self.player.trace)
        if moved is None:
            self.say("This is the last step." if by > 0 else "This is the first step.")
            return
        self.subjects.clear()
        self._follow(moved)
        if self.player.asking and not self.player.asking.done:
            self.action_close()  # the question is asked in the player

    def action_example(self, by: int) -> None:
        if self.player.trace.examples > 1:
            self._follow(playback.move_example(self.player.cursor, self.player.trace, by))
        else:
            self.say(no_other_example(self.player.lesson))

    def action_notation(self, by: int) -> None:
        self._follow(playback.next_notation(self.player.cursor, by))

    def _follow(self, cursor: Cursor) -> None:
        self.player.show(cursor)
        self.draw()

    def action_iteration(self, by: int) -> None:
        if self.player.run.last is not None:
            self.say("This lesson is not trained: it has one iteration.")
        elif self.player.cursor.iteration + by < 1:
            self.say("This is the first iteration.")
        else:
            self.player.action_iteration(by)
            self.draw()

    def action_scroll(self, by: int) -> None:
        facts = self.query_one("#facts", Lines)
        facts.scroll_lines_to(facts.top + by)

    def action_close(self) -> None:
        if self.is_current:
            self.app.pop_screen()
