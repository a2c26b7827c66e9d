"""Training in lines: how far, how it ended, the losses, what comes out right, and runs side by side."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tutor.cli.patience import PATIENCE, Say
from tutor.engine.evaluation import evaluator_of
from tutor.engine.landscape import NoLandscape, landscape_over
from tutor.engine.lesson import Lesson
from tutor.engine.program import iterations_per_epoch
from tutor.engine.run import MAX_ITERATION, TOLERANCE, Run, Stopped
from tutor.play import sweep as sweeping
from tutor.play.compare import EPOCHS, Comparison, asked
from tutor.play.settings import Refused
from tutor.play.sitting import Sitting
from tutor.play.sweep_map import runs_of
from tutor.text.evaluation_words import ending, loss_words, value_lines, without_evaluation, words
from tutor.text.landscape_words import landscape_words, lowest_words, point_words, stops
from tutor.text.lines import wrapped
from tutor.text.words import whole_number


def train(sitting: Sitting, text: str, say: Say) -> None:
    """Train on to an iteration, to the end of an epoch, or until nothing changes any more. Raises Refused."""
    sitting.require_training()
    run, (word, _, rest) = sitting.run, text.lower().partition(" ")
    per_epoch = iterations_per_epoch(sitting.lesson)
    epoch = whole_number(rest.replace(",", ""), max(MAX_ITERATION // per_epoch, 1)) if word == "epoch" else None
    number = epoch * per_epoch if epoch else whole_number(word.replace(",", ""), MAX_ITERATION)
    converge = word.startswith("converge")
    if number is None and not converge:
        most = f"at most {MAX_ITERATION:,} iterations"
        raise Refused(f"Say how far: train 100, train epoch 10 or train converge; {most}.")
    if number is not None and number <= run.trained:
        raise Refused(f"That is trained already; `iteration {number}` steps it.")
    result = _train_to(run, number or MAX_ITERATION, TOLERANCE if converge else None, say)
    _say_wrapped(ending(run, result, TOLERANCE), say)
    if run.diverged is not None:
        say(f"`iteration {run.diverged}` steps where it begins.")
    losses(run, say)
    evaluate(run, "", say)


def _train_to(run: Run, number: int, tolerance: float | None, say: Say) -> Stopped:
    told = time.monotonic()
    with _interruptible() as interrupted:

        def progress(trained: int) -> bool:
            nonlocal told
            if time.monotonic() - told >= PATIENCE and sys.stdout.isatty():
                told = time.monotonic()
                say(f"Training: {trained:,} of {number:,}. Ctrl+C stops.")
            return not interrupted.is_set()

        return run.train(number, progress, tolerance)


def losses(run: Run, say: Say) -> None:
    """The losses of what is trained, in words."""
    for said in loss_words(run):
        _say_wrapped(said, say)
    say("")


def landscape(run: Run, text: str, say: Say) -> None:
    """The loss over two parameters, in words: the path of what is trained, and what lies beside it. Raises Refused."""
    try:
        made = landscape_over(run, run.trained, text)
    except NoLandscape as error:
        raise Refused(str(error)) from None
    say(f"{made.of.id} over {made.x.id} and {made.y.id}")
    for said in (*landscape_words(made), "The path:", *(f"  {point_words(made, k)}" for k in stops(made))):
        _say_wrapped(said, say)
    for said in lowest_words(made):
        _say_wrapped(said, say)
    say("")


def evaluate(run: Run, text: str, say: Say) -> None:
    """What is predicted right after the iteration that is named, or after the last one. Raises Refused."""
    trained = run.trained
    number = whole_number(text.replace(",", ""), max(trained, 1)) if text else trained
    if number is None or number > trained:
        raise Refused(f"Say after which iteration: from 1 to {trained:,}." if trained else "Nothing is trained yet.")
    parameters = run.parameters(number + 1)
    say(f"After iteration {number:,}:" if number else "Before any training:")
    evaluator = evaluator_of(run.lesson)
    if evaluator:
        unseen = evaluator.held_out
        held_out = None if unseen is None else unseen.evaluate(parameters)
        for said in words(evaluator, evaluator.evaluate(parameters), held_out):
            if "│" in said:  # a row of a table
                say(said)
            else:
                _say_wrapped(said, say)
    else:
        _say_wrapped(without_evaluation(run.lesson), say)
    if not run.model.layers:
        for name, value in parameters.items():
            for row in value_lines(name, value, 78):
                say(f"  {row}")
    say("")


def compare(lesson: Lesson, text: str, say: Say) -> None:
    """Runs of a lesson that differ in one setting, trained side by side, in words. Raises Refused."""
    comparison = Comparison(lesson, *asked(text))
    say(f"{EPOCHS} epochs of each, from the same seed. Ctrl+C stops.")
    try:
        comparison.train(EPOCHS)
    except KeyboardInterrupt:
        say("\nStopped.")
    say("\n".join("\n".join(wrapped(said, "  ", "    ")) for said in comparison.words()) + "\n")


def sweep(lesson: Lesson, text: str, say: Say) -> None:
    """Many runs of a lesson over a range of one setting, or a grid of two, in words. Raises Refused."""
    found = runs_of(lesson, text)
    say(f"{found.total} runs of {sweeping.EPOCHS} epochs each. Ctrl+C stops.")
    told = time.monotonic()
    with _interruptible() as interrupted:

        def progress(done: int) -> bool:
            nonlocal told
            if time.monotonic() - told >= PATIENCE and sys.stdout.isatty():
                told = time.monotonic()
                say(f"{done} of {found.total} runs so far.")
            return not interrupted.is_set()

        if not found.train(sweeping.EPOCHS, progress):
            say("\nStopped.")
    for said in found.words():
        _say_wrapped(said, say)
    best = found.best
    if best is not None and sweeping.SCALE not in found.names:
        say(f"`set {found.edit(best)}` steps the run that ends lowest.")
    say("")


def _say_wrapped(said: str, say: Say) -> None:
    say("\n".join(wrapped(said, "", "    " if said.startswith(" ") else "  ")))


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Ctrl+C sets the event instead of cutting off what is being computed."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.signal(signal.SIGINT, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
