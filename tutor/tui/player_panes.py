"""The panes of the player: the step, what it is made from, all steps, the state, the network, an open question."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from tutor.engine.trace import Step
from tutor.learner.records import Stopwatch
from tutor.pictures.diagram import diagram, natural_rows
from tutor.pictures.marks import marked
from tutor.play.commands import PLAYER, Key
from tutor.play.playback import Cursor
from tutor.play.sitting import Sitting
from tutor.questions.attempt import Asking
from tutor.questions.items import AUTHOR
from tutor.text.card import Card
from tutor.text.language import N_, say
from tutor.tui import question_views, state_views, views
from tutor.tui.answer import AnswerLine
from tutor.tui.lines import Choices, KeyBar, Line, Lines, entitle, line
from tutor.tui.map import Map, map_title
from tutor.tui.screen import ARRANGEMENTS, TutorScreen, arrangement

# While a question is open. None of these keys is one that types; all but hint and answer cost nothing.
ASKING_KEYS = [
    Key("", "to_question", "enter", "answer"),
    Key("", "pane(1)", "tab", "hint"),
    Key("", "to_question", "=…", "compute"),
    Key("", "show_answer", "f2", "show me"),
    Key("", "glossary", "f3", "terms"),
    Key("", "map", "f4", "network"),
    Key("", "names", "f5", "names"),
    Key("", "help", "f1", "help"),
    Key("", "stop_seek", "esc", "leave it open"),
]
WAITING_KEYS = [
    Key("", "to_question", "enter", "back to the question"),
    Key("", "show_answer", "f2", "show me"),
    Key("", "forward", "n/b", "step"),
    *ASKING_KEYS[4:-1],
    Key("", "predict", "p", "no questions"),
    Key("", "home", "h", "home"),
    Key("", "quit", "q", "quit"),
]
OVER_KEYS = [Key("", "to_question", "enter", "goes on"), Key("", "stop_seek", "esc", "stay here")]
PANES = ("card", "where", "outline", "state", "map")
TITLES = {
    "where": N_("Where from"),
    "outline": N_("Steps"),
    "state": N_("State"),  # and its columns
    "card": N_("Step"),
}


class PlayerPanes(TutorScreen):
    """Draws a sitting; how it goes on, the player says."""

    sitting: Sitting

    def __init__(self) -> None:
        super().__init__()
        self.pane = "card"
        self.arrangement = ""
        self.stopwatch = Stopwatch()
        self._drawn: dict[str, object] = {}

    @property
    def banner(self) -> Line | None:
        """What stands in the top line in place of where one is."""
        return None

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Horizontal(id="body"):
            yield Choices(id="outline", classes="pane", title=say(TITLES["outline"]))
            with Vertical(id="middle"):
                yield Map(id="map", classes="pane", title=map_title(self.sitting.trace))
                yield Lines(id="card", classes="pane", title=say(TITLES["card"]))
                yield AnswerLine(N_("a number or an expression; = computes one"))
            with Vertical(id="side"):
                yield Choices(id="where", classes="pane", title=say(TITLES["where"]))
                yield Map(id="mini", classes="pane", title=map_title(self.sitting.trace))
                yield Choices(id="state", classes="pane", title=say(TITLES["state"]))
        yield KeyBar(self.lesson_keys())
        yield Static(id="small")

    def _keys(self) -> Sequence[Key]:
        answer = self.query_one(AnswerLine)
        if self.sitting.open_question:
            return ASKING_KEYS if answer.has_focus else WAITING_KEYS
        return OVER_KEYS if answer.over else self.lesson_keys()

    def retell(self) -> None:
        super().retell()
        for name in ("card", "where", "outline"):
            entitle(self.query_one(f"#{name}"), say(TITLES[name]))
        for name in ("map", "mini"):
            entitle(self.query_one(f"#{name}"), map_title(self.sitting.trace))
        self._drawn.clear()
        asking = self.sitting.open_question
        self.query_one(AnswerLine).retell(asking.item if asking else None)
        self.show_answer_line()
        self.draw()

    def lesson_keys(self) -> list[Key]:
        """The keys that can do something in this lesson."""
        return [key for key in PLAYER if useful(key.action, self.sitting)]

    def on_resize(self) -> None:
        self.arrangement = arrangement(self.size)
        self.suit_size({name: name == self.arrangement for name in ARRANGEMENTS})
        self._drawn.clear()
        self.arrange_panes()
        self.call_after_refresh(self.draw)
        if self.query_one("#answer").display and not self.has_class("-tiny"):  # what was hidden has lost the focus
            self.call_after_refresh(self.query_one("#answer").focus)

    def arrange_panes(self) -> None:
        """Where not all panes fit, only the chosen one is shown beside (or instead of) the card."""
        single = self.arrangement == "-single"
        shown = self.pane if self.pane != "card" or single else "where"
        if self.sitting.open_question and self.arrangement in ("-stack", "-single"):
            shown = "card"  # the question has all the room, and what is known
        for name in PANES[1:]:
            self.query_one(f"#{name}").set_class(name == shown, "shown")
        # A height of its own, whatever the step shows: a pane that grows would move all others.
        map_pane = self.query_one("#map")
        beside = self.arrangement in ("-wide", "-split")
        map_pane.styles.height = self._map_height() + 2 if beside else None
        map_pane.set_class(beside and self.size.height < 34, "squeezed")
        self.query_one("#side").set_class(self.size.height >= 30, "roomy")
        self.query_one("#side").set_class(shown in ("where", "state"), "shown")
        self.query_one("#mini").display = shown == "where" and self.arrangement == "-stack"
        self.query_one("#card").set_class(single and shown == "map", "covered")
        self.query_one("#middle").set_class(single and shown not in ("card", "map"), "covered")

    def _map_height(self) -> int:
        return natural_rows(self.sitting.trace, int(self.size.height * (0.5 if self.arrangement == "-wide" else 0.36)))

    # ------------------------------------------------------------ an open question

    def asking_title(self, card: Card) -> str:
        about_a_step = self.sitting.asking is None or self.sitting.asking.item.skill != AUTHOR
        return card.title if about_a_step else say("About this lesson")

    def show_answer_line(self) -> None:
        """The line to type in is there as long as the question is open."""
        answer, asking = self.query_one(AnswerLine), self.sitting.open_question
        if asking or not answer.over:
            answer.ask(asking.item if asking else None)
        mark, words = question_views.verdict_words(self.sitting.asking) if self.sitting.asking else ("", "")
        entitle(answer, f"{mark} {words}".strip())
        shown = asking is not None or answer.over
        if answer.display != shown:
            answer.display = shown
            self.set_focus(answer if answer.display else self.query_one("#card"))
        columns = say("State: {columns}", columns=state_views.state_columns(self.sitting.trace))
        entitle(self.query_one("#state"), say("So far (↑ ↓ scroll)") if asking else columns)
        self.arrange_panes()
        self.show_keys()

    def show_keys(self) -> None:
        self.query_one(KeyBar).set_keys(self._keys())

    def on_descendant_focus(self) -> None:
        self.show_keys()

    def on_descendant_blur(self) -> None:
        self.show_keys()

    def asking_lines(self, asking: Asking, columns: int) -> tuple[list[Line], range]:
        card = self.sitting.scribe.card(self.sitting.step)
        grid = self.query_one(AnswerLine).grid
        return question_views.asking_lines(asking, self.asking_title(card), columns, grid, self.size.height)

    def goes_on(self) -> str:
        """What comes after a question that is done."""
        key = say("Enter or n") if self.query_one(AnswerLine).over else "n"
        return (
            say("{key}: the next question", key=key)
            if self.sitting.next_question()
            else say("{key}: the next step", key=key)
        )

    def so_far(self, cursor: Cursor, columns: int) -> list[Line]:
        """What is known beside an open question: first of all what its answer is made from."""
        assert self.sitting.asking
        item = self.sitting.asking.item
        state, _ = state_views.state_lines(self.sitting.trace, self.sitting.scribe, cursor, columns)
        first = question_views.needed_lines(item, [item], self.sitting.scribe.writer, columns)
        columns_are = line(state_views.state_columns(self.sitting.trace), "dim")
        return [*first, *([line()] if first else []), columns_are, *state]

    # ------------------------------------------------------------ drawing

    def draw(self) -> None:
        """Show the sitting; of a screen that is covered by another when it is seen again."""
        self._behind = self.is_mounted and self.covered
        if not self.is_mounted or self._behind or self.has_class("-tiny"):
            return
        self.draw_bar()
        self.draw_panes()

    _behind = False

    def on_screen_resume(self) -> None:
        if self._behind:
            self.draw()

    def draw_bar(self) -> None:
        bar = self.query_one("#bar", Lines)
        columns, changed = bar.size.width or self.size.width - 2, len(self.sitting.changes.changes)
        now, cursor = self.sitting, self.sitting.cursor
        asks = "" if not now.predict else say("predict") if now.fading else say("predict all")
        bar.show([self.banner or views.bar_line(now.lesson, now.trace, now.scribe, cursor, columns, changed, asks)])

    def draw_panes(self) -> None:
        if not self.is_mounted or self.has_class("-tiny"):
            return
        step = self.sitting.step
        card = self.sitting.card
        for name in (*PANES, "mini"):
            pane = self.query_one(f"#{name}", Lines)
            if not pane.display or (name in ("where", "state", "mini") and not self.query_one("#side").display):
                continue
            columns, rows = pane.size.width, pane.size.height
            if columns < 10:
                continue
            self.draw_pane(name, pane, step, card, columns - 1, rows)

    def draw_pane(self, name: str, pane: Lines, step: Step, card: Card, columns: int, rows: int) -> None:
        now, cursor, size = self.sitting, self.sitting.known, (columns, rows)
        hidden, still_asked = now.open_question, now.still_asked
        if name == "card" and hidden:
            lines, _ = self.asking_lines(hidden, columns)
            if self.arrangement in ("-stack", "-single"):  # else the state stands beside
                lines += [line(), line(say("so far (↑ ↓ scroll)"), "dim"), *self.so_far(cursor, columns)]
            pane.show(lines)
            self._drawn.clear()
            return
        if name == "card":
            lines = [] if still_asked else views.card_lines(card, step, cursor.level, columns, self.size.height)
            if own := self.tutor.store.notes(now.key).get(step.equation.symbol.id):
                lines += [line(), line(say("my note"), "dim"), *views.wrapped(own, columns, "", "┃ ")]
            before = 0
            if now.asking:
                first, earlier = question_views.done_lines(now.asking, self.goes_on(), columns)
                lines, before = [*first, line(), *lines, *earlier], len(first)
            if said := now.why_not_asked:
                first = views.wrapped(say("{said} Key A asks everything.", said=said), columns, "note")
                lines, before = [*first, line(), *lines], len(first)
            pane.show(lines)
            if self._drawn.get(name) != (card.id, cursor.level):
                pane.scroll_lines_to(0 if before else views.opening(lines, card, cursor.level))
            self._drawn[name] = (card.id, cursor.level)
            return
        if name == "where" and still_asked:
            pane.show([line(say("What it rests on shows after your answer."), "dim")])
            return
        if name == "where":
            pane.show(state_views.where_from_lines(card, columns), 0 if card.operands and card.operands[0].id else None)
            return
        if name in ("map", "mini"):
            assert isinstance(pane, Map)
            pane.picture(marked(diagram(now.trace, now.scribe, step, cursor, columns + 1, rows), now.trace, now.judged))
            return
        # The others show the same for all elements of a step.
        if name == "state" and still_asked:
            self._drawn.pop(name, None)
            pane.show(self.so_far(cursor, columns))
            return
        at = (cursor.at, cursor.aside, cursor.furthest, cursor.notation, cursor.level, cursor.example)
        key = (id(now.trace), *at, id(now.diagnosis), size)
        if self._drawn.get(name) == key:
            return
        self._drawn[name] = key
        if name == "outline":
            pane.show(*state_views.outline_lines(now.trace, now.scribe, now.cursor, now.judged))
        else:
            pane.show(*state_views.state_lines(now.trace, now.scribe, cursor, columns))

    def on_lines_resized(self) -> None:
        """A pane has come into sight, or has another size: it shows this step. Of several one drawing does for all."""
        if not self._awaited:
            self._awaited = True
            self.call_later(self._draw_resized)

    _awaited = False

    def _draw_resized(self) -> None:
        self._awaited = False
        self.draw_panes()


def useful(action: str, sitting: Sitting) -> bool:
    """Whether a key can do something in this lesson: no iterations without training, no examples without a batch,
    no rule for any layer without layers."""
    if action.startswith(("iteration", "train")):
        return sitting.trained
    if action == "algorithm":
        return bool(sitting.trace.program.model.layers)
    return not action.startswith("example") or sitting.trace.examples > 1
