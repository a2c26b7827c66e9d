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
from tutor.text import language
from tutor.text.evaluation_words import ending, loss_words, value_lines, without_evaluation, words
from tutor.text.landscape_words import landscape_words, lowest_words, point_words, stops
from tutor.text.language import say
from tutor.text.lines import wrapped
from tutor.text.words import whole_number


def train(sitting: Sitting, text: str, out: Say) -> None:
    """Train on to an iteration, to the end of an epoch, or until nothing changes any more. Raises Refused."""
    sitting.require_training()
    run, (word, _, rest) = sitting.run, text.lower().partition(" ")
    per_epoch = iterations_per_epoch(sitting.lesson)
    epoch = whole_number(rest.replace(",", ""), max(MAX_ITERATION // per_epoch, 1)) if word == "epoch" else None
    number = epoch * per_epoch if epoch else whole_number(word.replace(",", ""), MAX_ITERATION)
    converge = word.startswith("converge")
    if number is None and not converge:
        told = say(
            "Say how far: train 100, train epoch 10 or train converge; at most {most} iterations.",
            most=f"{MAX_ITERATION:,}",
        )
        raise Refused(told)
    if number is not None and number <= run.trained:
        raise Refused(say("That is trained already; `iteration {n}` steps it.", n=number))
    result = _train_to(run, number or MAX_ITERATION, TOLERANCE if converge else None, out)
    _wrapped(ending(run, result, TOLERANCE), out)
    if run.diverged is not None:
        out(say("`iteration {n}` steps where it begins.", n=run.diverged))
    losses(run, out)
    evaluate(run, "", out)


def _train_to(run: Run, number: int, tolerance: float | None, out: Say) -> Stopped:
    told = time.monotonic()
    with _interruptible() as interrupted:

        def progress(trained: int) -> bool:
            nonlocal told
            if time.monotonic() - told >= PATIENCE and sys.stdout.isatty():
                told = time.monotonic()
                out(say("Training: {n} of {count}. Ctrl+C stops.", n=f"{trained:,}", count=f"{number:,}"))
            return not interrupted.is_set()

        return run.train(number, progress, tolerance)


def losses(run: Run, out: Say) -> None:
    """The losses of what is trained, in words."""
    for said in loss_words(run):
        _wrapped(said, out)
    out("")


def landscape(run: Run, text: str, out: Say) -> None:
    """The loss over two parameters, in words: the path of what is trained, and what lies beside it. Raises Refused."""
    try:
        made = landscape_over(run, run.trained, text)
    except NoLandscape as error:
        raise Refused(language.said(error)) from None
    out(say("{loss} over {x} and {y}", loss=made.of.id, x=made.x.id, y=made.y.id))
    for said in (*landscape_words(made), say("The path:"), *(f"  {point_words(made, k)}" for k in stops(made))):
        _wrapped(said, out)
    for said in lowest_words(made):
        _wrapped(said, out)
    out("")


def evaluate(run: Run, text: str, out: Say) -> None:
    """What is predicted right after the iteration that is named, or after the last one. Raises Refused."""
    trained = run.trained
    number = whole_number(text.replace(",", ""), max(trained, 1)) if text else trained
    if number is None or number > trained:
        told = say("Say after which iteration: from 1 to {last}.", last=f"{trained:,}")
        raise Refused(told if trained else say("Nothing is trained yet."))
    parameters = run.parameters(number + 1)
    out(say("After iteration {n}:", n=f"{number:,}") if number else say("Before any training:"))
    evaluator = evaluator_of(run.lesson)
    if evaluator:
        unseen = evaluator.held_out
        held_out = None if unseen is None else unseen.evaluate(parameters)
        for said in words(evaluator, evaluator.evaluate(parameters), held_out):
            if "│" in said:  # a row of a table
                out(said)
            else:
                _wrapped(said, out)
    else:
        _wrapped(without_evaluation(run.lesson), out)
    if not run.model.layers:
        for name, value in parameters.items():
            for row in value_lines(name, value, 78):
                out(f"  {row}")
    out("")


def compare(lesson: Lesson, text: str, out: Say) -> None:
    """Runs of a lesson that differ in one setting, trained side by side, in words. Raises Refused."""
    comparison = Comparison(lesson, *asked(text))
    out(say("{n} epochs of each, from the same seed. Ctrl+C stops.", n=EPOCHS))
    try:
        comparison.train(EPOCHS)
    except KeyboardInterrupt:
        out(say("\nStopped."))
    out("\n".join("\n".join(wrapped(said, "  ", "    ")) for said in comparison.words()) + "\n")


def sweep(lesson: Lesson, text: str, out: Say) -> None:
    """Many runs of a lesson over a range of one setting, or a grid of two, in words. Raises Refused."""
    found = runs_of(lesson, text)
    out(say("{runs} runs of {epochs} epochs each. Ctrl+C stops.", runs=found.total, epochs=sweeping.EPOCHS))
    told = time.monotonic()
    with _interruptible() as interrupted:

        def progress(done: int) -> bool:
            nonlocal told
            if time.monotonic() - told >= PATIENCE and sys.stdout.isatty():
                told = time.monotonic()
                out(say("{n} of {runs} runs so far.", n=done, runs=found.total))
            return not interrupted.is_set()

        if not found.train(sweeping.EPOCHS, progress):
            out(say("\nStopped."))
    for said in found.words():
        _wrapped(said, out)
    best = found.best
    if best is not None and sweeping.SCALE not in found.names:
        out(say("`set {edit}` steps the run that ends lowest.", edit=found.edit(best)))
    out("")


def _wrapped(said: str, out: Say) -> None:
    out("\n".join(wrapped(said, "", "    " if said.startswith(" ") else "  ")))


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
