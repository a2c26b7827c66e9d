"""The player: one lesson, a step at a time. It holds one sitting; keys put another in its place (`player_moves.py`).

Here is how a lesson begins and ends, and what is opened above it: screens, dialogs, texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import ClassVar

from textual.binding import BindingType

from tutor.engine.lesson import Lesson
from tutor.engine.run import MAX_ITERATION, Run
from tutor.engine.trace import NoSuchStep, Trace, resolve
from tutor.learner.records import (
    NOTATION,
    chosen_notation,
    fading,
    finish,
    following,
    predicts,
)
from tutor.lessonfiles.catalogue import data_dir
from tutor.play.commands import PLAYER, named_in
from tutor.play.settings import Refused
from tutor.play.sitting import AtTheEnd, begin, said_of_results
from tutor.play.whatif import WhatIf
from tutor.text.card import terms_of
from tutor.text.conventions import conventions
from tutor.text.language import N_, said, say
from tutor.text.words import whole_number
from tutor.tui import views
from tutor.tui.diagram import DiagramScreen
from tutor.tui.dialogs import Ask, Reader
from tutor.tui.keys import bindings
from tutor.tui.lines import KeyBar, Line, entitle, line
from tutor.tui.map import map_title
from tutor.tui.pictures import PicturesScreen
from tutor.tui.player_help import player_help
from tutor.tui.player_moves import SCREEN, PlayerMoves
from tutor.tui.player_panes import useful
from tutor.tui.watch import Watch

MAX_NOTE = 500  # characters of a note


class PlayerScreen(PlayerMoves):
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

    def reload(self, lesson: Lesson, run: Run, trace: Trace) -> None:
        """Play another version of the lesson, at the same step as far as it has that."""
        self.workers.cancel_group(self, "seek")
        self._drawn.clear()
        entitle(self.query_one("#map"), map_title(trace))
        self.show(self.sitting.reloaded(lesson, run, trace))
        self.query_one(KeyBar).set_keys(self._keys())
        self.arrange_panes()
        self.call_after_refresh(self.draw)
        if self.reading and self.reading[0] in self.app.screen_stack:
            reader, text = self.reading
            reader.write(text())

    # ------------------------------------------------------------ it ends

    def action_forward(self) -> None:
        self.release()
        try:
            moved = self.sitting.forward()
        except AtTheEnd:
            self.finish()
        else:
            self.show(moved)

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
        from tutor.lab.exercises import on  # at the end, not before the first step

        ending = self.sitting.outro() or say("That was the last step.")
        later = following(self.tutor.store, self.sitting.key)
        parts = [f"# ✓ {self.sitting.lesson.title}", said_of_results(self.sitting.results), ending]
        if exercise := on(self.sitting.key):
            told = N_("To write it yourself, in Python: **{title}**, in the lab (`ctrl+e` at home)")
            parts.append(say(told, title=say(exercise.title)))
        if later and later.title not in " ".join(ending.split()):  # else the ending has said it
            parts.append(say("Next: **{title}**", title=later.title))
        return "\n\n".join(filter(None, parts))

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

    # ------------------------------------------------------------ screens above it

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

    def action_map(self) -> None:
        # Beside a question it shows what is known.
        self.app.push_screen(DiagramScreen(self.sitting, self.show), self.returned)

    def action_pictures(self) -> None:
        if not self.question_first(say("the pictures")):
            self.app.push_screen(PicturesScreen(self.sitting, self.show))

    def action_train(self) -> None:
        """The training screen, on this player's own run; what it answers is the iteration to step."""
        from tutor.tui.training import TrainingScreen  # not needed for the first frame

        def step(number: int | None) -> None:
            if number is not None:
                self.seek(number)

        if self.is_trained() and not self.question_first(say("the losses")):
            self.stop_seek()
            self.app.push_screen(TrainingScreen(self.sitting.lesson, self.sitting.run), step)

    def action_what_if(self) -> None:
        from tutor.tui.whatif import WhatIfScreen  # not needed for the first frame

        def left(what: str | None) -> None:
            if what == "compare":
                self.action_compare()

        self.app.push_screen(WhatIfScreen(self.sitting, self.adopt), left)

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

    def action_ask_again(self) -> None:
        """The question that was answered here once more, with new numbers."""
        from tutor.learner.practice import PracticeItem, with_new_numbers

        now = self.sitting
        if now.asking and now.asking.done and not now.changed:
            if more := with_new_numbers(self.tutor.store, PracticeItem(now.key, now.asking.item)):
                self.tutor.practise(say("Again"), [more])
            else:
                self.say(say("This question has no other numbers."))

    def action_open(self, name: str) -> None:
        """Open the screen of the file `name`.py beside this one: what its `screen` makes of the lesson being played."""
        self.app.push_screen(import_module(f"tutor.tui.{name}").screen(self.sitting))

    # ------------------------------------------------------------ dialogs and texts

    def action_go(self) -> None:
        def wrong(text: str) -> str | None:
            try:
                resolve(self.sitting.trace.program, text)
            except NoSuchStep as error:
                return said(error)
            return None

        def go(text: str | None) -> None:
            if text:
                self.show(self.sitting.jump(text))

        self.app.push_screen(Ask(say("Go to which step?"), wrong, ", ".join(self.sitting.some_ids) + " …"), go)

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
        lines = views.names_lines(self.sitting.trace, self.sitting.scribe)
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
