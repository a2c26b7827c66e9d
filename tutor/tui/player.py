"""The player: one lesson, a step at a time. It holds one immutable cursor; keys call pure functions."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from tutor.engine.lesson import Lesson
from tutor.engine.run import MAX_ITERATION, Run
from tutor.engine.trace import NoSuchStep, Step, Trace, resolve
from tutor.learner import course
from tutor.learner.records import (
    ALWAYS,
    NOTATION,
    Stopwatch,
    choose_notation,
    chosen_notation,
    keep_try,
    predicts,
    set_predict,
)
from tutor.lessonfiles import catalogue
from tutor.lessonfiles.catalogue import Entry, data_dir
from tutor.pictures.diagram import diagram, natural_rows
from tutor.play import playback
from tutor.play.place import Place
from tutor.play.playback import Cursor
from tutor.play.whatif import WhatIf, said_of_step
from tutor.questions.attempt import Asking, give_up, hint, respond
from tutor.questions.items import AUTHOR, Item
from tutor.text.card import Card, Scribe, conventions, terms_of
from tutor.text.words import whole_number
from tutor.tui import views
from tutor.tui.answer import AnswerLine
from tutor.tui.diagram import DiagramScreen
from tutor.tui.dialogs import Ask, Reader
from tutor.tui.lines import Choices, KeyBar, Line, Lines, line
from tutor.tui.map import Map
from tutor.tui.pictures import PicturesScreen
from tutor.tui.screen import TutorScreen
from tutor.tui.watch import Watch

# One table of keys for the bindings, the key bar, the help and the command palette:
# keys, action, key as shown, label, what it does. Without a label it is not in the key bar by itself.
KEYS = [
    ("n,space", "forward", "n/b", "step", "the next step"),
    ("b,backspace", "back", "b", "", "the step before"),
    ("pagedown", "equation(1)", "PgDn", "", "the next symbol, past this one's other elements"),
    ("pageup", "equation(-1)", "PgUp", "", "the symbol before"),
    ("right_square_bracket", "phase(1)", "]/[", "phase", "the next phase"),
    ("left_square_bracket", "phase(-1)", "[", "", "the start of this phase, then the one before"),
    ("home", "first", "home/end", "", "the first step"),
    ("end", "last", "end", "", "the last step"),
    ("c", "chain", "c", "chain", "take the gradient apart: its chain, a matrix cell by cell, a derivation"),
    ("g", "go", "g", "", "go to a step by its id, such as dL/dW2[1,2]"),
    ("r", "return", "r", "", "back to where the last jump began"),
    ("l", "level(1)", "l", "level", "the next level: 1 story, 2 scalar, 3 matrix"),
    ("t", "notation(1)", "t", "names", "the next textbook's notation (T: one back)"),
    ("full_stop", "iteration(1)", ",/.", "iter", "the next iteration of training"),
    ("comma", "iteration(-1)", ",", "", "the iteration before"),
    ("I", "go_iteration", "I", "", "go to any iteration"),
    ("x", "train", "x", "train", "train on: losses, evaluation, decision boundary"),
    ("e", "example(1)", "e", "example", "the next example of the batch (E: one back)"),
    ("w", "what_if", "w", "what if", "change any number or setting; everything follows at once"),
    ("u", "undo", "u", "", "take the last change back (U: make it again)"),
    ("y", "compare", "y", "", "compare runs: learning rates, optimisers, activations …"),
    ("m", "map", "m", "map", "the network over the whole screen: select a unit or a weight, go to its step"),
    ("p", "predict", "p", "predict", "predict mode in this lesson: the tutor asks before it shows a value"),
    ("P", "always", "P", "", "predict mode in every lesson, or in none"),
    ("v", "pictures", "v", "see", "pictures of the step: slope, gradient check, activation, sizes"),
    ("tab", "pane(1)", "tab", "pane", "the next pane; in it ↑ ↓ choose, Enter jumps"),
    ("shift+down,ctrl+down", "scroll_card(2)", "⇧↑↓", "", "scroll the card, at any level"),
    ("f5", "names", "f5", "", "the names of this lesson, and what each stands for"),
    ("i", "intro", "i", "", "the introduction and this lesson's conventions"),
    ("f", "glossary", "f", "terms", "the glossary: what the terms mean, those of this step first"),
    ("d", "app.toggle_dark", "d", "", "light or dark"),
    ("h", "home", "h", "home", "the list of lessons"),
    ("question_mark", "help", "?", "help", "this help"),
    ("q", "quit", "q", "quit", "leave; your place is kept"),
]
HIDDEN = [
    ("E", "example(-1)"), ("T", "notation(-1)"), ("L", "level(-1)"), ("U", "redo"), ("shift+tab", "pane(-1)"),
    ("1", "set_level('story')"), ("2", "set_level('scalar')"), ("3", "set_level('matrix')"),
    ("shift+up,ctrl+up", "scroll_card(-2)"),
    ("right", "arrow(0, 1)"), ("left", "arrow(0, -1)"), ("down", "arrow(1, 0)"), ("up", "arrow(-1, 0)"),
    ("f1", "help"), ("escape", "stop_seek"), ("enter", "to_question"), ("f2", "show_answer"), ("f3", "glossary"),
    ("f4", "map"),
]  # fmt: skip

SCREEN = "screen"  # where predict mode is on
PATIENCE = 0.015  # seconds that a change may take to come to the iteration it was made in
# While a question is open. None of these keys is one that types; all but hint and answer cost nothing.
ASKING_KEYS = [
    ("enter", "answer", "to_question"),
    ("tab", "hint", "pane(1)"),
    ("=…", "compute", "to_question"),
    ("f2", "show me", "show_answer"),
    ("f3", "terms", "glossary"),
    ("f4", "network", "map"),
    ("f5", "names", "names"),
    ("f1", "help", "help"),
    ("esc", "leave it open", "stop_seek"),
]
WAITING_KEYS = [
    ("enter", "back to the question", "to_question"),
    ("f2", "show me", "show_answer"),
    ("n/b", "step", "forward"),
    *ASKING_KEYS[4:-1],
    ("p", "no questions", "predict"),
    ("h", "home", "home"),
    ("q", "quit", "quit"),
]
OVER_KEYS = [("enter", "goes on", "to_question"), ("esc", "stay here", "stop_seek")]
QUESTION_HELP = [
    ("Enter", "answers; after = it computes, which costs nothing"),
    ("tab", "a hint: the rule, the formula, the numbers, the answer"),
    ("f2", "shows the answer: given up"),
    ("f3 f4 f5 f1", "terms, the network as far as it is known, names, this help"),
    ("Esc", "leaves the line: the question stays open, and nothing is counted;"),
    ("", "then Enter goes back to it, n goes on without"),
]
PANES = ("card", "where", "outline", "state", "map")
TITLES = {
    "where": "Where from",
    "outline": "Steps",
    "state": "State: value, gradient, new value",
    "map": "Network",
    "card": "Step",
}


class PlayerScreen(TutorScreen):
    """Plays one lesson. `key` names it in the store."""

    CSS_PATH = data_dir("assets") / "player.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(keys, action, help, show=False, priority="tab" in keys) for keys, action, _, _, help in KEYS),
        *(Binding(keys, action, show=False, priority="tab" in keys) for keys, action in HIDDEN),
    ]
    commands = tuple((help[0].upper() + help[1:], f"key {shown}", action) for _, action, shown, _, help in KEYS)

    def __init__(self, lesson: Lesson, key: str, watching: bool = False) -> None:
        """`watching`: each new save of the lesson's file is played at once."""
        super().__init__()
        self.lesson, self.key, self.watching = lesson, key, watching
        self.watched: Watch | None = None
        self.changes = WhatIf(lesson)  # in force: `self.lesson` has them
        self.warned_of: WhatIf | None = None  # changes that were about to be left behind
        self.run = Run(lesson)
        self.trace = self._trace(1)
        self.cursor = playback.start(lesson)
        self.scribe = Scribe(self.trace, self.cursor.notation)
        self.pane = "card"
        self.predict = False
        self.reading: tuple[Reader, Callable[[], str]] | None = None  # a text of the lesson, open or not any more
        self.asking: Asking | None = None  # the question of this step, until the next step
        self.begun: dict[tuple[int, str], Asking] = {}  # questions that were left open, by `answered`'s keys
        self.stopwatch = Stopwatch()
        self.answered: set[tuple[int, str]] = set()  # (iteration, equation) that were asked
        self.results: list[bool] = []  # of the questions that are done: whether the learner had it
        self.arrangement = ""
        self._drawn: dict[str, object] = {}

    def _trace(self, iteration: int) -> Trace:
        found = self.run.iteration(iteration)
        assert found is not None
        return Trace(self.lesson, found)

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        with Horizontal(id="body"):
            yield Choices(id="outline", classes="pane", title=TITLES["outline"])
            with Vertical(id="middle"):
                yield Map(id="map", classes="pane", title="Circuit" if self.lesson.circuit else TITLES["map"])
                yield Lines(id="card", classes="pane", title=TITLES["card"])
                yield AnswerLine("a number or an expression; = computes one")
            with Vertical(id="side"):
                yield Choices(id="where", classes="pane", title=TITLES["where"])
                yield Map(id="mini", classes="pane", title="Circuit" if self.lesson.circuit else TITLES["map"])
                yield Choices(id="state", classes="pane", title=TITLES["state"])
        yield KeyBar(self.lesson_keys())
        yield Static(id="small")

    def _keys(self) -> list[tuple[str, str, str]]:
        answer = self.query_one(AnswerLine)
        if self.open_question:
            return ASKING_KEYS if answer.has_focus else WAITING_KEYS
        return OVER_KEYS if answer.over else self.lesson_keys()

    def lesson_keys(self) -> list[tuple[str, str, str]]:
        return [(shown, label, action) for _, action, shown, label, _ in KEYS if label and self._useful(action)]

    def _useful(self, action: str) -> bool:
        """Keys that can do something in this lesson: no iterations without training, no examples without a batch."""
        if action.startswith(("iteration", "train")):
            return self.run.last is None
        return not action.startswith("example") or self.trace.examples > 1

    def on_mount(self) -> None:
        for id in ("#bar", "#map", "#mini"):
            self.query_one(id).can_focus = False
        self.query_one("#answer").display = False
        store = self.tutor.store
        self.predict = predicts(store, self.key, SCREEN)
        notation = chosen_notation(store, self.lesson)
        self.cursor = replace(self.cursor, notation=notation)
        self.scribe = Scribe(self.trace, notation)
        self.query_one("#card").focus()
        if self.watching and self.lesson.path:
            self.watched = Watch(self, self.lesson.path)
        place = store.place(self.key)
        if place is None:
            self.ask()
            self.action_intro()  # at once: keys typed ahead are for it
        else:
            self.restore(replace(place, notation=notation if store.setting(NOTATION) else place.notation))

    # ------------------------------------------------------------ place

    def restore(self, place: Place) -> None:
        """Go where the learner was, as far as the lesson still has that place."""
        if 1 < place.iteration <= MAX_ITERATION and self.run.last is None:
            self.seek(place.iteration, place)
        else:
            self.show(playback.resume(self.cursor, self.trace, place))

    @property
    def changed(self) -> bool:
        """Whether what is played is not the lesson: then nothing of it is remembered."""
        return bool(self.changes.changes)

    def save(self) -> None:
        if self.changed:
            return
        c = self.cursor
        place = Place(playback.place(c, self.trace), c.level, c.notation, c.iteration, c.example, c.element)
        self.tutor.store.save_place(self.key, place)

    def reload(self, lesson: Lesson, run: Run, trace: Trace) -> None:
        """Play another version of the lesson, at the same step as far as it has that."""
        c = self.cursor
        place = Place(playback.place(c, self.trace), c.level, c.notation, trace.iteration.number, c.example, c.element)
        self.workers.cancel_group(self, "seek")
        self.lesson, self.run, self.trace, self.changes = lesson, run, trace, WhatIf(lesson)
        self.answered.clear()
        self._drawn.clear()
        self.query_one("#map").border_title = "Circuit" if lesson.circuit else TITLES["map"]
        last = len(trace.equations) - 1  # where the step itself is gone, the one in its place
        start = replace(playback.start(lesson), at=min(c.at, last), furthest=min(c.furthest, last))
        self.show(playback.resume(start, trace, place))
        self.query_one(KeyBar).set_keys(self._keys())
        self.arrange_panes()
        self.call_after_refresh(self.draw)
        if self.reading and self.reading[0] in self.app.screen_stack:
            reader, text = self.reading
            reader.write(text())

    # ------------------------------------------------------------ drawing

    def on_resize(self) -> None:
        columns, rows = self.size.width, self.size.height
        if columns >= 140 and rows >= 30:
            self.arrangement = "-wide"
        elif columns >= 110:
            self.arrangement = "-split"
        elif rows >= 22:
            self.arrangement = "-stack"
        else:
            self.arrangement = "-single"
        self.suit_size({name: name == self.arrangement for name in ("-wide", "-split", "-stack", "-single")})
        self._drawn.clear()
        self.arrange_panes()
        self.call_after_refresh(self.draw)
        if self.query_one("#answer").display and not self.has_class("-tiny"):  # what was hidden has lost the focus
            self.call_after_refresh(self.query_one("#answer").focus)

    def arrange_panes(self) -> None:
        """Where not all panes fit, only the chosen one is shown beside (or instead of) the card."""
        single = self.arrangement == "-single"
        shown = self.pane if self.pane != "card" or single else "where"
        if self.open_question and self.arrangement in ("-stack", "-single"):
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
        return natural_rows(self.trace, int(self.size.height * (0.5 if self.arrangement == "-wide" else 0.36)))

    def show(self, cursor: Cursor) -> None:
        """Make `cursor` the current one: redraw what changed, remember the place."""
        self.cursor = cursor
        if self.scribe.trace is not self.trace or self.scribe.notation != cursor.notation:
            self.scribe = Scribe(self.trace, cursor.notation)
        self.ask()
        self.draw()
        self.save()

    # ------------------------------------------------------------ predict mode

    def ask(self) -> None:
        """In predict mode, begin the question of the step that one has come to, if it has one."""
        self.asking = None
        if item := self.next_question():
            before = self.begun.get((self.cursor.iteration, playback.asked_key(item)))
            self.asking, self.stopwatch = replace(before, item=item) if before else Asking(item), Stopwatch()
            if self.cursor.level == "scalar" and item.step.index:
                self.cursor = replace(self.cursor, element=item.step.index)
        self.show_answer_line()

    @property
    def open_question(self) -> bool:
        return self.asking is not None and not self.asking.done

    @property
    def known(self) -> Cursor:
        """The cursor as far as its values may be seen: what is asked is not known yet."""
        return replace(self.cursor, at=self.cursor.at - 1) if self.open_question else self.cursor

    def next_question(self) -> Item | None:
        if not self.predict:
            return None
        return playback.question(self.cursor, self.trace, self.scribe.writer, self.answered)

    def asking_title(self, card: Card) -> str:
        about_a_step = self.asking is None or self.asking.item.skill != AUTHOR
        return card.title if about_a_step else "About this lesson"

    def show_answer_line(self) -> None:
        """The line to type in is there as long as the question is open."""
        answer, open_ = self.query_one(AnswerLine), self.open_question
        if open_ or not answer.over:
            answer.ask(self.asking.item if self.asking and open_ else None)
        mark, words = views.verdict_words(self.asking) if self.asking else ("", "")
        answer.border_title = Content(f"{mark} {words}".strip())
        if answer.display != (open_ or answer.over):
            answer.display = open_ or answer.over
            self.set_focus(answer if answer.display else self.query_one("#card"))
        self.query_one("#state").border_title = "So far (↑ ↓ scroll)" if open_ else TITLES["state"]
        self.arrange_panes()
        self.show_keys()

    def show_keys(self) -> None:
        self.query_one(KeyBar).set_keys(self._keys())

    def on_descendant_focus(self) -> None:
        self.show_keys()

    def on_descendant_blur(self) -> None:
        self.show_keys()

    def on_input_changed(self, event: Input.Changed) -> None:
        if self.asking and not self.asking.done and self.asking.item.kind == "matrix":
            self.draw()

    def on_answer_line_moved(self) -> None:
        self.draw()
        self.query_one("#card", Lines).scroll_lines_to(0)  # the grid is in sight

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self.asking and not self.asking.done:
            self.told(respond(self.asking, event.value))
        elif self.query_one(AnswerLine).over and not event.value:  # else it was typed before the question was over
            self.action_forward()

    def told(self, asking: Asking, asked_for: bool = False) -> None:
        """Something was said: show it, with its last words in sight. `asked_for`: the learner wanted the answer."""
        if not self.changed:
            keep_try(self.tutor.store, self.key, asking, self.stopwatch)  # on disk before its verdict is seen
        self.asking = asking
        key = (self.cursor.iteration, playback.asked_key(asking.item))
        self.begun[key] = asking
        right = asking.tried and asking.last is not None and (asking.last.correct or asking.last.free)
        if asking.done:
            self.answered.add(key)
            self.results.append(right)
            if not right and not asked_for:
                self.query_one(AnswerLine).close()
        self.show_answer_line()
        self.draw()
        card = self.query_one("#card", Lines)
        if asking.done:
            card.scroll_lines_to(0)
        else:  # the last words in sight, from their beginning
            _, seen = self.asking_lines(asking, card.size.width - 1)
            card.scroll_lines_to(min(seen.start, max(seen.stop - card.size.height, 0)))

    def asking_lines(self, asking: Asking, columns: int) -> tuple[list[Line], range]:
        card = self.scribe.card(playback.current(self.cursor, self.trace))
        grid = self.query_one(AnswerLine).grid
        return views.asking_lines(asking, self.asking_title(card), columns, grid, self.size.height)

    def question_first(self, what: str) -> bool:
        """Whether a question is open, which another screen might answer; then a word says so."""
        if self.open_question:
            self.say(f"First the question: {what} might tell. f2 shows its answer.")
        return self.open_question

    def action_predict(self) -> None:
        self.set_predict(not self.predict)

    def action_always(self) -> None:
        """Predict mode in every lesson from now on, or in none."""
        on = self.tutor.store.setting(ALWAYS, False) is not True
        self.tutor.store.save_setting(ALWAYS, on)
        self.set_predict(on)
        self.say("Predict mode in every lesson from now on; P ends that." if on else "Predict mode is off.")

    def set_predict(self, on: bool) -> None:
        self.predict = on
        set_predict(self.tutor.store, self.key, SCREEN, on)
        self.answered.clear()
        self.begun.clear()
        self.release()
        self.show(self.cursor)
        if self.asking is None:
            self.say("Predict mode is on: values that carry an idea are asked for first." if self.predict else
                     "Predict mode is off.")  # fmt: skip

    def draw(self) -> None:
        if not self.is_mounted or self.has_class("-tiny"):
            return
        self.draw_bar()
        self.draw_panes()

    def draw_bar(self) -> None:
        bar = self.query_one("#bar", Lines)
        columns, changed = bar.size.width or self.size.width - 2, len(self.changes.changes)
        banner = self.watched.banner if self.watched else None
        cursor, asks = self.cursor, self.predict
        bar.show([banner or views.bar_line(self.lesson, self.trace, self.scribe, cursor, columns, changed, asks)])

    def draw_panes(self) -> None:
        if not self.is_mounted or self.has_class("-tiny"):
            return
        step = playback.current(self.cursor, self.trace)
        card = self.scribe.card(step)
        for name in (*PANES, "mini"):
            pane = self.query_one(f"#{name}", Lines)
            if not pane.display or (name in ("where", "state", "mini") and not self.query_one("#side").display):
                continue
            columns, rows = pane.size.width, pane.size.height
            if columns < 10:
                continue
            self.draw_pane(name, pane, step, card, columns - 1, rows)

    def draw_pane(self, name: str, pane: Lines, step: Step, card: Card, columns: int, rows: int) -> None:
        cursor, size = self.known, (columns, rows)
        hidden = self.open_question
        if name == "card" and self.asking and hidden:
            lines, _ = self.asking_lines(self.asking, columns)
            if self.arrangement in ("-stack", "-single"):  # else the state stands beside
                lines += [line(), line("so far (↑ ↓ scroll)", "dim"), *self.so_far(cursor, columns)]
            pane.show(lines)
            self._drawn.clear()
            return
        if name == "card":
            lines = views.card_lines(card, step, cursor.level, columns, self.size.height)
            before = 0
            if self.asking:
                first, earlier = views.done_lines(self.asking, self.goes_on(), columns)
                lines, before = [*first, line(), *lines, *earlier], len(first)
            pane.show(lines)
            if self._drawn.get(name) != (card.id, cursor.level):
                pane.scroll_lines_to(0 if before else views.opening(lines, card, cursor.level))
            self._drawn[name] = (card.id, cursor.level)
            return
        if name == "where" and hidden:
            pane.show([line("What it rests on shows after your answer.", "dim")])
            return
        if name == "where":
            pane.show(views.where_from_lines(card, columns), 0 if card.operands and card.operands[0].id else None)
            return
        if name in ("map", "mini"):
            assert isinstance(pane, Map)
            pane.picture(diagram(self.trace, self.scribe, step, cursor, columns + 1, rows))
            return
        # The others show the same for all elements of a step.
        if name == "state" and hidden:
            self._drawn.pop(name, None)
            pane.show(self.so_far(cursor, columns))
            return
        key = (id(self.trace), cursor.at, cursor.aside, cursor.furthest, cursor.notation, cursor.example, size)
        if self._drawn.get(name) == key:
            return
        self._drawn[name] = key
        if name == "outline":
            pane.show(*views.outline_lines(self.trace, self.scribe, self.cursor))
        else:
            pane.show(*views.state_lines(self.trace, self.scribe, cursor, columns))

    def so_far(self, cursor: Cursor, columns: int) -> list[Line]:
        """What is known beside an open question: first of all what its answer is made from."""
        assert self.asking
        item = self.asking.item
        state, _ = views.state_lines(self.trace, self.scribe, cursor, columns)
        first = views.needed_lines(item, [item], self.scribe.writer, columns)
        return [*first, line(), *state] if first else state

    def goes_on(self) -> str:
        """What comes after a question that is done."""
        key = "Enter or n" if self.query_one(AnswerLine).over else "n"
        return f"{key}: the next question" if self.next_question() else f"{key}: the next step"

    def on_lines_resized(self) -> None:
        """A pane has come into sight, or has another size: it shows this step."""
        self.call_later(self.draw_panes)

    def say(self, text: str) -> None:
        """A word on why a key did nothing, in place of the bar until the next key."""
        self.query_one("#bar", Lines).show([line(text, "value")])

    def show_or_say(self, cursor: Cursor | None, otherwise: str) -> None:
        if cursor is None:
            self.say(otherwise)
        else:
            self.show(cursor)

    # ------------------------------------------------------------ keys

    def action_forward(self) -> None:
        self.release()
        if self.asking and self.asking.done and self.next_question():  # there is another on this step
            self.show(self.cursor)
            return
        moved = playback.forward(self.cursor, self.trace)
        if moved is None:
            self.finish()
        else:
            self.show(moved)

    def action_back(self) -> None:
        self.show_or_say(playback.back(self.cursor, self.trace), "This is the first step.")

    def action_equation(self, by: int) -> None:
        self.show(playback.next_equation(self.cursor, self.trace, by))

    def action_phase(self, by: int) -> None:
        self.show(playback.next_phase(self.cursor, self.trace, by))

    def action_first(self) -> None:
        self.show(playback.first(self.cursor, self.trace))

    def action_last(self) -> None:
        self.show(playback.last(self.cursor, self.trace))

    def action_level(self, by: int) -> None:
        self.show(playback.next_level(self.cursor, by))

    def action_set_level(self, level: str) -> None:
        self.show(playback.set_level(self.cursor, level))

    def action_notation(self, by: int) -> None:
        self.show(playback.next_notation(self.cursor, by))
        choose_notation(self.tutor.store, self.cursor.notation)

    def action_example(self, by: int) -> None:
        if self.trace.examples == 1:
            self.say(views.no_other_example(self.lesson))
            return
        self.show(playback.move_example(self.cursor, self.trace, by))

    def action_return(self) -> None:
        self.show_or_say(playback.return_from_jump(self.cursor, self.trace), "There is no jump to return from.")

    def action_arrow(self, rows: int, columns: int) -> None:
        """At level scalar the arrows walk the cells; else ← → step, ↑ ↓ scroll the card, as beside a question."""
        if self.asking and not self.asking.done:
            self.action_scroll_card(rows)
            return
        if self.cursor.level == "scalar" and playback.current(self.cursor, self.trace).index:
            self.show(playback.move_element(self.cursor, self.trace, rows, columns))
        elif columns:
            self.action_forward() if columns > 0 else self.action_back()
        else:
            self.action_scroll_card(rows)

    def action_scroll_card(self, rows: int) -> None:
        """Scroll the card; beside a question that is in sight as a whole, what is known so far."""
        pane = self.query_one("#card", Lines)
        if self.asking and not self.asking.done and len(pane.lines) <= pane.size.height:
            pane = self.query_one("#state", Lines)
        pane.scroll_lines_to(pane.top + rows)

    def action_pane(self, by: int) -> None:
        """The next pane: in a wide terminal the focus moves, in a narrow one it is shown. In a question: a hint."""
        if self.asking and not self.asking.done:
            self.told(hint(self.asking))
            return
        if self.query_one(AnswerLine).over:
            return
        names = [name for name in PANES if name != "map" or self.arrangement in ("-stack", "-single")]
        focused = self.focused.id if self.focused and self.focused.id in names else self.pane
        at = names.index(focused) if focused in names else 0
        self.pane = names[(at + by) % len(names)]
        self.arrange_panes()
        target = self.query_one(f"#{self.pane}")
        self.set_focus(target if target.can_focus else None)
        self.call_after_refresh(self.draw)

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        self.jump(event.target)

    def jump(self, id: str) -> None:
        """Go to a step, at the level one is at where that can be."""
        level = self.cursor.level
        moved = playback.jump(self.cursor, self.trace, id)
        self.show(replace(moved, level=level) if "[" not in id or level == "story" else moved)

    def action_chain(self) -> None:
        """The step taken apart, in a screen of its own."""
        from tutor.tui.chain import ChainScreen, opens

        if self.question_first("the chain"):
            return
        step = playback.current(self.cursor, self.trace)
        if isinstance(found := opens(self.cursor, step), str):
            self.say(found)
        else:
            view, of = found
            self.app.push_screen(ChainScreen(self.scribe, self.cursor, of, view), self.returned)

    def returned(self, id: str | None) -> None:
        """Back from another screen: to a step that was chosen there."""
        if id:
            self.jump(id)

    # ------------------------------------------------------------ iterations

    def action_iteration(self, by: int) -> None:
        number = self.cursor.iteration + by
        if self.run.last is not None:
            self.say("This lesson is not trained: it has one iteration.")
        elif not 1 <= number <= MAX_ITERATION:
            self.say("This is the first iteration." if by < 0 else "This is the last iteration that can be shown.")
        else:
            self.seek(number)

    def seek(self, number: int, place: Place | None = None) -> None:
        """Go to an iteration; what takes long runs beside the screen, and a further seek or Esc ends it."""
        near = abs(number - self.cursor.iteration) <= 1 and place is None
        if near or number <= self.run.trained + 1:  # what is trained is at hand
            self.arrive(self._trace(number), place)
        else:
            self.say(f"training to iteration {number:,} …  Esc stops")
            self.run_worker(lambda: self._seek(number, place), thread=True, exclusive=True, group="seek")

    def _seek(self, number: int, place: Place | None) -> None:
        worker = get_current_worker()

        def unless_cancelled(call: Callable, *args) -> None:
            if not worker.is_cancelled:
                call(*args)

        def progress(at: int) -> bool:
            if not worker.is_cancelled:
                text = f"training: iteration {at:,} of {number:,} …  Esc stops"
                self.app.call_from_thread(unless_cancelled, self.say, text)
            return not worker.is_cancelled

        found = self.run.iteration(number, progress)
        if found is not None and not worker.is_cancelled:
            self.app.call_from_thread(unless_cancelled, self.arrive, Trace(self.lesson, found), place)

    def arrive(self, trace: Trace, place: Place | None) -> None:
        cursor = playback.at_iteration(self.cursor, self.trace, trace)
        self.trace = trace
        self.show(playback.resume(cursor, trace, place) if place else cursor)

    def action_train(self) -> None:
        """The training screen, on this player's own run; what it answers is the iteration to step."""
        from tutor.tui.training import TrainingScreen  # it imports the player

        def step(number: int | None) -> None:
            if number is not None:
                self.seek(number)

        if self.run.last is not None:
            self.say("This lesson is not trained: it has one iteration.")
        elif not self.question_first("the losses"):
            self.stop_seek()
            self.app.push_screen(TrainingScreen(self.lesson, self.run), step)

    # ------------------------------------------------------------ what if

    def adopt(self, changes: WhatIf) -> None:
        """Play the lesson with these changes: the same step, level, notation and iteration, as far as it has them.

        An iteration that takes long to come to is trained for beside the screen, which shows the first meanwhile.
        """
        self.workers.cancel_group(self, "seek")
        number, before, soon = self.cursor.iteration, self.trace, time.monotonic() + PATIENCE
        self.changes, self.lesson, self.run = changes, changes.lesson, Run(changes.lesson)
        self.answered.clear()
        found = None
        if number > 1 and self.run.last is None:
            found = self.run.iteration(number, lambda at: time.monotonic() < soon)
        self.trace = Trace(self.lesson, found) if found else self._trace(1)
        cursor = playback.at_iteration(self.cursor, before, self.trace)
        self.show(replace(cursor, furthest=min(cursor.furthest, len(self.trace.equations) - 1)))
        if found is None and number > 1 and self.run.last is None:
            self.seek(number)

    def action_what_if(self) -> None:
        from tutor.tui.whatif import WhatIfScreen  # not needed for the first frame

        self.app.push_screen(WhatIfScreen(self))

    def action_undo(self) -> None:
        self.step_changes(self.changes.undo(), "There is no change to take back.")

    def action_redo(self) -> None:
        self.step_changes(self.changes.redo(), "There is no change that was taken back.")

    def step_changes(self, changes: WhatIf | None, otherwise: str) -> str:
        """Adopt what undo or redo gave, and say what it was."""
        said = otherwise
        if changes is not None:
            said = said_of_step(self.changes, changes)
            self.adopt(changes)
        self.say(said)
        return said

    def action_compare(self) -> None:
        from tutor.tui.compare import CompareScreen

        if self.lesson.training is None:
            self.say("This lesson is not trained: there are no runs to compare.")
        else:
            self.app.push_screen(CompareScreen(self.changes))

    # ------------------------------------------------------------ dialogs

    def action_go(self) -> None:
        def wrong(text: str) -> str | None:
            try:
                resolve(self.trace.program, text)
            except NoSuchStep as error:
                return str(error)
            return None

        def go(text: str | None) -> None:
            if text:
                self.show(playback.jump(self.cursor, self.trace, text))

        self.app.push_screen(
            Ask("Go to which step?", wrong, "dL/dW2, dL/dW2[1,2], da2/dz2 …" if self.lesson.network else "f, df/dx …"),
            go,
        )

    def action_go_iteration(self) -> None:
        if self.run.last is not None:
            self.say("This lesson is not trained: it has one iteration.")
            return

        def wrong(text: str) -> str | None:
            return None if typed(text) else f"A whole number from 1 to {MAX_ITERATION:,}."

        def typed(text: str) -> int | None:
            return whole_number(text.replace(",", ""), MAX_ITERATION)

        def go(text: str | None) -> None:
            if text and (number := typed(text)):
                self.seek(number)

        self.app.push_screen(Ask("Go to which iteration?", wrong, "100"), go)

    def action_pictures(self) -> None:
        if not self.question_first("the pictures"):
            self.app.push_screen(PicturesScreen(self))

    def intro(self) -> str:
        said = "\n".join(f"- {sentence}" for sentence in conventions(self.trace, self.cursor.notation))
        return f"# {self.lesson.title}\n\n{self.scribe.prose(self.lesson.intro)}\n\n---\n\n{said}"

    def action_intro(self) -> None:
        answers = {"enter": "begin", "i": "begin", "n": "begin"}
        hint = "Enter begins · ↑ ↓ scroll · i opens this again"
        if not self.predict:
            hint, answers["p"] = "Enter begins · p begins with questions · ↑ ↓ scroll · i: this again", "predict"

        def begin(answer: str | None) -> None:
            if answer == "predict" and not self.predict:
                self.action_predict()

        self.read(self.intro, Reader(self.intro(), hint, answers), begin)

    def read(self, text: Callable[[], str], reader: Reader, then: Callable[[str | None], None] | None = None) -> None:
        """Open a text of the lesson; a new save of the lesson while it is open writes it anew."""
        self.reading = reader, text
        self.app.push_screen(reader, then)

    def action_glossary(self) -> None:
        from tutor.tui.glossary import Glossary

        self.app.push_screen(Glossary(terms_of(playback.current(self.cursor, self.trace))))

    def action_names(self) -> None:
        lines = views.names_lines(self.trace, self.scribe, 66)
        title = line(f"Names in the notation {self.scribe.writer.notation.title}", "title")
        self.app.push_screen(Reader([title, line(), *lines], "↑ ↓ scroll · Esc goes back", {"enter": "", "f5": ""}))

    def action_help(self) -> None:
        keys = [(keys_shown(keys), help) for keys, action, _, _, help in KEYS if self._useful(action)]
        lines = [Line(((f"{shown:13}", "key"), (help, ""))) for shown, help in keys]
        lines += [line(), line("Beside a question", "title")]
        lines += [Line(((f"{shown:13}", "key"), (help, ""))) for shown, help in QUESTION_HELP]
        lines += [line(), *(line(text, "dim") for text in ARROWS)]
        answers = dict.fromkeys(("enter", "question_mark", "q", "f1"), "")
        self.app.push_screen(Reader(lines, "↑ ↓ scroll · Esc goes back", answers))

    def finish(self) -> None:
        """Past the last step: the lesson is finished."""
        if not self.changed:
            self.tutor.store.finish(self.key)
            if self.tutor.store.setting(ALWAYS, False) is not True:
                set_predict(self.tutor.store, self.key, SCREEN, False)  # it ends with the lesson
        more = " · . next iteration" if self.run.last is None else ""
        following = self.following_lesson()
        answers = {"enter": "next" if following else "home", "h": "home", "full_stop": "iteration", "b": "stay"}
        first = "Enter next lesson" if following else "Enter goes home"

        def answer(choice: str | None) -> None:
            if choice == "next" and following and self.leaves():
                self.stop_seek()
                self.app.pop_screen()
                self.tutor.open_lesson(following.path, following.key)
            elif choice == "home":
                self.action_home()
            elif choice == "iteration" and self.run.last is None:
                self.cursor = playback.first(self.cursor, self.trace)
                self.action_iteration(1)

        home = " · h home" if following and self.app.size.width >= 66 else ""  # the one that the narrowest does without
        self.read(self.outro, Reader(self.outro(), f"{first}{more}{home} · Esc stays", answers), answer)

    def following_lesson(self) -> Entry | None:
        """The lesson of the path to take next; none after one of a teacher's own."""
        ours = catalogue.entries()
        if self.key not in {entry.key for entry in ours}:
            return None
        store = self.tutor.store
        done = {*store.finished(), self.key}
        found = course.recommended(ours, done, (), course.placed(ours, course.placement_answers(store)))
        return found.entry if found else None

    def outro(self) -> str:
        ending = self.scribe.prose(self.lesson.outro) or "That was the last step."
        following = self.following_lesson()
        parts = [f"# ✓ {self.lesson.title}", said_of_results(self.results), ending]
        parts += [f"Next: **{following.title}**"] if following else []
        return "\n\n".join(filter(None, parts))

    def action_stop_seek(self) -> None:
        """End a long way to another iteration; or leave the line of a question, which stays open, uncounted."""
        answer = self.query_one(AnswerLine)
        if self.open_question:
            if answer.has_focus:
                self.set_focus(self.query_one("#card"))
            self.say("The question waits: Enter goes back to it, f2 shows its answer, n goes on without.")
            return
        if answer.over:
            self.release()
            self.show_answer_line()
        self.stop_seek()
        self.draw()

    def release(self) -> None:
        """The keys are the player's again after a question that is over."""
        answer = self.query_one(AnswerLine)
        if answer.over:
            answer.over = False
            answer.ask(None)

    def action_to_question(self) -> None:
        """Back to the line of an open question; after it has ended, on to what comes next."""
        if self.open_question:
            self.query_one("#answer").focus()
            self.draw()
        elif self.query_one(AnswerLine).over:
            self.action_forward()

    def action_show_answer(self) -> None:
        """Give the question up, and see its answer."""
        if self.asking and not self.asking.done:
            self.told(give_up(self.asking), asked_for=True)

    def stop_seek(self) -> None:
        self.workers.cancel_group(self, "seek")

    def action_map(self) -> None:
        self.app.push_screen(DiagramScreen(self))  # beside a question it shows what is known

    def action_home(self) -> None:
        if self.leaves():
            self.stop_seek()
            self.app.pop_screen()

    def action_quit(self) -> None:
        if self.leaves():
            self.app.exit()

    def leaves(self) -> bool:
        """Whether to leave: with changes of the lesson, which end here, only if asked for twice in a row."""
        if not self.changed or self.changes is self.warned_of:
            return True
        self.warned_of = self.changes
        self.say("Your changes end here (w, then s: a lesson file of them). The same key again leaves.")
        return False


def said_of_results(results: list[bool]) -> str:
    """What a learner has done with the questions of a lesson, in honest words; nothing where none was asked."""
    own, count = sum(results), len(results)
    if not count:
        return ""
    if own == count:
        return f"You answered {'the question' if count == 1 else f'all {count} questions'} yourself."
    if own:
        return f"You answered {own} of {count} questions yourself; the other answers were shown to you."
    shown = "The answer was" if count == 1 else f"All {count} answers were"
    return f"{shown} shown to you. Go through the lesson once more (`p` asks again), and it is you who computes."


ARROWS = (
    "At level scalar the arrow keys walk the cells of a vector or matrix; at the",
    "other levels ← → step and ↑ ↓ scroll. In a list ↑ ↓ choose and Enter jumps.",
    "The mouse works too: click a step, an operand or a key.",
    "",
    "Story tells who passes the blame to whom. Scalar takes a number at a time,",
    "matrix a whole layer. A notation is only names: no value changes with it.",
)


def keys_shown(keys: str) -> str:
    """'n,space' as a person reads it: 'n, space'."""
    if keys.startswith("shift+"):
        return "shift+↑ ↓"
    names = {"space": "space", "right_square_bracket": "]", "left_square_bracket": "[", "full_stop": ".", "comma": ",",
             "question_mark": "?", "pagedown": "PgDn", "pageup": "PgUp", "escape": "Esc", "backspace": "⌫"}  # fmt: skip
    return ", ".join(names.get(key, key) for key in keys.split(","))
