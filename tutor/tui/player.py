"""The player: one lesson, a step at a time. It holds one sitting; keys put another in its place."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.widgets import Input
from textual.worker import get_current_worker

from tutor.engine.lesson import Lesson, Level
from tutor.engine.run import MAX_ITERATION, Run
from tutor.engine.trace import NoSuchStep, Trace, resolve
from tutor.learner.languages import retold
from tutor.learner.records import (
    NOTATION,
    Stopwatch,
    asks_everything,
    choose_notation,
    chosen_notation,
    fading,
    finish,
    following,
    keep_met,
    keep_try,
    predicts,
    predicts_always,
    set_ask_everything,
    set_predict,
    set_predict_always,
)
from tutor.lessonfiles.catalogue import data_dir
from tutor.play.commands import PLAYER, named_in
from tutor.play.place import Place
from tutor.play.settings import Refused
from tutor.play.sitting import AtTheEnd, Sitting, begin, had_it, said_of_results
from tutor.play.whatif import WhatIf, said_of_step
from tutor.text.card import conventions, terms_of
from tutor.text.language import say
from tutor.text.words import whole_number
from tutor.tui import views
from tutor.tui.answer import AnswerLine
from tutor.tui.diagram import DiagramScreen
from tutor.tui.dialogs import Ask, Reader
from tutor.tui.follower import Follower, Mover
from tutor.tui.keys import bindings
from tutor.tui.lines import KeyBar, Line, Lines, line
from tutor.tui.map import map_title
from tutor.tui.pictures import PicturesScreen
from tutor.tui.player_help import player_help
from tutor.tui.player_panes import PANES, PlayerPanes, useful
from tutor.tui.watch import Watch

SCREEN = "screen"  # where predict mode is on
MAX_NOTE = 500  # characters of a note
PATIENCE = 0.015  # seconds that a change may take to come to the iteration it was made in


class PlayerScreen(Mover, PlayerPanes):
    """Plays one lesson. `key` names it in the store."""

    CSS_PATH = data_dir("assets") / "player.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(PLAYER)
    commands = PLAYER

    def __init__(self, lesson: Lesson, key: str, watching: bool = False) -> None:
        """`watching`: each new save of the lesson's file is played at once."""
        super().__init__()
        self.sitting = begin(lesson, key)
        self.watching = watching
        self.watched: Watch | None = None
        self.warned_of: WhatIf | None = None  # changes that were about to be left behind
        self.reading: tuple[Reader, Callable[[], str]] | None = None  # a text of the lesson, open or not any more

    @property
    def banner(self) -> Line | None:
        return self.watched.banner if self.watched else None

    def on_mount(self) -> None:
        for id in ("#bar", "#map", "#mini"):
            self.query_one(id).can_focus = False
        self.query_one("#answer").display = False
        store, now = self.tutor.store, self.sitting
        now = replace(now, predict=predicts(store, now.key, SCREEN), fading=fading(store))
        self.sitting = now.notation(chosen_notation(store, now.lesson))
        self.query_one("#card").focus()
        if self.watching and now.lesson.path:
            iteration = lambda: self.sitting.cursor.iteration  # noqa: E731
            self.watched = Watch(self, now.lesson.path, iteration, self.reload, self.draw)
        place = store.place(now.key)
        if place is None:
            self.show_answer_line()
            self.action_intro()  # at once: keys typed ahead are for it
        else:
            notation = self.sitting.cursor.notation if store.setting(NOTATION) else place.notation
            self.restore(replace(place, notation=notation))

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

    def reload(self, lesson: Lesson, run: Run, trace: Trace) -> None:
        """Play another version of the lesson, at the same step as far as it has that."""
        self.workers.cancel_group(self, "seek")
        self._drawn.clear()
        self.query_one("#map").border_title = map_title(trace)
        self.show(self.sitting.reloaded(lesson, run, trace))
        self.query_one(KeyBar).set_keys(self._keys())
        self.arrange_panes()
        self.call_after_refresh(self.draw)
        if self.reading and self.reading[0] in self.app.screen_stack:
            reader, text = self.reading
            reader.write(text())

    # ------------------------------------------------------------ predict mode

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

    # ------------------------------------------------------------ keys

    def action_forward(self) -> None:
        self.release()
        try:
            moved = self.sitting.forward()
        except AtTheEnd:
            self.finish()
        else:
            self.show(moved)

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

    def action_unfold(self) -> None:
        """The operands of the formula written out; where one is chosen in the list of them, that one."""
        if self.question_first(say("what is written out")):
            return
        pane = self.query_one("#where", Lines)
        chosen = pane.lines[pane.cursor].target if pane.has_focus and 0 <= pane.cursor < len(pane.lines) else None
        self.go(lambda: self.sitting.unfold(chosen or ""))

    def action_fold(self) -> None:
        self.go(self.sitting.fold)

    def action_chain(self) -> None:
        """The step taken apart, in a screen of its own."""
        from tutor.tui.chain import ChainScreen, opens  # not needed for the first frame

        if self.question_first(say("the chain")):
            return
        now = self.sitting
        if isinstance(found := opens(now.cursor, now.step), str):
            self.say(found)
        else:
            view, of = found
            self.app.push_screen(ChainScreen(now, of, view), self.returned)

    def returned(self, id: str | None) -> None:
        """Back from another screen: to a step that was chosen there."""
        if id:
            self.jump(id)

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

    def action_train(self) -> None:
        """The training screen, on this player's own run; what it answers is the iteration to step."""
        from tutor.tui.training import TrainingScreen  # not needed for the first frame

        def step(number: int | None) -> None:
            if number is not None:
                self.seek(number)

        if self.is_trained() and not self.question_first(say("the losses")):
            self.stop_seek()
            self.app.push_screen(TrainingScreen(self.sitting.lesson, self.sitting.run), step)

    # ------------------------------------------------------------ what if

    def adopt(self, changes: WhatIf) -> None:
        """Play the lesson with these changes: the same step, level, notation and iteration, as far as it has them.

        An iteration that takes long to come to is trained for beside the screen, which shows the first meanwhile.
        """
        self.workers.cancel_group(self, "seek")
        number, soon = self.sitting.cursor.iteration, time.monotonic() + PATIENCE
        self.show(self.sitting.adopt(changes, lambda at: time.monotonic() < soon))
        if self.sitting.trained and self.sitting.cursor.iteration != number:
            self.seek(number)

    def action_what_if(self) -> None:
        from tutor.tui.whatif import WhatIfScreen  # not needed for the first frame

        def left(what: str | None) -> None:
            if what == "compare":
                self.action_compare()

        self.app.push_screen(WhatIfScreen(self.sitting, self.adopt), left)

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

    def action_compare(self) -> None:
        from tutor.tui.compare import CompareScreen  # not needed for the first frame

        if self.is_trained(say("there are no runs to compare")):
            self.app.push_screen(CompareScreen(self.sitting.changes))

    def action_sweep(self) -> None:
        from tutor.tui.sweep import SweepScreen

        def step(edit: str | None) -> None:
            if edit:
                try:
                    self.adopt(self.sitting.changes.apply(edit))
                except Refused as error:
                    self.say(str(error))

        if self.is_trained(say("there are no runs to sweep over")):
            self.app.push_screen(SweepScreen(self.sitting.lesson), step)

    def action_diagnose(self) -> None:
        from tutor.tui.diagnose import Diagnose

        def go(id: str | None) -> None:
            if id:
                self.show(self.sitting.jump(id))

        self.app.push_screen(Diagnose(self.sitting, self.show), go)

    def action_paper(self) -> None:
        """The whole pass to fill in; of a lesson that is changed nothing is kept."""
        from tutor.learner.papers import open_paper
        from tutor.tui.paper import PaperScreen

        now = self.sitting
        try:
            store = None if now.changed else self.tutor.store
            keeper, paper = open_paper(store, now.key, now.trace, now.cursor.notation)
        except Refused as error:
            self.say(str(error))
        else:
            self.app.push_screen(PaperScreen(keeper, paper))

    def action_exam(self) -> None:
        try:
            self.tutor.exam_on(self.sitting.lesson)
        except Refused as error:
            self.say(str(error))

    def action_open(self, name: str) -> None:
        """Open the screen of the file `name`.py beside this one: what its `screen` makes of the lesson being played."""
        self.app.push_screen(import_module(f"tutor.tui.{name}").screen(self.sitting))

    # ------------------------------------------------------------ dialogs

    def action_go(self) -> None:
        def wrong(text: str) -> str | None:
            try:
                resolve(self.sitting.trace.program, text)
            except NoSuchStep as error:
                return str(error)
            return None

        def go(text: str | None) -> None:
            if text:
                self.show(self.sitting.jump(text))

        such_as = "dL/dW2, dL/dW2[1,2], da2/dz2 …" if self.sitting.trace.program.model.layers else "f, df/dx …"
        self.app.push_screen(Ask(say("Go to which step?"), wrong, such_as), go)

    def action_go_iteration(self) -> None:
        if not self.is_trained():
            return

        def wrong(text: str) -> str | None:
            return None if typed(text) else say("A whole number from 1 to {most}.", most=f"{MAX_ITERATION:,}")

        def typed(text: str) -> int | None:
            return whole_number(text.replace(",", ""), MAX_ITERATION)

        def go(text: str | None) -> None:
            if text and (number := typed(text)):
                self.seek(number)

        self.app.push_screen(Ask(say("Go to which iteration?"), wrong, "100"), go)

    def action_pictures(self) -> None:
        if not self.question_first(say("the pictures")):
            self.app.push_screen(PicturesScreen(self.sitting, self.show))

    def intro(self) -> str:
        said = "\n".join(f"- {sentence}" for sentence in conventions(self.sitting.trace, self.sitting.cursor.notation))
        told = say("To look up, here or later (`i`); each term is explained at the step that needs it:")
        return f"# {self.sitting.lesson.title}\n\n{self.sitting.intro()}\n\n---\n\n{told}\n\n{said}"

    def action_intro(self) -> None:
        answers = {"enter": "begin", "i": "begin", "n": "begin"}
        hint = say("Enter begins · ↑ ↓ scroll · i opens this again")
        if not self.sitting.predict:
            hint, answers["p"] = say("Enter begins · p begins with questions · ↑ ↓ scroll · i: this again"), "predict"

        def begin(answer: str | None) -> None:
            if answer == "predict" and not self.sitting.predict:
                self.action_predict()

        self.read(self.intro, Reader(self.intro(), hint, answers), begin)

    def read(self, text: Callable[[], str], reader: Reader, then: Callable[[str | None], None] | None = None) -> None:
        """Open a text of the lesson; a new save of the lesson while it is open writes it anew.

        A key that the text names does at once what it does behind it.
        """
        named = named_in(text())
        reader.answers = {**{key: key for key in named}, **reader.answers}

        def done(answer: str | None) -> None:
            if answer in named:
                self.call_later(self.run_action, named[answer])
            elif then:
                then(answer)

        self.reading = reader, text
        self.app.push_screen(reader, done)

    def action_glossary(self) -> None:
        from tutor.tui.glossary import Glossary

        self.app.push_screen(Glossary(terms_of(self.sitting.step)))

    def action_note(self) -> None:
        """Ask for a note at this step; what is there is to be changed."""
        step = self.sitting.step.equation.symbol.id
        before = self.tutor.store.notes(self.sitting.key).get(step, "")

        def keep(words: str | None) -> None:
            if words:
                self.tutor.store.save_note(self.sitting.key, step, "" if words == "-" else words)
                self.draw()

        if before:
            question = say("Your note at {step} (a single - takes it away):", step=step)
        else:
            question = say("Your note at {step}:", step=step)
        self.app.push_screen(Ask(question, lambda text: None, say("in your own words"), before, MAX_NOTE), keep)

    def action_copy(self) -> None:
        from tutor.tui.copying import offer_copy

        offer_copy(self, self.sitting)

    def action_names(self) -> None:
        lines = views.names_lines(self.sitting.trace, self.sitting.scribe, 66)
        title = line(
            say("Names in the notation {notation}", notation=say(self.sitting.scribe.writer.notation.title)), "title"
        )
        self.app.push_screen(
            Reader([title, line(), *lines], say("↑ ↓ scroll · Esc goes back"), {"enter": "", "f5": ""})
        )

    def action_algorithm(self) -> None:
        try:
            lines = views.page_lines(self.sitting.page, 66)
        except Refused as error:
            self.say(str(error))
        else:
            self.app.push_screen(Reader(lines, say("↑ ↓ scroll · Esc goes back"), {"enter": "", "a": ""}))

    def action_help(self) -> None:
        lines = player_help([key for key in PLAYER if useful(key.action, self.sitting)])
        answers = dict.fromkeys(("enter", "question_mark", "q", "f1"), "")
        self.app.push_screen(Reader(lines, say("↑ ↓ scroll · Esc goes back"), answers))

    def finish(self) -> None:
        """Past the last step: the lesson is finished."""
        self.sitting = self.sitting.finish()
        if not self.sitting.changed:
            finish(self.tutor.store, self.sitting.key, SCREEN)
        more = say(" · . next iteration") if self.sitting.trained else ""
        later = following(self.tutor.store, self.sitting.key)
        answers = {"enter": "next" if later else "home", "h": "home", "full_stop": "iteration", "b": "stay"}
        first = say("Enter next lesson") if later else say("Enter goes home")

        def answer(choice: str | None) -> None:
            if choice == "next" and later and self.leaves():
                self.stop_seek()
                self.app.pop_screen()
                self.tutor.open_lesson(later.path, later.key)
            elif choice == "home":
                self.action_home()
            elif choice == "iteration" and self.sitting.trained:
                self.sitting = self.sitting.first()
                self.action_iteration(1)

        home = (
            say(" · h home") if later and self.app.size.width >= 66 else ""
        )  # the one that the narrowest does without
        self.read(
            self.outro,
            Reader(self.outro(), say("{first}{more}{home} · Esc stays", first=first, more=more, home=home), answers),
            answer,
        )

    def outro(self) -> str:
        from tutor.lab.bench import on  # at the end, not before the first step

        ending = self.sitting.outro() or say("That was the last step.")
        later = following(self.tutor.store, self.sitting.key)
        parts = [f"# ✓ {self.sitting.lesson.title}", said_of_results(self.sitting.results), ending]
        if exercise := on(self.sitting.key):
            parts.append(
                say("To write it yourself, in Python: **{title}**, in the lab (`ctrl+e` at home)", title=exercise.title)
            )
        if later and later.title not in " ".join(ending.split()):  # else the ending has said it
            parts.append(say("Next: **{title}**", title=later.title))
        return "\n\n".join(filter(None, parts))

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

    def action_ask_again(self) -> None:
        """The question that was answered here once more, with new numbers."""
        from tutor.learner.practice import PracticeItem, with_new_numbers

        now = self.sitting
        if now.asking and now.asking.done and not now.changed:
            if more := with_new_numbers(self.tutor.store, PracticeItem(now.key, now.asking.item)):
                self.tutor.practise(say("Again"), [more])
            else:
                self.say(say("This question has no other numbers."))

    def stop_seek(self) -> None:
        self.workers.cancel_group(self, "seek")

    def action_map(self) -> None:
        # Beside a question it shows what is known.
        self.app.push_screen(DiagramScreen(self.sitting, self.show), self.returned)

    def action_home(self) -> None:
        if self.leaves():
            self.stop_seek()
            self.app.pop_screen()

    def action_quit(self) -> None:
        if self.leaves():
            self.app.exit()

    def leaves(self) -> bool:
        """Whether to leave: with changes of the lesson, which end here, only if asked for twice in a row."""
        if not self.sitting.changed or self.sitting.changes is self.warned_of:
            return True
        self.warned_of = self.sitting.changes
        self.say(say("Your changes end here (w, then s: a lesson file of them). The same key again leaves."))
        return False
