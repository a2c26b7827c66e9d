"""How the player moves: a key puts another sitting in place of the one on the screen.

What it opens above itself, how it begins and ends, is in `player.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from textual.widgets import Input
from textual.worker import get_current_worker

from tutor.engine.lesson import Level
from tutor.engine.trace import Trace
from tutor.learner.languages import retold
from tutor.learner.records import (
    Stopwatch,
    asks_everything,
    choose_notation,
    fading,
    keep_met,
    keep_try,
    predicts_always,
    set_ask_everything,
    set_predict,
    set_predict_always,
)
from tutor.play.place import Place
from tutor.play.settings import Refused
from tutor.play.sitting import Sitting, had_it
from tutor.play.whatif import WhatIf, said_of_step
from tutor.text.language import say
from tutor.tui.answer import AnswerLine
from tutor.tui.follower import Follower, Mover
from tutor.tui.lines import Lines
from tutor.tui.player_panes import PANES, PlayerPanes

SCREEN = "screen"  # where predict mode is on
PATIENCE = 0.015  # seconds that a change may take to come to the iteration it was made in


class PlayerMoves(Mover, PlayerPanes):
    """The steps, levels and iterations of one lesson, its questions, its changes."""

    action_forward: Callable[[], None]

    # ------------------------------------------------------------ the sitting

    def show(self, sitting: Sitting) -> None:
        """Make it the current one: redraw what changed, remember the place; the screens over this one follow."""
        self.sitting, self.stopwatch = sitting, Stopwatch()
        keep_met(self.tutor.store, sitting.fading)
        self.show_answer_line()
        self.draw()
        if not sitting.changed:
            self.tutor.store.save_place(sitting.key, sitting.place)
        for screen in self.app.screen_stack:
            if isinstance(screen, Follower):
                screen.follow(sitting)

    def retell(self) -> None:
        self.sitting = retold(self.sitting)
        super().retell()

    def restore(self, place: Place) -> None:
        """Go where the learner was, as far as the lesson still has that place."""
        number = self.sitting.iteration_of(place)
        if number > 1:
            self.seek(number, place)
        else:
            self.show(self.sitting.arrive(self.sitting.trace, place))

    # ------------------------------------------------------------ predict mode

    def told(self, sitting: Sitting, asked_for: bool = False) -> None:
        """Something was said: show it, with its last words in sight. `asked_for`: the learner wanted the answer."""
        asking = sitting.asking
        assert asking
        if not sitting.changed:
            keep_try(self.tutor.store, sitting.key, asking, self.stopwatch)  # on disk before its verdict is seen
        self.sitting = sitting.going_by(fading(self.tutor.store)) if asking.done else sitting
        if asking.done and not had_it(asking) and not asked_for:
            self.query_one(AnswerLine).close()
        self.show_answer_line()
        self.draw()
        card = self.query_one("#card", Lines)
        if asking.done:
            card.scroll_lines_to(0)
        else:  # the last words in sight, from their beginning
            _, seen = self.asking_lines(asking, card.size.width - 1)
            card.scroll_lines_to(min(seen.start, max(seen.stop - card.size.height, 0)))

    def question_first(self, what: str) -> bool:
        """Whether a question is open, which another screen might answer; then a word says so."""
        if self.sitting.open_question:
            self.say(say("First the question: {what} might tell. f2 shows its answer.", what=what))
        return self.sitting.open_question is not None

    def action_predict(self) -> None:
        self.set_predict(not self.sitting.predict)

    def action_always(self) -> None:
        """Predict mode in every lesson from now on, or in none."""
        on = not predicts_always(self.tutor.store)
        set_predict_always(self.tutor.store, on)
        self.set_predict(on)
        self.say(say("Predict mode in every lesson from now on; P ends that.") if on else say("Predict mode is off."))

    def action_everything(self) -> None:
        """Predict mode, on from now on: at every step, or as it goes by what is known."""
        on = not asks_everything(self.tutor.store)
        set_ask_everything(self.tutor.store, on)
        self.sitting = self.sitting.going_by(fading(self.tutor.store))
        self.set_predict(True)
        self.say(say("Every step is asked; A ends that.") if on else
                 say("What is new is shown first, what you know is not asked; A asks everything."))  # fmt: skip

    def set_predict(self, on: bool) -> None:
        set_predict(self.tutor.store, self.sitting.key, SCREEN, on)
        self.release()
        self.show(self.sitting.predicting(on))
        if self.sitting.asking is None:
            self.say(say("Predict mode is on: values that carry an idea are asked for first.") if on else
                     say("Predict mode is off."))  # fmt: skip

    def on_input_changed(self, event: Input.Changed) -> None:
        if (asking := self.sitting.open_question) and asking.item.kind == "matrix":
            self.draw()

    def on_answer_line_moved(self) -> None:
        self.draw()
        self.query_one("#card", Lines).scroll_lines_to(0)  # the grid is in sight

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self.sitting.open_question:
            self.told(self.sitting.answer(event.value))
        elif self.query_one(AnswerLine).over and not event.value:  # else it was typed before the question was over
            self.action_forward()

    def release(self) -> None:
        """The keys are the player's again after a question that is over."""
        answer = self.query_one(AnswerLine)
        if answer.over:
            answer.over = False
            answer.ask(None)

    def action_to_question(self) -> None:
        """Back to the line of an open question; after it has ended, on to what comes next."""
        if self.sitting.open_question:
            self.query_one("#answer").focus()
            self.draw()
        elif self.query_one(AnswerLine).over:
            self.action_forward()

    def action_show_answer(self) -> None:
        """Give the question up, and see its answer."""
        if self.sitting.open_question:
            self.told(self.sitting.give_up(), asked_for=True)

    def action_stop_seek(self) -> None:
        """End a long way to another iteration; or leave the line of a question, which stays open, uncounted."""
        answer = self.query_one(AnswerLine)
        if self.sitting.open_question:
            if answer.has_focus:
                self.set_focus(self.query_one("#card"))
            self.say(say("The question waits: Enter goes back to it, f2 shows its answer, n goes on without."))
            return
        if answer.over:
            self.release()
            self.show_answer_line()
        self.stop_seek()
        self.draw()

    # ------------------------------------------------------------ steps

    def action_back(self) -> None:
        self.go(self.sitting.back)

    def action_equation(self, by: int) -> None:
        self.show(self.sitting.equation(by))

    def action_phase(self, by: int) -> None:
        self.show(self.sitting.phase(by))

    def action_first(self) -> None:
        self.show(self.sitting.first())

    def action_last(self) -> None:
        self.show(self.sitting.last())

    def action_level(self, by: int) -> None:
        self.show(self.sitting.level(by))

    def action_set_level(self, level: Level) -> None:
        self.show(self.sitting.level(level))

    def action_notation(self, by: int) -> None:
        self.show(self.sitting.notation(by))
        choose_notation(self.tutor.store, self.sitting.cursor.notation)

    def action_example(self, by: int) -> None:
        self.go(lambda: self.sitting.example(by))

    def action_return(self) -> None:
        self.go(self.sitting.return_from_jump)

    def action_arrow(self, rows: int, columns: int) -> None:
        """At level scalar the arrows walk the cells; else ← → step, ↑ ↓ scroll the card, as beside a question."""
        if self.sitting.open_question:
            self.action_scroll_card(rows)
        elif self.sitting.cursor.level == "scalar" and self.sitting.step.index:
            self.show(self.sitting.element(rows, columns))
        elif columns:
            self.action_forward() if columns > 0 else self.action_back()
        else:
            self.action_scroll_card(rows)

    def action_scroll_card(self, rows: int) -> None:
        """Scroll the card; beside a question that is in sight as a whole, what is known so far."""
        pane = self.query_one("#card", Lines)
        if self.sitting.open_question and len(pane.lines) <= pane.size.height:
            pane = self.query_one("#state", Lines)
        pane.scroll_lines_to(pane.top + rows)

    def action_pane(self, by: int) -> None:
        """The next pane: in a wide terminal the focus moves, in a narrow one it is shown. In a question: a hint."""
        if self.sitting.open_question:
            self.told(self.sitting.hint())
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
        self.show(self.sitting.choose(id))

    def returned(self, id: str | None) -> None:
        """Back from another screen: to a step that was chosen there."""
        if id:
            self.jump(id)

    def action_unfold(self) -> None:
        """The operands of the formula written out; where one is chosen in the list of them, that one."""
        if self.question_first(say("what is written out")):
            return
        pane = self.query_one("#where", Lines)
        chosen = pane.lines[pane.cursor].target if pane.has_focus and 0 <= pane.cursor < len(pane.lines) else None
        self.go(lambda: self.sitting.unfold(chosen or ""))

    def action_fold(self) -> None:
        self.go(self.sitting.fold)

    # ------------------------------------------------------------ iterations

    def action_iteration(self, by: int) -> None:
        try:
            number = self.sitting.further(by)
        except Refused as error:
            self.say(str(error))
        else:
            self.seek(number)

    def seek(self, number: int, place: Place | None = None) -> None:
        """Go to an iteration; what takes long runs beside the screen, and a further seek or Esc ends it."""
        if self.sitting.needs_training(number):
            self.say(say("training to iteration {n} …  Esc stops", n=f"{number:,}"))
            self.run_worker(lambda: self._seek(number, place), thread=True, exclusive=True, group="seek")
        elif trace := self.sitting.seek(number):
            self.arrive(trace, place)

    def _seek(self, number: int, place: Place | None) -> None:
        worker = get_current_worker()

        def unless_cancelled(call: Callable[..., None], *args: Any) -> None:
            if not worker.is_cancelled:
                call(*args)

        def progress(at: int) -> bool:
            if not worker.is_cancelled:
                text = say("training: iteration {n} of {last} …  Esc stops", n=f"{at:,}", last=f"{number:,}")
                self.app.call_from_thread(unless_cancelled, self.say, text)
            return not worker.is_cancelled

        trace = self.sitting.seek(number, progress)
        if trace is not None and not worker.is_cancelled:
            self.app.call_from_thread(unless_cancelled, self.arrive, trace, place)

    def arrive(self, trace: Trace, place: Place | None) -> None:
        self.show(self.sitting.arrive(trace, place))

    def is_trained(self, purpose: str = "") -> bool:
        """Whether the lesson is trained; else a word says that it is not."""
        try:
            self.sitting.require_training(purpose or say("it has one iteration"))
        except Refused as error:
            self.say(str(error))
            return False
        return True

    def stop_seek(self) -> None:
        self.workers.cancel_group(self, "seek")

    # ------------------------------------------------------------ changes

    def adopt(self, changes: WhatIf) -> None:
        """Play the lesson with these changes: the same step, level, notation and iteration, as far as it has them.

        An iteration that takes long to come to is trained for beside the screen, which shows the first meanwhile.
        """
        self.workers.cancel_group(self, "seek")
        number, soon = self.sitting.cursor.iteration, time.monotonic() + PATIENCE
        self.show(self.sitting.adopt(changes, lambda at: time.monotonic() < soon))
        if self.sitting.trained and self.sitting.cursor.iteration != number:
            self.seek(number)

    def action_undo(self) -> None:
        self.step_changes(self.sitting.undo)

    def action_redo(self) -> None:
        self.step_changes(self.sitting.redo)

    def step_changes(self, step: Callable[[], WhatIf]) -> None:
        """Adopt what undo or redo gives, and say what it was."""
        try:
            changes = step()
        except Refused as error:
            self.say(str(error))
            return
        said = said_of_step(self.sitting.changes, changes)
        self.adopt(changes)
        self.say(said)
