"""Training: run on, watch the losses and what the network gets right, then pick an iteration to step.

Threads work on the player's run, and leave behind what there is to show: `History` and `Look`. The screen
looks for it ten times a second, so that no key ever waits for training, nor for an evaluation that takes its time.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static
from textual.worker import get_current_worker

from tutor.engine.evaluation import evaluator_of
from tutor.engine.held_out import HeldOut
from tutor.engine.landscape import NoLandscape
from tutor.engine.lesson import Lesson
from tutor.engine.program import iterations_per_epoch, rows
from tutor.engine.run import MAX_ITERATION, TOLERANCE, Run, Stopped
from tutor.lessonfiles.catalogue import data_dir
from tutor.play.commands import Key
from tutor.text.cells import bar, cut, width
from tutor.text.evaluation_words import (
    accuracy_text,
    ending,
    short_accuracy,
    value_lines,
    without_evaluation,
)
from tutor.text.language import N_, said, say, say_many
from tutor.text.layout import number
from tutor.text.words import whole_number
from tutor.tui.dialogs import Ask, Reader
from tutor.tui.keys import bindings, help_lines
from tutor.tui.lines import KeyBar, Line, Lines, entitle, line
from tutor.tui.screen import TutorScreen
from tutor.tui.training_views import (
    FIELD,
    History,
    Look,
    curve_lines,
    duration,
    evaluation_lines,
    outgrown,
    plane_lines,
)
from tutor.tui.views import wrapped

PANES = ("losses", "evaluation", "plane")
CURVES = ("both", "epochs", "iterations")
QUICK = 0.003  # seconds that a look may take on the screen's own time
PACES = (1, 3, 10, 30, 100)  # iterations a second in slow motion

KEYS = [
    Key("space", "start_stop", "space", "start/stop", "train on, or stop"),
    Key("g", "to_iteration", "g", "iteration", "train on to an iteration"),
    Key("p", "to_epoch", "p", "epoch", "train on to the end of an epoch"),
    Key("c", "converge", "c", "converge", "train until nothing changes by 1×10⁻⁶ an epoch"),
    Key("C", "converge_bound", "C", "", "the same with a bound of your own"),
    Key("minus", "pace(-1)", "-/+", "", "slow motion: 100, 30, 10, 3 or 1 iterations a second"),
    Key("plus,equals_sign", "pace(1)", "+", "", "faster, at last flat out"),
    Key("left", "move(-1)", "←→", "pick", "pick an iteration on the curve"),
    Key("right", "move(1)", "→", "", "the same, towards the last"),
    Key("comma", "step(-1)", ",", "", "the iteration before"),
    Key("full_stop", "step(1)", ".", "", "the next iteration"),
    Key("i", "pick", "i", "", "pick an iteration by its number"),
    Key("home", "first", "home", "", "pick the first iteration"),
    Key("end", "last", "end", "", "pick the last, and follow while training goes on"),
    Key("enter", "choose", "enter", "step it", "step the picked iteration in the player"),
    Key("a", "before_after", "a", "before/after", "evaluate before or after the picked update"),
    Key("l", "log_y", "l", "log", "losses on a logarithmic axis, or a plain one"),
    Key("e", "curves", "e", "curves", "epochs and iterations, or one of them"),
    Key("v", "landscape", "v", "landscape", "the loss over two parameters, and the path that training took across it"),
    Key("tab", "pane(1)", "tab", "pane", "the next pane, where not all fit"),
    Key("escape", "stop_or_leave", "esc", "back", "stop the training; at rest: back to the player"),
    Key("d", "app.toggle_dark", "d", "", "light or dark"),
    Key("question_mark", "help", "?", "help", "this help"),
    Key("q", "leave", "q", "", "back to the player"),
    # Second ways.
    Key("shift+tab", "pane(-1)"),
    Key("f1", "help"),
    Key("x", "leave"),
    Key("down", "scroll(2)"),
    Key("up", "scroll(-2)"),
    Key("pagedown", "scroll(10)"),
    Key("pageup", "scroll(-10)"),
]


@dataclass(frozen=True)
class TrainingGoal:
    """What is trained towards: so many iterations in all, or a change below `tolerance`."""

    iterations: int
    tolerance: float | None = None
    open_end: bool = False


# ---------------------------------------------------------------- the screen


class TrainingScreen(TutorScreen):
    """Trains the run of a player; answers with the iteration to step, or None."""

    CSS_PATH: ClassVar = [data_dir("assets") / "player.tcss", data_dir("assets") / "training.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    commands = KEYS

    class Ended(Message):
        """A thread is through with the run; `result` says how a training ended, None after a mere look."""

        def __init__(self, result: Stopped | None) -> None:
            super().__init__()
            self.result = result

    def __init__(self, lesson: Lesson, run: Run) -> None:
        super().__init__()
        self.lesson, self.run = lesson, run
        self.per_epoch = iterations_per_epoch(lesson)
        self.evaluator = evaluator_of(lesson)
        self.held_out = HeldOut.of(run)
        self.history = History.of(run, self.held_out)
        self.look: Look | None = None
        self.spent = math.inf  # seconds that the last one took
        self.at: int | None = None  # the iteration that is picked; None follows the last
        self.after = True
        self.pane, self.curves, self.log_y = "losses", "both", False
        self.goal: TrainingGoal | None = None
        self.pace: int | None = None  # iterations a second; None: flat out
        self.began = (0.0, 0)  # when this training began, and how much was trained then
        self.told = ""
        self.leaving: list[int | None] = []  # the answer, once the threads are through
        self.threads = 0
        self._stop = threading.Event()
        self._shown: tuple[object, ...] | None = None

    # ------------------------------------------------------------ what there is

    @property
    def quantity(self) -> str:
        """What is minimised."""
        if not self.run.model.loss_name:
            return self.run.model.output.id
        return say("loss with its L2 term" if self.run.loss.quantity == "objective" else "loss")

    @property
    def has_plane(self) -> bool:
        return bool(
            self.run.model.layers and self.evaluator
            and self.lesson.inputs.shape[1] == 2 and self.evaluator.kind != "numbers"
        )  # fmt: skip

    @property
    def panes(self) -> tuple[str, ...]:
        return PANES if self.has_plane else PANES[:2]

    @property
    def trained(self) -> int:
        return len(self.history.losses)

    @property
    def picked(self) -> int:
        """The iteration that is picked; 0 where nothing is trained."""
        return self.trained if self.at is None else min(self.at, self.trained)

    @property
    def done(self) -> int:
        """How many updates the network has had that is looked at."""
        return self.picked if self.after else max(self.picked - 1, 0)

    def compose(self) -> ComposeResult:
        yield Lines(id="bar")
        yield Lines(id="told")
        with Horizontal(id="body"):
            yield Lines(id="losses", classes="pane", title=say("Losses") if self.run.model.loss_name else say("Output"))
            with Vertical(id="right"):
                yield Lines(
                    id="evaluation", classes="pane", title=say("Evaluation") if self.evaluator else say("Values")
                )
                yield Lines(id="plane", classes="pane", title=say("Decision boundary"))
        yield KeyBar(KEYS)
        yield Static(id="small")

    def on_mount(self) -> None:
        for pane in self.query(Lines):
            pane.can_focus = False
        if self.run.diverged is not None:
            self.at, self.log_y = self.run.diverged, outgrown(self.run.losses)
            self.told = ending(self.run, "diverged", 0)
        self.set_interval(0.1, self.refresh_if_needed)
        self.want_look()

    def on_resize(self) -> None:
        wide = self.size.width >= 110
        self.suit_size({"-wide": wide, "-single": not wide})
        self.arrange_panes()

    def arrange_panes(self) -> None:
        """Wide: all panes, as far as they fit; else the chosen one alone."""
        if self.has_class("-wide"):
            fits = self.size.height >= 34
            right = self.pane if self.pane != "losses" else "plane" if self.has_plane else "evaluation"
            shown = {"losses", "right", *(self.panes if fits else [right])}
        else:
            shown = {self.pane, *(["right"] if self.pane != "losses" else [])}
        for name in (*PANES, "right"):
            self.query_one(f"#{name}").set_class(name not in shown, "absent")
        self.query_one("#evaluation").set_class("plane" not in shown, "alone")
        self._shown = None
        self.call_after_refresh(self.refresh_if_needed)

    # ------------------------------------------------------------ the thread's side

    def start(self, goal: TrainingGoal) -> None:
        if self.goal is not None:
            self.say(say("Training is going on: Esc stops it."))
            return
        if self.run.diverged is not None:
            self.say(say("The training diverged: going on would not bring the numbers back."))
            return
        if goal.iterations <= self.trained:
            self.at = goal.iterations
            self.say(say("Iteration {n} is trained already: it is picked now.", n=f"{goal.iterations:,}"))
            return
        self.goal, self.at, self.told = goal, None, ""
        self.began = (time.monotonic(), self.trained)
        self._stop.clear()
        self._work(lambda: self._train(goal))

    def _work(self, job: Callable[[], Stopped | None]) -> None:
        """Do a job in a thread of its own."""

        def work() -> None:
            self.post_message(self.Ended(job()))

        self.threads += 1
        self.run_worker(work, thread=True, group="run")

    def _train(self, goal: TrainingGoal) -> Stopped:
        worker, next_look = get_current_worker(), 0.0

        def progress(trained: int) -> bool:
            nonlocal next_look
            self.history = History.of(self.run, self.held_out)
            following = self.look is None or self.look.done != self.done
            if following and time.monotonic() >= next_look:
                next_look = time.monotonic() + max(0.25, 5 * self._look())
            return self.pace is None and not ended()

        def ended() -> bool:
            return self._stop.is_set() or worker.is_cancelled

        result: Stopped | None = None
        while not result:
            pace = self.pace
            upto = goal.iterations if pace is None else min(self.run.trained + max(pace // 20, 1), goal.iterations)
            result = self.run.train(upto, progress if pace is None else None, goal.tolerance)
            if (result == "done" and upto < goal.iterations) or (result == "cancelled" and not ended()):
                result = None  # a step of slow motion; or flat out no more
            if pace is not None and not result:
                self.history = History.of(self.run, self.held_out)
                if self.at is None:
                    self._look()
                self._stop.wait(max(pace // 20, 1) / pace)
                result = "cancelled" if ended() else None
        if self.held_out is not None:
            self.held_out.curve()
        self.history = History.of(self.run, self.held_out)
        self._look()
        return result

    def _look(self) -> float:
        """Look at the network that is wanted; returns the seconds it took."""
        began, done = time.monotonic(), self.done
        parameters = self.run.parameters(done + 1)
        if self.evaluator is None:
            self.look = Look(done, values=parameters)
        else:
            plane = self.evaluator.plane(parameters, FIELD[1], FIELD[0]) if self.has_plane else None
            values = None if self.run.model.layers else parameters  # a network has too many
            held_out = None if self.held_out is None else self.held_out.after(done)
            self.look = Look(done, self.evaluator.evaluate(parameters), plane, values, held_out)
        self.spent = time.monotonic() - began
        return self.spent

    def _look_once(self) -> None:
        self._look()

    def want_look(self) -> None:
        """See to it that what is picked is looked at; while training goes on, the training does that.

        What takes no time is done at once, so that one painting shows all that the key has changed.
        """
        if self.goal is None and not self.threads and (self.look is None or self.look.done != self.done):
            if self.spent < QUICK:
                self._look()
            else:
                self._work(self._look_once)

    def on_training_screen_ended(self, event: Ended) -> None:
        self.threads -= 1
        if event.result:
            bound = self.goal.tolerance if self.goal else None
            self.goal, self.told = None, ending(self.run, event.result, bound or TOLERANCE)
            if event.result == "diverged":
                self.at, self.log_y = self.run.diverged, outgrown(self.run.losses)
        if self.leaving:
            if not self.threads:
                self.dismiss(self.leaving[-1])
            return
        self.want_look()
        self._shown = None
        self.refresh_if_needed()

    # ------------------------------------------------------------ drawing

    def say(self, text: str, style: str = "value") -> None:
        self.told = text  # it has a line of its own, below the status
        self.want_look()
        self._shown = None
        self.refresh_if_needed()

    def refresh_if_needed(self) -> None:
        """Draw what is new; called ten times a second, and after each key."""
        sizes = tuple(self.query_one(f"#{name}").size for name in PANES)
        curve = (self.trained, self.picked, self.log_y, self.curves, sizes)
        state = (curve, (self.look, sizes), (self.after, self.told, self.goal is None))
        if not self.is_current or self.has_class("-tiny") or (state == self._shown and self.goal is None):
            return
        before, self._shown = self._shown or (None, None, None), state
        self.draw_head()
        if before[0] != state[0]:
            self.draw_losses()
        if before[1] != state[1]:
            self.draw_look()

    def draw_head(self) -> None:
        head = self.query_one("#bar", Lines)
        room = head.size.width or self.size.width - 2
        self.query_one("#bar", Lines).show(
            [line(cut(say("Training: {title}", title=self.lesson.title), room), "title")]
        )
        lines = [self.status_line(room)]
        lines += [*([self.progress_line(room)] if self.goal else []), *wrapped(self.told, room, "value")]
        self.query_one("#told", Lines).show(lines)

    def status_line(self, room: int) -> Line:
        """The iteration that is picked: where it is, its loss, how good the network is there."""
        at, found = self.picked, self.look.evaluation if self.look else None
        right = [accuracy_text(found)] if found and self.look else []
        if found and self.look and self.look.held_out:
            if found.accuracy is not None:
                right = [say("{share} right", share=short_accuracy(found))]
            right[0] += say(", held out {share}", share=short_accuracy(self.look.held_out))
        if not at:
            return line(cut(" · ".join([say("not trained yet"), *right]), room), "strong")
        if right and self.look and self.look.done != at:
            when = say("after {n}", n=f"{self.look.done:,}") if self.look.done else say("at the start")
            right = [f"{when}: {right[0]}"]
        taken = rows(self.lesson, at)
        last = say(" of {n}", n=f"{self.trained:,}") if at != self.trained else ""
        parts = [say("iteration {n}", n=f"{at:,}") + last]
        parts += [say("epoch {n}", n=f"{(at - 1) // self.per_epoch + 1:,}")] if self.per_epoch > 1 else []
        if self.lesson.example_count > 1 and len(taken) <= 3:
            listed = ", ".join(f"{row + 1:,}" for row in taken)
            parts.append(say_many(len(taken), "row {rows}", "rows {rows}", rows=listed))
        tail = [f"{self.quantity} {number(self.history.losses[at - 1])}", *right]
        while len(parts) > 1 and width(" · ".join([*parts, *tail])) > room:
            parts.pop()
        return line(cut(" · ".join([*parts, *tail]), room), "strong")

    def progress_line(self, room: int) -> Line:
        """How far the training is, and how long it may take yet."""
        assert self.goal
        began, before = self.began
        spent, made = time.monotonic() - began, self.trained - before
        rate = made / spent if spent > 0 else 0.0
        done = f"{self.trained:,}"
        pace = N_("{n} a second in {way}") if self.pace is None else N_("{n} a second")
        pace = say(pace, n=f"{rate:,.0f}", way=self.run.way)
        if self.goal.open_end:
            said = say("{n} iterations · {pace}", n=done, pace=pace)
            if self.goal.tolerance is not None:
                said += say(" · until changes are below {tolerance}", tolerance=number(self.goal.tolerance))
            said += say(" · Esc stops, - slows")
            return line(cut("▶ " + said, room), "value")
        left = duration((self.goal.iterations - self.trained) / rate) if rate else "?"
        said = say(
            " {n} of {count} · {pace} · {left} left", n=done, count=f"{self.goal.iterations:,}", pace=pace, left=left
        ) + say(" · Esc stops, - slows")
        cells = max(6, min(40, room - width(said)))
        share = made / max(self.goal.iterations - before, 1)
        return Line(((bar(share, cells), "curve1"), (cut(said, room - cells), "value")))

    def draw_losses(self) -> None:
        pane = self.query_one("#losses", Lines)
        if pane.has_class("absent") or pane.size.width < 10:
            return
        pane.show(
            curve_lines(self.history, self.per_epoch, self.picked, self.curves, self.log_y, pane.size.width,
                        pane.size.height, f"{self.quantity}{say(', logarithmic') * self.log_y}")
        )  # fmt: skip

    def draw_look(self) -> None:
        pane, look = self.query_one("#evaluation", Lines), self.look
        if look is None:
            return
        when = say("at the start") if not look.done else say("after iteration {n}", n=f"{look.done:,}")
        if not pane.has_class("absent"):
            entitle(pane, say("Evaluation {when}", when=when) if self.evaluator else say("Values {when}", when=when))
            if self.evaluator and look.evaluation:
                said = evaluation_lines(self.evaluator, look, pane.size.width - 1, pane.size.height)
            else:
                said = wrapped(without_evaluation(self.run.lesson), pane.size.width - 1, "dim")
            values = [
                line(row, "numbers")
                for name, value in (look.values or {}).items()
                for row in value_lines(name, value, pane.size.width - 1)
            ]
            pane.show([*said, line(), *values] if values else said)
        plane = self.query_one("#plane", Lines)
        if self.evaluator and not plane.has_class("absent") and plane.size.width > 10:
            entitle(plane, say("Decision boundary {when}", when=when))
            plane.show(plane_lines(self.evaluator, look, plane.size.width, plane.size.height))

    # ------------------------------------------------------------ keys: training

    def action_start_stop(self) -> None:
        if self.goal is not None:
            self._stop.set()
        else:
            self.start(TrainingGoal(MAX_ITERATION, open_end=True))

    def action_pace(self, by: int) -> None:
        """Slower or faster; faster than the fastest pace is flat out."""
        at = (len(PACES) if self.pace is None else PACES.index(self.pace)) + by
        self.pace = PACES[max(at, 0)] if at < len(PACES) else None
        self.began = (time.monotonic(), self.trained)
        self.say(
            say("Flat out.")
            if self.pace is None
            else say("Slow motion: {pace} a second. + is faster, - slower.", pace=self.pace)
        )

    def action_to_iteration(self) -> None:
        suggested = self.trained + 100
        self.ask_number(
            say("Train to which iteration?"), MAX_ITERATION, lambda n: self.start(TrainingGoal(n)), suggested
        )

    def action_to_epoch(self) -> None:
        most = max(MAX_ITERATION // self.per_epoch, 1)
        here = self.trained // self.per_epoch
        self.ask_number(
            say("Train to the end of which epoch?"),
            most,
            lambda n: self.start(TrainingGoal(n * self.per_epoch)),
            here + 10,
        )

    def action_converge(self, tolerance: float = TOLERANCE) -> None:
        self.start(TrainingGoal(MAX_ITERATION, tolerance, open_end=True))

    def action_converge_bound(self) -> None:
        def typed(text: str) -> float | None:
            try:
                value = float(text)
            except ValueError:
                return None
            return value if 0 < value < 1e300 else None

        def go(text: str | None) -> None:
            if text and (value := typed(text)):
                self.action_converge(value)

        question = say("Train until an epoch changes loss and parameters by less than …")
        self.app.push_screen(
            Ask(question, lambda text: None if typed(text) else say("A number above 0, such as 1e-6."), "1e-6"), go
        )

    def ask_number(self, question: str, most: int, use: Callable[[int], None], such_as: int) -> None:
        def typed(text: str) -> int | None:
            return whole_number(text.replace(",", ""), most)

        def go(text: str | None) -> None:
            if text and (value := typed(text)):
                use(value)

        wrong = say("A whole number from 1 to {most}.", most=f"{most:,}")
        self.app.push_screen(Ask(question, lambda text: None if typed(text) else wrong, f"{min(such_as, most)}"), go)

    def action_stop_or_leave(self) -> None:
        if self.goal is not None:
            self._stop.set()
        else:
            self.leave(None)

    def action_leave(self) -> None:
        self.leave(None)

    def leave(self, number: int | None) -> None:
        """Back to the player, once no thread is at its run any more."""
        self._stop.set()
        self.leaving.append(number)
        if not self.threads and len(self.leaving) == 1:
            self.dismiss(number)

    # ------------------------------------------------------------ keys: picking

    def pick(self, number: int) -> None:
        """Pick an iteration; the last one is followed while training goes on."""
        if not self.trained:
            self.say(say("Nothing is trained yet: space starts."))
            return
        number = max(1, min(number, self.trained))
        self.at = number if number < self.trained or self.run.diverged == number else None
        self.say("" if self.run.diverged is None else self.told)

    def action_step(self, by: int) -> None:
        self.pick(self.picked + by)

    def action_move(self, by: int) -> None:
        """To the next column of the curve."""
        columns = max(self.query_one("#losses", Lines).size.width - 10, 20)
        self.pick(self.picked + by * max(1, round(self.trained / columns)))

    def action_first(self) -> None:
        self.pick(1)

    def action_last(self) -> None:
        self.pick(self.trained)

    def action_pick(self) -> None:
        if self.trained:
            self.ask_number(say("Pick which iteration?"), self.trained, self.pick, self.picked)
        else:
            self.pick(1)

    def action_choose(self) -> None:
        if self.trained:
            self.leave(self.picked)
        else:
            self.say(say("Nothing is trained yet: space starts."))

    def action_before_after(self) -> None:
        self.after = not self.after
        before = say("Evaluated before the picked iteration's update.")
        self.say(say("Evaluated after the picked iteration's update.") if self.after else before)

    # ------------------------------------------------------------ keys: looking

    def action_log_y(self) -> None:
        self.log_y = not self.log_y
        self.refresh_if_needed()

    def action_curves(self) -> None:
        if self.per_epoch == 1:
            self.say(say("An epoch of this lesson is one iteration: there is one curve."))
            return
        self.curves = CURVES[(CURVES.index(self.curves) + 1) % len(CURVES)]
        self.refresh_if_needed()

    def action_pane(self, by: int) -> None:
        self.pane = self.panes[(self.panes.index(self.pane) + by) % len(self.panes)]
        self.arrange_panes()

    def action_landscape(self) -> None:
        from tutor.tui.landscape import LandscapeScreen

        try:
            self.app.push_screen(LandscapeScreen(self.run, self.done))
        except NoLandscape as error:
            self.say(said(error))

    def action_scroll(self, by: int) -> None:
        pane = self.query_one("#evaluation", Lines)
        pane.scroll_lines_to(pane.top + by)

    def action_help(self) -> None:
        lines = [*help_lines(KEYS), line(), *(line(say(text), "dim") for text in ABOUT)]
        answers = dict.fromkeys(("enter", "question_mark", "q"), "")
        self.app.push_screen(Reader(lines, say("↑ ↓ scroll · Esc goes back"), answers))


ABOUT = (
    N_("The loss of an iteration is that of its own examples, before their update; the mean of an epoch is over its "
    "iterations. The evaluation is of all rows with one set of parameters. Everything that was trained is kept: any "
    "iteration can be picked and stepped, and the player trains on from there. Rows that a lesson holds out are never "
    "trained on: how the network does on them says what it has learned, and not what it knows by heart."),
)  # fmt: skip
